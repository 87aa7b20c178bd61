// Forecasts: the lanes run on from the live state, and what is said of them.
//
// The published bands are the lanes' own, recalibrated per field, lead and band by what is learned
// from the truths that came (predict/forecast_bands.h; forecast_scores.c). A lead whose own truths
// do not say otherwise is corrected as the shorter one, whose truths come sooner.
#include <math.h>
#include <string.h>

#include "num/statistics.h"
#include "twin/twin_parts.h"

static size_t truth_of(const gm_world *world, gm_ref ref)
{
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        if (gm_sensor_is_plain(&world->sensors[sensor]) &&
            memcmp(&world->sensors[sensor].ref, &ref, sizeof ref) == 0) {
            return sensor;
        }
    }
    return GM_NO_INDEX;
}

static bool open_lead(gm_twin *twin, gm_lead *lead, int64_t lead_ns)
{
    lead->row.lead_ns = lead_ns;
    lead->learned_ns = lead->compared_ns = INT64_MIN;
    lead->capacity = (size_t)(lead_ns / twin->world->forecast.every_ns) + 4;
    lead->pending = gm_arena_new(twin->arena, lead->capacity, sizeof *lead->pending);
    lead->lanes = gm_arena_new(twin->arena, lead->capacity * twin->distinct, sizeof(double));
    lead->means =
        gm_arena_new(twin->arena, lead->capacity * twin->world->hypothesis_count, sizeof(double));
    return lead->pending != NULL && lead->lanes != NULL && lead->means != NULL;
}

gm_status gm_forecaster_open(gm_twin *twin, gm_error *error)
{
    const gm_world_forecast *declared = &twin->world->forecast;
    gm_forecaster *forecaster = &twin->forecaster;
    forecaster->issued_ns = INT64_MIN;
    forecaster->scores_from_ns = INT64_MIN;
    forecaster->field_count = declared->every_ns > 0 ? declared->ref_count : 0;
    forecaster->lead_count = declared->lead_count;
    size_t fields = forecaster->field_count;
    forecaster->leads = gm_arena_new(twin->arena, fields * declared->lead_count, sizeof(gm_lead));
    forecaster->truth = gm_arena_new(twin->arena, fields, sizeof(size_t));
    forecaster->last_value = gm_arena_new(twin->arena, fields, sizeof(double));
    forecaster->last_ns = gm_arena_new(twin->arena, fields, sizeof(int64_t));
    forecaster->values = gm_arena_new(twin->arena, fields * twin->lanes, sizeof(double));
    forecaster->drawn = gm_arena_new(twin->arena, twin->distinct, sizeof(double));
    forecaster->sorted = gm_arena_new(twin->arena, twin->distinct, sizeof(double));
    bool memory = forecaster->leads != NULL && forecaster->truth != NULL &&
                  forecaster->last_value != NULL && forecaster->last_ns != NULL &&
                  forecaster->values != NULL && forecaster->drawn != NULL &&
                  forecaster->sorted != NULL;
    for (size_t field = 0; memory && field < fields; field++) {
        forecaster->truth[field] = truth_of(twin->world, declared->refs[field]);
        forecaster->last_ns[field] = INT64_MIN;
        for (size_t lead = 0; memory && lead < declared->lead_count; lead++) {
            memory = open_lead(twin, gm_lead_at(forecaster, field, lead), declared->leads_ns[lead]);
        }
    }
    if (!memory) {
        return gm_error_set(error, GM_MEMORY, "no memory for forecasts");
    }
    gm_status status = gm_world_work_create(twin->world, twin->lanes, &forecaster->work, error);
    if (status == GM_OK) {
        gm_world_work_repeat(forecaster->work, twin->distinct);
    }
    return status;
}

void gm_forecaster_close(gm_twin *twin)
{
    gm_world_work_close(twin->forecaster.work);
}

// ---- issuing ----

gm_summary gm_forecast_published(const gm_band_forecast *forecast, double mean, double *work)
{
    gm_band_edges edges = gm_band_edges_of(forecast);
    gm_band_members(forecast, work);
    return (gm_summary){ .mean = mean,
                         .spread =
                             forecast->count > 1 ? sqrt(gm_variance(work, forecast->count)) : 0.0,
                         .q05 = edges.lower[GM_BAND_90],
                         .q25 = edges.lower[GM_BAND_50],
                         .q50 = edges.median,
                         .q75 = edges.upper[GM_BAND_50],
                         .q95 = edges.upper[GM_BAND_90] };
}

/// A model that is wrong by so much is wrong by at least as much at the next lead.
static gm_band_corrections corrections_for(const gm_forecaster *forecaster, size_t field,
                                           size_t number)
{
    gm_band_corrections found = { 0 };
    for (gm_band band = 0; band < GM_BANDS; band++) {
        const gm_lead *lead = gm_lead_at(forecaster, field, number);
        double start = number > 0 ? fmax(lead[-1].corrections.of[band], 0.0) : 0.0;
        found.of[band] = gm_band_correction(&lead->memory, band, start);
    }
    return found;
}

/// Keeps what was said until its truth comes; the oldest leaves when truths do not come.
static void wait_for_truth(const gm_twin *twin, gm_lead *lead, const gm_pending *pending,
                           const double *lanes, const double *means)
{
    size_t hypotheses = twin->world->hypothesis_count;
    if (lead->count == lead->capacity) {
        lead->first = (lead->first + 1) % lead->capacity;
        lead->count--;
    }
    size_t place = (lead->first + lead->count++) % lead->capacity;
    lead->pending[place] = *pending;
    memcpy(lead->lanes + place * twin->distinct, lanes, pending->lane_count * sizeof *lanes);
    memcpy(lead->means + place * hypotheses, means, hypotheses * sizeof *means);
}

