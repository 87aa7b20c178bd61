// A heated shed in a climate chamber: four bodies of one temperature each, six thermometers. Its
// truth is played, its model known; what becomes of it under faults is judged by fault_trial.h.
//
//     capacity_i dT_i/dt = power_i + sum over paths of conductance (T_j - T_i)
//
// It is linear: a cycle, under inputs that hold, is one matrix, found by stepping unit vectors with
// the classic Runge-Kutta method. The heater is switched at random and the chamber goes up and
// down, both known: in still weather a leak of heat and a source of it can hardly be told apart.
#ifndef GEMEL_STUDY_SHED_PLANT_H
#define GEMEL_STUDY_SHED_PLANT_H

#include <gemel/random.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GM_SHED_NODES = 4,
    GM_SHED_PATHS = 5,
    GM_SHED_SENSORS = 6,
    GM_SHED_COLUMNS = 2 * GM_SHED_NODES + 1, // temperatures, powers, weather
    GM_SHED_CYCLE_S = 10,
};

/// What is constant. A path may end in the open.
typedef struct gm_shed {
    double capacity[GM_SHED_NODES];    // J/K
    double conductance[GM_SHED_PATHS]; // W/K
} gm_shed;

/// One cycle of a shed.
typedef struct gm_shed_step {
    double of[GM_SHED_NODES][GM_SHED_COLUMNS];
} gm_shed_step;

/// What acts on it during a cycle.
typedef struct gm_shed_drive {
    double power[GM_SHED_NODES]; // W
    double weather;              // K
} gm_shed_drive;

extern const char *const gm_shed_node_names[GM_SHED_NODES];
extern const char *const gm_shed_path_names[GM_SHED_PATHS];
extern const char *const gm_shed_sensor_names[GM_SHED_SENSORS];
extern const size_t gm_shed_sensor_nodes[GM_SHED_SENSORS];

/// As it is before anything fails.
gm_shed gm_default_shed(void);

/// A cycle of a shed with these constants.
gm_shed_step gm_shed_step_of(const gm_shed *shed);

/// @param state  in out, [GM_SHED_NODES], K
void gm_shed_advance(const gm_shed_step *step, const gm_shed_drive *drive, double *state);

/// What is known to act in a cycle, of a life.
/// @param swing_k  how far the weather goes up and down
gm_shed_drive gm_shed_drive_at(gm_random life, uint64_t cycle, double swing_k);

#endif
