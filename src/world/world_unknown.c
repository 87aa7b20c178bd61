// Unknown inputs: what acts on a system beyond what drivers, links and sensors supply (a source of
// heat that nobody modelled, a demand that nobody meters).
//
// Each lane adds its own, which the estimator moves; the section holds what is supplied and what is
// added, so that the one may change without the other. Interventions set inputs as a whole.
#include <math.h>
#include <string.h>

#include "world/world_reader.h"

static const char *const names[GM_HYPOTHESES] = {
    [GM_HYPOTHESIS_ALL] = "drifting and unknown input",
    [GM_HYPOTHESIS_KNOWN] = "as known",
    [GM_HYPOTHESIS_DRIFTING] = "drifting",
    [GM_HYPOTHESIS_INPUT] = "unknown input",
};

const char *gm_hypothesis_name(gm_hypothesis hypothesis)
{
    return names[hypothesis];
}

bool gm_hypothesis_moves(gm_hypothesis hypothesis, gm_estimate_kind kind)
{
    switch (kind) {
    case GM_ESTIMATE_INPUT:
        return hypothesis == GM_HYPOTHESIS_ALL || hypothesis == GM_HYPOTHESIS_INPUT;
    case GM_ESTIMATE_PARAMETER:
        return hypothesis == GM_HYPOTHESIS_ALL || hypothesis == GM_HYPOTHESIS_DRIFTING;
    case GM_ESTIMATE_STATE:
    default:
        return true;
    }
}

size_t gm_world_unknown(const gm_world *world, gm_ref input)
{
    // inputs stand together between states and parameters; few worlds have any
    for (size_t index = 0; world->unknown_count > 0 && index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        if (estimate->kind == GM_ESTIMATE_INPUT &&
            gm_world_compare_refs(&estimate->ref, &input) == 0) {
            return estimate->unknown;
        }
    }
    return GM_NO_INDEX;
}

/// Where an unknown input lies in its section: what is supplied, then what is added.
static size_t place_of(const gm_state *state, size_t unknown)
{
    return 2 * unknown * gm_state_lanes(state);
}

const double *gm_world_unknown_supplied(const gm_state *state, size_t unknown)
{
    const double *section = gm_state_section(state, GM_WORLD_UNKNOWN_SECTION);
    return section + place_of(state, unknown);
}

const double *gm_world_unknown_added(const gm_state *state, size_t unknown)
{
    const double *section = gm_state_section(state, GM_WORLD_UNKNOWN_SECTION);
    return section + place_of(state, unknown) + gm_state_lanes(state);
}

gm_status gm_world_unknown_begin(const gm_world *world, gm_state *state, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; status == GM_OK && index < world->estimate_count; index++) {
        const gm_world_estimate *estimate = &world->estimates[index];
        if (estimate->kind != GM_ESTIMATE_INPUT) {
            continue;
        }
        double *section = gm_state_section_write(state, GM_WORLD_UNKNOWN_SECTION);
        if (section == NULL) {
            return gm_world_no_memory(error);
        }
        status = gm_state_read(state, estimate->ref, section + place_of(state, estimate->unknown),
                               error);
    }
    return status;
}

gm_status gm_world_unknown_add(const gm_world *world, gm_state *state, size_t estimate,
                               const double *added, gm_error *error)
{
    const gm_world_estimate *input = &world->estimates[estimate];
    const gm_field *field = gm_world_field(world, input->ref);
    double *section = gm_state_section_write(state, GM_WORLD_UNKNOWN_SECTION);
    size_t lanes = gm_state_lanes(state);
    double *values = gm_memory_new(lanes, sizeof *values);
    if (section == NULL || values == NULL) {
        gm_memory_free(values);
        return gm_world_no_memory(error);
    }
    double *supplied = section + place_of(state, input->unknown), *own = supplied + lanes;
    for (size_t lane = 0; lane < lanes; lane++) {
        own[lane] = isfinite(added[lane]) ? added[lane] : own[lane];
        values[lane] = fmin(fmax(supplied[lane] + own[lane], field->min), field->max);
    }
    gm_status status = gm_state_write(state, input->ref, values, error);
    gm_memory_free(values);
    return status;
}

gm_status gm_world_supply(const gm_world *world, gm_state *state, gm_ref input, double *values,
                          gm_error *error)
{
    size_t unknown = gm_world_unknown(world, input);
    if (unknown == GM_NO_INDEX) {
        return GM_OK;
    }
    double *section = gm_state_section_write(state, GM_WORLD_UNKNOWN_SECTION);
    if (section == NULL) {
        return gm_world_no_memory(error);
    }
    size_t lanes = gm_state_lanes(state);
    const gm_field *field = gm_world_field(world, input);
    double *supplied = section + place_of(state, unknown), *own = supplied + lanes;
    for (size_t lane = 0; lane < lanes; lane++) {
        supplied[lane] = values[lane];
        values[lane] = fmin(fmax(values[lane] + own[lane], field->min), field->max);
    }
    return GM_OK;
}

gm_status gm_world_unknown_carry(const gm_world *world, const gm_state *from,
                                 const gm_world *variant, gm_state *state, gm_error *error)
{
    const double *old = gm_state_section(from, GM_WORLD_UNKNOWN_SECTION);
    gm_status status = gm_world_unknown_begin(variant, state, error);
    for (size_t index = 0; status == GM_OK && index < variant->estimate_count; index++) {
        const gm_world_estimate *estimate = &variant->estimates[index];
        gm_ref there;
        size_t unknown = GM_NO_INDEX;
        if (estimate->kind == GM_ESTIMATE_INPUT &&
            gm_world_counterpart(variant, estimate->ref, world, &there)) {
            unknown = gm_world_unknown(world, there);
        }
        if (unknown != GM_NO_INDEX) {
            double *own = gm_state_section_write(state, GM_WORLD_UNKNOWN_SECTION);
            memcpy(own + place_of(state, estimate->unknown), old + place_of(from, unknown),
                   2 * gm_state_lanes(from) * sizeof *own);
        }
    }
    return status;
}
