// Water networks in time: where the events lie, what holds between them, and that neither looking
// nor other lanes change anything.
#include <stdlib.h>

#include "domain/water_fixture.h"

static const double day_s = 86400.0, hour_s = 3600.0;
static const double litre = WATER_CUBIC_FOOT_M3 / 28.317; // m3/s, as EPANET rounds it

static const char town[] =
    "[JUNCTIONS]\n J1 10 0\n J2 12 8 day\n J3 8 5 night\n"
    "[RESERVOIRS]\n R 20\n"
    "[TANKS]\n T 60 3 1 6 12 0\n"
    "[PIPES]\n P1 J1 J2 800 250 120\n P2 J2 J3 600 200 110\n P3 J2 T 300 250 120\n"
    " P4 J3 J1 900 150 100\n"
    "[PUMPS]\n PU R J1 HEAD C\n"
    "[CURVES]\n C 25 55\n E 10 50\n E 30 75\n"
    "[PATTERNS]\n day 0.5 0.4 0.6 1.2 1.6 1.3 1.1 1.0 0.9 1.4 1.2 0.8\n night 1.5 0.5\n"
    " price 0.5 2\n"
    "[CONTROLS]\n LINK PU CLOSED IF NODE T ABOVE 5\n LINK PU OPEN IF NODE T BELOW 2\n"
    "[ENERGY]\n Global Price 0.2\n Global Pattern price\n Pump PU Efficiency E\n"
    "[TIMES]\n Duration 24:00\n Hydraulic Timestep 1:00\n Pattern Timestep 2:00\n"
    "[OPTIONS]\n Units LPS\n Headloss H-W\n";

static gm_ref level_of(const water_rig *rig)
{
    return water_ref(rig, CLASS_TANK, TANK_LEVEL, "T");
}

static gm_ref pump_status(const water_rig *rig)
{
    return water_ref(rig, CLASS_PUMP, PUMP_STATUS, "PU");
}

static uint64_t hash_after_looks(const double *looks_s, size_t count, size_t lanes, int width)
{
    water_rig rig = open_water(town, lanes, width);
    for (size_t index = 0; index < count; index++) {
        advance_water(rig.state, looks_s[index]);
    }
    advance_water(rig.state, day_s);
    uint64_t hash = gm_state_hash(rig.state);
    close_water(&rig);
    return hash;
}

static void a_tank_alone_feeds_a_network_and_so_does_a_reservoir(void **state)
{
    (void)state;
    static const char *const sources[] = { "[TANKS]\n S 60 3 1 6 12 0\n", "[RESERVOIRS]\n S 60\n" };
    for (size_t index = 0; index < 4; index++) {
        char text[400];
        snprintf(text, sizeof text,
                 "[JUNCTIONS]\n A 10 5\n%s[PIPES]\n P S A 800 250 120\n"
                 "[OPTIONS]\n Units LPS\n Headloss H-W\n",
                 sources[index % 2]);
        water_rig rig = open_water(text, 3, index < 2 ? 1 : 8);
        advance_water(rig.state, hour_s);
        gm_ref flow = water_ref(&rig, CLASS_PIPE, PIPE_FLOW, "P");
        assert_near(water_value(rig.state, flow, 2), 5.0 * litre, 1e-9);
        close_water(&rig);
    }
}

// ---- no trace ----

static void a_look_leaves_no_trace(void **state)
{
    (void)state;
    enum { LOOKS = 200 };
    double hourly[24], anyhow[LOOKS], last_s = 0.0;
    for (size_t hour = 0; hour < 24; hour++) {
        hourly[hour] = (double)hour * hour_s;
    }
    gm_random random = gm_random_for(3, "looks");
    for (uint32_t look = 0; look < LOOKS; look++) { // some of them at once, some at odd fractions
        double step = gm_random_uniform(random, (gm_draw){ 0, look, 0, 0 });
        last_s += look % 5 == 0 ? 0.0 : step * day_s / LOOKS;
        anyhow[look] = look % 3 == 0 ? floor(last_s) : last_s;
    }
    for (size_t look = 1; look < LOOKS; look++) {
        anyhow[look] = fmax(anyhow[look], anyhow[look - 1]);
    }
    uint64_t straight = hash_after_looks(NULL, 0, 1, 1);
    assert_true(hash_after_looks(hourly, 24, 1, 1) == straight);
    assert_true(hash_after_looks(anyhow, LOOKS, 1, 1) == straight);
}

