// Samples over HTTP: read, submitted, and acknowledged after the commit.
//
// Two things must have happened before the answer goes out, in any order: gm_twin_submit has
// returned (it says what became of each sample) and the commit has been reported (it may be before
// the return). The later one answers.
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "codec/samples.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"

enum { ARENA_CHUNK_SIZE = 64 << 10, NAMES_COMPARED_MAX = 4096 };

typedef struct delivery {
    gm_http_exchange *exchange;
    gm_arena *arena;
    gm_wire_batch batch;
    gm_sample *samples;    // [count] those that are handed to the twin
    size_t *indices;       // [count] their places in the document
    gm_sample_fate *fates; // [count]
    size_t count;
    const char **reasons; // [total] why an element was rejected; NULL: it was not
    size_t total;
    atomic_int awaited; // of the two
    gm_status committed;
    char problem[256]; // why not
} delivery;

static void delivery_close(delivery *d)
{
    gm_wire_batch_free(&d->batch);
    gm_arena_close(d->arena);
    gm_memory_free(d);
}

static void answer_delivery(delivery *d)
{
    gm_string out = { 0 };
    size_t accepted = 0, duplicates = 0, contradicting = 0;
    for (size_t k = 0; k < d->count; k++) {
        accepted += d->fates[k] == GM_SAMPLE_ACCEPTED;
        duplicates += d->fates[k] == GM_SAMPLE_DUPLICATE;
        contradicting += d->fates[k] == GM_SAMPLE_CONTRADICTING;
        if (d->fates[k] == GM_SAMPLE_REJECTED) {
            d->reasons[d->indices[k]] = "its time is before 1970 or too far in the future";
        }
    }
    gm_out_begin(&out, '{');
    gm_out_key_count(&out, "accepted", accepted);
    gm_out_key_count(&out, "duplicates", duplicates);
    gm_out_key_count(&out, "contradicting", contradicting);
    gm_out_key(&out, "rejected");
    gm_out_begin(&out, '[');
    for (size_t k = 0; k < d->total; k++) {
        if (d->reasons[k] != NULL) {
            gm_out_begin(&out, '{');
            gm_out_key_count(&out, "index", k);
            gm_out_key_text(&out, "reason", d->reasons[k]);
            gm_out_end(&out, '}');
        }
    }
    gm_out_end(&out, ']');
    gm_out_end(&out, '}');
    if (d->committed != GM_OK) {
        gm_serve_refuse(d->exchange, d->committed, d->problem);
    } else if (out.failed) {
        gm_serve_refuse(d->exchange, GM_MEMORY,
                        "the samples are on disk, but there is no memory to say which");
    } else {
        gm_http_answer(d->exchange, &(gm_http_reply){ .status = 200,
                                                      .type = "application/json",
                                                      .bytes = out.data,
                                                      .size = out.size });
    }
    gm_string_free(&out);
    delivery_close(d);
}

static void one_less_to_await(delivery *d)
{
    if (atomic_fetch_sub(&d->awaited, 1) == 1) {
        answer_delivery(d);
    }
}

static void on_commit(void *context, gm_status status, const char *text)
{
    delivery *d = context;
    d->committed = status;
    snprintf(d->problem, sizeof d->problem, "%s",
             text != NULL ? text : "the samples could not be written");
    one_less_to_await(d);
}

/// Words for a person, in the delivery's arena.
static const char *say(delivery *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static const char *say(delivery *d, const char *format, ...)
{
    char text[512];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    const char *kept = gm_arena_text(d->arena, text, strlen(text));
    return kept != NULL ? kept : "it is not a sample of this world";
}

static const char *unknown_series(delivery *d, const gm_world *world, const char *name)
{
    const char *names[NAMES_COMPARED_MAX];
    size_t count =
        world->sensor_count < NAMES_COMPARED_MAX ? world->sensor_count : NAMES_COMPARED_MAX;
    for (size_t k = 0; k < count; k++) {
        names[k] = world->sensors[k].name;
    }
    const char *near = gm_text_nearest(name, names, count);
    return near != NULL ? say(d, "no such series; did you mean '%s'?", near) : "no such series";
}

/// One element of the document becomes a sample, or gets a reason why not.
static void sort_in(delivery *d, const gm_world *world, const gm_wire_sample *wire, bool replay)
{
    char name[GM_WIRE_TEXT_MAX_SIZE + 1];
    snprintf(name, sizeof name, "%.*s", (int)wire->series.size, wire->series.data);
    size_t sensor = gm_world_find_sensor(world, name);
    if (sensor == GM_NO_INDEX) {
        d->reasons[wire->index] = unknown_series(d, world, name);
    } else if (wire->kind == GM_WIRE_LABEL) {
        d->reasons[wire->index] = "v is a text; this series takes numbers";
    } else if (!wire->has_time && replay) {
        d->reasons[wire->index] = "t is missing; in a recording it cannot be made up";
    } else {
        d->samples[d->count] =
            (gm_sample){ .sensor = sensor,
                         .time_ns = wire->has_time ? wire->time_ns : gm_clock_wall_ns(),
                         .value = wire->number,
                         .sequence = wire->sequence,
                         .has_sequence = wire->has_sequence,
                         .untimed = !wire->has_time };
        d->indices[d->count++] = wire->index;
    }
}

static gm_status read_delivery(gm_serve_call *call, delivery *d, gm_error *error)
{
    const gm_http_request *request = call->request;
    gm_twin_status now;
    d->arena = gm_arena_create(ARENA_CHUNK_SIZE);
    if (d->arena == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the samples");
    }
    gm_text body = { request->body_size > 0 ? request->body : "", request->body_size };
    gm_status status = gm_samples_read(body, d->arena, &d->batch, error);
    if (status != GM_OK) {
        return status;
    }
    d->total = d->batch.sample_count + d->batch.reject_count;
    d->samples = gm_arena_new(d->arena, d->batch.sample_count, sizeof *d->samples);
    d->indices = gm_arena_new(d->arena, d->batch.sample_count, sizeof *d->indices);
    d->fates = gm_arena_new(d->arena, d->batch.sample_count, sizeof *d->fates);
    d->reasons = gm_arena_new(d->arena, d->total, sizeof *d->reasons);
    if (d->samples == NULL || d->indices == NULL || d->fates == NULL || d->reasons == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu samples", d->total);
    }
    gm_twin_status_get(call->twin, &now);
    for (size_t k = 0; k < d->batch.reject_count; k++) {
        const gm_wire_reject *reject = &d->batch.rejects[k];
        d->reasons[reject->index] =
            reject->detail.size > 0
                ? say(d, "%s: %.*s", reject->reason, (int)reject->detail.size, reject->detail.data)
                : reject->reason;
    }
    for (size_t k = 0; k < d->batch.sample_count; k++) {
        sort_in(d, call->world, &d->batch.samples[k], now.replay);
    }
    return GM_OK;
}

gm_status gm_take_samples(gm_serve_call *call, gm_error *error)
{
    delivery *d = gm_memory_new(1, sizeof *d);
    if (d == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the samples");
    }
    d->exchange = call->exchange;
    atomic_init(&d->awaited, 2);
    gm_status status = read_delivery(call, d, error);
    if (status == GM_OK && d->count == 0) {
        atomic_store(&d->awaited, 1);
    } else if (status == GM_OK) {
        gm_submission submission = { d->samples, d->count, d->fates, on_commit, d };
        status = gm_twin_submit(call->twin, &submission, error);
    }
    if (status != GM_OK) {
        delivery_close(d);
        return status;
    }
    call->answered = true;
    one_less_to_await(d);
    return GM_OK;
}
