// Nodes and links of the world file: `junctions: {J1: {demand: 0.3 l/s}}`. A name that is known
// has the given keys changed; any other is added, and then needs what makes it one.
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "domain/water/overlay_parts.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

// A number of a row, as the configuration gives it
typedef struct number_key {
    const char *key;
    gm_quantity quantity;
    size_t offset; // in the row
} number_key;

typedef struct element_class {
    const char *key, *one; // "pipes", "pipe"
    bool is_link;
    water_node_kind node_kind;
    water_link_kind link_kind;
    const char *const *keys;  // ends in NULL
    const char *const *needs; // of a new one; ends in NULL
    const number_key *numbers;
    size_t number_count;
    gm_status (*read)(const overlay *in, const gm_config *map, void *row); // the other keys
} element_class;

static const char *const status_words[] = {
    [WATER_CLOSED] = "closed", [WATER_OPEN] = "open", [WATER_ACTIVE] = "active", NULL
};
static const char *const valve_words[] = { "PRV", "PSV", "PBV", "FCV", "TCV", "GPV", "PCV", NULL };

// ---- values ----

static gm_status read_numbers(const gm_config *map, const number_key *numbers, size_t count,
                              void *row, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; index < count && status == GM_OK; index++) {
        const gm_config *child = gm_config_get(map, numbers[index].key);
        double value = 0.0;
        if (child != NULL) {
            status = gm_config_number(child, numbers[index].quantity, &value, error);
        }
        if (child != NULL && status == GM_OK) {
            memcpy((char *)row + numbers[index].offset, &value, sizeof value);
        }
    }
    return status;
}

static gm_status read_pair(const gm_config *list, const char *const units[2], double pair[2],
                           gm_error *error)
{
    gm_status status = gm_config_is(list, GM_CONFIG_LIST, "a list of two numbers", error);
    if (status == GM_OK && list->count != 2) {
        return gm_error_at(error, GM_INVALID, list->place, "expected two numbers, got %zu",
                           list->count);
    }
    for (size_t index = 0; index < 2 && status == GM_OK; index++) {
        gm_quantity quantity = { .unit = units[index] };
        status = gm_config_number(&list->children[index], quantity, &pair[index], error);
    }
    return status;
}

static gm_status read_position(const gm_config *map, water_node *node, gm_error *error)
{
    static const char *const metres[2] = { "m", "m" };
    const gm_config *position = gm_config_get(map, "position");
    double at[2];
    if (position == NULL) {
        return GM_OK;
    }
    gm_status status = read_pair(position, metres, at, error);
    if (status == GM_OK) {
        node->x = at[0];
        node->y = at[1];
        node->has_point = true;
    }
    return status;
}

static gm_status read_pattern(const overlay *in, const gm_config *map, const char *key,
                              uint32_t *pattern)
{
    const gm_config *named = gm_config_get(map, key);
    return named == NULL ? GM_OK : gm_overlay_pattern(in, named, pattern);
}

// What a curve's axes are, and what one of the curve's own units is in SI
typedef struct curve_axes {
    const char *const units[2];
    double scale[2];
} curve_axes;

static gm_status read_points(const overlay *in, const gm_config *list, const curve_axes *axes,
                             uint32_t *index)
{
    uint32_t made = 0;
    if (list->count == 0) {
        return gm_error_at(in->error, GM_INVALID, list->place, "a curve needs a point");
    }
    gm_status status = gm_water_add_curve(in->plan, gm_text_of("curve"), &made, in->error);
    for (size_t at = 0; at < list->count && status == GM_OK; at++) {
        water_curve *curve = &in->plan->curves[made];
        double point[2];
        curve->place = list->place;
        status = read_pair(&list->children[at], axes->units, point, in->error);
        if (status != GM_OK) {
            break;
        }
        point[0] /= axes->scale[0];
        point[1] /= axes->scale[1];
        if (at > 0 && !(point[0] > curve->x[at - 1])) {
            return gm_error_at(in->error, GM_INVALID, list->children[at].place,
                               "the first number of a curve's points must increase");
        }
        status = gm_water_add_point(in->plan, curve, point, in->error);
    }
    if (status == GM_OK) {
        *index = made;
    }
    return status;
}

