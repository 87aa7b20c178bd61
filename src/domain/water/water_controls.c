// Statuses and settings of links, and the simple controls that move them.
//
// EPANET keeps a status and a setting for every link. A valve that is told to be open or closed has
// no setting any more, until it is given a new one; here that is what WATER_OPEN and WATER_CLOSED
// mean for a valve, while the statuses that come of the hydraulics keep the setting.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), section 3.2 and
// appendix C ([CONTROLS], [STATUS]); what a control does when, from tests against EPANET 2.3.
#include <math.h>

#include "domain/water/water_parts.h"

enum { DAY_S = 86400 };

static const double setting_tolerance = 1e-12;    // relative: the same setting
static const double reach_m3_s = WATER_FLOW_NONE; // a tank that does not move reaches nothing
static const double per_second = 1.0;             // a level reached within a second is reached
static const double action_tolerance = 1e-3;      // of a rule, in EPANET's own units
static const double percent = 100.0;

// ---- links by number ----

static bool is_pipe(const water_net *net, uint32_t link)
{
    return link < net->pipe_count;
}

static bool is_pump(const water_net *net, uint32_t link)
{
    return !is_pipe(net, link) && link < net->pipe_count + net->pump_count;
}

static size_t valve_of(const water_net *net, uint32_t link)
{
    return link - net->pipe_count - net->pump_count;
}

/// WATER_NO_VALVE for pipes and pumps.
static water_valve_kind valve_kind(const water_net *net, uint32_t link)
{
    bool valve = !is_pipe(net, link) && !is_pump(net, link);
    return valve ? net->valves[valve_of(net, link)].kind : WATER_NO_VALVE;
}

/// Where a link's lanes begin in the columns of its kind.
static size_t place_of(const water_view *view, uint32_t link)
{
    const water_net *net = view->net;
    size_t row = is_pipe(net, link)   ? link
                 : is_pump(net, link) ? link - net->pipe_count
                                      : valve_of(net, link);
    return row * (size_t)view->width;
}

/// Whether controls and rules of the file may move a link.
static bool is_automatic(const water_view *view, uint32_t link, int lane)
{
    const uint8_t *automatic = is_pipe(view->net, link)   ? view->pipe_automatic
                               : is_pump(view->net, link) ? view->pump_automatic
                                                          : view->valve_automatic;
    return automatic[place_of(view, link) + (size_t)lane] != 0;
}

uint8_t *gm_water_status(const water_view *view, uint32_t link)
{
    uint8_t *status = is_pipe(view->net, link)   ? view->pipe_status
                      : is_pump(view->net, link) ? view->pump_status
                                                 : view->valve_status;
    return status + place_of(view, link);
}

double *gm_water_flow(const water_view *view, uint32_t link)
{
    double *flow = is_pipe(view->net, link)   ? view->pipe_flow
                   : is_pump(view->net, link) ? view->pump_flow
                                              : view->valve_flow;
    return flow + place_of(view, link);
}

double gm_water_head(const water_view *view, uint32_t node, int lane)
{
    const water_net *net = view->net;
    size_t width = (size_t)view->width, at = (size_t)lane;
    if (node < net->junction_count) {
        return view->head[node * width + at];
    }
    size_t tank = node - net->junction_count;
    if (tank < net->tank_count) {
        return net->tanks[tank].elevation_m + view->level[tank * width + at];
    }
    return view->reservoir_head[(tank - net->tank_count) * width + at];
}

// ---- settings ----

/// Where a link keeps its setting, and how much one unit of it is in the column; NULL: nowhere.
static double *setting_column(const water_view *view, uint32_t link, double *unit)
{
    const water_net *net = view->net;
    size_t place = place_of(view, link);
    *unit = 1.0;
    if (is_pump(net, link)) {
        return view->speed + place;
    }
    switch (valve_kind(net, link)) {
    case WATER_PRV:
    case WATER_PSV:
    case WATER_PBV:
        *unit = WATER_COLUMN_PA * net->plan->specific_gravity;
        return view->pressure_setting + place;
    case WATER_FCV:
        return view->flow_setting + place;
    case WATER_TCV:
        return view->loss_coefficient + place;
    case WATER_PCV:
        return view->opening + place;
    case WATER_GPV:
    case WATER_NO_VALVE:
        break;
    }
    return NULL;
}

