// Bands of forecasts: what they hold, what they learn, and what they leave alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>
#include <string.h>

#include "num/statistics.h"
#include "predict/forecast_bands.h"

enum { LANES = 64, TRUTHS = 4000 };

static const double normal_of[GM_BANDS] = { 0.6744897501960817, 1.6448536269514727 };

static void expect_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance)) {
        fail_msg("%.9g is not %.9g within %g", got, expected, tolerance);
    }
}

static double draw(const char *what, uint32_t lane, uint64_t occurrence)
{
    gm_draw one = { .lane = lane, .purpose = 1, .occurrence = occurrence };
    return gm_random_normal(gm_random_for(9, what), one);
}

/// Lanes of a normal distribution, by chance.
static void draw_lanes(double *lanes, size_t count, double spread, uint64_t occurrence)
{
    for (size_t lane = 0; lane < count; lane++) {
        lanes[lane] = spread * draw("lanes", (uint32_t)lane, occurrence);
    }
    gm_sort(lanes, count);
}

/// Lanes at a normal distribution's quantiles.
static void even_lanes(double *lanes, size_t count, double spread)
{
    for (size_t lane = 0; lane < count; lane++) {
        lanes[lane] = spread * gm_normal_quantile((double)(lane + 1) / (double)(count + 1));
    }
}

static void a_further_draw_lies_inside_as_often_as_said(void **state)
{
    (void)state;
    enum { FEW = 39, TIMES = 40000 }; // order statistics at just 5 %, 25 % ...
    double lanes[FEW], held[GM_BANDS] = { 0 };
    for (uint64_t time = 0; time < TIMES; time++) {
        draw_lanes(lanes, FEW, 1.0, time);
        gm_band_edges edges = gm_band_edges_of(&(gm_band_forecast){ .lanes = lanes, .count = FEW });
        double truth = draw("truth", 0, time);
        for (size_t band = 0; band < GM_BANDS; band++) {
            held[band] += truth >= edges.lower[band] && truth <= edges.upper[band];
        }
    }
    expect_near(held[GM_BAND_50] / TIMES, 0.5, 0.01);
    expect_near(held[GM_BAND_90] / TIMES, 0.9, 0.006);
}

static void a_reading_scatters_by_lanes_and_noise(void **state)
{
    (void)state;
    double lanes[LANES], members[LANES];
    even_lanes(lanes, LANES, 3.0);
    gm_band_forecast forecast = { .lanes = lanes, .count = LANES, .noise = 4.0 };
    gm_band_edges edges = gm_band_edges_of(&forecast);
    for (size_t band = 0; band < GM_BANDS; band++) {
        expect_near(edges.upper[band], 5.0 * normal_of[band], 0.05);
        expect_near(edges.lower[band], -5.0 * normal_of[band], 0.05);
    }
    gm_band_members(&forecast, members);
    for (size_t lane = 0; lane < LANES; lane++) {
        expect_near(members[lane], 5.0 / 3.0 * lanes[lane], 1e-9);
    }
}

static void lanes_that_agree_leave_the_noise(void **state)
{
    (void)state;
    double lanes[3] = { 7.0, 7.0, 7.0 };
    gm_band_forecast forecast = { .lanes = lanes, .count = 3, .noise = 0.5 };
    gm_band_edges edges = gm_band_edges_of(&forecast);
    for (size_t band = 0; band < GM_BANDS; band++) {
        expect_near(edges.lower[band], 7.0 - 0.5 * normal_of[band], 1e-12);
        expect_near(edges.upper[band], 7.0 + 0.5 * normal_of[band], 1e-12);
    }
    forecast.count = 1;
    double work[1];
    gm_band_verdict verdict = gm_band_judge(&forecast, 7.25, work);
    expect_near(verdict.crps, 0.25, 1e-12);
    expect_near(verdict.inside[GM_BAND_50], 1.0, 0.0);
}

