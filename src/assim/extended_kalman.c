// The extended Kalman filter; equations and sources in extended_kalman.h.
#include "assim/extended_kalman.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/require.h"
#include "num/dense.h"

// of a value or of its deviation: errors of rounding and of curvature are about equal (Press et
// al., Numerical Recipes, 3rd ed., 5.7)
static const double difference_share = 6e-6;

/// The work space, in parts.
typedef struct parts {
    double *states;  // [count][2 count + 1]: the mean, then up and down along every value
    double *tangent; // [count][count], turned: row i is the response to value i
    double *product; // [count][count]
    double *step;    // [count]: of the differences
} parts;

static parts parts_of(const gm_extended_kalman *filter)
{
    size_t count = filter->count;
    parts made = { .states = filter->work };
    made.tangent = made.states + count * (2 * count + 1);
    made.product = made.tangent + count * count;
    made.step = made.product + count * count;
    return made;
}

static bool all_finite(const double *values, size_t count)
{
    double sum = 0.0;
    for (size_t index = 0; index < count; index++) {
        sum += values[index] - values[index];
    }
    return sum == 0.0;
}

size_t gm_extended_kalman_room(size_t count)
{
    size_t believed = count + count * count;
    return believed + count * (2 * count + 1) + 2 * count * count + count;
}

gm_extended_kalman gm_extended_kalman_in(double *room, size_t count)
{
    GM_REQUIRE(count >= 1 && count <= GM_EXTENDED_KALMAN_MAX);
    memset(room, 0, gm_extended_kalman_room(count) * sizeof *room);
    return (gm_extended_kalman){ .count = count,
                                 .mean = room,
                                 .covariance = room + count,
                                 .work = room + count + count * count };
}

// ---- forecast ----

static void spread_states(const gm_extended_kalman *filter, const parts *in)
{
    size_t count = filter->count, lanes = 2 * count + 1;
    for (size_t i = 0; i < count; i++) {
        double deviation = sqrt(fmax(filter->covariance[i * count + i], 0.0));
        double size = fmax(fabs(filter->mean[i]), deviation);
        in->step[i] = difference_share * (size > 0.0 ? size : 1.0);
        for (size_t lane = 0; lane < lanes; lane++) {
            in->states[i * lanes + lane] = filter->mean[i];
        }
        in->states[i * lanes + 1 + 2 * i] += in->step[i];
        in->states[i * lanes + 2 + 2 * i] -= in->step[i];
    }
}

static void take_tangent(size_t count, const parts *in)
{
    size_t lanes = 2 * count + 1;
    for (size_t from = 0; from < count; from++) {
        for (size_t i = 0; i < count; i++) {
            const double *row = in->states + i * lanes;
            in->tangent[from * count + i] =
                (row[1 + 2 * from] - row[2 + 2 * from]) / (2.0 * in->step[from]);
        }
    }
}

gm_status gm_extended_kalman_forecast(gm_extended_kalman *filter, const gm_extended_model *model,
                                      gm_error *error)
{
    size_t count = filter->count, lanes = 2 * count + 1;
    if (!(model->inflation > 0.0) || !isfinite(model->inflation)) {
        return gm_error_set(error, GM_INVALID, "an inflation by %g", model->inflation);
    }
    parts in = parts_of(filter);
    spread_states(filter, &in);
    gm_status status = model->advance(model->context, in.states, lanes, error);
    if (status != GM_OK) {
        return status;
    }
    take_tangent(count, &in);
    gm_product_shape square = { count, count, count };
    gm_dense_multiply(square, filter->covariance, in.tangent, in.product); // P F'
    if (!all_finite(in.states, count * lanes) || !all_finite(in.product, count * count)) {
        return gm_error_set(error, GM_NUMERIC, "the forecast is not finite");
    }
    gm_dense_multiply_transposed(square, in.tangent, in.product, filter->covariance);
    for (size_t i = 0; i < count; i++) {
        filter->mean[i] = in.states[i * lanes];
        for (size_t j = 0; j <= i; j++) {
            double *upper = &filter->covariance[j * count + i];
            double *lower = &filter->covariance[i * count + j];
            *lower = 0.5 * model->inflation * (*lower + *upper);
            *upper = *lower;
        }
        filter->covariance[i * count + i] += model->noise != NULL ? model->noise[i] : 0.0;
    }
    return GM_OK;
}

// ---- update ----

static gm_status check_sight(const gm_extended_kalman *filter, const gm_extended_sight *sight,
                             gm_error *error)
{
    for (size_t index = 0; index < sight->count; index++) {
        if (!(sight->variance[index] > 0.0)) {
            return gm_error_set(error, GM_INVALID, "the error variance of a measurement is %g",
                                sight->variance[index]);
        }
    }
    bool finite = all_finite(sight->predicted, sight->count) &&
                  all_finite(sight->measured, sight->count) &&
                  all_finite(sight->variance, sight->count) &&
                  all_finite(sight->gradients, sight->count * filter->count);
    return finite ? GM_OK : gm_error_set(error, GM_NUMERIC, "a measurement is not finite");
}

/// P -= K (P g)', then the same from the other side, and K R K'.
static void shrink_covariance(gm_extended_kalman *filter, const double *gradient, double variance,
                              const double *cross, const double *gain)
{
    size_t count = filter->count;
    for (size_t i = 0; i < count; i++) {
        double *row = filter->covariance + i * count, seen = 0.0;
        for (size_t j = 0; j < count; j++) {
            row[j] -= gain[i] * cross[j];
            seen += row[j] * gradient[j];
        }
        for (size_t j = 0; j < count; j++) {
            row[j] += (variance * gain[i] - seen) * gain[j];
        }
    }
}

gm_status gm_extended_kalman_update(gm_extended_kalman *filter, const gm_extended_sight *sight,
                                    gm_error *error)
{
    gm_status status = check_sight(filter, sight, error);
    if (status != GM_OK) {
        return status;
    }
    size_t count = filter->count;
    double *cross = filter->work, *gain = cross + count, *moved = gain + count;
    memset(moved, 0, count * sizeof *moved);
    for (size_t index = 0; index < sight->count; index++) {
        const double *gradient = sight->gradients + index * count;
        double total = sight->variance[index];
        double surprise = sight->measured[index] - sight->predicted[index];
        gm_dense_multiply((gm_product_shape){ count, count, 1 }, filter->covariance, gradient,
                          cross);
        for (size_t i = 0; i < count; i++) {
            total += gradient[i] * cross[i];
            surprise -= gradient[i] * moved[i]; // by the measurements before
        }
        for (size_t i = 0; i < count; i++) {
            gain[i] = cross[i] / total;
            moved[i] += gain[i] * surprise;
        }
        shrink_covariance(filter, gradient, sight->variance[index], cross, gain);
    }
    for (size_t i = 0; i < count; i++) {
        filter->mean[i] += moved[i];
        for (size_t j = 0; j < i; j++) {
            double *upper = &filter->covariance[j * count + i];
            double *lower = &filter->covariance[i * count + j];
            *lower = 0.5 * (*lower + *upper);
            *upper = *lower;
        }
    }
    return GM_OK;
}
