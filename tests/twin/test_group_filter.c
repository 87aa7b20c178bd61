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
    int size = snprintf(text, sizeof text, "%.*s  %s\n%s", (int)(found - rig_world + sizeof at - 1),
                        rig_world, keys, found + sizeof at - 1);
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
    assert_int_equal(
        gm_world_find_one(gm_twin_world(twin), address, (gm_place){ 0 }, &ref, NULL), GM_OK);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_filter_follows_the_plant_and_learns_what_is_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
