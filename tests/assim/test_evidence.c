// Evidence: whitening is that of the process it assumes, and odds are Bayes' rule.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>
#include <stdbool.h>

#include "assim/evidence.h"

enum { COUNT = 4000 };
static const int64_t second_ns = 1000000000;
static const gm_residual_model played = {
    .noise = 0.5, .error = 2.0, .time_s = 30.0, .offset = 1.0
};

static double normal(uint64_t seed, uint32_t purpose, uint64_t occurrence)
{
    return gm_random_normal(gm_random_for(seed, "residuals"),
                            (gm_draw){ .purpose = purpose, .occurrence = occurrence });
}

/// A series of the process, with uneven steps.
static void play(uint64_t seed, gm_residual residuals[COUNT])
{
    double error = 0.0, offset = played.offset * normal(seed, 1, 0);
    int64_t time_ns = 0;
    for (size_t index = 0; index < COUNT; index++) {
        int64_t step_ns = (int64_t)(index % 3 + 1) * second_ns;
        double keep = exp(-(double)step_ns * 1e-9 / played.time_s);
        error = keep * error + played.error * sqrt(1.0 - keep * keep) * normal(seed, 2, index);
        time_ns += step_ns;
        residuals[index] =
            (gm_residual){ time_ns, offset + error + played.noise * normal(seed, 3, index), 0.0 };
    }
}

static void whitened_residuals_are_independent_and_normal(void **state)
{
    (void)state;
    gm_residual residuals[COUNT];
    play(1, residuals);
    gm_whitener whitener = gm_whitener_of(&played, 0);
    double means[2] = { 0.0, 0.0 }, square = 0.0, product = 0.0, last = 0.0;
    for (size_t index = 0; index < COUNT; index++) {
        double value = residuals[index].value;
        gm_whitener_next(&whitener, residuals[index].time_ns, 0.0);
        gm_whiten(&whitener, means, &value, 1);
        square += value * value;
        product += value * last;
        last = value;
    }
    assert_true(fabs(square / COUNT - 1.0) < 4.0 * sqrt(2.0 / COUNT));
    assert_true(fabs(product / COUNT) < 4.0 / sqrt((double)COUNT));
}

/// The squares of a whitened response are r' C^-1 r of generalised least squares: for two
/// measurements that can be written down.
static void whitening_is_generalised_least_squares(void **state)
{
    (void)state;
    const double response[2] = { 1.0, -0.4 };
    gm_whitener whitener = gm_whitener_of(&played, 0);
    double means[2] = { 0.0, 0.0 }, squares = 0.0;
    for (size_t index = 0; index < 2; index++) {
        double value = response[index];
        gm_whitener_next(&whitener, (int64_t)(index == 0 ? 20 : 50) * second_ns, 0.0);
        gm_whiten(&whitener, means, &value, 1);
        squares += value * value;
    }
    double first = 1.0 - exp(-2.0 * 20.0 / 30.0), second = 1.0 - exp(-2.0 * 50.0 / 30.0);
    double a = 0.25 + 1.0 + 4.0 * first, c = 0.25 + 1.0 + 4.0 * second;
    double b = 1.0 + 4.0 * first * exp(-30.0 / 30.0);
    double expected = (c * response[0] * response[0] - 2.0 * b * response[0] * response[1] +
                       a * response[1] * response[1]) /
                      (a * c - b * b);
    assert_true(fabs(squares - expected) < 1e-12);
}

static void measurements_that_follow_each_other_do_not_count_as_many(void **state)
{
    (void)state;
    double counts[2] = { 0.0, 0.0 };
    for (int often = 0; often < 2; often++) {
        gm_whitener whitener = gm_whitener_of(&played, 0);
        double means[2] = { 0.0, 0.0 };
        int64_t step_ns = often ? second_ns / 10 : second_ns;
        for (int64_t time_ns = step_ns; time_ns <= 300 * second_ns; time_ns += step_ns) {
            double value = time_ns > 100 * second_ns ? 1.0 : 0.0;
            gm_whitener_next(&whitener, time_ns, 0.0);
            gm_whiten(&whitener, means, &value, 1);
            counts[often] += value * value;
        }
    }
    assert_true(counts[1] > counts[0] && counts[1] < 3.0 * counts[0]);
}

