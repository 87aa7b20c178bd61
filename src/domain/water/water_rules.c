// Rules: IF premises THEN actions ELSE others, with priorities.
//
// All rules look at the same moment; of the actions that concern one link the one of the highest
// priority counts, the first among equals. Numbers are compared in the file's units within a
// thousandth, times as spans since the rules were looked at last.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), appendix C ([RULES]).
#include <math.h>
#include <string.h>

#include "domain/water/water_parts.h"

enum { DAY_S = 86400 };

static const double equal_within = 1e-3; // in the file's units
static const double percent = 100.0;

/// The action chosen for a link.
typedef struct choice {
    const water_action *action;
    double priority;
} choice;

/// Scratch: what was chosen so far.
typedef struct choices {
    choice *chosen;     // [link_count]
    uint32_t *place_of; // [link_count]: in chosen; WATER_NONE
    size_t count;
} choices;

static choices choices_in(const water_net *net, void *work)
{
    choice *chosen = work;
    return (choices){ .chosen = chosen,
                      .place_of = (uint32_t *)(void *)(chosen + net->link_count) };
}

/// What one look at the rules works with.
typedef struct sight {
    const water_view *view;
    int lane;
    const water_moment *moment;
} sight;

// ---- premises ----

static double node_head(const sight *at, uint32_t node)
{
    const water_net *net = at->view->net;
    size_t tank = node - net->junction_count;
    if (node < net->junction_count || tank >= net->tank_count) {
        return gm_water_head(at->view, node, at->lane);
    }
    return net->tanks[tank].elevation_m +
           gm_water_tank_depth(&net->tanks[tank], at->moment->volume_m3[tank]);
}

static double node_ground(const sight *at, uint32_t node)
{
    const water_net *net = at->view->net;
    size_t width = (size_t)at->view->width, lane = (size_t)at->lane;
    if (node < net->junction_count) {
        return at->view->elevation[node * width + lane];
    }
    size_t tank = node - net->junction_count;
    return tank < net->tank_count ? net->tanks[tank].elevation_m
                                  : at->view->base_head[(tank - net->tank_count) * width + lane];
}

/// What leaves the network at a node.
static double node_demand(const sight *at, uint32_t node)
{
    const water_view *view = at->view;
    const water_net *net = view->net;
    size_t width = (size_t)view->width, lane = (size_t)at->lane;
    size_t tank = node - net->junction_count;
    if (node >= net->junction_count) {
        return tank < net->tank_count
                   ? view->tank_demand[tank * width + lane]
                   : view->reservoir_demand[(tank - net->tank_count) * width + lane];
    }
    size_t row = node * width + lane;
    return view->consumption[row] + view->emission[row] + view->hole_leakage[row] +
           view->crack_leakage[row];
}

/// All that customers want; what is fed in does not count.
static double system_demand(const sight *at)
{
    const water_view *view = at->view;
    const water_net *net = view->net;
    int64_t anchor_ns = gm_water_memory(view, at->lane)->anchor_ns;
    size_t width = (size_t)view->width, lane = (size_t)at->lane;
    double sum = 0.0;
    for (size_t junction = 0; junction < net->junction_count; junction++) {
        size_t row = junction * width + lane;
        double factor = view->network_factor[lane] * view->demand_factor[row];
        for (size_t draw = net->draw_start[junction]; draw < net->draw_start[junction + 1];
             draw++) {
            uint32_t pattern = net->draws[draw].pattern;
            double own = pattern != WATER_NONE ? view->pattern_factor[pattern * width + lane] : 1.0;
            double wanted = factor * own * net->draws[draw].base_m3_s *
                            gm_water_pattern_at(net, pattern, anchor_ns);
            sum += fmax(wanted, 0.0);
        }
        sum += fmax(view->extra_demand[row], 0.0);
    }
    return sum;
}

/// Seconds until a tank is full or empty. @return false: it is no tank, or does not move that way
static bool tank_time(const sight *at, uint32_t node, bool fills, double *time_s)
{
    const water_net *net = at->view->net;
    size_t tank = node - net->junction_count;
    if (node < net->junction_count || tank >= net->tank_count) {
        return false;
    }
    double inflow = node_demand(at, node);
    double end = fills ? net->tanks[tank].max_volume_m3 : net->tanks[tank].min_volume_m3;
    *time_s = (end - at->moment->volume_m3[tank]) / inflow;
    return fills ? inflow > WATER_FLOW_NONE : inflow < -WATER_FLOW_NONE;
}

