// Runs a world without sensors: one lane, the declared start, rows at even times.
#include <math.h>
#include <string.h>

#include "world/world_reader.h"

typedef struct simulation {
    const gm_world *world; // the scenario's variant where it has one
    const gm_simulate_options *options;
    gm_ref *refs; // [count]
    size_t count;
    double *values; // [count]
    gm_layout *layout;
    gm_state *state;
    gm_world_work *work;
    gm_scenario_run *scenario; // NULL: none
} simulation;

static gm_status add_matches(simulation *run, const char *pattern, bool parameters,
                             size_t *capacity, gm_error *error)
{
    gm_ref *refs = NULL;
    size_t count = 0;
    gm_status status = gm_world_find(run->world, pattern, (gm_place){ 0 }, &refs, &count, error);
    if (status != GM_OK) {
        return status;
    }
    gm_ref *grown = gm_memory_grow(run->refs, capacity, run->count + count, sizeof *grown);
    if (grown == NULL) {
        gm_memory_free(refs);
        return gm_world_no_memory(error);
    }
    run->refs = grown;
    for (size_t index = 0; index < count; index++) {
        if (parameters || gm_world_role(run->world, refs[index]) != GM_PARAMETER) {
            run->refs[run->count++] = refs[index];
        }
    }
    gm_memory_free(refs);
    return GM_OK;
}

static gm_status choose_fields(simulation *run, gm_error *error)
{
    const gm_world *world = run->world;
    size_t capacity = 0;
    if (run->options->fields != NULL) {
        gm_status status = GM_OK;
        for (size_t index = 0; status == GM_OK && index < run->options->field_count; index++) {
            status = add_matches(run, run->options->fields[index], true, &capacity, error);
        }
        return status;
    }
    if (world->record_count == 0) {
        return add_matches(run, "*/*/*/*", false, &capacity, error);
    }
    run->refs = gm_memory_new(world->record_count, sizeof *run->refs);
    if (run->refs == NULL) {
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < world->record_count; index++) {
        run->refs[run->count++] = world->records[index].ref;
    }
    return GM_OK;
}

static gm_status prepare(simulation *run, gm_error *error)
{
    const gm_world *world = run->world;
    gm_status status = choose_fields(run, error);
    if (status == GM_OK) {
        run->values = gm_memory_new(run->count, sizeof *run->values);
        status = run->values == NULL ? gm_world_no_memory(error) : GM_OK;
    }
    if (status == GM_OK) {
        status = gm_world_layout(world, 1, NULL, 0, &run->layout, error);
    }
    if (status == GM_OK) {
        status = gm_state_create(run->layout, world->start_ns, &run->state, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(world, 1, &run->work, error);
    }
    if (status == GM_OK && run->options->scenario != NULL) {
        status =
            gm_scenario_start(run->options->scenario, 1, world->start_ns, &run->scenario, error);
    }
    return status;
}

static gm_status write_rows(simulation *run, gm_error *error)
{
    const gm_world *world = run->world;
    gm_status status = gm_state_read_many(run->state, run->refs, run->count, run->values, error);
    int64_t time_ns = gm_state_time(run->state);
    double time_s = (double)(time_ns - world->start_ns) / (double)GM_SECOND_NS;
    for (size_t index = 0; index < run->count && status == GM_OK; index++) {
        gm_ref ref = run->refs[index];
        const gm_model *model = world->systems[ref.system].model;
        const gm_field *field = gm_world_field(world, ref);
        gm_world_row row = {
            .time_ns = time_ns,
            .time_s = time_s,
            .system = world->systems[ref.system].name,
            .class_name = gm_model_class_at(model, ref.class_number)->name,
            .element = ref.element == GM_ROWS
                           ? "*"
                           : gm_model_element_name(model, ref.class_number, ref.element),
            .field = field->name,
            .unit = field->unit,
            .value = run->values[index],
        };
        status = run->options->row(run->options->context, &row, error);
    }
    return status;
}

static gm_status run_all(simulation *run, gm_error *error)
{
    const gm_simulate_options *options = run->options;
    gm_advance_options advance = { .mode = GM_ADVANCE_PAST,
                                   .workers = options->workers,
                                   .work = run->work,
                                   .run = run->scenario };
    int64_t start_ns = run->world->start_ns;
    gm_status status = gm_world_settle(run->world, run->state, &advance, error);
    if (status == GM_OK) {
        status = write_rows(run, error);
    }
    for (int64_t gone_ns = 0; gone_ns < options->until_ns && status == GM_OK;) {
        bool last = options->every_ns >= options->until_ns - gone_ns;
        gone_ns = last ? options->until_ns : gone_ns + options->every_ns;
        status = gm_world_advance(run->world, run->state, &advance, start_ns + gone_ns, error);
        if (status == GM_OK) {
            status = write_rows(run, error);
        }
        if (status == GM_OK && options->progress != NULL) {
            options->progress(options->context, (double)gone_ns / (double)options->until_ns);
        }
    }
    return status;
}

gm_status gm_world_simulate(const gm_world *world, const gm_simulate_options *options,
                            gm_error *error)
{
    if (options->row == NULL || options->until_ns < 0 || options->every_ns <= 0) {
        return gm_error_set(error, GM_INVALID,
                            "a simulation needs a length, zero or more, and an interval above "
                            "zero");
    }
    if (world->start_ns > INT64_MAX - options->until_ns) {
        return gm_error_set(error, GM_INVALID, "the run would end after the year 2262");
    }
    simulation run = { .world = world, .options = options };
    if (options->scenario != NULL) {
        run.world = gm_scenario_world(world, options->scenario);
    }
    gm_status status = prepare(&run, error);
    if (status == GM_OK) {
        status = run_all(&run, error);
    }
    gm_scenario_stop(run.scenario);
    gm_world_work_close(run.work);
    gm_state_close(run.state);
    gm_layout_close(run.layout);
    gm_memory_free(run.values);
    gm_memory_free(run.refs);
    return status;
}
