// Looking: what other threads see of a live twin. Everything here is under look_lock and quick.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "num/statistics.h"
#include "twin/hypotheses.h"
#include "twin/sensing.h"
#include "twin/twin_parts.h"

static const char *const quality_names[] = { "none", "good", "range", "stale", "late" };

void gm_publish(gm_twin *twin, gm_held *held)
{
    const gm_sensor_memory *sensors = gm_state_section(held->state, SECTION_SENSORS);
    gm_error why = { 0 };
    gm_held *shown = gm_hypotheses_show(twin, held, &why);
    if (shown == NULL) {
        gm_log_write(&twin->log, GM_LOG_ERROR, "twin", "%s", why.text);
        return;
    }
    pthread_mutex_lock(&twin->look_lock);
    gm_held *before = twin->live;
    twin->live = shown;
    twin->cycles += !(twin->replaying && held->time_ns <= twin->recorded_ns);
    if (twin->world->sensor_count > 0) {
        memcpy(twin->sensors, sensors, twin->world->sensor_count * sizeof *sensors);
    }
    gm_sensing_publish(twin, held->state);
    pthread_mutex_unlock(&twin->look_lock);
    gm_held_drop(before);
}

void gm_tell(gm_twin *twin, const gm_twin_update *update)
{
    pthread_mutex_lock(&twin->tell_lock);
    if (twin->tell != NULL) {
        twin->tell(twin->tell_context, update);
    }
    pthread_mutex_unlock(&twin->tell_lock);
}

void gm_twin_listen(gm_twin *twin, void (*tell)(void *context, const gm_twin_update *update),
                    void *context)
{
    pthread_mutex_lock(&twin->tell_lock);
    twin->tell = tell;
    twin->tell_context = context;
    pthread_mutex_unlock(&twin->tell_lock);
}

void gm_twin_status_get(gm_twin *twin, gm_twin_status *status)
{
    *status = (gm_twin_status){ .time_ns = INT64_MIN,
                                .lanes = twin->distinct,
                                .lanes_left = twin->distinct,
                                .replay = twin->options.replay };
    pthread_mutex_lock(&twin->inbox_lock);
    status->accepted = twin->accepted;
    status->duplicates = twin->duplicates;
    status->rejected = twin->rejected;
    status->late = twin->late;
    status->contradicting = twin->contradicting;
    status->late_waiting = twin->late_waiting;
    status->running = twin->running;
    pthread_mutex_unlock(&twin->inbox_lock);
    pthread_mutex_lock(&twin->look_lock);
    if (twin->live != NULL) {
        status->time_ns = twin->live->time_ns;
        status->lag_ns = twin->options.replay ? 0 : gm_clock_wall_ns() - twin->live->time_ns;
        status->lanes_left = gm_state_lanes_left(twin->live->state);
    }
    status->cycles = twin->cycles;
    status->rewinds = twin->rewinds;
    status->rewind_ns = twin->rewind_ns;
    status->forecasts = twin->forecaster.count;
    for (size_t index = 0; index < twin->event_count; index++) {
        status->open_events += twin->events[index].event.end_ns == INT64_MAX;
    }
    pthread_mutex_unlock(&twin->look_lock);
}

static bool is_live(const char *branch)
{
    return branch == NULL || strcmp(branch, "live") == 0;
}

static gm_branch *find_branch(gm_twin *twin, const char *name)
{
    for (size_t index = 0; index < twin->branch_count; index++) {
        if (strcmp(twin->branches[index].status.name, name) == 0) {
            return &twin->branches[index];
        }
    }
    return NULL;
}

/// The held state of a branch with one more holder. Under look_lock.
static gm_status hold(gm_twin *twin, const char *name, gm_held **held, gm_error *error)
{
    gm_branch *branch = is_live(name) ? NULL : find_branch(twin, name);
    if (!is_live(name) && branch == NULL) {
        return gm_error_set(error, GM_NOT_FOUND, "there is no branch '%s'", name);
    }
    *held = branch != NULL ? branch->held : twin->live;
    if (*held == NULL) {
        return gm_error_set(error, GM_BUSY,
                            "the twin has no state yet: it waits for its first "
                            "samples");
    }
    atomic_fetch_add_explicit(&(*held)->holders, 1, memory_order_relaxed);
    return GM_OK;
}

gm_status gm_twin_look(gm_twin *twin, const char *branch, gm_twin_view *view, gm_error *error)
{
    gm_held *held = NULL;
    pthread_mutex_lock(&twin->look_lock);
    gm_status status = hold(twin, branch, &held, error);
    pthread_mutex_unlock(&twin->look_lock);
    if (status == GM_OK) {
        *view = (gm_twin_view){ held->state, held->time_ns, held->cycle, held };
    }
    return status;
}

void gm_twin_look_away(gm_twin *twin, gm_twin_view *view)
{
    (void)twin;
    gm_held_drop(view->hold);
    *view = (gm_twin_view){ 0 };
}

