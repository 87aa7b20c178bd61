// What a world file declares, resolved: the inside of a gm_world, read by ingest, twin, study,
// serve and cli.
//
// Const after reading, shared by all threads. All texts, arrays and trees belong to the world.
// Numbers are SI. Reading a file: yaml.h (bytes -> tree), fleet.h (`each:`), then one reader per
// key (docs/world-file.md).
#ifndef GEMEL_WORLD_WORLD_PARTS_H
#define GEMEL_WORLD_WORLD_PARTS_H

#include <gemel/config.h>
#include <gemel/state.h>
#include <gemel/world.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/units.h"

enum {
    GM_WORLD_FILE_MAX = 256 << 20, // bytes of a world file and of each file it names
    GM_WORLD_REFS_MAX = 1 << 26,   // addresses one pattern may match
    GM_WORLD_PROFILES_MAX = 4096,
    GM_WORLD_SENSORS_MAX = 1 << 20,
    GM_WORLD_LINKS_MAX = 1 << 24,
    GM_WORLD_SCENARIOS_MAX = 4096,
    GM_WORLD_LEADS_MAX = 1024,      // forecast leads
    GM_WORLD_CHANGES_MAX = 1 << 20, // interventions in a scenario, patterns expanded
    GM_WORLD_SECTIONS = 2, // sections of a layout that are the world's own; the caller's follow
    GM_WORLD_DRIVER_SECTION =
        0, // "drivers": double [stochastic_count][lanes], deviation from the held value
    GM_WORLD_UNKNOWN_SECTION =
        1, // "unknown inputs": double [unknown_count][2][lanes], what is supplied and what is added
};

#define GM_NO_INDEX SIZE_MAX

// ---- files a world names ----

typedef enum gm_file_kind { GM_FILE_NONE = 0, GM_FILE_DATA, GM_FILE_ZONE } gm_file_kind;

/// Where the bytes come from that a world names: tables beside it (GM_FILE_DATA), time zones
/// (GM_FILE_ZONE).
typedef struct gm_files {
    void *context;
    /// @param bytes  out; owner: the caller, with gm_memory_free
    gm_status (*read)(void *context, gm_file_kind kind, const char *name, void **bytes,
                      size_t *size, gm_error *error);
} gm_files;

/// Files beside the world file and zones of /usr/share/zoneinfo.
/// @param context  the folder's path (NULL: the current one); must outlive the result
gm_files gm_default_files(const char *folder);

/// A regular file as a whole, at most GM_WORLD_FILE_MAX bytes. @param bytes out; the caller's,
/// gm_memory_free
gm_status gm_file_read(const char *path, void **bytes, size_t *size, gm_error *error);

/// A file that a world was read with, kept for its variants.
typedef struct gm_kept_file {
    gm_file_kind kind;
    const char *name;
    const char *bytes; // [size], and a NUL
    size_t size;
} gm_kept_file;

// ---- systems and links ----

typedef struct gm_world_system {
    const char *name;
    const gm_domain *domain;
    gm_model *model;
    size_t group; // systems joined by links share one; 0 .. group_count - 1
    gm_place place;
} gm_world_system;

/// to = from * factor + offset in every lane. `to` is an input. Delayed: the source's value as the
/// tick begins; otherwise its value after it was advanced, just before the target's system is.
typedef struct gm_world_link {
    gm_ref from, to;
    double factor, offset;
    bool delayed;
    gm_place place;
} gm_world_link;

// ---- drivers ----

typedef enum gm_rule_kind {
    GM_RULE_NONE = 0,
    GM_RULE_HOLD,       // keeps the value that is there
    GM_RULE_PROFILE,    // by the calendar
    GM_RULE_KNOWN,      // asked from the caller of gm_world_advance (ahead only)
    GM_RULE_STOCHASTIC, // each lane its own: first-order autoregression at ticks
} gm_rule_kind;

