// Radius and inflation that a local filter finds by itself, where the right answer is known.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assim/local_tuning.h"

enum { VALUES = 100, MEASUREMENTS = 50, LANES_MAX = 200, PAIRS = 1500 };

static const double reach_m = 50.0;

/// Lanes of a moving sum of noise on a circle: correlations reach `length` metres.
typedef struct scene {
    size_t lanes;
    double values[VALUES * LANES_MAX], predictions[MEASUREMENTS * LANES_MAX];
    double measured[MEASUREMENTS], variance[MEASUREMENTS];
} scene;

static void draw_scene(scene *s, size_t lanes, size_t length, uint64_t occurrence)
{
    const gm_random random = gm_random_for(4, "scene");
    double noise[VALUES][LANES_MAX];
    s->lanes = lanes;
    for (uint32_t i = 0; i < VALUES; i++) {
        gm_random_normal_lanes(random, (gm_draw){ 0, i, 0, occurrence }, (int)lanes, noise[i]);
    }
    for (size_t i = 0; i < VALUES; i++) {
        for (size_t lane = 0; lane < lanes; lane++) {
            double sum = 0.0;
            for (size_t k = 0; k < length; k++) {
                sum += noise[(i + k) % VALUES][lane];
            }
            s->values[i * lanes + lane] = sum / sqrt((double)length);
        }
    }
    for (size_t j = 0; j < MEASUREMENTS; j++) {
        memcpy(s->predictions + j * lanes, s->values + 2 * j * lanes, lanes * sizeof(double));
    }
}

static gm_analysis analysis_of(scene *s)
{
    return (gm_analysis){ .lanes = s->lanes,
                          .values = s->values,
                          .value_count = VALUES,
                          .predictions = s->predictions,
                          .measurement_count = MEASUREMENTS,
                          .measured = s->measured,
                          .variance = s->variance };
}

static gm_radius_pairs draw_pairs(void)
{
    static gm_radius_pair room[PAIRS];
    double batches[VALUES], measurements[MEASUREMENTS];
    for (size_t i = 0; i < VALUES; i++) {
        batches[i] = (double)i;
        measurements[i / 2] = (double)(i / 2 * 2);
    }
    const gm_local_values values = { VALUES, NULL, VALUES, MEASUREMENTS };
    const gm_local_points points = {
        .dimensions = 1, .period_m = { VALUES }, .batches = batches, .measurements = measurements
    };
    gm_radius_pairs pairs = { room, PAIRS, reach_m };
    gm_radius_draw_pairs(&values, &points, gm_random_for(1, "pairs"), &pairs);
    for (size_t k = 0; k < pairs.count; k++) {
        double along = fabs((double)room[k].value - 2.0 * room[k].measurement);
        assert_true(room[k].distance == fmin(along, VALUES - along));
    }
    return pairs;
}

static double found_radius(size_t lanes, size_t length)
{
    static scene s;
    gm_radius radius = { 0 };
    const gm_radius_pairs all = draw_pairs();
    assert_int_equal(all.count, PAIRS);
    for (uint64_t k = 0; k < 20; k++) {
        draw_scene(&s, lanes, length, k);
        gm_analysis analysis = analysis_of(&s);
        gm_radius_take(&radius, &analysis, &all, NULL);
    }
    return gm_radius_estimate(&radius, lanes, reach_m, 7.0);
}

static void radius_grows_with_lanes_and_with_reach_of_correlations(void **state)
{
    (void)state;
    double few = found_radius(8, 8), more = found_radius(30, 8), many = found_radius(200, 8);
    assert_true(few > 1.0 && few < more && more < many && many < 12.0);
    assert_true(found_radius(8, 16) > 1.5 * few);
}

static void unrelated_values_get_the_shortest_radius(void **state)
{
    (void)state;
    assert_true(found_radius(10, 1) < 0.06 * reach_m);
}

static void where_nothing_can_be_said_the_fallback_stands(void **state)
{
    (void)state;
    gm_radius radius = { 0 };
    assert_true(gm_radius_estimate(&radius, 20, reach_m, 7.0) == 7.0);
    assert_true(found_radius(3, 8) == 7.0);
}

