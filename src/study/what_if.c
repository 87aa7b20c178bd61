// What-ifs: two forks of one state, run ahead over the same random numbers, compared lane by lane.
#include "study/what_if.h"

#include <string.h>

#include "base/arena.h"
#include "base/require.h"

static gm_status check(const gm_what_if *question, int64_t *horizon_ns, gm_error *error)
{
    *horizon_ns = question->horizon_ns > 0 ? question->horizon_ns : question->scenario->horizon_ns;
    if (*horizon_ns <= 0) {
        return gm_error_set(error, GM_INVALID, "a what-if needs a horizon: `for: 30 min`");
    }
    if (question->points < 1 || question->points > GM_WHAT_IF_POINTS_MAX) {
        return gm_error_set(error, GM_LIMIT, "%zu points: 1 to %d are offered", question->points,
                            GM_WHAT_IF_POINTS_MAX);
    }
    if (question->ref_count < 1 || question->ref_count > GM_WHAT_IF_FIELDS_MAX) {
        return gm_error_set(error, GM_LIMIT, "%zu fields: 1 to %d are offered", question->ref_count,
                            GM_WHAT_IF_FIELDS_MAX);
    }
    return GM_OK;
}

/// One of the two futures.
typedef struct future {
    const gm_world *world; // the scenario's variant where it has one
    gm_layout *layout;     // of a variant; NULL: the question's
    gm_state *state;
    gm_world_work *work;
    const gm_scenario *scenario; // NULL: as things are
    gm_scenario_run *run;        // NULL: as things are
    gm_ref *refs;                // [ref_count] by this world's numbers
    double *values;              // [ref_count][lanes] at the current point
} future;

static gm_status find_refs(const gm_what_if *question, future *made, gm_error *error)
{
    for (size_t row = 0; row < question->ref_count; row++) {
        gm_ref ref = question->refs[row];
        if (!gm_world_counterpart(question->world, ref, made->world, &made->refs[row])) {
            char address[4 * GM_NAME_MAX];
            gm_world_address(question->world, ref, address, sizeof address);
            return gm_error_set(error, GM_INVALID,
                                "'%.200s' is not there under the scenario: it cannot be compared",
                                address);
        }
    }
    return GM_OK;
}

static gm_status open_future(const gm_what_if *question, const gm_scenario *scenario, future *made,
                             gm_error *error)
{
    size_t lanes = gm_state_lanes(question->state);
    made->scenario = scenario;
    made->world = question->world;
    gm_status status = GM_OK;
    if (scenario != NULL) {
        made->world = gm_scenario_world(question->world, scenario);
        status = gm_scenario_fork(question->world, scenario, question->state, &made->layout,
                                  &made->state, error);
    } else {
        status = gm_state_fork(question->state, &made->state, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(made->world, lanes, &made->work, error);
    }
    if (status == GM_OK && scenario != NULL) {
        status =
            gm_scenario_start(scenario, lanes, gm_state_time(question->state), &made->run, error);
    }
    made->values = gm_memory_new(question->ref_count * lanes, sizeof(double));
    made->refs = gm_memory_new(question->ref_count, sizeof *made->refs);
    if (status == GM_OK && (made->values == NULL || made->refs == NULL)) {
        status = gm_error_set(error, GM_MEMORY, "no memory for a future");
    }
    return status == GM_OK ? find_refs(question, made, error) : status;
}

static void close_future(future *done)
{
    gm_scenario_stop(done->run);
    gm_world_work_close(done->work);
    gm_state_close(done->state);
    gm_layout_close(done->layout);
    gm_memory_free(done->refs);
    gm_memory_free(done->values);
}

/// The values at the very start, with what the scenario changes at once: read from a fork, so that
/// the future itself starts as the state is.
static gm_status read_start(const gm_what_if *question, future *at, gm_error *error)
{
    gm_state *fork = NULL;
    gm_scenario_run *run = NULL;
    gm_status status = gm_state_fork(at->state, &fork, error);
    if (status == GM_OK && at->scenario != NULL) {
        status =
            gm_scenario_start(at->scenario, gm_state_lanes(fork), gm_state_time(fork), &run, error);
    }
    if (status == GM_OK) {
        gm_advance_options options = {
            .mode = GM_ADVANCE_AHEAD, .workers = question->workers, .work = at->work, .run = run
        };
        status = gm_world_settle(at->world, fork, &options, error);
    }
    if (status == GM_OK) {
        status = gm_state_read_many(fork, at->refs, question->ref_count, at->values, error);
    }
    gm_scenario_stop(run);
    gm_state_close(fork);
    return status;
}

static gm_status move(const gm_what_if *question, future *moved, int64_t until_ns, gm_error *error)
{
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD,
                                   .workers = question->workers,
                                   .work = moved->work,
                                   .run = moved->run };
    if (until_ns <= gm_state_time(moved->state)) {
        return read_start(question, moved, error);
    }
    gm_status status = gm_world_advance(moved->world, moved->state, &options, until_ns, error);
    if (status == GM_OK) {
        status = gm_state_read_many(moved->state, moved->refs, question->ref_count, moved->values,
                                    error);
    }
    return status;
}

