// The local ensemble transform Kalman filter: every batch of values is moved by a transform of its
// own, made of the measurements near it.
//
// A batch sees measurement j with the error variance R_j / w_j, w_j its weight there. With the rows
// s_j = (h_j - mean h_j) sqrt(w_j / (R_j (lanes - 1))) of its local predictions h and d_j the
// innovations scaled alike, deviations x' of a value from its mean and the mean itself become
//
//     x' (I + S' S)^(-1/2),   mean x + x' (I + S' S)^(-1) S' d:
//
// the symmetric square root, which moves lanes least and changes smoothly from place to place.
// Source: Hunt, Kostelich, Szunyogh, Physica D 230 (2007) 112-126; observation weights: Greybush,
// Kalnay, Miyoshi, Ide, Hunt, Mon. Wea. Rev. 139 (2011) 511-522. Roots are taken by poles
// (num/inverse_root.h), in the space of lanes or, where fewer are near, of measurements.
//
// A random rotation of the lanes, if wanted, is one for all batches: a lane is one possible world,
// and two places turned differently would not belong to the same.
#ifndef GEMEL_ASSIM_LOCAL_FILTER_H
#define GEMEL_ASSIM_LOCAL_FILTER_H

#include <gemel/workers.h>

#include "assim/localisation.h"
#include "assim/square_root.h"

/// A localisation with the room its updates need. One thread at a time.
typedef struct gm_local_filter gm_local_filter;

/// Everything an update will need is allocated here.
/// @param where         borrowed: it must outlive the filter
/// @param lanes         >= 2
/// @param worker_count  the most workers an update will have, 1 .. GM_WORKERS_MAX
/// @param filter        out; the caller closes it
/// @return GM_OK; GM_INVALID (lanes, worker_count); GM_MEMORY
gm_status gm_local_filter_create(const gm_localisation *where, size_t lanes, size_t worker_count,
                                 gm_local_filter **filter, gm_error *error);
/// NULL is fine.
void gm_local_filter_close(gm_local_filter *filter);

/// How an update goes about it.
typedef struct gm_local_options {
    double before;          // > 0: inflation of the deviations before the measurements; it fades
                            // with the greatest weight near a batch, so that what is never
                            // measured is not spread for ever
    double after;           // > 0: and after them
    const double *rotation; // [lanes][lanes], orthogonal and leaving the mean alone, as the matrix
                            // of gm_transform_rotate; deviations become x' times it; NULL: none
    const uint32_t *which;  // [measurement_count], ascending: what number each measurement of the
                            // analysis has in the localisation; NULL: all are there, in order
    gm_workers *workers;    // NULL: this thread alone
} gm_local_options;

/// No inflation, no rotation, all measurements, this thread.
gm_local_options gm_default_local_options(void);

/// What an update asks of its input, `which` apart. A pure look.
/// @return as gm_local_filter_update
gm_status gm_local_filter_check(const gm_local_filter *filter, const gm_analysis *analysis,
                                const gm_local_options *options, gm_error *error);

/// Moves the values. The result is the same, bit by bit, for any number of workers.
/// @param analysis     as many lanes and values as the filter; `caution` NULL and `chance` 0, which
///                     need a transform for every value. Predictions are read only: whoever needs
///                     them afterwards has them among the values
/// @param innovations  out, [measurement_count], against the lanes as they are given; NULL to skip
/// @return as gm_analysis_check, and GM_INVALID for counts, factors or `which` that do not fit:
///         then nothing was changed
gm_status gm_local_filter_update(gm_local_filter *filter, const gm_analysis *analysis,
                                 const gm_local_options *options, gm_innovation *innovations,
                                 gm_error *error);

#endif
