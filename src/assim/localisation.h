// Localisation: which measurements may move which values, and how much they count there.
//
// A small ensemble shows correlations between places that have nothing to do with each other. A
// local filter lets a measurement act near its place only: its error variance is divided by a
// weight that falls from 1 to 0 with distance, the compactly supported fifth-order function of
// Gaspari and Cohn, Q. J. R. Meteorol. Soc. 125 (1999) 723-757, eq. 4.10. Its half-width is 1.82
// radii, so that the weight is about exp(-1/2) at one radius and 0 from 3.64 radii on.
//
// Values that stand at one place form a batch and are moved by one transform. Distances are metres
// between points, or hops along a network.
#ifndef GEMEL_ASSIM_LOCALISATION_H
#define GEMEL_ASSIM_LOCALISATION_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

#include "num/network.h"

/// For every batch its values and the measurements that count there. Immutable: any number of
/// threads may read one.
typedef struct gm_localisation gm_localisation;

enum {
    GM_LOCALISATION_COUNT_MAX = 1 << 28, // values, batches, measurements
    GM_LOCALISATION_PAIR_MAX = 1 << 30,  // batches times measurements near them
    GM_LOCALISATION_EVERYWHERE = -1,     // as uint32_t: stands at no place, concerns everything
};

/// How fast measurements cease to count.
typedef struct gm_taper {
    double radius; // > 0, in metres or hops: here a measurement counts about exp(-1/2)
    double cutoff; // measurements that count no more than this are left out, in [0, 1)
} gm_taper;

/// Cut-off 1e-3.
gm_taper gm_default_taper(double radius);

/// Gaspari and Cohn's function.
/// @param distance    >= 0
/// @param half_width  > 0, in the same unit; 0 is reached at twice that
/// @return 1 .. 0
double gm_gaspari_cohn(double distance, double half_width);

/// The weight of a measurement under a taper, before any cut-off.
double gm_taper_weight(gm_taper taper, double distance);

/// What is to be brought together.
typedef struct gm_local_values {
    size_t value_count;
    const uint32_t *batch_of; // [value_count]: the batch of each value, < batch_count, or
                              // GM_LOCALISATION_EVERYWHERE for one that all measurements move in
                              // full; NULL: value i is batch i
    size_t batch_count;
    size_t measurement_count;
} gm_local_values;

/// Points for batches and measurements.
typedef struct gm_local_points {
    size_t dimensions;          // 1 .. 3
    double period_m[3];         // after which a coordinate repeats; 0: never
    const double *batches;      // [batch_count][dimensions], m
    const double *measurements; // [measurement_count][dimensions], m
} gm_local_points;

/// @param a, b  [dimensions]
double gm_local_distance_m(const gm_local_points *points, const double *a, const double *b);

/// Nodes for batches and measurements.
typedef struct gm_local_nodes {
    const gm_network *network;
    const uint32_t *batches;      // [batch_count]
    const uint32_t *measurements; // [measurement_count], or GM_LOCALISATION_EVERYWHERE for one that
                                  // counts in full in every batch
} gm_local_nodes;

/// By distance between points; takes O(values + measurements + pairs) by buckets of one reach.
/// Everything is copied.
/// @param localisation  out; the caller closes it
/// @return GM_OK; GM_INVALID (taper, dimensions, a batch number, a coordinate or period that is not
/// finite); GM_LIMIT (counts, pairs); GM_MEMORY
gm_status gm_localisation_by_points(const gm_local_values *values, const gm_local_points *points,
                                    gm_taper taper, gm_localisation **localisation,
                                    gm_error *error);

/// By hops along a network; walks from each batch as far as the taper reaches. Everything is
/// copied.
/// @return as gm_localisation_by_points; GM_INVALID too for a node the network does not have
gm_status gm_localisation_by_hops(const gm_local_values *values, const gm_local_nodes *nodes,
                                  gm_taper taper, gm_localisation **localisation, gm_error *error);

/// NULL is fine.
void gm_localisation_close(gm_localisation *localisation);

/// Counts as given; batches include one more, the last, when a value stands everywhere.
size_t gm_localisation_value_count(const gm_localisation *localisation);
size_t gm_localisation_measurement_count(const gm_localisation *localisation);
size_t gm_localisation_batch_count(const gm_localisation *localisation);

/// The most measurements that count in one batch.
size_t gm_localisation_nearby_max(const gm_localisation *localisation);

/// The values of one batch, ascending.
/// @param count  out: how many
/// @return [count]; lives as long as `localisation`
const uint32_t *gm_localisation_values(const gm_localisation *localisation, size_t batch,
                                       size_t *count);

/// A measurement as a batch sees it.
typedef struct gm_nearby {
    uint32_t measurement;
    float weight; // above the cut-off, up to 1
} gm_nearby;

/// The measurements that count in one batch, ascending.
/// @param count  out: how many
/// @return [count]; lives as long as `localisation`
const gm_nearby *gm_localisation_nearby(const gm_localisation *localisation, size_t batch,
                                        size_t *count);

#endif
