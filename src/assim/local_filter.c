// The local ensemble transform Kalman filter; equations and sources in local_filter.h.
//
// S' S + I (lanes) or S S' + I (measurements), whichever is smaller, is formed for each batch; its
// values go through in blocks of eight, [lane][8]. With few measurements
//
//     (I + S' S)^(-1/2) = I - S' (C^(1/2) + C)^(-1) S,   C = I + S S'.
#include "assim/local_filter.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "assim/lane_sums.h"
#include "base/arena.h"
#include "num/dense.h"
#include "num/inverse_root.h"

enum { CHUNK_BATCHES = 64, ABSENT = -1 };

// Eight values of a batch in one lane
typedef double row_lanes __attribute__((vector_size(GM_LANES * sizeof(double))));

/// What one worker needs for one batch. In the space of lanes `tall` is S and `count` the lanes; in
/// that of measurements `tall` is S' and `count` the measurements near the batch.
typedef struct local_room {
    bool by_lanes;
    size_t height, count;
    double before;  // inflation here: in full where something is measured, none far from it
    double *tall;   // [height][count]
    double *matrix; // [count][count]
    double *gain;   // [count]: of the mean
    double *scaled; // [nearby]: innovations
    double *rows;   // [lanes][8]: deviations of a block of values
    double *turned; // [lanes][8]
    double *dual;   // [count][8]: what measurements see of them
    double *root;   // of num/inverse_root.h
} local_room;

struct gm_local_filter {
    const gm_localisation *where;
    size_t lanes, worker_count;
    gm_root_table table;
    uint32_t *slot;     // [measurements of the localisation]: their number in the analysis
    double *deviations; // [measurements][lanes]: of predictions, over sqrt(R (lanes - 1))
    double *innovation; // [measurements], scaled alike
    local_room *rooms;  // [worker_count]
    atomic_flag *taken; // [worker_count]
    double *memory;     // of the rooms
    // of the update that is going on
    const gm_analysis *analysis;
    const gm_local_options *options;
};

// ---- one batch ----

/// The batch's measurements, scaled by the roots of their weights.
static void gather_nearby(const gm_local_filter *f, size_t batch, local_room *room)
{
    size_t nearby_count, present = 0, lanes = f->lanes;
    const gm_nearby *nearby = gm_localisation_nearby(f->where, batch, &nearby_count);
    float greatest = 0.0F;
    for (size_t k = 0; k < nearby_count; k++) {
        if (f->slot[nearby[k].measurement] != (uint32_t)ABSENT) {
            greatest = nearby[k].weight > greatest ? nearby[k].weight : greatest;
            present++;
        }
    }
    room->before = 1.0 + (f->options->before - 1.0) * (double)greatest;
    room->by_lanes = present >= lanes;
    room->height = room->by_lanes ? present : lanes;
    room->count = room->by_lanes ? lanes : present;
    size_t at = 0;
    for (size_t k = 0; k < nearby_count; k++) {
        uint32_t slot = f->slot[nearby[k].measurement];
        if (slot == (uint32_t)ABSENT) {
            continue;
        }
        const double *from = f->deviations + slot * lanes;
        double scale = sqrt((double)nearby[k].weight), spread = scale * room->before;
        double *to = room->by_lanes ? room->tall + at * lanes : room->tall + at;
        size_t stride = room->by_lanes ? 1 : present;
        for (size_t lane = 0; lane < lanes; lane++) {
            to[lane * stride] = spread * from[lane];
        }
        room->scaled[at++] = scale * f->innovation[slot];
    }
}

/// I + tall' tall, its inverse root and the gain of the mean.
static gm_root make_root(const gm_local_filter *f, local_room *room)
{
    size_t count = room->count;
    gm_dense_multiply_transposed(
        (gm_product_shape){ .rows = count, .inner = room->height, .columns = count }, room->tall,
        room->tall, room->matrix);
    for (size_t i = 0; i < count; i++) {
        room->matrix[i * count + i] += 1.0;
    }
    if (room->by_lanes) {
        gm_dense_multiply((gm_product_shape){ .rows = 1, .inner = room->height, .columns = count },
                          room->scaled, room->tall, room->gain);
    } else {
        memcpy(room->gain, room->scaled, count * sizeof *room->gain);
    }
    gm_root root = gm_root_factor(&f->table, room->by_lanes ? GM_ROOT_PLAIN : GM_ROOT_DUAL, count,
                                  room->matrix, room->root);
    gm_root_solve(&root, room->gain);
    return root;
}

/// Sum over rows i of weight[i] times row i. @param rows [count][8]; @param sum out, [8]
static GM_KERNEL void local_sum_rows(size_t count, const double *weight, const double *rows,
                                     double *sum)
{
    const row_lanes *row = (const row_lanes *)(const void *)rows;
    row_lanes total = { 0 };
    for (size_t i = 0; i < count; i++) {
        total += weight[i] * row[i];
    }
    *(row_lanes *)(void *)sum = total;
}

