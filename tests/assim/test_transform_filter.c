// The ensemble transform: Kalman's rule, its roots, rotations, refusals.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <gemel/workers.h>

#include "assim/gauss_fixture.h"
#include "assim/transform_filter.h"

static gauss_world world, other;
static double room[3 * GAUSS_LANES_MAX * GAUSS_LANES_MAX + 400 * GAUSS_LANES_MAX];

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static void assert_kalman(const gm_transform_options *options, double tolerance)
{
    gauss_belief expected = gauss_belief_of(&world);
    gauss_kalman(&expected, &world);
    gm_analysis analysis = gauss_analysis(&world);
    gm_error error = { 0 };
    assert_true(gm_transform_room(world.lanes) <= sizeof room / sizeof *room);
    if (gm_transform_update(&analysis, options, room, NULL, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    gauss_belief found = gauss_belief_of(&world);
    assert_near(gauss_distance(&found, &expected), 0.0, tolerance);
}

static void mean_and_covariance_are_kalmans(void **state)
{
    (void)state;
    const size_t lanes[] = { 2, 3, 5, 8, 17, 64, 256 }, counts[] = { 0, 1, 3, 40 };
    gm_random turns = gm_random_for(3, "turns");
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
            gm_transform_options options = gm_default_transform_options();
            gauss_draw(&world, 7, lanes[i], counts[j]);
            assert_kalman(&options, 1e-10);
            options.turns = &turns;
            gauss_draw(&world, 8, lanes[i], counts[j]);
            assert_kalman(&options, 1e-10);
            options = (gm_transform_options){ .before = 1.0, .after = 1.0 };
            gauss_draw(&world, 9, lanes[i], counts[j]);
            assert_kalman(&options, 1e-10);
        }
    }
}

static void measurements_may_differ_a_trillionfold_in_precision(void **state)
{
    (void)state;
    gm_random turns = gm_random_for(3, "turns");
    for (size_t kind = 0; kind < 3; kind++) {
        gauss_draw(&world, 11 + kind, 24, 12);
        for (size_t j = 0; j < world.measurement_count; j++) {
            world.variance[j] = j % 3 == 0 ? 1e-10 : j % 3 == 1 ? 1.0 : 1e10;
        }
        gm_transform_options options = gm_default_transform_options();
        options.symmetric = kind == 0;
        options.turns = kind == 2 ? &turns : NULL;
        assert_kalman(&options, 1e-10);
    }
}

static void the_serial_root_is_that_of_one_measurement_after_the_other(void **state)
{
    (void)state;
    gauss_draw(&world, 5, 30, 40);
    world.measured[3] += 100.0; // for the gate
    other = world;
    gm_analysis analysis = gauss_analysis(&world), serial = gauss_analysis(&other);
    analysis.gate = serial.gate = 4.0;
    gm_innovation innovations[40], expected[40];
    gm_transform_options options = gm_default_transform_options();
    options.symmetric = false;
    assert_int_equal(gm_transform_update(&analysis, &options, room, innovations, NULL), GM_OK);
    assert_int_equal(gm_square_root_update(&serial, expected, NULL), GM_OK);
    for (size_t i = 0; i < GAUSS_VALUES * world.lanes; i++) {
        assert_near(world.values[i], other.values[i], 1e-11);
    }
    for (size_t i = 0; i < 40 * world.lanes; i++) {
        assert_near(world.predictions[i], other.predictions[i], 1e-11);
    }
    for (size_t j = 0; j < 40; j++) {
        assert_near(innovations[j].mean, expected[j].mean, 1e-11);
        assert_near(innovations[j].spread, expected[j].spread, 1e-11);
        assert_near(innovations[j].ensemble_variance, expected[j].ensemble_variance, 1e-11);
    }
}

