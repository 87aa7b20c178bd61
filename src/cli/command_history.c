// `gemel history`: what a data folder remembers.
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "cli/command.h"
#include "codec/csv.h"
#include "store/history.h"

enum { FOLDER_SIZE = 1024, ROWS_SHOWN = 60, NAMES_COMPARED_MAX = 4096 };

enum { DATA, BRANCH, FROM, TO, AS_OF, ROWS, CSV, JSON, OPTIONS };

static const gm_option options[OPTIONS] = {
    [DATA] = { "data", "DIR", "data folder of the world [NAME-data]" },
    [BRANCH] = { "branch", "NAME", "which branch [live]" },
    [FROM] = { "from", "TIME", "valid time of the first row: 2026-01-31T12:00:00Z" },
    [TO] = { "to", "TIME", "valid time of the last row" },
    [AS_OF] = { "as-of", "TIME", "only what was known then" },
    [ROWS] = { "rows", "N", "at most so many; extremes survive [60; with --csv and --json: all]" },
    [CSV] = { "csv", NULL, "print all rows as CSV" },
    [JSON] = { "json", NULL, "print as JSON" },
};

// A series found, or names to suggest one from.
typedef struct search {
    const char *address;
    gm_series_definition found; // name NULL: none
    const char *names[NAMES_COMPARED_MAX];
    size_t count;
} search;

/// "box/air/temperature" stands for "box/node/air/temperature".
static bool is_short_for(const char *address, const char *name)
{
    const char *first = strchr(name, '/');
    const char *second = first != NULL ? strchr(first + 1, '/') : NULL;
    size_t system = first != NULL ? (size_t)(first - name) : 0;
    return second != NULL && strncmp(address, name, system) == 0 &&
           strcmp(address + system, second) == 0;
}

static void look_for(void *context, const gm_series_definition *definition)
{
    search *at = context;
    if (strcmp(definition->name, at->address) == 0 ||
        (at->found.name == NULL && is_short_for(at->address, definition->name))) {
        at->found = *definition;
    }
    if (at->count < NAMES_COMPARED_MAX) {
        at->names[at->count++] = definition->name;
    }
}

static void print_series(void *context, const gm_series_definition *definition)
{
    json_t *list = context;
    if (list != NULL) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}", "branch", definition->branch,
                                              "series", definition->name, "columns",
                                              definition->columns, "unit", definition->unit));
    } else {
        printf("%-8s %-52s %-10s %s\n", definition->branch, definition->name, definition->unit,
               definition->columns);
    }
}

static void dump(json_t *owned)
{
    json_dumpf(owned, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    printf("\n");
    json_decref(owned);
}

// ---- rows ----

static void print_csv(const gm_series_definition *series, const gm_history_rows *rows)
{
    gm_string text = { 0 };
    gm_csv_writer csv = { .out = &text, .separator = ',' };
    printf("time,known,quality,%s\n", series->columns);
    for (size_t row = 0; row < rows->count; row++) {
        char time[40];
        gm_time_format(rows->time_ns[row], time);
        gm_csv_write_text(&csv, gm_text_of(time));
        gm_time_format(rows->known_ns[row], time);
        gm_csv_write_text(&csv, gm_text_of(time));
        gm_csv_write_i64(&csv, rows->quality[row]);
        for (size_t column = 0; column < rows->columns; column++) {
            gm_csv_write_f64(&csv, rows->values[row * rows->columns + column]);
        }
        gm_csv_write_end(&csv);
        fwrite(text.data != NULL ? text.data : "", 1, text.size, stdout);
        text.size = 0;
    }
    gm_string_free(&text);
}

static void print_json(const gm_series_definition *series, const gm_history_rows *rows)
{
    json_t *list = json_array();
    for (size_t row = 0; row < rows->count; row++) {
        char time[40], known[40];
        gm_time_format(rows->time_ns[row], time);
        gm_time_format(rows->known_ns[row], known);
        json_t *values = json_array();
        for (size_t column = 0; column < rows->columns; column++) {
            double value = rows->values[row * rows->columns + column];
            json_array_append_new(values, value - value == 0.0 ? json_real(value) : json_null());
        }
        json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:o}", "time", time, "known", known,
                                              "quality", (json_int_t)rows->quality[row], "values",
                                              values));
    }
    dump(json_pack("{s:s, s:s, s:s, s:s, s:o}", "branch", series->branch, "series", series->name,
                   "columns", series->columns, "unit", series->unit, "rows", list));
}

static void print_table(const gm_series_definition *series, const gm_history_rows *rows)
{
    printf("%s [%s]: %s\n", series->name, series->unit, series->columns);
    for (size_t row = 0; row < rows->count; row++) {
        char time[40];
        gm_time_format(rows->time_ns[row], time);
        printf("%-32s", time);
        for (size_t column = 0; column < rows->columns; column++) {
            printf(" %12.6g", rows->values[row * rows->columns + column]);
        }
        printf("%s\n", rows->quality[row] != 0 ? "  (flagged)" : "");
    }
    if (rows->thinned) {
        printf("%zu of %zu rows; --rows or --csv shows more\n", rows->count, rows->rows_found);
    }
}

