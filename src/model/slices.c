// Slices: a large model cut into runs of elements that act on no other run, so that each run is
// integrated through all its stages while it lies in the processor's caches.
//
// What acts on each other by what the domain declares (gm_model_joins) forms cells, and elements
// without a state pass nothing on (num/network_cells.h). Where every class lists cells one after
// the other, as a fleet does, a cut behind a cell is a cut through all classes, and slices are runs
// of cells of about one size. RK4 gives the same bits for any cut; of DOPRI5 each slice controls
// its own error. The symbolic work of RODAS3 is one for the whole, which stays in one piece.
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"
#include "num/network_cells.h"

enum { SLICE_UNKNOWNS = 64 }; // 4 KB a column of eight lanes: a stage stays in the first cache
static const uint32_t no_cell = (uint32_t)GM_NETWORK_NONE;

typedef struct cutter {
    gm_model *model;
    size_t offsets[GM_CLASSES_MAX + 1]; // where each class begins among all elements
    uint32_t *cell;                     // [elements]
    size_t cell_count;
    size_t *least; // [cell_count + 1][class_count] first element of this cell and those behind it
    size_t *most;  // [cell_count + 1][class_count] one past the last element up to this cell
} cutter;

gm_status gm_model_joins(gm_model *model, const gm_join *joins, size_t count, gm_error *error)
{
    GM_REQUIRE(!model->built && model->joins == NULL);
    gm_join *copy = gm_memory_new(count + 1, sizeof *copy); // none at all is an answer too
    if (copy == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory for %zu joins", model->name, count);
    }
    for (size_t index = 0; index < count; index++) {
        const gm_join *join = &joins[index];
        GM_REQUIRE(join->element_a < gm_model_element_count(model, join->class_a) &&
                   join->element_b < gm_model_element_count(model, join->class_b));
        copy[index] = *join;
    }
    model->joins = copy;
    model->join_count = count;
    return GM_OK;
}

const gm_join *gm_model_join_list(const gm_model *model, size_t *count)
{
    *count = model->join_count;
    return model->joins;
}

// ---- cells ----

/// Which elements have a state that is carried on.
static void find_movers(const cutter *c, uint8_t *moves)
{
    for (size_t index = 0; index < c->model->column_count; index++) {
        const gm_column_plan *plan = &c->model->columns[index];
        uint8_t *own = moves + c->offsets[plan->class_number];
        for (size_t element = 0; plan->role == GM_STATE && element < plan->count; element++) {
            bool held = element < plan->roles_count && plan->roles[element] != GM_STATE;
            own[element] |= !held;
        }
    }
}

static gm_status find_cells(cutter *c, gm_error *error)
{
    const gm_model *model = c->model;
    for (size_t number = 0; number < model->class_count; number++) {
        c->offsets[number + 1] = c->offsets[number] + gm_model_element_count(model, number);
    }
    size_t elements = c->offsets[model->class_count];
    uint32_t(*ends)[2] = gm_memory_new(model->join_count, sizeof *ends);
    uint8_t *moves = gm_memory_new(elements, sizeof *moves);
    c->cell = gm_memory_new(elements, sizeof *c->cell);
    gm_network *network = NULL;
    gm_status status = GM_OK;
    if (ends == NULL || moves == NULL || c->cell == NULL) {
        status = gm_error_set(error, GM_MEMORY, "%s: no memory to cut it", model->name);
    }
    for (size_t index = 0; status == GM_OK && index < model->join_count; index++) {
        const gm_join *join = &model->joins[index];
        ends[index][0] = (uint32_t)(c->offsets[join->class_a] + join->element_a);
        ends[index][1] = (uint32_t)(c->offsets[join->class_b] + join->element_b);
    }
    if (status == GM_OK) {
        status = gm_network_create(elements, model->join_count, ends, &network, error);
    }
    if (status == GM_OK) {
        find_movers(c, moves);
        status = gm_network_cells(network, moves, c->cell, &c->cell_count, error);
    }
    gm_network_close(network);
    gm_memory_free(ends);
    gm_memory_free(moves);
    return status;
}

