// A disk in memory that fails, fills up and loses power: an SQLite VFS and the gm_disk beside it.
//
// What a file holds exists twice: as the system shows it, and as it is on the platters. A write
// reaches the platters when its file is synced; a creation, rename or removal when its folder is.
// When the power is cut, each write that was not synced is kept, dropped or torn at 512-byte
// sectors, and names survive as far as a journalling file system had got. A sync that fails may
// drop what it should have written while the system goes on showing it, as Linux does.
//
// All is decided by a seed. Any thread may use the disk. Tests include this file; it is their own.
#ifndef GEMEL_TESTS_STORE_FAULT_VFS_H
#define GEMEL_TESTS_STORE_FAULT_VFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "store/disk.h"

enum {
    FAULT_NAME_SIZE = 160,
    FAULT_FILES = 256,
    FAULT_SECTOR = 512,
    FAULT_SHM_REGIONS = 64,
};

typedef enum fault_kind {
    FAULT_OPEN = 1 << 0,
    FAULT_READ = 1 << 1,
    FAULT_WRITE = 1 << 2,
    FAULT_SYNC = 1 << 3,
    FAULT_TRUNCATE = 1 << 4,
    FAULT_NAMES = 1 << 5, // removal, rename, listing, sync of a folder
    FAULT_ANY = 0x3f,
} fault_kind;

typedef struct fault_bytes {
    unsigned char *data;
    size_t size, capacity;
} fault_bytes;

// A write or truncation that has not been synced.
typedef struct fault_change {
    size_t at, size;
    unsigned char *data; // NULL: the file is truncated to `at`
} fault_change;

typedef struct fault_file fault_file;

typedef struct fault_inode {
    fault_bytes shown, platter;
    fault_change *changes;
    size_t change_count, change_capacity;
    size_t opened; // by how many
    // SQLite's locks on the file
    size_t shared;
    fault_file *reserved, *pending, *exclusive;
    // and its shared memory
    void *shm[FAULT_SHM_REGIONS];
    size_t shm_users, shm_shared[SQLITE_SHM_NLOCK];
    fault_file *shm_exclusive[SQLITE_SHM_NLOCK];
} fault_inode;

typedef struct fault_name {
    char text[FAULT_NAME_SIZE];
    fault_inode *inode; // NULL: free
} fault_name;

// A change of names that has not been synced: `from` disappears, `to` appears; either may be empty.
typedef struct fault_naming {
    char from[FAULT_NAME_SIZE], to[FAULT_NAME_SIZE];
    fault_inode *inode;
} fault_naming;

typedef struct fault_disk {
    sqlite3_vfs vfs;
    gm_disk files;
    char vfs_name[32];
    pthread_mutex_t lock;
    uint64_t random;
    fault_inode *inodes[FAULT_FILES];
    fault_name shown[FAULT_FILES], platter[FAULT_FILES];
    fault_naming namings[FAULT_FILES];
    size_t naming_count;

    uint64_t calls;  // since the disk was made
    uint64_t cut_at; // the call at which the power fails; 0 never
    bool dead;       // until fault_disk_restart
    unsigned fail_kinds;
    uint64_t fail_at, fail_count; // which calls of fail_kinds fail: the fail_at-th and so many more
    uint64_t matching;            // calls of fail_kinds so far
    bool fail_full;               // with SQLITE_FULL where that is possible
    uint64_t failed;              // calls that failed on request
    size_t capacity;              // bytes in all files; 0: no limit
} fault_disk;

struct fault_file {
    sqlite3_file base;
    fault_disk *disk;
    fault_inode *inode;
    char name[FAULT_NAME_SIZE];
    bool delete_on_close, sync_names;
    int level; // of SQLite's file lock
    bool shm_attached;
    unsigned shm_shared, shm_exclusive;
};

// --- chance, bytes, inodes

static inline uint64_t fault_random(uint64_t *state)
{
    uint64_t word = (*state += UINT64_C(0x9e3779b97f4a7c15)); // splitmix64
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

static inline void fault_resize(fault_bytes *bytes, size_t size)
{
    if (size > bytes->capacity) {
        bytes->capacity = size * 2;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL) {
            abort();
        }
    }
    if (size > bytes->size) {
        memset(bytes->data + bytes->size, 0, size - bytes->size);
    }
    bytes->size = size;
}

