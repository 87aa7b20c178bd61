// The trial of diagnoses: the shed's equations, a few lives of every fault, and its bookkeeping.
// 200 lives of each are compared by `gemel validate faults`.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "study/fault_judge.h"
#include "study/fault_trial.h"

enum { LIVES = 3 };

static gm_fault_bench bench_of(void)
{
    gm_fault_bench bench;
    assert_int_equal(gm_fault_bench_open(&bench, 5, 0.0, NULL), GM_OK);
    return bench;
}

// ---- the shed ----

static void heat_is_conserved(void **state)
{
    (void)state;
    gm_shed shed = gm_default_shed();
    shed.conductance[2] = shed.conductance[4] = 0.0; // nothing leaves
    gm_shed_step step = gm_shed_step_of(&shed);
    gm_shed_drive drive = { .power = { 100.0, 0.0, 30.0, -20.0 }, .weather = 250.0 };
    double at[GM_SHED_NODES] = { 320.0, 300.0, 290.0, 280.0 }, heat = 0.0;
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        heat -= shed.capacity[node] * at[node];
    }
    for (size_t cycle = 0; cycle < 50; cycle++) {
        gm_shed_advance(&step, &drive, at);
    }
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        heat += shed.capacity[node] * at[node];
    }
    assert_true(fabs(heat / (50.0 * GM_SHED_CYCLE_S * 110.0) - 1.0) < 1e-6);
}

static void a_shed_left_alone_takes_on_the_weather(void **state)
{
    (void)state;
    const gm_shed shed = gm_default_shed();
    gm_shed_step step = gm_shed_step_of(&shed);
    const gm_shed_drive drive = { .weather = 270.0 };
    double at[GM_SHED_NODES] = { 270.0, 270.0, 270.0, 270.0 };
    gm_shed_advance(&step, &drive, at);
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        assert_true(fabs(at[node] - 270.0) < 1e-9);
        at[node] = 320.0;
    }
    for (size_t cycle = 0; cycle < 5000; cycle++) {
        gm_shed_advance(&step, &drive, at);
    }
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        assert_true(fabs(at[node] - 270.0) < 0.01);
    }
}

// ---- lives ----

static void every_fault_is_told_apart(void **state)
{
    (void)state;
    const gm_fault_bench bench = bench_of();
    for (gm_explanation_class fault = GM_EXPLAINED_BIAS; fault < GM_EXPLAINED_CLASSES; fault++) {
        gm_fault_tally tally = { 0 };
        const gm_fault_setting setting = { .fault = fault, .seed = 300, .cycles = 100 };
        assert_int_equal(gm_fault_trial_many(&bench, &setting, LIVES, &tally, NULL), GM_OK);
        assert_int_equal(tally.trials, LIVES);
        assert_int_equal(tally.alarms, 0);
        if (tally.told[fault] + 1 < LIVES || tally.subjects + 1 < LIVES) {
            fail_msg("%s: %zu of %d", gm_explanation_class_name(fault), tally.told[fault], LIVES);
        }
        assert_true(tally.delay_sum <= 100.0 * (double)tally.alarmed);
    }
}

static void a_healthy_shed_raises_no_alarm(void **state)
{
    (void)state;
    const gm_fault_bench bench = bench_of();
    const gm_fault_setting setting = { .fault = GM_EXPLAINED_HEALTHY, .seed = 300, .cycles = 400 };
    gm_fault_outcome outcome;
    assert_int_equal(gm_fault_trial_run(&bench, &setting, &outcome, NULL), GM_OK);
    assert_int_equal(outcome.alarms, 0);
    assert_int_equal(outcome.class, GM_EXPLAINED_HEALTHY);
    assert_int_equal(outcome.verdict, GM_DIAGNOSIS_NONE);
}

