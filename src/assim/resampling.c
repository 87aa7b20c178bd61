// Weights and systematic resampling; the method is described in resampling.h.
#include "assim/resampling.h"

#include <math.h>

gm_status gm_weights_from_logs(const double *log_weights, size_t lanes, double *weights,
                               gm_error *error)
{
    double highest = -INFINITY;
    for (size_t lane = 0; lane < lanes; lane++) {
        if (log_weights[lane] > highest) {
            highest = log_weights[lane];
        }
    }
    if (!isfinite(highest)) {
        return gm_error_set(error, GM_NUMERIC, "no lane can explain the measurements");
    }
    double sum = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        double weight = exp(log_weights[lane] - highest);
        weights[lane] = weight > 0.0 ? weight : 0.0; // NaN is no weight
        sum += weights[lane];
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        weights[lane] /= sum;
    }
    return GM_OK;
}

double gm_effective_lanes(const double *weights, size_t lanes)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        sum += weights[lane] * weights[lane];
    }
    return 1.0 / sum;
}

void gm_resample(const double *weights, size_t lanes, double uniform, uint32_t *counts,
                 uint32_t *source)
{
    double cumulated = 0.0;
    size_t pointer = 0, last = 0; // last: the last lane of positive weight
    for (size_t lane = 0; lane < lanes; lane++) {
        counts[lane] = 0;
        cumulated += weights[lane] * (double)lanes;
        last = weights[lane] > 0.0 ? lane : last;
        while (weights[lane] > 0.0 && pointer < lanes && (double)pointer + uniform <= cumulated) {
            counts[lane]++;
            pointer++;
        }
    }
    // rounding may leave the sum just below 1: the last pointers still point at a possible lane
    counts[last] += (uint32_t)(lanes - pointer);
    // survivors stay where they are, their further copies fill the places of those that are gone
    size_t donor = 0;
    for (size_t lane = 0; lane < lanes; lane++) {
        source[lane] = (uint32_t)lane;
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        if (counts[lane] > 0) {
            continue;
        }
        while (counts[donor] < 2) {
            donor++;
        }
        counts[donor]--;
        source[lane] = (uint32_t)donor;
    }
}
