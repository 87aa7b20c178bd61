// What readings can tell of unknowns; equations and sources in observability.h.
//
// Sensors are taken one after the other. Given those taken already, a sensor's readings bring what
// they do not share: y - b y(taken) with b = S N^-1, of slope G and variance 1 after scaling. So
// its information is G' G, and the sum over sensors is F whatever their order. The Cholesky factor
// of N grows by a row with each.
#include "assim/observability.h"

#include <math.h>
#include <string.h>

#include "assim/square_root.h"
#include "base/arena.h"
#include "base/require.h"
#include "num/dense.h"

static const double chance = 4.0; // squared standard errors that a covariance of lanes must exceed
static const double reach_least = 1e-3; // of a variance, for chance to matter to it

// Memory for looking at one sensor.
typedef struct look {
    double *shared;  // [reading_count] the factor's next row
    double *weights; // [reading_count] b
    double *slope;   // [slice_count][unknown_count] G
    double *spread;  // [slice_count][unknown_count] G P
    double *inner;   // [slice_count][slice_count] 1 + G P G'
    double *turned;  // [unknown_count][slice_count] G'
    double *reached; // [slice_count][quantity_count] G P effects'
    double *apart;   // [quantity_count][lanes] what would be left of chance alone
    double *whole;   // [quantity_count][lanes] and of chance and unknowns
    double *recent;  // [recent_count][lanes] its predictions
    double *zeros;   // [recent_count]
} look;

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory to weigh sensors");
}

// ---- checks ----

/// 0, or NaN for a value that is not finite: sums of it never overflow.
static double zero_of(const double *values, size_t count)
{
    double sum = 0.0;
    for (size_t index = 0; index < count; index++) {
        sum += values[index] * 0.0;
    }
    return sum;
}

static bool recent_is_noisy(const gm_sensing *in, size_t reading)
{
    bool noisy = true;
    for (size_t index = 0; in->lanes > 0 && index < in->recent_count; index++) {
        noisy = noisy && in->recent_noise[reading * in->recent_count + index] > 0.0;
    }
    return noisy;
}

static gm_status check(const gm_sensing *sensing, gm_error *error)
{
    const gm_sensing *in = sensing;
    if (in->unknown_count < 1 || in->slice_count < 1 || in->present_count > in->reading_count ||
        in->sample_count == 1 || in->lanes == 1) {
        return gm_error_set(error, GM_INVALID, "there is nothing to determine, or no time for it");
    }
    if (in->unknown_count > GM_UNKNOWNS_MAX) {
        return gm_error_set(error, GM_LIMIT,
                            "%zu values are estimated: at most %d are looked at together",
                            in->unknown_count, GM_UNKNOWNS_MAX);
    }
    for (size_t reading = 0; reading < in->reading_count; reading++) {
        if (!(in->noise[reading] > 0.0) || !recent_is_noisy(in, reading)) {
            return gm_error_set(error, GM_INVALID, "a sensor without noise cannot be weighed");
        }
    }
    double sum = zero_of(in->slopes, in->reading_count * in->slice_count * in->unknown_count) +
                 zero_of(in->effects, in->quantity_count * in->unknown_count) +
                 zero_of(in->wander, in->reading_count * in->sample_count) +
                 zero_of(in->ends, in->quantity_count * in->lanes) +
                 zero_of(in->recent, in->reading_count * in->recent_count * in->lanes);
    if (in->lanes > 0) {
        sum += zero_of(in->recent_slopes, in->reading_count * in->recent_count * in->unknown_count);
    }
    return isfinite(sum)
               ? GM_OK
               : gm_error_set(error, GM_NUMERIC, "a value that is followed is not finite");
}

// ---- memory ----

static void close_look(look *at)
{
    gm_memory_free(at->shared);
    gm_memory_free(at->weights);
    gm_memory_free(at->slope);
    gm_memory_free(at->spread);
    gm_memory_free(at->inner);
    gm_memory_free(at->turned);
    gm_memory_free(at->reached);
    gm_memory_free(at->apart);
    gm_memory_free(at->whole);
    gm_memory_free(at->recent);
    gm_memory_free(at->zeros);
}

