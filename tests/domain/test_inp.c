// Network files: what every section means, in SI.
#include "domain/inp_fixture.h"

#define FOOT       0.3048
#define CUBIC_FOOT (FOOT * FOOT * FOOT)
#define GPM        (CUBIC_FOOT / 448.831)
#define PSI        (FOOT / 0.4333)

// The least that is a network, behind which tests put sections of their own
#define NET                                                                                        \
    "[JUNCTIONS]\na 10 1\nb 20 2\nc 5\n[RESERVOIRS]\nr 50\n[TANKS]\nt 30 2 1 5 10\n[PIPES]\n"      \
    "p1 r a 100 200 100\np2 a b 100 200 100\np3 b c 100 200 100\np4 t c 10 200 100\n"

static void nodes_are_read_in_us_units(void **state)
{
    (void)state;
    gm_model *model = read_inp("[JUNCTIONS]\nj1 100 50 day ; a comment\nj2\n"
                               "[RESERVOIRS]\nlake 220 head\n"
                               "[TANKS]\nt1 150 8 2 12 40 0\nt2 150 8 2 12 40 5000\n"
                               "t3 150 3 1 4 40 0 shape YES\n"
                               "[PIPES]\np1 j1 j2\np2 lake j1 1000 12 110 0.5 CV\n"
                               "p3 t1 j1\np4 t2 j1\np5 t3 j1\n"
                               "[EMITTERS]\nj2 3\n"
                               "[PATTERNS]\nday 1 2 3\nhead 1 1.01\nday 4\n"
                               "[CURVES]\nshape 0 0\nshape 5 900\n",
                               "{}");
    assert_int_equal(inp_plan->node_count, 6);
    const water_node *j1 = node_named("j1");
    assert_int_equal(j1->kind, WATER_JUNCTION);
    assert_near(j1->elevation_m, 100.0 * FOOT);
    assert_near(j1->demands->base_m3_s, 50.0 * GPM);
    assert_null(j1->demands->next);
    const water_pattern *day = &inp_plan->patterns[j1->demands->pattern];
    assert_string_equal(day->name, "day");
    assert_int_equal(day->count, 4);
    assert_near(day->factors[3], 4.0);
    assert_int_equal(j1->place.line, 2);
    assert_near(node_named("j2")->elevation_m, 0.0);
    assert_near(node_named("j2")->emitter, 3.0 * GPM * sqrt(0.4333 / FOOT));
    const water_node *lake = node_named("lake");
    assert_int_equal(lake->kind, WATER_RESERVOIR);
    assert_near(lake->elevation_m, 220.0 * FOOT);
    assert_string_equal(inp_plan->patterns[lake->pattern].name, "head");
    const water_node *t1 = node_named("t1");
    assert_int_equal(t1->kind, WATER_TANK);
    assert_near(t1->level_m, 8.0 * FOOT);
    assert_near(t1->min_level_m, 2.0 * FOOT);
    assert_near(t1->max_level_m, 12.0 * FOOT);
    assert_near(t1->diameter_m, 40.0 * FOOT);
    assert_near(t1->min_volume_m3, 2.0 * M_PI * 400.0 * CUBIC_FOOT);
    assert_near(node_named("t2")->min_volume_m3, 5000.0 * CUBIC_FOOT);
    assert_int_equal(node_named("t1")->volume_curve, WATER_NONE);
    assert_false(t1->overflows);
    assert_true(node_named("t3")->overflows);
    assert_near(inp_plan->curves[node_named("t3")->volume_curve].y[1], 900.0);
    gm_model_close(model);
}

