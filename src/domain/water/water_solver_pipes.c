// Head loss of pipes, and the pass over them that an iteration makes.
//
// Friction costs R q |q|^(n-1) by Hazen-Williams (n 1.852) and Chezy-Manning (n 2), smoothed near
// zero to R q (q^2 + s^2)^((n-1)/2), so that Newton's steps do not cycle, and R f(q) q |q| by
// Darcy-Weisbach: laminar below a Reynolds number of 2000, Swamee and Jain's friction factor above
// 4000, and Dunlop's cubic between. Minor losses add m q |q|. R has EPANET's constants, given for
// feet and seconds, in SI. A closed pipe leaks as EPANET's does, which keeps the matrix definite.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), section 12.1; Elhay,
// Simpson, Dealing with zero flows in solving the nonlinear equations for water distribution
// systems, J. Hydraulic Engineering 137 (2011) 1216-1224.
#include <math.h>
#include <string.h>

#include "domain/water/water_solver_parts.h"
#include "num/power.h"

static const double hazen_exponent = 1.852, manning_exponent = 2.0;
static const double bend_flow_m3_s = 1e-7, bend_loss_m = 1e-7; // where friction turns linear
static const double gravity_m_s2 = 32.2 * WATER_FOOT_M;        // EPANET's

// flow / (viscosity diameter) is the Reynolds number times pi / 4
static const double laminar_most = 500.0 * M_PI;            // Re 2000
static const double turbulent_least = 1000.0 * M_PI;        // Re 4000
static const double swamee = 4.61841319859066668690;        // 5.74 (pi/4)^0.9
static const double jain = -0.868588963806503655300;        // -2 / ln 10
static const double edge_rough = 3.28895476345399058690e-3; // 5.74 / 4000^0.9
static const double edge_slope =
    -5.14214965799093883760e-3; // of the factor there: -1.8 jain edge_rough

// ---- resistances ----

/// Resistance of one pipe: roughness, length and diameter in SI.
GM_INLINE double hazen_resistance(double roughness, double length_m, double diameter_m)
{
    return 4.727 * (length_m / WATER_FOOT_M) /
           (gm_power(roughness, hazen_exponent) * gm_power(diameter_m / WATER_FOOT_M, 4.871)) *
           WATER_FOOT_M / gm_power(WATER_CUBIC_FOOT_M3, hazen_exponent);
}

GM_INLINE double darcy_resistance(double length_m, double diameter_m)
{
    double area = 0.25 * M_PI * diameter_m * diameter_m;
    return length_m / (2.0 * gravity_m_s2 * diameter_m * area * area);
}

GM_INLINE double manning_resistance(double roughness, double length_m, double diameter_m)
{
    double diameter = diameter_m / WATER_FOOT_M;
    double factor = 4.0 * roughness / (1.49 * M_PI * diameter * diameter);
    return factor * factor * gm_power(0.25 * diameter, -1.333) * length_m /
           (WATER_CUBIC_FOOT_M3 * WATER_CUBIC_FOOT_M3);
}

GM_INLINE void set_resistances(const water_view *view, gm_lane_mask lanes,
                               const water_formula formula, const size_t width)
{
    const double *restrict roughness = view->roughness, *restrict length_m = view->length;
    const double *restrict diameter_m = view->diameter;
    double *restrict resistance = view->resistance;
    double wanted[GM_LANES];
    for (size_t lane = 0; lane < width; lane++) {
        wanted[lane] = lanes >> lane & 1u ? 1.0 : 0.0;
    }
    for (size_t index = 0; index < view->net->pipe_count * width; index += width) {
        for (size_t lane = 0; lane < width; lane++) {
            const size_t at = index + lane;
            double made = formula == HAZEN_WILLIAMS
                              ? hazen_resistance(roughness[at], length_m[at], diameter_m[at])
                          : formula == DARCY_WEISBACH
                              ? darcy_resistance(length_m[at], diameter_m[at])
                              : manning_resistance(roughness[at], length_m[at], diameter_m[at]);
            resistance[at] = wanted[lane] > 0.0 ? made : resistance[at];
        }
    }
}

