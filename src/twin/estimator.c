// The estimator: what one instant's samples do to the lanes, and what time does to what is
// estimated.
//
// Group by group the square-root filter (assim/square_root.h) moves states and named parameters.
// Values declared with a relative spread are estimated by their logarithm, so they keep their sign;
// those with bounds by their logit, so they stay within (assim/value_scale.h).
// States without a declared drift get a random walk whose size follows the innovations: when they
// are larger than lanes and noise explain, it grows, so that a filter left alone does not fall
// asleep; it is added, never multiplied, so what nobody measures does not run away. While an
// innovation event is open the group's parameters rest: a fault must not be learned as a property
// of the system; and the states walk as fast as they may, to follow what the model cannot explain.
#include <math.h>
#include <string.h>

#include "assim/square_root.h"
#include "assim/value_scale.h"
#include "base/require.h"
#include "num/statistics.h"
#include "twin/adopted.h"
#include "twin/twin_parts.h"

enum {
    PURPOSE_SPREAD = 1,
    PURPOSE_FIRST,
    PURPOSE_INPUT,
    PURPOSE_DRIFT,
    PURPOSE_RESAMPLE,
    PURPOSE_WANDER
};

static const double unrest_first =
    0.01; // of a random walk, in sensor noises per square root of a second
static const double unrest_rate = 0.01; // how fast its logarithm follows one measurement
static const double unrest_least = 1e-4, unrest_most = 0.3;
static const double surprise_max = 9.0; // a squared normalised innovation counts at most this
static const double gate =
    5.0; // standard deviations beyond which a lone measurement is trusted less
static const double chance =
    4.0; // a parameter learns from what covaries by more than two standard errors
static const double first_spread =
    10.0; // unmeasured states start this many noises around the measured ones
static const double noise_fraction = 0.01; // of the value (or range), where no noise is declared

static gm_status plan_groups(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_estimator *estimator = &twin->estimator;
    estimator->groups = gm_arena_new(twin->arena, world->group_count, sizeof *estimator->groups);
    uint32_t *numbers = gm_arena_new(twin->arena, world->estimate_count, sizeof *numbers);
    if (estimator->groups == NULL || numbers == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    for (size_t group = 0; group < world->group_count; group++) {
        gm_group_plan *plan = &estimator->groups[group];
        plan->estimates = numbers;
        for (size_t index = 0; index < world->estimate_count; index++) {
            const gm_world_estimate *estimate = &world->estimates[index];
            if (world->systems[estimate->ref.system].group == group) {
                plan->estimates[plan->count++] = (uint32_t)index; // states come first
                plan->state_count += !estimate->is_parameter;
            }
        }
        numbers += plan->count;
    }
    return GM_OK;
}

/// The noise of a sensor of the same field, the measure of a state's random walk; 0 when nobody
/// measures its like.
static double noise_like(const gm_world *world, gm_ref ref)
{
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        const gm_world_sensor *candidate = &world->sensors[sensor];
        if (candidate->noise > 0.0 && !candidate->is_driver &&
            candidate->ref.system == ref.system &&
            candidate->ref.class_number == ref.class_number && candidate->ref.field == ref.field) {
            return candidate->noise;
        }
    }
    return 0.0;
}

