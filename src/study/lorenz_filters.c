// The filters that come with the Lorenz trial; study/lorenz_trial.h.
#include <math.h>
#include <string.h>

#include "assim/adaptive_inflation.h"
#include "assim/extended_kalman.h"
#include "assim/stochastic_filter.h"
#include "assim/track_watch.h"
#include "assim/transform_filter.h"
#include "base/arena.h"
#include "base/require.h"
#include "num/statistics.h"
#include "study/lorenz_trial.h"

enum { FILTER = 1, SEEDING }; // purposes of draws

static const double climate_deviation = 3.6; // of a variable of 1996, over time

typedef struct square_root {
    gm_track track;
    gm_innovation innovations[GM_LORENZ_SIZE_MAX];
    double work[GM_LORENZ_SIZE_MAX];
    double room[]; // [gm_transform_room(lanes)]
} square_root;

static gm_status square_root_open(const gm_lorenz_setting *setting, size_t lanes,
                                  const void *settings, void **memory, gm_error *error)
{
    (void)setting;
    (void)settings;
    *memory = gm_memory_new(1, sizeof(square_root) + gm_transform_room(lanes) * sizeof(double));
    return *memory != NULL ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for a transform");
}

static void seed_anew(const gm_analysis *analysis, gm_random random, uint64_t occurrence)
{
    for (uint32_t i = 0; i < analysis->value_count; i++) {
        gm_spread_floor(analysis->values + i * analysis->lanes, analysis->lanes, climate_deviation,
                        random, (gm_draw){ 0, i, SEEDING, occurrence });
    }
}

static gm_status square_root_analyse(void *memory, const void *settings, gm_lorenz_moment *moment,
                                     gm_error *error)
{
    const gm_lorenz_tuning *tuning = settings;
    const gm_track_options watch = gm_default_track_options();
    square_root *of = memory;
    gm_transform_options options = gm_default_transform_options();
    options.after = tuning->inflation;
    options.turns = tuning->turns ? &moment->random : NULL;
    options.purpose = FILTER;
    options.occurrence = moment->index;
    gm_status status =
        gm_transform_update(&moment->analysis, &options, of->room, of->innovations, error);
    if (status == GM_OK && tuning->watched) {
        gm_track_take(&of->track, &watch, of->innovations, moment->analysis.measurement_count,
                      of->work);
        if (gm_track_lost(&of->track, &watch)) {
            seed_anew(&moment->analysis, moment->random, moment->index);
            of->track = (gm_track){ 0 };
        }
    }
    return status;
}

const gm_lorenz_filter gm_lorenz_square_root = { .name = "square root",
                                                 .open = square_root_open,
                                                 .analyse = square_root_analyse,
                                                 .close = gm_memory_free };

static gm_status stochastic_open(const gm_lorenz_setting *setting, size_t lanes,
                                 const void *settings, void **memory, gm_error *error)
{
    (void)settings;
    *memory = gm_memory_new(gm_stochastic_room(lanes, setting->size), sizeof(double));
    return *memory != NULL ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for a filter");
}

static gm_status stochastic_analyse(void *memory, const void *settings, gm_lorenz_moment *moment,
                                    gm_error *error)
{
    const gm_lorenz_tuning *tuning = settings;
    gm_stochastic_options options = { .inflation = tuning->inflation,
                                      .random = moment->random,
                                      .purpose = FILTER,
                                      .occurrence = moment->index };
    return gm_stochastic_update(&moment->analysis, &options, memory, NULL, error);
}

const gm_lorenz_filter gm_lorenz_stochastic = { .name = "stochastic",
                                                .open = stochastic_open,
                                                .analyse = stochastic_analyse,
                                                .close = gm_memory_free };

// ---- the extended filter: lane 0 is its mean ----

typedef struct extended {
    gm_extended_kalman filter;
    double *gradients; // [size][size]: of what is measured
    double room[];
} extended;

static gm_status extended_open(const gm_lorenz_setting *setting, size_t lanes, const void *settings,
                               void **memory, gm_error *error)
{
    (void)settings;
    GM_REQUIRE(lanes == 1);
    size_t size = setting->size, count = gm_extended_kalman_room(size);
    extended *made = gm_memory_new(1, sizeof *made + (count + size * size) * sizeof *made->room);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a filter");
    }
    made->filter = gm_extended_kalman_in(made->room, size);
    made->gradients = made->room + count;
    for (size_t i = 0; i < size; i++) {
        made->filter.covariance[i * size + i] = setting->start_variance;
    }
    for (size_t j = 0; j * setting->stride < size; j++) {
        made->gradients[j * size + j * setting->stride] = 1.0;
    }
    *memory = made;
    return GM_OK;
}

