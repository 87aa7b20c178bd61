// Lines of [JUNCTIONS], [RESERVOIRS], [TANKS], [PIPES], [PUMPS], [VALVES], in the file's units.
#include <string.h>

#include "domain/water/inp_parts.h"

// Nodes and links that EPANET gives a size when the file does not
static const double pipe_length_m = 100.0, pipe_length_ft = 330.0;
static const double diameter_mm = 254.0, diameter_in = 10.0;
static const double roughness_of[] = {
    [HAZEN_WILLIAMS] = 130.0, [DARCY_WEISBACH] = 0.0005, [CHEZY_MANNING] = 0.01
};

static const char *const valve_words[] = {
    [WATER_PRV - 1] = "PRV", [WATER_PSV - 1] = "PSV",
    [WATER_PBV - 1] = "PBV", [WATER_FCV - 1] = "FCV",
    [WATER_TCV - 1] = "TCV", [WATER_GPV - 1] = "GPV",
    [WATER_PCV - 1] = "PCV", NULL,
};

// The units as far as the file has named them: sizes left out are taken in those.
static bool is_metric(const inp_reader *in)
{
    water_units units = { 0 };
    return gm_water_units_choose(in->flow_unit, 1.0, &units) && units.metric;
}

gm_status gm_inp_junction(inp_reader *in)
{
    double elevation = 0.0, demand = 0.0;
    uint32_t pattern = WATER_NONE;
    gm_status status = GM_OK;
    if (in->line.count > 1) {
        status = gm_inp_number(in, 1, "the elevation", &elevation);
    }
    if (status == GM_OK && in->line.count > 2) {
        status = gm_inp_number(in, 2, "the demand", &demand);
    }
    if (status == GM_OK && in->line.count > 3) {
        status = gm_inp_pattern(in, 3, &pattern);
    }
    water_node *node = NULL;
    if (status == GM_OK) {
        status = gm_inp_add_node(in, &node);
    }
    if (status != GM_OK) {
        return status;
    }
    node->kind = WATER_JUNCTION;
    node->elevation_m = elevation;
    status = gm_water_add_demand(in->plan, node, demand, pattern, in->error);
    if (status == GM_OK) {
        node->demands->provisional = true;
    }
    return status;
}

static gm_status take_tank(inp_reader *in, water_node *node)
{
    struct {
        const char *what;
        double *value;
    } fields[] = { { "the initial level", &node->level_m },
                   { "the minimum level", &node->min_level_m },
                   { "the maximum level", &node->max_level_m },
                   { "the diameter", &node->diameter_m },
                   { "the minimum volume", &node->min_volume_m3 } };
    gm_status status = gm_inp_need(in, 6,
                                   "a tank's name, elevation, initial, minimum and maximum level, "
                                   "diameter (a reservoir's name, head, pattern)");
    for (size_t index = 0; index < 5 && index + 2 < in->line.count && status == GM_OK; index++) {
        status = gm_inp_not_negative(in, index + 2, fields[index].what, fields[index].value);
    }
    gm_text curve = in->line.tokens[7];
    if (status == GM_OK && in->line.count > 7 && curve.size > 0 && curve.data[0] != '*') {
        status = gm_inp_curve(in, 7, &node->volume_curve);
    }
    if (status == GM_OK && in->line.count > 8) {
        node->overflows = gm_inp_is(in->line.tokens[8], "YES");
        if (!node->overflows && !gm_inp_is(in->line.tokens[8], "NO")) {
            status = gm_inp_refuse(in, 8, "expected YES or NO for the overflow");
        }
    }
    return status;
}

gm_status gm_inp_tank(inp_reader *in)
{
    water_node read = { .kind = WATER_RESERVOIR,
                        .pattern = WATER_NONE,
                        .volume_curve = WATER_NONE };
    gm_status status =
        gm_inp_need(in, 2, "a name and a head (of a reservoir) or elevation (of a tank)");
    if (status == GM_OK) {
        status = gm_inp_number(in, 1, "the head or elevation", &read.elevation_m);
    }
    if (status == GM_OK && in->line.count == 3) {
        status = gm_inp_pattern(in, 2, &read.pattern);
    } else if (status == GM_OK && in->line.count > 3) {
        read.kind = WATER_TANK;
        status = take_tank(in, &read);
    }
    water_node *node = NULL;
    if (status == GM_OK) {
        status = gm_inp_add_node(in, &node);
    }
    if (status != GM_OK) {
        return status;
    }
    if (read.kind == WATER_TANK && read.diameter_m == 0.0) {
        gm_inp_warn(in, 5, "a tank of diameter 0 is a reservoir, as in EPANET");
        read.kind = WATER_RESERVOIR;
        read.elevation_m += read.level_m;
    }
    read.name = node->name;
    read.place = node->place;
    *node = read;
    return GM_OK;
}