static void a_fork_at_noon_goes_on_as_if_never_stopped(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 3, 8);
    gm_state *fork = NULL;
    advance_water(rig.state, day_s / 2.0);
    assert_int_equal(gm_state_fork(rig.state, &fork, NULL), GM_OK);
    advance_water(fork, day_s);
    uint64_t forked = gm_state_hash(fork);
    gm_state_close(fork);
    close_water(&rig);
    assert_true(forked == hash_after_looks(NULL, 0, 3, 8));
}

static void settling_twice_changes_nothing(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 1, 1);
    advance_water(rig.state, 5000.0);
    uint64_t once = gm_state_hash(rig.state);
    advance_water(rig.state, 5000.0);
    assert_true(gm_state_hash(rig.state) == once);
    close_water(&rig);
}

// ---- lanes ----

/// Lanes become different worlds: demand and level.
static void scatter(water_rig *rig)
{
    double factors[WATER_RIG_LANES], levels[WATER_RIG_LANES];
    size_t lanes = gm_state_lanes(rig->state);
    for (size_t lane = 0; lane < lanes; lane++) {
        factors[lane] = 0.7 + 0.05 * (double)lane;
        levels[lane] = 2.0 + 0.3 * (double)lane;
    }
    gm_ref factor = water_ref(rig, CLASS_NETWORK, NETWORK_DEMAND_FACTOR, "network");
    assert_int_equal(gm_state_write(rig->state, factor, factors, NULL), GM_OK);
    assert_int_equal(gm_state_write(rig->state, level_of(rig), levels, NULL), GM_OK);
    assert_int_equal(gm_state_changed(rig->state, 0, NULL), GM_OK);
}

static void eight_lanes_have_the_bits_of_one(void **state)
{
    (void)state;
    assert_true(hash_after_looks(NULL, 0, 1, 8) == hash_after_looks(NULL, 0, 1, 1));
    assert_true(hash_after_looks(NULL, 0, 11, 8) == hash_after_looks(NULL, 0, 11, 1));
    water_rig wide = open_water(town, 9, 8), narrow = open_water(town, 9, 1);
    scatter(&wide);
    scatter(&narrow);
    advance_water(wide.state, day_s);
    advance_water(narrow.state, day_s);
    assert_true(gm_state_hash(wide.state) == gm_state_hash(narrow.state));
    assert_true(water_value(wide.state, level_of(&wide), 0) !=
                water_value(wide.state, level_of(&wide), 1));
    close_water(&wide);
    close_water(&narrow);
}

static void lanes_at_different_times_meet(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 2, 8);
    double shift[2] = { 0.0, 0.003 };
    gm_ref extra = water_ref(&rig, CLASS_JUNCTION, JUNCTION_EXTRA_DEMAND, "J3");
    advance_water(rig.state, 1234.5);
    assert_int_equal(gm_state_write(rig.state, extra, shift, NULL), GM_OK);
    assert_int_equal(gm_state_changed(rig.state, 0, NULL), GM_OK);
    advance_water(rig.state, day_s);
    water_rig alone = open_water(town, 1, 1);
    advance_water(alone.state, 1234.5);
    write_water(&alone, extra, shift[1]);
    advance_water(alone.state, day_s);
    assert_true(water_value(rig.state, level_of(&rig), 1) ==
                water_value(alone.state, level_of(&alone), 0));
    close_water(&rig);
    close_water(&alone);
}

// ---- tanks ----

