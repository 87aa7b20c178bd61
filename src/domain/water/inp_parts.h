// What the files of the .inp reader share.
//
//   inp_lines.c     lines, tokens, places
//   inp_reader.c    the sections' table, numbers, references, the way through a file
//   inp_network.c   nodes and links
//   inp_tables.c    patterns, curves, demands, emitters, leakage, status, coordinates
//   inp_options.c   options, times, energy
//   inp_controls.c  simple controls
//   inp_rules.c     rules
//   inp_units.c     units; turns what was read into SI
//   water_plan.c    the plan's tables;  plan_check.c  what must hold of a plan
//
// While a file is read the plan's quantities are in the file's units, because the units stand
// anywhere; gm_inp_to_si turns them when all is read.
#ifndef GEMEL_DOMAIN_WATER_INP_PARTS_H
#define GEMEL_DOMAIN_WATER_INP_PARTS_H

#include "domain/water/inp_lines.h"
#include "domain/water/water_plan.h"

enum { INP_RANGES_MAX = 1000 }; // lines of [STATUS] that name a range

typedef enum inp_pressure {
    INP_PRESSURE_BY_FLOW = 0, // psi or m, as the flow unit says
    INP_PSI,
    INP_KPA,
    INP_METERS,
    INP_BAR,
    INP_FEET
} inp_pressure;

typedef enum inp_clause { // the last line of a rule
    INP_NO_RULE = 0,
    INP_RULE,
    INP_IF,
    INP_THEN,
    INP_ELSE,
    INP_PRIORITY
} inp_clause;

typedef struct inp_reader {
    water_plan *plan;
    inp_lines lines;
    inp_line line; // being read
    size_t section;
    gm_place section_place;
    uint64_t warned;   // sections of the table
    bool warned_here;  // the unknown section at section_place
    char flow_unit[8]; // "GPM"
    inp_pressure pressure;
    double viscosity;        // as written; 0: not said
    bool requires_pressure;  // REQUIRED PRESSURE or MINIMUM PRESSURE was said
    gm_text default_pattern; // its name
    gm_place default_place;  // {0}: not said
    size_t ranges;           // lines of [STATUS] that name one
    // patterns and curves mostly come line after line
    uint32_t last_pattern, last_curve;
    // the rule being read
    inp_clause clause;
    bool rule_disabled;
    size_t premise_capacity, then_capacity, otherwise_capacity;
    gm_error *error;
} inp_reader;

// ---- inp_reader.c ----

/// Place of a token; behind the last one when the line has no such token.
gm_place gm_inp_place(const inp_reader *in, size_t token);

