// SQLite behind the few steps the store takes: open, prepare, run, statuses. Internal to the store.
#ifndef GEMEL_STORE_DATABASE_H
#define GEMEL_STORE_DATABASE_H

#include <gemel/status.h>
#include <sqlite3.h>
#include <stdint.h>

enum {
    GM_PATH_MAX = 1024,
    GM_DATABASE_CHECKPOINT_PAGES = 2000, // write-ahead log pages before they go to the main file
};

/// Where a database is and how to reach it.
typedef struct gm_database_place {
    const char *path;
    const char *vfs; // NULL for the system's
} gm_database_place;

/// Turns an SQLite result into a status and a sentence. SQLITE_OK, SQLITE_ROW, SQLITE_DONE: GM_OK.
/// @param what  what was being done: "writing"
gm_status gm_database_status(sqlite3 *database, int result, const char *what, gm_error *error);

/// Opens the one connection that writes and checkpoints: WAL, synchronous=FULL, checkpoints only
/// when gm_database_checkpoint asks. Makes the tables when the file is new.
/// @param schema  statements for a new file
/// @return also GM_UNSUPPORTED: the file is not gemel's or from a newer one; GM_CORRUPT
gm_status gm_database_open_writer(const gm_database_place *place, const char *schema,
                                  sqlite3 **database, gm_error *error);

/// Opens a connection that only reads and leaves checkpoints alone. One thread at a time.
gm_status gm_database_open_reader(const gm_database_place *place, sqlite3 **database,
                                  gm_error *error);

/// Runs statements that give no rows, or whose rows do not matter.
gm_status gm_database_run(sqlite3 *database, const char *statements, gm_error *error);

/// Prepares a statement that stays: finalize it before closing.
gm_status gm_database_prepare(sqlite3 *database, const char *text, sqlite3_stmt **statement,
                              gm_error *error);

/// Steps a statement that gives no rows, and resets it.
gm_status gm_database_step(sqlite3 *database, sqlite3_stmt *statement, gm_error *error);

/// Moves the write-ahead log into the main file when it has grown long. Best effort: what fails now
/// is done next time, and nothing committed depends on it.
void gm_database_checkpoint(sqlite3 *database, int log_pages);

#endif
