// What residuals share: lanes that run on by themselves differ from each other in the ways in which
// the plant may differ from their mean (assim/shared_error.h). Of each sensor, what all others say
// of these ways tells what it should read, so that a drift of demand that moves many is no drift of
// one.
//
// A sensor that is far off may be wrong: what it says of others is bounded.
#include <math.h>
#include <string.h>

#include "twin/suspects_probe.h"

enum { MODES_MOST = 256, VALUES_MOST = 1 << 22, WITNESSES_MOST = 256, DOUBTS_TAKEN = 16 };

static const double bound = 4.0; // of a residual, in its expected size

gm_status gm_probe_share(gm_probe *probe, gm_error *error)
{
    gm_arena *arena = probe->arena;
    size_t modes = probe->lanes < MODES_MOST ? probe->lanes : MODES_MOST;
    bool cheap = modes >= 2 && probe->sample_count <= VALUES_MOST / modes &&
                 probe->witness_count <= WITNESSES_MOST;
    modes = cheap ? modes : 0;
    probe->expected = gm_arena_new(arena, probe->sample_count, sizeof(double));
    probe->lanes_off = gm_arena_new(arena, probe->sample_count * modes, sizeof(double));
    probe->shared = (gm_shared_error){ .count = modes,
                                       .matrix = gm_arena_new(arena, modes * modes, sizeof(double)),
                                       .pull = gm_arena_new(arena, modes, sizeof(double)),
                                       .modes = gm_arena_new(arena, modes, sizeof(double)) };
    probe->left_out =
        (gm_shared_error){ .count = modes,
                           .matrix = gm_arena_new(arena, modes * modes, sizeof(double)),
                           .pull = gm_arena_new(arena, modes, sizeof(double)),
                           .modes = gm_arena_new(arena, modes, sizeof(double)) };
    probe->mode_work = gm_arena_new(arena, modes, sizeof(double));
    bool all = probe->expected != NULL && probe->lanes_off != NULL &&
               probe->shared.matrix != NULL && probe->shared.pull != NULL &&
               probe->shared.modes != NULL && probe->left_out.matrix != NULL &&
               probe->left_out.pull != NULL && probe->left_out.modes != NULL &&
               probe->mode_work != NULL;
    return all ? GM_OK : gm_probe_no_memory(error);
}

/// How much a measurement counts: measurements that follow each other say less.
static double weight_of(const gm_probe *probe, const gm_witness *seen)
{
    const gm_sensor_memory *memories = gm_state_section(probe->of->anchor->state, SECTION_SENSORS);
    return 1.0 / (seen->noise * seen->noise * gm_monitor_caution(&memories[seen->sensor]));
}

/// Takes a witness's measurements in (sign 1) or out (-1).
static void add_witness(const gm_probe *probe, uint32_t place, gm_shared_error *shared, double sign)
{
    double weight = weight_of(probe, &probe->witnesses[place]);
    for (size_t index = 0; index < probe->sample_count; index++) {
        if (probe->places[probe->samples[index].sensor] == place) {
            const double *off = probe->lanes_off + index * shared->count;
            double residual = probe->samples[index].value - probe->expected[index];
            double square = 1.0 / weight;
            for (size_t mode = 0; mode < shared->count; mode++) {
                square += off[mode] * off[mode];
            }
            double most = bound * sqrt(square);
            gm_shared_add(shared, off, fmin(fmax(residual, -most), most), sign * weight);
        }
    }
}

/// What the modes say of a witness.
static void predict(gm_probe *probe, uint32_t place)
{
    const gm_shared_error *others = &probe->left_out;
    gm_witness *seen = &probe->witnesses[place];
    size_t at = 0, stride = seen->count / DOUBTS_TAKEN + 1, doubts = 0;
    double variance = 0.0;
    for (size_t index = 0; index < probe->sample_count; index++) {
        if (probe->places[probe->samples[index].sensor] != place) {
            continue;
        }
        const double *off = probe->lanes_off + index * others->count;
        double predicted = probe->expected[index];
        for (size_t mode = 0; mode < others->count; mode++) {
            predicted += off[mode] * others->modes[mode];
        }
        if (at % stride == 0) {
            variance += gm_shared_variance(others, off, probe->mode_work);
            doubts++;
        }
        seen->readings[at++].predicted = predicted;
    }
    seen->doubt = doubts > 0 ? sqrt(variance / (double)doubts) : 0.0;
}

void gm_probe_leave_out(gm_probe *probe)
{
    gm_shared_error *all = &probe->shared, *others = &probe->left_out;
    size_t count = all->count;
    gm_shared_begin(all);
    for (uint32_t place = 0; count > 0 && place < probe->witness_count; place++) {
        add_witness(probe, place, all, 1.0);
    }
    for (uint32_t place = 0; count > 0 && place < probe->witness_count; place++) {
        memcpy(others->matrix, all->matrix, count * count * sizeof *others->matrix);
        memcpy(others->pull, all->pull, count * sizeof *others->pull);
        add_witness(probe, place, others, -1.0);
        if (probe->witnesses[place].count > 0 && gm_shared_solve(others)) {
            predict(probe, place);
        }
    }
}
