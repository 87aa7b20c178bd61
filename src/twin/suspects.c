// Suspects: what is remembered for inquiries, when one is made, and who is told.
//
// Sensors are suspects of themselves: an alarm is looked into whether or not the world declares
// changes of the plant, unless `detect: {diagnose: false}`.
//
// The twin remembers samples and a few states of the last while. An innovation event opens a case,
// or joins one of its group that began about then. The case is looked into at the end of the cycle
// and again after 4, 8, 16 ... cycles while one of its events lasts and it began within `suspect
// window`. Reading `detect: {suspects: ...}`:
//
//   suspects: { town/pipe/*/leak_area: {add: 5 cm2}, box/heater/power: {times: 0.5}, adopt: 90 % }
//   suspect window: 30 min
//
// Now and then sensors are audited without any alarm (suspects_audit.c), which opens a case like
// one.
#include "twin/suspects.h"

#include <math.h>
#include <string.h>

static const int64_t default_window_ns = 1800 * GM_SECOND_NS;
enum { DEFAULT_WINDOW_CYCLES = 64 };
// what nobody asked for: states of so many bytes each are remembered, so many sensors looked at
enum { UNASKED_SENSORS_MOST = 256 };
static const size_t unasked_bytes_most = (size_t)64 << 20;
static const int64_t lasting_windows = 2;     // for which a case takes in what follows from it
static const double anchors_per_window = 7.0; // the ring covers one and a half windows

// ---- reading ----

static gm_status refuse_times(const gm_world_change *change, gm_error *error)
{
    if (change->kind == GM_CHANGE_RAMP || change->at_ns != 0 || change->for_ns != 0 ||
        change->every_ns != 0) {
        return gm_error_at(error, GM_INVALID, change->place,
                           "when a suspect changed is what is to be found: expected one of to, "
                           "add, times, trip alone");
    }
    return GM_OK;
}

/// What is written at every tick would wipe the trial out.
static gm_status refuse_fed(const gm_world *world, const gm_world_change *change, gm_error *error)
{
    gm_rule_kind rule =
        change->driver != GM_NO_INDEX ? world->drivers[change->driver].past.kind : GM_RULE_NONE;
    if (change->linked || rule == GM_RULE_PROFILE) {
        char address[4 * GM_NAME_MAX];
        gm_world_address(world, change->ref, address, sizeof address);
        return gm_error_at(error, GM_INVALID, change->place,
                           "'%.200s' is fed by a %s: it cannot be a suspect", address,
                           change->linked ? "link" : "profile");
    }
    return GM_OK;
}

static size_t group_of(const gm_world *world, gm_ref ref)
{
    return world->systems[ref.system].group;
}

/// Kinds of suspects (fields) share a group's suspicion evenly, and so do those of one kind.
static void share_suspicion(const gm_world *world, gm_suspects *suspects)
{
    for (size_t index = 0; index < suspects->trial_count; index++) {
        gm_suspect_trial *trial = &suspects->trials[index];
        size_t like = 0, kinds = 0;
        for (size_t other = 0; other < suspects->trial_count; other++) {
            const gm_ref ref = suspects->trials[other].ref;
            like += gm_suspects_alike(ref, trial->ref);
            size_t first = 0;
            while (!gm_suspects_alike(suspects->trials[first].ref, ref)) {
                first++;
            }
            kinds += first == other && group_of(world, ref) == group_of(world, trial->ref);
        }
        trial->log_prior = -log((double)like) - log((double)kinds);
    }
}

