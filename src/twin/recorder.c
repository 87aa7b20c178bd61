// The recorder: what is kept of a twin (history, events, snapshots), and recovery from it.
//
// A snapshot holds the oldest state of the window, so that a late sample can still rewind after a
// restart. Behind it, replay needs every journal record with a sample after that state's time, and
// the marks of the cycles since. Its bytes (codec/pack.h): version u16, time of the state i64, time
// of the last cycle i64, counters u64 x 7, the keys of samples without a
// source time, the sensors' names as the journal behind it means them,
// their names and memories as the state means them (names, text), events still of interest, the
// forecaster's memory as text, then the state (gm_state_save) to the end. History and counters of
// the cycles up to the last one are on disk with it: replay records only what comes after.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "codec/pack.h"
#include "twin/adopted.h"
#include "twin/group_filter.h"
#include "twin/hypotheses.h"
#include "twin/kept_series.h"
#include "twin/sensing.h"
#include "twin/suspects.h"
#include "twin/twin_parts.h"

enum {
    SNAPSHOT_VERSION = 4,
    ADDRESS_SIZE = 512,
    EVENTS_SAVED = 1000,
    FLUSH_WAIT_S = 30,
    KEPT_MAX = 1000, // things learned, and groups: as many as the live feed tells of
};

static const int64_t default_snapshot_ns = 600 * GM_SECOND_NS;
static const int64_t kept_every_ns = 10 * GM_SECOND_NS; // what is learned hardly moves in less
static const double weight_grains = 1e6;                // finer digits would only fill the disk
static const char *const branch_live = "live";

// ---- history ----

static gm_status open_series(gm_twin *twin, const char *name, const char *columns, const char *unit,
                             gm_series_id *id)
{
    gm_error error = { 0 };
    gm_series_definition definition = { branch_live, name, columns, unit };
    gm_status status = gm_history_series(twin->history, &definition, id, &error);
    if (status != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "%s is not recorded: %s", name,
                     error.text);
        *id = 0;
    }
    return status == GM_MEMORY ? status : GM_OK;
}

static gm_status open_forecasts(gm_twin *twin)
{
    gm_forecaster *forecaster = &twin->forecaster;
    gm_status status = GM_OK;
    for (size_t field = 0; status == GM_OK && field < forecaster->field_count; field++) {
        gm_ref ref = twin->world->forecast.refs[field];
        char address[ADDRESS_SIZE], name[ADDRESS_SIZE + 64];
        gm_world_address(twin->world, ref, address, sizeof address);
        for (size_t lead = 0; status == GM_OK && lead < forecaster->lead_count; lead++) {
            gm_lead *of = &forecaster->leads[field * forecaster->lead_count + lead];
            snprintf(name, sizeof name, "forecast/%s/%llds", address,
                     (long long)(of->row.lead_ns / GM_SECOND_NS));
            status = open_series(twin, name, gm_summary_columns,
                                 gm_world_field(twin->world, ref)->unit, &of->series);
        }
    }
    return status;
}

/// Where hypotheses stand side by side: how much is thought of each, and what is learned.
static gm_status open_kept(gm_twin *twin)
{
    const gm_world *world = twin->world;
    gm_recorder *recorder = &twin->recorder;
    char name[ADDRESS_SIZE + 16], columns[GM_HISTORY_NAME_MAX];
    gm_status status = GM_OK;
    if (world->hypothesis_count < 2) {
        return GM_OK;
    }
    gm_kept_weights_columns(columns, sizeof columns);
    for (size_t group = 0; status == GM_OK && group < world->group_count && group < KEPT_MAX;
         group++) {
        gm_kept_weights(world, group, name, sizeof name);
        status = open_series(twin, name, columns, "1", &recorder->weights[group]);
    }
    for (size_t index = 0, kept = 0;
         status == GM_OK && index < world->estimate_count && kept < KEPT_MAX; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        if (gm_is_learned(estimate)) {
            gm_kept_learned(world, estimate, name, sizeof name);
            status =
                open_series(twin, name, gm_summary_columns,
                            gm_world_field(world, estimate->ref)->unit, &recorder->learned[index]);
            kept++;
        }
    }
    return status;
}

