// `gemel devices`: plays the physical side of a world and sends its samples over HTTP, or writes
// them as a recording.
//
// A sample is kept until the server has acknowledged it, so a server that is not up yet, is busy,
// or is killed and started again misses nothing that fits into the queue.
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "cli/command.h"
#include "codec/csv.h"
#include "codec/samples.h"
#include "net/http_client.h"
#include "study/device_plant.h"

enum {
    QUEUE_MAX = 1 << 18, // samples that wait for the server
    SEND_MAX = 4096,     // samples in one request
    HTTP_OK = 200,
    HTTP_TOO_MANY = 429,
    HTTP_SERVER_ERROR = 500,
};

static const double answer_wait_s = 2.0;
static const int64_t retry_ns = GM_SECOND_NS / 2;

enum { TO, FOR, SPEED, START, OUT, OPTIONS };

static const gm_option options[OPTIONS] = {
    [TO] = { "to", "URL", "the twin's server [http://127.0.0.1:8080]" },
    [FOR] = { "for", "TIME", "how long to play, of the devices' time [until stopped]" },
    [SPEED] = { "speed", "N", "times real time; faster runs ahead of the clock [1]" },
    [START] = { "start", "TIME", "the devices' time at the start [now]" },
    [OUT] = { "out", "FILE", "write a recording instead of sending; needs --for" },
};

typedef struct player {
    const gm_arguments *arguments;
    gm_world *world;
    gm_device_plant *plant;
    gm_device_reading *readings; // [sensor_count]
    int64_t start_ns, for_ns;    // for_ns 0: until stopped
    double speed;

    gm_http_client *client;
    gm_device_reading *queue; // [queue_capacity], [queue_count] used
    size_t queue_count, queue_capacity;
    uint64_t sent, dropped, refused;
    int64_t retry_at_ns; // monotonic
    bool waiting;        // has said that the server does not answer

    FILE *file;
    gm_string text;
} player;

// ---- sending ----

static void say(const player *play, const char *text)
{
    fprintf(stderr, "gemel %s: %s\n", play->arguments->command->name, text);
}

/// What the server says of samples that it does not take: told once.
static void look_at_rejected(player *play, const gm_http_result *answer)
{
    json_t *root = json_loadb(answer->body, answer->size, 0, NULL);
    json_t *rejected = json_object_get(root, "rejected");
    size_t count = json_array_size(rejected);
    if (count > 0 && play->refused == 0) {
        const char *reason =
            json_string_value(json_object_get(json_array_get(rejected, 0), "reason"));
        char text[512];
        snprintf(text, sizeof text, "the server rejects samples: %s",
                 reason != NULL ? reason : "no reason given");
        say(play, text);
    }
    play->refused += count;
    json_decref(root);
}

static void forget_sent(player *play, size_t count)
{
    play->queue_count -= count;
    memmove(play->queue, play->queue + count, play->queue_count * sizeof *play->queue);
}

static gm_status write_request(player *play, size_t count, gm_error *error)
{
    gm_wire_sample *samples = gm_memory_new(count, sizeof *samples);
    if (samples == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for samples");
    }
    for (size_t index = 0; index < count; index++) {
        const gm_device_reading *reading = &play->queue[index];
        samples[index] =
            (gm_wire_sample){ .series = gm_text_of(play->world->sensors[reading->sensor].name),
                              .kind = GM_WIRE_NUMBER,
                              .has_time = true,
                              .time_ns = reading->time_ns,
                              .number = reading->value };
    }
    play->text.size = 0;
    gm_samples_write(&play->text, samples, count);
    gm_memory_free(samples);
    return play->text.failed ? gm_error_set(error, GM_MEMORY, "no memory for samples") : GM_OK;
}

