// Every allocation of a localisation and of a local filter may fail: an error, nothing kept.
#include "base/failing_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assim/local_filter.h"

enum { VALUES = 12, MEASUREMENTS = 40, ALLOCATIONS_MAX = 60 };

static const gm_local_values everything = { .value_count = VALUES,
                                            .batch_count = VALUES,
                                            .measurement_count = MEASUREMENTS };

static gm_status by_points(gm_localisation **made, gm_error *error)
{
    double batches[VALUES], measurements[MEASUREMENTS];
    for (size_t i = 0; i < VALUES; i++) {
        batches[i] = (double)i;
    }
    for (size_t j = 0; j < MEASUREMENTS; j++) {
        measurements[j] = 0.3 * (double)j;
    }
    const gm_local_points points = { .dimensions = 1,
                                     .batches = batches,
                                     .measurements = measurements };
    return gm_localisation_by_points(&everything, &points, gm_default_taper(3.0), made, error);
}

static gm_status by_hops(gm_localisation **made, gm_error *error)
{
    uint32_t ends[VALUES - 1][2], nodes[VALUES], measured[MEASUREMENTS];
    for (uint32_t i = 0; i + 1 < VALUES; i++) {
        ends[i][0] = i;
        ends[i][1] = i + 1;
    }
    for (uint32_t i = 0; i < VALUES; i++) {
        nodes[i] = i;
    }
    for (uint32_t j = 0; j < MEASUREMENTS; j++) {
        measured[j] = j % VALUES;
    }
    gm_network *network = NULL;
    gm_status status =
        gm_network_create(VALUES, VALUES - 1, (const uint32_t(*)[2])ends, &network, error);
    if (status == GM_OK) {
        const gm_local_nodes at = { network, nodes, measured };
        status = gm_localisation_by_hops(&everything, &at, gm_default_taper(3.0), made, error);
    }
    gm_network_close(network);
    return status;
}

static void fail_each(gm_status (*build)(gm_localisation **made, gm_error *error))
{
    gm_status status = GM_MEMORY;
    for (long allowed = 0; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_localisation *where = NULL;
        gm_local_filter *filter = NULL;
        gm_error error = { 0 };
        allocations_left = allowed;
        status = build(&where, &error);
        if (status == GM_OK) {
            status = gm_local_filter_create(where, 8, 2, &filter, &error);
            assert_true((status == GM_OK) == (filter != NULL));
        } else {
            assert_null(where);
        }
        assert_true(status == GM_OK || (status == GM_MEMORY && error.status == GM_MEMORY));
        gm_local_filter_close(filter);
        gm_localisation_close(where);
        allocations_left = LONG_MAX;
    }
    assert_int_equal(status, GM_OK);
}

static void lists_by_points_survive_a_lack_of_memory(void **state)
{
    (void)state;
    fail_each(by_points);
}

static void lists_by_hops_survive_a_lack_of_memory(void **state)
{
    (void)state;
    fail_each(by_hops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_by_points_survive_a_lack_of_memory),
        cmocka_unit_test(lists_by_hops_survive_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
