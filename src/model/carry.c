// Moving values across: saved bytes (canon.c) into a state of this or another structure, by name.
//
// The description in front of the bytes is matched with the layout: systems, classes, fields and
// elements by name. Values without a counterpart are passed over; places without a source keep
// their initial values. A system is `same` when nothing of its structure differs: only then hidden
// bytes and the integrator's steps are taken as they are.
#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/require.h"
#include "model/canon.h"

#define NOWHERE SIZE_MAX

typedef struct old_class {
    size_t population; // place among the old populations, or NOWHERE
    size_t count;      // elements or capacity
    size_t target;     // class of the new model, or NOWHERE
    uint32_t *element; // [count] element of the new model or UINT32_MAX
} old_class;

typedef struct old_column {
    gm_type type;
    size_t class_index;
    size_t target; // column of the new model, or NOWHERE
} old_column;

typedef struct old_system {
    size_t target; // system of the new layout, or NOWHERE
    size_t hidden_size, class_count, column_count, population_count;
    old_class *classes;
    old_column *columns; // stored ones only
    bool same;
} old_system;

typedef struct carrier {
    gm_unpack in;
    gm_arena *arena;
    gm_state *to;
    old_system *systems;
    size_t system_count;
    gm_error *error;
} carrier;

static gm_status corrupt(const carrier *work)
{
    return gm_error_set(work->error, GM_CORRUPT,
                        "a saved state is damaged: it ends too early or contradicts itself");
}

static gm_status no_memory(const carrier *work)
{
    return gm_error_set(work->error, GM_MEMORY, "no memory to read a saved state");
}

static const char *name_of(carrier *work)
{
    gm_text text = gm_unpack_text(&work->in);
    const char *name = gm_arena_text(work->arena, text.data != NULL ? text.data : "", text.size);
    return name != NULL ? name : "";
}

// ---- description ----

static gm_status read_fields(carrier *work, old_system *old, const gm_model *model, size_t number)
{
    old_class *class = &old->classes[number];
    size_t field_count = gm_unpack_u32(&work->in), stored = 0;
    if (work->in.failed || field_count > GM_FIELDS_MAX) {
        return corrupt(work);
    }
    for (size_t index = 0; index < field_count; index++) {
        const char *name = name_of(work);
        gm_type type = (gm_type)gm_unpack_u8(&work->in);
        bool is_stored = gm_unpack_bool(&work->in);
        if (work->in.failed || type > GM_U8) {
            return corrupt(work);
        }
        size_t field =
            class->target == NOWHERE ? NOWHERE : gm_model_find_field(model, class->target, name);
        bool known = field != NOWHERE && gm_plan(model, class->target, field)->role != GM_OUTPUT;
        if (is_stored) {
            old->columns[old->column_count++] = (old_column){
                .type = type,
                .class_index = number,
                .target = known ? gm_model_column(model, class->target, field) : NOWHERE,
            };
            stored += known && field == index && gm_plan(model, class->target, field)->type == type;
        }
        old->same = old->same && (is_stored == known) && (!is_stored || field == index);
    }
    size_t expected =
        class->target == NOWHERE ? 0 : gm_model_class_at(model, class->target)->field_count;
    old->same = old->same && field_count == expected && stored <= field_count;
    return GM_OK;
}

static gm_status read_elements(carrier *work, old_system *old, const gm_model *model, size_t number,
                               size_t capacity)
{
    old_class *class = &old->classes[number];
    size_t names = gm_unpack_count(&work->in, sizeof(uint32_t));
    class->population = capacity > 0 ? old->population_count++ : NOWHERE;
    class->count = capacity > 0 ? capacity : names;
    bool both = class->target != NOWHERE;
    bool was = both && model->classes[class->target].population != NOWHERE;
    if (work->in.failed || (capacity > 0 && names > 0)) {
        return corrupt(work);
    }
    if (both && was != (capacity > 0)) {
        class->target = NOWHERE; // a table became a population or the other way round
        both = false;
    }
    size_t expected = both ? gm_model_element_count(model, class->target) : NOWHERE;
    old->same = old->same && class->count == expected;
    if (capacity > 0) {
        return GM_OK;
    }
    class->element = gm_arena_new(work->arena, names, sizeof *class->element);
    if (class->element == NULL) {
        return no_memory(work);
    }
    for (size_t index = 0; index < names; index++) {
        char name[GM_NAME_MAX];
        gm_text text = gm_unpack_text(&work->in);
        if (work->in.failed || text.size >= sizeof name) {
            return corrupt(work);
        }
        memcpy(name, text.data, text.size);
        name[text.size] = '\0';
        size_t found = both ? gm_model_find_element(model, class->target, name) : NOWHERE;
        class->element[index] = (uint32_t)found; // NOWHERE becomes UINT32_MAX
        old->same = old->same && found == index;
    }
    return GM_OK;
}

