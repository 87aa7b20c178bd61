// What a world file lays over a network file, and networks without a file.
#include "domain/inp_fixture.h"

#define FOOT       0.3048
#define CUBIC_FOOT (FOOT * FOOT * FOOT)
#define GPM        (CUBIC_FOOT / 448.831)

#define NET                                                                                        \
    "[JUNCTIONS]\na 10 1\nb 20 2 day\nc 5\n[RESERVOIRS]\nr 50\n[TANKS]\nt 30 2 1 5 10\n[PIPES]\n"  \
    "p1 r a 100 200 100\np2 a b 100 200 100\np3 b c 100 200 100\np4 t c 10 200 100\n"              \
    "[PUMPS]\nu r a HEAD lift\n[VALVES]\nv a c 12 PRV 40\n[CURVES]\nlift 100 80\n"                 \
    "[PATTERNS]\nday 1 2\n[CONTROLS]\nLINK u CLOSED IF NODE t ABOVE 4\n"                           \
    "LINK p2 CLOSED AT TIME 3\n[RULES]\nRULE one\nIF NODE b PRESSURE < 5\n"                        \
    "THEN LINK p3 STATUS IS OPEN\n[TIMES]\nDuration 5\n"

static void only_the_given_keys_change(void **state)
{
    (void)state;
    gm_model *model =
        read_inp(NET, "{junctions: {a: {demand: 3 l/s}, b: {elevation: 7 m, emitter: 0.001, "
                      "position: [3, 4]}}, reservoirs: {r: {head: 60 m, pattern: day}}, "
                      "tanks: {t: {level: 1 m, overflow: true}}, "
                      "pipes: {p2: {roughness: 130, status: closed, leak area: 3 cm2}}, "
                      "pumps: {u: {speed: 90 %}}, valves: {v: {setting: 200 kPa}}, "
                      "patterns: {day: [0.5, 1, 1.5]}}");
    assert_near(node_named("a")->demands->base_m3_s, 0.003);
    assert_near(node_named("a")->elevation_m, 10.0 * FOOT);
    assert_near(node_named("b")->elevation_m, 7.0);
    assert_near(node_named("b")->demands->base_m3_s, 2.0 * GPM);
    assert_near(node_named("b")->emitter, 0.001);
    assert_near(node_named("b")->y, 4.0);
    assert_near(node_named("r")->elevation_m, 60.0);
    assert_int_equal(node_named("r")->pattern, 0);
    assert_near(node_named("t")->level_m, 1.0);
    assert_near(node_named("t")->max_level_m, 5.0 * FOOT);
    assert_true(node_named("t")->overflows);
    assert_near(link_named("p2")->roughness, 130.0);
    assert_near(link_named("p2")->length_m, 100.0 * FOOT);
    assert_int_equal(link_named("p2")->status, WATER_CLOSED);
    assert_near(link_named("p2")->leak_area_m2, 3e-4);
    assert_near(link_named("u")->setting, 0.9);
    assert_near(link_named("v")->setting, 200e3 / 9806.65);
    assert_int_equal(inp_plan->patterns[0].count, 3);
    assert_int_equal(inp_plan->control_count, 2);
    gm_model_close(model);
}

