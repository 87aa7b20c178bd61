// Two thermal systems linked in a loop: refused when no link is delayed, with the loop spelled out;
// with a delayed link heat goes round, and lane k of one drives lane k of the other.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "world/world_parts.h"

enum { LANES = 5 };

static gm_units *units;

static int open_units(void **state)
{
    (void)state;
    return gm_units_read(&units, NULL) == GM_OK ? 0 : -1;
}

static int close_units(void **state)
{
    (void)state;
    gm_units_close(units);
    return 0;
}

// the left room sees the right one behind its wall; what flows through the wall heats the right one
static const char *const rooms =
    "world: rooms\n"
    "cycle: %s\n"
    "systems:\n"
    "  left: {model: thermal, nodes: {air: {capacity: 1 kJ/K, temperature: 310 K},"
    " wall: {fixed: true, temperature: 280 K}}, paths: {air-wall: {conductance: 2 W/K}}}\n"
    "  right: {model: thermal, nodes: {air: {capacity: 1 kJ/K, temperature: 280 K}}}\n"
    "links:\n"
    "  right/air/power: left/air-wall/flow\n"
    "  left/wall/temperature: {from: right/air/temperature%s}\n";

static gm_status read_rooms(const char *cycle, const char *delayed, gm_world **world,
                            gm_error *error)
{
    char text[1024];
    snprintf(text, sizeof text, rooms, cycle, delayed);
    gm_world_options options = { .units = units };
    options.domains = gm_domains(&options.domain_count);
    return gm_world_read("rooms.yaml", text, strlen(text), &options, world, error);
}

static void a_loop_without_delay_is_spelled_out(void **state)
{
    (void)state;
    gm_world *world = NULL;
    gm_error error = { 0 };
    assert_int_equal(read_rooms("1 s", "", &world, &error), GM_INVALID);
    assert_null(world);
    assert_non_null(strstr(error.text, "rooms.yaml:"));
    assert_non_null(strstr(error.text, "left/node/wall/temperature <- right/node/air/temperature"));
    assert_non_null(strstr(error.text, "right/node/air/power <- left/path/air-wall/flow"));
    assert_non_null(strstr(error.text, "delayed"));
}

typedef struct run {
    gm_world *world;
    gm_layout *layout;
    gm_state *state;
    size_t lanes;
} run;

static run start(const char *cycle, size_t lanes)
{
    run made = { .lanes = lanes };
    gm_error error = { 0 };
    if (read_rooms(cycle, ", delayed: true", &made.world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(gm_world_layout(made.world, lanes, NULL, 0, &made.layout, &error), GM_OK);
    assert_int_equal(gm_state_create(made.layout, 0, &made.state, &error), GM_OK);
    return made;
}

static void finish(run *made)
{
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_world_close(made->world);
}

static gm_ref ref_of(const run *made, const char *address)
{
    gm_ref ref;
    gm_error error = { 0 };
    if (gm_world_find_one(made->world, address, (gm_place){ 0 }, &ref, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return ref;
}

static void advance(run *made, int64_t until_ns)
{
    gm_error error = { 0 };
    gm_world_work *work = NULL;
    assert_int_equal(gm_world_work_create(made->world, made->lanes, &work, &error), GM_OK);
    gm_advance_options options = { .mode = GM_ADVANCE_PAST, .work = work };
    if (gm_world_advance(made->world, made->state, &options, until_ns, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    gm_world_work_close(work);
}

/// How far the sum of both temperatures has moved after 100 s, and their difference.
static double drift_of(const char *cycle, double *gap)
{
    run made = start(cycle, 1);
    double left, right;
    advance(&made, INT64_C(100000000000));
    assert_int_equal(gm_state_read(made.state, ref_of(&made, "left/air/temperature"), &left, NULL),
                     GM_OK);
    assert_int_equal(
        gm_state_read(made.state, ref_of(&made, "right/air/temperature"), &right, NULL), GM_OK);
    *gap = left - right;
    finish(&made);
    return fabs(left + right - 590.0);
}

static void heat_goes_round_a_delayed_loop(void **state)
{
    (void)state;
    double gap_coarse, gap_fine;
    double coarse = drift_of("4 s", &gap_coarse), fine = drift_of("1 s", &gap_fine);
    double exact = 30.0 * exp(-2.0 * 2.0 / 1000.0 * 100.0); // two rooms, 2 W/K between them
    assert_true(fabs(gap_fine - exact) < 0.1 && fabs(gap_coarse - exact) < 0.4);
    assert_true(coarse < 0.5 && fine < coarse / 3.0); // the delay's error is of first order
}

static void lane_k_of_one_drives_lane_k_of_the_other(void **state)
{
    (void)state;
    run all = start("1 s", LANES);
    double start_k[LANES], left[LANES], right[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        start_k[lane] = 290.0 + 7.0 * (double)lane;
    }
    gm_error error = { 0 };
    assert_int_equal(
        gm_state_write(all.state, ref_of(&all, "left/air/temperature"), start_k, &error), GM_OK);
    advance(&all, INT64_C(50000000000));
    gm_state_read(all.state, ref_of(&all, "left/air/temperature"), left, &error);
    gm_state_read(all.state, ref_of(&all, "right/air/temperature"), right, &error);
    for (size_t lane = 0; lane < LANES; lane++) {
        run alone = start("1 s", 1);
        double there = start_k[lane];
        assert_int_equal(
            gm_state_write(alone.state, ref_of(&alone, "left/air/temperature"), &there, &error),
            GM_OK);
        advance(&alone, INT64_C(50000000000));
        gm_state_read(alone.state, ref_of(&alone, "left/air/temperature"), &there, &error);
        assert_memory_equal(&there, &left[lane], sizeof there);
        gm_state_read(alone.state, ref_of(&alone, "right/air/temperature"), &there, &error);
        assert_memory_equal(&there, &right[lane], sizeof there);
        finish(&alone);
    }
    finish(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_without_delay_is_spelled_out),
        cmocka_unit_test(heat_goes_round_a_delayed_loop),
        cmocka_unit_test(lane_k_of_one_drives_lane_k_of_the_other),
    };
    return cmocka_run_group_tests(tests, open_units, close_units);
}