static void links_are_read_in_us_units(void **state)
{
    (void)state;
    gm_model *model = read_inp(
        NET "p5 a c\np6 a c 100 10 120 Closed\np7 a c 100 10 120 0.7\n"
            "p8 a c 100 10 120 0.7 Closed\np9 a c 100 10 120 CV\n"
            "[PUMPS]\nu1 r a HEAD lift SPEED 0.8 PATTERN on\nu2 r a POWER 20\nu3 r a 5\n"
            "u4 r a 90 300\nu5 r a 100 90 300 50 600\nu6 r a HEAD lift SPEED 0\n"
            "[VALVES]\nv1 a b 12 PRV 60\nv2 c a 12 FCV 300 0.5\nv3 r c 6 TCV 8\nv4 a c 6 GPV lift\n"
            "v5 b a 6 PCV 30 0.1 lift\nv6 a c 6 PBV 10\nv7 c a 6 PSV 20\nv8 a c 6 TCV\n"
            "[CURVES]\nlift 100 80\nlift 200 60\n[PATTERNS]\non 1 0\n",
        "{}");
    const water_link *p2 = link_named("p2"), *u1 = link_named("u1");
    assert_near(p2->length_m, 100.0 * FOOT);
    assert_near(p2->diameter_m, 200.0 * FOOT / 12.0);
    assert_near(p2->roughness, 100.0);
    assert_int_equal(p2->status, WATER_OPEN);
    assert_string_equal(inp_plan->nodes[p2->from].name, "a");
    assert_string_equal(inp_plan->nodes[p2->to].name, "b");
    assert_near(link_named("p5")->length_m, 330.0 * FOOT);
    assert_near(link_named("p5")->diameter_m, 10.0 * FOOT / 12.0);
    assert_near(link_named("p5")->roughness, 130.0);
    assert_int_equal(link_named("p6")->status, WATER_CLOSED);
    assert_near(link_named("p7")->minor_loss, 0.7);
    assert_int_equal(link_named("p8")->status, WATER_CLOSED);
    assert_true(link_named("p9")->check_valve);
    assert_int_equal(u1->kind, WATER_PUMP);
    assert_string_equal(inp_plan->curves[u1->head_curve].name, "lift");
    assert_string_equal(inp_plan->patterns[u1->speed_pattern].name, "on");
    assert_near(u1->setting, 0.8);
    assert_true(isnan(u1->price));
    assert_near(link_named("u2")->power_w, 20.0 * 745.7);
    assert_near(link_named("u3")->power_w, 5.0 * 745.7);
    const water_curve *old = &inp_plan->curves[link_named("u4")->head_curve];
    assert_int_equal(old->count, 1);
    assert_near(old->x[0], 300.0);
    assert_near(old->y[0], 90.0);
    old = &inp_plan->curves[link_named("u5")->head_curve];
    assert_int_equal(old->count, 3);
    assert_near(old->x[2], 600.0);
    assert_near(old->y[0], 100.0);
    assert_int_equal(link_named("u6")->status, WATER_CLOSED);
    assert_int_equal(link_named("v1")->valve, WATER_PRV);
    assert_near(link_named("v1")->setting, 60.0 * PSI);
    assert_int_equal(link_named("v1")->status, WATER_ACTIVE);
    assert_near(link_named("v2")->setting, 300.0 * GPM);
    assert_near(link_named("v2")->minor_loss, 0.5);
    assert_near(link_named("v3")->setting, 8.0);
    assert_int_equal(link_named("v4")->status, WATER_OPEN);
    assert_string_equal(inp_plan->curves[link_named("v4")->curve].name, "lift");
    assert_near(link_named("v5")->setting, 0.3);
    assert_near(link_named("v6")->setting, 10.0 * PSI);
    assert_near(link_named("v7")->setting, 20.0 * PSI);
    assert_near(link_named("v8")->setting, 0.0);
    gm_model_close(model);
}

static void metric_files_are_in_metres(void **state)
{
    (void)state;
    gm_model *model = read_inp("[OPTIONS]\nUnits LPS\nHeadloss D-W\nViscosity 1.3e-6\n"
                               "Emitter Exponent 0.6\n" NET "p5 a c\n"
                               "[PUMPS]\nu r a POWER 3\n[VALVES]\nv a b 100 PRV 40\n"
                               "[EMITTERS]\na 2\n[LEAKAGE]\np3 50 2\n",
                               "{}");
    double lps = CUBIC_FOOT / 28.317;
    assert_near(node_named("a")->elevation_m, 10.0);
    assert_near(node_named("a")->demands->base_m3_s, lps);
    assert_near(node_named("a")->emitter, 2.0 * lps);
    assert_near(node_named("t")->min_volume_m3, 25.0 * M_PI);
    assert_near(link_named("p2")->diameter_m, 0.2);
    assert_near(link_named("p2")->roughness, 0.1);
    assert_near(link_named("p5")->length_m, 100.0);
    assert_near(link_named("p5")->diameter_m, 0.254);
    assert_near(link_named("p5")->roughness, 0.0005e-3);
    assert_near(link_named("p3")->leak_area_m2, 50e-6);
    assert_near(link_named("p3")->leak_expansion_m, 2e-6);
    assert_near(link_named("u")->power_w, 3000.0);
    assert_near(link_named("v")->setting, 40.0);
    assert_near(inp_plan->viscosity_m2_s, 1.3e-6);
    assert_near(inp_plan->required_pressure_m, 0.1);
    gm_model_close(model);
}