// A curve of the network file by its name, or points.
static gm_status read_curve(const overlay *in, const gm_config *config, const curve_axes *axes,
                            uint32_t *index)
{
    if (config->kind == GM_CONFIG_LIST) {
        return read_points(in, config, axes, index);
    }
    const char *name = NULL;
    gm_status status = gm_config_text(config, &name, in->error);
    if (status != GM_OK) {
        return status;
    }
    const water_plan *plan = in->plan;
    char meant[300];
    uint32_t found =
        gm_water_names_find(&plan->curve_names, gm_water_curves_of(plan), gm_text_of(name));
    if (found == WATER_NONE) {
        return gm_error_at(in->error, GM_INVALID, config->place,
                           "there is no curve '%.60s' (or expected a list of points)%s", name,
                           gm_water_meant(gm_water_curves_of(plan), gm_text_of(name), meant));
    }
    *index = found;
    return GM_OK;
}

static gm_status read_status(const gm_config *map, bool may_be_active, water_status *status,
                             gm_error *error)
{
    const gm_config *child = gm_config_get(map, "status");
    size_t word = 0;
    gm_status read = child != NULL ? gm_config_choice(child, status_words, &word, error) : GM_OK;
    if (child == NULL || read != GM_OK) {
        return read;
    }
    if (word == WATER_ACTIVE && !may_be_active) {
        return gm_error_at(error, GM_INVALID, child->place, "status: expected open or closed");
    }
    *status = (water_status)word;
    return GM_OK;
}

static gm_status read_flag(const gm_config *map, const char *key, bool *flag, gm_error *error)
{
    const gm_config *child = gm_config_get(map, key);
    return child != NULL ? gm_config_flag(child, flag, error) : GM_OK;
}

// ---- nodes ----

static gm_status read_junction(const overlay *in, const gm_config *map, void *row)
{
    water_node *node = row;
    const gm_config *demand = gm_config_get(map, "demand");
    gm_status status = GM_OK;
    if (node->demands == NULL) {
        status = gm_water_add_demand(in->plan, node, 0.0, WATER_NONE, in->error);
    }
    if (status == GM_OK && demand != NULL) { // one demand takes the place of all categories
        gm_quantity quantity = { .unit = "m3/s" };
        double base = 0.0;
        status = gm_config_number(demand, quantity, &base, in->error);
        node->demands->base_m3_s = base;
        node->demands->next = NULL;
        node->last_demand = node->demands;
    }
    for (water_category *at = node->demands; at != NULL && status == GM_OK; at = at->next) {
        status = read_pattern(in, map, "pattern", &at->pattern);
    }
    return status == GM_OK ? read_position(map, node, in->error) : status;
}

static gm_status read_reservoir(const overlay *in, const gm_config *map, void *row)
{
    water_node *node = row;
    gm_status status = read_pattern(in, map, "pattern", &node->pattern);
    return status == GM_OK ? read_position(map, node, in->error) : status;
}

static gm_status read_tank(const overlay *in, const gm_config *map, void *row)
{
    water_node *node = row;
    const water_units *units = &in->plan->units;
    const curve_axes axes = { { "m", "m3" }, { units->length_m, units->volume_m3 } };
    const gm_config *curve = gm_config_get(map, "volume curve");
    gm_status status = read_flag(map, "overflow", &node->overflows, in->error);
    if (status == GM_OK && curve != NULL) {
        status = read_curve(in, curve, &axes, &node->volume_curve);
    } else if (status == GM_OK && gm_config_get(map, "diameter") != NULL) {
        node->volume_curve = WATER_NONE;
    }
    bool sized = node->volume_curve != WATER_NONE || node->diameter_m > 0.0;
    if (status == GM_OK && !sized) {
        return gm_error_at(in->error, GM_INVALID, map->place,
                           "a tank needs `diameter` or `volume curve`");
    }
    bool shaped = gm_config_get(map, "minimum") != NULL || gm_config_get(map, "diameter") != NULL;
    if (shaped && gm_config_get(map, "minimum volume") == NULL) {
        const double pi = 3.14159265358979323846;
        node->min_volume_m3 = node->min_level_m * pi * node->diameter_m * node->diameter_m / 4.0;
    }
    return status == GM_OK ? read_position(map, node, in->error) : status;
}

