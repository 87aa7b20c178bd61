// What is behind an alarm: every fault of a sensor is told from the others and from the plant, with
// or without suspects in the world file, and looking never moves the state.
#include "house_rig.h"

static const char bare_world[] = HOUSE_HEAD "lanes: 32\n";
static const char silent_world[] = HOUSE_HEAD "lanes: 32\ndetect: {diagnose: false}\n";
static const char walls_world[] = HOUSE_DETECT HOUSE_WALLS HOUSE_DOORS;
/// What happens to readings from HOUSE_FAULT on. @param row  in out, of step `step`
typedef void spoiler(gm_sample *row, const gm_sample *before, size_t step);

static void stick(gm_sample *row, const gm_sample *before, size_t step)
{
    (void)step;
    row[1].value = before[1].value;
}

static void swap(gm_sample *row, const gm_sample *before, size_t step)
{
    (void)before;
    (void)step;
    double kept = row[0].value;
    row[0].value = row[2].value;
    row[2].value = kept;
}

static void spike(gm_sample *row, const gm_sample *before, size_t step)
{
    (void)before;
    row[3].value += step % 7 == 0 ? 1.5 : step % 11 == 0 ? -1.2 : 0.0;
}

static void roughen(gm_sample *row, const gm_sample *before, size_t step)
{
    (void)before;
    gm_random random = gm_random_for(77, "rough");
    row[0].value += 0.35 * gm_random_normal(random, (gm_draw){ .occurrence = step });
}

static void creep(gm_sample *row, const gm_sample *before, size_t step)
{
    (void)before;
    row[2].value += 0.03 * (double)(step - HOUSE_FAULT);
}

static house_play played_with(const char *text, uint64_t seed, spoiler *spoil)
{
    house_play play = house_play_start(text, seed, (house_fault){ 0 });
    for (size_t step = HOUSE_FAULT; step < HOUSE_STEPS; step++) {
        gm_sample *row = play.samples + HOUSE_SENSORS * step;
        spoil(row, row - HOUSE_SENSORS, step);
    }
    house_play_steps(&play, HOUSE_STEPS);
    rig_settle(play.twin);
    return play;
}

static void expect_told(const house_play *play, const char *kind, const char *sensor)
{
    gm_suspicion found = house_suspicion(play->twin, 0);
    const gm_suspect *first = &found.suspects[0];
    bool named = strcmp(first->sensor, sensor) == 0 || strcmp(first->partner, sensor) == 0;
    if (strcmp(found.kind, kind) != 0 || strcmp(found.verdict, "unclear") == 0 || !named ||
        strcmp(first->kind, kind) != 0 || strncmp(found.text, "most likely ", 12) != 0) {
        fail_msg("expected %s of %s: %s", kind, sensor, found.text);
    }
}

static void every_fault_of_a_sensor_is_told(void **state)
{
    (void)state;
    static const struct {
        spoiler *spoil;
        const char *kind, *sensor;
    } faults[] = {
        { stick, "stuck", "t3" },   { swap, "swapped", "t1" }, { spike, "spikes", "t6" },
        { roughen, "noise", "t1" }, { creep, "drift", "t4" },
    };
    for (size_t index = 0; index < sizeof faults / sizeof *faults; index++) {
        for (size_t declared = 0; declared < 2; declared++) {
            house_play play =
                played_with(declared ? walls_world : bare_world, 11 + index, faults[index].spoil);
            expect_told(&play, faults[index].kind, faults[index].sensor);
            house_play_end(&play);
        }
    }
}

static void a_bias_is_told_with_its_size_without_suspects(void **state)
{
    (void)state;
    for (size_t meter = 1; meter <= HOUSE_METERS; meter++) {
        house_fault fault = { .at = HOUSE_FAULT, .meter = meter, .bias_k = 1.0 };
        house_play play = house_played(bare_world, meter, fault);
        static const char *const names[] = { "t1", "t3", "t4", "t6" };
        expect_told(&play, "bias", names[meter - 1]);
        assert_true(fabs(house_suspicion(play.twin, 0).suspects[0].size - 1.0) < 0.25);
        house_play_end(&play);
    }
}

/// Nobody declared walls: several thermometers leave what was expected of them.
static void a_plant_without_suspects_is_something_the_model_does_not_know(void **state)
{
    (void)state;
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play play = house_played(bare_world, 1, fault);
    gm_suspicion found = house_suspicion(play.twin, 0);
    assert_string_equal(found.kind, "input");
    assert_true(found.none > 0.7);
    assert_non_null(strstr(found.text, "something that the model does not know"));
    house_play_end(&play);
}

/// A wall that opens and heat that is taken away do about the same to all thermometers while the
/// weather is as it was.
static void what_does_the_same_cannot_be_told_at_once(void **state)
{
    (void)state;
    static const char both_world[] = HOUSE_DETECT "    house/r2-out/conductance: {times: 1.5}\n"
                                                  "    house/r2/power: {add: -300 W}\n";
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    house_play play = house_play_start(both_world, 2, fault);
    gm_suspicion found = { 0 };
    for (size_t step = 0; step < HOUSE_STEPS && found.evaluated_ns == 0; step++) {
        house_play_steps(&play, 1);
        assert_int_equal(gm_twin_suspects(play.twin, 0, &found, NULL), GM_OK);
    }
    assert_true(found.evaluated_ns != 0);
    if (strcmp(found.verdict, "unclear") != 0) {
        fail_msg("%s", found.text);
    }
    assert_int_equal(strncmp(found.text, "cannot tell between: ", 21), 0);
    house_play_end(&play);
}

static void diagnosing_does_not_touch_the_state(void **state)
{
    (void)state;
    house_play with = played_with(bare_world, 5, stick),
               without = played_with(silent_world, 5, stick);
    gm_suspicion found;
    assert_true(gm_twin_hash(with.twin) == gm_twin_hash(without.twin));
    assert_int_equal(gm_twin_suspects(with.twin, 0, &found, NULL), GM_OK);
    assert_true(found.evaluated_ns != 0);
    assert_int_equal(gm_twin_suspects(without.twin, 0, &found, NULL), GM_NOT_FOUND);
    house_play_end(&with);
    house_play_end(&without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_fault_of_a_sensor_is_told),
        cmocka_unit_test(a_bias_is_told_with_its_size_without_suspects),
        cmocka_unit_test(a_plant_without_suspects_is_something_the_model_does_not_know),
        cmocka_unit_test(what_does_the_same_cannot_be_told_at_once),
        cmocka_unit_test(diagnosing_does_not_touch_the_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
