// Suspects that are not as they should be, and suspects without memory.
#include "base/failing_memory.h"
#include "house_rig.h"

static const char walls_world[] = HOUSE_DETECT HOUSE_WALLS HOUSE_DOORS;
static const char plain_world[] = HOUSE_HEAD "lanes: 32\n";

/// One step of a twin whose allocations fail now and then; what failed is done again.
static void press_on(gm_twin *twin, const gm_sample *row, uint64_t *random)
{
    for (size_t sensor = 0; sensor < HOUSE_SENSORS; sensor++) {
        rig_submit(twin, row[sensor]);
    }
    gm_status status = GM_MEMORY;
    for (int tries = 0; status != GM_OK; tries++) {
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        allocations_left = tries < 4 ? (long)(*random >> 33) % 400 : LONG_MAX;
        status = gm_twin_cycle(twin, row[0].time_ns, NULL);
        allocations_left = LONG_MAX;
    }
}

static void without_memory_the_state_is_the_same(void **state)
{
    (void)state;
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play without = house_played(plain_world, 7, fault);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        house_play with = house_play_start(walls_world, 7, fault);
        uint64_t random = seed;
        for (size_t step = 0; step < HOUSE_STEPS; step++) {
            press_on(with.twin, with.samples + HOUSE_SENSORS * step, &random);
        }
        rig_settle(with.twin);
        assert_true(gm_twin_hash(with.twin) == gm_twin_hash(without.twin));
        rig_events shown;
        rig_shown_events(with.twin, &shown);
        for (size_t index = 0; index < shown.count; index++) {
            gm_suspicion found; // there or not, never half
            assert_int_equal(gm_twin_suspects(with.twin, shown.events[index].id, &found, NULL),
                             GM_OK);
            if (found.evaluated_ns != 0) {
                house_suspicion(with.twin, shown.events[index].id);
            }
        }
        house_play_end(&with);
    }
    house_play_end(&without);
}

/// The lanes hold a change whole or not at all: what walls let through beyond what they were is
/// what the event says.
static void without_memory_a_change_is_adopted_whole_or_not_at_all(void **state)
{
    (void)state;
    static const char adopting[] = HOUSE_DETECT HOUSE_WALLS "    adopt: true\n";
    house_fault fault = { .at = 150, .wall = 2, .times = 2.0 };
    size_t adopted = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        house_play play = house_play_start(adopting, 7, fault);
        uint64_t random = seed;
        for (size_t step = 0; step < HOUSE_STEPS; step++) {
            press_on(play.twin, play.samples + HOUSE_SENSORS * step, &random);
        }
        rig_settle(play.twin);
        rig_events shown;
        rig_shown_events(play.twin, &shown);
        bool told = false;
        for (size_t index = 0; index < shown.count; index++) {
            told = told || (strcmp(shown.events[index].kind, "change") == 0 &&
                            shown.events[index].end_ns == INT64_MAX);
        }
        gm_twin_view view;
        gm_ref *walls = NULL;
        size_t count = 0;
        assert_int_equal(gm_twin_look(play.twin, NULL, &view, NULL), GM_OK);
        assert_int_equal(gm_world_find(play.world, "house/path/*-out/conductance", (gm_place){ 0 },
                                       &walls, &count, NULL),
                         GM_OK);
        double *values = gm_memory_new(count * 32, sizeof *values);
        assert_int_equal(gm_state_read_many(view.state, walls, count, values, NULL), GM_OK);
        for (size_t lane = 0; lane < 32; lane++) {
            size_t opened = 0;
            for (size_t wall = 0; wall < count; wall++) {
                opened += values[wall * 32 + lane] != 30.0;
            }
            assert_int_equal(opened, told);
        }
        adopted += told;
        gm_memory_free(values);
        gm_memory_free(walls);
        gm_twin_look_away(play.twin, &view);
        house_play_end(&play);
    }
    assert_true(adopted > 0);
}