// ---- links ----

static gm_status read_end(const overlay *in, const gm_config *map, const char *key, uint32_t *node)
{
    const gm_config *named = gm_config_get(map, key);
    const char *name = NULL;
    if (named == NULL) {
        return GM_OK;
    }
    gm_status status = gm_config_text(named, &name, in->error);
    if (status != GM_OK) {
        return status;
    }
    uint32_t found = gm_water_find_node(in->plan, name);
    if (found == WATER_NONE) {
        char meant[300];
        return gm_error_at(in->error, GM_INVALID, named->place, "there is no node '%.60s'%s", name,
                           gm_water_meant(gm_water_nodes_of(in->plan), gm_text_of(name), meant));
    }
    *node = found;
    return GM_OK;
}

static gm_status read_ends(const overlay *in, const gm_config *map, water_link *link)
{
    gm_status status = read_end(in, map, "from", &link->from);
    if (status == GM_OK) {
        status = read_end(in, map, "to", &link->to);
    }
    if (status == GM_OK && link->from == link->to) {
        status = gm_error_at(in->error, GM_INVALID, map->place,
                             "the link begins and ends at the same node");
    }
    return status;
}

static gm_status read_pipe(const overlay *in, const gm_config *map, void *row)
{
    water_link *pipe = row;
    const gm_config *roughness = gm_config_get(map, "roughness");
    gm_status status = read_ends(in, map, pipe);
    if (status == GM_OK && roughness != NULL) {
        bool height = in->plan->formula == DARCY_WEISBACH;
        gm_quantity quantity = { .unit = height ? "m" : "1", .min = 1e-9, .max = 1e6 };
        status = gm_config_number(roughness, quantity, &pipe->roughness, in->error);
    }
    if (status == GM_OK) {
        status = read_flag(map, "check valve", &pipe->check_valve, in->error);
    }
    if (status == GM_OK) {
        status = read_status(map, false, &pipe->status, in->error);
    }
    return status;
}

static gm_status read_pump(const overlay *in, const gm_config *map, void *row)
{
    water_link *pump = row;
    const water_units *units = &in->plan->units;
    const curve_axes axes = { { "m3/s", "m" }, { units->flow_m3_s, units->length_m } };
    const gm_config *curve = gm_config_get(map, "curve"), *power = gm_config_get(map, "power");
    const gm_config *speed = gm_config_get(map, "speed"), *said = gm_config_get(map, "status");
    if (curve != NULL && power != NULL) {
        return gm_error_at(in->error, GM_INVALID, power->key_place,
                           "a pump has a curve or a power, not both");
    }
    gm_status status = read_ends(in, map, pump);
    if (status == GM_OK && curve != NULL) {
        status = read_curve(in, curve, &axes, &pump->head_curve);
        pump->power_w = 0.0;
    } else if (status == GM_OK && power != NULL) {
        pump->head_curve = WATER_NONE;
    }
    if (status == GM_OK) {
        status = read_pattern(in, map, "pattern", &pump->speed_pattern);
    }
    if (status == GM_OK && speed != NULL) {
        pump->status = pump->setting > 0.0 ? WATER_OPEN : WATER_CLOSED;
    }
    if (status == GM_OK) {
        status = read_status(map, false, &pump->status, in->error);
    }
    if (said != NULL && speed == NULL && pump->status == WATER_OPEN && pump->setting == 0.0) {
        pump->setting = 1.0;
    }
    return status;
}

static gm_status read_setting(const overlay *in, const gm_config *child, water_link *valve)
{
    gm_quantity quantity = { .unit = "1", .min = 0.0, .max = 1e15 };
    switch (valve->valve) {
    case WATER_PRV:
    case WATER_PSV:
    case WATER_PBV:
        return gm_overlay_pressure(in, child, &valve->setting);
    case WATER_FCV:
        quantity = (gm_quantity){ .unit = "m3/s" };
        break;
    case WATER_PCV:
        quantity.max = 1.0;
        break;
    case WATER_GPV:
    case WATER_NO_VALVE:
        return gm_error_at(in->error, GM_INVALID, child->key_place,
                           "a GPV has no setting but a curve");
    case WATER_TCV:
        break;
    }
    return gm_config_number(child, quantity, &valve->setting, in->error);
}

