// labels: threads
// Coupled worlds move as declared: drivers, profiles across summer time, links, interventions at
// their exact times; the same bits for any width, any number of workers, and any way of cutting the
// calls.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/profile.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

static const int64_t second_ns = GM_SECOND_NS;

// A world with a state and everything to move it.
typedef struct setup {
    gm_world *world;
    gm_layout *layout;
    gm_state *state;
    gm_world_work *work;
    gm_workers *workers;
    gm_advance_options options;
    size_t lanes;
} setup;

static setup start(const char *text, size_t lanes, int64_t time_ns)
{
    setup made = { .world = read_world(units, text, NULL), .lanes = lanes };
    gm_error error = { 0 };
    assert_non_null(made.world);
    assert_int_equal(gm_world_layout(made.world, lanes, NULL, 0, &made.layout, &error), GM_OK);
    assert_int_equal(gm_state_create(made.layout, time_ns, &made.state, &error), GM_OK);
    assert_int_equal(gm_world_work_create(made.world, lanes, &made.work, &error), GM_OK);
    made.options = (gm_advance_options){ .mode = GM_ADVANCE_PAST, .work = made.work };
    return made;
}

static void finish(setup *made)
{
    gm_workers_close(made->workers);
    gm_world_work_close(made->work);
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_world_close(made->world);
}

static void advance(setup *made, int64_t until_ns)
{
    gm_error error = { 0 };
    if (gm_world_advance(made->world, made->state, &made->options, until_ns, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(gm_state_time(made->state), until_ns);
}

static double value_in(const setup *made, const char *address, size_t lane)
{
    gm_ref ref;
    gm_error error = { 0 };
    double values[1024];
    assert_true(made->lanes <= 1024);
    assert_int_equal(gm_world_find_one(made->world, address, (gm_place){ 0 }, &ref, &error), GM_OK);
    assert_int_equal(gm_state_read(made->state, ref, values, &error), GM_OK);
    return values[lane];
}

static double value_of(const setup *made, const char *address)
{
    return value_in(made, address, 0);
}

static void close_to(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance)) {
        fail_msg("got %.17g, expected %.17g", got, expected);
    }
}

static int64_t at(const char *iso)
{
    int64_t time_ns = 0;
    assert_true(gm_time_parse(gm_text_of(iso), &time_ns));
    return time_ns;
}

// ---- profiles ----

static const char house[] =
    "world: house\n"
    "cycle: 1 min\n"
    "zone: Europe/Berlin\n"
    "systems: {a: {model: tank}}\n"
    "profiles:\n"
    "  step: {unit: cm/s, day: {\"02:00\": 2, \"03:00\": 3, \"18:00\": 18}, weekend: {\"00:00\": "
    "50, \"03:00\": 53},\n"
    "         holiday: {\"00:00\": 99}, holidays: [2026-12-25]}\n"
    "  line: {unit: m/s, zone: UTC, interpolate: linear, day: {\"06:00\": 10, \"18:00\": 22}}\n"
    "drivers: {a/inflow: {profile: step}}\n";

static void profiles_follow_the_local_clock(void **state)
{
    (void)state;
    gm_world *world = read_world(units, house, NULL);
    assert_non_null(world);
    static const struct {
        const char *utc;
        double value;
    } cases[] = {
        { "2026-01-14T00:30:00Z", 18 }, // 01:30: before the first point yesterday's last one holds
        { "2026-01-14T01:00:00Z", 2 },  // winter: two o'clock is one in UTC
        { "2026-07-15T00:00:00Z", 2 },  // summer: it is midnight in UTC
        { "2026-07-15T01:00:00Z", 3 },     { "2026-07-15T16:00:00Z", 18 },
        { "2026-07-15T15:59:59.999Z", 3 }, { "2026-07-18T00:00:00Z", 50 }, // Saturday
        { "2026-07-17T21:59:59Z", 18 },                                    // still Friday
        { "2026-03-29T00:59:59Z", 50 }, // 01:59:59, then the clock jumps to 03:00
        { "2026-03-29T01:00:00Z", 53 },    { "2026-10-25T00:30:00Z", 50 }, // 02:30 the first time
        { "2026-10-25T01:30:00Z", 50 },                                    // 02:30 again
        { "2026-10-25T02:00:00Z", 53 },    { "2026-12-24T22:59:59Z", 18 },
        { "2026-12-24T23:00:00Z", 99 }, // a holiday begins at local midnight
        { "2026-12-25T23:00:00Z", 50 }, // Saturday's table begins
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        double got = gm_profile_value(world->profiles[0], at(cases[index].utc));
        if (got != cases[index].value) {
            fail_msg("%s: got %g, expected %g", cases[index].utc, got, cases[index].value);
        }
    }
    gm_world_close(world);
}

