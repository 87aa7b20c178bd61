// The pair of order 5(4) of Dormand and Prince, J. Comput. Appl. Math. 6 (1980) 19-26, with error
// control per lane.
#include "num/ode_steppers.h"

enum { COLUMNS = 8 }; // the new state and seven slopes

/// stage = state + step * (a1 k1 + ... + an kn), with constant `n` and `a`.
/// @param columns  the stage, then the slopes k1 .. k7
GM_INLINE void set_stage(const gm_ode_run *run, const double *step_s, const double *a, const int n,
                         const int width)
{
    size_t count = run->ode->count, column = count * (size_t)width;
    const double *restrict state = run->state;
    double *restrict stage = run->scratch;
    const double *restrict k = run->scratch + column;
    for (size_t i = 0; i < count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            double sum = a[0] * k[at];
            sum += n > 1 ? a[1] * k[column + at] : 0.0;
            sum += n > 2 ? a[2] * k[2 * column + at] : 0.0;
            sum += n > 3 ? a[3] * k[3 * column + at] : 0.0;
            sum += n > 4 ? a[4] * k[4 * column + at] : 0.0;
            sum += n > 5 ? a[5] * k[5 * column + at] : 0.0;
            stage[at] = state[at] + step_s[lane] * sum;
        }
    }
}

/// Fills the slopes k2 .. k7; the stage ends as the new state of order 5.
GM_INLINE void try_step(const gm_ode_run *run, const gm_ode_control *control, const int width)
{
    static const double a2[] = { 1.0 / 5 };
    static const double a3[] = { 3.0 / 40, 9.0 / 40 };
    static const double a4[] = { 44.0 / 45, -56.0 / 15, 32.0 / 9 };
    static const double a5[] = { 19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729 };
    static const double a6[] = { 9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176,
                                 -5103.0 / 18656 };
    static const double b[] = { 35.0 / 384,     0.0,      500.0 / 1113, 125.0 / 192,
                                -2187.0 / 6784, 11.0 / 84 };
    const gm_ode *ode = run->ode;
    size_t column = ode->count * (size_t)width;
    double *stage = run->scratch, *k1 = stage + column;
    double time_s[4][GM_LANES], end_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double start_s = control->time_s[lane], step_s = control->step_s[lane];
        time_s[0][lane] = start_s + step_s * (1.0 / 5);
        time_s[1][lane] = start_s + step_s * (3.0 / 10);
        time_s[2][lane] = start_s + step_s * (4.0 / 5);
        time_s[3][lane] = start_s + step_s * (8.0 / 9);
        end_s[lane] = start_s + step_s;
    }
    set_stage(run, control->step_s, a2, 1, width);
    ode->rate(ode->context, time_s[0], stage, k1 + column);
    set_stage(run, control->step_s, a3, 2, width);
    ode->rate(ode->context, time_s[1], stage, k1 + 2 * column);
    set_stage(run, control->step_s, a4, 3, width);
    ode->rate(ode->context, time_s[2], stage, k1 + 3 * column);
    set_stage(run, control->step_s, a5, 4, width);
    ode->rate(ode->context, time_s[3], stage, k1 + 4 * column);
    set_stage(run, control->step_s, a6, 5, width);
    ode->rate(ode->context, end_s, stage, k1 + 5 * column);
    set_stage(run, control->step_s, b, 6, width);
    ode->rate(ode->context, end_s, stage, k1 + 6 * column);
}

/// RMS over the unknowns of (order 5 - order 4) / tolerance, a number a lane.
GM_INLINE void measure_error(const gm_ode_run *run, const double *step_s, double *restrict error,
                             const int width)
{
    const double e1 = 71.0 / 57600, e3 = -71.0 / 16695, e4 = 71.0 / 1920, e5 = -17253.0 / 339200,
                 e6 = 22.0 / 525, e7 = -1.0 / 40;
    size_t count = run->ode->count, column = count * (size_t)width;
    const double *restrict state = run->state, *restrict stage = run->scratch;
    const double *restrict k = run->scratch + column;
    double absolute = run->options->absolute, relative = run->options->relative;
    double sum[GM_LANES] = { 0.0 };
    for (size_t i = 0; i < count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            double slope = e1 * k[at] + e3 * k[2 * column + at] + e4 * k[3 * column + at] +
                           e5 * k[4 * column + at] + e6 * k[5 * column + at] +
                           e7 * k[6 * column + at];
            double before = fabs(state[at]), after = fabs(stage[at]);
            double tolerance = absolute + relative * (before > after ? before : after);
            double part = step_s[lane] * slope / tolerance;
            sum[lane] += part * part;
        }
    }
    for (int lane = 0; lane < width; lane++) {
        error[lane] = sqrt(sum[lane] / (double)count);
    }
}

GM_INLINE gm_lane_mask advance(const gm_ode_run *run, const int width)
{
    const gm_ode *ode = run->ode;
    size_t column = ode->count * (size_t)width;
    double *stage = run->scratch, *k1 = stage + column, *k7 = k1 + 6 * column;
    gm_ode_control control = { 0 };
    gm_ode_control_start(&control, run, width);
    ode->rate(ode->context, control.time_s, run->state, k1);
    gm_ode_guess_steps(run, &control, k1, 5, width); // k2 and k3 are still free
    gm_lane_mask failed = 0, active = run->mask;
    for (size_t step = 0; active != 0; step++) {
        if (step >= run->options->step_limit) {
            failed |= active;
            break;
        }
        double error[GM_LANES];
        failed |= gm_ode_control_try(&control, run->span_s, width);
        try_step(run, &control, width);
        measure_error(run, control.step_s, error, width);
        active = gm_ode_control_judge(&control, run->span_s, error, 5, width);
        gm_ode_keep(&control, ode->count, run->state, stage, width);
        if (active != 0) {
            gm_ode_keep(&control, ode->count, k1, k7,
                        width); // the last slope is the next step's first
        }
    }
    for (int lane = 0; lane < width; lane++) {
        run->step_s[lane] = control.proposed_s[lane];
    }
    return failed;
}

static GM_KERNEL gm_lane_mask dopri5_advance_1(const gm_ode_run *run)
{
    return advance(run, 1);
}

static GM_KERNEL gm_lane_mask dopri5_advance_8(const gm_ode_run *run)
{
    return advance(run, GM_LANES);
}

size_t gm_ode_dopri5_scratch_size(const gm_ode *ode)
{
    return COLUMNS * gm_ode_column_size(ode);
}

gm_lane_mask gm_ode_dopri5(const gm_ode_run *run)
{
    return run->ode->width == 1 ? dopri5_advance_1(run) : dopri5_advance_8(run);
}