static gm_status print_rows(const gm_arguments *arguments, gm_history *history,
                            const gm_series_definition *series, gm_error *error)
{
    bool whole = gm_option_given(arguments, CSV) || gm_option_given(arguments, JSON);
    gm_history_query query = gm_default_history_query();
    gm_history_rows rows = { 0 };
    query.branch = series->branch;
    query.series = series->name;
    query.max_rows = whole ? 0 : ROWS_SHOWN;
    gm_status status = gm_option_time(arguments, FROM, &query.from_ns, error);
    if (status == GM_OK) {
        status = gm_option_time(arguments, TO, &query.to_ns, error);
    }
    if (status == GM_OK) {
        status = gm_option_time(arguments, AS_OF, &query.as_of_ns, error);
    }
    if (status == GM_OK) {
        status = gm_option_count(arguments, ROWS, GM_HISTORY_ROWS_MAX, &query.max_rows, error);
    }
    if (status == GM_OK) {
        status = gm_history_read(history, &query, &rows, error);
    }
    if (status == GM_OK && gm_option_given(arguments, CSV)) {
        print_csv(series, &rows);
    } else if (status == GM_OK && gm_option_given(arguments, JSON)) {
        print_json(series, &rows);
    } else if (status == GM_OK) {
        print_table(series, &rows);
    }
    gm_history_rows_free(&rows);
    return status;
}

// ---- the folder ----

static gm_status show(const gm_arguments *arguments, gm_history *history, gm_error *error)
{
    const char *branch = arguments->values[BRANCH];
    if (arguments->word_count < 2) {
        json_t *list = gm_option_given(arguments, JSON) ? json_array() : NULL;
        gm_history_list(history, branch, print_series, list);
        if (list != NULL) {
            dump(list);
        }
        return GM_OK;
    }
    search at = { .address = arguments->words[1] };
    gm_history_list(history, branch != NULL ? branch : "live", look_for, &at);
    if (at.found.name != NULL) {
        return print_rows(arguments, history, &at.found, error);
    }
    const char *near = gm_text_nearest(at.address, at.names, at.count);
    return near != NULL
               ? gm_error_set(error, GM_NOT_FOUND, "nothing is kept of '%s'; did you mean '%s'?",
                              at.address, near)
               : gm_error_set(error, GM_NOT_FOUND, "nothing is kept of '%s'", at.address);
}

/// The data folder that the first word means: itself, or that of a world file.
static gm_status find_folder(const gm_arguments *arguments, char *folder, size_t size,
                             gm_error *error)
{
    struct stat about;
    const char *word = arguments->words[0];
    if (stat(word, &about) == 0 && S_ISDIR(about.st_mode)) {
        snprintf(folder, size, "%s", word);
    } else {
        gm_world *world = NULL;
        gm_status status = gm_cli_world(word, &world, error);
        if (status != GM_OK) {
            return status;
        }
        gm_cli_folder(world, arguments->values[DATA], folder, size);
        gm_world_close(world);
    }
    char file[FOLDER_SIZE + 16];
    snprintf(file, sizeof file, "%s/world.db", folder);
    // opening a store would make one
    return stat(file, &about) == 0
               ? GM_OK
               : gm_error_set(error, GM_NOT_FOUND, "'%s' is not a data folder", folder);
}

static int run(const gm_arguments *arguments)
{
    char folder[FOLDER_SIZE];
    gm_store *store = NULL;
    gm_error error = { 0 };
    gm_status status = find_folder(arguments, folder, sizeof folder, &error);
    if (status == GM_OK) {
        gm_store_options store_options = gm_default_store_options();
        status = gm_store_open(folder, &store_options, &store, &error);
    }
    if (status == GM_BUSY) {
        gm_error_prefix(&error, "a running twin answers GET /api/v1/history itself; ");
    }
    if (status == GM_OK) {
        status = show(arguments, gm_store_history(store), &error);
    }
    gm_store_close(store);
    return status == GM_OK ? gm_cli_finish(arguments)
                           : gm_cli_fail(arguments, gm_exit_of(status), &error);
}

const gm_command gm_command_history = {
    .name = "history",
    .summary = "list what a data folder remembers, and print it",
    .words = "DIR|WORLD [ADDRESS]",
    .words_min = 1,
    .words_max = 2,
    .about = "Without an address: every series kept. With one: its rows, thinned to what fits a "
             "screen, or all of\n"
             "them with --csv or --json. Values are SI. --as-of shows the past as it was known at "
             "a time, before\n"
             "late samples and re-estimates.",
    .examples = "  gemel history incubator-data\n"
                "  gemel history incubator-data box/air/temperature --from 2026-01-31T12:00:00Z\n"
                "  gemel history examples/incubator/world.yaml sensor/t2 --csv > t2.csv\n",
    .options = options,
    .option_count = OPTIONS,
    .run = run,
};
