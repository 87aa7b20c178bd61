// Whitening of residuals and log odds of hypotheses: see evidence.h.
//
// Odds of a response are those of linear Gaussian models, in closed form: for e = a r + w with a ~
// N(0, s^2), log odds = m^2 p / 2 - log(1 + s^2 r'r) / 2, where p = r'r + 1/s^2 and m = r'e / p
// (Bishop, Pattern recognition and machine learning, 2006, 3.5). The second term is Occam's: it is
// what a hypothesis pays for being able to explain anything.
#include "assim/evidence.h"

#include <math.h>
#include <string.h>

#include "num/dense.h"
#include "num/statistics.h"

// what is believed comes first
static const double noise_factors[] = { 1.0, 0.5, 0.7, 1.5, 2.0, 3.0 };
static const double error_factors[] = { 0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0 };
static const double time_shares[] = { 0.0, 0.02, 0.06, 0.2, 0.6, 1.0 };
static const double time_share_expected = 0.2, error_least = 1e-3;
static const double shares[] = { 0.0, 0.01, 0.03, 0.1, 0.3 };
static const double usual_noise_certainty = 25.0, usual_share_certainty = 100.0;
static const double far_below = -6.0; // standard deviations from which a tail is taken by its limit

gm_whitener gm_whitener_of(const gm_residual_model *model, int64_t start_ns)
{
    return (gm_whitener){ .model = *model,
                          .variance = { model->offset * model->offset, 0.0, 0.0 },
                          .predicted = (double)NAN,
                          .time_ns = start_ns };
}

void gm_whitener_next(gm_whitener *whitener, int64_t time_ns, double predicted)
{
    const gm_residual_model *model = &whitener->model;
    double *variance = whitener->variance;
    if (whitener->spread > 0.0) { // what the measurement before told
        double square = whitener->spread * whitener->spread;
        variance[0] -= whitener->gain[0] * whitener->gain[0] * square;
        variance[1] -= whitener->gain[0] * whitener->gain[1] * square;
        variance[2] -= whitener->gain[1] * whitener->gain[1] * square;
    }
    double elapsed_s = (double)(time_ns - whitener->time_ns) * 1e-9;
    double keep = exp(-elapsed_s / model->time_s);
    variance[1] *= keep;
    variance[2] = keep * keep * variance[2] + model->error * model->error * (1.0 - keep * keep);
    if (model->share > 0.0 && !isnan(whitener->predicted)) {
        double move = model->share * (predicted - whitener->predicted);
        variance[2] += move * move;
    }
    double square = variance[0] + 2.0 * variance[1] + variance[2] + model->noise * model->noise;
    whitener->gain[0] = (variance[0] + variance[1]) / square;
    whitener->gain[1] = (variance[1] + variance[2]) / square;
    whitener->keep = keep;
    whitener->spread = sqrt(square);
    whitener->predicted = predicted;
    whitener->time_ns = time_ns;
}

void gm_whiten(const gm_whitener *whitener, double *means, double *values, size_t count)
{
    double *offset = means, *error = means + count;
    for (size_t index = 0; index < count; index++) {
        double expected_error = whitener->keep * error[index];
        double surprise = values[index] - offset[index] - expected_error;
        offset[index] += whitener->gain[0] * surprise;
        error[index] = expected_error + whitener->gain[1] * surprise;
        values[index] = surprise / whitener->spread;
    }
}

// ---- fitting ----

static double log_likelihood(const gm_residual_model *model, const gm_residual *residuals,
                             size_t count, int64_t start_ns)
{
    gm_whitener whitener = gm_whitener_of(model, start_ns);
    double means[2] = { 0.0, 0.0 }, sum = 0.0;
    for (size_t index = 0; index < count; index++) {
        double value = residuals[index].value;
        gm_whitener_next(&whitener, residuals[index].time_ns, residuals[index].predicted);
        gm_whiten(&whitener, means, &value, 1);
        sum -= 0.5 * value * value + log(whitener.spread);
    }
    return sum;
}

/// What leaving the expectation by a factor costs.
static double surprise_of(double value, double expected)
{
    double distance = log(value / expected);
    return 0.5 * distance * distance;
}

gm_residual_belief gm_residual_belief_of(const gm_residual_model *model)
{
    gm_residual_belief made = { .model = *model,
                                .noise_certainty = usual_noise_certainty,
                                .error_certainty = 1.0,
                                .share_certainty = usual_share_certainty };
    made.model.time_s = 0.0;
    return made;
}