static gm_status read_trials(gm_twin *twin, const gm_config *config, gm_suspects *suspects,
                             gm_error *error)
{
    gm_config *changes = gm_arena_new(twin->arena, config->count, sizeof *changes);
    if (changes == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for suspects");
    }
    gm_config set = *config;
    set.key = "set";
    if (config->kind == GM_CONFIG_MAP) {
        set.children = changes;
        set.count = 0;
        for (size_t index = 0; index < config->count; index++) {
            if (strcmp(config->children[index].key, "adopt") != 0) {
                changes[set.count++] = config->children[index];
            }
        }
    }
    const gm_config whole = { .kind = GM_CONFIG_MAP,
                              .count = 1,
                              .children = &set,
                              .place = config->place,
                              .units = config->units };
    gm_scenario scenario = { 0 };
    gm_status status = gm_scenario_build(twin->world, &whole, twin->arena, &scenario, error);
    if (status == GM_OK && scenario.change_count > GM_SUSPECTS_MAX) {
        status = gm_error_at(error, GM_LIMIT, config->place, "%zu suspects: at most %d are offered",
                             scenario.change_count, GM_SUSPECTS_MAX);
    }
    if (status != GM_OK) {
        return status;
    }
    suspects->trials = gm_arena_new(twin->arena, scenario.change_count, sizeof *suspects->trials);
    if (suspects->trials == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for suspects");
    }
    for (size_t index = 0; status == GM_OK && index < scenario.change_count; index++) {
        const gm_world_change *change = &scenario.changes[index];
        suspects->trials[suspects->trial_count++] =
            (gm_suspect_trial){ .ref = change->ref, .kind = change->kind, .value = change->value };
        status = refuse_times(change, error);
        if (status == GM_OK) {
            status = refuse_fed(twin->world, change, error);
        }
    }
    share_suspicion(twin->world, suspects);
    return status == GM_OK ? gm_adoption_open(twin, config, error) : status;
}

static gm_status read_window(gm_twin *twin, const gm_config *config, int64_t *window_ns,
                             gm_error *error)
{
    int64_t cycle_ns = twin->world->cycle_ns;
    *window_ns = default_window_ns > DEFAULT_WINDOW_CYCLES * cycle_ns
                     ? default_window_ns
                     : DEFAULT_WINDOW_CYCLES * cycle_ns;
    int64_t most_ns =
        SUSPECT_WINDOW_CYCLES < INT64_MAX / cycle_ns ? SUSPECT_WINDOW_CYCLES * cycle_ns : INT64_MAX;
    *window_ns = *window_ns < most_ns ? *window_ns : most_ns;
    gm_status status = config == NULL ? GM_OK : gm_config_duration(config, window_ns, error);
    if (status == GM_OK && (*window_ns < SUSPECT_GAP_CYCLES * cycle_ns || *window_ns > most_ns)) {
        status = gm_error_at(error, GM_LIMIT, config->place,
                             "suspect window: expected %d to %d cycles, got '%.40s'",
                             SUSPECT_GAP_CYCLES, SUSPECT_WINDOW_CYCLES, config->text);
    }
    return status;
}

/// The world as it is, less the drivers that draw lots for each lane.
static gm_status calm_down(gm_twin *twin, gm_suspects *suspects, gm_error *error)
{
    const gm_world *world = twin->world;
    uint32_t *drivers = gm_arena_new(twin->arena, world->past_driver_count, sizeof *drivers);
    if (drivers == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for suspects");
    }
    suspects->calm = *world;
    suspects->calm.past_drivers = drivers;
    suspects->calm.past_driver_count = 0;
    for (size_t index = 0; index < world->past_driver_count; index++) {
        uint32_t driver = world->past_drivers[index];
        if (world->drivers[driver].past.kind != GM_RULE_STOCHASTIC) {
            drivers[suspects->calm.past_driver_count++] = driver;
        }
    }
    return gm_world_work_create(&suspects->calm, twin->lanes, &suspects->work, error);
}

/// Whether alarms are looked into. @param asked  out: the world file says so
static gm_status read_diagnose(const gm_twin *twin, bool *wanted, bool *asked, gm_error *error)
{
    const gm_config *suspects = gm_config_get(twin->world->detect, "suspects"),
                    *window = gm_config_get(twin->world->detect, "suspect window"),
                    *diagnose = gm_config_get(twin->world->detect, "diagnose");
    const gm_config *wants = suspects != NULL ? suspects : window;
    bool says = true;
    gm_status status = diagnose != NULL ? gm_config_flag(diagnose, &says, error) : GM_OK;
    if (status == GM_OK && !says && wants != NULL) {
        status = gm_error_at(error, GM_INVALID, wants->key_place,
                             "%s: `diagnose: false` says that nobody looks", wants->key);
    }
    *wanted = says;
    *asked = diagnose != NULL || wants != NULL;
    return status;
}

