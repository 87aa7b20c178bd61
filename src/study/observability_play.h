// Playing a world to see what its sensors would read: observability_study.h says how.
#ifndef GEMEL_STUDY_OBSERVABILITY_PLAY_H
#define GEMEL_STUDY_OBSERVABILITY_PLAY_H

#include "world/world_parts.h"

/// An estimated value that starts off by a spread.
typedef struct gm_play_unknown {
    gm_ref ref;
    double spread; // > 0, SI or a fraction of the value
    bool relative, is_parameter;
} gm_play_unknown;

typedef struct gm_play {
    const gm_world *world;
    uint64_t seed; // 0: the world's
    int64_t step_ns;
    size_t steps, slices, blocks; // of the horizon; slices and blocks at most as many as steps
    size_t recents; // means of the last readings: over the last step, the one before it, the two
                    // before that, the four before those ...; together at most as many as steps
    size_t lanes;   // for chance
    const gm_play_unknown *unknowns; // [unknown_count]
    size_t unknown_count;
    const gm_ref *readings; // [reading_count]
    size_t reading_count;
    gm_workers *workers; // NULL: this thread alone
    void *context;
    void (*progress)(void *context, double done); // NULL: not told
} gm_play;

/// What was seen; deviations are from the mean of all lanes. Owner: the caller, gm_played_free.
typedef struct gm_played {
    double *moved;   // [unknown_count] how far each value started off, in spreads; 0: it could not
    double *slopes;  // [reading_count][slices][unknown_count] mean reading in a slice, per spread
    double *effects; // [unknown_count][unknown_count] what becomes of a value by the end, per
                     // spread: of a state SI, of a parameter 1 for its own
    size_t lanes;    // that followed chance; 0: there is none
    size_t samples;  // lanes * blocks
    double *wander;  // [reading_count][samples] for slices, as gm_sensing has it
    double *ends;    // [unknown_count][lanes] of states at the end; 0 for parameters
    double *recent;  // [reading_count][recents][lanes] of means of the last readings
    double *recent_slopes; // [reading_count][recents][unknown_count]
} gm_played;

/// Steps that one of the recent means is taken over.
size_t gm_play_recent_steps(size_t recent);

/// Whether anything in the world is left to chance while sensors speak.
bool gm_play_has_chance(const gm_world *world);

/// @return GM_NUMERIC (a lane failed: the error says which), GM_MEMORY
gm_status gm_play_run(const gm_play *play, gm_played *played, gm_error *error);
/// Twice is fine.
void gm_played_free(gm_played *played);

#endif
