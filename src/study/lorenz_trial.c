// Twin experiments with Lorenz's models; study/lorenz_trial.h.
#include "study/lorenz_trial.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/lanes.h"
#include "num/statistics.h"

enum { START_OF_TRUTH, START_OF_LANES, MEASUREMENT }; // purposes of draws

static const double tail_share = 0.1; // of the analyses, by which a lost track is told
static const double true_forcing = 8.0;
static const double start_63[] = { 1.509, -1.531, 25.46 };

// ---- the models ----

typedef double block[GM_LORENZ_SIZE_MAX][GM_LANES];

GM_INLINE void rate_63(const block at, block rate, const size_t width)
{
    for (size_t k = 0; k < width; k++) {
        rate[0][k] = 10.0 * (at[1][k] - at[0][k]);
        rate[1][k] = at[0][k] * (28.0 - at[2][k]) - at[1][k];
        rate[2][k] = at[0][k] * at[1][k] - 8.0 / 3.0 * at[2][k];
    }
}

GM_INLINE void rate_96(size_t size, double forcing, const block at, block rate, const size_t width)
{
    for (size_t i = 0; i < size; i++) {
        size_t next = i + 1 < size ? i + 1 : 0;
        size_t before = i > 0 ? i - 1 : size - 1, second = before > 0 ? before - 1 : size - 1;
        for (size_t k = 0; k < width; k++) {
            rate[i][k] = (at[next][k] - at[second][k]) * at[before][k] - at[i][k] + forcing;
        }
    }
}

GM_INLINE void rate_of(const gm_lorenz_setting *setting, const block at, block rate)
{
    if (setting->model == GM_LORENZ_1963) {
        rate_63(at, rate, GM_LANES);
    } else {
        rate_96(setting->size, true_forcing + setting->model_error, at, rate, GM_LANES);
    }
}

/// to = from + share rate
GM_INLINE void move(size_t size, const block from, double share, const block rate, block to)
{
    for (size_t i = 0; i < size; i++) {
        for (size_t k = 0; k < GM_LANES; k++) {
            to[i][k] = from[i][k] + share * rate[i][k];
        }
    }
}

GM_KERNEL static void lorenz_steps(const gm_lorenz_setting *setting, block state)
{
    const size_t size = setting->size;
    const double step = setting->step;
    block first, second, third, last, stage;
    for (size_t done = 0; done < setting->steps; done++) {
        rate_of(setting, state, first);
        move(size, state, 0.5 * step, first, stage);
        rate_of(setting, stage, second);
        move(size, state, 0.5 * step, second, stage);
        rate_of(setting, stage, third);
        move(size, state, step, third, stage);
        rate_of(setting, stage, last);
        for (size_t i = 0; i < size; i++) {
            for (size_t k = 0; k < GM_LANES; k++) {
                double middle = second[i][k] + third[i][k];
                state[i][k] += step / 6.0 * (first[i][k] + 2.0 * middle + last[i][k]);
            }
        }
    }
}

void gm_lorenz_advance(const gm_lorenz_setting *setting, double *values, size_t lanes)
{
    for (size_t first = 0; first < lanes; first += GM_LANES) {
        size_t count = lanes - first < GM_LANES ? lanes - first : GM_LANES;
        block state = { 0 };
        for (size_t i = 0; i < setting->size; i++) {
            memcpy(state[i], values + i * lanes + first, count * sizeof *values);
        }
        lorenz_steps(setting, state);
        for (size_t i = 0; i < setting->size; i++) {
            memcpy(values + i * lanes + first, state[i], count * sizeof *values);
        }
    }
}

void gm_lorenz_rate(const gm_lorenz_setting *setting, const double *state, double *rate)
{
    block at = { 0 }, change;
    for (size_t i = 0; i < setting->size; i++) {
        at[i][0] = state[i];
    }
    if (setting->model == GM_LORENZ_1963) {
        rate_63(at, change, 1);
    } else {
        rate_96(setting->size, true_forcing + setting->model_error, at, change, 1);
    }
    for (size_t i = 0; i < setting->size; i++) {
        rate[i] = change[i][0];
    }
}