/// Where a prediction moves, the residual may step by a share of the move; elsewhere it may not.
static void a_move_brings_doubt(void **state)
{
    (void)state;
    const gm_residual_model model = { .noise = 1.0, .time_s = 1e6, .offset = 1.0, .share = 0.1 };
    double whites[2];
    for (int moved = 0; moved < 2; moved++) {
        gm_whitener whitener = gm_whitener_of(&model, 0);
        double means[2] = { 0.0, 0.0 };
        for (int64_t second = 1; second <= 100; second++) {
            bool stepped = second > 90;
            double predicted = stepped && moved ? 150.0 : 100.0;
            double value = stepped ? 6.0 : 0.0;
            gm_whitener_next(&whitener, second * second_ns, predicted);
            if (second == 91) {
                double expected = sqrt(1.0 + 1.0 / 91.0 + (moved ? 25.0 : 0.0));
                assert_true(fabs(whitener.spread / expected - 1.0) < 1e-2);
            }
            gm_whiten(&whitener, means, &value, 1);
            whites[moved] = second == 91 ? value : whites[moved];
        }
        assert_true(fabs(means[0] + means[1] - 6.0) < (moved ? 0.5 : 6.0));
    }
    assert_true(whites[0] > 5.0 && whites[1] < 1.5);
}

/// A share is found where predictions move, and believed where they rest.
static void shares_are_found_from_moves(void **state)
{
    (void)state;
    const gm_residual_model expected = { .noise = 0.5, .error = 0.1, .offset = 0.5 };
    gm_residual_belief belief = gm_residual_belief_of(&expected);
    belief.model.share = 0.02;
    for (int moving = 0; moving < 2; moving++) {
        gm_residual residuals[COUNT];
        gm_random random = gm_random_for(7, "shares");
        double error = 0.0, before = 100.0;
        for (size_t index = 0; index < 400; index++) {
            double predicted = moving && index / 20 % 2 == 1 ? 130.0 : 100.0;
            gm_draw draw = { .purpose = 1, .occurrence = index };
            error += 0.1 * (predicted - before) * gm_random_normal(random, draw);
            before = predicted;
            draw.purpose = 2;
            residuals[index] =
                (gm_residual){ (int64_t)(index + 1) * second_ns,
                               error + 0.5 * gm_random_normal(random, draw), predicted };
        }
        gm_residual_model found = gm_residual_model_fit(&belief, residuals, 400, 0, 400.0);
        assert_true(moving ? found.share >= 0.03 : fabs(found.share - 0.02) <= 0.02);
    }
}

static void models_are_found_from_residuals(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        gm_residual residuals[COUNT];
        play(seed, residuals);
        const gm_residual_model expected = { .noise = 0.5, .error = 0.5, .offset = 1.0 };
        gm_residual_belief belief = gm_residual_belief_of(&expected);
        gm_residual_model found = gm_residual_model_fit(&belief, residuals, 600, 0, 600.0);
        assert_true(found.noise > 0.3 && found.noise < 0.8);
        assert_true(found.error >= 1.0 && found.error <= 4.0);
        assert_true(found.time_s > 5.0 && found.time_s < 200.0);
        assert_true(found.offset == expected.offset);
        // nothing to go by: what was expected
        found = gm_residual_model_fit(&belief, residuals, 0, 0, 600.0);
        assert_true(found.noise == 0.5 && found.error == 0.5 && found.time_s == 120.0);
        // what is certain stays
        belief = (gm_residual_belief){ .model = { 0.4, 3.0, 30.0, 1.0, 0.02 },
                                       .noise_certainty = 1e9,
                                       .error_certainty = 1e9,
                                       .share_certainty = 1e9 };
        found = gm_residual_model_fit(&belief, residuals, 600, 0, 600.0);
        assert_true(found.noise == 0.4 && found.error == 3.0 && found.time_s == 30.0 &&
                    found.share == 0.02);
    }
}

