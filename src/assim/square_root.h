// The square-root ensemble update: lanes are moved so that their mean and spread are what Bayes'
// rule asks of a linear Gaussian world, without perturbing the measurements.
//
// Measurements with independent errors are taken one after the other: for the measurement y with
// error variance R and the lanes' predictions h with variance P, the mean of every estimated value
// x moves by K (y - mean h) with K = cov(x, h) / (P + R), and its deviations by -a K h' with a = 1
// / (1 + sqrt(R / (P + R))). Source: Whitaker and Hamill, Mon. Wea. Rev. 130 (2002) 1913-1924;
// predictions of all measurements are carried along as in Anderson, Mon. Wea. Rev. 131 (2003)
// 634-642.
//
// Few lanes show covariances where there are none, of variance about var(x) P / (lanes - 1); taken
// for real they move what the measurement says nothing about and make it seem known. Where `chance`
// asks for it, K is multiplied by 1 - chance var(x) P / ((lanes - 1) cov(x, h)^2), at least 0: the
// positive-part shrinkage of James and Stein (4th Berkeley Symp. 1 (1961) 361-379), used on gains
// as the corrections of Anderson, Mon. Wea. Rev. 140 (2012) 2359-2371 are.
#ifndef GEMEL_ASSIM_SQUARE_ROOT_H
#define GEMEL_ASSIM_SQUARE_ROOT_H

#include <gemel/status.h>
#include <stddef.h>

/// What the lanes think and what was measured. Lane k is column k everywhere.
typedef struct gm_analysis {
    size_t lanes;
    double *values; // in out, [value_count][lanes]: states and parameters to be estimated
    size_t value_count;
    double *predictions; // in out, [measurement_count][lanes]: what each lane says the sensors
                         // should read
    size_t measurement_count;
    const double *measured; // [measurement_count]
    const double *variance; // [measurement_count] of the measurement's error, > 0
    double gate; // an innovation of more standard deviations than this is trusted less, so that it
                 // counts as this many; 0: none
    const double
        *caution; // [measurement_count], >= 1: how many measurements of this kind say as much as
                  // one independent one would, for the values from `cautious_from` on; NULL: 1
    size_t cautious_from;
    double chance;  // >= 0: squared standard errors that a covariance must exceed to count, for the
                    // values from `cautious_from` on; 0: all count in full
    size_t doubted; // <= cautious_from: so many values in front of it are held to `chance` too, but
                    // take every measurement as an independent one
} gm_analysis;

/// The innovation of one measurement before its update.
typedef struct gm_innovation {
    double mean;              // measured minus predicted mean
    double spread;            // sqrt(P + R)
    double ensemble_variance; // P
} gm_innovation;

/// What every update asks of its input. A pure look.
/// @return GM_INVALID (fewer than 2 lanes, a variance that is not positive, a caution below 1, a
/// chance below 0), GM_NUMERIC (a value that is not finite)
gm_status gm_analysis_check(const gm_analysis *analysis, gm_error *error);

/// The error variance of a measurement after the gate, against lanes as they are.
double gm_analysis_trusted_variance(const gm_analysis *analysis, size_t index);

/// Updates values (and predictions) by all measurements in their order.
/// @param innovations  out, [measurement_count], all taken against the lanes before the whole
/// update; NULL to skip
/// @return as gm_analysis_check: then nothing was changed
gm_status gm_square_root_update(const gm_analysis *analysis, gm_innovation *innovations,
                                gm_error *error);

/// Multiplies the lanes' deviations from their mean. @param values in out, [count][lanes]
void gm_inflate(double *values, size_t count, size_t lanes, double factor);

#endif
