// Weighing explanations of a shed's readings: see fault_judge.h.
#include "study/fault_judge.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"

enum { ONSETS = 16, ONSET_STEP = 7, REFINEMENTS = 2 };

static const double bias_size_k = 0.5;                     // of biases before looking
static const double factor_size = 0.3, source_size = 50;   // logarithm of a factor; W
static const double trial_factor = 0.1, trial_source = 20; // played first
static const double most_log_factor = 1.5;
static const double worth_refining = 2.0; // log odds

typedef struct judge {
    const gm_fault_bench *bench;
    const gm_fault_record *records; // of the window's first cycle, which readings follow
    size_t start;                   // that cycle
    double states[GM_FAULT_WINDOW + 1][GM_SHED_NODES]; // the free run
    gm_fault_reading readings[GM_SHED_SENSORS][GM_FAULT_WINDOW];
    double white[GM_SHED_SENSORS][GM_FAULT_WINDOW]; // residuals
    gm_sensor_series series[GM_SHED_SENSORS];
    int64_t onsets_ns[ONSETS];
    gm_onsets onsets;
} judge;

int64_t gm_fault_time_ns(size_t cycle)
{
    return (int64_t)cycle * GM_SHED_CYCLE_S * GM_SECOND_NS;
}

double *gm_fault_constant(gm_shed *shed, size_t suspect)
{
    return suspect < GM_SHED_PATHS ? &shed->conductance[suspect]
                                   : &shed->capacity[suspect - GM_SHED_PATHS];
}

void gm_fault_free_run(const gm_fault_bench *bench, const gm_fault_record *records, size_t now,
                       size_t sensor, gm_fault_reading *readings)
{
    double state[GM_SHED_NODES];
    size_t start = now - GM_FAULT_WINDOW;
    memcpy(state, records[start].mean, sizeof state);
    for (size_t index = 0; index < GM_FAULT_WINDOW; index++) {
        const gm_fault_record *record = &records[start + 1 + index];
        gm_shed_advance(&bench->step, &record->drive, state);
        readings[index] = (gm_fault_reading){ .time_ns = gm_fault_time_ns(start + 1 + index),
                                              .value = record->readings[sensor],
                                              .predicted = state[gm_shed_sensor_nodes[sensor]] };
    }
}

/// How a healthy sensor's residuals behave; a model whose constants are doubted may be wrong by as
/// much in every move that it predicts.
static gm_residual_model model_of(const gm_fault_bench *bench, size_t sensor,
                                  const gm_fault_reading *readings)
{
    gm_residual_model made = bench->models[sensor];
    double mean = 0.0, square = 0.0;
    for (size_t index = 0; index < GM_FAULT_WINDOW; index++) {
        mean += readings[index].predicted / GM_FAULT_WINDOW;
    }
    for (size_t index = 0; index < GM_FAULT_WINDOW; index++) {
        double move = readings[index].predicted - mean;
        square += bench->doubt * bench->doubt * move * move / GM_FAULT_WINDOW;
    }
    made.error = sqrt(made.error * made.error + square);
    return made;
}

static void open_judge(judge *on, const gm_fault_bench *bench, const gm_fault_record *records,
                       size_t now)
{
    on->bench = bench;
    on->start = now - GM_FAULT_WINDOW;
    on->records = &records[on->start];
    memcpy(on->states[0], on->records[0].mean, sizeof on->states[0]);
    for (size_t index = 1; index <= GM_FAULT_WINDOW; index++) {
        memcpy(on->states[index], on->states[index - 1], sizeof on->states[0]);
        gm_shed_advance(&bench->step, &on->records[index].drive, on->states[index]);
    }
    for (size_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
        gm_fault_free_run(bench, records, now, sensor, on->readings[sensor]);
        on->series[sensor] =
            (gm_sensor_series){ .readings = on->readings[sensor],
                                .count = GM_FAULT_WINDOW,
                                .model = model_of(bench, sensor, on->readings[sensor]),
                                .start_ns = gm_fault_time_ns(on->start),
                                .resolution = 0.01,
                                .size = bias_size_k };
        gm_whitener whitener =
            gm_whitener_of(&on->series[sensor].model, gm_fault_time_ns(on->start));
        double means[2] = { 0.0, 0.0 };
        for (size_t index = 0; index < GM_FAULT_WINDOW; index++) {
            const gm_fault_reading *reading = &on->readings[sensor][index];
            on->white[sensor][index] = reading->value - reading->predicted;
            gm_whitener_next(&whitener, reading->time_ns, reading->predicted);
            gm_whiten(&whitener, means, &on->white[sensor][index], 1);
        }
    }
    for (size_t onset = 0; onset < ONSETS; onset++) {
        on->onsets_ns[onset] = gm_fault_time_ns(now + onset * ONSET_STEP - ONSETS * ONSET_STEP);
    }
    on->onsets = (gm_onsets){ on->onsets_ns, ONSETS };
}

// ---- changes of the plant ----

