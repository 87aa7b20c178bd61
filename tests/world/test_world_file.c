// World files become what they say: the design's example, tables, units, links, groups, sensors,
// estimates.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/world_fixture.h"
#include "world/world_units.h"

static const char incubator[] =
    "world: incubator\n"
    "cycle: 3 s\n"
    "lanes: 64\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 3 s, "
    "range: [-20, 80] }\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC, ahead: hold "
    "}\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W, ahead: hold }\n"
    "estimate:\n"
    "  states: [box/*/temperature]\n"
    "  parameters: { box/air-room/conductance: {spread: 20 %, drift: 5 %/day} }\n"
    "record: { box/*/temperature: 3 s }\n"
    "forecast: { fields: [box/air/temperature], every: 1 min, at: [1 min, 10 min, 30 min] }\n"
    "scenarios:\n"
    "  lid-open: { set: { box/air-room/conductance: { at: +5 min, times: 4 } }, for: 30 min }\n";

static void near(double got, double expected)
{
    if (!(fabs(got - expected) <= 1e-9 * fmax(1.0, fabs(expected)))) {
        fail_msg("got %.17g, expected %.17g", got, expected);
    }
}

static void check_address(const gm_world *world, gm_ref ref, const char *expected)
{
    char address[1024];
    gm_world_address(world, ref, address, sizeof address);
    assert_string_equal(address, expected);
}

static void the_designs_example_is_what_it_says(void **state)
{
    (void)state;
    gm_world *world = read_world(units, incubator, NULL);
    assert_non_null(world);
    assert_string_equal(gm_world_name(world), "incubator");
    assert_int_equal(world->cycle_ns, 3 * GM_SECOND_NS);
    assert_int_equal(world->lateness_ns, 30 * GM_SECOND_NS);
    assert_int_equal(world->lanes, 64);
    assert_int_equal(world->seed, 1);
    assert_int_equal(world->system_count, 1);
    assert_int_equal(world->group_count, 1);
    assert_int_equal(world->sensor_count, 3);

    const gm_world_sensor *t2 = &world->sensors[gm_world_find_sensor(world, "t2")];
    check_address(world, t2->ref, "box/node/air/temperature");
    assert_false(t2->is_driver);
    assert_string_equal(t2->from, "http");
    near(t2->to_si.factor, 1.0);
    near(t2->to_si.offset, 273.15);
    near(t2->noise, 0.1);
    near(t2->min, 253.15);
    near(t2->max, 353.15);
    assert_int_equal(t2->every_ns, 3 * GM_SECOND_NS);
    assert_int_equal(t2->column_count, 1);
    assert_string_equal(t2->columns[0], "t2");

    const gm_world_sensor *room = &world->sensors[gm_world_find_sensor(world, "room")];
    assert_true(room->is_driver);
    assert_int_equal(world->drivers[room->driver].ahead.kind, GM_RULE_HOLD);
    check_address(world, world->drivers[room->driver].ref, "box/node/room/temperature");

    const gm_world_sensor *heat = &world->sensors[gm_world_find_sensor(world, "heat")];
    assert_true(heat->is_driver);
    near(heat->to_si.factor, 125.0);
    near(heat->to_si.offset, 0.0);
    assert_int_equal(world->driver_count, 2);
    assert_false(world->past_ticks);
    assert_false(world->ahead_ticks);
    gm_world_close(world);
}

