// Statistics of samples and ensembles: moments, quantiles, distributions, scores of forecasts.
//
// Arrays are plain [count]. A value that is not finite makes the result NaN; nothing here fails
// otherwise.
#ifndef GEMEL_NUM_STATISTICS_H
#define GEMEL_NUM_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/// @param count  >= 1; NaN for 0
double gm_mean(const double *values, size_t count);

/// Unbiased: sum of squares about the mean, over count - 1.
/// @param count  >= 2; NaN below
double gm_variance(const double *values, size_t count);

/// Sorts in place, ascending, without memory of its own; NaN come last.
void gm_sort(double *values, size_t count);

/// Quantile by linear interpolation of the order statistics, type 7 of Hyndman and Fan, Am. Stat.
/// 50 (1996) 361-365.
/// @param sorted       ascending, [count], count >= 1; NaN for 0
/// @param probability  0 .. 1; NaN outside
double gm_quantile(const double *sorted, size_t count, double probability);

/// P(X <= x) of the standard normal.
double gm_normal_cdf(double x);

/// Its inverse, to about 1e-16: algorithm AS 241, Wichura, Appl. Statist. 37 (1988) 477-484.
/// @param probability  0 gives -infinity, 1 infinity, NaN outside
double gm_normal_quantile(double probability);

/// P(X > x) of chi-square.
/// @param freedom  > 0
double gm_chi_square_tail(double x, double freedom);

/// P(|T| > |t|) of Student's t, both tails.
/// @param freedom  > 0
double gm_student_tails(double t, double freedom);

/// Continuous ranked probability score of an ensemble, in the unit of its members: the integral of
/// the squared difference between the members' empirical distribution and the step at `observed`.
/// @param sorted  members, ascending, [count], count >= 1; NaN for 0
/// @source Zamo, Naveau, Math. Geosci. 50 (2018) 209-234, eq. 3.
double gm_crps(const double *sorted, size_t count, double observed);

/// The fair score: what an ensemble of endless size would be expected to get, so that sizes can be
/// compared.
/// @param count  >= 2; NaN below
/// @source Ferro, Q. J. R. Meteorol. Soc. 140 (2014) 1917-1923; Zamo and Naveau, eq. 4.
double gm_crps_fair(const double *sorted, size_t count, double observed);

/// The score of a normal forecast: Gneiting, Raftery, Westveld, Goldman, Mon. Weather Rev. 133
/// (2005) 1098-1118, eq. 5.
/// @param deviation  > 0
double gm_crps_normal(double mean, double deviation, double observed);

/// How often a band held the truth. Plain value; start with `gm_coverage coverage = {0};`.
typedef struct gm_coverage {
    size_t inside, count;
} gm_coverage;

/// Counts one forecast; one that is not finite is left out.
void gm_coverage_add(gm_coverage *coverage, double lower, double upper, double truth);

/// The share inside, 0 .. 1; NaN while nothing was counted.
double gm_coverage_share(const gm_coverage *coverage);

/// Running mean and variance: Welford, Technometrics 4 (1962) 419-420. Start with `gm_moments
/// moments = {0};`.
typedef struct gm_moments {
    size_t count;
    double mean;
    double squares; // sum of squared distances from the mean
} gm_moments;

/// Takes one value in.
void gm_moments_add(gm_moments *moments, double value);

/// Joins two portions of one sample: Chan, Golub, LeVeque, Am. Stat. 37 (1983) 242-247.
gm_moments gm_moments_join(gm_moments a, gm_moments b);

/// Unbiased; NaN for fewer than two values.
double gm_moments_variance(const gm_moments *moments);

#endif
