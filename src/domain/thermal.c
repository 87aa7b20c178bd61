// Lumped thermal networks: nodes with a heat capacity or a given temperature, conductances between
// them, heat put into them, and streams that carry heat from one to the next.
//
//     capacity_i dT_i/dt = power_i + sum over paths of conductance (T_j - T_i)
//                                  + sum over flows into i of rate specific_heat (T_j - T_i)
//
// A flow is the inlet side of a mass balance: what enters at T_from leaves at T_i, so it changes
// only the node it enters. Only ratios of capacity, conductance and power can be told from
// temperatures: give one of them. Source: Incropera, DeWitt, Bergman, Lavine, Fundamentals of Heat
// and Mass Transfer, 6th ed., Wiley 2007, sections 1.3, 3.1 and 5.1-5.3; as a twin of a heated box:
// Feng, Gomes, Thule, Lausdahl, Iosifidis, Larsen, Introduction to digital twin engineering,
// ANNSIM 2021.
//
//     nodes: { heater: {capacity: 250 J/K, temperature: 22 degC, power: 10 W, position: [0, 0, 1]},
//              room: {fixed: true, temperature: 20 degC} }
//     paths: { heater-air: {conductance: 0.9 W/K},
//              window: {from: air, to: room, conductance: 0.2 W/K} }
//     flows: { fan: {from: room, to: air, flow: 0.01 kg/s, specific heat: 1006 J/(kg K)} }
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "domain/domains.h"
#include "num/lanes.h"

enum { NODE = 0, PATH, FLOW };
enum { CAPACITY = 0, TEMPERATURE, POWER };
enum { CONDUCTANCE = 0, PATH_FLOW };
enum { RATE = 0, SPECIFIC_HEAT, HEAT };
enum { PATH_ENTRIES = 4, FLOW_ENTRIES = 2 }; // of the Jacobian
enum { JOINS = 3 };                          // of a path or flow
enum { SUGGESTED_MAX = 4096 };               // names that are compared for "did you mean"

static const gm_field node_fields[] = {
    [CAPACITY] = { "capacity", "J/K", GM_PARAMETER, GM_F64, 1.0, 1e-9, 1e18,
                   "heat that warms the node by one kelvin" },
    [TEMPERATURE] = { "temperature", "K", GM_STATE, GM_F64, 293.15, 0.0, 1e6, "temperature" },
    [POWER] = { "power", "W", GM_INPUT, GM_F64, 0.0, -1e15, 1e15,
                "heat put into the node; negative cools" },
};

static const gm_field path_fields[] = {
    [CONDUCTANCE] = { "conductance", "W/K", GM_PARAMETER, GM_F64, 1.0, 0.0, 1e15,
                      "heat flow per kelvin between the two nodes" },
    [PATH_FLOW] = { "flow", "W", GM_OUTPUT, GM_F64, 0.0, -1e21, 1e21,
                    "heat flow from the first node to the second" },
};

static const gm_field flow_fields[] = {
    [RATE] = { "rate", "kg/s", GM_INPUT, GM_F64, 0.0, 0.0, 1e9, "mass that streams by" },
    [SPECIFIC_HEAT] = { "specific_heat", "J/(kg K)", GM_PARAMETER, GM_F64, 1006.0, 0.0, 1e6,
                        "heat that warms one kilogram by one kelvin" },
    [HEAT] = { "heat", "W", GM_OUTPUT, GM_F64, 0.0, -1e21, 1e21,
               "heat that the stream brings to the node it enters" },
};

static const gm_class classes[] = {
    [NODE] = { .name = "node",
               .doc = "a body of one temperature",
               .fields = node_fields,
               .field_count = sizeof node_fields / sizeof *node_fields,
               .shape = GM_SHAPE_POINT },
    [PATH] = { .name = "path",
               .doc = "a conductance between two nodes",
               .fields = path_fields,
               .field_count = sizeof path_fields / sizeof *path_fields,
               .shape = GM_SHAPE_LINE },
    [FLOW] = { .name = "flow",
               .doc = "a stream that carries heat from one node into another",
               .fields = flow_fields,
               .field_count = sizeof flow_fields / sizeof *flow_fields,
               .shape = GM_SHAPE_LINE },
};

