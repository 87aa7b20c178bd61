// The ensemble transform Kalman filter; equations and sources in transform_filter.h.
#include "assim/transform_filter.h"

#include <math.h>
#include <string.h>

#include "assim/lane_sums.h"
#include "base/require.h"
#include "num/dense.h"
#include "num/rk4.h"

enum {
    ROWS = 4,             // that share what is loaded of the matrix
    VECTORS = 2,          // of lanes, whose sums over all rows stay in registers
    CHUNKS = 32,          // that rows are shared in, at most
    CHUNK_NUMBERS = 8192, // values times lanes below which sharing does not pay
};

// ---- rows of the matrix ----

/// row = factors times the matrix. @param factors [lanes]
GM_KERNEL static void transform_row(const double *restrict factors, const double *restrict matrix,
                                    size_t lanes, double *restrict row)
{
    memset(row, 0, lanes * sizeof *row);
    for (size_t i = 0; i < lanes; i++) {
        const double factor = factors[i], *restrict from = matrix + i * lanes;
        for (size_t k = 0; k < lanes; k++) {
            row[k] += factor * from[k];
        }
    }
}

/// What a direction takes out of every row of the matrix, and adds to its shift.
typedef struct removal {
    const double *direction; // [lanes]
    double share;            // of a row's product with it that is taken out
    double moves;            // and that is added to the shift
} removal;

GM_KERNEL static void transform_remove(gm_transform *transform, removal of)
{
    size_t lanes = transform->lanes;
    const double *restrict direction = of.direction;
    for (size_t i = 0; i < lanes; i++) {
        double *restrict row = transform->matrix + i * lanes;
        double product = gm_lane_product(row, direction, lanes);
        double taken = product * of.share;
        transform->shift[i] += product * of.moves;
        for (size_t k = 0; k < lanes; k++) {
            row[k] -= taken * direction[k];
        }
    }
}

// ---- measurements ----

/// Writes a row's deviations. @return its mean
GM_KERNEL static double transform_centre(const double *restrict row, size_t lanes,
                                         double *restrict deviations)
{
    double mean = gm_lane_sum(row, lanes) / (double)lanes;
    for (size_t k = 0; k < lanes; k++) {
        deviations[k] = row[k] - mean;
    }
    return mean;
}

GM_KERNEL static double transform_product(const double *a, const double *b, size_t lanes)
{
    return gm_lane_product(a, b, lanes);
}

/// @return false when lanes are so far apart that their variance is no number
static bool take_measurement(gm_transform *transform, const gm_analysis *analysis, size_t index,
                             gm_innovation *innovation)
{
    size_t lanes = transform->lanes;
    double degrees = (double)(lanes - 1);
    double *given = transform->work, *now = given + lanes;
    double mean = transform_centre(analysis->predictions + index * lanes, lanes, given);
    double variance = analysis->variance[index];
    double surprise = analysis->measured[index] - mean;
    if (innovation != NULL) {
        double ensemble = transform_product(given, given, lanes) / degrees;
        *innovation = (gm_innovation){ surprise, sqrt(ensemble + variance), ensemble };
    }
    surprise -= transform_product(given, transform->shift, lanes);
    transform_row(given, transform->matrix, lanes, now);
    double ensemble = transform_product(now, now, lanes) / degrees;
    if (analysis->gate > 0.0) {
        double limit = surprise * surprise / (analysis->gate * analysis->gate);
        variance = fmax(variance, limit - ensemble);
    }
    double total = ensemble + variance, scale = 1.0 / (degrees * total);
    removal of = { .direction = now,
                   .share = scale / (1.0 + sqrt(variance / total)),
                   .moves = scale * surprise };
    transform_remove(transform, of);
    return isfinite(scale * surprise) && isfinite(total);
}

// ---- application ----

/// A vector of lanes wherever it stands.
typedef double lanes_anywhere
    __attribute__((vector_size(GM_LANES * sizeof(double)), aligned(sizeof(double)), may_alias));

