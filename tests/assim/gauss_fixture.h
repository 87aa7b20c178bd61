// A linear Gaussian world, in which it is known what a filter has to say.
#ifndef GEMEL_TESTS_ASSIM_GAUSS_FIXTURE_H
#define GEMEL_TESTS_ASSIM_GAUSS_FIXTURE_H

#include <gemel/random.h>
#include <math.h>
#include <string.h>

#include "assim/square_root.h"
#include "num/statistics.h"

enum { GAUSS_VALUES = 4, GAUSS_MEASUREMENTS_MAX = 40, GAUSS_LANES_MAX = 300 };

/// Lanes, what they predict, and what was measured. Measurement j sees a mix of all values.
typedef struct gauss_world {
    size_t lanes, measurement_count;
    double values[GAUSS_VALUES * GAUSS_LANES_MAX];
    double predictions[GAUSS_MEASUREMENTS_MAX * GAUSS_LANES_MAX];
    double sees[GAUSS_MEASUREMENTS_MAX][GAUSS_VALUES];
    double measured[GAUSS_MEASUREMENTS_MAX], variance[GAUSS_MEASUREMENTS_MAX];
    double truth[GAUSS_VALUES];
} gauss_world;

static inline double gauss_normal(uint64_t seed, uint32_t lane, uint32_t element, uint32_t purpose)
{
    return gm_random_normal(gm_random_for(seed, "gauss"), (gm_draw){ lane, element, purpose, 0 });
}

/// One draw of correlated values whose mean is far from zero.
static inline void gauss_draw_values(uint64_t seed, uint32_t lane, uint32_t purpose,
                                     double values[4])
{
    double normal[GAUSS_VALUES];
    for (uint32_t i = 0; i < GAUSS_VALUES; i++) {
        normal[i] = gauss_normal(seed, lane, i, purpose);
    }
    values[0] = 10.0 + normal[0];
    values[1] = -4.0 + 0.7 * normal[0] + 0.5 * normal[1];
    values[2] = 20.0 - 2.0 * normal[1] + normal[2];
    values[3] = 0.1 * normal[3] + 0.2 * normal[2];
}

/// A world under a seed, with the truth drawn as the lanes are. Fewer lanes than
/// GAUSS_LANES_MAX.
static inline void gauss_draw(gauss_world *world, uint64_t seed, size_t lanes,
                              size_t measurement_count)
{
    *world = (gauss_world){ .lanes = lanes, .measurement_count = measurement_count };
    double values[GAUSS_VALUES];
    gauss_draw_values(seed, 0, 1, world->truth);
    for (size_t j = 0; j < measurement_count; j++) {
        world->variance[j] = 0.3 + 0.2 * (double)(j % 3);
        world->measured[j] = sqrt(world->variance[j]) * gauss_normal(seed, 0, (uint32_t)j, 2);
        for (size_t i = 0; i < GAUSS_VALUES; i++) {
            world->sees[j][i] = gauss_normal(1, (uint32_t)i, (uint32_t)j, 3);
            world->measured[j] += world->sees[j][i] * world->truth[i];
        }
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        gauss_draw_values(seed, (uint32_t)lane, 0, values);
        for (size_t i = 0; i < GAUSS_VALUES; i++) {
            world->values[i * lanes + lane] = values[i];
        }
        for (size_t j = 0; j < measurement_count; j++) {
            for (size_t i = 0; i < GAUSS_VALUES; i++) {
                world->predictions[j * lanes + lane] += world->sees[j][i] * values[i];
            }
        }
    }
}

static inline gm_analysis gauss_analysis(gauss_world *world)
{
    return (gm_analysis){ .lanes = world->lanes,
                          .values = world->values,
                          .value_count = GAUSS_VALUES,
                          .predictions = world->predictions,
                          .measurement_count = world->measurement_count,
                          .measured = world->measured,
                          .variance = world->variance };
}

typedef struct gauss_belief {
    long double mean[GAUSS_VALUES], covariance[GAUSS_VALUES][GAUSS_VALUES];
} gauss_belief;

/// What lanes say.
static inline gauss_belief gauss_belief_of(const gauss_world *world)
{
    gauss_belief found = { 0 };
    size_t lanes = world->lanes;
    for (size_t i = 0; i < GAUSS_VALUES; i++) {
        for (size_t lane = 0; lane < lanes; lane++) {
            found.mean[i] += world->values[i * lanes + lane] / (long double)lanes;
        }
    }
    for (size_t a = 0; a < GAUSS_VALUES; a++) {
        for (size_t b = 0; b < GAUSS_VALUES; b++) {
            for (size_t lane = 0; lane < lanes; lane++) {
                found.covariance[a][b] += (world->values[a * lanes + lane] - found.mean[a]) *
                                          (world->values[b * lanes + lane] - found.mean[b]) /
                                          (long double)(lanes - 1);
            }
        }
    }
    return found;
}