typedef struct ends {
    uint32_t from, to;
} ends;

/// What attaches to the model.
typedef struct network {
    size_t node_count, path_count, flow_count;
    ends *paths; // [path_count]
    ends *flows; // [flow_count]
} network;

// ---- the equations ----

/// The columns that the kernels read, each [element][width], from the slice's first elements on.
typedef struct view {
    const ends *paths, *flows;
    size_t node_count, path_count, flow_count;
    uint32_t first_node;
    const double *capacity, *temperature, *power, *conductance, *stream, *specific_heat;
    const double *given; // temperatures of all nodes, right for those that are held
} view;

static const ends *links_from(const ends *links, size_t first)
{
    return first > 0 ? links + first : links; // NULL when there are none
}

static view view_of(const gm_model *model, const gm_block *at)
{
    const network *net = gm_model_constants(model);
    const size_t none[] = { 0, 0, 0 },
                 all[] = { net->node_count, net->path_count, net->flow_count };
    const size_t *first = at->slice != NULL ? at->slice->first : none;
    const size_t *end = at->slice != NULL ? at->slice->end : all;
    const double *temperature = gm_column(at, NODE, TEMPERATURE);
    return (view){ .paths = links_from(net->paths, first[PATH]),
                   .flows = links_from(net->flows, first[FLOW]),
                   .node_count = end[NODE] - first[NODE],
                   .path_count = end[PATH] - first[PATH],
                   .flow_count = end[FLOW] - first[FLOW],
                   .first_node = (uint32_t)first[NODE],
                   .temperature = temperature,
                   .given = at->slice != NULL
                                ? at->slice->given[gm_model_column(model, NODE, TEMPERATURE)]
                                : temperature,
                   .capacity = gm_column(at, NODE, CAPACITY),
                   .power = gm_column(at, NODE, POWER),
                   .conductance = gm_column(at, PATH, CONDUCTANCE),
                   .stream = gm_column(at, FLOW, RATE),
                   .specific_heat = gm_column(at, FLOW, SPECIFIC_HEAT) };
}

/// The temperature of a node; outside the slice it is held.
GM_INLINE const double *temperature_of(const view *at, uint32_t node, const size_t width)
{
    uint32_t own = node - at->first_node;
    return own < at->node_count ? at->temperature + own * width : at->given + node * width;
}

/// Where a node's change adds up; `nowhere` for one outside the slice.
GM_INLINE double *change_of(const view *at, uint32_t node, double *change, double *nowhere,
                            const size_t width)
{
    uint32_t own = node - at->first_node;
    return own < at->node_count ? change + own * width : nowhere;
}

GM_INLINE void thermal_rate(const view *at, double *change, const size_t width)
{
    double nowhere[GM_LANES] = { 0 };
    memcpy(change, at->power, at->node_count * width * sizeof *change);
    for (size_t path = 0; path < at->path_count; path++) {
        const double *from = temperature_of(at, at->paths[path].from, width);
        const double *to = temperature_of(at, at->paths[path].to, width);
        const double *conductance = at->conductance + path * width;
        double *loser = change_of(at, at->paths[path].from, change, nowhere, width);
        double *gainer = change_of(at, at->paths[path].to, change, nowhere, width);
        double flow_w[GM_LANES];
        for (size_t lane = 0; lane < width; lane++) {
            flow_w[lane] = conductance[lane] * (from[lane] - to[lane]);
        }
        for (size_t lane = 0; lane < width; lane++) {
            loser[lane] -= flow_w[lane];
        }
        for (size_t lane = 0; lane < width; lane++) {
            gainer[lane] += flow_w[lane];
        }
    }
    for (size_t flow = 0; flow < at->flow_count; flow++) {
        const double *from = temperature_of(at, at->flows[flow].from, width);
        const double *to = temperature_of(at, at->flows[flow].to, width);
        const double *stream = at->stream + flow * width, *heat = at->specific_heat + flow * width;
        double *gainer = change_of(at, at->flows[flow].to, change, nowhere, width);
        for (size_t lane = 0; lane < width; lane++) {
            gainer[lane] += stream[lane] * heat[lane] * (from[lane] - to[lane]);
        }
    }
    for (size_t index = 0; index < at->node_count * width; index++) {
        change[index] /= at->capacity[index];
    }
}

