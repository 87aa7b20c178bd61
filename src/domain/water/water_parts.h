// What the water domain is made of, for the files of its folder.
//
//   water.c         the tables; observe, changed, migrate; the domain
//   water_build.c   plan -> model: elements, start values, geometry, constants
//   water_plan.h    what a network file says (inp_*.c, water_overlay.c)
//   water_solver.c  heads and flows at one instant: the global gradient method over lanes
//   water_step.c    time: tanks, patterns, controls; water_rules.c, water_energy.c
//
// Nodes are numbered junctions first, then tanks, then reservoirs, each in the order of the file;
// links pipes, pumps, valves. Columns are [element][width].
#ifndef GEMEL_DOMAIN_WATER_PARTS_H
#define GEMEL_DOMAIN_WATER_PARTS_H

#include <gemel/model.h>

#include "domain/water/water_plan.h"
#include "num/lanes.h"
#include "num/network.h"

// ---- the tables ----

enum {
    CLASS_NETWORK = 0,
    CLASS_JUNCTION,
    CLASS_TANK,
    CLASS_RESERVOIR,
    CLASS_PIPE,
    CLASS_PUMP,
    CLASS_VALVE,
    CLASS_PATTERN,
    WATER_CLASSES
};
enum {
    NETWORK_DEMAND_FACTOR = 0,
    NETWORK_ITERATIONS,
    NETWORK_CHANGE,
    NETWORK_INFLOW,
    NETWORK_CONSUMPTION,
    NETWORK_LEAKAGE,
    NETWORK_FIELDS
};
enum {
    JUNCTION_ELEVATION = 0,
    JUNCTION_DEMAND_FACTOR,
    JUNCTION_EXTRA_DEMAND,
    JUNCTION_EMITTER,
    JUNCTION_HEAD,
    JUNCTION_CONSUMPTION,
    JUNCTION_EMISSION,
    JUNCTION_HOLE_LEAKAGE,
    JUNCTION_CRACK_LEAKAGE,
    JUNCTION_PRESSURE,
    JUNCTION_DEMAND,
    JUNCTION_LEAKAGE,
    JUNCTION_FIELDS
};
enum { TANK_LEVEL = 0, TANK_DEMAND, TANK_HEAD, TANK_PRESSURE, TANK_VOLUME, TANK_FIELDS };
enum {
    RESERVOIR_BASE_HEAD = 0,
    RESERVOIR_HEAD,
    RESERVOIR_DEMAND,
    RESERVOIR_PRESSURE,
    RESERVOIR_FIELDS
};
enum {
    PIPE_LENGTH = 0,
    PIPE_DIAMETER,
    PIPE_ROUGHNESS,
    PIPE_MINOR_LOSS,
    PIPE_LEAK_AREA,
    PIPE_LEAK_GROWTH,
    PIPE_AUTOMATIC,
    PIPE_STATUS,
    PIPE_FLOW,
    PIPE_RESISTANCE,
    PIPE_VELOCITY,
    PIPE_HEADLOSS,
    PIPE_FIELDS
};
enum {
    PUMP_AUTOMATIC = 0,
    PUMP_STATUS,
    PUMP_SPEED,
    PUMP_FLOW,
    PUMP_ENERGY,
    PUMP_PEAK_POWER,
    PUMP_RUN_TIME,
    PUMP_VOLUME,
    PUMP_COST,
    PUMP_POWER,
    PUMP_EFFICIENCY,
    PUMP_VELOCITY,
    PUMP_HEADLOSS,
    PUMP_FIELDS
};
enum {
    VALVE_DIAMETER = 0,
    VALVE_MINOR_LOSS,
    VALVE_PRESSURE_SETTING,
    VALVE_FLOW_SETTING,
    VALVE_LOSS_COEFFICIENT,
    VALVE_OPENING,
    VALVE_AUTOMATIC,
    VALVE_STATUS,
    VALVE_FLOW,
    VALVE_VELOCITY,
    VALVE_HEADLOSS,
    VALVE_FIELDS
};
enum { PATTERN_FACTOR = 0, PATTERN_VALUE, PATTERN_FIELDS };

// ---- limits and constants of the method ----
// EPANET computes in feet and cubic feet per second; its thresholds are these, in SI.

