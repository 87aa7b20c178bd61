// The innovation monitor: says when a sensor, or the system behind it, no longer does what the twin
// expects.
//
// Signs of it are looked for in each sensor's innovations (alarm_signs.h). One that is over its
// threshold raises an event, for which that sign is named; the event is cleared when there has been
// none for some measurements in a row. Silence and implausible values are events of their own.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "assim/square_root.h"
#include "base/calendar.h"
#include "twin/contradictions.h"
#include "twin/suspects.h"
#include "twin/twin_parts.h"

static const char *const kind_names[EVENT_KINDS] = { "innovation", "stale", "range" };
static const char change_kind[] = "change";
static const double noise_least = 1e-6; // of what is expected: where rounding leaves none
static const char sentence_end[] = ";"; // what was found out follows

gm_status gm_monitor_open(gm_twin *twin, gm_error *error)
{
    gm_detect *detect = &twin->detect;
    *detect = (gm_detect){ .signs = gm_default_sign_rule(),
                           .stale = 5.0,
                           .learn_after_ns = 900 * GM_SECOND_NS };
    static const char *const keys[] = { "slack",       "threshold",  "calm",     "scatter",
                                        "repeats",     "calm count", "warm up",  "stale",
                                        "learn after", "diagnose",   "suspects", "suspect window",
                                        "audit",       NULL };
    const gm_config *config = twin->world->detect;
    if (config == NULL) {
        return GM_OK;
    }
    gm_sign_rule *signs = &detect->signs;
    double calm_count = signs->calm_count, warm_up = signs->warm_up;
    const struct {
        const char *key;
        double *value;
        double max;
    } numbers[] = {
        { "slack", &signs->slack, 100.0 },   { "threshold", &signs->threshold, 1e6 },
        { "calm", &signs->calm, 100.0 },     { "scatter", &signs->scatter, 1e6 },
        { "repeats", &signs->repeats, 1e6 }, { "calm count", &calm_count, 1e6 },
        { "warm up", &warm_up, 1e6 },        { "stale", &detect->stale, 1e6 },
    };
    gm_status status = gm_config_is(config, GM_CONFIG_MAP, "a map of monitor settings", error);
    if (status == GM_OK) {
        status = gm_config_only(config, keys, error);
    }
    for (size_t index = 0; status == GM_OK && index < sizeof numbers / sizeof *numbers; index++) {
        gm_quantity quantity = { .unit = "1", .min = 0.0, .max = numbers[index].max };
        status = gm_config_child_number(config, numbers[index].key, quantity, *numbers[index].value,
                                        numbers[index].value, error);
    }
    const gm_config *learn_after = gm_config_get(config, "learn after");
    if (status == GM_OK && learn_after != NULL) {
        status = gm_config_duration(learn_after, &detect->learn_after_ns, error);
    }
    signs->calm_count = (uint32_t)calm_count;
    signs->warm_up = (uint32_t)warm_up;
    return status;
}

// ---- events ----

static uint64_t event_id(const gm_twin *twin, size_t sensor, gm_event_kind kind, int64_t time_ns)
{
    return (gm_cycle_number(twin, time_ns) << 22 | (uint64_t)sensor << 2 | (uint64_t)kind) + 1;
}

size_t gm_monitor_event_sensor(uint64_t id)
{
    return (size_t)((id - 1) >> 2 & (((uint64_t)1 << 20) - 1));
}

static gm_kept_event *find_event(gm_twin *twin, uint64_t id)
{
    for (size_t index = twin->event_count; index-- > 0;) {
        if (twin->events[index].event.id == id) {
            return &twin->events[index];
        }
    }
    return NULL;
}

bool gm_monitor_knows(gm_twin *twin, uint64_t event)
{
    return find_event(twin, event) != NULL;
}

static void forget_event(gm_twin *twin, size_t index)
{
    memmove(&twin->events[index], &twin->events[index + 1],
            (--twin->event_count - index) * sizeof *twin->events);
}

