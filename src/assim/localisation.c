// Tapers, and lists of the measurements near each batch: localisation.h.
//
// Points: measurements are sorted into cells no smaller than the taper's reach, so that a batch
// finds its own in the 3, 9 or 27 cells around it. Nodes: a walk from each batch that stops at the
// taper's reach.
#include "assim/localisation.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/arena.h"

enum { DIMENSIONS_MAX = 3, CELLS_PER_MEASUREMENT = 4 };

static const double coordinate_max_m = 1e15;

#define EVERYWHERE ((uint32_t)GM_LOCALISATION_EVERYWHERE)

struct gm_localisation {
    size_t value_count, measurement_count, batch_count, nearby_max;
    uint32_t *value_start; // [batch_count + 1]
    uint32_t *values;      // [value_count], by batch
    size_t *nearby_start;  // [batch_count + 1]
    gm_nearby *nearby;     // by batch
    size_t nearby_room;    // of `nearby`
};

/// Things sorted into numbered bins: those of bin b are members[start[b]] .. members[start[b + 1] -
/// 1], ascending.
typedef struct bins {
    uint32_t *start, *members;
} bins;

/// Measurements by cell.
typedef struct grid {
    const gm_local_points *points;
    double origin_m[DIMENSIONS_MAX], cell_m[DIMENSIONS_MAX];
    size_t cells[DIMENSIONS_MAX];
    bins cell;
} grid;

/// A walk along a network from one node after the other.
typedef struct walk {
    const gm_local_nodes *nodes;
    bins at;          // measurements by node, those that stand everywhere in one more
    uint32_t *queue;  // [node_count]
    uint32_t *hops;   // [node_count], of nodes in this walk
    uint32_t *marked; // [node_count]: the batch + 1 whose walk came here last
} walk;

// ---- tapers ----

gm_taper gm_default_taper(double radius)
{
    return (gm_taper){ .radius = radius, .cutoff = 1e-3 };
}

double gm_gaspari_cohn(double distance, double half_width)
{
    double z = distance / half_width;
    if (z <= 1.0) {
        return 1.0 + z * z * (-5.0 / 3.0 + z * (5.0 / 8.0 + z * (1.0 / 2.0 - z / 4.0)));
    }
    if (!(z < 2.0)) {
        return 0.0;
    }
    // eq. 4.10 over z > 1 as a product, which no rounding makes negative near z = 2
    double left = 2.0 - z;
    return left * left * left * left * (z * (z + 2.0) - 0.5) / (12.0 * z);
}

static double half_width_of(gm_taper taper)
{
    return 1.82 * taper.radius;
}

double gm_taper_weight(gm_taper taper, double distance)
{
    return gm_gaspari_cohn(distance, half_width_of(taper));
}

// ---- lists ----

/// Sorts things into bins by counting. @param bin_of  [count], < bin_count
static bool sort_into_bins(const uint32_t *bin_of, size_t count, size_t bin_count, bins *made)
{
    made->start = gm_memory_new(bin_count + 2, sizeof *made->start);
    made->members = gm_memory_new(count, sizeof *made->members);
    if (made->start == NULL || made->members == NULL) {
        return false;
    }
    uint32_t *next = made->start + 1; // while counting, one bin further; in the end as promised
    for (size_t index = 0; index < count; index++) {
        next[bin_of[index] + 1]++;
    }
    for (size_t bin = 0; bin < bin_count; bin++) {
        next[bin + 1] += next[bin];
    }
    for (size_t index = 0; index < count; index++) {
        made->members[next[bin_of[index]]++] = (uint32_t)index;
    }
    return true;
}

static void close_bins(bins *made)
{
    gm_memory_free(made->start);
    gm_memory_free(made->members);
}

/// Lists being made, one batch after the other.
typedef struct listing {
    gm_localisation *made;
    size_t count; // of pairs so far
    gm_taper taper;
    gm_error *error;
} listing;

/// Adds a measurement to the batch whose list is being made, if it counts there.
static gm_status add_nearby(listing *list, uint32_t measurement, double weight)
{
    gm_localisation *l = list->made;
    if (!(weight > list->taper.cutoff)) {
        return GM_OK;
    }
    if (list->count >= GM_LOCALISATION_PAIR_MAX) {
        return gm_error_set(list->error, GM_LIMIT,
                            "more than %d pairs of batches and measurements: a shorter radius or "
                            "larger batches are needed",
                            GM_LOCALISATION_PAIR_MAX);
    }
    gm_nearby *grown =
        gm_memory_grow(l->nearby, &l->nearby_room, list->count + 1, sizeof *l->nearby);
    if (grown == NULL) {
        return gm_error_set(list->error, GM_MEMORY, "no memory for the lists of near measurements");
    }
    l->nearby = grown;
    l->nearby[list->count++] = (gm_nearby){ measurement, (float)weight };
    return GM_OK;
}

