// What must hold of a network before it is built, and what is settled once it is complete.
//
// The rules are EPANET's (version 2.3.5): what it refuses to open or to run is refused here.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "domain/water/inp_parts.h"

static const double tiny = 1e-6; // EPANET's margin, in the file's units

static gm_status refuse_node(const water_node *node, gm_error *error, const char *what)
{
    return gm_error_at(error, GM_INVALID, node->place, "'%.60s' %s", node->name, what);
}

static gm_status refuse_link(const water_link *link, gm_error *error, const char *what)
{
    return gm_error_at(error, GM_INVALID, link->place, "'%.60s' %s", link->name, what);
}

// ---- patterns and curves that were referred to ----

// The declared name closest to one that was not.
static const char *meant(water_table table, const bool *declared, const char *name,
                         char buffer[300])
{
    enum { CANDIDATES_MAX = 1024 };
    const char *candidates[CANDIDATES_MAX];
    size_t count = 0;
    for (size_t index = 0; index < table.count && count < CANDIDATES_MAX; index++) {
        if (declared[index]) {
            candidates[count++] = gm_water_name_at(table, index);
        }
    }
    const char *nearest = gm_text_nearest(name, candidates, count);
    buffer[0] = '\0';
    if (nearest != NULL) {
        snprintf(buffer, 300, "; did you mean '%.255s'?", nearest);
    }
    return buffer;
}

