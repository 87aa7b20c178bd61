// The local filter that looks after itself: what it learned is a plain value, whatever happens.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <gemel/random.h>

#include "assim/local_untended.h"

enum { VALUES = 60, MEASUREMENTS = 30, LANES = 10, STEPS = 45 };

/// A wave of noise that goes round a circle, every second value measured.
typedef struct world {
    double values[VALUES * LANES], predictions[MEASUREMENTS * LANES], truth[VALUES];
    double measured[MEASUREMENTS], variance[MEASUREMENTS];
    gm_local_memory learned;
} world;

/// One step: everything moves on by a place, and noise comes in over five neighbours.
static void advance(world *w, uint64_t step)
{
    const gm_random random = gm_random_for(6, "world");
    for (uint32_t lane = 0; lane <= LANES; lane++) {
        double next[VALUES];
        for (uint32_t i = 0; i < VALUES; i++) {
            uint32_t from = (i + VALUES - 1) % VALUES;
            double old = lane == LANES ? w->truth[from] : w->values[from * LANES + lane];
            next[i] = 0.95 * old;
            for (uint32_t k = 0; k < 5; k++) {
                gm_draw draw = { lane, (i + k) % VALUES, 0, step };
                next[i] += 0.2 * gm_random_normal(random, draw);
            }
        }
        for (size_t i = 0; i < VALUES; i++) {
            *(lane == LANES ? &w->truth[i] : &w->values[i * LANES + lane]) = next[i];
        }
    }
    for (uint32_t j = 0; j < MEASUREMENTS; j++) {
        memcpy(w->predictions + j * LANES, w->values + 2 * j * LANES, LANES * sizeof(double));
        w->variance[j] = 0.1;
        w->measured[j] =
            w->truth[2 * j] + sqrt(0.1) * gm_random_normal(random, (gm_draw){ 0, j, 1, step });
    }
}

static gm_local_untended *open_circle(void)
{
    static double batches[VALUES], measurements[MEASUREMENTS];
    static const gm_local_values values = { VALUES, NULL, VALUES, MEASUREMENTS };
    static gm_local_points points = { .dimensions = 1, .period_m = { VALUES } };
    for (size_t i = 0; i < VALUES; i++) {
        batches[i] = (double)i;
        measurements[i / 2] = (double)(i / 2 * 2);
    }
    points.batches = batches;
    points.measurements = measurements;
    const gm_local_places places = { .values = &values, .points = &points, .reach = 30.0 };
    gm_local_untended *made = NULL;
    assert_int_equal(gm_local_untended_create(&places, LANES, 1, &made, NULL), GM_OK);
    return made;
}

/// The same circle as a network: a hop is a metre.
static gm_local_untended *open_ring(gm_network **network)
{
    static uint32_t ends[VALUES][2], nodes[VALUES], measured[MEASUREMENTS];
    static const gm_local_values values = { VALUES, NULL, VALUES, MEASUREMENTS };
    static gm_local_nodes at;
    for (uint32_t i = 0; i < VALUES; i++) {
        ends[i][0] = nodes[i] = i;
        ends[i][1] = (i + 1) % VALUES;
        measured[i / 2] = i / 2 * 2;
    }
    assert_int_equal(gm_network_create(VALUES, VALUES, (const uint32_t(*)[2])ends, network, NULL),
                     GM_OK);
    at = (gm_local_nodes){ *network, nodes, measured };
    const gm_local_places places = { .values = &values, .nodes = &at, .reach = 30.0 };
    gm_local_untended *made = NULL;
    assert_int_equal(gm_local_untended_create(&places, LANES, 1, &made, NULL), GM_OK);
    return made;
}

