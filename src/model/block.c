// Blocks: columns, rows of populations, one lane out of a wide block and back.
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"

void *gm_column(const gm_block *at, size_t class_number, size_t field)
{
    return at->columns[at->model->classes[class_number].first_column + field];
}

double *gm_rate_column(const gm_block *at, double *rate, size_t class_number, size_t field)
{
    const gm_model *model = at->model;
    const gm_column_plan *plan = gm_plan(model, class_number, field);
    size_t first = plan->unknown;
    if (at->slice != NULL) {
        first = 0;
        for (const gm_column_plan *before = model->columns; before < plan; before++) {
            uint32_t number = before->class_number;
            first +=
                before->role == GM_STATE ? at->slice->end[number] - at->slice->first[number] : 0;
        }
    }
    return rate + first * (size_t)at->width;
}

static uint32_t *rows_of(const gm_block *at, size_t class_number, int lane)
{
    size_t population = at->model->classes[class_number].population;
    GM_REQUIRE(population != SIZE_MAX && lane >= 0 && lane < at->width);
    return &at->rows[population * (size_t)at->width + (size_t)lane];
}

uint32_t gm_rows_count(const gm_block *at, size_t class_number, int lane)
{
    return *rows_of(at, class_number, lane);
}

/// Copies (or clears, from == SIZE_MAX) one row of one lane.
static void move_row(gm_block *block, size_t class_number, int lane, size_t from, size_t to)
{
    const gm_class_part *part = &block->model->classes[class_number];
    size_t width = (size_t)block->width;
    for (size_t field = 0; field < part->declared->field_count; field++) {
        const gm_column_plan *plan = gm_plan(block->model, class_number, field);
        unsigned char *column = block->columns[part->first_column + field];
        if (column == NULL) {
            continue; // an output: not stored
        }
        size_t size = gm_type_size(plan->type);
        unsigned char *target = column + (to * width + (size_t)lane) * size;
        if (from == SIZE_MAX) {
            memset(target, 0, size);
        } else {
            memcpy(target, column + (from * width + (size_t)lane) * size, size);
        }
    }
}

bool gm_rows_add(gm_block *block, size_t class_number, int lane, uint32_t *row)
{
    uint32_t *rows = rows_of(block, class_number, lane);
    if (*rows >= block->model->classes[class_number].declared->capacity) {
        return false;
    }
    *row = (*rows)++;
    move_row(block, class_number, lane, SIZE_MAX, *row);
    return true;
}

void gm_rows_remove(gm_block *block, size_t class_number, int lane, uint32_t row)
{
    uint32_t *rows = rows_of(block, class_number, lane);
    GM_REQUIRE(row < *rows);
    uint32_t last = --*rows;
    if (row != last) {
        move_row(block, class_number, lane, last, row);
    }
    move_row(block, class_number, lane, SIZE_MAX,
             last); // rows not in use are zero: same bits for the same content
}

// ---- one lane ----

static size_t aligned(size_t size)
{
    return (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

size_t gm_block_lane_size(const gm_model *model)
{
    size_t size = aligned(model->column_count * sizeof(void *)) + aligned(sizeof(int64_t)) +
                  aligned(model->population_count * sizeof(uint32_t)) + model->hidden_size;
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        size_t count =
            gm_model_element_count(model, plan->class_number); // right while building too
        size += aligned(count * gm_type_size(plan->type));
    }
    return size;
}

/// Copies `count` values of `size` bytes between two strides.
static void copy_strided(void *to, size_t to_stride, const void *from, size_t from_stride,
                         size_t count)
{
    size_t size = to_stride < from_stride ? to_stride : from_stride;
    for (size_t index = 0; index < count; index++) {
        memcpy((char *)to + index * to_stride, (const char *)from + index * from_stride, size);
    }
}

static size_t rows_in_use(const gm_block *at, const gm_column_plan *plan, int lane)
{
    size_t population = at->model->classes[plan->class_number].population;
    return population == SIZE_MAX ? plan->count
                                  : at->rows[population * (size_t)at->width + (size_t)lane];
}

void gm_block_gather(const gm_block *from, int lane, void *memory, gm_block *single)
{
    const gm_model *model = from->model;
    unsigned char *at = memory;
    size_t width = (size_t)from->width;
    void **columns = memory;
    at += aligned(model->column_count * sizeof *columns);
    *single = (gm_block){ .model = model,
                          .width = 1,
                          .first_lane = from->first_lane + (uint32_t)lane,
                          .lanes = (uint8_t)(from->lanes >> lane & 1u),
                          .columns = columns };
    single->time_ns = (int64_t *)(void *)at;
    *single->time_ns = from->time_ns[lane];
    at += aligned(sizeof(int64_t));
    single->rows = (uint32_t *)(void *)at;
    for (size_t index = 0; index < model->population_count; index++) {
        single->rows[index] = from->rows[index * width + (size_t)lane];
    }
    at += aligned(model->population_count * sizeof(uint32_t));
    if (model->hidden_size > 0) {
        single->hidden = at;
        memcpy(at, from->hidden + (size_t)lane * model->hidden_size, model->hidden_size);
        at += model->hidden_size;
    }
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        const unsigned char *column = from->columns[index];
        size_t size = gm_type_size(plan->type);
        columns[index] = column == NULL ? NULL : at;
        if (column != NULL) {
            size_t used = rows_in_use(from, plan, lane);
            copy_strided(at, size, column + (size_t)lane * size, size * width, used);
            memset(at + used * size, 0, (plan->count - used) * size);
        }
        at += aligned(plan->count * size);
    }
}

void gm_block_scatter(const gm_block *single, gm_block *into, int lane)
{
    const gm_model *model = into->model;
    size_t width = (size_t)into->width;
    into->time_ns[lane] = *single->time_ns;
    if (model->hidden_size > 0) {
        memcpy(into->hidden + (size_t)lane * model->hidden_size, single->hidden,
               model->hidden_size);
    }
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        unsigned char *column = into->columns[index];
        size_t size = gm_type_size(plan->type);
        bool writable = column != NULL && (plan->role == GM_STATE || plan->role == GM_OUTPUT);
        if (writable) {
            // rows that were in use before or are now; the others are zero on both sides
            size_t now = rows_in_use(single, plan, 0), before = rows_in_use(into, plan, lane);
            copy_strided(column + (size_t)lane * size, size * width, single->columns[index], size,
                         now > before ? now : before);
        }
    }
    for (size_t index = 0; index < model->population_count; index++) {
        into->rows[index * width + (size_t)lane] = single->rows[index];
    }
}
