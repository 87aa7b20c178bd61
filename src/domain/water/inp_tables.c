// Lines of [PATTERNS], [CURVES], [DEMANDS], [EMITTERS], [LEAKAGE], [STATUS], [COORDINATES],
// [VERTICES], in the file's units.
#include <string.h>

#include "domain/water/inp_parts.h"

gm_status gm_inp_pattern_line(inp_reader *in)
{
    water_plan *plan = in->plan;
    gm_status status = gm_inp_need(in, 2, "a pattern's name and its factors");
    gm_text name = in->line.tokens[0];
    bool same = in->last_pattern != WATER_NONE &&
                gm_text_equal(name, plan->patterns[in->last_pattern].name);
    if (status == GM_OK && name.size == 0) {
        return gm_inp_refuse(in, 0, "a name is empty");
    }
    if (status == GM_OK && !same) {
        status = gm_inp_pattern(in, 0, &in->last_pattern);
    }
    if (status != GM_OK) {
        return status;
    }
    water_pattern *pattern = &plan->patterns[in->last_pattern];
    if (pattern->count == 0) {
        pattern->place = gm_inp_place(in, 0);
    }
    for (size_t token = 1; token < in->line.count && status == GM_OK; token++) {
        double factor = 0.0;
        status = gm_inp_number(in, token, "a pattern's factor", &factor);
        if (status == GM_OK) {
            status = gm_water_add_factor(plan, pattern, factor, in->error);
        }
    }
    return status;
}

gm_status gm_inp_curve_line(inp_reader *in)
{
    water_plan *plan = in->plan;
    double point[2] = { 0.0, 0.0 };
    gm_status status = gm_inp_need(in, 3, "a curve's name, x and y");
    if (status == GM_OK) {
        status = gm_inp_number(in, 1, "x", &point[0]);
    }
    if (status == GM_OK) {
        status = gm_inp_number(in, 2, "y", &point[1]);
    }
    bool same = in->last_curve != WATER_NONE &&
                gm_text_equal(in->line.tokens[0], plan->curves[in->last_curve].name);
    if (status == GM_OK && !same) {
        status = gm_inp_curve(in, 0, &in->last_curve);
    }
    if (status != GM_OK) {
        return status;
    }
    water_curve *curve = &plan->curves[in->last_curve];
    if (curve->count == 0) {
        curve->place = gm_inp_place(in, 0);
    } else if (!(point[0] > curve->x[curve->count - 1])) {
        return gm_inp_refuse(in, 1, "x of curve '%.60s' must increase, got %.9g after %.9g",
                             curve->name, point[0], curve->x[curve->count - 1]);
    }
    return gm_water_add_point(plan, curve, point, in->error);
}

gm_status gm_inp_demand(inp_reader *in)
{
    double base = 0.0;
    uint32_t index = 0, pattern = WATER_NONE;
    gm_status status = gm_inp_need(in, 2, "a junction and its demand");
    if (status == GM_OK) {
        status = gm_inp_number(in, 1, "the demand", &base);
    }
    if (status == GM_OK) {
        status = gm_inp_node(in, 0, &index);
    }
    if (status != GM_OK) {
        return status;
    }
    water_node *node = &in->plan->nodes[index];
    if (node->kind != WATER_JUNCTION) {
        gm_inp_warn(in, 0, "the demand of '%.60s' is not used: it is no junction", node->name);
        return GM_OK;
    }
    if (in->line.count > 2) {
        status = gm_inp_pattern(in, 2, &pattern);
    }
    if (status != GM_OK) {
        return status;
    }
    water_category *first = node->demands;
    if (first->provisional) {
        *first = (water_category){ .base_m3_s = base, .pattern = pattern };
        return GM_OK;
    }
    return gm_water_add_demand(in->plan, node, base, pattern, in->error);
}

