// The explicit steppers: orders, per-lane spans, independence of neighbours and width, failed
// lanes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/ode.h"

enum { COUNT = 4 };

/// Two pendulums, coupled and driven: [angle a, speed a, angle b, speed b], nonlinear and with the
/// time in it.
static void pendulums(size_t width, const double *time_s, const double *state, double *rate)
{
    for (size_t lane = 0; lane < width; lane++) {
        double a = state[lane], va = state[width + lane];
        double b = state[2 * width + lane], vb = state[3 * width + lane];
        rate[lane] = va;
        rate[width + lane] = -sin(a) + 0.3 * (b - a) + 0.2 * cos(time_s[lane]);
        rate[2 * width + lane] = vb;
        rate[3 * width + lane] = -2.0 * sin(b) - 0.3 * (b - a) - 0.1 * vb;
    }
}

static void pendulums_1(void *context, const double *time_s, const double *state, double *rate)
{
    (void)context;
    pendulums(1, time_s, state, rate);
}

static void pendulums_8(void *context, const double *time_s, const double *state, double *rate)
{
    (void)context;
    pendulums(8, time_s, state, rate);
}

static const gm_ode wide = { .count = COUNT, .width = 8, .rate = pendulums_8 };
static const gm_ode narrow = { .count = COUNT, .width = 1, .rate = pendulums_1 };

static gm_lane_mask advance(const gm_ode *ode, const gm_ode_options *options, gm_ode_lanes lanes)
{
    void *work = gm_memory_new(1, gm_ode_work_size(ode, options));
    assert_non_null(work);
    gm_lane_mask failed = gm_ode_advance(ode, options, &lanes, work);
    gm_memory_free(work);
    return failed;
}

static void start(double *state, size_t width, size_t first_lane)
{
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t lane = 0; lane < width; lane++) {
            state[i * width + lane] = 0.7 + 0.1 * (double)(first_lane + lane) - 0.4 * (double)i;
        }
    }
}

static void reference(double span_s, double *state)
{
    gm_ode_options options = gm_default_ode_options();
    options.relative = options.absolute = 1e-14;
    start(state, 1, 0);
    assert_int_equal(advance(&narrow, &options, (gm_ode_lanes){ 1, &span_s, state, NULL }), 0);
}

static double distance(const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < COUNT; i++) {
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    }
    return sqrt(sum);
}

static void order_of_rk4_is_four(void **unused)
{
    (void)unused;
    double truth[COUNT], error[3], span_s = 3.0;
    reference(span_s, truth);
    for (int i = 0; i < 3; i++) {
        gm_ode_options options = { .method = GM_ODE_RK4, .step_limit = 100000 };
        options.step_s = span_s / (double)(40 << i);
        double state[COUNT];
        start(state, 1, 0);
        assert_int_equal(advance(&narrow, &options, (gm_ode_lanes){ 1, &span_s, state, NULL }), 0);
        error[i] = distance(state, truth);
    }
    for (int i = 0; i < 2; i++) {
        double order = log2(error[i] / error[i + 1]);
        assert_true(order > 3.8 && order < 4.2);
    }
}

/// One step of each size: the error of one step shrinks with the order plus one.
static void order_of_dopri5_is_five(void **unused)
{
    (void)unused;
    double error[3];
    for (int i = 0; i < 3; i++) {
        double span_s = 0.1 / (double)(1 << i), truth[COUNT], state[COUNT];
        reference(span_s, truth);
        gm_ode_options options = gm_default_ode_options();
        options.relative = options.absolute = 1e3; // anything goes
        options.step_s = span_s;
        start(state, 1, 0);
        assert_int_equal(advance(&narrow, &options, (gm_ode_lanes){ 1, &span_s, state, NULL }), 0);
        error[i] = distance(state, truth);
    }
    for (int i = 0; i < 2; i++) {
        double order = log2(error[i] / error[i + 1]) - 1.0;
        assert_true(order > 4.7 && order < 5.3);
    }
}

