// Words and options of a command, as its table declares them: `--name value`, `--name=value`,
// flags, `--` before words that begin with a dash.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "base/text.h"
#include "cli/command.h"

static gm_status unknown_option(const gm_command *command, const char *name, gm_error *error)
{
    const char *names[GM_OPTIONS_MAX + 1] = { "help" };
    for (size_t index = 0; index < command->option_count; index++) {
        names[index + 1] = command->options[index].name;
    }
    const char *near = gm_text_nearest(name, names, command->option_count + 1);
    return near != NULL ? gm_error_set(error, GM_INVALID,
                                       "there is no option --%.60s; did you mean --%s?", name, near)
                        : gm_error_set(error, GM_INVALID,
                                       "there is no option --%.60s; `gemel %s --help` "
                                       "lists them",
                                       name, command->name);
}

/// Takes the option at words[*at] and its value; moves *at to the last word used.
static gm_status read_option(const gm_command *command, char *const *words, size_t count,
                             size_t *at, const char **values, gm_error *error)
{
    char name[64];
    const char *typed = words[*at] + 2, *equals = strchr(typed, '=');
    int size = equals != NULL ? (int)(equals - typed) : (int)strnlen(typed, sizeof name);
    snprintf(name, sizeof name, "%.*s", size, typed);
    for (size_t index = 0; index < command->option_count; index++) {
        const gm_option *option = &command->options[index];
        if (strcmp(option->name, name) != 0) {
            continue;
        }
        if (values[index] != NULL) {
            return gm_error_set(error, GM_INVALID, "--%s is given twice", name);
        }
        if (option->value == NULL) {
            values[index] = "";
            return equals == NULL ? GM_OK
                                  : gm_error_set(error, GM_INVALID, "--%s takes no value", name);
        }
        if (equals == NULL && *at + 1 == count) {
            return gm_error_set(error, GM_INVALID, "--%s: %s is missing", name, option->value);
        }
        values[index] = equals != NULL ? equals + 1 : words[++*at];
        return GM_OK;
    }
    return unknown_option(command, name, error);
}

gm_status gm_arguments_read(const gm_command *command, char *const *words, size_t count,
                            gm_arguments *arguments, gm_error *error)
{
    gm_arguments read = { .command = command };
    bool only_words = false;
    for (size_t at = 0; at < count; at++) {
        if (!only_words && strcmp(words[at], "--") == 0) {
            only_words = true;
        } else if (!only_words && strncmp(words[at], "--", 2) == 0) {
            gm_status status = read_option(command, words, count, &at, read.values, error);
            if (status != GM_OK) {
                return status;
            }
        } else if (!only_words && words[at][0] == '-' && words[at][1] != '\0') {
            return gm_error_set(error, GM_INVALID, "'%.60s': options begin with two dashes",
                                words[at]);
        } else if (read.word_count == command->words_max) {
            return gm_error_set(error, GM_INVALID, "'%.60s' is one too many; usage: gemel %s %s",
                                words[at], command->name, command->words);
        } else {
            read.words[read.word_count++] = words[at];
        }
    }
    if (read.word_count < command->words_min) {
        return gm_error_set(error, GM_INVALID, "something is missing; usage: gemel %s %s",
                            command->name, command->words);
    }
    *arguments = read;
    return GM_OK;
}

void gm_command_help(const gm_command *command)
{
    printf("gemel %s: %s\n\nusage: gemel %s%s%s%s\n\n%s\n", command->name, command->summary,
           command->name, command->words[0] != '\0' ? " " : "", command->words,
           command->option_count > 0 ? " [options]" : "", command->about);
    printf("\noptions:\n");
    for (size_t index = 0; index < command->option_count; index++) {
        const gm_option *option = &command->options[index];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->value != NULL ? " " : "",
                 option->value != NULL ? option->value : "");
        printf("  %-26s %s\n", left, option->doc);
    }
    printf("  %-26s %s\n\nexamples:\n%s", "--help", "this text", command->examples);
}

// ---- values ----

bool gm_option_given(const gm_arguments *arguments, size_t option)
{
    return arguments->values[option] != NULL;
}

static gm_status wrong_value(const gm_arguments *arguments, size_t option, const char *expected,
                             gm_error *error)
{
    return gm_error_set(error, GM_INVALID, "--%s '%.60s': expected %s",
                        arguments->command->options[option].name, arguments->values[option],
                        expected);
}

gm_status gm_option_count(const gm_arguments *arguments, size_t option, size_t most, size_t *count,
                          gm_error *error)
{
    const char *text = arguments->values[option];
    int64_t value = 0;
    if (text == NULL) {
        return GM_OK;
    }
    if (!gm_text_to_i64(gm_text_of(text), &value) || value < 1 || (uint64_t)value > most) {
        char expected[64];
        snprintf(expected, sizeof expected, "a whole number from 1 to %zu", most);
        return wrong_value(arguments, option, expected, error);
    }
    *count = (size_t)value;
    return GM_OK;
}

gm_status gm_option_duration(const gm_arguments *arguments, size_t option, int64_t *duration_ns,
                             gm_error *error)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = { { "s", 1.0 },    { "ms", 1e-3 }, { "min", 60.0 },
                  { "h", 3600.0 }, { "d", 86400 }, { "day", 86400 } };
    const char *text = arguments->values[option];
    if (text == NULL) {
        return GM_OK;
    }
    gm_text whole = gm_text_trim(gm_text_of(text));
    double number = 0.0;
    size_t used = gm_text_scan_f64(whole, &number);
    gm_text unit = gm_text_trim((gm_text){ whole.data + used, whole.size - used });
    int64_t read_ns = 0;
    for (size_t index = 0; used > 0 && index < sizeof units / sizeof *units; index++) {
        if (gm_text_equal(unit, units[index].unit) &&
            gm_ns_from_s(number * units[index].seconds, &read_ns) && read_ns > 0) {
            *duration_ns = read_ns;
            return GM_OK;
        }
    }
    return wrong_value(arguments, option, "a duration above zero: 30s, 15min, 24h, 2d", error);
}

gm_status gm_option_time(const gm_arguments *arguments, size_t option, int64_t *time_ns,
                         gm_error *error)
{
    const char *text = arguments->values[option];
    if (text == NULL || gm_text_to_i64(gm_text_of(text), time_ns) ||
        gm_time_parse(gm_text_of(text), time_ns)) {
        return GM_OK;
    }
    return wrong_value(arguments, option, "a time: 2026-01-31T12:00:00Z, or nanoseconds", error);
}

gm_status gm_option_positive(const gm_arguments *arguments, size_t option, double *value,
                             gm_error *error)
{
    const char *text = arguments->values[option];
    double read = 0.0;
    if (text == NULL) {
        return GM_OK;
    }
    if (!gm_text_to_f64(gm_text_of(text), &read) || !(read > 0.0)) {
        return wrong_value(arguments, option, "a number above zero", error);
    }
    *value = read;
    return GM_OK;
}
