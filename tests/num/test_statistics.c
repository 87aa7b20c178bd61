// Statistics against closed forms, published tables and direct sums.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "num/statistics.h"

static bool close_to(double value, double expected, double tolerance)
{
    return fabs(value - expected) <= tolerance * fmax(1e-300, fabs(expected));
}

static double uniform(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*seed >> 11) * 0x1p-53;
}

static void moments_match_a_known_sample(void **state)
{
    (void)state;
    // NIST StRD, NumAcc3: mean 1000000.2, standard deviation 0.1
    double values[1001];
    gm_moments moments = { 0 }, first = { 0 }, second = { 0 };
    for (size_t i = 0; i < 1001; i++) {
        values[i] = i == 0 ? 1000000.2 : i % 2 == 1 ? 1000000.1 : 1000000.3;
        gm_moments_add(&moments, values[i]);
        gm_moments_add(i < 300 ? &first : &second, values[i]);
    }
    gm_moments joined = gm_moments_join(first, second);
    assert_true(close_to(gm_mean(values, 1001), 1000000.2, 1e-14));
    assert_true(close_to(gm_variance(values, 1001), 0.01, 1e-7));
    assert_true(close_to(moments.mean, 1000000.2, 1e-14));
    assert_true(close_to(gm_moments_variance(&moments), 0.01, 1e-7));
    assert_true(close_to(joined.mean, 1000000.2, 1e-14));
    assert_true(close_to(gm_moments_variance(&joined), 0.01, 1e-7));
    assert_true(isnan(gm_mean(values, 0)) && isnan(gm_variance(values, 1)));
    assert_true(isnan(gm_moments_variance(&(gm_moments){ .count = 1 })));
    joined = gm_moments_join((gm_moments){ 0 }, first);
    assert_memory_equal(&joined, &first, sizeof first);
}

static void sorting_orders_any_values(void **state)
{
    (void)state;
    static double values[5000];
    uint64_t seed = 1;
    for (size_t count = 0; count < 5000; count = count * 2 + 1) {
        double sum = 0.0, sorted_sum = 0.0;
        for (size_t i = 0; i < count; i++) {
            values[i] = floor(100.0 * uniform(&seed)); // many are equal
            sum += values[i];
        }
        if (count > 2) {
            sum -= values[0] + values[2];
            values[0] = NAN;
            values[2] = -INFINITY;
        }
        gm_sort(values, count);
        size_t numbers = count > 2 ? count - 1 : count;
        for (size_t i = 0; i < numbers; i++) {
            assert_true(i == 0 || values[i - 1] <= values[i]);
            sorted_sum += isfinite(values[i]) ? values[i] : 0.0;
        }
        assert_true(sum == sorted_sum); // whole numbers: the sum is exact
        assert_true(count <= 2 || (isnan(values[count - 1]) && values[0] == -INFINITY));
    }
}

static void quantiles_interpolate_order_statistics(void **state)
{
    (void)state;
    const double sorted[] = { 1.0, 2.0, 4.0, 8.0, 16.0 };
    assert_true(gm_quantile(sorted, 5, 0.0) == 1.0);
    assert_true(gm_quantile(sorted, 5, 1.0) == 16.0);
    assert_true(gm_quantile(sorted, 5, 0.5) == 4.0);
    assert_true(close_to(gm_quantile(sorted, 5, 0.1), 1.4, 1e-15));
    assert_true(close_to(gm_quantile(sorted, 5, 0.9), 12.8, 1e-15));
    assert_true(gm_quantile(sorted, 1, 0.3) == 1.0);
    assert_true(isnan(gm_quantile(sorted, 0, 0.5)));
    assert_true(isnan(gm_quantile(sorted, 5, 1.5)) && isnan(gm_quantile(sorted, 5, NAN)));
}

static void normal_quantile_inverts_the_cdf(void **state)
{
    (void)state;
    // Wichura's own check values, and the usual ones
    assert_true(close_to(gm_normal_quantile(0.25), -0.6744897501960817, 1e-15));
    assert_true(close_to(gm_normal_quantile(0.001), -3.090232306167814, 1e-15));
    assert_true(close_to(gm_normal_quantile(1e-20), -9.262340089798408, 1e-15));
    assert_true(close_to(gm_normal_quantile(0.975), 1.959963984540054, 1e-15));
    assert_true(gm_normal_quantile(0.5) == 0.0);
    for (double x = -37.0; x < 5.0; x += 0.37) {
        assert_true(fabs(gm_normal_quantile(gm_normal_cdf(x)) - x) < 1e-9 * (1.0 + fabs(x)));
    }
    assert_true(gm_normal_quantile(0.0) == -INFINITY && gm_normal_quantile(1.0) == INFINITY);
    assert_true(isnan(gm_normal_quantile(-0.1)) && isnan(gm_normal_quantile(NAN)));
}

