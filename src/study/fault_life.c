// A twin's life with faults: see fault_life.h.
#include "study/fault_life.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"

enum { EVENTS_MAX = 256, TRIES = 1000, HOURS = 24 };
enum { CHOICE_PURPOSE = 1, NOISE_PURPOSE, SPIKE_PURPOSE };

static const int64_t hour_ns = 3600 * GM_SECOND_NS;
static const double bias_noises = 3.0, drift_noises = 6.0, noise_factor = 2.0;
static const double spike_share = 0.1, spike_noises = 12.0, spike_scatter = 0.3;

/// What has failed.
typedef struct trouble {
    gm_explanation_class fault; // GM_EXPLAINED_HEALTHY: nothing
    size_t sensor, partner;
    gm_ref ref;
    double before; // of the field
    double sign;
    int64_t onset_ns; // of the first cycle that suffers it
    double held;      // read last by the sensor, in its own unit
    bool holds;
} trouble;

typedef struct led {
    const gm_fault_life *life;
    gm_twin_trial trial;
    gm_random random;
    trouble at;
    int64_t now_ns;
    gm_twin_event *events; // [EVENTS_MAX]
} led;

// ---- chances ----

static double chance(const led *of, uint32_t element)
{
    gm_draw draw = { .purpose = CHOICE_PURPOSE, .element = element };
    return gm_random_uniform(of->random, draw);
}

static size_t pick(const led *of, uint32_t element, size_t count)
{
    return (size_t)(chance(of, element) * (double)count);
}

static double normal(const led *of, uint32_t purpose, uint32_t element)
{
    gm_draw draw = { .purpose = purpose, .element = element, .occurrence = (uint64_t)of->now_ns };
    return gm_random_normal(of->random, draw);
}

// ---- sensors ----

static bool can_fail(const gm_world_sensor *sensor)
{
    return !sensor->is_driver && sensor->noise > 0.0;
}

static bool can_be_swapped(const gm_world *world, size_t a, size_t b)
{
    const gm_ref *first = &world->sensors[a].ref, *second = &world->sensors[b].ref;
    return a != b && can_fail(&world->sensors[b]) && first->system == second->system &&
           first->class_number == second->class_number && first->field == second->field;
}

static gm_status choose_sensors(const led *of, trouble *made, gm_error *error)
{
    const gm_world *world = of->life->world;
    for (uint32_t attempt = 0; attempt < TRIES; attempt++) {
        made->sensor = pick(of, 3 + 2 * attempt, world->sensor_count);
        made->partner = pick(of, 4 + 2 * attempt, world->sensor_count);
        bool fits = made->fault != GM_EXPLAINED_SWAPPED ||
                    can_be_swapped(world, made->sensor, made->partner);
        if (can_fail(&world->sensors[made->sensor]) && fits) {
            return GM_OK;
        }
    }
    return gm_error_set(error, GM_INVALID, "the world has no sensors that could fail so");
}

/// What one reading becomes, in the sensor's own unit.
static double spoil_one(led *of, double value)
{
    trouble *at = &of->at;
    const gm_world_sensor *sensor = &of->life->world->sensors[at->sensor];
    double noise = sensor->noise / fabs(sensor->to_si.factor);
    double cycles = (double)(of->now_ns - at->onset_ns) / (double)of->life->world->cycle_ns;
    switch (at->fault) {
    case GM_EXPLAINED_BIAS:
        return value + at->sign * bias_noises * noise;
    case GM_EXPLAINED_DRIFT:
        return value + at->sign * drift_noises * noise * cycles / (double)of->life->cycles;
    case GM_EXPLAINED_STUCK:
        at->held = at->holds ? at->held : value;
        at->holds = true;
        return at->held;
    case GM_EXPLAINED_NOISE:
        return value +
               sqrt(noise_factor * noise_factor - 1.0) * noise * normal(of, NOISE_PURPOSE, 0);
    case GM_EXPLAINED_SPIKES: {
        gm_draw draw = { .purpose = SPIKE_PURPOSE, .occurrence = (uint64_t)of->now_ns };
        double height = spike_noises * noise * (1.0 + spike_scatter * normal(of, SPIKE_PURPOSE, 1));
        bool spike = gm_random_uniform(of->random, draw) < spike_share;
        return value + (spike ? copysign(height, normal(of, SPIKE_PURPOSE, 2)) : 0.0);
    }
    default:
        return value;
    }
}