static void compare(const gm_what_if *question, const future *base, const future *changed,
                    size_t point, gm_what_if_answer *answer)
{
    size_t lanes = gm_state_lanes(question->state);
    for (size_t row = 0; row < question->ref_count; row++) {
        double *before = base->values + row * lanes, *after = changed->values + row * lanes;
        size_t place = row * answer->time_count + point;
        gm_summarise(base->state, before, &answer->base[place]);
        gm_summarise(changed->state, after, &answer->what_if[place]);
        for (size_t lane = 0; lane < lanes; lane++) {
            after[lane] -= before[lane];
            // a lane that ended in one future says nothing about the difference
            if (gm_state_lane_failed(base->state, lane)) {
                gm_state_fail_lane(changed->state, lane);
            }
        }
        gm_summarise(changed->state, after, &answer->difference[place]);
    }
}

static gm_status make_answer(const gm_what_if *question, gm_what_if_answer *answer)
{
    answer->ref_count = question->ref_count;
    answer->time_count = question->points + 1;
    size_t places = answer->ref_count * answer->time_count;
    answer->times_ns = gm_memory_new(answer->time_count, sizeof(int64_t));
    answer->base = gm_memory_new(places, sizeof(gm_summary));
    answer->what_if = gm_memory_new(places, sizeof(gm_summary));
    answer->difference = gm_memory_new(places, sizeof(gm_summary));
    return answer->times_ns != NULL && answer->base != NULL && answer->what_if != NULL &&
                   answer->difference != NULL
               ? GM_OK
               : GM_MEMORY;
}

// ---- what can be compared ----

static gm_status add_refs(gm_what_if_fields *fields, const gm_ref *refs, size_t count,
                          gm_error *error)
{
    if (fields->refs == NULL) {
        fields->refs = gm_memory_new(GM_WHAT_IF_FIELDS_MAX, sizeof *fields->refs);
    }
    if (fields->refs == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the fields of a what-if");
    }
    if (count > GM_WHAT_IF_FIELDS_MAX - fields->ref_count) {
        return gm_error_set(error, GM_LIMIT, "a what-if compares at most %d addresses",
                            GM_WHAT_IF_FIELDS_MAX);
    }
    memcpy(fields->refs + fields->ref_count, refs, count * sizeof *refs);
    fields->ref_count += count;
    return GM_OK;
}

gm_status gm_what_if_fields_add(gm_what_if_fields *fields, const char *pattern, gm_error *error)
{
    const gm_world *variant = fields->scenario->variant;
    gm_place nowhere = { 0 };
    gm_ref *refs = NULL;
    size_t count = 0;
    gm_status status = gm_world_find(fields->world, pattern, nowhere, &refs, &count, error);
    if (status == GM_OK) {
        status = add_refs(fields, refs, count, error);
    } else if (status == GM_NOT_FOUND && variant != NULL &&
               gm_world_find(variant, pattern, nowhere, &refs, &count, NULL) == GM_OK) {
        gm_string_format(&fields->notes, "%s is left out: it is there under the scenario only\n",
                         pattern);
        status = GM_OK;
    }
    gm_memory_free(refs);
    return status;
}