gm_status gm_recorder_open(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_recorder *recorder = &twin->recorder;
    recorder->values = gm_arena_new(twin->arena, twin->lanes, sizeof(double));
    recorder->records = gm_arena_new(twin->arena, world->record_count, sizeof(gm_series_id));
    recorder->sensors = gm_arena_new(twin->arena, world->sensor_count, sizeof(gm_series_id));
    recorder->weights = gm_arena_new(twin->arena, world->group_count, sizeof(gm_series_id));
    recorder->learned = gm_arena_new(twin->arena, world->estimate_count, sizeof(gm_series_id));
    if (recorder->values == NULL || recorder->records == NULL || recorder->sensors == NULL ||
        recorder->weights == NULL || recorder->learned == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for records");
    }
    if (twin->history == NULL) {
        return GM_OK;
    }
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < world->record_count; index++) {
        char address[ADDRESS_SIZE];
        gm_ref ref = world->records[index].ref;
        gm_world_address(world, ref, address, sizeof address);
        status = open_series(twin, address, "mean,spread", gm_world_field(world, ref)->unit,
                             &recorder->records[index]);
    }
    for (size_t sensor = 0; status == GM_OK && sensor < world->sensor_count; sensor++) {
        char name[ADDRESS_SIZE];
        snprintf(name, sizeof name, "sensor/%s", world->sensors[sensor].name);
        status = open_series(twin, name, "value", world->sensors[sensor].field_unit,
                             &recorder->sensors[sensor]);
    }
    if (status == GM_OK) {
        status = open_forecasts(twin);
    }
    if (status == GM_OK) {
        status = open_kept(twin);
    }
    return status == GM_OK ? GM_OK : gm_error_set(error, status, "no memory for records");
}

static void append(gm_twin *twin, gm_series_id series, const gm_history_row *row)
{
    if (series == 0) {
        return;
    }
    gm_status status = gm_history_append(twin->history, series, row, NULL);
    if (status == GM_BUSY) {
        // a recording runs ahead of the disk: wait for it; a live twin never gets here unless the
        // disk hangs
        gm_history_flush(twin->history, gm_clock_monotonic_ns() + FLUSH_WAIT_S * GM_SECOND_NS,
                         NULL);
        gm_history_append(twin->history, series, row, NULL);
    }
}

/// All of a summary. @param known_ns  when it was thought so
static void append_summary(gm_twin *twin, gm_series_id series, int64_t time_ns, int64_t known_ns,
                           const gm_summary *value)
{
    append(
        twin, series,
        &(gm_history_row){ .time_ns = time_ns,
                           .known_ns = known_ns,
                           .values = (double[]){ value->mean, value->spread, value->q05, value->q25,
                                                 value->q50, value->q75, value->q95 } });
}

/// A record's value over the lanes, when one is due.
static void record_value(gm_twin *twin, size_t index, const gm_state *state, int64_t known_ns)
{
    gm_recorder *recorder = &twin->recorder;
    if (gm_state_read(state, twin->world->records[index].ref, recorder->values, NULL) != GM_OK) {
        return;
    }
    gm_summary summary;
    gm_summarise(state, recorder->values, &summary);
    append(twin, recorder->records[index],
           &(gm_history_row){ .time_ns = gm_state_time(state),
                              .known_ns = known_ns,
                              .values = (double[]){ summary.mean, summary.spread } });
}

