// How likely lanes thought what was measured: the logarithm of the density that N(mean h, cov h +
// R) gives to the measurements of one time.
//
// Taken one after the other, each against the lanes' predictions as those before have left them, so
// that measurements which tell the same do not count twice: log N(d; 0, P + R) summed up, with P
// and d of the moved predictions (assim/square_root.h). A measurement further out than `surprise`
// standard deviations counts as that far: a broken sensor says nothing about hypotheses.
#ifndef GEMEL_ASSIM_INNOVATION_LIKELIHOOD_H
#define GEMEL_ASSIM_INNOVATION_LIKELIHOOD_H

#include "assim/square_root.h"

/// @param analysis   values are not looked at; nothing is changed
/// @param surprise   > 0; INFINITY: all counts
/// @param room       [measurement_count + 1][lanes]
/// @param likelihood out: its logarithm
/// @return as gm_analysis_check, and GM_INVALID (surprise)
gm_status gm_innovation_likelihood(const gm_analysis *analysis, double surprise, double *room,
                                   double *likelihood, gm_error *error);

#endif
