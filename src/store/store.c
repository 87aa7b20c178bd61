// A data folder as a whole: made, locked, opened and closed.

#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/journal_file.h"
#include "store/store_parts.h"

enum { LOCK_TEXT_SIZE = 32 };

gm_store_options gm_default_store_options(void)
{
    return (gm_store_options){ .snapshots_kept = 3 };
}

static gm_status refused(gm_error *error, const char *doing, const char *path)
{
    char text[128];
    return gm_error_set(error, GM_IO, "%s %s: %s", doing, path,
                        strerror_r(errno, text, sizeof text));
}

static gm_status make_folder(const char *path, gm_error *error)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return GM_OK;
    }
    return refused(error, "making folder", path);
}

// The folder's own name is durable only when its parent is synced. A process may have been killed
// between making and syncing, so this is done every time; a parent that may not be read is an error
// only for somebody who needs it.
static gm_status make_data_folder(const char *path, gm_error *error)
{
    bool was_there = access(path, F_OK) == 0;
    gm_status status = make_folder(path, error);
    if (status != GM_OK) {
        return status;
    }
    char parent[GM_FOLDER_MAX + 8];
    snprintf(parent, sizeof parent, "%s/..", path);
    const gm_disk *disk = gm_disk_system();
    status = disk->sync_folder(disk->context, parent, was_there ? NULL : error);
    return was_there ? GM_OK : status;
}

// The lock goes with the open file, so a process that dies leaves none behind.
static gm_status take_lock(gm_store *store, gm_error *error)
{
    char path[GM_PATH_MAX];
    snprintf(path, sizeof path, "%s/lock", store->folder);
    store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock < 0) {
        return refused(error, "opening", path);
    }
    char text[LOCK_TEXT_SIZE] = { 0 };
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return refused(error, "locking", path);
        }
        ssize_t size = pread(store->lock, text, sizeof text - 1, 0);
        const char *holder = size > 0 ? text : "unknown";
        return gm_error_set(error, GM_BUSY,
                            "%s is in use by process %s; stop that process or choose another data "
                            "folder",
                            store->folder, holder);
    }
    int size = snprintf(text, sizeof text, "%ld", (long)getpid());
    if (ftruncate(store->lock, 0) != 0 || pwrite(store->lock, text, (size_t)size, 0) < 0) {
        // a full disk: the lock holds all the same, only without a name
        gm_log_write(&store->log, GM_LOG_WARNING, "store", "%s does not say who holds it", path);
    }
    return GM_OK;
}

static gm_status open_journal(gm_store *store, const char *vfs, gm_error *error)
{
    char path[GM_PATH_MAX];
    snprintf(path, sizeof path, "%s/journal.db", store->folder);
    gm_database_place place = { .path = path, .vfs = vfs };
    // SQLite would create it readable by all; its companions take the mode from it
    gm_status status = store->disk->touch_file(store->disk->context, path, error);
    return status != GM_OK ? status : gm_journal_open(&place, &store->log, &store->journal, error);
}

static gm_status open_world(gm_store *store, const char *vfs, gm_error *error)
{
    char path[GM_PATH_MAX];
    snprintf(path, sizeof path, "%s/world.db", store->folder);
    gm_database_place place = { .path = path, .vfs = vfs };
    gm_status status = store->disk->touch_file(store->disk->context, path, error);
    if (status == GM_OK) {
        status = gm_world_file_open(&place, &store->log, &store->world, error);
    }
    if (status == GM_OK) {
        status = gm_history_open(store->world, &store->history, error);
    }
    return status;
}

static gm_status open_folder(gm_store *store, gm_error *error)
{
    char snapshots[GM_PATH_MAX];
    snprintf(snapshots, sizeof snapshots, "%s/snapshots", store->folder);
    gm_status status = make_data_folder(store->folder, error);
    if (status == GM_OK) {
        status = take_lock(store, error);
    }
    if (status == GM_OK) {
        status = make_folder(snapshots, error);
    }
    return status == GM_OK ? gm_snapshots_open(store, error) : status;
}

gm_status gm_store_open(const char *folder, const gm_store_options *options, gm_store **store,
                        gm_error *error)
{
    gm_store_options chosen = options != NULL ? *options : gm_default_store_options();
    if (folder[0] == '\0' || strlen(folder) >= GM_FOLDER_MAX) {
        return gm_error_set(error, GM_INVALID, "a data folder's path must be 1 to %d bytes",
                            GM_FOLDER_MAX - 1);
    }
    if (chosen.snapshots_kept == 0) {
        return gm_error_set(error, GM_INVALID, "at least one snapshot must be kept");
    }
    gm_store *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to open %s", folder);
    }
    snprintf(made->folder, sizeof made->folder, "%s", folder);
    made->log = chosen.log != NULL ? *chosen.log : (gm_log){ 0 };
    made->disk = chosen.disk != NULL ? chosen.disk : gm_disk_system();
    made->snapshots_kept = chosen.snapshots_kept;
    made->lock = -1;
    pthread_mutex_init(&made->snapshots_lock, NULL);
    gm_status status = open_folder(made, error);
    if (status == GM_OK) {
        status = open_journal(made, chosen.vfs, error);
    }
    if (status == GM_OK) {
        status = open_world(made, chosen.vfs, error);
    }
    if (status == GM_OK) {
        status = made->disk->sync_folder(made->disk->context, made->folder, error);
    }
    if (status != GM_OK) {
        gm_store_close(made);
        return status;
    }
    *store = made;
    return GM_OK;
}

void gm_store_close(gm_store *store)
{
    if (store == NULL) {
        return;
    }
    gm_history_close(store->history);
    gm_world_file_close(store->world);
    gm_journal_close(store->journal);
    if (store->lock >= 0) {
        close(store->lock);
    }
    pthread_mutex_destroy(&store->snapshots_lock);
    gm_memory_free(store);
}

gm_journal *gm_store_journal(gm_store *store)
{
    return store->journal;
}

gm_history *gm_store_history(gm_store *store)
{
    return store->history;
}
