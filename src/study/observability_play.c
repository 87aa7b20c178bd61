// Playing a world to see what its sensors would read: pilot, slopes and chances, as
// observability_study.h describes them.
//
// Models that draw noise of their own do so by lane: there the lanes of the slopes are states of
// one lane each, so that all of them meet the same chances.
#include "study/observability_play.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"

enum { PURPOSE_INPUT = 1 };

// A world under way beside its pilot.
typedef struct stage {
    const gm_play *play;
    gm_world world;    // as played: another seed, perhaps fewer drivers
    uint32_t *drivers; // that write by themselves; NULL: the world's own
    gm_layout *pilot_layout, *layout;
    gm_world_work *pilot_work, *work;
    gm_state *pilot;
    gm_state **states; // [state_count], lanes each
    size_t state_count, lanes;
    bool chancy;    // driving sensors are noisy here; else chance is the pilot's
    double *inputs; // [driver_count] as the pilot has them
    bool *touched;  // [system_count]
    double *values; // [reading_count][state_count * lanes]
    double *row;    // [state_count * lanes]
    gm_random random;
    double done_before, done_share; // of the whole play
} stage;

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory to play the world");
}

static bool draws_itself(const gm_world *world)
{
    for (size_t index = 0; index < world->system_count; index++) {
        const gm_domain *domain = world->systems[index].domain;
        if (domain->advance != NULL && !domain->tickless) {
            return true;
        }
    }
    return false;
}

static double input_noise(const gm_world *world, const gm_world_driver *driver)
{
    return driver->sensor != GM_NO_INDEX ? world->sensors[driver->sensor].noise : 0.0;
}

bool gm_play_has_chance(const gm_world *world)
{
    bool found = draws_itself(world);
    for (size_t index = 0; index < world->driver_count; index++) {
        const gm_world_driver *driver = &world->drivers[index];
        found =
            found || driver->past.kind == GM_RULE_STOCHASTIC || input_noise(world, driver) > 0.0;
    }
    return found;
}

// ---- a stage ----

static void close_stage(stage *at)
{
    for (size_t index = 0; at->states != NULL && index < at->state_count; index++) {
        gm_state_close(at->states[index]);
    }
    gm_state_close(at->pilot);
    gm_world_work_close(at->work);
    gm_world_work_close(at->pilot_work);
    gm_layout_close(at->layout);
    gm_layout_close(at->pilot_layout);
    gm_memory_free(at->states);
    gm_memory_free(at->drivers);
    gm_memory_free(at->inputs);
    gm_memory_free(at->touched);
    gm_memory_free(at->values);
    gm_memory_free(at->row);
}

/// The chances of drivers become the pilot's, the same for all.
static gm_status still_drivers(stage *at, gm_error *error)
{
    gm_world *world = &at->world;
    at->drivers = gm_memory_new(world->past_driver_count, sizeof *at->drivers);
    if (at->drivers == NULL) {
        return no_memory(error);
    }
    size_t kept = 0;
    for (size_t index = 0; index < world->past_driver_count; index++) {
        if (world->drivers[world->past_drivers[index]].past.kind != GM_RULE_STOCHASTIC) {
            at->drivers[kept++] = world->past_drivers[index];
        }
    }
    world->past_drivers = at->drivers;
    world->past_driver_count = kept;
    return GM_OK;
}

