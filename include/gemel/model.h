// Models: the immutable part of a system, and how a domain describes itself.
//
// A domain is one constant table (gm_domain). Its `build` turns a configuration into a model:
// classes with elements, fields, geometry and roles. From then on the model never changes and is
// shared by all threads, lanes and branches; values live in a gm_state (state.h), laid out by the
// model in columns.
//
//   column   all values of one field of one class in one block: [element_count][width], 64-byte
//   aligned block    a run of `width` lanes, 1 or 8 address  class, element and field by number
//   (gm_ref adds the system)
#ifndef GEMEL_MODEL_H
#define GEMEL_MODEL_H

#include <gemel/config.h>
#include <gemel/random.h>
#include <gemel/status.h>
#include <gemel/workers.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    GM_BLOCK_LANES = 8,        // lanes of a wide block
    GM_DOMAINS_MAX = 256,      // domains in a build
    GM_CLASSES_MAX = 64,       // classes in a model
    GM_FIELDS_MAX = 64,        // fields in a class
    GM_NAME_MAX = 256,         // bytes of a name
    GM_ELEMENTS_MAX = 1 << 27, // elements of a class
    GM_WARNINGS_MAX = 200      // warnings of one model that are kept; the rest is counted
};

typedef enum gm_role {
    GM_ROLE_NONE = 0,
    GM_PARAMETER, // constant unless estimated or intervened on
    GM_INPUT,     // set from outside each cycle: a sensor, a profile, a link, a command
    GM_STATE,     // carried on by the model
    GM_OUTPUT,    // a function of the others, computed when somebody wants it; not stored
} gm_role;

typedef enum gm_type { GM_F64 = 0, GM_F32, GM_I32, GM_U8 } gm_type;

/// Bytes of one value.
size_t gm_type_size(gm_type type);
const char *gm_role_name(gm_role role); // "parameter" ...
const char *gm_type_name(gm_type type); // "f64" ...

typedef enum gm_shape { GM_SHAPE_NONE = 0, GM_SHAPE_POINT, GM_SHAPE_LINE, GM_SHAPE_AREA } gm_shape;

typedef struct gm_field {
    const char *name; // "pressure"
    const char *unit; // SI, UDUNITS spelling: "Pa"; "1" for a pure number
    gm_role role;
    gm_type type;             // GM_F64 unless size matters
    double initial, min, max; // physical bounds, not comfortable ones
    const char *doc;
} gm_field;

/// A table of a model. With `capacity` it is a population: rows come and go per lane, up to that
/// many.
typedef struct gm_class {
    const char *name; // "junction"
    const char *doc;
    const gm_field *fields;
    size_t field_count;
    gm_shape shape;
    size_t capacity;
} gm_class;

typedef struct gm_model gm_model;

/// Elements that act on no others, apart from held ones: the engine may step them by themselves.
/// Columns of the block begin with the slice's first element of their class.
typedef struct gm_slice {
    const size_t *first, *end; // [class_count] elements first .. end - 1 of each class
    void *const *given;        // by column: the block's own columns, from element 0, as the step
                               // found them; states that are held never change
} gm_slice;

/// A run of lanes of one system while somebody computes on it. Columns are reached by gm_column.
typedef struct gm_block {
    const gm_model *model;
    int width;            // 1 or 8
    uint32_t first_lane;  // number of the block's first lane in the state
    uint8_t lanes;        // bit k: lane first_lane + k exists, has not failed, and is wanted
    int64_t *time_ns;     // [width] each lane's own time
    void *const *columns; // by column number; an output column is NULL unless it is wanted
    unsigned char
        *hidden;    // [width][hidden stride], 64-byte aligned strides; NULL when none was declared
    uint32_t *rows; // [population count][width]: rows in use
    const gm_slice *slice; // `rate` of a `sliced` domain: what it is asked for; NULL: everything
} gm_block;

