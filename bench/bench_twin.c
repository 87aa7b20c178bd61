// The live twin: what a cycle costs, how fast a recording replays, and what a fork takes.
//
// No peer does the same job, so these are absolute numbers of the machine they were taken on; the
// aims beside them are the project's own. Medians of several runs: a cycle in CPU time of the
// process, a fork by the clock, the replay by both, start-up excluded as in `gemel run --replay`.
// Usage: bench_twin
#include <gemel/twin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/require.h"
#include "bench_timing.h"
#include "ingest/replay.h"
#include "world/world_parts.h"

enum { RUNS = 7, CYCLES = 2000, WARM_UP = 200, FORKS = 101, SIDE = 56, SAMPLES_TOGETHER = 16 };

static const char box[] =
    "world: box\n"
    "cycle: 3 s\n"
    "lanes: 64\n"
    "lateness: 0 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    integrator: {method: %s}\n"
    "    nodes: {heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, wall: {capacity: 900 "
    "J/K},\n"
    "            probe: {capacity: 4 J/K}, room: {fixed: true}}\n"
    "    paths: {heater-air: {conductance: 0.9 W/K}, air-wall: {conductance: 0.7 W/K},\n"
    "            air-probe: {conductance: 0.1 W/K}, wall-room: {conductance: 0.7 W/K}}\n"
    "sensors:\n"
    "  probe: {field: box/probe/temperature, unit: degC, noise: 0.1 degC, every: 3 s}\n"
    "  wall:  {field: box/wall/temperature, unit: degC, noise: 0.1 degC, every: 3 s}\n"
    "estimate: {states: [box/*/temperature]}\n";

static void must(gm_status status, const gm_error *error)
{
    if (status != GM_OK) {
        fprintf(stderr, "bench_twin: %s\n", error->text);
        exit(1);
    }
}

static gm_world *open_world(const char *text)
{
    char path[] = "/tmp/gemel-bench-XXXXXX";
    int file = mkstemp(path);
    GM_REQUIRE(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    gm_world *world = NULL;
    gm_error error = { 0 };
    gm_status status = gm_world_open(path, &world, &error);
    unlink(path);
    must(status, &error);
    return world;
}

static gm_twin *open_twin(const gm_world *world, gm_replay *known)
{
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    options.known = known != NULL ? gm_replay_known : NULL;
    options.known_context = known;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    must(gm_twin_open(world, &options, &twin, &error), &error);
    return twin;
}

// ---- a cycle ----

static int64_t time_of(size_t cycle)
{
    return (INT64_C(500000000) + (int64_t)cycle) * 3 * GM_SECOND_NS;
}

/// One cycle: two samples in, the world three seconds on, the lanes put right, the state published.
static void run_cycle(gm_twin *twin, size_t cycle)
{
    double wave = 0.1 * sin(0.7 * (double)cycle);
    gm_sample samples[] = {
        { .sensor = 0, .time_ns = time_of(cycle), .value = 25.0 + wave },
        { .sensor = 1, .time_ns = time_of(cycle), .value = 24.0 - wave },
    };
    gm_sample_fate fates[2];
    gm_submission both = { .samples = samples, .count = 2, .fates = fates };
    gm_error error = { 0 };
    must(gm_twin_submit(twin, &both, &error), &error);
    must(gm_twin_cycle(twin, time_of(cycle), &error), &error);
}

static void bench_cycle(const char *method)
{
    char text[sizeof box + 32];
    snprintf(text, sizeof text, box, method);
    gm_world *world = open_world(text);
    gm_twin *twin = open_twin(world, NULL);
    size_t cycle = 0;
    for (; cycle < WARM_UP; cycle++) {
        run_cycle(twin, cycle);
    }
    double spent_us[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        double begin_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (size_t end = cycle + CYCLES; cycle < end; cycle++) {
            run_cycle(twin, cycle);
        }
        spent_us[run] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - begin_s) / CYCLES * 1e6;
    }
    gm_twin_status status;
    gm_twin_status_get(twin, &status);
    GM_REQUIRE(status.accepted == 2 * cycle && status.lanes_left == 64);
    printf("  cycle, %s: %.1f us of CPU (4 states, 64 lanes, 2 sensors; aim: < 30)\n", method,
           median(spent_us, RUNS));
    gm_twin_close(twin);
    gm_world_close(world);
}

// ---- a recording ----

