// Adopted changes in the state: drawing places, moving sizes, taking changes out. adopted.h.
#include "twin/adopted.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"
#include "twin/suspects.h"

enum {
    PURPOSE_ORDER = 16,
    PURPOSE_OFFSET,
    PURPOSE_SIZE,
    PURPOSE_WALK,
    PURPOSE_WANDER,
    TOLD_PLACES = 3
};

// a size walks by this share of what it was, per root of a second: a tenth in an hour; and, while
// an alarm that is younger says that something is different again, all of it in a quarter of an
// hour
static const double calm_walk = 0.1 / 60.0, alarmed_walk = 1.0 / 30.0;
static const double gone_share = 0.1;  // of its first size, below which a change is gone
static const double told_share = 0.05; // places held by fewer lanes are not told of

size_t gm_adopted_size(const gm_world *world, size_t lanes)
{
    const gm_config *adopt = gm_config_get(gm_config_get(world->detect, "suspects"), "adopt");
    return adopt == NULL ? 0 : ADOPTED_MAX * (sizeof(gm_adopted) + lanes * sizeof(gm_adopted_lane));
}

// ---- places of the section ----

static bool is_adopting(const gm_twin *twin)
{
    return twin->suspects != NULL && twin->suspects->adopt_from <= 1.0;
}

static size_t stride(const gm_twin *twin)
{
    return sizeof(gm_adopted) + twin->lanes * sizeof(gm_adopted_lane);
}

static const gm_adopted *slot_in(const gm_twin *twin, const gm_state *state, size_t slot)
{
    const char *bytes = gm_state_section(state, SECTION_ADOPTED);
    return (const gm_adopted *)(const void *)(bytes + slot * stride(twin));
}

/// Of the live state.
static const gm_adopted *slot_of(const gm_twin *twin, size_t slot)
{
    return slot_in(twin, twin->state, slot);
}

static gm_adopted *slot_write(const gm_twin *twin, gm_state *state, size_t slot)
{
    char *bytes = gm_state_section_write(state, SECTION_ADOPTED);
    return bytes == NULL ? NULL : (gm_adopted *)(void *)(bytes + slot * stride(twin));
}

static const gm_adopted_lane *lanes_of(const gm_adopted *change)
{
    return (const gm_adopted_lane *)(const void *)(change + 1);
}

static gm_adopted_lane *lanes_write(gm_adopted *change)
{
    return (gm_adopted_lane *)(void *)(change + 1);
}

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for a change of the plant");
}

/// The trial of a place; NULL: nowhere, or of a world file before this one.
static const gm_suspect_trial *trial_at(const gm_twin *twin, uint64_t place)
{
    size_t index = place != 0 ? gm_suspects_named(twin->suspects, place) : GM_NO_INDEX;
    return index != GM_NO_INDEX ? &twin->suspects->trials[index] : NULL;
}

/// The group of a change; GM_NO_INDEX: none of its places is there any more.
static size_t group_of(const gm_twin *twin, const gm_adopted *change)
{
    for (size_t lane = 0; change->id != 0 && lane < twin->lanes; lane++) {
        const gm_suspect_trial *trial = trial_at(twin, lanes_of(change)[lane].place);
        if (trial != NULL) {
            return twin->world->systems[trial->ref.system].group;
        }
    }
    return GM_NO_INDEX;
}

bool gm_adopted_holds(const gm_twin *twin, uint64_t id)
{
    for (size_t slot = 0; is_adopting(twin) && slot < ADOPTED_MAX; slot++) {
        if (id != 0 && slot_of(twin, slot)->id == id) {
            return true;
        }
    }
    return false;
}

bool gm_adopted_tells(const gm_twin *twin, uint64_t event)
{
    for (size_t slot = 0; is_adopting(twin) && slot < ADOPTED_MAX; slot++) {
        const gm_adopted *change = slot_of(twin, slot);
        if (change->id != 0 && change->told == event) {
            return true;
        }
    }
    return false;
}

