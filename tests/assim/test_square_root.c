// The square-root update: Bayes' rule for a linear Gaussian world, gates, refusals.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <gemel/random.h>

#include "assim/square_root.h"

enum { VALUES = 3, MEASUREMENTS = 2, LANES = 37 };

// what the sensors see of the values
static const double sees[MEASUREMENTS][VALUES] = { { 1.0, 0.0, 0.5 }, { 0.2, -1.0, 0.0 } };
static const double measured[MEASUREMENTS] = { 3.0, -1.0 };
static const double variance[MEASUREMENTS] = { 0.5, 0.1 };

typedef struct ensemble {
    double values[VALUES][LANES], predictions[MEASUREMENTS][LANES];
} ensemble;

static void assert_close(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static void predict(ensemble *lanes)
{
    for (size_t index = 0; index < MEASUREMENTS; index++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            lanes->predictions[index][lane] = 0.0;
            for (size_t value = 0; value < VALUES; value++) {
                lanes->predictions[index][lane] += sees[index][value] * lanes->values[value][lane];
            }
        }
    }
}

/// Correlated values that are not small: the mean is far from zero.
static ensemble draw_ensemble(void)
{
    ensemble made;
    gm_random random = gm_random_for(1, "ensemble");
    for (size_t lane = 0; lane < LANES; lane++) {
        double normal[VALUES];
        for (uint32_t value = 0; value < VALUES; value++) {
            normal[value] = gm_random_normal(random, (gm_draw){ (uint32_t)lane, value, 0, 0 });
        }
        made.values[0][lane] = 10.0 + normal[0];
        made.values[1][lane] = -4.0 + 0.7 * normal[0] + 0.5 * normal[1];
        made.values[2][lane] = 290.0 - 2.0 * normal[1] + normal[2];
    }
    predict(&made);
    return made;
}

static gm_analysis analysis_of(ensemble *lanes)
{
    return (gm_analysis){ .lanes = LANES,
                          .values = &lanes->values[0][0],
                          .value_count = VALUES,
                          .predictions = &lanes->predictions[0][0],
                          .measurement_count = MEASUREMENTS,
                          .measured = measured,
                          .variance = variance };
}

typedef struct gauss {
    double mean[VALUES], covariance[VALUES][VALUES];
} gauss;

static gauss gauss_of(const ensemble *lanes)
{
    gauss found = { 0 };
    for (size_t value = 0; value < VALUES; value++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            found.mean[value] += lanes->values[value][lane] / LANES;
        }
    }
    for (size_t a = 0; a < VALUES; a++) {
        for (size_t b = 0; b < VALUES; b++) {
            for (size_t lane = 0; lane < LANES; lane++) {
                found.covariance[a][b] += (lanes->values[a][lane] - found.mean[a]) *
                                          (lanes->values[b][lane] - found.mean[b]) / (LANES - 1);
            }
        }
    }
    return found;
}

/// Kalman's update by one measurement.
static void kalman(gauss *belief, const double *row, double value, double error_variance)
{
    double cross[VALUES] = { 0 }, spread = error_variance, innovation = value;
    for (size_t a = 0; a < VALUES; a++) {
        for (size_t b = 0; b < VALUES; b++) {
            cross[a] += belief->covariance[a][b] * row[b];
        }
        spread += row[a] * cross[a];
        innovation -= row[a] * belief->mean[a];
    }
    for (size_t a = 0; a < VALUES; a++) {
        belief->mean[a] += cross[a] / spread * innovation;
        for (size_t b = 0; b < VALUES; b++) {
            belief->covariance[a][b] -= cross[a] * cross[b] / spread;
        }
    }
}

static void assert_same_belief(const gauss *found, const gauss *expected)
{
    for (size_t a = 0; a < VALUES; a++) {
        assert_close(found->mean[a], expected->mean[a], 1e-10);
        for (size_t b = 0; b < VALUES; b++) {
            assert_close(found->covariance[a][b], expected->covariance[a][b], 1e-10);
        }
    }
}

static void a_linear_gaussian_world_is_updated_as_by_kalman(void **state)
{
    (void)state;
    ensemble lanes = draw_ensemble();
    gauss belief = gauss_of(&lanes);
    gm_innovation innovations[MEASUREMENTS];
    for (size_t index = 0; index < MEASUREMENTS; index++) {
        kalman(&belief, sees[index], measured[index], variance[index]);
    }
    gauss prior = gauss_of(&lanes);
    gm_analysis analysis = analysis_of(&lanes);
    gm_error error = { 0 };
    assert_int_equal(gm_square_root_update(&analysis, innovations, &error), GM_OK);
    gauss found = gauss_of(&lanes);
    assert_same_belief(&found, &belief);
    // predictions came along: they are what the new values say
    ensemble again = lanes;
    predict(&again);
    for (size_t index = 0; index < MEASUREMENTS; index++) {
        double expected = measured[index], spread = variance[index];
        for (size_t a = 0; a < VALUES; a++) {
            expected -= sees[index][a] * prior.mean[a];
            for (size_t b = 0; b < VALUES; b++) {
                spread += sees[index][a] * sees[index][b] * prior.covariance[a][b];
            }
        }
        assert_close(innovations[index].mean, expected, 1e-9);
        assert_close(innovations[index].spread, sqrt(spread), 1e-10);
        assert_close(innovations[index].ensemble_variance, spread - variance[index], 1e-10);
        for (size_t lane = 0; lane < LANES; lane++) {
            assert_close(lanes.predictions[index][lane], again.predictions[index][lane], 1e-10);
        }
    }
}