gm_lorenz_setting gm_lorenz_63(void)
{
    return (gm_lorenz_setting){ .model = GM_LORENZ_1963,
                                .size = 3,
                                .step = 0.01,
                                .steps = 25,
                                .stride = 1,
                                .noise = 2.0,
                                .start_variance = 2.0,
                                .burn_in = 16.0,
                                .analyses = 1000 };
}

gm_lorenz_setting gm_lorenz_96(void)
{
    return (gm_lorenz_setting){ .model = GM_LORENZ_1996,
                                .size = 40,
                                .step = 0.05,
                                .steps = 1,
                                .stride = 1,
                                .noise = 1.0,
                                .start_variance = 0.001,
                                .burn_in = 20.0,
                                .analyses = 1000 };
}

gm_lorenz_setting gm_lorenz_96_sparse(void)
{
    return (gm_lorenz_setting){ .model = GM_LORENZ_1996,
                                .size = 40,
                                .step = 0.02,
                                .steps = 20,
                                .stride = 2,
                                .noise = 0.5,
                                .start_variance = 0.1,
                                .burn_in = 20.0,
                                .analyses = 1000 };
}

// ---- one run ----

typedef struct run {
    const gm_lorenz_trial *trial;
    gm_random random, filter_random;
    void *memory; // the filter's
    size_t measurement_count, scored, tail;
    double *truth;       // [size]
    double *values;      // [size][lanes]
    double *predictions; // [measurement_count][lanes]
    double *measured;    // [measurement_count]
    double *variance;    // [measurement_count]
    double *mean;        // [size]
    gm_moments *climate; // [size]: the truth over time
    double rmse_sum, spread_sum, tail_sum;
} run;

static gm_status check_trial(const gm_lorenz_trial *trial, gm_error *error)
{
    const gm_lorenz_setting *s = &trial->setting;
    bool sizes = s->model == GM_LORENZ_1963
                     ? s->size == 3
                     : s->model == GM_LORENZ_1996 && s->size >= 4 && s->size <= GM_LORENZ_SIZE_MAX;
    bool positive = s->step > 0.0 && s->noise > 0.0 && s->start_variance >= 0.0;
    double span = s->step * (double)s->steps * (double)s->analyses;
    if (!sizes || !positive || s->steps == 0 || s->stride == 0 || trial->lanes == 0 ||
        trial->filter == NULL || !(s->burn_in < span)) {
        return gm_error_set(error, GM_INVALID, "not a setting of a trial: %zu variables, %zu lanes",
                            s->size, trial->lanes);
    }
    return GM_OK;
}

static gm_status reserve_run(run *of, gm_error *error)
{
    size_t size = of->trial->setting.size, lanes = of->trial->lanes;
    of->truth = gm_memory_new(size, sizeof *of->truth);
    of->values = gm_memory_new(size * lanes, sizeof *of->values);
    of->predictions = gm_memory_new(of->measurement_count * lanes, sizeof *of->predictions);
    of->measured = gm_memory_new(of->measurement_count, sizeof *of->measured);
    of->variance = gm_memory_new(of->measurement_count, sizeof *of->variance);
    of->mean = gm_memory_new(size, sizeof *of->mean);
    of->climate = gm_memory_new(size, sizeof *of->climate);
    bool complete = of->truth && of->values && of->predictions && of->measured && of->variance &&
                    of->mean && of->climate;
    return complete ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for a trial");
}

static void free_run(run *of)
{
    gm_memory_free(of->truth);
    gm_memory_free(of->values);
    gm_memory_free(of->predictions);
    gm_memory_free(of->measured);
    gm_memory_free(of->variance);
    gm_memory_free(of->mean);
    gm_memory_free(of->climate);
}

