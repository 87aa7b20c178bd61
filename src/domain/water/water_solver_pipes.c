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
// where friction turns linear; the digits of the loss decide a tie of Net6 (docs/water.md)
static const double bend_flow_m3_s = 1e-7, slip_loss_m = 1.2e-7;
static const double slip_most_m3_s = 1e9;               // of a pipe that resists nothing
static const double gravity_m_s2 = 32.2 * WATER_FOOT_M; // EPANET's

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
    work->fluid[at] = 1.0 / (view->net->plan->viscosity_m2_s * diameter_m);
    work->roughness[at] = rough;
    work->factor_a[at] = factor;
    work->factor_b[at] = (2.0 + edge_slope / (sum * root)) * factor;
}

/// The flow that slip_loss_m drives through a resistance; below it friction turns linear, so that
/// where a pipe hardly resists flows do not drown in what heads are rounded by.
GM_INLINE double slip_of(double resistance)
{
    double slip = slip_loss_m / resistance;
    return slip < slip_most_m3_s ? slip : slip_most_m3_s;
}

/// An edge that is no pipe: closed for good.
static void set_idle(water_work *work, size_t at)
{
    work->slip[at] = -1.0;
    work->minor[at] = work->flow[at] = 0.0;
    if (work->fluid != NULL) {
        work->fluid[at] = work->roughness[at] = 1.0;
        work->factor_a[at] = work->factor_b[at] = 1.0;
    }
}

GM_INLINE void open_pipes(const water_view *view, const bool is_darcy, const size_t width)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    const double *restrict friction = view->resistance, *restrict diameter = view->diameter;
    const double *restrict minor_loss = view->minor_loss;
    double *restrict slip = work->slip, *restrict minor = work->minor;
    memset(work->rough, 0, solver->edge_count / WATER_BUNDLE);
    for (size_t edge = 0; edge < solver->edge_count; edge++) {
        const size_t first = edge * width, column = (size_t)solver->pipe[edge] * width;
        for (size_t lane = 0; solver->pipe[edge] == WATER_NONE && lane < width; lane++) {
            set_idle(work, first + lane);
        }
        if (solver->pipe[edge] == WATER_NONE) {
            continue;
        }
        for (size_t lane = 0; lane < width; lane++) {
            slip[first + lane] = slip_of(friction[column + lane]);
            minor[first + lane] = 0.0;
            if (minor_loss[column + lane] != 0.0) {
                double square = diameter[column + lane] * diameter[column + lane];
                minor[first + lane] =
                    WATER_MINOR_FACTOR * minor_loss[column + lane] / (square * square);
                work->rough[edge / WATER_BUNDLE] = 1;
            }
        }
        for (size_t lane = 0; is_darcy && lane < width; lane++) {
            set_factor(view, column + lane, first + lane);
        }
    }
}

GM_KERNEL static void water_pipes_open_1(const water_view *view)
{
    if (gm_water_work(view)->fluid != NULL) {
        open_pipes(view, true, 1);
    } else {
        open_pipes(view, false, 1);
    }
}

GM_KERNEL static void water_pipes_open_8(const water_view *view)
{
    if (gm_water_work(view)->fluid != NULL) {
        open_pipes(view, true, GM_LANES);
    } else {
        open_pipes(view, false, GM_LANES);
    }
}

void gm_water_pipes_open(const water_view *view)
{
    (view->width == 1 ? water_pipes_open_1 : water_pipes_open_8)(view);
}

GM_INLINE void begin_pipes(const water_view *view, const size_t width)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    double *restrict flows = work->flow, *restrict slips = work->slip;
    for (size_t edge = 0; edge < solver->edge_count; edge++) {
        const size_t first = edge * width, column = (size_t)solver->pipe[edge] * width;
        if (solver->pipe[edge] == WATER_NONE) {
            continue;
        }
        const double direction = solver->direction[edge];
        for (size_t lane = 0; lane < width; lane++) {
            double slip = fabs(slips[first + lane]);
            bool closed = water_is_closed(view->pipe_status[column + lane]);
            flows[first + lane] = direction * view->pipe_flow[column + lane];
            slips[first + lane] = closed ? -slip : slip;
        }
    }
}