gm_status gm_inp_emitter(inp_reader *in)
{
    uint32_t index = 0;
    double coefficient = 0.0;
    gm_status status = gm_inp_need(in, 2, "a junction and its emitter's coefficient");
    if (status == GM_OK) {
        status = gm_inp_node(in, 0, &index);
    }
    if (status != GM_OK) {
        return status;
    }
    water_node *node = &in->plan->nodes[index];
    if (node->kind != WATER_JUNCTION) {
        gm_inp_warn(in, 0, "the emitter of '%.60s' is not used: it is no junction", node->name);
        return GM_OK;
    }
    status = gm_inp_not_negative(in, 1, "the emitter's coefficient", &coefficient);
    node->emitter = coefficient;
    return status;
}

gm_status gm_inp_leakage(inp_reader *in)
{
    uint32_t index = 0;
    double area = 0.0, expansion = 0.0;
    gm_status status =
        gm_inp_need(in, 3, "a pipe, the area of its holes, and how that grows with pressure");
    if (status == GM_OK) {
        status = gm_inp_link(in, 0, &index);
    }
    if (status != GM_OK) {
        return status;
    }
    water_link *pipe = &in->plan->links[index];
    if (pipe->kind != WATER_PIPE) {
        gm_inp_warn(in, 0, "the leakage of '%.60s' is not used: it is no pipe", pipe->name);
        return GM_OK;
    }
    status = gm_inp_not_negative(in, 1, "the leak area", &area);
    if (status == GM_OK) {
        status = gm_inp_not_negative(in, 2, "the leak area's growth", &expansion);
    }
    if (status == GM_OK) {
        pipe->leak_area_m2 = area;
        pipe->leak_expansion_m = expansion;
    }
    return status;
}

// ---- [STATUS] ----

typedef struct wanted_status {
    bool is_number;
    water_status status;
    double setting;
} wanted_status;

static void change_status(water_link *link, const wanted_status *wanted)
{
    bool fixed = link->kind == WATER_PIPE || link->valve == WATER_GPV;
    if (link->check_valve || (fixed && wanted->is_number)) {
        return;
    }
    link->status = wanted->status;
    if (fixed) {
        return;
    }
    if (link->kind == WATER_PUMP) {
        link->setting = wanted->is_number              ? wanted->setting
                        : wanted->status == WATER_OPEN ? 1.0
                                                       : 0.0;
        link->status = link->setting > 0.0 ? WATER_OPEN : WATER_CLOSED;
    } else if (wanted->is_number) {
        link->setting = wanted->setting;
        link->status = WATER_ACTIVE;
    }
}

// The whole number a name begins with; 0 when there is none.
static int64_t leading_number(gm_text name)
{
    size_t digits = 0;
    while (digits < name.size && digits < 18 && name.data[digits] >= '0' &&
           name.data[digits] <= '9') {
        digits++;
    }
    int64_t number = 0;
    return gm_text_to_i64((gm_text){ name.data, digits }, &number) ? number : 0;
}

static int compare(gm_text text, const char *name)
{
    size_t size = strlen(name), least = text.size < size ? text.size : size;
    int order = memcmp(text.data, name, least);
    return order != 0 ? order : (text.size > size) - (text.size < size);
}

// All links from one name to another: by number where both begin with one, else by letter.
static gm_status change_range(inp_reader *in, const wanted_status *wanted)
{
    if (in->ranges++ == INP_RANGES_MAX) {
        return gm_inp_refuse(in, 0, "more than %d ranges of links in [STATUS]", INP_RANGES_MAX);
    }
    gm_text low = in->line.tokens[0], high = in->line.tokens[1];
    int64_t first = leading_number(low), last = leading_number(high);
    bool by_number = first > 0 && last > 0;
    for (size_t index = 0; index < in->plan->link_count; index++) {
        water_link *link = &in->plan->links[index];
        int64_t number = by_number ? leading_number(gm_text_of(link->name)) : 0;
        bool inside = by_number ? number >= first && number <= last
                                : compare(low, link->name) <= 0 && compare(high, link->name) >= 0;
        if (inside) {
            change_status(link, wanted);
        }
    }
    return GM_OK;
}

