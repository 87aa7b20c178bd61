// Time: bringing one system forward, block by block, and masking the lanes that cannot follow.
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/require.h"
#include "model/state_inside.h"

/// Lanes of one column with a value that is not finite or outside its physical bounds.
GM_INLINE gm_lane_mask broken_lanes(const double *column, size_t count, double min, double max,
                                    const int width)
{
    uint64_t bad[GM_BLOCK_LANES] = { 0 };
    for (size_t element = 0; element < count; element++) {
        const double *row = column + element * (size_t)width;
        for (int lane = 0; lane < width; lane++) {
            bad[lane] |= !(row[lane] >= min && row[lane] <= max); // NaN is bad
        }
    }
    gm_lane_mask mask = 0;
    for (int lane = 0; lane < width; lane++) {
        mask |= (gm_lane_mask)((bad[lane] != 0) << lane);
    }
    return mask;
}

GM_KERNEL static gm_lane_mask broken_8(const double *column, size_t count, double min, double max)
{
    return broken_lanes(column, count, min, max, 8);
}

GM_KERNEL static gm_lane_mask broken_1(const double *column, size_t count, double min, double max)
{
    return broken_lanes(column, count, min, max, 1);
}

/// The same for any type, and for populations: of these only rows in use count.
static gm_lane_mask broken_rows(const gm_block *block, const gm_column_plan *plan,
                                const unsigned char *column)
{
    const gm_class_part *part = &block->model->classes[plan->class_number];
    const gm_field *field = &part->declared->fields[plan->field];
    size_t width = (size_t)block->width, size = gm_type_size(plan->type);
    gm_lane_mask mask = 0;
    for (size_t lane = 0; lane < width; lane++) {
        size_t rows = part->population == SIZE_MAX ? plan->count
                                                   : block->rows[part->population * width + lane];
        for (size_t row = 0; row < rows; row++) {
            double value = gm_value_get(plan->type, column + (row * width + lane) * size);
            if (!(value >= field->min && value <= field->max)) {
                mask |= (gm_lane_mask)(1u << lane);
            }
        }
    }
    return mask;
}

static gm_lane_mask check_states(const gm_model *model, const gm_block *block)
{
    gm_lane_mask broken = 0;
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        const gm_class_part *part = &model->classes[plan->class_number];
        const gm_field *field = &part->declared->fields[plan->field];
        if (plan->role != GM_STATE || plan->count == 0) {
            continue;
        }
        const void *column = block->columns[index];
        if (plan->type == GM_F64 && part->population == SIZE_MAX) {
            broken |= block->width == 1 ? broken_1(column, plan->count, field->min, field->max)
                                        : broken_8(column, plan->count, field->min, field->max);
        } else {
            broken |= broken_rows(block, plan, column);
        }
    }
    return broken & block->lanes;
}

/// Says which value of a lane is not finite or out of bounds, the first one there is.
static void name_broken(const gm_model *model, const gm_block *block, int lane, gm_error *error)
{
    for (size_t index = 0; index < model->column_count; index++) {
        const gm_column_plan *plan = &model->columns[index];
        const gm_class_part *part = &model->classes[plan->class_number];
        const gm_field *field = &part->declared->fields[plan->field];
        size_t width = (size_t)block->width, size = gm_type_size(plan->type);
        bool population = part->population != SIZE_MAX;
        size_t rows =
            population ? block->rows[part->population * width + (size_t)lane] : part->names.count;
        for (size_t row = 0; plan->role == GM_STATE && row < rows; row++) {
            const unsigned char *column = block->columns[index];
            double value = gm_value_get(plan->type, column + (row * width + (size_t)lane) * size);
            if (!(value >= field->min && value <= field->max)) {
                gm_error_set(error, GM_NUMERIC, "%s/%s/%s/%s became %g, outside %g to %g",
                             model->name, part->declared->name,
                             population ? "*"
                                        : gm_model_element_name(model, plan->class_number, row),
                             field->name, value, field->min, field->max);
                return;
            }
        }
    }
}

/// What all blocks of one call share.
typedef struct march {
    gm_state *state;
    size_t system;
    int64_t until_ns;
    gm_workers *inside; // for chunks inside a block
    atomic_int status;  // the worst so far
    gm_error *error;
    atomic_flag told; // somebody wrote the error already
} march;

static void report(march *all, const gm_error *error)
{
    if (error->status != GM_OK && !atomic_flag_test_and_set(&all->told) && all->error != NULL) {
        *all->error = *error;
    }
}