double gm_water_setting(const water_view *view, uint32_t link, int lane)
{
    double unit = 1.0;
    const double *column = setting_column(view, link, &unit);
    // a pump that was switched off keeps its speed for when it is switched on again
    bool off = is_pump(view->net, link) && gm_water_status(view, link)[lane] == WATER_CLOSED;
    return column != NULL && !off ? column[lane] / unit : 0.0;
}

static void put_setting(const water_view *view, uint32_t link, int lane, double setting)
{
    double unit = 1.0;
    double *column = setting_column(view, link, &unit);
    if (column != NULL) {
        column[lane] = setting * unit;
    }
}

static bool has_setting(const water_view *view, uint32_t link, int lane, double setting)
{
    double is = gm_water_setting(view, link, lane);
    return fabs(is - setting) <= setting_tolerance * (fabs(is) + fabs(setting));
}

bool gm_water_setting_counts(const water_view *view, uint32_t link, int lane)
{
    water_valve_kind kind = valve_kind(view->net, link);
    uint8_t status = gm_water_status(view, link)[lane];
    return kind != WATER_NO_VALVE && kind != WATER_GPV && status != WATER_OPEN &&
           status != WATER_CLOSED;
}

/// A pump that was closed starts at its design flow, from where the iteration settles best.
static void restart_pump(const water_view *view, uint32_t link, int lane)
{
    const water_net *net = view->net;
    gm_water_flow(view, link)[lane] = net->pumps[link - net->pipe_count].design_m3_s;
}

// ---- what rules want ----

bool gm_water_status_differs(const water_view *view, uint32_t link, int lane, water_status status)
{
    bool closed = water_is_closed(gm_water_status(view, link)[lane]);
    return (status == WATER_OPEN ? closed : status == WATER_CLOSED && !closed) &&
           is_automatic(view, link, lane);
}

void gm_water_set_status(const water_view *view, uint32_t link, int lane, water_status status)
{
    uint8_t *now = &gm_water_status(view, link)[lane];
    bool was_closed = *now == WATER_CLOSED;
    *now = (uint8_t)status;
    if (is_pump(view->net, link)) {
        put_setting(view, link, lane, status == WATER_CLOSED ? 0.0 : 1.0);
        if (was_closed) {
            restart_pump(view, link, lane);
        }
    }
}

/// The smallest change of a setting that a rule makes.
static double least_change(water_valve_kind kind)
{
    switch (kind) {
    case WATER_PRV:
    case WATER_PSV:
    case WATER_PBV:
        return action_tolerance * WATER_FOOT_M;
    case WATER_FCV:
        return action_tolerance * WATER_CUBIC_FOOT_M3;
    case WATER_PCV:
        return action_tolerance / percent;
    case WATER_TCV:
    case WATER_GPV:
    case WATER_NO_VALVE:
        break;
    }
    return action_tolerance;
}

/// A pump's speed: at none it is closed, at any it runs.
static void set_speed(const water_view *view, uint32_t link, int lane, double speed)
{
    uint8_t *status = &gm_water_status(view, link)[lane];
    if (speed > 0.0) {
        put_setting(view, link, lane, speed);
    }
    if (speed > 0.0 && water_is_closed(*status)) {
        *status = WATER_OPEN;
        restart_pump(view, link, lane);
    } else if (!(speed > 0.0) && !water_is_closed(*status)) {
        *status = WATER_CLOSED;
    }
}

bool gm_water_setting_differs(const water_view *view, uint32_t link, int lane, double setting)
{
    const water_net *net = view->net;
    water_valve_kind kind = valve_kind(net, link);
    double change = fabs(setting - gm_water_setting(view, link, lane));
    bool moves = is_pump(net, link) || (kind != WATER_NO_VALVE && kind != WATER_GPV);
    bool fixed = !is_pump(net, link) && !gm_water_setting_counts(view, link, lane);
    return moves && (fixed || change > least_change(kind)) && is_automatic(view, link, lane);
}

