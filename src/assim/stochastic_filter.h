// The stochastic ensemble Kalman filter: every lane is moved by Kalman's gain towards measurements
// of its own, perturbed as the real ones may be.
//
//     x_k += cov(x, h) (cov(h, h) + R)^-1 (measured + d_k - h_k),   d_k ~ N(0, R)
//
// Perturbations are centred and rescaled over lanes, so that they move no mean. Source: Burgers,
// van Leeuwen, Evensen, Mon. Wea. Rev. 126 (1998) 1719-1724. Its lanes are less true than those of
// a square root (assim/transform_filter.h) by the noise of d, but never strangely shaped.
//
// The gain is taken in the space of lanes: x' T (y' T)' R^-1 / (lanes - 1), with predictions'
// deviations y' and the transform's root T.
#ifndef GEMEL_ASSIM_STOCHASTIC_FILTER_H
#define GEMEL_ASSIM_STOCHASTIC_FILTER_H

#include <gemel/random.h>

#include "assim/square_root.h"

typedef struct gm_stochastic_options {
    double inflation; // > 0: of deviations after the update; 1: none
    gm_random random; // stream of perturbations: lane k, element = measurement's index
    uint32_t purpose;
    uint64_t occurrence;
} gm_stochastic_options;

/// Numbers of room that an update needs.
size_t gm_stochastic_room(size_t lanes, size_t measurement_count);

/// Updates values and predictions by all measurements at once.
/// @param analysis     `caution` NULL and `chance` 0. The gate looks at lanes as they are given
/// @param room         [gm_stochastic_room(lanes, measurement_count)]
/// @param innovations  out, [measurement_count], NULL to skip
/// @return as gm_analysis_check, and GM_INVALID for an inflation that is not positive and finite:
/// then nothing was changed
gm_status gm_stochastic_update(const gm_analysis *analysis, const gm_stochastic_options *options,
                               double *room, gm_innovation *innovations, gm_error *error);

#endif