#define WATER_FOOT_M          0.3048
#define WATER_CUBIC_FOOT_M3   0.028316846592
#define WATER_GRAVITY         9.80665
#define WATER_COLUMN_PA       9806.65 // one metre of water; times the specific gravity
#define WATER_GRADIENT_CLOSED (1e8 * WATER_FOOT_M / WATER_CUBIC_FOOT_M3)  // dh/dq, m / (m3/s)
#define WATER_GRADIENT_OPEN   (1e-6 * WATER_FOOT_M / WATER_CUBIC_FOOT_M3) // of an open valve
#define WATER_FLOW_NONE       (1e-6 * WATER_CUBIC_FOOT_M3) // a tank's flow below this is none
#define WATER_HEAD_TOLERANCE  (0.0005 * WATER_FOOT_M)      // of status checks
#define WATER_FLOW_TOLERANCE  (0.0001 * WATER_CUBIC_FOOT_M3)
#define WATER_ACCURACY_MOST   1e-6 // relative flow change, unless the file wants less
enum {
    WATER_TRIALS_MAX = 100000,    // iterations of one instant, whatever the file says
    WATER_INSTANTS_MAX = 1 << 20, // solved in one call of advance
};

// ---- constants of a model ----

typedef struct water_ends {
    uint32_t from, to; // nodes
} water_ends;

/// A junction's share in a pattern.
typedef struct water_draw {
    uint32_t pattern; // WATER_NONE: constant
    double base_m3_s; // with the file's demand multiplier
} water_draw;

typedef enum water_pump_law {
    PUMP_NO_CURVE = 0, // an open valve
    PUMP_POWER_LAW,    // head = shutoff - resistance flow^exponent
    PUMP_BY_POINTS,    // straight lines between points
    PUMP_CONSTANT_POWER,
} water_pump_law;

typedef struct water_points {
    const double *x, *y; // SI, x ascending
    size_t count;
} water_points;

typedef struct water_pump {
    water_pump_law law;
    double shutoff_m, resistance,
        exponent;                       // at speed 1; PUMP_CONSTANT_POWER: head x flow = resistance
    double design_m3_s, flow_most_m3_s; // where an iteration starts; where head is zero
    double head_most_m;                 // at no flow
    water_points head, efficiency;      // flow -> head; flow -> 0 .. 1
    uint32_t speed_pattern, price_pattern;
    double price; // per kWh
} water_pump;

typedef struct water_valve {
    water_valve_kind kind;
    water_points points; // GPV: flow -> head loss; PCV: opening -> relative flow, both 0 .. 1
} water_valve;

typedef struct water_tank {
    double elevation_m, min_depth_m, max_depth_m, min_volume_m3, max_volume_m3;
    double area_m2;        // of a cylinder
    water_points by_level; // depth -> volume; count 0: a cylinder
    bool overflows;
} water_tank;

typedef struct water_solver water_solver;

typedef struct water_net {
    gm_arena *arena;
    const water_plan
        *plan; // options, times, patterns, controls, rules; its nodes and links by file
    size_t junction_count, tank_count, reservoir_count, node_count;
    size_t pipe_count, pump_count, valve_count, link_count;
    const uint32_t *node_of, *link_of;                 // [plan nodes], [plan links]: numbers here
    const char *const *node_names, *const *link_names; // for messages
    const water_ends *ends;                            // [link_count]
    gm_network *topology;                              // of all nodes and links
    const uint32_t *draw_start;                        // [junction_count + 1]
    const water_draw *draws;                           // by junction
    const uint8_t *check_valve;                        // [pipe_count]
    const uint32_t *head_pattern;                      // [reservoir_count]
    const water_tank *tanks;
    const water_pump *pumps;
    const water_valve *valves;
    water_solver *solver;
} water_net;

/// A lane's own memory between calls, in the model's hidden area: what the columns do not tell.
/// Heads and flows were solved for `anchor_ns`; they hold until the next event. A tank's volume
/// then is the anchor's plus its inflow times the time since, so that where somebody stopped to
/// look leaves no trace.
typedef struct water_memory {
    uint8_t solved; // 0: parameters, inputs or states were written since, or nothing was solved yet
    int64_t anchor_ns;
    int64_t next_ns; // the event after the anchor
    int64_t time_ns; // where advance left the lane: set by others to another time, it starts afresh
    double volume_m3[]; // [tank_count] at the anchor, then [pump_count] water_tally
} water_memory;