static void what_is_new_is_added(void **state)
{
    (void)state;
    gm_model *model =
        read_inp(NET, "{junctions: {n: {elevation: 3, demand: 1 l/s, pattern: night}}, "
                      "tanks: {s: {elevation: 9 m, level: 2 m, maximum: 4 m, "
                      "volume curve: [[0, 0], [4 m, 100 m3]]}}, "
                      "pipes: {q: {from: n, to: b, length: 50 m, diameter: 100 mm, roughness: 110, "
                      "check valve: true, minor loss: 2}}, "
                      "pumps: {w: {from: s, to: n, curve: [[10 l/s, 40 m]]}, "
                      "x: {from: s, to: n, power: 2 kW, pattern: day}}, "
                      "valves: {g: {from: n, to: c, kind: GPV, diameter: 0.1, "
                      "curve: [[0, 0], [10 l/s, 5 m]]}, "
                      "h: {from: n, to: c, kind: PCV, diameter: 0.1, setting: 40 %, "
                      "curve: [[0, 0], [50 %, 20 %], [1, 1]]}, "
                      "f: {from: n, to: c, kind: FCV, diameter: 0.1, setting: 5 l/s}}, "
                      "patterns: {night: [2]}}");
    const water_node *n = node_named("n"), *s = node_named("s");
    const water_link *w = link_named("w"), *g = link_named("g"), *h = link_named("h");
    const water_units *units = &inp_plan->units;
    assert_string_equal(inp_plan->patterns[n->demands->pattern].name, "night");
    const water_curve *curve = &inp_plan->curves[s->volume_curve];
    assert_near(curve->y[1] * units->volume_m3, 100.0);
    assert_near(curve->x[1] * units->length_m, 4.0);
    assert_true(link_named("q")->check_valve);
    assert_near(link_named("q")->minor_loss, 2.0);
    assert_int_equal(link_named("q")->status, WATER_OPEN);
    curve = &inp_plan->curves[w->head_curve];
    assert_near(curve->x[0] * units->flow_m3_s, 0.01);
    assert_near(curve->y[0] * units->length_m, 40.0);
    assert_near(w->setting, 1.0);
    assert_near(link_named("x")->power_w, 2000.0);
    assert_int_equal(g->status, WATER_OPEN);
    assert_near(inp_plan->curves[g->curve].y[1] * units->length_m, 5.0);
    assert_near(h->setting, 0.4);
    assert_near(inp_plan->curves[h->curve].y[1], 20.0);
    assert_int_equal(h->status, WATER_ACTIVE);
    assert_near(link_named("f")->setting, 0.005);
    gm_model_close(model);
}

static void a_pump_is_replaced(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET, "{pumps: {u: {power: 3 kW}}}");
    assert_int_equal(link_named("u")->head_curve, WATER_NONE);
    assert_near(link_named("u")->power_w, 3000.0);
    gm_model_close(model);
    model = read_inp(NET, "{pumps: {u: {curve: [[0, 50], [0.1, 10]]}}}");
    assert_int_equal(inp_plan->curves[link_named("u")->head_curve].count, 2);
    gm_model_close(model);
    model = read_inp(NET, "{valves: {v: {kind: TCV, setting: 12}}}");
    assert_near(link_named("v")->setting, 12.0);
    assert_int_equal(link_named("v")->valve, WATER_TCV);
    gm_model_close(model);
}

static void what_is_removed_takes_its_controls_along(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET, "{remove: [pipe/p2, pipe/p3, junction/b]}");
    assert_int_equal(inp_plan->node_count, 4);
    assert_int_equal(inp_plan->link_count, 4);
    assert_int_equal(gm_water_find_node(inp_plan, "b"), WATER_NONE);
    assert_int_equal(gm_water_find_link(inp_plan, "p2"), WATER_NONE);
    const water_link *p4 = link_named("p4");
    assert_string_equal(inp_plan->nodes[p4->from].name, "t");
    assert_string_equal(inp_plan->nodes[p4->to].name, "c");
    assert_int_equal(inp_plan->control_count, 1);
    assert_string_equal(inp_plan->nodes[inp_plan->controls[0].node].name, "t");
    assert_string_equal(inp_plan->links[inp_plan->controls[0].link].name, "u");
    assert_int_equal(inp_plan->rule_count, 0);
    assert_true(has_warning(model, "this control of 'p2' is not used"));
    assert_true(has_warning(model, "rule 'one' is not used"));
    gm_model_close(model);
    model = read_inp(NET, "{remove: [pipe/p4]}");
    assert_int_equal(inp_plan->rule_count, 1);
    assert_string_equal(inp_plan->links[inp_plan->rules[0].then[0].link].name, "p3");
    gm_model_close(model);
}

static void links_are_commanded_by_name(void **state)
{
    (void)state;
    gm_model *model = read_inp(NET, "{commanded: [pump/u, valve/v]}");
    assert_true(link_named("u")->commanded && link_named("v")->commanded);
    assert_false(link_named("p1")->commanded);
    gm_model_close(model);
}