/// to[j] = sum over i of matrix[i][j] from[i], eight columns each.
static GM_KERNEL void local_multiply_transposed(gm_product_shape shape, const double *matrix,
                                                const double *from, double *to)
{
    const row_lanes *in = (const row_lanes *)(const void *)from;
    row_lanes *out = (row_lanes *)(void *)to;
    memset(to, 0, shape.rows * sizeof *out);
    for (size_t i = 0; i < shape.inner; i++) {
        row_lanes factor = in[i];
        for (size_t j = 0; j < shape.rows; j++) {
            out[j] += matrix[i * shape.rows + j] * factor;
        }
    }
}

/// to[i] -= sum over j of matrix[i][j] from[j], eight columns each.
static GM_KERNEL void local_subtract_product(gm_product_shape shape, const double *matrix,
                                             const double *from, double *to)
{
    const row_lanes *in = (const row_lanes *)(const void *)from;
    row_lanes *out = (row_lanes *)(void *)to;
    for (size_t i = 0; i < shape.rows; i++) {
        row_lanes sum = { 0 };
        for (size_t j = 0; j < shape.inner; j++) {
            sum += matrix[i * shape.inner + j] * in[j];
        }
        out[i] -= sum;
    }
}

/// Up to eight values of a batch.
typedef struct value_block {
    const uint32_t *values;
    size_t count;
    double *mean;  // [8]
    double *shift; // [8]
} value_block;

static GM_KERNEL void local_load(const gm_analysis *analysis, const value_block *block,
                                 double *restrict rows)
{
    size_t lanes = analysis->lanes;
    for (size_t v = 0; v < GM_LANES; v++) {
        const double *value = analysis->values + block->values[v < block->count ? v : 0] * lanes;
        double mean = gm_lane_sum(value, lanes) / (double)lanes;
        block->mean[v] = mean;
        for (size_t lane = 0; lane < lanes; lane++) {
            rows[lane * GM_LANES + v] = value[lane] - mean;
        }
    }
}

static GM_KERNEL void local_store(const gm_analysis *analysis, const value_block *block,
                                  double factor, const double *restrict rows)
{
    size_t lanes = analysis->lanes;
    for (size_t v = 0; v < block->count; v++) {
        double *value = analysis->values + block->values[v] * lanes;
        double mean = block->mean[v] + block->shift[v];
        for (size_t lane = 0; lane < lanes; lane++) {
            value[lane] = mean + factor * rows[lane * GM_LANES + v];
        }
    }
}

/// Moves a block of values. @param root NULL: nothing is measured near them
static void move_block(const gm_local_filter *f, const gm_root *root, local_room *room,
                       value_block *block)
{
    size_t lanes = f->lanes;
    _Alignas(64) double mean[GM_LANES], shift[GM_LANES] = { 0 };
    block->mean = mean;
    block->shift = shift;
    local_load(f->analysis, block, room->rows);
    if (root != NULL && room->by_lanes) {
        local_sum_rows(lanes, room->gain, room->rows, shift);
        gm_root_apply(root, room->rows, block->count);
    } else if (root != NULL) {
        gm_product_shape shape = { .rows = room->count, .inner = lanes };
        local_multiply_transposed(shape, room->tall, room->rows, room->dual);
        local_sum_rows(room->count, room->gain, room->dual, shift);
        gm_root_apply(root, room->dual, block->count);
        shape = (gm_product_shape){ .rows = lanes, .inner = room->count };
        local_subtract_product(shape, room->tall, room->dual, room->rows);
    }
    const double *result = room->rows;
    if (f->options->rotation != NULL) {
        local_multiply_transposed((gm_product_shape){ .rows = lanes, .inner = lanes },
                                  f->options->rotation, room->rows, room->turned);
        result = room->turned;
    }
    for (size_t v = 0; v < GM_LANES; v++) {
        shift[v] *= room->before; // rows were loaded as they are
    }
    local_store(f->analysis, block, room->before * f->options->after, result);
}

static void move_batch(const gm_local_filter *f, size_t batch, local_room *room)
{
    size_t value_count;
    const uint32_t *values = gm_localisation_values(f->where, batch, &value_count);
    if (value_count == 0) {
        return;
    }
    gather_nearby(f, batch, room);
    bool measured = room->count > 0 && room->height > 0;
    gm_root root;
    if (measured) {
        root = make_root(f, room);
    } else if (f->options->rotation == NULL && f->options->after == 1.0) {
        return; // not a bit is to change
    }
    for (size_t first = 0; first < value_count; first += GM_LANES) {
        size_t left = value_count - first;
        value_block block = { .values = values + first,
                              .count = left < GM_LANES ? left : GM_LANES };
        move_block(f, measured ? &root : NULL, room, &block);
    }
}