bool gm_adopted_elsewhere(const gm_twin *twin, uint64_t id, uint32_t trial)
{
    uint64_t place = twin->suspects->trials[trial].name;
    for (size_t slot = 0; slot < ADOPTED_MAX; slot++) {
        const gm_adopted *change = slot_of(twin, slot);
        bool other = change->id != 0 && change->id != id;
        for (size_t lane = 0; other && lane < twin->lanes; lane++) {
            if (lanes_of(change)[lane].place == place) {
                return true;
            }
        }
    }
    return false;
}

// ---- fields ----

/// A change, the state whose fields are to show it, and whether they are to: else they are as
/// without it.
typedef struct written {
    const gm_adopted *change;
    gm_state *state;
    bool added;
} written;

/// Writes the field of lane `first`'s place in all lanes that hold the change there.
static gm_status write_place(gm_twin *twin, const written *what, size_t first, gm_error *error)
{
    double *values = twin->estimator.lane_values;
    const gm_adopted_lane *lanes = lanes_of(what->change);
    const gm_suspect_trial *trial = trial_at(twin, lanes[first].place);
    gm_status status = gm_state_read(what->state, trial->ref, values, error);
    for (size_t lane = first; status == GM_OK && lane < twin->lanes; lane++) {
        if (lanes[lane].place == lanes[first].place) {
            // a change never turns into its opposite
            bool holds = what->added && lanes[lane].size * what->change->size > 0.0;
            values[lane] = lanes[lane].base + (holds ? lanes[lane].size : 0.0);
        }
    }
    return status == GM_OK ? gm_state_write(what->state, trial->ref, values, error) : status;
}

/// The fields of all places.
static gm_status write_fields(gm_twin *twin, const written *what, gm_error *error)
{
    const gm_adopted_lane *lanes = lanes_of(what->change);
    gm_suspects *suspects = twin->suspects;
    gm_status status = GM_OK;
    memset(suspects->counts, 0, suspects->trial_count * sizeof *suspects->counts);
    for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane++) {
        const gm_suspect_trial *trial = trial_at(twin, lanes[lane].place);
        if (trial != NULL && suspects->counts[trial - suspects->trials]++ == 0) {
            status = write_place(twin, what, lane, error);
        }
    }
    return status;
}

static gm_status add_to_fields(gm_twin *twin, const gm_adopted *change, gm_error *error)
{
    return write_fields(twin, &(written){ change, twin->state, true }, error);
}

static gm_status take_from_fields(gm_twin *twin, const gm_adopted *change, gm_error *error)
{
    return write_fields(twin, &(written){ change, twin->state, false }, error);
}

/// Lets the models of a group make themselves legal after writes.
static gm_status legalise(gm_twin *twin, size_t group, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t system = 0; status == GM_OK && system < twin->world->system_count; system++) {
        if (twin->world->systems[system].group == group) {
            status = gm_state_changed(twin->state, system, error);
        }
    }
    return status;
}

// ---- drawing ----

/// Lanes in random order (Fisher and Yates): twin->estimator.source.
static void shuffle_lanes(gm_twin *twin, gm_draw draw)
{
    uint32_t *order = twin->estimator.source;
    draw.purpose = PURPOSE_ORDER;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        draw.lane = (uint32_t)lane;
        double uniform = gm_random_uniform(twin->estimator.random, draw);
        size_t other = (size_t)(uniform * (double)(lane + 1));
        order[lane] = order[other];
        order[other] = (uint32_t)lane;
    }
}

/// Systematic resampling: lanes in random order go to places in proportion to their shares
/// (Kitagawa, J. Comput. Graph. Stat. 5 (1996) 1-25), each with a size of its own.
static void draw_places(gm_twin *twin, const gm_decision *decision, gm_adopted_lane *lanes)
{
    gm_random random = twin->estimator.random;
    gm_draw draw = { .element = (uint32_t)decision->id,
                     .purpose = PURPOSE_OFFSET,
                     .occurrence = (uint64_t)decision->time_ns };
    double offset = gm_random_uniform(random, draw);
    double below = decision->places[0].share; // shares up to the place at hand
    size_t at = 0;
    shuffle_lanes(twin, draw);
    draw.purpose = PURPOSE_SIZE;
    for (size_t turn = 0; turn < twin->lanes; turn++) {
        while (((double)turn + offset) / (double)twin->lanes >= below && at + 1 < decision->count) {
            below += decision->places[++at].share;
        }
        const gm_decided_place *chosen = &decision->places[at];
        draw.lane = twin->estimator.source[turn];
        double size = chosen->size + chosen->spread * gm_random_normal(random, draw);
        lanes[draw.lane] = (gm_adopted_lane){ .place = twin->suspects->trials[chosen->trial].name,
                                              .size = size * chosen->size > 0.0 ? size : 0.0 };
    }
}

