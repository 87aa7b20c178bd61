// A twin on trial: it sees the sensors of a plant whose truth is known (study/device_plant.h), and
// is asked about what no sensor shows.
#ifndef GEMEL_STUDY_TWIN_TRIAL_H
#define GEMEL_STUDY_TWIN_TRIAL_H

#include <gemel/twin.h>

#include "ingest/replay.h"
#include "num/statistics.h"
#include "study/device_plant.h"

/// What happens to readings on their way to the twin. @param readings  in out, [count]
typedef void gm_trial_spoil(void *context, gm_device_reading *readings, size_t count);

/// Both sides. Owner of all: the trial.
typedef struct gm_twin_trial {
    const gm_world *world;
    gm_device_plant *plant;
    gm_twin *twin;               // without a folder
    gm_device_reading *readings; // [sensor_count]
    gm_sample *samples;          // [sensor_count]
    gm_sample_fate *fates;       // [sensor_count]
    gm_trial_spoil *spoil;       // NULL: nothing
    void *spoil_context;
} gm_twin_trial;

/// @param world    must outlive the trial
/// @param devices  how the plant is played
/// @param trial    out; owner: the caller, with gm_twin_trial_close, also after an error
/// @return as gm_device_plant_open and gm_twin_open
gm_status gm_twin_trial_open(const gm_world *world, const gm_device_options *devices,
                             gm_twin_trial *trial, gm_error *error);

/// Zeros are fine.
void gm_twin_trial_close(gm_twin_trial *trial);

/// Plays the plant to time_ns, its last readings there included, and has the twin follow.
gm_status gm_twin_trial_play(gm_twin_trial *trial, int64_t time_ns, gm_error *error);

/// How well the lanes' mean and their 5-95 % band met the truth, over addresses and looks.
typedef struct gm_trial_score {
    double square_sum; // of the mean's errors
    gm_coverage band;
} gm_trial_score;

/// Root mean square of the mean's errors, NaN before the first look.
double gm_trial_rmse(const gm_trial_score *score);

/// Addresses of a pattern that no sensor reads.
/// @param refs  out, [count]; owner: the caller, with gm_memory_free
gm_status gm_twin_trial_hidden(const gm_world *world, const char *pattern, gm_ref **refs,
                               size_t *count, gm_error *error);

/// Compares the live state with the truth of the same time.
/// @param refs   [count]
/// @param score  added to
/// @return GM_BUSY while the twin is not where the plant is
gm_status gm_twin_trial_compare(const gm_twin_trial *trial, const gm_ref *refs, size_t count,
                                gm_trial_score *score, gm_error *error);

// ---- a recording instead of a plant ----

/// A row of a recording as a sample.
gm_sample gm_replay_sample(const gm_replay_row *row);

/// Plays a recording to a twin without a folder.
/// @param score_after_ns  forecasts issued sooner after the first one are not scored
/// @param twin            out; owner: the caller, with gm_twin_close, also after an error
gm_status gm_twin_follow(const gm_world *world, gm_replay *replay, int64_t score_after_ns,
                         gm_twin **twin, gm_error *error);

#endif
