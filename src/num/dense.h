// Small dense linear algebra: products, Cholesky, eigenvalues of symmetric matrices. Up to a few
// hundred unknowns.
//
// Matrices are row-major [rows][columns]. Every sum runs in index order: the same bits on every
// machine.
#ifndef GEMEL_NUM_DENSE_H
#define GEMEL_NUM_DENSE_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>

/// The sizes of a product: [rows][inner] times [inner][columns].
typedef struct gm_product_shape {
    size_t rows, inner, columns;
} gm_product_shape;

/// product = a b.
/// @param a        [rows][inner]
/// @param b        [inner][columns]
/// @param product  out, [rows][columns]; must not overlap a or b
void gm_dense_multiply(gm_product_shape shape, const double *restrict a, const double *restrict b,
                       double *restrict product);

/// product = a' b.
/// @param a        [inner][rows]
/// @param b        [inner][columns]
/// @param product  out, [rows][columns]; must not overlap a or b
void gm_dense_multiply_transposed(gm_product_shape shape, const double *restrict a,
                                  const double *restrict b, double *restrict product);

/// Factors a symmetric positive definite matrix, a = L L', in place; reads and writes the lower
/// triangle only.
/// @param a  in out, [count][count]
/// @return false when a pivot is not positive and finite; then `a` is spoilt
bool gm_cholesky(size_t count, double *a);

/// Solves with the factor of gm_cholesky.
/// @param x  in out, [count]: the right-hand side, then the solution
void gm_cholesky_solve(size_t count, const double *factor, double *x);

/// Householder's reflections bring a symmetric matrix to tridiagonal form, a = Q T Q' with Q = H0
/// H1
/// ..., H = I - factor v v'. It takes the same operations for every matrix of a size.
/// @param a     in out, [count][count], both triangles filled, its greatest entry about 1 or more.
///              After it the diagonal is that of T and below it stands T's subdiagonal; the rest
///              of row k, from a[k][k + 1] on, holds v of reflection k, and a[k + 2][k] its factor
/// @param work  [count]
/// @source Golub, Van Loan, Matrix Computations, 4th ed., 8.3.1.
void gm_dense_tridiagonalise(size_t count, double *a, double *work);

/// Eigenvalues and vectors of a symmetric matrix, a = V diag(values) V', with the precision of
/// the greatest value.
/// @param a        in out, [count][count], both triangles filled; destroyed
/// @param values   out, [count], ascending
/// @param vectors  out, [count][count], a row an eigenvector, of length 1; its greatest component
///                 (the first of equals) is positive
/// @return GM_OK; GM_NUMERIC (not finite; no convergence): then values and vectors are undefined
/// @source Golub, Van Loan, Matrix Computations, 4th ed., 8.3.
gm_status gm_symmetric_eigen(size_t count, double *a, double *values, double *vectors,
                             gm_error *error);

#endif
