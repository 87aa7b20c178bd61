// Doubles as the 64 bits they are, and whole numbers in their low bits: conversions that every
// vector unit has.
#ifndef GEMEL_BASE_DOUBLE_BITS_H
#define GEMEL_BASE_DOUBLE_BITS_H

#include <stdint.h>
#include <string.h>

#include "base/cpu_levels.h"

// Added to a double of less than 2^51, rounds it to a whole number w, whose bits then are
// GM_ROUNDING_BITS + w modulo 2^64.
#define GM_ROUNDING      0x1.8p52
#define GM_ROUNDING_BITS UINT64_C(0x4338000000000000)

GM_INLINE uint64_t gm_bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

GM_INLINE double gm_of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
