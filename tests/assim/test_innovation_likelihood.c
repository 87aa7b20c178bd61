// The likelihood of what was measured is the density of a normal distribution with the lanes' mean
// and covariance, whatever the order of the measurements.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>
#include <string.h>

#include "assim/innovation_likelihood.h"
#include "num/statistics.h"

enum { LANES = 12, MEASURED = 3, VALUES = 1 };

static const double two_pi = 6.283185307179586;

/// A random analysis; the predictions depend on each other.
typedef struct trial {
    double values[VALUES * LANES], predictions[MEASURED * LANES];
    double measured[MEASURED], variance[MEASURED];
    double room[(MEASURED + 1) * LANES];
} trial;

static gm_analysis draw(uint64_t seed, trial *of)
{
    gm_random random = gm_random_for(seed, "likelihood");
    double common[LANES];
    for (uint32_t row = 0; row < MEASURED; row++) {
        for (uint32_t lane = 0; lane < LANES; lane++) {
            double own = gm_random_normal(random, (gm_draw){ .lane = lane, .element = row });
            common[lane] = row == 0 ? own : common[lane];
            of->predictions[row * LANES + lane] = 5.0 * row + own + 2.0 * common[lane];
            of->values[lane] = own;
        }
        of->measured[row] =
            5.0 * row + gm_random_normal(random, (gm_draw){ .element = row, .purpose = 1 });
        of->variance[row] = 0.1 + row;
    }
    return (gm_analysis){ .lanes = LANES,
                          .values = of->values,
                          .value_count = VALUES,
                          .predictions = of->predictions,
                          .measurement_count = MEASURED,
                          .measured = of->measured,
                          .variance = of->variance };
}

/// The density by determinant and inverse of a 3 x 3 covariance.
static double density(const trial *of)
{
    double c[3][3], d[3];
    for (size_t row = 0; row < 3; row++) {
        const double *one = of->predictions + row * LANES;
        d[row] = of->measured[row] - gm_mean(one, LANES);
        for (size_t column = 0; column < 3; column++) {
            const double *other = of->predictions + column * LANES;
            double sum = 0.0;
            for (size_t lane = 0; lane < LANES; lane++) {
                sum += (one[lane] - gm_mean(one, LANES)) * (other[lane] - gm_mean(other, LANES));
            }
            c[row][column] = sum / (LANES - 1) + (row == column ? of->variance[row] : 0.0);
        }
    }
    double adjugate[3][3], square = 0.0;
    for (size_t row = 0; row < 3; row++) {
        for (size_t column = 0; column < 3; column++) {
            size_t r1 = (row + 1) % 3, r2 = (row + 2) % 3, c1 = (column + 1) % 3,
                   c2 = (column + 2) % 3;
            adjugate[column][row] = c[r1][c1] * c[r2][c2] - c[r1][c2] * c[r2][c1];
        }
    }
    double determinant =
        c[0][0] * adjugate[0][0] + c[0][1] * adjugate[1][0] + c[0][2] * adjugate[2][0];
    for (size_t row = 0; row < 3; row++) {
        for (size_t column = 0; column < 3; column++) {
            square += d[row] * adjugate[row][column] * d[column] / determinant;
        }
    }
    return -0.5 * (3.0 * log(two_pi) + log(determinant) + square);
}

static void it_is_the_density_of_a_normal_distribution(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        trial of, before;
        gm_error error = { 0 };
        gm_analysis analysis = draw(seed, &of);
        before = of;
        double likelihood = 0.0;
        assert_int_equal(
            gm_innovation_likelihood(&analysis, INFINITY, of.room, &likelihood, &error), GM_OK);
        assert_true(fabs(likelihood - density(&of)) < 1e-9 * (1.0 + fabs(likelihood)));
        assert_memory_equal(of.predictions, before.predictions, sizeof of.predictions);
        assert_memory_equal(of.values, before.values, sizeof of.values);
    }
}

static void a_broken_sensor_counts_as_far_as_the_surprise(void **state)
{
    (void)state;
    trial of;
    gm_error error = { 0 };
    gm_analysis analysis = draw(1, &of);
    double far = 0.0, farther = 0.0;
    analysis.measurement_count = 1;
    of.measured[0] = 1e3;
    assert_int_equal(gm_innovation_likelihood(&analysis, 3.0, of.room, &far, &error), GM_OK);
    of.measured[0] = 1e9;
    assert_int_equal(gm_innovation_likelihood(&analysis, 3.0, of.room, &farther, &error), GM_OK);
    assert_true(far == farther);
}

static void wrong_input_is_refused(void **state)
{
    (void)state;
    trial of;
    gm_error error = { 0 };
    gm_analysis analysis = draw(1, &of);
    double likelihood = 7.0;
    assert_int_equal(gm_innovation_likelihood(&analysis, 0.0, of.room, &likelihood, &error),
                     GM_INVALID);
    assert_int_equal(gm_innovation_likelihood(&analysis, NAN, of.room, &likelihood, &error),
                     GM_INVALID);
    of.variance[1] = 0.0;
    assert_int_equal(gm_innovation_likelihood(&analysis, 3.0, of.room, &likelihood, &error),
                     GM_INVALID);
    of.variance[1] = 1.0;
    of.predictions[4] = NAN;
    assert_int_equal(gm_innovation_likelihood(&analysis, 3.0, of.room, &likelihood, &error),
                     GM_NUMERIC);
    assert_true(likelihood == 7.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_the_density_of_a_normal_distribution),
        cmocka_unit_test(a_broken_sensor_counts_as_far_as_the_surprise),
        cmocka_unit_test(wrong_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
