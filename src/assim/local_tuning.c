// Radius and inflation from the lanes themselves; equations and sources in local_tuning.h.
#include "assim/local_tuning.h"

#include <math.h>
#include <stdbool.h>

#include "assim/lane_sums.h"

enum { ATTEMPTS_PER_PAIR = 64, PAIRS_PER_WALK = 16, LANES_MIN = 4 };

static const double wider = 1.2; // than a taper for covariances: see local_tuning.h
static const double radius_step = 1.03;
static const double shortest = 1.0 / 64.0, longest = 1.0 / 3.0; // of the reach
static const double first_factor = 1.05, greatest_factor = 4.0;

// ---- radius ----

/// One of `count` at random.
static uint32_t pick(gm_random random, uint64_t attempt, uint32_t which, size_t count)
{
    uint32_t words[4];
    gm_random_words(random, (gm_draw){ .element = which, .occurrence = attempt }, words);
    return (uint32_t)(((uint64_t)words[0] * count) >> 32);
}

/// The batch of a value; batch_count where it stands everywhere.
static size_t batch_of(const gm_local_values *values, uint32_t value)
{
    uint32_t batch = values->batch_of == NULL ? value : values->batch_of[value];
    return batch < values->batch_count ? batch : values->batch_count;
}

static size_t attempts_for(const gm_local_values *values, const gm_radius_pairs *pairs)
{
    bool any = values->value_count > 0 && values->measurement_count > 0;
    return any ? ATTEMPTS_PER_PAIR * pairs->count : 0;
}

void gm_radius_draw_pairs(const gm_local_values *values, const gm_local_points *points,
                          gm_random random, gm_radius_pairs *pairs)
{
    size_t found = 0, attempts = attempts_for(values, pairs);
    for (size_t attempt = 0; attempt < attempts && found < pairs->count; attempt++) {
        uint32_t value = pick(random, attempt, 0, values->value_count);
        uint32_t measurement = pick(random, attempt, 1, values->measurement_count);
        size_t batch = batch_of(values, value);
        if (batch == values->batch_count) {
            continue;
        }
        double distance =
            gm_local_distance_m(points, points->batches + batch * points->dimensions,
                                points->measurements + measurement * points->dimensions);
        if (distance <= pairs->reach) {
            pairs->pairs[found++] = (gm_radius_pair){ value, measurement, distance };
        }
    }
    pairs->count = found;
}

void gm_radius_draw_pairs_by_hops(const gm_local_values *values, const gm_local_nodes *nodes,
                                  gm_random random, uint32_t *work, gm_radius_pairs *pairs)
{
    uint32_t *hops = work + gm_network_node_count(nodes->network);
    size_t found = 0, walks = attempts_for(values, pairs) / PAIRS_PER_WALK;
    for (size_t walk = 0; walk < walks && found < pairs->count; walk++) {
        uint32_t value = pick(random, walk, 0, values->value_count);
        size_t batch = batch_of(values, value);
        if (batch == values->batch_count) {
            continue;
        }
        const gm_network_sources from = { .nodes = nodes->batches + batch, .count = 1 };
        gm_network_hops(nodes->network, &from, hops, work);
        for (uint32_t k = 1; k <= PAIRS_PER_WALK && found < pairs->count; k++) {
            uint32_t measurement = pick(random, walk, k, values->measurement_count);
            uint32_t node = nodes->measurements[measurement];
            bool placed = node != (uint32_t)GM_LOCALISATION_EVERYWHERE;
            if (placed && hops[node] <= pairs->reach) { // what is not reached is beyond all reach
                pairs->pairs[found++] = (gm_radius_pair){ value, measurement, hops[node] };
            }
        }
    }
    pairs->count = found;
}

/// Squared correlation of two rows; NaN where there is none.
GM_KERNEL static double tuning_square_correlation(const double *a, const double *b, size_t lanes)
{
    double mean_a = gm_lane_sum(a, lanes) / (double)lanes;
    double mean_b = gm_lane_sum(b, lanes) / (double)lanes;
    double product = gm_lane_comoment(a, mean_a, b, mean_b, lanes);
    double squares = gm_lane_comoment(a, mean_a, a, mean_a, lanes) *
                     gm_lane_comoment(b, mean_b, b, mean_b, lanes);
    return product * product / squares;
}

