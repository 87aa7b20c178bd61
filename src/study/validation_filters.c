// Filters against the published scores of twin experiments with Lorenz's models.
//
// Expected are the time means of the analysis' root mean square error that DAPPER publishes beside
// its settings (Raanes et al., Journal of Open Source Software 9 (2024) 5150); each row is the mean
// over 32 seeds of 1000 analyses, of the particle filter the median. A seed whose last tenth of
// analyses is further from the truth than the climate is has lost track: it is counted and left
// out.
#include <math.h>
#include <stdio.h>

#include "study/lorenz_local.h"
#include "study/lorenz_trial.h"
#include "study/validation.h"

enum { SEEDS = 32 };

static const gm_lorenz_tuning sqrt_63_3 = { .inflation = 1.30 };
static const gm_lorenz_tuning sqrt_63_10 = { .inflation = 1.02, .turns = true };
static const gm_lorenz_tuning sqrt_96_24 = { .inflation = 1.013, .turns = true };
static const gm_lorenz_tuning sqrt_96_20 = { .inflation = 1.04, .turns = true };
static const gm_lorenz_tuning sqrt_sparse = { .inflation = 1.10 };

static const gm_lorenz_tuning noisy_63_10 = { .inflation = 1.04 };
static const gm_lorenz_tuning noisy_63_100 = { .inflation = 1.01 };
static const gm_lorenz_tuning noisy_96_40 = { .inflation = 1.06 };
static const gm_lorenz_tuning noisy_96_28 = { .inflation = 1.08 };

static const gm_lorenz_tuning extended_63 = { .inflation = 180.0 };

static const gm_lorenz_renewal particles_800 = { .share = 0.2, .bandwidth = 0.9 };
static const gm_lorenz_renewal particles_4000 = { .share = 0.05, .bandwidth = 0.7 };

static const gm_lorenz_locality local_7 = {
    .radius = 4.0, .inflation = 1.04, .batch = 2, .turns = true
};
static const gm_lorenz_locality local_sparse = { .radius = 4.0, .inflation = 1.10, .batch = 2 };
static const gm_lorenz_locality local_untended = { .batch = 2, .turns = true };

static const gm_lorenz_untended_setting untended;

/// The lanes' forcing is 9 where the truth's is 8.
static gm_lorenz_setting wrong_96(void)
{
    gm_lorenz_setting made = gm_lorenz_96();
    made.model_error = 1.0;
    return made;
}

/// One line of the table.
typedef struct row {
    const char *what;
    gm_lorenz_setting (*setting)(void);
    const gm_lorenz_filter *filter;
    const void *settings;
    size_t lanes;
    double expected;
    double tolerance; // relative
    bool median;      // of the seeds, instead of the mean
    bool keeps;       // no seed may lose track
} row;

static const row rows_63[] = {
    { "square root, 3 lanes", gm_lorenz_63, &gm_lorenz_square_root, &sqrt_63_3, 3, 0.80, 0.10,
      false, false },
    { "square root, 10 lanes", gm_lorenz_63, &gm_lorenz_square_root, &sqrt_63_10, 10, 0.60, 0.10,
      false, false },
    { "stochastic, 10 lanes", gm_lorenz_63, &gm_lorenz_stochastic, &noisy_63_10, 10, 0.65, 0.12,
      false, false },
    { "stochastic, 100 lanes", gm_lorenz_63, &gm_lorenz_stochastic, &noisy_63_100, 100, 0.56, 0.12,
      false, false },
    { "particles, 800 lanes", gm_lorenz_63, &gm_lorenz_particles, &particles_800, 800, 0.28, 0.15,
      true, false },
    { "particles, 4000 lanes", gm_lorenz_63, &gm_lorenz_particles, &particles_4000, 4000, 0.27,
      0.15, true, false },
    { "extended Kalman", gm_lorenz_63, &gm_lorenz_extended, &extended_63, 1, 0.92, 0.12, false,
      false },
};

