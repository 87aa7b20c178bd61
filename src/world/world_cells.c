// Elements of all systems as one network: what acts on each other, and links between systems.
#include "world/world_cells.h"

#include <string.h>

#include "base/arena.h"
#include "num/network_cells.h"

_Static_assert(GM_NO_CELL == (uint32_t)GM_NETWORK_NONE, "a cell is that of a network");

struct gm_world_cells {
    size_t count;
    size_t *first_class;   // [system_count] place of a system's first class in first_element
    size_t *first_element; // [classes of all systems + 1] place of a class' first element in cell
    uint32_t *cell;        // [elements of all systems]
    size_t group_count;
    uint32_t *group_first; // [group_count + 1]
};

/// The network under construction.
typedef struct wiring {
    const gm_world *world;
    const gm_world_cells *cells;
    uint32_t (*ends)[2]; // [count]
    size_t count;
    uint8_t *passes; // [elements]
} wiring;

/// Rows of a population are one element.
static size_t elements_of(const gm_model *model, size_t class_number)
{
    bool population = gm_model_class_at(model, class_number)->capacity > 0;
    return population ? 1 : gm_model_element_count(model, class_number);
}

static uint32_t place_of(const gm_world_cells *cells, gm_ref ref)
{
    size_t first = cells->first_element[cells->first_class[ref.system] + ref.class_number];
    return (uint32_t)(first + (ref.element == GM_ROWS ? 0 : ref.element));
}

static size_t end_of_system(const gm_world_cells *cells, const gm_world *world, size_t system)
{
    size_t classes = gm_model_class_count(world->systems[system].model);
    return cells->first_element[cells->first_class[system] + classes];
}

// ---- what acts on what ----

static void wire(wiring *w, uint32_t a, uint32_t b)
{
    if (a != b) {
        w->ends[w->count][0] = a;
        w->ends[w->count][1] = b;
        w->count++;
    }
}

/// Everything in a system acts on everything.
static void wire_whole(wiring *w, uint32_t system)
{
    size_t end = end_of_system(w->cells, w->world, system);
    uint32_t first = place_of(w->cells, (gm_ref){ .system = system });
    for (uint32_t place = first; place < end; place++) {
        wire(w, first, place);
        w->passes[place] = 1;
    }
}

static void wire_joins(wiring *w, uint32_t system, const gm_join *joins, size_t count)
{
    const gm_model *model = w->world->systems[system].model;
    for (size_t index = 0; index < count; index++) {
        const gm_join *join = &joins[index];
        gm_ref a = { .system = system, join->class_a, .element = join->element_a };
        gm_ref b = { .system = system, join->class_b, .element = join->element_b };
        wire(w, place_of(w->cells, a), place_of(w->cells, b));
    }
    for (uint32_t class_number = 0; class_number < gm_model_class_count(model); class_number++) {
        const gm_class *declared = gm_model_class_at(model, class_number);
        size_t elements = elements_of(model, class_number);
        for (uint32_t field = 0; field < declared->field_count; field++) {
            for (uint32_t element = 0; element < elements; element++) {
                bool moves = gm_model_role_at(model, class_number, field, element) == GM_STATE;
                w->passes[place_of(w->cells, (gm_ref){ system, class_number, field, element })] |=
                    moves;
            }
        }
    }
}

static void wire_world(wiring *w)
{
    const gm_world *world = w->world;
    for (uint32_t system = 0; system < world->system_count; system++) {
        size_t count = 0;
        const gm_join *joins = gm_model_join_list(world->systems[system].model, &count);
        if (joins == NULL) {
            wire_whole(w, system);
        } else {
            wire_joins(w, system, joins, count);
        }
    }
    for (size_t index = 0; index < world->link_count; index++) {
        uint32_t from = place_of(w->cells, world->links[index].from);
        uint32_t to = place_of(w->cells, world->links[index].to);
        wire(w, from, to);
        w->passes[from] = w->passes[to] = 1;
    }
    for (size_t index = 0; index < world->estimate_count; index++) {
        w->passes[place_of(w->cells, world->estimates[index].ref)] = 1;
    }
    for (size_t index = 0; index < world->sensor_count; index++) {
        const gm_world_sensor *sensor = &world->sensors[index];
        if (!sensor->is_driver) {
            uint32_t first = place_of(w->cells, sensor->ref);
            w->passes[first] = 1;
            for (size_t at = 0; at < sensor->ref_count; at++) {
                uint32_t place = place_of(w->cells, sensor->refs[at]);
                wire(w, first, place);
                w->passes[place] = 1;
            }
        }
    }
}

// ---- numbers ----

