// Trials of forecasts: which windows count, and that a trial can be told again.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "study/forecast_trial.h"

enum { LEADS_MAX = 8, MINUTES = 70 };

static const int64_t minute_ns = 60 * GM_SECOND_NS;
static const int64_t start_ns = 1767571200 * GM_SECOND_NS;

static gm_world *open_box(void)
{
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_open(GEMEL_SOURCE_DIR "/examples/incubator/world.yaml", &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_true(world->forecast.lead_count <= LEADS_MAX);
    return world;
}

static gm_status run(const gm_world *world, gm_forecast_tally *tallies, gm_error *error)
{
    const gm_device_options devices = { .start_ns = start_ns, .seed = 3, .faultless = true };
    const gm_forecast_span span = { start_ns, start_ns + MINUTES * minute_ns,
                                    start_ns + 20 * minute_ns };
    return gm_forecast_trial_run(world, &devices, &span, tallies, error);
}

static void windows_of_a_lead_follow_each_other(void **state)
{
    (void)state;
    gm_world *world = open_box();
    gm_forecast_tally tallies[LEADS_MAX] = { 0 }, again[LEADS_MAX] = { 0 }, all = { 0 };
    gm_error error = { 0 };
    if (run(world, tallies, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    for (size_t lead = 0; lead < world->forecast.lead_count; lead++) {
        const gm_forecast_tally *tally = &tallies[lead];
        // the first is issued a minute after the start
        int64_t windows = (MINUTES - 1) * minute_ns / world->forecast.leads_ns[lead];
        assert_int_equal(tally->truth90.count, windows);
        assert_int_equal(tally->truth50.count, windows);
        assert_true(tally->early90.count <= tally->truth90.count);
        assert_true(tally->truth50.inside <= tally->truth90.inside);
        assert_true(tally->readings >= (double)windows);
        assert_true(tally->inside50 <= tally->inside90);
        gm_forecast_tally_join(&all, tally);
    }
    assert_true(all.crps > 0.0 && all.raw_crps > 0.0 && all.width50 < all.width90);
    assert_true(tallies[0].early90.count > 0);
    assert_int_equal(run(world, again, &error), GM_OK);
    assert_memory_equal(tallies, again, sizeof tallies);
    gm_world_close(world);
}

static void leads_between_two_forecasts_are_refused(void **state)
{
    (void)state;
    gm_world *world = open_box();
    gm_forecast_tally tallies[LEADS_MAX] = { 0 };
    const gm_forecast_tally none[LEADS_MAX] = { 0 };
    gm_error error = { 0 };
    int64_t every_ns = world->forecast.every_ns;
    world->forecast.every_ns = 7 * minute_ns;
    assert_int_equal(run(world, tallies, &error), GM_INVALID);
    world->forecast.every_ns = 0;
    assert_int_equal(run(world, tallies, &error), GM_INVALID);
    assert_memory_equal(tallies, none, sizeof none);
    world->forecast.every_ns = every_ns;
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_of_a_lead_follow_each_other),
        cmocka_unit_test(leads_between_two_forecasts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
