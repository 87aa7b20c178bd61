// Hypotheses side by side: what may be wrong with the model. Private to src/twin.
//
// The live state holds a block of lanes for each hypothesis (the model is as the world file says;
// its parameters drift; an input acts that nobody knows), one behind the other. Each block is
// assimilated by itself and lets move what its hypothesis allows; lane k of every block draws the
// same lots. So the blocks differ by their hypothesis alone, and the first is, to the bit, the twin
// that had no other.
//
// What a hypothesis is worth is told by the likelihood of what was measured, group by group, and in
// forecasts by how its own fared besides (forecast_hypotheses.c). What others see are as many lanes
// as the world file says: lane k of the hypothesis that it falls to, in proportion to the weights.
// With one hypothesis all of this is nothing: what others see is the live state.
#ifndef GEMEL_TWIN_HYPOTHESES_H
#define GEMEL_TWIN_HYPOTHESES_H

#include "twin/twin_parts.h"

/// Memory of one hypothesis about one cell, part of the state: [cell_count][hypothesis_count]. Side
/// by side with others, a hypothesis is about a whole group, which then is one cell of the same
/// number.
typedef struct gm_hypothesis_memory {
    double unrest;   // random walk of states, in sensor noises per square root of a second
    double evidence; // logarithm of its weight; the greatest of a group is 0
} gm_hypothesis_memory;

static inline gm_hypothesis_memory *gm_hypothesis_memories(gm_twin *twin, size_t cell)
{
    gm_hypothesis_memory *all = gm_state_section_write(twin->state, SECTION_HYPOTHESES);
    return all + cell * twin->world->hypothesis_count;
}

/// Bytes of SECTION_HYPOTHESES.
size_t gm_hypotheses_size(const gm_twin *twin);
/// The layout of what others see. @return GM_MEMORY
gm_status gm_hypotheses_open(gm_twin *twin, gm_error *error);
/// Weights before anything was measured, in a state that begins.
void gm_hypotheses_begin(const gm_twin *twin, gm_state *state);

/// How much is thought of a hypothesis before anything was measured; they sum up to 1.
double gm_hypothesis_prior(const gm_world *world, size_t number);
/// The weights of a group's hypotheses. @param weights out, [hypothesis_count], of sum 1
void gm_hypotheses_weights(const gm_world *world, const gm_state *state, size_t group,
                           double *weights);
/// Log-likelihoods of what was measured at one time. @param likelihoods  [hypothesis_count]
void gm_hypotheses_learn(gm_twin *twin, size_t group, const double *likelihoods);
/// Time passes: what holds may have changed.
void gm_hypotheses_age(gm_twin *twin, int64_t elapsed_ns);

/// Which hypothesis each of `count` lanes falls to. The same lane goes over last when weights
/// change. @param weights  [hypothesis_count], of sum 1
void gm_hypotheses_draw(const double *weights, size_t hypotheses, uint32_t *chosen, size_t count);
/// What others see of the end of a cycle. @return the same with one more holder, or a drawn one;
/// NULL: no memory
gm_held *gm_hypotheses_show(gm_twin *twin, gm_held *held, gm_error *error);

#endif