/// What a pump had used at the anchor.
typedef struct water_tally {
    double energy_j, run_time_s, volume_m3, cost;
} water_tally;

/// Bytes of the memory, for gm_model_hidden.
static inline size_t gm_water_memory_size(const water_net *net)
{
    return sizeof(water_memory) + net->tank_count * sizeof(double) +
           net->pump_count * sizeof(water_tally);
}

/// A block's columns and scratch while it is worked on. A pointer per field, named as in the
/// tables; fields that are outputs may be NULL.
typedef struct water_view {
    const gm_model *model;
    const water_net *net;
    gm_block *block;
    int width;
    const double *network_factor;
    int32_t *iterations; // [1][width] of the last instant
    double *change;      // [1][width] its last relative flow change
    const double *elevation, *demand_factor, *extra_demand, *emitter;
    double *head, *consumption, *emission, *hole_leakage, *crack_leakage; // junctions
    double *level, *tank_demand;
    const double *base_head;
    double *reservoir_head, *reservoir_demand;
    const double *length, *diameter, *roughness, *minor_loss, *leak_area, *leak_growth;
    uint8_t *pipe_status, *pump_status, *valve_status;
    // 0: the controls and rules of the file leave the link alone
    const uint8_t *pipe_automatic, *pump_automatic, *valve_automatic;
    double *pipe_flow, *pump_flow, *valve_flow;
    double *resistance;
    double *speed, *energy, *peak_power, *run_time, *pumped_volume, *cost;
    const double *valve_diameter, *valve_minor_loss;
    double *pressure_setting, *flow_setting, *loss_coefficient, *opening;
    const double *pattern_factor;
    // scratch of the step, given to the solver
    double *full_demand;   // [junction_count][width] wanted at this instant
    double *fixed_head;    // [tank_count + reservoir_count][width]
    double *pattern_value; // [pattern_count][width] now, factor included
    void *solver_work;     // gm_water_solver_size bytes
    void *step_work;       // gm_water_step_size bytes
} water_view;

static inline bool water_is_closed(uint8_t status)
{
    return status == WATER_CLOSED || (status >= WATER_SHUT && status <= WATER_UNABLE);
}

/// Bytes that advance wants, for a block of 8 lanes; the solver is there already.
size_t gm_water_scratch_size(const water_net *net);
/// One block as a view; scratch NULL outside advance.
void gm_water_view(const gm_model *model, gm_block *block, void *scratch, water_view *view);
/// The memory of one lane of a block.
static inline water_memory *gm_water_memory(const water_view *view, int lane)
{
    size_t stride = gm_model_hidden_size(view->model);
    return (water_memory *)(void *)(view->block->hidden + (size_t)lane * stride);
}
static inline water_tally *gm_water_tallies(const water_view *view, int lane)
{
    return (water_tally *)(void *)(gm_water_memory(view, lane)->volume_m3 + view->net->tank_count);
}

// ---- water_build.c ----

extern const gm_class gm_water_classes[WATER_CLASSES];
extern const gm_class gm_water_pipe_by_height; // Darcy-Weisbach: roughness is a length
/// The domain's build.
gm_status gm_water_build(gm_model *model, const gm_config *config, gm_error *error);

// ---- water_solver.c ----

/// Symbolic work, once per topology.
gm_status gm_water_solver_create(const water_net *net, gm_arena *arena, water_solver **solver,
                                 gm_error *error);
void gm_water_solver_close(water_solver *solver);
size_t gm_water_solver_size(const water_solver *solver); // scratch, for a block of 8 lanes
/// Junctions in trees, which the iteration leaves out where it can.
size_t gm_water_tree_count(const water_net *net);

/// What pipes resist, from roughness, length and diameter: view->resistance in every lane of the
/// mask.
void gm_water_resistances(const water_view *view, gm_lane_mask lanes);

/// At the start of a call of advance, before the first solve: takes over what stays the same
/// during it (resistances, leak areas, statuses, flows).
void gm_water_solver_open(const water_view *view);

/// Heads, flows, outflows and statuses at one instant: full_demand, fixed_head, statuses and
/// settings are given, flows are where the iteration starts. Lanes outside the mask keep their
/// bits. Writes head, flows, statuses, consumption, emission, leakage, tank_demand,
/// reservoir_demand, iterations, change.
/// @return lanes that found no solution; `error` says why for the first, with names
gm_lane_mask gm_water_solve(const water_view *view, gm_lane_mask lanes, gm_error *error);

