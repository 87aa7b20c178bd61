// Names of a class's elements: packed text and a hash table from name to index.
#ifndef GEMEL_MODEL_NAMES_H
#define GEMEL_MODEL_NAMES_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

/// Names in order of declaration, one after the other, each ending in NUL. Zeroed is empty.
typedef struct gm_names {
    char *bytes;
    size_t size, capacity;
    size_t *starts; // [count]
    size_t count, start_capacity;
    uint32_t *slots; // index + 1, 0 for free; [slot_count], a power of two
    size_t slot_count;
} gm_names;

/// Adds a name. @return GM_EXISTS, GM_MEMORY; then nothing changed
gm_status gm_names_add(gm_names *names, const char *name);

/// Index of a name; SIZE_MAX when there is none.
size_t gm_names_find(const gm_names *names, const char *name);

/// The name at an index < count.
const char *gm_names_at(const gm_names *names, size_t index);

void gm_names_free(gm_names *names);

#endif
