// An inquiry: each suspect is a lane.
//
// Two runs say what was to be expected. One is of all lanes, each by itself: how they differ is
// what residuals may share without anything being wrong (suspects_shared.c).
//
// From a state before the alarm one lane, the one nearest the lanes' mean, is run again over the
// samples that came, without assimilation: what sensors then read is its prediction and a residual.
// Residuals before the alarm tell how good the model is by itself (assim/evidence.h). Then every
// lane becomes a copy of that one and suffers the trial change of one suspect; what it predicts
// differently is the response to the suspect. Suspects are taken in batches of as many as there are
// lanes, all at the alarm's beginning; the likeliest ones again with the sizes found, at several
// times around it.
//
// A suspect's change may be of up to tens of its trial change (a Gaussian prior, so that what can
// explain anything pays for it) and never of the opposite sign. What else may be behind an alarm is
// weighed over the same residuals (suspects_sensors.c).
#include <math.h>
#include <string.h>

#include "twin/suspects_probe.h"

// residuals of a sensor that its model is fitted to; measurements from which its noise is known
enum { SHORT_LIST = 64, FITTED_MAX = 256, FITTED_LEAST = 100 };

static const double size_prior = 10.0; // of a suspect, in trial changes
static const double noise_least = 0.1; // of what is declared
static const double error_share = 0.1; // of a response that the model may be wrong by
static const double short_of_best =
    100.0; // log odds below the best from which none is looked at again
static const double size_least = 0.02, size_most = 50.0; // of a second trial, in first ones
/// Times tried about the sharpest alarm's beginning: in cycles, as what is large does not fit at
/// all when it begins a few readings off; and in spans from its beginning to its raising.
enum { ONSET_STEPS = 8, ONSET_SHARES = 4 };
static const int64_t onset_steps[ONSET_STEPS] = { -8, -5, -4, -3, -2, -1, 0, 1 };
static const double onset_shares[ONSET_SHARES] = { -4.0, -2.0, -1.0, 0.5 };

// ---- setting out ----

static gm_status find_witnesses(gm_probe *probe, gm_error *error)
{
    const gm_world *world = probe->twin->world;
    gm_arena *arena = probe->arena;
    probe->places = gm_arena_new(arena, world->sensor_count, sizeof *probe->places);
    probe->witnesses = gm_arena_new(arena, world->sensor_count, sizeof *probe->witnesses);
    if (probe->places == NULL || probe->witnesses == NULL) {
        return gm_probe_no_memory(error);
    }
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        const gm_world_sensor *declared = &world->sensors[sensor];
        bool measures = !declared->is_driver && gm_sensor_is_plain(declared) &&
                        gm_probe_group(probe, declared->ref) == probe->of->group;
        probe->places[sensor] = measures ? (uint32_t)probe->witness_count : UINT32_MAX;
        if (measures) {
            probe->witnesses[probe->witness_count++].sensor = (uint32_t)sensor;
        }
    }
    for (size_t index = 0; index < probe->of->event_count; index++) {
        uint32_t place = probe->places[probe->of->sensors[index]];
        if (place != UINT32_MAX) {
            probe->witnesses[place].alarmed = true;
        }
    }
    for (size_t index = 0; index < probe->sample_count; index++) {
        uint32_t place = probe->places[probe->samples[index].sensor];
        if (place != UINT32_MAX) {
            gm_witness *seen = &probe->witnesses[place];
            const gm_world_sensor *declared = &world->sensors[seen->sensor];
            double noise = gm_sample_noise(declared, probe->samples[index].value);
            seen->noise = fmax(seen->noise, noise);
            seen->count++;
            probe->measured_count++;
        }
    }
    for (size_t place = 0; place < probe->witness_count; place++) {
        gm_witness *seen = &probe->witnesses[place];
        seen->readings = gm_arena_new(arena, seen->count, sizeof *seen->readings);
        if (seen->readings == NULL) {
            return gm_probe_no_memory(error);
        }
        seen->count = 0; // counts again as they come
    }
    return GM_OK;
}

static gm_status find_suspects(gm_probe *probe, gm_error *error)
{
    const gm_suspects *suspects = probe->twin->suspects;
    probe->suspects = gm_arena_new(probe->arena, suspects->trial_count, sizeof *probe->suspects);
    if (probe->suspects == NULL) {
        return gm_probe_no_memory(error);
    }
    for (size_t index = 0; index < suspects->trial_count; index++) {
        const gm_suspect_trial *trial = &suspects->trials[index];
        if (gm_probe_group(probe, trial->ref) == probe->of->group) {
            gm_accused *suspect = &probe->suspects[probe->suspect_count++];
            *suspect = (gm_accused){ .trial = trial };
            for (size_t onset = 0; onset < ONSETS; onset++) {
                suspect->log_odds[onset] = NAN;
            }
        }
    }
    return GM_OK;
}

