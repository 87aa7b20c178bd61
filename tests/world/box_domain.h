// Two small domains for the tests of worlds: `thermal`, a lumped network with the same tables as
// the real one, and `tank`, a single vessel that drains in proportion to its level.
#ifndef GEMEL_TESTS_WORLD_BOX_DOMAIN_H
#define GEMEL_TESTS_WORLD_BOX_DOMAIN_H

#include <gemel/model.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"

enum { BOX_NODE = 0, BOX_PATH };
enum { NODE_CAPACITY = 0, NODE_TEMPERATURE, NODE_POWER };
enum { PATH_CONDUCTANCE = 0, PATH_FLOW };
enum { BOX_PATHS_MAX = 4096 };

static const gm_field box_node_fields[] = {
    { "capacity", "J/K", GM_PARAMETER, GM_F64, 1.0, 1e-9, 1e12, "heat capacity" },
    { "temperature", "K", GM_STATE, GM_F64, 293.15, 0.0, 5000.0, "temperature" },
    { "power", "W", GM_INPUT, GM_F64, 0.0, -1e9, 1e9, "heat input" },
};
static const gm_field box_path_fields[] = {
    { "conductance", "W/K", GM_PARAMETER, GM_F64, 1.0, 0.0, 1e9, "conductance" },
    { "flow", "W", GM_OUTPUT, GM_F64, 0.0, -1e12, 1e12, "heat flow" },
};
static const gm_class box_node = {
    .name = "node", .doc = "a lump", .fields = box_node_fields, .field_count = 3
};
static const gm_class box_path = {
    .name = "path", .doc = "a path", .fields = box_path_fields, .field_count = 2
};

typedef struct box_ends {
    size_t count;
    uint32_t from[BOX_PATHS_MAX], to[BOX_PATHS_MAX];
} box_ends;

static gm_status box_build_nodes(gm_model *model, const gm_config *nodes, gm_error *error)
{
    static const char *const keys[] = { "capacity", "fixed", NULL };
    gm_status status = gm_config_is(nodes, GM_CONFIG_MAP, "a map of nodes", error);
    for (size_t index = 0; status == GM_OK && index < nodes->count; index++) {
        const gm_config *node = &nodes->children[index];
        size_t element = 0;
        status = gm_config_only(node, keys, error);
        if (status == GM_OK) {
            status = gm_model_element(model, BOX_NODE, node->key, &element, error);
        }
        if (status == GM_OK && gm_config_get(node, "fixed") != NULL) {
            status = gm_model_role(model, BOX_NODE, NODE_TEMPERATURE, element, GM_INPUT, error);
            continue;
        }
        double capacity = 0.0;
        if (status == GM_OK) {
            gm_quantity quantity = { "J/K", 1e-9, 1e12, false };
            status = gm_config_child_number(node, "capacity", quantity, NAN, &capacity, error);
        }
        if (status == GM_OK) {
            status = gm_model_initial(model, BOX_NODE, NODE_CAPACITY, element, capacity, error);
        }
    }
    return status;
}

