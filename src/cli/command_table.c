// The commands, and what they share: help, errors, exit codes.
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/command.h"

static const gm_command *const commands[] = {
    &gm_command_run,   &gm_command_simulate, &gm_command_ask,     &gm_command_validate,
    &gm_command_check, &gm_command_models,   &gm_command_history, &gm_command_devices,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static void print_overview(FILE *out)
{
    fprintf(out, "gemel keeps models of physical systems in step with their sensors.\n\n"
                 "usage: gemel COMMAND ...\n\ncommands:\n");
    for (size_t index = 0; index < COMMANDS; index++) {
        fprintf(out, "  %-10s %s\n", commands[index]->name, commands[index]->summary);
    }
    fprintf(out, "\n`gemel COMMAND --help` tells more. Exit codes: 0 done, 1 the answer is no, "
                 "2 bad input, 3 failed while running.\n");
}

static int unknown_command(const char *name)
{
    const char *names[COMMANDS];
    for (size_t index = 0; index < COMMANDS; index++) {
        names[index] = commands[index]->name;
    }
    const char *near = gm_text_nearest(name, names, COMMANDS);
    if (near != NULL) {
        fprintf(stderr, "gemel: there is no command '%.60s'; did you mean '%s'?\n", name, near);
    } else {
        fprintf(stderr, "gemel: there is no command '%.60s'; `gemel --help` lists them\n", name);
    }
    return GM_EXIT_INPUT;
}

static bool asks_for_help(char *const *words, size_t count)
{
    for (size_t index = 0; index < count && strcmp(words[index], "--") != 0; index++) {
        if (strcmp(words[index], "--help") == 0 || strcmp(words[index], "-h") == 0) {
            return true;
        }
    }
    return false;
}

int gm_cli_main(int count, char **words)
{
    if (count < 2) {
        print_overview(stderr);
        return GM_EXIT_INPUT;
    }
    gm_arguments arguments = { 0 };
    if (asks_for_help(words + 1, 1) || strcmp(words[1], "help") == 0) {
        print_overview(stdout);
        return gm_cli_finish(&arguments);
    }
    if (strcmp(words[1], "--version") == 0) {
        printf("gemel " GEMEL_VERSION "\n");
        return gm_cli_finish(&arguments);
    }
    for (size_t index = 0; index < COMMANDS; index++) {
        const gm_command *command = commands[index];
        size_t rest = (size_t)count - 2;
        if (strcmp(words[1], command->name) != 0) {
            continue;
        }
        arguments.command = command;
        if (asks_for_help(words + 2, rest)) {
            gm_command_help(command);
            return gm_cli_finish(&arguments);
        }
        gm_error error = { 0 };
        if (gm_arguments_read(command, words + 2, rest, &arguments, &error) != GM_OK) {
            return gm_cli_fail(&arguments, GM_EXIT_INPUT, &error);
        }
        return command->run(&arguments);
    }
    return unknown_command(words[1]);
}

int gm_cli_fail(const gm_arguments *arguments, int code, const gm_error *error)
{
    fflush(stdout);
    fprintf(stderr, "gemel%s%s: %s\n", arguments->command != NULL ? " " : "",
            arguments->command != NULL ? arguments->command->name : "", error->text);
    return code;
}

gm_status gm_cli_world(const char *path, gm_world **world, gm_error *error)
{
    gm_status status = gm_world_open(path, world, error);
    if (status == GM_IO) {
        return GM_INVALID; // a path that cannot be read is the user's to mend
    }
    size_t count = status == GM_OK ? gm_world_warning_count(*world) : 0;
    for (size_t index = 0; index < count; index++) {
        fprintf(stderr, "warning: %s\n", gm_world_warning_at(*world, index));
    }
    return status;
}

gm_status gm_cli_scenario(const gm_world *world, const char *text, gm_scenario **made_up,
                          const gm_scenario **scenario, gm_error *error)
{
    if (text[0] == '{') {
        gm_status status = gm_scenario_read(world, text, strlen(text), made_up, error);
        *scenario = status == GM_OK ? *made_up : NULL;
        return status;
    }
    *scenario = gm_world_find_scenario(world, text);
    if (*scenario != NULL) {
        return GM_OK;
    }
    const char **names = gm_memory_new(world->scenario_count, sizeof *names);
    for (size_t index = 0; names != NULL && index < world->scenario_count; index++) {
        names[index] = world->scenarios[index].name;
    }
    const char *near = names != NULL ? gm_text_nearest(text, names, world->scenario_count) : NULL;
    gm_memory_free(names);
    return near != NULL ? gm_error_set(error, GM_NOT_FOUND,
                                       "there is no scenario '%s'; did you mean '%s'?", text, near)
                        : gm_error_set(error, GM_NOT_FOUND,
                                       "there is no scenario '%s'; write one as {set: {...}, for: "
                                       "30 min}",
                                       text);
}

int gm_exit_of(gm_status status)
{
    static const int exits[] = {
        [GM_OK] = GM_EXIT_DONE,           [GM_INVALID] = GM_EXIT_INPUT,
        [GM_NOT_FOUND] = GM_EXIT_INPUT,   [GM_EXISTS] = GM_EXIT_INPUT,
        [GM_LIMIT] = GM_EXIT_INPUT,       [GM_MEMORY] = GM_EXIT_FAILED,
        [GM_NUMERIC] = GM_EXIT_FAILED,    [GM_IO] = GM_EXIT_FAILED,
        [GM_BUSY] = GM_EXIT_FAILED,       [GM_CORRUPT] = GM_EXIT_FAILED,
        [GM_UNSUPPORTED] = GM_EXIT_INPUT, [GM_CANCELLED] = GM_EXIT_FAILED,
    };
    return exits[status];
}

int gm_cli_finish(const gm_arguments *arguments)
{
    if (fflush(stdout) == 0 && ferror(stdout) == 0) {
        return GM_EXIT_DONE;
    }
    gm_error error = { 0 };
    gm_error_set(&error, GM_IO, "standard output could not be written");
    return gm_cli_fail(arguments, GM_EXIT_FAILED, &error);
}

void gm_cli_folder(const gm_world *world, const char *given, char *folder, size_t size)
{
    if (given != NULL) {
        snprintf(folder, size, "%s", given);
    } else {
        snprintf(folder, size, "%s-data", world->name);
    }
}