/// Puts a time among the onsets, which rise. Alarms begin with the first measurement that shows
/// them: a cycle late.
static void add_onset(gm_probe *probe, int64_t shown_ns)
{
    int64_t onset_ns = shown_ns - probe->twin->world->cycle_ns;
    onset_ns = onset_ns > probe->begin_ns ? onset_ns : probe->begin_ns;
    size_t place = probe->onset_count;
    while (place > 0 && probe->onsets_ns[place - 1] >= onset_ns) {
        place--;
    }
    if (place < probe->onset_count && probe->onsets_ns[place] == onset_ns) {
        return;
    }
    memmove(probe->onsets_ns + place + 1, probe->onsets_ns + place,
            (probe->onset_count++ - place) * sizeof *probe->onsets_ns);
    probe->onsets_ns[place] = onset_ns;
}

/// Times around the beginning of the alarm that rose most suddenly: what creeps up may have crept
/// before anything happened. And the earliest beginning of all, and just before it was noticed.
static void find_onsets(gm_probe *probe)
{
    const gm_suspect_case *of = probe->of;
    int64_t cycle_ns = probe->twin->world->cycle_ns, span_ns = of->sharp_raised_ns - of->sharp_ns;
    int64_t longest_ns = probe->twin->suspects->window_ns / 16;
    span_ns = span_ns < longest_ns ? span_ns : longest_ns;
    span_ns = span_ns > SUSPECT_GAP_CYCLES * cycle_ns ? span_ns : SUSPECT_GAP_CYCLES * cycle_ns;
    for (size_t index = 0; index < ONSET_STEPS + ONSET_SHARES; index++) {
        int64_t behind_ns = index < ONSET_STEPS
                                ? onset_steps[index] * cycle_ns
                                : (int64_t)((double)span_ns * onset_shares[index - ONSET_STEPS]);
        if (behind_ns <= 0 || of->sharp_ns + behind_ns - cycle_ns < of->sharp_raised_ns) {
            add_onset(probe, of->sharp_ns + behind_ns);
        }
    }
    add_onset(probe, of->start_ns);
    add_onset(probe, of->sharp_raised_ns - cycle_ns);
    while (probe->onsets_ns[probe->alarm_onset] < of->sharp_ns - cycle_ns) {
        probe->alarm_onset++;
    }
}

/// Samples after the anchor, and times at which it may have happened.
static void find_times(gm_probe *probe)
{
    const gm_suspects *suspects = probe->twin->suspects;
    const gm_suspect_case *of = probe->of;
    size_t first = 0, end = suspects->sample_count;
    probe->begin_ns = of->anchor->time_ns;
    while (first < end && suspects->samples[first].time_ns <= probe->begin_ns) {
        first++;
    }
    while (end > first && suspects->samples[end - 1].time_ns > probe->until_ns) {
        end--;
    }
    probe->samples = suspects->samples + first;
    probe->sample_count = end - first;
    find_onsets(probe);
}

static gm_status make_room(gm_probe *probe, gm_error *error)
{
    gm_arena *arena = probe->arena;
    size_t lanes = probe->lanes, witnesses = probe->witness_count, samples = probe->sample_count;
    probe->base = gm_arena_new(arena, samples, sizeof(double));
    probe->white = gm_arena_new(arena, samples, sizeof(double));
    probe->whiteners = gm_arena_new(arena, witnesses * ONSETS, sizeof *probe->whiteners);
    probe->refs = gm_arena_new(arena, witnesses, sizeof *probe->refs);
    probe->predictions = gm_arena_new(arena, witnesses * lanes, sizeof(double));
    probe->values = gm_arena_new(arena, lanes, sizeof(double));
    probe->sources = gm_arena_new(arena, lanes, sizeof *probe->sources);
    bool all = probe->base != NULL && probe->white != NULL && probe->whiteners != NULL &&
               probe->refs != NULL && probe->predictions != NULL && probe->values != NULL &&
               probe->sources != NULL;
    return all ? GM_OK : gm_probe_no_memory(error);
}

static gm_status set_out(gm_probe *probe, gm_error *error)
{
    find_times(probe);
    gm_status status = find_witnesses(probe, error);
    if (status == GM_OK) {
        status = find_suspects(probe, error);
    }
    if (status == GM_OK) {
        status = make_room(probe, error);
    }
    if (status == GM_OK && probe->measured_count == 0) {
        status = gm_error_set(error, GM_NOT_FOUND, "there are no measurements to go by");
    }
    return status;
}

