// Moves a whole coupled world forward: drivers and delayed links at ticks, interventions at their
// own times, systems in the order of undelayed links. Ticks at which nothing new would be written
// are passed over.
#include <math.h>
#include <string.h>

#include "base/require.h"
#include "world/profile.h"
#include "world/world_journey.h"
#include "world/world_reader.h"

enum {
    DRAW_DRIVER = 1,   // purpose of a driver's draws
    TICKS_AT_ONCE = 32 // at most so many ticks are passed over in one go
};

gm_status gm_world_work_create(const gm_world *world, size_t lanes, gm_world_work **work,
                               gm_error *error)
{
    gm_world_work *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_world_no_memory(error);
    }
    size_t padded = (lanes + GM_BLOCK_LANES - 1) / GM_BLOCK_LANES * GM_BLOCK_LANES;
    *made = (gm_world_work){ .world = world,
                             .lanes = lanes,
                             .distinct = lanes,
                             .values = gm_memory_new(padded, sizeof *made->values),
                             .before = gm_memory_new(padded, sizeof *made->before),
                             .draws = gm_memory_new(padded, sizeof *made->draws),
                             .sources = gm_memory_new(world->link_count, lanes * sizeof(double)),
                             .written = gm_memory_new(world->driver_count, sizeof(double)),
                             .from = gm_memory_new(world->link_count, sizeof *made->from),
                             .touched = gm_memory_new(world->system_count, sizeof(bool)),
                             .random = gm_random_for(world->seed, "drivers") };
    if (made->values == NULL || made->before == NULL || made->draws == NULL ||
        made->sources == NULL || made->written == NULL || made->from == NULL ||
        made->touched == NULL) {
        gm_world_work_close(made);
        return gm_world_no_memory(error);
    }
    for (size_t index = 0; index < world->link_count; index++) {
        made->from[index] = world->links[index].from;
    }
    *work = made;
    return GM_OK;
}

void gm_world_work_repeat(gm_world_work *work, size_t distinct)
{
    work->distinct = distinct;
}

void gm_world_work_close(gm_world_work *work)
{
    if (work != NULL) {
        gm_memory_free(work->values);
        gm_memory_free(work->before);
        gm_memory_free(work->draws);
        gm_memory_free(work->sources);
        gm_memory_free(work->written);
        gm_memory_free(work->from);
        gm_memory_free(work->touched);
        gm_memory_free(work);
    }
}

// ---- writing ----

// Whether an address has other values than values[lane * stride] in some lane: a system is not told
// of what changes nothing, and shares its memory further.
static gm_status differs(const gm_journey *journey, gm_ref ref, const double *values, size_t stride,
                         bool *different, gm_error *error)
{
    double *before = journey->work->before;
    gm_status status = gm_state_read(journey->state, ref, before, error);
    *different = false;
    for (size_t lane = 0; status == GM_OK && lane < journey->work->lanes; lane++) {
        bool same = before[lane] == values[lane * stride];
        *different = *different || !(same || gm_state_lane_failed(journey->state, lane));
    }
    return status;
}

gm_status gm_journey_write(gm_journey *journey, gm_ref ref, double *values, gm_error *error)
{
    const gm_field *field = gm_world_field(journey->world, ref);
    for (size_t lane = 0; lane < journey->work->lanes; lane++) {
        values[lane] = fmin(fmax(values[lane], field->min), field->max); // a failed lane's NaN too
    }
    bool different = false;
    gm_status status = differs(journey, ref, values, 1, &different, error);
    if (status != GM_OK || !different) {
        return status;
    }
    journey->work->touched[ref.system] = true;
    return gm_state_write(journey->state, ref, values, error);
}

gm_status gm_journey_fill(gm_journey *journey, gm_ref ref, double value, gm_error *error)
{
    const gm_field *field = gm_world_field(journey->world, ref);
    double within = fmin(fmax(value, field->min), field->max);
    bool different = false;
    gm_status status = differs(journey, ref, &within, 0, &different, error);
    if (status != GM_OK || !different) {
        return status;
    }
    journey->work->touched[ref.system] = true;
    return gm_state_fill(journey->state, ref, within, error);
}