/// What the engine lends a model while it steps.
typedef struct gm_step {
    gm_random random;    // keyed by the world's seed and the system's name
    uint64_t tick;       // world-clock tick: the occurrence of noise
    gm_workers *workers; // for chunks inside this block; NULL: do them here
    void *scratch;       // 64-byte aligned, as declared with gm_model_scratch; contents undefined
    uint8_t failed;      // out: lanes of the block that cannot go on; the engine masks them
    gm_error *error;     // out: why, for the first one
} gm_step;

/// Which outputs are wanted: the columns that are not NULL in the block. A domain may ask by class
/// and field.
typedef struct gm_wanted {
    const gm_block *block;
} gm_wanted;

/// Two elements that act on each other directly.
typedef struct gm_join {
    uint32_t class_a, element_a, class_b, element_b;
} gm_join;

/// The entries of a sparse matrix, by state unknowns (see gm_unknown).
typedef struct gm_entry {
    uint32_t row, column;
} gm_entry;

/// A domain: one constant table at the end of its file. Either `rate` or `advance` is given.
typedef struct gm_domain {
    const char *name;    // "thermal"
    const char *summary; // one sentence
    const char *source;  // the literature the equations come from
    uint32_t schema;     // version of the fields' meaning and of hidden data, from 1
    /// Steps itself, but draws no noise by the tick: its time need not be cut at every cycle.
    bool tickless;
    /// `rate` heeds the block's slice, so that large systems are integrated in pieces that fit the
    /// processor's caches. Needs gm_model_joins.
    bool sliced;
    /// Native files: the key of the configuration whose value names one ("network"), and how such
    /// files end (".inp"); build finds a GM_CONFIG_FILE under that key. Both or none.
    const char *file_key, *file_suffix;
    /// Declares classes, elements, geometry. On failure the engine releases the half-built model.
    gm_status (*build)(gm_model *model, const gm_config *config, gm_error *error);
    /// dx/dt of every state column: the engine integrates. rate: [gm_model_unknowns][width], see
    /// gm_rate_column; of a slice, its elements' alone.
    void (*rate)(const gm_model *model, const gm_block *at, double *restrict rate);
    /// Jacobian of rate, values of the entries declared with gm_model_jacobian:
    /// [entry_count][width].
    void (*jacobian)(const gm_model *model, const gm_block *at, double *restrict values);
    /// Or the model steps itself: brings every lane in `block->lanes` from its time to until_ns.
    /// That may be the time it is at (after `changed`, or at the very start): no time passes, and
    /// the outputs and hidden data come to agree with the inputs; doing it twice changes nothing.
    gm_status (*advance)(const gm_model *model, gm_block *block, int64_t until_ns, gm_step *step);
    /// Fills the output columns that are not NULL.
    void (*observe)(const gm_model *model, gm_block *block, const gm_wanted *wanted);
    /// An estimator, transfer or intervention wrote parameters, inputs or states: make the block
    /// legal again.
    void (*changed)(const gm_model *model, gm_block *block);
    /// Hidden data after a change of structure: reads `old` (may be NULL: start afresh), writes
    /// `block`.
    gm_status (*migrate)(const gm_model *from, const gm_block *old, const gm_model *to,
                         gm_block *block, gm_error *error);
    /// Frees what build attached with gm_model_attach.
    void (*release)(gm_model *model);
} gm_domain;

// ---- registry ----

/// Refuses an incomplete table: a name, summary, source, schema, build, and exactly one of rate and
/// advance.
gm_status gm_domain_check(const gm_domain *domain, gm_error *error);

/// Every domain of this build, in the order of domains.def (src/domain). @param count out
const gm_domain *const *gm_domains(size_t *count);

/// By name; on failure the error suggests the nearest.
gm_status gm_domain_find(const gm_domain *const *domains, size_t count, const char *name,
                         const gm_domain **domain, gm_error *error);

// ---- building a model ----