static inline void fault_write_at(fault_bytes *bytes, size_t at, const void *data, size_t size)
{
    if (at + size > bytes->size) {
        fault_resize(bytes, at + size);
    }
    if (size > 0) {
        memcpy(bytes->data + at, data, size);
    }
}

static inline void fault_apply(fault_inode *inode, const fault_change *change)
{
    if (change->data == NULL) {
        fault_resize(&inode->platter, change->at);
    } else {
        fault_write_at(&inode->platter, change->at, change->data, change->size);
    }
}

static inline void fault_forget_changes(fault_inode *inode)
{
    for (size_t index = 0; index < inode->change_count; index++) {
        free(inode->changes[index].data);
    }
    inode->change_count = 0;
}

static inline void fault_note(fault_inode *inode, size_t at, const void *data, size_t size)
{
    if (inode->change_count == inode->change_capacity) {
        inode->change_capacity = inode->change_capacity * 2 + 16;
        inode->changes = realloc(inode->changes, inode->change_capacity * sizeof *inode->changes);
    }
    fault_change change = { .at = at, .size = size };
    if (data != NULL) {
        change.data = malloc(size > 0 ? size : 1);
        memcpy(change.data, data, size);
    }
    inode->changes[inode->change_count++] = change;
}

static inline void fault_inode_write(fault_inode *inode, size_t at, const void *data, size_t size)
{
    fault_note(inode, at, data, size);
    fault_write_at(&inode->shown, at, data, size);
}

static inline void fault_inode_truncate(fault_inode *inode, size_t size)
{
    fault_note(inode, size, NULL, 0);
    fault_resize(&inode->shown, size);
}

static inline void fault_inode_sync(fault_inode *inode)
{
    for (size_t index = 0; index < inode->change_count; index++) {
        fault_apply(inode, &inode->changes[index]);
    }
    fault_forget_changes(inode);
}

static inline fault_inode *fault_inode_make(fault_disk *disk)
{
    for (size_t index = 0; index < FAULT_FILES; index++) {
        if (disk->inodes[index] == NULL) {
            disk->inodes[index] = calloc(1, sizeof(fault_inode));
            return disk->inodes[index];
        }
    }
    abort();
}

static inline void fault_inode_free(fault_inode *inode)
{
    fault_forget_changes(inode);
    free(inode->changes);
    free(inode->shown.data);
    free(inode->platter.data);
    for (size_t region = 0; region < FAULT_SHM_REGIONS; region++) {
        free(inode->shm[region]);
    }
    free(inode);
}

// --- names

static inline fault_name *fault_find(fault_name names[FAULT_FILES], const char *text)
{
    for (size_t index = 0; index < FAULT_FILES; index++) {
        if (names[index].inode != NULL && strcmp(names[index].text, text) == 0) {
            return &names[index];
        }
    }
    return NULL;
}

static inline void fault_name_apply(fault_name names[FAULT_FILES], const fault_naming *naming)
{
    fault_name *from = fault_find(names, naming->from), *to = fault_find(names, naming->to);
    if (from != NULL) {
        from->inode = NULL;
    }
    for (size_t index = 0; index < FAULT_FILES && to == NULL && naming->to[0] != '\0'; index++) {
        to = names[index].inode == NULL ? &names[index] : NULL;
    }
    if (naming->to[0] != '\0') {
        memcpy(to->text, naming->to, sizeof to->text);
        to->inode = naming->inode;
    }
}

static inline void fault_names_sync(fault_disk *disk)
{
    for (size_t index = 0; index < disk->naming_count; index++) {
        fault_name_apply(disk->platter, &disk->namings[index]);
    }
    disk->naming_count = 0;
}

static inline void fault_rename(fault_disk *disk, const char *from, const char *to,
                                fault_inode *inode)
{
    if (disk->naming_count == FAULT_FILES) {
        fault_names_sync(disk); // a file system commits of itself now and then
    }
    fault_naming *naming = &disk->namings[disk->naming_count++];
    snprintf(naming->from, sizeof naming->from, "%s", from);
    snprintf(naming->to, sizeof naming->to, "%s", to);
    naming->inode = inode;
    fault_name_apply(disk->shown, naming);
}

