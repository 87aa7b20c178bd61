// Layouts: where each value of a world lies in a state.
#include <string.h>

#include "base/require.h"
#include "model/state_inside.h"

static size_t aligned(size_t size)
{
    return (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

static int width_of(const gm_model *model, size_t lanes, int wanted)
{
    if (model->large || model->single) {
        return 1;
    }
    return wanted != 0 ? wanted : lanes > 1 ? GM_BLOCK_LANES : 1;
}

static gm_status plan_system(gm_layout *layout, const gm_model *model, int wanted,
                             gm_system_plan *plan, gm_error *error)
{
    int width = width_of(model, layout->lanes, wanted);
    size_t lanes = (size_t)width;
    *plan = (gm_system_plan){ .model = model,
                              .random = gm_random_for(layout->seed, model->name),
                              .width = width,
                              .block_count = (layout->lanes + lanes - 1) / lanes,
                              .first_span = layout->span_count };
    plan->span_of_column = gm_arena_new(layout->arena, model->column_count, sizeof(uint32_t));
    plan->span_sizes =
        gm_arena_new(layout->arena, model->column_count + GM_SPAN_COLUMNS, sizeof(size_t));
    if (plan->span_of_column == NULL || plan->span_sizes == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to lay out '%s'", model->name);
    }
    plan->span_sizes[GM_SPAN_HEAD] =
        sizeof(gm_block_head) + model->population_count * lanes * sizeof(uint32_t);
    plan->span_sizes[GM_SPAN_HIDDEN] = model->hidden_size * lanes;
    plan->span_count = GM_SPAN_COLUMNS;
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *column = &model->columns[index];
        if (column->count > SIZE_MAX / (sizeof(double) * GM_BLOCK_LANES)) {
            return gm_error_set(error, GM_LIMIT, "'%s' is too large", model->name);
        }
        size_t size = column->count * gm_type_size(column->type) * lanes;
        if (column->role == GM_OUTPUT) {
            plan->span_of_column[index] = GM_NO_SPAN;
        } else {
            plan->span_of_column[index] = (uint32_t)plan->span_count;
            plan->span_sizes[plan->span_count++] = size;
        }
    }
    size_t step = model->domain->rate != NULL ? gm_integrate_size(model, width) : 0;
    plan->work_size = aligned(model->column_count * sizeof(void *)) + aligned(step) +
                      aligned(model->scratch_size);
    layout->span_count += plan->span_count * plan->block_count;
    return GM_OK;
}

static gm_status plan_sections(gm_layout *layout, const gm_layout_options *options, gm_error *error)
{
    layout->sections =
        gm_arena_new(layout->arena, options->section_count, sizeof *layout->sections);
    if (layout->sections == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for sections");
    }
    for (size_t index = 0; index < options->section_count; index++) {
        const gm_section *section = &options->sections[index];
        char *name = gm_arena_text(layout->arena, section->name, strlen(section->name));
        if (name == NULL) {
            return gm_error_set(error, GM_MEMORY, "no memory for sections");
        }
        layout->sections[index] = *section;
        layout->sections[index].name = name;
    }
    layout->section_count = options->section_count;
    layout->first_section = layout->span_count;
    layout->span_count += options->section_count;
    return GM_OK;
}

/// The sizes of all spans in order, and how many segments they have together.
static gm_status plan_spans(gm_layout *layout, gm_error *error)
{
    layout->span_sizes = gm_arena_new(layout->arena, layout->span_count, sizeof(size_t));
    if (layout->span_sizes == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu spans", layout->span_count);
    }
    for (size_t index = 0; index < layout->system_count; index++) {
        const gm_system_plan *plan = &layout->systems[index];
        for (size_t block = 0; block < plan->block_count; block++) {
            memcpy(&layout->span_sizes[plan->first_span + block * plan->span_count],
                   plan->span_sizes, plan->span_count * sizeof(size_t));
        }
    }
    for (size_t index = 0; index < layout->section_count; index++) {
        layout->span_sizes[layout->first_section + index] = layout->sections[index].size;
    }
    for (size_t index = 0; index < layout->span_count; index++) {
        layout->holder_count += gm_span_segments(layout->span_sizes[index]);
    }
    return GM_OK;
}

static gm_status check_options(size_t count, size_t lanes, const gm_layout_options *options,
                               gm_error *error)
{
    if (lanes == 0 || lanes > GM_LANES_MAX) {
        return gm_error_set(error, GM_LIMIT, "%zu lanes: 1 to %d are offered", lanes, GM_LANES_MAX);
    }
    if (count > GM_SYSTEMS_MAX || options->section_count > GM_SECTIONS_MAX) {
        return gm_error_set(error, GM_LIMIT, "at most %d systems and %d sections", GM_SYSTEMS_MAX,
                            GM_SECTIONS_MAX);
    }
    if (options->width != 0 && options->width != 1 && options->width != GM_BLOCK_LANES) {
        return gm_error_set(error, GM_INVALID, "width %d: 1 or %d", options->width, GM_BLOCK_LANES);
    }
    return GM_OK;
}

gm_status gm_layout_create(const gm_model *const *systems, size_t count, size_t lanes,
                           const gm_layout_options *options, gm_layout **layout, gm_error *error)
{
    static const gm_layout_options none = { 0 };
    options = options != NULL ? options : &none;
    gm_status status = check_options(count, lanes, options, error);
    if (status != GM_OK) {
        return status;
    }
    gm_arena *arena = gm_arena_create(0);
    gm_layout *made = arena == NULL ? NULL : gm_arena_new(arena, 1, sizeof *made);
    if (made == NULL) {
        gm_arena_close(arena);
        return gm_error_set(error, GM_MEMORY, "no memory for a layout");
    }
    *made = (gm_layout){ .arena = arena,
                         .pool = gm_pool_create(),
                         .systems = gm_arena_new(arena, count, sizeof *made->systems),
                         .system_count = count,
                         .lanes = lanes,
                         .seed = options->seed };
    if (made->pool == NULL || made->systems == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory for a layout");
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        status = plan_system(made, systems[index], options->width, &made->systems[index], error);
    }
    if (status == GM_OK) {
        status = plan_sections(made, options, error);
    }
    if (status == GM_OK) {
        status = plan_spans(made, error);
    }
    if (status != GM_OK) {
        gm_layout_close(made);
        return status;
    }
    *layout = made;
    return GM_OK;
}

void gm_layout_close(gm_layout *layout)
{
    if (layout != NULL) {
        gm_pool_close(layout->pool);
        gm_arena_close(layout->arena); // the layout itself lies in it
    }
}

size_t gm_layout_lanes(const gm_layout *layout)
{
    return layout->lanes;
}

size_t gm_layout_systems(const gm_layout *layout)
{
    return layout->system_count;
}

const gm_model *gm_layout_model(const gm_layout *layout, size_t system)
{
    GM_REQUIRE(system < layout->system_count);
    return layout->systems[system].model;
}

size_t gm_layout_find_system(const gm_layout *layout, const char *name)
{
    for (size_t index = 0; index < layout->system_count; index++) {
        if (strcmp(layout->systems[index].model->name, name) == 0) {
            return index;
        }
    }
    return SIZE_MAX;
}