static int by_measurement(const void *a, const void *b)
{
    uint32_t x = ((const gm_nearby *)a)->measurement, y = ((const gm_nearby *)b)->measurement;
    return (x > y) - (x < y);
}

/// Closes the list of a batch.
static void end_batch(listing *list, size_t batch)
{
    gm_localisation *l = list->made;
    size_t first = l->nearby_start[batch], own = list->count - first;
    if (own > 1) {
        qsort(l->nearby + first, own, sizeof *l->nearby, by_measurement);
    }
    l->nearby_start[batch + 1] = list->count;
    l->nearby_max = own > l->nearby_max ? own : l->nearby_max;
}

/// The last batch, of values that stand everywhere, if there is one.
/// @param batch_count  of those that stand somewhere
static gm_status list_everything(listing *list, size_t batch_count)
{
    gm_localisation *l = list->made;
    if (l->batch_count == batch_count) {
        return GM_OK;
    }
    for (size_t index = 0; index < l->measurement_count; index++) {
        gm_status status = add_nearby(list, (uint32_t)index, 1.0);
        if (status != GM_OK) {
            return status;
        }
    }
    end_batch(list, batch_count);
    return GM_OK;
}

static gm_status check_values(const gm_local_values *values, gm_taper taper, gm_error *error)
{
    if (!(taper.radius > 0.0 && isfinite(4.0 * taper.radius))) {
        return gm_error_set(error, GM_INVALID, "a localisation radius of %g", taper.radius);
    }
    if (!(taper.cutoff >= 0.0 && taper.cutoff < 1.0)) {
        return gm_error_set(error, GM_INVALID,
                            "a localisation cut-off of %g: expected 0 up to, but not, 1",
                            taper.cutoff);
    }
    if (values->value_count > GM_LOCALISATION_COUNT_MAX ||
        values->batch_count > GM_LOCALISATION_COUNT_MAX ||
        values->measurement_count > GM_LOCALISATION_COUNT_MAX) {
        return gm_error_set(error, GM_LIMIT,
                            "more than %d values, batches or measurements to be localised",
                            GM_LOCALISATION_COUNT_MAX);
    }
    if (values->batch_of == NULL && values->batch_count != values->value_count) {
        return gm_error_set(error, GM_INVALID, "%zu batches for %zu values, each its own",
                            values->batch_count, values->value_count);
    }
    for (size_t index = 0; values->batch_of != NULL && index < values->value_count; index++) {
        uint32_t batch = values->batch_of[index];
        if (batch >= values->batch_count && batch != EVERYWHERE) {
            return gm_error_set(error, GM_INVALID, "value %zu is of batch %u, of %zu", index, batch,
                                values->batch_count);
        }
    }
    return GM_OK;
}

/// A localisation with its values sorted by batch and no nearby measurements yet.
static gm_status start_localisation(const gm_local_values *values, gm_localisation **made,
                                    gm_error *error)
{
    gm_localisation *l = gm_memory_new(1, sizeof *l);
    uint32_t *batch_of = gm_memory_new(values->value_count, sizeof *batch_of);
    bool everywhere = false, complete = l != NULL && batch_of != NULL;
    if (complete) {
        for (size_t index = 0; index < values->value_count; index++) {
            uint32_t batch = values->batch_of == NULL ? (uint32_t)index : values->batch_of[index];
            everywhere = everywhere || batch == EVERYWHERE;
            batch_of[index] = batch == EVERYWHERE ? (uint32_t)values->batch_count : batch;
        }
        l->value_count = values->value_count;
        l->measurement_count = values->measurement_count;
        l->batch_count = values->batch_count + everywhere;
        bins by_batch = { 0 };
        complete = sort_into_bins(batch_of, values->value_count, l->batch_count, &by_batch);
        l->value_start = by_batch.start;
        l->values = by_batch.members;
        l->nearby_start = gm_memory_new(l->batch_count + 1, sizeof *l->nearby_start);
        complete = complete && l->nearby_start != NULL;
    }
    gm_memory_free(batch_of);
    if (!complete) {
        gm_localisation_close(l);
        return gm_error_set(error, GM_MEMORY, "no memory to localise %zu values",
                            values->value_count);
    }
    *made = l;
    return GM_OK;
}

// ---- points ----

