// Audits: whether the sensors of a group still agree with the model and with each other, asked now
// and then without any alarm. What creeps, a filter follows, and no innovation shows it; beside a
// run of all lanes by themselves over the last while it stands out.
//
// An audit weighs what sensors alone may have done against nothing, as an inquiry does. When it is
// all but certain that something happened, it raises an innovation event, which opens a case;
// declared changes of the plant are tried there. The event ends with an audit to which all seems
// well. What such an audit sees of healthy residuals is remembered (suspects_witnesses.c).
//
// Groups take turns. Nothing of this is part of the state: after a restart habits are learned anew.
#include <math.h>
#include <string.h>

#include "twin/suspects_probe.h"

enum { AUDITS_PER_WINDOW = 3 };

static const char innovation[] = "innovation"; // kind of event

static const double span_windows = 1.5;  // that an audit looks back, at most
static const double alarm_below = 1e-4;  // probability of "nothing is wrong" for an event
static const double well_above = 0.1;    // and for its end: no less than was thought before
static const double healthy_below = 1.0; // log odds of any fault, for a sensor to be learned from
static const double told_share =
    0.0625; // of the window, by which events may be apart and tell of one
static const double settled_share = 0.1; // of the run, in which nothing may begin

gm_status gm_suspects_audit_open(gm_twin *twin, gm_error *error)
{
    gm_suspects *suspects = twin->suspects;
    const gm_config *config = gm_config_get(twin->world->detect, "audit");
    size_t sensors = twin->world->sensor_count;
    bool wanted = true;
    gm_status status = GM_OK;
    suspects->audit_ns = suspects->window_ns / AUDITS_PER_WINDOW;
    if (config != NULL && config->kind == GM_CONFIG_SCALAR && strcmp(config->text, "false") == 0) {
        wanted = false;
    } else if (config != NULL) {
        status = gm_config_duration(config, &suspects->audit_ns, error);
    }
    if (status == GM_OK && wanted && suspects->audit_ns < twin->world->cycle_ns) {
        status =
            gm_error_at(error, GM_LIMIT, config->place,
                        "audit: expected a cycle at least, or false, got '%.40s'", config->text);
    }
    suspects->audit_ns = wanted ? suspects->audit_ns : 0;
    suspects->habits = gm_arena_new(twin->arena, sensors, sizeof *suspects->habits);
    suspects->audit_events = gm_arena_new(twin->arena, sensors, sizeof *suspects->audit_events);
    if (suspects->habits == NULL || suspects->audit_events == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for audits of %zu sensors", sensors);
    }
    return status;
}

bool gm_suspects_audited(const gm_twin *twin, uint64_t event)
{
    const gm_suspects *suspects = twin->suspects;
    size_t sensor = gm_monitor_event_sensor(event);
    return suspects != NULL && event != 0 && sensor < twin->world->sensor_count &&
           suspects->audit_events[sensor] == event;
}

// ---- events ----

static bool is_of(const gm_twin *twin, size_t sensor, size_t group)
{
    return gm_suspects_can_witness(twin, sensor) &&
           twin->world->systems[twin->world->sensors[sensor].ref.system].group == group;
}

/// Whether an innovation event of a group tells of a time, give or take.
static bool is_told(gm_twin *twin, size_t group, int64_t time_ns)
{
    int64_t slack_ns = (int64_t)(told_share * (double)twin->suspects->window_ns);
    bool told = false;
    pthread_mutex_lock(&twin->look_lock);
    for (size_t index = twin->event_count; !told && index-- > 0;) {
        const gm_twin_event *event = &twin->events[index].event;
        size_t sensor = strcmp(event->kind, innovation) == 0
                            ? gm_world_find_sensor(twin->world, event->subject)
                            : GM_NO_INDEX;
        bool ended = event->end_ns < time_ns && time_ns - event->end_ns > slack_ns;
        told = sensor != GM_NO_INDEX && is_of(twin, sensor, group) && !ended &&
               event->start_ns - slack_ns <= time_ns;
    }
    pthread_mutex_unlock(&twin->look_lock);
    return told;
}

/// When an audit of a group raised an event that is open; INT64_MIN: there is none.
static int64_t told_at(const gm_twin *twin, size_t group)
{
    int64_t told_ns = INT64_MIN;
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        uint64_t event = twin->suspects->audit_events[sensor];
        if (event != 0 && is_of(twin, sensor, group)) {
            told_ns = gm_monitor_change_ns(twin, event);
        }
    }
    return told_ns;
}

void gm_suspects_audit_end(gm_twin *twin, size_t group)
{
    uint64_t *events = twin->suspects->audit_events;
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        if (events[sensor] != 0 && is_of(twin, sensor, group)) {
            gm_monitor_change_end(twin, events[sensor], gm_state_time(twin->state));
            gm_suspects_forget_event(twin, events[sensor]);
            events[sensor] = 0;
        }
    }
}

// ---- what is audited ----