gm_status gm_suspects_open(gm_twin *twin, gm_error *error)
{
    const gm_config *config = gm_config_get(twin->world->detect, "suspects");
    bool wanted = false, asked = false;
    gm_status status = read_diagnose(twin, &wanted, &asked, error);
    if (status != GM_OK || !wanted) {
        return status;
    }
    gm_suspects *suspects = gm_arena_new(twin->arena, 1, sizeof *suspects);
    if (suspects == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for suspects");
    }
    twin->suspects = suspects;
    suspects->asked = asked;
    suspects->adopt_from = gm_never_adopted;
    suspects->cases = gm_arena_new(twin->arena, SUSPECT_CASES, sizeof *suspects->cases);
    if (suspects->cases == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for suspects");
    }
    if (config != NULL) {
        status = read_trials(twin, config, suspects, error);
    }
    if (status == GM_OK) {
        status = read_window(twin, gm_config_get(twin->world->detect, "suspect window"),
                             &suspects->window_ns, error);
    }
    if (status == GM_OK) {
        status = calm_down(twin, suspects, error);
    }
    if (status == GM_OK) {
        status = gm_suspects_audit_open(twin, error);
    }
    return status == GM_OK ? gm_suspects_load(twin, error) : status;
}

// ---- remembering ----

static void drop_anchor(gm_suspect_case *of)
{
    gm_held_drop(of->anchor);
    of->anchor = NULL;
}

/// Forgets states and samples; cases that are under way stay as they are.
static void forget_all(gm_suspects *suspects)
{
    for (size_t index = 0; index < suspects->anchor_count; index++) {
        gm_held_drop(suspects->anchors[index]);
    }
    for (size_t index = 0; index < suspects->case_count; index++) {
        drop_anchor(&suspects->cases[index]);
    }
    suspects->anchor_count = suspects->sample_count = 0;
}

void gm_suspects_close(gm_twin *twin)
{
    if (twin->suspects != NULL) {
        forget_all(twin->suspects);
        gm_memory_free(twin->suspects->samples);
        gm_world_work_close(twin->suspects->work);
    }
}

/// Forgets samples that no inquiry can want any more.
static void trim_samples(gm_suspects *suspects)
{
    int64_t oldest_ns = suspects->anchors[0]->time_ns;
    for (size_t index = 0; index < suspects->case_count; index++) {
        const gm_held *anchor = suspects->cases[index].anchor;
        oldest_ns = anchor != NULL && anchor->time_ns < oldest_ns ? anchor->time_ns : oldest_ns;
    }
    size_t gone = 0;
    while (gone < suspects->sample_count && suspects->samples[gone].time_ns <= oldest_ns) {
        gone++;
    }
    if (gone > 0) {
        suspects->sample_count -= gone;
        memmove(suspects->samples, suspects->samples + gone,
                suspects->sample_count * sizeof *suspects->samples);
    }
}

static void drop_oldest(gm_suspects *suspects)
{
    gm_held_drop(suspects->anchors[0]);
    memmove(suspects->anchors, suspects->anchors + 1,
            --suspects->anchor_count * sizeof *suspects->anchors);
}

/// Room for so many more samples; older ones make way when there are too many. @return false: none
static bool reserve_samples(gm_suspects *suspects, size_t count)
{
    while (suspects->sample_count + count > SUSPECT_SAMPLES_MAX && suspects->anchor_count > 1) {
        drop_oldest(suspects);
        trim_samples(suspects);
    }
    size_t needed = suspects->sample_count + count;
    if (needed > SUSPECT_SAMPLES_MAX) {
        return false;
    }
    if (needed > suspects->sample_capacity) {
        gm_suspect_sample *grown =
            gm_memory_grow(suspects->samples, &suspects->sample_capacity, needed, sizeof *grown);
        suspects->samples = grown != NULL ? grown : suspects->samples;
        return grown != NULL;
    }
    return true;
}

