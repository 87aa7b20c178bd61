// What moving a world through time shares between its files; for this room only.
#ifndef GEMEL_WORLD_WORLD_JOURNEY_H
#define GEMEL_WORLD_WORLD_JOURNEY_H

#include "world/world_parts.h"

struct gm_world_work {
    const gm_world *world;
    size_t lanes;
    size_t distinct; // lanes that draw lots of their own; the others repeat them
    double *values;  // [lanes]
    double *before;  // [lanes] what stands where something is to be written
    double *draws;   // [lanes]
    double *sources; // [link_count][lanes] values of links' sources
    double *written; // [driver_count] what profiles and known futures said last; NAN: nothing
    gm_ref *from;    // [link_count] links' sources, in the order of links
    bool *touched;   // [system_count] written since gm_state_changed
    gm_random random;
};

/// One call of gm_world_advance.
typedef struct gm_journey {
    const gm_world *world;
    gm_state *state;
    const gm_advance_options *options;
    gm_world_work *work;
    int64_t now_ns;
    uint64_t tick;
} gm_journey;

/// Writes values [lanes] at an address, each within the field's bounds, and remembers to tell the
/// system.
gm_status gm_journey_write(gm_journey *journey, gm_ref ref, double *values, gm_error *error);
gm_status gm_journey_fill(gm_journey *journey, gm_ref ref, double value, gm_error *error);

/// Lets one driver write its input, as at a tick; stochastic ones only move when `moves`.
gm_status gm_journey_drive(gm_journey *journey, size_t driver, bool moves, gm_error *error);

/// Ends and starts what is due at journey->now_ns and moves ramps on.
gm_status gm_scenario_run_apply(gm_scenario_run *run, gm_journey *journey, gm_error *error);
/// The next time after now_ns at which something starts or ends; INT64_MAX when nothing does.
int64_t gm_scenario_run_next(const gm_scenario_run *run, int64_t now_ns);
bool gm_scenario_run_has_ramps(const gm_scenario_run *run);
/// Does the changes in force again to an address that a driver or link has just written.
gm_status gm_scenario_run_again(const gm_scenario_run *run, gm_journey *journey, gm_ref ref,
                                gm_error *error);
/// Whether a change in force holds this address.
bool gm_scenario_run_holds(const gm_scenario_run *run, gm_ref ref);

#endif
