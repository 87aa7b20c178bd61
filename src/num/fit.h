// Fitting parameters: nonlinear least squares by Levenberg and Marquardt, and Nelder and Mead's
// simplex search where there are no residuals or no derivatives. Both keep to bounds and take a
// value that is not finite as "worse than all".
#ifndef GEMEL_NUM_FIT_H
#define GEMEL_NUM_FIT_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>

/// When to stop. Start from gm_default_fit_options.
typedef struct gm_fit_options {
    double tolerance;        // relative change of the cost that is not worth going on for, > 0
    double difference;       // least squares: relative step of the derivatives' differences, > 0
    size_t evaluation_limit; // calls of the callback
} gm_fit_options;

/// tolerance 1e-10, difference 1e-6, 10,000 evaluations.
gm_fit_options gm_default_fit_options(void);

typedef struct gm_fit_result {
    double cost; // sum of squared residuals, or the search's own
    size_t evaluation_count;
    bool converged; // false when the evaluations ran out
} gm_fit_result;

/// A least-squares problem: parameters that make the sum of squared residuals least.
typedef struct gm_least_squares {
    size_t parameter_count; // >= 1
    size_t residual_count;  // >= parameter_count
    const double *lower;    // [parameter_count], or NULL for none; -INFINITY for none of one
    const double *upper;    // as lower; upper > lower
    double *deviation; // out, [parameter_count], or NULL: standard errors from the curvature; NaN
                       // at a bound and where the data say nothing
    void *context;
    void (*residuals)(void *context, const double *parameters, double *residuals);
} gm_least_squares;

/// @param parameters  in out: a start, then the best found; the start is moved inside the bounds
/// @return GM_OK, also when not converged; GM_NUMERIC (residuals not finite at the start);
/// GM_INVALID (counts, bounds);
///         GM_MEMORY. On an error parameters and result are untouched.
/// @source Marquardt, J. SIAM 11 (1963) 431-441; bounds by projection (Kanzow, Yamashita,
/// Fukushima, J. Comput. Appl.
///         Math. 172 (2004) 375-397).
gm_status gm_fit_least_squares(const gm_least_squares *problem, const gm_fit_options *options,
                               double *parameters, gm_fit_result *result, gm_error *error);

/// A function to be made least without derivatives.
typedef struct gm_simplex_search {
    size_t parameter_count; // >= 1; best below ten
    const double *spread;   // [parameter_count], > 0: size of the first simplex
    const double *lower;    // as above
    const double *upper;
    void *context;
    double (*cost)(void *context, const double *parameters);
} gm_simplex_search;

/// Stops when the costs over the simplex differ by less than `tolerance` of the best, twice: once
/// from the start, once from a fresh simplex around what was found.
/// @return as gm_fit_least_squares
/// @source Nelder, Mead, Comput. J. 7 (1965) 308-313; coefficients by the number of parameters:
/// Gao, Han, Comput. Optim.
///         Appl. 51 (2012) 259-277.
gm_status gm_fit_simplex(const gm_simplex_search *search, const gm_fit_options *options,
                         double *parameters, gm_fit_result *result, gm_error *error);

#endif
