// Rodas3, an L-stable Rosenbrock pair of order 3(2) in four stages: Sandu, Verwer, Blom, Spee,
// Carmichael, Potra, Atmos. Environ. 31 (1997) 3459-3472. Every lane solves with its own W = I /
// (gamma h) - J on the common pattern; all four stages of a step share one factorisation. The
// matrix held is -W = J + shift I, so right sides change sign.
#include "num/ode_steppers.h"
#include "num/sparse.h"

enum { COLUMNS = 8 }; // rate, its time derivative, stage, new state, k1 .. k4

static const double gamma_diagonal = 0.5;

/// A run with the parts of its scratch memory. Columns are [count][width], one after the other.
typedef struct rodas3 {
    const gm_ode_run *run;
    gm_ode_control control;
    double *rate, *drift, *stage, *fresh, *k[4]; // drift: df/dt
    double *jacobian;                            // [entry_count][width]
    void *factor;
} rodas3;

static size_t jacobian_size(const gm_ode *ode)
{
    size_t size = gm_sparse_entry_count(ode->pattern) * (size_t)ode->width * sizeof(double);
    return (size + 63) / 64 * 64;
}

static void open_parts(rodas3 *r, const gm_ode_run *run)
{
    size_t column = run->ode->count * (size_t)run->ode->width;
    double *at = run->scratch;
    *r = (rodas3){ .run = run,
                   .rate = at,
                   .drift = at + column,
                   .stage = at + 2 * column,
                   .fresh = at + 3 * column };
    for (size_t i = 0; i < 4; i++) {
        r->k[i] = at + (4 + i) * column;
    }
    r->jacobian = at + COLUMNS * gm_ode_column_size(run->ode) / sizeof(double);
    r->factor = (char *)r->jacobian + jacobian_size(run->ode);
}

/// Rate, its derivative by time (a difference: drivers may be steep in time) and the Jacobian at
/// the start of a step.
GM_INLINE void linearise(rodas3 *r, const int width)
{
    const gm_ode *ode = r->run->ode;
    double later_s[GM_LANES], per_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double start_s = r->control.time_s[lane];
        // between the rounding of the rate and the curvature of the driver
        later_s[lane] = start_s + 1e-6 * r->control.step_s[lane];
        double between_s = later_s[lane] - start_s;
        per_s[lane] = between_s > 0.0 ? 1.0 / between_s : 0.0;
    }
    ode->rate(ode->context, r->control.time_s, r->run->state, r->rate);
    ode->rate(ode->context, later_s, r->run->state, r->drift);
    double *restrict drift = r->drift;
    const double *restrict rate = r->rate;
    for (size_t i = 0; i < ode->count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            drift[at] = (drift[at] - rate[at]) * per_s[lane];
        }
    }
    ode->jacobian(ode->context, r->control.time_s, r->run->state, r->jacobian);
}

/// A stage's right side, rate + (c . k) / h + h time_weight df/dt, and its solution k[n].
/// @param c  [n] weights of k[0] .. k[n - 1]
GM_INLINE void solve_stage(rodas3 *r, const double *c, const int n, double time_weight,
                           const int width)
{
    double per_s[GM_LANES], drift_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double step_s = r->control.step_s[lane];
        per_s[lane] = step_s > 0.0 ? 1.0 / step_s : 0.0;
        drift_s[lane] = step_s * time_weight;
    }
    const double *restrict k1 = r->k[0], *restrict k2 = r->k[1], *restrict k3 = r->k[2];
    const double *restrict rate = r->rate, *restrict drift = r->drift;
    double *restrict right = r->k[n];
    for (size_t i = 0; i < r->run->ode->count; i++) {
        for (int lane = 0; lane < width; lane++) {
            size_t at = i * (size_t)width + (size_t)lane;
            double sum = rate[at] + drift_s[lane] * drift[at];
            double past = n > 0 ? c[0] * k1[at] : 0.0;
            past += n > 1 ? c[1] * k2[at] : 0.0;
            past += n > 2 ? c[2] * k3[at] : 0.0;
            right[at] = -(sum + per_s[lane] * past);
        }
    }
    gm_sparse_solve(r->run->ode->pattern, width, r->factor, r->k[n]);
}

