// From what a network file says to a model: numbers for nodes and links, constants, elements with
// their start values, geometry.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "domain/water/water_parts.h"

static const double initial_speed_m_s = WATER_FOOT_M; // in pipes, where the first iteration starts
static const double tiny = 1e-6;                      // of a pump's curve, in the file's units
static const double exponent_most = 20.0;
static const double unlimited = 1e10;
// head x flow of one horsepower, ft ft3/s
static const double horsepower_head_flow = 8.814, horsepower_w = 745.7;

enum { NODE_KINDS = 3, LINK_KINDS = 3 };

static const size_t node_class[NODE_KINDS] = { [WATER_JUNCTION] = CLASS_JUNCTION,
                                               [WATER_TANK] = CLASS_TANK,
                                               [WATER_RESERVOIR] = CLASS_RESERVOIR };
static const size_t link_class[LINK_KINDS] = {
    [WATER_PIPE] = CLASS_PIPE, [WATER_PUMP] = CLASS_PUMP, [WATER_VALVE] = CLASS_VALVE
};

/// What the steps of building share.
typedef struct building {
    gm_model *model;
    water_net *net;
    water_plan *plan;
    gm_error *error;
    gm_status status; // the first that failed
} building;

static void *new_rows(building *work, size_t count, size_t size)
{
    void *rows = gm_arena_new(work->net->arena, count > 0 ? count : 1, size);
    if (rows == NULL && work->status == GM_OK) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory for a network");
    }
    return rows;
}

// ---- numbers ----

static size_t first_node(const water_net *net, water_node_kind kind)
{
    return kind == WATER_JUNCTION ? 0
           : kind == WATER_TANK   ? net->junction_count
                                  : net->junction_count + net->tank_count;
}

static size_t first_link(const water_net *net, water_link_kind kind)
{
    return kind == WATER_PIPE   ? 0
           : kind == WATER_PUMP ? net->pipe_count
                                : net->pipe_count + net->pump_count;
}

static void number_nodes(building *work)
{
    water_net *net = work->net;
    const water_plan *plan = work->plan;
    size_t counts[NODE_KINDS] = { 0 }, next[NODE_KINDS];
    for (size_t index = 0; index < plan->node_count; index++) {
        counts[plan->nodes[index].kind]++;
    }
    net->junction_count = counts[WATER_JUNCTION];
    net->tank_count = counts[WATER_TANK];
    net->reservoir_count = counts[WATER_RESERVOIR];
    net->node_count = plan->node_count;
    uint32_t *numbers = new_rows(work, plan->node_count, sizeof *numbers);
    const char **names = new_rows(work, plan->node_count, sizeof *names);
    if (work->status != GM_OK) {
        return;
    }
    for (int kind = 0; kind < NODE_KINDS; kind++) {
        next[kind] = first_node(net, (water_node_kind)kind);
    }
    for (size_t index = 0; index < plan->node_count; index++) {
        size_t number = next[plan->nodes[index].kind]++;
        numbers[index] = (uint32_t)number;
        names[number] = plan->nodes[index].name;
    }
    net->node_of = numbers;
    net->node_names = names;
}

static void number_links(building *work)
{
    water_net *net = work->net;
    const water_plan *plan = work->plan;
    size_t counts[LINK_KINDS] = { 0 }, next[LINK_KINDS];
    for (size_t index = 0; index < plan->link_count; index++) {
        counts[plan->links[index].kind]++;
    }
    net->pipe_count = counts[WATER_PIPE];
    net->pump_count = counts[WATER_PUMP];
    net->valve_count = counts[WATER_VALVE];
    net->link_count = plan->link_count;
    uint32_t *numbers = new_rows(work, plan->link_count, sizeof *numbers);
    const char **names = new_rows(work, plan->link_count, sizeof *names);
    water_ends *ends = new_rows(work, plan->link_count, sizeof *ends);
    if (work->status != GM_OK) {
        return;
    }
    for (int kind = 0; kind < LINK_KINDS; kind++) {
        next[kind] = first_link(net, (water_link_kind)kind);
    }
    for (size_t index = 0; index < plan->link_count; index++) {
        const water_link *link = &plan->links[index];
        size_t number = next[link->kind]++;
        numbers[index] = (uint32_t)number;
        names[number] = link->name;
        ends[number] = (water_ends){ net->node_of[link->from], net->node_of[link->to] };
    }
    net->link_of = numbers;
    net->link_names = names;
    net->ends = ends;
    if (work->status == GM_OK) {
        work->status = gm_network_create(net->node_count, net->link_count,
                                         (const uint32_t(*)[2])ends, &net->topology, work->error);
    }
}

