// One judgement of a fault trial: what is behind the last 200 cycles of a shed (fault_trial.h).
//
// Changes of the plant are played: the model runs again with the change begun at each of sixteen
// times, the difference to the run without it, in units of the change, is its response, and all
// sensors together say how large it was and how likely. What is likely at all is played again at
// every cycle around the likeliest time, with the size found.
#ifndef GEMEL_STUDY_FAULT_JUDGE_H
#define GEMEL_STUDY_FAULT_JUDGE_H

#include "assim/sensor_faults.h"
#include "study/fault_trial.h"

enum {
    GM_FAULT_WINDOW = 200,     // cycles looked at
    GM_FAULT_JUDGE_EVERY = 10, // cycles
    GM_FAULT_CONSTANTS = GM_SHED_PATHS + GM_SHED_NODES,
    GM_FAULT_SUSPECTS = GM_FAULT_CONSTANTS + GM_SHED_NODES, // then a source at every body
    GM_FAULT_PAIRS = GM_SHED_SENSORS * (GM_SHED_SENSORS - 1) / 2,
    // healthy, faults, pairs, suspects, smooth deviations
    GM_FAULT_EXPLANATIONS =
        1 + GM_SHED_SENSORS * (GM_SENSOR_FAULTS - 1) + GM_FAULT_PAIRS + GM_FAULT_SUSPECTS + 1,
};

/// What is remembered of one cycle.
typedef struct gm_fault_record {
    gm_shed_drive drive; // since the cycle before
    double readings[GM_SHED_SENSORS];
    double mean[GM_SHED_NODES]; // the filter's
} gm_fault_record;

/// Who an explanation is about: sensors, or the suspect; a source's body.
typedef struct gm_fault_names {
    size_t subject, partner;
} gm_fault_names;

typedef struct gm_fault_judgement {
    gm_explanation explanations[GM_FAULT_EXPLANATIONS];
    gm_fault_names names[GM_FAULT_EXPLANATIONS];
    size_t count;
    gm_diagnosis diagnosis;
    bool alarm;
} gm_fault_judgement;

/// When a cycle ends.
int64_t gm_fault_time_ns(size_t cycle);

/// The conductance or capacity that a suspect is. @param suspect < GM_FAULT_CONSTANTS
double *gm_fault_constant(gm_shed *shed, size_t suspect);

/// A sensor's readings up to now, and what the model, run on from 200 cycles ago, expects there.
/// @param now       cycle, >= GM_FAULT_WINDOW
/// @param readings  out, [GM_FAULT_WINDOW]
void gm_fault_free_run(const gm_fault_bench *bench, const gm_fault_record *records, size_t now,
                       size_t sensor, gm_fault_reading *readings);

/// Weighs everything.
/// @param records  [now + 1]
/// @return as gm_diagnose
gm_status gm_fault_judge(const gm_fault_bench *bench, const gm_fault_record *records, size_t now,
                         gm_fault_judgement *judged, gm_error *error);

#endif
