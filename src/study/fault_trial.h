// Faults on trial: a shed whose truth is known (shed_plant.h) is followed by the serial square-root
// filter; something fails; every few cycles all explanations of what was read are weighed against
// each other (assim/diagnosis.h).
//
// A judgement takes the filter's mean of 200 cycles ago, runs the model on from there by itself,
// and weighs what the thermometers read since against it: every fault of every sensor, every pair
// swapped, every conductance and capacity changed, a source of heat at every body, and smooth
// deviations of several sensors that nothing of these explains. Faults may have begun up to 112
// cycles ago. An alarm is a judgement by which it is all but certain that something happened. How
// residuals of a healthy shed behave is learned in one life before all trials.
#ifndef GEMEL_STUDY_FAULT_TRIAL_H
#define GEMEL_STUDY_FAULT_TRIAL_H

#include <gemel/status.h>

#include "assim/diagnosis.h"
#include "assim/evidence.h"
#include "study/shed_plant.h"

/// What all trials share. Plain value, const after gm_fault_bench_open; any thread may use it.
typedef struct gm_fault_bench {
    gm_shed shed; // as it is modelled
    gm_shed_step step;
    gm_shed truth; // as it is
    gm_shed_step true_step;
    gm_residual_model models[GM_SHED_SENSORS]; // of healthy sensors
    gm_diagnosis_rule rule;
    double doubt; // by which constants of the model may be off; standard deviation of the logarithm
    double alarm; // probability of "nothing happened" below which it is an alarm
} gm_fault_bench;

/// What goes wrong. Which sensor, element or sign: by the seed.
typedef struct gm_fault_setting {
    gm_explanation_class fault; // GM_EXPLAINED_HEALTHY: nothing
    bool hidden; // where readings hardly tell: a swap of two sensors of one body; in still weather
                 // a loss to the open changed, or a source at a body that has one
    uint64_t seed;
    size_t cycles; // after the onset, >= 1; of a healthy life: in all
} gm_fault_setting;

/// What became of it.
typedef struct gm_fault_outcome {
    gm_diagnosis_verdict verdict; // the last; GM_DIAGNOSIS_NONE: it was no alarm
    gm_explanation_class class;   // told by it; GM_EXPLAINED_HEALTHY without an alarm
    bool subject;                 // it names the right sensors or element
    size_t delay;                 // cycles from the onset to the first alarm; 0: there was none
    size_t alarms;                // of a healthy life, each counted once while it lasts
    char text[512];               // the sentence
} gm_fault_outcome;

/// What became of many. Plain value; start with zeros.
typedef struct gm_fault_tally {
    size_t trials;
    size_t told[GM_EXPLAINED_CLASSES]; // by the class that the last verdict tells
    size_t untold;                     // alarms whose last verdict cannot tell
    size_t subjects;                   // right class and right sensors or element
    size_t alarmed;                    // trials with an alarm since the onset
    double delay_sum;                  // of these
    size_t alarms;                     // false ones
} gm_fault_tally;

/// Learns how residuals behave, in a life of its own.
/// @param scatter  by which the truth's constants are off the model's: standard deviation of the
///                 logarithm, 0 .. 1
/// @return GM_INVALID (scatter), GM_MEMORY
gm_status gm_fault_bench_open(gm_fault_bench *bench, uint64_t seed, double scatter,
                              gm_error *error);

/// One life.
/// @return GM_INVALID (fault, cycles), GM_MEMORY
gm_status gm_fault_trial_run(const gm_fault_bench *bench, const gm_fault_setting *setting,
                             gm_fault_outcome *outcome, gm_error *error);

/// Counts an outcome.
void gm_fault_tally_add(gm_fault_tally *tally, gm_explanation_class fault,
                        const gm_fault_outcome *outcome);

/// Lives of seeds setting->seed and on, one each.
/// @param tally  added to
gm_status gm_fault_trial_many(const gm_fault_bench *bench, const gm_fault_setting *setting,
                              size_t count, gm_fault_tally *tally, gm_error *error);

#endif
