// Samples that contradict each other: the first one counts, the history marks it, and a sensor that
// does it again and again has an event. And sensors that fall silent or speak when they like.
#include "rig_steps.h"

enum { STEPS = 40, CONTRADICTED = 5 };
static const char kind[] = "contradicting";

static gm_sample with_value(gm_sample sample, double value)
{
    sample.value = value;
    return sample;
}

static void say(gm_twin *twin, const gm_sample *samples, size_t step)
{
    for (size_t sensor = 0; sensor < 3; sensor++) {
        assert_int_equal(rig_submit(twin, samples[3 * step + sensor]), GM_SAMPLE_ACCEPTED);
    }
}

static uint64_t plain_hash(const gm_world *world, const gm_sample *samples, size_t steps)
{
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * steps);
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    return hash;
}

static void the_first_of_two_values_counts(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(9, STEPS);
    rig_folder folder = rig_folder_make();
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    for (size_t step = 0; step < STEPS; step++) {
        say(twin, samples, step);
        gm_sample first = samples[3 * step];
        if (step == 7 || step == 20) {
            assert_int_equal(rig_submit(twin, first), GM_SAMPLE_DUPLICATE);
            assert_int_equal(rig_submit(twin, with_value(first, 70.0)), GM_SAMPLE_CONTRADICTING);
        }
        if (step == 25) { // late, and still known
            assert_int_equal(rig_submit(twin, with_value(samples[3 * 22], 3.0)),
                             GM_SAMPLE_CONTRADICTING);
        }
        rig_cycle(twin, first.time_ns - 1);
    }
    rig_settle(twin);
    assert_int_equal(rig_status(twin).contradicting, 3);
    assert_int_equal(rig_status(twin).duplicates, 2);
    assert_int_equal(rig_status(twin).accepted, 3 * STEPS);
    assert_int_equal(rig_status(twin).rewinds, 0);
    uint64_t hash = gm_twin_hash(twin);
    assert_true(hash == plain_hash(world, samples, STEPS));
    gm_history_rows rows = rig_history(twin, "sensor/t2", INT64_MAX);
    assert_int_equal(rows.count, STEPS);
    for (size_t step = 0; step < STEPS; step++) {
        size_t row = rig_row(&rows, samples[3 * step].time_ns);
        bool marked = step == 7 || step == 20 || step == 22;
        assert_int_equal(rows.quality[row], marked ? CONTRADICTED : 0);
        assert_true(fabs(rows.values[row] - samples[3 * step].value - 273.15) < 0.01);
    }
    gm_history_rows_free(&rows);
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder.path, 1);
    assert_true(gm_twin_hash(twin) == hash);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void sequences_tell_readings_of_one_time_apart(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_sample sample = rig_sample(0, 1.0, 20.0);
    sample.has_sequence = true;
    sample.sequence = 5;
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_ACCEPTED);
    assert_int_equal(rig_submit(twin, with_value(sample, 21.0)), GM_SAMPLE_CONTRADICTING);
    sample.sequence = 6;
    assert_int_equal(rig_submit(twin, with_value(sample, 22.0)), GM_SAMPLE_ACCEPTED);
    gm_twin_close(twin);
    gm_world_close(world);
}

static size_t open_events(gm_twin *twin)
{
    static rig_events shown;
    size_t count = 0;
    rig_shown_events(twin, &shown);
    for (size_t index = 0; index < shown.count; index++) {
        count +=
            strcmp(shown.events[index].kind, kind) == 0 && shown.events[index].end_ns == INT64_MAX;
    }
    return count;
}

/// Three contradictions, a rewind behind the event, and what is shown of it meanwhile.
/// @param restarts_at  a step; 0: none
static void tell_apart(size_t restarts_at)
{
    enum { LONG = 300 };
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(9, LONG);
    rig_folder folder = rig_folder_make();
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    static rig_events shown;
    for (size_t step = 0; step < LONG; step++) {
        gm_sample first = samples[3 * step];
        if (step != 30) { // whose sample comes late, behind the event
            rig_submit(twin, first);
        }
        rig_submit(twin, samples[3 * step + 1]);
        rig_submit(twin, samples[3 * step + 2]);
        if (step == 10 || step == 20 || step == 32) {
            rig_submit(twin, with_value(first, first.value + 1.0));
        }
        if (step == 34) {
            rig_submit(twin, samples[3 * 30]);
        }
        rig_cycle(twin, first.time_ns - 1);
        bool begun = step >= 33, over = step >= 240; // ten minutes after the last one
        if (step < 32 || begun) {
            bool sure = !begun || over || step < 230;
            assert_true(!sure || open_events(twin) == (begun && !over));
        }
        if (step == restarts_at && step > 0) {
            gm_twin_close(twin);
            twin = rig_twin_open(world, folder.path, 3);
        }
    }
    assert_int_equal(rig_status(twin).rewinds, 1);
    rig_shown_events(twin, &shown);
    assert_int_equal(rig_count_events(&shown, kind, "t2"), 1);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void again_and_again_is_an_event_until_it_stops(void **state)
{
    (void)state;
    tell_apart(0);
}

static void a_restart_keeps_the_event(void **state)
{
    (void)state;
    tell_apart(100);
    tell_apart(35);
}

static void silent_and_irregular_sensors_are_no_trouble(void **state)
{
    (void)state;
    enum { LONG = 400 };
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(9, LONG);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_random random = gm_random_for(2, "irregular");
    for (size_t step = 0; step < LONG; step++) {
        rig_submit(twin, samples[3 * step + 1]);
        rig_submit(twin, samples[3 * step + 2]);
        // the thermometer speaks when it likes, and not at all between steps 150 and 250
        double lot = gm_random_uniform(random, (gm_draw){ .element = (uint32_t)step });
        if ((step < 150 || step >= 250) && lot < 0.3) {
            rig_submit(twin, samples[3 * step]);
        }
        rig_cycle(twin, samples[3 * step].time_ns - 1);
        if (step == 200) {
            gm_sensor_status status;
            gm_twin_sensor(twin, 0, &status);
            assert_string_equal(status.quality, "stale");
        }
    }
    rig_settle(twin);
    double values[64];
    gm_twin_view view;
    gm_ref ref;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    assert_int_equal(gm_world_find_one(world, "box/air/temperature", (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
    gm_summary summary;
    gm_summarise(view.state, values, &summary);
    gm_twin_look_away(twin, &view);
    assert_true(fabs(summary.mean - samples[3 * (LONG - 1)].value - 273.15) < 0.5);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_of_two_values_counts),
        cmocka_unit_test(sequences_tell_readings_of_one_time_apart),
        cmocka_unit_test(again_and_again_is_an_event_until_it_stops),
        cmocka_unit_test(a_restart_keeps_the_event),
        cmocka_unit_test(silent_and_irregular_sensors_are_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
