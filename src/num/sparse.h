// Sparse linear systems whose pattern is fixed and whose values differ from lane to lane.
//
// All symbolic work is done once per topology: a fill-reducing order (approximate minimum degree:
// Amestoy, Davis, Duff, SIAM J. Matrix Anal. Appl. 17 (1996) 886-905, from SuiteSparse) of the
// symmetrised pattern, the elimination tree and the pattern of the factors (Davis, Direct Methods
// for Sparse Linear Systems, SIAM 2006, ch. 4). The numbers are factored as L U without pivoting,
// which is stable for diagonally dominant and M-matrices: networks of heat, water, current. One
// pass over the index lists serves 8 lanes.
#ifndef GEMEL_NUM_SPARSE_H
#define GEMEL_NUM_SPARSE_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

#include "num/lanes.h"

/// A pattern with its symbolic factorisation. Immutable: any number of threads may use it, each
/// with its own factor.
typedef struct gm_sparse gm_sparse;

enum { GM_SPARSE_COUNT_MAX = 1 << 24 };

/// @param count        unknowns, 1 .. GM_SPARSE_COUNT_MAX
/// @param entry_count  entries; may be 0, the diagonal is always part of the pattern
/// @param row          [entry_count], any order; equal places are allowed, their values add up
/// @param column       [entry_count]
/// @return GM_OK; GM_INVALID (count, an entry outside the matrix); GM_LIMIT (fill beyond 32-bit
/// indices); GM_MEMORY
gm_status gm_sparse_create(size_t count, size_t entry_count, const uint32_t *row,
                           const uint32_t *column, gm_sparse **sparse, gm_error *error);
void gm_sparse_close(gm_sparse *sparse);

/// Unknowns, and entries as given at creation.
size_t gm_sparse_count(const gm_sparse *sparse);
size_t gm_sparse_entry_count(const gm_sparse *sparse);
/// Entries of one factor below the diagonal: the fill that the order leaves.
size_t gm_sparse_fill(const gm_sparse *sparse);

/// Bytes of a factor at this width, work space included.
size_t gm_sparse_factor_size(const gm_sparse *sparse, int width);

/// Factors A + shift I.
/// @param width   1 or 8
/// @param values  [entry_count][width] in the order of the entries at creation
/// @param shift   [width], or NULL for none
/// @param factor  out, gm_sparse_factor_size bytes, 64-byte aligned
/// @return lanes with a pivot that is zero or not finite; the solutions of those lanes are
/// meaningless
gm_lane_mask gm_sparse_factorise(const gm_sparse *sparse, int width, const double *values,
                                 const double *shift, void *factor);

/// Solves with a factor of the same width.
/// @param factor    its work space is written: one thread at a time
/// @param solution  in out, [count][width]: the right-hand side, then the solution
void gm_sparse_solve(const gm_sparse *sparse, int width, void *factor, double *solution);

#endif
