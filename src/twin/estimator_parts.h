// What the estimator's files share. Private to src/twin/estimator*.c.
#ifndef GEMEL_TWIN_ESTIMATOR_PARTS_H
#define GEMEL_TWIN_ESTIMATOR_PARTS_H

#include "assim/value_scale.h"
#include "twin/hypotheses.h"

/// What draws are for.
enum {
    PURPOSE_SPREAD = 1,
    PURPOSE_FIRST,
    PURPOSE_INPUT,
    PURPOSE_DRIFT,
    PURPOSE_RESAMPLE,
    PURPOSE_WANDER
};

/// How an estimated value is moved at random: steps of a size on a scale.
typedef struct gm_shake {
    size_t element; // of the draw
    uint32_t purpose;
    uint64_t occurrence;
    double sizes[GM_HYPOTHESES]; // of each hypothesis' lanes
    gm_value_scale scale;
} gm_shake;

/// The random walk of states: what it starts with and its bounds, in sensor noises per square root
/// of a second.
static const double gm_unrest_first = 0.01, gm_unrest_least = 1e-4, gm_unrest_most = 0.3;

/// The scale of an estimated value, whose steps are relative or not.
gm_value_scale gm_estimate_scale(const gm_world_estimate *estimate, bool relative);
/// A declared standard deviation on that scale: as it is about the initial value where there are
/// bounds.
double gm_estimate_step(const gm_twin *twin, const gm_world_estimate *estimate, double size,
                        bool relative);
/// An estimated value in every lane, SI; of an unknown input what lanes add. @param values [lanes]
gm_status gm_estimate_read(const gm_twin *twin, const gm_state *state, size_t number,
                           double *values, gm_error *error);
/// And back; systems are to be settled behind it.
gm_status gm_estimate_write(const gm_twin *twin, gm_state *state, size_t number,
                            const double *values, gm_error *error);
/// Adds to each lane its own normal draw, the same to lane k of every hypothesis.
void gm_shake_lanes(const gm_twin *twin, const gm_shake *how, double *values);
/// The same to an estimated value.
gm_status gm_shake_estimate(gm_twin *twin, gm_state *state, size_t number, const gm_shake *how,
                            gm_error *error);
gm_status gm_settle_systems(gm_twin *twin, gm_state *state, size_t group, gm_error *error);

/// Finds the lanes that are left, hypothesis by hypothesis.
void gm_find_alive(gm_twin *twin);
static inline gm_lane_list gm_alive_of(const gm_estimator *estimator, size_t hypothesis)
{
    size_t first = estimator->alive_first[hypothesis];
    return (gm_lane_list){ estimator->alive + first,
                           estimator->alive_first[hypothesis + 1] - first };
}

#endif
