// Signs in a sensor's innovations: none in calm ones, each fault by its own sign, and a sensor that
// repeats itself by habit is not taken for stuck.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>

#include "twin/alarm_signs.h"

enum { LEARNED = 400, MANY = 20000 };

typedef struct rig {
    gm_sign_rule rule;
    gm_alarm_signs signs;
    gm_random random;
    uint32_t count;
    gm_sign_alarm alarm;
} rig;

static rig rig_of(uint64_t seed)
{
    return (rig){ .rule = gm_default_sign_rule(), .random = gm_random_for(seed, "signs") };
}

static double noise(const rig *of)
{
    return gm_random_normal(of->random, (gm_draw){ .occurrence = of->count });
}

/// A reading of something that rests at 5, expected within 1.
static bool read(rig *of, double value)
{
    const gm_sign_reading reading = { .time_ns = of->count,
                                      .before = of->count,
                                      .value = value,
                                      .innovation = value - 5.0,
                                      .expected_spread = 1.0,
                                      .noise = 1.0 };
    of->count++;
    return gm_signs_take(&of->rule, &of->signs, &reading, &of->alarm);
}

static void learn(rig *of)
{
    while (of->count < LEARNED) {
        assert_false(read(of, 5.0 + noise(of)));
    }
}

static void calm_innovations_raise_nothing(void **state)
{
    (void)state;
    size_t alarms = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        rig of = rig_of(seed);
        while (of.count < MANY) {
            if (read(&of, 5.0 + noise(&of))) {
                alarms++;
                gm_signs_begin_anew(&of.signs);
            }
        }
    }
    assert_true(alarms <= 3); // of 100,000
}

static void a_level_is_noticed_with_its_size(void **state)
{
    (void)state;
    rig of = rig_of(11);
    learn(&of);
    while (!read(&of, 8.0 + noise(&of))) {
        assert_true(of.count < LEARNED + 20);
    }
    assert_int_equal(of.alarm.sign, GM_SIGN_LEVEL);
    assert_true(fabs(of.alarm.size - 3.0) < 1.0);
    assert_true(of.alarm.start_ns >= LEARNED && of.alarm.start_ns <= LEARNED + 10);
}

static double spike_at(uint32_t count)
{
    return count % 20 == 3 ? 12.0 : count % 20 == 13 ? -12.0 : 0.0;
}

static void noise_and_spikes_are_noticed(void **state)
{
    (void)state;
    rig of = rig_of(12);
    learn(&of);
    while (!read(&of, 5.0 + 2.0 * noise(&of))) {
        assert_true(of.count < LEARNED + 100);
    }
    assert_true(of.alarm.sign == GM_SIGN_SCATTER || of.alarm.sign == GM_SIGN_LEVEL);
    rig spiky = rig_of(13);
    learn(&spiky);
    while (!read(&spiky, 5.0 + noise(&spiky) + spike_at(spiky.count))) {
        assert_true(spiky.count < LEARNED + 100);
    }
    assert_true(spiky.alarm.sign == GM_SIGN_SCATTER || spiky.alarm.sign == GM_SIGN_LEVEL);
}

static void the_same_reading_again_and_again_is_noticed(void **state)
{
    (void)state;
    rig of = rig_of(14);
    learn(&of);
    double last = 5.3;
    read(&of, last);
    while (!read(&of, last)) {
        assert_true(of.count < LEARNED + 15);
    }
    assert_int_equal(of.alarm.sign, GM_SIGN_REPEATS);
    assert_true(of.alarm.size == last && of.alarm.start_ns == LEARNED);
    of.signs.sign = GM_SIGN_REPEATS;
    read(&of, last);
    assert_false(gm_signs_calm_down(&of.rule, &of.signs));
    bool calm = false;
    for (size_t index = 0; index < 200 && !calm; index++) {
        read(&of, 5.0 + noise(&of));
        calm = gm_signs_calm_down(&of.rule, &of.signs);
    }
    assert_true(calm);
}

/// It reads in steps of its own size of noise: most of its readings repeat the one before.
static void a_coarse_sensor_at_rest_is_not_stuck(void **state)
{
    (void)state;
    rig of = rig_of(15);
    while (of.count < 5000) {
        bool over = read(&of, nearbyint(5.0 + 0.2 * noise(&of)));
        assert_false(over && of.alarm.sign == GM_SIGN_REPEATS);
    }
    assert_true(gm_signs_habit(&of.signs, of.count) > 0.9);
}

static void new_sensors_raise_nothing(void **state)
{
    (void)state;
    rig of = rig_of(16);
    while (of.count < of.rule.warm_up) {
        assert_false(read(&of, of.count < 50 ? 5.0 + noise(&of) : 50.0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calm_innovations_raise_nothing),
        cmocka_unit_test(a_level_is_noticed_with_its_size),
        cmocka_unit_test(noise_and_spikes_are_noticed),
        cmocka_unit_test(the_same_reading_again_and_again_is_noticed),
        cmocka_unit_test(a_coarse_sensor_at_rest_is_not_stuck),
        cmocka_unit_test(new_sensors_raise_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