static void record_weights(gm_twin *twin, size_t group, const gm_held *held, int64_t known_ns)
{
    const gm_world *world = twin->world;
    double weights[GM_HYPOTHESES], columns[GM_HYPOTHESES];
    for (size_t column = 0; column < GM_HYPOTHESES; column++) {
        columns[column] = NAN;
    }
    gm_hypotheses_weights(world, held->state, group, weights);
    for (size_t index = 0; index < world->hypothesis_count; index++) {
        columns[gm_kept_weights_column(world->hypotheses[index])] =
            round(weights[index] * weight_grains) / weight_grains;
    }
    append(twin, twin->recorder.weights[group],
           &(gm_history_row){ .time_ns = held->time_ns, .known_ns = known_ns, .values = columns });
}

/// A parameter as others see it, or what an unknown input adds.
static void record_learned(gm_twin *twin, size_t index, const gm_state *state, int64_t known_ns)
{
    const gm_world_estimate *estimate = &twin->world->estimates[index];
    const double *lanes = twin->recorder.values;
    if (estimate->kind == GM_ESTIMATE_INPUT) {
        lanes = gm_world_unknown_added(state, estimate->unknown);
    } else if (gm_state_read(state, estimate->ref, twin->recorder.values, NULL) != GM_OK) {
        return;
    }
    gm_summary summary;
    gm_summarise(state, lanes, &summary);
    append_summary(twin, twin->recorder.learned[index], gm_state_time(state), known_ns, &summary);
}

/// Whether something is due at the end of a cycle: by the clock, not by counting, so that a re-run
/// of a cycle records the same times.
static bool is_due(const gm_twin *twin, int64_t time_ns, int64_t every_ns)
{
    int64_t cycle_ns = twin->world->cycle_ns;
    every_ns = every_ns > cycle_ns ? every_ns : cycle_ns;
    return time_ns / every_ns != (time_ns - cycle_ns) / every_ns;
}

/// What hypotheses are thought of, and what is learned.
static void record_kept(gm_twin *twin, gm_held *held, int64_t known_ns)
{
    const gm_recorder *recorder = &twin->recorder;
    for (size_t group = 0; group < twin->world->group_count; group++) {
        if (recorder->weights[group] != 0) {
            record_weights(twin, group, held, known_ns);
        }
    }
    gm_held *shown = gm_hypotheses_show(twin, held, NULL);
    for (size_t index = 0; shown != NULL && index < twin->world->estimate_count; index++) {
        if (recorder->learned[index] != 0) {
            record_learned(twin, index, shown->state, known_ns);
        }
    }
    gm_held_drop(shown);
}

void gm_recorder_cycle(gm_twin *twin, gm_held *held, int64_t known_ns)
{
    int64_t time_ns = held->time_ns;
    if (twin->history == NULL || (twin->replaying && known_ns <= twin->recorded_ns)) {
        return; // what was published stays as published
    }
    for (size_t index = 0; index < twin->world->record_count; index++) {
        if (twin->recorder.records[index] == 0 ||
            !is_due(twin, time_ns, twin->world->records[index].every_ns)) {
            continue;
        }
        gm_held *shown = gm_hypotheses_show(twin, held, NULL);
        if (shown != NULL) {
            record_value(twin, index, shown->state, known_ns);
        }
        gm_held_drop(shown);
    }
    if (twin->world->hypothesis_count > 1 && is_due(twin, time_ns, kept_every_ns)) {
        record_kept(twin, held, known_ns);
    }
}

void gm_recorder_sample(gm_twin *twin, const gm_arrived *entry, uint32_t quality)
{
    if (twin->history == NULL) {
        return;
    }
    const gm_world_sensor *sensor = &twin->world->sensors[entry->sample.sensor];
    double value = entry->sample.value * sensor->to_si.factor + sensor->to_si.offset;
    bool plausible = value >= sensor->min && value <= sensor->max;
    append(twin, twin->recorder.sensors[entry->sample.sensor],
           &(gm_history_row){ .time_ns = entry->sample.time_ns,
                              .known_ns = entry->arrival_ns,
                              .quality = quality != QUALITY_GOOD ? quality
                                         : plausible             ? 0
                                                                 : QUALITY_RANGE,
                              .values = &value });
}