/// A place for one more event; the oldest closed one leaves when there are too many. Under
/// look_lock.
static gm_kept_event *new_event(gm_twin *twin)
{
    if (twin->event_count == GM_TWIN_EVENTS_MAX) {
        size_t gone = 0;
        while (gone < twin->event_count - 1 && twin->events[gone].event.end_ns == INT64_MAX) {
            gone++;
        }
        forget_event(twin, gone);
    }
    if (twin->event_count == twin->event_capacity) {
        gm_kept_event *grown = gm_memory_grow(twin->events, &twin->event_capacity,
                                              twin->event_count + 1, sizeof *grown);
        if (grown == NULL) {
            return NULL;
        }
        twin->events = grown;
    }
    return &twin->events[twin->event_count++];
}

/// Shows an event to people, programs and the store. Its own copy: nothing is locked when others
/// are told.
static void show(gm_twin *twin, const gm_twin_event *event)
{
    gm_recorder_event(twin, event);
    if (!twin->replaying) {
        gm_tell(twin,
                &(gm_twin_update){ .kind = GM_UPDATE_EVENT, .cycle = twin->cycle, .event = event });
    }
}

/// What is raised: since when, how large, known at which time; an innovation event's sign.
typedef struct alarm {
    gm_event_kind kind;
    int64_t start_ns, known_ns;
    double size;
    gm_alarm_sign sign;
} alarm;

/// What a sensor does that was not expected of it.
static void describe_innovation(const gm_world_sensor *declared, gm_alarm_sign sign,
                                gm_twin_event *event)
{
    const char *unit = declared->field_unit;
    char start[40];
    gm_time_format(event->start_ns, start);
    if (sign == GM_SIGN_REPEATS) {
        snprintf(event->text, sizeof event->text, "%s has read %.6g %s again and again since %s",
                 declared->name, event->size, unit, start);
    } else if (sign == GM_SIGN_NONE) {
        snprintf(event->text, sizeof event->text,
                 "%s has read %.3g %s %s than the model and the other sensors say since %s",
                 declared->name, fabs(event->size), unit, event->size < 0.0 ? "lower" : "higher",
                 start);
    } else if (sign == GM_SIGN_SCATTER) {
        snprintf(event->text, sizeof event->text,
                 "%s has jumped about %.2g times as much as usual since %s", declared->name,
                 event->size, start);
    } else {
        snprintf(event->text, sizeof event->text,
                 "%s has read %.3g %s %s than the model expects since %s", declared->name,
                 fabs(event->size), unit, event->size < 0.0 ? "lower" : "higher", start);
    }
}

/// Behind an innovation event's own sentence: what was found out about it.
static void tell_suspicion(const gm_twin *twin, gm_twin_event *event)
{
    const gm_suspicion *found = gm_suspects_about(twin, event->id);
    size_t name = strnlen(event->subject, sizeof event->subject); // the sentence begins with it
    size_t length = name + strcspn(event->text + name, sentence_end);
    if (found != NULL) {
        snprintf(event->text + length, sizeof event->text - length, "%s %s%s", sentence_end,
                 found->text, found->adopted ? ", taken into the model" : "");
    }
}

static void describe(const gm_twin *twin, size_t sensor, const alarm *what, gm_twin_event *event)
{
    const gm_world_sensor *declared = &twin->world->sensors[sensor];
    const char *unit = what->kind == EVENT_STALE ? "s" : declared->field_unit;
    char start[40];
    gm_time_format(event->start_ns, start);
    snprintf(event->kind, sizeof event->kind, "%s", kind_names[what->kind]);
    snprintf(event->subject, sizeof event->subject, "%s", declared->name);
    snprintf(event->unit, sizeof event->unit, "%s", what->sign == GM_SIGN_SCATTER ? "1" : unit);
    if (what->kind == EVENT_STALE) {
        snprintf(event->text, sizeof event->text, "%s has been silent since %s, %.3g s",
                 declared->name, start, event->size);
    } else if (what->kind == EVENT_RANGE) {
        snprintf(event->text, sizeof event->text,
                 "%s reads %.6g %s since %s: outside its plausible range", declared->name,
                 event->size, unit, start);
    } else {
        describe_innovation(declared, what->sign, event);
        tell_suspicion(twin, event);
    }
}