static gm_status read_system(carrier *work, old_system *old)
{
    const char *name = name_of(work), *domain = name_of(work);
    uint32_t schema = gm_unpack_u32(&work->in);
    old->hidden_size = gm_unpack_u64(&work->in);
    old->class_count = gm_unpack_u32(&work->in);
    if (work->in.failed || old->class_count > GM_CLASSES_MAX) {
        return corrupt(work);
    }
    const gm_layout *layout = work->to->layout;
    old->target = gm_layout_find_system(layout, name);
    const gm_model *model = old->target == NOWHERE ? NULL : layout->systems[old->target].model;
    if (model != NULL && strcmp(model->domain->name, domain) != 0) {
        model = NULL;
        old->target = NOWHERE;
    }
    old->same = model != NULL && model->domain->schema == schema &&
                model->hidden_size == old->hidden_size && model->class_count == old->class_count;
    old->classes = gm_arena_new(work->arena, old->class_count, sizeof *old->classes);
    old->columns =
        gm_arena_new(work->arena, old->class_count * GM_FIELDS_MAX, sizeof *old->columns);
    if (old->classes == NULL || old->columns == NULL) {
        return no_memory(work);
    }
    gm_status status = GM_OK;
    for (size_t number = 0; status == GM_OK && number < old->class_count; number++) {
        const char *class_name = name_of(work);
        size_t capacity = gm_unpack_u32(&work->in);
        size_t target = model == NULL ? NOWHERE : gm_model_find_class(model, class_name);
        old->classes[number].target = target;
        old->same = old->same && target == number;
        status = read_fields(work, old, model, number);
        if (status == GM_OK) {
            status = read_elements(work, old, model, number, capacity);
        }
    }
    return status;
}

// ---- values ----

/// Where one old column's values of one lane go.
typedef struct target {
    unsigned char *bytes; // the new column of the lane's block; NULL to pass over
    const gm_field *field;
    gm_type type;
    size_t count, width, lane; // lane within the block
} target;

static gm_status target_of(carrier *work, const old_system *old, const old_column *column,
                           size_t lane, target *found)
{
    *found = (target){ 0 };
    if (old->target == NOWHERE || column->target == NOWHERE ||
        old->classes[column->class_index].target == NOWHERE) {
        return GM_OK;
    }
    const gm_system_plan *plan = gm_plan_of(work->to, old->target);
    const gm_column_plan *place = &plan->model->columns[column->target];
    size_t width = (size_t)plan->width;
    gm_span *span =
        &gm_block_spans(work->to, old->target, lane / width)[plan->span_of_column[column->target]];
    if (span->size == 0) {
        return GM_OK;
    }
    *found = (target){
        .bytes = gm_span_own(work->to->layout->pool, span),
        .field = &plan->model->classes[place->class_number].declared->fields[place->field],
        .type = place->type,
        .count = place->count,
        .width = width,
        .lane = lane % width,
    };
    return found->bytes != NULL ? GM_OK : no_memory(work);
}

static gm_status read_column(carrier *work, const old_system *old, const old_column *column,
                             size_t lane, size_t rows)
{
    target to;
    gm_status status = target_of(work, old, column, lane, &to);
    size_t size = gm_type_size(column->type);
    gm_text bytes = gm_unpack_bytes(&work->in, rows * size);
    if (status != GM_OK || work->in.failed) {
        return status != GM_OK ? status : corrupt(work);
    }
    const uint32_t *element = old->classes[column->class_index].element;
    for (size_t row = 0; to.bytes != NULL && row < rows; row++) {
        size_t place = element != NULL ? element[row] : row;
        if (place >= to.count) {
            continue; // no counterpart, or beyond the new capacity
        }
        double value = gm_value_get(column->type, (const unsigned char *)bytes.data + row * size);
        if (!old->same) {
            value = fmin(fmax(value, to.field->min), to.field->max);
        }
        gm_value_put(to.type, to.bytes + (place * to.width + to.lane) * gm_type_size(to.type),
                     value);
    }
    return GM_OK;
}