static bool are_sound(const double *coordinates, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        if (!(fabs(coordinates[at]) <= coordinate_max_m)) {
            return false;
        }
    }
    return true;
}

static gm_status check_points(const gm_local_values *values, const gm_local_points *points,
                              gm_error *error)
{
    if (points->dimensions < 1 || points->dimensions > DIMENSIONS_MAX) {
        return gm_error_set(error, GM_INVALID, "points of %zu dimensions: expected 1 to %d",
                            points->dimensions, DIMENSIONS_MAX);
    }
    for (size_t d = 0; d < points->dimensions; d++) {
        if (!(points->period_m[d] >= 0.0 && isfinite(points->period_m[d]))) {
            return gm_error_set(error, GM_INVALID, "a coordinate's period of %g m",
                                points->period_m[d]);
        }
    }
    bool sound = are_sound(points->batches, values->batch_count * points->dimensions) &&
                 are_sound(points->measurements, values->measurement_count * points->dimensions);
    return sound ? GM_OK
                 : gm_error_set(error, GM_INVALID,
                                "a coordinate of a place is not a number of metres up to %g",
                                coordinate_max_m);
}

/// A coordinate in [0, period) where there is one.
static double wrapped(double x, double period)
{
    return period > 0.0 ? x - period * floor(x / period) : x;
}

/// In which cell along one dimension; -2 .. cells + 1 outside, where nothing repeats.
static int64_t cell_along(const grid *g, size_t d, double x)
{
    double period = g->points->period_m[d];
    double at = floor((wrapped(x, period) - g->origin_m[d]) / g->cell_m[d]);
    double low = period > 0.0 ? 0.0 : -2.0;
    double high = (double)g->cells[d] + (period > 0.0 ? -1.0 : 1.0);
    return (int64_t)fmin(fmax(at, low), high);
}

static void measure_grid(grid *g, size_t measurement_count, double reach_m)
{
    size_t dimensions = g->points->dimensions;
    double cells_max = floor(
        pow((double)(CELLS_PER_MEASUREMENT * measurement_count + 1), 1.0 / (double)dimensions));
    for (size_t d = 0; d < dimensions; d++) {
        double low = INFINITY, high = -INFINITY, period = g->points->period_m[d];
        for (size_t index = 0; index < measurement_count; index++) {
            double x = g->points->measurements[index * dimensions + d];
            low = fmin(low, x);
            high = fmax(high, x);
        }
        double extent = period > 0.0 ? period : fmax(high - low, 0.0);
        g->cells[d] = (size_t)fmax(1.0, fmin(floor(extent / reach_m), cells_max));
        g->origin_m[d] = period > 0.0 || measurement_count == 0 ? 0.0 : low;
        g->cell_m[d] =
            extent / (double)g->cells[d] > reach_m ? extent / (double)g->cells[d] : reach_m;
    }
}

static bool fill_grid(grid *g, size_t measurement_count)
{
    uint32_t *cell_of = gm_memory_new(measurement_count, sizeof *cell_of);
    if (cell_of == NULL) {
        return false;
    }
    size_t cell_count = 1, dimensions = g->points->dimensions;
    for (size_t d = 0; d < dimensions; d++) {
        cell_count *= g->cells[d];
    }
    for (size_t index = 0; index < measurement_count; index++) {
        size_t cell = 0;
        for (size_t d = 0; d < dimensions; d++) {
            int64_t along = cell_along(g, d, g->points->measurements[index * dimensions + d]);
            int64_t last = (int64_t)g->cells[d] - 1; // the far edge belongs to the last cell
            cell = cell * g->cells[d] + (size_t)(along > last ? last : along);
        }
        cell_of[index] = (uint32_t)cell;
    }
    bool made = sort_into_bins(cell_of, measurement_count, cell_count, &g->cell);
    gm_memory_free(cell_of);
    return made;
}

double gm_local_distance_m(const gm_local_points *points, const double *a, const double *b)
{
    double square = 0.0;
    for (size_t d = 0; d < points->dimensions; d++) {
        double period = points->period_m[d];
        double apart = fabs(wrapped(a[d], period) - wrapped(b[d], period));
        apart = period > 0.0 ? fmin(apart, period - apart) : apart;
        square += apart * apart;
    }
    return sqrt(square);
}

/// The cells around a point, as numbers along each dimension.
typedef struct surroundings {
    size_t count[DIMENSIONS_MAX];
    size_t along[DIMENSIONS_MAX][3];
} surroundings;