// ---- constants ----

/// Every junction's categories, one behind the other; the default pattern put in.
static void collect_draws(building *work)
{
    water_net *net = work->net;
    const water_plan *plan = work->plan;
    uint32_t *start = new_rows(work, net->junction_count + 1, sizeof *start);
    size_t count = 0;
    for (size_t index = 0; index < plan->node_count; index++) {
        for (water_category *draw = plan->nodes[index].demands; draw != NULL; draw = draw->next) {
            count++;
        }
    }
    water_draw *draws = new_rows(work, count, sizeof *draws);
    if (work->status != GM_OK) {
        return;
    }
    size_t at = 0, junction = 0;
    for (size_t index = 0; index < plan->node_count; index++) {
        if (plan->nodes[index].kind != WATER_JUNCTION) {
            continue;
        }
        for (water_category *draw = plan->nodes[index].demands; draw != NULL; draw = draw->next) {
            bool named = draw->pattern != WATER_NONE;
            draws[at++] = (water_draw){ .pattern = named ? draw->pattern : plan->default_pattern,
                                        .base_m3_s = draw->base_m3_s * plan->demand_multiplier };
        }
        start[++junction] = (uint32_t)at;
    }
    net->draw_start = start;
    net->draws = draws;
}

/// A curve with its axes in SI.
static water_points points_of(building *work, uint32_t curve, double x_unit, double y_unit)
{
    if (curve == WATER_NONE) {
        return (water_points){ 0 };
    }
    const water_curve *from = &work->plan->curves[curve];
    double *x = new_rows(work, from->count, sizeof *x), *y = new_rows(work, from->count, sizeof *y);
    if (work->status != GM_OK) {
        return (water_points){ 0 };
    }
    for (size_t index = 0; index < from->count; index++) {
        x[index] = from->x[index] * x_unit;
        y[index] = from->y[index] * y_unit;
    }
    return (water_points){ .x = x, .y = y, .count = from->count };
}

static void set_tanks(building *work)
{
    water_net *net = work->net;
    const water_plan *plan = work->plan;
    water_tank *tanks = new_rows(work, net->tank_count, sizeof *tanks);
    uint32_t *patterns = new_rows(work, net->reservoir_count, sizeof *patterns);
    size_t tank = 0, reservoir = 0;
    for (size_t index = 0; work->status == GM_OK && index < plan->node_count; index++) {
        const water_node *node = &plan->nodes[index];
        if (node->kind == WATER_RESERVOIR) {
            patterns[reservoir++] = node->pattern;
        }
        if (node->kind != WATER_TANK) {
            continue;
        }
        double area = 0.25 * M_PI * node->diameter_m * node->diameter_m;
        water_tank made = {
            .elevation_m = node->elevation_m,
            .min_depth_m = node->min_level_m,
            .max_depth_m = node->max_level_m,
            .min_volume_m3 =
                node->min_volume_m3 > 0.0 ? node->min_volume_m3 : area * node->min_level_m,
            .area_m2 = area,
            .by_level =
                points_of(work, node->volume_curve, plan->units.length_m, plan->units.volume_m3),
            .overflows = node->overflows,
        };
        made.max_volume_m3 = made.min_volume_m3 + area * (node->max_level_m - node->min_level_m);
        if (made.by_level.count > 0) {
            made.min_volume_m3 = gm_water_interpolate(&made.by_level, node->min_level_m);
            made.max_volume_m3 = gm_water_interpolate(&made.by_level, node->max_level_m);
        }
        tanks[tank++] = made;
    }
    net->tanks = tanks;
    net->head_pattern = patterns;
}

