// Adopted changes: what an inquiry was sure enough of, taken into every lane. Private to src/twin.
//
// A change that the plant suffered is a part of the state from then on: each lane holds it at one
// of the places it may be, as many lanes at a place as that is likely, each in a size of its own.
// The sizes are estimated like any parameter (a row of the group's analysis, whatever the places
// are), so that measurements refine them and bring them to zero when the plant is repaired; then
// the change is taken out again. docs/twin.md says why this ends in the same bits.
#ifndef GEMEL_TWIN_ADOPTED_H
#define GEMEL_TWIN_ADOPTED_H

#include "twin/twin_parts.h"

enum {
    ADOPTED_MAX = 4,     // changes at a time
    ADOPTED_PLACES = 64, // where one of them may be
    DECISIONS_MAX = 32,  // waiting for their cycle, or for a rewind to come by again
};

/// Where a change may be: its share of the lanes, and the size it has if it is there.
typedef struct gm_decided_place {
    uint32_t trial; // of twin->suspects
    double share;   // of all places; they sum up to 1
    double size, spread;
} gm_decided_place;

/// "From time_ns on the lanes hold this change": a record of the journal. The same id again draws
/// the places anew.
typedef struct gm_decision {
    int64_t time_ns;    // end of the cycle after which it was decided
    uint64_t id;        // first event of the case
    int64_t since_ns;   // likeliest beginning of the change
    double probability; // that it happened, wherever
    size_t count;
    gm_decided_place places[ADOPTED_PLACES]; // [count]
} gm_decision;

/// Memory of one adopted change, part of the state. Its lanes follow it.
typedef struct gm_adopted {
    uint64_t id;        // of its decision; 0: free
    uint64_t told;      // event that tells of it; 0: none yet
    int64_t since_ns;   // likeliest beginning
    int64_t decided_ns; // when its places were drawn
    double size;        // mean over the lanes then
} gm_adopted;

typedef struct gm_adopted_lane {
    uint64_t place; // hash of the address; 0: nowhere
    double base;    // what the field would be without the change
    double size;    // of the change; beyond zero, the field stays at `base`
} gm_adopted_lane;

// ---- adopted.c: in the state ----

/// Bytes of SECTION_ADOPTED; 0 when the world does not ask for it.
size_t gm_adopted_size(const gm_world *world, size_t lanes);
/// The beginning of a cycle: decisions of its start are carried out; more changes than ADOPTED_MAX
/// are passed over.
gm_status gm_adopted_begin(gm_twin *twin, int64_t end_ns, gm_error *error);
/// The end of a cycle: sizes walk, changes that are gone are taken out, people are told. Systems
/// are to be settled behind it.
gm_status gm_adopted_end(gm_twin *twin, int64_t elapsed_ns, gm_error *error);
/// What a forecast does not know of sizes, as gm_estimator_wander, in a fork of the live state.
gm_status gm_adopted_wander(gm_twin *twin, gm_state *state, int64_t elapsed_ns, gm_error *error);
/// The sizes of a group's changes in some lanes.
/// @param rows  out, [returned count][lanes.count]
size_t gm_adopted_read(const gm_twin *twin, size_t group, gm_lane_list lanes, double *rows);
/// The same, moved by an analysis, back into memory and fields. Systems are to be settled behind
/// it.
gm_status gm_adopted_write(gm_twin *twin, size_t group, gm_lane_list lanes, const double *rows,
                           gm_error *error);
/// Lanes were resampled: lane k is what source[k] was, which stayed. @param group  GM_NO_INDEX: of
/// all
gm_status gm_adopted_resample(gm_twin *twin, size_t group, const uint32_t *source, gm_error *error);
/// Whether the live state holds a change of that id; whether one of another id is at a place.
bool gm_adopted_holds(const gm_twin *twin, uint64_t id);
bool gm_adopted_elsewhere(const gm_twin *twin, uint64_t id, uint32_t trial);
/// Whether an event tells of a change that the live state holds.
bool gm_adopted_tells(const gm_twin *twin, uint64_t event);

// ---- suspects_adopt.c: decisions ----

/// Reads `adopt` of the map of suspects, whose trials are read already.
gm_status gm_adoption_open(gm_twin *twin, const gm_config *config, gm_error *error);
/// Journals a decision and has the next cycle carry it out. @return false: it is not taken, the log
/// says why
bool gm_adoption_decide(gm_twin *twin, const gm_decision *decision);
/// A record of the journal, read back. @return GM_CORRUPT
gm_status gm_adoption_restore(gm_twin *twin, gm_text record, uint64_t number, gm_error *error);

#endif
