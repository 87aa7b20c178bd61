// Fits against problems with known answers, with and without bounds.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "num/fit.h"

/// Misra1a of NIST StRD: b1 = 238.94212918, b2 = 5.5015643181e-4, residual sum of squares
/// 0.12455138894.
static const double misra_x[14] = { 77.6,  114.9, 141.1, 190.8, 239.9, 289.0, 332.8,
                                    378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0 };
static const double misra_y[14] = { 10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02,
                                    44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78 };

static void misra_residuals(void *context, const double *b, double *residuals)
{
    (void)context;
    for (size_t i = 0; i < 14; i++) {
        residuals[i] = b[0] * (1.0 - exp(-b[1] * misra_x[i])) - misra_y[i];
    }
}

static const gm_least_squares misra = { .parameter_count = 2,
                                        .residual_count = 14,
                                        .residuals = misra_residuals };

static void misra_is_fitted_as_certified(void **state)
{
    (void)state;
    const double starts[2][2] = { { 500.0, 0.0001 }, { 250.0, 0.0005 } };
    for (size_t i = 0; i < 2; i++) {
        double b[2] = { starts[i][0], starts[i][1] }, deviation[2];
        gm_least_squares problem = misra;
        problem.deviation = deviation;
        gm_fit_options options = gm_default_fit_options();
        options.tolerance = 1e-14;
        gm_fit_result result;
        assert_int_equal(gm_fit_least_squares(&problem, &options, b, &result, NULL), GM_OK);
        assert_true(result.converged && result.evaluation_count < 200);
        assert_true(fabs(b[0] / 238.94212918 - 1.0) < 1e-6);
        assert_true(fabs(b[1] / 5.5015643181e-4 - 1.0) < 1e-6);
        assert_true(fabs(result.cost / 0.12455138894 - 1.0) < 1e-9);
        assert_true(fabs(deviation[0] / 2.7070075241 - 1.0) < 1e-4);
        assert_true(fabs(deviation[1] / 7.2668688436e-6 - 1.0) < 1e-4);
    }
}

static void bounds_hold_and_name_what_they_hold(void **state)
{
    (void)state;
    const double lower[2] = { 0.0, 0.0 }, upper[2] = { 200.0, 1.0 };
    double b[2] = { 500.0, 0.0001 }, deviation[2];
    gm_least_squares problem = misra;
    problem.lower = lower;
    problem.upper = upper;
    problem.deviation = deviation;
    gm_fit_options options = gm_default_fit_options();
    gm_fit_result result;
    assert_int_equal(gm_fit_least_squares(&problem, &options, b, &result, NULL), GM_OK);
    assert_true(result.converged);
    assert_true(b[0] == 200.0 && isnan(deviation[0]));
    assert_true(deviation[1] > 0.0);
    // b2 alone: the slope of the cost vanishes there
    double cost[3], residuals[14];
    for (int side = -1; side <= 1; side++) {
        double shifted[2] = { 200.0, b[1] * (1.0 + 1e-3 * side) };
        misra_residuals(NULL, shifted, residuals);
        cost[side + 1] = 0.0;
        for (size_t i = 0; i < 14; i++) {
            cost[side + 1] += residuals[i] * residuals[i];
        }
    }
    assert_true(cost[1] < cost[0] && cost[1] < cost[2]);
}

/// Rosenbrock's valley, Comput. J. 3 (1960) 175-184, as residuals, without a value left of -3.
static void valley_residuals(void *context, const double *x, double *residuals)
{
    (void)context;
    residuals[0] = x[0] < -3.0 ? NAN : 10.0 * (x[1] - x[0] * x[0]);
    residuals[1] = 1.0 - x[0];
}

static double valley(void *context, const double *x)
{
    double r[2];
    valley_residuals(context, x, r);
    return r[0] * r[0] + r[1] * r[1];
}