/// The caller closes it, on failure too.
static gm_status open_look(const gm_sensing *in, look *at, gm_error *error)
{
    size_t sloped = in->slice_count * in->unknown_count;
    *at = (look){
        .shared = gm_memory_new(in->reading_count, sizeof(double)),
        .weights = gm_memory_new(in->reading_count, sizeof(double)),
        .slope = gm_memory_new(sloped, sizeof(double)),
        .spread = gm_memory_new(sloped, sizeof(double)),
        .inner = gm_memory_new(in->slice_count * in->slice_count, sizeof(double)),
        .turned = gm_memory_new(sloped, sizeof(double)),
        .reached = gm_memory_new(in->slice_count * in->quantity_count, sizeof(double)),
        .apart = gm_memory_new(in->quantity_count * in->lanes, sizeof(double)),
        .whole = gm_memory_new(in->quantity_count * in->lanes, sizeof(double)),
        .recent = gm_memory_new(in->recent_count * in->lanes, sizeof(double)),
        .zeros = gm_memory_new(in->recent_count, sizeof(double)),
    };
    if (at->shared == NULL || at->weights == NULL || at->slope == NULL || at->spread == NULL ||
        at->inner == NULL || at->turned == NULL || at->reached == NULL || at->apart == NULL ||
        at->whole == NULL || at->recent == NULL || at->zeros == NULL) {
        return no_memory(error);
    }
    return GM_OK;
}

void gm_observability_close(gm_observability *observability)
{
    if (observability != NULL) {
        gm_memory_free(observability->taken);
        gm_memory_free(observability->precision);
        gm_memory_free(observability->left);
        gm_memory_free(observability->alone);
        gm_memory_free(observability->before);
        gm_memory_free(observability->after);
        gm_memory_free(observability->follows);
        gm_memory_free(observability->unexplained);
        gm_memory_free(observability->apart);
        gm_memory_free(observability->whole);
        gm_memory_free(observability->whole_start);
        gm_memory_free(observability->order);
        gm_memory_free(observability->factor);
        gm_memory_free(observability);
    }
}

static gm_observability *make(const gm_sensing *in)
{
    gm_observability *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    size_t square = in->unknown_count * in->unknown_count;
    size_t rows = in->sample_count > 0 ? in->reading_count : 0;
    size_t recent = in->reading_count * in->recent_count;
    size_t deviations = (in->quantity_count + recent) * in->lanes;
    *made = (gm_observability){
        .sensing = in,
        .taken = gm_memory_new(in->reading_count, sizeof(bool)),
        .precision = gm_memory_new(square, sizeof(double)),
        .left = gm_memory_new(square, sizeof(double)),
        .alone = gm_memory_new(in->unknown_count, sizeof(double)),
        .before = gm_memory_new(in->quantity_count, sizeof(double)),
        .after = gm_memory_new(in->quantity_count, sizeof(double)),
        .follows = gm_memory_new(in->unknown_count * in->quantity_count, sizeof(double)),
        .unexplained = gm_memory_new(in->quantity_count, sizeof(double)),
        .apart = gm_memory_new(deviations, sizeof(double)),
        .whole = gm_memory_new(deviations, sizeof(double)),
        .whole_start = gm_memory_new(in->quantity_count, sizeof(double)),
        .order = gm_memory_new(in->reading_count, sizeof(size_t)),
        .factor = gm_memory_new(rows * (rows + 1) / 2, sizeof(double)),
    };
    if (made->taken == NULL || made->precision == NULL || made->left == NULL ||
        made->alone == NULL || made->before == NULL || made->after == NULL ||
        made->follows == NULL || made->unexplained == NULL || made->apart == NULL ||
        made->whole == NULL || made->whole_start == NULL || made->order == NULL ||
        made->factor == NULL) {
        gm_observability_close(made);
        return NULL;
    }
    return made;
}

// ---- what a sensor says that those taken do not ----

/// N between two readings.
static double noise_between(const gm_sensing *in, size_t a, size_t b)
{
    if (in->sample_count == 0) {
        return a == b ? in->noise[a] : 0.0;
    }
    double sum = 0.0;
    const double *one = in->wander + a * in->sample_count,
                 *other = in->wander + b * in->sample_count;
    for (size_t sample = 0; sample < in->sample_count; sample++) {
        sum += one[sample] * other[sample];
    }
    double samples = (double)in->sample_count;
    double caution = 1.0 + (double)in->present_count / samples;
    double shared = caution * sum / (samples - 1.0);
    return a == b ? shared + in->noise[a] : shared;
}