// ---- without a change ----

/// The model of a sensor's residuals from those before the first onset, evenly thinned to a number
/// that is soon fitted. @return how many there are before it
static size_t fit_model(const gm_probe *probe, gm_witness *seen)
{
    const gm_sensor_memory *memories = gm_state_section(probe->of->anchor->state, SECTION_SENSORS);
    const gm_sensor_memory *memory = &memories[seen->sensor];
    double noise = gm_signs_noise(&memory->signs) * seen->noise;
    noise = memory->count >= FITTED_LEAST ? fmax(noise, noise_least * seen->noise) : seen->noise;
    // neighbours' correlation r is the share that is not white: (caution - 1) / (caution + 1)
    double caution = gm_monitor_caution(memory);
    const gm_fault_reading *readings = seen->readings;
    gm_residual_model expected = { .noise = noise,
                                   .error = noise * sqrt(0.5 * (caution - 1.0)),
                                   .offset = hypot(memory->spread, seen->noise) };
    gm_residual fitted[FITTED_MAX];
    size_t before = 0, count = 0;
    while (before < seen->count && readings[before].time_ns <= probe->onsets_ns[0]) {
        before++;
    }
    size_t stride = (before + FITTED_MAX - 1) / FITTED_MAX;
    for (size_t index = 0; index < before; index += stride) {
        fitted[count++] = (gm_residual){ readings[index].time_ns,
                                         readings[index].value - readings[index].predicted };
    }
    double span_s = (double)(probe->until_ns - probe->begin_ns) * 1e-9;
    seen->model = gm_residual_model_fit(&expected, fitted, count, probe->begin_ns, span_s);
    return before;
}

/// Adds what a prediction may be off by, for as long as the run lasts: others' say, and what a
/// change does.
static void doubt_model(const gm_probe *probe, gm_witness *seen)
{
    double own = seen->model.error * seen->model.error;
    double more = seen->doubt * seen->doubt + error_share * error_share * seen->size * seen->size;
    double span_s = (double)(probe->until_ns - probe->begin_ns) * 1e-9;
    if (own + more > 0.0) {
        seen->model.time_s = (own * seen->model.time_s + more * span_s) / (own + more);
        seen->model.error = sqrt(own + more);
    }
}

/// How each sensor's residuals behave by themselves; and what the model may be wrong by in what
/// comes behind the alarm.
static void fit_models(gm_probe *probe)
{
    for (size_t place = 0; place < probe->witness_count; place++) {
        gm_witness *seen = &probe->witnesses[place];
        size_t behind = 0;
        if (seen->count == 0) {
            continue; // silent: its model is not asked for
        }
        for (size_t index = fit_model(probe, seen); index < seen->count; index++) {
            const gm_fault_reading *reading = &seen->readings[index];
            if (reading->time_ns > probe->of->sharp_ns) {
                double residual = reading->value - reading->predicted;
                seen->size += residual * residual;
                behind++;
            }
        }
        seen->size = behind > 0 ? sqrt(seen->size / (double)behind) : 0.0;
        doubt_model(probe, seen);
    }
}

/// Whitens residuals and modes, keeps the filters as they stand at every onset.
/// @param means  [witness_count][2] and [witness_count][2][modes], zero
static void whiten_base(gm_probe *probe, double *means, gm_whitener *whiteners)
{
    size_t onset = 0, modes = probe->shared.count;
    double *mode_means = means + 2 * probe->witness_count;
    for (size_t place = 0; place < probe->witness_count; place++) {
        whiteners[place] = gm_whitener_of(&probe->witnesses[place].model, probe->begin_ns);
    }
    for (size_t index = 0; index <= probe->sample_count; index++) {
        for (; onset < probe->onset_count && probe->starts_at[onset] == index; onset++) {
            memcpy(probe->whiteners + onset * probe->witness_count, whiteners,
                   probe->witness_count * sizeof *whiteners);
        }
        uint32_t place =
            index < probe->sample_count ? probe->places[probe->samples[index].sensor] : UINT32_MAX;
        if (place != UINT32_MAX) {
            const gm_suspect_sample *sample = &probe->samples[index];
            double *off = probe->lanes_off + index * modes;
            probe->white[index] = sample->value - probe->expected[index];
            gm_whitener_next(&whiteners[place], sample->time_ns);
            gm_whiten(&whiteners[place], means + 2 * place, &probe->white[index], 1);
            gm_whiten(&whiteners[place], mode_means + 2 * modes * place, off, modes);
            gm_shared_add(&probe->shared, off, probe->white[index], 1.0);
            gm_witness *seen = &probe->witnesses[place];
            seen->unusual += probe->white[index] * probe->white[index] / (double)seen->count;
        }
    }
}

