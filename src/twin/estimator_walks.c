// What time does to what is estimated: the spread it starts with, its random walk, and what is done
// about lanes that failed.
//
// States without a declared drift walk as the innovations ask for (estimator.c); parameters and
// unknown inputs as the world file says, in the lanes of those hypotheses that let them.
#include <math.h>
#include <string.h>

#include "twin/adopted.h"
#include "twin/estimator_parts.h"
#include "twin/sensing.h"

enum { SHAKEN_TOGETHER = 64 }; // lanes: draws come in batches

gm_value_scale gm_estimate_scale(const gm_world_estimate *estimate, bool relative)
{
    if (estimate->bounded) {
        return (gm_value_scale){ GM_SCALE_LOGIT, estimate->low, estimate->high };
    }
    return (gm_value_scale){ .kind = relative ? GM_SCALE_LOG : GM_SCALE_PLAIN };
}

gm_status gm_estimate_read(const gm_twin *twin, const gm_state *state, size_t number,
                           double *values, gm_error *error)
{
    const gm_world_estimate *estimate = &twin->world->estimates[number];
    if (estimate->kind != GM_ESTIMATE_INPUT) {
        return gm_state_read(state, estimate->ref, values, error);
    }
    memcpy(values, gm_world_unknown_added(state, estimate->unknown),
           gm_state_lanes(state) * sizeof *values);
    return GM_OK;
}

gm_status gm_estimate_write(const gm_twin *twin, gm_state *state, size_t number,
                            const double *values, gm_error *error)
{
    const gm_world_estimate *estimate = &twin->world->estimates[number];
    return estimate->kind == GM_ESTIMATE_INPUT
               ? gm_world_unknown_add(twin->world, state, number, values, error)
               : gm_state_write(state, estimate->ref, values, error);
}

double gm_estimate_step(const gm_twin *twin, const gm_world_estimate *estimate, double size,
                        bool relative)
{
    if (!estimate->bounded) {
        return size;
    }
    const gm_ref ref = estimate->ref;
    double initial = gm_model_initial_at(twin->world->systems[ref.system].model, ref.class_number,
                                         ref.field, ref.element);
    return size * (relative ? fabs(initial) : 1.0) *
           gm_scale_stretch(gm_estimate_scale(estimate, relative), initial);
}

static double stepped(gm_value_scale scale, double value, double step)
{
    if (scale.kind == GM_SCALE_LOGIT) {
        return gm_scale_to(scale, gm_scale_from(scale, value) + step);
    }
    return scale.kind == GM_SCALE_LOG ? value * exp(step) : value + step;
}

void gm_shake_lanes(const gm_twin *twin, const gm_shake *how, double *values)
{
    double normals[SHAKEN_TOGETHER];
    for (size_t lane = 0; lane < twin->distinct; lane += SHAKEN_TOGETHER) {
        gm_draw draw = { .lane = (uint32_t)lane,
                         .element = (uint32_t)how->element,
                         .purpose = how->purpose,
                         .occurrence = how->occurrence };
        size_t width =
            twin->distinct - lane < SHAKEN_TOGETHER ? twin->distinct - lane : SHAKEN_TOGETHER;
        gm_random_normal_lanes(twin->estimator.random, draw, (int)width, normals);
        for (size_t number = 0; number < twin->world->hypothesis_count; number++) {
            double *own = values + number * twin->distinct + lane;
            for (size_t k = 0; how->sizes[number] > 0.0 && k < width; k++) {
                own[k] = stepped(how->scale, own[k], how->sizes[number] * normals[k]);
            }
        }
    }
}

/// Whether any lanes are moved.
static bool shakes(const gm_twin *twin, const gm_shake *how)
{
    bool any = false;
    for (size_t number = 0; number < twin->world->hypothesis_count; number++) {
        any = any || how->sizes[number] > 0.0;
    }
    return any;
}

gm_status gm_shake_estimate(gm_twin *twin, gm_state *state, size_t number, const gm_shake *how,
                            gm_error *error)
{
    double *values = twin->estimator.lane_values;
    if (!shakes(twin, how)) {
        return GM_OK;
    }
    gm_status status = gm_estimate_read(twin, state, number, values, error);
    if (status == GM_OK) {
        gm_shake_lanes(twin, how, values);
        status = gm_estimate_write(twin, state, number, values, error);
    }
    return status;
}

gm_status gm_settle_systems(gm_twin *twin, gm_state *state, size_t group, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t system = 0; status == GM_OK && system < twin->world->system_count; system++) {
        if (twin->world->systems[system].group == group) {
            status = gm_state_settle(state, system, twin->workers, error);
        }
    }
    return status;
}

static gm_status settle_all(gm_twin *twin, gm_state *state, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t group = 0; status == GM_OK && group < twin->world->group_count; group++) {
        status = gm_settle_systems(twin, state, group, error);
    }
    return status;
}

