// What opens and closes by itself, looked at between iterations: check valves, pumps against more
// head than they lift, valves that hold a pressure or a flow, links of full and empty tanks, and
// controls of junction pressures. The rules and when they are asked are EPANET's, so that a
// network with several consistent sets of statuses ends in the same one.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), section 12.1.4 and
// appendix C, CHECKFREQ, MAXCHECK, DAMPLIMIT.
#include <math.h>

#include "domain/water/water_solver_parts.h"

/// A link's lane while its status is judged.
typedef struct judged {
    uint32_t link;
    int lane;
    double flow, above, below; // heads at its start and end
} judged;

static judged look_at(const water_view *view, uint32_t link, int lane)
{
    water_ends ends = view->net->ends[link];
    return (judged){ .link = link,
                     .lane = lane,
                     .flow = gm_water_present_flow(view, link, lane),
                     .above = gm_water_spot_head(view, ends.from, lane),
                     .below = gm_water_spot_head(view, ends.to, lane) };
}

static uint8_t *status_of(const water_view *view, uint32_t link, int lane)
{
    const water_net *net = view->net;
    size_t width = (size_t)view->width, at = link;
    if (at < net->pipe_count) {
        return &view->pipe_status[at * width + (size_t)lane];
    }
    at -= net->pipe_count;
    return at < net->pump_count
               ? &view->pump_status[at * width + (size_t)lane]
               : &view->valve_status[(at - net->pump_count) * width + (size_t)lane];
}

/// Writes a status. @return whether it is another one
static bool put_status(const water_view *view, uint32_t link, int lane, uint8_t before, uint8_t now)
{
    *status_of(view, link, lane) = now;
    if (now != before && link < view->net->pipe_count) {
        gm_water_pipe_set(view, link, lane);
    }
    return now != before;
}

// ---- valves that hold a pressure ----

static water_status reducing_status(water_status status, const judged *at, double target_m,
                                    double wide_m)
{
    const double slack = WATER_HEAD_TOLERANCE;
    bool backwards = at->flow < -WATER_FLOW_TOLERANCE;
    switch (status) {
    case WATER_ACTIVE:
        return backwards                               ? WATER_SHUT
               : at->above - wide_m < target_m - slack ? WATER_WIDE
                                                       : WATER_ACTIVE;
    case WATER_WIDE:
        return backwards ? WATER_SHUT : at->below >= target_m + slack ? WATER_ACTIVE : WATER_WIDE;
    case WATER_SHUT:
        return at->above >= target_m + slack && at->below < target_m - slack   ? WATER_ACTIVE
               : at->above < target_m - slack && at->above > at->below + slack ? WATER_WIDE
                                                                               : WATER_SHUT;
    case WATER_FORCED:
        return backwards ? WATER_SHUT : WATER_FORCED;
    default:
        return status;
    }
}

static water_status sustaining_status(water_status status, const judged *at, double target_m,
                                      double wide_m)
{
    const double slack = WATER_HEAD_TOLERANCE;
    bool backwards = at->flow < -WATER_FLOW_TOLERANCE;
    bool falls = at->above > at->below + slack;
    switch (status) {
    case WATER_ACTIVE:
        return backwards                               ? WATER_SHUT
               : at->below + wide_m > target_m + slack ? WATER_WIDE
                                                       : WATER_ACTIVE;
    case WATER_WIDE:
        return backwards ? WATER_SHUT : at->above < target_m - slack ? WATER_ACTIVE : WATER_WIDE;
    case WATER_SHUT:
        return at->below > target_m + slack && falls    ? WATER_WIDE
               : at->above >= target_m + slack && falls ? WATER_ACTIVE
                                                        : WATER_SHUT;
    case WATER_FORCED:
        return backwards ? WATER_SHUT : WATER_FORCED;
    default:
        return status;
    }
}