static gm_status box_build_paths(gm_model *model, const gm_config *paths, box_ends *ends,
                                 gm_error *error)
{
    static const char *const keys[] = { "conductance", NULL };
    gm_status status = gm_config_is(paths, GM_CONFIG_MAP, "a map of paths", error);
    for (size_t index = 0; status == GM_OK && index < paths->count; index++) {
        const gm_config *path = &paths->children[index];
        char from[GM_NAME_MAX] = { 0 };
        const char *dash = strchr(path->key, '-');
        size_t size = dash != NULL ? (size_t)(dash - path->key) : 0;
        memcpy(from, path->key, size < sizeof from ? size : 0);
        size_t one = gm_model_find_element(model, BOX_NODE, from);
        size_t other = dash != NULL ? gm_model_find_element(model, BOX_NODE, dash + 1) : SIZE_MAX;
        if (one == SIZE_MAX || other == SIZE_MAX || ends->count == BOX_PATHS_MAX) {
            return gm_error_at(error, GM_INVALID, path->key_place,
                               "path '%.80s' joins an unknown node", path->key);
        }
        size_t element = 0;
        double conductance = 0.0;
        gm_quantity quantity = { "W/K", 0.0, 1e9, false };
        status = gm_config_only(path, keys, error);
        if (status == GM_OK) {
            status =
                gm_config_child_number(path, "conductance", quantity, NAN, &conductance, error);
        }
        if (status == GM_OK) {
            status = gm_model_element(model, BOX_PATH, path->key, &element, error);
        }
        if (status == GM_OK) {
            status =
                gm_model_initial(model, BOX_PATH, PATH_CONDUCTANCE, element, conductance, error);
        }
        ends->from[ends->count] = (uint32_t)one;
        ends->to[ends->count++] = (uint32_t)other;
    }
    return status;
}

static gm_status box_build(gm_model *model, const gm_config *config, gm_error *error)
{
    static const char *const keys[] = { "nodes", "paths", "integrator", NULL };
    const gm_config *nodes = NULL, *paths = gm_config_get(config, "paths");
    gm_status status = gm_config_only(config, keys, error);
    if (status == GM_OK) {
        status = gm_config_need(config, "nodes", &nodes, error);
    }
    if (status == GM_OK) {
        status = gm_model_class(model, BOX_NODE, &box_node, error);
    }
    if (status == GM_OK) {
        status = gm_model_class(model, BOX_PATH, &box_path, error);
    }
    if (status == GM_OK) {
        status = box_build_nodes(model, nodes, error);
    }
    box_ends *ends = gm_memory_new(1, sizeof *ends);
    gm_model_attach(model, ends);
    if (status == GM_OK && ends == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory for the paths");
    }
    if (status == GM_OK && paths != NULL) {
        status = box_build_paths(model, paths, ends, error);
    }
    return status;
}

static void box_rate(const gm_model *model, const gm_block *at, double *restrict rate)
{
    const box_ends *ends = gm_model_constants(model);
    const double *capacity = gm_column(at, BOX_NODE, NODE_CAPACITY);
    const double *temperature = gm_column(at, BOX_NODE, NODE_TEMPERATURE);
    const double *power = gm_column(at, BOX_NODE, NODE_POWER);
    const double *conductance = gm_column(at, BOX_PATH, PATH_CONDUCTANCE);
    double *change = gm_rate_column(at, rate, BOX_NODE, NODE_TEMPERATURE);
    size_t nodes = gm_model_element_count(model, BOX_NODE), width = (size_t)at->width;
    for (size_t index = 0; index < nodes * width; index++) {
        change[index] = power[index];
    }
    for (size_t path = 0; path < ends->count; path++) {
        for (size_t lane = 0; lane < width; lane++) {
            size_t from = ends->from[path] * width + lane, to = ends->to[path] * width + lane;
            double flow = conductance[path * width + lane] * (temperature[from] - temperature[to]);
            change[from] -= flow;
            change[to] += flow;
        }
    }
    for (size_t index = 0; index < nodes * width; index++) {
        change[index] /= capacity[index];
    }
}

static void box_observe(const gm_model *model, gm_block *block, const gm_wanted *wanted)
{
    (void)wanted;
    const box_ends *ends = gm_model_constants(model);
    const double *temperature = gm_column(block, BOX_NODE, NODE_TEMPERATURE);
    const double *conductance = gm_column(block, BOX_PATH, PATH_CONDUCTANCE);
    double *flow = gm_column(block, BOX_PATH, PATH_FLOW);
    size_t width = (size_t)block->width;
    for (size_t path = 0; flow != NULL && path < ends->count; path++) {
        for (size_t lane = 0; lane < width; lane++) {
            flow[path * width + lane] =
                conductance[path * width + lane] * (temperature[ends->from[path] * width + lane] -
                                                    temperature[ends->to[path] * width + lane]);
        }
    }
}

