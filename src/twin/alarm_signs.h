// Signs that a sensor, or the system behind it, no longer does what the twin expects, in the
// innovations of one sensor. Three of them, each a sum that grows while something is wrong:
//
//     level    innovations to one side add up, beyond a slack (Page, Biometrika 41 (1954) 100-115)
//     scatter  steps from one innovation to the next are larger than usual: the log likelihood of
//              twice the usual deviation against the usual one, added up (the same test for a
//              variance); bias and drift hardly matter to steps, noise and spikes do. What bouts
//              that ended by themselves came to is no sign: heaters switch, pumps start
//     repeats  the same reading again and again: minus the log probability that a healthy sensor
//              repeats itself, by what was expected of it and by how often it did so before
//
// Innovations are taken about their own running mean and in units of their own running size, so
// that a sensor whose declared noise is wrong neither cries nor sleeps. Steps are taken in the
// measurement's noise: normalised innovations grow while lanes draw together and the sensor stays
// as it is. Private to src/twin; no memory, no clock: what is remembered is part of the state.
#ifndef GEMEL_TWIN_ALARM_SIGNS_H
#define GEMEL_TWIN_ALARM_SIGNS_H

#include <stdbool.h>
#include <stdint.h>

/// What an innovation event was raised for. Numbers are part of the state.
typedef enum gm_alarm_sign {
    GM_SIGN_NONE = 0,
    GM_SIGN_LEVEL,
    GM_SIGN_SCATTER,
    GM_SIGN_REPEATS,
    GM_SIGNS, // how many there are, with none
} gm_alarm_sign;

/// `detect:` of the world file, as far as signs are concerned.
typedef struct gm_sign_rule {
    double slack;        // normalised innovations up to this size do not add up
    double threshold;    // of their sum
    double calm;         // running mean below which a sensor is calm
    double scatter;      // threshold of the steps' log likelihood ratio
    double repeats;      // threshold of the surprise at equal readings
    uint32_t calm_count; // measurements in a row without any sign
    uint32_t warm_up;    // measurements before the first sign
} gm_sign_rule;

/// For cycles of seconds to minutes: few false alarms in ten thousand measurements of a sensor.
gm_sign_rule gm_default_sign_rule(void);

/// What is remembered of one sensor. Part of the state; zeros at the start.
typedef struct gm_alarm_signs {
    double scale; // running size of normalised innovations about their mean
    double bias;  // their running mean, of long memory
    // running means of neighbours' product and of squares, about the mean; the last deviation
    double product, square, last;
    double level; // their running mean, of short memory
    double sums[2],
        bases[2];         // one-sided cumulated sums, above and below; where they stood at since_ns
    int64_t since_ns[2];  // when they were last small
    double before;        // the innovation before, in the measurement's noise
    double step_size;     // running size of steps between innovations, in noises
    double scatter;       // the steps' cumulated log likelihood ratio
    double scatter_peak;  // the most it came to in the present bout
    double scatter_usual; // and in bouts that ended by themselves
    double scatter_level; // running mean of their squares, of short memory
    int64_t scatter_since_ns;  // when the sum was last zero
    double read;               // SI, the reading before
    double finest;             // SI, least step between two readings so far; 0: none
    double habit;              // running share of readings that repeat the one before
    double repeats;            // surprise of the readings that repeat the last one
    int64_t repeats_since_ns;  // when that was first read
    uint32_t runs[2];          // measurements since since_ns
    uint32_t run, longest_run; // readings that repeat the last one; most so far, without an alarm
    uint32_t calm;             // measurements in a row without a sign of deviation
    uint32_t sign;             // gm_alarm_sign of the open event
} gm_alarm_signs;

/// One measurement.
typedef struct gm_sign_reading {
    int64_t time_ns;
    uint32_t before;        // measurements of the sensor before this one
    double value;           // SI
    double innovation;      // SI, value minus what was expected
    double expected_spread; // SI, of the innovation, > 0
    double noise;           // SI, of the measurement as declared, > 0
} gm_sign_reading;

/// What was noticed.
typedef struct gm_sign_alarm {
    gm_alarm_sign sign;
    int64_t start_ns;
    double size; // level: mean deviation, SI; scatter: times the usual; repeats: the reading, SI
} gm_sign_alarm;

/// How many measurements of a sensor say as much as one independent one would: innovations that
/// follow each other are the model's error, seen again and again. (1 + r) / (1 - r) for a
/// correlation r of neighbours (Bayley and Hammersley, J. R. Stat. Soc. Suppl. 8 (1946) 184-197);
/// new sensors are taken for correlated.
/// @param count  measurements so far
double gm_signs_caution(const gm_alarm_signs *signs, uint32_t count);

/// The white noise in its innovations, in the noise that is declared: what their steps show.
double gm_signs_noise(const gm_alarm_signs *signs);

/// The share of a healthy sensor's readings that repeat the one before; of a new one that is not
/// known and taken for a half.
double gm_signs_habit(const gm_alarm_signs *signs, uint32_t count);

/// Takes a measurement in.
/// @return true: a sign is over its threshold, and the sensor is warm; `alarm` says which
bool gm_signs_take(const gm_sign_rule *rule, gm_alarm_signs *signs, const gm_sign_reading *reading,
                   gm_sign_alarm *alarm);

/// Whether there was no sign for so many measurements in a row; counts the last one. For a sensor
/// whose event is open.
bool gm_signs_calm_down(const gm_sign_rule *rule, gm_alarm_signs *signs);

/// Sums begin anew. An event was cleared.
void gm_signs_begin_anew(gm_alarm_signs *signs);

#endif
