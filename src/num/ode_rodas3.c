// Rodas3, an L-stable Rosenbrock pair of order 3(2) in four stages: Sandu, Verwer, Blom, Spee,
// Carmichael, Potra, Atmos. Environ. 31 (1997) 3459-3472. Every lane solves with its own W = I /
// (gamma h) - J on the common pattern; all four stages of a step share one factorisation. The
// matrix held is -W = J + shift I, so right sides change sign.
#include "num/ode_steppers.h"
#include "num/sparse.h"

enum { COLUMNS = 8 }; // stage, rates, time derivative, new state, k1 .. k4

static const double gamma_diagonal = 0.5;

/// The parts of the scratch memory. Columns are [count][width].
typedef struct rodas3_parts {
    double *stage, *rate, *drift, *fresh, *k[4]; // drift: df/dt
    double *jacobian;                            // [entry_count][width]
    void *factor;
} rodas3_parts;

static size_t jacobian_size(const gm_ode *ode)
{
    size_t size = gm_sparse_entry_count(ode->pattern) * (size_t)ode->width * sizeof(double);
    return (size + 63) / 64 * 64;
}

static rodas3_parts parts_of(const gm_ode_run *run)
{
    size_t column = gm_ode_column_size(run->ode) / sizeof(double);
    double *at = run->scratch;
    rodas3_parts parts = { .stage = at,
                           .rate = at + column,
                           .drift = at + 2 * column,
                           .fresh = at + 3 * column,
                           .jacobian = at + COLUMNS * column };
    for (size_t i = 0; i < 4; i++) {
        parts.k[i] = at + (4 + i) * column;
    }
    parts.factor = (char *)parts.jacobian + jacobian_size(run->ode);
    return parts;
}

/// Rate, its derivative by time (a difference: drivers may be steep in time) and the Jacobian at
/// the start of a step.
GM_INLINE void linearise(const gm_ode_run *run, const gm_ode_control *control,
                         const rodas3_parts *parts, const int width)
{
    const gm_ode *ode = run->ode;
    double later_s[GM_LANES], per_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double start_s = control->time_s[lane];
        // between the rounding of the rate and the curvature of the driver
        later_s[lane] = start_s + 1e-6 * control->step_s[lane];
        double between_s = later_s[lane] - start_s;
        per_s[lane] = between_s > 0.0 ? 1.0 / between_s : 0.0;
    }
    ode->rate(ode->context, control->time_s, run->state, parts->rate);
    ode->rate(ode->context, later_s, run->state, parts->drift);
    double *restrict drift = parts->drift;
    const double *restrict rate = parts->rate;
    for (size_t i = 0; i < ode->count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            drift[at] = (drift[at] - rate[at]) * per_s[lane];
        }
    }
    ode->jacobian(ode->context, control->time_s, run->state, parts->jacobian);
}

/// A stage's right side: rate + (c . k) / h + h time_weight df/dt, and its solution.
/// @param c  [n] weights of k[0] .. k[n - 1]
GM_INLINE void solve_stage(const gm_ode_run *run, const gm_ode_control *control,
                           const rodas3_parts *parts, const double *c, const int n,
                           double time_weight, const int width)
{
    double per_s[GM_LANES], drift_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double step_s = control->step_s[lane];
        per_s[lane] = step_s > 0.0 ? 1.0 / step_s : 0.0;
        drift_s[lane] = step_s * time_weight;
    }
    const double *restrict k1 = parts->k[0], *restrict k2 = parts->k[1], *restrict k3 = parts->k[2];
    const double *restrict rate = parts->rate, *restrict drift = parts->drift;
    double *restrict right = parts->k[n];
    for (size_t i = 0; i < run->ode->count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            double sum = rate[at] + drift_s[lane] * drift[at];
            double past = n > 0 ? c[0] * k1[at] : 0.0;
            past += n > 1 ? c[1] * k2[at] : 0.0;
            past += n > 2 ? c[2] * k3[at] : 0.0;
            right[at] = -(sum + per_s[lane] * past);
        }
    }
    gm_sparse_solve(run->ode->pattern, width, parts->factor, parts->k[n]);
}

