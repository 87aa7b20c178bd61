// Hydraulics of networks small enough to solve by hand: head losses, pumps, valves, outlets.
#include <stdlib.h>

#include "domain/water_fixture.h"

static const double litre = WATER_CUBIC_FOOT_M3 / 28.317; // m3/s, as EPANET rounds it

/// One lane, solved for time 0.
static water_rig solve(const char *text)
{
    water_rig rig = open_water(text, 1, 1);
    advance_water(rig.state, 0.0);
    return rig;
}

static double of(const water_rig *rig, uint32_t class_number, uint32_t field, const char *name)
{
    return water_value(rig->state, water_ref(rig, class_number, field, name), 0);
}

static double head_of(const water_rig *rig, const char *name)
{
    return of(rig, CLASS_JUNCTION, JUNCTION_HEAD, name);
}

static double pipe_flow(const water_rig *rig, const char *name)
{
    return of(rig, CLASS_PIPE, PIPE_FLOW, name);
}

static int valve_status(const water_rig *rig, const char *name)
{
    return (int)of(rig, CLASS_VALVE, VALVE_STATUS, name);
}

/// EPANET's Hazen-Williams formula, given in feet and cubic feet per second.
static double hazen_loss_m(double flow_m3_s, double length_m, double diameter_m, double roughness)
{
    double flow = flow_m3_s / WATER_CUBIC_FOOT_M3, diameter = diameter_m / WATER_FOOT_M;
    return 4.727 * length_m / pow(roughness, 1.852) / pow(diameter, 4.871) * pow(flow, 1.852);
}

/// K v^2 / 2g as EPANET rounds it.
static double minor_loss_m(double flow_m3_s, double diameter_m, double coefficient)
{
    double flow = flow_m3_s / WATER_CUBIC_FOOT_M3, diameter = diameter_m / WATER_FOOT_M;
    return 0.02517 * coefficient / pow(diameter, 4.0) * flow * flow * WATER_FOOT_M;
}

// ---- head losses ----

static void hazen_williams_and_a_minor_loss_cost_head(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 5 50\n[RESERVOIRS]\n R 100\n"
                          "[PIPES]\n P R A 1000 300 100 3\n[OPTIONS]\n Units LPS\n Headloss H-W\n");
    double flow = 50.0 * litre;
    double loss = hazen_loss_m(flow, 1000.0, 0.3, 100.0) + minor_loss_m(flow, 0.3, 3.0);
    assert_near(pipe_flow(&rig, "P"), flow, 1e-12);
    assert_near(head_of(&rig, "A"), 100.0 - loss, 1e-9);
    close_water(&rig);
}

static void darcy_weisbach_is_laminar_when_slow_and_swamee_jain_when_fast(void **state)
{
    (void)state;
    const double viscosity = 1.1e-5 * WATER_FOOT_M * WATER_FOOT_M; // EPANET's default
    water_rig rig = solve("[JUNCTIONS]\n A 5 40\n B 0 0.02\n[RESERVOIRS]\n R 100\n"
                          "[PIPES]\n P R A 1000 300 0.5\n Q R B 500 50 0.1\n"
                          "[OPTIONS]\n Units LPS\n Headloss D-W\n");
    double flow = pipe_flow(&rig, "P"), area = 0.25 * M_PI * 0.3 * 0.3, speed = flow / area;
    double reynolds = speed * 0.3 / viscosity;
    double root = log10(5e-4 / 0.3 / 3.7 + 5.74 / pow(reynolds, 0.9));
    double factor = 0.25 / (root * root), gravity = 32.2 * WATER_FOOT_M;
    assert_near(100.0 - head_of(&rig, "A"), factor * 1000.0 / 0.3 * speed * speed / 2.0 / gravity,
                1e-8);
    double slow = pipe_flow(&rig, "Q"), narrow = 0.25 * M_PI * 0.05 * 0.05;
    assert_true(slow / narrow * 0.05 / viscosity < 2000.0);
    assert_near(100.0 - head_of(&rig, "B"),
                32.0 * viscosity * 500.0 * (slow / narrow) / (gravity * 0.05 * 0.05), 1e-9);
    close_water(&rig);
}