/// Sends what waits, once; what is not acknowledged stays.
static gm_status send(player *play, gm_error *error)
{
    while (play->queue_count > 0 && gm_clock_monotonic_ns() >= play->retry_at_ns) {
        size_t count = play->queue_count < SEND_MAX ? play->queue_count : SEND_MAX;
        gm_status status = write_request(play, count, error);
        if (status != GM_OK) {
            return status;
        }
        gm_http_call call = { .method = "POST",
                              .path = "/api/v1/samples",
                              .body = play->text.data,
                              .size = play->text.size };
        gm_http_result answer = { 0 };
        gm_error why = { 0 };
        status = gm_http_client_call(play->client, &call, &answer, &why);
        if (status != GM_OK || answer.status == HTTP_TOO_MANY ||
            answer.status >= HTTP_SERVER_ERROR) {
            if (!play->waiting) {
                say(play, status != GM_OK ? why.text : "the server is busy");
                say(play, "samples wait until it takes them");
            }
            play->waiting = true;
            play->retry_at_ns = gm_clock_monotonic_ns() + retry_ns;
            return GM_OK;
        }
        if (answer.status != HTTP_OK) {
            return gm_error_set(error, GM_INVALID, "the server answers %d: %.300s", answer.status,
                                answer.body);
        }
        if (play->waiting) {
            say(play, "the server takes samples");
            play->waiting = false;
        }
        look_at_rejected(play, &answer);
        play->sent += count;
        forget_sent(play, count);
    }
    return GM_OK;
}

static gm_status enqueue(player *play, size_t count, gm_error *error)
{
    if (play->queue_count + count > QUEUE_MAX) {
        size_t surplus = play->queue_count + count - QUEUE_MAX;
        surplus = surplus < play->queue_count ? surplus : play->queue_count;
        if (play->dropped == 0) {
            say(play, "the queue is full; the oldest samples are lost");
        }
        play->dropped += surplus;
        forget_sent(play, surplus);
    }
    gm_device_reading *grown = play->queue;
    if (play->queue_count + count > play->queue_capacity) {
        grown = gm_memory_grow(play->queue, &play->queue_capacity, play->queue_count + count,
                               sizeof *grown);
    }
    if (grown == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for samples");
    }
    play->queue = grown;
    memcpy(play->queue + play->queue_count, play->readings, count * sizeof *grown);
    play->queue_count += count;
    return GM_OK;
}

// ---- playing ----

static bool is_over(const player *play)
{
    return play->for_ns > 0 && gm_device_plant_next(play->plant) - play->start_ns > play->for_ns;
}

static gm_status play_live(player *play, gm_error *error)
{
    int64_t wall_start_ns = gm_clock_wall_ns();
    gm_status status = GM_OK;
    while (status == GM_OK && !is_over(play)) {
        double ahead_s = (double)(gm_device_plant_next(play->plant) - play->start_ns) /
                         (double)GM_SECOND_NS / play->speed;
        int64_t due_ns = wall_start_ns + (int64_t)(ahead_s * (double)GM_SECOND_NS);
        int64_t wait_ns = due_ns - gm_clock_wall_ns();
        // what waits for the server is tried again between readings
        bool retries = play->queue_count > 0 && wait_ns > retry_ns;
        if (gm_stop_wait(retries ? retry_ns : wait_ns)) {
            return GM_OK;
        }
        size_t count = 0;
        if (!retries) {
            status = gm_device_plant_read(play->plant, play->readings, &count, error);
        }
        if (status == GM_OK && count > 0) {
            status = enqueue(play, count, error);
        }
        if (status == GM_OK) {
            status = send(play, error);
        }
    }
    while (status == GM_OK && play->queue_count > 0 && !gm_stop_wait(retry_ns / 10)) {
        status = send(play, error);
    }
    return status;
}

static gm_status write_readings(player *play, size_t count, gm_error *error)
{
    gm_csv_writer csv = { .out = &play->text, .separator = ',' };
    play->text.size = 0;
    for (size_t index = 0; index < count; index++) {
        const gm_device_reading *reading = &play->readings[index];
        char time[40];
        gm_time_format(reading->time_ns, time);
        gm_csv_write_text(&csv, gm_text_of(time));
        gm_csv_write_text(&csv, gm_text_of(play->world->sensors[reading->sensor].name));
        gm_csv_write_f64(&csv, reading->value);
        gm_csv_write_end(&csv);
    }
    if (play->text.failed) {
        return gm_error_set(error, GM_MEMORY, "no memory for rows");
    }
    bool written = fwrite(play->text.data, 1, play->text.size, play->file) == play->text.size;
    return count == 0 || written ? GM_OK
                                 : gm_error_set(error, GM_IO, "cannot write '%s': %s",
                                                play->arguments->values[OUT], strerror(errno));
}

