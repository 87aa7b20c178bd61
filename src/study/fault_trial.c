// Lives of a shed with faults: see fault_trial.h.
#include "study/fault_trial.h"

#include <math.h>
#include <string.h>

#include "assim/sensor_faults.h"
#include "assim/square_root.h"
#include "base/arena.h"
#include "base/calendar.h"
#include "study/fault_judge.h"

enum {
    LANES = 24,
    SETTLING = 240,
    ONSET_JITTER = 60,
    FIT_STRETCHES = 6,
    CYCLES_MAX = 100000,
    LEAKING = 2
};
enum { LANE_PURPOSE = 1, START_PURPOSE, HEAT_PURPOSE, NOISE_PURPOSE, FAULT_PURPOSE, SPIKE_PURPOSE };

static const double no_share = 1e9; // certainty that moves are thought of by themselves
static const double noise_k = 0.1, resolution_k = 0.01;
static const double hidden_w = 4.0; // heat that nobody knows, each cycle's by itself
static const double start_spread_k = 1.0, swing_k = 8.0;
static const double start_k[GM_SHED_NODES] = { 315.0, 300.0, 292.0, 296.0 };
// how large faults are
static const double bias_k = 0.3, drift_k = 0.6, drift_cycles = 100.0, noise_factor = 2.0;
static const double spike_share = 0.1, spike_k = 1.2, plant_share = 0.3, input_w = 50.0;

// paths to the open, and the bodies there
static const size_t leaking_paths[LEAKING] = { 2, 4 }, leaking_nodes[LEAKING] = { 2, 3 };

/// What goes wrong in this life.
typedef struct injury {
    gm_explanation_class fault;
    size_t onset;           // cycle
    size_t subject, second; // sensors, suspect of the judge, or node
    double sign;
} injury;

/// One life as it is played.
typedef struct life {
    const gm_fault_bench *bench;
    gm_random random;
    double swing_k; // of the weather
    injury hurt;
    gm_shed_step broken; // the truth after the onset
    double truth[GM_SHED_NODES];
    double lanes[GM_SHED_NODES][LANES];
    double held[GM_SHED_SENSORS]; // read last
    gm_fault_record *records;     // [cycles + 1]
} life;

static double normal(const life *of, uint32_t purpose, uint32_t element, uint64_t cycle)
{
    return gm_random_normal(
        of->random, (gm_draw){ .purpose = purpose, .element = element, .occurrence = cycle });
}

static double chance(const life *of, uint32_t element)
{
    return gm_random_uniform(of->random, (gm_draw){ .purpose = FAULT_PURPOSE, .element = element });
}

static size_t pick(const life *of, uint32_t element, size_t count)
{
    return (size_t)(chance(of, element) * (double)count);
}

// ---- what goes wrong ----

/// A pair of sensors, of one body or of two.
static void choose_pair(const life *of, bool hidden, injury *made)
{
    size_t firsts[GM_SHED_SENSORS * GM_SHED_SENSORS], seconds[GM_SHED_SENSORS * GM_SHED_SENSORS];
    size_t count = 0;
    for (size_t first = 0; first < GM_SHED_SENSORS; first++) {
        for (size_t second = first + 1; second < GM_SHED_SENSORS; second++) {
            if (hidden == (gm_shed_sensor_nodes[first] == gm_shed_sensor_nodes[second])) {
                firsts[count] = first;
                seconds[count++] = second;
            }
        }
    }
    size_t pair = pick(of, 1, count);
    made->subject = firsts[pair];
    made->second = seconds[pair];
}

static injury choose(const life *of, const gm_fault_setting *setting)
{
    injury made = { .fault = setting->fault,
                    .onset = SETTLING + pick(of, 0, ONSET_JITTER),
                    .sign = chance(of, 2) < 0.5 ? -1.0 : 1.0 };
    if (made.fault == GM_EXPLAINED_PLANT) {
        made.subject =
            setting->hidden ? leaking_paths[pick(of, 1, LEAKING)] : pick(of, 1, GM_FAULT_CONSTANTS);
    } else if (made.fault == GM_EXPLAINED_INPUT) {
        made.subject =
            setting->hidden ? leaking_nodes[pick(of, 1, LEAKING)] : pick(of, 1, GM_SHED_NODES);
    } else if (made.fault == GM_EXPLAINED_SWAPPED) {
        choose_pair(of, setting->hidden, &made);
    } else {
        made.subject = pick(of, 1, GM_SHED_SENSORS);
    }
    return made;
}

