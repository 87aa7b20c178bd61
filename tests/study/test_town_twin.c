// The town's twin against a plant whose truth is known: one short day. `gemel validate water` asks
// the same of many.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "study/twin_trial.h"

static const int64_t hour_ns = 3600 * GM_SECOND_NS;
static const int64_t start_ns = 1767571200 * GM_SECOND_NS; // 2026-01-05, midnight

static gm_world *open_town(gm_world *quiet)
{
    gm_world *town = NULL;
    gm_error error = { 0 };
    if (gm_world_open(GEMEL_SOURCE_DIR "/examples/town/world.yaml", &town, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    *quiet = *town;
    quiet->forecast.every_ns = 0;
    quiet->lanes = 64;
    return town;
}

static gm_twin_trial open_trial(const gm_world *world, uint64_t seed)
{
    const gm_device_options devices = { .start_ns = start_ns, .seed = seed, .faultless = true };
    gm_twin_trial trial;
    gm_error error = { 0 };
    if (gm_twin_trial_open(world, &devices, &trial, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return trial;
}

static void play(gm_twin_trial *trial, int64_t time_ns)
{
    gm_error error = { 0 };
    if (gm_twin_trial_play(trial, time_ns, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static bool has_open_change(gm_twin *twin)
{
    gm_twin_event events[16];
    size_t count = 0, changes = 0;
    gm_twin_events(twin, true, 16, events, &count);
    for (size_t index = 0; index < count; index++) {
        changes += strcmp(events[index].kind, "change") == 0;
    }
    return changes > 0;
}

static void the_twin_knows_what_no_gauge_shows_a_burst_and_its_end(void **state)
{
    (void)state;
    gm_world quiet, *town = open_town(&quiet);
    gm_twin_trial trial = open_trial(&quiet, 501);
    gm_ref *hidden = NULL, leak;
    size_t count = 0;
    gm_trial_score score = { 0 };
    assert_int_equal(
        gm_twin_trial_hidden(&quiet, "town/junction/*/pressure", &hidden, &count, NULL), GM_OK);
    assert_true(count > 60);
    int64_t at_ns = start_ns + 4 * hour_ns;
    for (; at_ns <= start_ns + 8 * hour_ns; at_ns += hour_ns / 4) {
        play(&trial, at_ns);
        assert_int_equal(gm_twin_trial_compare(&trial, hidden, count, &score, NULL), GM_OK);
    }
    assert_true(gm_trial_rmse(&score) < 2000.0); // twice the noise of gauges
    assert_in_range((uintmax_t)(100.0 * gm_coverage_share(&score.band)), 75, 98);

    assert_int_equal(
        gm_world_find_one(&quiet, "town/pipe/F2-G2/leak_area", (gm_place){ 0 }, &leak, NULL),
        GM_OK);
    assert_int_equal(gm_device_plant_set(trial.plant, leak, 1.6e-4, NULL), GM_OK);
    play(&trial, at_ns + hour_ns / 4);
    gm_suspicion found;
    assert_int_equal(gm_twin_suspects(trial.twin, 0, &found, NULL), GM_OK);
    assert_true(found.count > 0);
    const char *blamed = found.suspects[0].address; // a pipe at either end of the broken one
    assert_true(strstr(blamed, "F2") != NULL || strstr(blamed, "G2") != NULL);

    // from then on the twin knows of it, and what no gauge shows as well as before
    assert_true(found.adopted);
    score = (gm_trial_score){ 0 };
    for (at_ns += hour_ns / 2; at_ns <= start_ns + 12 * hour_ns; at_ns += hour_ns / 4) {
        play(&trial, at_ns);
        assert_int_equal(gm_twin_trial_compare(&trial, hidden, count, &score, NULL), GM_OK);
    }
    assert_true(gm_trial_rmse(&score) < 2000.0);
    assert_in_range((uintmax_t)(100.0 * gm_coverage_share(&score.band)), 75, 98);

    // and when the pipe is mended it knows that too
    assert_true(has_open_change(trial.twin));
    assert_int_equal(gm_device_plant_set(trial.plant, leak, 0.0, NULL), GM_OK);
    play(&trial, at_ns + hour_ns / 2);
    assert_false(has_open_change(trial.twin));
    gm_twin_trial_close(&trial);
    gm_memory_free(hidden);
    gm_world_close(town);
}

/// A pump's status and what flows behind it are measured at the same moment: the model moves with
/// the first before it is compared with the second.
static void a_pump_that_switches_is_no_surprise(void **state)
{
    (void)state;
    gm_world quiet, *town = open_town(&quiet);
    gm_twin_trial trial = open_trial(&quiet, 502);
    size_t order = gm_world_find_sensor(&quiet, "b1-on"),
           flow = gm_world_find_sensor(&quiet, "hill"), switches = 0;
    double before = 0.0;
    play(&trial, start_ns + 4 * hour_ns);
    for (int64_t at_ns = start_ns + 4 * hour_ns; at_ns < start_ns + 7 * hour_ns;
         at_ns += hour_ns / 60) {
        gm_sensor_status told, met;
        play(&trial, at_ns);
        gm_twin_sensor(trial.twin, order, &told);
        gm_twin_sensor(trial.twin, flow, &met);
        if (told.value != before) {
            switches++;
            assert_true(fabs(met.innovation) < 1e-3); // of 6 l/s
        }
        before = told.value;
    }
    assert_int_equal(switches, 1);
    gm_twin_trial_close(&trial);
    gm_world_close(town);
}

static void a_seed_makes_a_plant_of_its_own(void **state)
{
    (void)state;
    gm_world quiet, *town = open_town(&quiet);
    double pressures_pa[3];
    const uint64_t seeds[3] = { 1, 2, 1 };
    gm_ref ref;
    assert_int_equal(
        gm_world_find_one(&quiet, "town/junction/G7/pressure", (gm_place){ 0 }, &ref, NULL), GM_OK);
    for (size_t index = 0; index < 3; index++) {
        gm_twin_trial trial = open_trial(&quiet, seeds[index]);
        play(&trial, start_ns + hour_ns / 60);
        assert_int_equal(
            gm_state_read(gm_device_plant_state(trial.plant), ref, &pressures_pa[index], NULL),
            GM_OK);
        gm_twin_trial_close(&trial);
    }
    assert_true(pressures_pa[0] != pressures_pa[1]);
    assert_true(pressures_pa[0] == pressures_pa[2]);
    gm_world_close(town);
}

static void a_twin_that_is_not_there_yet_is_not_compared(void **state)
{
    (void)state;
    gm_world quiet, *town = open_town(&quiet);
    gm_twin_trial trial = open_trial(&quiet, 1);
    gm_trial_score score = { 0 };
    gm_error error = { 0 };
    gm_ref *hidden = NULL;
    size_t count = 0;
    assert_int_equal(
        gm_twin_trial_hidden(&quiet, "town/junction/*/pressure", &hidden, &count, NULL), GM_OK);
    assert_int_equal(gm_twin_trial_compare(&trial, hidden, count, &score, &error), GM_BUSY);
    assert_true(error.text[0] != '\0');
    assert_int_equal(score.band.count, 0);
    gm_memory_free(hidden);
    gm_twin_trial_close(&trial);
    gm_world_close(town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_twin_knows_what_no_gauge_shows_a_burst_and_its_end),
        cmocka_unit_test(a_pump_that_switches_is_no_surprise),
        cmocka_unit_test(a_seed_makes_a_plant_of_its_own),
        cmocka_unit_test(a_twin_that_is_not_there_yet_is_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
