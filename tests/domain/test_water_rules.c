// Rules of a network: which premises hold when, how they join, which action wins.
#include "domain/water_fixture.h"

enum { TEXT_SIZE = 2048 };

static const char network[] = "[JUNCTIONS]\n J1 0 0\n J2 0 10 p\n"
                              "[RESERVOIRS]\n R 50\n"
                              "[TANKS]\n T 30 3 0 10 9 0\n"
                              "[PIPES]\n A R J1 1000 300 100\n B J1 J2 100 300 100\n"
                              " C J1 J2 100 300 100\n D J1 T 500 200 100\n"
                              "[PATTERNS]\n p 1 2\n"
                              "[TIMES]\n Duration 24:00\n Hydraulic Timestep 1:00\n"
                              " Pattern Timestep 6:00\n Rule Timestep 0:06\n"
                              " Start ClockTime 8 AM\n"
                              "[OPTIONS]\n Units LPS\n"
                              "[RULES]\n%s\n";

static water_rig open_rules(const char *rules)
{
    static char text[TEXT_SIZE];
    snprintf(text, sizeof text, network, rules);
    return open_water(text, 1, 1);
}

static bool is_closed_at(water_rig *rig, double at_s)
{
    advance_water(rig->state, at_s);
    gm_ref status = water_ref(rig, CLASS_PIPE, PIPE_STATUS, "B");
    return water_is_closed((uint8_t)water_value(rig->state, status, 0));
}

typedef struct premise_case {
    const char *premises;
    double open_s, closed_s; // last seen open, first seen closed; 0: never
} premise_case;

static void check_cases(const premise_case *cases, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        char rule[TEXT_SIZE / 4];
        snprintf(rule, sizeof rule, "RULE 1\n%s\nTHEN PIPE B STATUS IS CLOSED",
                 cases[index].premises);
        water_rig rig = open_rules(rule);
        if (is_closed_at(&rig, cases[index].open_s) ||
            is_closed_at(&rig, cases[index].closed_s > 0.0 ? cases[index].closed_s : 10800.0) !=
                (cases[index].closed_s > 0.0)) {
            fail_msg("%s", cases[index].premises);
        }
        close_water(&rig);
    }
}

