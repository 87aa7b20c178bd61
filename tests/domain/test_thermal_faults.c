// The n-th allocation fails, for every n, while a thermal network is built and run.
#include "base/failing_memory.h"
#include "domain/thermal_fixture.h"

enum { ALLOCATIONS_MAX = 1000 };

static void a_network_says_that_memory_is_out(void **state)
{
    (void)state;
    gm_arena *arena = gm_arena_create(0);
    gm_units *units = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_units_read(&units, &error), GM_OK);
    gm_string text = { 0 };
    write_chain(&text, 20,
                ", flows: {n3-n9: {flow: 1 g/s, specific heat: 1000}},"
                " integrator: {method: rodas3}");
    const gm_config *config = config_of(arena, units, text.data);
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_model *model = NULL;
        gm_layout *layout = NULL;
        gm_state *lanes = NULL;
        error = (gm_error){ 0 };
        allocations_left = allowed;
        status = gm_model_build(&gm_thermal, "net", config, &model, &error);
        const gm_model *systems[] = { model };
        if (status == GM_OK) {
            status = gm_layout_create(systems, 1, 9, NULL, &layout, &error);
        }
        if (status == GM_OK) {
            status = gm_state_create(layout, 0, &lanes, &error);
        }
        if (status == GM_OK) {
            status = gm_state_advance(lanes, 0, 1000000000, NULL, &error);
        }
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(error.status, status);
        gm_state_close(lanes);
        gm_layout_close(layout);
        gm_model_close(model);
    }
    assert_int_equal(status, GM_OK);
    assert_true(allowed > 30);
    gm_string_free(&text);
    gm_units_close(units);
    gm_arena_close(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_network_says_that_memory_is_out) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
