// Levenberg and Marquardt's method with bounds: num/fit.h.
//
// Each round solves (J'J + damping diag(J'J)) step = -J'r over the parameters that are free: not at
// a bound that the gradient pushes against. A trial point is projected into the bounds; damping
// shrinks on success, else grows.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/dense.h"
#include "num/fit.h"

static const double damping_start = 1e-3, damping_min = 1e-15, damping_max = 1e15;

/// A fit under way. m residuals, n parameters.
typedef struct fitting {
    const gm_least_squares *problem;
    size_t m, n;
    double *memory;
    double *x, *trial, *gradient, *step; // [n]; gradient is J'r
    double *residuals, *others;          // [m]
    double *jacobian;                    // [n][m]: a row a parameter
    double *curvature, *matrix;          // [n][n]: J'J, and what is factored
    size_t *free;                        // [n]: numbers of the free parameters
    size_t free_count;
    double cost;
    size_t evaluation_count;
} fitting;

static double lower_of(const fitting *fit, size_t j)
{
    return fit->problem->lower != NULL ? fit->problem->lower[j] : -INFINITY;
}

static double upper_of(const fitting *fit, size_t j)
{
    return fit->problem->upper != NULL ? fit->problem->upper[j] : INFINITY;
}

static double dot(size_t count, const double *a, const double *b)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/// Sum of squared residuals at `x`; not finite when one of them is not.
static double evaluate(fitting *fit, const double *x, double *residuals)
{
    fit->problem->residuals(fit->problem->context, x, residuals);
    fit->evaluation_count++;
    return dot(fit->m, residuals, residuals);
}

/// Forward differences, backward at an upper bound or where the function has no value ahead.
static void differentiate(fitting *fit, double difference)
{
    memcpy(fit->trial, fit->x, fit->n * sizeof *fit->x);
    for (size_t j = 0; j < fit->n; j++) {
        double x = fit->x[j], step = difference * (x != 0.0 ? fabs(x) : 1.0);
        step = x + step <= upper_of(fit, j) ? step : -step;
        fit->trial[j] = x + step;
        if (!isfinite(evaluate(fit, fit->trial, fit->others)) && x - step >= lower_of(fit, j)) {
            fit->trial[j] = x - step;
            evaluate(fit, fit->trial, fit->others);
        }
        double moved = fit->trial[j] - x;
        for (size_t i = 0; i < fit->m; i++) {
            double slope = (fit->others[i] - fit->residuals[i]) / moved;
            fit->jacobian[j * fit->m + i] = isfinite(slope) ? slope : 0.0;
        }
        fit->trial[j] = x;
    }
    for (size_t j = 0; j < fit->n; j++) {
        const double *row = fit->jacobian + j * fit->m;
        fit->gradient[j] = dot(fit->m, row, fit->residuals);
        for (size_t k = 0; k <= j; k++) {
            double sum = dot(fit->m, row, fit->jacobian + k * fit->m);
            fit->curvature[j * fit->n + k] = fit->curvature[k * fit->n + j] = sum;
        }
    }
    fit->free_count = 0;
    for (size_t j = 0; j < fit->n; j++) {
        bool held = (fit->x[j] <= lower_of(fit, j) && fit->gradient[j] > 0.0) ||
                    (fit->x[j] >= upper_of(fit, j) && fit->gradient[j] < 0.0);
        if (!held && fit->curvature[j * fit->n + j] > 0.0) {
            fit->free[fit->free_count++] = j;
        }
    }
}

/// Factors the damped curvature of the free parameters.
static bool factor_curvature(fitting *fit, double damping)
{
    size_t count = fit->free_count;
    for (size_t a = 0; a < count; a++) {
        for (size_t b = 0; b <= a; b++) {
            double value = fit->curvature[fit->free[a] * fit->n + fit->free[b]];
            fit->matrix[a * count + b] = a == b ? value * (1.0 + damping) : value;
        }
    }
    return gm_cholesky(count, fit->matrix);
}

/// Tries one damping. @return true when the point moved downhill
static bool try_damping(fitting *fit, double damping)
{
    if (!factor_curvature(fit, damping)) {
        return false;
    }
    for (size_t a = 0; a < fit->free_count; a++) {
        fit->step[a] = -fit->gradient[fit->free[a]];
    }
    gm_cholesky_solve(fit->free_count, fit->matrix, fit->step);
    memcpy(fit->trial, fit->x, fit->n * sizeof *fit->x);
    for (size_t a = 0; a < fit->free_count; a++) {
        size_t j = fit->free[a];
        fit->trial[j] = fmin(fmax(fit->x[j] + fit->step[a], lower_of(fit, j)), upper_of(fit, j));
    }
    double cost = evaluate(fit, fit->trial, fit->others);
    if (!(cost < fit->cost)) {
        return false;
    }
    fit->cost = cost;
    memcpy(fit->x, fit->trial, fit->n * sizeof *fit->x);
    memcpy(fit->residuals, fit->others, fit->m * sizeof *fit->residuals);
    return true;
}

