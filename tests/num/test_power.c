// Logarithm, exponential and power against long double libm; bits alone and in a vector.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdbool.h>

#include "num/power.h"
#include "num/power_table.h"

enum { STEPS = 4096, EXPONENTS = 41 };

/// Evenly spaced logarithms from low to high, which are met.
static double spaced(double low, double high, int step)
{
    return (double)expl(logl((long double)low) +
                        (logl((long double)high) - logl((long double)low)) * step / (STEPS - 1));
}

static long double relative(double value, long double truth)
{
    return fabsl(((long double)value - truth) / truth);
}

static void logarithm_is_right_to_1e_15(void **state)
{
    (void)state;
    for (int i = 0; i < STEPS; i++) {
        double x = spaced(0x1p-1022, 0x1p1023, i), near = spaced(0.5, 2.0, i);
        assert_true(relative(gm_log(x), logl((long double)x)) < 1e-15L);
        if (near != 1.0) {
            assert_true(relative(gm_log(near), logl((long double)near)) < 1e-15L);
        }
        double beside = 1.0 + (i - STEPS / 2 + 0.5) * 0x1p-45;
        assert_true(relative(gm_log(beside), logl((long double)beside)) < 1e-15L);
    }
    assert_true(gm_log(1.0) == 0.0);
}

static void exponential_is_right_to_2e_15(void **state)
{
    (void)state;
    for (int i = 0; i < STEPS; i++) {
        double x = -708.0 + 1417.0 * i / (STEPS - 1), near = (i - STEPS / 2) * 1e-3;
        assert_true(relative(gm_exp(x), expl((long double)x)) < 2e-15L);
        assert_true(relative(gm_exp(near), expl((long double)near)) < 2e-15L);
    }
    assert_true(gm_exp(0.0) == 1.0);
}

static void power_is_right_to_1e_13(void **state)
{
    (void)state;
    for (int j = 0; j < EXPONENTS; j++) {
        double exponent = -5.0 + 0.25 * j + (j % 2) * 0.102;
        exponent = exponent > 5.0 ? 5.0 : exponent;
        for (int i = 0; i < STEPS; i++) {
            double x = spaced(1e-12, 1e6, i);
            long double truth = powl((long double)x, (long double)exponent);
            assert_true(relative(gm_power(x, exponent), truth) < 1e-13L);
        }
    }
}

static void power_of_zero_and_of_one_are_exact(void **state)
{
    (void)state;
    const double exponents[] = { 1e-3, 0.5, 0.852, 1.852, 2.0, 5.0 };
    for (size_t i = 0; i < sizeof exponents / sizeof *exponents; i++) {
        assert_true(gm_power(0.0, exponents[i]) == 0.0);
        assert_true(gm_power(0x1p-1040, exponents[i]) == 0.0);
        assert_true(isinf(gm_power(0.0, -exponents[i])));
        assert_true(gm_power(1.0, exponents[i]) == 1.0);
    }
    assert_true(gm_power(0.0, 0.0) == 1.0 && gm_power(7.0, 0.0) == 1.0);
    assert_true(gm_power(2.0, 3.0) == 8.0 && gm_power(0.25, -1.5) == 8.0);
}

static void results_out_of_range_are_zero_or_infinite(void **state)
{
    (void)state;
    assert_true(gm_power(1e-300, 2.0) == 0.0 && gm_power(1e300, -2.0) == 0.0);
    assert_true(isinf(gm_power(1e300, 2.0)) && isinf(gm_power(1e-300, -2.0)));
    assert_true(isinf(gm_power(2.0, 1e300)) && gm_power(0.5, 1e300) == 0.0);
}

static void nan_stays_nan(void **state)
{
    (void)state;
    const double nan = (double)NAN;
    assert_true(isnan(gm_log(nan)) && isnan(gm_exp(nan)) && isnan(gm_power(nan, 2.0)));
    assert_true(isnan(gm_power(2.0, nan)) && isnan(gm_power(-nan, 0.5)));
}

static void arguments_out_of_range_are_as_said(void **state)
{
    (void)state;
    const double infinity = (double)INFINITY;
    assert_true(gm_log(0.0) == -infinity && gm_log(0x1p-1040) == -infinity);
    assert_true(gm_log(-1.0) == -infinity && gm_power(-1.0, 2.0) == 0.0);
    assert_true(gm_power(infinity, 2.0) == infinity && gm_power(infinity, 0.5) == 0x1p512);
}