/// Renumbers cells group by group: those of linked systems far from each other in the file come
/// together.
/// @param numbers  [count] work
static void sort_by_group(gm_world_cells *cells, const gm_world *world, uint32_t *numbers)
{
    memset(numbers, 0xff, cells->count * sizeof *numbers);
    uint32_t next = 0;
    for (size_t group = 0; group < world->group_count; group++) {
        cells->group_first[group] = next;
        for (uint32_t system = 0; system < world->system_count; system++) {
            size_t end = end_of_system(cells, world, system);
            for (size_t place = place_of(cells, (gm_ref){ .system = system });
                 world->systems[system].group == group && place < end; place++) {
                uint32_t own = cells->cell[place];
                if (own != GM_NO_CELL && numbers[own] == GM_NO_CELL) {
                    numbers[own] = next++;
                }
            }
        }
    }
    cells->group_first[world->group_count] = next;
    size_t elements = cells->first_element[cells->first_class[world->system_count]];
    for (size_t place = 0; place < elements; place++) {
        uint32_t own = cells->cell[place];
        cells->cell[place] = own == GM_NO_CELL ? own : numbers[own];
    }
}

static gm_status number_cells(gm_world_cells *cells, wiring *w, gm_error *error)
{
    const gm_world *world = w->world;
    size_t elements = cells->first_element[cells->first_class[world->system_count]];
    gm_network *network = NULL;
    gm_status status = gm_network_create(elements, w->count, w->ends, &network, error);
    if (status == GM_OK) {
        status = gm_network_cells(network, w->passes, cells->cell, &cells->count, error);
    }
    gm_network_close(network);
    uint32_t *numbers = NULL;
    if (status == GM_OK) {
        numbers = gm_memory_new(cells->count, sizeof *numbers);
        status =
            numbers != NULL ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory to number cells");
    }
    if (status == GM_OK) {
        sort_by_group(cells, world, numbers);
    }
    gm_memory_free(numbers);
    return status;
}

/// Room for all, and where each class begins.
static bool lay_out(gm_world_cells *cells, const gm_world *world, wiring *w)
{
    size_t classes = 0, elements = 0, entries = world->link_count;
    for (size_t index = 0; index < world->sensor_count; index++) {
        entries += world->sensors[index].ref_count;
    }
    for (size_t system = 0; system < world->system_count; system++) {
        classes += gm_model_class_count(world->systems[system].model);
    }
    cells->first_class = gm_memory_new(world->system_count + 1, sizeof *cells->first_class);
    cells->first_element = gm_memory_new(classes + 1, sizeof *cells->first_element);
    cells->group_first = gm_memory_new(world->group_count + 1, sizeof *cells->group_first);
    if (cells->first_class == NULL || cells->first_element == NULL || cells->group_first == NULL) {
        return false;
    }
    classes = 0;
    for (size_t system = 0; system < world->system_count; system++) {
        const gm_model *model = world->systems[system].model;
        size_t joins = 0;
        bool declared = gm_model_join_list(model, &joins) != NULL;
        cells->first_class[system] = classes;
        for (size_t number = 0; number < gm_model_class_count(model); number++) {
            cells->first_element[classes++] = elements;
            elements += elements_of(model, number);
            entries += declared ? 0 : elements_of(model, number);
        }
        entries += joins;
    }
    cells->first_class[world->system_count] = classes;
    cells->first_element[classes] = elements;
    cells->group_count = world->group_count;
    cells->cell = gm_memory_new(elements, sizeof *cells->cell);
    w->ends = gm_memory_new(entries, sizeof *w->ends);
    w->passes = gm_memory_new(elements, sizeof *w->passes);
    return cells->cell != NULL && w->ends != NULL && w->passes != NULL;
}

// ---- public ----

gm_status gm_world_cells_find(const gm_world *world, gm_world_cells **cells, gm_error *error)
{
    gm_world_cells *made = gm_memory_new(1, sizeof *made);
    wiring w = { .world = world, .cells = made };
    gm_status status = GM_OK;
    if (made == NULL || !lay_out(made, world, &w)) {
        status = gm_error_set(error, GM_MEMORY, "no memory to find what acts on what");
    } else {
        wire_world(&w);
        status = number_cells(made, &w, error);
    }
    gm_memory_free(w.ends);
    gm_memory_free(w.passes);
    if (status != GM_OK) {
        gm_world_cells_close(made);
        return status;
    }
    *cells = made;
    return GM_OK;
}

void gm_world_cells_close(gm_world_cells *cells)
{
    if (cells != NULL) {
        gm_memory_free(cells->first_class);
        gm_memory_free(cells->first_element);
        gm_memory_free(cells->group_first);
        gm_memory_free(cells->cell);
        gm_memory_free(cells);
    }
}

size_t gm_world_cells_count(const gm_world_cells *cells)
{
    return cells->count;
}

uint32_t gm_world_cells_of_group(const gm_world_cells *cells, size_t group, size_t *count)
{
    uint32_t first = cells->group_first[group];
    *count = cells->group_first[group + 1] - first;
    return first;
}

uint32_t gm_world_cell_of(const gm_world_cells *cells, gm_ref ref)
{
    return cells->cell[place_of(cells, ref)];
}
