// A fleet: 50,000 machines of four states and two sensors each, 64 lanes, as one system of one
// world, stepped and assimilated once a second.
//
// First the parts, as the library offers them: the machines are brought a second on, then machine
// by machine lanes are gathered, moved by two measurements, and written back. Then the whole, as a
// live twin does it: samples taken in, the world moved, lanes assimilated, watched and shaken, the
// state published. Medians of CPU time of one core; a cycle a second leaves a second. With a folder
// the twin also keeps journal, history and snapshots there (about 1 GB).
// Usage: bench_fleet [FOLDER]
#include <gemel/twin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "assim/square_root.h"
#include "base/arena.h"
#include "base/require.h"
#include "base/text.h"
#include "base/units.h"
#include "bench_timing.h"
#include "world/world_parts.h"

enum { MACHINES = 50000, LANES = 64, STATES = 4, SENSORS = 2, WARM_UP = 3, RUNS = 7 };

static const char fleet[] =
    "world: fleet\n"
    "cycle: 1 s\n"
    "lanes: 64\n"
    "lateness: 0 s\n"
    "systems:\n"
    "  fleet:\n"
    "    model: thermal\n"
    "    integrator: {method: rk4, step: 1 s}\n"
    "    nodes:\n"
    "      hall: {fixed: true, temperature: 20 degC}\n"
    "      each: machines.csv\n"
    "      $id.winding: {capacity: 2 kJ/K, temperature: 40 degC, power: 300 W}\n"
    "      $id.iron: {capacity: 9 kJ/K, temperature: 36 degC, power: 100 W}\n"
    "      $id.housing: {capacity: 20 kJ/K, temperature: 30 degC}\n"
    "      $id.coolant: {capacity: 4 kJ/K, temperature: 25 degC}\n"
    "    paths:\n"
    "      each: machines.csv\n"
    "      $id.1: {from: $id.winding, to: $id.iron, conductance: 20 W/K}\n"
    "      $id.2: {from: $id.iron, to: $id.housing, conductance: 30 W/K}\n"
    "      $id.3: {from: $id.housing, to: $id.coolant, conductance: 25 W/K}\n"
    "      $id.4: {from: $id.coolant, to: hall, conductance: 40 W/K}\n"
    "sensors:\n"
    "  each: machines.csv\n"
    "  $id.t1: {field: fleet/$id.winding/temperature, unit: degC, noise: 0.2 degC, every: 1 s}\n"
    "  $id.t2: {field: fleet/$id.housing/temperature, unit: degC, noise: 0.2 degC, every: 1 s}\n"
    "estimate: {states: [fleet/*/temperature]}\n";

static void must(gm_status status, const gm_error *error)
{
    if (status != GM_OK) {
        fprintf(stderr, "bench_fleet: %s\n", error->text);
        exit(1);
    }
}

/// The only file there is: machines.csv.
static gm_status read_table(void *context, gm_file_kind kind, const char *name, void **bytes,
                            size_t *size, gm_error *error)
{
    (void)context;
    (void)name;
    GM_REQUIRE(kind == GM_FILE_DATA);
    gm_string table = { 0 };
    gm_string_format(&table, "id\n");
    for (int machine = 0; machine < MACHINES; machine++) {
        gm_string_format(&table, "m%d\n", machine);
    }
    if (table.failed) {
        return gm_error_set(error, GM_MEMORY, "no memory for a table");
    }
    *bytes = table.data;
    *size = table.size;
    return GM_OK;
}

static gm_world *open_fleet(const gm_units *units)
{
    gm_world_options options = { .units = units, .files = { NULL, read_table } };
    options.domains = gm_domains(&options.domain_count);
    gm_world *world = NULL;
    gm_error error = { 0 };
    must(gm_world_read("fleet.yaml", fleet, strlen(fleet), &options, &world, &error), &error);
    GM_REQUIRE(world->estimate_count == MACHINES * STATES);
    GM_REQUIRE(world->sensor_count == MACHINES * SENSORS);
    return world;
}

