// Units of network files: what one of the file's units is in SI, and the turn of a whole plan.
//
// EPANET computes in feet and cubic feet per second, and its factors are rounded (448.831 GPM are
// one cubic foot per second). The same file must mean the same here, so a quantity in SI is the
// file's number, divided by EPANET's factor, times the exact size of the foot.
// Source: EPANET 2.2 User Manual, appendix A (units); the factors are those of version 2.3.5.
#include <math.h>
#include <string.h>

#include "domain/water/inp_parts.h"

static const double foot_m = 0.3048;
static const double cubic_foot_m3 = 0.3048 * 0.3048 * 0.3048;
static const double psi_per_foot = 0.4333, kpa_per_psi = 6.895, bar_per_psi = 0.068948;
static const double horsepower_w = 745.7;
static const double viscosity_ft2_s = 1.1e-5;  // of water at 20 degC
static const double relative_viscosity = 1e-3; // greater numbers are multiples of water's
static const double pi = 3.14159265358979323846;

bool gm_water_units_choose(const char *flow_unit, double specific_gravity, water_units *units)
{
    static const struct {
        const char *name;
        double per_cubic_foot; // per second
        bool metric;
    } flows[] = {
        { "CFS", 1.0, false },     { "GPM", 448.831, false }, { "AFD", 1.9837, false },
        { "MGD", 0.64632, false }, { "IMGD", 0.5382, false }, { "LPS", 28.317, true },
        { "LPM", 1699.0, true },   { "CMH", 101.94, true },   { "CMD", 2446.6, true },
        { "MLD", 2.4466, true },   { "CMS", 0.028317, true }, { "SI", 28.317, true },
    };
    for (size_t index = 0; index < sizeof flows / sizeof *flows; index++) {
        if (!gm_inp_is(gm_text_of(flow_unit), flows[index].name)) {
            continue;
        }
        bool metric = flows[index].metric;
        *units = (water_units){
            .flow_m3_s = cubic_foot_m3 / flows[index].per_cubic_foot,
            .length_m = metric ? 1.0 : foot_m,
            .diameter_m = metric ? 0.001 : foot_m / 12.0,
            .volume_m3 = metric ? 1.0 : cubic_foot_m3,
            .power_w = metric ? 1000.0 : horsepower_w,
            .pressure_m = metric ? 1.0 : foot_m / (psi_per_foot * specific_gravity),
            .metric = metric,
        };
        return true;
    }
    return false;
}

static double pressure_unit_m(inp_pressure unit, double specific_gravity, double by_flow_m)
{
    double psi_m = foot_m / (psi_per_foot * specific_gravity);
    switch (unit) {
    case INP_PSI:
        return psi_m;
    case INP_KPA:
        return psi_m / kpa_per_psi;
    case INP_BAR:
        return psi_m / bar_per_psi;
    case INP_METERS:
        return 1.0;
    case INP_FEET:
        return foot_m;
    case INP_PRESSURE_BY_FLOW:
        break;
    }
    return by_flow_m;
}

// A setting of this link, in SI.
static double setting_si(const water_plan *plan, const water_link *link, double setting)
{
    switch (link->valve) {
    case WATER_PRV:
    case WATER_PSV:
    case WATER_PBV:
        return setting * plan->units.pressure_m;
    case WATER_FCV:
        return setting * plan->units.flow_m3_s;
    case WATER_PCV: // below 0 % it is closed, above 100 % open
        return fmin(fmax(setting / 100.0, 0.0), 1.0);
    case WATER_NO_VALVE:
    case WATER_TCV:
    case WATER_GPV:
        break;
    }
    return setting;
}

static void nodes_to_si(water_plan *plan)
{
    const water_units *units = &plan->units;
    // an emitter's coefficient is per psi or per metre, whatever unit pressures have
    double psi_m = foot_m / (psi_per_foot * plan->specific_gravity);
    double emitter_m3_s =
        units->flow_m3_s * pow(units->metric ? 1.0 : 1.0 / psi_m, plan->emitter_exponent);
    for (size_t index = 0; index < plan->node_count; index++) {
        water_node *node = &plan->nodes[index];
        node->elevation_m *= units->length_m;
        node->emitter *= emitter_m3_s;
        for (water_category *at = node->demands; at != NULL; at = at->next) {
            at->base_m3_s *= units->flow_m3_s;
        }
        node->level_m *= units->length_m;
        node->min_level_m *= units->length_m;
        node->max_level_m *= units->length_m;
        node->diameter_m *= units->length_m;
        node->min_volume_m3 *= units->volume_m3;
        if (node->min_volume_m3 == 0.0) {
            node->min_volume_m3 =
                node->min_level_m * pi * node->diameter_m * node->diameter_m / 4.0;
        }
    }
}

