// What a world's sensors can determine: observability_study.h.
#include "study/observability_study.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "study/observability_play.h"

enum {
    LANES_MADE = 128,
    LANES_LEAST = 8,
    CYCLES_MADE = 600, // of the horizon
    STEPS_MAX = 2000,  // at which readings are taken
    SLICES_MAX = 96,
    SLICES_LEAST = 12,
    RECENTS_MAX = 8, // the longest is of 64 steps
    BLOCKS_MAX = 4,  // parts of the horizon whose means tell how slowly chance wanders
    SLOPES_MAX = 1 << 25,
    READINGS_MAX = 8192,
    PATTERN_SIZE = 4 * GM_NAME_MAX,
};

static const double work_most = 3e9;     // multiplications of one ranking
static const double first_spread = 10.0; // undeclared: this many noises, as the twin spreads states
static const double known_most = 0.5;    // of a spread that may be left
static const double blind_least = 0.9;
static const double tangled_most = 0.6;  // of what is left, if all others were known
static const double settled_most = 0.01; // of the declared spread
static const double companion_least = 0.3;

typedef struct study {
    const gm_world *world;
    gm_observability_options options;
    gm_play play;
    gm_play_unknown *unknowns; // [estimate_count]
    size_t *value_of;          // [estimate_count] the estimate of an unknown
    gm_ref *readings;          // [reading_count]
    size_t reading_count, present_count, reading_capacity;
    gm_sensor_candidate *weighed; // [reading_count] all readings, the present ones first
    gm_played played;
    double *noise;        // [reading_count]
    double *recent_noise; // [reading_count][recents]
    gm_sensing sensing;
    gm_observability *seen;
    gm_observability_answer answer;
} study;

gm_observability_options gm_default_observability_options(void)
{
    return (gm_observability_options){ .lanes = LANES_MADE };
}

const char *gm_sight_name(gm_sight sight)
{
    static const char *const names[] = {
        [GM_SIGHT_NONE] = "none",       [GM_SIGHT_KNOWN] = "known",
        [GM_SIGHT_PARTLY] = "partly",   [GM_SIGHT_TANGLED] = "tangled",
        [GM_SIGHT_BLIND] = "not seen",  [GM_SIGHT_SETTLED] = "settles",
        [GM_SIGHT_FIXED] = "no spread",
    };
    return names[sight];
}

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for a study of what sensors see");
}

// ---- what is estimated ----

static bool same_kind(gm_ref a, gm_ref b)
{
    return a.system == b.system && a.class_number == b.class_number && a.field == b.field;
}

static bool measures(const gm_world_sensor *sensor)
{
    return !sensor->is_driver && sensor->noise > 0.0 && gm_sensor_is_plain(sensor);
}

/// A sensor of the same field of the same class, of the same element where there is one; NULL.
static const gm_world_sensor *kin_of(const gm_world *world, gm_ref ref)
{
    const gm_world_sensor *kin = NULL;
    for (size_t index = 0; index < world->sensor_count; index++) {
        const gm_world_sensor *sensor = &world->sensors[index];
        bool own = sensor->ref.element == ref.element;
        if (measures(sensor) && same_kind(sensor->ref, ref) && (kin == NULL || own)) {
            kin = sensor;
        }
    }
    return kin;
}

static double spread_of(const gm_world *world, const gm_world_estimate *estimate)
{
    if (!isnan(estimate->spread)) {
        return estimate->spread;
    }
    const gm_world_sensor *kin = kin_of(world, estimate->ref);
    return kin != NULL ? first_spread * kin->noise : 0.0;
}

