// Names of nodes, links, patterns, curves: from a name to its place in a table whose rows begin
// with a pointer to their name.
#ifndef GEMEL_DOMAIN_WATER_NAMES_H
#define GEMEL_DOMAIN_WATER_NAMES_H

#include <gemel/status.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

/// Zeroed is empty.
typedef struct water_names {
    uint32_t *slots;  // index + 1, 0: free; [slot_count], a power of two
    uint32_t *hashes; // [slot_count], lower half of the name's hash
    size_t slot_count, count;
} water_names;

/// A table whose rows of `stride` bytes begin with a `const char *name`.
typedef struct water_table {
    const void *rows;
    size_t stride, count;
} water_table;

/// The name of a row.
const char *gm_water_name_at(water_table table, size_t index);

/// Index of a name; UINT32_MAX when there is none.
uint32_t gm_water_names_find(const water_names *names, water_table table, gm_text name);

/// Adds the name of row `index`. @return false: no memory
bool gm_water_names_add(water_names *names, water_table table, uint32_t index, gm_arena *arena);

/// The name closest to `name`, for "did you mean"; NULL when none is close.
const char *gm_water_names_nearest(water_table table, gm_text name);

#endif
