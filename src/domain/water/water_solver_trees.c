// Trees of a network: junctions that hang on the looped core by a single pipe, with all that hangs
// on them. Their flows are known before their heads are: forward through the spots demands are
// summed from the leaves to the core, backward heads are carried from the core to the leaves.
// Source: Simpson, Elhay, Alexander, Forest-core partitioning algorithm for speeding up analysis of
// water distribution systems, J. Water Resources Planning and Management 140 (2014) 435-443.
#include <math.h>
#include <string.h>

#include "domain/water/water_solver_parts.h"

size_t gm_water_tree_count(const water_net *net)
{
    return net->solver->tree_count;
}

/// Lanes in which something in a tree depends on pressure.
static unsigned lanes_with_outlets(const water_solver *solver, const water_work *work)
{
    unsigned with = 0;
    for (int kind = WATER_EMITTERS; kind < WATER_OUTLET_KINDS; kind++) {
        const water_outlets *outlets = &work->outlets[kind]; // spots ascend
        for (size_t at = 0; at < outlets->count && outlets->spot[at] < solver->tree_count; at++) {
            for (size_t lane = 0; lane < work->width; lane++) {
                with |= (unsigned)(outlets->capacity[at * work->width + lane] > 0.0) << lane;
            }
        }
    }
    return with;
}

gm_lane_mask gm_water_trees_idle(const water_view *view, gm_lane_mask lanes)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    size_t width = work->width;
    uint8_t closed[GM_LANES] = { 0 };
    for (size_t spot = 0; spot < solver->tree_count; spot++) {
        const uint8_t *status = view->pipe_status + solver->pipe[spot] * width;
        for (size_t lane = 0; lane < width; lane++) {
            closed[lane] |= (uint8_t)water_is_closed(status[lane]);
        }
    }
    unsigned idle = solver->tree_count > 0 ? lanes : 0;
    for (size_t lane = 0; lane < width; lane++) {
        idle &= ~((unsigned)(closed[lane] != 0) << lane);
    }
    return (gm_lane_mask)(idle & ~lanes_with_outlets(solver, work));
}

/// A tree's sums stand where its heads will.
GM_INLINE void sum_demands(const water_view *view, gm_lane_mask lanes, const size_t width)
{
    const water_solver *solver = view->net->solver;
    water_work *work = gm_water_work(view);
    double *restrict sum = work->head, *restrict flow = work->flow;
    const double *restrict demand = work->demand;
    double wanted[GM_LANES], total[GM_LANES] = { 0 };
    for (size_t lane = 0; lane < width; lane++) {
        wanted[lane] = lanes >> lane & 1u ? 1.0 : 0.0;
    }
    for (size_t at = 0; at < solver->tree_count * width; at++) {
        sum[at] = -demand[at];
    }
    for (size_t spot = 0; spot < solver->tree_count; spot++) {
        const size_t own = spot * width, parent = solver->to[spot] * width;
        const double hangs = solver->to[spot] < solver->tree_count ? 1.0 : 0.0;
        WATER_APART
        for (size_t lane = 0; lane < width; lane++) {
            double now = wanted[lane] > 0.0 ? sum[own + lane] : flow[own + lane];
            flow[own + lane] = now;
            total[lane] += fabs(now);
            sum[parent + lane] += hangs * sum[own + lane];
        }
    }
    memcpy(work->tree_total, total, width * sizeof *total);
}

GM_KERNEL static void water_trees_sum_1(const water_view *view, gm_lane_mask lanes)
{
    sum_demands(view, lanes, 1);
}

GM_KERNEL static void water_trees_sum_8(const water_view *view, gm_lane_mask lanes)
{
    sum_demands(view, lanes, GM_LANES);
}

void gm_water_trees_fell(const water_view *view, gm_lane_mask lanes)
{
    (view->width == 1 ? water_trees_sum_1 : water_trees_sum_8)(view, lanes);
    gm_water_pipes_fell(view);
}

GM_INLINE void carry_heads(const water_view *view, const size_t width)
{
    const water_solver *solver = view->net->solver;
    const water_work *work = gm_water_work(view);
    double *restrict head = work->head;
    const double *restrict loss = work->tree_loss;
    for (size_t spot = solver->tree_count; spot-- > 0;) {
        const size_t own = spot * width, parent = solver->to[spot] * width;
        WATER_APART
        for (size_t lane = 0; lane < width; lane++) {
            head[own + lane] = head[parent + lane] + loss[own + lane];
        }
    }
}

GM_KERNEL static void water_trees_grow_1(const water_view *view)
{
    carry_heads(view, 1);
}

GM_KERNEL static void water_trees_grow_8(const water_view *view)
{
    carry_heads(view, GM_LANES);
}

void gm_water_trees_grow(const water_view *view)
{
    (view->width == 1 ? water_trees_grow_1 : water_trees_grow_8)(view);
}
