// What each sensor would read in each lane: the value of a field, or what is gathered of many, at
// an instant or over a span, and the bias it is off by. Private to src/twin.
//
// The integral of a field over a span, and a sensor's bias, belong to a lane as its states do: they
// are part of the state, and rows of the analysis of the sensor's cell, which moves them by what
// they covary with the measurements. docs/estimation.md has the equations.
#ifndef GEMEL_TWIN_SENSING_H
#define GEMEL_TWIN_SENSING_H

#include "twin/twin_parts.h"

/// Bytes of SECTION_SENSING; 0 when all sensors read an instant and none has a bias.
size_t gm_sensing_size(const gm_world *world, size_t lanes);
/// Where each sensor's memory lies, and work space. Before gm_estimator_open.
gm_status gm_sensing_open(gm_twin *twin, gm_error *error);

/// A state that begins: spans begin, biases are drawn.
gm_status gm_sensing_begin(gm_twin *twin, gm_state *state, gm_error *error);
/// The live state was loaded: what another world file's sensors remembered begins anew.
gm_status gm_sensing_check(gm_twin *twin, gm_error *error);
/// The live state's own copy of its memory. @return false: none
bool gm_sensing_own(gm_twin *twin);

/// The live state moved to its time: spans grow by what the fields were meanwhile.
gm_status gm_sensing_gather(gm_twin *twin, gm_error *error);
/// The lanes were moved or written at their time: from here on fields are as they are now.
gm_status gm_sensing_mark(gm_twin *twin, gm_error *error);
/// A sample was used: what its sensor tells next may begin here.
void gm_sensing_spoke(gm_twin *twin, size_t sensor);
/// Biases wander.
void gm_sensing_walk(gm_twin *twin, int64_t elapsed_ns);
/// Lanes were resampled: lane k is what source[k] was. @param group  GM_NO_INDEX: of all
void gm_sensing_resample(gm_twin *twin, size_t group, const uint32_t *source);

/// Whether a sensor's span is covered as far as its reading can be predicted.
bool gm_sensing_ready(const gm_twin *twin, size_t sensor);
/// What the sensors of some samples should read. Plain ones were read already.
/// @param predictions  in out, [count][lanes]
gm_status gm_sensing_predict(gm_twin *twin, const gm_arrived *const *entries, size_t count,
                             double *predictions, gm_error *error);
/// The error variance of a count: of a Poisson draw with the mean of the lanes that are left, and
/// of its noise. @param predictions  [lanes]; @param declared  what it is of other readings
double gm_sensing_variance(const gm_twin *twin, size_t sensor, const double *predictions,
                           double declared);

/// Rows of a cell's analysis: pieces of spans, and biases.
size_t gm_sensing_rows(const gm_twin *twin, size_t cell);
/// The most rows any cell has.
size_t gm_sensing_rows_most(const gm_twin *twin);
/// Those rows in some lanes, and back. @param rows  [gm_sensing_rows][lanes.count]
void gm_sensing_read(const gm_twin *twin, size_t cell, gm_lane_list lanes, double *rows);
void gm_sensing_write(gm_twin *twin, size_t cell, gm_lane_list lanes, const double *rows);

/// What a sensor reads too much; NAN where that is not estimated.
typedef struct gm_bias {
    double mean, spread;
} gm_bias;
/// What is known of it in a live state.
gm_bias gm_sensing_bias(const gm_twin *twin, const gm_state *state, size_t sensor);
/// The biases of a live state become what others see. Both under look_lock.
void gm_sensing_publish(gm_twin *twin, const gm_state *state);
gm_bias gm_sensing_published(const gm_twin *twin, size_t sensor);

#endif