void gm_recorder_forecast(gm_twin *twin, const gm_lead *lead)
{
    if (twin->history != NULL) {
        int64_t time_ns = lead->row.time_ns;
        append_summary(twin, lead->series, time_ns, time_ns - lead->row.lead_ns, &lead->row.value);
    }
}

void gm_recorder_event(gm_twin *twin, const gm_twin_event *event)
{
    if (twin->store == NULL) {
        return;
    }
    gm_event_record record = { .id = event->id,
                               .branch = branch_live,
                               .subject = event->subject,
                               .kind = event->kind,
                               .start_ns = event->start_ns,
                               .end_ns = event->end_ns,
                               .known_ns = twin->state != NULL ? gm_state_time(twin->state) : 0,
                               .size = event->size,
                               .text = event->text };
    gm_error error = { 0 };
    if (gm_event_put(twin->store, &record, &error) != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "event not stored: %s", error.text);
    }
}

// ---- snapshots ----

/// The journal is needed from the record after this one to get from the window's oldest state to
/// now.
static uint64_t needed_after(gm_twin *twin)
{
    const gm_window *window = &twin->window;
    const gm_moment *base = gm_window_at(window, 0);
    uint64_t number = base->journal;
    for (size_t index = gm_window_after(window, base->held->time_ns); index < window->entry_count;
         index++) {
        uint64_t journal = window->entries[index].journal;
        number = journal <= number ? journal - 1 : number;
    }
    pthread_mutex_lock(&twin->inbox_lock);
    for (size_t index = 0; index < twin->late_waiting; index++) { // the first of the inbox
        uint64_t journal = twin->inbox[index].journal;
        number = journal <= number ? journal - 1 : number;
    }
    pthread_mutex_unlock(&twin->inbox_lock);
    return number;
}

static void pack_events(const gm_twin *twin, gm_string *out)
{
    size_t first = twin->event_count > EVENTS_SAVED ? twin->event_count - EVENTS_SAVED : 0;
    gm_pack_u32(out, (uint32_t)(twin->event_count - first));
    for (size_t index = first; index < twin->event_count; index++) {
        const gm_kept_event *kept = &twin->events[index];
        gm_pack_u64(out, kept->event.id);
        gm_pack_i64(out, kept->event.start_ns);
        gm_pack_i64(out, kept->event.end_ns);
        gm_pack_i64(out, kept->event.raised_ns);
        gm_pack_i64(out, kept->cleared_ns);
        gm_pack_f64(out, kept->event.size);
        gm_pack_text(out, gm_text_of(kept->event.kind));
        gm_pack_text(out, gm_text_of(kept->event.subject));
        gm_pack_text(out, gm_text_of(kept->event.unit));
        gm_pack_text(out, gm_text_of(kept->event.text));
    }
}

gm_status gm_recorder_announce(gm_twin *twin, uint64_t number, gm_text names, gm_error *error)
{
    gm_announcement *grown = gm_memory_grow(twin->announcements, &twin->announcement_capacity,
                                            twin->announcement_count + 1, sizeof *grown);
    gm_announcement made = { .number = number };
    gm_string_add(&made.names, names.data, names.size);
    if (grown != NULL) {
        twin->announcements = grown;
    }
    if (grown == NULL || made.names.failed) {
        gm_string_free(&made.names);
        return gm_error_set(error, GM_MEMORY, "no memory for the sensors' names");
    }
    twin->announcements[twin->announcement_count++] = made;
    return GM_OK;
}

/// Forgets announcements that records behind `number` no longer need.
static void forget_announcements(gm_twin *twin, uint64_t number)
{
    size_t gone = 0;
    while (gone + 1 < twin->announcement_count && twin->announcements[gone + 1].number <= number) {
        gm_string_free(&twin->announcements[gone++].names);
    }
    twin->announcement_count -= gone;
    memmove(twin->announcements, twin->announcements + gone,
            twin->announcement_count * sizeof *twin->announcements);
}

