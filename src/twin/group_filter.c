// Which filter moves the lanes of a group, and what every filter has in common: inflation, learned
// errors of sensors, least spreads.
#include "twin/group_filter.h"

#include <math.h>
#include <string.h>

#include "assim/stochastic_filter.h"
#include "assim/transform_filter.h"
#include "num/statistics.h"

enum {
    TRANSFORM_LANES_MAX = 1024, // lanes x lanes matrices beyond are none of ours
    PURPOSE_PERTURB = 1,
    PURPOSE_FLOOR
};

static const double noise_memory = 500.0; // measurements by which learned errors are forgotten
static const double noise_trust = 50.0;   // measurements that the declaration counts for

// ---- in the state ----

static bool any_local(const gm_twin *twin)
{
    bool any = false;
    for (size_t group = 0; !any && group < twin->world->group_count; group++) {
        any = gm_group_filter_kind(twin, group) == GM_FILTER_LOCAL;
    }
    return any;
}

static gm_filter_parts parts_of(const gm_twin *twin)
{
    const gm_world *world = twin->world;
    size_t memories = twin->estimator.cell_count * world->hypothesis_count;
    gm_filter_parts at = { .locals = memories * sizeof(gm_filter_memory) };
    at.noises = at.locals + (any_local(twin) ? memories * sizeof(gm_local_memory) : 0);
    at.surprises = at.noises + (world->noise_learned ? world->sensor_count * sizeof(gm_noise) : 0);
    at.end = at.surprises + world->hypothesis_count * world->sensor_count * sizeof(double);
    return at;
}

size_t gm_group_filters_size(const gm_twin *twin)
{
    return parts_of(twin).end;
}

/// A part of the section. @param at  bytes
static void *part_of(gm_twin *twin, size_t at)
{
    char *bytes = gm_state_section_write(twin->state, SECTION_FILTERS);
    return bytes != NULL ? bytes + at : NULL;
}

gm_filter_memory *gm_filter_memory_of(gm_twin *twin, size_t cell, size_t hypothesis)
{
    size_t index = cell * twin->world->hypothesis_count + hypothesis;
    return part_of(twin, index * sizeof(gm_filter_memory));
}

gm_local_memory *gm_filter_local_memory(gm_twin *twin, size_t cell, size_t hypothesis)
{
    size_t index = cell * twin->world->hypothesis_count + hypothesis;
    return part_of(twin, twin->filters->parts.locals + index * sizeof(gm_local_memory));
}

gm_noise *gm_filter_noises(gm_twin *twin)
{
    return part_of(twin, twin->filters->parts.noises);
}

double *gm_filter_surprises(gm_twin *twin, size_t hypothesis)
{
    size_t at = hypothesis * twin->world->sensor_count * sizeof(double);
    return part_of(twin, twin->filters->parts.surprises + at);
}

// ---- the choice ----

gm_filter_kind gm_group_filter_kind(const gm_twin *twin, size_t group)
{
    const gm_world *world = twin->world;
    const gm_estimator *estimator = &twin->estimator;
    gm_filter_kind kind = world->filters != NULL ? world->filters[group].kind : GM_FILTER_AUTO;
    uint32_t cell = estimator->first_cell[group];
    bool whole = estimator->first_cell[group + 1] - cell == 1;
    bool crowded = whole && gm_cell_is_crowded(twin, estimator->cells[cell].state_count,
                                               estimator->cells[cell].sensor_count);
    return kind == GM_FILTER_AUTO && crowded && gm_group_has_distances(world, group)
               ? GM_FILTER_LOCAL
               : kind;
}

// ---- rows ----

size_t gm_group_row_estimate(const gm_twin *twin, const gm_group_step *step, size_t row)
{
    const gm_cell_plan *plan = &twin->estimator.cells[step->cell];
    size_t cautious = step->analysis->cautious_from;
    size_t estimated = step->analysis->value_count - step->adopted;
    if (row >= cautious) { // parameters, the last of the plan; adopted sizes
        size_t at = plan->state_count + plan->input_count + row - cautious;
        return row < estimated && at < plan->count ? plan->estimates[at] : GM_NO_INDEX;
    }
    // states and inputs, the first of the plan; what is doubted behind them is no estimate
    size_t plain = cautious - step->analysis->doubted;
    return row < plain ? plan->estimates[row] : GM_NO_INDEX;
}

