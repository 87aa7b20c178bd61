// How the lanes of one group are assimilated: the filter that the world file chose, and what looks
// after itself. Private to src/twin.
//
// The estimator gathers the lanes of one hypothesis; here they are moved. Whatever the filter, the
// lanes are equally likely afterwards, and lane k is still one possible world: no filter mixes or
// turns the lanes of what is estimated against the lanes of what is not. docs/estimation.md says
// which filter does what to whom.
#ifndef GEMEL_TWIN_GROUP_FILTER_H
#define GEMEL_TWIN_GROUP_FILTER_H

#include "assim/adaptive_inflation.h"
#include "assim/local_untended.h"
#include "assim/square_root.h"
#include "assim/track_watch.h"
#include "twin/estimator_parts.h"

/// Memory of one hypothesis about one cell, part of the state: [cell_count][hypothesis_count].
typedef struct gm_filter_memory {
    gm_inflation inflation;
    gm_track track;
    uint64_t lost; // event that tells of a lost track; 0: none
} gm_filter_memory;

/// The lanes of one hypothesis about one cell of a group, and what was measured. A group with a
/// local filter or particles is one cell (estimator_plan.c).
typedef struct gm_group_step {
    size_t group, cell, hypothesis;
    size_t state_count;               // rows of states, the first of the analysis
    size_t adopted;                   // rows of adopted sizes, its last
    gm_lane_list lanes;               // which lanes of the state its columns are
    const gm_analysis *analysis;      // values and predictions are moved
    const double *declared;           // [measurement_count] error variances without any doubt
    const gm_arrived *const *entries; // [measurement_count] of one time
    gm_innovation *innovations; // out, [measurement_count], against the lanes before the update
} gm_group_step;

/// Where the elements of a group stand to each other, for the local filter.
typedef struct gm_group_places gm_group_places;

typedef struct gm_group_filter {
    gm_filter_kind kind; // GM_FILTER_AUTO: serial or transform, whichever is quicker
    double jitter, discount;
    gm_random random;
    gm_group_places *places; // local; NULL otherwise
} gm_group_filter;

/// Where the parts of SECTION_FILTERS begin, in bytes, and its end.
typedef struct gm_filter_parts {
    size_t locals, noises, surprises, end;
} gm_filter_parts;

typedef struct gm_group_filters {
    gm_group_filter *groups; // [group_count]
    gm_filter_parts parts;
    bool has_floors; // some estimate has
    double *room;    // of the filters
    double *before;  // [sensor_room][distinct lanes] predictions as they were
    double *spreads; // [row_count] of states before inflation
    double *learned; // [sensor_room] error variances as they are learned
    double *scaled;  // [sensor_room] times caution
    bool *chosen;    // [system_count] of the group that is resampled
} gm_group_filters;

/// Bytes of SECTION_FILTERS.
size_t gm_group_filters_size(const gm_twin *twin);
/// Which filter a group gets. Once the cells are planned.
gm_filter_kind gm_group_filter_kind(const gm_twin *twin, size_t group);
/// Everything that updates need. After the plans of the groups.
/// @return GM_MEMORY; GM_INVALID (a local filter without distances); GM_LIMIT
gm_status gm_group_filters_open(gm_twin *twin, gm_error *error);
void gm_group_filters_close(gm_twin *twin);

/// Moves the lanes. On an error what is in the rows is worthless.
gm_status gm_group_filter_update(gm_twin *twin, const gm_group_step *step, gm_error *error);

// ---- group_places.c: local ----

/// Whether all that is estimated or measured in a group has a position.
bool gm_group_has_positions(const gm_world *world, size_t group);
/// Whether there are positions, or joins in all of its systems.
bool gm_group_has_distances(const gm_world *world, size_t group);
/// @param options  radius
gm_status gm_group_places_create(gm_twin *twin, size_t group, const gm_world_filter *options,
                                 gm_group_places **places, gm_error *error);
void gm_group_places_close(gm_group_places *places); // NULL is fine
/// Moves states by local transforms, all else by what is near.
gm_status gm_group_places_update(gm_twin *twin, const gm_group_step *step, gm_error *error);

// ---- group_particles.c ----

/// Numbers of room for so many rows.
size_t gm_group_particles_room(size_t lanes, size_t row_count);
/// Moves lanes of the state too: rows are to be written behind it.
gm_status gm_group_particles_update(gm_twin *twin, const gm_group_step *step, gm_error *error);

// ---- group_watch.c: lost tracks ----

/// Analyses of all hypotheses about a cell, done and not written to the state yet.
typedef struct gm_watched {
    size_t cell;
    size_t count; // of innovations
    int64_t time_ns;
} gm_watched;

/// Takes their innovations in; states in the rows of lost lanes are seeded anew.
gm_status gm_group_watch(gm_twin *twin, const gm_watched *of, gm_error *error);
/// Whether an event tells of a track that the state holds for lost.
bool gm_group_watch_tells(const gm_twin *twin, uint64_t event);

// ---- in the state ----

/// What is remembered of a group and hypothesis; NULL: no memory.
gm_filter_memory *gm_filter_memory_of(gm_twin *twin, size_t cell, size_t hypothesis);
gm_local_memory *gm_filter_local_memory(gm_twin *twin, size_t cell, size_t hypothesis);
/// [sensor_count] errors of sensors as they are learned. Only with `noise: learned`.
gm_noise *gm_filter_noises(gm_twin *twin);
/// [sensor_count] the last squared normalised innovation of each sensor; 0: none yet.
double *gm_filter_surprises(gm_twin *twin, size_t hypothesis);

// ---- rows ----

/// Number of the estimate that a row of the analysis is; GM_NO_INDEX: it is no estimate.
size_t gm_group_row_estimate(const gm_twin *twin, const gm_group_step *step, size_t row);
/// What names the draws of an update.
static inline uint64_t gm_group_step_time(const gm_group_step *step)
{
    return (uint64_t)step->entries[0]->sample.time_ns;
}
/// Rows from `first` on as an analysis of their own, of the same measurements.
gm_analysis gm_group_rows_from(const gm_analysis *analysis, size_t first);
/// Innovations against the lanes as they are.
void gm_group_take_innovations(const gm_group_step *step);
/// The first system of a group, after which it is called.
const char *gm_group_name(const gm_world *world, size_t group);
/// The leading hypothesis of a group.
size_t gm_group_leader(const gm_twin *twin, size_t group);

#endif
