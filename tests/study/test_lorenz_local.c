// The local filter and the particle filter keep track of Lorenz's models on a few seeds. All
// published scores are compared by `gemel validate lorenz`.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "study/lorenz_local.h"

enum { SEEDS = 3 };

static gm_lorenz_summary try_filter(gm_lorenz_setting setting, const gm_lorenz_filter *filter,
                                    const void *settings, size_t lanes)
{
    const gm_lorenz_trial trial = {
        .setting = setting, .filter = filter, .settings = settings, .lanes = lanes
    };
    gm_lorenz_summary summary = { 0 };
    assert_int_equal(gm_lorenz_run_seeds(&trial, SEEDS, NULL, &summary, NULL), GM_OK);
    assert_int_equal(summary.failed, 0);
    return summary;
}

static void seven_local_lanes_follow_forty_variables(void **state)
{
    (void)state;
    gm_lorenz_setting setting = gm_lorenz_96();
    setting.analyses = 700;
    const gm_lorenz_locality locality = {
        .radius = 4.0, .inflation = 1.04, .batch = 2, .turns = true
    };
    gm_lorenz_summary found = try_filter(setting, &gm_lorenz_local, &locality, 7);
    assert_true(found.lost == 0 && found.mean < 0.26);
}

static void nothing_has_to_be_tuned(void **state)
{
    (void)state;
    gm_lorenz_setting setting = gm_lorenz_96();
    setting.analyses = 700;
    const gm_lorenz_locality untended = { .batch = 2, .turns = true };
    gm_lorenz_summary found = try_filter(setting, &gm_lorenz_local, &untended, 7);
    assert_true(found.lost == 0 && found.mean < 0.30);
    // nor where only every third variable is measured, on a circle of another size
    setting.size = 60;
    setting.stride = 3;
    found = try_filter(setting, &gm_lorenz_local, &untended, 20);
    assert_true(found.lost == 0 && found.mean < 0.7);
}

static void swarms_follow_three_variables(void **state)
{
    (void)state;
    gm_lorenz_setting setting = gm_lorenz_63();
    setting.analyses = 300;
    const gm_lorenz_renewal renewal = { .share = 0.2, .bandwidth = 0.9 };
    gm_lorenz_summary found = try_filter(setting, &gm_lorenz_particles, &renewal, 800);
    assert_true(found.lost == 0 && found.mean < 0.5); // a swarm on the wrong wing comes back
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_local_lanes_follow_forty_variables),
        cmocka_unit_test(nothing_has_to_be_tuned),
        cmocka_unit_test(swarms_follow_three_variables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