static gm_status plan_unknowns(study *of, gm_error *error)
{
    const gm_world *world = of->world;
    gm_observability_answer *answer = &of->answer;
    answer->values = gm_memory_new(world->estimate_count, sizeof *answer->values);
    of->unknowns = gm_memory_new(world->estimate_count, sizeof *of->unknowns);
    of->value_of = gm_memory_new(world->estimate_count, sizeof *of->value_of);
    if (answer->values == NULL || of->unknowns == NULL || of->value_of == NULL) {
        return no_memory(error);
    }
    answer->value_count = world->estimate_count;
    for (size_t index = 0; index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        double spread = spread_of(world, estimate);
        answer->values[index] =
            (gm_observed){ .ref = estimate->ref,
                           .is_parameter = estimate->kind == GM_ESTIMATE_PARAMETER,
                           .relative =
                               estimate->kind == GM_ESTIMATE_PARAMETER && estimate->spread_relative,
                           .sight = GM_SIGHT_FIXED };
        if (spread > 0.0) {
            of->unknowns[of->play.unknown_count] =
                (gm_play_unknown){ .ref = estimate->ref,
                                   .spread = spread,
                                   .relative = estimate->spread_relative,
                                   .is_parameter = estimate->kind == GM_ESTIMATE_PARAMETER };
            of->value_of[of->play.unknown_count++] = index;
        }
    }
    if (of->play.unknown_count == 0) {
        return gm_error_set(error, GM_INVALID,
                            "%s: the world estimates nothing: name under `estimate:` what the "
                            "sensors are to determine, with a `spread`",
                            world->file);
    }
    return of->play.unknown_count <= GM_UNKNOWNS_MAX
               ? GM_OK
               : gm_error_set(error, GM_LIMIT, "%zu values are estimated: at most %d are looked at",
                              of->play.unknown_count, GM_UNKNOWNS_MAX);
}

// ---- sensors there are and could be ----

static bool is_read(const study *of, gm_ref ref)
{
    for (size_t index = 0; index < of->reading_count; index++) {
        if (memcmp(&of->weighed[index].ref, &ref, sizeof ref) == 0) {
            return true;
        }
    }
    return false;
}

static gm_status add_reading(study *of, gm_sensor_candidate reading, gm_error *error)
{
    gm_sensor_candidate *grown =
        gm_memory_grow(of->weighed, &of->reading_capacity, of->reading_count + 1, sizeof *grown);
    if (grown == NULL) {
        return no_memory(error);
    }
    of->weighed = grown;
    reading.every_ns = reading.every_ns > 0 ? reading.every_ns : of->world->cycle_ns;
    of->weighed[of->reading_count++] = reading;
    return GM_OK;
}

static gm_status add_present(study *of, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < of->world->sensor_count; index++) {
        const gm_world_sensor *sensor = &of->world->sensors[index];
        if (measures(sensor)) {
            gm_sensor_candidate reading = { sensor->ref, sensor->noise, sensor->every_ns, 0.0 };
            status = add_reading(of, reading, error);
        }
    }
    of->present_count = of->reading_count;
    return status;
}

static bool can_be_measured(const gm_world *world, gm_ref ref)
{
    gm_role role = gm_world_role(world, ref);
    return role == GM_STATE || role == GM_OUTPUT;
}

/// Everything of kinds that are measured somewhere.
static gm_status add_kin(study *of, gm_error *error)
{
    const gm_world *world = of->world;
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < world->sensor_count; index++) {
        const gm_world_sensor *sensor = &world->sensors[index];
        const gm_model *model = world->systems[sensor->ref.system].model;
        gm_ref ref = sensor->ref;
        size_t count = gm_model_element_count(model, ref.class_number);
        if (!measures(sensor) || gm_model_class_at(model, ref.class_number)->capacity > 0) {
            continue;
        }
        for (ref.element = 0; status == GM_OK && ref.element < count; ref.element++) {
            if (can_be_measured(world, ref) && !is_read(of, ref)) {
                gm_sensor_candidate reading = { ref, sensor->noise, sensor->every_ns, 0.0 };
                status = add_reading(of, reading, error);
            }
        }
    }
    return status;
}

/// "0.1 degC" as a difference in the field's own unit.
static gm_status read_noise(const gm_world *world, gm_ref ref, const char *text, double *noise,
                            gm_error *error)
{
    const gm_field *field = gm_world_field(world, ref);
    gm_text whole = gm_text_trim(gm_text_of(text));
    double number = 0.0;
    size_t used = gm_text_scan_f64(whole, &number);
    char unit[64] = "";
    gm_text rest = gm_text_trim((gm_text){ whole.data + used, whole.size - used });
    if (used == 0 || !(number > 0.0) || rest.size >= sizeof unit) {
        return gm_error_set(error, GM_INVALID, "'%.60s' is no noise: expected such as '0.1 %s'",
                            text, field->unit);
    }
    memcpy(unit, rest.data, rest.size);
    gm_conversion to_si = { 1.0, 0.0 };
    gm_status status = GM_OK;
    if (rest.size > 0 && strcmp(unit, field->unit) != 0 && world->units != NULL) {
        status = gm_units_between(world->units, unit, field->unit, true, &to_si, error);
    }
    *noise = number * to_si.factor;
    return status;
}

