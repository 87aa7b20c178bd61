// The extended Kalman filter: exact where the world is linear, refusals.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "assim/extended_kalman.h"
#include "assim/gauss_fixture.h"

enum { COUNT = GAUSS_VALUES, ROOM = 200 };

static gauss_world world;

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

/// A filter that believes what the world's lanes do.
static gm_extended_kalman filter_of(double room[ROOM], gauss_belief *belief)
{
    assert_true(gm_extended_kalman_room(COUNT) <= ROOM);
    gm_extended_kalman filter = gm_extended_kalman_in(room, COUNT);
    *belief = gauss_belief_of(&world);
    for (size_t i = 0; i < COUNT; i++) {
        filter.mean[i] = (double)belief->mean[i];
        for (size_t j = 0; j < COUNT; j++) {
            filter.covariance[i * COUNT + j] = (double)belief->covariance[i][j];
        }
    }
    return filter;
}

static void assert_believes(const gm_extended_kalman *filter, const gauss_belief *expected,
                            double tolerance)
{
    for (size_t i = 0; i < COUNT; i++) {
        assert_near(filter->mean[i], (double)expected->mean[i], tolerance);
        for (size_t j = 0; j < COUNT; j++) {
            assert_near(filter->covariance[i * COUNT + j], (double)expected->covariance[i][j],
                        tolerance);
        }
    }
}

/// What the filter predicts of the world's measurements.
static gm_extended_sight sight_of(const gm_extended_kalman *filter, double *predicted)
{
    for (size_t j = 0; j < world.measurement_count; j++) {
        predicted[j] = 0.0;
        for (size_t i = 0; i < COUNT; i++) {
            predicted[j] += world.sees[j][i] * filter->mean[i];
        }
    }
    return (gm_extended_sight){ .count = world.measurement_count,
                                .predicted = predicted,
                                .gradients = &world.sees[0][0],
                                .measured = world.measured,
                                .variance = world.variance };
}

static void measurements_are_taken_by_kalmans_rule(void **state)
{
    (void)state;
    const size_t counts[] = { 0, 1, 3, 40 };
    for (size_t kind = 0; kind < sizeof counts / sizeof *counts; kind++) {
        gauss_draw(&world, 7 + kind, 30, counts[kind]);
        world.variance[1] = 1e-10;
        double room[ROOM], predicted[40];
        gauss_belief belief;
        gm_extended_kalman filter = filter_of(room, &belief);
        gm_extended_sight sight = sight_of(&filter, predicted);
        gauss_kalman(&belief, &world);
        assert_int_equal(gm_extended_kalman_update(&filter, &sight, NULL), GM_OK);
        assert_believes(&filter, &belief, 1e-10);
    }
}

static const double moves[COUNT][COUNT] = {
    { 0.9, 0.2, 0.0, 0.0 }, { -0.2, 0.9, 0.1, 0.0 }, { 0.0, 0.0, 1.1, -0.5 }, { 0.3, 0.0, 0.0, 0.8 }
};

static gm_status advance_linear(const void *context, double *values, size_t lanes, gm_error *error)
{
    (void)context;
    (void)error;
    for (size_t lane = 0; lane < lanes; lane++) {
        double moved[COUNT] = { 0 };
        for (size_t i = 0; i < COUNT; i++) {
            for (size_t j = 0; j < COUNT; j++) {
                moved[i] += moves[i][j] * values[j * lanes + lane];
            }
        }
        for (size_t i = 0; i < COUNT; i++) {
            values[i * lanes + lane] = moved[i];
        }
    }
    return GM_OK;
}

