// A scenario under way: which changes are in force, what was there before, and when the next thing
// happens.
#include <math.h>
#include <string.h>

#include "world/world_journey.h"
#include "world/world_reader.h"

typedef enum phase { WAITING = 0, IN_FORCE, RESTING, OVER } phase; // resting: until it comes again

struct gm_scenario_run {
    const gm_scenario *scenario;
    size_t lanes;
    size_t started;   // changes before it have begun
    size_t open;      // how many of them are in force or resting
    uint8_t *phases;  // [change_count]
    int64_t *from_ns; // [change_count] when a change begins, or began last
    uint32_t *rows;   // [change_count] where it keeps what was before it; UINT32_MAX: nowhere
    double *before;   // [row_count][lanes]
};

static bool keeps(const gm_world_change *change)
{
    return change->for_ns > 0 || change->kind == GM_CHANGE_RAMP;
}

// A time after another, at most the end of time.
static int64_t later(int64_t time_ns, int64_t by_ns)
{
    return time_ns > INT64_MAX - by_ns ? INT64_MAX : time_ns + by_ns;
}

gm_status gm_scenario_start(const gm_scenario *scenario, size_t lanes, int64_t start_ns,
                            gm_scenario_run **run, gm_error *error)
{
    gm_scenario_run *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_world_no_memory(error);
    }
    *made = (gm_scenario_run){ .scenario = scenario, .lanes = lanes };
    made->phases = gm_memory_new(scenario->change_count, sizeof *made->phases);
    made->from_ns = gm_memory_new(scenario->change_count, sizeof *made->from_ns);
    made->rows = gm_memory_new(scenario->change_count, sizeof *made->rows);
    uint32_t rows = 0;
    bool memory = made->phases != NULL && made->from_ns != NULL && made->rows != NULL;
    for (size_t index = 0; memory && index < scenario->change_count; index++) {
        made->from_ns[index] = later(start_ns, scenario->changes[index].at_ns);
        made->rows[index] = keeps(&scenario->changes[index]) ? rows++ : UINT32_MAX;
    }
    made->before = gm_memory_new((size_t)rows * lanes, sizeof *made->before);
    if (!memory || made->before == NULL) {
        gm_scenario_stop(made);
        return gm_world_no_memory(error);
    }
    *run = made;
    return GM_OK;
}

void gm_scenario_stop(gm_scenario_run *run)
{
    if (run != NULL) {
        gm_memory_free(run->phases);
        gm_memory_free(run->from_ns);
        gm_memory_free(run->rows);
        gm_memory_free(run->before);
        gm_memory_free(run);
    }
}

int64_t gm_scenario_run_next(const gm_scenario_run *run, int64_t now_ns)
{
    const gm_scenario *scenario = run->scenario;
    int64_t next = run->started < scenario->change_count ? run->from_ns[run->started] : INT64_MAX;
    for (size_t index = 0; index < run->started && run->open > 0; index++) {
        const gm_world_change *change = &scenario->changes[index];
        int64_t from = run->from_ns[index];
        if (run->phases[index] == RESTING) {
            next = from < next ? from : next;
        }
        if (run->phases[index] != IN_FORCE) {
            continue;
        }
        int64_t ends[] = { later(from, change->for_ns), later(from, change->over_ns) };
        for (size_t at = 0; at < 2; at++) {
            next = ends[at] > now_ns && ends[at] < next ? ends[at] : next;
        }
    }
    return next;
}

bool gm_scenario_run_has_ramps(const gm_scenario_run *run)
{
    for (size_t index = 0; index < run->started && run->open > 0; index++) {
        if (run->phases[index] == IN_FORCE &&
            run->scenario->changes[index].kind == GM_CHANGE_RAMP) {
            return true;
        }
    }
    return false;
}