// ---- the beginning ----

/// Steps of the declared spread, in the lanes of hypotheses that let the value move.
static gm_shake spread_of(const gm_twin *twin, size_t number)
{
    const gm_world *world = twin->world;
    const gm_world_estimate *estimate = &world->estimates[number];
    bool relative = estimate->spread_relative;
    gm_shake how = { .element = number,
                     .purpose = PURPOSE_SPREAD,
                     .scale = gm_estimate_scale(estimate, relative) };
    for (size_t each = 0; each < world->hypothesis_count; each++) {
        how.sizes[each] = gm_hypothesis_moves(world->hypotheses[each], estimate->kind)
                              ? gm_estimate_step(twin, estimate, estimate->spread, relative)
                              : 0.0;
    }
    return how;
}

gm_status gm_estimator_spread(gm_twin *twin, gm_state *state, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_status status = gm_world_unknown_begin(world, state, error);
    for (size_t index = 0; status == GM_OK && index < world->estimate_count; index++) {
        if (world->estimates[index].spread > 0.0) { // NAN: not declared
            const gm_shake how = spread_of(twin, index);
            status = gm_shake_estimate(twin, state, index, &how, error);
        }
    }
    if (status == GM_OK) {
        status = settle_all(twin, state, error);
    }
    if (status == GM_OK) {
        status = gm_sensing_begin(twin, state, error);
    }
    gm_hypothesis_memory *memories = gm_state_section_write(state, SECTION_HYPOTHESES);
    if (status == GM_OK && memories == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a state");
    }
    size_t count = twin->estimator.cell_count * world->hypothesis_count;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        memories[index].unrest = gm_unrest_first;
    }
    if (status == GM_OK) {
        gm_hypotheses_begin(twin, state);
    }
    return status;
}

gm_status gm_estimator_resume(gm_twin *twin, gm_error *error)
{
    const gm_estimator *estimator = &twin->estimator;
    const gm_sensor_memory *sensors = gm_state_section(twin->state, SECTION_SENSORS);
    gm_cell_memory *cells = gm_cell_memories(twin);
    gm_hypothesis_memory *memories = gm_hypothesis_memories(twin, 0);
    size_t hypotheses = twin->world->hypothesis_count;
    if (cells == NULL || memories == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a state");
    }
    for (size_t cell = 0; cell < estimator->cell_count; cell++) {
        const gm_cell_plan *plan = &estimator->cells[cell];
        cells[cell].muted = 0;
        for (size_t index = 0; index < plan->sensor_count; index++) {
            cells[cell].muted += sensors[plan->sensors[index]].muting;
        }
        for (size_t each = 0; each < hypotheses; each++) {
            gm_hypothesis_memory *memory = &memories[cell * hypotheses + each];
            bool unknown = memory->unrest == 0.0; // the world file was edited
            memory->unrest = unknown ? gm_unrest_first : memory->unrest;
            cells[cell].begun |= unknown;
        }
    }
    return GM_OK;
}

// ---- failed lanes ----

void gm_find_alive(gm_twin *twin)
{
    gm_estimator *estimator = &twin->estimator;
    size_t count = 0;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        if (lane % twin->distinct == 0) {
            estimator->alive_first[lane / twin->distinct] = count;
        }
        if (!gm_state_lane_failed(twin->state, lane)) {
            estimator->alive[count++] = (uint32_t)lane;
        }
    }
    estimator->alive_first[twin->world->hypothesis_count] = count;
}

/// A lane that failed becomes a copy of one that is left, drawn by lot: of its own hypothesis if it
/// has any, else of all.
static gm_status replace_failed(gm_twin *twin, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    gm_find_alive(twin);
    const gm_lane_list all = { estimator->alive,
                               estimator->alive_first[twin->world->hypothesis_count] };
    if (all.count == twin->lanes || all.count == 0) {
        return GM_OK;
    }
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        gm_draw draw = { .lane = (uint32_t)lane,
                         .purpose = PURPOSE_RESAMPLE,
                         .occurrence = gm_state_tick(twin->state) };
        gm_lane_list own = gm_alive_of(estimator, lane / twin->distinct);
        own = own.count > 0 ? own : all;
        double uniform = gm_random_uniform(estimator->random, draw);
        size_t chosen = (size_t)(uniform * (double)own.count);
        estimator->source[lane] =
            gm_state_lane_failed(twin->state, lane) ? own.numbers[chosen] : (uint32_t)lane;
    }
    gm_status status = gm_state_resample(twin->state, estimator->source, error);
    if (status == GM_OK) {
        gm_sensing_resample(twin, GM_NO_INDEX, estimator->source);
    }
    return status == GM_OK ? gm_adopted_resample(twin, GM_NO_INDEX, estimator->source, error)
                           : status;
}

// ---- random walks ----

