// Faults of sensors: odds are those of brute force where that can be written down, every kind is
// known again, and what is healthy, coarse or silent is not blamed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>
#include <string.h>

#include "assim/sensor_faults.h"
#include "num/dense.h"
#include "num/statistics.h"

enum { FEW = 9, MANY = 120, ONSETS = 12, STEP_S = 10 };
static const int64_t second_ns = 1000000000;
static const gm_residual_model wandering = {
    .noise = 0.1, .error = 0.08, .time_s = 40.0, .offset = 0.05
};
static const gm_residual_model white = { .noise = 0.1, .time_s = 40.0 };

static double normal(uint64_t seed, uint32_t purpose, uint64_t occurrence)
{
    return gm_random_normal(gm_random_for(seed, "readings"),
                            (gm_draw){ .purpose = purpose, .occurrence = occurrence });
}

/// A healthy sensor, read to hundredths.
static void play(uint64_t seed, const gm_residual_model *model, size_t count,
                 gm_fault_reading *readings)
{
    double offset = model->offset * normal(seed, 1, 0), error = 0.0;
    double keep = exp(-STEP_S / model->time_s);
    for (size_t index = 0; index < count; index++) {
        double predicted = 20.0 + 3.0 * sin(0.15 * (double)index);
        error = keep * error + model->error * sqrt(1.0 - keep * keep) * normal(seed, 2, index);
        double value = predicted + offset + error + model->noise * normal(seed, 3, index);
        readings[index] = (gm_fault_reading){ .time_ns = (int64_t)(index + 1) * STEP_S * second_ns,
                                              .value = 0.01 * nearbyint(100.0 * value),
                                              .predicted = predicted };
    }
}

static gm_sensor_series series_of(const gm_residual_model *model, const gm_fault_reading *readings,
                                  size_t count)
{
    return (gm_sensor_series){
        .readings = readings, .count = count, .model = *model, .resolution = 0.01, .size = 0.5
    };
}

// ---- brute force ----

/// Covariance of residuals: offset, the error that is zero at the start, noise.
static void covariance_of(const gm_sensor_series *series, size_t first, double factor, double *c)
{
    const gm_residual_model *model = &series->model;
    for (size_t a = 0; a < series->count; a++) {
        for (size_t b = 0; b < series->count; b++) {
            double ta = (double)series->readings[a].time_ns * 1e-9;
            double tb = (double)series->readings[b].time_ns * 1e-9;
            double alike = exp(-fabs(ta - tb) / model->time_s) - exp(-(ta + tb) / model->time_s);
            double noise = model->noise * (a >= first ? factor : 1.0);
            c[a * series->count + b] = model->offset * model->offset +
                                       model->error * model->error * alike +
                                       (a == b ? noise * noise : 0.0);
        }
    }
}

/// log of N(values; 0, c), less its constant. @param c  [count][count], destroyed
static double log_density(double *c, const double *values, size_t count)
{
    double solved[FEW], sum = 0.0;
    assert_true(gm_cholesky(count, c));
    memcpy(solved, values, count * sizeof *solved);
    gm_cholesky_solve(count, c, solved);
    for (size_t index = 0; index < count; index++) {
        sum -= 0.5 * values[index] * solved[index] + log(c[index * count + index]);
    }
    return sum;
}

static void residuals_of(const gm_fault_reading *readings, double *residuals)
{
    for (size_t index = 0; index < FEW; index++) {
        residuals[index] = readings[index].value - readings[index].predicted;
    }
}

static double healthy_density(const gm_sensor_series *series, const double *residuals)
{
    double c[FEW * FEW];
    covariance_of(series, FEW, 1.0, c);
    return log_density(c, residuals, FEW);
}

