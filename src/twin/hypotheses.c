// Hypotheses side by side: weights, and what others see.
//
// Weights are those of a hidden Markov model: at any time another hypothesis may begin to hold, on
// average after `holds_s`, drawn by what is thought of them beforehand; so what lost for days is
// taken up again within minutes, and what a single measurement says is soon forgotten.
#include "twin/hypotheses.h"

#include <math.h>
#include <string.h>

static const double prior_known = 0.98; // of "as known", where it is among the hypotheses
static const double holds_s = 86400.0;  // how long a hypothesis holds on average
static const double evidence_least = -700.0;

size_t gm_hypotheses_size(const gm_twin *twin)
{
    return twin->estimator.cell_count * twin->world->hypothesis_count *
           sizeof(gm_hypothesis_memory);
}

gm_status gm_hypotheses_open(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    if (world->hypothesis_count == 1) {
        twin->shown_layout = twin->layout;
        return GM_OK;
    }
    const gm_section sections[TWIN_SECTIONS] = {
        { "estimators", twin->estimator.cell_count * sizeof(gm_cell_memory), 1 },
        { "sensors", world->sensor_count * sizeof(gm_sensor_memory), 1 },
        { "sensing", 0, 1 }, // as for filters
        { "adopted", 0, 1 }, // what it did to fields is in the fields
        { "hypotheses", gm_hypotheses_size(twin), 1 },
        { "filters", 0, 1 }, // nobody goes on assimilating what others see
    };
    return gm_world_layout(world, twin->distinct, sections, TWIN_SECTIONS, &twin->shown_layout,
                           error);
}

// ---- weights ----

double gm_hypothesis_prior(const gm_world *world, size_t number)
{
    size_t count = world->hypothesis_count, others = 0;
    for (size_t index = 0; index < count; index++) {
        others += world->hypotheses[index] != GM_HYPOTHESIS_KNOWN;
    }
    if (others == count) {
        return 1.0 / (double)count;
    }
    return world->hypotheses[number] == GM_HYPOTHESIS_KNOWN ? prior_known
                                                            : (1.0 - prior_known) / (double)others;
}

static const gm_hypothesis_memory *memories_of(const gm_world *world, const gm_state *state,
                                               size_t group)
{
    const gm_hypothesis_memory *all = gm_state_section(state, SECTION_HYPOTHESES);
    return all + group * world->hypothesis_count;
}

void gm_hypotheses_weights(const gm_world *world, const gm_state *state, size_t group,
                           double *weights)
{
    const gm_hypothesis_memory *memories = memories_of(world, state, group);
    double sum = 0.0;
    for (size_t index = 0; index < world->hypothesis_count; index++) {
        weights[index] = exp(memories[index].evidence);
        sum += weights[index];
    }
    for (size_t index = 0; index < world->hypothesis_count; index++) {
        weights[index] /= sum;
    }
}

/// Logarithms of weights, the greatest 0.
static void remember(gm_hypothesis_memory *memories, size_t count, const double *logarithms)
{
    double most = logarithms[0];
    for (size_t index = 1; index < count; index++) {
        most = fmax(most, logarithms[index]);
    }
    for (size_t index = 0; index < count; index++) {
        memories[index].evidence = fmax(logarithms[index] - most, evidence_least);
    }
}

void gm_hypotheses_begin(const gm_twin *twin, gm_state *state)
{
    gm_hypothesis_memory *all = gm_state_section_write(state, SECTION_HYPOTHESES);
    const gm_world *world = twin->world;
    double logarithms[GM_HYPOTHESES];
    for (size_t index = 0; index < world->hypothesis_count; index++) {
        logarithms[index] = log(gm_hypothesis_prior(world, index));
    }
    for (size_t cell = 0; cell < twin->estimator.cell_count; cell++) {
        remember(all + cell * world->hypothesis_count, world->hypothesis_count, logarithms);
    }
}

void gm_hypotheses_learn(gm_twin *twin, size_t group, const double *likelihoods)
{
    gm_hypothesis_memory *memories = gm_hypothesis_memories(twin, group);
    size_t count = twin->world->hypothesis_count;
    double logarithms[GM_HYPOTHESES];
    for (size_t index = 0; index < count; index++) {
        logarithms[index] = memories[index].evidence + likelihoods[index];
    }
    remember(memories, count, logarithms);
}

void gm_hypotheses_age(gm_twin *twin, int64_t elapsed_ns)
{
    const gm_world *world = twin->world;
    double other = -expm1(-(double)elapsed_ns * 1e-9 / holds_s);
    for (size_t group = 0; world->hypothesis_count > 1 && group < world->group_count; group++) {
        double weights[GM_HYPOTHESES];
        gm_hypotheses_weights(world, twin->state, group, weights);
        for (size_t index = 0; index < world->hypothesis_count; index++) {
            weights[index] =
                log((1.0 - other) * weights[index] + other * gm_hypothesis_prior(world, index));
        }
        remember(gm_hypothesis_memories(twin, group), world->hypothesis_count, weights);
    }
}

// ---- what others see ----

/// The van der Corput sequence: 1/2, 1/4, 3/4, 1/8 ...; the first so many are spread evenly,
/// however many they are.
static double spread_evenly(size_t number)
{
    double value = 0.0, digit = 0.5;
    for (size_t rest = number + 1; rest > 0; rest >>= 1) {
        value += (double)(rest & 1) * digit;
        digit *= 0.5;
    }
    return value;
}

