// Logarithm, exponential and power of positive numbers without branches, for loops over lanes or
// elements: a compiler turns such a loop into vector code, which it cannot do with calls of libm.
//
//     for (int lane = 0; lane < width; lane++) {
//         loss[lane] = resistance[lane] * gm_power(flow[lane], 1.852);
//     }
//
// Bits do not depend on whether a value is computed alone or in a vector, nor on its neighbours.
// Nothing here sets errno; NaN in gives NaN out, for numbers as said at each function.
//
// Method: x = 2^k m with m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m + 1), and
// log2 m = s (c0 + s^2 P(s^2)), P of degree 5 (the series of atanh in base 2: Muller, Elementary
// Functions, Birkhauser 2016, ch. 4); 2^y = 2^n 2^f with f in [-1/2, 1/2], 2^f = 1 + f Q(f), Q of
// degree 9. P and Q interpolate their functions at the Chebyshev points of their intervals, in
// decimal arithmetic of 70 digits, and their coefficients are then rounded to doubles: errors are
// 3.2e-16 (absolute, log2) and 5.7e-16 (relative, 2^f) besides those of rounding.
#ifndef GEMEL_NUM_POWER_H
#define GEMEL_NUM_POWER_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/double_bits.h"
#include "num/lanes.h"

/// log2 of a normal positive x; of anything else some finite number. Pairs of terms are summed as
/// in a tree, not one after the other: they need not wait for each other.
GM_INLINE double gm_power_log2(double x)
{
    const uint64_t one = UINT64_C(0x3ff0000000000000), half_root = UINT64_C(0x3fe6a09e667f3bcd);
    const uint64_t two_52 = UINT64_C(0x4330000000000000), mantissa = UINT64_C(0x000fffffffffffff);
    uint64_t moved = gm_bits_of(x) + (one - half_root);
    // the biased exponent in the last bits of 2^52 is a double with no conversion
    double k = gm_of_bits((moved >> 52) | two_52) - (0x1p52 + 1023.0);
    double m = gm_of_bits((moved & mantissa) + half_root);
    double s = (m - 1.0) / (m + 1.0);
    double z = s * s, z2 = z * z;
    double p01 = 0x1.2776c510067f7p-1 * z + 0x1.ec709dc3a052bp-1;
    double p23 = 0x1.484d66623c5fdp-2 * z + 0x1.a6175ebf2fc41p-2;
    double p45 = 0x1.eada33e0e8d33p-3 * z + 0x1.0c00103afda00p-2;
    double p = (p45 * z2 + p23) * z2 + p01;
    return k + s * (p * z + 0x1.71547652b82fep+1);
}

/// 2^f for f in [-1/2, 1/2].
GM_INLINE double gm_power_exp2_part(double f)
{
    double f2 = f * f, f4 = f2 * f2;
    double q01 = 0x1.ebfbdff82c590p-3 * f + 0x1.62e42fefa39f7p-1;
    double q23 = 0x1.3b2ab6fba385fp-7 * f + 0x1.c6b08d7044119p-5;
    double q45 = 0x1.4309130378460p-13 * f + 0x1.5d87fe908f88ap-10;
    double q67 = 0x1.62bfe46117445p-20 * f + 0x1.ffcb76789860fp-17;
    double q89 = 0x1.e5e9f548e5725p-28 * f + 0x1.b6571de2f2351p-24;
    double q = ((q89 * f4 + (q67 * f2 + q45)) * f4) + (q23 * f2 + q01);
    return 1.0 + q * f;
}

/// Adding this rounds |y| < 2^50 to the nearest integer, ties to even, whose last 12 bits then end
/// the sum's, with the bias of an exponent on top.
#define GM_POWER_ROUND (0x1.8p52 + 1023.0)

/// Natural logarithm.
/// @param x  a normal positive number, DBL_MIN .. DBL_MAX; 0, subnormal and negative x give -inf,
///           infinite x counts as 2^1024, NaN gives NaN
/// @return ln x, relative error < 1e-15
GM_INLINE double gm_log(double x)
{
    // the other value is NaN where x is
    return x >= DBL_MIN ? 0x1.62e42fefa39efp-1 * gm_power_log2(x) : x - (double)INFINITY;
}

/// Exponential function.
/// @param x  -708 .. 709; outside it some number, NaN gives NaN
/// @return e^x, relative error < 2e-15
GM_INLINE double gm_exp(double x)
{
    const double log2_e = 0x1.71547652b82fep+0;
    const double ln2_high = 0x1.62e42fefa0000p-1,
                 ln2_low = 0x1.cf79abc9e3b3ap-40; // n ln2_high is exact
    double sum = x * log2_e + GM_POWER_ROUND;
    double n = sum - GM_POWER_ROUND;
    double f = ((x - n * ln2_high) - n * ln2_low) * log2_e;
    return gm_power_exp2_part(f) * gm_of_bits(gm_bits_of(sum) << 52);
}

/// x to the power of `exponent`.
/// @param x         0 or a normal positive number; subnormal and negative x count as 0, infinite x
///                  as 2^1024; NaN gives NaN
/// @param exponent  any finite number
/// @return x^exponent; relative error < 1e-13 for x in 1e-12 .. 1e6 and |exponent| <= 5, and in
///         general < 2e-16 (10 + |exponent log2 x|). 0 for x = 0 and exponent > 0, 1 for exponent
///         = 0, infinite for x = 0 and exponent < 0; results below 2^-1022.5 are 0, above 2^1023.5
///         infinite.
GM_INLINE double gm_power(double x, double exponent)
{
    double log2_x = x >= DBL_MIN ? gm_power_log2(x) : x - 1e300; // NaN where x is
    double y = log2_x * exponent;
    y = y < -1023.0 ? -1023.0 : y; // an exponent of 0: the result is 0
    y = y > 1024.0 ? 1024.0 : y;   // an exponent of all ones: infinite
    double sum = y + GM_POWER_ROUND;
    double f = y - (sum - GM_POWER_ROUND);
    return gm_power_exp2_part(f) * gm_of_bits(gm_bits_of(sum) << 52);
}

#endif
