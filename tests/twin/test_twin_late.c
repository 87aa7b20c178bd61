// Samples that come when nobody expects them: too late, too early, out of order, on the border of a
// cycle, many at once. None is lost, none counts twice, and the state depends on none of it.
#include "rig_steps.h"

enum { STEPS = 120 };

static const char *const estimate_series = "box/node/air/temperature";

/// Feeds all steps, then leaves the twin open.
static gm_twin *fed_twin(const gm_world *world, const char *folder, const gm_sample *samples)
{
    gm_twin *twin = rig_twin_open(world, folder, 1);
    rig_feed(twin, samples, 3 * STEPS);
    return twin;
}

static void a_sample_from_before_the_window_is_kept_but_changes_nothing(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(21, STEPS);
    gm_twin *twin = fed_twin(world, folder.path, samples);
    uint64_t before = gm_twin_hash(twin);
    gm_sample late = rig_sample(0, 5.5, 99.0);
    assert_int_equal(rig_submit(twin, late), GM_SAMPLE_ACCEPTED);
    assert_int_equal(rig_submit(twin, late), GM_SAMPLE_DUPLICATE);
    gm_sample next = rig_sample(0, STEPS + 0.5, 30.0);
    rig_cycle(twin, next.time_ns);
    gm_twin_status status = rig_status(twin);
    assert_int_equal(status.late, 1);
    assert_int_equal(status.rewinds, 0);
    gm_history_rows rows = rig_history(twin, "sensor/t2", INT64_MAX);
    size_t row = rig_row(&rows, late.time_ns);
    assert_true(fabs(rows.values[row] - 99.0 - 273.15) < 1e-9);
    assert_true(rows.quality[row] != 0);
    size_t good = rig_row(&rows, samples[0].time_ns);
    assert_int_equal(rows.quality[good], 0);
    assert_int_not_equal(rows.quality[row], rows.quality[good]);
    gm_history_rows_free(&rows);
    assert_int_equal(rig_submit(twin, late), GM_SAMPLE_DUPLICATE);
    gm_twin_close(twin);
    // the same record without the late one
    twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * STEPS);
    assert_int_equal(gm_twin_hash(twin), before);
    rig_cycle(twin, next.time_ns);
    uint64_t without = gm_twin_hash(twin);
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder.path, 1);
    assert_int_equal(gm_twin_hash(twin), without);
    assert_int_equal(rig_submit(twin, late), GM_SAMPLE_DUPLICATE);
    assert_int_equal(rig_submit(twin, samples[0]), GM_SAMPLE_DUPLICATE);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static const char delayed_world[] =
    "world: box\n"
    "cycle: 3 s\n"
    "lanes: 8\n"
    "lateness: 9 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { air-room: {conductance: 0.5 W/K} }\n"
    "sensors:\n"
    "  t2: { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, delay: 30 s }\n"
    "estimate: { states: [box/air/temperature] }\n";

static void a_sensor_with_a_delay_is_known_by_its_own_times(void **state)
{
    (void)state;
    enum { COUNT = 3000 }; // enough for the set of seen samples to forget the oldest
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(delayed_world);
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    for (size_t step = 1; step <= COUNT; step++) {
        gm_sample sample = rig_sample(0, (double)step, 20.0);
        assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_ACCEPTED);
        rig_cycle(twin, sample.time_ns - 30 * GM_SECOND_NS);
    }
    for (size_t step = 1; step <= COUNT; step += 7) {
        assert_int_equal(rig_submit(twin, rig_sample(0, (double)step, 20.0)), GM_SAMPLE_DUPLICATE);
    }
    assert_int_equal(rig_status(twin).accepted, COUNT);
    gm_twin_close(twin);
    gm_world_close(world);
    rig_remove(folder.path);
}

static uint64_t hash_of(const char *text, const gm_sample *samples, size_t count)
{
    gm_world *world = rig_world_open(text);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    for (size_t index = 0; index < count; index++) {
        assert_int_equal(rig_submit(twin, samples[index]), GM_SAMPLE_ACCEPTED);
    }
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    assert_int_equal(rig_status(twin).accepted, count);
    gm_twin_close(twin);
    gm_world_close(world);
    return hash;
}

