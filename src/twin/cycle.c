// The cycle: what waits is taken, something late rewinds, the live state is brought to the cycle's
// end and published.
//
// Within a cycle the world moves from one sample time to the next; at each, inputs are written and
// measurements assimilated. So the result depends on the samples and on where cycles end, never on
// when samples came: a late one goes back to the state before it and the cycles behind it are run
// again with the same ends.
#include <string.h>

#include "base/require.h"
#include "twin/twin_parts.h"

enum { LEAP_CYCLES = 1000 }; // a gap longer than this without samples is one cycle

uint64_t gm_cycle_number(const gm_twin *twin, int64_t time_ns)
{
    return (uint64_t)(time_ns / twin->world->cycle_ns);
}

static gm_status move_world(gm_twin *twin, int64_t until_ns, gm_error *error)
{
    if (until_ns <= gm_state_time(twin->state)) {
        return GM_OK;
    }
    gm_advance_options options = { .mode = GM_ADVANCE_PAST,
                                   .workers = twin->workers,
                                   .work = twin->work };
    return gm_world_advance(twin->world, twin->state, &options, until_ns, error);
}

/// From the live state's time to time_ns, through every sample time on the way.
static gm_status run_to(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    int64_t start_ns = gm_state_time(twin->state);
    gm_status status = GM_OK;
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
        gm_monitor_silence(twin, time_ns);
    }
    return status;
}

/// As run_to; when no lane survives, the cycle is held: the state stays what it was a cycle ago,
/// and the next one starts clean.
static gm_status run_or_hold(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_error why = { 0 };
    gm_status status = run_to(twin, time_ns, &why);
    if (status != GM_NUMERIC) {
        return status == GM_OK ? GM_OK : gm_error_set(error, status, "%s", why.text);
    }
    gm_log_write(&twin->log, GM_LOG_ERROR, "twin", "a cycle was held: %s", why.text);
    gm_state *fork = NULL;
    const gm_moment *last = gm_window_at(&twin->window, twin->window.count - 1);
    status = gm_state_fork(last->held->state, &fork, error);
    if (status == GM_OK) {
        gm_state_close(twin->state);
        twin->state = fork;
        status = gm_state_set_time(fork, time_ns, error);
        gm_state_set_tick(fork, gm_cycle_number(twin, time_ns));
    }
    return status;
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
    gm_recorder_cycle(twin, made->state, known_ns);
    *held = made;
    return GM_OK;
}

/// Goes back to before `earliest_ns` and runs the cycles behind it again.
static gm_status rewind_to(gm_twin *twin, int64_t earliest_ns, int64_t known_ns, gm_error *error)
{
    gm_window *window = &twin->window;
    size_t kept = gm_window_before(window, earliest_ns - 1);
    GM_REQUIRE(kept > 0); // intake leaves out what lies before the window
    gm_state *fork = NULL;
    gm_status status = gm_state_fork(gm_window_at(window, kept - 1)->held->state, &fork, error);
    if (status != GM_OK) {
        return status;
    }
    gm_state_close(twin->state);
    twin->state = fork;
    gm_monitor_rewind(twin, gm_state_time(fork));
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
    if (status == GM_OK) {
        gm_publish(twin, held);
        gm_held_drop(held);
    }
    return status;
}

/// Earliest time among the samples that wait; INT64_MAX for none.
static int64_t earliest_waiting(gm_twin *twin)
{
    int64_t earliest_ns = INT64_MAX;
    pthread_mutex_lock(&twin->inbox_lock);
    for (size_t index = 0; index < twin->inbox_count; index++) {
        int64_t sample_ns = twin->inbox[index].sample.time_ns;
        earliest_ns = sample_ns < earliest_ns ? sample_ns : earliest_ns;
    }
    pthread_mutex_unlock(&twin->inbox_lock);
    return earliest_ns;
}

/// Where the first cycle starts: the last whole cycle before the earliest sample that waits, or
/// before time_ns.
static int64_t first_end(gm_twin *twin, int64_t time_ns)
{
    int64_t cycle_ns = twin->world->cycle_ns, earliest_ns = earliest_waiting(twin);
    earliest_ns = earliest_ns < time_ns ? earliest_ns : time_ns;
    return (earliest_ns - 1) / cycle_ns * cycle_ns;
}

gm_status gm_cycle_run(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    gm_status status = GM_OK;
    if (twin->state == NULL) {
        status = gm_cycle_begin(twin, first_end(twin, time_ns), error);
    }
    int64_t earliest_ns = INT64_MAX;
    if (status == GM_OK) {
        status = gm_intake_take(twin, time_ns, &earliest_ns, error);
    }
    if (status == GM_OK && earliest_ns <= gm_state_time(twin->state)) {
        pthread_mutex_lock(&twin->look_lock);
        twin->rewinds++;
        pthread_mutex_unlock(&twin->look_lock);
        status = rewind_to(twin, earliest_ns, time_ns, error);
        gm_monitor_settle(twin, time_ns);
    }
    if (status == GM_OK) {
        status = run_or_hold(twin, time_ns, error);
    }
    gm_held *held = NULL;
    if (status == GM_OK) {
        status = keep(twin, time_ns, &held, error);
    }
    if (status != GM_OK) {
        return status;
    }
    twin->cycle = held->cycle;
    gm_publish(twin, held);
    gm_held_drop(held);
    status = gm_forecaster_issue(twin, error);
    if (status == GM_OK && !twin->replaying) {
        gm_tell(twin, &(gm_twin_update){ .kind = GM_UPDATE_CYCLE, .cycle = twin->cycle });
        gm_branches_keep(twin);
        status = gm_recorder_snapshot(twin, false, error);
    }
    return status;
}

gm_status gm_twin_cycle(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    int64_t cycle_ns = twin->world->cycle_ns, last_ns = time_ns / cycle_ns * cycle_ns;
    if (twin->state == NULL) {
        int64_t earliest_ns = earliest_waiting(twin);
        // a recording's first samples may come late too: it begins once nothing can come before
        // them
        int64_t wait_ns = twin->options.replay && !twin->settling ? twin->world->lateness_ns : 0;
        if (earliest_ns > last_ns || last_ns - earliest_ns < wait_ns) {
            return GM_OK;
        }
    }
    gm_status status = GM_OK;
    int64_t end_ns = twin->state != NULL ? gm_state_time(twin->state) : first_end(twin, last_ns);
    while (status == GM_OK && end_ns < last_ns) {
        int64_t next_ns = end_ns + cycle_ns;
        if ((last_ns - end_ns) / cycle_ns > LEAP_CYCLES) {
            int64_t waiting_ns = earliest_waiting(twin);
            int64_t quiet_ns =
                waiting_ns == INT64_MAX ? last_ns : (waiting_ns - 1) / cycle_ns * cycle_ns;
            quiet_ns = quiet_ns < last_ns ? quiet_ns : last_ns;
            next_ns = (quiet_ns - end_ns) / cycle_ns > LEAP_CYCLES ? quiet_ns : next_ns;
        }
        status = gm_cycle_run(twin, next_ns, error);
        end_ns = next_ns;
    }
    return status;
}