static void every_unit_has_the_factor_of_epanet(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double per_cubic_foot;
        bool metric;
    } flows[] = { { "CFS", 1.0, false },     { "gpm", 448.831, false }, { "MGD", 0.64632, false },
                  { "IMGD", 0.5382, false }, { "AFD", 1.9837, false },  { "LPS", 28.317, true },
                  { "LPM", 1699.0, true },   { "MLD", 2.4466, true },   { "CMH", 101.94, true },
                  { "CMD", 2446.6, true },   { "CMS", 0.028317, true }, { "SI", 28.317, true } };
    static const struct {
        const char *name;
        double metre;
    } pressures[] = { { "PSI", PSI / 0.9 },
                      { "KPA", PSI / 0.9 / 6.895 },
                      { "METERS", 1.0 },
                      { "BAR", PSI / 0.9 / 0.068948 },
                      { "FEET", FOOT } };
    char text[1000];
    for (size_t index = 0; index < sizeof flows / sizeof *flows; index++) {
        snprintf(text, sizeof text, "%s[OPTIONS]\nUNITS %s\n", NET, flows[index].name);
        gm_model *model = read_inp(text, "{}");
        assert_near(inp_plan->units.flow_m3_s, CUBIC_FOOT / flows[index].per_cubic_foot);
        assert_int_equal(inp_plan->units.metric, flows[index].metric);
        assert_near(inp_plan->units.length_m, flows[index].metric ? 1.0 : FOOT);
        assert_near(inp_plan->units.pressure_m, flows[index].metric ? 1.0 : PSI);
        gm_model_close(model);
    }
    for (size_t index = 0; index < sizeof pressures / sizeof *pressures; index++) {
        snprintf(text, sizeof text,
                 "%s[VALVES]\nv a b 12 PSV 10\n[OPTIONS]\nSpecific Gravity 0.9\nPressure %s\n", NET,
                 pressures[index].name);
        gm_model *model = read_inp(text, "{}");
        assert_near(link_named("v")->setting, 10.0 * pressures[index].metre);
        gm_model_close(model);
    }
}

static void times_are_read_in_every_way(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } cases[] = { { "24", 86400 },      { "1.5", 5400 },       { "1:30", 5400 },
                  { "1:30:15", 5415 },  { "90 MIN", 5400 },    { "90 minutes", 5400 },
                  { "5400 sec", 5400 }, { "1.5 Hours", 5400 }, { "2 days", 172800 },
                  { "3 AM", 10800 },    { "12 AM", 0 },        { "12 PM", 43200 },
                  { "1:30 pm", 48600 }, { "12:15 am", 900 },   { "0:10:20", 620 } };
    char text[1000];
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        snprintf(text, sizeof text, "%s[TIMES]\nDURATION %s\n", NET, cases[index].text);
        gm_model *model = read_inp(text, "{}");
        assert_int_equal(inp_plan->duration_s, cases[index].seconds);
        gm_model_close(model);
    }
}

static void steps_fit_into_each_other(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "[TIMES]\nHydraulic Timestep 2:00\nPattern Timestep 1:30\n"
                                   "Report Timestep 1:00\nPattern Start 0:10\nReport Start 9:00\n"
                                   "Duration 6\nStart ClockTime 30\nQuality Timestep 0:05\n",
                               "{}");
    assert_int_equal(inp_plan->step_s, 3600);
    assert_int_equal(inp_plan->pattern_step_s, 5400);
    assert_int_equal(inp_plan->rule_step_s, 360);
    assert_int_equal(inp_plan->report_step_s, 3600);
    assert_int_equal(inp_plan->report_start_s, 0);
    assert_int_equal(inp_plan->pattern_start_s, 600);
    assert_int_equal(inp_plan->clock_start_s, 6 * 3600);
    gm_model_close(model);
    model = read_inp(NET "[TIMES]\nHydraulic Timestep 0:00:05\nRule Timestep 1:00\n", "{}");
    assert_int_equal(inp_plan->step_s, 5);
    assert_int_equal(inp_plan->rule_step_s, 5);
    gm_model_close(model);
}

static void demands_take_the_place_of_the_junctions(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "[DEMANDS]\na 5 day\na 6\nb 7\nt 3\n[PATTERNS]\nday 1\n", "{}");
    const water_category *first = node_named("a")->demands;
    assert_near(first->base_m3_s, 5.0 * GPM);
    assert_int_equal(first->pattern, 0);
    assert_near(first->next->base_m3_s, 6.0 * GPM);
    assert_int_equal(first->next->pattern, WATER_NONE);
    assert_null(first->next->next);
    assert_near(node_named("b")->demands->base_m3_s, 7.0 * GPM);
    assert_null(node_named("b")->demands->next);
    assert_near(node_named("c")->demands->base_m3_s, 0.0);
    assert_true(has_warning(model, "18:1: the demand of 't' is not used"));
    gm_model_close(model);
}

