// A local filter that looks after itself: radius and inflation are found by local_tuning.h, and
// lists are made anew when the radius has changed.
//
// What it has learned is a plain value beside the lanes, so that a state forked, rewound or stored
// takes it along; the filter itself holds only what follows from that.
#ifndef GEMEL_ASSIM_LOCAL_UNTENDED_H
#define GEMEL_ASSIM_LOCAL_UNTENDED_H

#include <stdbool.h>

#include "assim/local_filter.h"
#include "assim/local_tuning.h"

/// One thread at a time.
typedef struct gm_local_untended gm_local_untended;

/// Where everything stands. What is pointed to must outlive the filter.
typedef struct gm_local_places {
    const gm_local_values *values;
    const gm_local_points *points; // NULL: nodes are given
    const gm_local_nodes *nodes;   // NULL: points are given
    double reach;                  // > 0, in metres or hops: beyond what any measurement may move;
                                   // radii are found between 1/64 and 1/3 of it
} gm_local_places;

/// What was learned. Plain value, part of the state; starts as zero.
typedef struct gm_local_memory {
    gm_radius correlations;
    gm_local_inflation inflation;
    double radius;     // of the lists; 0: none was found yet
    uint64_t analyses; // so far
} gm_local_memory;

/// @param lanes         >= 2
/// @param worker_count  the most workers an update will have
/// @param untended      out; the caller closes it
/// @return GM_OK; GM_INVALID, GM_LIMIT, GM_MEMORY as gm_localisation_by_points and
/// gm_local_filter_create
gm_status gm_local_untended_create(const gm_local_places *places, size_t lanes, size_t worker_count,
                                   gm_local_untended **untended, gm_error *error);
/// NULL is fine.
void gm_local_untended_close(gm_local_untended *untended);

/// Everything of one update.
typedef struct gm_local_step {
    const gm_analysis *analysis;
    gm_local_options options;   // `before` is found here and comes on top
    bool steady;                // it is not: something else keeps the lanes apart
    gm_local_memory *memory;    // in out
    gm_innovation *innovations; // out, [measurement_count]; NULL to skip
} gm_local_step;

/// Learns from the lanes and moves them. Every 20th update may allocate: lists for a new radius.
/// @return as gm_local_filter_update, and GM_LIMIT, GM_MEMORY (lists): then nothing was changed
gm_status gm_local_untended_update(gm_local_untended *untended, const gm_local_step *step,
                                   gm_error *error);

/// The lists of the last update. They live until the next one.
const gm_localisation *gm_local_untended_where(const gm_local_untended *untended);

#endif