static void the_friction_factor_is_continuous_between_laminar_and_turbulent(void **state)
{
    (void)state;
    double before = 0.0;
    for (int step = 0; step < 40; step++) { // Reynolds numbers 1500 to 4500 in a pipe of 100 mm
        char text[512];
        snprintf(text, sizeof text,
                 "[JUNCTIONS]\n A 5 %.6f\n[RESERVOIRS]\n R 100\n[PIPES]\n P R A 1000 100 0.1\n"
                 "[OPTIONS]\n Units LPS\n Headloss D-W\n",
                 0.12 + 0.006 * step);
        water_rig rig = solve(text);
        double loss = 100.0 - head_of(&rig, "A");
        assert_true(loss > before);
        assert_true(step == 0 || loss < 1.25 * before);
        before = loss;
        close_water(&rig);
    }
}

static void chezy_manning_costs_head(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 5 50\n[RESERVOIRS]\n R 100\n"
                          "[PIPES]\n P R A 1000 300 0.012\n[OPTIONS]\n Units LPS\n Headloss C-M\n");
    double flow = 50.0 * litre / WATER_CUBIC_FOOT_M3, diameter = 0.3 / WATER_FOOT_M;
    double factor = 4.0 * 0.012 / (1.49 * M_PI * diameter * diameter);
    assert_near(100.0 - head_of(&rig, "A"),
                factor * factor * pow(0.25 * diameter, -1.333) * 1000.0 * flow * flow, 1e-8);
    close_water(&rig);
}

static void parallel_pipes_share_a_flow_by_their_resistance(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 5 0\n B 5 60\n[RESERVOIRS]\n R 100\n"
                          "[PIPES]\n P R A 100 400 120\n X A B 1000 300 100\n Y B A 1000 200 100\n"
                          " Z A B 1000 200 100 0 CLOSED\n"
                          "[OPTIONS]\n Units LPS\n Headloss H-W\n");
    double x = pipe_flow(&rig, "X"), y = -pipe_flow(&rig, "Y");
    assert_near(x + y, 60.0 * litre, 1e-7); // a closed pipe leaks as EPANET's does
    assert_near(x / y, pow(1.5, 4.871 / 1.852), 1e-6);
    assert_near(pipe_flow(&rig, "Z"), 0.0, 1e-7);
    close_water(&rig);
}

// ---- pumps ----

static const char pumped[] = "[JUNCTIONS]\n A 0 0\n[RESERVOIRS]\n L 0\n U %g\n"
                             "[PUMPS]\n PU L A %s\n[CURVES]\n C %s\n[PIPES]\n P A U 500 250 110\n"
                             "[OPTIONS]\n Units LPS\n Headloss H-W\n";

static water_rig pump_up(double lift_m, const char *law, const char *points)
{
    char text[512];
    snprintf(text, sizeof text, pumped, lift_m, law, points);
    return solve(text);
}

static void a_pump_works_where_its_curve_meets_the_pipe(void **state)
{
    (void)state;
    water_rig rig = pump_up(30.0, "HEAD C SPEED 1.1", "50 40");
    double flow = of(&rig, CLASS_PUMP, PUMP_FLOW, "PU"), litres = flow / litre;
    // a curve of one point: 4/3 of its head without flow, no head at twice its flow; n = 2
    double lift = 1.1 * 1.1 * 1.33334 * 40.0 - 0.33334 * 40.0 * litres * litres / 2500.0;
    assert_near(head_of(&rig, "A"), lift, 1e-3);
    assert_near(head_of(&rig, "A"), 30.0 + hazen_loss_m(flow, 500.0, 0.25, 110.0), 1e-6);
    close_water(&rig);
}

static void a_pump_follows_the_points_of_its_curve(void **state)
{
    (void)state;
    water_rig rig = pump_up(30.0, "HEAD C", "0 60\n C 30 50\n C 60 35\n C 90 10");
    double flow = of(&rig, CLASS_PUMP, PUMP_FLOW, "PU"), litres = flow / litre;
    assert_true(litres > 30.0 && litres < 90.0);
    double lift =
        litres < 60.0 ? 50.0 - (litres - 30.0) * 0.5 : 35.0 - (litres - 60.0) * 25.0 / 30.0;
    assert_near(head_of(&rig, "A"), lift, 1e-6);
    close_water(&rig);
}