static void the_symmetric_root_is_symmetric_and_keeps_the_covariance(void **state)
{
    (void)state;
    enum { LANES = 19 };
    gauss_draw(&world, 5, LANES, 6);
    gm_analysis analysis = gauss_analysis(&world);
    gm_transform transform = gm_transform_start(room, LANES, 1.0);
    assert_int_equal(gm_transform_take(&transform, &analysis, NULL, NULL), GM_OK);
    double before[LANES][LANES];
    memcpy(before, transform.matrix, sizeof before);
    assert_int_equal(gm_transform_symmetrise(&transform, NULL), GM_OK);
    for (size_t i = 0; i < LANES; i++) {
        double row = 0.0;
        for (size_t j = 0; j < LANES; j++) {
            double was = 0.0, is = 0.0;
            for (size_t k = 0; k < LANES; k++) {
                was += before[i][k] * before[j][k];
                is += transform.matrix[i * LANES + k] * transform.matrix[j * LANES + k];
            }
            assert_near(is, was, 1e-13);
            assert_near(transform.matrix[i * LANES + j], transform.matrix[j * LANES + i], 1e-14);
            row += transform.matrix[i * LANES + j];
        }
        assert_near(row, 1.0, 1e-13); // the mean of deviations stays zero
    }
}

static void rotations_are_orthogonal_and_leave_the_mean(void **state)
{
    (void)state;
    for (size_t lanes = 2; lanes <= 33; lanes++) {
        gm_transform transform = gm_transform_start(room, lanes, 1.0);
        gm_transform_rotate(&transform, gm_random_for(1, "turns"), 9, lanes);
        for (size_t i = 0; i < lanes; i++) {
            double sum = 0.0, column = 0.0;
            for (size_t j = 0; j < lanes; j++) {
                double product = 0.0;
                for (size_t k = 0; k < lanes; k++) {
                    product += transform.matrix[i * lanes + k] * transform.matrix[j * lanes + k];
                }
                assert_near(product, i == j ? 1.0 : 0.0, 1e-13);
                sum += transform.matrix[i * lanes + j];
                column += transform.matrix[j * lanes + i];
            }
            assert_near(sum, 1.0, 1e-13);
            assert_near(column, 1.0, 1e-13);
        }
    }
}

/// Traces of uniform rotations of n - 1 directions have mean 0 and variance 1, and so have those of
/// their squares mean 1 (Diaconis, Shahshahani, J. Appl. Probab. 31A (1994) 49-62).
static void rotations_are_uniform(void **state)
{
    (void)state;
    enum { LANES = 6, DRAWS = 20000 };
    gm_moments trace = { 0 }, square = { 0 };
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        gm_transform transform = gm_transform_start(room, LANES, 1.0);
        gm_transform_rotate(&transform, gm_random_for(2, "turns"), 9, draw);
        double sum = -1.0, squares = -1.0; // the mean's direction
        for (size_t i = 0; i < LANES; i++) {
            sum += transform.matrix[i * LANES + i];
            for (size_t k = 0; k < LANES; k++) {
                squares += transform.matrix[i * LANES + k] * transform.matrix[k * LANES + i];
            }
        }
        gm_moments_add(&trace, sum);
        gm_moments_add(&square, squares);
    }
    assert_near(trace.mean, 0.0, 4.0 / sqrt(DRAWS));
    assert_near(gm_moments_variance(&trace), 1.0, 4.0 * sqrt(2.0 / DRAWS));
    assert_near(square.mean, 1.0, 4.0 * sqrt(2.0 / DRAWS));
}

static void inflation_before_and_after_are_those_of_deviations(void **state)
{
    (void)state;
    gauss_draw(&world, 5, 20, 3);
    other = world;
    gm_analysis analysis = gauss_analysis(&world), plain = gauss_analysis(&other);
    gm_transform_options options = gm_default_transform_options();
    options.before = 1.3;
    options.after = 1.1;
    assert_int_equal(gm_transform_update(&analysis, &options, room, NULL, NULL), GM_OK);
    gm_inflate(other.values, GAUSS_VALUES, 20, 1.3);
    gm_inflate(other.predictions, 3, 20, 1.3);
    options = gm_default_transform_options();
    assert_int_equal(gm_transform_update(&plain, &options, room, NULL, NULL), GM_OK);
    gm_inflate(other.values, GAUSS_VALUES, 20, 1.1);
    for (size_t i = 0; i < GAUSS_VALUES * 20; i++) {
        assert_near(world.values[i], other.values[i], 1e-12);
    }
}

