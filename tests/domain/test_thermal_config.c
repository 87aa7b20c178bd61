// What a thermal network's configuration says, and what is refused.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "domain/domains.h"
#include "model/config_text.h"

static gm_units *units;
static gm_arena *arena;

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static int open_units(void **state)
{
    (void)state;
    gm_error error = { 0 };
    arena = gm_arena_create(0);
    return gm_units_read(&units, &error) == GM_OK && arena != NULL ? 0 : -1;
}

static int close_units(void **state)
{
    (void)state;
    gm_arena_close(arena);
    gm_units_close(units);
    return 0;
}

static gm_status build(const char *text, gm_model **model, gm_error *error)
{
    return gm_model_build(&gm_thermal, "box", config_of(arena, units, text), model, error);
}

static void the_registry_lists_thermal(void **state)
{
    (void)state;
    size_t count = 0;
    const gm_domain *const *domains = gm_domains(&count);
    const gm_domain *found = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_domain_find(domains, count, "thermal", &found, &error), GM_OK);
    assert_ptr_equal(found, &gm_thermal);
    assert_int_equal(gm_domain_find(domains, count, "termal", &found, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "did you mean 'thermal'?"));
    for (size_t index = 0; index < count; index++) {
        assert_int_equal(gm_domain_check(domains[index], &error), GM_OK);
    }
}

static void values_are_read_in_si(void **state)
{
    (void)state;
    gm_model *model = NULL;
    gm_error error = { 0 };
    gm_status status = build("{nodes: {heater: {capacity: 0.25 kJ/K, temperature: 22 degC, "
                             "power: 10 W, position: [0, 0, 1 cm]}, "
                             "room: {fixed: true, temperature: 20 degC, position: [1, 2, 3]}, "
                             "hot-water: {capacity: 4 J/K}}, "
                             "paths: {heater-room: {conductance: 0.9 W/K}, "
                             "hot-water-room: {conductance: 2}, "
                             "wall: {from: heater, to: room, conductance: 1}}, "
                             "flows: {fan: {from: room, to: heater, flow: 10 g/s, "
                             "specific heat: 1006 J/(kg K)}}}",
                             &model, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, GM_OK);
    assert_int_equal(gm_model_element_count(model, 0), 3);
    assert_int_equal(gm_model_element_count(model, 1), 3);
    assert_near(gm_model_initial_at(model, 0, 0, 0), 250.0, 1e-9);
    assert_near(gm_model_initial_at(model, 0, 1, 0), 295.15, 1e-9);
    assert_near(gm_model_initial_at(model, 0, 2, 0), 10.0, 1e-9);
    assert_near(gm_model_initial_at(model, 0, 1, 1), 293.15, 1e-9);
    assert_near(gm_model_initial_at(model, 1, 0, 1), 2.0, 1e-9);
    assert_near(gm_model_initial_at(model, 2, 0, 0), 0.01, 1e-9);
    assert_int_equal(gm_model_role_at(model, 0, 1, 0), GM_STATE);
    assert_int_equal(gm_model_role_at(model, 0, 1, 1), GM_INPUT);
    size_t points = 0;
    const double(*line)[3] = gm_model_points(model, 1, 2, &points);
    assert_int_equal(points, 2);
    assert_near(line[0][2], 0.01, 1e-12);
    assert_near(line[1][1], 2.0, 1e-12);
    assert_null(gm_model_points(model, 1, 1, &points)); // hot-water lies nowhere
    gm_model_close(model);
}

typedef struct mistake {
    const char *text, *place, *says;
} mistake;

