// An inquiry's runs: the world over the samples again, from a state before the alarm, without
// assimilation. As it was, in one lane and in all; then with a suspect's trial change in every
// lane.
#include <math.h>
#include <string.h>

#include "twin/suspects_probe.h"

/// A run under way.
typedef struct gm_rerun {
    gm_state *state;
    size_t at;       // samples before it
    gm_batch *batch; // NULL: without a change
    bool lanes;      // all lanes, with their lots
} gm_rerun;

static bool is_same(gm_ref a, gm_ref b)
{
    return a.system == b.system && a.class_number == b.class_number && a.field == b.field &&
           a.element == b.element;
}

static gm_status move_to(const gm_probe *probe, const gm_rerun *run, int64_t time_ns,
                         gm_error *error)
{
    gm_twin *twin = probe->twin;
    const gm_world *world = run->lanes ? twin->world : &twin->suspects->calm;
    gm_advance_options options = { .mode = GM_ADVANCE_PAST,
                                   .workers = twin->workers,
                                   .work = run->lanes ? twin->work : twin->suspects->work };
    if (time_ns <= gm_state_time(run->state)) {
        return GM_OK;
    }
    if (run->lanes) { // lots are drawn by it
        gm_state_set_tick(run->state, gm_cycle_number(twin, gm_state_time(run->state)));
    }
    return gm_world_advance(world, run->state, &options, time_ns, error);
}

static double tried(const gm_probe *probe, const gm_batch *batch, size_t lane, double value)
{
    const gm_suspect_trial *trial = batch->suspects[lane]->trial;
    const gm_field *field = gm_world_field(probe->twin->world, trial->ref);
    double whole = trial->kind == GM_CHANGE_ADD     ? value + trial->value
                   : trial->kind == GM_CHANGE_TIMES ? value * trial->value
                   : trial->kind == GM_CHANGE_SET   ? trial->value
                                                    : 0.0;
    double changed = value + batch->sizes[lane] * (whole - value);
    return fmin(fmax(changed, field->min), field->max);
}

/// Lane k of `values` suffers its trial where that is of `ref`.
static void try_lanes(const gm_probe *probe, gm_batch *batch, gm_ref ref, double *values)
{
    for (size_t lane = 0; lane < batch->count; lane++) {
        if (is_same(batch->suspects[lane]->trial->ref, ref)) {
            double changed = tried(probe, batch, lane, values[lane]);
            batch->changes[lane] += changed - values[lane];
            batch->change_counts[lane]++;
            values[lane] = changed;
        }
    }
}

static gm_status write_input(const gm_probe *probe, gm_rerun *run, const gm_suspect_sample *sample,
                             gm_error *error)
{
    gm_ref ref = probe->twin->world->sensors[sample->sensor].ref;
    for (size_t lane = 0; lane < probe->lanes; lane++) {
        probe->values[lane] = sample->value;
    }
    if (run->batch != NULL) {
        try_lanes(probe, run->batch, ref, probe->values);
    }
    double *before = probe->predictions;
    gm_status status = gm_state_read(run->state, ref, before, error);
    bool same = true;
    for (size_t lane = 0; status == GM_OK && lane < probe->lanes; lane++) {
        same =
            same && (before[lane] == probe->values[lane] || gm_state_lane_failed(run->state, lane));
    }
    if (status != GM_OK || same) {
        return status;
    }
    status = gm_state_write(run->state, ref, probe->values, error);
    return status == GM_OK ? gm_state_settle(run->state, ref.system, probe->twin->workers, error)
                           : status;
}