static gm_shed_step broken_step(const life *of)
{
    gm_shed shed = of->bench->truth;
    if (of->hurt.fault == GM_EXPLAINED_PLANT) {
        *gm_fault_constant(&shed, of->hurt.subject) *= 1.0 + of->hurt.sign * plant_share;
    }
    return gm_shed_step_of(&shed);
}

/// What a sensor gives instead of what it should.
static double spoil(const life *of, size_t sensor, size_t cycle, double clean, double noise)
{
    const injury *hurt = &of->hurt;
    double since = (double)(cycle - hurt->onset);
    if (hurt->subject != sensor) {
        return clean + noise;
    }
    switch (hurt->fault) {
    case GM_EXPLAINED_BIAS:
        return clean + noise + hurt->sign * bias_k;
    case GM_EXPLAINED_DRIFT:
        return clean + noise + hurt->sign * drift_k * since / drift_cycles;
    case GM_EXPLAINED_STUCK:
        return of->held[sensor];
    case GM_EXPLAINED_NOISE:
        return clean + noise_factor * noise;
    case GM_EXPLAINED_SPIKES: {
        gm_draw draw = { .purpose = SPIKE_PURPOSE, .occurrence = cycle };
        double height = spike_k * (1.0 + 0.3 * normal(of, SPIKE_PURPOSE, 1, cycle));
        double sign = normal(of, SPIKE_PURPOSE, 2, cycle) < 0.0 ? -1.0 : 1.0;
        bool spike = gm_random_uniform(of->random, draw) < spike_share;
        return clean + noise + (spike ? sign * height : 0.0);
    }
    default:
        return clean + noise;
    }
}

// ---- one cycle ----

static void play_truth(life *of, size_t cycle, const gm_shed_drive *known)
{
    bool broken = of->hurt.fault != GM_EXPLAINED_HEALTHY && cycle >= of->hurt.onset;
    gm_shed_drive drive = *known;
    for (uint32_t node = 0; node < GM_SHED_NODES; node++) {
        drive.power[node] += hidden_w * normal(of, HEAT_PURPOSE, node, cycle);
    }
    if (broken && of->hurt.fault == GM_EXPLAINED_INPUT) {
        drive.power[of->hurt.subject] += of->hurt.sign * input_w;
    }
    gm_shed_advance(broken ? &of->broken : &of->bench->true_step, &drive, of->truth);
    double *readings = of->records[cycle].readings;
    for (uint32_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
        double clean = of->truth[gm_shed_sensor_nodes[sensor]];
        double noise = noise_k * normal(of, NOISE_PURPOSE, sensor, cycle);
        double value = broken ? spoil(of, sensor, cycle, clean, noise) : clean + noise;
        readings[sensor] = resolution_k * nearbyint(value / resolution_k);
        of->held[sensor] = readings[sensor];
    }
    if (broken && of->hurt.fault == GM_EXPLAINED_SWAPPED) {
        double kept = readings[of->hurt.subject];
        readings[of->hurt.subject] = readings[of->hurt.second];
        readings[of->hurt.second] = kept;
    }
}

/// Lanes run on, each under hidden heat of its own, and take the readings in.
static gm_status filter(life *of, size_t cycle, const gm_shed_drive *known, gm_error *error)
{
    for (uint32_t lane = 0; lane < LANES; lane++) {
        gm_shed_drive drive = *known;
        double state[GM_SHED_NODES];
        for (uint32_t node = 0; node < GM_SHED_NODES; node++) {
            gm_draw draw = {
                .purpose = LANE_PURPOSE, .lane = lane, .element = node, .occurrence = cycle
            };
            drive.power[node] += hidden_w * gm_random_normal(of->random, draw);
            state[node] = of->lanes[node][lane];
        }
        gm_shed_advance(&of->bench->step, &drive, state);
        for (size_t node = 0; node < GM_SHED_NODES; node++) {
            of->lanes[node][lane] = state[node];
        }
    }
    double predictions[GM_SHED_SENSORS][LANES], variance[GM_SHED_SENSORS];
    for (size_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
        memcpy(predictions[sensor], of->lanes[gm_shed_sensor_nodes[sensor]], sizeof *predictions);
        variance[sensor] = noise_k * noise_k;
    }
    gm_fault_record *record = &of->records[cycle];
    const gm_analysis analysis = { .lanes = LANES,
                                   .values = of->lanes[0],
                                   .value_count = GM_SHED_NODES,
                                   .predictions = predictions[0],
                                   .measurement_count = GM_SHED_SENSORS,
                                   .measured = record->readings,
                                   .variance = variance };
    gm_status status = gm_square_root_update(&analysis, NULL, error);
    for (size_t node = 0; status == GM_OK && node < GM_SHED_NODES; node++) {
        record->mean[node] = 0.0;
        for (size_t lane = 0; lane < LANES; lane++) {
            record->mean[node] += of->lanes[node][lane] / LANES;
        }
    }
    return status;
}