/// One suspect at sixteen times.
typedef struct played {
    size_t suspect;
    size_t onsets[ONSETS]; // cycles of the window, ascending: the first that it affects
    double sizes[ONSETS];  // in: played; out: likeliest
    double log_odds[ONSETS];
    gm_shed_step steps[ONSETS]; // of the changed shed
    double states[ONSETS][GM_SHED_NODES];
} played;

static gm_shed_step changed_step(const judge *on, size_t suspect, double size)
{
    gm_shed shed = on->bench->shed;
    if (suspect < GM_FAULT_CONSTANTS) {
        *gm_fault_constant(&shed, suspect) *= exp(size);
    }
    return gm_shed_step_of(&shed);
}

/// Differences to the free run in a cycle, for a change of one at each onset. Once it has begun.
static void respond(const judge *on, played *of, size_t cycle,
                    double responses[GM_SHED_NODES][ONSETS])
{
    for (size_t onset = 0; onset < ONSETS; onset++) {
        bool begun = cycle >= of->onsets[onset];
        double *state = of->states[onset];
        if (begun) {
            gm_shed_drive drive = on->records[cycle].drive;
            if (of->suspect >= GM_FAULT_CONSTANTS) {
                drive.power[of->suspect - GM_FAULT_CONSTANTS] += of->sizes[onset];
            }
            if (cycle == of->onsets[onset]) {
                memcpy(state, on->states[cycle - 1], sizeof of->states[onset]);
            }
            gm_shed_advance(&of->steps[onset], &drive, state);
        }
        for (size_t node = 0; node < GM_SHED_NODES; node++) {
            double difference = begun ? state[node] - on->states[cycle][node] : 0.0;
            responses[node][onset] = difference / of->sizes[onset];
        }
    }
}

static void weigh_played(const judge *on, played *of)
{
    double squares[ONSETS] = { 0 }, products[ONSETS] = { 0 };
    double means[GM_SHED_SENSORS][2 * ONSETS] = { 0 };
    gm_whitener whiteners[GM_SHED_SENSORS];
    bool constant = of->suspect < GM_FAULT_CONSTANTS;
    for (size_t onset = 0; onset < ONSETS; onset++) {
        of->steps[onset] = changed_step(on, of->suspect, of->sizes[onset]);
    }
    for (size_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
        whiteners[sensor] = gm_whitener_of(&on->series[sensor].model, gm_fault_time_ns(on->start));
    }
    for (size_t cycle = 1; cycle <= GM_FAULT_WINDOW; cycle++) {
        double responses[GM_SHED_NODES][ONSETS];
        respond(on, of, cycle, responses);
        for (size_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
            double values[ONSETS];
            memcpy(values, responses[gm_shed_sensor_nodes[sensor]], sizeof values);
            gm_whitener_next(&whiteners[sensor], gm_fault_time_ns(on->start + cycle),
                             on->readings[sensor][cycle - 1].predicted);
            if (cycle < of->onsets[0]) {
                continue; // no response yet
            }
            gm_whiten(&whiteners[sensor], means[sensor], values, ONSETS);
            for (size_t onset = 0; onset < ONSETS; onset++) {
                squares[onset] += values[onset] * values[onset];
                products[onset] += values[onset] * on->white[sensor][cycle - 1];
            }
        }
    }
    for (size_t onset = 0; onset < ONSETS; onset++) {
        gm_evidence told =
            gm_evidence_of(squares[onset], products[onset], constant ? factor_size : source_size);
        of->log_odds[onset] = told.log_odds;
        of->sizes[onset] = told.size;
    }
}

/// A size that can be played.
static double playable(size_t suspect, double size)
{
    if (suspect >= GM_FAULT_CONSTANTS) {
        return fabs(size) < 1.0 ? 1.0 : size;
    }
    size = fmin(fmax(size, -most_log_factor), most_log_factor);
    return fabs(size) < 0.01 ? 0.01 : size;
}

/// Cycles around the likeliest one, and its size.
static void move_closer(played *of, size_t likeliest, bool around)
{
    size_t center = of->onsets[likeliest];
    double size = of->sizes[likeliest];
    for (size_t onset = 0; onset < ONSETS; onset++) {
        if (around) {
            size_t first = center < 1 + ONSETS / 2 ? 1 : center - ONSETS / 2;
            of->onsets[onset] = first + onset;
        }
        of->sizes[onset] = playable(of->suspect, around ? size : of->sizes[onset]);
    }
}

static gm_fault_evidence weigh_suspect(const judge *on, size_t suspect)
{
    bool constant = suspect < GM_FAULT_CONSTANTS;
    played of = { .suspect = suspect };
    size_t likeliest;
    for (size_t onset = 0; onset < ONSETS; onset++) {
        of.onsets[onset] = GM_FAULT_WINDOW - (ONSETS - onset) * ONSET_STEP;
        of.sizes[onset] = constant ? trial_factor : trial_source;
    }
    weigh_played(on, &of);
    double all = gm_over_onsets(of.log_odds, ONSETS, &likeliest);
    for (size_t round = 0; all > worth_refining && round < REFINEMENTS; round++) {
        move_closer(&of, likeliest, round == 0);
        weigh_played(on, &of);
        // every cycle now stands for itself, not for seven
        all = gm_over_onsets(of.log_odds, ONSETS, &likeliest) - log(ONSET_STEP);
    }
    return (gm_fault_evidence){ .log_odds = all,
                                .size = of.sizes[likeliest],
                                .since_ns = gm_fault_time_ns(on->start + of.onsets[likeliest]) };
}

