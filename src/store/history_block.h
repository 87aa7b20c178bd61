// Rows of one series in memory, and the bytes of a block on disk. Internal to the store.
//
// Only this file's two functions know what a block looks like inside (docs/storage.md): another
// encoding is a new format number here and touches nothing else.
#ifndef GEMEL_STORE_HISTORY_BLOCK_H
#define GEMEL_STORE_HISTORY_BLOCK_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "store/history.h"

/// Rows in the order they were written. Zero is an empty one; `columns` is set before the first
/// row.
typedef struct gm_block_rows {
    size_t columns, count, capacity;
    int64_t *time_ns, *known_ns; // [count]
    uint32_t *quality;           // [count]
    double *values;              // row-major [count][columns]
} gm_block_rows;

/// Makes room for `more` rows. @return false without memory: nothing changed
bool gm_block_rows_reserve(gm_block_rows *rows, size_t more);

/// Appends a row. @return false without memory
bool gm_block_rows_add(gm_block_rows *rows, const gm_history_row *row);

/// A view of row `index` < count; valid until the rows change.
gm_history_row gm_block_rows_at(const gm_block_rows *rows, size_t index);

void gm_block_rows_free(gm_block_rows *rows);

/// Appends the bytes of a block with all `rows` to `out` (check out->failed).
void gm_block_encode(const gm_block_rows *rows, gm_string *out);

/// Appends a block's rows to `rows`, whose `columns` must be the block's.
/// @return GM_OK; GM_CORRUPT: not the bytes of a block; GM_UNSUPPORTED: a newer format; GM_MEMORY
gm_status gm_block_decode(gm_text block, gm_block_rows *rows, gm_error *error);

#endif
