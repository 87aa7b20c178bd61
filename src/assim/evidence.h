// Evidence: how much better residuals are explained by a change of known shape than by none.
//
// A residual is what a sensor read minus what a free run of the model predicted. While nothing
// happens it is a constant offset, the model's error that comes and goes (first order
// autoregression, zero where the run starts), and white noise:
//
//     e(t) = offset + u(t) + noise,   du = -u / time dt + kick
//
// A Kalman filter of that process turns a series of residuals into one of independent standard
// normals, and every response to a hypothesis by the same gains (Harvey, Forecasting, structural
// time series models and the Kalman filter, 1989, 3.4: generalised least squares by filtering). So
// that measurements which follow each other do not count as many.
#ifndef GEMEL_ASSIM_EVIDENCE_H
#define GEMEL_ASSIM_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

/// How a sensor's residuals behave while nothing happens. SI.
typedef struct gm_residual_model {
    double noise;  // standard deviation of white noise, > 0
    double error;  // of the model's error, once the run is long, >= 0
    double time_s; // by which that is forgotten, > 0
    double offset; // of the constant offset, >= 0
    double share;  // of a prediction's move, >= 0
} gm_residual_model;

/// The filter of one sensor. Plain value; what it remembers of a series is `means`, the caller's.
typedef struct gm_whitener {
    gm_residual_model model;
    double variance[3]; // offset, offset with error, error
    double gain[2];     // of the measurement at hand, for offset and error
    double keep;        // share of the error that is left since the measurement before
    double spread;      // standard deviation that is expected of the measurement at hand
    double predicted;   // of the measurement at hand; NAN before the first
    int64_t time_ns;
} gm_whitener;

/// @param start_ns  when the free run starts
gm_whitener gm_whitener_of(const gm_residual_model *model, int64_t start_ns);
/// Goes on to the measurement at time_ns, not before the last one: gain, keep and spread are its.
/// @param predicted  what the free run says there
void gm_whitener_next(gm_whitener *whitener, int64_t time_ns, double predicted);
/// Whitens many series at the measurement at hand.
/// @param means   in out, [2][count]: offset and error as known so far; zero before the first
/// @param values  in out, [count]: residuals, then independent standard normals
void gm_whiten(const gm_whitener *whitener, double *means, double *values, size_t count);

/// Residuals of one sensor, by time.
typedef struct gm_residual {
    int64_t time_ns;
    double value, predicted;
} gm_residual;

/// What is thought of a sensor's residuals before they are seen.
typedef struct gm_residual_belief {
    gm_residual_model model; // time 0: nothing is known of it, a fifth of the run is taken
    // inverse squares of the factors (of their logarithms) by which noise and error may be off;
    // of a time that is known, the error's. Of the share, the inverse of its variance
    double noise_certainty, error_certainty, share_certainty;
} gm_residual_belief;

/// Noise, error and offset as given: the error within a factor e, the noise, which every reading
/// shows, within a fifth; of the time nothing; the share within a tenth.
gm_residual_belief gm_residual_belief_of(const gm_residual_model *model);

/// The model under which residuals are likeliest, with what was thought before: what is believed,
/// and a grid around it, noise half to thrice as much, the error a quarter of the noise to 16 times
/// as much, forgotten in a fiftieth of the span to the whole; then shares up to 0.3, and the error
/// again with each.
/// @param span_s  length of the whole run
/// @return what is believed when there are no residuals
gm_residual_model gm_residual_model_fit(const gm_residual_belief *belief,
                                        const gm_residual *residuals, size_t count,
                                        int64_t start_ns, double span_s);

/// What whitened residuals e say of a response r of unknown size a, with the prior a ~ N(0,
/// prior^2).
typedef struct gm_evidence {
    double log_odds; // log of p(e | response) / p(e | none)
    double size;     // likeliest a
} gm_evidence;

/// @param square   sum of r^2
/// @param product  sum of r e
gm_evidence gm_evidence_of(double square, double product, double prior);
/// The same for sizes a >= 0 only (half normal prior).
gm_evidence gm_evidence_one_sided(double square, double product, double prior);

enum { GM_SHAPES = 3 };
/// A mix of GM_SHAPES shapes, each of its own size. @return log odds
/// @param squares   [GM_SHAPES][GM_SHAPES] sums of products of the shapes
/// @param products  [GM_SHAPES] sums of products with e
double gm_evidence_of_shapes(const double squares[GM_SHAPES][GM_SHAPES],
                             const double products[GM_SHAPES], double prior);

#endif
