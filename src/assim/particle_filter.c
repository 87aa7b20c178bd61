// The regularised particle filter; equations and source in particle_filter.h.
//
// The covariance's root is Cholesky's where lanes are more than values; with fewer lanes their
// weighted deviations themselves are a root of it, [lanes][values].
#include "assim/particle_filter.h"

#include <math.h>
#include <string.h>

#include "assim/lane_sums.h"
#include "assim/resampling.h"
#include "num/statistics.h"

// A pivot below this share of its variance is rounding
static const double negligible = 1e-12;

// Weights nearer to one lane than this say nothing of a covariance
static const double degenerate = 1e-10;

static const double least_chance = 1e-6; // of innovations, before all lanes are taken to be wrong
static const double widest = 100.0;

/// Parts of the room of a renewal.
typedef struct renewal {
    const gm_particles *of;
    const gm_particle_options *options;
    size_t rank;    // columns of `root`
    double *root;   // [value_count][rank]: root root' is the covariance
    double *spread; // [lanes]: the share of each lane's square in the covariance
    double *share;  // [lanes]: and of its value in the mean
    double *normal; // [rank][lanes]
    double *row;    // [lanes]
} renewal;

// ---- weights ----

/// The variance at which the nearest lane is as many standard errors off as the gate allows.
static double gated_variance(const gm_analysis *analysis, size_t index)
{
    const double *prediction = analysis->predictions + index * analysis->lanes;
    double nearest = INFINITY, variance = analysis->variance[index];
    for (size_t lane = 0; lane < analysis->lanes; lane++) {
        nearest = fmin(nearest, fabs(analysis->measured[index] - prediction[lane]));
    }
    double limit = nearest * nearest / (analysis->gate * analysis->gate);
    return isfinite(limit) ? fmax(variance, limit) : variance;
}

gm_status gm_particles_weigh(const gm_analysis *analysis, double *log_weights, gm_error *error)
{
    if (analysis->lanes == 0 || analysis->lanes > GM_PARTICLES_MAX) {
        return gm_error_set(error, GM_INVALID, "%zu lanes to be weighed", analysis->lanes);
    }
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        if (!(analysis->variance[index] > 0.0)) {
            return gm_error_set(error, GM_INVALID, "the error variance of a measurement is %g",
                                analysis->variance[index]);
        }
        if (!isfinite(analysis->measured[index]) || !isfinite(analysis->variance[index])) {
            return gm_error_set(error, GM_NUMERIC, "a measurement is not finite");
        }
    }
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        const double *prediction = analysis->predictions + index * analysis->lanes;
        double variance =
            analysis->gate > 0.0 ? gated_variance(analysis, index) : analysis->variance[index];
        for (size_t lane = 0; lane < analysis->lanes; lane++) {
            double off = analysis->measured[index] - prediction[lane];
            double gain = 0.5 * off * off / variance;
            log_weights[lane] -= isfinite(gain) ? gain : INFINITY;
        }
    }
    return GM_OK;
}

double gm_particles_mean(const double *weights, const double *values, size_t lanes)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        sum += weights[lane] > 0.0 ? weights[lane] * values[lane] : 0.0;
    }
    return sum;
}

double gm_particles_widening(const gm_analysis *analysis, const double *weights)
{
    double squares = 0.0, surplus = 0.0, spread = 0.0;
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        const double *prediction = analysis->predictions + index * analysis->lanes;
        double mean = gm_particles_mean(weights, prediction, analysis->lanes), variance = 0.0;
        for (size_t lane = 0; lane < analysis->lanes; lane++) {
            double off = prediction[lane] - mean;
            variance += weights[lane] > 0.0 ? weights[lane] * off * off : 0.0;
        }
        double innovation = analysis->measured[index] - mean;
        squares += innovation * innovation / (variance + analysis->variance[index]);
        surplus += innovation * innovation - analysis->variance[index];
        spread += variance;
    }
    double chance = gm_chi_square_tail(squares, (double)analysis->measurement_count);
    if (!(chance < least_chance)) { // nothing measured, or a lane that counts is not finite
        return 1.0;
    }
    double factor = sqrt(surplus / spread);
    return factor > 1.0 ? fmin(factor, widest) : 1.0;
}

// ---- jitter ----

static bool is_possible(const gm_particles *of, size_t lane)
{
    return isfinite(of->log_weights[lane]);
}