gm_status gm_estimator_open(gm_twin *twin, gm_error *error)
{
    gm_status status = plan_groups(twin, error);
    if (status != GM_OK) {
        return status;
    }
    gm_estimator *estimator = &twin->estimator;
    size_t most = 0, sensors = twin->world->sensor_count, lanes = twin->lanes;
    for (size_t group = 0; group < twin->world->group_count; group++) {
        most = estimator->groups[group].count > most ? estimator->groups[group].count : most;
    }
    gm_arena *arena = twin->arena;
    estimator->noises = gm_arena_new(arena, twin->world->estimate_count, sizeof(double));
    estimator->values = gm_arena_new(arena, (most + ADOPTED_MAX) * lanes, sizeof(double));
    estimator->predictions = gm_arena_new(arena, sensors * lanes, sizeof(double));
    estimator->measured = gm_arena_new(arena, sensors, sizeof(double));
    estimator->variance = gm_arena_new(arena, sensors, sizeof(double));
    estimator->caution = gm_arena_new(arena, sensors, sizeof(double));
    estimator->innovations = gm_arena_new(arena, sensors, sizeof(gm_innovation));
    estimator->entries = gm_arena_new(arena, sensors, sizeof(gm_arrived *));
    estimator->refs = gm_arena_new(arena, sensors, sizeof(gm_ref));
    estimator->lane_values = gm_arena_new(arena, lanes, sizeof(double));
    estimator->alive = gm_arena_new(arena, lanes, sizeof(uint32_t));
    estimator->source = gm_arena_new(arena, lanes, sizeof(uint32_t));
    if (estimator->noises == NULL || estimator->values == NULL || estimator->predictions == NULL ||
        estimator->measured == NULL || estimator->variance == NULL || estimator->caution == NULL ||
        estimator->innovations == NULL || estimator->entries == NULL || estimator->refs == NULL ||
        estimator->lane_values == NULL || estimator->alive == NULL || estimator->source == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    for (size_t index = 0; index < twin->world->estimate_count; index++) {
        estimator->noises[index] = noise_like(twin->world, twin->world->estimates[index].ref);
    }
    estimator->random = gm_random_for(twin->world->seed, "estimator");
    return GM_OK;
}

// ---- moving values ----

/// What a value is moved by: steps of `size` on a scale.
typedef struct shake {
    size_t element; // of the draw
    uint32_t purpose;
    uint64_t occurrence;
    double size;
    gm_value_scale scale;
} shake;

/// The scale of an estimated value, whose steps are relative or not.
static gm_value_scale scale_of(const gm_world_estimate *estimate, bool relative)
{
    if (estimate->bounded) {
        return (gm_value_scale){ GM_SCALE_LOGIT, estimate->low, estimate->high };
    }
    return (gm_value_scale){ .kind = relative ? GM_SCALE_LOG : GM_SCALE_PLAIN };
}

/// A declared standard deviation on the scale of an estimated value: as it is about the initial one
/// where there are bounds.
static double step_of(const gm_twin *twin, const gm_world_estimate *estimate, double size,
                      bool relative)
{
    if (!estimate->bounded) {
        return size;
    }
    const gm_ref ref = estimate->ref;
    double initial = gm_model_initial_at(twin->world->systems[ref.system].model, ref.class_number,
                                         ref.field, ref.element);
    return size * (relative ? fabs(initial) : 1.0) *
           gm_scale_stretch(scale_of(estimate, relative), initial);
}

static double stepped(gm_value_scale scale, double value, double step)
{
    if (scale.kind == GM_SCALE_LOGIT) {
        return gm_scale_to(scale, gm_scale_from(scale, value) + step);
    }
    return scale.kind == GM_SCALE_LOG ? value * exp(step) : value + step;
}

/// Adds to each lane its own normal draw.
static gm_status shake_value(gm_twin *twin, gm_state *state, gm_ref ref, shake how, gm_error *error)
{
    double *values = twin->estimator.lane_values, normals[GM_BLOCK_LANES];
    gm_status status = gm_state_read(state, ref, values, error);
    for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane += GM_BLOCK_LANES) {
        gm_draw draw = { .lane = (uint32_t)lane,
                         .element = (uint32_t)how.element,
                         .purpose = how.purpose,
                         .occurrence = how.occurrence };
        size_t width = twin->lanes - lane < GM_BLOCK_LANES ? twin->lanes - lane : GM_BLOCK_LANES;
        gm_random_normal_lanes(twin->estimator.random, draw, (int)width, normals);
        for (size_t k = 0; k < width; k++) {
            values[lane + k] = stepped(how.scale, values[lane + k], how.size * normals[k]);
        }
    }
    return status == GM_OK ? gm_state_write(state, ref, values, error) : status;
}

static gm_status settle_systems(gm_twin *twin, gm_state *state, size_t group, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t system = 0; status == GM_OK && system < twin->world->system_count; system++) {
        if (twin->world->systems[system].group == group) {
            status = gm_state_settle(state, system, twin->workers, error);
        }
    }
    return status;
}