static void tails_match_tables(void **state)
{
    (void)state;
    // upper critical values: NIST/SEMATECH e-Handbook, 1.3.6.7.4 (chi-square) and 1.3.6.7.2 (t),
    // three decimals
    assert_true(fabs(gm_chi_square_tail(3.841, 1.0) - 0.05) < 1e-4);
    assert_true(fabs(gm_chi_square_tail(18.307, 10.0) - 0.05) < 1e-5);
    assert_true(fabs(gm_chi_square_tail(149.449, 100.0) - 0.001) < 1e-6);
    assert_true(fabs(gm_student_tails(12.706, 1.0) - 0.05) < 1e-5);
    assert_true(fabs(gm_student_tails(2.228, 10.0) - 0.05) < 1e-4);
    assert_true(fabs(gm_student_tails(-2.626, 100.0) - 0.01) < 1e-4);
    for (double x = 0.01; x < 200.0; x *= 1.3) { // closed forms
        assert_true(close_to(gm_chi_square_tail(x, 2.0), exp(-0.5 * x), 1e-13));
        assert_true(close_to(gm_chi_square_tail(x * x, 1.0), erfc(x / sqrt(2.0)), 1e-11) ||
                    erfc(x / sqrt(2.0)) < 1e-300);
        assert_true(close_to(gm_student_tails(x, 1.0), 2.0 * atan(1.0 / x) / acos(-1.0), 1e-12));
        double tails = 2.0 / (sqrt(2.0 + x * x) * (sqrt(2.0 + x * x) + x));
        assert_true(close_to(gm_student_tails(x, 2.0), tails, 1e-12));
    }
    assert_true(gm_chi_square_tail(0.0, 3.0) == 1.0 && gm_chi_square_tail(INFINITY, 3.0) == 0.0);
    assert_true(gm_student_tails(0.0, 3.0) == 1.0 && gm_student_tails(INFINITY, 3.0) == 0.0);
    assert_true(isnan(gm_chi_square_tail(1.0, 0.0)) && isnan(gm_student_tails(NAN, 3.0)));
}

/// The definition, by all pairs.
static double crps_by_pairs(const double *members, size_t count, double observed, double share)
{
    double distance = 0.0, pairs = 0.0;
    for (size_t i = 0; i < count; i++) {
        distance += fabs(members[i] - observed);
        for (size_t j = 0; j < count; j++) {
            pairs += fabs(members[i] - members[j]);
        }
    }
    return distance / (double)count - 0.5 * share * pairs;
}

static void crps_is_the_sum_over_all_pairs(void **state)
{
    (void)state;
    double members[64];
    uint64_t seed = 9;
    for (size_t count = 1; count <= 64; count++) {
        for (size_t i = 0; i < count; i++) {
            members[i] = 300.0 + uniform(&seed);
        }
        gm_sort(members, count);
        double observed = 300.0 + 1.5 * uniform(&seed), n = (double)count;
        double pairs = crps_by_pairs(members, count, observed, 1.0 / (n * n));
        assert_true(fabs(gm_crps(members, count, observed) - pairs) < 1e-12);
        if (count > 1) {
            double fair = crps_by_pairs(members, count, observed, 1.0 / (n * (n - 1.0)));
            assert_true(fabs(gm_crps_fair(members, count, observed) - fair) < 1e-12);
        }
    }
    double one = 3.0;
    assert_true(gm_crps(&one, 1, 5.0) == 2.0);
    assert_true(isnan(gm_crps(&one, 0, 5.0)) && isnan(gm_crps_fair(&one, 1, 5.0)));
    assert_true(isnan(gm_crps(&one, 1, NAN)));
}

/// A large ensemble of a normal forecast scores like the normal; small fair ones do so on average.
static void fair_crps_does_not_depend_on_the_size(void **state)
{
    (void)state;
    enum { LARGE = 2000, SMALL = 4, TRIALS = 40000 };
    static double large[LARGE];
    for (size_t i = 0; i < LARGE; i++) {
        large[i] = gm_normal_quantile(((double)i + 0.5) / LARGE);
    }
    double truth = gm_crps_normal(0.0, 1.0, 0.7);
    assert_true(fabs(gm_crps(large, LARGE, 0.7) - truth) < 1e-3);
    uint64_t seed = 5;
    gm_moments fair = { 0 }, plain = { 0 };
    for (size_t trial = 0; trial < TRIALS; trial++) {
        double members[SMALL];
        for (size_t i = 0; i < SMALL; i++) {
            members[i] = gm_normal_quantile(uniform(&seed));
        }
        gm_sort(members, SMALL);
        gm_moments_add(&fair, gm_crps_fair(members, SMALL, 0.7));
        gm_moments_add(&plain, gm_crps(members, SMALL, 0.7));
    }
    double deviation = sqrt(gm_moments_variance(&fair) / TRIALS);
    assert_true(fabs(fair.mean - truth) < 4.0 * deviation);
    assert_true(plain.mean - truth > 20.0 * deviation);
}

static void coverage_counts_finite_forecasts(void **state)
{
    (void)state;
    gm_coverage coverage = { 0 };
    assert_true(isnan(gm_coverage_share(&coverage)));
    gm_coverage_add(&coverage, 0.0, 1.0, 0.5);
    gm_coverage_add(&coverage, 0.0, 1.0, 1.0);
    gm_coverage_add(&coverage, 0.0, 1.0, 1.5);
    gm_coverage_add(&coverage, 0.0, 1.0, -0.5);
    gm_coverage_add(&coverage, 0.0, NAN, 0.5);
    assert_int_equal(coverage.count, 4);
    assert_true(gm_coverage_share(&coverage) == 0.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_match_a_known_sample),
        cmocka_unit_test(sorting_orders_any_values),
        cmocka_unit_test(quantiles_interpolate_order_statistics),
        cmocka_unit_test(normal_quantile_inverts_the_cdf),
        cmocka_unit_test(tails_match_tables),
        cmocka_unit_test(crps_is_the_sum_over_all_pairs),
        cmocka_unit_test(fair_crps_does_not_depend_on_the_size),
        cmocka_unit_test(coverage_counts_finite_forecasts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
