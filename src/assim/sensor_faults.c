// Log odds of sensors' faults by filters that run once over the readings, for all onsets at once or
// from each onset on: see sensor_faults.h.
#include "assim/sensor_faults.h"

#include <math.h>
#include <string.h>

#include "num/statistics.h"

enum { NOISE_FACTORS = 4, SPIKE_KINDS = 6, FINE_ONSETS = 16 };

static const double noise_factors[NOISE_FACTORS] = { 2.0, 3.0, 4.5, 7.0 };

/// Spikes: how many readings have one, and how large they are in units of the noise.
static const struct {
    double share, size;
} spike_kinds[SPIKE_KINDS] = { { 0.03, 6.0 }, { 0.03, 15.0 }, { 0.1, 6.0 },
                               { 0.1, 15.0 }, { 0.3, 8.0 },   { 0.1, 50.0 } };

static const double least_resolution = 0.01; // of the noise
static const double narrow = 0.2; // of a spread: steps up to this are taken for densities
static const double smooth_shares[GM_SHAPES] = { 0.05, 0.17, 0.5 }; // of the time since an onset
static const double worth_a_closer_look = 2.0;                      // log odds
static const double log_half = -0.69314718055994531;

// ---- input ----

static gm_status check_onsets(const gm_onsets *onsets, gm_error *error)
{
    if (onsets->count == 0 || onsets->count > GM_FAULT_ONSETS_MAX) {
        return gm_error_set(error, GM_INVALID, "expected 1 to %d onsets, got %zu",
                            GM_FAULT_ONSETS_MAX, onsets->count);
    }
    for (size_t index = 1; index < onsets->count; index++) {
        if (onsets->times_ns[index] <= onsets->times_ns[index - 1]) {
            return gm_error_set(error, GM_INVALID, "onsets do not ascend");
        }
    }
    return GM_OK;
}

static gm_status check_series(const gm_sensor_series *series, gm_error *error)
{
    const gm_residual_model *model = &series->model;
    if (!(model->noise > 0.0 && isfinite(model->noise)) || !(model->time_s > 0.0) ||
        !(model->error >= 0.0 && isfinite(model->error)) ||
        !(model->offset >= 0.0 && isfinite(model->offset)) ||
        !(model->share >= 0.0 && isfinite(model->share)) ||
        !(series->size > 0.0 && isfinite(series->size)) || !(series->resolution >= 0.0) ||
        !(series->habit >= 0.0 && series->habit <= 1.0)) {
        return gm_error_set(error, GM_INVALID, "a sensor's noise, time and size must be positive");
    }
    int64_t last_ns = series->start_ns;
    for (size_t index = 0; index < series->count; index++) {
        const gm_fault_reading *reading = &series->readings[index];
        if (reading->time_ns < last_ns) {
            return gm_error_set(error, GM_INVALID, "a sensor's readings do not ascend in time");
        }
        if (!isfinite(reading->value) || !isfinite(reading->predicted)) {
            return gm_error_set(error, GM_NUMERIC, "a reading or prediction is not finite");
        }
        last_ns = reading->time_ns;
    }
    return GM_OK;
}

static double residual_of(const gm_fault_reading *reading)
{
    return reading->value - reading->predicted;
}

/// The first reading that a fault since then affects.
static size_t first_affected(const gm_sensor_series *series, int64_t onset_ns)
{
    size_t index = 0;
    while (index < series->count && series->readings[index].time_ns < onset_ns) {
        index++;
    }
    return index;
}

static double log_add(double a, double b)
{
    double most = fmax(a, b);
    return most > -INFINITY ? most + log1p(exp(fmin(a, b) - most)) : most;
}

double gm_over_onsets(const double *log_odds, size_t count, size_t *likeliest)
{
    double most = -INFINITY, sum = 0.0;
    *likeliest = 0;
    for (size_t onset = 0; onset < count; onset++) {
        if (log_odds[onset] > most) {
            most = log_odds[onset];
            *likeliest = onset;
        }
    }
    for (size_t onset = 0; onset < count && most > -INFINITY; onset++) {
        sum += exp(log_odds[onset] - most);
    }
    return most > -INFINITY ? most + log(sum / (double)count) : most;
}

static gm_fault_evidence evidence_over(const gm_onsets *onsets, const double *log_odds,
                                       const double *sizes)
{
    size_t likeliest;
    double all = gm_over_onsets(log_odds, onsets->count, &likeliest);
    return (gm_fault_evidence){ .log_odds = all,
                                .size = sizes != NULL ? sizes[likeliest] : (double)NAN,
                                .since_ns = onsets->times_ns[likeliest] };
}