static void spoil(void *context, gm_device_reading *readings, size_t count)
{
    led *of = context;
    gm_device_reading *first = NULL, *second = NULL;
    if (of->at.fault == GM_EXPLAINED_HEALTHY) {
        return;
    }
    for (size_t index = 0; index < count; index++) {
        gm_device_reading *reading = &readings[index];
        first = reading->sensor == of->at.sensor ? reading : first;
        second = reading->sensor == of->at.partner ? reading : second;
    }
    if (of->at.fault == GM_EXPLAINED_SWAPPED && first != NULL && second != NULL) {
        double kept = first->value;
        first->value = second->value;
        second->value = kept;
    } else if (first != NULL) {
        of->now_ns = first->time_ns;
        first->value = spoil_one(of, first->value);
    }
}

// ---- the plant ----

static bool is_physical(gm_explanation_class fault)
{
    return fault == GM_EXPLAINED_PLANT || fault == GM_EXPLAINED_INPUT;
}

/// The field as the trouble has it.
static gm_status write_field(led *of, gm_error *error)
{
    const trouble *at = &of->at;
    double changed = at->fault == GM_EXPLAINED_PLANT ? at->before * of->life->plant_times
                                                     : at->before + of->life->input_add;
    return gm_device_plant_set(of->trial.plant, at->ref, changed, error);
}

static gm_status choose(led *of, gm_error *error)
{
    const gm_fault_life *life = of->life;
    gm_explanation_class fault = life->fault;
    size_t count = fault == GM_EXPLAINED_PLANT ? life->plant_count : life->input_count;
    trouble made = { .fault = fault, .sign = chance(of, 0) < 0.5 ? -1.0 : 1.0 };
    gm_status status = GM_OK;
    made.onset_ns = gm_device_plant_next(of->trial.plant);
    made.sensor = made.partner = GM_NO_INDEX;
    if (is_physical(fault)) {
        if (count == 0) {
            return gm_error_set(error, GM_INVALID, "there are no fields that could change");
        }
        made.ref = (fault == GM_EXPLAINED_PLANT ? life->plant : life->input)[pick(of, 2, count)];
        status =
            gm_state_read(gm_device_plant_state(of->trial.plant), made.ref, &made.before, error);
    } else if (fault != GM_EXPLAINED_HEALTHY) {
        status = choose_sensors(of, &made, error);
    }
    of->at = made;
    return status;
}

static void name_trouble(const led *of, char *what, size_t size)
{
    const gm_world_sensor *sensors = of->life->world->sensors;
    const trouble *at = &of->at;
    what[0] = '\0';
    if (is_physical(at->fault)) {
        gm_world_address(of->life->world, at->ref, what, size);
    } else if (at->fault == GM_EXPLAINED_SWAPPED) {
        snprintf(what, size, "%s, %s", sensors[at->sensor].name, sensors[at->partner].name);
    } else if (at->fault != GM_EXPLAINED_HEALTHY) {
        snprintf(what, size, "%s", sensors[at->sensor].name);
    }
}

// ---- what the twin says ----

static gm_explanation_class class_of(const char *kind)
{
    gm_explanation_class class = GM_EXPLAINED_HEALTHY;
    while (class < GM_EXPLAINED_CLASSES && strcmp(gm_explanation_class_name(class), kind) != 0) {
        class ++;
    }
    return class < GM_EXPLAINED_CLASSES ? class : GM_EXPLAINED_NONE;
}

static bool names_subject(const led *of, const gm_suspect *said)
{
    const gm_world_sensor *sensors = of->life->world->sensors;
    const trouble *at = &of->at;
    if (is_physical(at->fault)) {
        char address[sizeof said->address];
        gm_world_address(of->life->world, at->ref, address, sizeof address);
        return strcmp(said->address, address) == 0;
    }
    if (at->fault == GM_EXPLAINED_HEALTHY) {
        return false;
    }
    const char *sensor = sensors[at->sensor].name;
    if (at->fault != GM_EXPLAINED_SWAPPED) {
        return strcmp(said->sensor, sensor) == 0;
    }
    const char *partner = sensors[at->partner].name;
    return (strcmp(said->sensor, sensor) == 0 && strcmp(said->partner, partner) == 0) ||
           (strcmp(said->sensor, partner) == 0 && strcmp(said->partner, sensor) == 0);
}

