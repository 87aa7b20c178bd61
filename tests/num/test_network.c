// Topology: incidences, parts, reach, hops and trees, by hand and on random networks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/failing_memory.h"
#include "num/network.h"

enum { NODES_MAX = 100, LINKS_MAX = 300, LINE = 100000 };

static gm_network *network_of(size_t nodes, size_t links, const uint32_t (*ends)[2])
{
    gm_network *network = NULL;
    assert_int_equal(gm_network_create(nodes, links, ends, &network, NULL), GM_OK);
    return network;
}

/// Splitmix (Steele, Lea, Flood, OOPSLA 2014): the same networks on every machine.
static uint32_t below(uint64_t *seed, uint32_t limit)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % limit);
}

static size_t random_ends(uint64_t *seed, uint32_t nodes, uint32_t (*ends)[2])
{
    size_t links = nodes < 2 ? 0 : below(seed, 2 * nodes);
    for (size_t i = 0; i < links; i++) {
        ends[i][0] = below(seed, nodes);
        ends[i][1] = (ends[i][0] + 1 + below(seed, nodes - 1)) % nodes;
    }
    return links;
}

// 0 - 1 = 2 - 3   4 - 5   6: a line with a parallel pair, another line, a node alone
static const uint32_t sample[][2] = { { 0, 1 }, { 1, 2 }, { 2, 1 }, { 3, 2 }, { 4, 5 } };
enum { SAMPLE_NODES = 7, SAMPLE_LINKS = 5 };

static void a_node_sees_its_links_with_sign_and_other_end(void **state)
{
    (void)state;
    gm_network *network = network_of(SAMPLE_NODES, SAMPLE_LINKS, sample);
    size_t count = 0;
    const gm_incidence *at = gm_network_incident(network, 2, &count);
    assert_int_equal(count, 3);
    assert_true(at[0].link == 1 && at[0].node == 1 && at[0].sign < 0.0F);
    assert_true(at[1].link == 2 && at[1].node == 1 && at[1].sign > 0.0F);
    assert_true(at[2].link == 3 && at[2].node == 3 && at[2].sign < 0.0F);
    gm_network_incident(network, 6, &count);
    assert_int_equal(count, 0);
    const uint32_t *start = NULL;
    assert_ptr_equal(gm_network_incidences(network, &start) + start[2], at);
    assert_int_equal(start[SAMPLE_NODES], 2 * SAMPLE_LINKS);
    assert_memory_equal(gm_network_ends(network), sample, sizeof sample);
    assert_int_equal(gm_network_node_count(network), SAMPLE_NODES);
    assert_int_equal(gm_network_link_count(network), SAMPLE_LINKS);
    gm_network_close(network);
}

static void parts_are_what_open_links_hold_together(void **state)
{
    (void)state;
    gm_network *network = network_of(SAMPLE_NODES, SAMPLE_LINKS, sample);
    uint32_t component[SAMPLE_NODES], work[SAMPLE_NODES];
    assert_int_equal(gm_network_components(network, NULL, component, work), 3);
    const uint32_t all[] = { 0, 0, 0, 0, 1, 1, 2 };
    assert_memory_equal(component, all, sizeof all);
    const uint8_t open[] = { 1, 1, 0, 0, 1 };
    assert_int_equal(gm_network_components(network, open, component, work), 4);
    const uint32_t some[] = { 0, 0, 0, 1, 2, 2, 3 };
    assert_memory_equal(component, some, sizeof some);
    gm_network_close(network);
}

static void reach_and_hops_stop_at_closed_links(void **state)
{
    (void)state;
    gm_network *network = network_of(SAMPLE_NODES, SAMPLE_LINKS, sample);
    const uint32_t nodes[] = { 3, 5, 3 };
    const uint8_t open[] = { 0, 1, 1, 1, 1 };
    uint8_t reached[SAMPLE_NODES];
    uint32_t hops[SAMPLE_NODES], work[2 * SAMPLE_NODES];
    gm_network_sources sources = { open, nodes, 3 };
    assert_int_equal(gm_network_reach(network, &sources, reached, work), 5);
    const uint8_t expected[] = { 0, 1, 1, 1, 1, 1, 0 };
    assert_memory_equal(reached, expected, sizeof expected);
    assert_int_equal(gm_network_hops(network, &sources, hops, work), 2);
    const uint32_t none = (uint32_t)GM_NETWORK_NONE, far[] = { none, 2, 1, 0, 1, 0, none };
    assert_memory_equal(hops, far, sizeof far);
    sources = (gm_network_sources){ 0 };
    assert_int_equal(gm_network_reach(network, &sources, reached, work), 0);
    assert_int_equal(gm_network_hops(network, &sources, hops, work), 0);
    gm_network_close(network);
}

static void a_forest_spares_loops_and_what_is_kept(void **state)
{
    (void)state;
    gm_network *network = network_of(SAMPLE_NODES, SAMPLE_LINKS, sample);
    gm_forest_step steps[SAMPLE_NODES];
    uint32_t work[SAMPLE_NODES];
    assert_int_equal(gm_network_forest(network, NULL, steps, work), 3); // 0, 3, and 4 or 5
    assert_true(steps[0].node == 0 && steps[0].parent == 1 && steps[0].link == 0);
    assert_true(steps[0].sign > 0.0F);
    const uint8_t nodes[SAMPLE_NODES] = { [4] = 1 }, links[SAMPLE_LINKS] = { [3] = 1 };
    const gm_network_kept kept = { nodes, links };
    assert_int_equal(gm_network_forest(network, &kept, steps, work), 2);
    assert_true(steps[1].node == 5 && steps[1].parent == 4 && steps[1].sign < 0.0F);
    gm_network_close(network);
}