/// What the fields are where the lanes were drawn.
static gm_status read_bases(gm_twin *twin, const gm_decision *decision, gm_adopted_lane *lanes,
                            gm_error *error)
{
    double *values = twin->estimator.lane_values;
    gm_status status = GM_OK;
    for (size_t at = 0; status == GM_OK && at < decision->count; at++) {
        const gm_suspect_trial *trial = &twin->suspects->trials[decision->places[at].trial];
        status = gm_state_read(twin->state, trial->ref, values, error);
        for (size_t lane = 0; status == GM_OK && lane < twin->lanes; lane++) {
            if (lanes[lane].place == trial->name) {
                lanes[lane].base = values[lane];
            }
        }
    }
    return status;
}

/// The slot of a change of that id, else a free one; ADOPTED_MAX: none.
static size_t slot_for(const gm_twin *twin, uint64_t id)
{
    size_t free_one = ADOPTED_MAX;
    for (size_t slot = 0; slot < ADOPTED_MAX; slot++) {
        uint64_t there = slot_of(twin, slot)->id;
        if (there == id) {
            return slot;
        }
        free_one = there == 0 && free_one == ADOPTED_MAX ? slot : free_one;
    }
    return free_one;
}

/// The lanes go back to what was before, if they hold a change of that id, and are dealt out anew.
static gm_status carry_out(gm_twin *twin, const gm_decision *decision, gm_error *error)
{
    size_t slot = slot_for(twin, decision->id);
    if (slot == ADOPTED_MAX) {
        return GM_OK;
    }
    gm_adopted *change = slot_write(twin, twin->state, slot);
    if (change == NULL) {
        return no_memory(error);
    }
    gm_adopted_lane *lanes = lanes_write(change);
    gm_status status = change->id != 0 ? take_from_fields(twin, change, error) : GM_OK;
    if (status == GM_OK) {
        draw_places(twin, decision, lanes);
        status = read_bases(twin, decision, lanes, error);
    }
    uint64_t told = change->id != 0 ? change->told : 0;
    *change = (gm_adopted){ .id = decision->id,
                            .told = told,
                            .since_ns = decision->since_ns,
                            .decided_ns = decision->time_ns };
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        change->size += lanes[lane].size / (double)twin->lanes;
    }
    if (status == GM_OK) {
        status = add_to_fields(twin, change, error);
    }
    return status == GM_OK ? legalise(twin, group_of(twin, change), error) : status;
}

gm_status gm_adopted_begin(gm_twin *twin, int64_t end_ns, gm_error *error)
{
    int64_t start_ns = gm_state_time(twin->state);
    gm_status status = GM_OK;
    for (size_t index = 0;
         is_adopting(twin) && status == GM_OK && index < twin->suspects->decision_count; index++) {
        const gm_decision *decision = &twin->suspects->decisions[index];
        if (decision->time_ns >= start_ns && decision->time_ns < end_ns) {
            status = carry_out(twin, decision, error);
        }
    }
    return status;
}

// ---- estimation ----

size_t gm_adopted_read(const gm_twin *twin, size_t group, gm_lane_list lanes, double *rows)
{
    size_t count = 0;
    for (size_t slot = 0; is_adopting(twin) && slot < ADOPTED_MAX; slot++) {
        const gm_adopted *change = slot_of(twin, slot);
        if (group_of(twin, change) == group) {
            double *row = rows + count++ * lanes.count;
            for (size_t index = 0; index < lanes.count; index++) {
                row[index] = lanes_of(change)[lanes.numbers[index]].size;
            }
        }
    }
    return count;
}