static void move_chunk(void *context, size_t chunk)
{
    gm_local_filter *f = context;
    size_t slot = 0;
    // as many rooms as workers: one is free
    while (atomic_flag_test_and_set_explicit(&f->taken[slot], memory_order_acquire)) {
        slot = slot + 1 < f->worker_count ? slot + 1 : 0;
    }
    size_t batch_count = gm_localisation_batch_count(f->where);
    size_t first = chunk * CHUNK_BATCHES, last = first + CHUNK_BATCHES;
    for (size_t batch = first; batch < last && batch < batch_count; batch++) {
        move_batch(f, batch, &f->rooms[slot]);
    }
    atomic_flag_clear_explicit(&f->taken[slot], memory_order_release);
}

// ---- the whole ----

/// @param mean  out: of the predictions
static GM_KERNEL gm_innovation local_innovation(const gm_analysis *analysis, size_t index,
                                                double *mean)
{
    size_t lanes = analysis->lanes;
    const double *prediction = analysis->predictions + index * lanes;
    *mean = gm_lane_sum(prediction, lanes) / (double)lanes;
    double variance =
        gm_lane_comoment(prediction, *mean, prediction, *mean, lanes) / (double)(lanes - 1);
    return (gm_innovation){ .mean = analysis->measured[index] - *mean,
                            .spread = sqrt(variance + analysis->variance[index]),
                            .ensemble_variance = variance };
}

/// Fills the rows of one measurement.
/// @return the sum of their squares
static double scale_prediction(gm_local_filter *f, size_t index)
{
    const gm_analysis *analysis = f->analysis;
    size_t lanes = analysis->lanes;
    double mean;
    gm_innovation found = local_innovation(analysis, index, &mean);
    double before = f->options->before, variance = gm_analysis_trusted_variance(analysis, index);
    double ensemble = before * before * found.ensemble_variance;
    double scale = 1.0 / sqrt(variance * (double)(lanes - 1));
    const double *from = analysis->predictions + index * lanes;
    double *to = f->deviations + index * lanes;
    for (size_t lane = 0; lane < lanes; lane++) {
        to[lane] = scale * (from[lane] - mean);
    }
    f->innovation[index] = scale * found.mean;
    return (ensemble + found.mean * found.mean / (double)(lanes - 1)) / variance;
}

/// Where the localisation's measurements stand in the analysis.
static gm_status find_slots(gm_local_filter *f, const gm_analysis *analysis,
                            const gm_local_options *options, gm_error *error)
{
    size_t count = analysis->measurement_count;
    size_t known = gm_localisation_measurement_count(f->where);
    if (count > known || (options->which == NULL && count != known)) {
        return gm_error_set(error, GM_INVALID, "%zu measurements where %zu were localised", count,
                            known);
    }
    for (size_t index = 0; options->which != NULL && index < count; index++) {
        uint32_t number = options->which[index];
        if (number >= known || (index > 0 && number <= options->which[index - 1])) {
            return gm_error_set(error, GM_INVALID,
                                "measurement %zu is given as number %u of %zu localised ones",
                                index, number, known);
        }
    }
    memset(f->slot, options->which == NULL ? 0 : 0xff, known * sizeof *f->slot);
    for (size_t index = 0; index < count; index++) {
        f->slot[options->which == NULL ? index : options->which[index]] = (uint32_t)index;
    }
    return GM_OK;
}

gm_status gm_local_filter_check(const gm_local_filter *filter, const gm_analysis *analysis,
                                const gm_local_options *options, gm_error *error)
{
    gm_status status = gm_analysis_check(analysis, error);
    if (status != GM_OK) {
        return status;
    }
    size_t value_count = gm_localisation_value_count(filter->where);
    if (analysis->lanes != filter->lanes || analysis->value_count != value_count) {
        return gm_error_set(error, GM_INVALID,
                            "%zu values in %zu lanes for a local filter of %zu in %zu",
                            analysis->value_count, analysis->lanes, value_count, filter->lanes);
    }
    if (analysis->caution != NULL || analysis->chance != 0.0) {
        return gm_error_set(error, GM_INVALID,
                            "a local filter moves a batch as one: it knows no caution and no "
                            "chance of single values");
    }
    bool factors =
        options->before > 0.0 && options->after > 0.0 && isfinite(options->before * options->after);
    if (!factors || gm_workers_count(options->workers) > filter->worker_count) {
        return gm_error_set(error, GM_INVALID,
                            "inflation by %g and %g, or %zu workers where %zu were expected",
                            options->before, options->after, gm_workers_count(options->workers),
                            filter->worker_count);
    }
    return GM_OK;
}

