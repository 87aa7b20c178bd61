// Lost tracks: whether the lanes of a cell still follow what is measured, hypothesis by hypothesis,
// and what is done when they do not.
//
// The watch (assim/track_watch.h) looks at the last innovation of every sensor of the cell, so that
// sensors may speak when they like and a few of them may be wrong. Lanes that are lost are seeded
// anew about their mean, states only: with the spread they began with, or so many noises of a
// sensor of their like; the next measurements take them where they belong. What was learned of
// parameters stays. Where another hypothesis has kept the track, its states are taken over instead.
// While an alarm is open, states that walk as innovations ask for walk as fast as they may and need
// no seeding: something happens to the plant, and has to be seen for what it is. All that is
// remembered is part of the state, so a rewind and a replay seed the same lanes anew.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "twin/adopted.h"
#include "twin/group_filter.h"

enum { LOOKED_AT_MAX = 512, PURPOSE_SEED = 20, SLOTS = 1 << 20 };

static const double lost_limit = 100.0;      // innovations ten times as large as said
static const double first_spread = 10.0;     // noises that states of no declared spread begin with
static const double least_surprise = 1e-300; // 0 says that a sensor has not spoken yet

static gm_track_options track_options(void)
{
    gm_track_options options = gm_default_track_options();
    options.limit = lost_limit;
    return options;
}

/// Whether states find back by themselves: an alarm is open, and they have no declared drift.
static bool is_restless(gm_twin *twin, size_t cell)
{
    const gm_cell_plan *plan = &twin->estimator.cells[cell];
    bool walks = false;
    for (size_t row = 0; !walks && row < plan->state_count; row++) {
        uint32_t number = plan->estimates[row];
        walks =
            !(twin->world->estimates[number].drift > 0.0) && twin->estimator.noises[number] > 0.0;
    }
    return walks && gm_cell_memories(twin)[cell].muted > 0;
}

/// Takes the innovations of an analysis in, beside the last ones of other sensors.
static gm_status follow_track(gm_twin *twin, const gm_watched *of, size_t hypothesis,
                              gm_error *error)
{
    const gm_estimator *estimator = &twin->estimator;
    const gm_cell_plan *plan = &estimator->cells[of->cell];
    double *surprises = gm_filter_surprises(twin, hypothesis);
    gm_filter_memory *memory = gm_filter_memory_of(twin, of->cell, hypothesis);
    if (surprises == NULL || memory == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the estimator");
    }
    const gm_innovation *innovations = estimator->innovations + hypothesis * estimator->sensor_room;
    for (size_t index = 0; index < of->count; index++) {
        double normalised = innovations[index].mean / innovations[index].spread;
        surprises[estimator->entries[index]->sample.sensor] =
            fmax(normalised * normalised, least_surprise);
    }
    gm_innovation last[LOOKED_AT_MAX];
    double work[LOOKED_AT_MAX];
    size_t count = 0, stride = plan->sensor_count / LOOKED_AT_MAX + 1;
    for (size_t index = 0; index < plan->sensor_count; index += stride) {
        double surprise = surprises[plan->sensors[index]];
        if (surprise > 0.0) {
            last[count++] = (gm_innovation){ .mean = sqrt(surprise), .spread = 1.0 };
        }
    }
    const gm_track_options options = track_options();
    gm_track_take(&memory->track, &options, last, count, work);
    return GM_OK;
}

// ---- seeding anew ----

static double *states_of(const gm_twin *twin, size_t hypothesis)
{
    const gm_estimator *estimator = &twin->estimator;
    return estimator->values + hypothesis * estimator->row_count * twin->distinct;
}

/// The standard deviation that a state begins with, on its scale.
static double seed_spread(const gm_twin *twin, size_t number)
{
    const gm_world_estimate *estimate = &twin->world->estimates[number];
    bool declared = estimate->spread > 0.0; // NAN: not declared
    double size = declared ? estimate->spread : first_spread * twin->estimator.noises[number];
    return gm_estimate_step(twin, estimate, size, declared && estimate->spread_relative);
}

static void seed_about_mean(const gm_twin *twin, const gm_watched *of, size_t hypothesis)
{
    const gm_cell_plan *plan = &twin->estimator.cells[of->cell];
    size_t lanes = gm_alive_of(&twin->estimator, hypothesis).count;
    double *states = states_of(twin, hypothesis);
    for (size_t row = 0; row < plan->state_count; row++) {
        size_t number = plan->estimates[row];
        gm_draw draw = { .element = (uint32_t)number,
                         .purpose = PURPOSE_SEED,
                         .occurrence = (uint64_t)of->time_ns };
        gm_spread_floor(states + row * lanes, lanes, seed_spread(twin, number),
                        twin->estimator.random, draw);
    }
}

