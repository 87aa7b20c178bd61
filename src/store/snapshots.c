// Snapshot files. A file is a header of 48 bytes and the state: see docs/storage.md.

#include "store/snapshots.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "codec/pack.h"
#include "store/store_parts.h"

enum {
    HEADER_SIZE = 48,
    HASHED_SIZE = 40, // the header without its own hash
    FORMAT = 1,
    FILES_MAX = 1024, // snapshots in a folder
    NAME_SIZE = 26,   // twenty digits, ".snap"
    DIGITS = 20,
};

static const char magic[] = "GMSNAP\r\n"; // the line end shows a copy in text mode

typedef struct file_list {
    uint64_t numbers[FILES_MAX]; // rising once `list_snapshots` is done
    size_t count;
    bool too_many;
} file_list;

static void path_of(const gm_store *store, uint64_t number, const char *ending,
                    char path[GM_PATH_MAX])
{
    snprintf(path, GM_PATH_MAX, "%s/snapshots/%020" PRIu64 "%s", store->folder, number, ending);
}

static void folder_of(const gm_store *store, char path[GM_PATH_MAX])
{
    snprintf(path, GM_PATH_MAX, "%s/snapshots", store->folder);
}

// Takes "00000000000000000042.snap"; anything else is not ours.
static bool number_of(const char *name, const char *ending, uint64_t *number)
{
    uint64_t value = 0;
    for (int digit = 0; digit < DIGITS; digit++) {
        if (name[digit] < '0' || name[digit] > '9') {
            return false;
        }
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(name[digit] - '0'), &value)) {
            return false;
        }
    }
    *number = value;
    return strcmp(name + DIGITS, ending) == 0;
}

static void add_snapshot(void *context, const char *name)
{
    file_list *files = context;
    uint64_t number;
    if (!number_of(name, ".snap", &number)) {
        return;
    }
    if (files->count == FILES_MAX) {
        files->too_many = true;
        return;
    }
    files->numbers[files->count++] = number;
}

