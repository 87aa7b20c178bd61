// The trial itself: its models, its bookkeeping, and that filters keep track on a few seeds. All
// published scores are compared by `gemel validate lorenz`.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "study/lorenz_trial.h"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

static gm_lorenz_setting short_96(void)
{
    gm_lorenz_setting made = gm_lorenz_96();
    made.analyses = 500;
    return made;
}

// ---- models ----

static void states_of_rest_stay(void **state)
{
    (void)state;
    gm_lorenz_setting setting = gm_lorenz_63();
    double root = sqrt(8.0 / 3.0 * 27.0), rest[40] = { root, root, 27.0 }, rate[40];
    gm_lorenz_rate(&setting, rest, rate);
    for (size_t i = 0; i < 3; i++) {
        assert_near(rate[i], 0.0, 1e-12);
    }
    setting = gm_lorenz_96();
    setting.model_error = 1.0;
    for (size_t i = 0; i < 40; i++) {
        rest[i] = 9.0;
    }
    gm_lorenz_rate(&setting, rest, rate);
    for (size_t i = 0; i < 40; i++) {
        assert_near(rate[i], 0.0, 1e-12);
    }
}

/// The state after a time of 0.2 in so many steps.
static void run_96(size_t steps, double values[40])
{
    gm_lorenz_setting setting = gm_lorenz_96();
    setting.step = 0.2 / (double)steps;
    setting.steps = steps;
    for (size_t i = 0; i < 40; i++) {
        values[i] = 3.0 * sin((double)(i * i));
    }
    gm_lorenz_advance(&setting, values, 1);
}

static void steps_are_of_order_four(void **state)
{
    (void)state;
    double exact[40], coarse[40], fine[40], errors[2] = { 0 };
    run_96(1000, exact);
    run_96(10, coarse);
    run_96(20, fine);
    for (size_t i = 0; i < 40; i++) {
        errors[0] += fabs(coarse[i] - exact[i]);
        errors[1] += fabs(fine[i] - exact[i]);
    }
    assert_near(errors[0] / errors[1], 16.0, 3.0);
}

static void lanes_do_not_feel_their_neighbours(void **state)
{
    (void)state;
    enum { LANES = 13 };
    gm_lorenz_setting setting = gm_lorenz_63();
    double values[3][LANES], one[3];
    for (size_t i = 0; i < 3; i++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            values[i][lane] = (double)(i + 1) + 0.1 * (double)lane;
        }
    }
    gm_lorenz_advance(&setting, values[0], LANES);
    for (size_t lane = 0; lane < LANES; lane++) {
        for (size_t i = 0; i < 3; i++) {
            one[i] = (double)(i + 1) + 0.1 * (double)lane;
        }
        gm_lorenz_advance(&setting, one, 1);
        for (size_t i = 0; i < 3; i++) {
            assert_true(one[i] == values[i][lane]);
        }
    }
}

// ---- bookkeeping ----

static gm_status do_nothing(void *memory, const void *settings, gm_lorenz_moment *moment,
                            gm_error *error)
{
    (void)memory;
    (void)settings;
    (void)moment;
    (void)error;
    return GM_OK;
}

static gm_status fail_at_ten(void *memory, const void *settings, gm_lorenz_moment *moment,
                             gm_error *error)
{
    (void)memory;
    (void)settings;
    return moment->index < 10 ? GM_OK : gm_error_set(error, GM_NUMERIC, "no more");
}

/// Says exactly what was measured.
static gm_status repeat_measurements(void *memory, const void *settings, gm_lorenz_moment *moment,
                                     gm_error *error)
{
    (void)memory;
    (void)settings;
    (void)error;
    for (size_t i = 0; i < moment->setting->size; i++) {
        moment->mean[i] = moment->analysis.measured[i];
    }
    *moment->spread = 0.125;
    return GM_OK;
}

static gm_lorenz_summary summary_of(const gm_lorenz_filter *filter, const void *settings,
                                    gm_lorenz_setting setting, size_t lanes)
{
    gm_lorenz_trial trial = { .setting = setting,
                              .filter = filter,
                              .settings = settings,
                              .lanes = lanes,
                              .starts_at_mean = lanes == 1 };
    gm_lorenz_summary summary = { 0 };
    assert_int_equal(gm_lorenz_run_seeds(&trial, 4, NULL, &summary, NULL), GM_OK);
    assert_int_equal(summary.seeds, 4);
    return summary;
}

static void those_who_do_not_look_lose_track(void **state)
{
    (void)state;
    const gm_lorenz_filter blind = { .name = "blind", .analyse = do_nothing };
    const gm_lorenz_filter frail = { .name = "frail", .analyse = fail_at_ten };
    gm_lorenz_summary summary = summary_of(&blind, NULL, short_96(), 1);
    assert_int_equal(summary.lost, 4);
    assert_int_equal(summary.failed, 0);
    assert_true(isnan(summary.mean) && isnan(summary.median));
    summary = summary_of(&frail, NULL, short_96(), 5);
    assert_int_equal(summary.lost, 4);
    assert_int_equal(summary.failed, 4);
}

