// What is behind an event: the element that changed is named with the size of the change, a sensor
// that is off is told from it, and looking for it never moves the state.
#include "base/failing_memory.h"
#include "house_rig.h"

enum { STEPS = 250, FAULT = 200 };

#define DETECT HOUSE_HEAD "lanes: 32\ndetect:\n  suspect window: 45 min\n  suspects:\n"
static const char walls_world[] = DETECT HOUSE_WALLS HOUSE_DOORS;
static const char heaters_world[] = DETECT HOUSE_HEATERS HOUSE_DOORS;
static const char all_world[] = DETECT HOUSE_WALLS HOUSE_HEATERS HOUSE_DOORS;
static const char far_world[] = DETECT "    house/r1-out/conductance: {times: 1.5}\n"
                                       "    house/r1-r2/conductance: {times: 1.5}\n"
                                       "    house/r6/power: {times: 0.7}\n";
static const char plain_world[] = HOUSE_HEAD "lanes: 32\n";

typedef struct house_play {
    gm_world *world;
    gm_sample *samples;
    gm_twin *twin;
    size_t fed; // steps
} house_play;

static house_play play_start(const char *text, uint64_t seed, house_fault fault)
{
    gm_world *world = rig_world_open(text);
    return (house_play){ .world = world,
                         .samples = house_record(seed, STEPS, fault),
                         .twin = rig_twin_open(world, NULL, 1) };
}

static void play_steps(house_play *play, size_t count)
{
    rig_feed(play->twin, play->samples + HOUSE_SENSORS * play->fed, HOUSE_SENSORS * count);
    play->fed += count;
}

static house_play played(const char *text, uint64_t seed, house_fault fault)
{
    house_play play = play_start(text, seed, fault);
    play_steps(&play, STEPS);
    rig_settle(play.twin);
    return play;
}

static void play_end(house_play *play)
{
    gm_twin_close(play->twin);
    gm_world_close(play->world);
    gm_memory_free(play->samples);
}