/// What the lanes say differently at sample `index`.
static void weigh(const gm_probe *probe, gm_batch *batch, size_t index, double *predictions)
{
    uint32_t place = probe->places[probe->samples[index].sensor];
    gm_whitener *whitener = &batch->whiteners[place];
    gm_whitener_next(whitener, probe->samples[index].time_ns, probe->expected[index]);
    for (size_t lane = 0; lane < batch->count; lane++) {
        predictions[lane] -= probe->base[index];
    }
    gm_whiten(whitener, batch->means + place * 2 * probe->lanes, predictions, batch->count);
    size_t modes = probe->shared.count;
    const double *off = probe->lanes_off + index * modes;
    for (size_t lane = 0; lane < batch->count; lane++) {
        double *along = batch->along + lane * modes, response = predictions[lane];
        batch->squares[lane] += response * response;
        batch->products[lane] += response * probe->white[index];
        for (size_t mode = 0; mode < modes; mode++) {
            along[mode] += response * off[mode];
        }
    }
}

/// What the lanes expect at sample `index`, and how they differ there.
static void note_lanes(gm_probe *probe, const gm_state *state, size_t index,
                       const double *predictions)
{
    size_t modes = probe->shared.count, alive = 0;
    double *off = probe->lanes_off + index * modes, mean = 0.0;
    for (size_t lane = 0; lane < modes; lane++) {
        bool left = !gm_state_lane_failed(state, lane) && isfinite(predictions[lane]);
        off[lane] = left ? predictions[lane] : (double)NAN;
        mean += left ? predictions[lane] : 0.0;
        alive += left;
    }
    mean /= (double)alive;
    double scale = alive > 1 ? 1.0 / sqrt((double)(alive - 1)) : 0.0;
    for (size_t lane = 0; lane < modes; lane++) {
        off[lane] = isnan(off[lane]) ? 0.0 : scale * (off[lane] - mean);
    }
    probe->expected[index] = mean;
}

static void take_measurement(gm_probe *probe, const gm_rerun *run, size_t index,
                             double *predictions)
{
    if (run->batch != NULL) {
        weigh(probe, run->batch, index, predictions);
        return;
    }
    if (run->lanes) {
        note_lanes(probe, run->state, index, predictions);
        return;
    }
    probe->base[index] = predictions[0];
}

/// Samples [run->at, end) of one time, at which the state is.
static gm_status take_samples(gm_probe *probe, gm_rerun *run, size_t end, gm_error *error)
{
    gm_status status = GM_OK;
    size_t first = run->at, count = 0;
    for (size_t index = first; status == GM_OK && index < end; index++) {
        const gm_world_sensor *sensor = &probe->twin->world->sensors[probe->samples[index].sensor];
        if (sensor->is_driver) {
            status = write_input(probe, run, &probe->samples[index], error);
        }
    }
    for (; status == GM_OK && first < end; first++) {
        // the same sensor may speak twice at one time: never more at once than there is room for
        for (count = 0; first + count < end && count < probe->witness_count; count++) {
            uint32_t sensor = probe->samples[first + count].sensor;
            if (probe->places[sensor] == UINT32_MAX) {
                break;
            }
            probe->refs[count] = probe->twin->world->sensors[sensor].ref;
        }
        if (count == 0) {
            continue;
        }
        status = gm_state_read_many(run->state, probe->refs, count, probe->predictions, error);
        for (size_t index = 0; status == GM_OK && index < count; index++) {
            take_measurement(probe, run, first + index, probe->predictions + index * probe->lanes);
        }
        first += count - 1;
    }
    run->at = end;
    return status;
}

static gm_status run_to(gm_probe *probe, gm_rerun *run, int64_t until_ns, gm_error *error)
{
    gm_status status = GM_OK;
    while (status == GM_OK && run->at < probe->sample_count &&
           probe->samples[run->at].time_ns <= until_ns) {
        int64_t time_ns = probe->samples[run->at].time_ns;
        size_t end = run->at;
        while (end < probe->sample_count && probe->samples[end].time_ns == time_ns) {
            end++;
        }
        status = move_to(probe, run, time_ns, error);
        if (status == GM_OK) {
            status = take_samples(probe, run, end, error);
        }
    }
    return status == GM_OK ? move_to(probe, run, until_ns, error) : status;
}

// ---- without a change ----