static gm_status open_states(stage *at, gm_error *error)
{
    const gm_world *world = &at->world;
    gm_advance_options ahead = { .mode = GM_ADVANCE_AHEAD };
    gm_status status = gm_world_layout(world, 1, NULL, 0, &at->pilot_layout, error);
    if (status == GM_OK) {
        status = gm_world_layout(world, at->lanes, NULL, 0, &at->layout, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(world, 1, &at->pilot_work, error);
    }
    if (status == GM_OK) {
        status = gm_world_work_create(world, at->lanes, &at->work, error);
    }
    if (status == GM_OK) {
        status = gm_state_create(at->pilot_layout, world->start_ns, &at->pilot, error);
    }
    ahead.work = at->pilot_work;
    if (status == GM_OK) {
        status = gm_world_settle(world, at->pilot, &ahead, error);
    }
    for (size_t index = 0; status == GM_OK && index < at->state_count; index++) {
        status = gm_state_create(at->layout, world->start_ns, &at->states[index], error);
    }
    return status;
}

static gm_status open_stage(const gm_play *play, stage *at, gm_error *error)
{
    at->play = play;
    at->world = *play->world;
    at->world.seed = play->seed != 0 ? play->seed : at->world.seed;
    at->random = gm_random_for(at->world.seed, "observability");
    size_t lanes = at->state_count * at->lanes;
    at->states = gm_memory_new(at->state_count, sizeof(gm_state *));
    at->inputs = gm_memory_new(at->world.driver_count, sizeof *at->inputs);
    at->touched = gm_memory_new(at->world.system_count, sizeof *at->touched);
    at->values = gm_memory_new(play->reading_count * lanes, sizeof *at->values);
    at->row = gm_memory_new(lanes, sizeof *at->row);
    if (at->states == NULL || at->inputs == NULL || at->touched == NULL || at->values == NULL ||
        at->row == NULL) {
        return no_memory(error);
    }
    for (size_t index = 0; index < at->world.driver_count; index++) {
        at->inputs[index] = (double)NAN; // nothing was written yet
    }
    gm_status status = at->chancy ? GM_OK : still_drivers(at, error);
    return status == GM_OK ? open_states(at, error) : status;
}

// ---- inputs ----

static bool is_unknown(const gm_play *play, gm_ref ref)
{
    for (size_t index = 0; index < play->unknown_count; index++) {
        if (memcmp(&play->unknowns[index].ref, &ref, sizeof ref) == 0) {
            return true;
        }
    }
    return false;
}

/// Writes an input's value, in chancy stages each lane its own reading of it.
static gm_status feed_one(stage *at, size_t index, size_t step, gm_error *error)
{
    const gm_world_driver *driver = &at->world.drivers[index];
    double noise = at->chancy ? input_noise(&at->world, driver) : 0.0;
    if (noise == 0.0) {
        gm_status status = GM_OK;
        for (size_t state = 0; status == GM_OK && state < at->state_count; state++) {
            status = gm_state_fill(at->states[state], driver->ref, at->inputs[index], error);
        }
        return status;
    }
    int64_t every_ns = at->world.sensors[driver->sensor].every_ns;
    every_ns = every_ns > 0 ? every_ns : at->world.cycle_ns;
    noise *= sqrt(fmin(1.0, (double)every_ns / (double)at->play->step_ns));
    gm_draw draw = { .element = (uint32_t)index,
                     .purpose = PURPOSE_INPUT,
                     .occurrence = (uint64_t)step };
    gm_random_normal_lanes(at->random, draw, (int)at->lanes, at->row);
    for (size_t lane = 0; lane < at->lanes; lane++) {
        at->row[lane] = at->inputs[index] + noise * at->row[lane];
    }
    return gm_state_write(at->states[0], driver->ref, at->row, error);
}

/// What sensors would report of inputs goes into all lanes, and in a stage without chances what
/// drivers leave to chance.
static gm_status feed(stage *at, size_t step, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < at->world.driver_count; index++) {
        const gm_world_driver *driver = &at->world.drivers[index];
        bool sensed = driver->sensor != GM_NO_INDEX;
        bool stilled = !at->chancy && driver->past.kind == GM_RULE_STOCHASTIC;
        double value = 0.0;
        if ((!sensed && !stilled) || is_unknown(at->play, driver->ref)) {
            continue;
        }
        status = gm_state_read(at->pilot, driver->ref, &value, error);
        bool noisy = at->chancy && input_noise(&at->world, driver) > 0.0;
        if (status == GM_OK && (noisy || value != at->inputs[index])) {
            at->inputs[index] = value;
            at->touched[driver->ref.system] = true;
            status = feed_one(at, index, step, error);
        }
    }
    for (size_t system = 0; system < at->world.system_count; system++) {
        for (size_t state = 0; status == GM_OK && at->touched[system] && state < at->state_count;
             state++) {
            status = gm_state_changed(at->states[state], system, error);
        }
        at->touched[system] = false;
    }
    return status;
}

// ---- time ----