static void what_leaves_no_trace_is_not_told(void **state)
{
    (void)state;
    const gm_fault_bench bench = bench_of();
    const gm_fault_setting setting = {
        .fault = GM_EXPLAINED_SWAPPED, .hidden = true, .seed = 300, .cycles = 100
    };
    gm_fault_tally tally = { 0 };
    assert_int_equal(gm_fault_trial_many(&bench, &setting, LIVES, &tally, NULL), GM_OK);
    assert_int_equal(tally.told[GM_EXPLAINED_HEALTHY] + tally.untold, LIVES);
}

static void in_still_weather_doubt_is_told(void **state)
{
    (void)state;
    const gm_fault_bench bench = bench_of();
    const gm_fault_setting setting = {
        .fault = GM_EXPLAINED_PLANT, .hidden = true, .seed = 300, .cycles = 100
    };
    gm_fault_tally tally = { 0 };
    assert_int_equal(gm_fault_trial_many(&bench, &setting, 2 * LIVES, &tally, NULL), GM_OK);
    assert_true(tally.untold >= 1);
    assert_true(tally.told[GM_EXPLAINED_PLANT] + tally.untold + 1 >= 2 * LIVES);
}

static void the_same_seed_is_the_same_life(void **state)
{
    (void)state;
    const gm_fault_bench bench = bench_of();
    const gm_fault_setting setting = { .fault = GM_EXPLAINED_BIAS, .seed = 12, .cycles = 60 };
    gm_fault_outcome outcomes[2];
    for (size_t time = 0; time < 2; time++) {
        assert_int_equal(gm_fault_trial_run(&bench, &setting, &outcomes[time], NULL), GM_OK);
    }
    assert_string_equal(outcomes[0].text, outcomes[1].text);
    assert_int_equal(outcomes[0].delay, outcomes[1].delay);
    assert_non_null(strstr(outcomes[0].text, "sensor "));
}

static void settings_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    const gm_fault_bench bench = bench_of();
    for (size_t kind = 0; kind < 3; kind++) {
        const gm_fault_setting setting = { .fault =
                                               kind == 0 ? GM_EXPLAINED_NONE : GM_EXPLAINED_BIAS,
                                           .seed = 1,
                                           .cycles = kind == 1   ? 0
                                                     : kind == 2 ? 1000000
                                                                 : 10 };
        gm_fault_outcome outcome = { .delay = 77 };
        gm_fault_tally tally = { .trials = 77 };
        gm_error error = { 0 };
        assert_int_equal(gm_fault_trial_run(&bench, &setting, &outcome, &error), GM_INVALID);
        assert_true(error.text[0] != '\0' && outcome.delay == 77);
        assert_int_equal(gm_fault_trial_many(&bench, &setting, 2, &tally, NULL), GM_INVALID);
        assert_int_equal(tally.trials, 77);
    }
}

static void sheds_off_their_model_have_larger_errors(void **state)
{
    (void)state;
    const gm_fault_bench exact = bench_of();
    gm_fault_bench off, refused = { .alarm = 77.0 };
    assert_int_equal(gm_fault_bench_open(&off, 5, 0.05, NULL), GM_OK);
    for (size_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
        assert_true(off.models[sensor].error > exact.models[sensor].error);
    }
    assert_int_equal(gm_fault_bench_open(&refused, 5, -0.1, NULL), GM_INVALID);
    assert_int_equal(gm_fault_bench_open(&refused, 5, (double)NAN, NULL), GM_INVALID);
    assert_true(refused.alarm == 77.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heat_is_conserved),
        cmocka_unit_test(a_shed_left_alone_takes_on_the_weather),
        cmocka_unit_test(every_fault_is_told_apart),
        cmocka_unit_test(a_healthy_shed_raises_no_alarm),
        cmocka_unit_test(what_leaves_no_trace_is_not_told),
        cmocka_unit_test(in_still_weather_doubt_is_told),
        cmocka_unit_test(the_same_seed_is_the_same_life),
        cmocka_unit_test(sheds_off_their_model_have_larger_errors),
        cmocka_unit_test(settings_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
