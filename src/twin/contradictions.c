// Samples that contradict each other: remembered for a while, and told of when there are many.
#include "twin/contradictions.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"

enum {
    REMEMBERED_MAX = 1 << 16, // at a time; the oldest half leaves
    MANY = 3,                 // within a sensor's while, for an event
    WHILE_SAMPLES = 10,       // a while is so many times what it takes between samples
    SLOT_FIRST = 1 << 19,     // of events; others use the lower ones
};

static const int64_t while_least_ns = 600 * GM_SECOND_NS;

typedef struct contradiction {
    size_t sensor;
    int64_t time_ns;
    double first, other; // SI
} contradiction;

struct gm_contradictions {
    contradiction *list; // [count] in the order they were taken
    size_t count, capacity;
    uint32_t *recent; // [sensor_count] work: how many in the sensor's while
    uint64_t *open;   // [sensor_count] id of the event; 0: none
    size_t open_count;
    bool scanned; // events of the snapshot were looked through
};

gm_status gm_contradictions_open(gm_twin *twin, gm_error *error)
{
    size_t sensors = twin->world->sensor_count;
    struct gm_contradictions *made = gm_arena_new(twin->arena, 1, sizeof *made);
    if (made != NULL) {
        made->recent = gm_arena_new(twin->arena, sensors, sizeof *made->recent);
        made->open = gm_arena_new(twin->arena, sensors, sizeof *made->open);
    }
    if (made == NULL || made->recent == NULL || made->open == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu sensors", sensors);
    }
    twin->contradictions = made;
    return GM_OK;
}

void gm_contradictions_close(gm_twin *twin)
{
    if (twin->contradictions != NULL) {
        gm_memory_free(twin->contradictions->list);
        twin->contradictions->list = NULL;
    }
}

/// What a sensor's contradictions are counted over.
static int64_t while_of(const gm_world_sensor *sensor)
{
    int64_t samples_ns =
        sensor->every_ns < INT64_MAX / WHILE_SAMPLES ? WHILE_SAMPLES * sensor->every_ns : INT64_MAX;
    return samples_ns > while_least_ns ? samples_ns : while_least_ns;
}

static void remember(struct gm_contradictions *all, const contradiction *one)
{
    if (all->count == REMEMBERED_MAX) {
        all->count /= 2;
        memmove(all->list, all->list + all->count, all->count * sizeof *all->list);
    }
    if (all->count == all->capacity) {
        contradiction *grown =
            gm_memory_grow(all->list, &all->capacity, all->count + 1, sizeof *grown);
        if (grown == NULL) {
            return; // the history tells of it all the same
        }
        all->list = grown;
    }
    all->list[all->count++] = *one;
}

void gm_contradictions_take(gm_twin *twin, const gm_arrived *entry)
{
    const gm_conversion *to_si = &twin->world->sensors[entry->sample.sensor].to_si;
    const contradiction one = { .sensor = entry->sample.sensor,
                                .time_ns = entry->sample.time_ns,
                                .first = entry->first * to_si->factor + to_si->offset,
                                .other = entry->sample.value * to_si->factor + to_si->offset };
    remember(twin->contradictions, &one);
}

/// Forgets what lies too long ago and counts the rest.
static void count_recent(const gm_twin *twin, struct gm_contradictions *all, int64_t time_ns)
{
    size_t kept = 0;
    for (size_t index = 0; index < all->count; index++) {
        const contradiction one = all->list[index];
        if (one.time_ns > time_ns - while_of(&twin->world->sensors[one.sensor])) {
            all->recent[one.sensor]++;
            all->list[kept++] = one;
        }
    }
    all->count = kept;
}

/// Finds the events that are open since before a restart; what they were about is forgotten.
static void scan(gm_twin *twin, struct gm_contradictions *all)
{
    pthread_mutex_lock(&twin->look_lock);
    for (size_t index = 0; index < twin->event_count; index++) {
        const gm_twin_event *event = &twin->events[index].event;
        size_t sensor = gm_world_find_sensor(twin->world, event->subject);
        if (strcmp(event->kind, GM_CONTRADICTION_KIND) == 0 && event->end_ns == INT64_MAX &&
            sensor != GM_NO_INDEX) {
            all->open_count += all->open[sensor] == 0;
            all->open[sensor] = event->id;
            remember(all, &(contradiction){ .sensor = sensor, .time_ns = event->raised_ns });
        }
    }
    pthread_mutex_unlock(&twin->look_lock);
    all->scanned = true;
}

static void raise_event(gm_twin *twin, const contradiction *latest, int64_t time_ns)
{
    struct gm_contradictions *all = twin->contradictions;
    const gm_world_sensor *sensor = &twin->world->sensors[latest->sensor];
    size_t slot = SLOT_FIRST + latest->sensor % SLOT_FIRST;
    gm_twin_event event = { .id = gm_monitor_change_id(twin, slot, time_ns),
                            .start_ns = latest->time_ns,
                            .end_ns = INT64_MAX,
                            .raised_ns = time_ns,
                            .size = latest->other - latest->first };
    for (size_t index = 0; index < all->count; index++) {
        const contradiction *one = &all->list[index];
        if (one->sensor == latest->sensor && one->time_ns < event.start_ns) {
            event.start_ns = one->time_ns;
        }
    }
    char start[40];
    gm_time_format(event.start_ns, start);
    snprintf(event.kind, sizeof event.kind, "%s", GM_CONTRADICTION_KIND);
    snprintf(event.subject, sizeof event.subject, "%s", sensor->name);
    snprintf(event.unit, sizeof event.unit, "%s", sensor->field_unit);
    snprintf(event.text, sizeof event.text,
             "%s has contradicted itself since %s: %.6g %s and %.6g %s at the same time; the first "
             "one counts",
             sensor->name, start, latest->first, sensor->field_unit, latest->other,
             sensor->field_unit);
    all->open[latest->sensor] = event.id;
    all->open_count++;
    gm_monitor_tell(twin, &event);
}

void gm_contradictions_watch(gm_twin *twin, int64_t time_ns)
{
    struct gm_contradictions *all = twin->contradictions;
    if (!all->scanned) {
        scan(twin, all);
    }
    if (all->count == 0 && all->open_count == 0) {
        return;
    }
    count_recent(twin, all, time_ns);
    for (size_t index = all->count; index-- > 0;) { // the latest first
        const contradiction *one = &all->list[index];
        if (all->recent[one->sensor] >= MANY && all->open[one->sensor] == 0) {
            raise_event(twin, one, time_ns);
        }
    }
    for (size_t sensor = 0; all->open_count > 0 && sensor < twin->world->sensor_count; sensor++) {
        if (all->open[sensor] != 0 && all->recent[sensor] == 0) {
            gm_monitor_change_end(twin, all->open[sensor], time_ns);
            all->open[sensor] = 0;
            all->open_count--;
        }
    }
    for (size_t index = 0; index < all->count; index++) {
        all->recent[all->list[index].sensor] = 0;
    }
}