// ---- a filter of one series ----

typedef struct follower {
    gm_whitener whitener;
    double means[2];
    double log_likelihood; // less its constant
} follower;

static follower follower_of(const gm_sensor_series *series)
{
    return (follower){ .whitener = gm_whitener_of(&series->model, series->start_ns) };
}

/// Takes a reading, or another one in its place. @return the residual, whitened
static double follow(follower *at, const gm_fault_reading *reading, double residual)
{
    gm_whitener_next(&at->whitener, reading->time_ns, reading->predicted);
    gm_whiten(&at->whitener, at->means, &residual, 1);
    at->log_likelihood -= 0.5 * residual * residual + log(at->whitener.spread);
    return residual;
}

/// The healthy sensor's filter, as it stood before the first reading affected by each onset.
typedef struct healthy_run {
    size_t first[GM_FAULT_ONSETS_MAX];
    follower before[GM_FAULT_ONSETS_MAX];
    follower end;
} healthy_run;

static void run_healthy(const gm_sensor_series *series, const gm_onsets *onsets, healthy_run *run)
{
    follower at = follower_of(series);
    size_t onset = 0;
    for (size_t index = 0; index < onsets->count; index++) {
        run->first[index] = first_affected(series, onsets->times_ns[index]);
    }
    for (size_t index = 0; index <= series->count; index++) {
        for (; onset < onsets->count && run->first[onset] == index; onset++) {
            run->before[onset] = at;
        }
        if (index < series->count) {
            follow(&at, &series->readings[index], residual_of(&series->readings[index]));
        }
    }
    run->end = at;
}

// ---- shapes of known course: bias, drift, smooth deviations ----

/// What one shape of size 1, begun at an onset, adds to a reading.
typedef double shape(double since_s, double all_s, size_t which);

static double step(double since_s, double all_s, size_t which)
{
    (void)since_s;
    (void)all_s;
    (void)which;
    return 1.0;
}

static double ramp(double since_s, double all_s, size_t which)
{
    (void)which;
    return since_s / all_s;
}

static double approach(double since_s, double all_s, size_t which)
{
    return -expm1(-since_s / (smooth_shares[which] * all_s));
}

/// Sums of products of whitened shapes, and with the whitened residuals, by onset.
typedef struct shape_sums {
    double squares[GM_FAULT_ONSETS_MAX][GM_SHAPES][GM_SHAPES];
    double products[GM_FAULT_ONSETS_MAX][GM_SHAPES];
} shape_sums;

static void add_products(shape_sums *sums, const double *values, size_t onset_count, size_t shapes)
{
    double residual = values[onset_count * shapes];
    for (size_t onset = 0; onset < onset_count; onset++) {
        const double *at = &values[onset * shapes];
        for (size_t a = 0; a < shapes; a++) {
            sums->products[onset][a] += at[a] * residual;
            for (size_t b = 0; b < shapes; b++) {
                sums->squares[onset][a][b] += at[a] * at[b];
            }
        }
    }
}

/// One pass for all onsets: shapes and residual go through the same filter.
/// @param shapes  how many, <= GM_SHAPES
static void sum_shapes(const gm_sensor_series *series, const gm_onsets *onsets, shape *course,
                       size_t shapes, shape_sums *sums)
{
    enum { COLUMNS = GM_FAULT_ONSETS_MAX * GM_SHAPES + 1 };
    double means[2 * COLUMNS] = { 0 }, values[COLUMNS];
    size_t columns = onsets->count * shapes + 1;
    gm_whitener whitener = gm_whitener_of(&series->model, series->start_ns);
    int64_t last_ns = series->count > 0 ? series->readings[series->count - 1].time_ns : 0;
    memset(sums, 0, sizeof *sums);
    for (size_t index = 0; index < series->count; index++) {
        const gm_fault_reading *reading = &series->readings[index];
        for (size_t onset = 0; onset < onsets->count; onset++) {
            int64_t onset_ns = onsets->times_ns[onset];
            double since_s = (double)(reading->time_ns - onset_ns) * 1e-9;
            double all_s = fmax((double)(last_ns - onset_ns) * 1e-9, 1e-9);
            for (size_t which = 0; which < shapes; which++) {
                values[onset * shapes + which] =
                    since_s < 0.0 ? 0.0 : course(since_s, all_s, which);
            }
        }
        values[columns - 1] = residual_of(reading);
        gm_whitener_next(&whitener, reading->time_ns, reading->predicted);
        gm_whiten(&whitener, means, values, columns);
        add_products(sums, values, onsets->count, shapes);
    }
}