/// head = shutoff - resistance flow^exponent through (0, head[0]) and two more points, in any
/// units. @return false: no such curve
static bool fit_power_law(const double flow[3], const double head[3], water_pump *pump)
{
    double drop = head[0] - head[1], fall = head[0] - head[2];
    if (!(head[0] > tiny && drop > tiny && head[1] - head[2] > tiny && flow[1] > tiny &&
          flow[2] - flow[1] > tiny)) {
        return false;
    }
    pump->exponent = log(fall / drop) / log(flow[2] / flow[1]);
    if (!(pump->exponent > 0.0 && pump->exponent <= exponent_most)) {
        return false;
    }
    pump->shutoff_m = head[0];
    pump->resistance = drop / pow(flow[1], pump->exponent);
    return pump->resistance > 0.0;
}

static void set_pump_curve(building *work, const water_link *link, water_pump *pump)
{
    const water_units *units = &work->plan->units;
    const water_curve *curve = &work->plan->curves[link->head_curve];
    double flow[3] = { 0.0 }, head[3] = { 0.0 };
    bool one = curve->count == 1, three = curve->count == 3 && curve->x[0] == 0.0;
    pump->head = points_of(work, link->head_curve, units->flow_m3_s, units->length_m);
    if (work->status != GM_OK) {
        return;
    }
    bool falls = curve->count > 0;
    if (one) { // the design point: a third more head without flow, twice the flow without head
        flow[1] = curve->x[0];
        flow[2] = 2.0 * flow[1];
        head[0] = 1.33334 * curve->y[0];
        head[1] = curve->y[0];
        falls = fit_power_law(flow, head, pump);
    } else if (three) {
        falls = fit_power_law(curve->x, curve->y, pump);
        flow[1] = curve->x[1];
    } else {
        for (size_t index = 1; index < curve->count; index++) {
            falls = falls && curve->y[index] < curve->y[index - 1];
        }
    }
    if (!falls) {
        work->status = gm_error_at(work->error, GM_INVALID, link->place,
                                   "pump '%s': its curve '%s' does not fall with rising flow",
                                   link->name, curve->name);
        return;
    }
    if (one || three) {
        pump->law = PUMP_POWER_LAW;
        pump->head_most_m = pump->shutoff_m * units->length_m;
        pump->design_m3_s = flow[1] * units->flow_m3_s;
        pump->flow_most_m3_s =
            pow(pump->shutoff_m / pump->resistance, 1.0 / pump->exponent) * units->flow_m3_s;
        pump->shutoff_m = pump->head_most_m;
        pump->resistance *= units->length_m / pow(units->flow_m3_s, pump->exponent);
    } else {
        size_t last = curve->count - 1;
        pump->law = PUMP_BY_POINTS;
        pump->head_most_m = pump->head.y[0];
        pump->flow_most_m3_s = pump->head.x[last];
        pump->design_m3_s = 0.5 * (pump->head.x[0] + pump->head.x[last]);
    }
}

static void set_pump(building *work, const water_link *link, water_pump *pump)
{
    *pump = (water_pump){
        .efficiency = points_of(work, link->efficiency_curve, work->plan->units.flow_m3_s, 0.01),
        .speed_pattern = link->speed_pattern,
        .price_pattern =
            link->price_pattern != WATER_NONE ? link->price_pattern : work->plan->price_pattern,
        .price = isnan(link->price) ? work->plan->price : link->price,
    };
    if (link->head_curve != WATER_NONE) {
        set_pump_curve(work, link, pump);
    } else if (link->power_w > 0.0) {
        pump->law = PUMP_CONSTANT_POWER;
        pump->resistance = horsepower_head_flow * link->power_w / horsepower_w * WATER_FOOT_M *
                           WATER_CUBIC_FOOT_M3;
        pump->design_m3_s = WATER_CUBIC_FOOT_M3;
        pump->head_most_m = pump->flow_most_m3_s = unlimited;
    } else {
        work->status = gm_error_at(work->error, GM_INVALID, link->place,
                                   "pump '%s' has neither a curve nor a power", link->name);
    }
}

