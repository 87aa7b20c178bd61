// What layouts and states are made of; for the files of this room only.
//
// A block of a system is a row of spans: first its head (times, steps, rows in use), then its
// hidden area, then one span for every stored column. All blocks of a system are alike; the last
// one may have lanes that do not exist.
#ifndef GEMEL_MODEL_STATE_INSIDE_H
#define GEMEL_MODEL_STATE_INSIDE_H

#include <gemel/state.h>

#include "model/model_inside.h"
#include "model/segment.h"

enum { GM_SPAN_HEAD = 0, GM_SPAN_HIDDEN = 1, GM_SPAN_COLUMNS = 2 };
#define GM_NO_SPAN UINT32_MAX

/// The first span of a block.
typedef struct gm_block_head {
    int64_t time_ns[GM_BLOCK_LANES]; // each lane's own time
    double step_s[GM_BLOCK_LANES];   // the integrator's next step
    uint32_t rows[];                 // [population count][width]
} gm_block_head;

typedef struct gm_system_plan {
    const gm_model *model;
    gm_random random;
    int width;
    size_t block_count;
    size_t first_span, span_count; // of the first block; spans of a block
    size_t *span_sizes;            // [span_count]
    uint32_t *span_of_column;      // [column count]; GM_NO_SPAN for outputs
    size_t work_size;              // scratch of advancing one block
} gm_system_plan;

struct gm_layout {
    gm_arena *arena;
    gm_pool *pool;
    gm_system_plan *systems;
    size_t system_count;
    size_t lanes;
    uint64_t seed;
    gm_section *sections;
    size_t section_count;
    size_t first_section; // span number of the first section
    size_t span_count, holder_count;
    size_t *span_sizes; // [span_count]
};

struct gm_state {
    gm_layout *layout;
    int64_t time_ns;
    uint64_t tick;
    gm_span *spans;    // [span_count]
    gm_slab **holders; // [holder_count]
    uint8_t *failed;   // [lanes] 1 for a failed lane
};

static inline const gm_system_plan *gm_plan_of(const gm_state *state, size_t system)
{
    return &state->layout->systems[system];
}

static inline gm_span *gm_block_spans(const gm_state *state, size_t system, size_t block)
{
    const gm_system_plan *plan = gm_plan_of(state, system);
    return &state->spans[plan->first_span + block * plan->span_count];
}

/// Lanes of a block that exist and have not failed.
uint8_t gm_block_lanes(const gm_state *state, size_t system, size_t block);

/// Makes a state what `from`, a fork of it, is: undoes what failed halfway. Never fails.
void gm_state_restore(gm_state *state, const gm_state *from);

/// Which block of which system.
typedef struct gm_block_place {
    size_t system, block;
} gm_block_place;

typedef enum gm_access {
    GM_ACCESS_NONE = 0,
    GM_ACCESS_STEP,   // states writable, the rest readable
    GM_ACCESS_CHANGE, // all stored columns writable
} gm_access;

/// Opens a block for a model. Columns and head are owned as `access` asks.
/// @param columns  [column count], filled; must stay while the block is used
/// @return false when out of memory
bool gm_block_open(gm_state *state, gm_block_place place, gm_access access, void **columns,
                   gm_block *opened);

/// Opens a block for reading without touching the state: a span in pieces is copied into memory
/// from the pool.
/// @param copies  [column count + 2], out: what gm_block_view_close gives back
bool gm_block_view(const gm_state *state, gm_block_place place, void **columns, void **copies,
                   gm_block *opened);
void gm_block_view_close(const gm_state *state, size_t system, void **copies);

/// One value of a stored column as a double, and back (integers are rounded to nearest).
double gm_value_get(gm_type type, const unsigned char *at);
void gm_value_put(gm_type type, unsigned char *at, double value);

#endif
