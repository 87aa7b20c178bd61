// What sensors alone may have done, weighed over the residuals of an inquiry's run without a change
// (assim/sensor_faults.h): each fault of each witness, pairs of like unit that give each other's
// readings, several that deviate without a cause that was declared, and nothing at all.
//
// Onsets are those of suspects, and some before and behind them: a drift creeps for a while before
// it is noticed. In a group of very many sensors those whose events are open are weighed, and the
// ones whose residuals are the most unusual.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "twin/suspects_probe.h"

enum { WITNESSES_MOST = 64, SWAPS_MOST = 256 };

static const double shape_prior = 3.0; // of a sensor's own change, in what its residuals are
// what nobody declared must explain half more than a declared change: the model's response to one
// is off in its shape, the more so where demand moves at the same time
static const double undeclared = 0.65;
static const double wide_from = 0.1; // of the run, before which no fault begins

static const gm_explanation_class classes[GM_SENSOR_FAULTS] = {
    [GM_FAULT_BIAS] = GM_EXPLAINED_BIAS,     [GM_FAULT_DRIFT] = GM_EXPLAINED_DRIFT,
    [GM_FAULT_STUCK] = GM_EXPLAINED_STUCK,   [GM_FAULT_NOISE] = GM_EXPLAINED_NOISE,
    [GM_FAULT_SPIKES] = GM_EXPLAINED_SPIKES,
};

/// Sensors under suspicion.
typedef struct bench {
    const gm_witness *witnesses[WITNESSES_MOST]; // [count]
    gm_sensor_series series[WITNESSES_MOST];
    size_t count;
    int64_t times_ns[SENSOR_ONSETS];
    gm_onsets onsets;
} bench;

static bool goes_before(const gm_witness *a, const gm_witness *b)
{
    return a->alarmed != b->alarmed ? a->alarmed : a->unusual > b->unusual;
}

/// Those that have spoken, the most suspicious first.
static void choose_witnesses(const gm_probe *probe, bench *on)
{
    for (size_t index = 0; index < probe->witness_count; index++) {
        const gm_witness *seen = &probe->witnesses[index];
        size_t place = on->count;
        while (place > 0 && goes_before(seen, on->witnesses[place - 1])) {
            place--;
        }
        if (seen->count == 0 || place == WITNESSES_MOST) {
            continue;
        }
        size_t kept = on->count < WITNESSES_MOST ? on->count : WITNESSES_MOST - 1;
        memmove(on->witnesses + place + 1, on->witnesses + place,
                (kept - place) * sizeof *on->witnesses);
        on->witnesses[place] = seen;
        on->count = kept + 1;
    }
}

/// The least step between two readings.
static double resolution_of(const gm_witness *seen)
{
    double least = INFINITY;
    for (size_t index = 1; index < seen->count; index++) {
        double step = fabs(seen->readings[index].value - seen->readings[index - 1].value);
        least = step > 0.0 ? fmin(least, step) : least;
    }
    return isfinite(least) ? least : 0.0;
}

static gm_sensor_series series_of(const gm_probe *probe, const gm_witness *seen)
{
    const gm_sensor_memory *memories = gm_state_section(probe->of->anchor->state, SECTION_SENSORS);
    const gm_sensor_memory *memory = &memories[seen->sensor];
    return (gm_sensor_series){ .readings = seen->readings,
                               .count = seen->count,
                               .model = seen->model,
                               .start_ns = probe->begin_ns,
                               .resolution = resolution_of(seen),
                               .habit = gm_signs_habit(&memory->signs, memory->count),
                               .size = shape_prior * fmax(seen->size, seen->model.noise) };
}

static int compare_times(const void *a, const void *b)
{
    int64_t first = *(const int64_t *)a, second = *(const int64_t *)b;
    return (first > second) - (first < second);
}

/// A fault affects readings at its onset; a change of the plant, those that follow it.
static void find_sensor_onsets(const gm_probe *probe, bench *on)
{
    size_t count = 0, wide = SENSOR_ONSETS - probe->onset_count;
    for (; count < probe->onset_count; count++) {
        on->times_ns[count] = probe->onsets_ns[count] + 1;
    }
    double run_ns = (double)(probe->until_ns - probe->begin_ns);
    for (size_t index = 0; index < wide; index++) {
        double share = wide_from + (1.0 - wide_from) * (double)index / (double)wide;
        on->times_ns[count++] = probe->begin_ns + (int64_t)(share * run_ns);
    }
    qsort(on->times_ns, count, sizeof *on->times_ns, compare_times);
    size_t kept = 1;
    for (size_t index = 1; index < count; index++) {
        if (on->times_ns[index] > on->times_ns[kept - 1]) {
            on->times_ns[kept++] = on->times_ns[index];
        }
    }
    on->onsets = (gm_onsets){ on->times_ns, kept };
}

// ---- explanations ----

/// The time of a witness's first reading from then on; of its last where there is none.
static int64_t reading_from(const gm_witness *seen, int64_t time_ns)
{
    size_t first = 0;
    while (first + 1 < seen->count && seen->readings[first].time_ns < time_ns) {
        first++;
    }
    return seen->readings[first].time_ns;
}