static void a_tank_holds_what_flowed_into_it(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 1, 1);
    gm_ref volume = water_ref(&rig, CLASS_TANK, TANK_VOLUME, "T");
    gm_ref inflow = water_ref(&rig, CLASS_TANK, TANK_DEMAND, "T");
    gm_ref level = level_of(&rig);
    double area = 0.25 * M_PI * 12.0 * 12.0, step_s = 60.0;
    advance_water(rig.state, 0.0);
    for (double at_s = 0.0; at_s < day_s; at_s += step_s) {
        double held = water_value(rig.state, volume, 0), flow = water_value(rig.state, inflow, 0);
        advance_water(rig.state, at_s + step_s);
        if (water_value(rig.state, inflow, 0) == flow) { // no event in between
            assert_near(water_value(rig.state, volume, 0), held + flow * step_s, 1e-9);
        }
        assert_near(water_value(rig.state, volume, 0), area * water_value(rig.state, level, 0),
                    1e-9);
    }
    close_water(&rig);
}

/// The second at which a pump's status becomes `closed`, searched from one on.
static double second_of_switch(water_rig *rig, double from_s, bool closed)
{
    double at_s = from_s;
    gm_state *before = NULL;
    for (; at_s < day_s; at_s += 600.0) {
        gm_state_close(before);
        assert_int_equal(gm_state_fork(rig->state, &before, NULL), GM_OK);
        advance_water(rig->state, at_s + 600.0);
        if (water_is_closed((uint8_t)water_value(rig->state, pump_status(rig), 0)) == closed) {
            break;
        }
    }
    double second_s = at_s;
    for (; second_s <= at_s + 600.0; second_s += 1.0) {
        advance_water(before, second_s);
        if (water_is_closed((uint8_t)water_value(before, pump_status(rig), 0)) == closed) {
            break;
        }
    }
    gm_state_close(before);
    return second_s;
}

static void a_pump_stops_and_starts_within_a_second_of_its_level(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 1, 1);
    gm_state *seen = NULL;
    advance_water(rig.state, 0.0);
    assert_int_equal(gm_state_fork(rig.state, &seen, NULL), GM_OK);
    double stop_s = second_of_switch(&rig, 0.0, true);
    double start_s = second_of_switch(&rig, ceil(stop_s / 600.0) * 600.0, false);
    assert_true(stop_s > hour_s && start_s > stop_s && start_s < day_s);
    gm_ref inflow = water_ref(&rig, CLASS_TANK, TANK_DEMAND, "T");
    double area = 0.25 * M_PI * 12.0 * 12.0;
    advance_water(seen, stop_s - 1.0);
    double second_m = fabs(water_value(seen, inflow, 0)) / area;
    advance_water(seen, stop_s);
    assert_near(water_value(seen, level_of(&rig), 0), 5.0, second_m);
    assert_true(water_value(seen, inflow, 0) < 0.0);
    advance_water(seen, start_s - 1.0);
    second_m = fabs(water_value(seen, inflow, 0)) / area;
    advance_water(seen, start_s);
    assert_near(water_value(seen, level_of(&rig), 0), 2.0, second_m);
    gm_state_close(seen);
    close_water(&rig);
}

static const char filling[] = "[JUNCTIONS]\n J 0 1\n"
                              "[RESERVOIRS]\n R 50\n"
                              "[TANKS]\n T 30 5 0 8 4 0 %s %s\n"
                              "[PIPES]\n A R J 1000 150 100\n B J T 200 150 100\n"
                              "[CURVES]\n V 0 0\n V 4 40\n V 8 130\n"
                              "[TIMES]\n Duration 24:00\n"
                              "[OPTIONS]\n Units LPS\n";

