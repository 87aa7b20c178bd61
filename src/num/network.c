// Topology and walks of a network: num/network.h. The walks are breadth-first searches and the
// forest a repeated removal of leaves (Cormen, Leiserson, Rivest, Stein, Introduction to
// Algorithms, 4th ed., ch. 20).
#include "num/network.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"

static const uint32_t NONE = (uint32_t)GM_NETWORK_NONE;

struct gm_network {
    size_t node_count, link_count;
    uint32_t (*ends)[2];     // [link_count]
    uint32_t *start;         // [node_count + 1]
    gm_incidence *incidence; // [2 * link_count], by node, ascending link
};

static gm_status check_network(size_t node_count, size_t link_count, const uint32_t (*ends)[2],
                               gm_error *error)
{
    if (node_count > GM_NETWORK_COUNT_MAX || link_count > GM_NETWORK_COUNT_MAX) {
        return gm_error_set(error, GM_LIMIT,
                            "a network of %zu nodes and %zu links: at most %d of either",
                            node_count, link_count, GM_NETWORK_COUNT_MAX);
    }
    for (size_t link = 0; link < link_count; link++) {
        uint32_t from = ends[link][0], to = ends[link][1];
        if (from >= node_count || to >= node_count) {
            return gm_error_set(error, GM_INVALID,
                                "link %zu joins nodes %u and %u of a network of %zu nodes", link,
                                (unsigned)from, (unsigned)to, node_count);
        }
        if (from == to) {
            return gm_error_set(error, GM_INVALID, "link %zu joins node %u with itself", link,
                                (unsigned)from);
        }
    }
    return GM_OK;
}

/// Sorts the links by node; `start` moves from the ends of the lists to their starts meanwhile.
static void sort_links(gm_network *network)
{
    uint32_t sum = 0;
    for (size_t link = 0; link < network->link_count; link++) {
        network->start[network->ends[link][0]]++;
        network->start[network->ends[link][1]]++;
    }
    for (size_t node = 0; node <= network->node_count; node++) {
        sum += network->start[node];
        network->start[node] = sum;
    }
    for (size_t link = network->link_count; link-- > 0;) { // descending: lists come out ascending
        uint32_t from = network->ends[link][0], to = network->ends[link][1];
        network->incidence[--network->start[from]] = (gm_incidence){ (uint32_t)link, to, 1.0F };
        network->incidence[--network->start[to]] = (gm_incidence){ (uint32_t)link, from, -1.0F };
    }
}

/// A walk under way: the nodes that it has found so far, nearest first, with their marks.
typedef struct walk {
    const gm_network *network;
    const uint8_t *link_open;
    uint32_t *mark;  // [node_count]: NONE where nobody has been
    uint32_t *queue; // [node_count]
    size_t found;
} walk;

/// Goes on from what was found from `at` on to all that open links reach; a node gets the mark of
/// the one before it plus `step`.
static void walk_on(walk *w, size_t at, uint32_t step)
{
    const gm_network *network = w->network;
    for (; at < w->found; at++) {
        uint32_t node = w->queue[at];
        for (uint32_t i = network->start[node]; i < network->start[node + 1]; i++) {
            const gm_incidence *to = &network->incidence[i];
            bool open = w->link_open == NULL || w->link_open[to->link] != 0;
            if (open && w->mark[to->node] == NONE) {
                w->mark[to->node] = w->mark[node] + step;
                w->queue[w->found++] = to->node;
            }
        }
    }
}

/// Puts the sources, once each, at the head of an empty queue.
static walk walk_from(const gm_network *network, const gm_network_sources *sources, uint32_t *mark,
                      uint32_t *queue)
{
    walk w = { network, sources->link_open, mark, queue, 0 };
    memset(mark, 0xff, network->node_count * sizeof *mark);
    for (size_t i = 0; i < sources->count; i++) {
        uint32_t node = sources->nodes[i];
        GM_REQUIRE(node < network->node_count);
        if (mark[node] == NONE) {
            mark[node] = 0;
            w.queue[w.found++] = node;
        }
    }
    return w;
}

