// Cells: parts of a network that do not act on each other.
//
// Some nodes pass on what acts on them, others (of a value that is given) do not: two rooms that
// share nothing but the weather are apart. A cell is what links between passing nodes hold
// together, and with it the other nodes that are linked to this cell alone.
#ifndef GEMEL_NUM_NETWORK_CELLS_H
#define GEMEL_NUM_NETWORK_CELLS_H

#include "num/network.h"

/// Numbers the cells in the order of their lowest passing node.
/// @param passes  [node_count], nonzero for a node that passes on
/// @param cell    out, [node_count]: the number of each node's cell, from 0; (uint32_t)
///                GM_NETWORK_NONE for a node that passes nothing on and is linked with no cell, or
///                with several
/// @param count   out: how many cells
/// @return GM_OK; GM_MEMORY
gm_status gm_network_cells(const gm_network *network, const uint8_t *passes, uint32_t *cell,
                           size_t *count, gm_error *error);

#endif