/// Nodes that are left have two links to others that are left, or are kept, or are alone.
static void a_forest_leaves_no_leaf_and_takes_children_first(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (uint32_t nodes = 0; nodes < NODES_MAX; nodes++) {
        uint32_t ends[LINKS_MAX][2];
        size_t links = random_ends(&seed, nodes, ends);
        uint8_t kept_nodes[NODES_MAX], gone[NODES_MAX] = { 0 }, gone_links[LINKS_MAX] = { 0 };
        for (uint32_t i = 0; i < nodes; i++) {
            kept_nodes[i] = below(&seed, 10) == 0;
        }
        gm_network *network = network_of(nodes, links, (const uint32_t(*)[2])ends);
        gm_forest_step steps[NODES_MAX];
        uint32_t work[NODES_MAX];
        const gm_network_kept kept = { .nodes = kept_nodes };
        size_t count = gm_network_forest(network, &kept, steps, work);
        for (size_t i = 0; i < count; i++) {
            assert_false(gone[steps[i].node] || gone[steps[i].parent] || kept_nodes[steps[i].node]);
            assert_int_equal(ends[steps[i].link][steps[i].sign < 0.0F], steps[i].node);
            assert_int_equal(ends[steps[i].link][steps[i].sign > 0.0F], steps[i].parent);
            gone[steps[i].node] = gone_links[steps[i].link] = 1;
        }
        size_t degree[NODES_MAX] = { 0 };
        for (size_t link = 0; link < links; link++) {
            degree[ends[link][0]] += gone_links[link] == 0;
            degree[ends[link][1]] += gone_links[link] == 0;
        }
        for (uint32_t i = 0; i < nodes; i++) {
            assert_true(gone[i] ? degree[i] == 0 : degree[i] != 1 || kept_nodes[i]);
        }
        gm_network_close(network);
    }
}

static void a_line_of_100000_nodes_is_walked(void **state)
{
    (void)state;
    uint32_t(*ends)[2] = gm_memory_new(LINE - 1, sizeof *ends);
    uint32_t *numbers = gm_memory_new(LINE, sizeof *numbers);
    uint32_t *work = gm_memory_new(2 * LINE, sizeof *work);
    uint8_t *reached = gm_memory_new(LINE, 1);
    gm_forest_step *steps = gm_memory_new(LINE, sizeof *steps);
    assert_true(ends && numbers && work && reached && steps);
    for (uint32_t i = 0; i + 1 < LINE; i++) {
        ends[i][0] = i;
        ends[i][1] = i + 1;
    }
    gm_network *network = network_of(LINE, LINE - 1, (const uint32_t(*)[2])ends);
    const uint32_t first = 0;
    const gm_network_sources sources = { NULL, &first, 1 };
    const gm_network_kept kept = { 0 };
    assert_int_equal(gm_network_components(network, NULL, numbers, work), 1);
    assert_int_equal(gm_network_reach(network, &sources, reached, work), LINE);
    assert_int_equal(gm_network_hops(network, &sources, numbers, work), LINE - 1);
    assert_int_equal(gm_network_forest(network, &kept, steps, work), LINE - 1);
    gm_network_close(network);
    void *all[] = { ends, numbers, work, reached, steps };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        gm_memory_free(all[i]);
    }
}

static void wrong_ends_are_named(void **state)
{
    (void)state;
    gm_network *network = NULL;
    gm_error error = { 0 };
    const uint32_t outside[][2] = { { 0, 1 }, { 1, 3 } }, loop[][2] = { { 2, 2 } };
    assert_int_equal(gm_network_create(3, 2, outside, &network, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "link 1 joins nodes 1 and 3"));
    assert_int_equal(gm_network_create(3, 1, loop, &network, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "node 2 with itself"));
    assert_int_equal(gm_network_create((size_t)1 << 40, 0, NULL, &network, &error), GM_LIMIT);
    assert_null(network);
    gm_network_close(NULL);
}

static void failure_of_any_allocation_is_an_error(void **state)
{
    (void)state;
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK; allowed++) {
        gm_network *network = NULL;
        gm_error error = { 0 };
        allocations_left = allowed;
        status = gm_network_create(SAMPLE_NODES, SAMPLE_LINKS, sample, &network, &error);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(status == GM_OK, network != NULL);
        gm_network_close(network);
    }
    assert_int_equal(allowed, 5); // four allocations
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_node_sees_its_links_with_sign_and_other_end),
        cmocka_unit_test(parts_are_what_open_links_hold_together),
        cmocka_unit_test(reach_and_hops_stop_at_closed_links),
        cmocka_unit_test(a_forest_spares_loops_and_what_is_kept),
        cmocka_unit_test(a_forest_leaves_no_leaf_and_takes_children_first),
        cmocka_unit_test(a_line_of_100000_nodes_is_walked),
        cmocka_unit_test(wrong_ends_are_named),
        cmocka_unit_test(failure_of_any_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
