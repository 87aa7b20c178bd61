// `gemel ask`: what if? Both futures of the stored twin, or of a running one, and their difference.
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "cli/command.h"
#include "net/http_client.h"
#include "store/catalogue.h"
#include "study/what_if.h"

enum { FOLDER_SIZE = 1024, ADDRESS_SIZE = 512, POINTS_MADE = 120, ROWS_SHOWN = 8, HTTP_OK = 200 };

static const double answer_wait_s = 60.0;

enum { DATA, TO, FIELD, POINTS, THREADS, JSON, OPTIONS };

static const gm_option options[OPTIONS] = {
    [DATA] = { "data", "DIR", "data folder of the twin [NAME-data]" },
    [TO] = { "to", "URL", "ask the running twin there: http://127.0.0.1:8080" },
    [FIELD] = { "field", "A,B", "addresses to compare, `*` matches [what the world forecasts]" },
    [POINTS] = { "points", "N", "output times [120]" },
    [THREADS] = { "threads", "N", "workers; never changes a result [1]" },
    [JSON] = { "json", NULL, "print as JSON" },
};

typedef struct asking {
    const gm_arguments *arguments;
    gm_world *world;
    gm_scenario *made_up;        // to be closed
    const gm_scenario *scenario; // of the world, or made up
    gm_what_if_fields fields;
    size_t points, threads;
    gm_twin *twin; // NULL: nothing is stored, or the twin is asked over the network
    gm_twin_view view;
    gm_layout *layout; // of a fresh state
    gm_state *fresh;
    json_t *answer; // as POST /api/v1/scenarios/run answers
} asking;

// ---- the question ----

static gm_status pick_fields(asking *ask, gm_error *error)
{
    const char *list = ask->arguments->values[FIELD];
    gm_what_if_fields *fields = &ask->fields;
    fields->world = ask->world;
    fields->scenario = ask->scenario;
    gm_status status = list == NULL ? gm_what_if_fields_own(fields, error) : GM_OK;
    for (const char *at = list; at != NULL && status == GM_OK;) {
        char pattern[ADDRESS_SIZE];
        size_t size = strcspn(at, ",");
        snprintf(pattern, sizeof pattern, "%.*s", (int)size, at);
        status = gm_what_if_fields_add(fields, pattern, error);
        at = at[size] == ',' ? at + size + 1 : NULL;
    }
    if (status == GM_OK) {
        status = gm_what_if_fields_finish(fields, error);
    }
    if (status == GM_INVALID) {
        gm_error_prefix(error, "--field: ");
    }
    return status;
}

// ---- the twin ----

static gm_status look_at_stored(asking *ask, const char *folder, gm_error *error)
{
    gm_twin_options twin = gm_default_twin_options();
    twin.folder = folder;
    twin.threads = ask->threads;
    twin.replay = true; // it stays where it stopped
    gm_status status = gm_twin_open(ask->world, &twin, &ask->twin, error);
    if (status == GM_BUSY) {
        gm_error_prefix(error, "a running twin is asked with --to URL; ");
    }
    return status == GM_OK ? gm_twin_look(ask->twin, NULL, &ask->view, error) : status;
}

/// The state to start from: the stored twin's, else the world's initial values.
static gm_status find_state(asking *ask, gm_error *error)
{
    char folder[FOLDER_SIZE], file[FOLDER_SIZE + 16];
    const char *given = ask->arguments->values[DATA];
    struct stat about;
    gm_cli_folder(ask->world, given, folder, sizeof folder);
    snprintf(file, sizeof file, "%s/journal.db", folder);
    if (stat(file, &about) == 0) {
        return look_at_stored(ask, folder, error);
    }
    if (given != NULL) {
        return gm_error_set(error, GM_NOT_FOUND, "'%s' is not a data folder", folder);
    }
    fprintf(stderr, "gemel ask: no data folder '%s': starting from the world's initial values\n",
            folder);
    gm_status status = gm_world_layout(ask->world, 0, NULL, 0, &ask->layout, error);
    if (status == GM_OK) {
        status = gm_state_create(ask->layout, ask->world->start_ns, &ask->fresh, error);
    }
    ask->view.state = ask->fresh;
    ask->view.time_ns = ask->world->start_ns;
    return status;
}

// ---- the answer ----

static json_t *future_json(const gm_summary *rows, size_t count)
{
    json_t *mean = json_array(), *low = json_array(), *high = json_array();
    for (size_t index = 0; index < count; index++) {
        json_array_append_new(mean, json_real(rows[index].mean));
        json_array_append_new(low, json_real(rows[index].q05));
        json_array_append_new(high, json_real(rows[index].q95));
    }
    return json_pack("{s:o, s:o, s:o}", "mean", mean, "q05", low, "q95", high);
}

static json_t *notes_json(const gm_string *notes)
{
    json_t *list = json_array();
    for (const char *at = notes->data; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, "\n");
        json_array_append_new(list, json_stringn(at, size));
        at += size + (at[size] == '\n');
    }
    return list;
}