static gm_status check_declared(const water_plan *plan, gm_error *error)
{
    char buffer[300];
    size_t most = plan->pattern_count > plan->curve_count ? plan->pattern_count : plan->curve_count;
    bool *declared = gm_arena_new(plan->arena, most, sizeof *declared);
    if (declared == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    const water_pattern *pattern = NULL;
    for (size_t index = plan->pattern_count; index-- > 0;) {
        declared[index] = plan->patterns[index].count > 0;
        pattern = declared[index] ? pattern : &plan->patterns[index];
    }
    if (pattern != NULL) {
        return gm_error_at(error, GM_INVALID, pattern->place, "pattern '%.60s' is not declared%s",
                           pattern->name,
                           meant(gm_water_patterns_of(plan), declared, pattern->name, buffer));
    }
    const water_curve *curve = NULL;
    for (size_t index = plan->curve_count; index-- > 0;) {
        declared[index] = plan->curves[index].count > 0;
        curve = declared[index] ? curve : &plan->curves[index];
    }
    if (curve != NULL) {
        return gm_error_at(error, GM_INVALID, curve->place, "curve '%.60s' is not declared%s",
                           curve->name,
                           meant(gm_water_curves_of(plan), declared, curve->name, buffer));
    }
    return GM_OK;
}

// ---- tanks ----

static gm_status check_tank(const water_plan *plan, const water_node *tank, gm_error *error)
{
    if (!(tank->min_level_m <= tank->max_level_m)) {
        return refuse_node(tank, error, "has a minimum level above its maximum level");
    }
    if (!(tank->level_m >= tank->min_level_m && tank->level_m <= tank->max_level_m)) {
        return refuse_node(tank, error, "has an initial level outside its minimum and maximum");
    }
    if (tank->volume_curve == WATER_NONE) {
        return GM_OK;
    }
    const water_curve *curve = &plan->curves[tank->volume_curve];
    if (curve->count < 2) {
        return refuse_node(tank, error, "has a volume curve of one point: expected two or more");
    }
    double length_m = plan->units.length_m;
    if (tank->min_level_m / length_m < curve->x[0] - tiny ||
        tank->max_level_m / length_m > curve->x[curve->count - 1] + tiny) {
        return refuse_node(tank, error, "has levels beyond its volume curve");
    }
    for (size_t index = 1; index < curve->count; index++) {
        if (!(curve->y[index] >= curve->y[index - 1])) {
            return refuse_node(tank, error, "has a volume curve that falls");
        }
    }
    return GM_OK;
}

// ---- pumps and valves ----

// Shutoff head, a design point, and head at the largest flow give head = a - b flow^c.
static bool is_power_law(const double head[3], const double flow[2])
{
    if (head[0] < tiny || head[0] - head[1] < tiny || head[1] - head[2] < tiny || flow[0] < tiny ||
        flow[1] - flow[0] < tiny) {
        return false;
    }
    double exponent = log((head[0] - head[2]) / (head[0] - head[1])) / log(flow[1] / flow[0]);
    return exponent > 0.0 && exponent <= 20.0;
}

static gm_status check_pump(const water_plan *plan, const water_link *pump, gm_error *error)
{
    if (pump->head_curve == WATER_NONE) {
        return pump->power_w > 0.0
                   ? GM_OK
                   : refuse_link(pump, error, "is a pump without a head curve or a power");
    }
    const water_curve *curve = &plan->curves[pump->head_curve];
    const double *x = curve->x, *y = curve->y;
    bool fits = true;
    if (curve->count == 1) {
        fits =
            is_power_law((double[3]){ 1.33334 * y[0], y[0], 0.0 }, (double[2]){ x[0], 2.0 * x[0] });
    } else if (curve->count == 3 && x[0] == 0.0) {
        fits = is_power_law(y, x + 1);
    } else {
        for (size_t index = 1; index < curve->count; index++) {
            fits = fits && y[index] < y[index - 1];
        }
    }
    return fits ? GM_OK
                : gm_error_at(error, GM_INVALID, curve->place,
                              "curve '%.60s' is no head curve for pump '%.60s': heads must fall "
                              "as flows rise",
                              curve->name, pump->name);
}

// The end of a valve that keeps a pressure or a flow: which kind, and whether water comes out
// there.
enum { PRV_IN = 0, PRV_OUT, PSV_IN, PSV_OUT, FCV_IN, FCV_OUT, VALVE_ENDS };

// Ends that may not meet at a node: each valve would set what the other one sets. Bit k: end k.
static const unsigned clashing[VALVE_ENDS] = {
    [PRV_IN] = 1U << PRV_OUT,
    [PRV_OUT] = 1U << PRV_OUT | 1U << PRV_IN | 1U << PSV_IN | 1U << FCV_IN,
    [PSV_IN] = 1U << PSV_IN | 1U << PSV_OUT | 1U << PRV_OUT | 1U << FCV_OUT,
    [PSV_OUT] = 1U << PSV_IN,
    [FCV_IN] = 1U << PRV_OUT,
    [FCV_OUT] = 1U << PSV_IN,
};

static gm_status check_valve_end(const water_plan *plan, uint32_t index, uint32_t node,
                                 uint32_t (*ends)[VALVE_ENDS], gm_error *error)
{
    const water_link *valve = &plan->links[index];
    unsigned kind = valve->valve == WATER_PRV   ? PRV_IN
                    : valve->valve == WATER_PSV ? PSV_IN
                                                : FCV_IN;
    unsigned end = kind + (node == valve->to);
    if (plan->nodes[node].kind != WATER_JUNCTION) {
        return refuse_link(valve, error,
                           "is a PRV, PSV or FCV at a tank or reservoir: put a pipe between them");
    }
    for (unsigned other = 0; other < VALVE_ENDS; other++) {
        if ((clashing[end] >> other & 1) == 0 || ends[node][other] == 0) {
            continue;
        }
        uint32_t before = ends[node][other] - 1;
        const char *name = plan->links[before].name;
        if (before + 1 != index) {
            return gm_error_at(error, GM_INVALID, valve->place,
                               "valves '%.60s' and '%.60s' meet in a way that leaves open which "
                               "one regulates: put a pipe between them",
                               name, valve->name);
        }
        // EPANET 2.3 does not compare a valve with the line before, and such files are about
        gm_water_warn(
            plan, valve->place,
            "valves '%.60s' and '%.60s' meet in a way that leaves open which one regulates", name,
            valve->name);
    }
    if (ends[node][end] == 0) {
        ends[node][end] = index + 1;
    }
    return GM_OK;
}

static gm_status check_valves(const water_plan *plan, gm_error *error)
{
    // the first valve of each end at every node
    uint32_t(*ends)[VALVE_ENDS] = gm_arena_new(plan->arena, plan->node_count, sizeof *ends);
    if (ends == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    gm_status status = GM_OK;
    for (uint32_t index = 0; index < plan->link_count && status == GM_OK; index++) {
        const water_link *valve = &plan->links[index];
        bool regulates =
            valve->valve == WATER_PRV || valve->valve == WATER_PSV || valve->valve == WATER_FCV;
        if (regulates) {
            status = check_valve_end(plan, index, valve->from, ends, error);
        }
        if (regulates && status == GM_OK) {
            status = check_valve_end(plan, index, valve->to, ends, error);
        }
    }
    return status;
}

static gm_status check_links(const water_plan *plan, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; index < plan->link_count && status == GM_OK; index++) {
        const water_link *link = &plan->links[index];
        if (link->kind == WATER_PUMP) {
            status = check_pump(plan, link, error);
        } else if (link->valve == WATER_GPV && plan->curves[link->curve].count < 2) {
            status = refuse_link(link, error, "has a curve of one point: expected two or more");
        }
    }
    return status == GM_OK ? check_valves(plan, error) : status;
}

// ---- the whole ----

static gm_status check_linked(const water_plan *plan, gm_error *error)
{
    bool *linked = gm_arena_new(plan->arena, plan->node_count, sizeof *linked);
    if (linked == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    for (size_t index = 0; index < plan->link_count; index++) {
        linked[plan->links[index].from] = true;
        linked[plan->links[index].to] = true;
    }
    for (size_t index = 0; index < plan->node_count; index++) {
        if (!linked[index] && plan->nodes[index].kind == WATER_JUNCTION) {
            return refuse_node(&plan->nodes[index], error, "is a junction without a link");
        }
    }
    return GM_OK;
}

gm_status gm_water_plan_check(const water_plan *plan, bool whole, gm_error *error)
{
    gm_status status = check_declared(plan, error);
    size_t fixed = 0;
    for (size_t index = 0; index < plan->node_count && status == GM_OK; index++) {
        const water_node *node = &plan->nodes[index];
        fixed += node->kind != WATER_JUNCTION;
        status = node->kind == WATER_TANK ? check_tank(plan, node, error) : GM_OK;
    }
    if (status == GM_OK) {
        status = check_links(plan, error);
    }
    if (status == GM_OK && plan->node_count < 2) {
        status =
            gm_error_at(error, GM_INVALID, plan->place,
                        "a network needs at least two nodes, this one has %zu", plan->node_count);
    }
    if (status == GM_OK && fixed == 0) {
        status = gm_error_at(error, GM_INVALID, plan->place,
                             "a network needs a reservoir or a tank, this one has none");
    }
    return status == GM_OK && whole ? check_linked(plan, error) : status;
}

// ---- settling ----

// A name that can stand in an address: UTF-8 without '/', '*' and control characters. What cannot
// becomes '-'. @return bytes written
static size_t make_plain(const char *name, char plain[GM_NAME_MAX])
{
    gm_text rest = gm_text_of(name);
    size_t size = 0;
    while (rest.size > 0) {
        size_t step = gm_text_utf8_step(rest);
        unsigned char first = (unsigned char)rest.data[0];
        bool fits = step > 0 && first != '/' && first != '*' && first >= ' ' && first != 0x7f;
        step = step > 0 ? step : 1;
        if (fits) {
            memcpy(plain + size, rest.data, step);
            size += step;
        } else {
            plain[size++] = '-';
        }
        rest = (gm_text){ rest.data + step, rest.size - step };
    }
    plain[size] = '\0';
    return size;
}

typedef struct renaming {
    const char *kind;
    water_names *names;
    water_table table;
    const char **name; // of the row
    gm_place place;
    uint32_t index;
} renaming;

static gm_status make_addressable(const water_plan *plan, const renaming *row, gm_error *error)
{
    char plain[GM_NAME_MAX];
    size_t size = make_plain(*row->name, plain), number = row->index;
    if (strcmp(plain, *row->name) == 0) {
        return GM_OK;
    }
    char unique[GM_NAME_MAX];
    memcpy(unique, plain, size + 1);
    while (gm_water_names_find(row->names, row->table, gm_text_of(unique)) != WATER_NONE) {
        number++;
        snprintf(unique, sizeof unique, "%.230s~%zu", plain, number);
    }
    gm_water_warn(plan, row->place, "%s '%.60s' is called '%.60s' here: an address cannot hold it",
                  row->kind, *row->name, unique);
    const char *copy = gm_arena_text(plan->arena, unique, strlen(unique));
    if (copy == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    *row->name = copy;
    return gm_water_names_add(row->names, row->table, row->index, plan->arena)
               ? GM_OK
               : gm_error_set(error, GM_MEMORY, "no memory for the network");
}

gm_status gm_water_plan_name(water_plan *plan, gm_error *error)
{
    gm_status status = GM_OK;
    for (uint32_t index = 0; index < plan->node_count && status == GM_OK; index++) {
        water_node *node = &plan->nodes[index];
        const renaming row = { "node",      &plan->node_names, gm_water_nodes_of(plan),
                               &node->name, node->place,       index };
        status = make_addressable(plan, &row, error);
    }
    for (uint32_t index = 0; index < plan->link_count && status == GM_OK; index++) {
        water_link *link = &plan->links[index];
        const renaming row = { "link",      &plan->link_names, gm_water_links_of(plan),
                               &link->name, link->place,       index };
        status = make_addressable(plan, &row, error);
    }
    for (uint32_t index = 0; index < plan->pattern_count && status == GM_OK; index++) {
        water_pattern *pattern = &plan->patterns[index];
        const renaming row = { "pattern",      &plan->pattern_names, gm_water_patterns_of(plan),
                               &pattern->name, pattern->place,       index };
        status = make_addressable(plan, &row, error);
    }
    return status;
}

// Steps fit into each other: the hydraulic one into those of patterns and reports, that of rules
// into the hydraulic one.
static void settle_times(water_plan *plan)
{
    const int64_t hour_s = 3600;
    plan->pattern_step_s = plan->pattern_step_s > 0 ? plan->pattern_step_s : hour_s;
    plan->report_step_s = plan->report_step_s > 0 ? plan->report_step_s : plan->pattern_step_s;
    plan->step_s = plan->step_s > 0 ? plan->step_s : hour_s;
    plan->step_s = plan->step_s < plan->pattern_step_s ? plan->step_s : plan->pattern_step_s;
    plan->step_s = plan->step_s < plan->report_step_s ? plan->step_s : plan->report_step_s;
    plan->report_start_s = plan->report_start_s > plan->duration_s ? 0 : plan->report_start_s;
    plan->rule_step_s = plan->rule_step_s > 0 ? plan->rule_step_s : plan->step_s / 10;
    plan->rule_step_s = plan->rule_step_s < plan->step_s ? plan->rule_step_s : plan->step_s;
    plan->rule_step_s = plan->rule_step_s > 0 ? plan->rule_step_s : 1;
}

gm_status gm_water_plan_settle(water_plan *plan, gm_error *error)
{
    settle_times(plan);
    return gm_water_plan_name(plan, error);
}