static GM_KERNEL void power_all(const double *restrict x, double *restrict y, double exponent)
{
    for (int i = 0; i < STEPS; i++) {
        y[i] = gm_power(x[i], exponent);
    }
}

static GM_KERNEL void log_exp_all(const double *restrict x, double *restrict log_x,
                                  double *restrict exp_x)
{
    for (int i = 0; i < STEPS; i++) {
        log_x[i] = gm_log(x[i]);
        exp_x[i] = gm_exp(log_x[i]);
    }
}

static void vectors_have_the_bits_of_single_values(void **state)
{
    (void)state;
    static double x[STEPS], y[STEPS], log_x[STEPS], exp_x[STEPS];
    for (int i = 0; i < STEPS; i++) {
        x[i] = i % 100 == 0 ? 0.0 : spaced(1e-12, 1e6, i);
    }
    power_all(x, y, 1.852);
    log_exp_all(x, log_x, exp_x);
    for (int i = 0; i < STEPS; i++) {
        volatile double alone = x[i];
        assert_true(y[i] == gm_power(alone, 1.852));
        assert_true(i % 100 == 0 || log_x[i] == gm_log(alone));
        volatile double alone_log = log_x[i];
        assert_true(i % 100 == 0 || exp_x[i] == gm_exp(alone_log));
    }
}

static void tables_are_right_to_1e_10(void **state)
{
    (void)state;
    static gm_power_table table, natural;
    gm_log_table_fill(&natural);
    for (int j = 0; j <= 20; j++) {
        double exponent = -1.0 + 0.1 * j + (j % 2) * 0.026;
        exponent = exponent < 1.0 ? exponent : 1.0;
        gm_power_table_fill(&table, exponent);
        for (int i = 0; i < STEPS; i++) {
            double x = spaced(0x1p-64, 0x1.ffp63, i);
            long double truth = powl((long double)x, (long double)exponent);
            assert_true(relative(gm_power_at(&table, x), truth) < 1e-10L);
            assert_true(fabsl((long double)gm_log_at(&natural, x) - logl((long double)x)) < 1e-10L);
        }
    }
}

static void tables_give_finite_numbers_for_anything(void **state)
{
    (void)state;
    static gm_power_table table;
    gm_power_table_fill(&table, 0.574);
    const double odd[] = { 0.0, -0.0, -1.0, 0x1p-65, 0x1p64, 0x1p-1060, 0x1.fffffffffffffp1023 };
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        assert_true(isfinite(gm_power_at(&table, odd[i])));
    }
    assert_true(isfinite(gm_power_at(&table, (double)NAN)));
    assert_true(isfinite(gm_power_at(&table, -(double)INFINITY)));
}

static GM_KERNEL void power_at_all(const gm_power_table *table, const double *restrict x,
                                   double *restrict y)
{
    for (int i = 0; i < STEPS; i++) {
        y[i] = gm_power_at(table, x[i]);
    }
}

static void tables_give_vectors_the_bits_of_single_values(void **state)
{
    (void)state;
    static double x[STEPS], y[STEPS];
    static gm_power_table table;
    gm_power_table_fill(&table, 0.574);
    for (int i = 0; i < STEPS; i++) {
        x[i] = spaced(1e-15, 1e9, i);
    }
    power_at_all(&table, x, y);
    for (int i = 0; i < STEPS; i++) {
        volatile double alone = x[i];
        assert_true(y[i] == gm_power_at(&table, alone));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithm_is_right_to_1e_15),
        cmocka_unit_test(exponential_is_right_to_2e_15),
        cmocka_unit_test(power_is_right_to_1e_13),
        cmocka_unit_test(power_of_zero_and_of_one_are_exact),
        cmocka_unit_test(results_out_of_range_are_zero_or_infinite),
        cmocka_unit_test(nan_stays_nan),
        cmocka_unit_test(arguments_out_of_range_are_as_said),
        cmocka_unit_test(vectors_have_the_bits_of_single_values),
        cmocka_unit_test(tables_are_right_to_1e_10),
        cmocka_unit_test(tables_give_finite_numbers_for_anything),
        cmocka_unit_test(tables_give_vectors_the_bits_of_single_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
