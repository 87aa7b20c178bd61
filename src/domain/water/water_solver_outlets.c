// Outflow of junctions that depends on pressure: emitters, leaks, pressure-driven demand.
//
// Each is a link to the air whose law is turned around, pressure as a function of flow:
//
//     pressure - offset = span (flow / capacity)^exponent
//
// emitters   capacity: flow at one metre; exponent 1 / the file's
// holes      FAVAD, constant area A: flow = C A sqrt(p)
// cracks     FAVAD, area m p: flow = C m p^1.5, with C = 0.6 sqrt(2 g). A pipe's leaks are shared
//            between its ends; a tank or reservoir at one end leaves them to the other.
// consumers  Wagner's law: flow = demand ((p - minimum) / (required - minimum))^e, within 0 and
//            the demand
//
// Bounds are walls: very steep laws added where a flow would pass them.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), sections 12.1.5-12.1.6;
// Cassa, van Zyl, Laubscher, Water SA 36 (2010) 109-120 (FAVAD).
#include <math.h>
#include <string.h>

#include "domain/water/water_solver_parts.h"
#include "num/power.h"

// EPANET's 0.6 sqrt(2 g), of feet
static const double orifice = 4.8149766 * 0.55208694968691; // sqrt(0.3048 m / ft)
static const double wall = 0.5e9 * WATER_FOOT_M / WATER_CUBIC_FOOT_M3,
                    wall_round_m = 0.5e-3 * WATER_FOOT_M;
static const double start_emission = WATER_CUBIC_FOOT_M3,
                    start_leakage = 1e-3 * WATER_CUBIC_FOOT_M3;
static const double flow_least = 1e-15;
static const double change_most = 0.4; // of a demand, in one iteration

/// Adds a wall that rises steeply where flow - bound goes beyond zero in the direction of `sign`.
GM_INLINE water_loss with_wall(water_loss law, double beyond, double sign)
{
    double a = wall * beyond, b = sqrt(a * a + wall_round_m * wall_round_m);
    return (water_loss){ .loss_m = law.loss_m + a + sign * b,
                         .gradient = law.gradient + wall * (1.0 + sign * a / b) };
}

static water_loss outlet_loss(const water_outlets *outlets, size_t at)
{
    double flow = outlets->flow[at], capacity = outlets->capacity[at];
    double share = fmax(fabs(flow), flow_least) / capacity;
    double exponent = outlets->exponent;
    double gradient = exponent * outlets->span_m / capacity * gm_power(share, exponent - 1.0);
    bool flat = gradient < WATER_GRADIENT_LEAST;
    double slope = flat ? WATER_GRADIENT_LEAST / exponent : gradient / exponent;
    water_loss law = { .loss_m = slope * flow, .gradient = flat ? slope : gradient };
    law = outlets->bounded_below ? with_wall(law, flow, -1.0) : law;
    return outlets->bounded_above ? with_wall(law, flow - capacity, 1.0) : law;
}

// ---- which there are ----

/// Lists the junctions with a capacity above 0 in any lane, of [junction_count][width] by spot.
static void list_outlets(const water_view *view, water_outlet_kind kind, const double *capacity)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    water_outlets *outlets = &work->outlets[kind];
    size_t width = work->width;
    outlets->count = 0;
    for (uint32_t spot = 0; spot < solver->junction_count; spot++) {
        double most = 0.0;
        for (size_t lane = 0; lane < width; lane++) {
            most = fmax(most, capacity[spot * width + lane]);
        }
        if (most > 0.0) {
            memcpy(outlets->capacity + outlets->count * width, capacity + spot * width,
                   width * sizeof *capacity);
            outlets->spot[outlets->count++] = spot;
        }
    }
}

/// Leaks of all pipes, shared among junctions: into capacity, [junction_count][width] by spot.
static void share_leaks(const water_view *view, const double *leak, double *capacity)
{
    const water_net *net = view->net;
    size_t width = (size_t)view->width;
    memset(capacity, 0, net->junction_count * width * sizeof *capacity);
    for (size_t pipe = 0; pipe < net->pipe_count; pipe++) {
        uint32_t ends[2] = { net->ends[pipe].from, net->ends[pipe].to };
        bool both = ends[0] < net->junction_count && ends[1] < net->junction_count;
        for (size_t end = 0; end < 2; end++) {
            if (ends[end] >= net->junction_count) {
                continue;
            }
            double *share = capacity + net->solver->spot[ends[end]] * width;
            for (size_t lane = 0; lane < width; lane++) {
                share[lane] += (both ? 0.5 : 1.0) * orifice * leak[pipe * width + lane];
            }
        }
    }
}