/// Which elements of each class lie in a cell or behind it, and which in it or in front of it.
static void measure_cells(cutter *c)
{
    const gm_model *model = c->model;
    size_t classes = model->class_count;
    for (size_t number = 0; number < classes; number++) {
        size_t count = c->offsets[number + 1] - c->offsets[number];
        for (size_t cell = 0; cell <= c->cell_count; cell++) {
            c->least[cell * classes + number] = count;
        }
        for (size_t element = count; element-- > 0;) {
            uint32_t cell = c->cell[c->offsets[number] + element];
            if (cell != no_cell) {
                c->least[cell * classes + number] = element;
                size_t *most = &c->most[cell * classes + number];
                *most = *most > element ? *most : element + 1;
            }
        }
    }
    for (size_t at = c->cell_count * classes; at-- > 0;) {
        size_t behind = c->least[at + classes];
        c->least[at] = c->least[at] < behind ? c->least[at] : behind;
    }
    for (size_t at = classes; at < c->cell_count * classes; at++) {
        size_t before = c->most[at - classes];
        c->most[at] = c->most[at] > before ? c->most[at] : before;
    }
}

// ---- cuts ----

static size_t unknowns_between(const gm_model *model, const size_t *first, const size_t *end)
{
    size_t count = 0;
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        count += plan->role == GM_STATE ? end[plan->class_number] - first[plan->class_number] : 0;
    }
    return count;
}

/// Cuts wherever enough unknowns lie behind the last cut and all classes allow it.
static void place_cuts(cutter *c)
{
    gm_model *model = c->model;
    size_t classes = model->class_count, *last = model->cuts;
    memset(last, 0, classes * sizeof *last);
    for (size_t cell = 0; cell < c->cell_count; cell++) {
        const size_t *next = c->least + (cell + 1) * classes;
        bool apart = cell + 1 == c->cell_count;
        if (!apart && unknowns_between(model, last, next) >= SLICE_UNKNOWNS) {
            apart = true;
            for (size_t number = 0; number < classes; number++) {
                apart = apart && c->most[cell * classes + number] <= next[number];
            }
        }
        if (apart) {
            size_t unknowns = unknowns_between(model, last, next);
            last = memcpy(last + classes, next, classes * sizeof *last);
            model->slice_count++;
            model->slice_unknowns =
                unknowns > model->slice_unknowns ? unknowns : model->slice_unknowns;
        }
    }
}

static gm_status cut_cells(cutter *c, gm_error *error)
{
    gm_status status = find_cells(c, error);
    size_t rows = c->cell_count + 1, classes = c->model->class_count;
    if (status != GM_OK || c->cell_count == 0) {
        return status;
    }
    c->least = gm_memory_new(rows * classes, sizeof *c->least);
    c->most = gm_memory_new(rows * classes, sizeof *c->most);
    if (c->least == NULL || c->most == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory to cut it", c->model->name);
    }
    measure_cells(c);
    place_cuts(c);
    return GM_OK;
}

/// The whole model as one slice.
static void take_whole(gm_model *model)
{
    for (size_t number = 0; number < model->class_count; number++) {
        model->cuts[number] = 0;
        model->cuts[model->class_count + number] = gm_model_element_count(model, number);
    }
    model->slice_count = 1;
    model->slice_unknowns = model->unknowns;
}

gm_status gm_slices_cut(gm_model *model, gm_error *error)
{
    GM_REQUIRE(!model->domain->sliced || (model->domain->rate != NULL && model->joins != NULL));
    size_t rows = model->unknowns / SLICE_UNKNOWNS + 2;
    model->cuts = gm_memory_new(rows * model->class_count, sizeof *model->cuts);
    if (model->cuts == NULL) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory to cut it", model->name);
    }
    gm_status status = GM_OK;
    if (model->domain->sliced && model->integrator.method != GM_ODE_RODAS3 &&
        model->population_count == 0 && model->unknowns > SLICE_UNKNOWNS) {
        cutter c = { .model = model };
        status = cut_cells(&c, error);
        gm_memory_free(c.cell);
        gm_memory_free(c.least);
        gm_memory_free(c.most);
    }
    if (status == GM_OK && model->slice_count == 0) {
        take_whole(model);
    }
    return status;
}