/// Fills at->shared, at->weights and at->slope. @return the standard deviation of what is its own
static double look_at(const gm_observability *o, size_t reading, look *at)
{
    const gm_sensing *in = o->sensing;
    size_t taken = in->sample_count > 0 ? o->order_count : 0;
    size_t sloped = in->slice_count * in->unknown_count;
    double own = noise_between(in, reading, reading);
    for (size_t i = 0; i < taken; i++) {
        const double *row = o->factor + i * (i + 1) / 2;
        double value = noise_between(in, reading, o->order[i]);
        for (size_t j = 0; j < i; j++) {
            value -= row[j] * at->shared[j];
        }
        at->shared[i] = value / row[i];
        own -= at->shared[i] * at->shared[i];
    }
    memcpy(at->weights, at->shared, taken * sizeof *at->weights);
    for (size_t i = taken; i-- > 0;) {
        const double *row = o->factor + i * (i + 1) / 2;
        at->weights[i] /= row[i];
        for (size_t j = 0; j < i; j++) {
            at->weights[j] -= row[j] * at->weights[i];
        }
    }
    double deviation = sqrt(fmax(own, in->noise[reading])); // its error is its own
    memcpy(at->slope, in->slopes + reading * sloped, sloped * sizeof *at->slope);
    for (size_t i = 0; i < taken; i++) {
        const double *other = in->slopes + o->order[i] * sloped;
        for (size_t index = 0; index < sloped; index++) {
            at->slope[index] -= at->weights[i] * other[index];
        }
    }
    for (size_t index = 0; index < sloped; index++) {
        at->slope[index] /= deviation;
    }
    return deviation;
}

// ---- what is left ----

/// A sensor's information goes into the precision.
static void add_information(gm_observability *o, size_t reading, look *at)
{
    const gm_sensing *in = o->sensing;
    double deviation = look_at(o, reading, at);
    for (size_t slice = 0; slice < in->slice_count; slice++) {
        const double *slope = at->slope + slice * in->unknown_count;
        for (size_t i = 0; i < in->unknown_count; i++) {
            double *row = o->precision + i * in->unknown_count;
            for (size_t j = 0; slope[i] != 0.0 && j < in->unknown_count; j++) {
                row[j] += slope[i] * slope[j];
            }
        }
    }
    if (in->sample_count > 0) {
        double *row = o->factor + o->order_count * (o->order_count + 1) / 2;
        memcpy(row, at->shared, o->order_count * sizeof *row);
        row[o->order_count] = deviation;
    }
    o->order[o->order_count++] = reading;
    o->taken[reading] = true;
}

/// P from the precision.
static gm_status invert(gm_observability *o, gm_error *error)
{
    size_t count = o->sensing->unknown_count;
    double *factor = gm_memory_new(count * count, sizeof *factor);
    if (factor == NULL) {
        return no_memory(error);
    }
    memcpy(factor, o->precision, count * count * sizeof *factor);
    bool fine = gm_cholesky(count, factor);
    memset(o->left, 0, count * count * sizeof *o->left);
    for (size_t unknown = 0; fine && unknown < count; unknown++) {
        double *row = o->left + unknown * count; // P is symmetric
        row[unknown] = 1.0;
        gm_cholesky_solve(count, factor, row);
        o->alone[unknown] = 1.0 / sqrt(o->precision[unknown * count + unknown]);
    }
    gm_memory_free(factor);
    return fine ? GM_OK
                : gm_error_set(error, GM_NUMERIC, "what the sensors tell cannot be added up");
}

static double lane_product(const double *a, const double *b, size_t lanes)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        sum += a[lane] * b[lane];
    }
    return sum / (double)(lanes - 1);
}

/// The variance of what chance does to a quantity. @param rows  [quantity_count][lanes]
static double chance_variance(const gm_sensing *in, const double *rows, size_t quantity)
{
    if (in->lanes == 0) {
        return 0.0;
    }
    const double *row = rows + quantity * in->lanes;
    return lane_product(row, row, in->lanes);
}

