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
// anywhere; inp_to_si turns them when all is read.
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
gm_place inp_place(const inp_reader *in, size_t token);

/// An error at a token. @return GM_INVALID
gm_status inp_refuse(const inp_reader *in, size_t token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/// Bytes of a token that a message quotes, for "%.*s".
int inp_quoted(gm_text token);
gm_status inp_no_memory(const inp_reader *in);

/// Refuses a line with fewer tokens; `format` says what a line holds ("a pipe needs ...").
gm_status inp_need(const inp_reader *in, size_t tokens, const char *what);

/// A token as a number; `what` names it ("the length").
gm_status inp_number(const inp_reader *in, size_t token, const char *what, double *value);
gm_status inp_positive(const inp_reader *in, size_t token, const char *what, double *value);
gm_status inp_not_negative(const inp_reader *in, size_t token, const char *what, double *value);

/// A token as a reference to something declared above; errors suggest the nearest name.
gm_status inp_node(const inp_reader *in, size_t token, uint32_t *node);
gm_status inp_link(const inp_reader *in, size_t token, uint32_t *link);
/// A token as a reference to something declared anywhere in the file. "" is no pattern.
gm_status inp_pattern(const inp_reader *in, size_t token, uint32_t *pattern);
gm_status inp_curve(const inp_reader *in, size_t token, uint32_t *curve);

/// A new node or link, named by token 0.
gm_status inp_add_node(const inp_reader *in, water_node **node);
gm_status inp_add_link(const inp_reader *in, water_link **link);

/// Time in hours: "1.5", "1:30", "1:30:15"; with a unit's word, AM or PM behind (size 0: none).
/// @return false: it is none, or negative
bool inp_hours(gm_text text, gm_text unit, double *hours);

/// Warns at a token.
void inp_warn(const inp_reader *in, size_t token, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// ---- one line of a section each ----

gm_status inp_junction(inp_reader *in);
gm_status inp_tank(inp_reader *in); // and reservoirs
gm_status inp_pipe(inp_reader *in);
gm_status inp_pump(inp_reader *in);
gm_status inp_valve(inp_reader *in);
gm_status inp_pattern_line(inp_reader *in);
gm_status inp_curve_line(inp_reader *in);
gm_status inp_demand(inp_reader *in);
gm_status inp_emitter(inp_reader *in);
gm_status inp_leakage(inp_reader *in);
gm_status inp_status(inp_reader *in);
gm_status inp_coordinate(inp_reader *in);
gm_status inp_vertex(inp_reader *in);
gm_status inp_control(inp_reader *in);
gm_status inp_rule_line(inp_reader *in);
gm_status inp_option(inp_reader *in);
gm_status inp_time(inp_reader *in);
gm_status inp_energy(inp_reader *in);

/// After the last line: a rule that ends with the file.
gm_status inp_rules_end(inp_reader *in);

// ---- inp_units.c ----

/// Turns all that was read into SI.
void inp_to_si(inp_reader *in);

// ---- water_plan.c: for the reader and the overlay ----

water_table water_nodes_of(const water_plan *plan);
water_table water_links_of(const water_plan *plan);
water_table water_patterns_of(const water_plan *plan);
water_table water_curves_of(const water_plan *plan);

/// Room for one more row: the array, moved when it was full; NULL: no memory or `most` rows. Rows
/// are zeroed.
void *water_grow(gm_arena *arena, void *rows, size_t *capacity, size_t count, size_t size);

/// A new row of each table. The name is copied; it must not be taken yet.
/// @return GM_LIMIT, GM_MEMORY
gm_status water_add_node(water_plan *plan, gm_text name, water_node **node, gm_error *error);
gm_status water_add_link(water_plan *plan, gm_text name, water_link **link, gm_error *error);
gm_status water_add_pattern(water_plan *plan, gm_text name, uint32_t *pattern, gm_error *error);
gm_status water_add_curve(water_plan *plan, gm_text name, uint32_t *curve, gm_error *error);
gm_status water_add_factor(water_plan *plan, water_pattern *pattern, double factor,
                           gm_error *error);
gm_status water_add_point(water_plan *plan, water_curve *curve, const double at[2],
                          gm_error *error);
/// One more category at the end of a junction's demands.
gm_status water_add_demand(water_plan *plan, water_node *node, double base, uint32_t pattern,
                           gm_error *error);

/// gm_model_warn, when the plan has a model.
void water_warn(const water_plan *plan, gm_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// "; did you mean 'J12'?" or "".
const char *water_meant(water_table table, gm_text name, char buffer[300]);

bool water_holds_setting(const water_link *link); // PRV, PSV, PBV, FCV, TCV, PCV

// ---- plan_check.c ----

/// What must hold of every plan, file or not: references, levels, curves, valves next to each
/// other, at least two nodes and one of fixed head.
/// @param whole  every junction must have a link
gm_status water_plan_check(const water_plan *plan, bool whole, gm_error *error);

/// Gives names that cannot stand in an address ones that can, with a warning each.
gm_status water_plan_name(water_plan *plan, gm_error *error);

/// Settles what is known only when a plan is complete: names, and time steps that must fit into
/// each other.
gm_status water_plan_settle(water_plan *plan, gm_error *error);

/// The file's lines and their meaning in SI, unchecked.
gm_status water_inp_parse(const gm_config *file, water_plan *plan, gm_error *error);

#endif
