// The topology of a network: nodes, and links that join two of them. Pipes, lines, ducts and roads
// are all this; what flows in them is the caller's.
//
// A link has a direction, from its first end to its second, by which a flow has a sign. Parallel
// links and nodes without links are fine. Every walk is a loop over a queue that the caller lends:
// nothing here recurses or allocates after creation, and each takes O(nodes + links).
#ifndef GEMEL_NUM_NETWORK_H
#define GEMEL_NUM_NETWORK_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

/// Immutable: any number of threads may read one.
typedef struct gm_network gm_network;

/// A link as one of its nodes sees it.
typedef struct gm_incidence {
    uint32_t link;
    uint32_t node; // at the other end
    float sign;    // +1 where the link starts here, its flow leaves the node; -1 where it ends here
} gm_incidence;

/// A node that hangs on the rest of the network by one link.
typedef struct gm_forest_step {
    uint32_t node;
    uint32_t parent; // where it hangs
    uint32_t link;   // by which it hangs
    float sign;      // +1 where the link runs from node to parent
} gm_forest_step;

enum {
    GM_NETWORK_COUNT_MAX = 1 << 28, // nodes, and links
    GM_NETWORK_NONE = -1,           // as uint32_t: no component, not reached
};

/// @param node_count  0 .. GM_NETWORK_COUNT_MAX
/// @param link_count  0 .. GM_NETWORK_COUNT_MAX
/// @param ends        [link_count][2]: the node where each link starts and where it ends; copied
/// @param network     out; the caller closes it
/// @return GM_OK; GM_INVALID (an end that is no node, a link from a node to itself); GM_LIMIT
/// (counts); GM_MEMORY
gm_status gm_network_create(size_t node_count, size_t link_count, const uint32_t (*ends)[2],
                            gm_network **network, gm_error *error);
/// NULL is fine.
void gm_network_close(gm_network *network);

/// Nodes, and links, as given at creation.
size_t gm_network_node_count(const gm_network *network);
size_t gm_network_link_count(const gm_network *network);

/// @return [link_count][2], as given at creation; lives as long as the network
const uint32_t (*gm_network_ends(const gm_network *network))[2];

/// The links of one node, in ascending order of their numbers.
/// @param node   < node_count
/// @param count  out: how many
/// @return [count]; lives as long as the network
const gm_incidence *gm_network_incident(const gm_network *network, uint32_t node, size_t *count);

/// The links of all nodes at once: those of node n are [start[n]] .. [start[n + 1] - 1].
/// @param start  out: [node_count + 1]; lives as long as the network
/// @return [2 * link_count]; lives as long as the network
const gm_incidence *gm_network_incidences(const gm_network *network, const uint32_t **start);

/// Numbers the parts of the network that open links hold together, in the order of their lowest
/// node.
/// @param link_open  [link_count], nonzero where a link joins its ends; NULL: all do
/// @param component  out, [node_count]: the number of each node's part, from 0
/// @param work       [node_count], overwritten
/// @return how many parts
size_t gm_network_components(const gm_network *network, const uint8_t *link_open,
                             uint32_t *component, uint32_t *work);

/// Where walks over open links start.
typedef struct gm_network_sources {
    const uint8_t *link_open; // [link_count], nonzero where a link may be passed; NULL: all may
    const uint32_t *nodes;    // [count], each < node_count; repetitions are fine
    size_t count;             // may be 0: then nothing is reached
} gm_network_sources;

/// Which nodes open links join with any of the sources; a source reaches itself.
/// @param reached  out, [node_count]: 1 or 0
/// @param work     [2 * node_count], overwritten
/// @return how many nodes are reached
size_t gm_network_reach(const gm_network *network, const gm_network_sources *sources,
                        uint8_t *reached, uint32_t *work);

/// How many links lie between each node and the nearest source.
/// @param hops  out, [node_count]: 0 at a source, (uint32_t)GM_NETWORK_NONE where none is reached
/// @param work  [node_count], overwritten
/// @return the largest number of hops
uint32_t gm_network_hops(const gm_network *network, const gm_network_sources *sources,
                         uint32_t *hops, uint32_t *work);

/// Nodes and links that a forest leaves alone.
typedef struct gm_network_kept {
    const uint8_t *nodes; // [node_count], nonzero for a node that stays; NULL: none must
    const uint8_t *links; // [link_count], nonzero for a link that stays; NULL: none must
} gm_network_kept;

/// Takes away, again and again, nodes that hang on the rest by a single link, unless the node or
/// the link is kept. What is left is the looped core, kept nodes, and what lies between them.
///
/// Each node comes before its parent: forward through the steps sums demands from the leaves
/// to the core, backward carries heads from the core to the leaves. Of a tree with nothing kept
/// one node stays.
/// @param kept   NULL: nothing is
/// @param steps  out, [node_count]; the first `return value` are set
/// @param work   [node_count], overwritten
/// @return how many nodes were taken away
size_t gm_network_forest(const gm_network *network, const gm_network_kept *kept,
                         gm_forest_step *steps, uint32_t *work);

#endif