/// Some rows, whose means are where they are to go.
typedef struct tile {
    const double *matrix; // [lanes][stride], from the tile's first lane on
    size_t stride;
    const double *deviations; // [rows][lanes]
    const double *mean;       // [rows]
    size_t lanes;
} tile;

/// So many vectors of lanes of so many rows. Sums run over lanes in order.
/// @param kept  of the last vector: lanes that there are, the others are dropped
GM_INLINE void fill_vectors(const tile *of, const size_t rows, const size_t vectors, size_t kept,
                            double *to)
{
    gm_lanes sum[ROWS][VECTORS];
#pragma GCC unroll 4
    for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++) {
            sum[row][v] = (gm_lanes){ 0 };
        }
    }
    for (size_t i = 0; i < of->lanes; i++) {
        const lanes_anywhere *at = (const void *)(of->matrix + i * of->stride);
        gm_lanes from[VECTORS];
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++) {
            from[v] = at[v];
        }
#pragma GCC unroll 4
        for (size_t row = 0; row < rows; row++) {
            const double factor = of->deviations[row * of->lanes + i];
#pragma GCC unroll 2
            for (size_t v = 0; v < vectors; v++) {
                sum[row][v] += factor * from[v];
            }
        }
    }
#pragma GCC unroll 4
    for (size_t row = 0; row < rows; row++) {
#pragma GCC unroll 2
        for (size_t v = 0; v < vectors; v++) {
            gm_lanes moved = of->mean[row] + sum[row][v];
            memcpy(to + row * of->lanes + v * GM_LANES, &moved, kept * sizeof(double));
        }
    }
}

/// Draws a row together whose squared deviations sum to more than allowed.
GM_INLINE void bound_row(double *values, double mean, double allowed, size_t lanes)
{
    double sum = gm_lane_comoment(values, mean, values, mean, lanes);
    if (sum > allowed) {
        double factor = sqrt(allowed / sum);
        for (size_t k = 0; k < lanes; k++) {
            values[k] = mean + factor * (values[k] - mean);
        }
    }
}

/// @param rest  [lanes][GM_LANES]: the matrix's last lanes % GM_LANES columns, padded
GM_INLINE void apply_rows(const gm_transform *transform, const double *rest, double *values,
                          const size_t rows, double *work)
{
    const size_t lanes = transform->lanes;
    double mean[ROWS];
    for (size_t row = 0; row < rows; row++) {
        double *restrict own = work + row * lanes;
        const double *restrict from = values + row * lanes;
        mean[row] = gm_lane_sum(from, lanes) / (double)lanes;
        for (size_t k = 0; k < lanes; k++) {
            own[k] = from[k] - mean[row];
        }
        mean[row] += gm_lane_product(own, transform->shift, lanes);
    }
    tile of = { transform->matrix, lanes, work, mean, lanes };
    size_t first = 0;
    for (; first + VECTORS * GM_LANES <= lanes; first += VECTORS * GM_LANES) {
        of.matrix = transform->matrix + first;
        fill_vectors(&of, rows, VECTORS, GM_LANES, values + first);
    }
    for (; first + GM_LANES <= lanes; first += GM_LANES) {
        of.matrix = transform->matrix + first;
        fill_vectors(&of, rows, 1, GM_LANES, values + first);
    }
    if (first < lanes) {
        of.matrix = rest;
        of.stride = GM_LANES;
        fill_vectors(&of, rows, 1, lanes - first, values + first);
    }
    for (size_t row = 0; transform->widest > 0.0 && row < rows; row++) {
        const double *own = work + row * lanes;
        double allowed = gm_lane_product(own, own, lanes) * transform->widest * transform->widest;
        bound_row(values + row * lanes, mean[row], allowed, lanes);
    }
}

GM_KERNEL static void transform_values(const gm_transform *transform, double *values, size_t count,
                                       double *work)
{
    size_t lanes = transform->lanes, left = lanes % GM_LANES, row = 0;
    double *rest = work + ROWS * lanes;
    for (size_t i = 0; i < lanes; i++) {
        for (size_t k = 0; k < GM_LANES; k++) {
            rest[i * GM_LANES + k] = k < left ? transform->matrix[(i + 1) * lanes - left + k] : 0.0;
        }
    }
    for (; row + ROWS <= count; row += ROWS) {
        apply_rows(transform, rest, values + row * lanes, ROWS, work);
    }
    for (; row < count; row++) {
        apply_rows(transform, rest, values + row * lanes, 1, work);
    }
}