void gm_water_set_setting(const water_view *view, uint32_t link, int lane, double setting)
{
    if (is_pump(view->net, link)) {
        set_speed(view, link, lane, setting);
        return;
    }
    water_valve_kind kind = valve_kind(view->net, link);
    uint8_t *status = &gm_water_status(view, link)[lane];
    if (kind == WATER_FCV) {
        *status = WATER_ACTIVE;
    } else if (!gm_water_setting_counts(view, link, lane)) { // from here on the hydraulics decide
        *status = kind == WATER_PRV || kind == WATER_PSV ? WATER_WIDE : WATER_ACTIVE;
    }
    put_setting(view, link, lane, setting);
}

void gm_water_follow_speed(const water_view *view, size_t pump, int lane, double speed)
{
    uint32_t link = (uint32_t)(view->net->pipe_count + pump);
    if (is_automatic(view, link, lane)) {
        set_speed(view, link, lane, speed);
    }
}

// ---- simple controls ----

/// A control's status: of the two that a person can want, or active with a setting.
static water_status wanted_status(const water_net *net, uint32_t link, const water_control *control)
{
    if (!control->has_setting) {
        return control->status;
    }
    bool valve = valve_kind(net, link) != WATER_NO_VALVE;
    return valve ? WATER_ACTIVE : control->setting > 0.0 ? WATER_OPEN : WATER_CLOSED;
}

/// Whether the setting is already what a control wants: for a valve that is told to be open or
/// closed, none.
static bool setting_fits(const water_view *view, uint32_t link, int lane,
                         const water_control *control)
{
    const water_net *net = view->net;
    water_valve_kind kind = valve_kind(net, link);
    if (is_pump(net, link)) {
        double speed = control->has_setting            ? control->setting
                       : control->status == WATER_OPEN ? 1.0
                                                       : 0.0;
        return has_setting(view, link, lane, speed);
    }
    if (kind == WATER_NO_VALVE || kind == WATER_GPV) {
        return true;
    }
    bool holds = gm_water_setting_counts(view, link, lane);
    return control->has_setting ? holds && has_setting(view, link, lane, control->setting) : !holds;
}

bool gm_water_control_differs(const water_view *view, const water_control *control, int lane)
{
    const water_net *net = view->net;
    uint32_t link = net->link_of[control->link];
    water_status wanted = wanted_status(net, link, control);
    uint8_t now = gm_water_status(view, link)[lane];
    bool same = now == wanted || (wanted == WATER_CLOSED && now == WATER_SHUT) ||
                (wanted == WATER_OPEN && now == WATER_WIDE);
    return is_automatic(view, link, lane) && (!same || !setting_fits(view, link, lane, control));
}

void gm_water_control_act(const water_view *view, const water_control *control, int lane)
{
    const water_net *net = view->net;
    uint32_t link = net->link_of[control->link];
    uint8_t *status = &gm_water_status(view, link)[lane];
    water_status wanted = wanted_status(net, link, control);
    bool closed = water_is_closed(*status), close = wanted == WATER_CLOSED;
    bool same = closed == close && wanted != WATER_ACTIVE;
    if (!is_automatic(view, link, lane) || (same && setting_fits(view, link, lane, control))) {
        return;
    }
    *status = (uint8_t)wanted;
    double setting = control->has_setting ? control->setting : 1.0;
    bool runs = is_pump(net, link) && !close, is_set = !is_pump(net, link) && control->has_setting;
    if (runs || is_set) {
        put_setting(view, link, lane, setting);
    }
    if (is_pump(net, link) && closed && !close) {
        restart_pump(view, link, lane);
    }
}

/// A tank's or reservoir's number among tanks; SIZE_MAX for junctions, whose pressure is looked at
/// after each solution.
static size_t controlling_tank(const water_net *net, const water_control *control)
{
    bool by_level = control->kind == WATER_BELOW || control->kind == WATER_ABOVE;
    uint32_t node = by_level ? net->node_of[control->node] : 0;
    return by_level && node >= net->junction_count ? node - net->junction_count : SIZE_MAX;
}

