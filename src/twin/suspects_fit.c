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

enum { SHORT_LIST = 64 };

static const double size_prior = 10.0; // of a suspect, in trial changes
static const double short_of_best =
    100.0; // log odds below the best from which none is looked at again
static const double size_least = 0.02, size_most = 50.0; // of a second trial, in first ones
/// Times tried about the sharpest alarm's beginning: in cycles, as what is large does not fit at
/// all when it begins a few readings off; and in spans from its beginning to its raising.
enum { ONSET_STEPS = 8, ONSET_SHARES = 4 };
static const int64_t onset_steps[ONSET_STEPS] = { -8, -5, -4, -3, -2, -1, 0, 1 };
static const int64_t vague_steps[ONSET_STEPS] = { -8, -4, -2, -1, 0, 2, 4, 8 }; // of an audit
static const double onset_shares[ONSET_SHARES] = { -4.0, -2.0, -1.0, 0.5 };

// ---- setting out ----

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
                                ? (of->vague ? vague_steps : onset_steps)[index] * cycle_ns
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

static gm_status make_room(gm_probe *probe, gm_error *error)
{
    gm_arena *arena = probe->arena;
    size_t lanes = probe->lanes, witnesses = probe->witness_count, samples = probe->sample_count;
    probe->base = gm_arena_new(arena, samples, sizeof(double));
    probe->white = gm_arena_new(arena, samples, sizeof(double));
    probe->whiteners = gm_arena_new(arena, witnesses * ONSETS, sizeof *probe->whiteners);
    probe->sources = gm_arena_new(arena, lanes, sizeof *probe->sources);
    bool all = probe->base != NULL && probe->white != NULL && probe->whiteners != NULL &&
               probe->sources != NULL;
    return all ? GM_OK : gm_probe_no_memory(error);
}

static gm_status set_out(gm_probe *probe, gm_error *error)
{
    gm_status status = gm_probe_find_witnesses(probe, error);
    if (status == GM_OK) {
        find_onsets(probe);
        probe->calm_until_ns = probe->onsets_ns[0];
        probe->behind_ns = probe->of->sharp_ns;
        status = find_suspects(probe, error);
    }
    if (status == GM_OK) {
        status = make_room(probe, error);
    }
    return status;
}

// ---- without a change ----

/// Whitens residuals and modes, keeps the filters as they stand at every onset.
/// @param means  [witness_count][2] and [witness_count][2][modes], zero
static void whiten_base(gm_probe *probe, double *means, gm_whitener *whiteners)
{
    size_t onset = 0, modes = probe->shared.count;
    double *mode_means = means + 2 * probe->witness_count;
    for (size_t place = 0; place < probe->witness_count; place++) {
        whiteners[place] = gm_whitener_of(&probe->witnesses[place].modes_model, probe->begin_ns);
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
            gm_whitener_next(&whiteners[place], sample->time_ns, probe->expected[index]);
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
        gm_probe_expect(probe, probe->base);
        gm_probe_leave_out(probe);
        gm_probe_fit_models(probe);
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
