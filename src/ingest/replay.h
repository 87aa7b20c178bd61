// Recordings: a CSV file of measurements -> rows of raw samples in the order of the file.
//
// Two forms, told apart by the header. Long: columns `time` or `t`, `series`, `value` or `v`, and
// perhaps `seq`, one sample a row. Wide: a time column and the columns that the world's sensors
// name (`columns:`, by default the sensor's own name), several samples a row; a sensor of several
// columns has their mean. Times are ISO 8601 or whole nanoseconds, or as `replay: {time: ...}` of
// the world says. Values are numbers or true and false; an empty cell is no sample, and neither is
// a mean that lacks one of its cells. The order of the file is the order of arrival: rows may come
// late.
#ifndef GEMEL_INGEST_REPLAY_H
#define GEMEL_INGEST_REPLAY_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "world/world_parts.h"

enum { GM_REPLAY_ROWS_MAX = 1 << 28 }; // samples of one recording

/// One raw value, in the sensor's own unit.
typedef struct gm_replay_row {
    size_t sensor; // number of the sensor in the world
    int64_t time_ns;
    double value;
    uint64_t sequence;
    bool has_sequence;
} gm_replay_row;

/// A recording; const after reading, any thread.
typedef struct gm_replay gm_replay;

/// Reads a recording.
/// @param world   must outlive the recording
/// @param file    its name for messages
/// @param bytes   [size], may be freed afterwards
/// @param replay  out; owner: the caller, with gm_replay_close
/// @return GM_INVALID (`error` names file, line and column), GM_LIMIT, GM_MEMORY
gm_status gm_replay_read(const gm_world *world, const char *file, gm_text bytes, gm_replay **replay,
                         gm_error *error);

/// NULL is fine.
void gm_replay_close(gm_replay *replay);

/// The rows in the order of the file; they live as long as the recording.
const gm_replay_row *gm_replay_rows(const gm_replay *replay, size_t *count);

/// What the recording says of a sensor whose driver is `ahead: known`: the mean (SI) of the cycle
/// that begins at time_ns, each value taken to hold until the next; NAN before the first, and for
/// other sensors. Any thread.
/// @param replay  a gm_replay, as the context of gm_twin_options.known
double gm_replay_known(void *replay, size_t sensor, int64_t time_ns);

#endif
