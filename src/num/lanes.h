// Lanes: kernels run over 1 or 8 possible worlds at once, `[element][width]`, one cache line an
// element at width 8.
//
// Write a kernel once as a GM_INLINE function over a constant `width`, and instantiate it for 1 and
// 8 in GM_KERNEL functions (base/cpu_levels.h).
#ifndef GEMEL_NUM_LANES_H
#define GEMEL_NUM_LANES_H

#include <stdint.h>

#include "base/cpu_levels.h"

enum { GM_LANES = 8 };

/// A set of the lanes of one block: bit k is lane k of the block.
typedef uint8_t gm_lane_mask;

#endif