static gm_status update(gm_local_untended *filter, world *w)
{
    const gm_analysis analysis = { .lanes = LANES,
                                   .values = w->values,
                                   .value_count = VALUES,
                                   .predictions = w->predictions,
                                   .measurement_count = MEASUREMENTS,
                                   .measured = w->measured,
                                   .variance = w->variance };
    const gm_local_step step = { .analysis = &analysis,
                                 .options = gm_default_local_options(),
                                 .memory = &w->learned };
    return gm_local_untended_update(filter, &step, NULL);
}

static void follow(gm_local_untended *filter, world *w, uint64_t from)
{
    for (uint64_t step = from; step < STEPS; step++) {
        advance(w, step);
        assert_int_equal(update(filter, w), GM_OK);
    }
}

static void assert_follows(gm_local_untended *filter)
{
    static world w;
    memset(&w, 0, sizeof w);
    follow(filter, &w, 0);
    double square = 0.0, free = 0.0;
    for (size_t i = 0; i < VALUES; i++) {
        double mean = 0.0;
        for (size_t lane = 0; lane < LANES; lane++) {
            mean += w.values[i * LANES + lane] / LANES;
        }
        square += (mean - w.truth[i]) * (mean - w.truth[i]);
        free += w.truth[i] * w.truth[i];
    }
    assert_true(square < 0.15 * free);
    assert_true(w.learned.radius > 0.5 && w.learned.radius < 10.0);
    assert_int_equal(w.learned.analyses, STEPS);
}

static void it_learns_and_follows_by_metres_and_by_hops(void **state)
{
    (void)state;
    gm_local_untended *filter = open_circle();
    assert_follows(filter);
    gm_local_untended_close(filter);
    gm_network *network = NULL;
    filter = open_ring(&network);
    assert_follows(filter);
    gm_local_untended_close(filter);
    gm_network_close(network);
}

static void a_rewound_state_ends_in_the_same_bits(void **state)
{
    (void)state;
    static world w, kept, first;
    enum { KEPT = 13 }; // other radii are found at the 20th and at the 40th
    memset(&w, 0, sizeof w);
    gm_local_untended *filter = open_circle();
    for (uint64_t step = 0; step < KEPT; step++) {
        advance(&w, step);
        assert_int_equal(update(filter, &w), GM_OK);
    }
    kept = w;
    follow(filter, &w, KEPT);
    first = w;
    w = kept;
    follow(filter, &w, KEPT);
    assert_memory_equal(&w, &first, sizeof w);
    gm_local_untended_close(filter);
    // and so does another filter that takes over on the way
    filter = open_circle();
    w = kept;
    follow(filter, &w, KEPT);
    assert_memory_equal(&w, &first, sizeof w);
    gm_local_untended_close(filter);
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    static world w, before;
    memset(&w, 0, sizeof w);
    gm_local_untended *filter = open_circle(), *none = NULL;
    advance(&w, 0);
    w.measured[4] = NAN;
    before = w;
    assert_int_equal(update(filter, &w), GM_NUMERIC);
    w.measured[4] = before.measured[4] = 1e300;
    assert_int_equal(update(filter, &w), GM_NUMERIC);
    assert_memory_equal(&w, &before, sizeof w);
    const gm_local_values values = { 0 };
    const gm_local_points points = { .dimensions = 1 };
    gm_local_places places = { .values = &values, .points = &points, .reach = 0.0 };
    assert_int_equal(gm_local_untended_create(&places, LANES, 1, &none, NULL), GM_INVALID);
    places = (gm_local_places){ .values = &values, .reach = 1.0 };
    assert_int_equal(gm_local_untended_create(&places, LANES, 1, &none, NULL), GM_INVALID);
    places.points = &points;
    assert_int_equal(gm_local_untended_create(&places, 1, 1, &none, NULL), GM_INVALID);
    assert_null(none);
    gm_local_untended_close(NULL);
    gm_local_untended_close(filter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_learns_and_follows_by_metres_and_by_hops),
        cmocka_unit_test(a_rewound_state_ends_in_the_same_bits),
        cmocka_unit_test(what_makes_no_sense_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