static gm_fault_evidence weigh_shape(const gm_sensor_series *series, const gm_onsets *onsets,
                                     shape *course, bool per_second)
{
    int64_t last_ns = series->count > 0 ? series->readings[series->count - 1].time_ns : 0;
    double log_odds[GM_FAULT_ONSETS_MAX], sizes[GM_FAULT_ONSETS_MAX];
    shape_sums sums;
    sum_shapes(series, onsets, course, 1, &sums);
    for (size_t onset = 0; onset < onsets->count; onset++) {
        gm_evidence told =
            gm_evidence_of(sums.squares[onset][0][0], sums.products[onset][0], series->size);
        double all_s = fmax((double)(last_ns - onsets->times_ns[onset]) * 1e-9, 1e-9);
        log_odds[onset] = told.log_odds;
        sizes[onset] = per_second ? told.size / all_s : told.size;
    }
    return evidence_over(onsets, log_odds, sizes);
}

static gm_fault_evidence weigh_bias(const gm_sensor_series *series, const gm_onsets *onsets)
{
    return weigh_shape(series, onsets, step, false);
}

static gm_fault_evidence weigh_drift(const gm_sensor_series *series, const gm_onsets *onsets)
{
    return weigh_shape(series, onsets, ramp, true);
}

// ---- noise and spikes: filters of their own from each onset on ----

static gm_fault_evidence weigh_noise(const gm_sensor_series *series, const gm_onsets *onsets)
{
    healthy_run run;
    run_healthy(series, onsets, &run);
    double log_odds[GM_FAULT_ONSETS_MAX], sizes[GM_FAULT_ONSETS_MAX];
    for (size_t onset = 0; onset < onsets->count; onset++) {
        double all[NOISE_FACTORS];
        size_t likeliest;
        for (size_t kind = 0; kind < NOISE_FACTORS; kind++) {
            follower at = run.before[onset];
            at.whitener.model.noise *= noise_factors[kind];
            for (size_t index = run.first[onset]; index < series->count; index++) {
                const gm_fault_reading *reading = &series->readings[index];
                follow(&at, reading, residual_of(reading));
            }
            all[kind] = at.log_likelihood - run.end.log_likelihood;
        }
        log_odds[onset] = gm_over_onsets(all, NOISE_FACTORS, &likeliest);
        sizes[onset] = noise_factors[likeliest];
    }
    return evidence_over(onsets, log_odds, sizes);
}

/// Takes a reading that is a spike with probability `share`, of deviation `size`.
static void follow_spikes(follower *at, const gm_fault_reading *reading, double share, double size)
{
    gm_whitener *whitener = &at->whitener;
    gm_whitener_next(whitener, reading->time_ns, reading->predicted);
    double square = whitener->spread * whitener->spread, wide = square + size * size;
    double expected_error = whitener->keep * at->means[1];
    double surprise = residual_of(reading) - at->means[0] - expected_error;
    double plain = log(1.0 - share) - 0.5 * surprise * surprise / square - 0.5 * log(square);
    double spike = log(share) - 0.5 * surprise * surprise / wide - 0.5 * log(wide);
    at->log_likelihood += log_add(plain, spike);
    at->means[1] = expected_error;
    if (spike > plain) {
        whitener->spread = 0.0; // it told nothing
    } else {
        at->means[0] += whitener->gain[0] * surprise;
        at->means[1] += whitener->gain[1] * surprise;
    }
}

static gm_fault_evidence weigh_spikes(const gm_sensor_series *series, const gm_onsets *onsets)
{
    healthy_run run;
    run_healthy(series, onsets, &run);
    double log_odds[GM_FAULT_ONSETS_MAX], sizes[GM_FAULT_ONSETS_MAX];
    for (size_t onset = 0; onset < onsets->count; onset++) {
        double all[SPIKE_KINDS];
        size_t likeliest;
        for (size_t kind = 0; kind < SPIKE_KINDS; kind++) {
            follower at = run.before[onset];
            double size = spike_kinds[kind].size * series->model.noise;
            for (size_t index = run.first[onset]; index < series->count; index++) {
                follow_spikes(&at, &series->readings[index], spike_kinds[kind].share, size);
            }
            all[kind] = at.log_likelihood - run.end.log_likelihood;
        }
        log_odds[onset] = gm_over_onsets(all, SPIKE_KINDS, &likeliest);
        sizes[onset] = spike_kinds[likeliest].size * series->model.noise;
    }
    return evidence_over(onsets, log_odds, sizes);
}