GM_KERNEL static bool water_any_above_zero(const double *values, size_t count)
{
    uint64_t above[GM_LANES] = { 0 };
    size_t at = 0;
    for (; count - at >= GM_LANES; at += GM_LANES) {
        for (size_t in = 0; in < GM_LANES; in++) {
            above[in] |= (uint64_t)(values[at + in] > 0.0);
        }
    }
    uint64_t any = 0;
    for (; at < count; at++) {
        any |= (uint64_t)(values[at] > 0.0);
    }
    for (size_t in = 0; in < GM_LANES; in++) {
        any |= above[in];
    }
    return any != 0;
}

static void set_laws(const water_view *view)
{
    const water_plan *plan = view->net->plan;
    water_outlets *outlets = gm_water_work(view)->outlets;
    outlets[WATER_EMITTERS].exponent = 1.0 / plan->emitter_exponent;
    outlets[WATER_EMITTERS].bounded_below = !plan->emitters_backflow;
    outlets[WATER_HOLES].exponent = 2.0;
    outlets[WATER_CRACKS].exponent = 2.0 / 3.0;
    outlets[WATER_CONSUMERS].exponent = 1.0 / plan->pressure_exponent;
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        outlets[kind].span_m = 1.0;
        outlets[kind].offset_m = 0.0;
        if (kind != WATER_EMITTERS) {
            outlets[kind].bounded_below = outlets[kind].is_checked = true;
        }
    }
    outlets[WATER_CONSUMERS].span_m = plan->required_pressure_m - plan->minimum_pressure_m;
    outlets[WATER_CONSUMERS].offset_m = plan->minimum_pressure_m;
    outlets[WATER_CONSUMERS].bounded_above = true;
}

void gm_water_outlets_open(const water_view *view)
{
    const water_net *net = view->net;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    double *capacity = work->diagonal; // free until the first iteration
    set_laws(view);
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        work->outlets[kind].count = 0;
    }
    if (water_any_above_zero(view->emitter, net->junction_count * width)) {
        for (size_t at = 0; at < net->junction_count * width; at++) {
            capacity[at] = view->emitter[net->solver->junction[at / width] * width + at % width];
        }
        list_outlets(view, WATER_EMITTERS, capacity);
    }
    if (water_any_above_zero(view->leak_area, net->pipe_count * width)) {
        share_leaks(view, view->leak_area, capacity);
        list_outlets(view, WATER_HOLES, capacity);
    }
    if (water_any_above_zero(view->leak_growth, net->pipe_count * width)) {
        share_leaks(view, view->leak_growth, capacity);
        list_outlets(view, WATER_CRACKS, capacity);
    }
}

// ---- from and to the columns ----

/// The column that an outlet's flow lives in.
static double *column_of(const water_view *view, int kind)
{
    double *const columns[WATER_OUTLET_KINDS] = {
        [WATER_EMITTERS] = view->emission,
        [WATER_HOLES] = view->hole_leakage,
        [WATER_CRACKS] = view->crack_leakage,
        [WATER_CONSUMERS] = view->consumption,
    };
    return columns[kind];
}

/// Pressure-driven demands of an instant start full; what is not positive is no outlet.
static void begin_consumers(const water_view *view)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    water_outlets *consumers = &work->outlets[WATER_CONSUMERS];
    size_t width = work->width;
    list_outlets(view, WATER_CONSUMERS, work->demand);
    memcpy(consumers->flow, consumers->capacity, consumers->count * width * sizeof(double));
    for (size_t at = 0; at < solver->junction_count * width; at++) {
        work->demand[at] = work->demand[at] > 0.0 ? 0.0 : work->demand[at];
    }
}

void gm_water_outlets_begin(const water_view *view)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (int kind = WATER_EMITTERS; kind < WATER_CONSUMERS; kind++) {
        water_outlets *outlets = &work->outlets[kind];
        double start = kind == WATER_EMITTERS ? start_emission : start_leakage;
        const double *column = column_of(view, kind);
        for (size_t at = 0; at < outlets->count * width; at++) {
            double flow = column[solver->junction[outlets->spot[at / width]] * width + at % width];
            outlets->flow[at] = outlets->capacity[at] > 0.0 ? (flow != 0.0 ? flow : start) : 0.0;
        }
    }
    work->outlets[WATER_CONSUMERS].count = 0;
    if (view->net->plan->pressure_driven) {
        begin_consumers(view);
    }
}

