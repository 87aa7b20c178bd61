// The square-root ensemble update; equations and source in square_root.h.
#include "assim/square_root.h"

#include <math.h>
#include <stdbool.h>

#include "assim/lane_sums.h"
#include "num/lanes.h"

enum { USUAL_LANES = 64 }; // rows of a length known beforehand stay in registers

GM_INLINE double mean_of(const double *values, size_t lanes)
{
    return gm_lane_sum(values, lanes) / (double)lanes;
}

GM_INLINE double covariance_of(const double *a, double mean_a, const double *b, double mean_b,
                               size_t lanes)
{
    return gm_lane_comoment(a, mean_a, b, mean_b, lanes) / (double)(lanes - 1);
}

GM_KERNEL static double lane_mean(const double *values, size_t lanes)
{
    return mean_of(values, lanes);
}

/// Mean and variance of a row.
typedef struct moments {
    double mean, variance;
} moments;

GM_INLINE moments moments_of(const double *values, const size_t lanes)
{
    double mean = mean_of(values, lanes);
    return (moments){ mean, covariance_of(values, mean, values, mean, lanes) };
}

GM_KERNEL static moments lane_moments(const double *values, size_t lanes)
{
    return lanes == USUAL_LANES ? moments_of(values, USUAL_LANES) : moments_of(values, lanes);
}

/// One measurement, as far as it concerns the values it moves.
typedef struct pull {
    const double *prediction; // [lanes]
    double mean;              // of the prediction
    double innovation;        // measured minus mean
    double total;             // variance of the innovation
    double reduction;         // by which deviations shrink less than the mean moves
    double chance;            // squared covariance of unrelated values of variance 1; 0: none
} pull;

GM_INLINE void pull_row(double *values, const pull *by, const size_t lanes)
{
    const double *prediction = by->prediction;
    double mean = by->mean;
    double own_mean = mean_of(values, lanes);
    double covariance = covariance_of(values, own_mean, prediction, mean, lanes);
    double gain = covariance / by->total;
    if (by->chance > 0.0) {
        double chance = by->chance * covariance_of(values, own_mean, values, own_mean, lanes);
        double square = covariance * covariance;
        gain *= square > chance ? 1.0 - chance / square : 0.0;
    }
    double shift = gain * by->innovation, shrink = by->reduction * gain;
    for (size_t lane = 0; lane < lanes; lane++) {
        values[lane] += shift - shrink * (prediction[lane] - mean);
    }
}

/// @param rows  in out, [count][lanes]
GM_KERNEL static void pull_lanes(double *rows, size_t count, const pull *by, size_t lanes)
{
    for (size_t row = 0; row < count; row++) {
        if (lanes == USUAL_LANES) {
            pull_row(rows + row * USUAL_LANES, by, USUAL_LANES);
        } else {
            pull_row(rows + row * lanes, by, lanes);
        }
    }
}

/// 0, or NaN when a value is not finite: such a sum never overflows.
GM_KERNEL static double lane_flaw(const double *values, size_t count)
{
    double part[GM_LANES] = { 0 };
    size_t index = 0;
    for (; index + GM_LANES <= count; index += GM_LANES) {
        for (size_t k = 0; k < GM_LANES; k++) {
            part[k] += values[index + k] - values[index + k];
        }
    }
    double sum = gm_lane_join(part);
    for (; index < count; index++) {
        sum += values[index] - values[index];
    }
    return sum;
}

gm_status gm_analysis_check(const gm_analysis *analysis, gm_error *error)
{
    if (analysis->lanes < 2) {
        return gm_error_set(error, GM_INVALID, "an ensemble update needs at least 2 lanes");
    }
    if (!(analysis->chance >= 0.0)) {
        return gm_error_set(error, GM_INVALID, "the chance of a covariance is %g",
                            analysis->chance);
    }
    size_t count = analysis->measurement_count, lanes = analysis->lanes;
    for (size_t index = 0; index < count; index++) {
        if (!(analysis->variance[index] > 0.0)) {
            return gm_error_set(error, GM_INVALID, "the error variance of a measurement is %g",
                                analysis->variance[index]);
        }
        if (analysis->caution != NULL && !(analysis->caution[index] >= 1.0)) {
            return gm_error_set(error, GM_INVALID, "the caution of a measurement is %g",
                                analysis->caution[index]);
        }
    }
    double sum = lane_flaw(analysis->measured, count) + lane_flaw(analysis->variance, count) +
                 lane_flaw(analysis->predictions, count * lanes) +
                 lane_flaw(analysis->values, analysis->value_count * lanes);
    return isfinite(sum) ? GM_OK
                         : gm_error_set(error, GM_NUMERIC,
                                        "a value to be estimated or a measurement is not finite");
}