/// Without measurements, or where they say nothing, inflation before would add up for ever.
static void a_bounded_update_widens_nothing(void **state)
{
    (void)state;
    const double factors[] = { 1.0, 1.2 };
    for (size_t kind = 0; kind < 2; kind++) {
        gauss_draw(&world, 5, 20, 1);
        other = world;
        gauss_belief before = gauss_belief_of(&world);
        gm_analysis analysis = gauss_analysis(&world), free = gauss_analysis(&other);
        gm_transform_options options = gm_default_transform_options();
        options.before = 1.5;
        options.after = factors[kind];
        assert_int_equal(gm_transform_update(&free, &options, room, NULL, NULL), GM_OK);
        options.bounded = true;
        assert_int_equal(gm_transform_update(&analysis, &options, room, NULL, NULL), GM_OK);
        gauss_belief after = gauss_belief_of(&world), unbound = gauss_belief_of(&other);
        for (size_t i = 0; i < GAUSS_VALUES; i++) {
            double allowed = (double)before.covariance[i][i] * factors[kind] * factors[kind];
            double expected = fmin(allowed, (double)unbound.covariance[i][i]);
            assert_near((double)after.covariance[i][i], expected, 1e-12);
            assert_near((double)after.mean[i], (double)unbound.mean[i], 1e-12);
        }
    }
}

// ---- bits ----

enum { MANY_ROWS = 2003, MANY_LANES = 43 };

static void bits_do_not_depend_on_neighbours_or_workers(void **state)
{
    (void)state;
    static double whole[MANY_ROWS][MANY_LANES], single[MANY_ROWS][MANY_LANES];
    static double team[MANY_ROWS][MANY_LANES], work[12 * MANY_LANES];
    assert_true(gm_transform_work_count(MANY_LANES) <= sizeof work / sizeof *work);
    gauss_draw(&world, 5, MANY_LANES, 8);
    gm_analysis analysis = gauss_analysis(&world);
    gm_transform transform = gm_transform_start(room, MANY_LANES, 1.0);
    assert_int_equal(gm_transform_take(&transform, &analysis, NULL, NULL), GM_OK);
    for (uint32_t row = 0; row < MANY_ROWS; row++) {
        for (uint32_t lane = 0; lane < MANY_LANES; lane++) {
            whole[row][lane] = gauss_normal(row, lane, row, 4);
        }
    }
    memcpy(single, whole, sizeof whole);
    memcpy(team, whole, sizeof whole);
    gm_transform_apply(&transform, whole[0], MANY_ROWS, work);
    for (size_t row = 0; row < MANY_ROWS; row++) {
        gm_transform_apply(&transform, single[row], 1, work);
    }
    assert_memory_equal(whole, single, sizeof whole);
    for (size_t count = 1; count <= 3; count++) {
        static double kept[MANY_ROWS][MANY_LANES];
        gm_workers *workers = NULL;
        memcpy(kept, team, sizeof team);
        assert_int_equal(gm_workers_create(count, &workers, NULL), GM_OK);
        gm_transform_share(&transform, kept[0], MANY_ROWS, workers);
        gm_workers_close(workers);
        assert_memory_equal(whole, kept, sizeof whole);
    }
}

// ---- refusals ----

static void assert_refused(const gm_analysis *analysis, const gm_transform_options *options,
                           gm_status expected)
{
    other = world;
    gm_error error = { 0 };
    gm_innovation innovation = { 1.0, 2.0, 3.0 };
    assert_int_equal(gm_transform_update(analysis, options, room, &innovation, &error), expected);
    assert_true(error.text[0] != '\0');
    assert_memory_equal(&world, &other, sizeof world);
    assert_true(innovation.mean == 1.0 && innovation.spread == 2.0);
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    gauss_draw(&world, 5, 12, 2);
    gm_transform_options options = gm_default_transform_options();
    gm_analysis analysis = gauss_analysis(&world);
    analysis.lanes = 1;
    assert_refused(&analysis, &options, GM_INVALID);
    analysis.lanes = 12;
    world.variance[1] = 0.0;
    assert_refused(&analysis, &options, GM_INVALID);
    world.variance[1] = NAN;
    assert_refused(&analysis, &options, GM_INVALID);
    world.variance[1] = 1.0;
    const double cautions[] = { 1.0, 2.0 };
    analysis.caution = cautions;
    assert_refused(&analysis, &options, GM_INVALID);
    analysis.caution = NULL;
    analysis.chance = 1.0;
    assert_refused(&analysis, &options, GM_INVALID);
    analysis.chance = 0.0;
    double *spoilt[] = { &world.values[7], &world.predictions[3], &world.measured[1] };
    for (size_t i = 0; i < sizeof spoilt / sizeof *spoilt; i++) {
        double kept = *spoilt[i];
        *spoilt[i] = i == 1 ? INFINITY : NAN;
        assert_refused(&analysis, &options, GM_NUMERIC);
        *spoilt[i] = kept;
    }
    double kept = world.predictions[3];
    world.predictions[3] = 1e200;
    other = world;
    assert_int_equal(gm_transform_update(&analysis, &options, room, NULL, NULL), GM_NUMERIC);
    assert_memory_equal(&world, &other, sizeof world);
    world.predictions[3] = kept;
    options.before = 0.0;
    assert_refused(&analysis, &options, GM_INVALID);
    options.before = 1.0;
    options.after = NAN;
    assert_refused(&analysis, &options, GM_INVALID);
}

