// Inflation, measurement errors and least spread; equations and sources in adaptive_inflation.h.
#include "assim/adaptive_inflation.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"
#include "num/statistics.h"

enum {
    GRID = 64,    // looks for the minimum between the lowest and highest factor
    HALVINGS = 40 // of the interval that it is in, about
};

static const double lowest_log = -0.5; // of the finite-size factor of deviations
static const double certain = 1.0;     // standard deviations of the slow factor's logarithm
static const double golden = 0.61803398874989485;
static const double negligible = 1e-12; // of the greatest eigenvalue: directions without spread
static const double noise_limit = 100.0;
static const double no_spread = 1e-6; // of a floor: lanes that agree altogether

/// What innovations say, by directions that are independent under the lanes.
typedef struct spectrum {
    size_t count;
    double *squares;     // [count]: of the lanes' predictions, s^2, over error variances
    double *innovations; // [count]: squared, over error variances
} spectrum;

/// The room, in parts.
typedef struct parts {
    double *rows;    // [fewer than lanes][lanes]: S, where measurements are few
    double *gram;    // [size][size]: S S' or S' S, whichever is smaller
    double *vectors; // [size][size]
    double *values;  // [size]
    double *seen;    // [size]: the innovations along measurements, or S' d along lanes
    double *row;     // [lanes]
    spectrum found;
} parts;

size_t gm_inflation_room(size_t lanes)
{
    return 3 * lanes * lanes + 5 * lanes;
}

static parts parts_of(double *room, size_t lanes)
{
    parts made = { .rows = room };
    made.gram = made.rows + lanes * lanes;
    made.vectors = made.gram + lanes * lanes;
    made.values = made.vectors + lanes * lanes;
    made.seen = made.values + lanes;
    made.row = made.seen + lanes;
    made.found.squares = made.row + lanes;
    made.found.innovations = made.found.squares + lanes;
    return made;
}

/// A measurement's row of S. @return its innovation, scaled alike
static double scale_row(const gm_analysis *analysis, size_t index, double *row)
{
    size_t lanes = analysis->lanes;
    const double *prediction = analysis->predictions + index * lanes;
    double mean = gm_mean(prediction, lanes);
    double scale = 1.0 / sqrt(gm_analysis_trusted_variance(analysis, index));
    for (size_t lane = 0; lane < lanes; lane++) {
        row[lane] = (prediction[lane] - mean) * scale;
    }
    return (analysis->measured[index] - mean) * scale;
}

static void gather_measurements(const gm_analysis *analysis, const parts *in)
{
    size_t lanes = analysis->lanes, count = analysis->measurement_count;
    for (size_t j = 0; j < count; j++) {
        double *row = in->rows + j * lanes;
        in->seen[j] = scale_row(analysis, j, row);
        for (size_t i = 0; i <= j; i++) {
            double product = 0.0;
            for (size_t lane = 0; lane < lanes; lane++) {
                product += row[lane] * in->rows[i * lanes + lane];
            }
            in->gram[i * count + j] = product;
            in->gram[j * count + i] = product;
        }
    }
}

static void gather_lanes(const gm_analysis *analysis, const parts *in)
{
    size_t lanes = analysis->lanes;
    memset(in->gram, 0, lanes * lanes * sizeof *in->gram);
    memset(in->seen, 0, lanes * sizeof *in->seen);
    for (size_t j = 0; j < analysis->measurement_count; j++) {
        double innovation = scale_row(analysis, j, in->row);
        for (size_t i = 0; i < lanes; i++) {
            double factor = in->row[i];
            in->seen[i] += factor * innovation;
            for (size_t k = 0; k < lanes; k++) {
                in->gram[i * lanes + k] += factor * in->row[k];
            }
        }
    }
}

static gm_status take_spectrum(const gm_analysis *analysis, parts *in, gm_error *error)
{
    bool few = analysis->measurement_count < analysis->lanes;
    size_t size = few ? analysis->measurement_count : analysis->lanes;
    if (few) {
        gather_measurements(analysis, in);
    } else {
        gather_lanes(analysis, in);
    }
    double sum = 0.0;
    gm_status status = gm_symmetric_eigen(size, in->gram, in->values, in->vectors, error);
    for (size_t i = 0; status == GM_OK && i < size; i++) {
        double along = 0.0, value = in->values[i];
        if (!(value > negligible * in->values[size - 1])) {
            continue;
        }
        for (size_t k = 0; k < size; k++) {
            along += in->vectors[i * size + k] * in->seen[k];
        }
        in->found.squares[in->found.count] = value;
        in->found.innovations[in->found.count] = few ? along * along : along * along / value;
        in->found.count++;
        sum += value + along * along;
    }
    return status != GM_OK || isfinite(sum)
               ? status
               : gm_error_set(error, GM_NUMERIC, "innovations too large to be numbers");
}

// ---- the finite-size factor ----

/// J, as a function of log l.
typedef struct cost {
    const spectrum *found;
    double degrees; // lanes - 1
    double e, c;
} cost;

