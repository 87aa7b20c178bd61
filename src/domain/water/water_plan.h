// What a network file says, in plain tables: the step between the text of an .inp file (or the maps
// of a world file) and the model.
//
// Quantities are SI, converted once by the factors that EPANET itself uses (water_units), so that a
// file's 100 GPM means here what it means there. Curves keep the file's numbers: what their axes
// mean depends on who uses them. Names of nodes and links are spaces of their own. Everything lives
// in the plan's arena.
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), appendix C; the format
// of version 2.3 adds leakage, positional control valves and emitter backflow.
#ifndef GEMEL_DOMAIN_WATER_PLAN_H
#define GEMEL_DOMAIN_WATER_PLAN_H

#include <gemel/config.h>
#include <gemel/model.h>

#include "base/arena.h"
#include "domain/water/water_names.h"

#define WATER_NONE UINT32_MAX // no pattern, curve, node, link

enum {
    WATER_NODES_MAX = 1 << 22,
    WATER_LINKS_MAX = 1 << 22,
    WATER_TABLES_MAX = 1 << 20, // patterns, curves; controls; rules
    WATER_POINTS_MAX = 1 << 24, // points of a curve, factors of a pattern, vertices
    WATER_PREMISES_MAX = 256,   // premises and actions of a rule
};

/// SI for one unit of the file. "Head" covers lengths, elevations, levels.
typedef struct water_units {
    double flow_m3_s, length_m, diameter_m, volume_m3;
    double power_w;    // EPANET's horsepower is 745.7 W here, and lifts 8.814 ft4/s
    double pressure_m; // metres of the fluid's own column for one unit of pressure
    bool metric;       // LPS, LPM, MLD, CMH, CMD, CMS
} water_units;

typedef enum water_formula { HAZEN_WILLIAMS = 0, DARCY_WEISBACH, CHEZY_MANNING } water_formula;

typedef enum water_node_kind { WATER_JUNCTION = 0, WATER_TANK, WATER_RESERVOIR } water_node_kind;

/// One category of a junction's demand.
typedef struct water_category {
    double base_m3_s;
    uint32_t pattern; // WATER_NONE: the default pattern, if there is one
    bool provisional; // of the junction's own line: the first one of [DEMANDS] takes its place
    struct water_category *next;
} water_category;

typedef struct water_node {
    const char *name;
    gm_place place; // of its declaration
    water_node_kind kind;
    bool removed;            // a patch took it out
    double elevation_m;      // ground, tank bottom; a reservoir's head
    water_category *demands; // of a junction, one at least; in the order of the file
    water_category *last_demand;
    uint32_t pattern; // of a reservoir's head
    double emitter;   // m3/s at one metre of pressure; 0: none
    // tanks; without a curve the volume is min_volume_m3 at the lowest level, whether the file says
    // so or not
    double level_m, min_level_m, max_level_m, diameter_m, min_volume_m3;
    uint32_t volume_curve; // x depth, y volume, in the file's units; WATER_NONE: a cylinder
    bool overflows;
    // on the map, in the file's units
    double x, y;
    bool has_point;
} water_node;

typedef enum water_link_kind { WATER_PIPE = 0, WATER_PUMP, WATER_VALVE } water_link_kind;

typedef enum water_valve_kind {
    WATER_NO_VALVE = 0,
    WATER_PRV, // pressure reducing: setting is the pressure kept downstream
    WATER_PSV, // pressure sustaining: kept upstream
    WATER_PBV, // pressure breaker: setting is the pressure lost
    WATER_FCV, // flow control: setting is the largest flow
    WATER_TCV, // throttle: setting is the loss coefficient
    WATER_GPV, // general purpose: head loss by curve
    WATER_PCV, // positional: setting is how far it is open, 0 .. 1, with a curve of relative flow
} water_valve_kind;