static gm_suspicion suspicion_of(gm_twin *twin, uint64_t event)
{
    gm_suspicion found;
    gm_error error = { 0 };
    if (gm_twin_suspects(twin, event, &found, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    double sum = found.none;
    assert_true(found.count <= GM_SUSPECT_ROWS && found.samples > 0);
    for (size_t index = 0; index < found.count; index++) {
        const gm_suspect *suspect = &found.suspects[index];
        sum += suspect->probability;
        assert_true(index == 0 || suspect->probability <= found.suspects[index - 1].probability);
        assert_true((suspect->address[0] == '\0') != (suspect->sensor[0] == '\0'));
    }
    assert_true(sum < 1.0 + 1e-9);
    return found;
}

static void no_suspicion(gm_twin *twin, const char *why)
{
    gm_suspicion found = { .count = 77 };
    gm_error error = { 0 };
    assert_int_equal(gm_twin_suspects(twin, 0, &found, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, why));
    assert_int_equal(found.count, 77);
}

/// The first event of the fault: its suspects, and that its text tells of them.
static gm_suspicion first_suspicion(gm_twin *twin)
{
    rig_events shown;
    rig_shown_events(twin, &shown);
    assert_true(shown.count > 0);
    const gm_twin_event *event = &shown.events[shown.count - 1];
    gm_suspicion found = suspicion_of(twin, event->id);
    assert_true(found.event == event->id);
    assert_non_null(strstr(event->text, " than the model expects since "));
    assert_non_null(strstr(event->text, found.text));
    return found;
}

static void expect_suspect(const house_play *play, const char *address, double size)
{
    gm_suspicion found = first_suspicion(play->twin);
    const gm_suspect *first = &found.suspects[0];
    if (strcmp(first->address, address) != 0 || !(first->probability > 0.5) ||
        !(fabs(first->size - size) < 0.3 * fabs(size))) {
        fail_msg("expected %s %+g: %s", address, size, found.text);
    }
    assert_int_equal(strncmp(found.text, "most likely ", 12), 0);
    int64_t truth_ns = play->samples[HOUSE_SENSORS * FAULT].time_ns;
    assert_true(llabs(first->since_ns - truth_ns) <= 5 * HOUSE_CYCLE_S * GM_SECOND_NS);
}

static void a_wall_that_opens_is_named_with_its_size(void **state)
{
    (void)state;
    static const char *const addresses[] = { "house/path/r2-out/conductance",
                                             "house/path/r4-out/conductance",
                                             "house/path/r5-out/conductance" };
    static const size_t walls[] = { 2, 4, 5 };
    for (size_t wall = 0; wall < 3; wall++) {
        for (uint64_t seed = 1; seed <= 2; seed++) {
            house_fault fault = { .at = FAULT, .wall = walls[wall], .times = 2.0 };
            house_play play = played(walls_world, seed, fault);
            expect_suspect(&play, addresses[wall], 30.0);
            play_end(&play);
        }
    }
}

/// The heater's power is what it is told, all the time: the trial holds against every sample.
static void a_heater_that_fails_is_named_with_its_size(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        house_fault fault = { .at = FAULT, .heater = 3, .times = 0.4 };
        house_play play = played(heaters_world, seed, fault);
        expect_suspect(&play, "house/node/r3/power", -0.6 * 600.0);
        play_end(&play);
    }
}

static void a_sensor_that_is_off_is_told_from_the_plant(void **state)
{
    (void)state;
    static const char *const names[] = { "t1", "t3", "t4", "t6" };
    for (size_t meter = 1; meter <= HOUSE_METERS; meter++) {
        double bias_k = meter % 2 == 0 ? 1.5 : -0.8;
        house_fault fault = { .at = FAULT, .meter = meter, .bias_k = bias_k };
        house_play play = played(all_world, meter, fault);
        gm_suspicion found = first_suspicion(play.twin);
        assert_string_equal(found.suspects[0].sensor, names[meter - 1]);
        assert_string_equal(found.suspects[0].unit, "K");
        assert_true(found.suspects[0].probability > 0.5);
        assert_true(fabs(found.suspects[0].size - bias_k) < 0.3 * fabs(bias_k));
        play_end(&play);
    }
}

static void nothing_changed_nothing_is_asked(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_play play = played(all_world, seed, (house_fault){ 0 });
        no_suspicion(play.twin, "yet");
        play_end(&play);
    }
    house_play play = played(plain_world, 1, (house_fault){ 0 });
    no_suspicion(play.twin, "no suspects");
    play_end(&play);
}

static void what_nobody_thought_of_is_pinned_on_none(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_fault fault = { .at = FAULT, .wall = 4, .times = 2.0 };
        house_play play = played(far_world, seed, fault);
        gm_suspicion found = first_suspicion(play.twin);
        assert_true(found.none > 0.5);
        assert_int_equal(strncmp(found.text, "cannot tell ", 12), 0);
        play_end(&play);
    }
}

/// A heater nobody measures, of which every lane thinks its own: trials are compared without that.
static void lanes_that_draw_lots_are_compared_all_the_same(void **state)
{
    (void)state;
    static const char measured[] = "  h6: {field: house/r6/power";
    gm_string text = { 0 };
    const char *at = strstr(walls_world, measured);
    gm_string_add(&text, walls_world, (size_t)(at - walls_world));
    gm_string_format(&text, "  h6: {field: house/out/power%s", at + strlen(measured));
    gm_string_format(&text, "drivers:\n  house/r6/power: {stochastic: {mean: 600 W, spread: 100 W, "
                            "time: 30 min}}\n");
    house_fault fault = { .at = FAULT, .wall = 2, .times = 2.0 };
    house_play play = played(text.data, 1, fault);
    expect_suspect(&play, "house/path/r2-out/conductance", 30.0);
    play_end(&play);
    gm_string_free(&text);
}

