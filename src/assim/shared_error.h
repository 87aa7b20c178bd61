// Errors that residuals share: what a model does not know moves many sensors at once, in the ways
// in which its possible worlds differ from each other.
//
// Residuals r, whitened each by itself, and the lanes' anomalies A there (rows; divided by the root
// of the number of lanes less one, whitened alike):
//
//     r = A w + noise,   w ~ N(0, I)
//
// With w integrated out, the odds of a response s of unknown size (evidence.h) are those of
//
//     s's - c' G^-1 c   and   s'r - c' G^-1 b,   G = I + A'A, b = A'r, c = A's
//
// in place of s's and s'r: what lanes do by themselves speaks for no change. Without noise of its
// own G^-1 b is what residuals say of w, and A w what they say of any other sensor. Source:
// Rasmussen, Williams, Gaussian processes for machine learning, 2006, 2.1 (Bayesian linear
// regression); Evensen, Ocean Dynamics 53 (2003) 343-367 (anomalies as modes).
#ifndef GEMEL_ASSIM_SHARED_ERROR_H
#define GEMEL_ASSIM_SHARED_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/// What residuals say of `count` modes. Arrays are the caller's.
typedef struct gm_shared_error {
    size_t count;   // 0: nothing is shared
    double *matrix; // [count][count] G; after gm_shared_solve its Cholesky factor
    double *pull;   // [count] b
    double *modes;  // [count] after gm_shared_solve: G^-1 b, the likeliest w
} gm_shared_error;

/// Nothing is known yet.
void gm_shared_begin(gm_shared_error *shared);

/// Takes a residual in, or out again.
/// @param anomalies  [count]
/// @param weight     inverse variance, < 0: it leaves
void gm_shared_add(gm_shared_error *shared, const double *anomalies, double residual,
                   double weight);

/// @return false: G is not positive definite any more
bool gm_shared_solve(gm_shared_error *shared);

/// Variance of what the modes say of a residual with these anomalies. Once solved.
/// @param work  [count]
double gm_shared_variance(const gm_shared_error *shared, const double *anomalies, double *work);

/// Takes out of a response's sums what the modes could do as well. Once solved.
/// @param along    [count] c, the response's sums with the anomalies
/// @param square   in out, s's; stays above 0
/// @param product  in out, s'r
/// @param work     [count]
void gm_shared_take_out(const gm_shared_error *shared, const double *along, double *square,
                        double *product, double *work);

#endif