static gm_status learn_base(gm_probe *probe, gm_error *error)
{
    size_t count = probe->witness_count;
    gm_status status = gm_rerun_base(probe, error);
    if (status == GM_OK) {
        status = gm_probe_share(probe, error);
    }
    if (status == GM_OK) {
        status = gm_rerun_lanes(probe, error);
    }
    double *means =
        gm_arena_new(probe->arena, 2 * count * (1 + probe->shared.count), sizeof *means);
    gm_whitener *whiteners = gm_arena_new(probe->arena, count, sizeof *whiteners);
    if (status == GM_OK && (means == NULL || whiteners == NULL)) {
        status = gm_probe_no_memory(error);
    }
    if (status == GM_OK) {
        gm_probe_leave_out(probe);
        fit_models(probe);
        gm_shared_begin(&probe->shared);
        whiten_base(probe, means, whiteners);
        if (!gm_shared_solve(&probe->shared)) {
            status = gm_error_set(error, GM_NUMERIC, "the lanes' differences are no numbers");
        }
    }
    return status;
}

// ---- with a change ----

static gm_status make_batch(const gm_probe *probe, gm_batch *made, gm_error *error)
{
    gm_arena *arena = probe->arena;
    size_t lanes = probe->lanes;
    *made = (gm_batch){
        .suspects = gm_arena_new(arena, lanes, sizeof *made->suspects),
        .sizes = gm_arena_new(arena, lanes, sizeof(double)),
        .before = gm_arena_new(arena, lanes, sizeof(double)),
        .failed = gm_arena_new(arena, lanes, sizeof(bool)),
        .changes = gm_arena_new(arena, lanes, sizeof(double)),
        .change_counts = gm_arena_new(arena, lanes, sizeof(size_t)),
        .squares = gm_arena_new(arena, lanes, sizeof(double)),
        .products = gm_arena_new(arena, lanes, sizeof(double)),
        .along = gm_arena_new(arena, lanes * probe->shared.count, sizeof(double)),
        .means = gm_arena_new(arena, 2 * lanes * probe->witness_count, sizeof(double)),
        .whiteners = gm_arena_new(arena, probe->witness_count, sizeof *made->whiteners),
    };
    bool all = made->suspects != NULL && made->sizes != NULL && made->before != NULL &&
               made->failed != NULL && made->along != NULL && made->changes != NULL &&
               made->change_counts != NULL && made->squares != NULL && made->products != NULL &&
               made->means != NULL && made->whiteners != NULL;
    return all ? GM_OK : gm_probe_no_memory(error);
}

/// How far a suspect's size can go before its field's bounds.
static double size_bound(const gm_probe *probe, const gm_accused *suspect, double value)
{
    const gm_field *field = gm_world_field(probe->twin->world, suspect->trial->ref);
    double room = suspect->change > 0.0 ? field->max - value : field->min - value;
    return fmax(room / suspect->change, 0.0);
}

/// What the lanes told of their suspects.
static void conclude(const gm_probe *probe, const gm_batch *batch)
{
    for (size_t lane = 0; lane < batch->count; lane++) {
        gm_accused *suspect = batch->suspects[lane];
        double tried_size = batch->sizes[lane], square = batch->squares[lane];
        double product = batch->products[lane];
        suspect->log_odds[batch->onset] = -INFINITY; // it cannot have been
        double changed = batch->changes[lane] / (double)batch->change_counts[lane];
        if (batch->failed[lane] || !isfinite(square) || !(fabs(changed) > 0.0)) {
            continue;
        }
        suspect->change = changed / tried_size;
        gm_shared_take_out(&probe->shared, batch->along + lane * probe->shared.count, &square,
                           &product, probe->mode_work);
        gm_evidence told = gm_evidence_one_sided(square / tried_size / tried_size,
                                                 product / tried_size, size_prior);
        double bound = batch->change_counts[lane] == 1
                           ? size_bound(probe, suspect, batch->before[lane])
                           : INFINITY;
        double precision = square / tried_size / tried_size + 1.0 / (size_prior * size_prior);
        if (told.size > bound) {
            told.log_odds -= 0.5 * precision * (told.size - bound) * (told.size - bound);
            told.size = bound;
        }
        suspect->log_odds[batch->onset] = told.log_odds;
        suspect->sizes[batch->onset] = told.size;
        suspect->spreads[batch->onset] = 1.0 / sqrt(precision);
    }
}