static void a_full_tank_lets_nothing_in_unless_it_overflows(void **state)
{
    (void)state;
    static const struct {
        const char *curve, *overflow;
        double volume_m3;
        bool stopped;
    } cases[] = { { "*", "", 8.0 * M_PI * 4.0, true },
                  { "*", "YES", 8.0 * M_PI * 4.0, false },
                  { "V", "NO", 130.0, true } };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[1024];
        snprintf(text, sizeof text, filling, cases[index].curve, cases[index].overflow);
        water_rig rig = open_water(text, 1, 1);
        advance_water(rig.state, day_s);
        gm_ref pipe = water_ref(&rig, CLASS_PIPE, PIPE_STATUS, "B");
        gm_ref volume = water_ref(&rig, CLASS_TANK, TANK_VOLUME, "T");
        gm_ref inflow = water_ref(&rig, CLASS_TANK, TANK_DEMAND, "T");
        assert_true(water_value(rig.state, level_of(&rig), 0) == 8.0);
        assert_near(water_value(rig.state, volume, 0), cases[index].volume_m3, 1e-9);
        if (cases[index].stopped) {
            assert_int_equal(water_value(rig.state, pipe, 0), WATER_STOPPED);
            assert_near(water_value(rig.state, inflow, 0), 0.0, 1e-8);
        } else {
            assert_true(water_value(rig.state, inflow, 0) > litre);
        }
        close_water(&rig);
    }
}

static void a_volume_and_its_depth_are_inverse(void **state)
{
    (void)state;
    static const double depths[] = { 0.0, 1.0, 4.0, 9.0 }, volumes[] = { 0.0, 30.0, 50.0, 400.0 };
    water_tank curved = { .min_depth_m = 0.5,
                          .max_depth_m = 8.0,
                          .by_level = { .x = depths, .y = volumes, .count = 4 } };
    curved.min_volume_m3 = gm_water_tank_volume(&curved, 0.5);
    curved.max_volume_m3 = gm_water_tank_volume(&curved, 8.0);
    water_tank plain = { .min_depth_m = 0.5,
                         .max_depth_m = 8.0,
                         .area_m2 = 7.0,
                         .min_volume_m3 = 20.0,
                         .max_volume_m3 = 72.5 };
    for (double depth = 0.5; depth <= 8.0; depth += 0.25) {
        assert_near(gm_water_tank_depth(&curved, gm_water_tank_volume(&curved, depth)), depth,
                    1e-12);
        assert_near(gm_water_tank_depth(&plain, gm_water_tank_volume(&plain, depth)), depth, 1e-12);
    }
    assert_near(gm_water_tank_volume(&curved, 2.5), 40.0, 1e-12);
    assert_true(gm_water_tank_volume(&curved, -1.0) == 0.0);
    assert_true(gm_water_tank_volume(&curved, 20.0) == 400.0);
    assert_true(gm_water_tank_later(&plain, 70.0, 1.0, 1.0) == 71.0);
    assert_true(gm_water_tank_later(&plain, 70.0, 1.0, 2.0) == 72.5); // it is within a second
    assert_true(gm_water_tank_later(&plain, 21.0, -1.0, 5.0) == 20.0);
}

// ---- timers, patterns ----

static const char timed[] = "[JUNCTIONS]\n J1 0 0\n J2 0 10 p\n"
                            "[RESERVOIRS]\n R 50 h\n"
                            "[PIPES]\n A R J1 100 300 100\n B J1 J2 100 300 100\n"
                            " C J1 J2 100 300 100\n"
                            "[PATTERNS]\n p 1 2 3\n h 1 1.1\n"
                            "[CONTROLS]\n LINK B CLOSED AT TIME 1:30\n"
                            " LINK B OPEN AT CLOCKTIME 2:15 PM\n"
                            "[TIMES]\n Duration 48:00\n Start ClockTime 8 AM\n"
                            " Pattern Timestep 3:00\n Pattern Start 0:00\n"
                            "[OPTIONS]\n Units LPS\n Demand Multiplier 2\n";

