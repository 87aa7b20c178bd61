// The inverse and the inverse square root of a symmetric matrix, times a few vectors.
//
// For a matrix A with eigenvalues of 1 and more, as the identity plus a sum of squares has, neither
// eigenvectors nor iterations are needed: Householder's reflections bring A to tridiagonal form,
// and there
//
//     A^(-1/2) = sum over poles q of weight_q (A + shift_q)^(-1),   shift_q >= 0,
//
// costs a short recurrence a pole, eight poles at a time. Shifts and weights are those of the
// trapezoidal rule on a circle mapped by elliptic functions around the spectrum: Hale, Higham,
// Trefethen, SIAM J. Numer. Anal. 46 (2008) 2505-2523, method 3. With P poles the error is about
// exp(-2 pi^2 P / (log(greatest eigenvalue) + 3)): sets of 8, 16, 24 ... poles reach rounding for
// matrices worse and worse conditioned, and each matrix takes the smallest set that will do.
//
// It cannot fail, takes the same operations for all matrices of a size and set, and is an order of
// magnitude cheaper than eigenvectors where only a few vectors are wanted.
#ifndef GEMEL_NUM_INVERSE_ROOT_H
#define GEMEL_NUM_INVERSE_ROOT_H

#include <stddef.h>

#include "num/lanes.h"

enum { GM_ROOT_SETS = 7, GM_ROOT_POLES_MAX = GM_ROOT_SETS * GM_LANES };

/// Shifts and weights for eigenvalues 1 .. greatest.
typedef struct gm_root_poles {
    _Alignas(64) double shift[GM_ROOT_POLES_MAX];
    double weight[GM_ROOT_POLES_MAX];
    double greatest;
    size_t count; // a multiple of GM_LANES
} gm_root_poles;

/// All sets of poles: plain and immutable once filled, about 6 KiB.
typedef struct gm_root_table {
    gm_root_poles sets[GM_ROOT_SETS];
} gm_root_table;

/// Takes some thousand sines: once, not for every matrix.
void gm_root_table_fill(gm_root_table *table);

/// What is to be computed.
typedef enum gm_root_form {
    GM_ROOT_PLAIN = 1, // A^(-1/2)
    GM_ROOT_DUAL, // (A^(1/2) + A)^(-1): with A = I + S S', (I + S' S)^(-1/2) = I - S' dual(A) S
} gm_root_form;

/// A factored matrix; its arrays are the caller's room.
typedef struct gm_root {
    const gm_root_poles *poles;
    gm_root_form form;
    size_t count;
    double *matrix;   // [count][count]: reflections
    double *diagonal; // [count]
    double *beside;   // [count]
    double *weight;   // [poles]
    double *pivot;    // [count][poles]: reciprocals
    double *lower;    // [count][poles]
    double *work;     // [2 * count][poles]
} gm_root;

/// Numbers of room for matrices of up to `count` unknowns.
size_t gm_root_room(size_t count);

/// Factors a matrix.
/// @param count   >= 1
/// @param matrix  in, [count][count], symmetric, finite, eigenvalues >= 1 but for rounding; it
///                becomes part of the result and is overwritten
/// @param room    [gm_root_room(count)], 64-byte aligned; lives as long as the result
gm_root gm_root_factor(const gm_root_table *table, gm_root_form form, size_t count, double *matrix,
                       double *room);

/// Multiplies vectors by the root.
/// @param vectors  in out, [count][GM_LANES]: vector v is column v
/// @param used     how many columns are wanted, 1 .. GM_LANES; the others are spoilt
void gm_root_apply(const gm_root *root, double *vectors, size_t used);

/// Multiplies a vector by the inverse of the matrix itself. @param vector  in out, [count]
void gm_root_solve(const gm_root *root, double *vector);

#endif
