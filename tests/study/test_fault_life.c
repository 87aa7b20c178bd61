// A fault in the life of the town's twin: what could not be played is refused, and two sensors that
// give each other's readings are named.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <string.h>

#include "base/calendar.h"
#include "study/fault_life.h"

static const int64_t start_ns = 1767571200 * GM_SECOND_NS; // 2026-01-05, midnight

static gm_world *open_town(gm_world *quiet)
{
    gm_world *town = NULL;
    gm_error error = { 0 };
    if (gm_world_open(GEMEL_SOURCE_DIR "/examples/town/world.yaml", &town, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    *quiet = *town;
    quiet->forecast.every_ns = 0;
    quiet->lanes = 24;
    return town;
}

static void what_cannot_fail_is_refused(void **state)
{
    (void)state;
    gm_world quiet, *town = open_town(&quiet);
    gm_fault_life life = { .world = &quiet, .seed = 1, .start_ns = start_ns };
    gm_fault_told told;
    gm_error error = { 0 };
    life.fault = GM_EXPLAINED_BIAS;
    assert_int_equal(gm_fault_life_lead(&life, &told, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "a cycle"));
    life.cycles = 1;
    life.fault = GM_EXPLAINED_PLANT;
    assert_int_equal(gm_fault_life_lead(&life, &told, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "no fields"));
    gm_world_close(town);
}

static void swapped_sensors_are_named(void **state)
{
    (void)state;
    gm_world quiet, *town = open_town(&quiet);
    const gm_fault_life life = { .world = &quiet,
                                 .seed = 4,
                                 .start_ns = start_ns,
                                 .fault = GM_EXPLAINED_SWAPPED,
                                 .settle_cycles = 200,
                                 .cycles = 12 };
    gm_fault_told told;
    gm_error error = { 0 };
    if (gm_fault_life_lead(&life, &told, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    if (told.outcome.class != GM_EXPLAINED_SWAPPED || !told.outcome.subject) {
        fail_msg("%s: %s", told.what, told.outcome.text);
    }
    assert_true(told.outcome.delay >= 1 && told.outcome.delay <= 12);
    gm_world_close(town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_fail_is_refused),
        cmocka_unit_test(swapped_sensors_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
