// The stiff stepper: order three also with the time in the rate, L-stability, lanes independent of
// each other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/ode.h"
#include "num/sparse.h"

enum { COUNT = 3, ENTRIES = 7 };

/// Robertson's reaction, time counted in its own units: stiff, and its sum stays 1 (Hairer, Wanner,
/// Solving ODEs II, IV.1, eq. 1.4).
static const uint32_t entry_row[ENTRIES] = { 0, 0, 0, 1, 1, 1, 2 };
static const uint32_t entry_column[ENTRIES] = { 0, 1, 2, 0, 1, 2, 1 };

static void robertson_rate(size_t width, const double *x, double *rate)
{
    for (size_t lane = 0; lane < width; lane++) {
        double a = x[lane], b = x[width + lane], c = x[2 * width + lane];
        rate[lane] = -0.04 * a + 1e4 * b * c;
        rate[width + lane] = 0.04 * a - 1e4 * b * c - 3e7 * b * b;
        rate[2 * width + lane] = 3e7 * b * b;
    }
}

static void robertson_jacobian(size_t width, const double *x, double *values)
{
    for (size_t lane = 0; lane < width; lane++) {
        double b = x[width + lane], c = x[2 * width + lane];
        const double v[ENTRIES] = { -0.04,    1e4 * c, 1e4 * b, 0.04, -1e4 * c - 6e7 * b,
                                    -1e4 * b, 6e7 * b };
        for (size_t at = 0; at < ENTRIES; at++) {
            values[at * width + lane] = v[at];
        }
    }
}

static void rate_1(void *context, const double *time_s, const double *x, double *rate)
{
    (void)context;
    (void)time_s;
    robertson_rate(1, x, rate);
}

static void rate_8(void *context, const double *time_s, const double *x, double *rate)
{
    (void)context;
    (void)time_s;
    robertson_rate(8, x, rate);
}

static void jacobian_1(void *context, const double *time_s, const double *x, double *values)
{
    (void)context;
    (void)time_s;
    robertson_jacobian(1, x, values);
}

static void jacobian_8(void *context, const double *time_s, const double *x, double *values)
{
    (void)context;
    (void)time_s;
    robertson_jacobian(8, x, values);
}

static gm_lane_mask advance(const gm_ode *ode, const gm_ode_options *options, const double *span_s,
                            double *state, double *step_s)
{
    void *work = gm_memory_new(1, gm_ode_work_size(ode, options));
    assert_non_null(work);
    gm_ode_lanes lanes = { ode->width == 1 ? 1 : 0xff, span_s, state, step_s };
    gm_lane_mask failed = gm_ode_advance(ode, options, &lanes, work);
    gm_memory_free(work);
    return failed;
}

static gm_ode_options stiff_options(double tolerance)
{
    gm_ode_options options = gm_default_ode_options();
    options.method = GM_ODE_RODAS3;
    options.relative = tolerance;
    options.absolute = 1e-4 * tolerance;
    return options;
}

static gm_sparse *robertson_pattern(void)
{
    gm_sparse *pattern = NULL;
    assert_int_equal(gm_sparse_create(COUNT, ENTRIES, entry_row, entry_column, &pattern, NULL),
                     GM_OK);
    return pattern;
}

/// Reference at t = 40: Hindmarsh, Serban, CVODE examples (cvRoberts):
/// 0.7158270688, 9.185534765e-6, 0.2841637457.
static void robertson_is_solved_in_few_steps(void **unused)
{
    (void)unused;
    gm_sparse *pattern = robertson_pattern();
    gm_ode ode = {
        .count = COUNT, .width = 1, .rate = rate_1, .jacobian = jacobian_1, .pattern = pattern
    };
    gm_ode_options options = stiff_options(1e-5);
    options.step_limit = 150;
    double x[COUNT] = { 1.0, 0.0, 0.0 }, span_s = 40.0;
    assert_int_equal(advance(&ode, &options, &span_s, x, NULL), 0);
    assert_true(fabs(x[0] / 0.7158270688 - 1.0) < 1e-4);
    assert_true(fabs(x[1] / 9.185534765e-6 - 1.0) < 1e-4);
    assert_true(fabs(x[2] / 0.2841637457 - 1.0) < 1e-4);
    assert_true(fabs(x[0] + x[1] + x[2] - 1.0) < 1e-12);
    gm_sparse_close(pattern);
}

