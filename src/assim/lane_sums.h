// Sums over the lanes of a row, in one order for every vector width: eight partial sums, joined in
// pairs, then what is left over. Inline them into a GM_KERNEL function.
#ifndef GEMEL_ASSIM_LANE_SUMS_H
#define GEMEL_ASSIM_LANE_SUMS_H

#include <stddef.h>

#include "num/lanes.h"

GM_INLINE double gm_lane_join(const double part[GM_LANES])
{
    return ((part[0] + part[4]) + (part[2] + part[6])) +
           ((part[1] + part[5]) + (part[3] + part[7]));
}

/// Sum of a row. @param values [lanes]
GM_INLINE double gm_lane_sum(const double *values, size_t lanes)
{
    double part[GM_LANES] = { 0 };
    size_t lane = 0;
    for (; lane + GM_LANES <= lanes; lane += GM_LANES) {
        for (size_t k = 0; k < GM_LANES; k++) {
            part[k] += values[lane + k];
        }
    }
    double sum = gm_lane_join(part);
    for (; lane < lanes; lane++) {
        sum += values[lane];
    }
    return sum;
}

/// Sum of products of two rows' deviations. @param a, b [lanes]
GM_INLINE double gm_lane_comoment(const double *a, double mean_a, const double *b, double mean_b,
                                  size_t lanes)
{
    double part[GM_LANES] = { 0 };
    size_t lane = 0;
    for (; lane + GM_LANES <= lanes; lane += GM_LANES) {
        for (size_t k = 0; k < GM_LANES; k++) {
            part[k] += (a[lane + k] - mean_a) * (b[lane + k] - mean_b);
        }
    }
    double sum = gm_lane_join(part);
    for (; lane < lanes; lane++) {
        sum += (a[lane] - mean_a) * (b[lane] - mean_b);
    }
    return sum;
}

/// Sum of products of two rows. @param a, b [lanes]
GM_INLINE double gm_lane_product(const double *a, const double *b, size_t lanes)
{
    double part[GM_LANES] = { 0 };
    size_t lane = 0;
    for (; lane + GM_LANES <= lanes; lane += GM_LANES) {
        for (size_t k = 0; k < GM_LANES; k++) {
            part[k] += a[lane + k] * b[lane + k];
        }
    }
    double sum = gm_lane_join(part);
    for (; lane < lanes; lane++) {
        sum += a[lane] * b[lane];
    }
    return sum;
}

#endif