static void a_pump_of_constant_power_lifts_less_the_more_it_moves(void **state)
{
    (void)state;
    water_rig rig = pump_up(30.0, "POWER 20", "1 1");
    double flow = of(&rig, CLASS_PUMP, PUMP_FLOW, "PU"), head = head_of(&rig, "A");
    double power = flow * head / (WATER_CUBIC_FOOT_M3 * WATER_FOOT_M) / 8.814; // hp
    assert_near(power * 0.7457, 20.0, 1e-3);
    close_water(&rig);
}

static void a_pump_against_more_than_it_lifts_stands_still(void **state)
{
    (void)state;
    water_rig rig = pump_up(80.0, "HEAD C", "50 40");
    assert_int_equal((int)of(&rig, CLASS_PUMP, PUMP_STATUS, "PU"), WATER_UNABLE);
    assert_near(pipe_flow(&rig, "P"), 0.0, 1e-6);
    close_water(&rig);
}

static void a_pump_beyond_its_curve_still_has_an_answer(void **state)
{
    (void)state;
    water_rig rig = pump_up(-60.0, "HEAD C", "50 40");
    double flow = of(&rig, CLASS_PUMP, PUMP_FLOW, "PU");
    assert_true(flow > 100.0 * litre); // where its head would be below zero
    assert_near(head_of(&rig, "A"), -60.0 + hazen_loss_m(flow, 500.0, 0.25, 110.0), 1e-5);
    close_water(&rig);
}

// ---- valves ----

/// A reservoir, a pipe, a valve from A to B, a pipe to the reservoir `far_m` high, and a demand
/// at B.
static water_rig valve_rig(const char *valve, double far_m, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "[JUNCTIONS]\n A 10 0\n B 10 20\n[RESERVOIRS]\n R 100\n F %g\n"
             "[PIPES]\n P R A 500 250 110\n Q B F 500 200 110\n"
             "[VALVES]\n V A B 200 %s\n[OPTIONS]\n Units LPS\n Headloss H-W\n%s",
             far_m, valve, more);
    return solve(text);
}

static void a_reducing_valve_holds_the_pressure_behind_it(void **state)
{
    (void)state;
    water_rig rig = valve_rig("PRV 50", 40.0, "");
    assert_int_equal(valve_status(&rig, "V"), WATER_ACTIVE);
    assert_near(head_of(&rig, "B"), 60.0, 1e-4);
    double through = of(&rig, CLASS_VALVE, VALVE_FLOW, "V");
    assert_near(through, pipe_flow(&rig, "P"), 1e-9);
    assert_near(through, 20.0 * litre + pipe_flow(&rig, "Q"), 1e-9);
    close_water(&rig);
}

static void a_reducing_valve_stands_wide_without_pressure_before_it(void **state)
{
    (void)state;
    water_rig rig = valve_rig("PRV 95", 40.0, "");
    assert_int_equal(valve_status(&rig, "V"), WATER_WIDE);
    assert_near(head_of(&rig, "B"), head_of(&rig, "A"), 1e-4);
    close_water(&rig);
}

static void a_reducing_valve_shuts_against_reverse_flow(void **state)
{
    (void)state;
    water_rig rig = valve_rig("PRV 50", 120.0, "");
    assert_int_equal(valve_status(&rig, "V"), WATER_SHUT);
    assert_near(pipe_flow(&rig, "P"), 0.0, 1e-6);
    close_water(&rig);
}

static void a_sustaining_valve_holds_the_pressure_before_it(void **state)
{
    (void)state;
    water_rig rig = valve_rig("PSV 80", 40.0, "");
    assert_int_equal(valve_status(&rig, "V"), WATER_ACTIVE);
    assert_near(head_of(&rig, "A"), 90.0, 1e-4);
    assert_near(of(&rig, CLASS_VALVE, VALVE_FLOW, "V"), pipe_flow(&rig, "P"), 1e-9);
    close_water(&rig);
    rig = valve_rig("PSV 20", 40.0, "");
    assert_int_equal(valve_status(&rig, "V"), WATER_WIDE);
    close_water(&rig);
}

