// A thermal network from a text, and its state, for tests.
#ifndef GEMEL_TESTS_DOMAIN_THERMAL_FIXTURE_H
#define GEMEL_TESTS_DOMAIN_THERMAL_FIXTURE_H

#include <gemel/state.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"
#include "base/units.h"
#include "domain/domains.h"
#include "model/config_text.h"

enum { NODE = 0, PATH, FLOW };
enum { CAPACITY = 0, TEMPERATURE, POWER };
enum { CONDUCTANCE = 0, PATH_FLOW };
enum { RATE = 0, SPECIFIC_HEAT, HEAT };
enum { LANES_MAX = 64 };

typedef struct rig {
    gm_arena *arena;
    gm_units *units;
    gm_model *model;
    gm_layout *layout;
    gm_state *state;
} rig;

static inline rig open_domain(const gm_domain *domain, const char *text, size_t lanes, int width)
{
    rig made = { .arena = gm_arena_create(0) };
    gm_error error = { 0 };
    gm_layout_options options = { .seed = 1, .width = width };
    gm_status status = gm_units_read(&made.units, &error);
    if (status == GM_OK) {
        const gm_config *config = config_of(made.arena, made.units, text);
        status = gm_model_build(domain, "net", config, &made.model, &error);
    }
    if (status == GM_OK) {
        const gm_model *systems[] = { made.model };
        status = gm_layout_create(systems, 1, lanes, &options, &made.layout, &error);
    }
    if (status == GM_OK) {
        status = gm_state_create(made.layout, 0, &made.state, &error);
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    return made;
}

static inline rig open_rig(const char *text, size_t lanes, int width)
{
    return open_domain(&gm_thermal, text, lanes, width);
}

static inline void close_rig(rig *made)
{
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_model_close(made->model);
    gm_units_close(made->units);
    gm_arena_close(made->arena);
}

static inline gm_ref ref_of(uint32_t class_number, uint32_t field, size_t element)
{
    return (gm_ref){ 0, class_number, field, (uint32_t)element };
}

/// One value of one lane.
static inline double value_at(const rig *made, gm_ref ref, size_t lane)
{
    double values[LANES_MAX];
    gm_error error = { 0 };
    if (gm_state_read(made->state, ref, values, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return values[lane];
}

static inline double temperature(const rig *made, size_t node, size_t lane)
{
    return value_at(made, ref_of(NODE, TEMPERATURE, node), lane);
}

static inline void advance_to(rig *made, double until_s)
{
    gm_error error = { 0 };
    int64_t until_ns = (int64_t)llround(until_s * 1e9);
    if (gm_state_advance(made->state, 0, until_ns, NULL, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static inline void assert_close(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

/// Gives lanes different temperatures and conductances, so that they are different worlds.
static inline void scatter_lanes(rig *made)
{
    gm_random random = gm_random_for(7, "scatter");
    size_t lanes = gm_state_lanes(made->state);
    static const uint32_t fields[][2] = { { NODE, TEMPERATURE }, { PATH, CONDUCTANCE } };
    for (uint32_t which = 0; which < 2; which++) {
        size_t count = gm_model_element_count(made->model, fields[which][0]);
        for (size_t element = 0; element < count; element++) {
            double values[LANES_MAX];
            gm_ref ref = ref_of(fields[which][0], fields[which][1], element);
            assert_int_equal(gm_state_read(made->state, ref, values, NULL), GM_OK);
            for (size_t lane = 0; lane < lanes; lane++) {
                gm_draw draw = { (uint32_t)lane, (uint32_t)element, which, 0 };
                double uniform = gm_random_uniform(random, draw);
                values[lane] =
                    which == 0 ? values[lane] + 20.0 * uniform : values[lane] * (0.5 + uniform);
            }
            assert_int_equal(gm_state_write(made->state, ref, values, NULL), GM_OK);
        }
    }
}

/// `count` nodes in a chain of conductance 1, every third with a further path to its grandparent.
static inline void write_chain(gm_string *text, size_t count, const char *ending)
{
    gm_string_format(text, "{nodes: {");
    for (size_t node = 0; node < count; node++) {
        gm_string_format(text, "%sn%zu: {capacity: %zu, temperature: %zu}", node > 0 ? ", " : "",
                         node, 100 + node % 7, 280 + node % 31);
    }
    gm_string_format(text, "}, paths: {");
    for (size_t node = 1; node < count; node++) {
        gm_string_format(text, "%sn%zu-n%zu: {conductance: 1}", node > 1 ? ", " : "", node - 1,
                         node);
        if (node % 3 == 2) {
            gm_string_format(text, ", n%zu-n%zu: {conductance: 0.3}", node, node - 2);
        }
    }
    gm_string_format(text, "}%s}", ending);
    assert_false(text->failed);
}

#endif