uint32_t gm_water_check_valves(const water_view *view, int lane)
{
    const water_net *net = view->net;
    uint32_t changed = WATER_NONE;
    for (size_t valve = 0; valve < net->valve_count; valve++) {
        water_valve_kind kind = net->valves[valve].kind;
        uint32_t link = (uint32_t)(net->pipe_count + net->pump_count + valve), spot;
        uint8_t before = *status_of(view, link, lane);
        if ((kind != WATER_PRV && kind != WATER_PSV) || before < WATER_ACTIVE) {
            continue;
        }
        judged at = look_at(view, link, lane);
        double target_m = gm_water_valve_target(view, valve, lane, &spot);
        double wide_m = gm_water_valve_minor(view, valve, lane) * at.flow * at.flow;
        water_status now = (kind == WATER_PRV ? reducing_status
                                              : sustaining_status)(before, &at, target_m, wide_m);
        changed = put_status(view, link, lane, before, (uint8_t)now) ? link : changed;
    }
    return changed;
}

bool gm_water_release_valve(const water_view *view, uint32_t spot, int lane)
{
    const water_net *net = view->net;
    for (size_t valve = 0; valve < net->valve_count; valve++) {
        size_t device = net->pump_count + valve;
        if (net->solver->device_from[device] != spot && net->solver->device_to[device] != spot) {
            continue;
        }
        water_valve_kind kind = net->valves[valve].kind;
        uint8_t *status = status_of(view, (uint32_t)(net->pipe_count + device), lane);
        bool holds = kind == WATER_PRV || kind == WATER_PSV || kind == WATER_FCV;
        if (holds && *status == WATER_ACTIVE) {
            *status = WATER_FORCED;
            return true;
        }
    }
    return false;
}

// ---- the others ----

static water_status check_valve_status(water_status status, const judged *at)
{
    double fall = at->above - at->below;
    if (fall < -WATER_HEAD_TOLERANCE || at->flow < -WATER_FLOW_TOLERANCE) {
        return WATER_SHUT;
    }
    return fall > WATER_HEAD_TOLERANCE ? WATER_OPEN : status;
}

static water_status pump_status(const water_view *view, const judged *at)
{
    const water_net *net = view->net;
    size_t pump = at->link - net->pipe_count;
    double speed = view->speed[pump * (size_t)view->width + (size_t)at->lane];
    double most_m = speed * speed * net->pumps[pump].head_most_m;
    if (net->pumps[pump].law == PUMP_CONSTANT_POWER) {
        most_m = 1e10;
        if (at->flow < WATER_FLOW_NONE) {
            return WATER_STOPPED;
        }
    }
    return at->below - at->above > most_m + WATER_HEAD_TOLERANCE ? WATER_UNABLE : WATER_OPEN;
}

static water_status flow_valve_status(const water_view *view, water_status status, const judged *at)
{
    size_t valve = at->link - view->net->pipe_count - view->net->pump_count;
    double fall = at->above - at->below, square = at->flow * at->flow;
    if (fall < -WATER_HEAD_TOLERANCE || at->flow < -WATER_FLOW_TOLERANCE) {
        return WATER_FORCED;
    }
    if (status == WATER_FORCED && at->flow >= gm_water_setting(view, at->link, at->lane)) {
        return WATER_ACTIVE;
    }
    // it throttles: it cannot lose less head than wide open
    bool too_little = fall < gm_water_valve_minor(view, valve, at->lane) * square;
    return status == WATER_ACTIVE && too_little ? WATER_FORCED : status;
}

/// Whether a tank at one end stands in the way: it is full and the flow goes in, or empty and out.
static bool tank_stops(const water_view *view, uint32_t node, double outflow, int lane)
{
    const water_net *net = view->net;
    if (node < net->junction_count || node >= net->junction_count + net->tank_count) {
        return false;
    }
    const water_tank *tank = &net->tanks[node - net->junction_count];
    double head_m = gm_water_spot_head(view, node, lane);
    return (head_m >= tank->elevation_m + tank->max_depth_m && !tank->overflows && outflow < 0.0) ||
           (head_m <= tank->elevation_m + tank->min_depth_m && outflow > 0.0);
}