static void options_and_times_are_given_in_si(void **state)
{
    (void)state;
    gm_model *model = read_inp(
        NET, "{options: {demand model: pressure-driven, minimum pressure: 1 m, "
             "required pressure: 200 kPa, accuracy: 1e-6, trials: 40, emitter backflow: false, "
             "default pattern: day, demand multiplier: 120 %, head error: 1 mm}, step: 5 min, "
             "pattern step: 30 min, rule step: 10 s, origin: 2026-01-31T00:00:00Z}");
    assert_true(inp_plan->pressure_driven);
    assert_near(inp_plan->minimum_pressure_m, 1.0);
    assert_near(inp_plan->required_pressure_m, 200e3 / 9806.65);
    assert_near(inp_plan->accuracy, 1e-6);
    assert_int_equal(inp_plan->trials, 40);
    assert_false(inp_plan->emitters_backflow);
    assert_int_equal(inp_plan->default_pattern, 0);
    assert_near(inp_plan->demand_multiplier, 1.2);
    assert_near(inp_plan->head_error_m, 0.001);
    assert_int_equal(inp_plan->step_s, 300);
    assert_int_equal(inp_plan->pattern_step_s, 1800);
    assert_int_equal(inp_plan->rule_step_s, 10);
    assert_int_equal(inp_plan->origin_ns, INT64_C(1769817600) * 1000000000);
    gm_model_close(model);
}

static void a_network_needs_no_file(void **state)
{
    (void)state;
    gm_model *model = read_inp(
        NULL, "{options: {headloss: Darcy-Weisbach}, reservoirs: {lake: {head: 50 m}}, "
              "junctions: {a: {elevation: 10 m, demand: 2 l/s}}, "
              "pipes: {p: {from: lake, to: a, length: 1 km, diameter: 200 mm, "
              "roughness: 0.1 mm}}, pumps: {u: {from: lake, to: a, curve: [[0.01, 20]]}}}");
    assert_int_equal(inp_plan->node_count, 2);
    assert_near(link_named("p")->roughness, 1e-4);
    assert_near(link_named("p")->length_m, 1000.0);
    assert_near(inp_plan->curves[0].x[0] * inp_plan->units.flow_m3_s, 0.01);
    assert_near(inp_plan->required_pressure_m, 0.1);
    gm_model_close(model);
}

static void names_are_those_of_addresses(void **state)
{
    (void)state;
    gm_model *model = read_inp("[JUNCTIONS]\na/b 1\n[RESERVOIRS]\nr 1\n[PIPES]\np/1 r a/b\n",
                               "{junctions: {a-b: {elevation: 2}}, commanded: [pipe/p-1]}");
    assert_near(node_named("a-b")->elevation_m, 2.0);
    assert_true(link_named("p-1")->commanded);
    gm_model_close(model);
}

