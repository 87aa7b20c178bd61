// Liu and West's shrinkage: what it leaves alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "assim/liu_west.h"
#include "assim/resampling.h"
#include "num/statistics.h"

enum { LANES = 64, ROWS = 2 };

typedef struct particles {
    double values[ROWS * LANES], weights[LANES], room[(ROWS + 1) * LANES + ROWS];
    uint32_t source[LANES], counts[LANES];
} particles;

static void near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

/// Two rows, the second twice the first and something, with weights that fall away from `centre`.
static void draw(particles *of, double sharpness, double centre)
{
    gm_random random = gm_random_for(7, "liu west");
    double logs[LANES];
    gm_random_normal_lanes(random, (gm_draw){ .element = 0 }, LANES, of->values);
    gm_random_normal_lanes(random, (gm_draw){ .element = 1 }, LANES, of->values + LANES);
    for (size_t lane = 0; lane < LANES; lane++) {
        of->values[LANES + lane] = 5.0 + 2.0 * of->values[lane] + 0.5 * of->values[LANES + lane];
        double off = of->values[lane] - centre;
        logs[lane] = -sharpness * off * off;
    }
    assert_int_equal(gm_weights_from_logs(logs, LANES, of->weights, NULL), GM_OK);
    gm_resample(of->weights, LANES, 0.37, of->counts, of->source);
}

static gm_liu_west how_of(const particles *of, double discount)
{
    return (gm_liu_west){ .lanes = LANES,
                          .weights = of->weights,
                          .source = of->source,
                          .discount = discount,
                          .random = gm_random_for(7, "shake") };
}

static double weighted_mean(const particles *of, size_t row)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < LANES; lane++) {
        sum += of->weights[lane] * of->values[row * LANES + lane];
    }
    return sum;
}

static double weighted_variance(const particles *of, size_t row)
{
    double sum = 0.0, squares = 0.0, mean = weighted_mean(of, row);
    for (size_t lane = 0; lane < LANES; lane++) {
        double off = of->values[row * LANES + lane] - mean;
        sum += of->weights[lane] * off * off;
        squares += of->weights[lane] * of->weights[lane];
    }
    return sum / (1.0 - squares);
}

static void mean_and_variance_stay(void **state)
{
    (void)state;
    particles of;
    draw(&of, 1.0, 0.7);
    double means[ROWS], variances[ROWS];
    for (size_t row = 0; row < ROWS; row++) {
        means[row] = weighted_mean(&of, row);
        variances[row] = weighted_variance(&of, row);
    }
    gm_liu_west how = how_of(&of, 0.95);
    gm_liu_west_renew(&how, of.values, ROWS, of.room);
    for (size_t row = 0; row < ROWS; row++) {
        near(gm_mean(of.values + row * LANES, LANES), means[row], 1e-12);
        near(gm_variance(of.values + row * LANES, LANES), variances[row], 1e-12 * variances[row]);
    }
    for (size_t lane = 1; lane < LANES; lane++) {
        assert_true(of.values[lane] != of.values[lane - 1]); // no copies are left
    }
}

static void what_belongs_together_stays_together(void **state)
{
    (void)state;
    particles of;
    draw(&of, 1.0, 0.7);
    gm_liu_west how = how_of(&of, 0.8);
    gm_liu_west_renew(&how, of.values, ROWS, of.room);
    double a = gm_mean(of.values, LANES), b = gm_mean(of.values + LANES, LANES), product = 0.0;
    for (size_t lane = 0; lane < LANES; lane++) {
        product += (of.values[lane] - a) * (of.values[LANES + lane] - b);
    }
    double correlation =
        product / (LANES - 1) /
        sqrt(gm_variance(of.values, LANES) * gm_variance(of.values + LANES, LANES));
    assert_true(correlation > 0.85);
}

static void lanes_that_count_alike_are_left_alone(void **state)
{
    (void)state;
    particles of, old;
    draw(&of, 0.0, 0.0);
    old = of;
    gm_liu_west how = how_of(&of, 0.95);
    gm_liu_west_renew(&how, of.values, ROWS, of.room);
    for (size_t at = 0; at < ROWS * LANES; at++) {
        near(of.values[at], old.values[at], 1e-6);
    }
}

static void a_lane_alone_keeps_the_spread_of_all(void **state)
{
    (void)state;
    particles of;
    draw(&of, 1e4, 2.0);
    double spread = gm_variance(of.values, LANES), place = weighted_mean(&of, 0);
    gm_liu_west how = how_of(&of, 0.95);
    gm_liu_west_renew(&how, of.values, ROWS, of.room);
    near(gm_mean(of.values, LANES), place, 1e-12);
    near(gm_variance(of.values, LANES), spread, 1e-9);
}

static void without_a_discount_copies_stay_copies(void **state)
{
    (void)state;
    particles of, old;
    draw(&of, 1.0, 0.7);
    old = of;
    gm_liu_west how = how_of(&of, 1.0);
    gm_liu_west_renew(&how, of.values, ROWS, of.room);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_true(of.values[lane] == old.values[of.source[lane]]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_and_variance_stay),
        cmocka_unit_test(what_belongs_together_stays_together),
        cmocka_unit_test(lanes_that_count_alike_are_left_alone),
        cmocka_unit_test(a_lane_alone_keeps_the_spread_of_all),
        cmocka_unit_test(without_a_discount_copies_stay_copies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
