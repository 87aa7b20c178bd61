// A command of the program: a name, what it takes, and a function. The commands are listed in
// command_table.c; command_line.c reads what was typed.
//
// Results go to standard output; errors, the log and progress to standard error. Exit codes: 0
// done, 1 the question's answer is no, 2 bad input, 3 failed while running.
#ifndef GEMEL_CLI_COMMAND_H
#define GEMEL_CLI_COMMAND_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world/world_parts.h"

enum {
    GM_WORDS_MAX = 4,      // words of a command that are no options
    GM_OPTIONS_MAX = 16,   // options of a command
    GM_CLI_LIST_MAX = 256, // items in a list given as one option
};

enum { GM_EXIT_DONE = 0, GM_EXIT_NO = 1, GM_EXIT_INPUT = 2, GM_EXIT_FAILED = 3 };

typedef struct gm_option {
    const char *name;  // "listen" for --listen
    const char *value; // what stands behind it, for the help: "ADDRESS:PORT"; NULL for a flag
    const char *doc;
} gm_option;

typedef struct gm_command gm_command;

/// What was typed behind the command's name.
typedef struct gm_arguments {
    const gm_command *command;
    const char *words[GM_WORDS_MAX];
    size_t word_count;
    const char *values[GM_OPTIONS_MAX]; // by place in the command's options; NULL: not given
} gm_arguments;

struct gm_command {
    const char *name, *summary;
    const char *words; // for the help: "WORLD [ADDRESS]"
    size_t words_min, words_max;
    const char *about;    // a paragraph or more
    const char *examples; // lines
    const gm_option *options;
    size_t option_count;
    int (*run)(const gm_arguments *arguments); // returns an exit code
};

extern const gm_command gm_command_run, gm_command_simulate, gm_command_ask, gm_command_validate,
    gm_command_check, gm_command_models, gm_command_history, gm_command_devices;

/// The whole program.
/// @param words  [count], as main gets them
/// @return the exit code
int gm_cli_main(int count, char **words);

// ---- command_line.c ----

/// Reads what stands behind a command's name. @param words [count]
gm_status gm_arguments_read(const gm_command *command, char *const *words, size_t count,
                            gm_arguments *arguments, gm_error *error);

/// Prints a command's help to standard output.
void gm_command_help(const gm_command *command);

/// Whether an option, by its place in the command's table, was typed.
bool gm_option_given(const gm_arguments *arguments, size_t option);

/// A whole number of at least 1; untouched when the option was not given.
gm_status gm_option_count(const gm_arguments *arguments, size_t option, size_t most, size_t *count,
                          gm_error *error);

/// "90 s", "15min", "24h", "2 d"; untouched when the option was not given.
gm_status gm_option_duration(const gm_arguments *arguments, size_t option, int64_t *duration_ns,
                             gm_error *error);

/// ISO 8601 or whole nanoseconds; untouched when the option was not given.
gm_status gm_option_time(const gm_arguments *arguments, size_t option, int64_t *time_ns,
                         gm_error *error);

/// A number above zero; untouched when the option was not given.
gm_status gm_option_positive(const gm_arguments *arguments, size_t option, double *value,
                             gm_error *error);

// ---- command_table.c ----

/// Says what is wrong on standard error. @return `code`
int gm_cli_fail(const gm_arguments *arguments, int code, const gm_error *error);

/// GM_EXIT_INPUT for what the user can mend in the input, else GM_EXIT_FAILED.
int gm_exit_of(gm_status status);

/// Opens a world for a command, and says on standard error what it warns of.
gm_status gm_cli_world(const char *path, gm_world **world, gm_error *error);

/// The scenario a command was given: one of the world's by name, or one made up, "{set: ...}".
/// @param made_up  out, the caller's, gm_scenario_close before the world is closed; NULL for one of
/// the world's
gm_status gm_cli_scenario(const gm_world *world, const char *text, gm_scenario **made_up,
                          const gm_scenario **scenario, gm_error *error);

/// Flushes standard output. @return GM_EXIT_DONE, or GM_EXIT_FAILED (said on standard error) when
/// it could not be written
int gm_cli_finish(const gm_arguments *arguments);

/// The folder a world's data go to: the option's value, else "NAME-data" in the current folder.
void gm_cli_folder(const gm_world *world, const char *given, char *folder, size_t size);

// ---- stop_signal.c ----

/// Holds back SIGINT and SIGTERM in this thread and those it starts, for gm_stop_wait to see.
void gm_stop_hold(void);

/// Waits so long, or until the program is asked to end. @return true when it is
bool gm_stop_wait(int64_t wait_ns);

// ---- progress_bar.c ----

/// A bar on a terminal for work of more than a second; nothing elsewhere.
typedef struct gm_progress {
    const char *label;
    int64_t started_ns, shown_ns;
    bool terminal, shown;
} gm_progress;

/// Starts to count; draws nothing yet. @param label  outlives the bar
gm_progress gm_progress_start(const char *label);
/// @param done  0 .. 1; cheap to call often
void gm_progress_show(gm_progress *progress, double done);
/// Clears the bar.
void gm_progress_end(gm_progress *progress);

#endif