static gm_explanation *add(gm_probe *probe, gm_explanation_class class,
                           const gm_fault_evidence *told, gm_explained about)
{
    gm_explanation *made = &probe->explanations[probe->explanation_count];
    *made = (gm_explanation){ .class = class,
                              .log_odds = told->log_odds,
                              .weight = 1.0,
                              .size = told->size,
                              .since_ns = told->since_ns };
    probe->about[probe->explanation_count++] = about;
    if (about.witness != NULL) {
        const gm_world_sensor *sensor = &probe->twin->world->sensors[about.witness->sensor];
        made->since_ns = reading_from(about.witness, told->since_ns);
        made->subject = sensor->name;
        made->unit = sensor->field_unit;
    }
    return made;
}

static gm_status weigh_faults(gm_probe *probe, const bench *on, size_t number, gm_error *error)
{
    gm_fault_evidence told[GM_SENSOR_FAULTS];
    gm_status status = gm_sensor_faults_weigh(&on->series[number], &on->onsets, told, error);
    for (size_t fault = 1; status == GM_OK && fault < GM_SENSOR_FAULTS; fault++) {
        add(probe, classes[fault], &told[fault],
            (gm_explained){ .witness = on->witnesses[number] });
    }
    return status;
}

/// Sensors that measure the same and are read at the same times.
static bool can_be_swapped(const gm_probe *probe, const bench *on, size_t a, size_t b)
{
    const gm_world_sensor *sensors = probe->twin->world->sensors;
    const gm_witness *first = on->witnesses[a], *second = on->witnesses[b];
    bool alike =
        strcmp(sensors[first->sensor].field_unit, sensors[second->sensor].field_unit) == 0 &&
        first->count == second->count && (first->alarmed || second->alarmed);
    for (size_t index = 0; alike && index < first->count; index++) {
        alike = first->readings[index].time_ns == second->readings[index].time_ns;
    }
    return alike;
}

static gm_status weigh_swaps(gm_probe *probe, const bench *on, gm_error *error)
{
    gm_status status = GM_OK;
    size_t swaps = 0;
    for (size_t second = 1; status == GM_OK && second < on->count; second++) {
        for (size_t first = 0; status == GM_OK && first < second && swaps < SWAPS_MOST; first++) {
            if (!can_be_swapped(probe, on, first, second)) {
                continue;
            }
            const gm_sensor_series pair[2] = { on->series[first], on->series[second] };
            gm_fault_evidence told;
            status = gm_sensor_swap_weigh(pair, &on->onsets, &told, error);
            if (status == GM_OK) {
                gm_explained about = { .witness = on->witnesses[first],
                                       .partner = on->witnesses[second] };
                add(probe, GM_EXPLAINED_SWAPPED, &told, about)->partner =
                    probe->twin->world->sensors[about.partner->sensor].name;
                swaps++;
            }
        }
    }
    return status;
}

static gm_status make_room(gm_probe *probe, const bench *on, gm_error *error)
{
    size_t most = 2 + on->count * (GM_SENSOR_FAULTS - 1) + SWAPS_MOST + probe->suspect_count;
    probe->explanations = gm_arena_new(probe->arena, most, sizeof *probe->explanations);
    probe->about = gm_arena_new(probe->arena, most, sizeof *probe->about);
    return probe->explanations != NULL && probe->about != NULL ? GM_OK : gm_probe_no_memory(error);
}

gm_status gm_probe_weigh_sensors(gm_probe *probe, gm_error *error)
{
    const gm_fault_evidence nothing = { .size = (double)NAN };
    bench *on = gm_arena_new(probe->arena, 1, sizeof *on);
    if (on == NULL) {
        return gm_probe_no_memory(error);
    }
    choose_witnesses(probe, on);
    find_sensor_onsets(probe, on);
    gm_status status = make_room(probe, on, error);
    if (status != GM_OK) {
        return status;
    }
    for (size_t index = 0; index < on->count; index++) {
        on->series[index] = series_of(probe, on->witnesses[index]);
    }
    add(probe, GM_EXPLAINED_HEALTHY, &nothing, (gm_explained){ 0 });
    for (size_t index = 0; status == GM_OK && index < on->count; index++) {
        status = weigh_faults(probe, on, index, error);
    }
    if (status == GM_OK) {
        status = weigh_swaps(probe, on, error);
    }
    gm_fault_evidence several;
    if (status == GM_OK) {
        status = gm_sensors_deviate_weigh(on->series, on->count, &on->onsets, &several, error);
    }
    if (status == GM_OK) {
        several.since_ns = on->count > 0 ? reading_from(on->witnesses[0], several.since_ns) : 0;
        several.log_odds *= several.log_odds > 0.0 ? undeclared : 1.0;
        add(probe, GM_EXPLAINED_INPUT, &several, (gm_explained){ 0 })->flexible = true;
    }
    return status;
}
