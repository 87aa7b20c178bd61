// The local filter and the particle filter on trial: lorenz_local.h.
#include "study/lorenz_local.h"

#include <math.h>

#include "assim/local_untended.h"
#include "assim/particle_filter.h"
#include "assim/resampling.h"
#include "assim/transform_filter.h"
#include "base/arena.h"

enum { ROTATION }; // purposes of the filters' draws

// ---- the local filter ----

/// Where variables stand: on a circle, one a metre, batches in the middle of their own.
typedef struct circle {
    uint32_t batch_of[GM_LORENZ_SIZE_MAX];
    double middle[GM_LORENZ_SIZE_MAX], at[GM_LORENZ_SIZE_MAX];
    gm_local_values values;
    gm_local_points points;
} circle;

typedef struct local_memory {
    circle places;
    gm_localisation *where;  // NULL when untended
    gm_local_filter *filter; // NULL when untended
    gm_local_untended *untended;
    gm_local_memory learned;
    double *turn; // room of a transform
} local_memory;

static void close_local(void *memory)
{
    local_memory *of = memory;
    gm_local_filter_close(of->filter);
    gm_localisation_close(of->where);
    gm_local_untended_close(of->untended);
    gm_memory_free(of->turn);
    gm_memory_free(of);
}

static void lay_out_circle(const gm_lorenz_setting *setting, size_t batch_size, circle *c)
{
    size_t batch_count = (setting->size + batch_size - 1) / batch_size, measured = 0;
    for (uint32_t i = 0; i < setting->size; i++) {
        c->batch_of[i] = i / (uint32_t)batch_size;
        if (i % setting->stride == 0) {
            c->at[measured++] = i;
        }
    }
    for (size_t batch = 0; batch < batch_count; batch++) {
        size_t first = batch * batch_size, after = first + batch_size;
        after = after < setting->size ? after : setting->size;
        c->middle[batch] = 0.5 * (double)(first + after - 1);
    }
    c->values = (gm_local_values){ setting->size, c->batch_of, batch_count, measured };
    c->points = (gm_local_points){ .dimensions = 1,
                                   .period_m = { (double)setting->size },
                                   .batches = c->middle,
                                   .measurements = c->at };
}

static gm_status open_local(const gm_lorenz_setting *setting, size_t lanes, const void *settings,
                            void **memory, gm_error *error)
{
    const gm_lorenz_locality *locality = settings;
    local_memory *of = gm_memory_new(1, sizeof *of);
    double *turn = gm_memory_new(gm_transform_room(lanes), sizeof *turn);
    if (of == NULL || turn == NULL) {
        gm_memory_free(of);
        gm_memory_free(turn);
        return gm_error_set(error, GM_MEMORY, "no memory for a local filter");
    }
    of->turn = turn;
    circle *c = &of->places;
    lay_out_circle(setting, locality->batch, c);
    gm_status status;
    if (locality->radius > 0.0) {
        gm_taper taper = gm_default_taper(locality->radius);
        status = gm_localisation_by_points(&c->values, &c->points, taper, &of->where, error);
        if (status == GM_OK) {
            status = gm_local_filter_create(of->where, lanes, 1, &of->filter, error);
        }
    } else {
        const gm_local_places places = { .values = &c->values,
                                         .points = &c->points,
                                         .reach = 0.5 * (double)setting->size };
        status = gm_local_untended_create(&places, lanes, 1, &of->untended, error);
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
    if (locality->turns) {
        gm_transform turn = gm_transform_start(of->turn, moment->analysis.lanes, 1.0);
        gm_transform_rotate(&turn, moment->random, ROTATION, moment->index);
        options.rotation = turn.matrix;
    }
    if (of->untended != NULL) {
        const gm_local_step step = { .analysis = &moment->analysis,
                                     .options = options,
                                     .memory = &of->learned };
        return gm_local_untended_update(of->untended, &step, error);
    }
    options.after = locality->inflation;
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
    gm_status status = gm_weights_from_logs(of->log_weights, lanes, of->weights, error);
    double widening = status == GM_OK ? gm_particles_widening(analysis, of->weights) : 1.0;
    status = status == GM_OK ? gm_particles_weigh(analysis, of->log_weights, error) : status;
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
    options.share = widening > 1.0 ? 1.0 : renewal->share;
    options.bandwidth = renewal->bandwidth * widening;
    gm_particle_result result;
    return gm_particles_renew(&particles, &options, of->room, &result, error);
}

const gm_lorenz_filter gm_lorenz_particles = { .name = "particles",
                                               .open = open_particles,
                                               .analyse = analyse_particles,
                                               .close = close_particles };