typedef struct gm_world_rule {
    gm_rule_kind kind;
    size_t profile;        // GM_RULE_PROFILE: index into profiles
    double factor, offset; // from the profile's unit to SI
    bool has_mean; // GM_RULE_STOCHASTIC: reverts to mean; else to the value held when it started
    double mean;   // SI
    double spread; // SI, stationary standard deviation
    double time_s; // correlation time
    size_t stochastic; // place in the driver section; GM_NO_INDEX with a mean
} gm_world_rule;

/// What feeds one input: while sensors speak (`past`) and when looking ahead.
typedef struct gm_world_driver {
    gm_ref ref;
    size_t sensor; // whose samples the twin writes into the input; GM_NO_INDEX: none
    gm_world_rule past, ahead;
    size_t stream; // the number of its draws: its index, in a variant that of the world it varies
    gm_place place;
} gm_world_driver;

typedef struct gm_profile gm_profile; // profile.h

// ---- sensors ----

/// What a sensor tells of what it sees.
typedef enum gm_reading {
    GM_READING_NONE = 0, // nothing but its value at the sample's time
    GM_READING_AVERAGED, // its mean over a span that ends there
    GM_READING_TOTALLED, // its integral over that
    GM_READING_RISEN,    // how much it rose in that
    GM_READING_COUNTED,  // events in that, of which it is the rate: their number is a Poisson draw
    GM_READINGS
} gm_reading;

/// What it sees of several fields.
typedef enum gm_gathering {
    GM_GATHERING_NONE = 0, // there is one
    GM_GATHERING_SUM,
    GM_GATHERING_MEAN, // of populations by their rows
    GM_GATHERING_MOST,
    GM_GATHERING_LEAST,
    GM_GATHERINGS
} gm_gathering;

/// Their words in a world file: "value" and "" for none.
const char *gm_reading_name(gm_reading reading);
const char *gm_gathering_name(gm_gathering gathering);

typedef struct gm_world_sensor {
    const char *name;
    const char *from; // "http", "csv": how samples come in
    gm_ref ref;       // of several fields the first
    gm_ref *refs; // [ref_count], in a group; behind a mean over rows (GM_ROWS) stands their count
    size_t ref_count; // 0 without `of`
    gm_gathering gathering;
    gm_reading reading;
    int64_t span_ns;                // of the reading; 0: since the sample before
    double bias_spread, bias_drift; // SI, the latter per square root of a second; 0: none
    const char *field_unit;         // SI unit of what it reads
    const char *unit;               // of raw values, for people; with `scale: 125 W` "125 W"
    gm_conversion to_si;            // SI = raw * factor + offset
    double noise;                   // SI, standard deviation; 0: not declared
    double min, max;                // SI, plausible values; -INFINITY, INFINITY: not declared
    int64_t every_ns;               // expected between samples; 0: not declared
    int64_t delay_ns;               // a sample tells of the time this much before its own; 0
    bool is_driver; // feeds an input or sets a parameter; otherwise it is an observation
    size_t driver;  // is_driver on an input: index into drivers; else GM_NO_INDEX
    const char *const
        *columns; // [column_count] names in a replayed CSV, averaged; default: its own name
    size_t column_count;
    gm_place place;
} gm_world_sensor;

// ---- estimation, recording, forecasts ----

typedef enum gm_estimate_kind {
    GM_ESTIMATE_STATE = 0,
    GM_ESTIMATE_INPUT, // what is unknown of an input, beyond what drivers and links supply
    GM_ESTIMATE_PARAMETER,
} gm_estimate_kind;

/// What assimilation may move.
typedef struct gm_world_estimate {
    gm_ref ref;
    gm_estimate_kind kind;
    size_t unknown; // GM_ESTIMATE_INPUT: its place in the section of unknown inputs
    double spread;  // initial standard deviation: SI, or a fraction of the initial value; NAN: not
                    // declared
    double drift;   // random walk: the same per square root of a second (after t seconds: drift *
                    // sqrt(t)); 0
    bool spread_relative; // fractions of the initial value (multiplicative: for positive parameters
                          // a log walk)
    bool drift_relative;
    bool bounded;     // stays between low and high
    double low, high; // SI
    double floor;     // least standard deviation of the lanes, as the spread: SI or a fraction; 0
    gm_place place;
} gm_world_estimate;

