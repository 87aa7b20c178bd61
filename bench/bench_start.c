// The example world from nothing: how long until its page is served, and the memory it then needs.
//
// No peer does the same job, so these are absolute numbers of the machine they were taken on. Each
// run has a new data folder; the time is from the start of the process to the first 200 of `GET /`,
// its median counts. With SECONDS, `gemel devices` then plays the box that long before the memory
// is read.
// Usage: bench_start [SECONDS]
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench_timing.h"

enum { RUNS = 5, LINE_SIZE = 256 };

static const char world[] = GEMEL_SOURCE_DIR "/examples/incubator/world.yaml";

static void fail(const char *what)
{
    fprintf(stderr, "bench_start: %s\n", what);
    exit(1);
}

/// Starts the program; what it prints can be read from *output.
static pid_t start(char *const *words, int *output)
{
    int ends[2];
    if (pipe(ends) != 0) {
        fail("no pipe");
    }
    pid_t process = fork();
    if (process == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        execv(GEMEL_PROGRAM, words);
        _exit(127);
    }
    close(ends[1]);
    *output = ends[0];
    return process;
}

static pid_t start_twin(const char *folder, int *output)
{
    char *words[] = { "gemel",       "run",    (char *)world,  "--listen",
                      "127.0.0.1:0", "--data", (char *)folder, NULL };
    return start(words, output);
}

static void stop(pid_t process, int output)
{
    int status = 0;
    kill(process, SIGTERM);
    waitpid(process, &status, 0);
    close(output);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail("the program did not end well");
    }
}

/// The port in the line with which the twin says where it serves.
static unsigned port_of(int output)
{
    char line[LINE_SIZE] = "";
    ssize_t size = read(output, line, sizeof line - 1); // written at once
    const char *colon = size > 0 ? strrchr(line, ':') : NULL;
    if (colon == NULL) {
        fail("the program does not say where it serves");
    }
    return (unsigned)strtoul(colon + 1, NULL, 10);
}

static void get_page(unsigned port)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char answer[LINE_SIZE];
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int line = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(line, (struct sockaddr *)&address, sizeof address) != 0 ||
        write(line, request, sizeof request - 1) != (ssize_t)sizeof request - 1 ||
        read(line, answer, sizeof answer) < 12 || memcmp(answer + 9, "200", 3) != 0) {
        fail("the page is not served; was it built in?");
    }
    close(line);
}

static double resident_mib(pid_t process)
{
    char path[64], line[LINE_SIZE];
    unsigned long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *file = fopen(path, "r");
    while (file != NULL && kib == 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmRSS:", 6) == 0) {
            kib = strtoul(line + 6, NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return (double)kib / 1024.0;
}

static void play_devices(unsigned port, unsigned play_s)
{
    char url[64], span[32];
    int output = -1;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", port);
    snprintf(span, sizeof span, "%us", play_s);
    char *words[] = { "gemel", "devices", (char *)world, "--to", url, "--for", span, NULL };
    pid_t devices = start(words, &output);
    waitpid(devices, NULL, 0);
    close(output);
}

int main(int count, char **words)
{
    unsigned play_s = count > 1 ? (unsigned)strtoul(words[1], NULL, 10) : 0;
    double took_s[RUNS], mib = 0.0;
    for (int run = 0; run < RUNS; run++) {
        char folder[] = "/tmp/gemel-bench-XXXXXX", command[64];
        int output = -1;
        if (mkdtemp(folder) == NULL) {
            fail("no folder");
        }
        double began_s = seconds(CLOCK_MONOTONIC);
        pid_t twin = start_twin(folder, &output);
        unsigned port = port_of(output);
        get_page(port);
        took_s[run] = seconds(CLOCK_MONOTONIC) - began_s;
        if (run == RUNS - 1) {
            if (play_s > 0) {
                play_devices(port, play_s);
            }
            mib = resident_mib(twin);
        }
        stop(twin, output);
        snprintf(command, sizeof command, "rm -rf %s", folder);
        if (system(command) != 0) {
            fail("the folder stays");
        }
    }
    printf("start to first page, median of %d: %.0f ms (aim < 500 ms)\n", RUNS,
           1e3 * median(took_s, RUNS));
    printf("resident memory after %u s of samples: %.1f MiB (aim < 60 MiB)\n", play_s, mib);
    return 0;
}