/// The group after the one audited last that has witnesses; GM_NO_INDEX: there is none.
static size_t next_group(const gm_twin *twin)
{
    size_t last = twin->suspects->audited, next = GM_NO_INDEX, first = GM_NO_INDEX;
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        if (gm_suspects_can_witness(twin, sensor)) {
            size_t group = twin->world->systems[twin->world->sensors[sensor].ref.system].group;
            first = group < first ? group : first;
            next = group > last && group < next ? group : next;
        }
    }
    return next != GM_NO_INDEX ? next : first;
}

/// From when on a run by itself is to begin: behind the last decision, which it would not make, and
/// behind what was told of already, which is over when it does not show any more.
static int64_t earliest(const gm_twin *twin, size_t group, int64_t told_ns)
{
    const gm_suspects *suspects = twin->suspects;
    size_t count = suspects->decision_count;
    int64_t least_ns = count > 0 ? suspects->decisions[count - 1].time_ns : INT64_MIN;
    least_ns = told_ns > least_ns ? told_ns : least_ns;
    for (size_t index = 0; index < suspects->case_count; index++) {
        const gm_suspect_case *of = &suspects->cases[index];
        if (of->group == group && gm_suspects_is_blamed(of) && of->raised_ns > least_ns) {
            least_ns = of->raised_ns;
        }
    }
    return least_ns;
}

/// The newest state that lies long enough ago, or the oldest that may be begun with; NULL: there is
/// none yet, or lanes were still finding to each other.
/// @param told_ns  when an event was raised that is open; INT64_MIN: there is none
static gm_held *anchor_for(const gm_twin *twin, size_t group, int64_t told_ns)
{
    const gm_suspects *suspects = twin->suspects;
    int64_t now_ns = gm_state_time(twin->state), least_ns = earliest(twin, group, told_ns);
    int64_t wanted_ns = now_ns - (int64_t)(span_windows * (double)suspects->window_ns);
    int64_t span_ns =
        told_ns != INT64_MIN ? suspects->window_ns / AUDITS_PER_WINDOW : suspects->window_ns;
    size_t chosen = 0;
    for (size_t index = 0; index < suspects->anchor_count; index++) {
        int64_t time_ns = suspects->anchors[index]->time_ns;
        bool early = suspects->anchors[chosen]->time_ns < least_ns;
        chosen = time_ns <= wanted_ns || early ? index : chosen;
    }
    gm_held *anchor = suspects->anchors[chosen];
    const gm_sensor_memory *memories = gm_state_section(anchor->state, SECTION_SENSORS);
    bool settled = false;
    for (size_t sensor = 0; !settled && sensor < twin->world->sensor_count; sensor++) {
        settled =
            is_of(twin, sensor, group) && memories[sensor].count >= twin->detect.signs.warm_up;
    }
    bool old = now_ns - anchor->time_ns >= span_ns && anchor->time_ns >= least_ns;
    return settled && old ? anchor : NULL;
}

/// Whether something is looked into in a group already.
static bool is_looked_into(const gm_twin *twin, size_t group)
{
    const gm_suspects *suspects = twin->suspects;
    bool found = false;
    for (size_t index = 0; !found && index < suspects->case_count; index++) {
        const gm_suspect_case *of = &suspects->cases[index];
        found = of->group == group && gm_suspects_is_under_way(twin, of);
    }
    return found;
}

// ---- an audit ----

/// How far each sensor is off, in what it is expected to be: the most suspicious ones are weighed.
static void note_unusual(gm_probe *probe)
{
    for (size_t place = 0; place < probe->witness_count; place++) {
        gm_witness *seen = &probe->witnesses[place];
        double expected = hypot(seen->model.noise, seen->model.error);
        seen->unusual = seen->count > 0 ? seen->size / expected : 0.0;
    }
}

/// @return GM_NOT_FOUND (silence), GM_LIMIT (too much to weigh), GM_NUMERIC, GM_MEMORY
static gm_status weigh(gm_probe *probe, gm_error *error)
{
    const gm_diagnosis_rule rule = gm_default_diagnosis_rule();
    gm_diagnosis diagnosis;
    gm_status status = gm_probe_find_witnesses(probe, error);
    if (status == GM_OK) {
        double run_ns = (double)(probe->until_ns - probe->begin_ns);
        probe->calm_until_ns = probe->begin_ns + (int64_t)(settled_share * run_ns);
        probe->behind_ns = probe->calm_until_ns;
        status = gm_probe_share(probe, error);
    }
    if (status == GM_OK && probe->shared.count == 0) {
        status = gm_error_set(error, GM_LIMIT,
                              "%zu samples in a window are too many, or %zu lanes too few",
                              probe->sample_count, probe->lanes);
    }
    if (status == GM_OK) {
        status = gm_rerun_lanes(probe, error);
    }
    if (status == GM_OK) {
        gm_probe_expect(probe, probe->expected);
        gm_probe_leave_out(probe);
        gm_probe_fit_models(probe);
        note_unusual(probe);
        status = gm_probe_weigh_sensors(probe, error);
    }
    return status == GM_OK ? gm_diagnose(&rule, probe->explanations, probe->explanation_count,
                                         &diagnosis, error)
                           : status;
}