// Writes what a driver or link supplies to an input; what is unknown of it comes on top.
static gm_status supply(gm_journey *journey, gm_ref ref, double *values, gm_error *error)
{
    gm_status status = gm_world_supply(journey->world, journey->state, ref, values, error);
    return status == GM_OK ? gm_journey_write(journey, ref, values, error) : status;
}

static gm_status tell_system(gm_journey *journey, uint32_t system, gm_error *error)
{
    if (!journey->work->touched[system]) {
        return GM_OK;
    }
    journey->work->touched[system] = false;
    return gm_state_changed(journey->state, system, error);
}

// ---- drivers ----

static void draw_normals(gm_journey *journey, size_t driver)
{
    gm_draw draw = { .element = (uint32_t)journey->world->drivers[driver].stream,
                     .purpose = DRAW_DRIVER,
                     .occurrence = journey->tick };
    const gm_world_work *work = journey->work;
    size_t once = work->distinct < work->lanes ? work->distinct : work->lanes;
    for (size_t lane = 0; lane < once; lane += GM_BLOCK_LANES) {
        draw.lane = (uint32_t)lane;
        gm_random_normal_lanes(work->random, draw, GM_BLOCK_LANES, work->draws + lane);
    }
    for (size_t lane = once; lane < work->lanes; lane++) {
        work->draws[lane] = work->draws[lane - once];
    }
}

// One step of a first-order autoregression, whose stationary standard deviation is `spread`.
static gm_status drift(gm_journey *journey, size_t driver, const gm_world_rule *rule,
                       gm_error *error)
{
    gm_world_work *work = journey->work;
    gm_ref ref = journey->world->drivers[driver].ref;
    double cycle_s = (double)journey->world->cycle_ns / (double)GM_SECOND_NS;
    double keep = exp(-cycle_s / rule->time_s);
    double kick = rule->spread * sqrt(-expm1(-2.0 * cycle_s / rule->time_s));
    size_t unknown = gm_world_unknown(journey->world, ref);
    gm_status status = gm_state_read(journey->state, ref, work->values, error);
    if (status != GM_OK) {
        return status;
    }
    if (unknown != GM_NO_INDEX) {
        memcpy(work->values, gm_world_unknown_supplied(journey->state, unknown),
               work->lanes * sizeof *work->values);
    }
    draw_normals(journey, driver);
    double *deviations = NULL;
    if (!rule->has_mean) {
        deviations = gm_state_section_write(journey->state, GM_WORLD_DRIVER_SECTION);
        if (deviations == NULL) {
            return gm_world_no_memory(error);
        }
        deviations += rule->stochastic * work->lanes;
    }
    for (size_t lane = 0; lane < work->lanes; lane++) {
        double deviation = rule->has_mean ? work->values[lane] - rule->mean : deviations[lane];
        double base = rule->has_mean ? rule->mean : work->values[lane] - deviation;
        double moved = keep * deviation + kick * work->draws[lane];
        work->values[lane] = base + moved;
        if (!rule->has_mean) {
            deviations[lane] = moved;
        }
    }
    return supply(journey, ref, work->values, error);
}

static const gm_world_rule *rule_of(const gm_journey *journey, const gm_world_driver *driven)
{
    return journey->options->mode == GM_ADVANCE_AHEAD ? &driven->ahead : &driven->past;
}

// What a profile or a known future says for time_ns; NAN when it says nothing.
static double foretold(const gm_journey *journey, const gm_world_driver *driven, int64_t time_ns)
{
    const gm_advance_options *options = journey->options;
    const gm_world_rule *rule = rule_of(journey, driven);
    if (rule->kind == GM_RULE_PROFILE) {
        const gm_profile *profile = journey->world->profiles[rule->profile];
        return gm_profile_value(profile, time_ns) * rule->factor + rule->offset;
    }
    if (rule->kind == GM_RULE_KNOWN && options->known != NULL) {
        return options->known(options->known_context, driven->sensor, time_ns);
    }
    return NAN;
}

static gm_status supply_same(gm_journey *journey, gm_ref ref, double value, gm_error *error)
{
    if (gm_world_unknown(journey->world, ref) == GM_NO_INDEX) {
        return gm_journey_fill(journey, ref, value, error);
    }
    for (size_t lane = 0; lane < journey->work->lanes; lane++) {
        journey->work->values[lane] = value;
    }
    return supply(journey, ref, journey->work->values, error);
}

