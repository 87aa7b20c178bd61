// Rate domains: the engine integrates dx/dt for them, every lane by itself (num/ode.h).
//
// The unknowns of a block are its state columns, one after the other; of a slice (slices.c), its
// parts of them. During a stage the block's state columns point into the integrator's own vector,
// so a domain reads the stage's values where it always reads its state.
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"

enum { ODE_METHODS = 4 };

/// One slice of the block while it is integrated.
typedef struct stage {
    const gm_model *model;
    gm_block block;
    gm_slice slice;
    void **columns;   // the slice's, writable
    uint32_t *moving; // [moving_count] the columns of states
    size_t moving_count;
} stage;

static size_t elements_in(const stage *at, uint32_t column)
{
    uint32_t number = at->model->columns[column].class_number;
    return at->slice.end[number] - at->slice.first[number];
}

/// The slice's part of a column of the block.
static void *part_of(const stage *at, uint32_t column)
{
    const gm_column_plan *plan = &at->model->columns[column];
    unsigned char *whole = at->slice.given[column];
    size_t row = (size_t)at->block.width * gm_type_size(plan->type);
    return whole == NULL ? NULL : whole + at->slice.first[plan->class_number] * row;
}

static void point_at(stage *at, const double *state)
{
    for (size_t index = 0; index < at->moving_count; index++) {
        uint32_t column = at->moving[index];
        // read only by contract: `rate` takes a const block
        at->columns[column] = (void *)(uintptr_t)state;
        state += elements_in(at, column) * (size_t)at->block.width;
    }
}

/// Held states are not carried on: their rates are zero.
static void hold_still(const stage *at, double *rate)
{
    size_t width = (size_t)at->block.width;
    for (size_t index = 0; index < at->moving_count; index++) {
        const gm_column_plan *plan = &at->model->columns[at->moving[index]];
        size_t first = at->slice.first[plan->class_number], end = at->slice.end[plan->class_number];
        for (size_t element = first; element < end && element < plan->roles_count; element++) {
            if (plan->roles[element] != GM_STATE) {
                memset(rate + (element - first) * width, 0, width * sizeof *rate);
            }
        }
        rate += (end - first) * width;
    }
}

static void rate_of(void *context, const double *time_s, const double *state, double *rate)
{
    (void)time_s;
    stage *at = context;
    point_at(at, state);
    at->model->domain->rate(at->model, &at->block, rate);
    hold_still(at, rate);
}

static void jacobian_of(void *context, const double *time_s, const double *state, double *values)
{
    (void)time_s;
    stage *at = context;
    const gm_model *model = at->model;
    size_t width = (size_t)at->block.width;
    point_at(at, state);
    model->domain->jacobian(model, &at->block, values);
    for (size_t index = 0; index < model->held_entry_count; index++) {
        memset(values + model->held_entries[index] * width, 0, width * sizeof *values);
    }
}

/// @param count  unknowns
static gm_ode ode_of(const gm_model *model, size_t count, int width)
{
    return (gm_ode){ .count = count,
                     .width = width,
                     .rate = rate_of,
                     .jacobian = jacobian_of,
                     .pattern = model->pattern };
}

static gm_ode_options options_of(const gm_model *model)
{
    const gm_integrator *integrator = &model->integrator;
    return (gm_ode_options){ .method = (gm_ode_method)integrator->method,
                             .step_s = integrator->step_s,
                             .relative = integrator->relative,
                             .absolute = integrator->absolute,
                             .step_limit = integrator->step_limit };
}