static void patterns_take_what_plays_the_role(void **state)
{
    (void)state;
    gm_world *world = read_world(units, incubator, NULL);
    assert_non_null(world);
    assert_int_equal(world->estimate_count,
                     3); // heater, air, and the conductance; the room is an input
    check_address(world, world->estimates[0].ref, "box/node/heater/temperature");
    check_address(world, world->estimates[1].ref, "box/node/air/temperature");
    const gm_world_estimate *conductance = &world->estimates[2];
    check_address(world, conductance->ref, "box/path/air-room/conductance");
    assert_int_equal(conductance->kind, GM_ESTIMATE_PARAMETER);
    assert_true(conductance->spread_relative);
    near(conductance->spread, 0.2);
    assert_true(conductance->drift_relative);
    near(conductance->drift * sqrt(86400.0), 0.05);
    assert_true(isnan(world->estimates[0].spread));
    assert_true(isnan(world->inflation));

    assert_int_equal(world->record_count, 3);
    assert_int_equal(world->forecast.ref_count, 1);
    assert_int_equal(world->forecast.lead_count, 3);
    assert_int_equal(world->forecast.leads_ns[2], 1800 * GM_SECOND_NS);
    assert_int_equal(world->forecast.every_ns, 60 * GM_SECOND_NS);

    const gm_scenario *lid = gm_world_find_scenario(world, "lid-open");
    assert_non_null(lid);
    assert_int_equal(lid->change_count, 1);
    assert_int_equal(lid->changes[0].kind, GM_CHANGE_TIMES);
    assert_int_equal(lid->changes[0].at_ns, 300 * GM_SECOND_NS);
    assert_int_equal(lid->horizon_ns, 1800 * GM_SECOND_NS);
    near(lid->changes[0].value, 4.0);
    gm_world_close(world);
}

static void a_table_repeats_a_map(void **state)
{
    (void)state;
    static const memory_file files[] = {
        { "rooms.csv", "id,capacity,links\nhall,250 J/K,hall\nkitchen,1.5 kJ/K,kitchen\n" }, { 0 }
    };
    gm_world *world = read_world(units,
                                 "world: house\n"
                                 "systems:\n"
                                 "  house:\n"
                                 "    model: thermal\n"
                                 "    nodes:\n"
                                 "      each: rooms.csv\n"
                                 "      $id.air: {capacity: $capacity}\n"
                                 "      $id.wall: {capacity: 9 kJ/K}\n"
                                 "    paths:\n"
                                 "      each: rooms.csv\n"
                                 "      \"${id}.air-${id}.wall\": {conductance: 2}\n"
                                 "sensors:\n"
                                 "  each: rooms.csv\n"
                                 "  t-$id: {field: house/$id.air/temperature, noise: 0.2 K}\n",
                                 files);
    assert_non_null(world);
    const gm_model *model = world->systems[0].model;
    assert_int_equal(gm_model_element_count(model, BOX_NODE), 4);
    size_t kitchen = gm_model_find_element(model, BOX_NODE, "kitchen.air");
    assert_int_not_equal(kitchen, SIZE_MAX);
    near(gm_model_initial_at(model, BOX_NODE, NODE_CAPACITY, kitchen), 1500.0);
    assert_int_not_equal(gm_model_find_element(model, BOX_PATH, "hall.air-hall.wall"), SIZE_MAX);
    assert_int_equal(world->sensor_count, 2);
    assert_int_not_equal(gm_world_find_sensor(world, "t-kitchen"), GM_NO_INDEX);
    gm_world_close(world);
}

static void an_error_in_a_table_names_its_row(void **state)
{
    (void)state;
    static const memory_file files[] = {
        { "rooms.csv", "id,capacity\nhall,250 J/K\nbath,-3 J/K\n" }, { 0 }
    };
    const char *text =
        "world: house\n"
        "systems: {h: {model: thermal, nodes: {each: rooms.csv, $id: {capacity: $capacity}}}}\n";
    gm_world *world = NULL;
    gm_error error = { 0 };
    assert_int_equal(read_world_bytes(units, text, strlen(text), files, &world, &error),
                     GM_INVALID);
    assert_non_null(strstr(error.text, "rooms.csv:3:6: "));
    assert_non_null(strstr(error.text, "capacity"));
}

static void tables_nest(void **state)
{
    (void)state;
    static const memory_file files[] = { { "houses.csv", "house,rooms\na,a.csv\nb,b.csv\n" },
                                         { "a.csv", "id;c\nx;1\ny;2\n" },
                                         { "b.csv", "id;c\nz;3\n" },
                                         { 0 } };
    gm_world *world = read_world(
        units,
        "world: street\n"
        "systems:\n"
        "  each: houses.csv\n"
        "  $house: {model: thermal, nodes: {each: $rooms, $house.$id: {capacity: $c}}}\n",
        files);
    assert_non_null(world);
    assert_int_equal(world->system_count, 2);
    assert_int_equal(gm_model_element_count(world->systems[0].model, BOX_NODE), 2);
    assert_int_not_equal(gm_model_find_element(world->systems[1].model, BOX_NODE, "b.z"), SIZE_MAX);
    gm_world_close(world);
}