/// The lane whose sensors read most like the lanes' mean, in noises.
static gm_status find_middle(const gm_probe *probe, const gm_state *state, uint32_t *middle,
                             gm_error *error)
{
    const gm_world *world = probe->twin->world;
    for (size_t place = 0; place < probe->witness_count; place++) {
        probe->refs[place] = world->sensors[probe->witnesses[place].sensor].ref;
    }
    gm_status status =
        gm_state_read_many(state, probe->refs, probe->witness_count, probe->predictions, error);
    memset(probe->values, 0, probe->lanes * sizeof(double));
    for (size_t place = 0; status == GM_OK && place < probe->witness_count; place++) {
        const double *lanes = probe->predictions + place * probe->lanes;
        gm_summary summary;
        gm_summarise(state, lanes, &summary);
        double noise =
            gm_sample_noise(&world->sensors[probe->witnesses[place].sensor], summary.mean);
        for (size_t lane = 0; lane < probe->lanes; lane++) {
            double distance = (lanes[lane] - summary.mean) / noise;
            probe->values[lane] += distance * distance;
        }
    }
    double least = INFINITY;
    for (size_t lane = 0; status == GM_OK && lane < probe->lanes; lane++) {
        if (!gm_state_lane_failed(state, lane) && probe->values[lane] < least) {
            least = probe->values[lane];
            *middle = (uint32_t)lane;
        }
    }
    return status == GM_OK && !(least < INFINITY)
               ? gm_error_set(error, GM_NUMERIC, "no lane says what sensors should read")
               : status;
}

static gm_status settle(const gm_probe *probe, gm_state *state, gm_error *error)
{
    gm_status status = GM_OK;
    for (uint32_t system = 0; status == GM_OK && system < probe->twin->world->system_count;
         system++) {
        if (probe->twin->world->systems[system].group == probe->of->group) {
            status = gm_state_changed(state, system, error);
        }
    }
    return status;
}

/// Every lane at the lanes' mean of the anchor, where `ref` is of the group.
static gm_status fill_mean(const gm_probe *probe, gm_state *state, gm_ref ref, gm_error *error)
{
    const gm_state *from = probe->of->anchor->state;
    if (gm_probe_group(probe, ref) != probe->of->group) {
        return GM_OK;
    }
    gm_status status = gm_state_read(from, ref, probe->values, error);
    if (status == GM_OK) {
        gm_summary summary;
        gm_summarise(from, probe->values, &summary);
        status = gm_state_fill(state, ref, summary.mean, error);
    }
    return status;
}

/// The lane in the middle, alone in lane 0; with the lanes' mean of what is estimated and of what
/// lanes draw lots for.
static gm_status start_base(const gm_probe *probe, gm_state *state, gm_error *error)
{
    const gm_world *world = probe->twin->world;
    uint32_t middle = 0;
    gm_status status = find_middle(probe, probe->of->anchor->state, &middle, error);
    for (size_t lane = 0; lane < probe->lanes; lane++) {
        probe->sources[lane] = middle;
    }
    if (status == GM_OK) {
        status = gm_state_resample(state, probe->sources, error);
    }
    for (size_t index = 0; status == GM_OK && index < world->estimate_count; index++) {
        status = fill_mean(probe, state, world->estimates[index].ref, error);
    }
    for (size_t index = 0; status == GM_OK && index < world->past_driver_count; index++) {
        const gm_world_driver *driver = &world->drivers[world->past_drivers[index]];
        if (driver->past.kind == GM_RULE_STOCHASTIC) {
            status = fill_mean(probe, state, driver->ref, error);
        }
    }
    for (size_t lane = 1; lane < probe->lanes; lane++) {
        gm_state_fail_lane(state, lane);
    }
    return status == GM_OK ? settle(probe, state, error) : status;
}

