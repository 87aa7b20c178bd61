// The stochastic ensemble Kalman filter; equations and source in stochastic_filter.h.
#include "assim/stochastic_filter.h"

#include <math.h>
#include <string.h>

#include "assim/transform_filter.h"
#include "num/dense.h"
#include "num/lanes.h"
#include "num/statistics.h"

/// The room, in parts.
typedef struct parts {
    double *transform; // [gm_transform_room(lanes)]
    double *pulls;     // [lanes][lanes]: (y' T)' R^-1 (measured + d - h), summed over measurements
    double *moves;     // [lanes][lanes]: T times pulls
    double *given;     // [lanes]: y'
    double *seen;      // [lanes]: y' T
    double *surprise;  // [lanes]: R^-1 (measured + d - h)
    double *variance;  // [measurement_count]: R after the gate
} parts;

static parts parts_of(double *room, size_t lanes)
{
    parts made = { .transform = room };
    made.pulls = made.transform + gm_transform_room(lanes);
    made.moves = made.pulls + lanes * lanes;
    made.given = made.moves + lanes * lanes;
    made.seen = made.given + lanes;
    made.surprise = made.seen + lanes;
    made.variance = made.surprise + lanes;
    return made;
}

/// What every lane finds the measurement to be off by, over its error variance.
static void take_surprise(const gm_analysis *analysis, const gm_stochastic_options *options,
                          size_t index, const parts *in)
{
    size_t lanes = analysis->lanes;
    const double *prediction = analysis->predictions + index * lanes;
    double *surprise = in->surprise, variance = in->variance[index];
    gm_draw draw = { 0, (uint32_t)index, options->purpose, options->occurrence };
    gm_random_normal_lanes(options->random, draw, (int)lanes, surprise);
    double centre = gm_mean(surprise, lanes);
    double scale = sqrt(variance * (double)lanes / (double)(lanes - 1));
    for (size_t lane = 0; lane < lanes; lane++) {
        double perturbed = analysis->measured[index] + scale * (surprise[lane] - centre);
        surprise[lane] = (perturbed - prediction[lane]) / variance;
    }
}

/// sum += a' b
GM_KERNEL static void stochastic_add_product(size_t lanes, const double *restrict a,
                                             const double *restrict b, double *restrict sum)
{
    for (size_t i = 0; i < lanes; i++) {
        const double factor = a[i];
        for (size_t k = 0; k < lanes; k++) {
            sum[i * lanes + k] += factor * b[k];
        }
    }
}

/// T and the pulls of all measurements make the matrix that moves every lane by its own.
static void gather(const gm_analysis *analysis, const gm_stochastic_options *options,
                   gm_transform *transform, const parts *in)
{
    size_t lanes = analysis->lanes;
    memset(in->pulls, 0, lanes * lanes * sizeof *in->pulls);
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        const double *prediction = analysis->predictions + index * lanes;
        double mean = gm_mean(prediction, lanes);
        for (size_t lane = 0; lane < lanes; lane++) {
            in->given[lane] = prediction[lane] - mean;
        }
        gm_dense_multiply((gm_product_shape){ 1, lanes, lanes }, in->given, transform->matrix,
                          in->seen);
        take_surprise(analysis, options, index, in);
        stochastic_add_product(lanes, in->seen, in->surprise, in->pulls);
    }
    gm_dense_multiply((gm_product_shape){ lanes, lanes, lanes }, transform->matrix, in->pulls,
                      in->moves);
    for (size_t i = 0; i < lanes; i++) {
        double *row = transform->matrix + i * lanes;
        for (size_t k = 0; k < lanes; k++) {
            row[k] = in->moves[i * lanes + k] / (double)(lanes - 1);
        }
        transform->shift[i] = gm_mean(row, lanes);
        for (size_t k = 0; k < lanes; k++) {
            row[k] += (i == k ? 1.0 : 0.0) - transform->shift[i];
        }
    }
}

size_t gm_stochastic_room(size_t lanes, size_t measurement_count)
{
    return gm_transform_room(lanes) + 2 * lanes * lanes + 3 * lanes + measurement_count;
}

gm_status gm_stochastic_update(const gm_analysis *analysis, const gm_stochastic_options *options,
                               double *room, gm_innovation *innovations, gm_error *error)
{
    if (!(options->inflation > 0.0) || !isfinite(options->inflation)) {
        return gm_error_set(error, GM_INVALID, "an inflation by %g", options->inflation);
    }
    gm_status status = gm_analysis_check(analysis, error);
    if (status != GM_OK) {
        return status;
    }
    parts in = parts_of(room, analysis->lanes);
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        in.variance[index] = gm_analysis_trusted_variance(analysis, index);
    }
    gm_analysis gated = *analysis;
    gated.variance = in.variance;
    gated.gate = 0.0;
    gm_transform transform = gm_transform_start(in.transform, analysis->lanes, 1.0);
    status = gm_transform_take(&transform, &gated, innovations, error);
    if (status != GM_OK) {
        return status;
    }
    gather(analysis, options, &transform, &in);
    gm_transform_inflate(&transform, options->inflation);
    gm_transform_apply(&transform, analysis->values, analysis->value_count, transform.work);
    gm_transform_apply(&transform, analysis->predictions, analysis->measurement_count,
                       transform.work);
    return GM_OK;
}
