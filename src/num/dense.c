// Dense products, Cholesky factors and eigenvalues: num/dense.h.
//
// Eigenvalues: Householder's tridiagonal form, then the QL method with implicit shifts (Bowdler,
// Martin, Reinsch, Wilkinson, Numer. Math. 11 (1968) 293-306; Golub, Van Loan, Matrix Computations,
// 4th ed., 8.3). Inner loops run along rows and never sum along them, so that they are vectors.
#include "num/dense.h"

#include <math.h>
#include <string.h>

#include "num/lanes.h"

/// A symmetric tridiagonal matrix on its way to diagonal form, T = V' D V.
typedef struct tridiagonal {
    size_t count;
    double *diagonal; // [count]
    double *beside;   // [count]: beside[i] joins i and i + 1; the last is 0
    double *vectors;  // [count][count], a row an eigenvector
} tridiagonal;

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
    enum { TOGETHER = 4 }; // rows of b go through one row of the product at once
    size_t rows = shape.rows, columns = shape.columns, k = 0;
    memset(product, 0, rows * columns * sizeof *product);
    for (; k + TOGETHER <= shape.inner; k += TOGETHER) {
        const double *restrict first = b + k * columns, *restrict second = first + columns;
        const double *restrict third = second + columns, *restrict fourth = third + columns;
        for (size_t i = 0; i < rows; i++) {
            const double *factor = a + k * rows + i;
            double f0 = factor[0], f1 = factor[rows], f2 = factor[2 * rows], f3 = factor[3 * rows];
            double *restrict row = product + i * columns;
            for (size_t j = 0; j < columns; j++) {
                row[j] =
                    (((row[j] + f0 * first[j]) + f1 * second[j]) + f2 * third[j]) + f3 * fourth[j];
            }
        }
    }
    for (; k < shape.inner; k++) {
        const double *restrict from = b + k * columns;
        for (size_t i = 0; i < rows; i++) {
            double factor = a[k * rows + i];
            double *restrict row = product + i * columns;
            for (size_t j = 0; j < columns; j++) {
                row[j] += factor * from[j];
            }
        }
    }
}

/// gm_dense_tridiagonalise; entries of about 1 are asked for by a column's test for 0.
static GM_KERNEL void dense_tridiagonalise(size_t count, double *a, double *restrict work)
{
    for (size_t k = 0; k + 2 < count; k++) {
        double *restrict v = a + k * count;
        double norm = 0.0, product = 0.0, square = 0.0;
        for (size_t j = k + 1; j < count; j++) {
            norm += v[j] * v[j];
            work[j] = 0.0;
        }
        // beside entries of about 1 such a column is zero
        norm = norm > 1e-280 ? copysign(sqrt(norm), -v[k + 1]) : 0.0;
        v[k + 1] -= norm;
        for (size_t j = k + 1; j < count; j++) {
            square += v[j] * v[j];
            const double *restrict row = a + j * count;
            double weight = v[j];
            for (size_t i = k + 1; i < count; i++) {
                work[i] += weight * row[i];
            }
        }
        double factor = norm != 0.0 ? 2.0 / square : 0.0;
        for (size_t j = k + 1; j < count; j++) {
            work[j] *= factor;
            product += work[j] * v[j];
        }
        for (size_t j = k + 1; j < count; j++) {
            work[j] -= 0.5 * factor * product * v[j];
        }
        for (size_t j = k + 1; j < count; j++) {
            double *restrict row = a + j * count;
            double left = v[j], right = work[j];
            for (size_t i = k + 1; i < count; i++) {
                row[i] -= left * work[i] + right * v[i];
            }
        }
        a[(k + 1) * count + k] = norm;
        a[(k + 2) * count + k] = factor;
    }
}

/// The product Q of the reflections, turned: rows of Q'.
/// @param work  [count]
static GM_KERNEL void dense_gather_reflections(size_t count, const double *a, double *vectors,
                                               double *restrict work)
{
    memset(vectors, 0, count * count * sizeof *vectors);
    for (size_t i = 0; i < count; i++) {
        vectors[i * count + i] = 1.0;
    }
    for (size_t k = count < 2 ? 0 : count - 2; k-- > 0;) { // Q grows from its last corner
        const double *v = a + k * count;
        double factor = a[(k + 2) * count + k];
        memset(work, 0, count * sizeof *work);
        for (size_t i = k + 1; i < count; i++) {
            const double *restrict row = vectors + i * count;
            for (size_t j = k + 1; j < count; j++) {
                work[j] += v[i] * row[j];
            }
        }
        for (size_t i = k + 1; i < count; i++) {
            double *restrict row = vectors + i * count;
            double weight = factor * v[i];
            for (size_t j = k + 1; j < count; j++) {
                row[j] -= weight * work[j];
            }
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            double swap = vectors[i * count + j];
            vectors[i * count + j] = vectors[j * count + i];
            vectors[j * count + i] = swap;
        }
    }
}