/// to = state + a0 k1 + a1 k3 + a2 k4; k2 has no weight in this method.
GM_INLINE void add_stages(const rodas3 *r, double *restrict to, const double a[3], const int width)
{
    const double *restrict state = r->run->state;
    const double *restrict k1 = r->k[0], *restrict k3 = r->k[2], *restrict k4 = r->k[3];
    size_t total = r->run->ode->count * (size_t)width;
    for (size_t at = 0; at < total; at++) {
        double sum = state[at] + a[0] * k1[at];
        sum += a[1] != 0.0 ? a[1] * k3[at] : 0.0;
        sum += a[2] != 0.0 ? a[2] * k4[at] : 0.0;
        to[at] = sum;
    }
}

/// @return lanes whose matrix has no factor
GM_INLINE gm_lane_mask try_step(rodas3 *r, const int width)
{
    static const double c2[] = { 4.0 }, c3[] = { 1.0, -1.0 }, c4[] = { 1.0, -1.0, -8.0 / 3.0 };
    static const double a3[] = { 2.0, 0.0, 0.0 }, a4[] = { 2.0, 1.0, 0.0 }, b[] = { 2.0, 1.0, 1.0 };
    const gm_ode *ode = r->run->ode;
    double shift[GM_LANES], end_s[GM_LANES];
    for (int lane = 0; lane < width; lane++) {
        double step_s = r->control.step_s[lane];
        shift[lane] = step_s > 0.0 ? -1.0 / (gamma_diagonal * step_s) : -1.0;
        end_s[lane] = r->control.time_s[lane] + step_s;
    }
    gm_lane_mask singular = gm_sparse_factorise(ode->pattern, width, r->jacobian, shift, r->factor);
    solve_stage(r, NULL, 0, 0.5, width);
    solve_stage(r, c2, 1, 1.5, width);
    add_stages(r, r->stage, a3, width);
    ode->rate(ode->context, end_s, r->stage, r->rate);
    solve_stage(r, c3, 2, 0.0, width);
    add_stages(r, r->stage, a4, width);
    ode->rate(ode->context, end_s, r->stage, r->rate);
    solve_stage(r, c4, 3, 0.0, width);
    add_stages(r, r->fresh, b, width);
    return singular;
}

GM_INLINE gm_lane_mask advance(const gm_ode_run *run, const int width)
{
    const gm_ode *ode = run->ode;
    rodas3 r;
    open_parts(&r, run);
    gm_ode_control_start(&r.control, run, width);
    ode->rate(ode->context, r.control.time_s, run->state, r.rate);
    gm_ode_guess_steps(run, &r.control, r.rate, 3, width); // drift and stage are still free
    gm_lane_mask failed = 0, active = run->mask;
    for (size_t step = 0; active != 0; step++) {
        if (step >= run->options->step_limit) {
            failed |= active;
            break;
        }
        double error[GM_LANES];
        failed |= gm_ode_control_try(&r.control, run->span_s, width);
        linearise(&r, width);
        gm_lane_mask singular = try_step(&r, width);
        gm_ode_norm(run, r.k[3], r.fresh, error, width); // k4 is the difference of the pair
        for (int lane = 0; lane < width; lane++) {
            error[lane] = singular >> lane & 1 ? NAN : error[lane];
        }
        active = gm_ode_control_judge(&r.control, run->span_s, error, 3, width);
        gm_ode_keep(&r.control, ode->count, run->state, r.fresh, width);
    }
    for (int lane = 0; lane < width; lane++) {
        run->step_s[lane] = r.control.proposed_s[lane];
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