/// The spread of a quantity with what is left of unknowns and of chance.
/// @param unexplained  the variance left by the unknowns
/// @param apart, whole  what is left of chance, alone and with the unknowns,
/// [quantity_count][lanes]
static double spread_left(const gm_observability *o, size_t quantity, double unexplained,
                          const double *apart, const double *whole)
{
    const gm_sensing *in = o->sensing;
    double before = o->before[quantity] * o->before[quantity];
    double after = unexplained + chance_variance(in, apart, quantity);
    // what chance hardly reaches is judged without lanes: they would only add their own
    if (in->lanes > 0 && chance_variance(in, in->ends, quantity) > reach_least * before) {
        double share = chance_variance(in, whole, quantity) / o->whole_start[quantity];
        after = fmin(after, before * share);
    }
    return sqrt(fmin(fmax(after, 0.0), before));
}

static void find_spreads(gm_observability *o)
{
    const gm_sensing *in = o->sensing;
    size_t unknowns = in->unknown_count;
    for (size_t quantity = 0; quantity < in->quantity_count; quantity++) {
        const double *effect = in->effects + quantity * unknowns;
        double before = chance_variance(in, in->ends, quantity), unexplained = 0.0;
        for (size_t unknown = 0; unknown < unknowns; unknown++) {
            double follows = 0.0;
            const double *row = o->left + unknown * unknowns;
            for (size_t other = 0; other < unknowns; other++) {
                follows += row[other] * effect[other];
            }
            o->follows[unknown * in->quantity_count + quantity] = follows;
            before += effect[unknown] * effect[unknown];
            unexplained += effect[unknown] * follows;
        }
        o->before[quantity] = sqrt(before);
        o->unexplained[quantity] = unexplained;
        o->after[quantity] = spread_left(o, quantity, unexplained, o->apart, o->whole);
    }
}

/// Where a sensor's recent means stand in `apart` or `whole`.
static double *recent_of(const gm_sensing *in, double *rows, size_t reading)
{
    return rows + (in->quantity_count + reading * in->recent_count) * in->lanes;
}

/// The recent means of some sensors tell what moved the lanes. @param rows  in out: apart or whole
static gm_status tame(const gm_sensing *in, double *rows, const size_t *readings, size_t count,
                      gm_error *error)
{
    size_t each = in->recent_count, size = each * in->lanes;
    if (size == 0 || count == 0) {
        return GM_OK;
    }
    double *predictions = gm_memory_new(count * size, sizeof *predictions);
    double *measured = gm_memory_new(count * each, sizeof *measured);
    double *variance = gm_memory_new(count * each, sizeof *variance);
    gm_status status =
        predictions != NULL && measured != NULL && variance != NULL ? GM_OK : no_memory(error);
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        memcpy(predictions + index * size, recent_of(in, rows, readings[index]),
               size * sizeof *predictions);
        memcpy(variance + index * each, in->recent_noise + readings[index] * each,
               each * sizeof *variance);
    }
    if (status == GM_OK) {
        gm_analysis analysis = { .lanes = in->lanes,
                                 .values = rows,
                                 .value_count = in->quantity_count + in->reading_count * each,
                                 .predictions = predictions,
                                 .measurement_count = count * each,
                                 .measured = measured, // the mean: only spreads are asked for
                                 .variance = variance,
                                 .chance = chance };
        status = gm_square_root_update(&analysis, NULL, error);
    }
    gm_memory_free(predictions);
    gm_memory_free(measured);
    gm_memory_free(variance);
    return status;
}

static gm_status take_all(gm_observability *o, const size_t *readings, size_t count,
                          gm_error *error)
{
    look at = { 0 };
    gm_status status = open_look(o->sensing, &at, error);
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        add_information(o, readings[index], &at);
    }
    close_look(&at);
    if (status == GM_OK) {
        status = tame(o->sensing, o->apart, readings, count, error);
    }
    if (status == GM_OK) {
        status = tame(o->sensing, o->whole, readings, count, error);
    }
    if (status == GM_OK) {
        status = invert(o, error);
    }
    if (status == GM_OK) {
        find_spreads(o);
    }
    return status;
}

/// Unknowns of their own for the lanes, of mean 0 and spread 1 each. @param drawn  out,
/// [unknown_count][lanes]
static void draw_unknowns(const gm_sensing *in, double *drawn)
{
    for (size_t unknown = 0; unknown < in->unknown_count; unknown++) {
        double *row = drawn + unknown * in->lanes, sum = 0.0;
        gm_random_normal_lanes(in->random, (gm_draw){ .element = (uint32_t)unknown },
                               (int)in->lanes, row);
        for (size_t lane = 0; lane < in->lanes; lane++) {
            sum += row[lane];
        }
        for (size_t lane = 0; lane < in->lanes; lane++) {
            row[lane] -= sum / (double)in->lanes;
        }
        double spread = sqrt(lane_product(row, row, in->lanes));
        for (size_t lane = 0; lane < in->lanes; lane++) {
            row[lane] /= spread;
        }
    }
}

