// A played plant's meters and the twin's readings mean the same: of a plant that the twin knows,
// what they tell differs by what both say of it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "base/calendar.h"
#include "domain/domains.h"
#include "study/twin_trial.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

enum { HOURS = 12, METERS = 6 };

static const char plant[] =
    "world: house\n"
    "cycle: 30 s\n"
    "systems:\n"
    "  house:\n"
    "    model: thermal\n"
    "    nodes:\n"
    "      a: {capacity: 60 kJ/K, temperature: 20 degC}\n"
    "      b: {capacity: 30 kJ/K, temperature: 24 degC}\n"
    "      out: {fixed: true, temperature: 5 degC}\n"
    "    paths: {a-b: {conductance: 20 W/K}, a-out: {conductance: 30 W/K}, b-out: {conductance: 20 "
    "W/K}}\n"
    "sensors:\n"
    "  mean: {field: house/a/temperature, unit: degC, noise: 0.1 K, averaged: 10 min, every: 10 "
    "min}\n"
    "  slow: {field: house/b/temperature, unit: degC, noise: 0.1 K, averaged: 10 min, every: 2 "
    "min}\n"
    "  heat: {field: house/path/*-out/flow, of: sum, unit: W h, noise: 1 Wh, totalled: true, "
    "every: "
    "5 min}\n"
    "  rise: {field: house/a/temperature, unit: degC, noise: 0.02 K, risen: 3 min, every: 3 min}\n"
    "  pulses: {field: house/a-out/flow, scale: 1 kJ, counted: 1 min, every: 1 min}\n"
    "  hot: {field: house/node/*/temperature, of: most, unit: degC, noise: 0.1 K, every: 30 s}\n"
    "drivers:\n"
    "  house/a/power: {stochastic: {mean: 500 W, spread: 200 W, time: 20 min}}\n"
    "  house/b/power: {stochastic: {mean: 300 W, spread: 100 W, time: 20 min}}\n"
    "estimate: {states: {house/*/temperature: {spread: 0.5 K, drift: 0.01 K/h}}}\n"
    "devices: {seed: 4, set: {house/a/temperature: 20.4 degC}}\n";

static gm_world *must_read(const char *text)
{
    gm_world_options options = { .units = units };
    options.domains = gm_domains(&options.domain_count);
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_read("house.yaml", text, strlen(text), &options, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static void meters_tell_what_the_twin_expects(void **state)
{
    (void)state;
    gm_world *world = must_read(plant);
    gm_twin_trial trial;
    gm_device_options devices = { .start_ns = 1700000000 * GM_SECOND_NS };
    gm_error error = { 0 };
    if (gm_twin_trial_open(world, &devices, &trial, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    double squares[METERS] = { 0 };
    size_t counts[METERS] = { 0 };
    int64_t last_ns[METERS] = { 0 };
    for (int64_t step = 1; step <= HOURS * 120; step++) {
        assert_int_equal(
            gm_twin_trial_play(&trial, devices.start_ns + step * world->cycle_ns, &error), GM_OK);
        for (size_t sensor = 0; step > 60 && sensor < METERS; sensor++) {
            const gm_world_sensor *declared = &world->sensors[sensor];
            gm_sensor_status status;
            gm_twin_sensor(trial.twin, sensor, &status);
            if (status.time_ns == last_ns[sensor] || isnan(status.innovation)) {
                continue;
            }
            last_ns[sensor] = status.time_ns;
            double variance = declared->noise * declared->noise;
            if (declared->reading == GM_READING_COUNTED) {
                variance = status.estimate * declared->to_si.factor;
            }
            squares[sensor] +=
                status.innovation * status.innovation / (variance + status.spread * status.spread);
            counts[sensor]++;
        }
    }
    for (size_t sensor = 0; sensor < METERS; sensor++) {
        double mean = squares[sensor] / (double)counts[sensor];
        print_message("%-7s %5zu readings, normalised innovations %.2f\n",
                      world->sensors[sensor].name, counts[sensor], sqrt(mean));
        assert_true(counts[sensor] > 60);
        assert_true(mean > 0.6 && mean < 1.6);
    }
    gm_twin_trial_close(&trial);
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meters_tell_what_the_twin_expects),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