static void expect_refusal(const char *text, gm_status expected, const char *place,
                           const char *reason)
{
    gm_world *world = rig_world_open(text);
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_twin_open(world, &options, &twin, &error), expected);
    assert_null(twin);
    if (strstr(error.text, reason) == NULL || strstr(error.text, place) == NULL) {
        fail_msg("'%s' says neither '%s' nor '%s'", error.text, place, reason);
    }
    gm_world_close(world);
}

static void bad_suspects_are_refused_with_their_place(void **state)
{
    (void)state;
#define HEAD   HOUSE_HEAD "detect:\n  suspects:\n"
#define WINDOW HEAD "    house/r1/power: {times: 2}\n  suspect window: "
    static const struct {
        const char *text;
        gm_status status;
        const char *place, *reason;
    } bad[] = {
        { HEAD "    house/r9/power: {times: 2}\n", GM_NOT_FOUND, ":42:5: ", "no element" },
        { HEAD "    house/r1/power: {time: 2}\n", GM_INVALID, ":42:22: ", "time" },
        { HEAD "    house/r1/power: {add: 2 kg}\n", GM_INVALID, ":42:27: ", "kg" },
        { HEAD "    house/r1/power: {times: 2, at: 5 min}\n", GM_INVALID, ":42:21: ", "is to be" },
        { HEAD "    house/r1/power: {ramp: {to: 3 W, over: 1 min}}\n", GM_INVALID,
          ":42:21: ", "what is to be found" },
        { HEAD "    house/r1-r2/flow: {add: 3 W}\n", GM_INVALID, ":42:5: ", "flow" },
        { HEAD "    - house/r1/power\n", GM_INVALID, ":42:5: ", "a map" },
        { WINDOW "1 s\n", GM_LIMIT, ":43:19: ", "4 to 65536 cycles" },
        { WINDOW "3 K\n", GM_INVALID, ":43:19: ", "3 K" },
        { HOUSE_HEAD "detect:\n  suspect window: 30 min\n  diagnose: false\n", GM_INVALID,
          ":41:3: ", "nobody looks" },
        { HEAD "    house/r1/power: {times: 2}\n  diagnose: false\n", GM_INVALID,
          ":41:3: ", "nobody looks" },
        { HOUSE_HEAD "detect:\n  diagnose: 3\n", GM_INVALID, ":41:13: ", "true" },
        { HOUSE_HEAD "detect:\n  suspect: {}\n", GM_INVALID, ":41:3: ", "suspects" },
    };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        expect_refusal(bad[index].text, bad[index].status, bad[index].place, bad[index].reason);
    }
}

static void suspects_fed_at_every_tick_are_refused(void **state)
{
    (void)state;
    expect_refusal("world: fed\n"
                   "cycle: 60 s\n"
                   "systems:\n"
                   "  box:\n"
                   "    model: thermal\n"
                   "    nodes: { air: {capacity: 1 kJ/K}, out: {fixed: true} }\n"
                   "    paths: { air-out: {conductance: 1 W/K} }\n"
                   "profiles: { day: {unit: W, day: {\"00:00\": 1}} }\n"
                   "drivers: { box/air/power: {profile: day} }\n"
                   "detect: { suspects: { box/air/power: {times: 2} } }\n",
                   GM_INVALID, ":10:", "fed by a profile");
}

static void more_suspects_than_offered_are_refused(void **state)
{
    (void)state;
    enum { MORE = GM_SUSPECTS_MAX + 1 };
    gm_string text = { 0 };
    gm_string_format(&text, "%sdetect:\n  suspects:\n    house/r1/power: [", HOUSE_HEAD);
    for (size_t index = 0; index < MORE; index++) {
        gm_string_format(&text, "%s{add: %zu W}", index == 0 ? "" : ", ", index + 1);
    }
    gm_string_format(&text, "]\n");
    expect_refusal(text.data, GM_LIMIT, ":42:", "at most 4096");
    gm_string_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_memory_the_state_is_the_same),
        cmocka_unit_test(without_memory_a_change_is_adopted_whole_or_not_at_all),
        cmocka_unit_test(bad_suspects_are_refused_with_their_place),
        cmocka_unit_test(suspects_fed_at_every_tick_are_refused),
        cmocka_unit_test(more_suspects_than_offered_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
