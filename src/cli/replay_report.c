// The summary at a recording's end: for people, or as JSON.
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "cli/replay_run.h"

enum { ADDRESS_SIZE = 512, EVENTS_FIRST = 256, JSON_DIGITS = 12 };

typedef struct report {
    gm_twin *twin;
    const gm_replay_tally *tally;
    gm_twin_event *events; // [event_count]
    size_t event_count;
    gm_score *scores; // [score_count]
    size_t score_count;
    double factor;
    char hash[17];
} report;

static gm_status collect(report *made, gm_error *error)
{
    const gm_world_forecast *forecast = &gm_twin_world(made->twin)->forecast;
    size_t limit = EVENTS_FIRST;
    do {
        gm_memory_free(made->events);
        limit *= 4;
        made->events = gm_memory_new(limit, sizeof *made->events);
        if (made->events == NULL) {
            return gm_error_set(error, GM_MEMORY, "no memory for a summary");
        }
        gm_twin_events(made->twin, false, limit, made->events, &made->event_count);
    } while (made->event_count == limit && limit < GM_TWIN_EVENTS_MAX);
    made->score_count = forecast->every_ns > 0 ? forecast->ref_count * forecast->lead_count : 0;
    made->scores = gm_memory_new(made->score_count, sizeof *made->scores);
    if (made->scores == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a summary");
    }
    gm_twin_scores(made->twin, made->scores);
    double elapsed_s = fmax(made->tally->elapsed_s, 1e-9);
    made->factor = (double)made->tally->span_ns / (double)GM_SECOND_NS / elapsed_s;
    snprintf(made->hash, sizeof made->hash, "%016" PRIx64, gm_twin_hash(made->twin));
    return GM_OK;
}

static void score_field(const report *made, const gm_score *score, char *text, size_t size)
{
    const gm_world *world = gm_twin_world(made->twin);
    gm_world_address(world, world->forecast.refs[score->field], text, size);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *time_or_null(int64_t time_ns)
{
    char text[40];
    if (time_ns == INT64_MAX) {
        return json_null();
    }
    gm_time_format(time_ns, text);
    return json_string(text);
}

static json_t *events_json(const report *made)
{
    json_t *list = json_array();
    // the twin lists the newest first, a summary reads from the start
    for (size_t index = made->event_count; index-- > 0;) {
        const gm_twin_event *event = &made->events[index];
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s, s:s, s:o, s:s, s:s}", "start",
                            time_or_null(event->start_ns), "end", time_or_null(event->end_ns),
                            "subject", event->subject, "kind", event->kind, "size",
                            number(event->size), "unit", event->unit, "text", event->text));
    }
    return list;
}

static json_t *score_json(const report *made, const gm_score *score)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        { "rmse", score->rmse },
        { "bias", score->bias },
        { "persistence_rmse", score->persistence_rmse },
        { "crps", score->crps },
        { "crps_fair", score->crps_fair },
        { "coverage50", score->coverage50 },
        { "coverage90", score->coverage90 },
        { "width50", score->width50 },
        { "width90", score->width90 },
        { "raw_crps", score->raw_crps },
        { "raw_coverage50", score->raw_coverage50 },
        { "raw_coverage90", score->raw_coverage90 },
    };
    char field[ADDRESS_SIZE];
    score_field(made, score, field, sizeof field);
    json_t *object =
        json_pack("{s:s, s:f, s:I}", "field", field, "horizon_s",
                  (double)score->lead_ns / (double)GM_SECOND_NS, "count", (json_int_t)score->count);
    for (size_t index = 0; index < sizeof numbers / sizeof *numbers; index++) {
        json_object_set_new(object, numbers[index].name, number(numbers[index].value));
    }
    return object;
}

static json_t *scores_json(const report *made)
{
    json_t *list = json_array();
    for (size_t index = 0; index < made->score_count; index++) {
        json_array_append_new(list, score_json(made, &made->scores[index]));
    }
    return list;
}

static gm_status print_json(const report *made, gm_error *error)
{
    const gm_replay_tally *tally = made->tally;
    json_t *root =
        json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:s, s:f, s:f}", "samples",
                  (json_int_t)tally->samples, "accepted", (json_int_t)tally->accepted, "duplicates",
                  (json_int_t)tally->duplicates, "rejected", (json_int_t)tally->rejected, "late",
                  (json_int_t)tally->late, "cycles", (json_int_t)tally->cycles, "events",
                  events_json(made), "forecast", scores_json(made), "hash", made->hash, "elapsed_s",
                  tally->elapsed_s, "realtime_factor", made->factor);
    if (root == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a summary");
    }
    json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(JSON_DIGITS));
    printf("\n");
    json_decref(root);
    return GM_OK;
}

static void print_event(const gm_twin_event *event)
{
    char start[40], end[40] = "still open";
    gm_time_format(event->start_ns, start);
    if (event->end_ns != INT64_MAX) {
        gm_time_format(event->end_ns, end);
    }
    printf("  %s .. %s  %s %s: %s\n", start, end, event->subject, event->kind, event->text);
}

static void print_scores(const report *made)
{
    if (made->score_count > 0) {
        printf("\n%-36s %9s %9s %9s %12s %9s %9s %8s %8s %9s %9s %7s\n", "forecast of", "ahead",
               "rmse", "bias", "persistence", "crps", "raw crps", "in 50 %", "in 90 %", "width 50",
               "width 90", "scored");
    }
    for (size_t index = 0; index < made->score_count; index++) {
        const gm_score *score = &made->scores[index];
        char field[ADDRESS_SIZE];
        score_field(made, score, field, sizeof field);
        printf("%-36s %7.0f s %9.4g %9.2g %12.4g %9.4g %9.4g %6.1f %% %6.1f %% %9.4g %9.4g "
               "%7" PRIu64 "\n",
               field, (double)score->lead_ns / (double)GM_SECOND_NS, score->rmse, score->bias,
               score->persistence_rmse, score->crps, score->raw_crps, 100.0 * score->coverage50,
               100.0 * score->coverage90, score->width50, score->width90, score->count);
    }
}

static void print_text(const report *made)
{
    const gm_replay_tally *tally = made->tally;
    printf("%zu samples: %zu accepted, %zu duplicates, %zu rejected; %" PRIu64 " came late\n",
           tally->samples, tally->accepted, tally->duplicates, tally->rejected, tally->late);
    printf("%" PRIu64 " cycles in %.3g s, %.0f times real time; state %s\n", tally->cycles,
           tally->elapsed_s, made->factor, made->hash);
    if (made->event_count > 0) {
        printf("\nevents:\n");
    }
    for (size_t index = made->event_count; index-- > 0;) {
        print_event(&made->events[index]);
    }
    print_scores(made);
}

gm_status gm_replay_report(gm_twin *twin, const gm_replay_tally *tally, bool json, gm_error *error)
{
    report made = { .twin = twin, .tally = tally };
    gm_status status = collect(&made, error);
    if (status == GM_OK && json) {
        status = print_json(&made, error);
    } else if (status == GM_OK) {
        print_text(&made);
    }
    gm_memory_free(made.events);
    gm_memory_free(made.scores);
    return status;
}
