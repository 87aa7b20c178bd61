// Reading worlds from texts in tests, with files that lie in memory.
#ifndef GEMEL_TESTS_WORLD_WORLD_FIXTURE_H
#define GEMEL_TESTS_WORLD_WORLD_FIXTURE_H

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/units.h"
#include "world/box_domain.h"
#include "world/world_parts.h"

typedef struct memory_file {
    const char *name, *text;
} memory_file;

// Tables come from `context` (memory_file [] that ends in {0}), zones from the machine.
static gm_status read_memory(void *context, gm_file_kind kind, const char *name, void **bytes,
                             size_t *size, gm_error *error)
{
    if (kind == GM_FILE_ZONE) {
        gm_files files = gm_default_files(NULL);
        return files.read(files.context, kind, name, bytes, size, error);
    }
    for (const memory_file *file = context; file != NULL && file->name != NULL; file++) {
        if (strcmp(file->name, name) == 0) {
            *size = strlen(file->text);
            *bytes = gm_memory_new(*size + 1, 1);
            if (*bytes == NULL) {
                return gm_error_set(error, GM_MEMORY, "no memory");
            }
            memcpy(*bytes, file->text, *size);
            return GM_OK;
        }
    }
    return gm_error_set(error, GM_NOT_FOUND, "there is no file '%s'", name);
}

static gm_status read_world_bytes(const gm_units *units, const char *bytes, size_t size,
                                  const memory_file *files, gm_world **world, gm_error *error)
{
    gm_world_options options = { .units = units,
                                 .domains = box_domains,
                                 .domain_count = BOX_DOMAINS,
                                 .files = { (void *)(uintptr_t)files, read_memory } };
    return gm_world_read("w.yaml", bytes, size, &options, world, error);
}

static inline gm_world *read_world(const gm_units *units, const char *text,
                                   const memory_file *files)
{
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (read_world_bytes(units, text, strlen(text), files, &world, &error) != GM_OK) {
        fprintf(stderr, "%s\n", error.text);
        return NULL;
    }
    return world;
}

#endif
