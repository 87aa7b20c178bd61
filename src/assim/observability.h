// What readings can tell of unknowns: known before any of them is taken, because in a linear
// Gaussian world the spread that is left does not depend on what is read.
//
// The unknowns theta are standard normal and independent: each is counted in its own declared
// spread. In slice t of a horizon reading i says
//
//     y(i,t) = slope(i,t) theta + wander(i,t) + error(i),
//
// error independent with variance `noise`, wander what chance outside the unknowns does to the
// readings: of covariance S between readings, fresh in every slice. With N = S + diag(noise) the
// information is F = sum over t of slope(t)' N^-1 slope(t), and theta is left with the covariance
// P = (1 + F)^-1: the Kalman filter's, and 1 + F the Gramian's with the prior added (Jazwinski,
// Stochastic Processes and Filtering Theory, 1970, 7.3-7.5). A further sensor adds to F; the total
// of relative spreads that it leaves ranks it (greedy design: Krause, Singh, Guestrin, J. Mach.
// Learn. Res. 9 (2008) 235-284).
//
// No spurious knowledge: slopes are differences between lanes that differ in one unknown alone, so
// they carry no chance. S is a sample's; taken from n samples for m readings it makes them seem
// to tell (n - m) / n too much at most, and is enlarged by 1 + m / n. What chance does to a
// quantity at the horizon's end is followed by lanes through the last readings, as the twin's own
// filter does it: once by itself, beside P, and once together with unknowns drawn at random. Both
// leave at least what an ideal filter would, so the smaller counts. Of lanes a covariance counts
// only beyond two standard errors (`chance` in square_root.h).
#ifndef GEMEL_ASSIM_OBSERVABILITY_H
#define GEMEL_ASSIM_OBSERVABILITY_H

#include <gemel/random.h>
#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    GM_UNKNOWNS_MAX = 2048, // unknowns looked at together
    GM_COMPANIONS_MAX = 3,  // others named that an unknown cannot be told from
};

/// The linear Gaussian world. Arrays are the caller's, only read, and outlive the answer.
typedef struct gm_sensing {
    size_t unknown_count;  // 1 .. GM_UNKNOWNS_MAX
    size_t quantity_count; // what is asked about: unknowns, or what follows from them
    size_t reading_count;  // sensors: those there are, then those that could be
    size_t present_count;  // of them those there are
    size_t slice_count;
    const double *slopes;  // [reading_count][slice_count][unknown_count], per spread of the unknown
    const double *noise;   // [reading_count] variance of a reading's error in one slice, > 0
    const double *effects; // [quantity_count][unknown_count]: how a quantity follows the unknowns
    // what chance does; deviations, their mean over samples (lanes) zero
    size_t sample_count;         // 0: nothing
    const double *wander;        // [reading_count][sample_count]
    size_t lanes;                // 0: nothing
    const double *ends;          // [quantity_count][lanes] to the quantities at the end
    size_t recent_count;         // of a sensor's means over the last times, one before the other
    const double *recent;        // [reading_count][recent_count][lanes] to them
    const double *recent_noise;  // [reading_count][recent_count] variance of their errors, > 0
    const double *recent_slopes; // [reading_count][recent_count][unknown_count] of them
    gm_random random;            // gives the lanes unknowns of their own
} gm_sensing;

/// What is left of the spreads. Owner: the caller, with gm_observability_close.
typedef struct gm_observability {
    const gm_sensing *sensing;
    bool *taken;         // [reading_count] sensors that count as there
    double *precision;   // [unknown_count][unknown_count] 1 + F
    double *left;        // [unknown_count][unknown_count] P
    double *alone;       // [unknown_count] the spread left to each if all others were known
    double *before;      // [quantity_count] spread before any reading
    double *after;       // [quantity_count] and after those of all sensors taken
    double *follows;     // [unknown_count][quantity_count] P effects'
    double *unexplained; // [quantity_count] variance left by the unknowns
    double *apart;       // what is left of chance alone: `ends`, then `recent`
    double *whole;       // the same of chance and unknowns together
    double *whole_start; // [quantity_count] its variance before any reading
    size_t *order;       // [order_count] sensors as they were taken
    size_t order_count;
    double *factor; // rows of the Cholesky factor of N, by `order`: row i at i (i + 1) / 2
} gm_observability;

/// What the present sensors leave.
/// @return GM_INVALID (counts; a noise that is not positive), GM_NUMERIC (a slope or deviation that
///         is not finite), GM_LIMIT, GM_MEMORY
gm_status gm_observability_create(const gm_sensing *sensing, gm_observability **observability,
                                  gm_error *error);
/// NULL is fine.
void gm_observability_close(gm_observability *observability);

/// What share of the sum of relative spreads (after over before) one more sensor would take away.
/// @param gains  out, [reading_count]; 0 for sensors taken
/// @return GM_OK, GM_NUMERIC, GM_MEMORY: then gains are undefined
gm_status gm_observability_rank(const gm_observability *observability, double *gains,
                                gm_error *error);

/// The sum of relative spreads that the sensors taken leave, over that before any reading; 0 when
/// there is nothing to determine.
double gm_observability_total(const gm_observability *observability);

/// Counts a sensor as there from now on. @param reading  not taken yet
/// @return GM_OK; GM_MEMORY, GM_NUMERIC: then it is unusable
gm_status gm_observability_take(gm_observability *observability, size_t reading, gm_error *error);

/// Another unknown that moves with one: when that is one spread (of what is left) higher, this one
/// is `correlation` of its own higher in the mean.
typedef struct gm_companion {
    size_t unknown;
    double correlation;
} gm_companion;

/// The unknowns that move most with one, |correlation| of at least `least`, closest first.
/// @param companions  out, [GM_COMPANIONS_MAX]
/// @return how many
size_t gm_observability_companions(const gm_observability *observability, size_t unknown,
                                   double least, gm_companion *companions);

#endif
