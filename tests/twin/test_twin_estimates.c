// What the live twin finds out: hidden parameters, honest forecasts, faults; and what its branches
// cost.
#include "box_rig.h"

enum { FORECAST_STEPS = 8000 };

static void find(const gm_world *world, const char *address, gm_ref *ref)
{
    gm_error error = { 0 };
    if (gm_world_find_one(world, address, (gm_place){ 0 }, ref, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static gm_summary summary_of(gm_twin *twin, const char *address)
{
    gm_ref ref;
    find(gm_twin_world(twin), address, &ref);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    double *values = gm_memory_new(gm_state_lanes(view.state), sizeof *values);
    assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
    gm_summary summary;
    gm_summarise(view.state, values, &summary);
    gm_memory_free(values);
    gm_twin_look_away(twin, &view);
    return summary;
}

static void a_hidden_conductance_is_learned(void **state)
{
    (void)state;
    enum { STEPS = 2400 };
    gm_sample *samples = rig_record(11, STEPS);
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    gm_summary found = summary_of(twin, "box/air-room/conductance");
    assert_float_equal(found.mean, 0.7, 0.03);
    assert_true(found.q05 < 0.7 + 0.02 && found.q95 > 0.7 - 0.02);
    assert_true(found.spread < 0.05);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

/// What is learned of the conductance, which is 0.7, when it has to stay within bounds.
static gm_summary learned_within(const char *bounds)
{
    enum { STEPS = 2400, TEXT_SIZE = 4096 };
    static const char declared[] = "spread: 30 %, drift: 5 %/day";
    const char *at = strstr(rig_world, declared);
    char text[TEXT_SIZE];
    snprintf(text, sizeof text, "%.*sspread: 30 %%, drift: 0.02 W/K/day, within: %s%s",
             (int)(at - rig_world), rig_world, bounds, at + sizeof declared - 1);
    gm_sample *samples = rig_record(11, STEPS);
    gm_world *world = rig_world_open(text);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    gm_summary found = summary_of(twin, "box/air-room/conductance");
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    return found;
}

static void a_parameter_is_learned_within_its_bounds_and_never_leaves_them(void **state)
{
    (void)state;
    gm_summary wide = learned_within("[0.2, 1.4]");
    assert_float_equal(wide.mean, 0.7, 0.03);
    assert_true(wide.spread < 0.05);
    gm_summary narrow = learned_within("[0.4 W/K, 0.62 W/K]");
    assert_true(narrow.mean > 0.59 && narrow.q95 <= 0.62);
}

/// What the recording will say: the drivers' future as it came.
static double future_of(void *context, size_t sensor, int64_t time_ns)
{
    const gm_sample *samples = context;
    int64_t index = (time_ns - RIG_START_NS) / RIG_CYCLE_NS - 1;
    if (index < 0 || index >= FORECAST_STEPS) {
        return NAN;
    }
    double value = samples[3 * index + (int64_t)sensor].value;
    return sensor == 1 ? value + 273.15 : value * 125.0;
}

static void bands_of_90_percent_hold_90_percent(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(12, FORECAST_STEPS);
    gm_world *world = rig_world_open(rig_world);
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    options.known = future_of;
    options.known_context = samples;
    gm_twin *twin = NULL;
    assert_int_equal(gm_twin_open(world, &options, &twin, NULL), GM_OK);
    rig_feed(twin, samples, 3 * FORECAST_STEPS);
    rig_settle(twin);
    gm_score scores[2];
    gm_twin_scores(twin, scores);
    for (size_t index = 0; index < 2; index++) {
        print_message("lead %lld s: %llu scored, rmse %.3f (persistence %.3f), crps %.3f, in 90 %% "
                      "band %.3f\n",
                      (long long)(scores[index].lead_ns / GM_SECOND_NS),
                      (unsigned long long)scores[index].count, scores[index].rmse,
                      scores[index].persistence_rmse, scores[index].crps, scores[index].coverage90);
        assert_true(scores[index].count > 350);
        assert_true(scores[index].coverage90 > 0.87 && scores[index].coverage90 < 0.93);
        assert_true(scores[index].rmse < 0.2 * scores[index].persistence_rmse);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void an_open_lid_is_an_event_that_ends(void **state)
{
    (void)state;
    enum { STEPS = 2000, OPENED = 1200, CLOSED = 1240 };
    gm_sample *samples = gm_memory_new(3 * STEPS, sizeof *samples);
    rig box = rig_start(13);
    for (size_t index = 0; index < STEPS; index++) {
        box.conductance = index >= OPENED && index < CLOSED ? 2.8 : 0.7;
        rig_move(&box);
        rig_read(&box, samples + 3 * index);
    }
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    gm_twin_event events[16];
    size_t count = 0;
    gm_twin_events(twin, false, 16, events, &count);
    size_t found = 0;
    for (size_t index = 0; index < count; index++) {
        double start_s = (double)(events[index].start_ns - RIG_START_NS) * 1e-9 - 3.0 * OPENED;
        print_message("%s: %s (%.0f s after opening)\n", events[index].kind, events[index].text,
                      start_s);
        if (start_s > -30.0 && start_s < 60.0) {
            found++;
            assert_string_equal(events[index].subject, "t2");
            assert_true(events[index].size < 0.0);
            assert_true(events[index].end_ns != INT64_MAX);
        }
    }
    assert_int_equal(found, 1);
    assert_true(count <= 3);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static gm_sample_fate fate_of(gm_twin *twin, const gm_sample *sample)
{
    gm_sample_fate fate = GM_SAMPLE_NONE;
    gm_submission submission = { .samples = sample, .count = 1, .fates = &fate };
    assert_int_equal(gm_twin_submit(twin, &submission, NULL), GM_OK);
    return fate;
}

static void a_sample_counts_once(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(14, 100);
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 300);
    rig_feed(twin, samples + 270, 30);
    gm_sample with = samples[299];
    with.has_sequence = true;
    with.sequence = 7;
    assert_int_equal(fate_of(twin, &with),
                     GM_SAMPLE_ACCEPTED); // a sequence tells samples of one time apart
    assert_int_equal(fate_of(twin, &with), GM_SAMPLE_DUPLICATE);
    gm_sample wrong = samples[299];
    wrong.value = NAN;
    assert_int_equal(fate_of(twin, &wrong), GM_SAMPLE_REJECTED);
    gm_twin_status status;
    gm_twin_status_get(twin, &status);
    assert_int_equal(status.accepted, 301);
    assert_int_equal(status.duplicates, 31);
    assert_int_equal(status.rejected, 1);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void a_sequence_alone_counts_once_even_after_a_restart(void **state)
{
    (void)state;
    char folder[] = "/tmp/gemel-twin-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_sample *samples = rig_record(17, 200);
    gm_world *world = rig_world_open(rig_world);
    for (size_t index = 0; index < 600; index++) {
        samples[index].untimed = samples[index].has_sequence = true;
        samples[index].sequence = index;
    }
    gm_twin *twin = rig_twin_open(world, folder, 1);
    rig_feed(twin, samples, 600);
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder, 1);
    // sent again: the moment they arrive is another, the sequence is the same
    const size_t again[] = { 3, 300, 599 };
    for (size_t index = 0; index < 3; index++) {
        gm_sample sample = samples[again[index]];
        sample.time_ns = samples[599].time_ns + 1 + (int64_t)index;
        gm_sample_fate fate;
        gm_submission submission = { .samples = &sample, .count = 1, .fates = &fate };
        assert_int_equal(gm_twin_submit(twin, &submission, NULL), GM_OK);
        assert_int_equal(fate, GM_SAMPLE_DUPLICATE);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder);
}

static void branches_are_forks_with_lives_of_their_own(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(15, 200);
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_error error = { 0 };
    assert_int_equal(gm_twin_fork(twin, "live", "early", NULL, &error), GM_BUSY);
    rig_feed(twin, samples, 600);
    uint64_t live = gm_twin_hash(twin);
    assert_int_equal(gm_twin_fork(twin, "live", "warm", "warmer room", &error), GM_OK);
    assert_int_equal(gm_twin_fork(twin, "live", "warm", NULL, &error), GM_EXISTS);
    assert_int_equal(gm_twin_fork(twin, "live", "live", NULL, &error), GM_INVALID);
    assert_int_equal(gm_twin_fork(twin, "live", "a/b", NULL, &error), GM_INVALID);
    assert_int_equal(gm_twin_fork(twin, "none", "x", NULL, &error), GM_NOT_FOUND);
    gm_branch_status branches[GM_TWIN_BRANCHES_MAX];
    size_t count = 0;
    gm_twin_branches(twin, branches, &count);
    assert_int_equal(count, 2);
    assert_true(branches[1].memory.own == 0);
    gm_ref room;
    find(world, "box/room/temperature", &room);
    assert_int_equal(gm_twin_branch_set(twin, "warm", room, 303.15, &error), GM_OK);
    assert_int_equal(gm_twin_branch_set(twin, "warm", room, -5.0, &error), GM_INVALID);
    assert_int_equal(gm_twin_branch_set(twin, "live", room, 303.15, &error), GM_INVALID);
    assert_int_equal(gm_twin_branch_advance(twin, "warm", 600 * GM_SECOND_NS, &error), GM_OK);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(twin, "warm", &view, &error), GM_OK);
    double values[64];
    assert_int_equal(gm_state_read(view.state, room, values, &error), GM_OK);
    assert_float_equal(values[5], 303.15, 0.0);
    gm_twin_look_away(twin, &view);
    assert_int_equal(gm_twin_hash(twin), live);
    assert_int_equal(gm_twin_drop(twin, "warm", &error), GM_OK);
    assert_int_equal(gm_twin_drop(twin, "warm", &error), GM_NOT_FOUND);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void branches_survive_a_restart(void **state)
{
    (void)state;
    char folder[] = "/tmp/gemel-twin-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_sample *samples = rig_record(16, 200);
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, folder, 1);
    rig_feed(twin, samples, 600);
    assert_int_equal(gm_twin_fork(twin, NULL, "kept", "as it was", NULL), GM_OK);
    assert_int_equal(gm_twin_fork(twin, NULL, "dropped", NULL, NULL), GM_OK);
    assert_int_equal(gm_twin_branch_advance(twin, "kept", 60 * GM_SECOND_NS, NULL), GM_OK);
    assert_int_equal(gm_twin_drop(twin, "dropped", NULL), GM_OK);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(twin, "kept", &view, NULL), GM_OK);
    uint64_t hash = gm_state_hash(view.state);
    gm_twin_look_away(twin, &view);
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder, 1);
    gm_branch_status branches[GM_TWIN_BRANCHES_MAX];
    size_t count = 0;
    gm_twin_branches(twin, branches, &count);
    assert_int_equal(count, 2);
    assert_string_equal(branches[1].name, "kept");
    assert_string_equal(branches[1].note, "as it was");
    assert_int_equal(gm_twin_look(twin, "kept", &view, NULL), GM_OK);
    assert_int_equal(gm_state_hash(view.state), hash);
    gm_twin_look_away(twin, &view);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hidden_conductance_is_learned),
        cmocka_unit_test(a_parameter_is_learned_within_its_bounds_and_never_leaves_them),
        cmocka_unit_test(bands_of_90_percent_hold_90_percent),
        cmocka_unit_test(an_open_lid_is_an_event_that_ends),
        cmocka_unit_test(a_sample_counts_once),
        cmocka_unit_test(a_sequence_alone_counts_once_even_after_a_restart),
        cmocka_unit_test(branches_are_forks_with_lives_of_their_own),
        cmocka_unit_test(branches_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