gm_analysis gm_group_rows_from(const gm_analysis *analysis, size_t first)
{
    gm_analysis rest = *analysis;
    size_t free_of_caution = rest.cautious_from > first ? rest.cautious_from - first : 0;
    rest.values += first * rest.lanes;
    rest.value_count -= first;
    rest.cautious_from = free_of_caution;
    rest.doubted = rest.doubted < free_of_caution ? rest.doubted : free_of_caution;
    return rest;
}

/// The first rows, all alike.
static gm_analysis rows_until(const gm_analysis *analysis, size_t count)
{
    gm_analysis front = *analysis;
    front.value_count = front.cautious_from = count;
    front.caution = NULL;
    front.chance = 0.0;
    front.doubted = 0;
    return front;
}

size_t gm_group_leader(const gm_twin *twin, size_t group)
{
    double weights[GM_HYPOTHESES];
    size_t leader = 0;
    gm_hypotheses_weights(twin->world, twin->state, group, weights);
    for (size_t each = 1; each < twin->world->hypothesis_count; each++) {
        leader = weights[each] > weights[leader] ? each : leader;
    }
    return leader;
}

// ---- filters ----

void gm_group_take_innovations(const gm_group_step *step)
{
    const gm_analysis *analysis = step->analysis;
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        const double *prediction = analysis->predictions + index * analysis->lanes;
        double variance = gm_variance(prediction, analysis->lanes);
        step->innovations[index] =
            (gm_innovation){ .mean =
                                 analysis->measured[index] - gm_mean(prediction, analysis->lanes),
                             .spread = sqrt(variance + analysis->variance[index]),
                             .ensemble_variance = variance };
    }
}

static double *keep_predictions(const gm_twin *twin, const gm_analysis *analysis)
{
    size_t count = analysis->measurement_count * analysis->lanes;
    memcpy(twin->filters->before, analysis->predictions, count * sizeof *analysis->predictions);
    return twin->filters->before;
}

static gm_status update_serial(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    (void)twin;
    return gm_square_root_update(step->analysis, step->innovations, error);
}

/// States and inputs by one matrix; what is doubted or taken with caution needs a gain of its own,
/// value by value. Both take the lanes along the same root.
static gm_status update_transform(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    const gm_analysis *all = step->analysis;
    size_t plain = all->cautious_from - all->doubted;
    gm_analysis front = rows_until(all, plain), rest = gm_group_rows_from(all, plain);
    gm_transform_options options = gm_default_transform_options();
    options.symmetric = false;
    options.workers = twin->workers;
    if (rest.value_count > 0) {
        rest.predictions = keep_predictions(twin, all);
    }
    gm_status status =
        gm_transform_update(&front, &options, twin->filters->room, step->innovations, error);
    return status == GM_OK && rest.value_count > 0 ? gm_square_root_update(&rest, NULL, error)
                                                   : status;
}

static gm_status update_quickest(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    const gm_analysis *all = step->analysis;
    size_t plain = all->cautious_from - all->doubted;
    const gm_analysis front = rows_until(all, plain);
    bool worth = plain == all->value_count || plain > all->measurement_count;
    bool at_once = all->lanes <= TRANSFORM_LANES_MAX && worth && gm_transform_pays(&front);
    return at_once ? update_transform(twin, step, error) : update_serial(twin, step, error);
}

/// Values that are taken with caution see larger errors, and the same draws.
static gm_status update_stochastic(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    const gm_analysis *all = step->analysis;
    gm_analysis front = rows_until(all, all->cautious_from);
    gm_analysis rest = gm_group_rows_from(all, all->cautious_from);
    rest = rows_until(&rest, rest.value_count);
    const gm_stochastic_options options = { .inflation = 1.0,
                                            .random = twin->filters->groups[step->group].random,
                                            .purpose = PURPOSE_PERTURB,
                                            .occurrence = gm_group_step_time(step) };
    if (rest.value_count > 0) {
        rest.predictions = keep_predictions(twin, all);
        for (size_t index = 0; index < all->measurement_count; index++) {
            twin->filters->scaled[index] =
                all->variance[index] * (all->caution != NULL ? all->caution[index] : 1.0);
        }
        rest.variance = twin->filters->scaled;
    }
    double *room = twin->filters->room;
    gm_status status = gm_stochastic_update(&front, &options, room, step->innovations, error);
    return status == GM_OK && rest.value_count > 0
               ? gm_stochastic_update(&rest, &options, room, NULL, error)
               : status;
}

typedef gm_status update_function(gm_twin *twin, const gm_group_step *step, gm_error *error);