void gm_radius_take(gm_radius *radius, const gm_analysis *analysis, const gm_radius_pairs *pairs,
                    const uint32_t *row_of)
{
    const double kept = 1.0 - 1.0 / GM_RADIUS_MEMORY;
    size_t lanes = analysis->lanes;
    for (size_t bin = 0; bin < GM_RADIUS_BINS; bin++) {
        radius->squares[bin] *= kept;
        radius->distances[bin] *= kept;
        radius->counts[bin] *= kept;
    }
    for (size_t k = 0; k < pairs->count; k++) {
        const gm_radius_pair *pair = &pairs->pairs[k];
        uint32_t row = row_of == NULL ? pair->measurement : row_of[pair->measurement];
        if (row == (uint32_t)GM_RADIUS_ABSENT) {
            continue;
        }
        double place = pair->distance / pairs->reach * GM_RADIUS_BINS;
        double square = tuning_square_correlation(analysis->values + pair->value * lanes,
                                                  analysis->predictions + row * lanes, lanes);
        if (place >= 0.0 && place <= GM_RADIUS_BINS && isfinite(square)) {
            size_t bin = place < GM_RADIUS_BINS ? (size_t)place : GM_RADIUS_BINS - 1;
            radius->squares[bin] += square;
            radius->distances[bin] += pair->distance;
            radius->counts[bin] += 1.0;
        }
    }
}

/// How far a taper is from the best factors, where correlations are.
static double misfit(const gm_radius *radius, double freedom, double tried)
{
    double sum = 0.0;
    for (size_t bin = 0; bin < GM_RADIUS_BINS; bin++) {
        if (!(radius->counts[bin] > 0.0)) {
            continue;
        }
        double square = radius->squares[bin] / radius->counts[bin];
        double real = (freedom * square - 1.0) / ((freedom - 1.0) * square);
        double distance = radius->distances[bin] / radius->counts[bin];
        double off = gm_taper_weight(gm_default_taper(tried), distance) - fmax(real, 0.0);
        sum += square > 0.0 ? square * off * off : 0.0;
    }
    return sum;
}

double gm_radius_estimate(const gm_radius *radius, size_t lanes, double reach, double fallback)
{
    double counted = 0.0;
    for (size_t bin = 0; bin < GM_RADIUS_BINS; bin++) {
        counted += radius->counts[bin];
    }
    if (lanes < LANES_MIN || !(counted >= 1.0)) {
        return fallback;
    }
    double best = shortest * reach, least = INFINITY;
    for (double tried = best; tried * wider <= longest * reach; tried *= radius_step) {
        double here = misfit(radius, (double)(lanes - 1), tried);
        best = here < least ? tried : best;
        least = fmin(here, least);
    }
    return wider * best;
}

// ---- inflation ----

GM_KERNEL static void tuning_sum_innovations(const gm_analysis *analysis, double *excess,
                                             double *spread)
{
    size_t lanes = analysis->lanes;
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        const double *prediction = analysis->predictions + index * lanes;
        double mean = gm_lane_sum(prediction, lanes) / (double)lanes;
        double variance = gm_analysis_trusted_variance(analysis, index);
        double innovation = analysis->measured[index] - mean;
        *excess += innovation * innovation / variance - 1.0;
        *spread += gm_lane_comoment(prediction, mean, prediction, mean, lanes) /
                   ((double)(lanes - 1) * variance);
    }
}

double gm_local_inflation_take(gm_local_inflation *inflation, const gm_analysis *analysis)
{
    double excess = 0.0, spread = 0.0;
    tuning_sum_innovations(analysis, &excess, &spread);
    if (inflation->spread == 0.0) { // nothing is remembered yet
        inflation->spread = spread;
        inflation->excess = first_factor * first_factor * spread;
    }
    if (isfinite(excess) && isfinite(spread)) {
        inflation->excess += (excess - inflation->excess) / GM_LOCAL_INFLATION_MEMORY;
        inflation->spread += (spread - inflation->spread) / GM_LOCAL_INFLATION_MEMORY;
    }
    double square = inflation->excess / inflation->spread;
    return square > 1.0 ? fmin(sqrt(square), greatest_factor) : 1.0; // 1 for NaN
}