// Another kind of valve, whose setting means something else.
static gm_status read_valve_kind(const overlay *in, const gm_config *map, water_link *valve)
{
    const gm_config *child = gm_config_get(map, "kind");
    size_t word = 0;
    gm_status status =
        child != NULL ? gm_config_choice(child, valve_words, &word, in->error) : GM_OK;
    water_valve_kind kind = (water_valve_kind)(word + 1);
    if (child == NULL || status != GM_OK || kind == valve->valve) {
        return status;
    }
    const char *need = kind == WATER_GPV ? "curve" : "setting";
    const gm_config *given = NULL;
    status = gm_config_need(map, need, &given, in->error);
    valve->valve = kind;
    valve->curve = WATER_NONE;
    valve->setting = 0.0;
    valve->status = kind == WATER_GPV ? WATER_OPEN : WATER_ACTIVE;
    return status;
}

static gm_status read_valve(const overlay *in, const gm_config *map, void *row)
{
    water_link *valve = row;
    const water_units *units = &in->plan->units;
    const curve_axes losses = { { "m3/s", "m" }, { units->flow_m3_s, units->length_m } };
    const curve_axes shares = { { "1", "1" }, { 0.01, 0.01 } };
    const gm_config *setting = gm_config_get(map, "setting"), *curve = gm_config_get(map, "curve");
    gm_status status = read_ends(in, map, valve);
    if (status == GM_OK) {
        status = read_valve_kind(in, map, valve);
    }
    if (status == GM_OK && setting != NULL) {
        status = read_setting(in, setting, valve);
    }
    if (status == GM_OK && curve != NULL) {
        if (valve->valve != WATER_GPV && valve->valve != WATER_PCV) {
            return gm_error_at(in->error, GM_INVALID, curve->key_place,
                               "only a GPV or a PCV has a curve");
        }
        status =
            read_curve(in, curve, valve->valve == WATER_GPV ? &losses : &shares, &valve->curve);
    }
    return status == GM_OK
               ? read_status(map, gm_water_holds_setting(valve), &valve->status, in->error)
               : status;
}

// ---- the classes ----

#define LENGTH                                                                                     \
    {                                                                                              \
        .unit = "m", .min = 1e-6, .max = 1e9                                                       \
    }
#define HEIGHT                                                                                     \
    {                                                                                              \
        .unit = "m", .min = -1e6, .max = 1e6                                                       \
    }
#define LEVEL                                                                                      \
    {                                                                                              \
        .unit = "m", .min = 0.0, .max = 1e6                                                        \
    }
#define AT(x, y) offsetof(x, y)

static const number_key junction_numbers[] = {
    { "elevation", HEIGHT, AT(water_node, elevation_m) },
    { "emitter", { .unit = "m3/s", .min = 0.0, .max = 1e3 }, AT(water_node, emitter) },
};
static const number_key reservoir_numbers[] = {
    { "head", HEIGHT, AT(water_node, elevation_m) },
};
static const number_key tank_numbers[] = {
    { "elevation", HEIGHT, AT(water_node, elevation_m) },
    { "level", LEVEL, AT(water_node, level_m) },
    { "minimum", LEVEL, AT(water_node, min_level_m) },
    { "maximum", LEVEL, AT(water_node, max_level_m) },
    { "diameter", LENGTH, AT(water_node, diameter_m) },
    { "minimum volume", { .unit = "m3", .min = 0.0, .max = 1e15 }, AT(water_node, min_volume_m3) },
};
static const number_key pipe_numbers[] = {
    { "length", LENGTH, AT(water_link, length_m) },
    { "diameter", LENGTH, AT(water_link, diameter_m) },
    { "minor loss", { .unit = "1", .min = 0.0, .max = 1e9 }, AT(water_link, minor_loss) },
    { "leak area", { .unit = "m2", .min = 0.0, .max = 1e3 }, AT(water_link, leak_area_m2) },
    { "leak growth", { .unit = "m", .min = 0.0, .max = 1.0 }, AT(water_link, leak_expansion_m) },
};
static const number_key pump_numbers[] = {
    { "power", { .unit = "W", .min = 1e-6, .max = 1e12 }, AT(water_link, power_w) },
    { "speed", { .unit = "1", .min = 0.0, .max = 100.0 }, AT(water_link, setting) },
};
static const number_key valve_numbers[] = {
    { "diameter", LENGTH, AT(water_link, diameter_m) },
    { "minor loss", { .unit = "1", .min = 0.0, .max = 1e9 }, AT(water_link, minor_loss) },
};

