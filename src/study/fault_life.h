// A fault in the life of a live twin: the devices of a world are played (study/device_plant.h),
// after a while something fails, and what the twin's own inquiries say of it (docs/diagnosis.md) is
// held against what was done. The last answer counts.
//
// Which sensor, element or sign, and at which hour: by the seed. Sizes of sensors' faults are in
// units of their noise: a bias of 3, a drift to 6 by the end, spikes of 12 in one reading of ten,
// noise doubled.
#ifndef GEMEL_STUDY_FAULT_LIFE_H
#define GEMEL_STUDY_FAULT_LIFE_H

#include "assim/diagnosis.h"
#include "study/fault_trial.h"
#include "study/twin_trial.h"

/// How a life is led. Plain value; arrays are the caller's.
typedef struct gm_fault_life {
    const gm_world *world;
    uint64_t seed;
    int64_t start_ns;    // the day on which it begins, at a whole hour
    const gm_ref *plant; // [plant_count] fields that a change of the plant multiplies
    size_t plant_count;
    double plant_times;
    const gm_ref *input; // [input_count] inputs that something unknown adds to
    size_t input_count;
    double input_add;           // SI
    gm_explanation_class fault; // GM_EXPLAINED_HEALTHY: nothing
    size_t settle_cycles;       // before the fault
    size_t cycles;              // since then, >= 1
} gm_fault_life;

/// What became of it.
typedef struct gm_fault_told {
    char what[300];           // sensor, sensors or address that failed
    gm_fault_outcome outcome; // `alarms`: innovation events while nothing had failed and, of a
                              // healthy life, all behind settling
} gm_fault_told;

/// Leads it.
/// @return GM_INVALID (no sensors, fields or cycles to choose from), GM_MEMORY, what the twin
/// returns
gm_status gm_fault_life_lead(const gm_fault_life *life, gm_fault_told *told, gm_error *error);

#endif