static void box_release(gm_model *model)
{
    gm_memory_free(gm_model_attached(model));
}

static const gm_domain box_domain = { .name = "thermal",
                                      .summary = "lumped heat",
                                      .source = "Newton's law of cooling",
                                      .schema = 1,
                                      .build = box_build,
                                      .rate = box_rate,
                                      .observe = box_observe,
                                      .release = box_release };

// ---- tank: dlevel/dt = inflow - outlet * level, flow = outlet * level ----

enum { TANK = 0 };
enum { TANK_OUTLET = 0, TANK_INFLOW, TANK_LEVEL, TANK_DRAIN };

static const gm_field tank_fields[] = {
    { "outlet", "1/s", GM_PARAMETER, GM_F64, 0.1, 0.0, 10.0,
      "drains a share of its level a second" },
    { "inflow", "m/s", GM_INPUT, GM_F64, 0.0, -100.0, 100.0, "what flows in" },
    { "level", "m", GM_STATE, GM_F64, 1.0, -1e6, 1e6, "level" },
    { "drain", "m/s", GM_OUTPUT, GM_F64, 0.0, -1e6, 1e6, "what flows out" },
};
static const gm_class tank_class = {
    .name = "tank", .doc = "a vessel", .fields = tank_fields, .field_count = 4
};

static gm_status tank_build(gm_model *model, const gm_config *config, gm_error *error)
{
    static const char *const keys[] = { "level", "outlet", "integrator", NULL };
    double level = 1.0, outlet = 0.1;
    size_t element = 0;
    gm_status status = gm_config_only(config, keys, error);
    if (status == GM_OK) {
        status = gm_config_child_number(config, "level", (gm_quantity){ .unit = "m" }, 1.0, &level,
                                        error);
    }
    if (status == GM_OK) {
        status = gm_config_child_number(config, "outlet", (gm_quantity){ .unit = "1/s" }, 0.1,
                                        &outlet, error);
    }
    if (status == GM_OK) {
        status = gm_model_class(model, TANK, &tank_class, error);
    }
    if (status == GM_OK) {
        status = gm_model_element(model, TANK, "vessel", &element, error);
    }
    if (status == GM_OK) {
        status = gm_model_initial(model, TANK, TANK_LEVEL, element, level, error);
    }
    if (status == GM_OK) {
        status = gm_model_initial(model, TANK, TANK_OUTLET, element, outlet, error);
    }
    return status;
}

static void tank_rate(const gm_model *model, const gm_block *at, double *restrict rate)
{
    (void)model;
    const double *outlet = gm_column(at, TANK, TANK_OUTLET),
                 *inflow = gm_column(at, TANK, TANK_INFLOW);
    const double *level = gm_column(at, TANK, TANK_LEVEL);
    double *change = gm_rate_column(at, rate, TANK, TANK_LEVEL);
    for (int lane = 0; lane < at->width; lane++) {
        change[lane] = inflow[lane] - outlet[lane] * level[lane];
    }
}

static void tank_observe(const gm_model *model, gm_block *block, const gm_wanted *wanted)
{
    (void)model;
    (void)wanted;
    const double *outlet = gm_column(block, TANK, TANK_OUTLET),
                 *level = gm_column(block, TANK, TANK_LEVEL);
    double *drain = gm_column(block, TANK, TANK_DRAIN);
    for (int lane = 0; drain != NULL && lane < block->width; lane++) {
        drain[lane] = outlet[lane] * level[lane];
    }
}

static const gm_domain tank_domain = { .name = "tank",
                                       .summary = "a vessel that drains",
                                       .source = "a linear reservoir",
                                       .schema = 1,
                                       .build = tank_build,
                                       .rate = tank_rate,
                                       .observe = tank_observe };

static const gm_domain *const box_domains[] = { &box_domain, &tank_domain };
enum { BOX_DOMAINS = 2 };

#endif
