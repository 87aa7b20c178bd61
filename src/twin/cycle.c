// The cycle: what waits is taken, something late rewinds, the live state is brought to the cycle's
// end and published.
//
// Within a cycle the world moves from one sample time to the next; at each, inputs are written and
// measurements assimilated. So the result depends on the samples and on where cycles end, never on
// when samples came: a late one goes back to the state before it and the cycles behind it are run
// again with the same ends.
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"
#include "twin/contradictions.h"
#include "twin/hypotheses.h"
#include "twin/sensing.h"
#include "twin/suspects.h"
#include "twin/twin_parts.h"

enum { LEAP_CYCLES = 1000 }; // a gap longer than this without samples is one cycle

uint64_t gm_cycle_number(const gm_twin *twin, int64_t time_ns)
{
    return (uint64_t)(time_ns / twin->world->cycle_ns);
}

/// The end of the last cycle kept: the live state's own time unless an error came between.
static int64_t last_end(const gm_twin *twin)
{
    return gm_window_at(&twin->window, twin->window.count - 1)->held->time_ns;
}

static gm_status move_world(gm_twin *twin, int64_t until_ns, gm_error *error)
{
    if (until_ns <= gm_state_time(twin->state)) {
        return GM_OK;
    }
    gm_advance_options options = { .mode = GM_ADVANCE_PAST,
                                   .workers = twin->workers,
                                   .work = twin->work };
    gm_status status = gm_world_advance(twin->world, twin->state, &options, until_ns, error);
    return status == GM_OK ? gm_sensing_gather(twin, error) : status;
}

/// The live state's own copy of its memories: writing them cannot fail any more.
static gm_status own_memories(gm_twin *twin, gm_error *error)
{
    return gm_cell_memories(twin) != NULL && gm_sensor_memories(twin) != NULL &&
                   gm_hypothesis_memories(twin, 0) != NULL && gm_sensing_own(twin)
               ? GM_OK
               : gm_error_set(error, GM_MEMORY, "no memory for a state");
}

/// From the live state's time to time_ns, through every sample time on the way.
static gm_status run_to(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    int64_t start_ns = gm_state_time(twin->state);
    gm_status status = own_memories(twin, error);
    if (status == GM_OK) {
        status = gm_adopted_begin(twin, time_ns, error);
    }
    size_t at = gm_window_after(&twin->window, start_ns);
    size_t times = 0;
    while (status == GM_OK && at < twin->window.entry_count &&
           twin->window.entries[at].sample.time_ns <= time_ns) {
        int64_t sample_ns = twin->window.entries[at].sample.time_ns;
        size_t end = at;
        while (end < twin->window.entry_count &&
               twin->window.entries[end].sample.time_ns == sample_ns) {
            end++;
        }
        if (++times > TIMES_PER_CYCLE_MAX) {
            return gm_error_set(error, GM_LIMIT, "more than %d sample times in one cycle",
                                TIMES_PER_CYCLE_MAX);
        }
        status = move_world(twin, sample_ns, error);
        if (status == GM_OK) {
            status = gm_estimator_update(twin, twin->window.entries + at, end - at, error);
            gm_suspects_take(twin, twin->window.entries + at, end - at);
        }
        if (status == GM_OK) {
            status = gm_sensing_mark(twin, error);
        }
        at = end;
    }
    if (status == GM_OK) {
        status = move_world(twin, time_ns, error);
    }
    if (status == GM_OK) {
        gm_state_set_tick(twin->state, gm_cycle_number(twin, time_ns));
        status = gm_estimator_drift(twin, time_ns - start_ns, error);
    }
    if (status == GM_OK) {
        status = gm_sensing_mark(twin, error);
    }
    if (status == GM_OK) {
        gm_monitor_silence(twin, time_ns);
    }
    return status;
}