void gm_hypotheses_draw(const double *weights, size_t hypotheses, uint32_t *chosen, size_t count)
{
    for (size_t lane = 0; lane < count; lane++) {
        double at = spread_evenly(lane), below = weights[0];
        chosen[lane] = 0;
        while (at >= below && chosen[lane] + 1 < hypotheses) {
            below += weights[++chosen[lane]];
        }
    }
}

/// Rows of numbers by lane, of the live state and of the drawn one.
static void draw_row(const double *from, double *to, const uint32_t *source, size_t count)
{
    for (size_t lane = 0; lane < count; lane++) {
        to[lane] = from[source[lane]];
    }
}

static size_t group_of(const gm_world *world, gm_ref ref)
{
    return world->systems[ref.system].group;
}

/// What drivers and unknown inputs remember of each lane.
/// @param sources  [system_count]
static bool draw_sections(const gm_twin *twin, const gm_state *from, const uint32_t *const *sources,
                          gm_state *to)
{
    const gm_world *world = twin->world;
    const double *drivers = gm_state_section(from, GM_WORLD_DRIVER_SECTION);
    const double *inputs = gm_state_section(from, GM_WORLD_UNKNOWN_SECTION);
    double *own_drivers = gm_state_section_write(to, GM_WORLD_DRIVER_SECTION);
    double *own_inputs = gm_state_section_write(to, GM_WORLD_UNKNOWN_SECTION);
    if (own_drivers == NULL || own_inputs == NULL) {
        return false;
    }
    for (size_t index = 0; index < world->driver_count; index++) {
        const gm_world_driver *driver = &world->drivers[index];
        const gm_world_rule *rules[] = { &driver->past, &driver->ahead };
        for (size_t at = 0; at < 2; at++) {
            if (rules[at]->kind == GM_RULE_STOCHASTIC && !rules[at]->has_mean) {
                draw_row(drivers + rules[at]->stochastic * twin->lanes,
                         own_drivers + rules[at]->stochastic * twin->distinct,
                         sources[driver->ref.system], twin->distinct);
            }
        }
    }
    for (size_t index = 0; index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        for (size_t row = 2 * estimate->unknown;
             estimate->kind == GM_ESTIMATE_INPUT && row < 2 * estimate->unknown + 2; row++) {
            draw_row(inputs + row * twin->lanes, own_inputs + row * twin->distinct,
                     sources[estimate->ref.system], twin->distinct);
        }
    }
    static const size_t whole[] = { SECTION_CELLS, SECTION_SENSORS, SECTION_HYPOTHESES };
    const size_t sizes[] = { twin->estimator.cell_count * sizeof(gm_cell_memory),
                             world->sensor_count * sizeof(gm_sensor_memory),
                             gm_hypotheses_size(twin) };
    for (size_t index = 0; index < sizeof whole / sizeof *whole; index++) {
        void *own = gm_state_section_write(to, whole[index]);
        if (own == NULL) {
            return false;
        }
        memcpy(own, gm_state_section(from, whole[index]), sizes[index]);
    }
    return true;
}

static gm_state *draw(const gm_twin *twin, const gm_state *from, gm_error *error)
{
    const gm_world *world = twin->world;
    size_t lanes = twin->distinct;
    uint32_t *drawn = gm_memory_new(world->group_count * lanes, sizeof *drawn);
    const uint32_t **sources = gm_memory_new(world->system_count, sizeof *sources);
    gm_state *state = NULL;
    bool done = drawn != NULL && sources != NULL;
    for (size_t group = 0; done && group < world->group_count; group++) {
        double weights[GM_HYPOTHESES];
        uint32_t *own = drawn + group * lanes;
        gm_hypotheses_weights(world, from, group, weights);
        gm_hypotheses_draw(weights, world->hypothesis_count, own, lanes);
        for (size_t lane = 0; lane < lanes; lane++) {
            own[lane] = own[lane] * (uint32_t)lanes + (uint32_t)lane;
        }
    }
    for (uint32_t system = 0; done && system < world->system_count; system++) {
        sources[system] = drawn + group_of(world, (gm_ref){ .system = system }) * lanes;
    }
    done = done && gm_state_draw(from, sources, twin->shown_layout, &state, error) == GM_OK &&
           draw_sections(twin, from, sources, state);
    gm_memory_free(drawn);
    gm_memory_free(sources);
    if (!done) {
        gm_state_close(state);
        gm_error_set(error, GM_MEMORY, "no memory for what others see");
        return NULL;
    }
    return state;
}

gm_held *gm_hypotheses_show(gm_twin *twin, gm_held *held, gm_error *error)
{
    if (twin->world->hypothesis_count == 1) {
        atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
        return held;
    }
    if (twin->shown == NULL || twin->shown->whole != held) {
        gm_state *state = draw(twin, held->state, error);
        gm_held *shown = state != NULL ? gm_held_take(state, error) : NULL;
        if (shown == NULL) {
            return NULL;
        }
        atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
        shown->whole = held;
        shown->cycle = held->cycle;
        gm_held_drop(twin->shown);
        twin->shown = shown;
    }
    atomic_fetch_add_explicit(&twin->shown->holders, 1, memory_order_relaxed);
    return twin->shown;
}
