// The local filter: the global one where everything is near, and nothing where nothing is.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "assim/local_filter.h"
#include "assim/transform_filter.h"
#include "base/arena.h"
#include "num/statistics.h"

enum { VALUES = 150, MEASUREMENTS = 40, LANES_MAX = 24 };

/// An ensemble of values on a line, one a metre, and measurements of some of them.
typedef struct scene {
    size_t lanes, measurement_count;
    double values[VALUES * LANES_MAX], predictions[MEASUREMENTS * LANES_MAX];
    double measured[MEASUREMENTS], variance[MEASUREMENTS];
} scene;

/// Walks at random along the line: neighbours are correlated.
static void draw_scene(scene *s, size_t lanes, size_t measurement_count)
{
    gm_random random = gm_random_for(11, "scene");
    s->lanes = lanes;
    s->measurement_count = measurement_count;
    for (uint32_t lane = 0; lane < lanes; lane++) {
        double at = 0.0;
        for (uint32_t i = 0; i < VALUES; i++) {
            at = 0.9 * at + gm_random_normal(random, (gm_draw){ lane, i, 0, 0 });
            s->values[i * lanes + lane] = 20.0 + at;
        }
    }
    for (uint32_t j = 0; j < measurement_count; j++) {
        size_t seen = j * VALUES / measurement_count;
        memcpy(s->predictions + j * lanes, s->values + seen * lanes, lanes * sizeof(double));
        s->measured[j] = 20.0 + 2.0 * gm_random_normal(random, (gm_draw){ 0, j, 1, 0 });
        s->variance[j] = 0.3 + 0.1 * j;
    }
}

static gm_analysis analysis_of(scene *s)
{
    return (gm_analysis){ .lanes = s->lanes,
                          .values = s->values,
                          .value_count = VALUES,
                          .predictions = s->predictions,
                          .measurement_count = s->measurement_count,
                          .measured = s->measured,
                          .variance = s->variance };
}

/// Where everything is within `radius_m`. @param batch  neighbours that move as one
static gm_localisation *localise(size_t batch, size_t measurement_count, double radius_m)
{
    uint32_t batch_of[VALUES];
    double batches[VALUES], measurements[MEASUREMENTS];
    size_t batch_count = (VALUES + batch - 1) / batch;
    for (uint32_t i = 0; i < VALUES; i++) {
        batch_of[i] = i / (uint32_t)batch;
        batches[batch_of[i]] = i;
    }
    for (size_t j = 0; j < measurement_count; j++) {
        measurements[j] = (double)(j * VALUES / measurement_count);
    }
    const gm_local_values values = { VALUES, batch_of, batch_count, measurement_count };
    const gm_local_points points = { .dimensions = 1,
                                     .batches = batches,
                                     .measurements = measurements };
    gm_localisation *l = NULL;
    assert_int_equal(
        gm_localisation_by_points(&values, &points, gm_default_taper(radius_m), &l, NULL), GM_OK);
    return l;
}

static gm_local_filter *filter_of(const gm_localisation *where, size_t lanes, size_t workers)
{
    gm_local_filter *filter = NULL;
    assert_int_equal(gm_local_filter_create(where, lanes, workers, &filter, NULL), GM_OK);
    return filter;
}

static void assert_close(const double *a, const double *b, size_t count, double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(a[i] - b[i]) <= tolerance)) {
            fail_msg("value %zu: %.17g and %.17g", i, a[i], b[i]);
        }
    }
}