void gm_twin_sensor(gm_twin *twin, size_t sensor, gm_sensor_status *status)
{
    pthread_mutex_lock(&twin->look_lock);
    const gm_sensor_memory *memory = &twin->sensors[sensor];
    bool spoke = memory->quality != QUALITY_NONE;
    const gm_bias bias = gm_sensing_published(twin, sensor);
    *status =
        (gm_sensor_status){ .time_ns = spoke ? memory->time_ns : INT64_MIN,
                            .value = memory->value,
                            .estimate = memory->count > 0 ? memory->estimate : (double)NAN,
                            .spread = memory->count > 0 ? memory->spread : (double)NAN,
                            .innovation = memory->count > 0 ? memory->innovation : (double)NAN,
                            .quality = quality_names[memory->quality],
                            .bias = bias.mean,
                            .bias_spread = bias.spread };
    pthread_mutex_unlock(&twin->look_lock);
    pthread_mutex_lock(&twin->inbox_lock);
    status->accepted = twin->sensor_accepted[sensor];
    status->rejected = twin->sensor_rejected[sensor];
    pthread_mutex_unlock(&twin->inbox_lock);
}

void gm_summarise(const gm_state *state, const double *values, gm_summary *summary)
{
    enum { SMALL = 1024 };
    double small[SMALL];
    size_t lanes = gm_state_lanes(state), count = 0;
    double *sorted = lanes <= SMALL ? small : gm_memory_new(lanes, sizeof *sorted);
    *summary = (gm_summary){ NAN, NAN, NAN, NAN, NAN, NAN, NAN };
    if (sorted == NULL) {
        return;
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        if (!gm_state_lane_failed(state, lane)) {
            sorted[count++] = values[lane];
        }
    }
    double mean = gm_mean(sorted, count);
    double variance = count > 1 ? gm_variance(sorted, count) : 0.0;
    gm_sort(sorted, count);
    *summary = (gm_summary){ .mean = mean,
                             .spread = sqrt(variance),
                             .q05 = gm_band_quantile(sorted, count, 0.05),
                             .q25 = gm_band_quantile(sorted, count, 0.25),
                             .q50 = gm_band_quantile(sorted, count, 0.5),
                             .q75 = gm_band_quantile(sorted, count, 0.75),
                             .q95 = gm_band_quantile(sorted, count, 0.95) };
    if (sorted != small) {
        gm_memory_free(sorted);
    }
}

void gm_twin_events(gm_twin *twin, bool open_only, size_t limit, gm_twin_event *events,
                    size_t *count)
{
    *count = 0;
    pthread_mutex_lock(&twin->look_lock);
    for (size_t index = twin->event_count; index-- > 0 && *count < limit;) {
        const gm_twin_event *event = &twin->events[index].event;
        if (!open_only || event->end_ns == INT64_MAX) {
            events[(*count)++] = *event;
        }
    }
    pthread_mutex_unlock(&twin->look_lock);
}

// ---- branches ----

static bool is_name(const char *name)
{
    size_t size = strlen(name);
    return size > 0 && size < sizeof((gm_branch_status *)0)->name &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
               size;
}

gm_status gm_twin_fork(gm_twin *twin, const char *from, const char *name, const char *note,
                       gm_error *error)
{
    if (!is_name(name) || is_live(name)) {
        return gm_error_set(error, GM_INVALID,
                            "'%.64s' cannot name a branch: 1 to 63 letters, digits, '-', '_' or "
                            "'.', and not 'live'",
                            name);
    }
    gm_twin_view view;
    gm_status status = gm_twin_look(twin, from, &view, error);
    if (status != GM_OK) {
        return status;
    }
    gm_held *held = gm_held_make(view.state, error);
    if (held == NULL) {
        gm_twin_look_away(twin, &view);
        return GM_MEMORY;
    }
    held->cycle = view.cycle;
    gm_twin_look_away(twin, &view);
    gm_branch branch = { .held = held, .changed = true };
    branch.status.made_ns = gm_clock_wall_ns();
    snprintf(branch.status.name, sizeof branch.status.name, "%s", name);
    snprintf(branch.status.parent, sizeof branch.status.parent, "%s", from ? from : "live");
    snprintf(branch.status.note, sizeof branch.status.note, "%s", note ? note : "");
    pthread_mutex_lock(&twin->look_lock);
    if (find_branch(twin, name) != NULL) {
        status = gm_error_set(error, GM_EXISTS, "there is a branch '%s' already", name);
    } else if (twin->branch_count == GM_TWIN_BRANCHES_MAX - 1) {
        status = gm_error_set(error, GM_LIMIT, "more than %d branches: drop one first",
                              GM_TWIN_BRANCHES_MAX - 1);
    } else {
        twin->branches[twin->branch_count++] = branch;
    }
    pthread_mutex_unlock(&twin->look_lock);
    if (status != GM_OK) {
        gm_held_drop(held);
    }
    return status;
}