static void timers_strike_once_and_clocks_daily(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 1, 1);
    gm_ref status = water_ref(&rig, CLASS_PIPE, PIPE_STATUS, "B");
    static const struct {
        double at_s;
        water_status status;
    } seen[] = { { 5399.0, WATER_OPEN },
                 { 5400.0, WATER_CLOSED },
                 { 6.25 * 3600 - 1, WATER_CLOSED },
                 { 6.25 * 3600, WATER_OPEN },
                 { 86400.0 + 5400.0, WATER_OPEN } };
    for (size_t index = 0; index < sizeof seen / sizeof *seen; index++) {
        advance_water(rig.state, seen[index].at_s);
        assert_int_equal(water_value(rig.state, status, 0), seen[index].status);
    }
    write_water(&rig, status, WATER_CLOSED);
    advance_water(rig.state, 86400.0 + 6.25 * 3600 - 1);
    assert_int_equal(water_value(rig.state, status, 0), WATER_CLOSED);
    advance_water(rig.state, 86400.0 + 6.25 * 3600);
    assert_int_equal(water_value(rig.state, status, 0), WATER_OPEN);
    close_water(&rig);
}

static void a_write_at_a_timers_second_is_not_undone(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 1, 1);
    gm_ref status = water_ref(&rig, CLASS_PIPE, PIPE_STATUS, "B");
    advance_water(rig.state, 5400.0);
    write_water(&rig, status, WATER_OPEN);
    advance_water(rig.state, 5400.0);
    assert_int_equal(water_value(rig.state, status, 0), WATER_OPEN);
    advance_water(rig.state, 9000.0);
    assert_int_equal(water_value(rig.state, status, 0), WATER_OPEN);
    close_water(&rig);
}

static void links_that_are_not_automatic_are_left_alone(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 2, 8);
    gm_ref status = water_ref(&rig, CLASS_PIPE, PIPE_STATUS, "B");
    gm_ref automatic = water_ref(&rig, CLASS_PIPE, PIPE_AUTOMATIC, "B");
    double values[2] = { 1.0, 0.0 };
    assert_int_equal(gm_state_write(rig.state, automatic, values, NULL), GM_OK);
    assert_int_equal(gm_state_changed(rig.state, 0, NULL), GM_OK);
    advance_water(rig.state, 7200.0);
    assert_int_equal(water_value(rig.state, status, 0), WATER_CLOSED);
    assert_int_equal(water_value(rig.state, status, 1), WATER_OPEN);
    close_water(&rig);
}

static void demands_and_heads_follow_their_patterns(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 1, 1);
    gm_ref demand = water_ref(&rig, CLASS_JUNCTION, JUNCTION_DEMAND, "J2");
    gm_ref head = water_ref(&rig, CLASS_RESERVOIR, RESERVOIR_HEAD, "R");
    static const double factors[] = { 1, 2, 3, 1, 2, 3, 1, 2 }, heads[] = { 50, 55 };
    for (size_t period = 0; period < 8; period++) {
        advance_water(rig.state, (double)period * 3.0 * hour_s);
        assert_near(water_value(rig.state, demand, 0), 20.0 * litre * factors[period], 1e-12);
        assert_near(water_value(rig.state, head, 0), heads[period % 2], 1e-12);
        advance_water(rig.state, (double)(period + 1) * 3.0 * hour_s - 1.0);
        assert_near(water_value(rig.state, demand, 0), 20.0 * litre * factors[period], 1e-12);
    }
    close_water(&rig);
}

static void factors_and_extra_demand_add_up(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 1, 1);
    gm_ref demand = water_ref(&rig, CLASS_JUNCTION, JUNCTION_DEMAND, "J2");
    advance_water(rig.state, 0.0);
    write_water(&rig, water_ref(&rig, CLASS_JUNCTION, JUNCTION_DEMAND_FACTOR, "J2"), 1.5);
    write_water(&rig, water_ref(&rig, CLASS_NETWORK, NETWORK_DEMAND_FACTOR, "network"), 0.5);
    write_water(&rig, water_ref(&rig, CLASS_PATTERN, PATTERN_FACTOR, "p"), 3.0);
    write_water(&rig, water_ref(&rig, CLASS_JUNCTION, JUNCTION_EXTRA_DEMAND, "J2"), 7.0 * litre);
    advance_water(rig.state, 0.0);
    assert_near(water_value(rig.state, demand, 0), (20.0 * 1.5 * 0.5 * 3.0 + 7.0) * litre, 1e-12);
    close_water(&rig);
}

