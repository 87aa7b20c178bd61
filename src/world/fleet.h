// Fleets: `each: file.csv` in any map repeats the entries whose key names a column for each row of
// a table.
//
// `$column` and `${column}` in keys and texts, at any depth below, become the row's cell; `$$` is a
// dollar sign. Where a text was substituted, its place is the cell's, so that an error about it
// points into the table. Tables nest: the inner one's columns hide the outer one's.
#ifndef GEMEL_WORLD_FLEET_H
#define GEMEL_WORLD_FLEET_H

#include <gemel/config.h>

#include "world/world_parts.h"

/// @param files     read NULL: `each:` is refused
/// @param expanded  out; `tree` itself when nothing is repeated in it; lives as long as the arena
/// @return GM_INVALID, GM_IO, GM_LIMIT (GM_YAML_NODES_MAX nodes in all), GM_MEMORY
gm_status gm_fleet_expand(const gm_config *tree, const gm_files *files, gm_arena *arena,
                          const gm_config **expanded, gm_error *error);

#endif
