// What sensors may be declared to read: spans, sums over many fields, biases; and what is refused.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/world_fixture.h"
#include "world/world_units.h"

#define PLANT                                                                                      \
    "world: w\n"                                                                                   \
    "systems: {box: {model: thermal, nodes: {a: {capacity: 1 J/K}, b: {capacity: 1 J/K}, c: "      \
    "{fixed: true}}, paths: {a-b: {conductance: 1 W/K}}}, one: {model: tank}, two: {model: "       \
    "tank}, far: {model: tank}}\n"                                                                 \
    "links: {one/inflow: two/drain}\n"

static void near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-12 * fmax(1.0, fabs(expected)))) {
        fail_msg("got %.17g, expected %.17g", got, expected);
    }
}

static void readings_over_spans_are_what_they_say(void **state)
{
    (void)state;
    gm_world *world =
        read_world(units,
                   PLANT "sensors:\n"
                         "  plain: {field: box/a/temperature, unit: degC, noise: 1}\n"
                         "  mean: {field: box/a/temperature, unit: degC, noise: 1 K, averaged: 15 "
                         "min, range: [0, 50]}\n"
                         "  meter: {field: box/a-b/flow, unit: kWh, noise: 0.1 kWh, totalled: "
                         "true}\n"
                         "  volume: {field: one/drain, noise: 1 mm, totalled: 1 h, unit: mm}\n"
                         "  rise: {field: box/a/temperature, unit: degC, noise: 1, risen: 1 min}\n"
                         "  pulses: {field: one/drain, scale: 2 mm, counted: 30 s}\n"
                         "  still: {field: box/b/temperature, noise: 1 K, averaged: false}\n",
                   NULL);
    assert_non_null(world);
    const gm_world_sensor *sensors = world->sensors;
    assert_int_equal(sensors[0].reading, GM_READING_NONE);
    assert_true(gm_sensor_is_plain(&sensors[0]));
    assert_int_equal(sensors[1].reading, GM_READING_AVERAGED);
    assert_int_equal(sensors[1].span_ns, 900 * GM_SECOND_NS);
    near(sensors[1].to_si.offset, 273.15);
    near(sensors[1].max, 323.15);
    assert_false(gm_sensor_is_plain(&sensors[1]));
    assert_int_equal(sensors[2].reading, GM_READING_TOTALLED);
    assert_int_equal(sensors[2].span_ns, 0);
    assert_string_equal(sensors[2].field_unit, "J");
    near(sensors[2].to_si.factor, 3.6e6);
    near(sensors[2].noise, 3.6e5);
    assert_string_equal(sensors[3].field_unit, "m");
    near(sensors[3].to_si.factor, 1e-3);
    assert_int_equal(sensors[4].reading, GM_READING_RISEN);
    near(sensors[4].to_si.offset, 0.0); // a rise of 1 degC is one of 1 K
    assert_int_equal(sensors[5].reading, GM_READING_COUNTED);
    near(sensors[5].to_si.factor, 2e-3);
    near(sensors[5].noise, 0.0);
    assert_int_equal(sensors[6].reading, GM_READING_NONE);
    gm_world_close(world);
}

static void patterns_are_gathered(void **state)
{
    (void)state;
    gm_world *world = read_world(
        units,
        PLANT "sensors:\n"
              "  total: {field: 't*/vessel/level', of: sum, noise: 1 m}\n"
              "  hottest: {field: box/node/*/temperature, of: most, noise: 1 K, unit: degC}\n"
              "  coldest: {field: box/a/temperature, of: least, noise: 1 K}\n",
        NULL);
    assert_non_null(world);
    assert_int_equal(world->sensors[0].gathering, GM_GATHERING_SUM);
    assert_int_equal(world->sensors[0].ref_count, 1);
    assert_int_equal(world->sensors[1].gathering, GM_GATHERING_MOST);
    assert_int_equal(world->sensors[1].ref_count, 2); // c is an input
    near(world->sensors[1].to_si.offset, 273.15);
    assert_false(world->sensors[1].is_driver);
    assert_int_equal(world->sensors[2].gathering, GM_GATHERING_LEAST);
    assert_int_equal(world->sensors[2].ref_count, 1);
    gm_world_close(world);
}

