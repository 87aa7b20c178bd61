// The classic Runge-Kutta step of order 4 for small systems whose rate is known at compile time:
// many trajectories, equal steps, everything in registers.
//
// gm_ode (num/ode.h) reaches a rate through a pointer and keeps columns of any length in memory.
// Here the rate is inlined into the step, a block's unknowns are GM_LANES-wide vectors, and several
// blocks go through the steps together: their steps do not depend on each other, so the processor
// works on one while it waits for the results of another. Kutta, Z. Math. Phys. 46 (1901) 435-453.
#ifndef GEMEL_NUM_RK4_H
#define GEMEL_NUM_RK4_H

#include <stddef.h>

#include "num/lanes.h"

/// One unknown of 8 lanes: one cache line. Arithmetic goes lane by lane.
typedef double gm_lanes __attribute__((vector_size(GM_LANES * sizeof(double))));

enum { GM_RK4_COUNT_MAX = 8 };

/// dx/dt of one block, without the time in it. Write it GM_INLINE.
/// @param state  [count]
/// @param rate   out, [count]
typedef void (*gm_rk4_rate)(const void *context, const gm_lanes *state, gm_lanes *rate);

/// One step of one block. Call it with a constant `rate` and `count`, from a GM_KERNEL function.
/// @param count  unknowns, 1 .. GM_RK4_COUNT_MAX
/// @param state  in out, [count]
GM_INLINE void gm_rk4_step(gm_rk4_rate rate, const void *context, const int count, double step_s,
                           gm_lanes *state)
{
    const double half_s = 0.5 * step_s, sixth_s = step_s / 6.0;
    gm_lanes first[GM_RK4_COUNT_MAX], middle[GM_RK4_COUNT_MAX], last[GM_RK4_COUNT_MAX];
    gm_lanes stage[GM_RK4_COUNT_MAX], start[GM_RK4_COUNT_MAX];
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        start[i] = state[i];
    }
    rate(context, start, first);
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        stage[i] = start[i] + half_s * first[i];
    }
    rate(context, stage, middle);
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        stage[i] = start[i] + half_s * middle[i];
    }
    rate(context, stage, last);
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        stage[i] = start[i] + step_s * last[i];
        middle[i] += last[i];
    }
    rate(context, stage, last);
#pragma GCC unroll 8
    for (int i = 0; i < count; i++) {
        state[i] = start[i] + sixth_s * (first[i] + (middle[i] + middle[i]) + last[i]);
    }
}

#endif