static void draw_start(run *of)
{
    const gm_lorenz_setting *setting = &of->trial->setting;
    const double deviation = sqrt(setting->start_variance);
    size_t lanes = of->trial->lanes;
    for (uint32_t i = 0; i < setting->size; i++) {
        double known = setting->model == GM_LORENZ_1963 ? start_63[i] : i == 0 ? 1.0 : 0.0;
        gm_draw draw = { 0, i, START_OF_TRUTH, 0 };
        of->truth[i] = known + deviation * gm_random_normal(of->random, draw);
        draw.purpose = START_OF_LANES;
        double *row = of->values + i * lanes;
        gm_random_normal_lanes(of->random, draw, (int)lanes, row);
        for (size_t lane = 0; lane < lanes; lane++) {
            row[lane] = known + deviation * row[lane];
        }
        row[0] = of->trial->starts_at_mean ? known : row[0];
    }
    for (size_t j = 0; j < of->measurement_count; j++) {
        of->variance[j] = setting->noise;
    }
}

static void measure(run *of, size_t index)
{
    const gm_lorenz_setting *setting = &of->trial->setting;
    const double deviation = sqrt(setting->noise);
    size_t lanes = of->trial->lanes;
    for (size_t j = 0; j < of->measurement_count; j++) {
        gm_draw draw = { 0, (uint32_t)j, MEASUREMENT, index };
        of->measured[j] =
            of->truth[j * setting->stride] + deviation * gm_random_normal(of->random, draw);
        memcpy(of->predictions + j * lanes, of->values + j * setting->stride * lanes,
               lanes * sizeof *of->predictions);
    }
}

static gm_status analyse(run *of, size_t index, double *spread)
{
    const gm_lorenz_trial *trial = of->trial;
    gm_lorenz_moment moment = { .setting = &trial->setting,
                                .index = index,
                                .random = of->filter_random,
                                .analysis = { .lanes = trial->lanes,
                                              .values = of->values,
                                              .value_count = trial->setting.size,
                                              .predictions = of->predictions,
                                              .measurement_count = of->measurement_count,
                                              .measured = of->measured,
                                              .variance = of->variance },
                                .mean = of->mean,
                                .spread = spread };
    *spread = NAN;
    for (size_t i = 0; i < trial->setting.size; i++) {
        of->mean[i] = NAN;
    }
    return trial->filter->analyse(of->memory, trial->settings, &moment, NULL);
}

/// @return false when the estimate is not finite
static bool score(run *of, size_t index, double spread)
{
    const gm_lorenz_setting *setting = &of->trial->setting;
    size_t size = setting->size, lanes = of->trial->lanes;
    double square = 0.0, variance = 0.0;
    for (size_t i = 0; i < size; i++) {
        const double *row = of->values + i * lanes;
        double mean = isnan(of->mean[i]) ? gm_mean(row, lanes) : of->mean[i];
        square += (mean - of->truth[i]) * (mean - of->truth[i]);
        variance += lanes > 1 ? gm_variance(row, lanes) : 0.0;
    }
    double rmse = sqrt(square / (double)size);
    double time = setting->step * (double)(setting->steps * (index + 1));
    if (time > setting->burn_in) {
        of->scored++;
        of->rmse_sum += rmse;
        of->spread_sum += isnan(spread) ? sqrt(variance / (double)size) : spread;
    }
    if ((double)(setting->analyses - index) <= fmax(tail_share * (double)setting->analyses, 1.0)) {
        of->tail++;
        of->tail_sum += rmse;
    }
    return isfinite(rmse);
}

static gm_lorenz_score conclude(const run *of, bool failed)
{
    gm_lorenz_score made = { NAN, NAN, true };
    double variance = 0.0;
    size_t size = of->trial->setting.size;
    for (size_t i = 0; i < size; i++) {
        variance += gm_moments_variance(&of->climate[i]) / (double)size;
    }
    if (!failed) {
        made.rmse = of->rmse_sum / (double)of->scored;
        made.spread = of->spread_sum / (double)of->scored;
        made.lost = of->tail_sum / (double)of->tail > sqrt(variance);
    }
    return made;
}