static void bands_are_nested_whatever_is_corrected(void **state)
{
    (void)state;
    double lanes[LANES], members[LANES];
    for (uint64_t time = 0; time < 500; time++) {
        draw_lanes(lanes, LANES, 1.0, time);
        gm_band_forecast forecast = { .lanes = lanes, .count = 1 + time % LANES, .noise = 0.1 };
        for (uint32_t band = 0; band < GM_BANDS; band++) {
            forecast.corrections.of[band] = fmax(draw("correction", band, time), -0.8);
        }
        gm_band_edges edges = gm_band_edges_of(&forecast);
        assert_true(edges.lower[GM_BAND_90] <= edges.lower[GM_BAND_50]);
        assert_true(edges.lower[GM_BAND_50] <= edges.median);
        assert_true(edges.median <= edges.upper[GM_BAND_50]);
        assert_true(edges.upper[GM_BAND_50] <= edges.upper[GM_BAND_90]);
        gm_band_members(&forecast, members);
        for (size_t lane = 1; lane < forecast.count; lane++) {
            assert_true(members[lane] >= members[lane - 1]);
        }
    }
}

static void a_truth_scores_the_correction_that_just_holds_it(void **state)
{
    (void)state;
    double lanes[LANES];
    draw_lanes(lanes, LANES, 1.0, 3);
    for (uint64_t time = 0; time < 200; time++) {
        gm_band_memory memory = { 0 };
        gm_band_forecast forecast = { .lanes = lanes, .count = LANES, .noise = 0.3 };
        double reading = 2.0 * draw("reading", 0, time);
        gm_band_learn(&memory, &forecast, reading, 1.0);
        for (gm_band band = 0; band < GM_BANDS; band++) {
            forecast.corrections.of[GM_BAND_50] = memory.scores[band][0];
            forecast.corrections.of[GM_BAND_90] = memory.scores[band][0];
            gm_band_edges edges = gm_band_edges_of(&forecast);
            double edge = reading > edges.median ? edges.upper[band] : edges.lower[band];
            expect_near(edge, reading, 1e-9);
        }
    }
}

/// A model and what it does not know.
typedef struct story {
    double spread;     // of its lanes
    double noise;      // of the gauge, as declared
    double truth;      // deviation of the true value
    double real_noise; // of the gauge
} story;

typedef struct outcome {
    double truth[GM_BANDS], reading[GM_BANDS]; // shares inside
    double crps, raw_crps;
    gm_band_corrections last;
} outcome;

/// Forecasts and truths in turn, none overlapping; shares are counted from the first on.
static outcome live(const story *told, size_t truths)
{
    gm_band_memory memory = { 0 };
    outcome out = { 0 };
    double lanes[LANES], work[LANES], part = 1.0 / (double)truths;
    for (uint64_t time = 0; time < truths; time++) {
        draw_lanes(lanes, LANES, told->spread, time);
        gm_band_forecast raw = { .lanes = lanes, .count = LANES, .noise = told->noise };
        gm_band_forecast forecast = raw;
        for (gm_band band = 0; band < GM_BANDS; band++) {
            forecast.corrections.of[band] = gm_band_correction(&memory, band, 0.0);
        }
        double truth = told->truth * draw("truth", 0, time);
        double reading = truth + told->real_noise * draw("noise", 0, time);
        gm_band_verdict verdict = gm_band_judge(&forecast, reading, work);
        gm_band_forecast quiet = forecast;
        quiet.noise = 0.0;
        gm_band_edges edges = gm_band_edges_of(&quiet);
        for (size_t band = 0; band < GM_BANDS; band++) {
            out.reading[band] += part * verdict.inside[band];
            out.truth[band] +=
                truth >= edges.lower[band] && truth <= edges.upper[band] ? part : 0.0;
        }
        out.crps += part * verdict.crps;
        out.raw_crps += part * gm_band_judge(&raw, reading, work).crps;
        out.last = forecast.corrections;
        gm_band_learn(&memory, &raw, reading, 1.0);
    }
    return out;
}