/// An error at a token. @return GM_INVALID
gm_status gm_inp_refuse(const inp_reader *in, size_t token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/// Bytes of a token that a message quotes, for "%.*s".
int gm_inp_quoted(gm_text token);
/// The error for it. @return GM_MEMORY
gm_status gm_inp_no_memory(const inp_reader *in);

/// Refuses a line with fewer tokens; `format` says what a line holds ("a pipe needs ...").
gm_status gm_inp_need(const inp_reader *in, size_t tokens, const char *what);

/// A token as a number; `what` names it ("the length").
gm_status gm_inp_number(const inp_reader *in, size_t token, const char *what, double *value);
/// As gm_inp_number, above 0.
gm_status gm_inp_positive(const inp_reader *in, size_t token, const char *what, double *value);
/// As gm_inp_number, 0 or more.
gm_status gm_inp_not_negative(const inp_reader *in, size_t token, const char *what, double *value);

/// A token as a reference to something declared above; errors suggest the nearest name.
gm_status gm_inp_node(const inp_reader *in, size_t token, uint32_t *node);
/// As gm_inp_node, a link.
gm_status gm_inp_link(const inp_reader *in, size_t token, uint32_t *link);
/// A token as a reference to something declared anywhere in the file. "" is no pattern.
gm_status gm_inp_pattern(const inp_reader *in, size_t token, uint32_t *pattern);
/// As gm_inp_pattern, a curve.
gm_status gm_inp_curve(const inp_reader *in, size_t token, uint32_t *curve);

/// A new node or link, named by token 0.
gm_status gm_inp_add_node(const inp_reader *in, water_node **node);
/// As gm_inp_add_node, a link.
gm_status gm_inp_add_link(const inp_reader *in, water_link **link);

/// Time in hours: "1.5", "1:30", "1:30:15"; with a unit's word, AM or PM behind (size 0: none).
/// @return false: it is none, or negative
bool gm_inp_hours(gm_text text, gm_text unit, double *hours);

/// What follows gm_inp_hours: refuses what is no time, or beyond 285 years.
gm_status gm_inp_check_hours(const inp_reader *in, size_t token, bool is_time, double hours);

/// Warns at a token.
void gm_inp_warn(const inp_reader *in, size_t token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// ---- one line of a section each, in the file's units ----

/// Of [JUNCTIONS].
gm_status gm_inp_junction(inp_reader *in);
/// Of [RESERVOIRS] or [TANKS].
gm_status gm_inp_tank(inp_reader *in);
/// Of [PIPES].
gm_status gm_inp_pipe(inp_reader *in);
/// Of [PUMPS].
gm_status gm_inp_pump(inp_reader *in);
/// Of [VALVES].
gm_status gm_inp_valve(inp_reader *in);
/// Of [PATTERNS].
gm_status gm_inp_pattern_line(inp_reader *in);
/// Of [CURVES].
gm_status gm_inp_curve_line(inp_reader *in);
/// Of [DEMANDS].
gm_status gm_inp_demand(inp_reader *in);
/// Of [EMITTERS].
gm_status gm_inp_emitter(inp_reader *in);
/// Of [LEAKAGE].
gm_status gm_inp_leakage(inp_reader *in);
/// Of [STATUS].
gm_status gm_inp_status(inp_reader *in);
/// Of [COORDINATES].
gm_status gm_inp_coordinate(inp_reader *in);
/// Of [VERTICES].
gm_status gm_inp_vertex(inp_reader *in);
/// Of [CONTROLS].
gm_status gm_inp_control(inp_reader *in);
/// Of [RULES].
gm_status gm_inp_rule_line(inp_reader *in);
/// Of [OPTIONS].
gm_status gm_inp_option(inp_reader *in);
/// Of [TIMES].
gm_status gm_inp_time(inp_reader *in);
/// Of [ENERGY].
gm_status gm_inp_energy(inp_reader *in);

/// After the last line: a rule that ends with the file.
gm_status gm_inp_rules_end(inp_reader *in);

// ---- inp_units.c ----

/// Turns all that was read into SI.
void gm_inp_to_si(inp_reader *in);

// ---- water_plan.c: for the reader and the overlay ----

/// The nodes by name.
water_table gm_water_nodes_of(const water_plan *plan);
/// The links by name.
water_table gm_water_links_of(const water_plan *plan);
/// The patterns by name.
water_table gm_water_patterns_of(const water_plan *plan);
/// The curves by name.
water_table gm_water_curves_of(const water_plan *plan);

/// Room for one more row: the array, moved when it was full; NULL: no memory. Rows are
/// zeroed.
void *gm_water_grow(gm_arena *arena, void *rows, size_t *capacity, size_t count, size_t size);

/// A new node. The name is copied; it must not be taken yet.
/// @return GM_LIMIT, GM_MEMORY
gm_status gm_water_add_node(water_plan *plan, gm_text name, water_node **node, gm_error *error);
/// As gm_water_add_node.
gm_status gm_water_add_link(water_plan *plan, gm_text name, water_link **link, gm_error *error);
/// As gm_water_add_node, by number.
gm_status gm_water_add_pattern(water_plan *plan, gm_text name, uint32_t *pattern, gm_error *error);
/// As gm_water_add_pattern.
gm_status gm_water_add_curve(water_plan *plan, gm_text name, uint32_t *curve, gm_error *error);
/// One more factor at the end of a pattern.
gm_status gm_water_add_factor(water_plan *plan, water_pattern *pattern, double factor,
                              gm_error *error);
/// One more point {x, y} at the end of a curve.
gm_status gm_water_add_point(water_plan *plan, water_curve *curve, const double at[2],
                             gm_error *error);
/// One more category at the end of a junction's demands.
gm_status gm_water_add_demand(water_plan *plan, water_node *node, double base, uint32_t pattern,
                              gm_error *error);

/// gm_model_warn, when the plan has a model.
void gm_water_warn(const water_plan *plan, gm_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// "; did you mean 'J12'?" or "".
const char *gm_water_meant(water_table table, gm_text name, char buffer[300]);

/// PRV, PSV, PBV, FCV, TCV, PCV.
bool gm_water_holds_setting(const water_link *link);

// ---- plan_check.c ----

/// What must hold of every plan, file or not: references, levels, curves, valves next to each
/// other, at least two nodes and one of fixed head.
/// @param whole  every junction must have a link
gm_status gm_water_plan_check(const water_plan *plan, bool whole, gm_error *error);

/// Gives names that cannot stand in an address ones that can, with a warning each.
gm_status gm_water_plan_name(water_plan *plan, gm_error *error);

/// Settles what is known only when a plan is complete: names, and time steps that must fit into
/// each other.
gm_status gm_water_plan_settle(water_plan *plan, gm_error *error);

/// The file's lines and their meaning in SI, unchecked.
gm_status gm_water_inp_parse(const gm_config *file, water_plan *plan, gm_error *error);

#endif