static const char *const junction_keys[] = { "elevation", "demand",   "pattern",
                                             "emitter",   "position", NULL };
static const char *const junction_needs[] = { "elevation", NULL };
static const char *const reservoir_keys[] = { "head", "pattern", "position", NULL };
static const char *const reservoir_needs[] = { "head", NULL };
static const char *const tank_keys[] = { "elevation", "level",          "minimum",
                                         "maximum",   "diameter",       "volume curve",
                                         "overflow",  "minimum volume", "position",
                                         NULL };
static const char *const tank_needs[] = { "elevation", "level", "maximum", NULL };
static const char *const pipe_keys[] = { "from",      "to",          "length", "diameter",
                                         "roughness", "minor loss",  "status", "check valve",
                                         "leak area", "leak growth", NULL };
static const char *const pipe_needs[] = { "from", "to", "length", "diameter", "roughness", NULL };
static const char *const pump_keys[] = { "from",  "to",      "curve",  "power",
                                         "speed", "pattern", "status", NULL };
static const char *const pump_needs[] = { "from", "to", NULL };
static const char *const valve_keys[] = { "from",       "to",    "kind",   "diameter", "setting",
                                          "minor loss", "curve", "status", NULL };
static const char *const valve_needs[] = { "from", "to", "kind", "diameter", NULL };

static const element_class classes[] = {
    { "junctions", "junction", false, WATER_JUNCTION, 0, junction_keys, junction_needs,
      junction_numbers, COUNT(junction_numbers), read_junction },
    { "reservoirs", "reservoir", false, WATER_RESERVOIR, 0, reservoir_keys, reservoir_needs,
      reservoir_numbers, COUNT(reservoir_numbers), read_reservoir },
    { "tanks", "tank", false, WATER_TANK, 0, tank_keys, tank_needs, tank_numbers,
      COUNT(tank_numbers), read_tank },
    { "pipes", "pipe", true, 0, WATER_PIPE, pipe_keys, pipe_needs, pipe_numbers,
      COUNT(pipe_numbers), read_pipe },
    { "pumps", "pump", true, 0, WATER_PUMP, pump_keys, pump_needs, pump_numbers,
      COUNT(pump_numbers), read_pump },
    { "valves", "valve", true, 0, WATER_VALVE, valve_keys, valve_needs, valve_numbers,
      COUNT(valve_numbers), read_valve },
};

static const char *class_of(const water_plan *plan, bool is_link, uint32_t index)
{
    static const char *const nodes[] = {
        [WATER_JUNCTION] = "junction", [WATER_TANK] = "tank", [WATER_RESERVOIR] = "reservoir"
    };
    static const char *const links[] = {
        [WATER_PIPE] = "pipe", [WATER_PUMP] = "pump", [WATER_VALVE] = "valve"
    };
    return is_link ? links[plan->links[index].kind] : nodes[plan->nodes[index].kind];
}

static gm_status add_element(const overlay *in, const gm_config *map, const element_class *class,
                             uint32_t *index)
{
    gm_text name = gm_text_of(map->key);
    if (name.size == 0 || name.size >= GM_NAME_MAX) {
        return gm_error_at(in->error, GM_INVALID, map->key_place, "a name has 1 to %d bytes",
                           GM_NAME_MAX - 1);
    }
    for (size_t at = 0; class->needs[at] != NULL; at++) {
        if (gm_config_get(map, class->needs[at]) == NULL) {
            water_table table =
                class->is_link ? gm_water_links_of(in->plan) : gm_water_nodes_of(in->plan);
            char meant[300];
            return gm_error_at(in->error, GM_INVALID, map->key_place,
                               "'%.60s' is new and needs `%s`%s", map->key, class->needs[at],
                               gm_water_meant(table, name, meant));
        }
    }
    gm_status status = GM_OK;
    if (class->is_link) {
        water_link *link = NULL;
        status = gm_water_add_link(in->plan, name, &link, in->error);
        if (status == GM_OK) {
            link->kind = class->link_kind;
            link->status = WATER_OPEN;
            link->setting = class->link_kind == WATER_PUMP ? 1.0 : 0.0;
            *index = (uint32_t)in->plan->link_count - 1;
        }
        return status;
    }
    water_node *node = NULL;
    status = gm_water_add_node(in->plan, name, &node, in->error);
    if (status == GM_OK) {
        node->kind = class->node_kind;
        *index = (uint32_t)in->plan->node_count - 1;
    }
    return status;
}