// --- what goes wrong

typedef enum fault_verdict { FAULT_FINE, FAULT_FAILS, FAULT_FILLS, FAULT_DIES } fault_verdict;

// Called with the lock held, before each call that may fail.
static inline fault_verdict fault_judge(fault_disk *disk, fault_kind kind)
{
    disk->calls++;
    if (disk->dead) {
        return FAULT_FAILS;
    }
    if (disk->cut_at != 0 && disk->calls >= disk->cut_at) {
        disk->dead = true;
        return FAULT_DIES;
    }
    if ((disk->fail_kinds & kind) != 0) {
        disk->matching++;
        if (disk->matching >= disk->fail_at && disk->matching - disk->fail_at < disk->fail_count) {
            disk->failed++;
            return disk->fail_full && (kind & (FAULT_WRITE | FAULT_OPEN)) != 0 ? FAULT_FILLS
                                                                               : FAULT_FAILS;
        }
    }
    return FAULT_FINE;
}

static inline bool fault_is_full(const fault_disk *disk, const fault_inode *inode, size_t end)
{
    if (disk->capacity == 0 || end <= inode->shown.size) {
        return false;
    }
    size_t used = end - inode->shown.size;
    for (size_t index = 0; index < FAULT_FILES; index++) {
        used += disk->inodes[index] != NULL ? disk->inodes[index]->shown.size : 0;
    }
    return used > disk->capacity;
}

// With the lock held. A write that fails may have happened in part.
static inline int fault_write(fault_disk *disk, fault_inode *inode, size_t at, const void *data,
                              size_t size)
{
    fault_verdict verdict = fault_judge(disk, FAULT_WRITE);
    if (verdict == FAULT_FINE && fault_is_full(disk, inode, at + size)) {
        return SQLITE_FULL;
    }
    if (verdict == FAULT_FINE || verdict == FAULT_DIES) {
        fault_inode_write(inode, at, data, size);
    } else if (!disk->dead && size > 1) {
        fault_inode_write(inode, at, data, size / 2);
    }
    return verdict == FAULT_FINE    ? SQLITE_OK
           : verdict == FAULT_FILLS ? SQLITE_FULL
                                    : SQLITE_IOERR_WRITE;
}

static inline int fault_sync(fault_disk *disk, fault_inode *inode)
{
    fault_verdict verdict = fault_judge(disk, FAULT_SYNC);
    if (verdict == FAULT_FINE) {
        fault_inode_sync(inode);
        return SQLITE_OK;
    }
    if (verdict != FAULT_DIES && !disk->dead && fault_random(&disk->random) % 2 == 0) {
        fault_forget_changes(inode); // shown, but never to be written
    }
    return SQLITE_IOERR_FSYNC;
}

// --- SQLite's file methods

static inline int fault_close_file(sqlite3_file *base)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    file->inode->opened--;
    if (file->delete_on_close && file->name[0] != '\0') {
        fault_rename(file->disk, file->name, "", NULL);
    }
    pthread_mutex_unlock(&file->disk->lock);
    return SQLITE_OK;
}

static inline int fault_read_file(sqlite3_file *base, void *data, int size, sqlite3_int64 at)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    int result = SQLITE_IOERR_READ;
    if (fault_judge(file->disk, FAULT_READ) == FAULT_FINE) {
        const fault_bytes *shown = &file->inode->shown;
        size_t there = (size_t)at < shown->size ? shown->size - (size_t)at : 0;
        size_t got = there < (size_t)size ? there : (size_t)size;
        if (got > 0) {
            memcpy(data, shown->data + at, got);
        }
        memset((char *)data + got, 0, (size_t)size - got);
        result = got == (size_t)size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
    }
    pthread_mutex_unlock(&file->disk->lock);
    return result;
}

static inline int fault_write_file(sqlite3_file *base, const void *data, int size, sqlite3_int64 at)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    int result = fault_write(file->disk, file->inode, (size_t)at, data, (size_t)size);
    pthread_mutex_unlock(&file->disk->lock);
    return result;
}