/// The lanes stay what they were a cycle ago; what the sensors said, and the events it raised, is
/// remembered.
static gm_status hold(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_state *failed = twin->state, *fork = NULL;
    const gm_moment *last = gm_window_at(&twin->window, twin->window.count - 1);
    gm_status status = gm_state_fork(last->held->state, &fork, error);
    if (status != GM_OK) {
        return status;
    }
    twin->state = fork;
    status = own_memories(twin, error);
    if (status == GM_OK) {
        memcpy(gm_sensor_memories(twin), gm_state_section(failed, SECTION_SENSORS),
               twin->world->sensor_count * sizeof(gm_sensor_memory));
        const gm_cell_memory *cells = gm_state_section(failed, SECTION_CELLS);
        for (size_t cell = 0; cell < twin->estimator.cell_count; cell++) {
            gm_cell_memories(twin)[cell].muted = cells[cell].muted;
        }
        status = gm_state_set_time(fork, time_ns, error);
        gm_state_set_tick(fork, gm_cycle_number(twin, time_ns));
    }
    gm_state_close(failed);
    if (status == GM_OK) {
        gm_monitor_silence(twin, time_ns);
    }
    return status;
}

/// As run_to; when no lane survives, or the cycle holds more than is offered, it is held and the
/// next one starts clean. Only without memory is it an error, as it may succeed later.
static gm_status run_or_hold(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_error why = { 0 };
    gm_status status = run_to(twin, time_ns, &why);
    if (status == GM_OK || status == GM_MEMORY) {
        return status == GM_OK ? GM_OK : gm_error_set(error, status, "%s", why.text);
    }
    gm_log_write(&twin->log, GM_LOG_ERROR, "twin", "a cycle was held: %s", why.text);
    return hold(twin, time_ns, error);
}

/// Keeps the live state as the end of the cycle; history gets it as known at known_ns.
static gm_status keep(gm_twin *twin, int64_t known_ns, gm_held **held, gm_error *error)
{
    gm_held *made = gm_held_make(twin->state, error);
    if (made == NULL) {
        return GM_MEMORY;
    }
    made->cycle = gm_cycle_number(twin, made->time_ns);
    gm_window_keep(twin, made);
    gm_suspects_hold(twin, made);
    gm_recorder_cycle(twin, made, known_ns);
    *held = made;
    return GM_OK;
}

/// Goes back to the last cycle that ended before twin->redo_ns and runs the cycles behind it again.
static gm_status rewind_from(gm_twin *twin, int64_t known_ns, gm_error *error)
{
    gm_window *window = &twin->window;
    size_t kept = gm_window_before(window, twin->redo_ns - 1);
    GM_REQUIRE(kept > 0); // intake leaves out what lies in front of the window
    gm_state *fork = NULL;
    gm_status status = gm_state_fork(gm_window_at(window, kept - 1)->held->state, &fork, error);
    if (status != GM_OK) {
        return status;
    }
    gm_state_close(twin->state);
    twin->state = fork;
    gm_monitor_rewind(twin, gm_state_time(fork));
    gm_suspects_rewind(twin, gm_state_time(fork));
    size_t again = window->count - kept;
    window->count = kept;
    uint64_t last_mark = twin->mark;
    for (size_t index = 0; index < again; index++) {
        // the moments behind the kept ones are still in the ring: one is taken as its place is
        // filled anew
        gm_moment old = window->moments[(window->first + kept + index) % window->depth];
        twin->mark = old.journal;
        if (status == GM_OK) {
            status = run_or_hold(twin, old.held->time_ns, error);
        }
        gm_held_drop(old.held);
        gm_held *held = NULL;
        if (status == GM_OK) {
            status = keep(twin, known_ns, &held, error);
        }
        gm_held_drop(held);
    }
    twin->mark = last_mark;
    return status;
}

/// Goes back and says when the next late samples may do so again, such that rewinds take their
/// share of the time.
static gm_status spend(gm_twin *twin, int64_t known_ns, gm_error *error)
{
    int64_t begun_ns = gm_clock_monotonic_ns();
    gm_status status = rewind_from(twin, known_ns, error);
    int64_t spent_ns = gm_clock_monotonic_ns() - begun_ns;
    double budget = twin->world->late_budget;
    if (budget > 0.0 && !twin->replaying) {
        twin->late_due_ns = begun_ns + (int64_t)((double)spent_ns / budget);
    }
    pthread_mutex_lock(&twin->look_lock);
    twin->rewind_ns += spent_ns;
    pthread_mutex_unlock(&twin->look_lock);
    return status;
}

gm_status gm_cycle_begin(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_state *state = NULL;
    gm_status status = gm_state_create(twin->layout, time_ns, &state, error);
    if (status == GM_OK) {
        gm_state_set_tick(state, gm_cycle_number(twin, time_ns));
        status = gm_estimator_spread(twin, state, error);
    }
    if (status != GM_OK) {
        gm_state_close(state);
        return status;
    }
    twin->state = state;
    gm_held *held = NULL;
    status = keep(twin, time_ns, &held, error);
    if (status != GM_OK) {
        gm_state_close(state);
        twin->state = NULL;
        return status;
    }
    twin->cycle = held->cycle;
    gm_publish(twin, held);
    gm_held_drop(held);
    return GM_OK;
}

