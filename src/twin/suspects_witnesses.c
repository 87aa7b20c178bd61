// Witnesses of an inquiry or an audit: the sensors of a group, what they read, and how their
// residuals behave while nothing is wrong.
//
// Of a new sensor that is what its innovations say: their steps show its noise, how they follow
// each other the model's error. Each audit that finds nothing wrong (suspects_audit.c) shows it
// better, in residuals of the very kind that inquiries weigh, and is remembered.
#include <math.h>

#include "twin/suspects_probe.h"

// residuals that a model is fitted to; measurements from which a sensor's noise is known
enum { FITTED_MAX = 256, FITTED_LEAST = 100 };

static const double noise_least = 0.1;       // of what is declared
static const double error_share = 0.1;       // of a response that the model may be wrong by
static const double doubt_share = 0.25;      // of the run, for which a doubt lasts
static const double steps_certainty = 200.0; // of the noise that steps show, as of a belief
static const double audit_certainty = 4.0, audits_certainty_most = 16.0; // of errors, per audit
static const double audits_remembered = 8.0, share_certainty = 1000.0;

// ---- who they are ----

static void find_samples(gm_probe *probe)
{
    const gm_suspects *suspects = probe->twin->suspects;
    size_t first = 0, end = suspects->sample_count;
    probe->begin_ns = probe->of->anchor->time_ns;
    while (first < end && suspects->samples[first].time_ns <= probe->begin_ns) {
        first++;
    }
    while (end > first && suspects->samples[end - 1].time_ns > probe->until_ns) {
        end--;
    }
    probe->samples = suspects->samples + first;
    probe->sample_count = end - first;
}

static gm_witness *witness_of(const gm_probe *probe, size_t sensor)
{
    uint32_t place = probe->places[sensor];
    return place != UINT32_MAX ? &probe->witnesses[place] : NULL;
}

static void name_witnesses(gm_probe *probe)
{
    const gm_world *world = probe->twin->world;
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        bool measures = gm_suspects_can_witness(probe->twin, sensor) &&
                        gm_probe_group(probe, world->sensors[sensor].ref) == probe->of->group;
        probe->places[sensor] = measures ? (uint32_t)probe->witness_count : UINT32_MAX;
        if (measures) {
            probe->witnesses[probe->witness_count++].sensor = (uint32_t)sensor;
        }
    }
    for (size_t index = 0; index < probe->of->event_count; index++) {
        gm_witness *seen = witness_of(probe, probe->of->sensors[index]);
        if (seen != NULL) {
            seen->alarmed = true;
        }
    }
}

static gm_status note_readings(gm_probe *probe, gm_error *error)
{
    for (size_t index = 0; index < probe->sample_count; index++) {
        const gm_suspect_sample *sample = &probe->samples[index];
        gm_witness *seen = witness_of(probe, sample->sensor);
        if (seen != NULL) {
            const gm_world_sensor *declared = &probe->twin->world->sensors[sample->sensor];
            seen->noise = fmax(seen->noise, gm_sample_noise(declared, sample->value));
            seen->count++;
            probe->measured_count++;
        }
    }
    for (size_t place = 0; place < probe->witness_count; place++) {
        gm_witness *seen = &probe->witnesses[place];
        seen->readings = gm_arena_new(probe->arena, seen->count, sizeof *seen->readings);
        if (seen->readings == NULL) {
            return gm_probe_no_memory(error);
        }
        seen->count = 0; // counts again as they come
    }
    for (size_t index = 0; index < probe->sample_count; index++) {
        const gm_suspect_sample *sample = &probe->samples[index];
        gm_witness *seen = witness_of(probe, sample->sensor);
        if (seen != NULL) {
            seen->readings[seen->count++] =
                (gm_fault_reading){ sample->time_ns, sample->value, (double)NAN };
        }
    }
    return GM_OK;
}

gm_status gm_probe_find_witnesses(gm_probe *probe, gm_error *error)
{
    size_t sensors = probe->twin->world->sensor_count;
    gm_arena *arena = probe->arena;
    probe->places = gm_arena_new(arena, sensors, sizeof *probe->places);
    probe->witnesses = gm_arena_new(arena, sensors, sizeof *probe->witnesses);
    if (probe->places == NULL || probe->witnesses == NULL) {
        return gm_probe_no_memory(error);
    }
    find_samples(probe);
    name_witnesses(probe);
    gm_status status = note_readings(probe, error);
    if (status == GM_OK && probe->measured_count == 0) {
        status = gm_error_set(error, GM_NOT_FOUND, "there are no measurements to go by");
    }
    probe->refs = gm_arena_new(arena, probe->witness_count, sizeof *probe->refs);
    probe->predictions =
        gm_arena_new(arena, probe->witness_count * probe->lanes, sizeof *probe->predictions);
    probe->values = gm_arena_new(arena, probe->lanes, sizeof *probe->values);
    bool room = probe->refs != NULL && probe->predictions != NULL && probe->values != NULL;
    return status != GM_OK || room ? status : gm_probe_no_memory(error);
}

void gm_probe_expect(gm_probe *probe, const double *predictions)
{
    for (size_t place = 0; place < probe->witness_count; place++) {
        probe->witnesses[place].count = 0;
    }
    for (size_t index = 0; index < probe->sample_count; index++) {
        gm_witness *seen = witness_of(probe, probe->samples[index].sensor);
        if (seen != NULL) {
            seen->readings[seen->count++].predicted = predictions[index];
        }
    }
}

