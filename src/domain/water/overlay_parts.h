// What the files that lay the world file over a network share. Quantities are SI here: the network
// file, if there is one, was turned before.
//
//   water_overlay.c     the system's map: file, options, patterns, times, commanded links
//   overlay_elements.c  nodes and links, given anew or added
//   overlay_removal.c   what is taken out, and what goes with it
#ifndef GEMEL_DOMAIN_WATER_OVERLAY_PARTS_H
#define GEMEL_DOMAIN_WATER_OVERLAY_PARTS_H

#include "domain/water/inp_parts.h"

typedef struct overlay {
    water_plan *plan;
    gm_error *error;
} overlay;

/// An element of the plan.
typedef struct overlay_element {
    bool is_link;
    uint32_t index;
} overlay_element;

/// The element that "pipe/P12" names.
gm_status gm_overlay_find(const overlay *in, const gm_config *named, overlay_element *element);

/// The pattern that a scalar names.
gm_status gm_overlay_pattern(const overlay *in, const gm_config *named, uint32_t *pattern);

/// A pressure as metres of the fluid's column: "300 kPa", or "30 m".
gm_status gm_overlay_pressure(const overlay *in, const gm_config *config, double *pressure_m);

/// Maps junctions, reservoirs, tanks, pipes, pumps, valves.
gm_status gm_overlay_elements(const overlay *in, const gm_config *config);

/// The list `remove`.
gm_status gm_overlay_remove(const overlay *in, const gm_config *list);

#endif