// expected of untended filters on a wrong model: the best of fixed settings, found here; inflation
// 1.20, and for the local one 1.17 with radius 2
static const row rows_96[] = {
    { "stochastic, 40 lanes", gm_lorenz_96, &gm_lorenz_stochastic, &noisy_96_40, 40, 0.22, 0.08,
      false, false },
    { "stochastic, 28 lanes", gm_lorenz_96, &gm_lorenz_stochastic, &noisy_96_28, 28, 0.24, 0.08,
      false, false },
    { "square root, 24 lanes", gm_lorenz_96, &gm_lorenz_square_root, &sqrt_96_24, 24, 0.18, 0.08,
      false, false },
    { "square root, 20 lanes", gm_lorenz_96, &gm_lorenz_square_root, &sqrt_96_20, 20, 0.20, 0.08,
      false, false },
    { "local, 7 lanes", gm_lorenz_96, &gm_lorenz_local, &local_7, 7, 0.22, 0.08, false, false },
    { "sparse: square root, 40 lanes", gm_lorenz_96_sparse, &gm_lorenz_square_root, &sqrt_sparse,
      40, 2.2, 0.15, false, false },
    { "sparse: local, 40 lanes", gm_lorenz_96_sparse, &gm_lorenz_local, &local_sparse, 40, 1.0,
      0.15, false, false },
    { "untended square root, 24 lanes", gm_lorenz_96, &gm_lorenz_untended, &untended, 24, 0.18,
      0.20, false, true },
    { "untended local, 7 lanes", gm_lorenz_96, &gm_lorenz_local, &local_untended, 7, 0.22, 0.20,
      false, true },
    { "untended on a wrong model, 24 lanes", wrong_96, &gm_lorenz_untended, &untended, 24, 0.50,
      0.20, false, true },
    { "untended local on a wrong model, 7 lanes", wrong_96, &gm_lorenz_local, &local_untended, 7,
      0.40, 0.20, false, true },
};

static gm_status try_row(const row *tried, gm_validation_report *report, gm_error *error)
{
    gm_lorenz_trial trial = { .setting = tried->setting(),
                              .filter = tried->filter,
                              .settings = tried->settings,
                              .lanes = tried->lanes,
                              .starts_at_mean = tried->lanes == 1 };
    gm_lorenz_summary summary = { 0 };
    gm_status status = gm_lorenz_run_seeds(&trial, SEEDS, NULL, &summary, error);
    if (status != GM_OK) {
        return status;
    }
    gm_validation_number number = { .relation = GM_NEAR,
                                    .expected = tried->expected,
                                    .got = tried->median ? summary.median : summary.mean,
                                    .tolerance = tried->tolerance * tried->expected,
                                    .unit = "1" };
    snprintf(number.what, sizeof number.what, "%s", tried->what);
    gm_validation_add(report, &number);
    number = (gm_validation_number){ .relation = tried->keeps ? GM_AT_MOST : GM_REPORTED,
                                     .got = (double)summary.lost,
                                     .unit = "seeds" };
    snprintf(number.what, sizeof number.what, "  lost track, of %d", SEEDS);
    gm_validation_add(report, &number);
    return GM_OK;
}

static gm_status try_rows(const row *rows, size_t count, gm_validation_report *report,
                          gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        status = try_row(&rows[index], report, error);
    }
    return status;
}

static gm_status run_63(const gm_validation_context *context, gm_validation_report *report,
                        gm_error *error)
{
    (void)context;
    return try_rows(rows_63, sizeof rows_63 / sizeof *rows_63, report, error);
}

static gm_status run_96(const gm_validation_context *context, gm_validation_report *report,
                        gm_error *error)
{
    (void)context;
    return try_rows(rows_96, sizeof rows_96 / sizeof *rows_96, report, error);
}

const gm_validation_case gm_validation_lorenz_63 = {
    .name = "filters on three variables (1963)",
    .domain = "lorenz",
    .source = "Sakov, Oliver, Bertino, Mon. Wea. Rev. 140 (2012) 1988-2004, table 1; DAPPER",
    .run = run_63,
};

const gm_validation_case gm_validation_lorenz_96 = {
    .name = "filters on forty variables (1996)",
    .domain = "lorenz",
    .source = "Sakov, Oke, Tellus A 60 (2008) 361-371, table 1; Spantini, Baptista, Marzouk, SIAM "
              "Review 64 (2022) 921-953, fig. 9; DAPPER",
    .run = run_96,
};
