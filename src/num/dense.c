// Dense products, Cholesky factors and Jacobi's eigenvalues: num/dense.h.
#include "num/dense.h"

#include <math.h>
#include <string.h>

#include "num/lanes.h"

static GM_KERNEL void dense_multiply(gm_product_shape shape, const double *restrict a,
                                     const double *restrict b, double *restrict product)
{
    memset(product, 0, shape.rows * shape.columns * sizeof *product);
    for (size_t i = 0; i < shape.rows; i++) {
        double *restrict row = product + i * shape.columns;
        for (size_t k = 0; k < shape.inner; k++) {
            double factor = a[i * shape.inner + k];
            const double *restrict from = b + k * shape.columns;
            for (size_t j = 0; j < shape.columns; j++) {
                row[j] += factor * from[j];
            }
        }
    }
}

static GM_KERNEL void dense_multiply_transposed(gm_product_shape shape, const double *restrict a,
                                                const double *restrict b, double *restrict product)
{
    memset(product, 0, shape.rows * shape.columns * sizeof *product);
    for (size_t k = 0; k < shape.inner; k++) {
        const double *restrict from = b + k * shape.columns;
        for (size_t i = 0; i < shape.rows; i++) {
            double factor = a[k * shape.rows + i];
            double *restrict row = product + i * shape.columns;
            for (size_t j = 0; j < shape.columns; j++) {
                row[j] += factor * from[j];
            }
        }
    }
}

/// [x y] = [x y] turned by the angle of (cosine, sine), element by element.
GM_INLINE void rotate(size_t count, double *restrict x, double *restrict y, double cosine,
                      double sine)
{
    for (size_t k = 0; k < count; k++) {
        double a = x[k], b = y[k];
        x[k] = cosine * a - sine * b;
        y[k] = sine * a + cosine * b;
    }
}

/// One rotation that clears a[p][q], p < q. Rows turn first; the columns are then copied from them,
/// a being symmetric.
static GM_KERNEL void jacobi_rotate(size_t count, double *a, double *vectors, size_t p, size_t q)
{
    double *row_p = a + p * count, *row_q = a + q * count;
    double off = row_p[q], pp = row_p[p], qq = row_q[q];
    double ratio = (qq - pp) / (2.0 * off);
    double tangent = copysign(1.0, ratio) / (fabs(ratio) + sqrt(1.0 + ratio * ratio));
    double cosine = 1.0 / sqrt(1.0 + tangent * tangent), sine = tangent * cosine;
    rotate(count, row_p, row_q, cosine, sine);
    row_p[p] = pp - tangent * off;
    row_q[q] = qq + tangent * off;
    row_p[q] = row_q[p] = 0.0;
    for (size_t k = 0; k < count; k++) {
        a[k * count + p] = row_p[k];
        a[k * count + q] = row_q[k];
    }
    rotate(count, vectors + p * count, vectors + q * count, cosine, sine);
}

/// Ascending values, each with its vector; signs made definite.
static void arrange(size_t count, double *values, double *vectors)
{
    for (size_t i = 0; i < count; i++) {
        size_t least = i;
        for (size_t j = i + 1; j < count; j++) {
            least = values[j] < values[least] ? j : least;
        }
        double *row = vectors + i * count, *other = vectors + least * count;
        double swap = values[i];
        values[i] = values[least];
        values[least] = swap;
        size_t greatest = 0;
        for (size_t k = 0; k < count; k++) {
            swap = row[k];
            row[k] = other[k];
            other[k] = swap;
            greatest = fabs(row[k]) > fabs(row[greatest]) ? k : greatest;
        }
        for (size_t k = 0; row[greatest] < 0.0 && k < count; k++) {
            row[k] = k == greatest ? row[k] : -row[k];
        }
        row[greatest] = fabs(row[greatest]);
    }
}

void gm_dense_multiply(gm_product_shape shape, const double *restrict a, const double *restrict b,
                       double *restrict product)
{
    dense_multiply(shape, a, b, product);
}

void gm_dense_multiply_transposed(gm_product_shape shape, const double *restrict a,
                                  const double *restrict b, double *restrict product)
{
    dense_multiply_transposed(shape, a, b, product);
}

bool gm_cholesky(size_t count, double *a)
{
    for (size_t i = 0; i < count; i++) {
        double *row = a + i * count;
        for (size_t j = 0; j <= i; j++) {
            const double *other = a + j * count;
            double sum = row[j];
            for (size_t k = 0; k < j; k++) {
                sum -= row[k] * other[k];
            }
            if (j < i) {
                row[j] = sum / other[j];
            } else if (sum > 0.0 && isfinite(sum)) {
                row[i] = sqrt(sum);
            } else {
                return false;
            }
        }
    }
    return true;
}

void gm_cholesky_solve(size_t count, const double *factor, double *x)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            x[i] -= factor[i * count + j] * x[j];
        }
        x[i] /= factor[i * count + i];
    }
    for (size_t i = count; i-- > 0;) {
        x[i] /= factor[i * count + i];
        for (size_t j = 0; j < i; j++) {
            x[j] -= factor[i * count + j] * x[i];
        }
    }
}

gm_status gm_symmetric_eigen(size_t count, double *a, double *values, double *vectors,
                             gm_error *error)
{
    enum { SWEEP_LIMIT = 60 }; // quadratic convergence: six to ten in practice
    memset(vectors, 0, count * count * sizeof *vectors);
    double size = 0.0;
    for (size_t i = 0; i < count; i++) {
        vectors[i * count + i] = 1.0;
        for (size_t j = 0; j < count; j++) {
            size += fabs(a[i * count + j]);
        }
    }
    if (!isfinite(size)) {
        return gm_error_set(error, GM_NUMERIC, "a matrix of %zu holds a value that is not finite",
                            count);
    }
    bool turned = true;
    for (int sweep = 0; turned; sweep++) {
        if (sweep >= SWEEP_LIMIT) {
            return gm_error_set(error, GM_NUMERIC, "no eigenvalues of a matrix of %zu in %d sweeps",
                                count, SWEEP_LIMIT);
        }
        turned = false;
        for (size_t p = 0; p + 1 < count; p++) {
            for (size_t q = p + 1; q < count; q++) {
                // negligible beside both diagonal values, or beside the whole matrix
                double off = fabs(a[p * count + q]);
                double beside = fmin(fabs(a[p * count + p]), fabs(a[q * count + q]));
                if (off > 1e-17 * beside && off > 1e-18 * size) {
                    jacobi_rotate(count, a, vectors, p, q);
                    turned = true;
                }
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = a[i * count + i];
    }
    arrange(count, values, vectors);
    return GM_OK;
}
