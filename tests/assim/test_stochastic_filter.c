// The stochastic filter: Kalman's rule within sampling error, draws, refusals.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "assim/gauss_fixture.h"
#include "assim/stochastic_filter.h"
#include "base/arena.h"

static gauss_world world, other;
static double *room;

static int reserve_room(void **state)
{
    (void)state;
    room = gm_memory_new(gm_stochastic_room(GAUSS_LANES_MAX, GAUSS_MEASUREMENTS_MAX), sizeof *room);
    return room != NULL ? 0 : -1;
}

static int free_room(void **state)
{
    (void)state;
    gm_memory_free(room);
    return 0;
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static gm_stochastic_options options_of(uint64_t occurrence)
{
    return (gm_stochastic_options){ .inflation = 1.0,
                                    .random = gm_random_for(4, "perturbations"),
                                    .occurrence = occurrence };
}

static void the_mean_is_kalmans(void **state)
{
    (void)state;
    const size_t lanes[] = { 2, 7, 40, 299 }, counts[] = { 0, 1, 3, 40 };
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        for (size_t j = 0; j < sizeof counts / sizeof *counts; j++) {
            gauss_draw(&world, 7, lanes[i], counts[j]);
            gauss_belief expected = gauss_belief_of(&world);
            gauss_kalman(&expected, &world);
            gm_analysis analysis = gauss_analysis(&world);
            gm_stochastic_options options = options_of(i);
            assert_int_equal(gm_stochastic_update(&analysis, &options, room, NULL, NULL), GM_OK);
            gauss_belief found = gauss_belief_of(&world);
            for (size_t value = 0; value < GAUSS_VALUES; value++) {
                assert_near((double)found.mean[value], (double)expected.mean[value], 1e-10);
            }
        }
    }
}

/// Over many draws of perturbations the covariance is Kalman's but for what lanes and perturbations
/// have in common by chance, which is of the order of 1 / lanes.
static void the_covariance_is_kalmans_on_average(void **state)
{
    (void)state;
    enum { LANES = 200, DRAWS = 400 };
    gm_moments moments[GAUSS_VALUES][GAUSS_VALUES] = { 0 };
    gauss_draw(&world, 7, LANES, 3);
    gauss_belief expected = gauss_belief_of(&world);
    gauss_kalman(&expected, &world);
    for (uint64_t draw = 0; draw < DRAWS; draw++) {
        gauss_draw(&world, 7, LANES, 3);
        gm_analysis analysis = gauss_analysis(&world);
        gm_stochastic_options options = options_of(draw);
        assert_int_equal(gm_stochastic_update(&analysis, &options, room, NULL, NULL), GM_OK);
        gauss_belief found = gauss_belief_of(&world);
        for (size_t a = 0; a < GAUSS_VALUES; a++) {
            for (size_t b = 0; b < GAUSS_VALUES; b++) {
                gm_moments_add(&moments[a][b], (double)found.covariance[a][b]);
            }
        }
    }
    for (size_t a = 0; a < GAUSS_VALUES; a++) {
        for (size_t b = 0; b < GAUSS_VALUES; b++) {
            double size = sqrt((double)(expected.covariance[a][a] * expected.covariance[b][b]));
            assert_near(moments[a][b].mean, (double)expected.covariance[a][b], 0.02 * size);
        }
    }
}

static void inflation_scales_deviations_only(void **state)
{
    (void)state;
    gauss_draw(&world, 7, 20, 3);
    other = world;
    gm_analysis analysis = gauss_analysis(&world), plain = gauss_analysis(&other);
    gm_stochastic_options options = options_of(0);
    assert_int_equal(gm_stochastic_update(&plain, &options, room, NULL, NULL), GM_OK);
    options.inflation = 1.25;
    assert_int_equal(gm_stochastic_update(&analysis, &options, room, NULL, NULL), GM_OK);
    gm_inflate(other.values, GAUSS_VALUES, 20, 1.25);
    for (size_t i = 0; i < GAUSS_VALUES * 20; i++) {
        assert_near(world.values[i], other.values[i], 1e-12);
    }
}