GM_KERNEL static void water_resistances_1(const water_view *view, gm_lane_mask lanes)
{
    water_formula formula = view->net->plan->formula;
    if (formula == HAZEN_WILLIAMS) {
        set_resistances(view, lanes, HAZEN_WILLIAMS, 1);
    } else if (formula == DARCY_WEISBACH) {
        set_resistances(view, lanes, DARCY_WEISBACH, 1);
    } else {
        set_resistances(view, lanes, CHEZY_MANNING, 1);
    }
}

GM_KERNEL static void water_resistances_8(const water_view *view, gm_lane_mask lanes)
{
    water_formula formula = view->net->plan->formula;
    if (formula == HAZEN_WILLIAMS) {
        set_resistances(view, lanes, HAZEN_WILLIAMS, GM_LANES);
    } else if (formula == DARCY_WEISBACH) {
        set_resistances(view, lanes, DARCY_WEISBACH, GM_LANES);
    } else {
        set_resistances(view, lanes, CHEZY_MANNING, GM_LANES);
    }
}

void gm_water_resistances(const water_view *view, gm_lane_mask lanes)
{
    if (lanes != 0) {
        (view->width == 1 ? water_resistances_1 : water_resistances_8)(view, lanes);
    }
}

// ---- from and to the columns ----

/// The friction factor at Reynolds number 4000 and what Dunlop's cubic needs of its slope.
GM_INLINE void set_factor(const water_view *view, size_t index, size_t at)
{
    water_work *work = gm_water_work(view);
    double diameter_m = view->diameter[index];
    double rough = view->roughness[index] / (3.7 * diameter_m), sum = rough + edge_rough;
    double root = jain * gm_log(sum), factor = 1.0 / (root * root);
    work->viscous[at] = view->net->plan->viscosity_m2_s * diameter_m;
    work->rough[at] = rough;
    work->factor_a[at] = factor;
    work->factor_b[at] = (2.0 + edge_slope / (sum * root)) * factor;
}

/// The square of the flow below which friction turns linear: small, but where a pipe hardly
/// resists large enough that flows do not drown in what heads are rounded by.
GM_INLINE double bend_of(double resistance)
{
    double flow = bend_loss_m / resistance;
    return bend_flow_m3_s * bend_flow_m3_s + flow * flow;
}

/// An edge that is no pipe: closed for good.
static void set_idle(water_work *work, size_t at)
{
    work->resistance[at] = -1.0;
    work->minor[at] = work->flow[at] = 0.0;
    if (work->bend != NULL) {
        work->bend[at] = 1.0;
    } else {
        work->viscous[at] = work->rough[at] = 1.0;
        work->factor_a[at] = work->factor_b[at] = 1.0;
    }
}

GM_INLINE void open_pipes(const water_view *view, const bool is_darcy, const size_t width)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    const double *restrict friction = view->resistance, *restrict diameter = view->diameter;
    const double *restrict minor_loss = view->minor_loss;
    double *restrict resistance = work->resistance, *restrict minor = work->minor;
    double *restrict bend = work->bend;
    for (size_t edge = 0; edge < solver->edge_count; edge++) {
        const size_t first = edge * width, column = (size_t)solver->pipe[edge] * width;
        for (size_t lane = 0; solver->pipe[edge] == WATER_NONE && lane < width; lane++) {
            set_idle(work, first + lane);
        }
        if (solver->pipe[edge] == WATER_NONE) {
            continue;
        }
        for (size_t lane = 0; lane < width; lane++) {
            double square = diameter[column + lane] * diameter[column + lane];
            resistance[first + lane] = friction[column + lane];
            minor[first + lane] =
                WATER_MINOR_FACTOR * minor_loss[column + lane] / (square * square);
        }
        for (size_t lane = 0; !is_darcy && lane < width; lane++) {
            bend[first + lane] = bend_of(friction[column + lane]);
        }
        for (size_t lane = 0; is_darcy && lane < width; lane++) {
            set_factor(view, column + lane, first + lane);
        }
    }
}

