// The linear system of one iteration: for each junction, flows of its links by their new heads
// balance its demand. Each junction gathers from its edges in a fixed order; nothing is scattered
// but devices and outlets, which are few.
#include <string.h>

#include "domain/water/water_solver_parts.h"

// ---- from and to the columns ----

GM_INLINE void begin_nodes(const water_view *view, const size_t width)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    const double *restrict full = view->full_demand;
    double *restrict demand = work->demand;
    for (size_t spot = 0; spot < solver->junction_count; spot++) {
        for (size_t lane = 0; lane < width; lane++) {
            demand[spot * width + lane] = full[solver->junction[spot] * width + lane];
        }
    }
    memcpy(work->head + solver->junction_count * width, view->fixed_head,
           (solver->spot_count - solver->junction_count) * width * sizeof *work->head);
}

GM_KERNEL static void water_nodes_begin_1(const water_view *view)
{
    begin_nodes(view, 1);
}

GM_KERNEL static void water_nodes_begin_8(const water_view *view)
{
    begin_nodes(view, GM_LANES);
}

void gm_water_nodes_begin(const water_view *view)
{
    (view->width == 1 ? water_nodes_begin_1 : water_nodes_begin_8)(view);
}

GM_INLINE void store_rows(const water_view *view, const double *rows, double *column,
                          gm_lane_mask lanes, const size_t width)
{
    const water_solver *solver = view->net->solver;
    const bool all = lanes == (gm_lane_mask)((1u << width) - 1u);
    double wanted[GM_LANES];
    for (size_t lane = 0; lane < width; lane++) {
        wanted[lane] = lanes >> lane & 1u ? 1.0 : 0.0;
    }
    if (all && rows == NULL) {
        memset(column, 0, solver->junction_count * width * sizeof *column);
        return;
    }
    for (size_t junction = 0; all && junction < solver->junction_count; junction++) {
        memcpy(column + junction * width, rows + solver->spot[junction] * width,
               width * sizeof *column);
    }
    for (size_t junction = 0; !all && junction < solver->junction_count; junction++) {
        const size_t from = solver->spot[junction] * width, to = junction * width;
        for (size_t lane = 0; lane < width; lane++) {
            double value = rows != NULL ? rows[from + lane] : 0.0;
            column[to + lane] = wanted[lane] > 0.0 ? value : column[to + lane];
        }
    }
}

GM_KERNEL static void water_rows_store_1(const water_view *view, const double *rows, double *column,
                                         gm_lane_mask lanes)
{
    store_rows(view, rows, column, lanes, 1);
}

GM_KERNEL static void water_rows_store_8(const water_view *view, const double *rows, double *column,
                                         gm_lane_mask lanes)
{
    store_rows(view, rows, column, lanes, GM_LANES);
}

void gm_water_rows_store(const water_view *view, const double *rows, double *column,
                         gm_lane_mask lanes)
{
    (view->width == 1 ? water_rows_store_1 : water_rows_store_8)(view, rows, column, lanes);
}

// ---- the system ----

/// Rows of junctions: diagonal, and right-hand side where heads will stand. Without a branch: most
/// junctions have no more than two edges of either kind, and the row behind the last edge is zero.
GM_INLINE void gather_rows(const water_solver *solver, const water_work *work, const size_t width)
{
    const double *restrict gives = work->conductance, *restrict shift = work->shift;
    const double *restrict demand = work->demand;
    double *restrict diagonal = work->diagonal, *restrict right = work->head;
    for (size_t spot = work->felled ? solver->tree_count : 0; spot < solver->junction_count;
         spot++) {
        const water_near *near = &solver->near[spot];
        const size_t a = near->own[0] * width, b = near->own[1] * width;
        const size_t c = near->other[0] * width, d = near->other[1] * width;
        WATER_APART
        for (size_t lane = 0; lane < width; lane++) {
            diagonal[spot * width + lane] =
                (gives[a + lane] + gives[b + lane]) + (gives[c + lane] + gives[d + lane]);
            right[spot * width + lane] = (shift[a + lane] + shift[b + lane]) -
                                         (shift[c + lane] + shift[d + lane]) -
                                         demand[spot * width + lane];
        }
    }
    for (size_t at = 0; at < solver->more_count; at++) {
        const water_more *more = &solver->more[at];
        const size_t edge = more->edge * width, spot = more->spot * width;
        WATER_APART
        for (size_t lane = 0; lane < width; lane++) {
            diagonal[spot + lane] += gives[edge + lane];
            right[spot + lane] += more->sign * shift[edge + lane];
        }
    }
}

