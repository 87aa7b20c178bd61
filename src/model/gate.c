// The gate: the one place that reads and writes values by address.
#include <math.h>
#include <string.h>

#include "base/require.h"
#include "model/state_inside.h"

double gm_value_get(gm_type type, const unsigned char *at)
{
    switch (type) {
    case GM_F32: {
        float value;
        memcpy(&value, at, sizeof value);
        return (double)value;
    }
    case GM_I32: {
        int32_t value;
        memcpy(&value, at, sizeof value);
        return (double)value;
    }
    case GM_U8:
        return (double)*at;
    case GM_F64:
        break;
    }
    double value;
    memcpy(&value, at, sizeof value);
    return value;
}

void gm_value_put(gm_type type, unsigned char *at, double value)
{
    switch (type) {
    case GM_F64:
        memcpy(at, &value, sizeof value);
        break;
    case GM_F32: {
        float single = (float)value;
        memcpy(at, &single, sizeof single);
        break;
    }
    case GM_I32: {
        int32_t whole = (int32_t)lrint(fmin(fmax(value, (double)INT32_MIN), (double)INT32_MAX));
        memcpy(at, &whole, sizeof whole);
        break;
    }
    case GM_U8:
        *at = (unsigned char)lrint(fmin(fmax(value, 0.0), (double)UINT8_MAX));
        break;
    }
}

static gm_status check_ref(const gm_state *state, gm_ref ref, gm_error *error)
{
    const gm_layout *layout = state->layout;
    const gm_model *model =
        ref.system < layout->system_count ? layout->systems[ref.system].model : NULL;
    bool exists = model != NULL && ref.class_number < model->class_count;
    if (exists) {
        const gm_class_part *part = &model->classes[ref.class_number];
        bool population = part->population != SIZE_MAX;
        exists = population
                     ? ref.element == GM_ROWS &&
                           (ref.field == GM_ROW_COUNT || ref.field < part->declared->field_count)
                     : ref.element < part->names.count && ref.field < part->declared->field_count;
    }
    return exists ? GM_OK
                  : gm_error_set(error, GM_NOT_FOUND,
                                 "no value at system %u class %u field %u "
                                 "element %u",
                                 ref.system, ref.class_number, ref.field, ref.element);
}

static bool is_population(const gm_state *state, gm_ref ref)
{
    const gm_model *model = gm_plan_of(state, ref.system)->model;
    return model->classes[ref.class_number].population != SIZE_MAX;
}

static bool is_output(const gm_state *state, gm_ref ref)
{
    return !is_population(state, ref) &&
           gm_plan(gm_plan_of(state, ref.system)->model, ref.class_number, ref.field)->role ==
               GM_OUTPUT;
}

/// Mean of a population's field over its rows, or their number, in every lane; 0 for an empty one.
static void read_population(const gm_state *state, gm_ref ref, double *values)
{
    const gm_system_plan *plan = gm_plan_of(state, ref.system);
    const gm_class_part *part = &plan->model->classes[ref.class_number];
    size_t width = (size_t)plan->width;
    for (size_t lane = 0; lane < state->layout->lanes; lane++) {
        const gm_span *spans = gm_block_spans(state, ref.system, lane / width);
        const gm_block_head *head =
            (const gm_block_head *)(const void *)gm_span_at(&spans[GM_SPAN_HEAD], 0);
        size_t count = head->rows[part->population * width + lane % width];
        double sum = 0.0;
        uint32_t span = ref.field == GM_ROW_COUNT
                            ? GM_NO_SPAN
                            : plan->span_of_column[part->first_column + ref.field];
        for (size_t row = 0; span != GM_NO_SPAN && row < count; row++) {
            gm_type type = gm_plan(plan->model, ref.class_number, ref.field)->type;
            sum += gm_value_get(
                type, gm_span_at(&spans[span], (row * width + lane % width) * gm_type_size(type)));
        }
        values[lane] = ref.field == GM_ROW_COUNT ? (double)count
                       : count == 0              ? 0.0
                                                 : sum / (double)count;
    }
}

static void read_stored(const gm_state *state, gm_ref ref, double *values)
{
    const gm_system_plan *plan = gm_plan_of(state, ref.system);
    size_t column = gm_model_column(plan->model, ref.class_number, ref.field);
    gm_type type = plan->model->columns[column].type;
    size_t width = (size_t)plan->width, size = gm_type_size(type), lanes = state->layout->lanes;
    size_t offset = ref.element * width * size;
    for (size_t block = 0; block < plan->block_count; block++) {
        const gm_span *spans = gm_block_spans(state, ref.system, block);
        const unsigned char *at = gm_span_at(&spans[plan->span_of_column[column]], offset);
        size_t first = block * width, count = lanes - first < width ? lanes - first : width;
        if (type == GM_F64) {
            memcpy(values + first, at, count * size);
            continue;
        }
        for (size_t lane = 0; lane < count; lane++) {
            values[first + lane] = gm_value_get(type, at + lane * size);
        }
    }
}

// ---- outputs ----