/// The states of another hypothesis, lane by lane.
static void seed_from(const gm_twin *twin, const gm_watched *of, size_t hypothesis, size_t leader)
{
    const gm_cell_plan *plan = &twin->estimator.cells[of->cell];
    size_t lanes = gm_alive_of(&twin->estimator, hypothesis).count;
    size_t others = gm_alive_of(&twin->estimator, leader).count;
    double *states = states_of(twin, hypothesis);
    const double *from = states_of(twin, leader);
    for (size_t row = 0; row < plan->state_count; row++) {
        for (size_t lane = 0; lane < lanes; lane++) {
            states[row * lanes + lane] = from[row * others + lane % others];
        }
    }
}

// ---- telling ----

static void tell_lost(gm_twin *twin, const gm_watched *of, size_t hypothesis, double misfit)
{
    const gm_world *world = twin->world;
    gm_filter_memory *memory = gm_filter_memory_of(twin, of->cell, hypothesis);
    size_t slot = ADOPTED_MAX + of->cell * world->hypothesis_count + hypothesis;
    if (memory->lost != 0) {
        return; // it is told of already
    }
    memory->lost = gm_monitor_change_id(twin, slot % SLOTS, of->time_ns);
    gm_twin_event event = { .id = memory->lost,
                            .start_ns = of->time_ns,
                            .end_ns = INT64_MAX,
                            .raised_ns = of->time_ns,
                            .size = sqrt(misfit) };
    const char *name = gm_group_name(world, twin->estimator.cells[of->cell].group);
    snprintf(event.kind, sizeof event.kind, "lost track");
    snprintf(event.subject, sizeof event.subject, "%s", name);
    snprintf(event.unit, sizeof event.unit, "1");
    int length = snprintf(event.text, sizeof event.text,
                          "the lanes of %s do not follow what is measured: it is %.2g times as far "
                          "off as they say; their states are seeded anew",
                          name, event.size);
    if (world->hypothesis_count > 1 && length > 0 && (size_t)length < sizeof event.text) {
        snprintf(event.text + length, sizeof event.text - (size_t)length, " (hypothesis '%s')",
                 gm_hypothesis_name(world->hypotheses[hypothesis]));
    }
    gm_monitor_tell(twin, &event);
}

/// Whether anything can be said of a track yet.
static bool is_watched(const gm_filter_memory *memory)
{
    gm_track_options options = track_options();
    options.limit = 0.0;
    return gm_track_lost(&memory->track, &options);
}

/// The track is kept again when it has been watched long enough since.
static void tell_found(gm_twin *twin, const gm_watched *of, size_t hypothesis)
{
    gm_filter_memory *memory = gm_filter_memory_of(twin, of->cell, hypothesis);
    if (memory->lost != 0 && is_watched(memory)) {
        gm_monitor_change_end(twin, memory->lost, of->time_ns);
        memory->lost = 0;
    }
}

bool gm_group_watch_tells(const gm_twin *twin, uint64_t event)
{
    const gm_filter_memory *memories = gm_state_section(twin->state, SECTION_FILTERS);
    size_t count = twin->estimator.cell_count * twin->world->hypothesis_count;
    for (size_t index = 0; index < count; index++) {
        if (memories[index].lost == event) {
            return true;
        }
    }
    return false;
}

gm_status gm_group_watch(gm_twin *twin, const gm_watched *of, gm_error *error)
{
    size_t hypotheses = twin->world->hypothesis_count, leader = GM_NO_INDEX;
    double weights[GM_HYPOTHESES];
    bool lost[GM_HYPOTHESES];
    const gm_track_options options = track_options();
    gm_status status = GM_OK;
    gm_hypotheses_weights(twin->world, twin->state, of->cell, weights);
    for (size_t each = 0; status == GM_OK && each < hypotheses; each++) {
        status = follow_track(twin, of, each, error);
    }
    bool restless = is_restless(twin, of->cell);
    for (size_t each = 0; status == GM_OK && each < hypotheses; each++) {
        gm_filter_memory *memory = gm_filter_memory_of(twin, of->cell, each);
        memory->track = restless ? (gm_track){ 0 } : memory->track;
        lost[each] = gm_track_lost(&memory->track, &options);
        bool kept = !lost[each] && is_watched(memory) && memory->lost == 0;
        bool leads = leader == GM_NO_INDEX || weights[each] > weights[leader];
        leader = kept && leads ? each : leader;
    }
    for (size_t each = 0; status == GM_OK && each < hypotheses; each++) {
        gm_filter_memory *memory = gm_filter_memory_of(twin, of->cell, each);
        if (!lost[each]) {
            tell_found(twin, of, each);
            continue;
        }
        if (leader != GM_NO_INDEX) {
            seed_from(twin, of, each, leader);
        } else {
            seed_about_mean(twin, of, each);
        }
        tell_lost(twin, of, each, memory->track.misfit);
        memory->track = (gm_track){ 0 };
    }
    return status;
}
