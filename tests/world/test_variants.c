// Variants: a structure merged into a world gives the world that would have been written so, and a
// state that goes on in it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/pipe_domain.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

enum { LANES = 11 };

static const gm_domain *const domains[] = { &pipe_domain, &box_domain, &tank_domain };

static const memory_file files[] = { { "town.pip", "main 0.25\nside 0.5\n[QUALITY]\n" }, { 0 } };

// Two systems of pipes, one of them with a native file; boxes with drivers that draw.
#define TOWN_HEAD                                                                                  \
    "world: town\nlanes: 11\ncycle: 60 s\nsystems:\n"                                              \
    "  town:\n    model: pipes\n    network: town.pip\n"
#define BOX_NODES                                                                                  \
    "  box:\n    model: thermal\n"                                                                 \
    "    nodes: {a: {capacity: 90}, b: {capacity: 200}, c: {capacity: 150}}\n"
#define TOWN_TAIL                                                                                  \
    "sensors:\n"                                                                                   \
    "  f: {field: town/pipe/side/flow, noise: 0.1}\n"                                              \
    "  p: {field: town/pipe/side/volume, noise: 0.1}\n"                                            \
    "drivers:\n"                                                                                   \
    "  box/a/power: {ahead: {stochastic: {spread: 5, time: 10 min}}}\n"                            \
    "  box/b/power: {ahead: {stochastic: {spread: 3, time: 5 min}}}\n"                             \
    "  box/c/power: {ahead: {stochastic: {mean: 1, spread: 3, time: 5 min}}}\n"                    \
    "record: {\"*/*/*\": 1 min}\n"

static const char town[] =
    TOWN_HEAD BOX_NODES "    paths: {a-b: {conductance: 2}, b-c: {conductance: 1}}\n" TOWN_TAIL;