/// Entries below the diagonal.
GM_INLINE void set_lower(const water_solver *solver, const water_work *work, const size_t width)
{
    const double *restrict conductance = work->conductance;
    double *restrict lower = work->lower;
    for (size_t at = 0; at < solver->vacant_count; at++) {
        for (size_t lane = 0; lane < width; lane++) {
            lower[solver->vacant[at] * width + lane] = 0.0;
        }
    }
    for (size_t edge = work->felled ? solver->core_edge : 0; edge < solver->own_count; edge++) {
        for (size_t lane = 0; lane < width; lane++) {
            lower[solver->slot[edge] * width + lane] = -conductance[edge * width + lane];
        }
    }
    for (size_t at = 0; at < solver->twin_count; at++) {
        const size_t edge = solver->twin[at];
        for (size_t lane = 0; lane < width; lane++) {
            lower[solver->slot[edge] * width + lane] -= conductance[edge * width + lane];
        }
    }
}

/// What the heads of tanks and reservoirs give to their neighbours.
GM_INLINE void add_fixed(const water_solver *solver, const water_work *work, const size_t width)
{
    double *head = work->head;
    for (size_t at = 0; at < solver->fixed_count; at++) {
        const size_t edge = solver->fixed[at];
        const size_t from = solver->from[edge] * width, to = solver->to[edge] * width;
        for (size_t lane = 0; lane < width; lane++) {
            head[from + lane] += work->conductance[edge * width + lane] * head[to + lane];
        }
    }
}

GM_INLINE void assemble_pipes(const water_solver *solver, const water_work *work,
                              const size_t width)
{
    gather_rows(solver, work, width);
    set_lower(solver, work, width);
    add_fixed(solver, work, width);
}

GM_KERNEL static void water_matrix_1(const water_solver *solver, const water_work *work)
{
    assemble_pipes(solver, work, 1);
}

GM_KERNEL static void water_matrix_8(const water_solver *solver, const water_work *work)
{
    assemble_pipes(solver, work, GM_LANES);
}

/// Junctions that nothing joins with a source rest on their elevation, by what a closed pipe lets
/// through: then their pressures mean something when nothing is drawn.
static void ground_adrift(const water_view *view)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (size_t at = 0; at < solver->adrift_count * width; at++) {
        size_t spot = solver->adrift[at / width], lane = at % width;
        double elevation = view->elevation[solver->junction[spot] * width + lane];
        work->diagonal[spot * width + lane] += 1.0 / WATER_GRADIENT_CLOSED;
        work->head[spot * width + lane] += elevation / WATER_GRADIENT_CLOSED;
    }
}

gm_lane_mask gm_water_heads_solve(const water_view *view, gm_lane_mask lanes, uint32_t *bad)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    if (work->width == 1) {
        water_matrix_1(solver, work);
    } else {
        water_matrix_8(solver, work);
    }
    gm_water_outlets_assemble(view);
    ground_adrift(view);
    gm_water_devices_assemble(view, lanes);
    gm_symmetric_system system = { .diagonal = work->diagonal,
                                   .lower = work->lower,
                                   .right = work->head,
                                   .trailing = work->felled };
    gm_lane_mask failed = gm_symmetric_solve(solver->matrix, (int)work->width, system, bad);
    if (work->felled) {
        gm_water_trees_grow(view);
    }
    return failed & lanes;
}

static double outflow(const water_outlets *outlets, uint32_t spot, size_t lane, size_t width)
{
    size_t low = 0, high = outlets->count; // spots ascend
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (outlets->spot[middle] < spot) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < outlets->count && outlets->spot[low] == spot ? outlets->flow[low * width + lane]
                                                              : 0.0;
}

double gm_water_excess(const water_view *view, uint32_t spot, size_t without_device, int lane)
{
    const water_net *net = view->net;
    const water_work *work = gm_water_work(view);
    size_t count, width = work->width;
    const gm_incidence *incident =
        gm_network_incident(net->topology, net->solver->junction[spot], &count);
    double excess = -work->demand[spot * width + (size_t)lane];
    for (size_t at = 0; at < count; at++) {
        if (incident[at].link != net->pipe_count + without_device) {
            excess -=
                (double)incident[at].sign * gm_water_present_flow(view, incident[at].link, lane);
        }
    }
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        excess -= outflow(&work->outlets[kind], spot, (size_t)lane, width);
    }
    return excess;
}