static void linear_profiles_run_through_midnight(void **state)
{
    (void)state;
    gm_world *world = read_world(units, house, NULL);
    assert_non_null(world);
    const gm_profile *line = world->profiles[1];
    close_to(gm_profile_value(line, at("2026-05-05T12:00:00Z")), 16.0, 1e-12);
    close_to(gm_profile_value(line, at("2026-05-05T18:00:00Z")), 22.0, 1e-12);
    close_to(gm_profile_value(line, at("2026-05-06T00:00:00Z")), 16.0, 1e-12);
    close_to(gm_profile_value(line, at("2026-05-06T03:00:00Z")), 13.0, 1e-12);
    close_to(gm_profile_value(line, at("2026-05-05T12:00:00.5Z")), 16.0 + 0.5 / 3600.0, 1e-12);
    close_to(gm_profile_value(line, at("1969-12-31T12:00:00Z")), 16.0, 1e-12);
    gm_world_close(world);
}

static void a_profile_drives_its_input_at_ticks(void **state)
{
    (void)state;
    setup run = start(house, 3, at("2026-07-15T00:59:00Z"));
    advance(&run, at("2026-07-15T01:00:00Z"));
    close_to(value_of(&run, "a/inflow"), 0.02,
             1e-15); // the tick at the end belongs to the next call
    advance(&run, at("2026-07-15T01:00:30Z"));
    close_to(value_in(&run, "a/inflow", 2), 0.03, 1e-15);
    finish(&run);
}

// ---- interventions ----

static const char vessel[] =
    "world: vessel\ncycle: 1 s\nsystems: {a: {model: tank, level: 0 m, outlet: 0}}\n";

