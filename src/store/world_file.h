// world.db: one thread that writes what is handed to it as records, one connection that reads.
// Internal to the store; the history and the catalogue stand on it.
#ifndef GEMEL_STORE_WORLD_FILE_H
#define GEMEL_STORE_WORLD_FILE_H

#include <gemel/status.h>

#include "store/database.h"
#include "store/group_commit.h"

typedef struct gm_world_file gm_world_file;

/// Kinds of record and their fields, packed in this order: i64, f64 as i64 bits, text (gm_pack).
typedef enum gm_world_kind {
    GM_WORLD_SERIES = 1, // id, branch, name, columns, unit
    GM_WORLD_SPAN,       // id, longest time between a block's first and last row
    GM_WORLD_BLOCK,      // id, series, first, last and first knowledge time, rows, hash, bytes
    GM_WORLD_PUT,        // key, bytes
    GM_WORLD_REMOVE,     // key
    GM_WORLD_EVENT,      // id, branch, subject, kind, start, end, knowledge time, size, text
    GM_WORLD_KINDS,
} gm_world_kind;

/// Opens or makes world.db and starts its thread.
/// @return as gm_database_open_writer
gm_status gm_world_file_open(const gm_database_place *place, const gm_log *log,
                             gm_world_file **file, gm_error *error);

/// Commits what waits (one try) and closes. NULL is fine.
void gm_world_file_close(gm_world_file *file);

/// Where records go in. Any thread.
gm_group *gm_world_file_group(gm_world_file *file);

/// Has `rest` called by the writing thread (see gm_group_work). NULL ends that; when this returns,
/// the earlier one is not running any more.
void gm_world_file_on_rest(gm_world_file *file, void (*rest)(void *context), void *context);

/// Lends the reading connection to one thread at a time.
sqlite3 *gm_world_file_lock_reader(gm_world_file *file);
void gm_world_file_unlock_reader(gm_world_file *file);

#endif
