// Audits: what creeps is noticed although no innovation shows it, what is well is left alone, and
// an audit's event ends as others do.
#include "house_rig.h"

enum { DRIFT_FROM = 150, STEPS = HOUSE_STEPS, SETTLED = 60 };

static const double drift_k = 0.008; // a step: 0.8 K in a hundred

#define PLAIN  HOUSE_HEAD "lanes: 32\n"
#define DETECT PLAIN "detect: "

static const char quiet[] = "{slack: 100, scatter: 1e6, suspect window: 45 min";

/// The house with a monitor that hears nothing, and more of `detect`.
static gm_world *house_of(const char *more)
{
    gm_string text = { 0 };
    gm_string_format(&text, "%s%s%s}\n", DETECT, quiet, more);
    assert_false(text.failed);
    gm_world *world = rig_world_open(text.data);
    gm_string_free(&text);
    return world;
}

/// The first thermometer creeps away.
static gm_sample *creeping(uint64_t seed)
{
    gm_sample *samples = house_record(seed, STEPS, (house_fault){ 0 });
    for (size_t step = DRIFT_FROM; step < STEPS; step++) {
        samples[HOUSE_SENSORS * step].value += drift_k * (double)(step - DRIFT_FROM);
    }
    return samples;
}

static gm_twin *played(const gm_world *world, const gm_sample *samples, size_t steps)
{
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, HOUSE_SENSORS * steps);
    rig_settle(twin);
    return twin;
}

static size_t count_alarms(gm_twin *twin, const char *sensor)
{
    rig_events shown;
    rig_shown_events(twin, &shown);
    return rig_count_events(&shown, "innovation", sensor);
}

static void a_drift_that_no_innovation_shows_is_found(void **state)
{
    (void)state;
    gm_world *world = house_of("");
    for (uint64_t seed = 1; seed <= 3; seed++) {
        gm_sample *samples = creeping(seed);
        gm_twin *twin = played(world, samples, STEPS);
        rig_events shown;
        rig_shown_events(twin, &shown);
        assert_int_equal(rig_count_events(&shown, "innovation", "t1"), 1);
        assert_int_equal(shown.count, 1);
        const gm_twin_event *event = &shown.events[0];
        assert_non_null(strstr(event->text, "higher than the model and the other sensors say"));
        assert_true(event->size > 0.05 && event->size < 0.8);
        assert_true(event->raised_ns > samples[HOUSE_SENSORS * DRIFT_FROM].time_ns);
        gm_suspicion found = house_suspicion(twin, event->id);
        assert_string_equal(found.kind, "drift");
        assert_string_equal(found.suspects[0].sensor, "t1");
        gm_twin_close(twin);
        gm_memory_free(samples);
    }
    gm_world_close(world);
}

/// Groups take turns; one whose sensors are silent misses its own only.
static void a_silent_group_holds_up_none(void **state)
{
    (void)state;
    static const char sensors[] = "sensors:\n", after[] = "estimate: ";
    static const char head[] = PLAIN;
    const char *at = strstr(head, sensors), *end = strstr(head, after);
    gm_string text = { 0 };
    gm_string_add(&text, head, (size_t)(at - head));
    gm_string_format(&text, "  attic:\n    model: thermal\n    nodes:\n"
                            "      air: {capacity: 1 kJ/K, temperature: 20 degC}\n");
    gm_string_add(&text, at, (size_t)(end - at));
    gm_string_format(&text,
                     "  under-roof: {field: attic/air/temperature, from: http, unit: degC, "
                     "noise: 0.1 degC}\n%sdetect: %s}\n",
                     end, quiet);
    assert_false(text.failed);
    gm_world *world = rig_world_open(text.data);
    gm_sample *samples = creeping(1);
    gm_twin *twin = played(world, samples, STEPS);
    assert_int_equal(count_alarms(twin, "t1"), 1);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    gm_string_free(&text);
}