static double now_s(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

/// Of a second.
static void print_part(const char *what, double *spent_s)
{
    double median_s = median(spent_s, RUNS);
    printf("  %-44s %6.1f ms, %4.1f %% of a core\n", what, 1e3 * median_s, 100.0 * median_s);
}

// ---- the parts ----

enum { STEP = 0, GATHER, ANALYSE, SCATTER, ALL, PARTS };

enum { CHUNK = 500, CHUNKS = MACHINES / CHUNK }; // machines gathered together: they stay in cache

static const char *const part_names[PARTS] = { [STEP] = "step",
                                               [GATHER] = "gather states and predictions",
                                               [ANALYSE] = "analyse",
                                               [SCATTER] = "scatter states",
                                               [ALL] = "all of it" };

typedef struct bench {
    const gm_world *world;
    gm_state *state;
    gm_ref states[MACHINES * STATES], sensors[MACHINES * SENSORS];
    double values[CHUNK * STATES * LANES], predictions[CHUNK * SENSORS * LANES];
} bench;

/// Lanes that differ.
static void scatter_lanes(bench *b)
{
    const gm_random random = gm_random_for(1, "bench");
    gm_error error = { 0 };
    for (size_t index = 0; index < MACHINES * STATES; index++) {
        double *values = b->values, *normals = b->predictions;
        gm_random_normal_lanes(random, (gm_draw){ .element = (uint32_t)index }, LANES, normals);
        must(gm_state_read(b->state, b->states[index], values, &error), &error);
        for (size_t lane = 0; lane < LANES; lane++) {
            values[lane] += 0.3 * normals[lane];
        }
        must(gm_state_write(b->state, b->states[index], values, &error), &error);
    }
}

static void analyse(bench *b, size_t machine)
{
    double *values = b->values + machine * STATES * LANES;
    double *predictions = b->predictions + machine * SENSORS * LANES;
    const double measured[SENSORS] = { predictions[7] + 0.1, predictions[LANES + 9] - 0.1 };
    const double variance[SENSORS] = { 0.04, 0.04 };
    const gm_analysis analysis = { .lanes = LANES,
                                   .values = values,
                                   .value_count = STATES,
                                   .predictions = predictions,
                                   .measurement_count = SENSORS,
                                   .measured = measured,
                                   .variance = variance };
    gm_innovation innovations[SENSORS];
    gm_error error = { 0 };
    must(gm_square_root_update(&analysis, innovations, &error), &error);
}

/// Adds to what each part took.
static void run_chunk(bench *b, size_t chunk, double spent_s[PARTS])
{
    const gm_ref *states = b->states + chunk * CHUNK * STATES;
    const gm_ref *sensors = b->sensors + chunk * CHUNK * SENSORS;
    gm_error error = { 0 };
    double begin_s = now_s();
    must(gm_state_read_many(b->state, states, CHUNK * STATES, b->values, &error), &error);
    must(gm_state_read_many(b->state, sensors, CHUNK * SENSORS, b->predictions, &error), &error);
    double gathered_s = now_s();
    for (size_t machine = 0; machine < CHUNK; machine++) {
        analyse(b, machine);
    }
    double analysed_s = now_s();
    for (size_t index = 0; index < CHUNK * STATES; index++) {
        must(gm_state_write(b->state, states[index], b->values + index * LANES, &error), &error);
    }
    spent_s[GATHER] += gathered_s - begin_s;
    spent_s[ANALYSE] += analysed_s - gathered_s;
    spent_s[SCATTER] += now_s() - analysed_s;
}

/// A second. The state before it is kept meanwhile, as a twin keeps it for others to look at.
static void run_second(bench *b, int64_t until_ns, double spent_s[PARTS])
{
    gm_error error = { 0 };
    gm_state *before = NULL;
    must(gm_state_fork(b->state, &before, &error), &error);
    double begin_s = now_s();
    must(gm_state_advance(b->state, 0, until_ns, NULL, &error), &error);
    spent_s[STEP] = now_s() - begin_s;
    for (size_t chunk = 0; chunk < CHUNKS; chunk++) {
        run_chunk(b, chunk, spent_s);
    }
    spent_s[ALL] = spent_s[STEP] + spent_s[GATHER] + spent_s[ANALYSE] + spent_s[SCATTER];
    gm_state_close(before);
}

static void bench_parts(const gm_world *world)
{
    bench *b = gm_memory_new(1, sizeof *b);
    gm_layout *layout = NULL;
    gm_error error = { 0 };
    GM_REQUIRE(b != NULL);
    must(gm_world_layout(world, 0, NULL, 0, &layout, &error), &error);
    must(gm_state_create(layout, 0, &b->state, &error), &error);
    b->world = world;
    for (size_t index = 0; index < MACHINES * STATES; index++) {
        b->states[index] = world->estimates[index].ref;
    }
    for (size_t index = 0; index < MACHINES * SENSORS; index++) {
        b->sensors[index] = world->sensors[index].ref;
    }
    scatter_lanes(b);
    double spent_s[PARTS][RUNS];
    for (int run = -WARM_UP; run < RUNS; run++) {
        double own_s[PARTS] = { 0 };
        run_second(b, (int64_t)(run + WARM_UP + 1) * GM_SECOND_NS, own_s);
        for (int part = 0; run >= 0 && part < PARTS; part++) {
            spent_s[part][run] = own_s[part];
        }
    }
    for (int part = 0; part < PARTS; part++) {
        print_part(part_names[part], spent_s[part]);
    }
    gm_state_close(b->state);
    gm_layout_close(layout);
    gm_memory_free(b);
}

// ---- the live twin ----

static void fill_samples(gm_sample *samples, int64_t time_ns, int cycle)
{
    for (size_t sensor = 0; sensor < MACHINES * SENSORS; sensor++) {
        double wave = 0.2 * sin(1.7 * (double)sensor + 0.7 * (double)cycle);
        samples[sensor] = (gm_sample){ .sensor = sensor,
                                       .time_ns = time_ns,
                                       .value = (sensor % SENSORS == 0 ? 40.0 : 30.0) + wave };
    }
}

static void bench_twin(const gm_world *world, const char *folder)
{
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    options.folder = folder;
    gm_sample *samples = gm_memory_new(MACHINES * SENSORS, sizeof *samples);
    gm_sample_fate *fates = gm_memory_new(MACHINES * SENSORS, sizeof *fates);
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    double submit_s[RUNS], cycle_s[RUNS], all_s[RUNS];
    GM_REQUIRE(samples != NULL && fates != NULL);
    must(gm_twin_open(world, &options, &twin, &error), &error);
    for (int run = -WARM_UP; run < RUNS; run++) {
        int64_t time_ns = (INT64_C(1600000000) + run) * GM_SECOND_NS;
        fill_samples(samples, time_ns, run);
        gm_submission all = { .samples = samples, .count = MACHINES * SENSORS, .fates = fates };
        double begin_s = now_s();
        must(gm_twin_submit(twin, &all, &error), &error);
        double submitted_s = now_s();
        must(gm_twin_cycle(twin, time_ns, &error), &error);
        if (run >= 0) {
            submit_s[run] = submitted_s - begin_s;
            cycle_s[run] = now_s() - submitted_s;
            all_s[run] = submit_s[run] + cycle_s[run];
        }
    }
    gm_twin_status status;
    gm_twin_status_get(twin, &status);
    GM_REQUIRE(status.accepted == (uint64_t)(RUNS + WARM_UP) * MACHINES * SENSORS);
    GM_REQUIRE(status.lanes_left == LANES && status.open_events == 0);
    print_part("samples in", submit_s);
    print_part("cycle", cycle_s);
    print_part(folder != NULL ? "all of it, with a store (its threads too)" : "all of it", all_s);
    gm_twin_close(twin);
    gm_memory_free(samples);
    gm_memory_free(fates);
}

int main(int argc, char **argv)
{
    gm_units *units = NULL;
    gm_error error = { 0 };
    must(gm_units_read(&units, &error), &error);
    gm_world *world = open_fleet(units);
    printf("%d machines, %d states and %d sensors each, %d lanes, once a second (aim: < 50 %%):\n",
           MACHINES, STATES, SENSORS, LANES);
    bench_parts(world);
    printf("as a live twin:\n");
    bench_twin(world, argc > 1 ? argv[1] : NULL);
    gm_world_close(world);
    gm_units_close(units);
    return 0;
}