static void time_before_the_files_start_has_patterns_too(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 1, 1);
    gm_ref demand = water_ref(&rig, CLASS_JUNCTION, JUNCTION_DEMAND, "J2");
    int64_t start_ns = -4 * 3600 * GM_SECOND_NS;
    assert_int_equal(gm_state_set_time(rig.state, start_ns, NULL), GM_OK);
    advance_water(rig.state, -3.5 * hour_s);
    assert_near(water_value(rig.state, demand, 0), 40.0 * litre, 1e-12); // the period before last
    advance_water(rig.state, -1.0);
    assert_near(water_value(rig.state, demand, 0), 60.0 * litre, 1e-12);
    advance_water(rig.state, 0.0);
    assert_near(water_value(rig.state, demand, 0), 20.0 * litre, 1e-12);
    close_water(&rig);
}

static void a_lane_moved_in_time_starts_afresh(void **state)
{
    (void)state;
    water_rig rig = open_water(timed, 1, 1);
    gm_ref demand = water_ref(&rig, CLASS_JUNCTION, JUNCTION_DEMAND, "J2");
    advance_water(rig.state, 100.0);
    assert_int_equal(gm_state_set_time(rig.state, 4 * 3600 * GM_SECOND_NS, NULL), GM_OK);
    advance_water(rig.state, 4.0 * hour_s);
    assert_near(water_value(rig.state, demand, 0), 40.0 * litre, 1e-12);
    close_water(&rig);
}

// ---- writes ----

static void a_write_counts_from_its_own_time(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 1, 1);
    gm_ref inflow = water_ref(&rig, CLASS_TANK, TANK_DEMAND, "T");
    gm_ref extra = water_ref(&rig, CLASS_JUNCTION, JUNCTION_EXTRA_DEMAND, "J2");
    advance_water(rig.state, 1000.25);
    double before = water_value(rig.state, inflow, 0),
           level = water_value(rig.state, level_of(&rig), 0);
    write_water(&rig, extra, 2.0 * litre);
    advance_water(rig.state, 1000.25);
    double after = water_value(rig.state, inflow, 0);
    assert_true(after < before);
    assert_near(water_value(rig.state, level_of(&rig), 0), level, 0.0);
    advance_water(rig.state, 2000.25);
    assert_near(water_value(rig.state, level_of(&rig), 0),
                level + 1000.0 * after / (0.25 * M_PI * 144.0), 1e-9);
    close_water(&rig);
}

// ---- energy ----

static void energy_is_power_over_time(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 1, 1);
    gm_ref refs[] = { water_ref(&rig, CLASS_PUMP, PUMP_ENERGY, "PU"),
                      water_ref(&rig, CLASS_PUMP, PUMP_POWER, "PU"),
                      water_ref(&rig, CLASS_PUMP, PUMP_RUN_TIME, "PU"),
                      water_ref(&rig, CLASS_PUMP, PUMP_COST, "PU"),
                      water_ref(&rig, CLASS_PUMP, PUMP_VOLUME, "PU"),
                      water_ref(&rig, CLASS_PUMP, PUMP_FLOW, "PU"),
                      water_ref(&rig, CLASS_PUMP, PUMP_PEAK_POWER, "PU") };
    enum { ENERGY, POWER, RUN_TIME, COST, VOLUME, FLOW, PEAK, VALUES };
    double was[VALUES], is[VALUES], most = 0.0, step_s = 300.0;
    double energy = 0.0, run_s = 0.0, cost = 0.0, volume = 0.0;
    advance_water(rig.state, 0.0);
    assert_int_equal(gm_state_read_many(rig.state, refs, VALUES, was, NULL), GM_OK);
    for (double at_s = 0.0; at_s < day_s; at_s += step_s) {
        advance_water(rig.state, at_s + step_s);
        assert_int_equal(gm_state_read_many(rig.state, refs, VALUES, is, NULL), GM_OK);
        bool steady = is[POWER] == was[POWER] && is[POWER] > 0.0;
        double price = 0.2 * (fmod(at_s, 4.0 * hour_s) < 2.0 * hour_s ? 0.5 : 2.0);
        if (steady) {
            assert_near(is[ENERGY] - was[ENERGY], was[POWER] * step_s, 1e-6 * is[ENERGY]);
            assert_near(is[RUN_TIME] - was[RUN_TIME], step_s, 1e-6);
            assert_near(is[VOLUME] - was[VOLUME], was[FLOW] * step_s, 1e-6);
            assert_near(is[COST] - was[COST], price * was[POWER] * step_s / 3.6e6, 1e-9);
            energy += is[ENERGY] - was[ENERGY];
            run_s += step_s;
            cost += is[COST] - was[COST];
            volume += is[VOLUME] - was[VOLUME];
        }
        most = fmax(most, was[POWER]);
        memcpy(was, is, sizeof was);
    }
    assert_true(run_s > 4.0 * hour_s && energy > 0.0 && cost > 0.0 && volume > 0.0);
    assert_near(is[PEAK], most, 1e-9 * most);
    close_water(&rig);
}

