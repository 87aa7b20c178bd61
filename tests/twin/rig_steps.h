// Single steps of a played incubator: one sample, one cycle, what is in the folder afterwards.
#ifndef GEMEL_TESTS_TWIN_RIG_STEPS_H
#define GEMEL_TESTS_TWIN_RIG_STEPS_H

#include "box_rig.h"
#include "store/catalogue.h"
#include "store/history.h"

enum { RIG_EVENTS = 256 };

typedef struct rig_folder {
    char path[32];
} rig_folder;

static inline rig_folder rig_folder_make(void)
{
    rig_folder folder = { "/tmp/gemel-twin-XXXXXX" };
    assert_non_null(mkdtemp(folder.path));
    return folder;
}

static inline gm_sample_fate rig_submit(gm_twin *twin, gm_sample sample)
{
    gm_sample_fate fate = GM_SAMPLE_NONE;
    gm_submission submission = { .samples = &sample, .count = 1, .fates = &fate };
    gm_error error = { 0 };
    if (gm_twin_submit(twin, &submission, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return fate;
}

static inline void rig_cycle(gm_twin *twin, int64_t time_ns)
{
    gm_error error = { 0 };
    if (gm_twin_cycle(twin, time_ns, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static inline gm_twin_status rig_status(gm_twin *twin)
{
    gm_twin_status status;
    gm_twin_status_get(twin, &status);
    return status;
}

/// A value a number of steps of the rig after its start, between two of them when it is broken.
static inline gm_sample rig_sample(size_t sensor, double step, double value)
{
    return (gm_sample){ .sensor = sensor,
                        .time_ns = RIG_START_NS + (int64_t)(step * (double)RIG_CYCLE_NS),
                        .value = value };
}

/// The newest history of a series; free with gm_history_rows_free.
static inline gm_history_rows rig_history(gm_twin *twin, const char *series, int64_t as_of_ns)
{
    gm_history_query query = gm_default_history_query();
    query.branch = "live";
    query.series = series;
    query.as_of_ns = as_of_ns;
    gm_history_rows rows = { 0 };
    gm_error error = { 0 };
    if (gm_history_read(gm_store_history(gm_twin_store(twin)), &query, &rows, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return rows;
}

/// Row of a time, or fails.
static inline size_t rig_row(const gm_history_rows *rows, int64_t time_ns)
{
    for (size_t row = 0; row < rows->count; row++) {
        if (rows->time_ns[row] == time_ns) {
            return row;
        }
    }
    fail_msg("no row at that time");
    return 0;
}

typedef struct rig_events {
    gm_twin_event events[RIG_EVENTS];
    size_t count;
} rig_events;

static inline void rig_take_event(void *context, const gm_event_record *record)
{
    rig_events *taken = context;
    assert_true(taken->count < RIG_EVENTS);
    gm_twin_event *event = &taken->events[taken->count++];
    event->id = record->id;
    event->start_ns = record->start_ns;
    event->end_ns = record->end_ns;
    snprintf(event->kind, sizeof event->kind, "%s", record->kind);
    snprintf(event->subject, sizeof event->subject, "%s", record->subject);
    snprintf(event->text, sizeof event->text, "%s", record->text);
}

/// The events of the store.
static inline void rig_stored_events(gm_twin *twin, rig_events *stored)
{
    stored->count = 0;
    gm_event_query query = { .branch = "live", .from_ns = INT64_MIN, .to_ns = INT64_MAX };
    gm_error error = { 0 };
    if (gm_event_list(gm_twin_store(twin), &query, rig_take_event, stored, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

/// The events the twin shows.
static inline void rig_shown_events(gm_twin *twin, rig_events *shown)
{
    gm_twin_events(twin, false, RIG_EVENTS, shown->events, &shown->count);
}

static inline size_t rig_count_events(const rig_events *events, const char *kind,
                                      const char *subject)
{
    size_t count = 0;
    for (size_t index = 0; index < events->count; index++) {
        count += strcmp(events->events[index].kind, kind) == 0 &&
                 strcmp(events->events[index].subject, subject) == 0;
    }
    return count;
}

#endif
