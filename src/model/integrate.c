// Rate domains: the engine integrates dx/dt for them, every lane by itself (num/ode.h).
//
// The unknowns of a block are its state columns, one after the other. During a stage the block's
// state columns point into the integrator's own vector, so a domain reads the stage's values where
// it always reads its state.
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"

enum { ODE_METHODS = 4 };

typedef struct stage {
    const gm_model *model;
    gm_block block;
    void **columns;   // the block's, writable
    uint32_t *moving; // [moving_count] the columns of states
    size_t moving_count;
} stage;

static void point_at(stage *at, const double *state)
{
    const gm_model *model = at->model;
    for (size_t index = 0; index < at->moving_count; index++) {
        uint32_t column = at->moving[index];
        // read only by contract: `rate` takes a const block
        at->columns[column] =
            (void *)(uintptr_t)(state + model->columns[column].unknown * (size_t)at->block.width);
    }
}

static void rate_of(void *context, const double *time_s, const double *state, double *rate)
{
    (void)time_s;
    stage *at = context;
    const gm_model *model = at->model;
    size_t width = (size_t)at->block.width;
    point_at(at, state);
    model->domain->rate(model, &at->block, rate);
    for (size_t index = 0; index < model->held_count; index++) {
        memset(rate + model->held[index] * width, 0, width * sizeof *rate);
    }
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

static gm_ode ode_of(const gm_model *model, int width)
{
    return (gm_ode){ .count = model->unknowns,
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
    gm_ode ode = ode_of(model, width);
    gm_ode_options options = options_of(model);
    return aligned(gm_ode_work_size(&ode, &options)) +
           aligned(model->unknowns * (size_t)width * sizeof(double)) +
           aligned(model->column_count * sizeof(void *)) +
           aligned(model->column_count * sizeof(uint32_t));
}

gm_lane_mask gm_integrate(const gm_model *model, gm_block *block, int64_t until_ns, double *step_s,
                          void *scratch)
{
    GM_REQUIRE(model->integrator.method > 0 && model->integrator.method < ODE_METHODS);
    size_t width = (size_t)block->width;
    gm_ode ode = ode_of(model, block->width);
    gm_ode_options options = options_of(model);
    unsigned char *at = scratch;
    double *state = scratch;
    at += aligned(model->unknowns * width * sizeof *state);
    stage context = { .model = model, .block = *block, .columns = (void **)(void *)at };
    at += aligned(model->column_count * sizeof(void *));
    context.moving = (uint32_t *)(void *)at;
    at += aligned(model->column_count * sizeof(uint32_t));
    memcpy(context.columns, block->columns, model->column_count * sizeof(void *));
    context.block.columns = context.columns;
    ode.context = &context;

    double span_s[GM_BLOCK_LANES] = { 0 };
    for (size_t lane = 0; lane < width; lane++) {
        if ((block->lanes >> lane & 1u) != 0 && until_ns > block->time_ns[lane]) {
            // divided: whole seconds come out exact, so equal steps stay equal however time is cut
            span_s[lane] = (double)(until_ns - block->time_ns[lane]) / 1e9;
        }
    }
    for (uint32_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        if (plan->role == GM_STATE && plan->count > 0) {
            context.moving[context.moving_count++] = index;
            memcpy(state + plan->unknown * width, block->columns[index],
                   plan->count * width * sizeof *state);
        }
    }
    gm_ode_lanes lanes = { block->lanes, span_s, state, step_s };
    gm_lane_mask failed = gm_ode_advance(&ode, &options, &lanes, at);
    for (size_t index = 0; index < context.moving_count; index++) {
        uint32_t column = context.moving[index];
        const gm_column_plan *plan = &model->columns[column];
        memcpy(block->columns[column], state + plan->unknown * width,
               plan->count * width * sizeof *state);
    }
    for (size_t lane = 0; lane < width; lane++) {
        if ((block->lanes >> lane & 1u) != 0 && (failed >> lane & 1u) == 0 &&
            until_ns > block->time_ns[lane]) {
            block->time_ns[lane] = until_ns;
        }
    }
    return failed;
}