static gm_status add_wished(study *of, gm_ref ref, const char *noise, gm_error *error)
{
    const gm_world *world = of->world;
    const gm_world_sensor *kin = kin_of(world, ref);
    char address[PATTERN_SIZE];
    gm_world_address(world, ref, address, sizeof address);
    gm_sensor_candidate reading = { .ref = ref,
                                    .noise = kin != NULL ? kin->noise : 0.0,
                                    .every_ns = kin != NULL ? kin->every_ns : 0 };
    if (!can_be_measured(world, ref)) {
        return gm_error_set(error, GM_INVALID, "'%s' is %s: a sensor measures a state or an output",
                            address,
                            gm_world_role(world, ref) == GM_INPUT ? "an input" : "a parameter");
    }
    gm_status status = noise != NULL ? read_noise(world, ref, noise, &reading.noise, error) : GM_OK;
    if (status == GM_OK && !(reading.noise > 0.0)) {
        status = gm_error_set(error, GM_INVALID,
                              "no sensor measures such as '%s' yet: say its noise, '%s=0.1 %s'",
                              address, address, gm_world_field(world, ref)->unit);
    }
    return status == GM_OK ? add_reading(of, reading, error) : status;
}

static gm_status add_wish(study *of, const char *wish, gm_error *error)
{
    const char *noise = strchr(wish, '=');
    char pattern[PATTERN_SIZE];
    size_t size = noise != NULL ? (size_t)(noise - wish) : strlen(wish);
    if (size >= sizeof pattern) {
        return gm_error_set(error, GM_LIMIT, "'%.60s...' is too long for an address", wish);
    }
    gm_text trimmed = gm_text_trim((gm_text){ wish, size });
    memcpy(pattern, trimmed.data, trimmed.size);
    pattern[trimmed.size] = '\0';
    gm_ref *refs = NULL;
    size_t count = 0;
    gm_status status = gm_world_find(of->world, pattern, (gm_place){ 0 }, &refs, &count, error);
    bool several = count > 1;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        bool skipped = several && !can_be_measured(of->world, refs[index]);
        if (!skipped && !is_read(of, refs[index])) {
            status = add_wished(of, refs[index], noise != NULL ? noise + 1 : NULL, error);
        }
    }
    gm_memory_free(refs);
    return status;
}

static gm_status plan_readings(study *of, gm_error *error)
{
    gm_status status = add_present(of, error);
    if (status == GM_OK && of->options.candidate_count == 0) {
        status = add_kin(of, error);
    }
    for (size_t index = 0; status == GM_OK && index < of->options.candidate_count; index++) {
        status = add_wish(of, of->options.candidates[index], error);
    }
    if (status == GM_OK) {
        of->readings = gm_memory_new(of->reading_count, sizeof *of->readings);
        status = of->readings == NULL ? no_memory(error) : GM_OK;
    }
    for (size_t index = 0; status == GM_OK && index < of->reading_count; index++) {
        of->readings[index] = of->weighed[index].ref;
    }
    return status;
}

// ---- time ----

/// Slices enough to tell unknowns apart; more of them only refine, at a price.
static gm_status plan_slices(study *of, gm_error *error)
{
    gm_play *play = &of->play;
    double unknowns = (double)play->unknown_count, readings = (double)of->reading_count;
    double others = (double)(of->reading_count - of->present_count);
    double lanes = (double)of->options.lanes * (double)play->recents;
    play->slices = play->steps < SLICES_MAX ? play->steps : SLICES_MAX;
    while (play->slices > SLICES_LEAST &&
           (others * (double)play->slices * unknowns * 3.0 * unknowns > work_most ||
            readings * (double)play->slices * unknowns > SLOPES_MAX)) {
        play->slices = (play->slices + 1) / 2;
    }
    if (readings * (double)play->slices * unknowns > SLOPES_MAX || readings * lanes > SLOPES_MAX) {
        return gm_error_set(error, GM_LIMIT,
                            "%zu sensors and candidates for %zu values and %zu lanes are too many "
                            "at once: name fewer candidates",
                            of->reading_count, play->unknown_count, of->options.lanes);
    }
    return GM_OK;
}