static const char chain[] =
    "world: chain\n"
    "systems: {c: {model: tank}, b: {model: tank}, a: {model: tank}, d: {model: tank}}\n"
    "links:\n"
    "  c/inflow: b/drain\n"
    "  b/inflow: {from: a/drain, scale: 2, offset: 1 cm/s}\n";

static void undelayed_links_order_the_systems(void **state)
{
    (void)state;
    gm_world *world = read_world(units, chain, NULL);
    assert_non_null(world);
    assert_int_equal(world->order[0], 2); // a, then b, c; d is free and keeps its place in the file
    assert_int_equal(world->order[1], 1);
    assert_int_equal(world->order[2], 0);
    assert_int_equal(world->order[3], 3);
    assert_int_equal(world->link_count, 2);
    assert_int_equal(world->undelayed_count, 2);
    check_address(world, world->links[0].to, "b/tank/vessel/inflow"); // its target comes first
    near(world->links[0].factor, 2.0);
    near(world->links[0].offset, 0.01);
    assert_int_equal(world->group_count, 2);
    assert_int_equal(world->systems[0].group, world->systems[2].group);
    assert_int_not_equal(world->systems[0].group, world->systems[3].group);
    gm_world_close(world);
}

static void a_delayed_loop_is_a_world(void **state)
{
    (void)state;
    gm_world *world =
        read_world(units,
                   "world: loop\n"
                   "systems: {a: {model: tank}, b: {model: tank}}\n"
                   "links: {b/inflow: a/drain, a/inflow: {from: b/drain, delayed: true}}\n",
                   NULL);
    assert_non_null(world);
    assert_int_equal(world->undelayed_count, 1);
    assert_true(world->links[1].delayed);
    assert_int_equal(world->group_count, 1);
    assert_true(world->past_ticks);
    gm_world_close(world);
}

static void an_undelayed_loop_is_spelled_out(void **state)
{
    (void)state;
    const char *text = "world: loop\n"
                       "systems: {a: {model: tank}, b: {model: tank}, c: {model: tank}}\n"
                       "links:\n"
                       "  b/inflow: a/drain\n"
                       "  c/inflow: b/drain\n"
                       "  a/inflow: c/drain\n";
    gm_world *world = NULL;
    gm_error error = { 0 };
    assert_int_equal(read_world_bytes(units, text, strlen(text), NULL, &world, &error), GM_INVALID);
    assert_null(world);
    assert_non_null(strstr(error.text, "w.yaml:6:3: "));
    assert_non_null(strstr(error.text, "a/tank/vessel/inflow <- c/tank/vessel/drain"));
    assert_non_null(strstr(error.text, "c/tank/vessel/inflow <- b/tank/vessel/drain"));
    assert_non_null(strstr(error.text, "b/tank/vessel/inflow <- a/tank/vessel/drain"));
    assert_non_null(strstr(error.text, "delayed: true"));
}

