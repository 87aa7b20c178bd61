// Scales of estimated values: there and back, bounds, and steps.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "assim/value_scale.h"

static const gm_value_scale plain = { 0 }, logarithm = { .kind = GM_SCALE_LOG };
static const gm_value_scale between = { .kind = GM_SCALE_LOGIT, .low = -2.0, .high = 6.0 };

static void values_come_back(void **state)
{
    (void)state;
    for (double value = -1.99; value < 5.995; value += 0.01) {
        assert_true(gm_scale_to(plain, gm_scale_from(plain, value)) == value);
        assert_true(fabs(gm_scale_to(between, gm_scale_from(between, value)) - value) < 1e-12);
    }
    for (double value = 1e-12; value < 1e12; value *= 1.7) {
        double back = gm_scale_to(logarithm, gm_scale_from(logarithm, value));
        assert_true(fabs(back - value) < 1e-13 * value);
    }
}

static void no_place_lies_beyond_the_bounds(void **state)
{
    (void)state;
    for (double place = -2000.0; place <= 2000.0; place += 0.37) {
        double value = gm_scale_to(between, place);
        assert_true(value >= between.low && value <= between.high);
        assert_true(gm_scale_to(logarithm, place) >= 0.0);
    }
}

static void values_beyond_the_bounds_count_as_just_inside(void **state)
{
    (void)state;
    assert_true(isfinite(gm_scale_from(between, -2.0)) && isfinite(gm_scale_from(between, 6.0)));
    assert_true(gm_scale_from(between, -7.0) == gm_scale_from(between, -2.0));
    assert_true(gm_scale_from(between, 1e9) == gm_scale_from(between, 6.0));
    assert_true(isfinite(gm_scale_from(logarithm, 0.0)) &&
                isfinite(gm_scale_from(logarithm, -1.0)));
    assert_true(isnan(gm_scale_from(between, NAN)) && isnan(gm_scale_to(between, NAN)));
}

static void the_stretch_is_the_slope(void **state)
{
    (void)state;
    const gm_value_scale scales[] = { plain, logarithm, between };
    for (int index = 0; index < 3; index++) {
        for (double value = 0.1; value < 5.9; value += 0.1) {
            double step = 1e-6;
            double slope = (gm_scale_from(scales[index], value + step) -
                            gm_scale_from(scales[index], value - step)) /
                           (2.0 * step);
            double stretch = gm_scale_stretch(scales[index], value);
            assert_true(fabs(stretch - slope) < 1e-7 * stretch);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back),
        cmocka_unit_test(no_place_lies_beyond_the_bounds),
        cmocka_unit_test(values_beyond_the_bounds_count_as_just_inside),
        cmocka_unit_test(the_stretch_is_the_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
