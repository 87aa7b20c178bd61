// What is analysed by itself: the cells of each group, with what is estimated in them and the
// sensors that see them.
//
// Cells cannot influence each other (world/world_cells.h), so analysing them one by one loses
// nothing but covariances by chance, and a fleet costs as much as its machines. A group stays whole
// where its lanes are weighed or moved as one: hypotheses side by side, adopted changes, particles,
// the local filter.
#include "twin/adopted.h"
#include "twin/estimator_parts.h"
#include "twin/group_filter.h"
#include "world/world_cells.h"

enum { WHOLE_CELLS_MOST = 1000 }; // of a group that stays whole, without a warning

/// What is known of the world's cells.
typedef struct tally {
    uint32_t states, sensors;
} tally;

bool gm_cell_is_crowded(const gm_twin *twin, size_t state_count, size_t sensor_count)
{
    return state_count > twin->distinct && 2 * sensor_count > twin->distinct;
}

static gm_status count_cells(const gm_world *world, const gm_world_cells *cells, tally **tallies,
                             gm_error *error)
{
    tally *made = gm_memory_new(gm_world_cells_count(cells), sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    for (size_t index = 0; index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        made[gm_world_cell_of(cells, estimate->ref)].states += estimate->kind == GM_ESTIMATE_STATE;
    }
    for (size_t index = 0; index < world->sensor_count; index++) {
        if (!world->sensors[index].is_driver) {
            made[gm_world_cell_of(cells, world->sensors[index].ref)].sensors++;
        }
    }
    *tallies = made;
    return GM_OK;
}

/// Whether the lanes of a group are weighed or moved as one.
static bool is_whole(const gm_twin *twin, const gm_world_cells *cells, const tally *tallies,
                     size_t group)
{
    const gm_world *world = twin->world;
    gm_filter_kind kind = world->filters != NULL ? world->filters[group].kind : GM_FILTER_AUTO;
    size_t count = 0;
    uint32_t first = gm_world_cells_of_group(cells, group, &count);
    bool crowded = false;
    for (size_t cell = first; kind == GM_FILTER_AUTO && cell < first + count; cell++) {
        crowded = crowded || gm_cell_is_crowded(twin, tallies[cell].states, tallies[cell].sensors);
    }
    return world->hypothesis_count > 1 || gm_adopted_size(world, 1) > 0 || count == 0 ||
           kind == GM_FILTER_PARTICLES || kind == GM_FILTER_LOCAL ||
           (crowded && gm_group_has_distances(world, group));
}

/// The plan's cell of an address.
static uint32_t cell_of(const gm_twin *twin, const gm_world_cells *cells, gm_ref ref)
{
    size_t group = twin->world->systems[ref.system].group, count = 0;
    const uint32_t *first = &twin->estimator.first_cell[group];
    uint32_t cell = gm_world_cell_of(cells, ref);
    if (first[1] - first[0] == 1) {
        return first[0];
    }
    return cell == GM_NO_CELL ? cell
                              : first[0] + (cell - gm_world_cells_of_group(cells, group, &count));
}

/// A fleet that is one analysis takes the square of its time.
static void warn_whole(const gm_twin *twin, size_t count)
{
    if (count > WHOLE_CELLS_MOST) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin",
                     "%zu parts that do not act on each other are analysed as one (`hypotheses`, "
                     "`adopt`, the local filter or particles ask for it): this takes long",
                     count);
    }
}