/// Columns without outlets hold nothing, or the demand that does not depend on pressure.
static void store_none(const water_view *view, int kind, gm_lane_mask lanes)
{
    const double *demand = kind == WATER_CONSUMERS ? gm_water_work(view)->demand : NULL;
    gm_water_rows_store(view, demand, column_of(view, kind), lanes);
}

void gm_water_outlets_store(const water_view *view, gm_lane_mask lanes)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        water_outlets *outlets = &work->outlets[kind];
        double *column = column_of(view, kind);
        if (kind == WATER_CONSUMERS || (outlets->stored & lanes) != lanes) {
            store_none(view, kind, lanes);
            outlets->stored |= lanes;
        }
        for (size_t at = 0; at < outlets->count * width; at++) {
            if (lanes >> at % width & 1u && outlets->capacity[at] > 0.0) {
                column[solver->junction[outlets->spot[at / width]] * width + at % width] =
                    outlets->flow[at];
            }
        }
    }
}

// ---- an iteration ----

void gm_water_outlets_linearise(const water_view *view)
{
    water_work *work = gm_water_work(view);
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        water_outlets *outlets = &work->outlets[kind];
        for (size_t at = 0; at < outlets->count * work->width; at++) {
            bool there = outlets->capacity[at] > 0.0;
            water_loss loss = outlet_loss(outlets, at);
            double inverse = 1.0 / loss.gradient;
            outlets->conductance[at] = there ? inverse : 0.0;
            outlets->shift[at] = there ? loss.loss_m * inverse - outlets->flow[at] : 0.0;
        }
    }
}

/// The head at which an outlet would begin to flow.
static double sill(const water_view *view, const water_outlets *outlets, size_t at)
{
    size_t width = (size_t)view->width;
    size_t node = view->net->solver->junction[outlets->spot[at / width]];
    return view->elevation[node * width + at % width] + outlets->offset_m;
}

void gm_water_outlets_assemble(const water_view *view)
{
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        const water_outlets *outlets = &work->outlets[kind];
        for (size_t at = 0; at < outlets->count * width; at++) {
            size_t index = outlets->spot[at / width] * width + at % width;
            work->diagonal[index] += outlets->conductance[at];
            work->head[index] +=
                outlets->shift[at] + outlets->conductance[at] * sill(view, outlets, at);
        }
    }
}

void gm_water_outlets_move(const water_view *view, water_motion *motion)
{
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        water_outlets *outlets = &work->outlets[kind];
        for (size_t at = 0; at < outlets->count * width; at++) {
            size_t lane = at % width;
            if (!(motion->relax[lane] > 0.0)) {
                continue;
            }
            double above =
                work->head[outlets->spot[at / width] * width + lane] - sill(view, outlets, at);
            double wanted = outlets->conductance[at] * above - outlets->shift[at];
            double change = motion->relax[lane] * (wanted - outlets->flow[at]);
            double most = change_most * outlets->capacity[at];
            change = kind == WATER_CONSUMERS ? fmax(fmin(change, most), -most) : change;
            outlets->flow[at] += change;
            motion->moved[lane] += fabs(change);
            motion->total[lane] += fabs(outlets->flow[at]);
            motion->most[lane] = fmax(motion->most[lane], fabs(change));
        }
    }
}

gm_lane_mask gm_water_outlets_astray(const water_view *view, gm_lane_mask lanes)
{
    const water_work *work = gm_water_work(view);
    size_t width = work->width;
    unsigned astray = 0;
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        const water_outlets *outlets = &work->outlets[kind];
        for (size_t at = 0; outlets->is_checked && at < outlets->count * width; at++) {
            unsigned lane = 1u << at % width;
            if ((lanes & lane) == 0 || !(outlets->capacity[at] > 0.0)) {
                continue;
            }
            double above = work->head[outlets->spot[at / width] * width + at % width] -
                           sill(view, outlets, at);
            double share = gm_power(fmax(above, 0.0) / outlets->span_m, 1.0 / outlets->exponent);
            share = outlets->bounded_above ? fmin(share, 1.0) : share;
            double error = fabs(share * outlets->capacity[at] - outlets->flow[at]);
            astray |= error <= WATER_FLOW_TOLERANCE ? 0u : lane;
        }
    }
    return (gm_lane_mask)astray;
}