gm_status gm_journey_drive(gm_journey *journey, size_t driver, bool moves, gm_error *error)
{
    gm_scenario_run *run = journey->options->run;
    const gm_world_driver *driven = &journey->world->drivers[driver];
    const gm_world_rule *rule = rule_of(journey, driven);
    if (rule->kind == GM_RULE_STOCHASTIC) {
        bool held = run != NULL && gm_scenario_run_holds(run, driven->ref);
        return moves && !held ? drift(journey, driver, rule, error) : GM_OK;
    }
    double value = foretold(journey, driven, journey->now_ns);
    journey->work->written[driver] = value;
    if (!isfinite(value)) {
        return GM_OK;
    }
    gm_status status = supply_same(journey, driven->ref, value, error);
    if (status == GM_OK && run != NULL) {
        status = gm_scenario_run_again(run, journey, driven->ref, error);
    }
    return status;
}

// The drivers that write at ticks.
typedef struct writers {
    const uint32_t *drivers; // [count]
    size_t count;
} writers;

static writers writers_of(const gm_journey *journey)
{
    const gm_world *world = journey->world;
    return journey->options->mode == GM_ADVANCE_AHEAD
               ? (writers){ world->ahead_drivers, world->ahead_driver_count }
               : (writers){ world->past_drivers, world->past_driver_count };
}

static gm_status drive_all(gm_journey *journey, bool moves, gm_error *error)
{
    writers all = writers_of(journey);
    gm_status status = GM_OK;
    for (size_t index = 0; index < all.count && status == GM_OK; index++) {
        status = gm_journey_drive(journey, all.drivers[index], moves, error);
    }
    return status;
}

// Whether a driver would write at time_ns something else than it wrote last.
static bool has_news(const gm_journey *journey, int64_t time_ns)
{
    writers all = writers_of(journey);
    for (size_t index = 0; index < all.count; index++) {
        const gm_world_driver *driven = &journey->world->drivers[all.drivers[index]];
        double value = foretold(journey, driven, time_ns);
        bool moved = isfinite(value) && value != journey->work->written[all.drivers[index]];
        if (moved || rule_of(journey, driven)->kind == GM_RULE_STOCHASTIC) {
            return true;
        }
    }
    return false;
}

// ---- links ----

// Carries links [first, end) over: all sources are read before any target is written.
static gm_status carry(gm_journey *journey, size_t first, size_t end, gm_error *error)
{
    gm_world_work *work = journey->work;
    if (first == end) {
        return GM_OK;
    }
    double *sources = work->sources + first * work->lanes;
    gm_status status =
        gm_state_read_many(journey->state, work->from + first, end - first, sources, error);
    for (size_t index = first; index < end && status == GM_OK; index++, sources += work->lanes) {
        const gm_world_link *link = &journey->world->links[index];
        for (size_t lane = 0; lane < work->lanes; lane++) {
            sources[lane] = sources[lane] * link->factor + link->offset;
        }
        status = supply(journey, link->to, sources, error);
        if (status == GM_OK && journey->options->run != NULL) {
            status = gm_scenario_run_again(journey->options->run, journey, link->to, error);
        }
    }
    return status;
}

static gm_status carry_delayed(gm_journey *journey, gm_error *error)
{
    return carry(journey, journey->world->undelayed_count, journey->world->link_count, error);
}

// Each system in order: links into it, then itself to next_ns (unless it is to stand still).
static gm_status move_systems(gm_journey *journey, int64_t next_ns, gm_error *error)
{
    const gm_world *world = journey->world;
    gm_status status = GM_OK;
    size_t first = 0;
    for (size_t at = 0; at < world->system_count && status == GM_OK; at++) {
        uint32_t system = world->order[at];
        size_t end = first;
        while (end < world->undelayed_count && world->links[end].to.system == system) {
            end++;
        }
        status = carry(journey, first, end, error);
        first = end;
        if (status == GM_OK) {
            status = tell_system(journey, system, error);
        }
        // standing still, a system that steps itself brings its outputs in line with its inputs
        bool moves = next_ns > journey->now_ns || world->systems[system].domain->advance != NULL;
        if (status == GM_OK && moves) {
            status =
                gm_state_advance(journey->state, system, next_ns, journey->options->workers, error);
        }
    }
    return status;
}

