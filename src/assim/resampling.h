// Resampling: new lanes are copies of old ones, in proportion to their weights.
//
// Systematic resampling: one uniform number u places `lanes` equally spaced pointers (k + u) /
// lanes on the cumulated weights, so lane counts differ from their expectation by less than one
// (Kitagawa, J. Comput. Graph. Stat. 5 (1996) 1-25). A survivor keeps its own place, so that lane k
// stays lane k wherever it can.
#ifndef GEMEL_ASSIM_RESAMPLING_H
#define GEMEL_ASSIM_RESAMPLING_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

/// Weights from log-likelihoods: the largest becomes finite whatever the scale; they sum to 1.
/// @param log_weights  [lanes]; -INFINITY and NAN are lanes that cannot be
/// @param weights      out, [lanes]
/// @return GM_NUMERIC when no lane has any weight: weights untouched
gm_status gm_weights_from_logs(const double *log_weights, size_t lanes, double *weights,
                               gm_error *error);

/// One over the sum of squared weights: how many lanes still count.
double gm_effective_lanes(const double *weights, size_t lanes);

/// @param weights  [lanes], >= 0, sum 1
/// @param uniform  in (0, 1)
/// @param counts   work space, [lanes]
/// @param source   out, [lanes]: which old lane each new lane copies (gm_state_resample)
void gm_resample(const double *weights, size_t lanes, double uniform, uint32_t *counts,
                 uint32_t *source);

#endif
