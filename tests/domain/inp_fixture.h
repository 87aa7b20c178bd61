// Network files from texts, and what a world file lays over them, for tests.
#ifndef GEMEL_TESTS_DOMAIN_INP_FIXTURE_H
#define GEMEL_TESTS_DOMAIN_INP_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "domain/water/water_plan.h"
#include "model/config_text.h"

/// A model that only reads a plan, so that its warnings can be asked for.
enum { PROBE_FIELDS = 1 };
static const gm_field probe_fields[PROBE_FIELDS] = {
    { .name = "value", .unit = "1", .role = GM_STATE, .type = GM_F64, .max = 1.0, .doc = "nothing" }
};
static const gm_class probe_class = {
    .name = "probe", .doc = "nothing", .fields = probe_fields, .field_count = PROBE_FIELDS
};

static gm_arena *inp_arena;
static gm_units *inp_units;
static water_plan *inp_plan; // what was read last

static inline gm_status probe_build(gm_model *model, const gm_config *config, gm_error *error)
{
    inp_plan = NULL;
    gm_status status = gm_water_plan_read(config, model, inp_arena, &inp_plan, error);
    if (status == GM_OK) {
        status = gm_model_class(model, 0, &probe_class, error);
    }
    return status == GM_OK ? gm_model_element(model, 0, "probe", NULL, error) : status;
}

static inline void probe_rate(const gm_model *model, const gm_block *at, double *restrict rate)
{
    (void)model;
    (void)at;
    rate[0] = 0.0;
}

static const gm_domain probe_domain = { .name = "probe",
                                        .summary = "reads a network",
                                        .source = "none",
                                        .schema = 1,
                                        .build = probe_build,
                                        .rate = probe_rate };

static inline int open_inp(void **state)
{
    (void)state;
    gm_error error = { 0 };
    inp_arena = gm_arena_create(0);
    return inp_arena != NULL && gm_units_read(&inp_units, &error) == GM_OK ? 0 : -1;
}

static inline int close_inp(void **state)
{
    (void)state;
    gm_arena_close(inp_arena);
    gm_units_close(inp_units);
    return 0;
}

static inline gm_config inp_file(const char *text, size_t size)
{
    return (gm_config){ .kind = GM_CONFIG_FILE,
                        .key = "network",
                        .text = text,
                        .size = size,
                        .place = { "net.inp", 1, 1 } };
}

/// A network file's text (NULL: none) and the map laid over it, as the system's map.
static inline const gm_config *inp_system(const char *text, const char *over)
{
    const gm_config *map = config_of(inp_arena, inp_units, over);
    gm_config *system = gm_arena_new(inp_arena, 1, sizeof *system);
    gm_config *children = gm_arena_new(inp_arena, map->count + 1, sizeof *children);
    *system = *map;
    system->count = map->count + (text != NULL);
    system->children = children;
    for (size_t index = 0; index < map->count; index++) {
        children[index] = map->children[index];
    }
    if (text != NULL) {
        children[map->count] = inp_file(text, strlen(text));
    }
    return system;
}

/// Reads a network; the model holds the warnings, inp_plan the plan.
static inline gm_status try_inp(const char *text, const char *over, gm_model **model,
                                gm_error *error)
{
    *model = NULL;
    return gm_model_build(&probe_domain, "net", inp_system(text, over), model, error);
}

/// Reads a network that must be sound. The model is the caller's.
static inline gm_model *read_inp(const char *text, const char *over)
{
    gm_model *model = NULL;
    gm_error error = { 0 };
    if (try_inp(text, over, &model, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return model;
}

static inline bool has_warning(const gm_model *model, const char *words)
{
    bool found = false;
    for (size_t index = 0; index < gm_model_warning_count(model); index++) {
        found = found || strstr(gm_model_warning_at(model, index), words) != NULL;
    }
    return found;
}

static inline void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-12 * fabs(expected))) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static inline const water_node *node_named(const char *name)
{
    uint32_t index = gm_water_find_node(inp_plan, name);
    assert_int_not_equal(index, WATER_NONE);
    return &inp_plan->nodes[index];
}

static inline const water_link *link_named(const char *name)
{
    uint32_t index = gm_water_find_link(inp_plan, name);
    assert_int_not_equal(index, WATER_NONE);
    return &inp_plan->links[index];
}

#endif
