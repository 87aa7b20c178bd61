// `gemel run`: a live twin that is served, or a recording played to a twin.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/log.h"
#include "cli/replay_run.h"
#include "serve/serve.h"

enum { FOLDER_SIZE = 1024, HOST_SIZE = 64 };

enum { LISTEN, DATA, THREADS, LANES, REPLAY, SPEED, SCORE_AFTER, JSON, QUIET, OPTIONS };

static const gm_option options[OPTIONS] = {
    [LISTEN] = { "listen", "ADDRESS:PORT",
                 "where to serve; port 0 takes a free one "
                 "[127.0.0.1:8080]" },
    [DATA] = { "data", "DIR", "data folder [NAME-data; a recording: none]" },
    [THREADS] = { "threads", "N", "workers; never changes a result [1]" },
    [LANES] = { "lanes", "N", "possible worlds [as the world file says]" },
    [REPLAY] = { "replay", "FILE", "play this recording and end with it" },
    [SPEED] = { "speed", "N|max", "of a recording, times real time [max]" },
    [SCORE_AFTER] = { "score-after", "TIME", "leave out forecasts issued sooner after the start" },
    [JSON] = { "json", NULL, "print a recording's summary as JSON" },
    [QUIET] = { "quiet", NULL, "log errors only" },
};

// What the options came to.
typedef struct run_plan {
    const gm_arguments *arguments;
    gm_world *world;
    gm_replay *replay; // NULL: live
    gm_twin *twin;
    gm_serve *serve;
    gm_log log;
    bool serves;
    char host[HOST_SIZE];
    uint16_t port;
    double speed;
    char folder[FOLDER_SIZE];
    gm_twin_options twin_options;
} run_plan;

/// "127.0.0.1:8080", "[::1]:8080", ":8080", "8080"
static gm_status read_address(run_plan *plan, gm_error *error)
{
    const char *text = plan->arguments->values[LISTEN];
    snprintf(plan->host, sizeof plan->host, "127.0.0.1");
    plan->port = 8080;
    if (text == NULL) {
        return GM_OK;
    }
    const char *colon = strrchr(text, ':');
    const char *port = colon != NULL ? colon + 1 : text;
    size_t host_size = colon != NULL ? (size_t)(colon - text) : 0;
    bool bracketed = host_size >= 2 && text[0] == '[' && text[host_size - 1] == ']';
    const char *host = bracketed ? text + 1 : text;
    host_size -= bracketed ? 2 : 0;
    int64_t number = 0;
    if (!gm_text_to_i64(gm_text_of(port), &number) || number < 0 || number > UINT16_MAX ||
        host_size >= sizeof plan->host) {
        return gm_error_set(error, GM_INVALID,
                            "--listen '%.60s': expected an address and a port: 127.0.0.1:8080",
                            text);
    }
    if (host_size > 0) {
        snprintf(plan->host, sizeof plan->host, "%.*s", (int)host_size, host);
    }
    plan->port = (uint16_t)number;
    return GM_OK;
}

static gm_status read_speed(run_plan *plan, gm_error *error)
{
    const char *text = plan->arguments->values[SPEED];
    plan->speed = INFINITY;
    return text == NULL || strcmp(text, "max") == 0
               ? GM_OK
               : gm_option_positive(plan->arguments, SPEED, &plan->speed, error);
}

static gm_status read_plan(run_plan *plan, gm_error *error)
{
    const gm_arguments *arguments = plan->arguments;
    bool live = !gm_option_given(arguments, REPLAY);
    gm_twin_options *twin = &plan->twin_options;
    *twin = gm_default_twin_options();
    plan->serves = live || gm_option_given(arguments, LISTEN);
    plan->log = (gm_log){ gm_option_given(arguments, QUIET) ? GM_LOG_ERROR
                          : live                            ? GM_LOG_INFO
                                                            : GM_LOG_WARNING,
                          2 };
    for (size_t option = 0; live && option < OPTIONS; option++) {
        bool of_recordings = option == SPEED || option == SCORE_AFTER || option == JSON;
        if (of_recordings && gm_option_given(arguments, option)) {
            return gm_error_set(error, GM_INVALID, "--%s is for recordings; --replay is missing",
                                options[option].name);
        }
    }
    gm_status status = read_address(plan, error);
    if (status == GM_OK) {
        status = read_speed(plan, error);
    }
    if (status == GM_OK) {
        status = gm_option_count(arguments, THREADS, GM_WORKERS_MAX, &twin->threads, error);
    }
    if (status == GM_OK) {
        status = gm_option_count(arguments, LANES, GM_LANES_MAX, &twin->lanes, error);
    }
    if (status == GM_OK) {
        status = gm_option_duration(arguments, SCORE_AFTER, &twin->score_after_ns, error);
    }
    twin->replay = !live;
    twin->log = &plan->log;
    return status;
}