// ---- public ----

size_t gm_transform_work_count(size_t lanes)
{
    return (ROWS + GM_LANES) * lanes;
}

size_t gm_transform_room(size_t lanes)
{
    // beside shift and matrix: eigenvalues, eigenvectors and a matrix of the symmetric root
    return lanes + lanes * lanes + CHUNKS * gm_transform_work_count(lanes) + lanes +
           2 * lanes * lanes;
}

gm_transform gm_transform_start(double *room, size_t lanes, double inflation)
{
    gm_transform made = { .lanes = lanes,
                          .matrix = room,
                          .shift = room + lanes * lanes,
                          .work = room + lanes * lanes + lanes };
    memset(room, 0, (lanes * lanes + lanes) * sizeof *room);
    for (size_t lane = 0; lane < lanes; lane++) {
        made.matrix[lane * lanes + lane] = inflation;
    }
    return made;
}

gm_status gm_transform_take(gm_transform *transform, const gm_analysis *analysis,
                            gm_innovation *innovations, gm_error *error)
{
    GM_REQUIRE(analysis->lanes == transform->lanes);
    gm_analysis looked = *analysis;
    looked.value_count = 0;
    gm_status status = gm_analysis_check(&looked, error);
    if (status != GM_OK) {
        return status;
    }
    if (analysis->caution != NULL || analysis->chance > 0.0) {
        return gm_error_set(error, GM_INVALID,
                            "one transform cannot treat values with different caution");
    }
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        if (!take_measurement(transform, analysis, index,
                              innovations != NULL ? innovations + index : NULL)) {
            return gm_error_set(error, GM_NUMERIC, "predictions too far apart to be numbers");
        }
    }
    return GM_OK;
}

gm_status gm_transform_symmetrise(gm_transform *transform, gm_error *error)
{
    size_t lanes = transform->lanes;
    double *values = transform->work + CHUNKS * gm_transform_work_count(lanes);
    double *vectors = values + lanes, *product = vectors + lanes * lanes;
    for (size_t i = 0; i < lanes; i++) {
        for (size_t j = 0; j <= i; j++) {
            double sum = transform_product(transform->matrix + i * lanes,
                                           transform->matrix + j * lanes, lanes);
            product[i * lanes + j] = sum;
            product[j * lanes + i] = sum;
        }
    }
    gm_status status = gm_symmetric_eigen(lanes, product, values, vectors, error);
    if (status != GM_OK) {
        return status;
    }
    for (size_t i = 0; i < lanes; i++) {
        double root = sqrt(fmax(values[i], 0.0));
        for (size_t k = 0; k < lanes; k++) {
            product[i * lanes + k] = root * vectors[i * lanes + k];
        }
    }
    gm_dense_multiply_transposed((gm_product_shape){ lanes, lanes, lanes }, vectors, product,
                                 transform->matrix);
    return GM_OK;
}

/// Reflects the matrix's rows at the plane normal to `direction`.
static void reflect(gm_transform *transform, const double *direction)
{
    double square = transform_product(direction, direction, transform->lanes);
    if (square > 0.0) {
        transform_remove(transform, (removal){ direction, 2.0 / square, 0.0 });
    }
}

void gm_transform_rotate(gm_transform *transform, gm_random random, uint32_t purpose,
                         uint64_t occurrence)
{
    size_t lanes = transform->lanes;
    double *axis = transform->work, *direction = axis + lanes;
    // a reflection that takes the mean's direction to the first axis; the others are free to turn
    for (size_t lane = 0; lane < lanes; lane++) {
        axis[lane] = 1.0;
    }
    axis[0] += sqrt((double)lanes);
    reflect(transform, axis);
    for (size_t first = 1; first < lanes; first++) {
        gm_draw draw = { (uint32_t)first, (uint32_t)first, purpose, occurrence };
        memset(direction, 0, lanes * sizeof *direction);
        gm_random_normal_lanes(random, draw, (int)(lanes - first), direction + first);
        double length = sqrt(transform_product(direction, direction, lanes));
        bool turned = direction[first] >= 0.0; // Stewart's sign, drawn with the direction
        direction[first] += turned ? length : -length;
        if (first + 1 < lanes) {
            reflect(transform, direction);
        }
        for (size_t row = 0; turned && row < lanes; row++) {
            transform->matrix[row * lanes + first] *= -1.0;
        }
    }
    reflect(transform, axis);
}