/// Moves the pilot, then everybody under its inputs, and takes the readings.
static gm_status take_step(stage *at, size_t step, gm_error *error)
{
    const gm_play *play = at->play;
    int64_t until_ns = at->world.start_ns + (int64_t)(step + 1) * play->step_ns;
    gm_advance_options ahead = { .mode = GM_ADVANCE_AHEAD, .work = at->pilot_work };
    gm_advance_options past = { .mode = GM_ADVANCE_PAST,
                                .workers = play->workers,
                                .work = at->work };
    gm_status status = gm_world_advance(&at->world, at->pilot, &ahead, until_ns, error);
    if (status == GM_OK) {
        status = feed(at, step, error);
    }
    for (size_t index = 0; status == GM_OK && index < at->state_count; index++) {
        gm_state *state = at->states[index];
        if (step == 0) {
            status = gm_world_settle(&at->world, state, &past, error);
        }
        if (status == GM_OK) {
            status = gm_world_advance(&at->world, state, &past, until_ns, error);
        }
        if (status == GM_OK) {
            status =
                gm_state_read_many(state, play->readings, play->reading_count,
                                   at->values + index * at->lanes * play->reading_count, error);
        }
    }
    if (status == GM_OK && play->progress != NULL) {
        double part = (double)(step + 1) / (double)play->steps;
        play->progress(play->context, at->done_before + at->done_share * part);
    }
    return status;
}

/// Reading of one run (a lane of one of the states).
static double reading_of(const stage *at, size_t reading, size_t run)
{
    size_t state = run / at->lanes, lane = run % at->lanes;
    return at->values[(state * at->play->reading_count + reading) * at->lanes + lane];
}

/// One address in all runs, into at->row.
static gm_status read_row(stage *at, gm_ref ref, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < at->state_count; index++) {
        status = gm_state_read(at->states[index], ref, at->row + index * at->lanes, error);
    }
    return status;
}

static bool has_failed(const stage *at, size_t run)
{
    return gm_state_lane_failed(at->states[run / at->lanes], run % at->lanes);
}

// ---- slopes ----

/// Run k + 1 starts with unknown k off by a spread: upwards, or downwards where it has no room.
static gm_status set_off(stage *at, size_t unknown, double *moved, gm_error *error)
{
    const gm_play_unknown *what = &at->play->unknowns[unknown];
    size_t run = unknown + 1;
    gm_state *state = at->states[run / at->lanes];
    double *values = at->row;
    gm_status status = gm_state_read(state, what->ref, values, error);
    double start = status == GM_OK ? values[run % at->lanes] : 0.0;
    *moved = 0.0;
    for (int direction = 1; status == GM_OK && direction >= -1; direction -= 2) {
        double step = direction * what->spread;
        values[run % at->lanes] = what->relative ? start * exp(step) : start + step;
        status = gm_state_write(state, what->ref, values, error); // within its bounds
        if (status == GM_OK) {
            status = gm_state_read(state, what->ref, values, error);
        }
        double now = values[run % at->lanes];
        double came = what->relative ? log(now / start) : now - start;
        *moved = isfinite(came) ? came / what->spread : 0.0;
        if (fabs(*moved) > 0.5) {
            break;
        }
    }
    return status == GM_OK ? gm_state_changed(state, what->ref.system, error) : status;
}

size_t gm_play_recent_steps(size_t recent)
{
    return recent == 0 ? 1 : (size_t)1 << (recent - 1);
}

/// The recent mean that a step belongs to; play->recents when it is older than them.
static size_t recent_at(const gm_play *play, size_t step)
{
    size_t recent = 0, age = play->steps - 1 - step;
    for (size_t end = 1; recent < play->recents && age >= end;) {
        end += gm_play_recent_steps(++recent);
    }
    return recent;
}

/// Steps of a slice: step k belongs to slice k * slices / steps.
static size_t steps_of(const gm_play *play, size_t slice, size_t slices)
{
    size_t first = (slice * play->steps + slices - 1) / slices;
    size_t end = ((slice + 1) * play->steps + slices - 1) / slices;
    return end - first;
}

/// Adds one time's slopes of a reading to a mean. @param slope  in out, [unknown_count]
static void add_slope(const stage *at, size_t reading, double share, const double *moved,
                      double *slope)
{
    double base = reading_of(at, reading, 0);
    for (size_t unknown = 0; unknown < at->play->unknown_count; unknown++) {
        double by = reading_of(at, reading, unknown + 1) - base;
        slope[unknown] += moved[unknown] != 0.0 ? share * by / moved[unknown] : 0.0;
    }
}

