// Memory that runs out at any point is an error, not a crash or a leak (the sanitizer sees leaks).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gemel/workers.h>
#include <string.h>

#include "base/failing_memory.h"
#include "num/fit.h"
#include "num/sparse.h"

static gm_status make_sparse(gm_error *error)
{
    const uint32_t row[] = { 0, 1, 2, 3, 0 }, column[] = { 1, 2, 3, 4, 4 };
    gm_sparse *sparse = NULL;
    gm_status status = gm_sparse_create(5, 5, row, column, &sparse, error);
    assert_int_equal(status == GM_OK, sparse != NULL);
    gm_sparse_close(sparse);
    return status;
}

static gm_status make_workers(gm_error *error)
{
    gm_workers *workers = NULL;
    gm_status status = gm_workers_create(3, &workers, error);
    assert_int_equal(status == GM_OK, workers != NULL);
    gm_workers_close(workers);
    return status;
}

static void line_residuals(void *context, const double *parameters, double *residuals)
{
    (void)context;
    for (size_t i = 0; i < 3; i++) {
        residuals[i] = parameters[0] + parameters[1] * (double)i - (double)(3 + 2 * i);
    }
}

static double line_cost(void *context, const double *parameters)
{
    double r[3];
    line_residuals(context, parameters, r);
    return r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
}

static gm_status fit_line(gm_error *error)
{
    const gm_least_squares problem = { .parameter_count = 2,
                                       .residual_count = 3,
                                       .residuals = line_residuals };
    gm_fit_options options = gm_default_fit_options();
    gm_fit_result result;
    double x[2] = { 0.0, 0.0 };
    gm_status status = gm_fit_least_squares(&problem, &options, x, &result, error);
    assert_int_equal(status == GM_OK, x[0] != 0.0);
    return status;
}

static gm_status search_line(gm_error *error)
{
    const double spread[2] = { 1.0, 1.0 };
    const gm_simplex_search search = { .parameter_count = 2, .spread = spread, .cost = line_cost };
    gm_fit_options options = gm_default_fit_options();
    gm_fit_result result;
    double x[2] = { 0.0, 0.0 };
    gm_status status = gm_fit_simplex(&search, &options, x, &result, error);
    assert_int_equal(status == GM_OK, x[0] != 0.0);
    return status;
}

static void failure_of_any_allocation_is_an_error(void **state)
{
    (void)state;
    gm_status (*const works[])(gm_error *) = { make_sparse, make_workers, fit_line, search_line };
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        gm_status status = GM_MEMORY;
        size_t allowed = 0;
        for (; status != GM_OK; allowed++) {
            assert_true(allowed < 100);
            gm_error error = { 0 };
            allocations_left = (long)allowed;
            status = works[i](&error);
            allocations_left = LONG_MAX;
            assert_true(status == GM_OK || status == GM_MEMORY);
            assert_true(status == GM_OK || strstr(error.text, "memory") != NULL);
        }
        assert_true(allowed > 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failure_of_any_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
