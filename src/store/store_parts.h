// What a store is made of. Internal to the store.
#ifndef GEMEL_STORE_STORE_PARTS_H
#define GEMEL_STORE_STORE_PARTS_H

#include <pthread.h>

#include "base/log.h"
#include "store/database.h"
#include "store/store.h"
#include "store/world_file.h"

enum { GM_FOLDER_MAX = GM_PATH_MAX - 48 }; // leaves room for "/snapshots/" and a file's name

struct gm_store {
    char folder[GM_FOLDER_MAX];
    gm_log log;
    const gm_disk *disk;
    size_t snapshots_kept;
    int lock; // descriptor of the lock file, -1 for none
    pthread_mutex_t snapshots_lock;
    gm_journal *journal;
    gm_world_file *world;
    gm_history *history;
};

/// The snapshots' folder; removes what an interrupted write left behind.
gm_status gm_snapshots_open(gm_store *store, gm_error *error);

/// Loads the names of all series; from here on world.db's thread spills rows that wait for long.
/// @return GM_OK; GM_CORRUPT (the table of series); GM_IO; GM_MEMORY
gm_status gm_history_open(gm_world_file *world, gm_history **history, gm_error *error);

/// Hands what is in memory to world.db's thread, then forgets it. NULL is fine.
void gm_history_close(gm_history *history);

#endif
