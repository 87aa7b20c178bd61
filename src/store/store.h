// A data folder: journal.db, world.db, snapshots/. Formats and guarantees: docs/storage.md.
//
// One process has a folder open at a time. Everything in it is private to the user: folders 0700,
// files 0600.
//
//     gm_store *store = NULL;
//     gm_store_options options = gm_default_store_options();
//     if (gm_store_open("data/plant", &options, &store, &error)) { ... }
//     gm_journal *journal = gm_store_journal(store);
//     gm_history *history = gm_store_history(store);
//     ...
//     gm_store_close(store);
//
// To take a snapshot and let the journal go behind it, in this order:
//     1. gm_history_flush: what the history learned from the journal so far is on disk
//     2. gm_snapshot_write(store, number, ...): the state after record `number`
//     3. gm_snapshot_oldest -> gm_journal_cut(journal, oldest + 1)
#ifndef GEMEL_STORE_STORE_H
#define GEMEL_STORE_STORE_H

#include <gemel/status.h>
#include <stddef.h>

#include "base/log.h"
#include "store/disk.h"

typedef struct gm_store gm_store;
typedef struct gm_journal gm_journal;
typedef struct gm_history gm_history;

typedef struct gm_store_options {
    const char *vfs;       // name of a registered SQLite VFS; NULL for the system's own
    const gm_disk *disk;   // files beside SQLite; NULL for the system's own; must outlive the store
    const gm_log *log;     // copied; NULL logs nothing
    size_t snapshots_kept; // the newest so many stay, >= 1
} gm_store_options;

/// The system's files, no log, three snapshots.
gm_store_options gm_default_store_options(void);

/// Opens a data folder, creating what is missing (the folder itself, not its parents), and takes
/// its lock. Starts two threads: one writes journal.db, one world.db.
/// @param options  NULL for the defaults
/// @param store    out, owned by the caller
/// @return GM_OK; GM_BUSY (another process, or this one, has it open; the error says which); GM_IO;
///         GM_CORRUPT; GM_UNSUPPORTED (written by a newer gemel); GM_MEMORY; GM_INVALID (path too
///         long, no snapshots kept)
gm_status gm_store_open(const char *folder, const gm_store_options *options, gm_store **store,
                        gm_error *error);

/// Writes what waits (one try), stops the threads, releases the lock. NULL is fine. No other thread
/// may use the store or anything got from it any more. What could not be written was never
/// acknowledged; the log says so.
void gm_store_close(gm_store *store);

/// The store's parts; they live as long as the store. Any thread.
gm_journal *gm_store_journal(gm_store *store);
gm_history *gm_store_history(gm_store *store);

#endif