static void expect_readings(const outcome *out)
{
    print_message("readings %.3f %.3f, truths %.3f %.3f, crps %.4f, raw %.4f\n", out->reading[0],
                  out->reading[1], out->truth[0], out->truth[1], out->crps, out->raw_crps);
    expect_near(out->reading[GM_BAND_50], 0.5, 0.03);
    expect_near(out->reading[GM_BAND_90], 0.9, 0.02);
}

static void a_right_model_is_left_alone(void **state)
{
    (void)state;
    outcome out = live(&(story){ 1.0, 0.5, 1.0, 0.5 }, TRUTHS);
    expect_readings(&out);
    expect_near(out.truth[GM_BAND_50], 0.5, 0.03);
    expect_near(out.truth[GM_BAND_90], 0.9, 0.02);
    assert_true(out.crps < 1.001 * out.raw_crps);
}

static void bands_are_right_from_the_first_truth_on(void **state)
{
    (void)state;
    // lanes far narrower than the gauge's noise
    outcome out = live(&(story){ 0.2, 1.0, 0.2, 1.0 }, 60);
    assert_true(out.reading[GM_BAND_90] > 0.8);
    assert_true(out.truth[GM_BAND_90] > 0.8);
    assert_true(out.crps < 1.01 * out.raw_crps);
}

static void an_error_that_the_model_does_not_know_is_learned(void **state)
{
    (void)state;
    outcome out = live(&(story){ 0.3, 0.2, 1.0, 0.2 }, TRUTHS);
    expect_readings(&out);
    expect_near(out.truth[GM_BAND_90], 0.9, 0.02);
    expect_near(out.last.of[GM_BAND_90], sqrt(1.0 - 0.3 * 0.3), 0.15);
    assert_true(out.crps < 0.97 * out.raw_crps);
}

static void lanes_too_wide_are_narrowed(void **state)
{
    (void)state;
    outcome out = live(&(story){ 3.0, 0.1, 1.0, 0.1 }, TRUTHS);
    expect_readings(&out);
    expect_near(out.last.of[GM_BAND_90], 1.0 / 3.0 - 1.0, 0.1);
    assert_true(out.crps < 0.95 * out.raw_crps);
}

static void a_gauge_noisier_or_calmer_than_declared_still_reads_inside(void **state)
{
    (void)state;
    outcome noisy = live(&(story){ 0.5, 0.5, 0.5, 1.5 }, TRUTHS);
    outcome calm = live(&(story){ 0.1, 1.0, 0.1, 0.3 }, TRUTHS);
    expect_readings(&noisy);
    expect_readings(&calm);
    assert_true(calm.crps < 0.97 * calm.raw_crps);
}

static void one_miss_proves_nothing_and_many_do(void **state)
{
    (void)state;
    double lanes[LANES];
    even_lanes(lanes, LANES, 1.0);
    gm_band_forecast forecast = { .lanes = lanes, .count = LANES };
    gm_band_memory memory = { 0 };
    expect_near(gm_band_correction(&memory, GM_BAND_90, 0.7), 0.7, 0.0);
    gm_band_learn(&memory, &forecast, 1.0, 1.0);
    expect_near(gm_band_correction(&memory, GM_BAND_90, 0.0), 0.0, 0.0);
    for (size_t time = 0; time < 20; time++) {
        gm_band_learn(&memory, &forecast, 10.0, 1.0);
    }
    expect_near(gm_band_correction(&memory, GM_BAND_90, 0.0), 5.9, 0.3);
    // the same misses, of forecasts that overlap almost wholly, are one miss told often
    gm_band_memory told = { 0 };
    for (size_t time = 0; time < 20; time++) {
        gm_band_learn(&told, &forecast, 1.0, 1.0);
    }
    for (size_t time = 0; time < 4; time++) {
        gm_band_learn(&told, &forecast, 10.0, 0.01);
    }
    expect_near(gm_band_correction(&told, GM_BAND_90, 0.0), 0.0, 0.0);
}

