// The classic Runge-Kutta method of order 4 with equal steps: Kutta, Z. Math. Phys. 46 (1901)
// 435-453.
#include "num/ode_steppers.h"

enum { COLUMNS = 3 }; // stage, slope, sum of slopes

/// Cuts every lane's span into equal steps; lanes that need more than the limit fail.
/// @param step_count  out, [width], 0 for lanes at rest
GM_INLINE gm_lane_mask plan(const gm_ode_run *run, double *step_count, const int width)
{
    unsigned failed = 0;
    for (int lane = 0; lane < width; lane++) {
        step_count[lane] = 0.0;
        if (!(run->mask >> lane & 1)) {
            continue;
        }
        double longest_s = run->options->step_s, span_s = run->span_s[lane];
        // a span that is a whole number of steps but for rounding takes just that many
        double count = longest_s > 0.0 ? ceil(span_s / longest_s * (1.0 - 1e-12)) : 1.0;
        count = count >= 1.0 ? count : 1.0;
        if (!(count <= (double)run->options->step_limit)) {
            failed |= 1u << lane;
            continue;
        }
        step_count[lane] = count;
        run->step_s[lane] = span_s / count;
    }
    return (gm_lane_mask)failed;
}

/// sum (+)= weight * slope; stage = state + part * step * slope.
GM_INLINE void add_slope(const gm_ode_run *run, double *restrict columns, const double *part_s,
                         double weight, const int width)
{
    size_t count = run->ode->count, column = count * (size_t)width;
    const double *restrict state = run->state;
    double *restrict stage = columns;
    const double *restrict slope = columns + column;
    double *restrict sum = columns + 2 * column;
    for (size_t i = 0; i < count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            stage[at] = state[at] + part_s[lane] * slope[at];
            sum[at] += weight * slope[at];
        }
    }
}

GM_INLINE gm_lane_mask advance(const gm_ode_run *run, const int width)
{
    const gm_ode *ode = run->ode;
    size_t count = ode->count, column = count * (size_t)width;
    double *stage = run->scratch, *slope = stage + column, *sum = slope + column;
    double step_count[GM_LANES], most = 0.0;
    gm_lane_mask failed = plan(run, step_count, width);
    for (int lane = 0; lane < width; lane++) {
        most = step_count[lane] > most ? step_count[lane] : most;
    }
    for (double done = 0.0; done < most; done++) {
        double start_s[GM_LANES], middle_s[GM_LANES], end_s[GM_LANES];
        double step_s[GM_LANES], half_s[GM_LANES], sixth_s[GM_LANES];
        int64_t moves[GM_LANES];
        for (int lane = 0; lane < width; lane++) {
            moves[lane] = done < step_count[lane] ? -1 : 0;
            step_s[lane] = moves[lane] ? run->step_s[lane] : 0.0;
            start_s[lane] = moves[lane] ? done * step_s[lane] : run->span_s[lane];
            half_s[lane] = 0.5 * step_s[lane];
            sixth_s[lane] = step_s[lane] / 6.0;
            middle_s[lane] = start_s[lane] + half_s[lane];
            end_s[lane] = start_s[lane] + step_s[lane];
        }
        memset(sum, 0, column * sizeof *sum);
        ode->rate(ode->context, start_s, run->state, slope);
        add_slope(run, stage, half_s, 1.0, width);
        ode->rate(ode->context, middle_s, stage, slope);
        add_slope(run, stage, half_s, 2.0, width);
        ode->rate(ode->context, middle_s, stage, slope);
        add_slope(run, stage, step_s, 2.0, width);
        ode->rate(ode->context, end_s, stage, slope);
        double *restrict state = run->state;
        for (size_t i = 0; i < count; i++) {
            for (int lane = 0; lane < width; lane++) {
                size_t at = i * (size_t)width + (size_t)lane;
                double old = state[at], new = old + sixth_s[lane] * (sum[at] + slope[at]);
                state[at] = moves[lane] ? new : old;
            }
        }
    }
    return failed;
}

static GM_KERNEL gm_lane_mask rk4_advance_1(const gm_ode_run *run)
{
    return advance(run, 1);
}

static GM_KERNEL gm_lane_mask rk4_advance_8(const gm_ode_run *run)
{
    return advance(run, GM_LANES);
}

size_t gm_ode_rk4_scratch_size(const gm_ode *ode)
{
    return COLUMNS * gm_ode_column_size(ode);
}

gm_lane_mask gm_ode_rk4(const gm_ode_run *run)
{
    return run->ode->width == 1 ? rk4_advance_1(run) : rk4_advance_8(run);
}
