// What the steppers of num/ode.h share: one run of one block, step-size rules, lane selection.
#ifndef GEMEL_NUM_ODE_STEPPERS_H
#define GEMEL_NUM_ODE_STEPPERS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "num/ode.h"

/// One call of gm_ode_advance, checked and prepared: every lane of `mask` has a finite span > 0.
typedef struct gm_ode_run {
    const gm_ode *ode;
    const gm_ode_options *options;
    gm_lane_mask mask;
    const double *span_s; // [width]
    double *step_s;       // in out, [width]: the step to start with, 0 to guess
    double *state;        // in out, [count][width], a copy that the stepper owns
    double *scratch;      // what the stepper's *_scratch_size asked for, 64-byte aligned
} gm_ode_run;

/// Each returns the lanes that failed; their state and step are then undefined.
gm_lane_mask gm_ode_rk4(const gm_ode_run *run);
gm_lane_mask gm_ode_dopri5(const gm_ode_run *run);
gm_lane_mask gm_ode_rodas3(const gm_ode_run *run);

/// Bytes of scratch.
size_t gm_ode_rk4_scratch_size(const gm_ode *ode);
size_t gm_ode_dopri5_scratch_size(const gm_ode *ode);
size_t gm_ode_rodas3_scratch_size(const gm_ode *ode);

/// Bytes of one column [count][width], rounded up to whole cache lines.
static inline size_t gm_ode_column_size(const gm_ode *ode)
{
    return (ode->count * (size_t)ode->width * sizeof(double) + 63) / 64 * 64;
}

/// x^(-1/n) for finite x > 0, to about 1e-4: enough for step sizes, the same bits on every machine,
/// no call of pow. A first guess from the exponent, then Newton's method on y^-n = x.
GM_INLINE double gm_ode_inverse_root(double x, const int n)
{
    const uint64_t one = UINT64_C(0x3ff0000000000000);
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = one + one / (uint64_t)n - bits / (uint64_t)n;
    double y;
    memcpy(&y, &bits, sizeof y);
    for (int i = 0; i < 3; i++) {
        double power = x;
        for (int j = 0; j < n; j++) {
            power *= y;
        }
        y *= ((double)(n + 1) - power) / (double)n;
    }
    return y;
}

/// How the per-lane error control of an embedded pair goes on. Arrays are [width]; lanes not active
/// are at rest.
typedef struct gm_ode_control {
    double time_s[GM_LANES];
    double proposed_s[GM_LANES]; // what the error control would like next
    double step_s[GM_LANES];     // what is tried: shortened to end exactly at the span; 0 at rest
    double growth[GM_LANES];     // greatest factor allowed: 1 right after a rejection
    int64_t active[GM_LANES];    // -1 or 0
    int64_t last[GM_LANES];      // the tried step ends at the span
    int64_t accepted[GM_LANES];
} gm_ode_control;

enum { GM_ODE_GROWTH_MAX = 5 };

/// Puts the lanes of the mask at time 0.
GM_INLINE void gm_ode_control_start(gm_ode_control *control, const gm_ode_run *run, const int width)
{
    for (int lane = 0; lane < width; lane++) {
        control->active[lane] = -(int64_t)(run->mask >> lane & 1);
        control->time_s[lane] = 0.0;
        control->proposed_s[lane] = control->active[lane] ? run->step_s[lane] : 0.0;
        control->growth[lane] = GM_ODE_GROWTH_MAX;
    }
}

/// Chooses the steps to try. A lane whose step has become too short for its time to move on has
/// failed and rests.
/// @return the lanes that failed now
GM_INLINE gm_lane_mask gm_ode_control_try(gm_ode_control *control, const double *span_s,
                                          const int width)
{
    unsigned failed = 0;
    for (int lane = 0; lane < width; lane++) {
        double remaining_s = span_s[lane] - control->time_s[lane];
        double proposed_s = control->proposed_s[lane];
        int64_t active = control->active[lane];
        int64_t moves = proposed_s > 1e-15 * span_s[lane] ? active : 0;
        // a step that would leave a crumb takes it along
        int64_t last = 1.01 * proposed_s >= remaining_s ? moves : 0;
        double step_s = last ? remaining_s : proposed_s;
        control->step_s[lane] = moves ? step_s : 0.0;
        control->last[lane] = last;
        control->active[lane] = moves;
        failed |= (unsigned)(active & ~moves & 1) << lane;
    }
    return (gm_lane_mask)failed;
}