/// What a link that stands still for now does when nothing stops it.
static uint8_t reopened(const water_net *net, uint32_t link, uint8_t status)
{
    bool is_valve = link >= net->pipe_count + net->pump_count;
    water_valve_kind kind =
        is_valve ? net->valves[link - net->pipe_count - net->pump_count].kind : WATER_NO_VALVE;
    bool throttles = kind == WATER_TCV || kind == WATER_PBV || kind == WATER_PCV;
    if (status == WATER_STOPPED || status == WATER_UNABLE) {
        return throttles ? WATER_ACTIVE : WATER_OPEN;
    }
    // a valve that somebody holds open, at a tank
    return (throttles || kind == WATER_GPV) && status == WATER_SHUT ? WATER_OPEN : status;
}

static uint8_t judge(const water_view *view, const judged *at, uint8_t before)
{
    const water_net *net = view->net;
    uint8_t status = reopened(net, at->link, before);
    if (at->link < net->pipe_count) {
        if (net->check_valve[at->link] && status != WATER_CLOSED) {
            status = (uint8_t)check_valve_status(status, at);
        }
    } else if (at->link < net->pipe_count + net->pump_count) {
        size_t pump = at->link - net->pipe_count;
        double speed = view->speed[pump * (size_t)view->width + (size_t)at->lane];
        if (!water_is_closed(status) && speed > 0.0) {
            status = (uint8_t)pump_status(view, at);
        }
    } else {
        size_t valve = at->link - net->pipe_count - net->pump_count;
        if (net->valves[valve].kind == WATER_FCV && status >= WATER_ACTIVE) {
            status = (uint8_t)flow_valve_status(view, status, at);
        }
    }
    water_ends ends = net->ends[at->link];
    if (!water_is_closed(status) && (tank_stops(view, ends.from, at->flow, at->lane) ||
                                     tank_stops(view, ends.to, -at->flow, at->lane))) {
        bool held_open = at->link >= net->pipe_count + net->pump_count && status == WATER_OPEN;
        return held_open ? WATER_SHUT : WATER_STOPPED;
    }
    return status;
}

uint32_t gm_water_check_links(const water_view *view, int lane)
{
    const water_solver *solver = view->net->solver;
    uint32_t changed = WATER_NONE;
    for (size_t index = 0; index < solver->checked_count; index++) {
        judged at = look_at(view, solver->checked[index], lane);
        uint8_t before = *status_of(view, at.link, lane), now = judge(view, &at, before);
        changed = put_status(view, at.link, lane, before, now) ? at.link : changed;
    }
    return changed;
}

/// Lets a control act between iterations. @return whether it did
static bool act(const water_view *view, const water_control *control, int lane)
{
    const water_net *net = view->net;
    water_work *work = gm_water_work(view);
    uint32_t link = net->link_of[control->link];
    double *flow = &gm_water_flow(view, link)[lane], before = *flow;
    gm_water_control_act(view, control, lane);
    if (link < net->pipe_count) {
        gm_water_pipe_set(view, link, lane);
    } else if (*flow != before) { // it was started anew
        work->device_flow[(link - net->pipe_count) * work->width + (size_t)lane] = *flow;
    }
    return !gm_water_control_differs(view, control, lane);
}

uint32_t gm_water_check_pressures(const water_view *view, int lane)
{
    const water_net *net = view->net;
    uint32_t changed = WATER_NONE;
    for (size_t index = 0; index < net->plan->control_count; index++) {
        const water_control *control = &net->plan->controls[index];
        if (control->kind != WATER_BELOW && control->kind != WATER_ABOVE) {
            continue;
        }
        uint32_t node = net->node_of[control->node];
        if (node >= net->junction_count) {
            continue;
        }
        double head_m = gm_water_spot_head(view, node, lane);
        bool holds = control->kind == WATER_BELOW
                         ? head_m <= control->limit_m + WATER_HEAD_TOLERANCE
                         : head_m >= control->limit_m - WATER_HEAD_TOLERANCE;
        if (holds && gm_water_control_differs(view, control, lane) && act(view, control, lane)) {
            changed = net->link_of[control->link];
        }
    }
    return changed;
}