/// log of the integral of exp(product a - square a^2 / 2) over the prior.
static double integrated(double square, double product, double prior, bool one_sided)
{
    double sum = 0.0, step = prior * 1e-4, most = 0.0;
    most = fmax(0.5 * product * product / square, 0.0);
    for (double a = one_sided ? 0.5 * step : -10.0 * prior; a < 10.0 * prior; a += step) {
        double log_density = -0.5 * a * a / prior / prior - log(prior * sqrt(2.0 * M_PI));
        sum += step * (one_sided ? 2.0 : 1.0) *
               exp(product * a - 0.5 * square * a * a + log_density - most);
    }
    return log(sum) + most;
}

static void odds_are_those_of_bayes_rule(void **state)
{
    (void)state;
    const double squares[] = { 0.01, 1.0, 50.0 }, products[] = { -30.0, -3.0, 0.0, 0.4, 8.0, 60.0 };
    for (size_t square = 0; square < 3; square++) {
        for (size_t product = 0; product < 6; product++) {
            double r2 = squares[square], re = products[product];
            gm_evidence both = gm_evidence_of(r2, re, 10.0);
            gm_evidence one = gm_evidence_one_sided(r2, re, 10.0);
            double expected = integrated(r2, re, 10.0, false);
            if (fabs(both.size) < 50.0) { // else the sum above ends too early
                assert_true(fabs(both.log_odds - expected) < 1e-3 * (1.0 + fabs(expected)));
                assert_true(fabs(one.log_odds - integrated(r2, re, 10.0, true)) < 0.03);
            }
            assert_true(one.size >= 0.0 && (both.size < 0.0 || one.size == both.size));
        }
    }
    assert_true(gm_evidence_one_sided(1e6, -1e6, 10.0).log_odds < 0.0); // no cancellation
    assert_true(gm_evidence_of(0.0, 0.0, 10.0).log_odds == 0.0);        // no response, no evidence
}

static void shapes_that_do_not_overlap_add_up(void **state)
{
    (void)state;
    const double squares[GM_SHAPES][GM_SHAPES] = { { 4.0, 0.0, 0.0 },
                                                   { 0.0, 9.0, 0.0 },
                                                   { 0.0, 0.0, 0.5 } };
    const double products[GM_SHAPES] = { 3.0, -20.0, 0.1 };
    double sum = 0.0;
    for (size_t shape = 0; shape < GM_SHAPES; shape++) {
        sum += gm_evidence_of(squares[shape][shape], products[shape], 2.0).log_odds;
    }
    assert_true(fabs(gm_evidence_of_shapes(squares, products, 2.0) - sum) < 1e-10);
    // the same shape twice explains no more than once
    const double twins[GM_SHAPES][GM_SHAPES] = { { 4.0, 4.0, 0.0 },
                                                 { 4.0, 4.0, 0.0 },
                                                 { 0.0, 0.0, 0.0 } };
    const double told[GM_SHAPES] = { 8.0, 8.0, 0.0 };
    assert_true(fabs(gm_evidence_of_shapes(twins, told, 2.0) -
                     gm_evidence_of(4.0, 8.0, sqrt(8.0)).log_odds) < 1e-10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whitened_residuals_are_independent_and_normal),
        cmocka_unit_test(whitening_is_generalised_least_squares),
        cmocka_unit_test(measurements_that_follow_each_other_do_not_count_as_many),
        cmocka_unit_test(a_move_brings_doubt),
        cmocka_unit_test(shares_are_found_from_moves),
        cmocka_unit_test(models_are_found_from_residuals),
        cmocka_unit_test(odds_are_those_of_bayes_rule),
        cmocka_unit_test(shapes_that_do_not_overlap_add_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
