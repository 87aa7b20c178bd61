// `gemel simulate`: the models alone, without sensors, as long CSV.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "cli/command.h"
#include "codec/csv.h"

enum { BUFFER_SIZE = 1 << 16 };

enum { UNTIL, EVERY, OUT, FIELDS, SCENARIO, THREADS, OPTIONS };

static const gm_option options[OPTIONS] = {
    [UNTIL] = { "until", "TIME",
                "length of the run: 90s, 15min, 24h, 7d [as a scenario or native file says]" },
    [EVERY] = { "every", "TIME", "between rows [what a native file says, else the cycle]" },
    [OUT] = { "out", "FILE", "where to write [standard output]" },
    [FIELDS] = { "fields", "A,B", "addresses, `*` matches [what `record` names, else all]" },
    [SCENARIO] = { "scenario", "NAME", "one of the world's, or made up: {set: {...}, for: 1h}" },
    [THREADS] = { "threads", "N", "workers; never changes a result [1]" },
};

typedef struct output {
    const char *name;
    FILE *file;
    gm_string text;
    gm_csv_writer csv;
    gm_progress progress;
} output;

static gm_status write_out(output *to, size_t at_least, gm_error *error)
{
    if (to->text.failed) {
        return gm_error_set(error, GM_MEMORY, "no memory for rows");
    }
    if (to->text.size < at_least) {
        return GM_OK;
    }
    if (fwrite(to->text.data, 1, to->text.size, to->file) != to->text.size) {
        return gm_error_set(error, GM_IO, "cannot write '%s': %s", to->name, strerror(errno));
    }
    to->text.size = 0;
    return GM_OK;
}

static gm_status write_row(void *context, const gm_world_row *row, gm_error *error)
{
    output *to = context;
    gm_csv_write_f64(&to->csv, row->time_s);
    const char *names[] = { row->system, row->class_name, row->element, row->field, row->unit };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        gm_csv_write_text(&to->csv, gm_text_of(names[index]));
    }
    gm_csv_write_f64(&to->csv, row->value);
    gm_csv_write_end(&to->csv);
    return write_out(to, BUFFER_SIZE, error);
}

static void write_header(output *to)
{
    static const char *const names[] = { "time_s", "system", "class", "element",
                                         "field",  "unit",   "value" };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        gm_csv_write_text(&to->csv, gm_text_of(names[index]));
    }
    gm_csv_write_end(&to->csv);
}

static void show(void *context, double done)
{
    output *to = context;
    gm_progress_show(&to->progress, done);
}

/// Cuts "a,b" into patterns. @param list  changed: commas become NULs
static gm_status read_fields(char *list, const char **fields, size_t *count, gm_error *error)
{
    *count = 0;
    for (char *at = list; at != NULL; (*count)++) {
        if (*count == GM_CLI_LIST_MAX) {
            return gm_error_set(error, GM_LIMIT, "--fields: at most %d addresses", GM_CLI_LIST_MAX);
        }
        fields[*count] = at;
        at = strchr(at, ',');
        if (at != NULL) {
            *at++ = '\0';
        }
    }
    return GM_OK;
}

static gm_status simulate(const gm_arguments *arguments, const gm_world *world,
                          gm_simulate_options *run, gm_error *error)
{
    const char *name = arguments->values[OUT];
    output to = { .name = name != NULL ? name : "standard output", .file = stdout };
    if (name != NULL) {
        to.file = fopen(name, "we");
        if (to.file == NULL) {
            return gm_error_set(error, GM_INVALID, "cannot write '%s': %s", name, strerror(errno));
        }
    }
    to.csv = (gm_csv_writer){ .out = &to.text, .separator = ',' };
    to.progress = gm_progress_start("simulate");
    run->context = &to;
    run->row = write_row;
    run->progress = show;
    write_header(&to);
    gm_status status = gm_world_simulate(world, run, error);
    gm_progress_end(&to.progress);
    if (status == GM_OK) {
        status = write_out(&to, 1, error);
    }
    gm_string_free(&to.text);
    if (name != NULL && fclose(to.file) != 0 && status == GM_OK) {
        status = gm_error_set(error, GM_IO, "cannot write '%s': %s", name, strerror(errno));
    }
    return status;
}