static void add_slopes(const stage *at, size_t step, gm_played *played)
{
    const gm_play *play = at->play;
    size_t slice = step * play->slices / play->steps, recent = recent_at(play, step);
    double slice_share = 1.0 / (double)steps_of(play, slice, play->slices);
    double recent_share = 1.0 / (double)gm_play_recent_steps(recent);
    for (size_t reading = 0; reading < play->reading_count; reading++) {
        size_t row = reading * play->slices + slice;
        add_slope(at, reading, slice_share, played->moved,
                  played->slopes + row * play->unknown_count);
        row = reading * play->recents + recent;
        if (recent < play->recents) {
            add_slope(at, reading, recent_share, played->moved,
                      played->recent_slopes + row * play->unknown_count);
        }
    }
}

static gm_status find_effects(stage *at, gm_played *played, gm_error *error)
{
    const gm_play *play = at->play;
    gm_status status = GM_OK;
    for (size_t row = 0; status == GM_OK && row < play->unknown_count; row++) {
        double *effect = played->effects + row * play->unknown_count;
        if (play->unknowns[row].is_parameter) {
            effect[row] = played->moved[row] != 0.0 ? 1.0 : 0.0;
            continue;
        }
        status = read_row(at, play->unknowns[row].ref, error);
        for (size_t unknown = 0; status == GM_OK && unknown < play->unknown_count; unknown++) {
            double moved = played->moved[unknown];
            effect[unknown] = moved != 0.0 ? (at->row[unknown + 1] - at->row[0]) / moved : 0.0;
        }
    }
    return status;
}

static gm_status check_runs(const stage *at, gm_error *error)
{
    const gm_play *play = at->play;
    if (has_failed(at, 0)) {
        return gm_error_set(error, GM_NUMERIC, "the world fails over this horizon as declared");
    }
    for (size_t unknown = 0; unknown < play->unknown_count; unknown++) {
        if (has_failed(at, unknown + 1)) {
            char address[4 * GM_NAME_MAX];
            gm_world_address(play->world, play->unknowns[unknown].ref, address, sizeof address);
            return gm_error_set(error, GM_NUMERIC,
                                "the world fails over this horizon when %s is off by its spread",
                                address);
        }
    }
    return GM_OK;
}

static gm_status find_slopes(const gm_play *play, double share, gm_played *played, gm_error *error)
{
    bool apart = draws_itself(play->world);
    size_t runs = play->unknown_count + 1;
    stage at = { .lanes = apart ? 1 : runs, .state_count = apart ? runs : 1, .done_share = share };
    gm_status status = open_stage(play, &at, error);
    for (size_t index = 0; status == GM_OK && index < play->unknown_count; index++) {
        status = set_off(&at, index, &played->moved[index], error);
    }
    for (size_t step = 0; status == GM_OK && step < play->steps; step++) {
        status = take_step(&at, step, error);
        if (status == GM_OK) {
            status = check_runs(&at, error);
        }
        if (status == GM_OK) {
            add_slopes(&at, step, played);
        }
    }
    if (status == GM_OK) {
        status = find_effects(&at, played, error);
    }
    close_stage(&at);
    return status;
}

// ---- chances ----

/// Takes the mean over lanes away. @param row  in out, [lanes]
static void centre(double *row, size_t lanes, double factor)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < lanes; lane++) {
        sum += row[lane];
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        row[lane] = (row[lane] - sum / (double)lanes) * factor;
    }
}

/// Where a block's sums stand while it is gathered, and its deviations after it.
static double *block_row(const gm_play *play, gm_played *played, size_t reading, size_t block)
{
    return played->wander + reading * played->samples + block * play->lanes;
}

static void add_wander(const stage *at, size_t step, gm_played *played)
{
    const gm_play *play = at->play;
    size_t block = step * play->blocks / play->steps;
    bool ends = step + 1 == play->steps || (step + 1) * play->blocks / play->steps != block;
    size_t steps = steps_of(play, block, play->blocks);
    double slice = (double)play->steps / (double)play->slices;
    // a mean of uncorrelated slices varies less the longer it is: back to the length of a slice
    double factor = sqrt((double)steps / slice) / (double)steps;
    for (size_t reading = 0; reading < play->reading_count; reading++) {
        double *row = block_row(play, played, reading, block);
        for (size_t lane = 0; lane < play->lanes; lane++) {
            row[lane] += reading_of(at, reading, lane);
        }
        if (ends) {
            centre(row, play->lanes, factor);
        }
    }
}