gm_status gm_what_if_fields_own(gm_what_if_fields *fields, gm_error *error)
{
    const gm_world *world = fields->world;
    size_t count = world->forecast.ref_count > 0 ? world->forecast.ref_count
                   : world->record_count > 0     ? world->record_count
                                                 : world->estimate_count;
    count = count < GM_WHAT_IF_FIELDS_MAX ? count : GM_WHAT_IF_FIELDS_MAX;
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        const gm_ref *ref = world->forecast.ref_count > 0 ? &world->forecast.refs[index]
                            : world->record_count > 0     ? &world->records[index].ref
                                                          : &world->estimates[index].ref;
        status = add_refs(fields, ref, 1, error);
    }
    if (status == GM_OK && count == 0) {
        status =
            gm_error_set(error, GM_INVALID,
                         "the world forecasts and records nothing: name the fields to compare");
    }
    return status;
}

static bool warns_of(const gm_world *world, const char *line)
{
    for (size_t index = 0; index < gm_world_warning_count(world); index++) {
        if (strcmp(gm_world_warning_at(world, index), line) == 0) {
            return true;
        }
    }
    return false;
}

gm_status gm_what_if_fields_finish(gm_what_if_fields *fields, gm_error *error)
{
    const gm_world *world = fields->world, *other = gm_scenario_world(world, fields->scenario);
    size_t kept = 0, wanted = fields->ref_count + (fields->notes.size > 0);
    for (size_t index = 0; index < fields->ref_count; index++) {
        gm_ref ref = fields->refs[index], found;
        if (gm_world_counterpart(world, ref, other, &found)) {
            fields->refs[kept++] = ref;
            continue;
        }
        char address[4 * GM_NAME_MAX];
        gm_world_address(world, ref, address, sizeof address);
        gm_string_format(&fields->notes, "%s is left out: it is not there under the scenario\n",
                         address);
    }
    fields->ref_count = kept;
    for (size_t index = 0; other != world && index < gm_world_warning_count(other); index++) {
        const char *line = gm_world_warning_at(other, index);
        if (!warns_of(world, line)) {
            gm_string_format(&fields->notes, "%s\n", line);
        }
    }
    if (kept > 0) {
        return fields->notes.failed ? gm_error_set(error, GM_MEMORY, "no memory for a what-if")
                                    : GM_OK;
    }
    return gm_error_set(error, GM_INVALID,
                        wanted > 0 ? "the fields to compare are not there both as it is and under "
                                     "the scenario"
                                   : "the list of fields is empty: what is to be compared?");
}

void gm_what_if_fields_free(gm_what_if_fields *fields)
{
    gm_memory_free(fields->refs);
    gm_string_free(&fields->notes);
    fields->refs = NULL;
    fields->ref_count = 0;
}

gm_status gm_what_if_run(const gm_what_if *question, gm_what_if_answer *answer, gm_error *error)
{
    int64_t horizon_ns = 0, start_ns = gm_state_time(question->state);
    gm_status status = check(question, &horizon_ns, error);
    if (status != GM_OK) {
        return status;
    }
    gm_what_if_answer made = { 0 };
    future base = { 0 }, changed = { 0 };
    if (make_answer(question, &made) != GM_OK) {
        status = gm_error_set(error, GM_MEMORY, "no memory for an answer of %zu fields",
                              question->ref_count);
    }
    if (status == GM_OK) {
        status = open_future(question, NULL, &base, error);
    }
    if (status == GM_OK) {
        status = open_future(question, question->scenario, &changed, error);
    }
    for (size_t point = 0; status == GM_OK && point < made.time_count; point++) {
        double part = (double)point / (double)question->points;
        made.times_ns[point] =
            start_ns +
            (point == question->points ? horizon_ns : (int64_t)((double)horizon_ns * part));
        status = move(question, &base, made.times_ns[point], error);
        if (status == GM_OK) {
            status = move(question, &changed, made.times_ns[point], error);
        }
        if (status == GM_OK) {
            compare(question, &base, &changed, point, &made);
        }
    }
    close_future(&base);
    close_future(&changed);
    if (status != GM_OK) {
        gm_what_if_answer_free(&made);
        return status;
    }
    *answer = made;
    return GM_OK;
}

void gm_what_if_answer_free(gm_what_if_answer *answer)
{
    gm_memory_free(answer->times_ns);
    gm_memory_free(answer->base);
    gm_memory_free(answer->what_if);
    gm_memory_free(answer->difference);
    *answer = (gm_what_if_answer){ 0 };
}
