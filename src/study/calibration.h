// Calibration: the parameters with which the model, run open loop from a recording's inputs, comes
// closest to what was measured (output-error method: Ljung, System Identification, 2nd ed., 1999,
// ch. 7).
//
// Parameters are fitted by their logarithms, so they must be positive. States start at the first
// measurements: each at its own where it is measured, else at the mean of those of its class and
// field.
#ifndef GEMEL_STUDY_CALIBRATION_H
#define GEMEL_STUDY_CALIBRATION_H

#include <gemel/twin.h>

#include "world/world_parts.h"

enum { GM_CALIBRATION_PARAMETERS_MAX = 64 };

typedef struct gm_calibration {
    const gm_world *world;
    const gm_sample *samples; // [sample_count], ascending times, raw values; drivers feed inputs,
                              // others are fitted
    size_t sample_count;
    const gm_ref *parameters; // [parameter_count] to be fitted, or set for gm_open_loop
    size_t parameter_count;
} gm_calibration;

typedef struct gm_calibration_result {
    double rmse; // over all measurements, each in its own SI unit
    size_t count, evaluations;
    bool converged;
} gm_calibration_result;

/// Fits. The start is the model's own values.
/// @param values     out, [parameter_count], SI
/// @param deviation  out, [parameter_count] relative standard errors, NAN where the data say
/// nothing; NULL to skip
/// @return GM_INVALID (no measurements, times that go back, parameters not positive or too many),
/// GM_NUMERIC, GM_MEMORY
gm_status gm_calibrate(const gm_calibration *calibration, double *values, double *deviation,
                       gm_calibration_result *result, gm_error *error);

/// Runs once with given parameters. @param values [parameter_count], SI
gm_status gm_open_loop(const gm_calibration *calibration, const double *values,
                       gm_calibration_result *result, gm_error *error);

#endif