/// @return false when the filter failed
static bool follow(run *of)
{
    const gm_lorenz_trial *trial = of->trial;
    const gm_lorenz_setting *setting = &trial->setting;
    gm_lorenz_setting nature = *setting;
    nature.model_error = 0.0;
    bool well = true;
    for (size_t index = 0; well && index < setting->analyses; index++) {
        gm_lorenz_advance(&nature, of->truth, 1);
        for (size_t i = 0; i < setting->size; i++) {
            gm_moments_add(&of->climate[i], of->truth[i]);
        }
        if (trial->filter->advance != NULL) {
            well = trial->filter->advance(of->memory, trial->settings, setting, of->values, NULL) ==
                   GM_OK;
        } else {
            gm_lorenz_advance(setting, of->values, trial->lanes);
        }
        measure(of, index);
        double spread = NAN;
        well = well && analyse(of, index, &spread) == GM_OK && score(of, index, spread);
    }
    return well;
}

gm_status gm_lorenz_run(const gm_lorenz_trial *trial, uint64_t seed, gm_lorenz_score *result,
                        gm_error *error)
{
    gm_status status = check_trial(trial, error);
    if (status != GM_OK) {
        return status;
    }
    const gm_lorenz_setting *setting = &trial->setting;
    run of = { .trial = trial,
               .random = gm_random_for(seed, "truth"),
               .filter_random = gm_random_for(seed, "filter"),
               .measurement_count = (setting->size + setting->stride - 1) / setting->stride };
    status = reserve_run(&of, error);
    if (status == GM_OK && trial->filter->open != NULL) {
        status = trial->filter->open(setting, trial->lanes, trial->settings, &of.memory, error);
    }
    if (status == GM_OK) {
        draw_start(&of);
        *result = conclude(&of, !follow(&of));
        if (trial->filter->close != NULL) {
            trial->filter->close(of.memory);
        }
    }
    free_run(&of);
    return status;
}

// ---- many runs ----

typedef struct batch {
    const gm_lorenz_trial *trial;
    gm_lorenz_score scores[GM_LORENZ_SEEDS_MAX];
    gm_status status[GM_LORENZ_SEEDS_MAX];
} batch;

static void run_seed(void *context, size_t chunk)
{
    batch *of = context;
    of->status[chunk] = gm_lorenz_run(of->trial, chunk + 1, &of->scores[chunk], NULL);
}

static gm_lorenz_summary summarise(const batch *of, size_t seed_count)
{
    gm_lorenz_summary made = { .seeds = seed_count };
    double sorted[GM_LORENZ_SEEDS_MAX];
    gm_moments rmse = { 0 }, spread = { 0 };
    for (size_t seed = 0; seed < seed_count; seed++) {
        const gm_lorenz_score *one = &of->scores[seed];
        made.lost += one->lost;
        made.failed += isnan(one->rmse);
        if (one->lost) {
            continue;
        }
        sorted[rmse.count] = one->rmse;
        gm_moments_add(&rmse, one->rmse);
        gm_moments_add(&spread, one->spread);
    }
    gm_sort(sorted, rmse.count);
    made.mean = rmse.count > 0 ? rmse.mean : NAN;
    made.median = gm_quantile(sorted, rmse.count, 0.5);
    made.error = sqrt(gm_moments_variance(&rmse) / (double)rmse.count);
    made.spread = spread.count > 0 ? spread.mean : NAN;
    return made;
}

gm_status gm_lorenz_run_seeds(const gm_lorenz_trial *trial, size_t seed_count, gm_workers *workers,
                              gm_lorenz_summary *summary, gm_error *error)
{
    if (seed_count == 0 || seed_count > GM_LORENZ_SEEDS_MAX) {
        return gm_error_set(error, GM_INVALID, "%zu seeds: 1 to %d", seed_count,
                            GM_LORENZ_SEEDS_MAX);
    }
    gm_status status = check_trial(trial, error);
    batch *of = status == GM_OK ? gm_memory_new(1, sizeof *of) : NULL;
    if (of == NULL) {
        return status != GM_OK ? status : gm_error_set(error, GM_MEMORY, "no memory for a trial");
    }
    of->trial = trial;
    gm_workers_run(workers, seed_count, run_seed, of);
    for (size_t seed = 0; status == GM_OK && seed < seed_count; seed++) {
        if (of->status[seed] != GM_OK) {
            status = gm_error_set(error, of->status[seed], "seed %zu could not be run", seed + 1);
        }
    }
    if (status == GM_OK) {
        *summary = summarise(of, seed_count);
    }
    gm_memory_free(of);
    return status;
}