/// Keeps an event, in place of what was known of it, and shows it.
static void put_event(gm_twin *twin, const gm_twin_event *event)
{
    pthread_mutex_lock(&twin->look_lock);
    gm_kept_event *kept = find_event(twin, event->id);
    kept = kept != NULL ? kept : new_event(twin);
    if (kept != NULL) {
        *kept = (gm_kept_event){ .event = *event, .cleared_ns = INT64_MAX };
    }
    pthread_mutex_unlock(&twin->look_lock);
    show(twin, event);
}

static void end_event(gm_twin *twin, uint64_t id, int64_t time_ns)
{
    gm_twin_event event = { 0 };
    pthread_mutex_lock(&twin->look_lock);
    gm_kept_event *kept = find_event(twin, id);
    if (kept != NULL) {
        kept->event.end_ns = time_ns;
        kept->cleared_ns = time_ns;
        kept->reopened = false;
        event = kept->event;
    }
    pthread_mutex_unlock(&twin->look_lock);
    if (event.id != 0) {
        show(twin, &event);
    }
}

static void raise_event(gm_twin *twin, gm_sensor_memory *memory, size_t sensor, alarm what)
{
    uint64_t id = event_id(twin, sensor, what.kind, what.known_ns);
    memory->events[what.kind] = id;
    memory->starts_ns[what.kind] = what.start_ns;
    gm_twin_event event = { .id = id,
                            .start_ns = what.start_ns,
                            .end_ns = INT64_MAX,
                            .raised_ns = what.known_ns,
                            .size = what.size };
    describe(twin, sensor, &what, &event);
    put_event(twin, &event);
    if (what.kind == EVENT_INNOVATION) {
        gm_suspects_raise(twin, sensor, &event, false);
    }
}

void gm_monitor_disagree(gm_twin *twin, size_t sensor, gm_twin_event *event)
{
    const alarm what = { EVENT_INNOVATION, event->start_ns, event->raised_ns, event->size,
                         GM_SIGN_NONE };
    if (event->id == 0) {
        event->id = event_id(twin, sensor, what.kind, what.known_ns);
    }
    describe(twin, sensor, &what, event);
    put_event(twin, event);
}

void gm_monitor_retell(gm_twin *twin, uint64_t id)
{
    gm_twin_event event = { 0 };
    pthread_mutex_lock(&twin->look_lock);
    gm_kept_event *kept = find_event(twin, id);
    if (kept != NULL) {
        event = kept->event;
    }
    pthread_mutex_unlock(&twin->look_lock);
    if (event.id == 0) {
        return;
    }
    tell_suspicion(twin, &event);
    pthread_mutex_lock(&twin->look_lock);
    kept = find_event(twin, id);
    if (kept != NULL) {
        memcpy(kept->event.text, event.text, sizeof event.text);
    }
    pthread_mutex_unlock(&twin->look_lock);
    show(twin, &event);
}

static void clear_event(gm_twin *twin, gm_sensor_memory *memory, gm_event_kind kind,
                        int64_t time_ns)
{
    end_event(twin, memory->events[kind], time_ns);
    memory->events[kind] = 0;
}

uint64_t gm_monitor_change_id(const gm_twin *twin, size_t slot, int64_t time_ns)
{
    return event_id(twin, slot, EVENT_CHANGE, time_ns);
}

int64_t gm_monitor_change_ns(const gm_twin *twin, uint64_t id)
{
    return (int64_t)((id - 1) >> 22) * twin->world->cycle_ns;
}