// ---- stuck ----

/// log of the probability that a healthy sensor gives that very reading, of all steps it could.
static double log_cell(double surprise, double spread, double step)
{
    double normalised = fabs(surprise) / spread, half = 0.5 * step / spread;
    if (step < narrow * spread) {
        return log(step / spread) - 0.5 * normalised * normalised - 0.5 * log(2.0 * M_PI);
    }
    double share = gm_normal_cdf(half - normalised) - gm_normal_cdf(-half - normalised);
    return log(fmax(share, 1e-300));
}

/// The first of the readings at the end that are all the same.
static size_t start_of_rest(const gm_sensor_series *series, double step)
{
    size_t index = series->count;
    while (index > 0 && fabs(series->readings[index - 1].value -
                             series->readings[series->count - 1].value) < 0.5 * step) {
        index--;
    }
    return index;
}

/// A healthy sensor repeats itself by chance alone, a stuck one always. What it is stuck at is as
/// likely as any reading: the first repetition is the first to tell.
static gm_fault_evidence weigh_stuck(const gm_sensor_series *series, const gm_onsets *onsets)
{
    double log_odds[GM_FAULT_ONSETS_MAX] = { 0 };
    double step_size = fmax(series->resolution, least_resolution * series->model.noise);
    size_t rest = start_of_rest(series, step_size), first[GM_FAULT_ONSETS_MAX];
    for (size_t onset = 0; onset < onsets->count; onset++) {
        first[onset] = first_affected(series, onsets->times_ns[onset]);
        log_odds[onset] = first[onset] < rest ? -INFINITY : 0.0;
    }
    follower at = follower_of(series);
    for (size_t index = 0; index < series->count; index++) {
        const gm_fault_reading *reading = &series->readings[index];
        double white = follow(&at, reading, residual_of(reading));
        double chance = log_cell(white * at.whitener.spread, at.whitener.spread, step_size);
        // some repeat themselves more often than chance has it, wherever they are
        double by_chance = log_cell(0.0, at.whitener.spread, step_size);
        chance += fmax(log(series->habit) - by_chance, 0.0);
        for (size_t onset = 0; onset < onsets->count; onset++) {
            log_odds[onset] -= index > first[onset] ? chance : 0.0;
        }
    }
    gm_fault_evidence made = evidence_over(onsets, log_odds, NULL);
    if (series->count > 0) {
        made.size = series->readings[series->count - 1].value;
    }
    if (rest < series->count && made.log_odds > 0.0) {
        made.since_ns = series->readings[rest].time_ns;
    }
    return made;
}

// ---- swapped ----

/// @param pair  [2]
static gm_fault_evidence weigh_swap(const gm_sensor_series *pair, const gm_onsets *onsets)
{
    double log_odds[GM_FAULT_ONSETS_MAX] = { 0 };
    for (size_t side = 0; side < 2; side++) {
        const gm_fault_reading *own = pair[side].readings, *other = pair[1 - side].readings;
        healthy_run run;
        run_healthy(&pair[side], onsets, &run);
        for (size_t onset = 0; onset < onsets->count; onset++) {
            follower at = run.before[onset];
            for (size_t index = run.first[onset]; index < pair[side].count; index++) {
                follow(&at, &own[index], other[index].value - own[index].predicted);
            }
            log_odds[onset] += at.log_likelihood - run.end.log_likelihood;
        }
    }
    return evidence_over(onsets, log_odds, NULL);
}

// ---- closer to the onset ----

typedef gm_fault_evidence weigher(const gm_sensor_series *series, const gm_onsets *onsets);

/// What is large does not fit at all when it begins a few readings off: a fault that is likely at
/// all is weighed again between the grid's neighbours of its likeliest onset, where `FINE_ONSETS`
/// times share what these intervals are of the whole grid.
static gm_fault_evidence weigh(weigher *fault, const gm_sensor_series *series,
                               const gm_onsets *onsets)
{
    gm_fault_evidence coarse = fault(series, onsets);
    size_t at = 0;
    while (at + 1 < onsets->count && onsets->times_ns[at] < coarse.since_ns) {
        at++;
    }
    int64_t from_ns = onsets->times_ns[at > 0 ? at - 1 : 0];
    int64_t to_ns = onsets->times_ns[at + 1 < onsets->count ? at + 1 : at];
    if (!(coarse.log_odds > worth_a_closer_look) || to_ns - from_ns < 2 * FINE_ONSETS) {
        return coarse;
    }
    int64_t times_ns[FINE_ONSETS];
    for (int64_t index = 0; index < FINE_ONSETS; index++) {
        times_ns[index] = from_ns + (to_ns - from_ns) / FINE_ONSETS * (index + 1);
    }
    const gm_onsets fine_onsets = { times_ns, FINE_ONSETS };
    gm_fault_evidence fine = fault(series, &fine_onsets);
    double whole_s = (double)(onsets->times_ns[onsets->count - 1] - onsets->times_ns[0]);
    fine.log_odds += log((double)(to_ns - from_ns) / whole_s);
    return fine.log_odds > coarse.log_odds ? fine : coarse;
}