/// Innovation events raised since the onset. @param first_ns  out: the first of them
static size_t count_alarms(led *of, int64_t *first_ns)
{
    size_t count = 0, alarms = 0;
    *first_ns = INT64_MAX;
    gm_twin_events(of->trial.twin, false, EVENTS_MAX, of->events, &count);
    for (size_t index = 0; index < count; index++) {
        const gm_twin_event *event = &of->events[index];
        if (strcmp(event->kind, "innovation") == 0 && event->raised_ns >= of->at.onset_ns) {
            alarms++;
            *first_ns = event->raised_ns < *first_ns ? event->raised_ns : *first_ns;
        }
    }
    return alarms;
}

static void conclude(led *of, gm_fault_told *told)
{
    gm_suspicion found;
    int64_t first_ns = 0;
    gm_fault_outcome *outcome = &told->outcome;
    *told = (gm_fault_told){ 0 };
    name_trouble(of, told->what, sizeof told->what);
    outcome->class = GM_EXPLAINED_HEALTHY;
    outcome->alarms = count_alarms(of, &first_ns);
    if (outcome->alarms == 0) {
        return;
    }
    if (of->at.fault != GM_EXPLAINED_HEALTHY) {
        outcome->alarms = 0;
        outcome->delay = (size_t)((first_ns - of->at.onset_ns) / of->life->world->cycle_ns) + 1;
    }
    outcome->verdict = GM_CANNOT_TELL;
    if (gm_twin_suspects(of->trial.twin, 0, &found, NULL) == GM_OK &&
        found.evaluated_ns >= of->at.onset_ns) {
        bool clear = strcmp(found.verdict, "unclear") != 0;
        outcome->verdict = !clear                                ? GM_CANNOT_TELL
                           : strcmp(found.verdict, "clear") == 0 ? GM_CLEAR
                                                                 : GM_CLASS_IS_CLEAR;
        outcome->class = clear ? class_of(found.kind) : GM_EXPLAINED_HEALTHY;
        outcome->subject = clear && found.count > 0 && names_subject(of, &found.suspects[0]);
        snprintf(outcome->text, sizeof outcome->text, "%s", found.text);
    }
}

// ---- a life ----

static gm_status play_cycles(led *of, size_t cycles, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t cycle = 0; status == GM_OK && cycle < cycles; cycle++) {
        if (is_physical(of->at.fault)) { // a driver may move it meanwhile
            status = write_field(of, error);
        }
        if (status == GM_OK) {
            int64_t next_ns = gm_device_plant_next(of->trial.plant);
            status = gm_twin_trial_play(&of->trial, next_ns, error);
        }
    }
    return status;
}

gm_status gm_fault_life_lead(const gm_fault_life *life, gm_fault_told *told, gm_error *error)
{
    led of = { .life = life, .random = gm_random_for(life->seed, "faults") };
    of.at.fault = GM_EXPLAINED_HEALTHY;
    int64_t hour = (int64_t)pick(&of, 1, HOURS);
    const gm_device_options devices = { .start_ns = life->start_ns + hour * hour_ns,
                                        .seed = life->seed,
                                        .faultless = true };
    if (life->cycles == 0) {
        return gm_error_set(error, GM_INVALID, "a fault lasts a cycle at least");
    }
    of.events = gm_memory_new(EVENTS_MAX, sizeof *of.events);
    gm_status status = of.events != NULL
                           ? gm_twin_trial_open(life->world, &devices, &of.trial, error)
                           : gm_error_set(error, GM_MEMORY, "no memory for events");
    if (status == GM_OK) {
        of.trial.spoil = spoil;
        of.trial.spoil_context = &of;
        status = play_cycles(&of, life->settle_cycles, error);
    }
    if (status == GM_OK) {
        status = choose(&of, error);
    }
    if (status == GM_OK) {
        status = play_cycles(&of, life->cycles, error);
    }
    if (status == GM_OK) {
        conclude(&of, told);
    }
    gm_twin_trial_close(&of.trial);
    gm_memory_free(of.events);
    return status;
}
