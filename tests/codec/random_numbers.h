// Random bits for tests: splitmix (Steele, Lea, Flood, OOPSLA 2014).
#ifndef GEMEL_TESTS_RANDOM_NUMBERS_H
#define GEMEL_TESTS_RANDOM_NUMBERS_H

#include <stdint.h>

static inline uint64_t next_bits(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/// In [0, 1).
static inline double next_unit(uint64_t *seed)
{
    return (double)(next_bits(seed) >> 11) * 0x1p-53;
}

#endif