/// What the lanes say of one field at one lead.
static void say_one(gm_twin *twin, const gm_state *state, size_t field, size_t number)
{
    gm_forecaster *forecaster = &twin->forecaster;
    gm_lead *lead = gm_lead_at(forecaster, field, number);
    double means[GM_HYPOTHESES];
    const gm_said said = gm_forecast_said(twin, state, field, number, means);
    bool measured = forecaster->last_ns[field] != INT64_MIN;
    gm_pending pending = {
        .issued_ns = forecaster->issued_ns,
        .valid_ns = gm_state_time(state),
        .persistence = measured ? forecaster->last_value[field] : (double)NAN,
        .mean = said.mean,
        .lane_count = said.count,
    };
    pending.corrections = lead->corrections = corrections_for(forecaster, field, number);
    gm_band_forecast forecast = { .lanes = said.lanes,
                                  .count = pending.lane_count,
                                  .corrections = pending.corrections };
    gm_summary value = gm_forecast_published(&forecast, pending.mean, forecaster->sorted);
    pthread_mutex_lock(&twin->look_lock);
    lead->row.time_ns = pending.valid_ns;
    lead->row.value = value;
    if (forecaster->truth[field] != GM_NO_INDEX) {
        wait_for_truth(twin, lead, &pending, said.lanes, means);
    }
    pthread_mutex_unlock(&twin->look_lock);
    gm_recorder_forecast(twin, lead);
}

/// What the lanes say at one lead, for all fields.
static gm_status say(gm_twin *twin, const gm_state *state, size_t number, gm_error *error)
{
    gm_forecaster *forecaster = &twin->forecaster;
    gm_status status = gm_state_read_many(state, twin->world->forecast.refs,
                                          forecaster->field_count, forecaster->values, error);
    for (size_t field = 0; status == GM_OK && field < forecaster->field_count; field++) {
        say_one(twin, state, field, number);
    }
    return status;
}

static gm_status run_ahead(gm_twin *twin, gm_state *state, gm_error *error)
{
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD,
                                   .workers = twin->workers,
                                   .work = twin->forecaster.work,
                                   .known = twin->options.known,
                                   .known_context = twin->options.known_context };
    gm_status status = GM_OK;
    for (size_t lead = 0; status == GM_OK && lead < twin->forecaster.lead_count; lead++) {
        int64_t valid_ns = twin->forecaster.issued_ns + twin->world->forecast.leads_ns[lead];
        int64_t left_ns = valid_ns - gm_state_time(state);
        // what is not known comes at half the way: its older part has half faded, its newer part
        // not at all
        status = gm_world_advance(twin->world, state, &options, valid_ns - left_ns / 2, error);
        if (status == GM_OK) {
            status = gm_estimator_wander(twin, state, left_ns, error);
        }
        if (status == GM_OK) {
            status = gm_world_advance(twin->world, state, &options, valid_ns, error);
        }
        if (status == GM_OK) {
            status = say(twin, state, lead, error);
        }
    }
    return status;
}

gm_status gm_forecaster_issue(gm_twin *twin, gm_error *error)
{
    gm_forecaster *forecaster = &twin->forecaster;
    int64_t time_ns = gm_state_time(twin->state), every_ns = twin->world->forecast.every_ns;
    bool due =
        forecaster->field_count > 0 && (forecaster->issued_ns == INT64_MIN ||
                                        time_ns / every_ns != forecaster->issued_ns / every_ns);
    if (!due || (twin->replaying && twin->cycle <= forecaster->scored_until)) {
        return GM_OK;
    }
    gm_state *ahead = NULL;
    gm_status status = gm_state_fork(twin->state, &ahead, error);
    if (status != GM_OK) {
        return status;
    }
    pthread_mutex_lock(&twin->look_lock);
    if (twin->options.score_after_ns > 0 && forecaster->scores_from_ns == INT64_MIN) {
        forecaster->scores_from_ns = time_ns + twin->options.score_after_ns;
    }
    forecaster->issued_ns = time_ns;
    forecaster->count++;
    pthread_mutex_unlock(&twin->look_lock);
    gm_error why = { 0 };
    status = run_ahead(twin, ahead, &why);
    gm_state_close(ahead);
    if (status == GM_NUMERIC) {
        // a future in which no lane survives is no reason to stop following the present
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "no forecast: %s", why.text);
        return GM_OK;
    }
    if (status == GM_OK && !twin->replaying) {
        gm_tell(twin, &(gm_twin_update){ .kind = GM_UPDATE_FORECAST, .cycle = twin->cycle });
    }
    return status == GM_OK ? GM_OK : gm_error_set(error, status, "%s", why.text);
}

// ---- what others see ----

gm_status gm_twin_forecast(gm_twin *twin, size_t field, gm_forecast_row *rows, int64_t *issued_ns,
                           gm_error *error)
{
    gm_forecaster *forecaster = &twin->forecaster;
    if (field >= forecaster->field_count) {
        return gm_error_set(error, GM_NOT_FOUND, "the world forecasts %zu fields",
                            forecaster->field_count);
    }
    pthread_mutex_lock(&twin->look_lock);
    bool issued = forecaster->issued_ns != INT64_MIN;
    for (size_t lead = 0; issued && lead < forecaster->lead_count; lead++) {
        rows[lead] = gm_lead_at(forecaster, field, lead)->row;
    }
    *issued_ns = forecaster->issued_ns;
    pthread_mutex_unlock(&twin->look_lock);
    return issued ? GM_OK : gm_error_set(error, GM_NOT_FOUND, "no forecast was issued yet");
}