static surroundings cells_around(const grid *g, const double *point)
{
    surroundings around = { .count = { 1, 1, 1 } };
    for (size_t d = 0; d < g->points->dimensions; d++) {
        int64_t own = cell_along(g, d, point[d]), cells = (int64_t)g->cells[d];
        size_t count = 0;
        for (int64_t cell = own - 1; cell <= own + 1 && count < g->cells[d]; cell++) {
            if (g->points->period_m[d] > 0.0) {
                around.along[d][count++] = (size_t)((cell + cells) % cells);
            } else if (cell >= 0 && cell < cells) {
                around.along[d][count++] = (size_t)cell;
            }
        }
        around.count[d] = count;
    }
    return around;
}

/// Lists what is near one point.
static gm_status list_point(listing *list, const grid *g, const double *point)
{
    surroundings around = cells_around(g, point);
    const gm_local_points *points = g->points;
    for (size_t at = 0; at < around.count[0] * around.count[1] * around.count[2]; at++) {
        size_t cell = 0, rest = at;
        for (size_t d = 0; d < points->dimensions; d++) {
            cell = cell * g->cells[d] + around.along[d][rest % around.count[d]];
            rest /= around.count[d];
        }
        for (uint32_t k = g->cell.start[cell]; k < g->cell.start[cell + 1]; k++) {
            uint32_t measurement = g->cell.members[k];
            const double *other = points->measurements + measurement * points->dimensions;
            double weight = gm_taper_weight(list->taper, gm_local_distance_m(points, point, other));
            gm_status status = add_nearby(list, measurement, weight);
            if (status != GM_OK) {
                return status;
            }
        }
    }
    return GM_OK;
}

static gm_status list_points(listing *list, const gm_local_values *values,
                             const gm_local_points *points)
{
    grid g = { .points = points };
    measure_grid(&g, values->measurement_count, 2.0 * half_width_of(list->taper));
    gm_status status = GM_OK;
    if (!fill_grid(&g, values->measurement_count)) {
        status = gm_error_set(list->error, GM_MEMORY, "no memory to sort %zu measurements by place",
                              values->measurement_count);
    }
    for (size_t batch = 0; status == GM_OK && batch < values->batch_count; batch++) {
        status = list_point(list, &g, points->batches + batch * points->dimensions);
        end_batch(list, batch);
    }
    close_bins(&g.cell);
    return status;
}

// ---- nodes ----

static gm_status check_nodes(const gm_local_values *values, const gm_local_nodes *nodes,
                             gm_error *error)
{
    size_t node_count = gm_network_node_count(nodes->network);
    for (size_t batch = 0; batch < values->batch_count; batch++) {
        if (nodes->batches[batch] >= node_count) {
            return gm_error_set(error, GM_INVALID, "batch %zu stands at node %u, of %zu", batch,
                                nodes->batches[batch], node_count);
        }
    }
    for (size_t index = 0; index < values->measurement_count; index++) {
        uint32_t node = nodes->measurements[index];
        if (node >= node_count && node != EVERYWHERE) {
            return gm_error_set(error, GM_INVALID, "measurement %zu stands at node %u, of %zu",
                                index, node, node_count);
        }
    }
    return GM_OK;
}

static bool start_walk(walk *w, const gm_local_nodes *nodes, size_t measurement_count)
{
    size_t node_count = gm_network_node_count(nodes->network);
    uint32_t *node_of = gm_memory_new(measurement_count, sizeof *node_of);
    *w = (walk){ .nodes = nodes,
                 .queue = gm_memory_new(node_count, sizeof *w->queue),
                 .hops = gm_memory_new(node_count, sizeof *w->hops),
                 .marked = gm_memory_new(node_count, sizeof *w->marked) };
    bool made = node_of != NULL && w->queue != NULL && w->hops != NULL && w->marked != NULL;
    for (size_t index = 0; made && index < measurement_count; index++) {
        uint32_t node = nodes->measurements[index];
        node_of[index] = node == EVERYWHERE ? (uint32_t)node_count : node;
    }
    made = made && sort_into_bins(node_of, measurement_count, node_count + 1, &w->at);
    gm_memory_free(node_of);
    return made;
}

static void end_walk(walk *w)
{
    close_bins(&w->at);
    gm_memory_free(w->queue);
    gm_memory_free(w->hops);
    gm_memory_free(w->marked);
}

/// Lists the measurements of one node.
static gm_status list_node(listing *list, const walk *w, size_t node, double weight)
{
    gm_status status = GM_OK;
    for (uint32_t k = w->at.start[node]; status == GM_OK && k < w->at.start[node + 1]; k++) {
        status = add_nearby(list, w->at.members[k], weight);
    }
    return status;
}