static const mistake mistakes[] = {
    { "{nodes: {a: {capacity: -5 J/K}}}", "test:1:24", "-5" },
    { "{nodes: {a: {capacity: 0 J/K}}}", "test:1:24", "capacity" },
    { "{nodes: {a: {capacity: 5 W/K}}}", "test:1:24", "W/K" },
    { "{nodes: {a: {power: 5 W}}}", "test:1:13", "capacity" },
    { "{nodes: {a: {capacity: 1, colour: red}}}", "test:1:27", "colour" },
    { "{nodes: {a: {capacity: 1, powr: 2 W}}}", "test:1:27", "did you mean 'power'?" },
    { "{nodes: {a: {capacity: 1, position: [1, 2]}}}", "test:1:37", "x, y and z" },
    { "{nodes: {a: {capacity: 1, position: 3}}}", "test:1:37", "x, y, z" },
    { "{nodes: {a: {fixed: maybe}}}", "test:1:21", "maybe" },
    { "{nodes: {a: {fixed: true, capacity: 5 J/K}}}", "test:1:10", "fixed" },
    { "{nodes: {a: 5}}", "test:1:13", "a map" },
    { "{nodes: {}}", "test:1:9", "at least one" },
    { "{nodes: [a]}", "test:1:9", "a map of nodes" },
    { "{paths: {}}", "test:1:1", "`nodes` is missing" },
    { "{nodes: {a*b: {capacity: 1}}}", "test:1:10", "a*b" },
    { "{nodes: {a: {capacity: 1}, a: {capacity: 1}}}", "test:1:28", "already" },
    { "{nodes: {a: {capacity: 1}}, ways: {}}", "test:1:29", "ways" },
    { "{nodes: {heater: {capacity: 1}, air: {capacity: 1}}, "
      "paths: {heter-air: {conductance: 1}}}",
      "test:1:62", "no node 'heter'; did you mean 'heater'?" },
    { "{nodes: {heater: {capacity: 1}, air: {capacity: 1}}, "
      "paths: {heater-aif: {conductance: 1}}}",
      "test:1:62", "no node 'aif'; did you mean 'air'?" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, paths: {x: {conductance: 1}}}", "test:1:55",
      "`from` and `to`" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, paths: {x: {from: a, conductance: 1}}}",
      "test:1:58", "`to` is missing" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, "
      "paths: {x: {from: a, to: c, conductance: 1}}}",
      "test:1:72", "no node 'c'" },
    { "{nodes: {a: {capacity: 1}}, paths: {a-a: {conductance: 1}}}", "test:1:37", "itself" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, paths: {a-b: {}}}", "test:1:60",
      "conductance" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, paths: {a-b: {conductance: -1 W/K}}}",
      "test:1:74", "-1" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, "
      "paths: {a-b: {conductance: 1}, b-a: {conductance: 1}}}",
      "test:1:78", "there already" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, "
      "paths: {a-b: {conductance: 1}, a-b: {conductance: 1}}}",
      "test:1:78", "already" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}, a-b: {capacity: 1}, b-b: {capacity: 1}}, "
      "paths: {a-b-b: {conductance: 1}}}",
      "test:1:95", "more than one way" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, flows: {a-b: {flow: 1 kg/s}}}", "test:1:60",
      "specific heat" },
    { "{nodes: {a: {capacity: 1}, b: {capacity: 1}}, "
      "flows: {a-b: {flow: -1 kg/s, specific heat: 1}}}",
      "test:1:67", "-1" },
    { "{nodes: {a: {capacity: 1}}, integrator: {method: euler}}", "test:1:50", "euler" },
};

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof mistakes / sizeof *mistakes; index++) {
        gm_model *model = NULL;
        gm_error error = { 0 };
        gm_status status = build(mistakes[index].text, &model, &error);
        bool right =
            status != GM_OK && model == NULL && error.status == status &&
            strncmp(error.text, mistakes[index].place, strlen(mistakes[index].place)) == 0 &&
            strstr(error.text, mistakes[index].says) != NULL;
        if (!right) {
            fail_msg("%s\n  gave: %s\n  expected: %s ... %s", mistakes[index].text, error.text,
                     mistakes[index].place, mistakes[index].says);
        }
    }
    gm_model *model = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_model_build(&gm_thermal, "box", NULL, &model, &error), GM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_registry_lists_thermal),
        cmocka_unit_test(values_are_read_in_si),
        cmocka_unit_test(mistakes_are_named_with_their_place),
    };
    return cmocka_run_group_tests(tests, open_units, close_units);
}