/// Residuals that a model is sought for, and the likeliest one so far.
typedef struct fitted {
    const gm_residual_belief *belief;
    const gm_residual *residuals;
    size_t count;
    int64_t start_ns;
    gm_residual_model expected; // the belief's, complete
    double time_certainty;
    gm_residual_model best;
    double most; // its log posterior
} fitted;

static void try_model(fitted *of, const gm_residual_model *tried)
{
    const gm_residual_belief *belief = of->belief;
    double apart = tried->share - of->expected.share;
    double posterior = log_likelihood(tried, of->residuals, of->count, of->start_ns) -
                       belief->noise_certainty * surprise_of(tried->noise, of->expected.noise) -
                       belief->error_certainty * surprise_of(tried->error, of->expected.error) -
                       of->time_certainty * surprise_of(tried->time_s, of->expected.time_s) -
                       belief->share_certainty * 0.5 * apart * apart;
    if (posterior > of->most) {
        of->most = posterior;
        of->best = *tried;
    }
}

gm_residual_model gm_residual_model_fit(const gm_residual_belief *belief,
                                        const gm_residual *residuals, size_t count,
                                        int64_t start_ns, double span_s)
{
    enum {
        NOISES = sizeof noise_factors / sizeof *noise_factors,
        ERRORS = sizeof error_factors / sizeof *error_factors,
        TIMES = sizeof time_shares / sizeof *time_shares,
        SHARES = sizeof shares / sizeof *shares
    };
    fitted of = { belief, residuals, count, start_ns, .expected = belief->model };
    gm_residual_model *expected = &of.expected;
    of.time_certainty = expected->time_s > 0.0 ? belief->error_certainty : 0.0;
    expected->time_s = expected->time_s > 0.0 ? expected->time_s : time_share_expected * span_s;
    if (count == 0) {
        return *expected;
    }
    of.most = -INFINITY;
    expected->error = fmax(expected->error, error_least * expected->noise);
    for (size_t index = 0; index < NOISES * ERRORS * TIMES; index++) {
        double error_factor = error_factors[index / NOISES % ERRORS];
        double time_share = time_shares[index / NOISES / ERRORS];
        gm_residual_model tried = *expected;
        tried.noise *= noise_factors[index % NOISES];
        tried.error = error_factor > 0.0 ? error_factor * expected->noise : expected->error;
        tried.time_s = time_share > 0.0 ? time_share * span_s : expected->time_s;
        try_model(&of, &tried);
    }
    const gm_residual_model found = of.best;
    for (size_t index = 0; index < SHARES * ERRORS; index++) {
        double error_factor = error_factors[index % ERRORS];
        gm_residual_model tried = found;
        tried.share = shares[index / ERRORS];
        tried.error = error_factor > 0.0 ? error_factor * expected->noise : found.error;
        try_model(&of, &tried);
    }
    return of.best;
}

// ---- odds ----

gm_evidence gm_evidence_of(double square, double product, double prior)
{
    double precision = square + 1.0 / (prior * prior);
    double size = product / precision;
    return (gm_evidence){ 0.5 * size * size * precision - 0.5 * log1p(square * prior * prior),
                          size };
}

gm_evidence gm_evidence_one_sided(double square, double product, double prior)
{
    gm_evidence both = gm_evidence_of(square, product, prior);
    double distance = both.size * sqrt(square + 1.0 / (prior * prior));
    double log_share = log(2.0 * gm_normal_cdf(fmax(distance, far_below)));
    if (distance < far_below) { // phi(x) / |x|, where the share itself would vanish
        log_share = log(2.0 / (-distance * sqrt(2.0 * M_PI))) - 0.5 * distance * distance;
    }
    return (gm_evidence){ both.log_odds + log_share, fmax(both.size, 0.0) };
}

double gm_evidence_of_shapes(const double squares[GM_SHAPES][GM_SHAPES],
                             const double products[GM_SHAPES], double prior)
{
    double factor[GM_SHAPES * GM_SHAPES], sizes[GM_SHAPES];
    memcpy(factor, squares, sizeof factor);
    memcpy(sizes, products, sizeof sizes);
    for (size_t shape = 0; shape < GM_SHAPES; shape++) {
        factor[shape * GM_SHAPES + shape] += 1.0 / (prior * prior);
    }
    if (!gm_cholesky(GM_SHAPES, factor)) {
        return -INFINITY;
    }
    gm_cholesky_solve(GM_SHAPES, factor, sizes);
    double log_odds = 0.0;
    for (size_t shape = 0; shape < GM_SHAPES; shape++) {
        log_odds +=
            0.5 * sizes[shape] * products[shape] - log(factor[shape * GM_SHAPES + shape] * prior);
    }
    return log_odds;
}