/// A setting's unit in the file.
static double setting_unit(const sight *at, uint32_t plan_link)
{
    const water_plan *plan = at->view->net->plan;
    const water_link *link = &plan->links[plan_link];
    switch (link->kind == WATER_VALVE ? link->valve : WATER_NO_VALVE) {
    case WATER_PRV:
    case WATER_PSV:
    case WATER_PBV:
        return plan->units.pressure_m;
    case WATER_FCV:
        return plan->units.flow_m3_s;
    case WATER_PCV:
        return 1.0 / percent;
    case WATER_TCV:
    case WATER_GPV:
    case WATER_NO_VALVE:
        break;
    }
    return 1.0;
}

/// What a premise looks at, in the file's units. @return false: there is no such number now
static bool look_at(const sight *at, const water_premise *premise, double *value, double *unit)
{
    const water_view *view = at->view;
    const water_net *net = view->net;
    const water_units *units = &net->plan->units;
    uint32_t node = premise->subject == WATER_NODE ? net->node_of[premise->index] : 0;
    uint32_t link = premise->subject == WATER_LINK ? net->link_of[premise->index] : 0;
    *unit = units->length_m;
    switch (premise->quantity) {
    case WATER_DEMAND:
        *unit = units->flow_m3_s;
        *value = premise->subject == WATER_SYSTEM ? system_demand(at) : node_demand(at, node);
        return true;
    case WATER_HEAD:
        *value = node_head(at, node);
        return true;
    case WATER_LEVEL:
        *value = node_head(at, node) - node_ground(at, node);
        return true;
    case WATER_PRESSURE:
        *unit = units->pressure_m;
        *value = node_head(at, node) - node_ground(at, node);
        return true;
    case WATER_FLOW:
        *unit = units->flow_m3_s;
        *value = fabs(gm_water_flow(view, link)[at->lane]);
        return true;
    case WATER_SETTING: {
        bool valve = net->plan->links[premise->index].kind == WATER_VALVE;
        *unit = setting_unit(at, premise->index);
        *value = gm_water_setting(view, link, at->lane);
        return !valve || gm_water_setting_counts(view, link, at->lane);
    }
    case WATER_FILL_TIME:
    case WATER_DRAIN_TIME:
        *unit = 1.0;
        return tank_time(at, node, premise->quantity == WATER_FILL_TIME, value);
    case WATER_STATUS:
    case WATER_POWER: // EPANET reads it, and never finds it true
    case WATER_TIME:
    case WATER_CLOCK:
        break;
    }
    return false;
}

static bool number_holds(const sight *at, const water_premise *premise)
{
    double value = 0.0, unit = 1.0;
    if (!look_at(at, premise, &value, &unit)) {
        return false;
    }
    double above = (value - premise->value) / unit;
    switch (premise->relation) {
    case WATER_EQUAL:
        return fabs(above) <= equal_within;
    case WATER_UNEQUAL:
        return fabs(above) >= equal_within;
    case WATER_LESS:
        return above <= equal_within;
    case WATER_AT_MOST:
        return above <= -equal_within;
    case WATER_GREATER:
        return above >= -equal_within;
    case WATER_AT_LEAST:
        return above >= equal_within;
    }
    return false;
}

static bool status_holds(const sight *at, const water_premise *premise)
{
    uint32_t link = at->view->net->link_of[premise->index];
    uint8_t status = gm_water_status(at->view, link)[at->lane];
    water_status shown = water_is_closed(status)  ? WATER_CLOSED
                         : status == WATER_ACTIVE ? WATER_ACTIVE
                                                  : WATER_OPEN;
    return (premise->relation == WATER_EQUAL && shown == premise->status) ||
           (premise->relation == WATER_UNEQUAL && shown != premise->status);
}

static int64_t day_second(int64_t elapsed_s)
{
    int64_t rest = elapsed_s % DAY_S;
    return rest < 0 ? rest + DAY_S : rest;
}