static gm_status one_step(const void *context, double *values, size_t lanes, gm_error *error)
{
    (void)error;
    gm_lorenz_setting single = *(const gm_lorenz_setting *)context;
    single.steps = 1;
    gm_lorenz_advance(&single, values, lanes);
    return GM_OK;
}

static gm_status extended_advance(void *memory, const void *settings,
                                  const gm_lorenz_setting *setting, double *values, gm_error *error)
{
    const gm_lorenz_tuning *tuning = settings;
    gm_extended_kalman *filter = &((extended *)memory)->filter;
    gm_extended_model model = { .advance = one_step,
                                .context = setting,
                                .inflation = pow(tuning->inflation, setting->step) };
    gm_status status = GM_OK;
    memcpy(filter->mean, values, setting->size * sizeof *values);
    for (size_t step = 0; status == GM_OK && step < setting->steps; step++) {
        status = gm_extended_kalman_forecast(filter, &model, error);
    }
    memcpy(values, filter->mean, setting->size * sizeof *values);
    return status;
}

static gm_status extended_analyse(void *memory, const void *settings, gm_lorenz_moment *moment,
                                  gm_error *error)
{
    (void)settings;
    const gm_analysis *analysis = &moment->analysis;
    size_t size = moment->setting->size;
    extended *of = memory;
    gm_extended_sight sight = { .count = analysis->measurement_count,
                                .predicted = analysis->predictions,
                                .gradients = of->gradients,
                                .measured = analysis->measured,
                                .variance = analysis->variance };
    gm_status status = gm_extended_kalman_update(&of->filter, &sight, error);
    double variance = 0.0;
    for (size_t i = 0; i < size; i++) {
        analysis->values[i] = of->filter.mean[i];
        variance += of->filter.covariance[i * size + i] / (double)size;
    }
    *moment->spread = sqrt(variance);
    return status;
}

const gm_lorenz_filter gm_lorenz_extended = { .name = "extended",
                                              .open = extended_open,
                                              .analyse = extended_analyse,
                                              .advance = extended_advance,
                                              .close = gm_memory_free };

// ---- the square root, untended ----

static const double noise_memory = 1000.0, noise_trust = 50.0; // in analyses

typedef struct untended {
    gm_inflation inflation;
    gm_noise noise[GM_LORENZ_SIZE_MAX];
    double variance[GM_LORENZ_SIZE_MAX]; // as believed
    double before[GM_LORENZ_SIZE_MAX];   // innovations
    double *estimate;                    // [gm_inflation_room(lanes)]
    double *transform;                   // [gm_transform_room(lanes)]
    double room[];
} untended;

static gm_status untended_open(const gm_lorenz_setting *setting, size_t lanes, const void *settings,
                               void **memory, gm_error *error)
{
    (void)setting;
    (void)settings;
    size_t estimate = gm_inflation_room(lanes), count = estimate + gm_transform_room(lanes);
    untended *made = gm_memory_new(1, sizeof *made + count * sizeof *made->room);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a filter");
    }
    made->estimate = made->room;
    made->transform = made->room + estimate;
    *memory = made;
    return GM_OK;
}

static gm_status untended_analyse(void *memory, const void *settings, gm_lorenz_moment *moment,
                                  gm_error *error)
{
    const gm_lorenz_untended_setting *setting = settings;
    untended *of = memory;
    gm_analysis analysis = moment->analysis;
    size_t count = analysis.measurement_count, lanes = analysis.lanes;
    double declared =
        setting->declared_noise > 0.0 ? setting->declared_noise : moment->setting->noise;
    for (size_t j = 0; j < count; j++) {
        double learned = setting->learns_noise ? gm_noise_factor(&of->noise[j], noise_trust) : 1.0;
        of->variance[j] = declared * learned;
        of->before[j] = analysis.measured[j] - gm_mean(analysis.predictions + j * lanes, lanes);
    }
    analysis.variance = of->variance;
    gm_inflation_options inflation = gm_default_inflation_options();
    gm_transform_options options = gm_default_transform_options();
    options.bounded = true;
    options.turns = &moment->random;
    options.purpose = FILTER;
    options.occurrence = moment->index;
    gm_status status = gm_inflation_estimate(&inflation, &analysis, of->estimate, &of->inflation,
                                             &options.before, error);
    if (status == GM_OK) {
        status = gm_transform_update(&analysis, &options, of->transform, NULL, error);
    }
    for (size_t j = 0; status == GM_OK && j < count; j++) {
        double after = analysis.measured[j] - gm_mean(analysis.predictions + j * lanes, lanes);
        gm_noise_take(&of->noise[j], of->before[j], after, declared, noise_memory);
    }
    return status;
}

const gm_lorenz_filter gm_lorenz_untended = { .name = "square root, untended",
                                              .open = untended_open,
                                              .analyse = untended_analyse,
                                              .close = gm_memory_free };
