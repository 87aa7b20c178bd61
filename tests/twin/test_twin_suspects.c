// What is behind an event: the element that changed is named with the size of the change, a sensor
// that is off is told from it, and looking for it never moves the state.
#include "house_rig.h"

static const char walls_world[] = HOUSE_DETECT HOUSE_WALLS HOUSE_DOORS;
static const char heaters_world[] = HOUSE_DETECT HOUSE_HEATERS HOUSE_DOORS;
static const char all_world[] = HOUSE_DETECT HOUSE_WALLS HOUSE_HEATERS HOUSE_DOORS;
static const char far_world[] = HOUSE_DETECT "    house/r1-out/conductance: {times: 1.5}\n"
                                             "    house/r1-r2/conductance: {times: 1.5}\n"
                                             "    house/r6/power: {times: 0.7}\n";
static const char plain_world[] = HOUSE_HEAD "lanes: 32\ndetect: {diagnose: false}\n";

static void no_suspicion(gm_twin *twin)
{
    gm_suspicion found = { .count = 77 };
    assert_int_equal(gm_twin_suspects(twin, 0, &found, NULL), GM_OK);
    assert_int_equal(found.count, 0);
    assert_int_equal(found.event, 0);
    assert_int_equal(found.evaluated_ns, 0);
    assert_true(isnan(found.none));
}

/// The first event of the fault: its suspects, and that its text tells of them.
static gm_suspicion first_suspicion(gm_twin *twin)
{
    rig_events shown;
    rig_shown_events(twin, &shown);
    assert_true(shown.count > 0);
    const gm_twin_event *event = &shown.events[shown.count - 1];
    gm_suspicion found = house_suspicion(twin, event->id);
    assert_true(found.event == event->id);
    assert_non_null(strstr(event->text, " than the model "));
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
    int64_t truth_ns = play->samples[HOUSE_SENSORS * HOUSE_FAULT].time_ns;
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
            house_fault fault = { .at = HOUSE_FAULT, .wall = walls[wall], .times = 2.0 };
            house_play play = house_played(walls_world, seed, fault);
            expect_suspect(&play, addresses[wall], 30.0);
            house_play_end(&play);
        }
    }
}

/// The heater's power is what it is told, all the time: the trial holds against every sample.
static void a_heater_that_fails_is_named_with_its_size(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        house_fault fault = { .at = HOUSE_FAULT, .heater = 3, .times = 0.4 };
        house_play play = house_played(heaters_world, seed, fault);
        expect_suspect(&play, "house/node/r3/power", -0.6 * 600.0);
        house_play_end(&play);
    }
}

static void a_sensor_that_is_off_is_told_from_the_plant(void **state)
{
    (void)state;
    static const char *const names[] = { "t1", "t3", "t4", "t6" };
    for (size_t meter = 1; meter <= HOUSE_METERS; meter++) {
        double bias_k = meter % 2 == 0 ? 1.5 : -0.8;
        house_fault fault = { .at = HOUSE_FAULT, .meter = meter, .bias_k = bias_k };
        house_play play = house_played(all_world, meter, fault);
        gm_suspicion found = first_suspicion(play.twin);
        assert_string_equal(found.suspects[0].sensor, names[meter - 1]);
        assert_string_equal(found.suspects[0].unit, "K");
        assert_true(found.suspects[0].probability > 0.5);
        assert_true(fabs(found.suspects[0].size - bias_k) < 0.3 * fabs(bias_k));
        house_play_end(&play);
    }
}

static void nothing_changed_nothing_is_asked(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_play play = house_played(all_world, seed, (house_fault){ 0 });
        no_suspicion(play.twin);
        house_play_end(&play);
    }
    house_play play = house_played(plain_world, 1, (house_fault){ 0 });
    gm_suspicion found = { .count = 77 };
    gm_error error = { 0 };
    assert_int_equal(gm_twin_suspects(play.twin, 0, &found, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "not looked into"));
    assert_int_equal(found.count, 77);
    house_play_end(&play);
}

static void what_nobody_thought_of_is_pinned_on_none(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_fault fault = { .at = HOUSE_FAULT, .wall = 4, .times = 2.0 };
        house_play play = house_played(far_world, seed, fault);
        gm_suspicion found = first_suspicion(play.twin);
        assert_true(found.none > 0.5);
        assert_string_equal(found.kind, "input");
        assert_non_null(strstr(found.text, "something that the model does not know"));
        house_play_end(&play);
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
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play play = house_played(text.data, 1, fault);
    expect_suspect(&play, "house/path/r2-out/conductance", 30.0);
    house_play_end(&play);
    gm_string_free(&text);
}

/// The answer comes with the alarm, and again as samples come in.
static void more_samples_make_it_clearer(void **state)
{
    (void)state;
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play play = house_play_start(walls_world, 1, fault);
    house_play_steps(&play, HOUSE_FAULT);
    no_suspicion(play.twin);
    size_t looks = 0;
    int64_t last_ns = 0;
    double first = 0.0;
    gm_suspicion found = { 0 };
    for (size_t step = 0; step < 40; step++) {
        house_play_steps(&play, 1);
        rig_events shown;
        rig_shown_events(play.twin, &shown);
        if (shown.count > 0) {
            found = house_suspicion(play.twin, 0);
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
        gm_suspicion same = house_suspicion(play.twin, shown.events[index].id);
        same.event = found.event;
        assert_memory_equal(&same, &found, sizeof same);
    }
    gm_suspicion unknown;
    assert_int_equal(gm_twin_suspects(play.twin, 12345, &unknown, NULL), GM_NOT_FOUND);
    house_play_end(&play);
}

/// Thermometers lag by up to four steps: every cycle rewinds.
static void feed_late(gm_twin *twin, const gm_sample *samples)
{
    for (size_t step = 0; step < HOUSE_STEPS + 4; step++) {
        for (size_t sensor = 0; sensor < HOUSE_SENSORS; sensor++) {
            size_t lag = sensor < HOUSE_METERS ? sensor + 1 : 0;
            if (step >= lag && step - lag < HOUSE_STEPS) {
                rig_feed(twin, &samples[HOUSE_SENSORS * (step - lag) + sensor], 1);
            }
        }
    }
    rig_settle(twin);
}

static void suspects_do_not_touch_the_state(void **state)
{
    (void)state;
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play without = house_played(plain_world, 5, fault),
               with = house_played(walls_world, 5, fault);
    gm_suspicion found = first_suspicion(with.twin);
    assert_true(gm_twin_hash(with.twin) == gm_twin_hash(without.twin));
    // the same answer for any number of workers
    gm_twin *many = rig_twin_open(with.world, NULL, 2);
    rig_feed(many, with.samples, HOUSE_SENSORS * HOUSE_STEPS);
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
    house_play_end(&without);
    house_play_end(&with);
}

static void answers_survive_a_restart(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play whole = house_played(walls_world, 6, fault),
               play = house_play_start(walls_world, 6, fault);
    gm_twin_close(play.twin);
    play.twin = rig_twin_open(play.world, folder.path, 1);
    size_t answers = 0;
    while (play.fed < HOUSE_STEPS) {
        house_play_steps(&play, 10);
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
    house_play_end(&whole);
    house_play_end(&play);
    rig_remove(folder.path);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