static void a_transform_pays_for_many_values(void **state)
{
    (void)state;
    const size_t sizes[][3] = { { 4, 64, 2 },     { 100000, 32, 1 },  { 4, 8, 1 },
                                { 100, 256, 40 }, { 1000, 256, 100 }, { 100000, 32, 100 } };
    const double caution[100] = { 0 };
    for (size_t kind = 0; kind < 6; kind++) {
        gm_analysis analysis = { .value_count = sizes[kind][0],
                                 .lanes = sizes[kind][1],
                                 .measurement_count = sizes[kind][2] };
        assert_int_equal(gm_transform_pays(&analysis), kind >= 4);
        analysis.caution = caution;
        assert_false(gm_transform_pays(&analysis));
    }
}

static void lanes_without_spread_stay(void **state)
{
    (void)state;
    gauss_draw(&world, 5, 6, 2);
    for (size_t i = 0; i < 6 * GAUSS_VALUES; i++) {
        world.values[i] = 3.0;
    }
    for (size_t i = 0; i < 6 * 2; i++) {
        world.predictions[i] = 4.0;
    }
    gm_analysis analysis = gauss_analysis(&world);
    gm_transform_options options = gm_default_transform_options();
    assert_int_equal(gm_transform_update(&analysis, &options, room, NULL, NULL), GM_OK);
    for (size_t i = 0; i < 6 * GAUSS_VALUES; i++) {
        assert_true(world.values[i] == 3.0);
    }
}

// ---- ranks ----

static void update_symmetric(const gm_analysis *analysis, uint64_t occurrence)
{
    (void)occurrence;
    gm_transform_options options = gm_default_transform_options();
    assert_int_equal(gm_transform_update(analysis, &options, room, NULL, NULL), GM_OK);
}

static void update_turned(const gm_analysis *analysis, uint64_t occurrence)
{
    gm_random turns = gm_random_for(4, "turns");
    gm_transform_options options = gm_default_transform_options();
    options.turns = &turns;
    options.occurrence = occurrence;
    assert_int_equal(gm_transform_update(analysis, &options, room, NULL, NULL), GM_OK);
}

static void the_truth_is_one_of_the_lanes(void **state)
{
    (void)state;
    double symmetric = rank_uniformity(update_symmetric), turned = rank_uniformity(update_turned);
    printf("ranks uniform with p = %.3f, after rotations %.3f\n", symmetric, turned);
    assert_true(symmetric > 0.001);
    assert_true(turned > 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_covariance_are_kalmans),
        cmocka_unit_test(measurements_may_differ_a_trillionfold_in_precision),
        cmocka_unit_test(the_serial_root_is_that_of_one_measurement_after_the_other),
        cmocka_unit_test(the_symmetric_root_is_symmetric_and_keeps_the_covariance),
        cmocka_unit_test(rotations_are_orthogonal_and_leave_the_mean),
        cmocka_unit_test(rotations_are_uniform),
        cmocka_unit_test(inflation_before_and_after_are_those_of_deviations),
        cmocka_unit_test(a_bounded_update_widens_nothing),
        cmocka_unit_test(bits_do_not_depend_on_neighbours_or_workers),
        cmocka_unit_test(what_makes_no_sense_changes_nothing),
        cmocka_unit_test(a_transform_pays_for_many_values),
        cmocka_unit_test(lanes_without_spread_stay),
        cmocka_unit_test(the_truth_is_one_of_the_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