/// What a link is doing. The first two are somebody's will (the file, a control, a person); the
/// others come of the hydraulics and pass into each other by themselves. Values of the field
/// `status`.
typedef enum water_status {
    WATER_CLOSED = 0,
    WATER_OPEN = 1,
    WATER_ACTIVE = 2,  // a valve that holds its setting
    WATER_WIDE = 3,    // a valve that would hold its setting, and stands wide open
    WATER_SHUT = 4,    // closed against reverse flow: a check valve, a valve that holds a setting
    WATER_STOPPED = 5, // closed at a full or an empty tank; a pump of constant power without flow
    WATER_UNABLE = 6,  // a pump against more head than it can lift
    WATER_FORCED = 7,  // a valve that cannot hold its setting
    WATER_STATUSES
} water_status;

typedef struct water_point {
    double x, y;
    struct water_point *next;
} water_point;

typedef struct water_link {
    const char *name;
    gm_place place;
    water_link_kind kind;
    water_valve_kind valve;
    bool removed;
    bool commanded;    // drivers may move its status and setting
    uint32_t from, to; // nodes
    double length_m, diameter_m;
    double roughness;  // Hazen-Williams C; Darcy-Weisbach roughness height in m; Manning n
    double minor_loss; // K of K v^2 / 2g
    bool check_valve;
    water_status status; // at the start: closed, open, or (valves with a setting) active
    double setting;      // SI: a pump's speed (0 when closed by [STATUS]); a valve's pressure in m,
                         // flow, coefficient, opening
    // pumps
    uint32_t head_curve, efficiency_curve, speed_pattern, price_pattern;
    double power_w; // of a pump of constant power; 0: none
    double price;   // per kWh; NAN: the global one
    // valves
    uint32_t curve; // of GPV and PCV
    // pipes: holes in all of its length (FAVAD): area and its growth per metre of pressure
    double leak_area_m2, leak_expansion_m;
    water_point *vertices; // on the map, from `from` to `to`
    water_point *last_vertex;
} water_link;

typedef struct water_pattern {
    const char *name;
    gm_place place;
    double *factors; // [count]; count 0: referred to, not declared (an error by the end)
    size_t count, capacity;
} water_pattern;

typedef struct water_curve {
    const char *name;
    gm_place place;
    double *x, *y; // [count], in the file's units
    size_t count, capacity;
} water_curve;

typedef enum water_control_kind {
    WATER_BELOW = 0, // the node's level or pressure is below a limit
    WATER_ABOVE,
    WATER_AT_TIME,  // once, this long after the start
    WATER_AT_CLOCK, // daily
} water_control_kind;

typedef struct water_control {
    gm_place place;
    water_control_kind kind;
    uint32_t link, node;
    double limit_m; // head
    int64_t time_s;
    bool has_status, has_setting; // one of them
    water_status status;          // WATER_CLOSED or WATER_OPEN; a pump opens at speed 1
    double setting;               // SI, as water_link.setting; a pump's is > 0
} water_control;

typedef enum water_subject { // whose quantity a premise looks at
    WATER_SYSTEM = 0,
    WATER_NODE,
    WATER_LINK
} water_subject;

typedef enum water_quantity {
    WATER_DEMAND = 0, // system, node: m3/s
    WATER_HEAD,       // node: m
    WATER_LEVEL,      // tank: m
    WATER_PRESSURE,   // node: m
    WATER_FILL_TIME,  // tank: s until full
    WATER_DRAIN_TIME, // tank: s until empty
    WATER_FLOW,       // link: m3/s, its size
    WATER_STATUS,     // link: closed, open, active
    WATER_SETTING,    // link: as water_link.setting
    WATER_POWER,      // pump: W
    WATER_TIME,       // system: s since the start
    WATER_CLOCK,      // system: s since midnight
} water_quantity;

typedef enum water_relation {
    WATER_EQUAL = 0,
    WATER_UNEQUAL,
    WATER_LESS,
    WATER_AT_MOST,
    WATER_GREATER,
    WATER_AT_LEAST
} water_relation;

typedef struct water_premise {
    bool is_or; // joined to those before by OR; otherwise AND
    water_subject subject;
    uint32_t index; // node or link
    water_quantity quantity;
    water_relation relation;
    water_status status; // WATER_STATUS: closed, open or active; WATER_STATUSES: never true
    double value;        // SI
} water_premise;

