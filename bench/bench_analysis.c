// One analysis by the transform filter, for many sizes: what it costs against what reading and
// writing the values costs, and against taking measurements one after the other.
//
// The floor is a pass that multiplies every value, by as many workers over the same chunks, in the
// same run; one processor's caches hold the smaller sizes, so their floor is the caches'. Usage:
// bench_analysis
#include <stdio.h>
#include <string.h>

#include <gemel/random.h>

#include "assim/transform_filter.h"
#include "base/arena.h"
#include "base/require.h"
#include "bench_timing.h"

enum { MEASUREMENTS = 100, RUNS = 7, CHUNK = 1 << 15, NUMBERS_MAX = 1 << 26, TEAMS = 2 };

static const double least_s = 2e-3; // that a run takes: small sizes are repeated

typedef struct scene {
    double *values, *predictions, *measured, *variance, *room;
    gm_analysis analysis;
    gm_workers *workers;
    bool one_by_one;
} scene;

static double *new_numbers(size_t count)
{
    double *made = gm_memory_new(count, sizeof *made);
    GM_REQUIRE(made != NULL);
    return made;
}

static void make_scene(scene *s, size_t value_count, size_t measurement_count, size_t lanes)
{
    const gm_random random = gm_random_for(1, "bench");
    *s = (scene){ .values = new_numbers(value_count * lanes),
                  .predictions = new_numbers(measurement_count * lanes),
                  .measured = new_numbers(measurement_count),
                  .variance = new_numbers(measurement_count),
                  .room = new_numbers(gm_transform_room(lanes)) };
    for (size_t i = 0; i < value_count; i++) {
        gm_random_normal_lanes(random, (gm_draw){ 0, (uint32_t)i, 0, 0 }, (int)lanes,
                               s->values + i * lanes);
    }
    for (size_t j = 0; j < measurement_count; j++) {
        gm_random_normal_lanes(random, (gm_draw){ 0, (uint32_t)j, 1, 0 }, (int)lanes,
                               s->predictions + j * lanes);
        s->variance[j] = 100.0; // little by little: the values must stay numbers for all runs
    }
    s->analysis = (gm_analysis){ .lanes = lanes,
                                 .values = s->values,
                                 .value_count = value_count,
                                 .predictions = s->predictions,
                                 .measurement_count = measurement_count,
                                 .measured = s->measured,
                                 .variance = s->variance };
}

static void free_scene(scene *s)
{
    gm_memory_free(s->values);
    gm_memory_free(s->predictions);
    gm_memory_free(s->measured);
    gm_memory_free(s->variance);
    gm_memory_free(s->room);
}

static void analyse(void *context)
{
    scene *s = context;
    if (s->one_by_one) {
        GM_REQUIRE(gm_square_root_update(&s->analysis, NULL, NULL) == GM_OK);
        return;
    }
    gm_transform_options options = gm_default_transform_options();
    options.workers = s->workers;
    GM_REQUIRE(gm_transform_update(&s->analysis, &options, s->room, NULL, NULL) == GM_OK);
}

static void pass_chunk(void *context, size_t chunk)
{
    const scene *s = context;
    size_t count = s->analysis.value_count * s->analysis.lanes, from = chunk * CHUNK;
    size_t end = count - from < CHUNK ? count : from + CHUNK;
    for (size_t i = from; i < end; i++) {
        s->values[i] *= 1.0000001;
    }
}

static void pass(void *context)
{
    const scene *s = context;
    size_t count = s->analysis.value_count * s->analysis.lanes;
    gm_workers_run(s->workers, (count + CHUNK - 1) / CHUNK, pass_chunk, context);
}

/// Median seconds of one call.
static double time_of(void (*work)(void *), scene *s)
{
    double times[RUNS];
    size_t repeats = 1;
    for (size_t run = 0; run < RUNS; run++) {
        double start = seconds(CLOCK_MONOTONIC);
        for (size_t i = 0; i < repeats; i++) {
            work(s);
        }
        times[run] = (seconds(CLOCK_MONOTONIC) - start) / (double)repeats;
        if (run == 0 && times[0] < least_s) {
            repeats = 1 + (size_t)(least_s / times[0]);
        }
    }
    return median(times, RUNS);
}

static void print_row(size_t value_count, size_t lanes)
{
    double floor_s[TEAMS], took_s[TEAMS];
    scene s;
    make_scene(&s, value_count, MEASUREMENTS, lanes);
    for (size_t team = 0; team < TEAMS; team++) {
        GM_REQUIRE(gm_workers_create(team + 1, &s.workers, NULL) == GM_OK);
        floor_s[team] = time_of(pass, &s);
        took_s[team] = time_of(analyse, &s);
        gm_workers_close(s.workers);
    }
    s.workers = NULL;
    s.one_by_one = true;
    double single_s = value_count * lanes <= NUMBERS_MAX / 16 ? time_of(analyse, &s) : 0.0;
    printf("%8zu values %4zu lanes: %10.1f us, %5.1f x the pass; two workers %10.1f us, %5.1f x; ",
           value_count, lanes, 1e6 * took_s[0], took_s[0] / floor_s[0], 1e6 * took_s[1],
           took_s[1] / floor_s[1]);
    if (single_s > 0.0) {
        printf("one by one %10.1f us\n", 1e6 * single_s);
    } else {
        printf("one by one not tried\n");
    }
    free_scene(&s);
}

/// A machine of a fleet: few values, two sensors.
static void print_machine(void)
{
    scene s;
    make_scene(&s, 4, 2, 64);
    s.one_by_one = true;
    double single_s = time_of(analyse, &s);
    s.one_by_one = false;
    printf("4 values, 64 lanes, 2 measurements: one by one %.2f us, by a transform %.2f us\n",
           1e6 * single_s, 1e6 * time_of(analyse, &s));
    free_scene(&s);
}

int main(void)
{
    static const size_t sizes[] = { 100, 1000, 10000, 100000, 1000000 };
    static const size_t lanes[] = { 8, 32, 64, 128, 256 };
    printf("%d measurements an analysis\n", MEASUREMENTS);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t j = 0; j < sizeof lanes / sizeof *lanes; j++) {
            if (sizes[i] * lanes[j] <= NUMBERS_MAX) {
                print_row(sizes[i], lanes[j]);
            }
        }
    }
    print_machine();
    return 0;
}
