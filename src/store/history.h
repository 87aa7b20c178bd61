// The history: values by branch, series and time, each with the time at which it was known.
//
// A row is (valid time, knowledge time, quality, values). What was published stays as published: a
// re-estimate of the same valid time is another row with a later knowledge time. Reading as of a
// time gives, for each valid time, the newest row known by then. Writing the same (series, valid
// time, knowledge time) twice counts once, the later write wins: so replaying the journal after a
// crash re-makes the rows that were not on disk yet and doubles none, as long as knowledge times
// come from the journal (the cycle's time) and not from a clock.
//
// Names: `<address>` for estimates ("box/air/temperature", columns "mean,spread"),
// `forecast/<address>/<lead>` for forecasts ("forecast/box/air/temperature/10min", columns
// "mean,spread,q05,q25,q50,q75,q95"; knowledge time = issue time), `sensor/<name>` for samples,
// `learned/<address>` and `hypotheses/<system>` (twin/kept_series.h). Appending costs a copy into
// memory, never a wait. Rows go to disk in blocks on world.db's thread: when GM_HISTORY_BLOCK_ROWS
// are there, and part-filled after about GM_HISTORY_SPILL_S seconds. A part-filled block is written
// again, in place, as it grows. Reading sees rows that are not on disk yet.
#ifndef GEMEL_STORE_HISTORY_H
#define GEMEL_STORE_HISTORY_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum {
    GM_HISTORY_COLUMNS_MAX = 16,
    GM_HISTORY_NAME_MAX = 512,       // bytes in a branch, series, unit or column list
    GM_HISTORY_SERIES_MAX = 1 << 20, // series in one store
    GM_HISTORY_BLOCK_ROWS = 512,     // rows in a block, as a rule (fewer if there are many series)
    GM_HISTORY_BACKLOG_ROWS = 8192,  // rows of one series that may wait while the disk is slow
    GM_HISTORY_ROWS_MAX = 1 << 20,   // rows one query gives at most
    GM_HISTORY_SPILL_S = 60,
};

/// A series in this store; 0 is none. Valid until the store is closed.
typedef uint32_t gm_series_id;

typedef struct gm_series_definition {
    const char *branch;  // "live"
    const char *name;    // "box/air/temperature"
    const char *columns; // what a row holds, separated by commas: "mean,spread"
    const char *unit;    // of the values: "K"; "1" for pure numbers
} gm_series_definition;

/// Finds or makes a series. Any thread; allocates.
/// @return GM_OK; GM_EXISTS: it is there with other columns or another unit; GM_INVALID (empty or
///         too long names, too many columns); GM_LIMIT (GM_HISTORY_SERIES_MAX); GM_BUSY (the disk
///         is far behind); GM_MEMORY
gm_status gm_history_series(gm_history *history, const gm_series_definition *definition,
                            gm_series_id *series, gm_error *error);

typedef struct gm_history_row {
    int64_t time_ns;      // valid time
    int64_t known_ns;     // knowledge time
    uint32_t quality;     // the quality rules' flags; 0 is good
    const double *values; // [columns of the series], any double
} gm_history_row;

/// Adds a row; any thread, in any order of times. Does not wait for the disk and allocates only
/// while a series' buffer has not yet reached its size.
/// @return GM_OK; GM_BUSY: GM_HISTORY_BACKLOG_ROWS rows wait because the disk is behind: the row
///         was not taken, wait with gm_history_flush or do without it; GM_NOT_FOUND (series);
///         GM_MEMORY
gm_status gm_history_append(gm_history *history, gm_series_id series, const gm_history_row *row,
                            gm_error *error);

/// Hands all rows in memory to the disk and waits until they are there: before a snapshot that lets
/// the journal go.
/// @param deadline_ns  monotonic clock
/// @return GM_OK; GM_IO ...: why not (kept and tried again); GM_CANCELLED: the deadline passed
gm_status gm_history_flush(gm_history *history, int64_t deadline_ns, gm_error *error);

typedef struct gm_history_query {
    const char *branch, *series;
    int64_t from_ns, to_ns; // valid times, both included
    int64_t as_of_ns;       // only what was known then; INT64_MAX: the newest
    size_t max_rows;        // thin the answer to so many rows, 3 .. GM_HISTORY_ROWS_MAX; 0 is
                            // GM_HISTORY_ROWS_MAX
} gm_history_query;

/// All times, the newest versions, no names.
gm_history_query gm_default_history_query(void);

/// An answer: `count` rows in rising valid time, one per valid time. Arrays of `count`; values
/// row-major [count][columns].
typedef struct gm_history_rows {
    size_t count, columns;
    int64_t *time_ns, *known_ns;
    uint32_t *quality;
    double *values;
    size_t rows_found; // how many there were before thinning
    bool thinned;      // true: see gm_history_read
} gm_history_rows;

/// Reads rows. When there are more than max_rows, the time from the first to the last row is
/// divided into max_rows / 3 equal buckets, and each gives its rows of smallest and largest first
/// column and its last row: extremes survive. Any thread; waits for the disk, not for the writer.
/// @param rows  out; free with gm_history_rows_free
/// @return GM_OK (count may be 0); GM_NOT_FOUND (series); GM_CORRUPT (a block; the error names it);
///         GM_INVALID (max_rows of 1 or 2, from > to, names); GM_IO; GM_MEMORY
gm_status gm_history_read(gm_history *history, const gm_history_query *query, gm_history_rows *rows,
                          gm_error *error);

/// Frees an answer's arrays and zeroes it. NULL and zeroed ones are fine.
void gm_history_rows_free(gm_history_rows *rows);

/// Calls `visit` for every series of `branch` (NULL: all), in the order they were made. The texts
/// live as long as the store. Any thread; `visit` may call anything of the history.
void gm_history_list(gm_history *history, const char *branch,
                     void (*visit)(void *context, const gm_series_definition *definition),
                     void *context);

#endif