static void a_flow_valve_lets_no_more_through_than_its_setting(void **state)
{
    (void)state;
    water_rig rig = valve_rig("FCV 30", 40.0, "");
    assert_int_equal(valve_status(&rig, "V"), WATER_ACTIVE);
    assert_near(of(&rig, CLASS_VALVE, VALVE_FLOW, "V"), 30.0 * litre, 1e-7);
    close_water(&rig);
    rig = valve_rig("FCV 3000", 40.0, ""); // more than there is: it stands open
    assert_int_equal(valve_status(&rig, "V"), WATER_FORCED);
    assert_near(head_of(&rig, "B"), head_of(&rig, "A"), 1e-4);
    close_water(&rig);
}

static void a_breaker_takes_its_pressure_away(void **state)
{
    (void)state;
    water_rig rig = valve_rig("PBV 25", 40.0, "");
    assert_near(head_of(&rig, "A") - head_of(&rig, "B"), 25.0, 1e-4);
    close_water(&rig);
}

static void a_throttle_costs_its_coefficient(void **state)
{
    (void)state;
    water_rig rig = valve_rig("TCV 200", 40.0, "");
    double flow = of(&rig, CLASS_VALVE, VALVE_FLOW, "V");
    assert_near(head_of(&rig, "A") - head_of(&rig, "B"), minor_loss_m(flow, 0.2, 200.0), 1e-6);
    close_water(&rig);
}

static void a_general_valve_follows_its_curve(void **state)
{
    (void)state;
    water_rig rig = valve_rig("GPV G", 40.0, "[CURVES]\n G 0 0\n G 50 5\n G 100 20\n");
    double flow = of(&rig, CLASS_VALVE, VALVE_FLOW, "V") / litre;
    double loss = flow < 50.0 ? 0.1 * flow : 5.0 + 0.3 * (flow - 50.0);
    assert_near(head_of(&rig, "A") - head_of(&rig, "B"), loss, 1e-4);
    close_water(&rig);
}

static void a_positional_valve_loses_more_the_less_it_is_open(void **state)
{
    (void)state;
    water_rig rig = valve_rig("PCV 50 10 K", 40.0, "[CURVES]\n K 0 0\n K 50 20\n K 100 100\n");
    double flow = of(&rig, CLASS_VALVE, VALVE_FLOW, "V");
    assert_near(head_of(&rig, "A") - head_of(&rig, "B"),
                minor_loss_m(flow, 0.2, 10.0 / (0.2 * 0.2)), 1e-6);
    close_water(&rig);
}

static void a_check_valve_shuts_against_reverse_flow(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 0 10\n[RESERVOIRS]\n R 50\n S 60\n"
                          "[PIPES]\n P R A 500 250 110 0 CV\n Q S A 500 250 110\n"
                          "[OPTIONS]\n Units LPS\n Headloss H-W\n");
    assert_int_equal((int)of(&rig, CLASS_PIPE, PIPE_STATUS, "P"), WATER_SHUT);
    assert_near(pipe_flow(&rig, "Q"), 10.0 * litre, 1e-6);
    close_water(&rig);
}

static void a_full_tank_takes_nothing_and_an_empty_one_gives_nothing(void **state)
{
    (void)state;
    static const char text[] = "[JUNCTIONS]\n A 0 10\n[RESERVOIRS]\n R %d\n"
                               "[TANKS]\n T 40 %d 0 5 10 0\n"
                               "[PIPES]\n P R A 500 250 110\n Q A T 500 250 110\n"
                               "[OPTIONS]\n Units LPS\n Headloss H-W\n";
    const int reservoir_m[] = { 60, 30 }, level_m[] = { 5, 0 };
    for (int which = 0; which < 2; which++) {
        char made[512];
        snprintf(made, sizeof made, text, reservoir_m[which], level_m[which]);
        water_rig rig = solve(made);
        assert_int_equal((int)of(&rig, CLASS_PIPE, PIPE_STATUS, "Q"), WATER_STOPPED);
        assert_near(of(&rig, CLASS_TANK, TANK_DEMAND, "T"), 0.0, 0.0);
        assert_near(pipe_flow(&rig, "P"), 10.0 * litre, 1e-6);
        close_water(&rig);
    }
}

// ---- outlets ----