/// Breadth first from the batch's node, as far as measurements count.
static gm_status list_walk(listing *list, walk *w, size_t batch)
{
    const gm_network *network = w->nodes->network;
    uint32_t mark = (uint32_t)batch + 1, from = w->nodes->batches[batch];
    size_t head = 0, tail = 0;
    w->queue[tail++] = from;
    w->marked[from] = mark;
    w->hops[from] = 0;
    while (head < tail) {
        uint32_t node = w->queue[head++];
        double weight = gm_taper_weight(list->taper, w->hops[node]);
        if (!(weight > list->taper.cutoff)) {
            break;
        }
        gm_status status = list_node(list, w, node, weight);
        if (status != GM_OK) {
            return status;
        }
        size_t link_count;
        const gm_incidence *links = gm_network_incident(network, node, &link_count);
        for (size_t k = 0; k < link_count; k++) {
            uint32_t next = links[k].node;
            if (w->marked[next] != mark) {
                w->marked[next] = mark;
                w->hops[next] = w->hops[node] + 1;
                w->queue[tail++] = next;
            }
        }
    }
    return list_node(list, w, gm_network_node_count(network), 1.0);
}

static gm_status list_nodes(listing *list, const gm_local_values *values,
                            const gm_local_nodes *nodes)
{
    walk w;
    gm_status status = GM_OK;
    if (!start_walk(&w, nodes, values->measurement_count)) {
        status = gm_error_set(list->error, GM_MEMORY, "no memory to walk a network of %zu nodes",
                              gm_network_node_count(nodes->network));
    }
    for (size_t batch = 0; status == GM_OK && batch < values->batch_count; batch++) {
        status = list_walk(list, &w, batch);
        end_batch(list, batch);
    }
    end_walk(&w);
    return status;
}

// ---- public ----

gm_status gm_localisation_by_points(const gm_local_values *values, const gm_local_points *points,
                                    gm_taper taper, gm_localisation **localisation, gm_error *error)
{
    listing list = { .taper = taper, .error = error };
    gm_status status = check_values(values, taper, error);
    status = status == GM_OK ? check_points(values, points, error) : status;
    status = status == GM_OK ? start_localisation(values, &list.made, error) : status;
    status = status == GM_OK ? list_points(&list, values, points) : status;
    status = status == GM_OK ? list_everything(&list, values->batch_count) : status;
    if (status != GM_OK) {
        gm_localisation_close(list.made);
        return status;
    }
    *localisation = list.made;
    return GM_OK;
}

gm_status gm_localisation_by_hops(const gm_local_values *values, const gm_local_nodes *nodes,
                                  gm_taper taper, gm_localisation **localisation, gm_error *error)
{
    listing list = { .taper = taper, .error = error };
    gm_status status = check_values(values, taper, error);
    status = status == GM_OK ? check_nodes(values, nodes, error) : status;
    status = status == GM_OK ? start_localisation(values, &list.made, error) : status;
    status = status == GM_OK ? list_nodes(&list, values, nodes) : status;
    status = status == GM_OK ? list_everything(&list, values->batch_count) : status;
    if (status != GM_OK) {
        gm_localisation_close(list.made);
        return status;
    }
    *localisation = list.made;
    return GM_OK;
}

void gm_localisation_close(gm_localisation *localisation)
{
    if (localisation != NULL) {
        gm_memory_free(localisation->value_start);
        gm_memory_free(localisation->values);
        gm_memory_free(localisation->nearby_start);
        gm_memory_free(localisation->nearby);
        gm_memory_free(localisation);
    }
}

size_t gm_localisation_value_count(const gm_localisation *localisation)
{
    return localisation->value_count;
}

size_t gm_localisation_measurement_count(const gm_localisation *localisation)
{
    return localisation->measurement_count;
}

size_t gm_localisation_batch_count(const gm_localisation *localisation)
{
    return localisation->batch_count;
}

size_t gm_localisation_nearby_max(const gm_localisation *localisation)
{
    return localisation->nearby_max;
}

const uint32_t *gm_localisation_values(const gm_localisation *localisation, size_t batch,
                                       size_t *count)
{
    size_t first = localisation->value_start[batch];
    *count = localisation->value_start[batch + 1] - first;
    return localisation->values + first;
}

const gm_nearby *gm_localisation_nearby(const gm_localisation *localisation, size_t batch,
                                        size_t *count)
{
    size_t first = localisation->nearby_start[batch];
    *count = localisation->nearby_start[batch + 1] - first;
    return localisation->nearby + first;
}