static void the_default_pattern_is_named_or_is_1(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "[PATTERNS]\nx 2\n1 3\n", "{}");
    assert_string_equal(inp_plan->patterns[inp_plan->default_pattern].name, "1");
    gm_model_close(model);
    model = read_inp(NET "[PATTERNS]\nx 2\n1 3\n[OPTIONS]\nPattern x\n", "{}");
    assert_string_equal(inp_plan->patterns[inp_plan->default_pattern].name, "x");
    gm_model_close(model);
    model = read_inp(NET "[PATTERNS]\nx 2\n[OPTIONS]\nPattern y\n", "{}");
    assert_int_equal(inp_plan->default_pattern, WATER_NONE);
    assert_true(has_warning(model, "17:9: there is no pattern 'y'"));
    gm_model_close(model);
}

static void status_changes_what_sections_before_said(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "[PUMPS]\n10 r a POWER 1 SPEED 0.8\n11 r a POWER 1\n"
                                   "12 r a POWER 1 SPEED 0.5\n"
                                   "[VALVES]\nv1 a b 12 PRV 40\nv2 b c 12 TCV 4\nv3 c a 12 GPV g\n"
                                   "[CURVES]\ng 0 0\ng 1 1\n"
                                   "[STATUS]\np2 Closed\n10 1.2\n11 Closed\n12 Open\nv1 Open\n"
                                   "v2 30\nv3 Closed\np3 7\n",
                               "{}");
    assert_int_equal(link_named("p2")->status, WATER_CLOSED);
    assert_near(link_named("10")->setting, 1.2);
    assert_int_equal(link_named("10")->status, WATER_OPEN);
    assert_int_equal(link_named("11")->status, WATER_CLOSED);
    assert_near(link_named("11")->setting, 0.0);
    assert_near(link_named("12")->setting, 1.0);
    assert_int_equal(link_named("v1")->status, WATER_OPEN);
    assert_near(link_named("v2")->setting, 30.0);
    assert_int_equal(link_named("v2")->status, WATER_ACTIVE);
    assert_int_equal(link_named("v3")->status, WATER_CLOSED);
    assert_int_equal(link_named("p3")->status, WATER_OPEN);
    assert_true(has_warning(model, "a number is not used as the status of a pipe"));
    gm_model_close(model);
}

static void status_takes_ranges_of_links(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "9 a b\n10 a b\n11 a b\nq a b 1 1 1 CV\n"
                                   "[STATUS]\n9 10 Closed\np2 q Closed\n",
                               "{}");
    assert_int_equal(link_named("9")->status, WATER_CLOSED);
    assert_int_equal(link_named("10")->status, WATER_CLOSED);
    assert_int_equal(link_named("11")->status, WATER_OPEN);
    assert_int_equal(link_named("p1")->status, WATER_OPEN);
    assert_int_equal(link_named("p4")->status, WATER_CLOSED);
    assert_int_equal(link_named("q")->status, WATER_OPEN);
    gm_model_close(model);
}

static void controls_are_read(void **state)
{
    (void)state;
    gm_model *model =
        read_inp(NET "[PUMPS]\nu r a POWER 1\n[VALVES]\nv a b 12 PRV 40\n"
                     "[CONTROLS]\nLINK u OPEN IF NODE t BELOW 2\nLINK v 30 IF NODE b ABOVE 20\n"
                     "LINK p2 0 AT TIME 0:10:20\nLINK u 0.5 AT CLOCKTIME 6 PM\n"
                     "LINK u CLOSED AT TIME 5 DISABLED\nlink u 0 at time 3\n",
                 "{}");
    assert_int_equal(inp_plan->control_count, 5);
    const water_control *at = inp_plan->controls;
    assert_int_equal(at[0].kind, WATER_BELOW);
    assert_true(at[0].has_status && at[0].status == WATER_OPEN);
    assert_near(at[0].setting, 1.0);
    assert_near(at[0].limit_m, 32.0 * FOOT);
    assert_int_equal(at[1].kind, WATER_ABOVE);
    assert_true(at[1].has_setting);
    assert_near(at[1].setting, 30.0 * PSI);
    assert_near(at[1].limit_m, 20.0 * FOOT + 20.0 * PSI);
    assert_int_equal(at[2].kind, WATER_AT_TIME);
    assert_true(at[2].has_status && at[2].status == WATER_CLOSED);
    assert_int_equal(at[2].time_s, 620);
    assert_int_equal(at[3].kind, WATER_AT_CLOCK);
    assert_int_equal(at[3].time_s, 18 * 3600);
    assert_true(at[3].has_setting && at[3].setting == 0.5);
    assert_true(at[4].has_status && at[4].status == WATER_CLOSED);
    gm_model_close(model);
}

