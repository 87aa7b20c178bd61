// What readings can tell of unknowns, against linear systems whose answers are known.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>
#include <string.h>

#include "assim/observability.h"

enum { UNKNOWNS = 5, READINGS = 4, SLICES = 7, SAMPLES = 40, LANES = 32 };

static double draw(uint32_t purpose, size_t element)
{
    gm_draw what = { .element = (uint32_t)element, .purpose = purpose };
    return gm_random_normal(gm_random_for(5, "observability"), what);
}

static void fill(double *values, size_t count, uint32_t purpose)
{
    for (size_t index = 0; index < count; index++) {
        values[index] = draw(purpose, index);
    }
}

/// Rows of draws with mean zero, as deviations have it.
static void fill_centred(double *values, size_t rows, size_t columns, uint32_t purpose)
{
    fill(values, rows * columns, purpose);
    for (size_t row = 0; row < rows; row++) {
        double sum = 0.0;
        for (size_t column = 0; column < columns; column++) {
            sum += values[row * columns + column];
        }
        for (size_t column = 0; column < columns; column++) {
            values[row * columns + column] -= sum / (double)columns;
        }
    }
}

static const double same_noise[READINGS] = { 0.5, 0.7, 0.9, 1.1 };

static gm_observability *must_create(const gm_sensing *sensing)
{
    gm_observability *made = NULL;
    gm_error error = { 0 };
    if (gm_observability_create(sensing, &made, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return made;
}

/// The effects of unknowns that are asked about themselves. @param effects  [count][count]
static void themselves(double *effects, size_t count)
{
    memset(effects, 0, count * count * sizeof *effects);
    for (size_t index = 0; index < count; index++) {
        effects[index * count + index] = 1.0;
    }
}

/// One reading of the Kalman filter: only its covariance.
static void kalman(double *covariance, const double *slope, double variance)
{
    double gain[UNKNOWNS], total = variance;
    for (size_t i = 0; i < UNKNOWNS; i++) {
        gain[i] = 0.0;
        for (size_t j = 0; j < UNKNOWNS; j++) {
            gain[i] += covariance[i * UNKNOWNS + j] * slope[j];
        }
        total += gain[i] * slope[i];
    }
    for (size_t i = 0; i < UNKNOWNS; i++) {
        for (size_t j = 0; j < UNKNOWNS; j++) {
            covariance[i * UNKNOWNS + j] -= gain[i] * gain[j] / total;
        }
    }
}

static void what_is_left_is_the_kalman_filters_covariance(void **state)
{
    (void)state;
    double slopes[READINGS * SLICES * UNKNOWNS], effects[2 * UNKNOWNS],
        expected[UNKNOWNS * UNKNOWNS];
    fill(slopes, READINGS * SLICES * UNKNOWNS, 1);
    fill(effects, 2 * UNKNOWNS, 2);
    gm_sensing sensing = { .unknown_count = UNKNOWNS,
                           .quantity_count = 2,
                           .reading_count = READINGS,
                           .present_count = READINGS,
                           .slice_count = SLICES,
                           .slopes = slopes,
                           .noise = same_noise,
                           .effects = effects };
    gm_observability *seen = must_create(&sensing);
    themselves(expected, UNKNOWNS);
    for (size_t row = 0; row < READINGS * SLICES; row++) {
        kalman(expected, slopes + row * UNKNOWNS, same_noise[row / SLICES]);
    }
    for (size_t index = 0; index < UNKNOWNS * UNKNOWNS; index++) {
        assert_true(fabs(seen->left[index] - expected[index]) < 1e-12);
    }
    for (size_t quantity = 0; quantity < 2; quantity++) {
        const double *effect = effects + quantity * UNKNOWNS;
        double before = 0.0, after = 0.0;
        for (size_t i = 0; i < UNKNOWNS; i++) {
            before += effect[i] * effect[i];
            for (size_t j = 0; j < UNKNOWNS; j++) {
                after += effect[i] * expected[i * UNKNOWNS + j] * effect[j];
            }
        }
        assert_true(fabs(seen->before[quantity] - sqrt(before)) < 1e-12);
        assert_true(fabs(seen->after[quantity] - sqrt(after)) < 1e-12);
    }
    gm_observability_close(seen);
}

// Two gauges of one unknown with noise in common: their mean is left with S + R / 2.
static void noise_in_common_does_not_average_out(void **state)
{
    (void)state;
    double slopes[2] = { 1.0, 1.0 }, noise[2] = { 0.2, 0.2 }, effect = 1.0;
    double wander[2 * SAMPLES], square = 0.0;
    fill_centred(wander, 1, SAMPLES, 3);
    memcpy(wander + SAMPLES, wander, SAMPLES * sizeof *wander);
    for (size_t sample = 0; sample < SAMPLES; sample++) {
        square += wander[sample] * wander[sample] / (SAMPLES - 1.0);
    }
    gm_sensing sensing = { .unknown_count = 1,
                           .quantity_count = 1,
                           .reading_count = 2,
                           .present_count = 2,
                           .slice_count = 1,
                           .slopes = slopes,
                           .noise = noise,
                           .effects = &effect,
                           .sample_count = SAMPLES,
                           .wander = wander };
    gm_observability *seen = must_create(&sensing);
    double total = square * (1.0 + 2.0 / SAMPLES) + 0.1;
    assert_true(fabs(seen->after[0] - sqrt(total / (1.0 + total))) < 1e-12);
    gm_observability_close(seen);
}

// Three unknowns, of which the readings see the sum of two.
static void only_the_sum_is_seen(void **state)
{
    (void)state;
    double slopes[SLICES * 3] = { 0 }, noise = 0.01, effects[9];
    themselves(effects, 3);
    for (size_t slice = 0; slice < SLICES; slice++) {
        slopes[slice * 3] = slopes[slice * 3 + 1] = 10.0;
    }
    gm_sensing sensing = { .unknown_count = 3,
                           .quantity_count = 3,
                           .reading_count = 1,
                           .present_count = 1,
                           .slice_count = SLICES,
                           .slopes = slopes,
                           .noise = &noise,
                           .effects = effects };
    gm_observability *seen = must_create(&sensing);
    gm_companion with[GM_COMPANIONS_MAX];
    assert_true(fabs(seen->after[0] - sqrt(0.5)) < 1e-3);
    assert_true(fabs(seen->after[1] - sqrt(0.5)) < 1e-3);
    assert_true(seen->after[2] == 1.0);
    assert_true(seen->alone[0] < 0.01 && seen->alone[2] == 1.0);
    assert_int_equal(gm_observability_companions(seen, 0, 0.9, with), 1);
    assert_int_equal(with[0].unknown, 1);
    assert_true(with[0].correlation < -0.99);
    assert_int_equal(gm_observability_companions(seen, 2, 0.1, with), 0);
    gm_observability_close(seen);
}

static void the_nearest_companions_come_first(void **state)
{
    (void)state;
    double slopes[UNKNOWNS] = { 3.0, 4.0, 1.0, 2.0, 5.0 }, noise = 1e-4;
    double effects[UNKNOWNS * UNKNOWNS];
    themselves(effects, UNKNOWNS);
    gm_sensing sensing = { .unknown_count = UNKNOWNS,
                           .quantity_count = UNKNOWNS,
                           .reading_count = 1,
                           .present_count = 1,
                           .slice_count = 1,
                           .slopes = slopes,
                           .noise = &noise,
                           .effects = effects };
    gm_observability *seen = must_create(&sensing);
    gm_companion with[GM_COMPANIONS_MAX];
    assert_int_equal(gm_observability_companions(seen, 0, 0.0, with), GM_COMPANIONS_MAX);
    assert_int_equal(with[0].unknown, 4);
    assert_int_equal(with[1].unknown, 1);
    assert_int_equal(with[2].unknown, 3);
    gm_observability_close(seen);
}

/// Five unknowns; one sensor there, three to choose from; chance in readings and quantities.
typedef struct choice {
    double slopes[READINGS * SLICES * UNKNOWNS], effects[UNKNOWNS * UNKNOWNS];
    double wander[READINGS * SAMPLES], ends[UNKNOWNS * LANES], last[READINGS * LANES];
    double recent_slopes[READINGS * UNKNOWNS];
    gm_sensing sensing;
} choice;

static void prepare_choice(choice *made)
{
    fill(made->slopes, READINGS * SLICES * UNKNOWNS, 4);
    fill_centred(made->wander, READINGS, SAMPLES, 5);
    fill_centred(made->ends, UNKNOWNS, LANES, 6);
    fill_centred(made->last, READINGS, LANES, 7);
    themselves(made->effects, UNKNOWNS);
    memset(made->recent_slopes, 0, sizeof made->recent_slopes);
    made->sensing = (gm_sensing){ .unknown_count = UNKNOWNS,
                                  .quantity_count = UNKNOWNS,
                                  .reading_count = READINGS,
                                  .present_count = 1,
                                  .slice_count = SLICES,
                                  .slopes = made->slopes,
                                  .noise = same_noise,
                                  .effects = made->effects,
                                  .sample_count = SAMPLES,
                                  .wander = made->wander };
}

static void a_sensor_gains_what_was_promised(void **state)
{
    (void)state;
    choice made;
    prepare_choice(&made);
    gm_observability *seen = must_create(&made.sensing);
    for (size_t reading = 1; reading < READINGS; reading++) {
        double gains[READINGS], before = gm_observability_total(seen);
        assert_int_equal(gm_observability_rank(seen, gains, NULL), GM_OK);
        assert_true(gains[0] == 0.0 && gains[reading] > 0.0);
        assert_int_equal(gm_observability_take(seen, reading, NULL), GM_OK);
        double after = gm_observability_total(seen);
        assert_true(fabs(before * (1.0 - gains[reading]) - after) < 1e-12);
    }
    // all taken one by one, or there from the beginning: the same
    gm_sensing whole = made.sensing;
    whole.present_count = READINGS;
    whole.sample_count = 0;
    made.sensing.sample_count = 0;
    gm_observability *at_once = must_create(&whole), *one_by_one = must_create(&made.sensing);
    for (size_t reading = READINGS - 1; reading > 0; reading--) {
        assert_int_equal(gm_observability_take(one_by_one, reading, NULL), GM_OK);
    }
    for (size_t quantity = 0; quantity < UNKNOWNS; quantity++) {
        assert_true(fabs(at_once->after[quantity] - one_by_one->after[quantity]) < 1e-12);
    }
    gm_observability_close(at_once);
    gm_observability_close(one_by_one);
    gm_observability_close(seen);
}

static void a_useless_sensor_gains_nothing(void **state)
{
    (void)state;
    choice made;
    prepare_choice(&made);
    made.sensing.sample_count = 0;
    size_t row = SLICES * UNKNOWNS;
    memset(made.slopes + row, 0, row * sizeof(double)); // sees nothing
    gm_observability *seen = must_create(&made.sensing);
    double gains[READINGS];
    assert_int_equal(gm_observability_rank(seen, gains, NULL), GM_OK);
    assert_true(gains[1] == 0.0);
    assert_true(gains[2] > 0.01);
    gm_observability_close(seen);
}

static void chance_covariances_tell_nothing(void **state)
{
    (void)state;
    choice made;
    prepare_choice(&made);
    made.sensing.lanes = LANES;
    made.sensing.ends = made.ends;
    made.sensing.recent_count = 1;
    made.sensing.recent = made.last;
    made.sensing.recent_slopes = made.recent_slopes;
    made.sensing.recent_noise = same_noise;
    made.sensing.present_count = READINGS;
    memset(made.slopes, 0, sizeof made.slopes);
    gm_observability *seen = must_create(&made.sensing);
    for (size_t quantity = 0; quantity < UNKNOWNS; quantity++) {
        assert_true(seen->after[quantity] > 0.95 * seen->before[quantity]);
    }
    gm_observability_close(seen);
}

static void what_is_read_at_the_end_is_known_then(void **state)
{
    (void)state;
    choice made;
    prepare_choice(&made);
    memset(made.effects, 0, sizeof made.effects);
    memset(made.wander, 0, sizeof made.wander);
    for (size_t lane = 0; lane < LANES; lane++) {
        made.last[lane] = 10.0 * made.ends[lane];                 // quantity 0, by the sensor there
        made.last[LANES + lane] = 10.0 * made.ends[LANES + lane]; // quantity 1, by a candidate
    }
    made.sensing.lanes = LANES;
    made.sensing.ends = made.ends;
    made.sensing.recent_count = 1;
    made.sensing.recent = made.last;
    made.sensing.recent_slopes = made.recent_slopes;
    made.sensing.recent_noise = same_noise;
    gm_observability *seen = must_create(&made.sensing);
    double gains[READINGS], before = gm_observability_total(seen);
    assert_true(seen->after[0] < 0.2 * seen->before[0]);
    assert_true(seen->after[1] > 0.9 * seen->before[1]);
    assert_int_equal(gm_observability_rank(seen, gains, NULL), GM_OK);
    assert_true(gains[1] > 2.0 * gains[2] && gains[1] > 2.0 * gains[3]);
    assert_int_equal(gm_observability_take(seen, 1, NULL), GM_OK);
    assert_true(seen->after[1] < 0.3 * seen->before[1]);
    assert_true(fabs(before * (1.0 - gains[1]) - gm_observability_total(seen)) < 1e-9);
    gm_observability_close(seen);
}

static void bad_worlds_are_refused(void **state)
{
    (void)state;
    choice made;
    gm_observability *seen = NULL;
    gm_error error = { 0 };
    prepare_choice(&made);
    gm_sensing wrong = made.sensing;
    wrong.unknown_count = 0;
    assert_int_equal(gm_observability_create(&wrong, &seen, &error), GM_INVALID);
    wrong = made.sensing;
    wrong.unknown_count = GM_UNKNOWNS_MAX + 1;
    assert_int_equal(gm_observability_create(&wrong, &seen, &error), GM_LIMIT);
    wrong = made.sensing;
    double silent[READINGS] = { 0.0, 1.0, 1.0, 1.0 };
    wrong.noise = silent;
    assert_int_equal(gm_observability_create(&wrong, &seen, &error), GM_INVALID);
    made.slopes[3] = NAN;
    assert_int_equal(gm_observability_create(&made.sensing, &seen, &error), GM_NUMERIC);
    assert_null(seen);
    gm_observability_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_the_kalman_filters_covariance),
        cmocka_unit_test(noise_in_common_does_not_average_out),
        cmocka_unit_test(only_the_sum_is_seen),
        cmocka_unit_test(the_nearest_companions_come_first),
        cmocka_unit_test(a_sensor_gains_what_was_promised),
        cmocka_unit_test(a_useless_sensor_gains_nothing),
        cmocka_unit_test(chance_covariances_tell_nothing),
        cmocka_unit_test(what_is_read_at_the_end_is_known_then),
        cmocka_unit_test(bad_worlds_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
