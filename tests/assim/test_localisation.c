// Tapers, and the measurements near each batch against a look at all pairs.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gemel/random.h>

#include "assim/localisation.h"
#include "num/dense.h"

enum { BATCHES = 60, MEASUREMENTS = 90, NODES = 50 };

static double uniform(uint32_t element, uint32_t purpose)
{
    return gm_random_uniform(gm_random_for(3, "places"), (gm_draw){ 0, element, purpose, 0 });
}

/// Gaspari and Cohn's two polynomials as they are printed.
static double printed_taper(double z)
{
    if (z <= 1.0) {
        return -pow(z, 5) / 4.0 + pow(z, 4) / 2.0 + 5.0 * pow(z, 3) / 8.0 - 5.0 * z * z / 3.0 + 1.0;
    }
    return z >= 2.0 ? 0.0
                    : pow(z, 5) / 12.0 - pow(z, 4) / 2.0 + 5.0 * pow(z, 3) / 8.0 +
                          5.0 * z * z / 3.0 - 5.0 * z + 4.0 - 2.0 / (3.0 * z);
}

static void taper_is_that_of_the_paper(void **state)
{
    (void)state;
    double before = 1.0;
    for (double z = 0.0; z <= 2.5; z += 1.0 / 64.0) {
        double weight = gm_gaspari_cohn(3.0 * z, 3.0);
        assert_true(fabs(weight - printed_taper(z)) < 1e-14);
        assert_true(weight <= before && weight >= 0.0);
        before = weight;
    }
    assert_true(gm_gaspari_cohn(0.0, 1.0) == 1.0);
    assert_true(gm_gaspari_cohn(2.0, 1.0) == 0.0);
    assert_true(isnan(gm_gaspari_cohn(NAN, 1.0)) || gm_gaspari_cohn(NAN, 1.0) == 0.0);
}

static void a_measurement_one_radius_away_counts_as_said(void **state)
{
    (void)state;
    assert_true(fabs(gm_taper_weight(gm_default_taper(7.0), 7.0) - exp(-0.5)) < 0.03);
    assert_true(gm_taper_weight(gm_default_taper(7.0), 3.64 * 7.0) == 0.0);
}

static void taper_is_positive_definite(void **state)
{
    (void)state;
    // a correlation in up to three dimensions: no eigenvalue is below 0 but for rounding
    static double places[BATCHES][3], matrix[BATCHES * BATCHES], values[BATCHES];
    static double vectors[BATCHES * BATCHES];
    for (uint32_t i = 0; i < BATCHES * 3; i++) {
        places[i / 3][i % 3] = uniform(i, 0);
    }
    for (double width = 0.1; width < 2.0; width *= 2.0) {
        for (size_t i = 0; i < BATCHES * BATCHES; i++) {
            const double *a = places[i / BATCHES], *b = places[i % BATCHES];
            double distance = hypot(hypot(a[0] - b[0], a[1] - b[1]), a[2] - b[2]);
            matrix[i] = gm_gaspari_cohn(distance, width);
        }
        assert_int_equal(gm_symmetric_eigen(BATCHES, matrix, values, vectors, NULL), GM_OK);
        assert_true(values[0] > -1e-12);
    }
}

/// Compares one batch's list with weights of all measurements.
static void assert_list(const gm_localisation *l, size_t batch, const double *weights,
                        double cutoff)
{
    size_t count, at = 0;
    const gm_nearby *nearby = gm_localisation_nearby(l, batch, &count);
    for (uint32_t j = 0; j < MEASUREMENTS; j++) {
        if (weights[j] > cutoff) {
            assert_true(at < count);
            assert_int_equal(nearby[at].measurement, j);
            assert_true(fabs((double)nearby[at].weight - weights[j]) < 1e-7);
            at++;
        }
    }
    assert_int_equal(at, count);
    assert_true(count <= gm_localisation_nearby_max(l));
}

static double apart(double a, double b, double period)
{
    double d = fabs(a - b);
    return period > 0.0 ? fmin(fmod(d, period), period - fmod(d, period)) : d;
}