static void rules_are_read(void **state)
{
    (void)state;
    gm_model *model = read_inp(
        NET "[PUMPS]\nu r a POWER 1\n[VALVES]\nv a b 12 PRV 40\n"
            "[RULES]\nRULE one\nIF TANK t LEVEL BELOW 2\nAND SYSTEM CLOCKTIME >= 8 AM\n"
            "OR LINK v STATUS NOT OPEN\nAND VALVE v SETTING <= 30\nAND NODE b PRESSURE <> 20\n"
            "AND SYSTEM DEMAND > 10\nAND TANK t FILLTIME < 2\nAND JUNC b GRADE = 100\n"
            "THEN PUMP u STATUS = OPEN\nAND VALVE v SETTING = 35\n"
            "ELSE PUMP u SETTING IS 0.5\nAND PIPE p2 SETTING IS 0\nPRIORITY 4\n"
            "RULE off\nIF SYSTEM TIME IS 3\nTHEN LINK u STATUS IS OPEN\nDISABLED\n"
            "RULE none\nIF SYSTEM TIME IS 3\n"
            "RULE two\nIF SYSTEM TIME IS 1:30\nTHEN LINK u STATUS IS CLOSED\n"
            "AND LINK u STATUS IS ACTIVE\n",
        "{}");
    assert_int_equal(inp_plan->rule_count, 2);
    const water_rule *rule = &inp_plan->rules[0];
    assert_string_equal(rule->name, "one");
    assert_near(rule->priority, 4.0);
    assert_int_equal(rule->premise_count, 8);
    const water_premise *at = rule->premises;
    assert_int_equal(at[0].subject, WATER_NODE);
    assert_int_equal(at[0].quantity, WATER_LEVEL);
    assert_int_equal(at[0].relation, WATER_LESS);
    assert_near(at[0].value, 2.0 * FOOT);
    assert_false(at[1].is_or);
    assert_int_equal(at[1].quantity, WATER_CLOCK);
    assert_near(at[1].value, 8.0 * 3600.0);
    assert_true(at[2].is_or);
    assert_int_equal(at[2].relation, WATER_UNEQUAL);
    assert_int_equal(at[2].status, WATER_OPEN);
    assert_near(at[3].value, 30.0 * PSI);
    assert_near(at[4].value, 20.0 * PSI);
    assert_near(at[5].value, 10.0 * GPM);
    assert_int_equal(at[5].subject, WATER_SYSTEM);
    assert_near(at[6].value, 7200.0);
    assert_int_equal(at[7].quantity, WATER_HEAD);
    assert_near(at[7].value, 100.0 * FOOT);
    assert_int_equal(rule->then_count, 2);
    assert_false(rule->then[0].has_setting);
    assert_int_equal(rule->then[0].status, WATER_OPEN);
    assert_true(rule->then[1].has_setting);
    assert_near(rule->then[1].setting, 35.0 * PSI);
    assert_int_equal(rule->otherwise_count, 2);
    assert_near(rule->otherwise[0].setting, 0.5);
    assert_false(rule->otherwise[1].has_setting);
    assert_int_equal(rule->otherwise[1].status, WATER_CLOSED);
    assert_string_equal(inp_plan->rules[1].name, "two");
    assert_int_equal(inp_plan->rules[1].then_count, 1);
    assert_true(has_warning(model, "rule 'none' is not used: it has no action"));
    assert_true(has_warning(model, "no link is told to be ACTIVE"));
    gm_model_close(model);
}