// ---- water_step.c ----

size_t gm_water_step_size(const water_net *net); // scratch
/// The domain's advance: every lane from event to event until a time.
gm_status gm_water_advance(const gm_model *model, gm_block *block, int64_t until_ns, gm_step *step);

/// The pattern's factor at a time, without the lane's own; 1 for WATER_NONE.
double gm_water_pattern_at(const water_net *net, uint32_t pattern, int64_t time_ns);

// ---- water_tanks.c ----

/// Straight lines between points, flat beyond the ends.
double gm_water_interpolate(const water_points *points, double x);
/// A tank's volume at a depth and back; both clamp at the ends of its curve.
double gm_water_tank_volume(const water_tank *tank, double depth_m);
double gm_water_tank_depth(const water_tank *tank, double volume_m3);
/// A tank's volume after an inflow held for a time; it stops at full and empty.
double gm_water_tank_later(const water_tank *tank, double volume_m3, double inflow_m3_s,
                           double time_s);

// ---- water_controls.c ----

uint8_t *gm_water_status(const water_view *view, uint32_t link); // [width]
double *gm_water_flow(const water_view *view, uint32_t link);    // [width]
/// Head of a node of any kind, as the columns show it.
double gm_water_head(const water_view *view, uint32_t node, int lane);
/// A link's setting in one lane: a pump's speed; a valve's by kind in SI with pressures in metres;
/// 0 for pipes.
double gm_water_setting(const water_view *view, uint32_t link, int lane);
/// Whether a valve's setting counts: nobody holds it open or closed.
bool gm_water_setting_counts(const water_view *view, uint32_t link, int lane);

/// Whether a rule's action would change something; links that are not automatic are left alone.
/// Then what it does.
bool gm_water_status_differs(const water_view *view, uint32_t link, int lane, water_status status);
void gm_water_set_status(const water_view *view, uint32_t link, int lane, water_status status);
bool gm_water_setting_differs(const water_view *view, uint32_t link, int lane, double setting);
void gm_water_set_setting(const water_view *view, uint32_t link, int lane, double setting);

/// Whether the link of a simple control is not yet what the control wants.
bool gm_water_control_differs(const water_view *view, const water_control *control, int lane);
/// Does what a simple control wants. Links that are not automatic are left alone by both.
void gm_water_control_act(const water_view *view, const water_control *control, int lane);
/// A pump's speed by its pattern.
void gm_water_follow_speed(const water_view *view, size_t pump, int lane, double speed);

/// An instant as the file's clock shows it.
typedef struct water_clock {
    int64_t elapsed_s; // whole seconds since the file's time 0
    double fraction_s; // 0 .. 1 beyond them
    bool strikes;      // controls of this very second are due
} water_clock;
/// Does what every simple control of a tank's level or of time wants that holds at an instant.
void gm_water_controls_act(const water_view *view, int lane, const water_clock *clock);
/// Seconds from the clock's until a simple control changes something; `step_s` if none does before.
int64_t gm_water_controls_next(const water_view *view, int lane, const water_clock *clock,
                               int64_t step_s);

// ---- water_rules.c ----

/// What a rule sees of a moment that may lie after the anchor: the clock and the tanks move on.
typedef struct water_moment {
    int64_t elapsed_s;       // since the file's time 0
    const double *volume_m3; // [tank_count] of the lane
    int64_t step_s;          // since the rules were looked at last
} water_moment;

/// Scratch of gm_water_rules_fire, and what it needs at the start of a call.
size_t gm_water_rules_size(const water_net *net);
void gm_water_rules_open(const water_net *net, void *work);
/// Looks at all rules of one lane. @param apply  false: only tells whether any would act
/// @return true when a rule changes (would change) a status or setting
bool gm_water_rules_fire(const water_view *view, int lane, const water_moment *moment, void *work,
                         bool apply);

// ---- water_energy.c ----

/// Power taken by a pump since the anchor in W, and its efficiency 0 .. 1.
double gm_water_pump_power(const water_view *view, size_t pump, int lane, double *efficiency);
/// What the pumps of a lane used from the anchor to a time after it goes into the columns.
void gm_water_energy_until(const water_view *view, int lane, int64_t time_ns);

#endif