void gm_suspects_take(gm_twin *twin, const gm_arrived *entries, size_t count)
{
    gm_suspects *suspects = twin->suspects;
    if (suspects == NULL || suspects->anchor_count == 0) {
        return;
    }
    if (!reserve_samples(suspects, count)) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin",
                     "no room for more than %zu samples: suspects are looked for from here on",
                     suspects->sample_count);
        forget_all(suspects);
        return;
    }
    for (size_t index = 0; index < count; index++) {
        size_t sensor = entries[index].sample.sensor;
        double value = gm_sample_value(twin, &entries[index]);
        if (gm_sample_plausible(&twin->world->sensors[sensor], value)) {
            suspects->samples[suspects->sample_count++] =
                (gm_suspect_sample){ entries[index].sample.time_ns, value, (uint32_t)sensor };
        }
    }
}

/// Remembering states and looking at sensors is done without being asked for only as long as it is
/// cheap.
static bool is_worth_it(gm_twin *twin, const gm_held *held)
{
    gm_suspects *suspects = twin->suspects;
    bool worth = suspects->asked || (twin->world->sensor_count <= UNASKED_SENSORS_MOST &&
                                     gm_state_memory_of(held->state).reached <= unasked_bytes_most);
    if (!worth) {
        suspects->asleep = true;
        gm_log_write(&twin->log, GM_LOG_INFO, "twin",
                     "alarms are not looked into, the world is large: `detect: {diagnose: true}` "
                     "asks for it");
    }
    return worth;
}

void gm_suspects_hold(gm_twin *twin, gm_held *held)
{
    gm_suspects *suspects = twin->suspects;
    if (suspects == NULL) {
        return;
    }
    int64_t every_ns = (int64_t)((double)suspects->window_ns / anchors_per_window);
    size_t count = suspects->anchor_count;
    if (suspects->asleep || (count == 0 && !is_worth_it(twin, held))) {
        return;
    }
    if (count > 0 && held->time_ns - suspects->anchors[count - 1]->time_ns < every_ns) {
        return;
    }
    if (count == SUSPECT_ANCHORS) {
        drop_oldest(suspects);
    }
    atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    suspects->anchors[suspects->anchor_count++] = held;
    trim_samples(suspects);
}

void gm_suspects_rewind(gm_twin *twin, int64_t time_ns)
{
    gm_suspects *suspects = twin->suspects;
    if (suspects == NULL) {
        return;
    }
    while (suspects->anchor_count > 0 &&
           suspects->anchors[suspects->anchor_count - 1]->time_ns > time_ns) {
        gm_held_drop(suspects->anchors[--suspects->anchor_count]);
    }
    while (suspects->sample_count > 0 &&
           suspects->samples[suspects->sample_count - 1].time_ns > time_ns) {
        suspects->sample_count--;
    }
}

// ---- cases ----

static size_t find_member(const gm_suspect_case *of, uint64_t event)
{
    size_t index = 0;
    while (index < of->event_count && of->events[index] != event) {
        index++;
    }
    return index;
}

static gm_suspect_case *find_case(const gm_suspects *suspects, uint64_t event)
{
    for (size_t index = suspects->case_count; index-- > 0;) {
        gm_suspect_case *of = &suspects->cases[index];
        if (find_member(of, event) < of->event_count) {
            return of;
        }
    }
    return NULL;
}

void gm_suspects_decided(gm_twin *twin, uint64_t event)
{
    gm_suspect_case *of = find_case(twin->suspects, event);
    if (of != NULL) {
        of->adopted = event;
    }
}

/// Takes a case out. Under look_lock.
static void remove_case(gm_suspects *suspects, gm_suspect_case *of)
{
    drop_anchor(of);
    size_t index = (size_t)(of - suspects->cases);
    memmove(of, of + 1, (--suspects->case_count - index) * sizeof *of);
}