static void error_follows_the_tolerance(void **unused)
{
    (void)unused;
    double truth[COUNT], span_s = 20.0;
    reference(span_s, truth);
    for (double tolerance = 1e-4; tolerance > 1e-11; tolerance *= 0.1) {
        gm_ode_options options = gm_default_ode_options();
        options.relative = options.absolute = tolerance;
        double state[COUNT];
        start(state, 1, 0);
        assert_int_equal(advance(&narrow, &options, (gm_ode_lanes){ 1, &span_s, state, NULL }), 0);
        double error = distance(state, truth);
        assert_true(error < 50.0 * tolerance);
        assert_true(error > 1e-3 * tolerance);
    }
}

static const double spans_s[8] = { 0.0, 0.013, 1.0, 2.5, 2.5, 17.0, 1e-9, 4.0 };

static gm_ode_options options_of(gm_ode_method method)
{
    gm_ode_options options = gm_default_ode_options();
    options.method = method;
    options.step_s = method == GM_ODE_RK4 ? 0.05 : 0.0;
    return options;
}

static void width_1_and_8_give_the_same_bits(void **unused)
{
    (void)unused;
    for (gm_ode_method method = GM_ODE_RK4; method <= GM_ODE_DOPRI5; method++) {
        gm_ode_options options = options_of(method);
        double together[COUNT * 8], step_s[8] = { 0.0 };
        start(together, 8, 0);
        for (int call = 0; call < 3; call++) { // the steps carry over
            assert_int_equal(
                advance(&wide, &options, (gm_ode_lanes){ 0xff, spans_s, together, step_s }), 0);
        }
        for (size_t lane = 0; lane < 8; lane++) {
            double alone[COUNT], alone_step_s = 0.0;
            start(alone, 1, lane);
            for (int call = 0; call < 3; call++) {
                assert_int_equal(advance(&narrow, &options,
                                         (gm_ode_lanes){ 1, &spans_s[lane], alone, &alone_step_s }),
                                 0);
            }
            for (size_t i = 0; i < COUNT; i++) {
                assert_memory_equal(&alone[i], &together[i * 8 + lane], sizeof alone[i]);
            }
            assert_memory_equal(&alone_step_s, &step_s[lane], sizeof alone_step_s);
        }
    }
}

static void lanes_of_span_zero_and_outside_the_mask_do_not_move(void **unused)
{
    (void)unused;
    for (gm_ode_method method = GM_ODE_RK4; method <= GM_ODE_DOPRI5; method++) {
        gm_ode_options options = options_of(method);
        double before[COUNT * 8], after[COUNT * 8], step_s[8] = { 0.0 };
        start(before, 8, 0);
        memcpy(after, before, sizeof after);
        assert_int_equal(advance(&wide, &options, (gm_ode_lanes){ 0x0d, spans_s, after, step_s }),
                         0);
        for (size_t lane = 0; lane < 8; lane++) {
            bool moved = lane == 2 || lane == 3;
            for (size_t i = 0; i < COUNT; i++) {
                assert_int_equal(after[i * 8 + lane] != before[i * 8 + lane], moved);
            }
            assert_int_equal(step_s[lane] != 0.0, moved);
        }
    }
}

static void nan_in_one_lane_leaves_the_others_bits(void **unused)
{
    (void)unused;
    const double bad[] = { NAN, INFINITY, -INFINITY, 1e308 };
    for (gm_ode_method method = GM_ODE_RK4; method <= GM_ODE_DOPRI5; method++) {
        gm_ode_options options = options_of(method);
        double healthy[COUNT * 8];
        start(healthy, 8, 0);
        assert_int_equal(advance(&wide, &options, (gm_ode_lanes){ 0xff, spans_s, healthy, NULL }),
                         0);
        for (size_t kind = 0; kind < 4; kind++) {
            double ill[COUNT * 8];
            start(ill, 8, 0);
            ill[1 * 8 + 5] = bad[kind];
            gm_lane_mask failed =
                advance(&wide, &options, (gm_ode_lanes){ 0xff, spans_s, ill, NULL });
            assert_true(failed == 0x20 || (kind == 3 && failed == 0)); // 1e308 is a number
            for (size_t i = 0; i < COUNT; i++) {
                for (size_t lane = 0; lane < 8; lane++) {
                    if (lane != 5) {
                        assert_memory_equal(&ill[i * 8 + lane], &healthy[i * 8 + lane], 8);
                    }
                }
            }
        }
    }
}