static void options_are_read(void **state)
{
    (void)state;
    gm_model *model = read_inp(
        NET "[OPTIONS]\nHEADLOSS C-M\nVISCOSITY 2\nTRIALS 77\nACCURACY 1e-9\nHEADERROR 0.5\n"
            "FLOWCHANGE 2\nUNBALANCED CONTINUE 12\nDEMAND MULTIPLIER 1.5\nDEMAND MODEL PDA\n"
            "MINIMUM PRESSURE 5\nREQUIRED PRESSURE 30\nPRESSURE EXPONENT 0.7\n"
            "EMITTER EXPONENT 0.6\nBACKFLOW ALLOWED NO\nCHECKFREQ 3\nMAXCHECK 20\nDAMPLIMIT 0.01\n"
            "SPECIFIC GRAVITY 1\nQUALITY None mg/L\nDIFFUSIVITY 1\nTOLERANCE 0.01\nSEGMENTS 3\n"
            "[ENERGY]\nGlobal Efficiency 60\nGlobal Price 0.2\nGlobal Pattern 1\nDemand Charge 7\n"
            "[PATTERNS]\n1 1 2\n",
        "{}");
    assert_int_equal(inp_plan->formula, CHEZY_MANNING);
    assert_near(inp_plan->viscosity_m2_s, 2.2e-5 * FOOT * FOOT);
    assert_int_equal(inp_plan->trials, 77);
    assert_near(inp_plan->accuracy, 1e-5);
    assert_near(inp_plan->head_error_m, 0.5 * FOOT);
    assert_near(inp_plan->flow_change_m3_s, 2.0 * GPM);
    assert_false(inp_plan->unbalanced_stops);
    assert_int_equal(inp_plan->extra_trials, 12);
    assert_near(inp_plan->demand_multiplier, 1.5);
    assert_true(inp_plan->pressure_driven);
    assert_near(inp_plan->minimum_pressure_m, 5.0 * PSI);
    assert_near(inp_plan->required_pressure_m, 30.0 * PSI);
    assert_near(inp_plan->pressure_exponent, 0.7);
    assert_near(inp_plan->emitter_exponent, 0.6);
    assert_false(inp_plan->emitters_backflow);
    assert_int_equal(inp_plan->check_every, 3);
    assert_int_equal(inp_plan->check_until, 20);
    assert_near(inp_plan->damp_below, 0.01);
    assert_near(inp_plan->efficiency, 0.6);
    assert_near(inp_plan->price, 0.2);
    assert_int_equal(inp_plan->price_pattern, 0);
    assert_near(inp_plan->demand_charge, 7.0);
    assert_int_equal(gm_model_warning_count(model), 0);
    gm_model_close(model);
}

static void defaults_are_those_of_epanet(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET, "{}");
    assert_int_equal(inp_plan->formula, HAZEN_WILLIAMS);
    assert_int_equal(inp_plan->trials, 200);
    assert_near(inp_plan->accuracy, 0.001);
    assert_true(inp_plan->unbalanced_stops);
    assert_near(inp_plan->viscosity_m2_s, 1.1e-5 * FOOT * FOOT);
    assert_near(inp_plan->required_pressure_m, 0.1 * PSI);
    assert_near(inp_plan->emitter_exponent, 0.5);
    assert_true(inp_plan->emitters_backflow);
    assert_int_equal(inp_plan->duration_s, 0);
    assert_int_equal(inp_plan->step_s, 3600);
    assert_near(inp_plan->efficiency, 0.75);
    assert_int_equal(inp_plan->origin_ns, 0);
    gm_model_close(model);
}

static void pumps_have_prices_and_efficiencies(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "[PUMPS]\nu r a POWER 1\nw r b POWER 1\n"
                                   "[ENERGY]\nPump u Price 0.3\nPump u Pattern 1\nPump u Effic e\n"
                                   "Pump w Price 0\n[PATTERNS]\n1 1 2\n[CURVES]\ne 10 60\n",
                               "{}");
    assert_near(link_named("u")->price, 0.3);
    assert_int_equal(link_named("u")->price_pattern, 0);
    assert_near(inp_plan->curves[link_named("u")->efficiency_curve].y[0], 60.0);
    assert_true(isnan(link_named("w")->price));
    gm_model_close(model);
}

static void the_map_is_kept(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET "[COORDINATES]\na 1 2\nb -3.5 4e2\nz 1 1\nc 1\n"
                                   "[VERTICES]\np2 1 3\np2 1 4\nz 1 1\n",
                               "{}");
    assert_true(node_named("b")->has_point);
    assert_near(node_named("b")->x, -3.5);
    assert_near(node_named("b")->y, 400.0);
    assert_false(node_named("c")->has_point);
    const water_point *first = link_named("p2")->vertices;
    assert_near(first->y, 3.0);
    assert_near(first->next->y, 4.0);
    assert_null(first->next->next);
    assert_true(has_warning(model, "17:1: this point is not used: there is no node 'z'"));
    assert_true(has_warning(model, "18:1: this point is not used: expected a name, x and y"));
    assert_true(has_warning(model, "22:1: this point is not used: there is no link 'z'"));
    gm_model_close(model);
}