static inline int fault_truncate_file(sqlite3_file *base, sqlite3_int64 size)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    fault_verdict verdict = fault_judge(file->disk, FAULT_TRUNCATE);
    if (verdict == FAULT_FINE || verdict == FAULT_DIES) {
        fault_inode_truncate(file->inode, (size_t)size);
    }
    pthread_mutex_unlock(&file->disk->lock);
    return verdict == FAULT_FINE ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static inline int fault_sync_file(sqlite3_file *base, int flags)
{
    (void)flags;
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    int result = fault_sync(file->disk, file->inode);
    if (result == SQLITE_OK && file->sync_names) {
        fault_names_sync(file->disk); // as SQLite's own VFS does once for a new journal
        file->sync_names = false;
    }
    pthread_mutex_unlock(&file->disk->lock);
    return result;
}

static inline int fault_size_of_file(sqlite3_file *base, sqlite3_int64 *size)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    *size = (sqlite3_int64)file->inode->shown.size;
    pthread_mutex_unlock(&file->disk->lock);
    return SQLITE_OK;
}

static inline int fault_lock_file(sqlite3_file *base, int level)
{
    fault_file *file = (fault_file *)base;
    fault_inode *inode = file->inode;
    pthread_mutex_lock(&file->disk->lock);
    int result = SQLITE_OK;
    if (level == SQLITE_LOCK_SHARED && file->level < level) {
        result = inode->pending != NULL || inode->exclusive != NULL ? SQLITE_BUSY : SQLITE_OK;
        inode->shared += result == SQLITE_OK;
    } else if (level == SQLITE_LOCK_RESERVED && file->level < level) {
        result = inode->reserved != NULL ? SQLITE_BUSY : SQLITE_OK;
        inode->reserved = result == SQLITE_OK ? file : inode->reserved;
    } else if (level == SQLITE_LOCK_EXCLUSIVE && file->level < level) {
        bool taken = inode->pending != NULL && inode->pending != file;
        taken = taken || (inode->reserved != NULL && inode->reserved != file);
        inode->pending = taken ? inode->pending : file;
        result = taken || inode->shared > 1 ? SQLITE_BUSY : SQLITE_OK;
        inode->exclusive = result == SQLITE_OK ? file : inode->exclusive;
    }
    if (result == SQLITE_OK && file->level < level) {
        file->level = level;
    }
    pthread_mutex_unlock(&file->disk->lock);
    return result;
}

static inline int fault_unlock_file(sqlite3_file *base, int level)
{
    fault_file *file = (fault_file *)base;
    fault_inode *inode = file->inode;
    pthread_mutex_lock(&file->disk->lock);
    inode->reserved = inode->reserved == file ? NULL : inode->reserved;
    inode->pending = inode->pending == file ? NULL : inode->pending;
    inode->exclusive = inode->exclusive == file ? NULL : inode->exclusive;
    if (level == SQLITE_LOCK_NONE && file->level >= SQLITE_LOCK_SHARED) {
        inode->shared--;
    }
    file->level = level < file->level ? level : file->level;
    pthread_mutex_unlock(&file->disk->lock);
    return SQLITE_OK;
}

static inline int fault_check_reserved(sqlite3_file *base, int *reserved)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    *reserved = file->inode->reserved != NULL || file->inode->exclusive != NULL;
    pthread_mutex_unlock(&file->disk->lock);
    return SQLITE_OK;
}

static inline int fault_control_file(sqlite3_file *base, int operation, void *argument)
{
    (void)base;
    (void)operation;
    (void)argument;
    return SQLITE_NOTFOUND;
}

static inline int fault_sector_size(sqlite3_file *base)
{
    (void)base;
    return FAULT_SECTOR;
}

