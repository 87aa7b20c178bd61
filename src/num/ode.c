// The driver of num/ode.h: checks the lanes, lets a stepper move a copy of the state, takes over
// what came out well.
#include "num/ode.h"

#include <stdint.h>
#include <string.h>

#include "base/require.h"
#include "num/ode_steppers.h"

typedef struct stepper {
    gm_lane_mask (*advance)(const gm_ode_run *run);
    size_t (*scratch_size)(const gm_ode *ode);
} stepper;

static const stepper steppers[] = {
    [GM_ODE_RK4] = { gm_ode_rk4, gm_ode_rk4_scratch_size },
    [GM_ODE_DOPRI5] = { gm_ode_dopri5, gm_ode_dopri5_scratch_size },
    [GM_ODE_RODAS3] = { gm_ode_rodas3, gm_ode_rodas3_scratch_size },
};

static const stepper *stepper_of(const gm_ode *ode, const gm_ode_options *options)
{
    GM_REQUIRE(ode->width == 1 || ode->width == GM_LANES);
    GM_REQUIRE(options->method > GM_ODE_NONE &&
               (size_t)options->method < sizeof steppers / sizeof *steppers);
    GM_REQUIRE(options->method != GM_ODE_RODAS3 || (ode->jacobian != NULL && ode->pattern != NULL));
    return &steppers[options->method];
}

/// Takes over the lanes of `moved` that are finite.
/// @return the lanes that are not
static gm_lane_mask commit(const gm_ode *ode, gm_lane_mask moved, const double *fresh,
                           double *state)
{
    size_t width = (size_t)ode->width, total = ode->count * width;
    double probe[GM_LANES] = { 0.0 }; // 0 * x is 0 for finite x, else NaN
    for (size_t at = 0; at < total; at += width) {
        for (size_t lane = 0; lane < width; lane++) {
            probe[lane] += 0.0 * fresh[at + lane];
        }
    }
    unsigned failed = 0;
    for (size_t lane = 0; lane < width; lane++) {
        failed |= (unsigned)(moved >> lane & 1 && probe[lane] != 0.0) << lane;
    }
    moved &= (gm_lane_mask)~failed;
    for (size_t at = 0; at < total; at += width) {
        for (size_t lane = 0; lane < width; lane++) {
            if (moved >> lane & 1) {
                state[at + lane] = fresh[at + lane];
            }
        }
    }
    return (gm_lane_mask)failed;
}

gm_ode_options gm_default_ode_options(void)
{
    return (gm_ode_options){
        .method = GM_ODE_DOPRI5, .relative = 1e-6, .absolute = 1e-8, .step_limit = 100000
    };
}

size_t gm_ode_work_size(const gm_ode *ode, const gm_ode_options *options)
{
    return gm_ode_column_size(ode) + stepper_of(ode, options)->scratch_size(ode);
}

gm_lane_mask gm_ode_advance(const gm_ode *ode, const gm_ode_options *options,
                            const gm_ode_lanes *lanes, void *work)
{
    const double *span_s = lanes->span_s;
    double *step_s = lanes->step_s;
    const stepper *method = stepper_of(ode, options);
    GM_REQUIRE((uintptr_t)work % 64 == 0);
    double span[GM_LANES] = { 0.0 }, step[GM_LANES] = { 0.0 };
    unsigned moving = 0, failed = 0;
    for (int lane = 0; lane < ode->width; lane++) {
        if (!(lanes->mask >> lane & 1) || span_s[lane] == 0.0) {
            continue;
        }
        if (!(span_s[lane] > 0.0 && span_s[lane] < INFINITY)) {
            failed |= 1u << lane;
            continue;
        }
        moving |= 1u << lane;
        span[lane] = span_s[lane];
        double first_s = step_s != NULL && step_s[lane] > 0.0 ? step_s[lane] : options->step_s;
        step[lane] = first_s > 0.0 && first_s < INFINITY ? first_s : 0.0;
    }
    if (moving == 0 || ode->count == 0) {
        return (gm_lane_mask)failed;
    }
    size_t column_size = gm_ode_column_size(ode);
    gm_ode_run run = { .ode = ode,
                       .options = options,
                       .mask = (gm_lane_mask)moving,
                       .span_s = span,
                       .step_s = step,
                       .state = work,
                       .scratch = (double *)((char *)work + column_size) };
    memcpy(run.state, lanes->state, ode->count * (size_t)ode->width * sizeof *run.state);
    gm_lane_mask stuck = method->advance(&run);
    gm_lane_mask moved = (gm_lane_mask)(moving & ~(unsigned)stuck);
    stuck |= commit(ode, moved, run.state, lanes->state);
    for (int lane = 0; step_s != NULL && lane < ode->width; lane++) {
        if (moving >> lane & 1 && !(stuck >> lane & 1)) {
            step_s[lane] = step[lane];
        }
    }
    return (gm_lane_mask)(failed | stuck);
}
