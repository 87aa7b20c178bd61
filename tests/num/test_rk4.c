// The inlined Runge-Kutta step: order four, the same path as gm_ode, blocks independent of each
// other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/ode.h"
#include "num/rk4.h"

enum { BLOCKS = 4 };

/// Two species that feed on each other: Lotka, J. Am. Chem. Soc. 42 (1920) 1595-1599.
GM_INLINE void rate_block(const void *context, const gm_lanes *x, gm_lanes *rate)
{
    double growth = *(const double *)context;
    rate[0] = growth * x[0] - x[0] * x[1];
    rate[1] = x[0] * x[1] - x[1];
}

static GM_KERNEL void lotka_blocks(const double *growth, double step_s, size_t step_count,
                                   gm_lanes *state)
{
    for (size_t step = 0; step < step_count; step++) {
        for (int block = 0; block < BLOCKS; block++) {
            gm_rk4_step(rate_block, growth, 2, step_s, state + 2 * block);
        }
    }
}

static void rate_8(void *context, const double *time_s, const double *x, double *rate)
{
    (void)time_s;
    for (size_t lane = 0; lane < 8; lane++) {
        rate[lane] = *(const double *)context * x[lane] - x[lane] * x[8 + lane];
        rate[8 + lane] = x[lane] * x[8 + lane] - x[8 + lane];
    }
}

static void start(gm_lanes *state)
{
    for (int i = 0; i < 2 * BLOCKS; i++) {
        for (int lane = 0; lane < 8; lane++) {
            state[i][lane] = 0.5 + 0.1 * i + 0.05 * lane;
        }
    }
}

static void truth_of_first_block(double growth, double span_s, gm_ode_options options,
                                 gm_lanes *state)
{
    gm_ode ode = { .count = 2, .width = 8, .context = &growth, .rate = rate_8 };
    void *work = gm_memory_new(1, gm_ode_work_size(&ode, &options));
    double spans_s[8], x[16];
    for (int lane = 0; lane < 8; lane++) {
        spans_s[lane] = span_s;
    }
    gm_lanes all[2 * BLOCKS];
    start(all);
    memcpy(x, all, sizeof x);
    gm_ode_lanes lanes = { .mask = 0xff, .span_s = spans_s, .state = x };
    assert_int_equal(gm_ode_advance(&ode, &options, &lanes, work), 0);
    memcpy(state, x, sizeof x);
    gm_memory_free(work);
}

static double distance(const gm_lanes *a, const gm_lanes *b)
{
    double most = 0.0;
    for (int i = 0; i < 2; i++) {
        for (int lane = 0; lane < 8; lane++) {
            most = fmax(most, fabs(a[i][lane] - b[i][lane]));
        }
    }
    return most;
}

static void order_is_four(void **unused)
{
    (void)unused;
    const double growth = 1.1, span_s = 2.0;
    gm_ode_options options = gm_default_ode_options();
    options.relative = options.absolute = 1e-14;
    gm_lanes truth[2], state[2 * BLOCKS];
    truth_of_first_block(growth, span_s, options, truth);
    double error[3];
    for (int i = 0; i < 3; i++) {
        size_t count = (size_t)40 << i;
        start(state);
        lotka_blocks(&growth, span_s / (double)count, count, state);
        error[i] = distance(state, truth);
    }
    assert_true(log2(error[0] / error[1]) > 3.8 && log2(error[0] / error[1]) < 4.2);
    assert_true(log2(error[1] / error[2]) > 3.8 && log2(error[1] / error[2]) < 4.2);
}

static void path_is_that_of_gm_ode(void **unused)
{
    (void)unused;
    const double growth = 0.9, span_s = 3.0;
    gm_ode_options options = { .method = GM_ODE_RK4, .step_s = span_s / 30.0, .step_limit = 30 };
    gm_lanes truth[2], state[2 * BLOCKS];
    truth_of_first_block(growth, span_s, options, truth);
    start(state);
    lotka_blocks(&growth, span_s / 30.0, 30, state);
    assert_true(distance(state, truth) < 1e-13);
}

static void nan_in_one_lane_leaves_the_others_bits(void **unused)
{
    (void)unused;
    const double growth = 1.0;
    gm_lanes healthy[2 * BLOCKS], ill[2 * BLOCKS];
    start(healthy);
    start(ill);
    ill[3][5] = NAN; // second block
    lotka_blocks(&growth, 0.01, 100, healthy);
    lotka_blocks(&growth, 0.01, 100, ill);
    for (int i = 0; i < 2 * BLOCKS; i++) {
        for (int lane = 0; lane < 8; lane++) {
            double a = healthy[i][lane], b = ill[i][lane];
            if ((i == 2 || i == 3) && lane == 5) {
                assert_true(isnan(b));
            } else {
                assert_memory_equal(&a, &b, sizeof a);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_is_four),
        cmocka_unit_test(path_is_that_of_gm_ode),
        cmocka_unit_test(nan_in_one_lane_leaves_the_others_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
