// Cells of a network: what links between passing nodes hold together.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "num/network_cells.h"

enum { NODES = 8, NONE = -1 };

// 0 - 1   2 - 3 - 4, with 5 between 1 and 2, 6 beside 4, and 7 alone
static const uint32_t ends[][2] = { { 1, 0 }, { 2, 3 }, { 4, 3 }, { 1, 5 }, { 5, 2 }, { 6, 4 } };
enum { LINKS = sizeof ends / sizeof *ends };

static void expect_cells(const uint8_t *passes, const int *expected, size_t expected_count)
{
    gm_network *network = NULL;
    uint32_t cell[NODES];
    size_t count = 99;
    assert_int_equal(gm_network_create(NODES, LINKS, ends, &network, NULL), GM_OK);
    assert_int_equal(gm_network_cells(network, passes, cell, &count, NULL), GM_OK);
    assert_int_equal(count, expected_count);
    for (size_t node = 0; node < NODES; node++) {
        assert_int_equal((int)cell[node], expected[node]);
    }
    gm_network_close(network);
}

static void what_passes_nothing_on_parts(void **state)
{
    (void)state;
    expect_cells((const uint8_t[NODES]){ 1, 1, 1, 1, 1, 0, 0, 1 },
                 (const int[NODES]){ 0, 0, 1, 1, 1, NONE, 1, 2 }, 3);
}

static void what_passes_on_joins(void **state)
{
    (void)state;
    expect_cells((const uint8_t[NODES]){ 1, 1, 1, 1, 1, 1, 1, 1 },
                 (const int[NODES]){ 0, 0, 0, 0, 0, 0, 0, 1 }, 2);
}

static void nothing_that_passes_has_no_cell(void **state)
{
    (void)state;
    expect_cells((const uint8_t[NODES]){ 0 },
                 (const int[NODES]){ NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE }, 0);
    expect_cells((const uint8_t[NODES]){ 0, 1, 0, 1, 0, 0, 0, 0 },
                 (const int[NODES]){ 0, 0, 1, 1, 1, 0, NONE, NONE }, 2);
}

static void memory_that_is_out_is_said(void **state)
{
    (void)state;
    gm_network *network = NULL;
    const uint8_t passes[NODES] = { 1, 1, 1, 1, 1, 1, 1, 1 };
    uint32_t cell[NODES];
    size_t count = 0;
    assert_int_equal(gm_network_create(NODES, LINKS, ends, &network, NULL), GM_OK);
    for (long allowed = 0; allowed < 2; allowed++) {
        gm_error error = { 0 };
        allocations_left = allowed;
        assert_int_equal(gm_network_cells(network, passes, cell, &count, &error), GM_MEMORY);
        allocations_left = LONG_MAX;
        assert_int_equal(error.status, GM_MEMORY);
    }
    gm_network_close(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_nothing_on_parts),
        cmocka_unit_test(what_passes_on_joins),
        cmocka_unit_test(nothing_that_passes_has_no_cell),
        cmocka_unit_test(memory_that_is_out_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