/// How lanes count in means and covariances.
static void weigh_deviations(const renewal *r)
{
    const gm_particles *of = r->of;
    double squares = 1.0 / gm_effective_lanes(of->weights, of->lanes);
    size_t possible = 0;
    for (size_t lane = 0; lane < of->lanes; lane++) {
        possible += is_possible(of, lane);
    }
    // where one lane has all the weight: the spread of all that can be, whatever they weigh
    bool alone = !(1.0 - squares > degenerate);
    double equal = 1.0 / (double)possible;
    double unbiased = alone ? (possible > 1 ? 1.0 / (1.0 - equal) : 0.0) : 1.0 / (1.0 - squares);
    for (size_t lane = 0; lane < of->lanes; lane++) {
        double weight = is_possible(of, lane) ? of->weights[lane] : 0.0;
        r->share[lane] = !alone ? weight : is_possible(of, lane) ? equal : 0.0;
        r->spread[lane] = unbiased * r->share[lane];
    }
}

/// A row's deviations times the roots of their shares; 0 for lanes that do not count.
static void weigh_row(const renewal *r, size_t value, double *deviations)
{
    size_t lanes = r->of->lanes;
    const double *row = r->of->values + value * lanes;
    double mean = gm_particles_mean(r->share, row, lanes);
    for (size_t lane = 0; lane < lanes; lane++) {
        deviations[lane] = r->spread[lane] > 0.0 ? sqrt(r->spread[lane]) * (row[lane] - mean) : 0.0;
    }
}

GM_KERNEL static double particle_product(const double *a, const double *b, size_t lanes)
{
    return gm_lane_product(a, b, lanes);
}

/// Cholesky's factor of a covariance, column by column; a value that follows from those before has
/// a column of zeros.
static void factor_covariance(size_t count, double *a)
{
    for (size_t j = 0; j < count; j++) {
        double pivot = a[j * count + j];
        for (size_t k = 0; k < j; k++) {
            pivot -= a[j * count + k] * a[j * count + k];
        }
        double root = pivot > negligible * a[j * count + j] ? sqrt(pivot) : 0.0;
        for (size_t i = j + 1; i < count; i++) {
            double sum = a[i * count + j];
            for (size_t k = 0; k < j; k++) {
                sum -= a[i * count + k] * a[j * count + k];
            }
            a[i * count + j] = root > 0.0 ? sum / root : 0.0;
        }
        a[j * count + j] = root;
        memset(a + j * count + j + 1, 0, (count - j - 1) * sizeof *a);
    }
}

/// The root of the covariance of the values as they are before resampling.
static void find_root(const renewal *r)
{
    size_t count = r->of->value_count, lanes = r->of->lanes;
    weigh_deviations(r);
    if (r->rank == lanes) {
        for (size_t value = 0; value < count; value++) {
            weigh_row(r, value, r->root + value * lanes);
        }
        return;
    }
    double *rows = r->normal; // as large as all values, and free until the draws
    for (size_t value = 0; value < count; value++) {
        weigh_row(r, value, rows + value * lanes);
        for (size_t other = 0; other <= value; other++) {
            double product = particle_product(rows + value * lanes, rows + other * lanes, lanes);
            r->root[value * count + other] = r->root[other * count + value] = product;
        }
    }
    factor_covariance(count, r->root);
}

GM_KERNEL static void particle_add_row(double factor, const double *restrict from,
                                       double *restrict to, size_t lanes)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        to[lane] += factor * from[lane];
    }
}

/// Copies lanes by their source and sets copies apart.
static void gather_values(const renewal *r)
{
    const gm_particles *of = r->of;
    size_t lanes = of->lanes;
    double exponent = -1.0 / ((double)of->value_count + 4.0);
    double bandwidth = r->options->bandwidth * pow((double)lanes, exponent);
    for (size_t k = 0; bandwidth > 0.0 && k < r->rank; k++) {
        gm_draw draw = { 0, (uint32_t)k, r->options->purpose + 1, r->options->occurrence };
        gm_random_normal_lanes(r->options->random, draw, (int)lanes, r->normal + k * lanes);
    }
    for (size_t value = 0; value < of->value_count; value++) {
        double *row = of->values + value * lanes;
        memset(r->row, 0, lanes * sizeof *r->row);
        for (size_t k = 0; bandwidth > 0.0 && k < r->rank; k++) {
            double factor = bandwidth * r->root[value * r->rank + k];
            if (factor != 0.0) {
                particle_add_row(factor, r->normal + k * lanes, r->row, lanes);
            }
        }
        for (size_t lane = 0; lane < lanes; lane++) {
            uint32_t source = of->source[lane];
            r->row[lane] = row[source] + (of->copies[source] > 1 ? r->row[lane] : 0.0);
        }
        memcpy(row, r->row, lanes * sizeof *row);
    }
}