static void the_order_of_measurements_does_not_matter(void **state)
{
    (void)state;
    ensemble forward = draw_ensemble(), backward = forward;
    gm_analysis analysis = analysis_of(&forward);
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    const double measured_back[] = { measured[1], measured[0] };
    const double variance_back[] = { variance[1], variance[0] };
    double swapped[LANES];
    memcpy(swapped, backward.predictions[0], sizeof swapped);
    memcpy(backward.predictions[0], backward.predictions[1], sizeof swapped);
    memcpy(backward.predictions[1], swapped, sizeof swapped);
    analysis = analysis_of(&backward);
    analysis.measured = measured_back;
    analysis.variance = variance_back;
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    gauss a = gauss_of(&forward), b = gauss_of(&backward);
    assert_same_belief(&a, &b);
}

/// One value, seen directly, by two lanes or many.
static void update_one(double *values, size_t lanes, double value, double gate)
{
    double predictions[LANES];
    const double unit_variance = 1.0;
    memcpy(predictions, values, lanes * sizeof *values);
    gm_analysis analysis = { .lanes = lanes,
                             .values = values,
                             .value_count = 1,
                             .predictions = predictions,
                             .measurement_count = 1,
                             .measured = &value,
                             .variance = &unit_variance,
                             .gate = gate };
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
}

static void an_innovation_beyond_the_gate_counts_as_the_gate(void **state)
{
    (void)state;
    double values[2] = { -1.0, 1.0 }; // mean 0, variance 2: an innovation has variance 3
    update_one(values, 2, 1.5, 3.0);  // inside the gate: as without
    assert_close((values[0] + values[1]) / 2, 1.5 * 2.0 / 3.0, 1e-14);
    double far[2] = { -1.0, 1.0 };
    update_one(far, 2, 30.0, 3.0); // trusted so little that 30 is three deviations: variance 100
    assert_close((far[0] + far[1]) / 2, 30.0 * 2.0 / 100.0, 1e-12);
    assert_close((far[1] - far[0]) * (far[1] - far[0]) / 2.0, 2.0 * (1.0 - 2.0 / 100.0), 1e-12);
    double open[2] = { -1.0, 1.0 };
    update_one(open, 2, 30.0, 0.0);
    assert_close((open[0] + open[1]) / 2, 20.0, 1e-12);
}

static void cautious_values_learn_as_from_a_worse_sensor(void **state)
{
    (void)state;
    enum { SEEN = 1 };
    const double caution[] = { 8.0 };
    ensemble careful = draw_ensemble(), worse = careful, plain = careful;
    gm_analysis analysis = analysis_of(&careful);
    analysis.measurement_count = SEEN;
    analysis.caution = caution;
    analysis.cautious_from = 2;
    gm_innovation innovation;
    assert_int_equal(gm_square_root_update(&analysis, &innovation, NULL), GM_OK);
    // an innovation of eight times the variance
    double total = innovation.spread * innovation.spread;
    const double worse_variance[] = { caution[0] * total - innovation.ensemble_variance };
    analysis = analysis_of(&worse);
    analysis.measurement_count = SEEN;
    analysis.variance = worse_variance;
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    analysis = analysis_of(&plain);
    analysis.measurement_count = SEEN;
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_close(careful.values[2][lane], worse.values[2][lane], 1e-10);
        for (size_t value = 0; value < 2; value++) {
            assert_close(careful.values[value][lane], plain.values[value][lane], 0.0);
        }
    }
    const double hasty[] = { 0.5 };
    analysis.caution = hasty;
    gm_error error = { 0 };
    assert_int_equal(gm_square_root_update(&analysis, NULL, &error), GM_INVALID);
}

static void doubted_values_are_held_to_chance_but_not_to_caution(void **state)
{
    (void)state;
    enum { SEEN = 1 };
    const double caution[] = { 8.0 };
    ensemble doubted = draw_ensemble(), chancy = doubted, plain = doubted;
    gm_analysis analysis = analysis_of(&doubted);
    analysis.measurement_count = SEEN;
    analysis.caution = caution;
    analysis.chance = 1.0;
    analysis.cautious_from = 3;
    analysis.doubted = 1;
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    analysis = analysis_of(&chancy);
    analysis.measurement_count = SEEN;
    analysis.chance = 1.0;
    analysis.cautious_from = 2;
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    analysis = analysis_of(&plain);
    analysis.measurement_count = SEEN;
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_close(doubted.values[2][lane], chancy.values[2][lane], 0.0);
        for (size_t value = 0; value < 2; value++) {
            assert_close(doubted.values[value][lane], plain.values[value][lane], 0.0);
        }
    }
}

