// The symbolic work of the solver, once per topology: the order of elimination, pipes sorted by
// their place in the matrix, and lists that let the iteration run through memory in order.
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "domain/water/water_solver_parts.h"

static const double trunk_m = 0.3; // diameter from which on a pipe is a trunk main

/// What the steps share.
typedef struct ordering {
    const water_net *net;
    water_solver *solver;
    gm_arena *arena;
    gm_error *error;
    gm_status status;   // the first that failed
    uint32_t *spot;     // [node_count]
    uint32_t *pair;     // [link_count]: of links between two junctions
    uint32_t slot_none; // one past the fill
    uint8_t *reached;   // [node_count]: whether links, open or not, join a node with a source
} ordering;

/// A pipe and where it stands in the matrix.
typedef struct standing {
    uint32_t from, slot, to, pipe;
} standing;

static void *rows(ordering *work, size_t count, size_t size)
{
    void *made = gm_arena_new(work->arena, count > 0 ? count : 1, size);
    if (made == NULL && work->status == GM_OK) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory to order a network");
    }
    return made;
}

static bool is_junction(const water_net *net, uint32_t node)
{
    return node < net->junction_count;
}

static bool is_tank(const water_net *net, uint32_t node)
{
    return node >= net->junction_count && node < net->junction_count + net->tank_count;
}

/// A valve that holds a pressure or flow has to stand between junctions.
static void check_valve_ends(ordering *work)
{
    const water_net *net = work->net;
    size_t first = net->pipe_count + net->pump_count;
    for (size_t valve = 0; work->status == GM_OK && valve < net->valve_count; valve++) {
        water_ends ends = net->ends[first + valve];
        water_valve_kind kind = net->valves[valve].kind;
        bool holds = kind == WATER_PRV || kind == WATER_PSV || kind == WATER_FCV;
        if (holds && (!is_junction(net, ends.from) || !is_junction(net, ends.to))) {
            bool from = !is_junction(net, ends.from);
            work->status = gm_error_set(
                work->error, GM_INVALID,
                "valve '%s' cannot stand next to the tank or reservoir '%s': put a pipe between",
                net->link_names[first + valve], net->node_names[from ? ends.from : ends.to]);
        }
    }
}

static bool is_checked(const water_net *net, size_t link)
{
    water_ends ends = net->ends[link];
    if (is_tank(net, ends.from) || is_tank(net, ends.to)) {
        return true;
    }
    if (link < net->pipe_count) {
        return net->check_valve[link];
    }
    size_t device = link - net->pipe_count;
    return device < net->pump_count || net->valves[device - net->pump_count].kind == WATER_FCV;
}

static void find_reached(ordering *work)
{
    const water_net *net = work->net;
    size_t count = net->tank_count + net->reservoir_count;
    uint32_t *sources = gm_memory_new(count, sizeof *sources);
    uint32_t *queue = gm_memory_new(2 * net->node_count, sizeof *queue);
    work->reached = rows(work, net->node_count, sizeof *work->reached);
    if (work->status == GM_OK && (sources == NULL || queue == NULL)) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory to order a network");
    }
    if (work->status == GM_OK) {
        for (size_t index = 0; index < count; index++) {
            sources[index] = (uint32_t)(net->junction_count + index);
        }
        gm_network_sources from = { .nodes = sources, .count = count };
        gm_network_reach(net->topology, &from, work->reached, queue);
    }
    gm_memory_free(sources);
    gm_memory_free(queue);
}

/// Links that stay in the core: what may open or close while one solves, and trunk mains. Those
/// that end blind need not, but they hardly resist, so what heads are rounded by is flow in them,
/// in EPANET as here; and it decides the second of events that lie between two.
/// @param kept  out, [link_count]
static void keep_links(const water_net *net, uint8_t *kept)
{
    const water_plan *plan = net->plan;
    for (size_t link = 0; link < net->link_count; link++) {
        kept[link] = link >= net->pipe_count || is_checked(net, link);
    }
    for (size_t index = 0; index < plan->control_count; index++) {
        kept[net->link_of[plan->controls[index].link]] = 1;
    }
    for (size_t index = 0; index < plan->link_count; index++) {
        if (plan->links[index].kind == WATER_PIPE && plan->links[index].diameter_m > trunk_m) {
            kept[net->link_of[index]] = 1;
        }
    }
}

