// Liu and West's shrinkage: parameters of particles are set apart without being spread.
//
// Parameters do not move by themselves, so copies of a lane stay the same for ever, and jitter
// alone would spread them more with every resampling. With the weighted mean m and covariance V of
// the lanes before it, a discount d and a = (3 d - 1) / (2 d), lane k that copies lane s becomes
//
//     a x_s + (1 - a) m + sqrt(1 - a^2) V^(1/2) z_k,   z normal:
//
// mean and variance are those of the weighted lanes, and they are exactly: what chance leaves of
// the mean of draws is taken out, and each row is rescaled to its variance. Source: Liu, West, in
// Doucet, de Freitas, Gordon (eds.), Sequential Monte Carlo methods in practice, Springer 2001,
// 197-223. 1 - a^2 is scaled by the share of lanes that the weights throw out, so that a
// measurement that says nothing changes nothing.
#ifndef GEMEL_ASSIM_LIU_WEST_H
#define GEMEL_ASSIM_LIU_WEST_H

#include <gemel/random.h>
#include <stddef.h>

/// A resampling that has been decided.
typedef struct gm_liu_west {
    size_t lanes;           // >= 2
    const double *weights;  // [lanes] before it; they sum to 1
    const uint32_t *source; // [lanes]: which lane each copies
    double discount;        // 1/3 .. 1; 1: copies stay copies
    gm_random random;
    uint32_t purpose; // of its draws
    uint64_t occurrence;
} gm_liu_west;

/// Numbers of room that gm_liu_west_renew needs.
size_t gm_liu_west_room(size_t lanes, size_t count);

/// Gathers rows by the lanes' sources, and shakes them; correlations between rows are kept.
/// @param values  in out, [count][lanes], finite
/// @param room    [gm_liu_west_room(lanes, count)]
void gm_liu_west_renew(const gm_liu_west *how, double *values, size_t count, double *room);

#endif