/// Turns the rows x and y by an angle.
static GM_KERNEL void dense_rotate(size_t count, double *restrict x, double *restrict y,
                                   double cosine, double sine)
{
    for (size_t k = 0; k < count; k++) {
        double a = x[k], b = y[k];
        x[k] = cosine * a - sine * b;
        y[k] = sine * a + cosine * b;
    }
}

/// One sweep of the QL method with Wilkinson's shift over the unreduced rows first .. last.
static void sweep_ql(const tridiagonal *t, size_t first, size_t last)
{
    double *d = t->diagonal, *e = t->beside;
    double ratio = (d[first + 1] - d[first]) / (2.0 * e[first]);
    double shift = d[first] - e[first] / (ratio + copysign(hypot(ratio, 1.0), ratio));
    double chased = d[last] - shift, cosine = 1.0, sine = 1.0, carried = 0.0;
    for (size_t i = last; i-- > first;) {
        double bulge = sine * e[i], rest = cosine * e[i];
        double length = hypot(bulge, chased);
        e[i + 1] = length;
        if (length == 0.0) { // the matrix falls apart here
            d[i + 1] -= carried;
            e[last] = 0.0;
            return;
        }
        sine = bulge / length;
        cosine = chased / length;
        double next = d[i + 1] - carried;
        double turned = (d[i] - next) * sine + 2.0 * cosine * rest;
        carried = sine * turned;
        d[i + 1] = next + carried;
        chased = cosine * turned - rest;
        dense_rotate(t->count, t->vectors + i * t->count, t->vectors + (i + 1) * t->count, cosine,
                     sine);
    }
    d[first] -= carried;
    e[first] = chased;
    e[last] = 0.0;
}

/// @return false when it takes too many sweeps
static bool diagonalise(const tridiagonal *t)
{
    enum { SWEEP_LIMIT = 60 }; // of one eigenvalue; two or three in practice
    double size = 0.0;
    for (size_t i = 0; i < t->count; i++) {
        size = fmax(size, fabs(t->diagonal[i]) + fabs(t->beside[i]));
    }
    const double negligible = 0x1p-53 * size;
    for (size_t first = 0; first < t->count; first++) {
        for (int sweep = 0;; sweep++) {
            size_t last = first;
            while (last + 1 < t->count && fabs(t->beside[last]) > negligible) {
                last++;
            }
            if (last == first) {
                break;
            }
            if (sweep >= SWEEP_LIMIT) {
                return false;
            }
            sweep_ql(t, first, last);
        }
    }
    return true;
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

void gm_dense_tridiagonalise(size_t count, double *a, double *work)
{
    dense_tridiagonalise(count, a, work);
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
    double greatest = 0.0, probe = 0.0; // 0 * x is 0 for finite x, else NaN
    for (size_t at = 0; at < count * count; at++) {
        greatest = fmax(greatest, fabs(a[at]));
        probe += 0.0 * a[at];
    }
    if (probe != 0.0) {
        return gm_error_set(error, GM_NUMERIC, "a matrix of %zu holds a value that is not finite",
                            count);
    }
    int exponent;
    frexp(greatest, &exponent);
    for (size_t at = 0; at < count * count; at++) {
        a[at] = ldexp(a[at], -exponent); // squares neither overflow nor vanish
    }
    dense_tridiagonalise(count, a, values);
    dense_gather_reflections(count, a, vectors, values);
    for (size_t i = 0; i < count; i++) {
        values[i] = a[i * count + i];
    }
    for (size_t i = 0; i + 1 < count; i++) { // the first row is free now
        a[i] = a[(i + 1) * count + i];
    }
    tridiagonal t = { .count = count, .diagonal = values, .beside = a, .vectors = vectors };
    if (count > 0) {
        a[count - 1] = 0.0;
    }
    if (!diagonalise(&t)) {
        return gm_error_set(error, GM_NUMERIC, "the eigenvalues of a matrix of %zu do not converge",
                            count);
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = ldexp(values[i], exponent);
    }
    arrange(count, values, vectors);
    return GM_OK;
}