static gm_status open_replay(run_plan *plan, gm_error *error)
{
    const char *file = plan->arguments->values[REPLAY];
    void *bytes = NULL;
    size_t size = 0;
    gm_status status = gm_file_read(file, &bytes, &size, error);
    if (status == GM_OK) {
        status = gm_replay_read(plan->world, file, (gm_text){ bytes, size }, &plan->replay, error);
    }
    gm_memory_free(bytes);
    plan->twin_options.known = gm_replay_known;
    plan->twin_options.known_context = plan->replay;
    return status;
}

/// Makes the folders above the data folder; what cannot be made, opening the twin reports.
static void make_parents(const char *folder)
{
    char part[FOLDER_SIZE];
    for (const char *at = strchr(folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(at - folder), folder);
        mkdir(part, 0777);
    }
}

static gm_status open_twin(run_plan *plan, gm_error *error)
{
    const char *data = plan->arguments->values[DATA];
    if (plan->replay == NULL || data != NULL) {
        gm_cli_folder(plan->world, data, plan->folder, sizeof plan->folder);
        plan->twin_options.folder = plan->folder;
        make_parents(plan->folder);
    }
    return gm_twin_open(plan->world, &plan->twin_options, &plan->twin, error);
}

static gm_status start_serving(run_plan *plan, gm_error *error)
{
    gm_serve_options serve = gm_default_serve_options();
    serve.address = plan->host;
    serve.port = plan->port;
    serve.threads = plan->twin_options.threads;
    serve.log = &plan->log;
    gm_status status = gm_serve_start(plan->twin, &serve, &plan->serve, error);
    if (status == GM_OK) {
        bool six = strchr(plan->host, ':') != NULL;
        // a summary on standard output stays alone there
        FILE *out = plan->replay == NULL ? stdout : stderr;
        fprintf(out, "gemel: world '%s' on http://%s%s%s:%u\n", plan->world->name, six ? "[" : "",
                plan->host, six ? "]" : "", gm_serve_port(plan->serve));
        fflush(out);
    }
    return status;
}

/// Runs until a signal asks to stop.
static gm_status run_live(run_plan *plan, gm_error *error)
{
    gm_status status = gm_twin_start(plan->twin, error);
    while (status == GM_OK && !gm_stop_wait(GM_SECOND_NS)) {
    }
    return status;
}

static gm_status run_recording(run_plan *plan, gm_error *error)
{
    gm_replay_tally tally = { 0 };
    gm_status status = gm_replay_play(plan->twin, plan->replay, plan->speed, &tally, error);
    if (status == GM_OK) {
        status =
            gm_replay_report(plan->twin, &tally, gm_option_given(plan->arguments, JSON), error);
    }
    return status;
}

static int carry_out(run_plan *plan, gm_error *error)
{
    gm_status status = read_plan(plan, error);
    if (status == GM_OK) {
        status = gm_world_open(plan->arguments->words[0], &plan->world, error);
    }
    for (size_t index = 0; status == GM_OK && index < gm_world_warning_count(plan->world);
         index++) {
        gm_log_write(&plan->log, GM_LOG_WARNING, "world", "%s",
                     gm_world_warning_at(plan->world, index));
    }
    if (status == GM_OK && gm_option_given(plan->arguments, REPLAY)) {
        status = open_replay(plan, error);
    }
    if (status != GM_OK) {
        return status == GM_MEMORY ? GM_EXIT_FAILED : GM_EXIT_INPUT;
    }
    gm_stop_hold(); // before the first thread
    status = open_twin(plan, error);
    if (status == GM_OK && plan->serves) {
        status = start_serving(plan, error);
    }
    if (status == GM_OK) {
        status = plan->replay == NULL ? run_live(plan, error) : run_recording(plan, error);
    }
    return gm_exit_of(status);
}

static int run(const gm_arguments *arguments)
{
    run_plan plan = { .arguments = arguments };
    gm_error error = { 0 };
    int code = carry_out(&plan, &error);
    gm_serve_stop(plan.serve);
    gm_twin_close(plan.twin);
    gm_replay_close(plan.replay);
    gm_world_close(plan.world);
    return code == GM_EXIT_DONE ? gm_cli_finish(arguments) : gm_cli_fail(arguments, code, &error);
}

const gm_command gm_command_run = {
    .name = "run",
    .summary = "keep a world in step with its sensors and serve it; or play a recording to it",
    .words = "WORLD",
    .words_min = 1,
    .words_max = 1,
    .about = "Live, the twin takes samples over HTTP (POST /api/v1/samples), follows them, "
             "forecasts, and serves\n"
             "its web page until Ctrl-C or SIGTERM. What it learns stays in the data folder, from "
             "which the next\n"
             "start goes on. With --replay it plays a recording: long CSV (time, series, value) or "
             "any CSV whose\n"
             "columns the world file maps to sensors; the file's own times drive the twin, and a "
             "summary ends it.\n"
             "A recording keeps nothing on disk without --data and is served only with --listen.",
    .examples = "  gemel run examples/incubator/world.yaml\n"
                "  gemel run plant.yaml --listen 127.0.0.1:9000 --data /var/lib/gemel/plant\n"
                "  gemel run box.yaml --replay monday.csv --score-after 15min --json\n"
                "  gemel run box.yaml --replay monday.csv --speed 60 --listen 127.0.0.1:8080\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