static gm_world *read_town(const char *text)
{
    gm_world_options options = { .units = units,
                                 .domains = domains,
                                 .domain_count = 3,
                                 .files = { (void *)(uintptr_t)files, read_memory } };
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_read("w.yaml", text, strlen(text), &options, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static gm_scenario *read_scenario(const gm_world *world, const char *text)
{
    gm_scenario *scenario = NULL;
    gm_error error = { 0 };
    if (gm_scenario_read(world, text, strlen(text), &scenario, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return scenario;
}

static gm_ref ref_of(const gm_world *world, const char *address)
{
    gm_ref ref = { 0 };
    gm_error error = { 0 };
    if (gm_world_find_one(world, address, (gm_place){ 0 }, &ref, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return ref;
}

static void read_lanes(const gm_world *world, const gm_state *state, const char *address,
                       double values[LANES])
{
    assert_int_equal(gm_state_read(state, ref_of(world, address), values, NULL), GM_OK);
}

static void advance(const gm_world *world, gm_state *state, int64_t by_s)
{
    gm_world_work *work = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_world_work_create(world, LANES, &work, &error), GM_OK);
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD, .work = work };
    int64_t until_ns = gm_state_time(state) + by_s * GM_SECOND_NS;
    if (gm_world_advance(world, state, &options, until_ns, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    gm_world_work_close(work);
}

// A state in the middle of its life, another one in every lane.
typedef struct rig {
    gm_world *world;
    gm_layout *layout;
    gm_state *state;
} rig;

static rig open_rig(const char *text)
{
    rig made = { .world = read_town(text) };
    double shares[LANES];
    assert_int_equal(gm_world_layout(made.world, LANES, NULL, 0, &made.layout, NULL), GM_OK);
    assert_int_equal(gm_state_create(made.layout, 0, &made.state, NULL), GM_OK);
    for (int lane = 0; lane < LANES; lane++) {
        shares[lane] = 0.25 + 0.01 * lane;
    }
    gm_ref ref = ref_of(made.world, "town/pipe/main/share");
    assert_int_equal(gm_state_write(made.state, ref, shares, NULL), GM_OK);
    assert_int_equal(gm_state_changed(made.state, ref.system, NULL), GM_OK);
    advance(made.world, made.state, 930);
    return made;
}

static void close_rig(rig *done)
{
    gm_state_close(done->state);
    gm_layout_close(done->layout);
    gm_world_close(done->world);
}

static gm_state *fork_into(const rig *from, const gm_scenario *scenario, gm_layout **layout)
{
    gm_state *state = NULL;
    gm_error error = { 0 };
    if (gm_scenario_fork(from->world, scenario, from->state, layout, &state, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return state;
}

static void an_empty_structure_changes_no_bit(void **state)
{
    (void)state;
    static const char *const texts[] = { "{structure: {}}", "{structure: {box: {}, town: {}}}" };
    rig made = open_rig(town);
    for (size_t index = 0; index < 2; index++) {
        gm_scenario *scenario = read_scenario(made.world, texts[index]);
        assert_non_null(scenario->variant);
        gm_layout *layout = NULL;
        gm_state *other = fork_into(&made, scenario, &layout), *plain = NULL;
        assert_int_equal(gm_state_fork(made.state, &plain, NULL), GM_OK);
        assert_true(gm_state_hash(other) == gm_state_hash(plain));
        advance(scenario->variant, other, 3600);
        advance(made.world, plain, 3600);
        assert_true(gm_state_hash(other) == gm_state_hash(plain));
        gm_state_close(plain);
        gm_state_close(other);
        gm_layout_close(layout);
        gm_scenario_close(scenario);
    }
    close_rig(&made);
}

static void a_structure_is_the_world_written_so(void **state)
{
    (void)state;
    static const char written[] = TOWN_HEAD
        "    pipes: {new: {share: 0.125}}\n    remove: [side]\n"
        "  box:\n    model: thermal\n"
        "    nodes: {a: {capacity: 90}, b: {capacity: 200}, c: {capacity: 150}, d: {capacity: 7}}\n"
        "    paths: {a-b: {conductance: 2}, c-d: {conductance: 4}}\n"
        "drivers:\n"
        "  box/a/power: {ahead: {stochastic: {spread: 5, time: 10 min}}}\n"
        "  box/b/power: {ahead: {stochastic: {spread: 3, time: 5 min}}}\n"
        "  box/c/power: {ahead: {stochastic: {mean: 1, spread: 3, time: 5 min}}}\n";
    rig made = open_rig(town);
    gm_scenario *scenario = read_scenario(
        made.world,
        "structure:\n"
        "  town: {remove: [side], pipes: {new: {share: 0.125}}}\n"
        "  box: {nodes: {d: {capacity: 7}}, paths: {b-c: none, c-d: {conductance: 4}}}\n");
    gm_layout *layout = NULL, *other_layout = NULL;
    gm_state *varied = fork_into(&made, scenario, &layout), *other = NULL;
    gm_world *world = read_town(written);
    assert_int_equal(gm_world_layout(world, LANES, NULL, 0, &other_layout, NULL), GM_OK);
    assert_int_equal(gm_state_create(other_layout, 0, &other, NULL), GM_OK);
    assert_int_equal(gm_state_transfer(made.state, other, NULL), GM_OK);
    assert_true(gm_state_hash(varied) == gm_state_hash(other));
    advance(scenario->variant, varied, 1800);
    advance(world, other, 1800);
    assert_true(gm_state_hash(varied) == gm_state_hash(other));
    double shares[LANES], volumes[LANES], before[LANES];
    read_lanes(scenario->variant, varied, "town/pipe/main/share", shares);
    read_lanes(scenario->variant, varied, "town/pipe/main/volume", volumes);
    read_lanes(made.world, made.state, "town/pipe/main/volume", before);
    for (int lane = 0; lane < LANES; lane++) {
        assert_true(shares[lane] == 0.25 + 0.01 * lane); // as estimated, not as built
        assert_true(volumes[lane] > before[lane]);
    }
    gm_state_close(other);
    gm_layout_close(other_layout);
    gm_world_close(world);
    gm_state_close(varied);
    gm_layout_close(layout);
    gm_scenario_close(scenario);
    close_rig(&made);
}

static void what_the_structure_names_is_as_it_says(void **state)
{
    (void)state;
    rig made = open_rig(town);
    gm_scenario *scenario =
        read_scenario(made.world, "{structure: {town: {pipes: {main: {share: 0.75}}}, "
                                  "box: {paths: {a-b: {conductance: 9}}}}}");
    gm_layout *layout = NULL;
    gm_state *other = fork_into(&made, scenario, &layout);
    double values[LANES], before[LANES];
    read_lanes(scenario->variant, other, "town/pipe/main/share", values);
    assert_true(values[0] == 0.75 && values[LANES - 1] == 0.75);
    read_lanes(scenario->variant, other, "box/a-b/conductance", values);
    assert_true(values[3] == 9.0);
    // what it does not speak of goes on
    read_lanes(scenario->variant, other, "box/b-c/conductance", values);
    assert_true(values[3] == 1.0);
    read_lanes(scenario->variant, other, "town/pipe/main/volume", values);
    read_lanes(made.world, made.state, "town/pipe/main/volume", before);
    assert_memory_equal(values, before, sizeof before);
    gm_state_close(other);
    gm_layout_close(layout);
    gm_scenario_close(scenario);
    close_rig(&made);
}

static void drivers_draw_the_same_numbers_in_another_structure(void **state)
{
    (void)state;
    rig made = open_rig(town);
    // `a` with its driver goes: the numbers and the memory of the drivers behind it stay theirs
    gm_scenario *scenario =
        read_scenario(made.world, "{structure: {box: {nodes: {a: none}, paths: {a-b: none}}}}");
    assert_int_equal(scenario->variant->driver_count, 2);
    gm_layout *layout = NULL;
    gm_state *other = fork_into(&made, scenario, &layout), *plain = NULL;
    assert_int_equal(gm_state_fork(made.state, &plain, NULL), GM_OK);
    advance(scenario->variant, other, 1800);
    advance(made.world, plain, 1800);
    static const char *const inputs[] = { "box/b/power", "box/c/power" };
    for (size_t index = 0; index < 2; index++) {
        double values[LANES], expected[LANES];
        read_lanes(scenario->variant, other, inputs[index], values);
        read_lanes(made.world, plain, inputs[index], expected);
        assert_memory_equal(values, expected, sizeof expected);
        assert_true(expected[0] != expected[1]);
    }
    gm_state_close(plain);
    gm_state_close(other);
    gm_layout_close(layout);
    gm_scenario_close(scenario);
    close_rig(&made);
}

static void what_does_not_fit_is_left_out_with_a_warning(void **state)
{
    (void)state;
    gm_world *world = read_town(town);
    gm_scenario *scenario = read_scenario(world, "{structure: {town: {remove: [side]}}}");
    const gm_world *variant = scenario->variant;
    assert_int_equal(variant->sensor_count, 0);
    assert_int_equal(world->sensor_count, 2);
    assert_int_equal(gm_world_warning_count(world), 1);
    assert_int_equal(gm_world_warning_count(variant), 3);
    assert_string_equal(gm_world_warning_at(variant, 0), gm_world_warning_at(world, 0));
    assert_non_null(strstr(gm_world_warning_at(variant, 1), "w.yaml:13:14: "));
    assert_non_null(strstr(gm_world_warning_at(variant, 1), "there is no element 'side'"));
    assert_non_null(strstr(gm_world_warning_at(variant, 1), "(left out of this structure)"));
    assert_int_equal(variant->driver_count, 3);
    gm_scenario_close(scenario);
    gm_world_close(world);
}

static void a_scenario_of_the_file_has_its_own_structure(void **state)
{
    (void)state;
    gm_string text = { 0 };
    gm_string_format(&text,
                     "%sscenarios:\n  new-main:\n    structure: { town: { pipes: { new: "
                     "{share: 0.1} } } }\n    set: { town/new/share: 0.2, box/*/power: 3 }\n"
                     "    for: 1 h\n",
                     town);
    gm_world *world = read_town(text.data);
    const gm_scenario *scenario = gm_world_find_scenario(world, "new-main");
    assert_non_null(scenario);
    assert_int_equal(scenario->change_count, 4);
    gm_ref ref = ref_of(scenario->variant, "town/new/share");
    assert_memory_equal(&ref, &scenario->changes[0].ref, sizeof ref);
    assert_int_equal(gm_world_find_one(world, "town/new/share", (gm_place){ 0 }, &ref, NULL),
                     GM_NOT_FOUND);
    assert_int_equal(scenario->variant->scenario_count, 0);
    gm_world_close(world);
    gm_string_free(&text);
}

static void refuse(const gm_world *world, const char *text, gm_status expected, const char *why)
{
    gm_scenario *scenario = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_scenario_read(world, text, strlen(text), &scenario, &error), expected);
    if (strstr(error.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", error.text, why);
    }
    assert_null(scenario);
    assert_int_equal(gm_scenario_read(world, text, strlen(text), &scenario, NULL), expected);
}

static void a_structure_that_cannot_be_built_is_refused(void **state)
{
    (void)state;
    gm_world *world = read_town(town);
    refuse(world, "{structure: {twon: {remove: [side]}}}", GM_NOT_FOUND,
           "1:14: structure: there is no system 'twon'; did you mean 'town'?");
    refuse(world, "{structure: [town]}", GM_INVALID, "expected a map of systems");
    refuse(world, "{structure: {town: none}}", GM_INVALID, "built otherwise");
    refuse(world, "{structure: {town: {remove: [side, main]}}}", GM_INVALID,
           "line 1:2: structure: a network without pipes");
    refuse(world, "{structure: {town: {pipes: {new: {share: 3}}}}}", GM_INVALID, "out of range");
    refuse(world, "{structure: {town: {piles: {}}}}", GM_INVALID, "did you mean 'pipes'");
    refuse(world, "{structure: {box: {paths: {a-b: none, x-y: none}}}}", GM_NOT_FOUND,
           "there is no 'x-y' that could be taken away");
    refuse(world, "{structure: {box: {nodes: {a: none}}}}", GM_INVALID, "joins an unknown node");
    refuse(world, "{structure: {town: {network: other.pip}}}", GM_NOT_FOUND,
           "'other.pip' is not among the files");
    refuse(world, "{structure: {town: {remove: [side]}}, set: {town/side/share: 0.1}}",
           GM_NOT_FOUND, "there is no element 'side'");
    refuse(world, "{structure: {town: {model: none}}}", GM_INVALID, "`model` is missing");
    gm_world_close(world);
}

static void an_error_in_the_file_names_the_patch(void **state)
{
    (void)state;
    static const char *const patches[][2] = {
        { "pipes: {new: {share: 3}}", "w.yaml:22:45: share: '3' is out of range" },
        { "remove: [side, main]", "w.yaml:22:5: structure: a network without pipes" },
        { "pipes: {new: {}}", "w.yaml:22:" },
    };
    for (size_t index = 0; index < 3; index++) {
        gm_string text = { 0 };
        gm_string_format(&text, "%sscenarios:\n  x:\n    structure: {town: {%s}}\n    for: 1 h\n",
                         town, patches[index][0]);
        gm_world_options options = { .units = units,
                                     .domains = domains,
                                     .domain_count = 3,
                                     .files = { (void *)(uintptr_t)files, read_memory } };
        gm_world *world = NULL;
        gm_error error = { 0 };
        assert_int_equal(gm_world_read("w.yaml", text.data, text.size, &options, &world, &error),
                         GM_INVALID);
        if (strstr(error.text, patches[index][1]) != error.text) {
            fail_msg("'%s' does not begin '%s'", error.text, patches[index][1]);
        }
        gm_string_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_structure_changes_no_bit),
        cmocka_unit_test(a_structure_is_the_world_written_so),
        cmocka_unit_test(what_the_structure_names_is_as_it_says),
        cmocka_unit_test(drivers_draw_the_same_numbers_in_another_structure),
        cmocka_unit_test(what_does_not_fit_is_left_out_with_a_warning),
        cmocka_unit_test(a_scenario_of_the_file_has_its_own_structure),
        cmocka_unit_test(a_structure_that_cannot_be_built_is_refused),
        cmocka_unit_test(an_error_in_the_file_names_the_patch),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
