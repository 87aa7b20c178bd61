// Opens a world file with the domains of this build, the machine's units and the files beside it.
#include <string.h>

#include "world/world_reader.h"

// The folder of a path; NULL for the current one. @param folder out, the caller's
static gm_status folder_of(const char *path, char **folder, gm_error *error)
{
    const char *slash = strrchr(path, '/');
    *folder = NULL;
    if (slash == NULL) {
        return GM_OK;
    }
    size_t size = slash == path ? 1 : (size_t)(slash - path);
    *folder = gm_memory_new(size + 1, 1);
    if (*folder == NULL) {
        return gm_world_no_memory(error);
    }
    memcpy(*folder, path, size);
    return GM_OK;
}

gm_status gm_world_open(const char *path, gm_world **world, gm_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    char *folder = NULL;
    gm_units *units = NULL;
    gm_world *made = NULL;
    gm_status status = gm_file_read(path, &bytes, &size, error);
    if (status == GM_OK) {
        status = folder_of(path, &folder, error);
    }
    if (status == GM_OK) {
        status = gm_units_read(&units, error);
    }
    if (status == GM_OK) {
        gm_world_options options = { .units = units, .files = gm_default_files(folder) };
        options.domains = gm_domains(&options.domain_count);
        status = gm_world_read(path, bytes, size, &options, &made, error);
    }
    gm_memory_free(bytes);
    gm_memory_free(folder);
    if (status != GM_OK) {
        gm_units_close(units);
        return status;
    }
    made->own_units = units;
    *world = made;
    return GM_OK;
}