void gm_monitor_change(gm_twin *twin, const gm_twin_event *event)
{
    gm_twin_event shown = *event;
    snprintf(shown.kind, sizeof shown.kind, "%s", change_kind);
    put_event(twin, &shown);
}

void gm_monitor_change_end(gm_twin *twin, uint64_t id, int64_t time_ns)
{
    end_event(twin, id, time_ns);
}

void gm_monitor_rewind(gm_twin *twin, int64_t time_ns)
{
    pthread_mutex_lock(&twin->look_lock);
    for (size_t index = 0; index < twin->event_count; index++) {
        gm_kept_event *kept = &twin->events[index];
        if (strcmp(kept->event.kind, GM_CONTRADICTION_KIND) == 0 ||
            gm_suspects_audited(twin, kept->event.id)) {
            continue; // not found in innovations: they are not raised again
        }
        kept->doubted = kept->doubted || kept->event.raised_ns > time_ns;
        if (kept->cleared_ns > time_ns && kept->cleared_ns != INT64_MAX) {
            kept->event.end_ns = kept->cleared_ns = INT64_MAX;
            kept->reopened = true;
        }
    }
    pthread_mutex_unlock(&twin->look_lock);
}

/// Takes the next event that a rewind changed and that is settled by now. @return false: none left
static bool settle_one(gm_twin *twin, int64_t known_ns, gm_twin_event *event)
{
    bool found = false;
    pthread_mutex_lock(&twin->look_lock);
    for (size_t index = 0; index < twin->event_count && !found; index++) {
        gm_kept_event *kept = &twin->events[index];
        *event = kept->event;
        if (kept->doubted && kept->event.raised_ns <= known_ns) {
            found = true;
            event->end_ns = known_ns;
            event->size = 0.0;
            snprintf(event->text, sizeof event->text, "%s: withdrawn, late samples explain it",
                     event->subject);
            forget_event(twin, index);
        } else if (kept->reopened && !twin->replaying) {
            found = true; // it lasts after all
            kept->reopened = false;
        }
    }
    pthread_mutex_unlock(&twin->look_lock);
    return found;
}

void gm_monitor_settle(gm_twin *twin, int64_t known_ns)
{
    gm_twin_event event;
    while (settle_one(twin, known_ns, &event)) {
        if (event.end_ns != INT64_MAX) {
            gm_suspects_withdraw(twin, event.id);
        }
        show(twin, &event);
    }
}

// ---- samples ----

static gm_cell_memory *cell_of(gm_twin *twin, size_t sensor)
{
    return &gm_cell_memories(twin)[twin->estimator.cell_of_sensor[sensor]];
}

void gm_monitor_arrival(gm_twin *twin, const gm_arrived *entry, double value, bool plausible)
{
    size_t sensor = entry->sample.sensor;
    gm_sensor_memory *memory = &gm_sensor_memories(twin)[sensor];
    int64_t time_ns = entry->sample.time_ns;
    memory->time_ns = time_ns;
    memory->value = value;
    memory->quality = plausible ? QUALITY_GOOD : QUALITY_RANGE;
    if (memory->events[EVENT_STALE] != 0) {
        clear_event(twin, memory, EVENT_STALE, time_ns);
    }
    if (plausible && memory->events[EVENT_RANGE] != 0) {
        clear_event(twin, memory, EVENT_RANGE, time_ns);
    }
    if (!plausible && memory->events[EVENT_RANGE] == 0) {
        raise_event(twin, memory, sensor,
                    (alarm){ EVENT_RANGE, time_ns, time_ns, value, GM_SIGN_NONE });
    }
    if (plausible) {
        gm_forecaster_score(twin, sensor, time_ns, value);
    }
}

double gm_monitor_caution(const gm_sensor_memory *memory)
{
    return gm_signs_caution(&memory->signs, memory->count);
}