static gm_status do_change(const gm_scenario_run *run, size_t index, gm_journey *journey,
                           gm_error *error)
{
    const gm_world_change *change = &run->scenario->changes[index];
    double *values = journey->work->values;
    if (change->kind == GM_CHANGE_SET || change->kind == GM_CHANGE_TRIP) {
        return gm_journey_fill(journey, change->ref, change->value, error);
    }
    if (change->kind == GM_CHANGE_RAMP) {
        double gone_ns = (double)(journey->now_ns - run->from_ns[index]);
        double part = fmin(gone_ns / (double)change->over_ns, 1.0);
        const double *before = run->before + run->rows[index] * run->lanes;
        for (size_t lane = 0; lane < run->lanes; lane++) {
            values[lane] =
                part < 1.0 ? before[lane] + (change->value - before[lane]) * part : change->value;
        }
        return gm_journey_write(journey, change->ref, values, error);
    }
    gm_status status = gm_state_read(journey->state, change->ref, values, error);
    if (status != GM_OK) {
        return status;
    }
    for (size_t lane = 0; lane < run->lanes; lane++) {
        values[lane] = change->kind == GM_CHANGE_ADD ? values[lane] + change->value
                                                     : values[lane] * change->value;
    }
    return gm_journey_write(journey, change->ref, values, error);
}

// Back to what was; what else feeds the address speaks again at once.
static gm_status end_change(gm_scenario_run *run, size_t index, gm_journey *journey,
                            gm_error *error)
{
    const gm_world_change *change = &run->scenario->changes[index];
    run->phases[index] = change->every_ns > 0 ? RESTING : OVER;
    run->open -= change->every_ns == 0;
    run->from_ns[index] = later(run->from_ns[index], change->every_ns);
    memcpy(journey->work->values, run->before + run->rows[index] * run->lanes,
           run->lanes * sizeof *run->before);
    gm_status status = gm_journey_write(journey, change->ref, journey->work->values, error);
    if (status == GM_OK && change->driver != GM_NO_INDEX) {
        status = gm_journey_drive(journey, change->driver, false, error);
    }
    return status;
}

static gm_status start_change(gm_scenario_run *run, size_t index, gm_journey *journey,
                              gm_error *error)
{
    const gm_world_change *change = &run->scenario->changes[index];
    gm_status status = GM_OK;
    if (keeps(change)) {
        status = gm_state_read(journey->state, change->ref,
                               run->before + run->rows[index] * run->lanes, error);
    }
    if (status == GM_OK) {
        run->open += run->phases[index] == WAITING;
        run->phases[index] = IN_FORCE;
        status = do_change(run, index, journey, error);
    }
    return status;
}

gm_status gm_scenario_run_apply(gm_scenario_run *run, gm_journey *journey, gm_error *error)
{
    const gm_scenario *scenario = run->scenario;
    gm_status status = GM_OK;
    for (size_t index = 0; index < run->started && run->open > 0 && status == GM_OK; index++) {
        const gm_world_change *change = &scenario->changes[index];
        if (run->phases[index] != IN_FORCE) {
            continue;
        }
        if (change->for_ns > 0 && later(run->from_ns[index], change->for_ns) <= journey->now_ns) {
            status = end_change(run, index, journey, error);
        } else if (change->kind == GM_CHANGE_RAMP) {
            status = do_change(run, index, journey, error);
        }
    }
    // all that ends has ended before anything starts
    for (size_t index = 0; index < run->started && run->open > 0 && status == GM_OK; index++) {
        if (run->phases[index] == RESTING && run->from_ns[index] <= journey->now_ns) {
            status = start_change(run, index, journey, error);
        }
    }
    while (status == GM_OK && run->started < scenario->change_count &&
           run->from_ns[run->started] <= journey->now_ns) {
        status = start_change(run, run->started, journey, error);
        run->started++;
    }
    return status;
}

bool gm_scenario_run_holds(const gm_scenario_run *run, gm_ref ref)
{
    for (size_t index = 0; index < run->started && run->open > 0; index++) {
        if (run->phases[index] == IN_FORCE &&
            gm_world_compare_refs(&run->scenario->changes[index].ref, &ref) == 0) {
            return true;
        }
    }
    return false;
}

gm_status gm_scenario_run_again(const gm_scenario_run *run, gm_journey *journey, gm_ref ref,
                                gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; index < run->started && run->open > 0 && status == GM_OK; index++) {
        if (run->phases[index] == IN_FORCE &&
            gm_world_compare_refs(&run->scenario->changes[index].ref, &ref) == 0) {
            status = do_change(run, index, journey, error);
        }
    }
    return status;
}