/// Sarbu, Borza: 1 - (1 - e) s^-0.1; 9802 N of a cubic metre of water, as EPANET has it.
static void power_follows_speed_and_efficiency(void **state)
{
    (void)state;
    water_rig rig = open_water(town, 1, 1);
    advance_water(rig.state, 0.0);
    write_water(&rig, water_ref(&rig, CLASS_PUMP, PUMP_SPEED, "PU"), 0.9);
    advance_water(rig.state, 0.0);
    double flow = water_value(rig.state, water_ref(&rig, CLASS_PUMP, PUMP_FLOW, "PU"), 0);
    double lift = water_value(rig.state, water_ref(&rig, CLASS_JUNCTION, JUNCTION_HEAD, "J1"), 0);
    double power = water_value(rig.state, water_ref(&rig, CLASS_PUMP, PUMP_POWER, "PU"), 0);
    double share = water_value(rig.state, water_ref(&rig, CLASS_PUMP, PUMP_EFFICIENCY, "PU"), 0);
    double nominal = 0.5 + 0.25 * (flow / 0.9 / litre - 10.0) / 20.0;
    assert_true(flow > 9.0 * litre && flow < 27.0 * litre);
    assert_near(share, 1.0 - (1.0 - nominal) * pow(1.0 / 0.9, 0.1), 1e-12);
    assert_near(power, 9802.0 * flow * (lift - 20.0) / share, 1e-3 * power);
    close_water(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tank_alone_feeds_a_network_and_so_does_a_reservoir),
        cmocka_unit_test(a_look_leaves_no_trace),
        cmocka_unit_test(a_fork_at_noon_goes_on_as_if_never_stopped),
        cmocka_unit_test(settling_twice_changes_nothing),
        cmocka_unit_test(eight_lanes_have_the_bits_of_one),
        cmocka_unit_test(lanes_at_different_times_meet),
        cmocka_unit_test(a_tank_holds_what_flowed_into_it),
        cmocka_unit_test(a_pump_stops_and_starts_within_a_second_of_its_level),
        cmocka_unit_test(a_full_tank_lets_nothing_in_unless_it_overflows),
        cmocka_unit_test(a_volume_and_its_depth_are_inverse),
        cmocka_unit_test(timers_strike_once_and_clocks_daily),
        cmocka_unit_test(a_write_at_a_timers_second_is_not_undone),
        cmocka_unit_test(links_that_are_not_automatic_are_left_alone),
        cmocka_unit_test(demands_and_heads_follow_their_patterns),
        cmocka_unit_test(factors_and_extra_demand_add_up),
        cmocka_unit_test(time_before_the_files_start_has_patterns_too),
        cmocka_unit_test(a_lane_moved_in_time_starts_afresh),
        cmocka_unit_test(a_write_counts_from_its_own_time),
        cmocka_unit_test(energy_is_power_over_time),
        cmocka_unit_test(power_follows_speed_and_efficiency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
