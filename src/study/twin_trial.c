// Playing a plant to a twin and comparing them: twin_trial.h.
#include "study/twin_trial.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"

gm_status gm_twin_trial_open(const gm_world *world, const gm_device_options *devices,
                             gm_twin_trial *trial, gm_error *error)
{
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    *trial = (gm_twin_trial){ .world = world };
    trial->readings = gm_memory_new(world->sensor_count, sizeof *trial->readings);
    trial->samples = gm_memory_new(world->sensor_count, sizeof *trial->samples);
    trial->fates = gm_memory_new(world->sensor_count, sizeof *trial->fates);
    if (trial->readings == NULL || trial->samples == NULL || trial->fates == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a trial");
    }
    gm_status status = gm_device_plant_open(world, devices, &trial->plant, error);
    return status == GM_OK ? gm_twin_open(world, &options, &trial->twin, error) : status;
}

void gm_twin_trial_close(gm_twin_trial *trial)
{
    gm_twin_close(trial->twin);
    gm_device_plant_close(trial->plant);
    gm_memory_free(trial->readings);
    gm_memory_free(trial->samples);
    gm_memory_free(trial->fates);
    *trial = (gm_twin_trial){ 0 };
}

gm_status gm_twin_trial_play(gm_twin_trial *trial, int64_t time_ns, gm_error *error)
{
    gm_status status = GM_OK;
    while (status == GM_OK && gm_device_plant_next(trial->plant) <= time_ns) {
        int64_t now_ns = gm_device_plant_next(trial->plant);
        size_t count = 0;
        status = gm_device_plant_read(trial->plant, trial->readings, &count, error);
        if (status == GM_OK && trial->spoil != NULL) {
            trial->spoil(trial->spoil_context, trial->readings, count);
        }
        for (size_t index = 0; index < count; index++) {
            const gm_device_reading *reading = &trial->readings[index];
            trial->samples[index] = (gm_sample){ .sensor = reading->sensor,
                                                 .time_ns = reading->time_ns,
                                                 .value = reading->value };
        }
        gm_submission submission = { .samples = trial->samples,
                                     .count = count,
                                     .fates = trial->fates };
        if (status == GM_OK && count > 0) {
            status = gm_twin_submit(trial->twin, &submission, error);
        }
        if (status == GM_OK) {
            status = gm_twin_cycle(trial->twin, now_ns, error);
        }
    }
    return status;
}

double gm_trial_rmse(const gm_trial_score *score)
{
    return score->band.count > 0 ? sqrt(score->square_sum / (double)score->band.count)
                                 : (double)NAN;
}

static bool has_sensor(const gm_world *world, gm_ref ref)
{
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        if (gm_sensor_is_plain(&world->sensors[sensor]) &&
            memcmp(&world->sensors[sensor].ref, &ref, sizeof ref) == 0) {
            return true;
        }
    }
    return false;
}

gm_status gm_twin_trial_hidden(const gm_world *world, const char *pattern, gm_ref **refs,
                               size_t *count, gm_error *error)
{
    size_t found = 0, kept = 0;
    gm_status status = gm_world_find(world, pattern, (gm_place){ 0 }, refs, &found, error);
    for (size_t index = 0; status == GM_OK && index < found; index++) {
        if (!has_sensor(world, (*refs)[index])) {
            (*refs)[kept++] = (*refs)[index];
        }
    }
    *count = kept;
    return status;
}

gm_status gm_twin_trial_compare(const gm_twin_trial *trial, const gm_ref *refs, size_t count,
                                gm_trial_score *score, gm_error *error)
{
    const gm_state *truth = gm_device_plant_state(trial->plant);
    gm_twin_view view = { 0 };
    gm_status status = gm_twin_look(trial->twin, NULL, &view, error);
    if (status != GM_OK) {
        return status;
    }
    size_t lanes = gm_state_lanes(view.state);
    double *lived = gm_memory_new(count, sizeof *lived);
    double *believed = gm_memory_new(count * lanes, sizeof *believed);
    if (lived == NULL || believed == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory for a comparison");
    } else if (view.time_ns != gm_state_time(truth)) {
        status = gm_error_set(error, GM_BUSY, "the twin is not where the plant is");
    }
    if (status == GM_OK) {
        status = gm_state_read_many(truth, refs, count, lived, error);
    }
    if (status == GM_OK) {
        status = gm_state_read_many(view.state, refs, count, believed, error);
    }
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        gm_summary said;
        gm_summarise(view.state, believed + index * lanes, &said);
        score->square_sum += (said.mean - lived[index]) * (said.mean - lived[index]);
        gm_coverage_add(&score->band, said.q05, said.q95, lived[index]);
    }
    gm_memory_free(lived);
    gm_memory_free(believed);
    gm_twin_look_away(trial->twin, &view);
    return status;
}

gm_sample gm_replay_sample(const gm_replay_row *row)
{
    return (gm_sample){ .sensor = row->sensor, .time_ns = row->time_ns, .value = row->value };
}

gm_status gm_twin_follow(const gm_world *world, gm_replay *replay, int64_t score_after_ns,
                         gm_twin **twin, gm_error *error)
{
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    options.score_after_ns = score_after_ns;
    options.known = gm_replay_known;
    options.known_context = replay;
    gm_status status = gm_twin_open(world, &options, twin, error);
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        gm_sample sample = gm_replay_sample(&rows[index]);
        gm_sample_fate fate;
        gm_submission submission = { .samples = &sample, .count = 1, .fates = &fate };
        status = gm_twin_submit(*twin, &submission, error);
        if (status == GM_OK) {
            status = gm_twin_cycle(*twin, sample.time_ns - 1, error);
        }
    }
    return status == GM_OK ? gm_twin_settle(*twin, error) : status;
}