static void an_emitter_gives_by_its_pressure(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 10 0\n[RESERVOIRS]\n R 60\n"
                          "[PIPES]\n P R A 500 250 110\n[EMITTERS]\n A 2\n"
                          "[OPTIONS]\n Units LPS\n Headloss H-W\n Emitter Exponent 0.5\n");
    double pressure = head_of(&rig, "A") - 10.0;
    double given = of(&rig, CLASS_JUNCTION, JUNCTION_EMISSION, "A");
    assert_near(given, 2.0 * litre * sqrt(pressure), 2e-4 * given);
    assert_near(pipe_flow(&rig, "P"), given, 1e-9);
    close_water(&rig);
}

static void an_emitter_takes_water_in_only_where_the_file_lets_it(void **state)
{
    (void)state;
    static const char text[] = "[JUNCTIONS]\n A 10 0\n B 80 0\n[RESERVOIRS]\n R 60\n"
                               "[PIPES]\n P R A 500 250 110\n Q A B 50 250 110\n[EMITTERS]\n B 2\n"
                               "[OPTIONS]\n Units LPS\n Headloss H-W\n Backflow Allowed %s\n";
    char made[512];
    snprintf(made, sizeof made, text, "YES");
    water_rig rig = solve(made);
    assert_true(of(&rig, CLASS_JUNCTION, JUNCTION_EMISSION, "B") < -1.0 * litre);
    close_water(&rig);
    snprintf(made, sizeof made, text, "NO");
    rig = solve(made);
    assert_near(of(&rig, CLASS_JUNCTION, JUNCTION_EMISSION, "B"), 0.0, 1e-7);
    close_water(&rig);
}

static void a_leak_gives_by_its_area_and_its_growth(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 10 0\n[RESERVOIRS]\n R 60\n"
                          "[PIPES]\n P R A 500 250 110\n[OPTIONS]\n Units LPS\n Headloss H-W\n");
    write_water(&rig, water_ref(&rig, CLASS_PIPE, PIPE_LEAK_AREA, "P"), 5e-4);
    write_water(&rig, water_ref(&rig, CLASS_PIPE, PIPE_LEAK_GROWTH, "P"), 2e-6);
    advance_water(rig.state, 0.0);
    double pressure = head_of(&rig, "A") - 10.0, factor = 0.6 * sqrt(2.0 * 32.2 * WATER_FOOT_M);
    double hole = factor * 5e-4 * sqrt(pressure), crack = factor * 2e-6 * pow(pressure, 1.5);
    assert_near(of(&rig, CLASS_JUNCTION, JUNCTION_HOLE_LEAKAGE, "A"), hole, 1e-5 * hole);
    assert_near(of(&rig, CLASS_JUNCTION, JUNCTION_CRACK_LEAKAGE, "A"), crack, 1e-5 * crack);
    assert_near(pipe_flow(&rig, "P"), hole + crack, 1e-4 * (hole + crack));
    close_water(&rig);
}

static void pressure_driven_demand_follows_its_law(void **state)
{
    (void)state;
    static const char text[] = "[JUNCTIONS]\n A 10 0\n B %d 20\n[RESERVOIRS]\n R 60\n"
                               "[PIPES]\n P R A 500 250 110\n Q A B 50 250 110\n"
                               "[OPTIONS]\n Units LPS\n Headloss H-W\n Demand Model PDA\n"
                               " Minimum Pressure 5\n Required Pressure 25\n"
                               " Pressure Exponent 0.5\n";
    const int elevations_m[] = { 20, 45, 58 }; // enough, between, too little
    for (int which = 0; which < 3; which++) {
        char made[512];
        snprintf(made, sizeof made, text, elevations_m[which]);
        water_rig rig = solve(made);
        double pressure = head_of(&rig, "B") - elevations_m[which];
        double share = sqrt(fmin(fmax((pressure - 5.0) / 20.0, 0.0), 1.0));
        double drawn = of(&rig, CLASS_JUNCTION, JUNCTION_CONSUMPTION, "B");
        assert_near(drawn, 20.0 * litre * share, 1e-6);
        assert_near(drawn, pipe_flow(&rig, "Q"), 1e-7);
        assert_true(which != 1 || (share > 0.3 && share < 0.9));
        close_water(&rig);
    }
}

// ---- what cannot be, and what hangs in the air ----

