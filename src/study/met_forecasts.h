// Forecasts of a recording's first field and the readings that came, one by one, so that any span
// of it can be scored by itself: before a source was switched on, while a cup stood in the box.
#ifndef GEMEL_STUDY_MET_FORECASTS_H
#define GEMEL_STUDY_MET_FORECASTS_H

#include "ingest/replay.h"
#include "world/world_parts.h"

/// One forecast of the world's first forecast field. SI.
typedef struct gm_met_forecast {
    int64_t issued_ns, due_ns;
    size_t lead; // number in the world's forecast
    double said; // its mean
    double held; // the last reading before it was issued; NAN: none
    double read; // the line between the two readings around its time; NAN: none came
} gm_met_forecast;

/// Plays a recording to a twin without a folder.
/// @param met    out, [count], by time of issue; owner: the caller, with gm_memory_free
/// @return as gm_twin_open and gm_twin_cycle; GM_INVALID: the first field has no sensor
gm_status gm_follow_forecasts(const gm_world *world, gm_replay *replay, gm_met_forecast **met,
                              size_t *count, gm_error *error);

/// Forecasts of one lead that were issued from from_ns on and due until until_ns.
typedef struct gm_met_span {
    size_t lead;
    int64_t from_ns, until_ns;
} gm_met_span;

/// Root mean squares over a span; NAN without any forecast in it.
typedef struct gm_met_score {
    double rmse, persistence_rmse;
    size_t count;
} gm_met_score;
/// Scores a span. @param met  [count]
gm_met_score gm_met_forecasts_score(const gm_met_forecast *met, size_t count, gm_met_span span);

#endif
