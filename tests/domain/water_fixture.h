// A water network from an .inp text, and its state, for tests.
#ifndef GEMEL_TESTS_DOMAIN_WATER_FIXTURE_H
#define GEMEL_TESTS_DOMAIN_WATER_FIXTURE_H

#include <gemel/state.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "base/units.h"
#include "domain/domains.h"
#include "domain/water/water_parts.h"

enum { WATER_RIG_LANES = 64 };

typedef struct water_rig {
    gm_units *units;
    gm_model *model;
    gm_layout *layout;
    gm_state *state;
} water_rig;

static inline gm_status build_water(const char *text, size_t size, water_rig *rig, gm_error *error)
{
    gm_config network = { .kind = GM_CONFIG_FILE,
                          .key = "network",
                          .text = text,
                          .size = size,
                          .place = { "test.inp", 1, 1 },
                          .units = rig->units };
    gm_config root = { .kind = GM_CONFIG_MAP,
                       .count = 1,
                       .children = &network,
                       .place = { "test", 1, 1 },
                       .units = rig->units };
    return gm_model_build(&gm_water, "net", &root, &rig->model, error);
}

/// @param width  as in gm_layout_options
static inline water_rig open_water(const char *text, size_t lanes, int width)
{
    water_rig rig = { 0 };
    gm_error error = { 0 };
    gm_layout_options options = { .seed = 1, .width = width };
    gm_status status = gm_units_read(&rig.units, &error);
    if (status == GM_OK) {
        status = build_water(text, strlen(text), &rig, &error);
    }
    if (status == GM_OK) {
        const gm_model *systems[] = { rig.model };
        status = gm_layout_create(systems, 1, lanes, &options, &rig.layout, &error);
    }
    if (status == GM_OK) {
        status = gm_state_create(rig.layout, 0, &rig.state, &error);
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    return rig;
}

static inline void close_water(water_rig *rig)
{
    gm_state_close(rig->state);
    gm_layout_close(rig->layout);
    gm_model_close(rig->model);
    gm_units_close(rig->units);
}

/// The address of a field of a named element.
static inline gm_ref water_ref(const water_rig *rig, uint32_t class_number, uint32_t field,
                               const char *name)
{
    size_t element = gm_model_find_element(rig->model, class_number, name);
    if (element == SIZE_MAX) {
        fail_msg("there is no %s", name);
    }
    return (gm_ref){ 0, class_number, field, (uint32_t)element };
}

/// One value of one lane.
static inline double water_value(const gm_state *state, gm_ref ref, size_t lane)
{
    double values[WATER_RIG_LANES];
    gm_error error = { 0 };
    if (gm_state_read(state, ref, values, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return values[lane];
}

static inline void write_water(water_rig *rig, gm_ref ref, double value)
{
    gm_error error = { 0 };
    if (gm_state_fill(rig->state, ref, value, &error) != GM_OK ||
        gm_state_changed(rig->state, 0, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static inline void advance_water(gm_state *state, double until_s)
{
    gm_error error = { 0 };
    int64_t until_ns = (int64_t)llround(until_s * 1e9);
    if (gm_state_advance(state, 0, until_ns, NULL, &error) != GM_OK) {
        fail_msg("at %g s: %s", until_s, error.text);
    }
}

static inline void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

#endif
