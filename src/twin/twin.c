// Opening, running live, and closing a twin.
#include <gemel/twin.h>
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"
#include "twin/contradictions.h"
#include "twin/group_filter.h"
#include "twin/hypotheses.h"
#include "twin/sensing.h"
#include "twin/suspects.h"
#include "twin/twin_parts.h"

// a live cycle starts this much after its end, so that samples of its last moment are there: a
// fifth of the cycle, at most this
static const int64_t grace_most_ns = GM_SECOND_NS / 5;

gm_twin_options gm_default_twin_options(void)
{
    return (gm_twin_options){ .threads = 1 };
}

static gm_status open_layout(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    twin->distinct = twin->options.lanes > 0 ? twin->options.lanes : world->lanes;
    size_t lanes = world->hypothesis_count * twin->distinct;
    gm_status status = gm_estimator_plan(twin, error);
    if (status != GM_OK) {
        return status;
    }
    const gm_section sections[TWIN_SECTIONS] = {
        { "estimators", twin->estimator.cell_count * sizeof(gm_cell_memory), 1 },
        { "sensors", world->sensor_count * sizeof(gm_sensor_memory), 1 },
        { "sensing", gm_sensing_size(world, lanes), 1 },
        { "adopted", gm_adopted_size(world, lanes), 1 },
        { "hypotheses", gm_hypotheses_size(twin), 1 },
        { "filters", gm_group_filters_size(twin), 1 },
    };
    if (world->hypothesis_count > 1 && twin->distinct < 2) {
        return gm_error_set(error, GM_INVALID, "hypotheses side by side need two lanes at least");
    }
    status = gm_world_layout(world, lanes, sections, TWIN_SECTIONS, &twin->layout, error);
    if (status != GM_OK) {
        return status;
    }
    twin->lanes = lanes;
    status = gm_hypotheses_open(twin, error);
    if (status == GM_OK) {
        status = gm_world_work_create(world, twin->lanes, &twin->work, error);
    }
    if (status == GM_OK) {
        gm_world_work_repeat(twin->work, twin->distinct);
    }
    if (status == GM_OK && twin->options.threads > 1) {
        status = gm_workers_create(twin->options.threads, &twin->workers, error);
    }
    return status;
}

static gm_status open_store(gm_twin *twin, gm_error *error)
{
    if (twin->options.folder == NULL) {
        return GM_OK;
    }
    gm_status status =
        gm_store_open(twin->options.folder, twin->options.store, &twin->store, error);
    if (status == GM_OK) {
        twin->journal = gm_store_journal(twin->store);
        twin->history = gm_store_history(twin->store);
    }
    return status;
}

static gm_status open_parts(gm_twin *twin, gm_error *error)
{
    gm_status status = open_layout(twin, error);
    if (status == GM_OK) {
        status = open_store(twin, error);
    }
    static gm_status (*const parts[])(gm_twin *, gm_error *) = {
        gm_intake_open,     gm_contradictions_open, gm_window_open,  gm_sensing_open,
        gm_estimator_open,  gm_group_filters_open,  gm_monitor_open, gm_suspects_open,
        gm_forecaster_open, gm_recorder_open,
    };
    for (size_t index = 0; status == GM_OK && index < sizeof parts / sizeof *parts; index++) {
        status = parts[index](twin, error);
    }
    if (status == GM_OK && twin->store != NULL) {
        status = gm_recover(twin, error);
    }
    if (status == GM_OK) {
        status = gm_branches_open(twin, error);
    }
    if (status == GM_OK) {
        status = gm_intake_announce(twin, error);
    }
    return status;
}