static gm_status read_options(const gm_arguments *arguments, gm_simulate_options *run,
                              size_t *threads, gm_error *error)
{
    gm_status status = gm_option_duration(arguments, UNTIL, &run->until_ns, error);
    if (status == GM_OK) {
        status = gm_option_duration(arguments, EVERY, &run->every_ns, error);
    }
    return status == GM_OK ? gm_option_count(arguments, THREADS, GM_WORKERS_MAX, threads, error)
                           : status;
}

/// What was not typed, the scenario and the world's native files say.
static gm_status fill_in(const gm_arguments *arguments, const gm_world *world,
                         gm_simulate_options *run, gm_error *error)
{
    int64_t horizon_ns = run->scenario != NULL ? run->scenario->horizon_ns : 0;
    if (!gm_option_given(arguments, UNTIL)) {
        run->until_ns = horizon_ns > 0 ? horizon_ns : gm_world_length_ns(world);
    }
    if (run->until_ns < 0) {
        return gm_error_set(error, GM_INVALID, "--until is missing: how long to simulate");
    }
    if (run->every_ns == 0) {
        run->every_ns = gm_world_every_ns(world);
    }
    if (run->every_ns == 0) {
        run->every_ns = gm_world_cycle_ns(world);
    }
    return GM_OK;
}

static int run(const gm_arguments *arguments)
{
    gm_simulate_options options_read = { 0 };
    gm_world *world = NULL;
    gm_error error = { 0 };
    size_t threads = 1;
    const char *fields[GM_CLI_LIST_MAX];
    char *list = NULL;
    gm_scenario *made_up = NULL;
    gm_status status = read_options(arguments, &options_read, &threads, &error);
    if (status == GM_OK && gm_option_given(arguments, FIELDS)) {
        list = strdup(arguments->values[FIELDS]);
        options_read.fields = fields;
        status = list == NULL ? gm_error_set(&error, GM_MEMORY, "no memory")
                              : read_fields(list, fields, &options_read.field_count, &error);
    }
    if (status == GM_OK) {
        status = gm_cli_world(arguments->words[0], &world, &error);
    }
    if (status == GM_OK && gm_option_given(arguments, SCENARIO)) {
        status = gm_cli_scenario(world, arguments->values[SCENARIO], &made_up,
                                 &options_read.scenario, &error);
    }
    if (status == GM_OK) {
        status = fill_in(arguments, world, &options_read, &error);
    }
    if (status == GM_OK && threads > 1) {
        status = gm_workers_create(threads, &options_read.workers, &error);
    }
    if (status == GM_OK) {
        status = simulate(arguments, world, &options_read, &error);
    }
    gm_workers_close(options_read.workers);
    gm_scenario_close(made_up);
    gm_world_close(world);
    free(list);
    return status == GM_OK ? gm_cli_finish(arguments)
                           : gm_cli_fail(arguments, gm_exit_of(status), &error);
}

const gm_command gm_command_simulate = {
    .name = "simulate",
    .summary = "run the models without sensors and write what they do",
    .words = "WORLD",
    .words_min = 1,
    .words_max = 1,
    .about =
        "Runs one lane from the declared start; profiles and links work, inputs without a "
        "driver keep their value.\n"
        "Writes long CSV, `time_s,system,class,element,field,unit,value`, in SI; numbers read "
        "back to the same\n"
        "bits. A native file, such as Net3.inp, is a world too. With a scenario its changes and "
        "its structure hold.",
    .examples =
        "  gemel simulate Net3.inp --out net3.csv\n"
        "  gemel simulate examples/incubator/world.yaml --until 1h --every 1min --out results.csv\n"
        "  gemel simulate box.yaml --until 24h --fields 'box/*/temperature' | head\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