static json_t *answer_json(const asking *ask, const gm_what_if_answer *from)
{
    json_t *fields = json_array();
    size_t count = from->time_count;
    for (size_t field = 0; field < from->ref_count; field++) {
        char address[ADDRESS_SIZE], unit[64];
        json_t *times = json_array();
        for (size_t index = 0; index < count; index++) {
            json_array_append_new(
                times, json_real((double)(from->times_ns[index] - from->times_ns[0]) / 1e9));
        }
        gm_world_address(ask->world, ask->fields.refs[field], address, sizeof address);
        snprintf(unit, sizeof unit, "%s",
                 gm_world_field(ask->world, ask->fields.refs[field])->unit);
        json_array_append_new(
            fields,
            json_pack("{s:s, s:s, s:o, s:o, s:o, s:o}", "address", address, "unit", unit, "times_s",
                      times, "base", future_json(from->base + field * count, count), "what_if",
                      future_json(from->what_if + field * count, count), "difference",
                      future_json(from->difference + field * count, count)));
    }
    char time[40];
    gm_time_format(from->times_ns[0], time);
    return json_pack("{s:s, s:s, s:f, s:o, s:o}", "name",
                     ask->scenario->name != NULL ? ask->scenario->name : "", "from", time,
                     "horizon_s", (double)(from->times_ns[count - 1] - from->times_ns[0]) / 1e9,
                     "notes", notes_json(&ask->fields.notes), "fields", fields);
}

static gm_status run_here(asking *ask, gm_error *error)
{
    gm_what_if question = { .world = ask->world,
                            .scenario = ask->scenario,
                            .refs = ask->fields.refs,
                            .ref_count = ask->fields.ref_count,
                            .points = ask->points };
    gm_what_if_answer answer = { 0 };
    gm_status status = find_state(ask, error);
    question.state = ask->view.state;
    if (status == GM_OK && ask->threads > 1) {
        status = gm_workers_create(ask->threads, &question.workers, error);
    }
    if (status == GM_OK) {
        status = gm_what_if_run(&question, &answer, error);
    }
    gm_workers_close(question.workers);
    if (status == GM_OK) {
        ask->answer = answer_json(ask, &answer);
        gm_what_if_answer_free(&answer);
        status =
            ask->answer == NULL ? gm_error_set(error, GM_MEMORY, "no memory for an answer") : GM_OK;
    }
    return status;
}

static gm_status receive(asking *ask, const gm_http_result *result, gm_error *error)
{
    ask->answer = json_loadb(result->body, result->size, 0, NULL);
    if (result->status == HTTP_OK && json_is_array(json_object_get(ask->answer, "fields"))) {
        return GM_OK;
    }
    const char *why =
        json_string_value(json_object_get(json_object_get(ask->answer, "error"), "text"));
    return gm_error_set(error, GM_INVALID, "the twin answers %d: %s", result->status,
                        why != NULL ? why : "nothing more");
}

/// The running twin knows its state; only names go over.
static gm_status run_there(asking *ask, gm_error *error)
{
    json_t *names = json_array();
    for (size_t index = 0; index < ask->fields.ref_count; index++) {
        char address[ADDRESS_SIZE];
        gm_world_address(ask->world, ask->fields.refs[index], address, sizeof address);
        json_array_append_new(names, json_string(address));
    }
    json_t *question = json_pack("{s:s, s:o, s:I}", "name", ask->arguments->words[1], "fields",
                                 names, "points", (json_int_t)ask->points);
    char *text = question != NULL ? json_dumps(question, JSON_COMPACT) : NULL;
    json_decref(question);
    if (text == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a question");
    }
    gm_http_client *client = NULL;
    gm_http_result result = { 0 };
    gm_http_call call = {
        .method = "POST", .path = "/api/v1/scenarios/run", .body = text, .size = strlen(text)
    };
    gm_status status =
        gm_http_client_create(ask->arguments->values[TO], answer_wait_s, &client, error);
    if (status == GM_OK) {
        status = gm_http_client_call(client, &call, &result, error);
    }
    if (status == GM_OK) {
        status = receive(ask, &result, error);
    }
    gm_http_client_close(client);
    free(text);
    return status;
}

/// Keeps the answer in the twin's catalogue as comparison/NAME/TIME.
static gm_status store_answer(const asking *ask, gm_error *error)
{
    gm_store *store = ask->twin != NULL ? gm_twin_store(ask->twin) : NULL;
    if (store == NULL) {
        return GM_OK;
    }
    char key[GM_CATALOGUE_KEY_MAX], time[40];
    gm_time_format(gm_clock_wall_ns(), time);
    const char *name = json_string_value(json_object_get(ask->answer, "name"));
    snprintf(key, sizeof key, "comparison/%.200s/%s", name != NULL ? name : "", time);
    char *text = json_dumps(ask->answer, JSON_COMPACT | JSON_REAL_PRECISION(12));
    if (text == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an answer");
    }
    gm_status status = gm_catalogue_put(store, key, text, strlen(text), error);
    free(text);
    return status;
}