gm_status gm_estimator_spread(gm_twin *twin, gm_state *state, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < twin->world->estimate_count; index++) {
        const gm_world_estimate *estimate = &twin->world->estimates[index];
        if (estimate->spread > 0.0) { // NAN: not declared
            bool relative = estimate->spread_relative;
            shake how = { .element = index,
                          .purpose = PURPOSE_SPREAD,
                          .size = step_of(twin, estimate, estimate->spread, relative),
                          .scale = scale_of(estimate, relative) };
            status = shake_value(twin, state, estimate->ref, how, error);
        }
    }
    for (size_t group = 0; status == GM_OK && group < twin->world->group_count; group++) {
        status = settle_systems(twin, state, group, error);
    }
    gm_group_memory *memories = gm_state_section_write(state, SECTION_GROUPS);
    for (size_t group = 0; status == GM_OK && group < twin->world->group_count; group++) {
        memories[group].unrest = unrest_first;
    }
    return status;
}

// ---- inputs ----

double gm_sample_value(const gm_twin *twin, const gm_arrived *entry)
{
    const gm_conversion *to_si = &twin->world->sensors[entry->sample.sensor].to_si;
    return entry->sample.value * to_si->factor + to_si->offset;
}

bool gm_sample_plausible(const gm_world_sensor *sensor, double value)
{
    return value >= sensor->min && value <= sensor->max;
}

/// A driver's sample becomes the input of every lane, each within the sensor's noise. What is
/// measured at the same time knows of it already: a pump that stopped gives nothing.
static gm_status write_input(gm_twin *twin, const gm_arrived *entry, double value, gm_error *error)
{
    const gm_world_sensor *sensor = &twin->world->sensors[entry->sample.sensor];
    double *before = twin->estimator.lane_values;
    gm_status status = gm_state_read(twin->state, sensor->ref, before, error);
    bool same = sensor->noise == 0.0;
    for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane++) {
        same = same && (before[lane] == value || gm_state_lane_failed(twin->state, lane));
    }
    if (status != GM_OK || same) {
        return status;
    }
    status = gm_state_fill(twin->state, sensor->ref, value, error);
    if (status == GM_OK && sensor->noise > 0.0) {
        shake how = { .element = entry->sample.sensor,
                      .purpose = PURPOSE_INPUT,
                      .occurrence = (uint64_t)entry->sample.time_ns,
                      .size = sensor->noise };
        status = shake_value(twin, twin->state, sensor->ref, how, error);
    }
    return status == GM_OK ? gm_state_settle(twin->state, sensor->ref.system, twin->workers, error)
                           : status;
}

// ---- measurements ----

double gm_sample_noise(const gm_world_sensor *sensor, double value)
{
    if (sensor->noise > 0.0) {
        return sensor->noise;
    }
    double range = isfinite(sensor->max - sensor->min) ? sensor->max - sensor->min : fabs(value);
    return fmax(noise_fraction * range, 1e-9);
}

static void find_alive(gm_twin *twin)
{
    gm_estimator *estimator = &twin->estimator;
    estimator->alive_count = 0;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        if (!gm_state_lane_failed(twin->state, lane)) {
            estimator->alive[estimator->alive_count++] = (uint32_t)lane;
        }
    }
}

/// Moves the lanes that are left together, in place: row by row [lanes] -> [alive_count].
static void gather_alive(const gm_estimator *estimator, double *rows, size_t count, size_t lanes)
{
    for (size_t row = 0; estimator->alive_count < lanes && row < count; row++) {
        for (size_t index = 0; index < estimator->alive_count; index++) {
            rows[row * estimator->alive_count + index] =
                rows[row * lanes + estimator->alive[index]];
        }
    }
}

/// Lanes whose predictions are not finite fail here, before they can reach the others.
static gm_status read_predictions(gm_twin *twin, size_t count, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_status status =
        gm_state_read_many(twin->state, estimator->refs, count, estimator->predictions, error);
    for (size_t index = 0; status == GM_OK && index < count * twin->lanes; index++) {
        if (!isfinite(estimator->predictions[index])) {
            gm_state_fail_lane(twin->state, index % twin->lanes);
        }
    }
    find_alive(twin);
    gather_alive(estimator, estimator->predictions, count, twin->lanes);
    return status;
}

static gm_status read_values(gm_twin *twin, const gm_group_plan *plan, size_t count,
                             gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_status status = GM_OK;
    for (size_t row = 0; status == GM_OK && row < count; row++) {
        const gm_world_estimate *estimate = &twin->world->estimates[plan->estimates[row]];
        double *values = estimator->values + row * twin->lanes;
        status = gm_state_read(twin->state, estimate->ref, values, error);
        const gm_value_scale scale = scale_of(estimate, estimate->spread_relative);
        for (size_t lane = 0; lane < twin->lanes; lane++) {
            values[lane] = gm_scale_from(scale, values[lane]);
        }
    }
    gather_alive(estimator, estimator->values, count, twin->lanes);
    return status;
}

