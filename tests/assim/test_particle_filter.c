// The particle filter: Bayes' rule for many lanes, whole copies, refusals.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assim/particle_filter.h"
#include "num/statistics.h"

enum { MANY = 4000, FEW = 8, VALUES = 2 };

typedef struct swarm {
    double log_weights[MANY], values[VALUES][MANY], weights[MANY];
    uint32_t source[MANY], copies[MANY];
    double room[VALUES * VALUES + (VALUES + 3) * MANY];
} swarm;

static gm_particles particles_of(swarm *s, size_t lanes)
{
    return (gm_particles){ .lanes = lanes,
                           .log_weights = s->log_weights,
                           .values = &s->values[0][0],
                           .value_count = VALUES,
                           .weights = s->weights,
                           .source = s->source,
                           .copies = s->copies };
}

/// A few lanes, numbered by their values.
static gm_particles few_lanes(swarm *s)
{
    memset(s, 0, sizeof *s);
    double *values = &s->values[0][0];
    for (size_t lane = 0; lane < FEW; lane++) {
        values[lane] = (double)lane;
        values[FEW + lane] = 10.0 * (double)lane + (lane % 2 ? 1.0 : 0.0);
    }
    return particles_of(s, FEW);
}

static gm_particle_options options_of(double share, double bandwidth, uint64_t occurrence)
{
    gm_particle_options options =
        gm_default_particle_options(gm_random_for(5, "particles"), occurrence);
    options.share = share;
    options.bandwidth = bandwidth;
    return options;
}

static gm_status renew(const gm_particles *particles, gm_particle_options options, swarm *s,
                       gm_particle_result *result)
{
    assert_true(gm_particles_room(particles->lanes, particles->value_count) <=
                sizeof s->room / sizeof *s->room);
    gm_error error = { 0 };
    return gm_particles_renew(particles, &options, s->room, result, &error);
}

// A linear world of two values, the second driven by the first, and measured in the first:
// x' = 0.9 x + e, y' = 0.9 y + 0.4 x' + f, e and f of variance 0.25.
typedef struct belief {
    double mean[VALUES], xx, xy, yy;
} belief;

static void advance_belief(belief *b)
{
    b->mean[0] *= 0.9;
    b->mean[1] = 0.9 * b->mean[1] + 0.4 * b->mean[0];
    double xx = 0.81 * b->xx + 0.25, moved = 0.81 * b->xy;
    b->yy = 0.81 * b->yy + 0.8 * moved + 0.16 * xx + 0.25;
    b->xy = moved + 0.4 * xx;
    b->xx = xx;
}

static void update_belief(belief *b, double measured, double variance)
{
    double total = b->xx + variance, innovation = measured - b->mean[0];
    b->mean[0] += b->xx / total * innovation;
    b->mean[1] += b->xy / total * innovation;
    b->yy -= b->xy * b->xy / total;
    b->xy -= b->xy * b->xx / total;
    b->xx -= b->xx * b->xx / total;
}

static void advance_swarm(swarm *s, gm_random random, uint32_t step)
{
    double noise[MANY];
    for (uint32_t i = 0; i < VALUES; i++) {
        gm_random_normal_lanes(random, (gm_draw){ 0, i, 1, step }, MANY, noise);
        for (size_t lane = 0; lane < MANY; lane++) {
            double push = i == 0 ? 0.0 : 0.4 * s->values[0][lane];
            s->values[i][lane] = 0.9 * s->values[i][lane] + push + 0.5 * noise[lane];
        }
    }
}

/// @param before  the lanes before a renewal, with the weights of `s`
static void assert_belief(const swarm *s, const swarm *before, const belief *b,
                          gm_particle_result result)
{
    const double variances[VALUES] = { b->xx, b->yy };
    for (size_t i = 0; i < VALUES; i++) {
        double found = gm_particles_mean(s->weights, before->values[i], MANY), square = 0.0;
        for (size_t lane = 0; lane < MANY; lane++) {
            double off = before->values[i][lane] - found;
            square += s->weights[lane] * off * off;
        }
        double deviation = sqrt(variances[i]), error = 6.0 / sqrt(result.effective);
        assert_true(fabs(found - b->mean[i]) < error * deviation);
        assert_true(fabs(sqrt(square) / deviation - 1.0) < error);
        if (result.renewed) { // copies say the same as weights did
            assert_true(fabs(gm_mean(s->values[i], MANY) - found) < error * deviation);
        }
    }
}