GM_KERNEL static void thermal_rate_1(const view *at, double *restrict change)
{
    thermal_rate(at, change, 1);
}

GM_KERNEL static void thermal_rate_8(const view *at, double *restrict change)
{
    thermal_rate(at, change, GM_LANES);
}

static void rate(const gm_model *model, const gm_block *at, double *restrict rates)
{
    view columns = view_of(model, at);
    double *change = gm_rate_column(at, rates, NODE, TEMPERATURE);
    if (at->width == 1) {
        thermal_rate_1(&columns, change);
    } else {
        thermal_rate_8(&columns, change);
    }
}

/// Entries in the order of declare_jacobian.
GM_INLINE void thermal_slopes(const view *at, double *restrict values, const size_t width)
{
    for (size_t path = 0; path < at->path_count; path++, values += PATH_ENTRIES * width) {
        const double *from = at->capacity + at->paths[path].from * width;
        const double *to = at->capacity + at->paths[path].to * width;
        const double *conductance = at->conductance + path * width;
        for (size_t lane = 0; lane < width; lane++) {
            values[lane] = -conductance[lane] / from[lane];
            values[width + lane] = conductance[lane] / from[lane];
            values[2 * width + lane] = conductance[lane] / to[lane];
            values[3 * width + lane] = -conductance[lane] / to[lane];
        }
    }
    for (size_t flow = 0; flow < at->flow_count; flow++, values += FLOW_ENTRIES * width) {
        const double *to = at->capacity + at->flows[flow].to * width;
        const double *stream = at->stream + flow * width, *heat = at->specific_heat + flow * width;
        for (size_t lane = 0; lane < width; lane++) {
            double carried = stream[lane] * heat[lane] / to[lane];
            values[lane] = carried;
            values[width + lane] = -carried;
        }
    }
}

GM_KERNEL static void thermal_slopes_1(const view *at, double *restrict values)
{
    thermal_slopes(at, values, 1);
}

GM_KERNEL static void thermal_slopes_8(const view *at, double *restrict values)
{
    thermal_slopes(at, values, GM_LANES);
}

static void jacobian(const gm_model *model, const gm_block *at, double *restrict values)
{
    view columns = view_of(model, at);
    if (at->width == 1) {
        thermal_slopes_1(&columns, values);
    } else {
        thermal_slopes_8(&columns, values);
    }
}

static void observe(const gm_model *model, gm_block *block, const gm_wanted *wanted)
{
    (void)wanted;
    view at = view_of(model, block);
    size_t width = (size_t)block->width;
    double *path_flow = gm_column(block, PATH, PATH_FLOW), *heat = gm_column(block, FLOW, HEAT);
    for (size_t path = 0; path_flow != NULL && path < at.path_count; path++) {
        const double *from = at.temperature + at.paths[path].from * width;
        const double *to = at.temperature + at.paths[path].to * width;
        for (size_t lane = 0; lane < width; lane++) {
            size_t index = path * width + lane;
            path_flow[index] = at.conductance[index] * (from[lane] - to[lane]);
        }
    }
    for (size_t flow = 0; heat != NULL && flow < at.flow_count; flow++) {
        const double *from = at.temperature + at.flows[flow].from * width;
        const double *to = at.temperature + at.flows[flow].to * width;
        for (size_t lane = 0; lane < width; lane++) {
            size_t index = flow * width + lane;
            heat[index] = at.stream[index] * at.specific_heat[index] * (from[lane] - to[lane]);
        }
    }
}

// ---- reading the configuration ----

/// One element's field, and the key that configures it.
typedef struct slot {
    size_t class_number, field, element;
    const char *key;
    bool required;
} slot;

