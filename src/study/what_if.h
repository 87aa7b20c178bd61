// What-ifs: the same lanes run ahead twice, as things are and under a scenario, so that the
// difference has common random numbers.
#ifndef GEMEL_STUDY_WHAT_IF_H
#define GEMEL_STUDY_WHAT_IF_H

#include <gemel/twin.h>

#include "world/world_parts.h"

enum { GM_WHAT_IF_POINTS_MAX = 10000, GM_WHAT_IF_FIELDS_MAX = 1000 };

typedef struct gm_what_if {
    const gm_world *world;
    const gm_state *state; // where both futures start; only read
    const gm_scenario *scenario;
    int64_t horizon_ns; // 0: the scenario's own
    const gm_ref *refs; // [ref_count] fields to compare
    size_t ref_count;
    size_t points;       // output times after the start, 1 .. GM_WHAT_IF_POINTS_MAX
    gm_workers *workers; // NULL: this thread alone
} gm_what_if;

/// Summaries of both futures and of their difference (what-if minus base, lane by lane), row-major
/// [ref_count][points + 1]; the first point is the start itself.
typedef struct gm_what_if_answer {
    size_t ref_count, time_count;
    int64_t *times_ns; // [time_count]
    gm_summary *base, *what_if, *difference;
} gm_what_if_answer;

/// @param answer  out; owner: the caller, with gm_what_if_answer_free
/// @return GM_INVALID (no horizon, limits), GM_NUMERIC (no lane left in one of the futures),
/// GM_MEMORY
gm_status gm_what_if_run(const gm_what_if *question, gm_what_if_answer *answer, gm_error *error);
void gm_what_if_answer_free(gm_what_if_answer *answer);

#endif
