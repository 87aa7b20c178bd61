// YAML 1.1 (libyaml's events) and with it JSON -> configuration trees, strictly.
//
// One document of maps, lists and texts. Refused, with file:line:column: duplicate keys, keys that
// are not texts, anchors and aliases (which ends alias bombs), tags, a second document, bytes that
// are not UTF-8, depth and size beyond the limits below. Numbers stay texts: gemel/config.h reads
// them with their units.
#ifndef GEMEL_WORLD_YAML_H
#define GEMEL_WORLD_YAML_H

#include <gemel/config.h>
#include <stddef.h>

#include "base/arena.h"

enum {
    GM_YAML_DEPTH_MAX = 64,       // maps and lists within each other
    GM_YAML_NODES_MAX = 5000000,  // scalars, lists and maps, keys not counted
    GM_YAML_SIZE_MAX = 256 << 20, // bytes
    GM_YAML_KEY_MAX = 1024,       // bytes of a key
};

struct gm_units;

typedef struct gm_yaml_options {
    const char *file;             // named in places; NULL for none; copied
    const struct gm_units *units; // put into every node; may be NULL
    gm_arena *arena;              // owns the tree
} gm_yaml_options;

/// @param root  out; lives as long as the arena
/// @return GM_INVALID (not such YAML, or empty), GM_LIMIT, GM_MEMORY
gm_status gm_yaml_read(const char *bytes, size_t size, const gm_yaml_options *options,
                       const gm_config **root, gm_error *error);

/// Refuses a map with the same key twice.
gm_status gm_yaml_unique_keys(const gm_config *map, gm_error *error);

#endif