// ---- printing ----

static double at(const json_t *field, const char *future, const char *what, size_t index)
{
    json_t *list = json_object_get(json_object_get(field, future), what);
    return json_number_value(json_array_get(list, index));
}

static void print_field(const json_t *field)
{
    const char *address = json_string_value(json_object_get(field, "address"));
    const char *unit = json_string_value(json_object_get(field, "unit"));
    json_t *times = json_object_get(field, "times_s");
    size_t count = json_array_size(times);
    printf("\n%s [%s]\n%10s  %-30s  %-30s  %s\n", address != NULL ? address : "",
           unit != NULL ? unit : "", "after", "as it is", "what if", "difference");
    for (size_t row = 0; row <= ROWS_SHOWN && count > 0; row++) {
        size_t index = row * (count - 1) / ROWS_SHOWN;
        printf("%8.0f s", json_number_value(json_array_get(times, index)));
        static const char *const futures[] = { "base", "what_if", "difference" };
        for (size_t future = 0; future < 3; future++) {
            char text[64];
            snprintf(
                text, sizeof text, "%.5g (%.5g .. %.5g)", at(field, futures[future], "mean", index),
                at(field, futures[future], "q05", index), at(field, futures[future], "q95", index));
            printf("  %-*s", future < 2 ? 30 : 0, text);
        }
        printf("\n");
    }
}

static void print_answer(const asking *ask)
{
    if (gm_option_given(ask->arguments, JSON)) {
        json_dumpf(ask->answer, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
        printf("\n");
        return;
    }
    const char *from = json_string_value(json_object_get(ask->answer, "from"));
    printf("%s, from %s; mean and 90 %% band\n", ask->arguments->words[1],
           from != NULL ? from : "");
    size_t index;
    json_t *field, *note;
    json_array_foreach(json_object_get(ask->answer, "notes"), index, note)
    {
        printf("note: %s\n", json_string_value(note));
    }
    json_array_foreach(json_object_get(ask->answer, "fields"), index, field)
    {
        print_field(field);
    }
}

static gm_status answer(asking *ask, gm_error *error)
{
    gm_status status =
        gm_option_count(ask->arguments, POINTS, GM_WHAT_IF_POINTS_MAX, &ask->points, error);
    if (status == GM_OK) {
        status = gm_option_count(ask->arguments, THREADS, GM_WORKERS_MAX, &ask->threads, error);
    }
    if (status == GM_OK) {
        status = gm_cli_world(ask->arguments->words[0], &ask->world, error);
    }
    if (status == GM_OK) {
        status = gm_cli_scenario(ask->world, ask->arguments->words[1], &ask->made_up,
                                 &ask->scenario, error);
    }
    if (status == GM_OK) {
        status = pick_fields(ask, error);
    }
    if (status == GM_OK && gm_option_given(ask->arguments, TO) && ask->made_up != NULL) {
        status = gm_error_set(error, GM_UNSUPPORTED,
                              "a running twin is asked by the name of a scenario");
    }
    if (status == GM_OK) {
        status = gm_option_given(ask->arguments, TO) ? run_there(ask, error) : run_here(ask, error);
    }
    return status == GM_OK ? store_answer(ask, error) : status;
}

static int run(const gm_arguments *arguments)
{
    asking ask = { .arguments = arguments, .points = POINTS_MADE, .threads = 1 };
    gm_error error = { 0 };
    gm_status status = answer(&ask, &error);
    if (status == GM_OK) {
        print_answer(&ask);
    }
    json_decref(ask.answer);
    if (ask.twin != NULL && ask.view.state != NULL) {
        gm_twin_look_away(ask.twin, &ask.view);
    }
    gm_twin_close(ask.twin);
    gm_state_close(ask.fresh);
    gm_layout_close(ask.layout);
    gm_what_if_fields_free(&ask.fields);
    gm_scenario_close(ask.made_up);
    gm_world_close(ask.world);
    return status == GM_OK ? gm_cli_finish(arguments)
                           : gm_cli_fail(arguments, gm_exit_of(status), &error);
}

const gm_command gm_command_ask = {
    .name = "ask",
    .summary = "ask a what-if: both futures side by side, and their difference",
    .words = "WORLD SCENARIO",
    .words_min = 2,
    .words_max = 2,
    .about = "Forks the twin of the data folder (of a running one, with --to), runs the same "
             "possible worlds as\n"
             "things are and under the scenario, and prints mean and 90 % band of both and of the "
             "difference, lane\n"
             "by lane. A scenario is one of the world's, or made up: {set: {ADDRESS: ...}, for: 30 "
             "min}; with\n"
             "`structure` it builds systems otherwise. The comparison is kept in the data folder's "
             "catalogue.",
    .examples = "  gemel ask examples/incubator/world.yaml lid-open\n"
                "  gemel ask examples/incubator/world.yaml heater-off --to http://127.0.0.1:8080\n"
                "  gemel ask box.yaml '{set: {box/heater/power: 40 W}, for: 1 h}' --field "
                "'box/*/temperature' --json\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