static void a_part_that_is_shut_off_and_draws_nothing_is_fine(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 10 5\n B 12 0\n C 14 0\n D 16 0\n[RESERVOIRS]\n R 60\n"
                          "[PIPES]\n P R A 500 250 110\n Q A B 50 250 110 0 CLOSED\n"
                          " S C D 100 100 100\n"
                          "[OPTIONS]\n Units LPS\n Headloss H-W\n");
    assert_near(pipe_flow(&rig, "P"), 5.0 * litre, 1e-9);
    assert_near(head_of(&rig, "B"), head_of(&rig, "A"), 1e-3);
    assert_true(head_of(&rig, "C") > 13.0 && head_of(&rig, "C") < 17.0); // nothing joins it
    close_water(&rig);
}

static void a_network_at_rest_has_level_heads(void **state)
{
    (void)state;
    water_rig rig = solve("[JUNCTIONS]\n A 10 0\n B 12 0\n C 14 0\n[RESERVOIRS]\n R 60\n"
                          "[PIPES]\n P R A 500 250 110\n Q A B 50 250 110\n S B C 50 250 110\n"
                          " T C A 50 250 110\n[OPTIONS]\n Units LPS\n Headloss H-W\n");
    assert_near(head_of(&rig, "C"), 60.0, 1e-6);
    assert_near(pipe_flow(&rig, "S"), 0.0, 1e-7);
    close_water(&rig);
}

static void a_valve_beside_a_reservoir_is_refused(void **state)
{
    (void)state;
    static const char text[] = "[JUNCTIONS]\n A 10 5\n[RESERVOIRS]\n R 60\n S 50\n"
                               "[PIPES]\n P S A 10 100 100\n[VALVES]\n V R A 100 PRV 20\n"
                               "[OPTIONS]\n Units LPS\n Headloss H-W\n";
    water_rig rig = { 0 };
    gm_error error = { 0 };
    assert_int_equal(gm_units_read(&rig.units, &error), GM_OK);
    assert_int_equal(build_water(text, strlen(text), &rig, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "'V'"));
    gm_model_close(rig.model);
    gm_units_close(rig.units);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hazen_williams_and_a_minor_loss_cost_head),
        cmocka_unit_test(darcy_weisbach_is_laminar_when_slow_and_swamee_jain_when_fast),
        cmocka_unit_test(the_friction_factor_is_continuous_between_laminar_and_turbulent),
        cmocka_unit_test(chezy_manning_costs_head),
        cmocka_unit_test(parallel_pipes_share_a_flow_by_their_resistance),
        cmocka_unit_test(a_pump_works_where_its_curve_meets_the_pipe),
        cmocka_unit_test(a_pump_follows_the_points_of_its_curve),
        cmocka_unit_test(a_pump_of_constant_power_lifts_less_the_more_it_moves),
        cmocka_unit_test(a_pump_against_more_than_it_lifts_stands_still),
        cmocka_unit_test(a_pump_beyond_its_curve_still_has_an_answer),
        cmocka_unit_test(a_reducing_valve_holds_the_pressure_behind_it),
        cmocka_unit_test(a_reducing_valve_stands_wide_without_pressure_before_it),
        cmocka_unit_test(a_reducing_valve_shuts_against_reverse_flow),
        cmocka_unit_test(a_sustaining_valve_holds_the_pressure_before_it),
        cmocka_unit_test(a_flow_valve_lets_no_more_through_than_its_setting),
        cmocka_unit_test(a_breaker_takes_its_pressure_away),
        cmocka_unit_test(a_throttle_costs_its_coefficient),
        cmocka_unit_test(a_general_valve_follows_its_curve),
        cmocka_unit_test(a_positional_valve_loses_more_the_less_it_is_open),
        cmocka_unit_test(a_check_valve_shuts_against_reverse_flow),
        cmocka_unit_test(a_full_tank_takes_nothing_and_an_empty_one_gives_nothing),
        cmocka_unit_test(an_emitter_gives_by_its_pressure),
        cmocka_unit_test(an_emitter_takes_water_in_only_where_the_file_lets_it),
        cmocka_unit_test(a_leak_gives_by_its_area_and_its_growth),
        cmocka_unit_test(pressure_driven_demand_follows_its_law),
        cmocka_unit_test(a_part_that_is_shut_off_and_draws_nothing_is_fine),
        cmocka_unit_test(a_network_at_rest_has_level_heads),
        cmocka_unit_test(a_valve_beside_a_reservoir_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
