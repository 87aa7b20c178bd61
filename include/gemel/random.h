// Counter-based random streams: a draw is a pure function of what it is for, never of what was
// drawn before.
//
// A draw is named by (seed, system, lane, element, purpose, occurrence). Nothing is stored, so
// forks, rewinds, worker counts and block widths cannot change it, and an intervention leaves all
// draws unchanged that it does not concern. For noise the occurrence is the world-clock tick, never
// an integrator's step.
//
// Source: Philox4x32-10 of Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC11 (2011).
#ifndef GEMEL_RANDOM_H
#define GEMEL_RANDOM_H

#include <stdint.h>

/// A stream's key: the world's seed and a system's name, mixed.
typedef struct gm_random {
    uint64_t key;
} gm_random;

/// What a draw is for.
typedef struct gm_draw {
    uint32_t lane;       // the possible world, < 2^24
    uint32_t element;    // index, or a customer's number
    uint32_t purpose;    // the domain's own enum, < 256
    uint64_t occurrence; // world-clock tick, or how often this element drew for this purpose
} gm_draw;

/// The stream of a system under a seed.
/// @param system  name of the system (or of any other user of draws), not NULL
gm_random gm_random_for(uint64_t seed, const char *system);

/// Four independent words for one draw: those of Philox4x32-10 for the key and the counter
/// (occurrence low, occurrence high, element, lane + 2^24 purpose).
void gm_random_words(gm_random random, gm_draw draw, uint32_t words[4]);

/// Uniform in the open interval (0, 1), 52 random bits.
double gm_random_uniform(gm_random random, gm_draw draw);

/// Standard normal (Box and Muller on one draw). The same bits on every machine.
double gm_random_normal(gm_random random, gm_draw draw);

/// Exponential of mean 1. The same bits on every machine.
double gm_random_exponential(gm_random random, gm_draw draw);

/// Standard normals of lanes draw.lane .. draw.lane + width - 1: the same bits as one by one, at an
/// eighth of the price.
/// @param width    >= 0; best in multiples of 8
/// @param normals  out, [width]
void gm_random_normal_lanes(gm_random random, gm_draw draw, int width, double *normals);

#endif