/// Builds a model: checks the domain, calls its build, checks what it declared, lays out columns.
/// @param name    the system's name; copied
/// @param config  the system's map of the world file; NULL where the domain needs none
/// @param model   out; owner: the caller, with gm_model_close
gm_status gm_model_build(const gm_domain *domain, const char *name, const gm_config *config,
                         gm_model **model, gm_error *error);
void gm_model_close(gm_model *model);

/// Declares the next class; `number` must be its place in the order of declaration (the domain's
/// enum). The class and its fields must outlive the model (constant tables do).
gm_status gm_model_class(gm_model *model, size_t number, const gm_class *declared, gm_error *error);

/// Adds an element of a class. Names are unique within a class; copied.
/// @param element  out, its index; NULL when not wanted
gm_status gm_model_element(gm_model *model, size_t class_number, const char *name, size_t *element,
                           gm_error *error);

/// The start value of one element's field, SI; refused outside the field's physical bounds.
gm_status gm_model_initial(gm_model *model, size_t class_number, size_t field, size_t element,
                           double value, gm_error *error);

/// This element plays another role with this field (a node of fixed temperature is an input).
/// A state that becomes a parameter or input is not carried on: its rate is held at zero.
gm_status gm_model_role(gm_model *model, size_t class_number, size_t field, size_t element,
                        gm_role role, gm_error *error);

/// Where an element lies. @param points [count][3] metres (or degrees: longitude, latitude, height
/// m); copied
gm_status gm_model_geometry(gm_model *model, size_t class_number, size_t element,
                            const double (*points)[3], size_t count, gm_error *error);

/// Hidden bytes per lane (event lists, agents): indices instead of pointers. Zeroed at the start.
void gm_model_hidden(gm_model *model, size_t size);

/// Scratch bytes that `advance` wants in gm_step, for a block of 8 lanes.
void gm_model_scratch(gm_model *model, size_t size);

/// How the engine integrates a `rate` domain; configuration key `integrator` overrides it.
typedef struct gm_integrator {
    int method; // gm_ode_method of num/ode.h: 1 RK4, 2 DOPRI5, 3 RODAS3
    double step_s, relative, absolute;
    size_t step_limit;
} gm_integrator;
/// Chooses the integrator while building.
void gm_model_integrator(gm_model *model, const gm_integrator *integrator);

/// Reads `integrator: {method: rk4|dopri5|rodas3, step: 1 s, relative: 1e-6, absolute: 1e-8, limit:
/// 100000}`.
gm_status gm_integrator_read(const gm_config *config, gm_integrator *integrator, gm_error *error);

/// Which entries of the Jacobian of rate may differ from zero; call after all elements were added.
gm_status gm_model_jacobian(gm_model *model, const gm_entry *entries, size_t count,
                            gm_error *error);

/// Which elements act on each other; call once, after all elements were added. An element without a
/// state of its own (a pipe's wall, a node of given temperature) passes nothing on, so what acts on
/// each other through it needs an entry of its own, and only elements whose outputs depend on it
/// need one with it. Of a model that never says so everything acts on everything.
/// @param joins  [count]; copied
gm_status gm_model_joins(gm_model *model, const gm_join *joins, size_t count, gm_error *error);

/// One lane is large: blocks are one lane wide, done one after the other, and `advance` has the
/// workers for itself.
void gm_model_large(gm_model *model);
/// The domain's kernels work on one lane at a time (event lists): blocks are one lane wide.
void gm_model_single(gm_model *model);