static void a_linear_forecast_is_exact(void **state)
{
    (void)state;
    gauss_draw(&world, 7, 30, 0);
    const double noise[COUNT] = { 0.0, 0.1, 0.2, 0.3 };
    double room[ROOM];
    gauss_belief belief, expected = { 0 };
    gm_extended_kalman filter = filter_of(room, &belief);
    gm_extended_model model = { .advance = advance_linear, .inflation = 1.2, .noise = noise };
    for (size_t i = 0; i < COUNT; i++) {
        expected.covariance[i][i] = noise[i];
        for (size_t j = 0; j < COUNT; j++) {
            expected.mean[i] += moves[i][j] * belief.mean[j];
            for (size_t a = 0; a < COUNT; a++) {
                for (size_t b = 0; b < COUNT; b++) {
                    expected.covariance[i][j] +=
                        model.inflation * moves[i][a] * belief.covariance[a][b] * moves[j][b];
                }
            }
        }
    }
    assert_int_equal(gm_extended_kalman_forecast(&filter, &model, NULL), GM_OK);
    assert_believes(&filter, &expected, 1e-8);
}

static gm_status advance_square(const void *context, double *values, size_t lanes, gm_error *error)
{
    (void)context;
    (void)error;
    for (size_t index = 0; index < COUNT * lanes; index++) {
        values[index] *= values[index];
    }
    return GM_OK;
}

static void a_curved_forecast_takes_the_tangent_at_the_mean(void **state)
{
    (void)state;
    gauss_draw(&world, 7, 30, 0);
    double room[ROOM];
    gauss_belief belief;
    gm_extended_kalman filter = filter_of(room, &belief);
    gm_extended_model model = { .advance = advance_square, .inflation = 1.0 };
    assert_int_equal(gm_extended_kalman_forecast(&filter, &model, NULL), GM_OK);
    for (size_t i = 0; i < COUNT; i++) {
        double mean = (double)belief.mean[i], slope = 2.0 * mean;
        assert_near(filter.mean[i], mean * mean, 1e-12 * mean * mean);
        double expected = slope * slope * (double)belief.covariance[i][i];
        assert_near(filter.covariance[i * COUNT + i], expected, 1e-8 * expected);
    }
}

static gm_status advance_to_infinity(const void *context, double *values, size_t lanes,
                                     gm_error *error)
{
    (void)context;
    (void)error;
    values[COUNT * lanes - 1] = INFINITY;
    return GM_OK;
}

static gm_status refuse_to_advance(const void *context, double *values, size_t lanes,
                                   gm_error *error)
{
    (void)context;
    (void)values;
    (void)lanes;
    return gm_error_set(error, GM_BUSY, "not now");
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    gauss_draw(&world, 7, 30, 3);
    double room[ROOM], predicted[3];
    gauss_belief belief;
    gm_extended_kalman filter = filter_of(room, &belief);
    gm_extended_model models[] = { { advance_linear, NULL, 0.0, NULL },
                                   { advance_linear, NULL, NAN, NULL },
                                   { advance_to_infinity, NULL, 1.0, NULL },
                                   { refuse_to_advance, NULL, 1.0, NULL } };
    const gm_status expected[] = { GM_INVALID, GM_INVALID, GM_NUMERIC, GM_BUSY };
    for (size_t kind = 0; kind < 4; kind++) {
        gm_error error = { 0 };
        assert_int_equal(gm_extended_kalman_forecast(&filter, &models[kind], &error),
                         expected[kind]);
        assert_true(error.text[0] != '\0');
        assert_believes(&filter, &belief, 1e-14);
    }
    for (size_t kind = 0; kind < 4; kind++) {
        gm_extended_sight sight = sight_of(&filter, predicted);
        world.variance[2] = kind == 0 ? 0.0 : kind == 1 ? INFINITY : 1.0;
        world.measured[0] = kind == 2 ? NAN : 1.0;
        world.sees[2][3] = kind == 3 ? NAN : 0.5;
        gm_error error = { 0 };
        assert_int_equal(gm_extended_kalman_update(&filter, &sight, &error),
                         kind == 0 ? GM_INVALID : GM_NUMERIC);
        assert_believes(&filter, &belief, 1e-14);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measurements_are_taken_by_kalmans_rule),
        cmocka_unit_test(a_linear_forecast_is_exact),
        cmocka_unit_test(a_curved_forecast_takes_the_tangent_at_the_mean),
        cmocka_unit_test(what_makes_no_sense_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