/// The newest state a good while before the case began, so that the run shows first how good the
/// model is by itself; the oldest when there is none.
static void pick_anchor(const gm_suspects *suspects, gm_suspect_case *of)
{
    int64_t wanted_ns = of->start_ns - suspects->window_ns;
    size_t chosen = 0;
    for (size_t index = 0; index < suspects->anchor_count; index++) {
        chosen = suspects->anchors[index]->time_ns <= wanted_ns ? index : chosen;
    }
    drop_anchor(of);
    if (suspects->anchor_count > 0 && suspects->anchors[chosen]->time_ns < of->raised_ns) {
        of->anchor = suspects->anchors[chosen];
        atomic_fetch_add_explicit(&of->anchor->holders, 1, memory_order_relaxed);
    }
}

static bool is_open(const gm_twin *twin, const gm_suspect_case *of)
{
    const gm_sensor_memory *memories = gm_state_section(twin->state, SECTION_SENSORS);
    for (size_t index = 0; index < of->event_count; index++) {
        uint64_t event = of->events[index];
        if (memories[of->sensors[index]].events[EVENT_INNOVATION] == event ||
            gm_suspects_audited(twin, event)) {
            return true;
        }
    }
    return false;
}

bool gm_suspects_is_blamed(const gm_suspect_case *of)
{
    return of->found.evaluated_ns != 0 && strcmp(of->found.verdict, "unclear") != 0 &&
           strcmp(of->found.kind, "healthy") != 0;
}

/// Whether an event that began at start_ns is one more of a case: it began about then, but not
/// after an alarm behind which nothing was found; or later, while what happened then lasts, and
/// lanes that have followed a wrong sensor raise alarms elsewhere.
static bool belongs(const gm_twin *twin, const gm_suspect_case *of, int64_t start_ns)
{
    int64_t window_ns = twin->suspects->window_ns, after_ns = start_ns - of->start_ns;
    bool blamed = gm_suspects_is_blamed(of);
    bool fruitless = of->found.evaluated_ns != 0 && !blamed && start_ns > of->raised_ns;
    return (of->anchor != NULL && after_ns < window_ns && !fruitless) ||
           (blamed && after_ns < lasting_windows * window_ns && is_open(twin, of));
}

/// The case that an event of a group belongs to, or a new one. Under look_lock.
static gm_suspect_case *case_for(gm_twin *twin, size_t group, const gm_twin_event *event,
                                 bool vague)
{
    gm_suspects *suspects = twin->suspects;
    for (size_t index = suspects->case_count; index-- > 0;) {
        gm_suspect_case *of = &suspects->cases[index];
        if (of->group == group && of->event_count < SUSPECT_MEMBERS &&
            belongs(twin, of, event->start_ns)) {
            return of;
        }
    }
    if (suspects->case_count == SUSPECT_CASES) {
        gm_suspects_forget(twin, &suspects->cases[0]);
        remove_case(suspects, &suspects->cases[0]);
    }
    gm_suspect_case *of = &suspects->cases[suspects->case_count++];
    *of = (gm_suspect_case){ .group = group,
                             .start_ns = event->start_ns,
                             .raised_ns = event->raised_ns,
                             .sharp_ns = event->start_ns,
                             .sharp_raised_ns = event->raised_ns,
                             .vague = vague,
                             .gap_ns = SUSPECT_GAP_CYCLES * twin->world->cycle_ns };
    return of;
}

/// Notes when it began, where an event says that better than those before it. What follows from
/// something that is known by now does not say when that began.
static void sharpen(gm_suspect_case *of, const gm_twin_event *event, bool vague)
{
    bool better = of->vague && !vague;
    bool sharper = of->vague == vague &&
                   event->raised_ns - event->start_ns < of->sharp_raised_ns - of->sharp_ns;
    if (better || (sharper && !gm_suspects_is_blamed(of))) {
        of->sharp_ns = event->start_ns;
        of->sharp_raised_ns = event->raised_ns;
        of->vague = vague;
    }
}