GM_KERNEL static void water_pipes_open_1(const water_view *view)
{
    if (gm_water_work(view)->bend == NULL) {
        open_pipes(view, true, 1);
    } else {
        open_pipes(view, false, 1);
    }
}

GM_KERNEL static void water_pipes_open_8(const water_view *view)
{
    if (gm_water_work(view)->bend == NULL) {
        open_pipes(view, true, GM_LANES);
    } else {
        open_pipes(view, false, GM_LANES);
    }
}

void gm_water_pipes_open(const water_view *view)
{
    (view->width == 1 ? water_pipes_open_1 : water_pipes_open_8)(view);
}

GM_INLINE bool begin_pipes(const water_view *view, const size_t width)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    double *restrict flows = work->flow, *restrict resistances = work->resistance;
    uint64_t differs[GM_LANES] = { 0 };
    for (size_t edge = 0; edge < solver->edge_count; edge++) {
        const size_t first = edge * width, column = (size_t)solver->pipe[edge] * width;
        if (solver->pipe[edge] == WATER_NONE) {
            continue;
        }
        const double direction = solver->direction[edge];
        for (size_t lane = 0; lane < width; lane++) {
            double next = direction * view->pipe_flow[column + lane];
            double size = fabs(resistances[first + lane]);
            uint64_t closed = water_is_closed(view->pipe_status[column + lane]);
            double friction = closed != 0 ? -size : size;
            differs[lane] |= (uint64_t)(flows[first + lane] != next);
            differs[lane] |= (uint64_t)(resistances[first + lane] != friction);
            flows[first + lane] = next;
            resistances[first + lane] = friction;
        }
    }
    uint64_t any = 0;
    for (size_t lane = 0; lane < width; lane++) {
        any |= differs[lane];
    }
    return any != 0;
}

GM_KERNEL static bool water_pipes_begin_1(const water_view *view)
{
    return begin_pipes(view, 1);
}

GM_KERNEL static bool water_pipes_begin_8(const water_view *view)
{
    return begin_pipes(view, GM_LANES);
}

bool gm_water_pipes_begin(const water_view *view)
{
    return (view->width == 1 ? water_pipes_begin_1 : water_pipes_begin_8)(view);
}

GM_INLINE void store_pipes(const water_view *view, gm_lane_mask lanes, const size_t width)
{
    const water_solver *solver = view->net->solver;
    const double *restrict flows = gm_water_work(view)->flow;
    double *restrict columns = view->pipe_flow;
    double wanted[GM_LANES];
    for (size_t lane = 0; lane < width; lane++) {
        wanted[lane] = lanes >> lane & 1u ? 1.0 : 0.0;
    }
    for (size_t pipe = 0; pipe < view->net->pipe_count; pipe++) {
        const size_t column = pipe * width, edge = solver->edge[pipe];
        for (size_t lane = 0; lane < width; lane++) {
            double flow = solver->direction[edge] * flows[edge * width + lane];
            columns[column + lane] = wanted[lane] > 0.0 ? flow : columns[column + lane];
        }
    }
}

GM_KERNEL static void water_pipes_store_1(const water_view *view, gm_lane_mask lanes)
{
    store_pipes(view, lanes, 1);
}

GM_KERNEL static void water_pipes_store_8(const water_view *view, gm_lane_mask lanes)
{
    store_pipes(view, lanes, GM_LANES);
}

void gm_water_pipes_store(const water_view *view, gm_lane_mask lanes)
{
    (view->width == 1 ? water_pipes_store_1 : water_pipes_store_8)(view, lanes);
}