/// Rows of one time go in together; a newer time completes the cycles before it.
/// @return source time from the first sample to the last
static double play(gm_twin *twin, const gm_replay *replay)
{
    gm_error error = { 0 };
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    for (size_t at = 0, end; at < count; at = end) {
        gm_sample samples[SAMPLES_TOGETHER];
        gm_sample_fate fates[SAMPLES_TOGETHER];
        for (end = at;
             end < count && end - at < SAMPLES_TOGETHER && rows[end].time_ns == rows[at].time_ns;
             end++) {
            samples[end - at] = (gm_sample){ .sensor = rows[end].sensor,
                                             .time_ns = rows[end].time_ns,
                                             .value = rows[end].value };
        }
        gm_submission together = { .samples = samples, .count = end - at, .fates = fates };
        must(gm_twin_submit(twin, &together, &error), &error);
        must(gm_twin_cycle(twin, rows[at].time_ns - 1, &error), &error);
    }
    must(gm_twin_settle(twin, &error), &error);
    return (double)(rows[count - 1].time_ns - rows[0].time_ns) / (double)GM_SECOND_NS;
}

/// The box of 2021 as one hypothesis, alarms told but not looked into.
static const char plain_box[] =
    "world: incubator-2021\ncycle: 3 s\nlanes: 64\n"
    "systems:\n  box:\n    model: thermal\n    integrator: { method: rk4, step: 9 s }\n"
    "    nodes: { probe: {capacity: 4 J/K}, air: {capacity: 437 J/K}, room: {fixed: true} }\n"
    "    paths: { air-probe: {conductance: 0.107 W/K}, air-room: {conductance: 0.771 W/K} }\n"
    "replay: { time: { column: time, unit: ns } }\n"
    "sensors:\n"
    "  box: { field: box/probe/temperature, from: csv, unit: degC, noise: 0.1 degC, every: 3 s,\n"
    "         range: [-20, 90], columns: [t2, t3] }\n"
    "  room: { field: box/room/temperature, from: csv, unit: degC, noise: 0.1 degC,\n"
    "          ahead: known, columns: [t1] }\n"
    "  heat: { field: box/air/power, from: csv, scale: 125.4 W, ahead: known,\n"
    "          columns: [heater_on] }\n"
    "estimate:\n  states: [box/*/temperature]\n  parameters:\n"
    "    box/air/capacity: { spread: 3 %, drift: 2 %/day }\n"
    "    box/air-probe/conductance: { spread: 3 %, drift: 2 %/day }\n"
    "    box/air-room/conductance: { spread: 3 %, drift: 2 %/day }\n"
    "detect: { slack: 1.5, threshold: 10, calm: 1.5, diagnose: false }\n"
    "record: { box/*/temperature: 3 s }\n"
    "forecast: { fields: [box/probe/temperature], every: 1 min, at: [1 min, 10 min, 30 min] }\n";

/// Replays the recording of 2021 a few times. @param aim  "" for none
static void bench_replay_of(gm_world *world, const char *what, const char *aim)
{
    const char *path = GEMEL_REFERENCE_DATA
        "/incubator/20210321_lid_opening_7pmodel/lid_opening_experiment_mar_2021.csv";
    void *bytes = NULL;
    size_t size = 0;
    gm_error error = { 0 };
    if (gm_file_read(path, &bytes, &size, &error) != GM_OK) {
        printf("  replay, %s: skipped: no reference data\n", what);
        return;
    }
    gm_replay *replay = NULL;
    must(gm_replay_read(world, path, (gm_text){ bytes, size }, &replay, &error), &error);
    double clock_s[RUNS], cpu_s[RUNS], span_s = 0.0;
    for (size_t run = 0; run < RUNS; run++) {
        gm_twin *twin = open_twin(world, replay);
        double begin_s = seconds(CLOCK_MONOTONIC), cpu_begin_s = seconds(CLOCK_PROCESS_CPUTIME_ID);
        span_s = play(twin, replay);
        clock_s[run] = seconds(CLOCK_MONOTONIC) - begin_s;
        cpu_s[run] = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_begin_s;
        gm_twin_close(twin);
    }
    printf("  replay, %s: %.0f times real time by the clock, %.0f by CPU time (%.1f h of 2021, 64 "
           "lanes, a forecast of 30 min every minute%s)\n",
           what, span_s / median(clock_s, RUNS), span_s / median(cpu_s, RUNS), span_s / 3600.0,
           aim);
    gm_replay_close(replay);
    gm_memory_free(bytes);
}

static void bench_replay(void)
{
    gm_world *world = open_world(plain_box);
    bench_replay_of(world, "one hypothesis", "; aim: > 20000");
    gm_world_close(world);
    gm_error error = { 0 };
    must(gm_world_open(GEMEL_SOURCE_DIR "/examples/incubator/rig2021.yaml", &world, &error),
         &error);
    bench_replay_of(world, "three hypotheses, every alarm looked into", "");
    gm_world_close(world);
}

// ---- a fork ----