static gm_status play(life *of, size_t cycle, gm_error *error)
{
    gm_fault_record *record = &of->records[cycle];
    record->drive = gm_shed_drive_at(of->random, cycle, of->swing_k);
    play_truth(of, cycle, &record->drive);
    return filter(of, cycle, &record->drive, error);
}

static gm_status begin(life *of, const gm_fault_bench *bench, const gm_fault_setting *setting,
                       size_t cycles, gm_error *error)
{
    *of = (life){ .bench = bench, .random = gm_random_for(setting->seed, "shed") };
    of->records = gm_memory_new(cycles + 1, sizeof *of->records);
    if (of->records == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a life of a shed");
    }
    of->swing_k = setting->hidden ? 0.0 : swing_k;
    of->hurt = choose(of, setting);
    of->broken = broken_step(of);
    for (uint32_t node = 0; node < GM_SHED_NODES; node++) {
        of->truth[node] = start_k[node] + start_spread_k * normal(of, START_PURPOSE, node, 0);
        for (uint32_t lane = 0; lane < LANES; lane++) {
            of->lanes[node][lane] =
                start_k[node] + start_spread_k * normal(of, START_PURPOSE, node, lane + 1);
        }
    }
    return GM_OK;
}

// ---- public ----

static bool names_subject(const life *of, const gm_fault_judgement *judged)
{
    const gm_fault_names *said = &judged->names[judged->diagnosis.best];
    bool swapped = of->hurt.fault == GM_EXPLAINED_SWAPPED;
    return (said->subject == of->hurt.subject && (!swapped || said->partner == of->hurt.second)) ||
           (swapped && said->subject == of->hurt.second && said->partner == of->hurt.subject);
}

static void note(const life *of, size_t cycle, const gm_fault_judgement *judged,
                 gm_fault_outcome *outcome)
{
    bool before = outcome->verdict != GM_DIAGNOSIS_NONE;
    bool healthy = of->hurt.fault == GM_EXPLAINED_HEALTHY;
    outcome->verdict = judged->alarm ? judged->diagnosis.verdict : GM_DIAGNOSIS_NONE;
    outcome->class = judged->alarm ? judged->diagnosis.class : GM_EXPLAINED_HEALTHY;
    outcome->subject = judged->alarm && names_subject(of, judged);
    outcome->alarms += judged->alarm && !before && (healthy || cycle < of->hurt.onset);
    if (judged->alarm && !healthy && cycle >= of->hurt.onset && outcome->delay == 0) {
        outcome->delay = cycle - of->hurt.onset + 1;
    }
    gm_diagnosis_tell(&judged->diagnosis, judged->explanations, judged->count, outcome->text,
                      sizeof outcome->text);
}

gm_status gm_fault_trial_run(const gm_fault_bench *bench, const gm_fault_setting *setting,
                             gm_fault_outcome *outcome, gm_error *error)
{
    if (gm_explanation_class_name(setting->fault) == NULL || setting->cycles == 0 ||
        setting->cycles > CYCLES_MAX) {
        return gm_error_set(error, GM_INVALID, "a trial wants a fault and 1 to %d cycles",
                            CYCLES_MAX);
    }
    life of;
    gm_fault_outcome made = { .class = GM_EXPLAINED_HEALTHY };
    gm_fault_judgement *judged = gm_memory_new(1, sizeof *judged);
    size_t most = SETTLING + ONSET_JITTER + setting->cycles;
    gm_status status = begin(&of, bench, setting, most, error);
    if (status == GM_OK && judged == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory for a judgement");
    }
    bool healthy = setting->fault == GM_EXPLAINED_HEALTHY;
    size_t end = (healthy ? SETTLING : of.hurt.onset) + setting->cycles;
    for (size_t cycle = 0; status == GM_OK && cycle <= end; cycle++) {
        status = play(&of, cycle, error);
        if (status == GM_OK && cycle >= GM_FAULT_WINDOW && cycle % GM_FAULT_JUDGE_EVERY == 0) {
            status = gm_fault_judge(bench, of.records, cycle, judged, error);
            if (status == GM_OK) {
                note(&of, cycle, judged, &made);
            }
        }
    }
    if (status == GM_OK) {
        *outcome = made;
    }
    gm_memory_free(of.records);
    gm_memory_free(judged);
    return status;
}