static update_function *const updates[GM_FILTER_KINDS] = {
    [GM_FILTER_AUTO] = update_quickest,         [GM_FILTER_SERIAL] = update_serial,
    [GM_FILTER_TRANSFORM] = update_transform,   [GM_FILTER_STOCHASTIC] = update_stochastic,
    [GM_FILTER_LOCAL] = gm_group_places_update, [GM_FILTER_PARTICLES] = gm_group_particles_update,
};

// ---- inflation ----

/// Local filters and particles find their own.
static bool inflates(const gm_twin *twin, const gm_group_step *step)
{
    gm_filter_kind kind = twin->filters->groups[step->group].kind;
    return twin->world->inflation_adapts && kind != GM_FILTER_LOCAL && kind != GM_FILTER_PARTICLES;
}

static gm_status inflate(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    const gm_analysis *analysis = step->analysis;
    const gm_inflation_options options = gm_default_inflation_options();
    gm_filter_memory *memory = gm_filter_memory_of(twin, step->cell, step->hypothesis);
    double factor = 1.0;
    gm_status status = gm_inflation_estimate(&options, analysis, twin->filters->room,
                                             &memory->inflation, &factor, error);
    if (status == GM_OK) {
        for (size_t row = 0; row < step->state_count; row++) {
            twin->filters->spreads[row] =
                gm_variance(analysis->values + row * analysis->lanes, analysis->lanes);
        }
        gm_inflate(analysis->values, step->state_count, analysis->lanes, factor);
        gm_inflate(analysis->predictions, analysis->measurement_count, analysis->lanes, factor);
    }
    return status;
}

/// What measurements say nothing about is not inflated again and again.
static void bound_spreads(const gm_twin *twin, const gm_group_step *step)
{
    const gm_analysis *analysis = step->analysis;
    for (size_t row = 0; row < step->state_count; row++) {
        double *values = analysis->values + row * analysis->lanes;
        double before = twin->filters->spreads[row], after = gm_variance(values, analysis->lanes);
        if (after > before) {
            gm_inflate(values, 1, analysis->lanes, sqrt(before / after));
        }
    }
}

// ---- errors of sensors ----

/// A measurement far off all lanes says more about itself than about its like.
static bool is_doubted(const gm_group_step *step, const gm_analysis *given, size_t index)
{
    return given->variance[index] > step->declared[index];
}

/// Error variances as they were learned, where nothing else is to be doubted.
static void use_noises(gm_twin *twin, const gm_group_step *step, gm_analysis *analysis)
{
    const gm_noise *noises = gm_filter_noises(twin);
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        size_t sensor = step->entries[index]->sample.sensor;
        double factor = gm_noise_factor(&noises[sensor], noise_trust);
        twin->filters->learned[index] =
            fmax(step->declared[index] * factor,
                 is_doubted(step, step->analysis, index) ? analysis->variance[index] : 0.0);
    }
    analysis->variance = twin->filters->learned;
}

static void learn_noises(gm_twin *twin, const gm_group_step *step)
{
    gm_noise *noises = gm_filter_noises(twin);
    const gm_analysis *given = step->analysis;
    for (size_t index = 0; index < given->measurement_count; index++) {
        if (!is_doubted(step, given, index)) {
            double left = given->measured[index] -
                          gm_mean(given->predictions + index * given->lanes, given->lanes);
            gm_noise_take(&noises[step->entries[index]->sample.sensor],
                          step->innovations[index].mean, left, step->declared[index], noise_memory);
        }
    }
}

// ---- least spread ----

static void keep_floors(const gm_twin *twin, const gm_group_step *step)
{
    const gm_analysis *analysis = step->analysis;
    for (size_t row = 0; twin->filters->has_floors && row < analysis->value_count; row++) {
        size_t number = gm_group_row_estimate(twin, step, row);
        const gm_world_estimate *estimate =
            number != GM_NO_INDEX ? &twin->world->estimates[number] : NULL;
        if (estimate != NULL && estimate->floor > 0.0) {
            double floor =
                gm_estimate_step(twin, estimate, estimate->floor, estimate->spread_relative);
            gm_draw draw = { .element = (uint32_t)number,
                             .purpose = PURPOSE_FLOOR,
                             .occurrence = gm_group_step_time(step) };
            gm_spread_floor(analysis->values + row * analysis->lanes, analysis->lanes, floor,
                            twin->filters->groups[step->group].random, draw);
        }
    }
}

// ---- updates ----

