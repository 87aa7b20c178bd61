// Philox4x32-10 and the distributions over it.
//
// Words: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (2011),
// section 3. Normal: Box and Muller, Ann. Math. Stat. 29 (1958) 610-611, as sqrt(-2 ln u) sin(pi (v
// - 1/2)): the sine over a half turn has the law of the cosine over a whole one and needs one odd
// polynomial and no case. Logarithm and sine are written here as series of +, -, * and / alone, so
// that a draw has the same bits on every machine, at every vector width, under every C library.
#include <gemel/random.h>

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu_levels.h"
#include "base/hash.h"
#include "base/require.h"

enum { ROUND_COUNT = 10, LANE_BITS = 24, PURPOSE_BITS = 8, BLOCK_LANES = 8, BATCH_LANES = 32 };

gm_random gm_random_for(uint64_t seed, const char *system)
{
    return (gm_random){ gm_hash(system, strlen(system), seed) };
}

GM_INLINE void philox(gm_random random, gm_draw draw, uint32_t words[4])
{
    uint32_t a = (uint32_t)draw.occurrence, b = (uint32_t)(draw.occurrence >> 32);
    uint32_t c = draw.element, d = draw.lane | draw.purpose << LANE_BITS;
    uint32_t key_low = (uint32_t)random.key, key_high = (uint32_t)(random.key >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < ROUND_COUNT; round++) {
        uint64_t even = UINT64_C(0xD2511F53) * a, odd = UINT64_C(0xCD9E8D57) * c;
        a = (uint32_t)(odd >> 32) ^ b ^ key_low;
        b = (uint32_t)odd;
        c = (uint32_t)(even >> 32) ^ d ^ key_high;
        d = (uint32_t)even;
        key_low += 0x9E3779B9;
        key_high += 0xBB67AE85;
    }
    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = d;
}

// The middle of one of 2^52 equal parts of (0, 1).
GM_INLINE double open_unit(uint32_t low, uint32_t high)
{
    // the bits of a number in [1, 2): cheaper in vectors than a conversion of 64-bit integers
    uint64_t bits = UINT64_C(0x3FF) << 52 | (uint64_t)high << 20 | low >> 12;
    double from_one;
    memcpy(&from_one, &bits, sizeof from_one);
    return (from_one - 1.0) + 0x1p-53;
}

// ln x for normal x in (0, 1]: x = 2^e m with m around 1, ln m = 2 atanh(s), s = (m - 1) / (m + 1),
// |s| < 0.172.
GM_INLINE double natural_log(double x)
{
    const uint64_t root_half = UINT64_C(0x3FE6A09E667F3BCD); // the bits of sqrt(1/2)
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t biased = (bits - root_half + (UINT64_C(0x3FF) << 52)) >> 52; // e + 1023
    uint64_t mantissa_bits = bits - (biased << 52) + (UINT64_C(0x3FF) << 52);
    uint64_t exponent_bits = biased | UINT64_C(0x433) << 52; // 2^52 + e + 1023
    double m, e;
    memcpy(&m, &mantissa_bits, sizeof m);
    memcpy(&e, &exponent_bits, sizeof e);
    e -= 0x1p52 + 1023.0;
    double s = (m - 1.0) / (m + 1.0), z = s * s;
    double tail = 1.0 / 21.0;
    tail = tail * z + 1.0 / 19.0;
    tail = tail * z + 1.0 / 17.0;
    tail = tail * z + 1.0 / 15.0;
    tail = tail * z + 1.0 / 13.0;
    tail = tail * z + 1.0 / 11.0;
    tail = tail * z + 1.0 / 9.0;
    tail = tail * z + 1.0 / 7.0;
    tail = tail * z + 1.0 / 5.0;
    tail = tail * z + 1.0 / 3.0;
    const double ln2 = 0x1.62e42fefa39efp-1;
    return e * ln2 + (2.0 * s + 2.0 * s * z * tail);
}

// sin x for |x| <= pi / 2: its Taylor series; the first term left out is below 2e-18.
GM_INLINE double sine(double x)
{
    double z = x * x;
    double tail = 1.0 / 51090942171709440000.0; // 21!
    tail = tail * z - 1.0 / 121645100408832000.0;
    tail = tail * z + 1.0 / 355687428096000.0;
    tail = tail * z - 1.0 / 1307674368000.0;
    tail = tail * z + 1.0 / 6227020800.0;
    tail = tail * z - 1.0 / 39916800.0;
    tail = tail * z + 1.0 / 362880.0;
    tail = tail * z - 1.0 / 5040.0;
    tail = tail * z + 1.0 / 120.0;
    tail = tail * z - 1.0 / 6.0;
    return x + x * z * tail;
}

GM_INLINE double normal(gm_random random, gm_draw draw)
{
    const double pi = 0x1.921fb54442d18p+1;
    uint32_t words[4];
    philox(random, draw, words);
    double radius = sqrt(-2.0 * natural_log(open_unit(words[0], words[1])));
    return radius * sine(pi * (open_unit(words[2], words[3]) - 0.5));
}

GM_INLINE void fill_normals(gm_random random, gm_draw draw, const int width, double *restrict out)
{
    for (int k = 0; k < width; k++) {
        gm_draw one = draw;
        one.lane += (uint32_t)k;
        out[k] = normal(random, one);
    }
}

GM_KERNEL
static void normals_of_block(gm_random random, gm_draw draw, double *restrict out)
{
    fill_normals(random, draw, BLOCK_LANES, out);
}

// Several blocks keep the processor busy where one waits for its own long chain of products.
GM_KERNEL
static void normals_of_batch(gm_random random, gm_draw draw, double *restrict out)
{
    fill_normals(random, draw, BATCH_LANES, out);
}

static bool is_legal(gm_draw draw, uint64_t width)
{
    return draw.purpose < 1u << PURPOSE_BITS && draw.lane + width <= 1u << LANE_BITS;
}

void gm_random_words(gm_random random, gm_draw draw, uint32_t words[4])
{
    GM_REQUIRE(is_legal(draw, 1));
    philox(random, draw, words);
}

double gm_random_uniform(gm_random random, gm_draw draw)
{
    uint32_t words[4];
    gm_random_words(random, draw, words);
    return open_unit(words[0], words[1]);
}

double gm_random_normal(gm_random random, gm_draw draw)
{
    GM_REQUIRE(is_legal(draw, 1));
    return normal(random, draw);
}

double gm_random_exponential(gm_random random, gm_draw draw)
{
    return -natural_log(gm_random_uniform(random, draw));
}

void gm_random_normal_lanes(gm_random random, gm_draw draw, int width, double *normals)
{
    GM_REQUIRE(width >= 0 && is_legal(draw, (uint64_t)width));
    int left = width;
    while (left > 0) {
        int taken = left >= BATCH_LANES ? BATCH_LANES : left >= BLOCK_LANES ? BLOCK_LANES : left;
        if (taken == BATCH_LANES) {
            normals_of_batch(random, draw, normals);
        } else if (taken == BLOCK_LANES) {
            normals_of_block(random, draw, normals);
        } else {
            double block[BLOCK_LANES]; // lanes past the end are drawn and dropped
            normals_of_block(random, draw, block);
            memcpy(normals, block, (size_t)taken * sizeof *normals);
        }
        normals += taken;
        draw.lane += (uint32_t)taken;
        left -= taken;
    }
}