static cost cost_of(const spectrum *found, size_t lanes, double confidence)
{
    cost made = { .found = found, .degrees = (double)(lanes - 1) };
    double count = (double)lanes, e = (count + 1.0) / count, c = count / made.degrees;
    // where measurements say nothing the factor has to be 1
    double untouched = (count - (double)found->count) / count;
    for (size_t i = 0; i < found->count; i++) {
        untouched += made.degrees / (found->squares[i] + made.degrees) / count;
    }
    double correction = sqrt(pow(e / c, untouched));
    made.e = confidence * e / correction;
    made.c = confidence * c * correction;
    return made;
}

static double cost_at(const cost *of, double log_factor)
{
    double square = exp(2.0 * log_factor);
    double sum = of->e / square + 2.0 * of->c * log_factor;
    for (size_t i = 0; i < of->found->count; i++) {
        sum += of->found->innovations[i] / (square * of->found->squares[i] + of->degrees);
    }
    return sum;
}

/// @return log l at the least cost: of a grid, then by golden sections about it
static double cheapest(const cost *of, double highest)
{
    double step = (highest - lowest_log) / GRID, best = lowest_log, least = INFINITY;
    for (int k = 0; k <= GRID; k++) {
        double here = cost_at(of, lowest_log + k * step);
        best = here < least ? lowest_log + k * step : best;
        least = fmin(here, least);
    }
    double low = fmax(best - step, lowest_log), high = fmin(best + step, highest);
    for (int k = 0; k < HALVINGS; k++) {
        double left = high - golden * (high - low), right = low + golden * (high - low);
        bool leftwards = cost_at(of, left) < cost_at(of, right);
        high = leftwards ? right : high;
        low = leftwards ? low : left;
    }
    return 0.5 * (low + high);
}

// ---- the slow factor ----

/// One step of its filter, against lanes as they are to be inflated.
static gm_inflation learn(const gm_inflation_options *options, const spectrum *found,
                          double degrees, gm_inflation known, double factor)
{
    double prior = options->doubt * options->doubt;
    double doubt = (known.doubt > 0.0 ? known.doubt : prior) + 2.0 * prior / options->memory;
    double slope = 0.0, information = 0.0;
    for (size_t i = 0; i < found->count; i++) {
        double share = factor * factor * found->squares[i] / degrees;
        double weight = 0.5 * share / ((1.0 + share) * (1.0 + share));
        slope += weight * (found->innovations[i] - (1.0 + share));
        information += weight * share;
    }
    doubt /= 1.0 + doubt * information;
    double level = known.level * (1.0 - 1.0 / options->memory) + doubt * slope;
    return (gm_inflation){ .level = fmin(fmax(level, -sqrt(doubt)), log(options->highest)),
                           .doubt = doubt };
}

gm_inflation_options gm_default_inflation_options(void)
{
    return (gm_inflation_options){
        .confidence = 2.0, .doubt = 0.15, .memory = 300.0, .highest = 100.0
    };
}

gm_status gm_inflation_estimate(const gm_inflation_options *options, const gm_analysis *analysis,
                                double *room, gm_inflation *inflation, double *factor,
                                gm_error *error)
{
    bool legal = options->confidence > 0.0 && options->doubt > 0.0 && options->memory > 1.0 &&
                 options->highest > 1.0 && isfinite(options->highest);
    if (!legal) {
        return gm_error_set(error, GM_INVALID, "settings of an inflation that make no sense");
    }
    gm_analysis looked = *analysis;
    looked.value_count = 0;
    gm_status status = gm_analysis_check(&looked, error);
    if (status != GM_OK) {
        return status;
    }
    parts in = parts_of(room, analysis->lanes);
    status = take_spectrum(analysis, &in, error);
    if (status != GM_OK) {
        return status;
    }
    double slow = exp(0.5 * fmax(inflation->level - certain * sqrt(inflation->doubt), 0.0));
    for (size_t i = 0; i < in.found.count; i++) {
        in.found.squares[i] *= slow * slow;
    }
    cost of = cost_of(&in.found, analysis->lanes, options->confidence);
    double quick = in.found.count > 0 ? exp(cheapest(&of, 0.5 * log(options->highest))) : 1.0;
    *inflation = learn(options, &in.found, of.degrees, *inflation, quick);
    *factor = slow * quick;
    return GM_OK;
}

// ---- the errors of measurements ----

void gm_noise_take(gm_noise *noise, double before, double after, double declared, double memory)
{
    double product = before * after / declared;
    if (isfinite(product)) {
        noise->weight = noise->weight * (1.0 - 1.0 / memory) + 1.0;
        noise->product += (product - noise->product) / noise->weight;
    }
}

double gm_noise_factor(const gm_noise *noise, double trust)
{
    double factor = (noise->product * noise->weight + trust) / (noise->weight + trust);
    return fmin(fmax(factor, 1.0 / noise_limit), noise_limit);
}

// ---- least spread ----

bool gm_spread_floor(double *values, size_t lanes, double floor, gm_random random, gm_draw draw)
{
    double mean = gm_mean(values, lanes), deviation = sqrt(gm_variance(values, lanes));
    if (!(deviation < floor)) {
        return false;
    }
    if (deviation < no_spread * floor) {
        gm_random_normal_lanes(random, draw, (int)lanes, values);
        double centre = gm_mean(values, lanes);
        deviation = sqrt(gm_variance(values, lanes));
        for (size_t lane = 0; lane < lanes; lane++) {
            values[lane] += mean - centre;
        }
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        values[lane] = mean + floor / deviation * (values[lane] - mean);
    }
    return true;
}