/// With a shape of unknown size added to the covariance.
static double shape_odds(const gm_sensor_series *series, const double *residuals,
                         const double *course)
{
    double c[FEW * FEW];
    covariance_of(series, FEW, 1.0, c);
    for (size_t a = 0; a < FEW; a++) {
        for (size_t b = 0; b < FEW; b++) {
            c[a * FEW + b] += series->size * series->size * course[a] * course[b];
        }
    }
    return log_density(c, residuals, FEW) - healthy_density(series, residuals);
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static void odds_of_biases_drifts_and_noise_are_exact(void **state)
{
    (void)state;
    static const double factors[] = { 2.0, 3.0, 4.5, 7.0 };
    const size_t first = 4;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        gm_fault_reading readings[FEW];
        play(seed, &wandering, FEW, readings);
        readings[7].value += 0.4;
        const gm_sensor_series series = series_of(&wandering, readings, FEW);
        const int64_t onset_ns = readings[first].time_ns - second_ns;
        const gm_onsets onsets = { &onset_ns, 1 };
        gm_fault_evidence told[GM_SENSOR_FAULTS];
        assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
        double residuals[FEW], step[FEW] = { 0 }, ramp[FEW] = { 0 }, noise = 0.0;
        residuals_of(readings, residuals);
        for (size_t index = first; index < FEW; index++) {
            step[index] = 1.0;
            ramp[index] = (double)(readings[index].time_ns - onset_ns) /
                          (double)(readings[FEW - 1].time_ns - onset_ns);
        }
        for (size_t kind = 0; kind < 4; kind++) {
            double c[FEW * FEW];
            covariance_of(&series, first, factors[kind], c);
            noise +=
                0.25 * exp(log_density(c, residuals, FEW) - healthy_density(&series, residuals));
        }
        assert_near(told[GM_FAULT_BIAS].log_odds, shape_odds(&series, residuals, step), 1e-9);
        assert_near(told[GM_FAULT_DRIFT].log_odds, shape_odds(&series, residuals, ramp), 1e-9);
        assert_near(told[GM_FAULT_NOISE].log_odds, log(noise), 1e-9);
        assert_true(told[GM_FAULT_NONE].log_odds == 0.0);
    }
}

static void odds_of_swaps_are_exact(void **state)
{
    (void)state;
    const size_t first = 3;
    gm_fault_reading readings[2][FEW];
    gm_sensor_series pair[2];
    double before = 0.0, after = 0.0;
    for (size_t side = 0; side < 2; side++) {
        play(20 + side, &wandering, FEW, readings[side]);
        pair[side] = series_of(&wandering, readings[side], FEW);
        pair[side].model.noise *= 1.0 + (double)side;
    }
    for (size_t side = 0; side < 2; side++) {
        double residuals[FEW], c[FEW * FEW];
        residuals_of(readings[side], residuals);
        before += healthy_density(&pair[side], residuals);
        for (size_t index = first; index < FEW; index++) {
            residuals[index] = readings[1 - side][index].value - readings[side][index].predicted;
        }
        covariance_of(&pair[side], FEW, 1.0, c);
        after += log_density(c, residuals, FEW);
    }
    const gm_onsets onsets = { &readings[0][first].time_ns, 1 };
    gm_fault_evidence told;
    assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, &told, NULL), GM_OK);
    assert_near(told.log_odds, after - before, 1e-9);
}

static void odds_of_spikes_and_rest_are_exact_without_wander(void **state)
{
    (void)state;
    static const double kinds[][2] = { { 0.03, 6.0 }, { 0.03, 15.0 }, { 0.1, 6.0 },
                                       { 0.1, 15.0 }, { 0.3, 8.0 },   { 0.1, 50.0 } };
    gm_fault_reading readings[FEW];
    play(3, &white, FEW, readings);
    readings[6].value += 1.1;
    const gm_sensor_series series = series_of(&white, readings, FEW);
    const gm_onsets onsets = { &readings[2].time_ns, 1 };
    gm_fault_evidence told[GM_SENSOR_FAULTS];
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    double expected = 0.0;
    for (size_t kind = 0; kind < 6; kind++) {
        double odds = 1.0, share = kinds[kind][0], wide = hypot(1.0, kinds[kind][1]);
        for (size_t index = 2; index < FEW; index++) {
            double z = (readings[index].value - readings[index].predicted) / 0.1;
            odds *= 1.0 - share + share / wide * exp(0.5 * z * z - 0.5 * z * z / (wide * wide));
        }
        expected += odds / 6.0;
    }
    assert_near(told[GM_FAULT_SPIKES].log_odds, log(expected), 1e-9);

    double rest = 0.0;
    for (size_t index = 3; index < FEW; index++) {
        readings[index].value = readings[2].value;
        double z = (readings[index].value - readings[index].predicted) / 0.1;
        rest += 0.5 * z * z + 0.5 * log(2.0 * M_PI) - log(0.1);
    }
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_near(told[GM_FAULT_STUCK].log_odds, rest, 1e-9);
    assert_true(told[GM_FAULT_STUCK].size == readings[2].value);
}

