// Whether lanes still follow what is measured.
//
// Innovations of lanes that know how wrong they are have mean squares of P + R, what the lanes and
// the measurements' errors say. The watch compares, at every analysis, the median over measurements
// of d^2 / (P + R) with what is expected of it, 0.455 for many, and follows the quotient's mean
// over the recent past. One is as it should be. Much more, for long, means that the lanes are
// somewhere else and do not know it: the track is lost, and lanes have to be seeded anew
// (gm_spread_floor with the spreads of the start). A median, because a fifth of the sensors at
// fault is no lost track.
#ifndef GEMEL_ASSIM_TRACK_WATCH_H
#define GEMEL_ASSIM_TRACK_WATCH_H

#include <stdbool.h>

#include "assim/square_root.h"

/// What is remembered. Plain value, part of the state; starts as zero.
typedef struct gm_track {
    double misfit; // mean quotient, about 1 while all is well
    double weight; // analyses that it counts for
} gm_track;

/// How it is judged. Start from gm_default_track_options().
typedef struct gm_track_options {
    double memory; // analyses by which is forgotten, > 1: 20
    double limit;  // of the misfit, > 1: 4, innovations twice as large as said
} gm_track_options;

/// The settings above.
gm_track_options gm_default_track_options(void);

/// Takes one analysis in. Measurements that are not finite are left out, as is one without any.
/// @param innovations  [count], of before the analysis
/// @param work         [count]
void gm_track_take(gm_track *track, const gm_track_options *options,
                   const gm_innovation *innovations, size_t count, double *work);

/// Whether the track is lost. Never before half a memory has been seen. After seeding anew, start
/// again from zero.
bool gm_track_lost(const gm_track *track, const gm_track_options *options);

#endif