/// What the sensors' numbers mean in the records behind `number`, and in the state.
static void pack_sensors(const gm_twin *twin, const gm_state *state, uint64_t number,
                         gm_string *out)
{
    size_t chosen = 0;
    while (chosen + 1 < twin->announcement_count &&
           twin->announcements[chosen + 1].number <= number) {
        chosen++;
    }
    const gm_string *then = &twin->announcements[chosen].names;
    const gm_string *now = &twin->announcements[twin->announcement_count - 1].names;
    gm_string_add(out, then->data, then->size);
    gm_string_add(out, now->data, now->size);
    gm_pack_text(out, (gm_text){ gm_state_section(state, SECTION_SENSORS),
                                 twin->world->sensor_count * sizeof(gm_sensor_memory) });
}

/// @param counted  out, the counters know records of the journal up to here
static gm_status pack_snapshot(gm_twin *twin, gm_string *out, uint64_t *counted, gm_error *error)
{
    const gm_held *base = gm_window_at(&twin->window, 0)->held;
    void *bytes = NULL;
    size_t size = 0;
    gm_status status = gm_state_save(base->state, &bytes, &size, error);
    if (status != GM_OK) {
        return status;
    }
    gm_string scores = { 0 };
    gm_forecaster_save(twin, &scores);
    gm_pack_u16(out, SNAPSHOT_VERSION);
    gm_pack_i64(out, base->time_ns);
    gm_pack_i64(out, gm_window_at(&twin->window, twin->window.count - 1)->held->time_ns);
    gm_pack_u64(out, twin->cycles);
    gm_pack_u64(out, twin->rewinds);
    pthread_mutex_lock(&twin->inbox_lock);
    *counted = gm_journal_next(twin->journal) - 1;
    gm_pack_u64(out, *counted);
    gm_pack_u64(out, twin->accepted);
    gm_pack_u64(out, twin->duplicates);
    gm_pack_u64(out, twin->rejected);
    gm_pack_u64(out, twin->late);
    gm_seen_pack(&twin->seen, out);
    pthread_mutex_unlock(&twin->inbox_lock);
    pack_sensors(twin, base->state, needed_after(twin), out);
    pack_events(twin, out);
    gm_pack_text(out, (gm_text){ scores.data, scores.size });
    gm_string_reserve(out, size);
    gm_string_add(out, bytes, size);
    bool failed = out->failed || scores.failed;
    gm_string_free(&scores);
    gm_memory_free(bytes);
    return failed ? gm_error_set(error, GM_MEMORY, "no memory for a snapshot") : GM_OK;
}

gm_status gm_recorder_snapshot(gm_twin *twin, bool at_once, gm_error *error)
{
    if (twin->store == NULL || twin->state == NULL) {
        return GM_OK;
    }
    int64_t time_ns = gm_state_time(twin->state);
    int64_t every_ns =
        twin->options.snapshot_ns > 0 ? twin->options.snapshot_ns : default_snapshot_ns;
    if (!at_once && time_ns < twin->snapshot_due_ns) {
        twin->snapshot_due_ns =
            twin->snapshot_due_ns == INT64_MAX ? time_ns + every_ns : twin->snapshot_due_ns;
        return GM_OK;
    }
    twin->snapshot_due_ns = time_ns + every_ns;
    int64_t deadline_ns = gm_clock_monotonic_ns() + FLUSH_WAIT_S * GM_SECOND_NS;
    uint64_t number = needed_after(twin), oldest = 0, counted = 0;
    gm_string bytes = { 0 };
    gm_error why = { 0 };
    gm_status status = pack_snapshot(twin, &bytes, &counted, &why);
    // a snapshot must never stand behind records that are not on disk
    if (status == GM_OK) {
        status = gm_journal_wait(twin->journal, counted, deadline_ns, &why);
    }
    if (status == GM_OK) {
        status = gm_history_flush(twin->history, deadline_ns, &why);
    }
    if (status == GM_OK) {
        status = gm_snapshot_write(twin->store, number, bytes.data, bytes.size, &why);
    }
    if (status == GM_OK && gm_snapshot_oldest(twin->store, &oldest, &why) == GM_OK) {
        gm_journal_cut(twin->journal, oldest + 1);
        forget_announcements(twin, number);
    }
    gm_string_free(&bytes);
    if (status != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_ERROR, "twin", "no snapshot: %s", why.text);
    }
    // a twin goes on without a snapshot: the journal holds everything; only who asked for one is
    // told
    return at_once && status != GM_OK ? gm_error_set(error, status, "%s", why.text) : GM_OK;
}

