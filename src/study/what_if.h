// What-ifs: the same lanes run ahead twice, as things are and under a scenario, so that the
// difference has common random numbers. A scenario with another structure runs in its own variant
// of the world; what both worlds have is compared.
#ifndef GEMEL_STUDY_WHAT_IF_H
#define GEMEL_STUDY_WHAT_IF_H

#include <gemel/twin.h>

#include "base/text.h"
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

/// The fields that a what-if is to compare, as they are gathered. Start with {.world, .scenario}.
typedef struct gm_what_if_fields {
    const gm_world *world;
    const gm_scenario *scenario;
    gm_ref *refs; // [ref_count]
    size_t ref_count;
    gm_string notes; // what is left out, and why: lines that end in a newline
} gm_what_if_fields;

/// Adds what a pattern matches. What is there only under the scenario's structure cannot be
/// compared: it goes to the notes.
/// @return GM_NOT_FOUND, GM_INVALID (the pattern), GM_LIMIT (GM_WHAT_IF_FIELDS_MAX), GM_MEMORY
gm_status gm_what_if_fields_add(gm_what_if_fields *fields, const char *pattern, gm_error *error);
/// Adds what the world is about: the fields it forecasts, else records, else estimates.
gm_status gm_what_if_fields_own(gm_what_if_fields *fields, gm_error *error);
/// Drops what is not there under the scenario's structure, with a note each, and notes what its
/// variant was read without.
/// @return GM_INVALID when nothing is left to compare
gm_status gm_what_if_fields_finish(gm_what_if_fields *fields, gm_error *error);
/// Frees refs and notes; twice is fine.
void gm_what_if_fields_free(gm_what_if_fields *fields);

/// Summaries of both futures and of their difference (what-if minus base, lane by lane), row-major
/// [ref_count][points + 1]; the first point is the start itself.
typedef struct gm_what_if_answer {
    size_t ref_count, time_count;
    int64_t *times_ns; // [time_count]
    gm_summary *base, *what_if, *difference;
} gm_what_if_answer;

/// @param answer  out; owner: the caller, with gm_what_if_answer_free
/// @return GM_INVALID (no horizon, limits, a field that the scenario's structure has not),
/// GM_NUMERIC (no lane left in one of the futures), GM_MEMORY
gm_status gm_what_if_run(const gm_what_if *question, gm_what_if_answer *answer, gm_error *error);
void gm_what_if_answer_free(gm_what_if_answer *answer);

#endif