/// Kalman's update, one measurement after the other.
static inline void gauss_kalman(gauss_belief *belief, const gauss_world *world)
{
    for (size_t j = 0; j < world->measurement_count; j++) {
        long double cross[GAUSS_VALUES] = { 0 }, total = world->variance[j];
        long double surprise = world->measured[j];
        for (size_t a = 0; a < GAUSS_VALUES; a++) {
            for (size_t b = 0; b < GAUSS_VALUES; b++) {
                cross[a] += belief->covariance[a][b] * world->sees[j][b];
            }
            total += world->sees[j][a] * cross[a];
            surprise -= world->sees[j][a] * belief->mean[a];
        }
        for (size_t a = 0; a < GAUSS_VALUES; a++) {
            belief->mean[a] += cross[a] / total * surprise;
            for (size_t b = 0; b < GAUSS_VALUES; b++) {
                belief->covariance[a][b] -= cross[a] * cross[b] / total;
            }
        }
    }
}

/// The greatest difference of two beliefs, of means and covariances alike.
static inline double gauss_distance(const gauss_belief *a, const gauss_belief *b)
{
    long double greatest = 0.0;
    for (size_t i = 0; i < GAUSS_VALUES; i++) {
        greatest = fmaxl(greatest, fabsl(a->mean[i] - b->mean[i]));
        for (size_t k = 0; k < GAUSS_VALUES; k++) {
            long double difference = fabsl(a->covariance[i][k] - b->covariance[i][k]);
            greatest = isnan(difference) ? INFINITY : fmaxl(greatest, difference);
        }
    }
    return (double)greatest;
}

// ---- rank histograms ----

enum { RANK_LANES = 63, RANK_BINS = 8, RANK_TRIALS = 400, RANK_SEEDS = 20 };

/// How probable it is that the truth's ranks among lanes are that uneven, under one seed.
/// @param update  the filter, whose draws `occurrence` names
static inline double rank_probability(uint64_t seed, void (*update)(const gm_analysis *analysis,
                                                                    uint64_t occurrence))
{
    static gauss_world world;
    double counts[RANK_BINS] = { 0 }, square = 0.0;
    for (uint64_t trial = 0; trial < RANK_TRIALS; trial++) {
        gauss_draw(&world, 1000 * seed + trial, RANK_LANES, 2);
        gm_analysis analysis = gauss_analysis(&world);
        update(&analysis, 1000 * seed + trial);
        size_t rank = 0;
        for (size_t lane = 0; lane < RANK_LANES; lane++) {
            rank += world.values[2 * RANK_LANES + lane] < world.truth[2];
        }
        counts[rank * RANK_BINS / (RANK_LANES + 1)] += 1.0;
    }
    const double expected = (double)RANK_TRIALS / RANK_BINS;
    for (size_t bin = 0; bin < RANK_BINS; bin++) {
        square += (counts[bin] - expected) * (counts[bin] - expected) / expected;
    }
    return gm_chi_square_tail(square, RANK_BINS - 1);
}

/// Whether the probabilities of many seeds are uniform: Kolmogorov and Smirnov's test, with
/// Stephens' approximation (J. R. Stat. Soc. B 32 (1970) 115-122).
static inline double rank_uniformity(void (*update)(const gm_analysis *analysis,
                                                    uint64_t occurrence))
{
    double found[RANK_SEEDS], distance = 0.0, tail = 0.0;
    for (uint64_t seed = 0; seed < RANK_SEEDS; seed++) {
        found[seed] = rank_probability(seed + 1, update);
    }
    gm_sort(found, RANK_SEEDS);
    for (size_t i = 0; i < RANK_SEEDS; i++) {
        distance = fmax(distance, fabs((double)(i + 1) / RANK_SEEDS - found[i]));
        distance = fmax(distance, fabs(found[i] - (double)i / RANK_SEEDS));
    }
    double root = sqrt((double)RANK_SEEDS);
    double x = (root + 0.12 + 0.11 / root) * distance;
    for (int k = 1; k <= 100; k++) {
        tail += (k % 2 == 1 ? 2.0 : -2.0) * exp(-2.0 * k * k * x * x);
    }
    return fmin(fmax(tail, 0.0), 1.0);
}

#endif