static gm_status plan_time(study *of, gm_error *error)
{
    const gm_world *world = of->world;
    int64_t horizon_ns = of->options.horizon_ns, most_ns = (INT64_MAX - world->start_ns) / 2;
    if (horizon_ns == 0) {
        horizon_ns = world->cycle_ns < most_ns / CYCLES_MADE ? CYCLES_MADE * world->cycle_ns
                                                             : world->cycle_ns;
    }
    int64_t step_ns = horizon_ns;
    for (size_t index = 0; index < of->present_count; index++) {
        step_ns = of->weighed[index].every_ns < step_ns ? of->weighed[index].every_ns : step_ns;
    }
    if (horizon_ns < world->cycle_ns || horizon_ns > most_ns) {
        return gm_error_set(error, GM_INVALID,
                            "a horizon must last a cycle at least, and not for centuries");
    }
    if (step_ns < horizon_ns / STEPS_MAX) {
        int64_t cycles = (horizon_ns / STEPS_MAX + world->cycle_ns - 1) / world->cycle_ns;
        step_ns = cycles * world->cycle_ns;
    }
    gm_play *play = &of->play;
    play->step_ns = step_ns;
    play->steps = (size_t)((horizon_ns + step_ns - 1) / step_ns);
    of->answer.horizon_ns = (int64_t)play->steps * step_ns;
    play->blocks = play->steps < BLOCKS_MAX ? play->steps : BLOCKS_MAX;
    while (play->recents < RECENTS_MAX && (size_t)1 << play->recents <= play->steps) {
        play->recents++;
    }
    play->recents = play->recents > 0 ? play->recents : 1;
    return plan_slices(of, error);
}

static gm_status plan(study *of, gm_error *error)
{
    if (of->options.lanes < LANES_LEAST || of->options.lanes > GM_OBSERVABILITY_LANES_MAX) {
        return gm_error_set(error, GM_INVALID, "%zu lanes: %d to %d are offered", of->options.lanes,
                            LANES_LEAST, GM_OBSERVABILITY_LANES_MAX);
    }
    gm_status status = plan_unknowns(of, error);
    if (status == GM_OK) {
        status = plan_readings(of, error);
    }
    if (status == GM_OK) {
        status = plan_time(of, error);
    }
    gm_play *play = &of->play;
    play->world = of->world;
    play->seed = of->options.seed;
    play->lanes = of->options.lanes;
    play->unknowns = of->unknowns;
    play->readings = of->readings;
    play->reading_count = of->reading_count;
    play->workers = of->options.workers;
    play->context = of->options.context;
    play->progress = of->options.progress;
    return status;
}

// ---- weighing ----

static gm_status weigh(study *of, gm_error *error)
{
    const gm_play *play = &of->play;
    size_t count = of->reading_count;
    of->noise = gm_memory_new(count, sizeof *of->noise);
    of->recent_noise = gm_memory_new(count * play->recents, sizeof *of->recent_noise);
    if (of->noise == NULL || of->recent_noise == NULL) {
        return no_memory(error);
    }
    double slice_ns = (double)of->answer.horizon_ns / (double)play->slices;
    for (size_t index = 0; index < count; index++) {
        const gm_sensor_candidate *reading = &of->weighed[index];
        double density = reading->noise * reading->noise * (double)reading->every_ns;
        of->noise[index] = density / slice_ns;
        for (size_t recent = 0; recent < play->recents; recent++) {
            double length_ns = (double)gm_play_recent_steps(recent) * (double)play->step_ns;
            of->recent_noise[index * play->recents + recent] = density / length_ns;
        }
    }
    of->sensing = (gm_sensing){ .unknown_count = play->unknown_count,
                                .quantity_count = play->unknown_count,
                                .reading_count = count,
                                .present_count = of->present_count,
                                .slice_count = play->slices,
                                .slopes = of->played.slopes,
                                .noise = of->noise,
                                .effects = of->played.effects,
                                .sample_count = of->played.samples,
                                .wander = of->played.wander,
                                .lanes = of->played.lanes,
                                .ends = of->played.ends,
                                .recent_count = play->recents,
                                .recent = of->played.recent,
                                .recent_noise = of->recent_noise,
                                .recent_slopes = of->played.recent_slopes,
                                .random = gm_random_for(of->options.seed != 0 ? of->options.seed
                                                                              : of->world->seed,
                                                        "observability") };
    of->answer.lanes = of->played.lanes;
    of->answer.sensor_count = of->present_count;
    return gm_observability_create(&of->sensing, &of->seen, error);
}

