// Cells: what of a group can influence each other at all. A fleet of 50,000 machines in one system
// is 50,000 cells; a water network is one.
//
// Two elements are in one cell when what is uncertain of the one can act on the other: they act on
// each other by what their domain declares (gm_model_joins), or a link leads from one to the other.
// An element passes on what acts on it when it has a state that is carried on, when something of it
// is estimated, when a link leads from or to it, or when one of its outputs is measured. What one
// sensor reads together is in one cell. So a hall
// of given temperature that a thousand machines share joins nothing, until its temperature is
// estimated or comes from another system. A system whose domain declares nothing is all in one
// cell.
//
// Covariances between cells are chance alone: each can be analysed by itself.
#ifndef GEMEL_WORLD_WORLD_CELLS_H
#define GEMEL_WORLD_WORLD_CELLS_H

#include "world/world_parts.h"

/// Immutable: any number of threads may read one.
typedef struct gm_world_cells gm_world_cells;

/// No cell: nothing that is estimated acts on this element, or it is a border between several.
#define GM_NO_CELL UINT32_MAX

/// Finds the cells of all groups. @param cells  out; the caller closes it; does not need the world
gm_status gm_world_cells_find(const gm_world *world, gm_world_cells **cells, gm_error *error);
/// NULL is fine.
void gm_world_cells_close(gm_world_cells *cells);

/// How many there are in all. They are numbered group by group, in a group by their first element.
size_t gm_world_cells_count(const gm_world_cells *cells);

/// The cells of a group. @param count out @return the number of the first
uint32_t gm_world_cells_of_group(const gm_world_cells *cells, size_t group, size_t *count);

/// The cell of an address, whatever its field; GM_NO_CELL
uint32_t gm_world_cell_of(const gm_world_cells *cells, gm_ref ref);

#endif