static gm_status read_slot(gm_model *model, slot at, const gm_config *map, gm_error *error)
{
    const gm_field *field = &classes[at.class_number].fields[at.field];
    if (!at.required && gm_config_get(map, at.key) == NULL) {
        return GM_OK;
    }
    double value = 0.0;
    gm_quantity quantity = { .unit = field->unit, .min = field->min, .max = field->max };
    gm_status status = gm_config_child_number(map, at.key, quantity, NAN, &value, error);
    return status == GM_OK
               ? gm_model_initial(model, at.class_number, at.field, at.element, value, error)
               : status;
}

/// Adds an element named by a map's key; whatever is wrong with the name is said with its place.
static gm_status add_element(gm_model *model, size_t class_number, const gm_config *child,
                             size_t *element, gm_error *error)
{
    gm_error inner = { 0 };
    gm_status status = gm_model_element(model, class_number, child->key, element, &inner);
    return status == GM_OK ? GM_OK : gm_error_at(error, status, child->key_place, "%s", inner.text);
}

static gm_status read_position(gm_model *model, const gm_config *position, size_t node,
                               gm_error *error)
{
    gm_status status = gm_config_is(position, GM_CONFIG_LIST, "a list of x, y, z", error);
    if (status != GM_OK) {
        return status;
    }
    if (position->count != 3) {
        return gm_error_at(error, GM_INVALID, position->place,
                           "position: expected x, y and z, got %zu numbers", position->count);
    }
    double point[1][3];
    for (size_t axis = 0; status == GM_OK && axis < 3; axis++) {
        status = gm_config_number(&position->children[axis], (gm_quantity){ .unit = "m" },
                                  &point[0][axis], error);
    }
    return status == GM_OK
               ? gm_model_geometry(model, NODE, node, (const double(*)[3])point, 1, error)
               : status;
}

static gm_status read_node(gm_model *model, const gm_config *child, gm_error *error)
{
    static const char *const keys[] = { "capacity", "temperature", "power",
                                        "fixed",    "position",    NULL };
    static const char *const fixed_keys[] = { "temperature", "fixed", "position", NULL };
    size_t node = 0;
    bool fixed = false;
    const gm_config *flag = gm_config_get(child, "fixed");
    const gm_config *position = gm_config_get(child, "position");
    gm_status status = gm_config_is(child, GM_CONFIG_MAP, "a map that describes a node", error);
    if (status == GM_OK) {
        status = gm_config_only(child, keys, error);
    }
    if (status == GM_OK && flag != NULL) {
        status = gm_config_flag(flag, &fixed, error);
    }
    if (status == GM_OK && fixed && gm_config_only(child, fixed_keys, NULL) != GM_OK) {
        return gm_error_at(error, GM_INVALID, child->key_place,
                           "node '%.80s' is fixed: its temperature is given, so capacity and "
                           "power have no place there",
                           child->key);
    }
    if (status == GM_OK) {
        status = add_element(model, NODE, child, &node, error);
    }
    if (status == GM_OK && fixed) {
        status = gm_model_role(model, NODE, TEMPERATURE, node, GM_INPUT, error);
    }
    const slot slots[] = { { NODE, CAPACITY, node, "capacity", !fixed },
                           { NODE, TEMPERATURE, node, "temperature", false },
                           { NODE, POWER, node, "power", false } };
    for (size_t index = 0; status == GM_OK && index < sizeof slots / sizeof *slots; index++) {
        status = read_slot(model, slots[index], child, error);
    }
    if (status == GM_OK && position != NULL) {
        status = read_position(model, position, node, error);
    }
    return status;
}

static gm_status unknown_node(const gm_model *model, const char *name, gm_place place,
                              gm_error *error)
{
    const char *names[SUGGESTED_MAX];
    size_t count = gm_model_element_count(model, NODE);
    count = count < SUGGESTED_MAX ? count : SUGGESTED_MAX;
    for (size_t index = 0; index < count; index++) {
        names[index] = gm_model_element_name(model, NODE, index);
    }
    const char *nearest = gm_text_nearest(name, names, count);
    return gm_error_at(error, GM_NOT_FOUND, place, "there is no node '%.80s'%s%s%s", name,
                       nearest ? "; did you mean '" : "", nearest ? nearest : "",
                       nearest ? "'?" : "");
}

