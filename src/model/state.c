// States: making, forking, closing; sections; opening blocks for models; failed lanes and
// resampling.
#include <math.h>
#include <string.h>

#include "base/require.h"
#include "model/state_inside.h"

/// A state whose spans hold nothing yet, in one piece of pool memory.
static gm_state *hollow(gm_layout *layout)
{
    size_t spans_at = (sizeof(gm_state) + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
    size_t holders_at = spans_at + layout->span_count * sizeof(gm_span);
    size_t failed_at = holders_at + layout->holder_count * sizeof(gm_slab *);
    unsigned char *memory = gm_pool_take(layout->pool, failed_at + layout->lanes);
    if (memory == NULL) {
        return NULL;
    }
    memset(memory, 0, failed_at + layout->lanes);
    gm_state *state = (gm_state *)(void *)memory;
    state->layout = layout;
    state->spans = (gm_span *)(void *)(memory + spans_at);
    state->holders = (gm_slab **)(void *)(memory + holders_at);
    state->failed = memory + failed_at;
    gm_slab **holders = state->holders;
    for (size_t index = 0; index < layout->span_count; index++) {
        state->spans[index] = (gm_span){ .holders = holders, .size = layout->span_sizes[index] };
        holders += gm_span_segments(layout->span_sizes[index]);
    }
    return state;
}

static void fill_block(gm_state *state, size_t system, size_t block)
{
    const gm_system_plan *plan = gm_plan_of(state, system);
    const gm_model *model = plan->model;
    gm_span *spans = gm_block_spans(state, system, block);
    size_t width = (size_t)plan->width;
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *column = &model->columns[index];
        bool population = model->classes[column->class_number].population != SIZE_MAX;
        if (plan->span_of_column[index] == GM_NO_SPAN || population || column->count == 0) {
            continue;
        }
        size_t size = gm_type_size(column->type);
        gm_span *span = &spans[plan->span_of_column[index]];
        unsigned char *at = gm_span_own(state->layout->pool, span);
        for (size_t element = 0; element < column->count; element++) {
            double value = gm_model_initial_at(model, column->class_number, column->field, element);
            for (size_t lane = 0; lane < width; lane++, at += size) {
                gm_value_put(column->type, at, value);
            }
        }
    }
}

gm_status gm_state_create(gm_layout *layout, int64_t time_ns, gm_state **state, gm_error *error)
{
    gm_state *made = hollow(layout);
    bool filled = made != NULL;
    for (size_t index = 0; filled && index < layout->span_count; index++) {
        filled = gm_span_fill(layout->pool, &made->spans[index]);
    }
    if (!filled) {
        gm_state_close(made);
        return gm_error_set(error, GM_MEMORY, "no memory for a state of %zu lanes", layout->lanes);
    }
    gm_status status = GM_OK;
    for (size_t system = 0; status == GM_OK && system < layout->system_count; system++) {
        for (size_t block = 0; block < layout->systems[system].block_count; block++) {
            fill_block(made, system, block);
        }
    }
    status = gm_state_set_time(made, time_ns, error);
    for (size_t system = 0; status == GM_OK && system < layout->system_count; system++) {
        status = gm_state_changed(made, system, error);
    }
    if (status != GM_OK) {
        gm_state_close(made);
        return status;
    }
    *state = made;
    return GM_OK;
}

void gm_state_close(gm_state *state)
{
    if (state == NULL) {
        return;
    }
    gm_layout *layout = state->layout;
    for (size_t index = 0; index < layout->span_count; index++) {
        gm_span_release(layout->pool, &state->spans[index]);
    }
    gm_pool_give(layout->pool, state);
}

gm_status gm_state_fork(const gm_state *from, gm_state **fork, gm_error *error)
{
    gm_state *made = hollow(from->layout);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a fork");
    }
    made->time_ns = from->time_ns;
    made->tick = from->tick;
    memcpy(made->failed, from->failed, from->layout->lanes);
    for (size_t index = 0; index < from->layout->span_count; index++) {
        gm_span_share(&from->spans[index], &made->spans[index]);
    }
    *fork = made;
    return GM_OK;
}

void gm_state_restore(gm_state *state, const gm_state *from)
{
    state->time_ns = from->time_ns;
    state->tick = from->tick;
    memcpy(state->failed, from->failed, from->layout->lanes);
    for (size_t index = 0; index < from->layout->span_count; index++) {
        gm_span_release(state->layout->pool, &state->spans[index]);
        gm_span_share(&from->spans[index], &state->spans[index]);
    }
}

gm_state_memory gm_state_memory_of(const gm_state *state)
{
    gm_state_memory memory = { 0 };
    for (size_t index = 0; index < state->layout->span_count; index++) {
        memory.own += gm_span_own_bytes(&state->spans[index]);
        memory.reached += state->spans[index].size;
    }
    return memory;
}

gm_layout *gm_state_layout(const gm_state *state)
{
    return state->layout;
}

size_t gm_state_lanes(const gm_state *state)
{
    return state->layout->lanes;
}

int64_t gm_state_time(const gm_state *state)
{
    return state->time_ns;
}

static gm_block_head *own_head(gm_state *state, size_t system, size_t block)
{
    return (gm_block_head *)(void *)gm_span_own(
        state->layout->pool, &gm_block_spans(state, system, block)[GM_SPAN_HEAD]);
}

gm_status gm_state_set_time(gm_state *state, int64_t time_ns, gm_error *error)
{
    for (int pass = 0; pass < 2; pass++) { // first make sure of the memory, then write
        for (size_t system = 0; system < state->layout->system_count; system++) {
            for (size_t block = 0; block < gm_plan_of(state, system)->block_count; block++) {
                gm_block_head *head = own_head(state, system, block);
                if (head == NULL) {
                    return gm_error_set(error, GM_MEMORY, "no memory to set a state's time");
                }
                for (size_t lane = 0; pass == 1 && lane < GM_BLOCK_LANES; lane++) {
                    head->time_ns[lane] = time_ns;
                }
            }
        }
    }
    state->time_ns = time_ns;
    return GM_OK;
}