static void pairs_along_a_network_are_as_many_hops_apart(void **state)
{
    (void)state;
    // a line of nodes, and one that nothing reaches
    enum { NODES = VALUES };
    uint32_t ends[NODES - 2][2], nodes[VALUES], measured[MEASUREMENTS], work[2 * NODES];
    for (uint32_t i = 0; i < VALUES; i++) {
        nodes[i] = i;
        if (i < NODES - 2) {
            ends[i][0] = i;
            ends[i][1] = i + 1;
        }
    }
    for (uint32_t j = 0; j < MEASUREMENTS; j++) {
        measured[j] = j == 0 ? (uint32_t)GM_LOCALISATION_EVERYWHERE : NODES - 2 * j;
    }
    gm_network *network = NULL;
    assert_int_equal(
        gm_network_create(NODES, NODES - 2, (const uint32_t(*)[2])ends, &network, NULL), GM_OK);
    const gm_local_values values = { VALUES, NULL, VALUES, MEASUREMENTS };
    const gm_local_nodes at = { network, nodes, measured };
    static gm_radius_pair room[PAIRS];
    gm_radius_pairs pairs = { room, PAIRS, 30.0 };
    gm_radius_draw_pairs_by_hops(&values, &at, gm_random_for(1, "pairs"), work, &pairs);
    assert_int_equal(pairs.count, PAIRS);
    for (size_t k = 0; k < pairs.count; k++) {
        double along = fabs((double)room[k].value - (double)measured[room[k].measurement]);
        assert_true(room[k].measurement != 0 && room[k].value != NODES - 1);
        assert_true(room[k].distance == along && along <= 30.0);
    }
    gm_network_close(network);
}

static void lanes_that_agree_are_left_out(void **state)
{
    (void)state;
    static scene s;
    gm_radius radius = { 0 };
    const gm_radius_pairs all = draw_pairs();
    memset(&s, 0, sizeof s);
    s.lanes = 10;
    gm_analysis analysis = analysis_of(&s);
    gm_radius_take(&radius, &analysis, &all, NULL);
    assert_true(gm_radius_estimate(&radius, 10, reach_m, 7.0) == 7.0);
}

/// Measurements of a truth whose distance from the lanes' mean is `factor` times what they say.
static double found_inflation(double factor, double noise)
{
    static scene s;
    const gm_random random = gm_random_for(8, "measured");
    gm_local_inflation inflation = { 0 };
    double found = 0.0;
    for (uint64_t k = 0; k < 400; k++) {
        draw_scene(&s, 20, 3, k);
        for (uint32_t j = 0; j < MEASUREMENTS; j++) {
            double mean = 0.0;
            for (size_t lane = 0; lane < 20; lane++) {
                mean += s.predictions[j * 20 + lane] / 20.0;
            }
            double off = factor * gm_random_normal(random, (gm_draw){ 0, j, 0, k });
            double error = sqrt(noise) * gm_random_normal(random, (gm_draw){ 0, j, 1, k });
            s.measured[j] = mean + off + error;
            s.variance[j] = noise;
        }
        gm_analysis analysis = analysis_of(&s);
        found = gm_local_inflation_take(&inflation, &analysis);
        assert_true(k > 0 || factor > 2.0 || fabs(found - 1.05) < 0.02);
    }
    return found;
}

static void inflation_is_what_innovations_ask_for(void **state)
{
    (void)state;
    // what the first guess still weighs after 400 analyses: exp(-2)
    assert_true(fabs(found_inflation(1.5, 0.5) - 1.5) < 0.08);
    assert_true(fabs(found_inflation(1.2, 2.0) - 1.2) < 0.08);
    assert_true(found_inflation(0.6, 1.0) == 1.0); // never below 1
    assert_true(found_inflation(30.0, 1.0) == 4.0);
}

static void lanes_without_spread_are_not_inflated(void **state)
{
    (void)state;
    static scene s;
    memset(&s, 0, sizeof s);
    s.lanes = 10;
    for (size_t j = 0; j < MEASUREMENTS; j++) {
        s.measured[j] = 3.0;
        s.variance[j] = 1.0;
    }
    gm_analysis analysis = analysis_of(&s);
    gm_local_inflation inflation = { 0 };
    double factor = gm_local_inflation_take(&inflation, &analysis);
    assert_true(factor >= 1.0 && factor <= 4.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(radius_grows_with_lanes_and_with_reach_of_correlations),
        cmocka_unit_test(unrelated_values_get_the_shortest_radius),
        cmocka_unit_test(where_nothing_can_be_said_the_fallback_stands),
        cmocka_unit_test(pairs_along_a_network_are_as_many_hops_apart),
        cmocka_unit_test(lanes_that_agree_are_left_out),
        cmocka_unit_test(inflation_is_what_innovations_ask_for),
        cmocka_unit_test(lanes_without_spread_are_not_inflated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