/// to = state + a1 k1 + a3 k3 + a4 k4; k2 has no weight in this method.
GM_INLINE void add_stages(const gm_ode_run *run, const rodas3_parts *parts, double *restrict to,
                          const double a[3], const int width)
{
    const double *restrict state = run->state;
    const double *restrict k1 = parts->k[0], *restrict k3 = parts->k[2], *restrict k4 = parts->k[3];
    size_t total = run->ode->count * (size_t)width;
    for (size_t at = 0; at < total; at++) {
        double sum = state[at] + a[0] * k1[at];
        sum += a[1] != 0.0 ? a[1] * k3[at] : 0.0;
        sum += a[2] != 0.0 ? a[2] * k4[at] : 0.0;
        to[at] = sum;
    }
}

/// @return lanes whose matrix has no factor
GM_INLINE gm_lane_mask try_step(const gm_ode_run *run, const gm_ode_control *control,
                                const rodas3_parts *parts, const int width)
{
    static const double c2[] = { 4.0 }, c3[] = { 1.0, -1.0 }, c4[] = { 1.0, -1.0, -8.0 / 3.0 };
    static const double a3[] = { 2.0, 0.0, 0.0 }, a4[] = { 2.0, 1.0, 0.0 }, b[] = { 2.0, 1.0, 1.0 };
    const gm_ode *ode = run->ode;
    double shift[GM_LANES], end_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double step_s = control->step_s[lane];
        shift[lane] = step_s > 0.0 ? -1.0 / (gamma_diagonal * step_s) : -1.0;
        end_s[lane] = control->time_s[lane] + step_s;
    }
    gm_lane_mask singular =
        gm_sparse_factorise(ode->pattern, width, parts->jacobian, shift, parts->factor);
    solve_stage(run, control, parts, NULL, 0, 0.5, width);
    solve_stage(run, control, parts, c2, 1, 1.5, width);
    add_stages(run, parts, parts->stage, a3, width);
    ode->rate(ode->context, end_s, parts->stage, parts->rate);
    solve_stage(run, control, parts, c3, 2, 0.0, width);
    add_stages(run, parts, parts->stage, a4, width);
    ode->rate(ode->context, end_s, parts->stage, parts->rate);
    solve_stage(run, control, parts, c4, 3, 0.0, width);
    add_stages(run, parts, parts->fresh, b, width);
    return singular;
}

GM_INLINE gm_lane_mask advance(const gm_ode_run *run, const int width)
{
    const gm_ode *ode = run->ode;
    rodas3_parts parts = parts_of(run);
    gm_ode_control control = { 0 };
    gm_ode_control_start(&control, run, width);
    ode->rate(ode->context, control.time_s, run->state, parts.rate);
    gm_ode_guess_steps(run, &control, parts.fresh, parts.rate, 3, width); // into fresh and k1
    gm_lane_mask failed = 0, active = run->mask;
    for (size_t step = 0; active != 0; step++) {
        if (step >= run->options->step_limit) {
            failed |= active;
            break;
        }
        double error[GM_LANES];
        failed |= gm_ode_control_try(&control, run->span_s, width);
        linearise(run, &control, &parts, width);
        gm_lane_mask singular = try_step(run, &control, &parts, width);
        gm_ode_norm(run, parts.k[3], NULL, parts.fresh, error, width);
        for (int lane = 0; lane < width; lane++) {
            error[lane] = singular >> lane & 1 ? NAN : error[lane];
        }
        active = gm_ode_control_judge(&control, run->span_s, error, 3, width);
        gm_ode_keep(&control, ode->count, run->state, parts.fresh, width);
    }
    for (int lane = 0; lane < width; lane++) {
        run->step_s[lane] = control.proposed_s[lane];
    }
    return failed;
}

static GM_KERNEL gm_lane_mask rodas3_advance_1(const gm_ode_run *run)
{
    return advance(run, 1);
}

static GM_KERNEL gm_lane_mask rodas3_advance_8(const gm_ode_run *run)
{
    return advance(run, GM_LANES);
}

size_t gm_ode_rodas3_scratch_size(const gm_ode *ode)
{
    return COLUMNS * gm_ode_column_size(ode) + jacobian_size(ode) +
           gm_sparse_factor_size(ode->pattern, ode->width);
}

gm_lane_mask gm_ode_rodas3(const gm_ode_run *run)
{
    return run->ode->width == 1 ? rodas3_advance_1(run) : rodas3_advance_8(run);
}
