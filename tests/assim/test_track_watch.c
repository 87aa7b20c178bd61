// The watch on lanes: silent while they know how wrong they are, and soon when they do not.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <gemel/random.h>

#include "assim/track_watch.h"

enum { COUNT = 9, ANALYSES = 10000 };

/// Innovations of standard deviation `factor` times what is said; the first `faulty` are far off.
static void draw(gm_innovation *innovations, uint64_t occurrence, double factor, size_t faulty)
{
    gm_random random = gm_random_for(1, "track");
    for (uint32_t j = 0; j < COUNT; j++) {
        double normal = gm_random_normal(random, (gm_draw){ 0, j, 0, occurrence });
        double spread = 0.5 + (double)j;
        innovations[j] = (gm_innovation){ .mean = (j < faulty ? 100.0 : factor * normal) * spread,
                                          .spread = spread };
    }
}

/// @return analyses until the track is called lost; ANALYSES: never
static size_t patience(size_t count, double factor, size_t faulty)
{
    gm_track_options options = gm_default_track_options();
    gm_track track = { 0 };
    double work[COUNT];
    for (size_t k = 0; k < ANALYSES; k++) {
        gm_innovation innovations[COUNT];
        draw(innovations, k, factor, faulty);
        gm_track_take(&track, &options, innovations, count, work);
        if (gm_track_lost(&track, &options)) {
            return k;
        }
    }
    return ANALYSES;
}

static void lanes_that_know_how_wrong_they_are_keep_track(void **state)
{
    (void)state;
    assert_int_equal(patience(COUNT, 1.0, 0), ANALYSES);
    assert_int_equal(patience(COUNT, 1.4, 0), ANALYSES);
    assert_int_equal(patience(1, 1.0, 0), ANALYSES);
}

static void lanes_far_from_what_is_measured_are_lost_soon(void **state)
{
    (void)state;
    assert_true(patience(COUNT, 4.0, 0) < 20);
    assert_true(patience(1, 6.0, 0) < 60);
}

static void a_few_faulty_sensors_are_no_lost_track(void **state)
{
    (void)state;
    assert_int_equal(patience(COUNT, 1.0, 2), ANALYSES);
    assert_true(patience(COUNT, 1.0, 6) < 20);
}

static void nothing_measured_says_nothing(void **state)
{
    (void)state;
    gm_track_options options = gm_default_track_options();
    gm_track track = { 3.0, 7.0 };
    double work[2];
    const gm_innovation spoilt[2] = { { .mean = NAN, .spread = 1.0 },
                                      { .mean = 1.0, .spread = 0.0 } };
    gm_track_take(&track, &options, NULL, 0, work);
    gm_track_take(&track, &options, spoilt, 2, work);
    assert_true(track.misfit == 3.0 && track.weight == 7.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lanes_that_know_how_wrong_they_are_keep_track),
        cmocka_unit_test(lanes_far_from_what_is_measured_are_lost_soon),
        cmocka_unit_test(a_few_faulty_sensors_are_no_lost_track),
        cmocka_unit_test(nothing_measured_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