/// Three lanes' values that a prediction of -1, 0, 1 covaries with by nothing or by `covariance`.
static void update_cautious(double covariance, double chance, double values[3])
{
    double predictions[3] = { -1.0, 0.0, 1.0 };
    const double seen = 1.0, error_variance = 1.0;
    for (size_t lane = 0; lane < 3; lane++) {
        values[lane] = covariance * predictions[lane] + (lane == 1 ? 2.0 : -1.0);
    }
    gm_analysis analysis = { .lanes = 3,
                             .values = values,
                             .value_count = 1,
                             .predictions = predictions,
                             .measurement_count = 1,
                             .measured = &seen,
                             .variance = &error_variance,
                             .chance = chance };
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
}

static void what_may_be_chance_teaches_nothing(void **state)
{
    (void)state;
    // the value's variance is 3 + c^2, the prediction's 1: chance gives (3 + c^2) / 2
    double weak[3], strong[3], plain[3];
    update_cautious(1.0, 1.0, weak); // 1 against 2
    assert_close(weak[0] + weak[1] + weak[2], 0.0, 1e-15);
    assert_close(weak[2] - weak[0], 2.0, 1e-15);
    update_cautious(3.0, 1.0, strong); // 9 against 6: a third of the way
    update_cautious(3.0, 0.0, plain);
    assert_close((plain[0] + plain[1] + plain[2]) / 3.0, 1.5, 1e-14);
    assert_close((strong[0] + strong[1] + strong[2]) / 3.0, 0.5, 1e-14);
    double values[2] = { 0.0, 1.0 }, predictions[2] = { 0.0, 1.0 };
    gm_analysis analysis = {
        .lanes = 2, .values = values, .value_count = 1, .predictions = predictions, .chance = NAN
    };
    gm_error error = { 0 };
    assert_int_equal(gm_square_root_update(&analysis, NULL, &error), GM_INVALID);
}

static void agreeing_lanes_learn_nothing(void **state)
{
    (void)state;
    double values[4] = { 5.0, 5.0, 5.0, 5.0 };
    update_one(values, 4, 7.0, 0.0);
    for (size_t lane = 0; lane < 4; lane++) {
        assert_close(values[lane], 5.0, 0.0);
    }
}

static void what_cannot_be_used_changes_nothing(void **state)
{
    (void)state;
    const double bad_variance[] = { 0.5, 0.0 }, bad_measured[] = { NAN, 1.0 };
    for (int what = 0; what < 5; what++) {
        ensemble lanes = draw_ensemble();
        gm_analysis analysis = analysis_of(&lanes);
        gm_status expected = what < 2 ? GM_INVALID : GM_NUMERIC;
        if (what == 0) {
            analysis.lanes = 1;
        } else if (what == 1) {
            analysis.variance = bad_variance;
        } else if (what == 2) {
            analysis.measured = bad_measured;
        } else if (what == 3) {
            lanes.values[2][LANES - 1] = INFINITY;
        } else {
            lanes.predictions[1][0] = NAN;
        }
        ensemble before = lanes;
        gm_innovation innovation = { .mean = 77.0 };
        gm_error error = { 0 };
        assert_int_equal(gm_square_root_update(&analysis, &innovation, &error), expected);
        assert_true(error.text[0] != '\0' && innovation.mean == 77.0);
        assert_memory_equal(&before, &lanes, sizeof lanes);
    }
    ensemble great = draw_ensemble(); // greatest numbers are numbers
    for (size_t lane = 0; lane < LANES; lane++) {
        great.values[0][lane] = 1e308;
    }
    gm_analysis analysis = analysis_of(&great);
    assert_int_equal(gm_square_root_update(&analysis, NULL, NULL), GM_OK);
}

static void inflation_keeps_the_mean_and_scales_the_spread(void **state)
{
    (void)state;
    ensemble lanes = draw_ensemble();
    gauss before = gauss_of(&lanes);
    gm_inflate(&lanes.values[0][0], VALUES, LANES, 1.5);
    gauss after = gauss_of(&lanes);
    for (size_t a = 0; a < VALUES; a++) {
        assert_close(after.mean[a], before.mean[a], 1e-11);
        assert_close(after.covariance[a][a], 2.25 * before.covariance[a][a], 1e-10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_linear_gaussian_world_is_updated_as_by_kalman),
        cmocka_unit_test(the_order_of_measurements_does_not_matter),
        cmocka_unit_test(an_innovation_beyond_the_gate_counts_as_the_gate),
        cmocka_unit_test(cautious_values_learn_as_from_a_worse_sensor),
        cmocka_unit_test(doubted_values_are_held_to_chance_but_not_to_caution),
        cmocka_unit_test(what_may_be_chance_teaches_nothing),
        cmocka_unit_test(agreeing_lanes_learn_nothing),
        cmocka_unit_test(what_cannot_be_used_changes_nothing),
        cmocka_unit_test(inflation_keeps_the_mean_and_scales_the_spread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