// ---- kinds ----

static void grid(int64_t times_ns[ONSETS])
{
    for (size_t index = 0; index < ONSETS; index++) {
        times_ns[index] = ((int64_t)index * 8 + 12) * STEP_S * second_ns;
    }
}

/// @param since  the first reading affected
static void spoil(gm_sensor_fault fault, uint64_t seed, size_t since,
                  gm_fault_reading readings[MANY])
{
    for (size_t index = since; index < MANY; index++) {
        double *value = &readings[index].value, noise = *value - readings[index].predicted;
        *value += fault == GM_FAULT_BIAS    ? 0.5
                  : fault == GM_FAULT_DRIFT ? 0.015 * (double)(index - since)
                  : fault == GM_FAULT_NOISE ? 1.2 * noise
                                            : 0.0;
        if (fault == GM_FAULT_SPIKES && index % 9 == 0) {
            *value += normal(seed, 4, index) < 0.0 ? -1.3 : 1.3;
        }
        if (fault == GM_FAULT_STUCK) {
            *value = readings[since - 1].value;
        }
    }
}

static void every_kind_is_known_again(void **state)
{
    (void)state;
    const size_t since = 57; // between onsets
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    for (gm_sensor_fault fault = 1; fault < GM_SENSOR_FAULTS; fault++) {
        for (uint64_t seed = 30; seed < 40; seed++) {
            gm_fault_reading readings[MANY];
            gm_fault_evidence told[GM_SENSOR_FAULTS];
            play(seed, &wandering, MANY, readings);
            spoil(fault, seed, since, readings);
            const gm_sensor_series series = series_of(&wandering, readings, MANY);
            assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
            for (size_t other = 0; other < GM_SENSOR_FAULTS; other++) {
                if (other != fault && !(told[fault].log_odds > told[other].log_odds + 1.0)) {
                    fail_msg("seed %d: %d (%g) is taken for %zu (%g)", (int)seed, fault,
                             told[fault].log_odds, other, told[other].log_odds);
                }
            }
        }
    }
}

static void healthy_sensors_are_not_blamed(void **state)
{
    (void)state;
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    for (uint64_t seed = 1; seed <= 50; seed++) {
        gm_fault_reading readings[2][MANY];
        gm_fault_evidence told[GM_SENSOR_FAULTS], swap, several;
        play(seed, &wandering, MANY, readings[0]);
        play(seed + 1000, &wandering, MANY, readings[1]);
        for (size_t index = 0; index < MANY; index++) { // another place
            readings[1][index].predicted += 0.5;
            readings[1][index].value += 0.5;
        }
        const gm_sensor_series pair[2] = { series_of(&wandering, readings[0], MANY),
                                           series_of(&wandering, readings[1], MANY) };
        assert_int_equal(gm_sensor_faults_weigh(pair, &onsets, told, NULL), GM_OK);
        assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, &swap, NULL), GM_OK);
        assert_int_equal(gm_sensors_deviate_weigh(pair, 2, &onsets, &several, NULL), GM_OK);
        for (size_t fault = 1; fault < GM_SENSOR_FAULTS; fault++) {
            assert_true(told[fault].log_odds < 4.0); // one in fifty may be worth e^4 at most
        }
        assert_true(swap.log_odds < 0.0 && several.log_odds < 4.0);
    }
}

static void sizes_and_times_are_found(void **state)
{
    (void)state;
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    gm_fault_reading readings[MANY];
    gm_fault_evidence told[GM_SENSOR_FAULTS];
    const gm_sensor_series series = series_of(&wandering, readings, MANY);
    play(70, &wandering, MANY, readings);
    for (size_t index = 55; index < MANY; index++) {
        readings[index].value += 20.0; // far beyond the size expected, between onsets
    }
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_near(told[GM_FAULT_BIAS].size, 20.0, 0.2);
    assert_near((double)(told[GM_FAULT_BIAS].since_ns - readings[55].time_ns) * 1e-9, 0.0,
                1.5 * STEP_S);
    play(71, &wandering, MANY, readings);
    spoil(GM_FAULT_DRIFT, 71, 40, readings);
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_near(told[GM_FAULT_DRIFT].size, 0.0015, 0.0004); // per second
    play(72, &wandering, MANY, readings);
    spoil(GM_FAULT_STUCK, 72, 66, readings);
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_true(told[GM_FAULT_STUCK].since_ns == readings[65].time_ns); // the one it repeats
}

