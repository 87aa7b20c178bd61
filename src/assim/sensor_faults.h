// Faults of sensors: what a sensor's readings, beside a free run's predictions of them, say of each
// way in which it may have failed.
//
// Everything is the log odds of a fault against a healthy sensor: marginal likelihoods, with sizes
// and onsets integrated out, so that what could explain anything pays for it (Occam's factor) and
// odds of all kinds stand in one posterior (diagnosis.h). A healthy residual follows the model of
// evidence.h. From its onset on
//
//     bias    residual + a                                  a ~ N(0, size^2)
//     drift   residual + a (t - onset) / (last - onset)     a ~ N(0, size^2)
//     stuck   the same reading again and again, whatever is predicted
//     noise   white noise f times as large                  f of a grid
//     spikes  one of n readings has a further error of deviation A; n, A of a grid
//     swapped two sensors, each the other's readings
//     several at least two sensors leave their predictions, each smoothly in its own way
//
// The first five are a sensor's own. Swapped sensors need a pair. The last is not a sensor's but
// what the model does not know of, an input or a part, seen where its shape is not declared.
// Bias, drift, noise and swaps are exact for that model. Spikes are exact where residuals are
// independent; else a reading that is a spike more likely than not tells the filter nothing: the
// mixture's exact filter would need a branch for every reading. Onsets are a grid, evenly likely,
// and finer around the likeliest one.
// Source: Bishop, Pattern recognition and machine learning, 2006, 3.4-3.5; Harvey, Forecasting,
// structural time series models and the Kalman filter, 1989, 3.4.
#ifndef GEMEL_ASSIM_SENSOR_FAULTS_H
#define GEMEL_ASSIM_SENSOR_FAULTS_H

#include <gemel/status.h>

#include "assim/evidence.h"

enum { GM_FAULT_ONSETS_MAX = 32 };

/// How one sensor fails.
typedef enum gm_sensor_fault {
    GM_FAULT_NONE = 0,
    GM_FAULT_BIAS,
    GM_FAULT_DRIFT,
    GM_FAULT_STUCK,
    GM_FAULT_NOISE,
    GM_FAULT_SPIKES,
    GM_SENSOR_FAULTS, // how many there are, with none
} gm_sensor_fault;

/// A reading and what a free run of the model expected there. SI.
typedef struct gm_fault_reading {
    int64_t time_ns;
    double value, predicted;
} gm_fault_reading;

/// One sensor's. Arrays are the caller's.
typedef struct gm_sensor_series {
    const gm_fault_reading *readings; // [count], ascending in time
    size_t count;
    gm_residual_model model; // of its residuals while it is healthy
    int64_t start_ns;        // when the free run starts, not after the first reading
    double resolution;       // the step in which it reads; below a hundredth of its noise: that
    double habit; // share of a healthy one's readings that repeat the one before, 0 .. 1;
                  // 0: as chance has it
    double size;  // standard deviation of biases, and of drifts at the end; > 0
} gm_sensor_series;

/// When a fault may have begun: it affects readings at that time and later.
typedef struct gm_onsets {
    const int64_t *times_ns; // [count], ascending
    size_t count;            // 1 .. GM_FAULT_ONSETS_MAX
} gm_onsets;

/// What the readings say of one fault.
typedef struct gm_fault_evidence {
    double log_odds;  // of p(readings | fault) / p(readings | healthy), onsets integrated out
    double size;      // likeliest: bias; drift per second; the reading it is stuck at; factor of
                      // noise; deviation of spikes. NAN where there is none
    int64_t since_ns; // likeliest onset
} gm_fault_evidence;

/// Weighs every fault of one sensor. O(readings x onsets); no memory.
/// @param evidence  out, [GM_SENSOR_FAULTS], that of GM_FAULT_NONE with log odds 0
/// @return GM_OK; GM_INVALID (onsets, times that do not ascend, noise, time, size), GM_NUMERIC (a
///         reading or prediction that is not finite). On an error evidence is untouched.
gm_status gm_sensor_faults_weigh(const gm_sensor_series *series, const gm_onsets *onsets,
                                 gm_fault_evidence *evidence, gm_error *error);

/// Weighs that two sensors give each other's readings.
/// @param pair  [2], read at the same times
/// @return as gm_sensor_faults_weigh; GM_INVALID also when times differ
gm_status gm_sensor_swap_weigh(const gm_sensor_series *pair, const gm_onsets *onsets,
                               gm_fault_evidence *evidence, gm_error *error);

/// Weighs that at least two of many sensors deviate smoothly at once, each as likely as not. Of a
/// single one, that it does.
/// @param sensors  [count]; of none the log odds are -infinity
gm_status gm_sensors_deviate_weigh(const gm_sensor_series *sensors, size_t count,
                                   const gm_onsets *onsets, gm_fault_evidence *evidence,
                                   gm_error *error);

/// log of the mean of exp(log_odds) over onsets. @param log_odds [count], count >= 1
/// @param likeliest  out; 0 when all are -infinity
double gm_over_onsets(const double *log_odds, size_t count, size_t *likeliest);

#endif
