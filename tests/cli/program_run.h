// Running the real program in tests: its output in files of a folder of the test's own, its exit
// code, and nothing left behind.
#ifndef GEMEL_TESTS_CLI_PROGRAM_RUN_H
#define GEMEL_TESTS_CLI_PROGRAM_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_MAX = 24, OUTPUT_MAX = 1 << 20, PATIENCE_S = 120 };

// A box whose devices and cycle are quick, so that a live test needs seconds.
static const char quick_world[] =
    "world: quick\n"
    "cycle: 0.2 s\n"
    "lanes: 16\n"
    "lateness: 2 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 0.2 s "
    "}\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, every: 0.2 s }\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W, every: 0.2 s }\n"
    "estimate:\n"
    "  states: [box/*/temperature]\n"
    "  parameters: { box/air-room/conductance: {spread: 20 %} }\n"
    "record: { box/*/temperature: 0.2 s }\n"
    "forecast: { fields: [box/air/temperature], every: 1 s, at: [1 s, 2 s] }\n"
    "scenarios:\n"
    "  lid-open: { set: { box/air-room/conductance: {at: +1 s, times: 4} }, for: 1 min }\n"
    "devices:\n"
    "  seed: 3\n"
    "  set: { box/air-room/conductance: 0.58 W/K, box/air/temperature: 23.9 degC,\n"
    "         box/heater/temperature: 23.9 degC }\n"
    "  swings: { box/room/temperature: {about: 21 degC, by: 1 degC, period: 1 min} }\n"
    "  thermostats:\n"
    "    heating: { reads: box/air/temperature, writes: box/heater/power, below: 23.95 degC,\n"
    "               above: 24 degC, on: 125 W }\n"
    "  faults: { box/air-room/conductance: {at: 2 s, times: 4, for: 1 s, every: 5 s} }\n"
    "  sensors: { t2: {noise: 0.05 degC, bias: 0.01 degC, lost: 1 %} }\n";

// The test's own folder; programs run in it.
static char folder[64];

static inline int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/gemel-cli-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static inline int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? 0 : -1;
}

static inline void write_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

/// The whole file, to be freed; "" when there is none.
static inline char *read_file(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    char *text = calloc(OUTPUT_MAX + 1, 1);
    assert_non_null(text);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        size_t size = fread(text, 1, OUTPUT_MAX, file);
        text[size] = '\0';
        fclose(file);
    }
    return text;
}

static inline void redirect(const char *name, int target)
{
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || dup2(file, target) < 0) {
        _exit(126);
    }
    close(file);
}

/// Starts `gemel` with the words of one line, split at spaces ('' keeps them together), writing
/// LABEL.out and LABEL.err.
static inline pid_t start_program(const char *label, const char *line)
{
    static char text[1024];
    char out[64], err[64];
    char *words[WORDS_MAX] = { "gemel" };
    size_t count = 1;
    bool quoted = false;
    snprintf(text, sizeof text, "%s", line);
    for (char *at = text; *at != '\0';) {
        quoted = *at == '\'';
        at += quoted;
        assert_true(count < WORDS_MAX - 1);
        words[count++] = at;
        at += strcspn(at, quoted ? "'" : " ");
        if (*at != '\0') {
            *at++ = '\0';
        }
        at += strspn(at, " ");
    }
    snprintf(out, sizeof out, "%s.out", label);
    snprintf(err, sizeof err, "%s.err", label);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (chdir(folder) != 0) {
            _exit(126);
        }
        redirect(out, STDOUT_FILENO);
        redirect(err, STDERR_FILENO);
        execv(GEMEL_PROGRAM, words);
        _exit(127);
    }
    return child;
}

static inline void pause_ms(long milliseconds)
{
    struct timespec wait = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
    nanosleep(&wait, NULL);
}

/// The exit code; 256 + the signal that ended it. A program that does not end is killed.
static inline int wait_for_program(pid_t child)
{
    int status = 0;
    for (int tries = 0; tries < PATIENCE_S * 100; tries++) {
        if (waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
        }
        pause_ms(10);
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    fail_msg("the program did not end");
    return -1;
}

/// Runs to the end; what it said is in run.out and run.err. @return the exit code
static inline int run_program(const char *line)
{
    return wait_for_program(start_program("run", line));
}

static inline void expect(const char *line, int code, const char *output, const char *says)
{
    int got = run_program(line);
    char *text = read_file(output);
    if (got != code || strstr(text, says) == NULL) {
        char *err = read_file("run.err");
        fail_msg("gemel %s: exit %d, expected %d; %s says '%.500s', expected '%s'; errors: %.500s",
                 line, got, code, output, text, says, err);
    }
    free(text);
}

#endif