/// A square of rooms beside a street whose temperature is measured: about a million values.
static gm_world *open_city(void)
{
    gm_string text = { 0 };
    gm_string_format(&text, "world: city\nlanes: 64\nsystems:\n  city:\n    model: thermal\n"
                            "    integrator: {method: rk4, step: 60 s}\n    nodes:\n"
                            "      street: {fixed: true}\n");
    for (int node = 0; node < SIDE * SIDE; node++) {
        gm_string_format(&text, "      n%d: {capacity: 1e5}\n", node);
    }
    gm_string_format(&text, "    paths:\n      street-n0: {conductance: 1}\n");
    for (int node = 1; node < SIDE * SIDE; node++) {
        if (node % SIDE > 0) {
            gm_string_format(&text, "      n%d-n%d: {conductance: 1}\n", node - 1, node);
        }
        if (node >= SIDE) {
            gm_string_format(&text, "      n%d-n%d: {conductance: 1}\n", node - SIDE, node);
        }
    }
    gm_string_format(&text, "sensors: {street: {field: city/street/temperature, unit: degC}}\n");
    GM_REQUIRE(!text.failed);
    gm_world *world = open_world(text.data);
    gm_string_free(&text);
    return world;
}

static gm_branch_status branch_of(gm_twin *twin, const char *name)
{
    static gm_branch_status branches[GM_TWIN_BRANCHES_MAX];
    size_t count = 0, index = 0;
    gm_twin_branches(twin, branches, &count);
    while (index < count && strcmp(branches[index].name, name) != 0) {
        index++;
    }
    GM_REQUIRE(index < count);
    return branches[index];
}

/// From asking for a branch until its state can be looked at.
static void time_forks(gm_twin *twin)
{
    double state_us[FORKS], branch_us[FORKS];
    gm_error error = { 0 };
    gm_twin_view view;
    for (size_t run = 0; run < FORKS; run++) {
        gm_state *fork = NULL;
        must(gm_twin_look(twin, "live", &view, &error), &error);
        double begin_s = seconds(CLOCK_MONOTONIC);
        must(gm_state_fork(view.state, &fork, &error), &error);
        state_us[run] = (seconds(CLOCK_MONOTONIC) - begin_s) * 1e6;
        gm_state_close(fork);
        gm_twin_look_away(twin, &view);
        begin_s = seconds(CLOCK_MONOTONIC);
        must(gm_twin_fork(twin, "live", "fork", "", &error), &error);
        must(gm_twin_look(twin, "fork", &view, &error), &error);
        branch_us[run] = (seconds(CLOCK_MONOTONIC) - begin_s) * 1e6;
        gm_twin_look_away(twin, &view);
        must(gm_twin_drop(twin, "fork", &error), &error);
    }
    double state_median_us = median(state_us, FORKS), branch_median_us = median(branch_us, FORKS);
    printf("    forked in %.1f us, visible under a branch after %.1f us, at worst %.1f us (aim: < "
           "1000)\n",
           state_median_us, branch_median_us, branch_us[FORKS - 1]); // sorted by now
}

static void bench_fork(void)
{
    gm_world *world = open_city();
    gm_twin *twin = open_twin(world, NULL);
    gm_sample sample = { .time_ns = time_of(0), .value = 10.0 };
    gm_sample_fate fate;
    gm_submission one = { .samples = &sample, .count = 1, .fates = &fate };
    gm_error error = { 0 };
    must(gm_twin_submit(twin, &one, &error), &error);
    must(gm_twin_settle(twin, &error), &error);
    must(gm_twin_fork(twin, "live", "what-if", "", &error), &error);
    gm_branch_status branch = branch_of(twin, "what-if");
    printf("  a state of %.2f million values (%.1f MB):\n", (double)branch.memory.reached / 8e6,
           (double)branch.memory.reached / 1e6);
    time_forks(twin);
    double forked = (double)branch.memory.own;
    gm_ref ref = { 0 };
    must(gm_world_find_one(world, "city/n0/temperature", (gm_place){ 0 }, &ref, &error), &error);
    must(gm_twin_branch_set(twin, "what-if", ref, 300.0, &error), &error);
    double set = (double)branch_of(twin, "what-if").memory.own;
    must(gm_twin_branch_advance(twin, "what-if", 60 * GM_SECOND_NS, &error), &error);
    double advanced = (double)branch_of(twin, "what-if").memory.own;
    printf("    memory of its own: %.2f MB at first, %.2f MB after one element was set in all "
           "lanes, %.2f MB after a minute ahead (states only)\n",
           forked / 1e6, set / 1e6, advanced / 1e6);
    gm_twin_close(twin);
    gm_world_close(world);
}

int main(void)
{
    printf("the live twin:\n");
    bench_cycle("rk4, step: 3 s");
    bench_cycle("dopri5");
    bench_replay();
    bench_fork();
    return 0;
}
