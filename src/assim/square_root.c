// The square-root ensemble update; equations and source in square_root.h.
#include "assim/square_root.h"

#include <math.h>
#include <stdbool.h>

#include "assim/lane_sums.h"
#include "num/lanes.h"

GM_KERNEL static double lane_mean(const double *values, size_t lanes)
{
    return gm_lane_sum(values, lanes) / (double)lanes;
}

GM_KERNEL static double lane_covariance(const double *a, double mean_a, const double *b,
                                        double mean_b, size_t lanes)
{
    return gm_lane_comoment(a, mean_a, b, mean_b, lanes) / (double)(lanes - 1);
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

GM_KERNEL static void pull_lanes(double *values, const pull *by, size_t lanes)
{
    const double *prediction = by->prediction;
    double mean = by->mean;
    double own_mean = lane_mean(values, lanes);
    double covariance = lane_covariance(values, own_mean, prediction, mean, lanes);
    double gain = covariance / by->total;
    if (by->chance > 0.0) {
        double chance = by->chance * lane_covariance(values, own_mean, values, own_mean, lanes);
        double square = covariance * covariance;
        gain *= square > chance ? 1.0 - chance / square : 0.0;
    }
    double shift = gain * by->innovation, shrink = by->reduction * gain;
    for (size_t lane = 0; lane < lanes; lane++) {
        values[lane] += shift - shrink * (prediction[lane] - mean);
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
    const double *prediction = analysis->predictions + index * analysis->lanes;
    double mean = lane_mean(prediction, analysis->lanes);
    double ensemble = lane_covariance(prediction, mean, prediction, mean, analysis->lanes);
    return trusted_variance(analysis->variance[index], analysis->gate,
                            analysis->measured[index] - mean, ensemble);
}

static void take_innovations(const gm_analysis *analysis, gm_innovation *innovations)
{
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        const double *prediction = analysis->predictions + index * analysis->lanes;
        double mean = lane_mean(prediction, analysis->lanes);
        double variance = lane_covariance(prediction, mean, prediction, mean, analysis->lanes);
        innovations[index] = (gm_innovation){ .mean = analysis->measured[index] - mean,
                                              .spread = sqrt(variance + analysis->variance[index]),
                                              .ensemble_variance = variance };
    }
}

/// One measurement: everything in `values`, then all predictions.
static void take_measurement(const gm_analysis *analysis, size_t index)
{
    size_t lanes = analysis->lanes;
    double *prediction = analysis->predictions + index * lanes;
    double mean = lane_mean(prediction, lanes);
    double ensemble = lane_covariance(prediction, mean, prediction, mean, lanes);
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
    for (size_t value = 0; value < analysis->value_count; value++) {
        const pull *own = value + analysis->doubted < analysis->cautious_from ? &by
                          : value < analysis->cautious_from                   ? &doubtful
                                                                              : &careful;
        pull_lanes(analysis->values + value * lanes, own, lanes);
    }
    for (size_t other = 0; other < analysis->measurement_count; other++) {
        if (other != index) {
            pull_lanes(analysis->predictions + other * lanes, &by, lanes);
        }
    }
    pull_lanes(prediction, &by, lanes); // last: the others need it as it was
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