gm_status gm_network_create(size_t node_count, size_t link_count, const uint32_t (*ends)[2],
                            gm_network **network, gm_error *error)
{
    gm_status status = check_network(node_count, link_count, ends, error);
    if (status != GM_OK) {
        return status;
    }
    gm_network *made = gm_memory_new(1, sizeof *made);
    if (made != NULL) {
        made->node_count = node_count;
        made->link_count = link_count;
        made->ends = gm_memory_new(link_count, sizeof *made->ends);
        made->start = gm_memory_new(node_count + 1, sizeof *made->start);
        made->incidence = gm_memory_new(2 * link_count, sizeof *made->incidence);
    }
    if (made == NULL || made->ends == NULL || made->start == NULL || made->incidence == NULL) {
        gm_network_close(made);
        return gm_error_set(error, GM_MEMORY, "no memory for a network of %zu nodes and %zu links",
                            node_count, link_count);
    }
    if (link_count > 0) {
        memcpy(made->ends, ends, link_count * sizeof *ends);
    }
    sort_links(made);
    *network = made;
    return GM_OK;
}

void gm_network_close(gm_network *network)
{
    if (network == NULL) {
        return;
    }
    gm_memory_free(network->ends);
    gm_memory_free(network->start);
    gm_memory_free(network->incidence);
    gm_memory_free(network);
}

size_t gm_network_node_count(const gm_network *network)
{
    return network->node_count;
}

size_t gm_network_link_count(const gm_network *network)
{
    return network->link_count;
}

const uint32_t (*gm_network_ends(const gm_network *network))[2]
{
    return (const uint32_t(*)[2])network->ends;
}

const gm_incidence *gm_network_incident(const gm_network *network, uint32_t node, size_t *count)
{
    GM_REQUIRE(node < network->node_count);
    *count = network->start[node + 1] - network->start[node];
    return network->incidence + network->start[node];
}

const gm_incidence *gm_network_incidences(const gm_network *network, const uint32_t **start)
{
    *start = network->start;
    return network->incidence;
}

size_t gm_network_components(const gm_network *network, const uint8_t *link_open,
                             uint32_t *component, uint32_t *work)
{
    uint32_t count = 0;
    walk w = { network, link_open, component, work, 0 };
    memset(component, 0xff, network->node_count * sizeof *component);
    for (uint32_t node = 0; node < network->node_count; node++) {
        if (component[node] == NONE) {
            component[node] = count++;
            w.queue[w.found++] = node;
            walk_on(&w, w.found - 1, 0);
        }
    }
    return count;
}

size_t gm_network_reach(const gm_network *network, const gm_network_sources *sources,
                        uint8_t *reached, uint32_t *work)
{
    uint32_t *mark = work + network->node_count;
    walk w = walk_from(network, sources, mark, work);
    walk_on(&w, 0, 0);
    for (size_t node = 0; node < network->node_count; node++) {
        reached[node] = mark[node] != NONE;
    }
    return w.found;
}

uint32_t gm_network_hops(const gm_network *network, const gm_network_sources *sources,
                         uint32_t *hops, uint32_t *work)
{
    walk w = walk_from(network, sources, hops, work);
    walk_on(&w, 0, 1);
    return w.found > 0 ? hops[work[w.found - 1]] : 0;
}

/// The one link by which a node of degree 1 still hangs: all others lead to nodes taken away.
static const gm_incidence *last_link(const gm_network *network, const uint32_t *degree,
                                     uint32_t node)
{
    uint32_t i = network->start[node];
    while (degree[network->incidence[i].node] == NONE) {
        i++;
    }
    GM_REQUIRE(i < network->start[node + 1]);
    return &network->incidence[i];
}

size_t gm_network_forest(const gm_network *network, const gm_network_kept *kept,
                         gm_forest_step *steps, uint32_t *work)
{
    const gm_network_kept nothing = { 0 };
    const gm_network_kept keep = kept != NULL ? *kept : nothing;
    uint32_t *degree = work; // links to nodes not yet taken away; NONE where taken away
    for (size_t node = 0; node < network->node_count; node++) {
        degree[node] = network->start[node + 1] - network->start[node];
    }
    size_t count = 0;
    for (uint32_t first = 0; first < network->node_count; first++) {
        uint32_t node = first;
        while (degree[node] == 1 && (keep.nodes == NULL || keep.nodes[node] == 0)) {
            const gm_incidence *by = last_link(network, degree, node);
            if (keep.links != NULL && keep.links[by->link] != 0) {
                break;
            }
            steps[count++] = (gm_forest_step){ node, by->node, by->link, by->sign };
            degree[node] = NONE;
            degree[by->node]--;
            node = by->node; // it may be a leaf by now
        }
    }
    return count;
}
