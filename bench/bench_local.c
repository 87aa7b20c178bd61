// The local filter on a square of 10^5 values with 10^4 measurements and 32 lanes, by 1 and 2
// workers: what an analysis costs, against a plain pass over the same values in the same run and
// against eigenvectors for every batch.
//
// Usage: bench_local
#include <stdio.h>
#include <string.h>

#include <gemel/random.h>

#include "assim/local_filter.h"
#include "base/arena.h"
#include "base/require.h"
#include "bench_timing.h"
#include "num/dense.h"

enum {
    SIDE = 158,               // places along an edge
    PLACES = SIDE * SIDE,     // a metre apart
    FIELDS = 4,               // values at each
    VALUES = PLACES * FIELDS, // 99,856
    MEASUREMENTS = 10000,
    LANES = 32,
    RUNS = 9,
};

typedef struct scene {
    double *values, *predictions, *measured, *variance, *places, *seen;
    uint32_t *batch_of;
} scene;

static double *new_numbers(size_t count)
{
    double *made = gm_memory_new(count, sizeof *made);
    GM_REQUIRE(made != NULL);
    return made;
}

static void make_scene(scene *s)
{
    const gm_random random = gm_random_for(1, "bench");
    *s = (scene){ .values = new_numbers((size_t)VALUES * LANES),
                  .predictions = new_numbers((size_t)MEASUREMENTS * LANES),
                  .measured = new_numbers(MEASUREMENTS),
                  .variance = new_numbers(MEASUREMENTS),
                  .places = new_numbers((size_t)2 * PLACES),
                  .seen = new_numbers((size_t)2 * MEASUREMENTS),
                  .batch_of = gm_memory_new(VALUES, sizeof *s->batch_of) };
    GM_REQUIRE(s->batch_of != NULL);
    for (uint32_t i = 0; i < VALUES; i++) {
        s->batch_of[i] = i % PLACES;
        gm_random_normal_lanes(random, (gm_draw){ 0, i, 0, 0 }, LANES,
                               s->values + (size_t)i * LANES);
    }
    for (size_t place = 0; place < PLACES; place++) {
        s->places[2 * place] = (double)(place % SIDE);
        s->places[2 * place + 1] = (double)(place / SIDE);
    }
    for (uint32_t j = 0; j < MEASUREMENTS; j++) {
        size_t at = (size_t)j * PLACES / MEASUREMENTS;
        memcpy(s->predictions + (size_t)j * LANES, s->values + at * LANES, LANES * sizeof(double));
        memcpy(s->seen + (size_t)2 * j, s->places + 2 * at, 2 * sizeof(double));
        s->measured[j] = gm_random_normal(random, (gm_draw){ 0, j, 1, 0 });
        s->variance[j] = 0.5;
    }
}

/// The fastest run counts: others may use the machine.
static double fastest(const double *times, size_t count)
{
    double least = times[0];
    for (size_t run = 1; run < count; run++) {
        least = times[run] < least ? times[run] : least;
    }
    return least;
}

static double time_update(gm_local_filter *filter, scene *s, size_t worker_count)
{
    const gm_analysis analysis = { .lanes = LANES,
                                   .values = s->values,
                                   .value_count = VALUES,
                                   .predictions = s->predictions,
                                   .measurement_count = MEASUREMENTS,
                                   .measured = s->measured,
                                   .variance = s->variance };
    gm_local_options options = gm_default_local_options();
    GM_REQUIRE(gm_workers_create(worker_count, &options.workers, NULL) == GM_OK);
    double times[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        double start = seconds(CLOCK_MONOTONIC);
        GM_REQUIRE(gm_local_filter_update(filter, &analysis, &options, NULL, NULL) == GM_OK);
        times[run] = seconds(CLOCK_MONOTONIC) - start;
    }
    gm_workers_close(options.workers);
    return fastest(times, RUNS);
}

static double time_pass(scene *s)
{
    double times[RUNS];
    for (size_t run = 0; run < RUNS; run++) {
        double start = seconds(CLOCK_MONOTONIC);
        for (size_t i = 0; i < (size_t)VALUES * LANES; i++) {
            s->values[i] *= 1.0000001;
        }
        times[run] = seconds(CLOCK_MONOTONIC) - start;
    }
    return fastest(times, RUNS);
}

/// Seconds of one eigenproblem of `count` unknowns.
static double time_eigenvectors(size_t count)
{
    static double matrix[LANES * LANES], values[LANES], vectors[LANES * LANES];
    double times[101];
    for (size_t run = 0; run < 101; run++) {
        for (size_t i = 0; i < count * count; i++) {
            size_t a = i / count, b = i % count;
            matrix[i] = (a == b ? 2.0 : 0.0) + 1.0 / (double)(1 + a + b);
        }
        double start = seconds(CLOCK_MONOTONIC);
        GM_REQUIRE(gm_symmetric_eigen(count, matrix, values, vectors, NULL) == GM_OK);
        times[run] = seconds(CLOCK_MONOTONIC) - start;
    }
    return fastest(times, 101);
}

int main(void)
{
    scene s;
    make_scene(&s);
    const gm_local_values values = { VALUES, s.batch_of, PLACES, MEASUREMENTS };
    const gm_local_points points = { .dimensions = 2, .batches = s.places, .measurements = s.seen };
    printf("%d values in %d lanes, %d batches, %d measurements; plain pass %.1f ms\n", VALUES,
           LANES, PLACES, MEASUREMENTS, 1e3 * time_pass(&s));
    const double radii_m[] = { 0.75, 1.2, 1.7, 3.0 };
    for (size_t i = 0; i < sizeof radii_m / sizeof *radii_m; i++) {
        gm_localisation *where = NULL;
        gm_local_filter *filter = NULL;
        double start = seconds(CLOCK_MONOTONIC);
        GM_REQUIRE(gm_localisation_by_points(&values, &points, gm_default_taper(radii_m[i]), &where,
                                             NULL) == GM_OK);
        double built = seconds(CLOCK_MONOTONIC) - start;
        GM_REQUIRE(gm_local_filter_create(where, LANES, 2, &filter, NULL) == GM_OK);
        size_t near = gm_localisation_nearby_max(where), unknowns = near < LANES ? near : LANES;
        double one = time_update(filter, &s, 1), two = time_update(filter, &s, 2);
        printf("up to %3zu near: lists %5.0f ms, analysis %6.0f ms, 2 workers %6.0f ms (%.2f); "
               "%5.1f us a batch, eigenvectors alone would take %5.1f us\n",
               near, 1e3 * built, 1e3 * one, 1e3 * two, one / two, 1e6 * one / PLACES,
               1e6 * time_eigenvectors(unknowns));
        gm_local_filter_close(filter);
        gm_localisation_close(where);
    }
    gm_memory_free(s.values);
    gm_memory_free(s.predictions);
    gm_memory_free(s.measured);
    gm_memory_free(s.variance);
    gm_memory_free(s.places);
    gm_memory_free(s.seen);
    gm_memory_free(s.batch_of);
    return 0;
}