// ---- head loss ----

/// What a law takes of one pipe in one lane.
typedef struct pipe_terms {
    double flow, resistance, minor;            // resistance negative: closed
    double bend;                               // Hazen-Williams, Chezy-Manning
    double viscous, rough, factor_a, factor_b; // Darcy-Weisbach
} pipe_terms;

/// Adds minor loss to friction, which is secant x flow; or puts a closed pipe in their place.
GM_INLINE water_loss loss_of(pipe_terms pipe, double secant, double gradient)
{
    double size = fabs(pipe.flow);
    double line = secant + pipe.minor * size;
    double slope = gradient + 2.0 * pipe.minor * size;
    line = pipe.resistance < 0.0 ? WATER_GRADIENT_CLOSED : line;
    slope = pipe.resistance < 0.0 ? WATER_GRADIENT_CLOSED : slope;
    return (water_loss){ .loss_m = line * pipe.flow, .gradient = slope };
}

/// x to the power of an exponent, for normal positive x and results: gm_power of half the work, to
/// 1e-10, which no flow notices. Polynomials are evaluated by halves: a pass over pipes waits for
/// the longest chain. Coefficients: best fits of 2 atanh(s) / (s ln 2) over s^2 and of 2^f.
GM_INLINE double brief_power(double x, double exponent)
{
    const uint64_t one = UINT64_C(0x3ff0000000000000), half_root = UINT64_C(0x3fe6a09e667f3bcd);
    const uint64_t two_52 = UINT64_C(0x4330000000000000), mantissa = UINT64_C(0x000fffffffffffff);
    uint64_t moved = gm_power_bits(x) + (one - half_root);
    double k = gm_power_double((moved >> 52) | two_52) - (0x1p52 + 1023.0);
    double m = gm_power_double((moved & mantissa) + half_root);
    double s = (m - 1.0) / (m + 1.0), z = s * s, zz = z * z;
    double low = 0x1.71547652bed13p+1 + 0x1.ec709d13c0821p-1 * z;
    double high = (0x1.27777f461993ep-1 + 0x1.a58dceca72ce8p-2 * z) + 0x1.5ce39e0f72792p-2 * zz;
    double y = exponent * (k + s * (low + high * zz));
    double sum = y + GM_POWER_ROUND;
    double f = y - (sum - GM_POWER_ROUND), ff = f * f, ffff = ff * ff;
    double a = 0x1.ffffffffa7135p-1 + 0x1.62e42fef9cc69p-1 * f;
    double b = 0x1.ebfbe0aa03df0p-3 + 0x1.c6b08da70cce3p-5 * f;
    double c = 0x1.3b29d8bb0b97ep-7 + 0x1.5d877598350dep-10 * f;
    double d = 0x1.446c79efd4834p-13 + 0x1.00c0e4e15189cp-16 * f;
    double part = (a + b * ff) + (c + d * ff) * ffff;
    return part * gm_power_double(gm_power_bits(sum) << 52);
}

GM_INLINE water_loss power_loss(pipe_terms pipe, double exponent)
{
    double square = pipe.flow * pipe.flow;
    double sum = square + pipe.bend;
    double scale = pipe.resistance * brief_power(sum, 0.5 * exponent - 1.5);
    return loss_of(pipe, scale * sum, scale * (sum + (exponent - 1.0) * square));
}