static gm_status write_values(gm_twin *twin, const gm_group_plan *plan, size_t count,
                              gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_status status = GM_OK;
    for (size_t row = 0; status == GM_OK && row < count; row++) {
        const gm_world_estimate *estimate = &twin->world->estimates[plan->estimates[row]];
        const double *values = estimator->values + row * estimator->alive_count;
        const gm_value_scale scale = scale_of(estimate, estimate->spread_relative);
        status = gm_state_read(twin->state, estimate->ref, estimator->lane_values, error);
        for (size_t index = 0; status == GM_OK && index < estimator->alive_count; index++) {
            estimator->lane_values[estimator->alive[index]] = gm_scale_to(scale, values[index]);
        }
        for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane++) {
            double *value = &estimator->lane_values[lane];
            *value = isfinite(*value) ? *value : estimator->lane_values[estimator->alive[0]];
        }
        if (status == GM_OK) {
            status = gm_state_write(twin->state, estimate->ref, estimator->lane_values, error);
        }
    }
    return status;
}

/// Mean of what was measured of the same field of the same class; NAN when nothing was.
static double kin_of(const gm_twin *twin, gm_ref ref, size_t count, double *noise)
{
    const gm_estimator *estimator = &twin->estimator;
    double sum = 0.0;
    size_t found = 0;
    *noise = 0.0;
    for (size_t index = 0; index < count; index++) {
        const gm_ref *other = &estimator->refs[index];
        bool same = other->element == ref.element;
        if (other->system != ref.system || other->class_number != ref.class_number ||
            other->field != ref.field) {
            continue;
        }
        double own = sqrt(estimator->variance[index]);
        if (same) {
            *noise = own;
            return estimator->measured[index];
        }
        sum += estimator->measured[index];
        *noise = fmax(*noise, first_spread * own);
        found++;
    }
    return found > 0 ? sum / (double)found : NAN;
}

/// States without a declared spread start around the first measurements of the group.
static gm_status spread_first(gm_twin *twin, const gm_group_plan *plan, size_t count,
                              gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t row = 0; status == GM_OK && row < plan->state_count; row++) {
        const gm_world_estimate *estimate = &twin->world->estimates[plan->estimates[row]];
        double noise = 0.0, value = kin_of(twin, estimate->ref, count, &noise);
        if (isnan(estimate->spread) && !isnan(value)) {
            shake how = { .element = plan->estimates[row],
                          .purpose = PURPOSE_FIRST,
                          .size = noise };
            status = gm_state_fill(twin->state, estimate->ref, value, error);
            if (status == GM_OK) {
                status = shake_value(twin, twin->state, estimate->ref, how, error);
            }
        }
    }
    return status;
}

/// A measurement far off all lanes is doubted once: it counts as `gate` standard deviations. When
/// the next one says the same it is the lanes that are wrong.
static void doubt_loners(gm_twin *twin, size_t count)
{
    gm_estimator *estimator = &twin->estimator;
    for (size_t index = 0; index < count; index++) {
        gm_sensor_memory *memory =
            &gm_sensor_memories(twin)[estimator->entries[index]->sample.sensor];
        const double *prediction = estimator->predictions + index * estimator->alive_count;
        double ensemble = gm_variance(prediction, estimator->alive_count);
        double innovation =
            estimator->measured[index] - gm_mean(prediction, estimator->alive_count);
        double doubted = innovation * innovation / (gate * gate) - ensemble;
        bool far = doubted > estimator->variance[index];
        if (far && memory->far == 0) {
            estimator->variance[index] = doubted;
        }
        memory->far = far;
        estimator->caution[index] = gm_monitor_caution(memory);
    }
}

/// The random walk follows how large innovations are against what lanes and noise explain.
static void adapt(const gm_estimator *estimator, gm_group_memory *memory, size_t count)
{
    for (size_t index = 0; memory->muted == 0 && index < count; index++) {
        const gm_innovation *innovation = &estimator->innovations[index];
        double ratio = innovation->mean / innovation->spread;
        double surprise = fmin(ratio * ratio, surprise_max);
        memory->unrest *= exp(unrest_rate * (surprise - 1.0));
        memory->unrest = fmin(fmax(memory->unrest, unrest_least), unrest_most);
    }
}

