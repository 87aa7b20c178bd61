// Untended ensembles: how much lanes have to be spread before an analysis, how large measurements'
// errors are, and a least spread; all told by innovations, nothing tuned.
//
// Few lanes underestimate the spread that they stand for. How much, the finite-size filter knows:
// with the unknown mean and covariance of lanes integrated out, the prior of the factor l by which
// deviations are to grow is exp(-J0 / 2), J0 = e / l^2 + c log l^2, e = a (lanes + 1) / lanes, c =
// a lanes / (lanes - 1); innovations d, with S the predictions' deviations, both scaled to an error
// variance of 1, make it
//
//     J(l) = d' (S S' l^2 / (lanes - 1) + 1)^-1 d / (lanes - 1) + e / l^2 + c log l^2
//
// whose minimum is taken at every analysis (Bocquet, Nonlin. Processes Geophys. 18 (2011) 735-750;
// Bocquet, Raanes, Hannart, ibid. 22 (2015) 645-662, with its correction of the prior's mode where
// measurements say little). `confidence` a says how much surer than a random draw lanes are: those
// that a model has kept on its attractor are so about twice (Raanes, Bocquet, Carrassi, Q. J. R.
// Meteorol. Soc. 145 (2019) 53-75).
//
// A wrong model needs more, always. That is a slow factor on top: its logarithm is what a Kalman
// filter makes of the likelihood of innovations, N(0, factor S S' / (lanes - 1) + 1), by its slope
// and Fisher's information, and what is not confirmed is forgotten (after Anderson, Tellus A 59
// (2007) 210-224; Miyoshi, Mon. Wea. Rev. 139 (2011) 1519-1535). It counts as far as it exceeds one
// standard deviation of what is known of it: where measurements say little, lanes stay as they are.
//
// The error variance of a measurement is the mean product of its innovation and of what is left of
// it after the analysis (Desroziers, Berre, Chapnik, Poli, Q. J. R. Meteorol. Soc. 131 (2005)
// 3385-3396).
#ifndef GEMEL_ASSIM_ADAPTIVE_INFLATION_H
#define GEMEL_ASSIM_ADAPTIVE_INFLATION_H

#include <gemel/random.h>
#include <stdbool.h>

#include "assim/square_root.h"

// ---- inflation ----

/// What is remembered from analysis to analysis. Plain value, part of the state; starts as zero.
typedef struct gm_inflation {
    double level; // logarithm of the slow factor of variances
    double doubt; // its variance; 0: nothing was learned yet
} gm_inflation;

/// How it is estimated. Start from gm_default_inflation_options().
typedef struct gm_inflation_options {
    double confidence; // a, > 0: 2
    double doubt;   // standard deviation of the slow factor's logarithm before anything is known,
                    // > 0: 0.15
    double memory;  // analyses by which it is forgotten, > 1: 300
    double highest; // of either factor of variances, > 1: 100
} gm_inflation_options;

/// The settings above.
gm_inflation_options gm_default_inflation_options(void);

/// Numbers of room that an estimate needs.
size_t gm_inflation_room(size_t lanes);

/// By what deviations are to be multiplied before this analysis (gm_transform_options.before).
/// @param analysis   values are not looked at; measurements beyond the gate count as the gate
/// @param room       [gm_inflation_room(lanes)]
/// @param inflation  in out
/// @param factor     out, > 0: of deviations
/// @return as gm_analysis_check, and GM_INVALID (options), GM_NUMERIC: then nothing was changed
gm_status gm_inflation_estimate(const gm_inflation_options *options, const gm_analysis *analysis,
                                double *room, gm_inflation *inflation, double *factor,
                                gm_error *error);

// ---- the errors of measurements ----

/// One sensor's memory. Plain value, part of the state; starts as zero.
typedef struct gm_noise {
    double product; // mean product of innovations and residuals, over the declared variance
    double weight;  // measurements that it counts for
} gm_noise;

/// Takes one measurement in.
/// @param before    innovation: measured minus mean prediction, before the analysis
/// @param after     the same after it
/// @param declared  error variance, > 0
/// @param memory    measurements by which is forgotten, > 1
void gm_noise_take(gm_noise *noise, double before, double after, double declared, double memory);

/// The error variance over the declared one: what was learned, with the declaration counting as
/// `trust` measurements, within a factor of 100.
double gm_noise_factor(const gm_noise *noise, double trust);

// ---- least spread ----

/// A row whose standard deviation is below a floor is spread to it; lanes that agree altogether are
/// drawn anew about their mean.
/// @param values  in out, [lanes], lanes >= 2
/// @param floor   standard deviation, >= 0
/// @param draw    names the draws of all lanes (its lane is 0)
/// @return whether the row was below
bool gm_spread_floor(double *values, size_t lanes, double floor, gm_random random, gm_draw draw);

#endif
