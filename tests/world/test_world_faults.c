// A world whose n-th allocation fails says so and leaves nothing behind, for every n.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

enum { ALLOCATIONS_MAX = 20000 };

static const memory_file files[] = { { "rooms.csv", "id,capacity\nhall,250 J/K\nbath,1 kJ/K\n" },
                                     { 0 } };

static const char everything[] =
    "world: w\n"
    "cycle: 1 s\n"
    "zone: Europe/Berlin\n"
    "systems:\n"
    "  house: {model: thermal, nodes: {each: rooms.csv, $id: {capacity: $capacity}}, paths: "
    "{hall-bath: {conductance: 2}}}\n"
    "  a: {model: tank}\n"
    "  b: {model: tank}\n"
    "links: {a/inflow: {from: b/drain, delayed: true}, b/inflow: a/drain}\n"
    "profiles: {p: {unit: W, day: {\"00:00\": 1}, holiday: {\"00:00\": 2}, holidays: "
    "[2026-12-25]}}\n"
    "sensors: {t: {field: house/hall/temperature, unit: degC, noise: 0.1 K, columns: [t1, t2]}}\n"
    "drivers: {house/*/power: {profile: p}}\n"
    "estimate: {states: [\"*/level\"], parameters: {\"*/outlet\": {spread: 20 %, drift: 1 "
    "%/day}}}\n"
    "record: {\"*/level\": 1 s}\n"
    "forecast: {fields: [a/level], at: [1 min, 5 s]}\n"
    "scenarios: {x: {for: 1 h, structure: {house: {nodes: {bath: none}, paths: {hall-bath: "
    "none}}}, "
    "set: {a/level: [{at: 1 min, times: 2, for: 1 s}, {at: 1 s, to: 1 "
    "m}]}}}\n";

static const char what_if[] =
    "{\"structure\": {\"house\": {\"nodes\": {\"hall\": {\"capacity\": 3}}}},"
    " \"set\": {\"a/inflow\": {\"ramp\": {\"to\": 1, \"over\": \"5 s\"}}}, \"for\": \"1 min\"}";

// Reads, lays out and moves a world; whether all of it went well. A failure is told as one of
// memory.
static bool live(gm_error *error)
{
    gm_world *world = NULL;
    gm_scenario *scenario = NULL;
    gm_layout *layout = NULL, *varied_layout = NULL;
    gm_state *state = NULL, *varied = NULL;
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD };
    gm_status status =
        read_world_bytes(units, everything, sizeof everything - 1, files, &world, error);
    assert_true((status == GM_OK) == (world != NULL));
    if (status == GM_OK) {
        status = gm_scenario_read(world, what_if, sizeof what_if - 1, &scenario, error);
    }
    if (status == GM_OK) {
        status = gm_world_layout(world, 5, NULL, 0, &layout, error);
    }
    if (status == GM_OK) {
        status = gm_state_create(layout, 0, &state, error);
    }
    if (status == GM_OK) {
        status = gm_scenario_fork(world, scenario, state, &varied_layout, &varied, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(scenario->variant, 5, &options.work, error);
    }
    if (status == GM_OK) {
        status = gm_scenario_start(scenario, 5, 0, &options.run, error);
    }
    if (status == GM_OK) {
        status = gm_world_advance(scenario->variant, varied, &options, 4 * GM_SECOND_NS, error);
    }
    gm_scenario_stop(options.run);
    gm_world_work_close(options.work);
    gm_state_close(varied);
    gm_layout_close(varied_layout);
    gm_state_close(state);
    gm_layout_close(layout);
    gm_scenario_close(scenario);
    gm_world_close(world);
    return status == GM_OK;
}

static void any_allocation_may_fail(void **state)
{
    (void)state;
    long count = 0;
    for (bool done = false; !done; count++) {
        assert_true(count < ALLOCATIONS_MAX);
        gm_error error = { 0 };
        allocations_left = count;
        done = live(&error);
        allocations_left = LONG_MAX;
        if (!done && error.status != GM_MEMORY) {
            fail_msg("allocation %ld: %s: %s", count, gm_status_name(error.status), error.text);
        }
    }
    assert_true(count > 20);
}

static void steady_state_allocates_nothing(void **state)
{
    (void)state;
    gm_error error = { 0 };
    gm_world *world = NULL;
    gm_layout *layout = NULL;
    gm_state *live_state = NULL;
    gm_advance_options options = { .mode = GM_ADVANCE_PAST };
    assert_int_equal(
        read_world_bytes(units, everything, sizeof everything - 1, files, &world, &error), GM_OK);
    assert_int_equal(gm_world_layout(world, 16, NULL, 0, &layout, &error), GM_OK);
    assert_int_equal(gm_state_create(layout, 0, &live_state, &error), GM_OK);
    assert_int_equal(gm_world_work_create(world, 16, &options.work, &error), GM_OK);
    assert_int_equal(gm_world_advance(world, live_state, &options, 10 * GM_SECOND_NS, &error),
                     GM_OK);
    allocations_left = 0;
    gm_status status = gm_world_advance(world, live_state, &options, 100 * GM_SECOND_NS, &error);
    allocations_left = LONG_MAX;
    assert_int_equal(status, GM_OK);
    gm_world_work_close(options.work);
    gm_state_close(live_state);
    gm_layout_close(layout);
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(steady_state_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