static gm_status read_end(const gm_model *model, const gm_config *link, const char *key,
                          uint32_t *node, gm_error *error)
{
    const gm_config *child = NULL;
    const char *name = NULL;
    gm_status status = gm_config_need(link, key, &child, error);
    if (status == GM_OK) {
        status = gm_config_text(child, &name, error);
    }
    if (status != GM_OK) {
        return status;
    }
    size_t found = gm_model_find_element(model, NODE, name);
    if (found == SIZE_MAX) {
        return unknown_node(model, name, child->place, error);
    }
    *node = (uint32_t)found;
    return GM_OK;
}

/// The node named by `size` bytes; SIZE_MAX when there is none. @param name  out, the bytes with
/// NUL
static size_t find_part(const gm_model *model, const char *bytes, size_t size,
                        char name[GM_NAME_MAX])
{
    if (size >= GM_NAME_MAX) {
        size = GM_NAME_MAX - 1;
    }
    memcpy(name, bytes, size);
    name[size] = '\0';
    return gm_model_find_element(model, NODE, name);
}

/// Finds the two nodes that a key like `heater-air` names; node names may have a dash themselves.
static gm_status split_key(const gm_model *model, const gm_config *link, ends *between,
                           gm_error *error)
{
    const char *key = link->key;
    char first[GM_NAME_MAX], second[GM_NAME_MAX], unknown[GM_NAME_MAX] = "";
    size_t readings = 0, dashes = 0;
    for (const char *dash = strchr(key, '-'); dash != NULL; dash = strchr(dash + 1, '-')) {
        size_t from = find_part(model, key, (size_t)(dash - key), first);
        size_t to = find_part(model, dash + 1, strlen(dash + 1), second);
        dashes++;
        if (from != SIZE_MAX && to != SIZE_MAX) {
            *between = (ends){ (uint32_t)from, (uint32_t)to };
            readings++;
        } else if (from != SIZE_MAX || dashes == 1) {
            memcpy(unknown, from != SIZE_MAX ? second : first, GM_NAME_MAX);
        }
    }
    if (readings == 1) {
        return GM_OK;
    }
    if (readings == 0 && dashes > 0) {
        return unknown_node(model, unknown, link->key_place, error);
    }
    return gm_error_at(
        error, GM_INVALID, link->key_place, "'%.80s' %s: name its two nodes with `from` and `to`",
        key, dashes == 0 ? "does not say what it joins" : "can be read in more than one way");
}

/// The nodes that a path or flow joins: by `from` and `to`, else by its key.
static gm_status read_ends(const gm_model *model, const gm_config *link, ends *between,
                           gm_error *error)
{
    bool named = gm_config_get(link, "from") != NULL || gm_config_get(link, "to") != NULL;
    gm_status status = GM_OK;
    if (named) {
        status = read_end(model, link, "from", &between->from, error);
        if (status == GM_OK) {
            status = read_end(model, link, "to", &between->to, error);
        }
    } else {
        status = split_key(model, link, between, error);
    }
    if (status == GM_OK && between->from == between->to) {
        return gm_error_at(error, GM_INVALID, link->key_place, "'%.80s' leads from '%s' to itself",
                           link->key, gm_model_element_name(model, NODE, between->from));
    }
    return status;
}

/// A path between the same two nodes under its mirrored name is a mistake; parallel paths have
/// names of their own.
static gm_status refuse_mirrored(const gm_model *model, const gm_config *link, const ends *between,
                                 gm_error *error)
{
    gm_string mirrored = { 0 };
    gm_string_format(&mirrored, "%s-%s", gm_model_element_name(model, NODE, between->to),
                     gm_model_element_name(model, NODE, between->from));
    gm_status status = GM_OK;
    if (mirrored.failed) {
        status = gm_error_set(error, GM_MEMORY, "no memory to read paths");
    } else if (gm_model_find_element(model, PATH, mirrored.data) != SIZE_MAX) {
        status = gm_error_at(error, GM_EXISTS, link->key_place,
                             "path '%.80s' is there already as '%.80s'; give a parallel path a "
                             "name of its own, with `from` and `to`",
                             link->key, mirrored.data);
    }
    gm_string_free(&mirrored);
    return status;
}