// Runs a scenario in one tank without outlet: the level is the integral of the inflow.
static double level_after(const char *set, int64_t until_ns, int64_t step_ns)
{
    setup run = start(vessel, 9, 0);
    gm_error error = { 0 };
    gm_scenario *scenario = NULL;
    if (gm_scenario_read(run.world, set, strlen(set), &scenario, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(gm_scenario_start(scenario, 9, 0, &run.options.run, &error), GM_OK);
    for (int64_t time_ns = 0; time_ns < until_ns;) {
        time_ns = time_ns + step_ns < until_ns ? time_ns + step_ns : until_ns;
        advance(&run, time_ns);
    }
    double level = value_in(&run, "a/level", 8);
    gm_scenario_stop(run.options.run);
    gm_scenario_close(scenario);
    finish(&run);
    return level;
}

static void interventions_happen_at_their_exact_times(void **state)
{
    (void)state;
    static const int64_t steps_ns[] = { INT64_C(100000000000), INT64_C(1000000000),
                                        INT64_C(700000000) };
    for (size_t index = 0; index < sizeof steps_ns / sizeof *steps_ns; index++) {
        int64_t step_ns = steps_ns[index];
        close_to(level_after("set: {a/inflow: {at: 2.25 s, to: 1 m/s}}", 10 * second_ns, step_ns),
                 7.75, 1e-9);
        close_to(level_after("set: {a/inflow: {at: 2.25 s, to: 1 m/s, for: 1.5 s}}", 10 * second_ns,
                             step_ns),
                 1.5, 1e-9);
        close_to(level_after("set: {a/inflow: 1 m/s}", 10 * second_ns, step_ns), 10.0, 1e-9);
        close_to(level_after("set: {a/inflow: [2 m/s, {at: 4 s, trip: true, for: 2 s}]}",
                             10 * second_ns, step_ns),
                 16.0, 1e-9);
        close_to(
            level_after(
                "set: {a/inflow: [2 m/s, {at: 1 s, times: 3, for: 1 s}, {at: 5 s, add: 1 m/s}]}",
                10 * second_ns, step_ns),
            2 + 6 + 6 + 15, 1e-9);
        close_to(level_after("set: {a/level: [{at: 3.3 s, to: 5 m}, {at: 4 s, times: 2}]}",
                             10 * second_ns, step_ns),
                 10.0, 1e-9);
    }
}

static void what_ends_and_what_starts_may_meet(void **state)
{
    (void)state;
    close_to(level_after("set: {a/inflow: [{to: 1 m/s, for: 2 s}, {at: 2 s, to: 3 m/s, for: 1 s}]}",
                         5 * second_ns, 5 * second_ns),
             5.0, 1e-9);
}

static void changes_come_again(void **state)
{
    (void)state;
    static const int64_t steps_ns[] = { INT64_C(100000000000), INT64_C(1000000000),
                                        INT64_C(300000000) };
    for (size_t index = 0; index < sizeof steps_ns / sizeof *steps_ns; index++) {
        // in force from 1 to 1.5, 4 to 4.5, 7 to 7.5 and 10 to 10.5
        const char *set = "set: {a/inflow: [1 m/s, {at: 1 s, times: 5, for: 0.5 s, every: 3 s}]}";
        close_to(level_after(set, 12 * second_ns, steps_ns[index]), 12.0 + 4 * 4 * 0.5, 1e-9);
        close_to(level_after(set, INT64_C(10250000000), steps_ns[index]), 10.25 + 4 * 1.75, 1e-9);
    }
}

static void ramps_climb_in_steps_of_the_cycle(void **state)
{
    (void)state;
    // 0, 1, 2 ... 9 m/s for a second each, then 10 for five, then back to nothing
    close_to(level_after("set: {a/inflow: {ramp: {to: 10 m/s, over: 10 s}, for: 15 s}}",
                         20 * second_ns, 20 * second_ns),
             45.0 + 50.0, 1e-9);
    close_to(level_after("set: {a/inflow: {ramp: {to: 10 m/s, over: 10 s}}}", 12 * second_ns,
                         1 * second_ns),
             45.0 + 20.0, 1e-9);
}

static void a_change_outlasts_its_driver(void **state)
{
    (void)state;
    setup run = start("world: w\ncycle: 1 s\nsystems: {a: {model: tank, level: 0 m, outlet: 0}}\n"
                      "profiles: {p: {unit: m/s, day: {\"00:00\": 2}}}\n"
                      "drivers: {a/inflow: {profile: p}}\n"
                      "scenarios:\n"
                      "  held: {for: 1 min, set: {a/inflow: {at: 2.5 s, to: 7 m/s, for: 3 s}}}\n"
                      "  more: {for: 1 min, set: {a/inflow: {at: 2.5 s, times: 3, for: 3 s}}}\n",
                      1, 0);
    gm_state *base = run.state;
    gm_error error = { 0 };
    static const struct {
        const char *name;
        double level;
    } cases[] = { { "held", 2 * 2.5 + 7 * 3 + 2 * 4.5 }, { "more", 2 * 2.5 + 6 * 3 + 2 * 4.5 } };
    for (size_t index = 0; index < 2; index++) {
        assert_int_equal(gm_state_fork(base, &run.state, &error), GM_OK);
        const gm_scenario *scenario = gm_world_find_scenario(run.world, cases[index].name);
        assert_int_equal(gm_scenario_start(scenario, 1, 0, &run.options.run, &error), GM_OK);
        advance(&run, 10 * second_ns);
        close_to(value_of(&run, "a/level"), cases[index].level, 1e-9);
        gm_scenario_stop(run.options.run);
        run.options.run = NULL;
        gm_state_close(run.state);
    }
    run.state = base;
    finish(&run);
}

// ---- links ----

static void delayed_links_carry_the_value_before_the_tick(void **state)
{
    (void)state;
    setup run = start("world: w\ncycle: 1 s\n"
                      "systems: {a: {model: tank, level: 3 m, outlet: 0}, b: {model: tank, level: "
                      "0 m, outlet: 0},\n"
                      "          c: {model: tank, level: 1 m, outlet: 1}}\n"
                      "links:\n"
                      "  b/inflow: {from: c/drain, delayed: true}\n"
                      "  c/inflow: {from: b/drain, delayed: true}\n",
                      2, 0);
    advance(&run, second_ns);
    close_to(value_of(&run, "b/inflow"), 1.0, 1e-12);
    close_to(value_of(&run, "b/level"), 1.0, 1e-6); // fed with what c had as the second began
    double level = value_of(&run, "c/level");
    close_to(level, exp(-1.0), 1e-6);
    advance(&run, 2 * second_ns);
    close_to(value_of(&run, "b/inflow"), level, 1e-12);
    close_to(value_of(&run, "b/level"), 1.0 + level, 1e-6);
    finish(&run);
}

static void undelayed_links_carry_the_value_after_the_step(void **state)
{
    (void)state;
    setup run = start("world: w\ncycle: 1 s\n"
                      "systems: {c: {model: tank, level: 0 m, outlet: 0}, b: {model: tank, level: "
                      "1 m, outlet: 1}}\n"
                      "links: {c/inflow: {from: b/drain, scale: 2, offset: 1 m/s}}\n",
                      8, 0);
    gm_error error = { 0 };
    assert_int_equal(gm_world_settle(run.world, run.state, &run.options, &error), GM_OK);
    close_to(value_of(&run, "c/inflow"), 3.0, 1e-12);
    close_to(value_of(&run, "c/level"), 0.0, 0.0);
    advance(&run, second_ns);
    close_to(value_of(&run, "c/inflow"), 2 * exp(-1.0) + 1.0, 1e-6);
    close_to(value_of(&run, "c/level"), 2 * exp(-1.0) + 1.0, 1e-6);
    finish(&run);
}

// ---- ahead ----

static double known_inflow(void *context, size_t sensor, int64_t time_ns)
{
    (void)context;
    return sensor == 0 && time_ns < 5 * second_ns ? (double)(time_ns / second_ns) : NAN;
}

static const char sensed[] =
    "world: w\ncycle: 1 s\nlanes: 512\n"
    "systems: {a: {model: tank, level: 0 m, outlet: 0}, b: {model: tank}, c: {model: tank}}\n"
    "sensors:\n"
    "  in: {field: a/inflow, ahead: known}\n"
    "  wind: {field: b/inflow, ahead: {stochastic: {spread: 2 m/s, time: 5 s}}}\n"
    "drivers: {c/inflow: {past: hold, ahead: {stochastic: {mean: 4 m/s, spread: 1 m/s, time: 2 "
    "s}}}}\n";

static void what_is_known_ahead_is_used_and_then_held(void **state)
{
    (void)state;
    setup run = start(sensed, 4, 0);
    run.options.known = known_inflow;
    advance(&run, 8 * second_ns); // while sensors speak the value that was written holds
    close_to(value_of(&run, "a/level"), 0.0, 1e-12);
    assert_int_equal(gm_state_set_time(run.state, 0, NULL), GM_OK);
    run.options.mode = GM_ADVANCE_AHEAD;
    advance(&run, 8 * second_ns);
    close_to(value_of(&run, "a/level"), 0 + 1 + 2 + 3 + 4 + 4 + 4 + 4, 1e-9);
    finish(&run);
}

// A future that stays for some ticks, moves for some, and is unknown at last.
static double uneven_future(void *context, size_t sensor, int64_t time_ns)
{
    (void)context;
    int64_t time_s = time_ns / second_ns;
    double power = time_s < 9 ? 100.0 : time_s < 13 ? (double)time_s : time_s < 70 ? 5.0 : NAN;
    return sensor == 0 ? power : 290.0 + (double)(time_s / 25);
}

static uint64_t uneven_hash(const char *scenario, int64_t step_ns)
{
    setup run = start("world: w\ncycle: 1 s\n"
                      "systems: {box: {model: thermal, integrator: {method: rk4, step: 0.5 s},\n"
                      "                nodes: {air: {capacity: 690}, room: {fixed: true}},\n"
                      "                paths: {air-room: {conductance: 0.7}}}}\n"
                      "sensors: {heat: {field: box/air/power, ahead: known},\n"
                      "          room: {field: box/room/temperature, ahead: known}}\n"
                      "scenarios:\n"
                      "  none: {for: 2 min, set: {}}\n"
                      "  some: {for: 2 min, set: {box/air/power: [{at: 4 s, times: 2, for: 30 s},\n"
                      "                                           {at: 60 s, add: 3 W}]}}\n",
                      9, 0);
    gm_error error = { 0 };
    run.options.mode = GM_ADVANCE_AHEAD;
    run.options.known = uneven_future;
    const gm_scenario *changes = gm_world_find_scenario(run.world, scenario);
    assert_non_null(changes);
    assert_int_equal(gm_scenario_start(changes, 9, 0, &run.options.run, &error), GM_OK);
    for (int64_t time_ns = step_ns; time_ns <= 120 * second_ns; time_ns += step_ns) {
        advance(&run, time_ns);
    }
    uint64_t hash = gm_state_hash(run.state);
    gm_scenario_stop(run.options.run);
    finish(&run);
    return hash;
}

static void ticks_without_news_are_passed_over_unnoticed(void **state)
{
    (void)state;
    static const char *const scenarios[] = { "none", "some" };
    uint64_t hashes[2];
    for (size_t which = 0; which < 2; which++) {
        hashes[which] = uneven_hash(scenarios[which], second_ns);
        assert_int_equal(uneven_hash(scenarios[which], 5 * second_ns), hashes[which]);
        assert_int_equal(uneven_hash(scenarios[which], 24 * second_ns), hashes[which]);
        assert_int_equal(uneven_hash(scenarios[which], 120 * second_ns), hashes[which]);
    }
    assert_int_not_equal(hashes[0], hashes[1]);
}

static void stochastic_drivers_spread_as_declared(void **state)
{
    (void)state;
    setup run = start(sensed, 512, 0);
    run.options.mode = GM_ADVANCE_AHEAD;
    gm_error error = { 0 };
    gm_ref refs[2];
    assert_int_equal(gm_world_find_one(run.world, "b/inflow", (gm_place){ 0 }, &refs[0], &error),
                     GM_OK);
    assert_int_equal(gm_world_find_one(run.world, "c/inflow", (gm_place){ 0 }, &refs[1], &error),
                     GM_OK);
    assert_int_equal(gm_state_fill(run.state, refs[0], 10.0, &error), GM_OK);
    static const double means[] = { 10.0, 4.0 }, spreads[] = { 2.0, 1.0 };
    double sum[2] = { 0 }, squares[2] = { 0 }, first[2] = { 0 };
    double values[2][512];
    int count = 0;
    for (int64_t time_s = 1; time_s <= 400; time_s++) {
        advance(&run, time_s * second_ns);
        assert_int_equal(gm_state_read_many(run.state, refs, 2, &values[0][0], &error), GM_OK);
        for (size_t which = 0; which < 2; which++) {
            for (size_t lane = 0; lane < 512; lane++) {
                double off = values[which][lane] - means[which];
                first[which] += time_s == 1 ? off * off : 0.0;
                sum[which] += time_s > 50 ? off : 0.0;
                squares[which] += time_s > 50 ? off * off : 0.0;
            }
        }
        count += time_s > 50 ? 512 : 0;
    }
    for (size_t which = 0; which < 2; which++) {
        close_to(sum[which] / count, 0.0, 0.05 * spreads[which]);
        close_to(sqrt(squares[which] / count), spreads[which], 0.03 * spreads[which]);
    }
    // after one tick the held value has spread by a fraction of its stationary spread
    close_to(sqrt(first[0] / 512), 2.0 * sqrt(1.0 - exp(-2.0 / 5.0)), 0.15);
    finish(&run);
}

// ---- the same bits ----

static const char busy[] =
    "world: w\ncycle: 1 s\nlanes: 21\nseed: 5\n"
    "systems:\n"
    "  box: {model: thermal, nodes: {h: {capacity: 250}, air: {capacity: 690}, room: {fixed: "
    "true}},\n"
    "        paths: {h-air: {conductance: 0.9}, air-room: {conductance: 0.7}}}\n"
    "  a: {model: tank}\n"
    "  b: {model: tank}\n"
    "profiles: {sun: {unit: W, interpolate: linear, day: {\"00:00\": 0, \"00:00:20\": 500}}}\n"
    "sensors: {room: {field: box/room/temperature, ahead: {stochastic: {spread: 1 K, time: 1 "
    "min}}}}\n"
    "drivers:\n"
    "  box/h/power: {profile: sun}\n"
    "  box/air/power: {stochastic: {mean: 5 W, spread: 3 W, time: 10 s}}\n"
    "links: {a/inflow: {from: b/drain, delayed: true}, b/inflow: {from: a/drain, scale: 0.5}}\n"
    "scenarios: {x: {for: 1 min, set: {box/*/conductance: {at: 3.7 s, times: 4, for: 8.1 s},\n"
    "                                  box/air/power: {at: 9 s, ramp: {to: 30 W, over: 5 s}}}}}\n";

static uint64_t busy_hash(size_t lanes, int width, size_t worker_count, int64_t step_ns)
{
    setup run = { .world = read_world(units, busy, NULL), .lanes = lanes };
    gm_error error = { 0 };
    assert_non_null(run.world);
    gm_section section = { .name = "drivers",
                           .size = run.world->stochastic_count * lanes * 8,
                           .schema = 1 };
    gm_layout_options options = {
        .seed = 5, .width = width, .sections = &section, .section_count = 1
    };
    assert_int_equal(gm_layout_create(run.world->models, 3, lanes, &options, &run.layout, &error),
                     GM_OK);
    assert_int_equal(gm_state_create(run.layout, 0, &run.state, &error), GM_OK);
    assert_int_equal(gm_world_work_create(run.world, lanes, &run.work, &error), GM_OK);
    assert_int_equal(gm_workers_create(worker_count, &run.workers, &error), GM_OK);
    run.options =
        (gm_advance_options){ .mode = GM_ADVANCE_AHEAD, .work = run.work, .workers = run.workers };
    const gm_scenario *scenario = gm_world_find_scenario(run.world, "x");
    assert_int_equal(gm_scenario_start(scenario, lanes, 0, &run.options.run, &error), GM_OK);
    for (int64_t time_ns = step_ns; time_ns <= 20 * second_ns; time_ns += step_ns) {
        advance(&run, time_ns);
    }
    uint64_t hash = gm_state_hash(run.state);
    gm_scenario_stop(run.options.run);
    finish(&run);
    return hash;
}

static void width_workers_and_calls_do_not_change_a_bit(void **state)
{
    (void)state;
    uint64_t expected = busy_hash(21, 8, 1, second_ns);
    assert_int_equal(busy_hash(21, 1, 1, second_ns), expected);
    assert_int_equal(busy_hash(21, 8, 2, second_ns), expected);
    assert_int_equal(busy_hash(21, 1, 7, second_ns), expected);
    assert_int_equal(busy_hash(21, 8, 1, 5 * second_ns), expected);
    assert_int_equal(busy_hash(21, 8, 3, 20 * second_ns), expected);
    assert_int_not_equal(busy_hash(20, 8, 1, second_ns), expected);
}

// ---- simulation ----

typedef struct row_sum {
    size_t rows, times;
    double last_s, level;
} row_sum;

static gm_status take_row(void *context, const gm_world_row *row, gm_error *error)
{
    (void)error;
    row_sum *sum = context;
    sum->times += sum->rows == 0 || row->time_s != sum->last_s;
    sum->rows++;
    sum->last_s = row->time_s;
    if (strcmp(row->field, "level") == 0) {
        sum->level = row->value;
        assert_string_equal(row->element, "vessel");
        assert_string_equal(row->unit, "m");
    }
    return GM_OK;
}

static gm_status refuse_row(void *context, const gm_world_row *row, gm_error *error)
{
    (void)context;
    return row->time_s > 1.5 ? gm_error_set(error, GM_CANCELLED, "enough") : GM_OK;
}

static void a_simulation_gives_rows_at_even_times_and_the_end(void **state)
{
    (void)state;
    gm_world *world = read_world(
        units, "world: w\nstart: 2026-01-01\nsystems: {a: {model: tank, level: 2 m}}\n", NULL);
    assert_non_null(world);
    row_sum sum = { 0 };
    gm_error error = { 0 };
    gm_simulate_options options = {
        .until_ns = 10 * second_ns, .every_ns = 4 * second_ns, .context = &sum, .row = take_row
    };
    assert_int_equal(gm_world_simulate(world, &options, &error), GM_OK);
    assert_int_equal(sum.times, 4); // 0, 4, 8, 10
    assert_int_equal(sum.rows, 12); // inflow, level, drain
    close_to(sum.last_s, 10.0, 0.0);
    close_to(sum.level, 2.0 * exp(-1.0), 1e-6);

    sum = (row_sum){ 0 };
    const char *fields[] = { "a/level", "a/outlet" };
    options.fields = fields;
    options.field_count = 2;
    assert_int_equal(gm_world_simulate(world, &options, &error), GM_OK);
    assert_int_equal(sum.rows, 8);

    options.row = refuse_row;
    assert_int_equal(gm_world_simulate(world, &options, &error), GM_CANCELLED);
    options.every_ns = 0;
    assert_int_equal(gm_world_simulate(world, &options, &error), GM_INVALID);
    fields[0] = "a/lvel";
    options.every_ns = second_ns;
    assert_int_equal(gm_world_simulate(world, &options, &error), GM_NOT_FOUND);
    gm_world_close(world);
}

static void time_does_not_run_back(void **state)
{
    (void)state;
    setup run = start(vessel, 1, 5 * second_ns);
    gm_error error = { 0 };
    assert_int_equal(gm_world_advance(run.world, run.state, &run.options, second_ns, &error),
                     GM_INVALID);
    assert_int_equal(gm_state_time(run.state), 5 * second_ns);
    advance(&run, 5 * second_ns);
    finish(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_follow_the_local_clock),
        cmocka_unit_test(linear_profiles_run_through_midnight),
        cmocka_unit_test(a_profile_drives_its_input_at_ticks),
        cmocka_unit_test(interventions_happen_at_their_exact_times),
        cmocka_unit_test(what_ends_and_what_starts_may_meet),
        cmocka_unit_test(changes_come_again),
        cmocka_unit_test(ramps_climb_in_steps_of_the_cycle),
        cmocka_unit_test(a_change_outlasts_its_driver),
        cmocka_unit_test(delayed_links_carry_the_value_before_the_tick),
        cmocka_unit_test(undelayed_links_carry_the_value_after_the_step),
        cmocka_unit_test(what_is_known_ahead_is_used_and_then_held),
        cmocka_unit_test(ticks_without_news_are_passed_over_unnoticed),
        cmocka_unit_test(stochastic_drivers_spread_as_declared),
        cmocka_unit_test(width_workers_and_calls_do_not_change_a_bit),
        cmocka_unit_test(a_simulation_gives_rows_at_even_times_and_the_end),
        cmocka_unit_test(time_does_not_run_back),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
