// Untended ensembles: what innovations say about lanes and sensors.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "assim/adaptive_inflation.h"
#include "assim/gauss_fixture.h"

static gauss_world world;
static double room[3 * GAUSS_LANES_MAX * GAUSS_LANES_MAX + 5 * GAUSS_LANES_MAX];

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static double estimate(gm_inflation *inflation)
{
    gm_inflation_options options = gm_default_inflation_options();
    gm_analysis analysis = gauss_analysis(&world);
    gm_error error = { 0 };
    double factor = NAN;
    if (gm_inflation_estimate(&options, &analysis, room, inflation, &factor, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return factor;
}

/// Mean factor of the last 200 of 1000 analyses of lanes that are too narrow by `narrow`.
static double learned(size_t lanes, size_t measurement_count, double narrow)
{
    gm_inflation inflation = { 0 };
    double sum = 0.0;
    for (uint64_t k = 0; k < 1000; k++) {
        gauss_draw(&world, 50 + k, lanes, measurement_count);
        gm_inflate(world.predictions, measurement_count, lanes, 1.0 / narrow);
        double factor = estimate(&inflation);
        sum += k >= 800 ? factor / 200.0 : 0.0;
    }
    return sum;
}

static void lanes_that_are_right_stay(void **state)
{
    (void)state;
    assert_near(learned(60, 6, 1.0), 1.0, 0.03);
}

static void lanes_too_narrow_are_widened(void **state)
{
    (void)state;
    // a little less than it should be: what is learned is forgotten all the time
    assert_near(learned(30, 6, 2.0), 1.85, 0.25);
    assert_near(learned(30, 40, 3.0), 2.8, 0.3);
}

/// A scalar that forgets itself, measured with so much noise.
static double factor_of_a_walk(double noise)
{
    enum { LANES = 16 };
    gm_random random = gm_random_for(3, "walk");
    gm_inflation inflation = { 0 };
    double truth = 0.0, sum = 0.0, measured = 0.0;
    double row[LANES] = { 0 }, predicted[LANES];
    for (uint64_t k = 0; k < 4000; k++) {
        truth = 0.95 * truth + gm_random_normal(random, (gm_draw){ 0, 0, 1, k });
        measured = truth + sqrt(noise) * gm_random_normal(random, (gm_draw){ 0, 0, 2, k });
        for (uint32_t lane = 0; lane < LANES; lane++) {
            row[lane] = 0.95 * row[lane] + gm_random_normal(random, (gm_draw){ lane, 0, 3, k });
            predicted[lane] = row[lane];
        }
        gm_analysis analysis = { .lanes = LANES,
                                 .values = row,
                                 .value_count = 1,
                                 .predictions = predicted,
                                 .measurement_count = 1,
                                 .measured = &measured,
                                 .variance = &noise };
        gm_inflation_options options = gm_default_inflation_options();
        double factor = NAN;
        assert_int_equal(
            gm_inflation_estimate(&options, &analysis, room, &inflation, &factor, NULL), GM_OK);
        gm_inflate(row, 1, LANES, factor);
        gm_inflate(predicted, 1, LANES, factor);
        assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
        sum += log(factor);
    }
    return exp(sum / 4000.0);
}

static void measurements_that_say_little_change_nothing(void **state)
{
    (void)state;
    assert_near(factor_of_a_walk(250.0), 1.0, 0.002);
    assert_near(factor_of_a_walk(10.0), 1.0, 0.01);
    assert_near(factor_of_a_walk(0.1), 1.02, 0.02);
}

static void few_lanes_ask_for_more(void **state)
{
    (void)state;
    double three = learned(3, 6, 1.0), ten = learned(10, 6, 1.0), many = learned(60, 6, 1.0);
    assert_true(three > ten && ten > many);
}

/// A measurement is the same as two of twice its variance that agree: measurements are few in one
/// case and many in the other.
static void few_and_many_measurements_are_treated_alike(void **state)
{
    (void)state;
    enum { LANES = 10, COUNT = 7 };
    gauss_draw(&world, 3, LANES, COUNT);
    gm_inflation few = { 0.1, 0.01 }, many = few;
    double expected = estimate(&few);
    world.measurement_count = 2 * COUNT;
    memcpy(world.predictions + COUNT * LANES, world.predictions,
           COUNT * LANES * sizeof *world.predictions);
    for (size_t j = 0; j < COUNT; j++) {
        world.variance[j] *= 2.0;
        world.variance[COUNT + j] = world.variance[j];
        world.measured[COUNT + j] = world.measured[j];
    }
    assert_near(estimate(&many), expected, 1e-6);
    assert_near(many.level, few.level, 1e-9);
    assert_near(many.doubt, few.doubt, 1e-9);
}

static void units_do_not_matter(void **state)
{
    (void)state;
    gauss_draw(&world, 3, 10, 5);
    gm_inflation plain = { 0 }, scaled = { 0 };
    double expected = estimate(&plain);
    for (size_t lane = 0; lane < 10; lane++) {
        world.predictions[2 * 10 + lane] *= 1024.0;
    }
    world.measured[2] *= 1024.0;
    world.variance[2] *= 1024.0 * 1024.0;
    assert_near(estimate(&scaled), expected, 1e-12);
}

static void without_measurements_or_spread_nothing_is_asked(void **state)
{
    (void)state;
    gm_inflation inflation = { 0 };
    gauss_draw(&world, 3, 10, 0);
    assert_true(estimate(&inflation) == 1.0);
    gauss_draw(&world, 3, 10, 2);
    for (size_t i = 0; i < 20; i++) {
        world.predictions[i] = 4.0;
    }
    assert_true(estimate(&inflation) == 1.0);
}

static void what_was_learned_is_forgotten(void **state)
{
    (void)state;
    gm_inflation inflation = { log(4.0), 0.01 };
    gauss_draw(&world, 3, 10, 0);
    for (size_t k = 0; k < 3000; k++) {
        estimate(&inflation);
    }
    assert_near(inflation.level, 0.0, 1e-3);
}

static void an_outlier_counts_as_the_gate(void **state)
{
    (void)state;
    double factors[2];
    gm_inflation_options options = gm_default_inflation_options();
    for (size_t kind = 0; kind < 2; kind++) {
        gauss_draw(&world, 3, 10, 4);
        world.measured[1] += kind == 0 ? 1e4 : 1e6;
        gm_analysis analysis = gauss_analysis(&world);
        analysis.gate = 4.0;
        gm_inflation inflation = { 0 };
        assert_int_equal(
            gm_inflation_estimate(&options, &analysis, room, &inflation, &factors[kind], NULL),
            GM_OK);
    }
    assert_near(factors[1], factors[0], 1e-3);
    assert_true(factors[0] < 1.5);
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 9; kind++) {
        gauss_draw(&world, 3, 10, 4);
        gm_inflation_options options = gm_default_inflation_options();
        options.confidence = kind == 0 ? 0.0 : 2.0;
        options.doubt = kind == 1 ? NAN : 0.1;
        options.memory = kind == 2 ? 1.0 : 300.0;
        options.highest = kind == 3 ? INFINITY : 100.0;
        gm_analysis analysis = gauss_analysis(&world);
        analysis.lanes = kind == 4 ? 1 : 10;
        world.variance[2] = kind == 5 ? 0.0 : 1.0;
        world.measured[2] = kind == 6 ? NAN : kind == 7 ? 1e200 : 1.0;
        world.predictions[11] = kind == 8 ? INFINITY : 1.0;
        gm_inflation inflation = { 0.5, 0.25 };
        gm_error error = { 0 };
        double factor = -1.0;
        gm_status status =
            gm_inflation_estimate(&options, &analysis, room, &inflation, &factor, &error);
        assert_int_equal(status, kind < 6 ? GM_INVALID : GM_NUMERIC);
        assert_true(error.text[0] != '\0');
        assert_true(factor == -1.0 && inflation.level == 0.5 && inflation.doubt == 0.25);
    }
}

/// A scalar Kalman filter of a random walk that is told a third of the true error variance.
static void error_variances_are_learned(void **state)
{
    (void)state;
    const double truth_variance = 3.0, step_variance = 0.5;
    gm_random random = gm_random_for(1, "walk");
    gm_noise noise = { 0 };
    double truth = 0.0, mean = 0.0, variance = 1.0;
    for (uint64_t k = 0; k < 20000; k++) {
        truth += sqrt(step_variance) * gm_random_normal(random, (gm_draw){ 0, 0, 0, k });
        double error = sqrt(truth_variance) * gm_random_normal(random, (gm_draw){ 0, 0, 1, k });
        variance += step_variance;
        double before = truth + error - mean;
        double gain = variance / (variance + gm_noise_factor(&noise, 50.0));
        mean += gain * before;
        variance *= 1.0 - gain;
        gm_noise_take(&noise, before, truth + error - mean, 1.0, 2000.0);
    }
    assert_near(gm_noise_factor(&noise, 50.0), truth_variance, 0.3);
}

static void a_noise_factor_stays_within_reason(void **state)
{
    (void)state;
    gm_noise noise = { 0 };
    assert_true(gm_noise_factor(&noise, 50.0) == 1.0);
    gm_noise_take(&noise, NAN, 1.0, 1.0, 100.0);
    assert_true(gm_noise_factor(&noise, 50.0) == 1.0);
    for (int k = 0; k < 1000; k++) {
        gm_noise_take(&noise, 1e3, 1e3, 1.0, 100.0);
    }
    assert_true(gm_noise_factor(&noise, 50.0) == 100.0);
    for (int k = 0; k < 10000; k++) {
        gm_noise_take(&noise, 1.0, -1.0, 1.0, 100.0);
    }
    assert_true(gm_noise_factor(&noise, 50.0) == 0.01);
}

static void spread_has_a_floor(void **state)
{
    (void)state;
    enum { LANES = 20 };
    gm_random random = gm_random_for(1, "floor");
    double row[LANES], kept[LANES];
    for (size_t kind = 0; kind < 3; kind++) { // above it, below it, no spread at all
        const double sizes[] = { 3.0, 0.5, 0.0 };
        for (uint32_t lane = 0; lane < LANES; lane++) {
            row[lane] = kept[lane] = 7.0 + sizes[kind] * gauss_normal(2, lane, 0, 0);
        }
        double mean = gm_mean(row, LANES);
        bool below = gm_spread_floor(row, LANES, 1.5, random, (gm_draw){ 0, 3, 1, 5 });
        assert_int_equal(below, kind > 0);
        assert_near(gm_mean(row, LANES), mean, 1e-13);
        if (below) {
            assert_near(sqrt(gm_variance(row, LANES)), 1.5, 1e-13);
        } else {
            assert_memory_equal(row, kept, sizeof row);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_that_are_right_stay),
        cmocka_unit_test(lanes_too_narrow_are_widened),
        cmocka_unit_test(measurements_that_say_little_change_nothing),
        cmocka_unit_test(few_lanes_ask_for_more),
        cmocka_unit_test(few_and_many_measurements_are_treated_alike),
        cmocka_unit_test(units_do_not_matter),
        cmocka_unit_test(without_measurements_or_spread_nothing_is_asked),
        cmocka_unit_test(what_was_learned_is_forgotten),
        cmocka_unit_test(an_outlier_counts_as_the_gate),
        cmocka_unit_test(what_makes_no_sense_changes_nothing),
        cmocka_unit_test(error_variances_are_learned),
        cmocka_unit_test(a_noise_factor_stays_within_reason),
        cmocka_unit_test(spread_has_a_floor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