static void linear_gaussian_world_is_followed_as_by_kalman(void **state)
{
    (void)state;
    static swarm s, before;
    memset(&s, 0, sizeof s);
    const gm_random random = gm_random_for(9, "world");
    const double variance = 0.49;
    belief b = { .xx = 1.0, .yy = 1.0 };
    double truth = 1.5;
    for (uint32_t i = 0; i < VALUES; i++) {
        gm_random_normal_lanes(random, (gm_draw){ 0, i, 0, 0 }, MANY, s.values[i]);
    }
    gm_particles particles = particles_of(&s, MANY);
    size_t renewals = 0;
    for (uint32_t step = 1; step <= 10; step++) {
        truth = 0.9 * truth + 0.3;
        double measured = truth + 0.7 * gm_random_normal(random, (gm_draw){ 0, 0, 2, step });
        advance_swarm(&s, random, step);
        advance_belief(&b);
        update_belief(&b, measured, variance);
        const gm_analysis analysis = { .lanes = MANY,
                                       .predictions = s.values[0],
                                       .measurement_count = 1,
                                       .measured = &measured,
                                       .variance = &variance };
        assert_int_equal(gm_particles_weigh(&analysis, s.log_weights, NULL), GM_OK);
        before = s;
        gm_particle_result result;
        assert_int_equal(renew(&particles, options_of(0.5, 0.3, step), &s, &result), GM_OK);
        renewals += result.renewed;
        assert_belief(&s, &before, &b, result);
    }
    assert_true(renewals > 0 && renewals < 10);
}

static void likely_lanes_are_copied_whole(void **state)
{
    (void)state;
    static swarm s;
    gm_particles particles = few_lanes(&s);
    for (size_t lane = 0; lane < FEW; lane++) {
        s.log_weights[lane] = lane == 2 || lane == 5 ? 0.0 : -1000.0;
    }
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(0.5, 0.0, 1), &s, &result), GM_OK);
    assert_true(result.renewed && fabs(result.effective - 2.0) < 1e-9);
    assert_int_equal(s.source[2], 2); // survivors keep their places
    assert_int_equal(s.source[5], 5);
    assert_int_equal(s.copies[2] + s.copies[5], FEW);
    const double *values = &s.values[0][0];
    for (size_t lane = 0; lane < FEW; lane++) {
        assert_true(values[lane] == (double)s.source[lane]);
        assert_true(values[FEW + lane] == 10.0 * s.source[lane] + s.source[lane] % 2);
        assert_true(s.log_weights[lane] == 0.0);
    }
}

static void only_copies_are_jittered(void **state)
{
    (void)state;
    static swarm s;
    gm_particles particles = few_lanes(&s);
    s.log_weights[0] = -1000.0; // one lane less, one copied
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(1.0, 1.0, 1), &s, &result), GM_OK);
    assert_true(result.renewed);
    const double *values = &s.values[0][0];
    for (size_t lane = 0; lane < FEW; lane++) {
        bool alone = s.copies[s.source[lane]] == 1;
        assert_true((values[lane] == (double)s.source[lane]) == alone);
    }
}

static void enough_effective_lanes_keep_their_weights(void **state)
{
    (void)state;
    static swarm s;
    gm_particles particles = few_lanes(&s);
    for (size_t lane = 0; lane < FEW; lane++) {
        s.log_weights[lane] = -700.0 - 0.1 * (double)lane;
    }
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(0.5, 1.0, 1), &s, &result), GM_OK);
    assert_false(result.renewed);
    double sum = 0.0;
    for (size_t lane = 0; lane < FEW; lane++) {
        assert_int_equal(s.source[lane], lane);
        assert_int_equal(s.copies[lane], 1);
        assert_true(fabs(s.log_weights[lane] + 0.1 * (double)lane) < 1e-12);
        sum += s.weights[lane];
    }
    assert_true(fabs(sum - 1.0) < 1e-12);
}