void gm_transform_inflate(gm_transform *transform, double factor)
{
    for (size_t i = 0; i < transform->lanes * transform->lanes; i++) {
        transform->matrix[i] *= factor;
    }
}

void gm_transform_apply(const gm_transform *transform, double *values, size_t count, double *work)
{
    transform_values(transform, values, count, work);
}

/// Rows on their way through a team.
typedef struct shared_rows {
    const gm_transform *transform;
    double *values;
    size_t count, each; // rows in all, and of every chunk but the last
} shared_rows;

static void share_chunk(void *context, size_t chunk)
{
    const shared_rows *of = context;
    size_t lanes = of->transform->lanes, first = chunk * of->each;
    size_t count = of->count - first < of->each ? of->count - first : of->each;
    transform_values(of->transform, of->values + first * lanes, count,
                     of->transform->work + chunk * gm_transform_work_count(lanes));
}

void gm_transform_share(const gm_transform *transform, double *values, size_t count,
                        gm_workers *workers)
{
    shared_rows of = { .transform = transform, .values = values, .count = count };
    size_t least = CHUNK_NUMBERS / transform->lanes + 1;
    of.each = (count + CHUNKS - 1) / CHUNKS;
    of.each = (of.each > least ? of.each : least) + ROWS - 1;
    of.each -= of.each % ROWS;
    gm_workers_run(workers, (count + of.each - 1) / of.each, share_chunk, &of);
}

gm_transform_options gm_default_transform_options(void)
{
    return (gm_transform_options){ .before = 1.0, .after = 1.0, .symmetric = true };
}

static bool is_factor(double factor)
{
    return factor > 0.0 && isfinite(factor);
}

gm_status gm_transform_update(const gm_analysis *analysis, const gm_transform_options *options,
                              double *room, gm_innovation *innovations, gm_error *error)
{
    if (!is_factor(options->before) || !is_factor(options->after)) {
        return gm_error_set(error, GM_INVALID, "an inflation by %g before and %g after",
                            options->before, options->after);
    }
    gm_status status = gm_analysis_check(analysis, error);
    gm_transform transform = { 0 };
    if (status == GM_OK) {
        transform = gm_transform_start(room, analysis->lanes, options->before);
        status = gm_transform_take(&transform, analysis, innovations, error);
    }
    if (status == GM_OK && options->symmetric && options->turns == NULL) {
        status = gm_transform_symmetrise(&transform, error);
    }
    if (status != GM_OK) {
        return status;
    }
    if (options->turns != NULL) {
        gm_transform_rotate(&transform, *options->turns, options->purpose, options->occurrence);
    }
    gm_transform_inflate(&transform, options->after);
    transform.widest = options->bounded ? options->after : 0.0;
    gm_transform_share(&transform, analysis->values, analysis->value_count, options->workers);
    gm_transform_share(&transform, analysis->predictions, analysis->measurement_count,
                       options->workers);
    return GM_OK;
}

bool gm_transform_pays(const gm_analysis *analysis)
{
    double lanes = (double)analysis->lanes, measured = (double)analysis->measurement_count;
    double rows = (double)analysis->value_count + measured, square = lanes * lanes;
    // nanoseconds, measured with 8 to 256 lanes
    double one_by_one = measured * rows * (13.0 + 0.75 * lanes);
    double at_once = measured * 0.3 * square + rows * (20.0 + 0.06 * square);
    return analysis->caution == NULL && analysis->chance == 0.0 && at_once < one_by_one;
}