GM_INLINE water_loss darcy_loss(pipe_terms pipe)
{
    double size = fabs(pipe.flow);
    double reynolds = size / pipe.viscous;
    double part = swamee * gm_power(reynolds, -0.9), sum = pipe.rough + part;
    double root = jain * gm_log(sum), factor = 1.0 / (root * root);
    double slope = 1.8 * factor * part * jain / (sum * root); // x flow
    double a = pipe.factor_a, b = pipe.factor_b, r = reynolds / laminar_most;
    double c1 = 7.0 * a - b, c2 = 0.128 - 17.0 * a + 2.5 * b;
    double c3 = -0.128 + 13.0 * a - 2.0 * b, c4 = 0.032 - 3.0 * a + 0.5 * b;
    bool turbulent = reynolds >= turbulent_least, laminar = reynolds <= laminar_most;
    factor = turbulent ? factor : c1 + r * (c2 + r * (c3 + r * c4));
    slope = turbulent ? slope : r * (c2 + r * (2.0 * c3 + r * 3.0 * c4));
    double still = 16.0 * M_PI * pipe.viscous * pipe.resistance;
    double moving = pipe.resistance * size;
    return loss_of(pipe, laminar ? still : factor * moving,
                   laminar ? still : (2.0 * factor + slope) * moving);
}

GM_INLINE water_loss pipe_loss(pipe_terms pipe, double exponent, const bool is_darcy)
{
    return is_darcy ? darcy_loss(pipe) : power_loss(pipe, exponent);
}

// ---- the pass ----

static double exponent_of(const water_view *view)
{
    return view->net->plan->formula == HAZEN_WILLIAMS ? hazen_exponent : manning_exponent;
}

/// The sums of a pass, kept apart by the number of an edge in its bundle.
typedef struct pass_sums {
    double relax[WATER_BUNDLE * GM_LANES], moved[WATER_BUNDLE * GM_LANES];
    double total[WATER_BUNDLE * GM_LANES], most[WATER_BUNDLE * GM_LANES];
    double fall[WATER_BUNDLE * GM_LANES]; // of the bundle's heads
    double exponent;
} pass_sums;

/// Moves the edges of a bundle by the heads they fall through, and linearises them anew.
GM_INLINE void move_bundle(const water_work *work, size_t first, pass_sums *restrict sums,
                           const bool is_darcy, const size_t width)
{
    const size_t at = first * width;
    double *restrict flow = work->flow + at, *restrict shift = work->shift + at;
    double *restrict conductance = work->conductance + at;
    const double *restrict resistance = work->resistance + at, *restrict minor = work->minor + at;
    const double *restrict bend = is_darcy ? minor : work->bend + at;
    const double *restrict viscous = is_darcy ? work->viscous + at : minor;
    const double *restrict rough = is_darcy ? work->rough + at : minor;
    const double *restrict factor_a = is_darcy ? work->factor_a + at : minor;
    const double *restrict factor_b = is_darcy ? work->factor_b + at : minor;
    WATER_APART
    for (size_t k = 0; k < WATER_BUNDLE * width; k++) {
        double change = sums->relax[k] * (conductance[k] * sums->fall[k] - shift[k] - flow[k]);
        change = sums->relax[k] > 0.0 ? change : 0.0; // whatever a lane at rest made of its heads
        double now = flow[k] + change, size = fabs(change);
        flow[k] = now;
        sums->moved[k] += size;
        sums->total[k] += fabs(now);
        sums->most[k] = size > sums->most[k] ? size : sums->most[k];
        pipe_terms pipe = { now,        resistance[k], minor[k],    bend[k],
                            viscous[k], rough[k],      factor_a[k], factor_b[k] };
        water_loss loss = pipe_loss(pipe, sums->exponent, is_darcy);
        double inverse = 1.0 / loss.gradient;
        conductance[k] = inverse;
        shift[k] = loss.loss_m * inverse - now;
    }
}

/// A value of each edge of a bundle.
typedef double bundle __attribute__((vector_size(WATER_BUNDLE * sizeof(double))));