static gm_status map_groups(gm_twin *twin, const gm_world_cells *cells, gm_error *error)
{
    gm_estimator *estimator = &twin->estimator;
    size_t groups = twin->world->group_count;
    tally *tallies = NULL;
    estimator->first_cell = gm_arena_new(twin->arena, groups + 1, sizeof(uint32_t));
    if (estimator->first_cell == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    gm_status status = count_cells(twin->world, cells, &tallies, error);
    for (size_t group = 0; status == GM_OK && group < groups; group++) {
        size_t count = 0;
        gm_world_cells_of_group(cells, group, &count);
        if (is_whole(twin, cells, tallies, group)) {
            warn_whole(twin, count);
            count = 1;
        }
        estimator->cell_count += count;
        estimator->first_cell[group + 1] = (uint32_t)estimator->cell_count;
    }
    gm_memory_free(tallies);
    return status;
}

/// Lists of numbers, one for each cell, behind each other: made from the cell of every number.
/// @param cell_of  [count]; GM_NO_CELL: in none
/// @param numbers  out, [count]
/// @param start    out, [cell_count + 1]
static void list_by_cell(const uint32_t *cell_of, size_t count, uint32_t *numbers, size_t *start,
                         size_t cell_count)
{
    for (size_t index = 0; index < count; index++) {
        if (cell_of[index] != GM_NO_CELL) {
            start[cell_of[index] + 1]++;
        }
    }
    for (size_t cell = 0; cell < cell_count; cell++) {
        start[cell + 1] += start[cell];
    }
    for (size_t index = 0; index < count; index++) {
        if (cell_of[index] != GM_NO_CELL) {
            numbers[start[cell_of[index]]++] = (uint32_t)index;
        }
    }
    for (size_t cell = cell_count; cell > 0; cell--) { // each start has become the next one's
        start[cell] = start[cell - 1];
    }
    start[0] = 0;
}

static gm_status fill_cells(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_estimator *estimator = &twin->estimator;
    size_t cells = estimator->cell_count;
    uint32_t *estimates = gm_arena_new(twin->arena, world->estimate_count, sizeof *estimates);
    uint32_t *sensors = gm_arena_new(twin->arena, world->sensor_count, sizeof *sensors);
    size_t *starts = gm_memory_new(2 * (cells + 1), sizeof *starts), *sensor_starts;
    if (estimates == NULL || sensors == NULL || starts == NULL) {
        gm_memory_free(starts);
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    sensor_starts = starts + cells + 1;
    list_by_cell(estimator->cell_of_estimate, world->estimate_count, estimates, starts, cells);
    list_by_cell(estimator->cell_of_sensor, world->sensor_count, sensors, sensor_starts, cells);
    for (size_t group = 0; group < world->group_count; group++) {
        for (size_t cell = estimator->first_cell[group]; cell < estimator->first_cell[group + 1];
             cell++) {
            gm_cell_plan *plan = &estimator->cells[cell];
            *plan = (gm_cell_plan){ .group = group,
                                    .estimates = estimates + starts[cell],
                                    .count = starts[cell + 1] - starts[cell],
                                    .sensors = sensors + sensor_starts[cell],
                                    .sensor_count = sensor_starts[cell + 1] - sensor_starts[cell] };
            for (size_t row = 0; row < plan->count; row++) {
                gm_estimate_kind kind = world->estimates[plan->estimates[row]].kind;
                plan->state_count += kind == GM_ESTIMATE_STATE; // they come first
                plan->input_count += kind == GM_ESTIMATE_INPUT;
            }
        }
    }
    gm_memory_free(starts);
    return GM_OK;
}

static gm_status plan_cells(gm_twin *twin, const gm_world_cells *cells, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_estimator *estimator = &twin->estimator;
    gm_arena *arena = twin->arena;
    gm_status status = map_groups(twin, cells, error);
    if (status != GM_OK) {
        return status;
    }
    estimator->cells = gm_arena_new(arena, estimator->cell_count, sizeof(gm_cell_plan));
    estimator->cell_of_estimate = gm_arena_new(arena, world->estimate_count, sizeof(uint32_t));
    estimator->cell_of_sensor = gm_arena_new(arena, world->sensor_count, sizeof(uint32_t));
    if (estimator->cells == NULL || estimator->cell_of_estimate == NULL ||
        estimator->cell_of_sensor == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    for (size_t index = 0; index < world->estimate_count; index++) {
        estimator->cell_of_estimate[index] = cell_of(twin, cells, world->estimates[index].ref);
    }
    for (size_t index = 0; index < world->sensor_count; index++) {
        const gm_world_sensor *sensor = &world->sensors[index];
        estimator->cell_of_sensor[index] =
            sensor->is_driver ? GM_NO_CELL : cell_of(twin, cells, sensor->ref);
    }
    return fill_cells(twin, error);
}

gm_status gm_estimator_plan(gm_twin *twin, gm_error *error)
{
    gm_world_cells *cells = NULL;
    gm_status status = gm_world_cells_find(twin->world, &cells, error);
    if (status == GM_OK) {
        status = plan_cells(twin, cells, error);
    }
    gm_world_cells_close(cells);
    return status;
}