static gm_status run_batch(gm_probe *probe, gm_batch *batch, gm_error *error)
{
    gm_status status = gm_rerun_batch(probe, batch, error);
    if (status == GM_OK) {
        conclude(probe, batch);
    }
    return status;
}

/// All suspects with their whole trial change from the alarm's beginning on.
static gm_status try_all(gm_probe *probe, gm_batch *batch, gm_error *error)
{
    gm_status status = GM_OK;
    batch->onset = probe->alarm_onset;
    for (size_t first = 0; status == GM_OK && first < probe->suspect_count; first += batch->count) {
        size_t left = probe->suspect_count - first;
        batch->count = left < probe->lanes ? left : probe->lanes;
        for (size_t lane = 0; lane < batch->count; lane++) {
            batch->suspects[lane] = &probe->suspects[first + lane];
            batch->sizes[lane] = 1.0;
        }
        status = run_batch(probe, batch, error);
    }
    for (size_t index = 0; index < probe->suspect_count; index++) {
        probe->suspects[index].size = probe->suspects[index].sizes[batch->onset];
    }
    return status;
}

/// The likeliest suspects go on the short list, at most as many as there are lanes.
static void make_short_list(const gm_probe *probe, gm_batch *batch)
{
    size_t onset = probe->alarm_onset, most = probe->lanes < SHORT_LIST ? probe->lanes : SHORT_LIST;
    double best = -INFINITY;
    for (size_t index = 0; index < probe->suspect_count; index++) {
        best = fmax(best, probe->suspects[index].log_odds[onset]);
    }
    batch->count = 0;
    for (size_t index = 0; index < probe->suspect_count; index++) {
        gm_accused *suspect = &probe->suspects[index];
        if (!(suspect->log_odds[onset] > best - short_of_best)) {
            continue;
        }
        size_t place = batch->count < most ? batch->count++ : most;
        while (place > 0 &&
               batch->suspects[place - 1]->log_odds[onset] < suspect->log_odds[onset]) {
            if (place < most) {
                batch->suspects[place] = batch->suspects[place - 1];
            }
            place--;
        }
        if (place < most) {
            batch->suspects[place] = suspect;
        }
    }
}

/// The short list at every onset, with about the sizes found.
static gm_status try_again(gm_probe *probe, gm_batch *batch, gm_error *error)
{
    gm_status status = GM_OK;
    make_short_list(probe, batch);
    for (size_t onset = 0; status == GM_OK && batch->count > 0 && onset < probe->onset_count;
         onset++) {
        batch->onset = onset;
        for (size_t lane = 0; lane < batch->count; lane++) {
            double size = batch->suspects[lane]->size;
            batch->sizes[lane] = size > 0.0 ? fmin(fmax(size, size_least), size_most) : 1.0;
        }
        status = run_batch(probe, batch, error);
    }
    return status;
}

static gm_status inquire(gm_probe *probe, gm_suspicion *found, gm_decision *decision,
                         gm_error *error)
{
    gm_batch batch = { 0 };
    gm_status status = set_out(probe, error);
    if (status == GM_OK) {
        status = learn_base(probe, error);
    }
    if (status == GM_OK) {
        status = make_batch(probe, &batch, error);
    }
    if (status == GM_OK) {
        status = gm_probe_weigh_sensors(probe, error);
    }
    if (status == GM_OK) {
        status = try_all(probe, &batch, error);
    }
    if (status == GM_OK) {
        status = try_again(probe, &batch, error);
    }
    *found = (gm_suspicion){ .evaluated_ns = probe->until_ns, .samples = probe->measured_count };
    return status == GM_OK ? gm_probe_judge(probe, found, decision, error) : status;
}

gm_status gm_suspects_inquire(gm_twin *twin, const gm_inquiry *inquiry, gm_suspicion *found,
                              gm_decision *decision, gm_error *error)
{
    gm_suspicion made;
    gm_decision proposed = { 0 };
    gm_probe probe = { .twin = twin,
                       .of = inquiry->of,
                       .arena = gm_arena_create(0),
                       .lanes = twin->lanes,
                       .until_ns = inquiry->until_ns };
    gm_status status =
        probe.arena != NULL ? inquire(&probe, &made, &proposed, error) : gm_probe_no_memory(error);
    for (size_t onset = 0; onset < ONSETS; onset++) {
        gm_state_close(probe.starts[onset]);
    }
    gm_arena_close(probe.arena);
    if (status == GM_OK) {
        *found = made;
        *decision = proposed;
    }
    return status;
}
