// Every allocation may fail: reading a network then says so, and loses nothing.
#include "base/failing_memory.h"
#include "domain/inp_fixture.h"

static const char text[] =
    "[JUNCTIONS]\na/b 10 1 day\nb 20\n[RESERVOIRS]\nr 50\n[TANKS]\nt 30 2 1 5 10 0 shape\n"
    "[PIPES]\np1 r a/b\np2 a/b b\np3 t b\n[PUMPS]\nu r b 80 100\n[CURVES]\nshape 0 0\n"
    "shape 5 100\n[PATTERNS]\nday 1 2 3 4 5 6 7 8 9\n[DEMANDS]\nb 1\nb 2\n[VERTICES]\np1 1 1\n"
    "[CONTROLS]\nLINK u OPEN AT TIME 1\n[RULES]\nRULE 1\nIF NODE b HEAD > 1\n"
    "THEN LINK u STATUS IS OPEN\nELSE LINK u STATUS IS CLOSED\n[REPORT]\nStatus No\n";
static const char over[] =
    "{junctions: {n: {elevation: 1}}, pipes: {q: {from: n, to: b, length: 1, "
    "diameter: 1, roughness: 1}}, pumps: {u: {curve: [[1, 2]]}}, "
    "patterns: {night: [1, 2]}, remove: [pipe/p1]}";

static void a_failed_allocation_is_an_error(void **state)
{
    (void)state;
    // the units read what they need at the first conversion
    gm_model_close(read_inp(text, over));
    long nth = 0;
    for (bool done = false; !done; nth++) {
        assert_true(nth < 100000);
        // chunks as small as can be: every row asks for its own
        gm_arena *kept = inp_arena;
        const gm_config *system = inp_system(text, over);
        inp_arena = gm_arena_create(1);
        assert_non_null(inp_arena);
        gm_error error = { 0 };
        gm_model *model = NULL;
        allocations_left = nth;
        gm_status status = gm_model_build(&probe_domain, "net", system, &model, &error);
        allocations_left = LONG_MAX;
        done = status == GM_OK;
        if (!done) {
            assert_int_equal(status, GM_MEMORY);
            assert_int_equal(error.status, GM_MEMORY);
            assert_null(model);
        }
        gm_model_close(model);
        gm_arena_close(inp_arena);
        inp_arena = kept;
    }
    assert_in_range(nth, 50, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_failed_allocation_is_an_error) };
    return cmocka_run_group_tests(tests, open_inp, close_inp);
}