gm_local_options gm_default_local_options(void)
{
    return (gm_local_options){ .before = 1.0, .after = 1.0 };
}

gm_status gm_local_filter_update(gm_local_filter *filter, const gm_analysis *analysis,
                                 const gm_local_options *options, gm_innovation *innovations,
                                 gm_error *error)
{
    gm_status status = gm_local_filter_check(filter, analysis, options, error);
    status = status == GM_OK ? find_slots(filter, analysis, options, error) : status;
    if (status != GM_OK) {
        return status;
    }
    filter->analysis = analysis;
    filter->options = options;
    double squares = 0.0; // no entry of a batch's matrix will be greater
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        squares += scale_prediction(filter, index);
    }
    if (!isfinite(squares)) {
        return gm_error_set(error, GM_NUMERIC,
                            "predictions are too far apart for their measurements' errors");
    }
    for (size_t index = 0; innovations != NULL && index < analysis->measurement_count; index++) {
        double mean;
        innovations[index] = local_innovation(analysis, index, &mean);
    }
    size_t batch_count = gm_localisation_batch_count(filter->where);
    gm_workers_run(options->workers, (batch_count + CHUNK_BATCHES - 1) / CHUNK_BATCHES, move_chunk,
                   filter);
    return GM_OK;
}

/// A multiple of a cache line.
static size_t padded(size_t count)
{
    return (count + GM_LANES - 1) / GM_LANES * GM_LANES;
}

/// Numbers of one room; lays it out from `memory` where that is not NULL.
static size_t lay_out_room(size_t lanes, size_t nearby_max, double *memory, local_room *room)
{
    size_t count = nearby_max < lanes ? nearby_max : lanes;
    const size_t sizes[] = {
        padded(nearby_max * lanes), padded(count * count),      padded(count),
        padded(nearby_max),         lanes * GM_LANES,           lanes * GM_LANES,
        count * GM_LANES,           padded(gm_root_room(count))
    };
    double **const parts[] = { &room->tall, &room->matrix, &room->gain, &room->scaled,
                               &room->rows, &room->turned, &room->dual, &room->root };
    size_t sum = 0;
    for (size_t part = 0; part < sizeof sizes / sizeof *sizes; part++) {
        if (memory != NULL) {
            *parts[part] = memory + sum;
        }
        sum += sizes[part];
    }
    return sum;
}

gm_status gm_local_filter_create(const gm_localisation *where, size_t lanes, size_t worker_count,
                                 gm_local_filter **filter, gm_error *error)
{
    if (lanes < 2 || worker_count < 1 || worker_count > GM_WORKERS_MAX) {
        return gm_error_set(error, GM_INVALID, "a local filter of %zu lanes and %zu workers", lanes,
                            worker_count);
    }
    size_t known = gm_localisation_measurement_count(where);
    size_t nearby_max = gm_localisation_nearby_max(where);
    local_room none = { 0 };
    size_t room_size = lay_out_room(lanes, nearby_max, NULL, &none);
    gm_local_filter *f = gm_memory_new(1, sizeof *f);
    if (f != NULL) {
        f->where = where;
        f->lanes = lanes;
        f->worker_count = worker_count;
        gm_root_table_fill(&f->table);
        f->slot = gm_memory_new(known, sizeof *f->slot);
        f->deviations = gm_memory_new(known * lanes, sizeof *f->deviations);
        f->innovation = gm_memory_new(known, sizeof *f->innovation);
        f->rooms = gm_memory_new(worker_count, sizeof *f->rooms);
        f->taken = gm_memory_new(worker_count, sizeof *f->taken);
        f->memory = gm_memory_new(worker_count * room_size, sizeof *f->memory);
    }
    if (f == NULL || f->slot == NULL || f->deviations == NULL || f->innovation == NULL ||
        f->rooms == NULL || f->taken == NULL || f->memory == NULL) {
        gm_local_filter_close(f);
        return gm_error_set(error, GM_MEMORY,
                            "no memory for a local filter of %zu lanes and %zu measurements", lanes,
                            known);
    }
    for (size_t worker = 0; worker < worker_count; worker++) {
        lay_out_room(lanes, nearby_max, f->memory + worker * room_size, &f->rooms[worker]);
        atomic_flag_clear(&f->taken[worker]);
    }
    *filter = f;
    return GM_OK;
}

void gm_local_filter_close(gm_local_filter *filter)
{
    if (filter != NULL) {
        gm_memory_free(filter->slot);
        gm_memory_free(filter->deviations);
        gm_memory_free(filter->innovation);
        gm_memory_free(filter->rooms);
        gm_memory_free(filter->taken);
        gm_memory_free(filter->memory);
        gm_memory_free(filter);
    }
}