uint64_t gm_state_tick(const gm_state *state)
{
    return state->tick;
}

void gm_state_set_tick(gm_state *state, uint64_t tick)
{
    state->tick = tick;
}

const void *gm_state_section(const gm_state *state, size_t section)
{
    GM_REQUIRE(section < state->layout->section_count);
    const gm_span *span = &state->spans[state->layout->first_section + section];
    // sections are only ever owned whole, so they always lie contiguous
    return gm_span_whole(span);
}

void *gm_state_section_write(gm_state *state, size_t section)
{
    GM_REQUIRE(section < state->layout->section_count);
    return gm_span_own(state->layout->pool, &state->spans[state->layout->first_section + section]);
}

// ---- blocks ----

uint8_t gm_block_lanes(const gm_state *state, size_t system, size_t block)
{
    size_t width = (size_t)gm_plan_of(state, system)->width, first = block * width;
    uint8_t lanes = 0;
    for (size_t lane = 0; lane < width && first + lane < state->layout->lanes; lane++) {
        if (!state->failed[first + lane]) {
            lanes |= (uint8_t)(1u << lane);
        }
    }
    return lanes;
}

static gm_block start_block(const gm_state *state, gm_block_place place, void **columns)
{
    const gm_system_plan *plan = gm_plan_of(state, place.system);
    return (gm_block){ .model = plan->model,
                       .width = plan->width,
                       .first_lane = (uint32_t)(place.block * (size_t)plan->width),
                       .lanes = gm_block_lanes(state, place.system, place.block),
                       .columns = columns };
}

static void set_head(gm_block *opened, void *bytes)
{
    gm_block_head *head = bytes;
    opened->time_ns = head->time_ns;
    opened->rows = head->rows;
}

/// A span's bytes: own ones for writing, else shared ones as they are, made contiguous when they
/// are in pieces.
static unsigned char *reach(gm_state *state, gm_span *span, bool write)
{
    const unsigned char *whole = write ? NULL : gm_span_whole(span);
    // nobody writes through the pointer of a column that was opened for reading
    return whole != NULL ? (unsigned char *)(uintptr_t)whole
                         : gm_span_own(state->layout->pool, span);
}

bool gm_block_open(gm_state *state, gm_block_place place, gm_access access, void **columns,
                   gm_block *opened)
{
    const gm_system_plan *plan = gm_plan_of(state, place.system);
    gm_span *spans = gm_block_spans(state, place.system, place.block);
    *opened = start_block(state, place, columns);
    unsigned char *head = reach(state, &spans[GM_SPAN_HEAD], true);
    if (head == NULL) {
        return false;
    }
    set_head(opened, head);
    if (plan->span_sizes[GM_SPAN_HIDDEN] > 0) {
        opened->hidden = reach(state, &spans[GM_SPAN_HIDDEN], true);
        if (opened->hidden == NULL) {
            return false;
        }
    }
    for (size_t index = 0; index < plan->model->column_count; index++) {
        uint32_t number = plan->span_of_column[index];
        columns[index] = NULL;
        if (number != GM_NO_SPAN && plan->span_sizes[number] > 0) {
            bool write = access == GM_ACCESS_CHANGE || plan->model->columns[index].role == GM_STATE;
            columns[index] = reach(state, &spans[number], write);
            if (columns[index] == NULL) {
                return false;
            }
        }
    }
    return true;
}

/// A span's bytes for reading; a span in pieces is copied and the copy noted.
static void *see(const gm_state *state, const gm_span *span, void **copy)
{
    const unsigned char *whole = gm_span_whole(span);
    if (whole != NULL) {
        return (void *)(uintptr_t)whole;
    }
    *copy = gm_pool_take(state->layout->pool, span->size);
    if (*copy != NULL) {
        gm_span_copy(span, *copy);
    }
    return *copy;
}

bool gm_block_view(const gm_state *state, gm_block_place place, void **columns, void **copies,
                   gm_block *opened)
{
    const gm_system_plan *plan = gm_plan_of(state, place.system);
    const gm_span *spans = gm_block_spans(state, place.system, place.block);
    size_t column_count = plan->model->column_count;
    memset(copies, 0, (column_count + GM_SPAN_COLUMNS) * sizeof *copies);
    *opened = start_block(state, place, columns);
    void *head = see(state, &spans[GM_SPAN_HEAD], &copies[column_count]);
    bool seen = head != NULL;
    if (seen) {
        set_head(opened, head);
    }
    if (seen && plan->span_sizes[GM_SPAN_HIDDEN] > 0) {
        opened->hidden = see(state, &spans[GM_SPAN_HIDDEN], &copies[column_count + 1]);
        seen = opened->hidden != NULL;
    }
    for (size_t index = 0; index < column_count; index++) {
        uint32_t number = plan->span_of_column[index];
        columns[index] = NULL;
        if (seen && number != GM_NO_SPAN && plan->span_sizes[number] > 0) {
            columns[index] = see(state, &spans[number], &copies[index]);
            seen = columns[index] != NULL;
        }
    }
    if (!seen) {
        gm_block_view_close(state, place.system, copies);
    }
    return seen;
}

void gm_block_view_close(const gm_state *state, size_t system, void **copies)
{
    size_t count = gm_plan_of(state, system)->model->column_count + GM_SPAN_COLUMNS;
    for (size_t index = 0; index < count; index++) {
        gm_pool_give(state->layout->pool, copies[index]);
        copies[index] = NULL;
    }
}
