// Every filter in the live twin: it follows the plant, learns what is hidden, and ends in the same
// bits.
#include "rig_steps.h"

enum { STEPS = 1600, WORLD_SIZE = 4096 };

static const struct {
    const char *filter;
    double temperature_k, conductance; // how far off the means may be
} kinds[] = {
    { "serial", 0.15, 0.04 },     { "transform", 0.15, 0.04 },
    { "stochastic", 0.15, 0.04 }, { "{kind: local, hops: 2}", 0.15, 0.04 },
    { "local", 0.15, 0.04 },      { "particles", 0.3, 0.08 },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

/// The rig's world with more under `estimate`.
static gm_world *world_with(const char *keys)
{
    static const char at[] = "estimate:\n";
    char text[WORLD_SIZE];
    const char *found = strstr(rig_world, at);
    int size =
        snprintf(text, sizeof text, keys[0] != '\0' ? "%.*s  %s\n%s" : "%.*s%s%s",
                 (int)(found - rig_world + sizeof at - 1), rig_world, keys, found + sizeof at - 1);
    assert_true(size > 0 && size < WORLD_SIZE);
    return rig_world_open(text);
}

static gm_world *filtered_world(const char *filter)
{
    char keys[256];
    snprintf(keys, sizeof keys, "filter: %s", filter);
    return world_with(keys);
}

static gm_summary summary_of(gm_twin *twin, const char *address)
{
    gm_ref ref;
    assert_int_equal(gm_world_find_one(gm_twin_world(twin), address, (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
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

static void every_filter_follows_the_plant_and_learns_what_is_hidden(void **state)
{
    (void)state;
    rig truth = rig_start(21);
    gm_sample *samples = rig_record(21, STEPS);
    for (size_t step = 0; step < STEPS; step++) {
        rig_move(&truth);
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        gm_world *world = filtered_world(kinds[kind].filter);
        gm_twin *twin = rig_twin_open(world, NULL, 1);
        rig_feed(twin, samples, 3 * STEPS);
        rig_settle(twin);
        gm_summary air = summary_of(twin, "box/air/temperature");
        gm_summary heater = summary_of(twin, "box/heater/temperature");
        gm_summary conductance = summary_of(twin, "box/air-room/conductance");
        print_message("%-24s air %+.3f +- %.3f, heater %+.3f +- %.3f, conductance %.3f +- %.3f\n",
                      kinds[kind].filter, air.mean - truth.air_k, air.spread,
                      heater.mean - truth.heater_k, heater.spread, conductance.mean,
                      conductance.spread);
        assert_true(fabs(air.mean - truth.air_k) < kinds[kind].temperature_k);
        assert_true(fabs(conductance.mean - 0.7) < kinds[kind].conductance);
        assert_true(air.spread > 1e-3 && air.spread < 0.1);
        gm_twin_close(twin);
        gm_world_close(world);
    }
    gm_memory_free(samples);
}

// ---- the same bits ----

static uint64_t hash_of(const char *filter, const gm_sample *samples, size_t count, size_t threads)
{
    gm_world *world = filtered_world(filter);
    gm_twin *twin = rig_twin_open(world, NULL, threads);
    rig_feed(twin, samples, count);
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    return hash;
}

static void workers_lateness_and_restarts_change_no_bit(void **state)
{
    (void)state;
    enum { SHORT = 160, LATE = 99 };
    gm_sample *samples = rig_record(22, SHORT), *mixed = rig_record(22, SHORT);
    for (size_t index = 0; index + 3 * LATE < 3 * SHORT; index += 3 * LATE) {
        gm_sample late = mixed[index + 150]; // comes eight cycles later
        memmove(mixed + index + 150, mixed + index + 151, 24 * sizeof late);
        mixed[index + 174] = late;
    }
    for (size_t kind = 0; kind < KINDS; kind++) {
        const char *filter = kinds[kind].filter;
        uint64_t whole = hash_of(filter, samples, 3 * SHORT, 1);
        assert_int_equal(hash_of(filter, samples, 3 * SHORT, 7), whole);
        assert_int_equal(hash_of(filter, mixed, 3 * SHORT, 1), whole);
        rig_folder folder = rig_folder_make();
        gm_world *world = filtered_world(filter);
        for (size_t part = 0; part < 2; part++) {
            gm_twin *twin = rig_twin_open(world, folder.path, 1);
            rig_feed(twin, samples + part * 3 * SHORT / 2, 3 * SHORT / 2);
            if (part == 1) {
                rig_settle(twin);
                assert_int_equal(gm_twin_hash(twin), whole);
            }
            gm_twin_close(twin);
        }
        gm_world_close(world);
        rig_remove(folder.path);
    }
    gm_memory_free(samples);
    gm_memory_free(mixed);
}

// ---- lost tracks ----

enum { JUMP = 400, JUMPED = 800 };

/// The box is carried into a sauna: 40 K more in all of it, at once.
static gm_sample *record_jump(rig *box)
{
    gm_sample *samples = gm_memory_new(3 * JUMPED, sizeof *samples);
    *box = rig_start(23);
    for (size_t step = 0; step < JUMPED; step++) {
        if (step == JUMP) {
            box->air_k += 40.0;
            box->heater_k += 40.0;
        }
        rig_move(box);
        rig_read(box, samples + 3 * step);
    }
    return samples;
}

/// States that are sure of themselves and do not walk.
static gm_world *sure_world(const char *keys)
{
    char text[WORLD_SIZE];
    static const char at[] = "  states: [box/*/temperature]\n";
    const char *found = strstr(rig_world, at);
    assert_non_null(found);
    int size = snprintf(text, sizeof text,
                        "%.*s  states: { \"box/*/temperature\": {spread: 1 K, "
                        "drift: 1 mK/h} }\n%s%s",
                        (int)(found - rig_world), rig_world, keys, found + sizeof at - 1);
    assert_true(size > 0 && size < WORLD_SIZE);
    return rig_world_open(text);
}

static void a_lost_track_is_told_of_and_found_again(void **state)
{
    (void)state;
    rig box;
    gm_sample *samples = record_jump(&box);
    gm_world *world = sure_world("");
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_events before, after;
    rig_feed(twin, samples, 3 * JUMP);
    rig_shown_events(twin, &before);
    assert_int_equal(rig_count_events(&before, "lost track", "box"), 0);
    rig_feed(twin, samples + 3 * JUMP, 3 * (JUMPED - JUMP));
    rig_settle(twin);
    rig_shown_events(twin, &after);
    assert_int_equal(rig_count_events(&after, "lost track", "box"), 1);
    for (size_t index = 0; index < after.count; index++) {
        const gm_twin_event *event = &after.events[index];
        print_message("%s %s: %s\n", event->kind, event->subject, event->text);
        if (strcmp(event->kind, "lost track") == 0) {
            double told_s = (double)(event->raised_ns - RIG_START_NS) * 1e-9 - 3.0 * JUMP;
            assert_true(told_s > 0.0 && told_s < 120.0);
            assert_true(event->end_ns != INT64_MAX);
            assert_non_null(strstr(event->text, "seeded anew"));
        }
    }
    gm_summary air = summary_of(twin, "box/air/temperature");
    assert_true(fabs(air.mean - box.air_k) < 0.3);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void a_lost_track_is_found_in_the_same_bits(void **state)
{
    (void)state;
    rig box;
    gm_sample *samples = record_jump(&box);
    gm_world *world = sure_world("");
    uint64_t hashes[2];
    for (size_t late = 0; late < 2; late++) {
        // the sample that would have told comes late, behind the seeding
        gm_twin *twin = rig_twin_open(world, NULL, late == 0 ? 1 : 7);
        size_t held = 3 * (JUMP + 9);
        rig_feed(twin, samples, held);
        rig_feed(twin, samples + held + late, 25 - late);
        if (late == 1) {
            rig_feed(twin, samples + held, 1);
        }
        rig_feed(twin, samples + held + 25, 3 * JUMPED - held - 25);
        rig_settle(twin);
        hashes[late] = gm_twin_hash(twin);
        gm_twin_close(twin);
    }
    assert_int_equal(hashes[0], hashes[1]);
    gm_world_close(world);
    gm_memory_free(samples);
}

/// The model is wrong as it is known: its states, sure of themselves, drift away.
static void a_hypothesis_that_is_lost_takes_over_the_states_of_another(void **state)
{
    (void)state;
    rig box = rig_start(25);
    for (size_t step = 0; step < JUMPED; step++) {
        rig_move(&box);
    }
    gm_sample *samples = rig_record(25, JUMPED);
    gm_world *world = sure_world("  hypotheses: [as known, drifting]\n");
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * JUMPED);
    rig_settle(twin);
    rig_events events;
    rig_shown_events(twin, &events);
    assert_true(rig_count_events(&events, "lost track", "box") >= 1);
    for (size_t index = 0; index < events.count; index++) {
        print_message("%s: %s\n", events.events[index].kind, events.events[index].text);
        assert_null(strstr(events.events[index].text, "'drifting'"));
    }
    gm_summary air = summary_of(twin, "box/air/temperature");
    print_message("air %+.3f +- %.3f\n", air.mean - box.air_k, air.spread);
    assert_true(fabs(air.mean - box.air_k) < 0.3);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

// ---- what looks after itself ----

static gm_summary air_after(const char *keys)
{
    gm_sample *samples = rig_record(24, STEPS);
    gm_world *world = world_with(keys);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    gm_summary air = summary_of(twin, "box/air/temperature");
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    return air;
}

static void adaptive_inflation_leaves_a_right_model_alone(void **state)
{
    (void)state;
    gm_summary without = air_after(""), with = air_after("inflation: adaptive");
    print_message("spread %.4f, adaptive %.4f\n", without.spread, with.spread);
    assert_true(fabs(with.mean - without.mean) < without.spread);
    assert_true(with.spread < 1.5 * without.spread && with.spread > 0.7 * without.spread);
}

/// Air after a run with a gauge whose errors are five times as large as declared.
static gm_summary air_of_bad_gauge(const char *keys, double *off)
{
    static const char at[] = "noise: 0.1 degC, every", declared[] = "noise: 0.02 degC, every";
    char text[WORLD_SIZE];
    const char *found = strstr(rig_world, at), *rest = found + sizeof at - 1;
    const char *estimate = strstr(rest, "estimate:\n") + sizeof "estimate:\n" - 1;
    int size = snprintf(text, sizeof text, "%.*s%s%.*s%s%s", (int)(found - rig_world), rig_world,
                        declared, (int)(estimate - rest), rest, keys, estimate);
    assert_true(size > 0 && size < WORLD_SIZE);
    gm_sample *samples = rig_record(26, STEPS);
    rig truth = rig_start(26);
    gm_world *world = rig_world_open(text);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    double squares = 0.0;
    for (size_t step = 0; step < STEPS; step++) {
        rig_move(&truth);
        rig_feed(twin, samples + 3 * step, 3);
        if (step >= STEPS / 2) { // the lanes are those of the cycle before the newest sample
            rig_cycle(twin, truth.time_ns);
            double error = summary_of(twin, "box/air/temperature").mean - truth.air_k;
            squares += error * error / (STEPS / 2);
        }
    }
    rig_settle(twin);
    *off = sqrt(squares);
    gm_summary air = summary_of(twin, "box/air/temperature");
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    return air;
}

static void errors_of_a_sensor_are_learned(void **state)
{
    (void)state;
    double off[2];
    gm_summary declared = air_of_bad_gauge("", &off[0]);
    gm_summary learned = air_of_bad_gauge("  noise: learned\n", &off[1]);
    print_message("declared: off by %.3f, spread %.3f; learned: off by %.3f, spread %.3f\n", off[0],
                  declared.spread, off[1], learned.spread);
    assert_true(off[1] < 0.9 * off[0]);
    assert_true(off[1] < 2.0 * learned.spread && off[0] > 2.0 * declared.spread);
}

static void a_spread_stays_above_its_floor(void **state)
{
    (void)state;
    rig box;
    gm_sample *samples = record_jump(&box);
    gm_world *world = rig_world_open(
        "world: box\ncycle: 3 s\nlanes: 64\n"
        "systems:\n  box:\n    model: thermal\n"
        "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} "
        "}\n"
        "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
        "sensors:\n"
        "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC }\n"
        "  room: { field: box/room/temperature, from: http, unit: degC }\n"
        "  heat: { field: box/heater/power, from: http, scale: 125 W }\n"
        "estimate: { states: { box/*/temperature: {spread: 1 K, floor: 0.08 K, drift: 1 mK/h} } "
        "}\n");
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * JUMP);
    rig_settle(twin);
    assert_true(summary_of(twin, "box/air/temperature").spread > 0.06);
    assert_true(summary_of(twin, "box/heater/temperature").spread > 0.06);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

// ---- refusals ----

static void a_local_filter_needs_distances(void **state)
{
    (void)state;
    gm_world *world = filtered_world("{kind: local, radius: 10 m}");
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_twin_open(world, &options, &twin, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "positions"));
    assert_null(twin);
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_follows_the_plant_and_learns_what_is_hidden),
        cmocka_unit_test(workers_lateness_and_restarts_change_no_bit),
        cmocka_unit_test(a_lost_track_is_told_of_and_found_again),
        cmocka_unit_test(a_lost_track_is_found_in_the_same_bits),
        cmocka_unit_test(a_hypothesis_that_is_lost_takes_over_the_states_of_another),
        cmocka_unit_test(adaptive_inflation_leaves_a_right_model_alone),
        cmocka_unit_test(errors_of_a_sensor_are_learned),
        cmocka_unit_test(a_spread_stays_above_its_floor),
        cmocka_unit_test(a_local_filter_needs_distances),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