void gm_suspects_raise(gm_twin *twin, size_t sensor, const gm_twin_event *event, bool vague)
{
    gm_suspects *suspects = twin->suspects;
    if (suspects == NULL) {
        return;
    }
    int64_t gap_ns = SUSPECT_GAP_CYCLES * twin->world->cycle_ns;
    pthread_mutex_lock(&twin->look_lock);
    gm_suspect_case *of = find_case(suspects, event->id);
    if (of == NULL) {
        of = case_for(twin, group_of(twin->world, twin->world->sensors[sensor].ref), event, vague);
        of->events[of->event_count] = event->id;
        of->sensors[of->event_count++] = (uint32_t)sensor;
        // one more witness: worth another look soon
        bool looked = of->found.evaluated_ns != 0;
        int64_t soon_ns = looked ? of->found.evaluated_ns + gap_ns : event->raised_ns;
        of->due_ns = of->event_count == 1 || soon_ns < of->due_ns ? soon_ns : of->due_ns;
    }
    sharpen(of, event, vague);
    bool earlier = event->start_ns < of->start_ns;
    if (earlier) {
        of->start_ns = event->start_ns;
        of->raised_ns = event->raised_ns;
    }
    if (earlier || (of->anchor == NULL && of->found.evaluated_ns == 0)) {
        pick_anchor(suspects, of);
    }
    pthread_mutex_unlock(&twin->look_lock);
}

void gm_suspects_withdraw(gm_twin *twin, uint64_t event)
{
    gm_suspects *suspects = twin->suspects;
    gm_suspect_case *of = suspects != NULL ? find_case(suspects, event) : NULL;
    if (of == NULL) {
        return;
    }
    gm_suspects_forget(twin, of); // it goes by its first event
    pthread_mutex_lock(&twin->look_lock);
    size_t index = find_member(of, event), behind = --of->event_count - index;
    memmove(of->events + index, of->events + index + 1, behind * sizeof *of->events);
    memmove(of->sensors + index, of->sensors + index + 1, behind * sizeof *of->sensors);
    bool empty = of->event_count == 0;
    if (empty) {
        remove_case(suspects, of);
    }
    pthread_mutex_unlock(&twin->look_lock);
    if (!empty && of->found.evaluated_ns != 0) {
        gm_suspects_keep(twin, of);
    }
}

// ---- looking into cases ----

const gm_suspicion *gm_suspects_about(const gm_twin *twin, uint64_t event)
{
    const gm_suspect_case *of = twin->suspects != NULL ? find_case(twin->suspects, event) : NULL;
    return of != NULL && of->found.evaluated_ns != 0 ? &of->found : NULL;
}

/// Whether it is too early to leave it: what is behind an alarm that ceased may still be there.
static bool is_fresh(const gm_suspect_case *of, const gm_suspects *suspects, int64_t now_ns)
{
    return now_ns - of->sharp_raised_ns < suspects->window_ns / 2;
}

/// Whether a case's change is in the model, or was and is not wanted again.
static bool is_settled(const gm_twin *twin, const gm_suspect_case *of)
{
    return of->adopted != 0 && !gm_adopted_holds(twin, of->adopted);
}

/// Takes the verdict into the model when it is sure enough: the likeliest kind of change, wherever.
/// Where another change is already, that one's size is what moves.
static void adopt(gm_twin *twin, gm_suspect_case *of, gm_decision *decision)
{
    const gm_suspects *suspects = twin->suspects;
    double left = 0.0;
    size_t count = 0;
    decision->id = of->adopted != 0 ? of->adopted : of->events[0];
    decision->time_ns = gm_state_time(twin->state);
    for (size_t index = 0; index < decision->count; index++) {
        const gm_decided_place *place = &decision->places[index];
        if (!gm_adopted_elsewhere(twin, decision->id, place->trial)) {
            left += place->share;
            decision->places[count++] = *place;
        }
    }
    decision->count = count;
    bool sure = decision->probability * left > suspects->adopt_from; // never of 100 %
    if (!sure || twin->replaying || is_settled(twin, of)) {
        return;
    }
    for (size_t index = 0; index < count; index++) {
        decision->places[index].share /= left;
    }
    if (gm_adoption_decide(twin, decision)) {
        of->adopted = decision->id;
        gm_suspects_audit_end(twin, of->group); // lanes expect it from here on
    }
}

