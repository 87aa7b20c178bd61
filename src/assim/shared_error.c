// Sums over modes that residuals share: see shared_error.h.
#include "assim/shared_error.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"

void gm_shared_begin(gm_shared_error *shared)
{
    for (size_t row = 0; row < shared->count; row++) {
        for (size_t column = 0; column < shared->count; column++) {
            shared->matrix[row * shared->count + column] = row == column ? 1.0 : 0.0;
        }
        shared->pull[row] = 0.0;
    }
}

void gm_shared_add(gm_shared_error *shared, const double *restrict anomalies, double residual,
                   double weight)
{
    for (size_t row = 0; row < shared->count; row++) {
        double scaled = weight * anomalies[row];
        double *restrict to = shared->matrix + row * shared->count;
        for (size_t column = 0; column <= row; column++) {
            to[column] += scaled * anomalies[column];
        }
        shared->pull[row] += scaled * residual;
    }
}

bool gm_shared_solve(gm_shared_error *shared)
{
    bool sound = shared->count == 0 || gm_cholesky(shared->count, shared->matrix);
    if (sound && shared->count > 0) {
        memcpy(shared->modes, shared->pull, shared->count * sizeof *shared->pull);
        gm_cholesky_solve(shared->count, shared->matrix, shared->modes);
    }
    return sound;
}

static double product_of(const double *a, const double *b, size_t count)
{
    double sum = 0.0;
    for (size_t index = 0; index < count; index++) {
        sum += a[index] * b[index];
    }
    return sum;
}

double gm_shared_variance(const gm_shared_error *shared, const double *anomalies, double *work)
{
    memcpy(work, anomalies, shared->count * sizeof *work);
    gm_cholesky_solve(shared->count, shared->matrix, work);
    return fmax(product_of(anomalies, work, shared->count), 0.0);
}

void gm_shared_take_out(const gm_shared_error *shared, const double *along, double *square,
                        double *product, double *work)
{
    if (shared->count == 0) {
        return;
    }
    memcpy(work, along, shared->count * sizeof *work);
    gm_cholesky_solve(shared->count, shared->matrix, work);
    *square = fmax(*square - product_of(along, work, shared->count), 0.0);
    *product -= product_of(work, shared->pull, shared->count);
}