static void what_is_not_used_is_named_once(void **state)
{
    (void)state;
    gm_model *model = read_inp("stray\nstray again\n[TITLE]\nhello\n" NET
                               "[QUALITY]\n\n[REACTIONS]\nGlobal Bulk 1\n[REPORT]\n"
                               "[REACTIONS]\nGlobal Wall 1\nOrder Bulk 1\n[SOURCES]\na CONCEN 1\n"
                               "[JUNCTIONZ]\nq 1 2\n[OPTIONS]\nQuality Chlorine\nMap x.map\n"
                               "Hydraulics Save x\nHTOL 0.1\nMATRIX\n[TIMES]\nStatistic Average\n"
                               "[END]\n[NONSENSE]\n",
                               "{}");
    static const char *const words[] = {
        "net.inp:1:1: lines before the first section are not used",
        "net.inp:20:1: section [REACTIONS] is not used: water quality is not modelled",
        "net.inp:26:1: section [SOURCES] is not used: water quality",
        "net.inp:28:1: section [JUNCTIONZ] is unknown and not used; did you mean [JUNCTIONS]?",
        "net.inp:31:1: option QUALITY is not used: water quality",
        "net.inp:32:1: option MAP is not used",
        "net.inp:33:1: option HYDRAULICS is not used",
        "net.inp:34:1: option HTOL is not used",
        "net.inp:35:1: 'MATRIX' is no option of EPANET, and not used",
        "net.inp:37:1: STATISTIC is not used",
    };
    size_t count = sizeof words / sizeof *words;
    for (size_t index = 0; index < gm_model_warning_count(model); index++) {
        if (index >= count || strstr(gm_model_warning_at(model, index), words[index]) == NULL) {
            fail_msg("%s", gm_model_warning_at(model, index));
        }
    }
    assert_int_equal(gm_model_warning_count(model), count);
    gm_model_close(model);
}

static void lines_are_cut_as_epanet_cuts_them(void **state)
{
    (void)state;
    gm_model *model = read_inp("\xef\xbb\xbf[junc]\r\n\"a b\"\t1;2 3\r\n  b   2 \r\n;x\r\n\r\n"
                               "[RESERVOIR]\r\nr 1\r\n[Pipes]\r\np \"a b\" b\r\nq r b",
                               "{}");
    assert_near(node_named("a b")->elevation_m, FOOT);
    assert_near(node_named("a b")->demands->base_m3_s, 0.0);
    assert_int_equal(inp_plan->link_count, 2);
    gm_model_close(model);
    gm_string text = { 0 };
    gm_string_format(&text, "%s[PATTERNS]\nlong", NET);
    for (int factor = 1; factor <= 45; factor++) {
        gm_string_format(&text, " %d", factor);
    }
    model = read_inp(text.data, "{}");
    gm_string_free(&text);
    assert_int_equal(inp_plan->patterns[0].count, 39);
    assert_true(has_warning(model, "only the first 40 items of this line are used"));
    gm_model_close(model);
}

static void names_that_addresses_cannot_hold_are_changed(void **state)
{
    (void)state;
    gm_model *model = read_inp("[JUNCTIONS]\na/b 1\na-b 1\na*b 1\nK\374che 1\nK\xc3\xbc 1\n"
                               "[RESERVOIRS]\nr 1\n[PIPES]\np/1 a/b a-b\np2 a-b a*b\np3 r a/b\n"
                               "p4 r K\374che\np5 r K\xc3\xbc\n",
                               "{}");
    assert_string_equal(inp_plan->nodes[0].name, "a-b~1");
    assert_string_equal(inp_plan->nodes[1].name, "a-b");
    assert_string_equal(inp_plan->nodes[2].name, "a-b~3");
    assert_string_equal(inp_plan->nodes[3].name, "K-che");
    assert_string_equal(inp_plan->nodes[4].name, "K\xc3\xbc");
    assert_int_equal(gm_water_find_node(inp_plan, "a-b~1"), 0);
    assert_string_equal(inp_plan->links[0].name, "p-1");
    assert_true(has_warning(model, "net.inp:2:1: node 'a/b' is called 'a-b~1' here"));
    gm_model_close(model);
}

static void a_tank_without_diameter_is_a_reservoir(void **state)
{
    (void)state;
    gm_model *model = read_inp("[JUNCTIONS]\na\n[TANKS]\nt 10 2 1 3 0\n[PIPES]\np t a\n", "{}");
    assert_int_equal(node_named("t")->kind, WATER_RESERVOIR);
    assert_near(node_named("t")->elevation_m, 12.0 * FOOT);
    assert_true(has_warning(model, "4:12: a tank of diameter 0 is a reservoir"));
    gm_model_close(model);
}