static void compare_points(size_t dimensions, const double *period_m, double radius)
{
    double batches[BATCHES * 3], measurements[MEASUREMENTS * 3], weights[MEASUREMENTS];
    for (uint32_t i = 0; i < BATCHES * 3; i++) {
        batches[i] = 130.0 * uniform(i, 1) - 20.0; // some beyond all measurements
    }
    for (uint32_t i = 0; i < MEASUREMENTS * 3; i++) {
        measurements[i] = 100.0 * uniform(i, 2);
    }
    const gm_local_values values = { .value_count = BATCHES,
                                     .batch_count = BATCHES,
                                     .measurement_count = MEASUREMENTS };
    gm_local_points points = { .dimensions = dimensions,
                               .batches = batches,
                               .measurements = measurements };
    for (size_t d = 0; d < dimensions; d++) {
        points.period_m[d] = period_m[d];
    }
    gm_taper taper = gm_default_taper(radius);
    gm_localisation *l = NULL;
    gm_error error = { 0 };
    if (gm_localisation_by_points(&values, &points, taper, &l, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    for (size_t batch = 0; batch < BATCHES; batch++) {
        for (size_t j = 0; j < MEASUREMENTS; j++) {
            double square = 0.0;
            for (size_t d = 0; d < dimensions; d++) {
                double along = apart(batches[batch * dimensions + d],
                                     measurements[j * dimensions + d], period_m[d]);
                square += along * along;
            }
            weights[j] = gm_taper_weight(taper, sqrt(square));
        }
        assert_list(l, batch, weights, taper.cutoff);
    }
    gm_localisation_close(l);
}

static void lists_are_those_of_all_pairs(void **state)
{
    (void)state;
    const double periods[][3] = { { 0 }, { 100.0, 100.0, 100.0 }, { 0.0, 40.0, 0.0 } };
    for (size_t p = 0; p < sizeof periods / sizeof *periods; p++) {
        for (size_t dimensions = 1; dimensions <= 3; dimensions++) {
            for (double radius = 0.01; radius < 1e3; radius *= 4.0) {
                compare_points(dimensions, periods[p], radius);
            }
        }
    }
}

static void hops_are_those_of_the_network(void **state)
{
    (void)state;
    // a ring with chords, and ten nodes that nothing reaches
    uint32_t ends[NODES][2], nodes[BATCHES], measured[MEASUREMENTS], hops[NODES], work[NODES];
    const uint32_t ring = NODES - 10;
    for (uint32_t i = 0; i < ring; i++) {
        ends[i][0] = i;
        ends[i][1] = i % 9 == 0 ? (i + 7) % ring : (i + 1) % ring;
    }
    gm_network *network = NULL;
    assert_int_equal(gm_network_create(NODES, ring, (const uint32_t(*)[2])ends, &network, NULL),
                     GM_OK);
    for (uint32_t i = 0; i < BATCHES; i++) {
        nodes[i] = (i * 11) % NODES;
    }
    for (uint32_t j = 0; j < MEASUREMENTS; j++) {
        measured[j] = j == 5 ? (uint32_t)GM_LOCALISATION_EVERYWHERE : (j * 7) % NODES;
    }
    const gm_local_values values = { .value_count = BATCHES,
                                     .batch_count = BATCHES,
                                     .measurement_count = MEASUREMENTS };
    const gm_local_nodes at = { network, nodes, measured };
    gm_taper taper = gm_default_taper(1.7);
    gm_localisation *l = NULL;
    assert_int_equal(gm_localisation_by_hops(&values, &at, taper, &l, NULL), GM_OK);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        const gm_network_sources from = { .nodes = &nodes[batch], .count = 1 };
        gm_network_hops(network, &from, hops, work);
        double weights[MEASUREMENTS];
        for (size_t j = 0; j < MEASUREMENTS; j++) {
            bool reached = j == 5 || hops[measured[j]] != (uint32_t)GM_NETWORK_NONE;
            double distance = j == 5 ? 0.0 : hops[measured[j]];
            weights[j] = reached ? gm_taper_weight(taper, distance) : 0.0;
        }
        assert_list(l, batch, weights, taper.cutoff);
    }
    gm_localisation_close(l);
    gm_network_close(network);
}

static void values_are_sorted_by_batch_and_some_stand_everywhere(void **state)
{
    (void)state;
    const uint32_t everywhere = (uint32_t)GM_LOCALISATION_EVERYWHERE;
    const uint32_t batch_of[] = { 1, 0, everywhere, 1, 0, 1 };
    const double batches[] = { 0.0, 50.0 }, measurements[] = { 1.0, 49.0, 500.0 };
    const gm_local_values values = { 6, batch_of, 2, 3 };
    const gm_local_points points = { .dimensions = 1,
                                     .batches = batches,
                                     .measurements = measurements };
    gm_localisation *l = NULL;
    assert_int_equal(gm_localisation_by_points(&values, &points, gm_default_taper(2.0), &l, NULL),
                     GM_OK);
    assert_int_equal(gm_localisation_batch_count(l), 3);
    assert_int_equal(gm_localisation_value_count(l), 6);
    assert_int_equal(gm_localisation_measurement_count(l), 3);
    const uint32_t expected[3][3] = { { 1, 4 }, { 0, 3, 5 }, { 2 } };
    const size_t counts[3] = { 2, 3, 1 }, near[3] = { 1, 1, 3 };
    for (size_t batch = 0; batch < 3; batch++) {
        size_t count;
        const uint32_t *own = gm_localisation_values(l, batch, &count);
        assert_int_equal(count, counts[batch]);
        assert_memory_equal(own, expected[batch], count * sizeof *own);
        const gm_nearby *nearby = gm_localisation_nearby(l, batch, &count);
        assert_int_equal(count, near[batch]);
        assert_int_equal(nearby[0].measurement, batch == 1);
    }
    size_t count;
    const gm_nearby *all = gm_localisation_nearby(l, 2, &count);
    for (size_t k = 0; k < count; k++) {
        assert_true(all[k].weight == 1.0F);
    }
    gm_localisation_close(l);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    const double fine[] = { 0.0, 1.0 }, bad[] = { 0.0, NAN };
    const uint32_t beyond[] = { 0, 2 };
    gm_local_values values = { .value_count = 2, .batch_count = 2, .measurement_count = 2 };
    gm_local_points points = { .dimensions = 1, .batches = fine, .measurements = fine };
    gm_localisation *l = NULL;
    gm_error error = { 0 };
    const gm_taper tapers[] = { { 0.0, 1e-3 }, { NAN, 1e-3 }, { 1.0, 1.0 }, { 1.0, -1.0 } };
    for (size_t i = 0; i < sizeof tapers / sizeof *tapers; i++) {
        assert_int_equal(gm_localisation_by_points(&values, &points, tapers[i], &l, &error),
                         GM_INVALID);
    }
    gm_taper taper = gm_default_taper(1.0);
    points.measurements = bad;
    assert_int_equal(gm_localisation_by_points(&values, &points, taper, &l, &error), GM_INVALID);
    points.measurements = fine;
    points.dimensions = 4;
    assert_int_equal(gm_localisation_by_points(&values, &points, taper, &l, &error), GM_INVALID);
    points.dimensions = 1;
    points.period_m[0] = -1.0;
    assert_int_equal(gm_localisation_by_points(&values, &points, taper, &l, &error), GM_INVALID);
    points.period_m[0] = 0.0;
    values.batch_of = beyond;
    assert_int_equal(gm_localisation_by_points(&values, &points, taper, &l, &error), GM_INVALID);
    values.batch_of = NULL;
    values.batch_count = 1;
    assert_int_equal(gm_localisation_by_points(&values, &points, taper, &l, &error), GM_INVALID);
    values.batch_count = 2;
    values.value_count = values.batch_count = (size_t)GM_LOCALISATION_COUNT_MAX + 1;
    assert_int_equal(gm_localisation_by_points(&values, &points, taper, &l, &error), GM_LIMIT);
    values.value_count = values.batch_count = 2;
    gm_network *network = NULL;
    assert_int_equal(gm_network_create(2, 0, NULL, &network, NULL), GM_OK);
    const uint32_t nodes[] = { 0, 1 };
    gm_local_nodes at = { network, beyond, nodes };
    assert_int_equal(gm_localisation_by_hops(&values, &at, taper, &l, &error), GM_INVALID);
    at = (gm_local_nodes){ network, nodes, beyond };
    assert_int_equal(gm_localisation_by_hops(&values, &at, taper, &l, &error), GM_INVALID);
    assert_null(l);
    gm_network_close(network);
    gm_localisation_close(NULL);
}

static void nothing_measured_is_fine(void **state)
{
    (void)state;
    const double place[] = { 4.0 };
    const gm_local_values values = { .value_count = 1, .batch_count = 1 };
    const gm_local_points points = { .dimensions = 1, .batches = place, .measurements = NULL };
    gm_localisation *l = NULL;
    assert_int_equal(gm_localisation_by_points(&values, &points, gm_default_taper(1.0), &l, NULL),
                     GM_OK);
    assert_int_equal(gm_localisation_nearby_max(l), 0);
    gm_localisation_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taper_is_that_of_the_paper),
        cmocka_unit_test(a_measurement_one_radius_away_counts_as_said),
        cmocka_unit_test(taper_is_positive_definite),
        cmocka_unit_test(lists_are_those_of_all_pairs),
        cmocka_unit_test(hops_are_those_of_the_network),
        cmocka_unit_test(values_are_sorted_by_batch_and_some_stand_everywhere),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(nothing_measured_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
