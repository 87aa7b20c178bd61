// What-ifs: two futures of one state under common random numbers, of one structure or two.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/domains.h"
#include "study/what_if.h"
#include "world/pipe_domain.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

enum { LANES = 13, POINTS = 6 };

// The pipes of the test and the thermal networks of the program, and a second set of pipes that the
// first one feeds.
static const char plant[] =
    "world: plant\nlanes: 13\ncycle: 60 s\n"
    "systems:\n"
    "  town: {model: pipes, pipes: {main: {share: 0.25}, side: {share: 0.5}}}\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: {heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true}}\n"
    "    paths: {heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K}}\n"
    "  drain: {model: pipes, pipes: {out: {share: 0.5}}}\n"
    "links: {drain/well/gives: {from: town/main/flow, delayed: true}}\n"
    "drivers: {town/well/gives: {ahead: {stochastic: {spread: 0.1, time: 10 min}}}}\n"
    "record: {box/air/temperature: 1 min}\n";

static const char box_alone[] =
    "world: box\nlanes: 13\ncycle: 60 s\n"
    "systems:\n"
    "  town: {model: pipes, pipes: {main: {share: 0.25}, side: {share: 0.5}}}\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: {heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true}}\n"
    "    paths: {heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K}}\n"
    "drivers: {town/well/gives: {ahead: {stochastic: {spread: 0.1, time: 10 min}}}}\n"
    "record: {box/air/temperature: 1 min}\n";

// A tank filled by a pump that its level switches, and demands by the hour.
static const char network[] = "[JUNCTIONS]\n"
                              "a 10 0\n"
                              "b 12 8 day\n"
                              "c 11 5 day\n"
                              "[RESERVOIRS]\nlake 0\n"
                              "[TANKS]\nhill 40 3 0 6 9 0\n"
                              "[PIPES]\n"
                              "p1 a b 800 200 110 0 Open\n"
                              "p2 b c 600 150 110 0 Open\n"
                              "p3 c hill 900 200 110 0 Open\n"
                              "p4 a c 1200 150 110 0 Open\n"
                              "[PUMPS]\nlift lake a HEAD curve\n"
                              "[CURVES]\ncurve 25 60\n"
                              "[PATTERNS]\n"
                              "day 0.5 0.4 0.6 1.4 1.8 1.2 1.0 0.9 1.1 1.6 1.3 0.7\n"
                              "[CONTROLS]\n"
                              "LINK lift CLOSED IF NODE hill ABOVE 5.5\n"
                              "LINK lift OPEN IF NODE hill BELOW 2.5\n"
                              "[TIMES]\nDuration 48:00\nPattern Timestep 2:00\n"
                              "[OPTIONS]\nUnits LPS\nHeadloss H-W\n"
                              "[END]\n";

static const memory_file files[] = { { "town.inp", network }, { 0 } };

static const char town[] = "world: town\nlanes: 13\ncycle: 5 min\n"
                           "systems: {town: {model: water, network: town.inp}}\n"
                           "record: {town/hill/level: 5 min}\n";

typedef struct rig {
    gm_world *world;
    gm_layout *layout;
    gm_state *state;
} rig;

