// One analysis by the ensemble transform, from 10^2 to 10^6 values and 8 to 256 lanes, 100
// measurements, by 1 and 2 workers: against reading and writing the same values once, and against
// taking the measurements one after the other.
//
// Usage: bench_analysis
#include <stdio.h>

#include <gemel/random.h>

#include "assim/transform_filter.h"
#include "base/arena.h"
#include "base/require.h"
#include "bench_timing.h"

enum { MEASUREMENTS = 100, NUMBERS_MAX = 32000000, RUNS = 7 };

typedef enum way { PASS, TRANSFORM, SHARED, SERIAL, WAYS } way;

static double *new_normals(uint32_t rows, size_t lanes, uint32_t purpose)
{
    double *made = gm_memory_new((size_t)rows * lanes, sizeof *made);
    GM_REQUIRE(made != NULL);
    for (uint32_t row = 0; row < rows; row++) {
        gm_random_normal_lanes(gm_random_for(1, "bench"), (gm_draw){ 0, row, purpose, 0 },
                               (int)lanes, made + row * lanes);
    }
    return made;
}

static void go(way by, const gm_analysis *analysis, double *room, gm_workers *workers)
{
    gm_transform_options options = gm_default_transform_options();
    options.symmetric = false;
    options.workers = by == SHARED ? workers : NULL;
    if (by == PASS) {
        for (size_t i = 0; i < analysis->value_count * analysis->lanes; i++) {
            analysis->values[i] *= 1.0000001;
        }
    } else if (by == SERIAL) {
        GM_REQUIRE(gm_square_root_update(analysis, NULL, NULL) == GM_OK);
    } else {
        GM_REQUIRE(gm_transform_update(analysis, &options, room, NULL, NULL) == GM_OK);
    }
}

static double time_way(way by, const gm_analysis *analysis, double *room, gm_workers *workers)
{
    double times[RUNS];
    size_t numbers = analysis->value_count * analysis->lanes;
    size_t repeats = numbers < 100000 ? 100000 / numbers + 1 : 1;
    for (size_t run = 0; run < RUNS; run++) {
        double start = seconds(CLOCK_MONOTONIC);
        for (size_t k = 0; k < repeats; k++) {
            go(by, analysis, room, workers);
        }
        times[run] = (seconds(CLOCK_MONOTONIC) - start) / (double)repeats;
    }
    return median(times, RUNS);
}

static void measure(uint32_t value_count, size_t lanes, gm_workers *workers)
{
    static double measured[MEASUREMENTS], variance[MEASUREMENTS];
    double *values = new_normals(value_count, lanes, 0);
    double *predictions = new_normals(MEASUREMENTS, lanes, 1);
    double *room = gm_memory_new(gm_transform_room(lanes), sizeof *room);
    GM_REQUIRE(room != NULL);
    for (size_t j = 0; j < MEASUREMENTS; j++) {
        variance[j] = 1e6; // lanes stay as they are over many runs
    }
    gm_analysis analysis = { .lanes = lanes,
                             .values = values,
                             .value_count = value_count,
                             .predictions = predictions,
                             .measurement_count = MEASUREMENTS,
                             .measured = measured,
                             .variance = variance };
    double times[WAYS];
    for (way by = PASS; by < WAYS; by++) {
        times[by] = time_way(by, &analysis, room, workers);
    }
    printf("%8u %6zu %11.3f %11.3f %11.3f %11.3f %8.1f %8.1f\n", value_count, lanes,
           1e3 * times[PASS], 1e3 * times[TRANSFORM], 1e3 * times[SHARED], 1e3 * times[SERIAL],
           times[TRANSFORM] / times[PASS], times[SERIAL] / times[TRANSFORM]);
    gm_memory_free(values);
    gm_memory_free(predictions);
    gm_memory_free(room);
}

int main(void)
{
    const size_t lanes[] = { 8, 32, 64, 256 };
    gm_workers *workers = NULL;
    GM_REQUIRE(gm_workers_create(2, &workers, NULL) == GM_OK);
    printf("%d measurements, milliseconds\n%8s %6s %11s %11s %11s %11s %8s %8s\n", MEASUREMENTS,
           "values", "lanes", "plain pass", "transform", "2 workers", "serial", "/ pass", "gain");
    for (uint32_t count = 100; count <= 1000000; count *= 10) {
        for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
            if ((size_t)count * lanes[i] <= NUMBERS_MAX) {
                measure(count, lanes[i], workers);
            }
        }
    }
    gm_workers_close(workers);
    return 0;
}