static void order_within_a_cycle_never_changes_a_bit(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    gm_sample forward[COUNT], backward[COUNT];
    for (size_t index = 0; index < COUNT; index++) {
        // several in each cycle, some of one time, some right on its end
        double step = 1.0 + (double)(index / 6) + (double)(index % 6) / 5.0;
        forward[index] = rig_sample(index % 2, step, 20.0 + (double)(index % 7));
        forward[index].has_sequence = true;
        forward[index].sequence = index;
        backward[COUNT - 1 - index] = forward[index];
    }
    assert_int_equal(hash_of(rig_world, backward, COUNT), hash_of(rig_world, forward, COUNT));
}

static void sequences_tell_samples_of_one_time_apart(void **state)
{
    (void)state;
    gm_sample samples[4];
    for (size_t index = 0; index < 4; index++) {
        samples[index] = rig_sample(0, 1.0, 20.0 + (double)index);
        samples[index].has_sequence = index > 0;
        samples[index].sequence = index > 0 ? index - 1 : 0; // the first has none, the second zero
    }
    uint64_t forward = hash_of(rig_world, samples, 4);
    gm_sample swapped[4] = { samples[1], samples[0], samples[3], samples[2] };
    assert_int_equal(hash_of(rig_world, swapped, 4), forward);
}

static void samples_on_a_cycle_s_end_belong_to_it(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    int64_t end_ns = (RIG_START_NS / RIG_CYCLE_NS + 1) * RIG_CYCLE_NS;
    gm_sample sample = { .sensor = 0, .time_ns = end_ns, .value = 25.0 };
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_ACCEPTED);
    rig_cycle(twin, end_ns + 30 * GM_SECOND_NS);
    // a recording begins with the cycle that its first sample ends
    assert_int_equal(rig_status(twin).rewinds, 0);
    sample.time_ns += RIG_CYCLE_NS;
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_ACCEPTED);
    rig_settle(twin);
    gm_sensor_status sensor;
    gm_twin_sensor(twin, 0, &sensor);
    assert_int_equal(sensor.time_ns, sample.time_ns);
    assert_int_equal(rig_status(twin).late, 1);
    assert_int_equal(rig_status(twin).rewinds, 1);
    gm_twin_close(twin);
    gm_world_close(world);
}

static void times_no_clock_can_show_are_rejected(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_sample sample = { .sensor = 0, .time_ns = INT64_MAX, .value = 25.0 };
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_REJECTED);
    sample.time_ns = -1;
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_REJECTED);
    sample = rig_sample(99, 1.0, 20.0);
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_REJECTED);
    rig_settle(twin);
    assert_int_equal(rig_status(twin).rejected, 3);
    gm_twin_close(twin);
    gm_world_close(world);
}

static void many_times_in_one_cycle_are_all_taken(void **state)
{
    (void)state;
    enum { COUNT = 5000 };
    gm_sample *samples = gm_memory_new(COUNT, sizeof *samples);
    for (size_t index = 0; index < COUNT; index++) {
        samples[index] = rig_sample(0, 1.0 + 0.9 * (double)index / COUNT, 20.0);
    }
    assert_true(hash_of(rig_world, samples, COUNT) != 0);
    gm_memory_free(samples);
}

/// One cycle with more sample times than are offered is held; the twin goes on.
static void too_many_times_in_one_cycle_do_not_stop_the_twin(void **state)
{
    (void)state;
    enum { COUNT = 70000 };
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_sample *samples = gm_memory_new(COUNT, sizeof *samples);
    gm_sample_fate *fates = gm_memory_new(COUNT, sizeof *fates);
    for (size_t index = 0; index < COUNT; index++) {
        samples[index] = rig_sample(0, 1.5 + 0.4 * (double)index / COUNT, 20.0);
    }
    assert_int_equal(rig_submit(twin, rig_sample(0, 1.0, 20.0)), GM_SAMPLE_ACCEPTED);
    gm_submission submission = { .samples = samples, .count = COUNT, .fates = fates };
    assert_int_equal(gm_twin_submit(twin, &submission, NULL), GM_OK);
    rig_cycle(twin, rig_sample(0, 20.0, 0.0).time_ns);
    assert_int_equal(rig_submit(twin, rig_sample(0, 21.0, 22.0)), GM_SAMPLE_ACCEPTED);
    rig_settle(twin);
    gm_sensor_status sensor;
    gm_twin_sensor(twin, 0, &sensor);
    assert_int_equal(sensor.time_ns, rig_sample(0, 21.0, 0.0).time_ns);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    gm_memory_free(fates);
}

