// Forecasts met by what came: met_forecasts.h.
#include "study/met_forecasts.h"

#include <gemel/twin.h>
#include <math.h>
#include <string.h>

#include "study/twin_trial.h"

/// What is gathered while a recording plays.
typedef struct gathering {
    gm_twin *twin;
    size_t sensor; // that reads the field
    gm_forecast_row *rows;
    int64_t issued_ns; // of the newest forecast taken
    gm_met_forecast *met;
    size_t count, capacity;
    int64_t *times_ns; // [reading_count]
    double *readings;  // SI
    size_t reading_count;
} gathering;

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for forecasts");
}

/// The newest forecast, if it is new.
static gm_status take_forecast(gathering *of, const gm_world *world, gm_error *error)
{
    int64_t issued_ns = INT64_MIN;
    gm_status status = gm_twin_forecast(of->twin, 0, of->rows, &issued_ns, NULL);
    if (status != GM_OK || issued_ns == of->issued_ns) {
        return GM_OK; // none yet, or the same
    }
    of->issued_ns = issued_ns;
    size_t leads = world->forecast.lead_count, last = of->reading_count;
    gm_met_forecast *grown =
        gm_memory_grow(of->met, &of->capacity, of->count + leads, sizeof *grown);
    if (grown == NULL) {
        return no_memory(error);
    }
    of->met = grown;
    while (last > 0 && of->times_ns[last - 1] > issued_ns) {
        last--;
    }
    for (size_t lead = 0; lead < leads; lead++) {
        of->met[of->count++] =
            (gm_met_forecast){ .issued_ns = issued_ns,
                               .due_ns = of->rows[lead].time_ns,
                               .lead = lead,
                               .said = of->rows[lead].value.mean,
                               .held = last > 0 ? of->readings[last - 1] : (double)NAN,
                               .read = NAN };
    }
    return GM_OK;
}

static void take_reading(gathering *of, const gm_world *world, const gm_sample *sample)
{
    const gm_conversion *to_si = &world->sensors[of->sensor].to_si;
    if (sample->sensor == of->sensor) {
        of->times_ns[of->reading_count] = sample->time_ns;
        of->readings[of->reading_count++] = sample->value * to_si->factor + to_si->offset;
    }
}

/// Every forecast gets the reading of its time.
static void meet(gathering *of)
{
    for (size_t index = 0; index < of->count; index++) {
        gm_met_forecast *one = &of->met[index];
        size_t low = 0, high = of->reading_count; // the first reading not before its time
        while (low < high) {
            size_t middle = low + (high - low) / 2;
            bool before = of->times_ns[middle] < one->due_ns;
            low = before ? middle + 1 : low;
            high = before ? high : middle;
        }
        if (low == of->reading_count || (low == 0 && of->times_ns[0] > one->due_ns)) {
            continue;
        }
        size_t first = of->times_ns[low] > one->due_ns ? low - 1 : low;
        double span = (double)(of->times_ns[low] - of->times_ns[first]);
        double part = span > 0.0 ? (double)(one->due_ns - of->times_ns[first]) / span : 0.0;
        one->read = of->readings[first] + part * (of->readings[low] - of->readings[first]);
    }
}

static gm_status play(gathering *of, const gm_world *world, gm_replay *replay, gm_error *error)
{
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    of->times_ns = gm_memory_new(count, sizeof *of->times_ns);
    of->readings = gm_memory_new(count, sizeof *of->readings);
    gm_status status = of->times_ns != NULL && of->readings != NULL ? GM_OK : no_memory(error);
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        gm_sample sample = gm_replay_sample(&rows[index]);
        gm_sample_fate fate;
        gm_submission submission = { .samples = &sample, .count = 1, .fates = &fate };
        status = gm_twin_submit(of->twin, &submission, error);
        if (status == GM_OK) {
            status = gm_twin_cycle(of->twin, sample.time_ns - 1, error);
        }
        take_reading(of, world, &sample);
        if (status == GM_OK) {
            status = take_forecast(of, world, error);
        }
    }
    return status;
}

gm_status gm_follow_forecasts(const gm_world *world, gm_replay *replay, gm_met_forecast **met,
                              size_t *count, gm_error *error)
{
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    options.known = gm_replay_known;
    options.known_context = replay;
    gathering of = { .issued_ns = INT64_MIN, .sensor = world->sensor_count };
    for (size_t sensor = 0; sensor < world->sensor_count && world->forecast.ref_count > 0;
         sensor++) {
        bool same = memcmp(&world->sensors[sensor].ref, &world->forecast.refs[0],
                           sizeof world->forecast.refs[0]) == 0;
        of.sensor = same ? sensor : of.sensor;
    }
    if (of.sensor == world->sensor_count) {
        return gm_error_set(error, GM_INVALID, "%s: no sensor reads what is forecast first",
                            world->name);
    }
    of.rows = gm_memory_new(world->forecast.lead_count, sizeof *of.rows);
    gm_status status =
        of.rows != NULL ? gm_twin_open(world, &options, &of.twin, error) : no_memory(error);
    if (status == GM_OK) {
        status = play(&of, world, replay, error);
    }
    meet(&of);
    gm_twin_close(of.twin);
    gm_memory_free(of.rows);
    gm_memory_free(of.times_ns);
    gm_memory_free(of.readings);
    if (status != GM_OK) {
        gm_memory_free(of.met);
        return status;
    }
    *met = of.met;
    *count = of.count;
    return GM_OK;
}

gm_met_score gm_met_forecasts_score(const gm_met_forecast *met, size_t count, gm_met_span span)
{
    double square = 0.0, held = 0.0;
    size_t found = 0;
    for (size_t index = 0; index < count; index++) {
        const gm_met_forecast *one = &met[index];
        if (one->lead == span.lead && one->issued_ns >= span.from_ns &&
            one->due_ns <= span.until_ns && !isnan(one->read) && !isnan(one->held)) {
            square += (one->said - one->read) * (one->said - one->read);
            held += (one->held - one->read) * (one->held - one->read);
            found++;
        }
    }
    double number = found > 0 ? (double)found : (double)NAN;
    return (gm_met_score){ sqrt(square / number), sqrt(held / number), found };
}