/// Times, steps, rows in use and hidden bytes of one lane. @param rows out, [population count]
static gm_status read_head(carrier *work, const old_system *old, size_t lane, uint32_t *rows)
{
    int64_t time_ns = gm_unpack_i64(&work->in);
    double step_s = gm_unpack_f64(&work->in);
    for (size_t index = 0; index < old->population_count; index++) {
        rows[index] = gm_unpack_u32(&work->in);
    }
    gm_text hidden = gm_unpack_bytes(&work->in, old->hidden_size);
    if (work->in.failed) {
        return corrupt(work);
    }
    if (old->target == NOWHERE) {
        return GM_OK;
    }
    const gm_system_plan *plan = gm_plan_of(work->to, old->target);
    size_t width = (size_t)plan->width;
    gm_span *spans = gm_block_spans(work->to, old->target, lane / width);
    gm_block_head *head =
        (gm_block_head *)(void *)gm_span_own(work->to->layout->pool, &spans[GM_SPAN_HEAD]);
    if (head == NULL) {
        return no_memory(work);
    }
    head->time_ns[lane % width] = time_ns;
    head->step_s[lane % width] = old->same ? step_s : 0.0;
    for (size_t number = 0; number < old->class_count; number++) {
        const old_class *class = &old->classes[number];
        if (class->population != NOWHERE && rows[class->population] > class->count) {
            return corrupt(work);
        }
        if (class->population != NOWHERE && class->target != NOWHERE) {
            const gm_class_part *part = &plan->model->classes[class->target];
            uint32_t capacity = (uint32_t)part->declared->capacity;
            uint32_t used = rows[class->population];
            head->rows[part->population * width + lane % width] = used < capacity ? used : capacity;
        }
    }
    if (old->same && old->hidden_size > 0) {
        unsigned char *bytes = gm_span_own(work->to->layout->pool, &spans[GM_SPAN_HIDDEN]);
        if (bytes == NULL) {
            return no_memory(work);
        }
        memcpy(bytes + lane % width * old->hidden_size, hidden.data, old->hidden_size);
    }
    return GM_OK;
}

static gm_status read_lane(carrier *work, const old_system *old, size_t lane)
{
    uint32_t rows[GM_CLASSES_MAX];
    gm_status status = read_head(work, old, lane, rows);
    for (size_t index = 0; status == GM_OK && index < old->column_count; index++) {
        const old_class *class = &old->classes[old->columns[index].class_index];
        size_t count = class->population == NOWHERE ? class->count : rows[class->population];
        status = read_column(work, old, &old->columns[index], lane, count);
    }
    return status;
}

typedef struct old_section {
    size_t target, size;
} old_section;

static gm_status read_sections(carrier *work, old_section *sections, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        gm_text bytes = gm_unpack_bytes(&work->in, sections[index].size);
        if (work->in.failed) {
            return corrupt(work);
        }
        void *to = sections[index].target == NOWHERE || bytes.size == 0
                       ? NULL
                       : gm_state_section_write(work->to, sections[index].target);
        if (to != NULL) {
            memcpy(to, bytes.data, bytes.size);
        }
    }
    return gm_unpack_done(&work->in) ? GM_OK : corrupt(work);
}

static size_t find_section(const gm_layout *layout, const char *name, uint32_t schema, size_t size)
{
    for (size_t index = 0; index < layout->section_count; index++) {
        const gm_section *section = &layout->sections[index];
        if (strcmp(section->name, name) == 0 && section->schema == schema &&
            section->size == size) {
            return index;
        }
    }
    return NOWHERE;
}

static gm_status read_values(carrier *work)
{
    size_t count = gm_unpack_count(&work->in, 2 * sizeof(uint32_t));
    if (work->in.failed || count > GM_SECTIONS_MAX) {
        return corrupt(work);
    }
    old_section sections[GM_SECTIONS_MAX];
    for (size_t index = 0; index < count; index++) {
        const char *name = name_of(work);
        uint32_t schema = gm_unpack_u32(&work->in);
        sections[index].size = gm_unpack_u64(&work->in);
        sections[index].target = find_section(work->to->layout, name, schema, sections[index].size);
    }
    gm_status status = work->in.failed ? corrupt(work) : GM_OK;
    for (size_t system = 0; status == GM_OK && system < work->system_count; system++) {
        for (size_t lane = 0; status == GM_OK && lane < work->to->layout->lanes; lane++) {
            status = read_lane(work, &work->systems[system], lane);
        }
    }
    return status == GM_OK ? read_sections(work, sections, count) : status;
}

static gm_status read_all(carrier *work)
{
    uint32_t magic = gm_unpack_u32(&work->in);
    uint16_t version = gm_unpack_u16(&work->in);
    uint32_t lanes = gm_unpack_u32(&work->in);
    int64_t time_ns = gm_unpack_i64(&work->in);
    uint64_t tick = gm_unpack_u64(&work->in);
    if (work->in.failed || magic != GM_STATE_MAGIC || version != GM_STATE_VERSION) {
        return gm_error_set(work->error, GM_CORRUPT, "these bytes are not a saved state");
    }
    if (lanes != work->to->layout->lanes) {
        return gm_error_set(work->error, GM_INVALID, "a saved state has %u lanes, the world %zu",
                            lanes, work->to->layout->lanes);
    }
    gm_text failed = gm_unpack_bytes(&work->in, lanes);
    work->system_count = gm_unpack_count(&work->in, 1);
    if (work->in.failed || work->system_count > GM_SYSTEMS_MAX) {
        return corrupt(work);
    }
    work->systems = gm_arena_new(work->arena, work->system_count, sizeof *work->systems);
    if (work->systems == NULL) {
        return no_memory(work);
    }
    gm_status status = GM_OK;
    for (size_t system = 0; status == GM_OK && system < work->system_count; system++) {
        status = read_system(work, &work->systems[system]);
    }
    if (status == GM_OK) {
        status = gm_state_set_time(work->to, time_ns, work->error);
    }
    if (status == GM_OK) {
        gm_state_set_tick(work->to, tick);
        memcpy(work->to->failed, failed.data, lanes);
        status = read_values(work);
    }
    return status;
}

