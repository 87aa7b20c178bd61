// Events of a live twin: raised, cleared, withdrawn when late samples explain them, the same after
// a restart; and cycles in which lanes fail.
#include "rig_steps.h"

static const char events_world[] =
    "world: box\n"
    "cycle: 3 s\n"
    "lanes: 16\n"
    "lateness: 60 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 3 s, "
    "range: [-20, 80] }\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC }\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W }\n"
    "estimate: { states: [box/*/temperature] }\n";

static const gm_twin_event *event_of(const rig_events *events, const char *kind)
{
    for (size_t index = 0; index < events->count; index++) {
        if (strcmp(events->events[index].kind, kind) == 0) {
            return &events->events[index];
        }
    }
    fail_msg("no event of kind %s", kind);
    return NULL;
}

static void expect_unique(const rig_events *events)
{
    for (size_t index = 0; index < events->count; index++) {
        assert_true(events->events[index].id != 0);
        for (size_t other = 0; other < index; other++) {
            assert_true(events->events[index].id != events->events[other].id);
        }
    }
}

/// What the twin shows and what the store holds are the same.
static void expect_stored(gm_twin *twin)
{
    rig_events shown, stored;
    rig_shown_events(twin, &shown);
    rig_stored_events(twin, &stored);
    expect_unique(&shown);
    expect_unique(&stored);
    for (size_t index = 0; index < shown.count; index++) {
        const gm_twin_event *event = &shown.events[index];
        bool found = false;
        for (size_t other = 0; other < stored.count; other++) {
            const gm_twin_event *kept = &stored.events[other];
            if (kept->id == event->id) {
                found = true;
                assert_int_equal(kept->start_ns, event->start_ns);
                assert_int_equal(kept->end_ns, event->end_ns);
                assert_string_equal(kept->text, event->text);
            }
        }
        assert_true(found);
    }
}

static gm_twin *restarted(gm_twin *twin, const char *folder)
{
    const gm_world *world = gm_twin_world(twin);
    gm_twin_close(twin);
    return rig_twin_open(world, folder, 1);
}

/// Steps [from, to) of a recording, without those of one sensor.
static void feed_without(gm_twin *twin, const gm_sample *samples, size_t from, size_t to,
                         size_t sensor)
{
    for (size_t index = 3 * from; index < 3 * to; index++) {
        if (samples[index].sensor != sensor) {
            rig_feed(twin, &samples[index], 1);
        }
    }
}

