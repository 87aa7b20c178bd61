// Comparing forecasts with what came: forecast_trial.h.
#include "study/forecast_trial.h"

#include <math.h>

#include "base/arena.h"

/// What was said of one field at one lead.
typedef struct window {
    gm_forecast_row row;
    bool waits, early;
} window;

typedef struct forecast_trial {
    gm_twin_trial trial;
    const gm_world_forecast *plan;
    gm_forecast_tally *tallies;
    window *windows;       // [field][lead]
    gm_forecast_row *rows; // [lead]
    double *truth;         // [field]
} forecast_trial;

static gm_status open_trial(forecast_trial *on, const gm_world *world,
                            const gm_device_options *devices, gm_error *error)
{
    const gm_world_forecast *plan = on->plan;
    for (size_t lead = 0; lead < plan->lead_count; lead++) {
        if (plan->every_ns <= 0 || plan->leads_ns[lead] % plan->every_ns != 0) {
            return gm_error_set(error, GM_INVALID,
                                "a trial wants leads that are multiples of `every`");
        }
    }
    on->windows = gm_memory_new(plan->ref_count * plan->lead_count, sizeof *on->windows);
    on->rows = gm_memory_new(plan->lead_count, sizeof *on->rows);
    on->truth = gm_memory_new(plan->ref_count, sizeof *on->truth);
    if (on->windows == NULL || on->rows == NULL || on->truth == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a trial of forecasts");
    }
    return gm_twin_trial_open(world, devices, &on->trial, error);
}

static void close_trial(forecast_trial *on)
{
    gm_twin_trial_close(&on->trial);
    gm_memory_free(on->windows);
    gm_memory_free(on->rows);
    gm_memory_free(on->truth);
}

static void compare(const window *said, double truth, gm_forecast_tally *tally)
{
    const gm_summary *value = &said->row.value;
    gm_coverage_add(&tally->truth50, value->q25, value->q75, truth);
    gm_coverage_add(&tally->truth90, value->q05, value->q95, truth);
    if (said->early) {
        gm_coverage_add(&tally->early50, value->q25, value->q75, truth);
        gm_coverage_add(&tally->early90, value->q05, value->q95, truth);
    }
}

/// What was said of now is compared; what is said now waits, where nothing else does.
static gm_status look(forecast_trial *on, int64_t now_ns, bool early, gm_error *error)
{
    const gm_world_forecast *plan = on->plan;
    gm_status status = gm_state_read_many(gm_device_plant_state(on->trial.plant), plan->refs,
                                          plan->ref_count, on->truth, error);
    for (size_t field = 0; status == GM_OK && field < plan->ref_count; field++) {
        int64_t issued_ns = 0;
        status = gm_twin_forecast(on->trial.twin, field, on->rows, &issued_ns, error);
        if (status == GM_NOT_FOUND) {
            return GM_OK; // before the first one
        }
        for (size_t lead = 0; status == GM_OK && lead < plan->lead_count; lead++) {
            window *said = &on->windows[field * plan->lead_count + lead];
            if (said->waits && said->row.time_ns == now_ns) {
                compare(said, on->truth[field], &on->tallies[lead]);
                said->waits = false;
            }
            if (!said->waits && issued_ns == now_ns) {
                *said = (window){ .row = on->rows[lead], .waits = true, .early = early };
            }
        }
    }
    return status;
}

gm_status gm_forecast_trial_run(const gm_world *world, const gm_device_options *devices,
                                const gm_forecast_span *span, gm_forecast_tally *tallies,
                                gm_error *error)
{
    forecast_trial on = { .plan = &world->forecast, .tallies = tallies };
    gm_status status = open_trial(&on, world, devices, error);
    int64_t now_ns = span->start_ns;
    while (status == GM_OK && now_ns < span->end_ns) {
        now_ns += on.plan->every_ns;
        status = gm_twin_trial_play(&on.trial, now_ns, error);
        if (status == GM_OK) {
            status = look(&on, now_ns, now_ns < span->early_ns, error);
        }
    }
    if (status == GM_OK) {
        status = gm_forecast_tally_scores(on.trial.twin, tallies, error);
    }
    close_trial(&on);
    return status;
}

gm_status gm_forecast_tally_scores(gm_twin *twin, gm_forecast_tally *tallies, gm_error *error)
{
    const gm_world_forecast *plan = &gm_twin_world(twin)->forecast;
    size_t count = plan->ref_count * plan->lead_count;
    gm_score *scores = gm_memory_new(count, sizeof *scores);
    if (scores == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for scores");
    }
    gm_twin_scores(twin, scores);
    for (size_t index = 0; index < count; index++) {
        const gm_score *score = &scores[index];
        double readings = (double)score->count;
        if (score->count == 0) {
            continue;
        }
        gm_forecast_tally one = { .readings = readings,
                                  .inside50 = readings * score->coverage50,
                                  .inside90 = readings * score->coverage90,
                                  .raw_inside50 = readings * score->raw_coverage50,
                                  .raw_inside90 = readings * score->raw_coverage90,
                                  .crps = readings * score->crps,
                                  .crps_fair = readings * score->crps_fair,
                                  .raw_crps = readings * score->raw_crps,
                                  .square_sum = readings * score->rmse * score->rmse,
                                  .width50 = readings * score->width50,
                                  .width90 = readings * score->width90 };
        if (isfinite(score->persistence_rmse)) {
            one.rival_square_sum = readings * score->persistence_rmse * score->persistence_rmse;
        }
        gm_forecast_tally_join(&tallies[index % plan->lead_count], &one);
    }
    gm_memory_free(scores);
    return GM_OK;
}

static void join_coverage(gm_coverage *all, const gm_coverage *one)
{
    all->inside += one->inside;
    all->count += one->count;
}

void gm_forecast_tally_join(gm_forecast_tally *all, const gm_forecast_tally *one)
{
    join_coverage(&all->truth50, &one->truth50);
    join_coverage(&all->truth90, &one->truth90);
    join_coverage(&all->early50, &one->early50);
    join_coverage(&all->early90, &one->early90);
    all->readings += one->readings;
    all->inside50 += one->inside50;
    all->inside90 += one->inside90;
    all->raw_inside50 += one->raw_inside50;
    all->raw_inside90 += one->raw_inside90;
    all->crps += one->crps;
    all->crps_fair += one->crps_fair;
    all->raw_crps += one->raw_crps;
    all->square_sum += one->square_sum;
    all->rival_square_sum += one->rival_square_sum;
    all->width50 += one->width50;
    all->width90 += one->width90;
}