static gm_lane_mask step_block(march *all, gm_block *block, gm_block_head *head, void *scratch,
                               gm_error *error)
{
    const gm_system_plan *plan = gm_plan_of(all->state, all->system);
    const gm_domain *domain = plan->model->domain;
    if (domain->rate != NULL) {
        return gm_integrate(plan->model, block, all->until_ns, head->step_s, scratch);
    }
    gm_step step = { .random = plan->random,
                     .tick = all->state->tick,
                     .workers = all->inside,
                     .scratch = scratch,
                     .error = error };
    gm_status status = domain->advance(plan->model, block, all->until_ns, &step);
    return status == GM_OK ? step.failed : block->lanes;
}

static void advance_block(void *context, size_t number)
{
    march *all = context;
    const gm_system_plan *plan = gm_plan_of(all->state, all->system);
    if (gm_block_lanes(all->state, all->system, number) == 0) {
        return;
    }
    gm_pool *pool = all->state->layout->pool;
    unsigned char *memory = gm_pool_take(pool, plan->work_size);
    gm_block block;
    gm_error error = { 0 };
    if (memory == NULL || !gm_block_open(all->state, (gm_block_place){ all->system, number },
                                         GM_ACCESS_STEP, (void **)(void *)memory, &block)) {
        gm_pool_give(pool, memory);
        atomic_store(&all->status, (int)gm_error_set(&error, GM_MEMORY, "no memory to advance '%s'",
                                                     plan->model->name));
        report(all, &error);
        return;
    }
    size_t columns = plan->model->column_count * sizeof(void *);
    void *scratch = memory + (columns + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
    // the head is the span that times lie in; steps follow them
    gm_block_head *head = (gm_block_head *)(void *)block.time_ns;
    gm_lane_mask failed = step_block(all, &block, head, scratch, &error) & block.lanes;
    gm_lane_mask broken = check_states(plan->model, &block) & (gm_lane_mask)~failed;
    if (broken != 0 && error.status == GM_OK) {
        name_broken(plan->model, &block, __builtin_ctz(broken), &error);
    }
    failed |= broken;
    for (int lane = 0; lane < block.width; lane++) {
        if ((failed >> lane & 1) != 0) {
            all->state->failed[block.first_lane + (uint32_t)lane] = 1;
        }
    }
    report(all, &error);
    gm_pool_give(pool, memory);
}

gm_status gm_state_advance(gm_state *state, size_t system, int64_t until_ns, gm_workers *workers,
                           gm_error *error)
{
    GM_REQUIRE(system < state->layout->system_count);
    const gm_system_plan *plan = gm_plan_of(state, system);
    bool large = plan->model->large;
    gm_error first = { 0 };
    march all = { .state = state,
                  .system = system,
                  .until_ns = until_ns,
                  .inside = large ? workers : NULL,
                  .error = &first,
                  .told = ATOMIC_FLAG_INIT };
    atomic_init(&all.status, GM_OK);
    gm_workers_run(large ? NULL : workers, plan->block_count, advance_block, &all);
    gm_status status = (gm_status)atomic_load(&all.status);
    if (status != GM_OK) {
        return gm_error_set(error, status, "%s", first.text);
    }
    if (gm_state_lanes_left(state) == 0) {
        return gm_error_set(error, GM_NUMERIC, "%s: no lane is left%s%s", plan->model->name,
                            first.text[0] != '\0' ? ": " : "", first.text);
    }
    return GM_OK;
}

gm_status gm_state_settle(gm_state *state, size_t system, gm_workers *workers, gm_error *error)
{
    gm_status status = gm_state_changed(state, system, error);
    bool steps = gm_plan_of(state, system)->model->domain->advance != NULL;
    return status == GM_OK && steps
               ? gm_state_advance(state, system, gm_state_time(state), workers, error)
               : status;
}

// ---- lanes ----

bool gm_state_lane_failed(const gm_state *state, size_t lane)
{
    GM_REQUIRE(lane < state->layout->lanes);
    return state->failed[lane] != 0;
}

void gm_state_fail_lane(gm_state *state, size_t lane)
{
    GM_REQUIRE(lane < state->layout->lanes);
    state->failed[lane] = 1;
}

size_t gm_state_lanes_left(const gm_state *state)
{
    size_t left = 0;
    for (size_t lane = 0; lane < state->layout->lanes; lane++) {
        left += state->failed[lane] == 0;
    }
    return left;
}

/// How a span repeats over lanes: `rows` rows of [width] values of `size` bytes.
typedef struct grain {
    size_t span, rows, size, at; // at: where the rows start within the span
} grain;

/// Copies lane after lane of one kind of span from the old state to the new one.
static bool regrain(const gm_state *old, gm_state *state, size_t system, grain how,
                    const uint32_t *source)
{
    const gm_system_plan *plan = gm_plan_of(state, system);
    size_t width = (size_t)plan->width, lanes = state->layout->lanes;
    for (size_t block = 0; how.rows > 0 && block < plan->block_count; block++) {
        gm_span *span = &gm_block_spans(state, system, block)[how.span];
        bool moved = state->layout != old->layout; // else what does not move is shared
        for (size_t lane = block * width; lane < lanes && lane < (block + 1) * width; lane++) {
            moved = moved || source[lane] != lane;
        }
        unsigned char *to = moved ? gm_span_own(state->layout->pool, span) : NULL;
        if (moved && to == NULL) {
            return false;
        }
        for (size_t lane = block * width; moved && lane < lanes && lane < (block + 1) * width;
             lane++) {
            size_t from = source[lane];
            const gm_span *origin = &gm_block_spans(old, system, from / width)[how.span];
            for (size_t row = 0; row < how.rows; row++) {
                size_t first = how.at + row * width * how.size;
                memcpy(to + first + lane % width * how.size,
                       gm_span_at(origin, first + from % width * how.size), how.size);
            }
        }
    }
    return true;
}

static bool resample_system(const gm_state *old, gm_state *state, size_t system,
                            const uint32_t *source)
{
    const gm_system_plan *plan = gm_plan_of(state, system);
    const gm_model *model = plan->model;
    const grain heads[] = {
        // times and steps are always GM_BLOCK_LANES apart, rows by width
        { GM_SPAN_HEAD, 1, sizeof(int64_t), offsetof(gm_block_head, time_ns) },
        { GM_SPAN_HEAD, 1, sizeof(double), offsetof(gm_block_head, step_s) },
        { GM_SPAN_HEAD, model->population_count, sizeof(uint32_t), offsetof(gm_block_head, rows) },
        { GM_SPAN_HIDDEN, model->hidden_size / GM_ALIGNMENT > 0, model->hidden_size, 0 },
    };
    bool done = true;
    for (size_t index = 0; done && index < sizeof heads / sizeof *heads; index++) {
        done = regrain(old, state, system, heads[index], source);
    }
    for (size_t index = 0; done && index < model->column_count; index++) {
        uint32_t span = plan->span_of_column[index];
        if (span != GM_NO_SPAN) {
            const gm_column_plan *column = &model->columns[index];
            done = regrain(old, state, system,
                           (grain){ span, column->count, gm_type_size(column->type), 0 }, source);
        }
    }
    return done;
}

/// @param chosen  [system_count]; NULL: all
static gm_status resample_chosen(gm_state *state, const bool *chosen, const uint32_t *source,
                                 gm_error *error)
{
    size_t lanes = state->layout->lanes;
    for (size_t lane = 0; lane < lanes; lane++) {
        GM_REQUIRE(source[lane] < lanes);
    }
    gm_state *old = NULL;
    gm_status status = gm_state_fork(state, &old, error);
    if (status != GM_OK) {
        return status;
    }
    bool done = true;
    for (size_t system = 0; done && system < state->layout->system_count; system++) {
        if (chosen == NULL || chosen[system]) {
            done = resample_system(old, state, system, source);
        }
    }
    for (size_t lane = 0; chosen == NULL && lane < lanes; lane++) {
        state->failed[lane] = old->failed[source[lane]];
    }
    if (!done) {
        gm_state_restore(state, old);
    }
    gm_state_close(old);
    return done ? GM_OK : gm_error_set(error, GM_MEMORY, "no memory to resample %zu lanes", lanes);
}

gm_status gm_state_resample(gm_state *state, const uint32_t *source, gm_error *error)
{
    return resample_chosen(state, NULL, source, error);
}

gm_status gm_state_resample_systems(gm_state *state, const bool *chosen, const uint32_t *source,
                                    gm_error *error)
{
    return resample_chosen(state, chosen, source, error);
}

gm_status gm_state_draw(const gm_state *from, const uint32_t *const *sources, gm_layout *layout,
                        gm_state **drawn, gm_error *error)
{
    GM_REQUIRE(layout->system_count == from->layout->system_count);
    gm_state *made = NULL;
    gm_status status = gm_state_create(layout, from->time_ns, &made, error);
    bool done = true;
    for (size_t system = 0; status == GM_OK && done && system < layout->system_count; system++) {
        const gm_system_plan *plan = gm_plan_of(made, system);
        GM_REQUIRE(plan->model == gm_plan_of(from, system)->model &&
                   plan->width == gm_plan_of(from, system)->width);
        for (size_t lane = 0; lane < layout->lanes; lane++) {
            GM_REQUIRE(sources[system][lane] < from->layout->lanes);
            made->failed[lane] |= from->failed[sources[system][lane]];
        }
        done = resample_system(from, made, system, sources[system]);
    }
    if (status == GM_OK && !done) {
        status = gm_error_set(error, GM_MEMORY, "no memory to draw %zu lanes", layout->lanes);
    }
    if (status != GM_OK) {
        gm_state_close(made);
        return status;
    }
    made->tick = from->tick;
    *drawn = made;
    return GM_OK;
}
