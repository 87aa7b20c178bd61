// Powers of one exponent, and logarithms, by table: for passes over many numbers in which a dozen
// digits are enough and num/power.h would be most of the work.
//
//     gm_power_table_fill(&root, 0.5);
//     for (size_t k = 0; k < count; k++) {
//         speed[k] = gm_power_at(&root, 2.0 * energy[k]);
//     }
//
// A binade is divided into 16 parts. A number is x = c (1 + r), c the middle of its part and |r| at
// most 1/32, so x^e = c^e (1 + e r + ...), a table's entry times six terms of the binomial series,
// and ln x = ln c + r - r^2/2 ... The only division is in the table (Tang, ACM Trans. Math.
// Software 16 (1990) 378-400, of whom the scheme is). A compiler makes vector code of such a loop
// where it may gather (-mtune=skylake: num/lanes.h's levels do not say so by themselves). Bits do
// not depend on whether a value is computed alone or in a vector.
#ifndef GEMEL_NUM_POWER_TABLE_H
#define GEMEL_NUM_POWER_TABLE_H

#include <stddef.h>

#include "num/power.h"

enum {
    GM_TABLE_PARTS = 16,    // of a binade
    GM_TABLE_BINADES = 128, // 2^-64 .. 2^64
    GM_TABLE_TERMS = 6,
};

/// A function by the parts of its binades. Immutable once filled.
typedef struct gm_power_table {
    double value[GM_TABLE_BINADES * GM_TABLE_PARTS]; // at the middle of each part
    double inverse[GM_TABLE_PARTS];                  // of the middle in 1 .. 2
    double series[GM_TABLE_TERMS];                   // in r, r^2, ...
} gm_power_table;

/// For gm_power_at. @param exponent  -4 .. 4
void gm_power_table_fill(gm_power_table *table, double exponent);
/// For gm_log_at.
void gm_log_table_fill(gm_power_table *table);

/// A number's place in a table, and how far it is from the middle there.
typedef struct gm_table_place {
    size_t index;
    double rest;
} gm_table_place;

GM_INLINE gm_table_place gm_table_place_of(const gm_power_table *table, double x)
{
    const uint64_t one = UINT64_C(0x3ff0000000000000), mantissa = UINT64_C(0x000fffffffffffff);
    const uint64_t first = (1023 - GM_TABLE_BINADES / 2) * GM_TABLE_PARTS;
    const uint64_t last = GM_TABLE_BINADES * GM_TABLE_PARTS - 1;
    uint64_t bits = gm_bits_of(x), part = bits >> 48, index = part - first;
    index = index < last ? index : last;
    double in_binade = gm_of_bits((bits & mantissa) | one);
    return (gm_table_place){ index, in_binade * table->inverse[part % GM_TABLE_PARTS] - 1.0 };
}

/// x to the power of the table's exponent.
/// @param x  2^-64 <= x < 2^64; others, NaN among them, give some finite number
/// @return relative error < 1e-10 for exponents -1 .. 1
GM_INLINE double gm_power_at(const gm_power_table *table, double x)
{
    gm_table_place place = gm_table_place_of(table, x);
    const double *series = table->series;
    double r = place.rest, rr = r * r;
    double low = 1.0 + series[0] * r, middle = series[1] + series[2] * r;
    double high = (series[3] + series[4] * r) + series[5] * rr;
    return table->value[place.index] * ((low + middle * rr) + high * (rr * rr));
}

/// Natural logarithm.
/// @param x  as of gm_power_at
/// @return absolute error < 1e-10
GM_INLINE double gm_log_at(const gm_power_table *table, double x)
{
    gm_table_place place = gm_table_place_of(table, x);
    const double *series = table->series;
    double r = place.rest, rr = r * r;
    double low = series[0] + series[1] * r, middle = series[2] + series[3] * r;
    double high = series[4] + series[5] * r;
    return table->value[place.index] + r * ((low + middle * rr) + high * (rr * rr));
}

#endif