static gm_status play_to_file(player *play, gm_error *error)
{
    const char *name = play->arguments->values[OUT];
    gm_progress progress = gm_progress_start("devices");
    play->file = fopen(name, "we");
    if (play->file == NULL) {
        return gm_error_set(error, GM_INVALID, "cannot write '%s': %s", name, strerror(errno));
    }
    gm_status status = GM_OK;
    fprintf(play->file, "time,series,value\n");
    while (status == GM_OK && !is_over(play)) {
        size_t count = 0;
        int64_t gone_ns = gm_device_plant_next(play->plant) - play->start_ns;
        status = gm_device_plant_read(play->plant, play->readings, &count, error);
        if (status == GM_OK) {
            status = write_readings(play, count, error);
        }
        gm_progress_show(&progress, (double)gone_ns / (double)play->for_ns);
    }
    gm_progress_end(&progress);
    if (fclose(play->file) != 0 && status == GM_OK) {
        status = gm_error_set(error, GM_IO, "cannot write '%s': %s", name, strerror(errno));
    }
    return status;
}

static gm_status read_options(player *play, gm_error *error)
{
    const gm_arguments *arguments = play->arguments;
    play->speed = 1.0;
    play->start_ns = gm_clock_wall_ns();
    gm_status status = gm_option_duration(arguments, FOR, &play->for_ns, error);
    if (status == GM_OK) {
        status = gm_option_positive(arguments, SPEED, &play->speed, error);
    }
    if (status == GM_OK) {
        status = gm_option_time(arguments, START, &play->start_ns, error);
    }
    if (status == GM_OK && (play->start_ns < 0 || play->start_ns > INT64_MAX / 2)) {
        status = gm_error_set(error, GM_INVALID, "--start: expected a time from 1970 to 2116");
    }
    if (status == GM_OK && gm_option_given(arguments, OUT) && play->for_ns == 0) {
        status = gm_error_set(error, GM_INVALID, "--out needs --for: how long to play");
    }
    return status;
}

static int carry_out(player *play, gm_error *error)
{
    const char *url = play->arguments->values[TO];
    gm_status status = read_options(play, error);
    if (status == GM_OK) {
        status = gm_cli_world(play->arguments->words[0], &play->world, error);
    }
    if (status == GM_OK) {
        status = gm_device_plant_open(
            play->world, &(gm_device_options){ .start_ns = play->start_ns }, &play->plant, error);
    }
    if (status == GM_OK) {
        status = gm_http_client_create(url != NULL ? url : "http://127.0.0.1:8080", answer_wait_s,
                                       &play->client, error);
    }
    if (status == GM_OK) {
        play->readings = gm_memory_new(play->world->sensor_count, sizeof *play->readings);
        status = play->readings == NULL ? gm_error_set(error, GM_MEMORY, "no memory for readings")
                                        : GM_OK;
    }
    if (status == GM_OK) {
        gm_stop_hold();
        status = gm_option_given(play->arguments, OUT) ? play_to_file(play, error)
                                                       : play_live(play, error);
    }
    return gm_exit_of(status);
}

static int run(const gm_arguments *arguments)
{
    player play = { .arguments = arguments };
    gm_error error = { 0 };
    int code = carry_out(&play, &error);
    gm_http_client_close(play.client);
    gm_device_plant_close(play.plant);
    gm_world_close(play.world);
    gm_memory_free(play.readings);
    gm_memory_free(play.queue);
    gm_string_free(&play.text);
    return code == GM_EXIT_DONE ? gm_cli_finish(arguments) : gm_cli_fail(arguments, code, &error);
}

const gm_command gm_command_devices = {
    .name = "devices",
    .summary = "play the physical side of a world and send its samples",
    .words = "WORLD",
    .words_min = 1,
    .words_max = 1,
    .about = "Runs the world's own models with the values, controllers, faults and sensor noise of "
             "its `devices:`,\n"
             "which the twin does not know, and posts samples as the sensors would. Samples wait "
             "while the server\n"
             "is away. With --out it writes a recording for `gemel run --replay` instead, as fast "
             "as it goes.",
    .examples = "  gemel devices examples/incubator/world.yaml\n"
                "  gemel devices box.yaml --to http://127.0.0.1:9000 --for 10min\n"
                "  gemel devices box.yaml --for 24h --start 2026-01-31T00:00:00Z --out box.csv\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