static void who_repeats_measurements_errs_as_they_do(void **state)
{
    (void)state;
    const gm_lorenz_filter parrot = { .name = "parrot", .analyse = repeat_measurements };
    gm_lorenz_summary summary = summary_of(&parrot, NULL, short_96(), 3);
    assert_near(summary.mean, 1.0, 0.02);
    assert_near(summary.spread, 0.125, 1e-12);
    assert_int_equal(summary.lost, 0);
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    for (size_t kind = 0; kind < 8; kind++) {
        gm_lorenz_tuning tuning = { .inflation = 1.0 };
        gm_lorenz_trial trial = { .setting = short_96(),
                                  .filter = &gm_lorenz_square_root,
                                  .settings = &tuning,
                                  .lanes = kind == 0 ? 0 : 4 };
        gm_lorenz_setting *setting = &trial.setting;
        setting->size = kind == 1 ? GM_LORENZ_SIZE_MAX + 1 : 40;
        setting->step = kind == 2 ? NAN : 0.05;
        setting->steps = kind == 3 ? 0 : 1;
        setting->stride = kind == 4 ? 0 : 1;
        setting->model = kind == 5 ? GM_LORENZ_1963 : GM_LORENZ_1996;
        setting->burn_in = kind == 6 ? 1e6 : 1.0;
        gm_error error = { 0 };
        gm_lorenz_summary summary = { .seeds = 77 };
        size_t seeds = kind == 7 ? GM_LORENZ_SEEDS_MAX + 1 : 1;
        assert_int_equal(gm_lorenz_run_seeds(&trial, seeds, NULL, &summary, &error), GM_INVALID);
        assert_true(error.text[0] != '\0');
        assert_int_equal(summary.seeds, 77);
    }
}

static void workers_do_not_change_scores(void **state)
{
    (void)state;
    gm_lorenz_tuning tuning = { .inflation = 1.04, .turns = true };
    gm_lorenz_trial trial = {
        .setting = short_96(), .filter = &gm_lorenz_square_root, .settings = &tuning, .lanes = 20
    };
    gm_lorenz_summary one, team;
    gm_workers *workers = NULL;
    assert_int_equal(gm_workers_create(3, &workers, NULL), GM_OK);
    assert_int_equal(gm_lorenz_run_seeds(&trial, 4, NULL, &one, NULL), GM_OK);
    assert_int_equal(gm_lorenz_run_seeds(&trial, 4, workers, &team, NULL), GM_OK);
    gm_workers_close(workers);
    assert_true(one.mean == team.mean && one.median == team.median && one.spread == team.spread);
}

// ---- filters ----

static void filters_keep_track(void **state)
{
    (void)state;
    const gm_lorenz_tuning turned = { .inflation = 1.04, .turns = true };
    const gm_lorenz_tuning noisy = { .inflation = 1.06 }, extended = { .inflation = 180.0 };
    gm_lorenz_summary summary = summary_of(&gm_lorenz_square_root, &turned, short_96(), 20);
    assert_true(summary.lost == 0 && summary.mean < 0.25);
    summary = summary_of(&gm_lorenz_stochastic, &noisy, short_96(), 40);
    assert_true(summary.lost == 0 && summary.mean < 0.27);
    gm_lorenz_setting setting = gm_lorenz_63();
    setting.analyses = 500;
    summary = summary_of(&gm_lorenz_extended, &extended, setting, 1);
    assert_true(summary.lost == 0 && summary.mean < 1.15);
}

static void who_is_watched_finds_the_track_again(void **state)
{
    (void)state;
    gm_lorenz_tuning tuning = { .inflation = 1.0, .turns = true };
    gm_lorenz_summary alone = summary_of(&gm_lorenz_square_root, &tuning, gm_lorenz_96(), 24);
    tuning.watched = true;
    gm_lorenz_summary watched = summary_of(&gm_lorenz_square_root, &tuning, gm_lorenz_96(), 24);
    assert_true(alone.lost >= 3);
    assert_int_equal(watched.lost, 0);
}

static void nobody_needs_to_tune(void **state)
{
    (void)state;
    const gm_lorenz_untended_setting plain = { 0 };
    gm_lorenz_setting wrong = short_96();
    wrong.model_error = 1.0;
    gm_lorenz_summary right = summary_of(&gm_lorenz_untended, &plain, short_96(), 24);
    assert_true(right.lost == 0 && right.mean < 0.23);
    gm_lorenz_summary astray = summary_of(&gm_lorenz_untended, &plain, wrong, 24);
    assert_true(astray.lost == 0 && astray.mean < 0.7);
}

static void wrong_error_variances_are_found_out(void **state)
{
    (void)state;
    const gm_lorenz_untended_setting told = { .declared_noise = 4.0 };
    const gm_lorenz_untended_setting learns = { .declared_noise = 4.0, .learns_noise = true };
    gm_lorenz_summary without = summary_of(&gm_lorenz_untended, &told, short_96(), 24);
    gm_lorenz_summary with = summary_of(&gm_lorenz_untended, &learns, short_96(), 24);
    assert_true(with.lost == 0 && with.mean < 0.7 * without.mean);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_of_rest_stay),
        cmocka_unit_test(steps_are_of_order_four),
        cmocka_unit_test(lanes_do_not_feel_their_neighbours),
        cmocka_unit_test(those_who_do_not_look_lose_track),
        cmocka_unit_test(who_repeats_measurements_errs_as_they_do),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
        cmocka_unit_test(workers_do_not_change_scores),
        cmocka_unit_test(filters_keep_track),
        cmocka_unit_test(who_is_watched_finds_the_track_again),
        cmocka_unit_test(nobody_needs_to_tune),
        cmocka_unit_test(wrong_error_variances_are_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