// ---- recovery ----

/// Today's numbers of the sensors that stored records mean.
typedef struct sensor_map {
    size_t *numbers; // [count]
    size_t count, capacity;
} sensor_map;

static bool read_names(gm_twin *twin, gm_unpack *in, sensor_map *map)
{
    size_t count = gm_unpack_count(in, sizeof(uint32_t));
    if (count > map->capacity) {
        size_t *grown = gm_memory_grow(map->numbers, &map->capacity, count, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        map->numbers = grown;
    }
    map->count = count;
    for (size_t index = 0; index < count; index++) {
        gm_text text = gm_unpack_text(in);
        char name[ADDRESS_SIZE];
        snprintf(name, sizeof name, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
        map->numbers[index] = gm_world_find_sensor(twin->world, name);
    }
    return !in->failed;
}

static void copy_text(char *to, size_t size, gm_text text)
{
    snprintf(to, size, "%.*s", (int)text.size, text.data != NULL ? text.data : "");
}

static bool read_events(gm_twin *twin, gm_unpack *in)
{
    size_t count = gm_unpack_count(in, 6 * sizeof(uint64_t));
    if (count > 0) {
        twin->events = gm_memory_grow(NULL, &twin->event_capacity, count, sizeof *twin->events);
    }
    for (size_t index = 0; twin->events != NULL && index < count && !in->failed; index++) {
        gm_kept_event *kept = &twin->events[twin->event_count++];
        *kept = (gm_kept_event){ 0 };
        kept->event.id = gm_unpack_u64(in);
        kept->event.start_ns = gm_unpack_i64(in);
        kept->event.end_ns = gm_unpack_i64(in);
        kept->event.raised_ns = gm_unpack_i64(in);
        kept->cleared_ns = gm_unpack_i64(in);
        kept->event.size = gm_unpack_f64(in);
        copy_text(kept->event.kind, sizeof kept->event.kind, gm_unpack_text(in));
        copy_text(kept->event.subject, sizeof kept->event.subject, gm_unpack_text(in));
        copy_text(kept->event.unit, sizeof kept->event.unit, gm_unpack_text(in));
        copy_text(kept->event.text, sizeof kept->event.text, gm_unpack_text(in));
    }
    return !in->failed;
}

/// The names behind `in`, and what they mean today.
static gm_status take_names(gm_twin *twin, gm_unpack *in, uint64_t number, sensor_map *map,
                            gm_error *error)
{
    const unsigned char *start = in->at;
    if (!read_names(twin, in, map)) {
        return gm_error_set(error, GM_CORRUPT, "journal record %llu: not as written",
                            (unsigned long long)number);
    }
    gm_text names = { (const char *)start, (size_t)(in->at - start) };
    return gm_recorder_announce(twin, number, names, error);
}

/// The world file was edited: each sensor's memory goes where the sensor is today.
static gm_status move_memories(gm_twin *twin, const sensor_map *map, gm_text bytes, gm_error *error)
{
    size_t count = twin->world->sensor_count;
    bool same = map->count == count;
    for (size_t index = 0; same && index < count; index++) {
        same = map->numbers[index] == index;
    }
    if (same) {
        return GM_OK;
    }
    gm_sensor_memory *memories = gm_sensor_memories(twin);
    if (memories == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a state");
    }
    memset(memories, 0, count * sizeof *memories);
    for (size_t index = 0; index < map->count; index++) {
        if (map->numbers[index] != GM_NO_INDEX) {
            memcpy(&memories[map->numbers[index]], bytes.data + index * sizeof *memories,
                   sizeof *memories);
        }
    }
    return GM_OK;
}

/// Whether nothing in the world file stands behind an event any more.
static bool is_orphan(const gm_twin *twin, const gm_twin_event *event)
{
    return gm_world_find_sensor(twin->world, event->subject) == GM_NO_INDEX &&
           !gm_adopted_tells(twin, event->id) && !gm_group_watch_tells(twin, event->id);
}

/// Events of sensors that the world file no longer has end here, and those of changes and lost
/// tracks that the state does not hold.
static void end_orphans(gm_twin *twin, int64_t time_ns)
{
    for (size_t index = 0; index < twin->event_count; index++) {
        gm_kept_event *kept = &twin->events[index];
        if (is_orphan(twin, &kept->event)) {
            kept->doubted = kept->reopened = false;
            if (kept->event.end_ns == INT64_MAX) {
                kept->event.end_ns = kept->cleared_ns = time_ns;
                gm_recorder_event(twin, &kept->event);
            }
        }
    }
}

static bool read_counters(gm_twin *twin, gm_unpack *in)
{
    twin->recorded_ns = gm_unpack_i64(in);
    twin->cycles = gm_unpack_u64(in);
    twin->rewinds = gm_unpack_u64(in);
    twin->counted_until = gm_unpack_u64(in);
    twin->accepted = gm_unpack_u64(in);
    twin->duplicates = gm_unpack_u64(in);
    twin->rejected = gm_unpack_u64(in);
    twin->late = gm_unpack_u64(in);
    return !in->failed;
}

static gm_status read_snapshot(gm_twin *twin, gm_text bytes, uint64_t number, sensor_map *map,
                               gm_error *error)
{
    gm_unpack in = gm_unpack_of(bytes.data, bytes.size);
    uint16_t version = gm_unpack_u16(&in);
    int64_t time_ns = gm_unpack_i64(&in);
    if (version != SNAPSHOT_VERSION || !read_counters(twin, &in)) {
        return gm_error_set(error, GM_CORRUPT, "the snapshot is not one of this version of gemel");
    }
    if (!gm_seen_unpack(&twin->seen, &in)) {
        return gm_error_set(error, GM_MEMORY, "no memory for the samples seen");
    }
    sensor_map own = { 0 };
    gm_status status = take_names(twin, &in, number, map, error);
    bool read = status == GM_OK && read_names(twin, &in, &own);
    gm_text memories = gm_unpack_text(&in);
    read = read && read_events(twin, &in) && memories.size == own.count * sizeof(gm_sensor_memory);
    gm_text scores = gm_unpack_text(&in);
    if (status == GM_OK) {
        status = !read || in.failed
                     ? gm_error_set(error, GM_CORRUPT, "the snapshot ends too early")
                     : gm_state_load(twin->layout, in.at, in.left, &twin->state, error);
    }
    if (status == GM_OK) {
        status = move_memories(twin, &own, memories, error);
    }
    if (status == GM_OK) {
        status = gm_sensing_check(twin, error);
    }
    if (status == GM_OK) {
        status = gm_estimator_resume(twin, error);
    }
    gm_memory_free(own.numbers);
    if (status != GM_OK) {
        return status;
    }
    if (!gm_forecaster_load(twin, scores)) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin",
                     "the world's forecasts changed: their "
                     "scores begin anew");
    }
    gm_held *held = gm_held_make(twin->state, error);
    if (held == NULL) {
        return GM_MEMORY;
    }
    twin->cycle = held->cycle = gm_cycle_number(twin, time_ns);
    twin->settled_ns = time_ns;
    gm_window_keep(twin, held);
    gm_publish(twin, held);
    gm_held_drop(held);
    gm_monitor_rewind(twin, time_ns); // what was raised since is raised again by the journal
    end_orphans(twin, time_ns);
    return GM_OK;
}