// ---- renewal ----

gm_particle_options gm_default_particle_options(gm_random random, uint64_t occurrence)
{
    return (gm_particle_options){
        .share = 0.5, .bandwidth = 1.0, .random = random, .occurrence = occurrence
    };
}

static size_t rank_of(size_t lanes, size_t value_count)
{
    return lanes > value_count ? value_count : lanes;
}

size_t gm_particles_room(size_t lanes, size_t value_count)
{
    size_t rank = rank_of(lanes, value_count);
    return value_count * rank + rank * lanes + 3 * lanes;
}

static gm_status check_particles(const gm_particles *particles, const gm_particle_options *options,
                                 gm_error *error)
{
    size_t lanes = particles->lanes;
    if (lanes == 0 || lanes > GM_PARTICLES_MAX || particles->value_count > GM_PARTICLES_MAX) {
        return gm_error_set(error, GM_INVALID, "%zu lanes with %zu values to be renewed", lanes,
                            particles->value_count);
    }
    bool sound = options->share >= 0.0 && options->share <= 1.0 && options->bandwidth >= 0.0 &&
                 isfinite(options->bandwidth) && options->purpose < 255;
    if (!sound) {
        return gm_error_set(error, GM_INVALID, "lanes to be renewed at %g, bandwidth %g",
                            options->share, options->bandwidth);
    }
    for (size_t at = 0; at < particles->value_count * lanes; at++) {
        if (is_possible(particles, at % lanes) && !isfinite(particles->values[at])) {
            return gm_error_set(error, GM_NUMERIC, "value %zu of lane %zu is not finite",
                                at / lanes, at % lanes);
        }
    }
    return GM_OK;
}

/// Without a renewal: every lane its own, the greatest log-weight 0.
static void keep_lanes(const gm_particles *particles)
{
    double greatest = -INFINITY;
    for (size_t lane = 0; lane < particles->lanes; lane++) {
        greatest = fmax(greatest, particles->log_weights[lane]);
    }
    for (size_t lane = 0; lane < particles->lanes; lane++) {
        particles->log_weights[lane] -= greatest;
        particles->source[lane] = (uint32_t)lane;
        particles->copies[lane] = 1;
    }
}

gm_status gm_particles_renew(const gm_particles *particles, const gm_particle_options *options,
                             double *room, gm_particle_result *result, gm_error *error)
{
    size_t lanes = particles->lanes, value_count = particles->value_count;
    gm_status status = check_particles(particles, options, error);
    if (status == GM_OK) {
        status = gm_weights_from_logs(particles->log_weights, lanes, particles->weights, error);
    }
    if (status != GM_OK) {
        return status;
    }
    result->effective = gm_effective_lanes(particles->weights, lanes);
    result->renewed = result->effective <= options->share * (double)lanes;
    if (!result->renewed) {
        keep_lanes(particles);
        return GM_OK;
    }
    size_t rank = rank_of(lanes, value_count);
    renewal r = { .of = particles, .options = options, .rank = rank, .root = room };
    r.normal = r.root + value_count * rank;
    r.spread = r.normal + rank * lanes;
    r.share = r.spread + lanes;
    r.row = r.share + lanes;
    find_root(&r);
    double uniform = gm_random_uniform(options->random,
                                       (gm_draw){ 0, 0, options->purpose, options->occurrence });
    gm_resample(particles->weights, lanes, uniform, particles->copies, particles->source);
    memset(particles->copies, 0, lanes * sizeof *particles->copies);
    for (size_t lane = 0; lane < lanes; lane++) {
        particles->copies[particles->source[lane]]++;
    }
    gather_values(&r);
    memset(particles->log_weights, 0, lanes * sizeof *particles->log_weights);
    return GM_OK;
}