/// What may be wrong with the model: what lanes of that hypothesis let move beside the states.
typedef enum gm_hypothesis {
    GM_HYPOTHESIS_ALL = 0, // parameters and unknown inputs
    GM_HYPOTHESIS_KNOWN,   // nothing: the model is as the world file says
    GM_HYPOTHESIS_DRIFTING,
    GM_HYPOTHESIS_INPUT,
    GM_HYPOTHESES
} gm_hypothesis;

/// How the lanes of a group are assimilated (docs/estimation.md).
typedef enum gm_filter_kind {
    GM_FILTER_AUTO = 0, // by the sizes of the group
    GM_FILTER_SERIAL,
    GM_FILTER_TRANSFORM,
    GM_FILTER_STOCHASTIC,
    GM_FILTER_LOCAL,
    GM_FILTER_PARTICLES,
    GM_FILTER_KINDS
} gm_filter_kind;

typedef struct gm_world_filter {
    gm_filter_kind kind;
    double radius_m;    // local, by metres: where measurements count about exp(-1/2)
    double radius_hops; // or by joins; both 0: found by itself
    double jitter;      // particles: of copied states, 1 being Scott's rule
    double discount;    // particles: Liu and West's of parameters, 0.5 .. 1; 1: they are not shaken
} gm_world_filter;

/// The word of a kind in a world file.
const char *gm_filter_name(gm_filter_kind kind);
/// `auto`, with the options that all kinds start with.
gm_world_filter gm_default_world_filter(void);

typedef struct gm_world_record {
    gm_ref ref;
    int64_t every_ns;
} gm_world_record;

typedef struct gm_world_forecast {
    gm_ref *refs; // [ref_count]
    size_t ref_count;
    int64_t every_ns;  // 0: no forecasts declared
    int64_t *leads_ns; // [lead_count], ascending
    size_t lead_count;
} gm_world_forecast;

typedef enum gm_time_unit {
    GM_TIME_NONE = 0, // no `replay` in the world file: long CSV
    GM_TIME_NS,
    GM_TIME_MS,
    GM_TIME_S,
    GM_TIME_ISO,
} gm_time_unit;

typedef struct gm_world_replay {
    gm_time_unit unit;
    const char *time_column; // "time"
    char separator;          // ','
} gm_world_replay;

// ---- scenarios ----

typedef enum gm_change_kind {
    GM_CHANGE_NONE = 0,
    GM_CHANGE_SET,   // becomes value
    GM_CHANGE_ADD,   // value is added
    GM_CHANGE_TIMES, // multiplied by value
    GM_CHANGE_RAMP,  // goes straight to value over over_ns, in steps of the cycle
    GM_CHANGE_TRIP,  // becomes 0
} gm_change_kind;

/// One timed change of one address in every lane.
typedef struct gm_world_change {
    gm_ref ref;
    gm_change_kind kind;
    double value;     // SI
    int64_t at_ns;    // after the scenario's start
    int64_t for_ns;   // then back to what was; 0: for good
    int64_t over_ns;  // ramp
    int64_t every_ns; // again and again, > for_ns; 0: once
    size_t driver;    // that also feeds this address; GM_NO_INDEX: none
    bool linked;      // a link also feeds it
    gm_place place;
} gm_world_change;

typedef struct gm_scenario {
    const char *name, *about;       // "" when there is none
    const gm_world_change *changes; // [change_count], by at_ns
    size_t change_count;
    int64_t horizon_ns; // `for`; 0 when an ad-hoc one gives none
    gm_world *variant;  // `structure`: the world rebuilt, which the changes' addresses belong to;
                        // NULL: the world itself
    gm_arena *arena;    // of an ad-hoc scenario; NULL: the world's
} gm_scenario;

