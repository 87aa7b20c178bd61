// What a local filter finds out by itself: how far measurements reach, and how much lanes have to
// be spread. Nothing is tuned by hand.
//
// Radius. A few lanes show correlations r between places that have none, of mean square
// 1 / (lanes - 1). Where the mean square over many pairs at one distance is r2, the part of it that
// is real, and so the factor by which covariances at that distance are best multiplied, is
//
//     L = ((lanes - 1) r2 - 1) / ((lanes - 2) r2)
//
// (Menetrier, Montmerle, Michel, Berre, Mon. Wea. Rev. 143 (2015) 1622-1643, in its Gaussian
// limit, by correlations). The taper that comes closest to L over all distances gives the radius;
// more lanes, or correlations that reach further, make it longer. A filter that divides errors of
// measurements by weights does best with a taper that is wider than one for covariances: on
// Lorenz's model of 1996 with every variable measured by a factor of 2, with few and rarely
// measured by less than 1. Errors grow slowly below the best and fast above: 1.2 is taken.
//
// Inflation. Innovations have the variance factor^2 P + R, so over many measurements
//
//     factor^2 = sum of (d^2 / R - 1) / sum of (P / R)
//
// with both sums over the recent past (Li, Kalnay, Miyoshi, Q. J. R. Meteorol. Soc. 135 (2009)
// 523-533, eq. 6, sums instead of quotients: those are skew). Only traces enter, so it holds for
// local filters, whose few lanes would look wrong in every direction they do not span.
#ifndef GEMEL_ASSIM_LOCAL_TUNING_H
#define GEMEL_ASSIM_LOCAL_TUNING_H

#include <gemel/random.h>

#include "assim/localisation.h"
#include "assim/square_root.h"

// ---- radius ----

enum {
    GM_RADIUS_BINS = 32,
    GM_RADIUS_MEMORY = 50,           // analyses by which correlations are forgotten
    GM_LOCAL_INFLATION_MEMORY = 200, // and innovations
    GM_RADIUS_ABSENT = -1,           // as uint32_t: a measurement that is not in the analysis
};

/// A value and a measurement whose correlation is looked at.
typedef struct gm_radius_pair {
    uint32_t value, measurement;
    double distance; // 0 .. reach, in metres or hops
} gm_radius_pair;

/// Pairs of all distances.
typedef struct gm_radius_pairs {
    gm_radius_pair *pairs; // [count]; a few hundred and more
    size_t count;
    double reach; // > 0: beyond the longest radius times 3
} gm_radius_pairs;

/// What is remembered, by distance. Plain value, part of the state; starts as zero.
typedef struct gm_radius {
    double squares[GM_RADIUS_BINS];   // of correlations
    double distances[GM_RADIUS_BINS]; // sums
    double counts[GM_RADIUS_BINS];
} gm_radius;

/// Draws pairs from points: values and measurements at random, those within reach.
/// @param random  its draws have purpose 0
/// @param pairs   in: room for `count` pairs, and the reach in metres; out: pairs, and how many
///                were found in 64 attempts for each
void gm_radius_draw_pairs(const gm_local_values *values, const gm_local_points *points,
                          gm_random random, gm_radius_pairs *pairs);

/// Draws pairs along a network, up to 16 from each of some batches.
/// @param work   [2 * node_count], overwritten
/// @param pairs  as above, the reach in hops
void gm_radius_draw_pairs_by_hops(const gm_local_values *values, const gm_local_nodes *nodes,
                                  gm_random random, uint32_t *work, gm_radius_pairs *pairs);

/// Takes the lanes before an analysis in. Pairs of lanes that agree or are not finite are left out.
/// @param row_of  [measurements that pairs know of]: their row in the analysis, or
///                GM_RADIUS_ABSENT; NULL: measurement m is row m
void gm_radius_take(gm_radius *radius, const gm_analysis *analysis, const gm_radius_pairs *pairs,
                    const uint32_t *row_of);

/// The radius for a taper of a local filter.
/// @param lanes     with fewer than 4, or nothing taken in, nothing can be said
/// @param reach     of the pairs
/// @param fallback  the radius where nothing can be said
/// @return between reach / 64 and reach / 3, or `fallback`
double gm_radius_estimate(const gm_radius *radius, size_t lanes, double reach, double fallback);

// ---- inflation ----

/// What is remembered. Plain value, part of the state; starts as zero.
typedef struct gm_local_inflation {
    double excess; // of innovations' squares over error variances
    double spread; // of predictions' variances over them
} gm_local_inflation;

/// Takes the innovations of an analysis in.
/// @param analysis  sound (gm_analysis_check); values are not looked at
/// @return by what deviations are to be multiplied before this analysis (gm_local_options.before),
///         1 .. 4; 1.05 in the beginning
double gm_local_inflation_take(gm_local_inflation *inflation, const gm_analysis *analysis);

#endif