/// A run of refs into one system, of which some are outputs.
typedef struct wish {
    const gm_state *state;
    const gm_ref *refs;
    size_t count;
    double *values; // [count][lanes]
} wish;

/// Gives every wanted output column its memory. @return false when out of memory
static bool lend_outputs(const wish *want, void **columns)
{
    const gm_system_plan *plan = gm_plan_of(want->state, want->refs[0].system);
    for (size_t index = 0; index < want->count; index++) {
        if (!is_output(want->state, want->refs[index])) {
            continue;
        }
        gm_ref ref = want->refs[index];
        const gm_column_plan *column = gm_plan(plan->model, ref.class_number, ref.field);
        void **memory = &columns[gm_model_column(plan->model, ref.class_number, ref.field)];
        if (*memory == NULL) {
            size_t size = column->count * gm_type_size(column->type) * (size_t)plan->width;
            *memory = gm_pool_take(want->state->layout->pool, size);
            if (*memory == NULL) {
                return false;
            }
            memset(*memory, 0, size);
        }
    }
    return true;
}

static void return_outputs(const wish *want, void **columns)
{
    const gm_model *model = gm_plan_of(want->state, want->refs[0].system)->model;
    for (size_t index = 0; index < model->column_count; index++) {
        if (model->columns[index].role == GM_OUTPUT) {
            gm_pool_give(want->state->layout->pool, columns[index]);
            columns[index] = NULL;
        }
    }
}

static void take_outputs(const wish *want, const gm_block *block)
{
    size_t width = (size_t)block->width, lanes = want->state->layout->lanes;
    for (size_t index = 0; index < want->count; index++) {
        gm_ref ref = want->refs[index];
        if (!is_output(want->state, ref)) {
            continue;
        }
        gm_type type = gm_plan(block->model, ref.class_number, ref.field)->type;
        const unsigned char *column = gm_column(block, ref.class_number, ref.field);
        for (size_t lane = 0; lane < width && block->first_lane + lane < lanes; lane++) {
            want->values[index * lanes + block->first_lane + lane] =
                gm_value_get(type, column + (ref.element * width + lane) * gm_type_size(type));
        }
    }
}

static gm_status observe_run(const wish *want, gm_error *error)
{
    const gm_state *state = want->state;
    uint32_t system = want->refs[0].system;
    const gm_system_plan *plan = gm_plan_of(state, system);
    const gm_domain *domain = plan->model->domain;
    if (domain->observe == NULL) {
        return gm_error_set(error, GM_UNSUPPORTED, "domain '%s' computes no outputs", domain->name);
    }
    size_t count = plan->model->column_count;
    void **columns =
        gm_pool_take(state->layout->pool, (2 * count + GM_SPAN_COLUMNS) * sizeof *columns);
    bool memory = columns != NULL;
    for (size_t number = 0; memory && number < plan->block_count; number++) {
        gm_block block;
        memory = gm_block_view(state, (gm_block_place){ system, number }, columns, columns + count,
                               &block);
        if (!memory) {
            break;
        }
        memory = lend_outputs(want, columns);
        if (memory) {
            gm_wanted wanted = { .block = &block };
            domain->observe(plan->model, &block, &wanted);
            take_outputs(want, &block);
        }
        return_outputs(want, columns);
        gm_block_view_close(state, system, columns + count);
    }
    gm_pool_give(state->layout->pool, columns);
    return memory ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory to compute outputs");
}

gm_status gm_state_read_many(const gm_state *state, const gm_ref *refs, size_t count,
                             double *values, gm_error *error)
{
    size_t lanes = state->layout->lanes;
    for (size_t index = 0; index < count; index++) {
        gm_status status = check_ref(state, refs[index], error);
        if (status != GM_OK) {
            return status;
        }
    }
    for (size_t first = 0, end; first < count; first = end) {
        bool outputs = false;
        for (end = first; end < count && refs[end].system == refs[first].system; end++) {
            if (is_population(state, refs[end])) {
                read_population(state, refs[end], values + end * lanes);
            } else if (is_output(state, refs[end])) {
                outputs = true;
            } else {
                read_stored(state, refs[end], values + end * lanes);
            }
        }
        wish want = { state, refs + first, end - first, values + first * lanes };
        gm_status status = outputs ? observe_run(&want, error) : GM_OK;
        if (status != GM_OK) {
            return status;
        }
    }
    return GM_OK;
}

gm_status gm_state_read(const gm_state *state, gm_ref ref, double *values, gm_error *error)
{
    return gm_state_read_many(state, &ref, 1, values, error);
}

// ---- writing ----

static gm_status check_write(const gm_state *state, gm_ref ref, gm_error *error)
{
    gm_status status = check_ref(state, ref, error);
    if (status != GM_OK) {
        return status;
    }
    if (is_population(state, ref) || is_output(state, ref)) {
        return gm_error_set(error, GM_INVALID, "%s: rows and outputs cannot be set from outside",
                            gm_plan_of(state, ref.system)->model->name);
    }
    return GM_OK;
}

/// Where an address lies in every block of its system.
typedef struct target {
    gm_state *state;
    gm_span *first; // of the first block
    size_t span_count, block_count, width, offset;
    gm_type type;
    const gm_field *field;
} target;