gm_status gm_adopted_write(gm_twin *twin, size_t group, gm_lane_list lanes, const double *rows,
                           gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t slot = 0; is_adopting(twin) && status == GM_OK && slot < ADOPTED_MAX; slot++) {
        if (group_of(twin, slot_of(twin, slot)) != group) {
            continue;
        }
        gm_adopted *change = slot_write(twin, twin->state, slot);
        if (change == NULL) {
            return no_memory(error);
        }
        for (size_t index = 0; index < lanes.count; index++) {
            lanes_write(change)[lanes.numbers[index]].size = *rows++;
        }
        status = add_to_fields(twin, change, error);
    }
    return status;
}

gm_status gm_adopted_resample(gm_twin *twin, size_t group, const uint32_t *source, gm_error *error)
{
    for (size_t slot = 0; is_adopting(twin) && slot < ADOPTED_MAX; slot++) {
        bool held = slot_of(twin, slot)->id != 0;
        if (!held || (group != GM_NO_INDEX && group_of(twin, slot_of(twin, slot)) != group)) {
            continue;
        }
        gm_adopted *change = slot_write(twin, twin->state, slot);
        if (change == NULL) {
            return no_memory(error);
        }
        gm_adopted_lane *lanes = lanes_write(change);
        for (size_t lane = 0; lane < twin->lanes; lane++) {
            lanes[lane] = lanes[source[lane]]; // those that are copied are their own source
        }
    }
    return GM_OK;
}

// ---- telling ----

static double mean_size(const gm_twin *twin, const gm_adopted *change)
{
    double sum = 0.0, count = 0.0;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        if (!gm_state_lane_failed(twin->state, lane)) {
            sum += lanes_of(change)[lane].size;
            count += 1.0;
        }
    }
    return count > 0.0 ? sum / count : 0.0;
}

/// How many lanes hold the change at each suspect's place: suspects->counts.
static void count_places(const gm_twin *twin, const gm_adopted *change)
{
    const gm_suspects *suspects = twin->suspects;
    memset(suspects->counts, 0, suspects->trial_count * sizeof *suspects->counts);
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        const gm_suspect_trial *trial = trial_at(twin, lanes_of(change)[lane].place);
        if (trial != NULL) {
            suspects->counts[trial - suspects->trials]++;
        }
    }
}

/// Takes the likeliest place out of suspects->counts. @return its trial
static size_t next_place(const gm_suspects *suspects, double *lanes)
{
    size_t best = 0;
    for (size_t index = 1; index < suspects->trial_count; index++) {
        best = suspects->counts[index] > suspects->counts[best] ? index : best;
    }
    *lanes = (double)suspects->counts[best];
    suspects->counts[best] = 0;
    return best;
}

/// The event that tells of a change: its subject is the likeliest place.
static void describe(const gm_twin *twin, const gm_adopted *change, gm_twin_event *event)
{
    const gm_suspects *suspects = twin->suspects;
    char since[40], address[sizeof event->subject];
    size_t length = 0;
    gm_time_format(change->since_ns, since);
    count_places(twin, change);
    for (size_t place = 0; place < TOLD_PLACES; place++) {
        double held = 0.0;
        size_t trial = next_place(suspects, &held);
        double share = held / (double)twin->lanes;
        if (place > 0 && share < told_share) {
            break;
        }
        gm_ref ref = suspects->trials[trial].ref;
        gm_world_address(twin->world, ref, address, sizeof address);
        char *end = event->text + length;
        size_t room = sizeof event->text - length;
        if (place == 0) {
            const char *unit = gm_world_field(twin->world, ref)->unit;
            snprintf(event->subject, sizeof event->subject, "%s", address);
            snprintf(event->unit, sizeof event->unit, "%s", unit);
            snprintf(end, room, "taken into the model: %s %+.3g %s since %s (%.0f %%)", address,
                     event->size, unit, since, 100.0 * share);
        } else {
            snprintf(end, room, ", or %s (%.0f %%)", address, 100.0 * share);
        }
        length += strlen(end);
    }
}