/// @return true when it converged
static bool descend(fitting *fit, const gm_fit_options *options)
{
    double damping = damping_start;
    while (fit->evaluation_count + fit->n < options->evaluation_limit) {
        differentiate(fit, options->difference);
        double before = fit->cost;
        bool moved = false;
        while (!moved && damping < damping_max &&
               fit->evaluation_count < options->evaluation_limit) {
            moved = fit->free_count > 0 && try_damping(fit, damping);
            damping = moved ? fmax(damping * 0.1, damping_min) : damping * 10.0;
        }
        if (!moved) {
            return !(damping < damping_max); // no way downhill
        }
        if (before - fit->cost <= options->tolerance * before) {
            return true;
        }
    }
    return false;
}

/// Standard errors: the diagonal of (J'J)^-1 times the residuals' variance.
static void estimate_deviation(fitting *fit, const gm_fit_options *options, double *deviation)
{
    differentiate(fit, options->difference);
    bool known = factor_curvature(fit, 0.0);
    double variance = fit->cost / (double)(fit->m - fit->free_count);
    for (size_t j = 0; j < fit->n; j++) {
        deviation[j] = NAN;
    }
    for (size_t a = 0; known && a < fit->free_count; a++) {
        memset(fit->step, 0, fit->free_count * sizeof *fit->step);
        fit->step[a] = 1.0;
        gm_cholesky_solve(fit->free_count, fit->matrix, fit->step);
        deviation[fit->free[a]] = sqrt(fit->step[a] * variance);
    }
}

static gm_status open_fitting(fitting *fit, const gm_least_squares *problem, gm_error *error)
{
    size_t m = problem->residual_count, n = problem->parameter_count;
    if (n < 1 || m < n || n > SIZE_MAX / 64 / m) {
        return gm_error_set(error, GM_INVALID, "%zu residuals cannot tell %zu parameters", m, n);
    }
    *fit = (fitting){ .problem = problem, .m = m, .n = n };
    for (size_t j = 0; j < n; j++) {
        if (!(lower_of(fit, j) < upper_of(fit, j))) {
            return gm_error_set(error, GM_INVALID, "parameter %zu has no room between its bounds",
                                j);
        }
    }
    fit->memory = gm_memory_new(4 * n + 2 * m + n * m + 2 * n * n, sizeof *fit->memory);
    fit->free = gm_memory_new(n, sizeof *fit->free);
    if (fit->memory == NULL || fit->free == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to fit %zu parameters", n);
    }
    fit->x = fit->memory;
    fit->trial = fit->x + n;
    fit->gradient = fit->trial + n;
    fit->step = fit->gradient + n;
    fit->residuals = fit->step + n;
    fit->others = fit->residuals + m;
    fit->jacobian = fit->others + m;
    fit->curvature = fit->jacobian + n * m;
    fit->matrix = fit->curvature + n * n;
    return GM_OK;
}

gm_fit_options gm_default_fit_options(void)
{
    return (gm_fit_options){ .tolerance = 1e-10, .difference = 1e-6, .evaluation_limit = 10000 };
}

gm_status gm_fit_least_squares(const gm_least_squares *problem, const gm_fit_options *options,
                               double *parameters, gm_fit_result *result, gm_error *error)
{
    fitting fit = { 0 };
    gm_status status = open_fitting(&fit, problem, error);
    if (status != GM_OK) {
        goto done;
    }
    for (size_t j = 0; j < fit.n; j++) {
        fit.x[j] = fmin(fmax(parameters[j], lower_of(&fit, j)), upper_of(&fit, j));
    }
    fit.cost = evaluate(&fit, fit.x, fit.residuals);
    if (!isfinite(fit.cost)) {
        status = gm_error_set(error, GM_NUMERIC, "the residuals are not finite at the start");
        goto done;
    }
    bool converged = descend(&fit, options);
    memcpy(parameters, fit.x, fit.n * sizeof *parameters);
    *result = (gm_fit_result){ .cost = fit.cost,
                               .evaluation_count = fit.evaluation_count,
                               .converged = converged };
    if (problem->deviation != NULL) {
        estimate_deviation(&fit, options, problem->deviation);
    }
done:
    gm_memory_free(fit.memory);
    gm_memory_free(fit.free);
    return status;
}