static void the_valley_is_walked_to_its_end(void **state)
{
    (void)state;
    gm_least_squares problem = { .parameter_count = 2,
                                 .residual_count = 2,
                                 .residuals = valley_residuals };
    const double spread[2] = { 0.5, 0.5 };
    gm_simplex_search search = { .parameter_count = 2, .spread = spread, .cost = valley };
    gm_fit_options options = gm_default_fit_options();
    gm_fit_result result;
    double x[2] = { -1.2, 1.0 };
    assert_int_equal(gm_fit_least_squares(&problem, &options, x, &result, NULL), GM_OK);
    assert_true(result.converged && hypot(x[0] - 1.0, x[1] - 1.0) < 1e-5);
    x[0] = -1.2;
    x[1] = 1.0;
    assert_int_equal(gm_fit_simplex(&search, &options, x, &result, NULL), GM_OK);
    assert_true(result.converged && hypot(x[0] - 1.0, x[1] - 1.0) < 1e-5);
}

static double bowl(void *context, const double *x)
{
    (void)context;
    double sum = 2.0;
    for (size_t i = 0; i < 4; i++) {
        sum += (double)(i + 1) * (x[i] - (double)i) * (x[i] - (double)i);
    }
    return sum;
}

static void simplex_keeps_to_its_bounds(void **state)
{
    (void)state;
    const double spread[4] = { 1.0, 1.0, 1.0, 1.0 }, lower[4] = { -9.0, -9.0, -9.0, -9.0 };
    const double upper[4] = { 9.0, 9.0, 9.0, 2.0 };
    gm_simplex_search search = {
        .parameter_count = 4, .spread = spread, .lower = lower, .upper = upper, .cost = bowl
    };
    gm_fit_options options = gm_default_fit_options();
    gm_fit_result result;
    double x[4] = { 5.0, 5.0, 5.0, 5.0 };
    assert_int_equal(gm_fit_simplex(&search, &options, x, &result, NULL), GM_OK);
    assert_true(result.converged && fabs(result.cost - 6.0) < 1e-6);
    assert_true(x[3] <= 2.0 && fabs(x[3] - 2.0) < 1e-6);
    assert_true(fabs(x[0]) < 1e-3 && fabs(x[1] - 1.0) < 1e-3 && fabs(x[2] - 2.0) < 1e-3);
}

static void evaluations_run_out_without_harm(void **state)
{
    (void)state;
    const double spread[2] = { 0.5, 0.5 };
    gm_simplex_search search = { .parameter_count = 2, .spread = spread, .cost = valley };
    gm_fit_options options = gm_default_fit_options();
    options.evaluation_limit = 20;
    gm_fit_result result;
    double x[2] = { -1.2, 1.0 }, before = valley(NULL, x);
    assert_int_equal(gm_fit_simplex(&search, &options, x, &result, NULL), GM_OK);
    assert_true(!result.converged && result.evaluation_count < 30 && result.cost < before);
    double b[2] = { 500.0, 0.0001 };
    assert_int_equal(gm_fit_least_squares(&misra, &options, b, &result, NULL), GM_OK);
    assert_true(!result.converged && result.evaluation_count <= 20);
}

static void wrong_problems_leave_all_untouched(void **state)
{
    (void)state;
    gm_error error = { 0 };
    gm_fit_options options = gm_default_fit_options();
    gm_fit_result result = { .cost = 7.0 };
    double x[2] = { -5.0, 1.0 };
    gm_least_squares problem = { .parameter_count = 2,
                                 .residual_count = 2,
                                 .residuals = valley_residuals };
    assert_int_equal(gm_fit_least_squares(&problem, &options, x, &result, &error), GM_NUMERIC);
    assert_true(x[0] == -5.0 && result.cost == 7.0);
    problem.residual_count = 1;
    assert_int_equal(gm_fit_least_squares(&problem, &options, x, &result, &error), GM_INVALID);
    problem.residual_count = 2;
    problem.lower = problem.upper = x;
    assert_int_equal(gm_fit_least_squares(&problem, &options, x, &result, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "bounds"));
    const double spread[2] = { 1.0, 0.0 };
    gm_simplex_search search = { .parameter_count = 2, .spread = spread, .cost = valley };
    assert_int_equal(gm_fit_simplex(&search, &options, x, &result, &error), GM_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misra_is_fitted_as_certified),
        cmocka_unit_test(bounds_hold_and_name_what_they_hold),
        cmocka_unit_test(the_valley_is_walked_to_its_end),
        cmocka_unit_test(simplex_keeps_to_its_bounds),
        cmocka_unit_test(evaluations_run_out_without_harm),
        cmocka_unit_test(wrong_problems_leave_all_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