/// Everything that was measured in one group at one time.
static gm_status update_group(gm_twin *twin, size_t group, size_t count, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    const gm_group_plan *plan = &estimator->groups[group];
    gm_group_memory *memory = &gm_group_memories(twin)[group];
    gm_status status = GM_OK;
    if (memory->begun == 0) {
        memory->begun = 1;
        status = spread_first(twin, plan, count, error);
    }
    if (status == GM_OK) {
        status = read_predictions(twin, count, error);
    }
    size_t moved = memory->muted > 0 ? plan->state_count : plan->count;
    if (status == GM_OK) {
        status = read_values(twin, plan, moved, error);
    }
    if (status != GM_OK || estimator->alive_count < 2) {
        return status; // a single lane cannot learn: it only follows its inputs
    }
    double *sizes = estimator->values + moved * estimator->alive_count;
    size_t adopted = gm_adopted_read(twin, group, sizes);
    gm_analysis analysis = { .lanes = estimator->alive_count,
                             .values = estimator->values,
                             .value_count = moved + adopted,
                             .predictions = estimator->predictions,
                             .measurement_count = count,
                             .measured = estimator->measured,
                             .variance = estimator->variance,
                             .caution = estimator->caution,
                             .cautious_from = plan->state_count,
                             .chance = chance };
    doubt_loners(twin, count);
    if (twin->world->inflation > 1.0) { // NAN: not declared
        double factor = sqrt(twin->world->inflation);
        gm_inflate(analysis.values, plan->state_count, analysis.lanes, factor);
        gm_inflate(analysis.predictions, count, analysis.lanes, factor);
    }
    status = gm_square_root_update(&analysis, estimator->innovations, error);
    if (status != GM_OK) {
        return status;
    }
    adapt(estimator, memory, count);
    status = write_values(twin, plan, moved, error);
    if (status == GM_OK) {
        status = gm_adopted_write(twin, group, sizes, error);
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        gm_monitor_take(twin, estimator->entries[index], &estimator->innovations[index]);
    }
    return status == GM_OK ? settle_systems(twin, twin->state, group, error) : status;
}

/// Takes up the group's measurements among the entries of one time. Returns how many.
static size_t collect(gm_twin *twin, size_t group, const gm_arrived *entries, size_t count)
{
    gm_estimator *estimator = &twin->estimator;
    size_t found = 0;
    for (size_t index = 0; index < count && found < twin->world->sensor_count; index++) {
        const gm_world_sensor *sensor = &twin->world->sensors[entries[index].sample.sensor];
        double value = gm_sample_value(twin, &entries[index]);
        if (sensor->is_driver || twin->world->systems[sensor->ref.system].group != group ||
            !gm_sample_plausible(sensor, value)) {
            continue;
        }
        double noise = gm_sample_noise(sensor, value);
        estimator->measured[found] = value;
        estimator->variance[found] = noise * noise;
        estimator->refs[found] = sensor->ref;
        estimator->entries[found++] = &entries[index];
    }
    return found;
}

gm_status gm_estimator_update(gm_twin *twin, const gm_arrived *entries, size_t count,
                              gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        const gm_arrived *entry = &entries[index];
        const gm_world_sensor *sensor = &twin->world->sensors[entry->sample.sensor];
        double value = gm_sample_value(twin, entry);
        bool plausible = gm_sample_plausible(sensor, value);
        gm_monitor_arrival(twin, entry, value, plausible);
        if (plausible && sensor->is_driver) {
            status = write_input(twin, entry, value, error);
        }
    }
    for (size_t group = 0; status == GM_OK && group < twin->world->group_count; group++) {
        size_t found = collect(twin, group, entries, count);
        if (found > 0) {
            status = update_group(twin, group, found, error);
        }
    }
    return status;
}

// ---- time ----