// The two nodes of tokens 1 and 2, and the link itself.
static gm_status take_link(inp_reader *in, water_link_kind kind, water_link **link)
{
    uint32_t from = 0, to = 0;
    gm_status status = gm_inp_need(in, 3, "a link's name and its two nodes");
    if (status == GM_OK) {
        status = gm_inp_node(in, 1, &from);
    }
    if (status == GM_OK) {
        status = gm_inp_node(in, 2, &to);
    }
    if (status == GM_OK && from == to) {
        status = gm_inp_refuse(in, 2, "the link begins and ends at the same node");
    }
    if (status == GM_OK) {
        status = gm_inp_add_link(in, link);
    }
    if (status == GM_OK) {
        (*link)->kind = kind;
        (*link)->from = from;
        (*link)->to = to;
    }
    return status;
}

// Token 6 or 7 of a pipe. @return false: it is no status
static bool take_pipe_status(const inp_reader *in, size_t token, water_link *pipe)
{
    static const char *const words[] = { "CV", "CLOSED", "OPEN", NULL };
    int word = gm_inp_one_of(in->line.tokens[token], words);
    if (word < 0) {
        return false;
    }
    pipe->check_valve = word == 0;
    pipe->status = word == 1 ? WATER_CLOSED : WATER_OPEN;
    return true;
}

gm_status gm_inp_pipe(inp_reader *in)
{
    water_link *pipe = NULL;
    gm_status status = take_link(in, WATER_PIPE, &pipe);
    if (status != GM_OK) {
        return status;
    }
    bool metric = is_metric(in);
    pipe->length_m = metric ? pipe_length_m : pipe_length_ft;
    pipe->diameter_m = metric ? diameter_mm : diameter_in;
    pipe->roughness = roughness_of[in->plan->formula];
    pipe->status = WATER_OPEN;
    struct {
        const char *what;
        double *value;
    } fields[] = { { "the length", &pipe->length_m },
                   { "the diameter", &pipe->diameter_m },
                   { "the roughness", &pipe->roughness } };
    for (size_t index = 0; index < 3 && index + 3 < in->line.count && status == GM_OK; index++) {
        status = gm_inp_positive(in, index + 3, fields[index].what, fields[index].value);
    }
    bool has_status = in->line.count == 7 && take_pipe_status(in, 6, pipe);
    if (status == GM_OK && in->line.count > 6 && !has_status) {
        status =
            gm_inp_not_negative(in, 6, "the minor loss (or OPEN, CLOSED, CV)", &pipe->minor_loss);
    }
    if (status == GM_OK && in->line.count > 7 && !take_pipe_status(in, 7, pipe)) {
        status = gm_inp_refuse(in, 7, "expected OPEN, CLOSED or CV, got '%.*s'",
                               gm_inp_quoted(in->line.tokens[7]), in->line.tokens[7].data);
    }
    return status;
}

// Pumps of EPANET 1: power alone; head and flow; or shutoff head and two points of head and flow.
static gm_status take_old_pump(inp_reader *in, water_link *pump)
{
    double numbers[5] = { 0.0 };
    size_t count = in->line.count - 3;
    if (count != 1 && count != 2 && count < 5) {
        return gm_inp_refuse(in, 3,
                             "expected a pump's power, or head and flow, or shutoff head, "
                             "head, flow, head, flow; or HEAD, POWER, SPEED, PATTERN");
    }
    count = count < 5 ? count : 5;
    for (size_t index = 0; index < count; index++) {
        gm_status status = gm_inp_not_negative(in, index + 3, "the pump", &numbers[index]);
        if (status != GM_OK) {
            return status;
        }
    }
    if (count == 1) {
        pump->power_w = numbers[0];
        return GM_OK;
    }
    char name[GM_NAME_MAX + 8];
    gm_text spelled = { name, strlen(pump->name) + 5 };
    memcpy(name, "pump ", 5);
    memcpy(name + 5, pump->name, spelled.size - 5);
    water_plan *plan = in->plan;
    if (gm_water_names_find(&plan->curve_names, gm_water_curves_of(plan), spelled) != WATER_NONE) {
        return gm_inp_refuse(in, 0, "a curve is named '%.60s', which this pump needs", name);
    }
    gm_status status = gm_water_add_curve(plan, spelled, &pump->head_curve, in->error);
    if (status != GM_OK) {
        return status;
    }
    water_curve *curve = &plan->curves[pump->head_curve];
    curve->place = gm_inp_place(in, 3);
    if (count == 2) {
        return gm_water_add_point(plan, curve, (double[2]){ numbers[1], numbers[0] }, in->error);
    }
    const double points[3][2] = { { 0.0, numbers[0] },
                                  { numbers[2], numbers[1] },
                                  { numbers[4], numbers[3] } };
    for (size_t index = 0; index < 3 && status == GM_OK; index++) {
        status = gm_water_add_point(plan, curve, points[index], in->error);
    }
    return status;
}