static weigher *const weighers[GM_SENSOR_FAULTS] = {
    [GM_FAULT_BIAS] = weigh_bias,     [GM_FAULT_DRIFT] = weigh_drift,
    [GM_FAULT_STUCK] = weigh_stuck,   [GM_FAULT_NOISE] = weigh_noise,
    [GM_FAULT_SPIKES] = weigh_spikes,
};

// ---- public ----

gm_status gm_sensor_faults_weigh(const gm_sensor_series *series, const gm_onsets *onsets,
                                 gm_fault_evidence *evidence, gm_error *error)
{
    gm_status status = check_onsets(onsets, error);
    if (status == GM_OK) {
        status = check_series(series, error);
    }
    if (status != GM_OK) {
        return status;
    }
    evidence[GM_FAULT_NONE] = (gm_fault_evidence){ .size = (double)NAN };
    for (size_t fault = 1; fault < GM_SENSOR_FAULTS; fault++) {
        evidence[fault] = weigh(weighers[fault], series, onsets);
    }
    return GM_OK;
}

gm_status gm_sensor_swap_weigh(const gm_sensor_series *pair, const gm_onsets *onsets,
                               gm_fault_evidence *evidence, gm_error *error)
{
    gm_status status = check_onsets(onsets, error);
    for (size_t side = 0; status == GM_OK && side < 2; side++) {
        status = check_series(&pair[side], error);
    }
    if (status != GM_OK) {
        return status;
    }
    bool together = pair[0].count == pair[1].count;
    for (size_t index = 0; together && index < pair[0].count; index++) {
        together = pair[0].readings[index].time_ns == pair[1].readings[index].time_ns;
    }
    if (!together) {
        return gm_error_set(error, GM_INVALID, "sensors that may be swapped need the same times");
    }
    *evidence = weigh(weigh_swap, pair, onsets);
    return GM_OK;
}

/// How many sensors deviate, as logs of probabilities times odds.
typedef struct deviating {
    double none, one, several;
} deviating;

static void count_one_more(deviating *counted, double log_odds)
{
    *counted = (deviating){
        .none = counted->none + log_half,
        .one = log_half + log_add(counted->one, counted->none + log_odds),
        .several =
            log_half + log_add(counted->several + log_add(0.0, log_odds), counted->one + log_odds),
    };
}

gm_status gm_sensors_deviate_weigh(const gm_sensor_series *sensors, size_t count,
                                   const gm_onsets *onsets, gm_fault_evidence *evidence,
                                   gm_error *error)
{
    gm_status status = check_onsets(onsets, error);
    for (size_t sensor = 0; status == GM_OK && sensor < count; sensor++) {
        status = check_series(&sensors[sensor], error);
    }
    if (status != GM_OK) {
        return status;
    }
    double log_odds[GM_FAULT_ONSETS_MAX];
    deviating chances = { 0.0, -INFINITY, -INFINITY }, counted[GM_FAULT_ONSETS_MAX];
    for (size_t onset = 0; onset < onsets->count; onset++) {
        counted[onset] = chances;
    }
    for (size_t sensor = 0; sensor < count; sensor++) {
        shape_sums sums;
        sum_shapes(&sensors[sensor], onsets, approach, GM_SHAPES, &sums);
        count_one_more(&chances, 0.0);
        for (size_t onset = 0; onset < onsets->count; onset++) {
            count_one_more(&counted[onset],
                           gm_evidence_of_shapes(sums.squares[onset], sums.products[onset],
                                                 sensors[sensor].size));
        }
    }
    for (size_t onset = 0; onset < onsets->count; onset++) {
        log_odds[onset] = count == 0   ? -INFINITY
                          : count == 1 ? counted[onset].one - chances.one
                                       : counted[onset].several - chances.several;
    }
    *evidence = evidence_over(onsets, log_odds, NULL);
    return GM_OK;
}
