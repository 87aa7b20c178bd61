// Slices: a large model cut into runs of elements that act on no other run, so that each run is
// integrated through all its stages while it lies in the processor's caches.
//
// Elements joined by what the domain declares (gm_model_joins) form cells; an element without a
// state passes nothing on and belongs to the cell it is joined with, or, between several, to none.
// Where every class lists cells one after the other, as a fleet does, a cut behind a cell is a cut
// through all classes, and slices are runs of cells of about one size. The bits are the same for
// any cut as long as steps do not depend on the whole: only RK4 is integrated in slices.
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"
#include "num/disjoint_sets.h"

enum { SLICE_UNKNOWNS = 64 }; // 4 KB a column of eight lanes: a stage stays in the first cache
#define NO_CELL UINT32_MAX

typedef struct cutter {
    gm_model *model;
    size_t offsets[GM_CLASSES_MAX + 1]; // where each class begins among all elements
    size_t element_count;
    uint8_t *moves; // [element_count] it has a state
    uint32_t *cell; // [element_count] parents first, then numbers of cells
    size_t cell_count;
    size_t *least; // [cell_count + 1][class_count] first element of this cell and those behind it
    size_t *most;  // [cell_count][class_count] one past its last element
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

static void find_movers(cutter *c)
{
    for (size_t index = 0; index < c->model->column_count; index++) {
        const gm_column_plan *plan = &c->model->columns[index];
        uint8_t *moves = c->moves + c->offsets[plan->class_number];
        for (size_t element = 0; plan->role == GM_STATE && element < plan->count; element++) {
            bool held = element < plan->roles_count && plan->roles[element] != GM_STATE;
            moves[element] |= !held;
        }
    }
}

static uint32_t end_a(const cutter *c, const gm_join *join)
{
    return (uint32_t)(c->offsets[join->class_a] + join->element_a);
}

static uint32_t end_b(const cutter *c, const gm_join *join)
{
    return (uint32_t)(c->offsets[join->class_b] + join->element_b);
}

/// An element at rest belongs to the cell it is joined with, its parent; between several it stands
/// alone and is torn.
static void attach(cutter *c, uint8_t *torn, uint32_t resting, uint32_t moving)
{
    uint32_t root = gm_sets_find(c->cell, moving);
    if (c->cell[resting] == resting && !torn[resting]) {
        c->cell[resting] = root;
    } else if (c->cell[resting] != root) {
        c->cell[resting] = resting;
        torn[resting] = 1;
    }
}

static void join_elements(cutter *c, uint8_t *torn)
{
    const gm_model *model = c->model;
    gm_sets_start(c->cell, c->element_count);
    for (size_t index = 0; index < model->join_count; index++) {
        uint32_t a = end_a(c, &model->joins[index]), b = end_b(c, &model->joins[index]);
        if (c->moves[a] && c->moves[b]) {
            gm_sets_join(c->cell, a, b);
        }
    }
    for (size_t index = 0; index < model->join_count; index++) {
        uint32_t a = end_a(c, &model->joins[index]), b = end_b(c, &model->joins[index]);
        if (c->moves[a] != c->moves[b]) {
            attach(c, torn, c->moves[a] ? b : a, c->moves[a] ? a : b);
        }
    }
}

/// Roots become numbers, in order of the elements that move.
static void number_cells(cutter *c, uint32_t *numbers)
{
    for (size_t element = 0; element < c->element_count; element++) {
        c->cell[element] = gm_sets_find(c->cell, (uint32_t)element);
        bool root = c->moves[element] && c->cell[element] == element;
        numbers[element] = root ? (uint32_t)c->cell_count++ : NO_CELL;
    }
    for (size_t element = 0; element < c->element_count; element++) {
        c->cell[element] = numbers[c->cell[element]];
    }
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
            if (cell != NO_CELL) {
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

static bool open_cutter(cutter *c, size_t class_count)
{
    for (size_t number = 0; number < class_count; number++) {
        c->offsets[number + 1] = c->offsets[number] + gm_model_element_count(c->model, number);
    }
    c->element_count = c->offsets[class_count];
    c->moves = gm_memory_new(c->element_count, sizeof *c->moves);
    c->cell = gm_memory_new(c->element_count, sizeof *c->cell);
    return c->moves != NULL && c->cell != NULL;
}

static bool cut_cells(cutter *c)
{
    size_t classes = c->model->class_count;
    uint8_t *torn = gm_memory_new(c->element_count, sizeof *torn);
    uint32_t *numbers = gm_memory_new(c->element_count, sizeof *numbers);
    bool memory = torn != NULL && numbers != NULL;
    if (memory) {
        find_movers(c);
        join_elements(c, torn);
        number_cells(c, numbers);
        c->least = gm_memory_new((c->cell_count + 1) * classes, sizeof *c->least);
        c->most = gm_memory_new((c->cell_count + 1) * classes, sizeof *c->most);
        memory = c->least != NULL && c->most != NULL;
    }
    if (memory && c->cell_count > 0) {
        measure_cells(c);
        place_cuts(c);
    }
    gm_memory_free(torn);
    gm_memory_free(numbers);
    return memory;
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
    bool memory = model->cuts != NULL;
    bool sliced = model->domain->sliced && model->integrator.method == GM_ODE_RK4 &&
                  model->population_count == 0 && model->unknowns > SLICE_UNKNOWNS;
    if (memory && sliced) {
        cutter c = { .model = model };
        memory = open_cutter(&c, model->class_count) && cut_cells(&c);
        gm_memory_free(c.moves);
        gm_memory_free(c.cell);
        gm_memory_free(c.least);
        gm_memory_free(c.most);
    }
    if (!memory) {
        return gm_error_set(error, GM_MEMORY, "%s: no memory to cut it into slices", model->name);
    }
    if (model->slice_count == 0) {
        take_whole(model);
    }
    return GM_OK;
}
