// One-step integrators over lanes: every lane keeps its own time and step and is masked when done.
//
// A lane's bits never depend on its neighbours or on the width. Explicit: classic RK4 with fixed
// steps; Dormand and Prince 5(4) with error control (Hairer, Norsett, Wanner, Solving ODEs I,
// II.4-5). Stiff: Rodas3, an L-stable Rosenbrock method of order 3(2) (Sandu et al., Atmos.
// Environ. 31 (1997) 3459-3472), on a sparse Jacobian.
#ifndef GEMEL_NUM_ODE_H
#define GEMEL_NUM_ODE_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "num/lanes.h"

typedef enum gm_ode_method {
    GM_ODE_NONE = 0,
    GM_ODE_RK4,
    GM_ODE_DOPRI5,
    GM_ODE_RODAS3
} gm_ode_method;

/// The system dx/dt = f(t, x) of one block. All arrays are [count][width]; times are [width],
/// seconds past the start. The functions are called for all lanes, also for those at rest or
/// failed: they compute lane by lane and give back NaN where there is no value.
typedef struct gm_ode {
    size_t count; // unknowns
    int width;    // 1 or 8
    void *context;
    void (*rate)(void *context, const double *time_s, const double *state, double *rate);
    /// Rodas3 only: df/dx by the entries of `pattern`, values [entry_count][width]
    void (*jacobian)(void *context, const double *time_s, const double *state, double *values);
    const struct gm_sparse *pattern; // num/sparse.h: symbolic work, done once per topology
} gm_ode;

typedef struct gm_ode_options {
    gm_ode_method method;
    double step_s; // RK4: the longest step (a span is cut into equal ones), 0 for one step a span;
                   // else the first step, 0 to guess
    double relative;   // error control
    double absolute;   // in the state's own unit, > 0 unless no unknown may touch zero
    size_t step_limit; // per lane and call; a lane that needs more fails
} gm_ode_options;

/// relative 1e-6, absolute 1e-8, 100,000 steps, DOPRI5.
gm_ode_options gm_default_ode_options(void);

/// Bytes of work space that gm_ode_advance needs for this system and method.
size_t gm_ode_work_size(const gm_ode *ode, const gm_ode_options *options);

/// The lanes of one block and how far they go.
typedef struct gm_ode_lanes {
    gm_lane_mask mask;
    const double *span_s; // [width], >= 0; lanes of span 0 do not move
    double *state;        // in out, [count][width]
    double *step_s;       // in out, [width]: the step each lane ended with, to start the next call
                          // with; 0 at first. NULL to forget
} gm_ode_lanes;

/// Advances each lane of the mask by its own span. Lanes outside the mask and failed lanes keep the
/// bits of their state and step.
/// @param work  64-byte aligned, gm_ode_work_size bytes; one thread at a time
/// @return lanes that failed: not finite, step limit, singular matrix
gm_lane_mask gm_ode_advance(const gm_ode *ode, const gm_ode_options *options,
                            const gm_ode_lanes *lanes, void *work);

#endif
