// gm_disk on POSIX files.

#include "store/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"

enum { PIECE_SIZE_MAX = 1 << 30 }; // bytes in one system call

static gm_status refused(gm_error *error, const char *doing, const char *path)
{
    int why = errno;
    char text[128];
    const char *reason = strerror_r(why, text, sizeof text);
    return gm_error_set(error, why == ENOENT ? GM_NOT_FOUND : GM_IO, "%s %s: %s", doing, path,
                        reason);
}

static gm_status write_all(int descriptor, const char *path, gm_disk_piece piece, gm_error *error)
{
    const char *at = piece.bytes;
    size_t left = piece.size;
    while (left > 0) {
        ssize_t written = write(descriptor, at, left < PIECE_SIZE_MAX ? left : PIECE_SIZE_MAX);
        if (written < 0 && errno != EINTR) {
            return refused(error, "writing", path);
        }
        if (written > 0) {
            at += written;
            left -= (size_t)written;
        }
    }
    return GM_OK;
}

static gm_status write_file(void *context, const char *path, const gm_disk_piece *pieces,
                            size_t count, gm_error *error)
{
    (void)context;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return refused(error, "creating", path);
    }
    gm_status status = GM_OK;
    for (size_t index = 0; index < count && status == GM_OK; index++) {
        status = write_all(descriptor, path, pieces[index], error);
    }
    if (status == GM_OK && fsync(descriptor) != 0) {
        status = refused(error, "syncing", path);
    }
    if (close(descriptor) != 0 && status == GM_OK) {
        status = refused(error, "closing", path);
    }
    return status;
}

static gm_status read_all(int descriptor, const char *path, gm_disk_piece room, gm_error *error)
{
    char *at = (char *)room.bytes;
    size_t left = room.size;
    while (left > 0) {
        ssize_t got = read(descriptor, at, left < PIECE_SIZE_MAX ? left : PIECE_SIZE_MAX);
        if (got == 0) {
            return gm_error_set(error, GM_IO, "reading %s: it became shorter meanwhile", path);
        }
        if (got < 0 && errno != EINTR) {
            return refused(error, "reading", path);
        }
        if (got > 0) {
            at += got;
            left -= (size_t)got;
        }
    }
    return GM_OK;
}

static gm_status read_file(void *context, const char *path, size_t limit, void **bytes,
                           size_t *size, gm_error *error)
{
    (void)context;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        return refused(error, "opening", path);
    }
    struct stat about;
    void *room = NULL;
    gm_status status = GM_OK;
    if (fstat(descriptor, &about) != 0) {
        status = refused(error, "looking at", path);
    } else if ((uint64_t)about.st_size > limit) {
        status = gm_error_set(error, GM_LIMIT, "%s is larger than %zu bytes", path, limit);
    }
    if (status == GM_OK && (room = gm_memory_new((size_t)about.st_size, 1)) == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory to read %s", path);
    }
    if (status == GM_OK) {
        gm_disk_piece whole = { .bytes = room, .size = (size_t)about.st_size };
        status = read_all(descriptor, path, whole, error);
    }
    close(descriptor);
    if (status != GM_OK) {
        gm_memory_free(room);
        return status;
    }
    *bytes = room;
    *size = (size_t)about.st_size;
    return GM_OK;
}

static gm_status touch_file(void *context, const char *path, gm_error *error)
{
    (void)context;
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return refused(error, "creating", path);
    }
    close(descriptor);
    return GM_OK;
}

static gm_status rename_file(void *context, const char *from, const char *to, gm_error *error)
{
    (void)context;
    return rename(from, to) == 0 ? GM_OK : refused(error, "renaming", from);
}

static gm_status remove_file(void *context, const char *path, gm_error *error)
{
    (void)context;
    return unlink(path) == 0 ? GM_OK : refused(error, "removing", path);
}

static gm_status list_folder(void *context, const char *folder, gm_disk_visit *visit,
                             void *visit_context, gm_error *error)
{
    (void)context;
    DIR *listing = opendir(folder);
    if (listing == NULL) {
        return refused(error, "listing", folder);
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            visit(visit_context, entry->d_name);
        }
    }
    gm_status status = errno == 0 ? GM_OK : refused(error, "listing", folder);
    closedir(listing);
    return status;
}

static gm_status sync_folder(void *context, const char *folder, gm_error *error)
{
    (void)context;
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) {
        return refused(error, "opening", folder);
    }
    gm_status status = fsync(descriptor) == 0 ? GM_OK : refused(error, "syncing", folder);
    close(descriptor);
    return status;
}

static const gm_disk system_disk = {
    .write_file = write_file,
    .read_file = read_file,
    .touch_file = touch_file,
    .rename_file = rename_file,
    .remove_file = remove_file,
    .list_folder = list_folder,
    .sync_folder = sync_folder,
};

const gm_disk *gm_disk_system(void)
{
    return &system_disk;
}
