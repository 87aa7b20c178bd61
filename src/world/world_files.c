// The files a world names: tables beside the world file, time zones of the system.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world/world_parts.h"

enum { PATH_SIZE = 4096 };

static const char zone_folder[] = "/usr/share/zoneinfo";

static gm_status read_all(int descriptor, const char *path, size_t size, void **bytes,
                          gm_error *error)
{
    char *memory = gm_memory_new(size + 1, 1);
    if (memory == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for '%s', %zu bytes", path, size);
    }
    size_t at = 0;
    while (at < size) {
        ssize_t got = read(descriptor, memory + at, size - at);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            gm_status status = gm_error_set(error, GM_IO, "cannot read '%s': %s", path,
                                            got == 0 ? "it became shorter" : strerror(errno));
            gm_memory_free(memory);
            return status;
        }
        at += (size_t)got;
    }
    *bytes = memory;
    return GM_OK;
}

gm_status gm_file_read(const char *path, void **bytes, size_t *size, gm_error *error)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        return gm_error_set(error, errno == ENOENT ? GM_NOT_FOUND : GM_IO, "cannot open '%s': %s",
                            path, strerror(errno));
    }
    struct stat about;
    gm_status status = GM_OK;
    if (fstat(descriptor, &about) != 0 || !S_ISREG(about.st_mode)) {
        status = gm_error_set(error, GM_INVALID, "'%s' is not a file", path);
    } else if (about.st_size > GM_WORLD_FILE_MAX) {
        status = gm_error_set(error, GM_LIMIT, "'%s' has %lld bytes; a file has at most %d", path,
                              (long long)about.st_size, GM_WORLD_FILE_MAX);
    } else {
        status = read_all(descriptor, path, (size_t)about.st_size, bytes, error);
    }
    if (status == GM_OK) {
        *size = (size_t)about.st_size;
    }
    close(descriptor);
    return status;
}

// A zone's name is parts of letters, digits and "_+-", never a way out of the folder.
static bool is_zone_name(const char *name)
{
    char before = '/';
    for (const char *at = name; *at != '\0'; before = *at++) {
        bool word = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                    (*at >= '0' && *at <= '9') || strchr("_+-", *at) != NULL;
        if (!word && (*at != '/' || before == '/')) {
            return false;
        }
    }
    return before != '/';
}

static gm_status read_named(void *context, gm_file_kind kind, const char *name, void **bytes,
                            size_t *size, gm_error *error)
{
    const char *folder = kind == GM_FILE_ZONE ? zone_folder : context;
    if (kind == GM_FILE_ZONE && !is_zone_name(name)) {
        return gm_error_set(error, GM_INVALID, "'%.80s' is not the name of a time zone", name);
    }
    bool absolute = name[0] == '/';
    char path[PATH_SIZE];
    int length = folder == NULL || absolute ? snprintf(path, sizeof path, "%s", name)
                                            : snprintf(path, sizeof path, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= sizeof path) {
        return gm_error_set(error, GM_LIMIT, "a path of more than %d bytes", PATH_SIZE - 1);
    }
    gm_status status = gm_file_read(path, bytes, size, error);
    if (status != GM_OK && kind == GM_FILE_ZONE) {
        return gm_error_set(error, status, "time zone '%s' is not known here (no %s)", name, path);
    }
    return status;
}

gm_files gm_default_files(const char *folder)
{
    return (gm_files){ .context = (void *)(uintptr_t)folder, .read = read_named };
}