gm_status gm_twin_drop(gm_twin *twin, const char *name, gm_error *error)
{
    if (is_live(name)) {
        return gm_error_set(error, GM_INVALID, "'live' cannot be dropped");
    }
    gm_held *held = NULL;
    gm_status status = GM_OK;
    pthread_mutex_lock(&twin->look_lock);
    gm_branch *branch = find_branch(twin, name);
    if (branch == NULL) {
        status = gm_error_set(error, GM_NOT_FOUND, "there is no branch '%s'", name);
    } else if (branch->busy) {
        status = gm_error_set(error, GM_BUSY, "branch '%s' is being run: try again", name);
    } else {
        held = branch->held;
        size_t index = (size_t)(branch - twin->branches);
        memmove(branch, branch + 1, (--twin->branch_count - index) * sizeof *branch);
    }
    pthread_mutex_unlock(&twin->look_lock);
    gm_held_drop(held);
    if (status == GM_OK) {
        gm_branch_forget(twin, name);
    }
    return status;
}

void gm_twin_branches(gm_twin *twin, gm_branch_status *branches, size_t *count)
{
    *count = 0;
    pthread_mutex_lock(&twin->look_lock);
    if (twin->live != NULL) {
        gm_branch_status *live = &branches[(*count)++];
        *live = (gm_branch_status){ .name = "live", .made_ns = twin->opened_ns };
        live->time_ns = twin->live->time_ns;
        live->memory = gm_state_memory_of(twin->live->state);
    }
    for (size_t index = 0; index < twin->branch_count; index++) {
        gm_branch_status *branch = &branches[(*count)++];
        *branch = twin->branches[index].status;
        branch->time_ns = twin->branches[index].held->time_ns;
        branch->memory = gm_state_memory_of(twin->branches[index].held->state);
    }
    pthread_mutex_unlock(&twin->look_lock);
}

/// Takes a branch to work on: a fork of its state that nobody else sees. gm_finish puts it back.
static gm_status begin_work(gm_twin *twin, const char *name, gm_held **work, gm_error *error)
{
    if (is_live(name)) {
        return gm_error_set(error, GM_INVALID, "'live' follows the sensors: make a branch first");
    }
    gm_held *held = NULL;
    pthread_mutex_lock(&twin->look_lock);
    gm_status status = hold(twin, name, &held, error);
    if (status == GM_OK && find_branch(twin, name)->busy) {
        status = gm_error_set(error, GM_BUSY, "branch '%s' is being run: try again", name);
    }
    if (status == GM_OK) {
        find_branch(twin, name)->busy = true;
    }
    pthread_mutex_unlock(&twin->look_lock);
    *work = status == GM_OK ? gm_held_make(held->state, error) : NULL;
    if (status == GM_OK && *work == NULL) {
        pthread_mutex_lock(&twin->look_lock);
        find_branch(twin, name)->busy = false;
        pthread_mutex_unlock(&twin->look_lock);
        status = GM_MEMORY;
    }
    if (status == GM_OK) {
        (*work)->cycle = held->cycle;
    }
    gm_held_drop(held);
    return status;
}

/// Publishes the work as the branch's state, or drops it when it failed.
static void finish_work(gm_twin *twin, const char *name, gm_held *work, gm_status status)
{
    work->time_ns = gm_state_time(work->state);
    pthread_mutex_lock(&twin->look_lock);
    gm_branch *branch = find_branch(twin, name); // a busy branch cannot be dropped
    gm_held *gone = status == GM_OK ? branch->held : work;
    branch->held = status == GM_OK ? work : branch->held;
    branch->busy = false;
    branch->changed = branch->changed || status == GM_OK;
    pthread_mutex_unlock(&twin->look_lock);
    gm_held_drop(gone);
}

gm_status gm_twin_branch_advance(gm_twin *twin, const char *name, int64_t for_ns, gm_error *error)
{
    if (for_ns <= 0) {
        return gm_error_set(error, GM_INVALID, "a branch runs ahead by a positive time");
    }
    gm_held *held = NULL;
    gm_world_work *work = NULL;
    gm_status status = begin_work(twin, name, &held, error);
    if (status != GM_OK) {
        return status;
    }
    status = gm_world_work_create(twin->world, twin->distinct, &work, error);
    if (status == GM_OK) {
        gm_advance_options options = { .mode = GM_ADVANCE_AHEAD, .work = work };
        status = gm_world_advance(twin->world, held->state, &options,
                                  gm_state_time(held->state) + for_ns, error);
    }
    gm_world_work_close(work);
    finish_work(twin, name, held, status);
    return status;
}

gm_status gm_twin_branch_set(gm_twin *twin, const char *name, gm_ref ref, double value,
                             gm_error *error)
{
    const gm_field *field = gm_world_field(twin->world, ref);
    if (!(value >= field->min && value <= field->max)) {
        return gm_error_set(error, GM_INVALID, "%g %s is outside %g to %g", value, field->unit,
                            field->min, field->max);
    }
    gm_held *held = NULL;
    gm_status status = begin_work(twin, name, &held, error);
    if (status != GM_OK) {
        return status;
    }
    status = gm_state_fill(held->state, ref, value, error);
    if (status == GM_OK) {
        status = gm_state_settle(held->state, ref.system, NULL, error);
    }
    finish_work(twin, name, held, status);
    return status;
}