static target target_of(gm_state *state, gm_ref ref)
{
    const gm_system_plan *plan = gm_plan_of(state, ref.system);
    const gm_class_part *part = &plan->model->classes[ref.class_number];
    size_t column = part->first_column + ref.field, width = (size_t)plan->width;
    gm_type type = plan->model->columns[column].type;
    return (target){ .state = state,
                     .first = gm_block_spans(state, ref.system, 0) + plan->span_of_column[column],
                     .span_count = plan->span_count,
                     .block_count = plan->block_count,
                     .width = width,
                     .offset = ref.element * width * gm_type_size(type),
                     .type = type,
                     .field = &part->declared->fields[ref.field] };
}

/// The place in one block, this state's own; NULL: no memory for an own copy of the segment.
static unsigned char *own_place(const target *to, size_t block)
{
    return gm_span_own_at(to->state->layout->pool, to->first + block * to->span_count, to->offset);
}

static double within(double value, double min, double max)
{
    return value < min ? min : value > max ? max : value;
}

/// A whole block of numbers, no lane of which has failed. @param values  [GM_BLOCK_LANES]
static void put_wide(const target *to, const double *values, unsigned char *at)
{
    double min = to->field->min, max = to->field->max, bounded[GM_BLOCK_LANES];
    for (size_t lane = 0; lane < GM_BLOCK_LANES; lane++) {
        bounded[lane] = within(values[lane], min, max);
    }
    memcpy(at, bounded, sizeof bounded);
}

/// Writes values[lane * stride] to the lanes of one block.
static void put_block(const target *to, size_t block, const double *values, size_t stride)
{
    static const uint8_t none[GM_BLOCK_LANES] = { 0 };
    const gm_state *state = to->state;
    size_t first = block * to->width, left = state->layout->lanes - first;
    size_t count = left < to->width ? left : to->width, size = gm_type_size(to->type);
    unsigned char *at = own_place(to, block);
    if (to->type == GM_F64 && stride == 1 && count == GM_BLOCK_LANES &&
        memcmp(state->failed + first, none, sizeof none) == 0) {
        put_wide(to, values + first, at);
        return;
    }
    for (size_t lane = first; lane < first + count; lane++, at += size) {
        if (!state->failed[lane]) {
            double value = values[lane * stride];
            gm_value_put(to->type, at, within(value, to->field->min, to->field->max));
        }
    }
}

/// Whether all values for lanes that are left are finite.
static bool are_finite(const gm_state *state, const double *values, size_t stride)
{
    const size_t lanes = state->layout->lanes;
    double flaw = 0.0; // or NaN
    for (size_t lane = 0; lane < lanes; lane++) {
        flaw += values[lane * stride] - values[lane * stride];
    }
    bool finite = true;
    for (size_t lane = 0; flaw != 0.0 && lane < lanes; lane++) {
        finite = finite && (isfinite(values[lane * stride]) || state->failed[lane]);
    }
    return finite;
}

/// Writes values[lane * stride]; on failure nothing was written.
static gm_status write_strided(gm_state *state, gm_ref ref, const double *values, size_t stride,
                               gm_error *error)
{
    gm_status status = check_write(state, ref, error);
    if (status != GM_OK) {
        return status;
    }
    if (!are_finite(state, values, stride)) {
        return gm_error_set(error, GM_NUMERIC,
                            "a value that is not finite was to be written to '%s'",
                            gm_plan_of(state, ref.system)->model->name);
    }
    const target to = target_of(state, ref);
    for (size_t block = 0; block < to.block_count; block++) {
        if (own_place(&to, block) == NULL) {
            return gm_error_set(error, GM_MEMORY, "no memory for an own copy of a segment");
        }
    }
    for (size_t block = 0; block < to.block_count; block++) {
        put_block(&to, block, values, stride);
    }
    return GM_OK;
}

gm_status gm_state_write(gm_state *state, gm_ref ref, const double *values, gm_error *error)
{
    return write_strided(state, ref, values, 1, error);
}

gm_status gm_state_fill(gm_state *state, gm_ref ref, double value, gm_error *error)
{
    return write_strided(state, ref, &value, 0, error);
}

gm_status gm_state_changed(gm_state *state, size_t system, gm_error *error)
{
    const gm_system_plan *plan = gm_plan_of(state, system);
    if (plan->model->domain->changed == NULL) {
        return GM_OK;
    }
    void **columns = gm_pool_take(state->layout->pool, plan->work_size);
    bool memory = columns != NULL;
    for (size_t number = 0; memory && number < plan->block_count; number++) {
        gm_block block;
        memory = gm_block_open(state, (gm_block_place){ system, number }, GM_ACCESS_CHANGE, columns,
                               &block);
        if (memory) {
            plan->model->domain->changed(plan->model, &block);
        }
    }
    gm_pool_give(state->layout->pool, columns);
    return memory ? GM_OK
                  : gm_error_set(error, GM_MEMORY, "no memory for own copies of '%s'",
                                 plan->model->name);
}