static bool level_holds(const water_view *view, int lane, size_t tank, const water_control *control)
{
    const water_net *net = view->net;
    if (tank >= net->tank_count) {
        return true; // EPANET: a reservoir holds nothing, which is as low and as high as any limit
    }
    size_t at = tank * (size_t)view->width + (size_t)lane;
    const water_tank *of = &net->tanks[tank];
    // both from heads: a level that is written like the limit is at the limit
    double limit = gm_water_tank_volume(of, control->limit_m - of->elevation_m);
    double volume = gm_water_tank_volume(of, of->elevation_m + view->level[at] - of->elevation_m);
    double soon = fabs(view->tank_demand[at]) * per_second;
    return control->kind == WATER_BELOW ? volume <= limit + soon : volume >= limit - soon;
}

static int64_t floor_mod(int64_t value, int64_t by)
{
    int64_t rest = value % by;
    return rest < 0 ? rest + by : rest;
}

void gm_water_controls_act(const water_view *view, int lane, const water_clock *clock)
{
    const water_net *net = view->net;
    const water_plan *plan = net->plan;
    for (size_t index = 0; index < plan->control_count; index++) {
        const water_control *control = &plan->controls[index];
        bool holds = false;
        if (control->kind == WATER_AT_TIME) {
            holds = clock->strikes && control->time_s == clock->elapsed_s;
        } else if (control->kind == WATER_AT_CLOCK) {
            holds = clock->strikes &&
                    control->time_s == floor_mod(clock->elapsed_s + plan->clock_start_s, DAY_S);
        } else {
            size_t tank = controlling_tank(net, control);
            holds = tank != SIZE_MAX && level_holds(view, lane, tank, control);
        }
        if (holds) {
            gm_water_control_act(view, control, lane);
        }
    }
}

/// Seconds from the clock's second until a tank reaches a control's level; 0: it does not.
static double level_time(const water_view *view, int lane, size_t tank,
                         const water_control *control)
{
    const water_net *net = view->net;
    if (tank >= net->tank_count) {
        return 0.0;
    }
    size_t at = tank * (size_t)view->width + (size_t)lane;
    double inflow = view->tank_demand[at], limit = control->limit_m - net->tanks[tank].elevation_m;
    bool rises = control->kind == WATER_ABOVE && inflow > 0.0 && view->level[at] < limit;
    bool falls = control->kind == WATER_BELOW && inflow < 0.0 && view->level[at] > limit;
    if (!(fabs(inflow) > reach_m3_s) || !(rises || falls)) {
        return 0.0;
    }
    double volume = gm_water_tank_volume(&net->tanks[tank], limit);
    return (volume - gm_water_memory(view, lane)->volume_m3[tank]) / inflow;
}

int64_t gm_water_controls_next(const water_view *view, int lane, const water_clock *clock,
                               int64_t step_s)
{
    const water_net *net = view->net;
    const water_plan *plan = net->plan;
    for (size_t index = 0; index < plan->control_count; index++) {
        const water_control *control = &plan->controls[index];
        int64_t wait_s = 0;
        if (control->kind == WATER_AT_TIME) {
            wait_s = control->time_s - clock->elapsed_s;
        } else if (control->kind == WATER_AT_CLOCK) {
            wait_s = floor_mod(control->time_s - clock->elapsed_s - plan->clock_start_s, DAY_S);
        } else {
            size_t tank = controlling_tank(net, control);
            double wait = tank != SIZE_MAX ? level_time(view, lane, tank, control) : 0.0;
            wait += wait > 0.0 ? clock->fraction_s : 0.0;
            wait_s = wait < (double)step_s + 1.0 ? (int64_t)floor(wait + 0.5) : 0;
        }
        if (wait_s > 0 && wait_s < step_s && gm_water_control_differs(view, control, lane)) {
            step_s = wait_s;
        }
    }
    return step_s;
}