static void sensors_convert_as_declared(void **state)
{
    (void)state;
    gm_world *world = read_world(
        units,
        "world: w\n"
        "systems: {a: {model: tank}, b: {model: tank}}\n"
        "profiles: {day: {unit: cm/s, day: {\"00:00\": 1}}}\n"
        "sensors:\n"
        "  level: {field: a/level, unit: cm, scale: 2, offset: 0.5 m, noise: 3, range: [0, 2 m], "
        "columns: [l1, l2]}\n"
        "  out: {field: a/drain, unit: mm/s, noise: 1 mm/s, delay: 2 s}\n"
        "  outlet: {field: a/outlet, unit: 1/min}\n"
        "  in: {field: a/inflow, from: csv, ahead: {profile: day}}\n"
        "  in-b: {field: b/inflow, ahead: {stochastic: {spread: 1 cm/s, time: 10 min}}}\n"
        "replay: {time: {column: stamp, unit: ms}, separator: \";\"}\n",
        NULL);
    assert_non_null(world);
    const gm_world_sensor *level = &world->sensors[0];
    near(level->to_si.factor, 0.02);
    near(level->to_si.offset, 0.5);
    near(level->noise, 0.06); // three raw counts
    near(level->min, 0.5);
    near(level->max, 2.0);
    assert_int_equal(level->column_count, 2);
    assert_string_equal(level->columns[1], "l2");
    assert_int_equal(world->sensors[1].delay_ns, 2 * GM_SECOND_NS);
    assert_true(world->sensors[2].is_driver);
    assert_int_equal(world->sensors[2].driver, GM_NO_INDEX);
    near(world->sensors[2].to_si.factor, 1.0 / 60.0);
    const gm_world_rule *ahead = &world->drivers[world->sensors[3].driver].ahead;
    assert_int_equal(ahead->kind, GM_RULE_PROFILE);
    near(ahead->factor, 0.01);
    const gm_world_rule *random = &world->drivers[world->sensors[4].driver].ahead;
    assert_int_equal(random->kind, GM_RULE_STOCHASTIC);
    near(random->spread, 0.01);
    near(random->time_s, 600.0);
    assert_int_equal(world->stochastic_count, 1);
    assert_true(world->ahead_ticks);
    assert_false(world->past_ticks);
    assert_int_equal(world->replay.unit, GM_TIME_MS);
    assert_int_equal(world->replay.separator, ';');
    assert_string_equal(world->replay.time_column, "stamp");
    gm_world_close(world);
}

static void later_entries_replace_earlier_ones(void **state)
{
    (void)state;
    gm_world *world = read_world(
        units,
        "world: w\n"
        "systems: {a: {model: tank}, b: {model: tank}}\n"
        "estimate:\n"
        "  states: { \"*/level\": {spread: 1 m, drift: 1 cm/h}, b/level: {spread: 2 cm} }\n"
        "  parameters: { \"*/outlet\": {spread: 0.01 1/s} }\n"
        "  inflation: 1.05\n"
        "record: { \"*/*\": 1 min, b/level: 2 s }\n",
        NULL);
    assert_non_null(world);
    assert_int_equal(world->estimate_count, 4);
    near(world->estimates[0].spread, 1.0);
    near(world->estimates[0].drift, 0.01 / 60.0);
    near(world->estimates[1].spread, 0.02);
    near(world->estimates[1].drift, 0.0);
    assert_false(world->estimates[2].spread_relative);
    near(world->inflation, 1.05);
    assert_int_equal(world->record_count, 8);
    for (size_t index = 0; index < world->record_count; index++) {
        bool level =
            world->records[index].ref.system == 1 && world->records[index].ref.field == TANK_LEVEL;
        assert_int_equal(world->records[index].every_ns, (level ? 2 : 60) * GM_SECOND_NS);
    }
    gm_world_close(world);
}

static void a_filter_is_one_for_all_or_one_for_each_group(void **state)
{
    (void)state;
    gm_world *world = read_world(units,
                                 "world: w\n"
                                 "systems: {a: {model: tank}, b: {model: tank}}\n"
                                 "estimate: {filter: {kind: particles, jitter: 0.5}}\n",
                                 NULL);
    assert_non_null(world);
    assert_int_equal(world->group_count, 2);
    for (size_t group = 0; group < 2; group++) {
        assert_int_equal(world->filters[group].kind, GM_FILTER_PARTICLES);
        near(world->filters[group].jitter, 0.5);
        near(world->filters[group].discount, 0.98);
    }
    gm_world_close(world);
    world = read_world(units,
                       "world: w\n"
                       "systems: {a: {model: tank}, b: {model: tank}}\n"
                       "estimate:\n"
                       "  states: { \"*/level\": {floor: 1 cm} }\n"
                       "  filter: {b: {kind: local, radius: 3 km}}\n"
                       "  inflation: adaptive\n"
                       "  noise: learned\n",
                       NULL);
    assert_non_null(world);
    assert_int_equal(world->filters[world->systems[0].group].kind, GM_FILTER_AUTO);
    const gm_world_filter *filter = &world->filters[world->systems[1].group];
    assert_int_equal(filter->kind, GM_FILTER_LOCAL);
    near(filter->radius_m, 3000.0);
    assert_true(isnan(world->inflation) && world->inflation_adapts && world->noise_learned);
    near(world->estimates[0].floor, 0.01);
    gm_world_close(world);
}