/// Reads `{structure: {...}, set: {...}, for: 30 min, about: ...}` in YAML or JSON (an ad-hoc
/// what-if). `each:` is refused.
/// @param scenario  out; owner: the caller, with gm_scenario_close before the world is closed
gm_status gm_scenario_read(const gm_world *world, const char *bytes, size_t size,
                           gm_scenario **scenario, gm_error *error);
/// The same from a tree that is there already (a part of `devices:`); the scenario lives in
/// `arena`. `structure` is refused.
gm_status gm_scenario_build(const gm_world *world, const gm_config *config, gm_arena *arena,
                            gm_scenario *scenario, gm_error *error);
void gm_scenario_close(gm_scenario *scenario);

// ---- variants: a world with another structure (world_variant.c) ----

/// A state of a scenario's variant that carries on where a state of the world stands: values,
/// hidden data and drivers' memory go over by name; what is new starts with its initial values,
/// and so does what the structure gives another initial value than it had.
/// @param world   the scenario's own
/// @param from    a state of it; only read
/// @param layout  out, the caller's, to be closed behind the state; NULL without a structure: then
/// `state` is a plain fork
/// @param state   out, the caller's
gm_status gm_scenario_fork(const gm_world *world, const gm_scenario *scenario, const gm_state *from,
                           gm_layout **layout, gm_state **state, gm_error *error);

/// The same address in another world, by name. @return false when there is none
bool gm_world_counterpart(const gm_world *world, gm_ref ref, const gm_world *other, gm_ref *found);

/// The world that a scenario's addresses belong to: its variant, else the world itself.
const gm_world *gm_scenario_world(const gm_world *world, const gm_scenario *scenario);

// ---- the world ----

struct gm_world {
    const char *name, *about; // about: "" when there is none
    const char *file;         // path of the world file as given
    int64_t cycle_ns;
    size_t lanes;
    uint64_t seed;
    const char *zone_name;
    int64_t start_ns; // `start`; 0 without
    int64_t lateness_ns;
    double late_budget; // share of the time that late samples may cost; 0: any

    gm_world_system *systems; // [system_count]
    size_t system_count, group_count;
    const gm_model **models; // [system_count], the same models, as gm_layout_create wants them
    uint32_t *order;         // [system_count] systems in the order of undelayed links

    gm_world_link *links; // [link_count], undelayed ones first, by place of their target in `order`
    size_t link_count, undelayed_count;

    gm_world_sensor *sensors; // [sensor_count], in the order of the file
    size_t sensor_count;
    uint32_t *sensor_order; // [sensor_count] by name

    gm_world_driver *drivers; // [driver_count]
    size_t driver_count, driver_capacity, stochastic_count;
    uint32_t *past_drivers, *ahead_drivers; // drivers that write at ticks in that mode
    size_t past_driver_count, ahead_driver_count;
    gm_profile **profiles; // [profile_count]
    size_t profile_count;

    gm_world_estimate *estimates; // [estimate_count], states, then inputs, then parameters
    size_t estimate_count;
    size_t unknown_count;                    // inputs among them
    gm_hypothesis hypotheses[GM_HYPOTHESES]; // [hypothesis_count] run side by side
    size_t hypothesis_count;                 // 1: GM_HYPOTHESIS_ALL alone
    double inflation;                        // `estimate: {inflation: 1.02}`; NAN: none
    bool inflation_adapts;                   // `inflation: adaptive`
    bool noise_learned;                      // `noise: learned`
    gm_world_filter *filters;                // [group_count]; NULL: `auto` for all

    gm_world_record *records; // [record_count]
    size_t record_count;
    gm_world_forecast forecast;
    gm_world_replay replay;
    gm_scenario *scenarios; // [scenario_count]
    size_t scenario_count;

    const gm_config *root;    // the whole tree
    const gm_config *detect;  // `detect:`, read by the twin; NULL without
    const gm_config *devices; // `devices:`, read by gemel devices; NULL without

    const char **warnings; // [warning_count] "file:line:column: text"
    size_t warning_count, warning_capacity;
    gm_kept_file *kept; // [kept_count]
    size_t kept_count, kept_capacity;