/// Hidden data of systems that are not the same any more, and legality of all that moved.
static gm_status settle(const carrier *work, const gm_state *from, size_t index)
{
    const old_system *old = &work->systems[index];
    const gm_system_plan *plan = gm_plan_of(work->to, old->target);
    const gm_model *model = plan->model;
    gm_pool *pool = work->to->layout->pool;
    bool migrates = model->domain->migrate != NULL && model->hidden_size > 0;
    const gm_model *old_model = from != NULL ? gm_plan_of(from, index)->model : NULL;
    // lanes lie alike only at equal width: else the domain starts its hidden data afresh
    bool seen = old_model != NULL && gm_plan_of(from, index)->width == plan->width;
    size_t old_columns = seen ? old_model->column_count : 0;
    void **columns = gm_pool_take(pool, (model->column_count + 2 * old_columns + GM_SPAN_COLUMNS) *
                                            sizeof *columns);
    gm_status status = columns != NULL ? GM_OK : no_memory(work);
    for (size_t block = 0; migrates && status == GM_OK && block < plan->block_count; block++) {
        gm_block old_block, new_block;
        void **views = columns + model->column_count;
        if (!gm_block_open(work->to, (gm_block_place){ old->target, block }, GM_ACCESS_CHANGE,
                           columns, &new_block) ||
            (seen && !gm_block_view(from, (gm_block_place){ index, block }, views,
                                    views + old_columns, &old_block))) {
            status = no_memory(work);
            break;
        }
        status = model->domain->migrate(old_model, seen ? &old_block : NULL, model, &new_block,
                                        work->error);
        if (seen) {
            gm_block_view_close(from, index, views + old_columns);
        }
    }
    gm_pool_give(pool, columns);
    return status == GM_OK ? gm_state_changed(work->to, old->target, work->error) : status;
}

/// Whether bytes end in their hash. @param size  in out: afterwards without the hash
static bool is_whole(const void *bytes, size_t *size)
{
    if (*size < sizeof(uint64_t)) {
        return false;
    }
    size_t left = *size - sizeof(uint64_t);
    gm_unpack end = gm_unpack_of((const unsigned char *)bytes + left, sizeof(uint64_t));
    *size = left;
    return gm_unpack_u64(&end) == gm_hash(bytes, left, 0);
}

/// Reads bytes into a state that has its initial values. @param from  whose bytes they are, NULL
/// when not at hand
static gm_status carry(gm_state *to, const void *bytes, size_t size, const gm_state *from,
                       gm_error *error)
{
    carrier work = { .to = to, .error = error };
    if (!is_whole(bytes, &size)) {
        return corrupt(&work);
    }
    work.in = gm_unpack_of(bytes, size);
    work.arena = gm_arena_create(0);
    if (work.arena == NULL) {
        return no_memory(&work);
    }
    gm_status status = read_all(&work);
    for (size_t index = 0; status == GM_OK && index < work.system_count; index++) {
        if (work.systems[index].target != NOWHERE && !work.systems[index].same) {
            status = settle(&work, from, index);
        }
    }
    gm_arena_close(work.arena);
    return status;
}

gm_status gm_state_load(gm_layout *layout, const void *bytes, size_t size, gm_state **state,
                        gm_error *error)
{
    gm_state *made = NULL;
    gm_status status = gm_state_create(layout, 0, &made, error);
    if (status == GM_OK) {
        status = carry(made, bytes, size, NULL, error);
    }
    if (status != GM_OK) {
        gm_state_close(made);
        return status;
    }
    *state = made;
    return GM_OK;
}

gm_status gm_state_transfer(const gm_state *from, gm_state *to, gm_error *error)
{
    void *bytes = NULL;
    size_t size = 0;
    gm_state *before = NULL;
    gm_status status = gm_state_fork(to, &before, error);
    if (status == GM_OK) {
        status = gm_state_save(from, &bytes, &size, error);
    }
    if (status == GM_OK) {
        status = carry(to, bytes, size, from, error);
        gm_memory_free(bytes);
    }
    if (status != GM_OK && before != NULL) {
        gm_state_restore(to, before);
    }
    gm_state_close(before);
    return status;
}