static gm_world *must_read(const char *text)
{
    const gm_domain *domains[GM_DOMAINS_MAX] = { &pipe_domain };
    size_t count = 0;
    const gm_domain *const *own = gm_domains(&count);
    for (size_t index = 0; index < count; index++) {
        domains[index + 1] = own[index];
    }
    gm_world_options options = { .units = units,
                                 .domains = domains,
                                 .domain_count = count + 1,
                                 .files = { (void *)(uintptr_t)files, read_memory } };
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_read("w.yaml", text, strlen(text), &options, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static gm_ref ref_of(const gm_world *world, const char *address)
{
    gm_ref ref = { 0 };
    assert_int_equal(gm_world_find_one(world, address, (gm_place){ 0 }, &ref, NULL), GM_OK);
    return ref;
}

// Every lane its own, and a while into its life.
static rig open_rig_at(const char *text, const char *spread, double first, int64_t at_s)
{
    rig made = { .world = must_read(text) };
    gm_world_work *work = NULL;
    assert_int_equal(gm_world_layout(made.world, 0, NULL, 0, &made.layout, NULL), GM_OK);
    assert_int_equal(gm_state_create(made.layout, 0, &made.state, NULL), GM_OK);
    double values[LANES];
    for (int lane = 0; lane < LANES; lane++) {
        values[lane] = first * (1.0 + lane / 300.0);
    }
    gm_ref ref = ref_of(made.world, spread);
    assert_int_equal(gm_state_write(made.state, ref, values, NULL), GM_OK);
    assert_int_equal(gm_world_work_create(made.world, LANES, &work, NULL), GM_OK);
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD, .work = work };
    assert_int_equal(gm_world_advance(made.world, made.state, &options, at_s * GM_SECOND_NS, NULL),
                     GM_OK);
    gm_world_work_close(work);
    return made;
}

static rig open_rig(const char *text)
{
    return open_rig_at(text, "box/air/temperature", 300.0, 330);
}

static void close_rig(rig *done)
{
    gm_state_close(done->state);
    gm_layout_close(done->layout);
    gm_world_close(done->world);
}

// One question, asked to the end.
typedef struct asked {
    gm_scenario *scenario;
    gm_what_if_fields fields;
    gm_what_if_answer answer;
    size_t points; // of the answer, the start included
} asked;

static asked ask(const rig *from, const char *text, const char *pattern, gm_workers *workers)
{
    asked made = { .points = POINTS + 1 };
    gm_error error = { 0 };
    gm_status status = gm_scenario_read(from->world, text, strlen(text), &made.scenario, &error);
    made.fields.world = from->world;
    made.fields.scenario = made.scenario;
    if (status == GM_OK) {
        status = gm_what_if_fields_add(&made.fields, pattern, &error);
    }
    if (status == GM_OK) {
        status = gm_what_if_fields_finish(&made.fields, &error);
    }
    if (status == GM_OK) {
        gm_what_if question = { .world = from->world,
                                .state = from->state,
                                .scenario = made.scenario,
                                .refs = made.fields.refs,
                                .ref_count = made.fields.ref_count,
                                .points = POINTS,
                                .workers = workers };
        status = gm_what_if_run(&question, &made.answer, &error);
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    return made;
}

static void forget(asked *done)
{
    gm_what_if_answer_free(&done->answer);
    gm_what_if_fields_free(&done->fields);
    gm_scenario_close(done->scenario);
}

static void must_equal(const asked *one, const asked *other)
{
    size_t size = one->answer.ref_count * one->answer.time_count * sizeof(gm_summary);
    assert_int_equal(one->answer.ref_count, other->answer.ref_count);
    assert_memory_equal(one->answer.base, other->answer.base, size);
    assert_memory_equal(one->answer.what_if, other->answer.what_if, size);
    assert_memory_equal(one->answer.difference, other->answer.difference, size);
}

static void an_empty_structure_gives_the_same_answer(void **state)
{
    (void)state;
    rig made = open_rig(plant);
    gm_workers *workers = NULL;
    assert_int_equal(gm_workers_create(3, &workers, NULL), GM_OK);
    static const char set[] =
        "set: {town/main/share: {at: 10 min, times: 2}, box/room/temperature: "
        "280 K}, for: 1 h}";
    static const char *const structures[] = { "structure: {}, ",
                                              "structure: {town: {}, box: {}}, " };
    char text[512];
    snprintf(text, sizeof text, "{%s", set);
    asked plain = ask(&made, text, "*/*/*/*", NULL);
    for (size_t index = 0; index < 2; index++) {
        snprintf(text, sizeof text, "{%s%s", structures[index], set);
        asked varied = ask(&made, text, "*/*/*/*", index == 0 ? NULL : workers);
        must_equal(&plain, &varied);
        forget(&varied);
    }
    forget(&plain);
    gm_workers_close(workers);
    close_rig(&made);
}

static void the_first_row_shows_what_changes_at_once(void **state)
{
    (void)state;
    rig made = open_rig(plant);
    uint64_t before = gm_state_hash(made.state);
    asked question = ask(
        &made, "{set: {town/well/gives: 3, box/air-room/conductance: {at: 1 s, to: 2}}, for: 1 h}",
        "town/side/flow", NULL);
    assert_true(question.answer.what_if[0].mean == 1.5);
    assert_true(question.answer.what_if[POINTS].mean == 1.5); // and holds against the driver
    assert_true(question.answer.difference[0].mean == 1.5 - question.answer.base[0].mean);
    forget(&question);
    assert_true(gm_state_hash(made.state) == before);
    // what changes nothing shows no difference in any lane
    question = ask(&made, "{for: 1 h}", "*/*/*/*", NULL);
    for (size_t row = 0; row < question.answer.ref_count * question.points; row++) {
        assert_true(question.answer.difference[row].mean == 0.0);
        assert_true(question.answer.difference[row].q95 == 0.0);
    }
    forget(&question);
    close_rig(&made);
}

static void a_path_that_is_gone_conducts_nothing(void **state)
{
    (void)state;
    rig made = open_rig(box_alone);
    asked gone = ask(&made, "{structure: {box: {paths: {air-room: none}}}, for: 1 h}",
                     "box/*/temperature", NULL);
    asked shut =
        ask(&made, "{set: {box/air-room/conductance: 0}, for: 1 h}", "box/*/temperature", NULL);
    assert_int_equal(gone.answer.ref_count, 3);
    for (size_t row = 0; row < 3 * gone.points; row++) {
        double one = gone.answer.what_if[row].mean, other = shut.answer.what_if[row].mean;
        assert_true(fabs(one - other) < 1e-6);
    }
    size_t air = gone.points; // heater, air, room
    assert_true(fabs(gone.answer.difference[air].mean) == 0.0);
    assert_true(gone.answer.difference[air + POINTS].mean > 1.0); // it stays warm
    forget(&gone);
    forget(&shut);
    close_rig(&made);
}

static void what_is_added_works_beside_what_was_there(void **state)
{
    (void)state;
    rig made = open_rig(box_alone);
    // a second way out, as wide as the first, is a first way twice as wide
    asked added = ask(&made,
                      "{structure: {box: {nodes: {yard: {fixed: true}}, paths: {air-yard: "
                      "{conductance: 0.7 W/K}}}}, for: 1 h}",
                      "box/air/temperature", NULL);
    asked wider = ask(&made, "{set: {box/air-room/conductance: {times: 2}}, for: 1 h}",
                      "box/air/temperature", NULL);
    for (size_t row = 0; row < added.points; row++) {
        assert_true(fabs(added.answer.what_if[row].mean - wider.answer.what_if[row].mean) < 1e-6);
    }
    forget(&added);
    forget(&wider);
    // what the structure gives a start value has it, in every lane
    asked heated =
        ask(&made, "{structure: {box: {nodes: {air: {temperature: 50 degC}}}}, for: 1 h}",
            "box/*/temperature", NULL);
    assert_true(fabs(heated.answer.what_if[heated.points].mean - 323.15) < 1e-9);
    assert_true(heated.answer.difference[0].mean == 0.0);
    forget(&heated);
    close_rig(&made);
}

static double worst_difference(const asked *question)
{
    double worst = 0.0;
    for (size_t row = 0; row < question->answer.ref_count * question->points; row++) {
        const gm_summary *difference = &question->answer.difference[row];
        worst = fmax(worst, fmax(fabs(difference->q05), fabs(difference->q95)));
    }
    return worst;
}

static void a_pipe_that_is_shut_changes_nothing(void **state)
{
    (void)state;
    rig made = open_rig_at(town, "town/hill/level", 3.0, 7 * 3600 + 1300);
    // the clock of patterns, the level, the pump as controls left it: all of it goes on
    asked shut = ask(&made,
                     "{structure: {town: {pipes: {new: {from: a, to: c, length: 500 m, diameter: "
                     "200 mm, roughness: 110, status: closed}}}}, for: 20 h}",
                     "town/hill/level", NULL);
    assert_true(fabs(shut.answer.base[POINTS].mean - shut.answer.base[0].mean) > 0.1);
    assert_true(worst_difference(&shut) < 1e-3);
    forget(&shut);
    asked open = ask(&made,
                     "{structure: {town: {pipes: {new: {from: a, to: c, length: 500 m, diameter: "
                     "200 mm, roughness: 110}}}}, for: 20 h}",
                     "town/hill/level", NULL);
    assert_true(worst_difference(&open) > 0.05);
    forget(&open);
    asked removed =
        ask(&made, "{structure: {town: {remove: [pipe/p2]}}, for: 20 h}", "town/p*/flow", NULL);
    asked closed = ask(&made, "{set: {town/p2/automatic: 0, town/p2/status: 0}, for: 20 h}",
                       "town/p*/flow", NULL);
    assert_int_equal(removed.answer.ref_count, 3);
    for (size_t row = 0; row < removed.points; row++) {
        double one = removed.answer.what_if[removed.points + row].mean;
        double other = closed.answer.what_if[2 * closed.points + row].mean; // p1, p2, p3, p4
        assert_true(fabs(one - other) < 1e-6);
    }
    forget(&removed);
    forget(&closed);
    close_rig(&made);
}

static bool notes(const asked *question, const char *part)
{
    return question->fields.notes.data != NULL && strstr(question->fields.notes.data, part) != NULL;
}

static void what_only_one_future_has_is_left_out_with_a_note(void **state)
{
    (void)state;
    rig made = open_rig(plant);
    asked question = ask(&made,
                         "{structure: {town: {remove: [side], pipes: {new: {share: 0.5}}}}, set: "
                         "{town/new/share: 0.25}, for: 1 h}",
                         "town/*/flow", NULL);
    assert_int_equal(question.answer.ref_count, 1);
    assert_true(notes(&question, "town/pipe/side/flow is left out: it is not there"));
    assert_true(question.answer.difference[POINTS].mean == 0.0);
    gm_error error = { 0 };
    gm_what_if_fields fields = { .world = made.world, .scenario = question.scenario };
    assert_int_equal(gm_what_if_fields_add(&fields, "town/new/flow", &error), GM_OK);
    assert_non_null(strstr(fields.notes.data, "town/new/flow is left out: it is there under"));
    assert_int_equal(gm_what_if_fields_add(&fields, "town/old/flow", &error), GM_NOT_FOUND);
    assert_int_equal(gm_what_if_fields_finish(&fields, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "not there both as it is and under the scenario"));
    gm_what_if_fields_free(&fields);
    gm_what_if_fields_free(&fields);
    // and without those helpers it is refused
    gm_ref side = ref_of(made.world, "town/side/flow");
    gm_what_if asks = { .world = made.world,
                        .state = made.state,
                        .scenario = question.scenario,
                        .refs = &side,
                        .ref_count = 1,
                        .points = 1 };
    gm_what_if_answer answer = { 0 };
    assert_int_equal(gm_what_if_run(&asks, &answer, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "'town/pipe/side/flow' is not there under the scenario"));
    assert_null(answer.base);
    forget(&question);
    close_rig(&made);
}

static void a_link_from_what_is_gone_is_noted(void **state)
{
    (void)state;
    rig made = open_rig(plant);
    asked question =
        ask(&made, "{structure: {town: {remove: [main]}}, for: 1 h}", "drain/out/flow", NULL);
    assert_true(notes(&question, "w.yaml:11:"));
    assert_true(notes(&question, "there is no element 'main'"));
    const gm_what_if_answer *answer = &question.answer;
    assert_true(answer->base[POINTS].mean != answer->base[0].mean);
    assert_true(answer->what_if[POINTS].mean == answer->what_if[0].mean); // nothing feeds it now
    forget(&question);
    close_rig(&made);
}

static void the_worlds_own_fields_are_compared(void **state)
{
    (void)state;
    rig made = open_rig(plant);
    gm_what_if_fields fields = { .world = made.world };
    assert_int_equal(gm_what_if_fields_own(&fields, NULL), GM_OK);
    assert_int_equal(fields.ref_count, 1);
    gm_ref air = ref_of(made.world, "box/air/temperature");
    assert_memory_equal(&air, fields.refs, sizeof air);
    gm_what_if_fields_free(&fields);
    close_rig(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_structure_gives_the_same_answer),
        cmocka_unit_test(the_first_row_shows_what_changes_at_once),
        cmocka_unit_test(a_path_that_is_gone_conducts_nothing),
        cmocka_unit_test(what_is_added_works_beside_what_was_there),
        cmocka_unit_test(a_pipe_that_is_shut_changes_nothing),
        cmocka_unit_test(what_only_one_future_has_is_left_out_with_a_note),
        cmocka_unit_test(a_link_from_what_is_gone_is_noted),
        cmocka_unit_test(the_worlds_own_fields_are_compared),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