gm_status gm_inp_status(inp_reader *in)
{
    static const char *const words[] = { "OPEN", "CLOSED", NULL };
    wanted_status wanted = { 0 };
    gm_status status = gm_inp_need(in, 2, "a link and OPEN, CLOSED or a setting");
    if (status != GM_OK) {
        return status;
    }
    size_t last = in->line.count - 1;
    int word = gm_inp_one_of(in->line.tokens[last], words);
    wanted.is_number = word < 0;
    wanted.status = word == 1 ? WATER_CLOSED : WATER_OPEN;
    if (wanted.is_number) {
        status = gm_inp_not_negative(in, last, "the setting (or OPEN, CLOSED)", &wanted.setting);
    }
    if (status != GM_OK) {
        return status;
    }
    if (in->line.count > 2) {
        return change_range(in, &wanted);
    }
    uint32_t index = 0;
    status = gm_inp_link(in, 0, &index);
    if (status != GM_OK) {
        return status;
    }
    water_link *link = &in->plan->links[index];
    if (link->check_valve) {
        return gm_inp_refuse(in, 0, "the status of '%.60s' cannot be set: it has a check valve",
                             link->name);
    }
    if (link->valve == WATER_GPV && wanted.is_number) {
        return gm_inp_refuse(in, 1, "expected OPEN or CLOSED for a GPV");
    }
    if (link->kind == WATER_PIPE && wanted.is_number) {
        gm_inp_warn(in, 1, "a number is not used as the status of a pipe");
    }
    change_status(link, &wanted);
    return GM_OK;
}

// ---- the map ----

// A point of tokens 1 and 2. What is wrong on the map harms no result: it is left out, as in
// EPANET, but not in silence.
static bool take_point(const inp_reader *in, double point[2])
{
    if (in->line.count < 3 || !gm_text_to_f64(in->line.tokens[1], &point[0]) ||
        !gm_text_to_f64(in->line.tokens[2], &point[1])) {
        gm_inp_warn(in, 0, "this point is not used: expected a name, x and y");
        return false;
    }
    return true;
}

gm_status gm_inp_coordinate(inp_reader *in)
{
    water_plan *plan = in->plan;
    double point[2];
    gm_text name = in->line.tokens[0];
    uint32_t index = gm_water_names_find(&plan->node_names, gm_water_nodes_of(plan), name);
    if (index == WATER_NONE) {
        gm_inp_warn(in, 0, "this point is not used: there is no node '%.*s'", gm_inp_quoted(name),
                    name.data);
    } else if (take_point(in, point)) {
        plan->nodes[index].x = point[0];
        plan->nodes[index].y = point[1];
        plan->nodes[index].has_point = true;
    }
    return GM_OK;
}

gm_status gm_inp_vertex(inp_reader *in)
{
    water_plan *plan = in->plan;
    double point[2];
    gm_text name = in->line.tokens[0];
    uint32_t index = gm_water_names_find(&plan->link_names, gm_water_links_of(plan), name);
    if (index == WATER_NONE) {
        gm_inp_warn(in, 0, "this point is not used: there is no link '%.*s'", gm_inp_quoted(name),
                    name.data);
        return GM_OK;
    }
    if (!take_point(in, point)) {
        return GM_OK;
    }
    water_point *vertex = gm_arena_new(plan->arena, 1, sizeof *vertex);
    if (vertex == NULL) {
        return gm_inp_no_memory(in);
    }
    vertex->x = point[0];
    vertex->y = point[1];
    water_link *link = &plan->links[index];
    if (link->vertices == NULL) {
        link->vertices = vertex;
    } else {
        link->last_vertex->next = vertex;
    }
    link->last_vertex = vertex;
    return GM_OK;
}
