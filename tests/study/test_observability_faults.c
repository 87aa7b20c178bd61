// The n-th allocation fails, for every n, while a study asks what sensors determine.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>

#include "base/failing_memory.h"
#include "domain/domains.h"
#include "study/observability_study.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

enum { ALLOCATIONS_MAX = 2000 };

static const char plant[] =
    "world: w\ncycle: 10 s\n"
    "systems:\n"
    "  plant:\n"
    "    model: thermal\n"
    "    nodes: {body: {capacity: 1000 J/K, temperature: 50 degC}, wall: {capacity: 1000 J/K},\n"
    "            room: {fixed: true}}\n"
    "    paths: {body-wall: {conductance: 1 W/K}, wall-room: {conductance: 1 W/K}}\n"
    "sensors: {t: {field: plant/body/temperature, unit: degC, noise: 0.5 K, every: 10 s}}\n"
    "drivers: {plant/body/power: {stochastic: {mean: 1 W, spread: 1 W, time: 60 s}}}\n"
    "estimate: {states: {plant/*/temperature: {spread: 2 K}},\n"
    "           parameters: {plant/*/conductance: {spread: 10 %}}}\n";

static void a_study_says_that_memory_is_out(void **state)
{
    (void)state;
    size_t count = 0;
    gm_world_options with = { .units = units };
    with.domains = gm_domains(&count);
    with.domain_count = count;
    gm_world *world = NULL;
    assert_int_equal(gm_world_read("w.yaml", plant, strlen(plant), &with, &world, NULL), GM_OK);
    static const char *const wishes[] = { "plant/wall/temperature", "plant/*/flow=1 W" };
    gm_observability_options options = {
        .horizon_ns = 50 * GM_SECOND_NS, .lanes = 8, .candidates = wishes, .candidate_count = 2
    };
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_observability_answer answer = { 0 };
        gm_error error = { 0 };
        allocations_left = allowed;
        status = gm_observability_study(world, &options, &answer, &error);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(error.status, status);
        assert_true((answer.values != NULL) == (status == GM_OK));
        gm_observability_answer_free(&answer);
    }
    assert_int_equal(status, GM_OK);
    assert_true(allowed > 50); // many places were tried
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_study_says_that_memory_is_out) };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