static void set_links(building *work)
{
    water_net *net = work->net;
    const water_units *units = &work->plan->units;
    uint8_t *check = new_rows(work, net->pipe_count, 1);
    water_pump *pumps = new_rows(work, net->pump_count, sizeof *pumps);
    water_valve *valves = new_rows(work, net->valve_count, sizeof *valves);
    for (size_t index = 0; work->status == GM_OK && index < net->link_count; index++) {
        const water_link *link = &work->plan->links[index];
        size_t at = net->link_of[index] - first_link(net, link->kind);
        switch (link->kind) {
        case WATER_PIPE:
            check[at] = link->check_valve;
            break;
        case WATER_PUMP:
            set_pump(work, link, &pumps[at]);
            break;
        case WATER_VALVE: {
            bool general = link->valve == WATER_GPV;
            valves[at] = (water_valve){
                .kind = link->valve,
                .points = points_of(work, link->curve, general ? units->flow_m3_s : 0.01,
                                    general ? units->length_m : 0.01),
            };
            break;
        }
        }
    }
    net->check_valve = check;
    net->pumps = pumps;
    net->valves = valves;
}

// ---- elements and their start values ----

/// A start value and its field, class understood.
typedef struct start {
    size_t field;
    double value;
} start;

static void set_starts(building *work, size_t class_number, size_t element, const start *starts,
                       size_t count)
{
    for (size_t index = 0; work->status == GM_OK && index < count; index++) {
        work->status = gm_model_initial(work->model, class_number, starts[index].field, element,
                                        starts[index].value, work->error);
    }
}

#define SET_STARTS(work, class_number, element, ...)                                               \
    set_starts((work), (class_number), (element), (const start[]){ __VA_ARGS__ },                  \
               sizeof((const start[]){ __VA_ARGS__ }) / sizeof(start))

static void start_node(building *work, const water_node *node, size_t element)
{
    switch (node->kind) {
    case WATER_JUNCTION:
        SET_STARTS(work, CLASS_JUNCTION, element, { JUNCTION_ELEVATION, node->elevation_m },
                   { JUNCTION_EMITTER, node->emitter }, { JUNCTION_HEAD, node->elevation_m });
        break;
    case WATER_TANK:
        SET_STARTS(work, CLASS_TANK, element, { TANK_LEVEL, node->level_m });
        break;
    case WATER_RESERVOIR:
        SET_STARTS(work, CLASS_RESERVOIR, element, { RESERVOIR_BASE_HEAD, node->elevation_m },
                   { RESERVOIR_HEAD, node->elevation_m });
        break;
    }
}

/// The field of a valve that holds its setting; VALVE_FIELDS: none does.
static size_t setting_field(water_valve_kind kind)
{
    static const size_t fields[] = {
        [WATER_NO_VALVE] = VALVE_FIELDS,      [WATER_PRV] = VALVE_PRESSURE_SETTING,
        [WATER_PSV] = VALVE_PRESSURE_SETTING, [WATER_PBV] = VALVE_PRESSURE_SETTING,
        [WATER_FCV] = VALVE_FLOW_SETTING,     [WATER_TCV] = VALVE_LOSS_COEFFICIENT,
        [WATER_GPV] = VALVE_FIELDS,           [WATER_PCV] = VALVE_OPENING,
    };
    return fields[kind];
}