GM_KERNEL static void water_pipes_begin_1(const water_view *view)
{
    begin_pipes(view, 1);
}

GM_KERNEL static void water_pipes_begin_8(const water_view *view)
{
    begin_pipes(view, GM_LANES);
}

void gm_water_pipes_begin(const water_view *view)
{
    (view->width == 1 ? water_pipes_begin_1 : water_pipes_begin_8)(view);
    size_t count = view->net->pipe_count * (size_t)view->width;
    memcpy(gm_water_work(view)->seen, view->pipe_status, count);
}

void gm_water_pipes_turn(const water_view *view)
{
    const uint8_t *seen = gm_water_work(view)->seen;
    size_t width = (size_t)view->width, count = view->net->pipe_count * width;
    bool same = memcmp(view->pipe_status, seen, count) == 0;
    for (size_t at = 0; !same && at < count; at++) {
        if (view->pipe_status[at] != seen[at]) {
            gm_water_pipe_set(view, at / width, (int)(at % width));
        }
    }
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

/// What the pass over pipes takes of their formula.
typedef struct pipe_law {
    const gm_power_table *power, *log;
    double excess; // Hazen-Williams, Chezy-Manning: n - 1
} pipe_law;

/// What a law takes of one pipe in one lane.
typedef struct pipe_terms {
    double flow, slip;                           // slip negative: closed
    double fluid, roughness, factor_a, factor_b; // Darcy-Weisbach
} pipe_terms;

/// The line that touches a law: new flow = conductance x fall of head - shift.
typedef struct pipe_line {
    double conductance, shift;
} pipe_line;

/// With x = q^2 + s^2 the loss R q x^((n-1)/2) has the slope R x^((n-3)/2) (x + (n - 1) q^2).
GM_INLINE pipe_line power_line(pipe_law law, pipe_terms pipe)
{
    double square = pipe.flow * pipe.flow;
    double sum = square + (bend_flow_m3_s * bend_flow_m3_s + pipe.slip * pipe.slip);
    double curve = law.excess * square, inverse = 1.0 / (sum + curve);
    double slip = (1.0 / slip_loss_m) * pipe.slip;
    return (pipe_line){ .conductance = slip * gm_power_at(law.power, sum) * inverse,
                        .shift = -(curve * pipe.flow * inverse) };
}

/// Turbulent, the factor is f = 1 / root^2 with root = jain ln(sum), sum = roughness + part and
/// part = swamee Re^-0.9; its slope x flow 1.8 jain f part / (root sum). Between, both are Dunlop's
/// polynomials. One division serves either.
GM_INLINE pipe_line darcy_line(pipe_law law, pipe_terms pipe)
{
    double size = fabs(pipe.flow), reynolds = size * pipe.fluid;
    bool turbulent = reynolds >= turbulent_least, laminar = reynolds <= laminar_most;
    double part = swamee * gm_power_at(law.power, reynolds), sum = pipe.roughness + part;
    double root = jain * gm_log_at(law.log, sum), product = root * sum;
    double a = pipe.factor_a, b = pipe.factor_b, r = reynolds * (1.0 / laminar_most);
    double c1 = 7.0 * a - b, c2 = 0.128 - 17.0 * a + 2.5 * b;
    double c3 = -0.128 + 13.0 * a - 2.0 * b, c4 = 0.032 - 3.0 * a + 0.5 * b;
    double factor = c1 + r * (c2 + r * (c3 + r * c4));
    double slope = r * (c2 + r * (2.0 * c3 + r * 3.0 * c4));
    // chosen by arithmetic: compilers give either side a division of its own
    double full = turbulent ? 1.0 : 0.0, partly = 1.0 - full;
    double steep = full * (2.0 * product + 1.8 * jain * part) + partly * (2.0 * factor + slope);
    double inverse = 1.0 / (steep * size);
    double ease = (full * (product * (root * root)) + partly) * inverse;
    double share = (full * product + partly * factor) * (size * inverse);
    double slip = (1.0 / slip_loss_m) * pipe.slip;
    return (pipe_line){ .conductance = slip * (laminar ? pipe.fluid * (1.0 / (16.0 * M_PI)) : ease),
                        .shift = laminar ? 0.0 : share * pipe.flow - pipe.flow };
}

/// Adds a minor loss m q |q|; one of zero changes no bit.
GM_INLINE pipe_line with_minor(pipe_line line, double flow, double minor)
{
    double rise = minor * fabs(flow);
    double share = 1.0 / (1.0 + 2.0 * rise * line.conductance);
    double conductance = line.conductance * share;
    double more = (flow + line.shift) * (share - 1.0) + rise * flow * conductance;
    return (pipe_line){ .conductance = conductance, .shift = line.shift + more };
}

/// What a pipe is besides friction.
GM_INLINE pipe_line whole_line(pipe_line line, pipe_terms pipe, double minor, const bool is_rough)
{
    line = is_rough ? with_minor(line, pipe.flow, minor) : line;
    line.conductance = pipe.slip < 0.0 ? 1.0 / WATER_GRADIENT_CLOSED : line.conductance;
    line.shift = pipe.slip < 0.0 ? 0.0 : line.shift;
    return line;
}

/// The line of one pipe in one lane, at its present flow.
GM_INLINE pipe_line line_at(const water_work *work, pipe_law law, size_t at, const bool is_darcy)
{
    pipe_terms pipe = { .flow = work->flow[at], .slip = work->slip[at] };
    if (is_darcy) {
        pipe.fluid = work->fluid[at];
        pipe.roughness = work->roughness[at];
        pipe.factor_a = work->factor_a[at];
        pipe.factor_b = work->factor_b[at];
    }
    pipe_line line = is_darcy ? darcy_line(law, pipe) : power_line(law, pipe);
    return whole_line(line, pipe, work->minor[at], true);
}

// ---- the pass ----

void gm_water_pipes_tables(water_solver *solver, gm_power_table *tables)
{
    water_formula formula = solver->net->plan->formula;
    double exponent = formula == HAZEN_WILLIAMS ? hazen_exponent : manning_exponent;
    gm_power_table_fill(&tables[0], formula == DARCY_WEISBACH ? -0.9 : 1.5 - 0.5 * exponent);
    gm_log_table_fill(&tables[1]);
    solver->power = &tables[0];
    solver->log = &tables[1];
}

static pipe_law law_of(const water_view *view)
{
    const water_solver *solver = view->net->solver;
    bool is_hazen = view->net->plan->formula == HAZEN_WILLIAMS;
    return (pipe_law){ .power = solver->power,
                       .log = solver->log,
                       .excess = (is_hazen ? hazen_exponent : manning_exponent) - 1.0 };
}

/// The sums of a pass, kept apart by the number of an edge in its bundle.
typedef struct pass_sums {
    double relax[WATER_BUNDLE * GM_LANES], moved[WATER_BUNDLE * GM_LANES];
    double total[WATER_BUNDLE * GM_LANES], most[WATER_BUNDLE * GM_LANES];
    double fall[WATER_BUNDLE * GM_LANES]; // of the bundle's heads
    pipe_law law;
} pass_sums;

/// What a bundle of edges is like.
typedef enum bundle_kind { SMOOTH = 0, ROUGH, DARCY_SMOOTH, DARCY_ROUGH } bundle_kind;

/// Moves the edges of a bundle by the heads they fall through, and linearises them anew.
GM_INLINE void move_bundle(const water_work *work, size_t first, pass_sums *restrict sums,
                           const bundle_kind kind, const size_t width)
{
    const bool is_rough = kind == ROUGH || kind == DARCY_ROUGH, is_darcy = kind >= DARCY_SMOOTH;
    const size_t at = first * width;
    double *restrict flow = work->flow + at, *restrict shift = work->shift + at;
    double *restrict conductance = work->conductance + at;
    const double *restrict slip = work->slip + at, *restrict minor = work->minor + at;
    const double *restrict fluid = is_darcy ? work->fluid + at : slip;
    const double *restrict roughness = is_darcy ? work->roughness + at : slip;
    const double *restrict factor_a = is_darcy ? work->factor_a + at : slip;
    const double *restrict factor_b = is_darcy ? work->factor_b + at : slip;
    const pipe_law law = sums->law;
    WATER_APART
    for (size_t k = 0; k < WATER_BUNDLE * width; k++) {
        double change = sums->relax[k] * (conductance[k] * sums->fall[k] - shift[k] - flow[k]);
        change = sums->relax[k] > 0.0 ? change : 0.0; // whatever a lane at rest made of its heads
        double now = flow[k] + change, size = fabs(change);
        flow[k] = now;
        sums->moved[k] += size;
        sums->total[k] += fabs(now);
        sums->most[k] = size > sums->most[k] ? size : sums->most[k];
        pipe_terms pipe = { now, slip[k], fluid[k], roughness[k], factor_a[k], factor_b[k] };
        pipe_line line = is_darcy ? darcy_line(law, pipe) : power_line(law, pipe);
        line = whole_line(line, pipe, is_rough ? minor[k] : 0.0, is_rough);
        conductance[k] = line.conductance;
        shift[k] = line.shift;
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
    pass_sums sums = { .law = law_of(view) };
    for (size_t k = 0; k < WATER_BUNDLE * width; k++) {
        sums.relax[k] = motion->relax[k % width];
    }
    size_t first = work->felled ? solver->core_edge : 0;
    for (; first < solver->edge_count; first += WATER_BUNDLE) {
        fall_bundle(solver, head, first, sums.fall, width);
        if (work->rough[first / WATER_BUNDLE]) {
            move_bundle(work, first, &sums, is_darcy ? DARCY_ROUGH : ROUGH, width);
        } else {
            move_bundle(work, first, &sums, is_darcy ? DARCY_SMOOTH : SMOOTH, width);
        }
    }
    for (size_t lane = 0; lane < width; lane++) {
        motion->moved[lane] = motion->most[lane] = 0.0;
        motion->total[lane] = work->felled ? work->tree_total[lane] : 0.0;
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

GM_INLINE void fell_pipes(const water_view *view, const bool is_darcy, const size_t width)
{
    const water_work *work = gm_water_work(view);
    const pipe_law law = law_of(view);
    WATER_APART
    for (size_t at = 0; at < view->net->solver->core_edge * width; at++) {
        pipe_line line = line_at(work, law, at, is_darcy);
        work->tree_loss[at] = (work->flow[at] + line.shift) / line.conductance;
        work->conductance[at] = 0.0;
        work->shift[at] = -work->flow[at];
    }
}

GM_KERNEL static void water_pipes_fell_1(const water_view *view)
{
    if (gm_water_work(view)->fluid != NULL) {
        fell_pipes(view, true, 1);
    } else {
        fell_pipes(view, false, 1);
    }
}

GM_KERNEL static void water_pipes_fell_8(const water_view *view)
{
    if (gm_water_work(view)->fluid != NULL) {
        fell_pipes(view, true, GM_LANES);
    } else {
        fell_pipes(view, false, GM_LANES);
    }
}

void gm_water_pipes_fell(const water_view *view)
{
    (view->width == 1 ? water_pipes_fell_1 : water_pipes_fell_8)(view);
}

void gm_water_pipe_set(const water_view *view, size_t pipe, int lane)
{
    water_work *work = gm_water_work(view);
    size_t at = view->net->solver->edge[pipe] * work->width + (size_t)lane;
    uint8_t status = view->pipe_status[pipe * work->width + (size_t)lane];
    double slip = fabs(work->slip[at]);
    work->seen[pipe * work->width + (size_t)lane] = status;
    work->slip[at] = water_is_closed(status) ? -slip : slip;
    pipe_line line = work->fluid != NULL ? line_at(work, law_of(view), at, true)
                                         : line_at(work, law_of(view), at, false);
    work->conductance[at] = line.conductance;
    work->shift[at] = line.shift;
}
