// Is the right thing blamed? Faults are played in a shed whose truth is known (fault_trial.h), 200
// of each, and every life's last verdict within 100 cycles of the onset counts. Settings were
// chosen on other seeds.
#include <stdio.h>

#include "study/fault_trial.h"
#include "study/validation.h"

enum { TRIALS = 200, CYCLES = 100, HEALTHY_LIVES = 30, HEALTHY_CYCLES = 1000 };
enum { SHEDS = 30, FIRST_SHED = 301 }; // off their model
enum { BENCH_SEED = 9, FIRST_SEED = 7001, SEEDS_APART = 1000 };

static const double scatter = 0.02; // of a shed off its model

static const char source[] = "a shed's own model under faults played";

static void add(gm_validation_report *report, const char *fault, const char *what,
                gm_validation_number number)
{
    snprintf(number.what, sizeof number.what, "%.20s: %.60s", fault, what);
    snprintf(number.unit, sizeof number.unit, "1");
    gm_validation_add(report, &number);
}

static gm_validation_number told_only(double got)
{
    return (gm_validation_number){ .relation = GM_REPORTED, .got = got };
}

static gm_validation_number at_least(double expected, double got)
{
    return (gm_validation_number){ .relation = GM_AT_LEAST, .expected = expected, .got = got };
}

static gm_validation_number at_most(double expected, double got)
{
    return (gm_validation_number){ .relation = GM_AT_MOST, .expected = expected, .got = got };
}

static gm_status play_many(const gm_fault_bench *bench, gm_explanation_class fault, bool hidden,
                           gm_fault_tally *tally, gm_error *error)
{
    const gm_fault_setting setting = {
        .fault = fault,
        .hidden = hidden,
        .seed = FIRST_SEED + SEEDS_APART * ((uint64_t)fault + (hidden ? 20 : 0)),
        .cycles = CYCLES,
    };
    return gm_fault_trial_many(bench, &setting, TRIALS, tally, error);
}

/// One row of the confusion table.
static void judge(gm_explanation_class fault, const gm_fault_tally *tally,
                  gm_validation_report *report)
{
    const char *name = gm_explanation_class_name(fault);
    double trials = (double)tally->trials;
    add(report, name, "right class", at_least(0.9, (double)tally->told[fault] / trials));
    add(report, name, "and the right sensor or element",
        told_only((double)tally->subjects / trials));
    if (tally->untold > 0) {
        add(report, name, "cannot tell", told_only((double)tally->untold / trials));
    }
    for (gm_explanation_class other = 1; other < GM_EXPLAINED_CLASSES; other++) {
        if (other != fault && tally->told[other] > 0) {
            char what[40];
            snprintf(what, sizeof what, "taken for %.20s", gm_explanation_class_name(other));
            add(report, name, what, told_only((double)tally->told[other] / trials));
        }
    }
    add(report, name, "cycles to the first alarm",
        told_only(tally->delay_sum / (double)tally->alarmed));
}

/// Where readings hardly tell, a wrong answer is worse than none.
static void judge_hidden(gm_explanation_class fault, const gm_fault_tally *tally,
                         gm_validation_report *report)
{
    const char *name = gm_explanation_class_name(fault);
    double trials = (double)tally->trials;
    size_t right = tally->told[fault] + tally->untold;
    right += fault == GM_EXPLAINED_SWAPPED ? tally->told[GM_EXPLAINED_HEALTHY] : 0;
    add(report, name, "hardly seen: cannot tell", told_only((double)tally->untold / trials));
    add(report, name, "hardly seen: wrong answers",
        at_most(0.1, (trials - (double)right) / trials));
}

static gm_status play_healthy(const gm_fault_bench *bench, size_t lives, gm_fault_tally *tally,
                              gm_error *error)
{
    const gm_fault_setting healthy = { .fault = GM_EXPLAINED_HEALTHY,
                                       .seed = FIRST_SEED,
                                       .cycles = HEALTHY_CYCLES };
    return gm_fault_trial_many(bench, &healthy, lives, tally, error);
}

/// Sheds whose constants the model knows to 2 %: nothing is demanded.
static gm_status play_scattered(gm_validation_report *report, gm_error *error)
{
    gm_status status = GM_OK;
    gm_fault_tally healthy = { 0 };
    double right = 0.0, wrong = 0.0, played = 0.0;
    for (uint64_t shed = FIRST_SHED; status == GM_OK && shed < FIRST_SHED + SHEDS; shed++) {
        gm_fault_bench bench;
        status = gm_fault_bench_open(&bench, shed, scatter, error);
        for (gm_explanation_class fault = GM_EXPLAINED_BIAS;
             status == GM_OK && fault < GM_EXPLAINED_CLASSES; fault++) {
            const gm_fault_setting setting = { .fault = fault, .seed = shed, .cycles = CYCLES };
            gm_fault_tally tally = { 0 };
            status = gm_fault_trial_many(&bench, &setting, 1, &tally, error);
            played += 1.0;
            right += (double)tally.told[fault];
            wrong += (double)(tally.trials - tally.told[fault] - tally.untold -
                              tally.told[GM_EXPLAINED_HEALTHY]);
        }
        if (status == GM_OK) {
            status = play_healthy(&bench, 1, &healthy, error);
        }
    }
    if (status == GM_OK) {
        double alarms = (double)healthy.alarms;
        add(report, "model 2 % off", "right class", told_only(right / played));
        add(report, "model 2 % off", "wrong class", told_only(wrong / played));
        add(report, "model 2 % off", "false alarms in 30,000 cycles", told_only(alarms));
    }
    return status;
}

static gm_status run(const gm_validation_context *context, gm_validation_report *report,
                     gm_error *error)
{
    (void)context;
    gm_fault_bench bench;
    gm_status status = gm_fault_bench_open(&bench, BENCH_SEED, 0.0, error);
    for (gm_explanation_class fault = GM_EXPLAINED_BIAS;
         status == GM_OK && fault < GM_EXPLAINED_CLASSES; fault++) {
        gm_fault_tally tally = { 0 };
        status = play_many(&bench, fault, false, &tally, error);
        if (status == GM_OK) {
            judge(fault, &tally, report);
        }
    }
    for (gm_explanation_class fault = GM_EXPLAINED_SWAPPED;
         status == GM_OK && fault < GM_EXPLAINED_CLASSES; fault++) {
        gm_fault_tally tally = { 0 };
        status = play_many(&bench, fault, true, &tally, error);
        if (status == GM_OK) {
            judge_hidden(fault, &tally, report);
        }
    }
    if (status == GM_OK) {
        gm_fault_tally tally = { 0 };
        status = play_healthy(&bench, HEALTHY_LIVES, &tally, error);
        add(report, "healthy", "false alarms in 30,000 cycles", at_most(3, (double)tally.alarms));
    }
    return status == GM_OK ? play_scattered(report, error) : status;
}

const gm_validation_case gm_validation_faults = {
    .name = "a shed: 200 faults of every kind",
    .domain = "faults",
    .source = source,
    .run = run,
};