/// The whole ensemble as one batch with all weights 1, against the global transform.
static void compare_with_global(size_t lanes, size_t measurement_count)
{
    static scene local, global;
    draw_scene(&local, lanes, measurement_count);
    global = local;
    gm_localisation *where = localise(VALUES, measurement_count, 1e9);
    gm_local_filter *filter = filter_of(where, lanes, 1);
    gm_analysis analysis = analysis_of(&local), whole = analysis_of(&global);
    gm_local_options options = gm_default_local_options();
    options.after = 1.1;
    options.before = 1.2;
    gm_transform_options reference = gm_default_transform_options();
    reference.after = options.after;
    reference.before = options.before;
    double *room = gm_memory_new(gm_transform_room(lanes), sizeof *room);
    assert_non_null(room);
    gm_innovation found[MEASUREMENTS], expected[MEASUREMENTS];
    gm_error error = { 0 };
    if (gm_local_filter_update(filter, &analysis, &options, found, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(gm_transform_update(&whole, &reference, room, expected, &error), GM_OK);
    assert_close(local.values, global.values, VALUES * lanes, 1e-10);
    assert_close(&found[0].mean, &expected[0].mean, 3 * measurement_count, 1e-10);
    gm_memory_free(room);
    gm_local_filter_close(filter);
    gm_localisation_close(where);
}

static void one_batch_with_all_in_full_is_the_global_filter(void **state)
{
    (void)state;
    compare_with_global(5, 40);  // more measurements than lanes
    compare_with_global(24, 24); // as many
    compare_with_global(24, 3);  // fewer
    compare_with_global(2, 1);
}

static void far_measurements_do_not_matter(void **state)
{
    (void)state;
    static scene near, far;
    draw_scene(&near, 20, MEASUREMENTS);
    far = near;
    gm_localisation *where = localise(1, MEASUREMENTS, 5.0);
    gm_local_filter *filter = filter_of(where, 20, 1);
    far.measured[MEASUREMENTS - 1] += 1e6; // at value 146
    gm_analysis analysis = analysis_of(&near), other = analysis_of(&far);
    gm_local_options options = gm_default_local_options();
    assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, NULL), GM_OK);
    assert_int_equal(gm_local_filter_update(filter, &other, &options, NULL, NULL), GM_OK);
    const size_t reach = 146 - 19; // 3.64 radii
    assert_memory_equal(near.values, far.values, reach * 20 * sizeof(double));
    assert_memory_not_equal(near.values, far.values, sizeof(double) * VALUES * 20);
    gm_local_filter_close(filter);
    gm_localisation_close(where);
}

static void values_without_measurements_stay(void **state)
{
    (void)state;
    static scene s, before;
    draw_scene(&s, 20, 1);
    before = s;
    gm_localisation *where = localise(3, 1, 2.0);
    gm_local_filter *filter = filter_of(where, 20, 1);
    gm_analysis analysis = analysis_of(&s);
    gm_local_options options = gm_default_local_options();
    assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, NULL), GM_OK);
    const size_t beyond = (size_t)30 * 20;
    assert_memory_equal(s.values + beyond, before.values + beyond,
                        sizeof(double) * (VALUES * 20 - beyond));
    assert_true(fabs(s.values[0] - before.values[0]) > 1e-3);
    gm_local_filter_close(filter);
    gm_localisation_close(where);
}

static void worker_counts_leave_the_same_bits(void **state)
{
    (void)state;
    static scene first, again;
    gm_localisation *where = localise(1, MEASUREMENTS, 4.0);
    for (size_t count = 1; count <= 7; count += 3) {
        gm_workers *workers = NULL;
        assert_int_equal(gm_workers_create(count, &workers, NULL), GM_OK);
        gm_local_filter *filter = filter_of(where, 24, count);
        gm_local_options options = gm_default_local_options();
        options.workers = workers;
        draw_scene(&again, 24, MEASUREMENTS);
        gm_analysis analysis = analysis_of(&again);
        for (int repeat = 0; repeat < 5; repeat++) {
            assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, NULL),
                             GM_OK);
        }
        if (count == 1) {
            first = again;
        }
        assert_memory_equal(first.values, again.values, sizeof first.values);
        gm_local_filter_close(filter);
        gm_workers_close(workers);
    }
    gm_localisation_close(where);
}

static void rotation_keeps_mean_and_covariances_across_batches(void **state)
{
    (void)state;
    enum { LANES = 20 };
    static scene plain, turned;
    draw_scene(&plain, LANES, MEASUREMENTS);
    turned = plain;
    gm_localisation *where = localise(1, MEASUREMENTS, 4.0);
    gm_local_filter *filter = filter_of(where, LANES, 1);
    gm_local_options options = gm_default_local_options();
    gm_analysis analysis = analysis_of(&plain), other = analysis_of(&turned);
    assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, NULL), GM_OK);
    double *room = gm_memory_new(gm_transform_room(LANES), sizeof *room);
    assert_non_null(room);
    gm_transform turn = gm_transform_start(room, LANES, 1.0);
    gm_transform_rotate(&turn, gm_random_for(1, "turn"), 0, 0);
    options.rotation = turn.matrix;
    assert_int_equal(gm_local_filter_update(filter, &other, &options, NULL, NULL), GM_OK);
    assert_memory_not_equal(plain.values, turned.values, sizeof(double));
    for (size_t i = 0; i + 1 < VALUES; i++) {
        const double *a = plain.values + i * LANES, *b = turned.values + i * LANES;
        double mean_a = gm_mean(a, LANES), mean_b = gm_mean(b, LANES), sum = 0.0;
        double next_a = gm_mean(a + LANES, LANES), next_b = gm_mean(b + LANES, LANES);
        for (size_t k = 0; k < LANES; k++) {
            sum += (a[k] - mean_a) * (a[LANES + k] - next_a);
            sum -= (b[k] - mean_b) * (b[LANES + k] - next_b);
        }
        assert_true(fabs(mean_a - mean_b) < 1e-11 && fabs(sum) < 1e-10);
    }
    gm_memory_free(room);
    gm_local_filter_close(filter);
    gm_localisation_close(where);
}

