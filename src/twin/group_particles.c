// Particles in the live twin: lanes are copied as wholes, within their group.
//
// Everything else takes lanes as equally likely, so they are renewed at every update
// (assim/particle_filter.h with a share of 1); copies of states are set apart by its jitter,
// parameters by Liu and West's shrinkage (assim/liu_west.h). What drivers and unknown inputs
// remember of a lane goes with it; of other groups nothing moves.
#include "assim/liu_west.h"
#include "assim/particle_filter.h"
#include "twin/adopted.h"
#include "twin/group_filter.h"
#include "twin/sensing.h"

enum { PURPOSE_PARTICLES = 10, PURPOSE_SHAKE = 12 };

size_t gm_group_particles_room(size_t lanes, size_t row_count)
{
    size_t renewal = gm_particles_room(lanes, row_count),
           shake = gm_liu_west_room(lanes, row_count);
    // log-weights, weights, and one row's work; two rows of 32-bit numbers
    return 4 * lanes + (renewal > shake ? renewal : shake);
}

/// @param values  [lanes of the state]; source[k] of a copied lane is itself
static void gather(double *values, const uint32_t *source, size_t lanes)
{
    for (size_t lane = 0; lane < lanes; lane++) {
        values[lane] = values[source[lane]];
    }
}

/// What drivers and unknown inputs of the group remember of each lane.
static gm_status gather_sections(gm_twin *twin, size_t group, const uint32_t *source,
                                 gm_error *error)
{
    const gm_world *world = twin->world;
    double *drivers = gm_state_section_write(twin->state, GM_WORLD_DRIVER_SECTION);
    double *inputs = gm_state_section_write(twin->state, GM_WORLD_UNKNOWN_SECTION);
    if (drivers == NULL || inputs == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to resample lanes");
    }
    for (size_t index = 0; index < world->driver_count; index++) {
        const gm_world_driver *driver = &world->drivers[index];
        const gm_world_rule *rules[] = { &driver->past, &driver->ahead };
        for (size_t at = 0; at < 2 && world->systems[driver->ref.system].group == group; at++) {
            if (rules[at]->kind == GM_RULE_STOCHASTIC && !rules[at]->has_mean) {
                gather(drivers + rules[at]->stochastic * twin->lanes, source, twin->lanes);
            }
        }
    }
    for (size_t index = 0; index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        bool own = estimate->kind == GM_ESTIMATE_INPUT &&
                   world->systems[estimate->ref.system].group == group;
        for (size_t row = 2 * estimate->unknown; own && row < 2 * estimate->unknown + 2; row++) {
            gather(inputs + row * twin->lanes, source, twin->lanes);
        }
    }
    return GM_OK;
}

/// The lanes of the state follow their sources.
/// @param source  [analysis->lanes], numbers among step->lanes
static gm_status copy_lanes(gm_twin *twin, const gm_group_step *step, const uint32_t *source,
                            gm_error *error)
{
    uint32_t *all = twin->estimator.source;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        all[lane] = (uint32_t)lane;
    }
    for (size_t lane = 0; lane < step->lanes.count; lane++) {
        all[step->lanes.numbers[lane]] = step->lanes.numbers[source[lane]];
    }
    bool *chosen = twin->filters->chosen;
    for (size_t system = 0; system < twin->world->system_count; system++) {
        chosen[system] = twin->world->systems[system].group == step->group;
    }
    gm_status status = gm_state_resample_systems(twin->state, chosen, all, error);
    if (status == GM_OK) {
        status = gather_sections(twin, step->group, all, error);
    }
    if (status == GM_OK) {
        gm_sensing_resample(twin, step->group, all);
    }
    return status == GM_OK ? gm_adopted_resample(twin, step->group, all, error) : status;
}

/// What is not a state or an input follows its lane too, and is shaken.
static void move_parameters(const gm_twin *twin, const gm_group_step *step,
                            const gm_particles *particles, double *room)
{
    const gm_analysis *analysis = step->analysis;
    const gm_group_filter *filter = &twin->filters->groups[step->group];
    gm_liu_west how = { .lanes = analysis->lanes,
                        .weights = particles->weights,
                        .source = particles->source,
                        .discount = filter->discount,
                        .random = filter->random,
                        .purpose = PURPOSE_SHAKE,
                        .occurrence = gm_group_step_time(step) };
    size_t first = particles->value_count;
    gm_liu_west_renew(&how, analysis->values + first * analysis->lanes,
                      analysis->value_count - first, room);
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        gather(analysis->predictions + index * analysis->lanes, particles->source, analysis->lanes);
    }
}

/// A lane is weighed as a whole, its parameters too, so all of it is weighed with their caution.
static const double *cautious_variances(const gm_twin *twin, const gm_analysis *analysis)
{
    for (size_t index = 0; index < analysis->measurement_count; index++) {
        double caution = analysis->caution != NULL ? analysis->caution[index] : 1.0;
        twin->filters->scaled[index] = analysis->variance[index] * caution;
    }
    return twin->filters->scaled;
}

gm_status gm_group_particles_update(gm_twin *twin, const gm_group_step *step, gm_error *error)
{
    const gm_analysis *analysis = step->analysis;
    const gm_group_filter *filter = &twin->filters->groups[step->group];
    size_t lanes = analysis->lanes;
    double *room = twin->filters->room;
    gm_particles particles = { .lanes = lanes,
                               .log_weights = room,
                               .values = analysis->values,
                               .value_count = analysis->cautious_from - analysis->doubted,
                               .weights = room + lanes,
                               .source = (uint32_t *)(void *)(room + 2 * lanes),
                               .copies = (uint32_t *)(void *)(room + 3 * lanes) };
    room += 4 * lanes;
    gm_group_take_innovations(step);
    for (size_t lane = 0; lane < lanes; lane++) {
        particles.log_weights[lane] = 0.0;
        particles.weights[lane] = 1.0 / (double)lanes;
    }
    gm_particle_options options =
        gm_default_particle_options(filter->random, gm_group_step_time(step));
    options.share = 1.0;
    options.purpose = PURPOSE_PARTICLES;
    options.bandwidth = filter->jitter * gm_particles_widening(analysis, particles.weights);
    gm_particle_result result = { 0 };
    gm_analysis careful = *analysis;
    careful.variance = cautious_variances(twin, analysis);
    gm_status status = gm_particles_weigh(&careful, particles.log_weights, error);
    if (status == GM_OK) {
        status = gm_particles_renew(&particles, &options, room, &result, error);
    }
    if (status != GM_OK || !result.renewed) { // all lanes count alike
        return status;
    }
    move_parameters(twin, step, &particles, room);
    return copy_lanes(twin, step, particles.source, error);
}