/// Junctions of trees: all pipes by which they hang on the core stay as they are while one solves.
/// @param tree  out, [node_count]
static void find_trees(ordering *work, uint32_t *tree)
{
    const water_net *net = work->net;
    uint8_t *nodes = gm_memory_new(net->node_count, sizeof *nodes);
    uint8_t *links = gm_memory_new(net->link_count, sizeof *links);
    uint32_t *queue = gm_memory_new(net->node_count, sizeof *queue);
    gm_forest_step *steps = gm_memory_new(net->node_count, sizeof *steps);
    bool complete = nodes != NULL && links != NULL && queue != NULL && steps != NULL;
    if (complete) {
        for (uint32_t node = 0; node < net->node_count; node++) {
            nodes[node] = !is_junction(net, node) || !work->reached[node];
        }
        keep_links(net, links);
        gm_network_kept kept = { .nodes = nodes, .links = links };
        work->solver->tree_count = gm_network_forest(net->topology, &kept, steps, queue);
        for (size_t index = 0; index < work->solver->tree_count; index++) {
            tree[index] = steps[index].node;
        }
    } else if (work->status == GM_OK) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory to order a network");
    }
    gm_memory_free(nodes);
    gm_memory_free(links);
    gm_memory_free(queue);
    gm_memory_free(steps);
}

static void order_nodes(ordering *work)
{
    const water_net *net = work->net;
    water_solver *solver = work->solver;
    uint32_t(*pairs)[2] = gm_memory_new(net->link_count, sizeof *pairs);
    work->pair = rows(work, net->link_count, sizeof *work->pair);
    work->spot = rows(work, net->node_count, sizeof *work->spot);
    uint32_t *tree = work->spot; // needed no more once spots are known
    if (work->status == GM_OK) {
        find_trees(work, tree);
    }
    if (pairs == NULL && work->status == GM_OK) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory to order a network");
    }
    if (work->status == GM_OK) {
        size_t count = 0;
        for (size_t link = 0; link < net->link_count; link++) {
            water_ends ends = net->ends[link];
            work->pair[link] = WATER_NONE;
            if (is_junction(net, ends.from) && is_junction(net, ends.to)) {
                work->pair[link] = (uint32_t)count;
                pairs[count][0] = ends.from;
                pairs[count++][1] = ends.to;
            }
        }
        gm_symmetric_pattern pattern = { .count = net->junction_count,
                                         .pair_count = count,
                                         .pairs = (const uint32_t(*)[2])pairs,
                                         .leading = tree,
                                         .leading_count = solver->tree_count };
        work->status = gm_symmetric_create(&pattern, &solver->matrix, work->error);
    }
    gm_memory_free(pairs);
    if (work->status != GM_OK) {
        return;
    }
    const uint32_t *place = gm_symmetric_place(solver->matrix);
    for (uint32_t node = 0; node < net->node_count; node++) {
        work->spot[node] = is_junction(net, node) ? place[node] : node;
    }
    solver->spot = work->spot;
    solver->junction = gm_symmetric_unknown(solver->matrix);
    solver->junction_count = net->junction_count;
    solver->spot_count = net->node_count;
    work->slot_none = (uint32_t)gm_symmetric_fill(solver->matrix);
}

static uint32_t slot_of(const ordering *work, size_t link)
{
    uint32_t pair = work->pair[link];
    return pair == WATER_NONE ? work->slot_none : gm_symmetric_slots(work->solver->matrix)[pair];
}

static int by_place(const void *left, const void *right)
{
    const standing *a = left, *b = right;
    uint64_t first = (uint64_t)a->from << 32 | a->slot, second = (uint64_t)b->from << 32 | b->slot;
    if (first != second) {
        return first < second ? -1 : 1;
    }
    return (a->pipe > b->pipe) - (a->pipe < b->pipe);
}