static void width_1_and_8_give_the_same_bits(void **unused)
{
    (void)unused;
    gm_sparse *pattern = robertson_pattern();
    gm_ode wide = {
        .count = COUNT, .width = 8, .rate = rate_8, .jacobian = jacobian_8, .pattern = pattern
    };
    gm_ode narrow = {
        .count = COUNT, .width = 1, .rate = rate_1, .jacobian = jacobian_1, .pattern = pattern
    };
    const double span_s[8] = { 40.0, 0.0, 1e-3, 400.0, 1.0, 4000.0, 7.0, 0.3 };
    gm_ode_options options = stiff_options(1e-4);
    for (int ill = 0; ill < 2; ill++) { // with and without a lane that is no number
        double together[COUNT * 8] = { 0.0 }, step_s[8] = { 0.0 };
        for (size_t lane = 0; lane < 8; lane++) {
            together[lane] = 1.0 - 0.05 * (double)lane;
        }
        together[8 + 4] = ill ? NAN : 0.0;
        assert_int_equal(advance(&wide, &options, span_s, together, step_s), ill ? 0x10 : 0);
        assert_int_equal(advance(&wide, &options, span_s, together, step_s), ill ? 0x10 : 0);
        for (size_t lane = 0; lane < 8; lane++) {
            double x[COUNT] = { 1.0 - 0.05 * (double)lane }, alone_s = 0.0;
            advance(&narrow, &options, &span_s[lane], x, &alone_s);
            advance(&narrow, &options, &span_s[lane], x, &alone_s);
            for (size_t i = 0; i < COUNT && !(ill && lane == 4); i++) {
                assert_memory_equal(&x[i], &together[i * 8 + lane], sizeof x[i]);
            }
        }
    }
    gm_sparse_close(pattern);
}

/// The problem of Prothero and Robinson, Math. Comp. 28 (1974) 145-162: x' = -stiffness (x - cos t)
/// - sin t, with the solution cos t; and a nonlinear companion y' = -y^2 x.
typedef struct prothero {
    double stiffness;
} prothero;

static void prothero_rate(void *context, const double *time_s, const double *x, double *rate)
{
    const prothero *p = context;
    rate[0] = -p->stiffness * (x[0] - cos(*time_s)) - sin(*time_s);
    rate[1] = -x[1] * x[1] * x[0];
}

static void prothero_jacobian(void *context, const double *time_s, const double *x, double *values)
{
    const prothero *p = context;
    (void)time_s;
    values[0] = -p->stiffness;
    values[1] = -x[1] * x[1];
    values[2] = -2.0 * x[1] * x[0];
}

static gm_sparse *prothero_pattern(void)
{
    const uint32_t row[] = { 0, 1, 1 }, column[] = { 0, 0, 1 };
    gm_sparse *pattern = NULL;
    assert_int_equal(gm_sparse_create(2, 3, row, column, &pattern, NULL), GM_OK);
    return pattern;
}

static void order_is_three(void **unused)
{
    (void)unused;
    gm_sparse *pattern = prothero_pattern();
    prothero mild = { 1.5 };
    gm_ode ode = { .count = 2,
                   .width = 1,
                   .context = &mild,
                   .rate = prothero_rate,
                   .jacobian = prothero_jacobian,
                   .pattern = pattern };
    double error[3];
    for (int i = 0; i < 3; i++) { // one step each: its error shrinks with the order plus one
        double span_s = 0.05 / (double)(1 << i), x[2] = { 1.0, 1.0 };
        gm_ode_options options = stiff_options(1e9); // anything goes
        options.step_s = span_s;
        assert_int_equal(advance(&ode, &options, &span_s, x, NULL), 0);
        error[i] = hypot(x[0] - cos(span_s), x[1] - 1.0 / (1.0 + sin(span_s)));
    }
    for (int i = 0; i < 2; i++) {
        double order = log2(error[i] / error[i + 1]) - 1.0;
        assert_true(order > 2.8 && order < 3.3);
    }
    gm_sparse_close(pattern);
}

static void one_step_damps_what_is_infinitely_stiff(void **unused)
{
    (void)unused;
    gm_sparse *pattern = prothero_pattern();
    prothero stiff = { 1e9 };
    gm_ode ode = { .count = 2,
                   .width = 1,
                   .context = &stiff,
                   .rate = prothero_rate,
                   .jacobian = prothero_jacobian,
                   .pattern = pattern };
    gm_ode_options options = stiff_options(1e9);
    options.step_s = 1e-3;
    double span_s = 1e-3, x[2] = { 100.0, 0.0 }; // far off: 99 above the slow solution
    assert_int_equal(advance(&ode, &options, &span_s, x, NULL), 0);
    assert_true(fabs(x[0] - cos(span_s)) < 1e-3);
    gm_sparse_close(pattern);
}

static void stiffness_does_not_cost_steps(void **unused)
{
    (void)unused;
    gm_sparse *pattern = prothero_pattern();
    for (double stiffness = 1.0; stiffness < 1e13; stiffness *= 1e3) {
        prothero problem = { stiffness };
        gm_ode ode = { .count = 2,
                       .width = 1,
                       .context = &problem,
                       .rate = prothero_rate,
                       .jacobian = prothero_jacobian,
                       .pattern = pattern };
        gm_ode_options options = stiff_options(1e-4);
        options.absolute = 1e-4;
        options.step_limit = 200;
        double span_s = 10.0, x[2] = { 1.0, 0.5 };
        assert_int_equal(advance(&ode, &options, &span_s, x, NULL), 0);
        assert_true(fabs(x[0] - cos(span_s)) < 1e-3);
    }
    gm_sparse_close(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(robertson_is_solved_in_few_steps),
        cmocka_unit_test(width_1_and_8_give_the_same_bits),
        cmocka_unit_test(order_is_three),
        cmocka_unit_test(one_step_damps_what_is_infinitely_stiff),
        cmocka_unit_test(stiffness_does_not_cost_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