// ---- verdicts ----

/// From spreads of the analysis to the value's own measure.
static double measure_of(const study *of, size_t unknown)
{
    return of->unknowns[unknown].is_parameter ? of->unknowns[unknown].spread : 1.0;
}

/// The spreads of one value, in its own measure. What walks by `walk` over the horizon is known to
/// its readings as well as they know the latest: a random walk read with an accuracy of s over the
/// horizon settles at the variance s walk (the Riccati equation of one unknown).
static void find_spreads(const study *of, size_t unknown, gm_observed *value)
{
    const gm_world_estimate *estimate = &of->world->estimates[of->value_of[unknown]];
    double measure = measure_of(of, unknown);
    double before = of->seen->before[unknown] * measure, after = of->seen->after[unknown] * measure;
    bool comparable = estimate->drift > 0.0 && estimate->drift_relative == value->relative;
    double horizon_s = (double)of->answer.horizon_ns / (double)GM_SECOND_NS;
    double walk = comparable ? estimate->drift * sqrt(horizon_s) : 0.0;
    value->before = before > 0.0 ? hypot(before, walk) : 0.0;
    value->after = after;
    if (walk > 0.0 && before > 0.0) {
        double known = 1.0 / (after * after) - 1.0 / (before * before); // by readings alone
        double square = known > 0.0 ? after * after + walk / sqrt(known) : INFINITY;
        value->after = fmin(sqrt(square), value->before);
    }
}

/// The parameters a parameter moves with, the closest first.
static void find_companions(const study *of, size_t unknown, gm_observed *value)
{
    const gm_observability *seen = of->seen;
    gm_companion with[GM_COMPANIONS_MAX];
    size_t found = gm_observability_companions(seen, unknown, companion_least, with);
    for (size_t index = 0; value->is_parameter && index < found; index++) {
        size_t other = with[index].unknown;
        const gm_observed *companion = &of->answer.values[of->value_of[other]];
        if (companion->is_parameter) {
            value->with[value->with_count++] = (gm_entangled){
                .quantity = of->value_of[other],
                .correlation = with[index].correlation,
                .amount = with[index].correlation * seen->after[other] * measure_of(of, other),
            };
        }
    }
}

static gm_sight judge(const study *of, size_t unknown, const gm_observed *value)
{
    const gm_play_unknown *what = &of->unknowns[unknown];
    const gm_observability *seen = of->seen;
    if (of->played.moved[unknown] == 0.0) {
        return GM_SIGHT_FIXED;
    }
    double declared = what->relative ? value->before : what->spread;
    if (!what->is_parameter && value->before <= settled_most * declared) {
        return GM_SIGHT_SETTLED;
    }
    if (value->after <= known_most * value->before) {
        return GM_SIGHT_KNOWN;
    }
    if (what->is_parameter && seen->alone[unknown] <= tangled_most * seen->after[unknown]) {
        return GM_SIGHT_TANGLED;
    }
    return value->after > blind_least * value->before ? GM_SIGHT_BLIND : GM_SIGHT_PARTLY;
}

static void find_verdicts(study *of)
{
    gm_observability_answer *answer = &of->answer;
    double sum = 0.0;
    size_t spreads = 0;
    for (size_t unknown = 0; unknown < of->play.unknown_count; unknown++) {
        gm_observed *value = &answer->values[of->value_of[unknown]];
        find_spreads(of, unknown, value);
        value->sight = judge(of, unknown, value);
        sum += value->before > 0.0 ? value->after / value->before : 0.0;
        spreads += value->before > 0.0;
    }
    answer->left = spreads > 0 ? sum / (double)spreads : 0.0;
    for (size_t unknown = 0; unknown < of->play.unknown_count; unknown++) {
        gm_observed *value = &answer->values[of->value_of[unknown]];
        if (value->sight == GM_SIGHT_PARTLY || value->sight == GM_SIGHT_TANGLED ||
            value->sight == GM_SIGHT_BLIND) {
            find_companions(of, unknown, value);
        }
    }
    for (size_t index = 0; index < answer->value_count; index++) {
        answer->counts[answer->values[index].sight]++;
    }
}