typedef struct water_action {
    uint32_t link;
    bool has_setting;    // otherwise status
    water_status status; // WATER_CLOSED or WATER_OPEN; a pump opens at speed 1
    double setting;      // SI, as water_link.setting; a pump's is > 0
} water_action;

typedef struct water_rule {
    const char *name;
    gm_place place;
    double priority;
    water_premise *premises;        // [premise_count]
    water_action *then, *otherwise; // [then_count], [otherwise_count]
    size_t premise_count, then_count, otherwise_count;
} water_rule;

typedef struct water_plan {
    gm_arena *arena;
    gm_model *model; // for gm_model_warn; may be NULL
    gm_place place;  // of the file, or the system in the world file
    water_units units;
    water_node *nodes; // in the order of the file, all kinds
    size_t node_count, node_capacity;
    water_link *links;
    size_t link_count, link_capacity;
    water_pattern *patterns;
    size_t pattern_count, pattern_capacity;
    water_curve *curves;
    size_t curve_count, curve_capacity;
    water_control *controls;
    size_t control_count, control_capacity;
    water_rule *rules;
    size_t rule_count, rule_capacity;
    water_names node_names, link_names, pattern_names, curve_names;

    // [OPTIONS]
    water_formula formula;
    double viscosity_m2_s, specific_gravity, demand_multiplier;
    uint32_t default_pattern;              // WATER_NONE: constant 1
    double accuracy;                       // relative flow change
    double head_error_m, flow_change_m3_s; // further limits of convergence; 0: none
    uint32_t trials, extra_trials;         // unbalanced: continue N; 0 extra with stop
    bool unbalanced_stops;
    uint32_t check_every, check_until; // CHECKFREQ, MAXCHECK
    double damp_below;                 // DAMPLIMIT
    double emitter_exponent;           // flow = emitter pressure^exponent
    bool emitters_backflow;
    bool pressure_driven;
    double minimum_pressure_m, required_pressure_m, pressure_exponent;

    // [TIMES]
    int64_t duration_s, step_s, pattern_step_s, pattern_start_s, report_step_s, report_start_s,
        rule_step_s, clock_start_s;

    // [ENERGY]
    double price, efficiency, demand_charge; // per kWh; 0 .. 1; per kW of the peak
    uint32_t price_pattern;

    // from the world file
    int64_t origin_ns; // where the file's time 0 lies since 1970
} water_plan;

/// Reads the system's map of the world file: `network` (an .inp file's bytes, GM_CONFIG_FILE) and
/// what is laid over it (docs/water.md): junctions, reservoirs, tanks, pipes, pumps, valves,
/// patterns, remove, commanded, options, times. Either may be missing.
/// @param model  for warnings
/// @param plan   out; lives in the arena. Removed nodes and links are gone from the tables, and
///               with them the controls and rules that name them (a warning each).
/// @return GM_INVALID (file:line:column), GM_LIMIT, GM_MEMORY
gm_status gm_water_plan_read(const gm_config *config, gm_model *model, gm_arena *arena,
                             water_plan **plan, gm_error *error);

/// The .inp text alone. For gm_water_plan_read, tests and the fuzzer.
gm_status gm_water_inp_read(const gm_config *file, water_plan *plan, gm_error *error);

/// A plan with EPANET's defaults in the units of GPM, empty.
void gm_water_plan_default(water_plan *plan, gm_arena *arena, gm_model *model);

/// Sets plan->units for a flow unit of the file ("GPM", "LPS" ..., in any case; what follows those
/// letters is not looked at). Pressure is in psi or m. @return false: unknown
bool gm_water_units_choose(const char *flow_unit, double specific_gravity, water_units *units);

/// By name; WATER_NONE when there is none.
uint32_t gm_water_find_node(const water_plan *plan, const char *name);
uint32_t gm_water_find_link(const water_plan *plan, const char *name);

#endif