static int by_number(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static gm_status list_snapshots(gm_store *store, file_list *files, gm_error *error)
{
    char folder[GM_PATH_MAX];
    folder_of(store, folder);
    *files = (file_list){ 0 };
    gm_status status =
        store->disk->list_folder(store->disk->context, folder, add_snapshot, files, error);
    if (status == GM_OK && files->too_many) {
        return gm_error_set(error, GM_LIMIT, "%s holds more than %d snapshots; remove some", folder,
                            FILES_MAX);
    }
    qsort(files->numbers, files->count, sizeof files->numbers[0], by_number);
    return status;
}

static void make_header(unsigned char header[HEADER_SIZE], uint64_t number, gm_text state)
{
    unsigned char *at = header;
    uint64_t fields[4] = { FORMAT, number, state.size, gm_hash(state.data, state.size, number) };
    memcpy(at, magic, 8);
    for (int byte = 0; byte < 32; byte++) {
        at[8 + byte] = (unsigned char)(fields[byte / 8] >> (8 * (byte % 8)));
    }
    uint64_t hash = gm_hash(header, HASHED_SIZE, 0);
    for (int byte = 0; byte < 8; byte++) {
        at[HASHED_SIZE + byte] = (unsigned char)(hash >> (8 * byte));
    }
}

// Is it the snapshot that its name says, as it was written?
static gm_status check_file(const char *path, uint64_t number, gm_text file, gm_error *error)
{
    gm_unpack header = gm_unpack_of(file.data, file.size);
    gm_text start = gm_unpack_bytes(&header, 8);
    uint64_t format = gm_unpack_u64(&header), named = gm_unpack_u64(&header);
    uint64_t size = gm_unpack_u64(&header), hash = gm_unpack_u64(&header);
    uint64_t own_hash = gm_unpack_u64(&header);
    if (header.failed || memcmp(start.data, magic, 8) != 0 ||
        own_hash != gm_hash(file.data, HASHED_SIZE, 0)) {
        return gm_error_set(error, GM_CORRUPT, "%s: its header is damaged", path);
    }
    if (format != FORMAT) {
        return gm_error_set(error, GM_UNSUPPORTED, "%s: written by a newer gemel", path);
    }
    if (named != number || size != header.left || hash != gm_hash(header.at, header.left, number)) {
        return gm_error_set(error, GM_CORRUPT, "%s: its bytes are not those written", path);
    }
    return GM_OK;
}

static gm_status read_snapshot(gm_store *store, uint64_t number, void **bytes, size_t *size,
                               gm_error *error)
{
    char path[GM_PATH_MAX];
    path_of(store, number, ".snap", path);
    void *file = NULL;
    size_t file_size = 0;
    gm_status status = store->disk->read_file(
        store->disk->context, path, GM_SNAPSHOT_SIZE_MAX + HEADER_SIZE, &file, &file_size, error);
    if (status != GM_OK) {
        return status;
    }
    status = check_file(path, number, (gm_text){ file, file_size }, error);
    if (status != GM_OK) {
        gm_memory_free(file);
        return status;
    }
    *size = file_size - HEADER_SIZE;
    memmove(file, (char *)file + HEADER_SIZE, *size);
    *bytes = file;
    return GM_OK;
}

// The newest ones are safe before this begins, and the removals before it ends: a snapshot that
// came back after a power cut would stand before the journal's first record.
static gm_status remove_old(gm_store *store, const char *folder, gm_error *error)
{
    file_list files;
    gm_status status = list_snapshots(store, &files, error);
    size_t index = 0;
    for (; index + store->snapshots_kept < files.count && status == GM_OK; index++) {
        char path[GM_PATH_MAX];
        path_of(store, files.numbers[index], ".snap", path);
        status = store->disk->remove_file(store->disk->context, path, error);
    }
    if (status == GM_OK && index > 0) {
        status = store->disk->sync_folder(store->disk->context, folder, error);
    }
    return status;
}

gm_status gm_snapshot_write(gm_store *store, uint64_t number, const void *bytes, size_t size,
                            gm_error *error)
{
    if (size > GM_SNAPSHOT_SIZE_MAX) {
        return gm_error_set(error, GM_LIMIT, "a state of %zu bytes is too large for a snapshot",
                            size);
    }
    unsigned char header[HEADER_SIZE];
    make_header(header, number, (gm_text){ bytes, size });
    gm_disk_piece pieces[] = { { header, HEADER_SIZE }, { bytes, size } };
    char temporary[GM_PATH_MAX], path[GM_PATH_MAX], folder[GM_PATH_MAX];
    path_of(store, number, ".part", temporary);
    path_of(store, number, ".snap", path);
    folder_of(store, folder);

    const gm_disk *disk = store->disk;
    pthread_mutex_lock(&store->snapshots_lock);
    gm_status status = disk->write_file(disk->context, temporary, pieces, 2, error);
    if (status == GM_OK) {
        status = disk->rename_file(disk->context, temporary, path, error);
    }
    if (status != GM_OK) {
        disk->remove_file(disk->context, temporary, NULL);
    }
    if (status == GM_OK) {
        status = disk->sync_folder(disk->context, folder, error);
    }
    if (status == GM_OK) {
        status = remove_old(store, folder, error);
    }
    pthread_mutex_unlock(&store->snapshots_lock);
    return status;
}

gm_status gm_snapshot_latest(gm_store *store, uint64_t *number, void **bytes, size_t *size,
                             gm_error *error)
{
    file_list files;
    pthread_mutex_lock(&store->snapshots_lock);
    gm_status status = list_snapshots(store, &files, error);
    if (status == GM_OK && files.count == 0) {
        status = gm_error_set(error, GM_NOT_FOUND, "%s holds no snapshot yet", store->folder);
    }
    bool found = false;
    while (status == GM_OK && !found && files.count > 0) {
        uint64_t candidate = files.numbers[--files.count];
        gm_error damage = { 0 };
        gm_status read = read_snapshot(store, candidate, bytes, size, &damage);
        found = read == GM_OK;
        if (found) {
            *number = candidate;
        } else if (read == GM_CORRUPT) {
            gm_log_write(&store->log, GM_LOG_WARNING, "store", "snapshot passed over: %s",
                         damage.text);
        } else {
            status = gm_error_set(error, read, "%s", damage.text);
        }
    }
    if (status == GM_OK && !found) {
        status =
            gm_error_set(error, GM_CORRUPT, "no snapshot in %s/snapshots is whole", store->folder);
    }
    pthread_mutex_unlock(&store->snapshots_lock);
    return status;
}

gm_status gm_snapshot_oldest(gm_store *store, uint64_t *number, gm_error *error)
{
    file_list files;
    pthread_mutex_lock(&store->snapshots_lock);
    gm_status status = list_snapshots(store, &files, error);
    pthread_mutex_unlock(&store->snapshots_lock);
    if (status == GM_OK && files.count == 0) {
        return gm_error_set(error, GM_NOT_FOUND, "%s holds no snapshot yet", store->folder);
    }
    if (status == GM_OK) {
        *number = files.numbers[0];
    }
    return status;
}

static void remove_part(void *context, const char *name)
{
    gm_store *store = context;
    uint64_t number;
    if (number_of(name, ".part", &number)) {
        char path[GM_PATH_MAX];
        path_of(store, number, ".part", path);
        store->disk->remove_file(store->disk->context, path, NULL);
    }
}

gm_status gm_snapshots_open(gm_store *store, gm_error *error)
{
    char folder[GM_PATH_MAX];
    folder_of(store, folder);
    return store->disk->list_folder(store->disk->context, folder, remove_part, store, error);
}