static inline int fault_characteristics(sqlite3_file *base)
{
    (void)base;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static inline int fault_shm_map(sqlite3_file *base, int region, int size, int extend,
                                void volatile **memory)
{
    fault_file *file = (fault_file *)base;
    if (region >= FAULT_SHM_REGIONS) {
        return SQLITE_IOERR_SHMMAP;
    }
    pthread_mutex_lock(&file->disk->lock);
    if (!file->shm_attached) {
        file->shm_attached = true;
        file->inode->shm_users++;
    }
    void **place = &file->inode->shm[region];
    if (*place == NULL && extend) {
        *place = calloc(1, (size_t)size);
    }
    *memory = *place;
    pthread_mutex_unlock(&file->disk->lock);
    return SQLITE_OK;
}

static inline bool fault_shm_taken(const fault_file *file, int slot, bool exclusive)
{
    const fault_inode *inode = file->inode;
    bool own = (file->shm_shared & (1U << slot)) != 0;
    return (inode->shm_exclusive[slot] != NULL && inode->shm_exclusive[slot] != file) ||
           (exclusive && inode->shm_shared[slot] > (own ? 1U : 0U));
}

static inline void fault_shm_set(fault_file *file, int slot, int flags)
{
    fault_inode *inode = file->inode;
    unsigned bit = 1U << slot;
    if ((flags & SQLITE_SHM_UNLOCK) != 0) {
        inode->shm_shared[slot] -= (file->shm_shared & bit) != 0;
        file->shm_shared &= ~bit;
        if (inode->shm_exclusive[slot] == file) {
            inode->shm_exclusive[slot] = NULL;
        }
    } else if ((flags & SQLITE_SHM_SHARED) != 0) {
        inode->shm_shared[slot] += (file->shm_shared & bit) == 0;
        file->shm_shared |= bit;
    } else {
        inode->shm_exclusive[slot] = file;
    }
}

static inline int fault_shm_lock(sqlite3_file *base, int offset, int count, int flags)
{
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    int result = SQLITE_OK;
    for (int slot = offset; slot < offset + count && (flags & SQLITE_SHM_LOCK) != 0; slot++) {
        if (fault_shm_taken(file, slot, (flags & SQLITE_SHM_EXCLUSIVE) != 0)) {
            result = SQLITE_BUSY;
        }
    }
    for (int slot = offset; slot < offset + count && result == SQLITE_OK; slot++) {
        fault_shm_set(file, slot, flags);
    }
    pthread_mutex_unlock(&file->disk->lock);
    return result;
}

static inline void fault_shm_barrier(sqlite3_file *base)
{
    // the lock orders memory for sanitizers too
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    pthread_mutex_unlock(&file->disk->lock);
}

static inline int fault_shm_unmap(sqlite3_file *base, int delete)
{
    (void)delete;
    fault_file *file = (fault_file *)base;
    pthread_mutex_lock(&file->disk->lock);
    if (file->shm_attached) {
        file->shm_attached = false;
        for (int slot = 0; slot < SQLITE_SHM_NLOCK; slot++) {
            fault_shm_set(file, slot, SQLITE_SHM_UNLOCK);
        }
        file->inode->shm_users--;
        for (size_t region = 0; region < FAULT_SHM_REGIONS && file->inode->shm_users == 0;
             region++) {
            free(file->inode->shm[region]);
            file->inode->shm[region] = NULL;
        }
    }
    pthread_mutex_unlock(&file->disk->lock);
    return SQLITE_OK;
}

static const sqlite3_io_methods fault_methods = {
    .iVersion = 2,
    .xClose = fault_close_file,
    .xRead = fault_read_file,
    .xWrite = fault_write_file,
    .xTruncate = fault_truncate_file,
    .xSync = fault_sync_file,
    .xFileSize = fault_size_of_file,
    .xLock = fault_lock_file,
    .xUnlock = fault_unlock_file,
    .xCheckReservedLock = fault_check_reserved,
    .xFileControl = fault_control_file,
    .xSectorSize = fault_sector_size,
    .xDeviceCharacteristics = fault_characteristics,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

// --- SQLite's VFS

static inline int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *base, int flags,
                             int *out_flags)
{
    fault_disk *disk = vfs->pAppData;
    fault_file *file = (fault_file *)base;
    *file = (fault_file){ .disk = disk };
    snprintf(file->name, sizeof file->name, "%s", name != NULL ? name : "");
    pthread_mutex_lock(&disk->lock);
    int result = fault_judge(disk, FAULT_OPEN) == FAULT_FINE ? SQLITE_OK : SQLITE_CANTOPEN;
    fault_name *found = name != NULL ? fault_find(disk->shown, name) : NULL;
    if (result == SQLITE_OK && found == NULL && (flags & SQLITE_OPEN_CREATE) == 0) {
        result = SQLITE_CANTOPEN;
    }
    if (result == SQLITE_OK) {
        file->inode = found != NULL ? found->inode : fault_inode_make(disk);
        file->inode->opened++;
        file->delete_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
        file->sync_names = (flags & SQLITE_OPEN_CREATE) != 0 &&
                           (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
        if (found == NULL && name != NULL) {
            fault_rename(disk, "", name, file->inode);
        }
        base->pMethods = &fault_methods;
    }
    pthread_mutex_unlock(&disk->lock);
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return result;
}

static inline int fault_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    fault_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    int result = SQLITE_IOERR_DELETE;
    if (fault_judge(disk, FAULT_NAMES) == FAULT_FINE) {
        result = SQLITE_IOERR_DELETE_NOENT;
        if (fault_find(disk->shown, name) != NULL) {
            fault_rename(disk, name, "", NULL);
            result = SQLITE_OK;
        }
        if (sync) {
            fault_names_sync(disk);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return result;
}

static inline int fault_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
    fault_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    const fault_name *found = fault_find(disk->shown, name);
    // as SQLite's own: an empty file does not count as there
    *result = found != NULL && (flags != SQLITE_ACCESS_EXISTS || found->inode->shown.size > 0);
    pthread_mutex_unlock(&disk->lock);
    return SQLITE_OK;
}

static inline int fault_full_path(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
    (void)vfs;
    snprintf(path, (size_t)size, "%s", name);
    return SQLITE_OK;
}

static inline int fault_randomness(sqlite3_vfs *vfs, int size, char *bytes)
{
    fault_disk *disk = vfs->pAppData;
    pthread_mutex_lock(&disk->lock);
    for (int index = 0; index < size; index++) {
        bytes[index] = (char)fault_random(&disk->random);
    }
    pthread_mutex_unlock(&disk->lock);
    return size;
}

static inline int fault_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    usleep(
        (useconds_t)microseconds); // SQLite waits for other threads so, a bounded number of times
    return microseconds;
}

static inline int fault_time(sqlite3_vfs *vfs, sqlite3_int64 *time_ms)
{
    (void)vfs;
    *time_ms = INT64_C(212000000000000);
    return SQLITE_OK;
}

// --- gm_disk

static inline gm_status fault_files_write(void *context, const char *path,
                                          const gm_disk_piece *pieces, size_t count,
                                          gm_error *error)
{
    fault_disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    int result = fault_judge(disk, FAULT_OPEN) == FAULT_FINE ? SQLITE_OK : SQLITE_CANTOPEN;
    if (result == SQLITE_OK) {
        fault_name *found = fault_find(disk->shown, path);
        fault_inode *inode = found != NULL ? found->inode : fault_inode_make(disk);
        if (found == NULL) {
            fault_rename(disk, "", path, inode);
        }
        fault_inode_truncate(inode, 0);
        size_t at = 0;
        for (size_t index = 0; index < count && result == SQLITE_OK; index++) {
            result = fault_write(disk, inode, at, pieces[index].bytes, pieces[index].size);
            at += pieces[index].size;
        }
        if (result == SQLITE_OK) {
            result = fault_sync(disk, inode);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return result == SQLITE_OK ? GM_OK : gm_error_set(error, GM_IO, "writing %s: fault", path);
}

static inline gm_status fault_files_read(void *context, const char *path, size_t limit,
                                         void **bytes, size_t *size, gm_error *error)
{
    fault_disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    gm_status status = fault_judge(disk, FAULT_READ) == FAULT_FINE ? GM_OK : GM_IO;
    const fault_name *found = fault_find(disk->shown, path);
    if (status == GM_OK && found == NULL) {
        status = GM_NOT_FOUND;
    } else if (status == GM_OK && found->inode->shown.size > limit) {
        status = GM_LIMIT;
    } else if (status == GM_OK) {
        *size = found->inode->shown.size;
        *bytes = gm_memory_new(*size, 1);
        if (*size > 0) {
            memcpy(*bytes, found->inode->shown.data, *size);
        }
    }
    pthread_mutex_unlock(&disk->lock);
    return status == GM_OK ? GM_OK : gm_error_set(error, status, "reading %s: fault", path);
}

static inline gm_status fault_files_rename(void *context, const char *from, const char *to,
                                           gm_error *error)
{
    fault_disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    fault_verdict verdict = fault_judge(disk, FAULT_NAMES);
    const fault_name *found = fault_find(disk->shown, from);
    bool fine = found != NULL && verdict == FAULT_FINE;
    if (found != NULL && (fine || verdict == FAULT_DIES)) {
        fault_rename(disk, from, to, found->inode);
    }
    pthread_mutex_unlock(&disk->lock);
    return fine ? GM_OK : gm_error_set(error, GM_IO, "renaming %s: fault", from);
}

static inline gm_status fault_files_touch(void *context, const char *path, gm_error *error)
{
    fault_disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    bool fine = fault_judge(disk, FAULT_OPEN) == FAULT_FINE;
    if (fine && fault_find(disk->shown, path) == NULL) {
        fault_rename(disk, "", path, fault_inode_make(disk));
    }
    pthread_mutex_unlock(&disk->lock);
    return fine ? GM_OK : gm_error_set(error, GM_IO, "creating %s: fault", path);
}

static inline gm_status fault_files_remove(void *context, const char *path, gm_error *error)
{
    fault_disk *disk = context;
    return fault_delete(&disk->vfs, path, 0) == SQLITE_OK
               ? GM_OK
               : gm_error_set(error, GM_IO, "removing %s: fault", path);
}

static inline gm_status fault_files_list(void *context, const char *folder, gm_disk_visit *visit,
                                         void *visit_context, gm_error *error)
{
    fault_disk *disk = context;
    static _Thread_local fault_name names[FAULT_FILES];
    pthread_mutex_lock(&disk->lock);
    bool fine = fault_judge(disk, FAULT_NAMES) == FAULT_FINE;
    memcpy(names, disk->shown, sizeof names);
    pthread_mutex_unlock(&disk->lock);
    if (!fine) {
        return gm_error_set(error, GM_IO, "listing %s: fault", folder);
    }
    size_t size = strlen(folder);
    for (size_t index = 0; index < FAULT_FILES; index++) {
        const char *name = names[index].text;
        if (names[index].inode != NULL && strncmp(name, folder, size) == 0 && name[size] == '/') {
            visit(visit_context, name + size + 1);
        }
    }
    return GM_OK;
}

static inline gm_status fault_files_sync(void *context, const char *folder, gm_error *error)
{
    fault_disk *disk = context;
    pthread_mutex_lock(&disk->lock);
    bool fine = fault_judge(disk, FAULT_NAMES) == FAULT_FINE;
    if (fine) {
        fault_names_sync(disk);
    }
    pthread_mutex_unlock(&disk->lock);
    return fine ? GM_OK : gm_error_set(error, GM_IO, "syncing %s: fault", folder);
}

// --- the disk as a whole

/// Makes an empty disk and registers its VFS under `name`, which must be new.
static inline fault_disk *fault_disk_create(const char *name, uint64_t seed)
{
    fault_disk *disk = calloc(1, sizeof *disk);
    snprintf(disk->vfs_name, sizeof disk->vfs_name, "%s", name);
    disk->random = seed;
    pthread_mutex_init(&disk->lock, NULL);
    disk->vfs = (sqlite3_vfs){ .iVersion = 2,
                               .szOsFile = sizeof(fault_file),
                               .mxPathname = FAULT_NAME_SIZE - 1,
                               .zName = disk->vfs_name,
                               .pAppData = disk,
                               .xOpen = fault_open,
                               .xDelete = fault_delete,
                               .xAccess = fault_access,
                               .xFullPathname = fault_full_path,
                               .xRandomness = fault_randomness,
                               .xSleep = fault_sleep,
                               .xCurrentTimeInt64 = fault_time };
    disk->files = (gm_disk){ .context = disk,
                             .write_file = fault_files_write,
                             .read_file = fault_files_read,
                             .touch_file = fault_files_touch,
                             .rename_file = fault_files_rename,
                             .remove_file = fault_files_remove,
                             .list_folder = fault_files_list,
                             .sync_folder = fault_files_sync };
    sqlite3_vfs_register(&disk->vfs, 0);
    return disk;
}

static inline void fault_disk_close(fault_disk *disk)
{
    sqlite3_vfs_unregister(&disk->vfs);
    for (size_t index = 0; index < FAULT_FILES; index++) {
        if (disk->inodes[index] != NULL) {
            fault_inode_free(disk->inodes[index]);
        }
    }
    pthread_mutex_destroy(&disk->lock);
    free(disk);
}

static inline void fault_survive(fault_disk *disk, fault_inode *inode, uint64_t mood)
{
    for (size_t index = 0; index < inode->change_count; index++) {
        const fault_change *change = &inode->changes[index];
        uint64_t fate = mood < 2 ? mood : fault_random(&disk->random) % 3;
        if (fate == 1 || (fate == 2 && change->data == NULL)) {
            fault_apply(inode, change);
        }
        // torn: sectors arrive or not, each for itself
        for (size_t at = 0; fate == 2 && at < change->size;) {
            size_t end = (change->at + at) / FAULT_SECTOR * FAULT_SECTOR + FAULT_SECTOR;
            size_t size = end - change->at - at;
            size = size < change->size - at ? size : change->size - at;
            if (fault_random(&disk->random) % 2 == 0) {
                fault_write_at(&inode->platter, change->at + at, change->data + at, size);
            }
            at += size;
        }
    }
    fault_forget_changes(inode);
    fault_resize(&inode->shown, inode->platter.size);
    if (inode->platter.size > 0) {
        memcpy(inode->shown.data, inode->platter.data, inode->platter.size);
    }
}

/// After the power was cut and everything was closed: decides what survived, and works again.
static inline void fault_disk_restart(fault_disk *disk)
{
    uint64_t mood = fault_random(&disk->random) % 4; // nothing, all, or each for itself
    size_t kept = disk->naming_count > 0
                      ? (size_t)(fault_random(&disk->random) % (disk->naming_count + 1))
                      : 0;
    disk->naming_count = kept;
    fault_names_sync(disk);
    memcpy(disk->shown, disk->platter, sizeof disk->shown);
    for (size_t index = 0; index < FAULT_FILES; index++) {
        fault_inode *inode = disk->inodes[index];
        if (inode == NULL) {
            continue;
        }
        bool named = false;
        for (size_t name = 0; name < FAULT_FILES; name++) {
            named = named || disk->shown[name].inode == inode;
        }
        if (inode->opened > 0) {
            abort(); // a file is still open: the test's mistake
        }
        if (named) {
            fault_survive(disk, inode, mood);
        } else {
            fault_inode_free(inode);
            disk->inodes[index] = NULL;
        }
    }
    disk->dead = false;
    disk->cut_at = 0;
}

/// After the process died but the system lives: everything shown is still shown, synced or not.
static inline void fault_disk_revive(fault_disk *disk)
{
    disk->dead = false;
    disk->cut_at = 0;
}

/// The power fails at the `count`-th call from now, 1 for the next.
static inline void fault_disk_cut_after(fault_disk *disk, uint64_t count)
{
    pthread_mutex_lock(&disk->lock);
    disk->cut_at = disk->calls + count;
    pthread_mutex_unlock(&disk->lock);
}

static inline bool fault_disk_is_dead(fault_disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    bool dead = disk->dead;
    pthread_mutex_unlock(&disk->lock);
    return dead;
}

/// Calls that failed by order since the last order.
static inline uint64_t fault_disk_failed(fault_disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    uint64_t failed = disk->failed;
    pthread_mutex_unlock(&disk->lock);
    return failed;
}

static inline void fault_disk_die(fault_disk *disk)
{
    pthread_mutex_lock(&disk->lock);
    disk->dead = true;
    pthread_mutex_unlock(&disk->lock);
}

/// The `at`-th call of `kinds` from now fails, and `count` - 1 more. At 0 none does.
static inline void fault_disk_fail(fault_disk *disk, unsigned kinds, uint64_t at, uint64_t count)
{
    pthread_mutex_lock(&disk->lock);
    disk->fail_kinds = at > 0 ? kinds : 0;
    disk->fail_at = at;
    disk->fail_count = count;
    disk->matching = 0;
    disk->failed = 0;
    pthread_mutex_unlock(&disk->lock);
}

/// Bytes that fit in all; 0 for no limit.
static inline void fault_disk_set_capacity(fault_disk *disk, size_t capacity)
{
    pthread_mutex_lock(&disk->lock);
    disk->capacity = capacity;
    pthread_mutex_unlock(&disk->lock);
}

#endif