static void missing_measurements_are_as_if_never_localised(void **state)
{
    (void)state;
    static scene some, few;
    enum { PRESENT = 20 };
    draw_scene(&some, 12, MEASUREMENTS);
    few = some;
    gm_localisation *where = localise(1, MEASUREMENTS, 6.0), *sparse;
    // every second one: those of a scene with half of them
    sparse = localise(1, PRESENT, 6.0);
    uint32_t which[PRESENT];
    for (uint32_t j = 0; j < PRESENT; j++) {
        size_t from = 2 * j;
        which[j] = (uint32_t)from;
        few.measured[j] = some.measured[from];
        few.variance[j] = some.variance[from];
        memmove(few.predictions + (size_t)j * 12, some.predictions + from * 12,
                12 * sizeof(double));
    }
    some = few;
    some.measurement_count = few.measurement_count = PRESENT;
    gm_local_filter *all = filter_of(where, 12, 1), *half = filter_of(sparse, 12, 1);
    gm_analysis analysis = analysis_of(&some), other = analysis_of(&few);
    gm_local_options options = gm_default_local_options();
    assert_int_equal(gm_local_filter_update(half, &other, &options, NULL, NULL), GM_OK);
    options.which = which;
    assert_int_equal(gm_local_filter_update(all, &analysis, &options, NULL, NULL), GM_OK);
    assert_memory_equal(some.values, few.values, VALUES * 12 * sizeof(double));
    gm_local_filter_close(all);
    gm_local_filter_close(half);
    gm_localisation_close(where);
    gm_localisation_close(sparse);
}

static void what_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    static scene s, before;
    draw_scene(&s, 8, MEASUREMENTS);
    before = s;
    gm_localisation *where = localise(1, MEASUREMENTS, 4.0);
    gm_local_filter *filter = filter_of(where, 8, 1), *none = NULL;
    const gm_analysis good = analysis_of(&s);
    const gm_local_options plain = gm_default_local_options();
    gm_analysis analysis = good;
    gm_local_options options = plain;
    gm_error error = { 0 };
    analysis.lanes = 7;
    assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, &error), GM_INVALID);
    analysis = good;
    analysis.chance = 1.0;
    assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, &error), GM_INVALID);
    analysis = good;
    analysis.measurement_count--;
    assert_int_equal(gm_local_filter_update(filter, &analysis, &options, NULL, &error), GM_INVALID);
    const uint32_t twice[MEASUREMENTS] = { 3, 3 }, beyond[MEASUREMENTS] = { MEASUREMENTS };
    options.which = twice;
    assert_int_equal(gm_local_filter_update(filter, &good, &options, NULL, &error), GM_INVALID);
    options.which = beyond;
    assert_int_equal(gm_local_filter_update(filter, &good, &options, NULL, &error), GM_INVALID);
    options = plain;
    options.after = 0.0;
    assert_int_equal(gm_local_filter_update(filter, &good, &options, NULL, &error), GM_INVALID);
    options = plain;
    s.measured[3] = NAN;
    assert_int_equal(gm_local_filter_update(filter, &good, &options, NULL, &error), GM_NUMERIC);
    s.measured[3] = 1e300; // its square is beyond all numbers
    assert_int_equal(gm_local_filter_update(filter, &good, &options, NULL, &error), GM_NUMERIC);
    s.measured[3] = before.measured[3];
    s.variance[2] = 0.0;
    assert_int_equal(gm_local_filter_update(filter, &good, &options, NULL, &error), GM_INVALID);
    assert_memory_equal(s.values, before.values, sizeof s.values);
    assert_int_equal(gm_local_filter_create(where, 1, 1, &none, &error), GM_INVALID);
    assert_int_equal(gm_local_filter_create(where, 8, 0, &none, &error), GM_INVALID);
    assert_null(none);
    gm_local_filter_close(NULL);
    gm_local_filter_close(filter);
    gm_localisation_close(where);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_batch_with_all_in_full_is_the_global_filter),
        cmocka_unit_test(far_measurements_do_not_matter),
        cmocka_unit_test(values_without_measurements_stay),
        cmocka_unit_test(worker_counts_leave_the_same_bits),
        cmocka_unit_test(rotation_keeps_mean_and_covariances_across_batches),
        cmocka_unit_test(missing_measurements_are_as_if_never_localised),
        cmocka_unit_test(what_makes_no_sense_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