    bool past_ticks, ahead_ticks;    // something happens at ticks in that mode
    bool every_tick;                 // and at every one, whatever the drivers say
    const gm_domain *const *domains; // [domain_count] it was read with
    size_t domain_count;
    const bool *patched; // [system_count] of a variant: its structure is another; NULL otherwise
    const gm_units *units;
    gm_units *own_units; // closed with the world; NULL when borrowed
    gm_arena *arena;
    size_t *system_order; // [system_count] by name
};

/// What a world is read with.
typedef struct gm_world_options {
    const gm_units *units;           // must outlive the world
    const gm_domain *const *domains; // [domain_count]
    size_t domain_count;
    gm_files files; // read NULL: `each:` and zones other than UTC are refused
} gm_world_options;

/// Reads a world from bytes: a world file, or a native file when `file` ends as those of a domain.
/// @param file  its name for messages; copied
gm_status gm_world_read(const char *file, const char *bytes, size_t size,
                        const gm_world_options *options, gm_world **world, gm_error *error);

/// A layout for states of this world: its systems, its seed, its own section first, then the
/// caller's.
/// @param lanes  0: as many as the world file says
gm_status gm_world_layout(const gm_world *world, size_t lanes, const gm_section *sections,
                          size_t section_count, gm_layout **layout, gm_error *error);

/// The fields that a sensor sees.
size_t gm_sensor_ref_count(const gm_world_sensor *sensor);
const gm_ref *gm_sensor_refs(const gm_world_sensor *sensor); // [gm_sensor_ref_count]
/// What it makes of them at one time.
/// @param fields   [gm_sensor_ref_count][lanes]
/// @param weights  work, [lanes]; @param out  [lanes]
void gm_sensor_gather(const gm_world_sensor *sensor, const double *fields, size_t lanes,
                      double *weights, double *out);
/// Whether a reading is the value of sensor->ref at its time, but for noise and a bias.
static inline bool gm_sensor_is_plain(const gm_world_sensor *sensor)
{
    return sensor->reading == GM_READING_NONE && sensor->gathering == GM_GATHERING_NONE;
}

/// Whether it is such a value, at some time: an average is.
static inline bool gm_sensor_tells_like(const gm_world_sensor *sensor)
{
    return sensor->reading <= GM_READING_AVERAGED && sensor->gathering == GM_GATHERING_NONE;
}

/// By name; GM_NO_INDEX when there is none.
size_t gm_world_find_sensor(const gm_world *world, const char *name);
size_t gm_world_find_system(const gm_world *world, const char *name);
const gm_scenario *gm_world_find_scenario(const gm_world *world, const char *name); // NULL

// ---- addresses ----

/// Every address a pattern matches: `system/class/element/field`, `system/element/field`, or
/// `system/field` for a class of one element; `*` matches within one part.
/// @param place  of the pattern, for the error ({0} when there is none)
/// @param refs   out, in the order of systems, classes, elements, fields; owner: the caller,
/// gm_memory_free
/// @return GM_NOT_FOUND when nothing matches (suggests the nearest), GM_INVALID when malformed or
/// ambiguous
gm_status gm_world_find(const gm_world *world, const char *pattern, gm_place place, gm_ref **refs,
                        size_t *count, gm_error *error);
/// Exactly one address; a pattern that matches more is refused.
gm_status gm_world_find_one(const gm_world *world, const char *address, gm_place place, gm_ref *ref,
                            gm_error *error);
/// The full address as text, "box/node/air/temperature"; cut when it does not fit. Returns its full
/// length.
size_t gm_world_address(const gm_world *world, gm_ref ref, char *buffer, size_t size);
/// The field and the role of an address.
const gm_field *gm_world_field(const gm_world *world, gm_ref ref);
gm_role gm_world_role(const gm_world *world, gm_ref ref);

// ---- unknown inputs (world_unknown.c) ----