static void look_into(gm_twin *twin, gm_suspect_case *of)
{
    int64_t now_ns = gm_state_time(twin->state);
    int64_t most_ns = SUSPECT_GAP_MOST_CYCLES * twin->world->cycle_ns;
    gm_inquiry inquiry = { of, now_ns };
    gm_suspicion found = { 0 };
    gm_decision decision = { 0 };
    gm_error error = { 0 };
    int64_t began_ns = gm_clock_monotonic_ns();
    gm_status status = gm_suspects_inquire(twin, &inquiry, &found, &decision, &error);
    of->due_ns = now_ns + of->gap_ns;
    of->gap_ns = of->gap_ns * 2 < most_ns ? of->gap_ns * 2 : most_ns;
    if (status != GM_OK) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "no suspects: %s", error.text);
        return;
    }
    if (twin->suspects->adopt_from <= 1.0) {
        adopt(twin, of, &decision);
    }
    found.adopted = of->adopted != 0;
    gm_log_write(&twin->log, GM_LOG_INFO, "twin", "%zu suspects, %zu samples, %.3g s: %s",
                 twin->suspects->trial_count, found.samples,
                 (double)(gm_clock_monotonic_ns() - began_ns) * 1e-9, found.text);
    pthread_mutex_lock(&twin->look_lock);
    of->found = found;
    pthread_mutex_unlock(&twin->look_lock);
    gm_suspects_keep(twin, of);
    for (size_t index = 0; index < of->event_count; index++) {
        gm_monitor_retell(twin, of->events[index]);
    }
}

bool gm_suspects_is_under_way(const gm_twin *twin, const gm_suspect_case *of)
{
    if (of->anchor == NULL) {
        return false;
    }
    return of->adopted != 0
               ? !is_settled(twin, of)
               : is_open(twin, of) || is_fresh(of, twin->suspects, gm_state_time(twin->state));
}

void gm_suspects_run(gm_twin *twin)
{
    gm_suspects *suspects = twin->suspects;
    int64_t now_ns = gm_state_time(twin->state);
    bool known = twin->replaying && now_ns <= twin->recorded_ns; // what was found is on disk
    if (suspects == NULL || known) {
        return;
    }
    gm_suspects_audit(twin);
    for (size_t index = 0; index < suspects->case_count; index++) {
        gm_suspect_case *of = &suspects->cases[index];
        if (now_ns - of->start_ns > suspects->window_ns && !is_fresh(of, suspects, now_ns)) {
            drop_anchor(of);
        } else if (of->due_ns <= now_ns && gm_suspects_is_under_way(twin, of)) {
            look_into(twin, of);
        }
    }
}

gm_status gm_twin_suspects(gm_twin *twin, uint64_t event, gm_suspicion *found, gm_error *error)
{
    const gm_suspects *suspects = twin->suspects;
    if (suspects == NULL) {
        return gm_error_set(error, GM_NOT_FOUND,
                            "alarms are not looked into: `detect: {diagnose: false}`");
    }
    pthread_mutex_lock(&twin->look_lock);
    const gm_suspect_case *chosen = event != 0 ? find_case(suspects, event) : NULL;
    for (size_t index = 0; event == 0 && index < suspects->case_count; index++) {
        const gm_suspect_case *of = &suspects->cases[index];
        bool newer = chosen == NULL || of->found.evaluated_ns >= chosen->found.evaluated_ns;
        chosen = newer ? of : chosen;
    }
    bool looked = chosen != NULL && chosen->found.evaluated_ns != 0;
    bool known = looked || event == 0 || gm_monitor_knows(twin, event);
    if (known) {
        *found = looked ? chosen->found : (gm_suspicion){ .none = (double)NAN };
        found->event = event != 0 ? event : looked ? chosen->events[0] : 0;
    }
    pthread_mutex_unlock(&twin->look_lock);
    return known ? GM_OK
                 : gm_error_set(error, GM_NOT_FOUND, "there is no event %llu",
                                (unsigned long long)event);
}