static void memory_reaches_back_as_it_fills(void **state)
{
    (void)state;
    double lane = 0.0;
    gm_band_forecast forecast = { .lanes = &lane, .count = 1 };
    gm_band_memory memory = { 0 };
    double before = -1.0;
    for (size_t time = 0; time < 2 * GM_BAND_SCORES; time++) {
        double spacing = gm_band_spacing(&memory);
        assert_true(spacing >= before && spacing <= 1.0);
        before = spacing;
        gm_band_learn(&memory, &forecast, time < GM_BAND_SCORES ? 5.0 : 0.0, 1.0);
    }
    expect_near(gm_band_spacing(&memory), 1.0, 0.0);
    // what was before the ring's oldest is forgotten
    expect_near(gm_band_correction(&memory, GM_BAND_90, 0.0), 0.0, 0.0);
}

static void a_change_is_followed_sooner_than_the_past_is_forgotten(void **state)
{
    (void)state;
    double lanes[LANES];
    even_lanes(lanes, LANES, 1.0);
    gm_band_forecast forecast = { .lanes = lanes, .count = LANES };
    gm_band_memory memory = { 0 };
    for (uint64_t time = 0; time < 200; time++) {
        gm_band_learn(&memory, &forecast, draw("truth", 0, time), 1.0);
    }
    expect_near(gm_band_correction(&memory, GM_BAND_90, 0.0), 0.0, 0.05);
    for (uint64_t time = 200; time < 232; time++) {
        gm_band_learn(&memory, &forecast, 4.0 * draw("truth", 0, time), 1.0);
    }
    // of 232 truths no more than 14 % are of the new kind: they are what counts
    expect_near(gm_band_correction(&memory, GM_BAND_90, 0.0), sqrt(15.0), 1.5);
}

static void the_fair_score_does_not_ask_how_many_lanes(void **state)
{
    (void)state;
    double lanes[LANES], work[LANES], fair[2] = { 0 }, plain[2] = { 0 };
    for (uint64_t time = 0; time < TRUTHS; time++) {
        double reading = draw("truth", 0, time) + 0.5 * draw("noise", 0, time);
        for (size_t which = 0; which < 2; which++) {
            size_t count = which == 0 ? 16 : LANES;
            draw_lanes(lanes, count, 1.0, time);
            gm_band_forecast forecast = { .lanes = lanes, .count = count, .noise = 0.5 };
            gm_band_verdict verdict = gm_band_judge(&forecast, reading, work);
            fair[which] += verdict.crps_fair / TRUTHS;
            plain[which] += verdict.crps / TRUTHS;
        }
    }
    // a normal forecast of a normal truth: sqrt(1 + 0.5^2) / sqrt(pi)
    expect_near(fair[1], sqrt(1.25 / 3.14159265358979), 0.015);
    expect_near(fair[0], fair[1], 0.01);
    assert_true(plain[0] > 1.01 * plain[1]);
    draw_lanes(lanes, LANES, 1.0, 1);
    gm_band_forecast alone = { .lanes = lanes, .count = LANES };
    expect_near(gm_band_judge(&alone, 0.3, work).crps_fair, gm_crps_fair(lanes, LANES, 0.3), 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_further_draw_lies_inside_as_often_as_said),
        cmocka_unit_test(a_reading_scatters_by_lanes_and_noise),
        cmocka_unit_test(lanes_that_agree_leave_the_noise),
        cmocka_unit_test(bands_are_nested_whatever_is_corrected),
        cmocka_unit_test(a_truth_scores_the_correction_that_just_holds_it),
        cmocka_unit_test(a_right_model_is_left_alone),
        cmocka_unit_test(bands_are_right_from_the_first_truth_on),
        cmocka_unit_test(an_error_that_the_model_does_not_know_is_learned),
        cmocka_unit_test(lanes_too_wide_are_narrowed),
        cmocka_unit_test(a_gauge_noisier_or_calmer_than_declared_still_reads_inside),
        cmocka_unit_test(one_miss_proves_nothing_and_many_do),
        cmocka_unit_test(memory_reaches_back_as_it_fills),
        cmocka_unit_test(a_change_is_followed_sooner_than_the_past_is_forgotten),
        cmocka_unit_test(the_fair_score_does_not_ask_how_many_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