static bool time_holds(const sight *at, const water_premise *premise)
{
    int64_t now = at->moment->elapsed_s, since = now - at->moment->step_s + 1;
    if (premise->quantity == WATER_CLOCK) {
        int64_t start = at->view->net->plan->clock_start_s;
        now = day_second(now + start);
        since = day_second(since + start);
    }
    int64_t limit = (int64_t)premise->value;
    bool within = now < since ? limit >= since || limit <= now : limit >= since && limit <= now;
    switch (premise->relation) {
    case WATER_EQUAL:
        return within;
    case WATER_UNEQUAL:
        return !within;
    case WATER_LESS:
        return now < limit;
    case WATER_AT_MOST:
        return now <= limit;
    case WATER_GREATER:
        return now > limit;
    case WATER_AT_LEAST:
        return now >= limit;
    }
    return false;
}

static bool premise_holds(const sight *at, const water_premise *premise)
{
    switch (premise->quantity) {
    case WATER_TIME:
    case WATER_CLOCK:
        return time_holds(at, premise);
    case WATER_STATUS:
        return status_holds(at, premise);
    default:
        return number_holds(at, premise);
    }
}

/// OR joins a premise to all before it; AND ends the search when those before do not hold.
static bool rule_holds(const sight *at, const water_rule *rule)
{
    bool holds = true;
    for (size_t index = 0; index < rule->premise_count; index++) {
        const water_premise *premise = &rule->premises[index];
        if (premise->is_or) {
            holds = holds || premise_holds(at, premise);
        } else if (!holds) {
            return false;
        } else {
            holds = premise_holds(at, premise);
        }
    }
    return holds;
}

// ---- actions ----

static void choose(choices *among, const water_rule *rule, const water_action *actions,
                   size_t count)
{
    for (size_t index = 0; index < count; index++) {
        uint32_t link = actions[index].link, place = among->place_of[link];
        if (place == WATER_NONE) {
            among->place_of[link] = (uint32_t)among->count;
            among->chosen[among->count++] = (choice){ &actions[index], rule->priority };
        } else if (rule->priority > among->chosen[place].priority) {
            among->chosen[place] = (choice){ &actions[index], rule->priority };
        }
    }
}

/// Whether an action would change anything.
static bool would_act(const sight *at, const water_action *action)
{
    uint32_t link = at->view->net->link_of[action->link];
    return action->has_setting ? gm_water_setting_differs(at->view, link, at->lane, action->setting)
                               : gm_water_status_differs(at->view, link, at->lane, action->status);
}

static void act(const sight *at, const water_action *action)
{
    uint32_t link = at->view->net->link_of[action->link];
    if (action->has_setting) {
        gm_water_set_setting(at->view, link, at->lane, action->setting);
    } else {
        gm_water_set_status(at->view, link, at->lane, action->status);
    }
}

size_t gm_water_rules_size(const water_net *net)
{
    return net->plan->rule_count > 0 ? net->link_count * (sizeof(choice) + sizeof(uint32_t)) : 0;
}

void gm_water_rules_open(const water_net *net, void *work)
{
    if (net->plan->rule_count > 0) {
        memset(choices_in(net, work).place_of, 0xff, net->link_count * sizeof(uint32_t));
    }
}

bool gm_water_rules_fire(const water_view *view, int lane, const water_moment *moment, void *work,
                         bool apply)
{
    const water_plan *plan = view->net->plan;
    sight at = { view, lane, moment };
    choices among = choices_in(view->net, work);
    for (size_t index = 0; index < plan->rule_count; index++) {
        const water_rule *rule = &plan->rules[index];
        if (rule_holds(&at, rule)) {
            choose(&among, rule, rule->then, rule->then_count);
        } else {
            choose(&among, rule, rule->otherwise, rule->otherwise_count);
        }
    }
    bool fired = false;
    for (size_t index = 0; index < among.count; index++) {
        const water_action *action = among.chosen[index].action;
        among.place_of[action->link] = WATER_NONE;
        bool acts = would_act(&at, action);
        fired = fired || acts;
        if (acts && apply) {
            act(&at, action);
        }
    }
    return fired;
}