/// The lanes before any reading: what chance does, and what it does together with unknowns.
static gm_status start_lanes(gm_observability *o, gm_error *error)
{
    const gm_sensing *in = o->sensing;
    size_t ends = in->quantity_count * in->lanes, readings = in->reading_count * in->recent_count;
    if (in->lanes == 0) {
        return GM_OK;
    }
    double *drawn = gm_memory_new(in->unknown_count * in->lanes, sizeof *drawn);
    if (drawn == NULL) {
        return no_memory(error);
    }
    memcpy(o->apart, in->ends, ends * sizeof(double));
    memcpy(o->apart + ends, in->recent, readings * in->lanes * sizeof(double));
    draw_unknowns(in, drawn);
    gm_product_shape shape = { in->quantity_count, in->unknown_count, in->lanes };
    gm_dense_multiply(shape, in->effects, drawn, o->whole);
    shape.rows = readings;
    gm_dense_multiply(shape, in->recent_slopes, drawn, o->whole + ends);
    for (size_t index = 0; index < ends + readings * in->lanes; index++) {
        o->whole[index] += o->apart[index];
    }
    for (size_t quantity = 0; quantity < in->quantity_count; quantity++) {
        o->whole_start[quantity] = chance_variance(in, o->whole, quantity);
    }
    gm_memory_free(drawn);
    return GM_OK;
}

gm_status gm_observability_create(const gm_sensing *sensing, gm_observability **observability,
                                  gm_error *error)
{
    gm_status status = check(sensing, error);
    if (status != GM_OK) {
        return status;
    }
    gm_observability *made = make(sensing);
    size_t *present = gm_memory_new(sensing->present_count, sizeof *present);
    status = made != NULL && present != NULL ? start_lanes(made, error) : no_memory(error);
    for (size_t index = 0; status == GM_OK && index < sensing->present_count; index++) {
        present[index] = index;
    }
    for (size_t unknown = 0; status == GM_OK && unknown < sensing->unknown_count; unknown++) {
        made->precision[unknown * sensing->unknown_count + unknown] = 1.0;
    }
    if (status == GM_OK) {
        status = take_all(made, present, sensing->present_count, error);
    }
    gm_memory_free(present);
    if (status != GM_OK) {
        gm_observability_close(made);
        return status;
    }
    *observability = made;
    return GM_OK;
}

gm_status gm_observability_take(gm_observability *observability, size_t reading, gm_error *error)
{
    GM_REQUIRE(reading < observability->sensing->reading_count && !observability->taken[reading]);
    return take_all(observability, &reading, 1, error);
}

double gm_observability_total(const gm_observability *observability)
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t quantity = 0; quantity < observability->sensing->quantity_count; quantity++) {
        if (observability->before[quantity] > 0.0) {
            sum += observability->after[quantity] / observability->before[quantity];
            count++;
        }
    }
    return count > 0 ? sum / (double)count : 0.0;
}

// ---- a further sensor ----

/// G P, 1 + G P G' factored, and L^-1 G P effects' in at->reached.
static bool reach(const gm_observability *o, look *at)
{
    const gm_sensing *in = o->sensing;
    size_t slices = in->slice_count, unknowns = in->unknown_count, quantities = in->quantity_count;
    for (size_t slice = 0; slice < slices; slice++) {
        for (size_t unknown = 0; unknown < unknowns; unknown++) {
            at->turned[unknown * slices + slice] = at->slope[slice * unknowns + unknown];
        }
    }
    gm_dense_multiply((gm_product_shape){ slices, unknowns, unknowns }, at->slope, o->left,
                      at->spread);
    gm_dense_multiply((gm_product_shape){ slices, unknowns, slices }, at->spread, at->turned,
                      at->inner);
    gm_dense_multiply((gm_product_shape){ slices, unknowns, quantities }, at->slope, o->follows,
                      at->reached);
    for (size_t slice = 0; slice < slices; slice++) {
        at->inner[slice * slices + slice] += 1.0;
    }
    if (!gm_cholesky(slices, at->inner)) {
        return false;
    }
    for (size_t slice = 0; slice < slices; slice++) {
        double *row = at->reached + slice * quantities;
        const double *factor = at->inner + slice * slices;
        for (size_t before = 0; before < slice; before++) {
            const double *earlier = at->reached + before * quantities;
            for (size_t quantity = 0; quantity < quantities; quantity++) {
                row[quantity] -= factor[before] * earlier[quantity];
            }
        }
        for (size_t quantity = 0; quantity < quantities; quantity++) {
            row[quantity] /= factor[slice];
        }
    }
    return true;
}

