// States: everything that steers the future, in copy-on-write segments.
//
// A layout says which systems, how many lanes, and which sections (plain bytes of the twin's own
// memory: estimators, drivers, open events) make up a state. A fork shares all segments and takes
// its own of what it writes. One thread writes a state at a time; forks are independent and may be
// used by other threads at once.
#ifndef GEMEL_STATE_H
#define GEMEL_STATE_H

#include <gemel/model.h>

enum { GM_LANES_MAX = 1 << 20, GM_SYSTEMS_MAX = 4096, GM_SECTIONS_MAX = 64 };

/// An address by numbers. For a population, element GM_ROWS is the mean over its rows, and field
/// GM_ROW_COUNT (element GM_ROWS) is how many there are.
typedef struct gm_ref {
    uint32_t system, class_number, field, element;
} gm_ref;
#define GM_ROWS      UINT32_MAX
#define GM_ROW_COUNT UINT32_MAX

/// Plain memory that belongs to a state beside its systems.
typedef struct gm_section {
    const char *name; // unique; "drivers"
    size_t size;      // bytes; zeroed at the start
    uint32_t schema;  // version of its meaning
} gm_section;

typedef struct gm_layout_options {
    uint64_t seed;
    int width;                  // 8, 1, or 0: 8 unless the model or a single lane asks for 1
    const gm_section *sections; // [section_count]; copied
    size_t section_count;
} gm_layout_options;

typedef struct gm_layout gm_layout;
typedef struct gm_state gm_state;

/// @param systems  [count] models; must outlive the layout
/// @param lanes    1 .. GM_LANES_MAX
gm_status gm_layout_create(const gm_model *const *systems, size_t count, size_t lanes,
                           const gm_layout_options *options, gm_layout **layout, gm_error *error);
/// Frees the layout; its states must be closed before.
void gm_layout_close(gm_layout *layout);
size_t gm_layout_lanes(const gm_layout *layout);
size_t gm_layout_systems(const gm_layout *layout);
const gm_model *gm_layout_model(const gm_layout *layout, size_t system);
size_t gm_layout_find_system(const gm_layout *layout,
                             const char *name); // SIZE_MAX when there is none

/// A state at time_ns with the models' initial values in every lane.
gm_status gm_state_create(gm_layout *layout, int64_t time_ns, gm_state **state, gm_error *error);
void gm_state_close(gm_state *state);

/// A fork: the same values, sharing every segment until one side writes it. `from` may be read by
/// others meanwhile.
gm_status gm_state_fork(const gm_state *from, gm_state **fork, gm_error *error);

/// Bytes that no other state shares, and all bytes it reaches.
typedef struct gm_state_memory {
    size_t own, reached;
} gm_state_memory;
/// Counts the memory of one state.
gm_state_memory gm_state_memory_of(const gm_state *state);

/// Its layout, lanes, and the world clock.
gm_layout *gm_state_layout(const gm_state *state);
size_t gm_state_lanes(const gm_state *state);
int64_t gm_state_time(const gm_state *state);
/// Sets the world clock and every lane's own time. @return GM_OK, GM_MEMORY: then nothing changed
gm_status gm_state_set_time(gm_state *state, int64_t time_ns, gm_error *error);

/// Counts the world's cycles: the occurrence of noise. gm_state_advance leaves it alone.
uint64_t gm_state_tick(const gm_state *state);
void gm_state_set_tick(gm_state *state, uint64_t tick);

// ---- the gate: one place that reads and writes values ----

/// Reads one address in every lane, outputs too (computed on demand). @param values out, [lanes],
/// SI
gm_status gm_state_read(const gm_state *state, gm_ref ref, double *values, gm_error *error);
/// Reads many at once; outputs of one system are computed together. @param values out,
/// [count][lanes]
gm_status gm_state_read_many(const gm_state *state, const gm_ref *refs, size_t count,
                             double *values, gm_error *error);
/// Writes one address in every lane that has not failed, clamped to the field's physical bounds.
/// Refused: outputs, populations, values that are not finite. Call gm_state_changed for the system
/// after the last write.
/// @param values  [lanes]
gm_status gm_state_write(gm_state *state, gm_ref ref, const double *values, gm_error *error);
/// The same value in every lane.
gm_status gm_state_fill(gm_state *state, gm_ref ref, double value, gm_error *error);
/// Lets the model make itself legal after writes.
gm_status gm_state_changed(gm_state *state, size_t system, gm_error *error);

/// Plain memory of a section, and for writing (takes an own copy when shared; NULL when out of
/// memory).
const void *gm_state_section(const gm_state *state, size_t section);
void *gm_state_section_write(gm_state *state, size_t section);

// ---- lanes ----

/// A lane that failed takes no further part until it is resampled.
bool gm_state_lane_failed(const gm_state *state, size_t lane);
size_t gm_state_lanes_left(const gm_state *state);
void gm_state_fail_lane(gm_state *state, size_t lane);

/// New lane k becomes a copy of old lane source[k], in every system at once. Failed marks go with
/// the source.
/// @param source  [lanes], each < lanes
/// @return GM_OK, GM_MEMORY: then nothing changed
gm_status gm_state_resample(gm_state *state, const uint32_t *source, gm_error *error);
/// The same in some systems only. Failed marks stay where they are.
/// @param chosen  [system count]
gm_status gm_state_resample_systems(gm_state *state, const bool *chosen, const uint32_t *source,
                                    gm_error *error);

/// A state of another layout of the same systems, with as many lanes as that has: its lane k is in
/// every system what lane sources[system][k] is. It has failed if any of those has. Sections are
/// left zero.
/// @param sources  [system count][lanes of the layout], each below the lanes of `from`
/// @param layout   of the same models and block width
/// @param drawn    out; owner: the caller, with gm_state_close
gm_status gm_state_draw(const gm_state *from, const uint32_t *const *sources, gm_layout *layout,
                        gm_state **drawn, gm_error *error);

// ---- time ----

/// Brings one system to until_ns in every lane that has not failed. Lanes that fail are masked and
/// counted.
/// @param workers  NULL: this thread alone
/// @return GM_NUMERIC only when no lane is left
gm_status gm_state_advance(gm_state *state, size_t system, int64_t until_ns, gm_workers *workers,
                           gm_error *error);

/// After the last write, when no step follows that would do it: gm_state_changed, and a system that
/// steps itself is advanced to the time it is at, so that its outputs agree with what was written.
gm_status gm_state_settle(gm_state *state, size_t system, gm_workers *workers, gm_error *error);

// ---- the same bits ----

/// A hash over values in canonical order (system, column, lane, element), hidden data, sections and
/// times: the same for width 1 and 8; padding never counts.
uint64_t gm_state_hash(const gm_state *state);

/// The state as bytes, with its own description (systems, classes, elements, fields, schema).
/// @param bytes  out; owner: the caller, with gm_memory_free
gm_status gm_state_save(const gm_state *state, void **bytes, size_t *size, gm_error *error);

/// What saved bytes say of themselves moves into a state of this layout, by name: see
/// gm_state_transfer. Hidden data and sections of the same schema and size are taken as they are.
gm_status gm_state_load(gm_layout *layout, const void *bytes, size_t size, gm_state **state,
                        gm_error *error);

/// Moves values across a change of structure by (system, class, element, field) name; what has no
/// source keeps its initial value, and fields are clamped to their bounds. Lane counts must agree.
/// `to` is written, all of it or nothing.
gm_status gm_state_transfer(const gm_state *from, gm_state *to, gm_error *error);

#endif