static void populations_count_by_their_rows(void **state)
{
    (void)state;
    enum { PLACES = 3, LANES = 2 };
    // a population of 4 and of no rows in the two lanes, and a lone element
    gm_ref refs[PLACES] = { { .element = GM_ROWS, .field = 1 },
                            { .element = GM_ROWS, .field = GM_ROW_COUNT },
                            { .element = 0, .field = 1 } };
    const double fields[PLACES][LANES] = { { 2.0, 0.0 }, { 4.0, 0.0 }, { 12.0, 5.0 } };
    gm_world_sensor sensor = { .refs = refs, .ref_count = PLACES };
    double weights[LANES], out[LANES];
    sensor.gathering = GM_GATHERING_SUM;
    gm_sensor_gather(&sensor, fields[0], LANES, weights, out);
    near(out[0], 20.0);
    near(out[1], 5.0);
    sensor.gathering = GM_GATHERING_MEAN;
    gm_sensor_gather(&sensor, fields[0], LANES, weights, out);
    near(out[0], 4.0);
    near(out[1], 5.0);
    sensor.ref_count = 2; // nobody is there
    gm_sensor_gather(&sensor, fields[0], LANES, weights, out);
    near(out[0], 2.0);
    near(out[1], 0.0);
}

static void biases_are_read(void **state)
{
    (void)state;
    gm_world *world =
        read_world(units,
                   PLANT "sensors:\n"
                         "  off: {field: box/a/temperature, unit: degC, noise: 1, bias: {spread: "
                         "0.3 K, drift: 0.05 K/day}}\n"
                         "  raw: {field: one/level, scale: -0.01, noise: 1, bias: {spread: 2}}\n",
                   NULL);
    assert_non_null(world);
    near(world->sensors[0].bias_spread, 0.3);
    near(world->sensors[0].bias_drift, 0.05 / sqrt(86400.0));
    near(world->sensors[1].bias_spread, 0.02);
    near(world->sensors[1].bias_drift, 0.0);
    assert_true(gm_sensor_is_plain(&world->sensors[0]));
    gm_world_close(world);
}

static void what_cannot_be_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        unsigned column;
        const char *word;
    } cases[] = {
        { "field: one/level, noise: 1 m, averaged: soon", 55, "duration" },
        { "field: one/level, noise: 1 m, averaged: 0 s", 55, "above zero" },
        { "field: one/level, noise: 1 m, averaged: 1 s, counted: true", 60, "averaged already" },
        { "field: one/level, noise: 1 m, avereged: 1 s", 45, "did you mean 'averaged'?" },
        { "field: one/outlet, averaged: 1 s", 34, "a state or an output" },
        { "field: one/outlet, bias: {spread: 1}", 34, "a state or an output" },
        { "field: one/level, averaged: 1 s", 14, "noise" },
        { "field: one/level, noise: 1 m, totalled: true, unit: m", 67, "m" },
        { "field: '*/level', noise: 1 m", 22, "3 values" },
        { "field: one/level, noise: 1 m, of: some", 49, "sum" },
        { "field: '*/level', noise: 1 m, of: sum", 22, "no link joins" },
        { "field: 'one/vessel/*', noise: 1 m, of: sum", 22, "values in m and in" },
        { "field: one/outlet, noise: 1 m, of: sum", 22, "a state or an output" },
        { "field: one/nothing, noise: 1 m, of: sum", 22, "nothing" },
        { "field: box/node/*/temperature, noise: 1 K, of: sum, unit: degC", 73, "beside zero" },
        { "field: one/level, noise: 1 m, bias: 1 m", 51, "spread" },
        { "field: one/level, noise: 1 m, bias: {drift: 1 m/h}", 51, "spread" },
        { "field: one/level, noise: 1 m, bias: {spread: 0 m}", 60, "above zero" },
        { "field: one/level, noise: 1 m, bias: {spread: 1 K}", 60, "K" },
        { "field: one/level, noise: 1 m, bias: {spread: 1 m, drift: 1 m}", 72, "0.1 K/h" },
        { "field: one/level, noise: 1 m, bias: {spread: 1 m, drift: 1 %/h}", 72, "m/day" },
        { "field: one/level, noise: 1 m, bias: {spred: 1 m}", 52, "did you mean 'spread'?" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[1024], place[64];
        snprintf(text, sizeof text, PLANT "sensors: {s: {%s}}\n", cases[index].keys);
        snprintf(place, sizeof place, "w.yaml:4:%u: ", cases[index].column);
        gm_world *world = NULL;
        gm_error error = { 0 };
        if (read_world_bytes(units, text, strlen(text), NULL, &world, &error) == GM_OK ||
            strstr(error.text, cases[index].word) == NULL ||
            strncmp(error.text, place, strlen(place)) != 0) {
            fail_msg("%s\n -> %s, expected %s ... %s", cases[index].keys, error.text, place,
                     cases[index].word);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readings_over_spans_are_what_they_say),
        cmocka_unit_test(patterns_are_gathered),
        cmocka_unit_test(populations_count_by_their_rows),
        cmocka_unit_test(biases_are_read),
        cmocka_unit_test(what_cannot_be_read_is_refused),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