/// Heads that the edges of a bundle fall through.
GM_INLINE void fall_bundle(const water_solver *solver, const double *restrict head, size_t first,
                           double *restrict fall, const size_t width)
{
    const uint32_t *restrict from = solver->from + first, *restrict to = solver->to + first;
    if (width == 1) { // built in registers: a vector loaded from eight stores would wait for them
        bundle above = { head[from[0]], head[from[1]], head[from[2]], head[from[3]],
                         head[from[4]], head[from[5]], head[from[6]], head[from[7]] };
        bundle below = { head[to[0]], head[to[1]], head[to[2]], head[to[3]],
                         head[to[4]], head[to[5]], head[to[6]], head[to[7]] };
        above -= below;
        memcpy(fall, &above, sizeof above);
        return;
    }
    for (size_t in = 0; in < WATER_BUNDLE; in++) {
        const double *above = head + from[in] * width, *below = head + to[in] * width;
        for (size_t lane = 0; lane < width; lane++) {
            fall[in * width + lane] = above[lane] - below[lane];
        }
    }
}

GM_INLINE void move_pipes(const water_view *view, water_motion *motion, const bool is_darcy,
                          const size_t width)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    const double *restrict head = work->head;
    pass_sums sums = { .exponent = exponent_of(view) };
    for (size_t k = 0; k < WATER_BUNDLE * width; k++) {
        sums.relax[k] = motion->relax[k % width];
    }
    for (size_t first = 0; first < solver->edge_count; first += WATER_BUNDLE) {
        fall_bundle(solver, head, first, sums.fall, width);
        move_bundle(work, first, &sums, is_darcy, width);
    }
    for (size_t lane = 0; lane < width; lane++) {
        motion->moved[lane] = motion->total[lane] = motion->most[lane] = 0.0;
    }
    for (size_t k = 0; k < WATER_BUNDLE * width; k++) {
        motion->moved[k % width] += sums.moved[k];
        motion->total[k % width] += sums.total[k];
        motion->most[k % width] = fmax(motion->most[k % width], sums.most[k]);
    }
}

GM_KERNEL static void water_pipes_power_1(const water_view *view, water_motion *motion)
{
    move_pipes(view, motion, false, 1);
}

GM_KERNEL static void water_pipes_power_8(const water_view *view, water_motion *motion)
{
    move_pipes(view, motion, false, GM_LANES);
}

GM_KERNEL static void water_pipes_darcy_1(const water_view *view, water_motion *motion)
{
    move_pipes(view, motion, true, 1);
}

GM_KERNEL static void water_pipes_darcy_8(const water_view *view, water_motion *motion)
{
    move_pipes(view, motion, true, GM_LANES);
}

void gm_water_pipes_move(const water_view *view, water_motion *motion)
{
    bool is_darcy = view->net->plan->formula == DARCY_WEISBACH;
    if (view->width == 1) {
        (is_darcy ? water_pipes_darcy_1 : water_pipes_power_1)(view, motion);
    } else {
        (is_darcy ? water_pipes_darcy_8 : water_pipes_power_8)(view, motion);
    }
}

void gm_water_pipe_set(const water_view *view, size_t pipe, int lane)
{
    water_work *work = gm_water_work(view);
    bool is_darcy = work->bend == NULL;
    double exponent = exponent_of(view);
    size_t at = view->net->solver->edge[pipe] * work->width + (size_t)lane;
    bool closed = water_is_closed(view->pipe_status[pipe * work->width + (size_t)lane]);
    work->resistance[at] = closed ? -fabs(work->resistance[at]) : fabs(work->resistance[at]);
    pipe_terms terms = { .flow = work->flow[at],
                         .resistance = work->resistance[at],
                         .minor = work->minor[at] };
    if (!is_darcy) {
        terms.bend = work->bend[at];
    } else {
        terms.viscous = work->viscous[at];
        terms.rough = work->rough[at];
        terms.factor_a = work->factor_a[at];
        terms.factor_b = work->factor_b[at];
    }
    water_loss loss = pipe_loss(terms, exponent, is_darcy);
    work->conductance[at] = 1.0 / loss.gradient;
    work->shift[at] = loss.loss_m * (1.0 / loss.gradient) - work->flow[at];
}