static const struct {
    const char *over, *word;
} cases[] = {
    { "{junction: {}}", "test:1:2: unknown key 'junction'; did you mean 'junctions'?" },
    { "{junctions: [a]}", "expected a map from names" },
    { "{junctions: {a: 5}}", "expected a map that describes it" },
    { "{junctions: {a: {elevaton: 5}}}", "unknown key 'elevaton'; did you mean 'elevation'?" },
    { "{junctions: {a: {elevation: 5 kg}}}", "elevation" },
    { "{junctions: {n: {demand: 5}}}", "test:1:14: 'n' is new and needs `elevation`" },
    { "{junctions: {t: {elevation: 5}}}", "'t' is a tank, not a junction" },
    { "{junctions: {n: {elevation: 5}}}", "'n' is a junction without a link" },
    { "{junctions: {a: {pattern: dya}}}", "there is no pattern 'dya'; did you mean 'day'?" },
    { "{junctions: {a: {position: [1]}}}", "expected two numbers, got 1" },
    { "{junctions: {a: {emitter: -1}}}", "out of range" },
    { "{reservoirs: {s: {}}}", "'s' is new and needs `head`" },
    { "{tanks: {s: {elevation: 1, level: 1, maximum: 2}}}", "needs `diameter` or `volume curve`" },
    { "{tanks: {t: {level: 9}}}", "test:1:10: 't' has an initial level outside" },
    { "{tanks: {t: {volume curve: shape}}}", "there is no curve 'shape'" },
    { "{tanks: {t: {volume curve: [[0, 0], [0, 1]]}}}", "must increase" },
    { "{tanks: {t: {volume curve: []}}}", "a curve needs a point" },
    { "{pipes: {p5: {from: a}}}", "'p5' is new and needs `to`" },
    { "{pipes: {p1: {from: z}}}", "test:1:21: there is no node 'z'" },
    { "{pipes: {p1: {to: r}}}", "begins and ends at the same node" },
    { "{pipes: {p1: {length: 0}}}", "length: '0' is out of range" },
    { "{pipes: {p1: {roughness: -1}}}", "roughness: '-1' is out of range" },
    { "{pipes: {p1: {roughness: 1 mm}}}", "roughness" },
    { "{pipes: {p1: {status: active}}}", "status: expected open or closed" },
    { "{pipes: {p1: {status: shut}}}", "'shut' is not offered" },
    { "{pipes: {u: {length: 3}}}", "'u' is a pump, not a pipe" },
    { "{pumps: {u: {curve: lift, power: 3}}}", "a pump has a curve or a power, not both" },
    { "{pumps: {w: {from: r, to: b}}}", "'w' is a pump without a head curve or a power" },
    { "{pumps: {u: {curve: lfit}}}", "there is no curve 'lfit' (or expected a list of points)" },
    { "{pumps: {u: {curve: [[0, 5], [1, 9]]}}}", "is no head curve for pump 'u'" },
    { "{pumps: {u: {curve: [5, 9]}}}", "expected a list of two numbers, got a value" },
    { "{pumps: {u: {speed: -1}}}", "out of range" },
    { "{valves: {v: {kind: GPV}}}", "`curve` is missing" },
    { "{valves: {v: {kind: FCV}}}", "`setting` is missing" },
    { "{valves: {v: {kind: XYZ}}}", "'XYZ' is not offered" },
    { "{valves: {v: {setting: 5 kg}}}", "setting" },
    { "{valves: {v: {curve: lift}}}", "only a GPV or a PCV has a curve" },
    { "{valves: {w: {from: r, to: b, kind: PRV, diameter: 1, setting: 5}}}", "at a tank or res" },
    { "{patterns: {x: []}}", "a pattern has a name" },
    { "{patterns: {x: 5}}", "expected a list of factors" },
    { "{patterns: {x: [1, two]}}", "expected a number, got 'two'" },
    { "{remove: pipe/p1}", "expected a list such as" },
    { "{remove: [p1]}", "'p1': expected junction/NAME" },
    { "{remove: [pipe/p9]}", "there is no pipe 'p9'" },
    { "{remove: [pipe/u]}", "there is no pipe 'u'" },
    { "{remove: [junction/b]}", "'b' cannot be removed: links are still on it ('p2', 'p3')" },
    { "{remove: [pipe/p1, pipe/p2, pump/u, valve/v, junction/a, pipe/p4, tank/t, reservoir/r]}",
      "a network needs a reservoir or a tank" },
    { "{commanded: [junction/a]}", "a node cannot" },
    { "{commanded: [pump/q]}", "there is no pump 'q'" },
    { "{options: {headloss: Darcy-Weisbach}}", "the file's roughnesses are those of Hazen-" },
    { "{options: {headlos: x}}", "unknown key 'headlos'" },
    { "{options: {accuracy: 0}}", "out of range" },
    { "{options: {trials: 0}}", "out of range" },
    { "{options: {required pressure: 0}}", "must lie above the minimum one" },
    { "{options: {default pattern: x}}", "there is no pattern 'x'" },
    { "{step: 0 s}", "step: expected whole seconds" },
    { "{step: 500 ms}", "step: expected whole seconds" },
    { "{origin: noon}", "origin: expected a time such as" },
};

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    size_t missed = 0;
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_model *model = NULL;
        gm_error error = { 0 };
        gm_status status = try_inp(NET, cases[index].over, &model, &error);
        if (status != GM_INVALID || strstr(error.text, cases[index].word) == NULL) {
            print_error("%s: expected %s, got %s\n", cases[index].over, cases[index].word,
                        error.text);
            missed++;
        }
        gm_model_close(model);
    }
    assert_int_equal(missed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_given_keys_change),
        cmocka_unit_test(what_is_new_is_added),
        cmocka_unit_test(a_pump_is_replaced),
        cmocka_unit_test(what_is_removed_takes_its_controls_along),
        cmocka_unit_test(links_are_commanded_by_name),
        cmocka_unit_test(options_and_times_are_given_in_si),
        cmocka_unit_test(a_network_needs_no_file),
        cmocka_unit_test(names_are_those_of_addresses),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, open_inp, close_inp);
}