/// Sensors that show no fault teach how they behave.
static void get_used_to(const gm_probe *probe)
{
    for (size_t place = 0; place < probe->witness_count; place++) {
        const gm_witness *seen = &probe->witnesses[place];
        bool healthy = seen->count > 0;
        for (size_t index = 1; healthy && index < probe->explanation_count; index++) {
            const gm_explained *about = &probe->about[index];
            healthy = (about->witness != seen && about->partner != seen) ||
                      probe->explanations[index].log_odds < healthy_below;
        }
        if (healthy) {
            gm_probe_get_used_to(probe, seen);
        }
    }
}

/// How far off a sensor is since then.
static double mean_behind(const gm_witness *seen, int64_t time_ns)
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t index = 0; index < seen->count; index++) {
        const gm_fault_reading *reading = &seen->readings[index];
        if (reading->time_ns >= time_ns) {
            sum += reading->value - reading->predicted;
            count++;
        }
    }
    return count > 0 ? sum / (double)count : 0.0;
}

static void raise_event(const gm_probe *probe, size_t best)
{
    gm_twin *twin = probe->twin;
    const gm_witness *seen = probe->about[best].witness;
    for (size_t place = 0; probe->about[best].witness == NULL && place < probe->witness_count;
         place++) {
        const gm_witness *other = &probe->witnesses[place];
        seen = seen == NULL || other->unusual > seen->unusual ? other : seen;
    }
    gm_twin_event event = { .start_ns = probe->explanations[best].since_ns,
                            .end_ns = INT64_MAX,
                            .raised_ns = gm_state_time(twin->state) };
    event.size = mean_behind(seen, event.start_ns);
    gm_monitor_disagree(twin, seen->sensor, &event);
    twin->suspects->audit_events[seen->sensor] = event.id;
    gm_suspects_keep_event(twin, &event);
    gm_suspects_raise(twin, seen->sensor, &event, true);
}

static void conclude(const gm_probe *probe)
{
    gm_twin *twin = probe->twin;
    size_t group = probe->of->group, best = 1;
    double healthy = probe->explanations[0].probability;
    bool looked_into = is_looked_into(twin, group);
    if (healthy >= well_above) {
        gm_suspects_audit_end(twin, group);
        if (!looked_into) {
            get_used_to(probe);
        }
        return;
    }
    for (size_t index = 1; index < probe->explanation_count; index++) {
        double probability = probe->explanations[index].probability;
        best = probability > probe->explanations[best].probability ? index : best;
    }
    bool told = looked_into || told_at(twin, group) != INT64_MIN ||
                is_told(twin, group, probe->explanations[best].since_ns);
    if (healthy < alarm_below && !told) {
        raise_event(probe, best);
    }
}

static void audit(gm_twin *twin, const gm_suspect_case *of)
{
    gm_error error = { 0 };
    int64_t began_ns = gm_clock_monotonic_ns();
    gm_probe probe = { .twin = twin,
                       .of = of,
                       .arena = gm_arena_create(0),
                       .lanes = twin->lanes,
                       .until_ns = gm_state_time(twin->state) };
    gm_status status = probe.arena != NULL ? weigh(&probe, &error) : gm_probe_no_memory(&error);
    if (status == GM_OK) {
        conclude(&probe);
        gm_log_write(&twin->log, GM_LOG_DEBUG, "twin", "an audit of %zu sensors, %.3g s: %.3g",
                     probe.witness_count, (double)(gm_clock_monotonic_ns() - began_ns) * 1e-9,
                     probe.explanations[0].probability);
    } else if (status == GM_LIMIT) {
        gm_log_write(&twin->log, GM_LOG_INFO, "twin", "sensors are not audited: %s", error.text);
        twin->suspects->audit_ns = 0; // it will not become less
    } else if (status != GM_NOT_FOUND) {
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "no audit: %s", error.text);
    }
    gm_arena_close(probe.arena);
}

void gm_suspects_audit(gm_twin *twin)
{
    gm_suspects *suspects = twin->suspects;
    int64_t now_ns = gm_state_time(twin->state);
    if (suspects->audit_ns == 0 || suspects->anchor_count == 0 || now_ns < suspects->audit_due_ns) {
        return;
    }
    suspects->audit_due_ns = now_ns + suspects->audit_ns;
    gm_suspect_case of = { .group = next_group(twin) };
    if (of.group != GM_NO_INDEX) {
        suspects->audited = of.group; // or the next one would wait for one that never speaks
        of.anchor = anchor_for(twin, of.group, told_at(twin, of.group));
    }
    if (of.anchor != NULL) {
        audit(twin, &of);
    }
}
