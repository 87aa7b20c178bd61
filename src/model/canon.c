// The canonical order of a state: hashing and saving. Lane by lane, so that width and padding leave
// no trace.
//
// Saved bytes (codec/pack.h, little-endian): magic u32, version u16, lanes u32, time i64, tick u64,
// failed marks, the systems' descriptions, then for each system and lane: time i64, step f64, rows
// u32 each, hidden bytes, and the stored columns' values; then the sections, and last a hash u64 of
// all bytes before it. A population writes only its rows in use.
#include "model/canon.h"

#include <string.h>

#include "base/hash.h"
#include "base/require.h"

enum { PIECE_BYTES = 1 << 14 };

/// Where canonical bytes go.
typedef struct sink {
    void (*put)(void *context, const void *bytes, size_t size);
    void *context;
} sink;

/// One lane's values of one column.
typedef struct strand {
    const gm_span *span;
    size_t lane, width; // lane within the block
    size_t rows, size;  // of one value
} strand;

static void put_strand(const strand *from, const sink *out)
{
    size_t size = from->size;
    unsigned char piece[PIECE_BYTES];
    size_t filled = 0;
    for (size_t row = 0; row < from->rows; row++) {
        memcpy(piece + filled, gm_span_at(from->span, (row * from->width + from->lane) * size),
               size);
        filled += size;
        if (filled + size > sizeof piece) {
            out->put(out->context, piece, filled);
            filled = 0;
        }
    }
    out->put(out->context, piece, filled);
}

static void put_lane(const gm_state *state, size_t system, size_t lane, const sink *out)
{
    const gm_system_plan *plan = gm_plan_of(state, system);
    const gm_model *model = plan->model;
    size_t width = (size_t)plan->width;
    const gm_span *spans = gm_block_spans(state, system, lane / width);
    const gm_block_head *head =
        (const gm_block_head *)(const void *)gm_span_at(&spans[GM_SPAN_HEAD], 0);
    out->put(out->context, &head->time_ns[lane % width], sizeof(int64_t));
    out->put(out->context, &head->step_s[lane % width], sizeof(double));
    for (size_t index = 0; index < model->population_count; index++) {
        out->put(out->context, &head->rows[index * width + lane % width], sizeof(uint32_t));
    }
    if (model->hidden_size > 0) {
        // hidden areas are only ever owned whole, so they lie contiguous
        out->put(out->context,
                 gm_span_at(&spans[GM_SPAN_HIDDEN], lane % width * model->hidden_size),
                 model->hidden_size);
    }
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *column = &model->columns[index];
        size_t population = model->classes[column->class_number].population;
        if (plan->span_of_column[index] != GM_NO_SPAN) {
            strand values = { .span = &spans[plan->span_of_column[index]],
                              .lane = lane % width,
                              .width = width,
                              .rows = column->count,
                              .size = gm_type_size(column->type) };
            if (population != SIZE_MAX) {
                values.rows = head->rows[population * width + lane % width];
            }
            put_strand(&values, out);
        }
    }
}

static void put_values(const gm_state *state, const sink *out)
{
    for (size_t system = 0; system < state->layout->system_count; system++) {
        for (size_t lane = 0; lane < state->layout->lanes; lane++) {
            put_lane(state, system, lane, out);
        }
    }
    for (size_t index = 0; index < state->layout->section_count; index++) {
        size_t size = state->layout->sections[index].size;
        if (size > 0) {
            out->put(out->context, gm_state_section(state, index), size);
        }
    }
}

// ---- hash ----

static void put_hash(void *context, const void *bytes, size_t size)
{
    uint64_t *hash = context;
    *hash = gm_hash(bytes, size, *hash);
}

uint64_t gm_state_hash(const gm_state *state)
{
    uint64_t hash = state->layout->seed;
    put_hash(&hash, &state->time_ns, sizeof state->time_ns);
    put_hash(&hash, &state->tick, sizeof state->tick);
    put_hash(&hash, state->failed, state->layout->lanes);
    for (size_t system = 0; system < state->layout->system_count; system++) {
        const char *name = gm_plan_of(state, system)->model->name;
        put_hash(&hash, name, strlen(name));
    }
    put_values(state, &(sink){ put_hash, &hash });
    return hash;
}

// ---- save ----

static void pack_name(gm_string *out, const char *name)
{
    gm_pack_text(out, gm_text_of(name));
}

static void describe(gm_string *out, const gm_model *model)
{
    pack_name(out, model->name);
    pack_name(out, model->domain->name);
    gm_pack_u32(out, model->domain->schema);
    gm_pack_u64(out, model->hidden_size);
    gm_pack_u32(out, (uint32_t)model->class_count);
    for (size_t class_number = 0; class_number < model->class_count; class_number++) {
        const gm_class_part *part = &model->classes[class_number];
        pack_name(out, part->declared->name);
        gm_pack_u32(out, (uint32_t)part->declared->capacity);
        gm_pack_u32(out, (uint32_t)part->declared->field_count);
        for (size_t field = 0; field < part->declared->field_count; field++) {
            pack_name(out, part->declared->fields[field].name);
            gm_pack_u8(out, (uint8_t)part->declared->fields[field].type);
            gm_pack_bool(out, part->declared->fields[field].role != GM_OUTPUT);
        }
        gm_pack_u32(out, (uint32_t)part->names.count);
        for (size_t element = 0; element < part->names.count; element++) {
            pack_name(out, gm_names_at(&part->names, element));
        }
    }
}

static void put_string(void *context, const void *bytes, size_t size)
{
    gm_string_add(context, bytes, size);
}

/// At least what its values take.
static size_t bytes_held(const gm_state *state)
{
    size_t size = sizeof(uint64_t); // the hash behind them
    for (size_t index = 0; index < state->layout->span_count; index++) {
        size += state->spans[index].size;
    }
    return size;
}

gm_status gm_state_save(const gm_state *state, void **bytes, size_t *size, gm_error *error)
{
    const gm_layout *layout = state->layout;
    gm_string out = { 0 };
    gm_pack_u32(&out, GM_STATE_MAGIC);
    gm_pack_u16(&out, GM_STATE_VERSION);
    gm_pack_u32(&out, (uint32_t)layout->lanes);
    gm_pack_i64(&out, state->time_ns);
    gm_pack_u64(&out, state->tick);
    gm_string_add(&out, (const char *)state->failed, layout->lanes);
    gm_pack_u32(&out, (uint32_t)layout->system_count);
    for (size_t system = 0; system < layout->system_count; system++) {
        describe(&out, layout->systems[system].model);
    }
    gm_pack_u32(&out, (uint32_t)layout->section_count);
    for (size_t index = 0; index < layout->section_count; index++) {
        pack_name(&out, layout->sections[index].name);
        gm_pack_u32(&out, layout->sections[index].schema);
        gm_pack_u64(&out, layout->sections[index].size);
    }
    gm_string_reserve(&out, bytes_held(state));
    put_values(state, &(sink){ put_string, &out });
    gm_pack_u64(&out, out.failed ? 0 : gm_hash(out.data, out.size, 0));
    if (out.failed) {
        gm_string_free(&out);
        return gm_error_set(error, GM_MEMORY, "no memory to save a state");
    }
    *bytes = out.data;
    *size = out.size;
    return GM_OK;
}