/// The word of a hypothesis in a world file.
const char *gm_hypothesis_name(gm_hypothesis hypothesis);
/// Whether lanes of a hypothesis let an estimate move.
bool gm_hypothesis_moves(gm_hypothesis hypothesis, gm_estimate_kind kind);

/// Place of an input in the section of unknown inputs; GM_NO_INDEX: nothing is unknown of it.
size_t gm_world_unknown(const gm_world *world, gm_ref input);
/// What inputs are when a state begins counts as supplied.
gm_status gm_world_unknown_begin(const gm_world *world, gm_state *state, gm_error *error);
/// What is supplied to an input, and what each lane adds to it. @return [lanes]
const double *gm_world_unknown_supplied(const gm_state *state, size_t unknown);
const double *gm_world_unknown_added(const gm_state *state, size_t unknown);
/// Changes that: the input becomes what is supplied and what is added. gm_state_changed is left to
/// the caller.
gm_status gm_world_unknown_add(const gm_world *world, gm_state *state, size_t estimate,
                               const double *added, gm_error *error);
/// Drivers, links and sensors supply an input: what is unknown of it is added to the values.
/// @param values  in out, [lanes]: what is to be written, within the field's bounds
gm_status gm_world_supply(const gm_world *world, gm_state *state, gm_ref input, double *values,
                          gm_error *error);
/// What is unknown of inputs goes over to a state of a variant, by address.
gm_status gm_world_unknown_carry(const gm_world *world, const gm_state *from,
                                 const gm_world *variant, gm_state *state, gm_error *error);

// ---- moving a world through time ----

/// Buffers of one thread for one lane count; made once, so that steady state never allocates.
typedef struct gm_world_work gm_world_work;
gm_status gm_world_work_create(const gm_world *world, size_t lanes, gm_world_work **work,
                               gm_error *error);
void gm_world_work_close(gm_world_work *work);
/// Lanes from `distinct` on repeat the lots that drivers draw for the first ones: they differ by
/// something else.
void gm_world_work_repeat(gm_world_work *work, size_t distinct);

/// A scenario under way on one state: which changes are in force, and what was there before. Start
/// it when the state is at start_ns and pass it to every gm_world_advance of that state.
typedef struct gm_scenario_run gm_scenario_run;
gm_status gm_scenario_start(const gm_scenario *scenario, size_t lanes, int64_t start_ns,
                            gm_scenario_run **run, gm_error *error);
void gm_scenario_stop(gm_scenario_run *run);

typedef enum gm_advance_mode {
    GM_ADVANCE_NONE = 0,
    GM_ADVANCE_PAST,
    GM_ADVANCE_AHEAD
} gm_advance_mode;

typedef struct gm_advance_options {
    gm_advance_mode mode; // which rule of each driver holds
    gm_workers *workers;  // NULL: this thread alone
    gm_world_work *work;  // of this thread, for the state's lane count
    gm_scenario_run *run; // NULL: no interventions
    /// A driver's future value in SI (rule `known`), NAN when unknown: the value that is there is
    /// held. NULL: hold.
    double (*known)(void *context, size_t sensor, int64_t time_ns);
    void *known_context;
} gm_advance_options;

/// Moves every system of the world to until_ns. Time is cut at ticks (whole multiples of the cycle
/// since 1970) where something happens at them, and at the exact times of interventions. At a
/// tick, in this order: drivers write inputs, delayed links carry over the values from before it,
/// then the systems are advanced in the order of undelayed links, each right after the links into
/// it were applied. A tick at the state's own time belongs to this call, one at until_ns to the
/// next.
/// @return GM_INVALID (until_ns before the state's time), GM_NUMERIC (no lane left); then the state
/// is unusable
gm_status gm_world_advance(const gm_world *world, gm_state *state,
                           const gm_advance_options *options, int64_t until_ns, gm_error *error);

/// Applies profiles, links and what the scenario changes at once, at the state's own time, without
/// moving; systems that step themselves bring their outputs in line. For the first output of a run.
gm_status gm_world_settle(const gm_world *world, gm_state *state, const gm_advance_options *options,
                          gm_error *error);

#endif