void gm_fault_tally_add(gm_fault_tally *tally, gm_explanation_class fault,
                        const gm_fault_outcome *outcome)
{
    tally->trials++;
    if (outcome->verdict == GM_CANNOT_TELL) {
        tally->untold++;
    } else {
        tally->told[outcome->class]++;
        tally->subjects += outcome->class == fault && outcome->subject;
    }
    tally->alarmed += outcome->delay > 0;
    tally->delay_sum += (double)outcome->delay;
    tally->alarms += outcome->alarms;
}

gm_status gm_fault_trial_many(const gm_fault_bench *bench, const gm_fault_setting *setting,
                              size_t count, gm_fault_tally *tally, gm_error *error)
{
    gm_fault_tally made = *tally;
    for (size_t index = 0; index < count; index++) {
        gm_fault_setting one = *setting;
        gm_fault_outcome outcome;
        one.seed += index;
        gm_status status = gm_fault_trial_run(bench, &one, &outcome, error);
        if (status != GM_OK) {
            return status;
        }
        gm_fault_tally_add(&made, setting->fault, &outcome);
    }
    *tally = made;
    return GM_OK;
}

/// Geometric means of what single stretches show.
static void fit_models(gm_fault_bench *bench, const gm_fault_record *records)
{
    gm_residual_belief expected = gm_residual_belief_of(
        &(gm_residual_model){ .noise = noise_k, .error = noise_k, .offset = noise_k });
    const double span_s = GM_FAULT_WINDOW * GM_SHED_CYCLE_S;
    expected.share_certainty = no_share;
    for (size_t sensor = 0; sensor < GM_SHED_SENSORS; sensor++) {
        double noise = 0.0, error = 0.0, time = 0.0;
        for (size_t stretch = 1; stretch <= FIT_STRETCHES; stretch++) {
            gm_fault_reading readings[GM_FAULT_WINDOW];
            gm_residual residuals[GM_FAULT_WINDOW];
            size_t now = (stretch + 1) * GM_FAULT_WINDOW;
            gm_fault_free_run(bench, records, now, sensor, readings);
            for (size_t index = 0; index < GM_FAULT_WINDOW; index++) {
                residuals[index] = (gm_residual){ readings[index].time_ns,
                                                  readings[index].value - readings[index].predicted,
                                                  readings[index].predicted };
            }
            gm_residual_model fitted =
                gm_residual_model_fit(&expected, residuals, GM_FAULT_WINDOW,
                                      gm_fault_time_ns(now - GM_FAULT_WINDOW), span_s);
            noise += log(fitted.noise) / FIT_STRETCHES;
            error += log(fitted.error) / FIT_STRETCHES;
            time += log(fitted.time_s) / FIT_STRETCHES;
        }
        bench->models[sensor] = (gm_residual_model){
            .noise = exp(noise), .error = exp(error), .time_s = exp(time), .offset = noise_k
        };
    }
}

static gm_shed scattered(const gm_shed *shed, uint64_t seed, double scatter)
{
    gm_shed made = *shed;
    gm_random random = gm_random_for(seed, "scatter");
    for (uint32_t constant = 0; constant < GM_FAULT_CONSTANTS; constant++) {
        *gm_fault_constant(&made, constant) *=
            exp(scatter * gm_random_normal(random, (gm_draw){ .element = constant }));
    }
    return made;
}

gm_status gm_fault_bench_open(gm_fault_bench *bench, uint64_t seed, double scatter, gm_error *error)
{
    enum { CYCLES = (FIT_STRETCHES + 1) * GM_FAULT_WINDOW };
    if (!(scatter >= 0.0 && scatter <= 1.0)) {
        return gm_error_set(error, GM_INVALID, "a shed's scatter lies between 0 and 1");
    }
    const gm_fault_setting healthy = { .fault = GM_EXPLAINED_HEALTHY, .seed = seed };
    gm_fault_bench made = { .shed = gm_default_shed(),
                            .rule = gm_default_diagnosis_rule(),
                            .doubt = scatter,
                            .alarm = 0.01 };
    made.step = gm_shed_step_of(&made.shed);
    made.truth = scattered(&made.shed, seed, scatter);
    made.true_step = gm_shed_step_of(&made.truth);
    made.rule.shares[GM_EXPLAINED_HEALTHY] = 1000.0; // a judgement without an alarm before it
    made.rule.shares[GM_EXPLAINED_PLANT] = made.rule.shares[GM_EXPLAINED_INPUT] = 0.25;
    life of;
    gm_status status = begin(&of, &made, &healthy, CYCLES, error);
    for (size_t cycle = 0; status == GM_OK && cycle <= CYCLES; cycle++) {
        status = play(&of, cycle, error);
    }
    if (status == GM_OK) {
        fit_models(&made, of.records);
        *bench = made;
    }
    gm_memory_free(of.records);
    return status;
}