/// A step's readings go into the recent mean they belong to.
static void add_recent(const stage *at, size_t step, gm_played *played)
{
    const gm_play *play = at->play;
    size_t recent = recent_at(play, step);
    double share = 1.0 / (double)gm_play_recent_steps(recent);
    for (size_t reading = 0; recent < play->recents && reading < play->reading_count; reading++) {
        double *row = played->recent + (reading * play->recents + recent) * play->lanes;
        for (size_t lane = 0; lane < play->lanes; lane++) {
            row[lane] += share * reading_of(at, reading, lane);
        }
    }
}

static gm_status find_ends(stage *at, gm_played *played, gm_error *error)
{
    const gm_play *play = at->play;
    gm_status status = GM_OK;
    for (size_t lane = 0; lane < play->lanes; lane++) {
        if (has_failed(at, lane)) {
            return gm_error_set(error, GM_NUMERIC,
                                "the world fails over this horizon by what is left to chance");
        }
    }
    for (size_t row = 0; status == GM_OK && row < play->unknown_count; row++) {
        double *ends = played->ends + row * play->lanes;
        if (!play->unknowns[row].is_parameter) {
            status = gm_state_read(at->states[0], play->unknowns[row].ref, ends, error);
            centre(ends, play->lanes, 1.0);
        }
    }
    for (size_t row = 0; row < play->reading_count * play->recents; row++) {
        centre(played->recent + row * play->lanes, play->lanes, 1.0);
    }
    return status;
}

static gm_status find_chances(const gm_play *play, double before, gm_played *played,
                              gm_error *error)
{
    stage at = { .lanes = play->lanes,
                 .state_count = 1,
                 .chancy = true,
                 .done_before = before,
                 .done_share = 1.0 - before };
    gm_status status = open_stage(play, &at, error);
    for (size_t step = 0; status == GM_OK && step < play->steps; step++) {
        status = take_step(&at, step, error);
        if (status == GM_OK) {
            add_wander(&at, step, played);
            add_recent(&at, step, played);
        }
    }
    if (status == GM_OK) {
        status = find_ends(&at, played, error);
    }
    close_stage(&at);
    return status;
}

// ---- both ----

static gm_status make_room(const gm_play *play, gm_played *played, gm_error *error)
{
    size_t unknowns = play->unknown_count, readings = play->reading_count;
    played->lanes = gm_play_has_chance(play->world) ? play->lanes : 0;
    played->samples = played->lanes * play->blocks;
    played->moved = gm_memory_new(unknowns, sizeof(double));
    played->slopes = gm_memory_new(readings * play->slices, unknowns * sizeof(double));
    played->effects = gm_memory_new(unknowns * unknowns, sizeof(double));
    played->wander = gm_memory_new(readings * played->samples, sizeof(double));
    played->ends = gm_memory_new(unknowns * played->lanes, sizeof(double));
    played->recent_slopes = gm_memory_new(readings * play->recents, unknowns * sizeof(double));
    played->recent = gm_memory_new(readings * play->recents, played->lanes * sizeof(double));
    return played->moved != NULL && played->slopes != NULL && played->effects != NULL &&
                   played->wander != NULL && played->ends != NULL && played->recent != NULL &&
                   played->recent_slopes != NULL
               ? GM_OK
               : no_memory(error);
}

gm_status gm_play_run(const gm_play *play, gm_played *played, gm_error *error)
{
    gm_played made = { 0 };
    gm_status status = make_room(play, &made, error);
    double runs = (double)(play->unknown_count + 1), chances = (double)made.lanes;
    double share = runs / (runs + chances);
    if (status == GM_OK) {
        status = find_slopes(play, share, &made, error);
    }
    if (status == GM_OK && made.lanes > 0) {
        status = find_chances(play, share, &made, error);
    }
    if (status != GM_OK) {
        gm_played_free(&made);
        return status;
    }
    *played = made;
    return GM_OK;
}

void gm_played_free(gm_played *played)
{
    gm_memory_free(played->moved);
    gm_memory_free(played->slopes);
    gm_memory_free(played->effects);
    gm_memory_free(played->wander);
    gm_memory_free(played->ends);
    gm_memory_free(played->recent);
    gm_memory_free(played->recent_slopes);
    *played = (gm_played){ 0 };
}