// ---- further sensors ----

typedef struct ranked {
    double gain;
    size_t reading;
} ranked;

static int by_gain(const void *a, const void *b)
{
    const ranked *one = a, *other = b;
    int less = one->gain<other->gain, more = one->gain> other->gain;
    int order = (one->reading > other->reading) - (one->reading < other->reading);
    return less != more ? less - more : order;
}

/// The best sensor by itself, then the best beside it, and so on. @param chosen  out, readings
static gm_status pick(study *of, double *gains, size_t *chosen, gm_error *error)
{
    gm_observability_answer *answer = &of->answer;
    size_t most =
        answer->candidate_count < GM_SENSOR_PICKS ? answer->candidate_count : GM_SENSOR_PICKS;
    double first = gm_observability_total(of->seen);
    gm_status status = GM_OK;
    while (status == GM_OK && answer->pick_count < most) {
        size_t best = of->present_count;
        for (size_t reading = best; reading < of->reading_count; reading++) {
            best = gains[reading] > gains[best] ? reading : best;
        }
        if (!(gains[best] > 0.0)) {
            break; // none helps any more
        }
        status = gm_observability_take(of->seen, best, error);
        if (status == GM_OK) {
            double left = gm_observability_total(of->seen);
            answer->picks_gain[answer->pick_count] = 1.0 - left / first;
            chosen[answer->pick_count++] = best;
        }
        if (status == GM_OK && answer->pick_count < most) {
            status = gm_observability_rank(of->seen, gains, error);
        }
    }
    return status;
}

/// Ranks the candidates and chooses some; changes what counts as there in of->seen.
static gm_status choose(study *of, gm_error *error)
{
    gm_observability_answer *answer = &of->answer;
    size_t count = of->reading_count - of->present_count, chosen[GM_SENSOR_PICKS] = { 0 };
    double *gains = gm_memory_new(of->reading_count, sizeof *gains);
    ranked *order = gm_memory_new(count, sizeof *order);
    answer->candidates = gm_memory_new(count, sizeof *answer->candidates);
    gm_status status = gains != NULL && order != NULL && answer->candidates != NULL
                           ? gm_observability_rank(of->seen, gains, error)
                           : no_memory(error);
    if (status == GM_OK) {
        answer->candidate_count = count;
        for (size_t index = 0; index < count; index++) {
            order[index] = (ranked){ gains[of->present_count + index], of->present_count + index };
        }
        qsort(order, count, sizeof *order, by_gain);
        status = pick(of, gains, chosen, error);
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        answer->candidates[index] = of->weighed[order[index].reading];
        answer->candidates[index].gain = order[index].gain;
        for (size_t at = 0; at < answer->pick_count; at++) {
            answer->picks[at] = chosen[at] == order[index].reading ? index : answer->picks[at];
        }
    }
    gm_memory_free(gains);
    gm_memory_free(order);
    return status;
}

// ---- the whole ----

static void close_study(study *of)
{
    gm_observability_close(of->seen);
    gm_played_free(&of->played);
    gm_memory_free(of->unknowns);
    gm_memory_free(of->value_of);
    gm_memory_free(of->readings);
    gm_memory_free(of->weighed);
    gm_memory_free(of->noise);
    gm_memory_free(of->recent_noise);
}

gm_status gm_observability_study(const gm_world *world, const gm_observability_options *options,
                                 gm_observability_answer *answer, gm_error *error)
{
    study of = { .world = world, .options = *options };
    gm_status status = plan(&of, error);
    if (status == GM_OK) {
        status = gm_play_run(&of.play, &of.played, error);
    }
    if (status == GM_OK) {
        status = weigh(&of, error);
    }
    if (status == GM_OK) {
        find_verdicts(&of);
        status = choose(&of, error);
    }
    close_study(&of);
    if (status != GM_OK) {
        gm_observability_answer_free(&of.answer);
        return status;
    }
    *answer = of.answer;
    return GM_OK;
}

void gm_observability_answer_free(gm_observability_answer *answer)
{
    gm_memory_free(answer->values);
    gm_memory_free(answer->candidates);
    *answer = (gm_observability_answer){ 0 };
}

bool gm_observability_is_complete(const gm_observability_answer *answer)
{
    return answer->counts[GM_SIGHT_TANGLED] == 0 && answer->counts[GM_SIGHT_BLIND] == 0;
}