gm_status gm_twin_open(const gm_world *world, const gm_twin_options *options, gm_twin **twin,
                       gm_error *error)
{
    gm_arena *arena = gm_arena_create(0);
    gm_twin *made = arena == NULL ? NULL : gm_arena_new(arena, 1, sizeof *made);
    if (made == NULL) {
        gm_arena_close(arena);
        return gm_error_set(error, GM_MEMORY, "no memory for a twin");
    }
    made->arena = arena;
    made->world = world;
    made->options = *options;
    made->log = options->log != NULL ? *options->log : (gm_log){ 0 };
    made->opened_ns = gm_clock_wall_ns();
    made->snapshot_due_ns = made->redo_ns = INT64_MAX;
    made->begin_ns = made->recorded_ns = INT64_MIN;
    pthread_mutex_init(&made->inbox_lock, NULL);
    pthread_mutex_init(&made->look_lock, NULL);
    pthread_mutex_init(&made->tell_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    made->branches = gm_arena_new(arena, GM_TWIN_BRANCHES_MAX, sizeof *made->branches);
    made->sensors = gm_arena_new(arena, world->sensor_count, sizeof *made->sensors);
    gm_status status = made->branches != NULL && made->sensors != NULL
                           ? open_parts(made, error)
                           : gm_error_set(error, GM_MEMORY, "no memory for a twin");
    if (status != GM_OK) {
        made->abandoned = true;
        gm_twin_close(made);
        return status;
    }
    *twin = made;
    return GM_OK;
}

void gm_twin_close(gm_twin *twin)
{
    if (twin == NULL) {
        return;
    }
    gm_twin_stop(twin);
    if (!twin->abandoned) {
        gm_branches_keep(twin);
        gm_recorder_snapshot(twin, true, NULL);
    }
    gm_intake_close(twin);
    gm_window_close(&twin->window);
    gm_estimator_close(twin);
    gm_forecaster_close(twin);
    gm_group_filters_close(twin);
    gm_contradictions_close(twin);
    gm_suspects_close(twin);
    gm_held_drop(twin->live);
    gm_held_drop(twin->shown);
    for (size_t index = 0; index < twin->branch_count; index++) {
        gm_held_drop(twin->branches[index].held);
    }
    gm_state_close(twin->state);
    gm_store_close(twin->store);
    gm_world_work_close(twin->work);
    gm_workers_close(twin->workers);
    if (twin->shown_layout != twin->layout) {
        gm_layout_close(twin->shown_layout);
    }
    gm_layout_close(twin->layout);
    gm_memory_free(twin->events);
    for (size_t index = 0; index < twin->announcement_count; index++) {
        gm_string_free(&twin->announcements[index].names);
    }
    gm_memory_free(twin->announcements);
    pthread_mutex_destroy(&twin->inbox_lock);
    pthread_mutex_destroy(&twin->look_lock);
    pthread_mutex_destroy(&twin->tell_lock);
    pthread_cond_destroy(&twin->wake);
    gm_arena_close(twin->arena); // the twin itself lies in it
}

const gm_world *gm_twin_world(const gm_twin *twin)
{
    return twin->world;
}

gm_store *gm_twin_store(gm_twin *twin)
{
    return twin->store;
}

uint64_t gm_twin_hash(gm_twin *twin)
{
    gm_twin_view view;
    if (gm_twin_look(twin, NULL, &view, NULL) != GM_OK) {
        return 0;
    }
    const gm_held *held = view.hold;
    uint64_t hash = gm_state_hash(held->whole != NULL ? held->whole->state : held->state);
    gm_twin_look_away(twin, &view);
    return hash;
}

gm_status gm_twin_settle(gm_twin *twin, gm_error *error)
{
    gm_status status = GM_OK;
    if (twin->options.replay) {
        pthread_mutex_lock(&twin->inbox_lock);
        int64_t newest_ns = twin->newest_ns;
        pthread_mutex_unlock(&twin->inbox_lock);
        int64_t cycle_ns = twin->world->cycle_ns;
        twin->settling = true;
        if (newest_ns != INT64_MIN) {
            status = gm_twin_cycle(twin, (newest_ns + cycle_ns - 1) / cycle_ns * cycle_ns, error);
        }
        if (status == GM_OK && twin->state != NULL && gm_intake_earliest(twin) != INT64_MAX) {
            status = gm_cycle_run(twin, gm_state_time(twin->state), error); // only late ones
        }
        twin->settling = false;
    }
    return status == GM_OK ? gm_recorder_snapshot(twin, true, error) : status;
}

// ---- live ----

/// Waits until the wall clock reaches time_ns. @return false when the twin is to stop
static bool wait_until(gm_twin *twin, int64_t time_ns)
{
    pthread_mutex_lock(&twin->inbox_lock);
    while (!atomic_load(&twin->stopping) && gm_clock_wall_ns() < time_ns) {
        // at most a second at a time: the wall clock may be set
        int64_t wait_ns = time_ns - gm_clock_wall_ns();
        wait_ns = wait_ns < GM_SECOND_NS ? wait_ns : GM_SECOND_NS;
        int64_t deadline_ns = gm_clock_monotonic_ns() + (wait_ns > 0 ? wait_ns : 0);
        struct timespec deadline = { .tv_sec = deadline_ns / GM_SECOND_NS,
                                     .tv_nsec = deadline_ns % GM_SECOND_NS };
        pthread_cond_timedwait(&twin->wake, &twin->inbox_lock, &deadline);
    }
    bool goes_on = !atomic_load(&twin->stopping);
    pthread_mutex_unlock(&twin->inbox_lock);
    return goes_on;
}

static void *run_live(void *context)
{
    gm_twin *twin = context;
    int64_t cycle_ns = twin->world->cycle_ns;
    int64_t grace_ns = cycle_ns / 5 < grace_most_ns ? cycle_ns / 5 : grace_most_ns;
    for (bool goes_on = true; goes_on;) {
        int64_t end_ns = (gm_clock_wall_ns() - grace_ns) / cycle_ns * cycle_ns;
        gm_error error = { 0 };
        if (gm_twin_cycle(twin, end_ns, &error) != GM_OK) {
            gm_log_write(&twin->log, GM_LOG_ERROR, "twin", "cycle: %s", error.text);
        }
        goes_on = wait_until(twin, end_ns + cycle_ns + grace_ns);
    }
    return NULL;
}

gm_status gm_twin_start(gm_twin *twin, gm_error *error)
{
    if (twin->running) {
        return GM_OK;
    }
    atomic_store(&twin->stopping, false);
    if (pthread_create(&twin->thread, NULL, run_live, twin) != 0) {
        return gm_error_set(error, GM_MEMORY, "no thread for the cycle");
    }
    pthread_mutex_lock(&twin->inbox_lock);
    twin->running = true;
    pthread_mutex_unlock(&twin->inbox_lock);
    return GM_OK;
}

void gm_twin_stop(gm_twin *twin)
{
    if (!twin->running) {
        return;
    }
    pthread_mutex_lock(&twin->inbox_lock);
    atomic_store(&twin->stopping, true);
    pthread_cond_signal(&twin->wake);
    pthread_mutex_unlock(&twin->inbox_lock);
    pthread_join(twin->thread, NULL);
    pthread_mutex_lock(&twin->inbox_lock);
    twin->running = false;
    pthread_mutex_unlock(&twin->inbox_lock);
    atomic_store(&twin->stopping, false);
}