static void links_to_si(water_plan *plan)
{
    const water_units *units = &plan->units;
    for (size_t index = 0; index < plan->link_count; index++) {
        water_link *link = &plan->links[index];
        // holes: mm2 in 100 units of length, growing by mm2 per metre of pressure
        double leak = 1e-6 * link->length_m / 100.0;
        link->leak_area_m2 *= leak;
        link->leak_expansion_m *= leak;
        link->length_m *= units->length_m;
        link->diameter_m *= units->diameter_m;
        if (plan->formula == DARCY_WEISBACH) { // in thousandths of a foot or metre
            link->roughness *= units->length_m / 1000.0;
        }
        link->power_w *= units->power_w;
        link->setting = setting_si(plan, link, link->setting);
    }
}

static void controls_to_si(water_plan *plan)
{
    for (size_t index = 0; index < plan->control_count; index++) {
        water_control *control = &plan->controls[index];
        const water_link *link = &plan->links[control->link];
        if (control->has_setting) {
            control->setting = setting_si(plan, link, control->setting);
        }
        if (control->node != WATER_NONE) {
            const water_node *node = &plan->nodes[control->node];
            bool pressure = node->kind == WATER_JUNCTION;
            control->limit_m *= pressure ? plan->units.pressure_m : plan->units.length_m;
            control->limit_m += node->elevation_m;
        }
    }
}

static double premise_si(const water_plan *plan, const water_premise *premise)
{
    const water_units *units = &plan->units;
    switch (premise->quantity) {
    case WATER_DEMAND:
    case WATER_FLOW:
        return premise->value * units->flow_m3_s;
    case WATER_HEAD:
    case WATER_LEVEL:
        return premise->value * units->length_m;
    case WATER_PRESSURE:
        return premise->value * units->pressure_m;
    case WATER_SETTING:
        return plan->links[premise->index].valve == WATER_PCV
                   ? premise->value / 100.0
                   : setting_si(plan, &plan->links[premise->index], premise->value);
    case WATER_FILL_TIME:
    case WATER_DRAIN_TIME:
    case WATER_STATUS:
    case WATER_POWER:
    case WATER_TIME:
    case WATER_CLOCK:
        break;
    }
    return premise->value;
}

static void actions_to_si(const water_plan *plan, water_action *actions, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        const water_link *link = &plan->links[actions[index].link];
        actions[index].setting = setting_si(plan, link, actions[index].setting);
    }
}

static void rules_to_si(water_plan *plan)
{
    for (size_t index = 0; index < plan->rule_count; index++) {
        water_rule *rule = &plan->rules[index];
        for (size_t at = 0; at < rule->premise_count; at++) {
            rule->premises[at].value = premise_si(plan, &rule->premises[at]);
        }
        actions_to_si(plan, rule->then, rule->then_count);
        actions_to_si(plan, rule->otherwise, rule->otherwise_count);
    }
}

void gm_inp_to_si(inp_reader *in)
{
    water_plan *plan = in->plan;
    water_units *units = &plan->units;
    bool known = gm_water_units_choose(in->flow_unit, plan->specific_gravity, units);
    (void)known; // it was when it was read
    units->pressure_m = pressure_unit_m(in->pressure, plan->specific_gravity, units->pressure_m);
    double water_m2_s = viscosity_ft2_s * foot_m * foot_m;
    if (in->viscosity > relative_viscosity) {
        plan->viscosity_m2_s = in->viscosity * water_m2_s;
    } else if (in->viscosity > 0.0) {
        plan->viscosity_m2_s = in->viscosity * (units->metric ? 1.0 : foot_m * foot_m);
    }
    plan->minimum_pressure_m *= units->pressure_m;
    plan->required_pressure_m *= units->pressure_m;
    plan->head_error_m *= units->length_m;
    plan->flow_change_m3_s *= units->flow_m3_s;
    nodes_to_si(plan);
    links_to_si(plan);
    controls_to_si(plan);
    rules_to_si(plan);
}
