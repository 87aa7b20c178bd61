// The extended Kalman filter: one state with its full covariance, for small systems and as a
// reference.
//
// Between measurements mean <- f(mean), P <- inflation F P F' + Q with the tangent F of f, which is
// taken from central differences: f runs lanes, so all of them go through the model at once. A
// measurement h with gradient g and error variance R changes both by the gain K = P g / (g' P g +
// R), P in Joseph's form (I - K g') P (I - K g')' + K R K', which keeps it symmetric and positive
// whatever the rounding. Sources: Jazwinski, Stochastic processes and filtering theory, 1970, 8.3;
// Bucy, Joseph, Filtering for stochastic processes, 1968.
#ifndef GEMEL_ASSIM_EXTENDED_KALMAN_H
#define GEMEL_ASSIM_EXTENDED_KALMAN_H

#include <gemel/status.h>
#include <stddef.h>

enum { GM_EXTENDED_KALMAN_MAX = 512 };

/// What is believed. The arrays are the caller's room.
typedef struct gm_extended_kalman {
    size_t count;       // values, 1 .. GM_EXTENDED_KALMAN_MAX
    double *mean;       // [count]
    double *covariance; // [count][count]
    double *work;
} gm_extended_kalman;

/// Numbers of room that a filter needs.
size_t gm_extended_kalman_room(size_t count);

/// Lays a filter out; mean and covariance are for the caller to fill.
/// @param room  [gm_extended_kalman_room(count)], lives as long as the filter
gm_extended_kalman gm_extended_kalman_in(double *room, size_t count);

/// What happens between measurements.
typedef struct gm_extended_model {
    /// f, for many lanes at once. @param values in out, [count][lanes]
    gm_status (*advance)(const void *context, double *values, size_t lanes, gm_error *error);
    const void *context;
    double inflation;    // of the covariance, > 0; 1: none
    const double *noise; // [count]: diagonal of Q, >= 0; NULL: none
} gm_extended_model;

/// Forecasts.
/// @return what `advance` returns, GM_INVALID (inflation), GM_NUMERIC (a result that is not
/// finite): then nothing was changed
gm_status gm_extended_kalman_forecast(gm_extended_kalman *filter, const gm_extended_model *model,
                                      gm_error *error);

/// Measurements with independent errors, linearised at the mean.
typedef struct gm_extended_sight {
    size_t count;
    const double *predicted; // [count]: h(mean)
    const double *gradients; // [count][values]: dh / dvalue
    const double *measured;  // [count]
    const double *variance;  // [count], > 0
} gm_extended_sight;

/// Takes the measurements in.
/// @return GM_INVALID (a variance that is not positive), GM_NUMERIC (not finite): then nothing was
/// changed
gm_status gm_extended_kalman_update(gm_extended_kalman *filter, const gm_extended_sight *sight,
                                    gm_error *error);

#endif
