// Liu and West's shrinkage; equations and source in liu_west.h.
#include "assim/liu_west.h"

#include <math.h>
#include <string.h>

#include "assim/resampling.h"
#include "base/require.h"
#include "num/statistics.h"

static const double alone = 1e-6; // 1 - sum w^2 below this: one lane has all the weight

size_t gm_liu_west_room(size_t lanes, size_t count)
{
    return (count + 1) * lanes + count;
}

/// Lanes' weighted mean, and their weighted deviations, whose squares sum to the variance.
/// @param deviations  out, [lanes]
static double weigh_row(const gm_liu_west *how, const double *row, double *deviations)
{
    const double *weights = how->weights;
    size_t lanes = how->lanes;
    double mean = 0.0, squares = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        mean += weights[lane] * row[lane];
        squares += weights[lane] * weights[lane];
    }
    // one lane alone says where, and all of them how far that may be off
    bool is_alone = 1.0 - squares < alone;
    double centre = is_alone ? gm_mean(row, lanes) : mean;
    for (size_t lane = 0; lane < lanes; lane++) {
        double share = is_alone ? 1.0 / (double)(lanes - 1) : weights[lane] / (1.0 - squares);
        deviations[lane] = sqrt(share) * (row[lane] - centre);
    }
    return mean;
}

static double square_sum(const double *values, size_t count)
{
    double sum = 0.0;
    for (size_t index = 0; index < count; index++) {
        sum += values[index] * values[index];
    }
    return sum;
}

/// Copies lanes by their source, drawn towards the mean.
/// @param old  [lanes], overwritten
static void gather_row(const gm_liu_west *how, double kept, double mean, double *old, double *row)
{
    memcpy(old, row, how->lanes * sizeof *old);
    for (size_t lane = 0; lane < how->lanes; lane++) {
        double copied = old[how->source[lane]];
        row[lane] = kept < 1.0 ? mean + kept * (copied - mean) : copied;
    }
}

/// What chance left of mean and variance is taken out.
static void settle_row(double mean, double variance, double *row, size_t lanes)
{
    double centre = gm_mean(row, lanes), left = gm_variance(row, lanes);
    double scale = left > 0.0 ? sqrt(variance / left) : 1.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        row[lane] = mean + scale * (row[lane] - centre);
    }
}

void gm_liu_west_renew(const gm_liu_west *how, double *values, size_t count, double *room)
{
    size_t lanes = how->lanes;
    GM_REQUIRE(lanes >= 2 && how->discount > 1.0 / 3.0 && how->discount <= 1.0);
    double *deviations = room, *normals = deviations + count * lanes, *means = normals + lanes;
    double lost = ((double)lanes - gm_effective_lanes(how->weights, lanes)) / (double)(lanes - 1);
    double shrink = (3.0 * how->discount - 1.0) / (2.0 * how->discount);
    double shaken = fmin(fmax(lost, 0.0), 1.0) * (1.0 - shrink * shrink);
    for (size_t index = 0; index < count; index++) {
        double *row = values + index * lanes;
        means[index] = weigh_row(how, row, deviations + index * lanes);
        gather_row(how, sqrt(1.0 - shaken), means[index], normals, row);
    }
    for (size_t from = 0; shaken > 0.0 && count > 0 && from < lanes; from++) {
        gm_draw draw = { 0, (uint32_t)from, how->purpose, how->occurrence };
        gm_random_normal_lanes(how->random, draw, (int)lanes, normals);
        for (size_t index = 0; index < count; index++) {
            double factor = sqrt(shaken) * deviations[index * lanes + from];
            for (size_t lane = 0; lane < lanes; lane++) {
                values[index * lanes + lane] += factor * normals[lane];
            }
        }
    }
    for (size_t index = 0; shaken > 0.0 && index < count; index++) {
        double variance = square_sum(deviations + index * lanes, lanes);
        settle_row(means[index], variance, values + index * lanes, lanes);
    }
}
