// Playing a recording to a twin, and the summary of how the twin did.
#ifndef GEMEL_CLI_REPLAY_RUN_H
#define GEMEL_CLI_REPLAY_RUN_H

#include <gemel/twin.h>

#include "cli/command.h"
#include "ingest/replay.h"

/// What became of a recording.
typedef struct gm_replay_tally {
    size_t samples, accepted, duplicates, rejected;
    uint64_t cycles, late;
    int64_t span_ns; // source time from the first sample to the last
    double elapsed_s;
    bool stopped; // a signal ended it before the file did
} gm_replay_tally;

/// Hands the rows to the twin in their order and runs the cycles that they complete.
/// @param speed  source seconds for one second of the clock; INFINITY: as fast as it goes. SIGINT
/// and SIGTERM (held, gm_stop_hold) end it.
/// @return what gm_twin_submit and gm_twin_cycle return
gm_status gm_replay_play(gm_twin *twin, const gm_replay *replay, double speed,
                         gm_replay_tally *tally, gm_error *error);

/// Prints samples, cycles, events, scores and hash.
gm_status gm_replay_report(gm_twin *twin, const gm_replay_tally *tally, bool json, gm_error *error);

#endif