// ---- all explanations ----

static gm_explanation *add(gm_fault_judgement *judged, gm_explanation_class class,
                           const gm_fault_evidence *told, gm_fault_names names)
{
    gm_explanation *made = &judged->explanations[judged->count];
    *made = (gm_explanation){ .class = class,
                              .log_odds = told->log_odds,
                              .weight = 1.0,
                              .size = told->size,
                              .since_ns = told->since_ns };
    judged->names[judged->count++] = names;
    return made;
}

static gm_status add_sensors(const judge *on, gm_fault_judgement *judged, gm_error *error)
{
    static const gm_explanation_class classes[GM_SENSOR_FAULTS] = {
        [GM_FAULT_BIAS] = GM_EXPLAINED_BIAS,     [GM_FAULT_DRIFT] = GM_EXPLAINED_DRIFT,
        [GM_FAULT_STUCK] = GM_EXPLAINED_STUCK,   [GM_FAULT_NOISE] = GM_EXPLAINED_NOISE,
        [GM_FAULT_SPIKES] = GM_EXPLAINED_SPIKES,
    };
    gm_status status = GM_OK;
    for (size_t sensor = 0; status == GM_OK && sensor < GM_SHED_SENSORS; sensor++) {
        gm_fault_evidence told[GM_SENSOR_FAULTS];
        status = gm_sensor_faults_weigh(&on->series[sensor], &on->onsets, told, error);
        for (size_t fault = 1; status == GM_OK && fault < GM_SENSOR_FAULTS; fault++) {
            gm_explanation *made =
                add(judged, classes[fault], &told[fault], (gm_fault_names){ .subject = sensor });
            made->subject = gm_shed_sensor_names[sensor];
            made->unit = "K";
        }
        for (size_t other = 0; status == GM_OK && other < sensor; other++) {
            const gm_sensor_series pair[2] = { on->series[other], on->series[sensor] };
            gm_fault_evidence swap;
            status = gm_sensor_swap_weigh(pair, &on->onsets, &swap, error);
            if (status == GM_OK) {
                gm_explanation *made =
                    add(judged, GM_EXPLAINED_SWAPPED, &swap, (gm_fault_names){ other, sensor });
                made->subject = gm_shed_sensor_names[other];
                made->partner = gm_shed_sensor_names[sensor];
            }
        }
    }
    return status;
}

static void add_suspects(const judge *on, gm_fault_judgement *judged)
{
    for (size_t suspect = 0; suspect < GM_FAULT_SUSPECTS; suspect++) {
        gm_fault_evidence told = weigh_suspect(on, suspect);
        bool constant = suspect < GM_FAULT_CONSTANTS;
        size_t node = (suspect - GM_SHED_PATHS) % GM_SHED_NODES;
        size_t subject = constant ? suspect : suspect - GM_FAULT_CONSTANTS;
        if (constant) {
            told.size = 100.0 * expm1(told.size);
        }
        gm_explanation *made = add(judged, constant ? GM_EXPLAINED_PLANT : GM_EXPLAINED_INPUT,
                                   &told, (gm_fault_names){ .subject = subject });
        made->subject =
            suspect < GM_SHED_PATHS ? gm_shed_path_names[suspect] : gm_shed_node_names[node];
        made->unit = constant ? "%" : "W";
    }
}

gm_status gm_fault_judge(const gm_fault_bench *bench, const gm_fault_record *records, size_t now,
                         gm_fault_judgement *judged, gm_error *error)
{
    static const gm_fault_evidence nothing = { 0 };
    judge on;
    open_judge(&on, bench, records, now);
    judged->count = 0;
    add(judged, GM_EXPLAINED_HEALTHY, &nothing, (gm_fault_names){ 0 });
    gm_status status = add_sensors(&on, judged, error);
    if (status != GM_OK) {
        return status;
    }
    add_suspects(&on, judged);
    gm_fault_evidence several;
    status = gm_sensors_deviate_weigh(on.series, GM_SHED_SENSORS, &on.onsets, &several, error);
    if (status == GM_OK) {
        add(judged, GM_EXPLAINED_INPUT, &several, (gm_fault_names){ .subject = GM_SHED_NODES });
        status = gm_diagnose(&bench->rule, judged->explanations, judged->count, &judged->diagnosis,
                             error);
    }
    judged->alarm =
        status == GM_OK && judged->diagnosis.probabilities[GM_EXPLAINED_HEALTHY] < bench->alarm;
    return status;
}