/// Jitter has the covariance asked for, by Cholesky's root and, with as few lanes as values, by
/// their deviations.
static void jitter_follows_the_covariance(void **state)
{
    (void)state;
    for (size_t lanes = 2; lanes <= 3; lanes++) {
        double sum[3] = { 0 };
        const size_t draws = 20000;
        for (size_t draw = 0; draw < draws; draw++) {
            static swarm s;
            gm_particles particles = particles_of(&s, lanes);
            double *values = &s.values[0][0];
            for (size_t lane = 0; lane < lanes; lane++) { // deviations along (1, -2)
                values[lane] = (double)lane;
                values[lanes + lane] = -2.0 * (double)lane;
                s.log_weights[lane] = lane == 0 ? 0.0 : -INFINITY;
            }
            s.log_weights[1] = -1e9; // without weight, but possible: of the spread
            gm_particle_result result;
            assert_int_equal(renew(&particles, options_of(1.0, 1.0, draw), &s, &result), GM_OK);
            sum[0] += values[0] * values[0] / (double)draws;
            sum[1] += values[0] * values[lanes] / (double)draws;
            sum[2] += values[lanes] * values[lanes] / (double)draws;
        }
        double expected = 0.5 * pow((double)lanes, -2.0 / 6.0); // of lanes 0 and 1
        assert_true(fabs(sum[0] / expected - 1.0) < 0.05);
        assert_true(fabs(sum[1] / expected + 2.0) < 0.1);
        assert_true(fabs(sum[2] / expected - 4.0) < 0.2);
    }
}

static void lanes_that_failed_are_dropped(void **state)
{
    (void)state;
    static swarm s;
    gm_particles particles = few_lanes(&s);
    double predictions[FEW] = { 1.0, NAN, 1.0, INFINITY, 1.0, 1.0, 1.0, 1.0 };
    const double measured = 1.2, variance = 0.1;
    const gm_analysis analysis = { .lanes = FEW,
                                   .predictions = predictions,
                                   .measurement_count = 1,
                                   .measured = &measured,
                                   .variance = &variance };
    assert_int_equal(gm_particles_weigh(&analysis, s.log_weights, NULL), GM_OK);
    double *values = &s.values[0][0];
    values[1] = NAN;
    values[FEW + 3] = INFINITY;
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(1.0, 0.5, 1), &s, &result), GM_OK);
    assert_true(fabs(result.effective - 6.0) < 1e-9);
    assert_int_equal(s.copies[1] + s.copies[3], 0);
    for (size_t at = 0; at < (size_t)VALUES * FEW; at++) {
        assert_true(isfinite(values[at]));
    }
}

static void nothing_changes_when_no_lane_is_possible(void **state)
{
    (void)state;
    static swarm s, before;
    gm_particles particles = few_lanes(&s);
    for (size_t lane = 0; lane < FEW; lane++) {
        s.log_weights[lane] = lane % 2 ? -INFINITY : NAN;
    }
    before = s;
    gm_particle_result result = { -1.0, false };
    assert_int_equal(renew(&particles, options_of(0.5, 1.0, 1), &s, &result), GM_NUMERIC);
    assert_memory_equal(s.values, before.values, sizeof s.values);
    assert_memory_equal(s.weights, before.weights, sizeof s.weights);
    assert_true(result.effective == -1.0);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static swarm s;
    gm_particles particles = few_lanes(&s);
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(1.5, 1.0, 1), &s, &result), GM_INVALID);
    assert_int_equal(renew(&particles, options_of(0.5, -1.0, 1), &s, &result), GM_INVALID);
    assert_int_equal(renew(&particles, options_of(0.5, NAN, 1), &s, &result), GM_INVALID);
    s.values[0][3] = NAN; // of a lane that is possible
    assert_int_equal(renew(&particles, options_of(0.5, 1.0, 1), &s, &result), GM_NUMERIC);
    particles.lanes = 0;
    assert_int_equal(renew(&particles, options_of(0.5, 1.0, 1), &s, &result), GM_INVALID);
    double predictions[FEW] = { 0 }, measured = NAN, variance = 1.0;
    gm_analysis analysis = { .lanes = FEW,
                             .predictions = predictions,
                             .measurement_count = 1,
                             .measured = &measured,
                             .variance = &variance };
    assert_int_equal(gm_particles_weigh(&analysis, s.log_weights, NULL), GM_NUMERIC);
    measured = 0.0;
    variance = 0.0;
    assert_int_equal(gm_particles_weigh(&analysis, s.log_weights, NULL), GM_INVALID);
    variance = 1.0;
    analysis.lanes = 0;
    assert_int_equal(gm_particles_weigh(&analysis, s.log_weights, NULL), GM_INVALID);
}