/// Raises or clears the innovation event of a sensor. @param alarm  NULL: there is no sign
static void watch(gm_twin *twin, size_t sensor, const gm_sign_alarm *seen, int64_t time_ns)
{
    const gm_detect *detect = &twin->detect;
    gm_sensor_memory *memory = &gm_sensor_memories(twin)[sensor];
    if (memory->events[EVENT_INNOVATION] == 0) {
        if (seen != NULL) {
            memory->signs.sign = seen->sign;
            memory->signs.calm = 0;
            alarm what = { EVENT_INNOVATION, seen->start_ns, time_ns, seen->size, seen->sign };
            raise_event(twin, memory, sensor, what);
            if (seen->sign != GM_SIGN_SCATTER) { // noise does not teach parameters anything wrong
                cell_of(twin, sensor)->muted++;
                memory->muting = 1;
            }
        }
        return;
    }
    if (seen != NULL && seen->sign == GM_SIGN_LEVEL && memory->signs.sign == GM_SIGN_SCATTER) {
        // what began by jumping has gone astray: that is the event
        clear_event(twin, memory, EVENT_INNOVATION, time_ns);
        watch(twin, sensor, seen, time_ns);
        return;
    }
    bool calm_again = gm_signs_calm_down(&detect->signs, &memory->signs);
    bool lasting = time_ns - memory->starts_ns[EVENT_INNOVATION] > detect->learn_after_ns;
    if (memory->muting != 0 && (calm_again || lasting)) {
        // what has lasted that long is how things are now: parameters may learn it
        cell_of(twin, sensor)->muted--;
        memory->muting = 0;
    }
    if (calm_again) {
        clear_event(twin, memory, EVENT_INNOVATION, time_ns);
        gm_signs_begin_anew(&memory->signs);
    }
}

void gm_monitor_take(gm_twin *twin, const gm_arrived *entry, const gm_innovation *innovation)
{
    size_t sensor = entry->sample.sensor;
    gm_sensor_memory *memory = &gm_sensor_memories(twin)[sensor];
    memory->innovation = innovation->mean;
    memory->estimate = memory->value - innovation->mean;
    memory->spread = sqrt(innovation->ensemble_variance);
    double spread = innovation->spread, noise = twin->world->sensors[sensor].noise;
    noise = noise > 0.0 ? noise : sqrt(spread * spread - innovation->ensemble_variance);
    const gm_sign_reading reading = { .time_ns = entry->sample.time_ns,
                                      .before = memory->count,
                                      .value = memory->value,
                                      .innovation = innovation->mean,
                                      .expected_spread = spread,
                                      .noise = fmax(noise, noise_least * spread) };
    gm_sign_alarm seen;
    bool over = gm_signs_take(&twin->detect.signs, &memory->signs, &reading, &seen);
    memory->count += memory->count < UINT32_MAX;
    watch(twin, sensor, over ? &seen : NULL, reading.time_ns);
}

void gm_monitor_silence(gm_twin *twin, int64_t time_ns)
{
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        int64_t every_ns = twin->world->sensors[sensor].every_ns;
        if (every_ns == 0) {
            continue;
        }
        gm_sensor_memory *memory = &gm_sensor_memories(twin)[sensor];
        bool spoke = memory->quality != QUALITY_NONE;
        double silent_s = (double)(time_ns - memory->time_ns) * 1e-9;
        if (spoke && memory->events[EVENT_STALE] == 0 &&
            silent_s > twin->detect.stale * (double)every_ns * 1e-9) {
            memory->quality = QUALITY_STALE;
            raise_event(twin, memory, sensor,
                        (alarm){ EVENT_STALE, memory->time_ns, time_ns, silent_s, GM_SIGN_NONE });
        }
    }
}

void gm_monitor_tell(gm_twin *twin, const gm_twin_event *event)
{
    put_event(twin, event);
}
