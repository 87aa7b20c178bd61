// The local filter and the particle filter on trial: lorenz_local.h.
#include "study/lorenz_local.h"

#include <math.h>

#include "assim/local_filter.h"
#include "assim/particle_filter.h"
#include "assim/resampling.h"
#include "assim/transform_filter.h"
#include "base/arena.h"

enum { ROTATION }; // purposes of the filters' draws

// ---- the local filter ----

typedef struct local_memory {
    gm_localisation *where;
    gm_local_filter *filter;
    double *turn; // room of a transform
} local_memory;

static void close_local(void *memory)
{
    local_memory *of = memory;
    gm_local_filter_close(of->filter);
    gm_localisation_close(of->where);
    gm_memory_free(of->turn);
    gm_memory_free(of);
}

/// Variables stand on a circle, one a metre; a batch in the middle of its own.
static gm_status localise(const gm_lorenz_setting *setting, const gm_lorenz_locality *locality,
                          gm_localisation **where, gm_error *error)
{
    uint32_t batch_of[GM_LORENZ_SIZE_MAX];
    double middle[GM_LORENZ_SIZE_MAX], at[GM_LORENZ_SIZE_MAX];
    size_t batch_count = (setting->size + locality->batch - 1) / locality->batch, measured = 0;
    for (uint32_t i = 0; i < setting->size; i++) {
        batch_of[i] = i / (uint32_t)locality->batch;
        if (i % setting->stride == 0) {
            at[measured++] = i;
        }
    }
    for (size_t batch = 0; batch < batch_count; batch++) {
        size_t first = batch * locality->batch, after = first + locality->batch;
        after = after < setting->size ? after : setting->size;
        middle[batch] = 0.5 * (double)(first + after - 1);
    }
    const gm_local_values values = { .value_count = setting->size,
                                     .batch_of = batch_of,
                                     .batch_count = batch_count,
                                     .measurement_count = measured };
    const gm_local_points points = { .dimensions = 1,
                                     .period_m = { (double)setting->size },
                                     .batches = middle,
                                     .measurements = at };
    return gm_localisation_by_points(&values, &points, gm_default_taper(locality->radius), where,
                                     error);
}

static gm_status open_local(const gm_lorenz_setting *setting, size_t lanes, const void *settings,
                            void **memory, gm_error *error)
{
    local_memory *of = gm_memory_new(1, sizeof *of);
    if (of == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a local filter");
    }
    gm_status status = localise(setting, settings, &of->where, error);
    if (status == GM_OK) {
        status = gm_local_filter_create(of->where, lanes, 1, &of->filter, error);
    }
    if (status == GM_OK) {
        of->turn = gm_memory_new(gm_transform_room(lanes), sizeof *of->turn);
        status =
            of->turn != NULL ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory for a rotation");
    }
    if (status != GM_OK) {
        close_local(of);
        return status;
    }
    *memory = of;
    return GM_OK;
}

static gm_status analyse_local(void *memory, const void *settings, gm_lorenz_moment *moment,
                               gm_error *error)
{
    local_memory *of = memory;
    const gm_lorenz_locality *locality = settings;
    gm_local_options options = gm_default_local_options();
    options.after = locality->inflation;
    if (locality->turns) {
        gm_transform turn = gm_transform_start(of->turn, moment->analysis.lanes, 1.0);
        gm_transform_rotate(&turn, moment->random, ROTATION, moment->index);
        options.rotation = turn.matrix;
    }
    return gm_local_filter_update(of->filter, &moment->analysis, &options, NULL, error);
}

const gm_lorenz_filter gm_lorenz_local = {
    .name = "local", .open = open_local, .analyse = analyse_local, .close = close_local
};

// ---- the particle filter ----

typedef struct particle_memory {
    double *log_weights, *weights; // [lanes]
    uint32_t *source, *copies;     // [lanes]
    double *room;
} particle_memory;

static void close_particles(void *memory)
{
    particle_memory *of = memory;
    gm_memory_free(of->log_weights);
    gm_memory_free(of->weights);
    gm_memory_free(of->source);
    gm_memory_free(of->copies);
    gm_memory_free(of->room);
    gm_memory_free(of);
}

static gm_status open_particles(const gm_lorenz_setting *setting, size_t lanes,
                                const void *settings, void **memory, gm_error *error)
{
    (void)settings;
    particle_memory *of = gm_memory_new(1, sizeof *of);
    if (of != NULL) {
        of->log_weights = gm_memory_new(lanes, sizeof *of->log_weights);
        of->weights = gm_memory_new(lanes, sizeof *of->weights);
        of->source = gm_memory_new(lanes, sizeof *of->source);
        of->copies = gm_memory_new(lanes, sizeof *of->copies);
        of->room = gm_memory_new(gm_particles_room(lanes, setting->size), sizeof *of->room);
        if (of->log_weights && of->weights && of->source && of->copies && of->room) {
            *memory = of;
            return GM_OK;
        }
        close_particles(of);
    }
    return gm_error_set(error, GM_MEMORY, "no memory for %zu particles", lanes);
}

static gm_status analyse_particles(void *memory, const void *settings, gm_lorenz_moment *moment,
                                   gm_error *error)
{
    particle_memory *of = memory;
    const gm_lorenz_renewal *renewal = settings;
    const gm_analysis *analysis = &moment->analysis;
    size_t lanes = analysis->lanes;
    gm_status status = gm_particles_weigh(analysis, of->log_weights, error);
    // the estimate is that of the weighted lanes: copies and jitter only add chance to it
    if (status == GM_OK) {
        status = gm_weights_from_logs(of->log_weights, lanes, of->weights, error);
    }
    if (status != GM_OK) {
        return status;
    }
    double variance = 0.0;
    for (size_t i = 0; i < analysis->value_count; i++) {
        const double *row = analysis->values + i * lanes;
        moment->mean[i] = gm_particles_mean(of->weights, row, lanes);
        for (size_t lane = 0; lane < lanes; lane++) {
            double off = row[lane] - moment->mean[i];
            variance += of->weights[lane] * off * off;
        }
    }
    *moment->spread = sqrt(variance / (double)analysis->value_count);
    const gm_particles particles = { .lanes = lanes,
                                     .log_weights = of->log_weights,
                                     .values = analysis->values,
                                     .value_count = analysis->value_count,
                                     .weights = of->weights,
                                     .source = of->source,
                                     .copies = of->copies };
    gm_particle_options options = gm_default_particle_options(moment->random, moment->index);
    options.share = renewal->share;
    options.bandwidth = renewal->bandwidth;
    gm_particle_result result;
    return gm_particles_renew(&particles, &options, of->room, &result, error);
}

const gm_lorenz_filter gm_lorenz_particles = { .name = "particles",
                                               .open = open_particles,
                                               .analyse = analyse_particles,
                                               .close = close_particles };