static gm_status read_element(const overlay *in, const gm_config *map, const element_class *class)
{
    gm_status status = gm_config_is(map, GM_CONFIG_MAP, "a map that describes it", in->error);
    if (status == GM_OK) {
        status = gm_config_only(map, class->keys, in->error);
    }
    if (status != GM_OK) {
        return status;
    }
    uint32_t index = class->is_link ? gm_water_find_link(in->plan, map->key)
                                    : gm_water_find_node(in->plan, map->key);
    if (index == WATER_NONE) {
        status = add_element(in, map, class, &index);
    } else if (strcmp(class_of(in->plan, class->is_link, index), class->one) != 0) {
        status = gm_error_at(in->error, GM_INVALID, map->key_place, "'%.60s' is a %s, not a %s",
                             map->key, class_of(in->plan, class->is_link, index), class->one);
    }
    if (status != GM_OK) {
        return status;
    }
    void *row = class->is_link ? (void *)&in->plan->links[index] : (void *)&in->plan->nodes[index];
    gm_place *place =
        class->is_link ? &in->plan->links[index].place : &in->plan->nodes[index].place;
    *place = map->key_place;
    status = read_numbers(map, class->numbers, class->number_count, row, in->error);
    return status == GM_OK ? class->read(in, map, row) : status;
}

gm_status gm_overlay_elements(const overlay *in, const gm_config *config)
{
    gm_status status = GM_OK;
    for (size_t index = 0; index < COUNT(classes) && status == GM_OK; index++) {
        const gm_config *map = gm_config_get(config, classes[index].key);
        if (map == NULL) {
            continue;
        }
        status = gm_config_is(map, GM_CONFIG_MAP, "a map from names to what they are", in->error);
        for (size_t at = 0; status == GM_OK && at < map->count; at++) {
            status = read_element(in, &map->children[at], &classes[index]);
        }
    }
    return status;
}

// ---- references ----

gm_status gm_overlay_find(const overlay *in, const gm_config *named, overlay_element *element)
{
    const char *text = NULL;
    gm_status status = gm_config_text(named, &text, in->error);
    if (status != GM_OK) {
        return status;
    }
    size_t size = strcspn(text, "/");
    const element_class *class = NULL;
    for (size_t index = 0; index < COUNT(classes); index++) {
        bool same = gm_text_equal((gm_text){ text, size }, classes[index].one);
        class = same && text[size] == '/' ? &classes[index] : class;
    }
    if (class == NULL) {
        return gm_error_at(in->error, GM_INVALID, named->place,
                           "'%.80s': expected junction/NAME, reservoir/, tank/, pipe/, pump/ or "
                           "valve/",
                           text);
    }
    const char *name = text + size + 1;
    uint32_t found =
        class->is_link ? gm_water_find_link(in->plan, name) : gm_water_find_node(in->plan, name);
    bool fits =
        found != WATER_NONE && strcmp(class_of(in->plan, class->is_link, found), class->one) == 0;
    if (!fits) {
        water_table table =
            class->is_link ? gm_water_links_of(in->plan) : gm_water_nodes_of(in->plan);
        char meant[300];
        return gm_error_at(
            in->error, GM_INVALID, named->place, "there is no %s '%.60s'%s", class->one, name,
            found == WATER_NONE ? gm_water_meant(table, gm_text_of(name), meant) : "");
    }
    *element = (overlay_element){ class->is_link, found };
    return GM_OK;
}
