// A state of one or two systems for tests of the model room.
#ifndef GEMEL_TESTS_MODEL_MODEL_FIXTURE_H
#define GEMEL_TESTS_MODEL_MODEL_FIXTURE_H

#include <gemel/state.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "model/config_text.h"

static const int64_t second_ns = 1000000000;

typedef struct trial {
    gm_arena *arena;
    gm_model *model;
    gm_layout *layout;
    gm_state *state;
} trial;

typedef struct trial_options {
    const char *config; // NULL for none
    size_t lanes;
    int width;
    uint64_t seed;
} trial_options;

static inline void must(gm_status status, const gm_error *error)
{
    if (status != GM_OK) {
        fail_msg("%s: %s", gm_status_name(status), error->text);
    }
}

static inline trial open_trial(const gm_domain *domain, trial_options options)
{
    trial made = { .arena = gm_arena_create(0) };
    gm_error error = { 0 };
    gm_layout_options layout = { .seed = options.seed, .width = options.width };
    const gm_config *config =
        options.config != NULL ? config_of(made.arena, NULL, options.config) : NULL;
    must(gm_model_build(domain, "system", config, &made.model, &error), &error);
    const gm_model *systems[] = { made.model };
    must(gm_layout_create(systems, 1, options.lanes, &layout, &made.layout, &error), &error);
    must(gm_state_create(made.layout, 0, &made.state, &error), &error);
    return made;
}

static inline void close_trial(trial *made)
{
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_model_close(made->model);
    gm_arena_close(made->arena);
}

static inline gm_ref ref_of(uint32_t class_number, uint32_t field, size_t element)
{
    return (gm_ref){ 0, class_number, field, (uint32_t)element };
}

static inline void advance_state(gm_state *state, int64_t until_ns, gm_workers *workers)
{
    gm_error error = { 0 };
    must(gm_state_advance(state, 0, until_ns, workers, &error), &error);
}

static inline void read_lanes(const gm_state *state, gm_ref ref, double *values)
{
    gm_error error = { 0 };
    must(gm_state_read(state, ref, values, &error), &error);
}

static inline void write_lanes(gm_state *state, gm_ref ref, const double *values)
{
    gm_error error = { 0 };
    must(gm_state_write(state, ref, values, &error), &error);
}

static inline void fill_lanes(gm_state *state, gm_ref ref, double value)
{
    gm_error error = { 0 };
    must(gm_state_fill(state, ref, value, &error), &error);
}

static inline void assert_close(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.17g is not %.17g within %g", value, expected, tolerance);
    }
}

#endif