/// What a sensor's recent means would leave of the quantities' lanes, in at->whole or at->apart.
static gm_status try_taming(const gm_observability *o, bool whole, size_t reading, look *at,
                            gm_error *error)
{
    const gm_sensing *in = o->sensing;
    double *rows = whole ? o->whole : o->apart, *left = whole ? at->whole : at->apart;
    size_t size = in->recent_count * in->lanes;
    if (size == 0) {
        return GM_OK;
    }
    memcpy(left, rows, in->quantity_count * in->lanes * sizeof *left);
    memcpy(at->recent, recent_of(in, rows, reading), size * sizeof *at->recent);
    gm_analysis analysis = { .lanes = in->lanes,
                             .values = left,
                             .value_count = in->quantity_count,
                             .predictions = at->recent,
                             .measurement_count = in->recent_count,
                             .measured = at->zeros,
                             .variance = in->recent_noise + reading * in->recent_count,
                             .chance = chance };
    return gm_square_root_update(&analysis, NULL, error);
}

static gm_status find_gain(const gm_observability *o, size_t reading, look *at, double *gain,
                           gm_error *error)
{
    const gm_sensing *in = o->sensing;
    look_at(o, reading, at);
    gm_status status = reach(o, at) ? try_taming(o, false, reading, at, error)
                                    : gm_error_set(error, GM_NUMERIC, "a sensor cannot be weighed");
    if (status == GM_OK) {
        status = try_taming(o, true, reading, at, error);
    }
    double sum = 0.0, lost = 0.0;
    for (size_t quantity = 0; status == GM_OK && quantity < in->quantity_count; quantity++) {
        double unexplained = o->unexplained[quantity], before = o->before[quantity];
        for (size_t slice = 0; slice < in->slice_count; slice++) {
            double value = at->reached[slice * in->quantity_count + quantity];
            unexplained -= value * value;
        }
        double after = spread_left(o, quantity, unexplained, at->apart, at->whole);
        if (before > 0.0) {
            sum += o->after[quantity] / before;
            lost += (o->after[quantity] - after) / before;
        }
    }
    *gain = sum > 0.0 ? lost / sum : 0.0;
    return status;
}

gm_status gm_observability_rank(const gm_observability *observability, double *gains,
                                gm_error *error)
{
    const gm_sensing *in = observability->sensing;
    look at = { 0 };
    gm_status status = open_look(in, &at, error);
    for (size_t reading = 0; status == GM_OK && reading < in->reading_count; reading++) {
        gains[reading] = 0.0;
        if (!observability->taken[reading]) {
            status = find_gain(observability, reading, &at, &gains[reading], error);
        }
    }
    close_look(&at);
    return status;
}

size_t gm_observability_companions(const gm_observability *observability, size_t unknown,
                                   double least, gm_companion *companions)
{
    size_t count = observability->sensing->unknown_count, found = 0;
    const double *left = observability->left;
    for (size_t other = 0; other < count; other++) {
        double scale = sqrt(left[unknown * count + unknown] * left[other * count + other]);
        double correlation = left[unknown * count + other] / scale;
        if (other == unknown || !(fabs(correlation) >= least)) {
            continue;
        }
        size_t place = found < GM_COMPANIONS_MAX ? found++ : GM_COMPANIONS_MAX;
        while (place > 0 && fabs(companions[place - 1].correlation) < fabs(correlation)) {
            if (place < GM_COMPANIONS_MAX) {
                companions[place] = companions[place - 1];
            }
            place--;
        }
        if (place < GM_COMPANIONS_MAX) {
            companions[place] = (gm_companion){ other, correlation };
        }
    }
    return found;
}
