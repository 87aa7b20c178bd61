// What is analysed by itself: the cells of each group, with what is estimated in them and the
// sensors that see them.
//
// Cells cannot influence each other (world/world_cells.h), so analysing them one by one loses
// nothing but covariances by chance, and a fleet costs as much as its machines. A group stays whole
// where its lanes are weighed or moved as one: hypotheses side by side, adopted changes, particles.
#include "twin/adopted.h"
#include "twin/estimator_parts.h"
#include "world/world_cells.h"

/// Which cells of the world a group's become.
typedef struct mapping {
    const gm_world *world;
    gm_world_cells *cells; // NULL: all groups are whole
    uint32_t *first;       // [group_count + 1] the plan's first cell of each group
} mapping;

static bool is_whole(const gm_world *world, size_t group)
{
    return world->hypothesis_count > 1 || gm_adopted_size(world, 1) > 0 ||
           (world->filters != NULL && world->filters[group].kind == GM_FILTER_PARTICLES);
}

/// The plan's cell of an address.
static uint32_t cell_of(const mapping *of, gm_ref ref)
{
    size_t group = of->world->systems[ref.system].group, count = 0;
    if (of->first[group + 1] - of->first[group] == 1) {
        return of->first[group];
    }
    uint32_t cell = gm_world_cell_of(of->cells, ref);
    uint32_t first = gm_world_cells_of_group(of->cells, group, &count);
    return cell == GM_NO_CELL ? GM_NO_CELL : of->first[group] + (cell - first);
}

static gm_status map_groups(gm_twin *twin, mapping *of, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_estimator *estimator = &twin->estimator;
    gm_status status = gm_world_cells_find(world, &of->cells, error);
    of->first = gm_arena_new(twin->arena, world->group_count + 1, sizeof *of->first);
    if (status == GM_OK && of->first == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    for (size_t group = 0; status == GM_OK && group < world->group_count; group++) {
        size_t count = 1;
        if (!is_whole(world, group)) {
            gm_world_cells_of_group(of->cells, group, &count);
        }
        of->first[group] = (uint32_t)estimator->cell_count;
        estimator->cell_count += count > 0 ? count : 1;
        of->first[group + 1] = (uint32_t)estimator->cell_count;
    }
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

static gm_status fill_cells(gm_twin *twin, const mapping *of, gm_error *error)
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
        for (size_t cell = of->first[group]; cell < of->first[group + 1]; cell++) {
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

gm_status gm_estimator_plan(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    gm_estimator *estimator = &twin->estimator;
    mapping of = { .world = world };
    gm_status status = map_groups(twin, &of, error);
    gm_arena *arena = twin->arena;
    if (status == GM_OK) {
        estimator->cells = gm_arena_new(arena, estimator->cell_count, sizeof(gm_cell_plan));
        estimator->cell_of_estimate = gm_arena_new(arena, world->estimate_count, sizeof(uint32_t));
        estimator->cell_of_sensor = gm_arena_new(arena, world->sensor_count, sizeof(uint32_t));
        if (estimator->cells == NULL || estimator->cell_of_estimate == NULL ||
            estimator->cell_of_sensor == NULL) {
            status = gm_error_set(error, GM_MEMORY, "no memory for the estimator");
        }
    }
    for (size_t index = 0; status == GM_OK && index < world->estimate_count; index++) {
        estimator->cell_of_estimate[index] = cell_of(&of, world->estimates[index].ref);
    }
    for (size_t index = 0; status == GM_OK && index < world->sensor_count; index++) {
        const gm_world_sensor *sensor = &world->sensors[index];
        estimator->cell_of_sensor[index] =
            sensor->is_driver ? GM_NO_CELL : cell_of(&of, sensor->ref);
    }
    if (status == GM_OK) {
        status = fill_cells(twin, &of, error);
    }
    gm_world_cells_close(of.cells);
    return status;
}