/// Brings the live state to time_ns, by way of the last cycle before anything it does not know.
static gm_status bring_to(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_status status = GM_OK;
    bool late = twin->redo_ns <= last_end(twin), back = late || twin->torn;
    twin->torn = true;
    if (late && !(twin->replaying && time_ns <= twin->recorded_ns)) {
        pthread_mutex_lock(&twin->look_lock);
        twin->rewinds++;
        pthread_mutex_unlock(&twin->look_lock);
    }
    if (back) {
        status = spend(twin, time_ns, error);
    }
    if (status == GM_OK && time_ns > last_end(twin)) {
        status = run_or_hold(twin, time_ns, error);
        gm_held *held = NULL;
        if (status == GM_OK) {
            status = keep(twin, time_ns, &held, error);
        }
        gm_held_drop(held);
    }
    if (status == GM_OK) {
        twin->torn = false;
        twin->redo_ns = INT64_MAX;
        if (back) {
            gm_monitor_settle(twin, time_ns);
        }
    }
    return status;
}

gm_status gm_cycle_run(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_status status = gm_intake_take(twin, time_ns, error);
    if (status == GM_OK && time_ns <= last_end(twin) && twin->redo_ns > last_end(twin)) {
        return GM_OK; // nothing late, nothing to do
    }
    if (status == GM_OK) {
        status = bring_to(twin, time_ns, error);
    }
    if (status != GM_OK) {
        return status;
    }
    if (!(twin->replaying && time_ns <= twin->recorded_ns)) {
        gm_contradictions_watch(twin, time_ns);
    }
    gm_held *held = gm_window_at(&twin->window, twin->window.count - 1)->held;
    twin->cycle = held->cycle;
    gm_publish(twin, held);
    status = gm_forecaster_issue(twin, error);
    gm_suspects_run(twin);
    if (status == GM_OK && !twin->replaying) {
        gm_tell(twin, &(gm_twin_update){ .kind = GM_UPDATE_CYCLE, .cycle = twin->cycle });
        gm_branches_keep(twin);
        status = gm_recorder_snapshot(twin, false, error);
    }
    return status;
}

static gm_status begin(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    if (twin->state != NULL) {
        return GM_OK;
    }
    gm_status status = gm_intake_begin(twin, time_ns, error);
    return status == GM_OK ? gm_cycle_begin(twin, twin->begin_ns, error) : status;
}

/// Where the next cycle ends; a long time without samples is one cycle.
static int64_t next_end(gm_twin *twin, int64_t last_ns)
{
    int64_t cycle_ns = twin->world->cycle_ns, end_ns = last_end(twin);
    int64_t next_ns = (end_ns / cycle_ns + 1) * cycle_ns;
    if ((last_ns - end_ns) / cycle_ns > LEAP_CYCLES) {
        int64_t waiting_ns = gm_intake_earliest(twin);
        int64_t quiet_ns =
            waiting_ns == INT64_MAX ? last_ns : (waiting_ns - 1) / cycle_ns * cycle_ns;
        quiet_ns = quiet_ns < last_ns ? quiet_ns : last_ns;
        next_ns = (quiet_ns - end_ns) / cycle_ns > LEAP_CYCLES ? quiet_ns : next_ns;
    }
    return next_ns;
}

gm_status gm_twin_cycle(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    int64_t cycle_ns = twin->world->cycle_ns, last_ns = time_ns / cycle_ns * cycle_ns;
    if (twin->state == NULL) {
        int64_t earliest_ns = gm_intake_earliest(twin);
        // a recording's first samples may come late too: it begins once nothing can come before
        // them
        int64_t wait_ns = twin->options.replay && !twin->settling ? twin->world->lateness_ns : 0;
        if (earliest_ns > last_ns || last_ns - earliest_ns < wait_ns) {
            return GM_OK;
        }
    }
    gm_status status = begin(twin, last_ns, error);
    while (status == GM_OK && last_end(twin) < last_ns) {
        status = gm_cycle_run(twin, next_end(twin, last_ns), error);
    }
    return status;
}