static void sort_pipes(ordering *work, standing *standings)
{
    const water_net *net = work->net;
    for (uint32_t pipe = 0; pipe < net->pipe_count; pipe++) {
        uint32_t a = work->spot[net->ends[pipe].from], b = work->spot[net->ends[pipe].to];
        standings[pipe] = (standing){
            .from = a < b ? a : b, .to = a < b ? b : a, .slot = slot_of(work, pipe), .pipe = pipe
        };
    }
    qsort(standings, net->pipe_count, sizeof *standings, by_place);
}

static size_t whole_bundles(size_t edges)
{
    return (edges + WATER_BUNDLE - 1) / WATER_BUNDLE * WATER_BUNDLE;
}

static void place_edges(ordering *work, const standing *standings)
{
    const water_net *net = work->net;
    water_solver *solver = work->solver;
    size_t trees = solver->tree_count, core = whole_bundles(trees);
    size_t count = core + whole_bundles(net->pipe_count - trees);
    uint32_t *pipe = rows(work, count, sizeof *pipe);
    uint32_t *edge = rows(work, net->pipe_count, sizeof *edge);
    uint32_t *from = rows(work, count, sizeof *from), *to = rows(work, count, sizeof *to);
    uint32_t *slot = rows(work, count, sizeof *slot);
    double *direction = rows(work, count, sizeof *direction);
    if (work->status != GM_OK) {
        return;
    }
    for (size_t at = 0; at < count; at++) { // idle, until a pipe comes: from a spot to itself
        pipe[at] = WATER_NONE;
        slot[at] = work->slot_none;
        direction[at] = 1.0;
    }
    for (size_t index = 0; index < net->pipe_count; index++) {
        const size_t at = index < trees ? index : core + (index - trees);
        const standing *stands = &standings[index];
        pipe[at] = stands->pipe;
        edge[stands->pipe] = (uint32_t)at;
        from[at] = stands->from;
        to[at] = stands->to;
        slot[at] = stands->slot;
        direction[at] = work->spot[net->ends[stands->pipe].from] == stands->from ? 1.0 : -1.0;
        solver->own_count = stands->from < solver->junction_count ? at + 1 : solver->own_count;
    }
    solver->edge_count = count;
    solver->core_edge = core;
    solver->pipe = pipe;
    solver->edge = edge;
    solver->from = from;
    solver->to = to;
    solver->slot = slot;
    solver->direction = direction;
}

/// Puts an edge into one of a junction's two places, or behind all others.
static void put_near(water_solver *solver, uint32_t *places, water_more more, water_more *rest)
{
    for (int place = 0; place < 2; place++) {
        if (places[place] == solver->edge_count) {
            places[place] = more.edge;
            return;
        }
    }
    rest[solver->more_count++] = more;
}

/// Which edges start and end at each spot.
static void gather_ends(ordering *work)
{
    water_solver *solver = work->solver;
    size_t count = solver->junction_count;
    water_near *near = rows(work, count, sizeof *near);
    water_more *more = rows(work, 2 * solver->own_count, sizeof *more);
    uint32_t *fixed = rows(work, solver->own_count, sizeof *fixed);
    if (work->status != GM_OK) {
        return;
    }
    uint32_t none = (uint32_t)solver->edge_count;
    for (size_t spot = 0; spot < count; spot++) {
        near[spot] = (water_near){ .own = { none, none }, .other = { none, none } };
    }
    for (uint32_t at = 0; at < solver->own_count; at++) {
        uint32_t from = solver->from[at], to = solver->to[at];
        if (solver->pipe[at] == WATER_NONE) {
            continue;
        }
        put_near(solver, near[from].own, (water_more){ from, at, 1.0 }, more);
        if (to < count) {
            put_near(solver, near[to].other, (water_more){ to, at, -1.0 }, more);
        } else {
            fixed[solver->fixed_count++] = at;
        }
    }
    solver->near = near;
    solver->more = more;
    solver->fixed = fixed;
}