gm_status gm_rerun_base(gm_probe *probe, gm_error *error)
{
    gm_rerun base = { 0 };
    gm_status status = gm_state_fork(probe->of->anchor->state, &base.state, error);
    if (status == GM_OK) {
        status = start_base(probe, base.state, error);
    }
    for (size_t onset = 0; status == GM_OK && onset < probe->onset_count; onset++) {
        status = run_to(probe, &base, probe->onsets_ns[onset], error);
        if (status == GM_OK) {
            status = gm_state_fork(base.state, &probe->starts[onset], error);
        }
        probe->starts_at[onset] = base.at;
    }
    if (status == GM_OK) {
        status = run_to(probe, &base, probe->until_ns, error);
    }
    gm_state_close(base.state);
    for (size_t index = 0; status == GM_OK && index < probe->sample_count; index++) {
        status = isfinite(probe->base[index])
                     ? GM_OK
                     : gm_error_set(error, GM_NUMERIC, "the run without a change fails");
    }
    return status;
}

gm_status gm_rerun_lanes(gm_probe *probe, gm_error *error)
{
    gm_rerun all = { .lanes = true };
    if (probe->shared.count == 0) {
        memcpy(probe->expected, probe->base, probe->sample_count * sizeof *probe->expected);
        return GM_OK;
    }
    gm_status status = gm_state_fork(probe->of->anchor->state, &all.state, error);
    if (status == GM_OK) {
        status = run_to(probe, &all, probe->until_ns, error);
    }
    gm_state_close(all.state);
    for (size_t index = 0; status == GM_OK && index < probe->sample_count; index++) {
        status = isfinite(probe->expected[index])
                     ? GM_OK
                     : gm_error_set(error, GM_NUMERIC, "no lane is left without a change");
    }
    return status;
}

// ---- with a change ----

/// Every lane a copy of the run without a change at the onset, then its trial.
static gm_status start_trials(gm_probe *probe, gm_rerun *run, gm_error *error)
{
    gm_batch *batch = run->batch;
    memset(probe->sources, 0, probe->lanes * sizeof *probe->sources);
    gm_status status = gm_state_resample(run->state, probe->sources, error);
    for (size_t lane = 0; status == GM_OK && lane < batch->count; lane++) {
        gm_ref ref = batch->suspects[lane]->trial->ref;
        status = gm_state_read(run->state, ref, probe->values, error);
        if (status == GM_OK && batch->change_counts[lane] == 0) { // not yet, with another's
            try_lanes(probe, batch, ref, probe->values);
            status = gm_state_write(run->state, ref, probe->values, error);
        }
    }
    for (size_t lane = batch->count; lane < probe->lanes; lane++) {
        gm_state_fail_lane(run->state, lane);
    }
    return status == GM_OK ? settle(probe, run->state, error) : status;
}

gm_status gm_rerun_batch(gm_probe *probe, gm_batch *batch, gm_error *error)
{
    gm_rerun trials = { .at = probe->starts_at[batch->onset], .batch = batch };
    memset(batch->changes, 0, probe->lanes * sizeof(double));
    memset(batch->change_counts, 0, probe->lanes * sizeof(size_t));
    memset(batch->squares, 0, probe->lanes * sizeof(double));
    memset(batch->products, 0, probe->lanes * sizeof(double));
    memset(batch->means, 0, 2 * probe->lanes * probe->witness_count * sizeof(double));
    memset(batch->along, 0, probe->lanes * probe->shared.count * sizeof(double));
    memcpy(batch->whiteners, probe->whiteners + batch->onset * probe->witness_count,
           probe->witness_count * sizeof *batch->whiteners);
    gm_status status = gm_state_fork(probe->starts[batch->onset], &trials.state, error);
    for (size_t lane = 0; status == GM_OK && lane < batch->count; lane++) {
        status =
            gm_state_read(trials.state, batch->suspects[lane]->trial->ref, probe->values, error);
        batch->before[lane] = probe->values[0];
    }
    if (status == GM_OK) {
        status = start_trials(probe, &trials, error);
    }
    if (status == GM_OK) {
        status = run_to(probe, &trials, probe->until_ns, error);
    }
    if (status == GM_OK || status == GM_NUMERIC) { // no lane left: none of them can have been
        for (size_t lane = 0; lane < batch->count; lane++) {
            batch->failed[lane] = gm_state_lane_failed(trials.state, lane);
        }
        status = GM_OK;
    }
    gm_state_close(trials.state);
    return status;
}