/// A line between two nodes that have positions.
static gm_status draw(gm_model *model, size_t class_number, size_t element, ends between,
                      gm_error *error)
{
    size_t from_count = 0, to_count = 0;
    const double(*from)[3] = gm_model_points(model, NODE, between.from, &from_count);
    const double(*to)[3] = gm_model_points(model, NODE, between.to, &to_count);
    if (from_count == 0 || to_count == 0) {
        return GM_OK;
    }
    double line[2][3];
    memcpy(line[0], from[0], sizeof line[0]);
    memcpy(line[1], to[0], sizeof line[1]);
    return gm_model_geometry(model, class_number, element, (const double(*)[3])line, 2, error);
}

static gm_status read_path(gm_model *model, const gm_config *child, ends *between, gm_error *error)
{
    static const char *const keys[] = { "from", "to", "conductance", NULL };
    size_t path = 0;
    gm_status status = gm_config_is(child, GM_CONFIG_MAP, "a map that describes a path", error);
    if (status == GM_OK) {
        status = gm_config_only(child, keys, error);
    }
    if (status == GM_OK) {
        status = read_ends(model, child, between, error);
    }
    if (status == GM_OK && gm_config_get(child, "from") == NULL) {
        status = refuse_mirrored(model, child, between, error);
    }
    if (status == GM_OK) {
        status = add_element(model, PATH, child, &path, error);
    }
    if (status == GM_OK) {
        slot conductance = { PATH, CONDUCTANCE, path, "conductance", true };
        status = read_slot(model, conductance, child, error);
    }
    return status == GM_OK ? draw(model, PATH, path, *between, error) : status;
}

static gm_status read_flow(gm_model *model, const gm_config *child, ends *between, gm_error *error)
{
    static const char *const keys[] = { "from", "to", "flow", "specific heat", NULL };
    size_t flow = 0;
    gm_status status = gm_config_is(child, GM_CONFIG_MAP, "a map that describes a flow", error);
    if (status == GM_OK) {
        status = gm_config_only(child, keys, error);
    }
    if (status == GM_OK) {
        status = read_ends(model, child, between, error);
    }
    if (status == GM_OK) {
        status = add_element(model, FLOW, child, &flow, error);
    }
    const slot slots[] = { { FLOW, RATE, flow, "flow", false },
                           { FLOW, SPECIFIC_HEAT, flow, "specific heat", true } };
    for (size_t index = 0; status == GM_OK && index < sizeof slots / sizeof *slots; index++) {
        status = read_slot(model, slots[index], child, error);
    }
    return status == GM_OK ? draw(model, FLOW, flow, *between, error) : status;
}

/// A map of paths or flows; config may be NULL. @param list  out, owner: the network
static gm_status read_links(gm_model *model, const gm_config *config, size_t class_number,
                            ends **list, gm_error *error)
{
    if (config == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_is(
        config, GM_CONFIG_MAP, class_number == PATH ? "a map of paths" : "a map of flows", error);
    if (status != GM_OK) {
        return status;
    }
    *list = gm_memory_new(config->count, sizeof **list);
    if (*list == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu links", config->count);
    }
    for (size_t index = 0; status == GM_OK && index < config->count; index++) {
        const gm_config *child = &config->children[index];
        status = class_number == PATH ? read_path(model, child, &(*list)[index], error)
                                      : read_flow(model, child, &(*list)[index], error);
    }
    return status;
}

static gm_status declare_jacobian(gm_model *model, const network *net, gm_error *error)
{
    size_t count = net->path_count * PATH_ENTRIES + net->flow_count * FLOW_ENTRIES;
    gm_entry *entries = gm_memory_new(count, sizeof *entries), *at = entries;
    if (entries == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a network of %zu paths",
                            net->path_count);
    }
    // the only state column: unknowns are numbered as nodes are
    for (size_t path = 0; path < net->path_count; path++) {
        ends pair = net->paths[path];
        *at++ = (gm_entry){ pair.from, pair.from };
        *at++ = (gm_entry){ pair.from, pair.to };
        *at++ = (gm_entry){ pair.to, pair.from };
        *at++ = (gm_entry){ pair.to, pair.to };
    }
    for (size_t flow = 0; flow < net->flow_count; flow++) {
        ends pair = net->flows[flow];
        *at++ = (gm_entry){ pair.to, pair.from };
        *at++ = (gm_entry){ pair.to, pair.to };
    }
    gm_status status = gm_model_jacobian(model, entries, count, error);
    gm_memory_free(entries);
    return status;
}

