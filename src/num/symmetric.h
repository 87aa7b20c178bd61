// Symmetric positive definite systems with the pattern of a graph, over lanes: the step of a
// global gradient method, a node admittance, a conduction network.
//
// A = L D L^T by a right-looking factorisation over static lists of targets: a column, once final,
// changes all that depends on it, and the right-hand side is eliminated along. All symbolic work is
// done once: a fill-reducing order (approximate minimum degree: Amestoy, Davis, Duff, SIAM J.
// Matrix Anal. Appl. 17 (1996) 886-905, from SuiteSparse), the elimination tree and the fill
// (Davis, Direct Methods for Sparse Linear Systems, SIAM 2006, ch. 4). The caller assembles its
// matrix right where the factors come to stand, so nothing is permuted or gathered per solve.
//
//     diagonal[place[i]] += conductance           // of each link of unknown i
//     lower[slot[pair]] -= conductance            // of each link between two unknowns
//     right[place[i]] += inflow
//     failed = gm_symmetric_solve(s, width, (gm_symmetric_system){ diagonal, lower, right }, bad);
//     head = right[place[i]]
//
// For matrices that may be unsymmetric, or many right-hand sides with one matrix: num/sparse.h.
#ifndef GEMEL_NUM_SYMMETRIC_H
#define GEMEL_NUM_SYMMETRIC_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "num/lanes.h"

/// A pattern with its symbolic factorisation. Immutable: any number of threads may solve with it at
/// once.
typedef struct gm_symmetric gm_symmetric;

enum { GM_SYMMETRIC_COUNT_MAX = 1 << 24 };

/// Where a matrix may hold values.
typedef struct gm_symmetric_pattern {
    size_t count;      // unknowns, 0 .. GM_SYMMETRIC_COUNT_MAX
    size_t pair_count; // places off the diagonal that may hold a value; the diagonal always may
    const uint32_t (*pairs)[2]; // [pair_count]: two different unknowns each, in either order; pairs
                                // may repeat and then share a slot
    const uint32_t *leading;    // [leading_count]: different unknowns to be eliminated ahead of all
                                // others, in whatever order; NULL: none
    size_t leading_count;
} gm_symmetric_pattern;

/// @param symmetric   out; the caller closes it
/// @return GM_OK; GM_INVALID (count, a pair outside the matrix or on its diagonal, an unknown
/// that leads twice); GM_LIMIT (the factor fills up beyond 32-bit indices); GM_MEMORY
gm_status gm_symmetric_create(const gm_symmetric_pattern *pattern, gm_symmetric **symmetric,
                              gm_error *error);
/// NULL is fine.
void gm_symmetric_close(gm_symmetric *symmetric);

/// Unknowns, and pairs as given at creation.
size_t gm_symmetric_count(const gm_symmetric *symmetric);
size_t gm_symmetric_pair_count(const gm_symmetric *symmetric);

/// Slots: places below the diagonal of the factor, fill included. Slots stand in the order of their
/// column's place, within a column in the order of the row's, so the links of neighbouring nodes
/// are near each other.
size_t gm_symmetric_fill(const gm_symmetric *symmetric);

/// Products that a factorisation subtracts off the diagonal, per lane: what a solve costs beyond
/// its count and fill.
size_t gm_symmetric_target_count(const gm_symmetric *symmetric);

/// [count]: unknown -> place in the order of elimination, those that lead first. Like all arrays
/// below it is 64-byte aligned and lives as long as `symmetric`.
const uint32_t *gm_symmetric_place(const gm_symmetric *symmetric);

/// [count]: place -> unknown.
const uint32_t *gm_symmetric_unknown(const gm_symmetric *symmetric);

/// [pair_count]: pair -> slot of its value.
const uint32_t *gm_symmetric_slots(const gm_symmetric *symmetric);

/// Slots that belong to no pair, ascending: fill. A caller that sets the slot of every pair has to
/// zero these, and only these.
/// @param count  out: how many
/// @return [count]
const uint32_t *gm_symmetric_vacant(const gm_symmetric *symmetric, size_t *count);

/// One matrix with its right-hand side, per lane; 64-byte aligned.
typedef struct gm_symmetric_system {
    double *diagonal; // [count][width] by place; in: of the matrix; out: reciprocals of the pivots
    double *lower;    // [fill][width] by slot; in: of the matrix, every slot set, 0 where it has no
                      // entry; out: of L D
    double *right;    // [count][width] by place; in: right-hand side; out: solution
    bool trailing;    // the unknowns that lead take no part, as if they were not there
} gm_symmetric_system;

/// Factors in place and solves. Needs no work space and allocates nothing. A lane's bits depend on
/// nothing but that lane's values: neither on the width nor on its neighbours.
/// @param width   1 or 8
/// @param system  arrays that do not overlap
/// @param bad     in out, [width]: in failed lanes the first place whose pivot is not positive and
///                finite with a finite reciprocal, untouched in the others; NULL to skip
/// @return lanes that failed: their values mean nothing
gm_lane_mask gm_symmetric_solve(const gm_symmetric *symmetric, int width,
                                gm_symmetric_system system, uint32_t *bad);

#endif