static void silence_is_an_event_until_the_sensor_speaks(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(events_world);
    gm_sample *samples = rig_record(41, 120);
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, samples, 3 * 60);
    feed_without(twin, samples, 60, 90, 0);
    twin = restarted(twin, folder.path);
    rig_events shown;
    rig_shown_events(twin, &shown);
    assert_int_equal(rig_count_events(&shown, "stale", "t2"), 1);
    assert_int_equal(rig_status(twin).open_events, 1);
    const gm_twin_event *stale = event_of(&shown, "stale");
    assert_int_equal(stale->start_ns, samples[3 * 59].time_ns);
    assert_int_equal(stale->end_ns, INT64_MAX);
    gm_sensor_status sensor;
    gm_twin_sensor(twin, 0, &sensor);
    assert_string_equal(sensor.quality, "stale");
    rig_feed(twin, samples + 3 * 90, 3 * 30);
    for (int restarts = 0; restarts < 3; restarts++) {
        twin = restarted(twin, folder.path);
        rig_shown_events(twin, &shown);
        assert_int_equal(shown.count, 1);
        assert_int_equal(event_of(&shown, "stale")->end_ns, samples[3 * 90].time_ns);
        expect_stored(twin);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void late_samples_withdraw_a_silence(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(events_world);
    gm_sample *samples = rig_record(42, 120);
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, samples, 3 * 60);
    feed_without(twin, samples, 60, 75, 0);
    assert_int_equal(rig_status(twin).open_events, 1);
    for (size_t step = 60; step < 75; step++) { // they come after all
        assert_int_equal(rig_submit(twin, samples[3 * step]), GM_SAMPLE_ACCEPTED);
    }
    rig_feed(twin, samples + 3 * 75, 3 * 45);
    for (int restarts = 0; restarts < 3; restarts++) {
        rig_events shown, stored;
        rig_shown_events(twin, &shown);
        assert_int_equal(shown.count, 0);
        assert_int_equal(rig_status(twin).open_events, 0);
        rig_stored_events(twin, &stored);
        assert_int_equal(stored.count, 1);
        assert_true(stored.events[0].end_ns != INT64_MAX);
        assert_non_null(strstr(stored.events[0].text, "withdrawn"));
        twin = restarted(twin, folder.path);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

/// The end of an event is taken back when late samples show that it lasts.
static void late_samples_let_an_event_last(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(events_world);
    gm_sample *samples = rig_record(43, 120);
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, samples, 3 * 60);
    feed_without(twin, samples, 60, 66, 0);
    gm_sample high = samples[3 * 66];
    high.value = 200.0;
    rig_feed(twin, &high, 1);
    feed_without(twin, samples, 66, 67, 0);
    rig_feed(twin, samples + 3 * 67, 3);
    feed_without(twin, samples, 68, 72, 0);
    rig_events shown;
    rig_shown_events(twin, &shown);
    assert_int_equal(event_of(&shown, "range")->end_ns, samples[3 * 67].time_ns);
    expect_stored(twin);
    // high again, after the plausible one: a range event of its own; one before the first high
    // one moves nothing
    gm_sample again = samples[3 * 68];
    again.value = 201.0;
    assert_int_equal(rig_submit(twin, again), GM_SAMPLE_ACCEPTED);
    gm_sample quiet = samples[3 * 63];
    assert_int_equal(rig_submit(twin, quiet), GM_SAMPLE_ACCEPTED);
    feed_without(twin, samples, 72, 76, 0);
    rig_shown_events(twin, &shown);
    assert_int_equal(rig_count_events(&shown, "range", "t2"), 2);
    expect_stored(twin);
    for (int restarts = 0; restarts < 2; restarts++) {
        twin = restarted(twin, folder.path);
        rig_events after;
        rig_shown_events(twin, &after);
        assert_int_equal(rig_count_events(&after, "range", "t2"), 2);
        assert_int_equal(after.count, shown.count);
        expect_stored(twin);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void implausible_values_are_one_event_and_move_nothing(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(events_world);
    gm_sample *samples = rig_record(44, 120);
    for (size_t step = 60; step < 70; step++) {
        samples[3 * step].value = 500.0;
    }
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, samples, 3 * 65);
    twin = restarted(twin, folder.path);
    rig_feed(twin, samples + 3 * 50, 3 * 70);
    rig_settle(twin);
    rig_events shown;
    rig_shown_events(twin, &shown);
    assert_int_equal(rig_count_events(&shown, "range", "t2"), 1);
    const gm_twin_event *range = event_of(&shown, "range");
    assert_int_equal(range->start_ns, samples[3 * 60].time_ns);
    assert_int_equal(range->end_ns, samples[3 * 70].time_ns);
    expect_stored(twin);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    double air_k[16];
    gm_ref ref = world->sensors[0].ref;
    assert_int_equal(gm_state_read(view.state, ref, air_k, NULL), GM_OK);
    assert_true(air_k[0] < 350.0);
    gm_twin_look_away(twin, &view);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

/// Up to what was found out about them, which depends on when it was looked into.
static bool same_sentence(const char *a, const char *b)
{
    size_t length = strcspn(a, ";");
    return length == strcspn(b, ";") && strncmp(a, b, length) == 0;
}

/// As the samples in order: the same events for any order of arrival and any restarts.
static void events_are_the_same_for_any_order_of_arrival(void **state)
{
    (void)state;
    enum { STEPS = 200, LAG = 9 };
    gm_world *world = rig_world_open(events_world);
    gm_sample *samples = rig_record(45, STEPS);
    for (size_t step = 120; step < 150; step++) {
        samples[3 * step].value += 15.0;
    }
    rig_folder folders[2] = { rig_folder_make(), rig_folder_make() };
    gm_twin *straight = rig_twin_open(world, folders[0].path, 1);
    rig_feed(straight, samples, 3 * STEPS);
    rig_settle(straight);
    gm_twin *crooked = rig_twin_open(world, folders[1].path, 1);
    for (size_t step = 0; step < STEPS + LAG; step++) {
        // the thermometer lags behind the others, more and less
        size_t lag = step % (LAG + 1);
        if (step < STEPS) {
            rig_feed(crooked, samples + 3 * step + 1, 2);
        }
        for (size_t old = step >= LAG ? step - LAG : 0; old <= step && old < STEPS; old++) {
            if (old + lag <= step) {
                rig_feed(crooked, samples + 3 * old, 1);
            }
        }
        if (step % 40 == 39) {
            crooked = restarted(crooked, folders[1].path);
        }
    }
    rig_settle(crooked);
    assert_int_equal(gm_twin_hash(crooked), gm_twin_hash(straight));
    rig_events right, left;
    rig_shown_events(straight, &right);
    rig_shown_events(crooked, &left);
    assert_true(rig_count_events(&right, "innovation", "t2") > 0);
    assert_int_equal(left.count, right.count);
    for (size_t index = 0; index < right.count; index++) {
        const gm_twin_event *event = &right.events[index];
        bool found = false;
        for (size_t other = 0; other < left.count; other++) {
            found = found || (left.events[other].id == event->id &&
                              left.events[other].start_ns == event->start_ns &&
                              left.events[other].end_ns == event->end_ns &&
                              same_sentence(left.events[other].text, event->text));
        }
        assert_true(found);
    }
    expect_stored(straight);
    expect_stored(crooked);
    gm_twin_close(straight);
    gm_twin_close(crooked);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folders[0].path);
    rig_remove(folders[1].path);
}

/// A power that melts the box in one cycle fails every lane: the cycle is held, the next one starts
/// clean.
static void a_cycle_without_lanes_is_held(void **state)
{
    (void)state;
    enum { STEPS = 100 };
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(events_world);
    gm_sample *samples = rig_record(46, STEPS);
    gm_sample *mad = rig_record(46, STEPS);
    mad[3 * 60 + 2].value = 1e10;
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, mad, 3 * 65);
    assert_int_equal(rig_status(twin).lanes_left, 16);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    double air_k[16];
    assert_int_equal(gm_state_read(view.state, world->sensors[0].ref, air_k, NULL), GM_OK);
    for (size_t lane = 0; lane < 16; lane++) {
        assert_true(fabs(air_k[lane] - 273.15 - samples[3 * 63].value) < 3.0);
    }
    gm_twin_look_away(twin, &view);
    twin = restarted(twin, folder.path);
    rig_feed(twin, mad + 3 * 65, 3 * (STEPS - 65));
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    expect_stored(twin);
    gm_twin_close(twin);
    // without a restart in between, and with the mad one late
    for (int late = 0; late < 2; late++) {
        twin = rig_twin_open(world, NULL, 1);
        rig_feed(twin, mad, 3 * 60 + 2);
        rig_feed(twin, mad + 3 * 60 + (late ? 3 : 2), 3 * 3);
        if (late) {
            assert_int_equal(rig_submit(twin, mad[3 * 60 + 2]), GM_SAMPLE_ACCEPTED);
        }
        rig_feed(twin, mad + 3 * 62, 3 * (STEPS - 62));
        rig_settle(twin);
        assert_int_equal(gm_twin_hash(twin), hash);
        gm_twin_close(twin);
    }
    gm_world_close(world);
    gm_memory_free(samples);
    gm_memory_free(mad);
    rig_remove(folder.path);
}

/// Power so close to the bounds that noise decides which lanes fail.
static void lanes_that_fail_are_replaced(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(events_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_submit(twin, rig_sample(0, 1.0, 20.0));
    rig_submit(twin, rig_sample(1, 1.0, 20.0));
    rig_cycle(twin, rig_sample(0, 40.0, 0.0).time_ns);
    // a heater near absolute zero: lanes a little colder than others fall through it
    for (size_t step = 41; step < 80; step++) {
        rig_submit(twin, rig_sample(2, (double)step, -14.0));
        rig_cycle(twin, rig_sample(0, (double)step, 0.0).time_ns);
        gm_twin_status status = rig_status(twin);
        assert_int_equal(status.lanes_left, status.lanes);
    }
    rig_submit(twin, rig_sample(2, 81.0, 0.0));
    for (size_t step = 81; step < 140; step++) {
        rig_submit(twin, rig_sample(0, (double)step, 20.0));
        rig_cycle(twin, rig_sample(0, (double)step, 0.0).time_ns);
    }
    assert_int_equal(rig_status(twin).lanes_left, 16);
    gm_sensor_status sensor;
    gm_twin_sensor(twin, 0, &sensor);
    assert_true(isfinite(sensor.estimate) && fabs(sensor.innovation) < 5.0);
    gm_twin_close(twin);
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(silence_is_an_event_until_the_sensor_speaks),
        cmocka_unit_test(late_samples_withdraw_a_silence),
        cmocka_unit_test(late_samples_let_an_event_last),
        cmocka_unit_test(implausible_values_are_one_event_and_move_nothing),
        cmocka_unit_test(events_are_the_same_for_any_order_of_arrival),
        cmocka_unit_test(a_cycle_without_lanes_is_held),
        cmocka_unit_test(lanes_that_fail_are_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