static void start_valve(building *work, const water_link *link, size_t element)
{
    double column_pa = WATER_COLUMN_PA * work->plan->specific_gravity;
    double area = 0.25 * M_PI * link->diameter_m * link->diameter_m;
    bool closed = link->status == WATER_CLOSED;
    SET_STARTS(work, CLASS_VALVE, element, { VALVE_DIAMETER, link->diameter_m },
               { VALVE_MINOR_LOSS, link->minor_loss }, { VALVE_STATUS, (double)link->status },
               { VALVE_FLOW, closed ? WATER_FLOW_NONE : area * initial_speed_m_s });
    size_t field = setting_field(link->valve);
    if (field != VALVE_FIELDS) {
        double unit = field == VALVE_PRESSURE_SETTING ? column_pa : 1.0;
        SET_STARTS(work, CLASS_VALVE, element, { field, link->setting * unit });
    }
}

static void start_link(building *work, const water_link *link, size_t element)
{
    double area = 0.25 * M_PI * link->diameter_m * link->diameter_m;
    bool closed = link->status == WATER_CLOSED;
    switch (link->kind) {
    case WATER_PIPE:
        SET_STARTS(work, CLASS_PIPE, element, { PIPE_LENGTH, link->length_m },
                   { PIPE_DIAMETER, link->diameter_m }, { PIPE_ROUGHNESS, link->roughness },
                   { PIPE_MINOR_LOSS, link->minor_loss }, { PIPE_LEAK_AREA, link->leak_area_m2 },
                   { PIPE_LEAK_GROWTH, link->leak_expansion_m },
                   { PIPE_STATUS, (double)link->status },
                   { PIPE_FLOW, closed ? WATER_FLOW_NONE : area * initial_speed_m_s });
        break;
    case WATER_PUMP: {
        double design = work->net->pumps[element].design_m3_s * link->setting;
        double speed = link->setting > 0.0 ? link->setting : 1.0; // when it is switched on
        SET_STARTS(work, CLASS_PUMP, element, { PUMP_STATUS, (double)link->status },
                   { PUMP_SPEED, speed }, { PUMP_FLOW, closed ? WATER_FLOW_NONE : design });
        break;
    }
    case WATER_VALVE:
        start_valve(work, link, element);
        break;
    }
}

/// Adds an element; what is wrong with its name or values is said with its place.
static size_t add_element(building *work, size_t class_number, const char *name, gm_place place)
{
    gm_error inner = { 0 };
    size_t element = 0;
    gm_status status = gm_model_element(work->model, class_number, name, &element, &inner);
    if (status != GM_OK) {
        work->status = gm_error_at(work->error, status, place, "%s", inner.text);
    }
    return element;
}

static void add_nodes(building *work)
{
    const water_plan *plan = work->plan;
    for (size_t index = 0; work->status == GM_OK && index < plan->node_count; index++) {
        const water_node *node = &plan->nodes[index];
        size_t class_number = node_class[node->kind];
        size_t element = add_element(work, class_number, node->name, node->place);
        if (work->status == GM_OK) {
            start_node(work, node, element);
        }
        if (work->status == GM_OK && node->has_point) {
            const double point[1][3] = { { node->x, node->y, node->elevation_m } };
            work->status =
                gm_model_geometry(work->model, class_number, element, point, 1, work->error);
        }
    }
}

/// A link's points, from end to end; none when an end has none.
static void place_link(building *work, const water_link *link, size_t element)
{
    const water_node *from = &work->plan->nodes[link->from], *to = &work->plan->nodes[link->to];
    if (!from->has_point || !to->has_point) {
        return;
    }
    size_t count = 2, at = 0;
    for (const water_point *point = link->vertices; point != NULL; point = point->next) {
        count++;
    }
    double(*points)[3] = gm_memory_new(count, sizeof *points);
    if (points == NULL) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory for a network's map");
        return;
    }
    points[at][0] = from->x, points[at][1] = from->y, points[at++][2] = from->elevation_m;
    for (const water_point *point = link->vertices; point != NULL; point = point->next, at++) {
        points[at][0] = point->x, points[at][1] = point->y;
        points[at][2] = 0.5 * (from->elevation_m + to->elevation_m);
    }
    points[at][0] = to->x, points[at][1] = to->y, points[at][2] = to->elevation_m;
    work->status = gm_model_geometry(work->model, link_class[link->kind], element,
                                     (const double(*)[3])points, count, work->error);
    gm_memory_free(points);
}

