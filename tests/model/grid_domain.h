// Diffusion on a square grid with insulated edges, one large lane, in f32 or f64, for tests.
//
// Explicit Euler in flux form: u += number * (sum over neighbours of u_n - u), number = D dt / dx2.
// A step reads the whole of the old grid from scratch memory, so rows can be done in any order, in
// fixed chunks over the workers.
#ifndef GEMEL_TESTS_MODEL_GRID_DOMAIN_H
#define GEMEL_TESTS_MODEL_GRID_DOMAIN_H

#include <gemel/model.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "num/lanes.h"

enum { GRID_CELL = 0, GRID_VALUE = 0, GRID_CHUNK_ROWS = 16 };

static const gm_field grid_f32[] = {
    [GRID_VALUE] = { "value", "1", GM_STATE, GM_F32, 0.0, -1e6, 1e6, "concentration" },
};
static const gm_field grid_f64[] = {
    [GRID_VALUE] = { "value", "1", GM_STATE, GM_F64, 0.0, -1e6, 1e6, "concentration" },
};
static const gm_class grid_class_f32 = {
    .name = "cell", .doc = "a cell", .fields = grid_f32, .field_count = 1
};
static const gm_class grid_class_f64 = {
    .name = "cell", .doc = "a cell", .fields = grid_f64, .field_count = 1
};

typedef struct grid {
    size_t side;
    bool single;   // f32
    double number; // D dt / dx2
    int64_t step_ns;
} grid;

/// `{side: 1000, type: f32, steps: 4}`: the unit square, D = 1, each step as long as is stable over
/// `steps`, so that refining the grid by two asks for four times the steps.
static gm_status grid_build(gm_model *model, const gm_config *config, gm_error *error)
{
    static const char *const types[] = { "f64", "f32", NULL };
    int64_t side = 0, step_ns = 0;
    size_t type = 0;
    gm_status status = gm_config_integer(gm_config_get(config, "side"), 2, 4096, &side, error);
    if (status == GM_OK) {
        status = gm_config_choice(gm_config_get(config, "type"), types, &type, error);
    }
    if (status == GM_OK) {
        status =
            gm_config_integer(gm_config_get(config, "step_ns"), 1, 1000000000, &step_ns, error);
    }
    if (status == GM_OK) {
        status =
            gm_model_class(model, GRID_CELL, type == 1 ? &grid_class_f32 : &grid_class_f64, error);
    }
    for (int64_t cell = 0; status == GM_OK && cell < side * side; cell++) {
        char name[32];
        snprintf(name, sizeof name, "c%lld", (long long)cell);
        status = gm_model_element(model, GRID_CELL, name, NULL, error);
    }
    grid *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a grid");
    }
    *made = (grid){ .side = (size_t)side,
                    .single = type == 1,
                    .number = (double)step_ns * 1e-9 * (double)(side * side),
                    .step_ns = step_ns };
    gm_model_attach(model, made);
    gm_model_large(model);
    gm_model_scratch(model, (size_t)(side * side) * sizeof(double));
    return status;
}

typedef struct grid_step {
    const grid *shape;
    void *old, *new;
} grid_step;

#define GRID_ROW(name, type)                                                                       \
    GM_INLINE void name(const grid_step *at, size_t row)                                           \
    {                                                                                              \
        size_t side = at->shape->side;                                                             \
        type number = (type)at->shape->number;                                                     \
        const type *here = (const type *)at->old + row * side;                                     \
        const type *above = row > 0 ? here - side : here;                                          \
        const type *below = row + 1 < side ? here + side : here;                                   \
        type *next = (type *)at->new + row *side;                                                  \
        for (size_t column = 0; column < side; column++) {                                         \
            type u = here[column];                                                                 \
            type left = column > 0 ? here[column - 1] : u;                                         \
            type right = column + 1 < side ? here[column + 1] : u;                                 \
            next[column] = u + number * (((above[column] - u) + (below[column] - u)) +             \
                                         ((left - u) + (right - u)));                              \
        }                                                                                          \
    }
GRID_ROW(grid_row_f32, float)
GRID_ROW(grid_row_f64, double)

static void grid_chunk(void *context, size_t chunk)
{
    const grid_step *at = context;
    size_t first = chunk * GRID_CHUNK_ROWS, end = first + GRID_CHUNK_ROWS;
    for (size_t row = first; row < end && row < at->shape->side; row++) {
        if (at->shape->single) {
            grid_row_f32(at, row);
        } else {
            grid_row_f64(at, row);
        }
    }
}

static gm_status grid_advance(const gm_model *model, gm_block *block, int64_t until_ns,
                              gm_step *step)
{
    const grid *shape = gm_model_constants(model);
    void *values = gm_column(block, GRID_CELL, GRID_VALUE);
    size_t size = shape->side * shape->side * (shape->single ? sizeof(float) : sizeof(double));
    size_t chunks = (shape->side + GRID_CHUNK_ROWS - 1) / GRID_CHUNK_ROWS;
    for (; *block->time_ns + shape->step_ns <= until_ns; *block->time_ns += shape->step_ns) {
        memcpy(step->scratch, values, size);
        grid_step at = { shape, step->scratch, values };
        gm_workers_run(step->workers, chunks, grid_chunk, &at);
    }
    return GM_OK;
}

static void grid_release(gm_model *model)
{
    gm_memory_free(gm_model_attached(model));
}

static const gm_domain grid_domain = { .name = "grid",
                                       .summary = "diffusion on a square",
                                       .source = "Fick 1855",
                                       .schema = 1,
                                       .build = grid_build,
                                       .advance = grid_advance,
                                       .release = grid_release };

#endif