static void times_hold_at_the_look_that_reaches_them(void **state)
{
    (void)state;
    static const premise_case cases[] = {
        { "IF SYSTEM TIME >= 0:30", 1799.0, 1800.0 },
        { "IF SYSTEM TIME > 0:30", 2159.0, 2160.0 },
        { "IF SYSTEM TIME = 0:20", 1439.0, 1440.0 },
        { "IF SYSTEM TIME <> 0:03", 719.0, 720.0 },
        { "IF SYSTEM TIME < 0:06", 10000.0, 0.0 },
        { "IF SYSTEM CLOCKTIME > 8:10 AM", 719.0, 720.0 },
        { "IF SYSTEM CLOCKTIME = 9:59 AM", 7199.0, 7200.0 },
        { "IF SYSTEM CLOCKTIME < 8 AM", 10000.0, 0.0 },
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void quantities_are_compared_in_the_files_units(void **state)
{
    (void)state;
    static const premise_case cases[] = {
        { "IF SYSTEM DEMAND > 9.9", 359.0, 360.0 },
        { "IF SYSTEM DEMAND > 10.1", 10000.0, 0.0 },
        { "IF NODE J2 DEMAND = 10", 359.0, 360.0 },
        { "IF NODE J1 PRESSURE BELOW 50", 359.0, 360.0 },
        { "IF NODE J1 PRESSURE ABOVE 50", 10000.0, 0.0 },
        { "IF NODE R HEAD = 50", 359.0, 360.0 },
        { "IF LINK A FLOW ABOVE 11", 359.0, 360.0 },
        { "IF LINK C STATUS IS OPEN", 359.0, 360.0 },
        { "IF LINK C STATUS NOT OPEN", 10000.0, 0.0 },
        { "IF TANK T FILLTIME BELOW 100", 359.0, 360.0 },
        { "IF TANK T DRAINTIME BELOW 100", 10000.0, 0.0 },
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void or_joins_and_and_ends(void **state)
{
    (void)state;
    static const premise_case cases[] = {
        { "IF SYSTEM TIME > 99\nOR SYSTEM TIME > 0", 359.0, 360.0 },
        { "IF SYSTEM TIME > 0\nAND SYSTEM TIME > 99", 10000.0, 0.0 },
        { "IF SYSTEM TIME > 0\nOR SYSTEM TIME > 99\nAND SYSTEM TIME > 99", 10000.0, 0.0 },
        { "IF SYSTEM TIME > 99\nAND SYSTEM TIME > 0\nOR SYSTEM TIME > 0", 10000.0, 0.0 },
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void a_level_is_looked_at_between_the_hydraulic_steps(void **state)
{
    (void)state;
    water_rig rig = open_rules("RULE 1\nIF TANK T LEVEL ABOVE 4\nTHEN PIPE B STATUS IS CLOSED");
    gm_ref level = water_ref(&rig, CLASS_TANK, TANK_LEVEL, "T");
    double at_s = 360.0, before_m = 0.0;
    while (at_s < 86400.0 && !is_closed_at(&rig, at_s)) {
        before_m = water_value(rig.state, level, 0);
        at_s += 360.0;
    }
    assert_true(at_s < 86400.0);
    assert_true(before_m < 4.0 && water_value(rig.state, level, 0) >= 4.0 - 1e-3);
    close_water(&rig);
}

static void the_highest_priority_wins_and_the_first_among_equals(void **state)
{
    (void)state;
    static const char rules[] =
        "RULE 1\nIF SYSTEM TIME > 0\nTHEN PIPE B STATUS IS OPEN\nPRIORITY %d\n"
        "RULE 2\nIF SYSTEM TIME > 0\nTHEN PIPE B STATUS IS CLOSED\nPRIORITY %d\n";
    static const int priorities[][2] = { { 1, 2 }, { 2, 1 }, { 1, 1 } };
    static const bool closed[] = { true, false, false };
    for (size_t index = 0; index < 3; index++) {
        char text[TEXT_SIZE / 4];
        snprintf(text, sizeof text, rules, priorities[index][0], priorities[index][1]);
        water_rig rig = open_rules(text);
        assert_int_equal(is_closed_at(&rig, 360.0), closed[index]);
        close_water(&rig);
    }
}

static void else_acts_when_premises_do_not_hold(void **state)
{
    (void)state;
    water_rig rig = open_rules("RULE 1\nIF SYSTEM TIME > 2\nTHEN PIPE B STATUS IS OPEN\n"
                               "ELSE PIPE B STATUS IS CLOSED");
    assert_false(is_closed_at(&rig, 359.0));
    assert_true(is_closed_at(&rig, 360.0));
    assert_true(is_closed_at(&rig, 7200.0));
    assert_false(is_closed_at(&rig, 7560.0));
    close_water(&rig);
}

static void rules_leave_alone_what_is_not_automatic(void **state)
{
    (void)state;
    water_rig rig = open_rules("RULE 1\nIF SYSTEM TIME > 0\nTHEN PIPE B STATUS IS CLOSED");
    write_water(&rig, water_ref(&rig, CLASS_PIPE, PIPE_AUTOMATIC, "B"), 0.0);
    assert_false(is_closed_at(&rig, 7200.0));
    close_water(&rig);
}

static void looks_between_rules_leave_no_trace(void **state)
{
    (void)state;
    static const char rules[] =
        "RULE 1\nIF TANK T LEVEL ABOVE 4\nTHEN PIPE D STATUS IS CLOSED\n"
        "AND PIPE B STATUS IS CLOSED\nELSE PIPE B STATUS IS OPEN\n"
        "RULE 2\nIF SYSTEM TIME > 9\nTHEN PIPE D STATUS IS OPEN\nPRIORITY 3\n";
    water_rig straight = open_rules(rules), stopping = open_rules(rules);
    for (double at_s = 0.0; at_s < 86400.0; at_s += 100.5) {
        advance_water(stopping.state, at_s);
    }
    advance_water(stopping.state, 86400.0);
    advance_water(straight.state, 86400.0);
    assert_true(gm_state_hash(stopping.state) == gm_state_hash(straight.state));
    close_water(&straight);
    close_water(&stopping);
}

static const char driven[] = "[JUNCTIONS]\n J1 0 0\n J2 0 0\n J3 0 8\n"
                             "[RESERVOIRS]\n R 10\n"
                             "[PIPES]\n A J2 J3 100 300 100\n"
                             "[PUMPS]\n P R J1 HEAD C\n"
                             "[VALVES]\n V J1 J2 200 PRV 30 0\n"
                             "[CURVES]\n C 10 40\n"
                             "[TIMES]\n Duration 6:00\n Rule Timestep 0:10\n"
                             "[OPTIONS]\n Units LPS\n"
                             "[RULES]\n"
                             "RULE 1\nIF SYSTEM TIME >= 1\nTHEN PUMP P SETTING IS 0.95\n"
                             "AND VALVE V SETTING IS 25\nPRIORITY 1\n"
                             "RULE 2\nIF SYSTEM TIME >= 2\nTHEN VALVE V STATUS IS OPEN\n"
                             "AND PUMP P STATUS IS OPEN\nPRIORITY 2\n"
                             "RULE 3\nIF SYSTEM TIME >= 3\nTHEN VALVE V STATUS IS CLOSED\n"
                             "PRIORITY 3\n";

static void rules_move_speeds_and_settings(void **state)
{
    (void)state;
    water_rig rig = open_water(driven, 1, 1);
    gm_ref speed = water_ref(&rig, CLASS_PUMP, PUMP_SPEED, "P");
    gm_ref status = water_ref(&rig, CLASS_VALVE, VALVE_STATUS, "V");
    gm_ref head = water_ref(&rig, CLASS_JUNCTION, JUNCTION_HEAD, "J2");
    advance_water(rig.state, 3599.0);
    assert_near(water_value(rig.state, head, 0), 30.0, 1e-3);
    assert_near(water_value(rig.state, speed, 0), 1.0, 0.0);
    advance_water(rig.state, 3600.0);
    assert_near(water_value(rig.state, head, 0), 25.0, 1e-3);
    assert_near(water_value(rig.state, speed, 0), 0.95, 1e-12);
    assert_int_equal(water_value(rig.state, status, 0), WATER_ACTIVE);
    advance_water(rig.state, 7200.0); // opening what is open already changes nothing
    assert_int_equal(water_value(rig.state, status, 0), WATER_ACTIVE);
    advance_water(rig.state, 10799.0);
    assert_near(water_value(rig.state, head, 0), 25.0, 1e-3);
    advance_water(rig.state, 10800.0);
    assert_int_equal(water_value(rig.state, status, 0), WATER_CLOSED);
    close_water(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_hold_at_the_look_that_reaches_them),
        cmocka_unit_test(quantities_are_compared_in_the_files_units),
        cmocka_unit_test(or_joins_and_and_ends),
        cmocka_unit_test(a_level_is_looked_at_between_the_hydraulic_steps),
        cmocka_unit_test(the_highest_priority_wins_and_the_first_among_equals),
        cmocka_unit_test(else_acts_when_premises_do_not_hold),
        cmocka_unit_test(rules_leave_alone_what_is_not_automatic),
        cmocka_unit_test(looks_between_rules_leave_no_trace),
        cmocka_unit_test(rules_move_speeds_and_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