static void tell(gm_twin *twin, gm_adopted *change, size_t slot, int64_t time_ns)
{
    if (change->told == 0) {
        change->told = gm_monitor_change_id(twin, slot, time_ns);
    }
    gm_twin_event event = { .id = change->told,
                            .start_ns = change->since_ns,
                            .end_ns = INT64_MAX,
                            .raised_ns = gm_monitor_change_ns(twin, change->told),
                            .size = change->size };
    describe(twin, change, &event);
    gm_monitor_change(twin, &event);
}

// ---- the end of a cycle ----

/// Whether an alarm of the group began after the places were drawn.
static bool is_alarmed(const gm_twin *twin, const gm_adopted *change, size_t group)
{
    const gm_sensor_memory *memories = gm_state_section(twin->state, SECTION_SENSORS);
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        const gm_sensor_memory *memory = &memories[sensor];
        size_t system = twin->world->sensors[sensor].ref.system;
        if (memory->events[EVENT_INNOVATION] != 0 &&
            memory->starts_ns[EVENT_INNOVATION] > change->decided_ns &&
            twin->world->systems[system].group == group) {
            return true;
        }
    }
    return false;
}

/// Every lane's size takes a step of its own.
static void walk(const gm_twin *twin, gm_adopted *change, gm_draw draw, double step)
{
    gm_adopted_lane *lanes = lanes_write(change);
    draw.element = (uint32_t)change->id;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        draw.lane = (uint32_t)lane;
        lanes[lane].size += step * gm_random_normal(twin->estimator.random, draw);
    }
}

/// How far a size goes in a time.
static double step_of(const gm_adopted *change, double rate, int64_t elapsed_ns)
{
    return rate * fabs(change->size) * sqrt((double)elapsed_ns * 1e-9);
}

static gm_status end_change(gm_twin *twin, size_t slot, int64_t elapsed_ns, gm_error *error)
{
    int64_t time_ns = gm_state_time(twin->state);
    gm_adopted *change = slot_write(twin, twin->state, slot);
    if (change == NULL) {
        return no_memory(error);
    }
    size_t group = group_of(twin, change);
    bool gone = group == GM_NO_INDEX || !(mean_size(twin, change) / change->size > gone_share);
    if (gone) {
        gm_status status = take_from_fields(twin, change, error);
        if (change->told != 0) {
            gm_monitor_change_end(twin, change->told, time_ns);
        }
        memset(change, 0, stride(twin));
        return status;
    }
    if (change->told == 0 || change->decided_ns >= time_ns - elapsed_ns) {
        tell(twin, change, slot, time_ns);
    }
    double rate = is_alarmed(twin, change, group) ? alarmed_walk : calm_walk;
    gm_draw draw = { .purpose = PURPOSE_WALK, .occurrence = gm_state_tick(twin->state) };
    walk(twin, change, draw, step_of(change, rate, elapsed_ns));
    return add_to_fields(twin, change, error);
}

gm_status gm_adopted_end(gm_twin *twin, int64_t elapsed_ns, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t slot = 0; is_adopting(twin) && status == GM_OK && slot < ADOPTED_MAX; slot++) {
        if (slot_of(twin, slot)->id != 0) {
            status = end_change(twin, slot, elapsed_ns, error);
        }
    }
    return status;
}

gm_status gm_adopted_wander(gm_twin *twin, gm_state *state, int64_t elapsed_ns, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t slot = 0; is_adopting(twin) && status == GM_OK && slot < ADOPTED_MAX; slot++) {
        if (slot_in(twin, state, slot)->id == 0) {
            continue;
        }
        gm_adopted *change = slot_write(twin, state, slot);
        if (change == NULL) {
            return no_memory(error);
        }
        gm_draw draw = { .purpose = PURPOSE_WANDER, .occurrence = gm_state_tick(state) };
        walk(twin, change, draw, step_of(change, calm_walk, elapsed_ns));
        status = write_fields(twin, &(written){ change, state, true }, error);
    }
    return status;
}