// ---- how their residuals behave ----

static const gm_sensor_memory *memory_of(const gm_probe *probe, const gm_witness *seen)
{
    const gm_sensor_memory *memories = gm_state_section(probe->of->anchor->state, SECTION_SENSORS);
    return &memories[seen->sensor];
}

/// What is thought of a sensor's residuals by its innovations.
static gm_residual_belief first_belief(const gm_probe *probe, const gm_witness *seen)
{
    const gm_sensor_memory *memory = memory_of(probe, seen);
    bool known = memory->count >= FITTED_LEAST;
    double noise = known ? fmax(gm_signs_noise(&memory->signs), noise_least) : 1.0;
    noise *= seen->noise;
    // neighbours' correlation r is the share that is not white: (caution - 1) / (caution + 1)
    double caution = gm_monitor_caution(memory);
    gm_residual_belief belief =
        gm_residual_belief_of(&(gm_residual_model){ .noise = noise,
                                                    .error = noise * sqrt(0.5 * (caution - 1.0)),
                                                    .offset = hypot(memory->spread, seen->noise) });
    belief.noise_certainty = known ? steps_certainty : belief.noise_certainty;
    return belief;
}

/// And by audits.
static gm_residual_belief belief_of(const gm_probe *probe, const gm_witness *seen)
{
    const gm_residual_habit *habit = &probe->twin->suspects->habits[seen->sensor];
    gm_residual_belief belief = first_belief(probe, seen);
    if (habit->audits > 0.0) {
        belief.model.noise = exp(habit->noise);
        belief.model.error = exp(habit->error);
        belief.model.time_s = exp(habit->time);
        belief.model.share = habit->share;
        belief.share_certainty = share_certainty;
        belief.error_certainty = fmin(audit_certainty * habit->audits, audits_certainty_most);
    }
    return belief;
}

/// The model of a sensor's residuals up to a time; they are evenly thinned to a number that is soon
/// fitted.
static gm_residual_model fit(const gm_probe *probe, const gm_witness *seen,
                             const gm_residual_belief *belief, int64_t until_ns)
{
    const gm_fault_reading *readings = seen->readings;
    gm_residual fitted[FITTED_MAX];
    size_t before = 0, count = 0;
    while (before < seen->count && readings[before].time_ns <= until_ns) {
        before++;
    }
    size_t stride = (before + FITTED_MAX - 1) / FITTED_MAX;
    for (size_t index = 0; index < before; index += stride) {
        fitted[count++] = (gm_residual){ readings[index].time_ns,
                                         readings[index].value - readings[index].predicted,
                                         readings[index].predicted };
    }
    double span_s = (double)(probe->until_ns - probe->begin_ns) * 1e-9;
    return gm_residual_model_fit(belief, fitted, count, probe->begin_ns, span_s);
}

/// Root mean square of the residuals behind a time.
static double size_behind(const gm_witness *seen, int64_t time_ns)
{
    double sum = 0.0;
    size_t behind = 0;
    for (size_t index = 0; index < seen->count; index++) {
        const gm_fault_reading *reading = &seen->readings[index];
        if (reading->time_ns > time_ns) {
            double residual = reading->value - reading->predicted;
            sum += residual * residual;
            behind++;
        }
    }
    return behind > 0 ? sqrt(sum / (double)behind) : 0.0;
}

/// A model whose prediction may be off by more.
static gm_residual_model doubted(const gm_probe *probe, const gm_residual_model *model, double more)
{
    gm_residual_model made = *model;
    double own = made.error * made.error;
    double span_s = doubt_share * (double)(probe->until_ns - probe->begin_ns) * 1e-9;
    if (own + more > 0.0) {
        made.time_s = (own * made.time_s + more * span_s) / (own + more);
        made.error = sqrt(own + more);
    }
    return made;
}

/// What a change does may be off by a share; others' say of a sensor by what they leave open, which
/// modes know by themselves.
static void doubt_models(const gm_probe *probe, gm_witness *seen)
{
    double response = error_share * error_share * seen->size * seen->size;
    double open = seen->doubt * seen->doubt;
    seen->modes_model = doubted(probe, &seen->model, response);
    seen->model = doubted(probe, &seen->model, response + open);
}

void gm_probe_fit_models(gm_probe *probe)
{
    for (size_t place = 0; place < probe->witness_count; place++) {
        gm_witness *seen = &probe->witnesses[place];
        if (seen->count == 0) {
            continue; // silent: its model is not asked for
        }
        const gm_residual_belief belief = belief_of(probe, seen);
        seen->model = fit(probe, seen, &belief, probe->calm_until_ns);
        seen->size = size_behind(seen, probe->behind_ns);
        doubt_models(probe, seen);
    }
}

void gm_probe_get_used_to(const gm_probe *probe, const gm_witness *seen)
{
    gm_residual_habit *habit = &probe->twin->suspects->habits[seen->sensor];
    gm_residual_belief belief = first_belief(probe, seen);
    belief.model.share = habit->share; // where predictions rest nothing is learned of it
    const gm_residual_model found = fit(probe, seen, &belief, probe->until_ns);
    habit->audits = fmin(habit->audits + 1.0, audits_remembered);
    double rate = 1.0 / habit->audits;
    habit->noise += rate * (log(found.noise) - habit->noise);
    habit->error += rate * (log(found.error) - habit->error);
    habit->time += rate * (log(found.time_s) - habit->time);
    habit->share += rate * (found.share - habit->share);
}