/// Slots that several edges share, and slots that none sets.
static void gather_slots(ordering *work)
{
    water_solver *solver = work->solver;
    uint32_t *twin = rows(work, solver->own_count, sizeof *twin);
    uint32_t *vacant = rows(work, work->slot_none, sizeof *vacant);
    uint8_t *taken = gm_memory_new((size_t)work->slot_none + 1, sizeof *taken);
    if (taken == NULL && work->status == GM_OK) {
        work->status = gm_error_set(work->error, GM_MEMORY, "no memory to order a network");
    }
    for (uint32_t at = 0; work->status == GM_OK && at < solver->own_count; at++) {
        uint32_t slot = solver->slot[at];
        if (slot != work->slot_none && at + 1 < solver->own_count && solver->slot[at + 1] == slot) {
            twin[solver->twin_count++] = at;
        }
        taken[slot] = 1;
    }
    for (uint32_t slot = 0; work->status == GM_OK && slot < work->slot_none; slot++) {
        if (!taken[slot]) {
            vacant[solver->vacant_count++] = slot;
        }
    }
    gm_memory_free(taken);
    solver->twin = twin;
    solver->vacant = vacant;
}

static void place_devices(ordering *work)
{
    const water_net *net = work->net;
    water_solver *solver = work->solver;
    size_t count = net->pump_count + net->valve_count;
    uint32_t *from = rows(work, count, sizeof *from), *to = rows(work, count, sizeof *to);
    uint32_t *slot = rows(work, count, sizeof *slot);
    for (size_t device = 0; work->status == GM_OK && device < count; device++) {
        water_ends ends = net->ends[net->pipe_count + device];
        from[device] = work->spot[ends.from];
        to[device] = work->spot[ends.to];
        slot[device] = slot_of(work, net->pipe_count + device);
    }
    solver->device_count = count;
    solver->device_from = from;
    solver->device_to = to;
    solver->device_slot = slot;
}

static void list_checked(ordering *work)
{
    const water_net *net = work->net;
    uint32_t *checked = rows(work, net->link_count, sizeof *checked);
    size_t count = 0;
    for (uint32_t link = 0; work->status == GM_OK && link < net->link_count; link++) {
        if (is_checked(net, link)) {
            checked[count++] = link;
        }
    }
    work->solver->checked = checked;
    work->solver->checked_count = count;
}

static void list_adrift(ordering *work)
{
    const water_net *net = work->net;
    water_solver *solver = work->solver;
    uint32_t *adrift = rows(work, net->junction_count, sizeof *adrift);
    for (uint32_t node = 0; work->status == GM_OK && node < net->junction_count; node++) {
        if (!work->reached[node]) {
            adrift[solver->adrift_count++] = work->spot[node];
        }
    }
    solver->adrift = adrift;
}

gm_status gm_water_solver_create(const water_net *net, gm_arena *arena, water_solver **solver,
                                 gm_error *error)
{
    ordering work = { .net = net, .arena = arena, .error = error };
    work.solver = rows(&work, 1, sizeof *work.solver);
    if (work.solver != NULL) {
        work.solver->net = net;
    }
    standing *standings = gm_memory_new(net->pipe_count, sizeof *standings);
    if (work.status == GM_OK && standings == NULL) {
        work.status = gm_error_set(error, GM_MEMORY, "no memory to order a network");
    }
    if (work.status == GM_OK) {
        check_valve_ends(&work);
    }
    if (work.status == GM_OK) {
        find_reached(&work);
    }
    if (work.status == GM_OK) {
        order_nodes(&work);
    }
    if (work.status == GM_OK) {
        sort_pipes(&work, standings);
        place_edges(&work, standings);
    }
    gm_power_table *tables = rows(&work, 2, sizeof *tables);
    if (work.status == GM_OK) {
        gm_water_pipes_tables(work.solver, tables);
    }
    static void (*const steps[])(ordering *) = { gather_ends, gather_slots, place_devices,
                                                 list_checked, list_adrift };
    for (size_t step = 0; work.status == GM_OK && step < sizeof steps / sizeof *steps; step++) {
        steps[step](&work);
    }
    gm_memory_free(standings);
    if (work.status != GM_OK) {
        gm_water_solver_close(work.solver);
        return work.status;
    }
    *solver = work.solver;
    return GM_OK;
}

void gm_water_solver_close(water_solver *solver)
{
    if (solver != NULL) {
        gm_symmetric_close(solver->matrix);
        solver->matrix = NULL;
    }
}