static void one_lane_stays_itself(void **state)
{
    (void)state;
    static swarm s;
    memset(&s, 0, sizeof s);
    gm_particles particles = particles_of(&s, 1);
    s.values[0][0] = 4.0;
    s.log_weights[0] = -30.0;
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(1.0, 1.0, 1), &s, &result), GM_OK);
    assert_int_equal(s.source[0], 0);
    assert_true(s.values[0][0] == 4.0 && result.effective == 1.0);
}

/// Populations have no values to jitter: the caller gathers whole lanes.
static void without_values_lanes_are_only_named(void **state)
{
    (void)state;
    static swarm s;
    gm_particles particles = few_lanes(&s);
    particles.values = NULL;
    particles.value_count = 0;
    for (size_t lane = 0; lane < FEW; lane++) {
        s.log_weights[lane] = lane == 3 ? 0.0 : -20.0;
    }
    gm_particle_result result;
    assert_int_equal(renew(&particles, options_of(0.5, 1.0, 1), &s, &result), GM_OK);
    assert_int_equal(s.copies[3], FEW);
    for (size_t lane = 0; lane < FEW; lane++) {
        assert_int_equal(s.source[lane], 3);
    }
}

static void jitter_widens_only_when_all_lanes_are_wrong(void **state)
{
    (void)state;
    double predictions[FEW], weights[FEW], measured = 1.0;
    const double variance = 0.5;
    for (size_t lane = 0; lane < FEW; lane++) {
        predictions[lane] = (lane % 2 ? 0.1 : -0.1);
        weights[lane] = 1.0 / FEW;
    }
    const gm_analysis analysis = { .lanes = FEW,
                                   .predictions = predictions,
                                   .measurement_count = 1,
                                   .measured = &measured,
                                   .variance = &variance };
    assert_true(gm_particles_widening(&analysis, weights) == 1.0);
    measured = 7.0; // ten standard deviations: sqrt((49 - 0.5) / 0.01)
    assert_true(fabs(gm_particles_widening(&analysis, weights) - sqrt(4850.0)) < 1e-6);
    measured = 1e3;
    assert_true(gm_particles_widening(&analysis, weights) == 100.0);
    predictions[2] = NAN; // of a lane that counts
    assert_true(gm_particles_widening(&analysis, weights) == 1.0);
    weights[2] = 0.0;
    assert_true(gm_particles_widening(&analysis, weights) > 1.0);
}

static void a_gate_bounds_what_one_wild_reading_does(void **state)
{
    (void)state;
    static swarm s;
    few_lanes(&s);
    double predictions[FEW] = { 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7 };
    const double measured = 1000.0, variance = 0.01;
    gm_analysis analysis = { .lanes = FEW,
                             .predictions = predictions,
                             .measurement_count = 1,
                             .measured = &measured,
                             .variance = &variance,
                             .gate = 3.0 };
    assert_int_equal(gm_particles_weigh(&analysis, s.log_weights, NULL), GM_OK);
    for (size_t lane = 0; lane < FEW; lane++) {
        assert_true(fabs(s.log_weights[lane] + 4.5) < 0.05);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_gaussian_world_is_followed_as_by_kalman),
        cmocka_unit_test(likely_lanes_are_copied_whole),
        cmocka_unit_test(only_copies_are_jittered),
        cmocka_unit_test(enough_effective_lanes_keep_their_weights),
        cmocka_unit_test(jitter_follows_the_covariance),
        cmocka_unit_test(lanes_that_failed_are_dropped),
        cmocka_unit_test(nothing_changes_when_no_lane_is_possible),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(one_lane_stays_itself),
        cmocka_unit_test(jitter_widens_only_when_all_lanes_are_wrong),
        cmocka_unit_test(without_values_lanes_are_only_named),
        cmocka_unit_test(a_gate_bounds_what_one_wild_reading_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