static void json_is_read_as_a_scenario(void **state)
{
    (void)state;
    gm_world *world = read_world(units, incubator, NULL);
    assert_non_null(world);
    static const char json[] =
        "{\"set\": {\"box/heater/power\": [{\"at\": \"+1 min\", \"to\": \"40 W\", \"for\": \"2 "
        "min\"},"
        " {\"at\": \"30 s\", \"add\": 5}], \"box/room/temperature\": \"25 degC\","
        " \"box/air-room/conductance\": {\"ramp\": {\"to\": 3, \"over\": \"10 min\"}}}, \"for\": "
        "\"1 h\"}";
    gm_scenario *scenario = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_scenario_read(world, json, sizeof json - 1, &scenario, &error), GM_OK);
    assert_int_equal(scenario->change_count, 4);
    near(scenario->changes[0].value, 298.15);
    assert_int_equal(scenario->changes[1].kind, GM_CHANGE_RAMP);
    assert_int_equal(scenario->changes[2].at_ns, 30 * GM_SECOND_NS);
    assert_int_equal(scenario->changes[3].for_ns, 120 * GM_SECOND_NS);
    assert_int_equal(scenario->horizon_ns, 3600 * GM_SECOND_NS);
    gm_scenario_close(scenario);

    static const char wrong[] = "{\"set\": {\"box/heater/powr\": \"40 W\"}}";
    assert_int_equal(gm_scenario_read(world, wrong, sizeof wrong - 1, &scenario, &error),
                     GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "did you mean 'power'?"));
    gm_world_close(world);
}

static void addresses_are_found_and_spelled(void **state)
{
    (void)state;
    gm_world *world = read_world(units, incubator, NULL);
    assert_non_null(world);
    gm_error error = { 0 };
    static const struct {
        const char *pattern;
        size_t count;
    } cases[] = {
        { "box/air/temperature", 1 },
        { "box/node/air/temperature", 1 },
        { "box/*/temperature", 3 },
        { "box/a*/temperature", 1 },
        { "*/*/*/*", 13 },
        { "b*x/path/*-room/flow", 1 },
        { "box/*a*r*/conductance", 2 },
        { "box/node/*/*", 9 },
        { "box/heater/*", 3 },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_ref *refs = NULL;
        size_t count = 0;
        gm_status status =
            gm_world_find(world, cases[index].pattern, (gm_place){ 0 }, &refs, &count, &error);
        if (status != GM_OK || count != cases[index].count) {
            fail_msg("%s: %zu, %s", cases[index].pattern, count, error.text);
        }
        gm_memory_free(refs);
    }
    gm_ref ref;
    assert_int_equal(gm_world_find_one(world, "box/*/temperature", (gm_place){ 0 }, &ref, &error),
                     GM_INVALID);
    assert_int_equal(gm_world_find_one(world, "bix/air/temperature", (gm_place){ 0 }, &ref, &error),
                     GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "did you mean 'box'?"));
    assert_int_equal(gm_world_find_one(world, "box/iar/temperature", (gm_place){ 0 }, &ref, &error),
                     GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "did you mean 'air'?"));
    char small[8];
    assert_int_equal(gm_world_find_one(world, "box/air/power", (gm_place){ 0 }, &ref, &error),
                     GM_OK);
    assert_int_equal(gm_world_address(world, ref, small, sizeof small),
                     strlen("box/node/air/power"));
    assert_string_equal(small, "box/nod");
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_designs_example_is_what_it_says),
        cmocka_unit_test(patterns_take_what_plays_the_role),
        cmocka_unit_test(a_table_repeats_a_map),
        cmocka_unit_test(an_error_in_a_table_names_its_row),
        cmocka_unit_test(tables_nest),
        cmocka_unit_test(undelayed_links_order_the_systems),
        cmocka_unit_test(a_delayed_loop_is_a_world),
        cmocka_unit_test(an_undelayed_loop_is_spelled_out),
        cmocka_unit_test(sensors_convert_as_declared),
        cmocka_unit_test(later_entries_replace_earlier_ones),
        cmocka_unit_test(a_filter_is_one_for_all_or_one_for_each_group),
        cmocka_unit_test(json_is_read_as_a_scenario),
        cmocka_unit_test(addresses_are_found_and_spelled),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