static void coarse_sensors_may_rest(void **state)
{
    (void)state;
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    gm_fault_reading readings[MANY];
    for (size_t index = 0; index < MANY; index++) {
        readings[index] =
            (gm_fault_reading){ (int64_t)(index + 1) * STEP_S * second_ns, 20.0, 20.0 };
    }
    gm_sensor_series series = series_of(&wandering, readings, MANY);
    gm_fault_evidence told[GM_SENSOR_FAULTS];
    series.resolution = 1.0;
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_true(told[GM_FAULT_STUCK].log_odds < 1.0);
    for (size_t index = 60; index < MANY; index++) {
        readings[index].predicted = 23.0; // and now it should have moved
    }
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_true(told[GM_FAULT_STUCK].log_odds > 20.0);
}

static void swaps_are_known_and_those_of_one_place_are_not(void **state)
{
    (void)state;
    const size_t since = 57;
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    gm_fault_reading readings[2][MANY];
    gm_fault_evidence told;
    for (int apart = 0; apart < 2; apart++) {
        for (size_t side = 0; side < 2; side++) {
            play(80 + side, &white, MANY, readings[side]);
            for (size_t index = 0; index < MANY; index++) {
                double away = apart && side == 1 ? 8.0 : 0.0;
                readings[side][index].predicted += away;
                readings[side][index].value += away;
            }
        }
        for (size_t index = since; index < MANY; index++) {
            double kept = readings[0][index].value;
            readings[0][index].value = readings[1][index].value;
            readings[1][index].value = kept;
        }
        const gm_sensor_series pair[2] = { series_of(&white, readings[0], MANY),
                                           series_of(&white, readings[1], MANY) };
        assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, &told, NULL), GM_OK);
        assert_true(apart ? told.log_odds > 1000.0 : fabs(told.log_odds) < 1e-9);
    }
    assert_near((double)(told.since_ns - readings[0][since].time_ns) * 1e-9, 0.0, 1.5 * STEP_S);
}

static void several_must_deviate_together(void **state)
{
    (void)state;
    enum { SENSORS = 4 };
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    gm_fault_reading readings[SENSORS][MANY];
    gm_sensor_series sensors[SENSORS];
    double odds[SENSORS + 1];
    for (size_t deviating = 0; deviating <= SENSORS; deviating++) {
        gm_fault_evidence told;
        for (size_t sensor = 0; sensor < SENSORS; sensor++) {
            play(90 + sensor, &wandering, MANY, readings[sensor]);
            sensors[sensor] = series_of(&wandering, readings[sensor], MANY);
            for (size_t index = 50; sensor < deviating && index < MANY; index++) {
                readings[sensor][index].value -= expm1(-(double)(index - 50) / 15.0);
            }
        }
        assert_int_equal(gm_sensors_deviate_weigh(sensors, SENSORS, &onsets, &told, NULL), GM_OK);
        odds[deviating] = told.log_odds;
    }
    assert_true(odds[0] < 0.0);
    // one alone is that sensor's own affair
    gm_fault_evidence alone[GM_SENSOR_FAULTS], told;
    play(90, &wandering, MANY, readings[0]);
    spoil(GM_FAULT_BIAS, 90, 50, readings[0]);
    play(91, &wandering, MANY, readings[1]);
    assert_int_equal(gm_sensor_faults_weigh(sensors, &onsets, alone, NULL), GM_OK);
    assert_int_equal(gm_sensors_deviate_weigh(sensors, 2, &onsets, &told, NULL), GM_OK);
    assert_true(alone[GM_FAULT_BIAS].log_odds > told.log_odds + 2.0);
    assert_true(odds[2] > 10.0 && odds[4] > odds[3] && odds[3] > odds[2]);
    // where there is one alone, it may as well be the plant
    gm_fault_evidence single;
    assert_int_equal(gm_sensors_deviate_weigh(sensors, 1, &onsets, &single, NULL), GM_OK);
    assert_true(single.log_odds > told.log_odds + 2.0);
    assert_int_equal(gm_sensors_deviate_weigh(sensors, 0, &onsets, &told, NULL), GM_OK);
    assert_true(told.log_odds == -INFINITY);
}