gm_status gm_group_filter_update(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_filter_kind kind = twin->filters->groups[step->group].kind;
    gm_analysis analysis = *step->analysis;
    gm_group_step own = *step;
    own.analysis = &analysis;
    if (gm_state_section_write(twin->state, SECTION_FILTERS) == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    if (world->noise_learned) {
        use_noises(twin, step, &analysis);
    }
    gm_status status = inflates(twin, step) ? inflate(twin, &own, error) : GM_OK;
    if (status == GM_OK) {
        status = updates[kind](twin, &own, error);
    }
    if (status != GM_OK) {
        return status;
    }
    if (inflates(twin, step)) {
        bound_spreads(twin, &own);
    }
    if (world->noise_learned && gm_group_leader(twin, step->cell) == step->hypothesis) {
        learn_noises(twin, step);
    }
    keep_floors(twin, step);
    return GM_OK;
}

// ---- opening ----

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/// Numbers of room that the filters of all groups need.
static size_t room_of(const gm_twin *twin)
{
    size_t lanes = twin->distinct, sensors = twin->estimator.sensor_room;
    bool matrices = lanes <= TRANSFORM_LANES_MAX;
    size_t room = 1;
    for (size_t group = 0; group < twin->world->group_count; group++) {
        gm_filter_kind kind = twin->filters->groups[group].kind;
        if (kind == GM_FILTER_TRANSFORM || (kind == GM_FILTER_AUTO && matrices)) {
            room = most(room, gm_transform_room(lanes));
        } else if (kind == GM_FILTER_STOCHASTIC) {
            room = most(room, gm_stochastic_room(lanes, sensors));
        } else if (kind == GM_FILTER_PARTICLES) {
            room = most(room, gm_group_particles_room(lanes, twin->estimator.row_count));
        }
    }
    return twin->world->inflation_adapts ? most(room, gm_inflation_room(lanes)) : room;
}

static gm_status open_rooms(gm_twin *twin, gm_error *error)
{
    gm_group_filters *filters = twin->filters;
    size_t sensors = twin->estimator.sensor_room;
    filters->room = gm_arena_new(twin->arena, room_of(twin), sizeof(double));
    filters->before = gm_arena_new(twin->arena, sensors * twin->distinct, sizeof(double));
    filters->spreads = gm_arena_new(twin->arena, twin->estimator.row_count, sizeof(double));
    filters->learned = gm_arena_new(twin->arena, sensors, sizeof(double));
    filters->scaled = gm_arena_new(twin->arena, sensors, sizeof(double));
    filters->chosen = gm_arena_new(twin->arena, twin->world->system_count, sizeof(bool));
    bool done = filters->room != NULL && filters->before != NULL && filters->spreads != NULL &&
                filters->learned != NULL && filters->scaled != NULL && filters->chosen != NULL;
    return done ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for filters");
}

const char *gm_group_name(const gm_world *world, size_t group)
{
    size_t system = 0;
    while (world->systems[system].group != group) {
        system++;
    }
    return world->systems[system].name;
}

static gm_status open_group(gm_twin *twin, size_t group, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_group_filter *filter = &twin->filters->groups[group];
    const gm_world_filter options =
        world->filters != NULL ? world->filters[group] : gm_default_world_filter();
    *filter = (gm_group_filter){ .kind = gm_group_filter_kind(twin, group),
                                 .jitter = options.jitter,
                                 .discount = options.discount };
    const gm_random filters = gm_random_for(world->seed, "filter");
    filter->random = gm_random_for(filters.key, gm_group_name(world, group));
    return filter->kind == GM_FILTER_LOCAL
               ? gm_group_places_create(twin, group, &options, &filter->places, error)
               : GM_OK;
}

gm_status gm_group_filters_open(gm_twin *twin, gm_error *error)
{
    gm_group_filters *filters = gm_arena_new(twin->arena, 1, sizeof *filters);
    if (filters == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for filters");
    }
    twin->filters = filters;
    filters->parts = parts_of(twin);
    for (size_t index = 0; index < twin->world->estimate_count; index++) {
        filters->has_floors = filters->has_floors || twin->world->estimates[index].floor > 0.0;
    }
    filters->groups = gm_arena_new(twin->arena, twin->world->group_count, sizeof *filters->groups);
    gm_status status =
        filters->groups != NULL ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for filters");
    for (size_t group = 0; status == GM_OK && group < twin->world->group_count; group++) {
        status = open_group(twin, group, error);
    }
    return status == GM_OK ? open_rooms(twin, error) : status;
}

void gm_group_filters_close(gm_twin *twin)
{
    bool opened = twin->filters != NULL && twin->filters->groups != NULL;
    for (size_t group = 0; opened && group < twin->world->group_count; group++) {
        gm_group_places_close(twin->filters->groups[group].places);
    }
}