/// How far one estimated value walks in a time, hypothesis by hypothesis.
/// @param memories  [hypothesis_count] of its cell
/// @param longer    the steps of states last longer by this factor
static gm_shake walk_of(const gm_twin *twin, size_t number, const gm_hypothesis_memory *memories,
                        int64_t elapsed_ns, double longer)
{
    const gm_world *world = twin->world;
    const gm_world_estimate *estimate = &world->estimates[number];
    double root_s = sqrt((double)elapsed_ns * 1e-9);
    bool declared = estimate->drift > 0.0, state = estimate->kind == GM_ESTIMATE_STATE;
    bool relative = declared && estimate->drift_relative;
    gm_shake how = { .element = number, .scale = gm_estimate_scale(estimate, relative) };
    for (size_t each = 0; each < world->hypothesis_count; each++) {
        double rate = declared ? estimate->drift
                      : state  ? memories[each].unrest * twin->estimator.noises[number]
                               : 0.0;
        if (gm_hypothesis_moves(world->hypotheses[each], estimate->kind)) {
            how.sizes[each] = gm_estimate_step(twin, estimate, rate * root_s, relative);
        }
        how.sizes[each] *= state ? longer : 1.0;
    }
    return how;
}

/// While an alarm is open states of the only hypothesis walk as fast as they may: its unrest.
static void restless(const gm_twin *twin, const gm_cell_memory *cell,
                     const gm_hypothesis_memory *from, gm_hypothesis_memory *to)
{
    memcpy(to, from, twin->world->hypothesis_count * sizeof *to);
    if (cell->muted > 0 && twin->world->hypothesis_count == 1) {
        to->unrest = gm_unrest_most;
    }
}

gm_status gm_estimator_drift(gm_twin *twin, int64_t elapsed_ns, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_status status = replace_failed(twin, error);
    for (size_t index = 0; status == GM_OK && index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        size_t cell = twin->estimator.cell_of_estimate[index];
        const gm_cell_memory *memory = &gm_cell_memories(twin)[cell];
        gm_hypothesis_memory own[GM_HYPOTHESES];
        restless(twin, memory, gm_hypothesis_memories(twin, cell), own);
        gm_shake how = walk_of(twin, index, own, elapsed_ns, 1.0);
        how.purpose = PURPOSE_DRIFT;
        how.occurrence = gm_state_tick(twin->state);
        bool rests = estimate->kind == GM_ESTIMATE_PARAMETER && memory->muted > 0 &&
                     world->hypothesis_count == 1;
        if (!rests) {
            status = gm_shake_estimate(twin, twin->state, index, &how, error);
        }
    }
    if (status == GM_OK) {
        gm_sensing_walk(twin, elapsed_ns);
        status = gm_adopted_end(twin, elapsed_ns, error);
    }
    if (status == GM_OK) {
        gm_hypotheses_age(twin, elapsed_ns);
    }
    return status == GM_OK ? settle_all(twin, twin->state, error) : status;
}

/// How much longer than independent ones the cell's unexplained moves last: mean caution of its
/// sensors.
static double persistence_of(const gm_twin *twin, const gm_state *state, size_t cell)
{
    const gm_sensor_memory *memories = gm_state_section(state, SECTION_SENSORS);
    const gm_cell_plan *plan = &twin->estimator.cells[cell];
    double sum = 0.0;
    size_t count = 0;
    for (size_t index = 0; index < plan->sensor_count; index++) {
        const gm_sensor_memory *memory = &memories[plan->sensors[index]];
        if (memory->count > 0) {
            sum += gm_monitor_caution(memory);
            count++;
        }
    }
    return count > 0 ? sum / (double)count : 1.0;
}

gm_status gm_estimator_wander(gm_twin *twin, gm_state *state, int64_t elapsed_ns, gm_error *error)
{
    const gm_world *world = twin->world;
    const gm_cell_memory *cells = gm_state_section(state, SECTION_CELLS);
    const gm_hypothesis_memory *memories = gm_state_section(state, SECTION_HYPOTHESES);
    gm_status status = GM_OK;
    size_t last = GM_NO_INDEX;
    double longer = 1.0;
    for (size_t index = 0; status == GM_OK && index < world->estimate_count; index++) {
        size_t cell = twin->estimator.cell_of_estimate[index];
        gm_hypothesis_memory own[GM_HYPOTHESES];
        restless(twin, &cells[cell], memories + cell * world->hypothesis_count, own);
        longer = cell == last ? longer : sqrt(persistence_of(twin, state, cell));
        last = cell;
        gm_shake how = walk_of(twin, index, own, elapsed_ns, longer);
        how.purpose = PURPOSE_WANDER;
        how.occurrence = gm_state_tick(state);
        status = gm_shake_estimate(twin, state, index, &how, error);
    }
    if (status == GM_OK) {
        status = gm_adopted_wander(twin, state, elapsed_ns, error);
    }
    return status == GM_OK ? settle_all(twin, state, error) : status;
}