/// A path acts on both of its ends and they on each other; a flow on the end it enters.
static gm_status declare_joins(gm_model *model, const network *net, gm_error *error)
{
    size_t count = JOINS * (net->path_count + net->flow_count);
    gm_join *joins = gm_memory_new(count, sizeof *joins), *at = joins;
    if (joins == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a network of %zu paths",
                            net->path_count);
    }
    for (uint32_t link = 0; link < net->path_count + net->flow_count; link++) {
        bool path = link < net->path_count;
        uint32_t element = path ? link : link - (uint32_t)net->path_count;
        uint32_t class_number = path ? PATH : FLOW;
        ends pair = path ? net->paths[element] : net->flows[element];
        *at++ = (gm_join){ NODE, pair.from, NODE, pair.to };
        *at++ = (gm_join){ class_number, element, NODE, pair.from };
        *at++ = (gm_join){ class_number, element, NODE, pair.to };
    }
    gm_status status = gm_model_joins(model, joins, count, error);
    gm_memory_free(joins);
    return status;
}

static gm_status read_network(gm_model *model, const gm_config *config, network *net,
                              gm_error *error)
{
    const gm_config *nodes = NULL;
    gm_status status = gm_config_need(config, "nodes", &nodes, error);
    if (status == GM_OK) {
        status = gm_config_is(nodes, GM_CONFIG_MAP, "a map of nodes", error);
    }
    if (status == GM_OK && nodes->count == 0) {
        status = gm_error_at(error, GM_INVALID, nodes->place, "nodes: at least one is needed");
    }
    for (size_t index = 0; status == GM_OK && index < nodes->count; index++) {
        status = read_node(model, &nodes->children[index], error);
    }
    if (status == GM_OK) {
        status = read_links(model, gm_config_get(config, "paths"), PATH, &net->paths, error);
    }
    if (status == GM_OK) {
        status = read_links(model, gm_config_get(config, "flows"), FLOW, &net->flows, error);
    }
    if (status != GM_OK) {
        return status;
    }
    net->node_count = gm_model_element_count(model, NODE);
    net->path_count = gm_model_element_count(model, PATH);
    net->flow_count = gm_model_element_count(model, FLOW);
    status = declare_joins(model, net, error);
    return status == GM_OK ? declare_jacobian(model, net, error) : status;
}

static gm_status build(gm_model *model, const gm_config *config, gm_error *error)
{
    static const char *const keys[] = { "nodes", "paths", "flows", "integrator", NULL };
    network *net = gm_memory_new(1, sizeof *net);
    if (net == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a network");
    }
    gm_model_attach(model, net);
    gm_status status = gm_config_only(config, keys, error);
    for (size_t number = 0; status == GM_OK && number < sizeof classes / sizeof *classes;
         number++) {
        status = gm_model_class(model, number, &classes[number], error);
    }
    return status == GM_OK ? read_network(model, config, net, error) : status;
}

static void release(gm_model *model)
{
    network *net = gm_model_attached(model);
    if (net != NULL) {
        gm_memory_free(net->paths);
        gm_memory_free(net->flows);
        gm_memory_free(net);
    }
}

const gm_domain gm_thermal = {
    .name = "thermal",
    .summary = "lumped thermal networks: heat capacities, conductances, heat inputs and streams",
    .source = "Incropera, DeWitt, Bergman, Lavine, Fundamentals of Heat and Mass Transfer, 6th "
              "ed., Wiley 2007; Feng et al., Introduction to digital twin engineering, ANNSIM 2021",
    .schema = 1,
    .sliced = true,
    .build = build,
    .rate = rate,
    .jacobian = jacobian,
    .observe = observe,
    .release = release,
};
