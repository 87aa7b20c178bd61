// Weights and resampling: nothing impossible is chosen, everything possible in proportion.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <gemel/random.h>

#include "assim/resampling.h"

enum { LANES = 50 };

static void assert_close(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static void weights_are_relative_whatever_the_scale(void **state)
{
    (void)state;
    gm_error error = { 0 };
    double weights[4];
    const double logs[4] = { -1e6, -1e6 + log(3.0), -INFINITY, NAN };
    assert_int_equal(gm_weights_from_logs(logs, 4, weights, &error), GM_OK);
    assert_close(weights[0], 0.25, 1e-9);
    assert_close(weights[1], 0.75, 1e-9);
    assert_close(weights[2] + weights[3], 0.0, 0.0);
    const double huge[2] = { 1e300, -1e300 };
    assert_int_equal(gm_weights_from_logs(huge, 2, weights, &error), GM_OK);
    assert_close(weights[0], 1.0, 0.0);
    const double none[3] = { -INFINITY, NAN, -INFINITY };
    weights[0] = 77.0;
    assert_int_equal(gm_weights_from_logs(none, 3, weights, &error), GM_NUMERIC);
    assert_close(weights[0], 77.0, 0.0);
}

static void effective_lanes_run_from_one_to_all(void **state)
{
    (void)state;
    double even[LANES], one[LANES] = { [7] = 1.0 };
    for (size_t lane = 0; lane < LANES; lane++) {
        even[lane] = 1.0 / LANES;
    }
    assert_close(gm_effective_lanes(even, LANES), LANES, 1e-9);
    assert_close(gm_effective_lanes(one, LANES), 1.0, 0.0);
}

static void check_resampled(const double *weights, const uint32_t *source, size_t lanes)
{
    uint32_t chosen[LANES] = { 0 };
    for (size_t lane = 0; lane < lanes; lane++) {
        assert_true(source[lane] < lanes && weights[source[lane]] > 0.0);
        chosen[source[lane]]++;
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        // systematic: less than one away from what is expected
        assert_true(fabs((double)chosen[lane] - weights[lane] * (double)lanes) < 1.0 + 1e-9);
        assert_true(chosen[lane] == 0 || source[lane] == lane); // survivors stay
    }
}

static void lanes_are_chosen_in_proportion_and_survivors_stay(void **state)
{
    (void)state;
    gm_random random = gm_random_for(3, "weights");
    uint32_t counts[LANES], source[LANES];
    for (uint32_t trial = 0; trial < 5000; trial++) {
        size_t lanes = 1 + trial % LANES;
        double weights[LANES], sum = 0.0;
        for (uint32_t lane = 0; lane < lanes; lane++) {
            double uniform = gm_random_uniform(random, (gm_draw){ lane, trial, 0, 0 });
            weights[lane] = uniform < 0.3 && lane > 0 ? 0.0 : pow(uniform, 1.0 + trial % 9);
            sum += weights[lane];
        }
        for (size_t lane = 0; lane < lanes; lane++) {
            weights[lane] /= sum;
        }
        double uniform = gm_random_uniform(random, (gm_draw){ 0, trial, 1, 0 });
        gm_resample(weights, lanes, uniform, counts, source);
        check_resampled(weights, source, lanes);
    }
}

static void rounding_never_chooses_an_impossible_lane(void **state)
{
    (void)state;
    // ten tenths add up to just below one: the last pointer is beyond all of them
    double weights[12] = { 0 };
    for (size_t lane = 0; lane < 10; lane++) {
        weights[lane] = 0.1;
    }
    uint32_t counts[12], source[12];
    const double last = 1.0 - 0x1p-53;
    gm_resample(weights, 12, last, counts, source);
    check_resampled(weights, source, 12);
    const double first[3] = { 0.0, 0.0, 1.0 };
    gm_resample(first, 3, 0x1p-53, counts, source);
    assert_true(source[0] == 2 && source[1] == 2 && source[2] == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_are_relative_whatever_the_scale),
        cmocka_unit_test(effective_lanes_run_from_one_to_all),
        cmocka_unit_test(lanes_are_chosen_in_proportion_and_survivors_stay),
        cmocka_unit_test(rounding_never_chooses_an_impossible_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
