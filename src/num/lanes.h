// Lanes: kernels run over 1 or 8 possible worlds at once, `[element][width]`, one cache line an
// element at width 8.
//
// Write a kernel once as a GM_INLINE function over a constant `width`, and instantiate it for 1 and
// 8 in GM_KERNEL functions. GM_KERNEL compiles once per CPU level and the loader chooses;
// -ffp-contract=off keeps the bits the same. A GM_KERNEL function is static (clang 14 loses the
// name of others) and its name is unique in the whole program (clang 14 exports its resolver).
#ifndef GEMEL_NUM_LANES_H
#define GEMEL_NUM_LANES_H

#include <stdint.h>

enum { GM_LANES = 8 };

/// A set of the lanes of one block: bit k is lane k of the block.
typedef uint8_t gm_lane_mask;

#define GM_INLINE static inline __attribute__((always_inline))

#ifdef GM_ONE_CPU_LEVEL
#define GM_KERNEL
#else
#define GM_KERNEL __attribute__((target_clones("avx512f", "avx2", "default")))
#endif

#endif