/// Judges the tried steps by `error`, 1 being just tolerable (Hairer, Norsett, Wanner, II.4,
/// eq. 4.13). A NaN rejects.
/// @param order  one more than the order of the lower method of the pair
/// @return the lanes still active
GM_INLINE gm_lane_mask gm_ode_control_judge(gm_ode_control *control, const double *span_s,
                                            const double *error, const int order, const int width)
{
    unsigned active = 0;
    for (int lane = 0; lane < width; lane++) {
        int64_t accepted = error[lane] <= 1.0 ? control->active[lane] : 0;
        double bounded = error[lane] > 1e-8 ? error[lane] : 1e-8;
        bounded = bounded < 1e8 ? bounded : 1e8;
        double factor = 0.9 * gm_ode_inverse_root(bounded, order);
        factor = factor > 0.2 ? factor : 0.2;
        factor = factor < control->growth[lane] ? factor : control->growth[lane];
        factor = error[lane] == error[lane] ? factor : 0.1;
        // the last step was cut short by the span: what had been proposed stays the better guess
        double grown_s = control->step_s[lane] * factor;
        double proposed_s = control->proposed_s[lane];
        proposed_s = accepted && control->last[lane] && grown_s < proposed_s ? proposed_s : grown_s;
        control->proposed_s[lane] = control->active[lane] ? proposed_s : control->proposed_s[lane];
        control->growth[lane] = accepted ? GM_ODE_GROWTH_MAX : 1.0;
        double time_s = control->time_s[lane] + control->step_s[lane];
        time_s = control->last[lane] ? span_s[lane] : time_s;
        control->time_s[lane] = accepted ? time_s : control->time_s[lane];
        control->active[lane] &= ~(accepted & control->last[lane]);
        control->accepted[lane] = accepted;
        active |= (unsigned)(control->active[lane] & 1) << lane;
    }
    return (gm_lane_mask)active;
}

/// kept = accepted ? fresh : kept, lane by lane.
GM_INLINE void gm_ode_keep(const gm_ode_control *control, size_t count, double *restrict kept,
                           const double *restrict fresh, const int width)
{
    for (size_t i = 0; i < count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            double old = kept[at], new = fresh[at];
            kept[at] = control->accepted[lane] ? new : old;
        }
    }
}

/// RMS over the unknowns of difference / tolerance, a number a lane.
/// @param after  a second state that the tolerance is relative to, or NULL
GM_INLINE void gm_ode_norm(const gm_ode_run *run, const double *difference, const double *after,
                           double *norm, const int width)
{
    size_t count = run->ode->count;
    double sum[GM_LANES] = { 0.0 };
    for (size_t i = 0; i < count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            double size = fabs(run->state[at]), other = after != NULL ? fabs(after[at]) : 0.0;
            size = size > other ? size : other;
            double tolerance = run->options->absolute + run->options->relative * size;
            double part = difference[at] / tolerance;
            sum[lane] += part * part;
        }
    }
    for (int lane = 0; lane < width; lane++) {
        norm[lane] = sqrt(sum[lane] / (double)count);
    }
}

/// The first step of lanes that have none, from the sizes of the state and its first two
/// derivatives (Hairer, Norsett, Wanner, II.4, "starting step size", with the span in the place of
/// unit time).
/// @param columns  three: the rate at the start, and two for work
/// @param order    one more than the order of the lower method of the pair
GM_INLINE void gm_ode_guess_steps(const gm_ode_run *run, gm_ode_control *control, double *columns,
                                  const int order, const int width)
{
    double missing = 0.0;
    for (int lane = 0; lane < width; lane++) {
        missing += control->active[lane] && !(control->proposed_s[lane] > 0.0) ? 1.0 : 0.0;
    }
    if (missing == 0.0) {
        return;
    }
    size_t column = run->ode->count * (size_t)width;
    const double *slope = columns;
    double *stage = columns + column, *turn = stage + column; // turn: how much the slope changes
    double size[GM_LANES], speed[GM_LANES], bend[GM_LANES], first_s[GM_LANES];
    gm_ode_norm(run, run->state, NULL, size, width);
    gm_ode_norm(run, slope, NULL, speed, width);
    for (int lane = 0; lane < width; lane++) {
        double span_s = run->span_s[lane];
        bool small = !(size[lane] > 1e-5) || !(speed[lane] * span_s > 1e-5);
        double step_s = small ? 1e-6 * span_s : 0.01 * size[lane] / speed[lane];
        first_s[lane] = step_s < span_s ? step_s : span_s;
    }
    for (size_t at = 0; at < column; at++) {
        stage[at] = run->state[at] + first_s[at % (size_t)width] * slope[at];
    }
    run->ode->rate(run->ode->context, first_s, stage, turn);
    for (size_t at = 0; at < column; at++) {
        turn[at] -= slope[at];
    }
    gm_ode_norm(run, turn, NULL, bend, width);
    for (int lane = 0; lane < width; lane++) {
        if (control->proposed_s[lane] > 0.0 || !control->active[lane]) {
            continue;
        }
        double span_s = run->span_s[lane], curve = bend[lane] / first_s[lane];
        double fast = speed[lane] > curve ? speed[lane] : curve;
        double step_s = span_s;
        if (fast * span_s > 1e-12) {
            step_s = gm_ode_inverse_root(fast < 1e200 ? 100.0 * fast : 1e200, order);
            step_s = step_s < 100.0 * first_s[lane] ? step_s : 100.0 * first_s[lane];
        }
        control->proposed_s[lane] = step_s < span_s ? step_s : span_s;
    }
}

#endif
