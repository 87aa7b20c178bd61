// Filters on trial: twin experiments with Lorenz's models, the standard by which estimators are
// compared.
//
// A hidden truth runs from a state drawn about a known one; a filter sees it through noisy
// measurements at equal intervals and is scored at every analysis after the burn-in: rmse = the
// root mean square, over the model's variables, of its mean minus the truth.
//
//     1963: dx = 10 (y - x), dy = x (28 - z) - y, dz = x y - 8/3 z
//     1996: dx_i = (x_i+1 - x_i-2) x_i-1 - x_i + 8, in a circle
//
// Steps are those of the classic Runge-Kutta method of order 4; the model has no noise. Sources:
// Lorenz, J. Atmos. Sci. 20 (1963) 130-141; Lorenz, Predictability: a problem partly solved, ECMWF
// seminar (1996).
#ifndef GEMEL_STUDY_LORENZ_TRIAL_H
#define GEMEL_STUDY_LORENZ_TRIAL_H

#include <gemel/random.h>
#include <gemel/workers.h>
#include <stdbool.h>

#include "assim/square_root.h"

enum { GM_LORENZ_SIZE_MAX = 64, GM_LORENZ_SEEDS_MAX = 1024 };

typedef enum gm_lorenz_model {
    GM_LORENZ_NONE = 0,
    GM_LORENZ_1963, // 3 variables
    GM_LORENZ_1996, // `size` variables
} gm_lorenz_model;

/// What is to be estimated, and how it is seen. Start from one of the settings below.
typedef struct gm_lorenz_setting {
    gm_lorenz_model model;
    size_t size;           // variables, 4 .. GM_LORENZ_SIZE_MAX; 3 for 1963
    double step;           // of integration, in the model's time
    size_t steps;          // between analyses
    size_t stride;         // every stride-th variable is measured, from the first
    double noise;          // variance of the measurements' errors
    double start_variance; // of the truth and of the lanes about the known start
    double burn_in;        // the model's time before scores count
    size_t analyses;       // in all
    double model_error;    // added to the forcing 8 of the lanes, not of the truth; 0 for 1963
} gm_lorenz_setting;

/// Sakov, Oliver, Bertino, Mon. Wea. Rev. 140 (2012) 1988-2004, table 1.
gm_lorenz_setting gm_lorenz_63(void);
/// Sakov, Oke, Tellus A 60 (2008) 361-371, table 1.
gm_lorenz_setting gm_lorenz_96(void);
/// Half the variables, seldom: Spantini, Baptista, Marzouk, SIAM Review 64 (2022) 921-953, fig. 9.
gm_lorenz_setting gm_lorenz_96_sparse(void);

/// What a filter is given at an analysis.
typedef struct gm_lorenz_moment {
    const gm_lorenz_setting *setting;
    size_t index;         // of the analysis, from 0
    gm_random random;     // the filter's own stream under this seed; occurrence: the index
    gm_analysis analysis; // values [size][lanes]: the lanes; measurement j sees variable j stride
    double *mean;   // out, [size]: the estimate; preset to NaN, which stands for the lanes' mean
    double *spread; // out: root mean variance of the estimate; NaN stands for the lanes' own
} gm_lorenz_moment;

/// A filter that can be tried.
typedef struct gm_lorenz_filter {
    const char *name;
    /// Memory of one run. NULL: none is needed. @param settings  the trial's
    gm_status (*open)(const gm_lorenz_setting *setting, size_t lanes, const void *settings,
                      void **memory, gm_error *error);
    /// The update. @param memory  of `open`
    gm_status (*analyse)(void *memory, const void *settings, gm_lorenz_moment *moment,
                         gm_error *error);
    /// Takes the place of running lane by lane between analyses. NULL: lanes run.
    /// @param values  in out, [size][lanes]
    gm_status (*advance)(void *memory, const void *settings, const gm_lorenz_setting *setting,
                         double *values, gm_error *error);
    void (*close)(void *memory); // NULL is fine; not called when `open` failed
} gm_lorenz_filter;

/// A filter under a setting.
typedef struct gm_lorenz_trial {
    gm_lorenz_setting setting;
    const gm_lorenz_filter *filter;
    const void *settings; // the filter's own
    size_t lanes;         // >= 1
    bool starts_at_mean;  // lane 0 starts at the known state itself
} gm_lorenz_trial;

/// What became of one seed.
typedef struct gm_lorenz_score {
    double rmse;   // time mean after the burn-in; NaN when the filter failed
    double spread; // the same of the filter's own root mean variance
    bool lost;     // the filter failed, or over the last tenth of all analyses it knew no more than
                   // the climate: rmse above the truth's own root mean variance over time
} gm_lorenz_score;

/// One run.
/// @return GM_INVALID (the setting), GM_MEMORY; a filter that fails is a lost seed, not an error
gm_status gm_lorenz_run(const gm_lorenz_trial *trial, uint64_t seed, gm_lorenz_score *score,
                        gm_error *error);

/// What became of many.
typedef struct gm_lorenz_summary {
    size_t seeds, lost;  // how many lost track
    size_t failed;       // of these: how many ended without an estimate
    double mean, median; // of rmse over the seeds that kept track; NaN for none
    double error;        // standard error of the mean
    double spread;       // mean, over the same
} gm_lorenz_summary;

/// Runs seeds 1 .. seed_count, 1 .. GM_LORENZ_SEEDS_MAX of them.
/// @param workers  share the seeds; NULL: this thread alone. The result is the same
gm_status gm_lorenz_run_seeds(const gm_lorenz_trial *trial, size_t seed_count, gm_workers *workers,
                              gm_lorenz_summary *summary, gm_error *error);

/// Runs lanes from one analysis to the next. @param values in out, [size][lanes]
void gm_lorenz_advance(const gm_lorenz_setting *setting, double *values, size_t lanes);
/// dx/dt of one state. @param state [size]; @param rate out, [size]
void gm_lorenz_rate(const gm_lorenz_setting *setting, const double *state, double *rate);

// ---- filters that come with the trial ----

/// Settings of these.
typedef struct gm_lorenz_tuning {
    double inflation; // of deviations, after each analysis; of the extended filter's covariance,
                      // per unit time
    bool turns;       // random rotations after each analysis (square root)
    bool watched; // lanes that lost track are seeded anew about their mean, as wide as the climate
                  // of 1996 (square root)
} gm_lorenz_tuning;

/// Settings of gm_lorenz_untended: nothing is tuned.
typedef struct gm_lorenz_untended_setting {
    bool learns_noise;     // error variances from innovations
    double declared_noise; // variance that the filter is told; 0: the true one
} gm_lorenz_untended_setting;

extern const gm_lorenz_filter gm_lorenz_square_root; // assim/transform_filter.h, symmetric
extern const gm_lorenz_filter gm_lorenz_stochastic;  // assim/stochastic_filter.h
extern const gm_lorenz_filter gm_lorenz_extended;    // assim/extended_kalman.h; needs 1 lane
extern const gm_lorenz_filter gm_lorenz_untended;    // the first with assim/adaptive_inflation.h

#endif