static void a_re_estimate_is_a_new_version_of_history(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(22, STEPS);
    gm_twin *twin = fed_twin(world, folder.path, samples);
    gm_history_rows before = rig_history(twin, estimate_series, INT64_MAX);
    int64_t newest_ns = before.time_ns[before.count - 1];
    for (size_t row = 0; row < before.count; row++) {
        assert_int_equal(before.time_ns[row] % RIG_CYCLE_NS, 0);
        assert_int_equal(before.known_ns[row], before.time_ns[row]);
    }
    gm_sample late = { .sensor = 0, .time_ns = newest_ns - 4 * RIG_CYCLE_NS + 1, .value = 33.0 };
    assert_int_equal(rig_submit(twin, late), GM_SAMPLE_ACCEPTED);
    rig_cycle(twin, newest_ns + RIG_CYCLE_NS);
    assert_int_equal(rig_status(twin).rewinds, 1);
    for (int restarts = 0; restarts < 3; restarts++) {
        gm_history_rows after = rig_history(twin, estimate_series, INT64_MAX);
        gm_history_rows then = rig_history(twin, estimate_series, newest_ns);
        assert_int_equal(after.count, before.count + 1);
        assert_int_equal(then.count, before.count);
        size_t changed = 0;
        for (size_t row = 0; row < before.count; row++) {
            assert_true(then.values[2 * row] == before.values[2 * row]);
            changed += after.values[2 * row] != before.values[2 * row];
        }
        assert_int_equal(changed, 4);
        gm_history_rows_free(&after);
        gm_history_rows_free(&then);
        gm_twin_close(twin);
        twin = rig_twin_open(world, folder.path, 1);
    }
    gm_history_rows_free(&before);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void counters_survive_a_restart(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(23, STEPS);
    gm_twin *twin = fed_twin(world, folder.path, samples);
    assert_int_equal(rig_submit(twin, rig_sample(0, 2.5, 20.0)), GM_SAMPLE_ACCEPTED);
    assert_int_equal(rig_submit(twin, rig_sample(0, STEPS - 3.5, 20.0)), GM_SAMPLE_ACCEPTED);
    rig_settle(twin);
    gm_twin_status before = rig_status(twin);
    assert_int_equal(before.late, 2);
    gm_twin_close(twin);
    for (int restarts = 0; restarts < 3; restarts++) {
        twin = rig_twin_open(world, folder.path, 1);
        gm_twin_status after = rig_status(twin);
        assert_int_equal(after.cycles, before.cycles);
        assert_int_equal(after.accepted, before.accepted);
        assert_int_equal(after.forecasts, before.forecasts);
        assert_int_equal(after.late, before.late);
        gm_twin_close(twin);
    }
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sample_from_before_the_window_is_kept_but_changes_nothing),
        cmocka_unit_test(a_sensor_with_a_delay_is_known_by_its_own_times),
        cmocka_unit_test(order_within_a_cycle_never_changes_a_bit),
        cmocka_unit_test(sequences_tell_samples_of_one_time_apart),
        cmocka_unit_test(samples_on_a_cycle_s_end_belong_to_it),
        cmocka_unit_test(times_no_clock_can_show_are_rejected),
        cmocka_unit_test(many_times_in_one_cycle_are_all_taken),
        cmocka_unit_test(too_many_times_in_one_cycle_do_not_stop_the_twin),
        cmocka_unit_test(a_re_estimate_is_a_new_version_of_history),
        cmocka_unit_test(counters_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