/// Lanes that failed become copies of lanes that are left, drawn by lot.
static gm_status replace_failed(gm_twin *twin, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    find_alive(twin);
    if (estimator->alive_count == twin->lanes || estimator->alive_count == 0) {
        return GM_OK;
    }
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        gm_draw draw = { .lane = (uint32_t)lane,
                         .purpose = PURPOSE_RESAMPLE,
                         .occurrence = gm_state_tick(twin->state) };
        double uniform = gm_random_uniform(estimator->random, draw);
        size_t chosen = (size_t)(uniform * (double)estimator->alive_count);
        estimator->source[lane] =
            gm_state_lane_failed(twin->state, lane) ? estimator->alive[chosen] : (uint32_t)lane;
    }
    gm_status status = gm_state_resample(twin->state, estimator->source, error);
    return status == GM_OK ? gm_adopted_resample(twin, estimator->source, error) : status;
}

/// How far one estimated value walks in a time; zero when it does not.
static shake walk_of(gm_twin *twin, size_t index, const gm_group_memory *memory, int64_t elapsed_ns)
{
    const gm_world_estimate *estimate = &twin->world->estimates[index];
    double root_s = sqrt((double)elapsed_ns * 1e-9);
    bool declared = estimate->drift > 0.0;
    bool relative = declared && estimate->drift_relative;
    shake how = { .element = index,
                  .size = step_of(twin, estimate, estimate->drift * root_s, relative),
                  .scale = scale_of(estimate, relative) };
    if (!declared && !estimate->is_parameter) {
        double unrest = memory->muted > 0 ? unrest_most : memory->unrest;
        double size = unrest * twin->estimator.noises[index] * root_s;
        how.size = step_of(twin, estimate, size, false);
    }
    return how;
}

static gm_status settle_all(gm_twin *twin, gm_state *state, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t group = 0; status == GM_OK && group < twin->world->group_count; group++) {
        status = settle_systems(twin, state, group, error);
    }
    return status;
}

gm_status gm_estimator_drift(gm_twin *twin, int64_t elapsed_ns, gm_error *error)
{
    gm_status status = replace_failed(twin, error);
    for (size_t index = 0; status == GM_OK && index < twin->world->estimate_count; index++) {
        const gm_world_estimate *estimate = &twin->world->estimates[index];
        const gm_group_memory *memory =
            &gm_group_memories(twin)[twin->world->systems[estimate->ref.system].group];
        shake how = walk_of(twin, index, memory, elapsed_ns);
        how.purpose = PURPOSE_DRIFT;
        how.occurrence = gm_state_tick(twin->state);
        bool rests = estimate->is_parameter && memory->muted > 0;
        if (how.size > 0.0 && !rests) {
            status = shake_value(twin, twin->state, estimate->ref, how, error);
        }
    }
    if (status == GM_OK) {
        status = gm_adopted_end(twin, elapsed_ns, error);
    }
    return status == GM_OK ? settle_all(twin, twin->state, error) : status;
}

/// How much longer than independent ones the group's unexplained moves last: mean caution of its
/// sensors.
static double persistence_of(const gm_twin *twin, const gm_state *state, size_t group)
{
    const gm_sensor_memory *memories = gm_state_section(state, SECTION_SENSORS);
    double sum = 0.0;
    size_t count = 0;
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        const gm_world_sensor *declared = &twin->world->sensors[sensor];
        if (!declared->is_driver && memories[sensor].count > 0 &&
            twin->world->systems[declared->ref.system].group == group) {
            sum += gm_monitor_caution(&memories[sensor]);
            count++;
        }
    }
    return count > 0 ? sum / (double)count : 1.0;
}

gm_status gm_estimator_wander(gm_twin *twin, gm_state *state, int64_t elapsed_ns, gm_error *error)
{
    const gm_group_memory *memories = gm_state_section(state, SECTION_GROUPS);
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < twin->world->estimate_count; index++) {
        const gm_world_estimate *estimate = &twin->world->estimates[index];
        size_t group = twin->world->systems[estimate->ref.system].group;
        shake how = walk_of(twin, index, &memories[group], elapsed_ns);
        how.purpose = PURPOSE_WANDER;
        how.occurrence = gm_state_tick(state);
        if (!estimate->is_parameter) {
            how.size *= sqrt(persistence_of(twin, state, group));
        }
        if (how.size > 0.0) {
            status = shake_value(twin, state, estimate->ref, how, error);
        }
    }
    if (status == GM_OK) {
        status = gm_adopted_wander(twin, state, elapsed_ns, error);
    }
    return status == GM_OK ? settle_all(twin, state, error) : status;
}