/// The answer comes with the alarm, and again as samples come in.
static void more_samples_make_it_clearer(void **state)
{
    (void)state;
    house_fault fault = { .at = FAULT, .wall = 2, .times = 2.0 };
    house_play play = play_start(walls_world, 1, fault);
    play_steps(&play, FAULT);
    no_suspicion(play.twin, "yet");
    size_t looks = 0;
    int64_t last_ns = 0;
    double first = 0.0;
    gm_suspicion found = { 0 };
    for (size_t step = 0; step < 40; step++) {
        play_steps(&play, 1);
        rig_events shown;
        rig_shown_events(play.twin, &shown);
        if (shown.count > 0) {
            found = suspicion_of(play.twin, 0);
            first = looks == 0 ? found.suspects[0].probability : first;
            looks += found.evaluated_ns != last_ns;
            assert_true(last_ns == 0 || found.evaluated_ns == last_ns ||
                        found.evaluated_ns >= last_ns + 4 * HOUSE_CYCLE_S * GM_SECOND_NS);
            last_ns = found.evaluated_ns;
        }
    }
    assert_true(looks >= 3 && looks <= 8);
    assert_true(found.suspects[0].probability >= fmin(first, 0.9));
    assert_string_equal(found.suspects[0].address, "house/path/r2-out/conductance");
    // one inquiry serves all events of the time
    rig_events shown;
    rig_shown_events(play.twin, &shown);
    assert_true(shown.count >= 2);
    for (size_t index = 0; index < shown.count; index++) {
        gm_suspicion same = suspicion_of(play.twin, shown.events[index].id);
        same.event = found.event;
        assert_memory_equal(&same, &found, sizeof same);
    }
    gm_suspicion unknown;
    assert_int_equal(gm_twin_suspects(play.twin, 12345, &unknown, NULL), GM_NOT_FOUND);
    play_end(&play);
}

/// Thermometers lag by up to four steps: every cycle rewinds.
static void feed_late(gm_twin *twin, const gm_sample *samples)
{
    for (size_t step = 0; step < STEPS + 4; step++) {
        for (size_t sensor = 0; sensor < HOUSE_SENSORS; sensor++) {
            size_t lag = sensor < HOUSE_METERS ? sensor + 1 : 0;
            if (step >= lag && step - lag < STEPS) {
                rig_feed(twin, &samples[HOUSE_SENSORS * (step - lag) + sensor], 1);
            }
        }
    }
    rig_settle(twin);
}

static void suspects_do_not_touch_the_state(void **state)
{
    (void)state;
    house_fault fault = { .at = FAULT, .wall = 2, .times = 2.0 };
    house_play without = played(plain_world, 5, fault), with = played(walls_world, 5, fault);
    gm_suspicion found = first_suspicion(with.twin);
    assert_true(gm_twin_hash(with.twin) == gm_twin_hash(without.twin));
    // the same answer for any number of workers
    gm_twin *many = rig_twin_open(with.world, NULL, 2);
    rig_feed(many, with.samples, HOUSE_SENSORS * STEPS);
    rig_settle(many);
    gm_suspicion same = first_suspicion(many);
    assert_memory_equal(&same, &found, sizeof same);
    assert_true(gm_twin_hash(many) == gm_twin_hash(without.twin));
    gm_twin_close(many);
    // and with samples that come late
    gm_twin *late = rig_twin_open(with.world, NULL, 1);
    feed_late(late, with.samples);
    assert_true(gm_twin_hash(late) == gm_twin_hash(without.twin));
    assert_string_equal(first_suspicion(late).suspects[0].address, found.suspects[0].address);
    gm_twin_close(late);
    play_end(&without);
    play_end(&with);
}

