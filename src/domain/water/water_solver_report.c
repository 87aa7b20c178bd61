// Why a lane has no solution, in words that name links and nodes.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "domain/water/water_solver_parts.h"

enum { NAMED_MOST = 5, NAMES_SIZE = 400 };

/// Which nodes open links join with a tank or reservoir in one lane.
static void find_reached(const water_view *view, int lane)
{
    const water_net *net = view->net;
    water_work *work = gm_water_work(view);
    size_t width = work->width;
    for (size_t link = 0; link < net->link_count; link++) {
        work->link_open[link] =
            !water_is_closed(gm_water_status(view, (uint32_t)link)[(size_t)lane]);
    }
    size_t fixed = net->tank_count + net->reservoir_count;
    uint32_t *sources = work->queue + 2 * net->node_count;
    for (size_t index = 0; index < fixed; index++) {
        sources[index] = (uint32_t)(net->junction_count + index);
    }
    gm_network_sources from = { .link_open = work->link_open, .nodes = sources, .count = fixed };
    gm_network_reach(net->topology, &from, work->reached, work->queue);
    (void)width;
}

/// Appends what fits.
static void add_text(char *text, size_t size, const char *added)
{
    size_t used = strlen(text);
    if (used + 1 < size) {
        snprintf(text + used, size - used, "%s", added);
    }
}

/// Junctions that draw water, or would, and are cut off from every source.
/// @return how many; `names` gets the first few
static size_t name_dry(const water_view *view, int lane, char *names, size_t size)
{
    const water_net *net = view->net;
    const water_work *work = gm_water_work(view);
    size_t dry = 0;
    names[0] = '\0';
    find_reached(view, lane);
    for (size_t node = 0; node < net->junction_count; node++) {
        double demand = view->full_demand[node * work->width + (size_t)lane];
        if (work->reached[node] || !(fabs(demand) > 0.0)) {
            continue;
        }
        if (dry < NAMED_MOST) {
            char one[GM_NAME_MAX + 8];
            snprintf(one, sizeof one, "%s'%.60s'", dry > 0 ? ", " : "", net->node_names[node]);
            add_text(names, size, one);
        }
        dry++;
    }
    if (dry > NAMED_MOST) {
        add_text(names, size, " ...");
    }
    return dry;
}

/// The pipe, pump or valve whose flow is farthest from the law: where the iteration did not settle.
static uint32_t worst_link(const water_view *view, int lane)
{
    const water_net *net = view->net;
    const water_solver *solver = net->solver;
    const water_work *work = gm_water_work(view);
    size_t width = work->width;
    double most = 0.0;
    uint32_t worst = WATER_NONE;
    for (size_t edge = 0; edge < solver->edge_count; edge++) {
        size_t at = edge * width + (size_t)lane;
        double fall = work->head[solver->from[edge] * width + (size_t)lane] -
                      work->head[solver->to[edge] * width + (size_t)lane];
        double change = fabs(work->conductance[at] * fall - work->shift[at] - work->flow[at]);
        if (solver->pipe[edge] != WATER_NONE && change > most) {
            most = change;
            worst = solver->pipe[edge];
        }
    }
    for (size_t device = 0; device < solver->device_count; device++) {
        size_t at = device * width + (size_t)lane;
        double fall = work->head[solver->device_from[device] * width + (size_t)lane] -
                      work->head[solver->device_to[device] * width + (size_t)lane];
        double change = fabs(work->device_conductance[at] * fall - work->device_shift[at] -
                             work->device_flow[at]);
        if (change > most) {
            most = change;
            worst = (uint32_t)(net->pipe_count + device);
        }
    }
    return worst;
}

void gm_water_complain(const water_view *view, int lane, uint32_t changing, uint32_t bad_spot,
                       gm_error *error)
{
    const water_net *net = view->net;
    char names[NAMES_SIZE], dry_text[NAMES_SIZE + 120] = "", why[3 * GM_NAME_MAX] = "";
    uint32_t worst = worst_link(view, lane);
    size_t dry = name_dry(view, lane, names, sizeof names);
    if (dry > 0) {
        snprintf(dry_text, sizeof dry_text,
                 "; %zu junction%s with demand %s cut off from every tank and reservoir: %s", dry,
                 dry == 1 ? "" : "s", dry == 1 ? "is" : "are", names);
    }
    if (bad_spot < net->junction_count) {
        snprintf(why, sizeof why, "the equations contradict each other at junction '%.80s'",
                 net->node_names[net->solver->junction[bad_spot]]);
    } else if (changing != WATER_NONE) {
        snprintf(why, sizeof why, "the status of '%.80s' does not settle within %d iterations",
                 net->link_names[changing], view->iterations[lane]);
    } else {
        snprintf(why, sizeof why,
                 "flows do not settle within %d iterations (relative change %.2g, most in '%.80s')",
                 view->iterations[lane], view->change[lane],
                 worst == WATER_NONE ? "" : net->link_names[worst]);
    }
    gm_error_set(error, GM_NUMERIC, "no hydraulic solution: %s%s", why, dry_text);
}