/// @param ensemble  variance of the lanes' predictions
static double trusted_variance(double declared, double gate, double surprise, double ensemble)
{
    double limit = gate > 0.0 ? surprise * surprise / (gate * gate) : 0.0;
    return fmax(declared, limit - ensemble);
}

double gm_analysis_trusted_variance(const gm_analysis *analysis, size_t index)
{
    size_t lanes = analysis->lanes;
    const moments of = lane_moments(analysis->predictions + index * lanes, lanes);
    return trusted_variance(analysis->variance[index], analysis->gate,
                            analysis->measured[index] - of.mean, of.variance);
}

static void take_innovations(const gm_analysis *analysis, gm_innovation *innovations)
{
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        size_t lanes = analysis->lanes;
        const moments of = lane_moments(analysis->predictions + index * lanes, lanes);
        innovations[index] =
            (gm_innovation){ .mean = analysis->measured[index] - of.mean,
                             .spread = sqrt(of.variance + analysis->variance[index]),
                             .ensemble_variance = of.variance };
    }
}

/// One measurement: everything in `values`, then all predictions.
static void take_measurement(const gm_analysis *analysis, size_t index)
{
    size_t lanes = analysis->lanes;
    double *prediction = analysis->predictions + index * lanes;
    const moments of = lane_moments(prediction, lanes);
    double mean = of.mean, ensemble = of.variance;
    double innovation = analysis->measured[index] - mean;
    double variance =
        trusted_variance(analysis->variance[index], analysis->gate, innovation, ensemble);
    double total = ensemble + variance;
    pull by = { .prediction = prediction,
                .mean = mean,
                .innovation = innovation,
                .total = total,
                .reduction = 1.0 / (1.0 + sqrt(variance / total)) };
    pull doubtful = by;
    doubtful.chance = analysis->chance * ensemble / (double)(lanes - 1);
    pull careful = doubtful;
    if (analysis->caution != NULL) {
        careful.total *= analysis->caution[index];
        careful.reduction = 1.0 / (1.0 + sqrt(1.0 - ensemble / careful.total));
    }
    size_t count = analysis->value_count, from = analysis->cautious_from;
    size_t cautious = from < count ? from : count; // where each kind of values ends
    size_t plain = from > analysis->doubted ? from - analysis->doubted : 0;
    plain = plain < count ? plain : count;
    double *predictions = analysis->predictions;
    pull_lanes(analysis->values, plain, &by, lanes);
    pull_lanes(analysis->values + plain * lanes, cautious - plain, &doubtful, lanes);
    pull_lanes(analysis->values + cautious * lanes, count - cautious, &careful, lanes);
    pull_lanes(predictions, index, &by, lanes);
    pull_lanes(predictions + (index + 1) * lanes, analysis->measurement_count - index - 1, &by,
               lanes);
    pull_lanes(prediction, 1, &by, lanes); // last: the others need it as it was
}

gm_status gm_square_root_update(const gm_analysis *analysis, gm_innovation *innovations,
                                gm_error *error)
{
    gm_status status = gm_analysis_check(analysis, error);
    if (status != GM_OK) {
        return status;
    }
    if (innovations != NULL) {
        take_innovations(analysis, innovations);
    }
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        take_measurement(analysis, index);
    }
    return GM_OK;
}

void gm_inflate(double *values, size_t count, size_t lanes, double factor)
{
    for (size_t value = 0; value < count; value++) {
        double *row = values + value * lanes;
        double mean = lane_mean(row, lanes);
        for (size_t lane = 0; lane < lanes; lane++) {
            row[lane] = mean + factor * (row[lane] - mean);
        }
    }
}