static void valves_meet_only_where_it_is_clear_who_regulates(void **state)
{
    (void)state;
    static const char *const pairs[] = {
        "v a b 9 PRV 1\nw a c 9 PRV 1\n", "v a b 9 PSV 1\nw c b 9 PSV 1\n",
        "v a b 9 PSV 1\nw b c 9 PRV 1\n", "v a b 9 PRV 1\nw c b 9 PSV 1\n",
        "v a b 9 FCV 1\nw b c 9 FCV 1\n", "v a b 9 FCV 1\nw b c 9 PRV 1\n",
        "v a b 9 PRV 1\nw b c 9 PBV 1\n", "v r b 9 TCV 1\nw t c 9 PBV 1\n",
    };
    char text[1000];
    for (size_t index = 0; index < sizeof pairs / sizeof *pairs; index++) {
        snprintf(text, sizeof text, "%s[VALVES]\n%s", NET, pairs[index]);
        gm_model_close(read_inp(text, "{}"));
    }
    // EPANET does not compare neighbouring lines
    gm_model *model = read_inp(NET "[VALVES]\nv a b 9 PRV 1\nw c b 9 PRV 1\n", "{}");
    assert_true(has_warning(model, "net.inp:16:1: valves 'v' and 'w' meet"));
    gm_model_close(model);
}

static void reference_networks_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t nodes, links, patterns, curves, controls;
        int64_t duration_s;
    } files[] = {
        { "Net1", 11, 13, 1, 1, 2, 86400 },      { "Net2", 36, 40, 3, 0, 0, 198000 },
        { "Net3", 97, 119, 5, 2, 6, 86400 },     { "Net6", 3356, 3892, 3, 60, 124, 345600 },
        { "ky4", 964, 1158, 3, 0, 2, 0 },        { "Hanoi", 32, 34, 0, 0, 0, 0 },
        { "L-TOWN", 785, 909, 3, 1, 2, 604800 },
    };
    for (size_t index = 0; index < sizeof files / sizeof *files; index++) {
        char path[1000];
        snprintf(path, sizeof path, "%s/water/%s.inp", GEMEL_REFERENCE_DATA, files[index].name);
        FILE *stream = fopen(path, "rb");
        if (stream == NULL) {
            print_message("skipped: no reference data\n");
            skip();
        }
        enum { SIZE_MAX_READ = 1 << 20 };
        char *text = gm_arena_new(inp_arena, SIZE_MAX_READ, 1);
        size_t size = fread(text, 1, SIZE_MAX_READ - 1, stream);
        fclose(stream);
        assert_true(size < SIZE_MAX_READ - 1);
        gm_model *model = read_inp(text, "{}");
        assert_int_equal(inp_plan->node_count, files[index].nodes);
        assert_int_equal(inp_plan->link_count, files[index].links);
        assert_int_equal(inp_plan->pattern_count, files[index].patterns);
        assert_int_equal(inp_plan->curve_count, files[index].curves);
        assert_int_equal(inp_plan->control_count, files[index].controls);
        assert_int_equal(inp_plan->duration_s, files[index].duration_s);
        gm_model_close(model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_read_in_us_units),
        cmocka_unit_test(links_are_read_in_us_units),
        cmocka_unit_test(metric_files_are_in_metres),
        cmocka_unit_test(every_unit_has_the_factor_of_epanet),
        cmocka_unit_test(times_are_read_in_every_way),
        cmocka_unit_test(steps_fit_into_each_other),
        cmocka_unit_test(demands_take_the_place_of_the_junctions),
        cmocka_unit_test(the_default_pattern_is_named_or_is_1),
        cmocka_unit_test(status_changes_what_sections_before_said),
        cmocka_unit_test(status_takes_ranges_of_links),
        cmocka_unit_test(controls_are_read),
        cmocka_unit_test(rules_are_read),
        cmocka_unit_test(options_are_read),
        cmocka_unit_test(defaults_are_those_of_epanet),
        cmocka_unit_test(pumps_have_prices_and_efficiencies),
        cmocka_unit_test(the_map_is_kept),
        cmocka_unit_test(what_is_not_used_is_named_once),
        cmocka_unit_test(lines_are_cut_as_epanet_cuts_them),
        cmocka_unit_test(names_that_addresses_cannot_hold_are_changed),
        cmocka_unit_test(a_tank_without_diameter_is_a_reservoir),
        cmocka_unit_test(valves_meet_only_where_it_is_clear_who_regulates),
        cmocka_unit_test(reference_networks_are_read),
    };
    return cmocka_run_group_tests(tests, open_inp, close_inp);
}