static gm_status replay_record(gm_twin *twin, const gm_journal_record *record, sensor_map *map,
                               gm_error *error)
{
    gm_unpack in = gm_unpack_of(record->bytes, record->size);
    if (record->kind == GM_JOURNAL_WORLD) {
        return take_names(twin, &in, record->number, map, error);
    }
    if (record->kind == GM_JOURNAL_SAMPLES) {
        gm_restore restore = { record->bytes, record->size, record->number, map->numbers,
                               map->count };
        return gm_intake_restore(twin, &restore, error);
    }
    if (record->kind == GM_JOURNAL_ADOPTION) {
        return gm_adoption_restore(twin, (gm_text){ record->bytes, record->size }, record->number,
                                   error);
    }
    if (record->kind == GM_JOURNAL_CYCLE) {
        int64_t time_ns = gm_unpack_i64(&in);
        twin->late_waits = in.left > 0 && gm_unpack_u8(&in) != 0;
        twin->mark = record->number;
        if (in.failed || time_ns < 0 || time_ns > GM_TWIN_TIME_MOST_NS) {
            return gm_error_set(error, GM_CORRUPT, "journal record %llu: not as written",
                                (unsigned long long)record->number);
        }
        if (twin->state == NULL) {
            return gm_cycle_begin(twin, time_ns, error); // the first mark says where
        }
        return time_ns < gm_state_time(twin->state) ? GM_OK : gm_cycle_run(twin, time_ns, error);
    }
    return GM_OK; // of a newer gemel
}