/// dx/dt = x^2 escapes to infinity at t = 1 / x.
static void escape_8(void *context, const double *time_s, const double *state, double *rate)
{
    (void)context;
    (void)time_s;
    for (size_t lane = 0; lane < 8; lane++) {
        rate[lane] = state[lane] * state[lane];
    }
}

static void failed_lanes_keep_their_bits(void **unused)
{
    (void)unused;
    gm_ode ode = { .count = 1, .width = 8, .rate = escape_8 };
    for (gm_ode_method method = GM_ODE_RK4; method <= GM_ODE_DOPRI5; method++) {
        gm_ode_options options = options_of(method);
        options.step_s = method == GM_ODE_RK4 ? 0.001 : 0.0;
        double state[8], step_s[8], span_s[8];
        for (size_t lane = 0; lane < 8; lane++) {
            state[lane] = 0.25 * (double)(lane + 1); // lanes 3 and more escape within 1 s
            step_s[lane] = 0.0;
            span_s[lane] = 1.02;
        }
        assert_int_equal(advance(&ode, &options, (gm_ode_lanes){ 0xff, span_s, state, step_s }),
                         0xf8);
        for (size_t lane = 0; lane < 8; lane++) {
            double x = 0.25 * (double)(lane + 1);
            if (lane < 3) {
                assert_true(fabs(state[lane] * (1.0 / x - 1.02) - 1.0) < 1e-4);
            } else {
                assert_memory_equal(&state[lane], &x, sizeof x);
                assert_true(step_s[lane] == 0.0);
            }
        }
    }
}

static void step_limit_and_spans_that_are_no_numbers_fail(void **unused)
{
    (void)unused;
    const double span_s[8] = { 1.0, -1.0, NAN, INFINITY, 1000.0, 0.0, 1e300, -INFINITY };
    for (gm_ode_method method = GM_ODE_RK4; method <= GM_ODE_DOPRI5; method++) {
        gm_ode_options options = options_of(method);
        options.step_limit = 100;
        double state[COUNT * 8];
        start(state, 8, 0);
        assert_int_equal(advance(&wide, &options, (gm_ode_lanes){ 0xff, span_s, state, NULL }),
                         0xde);
        assert_int_equal(advance(&wide, &options, (gm_ode_lanes){ 0x21, span_s, state, NULL }), 0);
    }
}

static void rest_8(void *context, const double *time_s, const double *state, double *rate)
{
    (void)context;
    (void)time_s;
    (void)state;
    memset(rate, 0, 8 * sizeof *rate);
}

static void a_system_at_rest_takes_one_step(void **unused)
{
    (void)unused;
    gm_ode ode = { .count = 1, .width = 8, .rate = rest_8 };
    gm_ode_options options = gm_default_ode_options();
    options.step_limit = 1;
    double state[8] = { 0.0, 1.0, 2.0 }, before[8], span_s[8];
    memcpy(before, state, sizeof state);
    for (size_t lane = 0; lane < 8; lane++) {
        span_s[lane] = 3600.0;
    }
    assert_int_equal(advance(&ode, &options, (gm_ode_lanes){ 0xff, span_s, state, NULL }), 0);
    assert_memory_equal(state, before, sizeof state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_of_rk4_is_four),
        cmocka_unit_test(order_of_dopri5_is_five),
        cmocka_unit_test(error_follows_the_tolerance),
        cmocka_unit_test(width_1_and_8_give_the_same_bits),
        cmocka_unit_test(lanes_of_span_zero_and_outside_the_mask_do_not_move),
        cmocka_unit_test(nan_in_one_lane_leaves_the_others_bits),
        cmocka_unit_test(failed_lanes_keep_their_bits),
        cmocka_unit_test(step_limit_and_spans_that_are_no_numbers_fail),
        cmocka_unit_test(a_system_at_rest_takes_one_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