static void occurrences_draw_anew_and_repeat(void **state)
{
    (void)state;
    for (uint64_t occurrence = 0; occurrence < 2; occurrence++) {
        gauss_draw(&world, 7, 20, 3);
        other = world;
        gm_analysis analysis = gauss_analysis(&world), again = gauss_analysis(&other);
        gm_stochastic_options options = options_of(1), same = options_of(1 + occurrence);
        assert_int_equal(gm_stochastic_update(&analysis, &options, room, NULL, NULL), GM_OK);
        assert_int_equal(gm_stochastic_update(&again, &same, room, NULL, NULL), GM_OK);
        bool equal = memcmp(world.values, other.values, sizeof world.values) == 0;
        assert_int_equal(equal, occurrence == 0);
    }
}

static void a_measurement_beyond_the_gate_counts_as_the_gate(void **state)
{
    (void)state;
    double moved[2];
    for (size_t kind = 0; kind < 2; kind++) {
        gauss_draw(&world, 7, 50, 1);
        world.measured[0] += kind == 0 ? 1000.0 : 2000.0;
        double before = gm_mean(world.values, 50);
        gm_analysis analysis = gauss_analysis(&world);
        analysis.gate = 4.0;
        gm_stochastic_options options = options_of(0);
        gm_innovation innovation;
        assert_int_equal(gm_stochastic_update(&analysis, &options, room, &innovation, NULL), GM_OK);
        moved[kind] = fabs(gm_mean(world.values, 50) - before);
    }
    assert_true(moved[1] < moved[0]); // the further, the less it is believed
    assert_true(moved[0] < 1.0);
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    gauss_draw(&world, 5, 12, 2);
    for (size_t kind = 0; kind < 6; kind++) {
        gm_analysis analysis = gauss_analysis(&world);
        gm_stochastic_options options = options_of(0);
        const double cautions[] = { 1.0, 1.0 }, bad[] = { 0.0, 1.0 };
        double kept = world.predictions[5];
        analysis.lanes = kind == 0 ? 1 : analysis.lanes;
        analysis.variance = kind == 1 ? bad : analysis.variance;
        analysis.caution = kind == 2 ? cautions : NULL;
        options.inflation = kind == 3 ? -1.0 : kind == 4 ? NAN : 1.0;
        world.predictions[5] = kind == 5 ? NAN : kept;
        other = world;
        gm_error error = { 0 };
        gm_status status = gm_stochastic_update(&analysis, &options, room, NULL, &error);
        assert_int_equal(status, kind == 5 ? GM_NUMERIC : GM_INVALID);
        assert_true(error.text[0] != '\0');
        assert_memory_equal(&world, &other, sizeof world);
        world.predictions[5] = kept;
    }
}

static void update(const gm_analysis *analysis, uint64_t occurrence)
{
    gm_stochastic_options options = options_of(occurrence);
    assert_int_equal(gm_stochastic_update(analysis, &options, room, NULL, NULL), GM_OK);
}

static void the_truth_is_one_of_the_lanes(void **state)
{
    (void)state;
    double probability = rank_uniformity(update);
    printf("ranks uniform with p = %.3f\n", probability);
    assert_true(probability > 0.001);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_mean_is_kalmans),
        cmocka_unit_test(the_covariance_is_kalmans_on_average),
        cmocka_unit_test(inflation_scales_deviations_only),
        cmocka_unit_test(occurrences_draw_anew_and_repeat),
        cmocka_unit_test(a_measurement_beyond_the_gate_counts_as_the_gate),
        cmocka_unit_test(what_makes_no_sense_changes_nothing),
        cmocka_unit_test(the_truth_is_one_of_the_lanes),
    };
    return cmocka_run_group_tests(tests, reserve_room, free_room);
}