/// A commanded link's status and setting are inputs: drivers may move them.
static void command_link(building *work, const water_link *link, size_t element)
{
    static const size_t status_field[LINK_KINDS] = { PIPE_STATUS, PUMP_STATUS, VALVE_STATUS };
    size_t class_number = link_class[link->kind];
    work->status = gm_model_role(work->model, class_number, status_field[link->kind], element,
                                 GM_INPUT, work->error);
    size_t setting = link->kind == WATER_PUMP    ? PUMP_SPEED
                     : link->kind == WATER_VALVE ? setting_field(link->valve)
                                                 : VALVE_FIELDS;
    if (work->status == GM_OK && link->kind != WATER_PIPE && setting != VALVE_FIELDS) {
        work->status =
            gm_model_role(work->model, class_number, setting, element, GM_INPUT, work->error);
    }
}

static void add_links(building *work)
{
    const water_plan *plan = work->plan;
    for (size_t index = 0; work->status == GM_OK && index < plan->link_count; index++) {
        const water_link *link = &plan->links[index];
        size_t element = add_element(work, link_class[link->kind], link->name, link->place);
        if (work->status == GM_OK) {
            start_link(work, link, element);
        }
        if (work->status == GM_OK) {
            place_link(work, link, element);
        }
        if (work->status == GM_OK && link->commanded) {
            command_link(work, link, element);
        }
    }
}

static void add_classes(building *work)
{
    bool by_height = work->plan->formula == DARCY_WEISBACH;
    for (size_t number = 0; work->status == GM_OK && number < WATER_CLASSES; number++) {
        const gm_class *declared = number == CLASS_PIPE && by_height ? &gm_water_pipe_by_height
                                                                     : &gm_water_classes[number];
        work->status = gm_model_class(work->model, number, declared, work->error);
    }
    if (work->status == GM_OK) {
        work->status = gm_model_element(work->model, CLASS_NETWORK, "network", NULL, work->error);
    }
    for (size_t index = 0; work->status == GM_OK && index < work->plan->pattern_count; index++) {
        add_element(work, CLASS_PATTERN, work->plan->patterns[index].name,
                    work->plan->patterns[index].place);
    }
}

gm_status gm_water_build(gm_model *model, const gm_config *config, gm_error *error)
{
    gm_arena *arena = gm_arena_create(0);
    water_net *net = arena != NULL ? gm_arena_new(arena, 1, sizeof *net) : NULL;
    if (net == NULL) {
        gm_arena_close(arena);
        return gm_error_set(error, GM_MEMORY, "no memory for a network");
    }
    net->arena = arena;
    gm_model_attach(model, net); // from here on release frees it
    building work = { .model = model, .net = net, .error = error };
    work.status = gm_water_plan_read(config, model, arena, &work.plan, error);
    net->plan = work.plan;
    void (*const steps[])(building *) = { number_nodes, number_links, collect_draws, set_tanks,
                                          set_links,    add_classes,  add_nodes,     add_links };
    for (size_t index = 0; work.status == GM_OK && index < sizeof steps / sizeof *steps; index++) {
        steps[index](&work);
    }
    if (work.status == GM_OK) {
        work.status = gm_water_solver_create(net, arena, &net->solver, error);
    }
    if (work.status == GM_OK) {
        gm_model_hidden(model, gm_water_memory_size(net));
        gm_model_scratch(model, gm_water_scratch_size(net));
        gm_model_span(model, work.plan->duration_s * INT64_C(1000000000),
                      work.plan->report_step_s * INT64_C(1000000000));
    }
    return work.status;
}