/// What a user should know though the model can be built: a section of a native file that is not
/// supported, say. At most GM_WARNINGS_MAX are kept, then "and N more".
/// @param place  copied into the text; {0} when there is none
void gm_model_warn(gm_model *model, gm_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// How long a run the native file asks for, and how often it wants results, for `gemel simulate`.
/// @param length_ns  >= 0; 0: one snapshot
/// @param every_ns   > 0, or 0: not said
void gm_model_span(gm_model *model, int64_t length_ns, int64_t every_ns);

/// The domain's own constants, reachable from every callback; freed in release.
void gm_model_attach(gm_model *model, void *constants);
const void *gm_model_constants(const gm_model *model);
void *gm_model_attached(gm_model *model); // for release

// ---- asking a model ----

/// What it is: the system's name, its domain, its classes by number.
const char *gm_model_name(const gm_model *model);
const gm_domain *gm_model_domain(const gm_model *model);
size_t gm_model_class_count(const gm_model *model);
const gm_class *gm_model_class_at(const gm_model *model, size_t class_number);
size_t gm_model_element_count(const gm_model *model,
                              size_t class_number); // population: its capacity
const char *gm_model_element_name(const gm_model *model, size_t class_number,
                                  size_t element); // population: ""
/// Role and start value of one element's field.
gm_role gm_model_role_at(const gm_model *model, size_t class_number, size_t field, size_t element);
double gm_model_initial_at(const gm_model *model, size_t class_number, size_t field,
                           size_t element);
/// Points of an element: NULL and 0 when it has none.
const double (*gm_model_points(const gm_model *model, size_t class_number, size_t element,
                               size_t *count))[3];
/// Warnings of build: "file:line:column: text"; a text lives as long as the model.
size_t gm_model_warning_count(const gm_model *model);
const char *gm_model_warning_at(const gm_model *model, size_t index);
/// What gm_model_span said; -1 and 0 when it said nothing.
int64_t gm_model_length_ns(const gm_model *model);
int64_t gm_model_every_ns(const gm_model *model);
size_t gm_model_hidden_size(const gm_model *model);
bool gm_model_is_large(const gm_model *model);
bool gm_model_is_single(const gm_model *model);

/// What gm_model_joins said. @param count  out @return [count]; NULL when nothing was said
const gm_join *gm_model_join_list(const gm_model *model, size_t *count);

/// Numbers by name; SIZE_MAX when there is none.
size_t gm_model_find_class(const gm_model *model, const char *name);
size_t gm_model_find_element(const gm_model *model, size_t class_number, const char *name);
size_t gm_model_find_field(const gm_model *model, size_t class_number, const char *name);

// ---- columns ----

/// Column number of a field: classes in order, fields in order. Constant per model.
size_t gm_model_column(const gm_model *model, size_t class_number, size_t field);
size_t gm_model_column_count(const gm_model *model);

/// A column of a block; NULL for an output nobody wants. The pointer has the field's type:
/// [element_count][width].
void *gm_column(const gm_block *at, size_t class_number, size_t field);

/// Unknowns of a rate domain: values of all its state columns, in column order.
size_t gm_model_unknowns(const gm_model *model);
/// The number of one unknown: offset of the state's column plus the element.
size_t gm_unknown(const gm_model *model, size_t class_number, size_t field, size_t element);
/// Where a state column's rates start within `rate`.
double *gm_rate_column(const gm_block *at, double *rate, size_t class_number, size_t field);

// ---- populations ----

/// Rows in use in one lane of the block (lane counts from 0 within the block).
uint32_t gm_rows_count(const gm_block *at, size_t class_number, int lane);
/// Takes the next row, values zeroed. @return false when the population is full
bool gm_rows_add(gm_block *block, size_t class_number, int lane, uint32_t *row);
/// Gives a row back: the last row moves into its place.
void gm_rows_remove(gm_block *block, size_t class_number, int lane, uint32_t row);

/// One lane of a wide block as a block of width 1, in memory of the caller, and back. For
/// gm_model_scratch ask for the size after all classes, elements and hidden data were declared.
/// @param memory  gm_block_lane_size(model) bytes, 64-byte aligned
/// @param single  out; usable until the memory is gone
size_t gm_block_lane_size(const gm_model *model);
void gm_block_gather(const gm_block *from, int lane, void *memory, gm_block *single);
void gm_block_scatter(const gm_block *single, gm_block *into, int lane);

#endif