// ---- limits and errors ----

static void who_says_nothing_is_neither_blamed_nor_cleared(void **state)
{
    (void)state;
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    const gm_sensor_series series = series_of(&wandering, NULL, 0);
    const gm_sensor_series pair[2] = { series, series };
    gm_fault_evidence told[GM_SENSOR_FAULTS], swap;
    assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, NULL), GM_OK);
    assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, &swap, NULL), GM_OK);
    for (size_t fault = 0; fault < GM_SENSOR_FAULTS; fault++) {
        assert_near(told[fault].log_odds, 0.0, 1e-12);
    }
    assert_near(swap.log_odds, 0.0, 1e-12);
    size_t likeliest = 7;
    const double never[2] = { -INFINITY, -INFINITY };
    assert_true(gm_over_onsets(never, 2, &likeliest) == -INFINITY && likeliest == 0);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const gm_status expected[] = { GM_INVALID, GM_INVALID, GM_INVALID, GM_INVALID,
                                          GM_INVALID, GM_INVALID, GM_NUMERIC, GM_INVALID };
    for (size_t kind = 0; kind < sizeof expected / sizeof *expected; kind++) {
        int64_t times_ns[ONSETS];
        grid(times_ns);
        gm_fault_reading readings[MANY];
        play(1, &wandering, MANY, readings);
        gm_sensor_series series = series_of(&wandering, readings, MANY);
        gm_onsets onsets = { times_ns, ONSETS };
        onsets.count = kind == 0 ? 0 : kind == 1 ? GM_FAULT_ONSETS_MAX + 1 : ONSETS;
        times_ns[3] = kind == 2 ? times_ns[2] : times_ns[3];
        series.model.noise = kind == 3 ? 0.0 : 0.1;
        series.size = kind == 4 ? (double)NAN : 0.5;
        readings[5].time_ns = kind == 5 ? 1 : readings[5].time_ns;
        readings[5].value = kind == 6 ? INFINITY : readings[5].value;
        series.start_ns = kind == 7 ? readings[1].time_ns : 0;
        gm_fault_evidence told[GM_SENSOR_FAULTS] = { [GM_FAULT_BIAS] = { .log_odds = 77.0 } };
        gm_error error = { 0 };
        assert_int_equal(gm_sensor_faults_weigh(&series, &onsets, told, &error), expected[kind]);
        assert_true(error.text[0] != '\0' && told[GM_FAULT_BIAS].log_odds == 77.0);
        const gm_sensor_series pair[2] = { series, series };
        assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, told, NULL), expected[kind]);
        assert_int_equal(gm_sensors_deviate_weigh(pair, 2, &onsets, told, NULL), expected[kind]);
    }
}

static void swaps_need_the_same_times(void **state)
{
    (void)state;
    int64_t times_ns[ONSETS];
    grid(times_ns);
    const gm_onsets onsets = { times_ns, ONSETS };
    gm_fault_reading readings[2][MANY];
    play(1, &wandering, MANY, readings[0]);
    play(2, &wandering, MANY, readings[1]);
    gm_sensor_series pair[2] = { series_of(&wandering, readings[0], MANY),
                                 series_of(&wandering, readings[1], MANY - 1) };
    gm_fault_evidence told = { .log_odds = 77.0 };
    assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, &told, NULL), GM_INVALID);
    pair[1].count = MANY;
    readings[1][8].time_ns += 1;
    assert_int_equal(gm_sensor_swap_weigh(pair, &onsets, &told, NULL), GM_INVALID);
    assert_true(told.log_odds == 77.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odds_of_biases_drifts_and_noise_are_exact),
        cmocka_unit_test(odds_of_swaps_are_exact),
        cmocka_unit_test(odds_of_spikes_and_rest_are_exact_without_wander),
        cmocka_unit_test(every_kind_is_known_again),
        cmocka_unit_test(healthy_sensors_are_not_blamed),
        cmocka_unit_test(sizes_and_times_are_found),
        cmocka_unit_test(coarse_sensors_may_rest),
        cmocka_unit_test(swaps_are_known_and_those_of_one_place_are_not),
        cmocka_unit_test(several_must_deviate_together),
        cmocka_unit_test(who_says_nothing_is_neither_blamed_nor_cleared),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(swaps_need_the_same_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
