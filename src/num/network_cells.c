// Components over links between passing nodes, then the nodes that hang on them.
#include "num/network_cells.h"

#include <stdbool.h>

#include "base/arena.h"

static const uint32_t none = (uint32_t)GM_NETWORK_NONE;

/// The cell that all passing neighbours of a node share; none when there are several.
static uint32_t cell_around(const gm_network *network, uint32_t node, const uint8_t *passes,
                            const uint32_t *cell)
{
    size_t count = 0;
    const gm_incidence *links = gm_network_incident(network, node, &count);
    uint32_t found = none;
    for (size_t index = 0; index < count; index++) {
        uint32_t other = links[index].node;
        if (passes[other] && found != none && cell[other] != found) {
            return none;
        }
        found = passes[other] ? cell[other] : found;
    }
    return found;
}

gm_status gm_network_cells(const gm_network *network, const uint8_t *passes, uint32_t *cell,
                           size_t *count, gm_error *error)
{
    size_t nodes = gm_network_node_count(network), links = gm_network_link_count(network);
    const uint32_t(*ends)[2] = gm_network_ends(network);
    uint8_t *link_open = gm_memory_new(links, sizeof *link_open);
    uint32_t *work = gm_memory_new(nodes, sizeof *work);
    bool memory = link_open != NULL && work != NULL;
    if (memory) {
        for (size_t link = 0; link < links; link++) {
            link_open[link] = passes[ends[link][0]] && passes[ends[link][1]];
        }
        gm_network_components(network, link_open, cell, work);
        // components count nodes that pass nothing on too: the others are numbered anew
        *count = 0;
        for (size_t node = 0; node < nodes; node++) {
            work[node] = none;
        }
        for (size_t node = 0; node < nodes; node++) {
            uint32_t *number = &work[cell[node]];
            if (passes[node] && *number == none) {
                *number = (uint32_t)(*count)++;
            }
            cell[node] = *number;
        }
        for (uint32_t node = 0; node < nodes; node++) {
            if (!passes[node]) {
                cell[node] = cell_around(network, node, passes, cell);
            }
        }
    }
    gm_memory_free(link_open);
    gm_memory_free(work);
    return memory
               ? GM_OK
               : gm_error_set(error, GM_MEMORY, "no memory to find what is apart among %zu", nodes);
}
