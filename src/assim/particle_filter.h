// The regularised particle filter: lanes are weighed by what they predicted, and when too few still
// count, the likely ones are copied over the unlikely and set a little apart.
//
// It asks nothing of the shape of a distribution and never changes a value by a gain, so that
// events, queues and populations keep to their rules: a lane is copied as a whole, and only named
// continuous values are jittered. Weights are carried from one analysis to the next until the
// effective number of lanes, 1 / sum w^2, falls to a share of them.
//
// Copies get the jitter  bandwidth lanes^(-1 / (values + 4)) C^(1/2) z,  C the weighted covariance
// of the values before resampling, z normal: Gauss's kernel with Scott's rule. A lane that is the
// only copy of itself is left alone. Source: Musso, Oudjane, Le Gland, in Doucet, de Freitas,
// Gordon (eds.), Sequential Monte Carlo methods in practice, Springer 2001, 247-271.
//
//     widening = gm_particles_widening(&analysis, weights); // are all lanes wrong?
//     gm_particles_weigh(&analysis, log_weights, &error);   // or the caller's own log-likelihoods
//     gm_particles_renew(&particles, &options, &result, &error);
//     if (result.renewed) { gm_state_resample(..., particles.source, ...); write the values; }
#ifndef GEMEL_ASSIM_PARTICLE_FILTER_H
#define GEMEL_ASSIM_PARTICLE_FILTER_H

#include <gemel/random.h>
#include <stdbool.h>

#include "assim/square_root.h"

enum { GM_PARTICLES_MAX = 1 << 20 };

/// Adds to each lane's log-weight what the measurements say of its predictions, errors being
/// normal. A lane with a prediction that is not finite can not be: its log-weight becomes
/// -INFINITY.
/// @param analysis     predictions, measured and variance are read; `gate` holds for the distance
///                     of a measurement from the nearest lane: where even that is further off than
///                     so many standard errors, the measurement's variance is raised until it is
///                     not; values, caution and chance are not looked at
/// @param log_weights  in out, [lanes]; all 0 at first
/// @return GM_INVALID (no lanes, a variance that is not positive); GM_NUMERIC (a measurement or
/// variance that is not finite): then nothing was changed
gm_status gm_particles_weigh(const gm_analysis *analysis, double *log_weights, gm_error *error);

/// By how much jitter has to be wider because all lanes are wrong: a swarm that has closed on a
/// wrong place would copy its least unlikely lane for ever. Where innovations d of the lanes'
/// weighted means have a chance below 1e-6 under N(0, P + R), the factor is
/// sqrt(sum (d^2 - R) / sum P); elsewhere, so in all but one of a million good analyses, 1.
/// @param analysis  predictions, measured and variance are read; sound as for gm_particles_weigh
/// @param weights   [lanes], of the lanes before this analysis (gm_weights_from_logs)
/// @return 1 .. 100: to multiply a bandwidth by; when above 1, renew with share 1
double gm_particles_widening(const gm_analysis *analysis, const double *weights);

/// Weighted lanes.
typedef struct gm_particles {
    size_t lanes;
    double *log_weights; // in out, [lanes]; -INFINITY and NAN are lanes that can not be. After a
                         // renewal all 0, otherwise shifted so that the greatest is 0
    double *values;      // in out, [value_count][lanes]: continuous values; gathered and jittered
    size_t value_count;  // may be 0: then nothing is jittered
    double *weights;     // out, [lanes]: before any renewal; they sum to 1
    uint32_t *source;    // out, [lanes]: which lane each copies; lane k itself where not renewed
    uint32_t *copies;    // out, [lanes]: how many lanes copy each
} gm_particles;

/// How to renew them. Start from gm_default_particle_options.
typedef struct gm_particle_options {
    double share;        // 0 .. 1: renewed when no more than this share of lanes is effective
    double bandwidth;    // >= 0: of the jitter, 1 being Scott's rule; 0: none
    gm_random random;    // stream of the draws
    uint32_t purpose;    // of its draws, < 255; purpose + 1 is taken as well
    uint64_t occurrence; // of this analysis
} gm_particle_options;

/// Share 0.5, bandwidth 1.
gm_particle_options gm_default_particle_options(gm_random random, uint64_t occurrence);

/// What became of them.
typedef struct gm_particle_result {
    double effective; // lanes, before
    bool renewed;
} gm_particle_result;

/// Numbers of room that a renewal needs.
size_t gm_particles_room(size_t lanes, size_t value_count);

/// Normalises weights, and renews the lanes when too few count.
/// @param room    [gm_particles_room(lanes, value_count)]
/// @param result  out
/// @return GM_OK; GM_INVALID (counts, options); GM_NUMERIC (no lane has any weight, or a lane that
/// can be a value that is not finite): then nothing was changed
gm_status gm_particles_renew(const gm_particles *particles, const gm_particle_options *options,
                             double *room, gm_particle_result *result, gm_error *error);

/// Weighted mean of a row of lanes; a lane without weight may hold anything.
double gm_particles_mean(const double *weights, const double *values, size_t lanes);

#endif