static void answers_survive_a_restart(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    house_fault fault = { .at = FAULT, .wall = 2, .times = 2.0 };
    house_play whole = played(walls_world, 6, fault), play = play_start(walls_world, 6, fault);
    gm_twin_close(play.twin);
    play.twin = rig_twin_open(play.world, folder.path, 1);
    size_t answers = 0;
    while (play.fed < STEPS) {
        play_steps(&play, 10);
        rig_events shown, stored;
        rig_shown_events(play.twin, &shown);
        gm_suspicion before = { 0 };
        if (shown.count > 0) {
            before = first_suspicion(play.twin);
        }
        gm_twin_close(play.twin);
        play.twin = rig_twin_open(play.world, folder.path, 1);
        if (shown.count > 0) {
            gm_suspicion after = first_suspicion(play.twin);
            assert_memory_equal(&after, &before, sizeof after);
            rig_stored_events(play.twin, &stored);
            assert_non_null(strstr(stored.events[stored.count - 1].text, before.text));
            answers++;
        }
    }
    rig_settle(play.twin);
    assert_true(answers >= 3);
    assert_true(gm_twin_hash(play.twin) == gm_twin_hash(whole.twin));
    play_end(&whole);
    play_end(&play);
    rig_remove(folder.path);
}

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
    house_fault fault = { .at = FAULT, .wall = 2, .times = 2.0 };
    house_play without = played(plain_world, 7, fault);
    for (uint64_t seed = 1; seed <= 4; seed++) {
        house_play with = play_start(walls_world, 7, fault);
        uint64_t random = seed;
        for (size_t step = 0; step < STEPS; step++) {
            press_on(with.twin, with.samples + HOUSE_SENSORS * step, &random);
        }
        rig_settle(with.twin);
        assert_true(gm_twin_hash(with.twin) == gm_twin_hash(without.twin));
        rig_events shown;
        rig_shown_events(with.twin, &shown);
        for (size_t index = 0; index < shown.count; index++) {
            gm_suspicion found; // there or not, never half
            if (gm_twin_suspects(with.twin, shown.events[index].id, &found, NULL) == GM_OK) {
                suspicion_of(with.twin, shown.events[index].id);
            }
        }
        play_end(&with);
    }
    play_end(&without);
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
#define HEAD HOUSE_HEAD "detect:\n  suspects:\n"
    expect_refusal(HEAD "    house/r9/power: {times: 2}\n", GM_NOT_FOUND, ":42:5: ", "no element");
    expect_refusal(HEAD "    house/r1/power: {time: 2}\n", GM_INVALID, ":42:", "time");
    expect_refusal(HEAD "    house/r1/power: {add: 2 kg}\n", GM_INVALID, ":42:", "kg");
    expect_refusal(HEAD "    house/r1/power: {times: 2, at: 5 min}\n", GM_INVALID,
                   ":42:21: ", "what is to be found");
    expect_refusal(HEAD "    house/r1/power: {ramp: {to: 3 W, over: 1 min}}\n", GM_INVALID,
                   ":42:21: ", "what is to be found");
    expect_refusal(HEAD "    house/r1-r2/flow: {add: 3 W}\n", GM_INVALID, ":42:5: ", "flow");
    expect_refusal(HEAD "    - house/r1/power\n", GM_INVALID, ":42:", "a map");
    expect_refusal(HEAD "    house/r1/power: {times: 2}\n  suspect window: 1 s\n", GM_LIMIT,
                   ":43:19: ", "4 to 65536 cycles");
    expect_refusal(HEAD "    house/r1/power: {times: 2}\n  suspect window: 3 K\n", GM_INVALID,
                   ":43:19: ", "3 K");
    expect_refusal(HOUSE_HEAD "detect:\n  suspect window: 30 min\n", GM_INVALID,
                   ":41:3: ", "no `suspects`");
    expect_refusal(HOUSE_HEAD "detect:\n  suspect: {}\n", GM_INVALID, ":41:3: ", "suspects");
#undef HEAD
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
        cmocka_unit_test(a_wall_that_opens_is_named_with_its_size),
        cmocka_unit_test(a_heater_that_fails_is_named_with_its_size),
        cmocka_unit_test(a_sensor_that_is_off_is_told_from_the_plant),
        cmocka_unit_test(nothing_changed_nothing_is_asked),
        cmocka_unit_test(what_nobody_thought_of_is_pinned_on_none),
        cmocka_unit_test(lanes_that_draw_lots_are_compared_all_the_same),
        cmocka_unit_test(more_samples_make_it_clearer),
        cmocka_unit_test(suspects_do_not_touch_the_state),
        cmocka_unit_test(answers_survive_a_restart),
        cmocka_unit_test(without_memory_the_state_is_the_same),
        cmocka_unit_test(bad_suspects_are_refused_with_their_place),
        cmocka_unit_test(suspects_fed_at_every_tick_are_refused),
        cmocka_unit_test(more_suspects_than_offered_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
