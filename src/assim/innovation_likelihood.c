// Measurements one after the other, each against what the others left: see innovation_likelihood.h.
#include "assim/innovation_likelihood.h"

#include <math.h>
#include <string.h>

#include "num/statistics.h"

static const double two_pi = 6.283185307179586;

/// Moves a prediction by what an earlier measurement told. @param seen  the deviations of that one
static void move(double *row, const double *seen, size_t lanes, double shift, double share)
{
    double mean = gm_mean(row, lanes), product = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        product += (row[lane] - mean) * seen[lane];
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        row[lane] += product * (shift - share * seen[lane]);
    }
}

gm_status gm_innovation_likelihood(const gm_analysis *analysis, double surprise, double *room,
                                   double *likelihood, gm_error *error)
{
    size_t lanes = analysis->lanes, count = analysis->measurement_count;
    gm_status status = gm_analysis_check(analysis, error);
    if (status != GM_OK) {
        return status;
    }
    if (!(surprise > 0.0)) {
        return gm_error_set(error, GM_INVALID, "a surprise of %g: expected more than 0", surprise);
    }
    double *rows = room + lanes, *seen = room, sum = 0.0;
    memcpy(rows, analysis->predictions, count * lanes * sizeof *rows);
    for (size_t index = 0; index < count; index++) {
        const double *row = rows + index * lanes;
        double mean = gm_mean(row, lanes), innovation = analysis->measured[index] - mean;
        double squares = 0.0, error_variance = analysis->variance[index];
        for (size_t lane = 0; lane < lanes; lane++) {
            seen[lane] = row[lane] - mean;
            squares += seen[lane] * seen[lane];
        }
        double total = squares / (double)(lanes - 1) + error_variance;
        sum -= 0.5 *
               (log(two_pi * total) + fmin(innovation * innovation / total, surprise * surprise));
        double scale = 1.0 / (total * (double)(lanes - 1));
        double share = scale / (1.0 + sqrt(error_variance / total));
        for (size_t later = index + 1; later < count; later++) {
            move(rows + later * lanes, seen, lanes, scale * innovation, share);
        }
    }
    *likelihood = sum;
    return GM_OK;
}
