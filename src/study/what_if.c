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
    gm_state *state;
    gm_world_work *work;
    gm_scenario_run *run; // NULL: as things are
    double *values;       // [ref_count][lanes] at the current point
} future;

static gm_status open_future(const gm_what_if *question, bool changed, future *made,
                             gm_error *error)
{
    size_t lanes = gm_state_lanes(question->state);
    gm_status status = gm_state_fork(question->state, &made->state, error);
    if (status == GM_OK) {
        status = gm_world_work_create(question->world, lanes, &made->work, error);
    }
    if (status == GM_OK && changed) {
        status = gm_scenario_start(question->scenario, lanes, gm_state_time(question->state),
                                   &made->run, error);
    }
    made->values = gm_memory_new(question->ref_count * lanes, sizeof(double));
    if (status == GM_OK && made->values == NULL) {
        status = gm_error_set(error, GM_MEMORY, "no memory for a future");
    }
    return status;
}

static void close_future(future *done)
{
    gm_scenario_stop(done->run);
    gm_world_work_close(done->work);
    gm_state_close(done->state);
    gm_memory_free(done->values);
}

static gm_status move(const gm_what_if *question, future *moved, int64_t until_ns, gm_error *error)
{
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD,
                                   .workers = question->workers,
                                   .work = moved->work,
                                   .run = moved->run };
    gm_status status = GM_OK;
    if (until_ns > gm_state_time(moved->state)) {
        status = gm_world_advance(question->world, moved->state, &options, until_ns, error);
    }
    if (status == GM_OK) {
        status = gm_state_read_many(moved->state, question->refs, question->ref_count,
                                    moved->values, error);
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
        status = open_future(question, false, &base, error);
    }
    if (status == GM_OK) {
        status = open_future(question, true, &changed, error);
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
