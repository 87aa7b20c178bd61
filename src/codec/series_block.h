// A block of a time series as bytes: what the history keeps, and what travels.
//
// A block is `count` rows: a valid time, perhaps a time at which it was known, a quality, and 0 to
// 16 values. Columns are written one by one (series_times.h, series_values.h), so that a reader
// takes only those it wants; the header says of every column of values what a zoomed-out chart
// needs. Numbers are little-endian on every machine; varints and f64 as in pack.h.
//
// | at | type | what |
// |---|---|---|
// | 0 | u32 | low half of the hash (gm_hash, seed 1) of bytes 4 .. header size - 1 |
// | 4 | u16 | header size |
// | 6 | u8 | format, 1 |
// | 7 | u8 | columns of values, 0 .. 16 |
// | 8 | u32 | low half of the hash (seed 2) of all bytes behind the header |
// | 12 | u8 | 1 with a column of knowledge times, else 0 |
// | | varint | count, at most 65536; when it is 0, nothing follows |
// | | i64 | time of the first row |
// | | varint | time of the last row less that of the first, zigzag |
// | | varint | bytes of the column of times |
// | | varint | with knowledge times: bytes of their column |
// | | varint | bytes of the qualities |
// | | | for each column of values: |
// | | varint | bytes of the column |
// | | varint | values that are not finite |
// | | value | of the first row, the last row (gm_series_value_write) |
// | | value | if any is finite: smallest, largest |
// | | f64 | if any is finite: sum of the finite ones |
//
// Behind the header: the column of times, of knowledge times less valid times (a column of times
// too), the qualities as runs (varint rows, varint quality), the columns of values.
#ifndef GEMEL_CODEC_SERIES_BLOCK_H
#define GEMEL_CODEC_SERIES_BLOCK_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
    GM_SERIES_ROWS_MAX = 1 << 16,
    GM_SERIES_COLUMNS_MAX = 16,
    GM_SERIES_HEADER_MAX = 1024, // bytes: so many of a block's first ones are enough for a head
};

/// Rows to write. Times may be in any order, qualities and values anything: order and regularity
/// only save bytes.
typedef struct gm_series_rows {
    size_t count, columns;   // at most GM_SERIES_ROWS_MAX, GM_SERIES_COLUMNS_MAX
    const int64_t *time_ns;  // [count]
    const int64_t *known_ns; // [count]; NULL: no such column
    const uint32_t *quality; // [count]; NULL: all 0
    const double *values;    // column-major [columns][count]; NULL without columns
} gm_series_rows;

/// Appends a block with all rows to `out` (check out->failed). Allocates only in `out`.
void gm_series_encode(const gm_series_rows *rows, gm_string *out);

/// What a header says of a column. Of no rows all is zero.
typedef struct gm_series_summary {
    size_t finite_count;  // values that are neither NaN nor infinite
    double min, max, sum; // of those, sum within rounding; NaN, NaN, 0 when there is none
    double first, last;   // values of the first and the last row, whatever they are
} gm_series_summary;

typedef struct gm_series_head {
    size_t count, columns;
    bool known;                // there is a column of knowledge times
    int64_t first_ns, last_ns; // times of the first and last row; 0 of no rows
    gm_series_summary summaries[GM_SERIES_COLUMNS_MAX]; // [columns]
} gm_series_head;

/// Reads a block's header alone.
/// @param block  the whole block, or its first bytes (GM_SERIES_HEADER_MAX always do)
/// @return GM_OK; GM_CORRUPT: no block, cut, or damaged; GM_UNSUPPORTED: a newer format
gm_status gm_series_peek(gm_text block, gm_series_head *head, gm_error *error);

/// Where to put what is read. NULL: not wanted, and not decoded.
typedef struct gm_series_room {
    size_t capacity;                       // rows that fit
    int64_t *time_ns;                      // [capacity]
    int64_t *known_ns;                     // [capacity]; of a block without: as time_ns
    uint32_t *quality;                     // [capacity]
    double *values[GM_SERIES_COLUMNS_MAX]; // column by column, each [capacity]
} gm_series_room;

/// Reads the columns wanted of a whole block. Does not allocate.
/// @param head  out; NULL to skip
/// @return GM_OK; GM_LIMIT: more rows than room->capacity; GM_CORRUPT; GM_UNSUPPORTED. On an error
///         the room's arrays may hold anything.
gm_status gm_series_decode(gm_text block, const gm_series_room *room, gm_series_head *head,
                           gm_error *error);

#endif