// ---- time ----

static int64_t floor_division(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

// The next tick at which something may happen; until_ns when that is sooner.
static int64_t next_cut(const gm_journey *journey, int64_t tick, int64_t until_ns)
{
    int64_t cycle_ns = journey->world->cycle_ns;
    int64_t last = floor_division(until_ns - 1, cycle_ns) + 1; // the first tick not before until_ns
    bool at_tick = tick * cycle_ns == journey->now_ns;
    bool ramps = journey->options->run != NULL && gm_scenario_run_has_ramps(journey->options->run);
    bool passes = at_tick && !journey->world->every_tick && !ramps; // all drivers have just written
    int64_t cut = tick + 1;
    while (passes && cut < last && cut < tick + TICKS_AT_ONCE &&
           !has_news(journey, cut * cycle_ns)) {
        cut++;
    }
    return cut < last ? cut * cycle_ns : until_ns;
}

static gm_journey begin(const gm_world *world, gm_state *state, const gm_advance_options *options)
{
    GM_REQUIRE(options->mode != GM_ADVANCE_NONE && options->work != NULL);
    GM_REQUIRE(options->work->lanes == gm_state_lanes(state));
    return (gm_journey){ .world = world,
                         .state = state,
                         .options = options,
                         .work = options->work,
                         .now_ns = gm_state_time(state) };
}

// From journey->now_ns to the next cut, at most until_ns.
static gm_status move_on(gm_journey *journey, int64_t until_ns, gm_error *error)
{
    const gm_world *world = journey->world;
    gm_scenario_run *run = journey->options->run;
    bool ticks =
        journey->options->mode == GM_ADVANCE_AHEAD ? world->ahead_ticks : world->past_ticks;
    int64_t tick = floor_division(journey->now_ns, world->cycle_ns);
    journey->tick = (uint64_t)tick;
    gm_state_set_tick(journey->state, journey->tick);
    gm_status status = GM_OK;
    if (ticks && tick * world->cycle_ns == journey->now_ns) {
        status = drive_all(journey, true, error);
        if (status == GM_OK) {
            status = carry_delayed(journey, error);
        }
    }
    int64_t next_ns = until_ns;
    if (status == GM_OK && run != NULL) {
        status = gm_scenario_run_apply(run, journey, error);
        int64_t cut_ns = gm_scenario_run_next(run, journey->now_ns);
        next_ns = cut_ns < next_ns ? cut_ns : next_ns;
        ticks = ticks || gm_scenario_run_has_ramps(run);
    }
    next_ns = ticks ? next_cut(journey, tick, next_ns) : next_ns;
    if (status == GM_OK) {
        status = move_systems(journey, next_ns, error);
    }
    journey->now_ns = next_ns;
    return status;
}

gm_status gm_world_advance(const gm_world *world, gm_state *state,
                           const gm_advance_options *options, int64_t until_ns, gm_error *error)
{
    gm_journey journey = begin(world, state, options);
    if (until_ns < journey.now_ns) {
        return gm_error_set(error, GM_INVALID, "time does not run back: %lld ns is before %lld ns",
                            (long long)until_ns, (long long)journey.now_ns);
    }
    if (until_ns == journey.now_ns) {
        return GM_OK;
    }
    gm_status status = GM_OK;
    while (journey.now_ns < until_ns && status == GM_OK) {
        status = move_on(&journey, until_ns, error);
    }
    if (status == GM_OK) {
        gm_state_set_tick(state, (uint64_t)floor_division(until_ns - 1, world->cycle_ns));
        status = gm_state_set_time(state, until_ns, error);
    }
    return status;
}

gm_status gm_world_settle(const gm_world *world, gm_state *state, const gm_advance_options *options,
                          gm_error *error)
{
    gm_journey journey = begin(world, state, options);
    gm_status status = drive_all(&journey, false, error);
    if (status == GM_OK) {
        status = carry_delayed(&journey, error);
    }
    if (status == GM_OK && options->run != NULL) {
        status = gm_scenario_run_apply(options->run, &journey, error);
    }
    return status == GM_OK ? move_systems(&journey, journey.now_ns, error) : status;
}