static void it_is_not_looked_for_where_nobody_wants_it(void **state)
{
    (void)state;
    gm_sample *samples = creeping(1);
    gm_world *world = house_of(", audit: false");
    gm_twin *twin = played(world, samples, STEPS);
    assert_int_equal(count_alarms(twin, "t1"), 0);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void healthy_sensors_are_left_alone(void **state)
{
    (void)state;
    gm_world *world = house_of(", audit: 5 min");
    for (uint64_t seed = 11; seed <= 14; seed++) {
        gm_sample *samples = house_record(seed, STEPS, (house_fault){ 0 });
        gm_twin *twin = played(world, samples, STEPS);
        rig_events shown;
        rig_shown_events(twin, &shown);
        assert_int_equal(shown.count, 0);
        gm_twin_close(twin);
        gm_memory_free(samples);
    }
    gm_world_close(world);
}

/// Lanes live on as they would without audits: nothing of them is part of the state.
static void audits_do_not_touch_the_state(void **state)
{
    (void)state;
    gm_sample *samples = creeping(2);
    gm_world *often = house_of(", audit: 2 min"), *never = house_of(", audit: false");
    gm_twin *with = played(often, samples, STEPS), *without = played(never, samples, STEPS);
    assert_true(count_alarms(with, "t1") > 0 && count_alarms(without, "t1") == 0);
    assert_true(gm_twin_hash(with) == gm_twin_hash(without));
    gm_twin_close(with);
    gm_twin_close(without);
    gm_world_close(often);
    gm_world_close(never);
    gm_memory_free(samples);
}

/// What was raised lasts across a restart and a late sample, and ends once sensors agree again.
static void its_event_lasts_and_ends(void **state)
{
    (void)state;
    enum { WELL_FROM = 210, END = 330 };
    gm_sample *samples = house_record(3, END, (house_fault){ 0 });
    for (size_t step = DRIFT_FROM; step < WELL_FROM; step++) {
        samples[HOUSE_SENSORS * step].value += 3.0 * drift_k * (double)(step - DRIFT_FROM);
    }
    gm_world *world = house_of(", audit: 5 min");
    rig_folder folder = rig_folder_make();
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    size_t step = 0;
    while (count_alarms(twin, "t1") == 0 && step < WELL_FROM) {
        size_t held = step == 0 ? 0 : 1; // a reading comes a step late
        rig_feed(twin, samples + HOUSE_SENSORS * step + held, HOUSE_SENSORS - held);
        if (step > 1) {
            rig_feed(twin, samples + HOUSE_SENSORS * (step - 1), 1);
        }
        step++;
    }
    assert_true(step > DRIFT_FROM && step < WELL_FROM);
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder.path, 1);
    assert_int_equal(count_alarms(twin, "t1"), 1);
    rig_feed(twin, samples + HOUSE_SENSORS * (step - 1), 1);
    rig_feed(twin, samples + HOUSE_SENSORS * step, HOUSE_SENSORS * (END - step));
    rig_settle(twin);
    rig_events shown;
    rig_shown_events(twin, &shown);
    assert_int_equal(rig_count_events(&shown, "innovation", "t1"), 1);
    for (size_t index = 0; index < shown.count; index++) {
        assert_true(shown.events[index].end_ns != INT64_MAX);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void spans_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        { ", audit: 1 s", "audit: expected a cycle at least, or false, got '1 s'" },
        { ", audit: often", "often" },
        { ", audit: [1 h]", "audit" },
    };
    for (size_t index = 0; index < sizeof wrong / sizeof *wrong; index++) {
        gm_world *world = house_of(wrong[index][0]);
        gm_twin_options options = gm_default_twin_options();
        gm_twin *twin = NULL;
        gm_error error = { 0 };
        assert_int_not_equal(gm_twin_open(world, &options, &twin, &error), GM_OK);
        if (strstr(error.text, wrong[index][1]) == NULL) {
            fail_msg("expected '%s' in: %s", wrong[index][1], error.text);
        }
        gm_world_close(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drift_that_no_innovation_shows_is_found),
        cmocka_unit_test(a_silent_group_holds_up_none),
        cmocka_unit_test(it_is_not_looked_for_where_nobody_wants_it),
        cmocka_unit_test(healthy_sensors_are_left_alone),
        cmocka_unit_test(audits_do_not_touch_the_state),
        cmocka_unit_test(its_event_lasts_and_ends),
        cmocka_unit_test(spans_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