static gm_status replay_journal(gm_twin *twin, uint64_t from, sensor_map *map, gm_error *error)
{
    gm_journal_cursor *cursor = NULL;
    gm_status status = gm_journal_cursor_open(twin->journal, from, &cursor, error);
    gm_journal_record record;
    gm_error end = { 0 };
    while (status == GM_OK && (status = gm_journal_read(cursor, &record, &end)) == GM_OK) {
        status = replay_record(twin, &record, map, error);
        if (status != GM_OK) {
            break;
        }
    }
    gm_journal_cursor_close(cursor);
    if (status == GM_NOT_FOUND) {
        return GM_OK;
    }
    return end.status != GM_OK ? gm_error_set(error, status, "%s", end.text) : status;
}

gm_status gm_recover(gm_twin *twin, gm_error *error)
{
    uint64_t number = 0;
    void *bytes = NULL;
    size_t size = 0;
    sensor_map map = { 0 };
    twin->snapshot_due_ns = INT64_MAX;
    twin->replaying = true;
    gm_status status = gm_snapshot_latest(twin->store, &number, &bytes, &size, error);
    if (status == GM_NOT_FOUND) {
        number = 0;
        status = GM_OK;
    } else if (status == GM_OK) {
        twin->mark = number;
        status = read_snapshot(twin, (gm_text){ bytes, size }, number, &map, error);
    }
    gm_memory_free(bytes);
    if (status == GM_OK) {
        status = replay_journal(twin, number + 1, &map, error);
    }
    twin->replaying = false;
    gm_memory_free(map.numbers);
    if (status == GM_OK) {
        gm_suspects_restore_events(twin);
        gm_monitor_settle(twin, twin->settled_ns);
    }
    if (status != GM_OK) {
        gm_error_prefix(error, "while recovering: ");
    }
    return status;
}