gm_status gm_inp_pump(inp_reader *in)
{
    static const char *const words[] = { "POWER", "HEAD", "PATT", "SPEE", NULL };
    water_link *pump = NULL;
    gm_status status = take_link(in, WATER_PUMP, &pump);
    if (status != GM_OK) {
        return status;
    }
    pump->setting = 1.0;
    double number = 0.0;
    if (in->line.count > 3 && gm_text_to_f64(in->line.tokens[3], &number)) {
        status = take_old_pump(in, pump);
    } else {
        for (size_t token = 3; token < in->line.count && status == GM_OK; token += 2) {
            int word = gm_inp_one_of(in->line.tokens[token], words);
            if (word < 0) {
                return gm_inp_refuse(in, token, "expected HEAD, POWER, SPEED or PATTERN");
            }
            status = gm_inp_need(in, token + 2, "a value behind HEAD, POWER, SPEED or PATTERN");
            if (status == GM_OK) {
                status = word == 0   ? gm_inp_positive(in, token + 1, "the power", &pump->power_w)
                         : word == 1 ? gm_inp_curve(in, token + 1, &pump->head_curve)
                         : word == 2
                             ? gm_inp_pattern(in, token + 1, &pump->speed_pattern)
                             : gm_inp_not_negative(in, token + 1, "the speed", &pump->setting);
            }
        }
    }
    pump->status = pump->setting > 0.0 ? WATER_OPEN : WATER_CLOSED;
    return status;
}

// What a valve keeps: tokens 5 and beyond.
static gm_status take_setting(inp_reader *in, water_link *valve)
{
    gm_status status = GM_OK;
    if (valve->valve == WATER_GPV) {
        status = gm_inp_need(in, 6, "a GPV's curve of head loss over flow");
        if (status == GM_OK) {
            status = gm_inp_curve(in, 5, &valve->curve);
        }
        valve->status = WATER_OPEN;
    } else if (in->line.count > 5) {
        status = gm_inp_number(in, 5, "the setting", &valve->setting);
    }
    if (status == GM_OK && in->line.count > 6) {
        status = gm_inp_not_negative(in, 6, "the minor loss", &valve->minor_loss);
    }
    if (status == GM_OK && in->line.count > 7 && valve->valve == WATER_PCV) {
        status = gm_inp_curve(in, 7, &valve->curve);
    }
    return status;
}

gm_status gm_inp_valve(inp_reader *in)
{
    gm_status status =
        gm_inp_need(in, 5, "a valve's name, its two nodes, diameter, kind and setting");
    if (status != GM_OK) {
        return status;
    }
    int kind = gm_inp_one_of(in->line.tokens[4], valve_words);
    if (kind < 0) {
        return gm_inp_refuse(in, 4,
                             "'%.*s' is no kind of valve: expected PRV, PSV, PBV, FCV, TCV, "
                             "GPV or PCV",
                             gm_inp_quoted(in->line.tokens[4]), in->line.tokens[4].data);
    }
    double diameter = is_metric(in) ? diameter_mm : diameter_in;
    status = gm_inp_positive(in, 3, "the diameter", &diameter);
    water_link *valve = NULL;
    if (status == GM_OK) {
        status = take_link(in, WATER_VALVE, &valve);
    }
    if (status != GM_OK) {
        return status;
    }
    valve->valve = (water_valve_kind)(kind + 1);
    valve->diameter_m = diameter;
    valve->status = WATER_ACTIVE;
    return take_setting(in, valve);
}
