// Late samples under a budget: what cannot be paid for waits, is taken together, and ends in the
// same bits; what waits too long is only kept.
#include "rig_steps.h"

enum { STEPS = 12 };

/// A live twin, driven by the test. @param budget  "" or the world's line
static gm_twin *open_live(const gm_world *world, const char *folder)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    if (gm_twin_open(world, &options, &twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return twin;
}

static gm_world *open_world(const char *budget)
{
    char text[sizeof rig_world + 100];
    snprintf(text, sizeof text, "%s%s", rig_world, budget);
    return rig_world_open(text);
}

/// What the three sensors say of a step; the thermometer's sample may be missing.
static void say(gm_twin *twin, const gm_sample *samples, size_t step, bool whole)
{
    for (size_t sensor = whole ? 0 : 1; sensor < 3; sensor++) {
        assert_int_equal(rig_submit(twin, samples[3 * step + sensor]), GM_SAMPLE_ACCEPTED);
    }
    rig_cycle(twin, samples[3 * step].time_ns);
}

/// Steps of which 3, 5 and 7 lack the thermometer's sample, which then come after steps 5, 8 and 9.
static void say_late(gm_twin *twin, const gm_sample *samples)
{
    for (size_t step = 0; step < STEPS; step++) {
        if (step == 5 || step == 8 || step == 9) {
            static const size_t lacks[] = { [5] = 3, [8] = 5, [9] = 7 };
            assert_int_equal(rig_submit(twin, samples[3 * lacks[step]]), GM_SAMPLE_ACCEPTED);
        }
        say(twin, samples, step, step != 3 && step != 5 && step != 7);
    }
}

static uint64_t hash_in_order(const gm_sample *samples, size_t steps)
{
    gm_world *world = open_world("");
    gm_twin *twin = open_live(world, NULL);
    for (size_t step = 0; step < steps; step++) {
        say(twin, samples, step, true);
    }
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    return hash;
}

static void without_a_budget_late_samples_are_taken_at_once(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(5, STEPS);
    gm_world *world = open_world("");
    gm_twin *twin = open_live(world, NULL);
    say_late(twin, samples);
    assert_int_equal(rig_status(twin).rewinds, 3);
    assert_int_equal(rig_status(twin).late_waiting, 0);
    assert_true(rig_status(twin).rewind_ns > 0);
    assert_true(gm_twin_hash(twin) == hash_in_order(samples, STEPS));
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void what_cannot_be_paid_for_waits_and_is_taken_together(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(5, STEPS + 1);
    gm_world *world =
        open_world("late budget: 0.0001 %\n"); // a millisecond pays for a quarter hour
    rig_folder folder = rig_folder_make();
    gm_twin *twin = open_live(world, folder.path);
    say_late(twin, samples);
    assert_int_equal(rig_status(twin).rewinds, 1); // the first is free
    assert_int_equal(rig_status(twin).late_waiting, 2);
    assert_int_equal(rig_status(twin).late, 1);
    uint64_t behind = gm_twin_hash(twin);
    assert_true(behind != hash_in_order(samples, STEPS));
    assert_int_equal(rig_submit(twin, samples[3 * 5]), GM_SAMPLE_DUPLICATE); // it waits
    gm_twin_close(twin);
    // the journal says what waited, and opening again forgives the debts
    twin = open_live(world, folder.path);
    assert_true(gm_twin_hash(twin) == behind);
    say(twin, samples, STEPS, true);
    assert_int_equal(rig_status(twin).rewinds, 2);
    assert_int_equal(rig_status(twin).late_waiting, 0);
    assert_int_equal(rig_status(twin).late, 3);
    uint64_t ahead = gm_twin_hash(twin);
    assert_true(ahead == hash_in_order(samples, STEPS + 1));
    gm_twin_close(twin);
    twin = open_live(world, folder.path);
    assert_true(gm_twin_hash(twin) == ahead);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void what_waits_longer_than_the_window_is_only_kept(void **state)
{
    (void)state;
    enum { LONG = 30 };
    gm_sample *samples = rig_record(5, LONG);
    gm_world *world = open_world("late budget: 0.0001 %\n");
    rig_folder folder = rig_folder_make();
    gm_twin *twin = open_live(world, folder.path);
    say_late(twin, samples);
    for (size_t step = STEPS; step < LONG; step++) {
        say(twin, samples, step, true);
    }
    assert_int_equal(rig_status(twin).late_waiting, 0);
    assert_int_equal(rig_status(twin).rewinds, 1);
    assert_int_equal(rig_status(twin).late, 3);
    assert_true(gm_twin_hash(twin) != hash_in_order(samples, LONG));
    rig_settle(twin);
    gm_history_rows rows = rig_history(twin, "sensor/t2", INT64_MAX);
    assert_int_equal(rows.count, LONG); // none was lost
    size_t row = rig_row(&rows, samples[3 * 7].time_ns);
    assert_int_equal(rows.quality[row], 4); // late
    gm_history_rows_free(&rows);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void a_recording_takes_every_sample_at_once(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(5, STEPS);
    gm_world *world = open_world("late budget: 0.0001 %\n");
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_sample swapped = samples[3 * 4];
    memmove(samples + 12, samples + 13, (3 * STEPS - 13) * sizeof *samples);
    samples[3 * STEPS - 1] = swapped;
    swapped = samples[3 * 6];
    memmove(samples + 18, samples + 19, (3 * STEPS - 19) * sizeof *samples);
    samples[3 * STEPS - 1] = swapped;
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    assert_int_equal(rig_status(twin).late_waiting, 0);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_budget_late_samples_are_taken_at_once),
        cmocka_unit_test(what_cannot_be_paid_for_waits_and_is_taken_together),
        cmocka_unit_test(what_waits_longer_than_the_window_is_only_kept),
        cmocka_unit_test(a_recording_takes_every_sample_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