static size_t aligned(size_t size)
{
    return (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

size_t gm_integrate_size(const gm_model *model, int width)
{
    gm_ode ode = ode_of(model, model->slice_unknowns, width);
    gm_ode_options options = options_of(model);
    return aligned(gm_ode_work_size(&ode, &options)) +
           aligned(model->slice_unknowns * (size_t)width * sizeof(double)) +
           aligned(model->column_count * sizeof(void *)) +
           aligned(model->column_count * sizeof(uint32_t));
}

/// Brings one slice forward.
/// @param lanes  as for gm_ode_advance; their state is room for the slice's
static gm_lane_mask integrate_slice(stage *at, gm_ode_lanes lanes, void *work)
{
    const gm_model *model = at->model;
    size_t row = (size_t)at->block.width, count = 0;
    for (uint32_t column = 0; column < model->column_count; column++) {
        at->columns[column] = part_of(at, column);
    }
    for (size_t index = 0; index < at->moving_count; index++) {
        uint32_t column = at->moving[index];
        size_t elements = elements_in(at, column);
        memcpy(lanes.state + count * row, at->columns[column],
               elements * row * sizeof *lanes.state);
        count += elements;
    }
    gm_ode ode = ode_of(model, count, at->block.width);
    gm_ode_options options = options_of(model);
    ode.context = at;
    gm_lane_mask failed = gm_ode_advance(&ode, &options, &lanes, work);
    const double *state = lanes.state;
    for (size_t index = 0; index < at->moving_count; index++) {
        uint32_t column = at->moving[index];
        size_t values = elements_in(at, column) * row;
        memcpy(part_of(at, column), state, values * sizeof *state);
        state += values;
    }
    return failed;
}

gm_lane_mask gm_integrate(const gm_model *model, gm_block *block, int64_t until_ns, double *step_s,
                          void *scratch)
{
    GM_REQUIRE(model->integrator.method > 0 && model->integrator.method < ODE_METHODS);
    size_t width = (size_t)block->width;
    unsigned char *at = scratch;
    double *state = scratch;
    at += aligned(model->slice_unknowns * width * sizeof *state);
    stage context = { .model = model, .block = *block, .columns = (void **)(void *)at };
    at += aligned(model->column_count * sizeof(void *));
    context.moving = (uint32_t *)(void *)at;
    at += aligned(model->column_count * sizeof(uint32_t));
    context.slice.given = block->columns;
    context.block.columns = context.columns;
    context.block.slice = &context.slice;

    double span_s[GM_BLOCK_LANES] = { 0 };
    for (size_t lane = 0; lane < width; lane++) {
        if ((block->lanes >> lane & 1u) != 0 && until_ns > block->time_ns[lane]) {
            // divided: whole seconds come out exact, so equal steps stay equal however time is cut
            span_s[lane] = (double)(until_ns - block->time_ns[lane]) / 1e9;
        }
    }
    for (uint32_t index = 0; index < model->column_count; index++) {
        if (model->columns[index].role == GM_STATE && model->columns[index].count > 0) {
            context.moving[context.moving_count++] = index;
        }
    }
    gm_lane_mask failed = 0;
    double longest_s[GM_BLOCK_LANES] = { 0 };
    for (size_t slice = 0; slice < model->slice_count; slice++) {
        context.slice.first = model->cuts + slice * model->class_count;
        context.slice.end = context.slice.first + model->class_count;
        double own_s[GM_BLOCK_LANES];
        memcpy(own_s, step_s, width * sizeof *own_s);
        gm_ode_lanes lanes = { block->lanes & (gm_lane_mask)~failed, span_s, state, own_s };
        failed |= integrate_slice(&context, lanes, at);
        for (size_t lane = 0; lane < width; lane++) {
            longest_s[lane] = own_s[lane] > longest_s[lane] ? own_s[lane] : longest_s[lane];
        }
    }
    // all start the next call with the longest: the few for which it is too long shorten it
    memcpy(step_s, longest_s, width * sizeof *step_s);
    for (size_t lane = 0; lane < width; lane++) {
        if ((block->lanes >> lane & 1u) != 0 && (failed >> lane & 1u) == 0 &&
            until_ns > block->time_ns[lane]) {
            block->time_ns[lane] = until_ns;
        }
    }
    return failed;
}
