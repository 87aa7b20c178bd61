// What a world's sensors can determine: plants whose answers are known, and the town.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "domain/domains.h"
#include "num/statistics.h"
#include "study/observability_study.h"
#include "study/twin_trial.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

// ---- a domain that leaves something to chance itself ----

enum { WALK_PLACE = 0, WALK_SPEED, WALK_FIELDS };

static const gm_field walk_fields[] = {
    [WALK_PLACE] = { "place", "m", GM_STATE, GM_F64, 0.0, -1e6, 1e6, "where it is" },
    [WALK_SPEED] = { "speed", "m/s", GM_PARAMETER, GM_F64, 1.0, -1e3, 1e3, "how fast it goes" },
};
static const gm_class walk_class = {
    .name = "walker", .doc = "goes, and staggers", .fields = walk_fields, .field_count = WALK_FIELDS
};

static gm_status walk_build(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_status status = gm_model_class(model, 0, &walk_class, error);
    if (status == GM_OK) {
        status = gm_model_element(model, 0, "seen", NULL, error);
    }
    return status == GM_OK ? gm_model_element(model, 0, "unseen", NULL, error) : status;
}

static gm_status walk_advance(const gm_model *model, gm_block *block, int64_t until_ns,
                              gm_step *step)
{
    (void)model;
    const double *speed = gm_column(block, 0, WALK_SPEED);
    double *place = gm_column(block, 0, WALK_PLACE);
    for (int lane = 0; lane < block->width; lane++) {
        double gone_s = (double)(until_ns - block->time_ns[lane]) * 1e-9;
        for (uint32_t walker = 0; (block->lanes >> lane & 1) != 0 && walker < 2; walker++) {
            gm_draw draw = { .lane = block->first_lane + (uint32_t)lane,
                             .element = walker,
                             .occurrence = step->tick };
            size_t at = walker * (size_t)block->width + (size_t)lane;
            place[at] += speed[at] * gone_s + sqrt(gone_s) * gm_random_normal(step->random, draw);
        }
        block->time_ns[lane] = (block->lanes >> lane & 1) != 0 ? until_ns : block->time_ns[lane];
    }
    return GM_OK;
}

static const gm_domain walk_domain = { .name = "walk",
                                       .summary = "walkers that stagger",
                                       .source = "this test",
                                       .schema = 1,
                                       .build = walk_build,
                                       .advance = walk_advance };

// ---- worlds ----

static gm_world *must_read(const char *text)
{
    const gm_domain *domains[GM_DOMAINS_MAX] = { &walk_domain };
    size_t count = 0;
    const gm_domain *const *own = gm_domains(&count);
    for (size_t index = 0; index < count; index++) {
        domains[index + 1] = own[index];
    }
    gm_world_options options = { .units = units, .domains = domains, .domain_count = count + 1 };
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_read("w.yaml", text, strlen(text), &options, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static gm_observability_answer must_study(const gm_world *world,
                                          const gm_observability_options *options)
{
    gm_observability_answer answer = { 0 };
    gm_error error = { 0 };
    if (gm_observability_study(world, options, &answer, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return answer;
}

static const gm_observed *value_of(const gm_world *world, const gm_observability_answer *answer,
                                   const char *address)
{
    gm_ref ref = { 0 };
    assert_int_equal(gm_world_find_one(world, address, (gm_place){ 0 }, &ref, NULL), GM_OK);
    for (size_t index = 0; index < answer->value_count; index++) {
        if (memcmp(&answer->values[index].ref, &ref, sizeof ref) == 0) {
            return &answer->values[index];
        }
    }
    fail_msg("%s is not estimated", address);
    return NULL;
}

static void assert_is(const gm_world *world, gm_ref ref, const char *address)
{
    char text[4 * GM_NAME_MAX];
    gm_world_address(world, ref, text, sizeof text);
    assert_string_equal(text, address);
}

static void assert_near(double value, double expected, double share)
{
    if (!(fabs(value - expected) <= share * fabs(expected))) {
        fail_msg("%.9g is not %.9g within %g of it", value, expected, share);
    }
}

static const gm_observability_options ten_minutes = { .lanes = 64,
                                                      .horizon_ns = 600 * GM_SECOND_NS };

// ---- one body: the answer is a formula ----

static void a_cooling_bodys_spread_is_as_calculated(void **state)
{
    (void)state;
    gm_world *world = must_read(
        "world: w\ncycle: 10 s\n"
        "systems:\n"
        "  plant:\n"
        "    model: thermal\n"
        "    nodes: {body: {capacity: 1000 J/K, temperature: 50 degC}, room: {fixed: true}}\n"
        "    paths: {body-room: {conductance: 1 W/K}}\n"
        "sensors: {t: {field: plant/body/temperature, unit: degC, noise: 0.5 K, every: 20 s}}\n"
        "estimate: {states: {plant/body/temperature: {spread: 2 K}}}\n");
    gm_observability_answer answer = must_study(world, &ten_minutes);
    double information = 1.0, end = 2.0 * exp(-0.6);
    for (int reading = 1; reading <= 30; reading++) {
        double slope = 2.0 * exp(-0.02 * reading) / 0.5;
        information += slope * slope;
    }
    const gm_observed *body = value_of(world, &answer, "plant/body/temperature");
    assert_near(body->before, end, 1e-4);
    assert_near(body->after, end / sqrt(information), 1e-4);
    assert_int_equal(body->sight, GM_SIGHT_KNOWN);
    assert_true(answer.lanes == 0); // nothing is left to chance
    assert_true(answer.candidate_count == 0 && answer.sensor_count == 1);
    assert_near(answer.left, 1.0 / sqrt(information), 1e-4);
    assert_true(gm_observability_is_complete(&answer));
    gm_observability_answer_free(&answer);
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

// A walk of 0.1 K per square root of a second, read every second with a noise of 0.5 K.
static void what_drifts_is_known_as_the_riccati_equation_says(void **state)
{
    (void)state;
    gm_world *world = must_read(
        "world: w\ncycle: 1 s\n"
        "systems:\n"
        "  plant: {model: thermal, nodes: {body: {capacity: 1000 J/K}, shed: {capacity: 1 J/K}}}\n"
        "sensors: {t: {field: plant/body/temperature, unit: degC, noise: 0.5 K, every: 1 s}}\n"
        "estimate: {states: {plant/*/temperature: {spread: 2 K, drift: 6 K/h}}}\n");
    gm_observability_answer answer = must_study(world, &ten_minutes);
    const gm_observed *body = value_of(world, &answer, "plant/body/temperature"),
                      *shed = value_of(world, &answer, "plant/shed/temperature");
    assert_near(body->after, sqrt(0.1 * 0.5), 0.1);
    assert_near(body->before, sqrt(4.0 + 6.0), 1e-6);
    assert_near(shed->after, shed->before, 1e-9);
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

// ---- two conductances, of which only the series acts ----

static const char series[] =
    "world: w\ncycle: 10 s\n"
    "systems:\n"
    "  plant:\n"
    "    model: thermal\n"
    "    nodes:\n"
    "      body: {capacity: 1000 J/K, temperature: 50 degC}\n"
    "      joint: {capacity: 1 J/K, temperature: 35 degC}\n"
    "      room: {fixed: true, temperature: 20 degC}\n"
    "      shed: {capacity: 1000 J/K, temperature: 10 degC}\n"
    "    paths: {body-joint: {conductance: 2 W/K}, joint-room: {conductance: 2 W/K},\n"
    "            shed-room: {conductance: 1 W/K}}\n"
    "sensors: {t: {field: plant/body/temperature, unit: degC, noise: 0.05 K, every: 10 s}}\n"
    "estimate:\n"
    "  states: {plant/body/temperature: {spread: 1 K}}\n"
    "  parameters:\n"
    "    plant/body-joint/conductance: {spread: 10 %}\n"
    "    plant/joint-room/conductance: {spread: 10 %}\n";

static void what_acts_only_together_is_named(void **state)
{
    (void)state;
    gm_world *world = must_read(series);
    gm_observability_answer answer = must_study(world, &ten_minutes);
    const gm_observed *one = value_of(world, &answer, "plant/body-joint/conductance"),
                      *other = value_of(world, &answer, "plant/joint-room/conductance");
    assert_int_equal(one->sight, GM_SIGHT_TANGLED);
    assert_int_equal(other->sight, GM_SIGHT_TANGLED);
    assert_int_equal(value_of(world, &answer, "plant/body/temperature")->sight, GM_SIGHT_KNOWN);
    assert_true(one->relative);
    assert_near(one->before, 0.1, 1e-9);
    assert_near(one->after, 0.1 * sqrt(0.5), 0.05);
    assert_int_equal(one->with_count, 1);
    assert_ptr_equal(&answer.values[one->with[0].quantity], other);
    assert_true(one->with[0].correlation < -0.95);
    assert_near(one->with[0].amount, -one->after, 0.1); // both are equal: one up, the other down
    assert_false(gm_observability_is_complete(&answer));
    // the joint's temperature tells them apart, the shed's nothing
    assert_int_equal(answer.candidate_count, 2);
    assert_is(world, answer.candidates[0].ref, "plant/node/joint/temperature");
    assert_true(answer.candidates[0].gain > 0.5);
    assert_true(answer.candidates[1].gain == 0.0);
    assert_int_equal(answer.pick_count, 1);
    assert_near(answer.picks_gain[0], answer.candidates[0].gain, 1e-6);
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

static void a_sensor_at_the_joint_tells_them_apart_as_promised(void **state)
{
    (void)state;
    gm_world *world = must_read(series);
    gm_observability_answer without = must_study(world, &ten_minutes);
    gm_world_close(world);
    char text[sizeof series + 200];
    const char *sensor = strstr(series, "sensors:"), *rest = strstr(series, "estimate:");
    snprintf(text, sizeof text, "%.*s%s%s", (int)(sensor - series), series,
             "sensors:\n"
             "  t: {field: plant/body/temperature, unit: degC, noise: 0.05 K, every: 10 s}\n"
             "  j: {field: plant/joint/temperature, unit: degC, noise: 0.05 K, every: 10 s}\n",
             rest);
    world = must_read(text);
    gm_observability_answer with = must_study(world, &ten_minutes);
    assert_true(gm_observability_is_complete(&with));
    assert_int_equal(value_of(world, &with, "plant/joint-room/conductance")->sight, GM_SIGHT_KNOWN);
    assert_near(with.left, without.left * (1.0 - without.candidates[0].gain), 1e-6);
    gm_observability_answer_free(&with);
    gm_observability_answer_free(&without);
    gm_world_close(world);
}

// ---- chance ----

// A heated body whose air is measured; a shed apart that nobody measures.
static const char heated[] =
    "world: w\ncycle: 10 s\n"
    "systems:\n"
    "  plant:\n"
    "    model: thermal\n"
    "    nodes:\n"
    "      heater: {capacity: 250 J/K, temperature: 40 degC}\n"
    "      air: {capacity: 700 J/K, temperature: 30 degC}\n"
    "      wall: {capacity: 5000 J/K, temperature: 25 degC}\n"
    "      room: {fixed: true, temperature: 20 degC}\n"
    "      shed: {capacity: 1000 J/K, temperature: 10 degC}\n"
    "    paths: {heater-air: {conductance: 1 W/K}, air-wall: {conductance: 2 W/K},\n"
    "            wall-room: {conductance: 1 W/K}, shed-room: {conductance: 0.1 W/K}}\n"
    "sensors: {t: {field: plant/air/temperature, unit: degC, noise: 0.05 K, every: 10 s}}\n"
    "estimate:\n"
    "  states: {plant/*/temperature: {spread: 1 K}}\n"
    "  parameters: {plant/heater-air/conductance: {spread: 10 %},\n"
    "               plant/shed-room/conductance: {spread: 10 %}}\n"
    "drivers: {plant/heater/power: {stochastic: {mean: 10 W, spread: %g W, time: 60 s}}}\n";

static gm_world *read_heated(double spread_w)
{
    char text[sizeof heated + 40];
    size_t size = (size_t)(strstr(heated, "%g") - heated);
    snprintf(text, sizeof text, "%.*s%g%s", (int)size, heated, spread_w, heated + size + 2);
    return must_read(text);
}

static void few_lanes_never_see_what_no_sensor_feels(void **state)
{
    (void)state;
    gm_world *world = read_heated(5.0);
    for (uint64_t seed = 1; seed <= 10; seed++) {
        gm_observability_options few = ten_minutes;
        few.lanes = 8;
        few.seed = seed;
        gm_observability_answer answer = must_study(world, &few);
        const gm_observed *shed = value_of(world, &answer, "plant/shed/temperature");
        const gm_observed *path = value_of(world, &answer, "plant/shed-room/conductance");
        assert_int_equal(shed->sight, GM_SIGHT_BLIND);
        assert_int_equal(path->sight, GM_SIGHT_BLIND);
        assert_near(path->after, path->before, 1e-9);
        assert_false(gm_observability_is_complete(&answer));
        assert_is(world, answer.candidates[answer.picks[0]].ref, "plant/node/shed/temperature");
        gm_observability_answer_free(&answer);
    }
    gm_world_close(world);
}

static void more_chance_leaves_less_known(void **state)
{
    (void)state;
    double before = 0.0;
    for (double spread_w = 0.01; spread_w < 20.0; spread_w *= 10.0) {
        gm_world *world = read_heated(spread_w);
        gm_observability_answer answer = must_study(world, &ten_minutes);
        const gm_observed *value = value_of(world, &answer, "plant/heater-air/conductance");
        assert_true(value->after / value->before > before);
        before = value->after / value->before;
        gm_observability_answer_free(&answer);
        gm_world_close(world);
    }
    assert_true(before > 0.5);
}

static void models_that_draw_themselves_are_no_source_of_knowledge(void **state)
{
    (void)state;
    gm_world *world =
        must_read("world: w\ncycle: 1 s\nsystems: {two: {model: walk}}\n"
                  "sensors: {place: {field: two/seen/place, unit: m, noise: 1 m, every: 1 s}}\n"
                  "estimate:\n"
                  "  states: {two/*/place: {spread: 10 m}}\n"
                  "  parameters: {two/*/speed: {spread: 0.5 m/s}}\n");
    gm_observability_options options = { .lanes = 32, .horizon_ns = 100 * GM_SECOND_NS };
    gm_observability_answer answer = must_study(world, &options);
    assert_int_equal(value_of(world, &answer, "two/seen/place")->sight, GM_SIGHT_KNOWN);
    const gm_observed *seen = value_of(world, &answer, "two/seen/speed"),
                      *unseen = value_of(world, &answer, "two/unseen/speed");
    assert_int_equal(seen->sight, GM_SIGHT_KNOWN); // 100 s of steps of 1 m leave 0.1 m/s
    assert_true(seen->after > 0.09 && seen->after < 0.25);
    assert_int_equal(unseen->sight, GM_SIGHT_BLIND);
    assert_near(unseen->after, 0.5, 1e-9);
    assert_is(world, answer.candidates[0].ref, "two/walker/unseen/place");
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

// ---- the live twin ----

// A warm body behind a wall that is heated by chance; nothing but the body is measured.
static const char played[] =
    "world: w\ncycle: 10 s\nlanes: 64\n"
    "systems:\n"
    "  plant:\n"
    "    model: thermal\n"
    "    nodes:\n"
    "      body: {capacity: 1000 J/K, temperature: 50 degC}\n"
    "      wall: {capacity: 2000 J/K, temperature: 25 degC}\n"
    "      room: {fixed: true, temperature: 20 degC}\n"
    "    paths: {body-wall: {conductance: 2 W/K}, wall-room: {conductance: 2 W/K}}\n"
    "sensors: {t: {field: plant/body/temperature, unit: degC, noise: 0.3 K, every: 10 s}}\n"
    "estimate:\n"
    "  states: {plant/*/temperature: {spread: 0.05 K, drift: 0.0001 K/h}}\n"
    "  parameters: {plant/*/conductance: {spread: 10 %}}\n"
    "drivers: {plant/wall/power: {stochastic: {mean: 0 W, spread: 5 W, time: 100 s}}}\n"
    "devices: {scatter: {plant/*/conductance: 10 %}}\n";

static const int64_t played_ns = 1200 * GM_SECOND_NS;

/// Adds the squared errors of a twin that followed one plant. @param squares  [value_count]
static void follow_plant(gm_world *world, uint64_t seed, const gm_observability_answer *answer,
                         double *squares)
{
    gm_twin_trial trial;
    gm_device_options devices = { .seed = seed };
    gm_twin_view view = { 0 };
    world->seed = seed + 1000;
    assert_int_equal(gm_twin_trial_open(world, &devices, &trial, NULL), GM_OK);
    assert_int_equal(gm_twin_trial_play(&trial, played_ns, NULL), GM_OK);
    assert_int_equal(gm_twin_look(trial.twin, NULL, &view, NULL), GM_OK);
    for (size_t index = 0; index < answer->value_count; index++) {
        const gm_observed *value = &answer->values[index];
        double truth = 0.0, lanes[64];
        assert_int_equal(
            gm_state_read(gm_device_plant_state(trial.plant), value->ref, &truth, NULL), GM_OK);
        assert_int_equal(gm_state_read(view.state, value->ref, lanes, NULL), GM_OK);
        double error = gm_mean(lanes, 64) - truth;
        error /= value->relative ? truth : 1.0;
        squares[index] += error * error;
    }
    gm_twin_look_away(trial.twin, &view);
    gm_twin_trial_close(&trial);
}

static void the_live_twin_errs_as_was_foretold(void **state)
{
    (void)state;
    enum { PLANTS = 60, VALUES = 4 };
    gm_world *world = must_read(played);
    gm_observability_options options = { .lanes = 128, .horizon_ns = played_ns };
    gm_observability_answer answer = must_study(world, &options);
    double squares[VALUES] = { 0 };
    assert_int_equal(answer.value_count, VALUES);
    for (uint64_t seed = 1; seed <= PLANTS; seed++) {
        follow_plant(world, seed, &answer, squares);
    }
    for (size_t index = 0; index < VALUES; index++) {
        // the twin is a filter of few lanes, and cautious
        double ratio = sqrt(squares[index] / PLANTS) / answer.values[index].after;
        if (!(ratio > 0.7 && ratio < 1.8)) {
            fail_msg("value %zu: the error is %g times what was foretold", index, ratio);
        }
    }
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

// ---- candidates and refusals ----

static gm_status try_candidate(const gm_world *world, const char *wish, gm_error *error)
{
    gm_observability_options options = ten_minutes;
    options.candidates = &wish;
    options.candidate_count = 1;
    gm_observability_answer answer = { 0 };
    gm_status status = gm_observability_study(world, &options, &answer, error);
    gm_observability_answer_free(&answer);
    return status;
}

static void candidates_on_request_have_their_own_noise(void **state)
{
    (void)state;
    gm_world *world = read_heated(1.0);
    const char *wishes[] = { "plant/heater-air/flow=100 mW", "plant/wall/temperature = 2 degC",
                             "plant/*/temperature" };
    gm_observability_options options = ten_minutes;
    options.candidates = wishes;
    options.candidate_count = 3;
    gm_observability_answer answer = must_study(world, &options);
    assert_int_equal(answer.candidate_count, 4); // flow, wall, heater, shed; the room is an input
    for (size_t index = 0; index < answer.candidate_count; index++) {
        const gm_sensor_candidate *candidate = &answer.candidates[index];
        const char *field = gm_world_field(world, candidate->ref)->name;
        bool wall =
            strcmp(gm_model_element_name(world->systems[0].model, candidate->ref.class_number,
                                         candidate->ref.element),
                   "wall") == 0;
        double noise = strcmp(field, "flow") == 0 ? 0.1 : wall ? 2.0 : 0.05;
        assert_near(candidate->noise, noise, 1e-12);
    }
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

static void what_cannot_be_asked_is_refused_in_words(void **state)
{
    (void)state;
    gm_world *world = read_heated(1.0);
    static const struct {
        const char *wish, *says;
        gm_status status;
    } bad[] = {
        { "plant/roof/temperature", "roof", GM_NOT_FOUND },
        { "plant/heater-air/conductance", "is a parameter", GM_INVALID },
        { "plant/heater/power", "is an input", GM_INVALID },
        { "plant/heater-air/flow", "say its noise", GM_INVALID },
        { "plant/heater-air/flow=often", "is no noise", GM_INVALID },
        { "plant/heater-air/flow=-1 W", "is no noise", GM_INVALID },
        { "plant/heater-air/flow=1 kg", "kg", GM_INVALID },
    };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        gm_error error = { 0 };
        assert_int_equal(try_candidate(world, bad[index].wish, &error), bad[index].status);
        assert_non_null(strstr(error.text, bad[index].says));
    }
    gm_observability_answer answer = { 0 };
    gm_observability_options short_options = { .lanes = 64, .horizon_ns = GM_SECOND_NS };
    gm_error error = { 0 };
    assert_int_equal(gm_observability_study(world, &short_options, &answer, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "horizon"));
    gm_observability_options no_lanes = { .lanes = 1 };
    assert_int_equal(gm_observability_study(world, &no_lanes, &answer, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "lanes"));
    gm_world_close(world);
    world = must_read("world: w\nsystems: {two: {model: walk}}\n");
    assert_int_equal(gm_observability_study(world, &ten_minutes, &answer, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "estimates nothing"));
    gm_world_close(world);
}

static void what_cannot_be_moved_counts_as_known(void **state)
{
    (void)state;
    gm_world *world =
        must_read("world: w\ncycle: 1 s\nsystems:\n"
                  "  two: {model: walk}\n"
                  "  plant: {model: thermal, nodes: {body: {capacity: 1000 J/K}, room: {fixed: "
                  "true}}, paths: {body-room: {conductance: 0 W/K}}}\n"
                  "sensors: {p: {field: two/seen/place, unit: m, noise: 1 m, every: 1 s}}\n"
                  "estimate:\n"
                  "  states: [plant/body/temperature, two/seen/place]\n"
                  "  parameters: {plant/body-room/conductance: {spread: 10 %, drift: 1 %/day}}\n");
    gm_observability_answer answer = must_study(world, &ten_minutes);
    // no spread and no sensor of its kind; a tenth of nothing
    assert_int_equal(value_of(world, &answer, "plant/body/temperature")->sight, GM_SIGHT_FIXED);
    assert_int_equal(value_of(world, &answer, "plant/body-room/conductance")->sight,
                     GM_SIGHT_FIXED);
    const gm_observed *place = value_of(world, &answer, "two/seen/place");
    assert_int_equal(place->sight, GM_SIGHT_KNOWN); // ten noises at first
    assert_near(answer.left, place->after / place->before, 1e-12);
    assert_true(gm_observability_is_complete(&answer));
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

static void without_sensors_nothing_is_known(void **state)
{
    (void)state;
    gm_world *world = must_read("world: w\nsystems: {two: {model: walk}}\n"
                                "estimate: {states: {two/*/place: {spread: 1 m}}}\n");
    gm_observability_answer answer = must_study(world, &ten_minutes);
    assert_int_equal(answer.counts[GM_SIGHT_BLIND], 2);
    assert_near(answer.left, 1.0, 1e-12);
    gm_observability_answer_free(&answer);
    gm_world_close(world);
}

// ---- the town ----

static void the_towns_gauges_tell_levels_but_not_every_pipe(void **state)
{
    (void)state;
    gm_world *town = NULL;
    gm_error error = { 0 };
    if (gm_world_open(GEMEL_SOURCE_DIR "/examples/town/world.yaml", &town, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    gm_observability_options options = { .lanes = 16, .horizon_ns = 1200 * GM_SECOND_NS };
    gm_observability_answer answer = must_study(town, &options);
    assert_int_equal(value_of(town, &answer, "town/tank/east/level")->sight, GM_SIGHT_KNOWN);
    assert_int_equal(value_of(town, &answer, "town/tank/hill/level")->sight, GM_SIGHT_KNOWN);
    assert_true(answer.counts[GM_SIGHT_BLIND] > 10 && answer.counts[GM_SIGHT_TANGLED] > 10);
    assert_false(gm_observability_is_complete(&answer));
    assert_int_equal(answer.pick_count, GM_SENSOR_PICKS);
    assert_true(answer.picks_gain[0] > 0.0 && answer.picks_gain[1] > answer.picks_gain[0] &&
                answer.picks_gain[2] > answer.picks_gain[1]);
    for (size_t index = 1; index < answer.candidate_count; index++) {
        assert_true(answer.candidates[index].gain <= answer.candidates[index - 1].gain);
    }
    // the number of workers changes no bit
    gm_observability_answer again = { 0 };
    assert_int_equal(gm_workers_create(2, &options.workers, NULL), GM_OK);
    again = must_study(town, &options);
    gm_workers_close(options.workers);
    for (size_t index = 0; index < answer.value_count; index++) {
        assert_true(answer.values[index].after == again.values[index].after);
    }
    gm_observability_answer_free(&again);
    gm_observability_answer_free(&answer);
    gm_world_close(town);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cooling_bodys_spread_is_as_calculated),
        cmocka_unit_test(what_drifts_is_known_as_the_riccati_equation_says),
        cmocka_unit_test(what_acts_only_together_is_named),
        cmocka_unit_test(a_sensor_at_the_joint_tells_them_apart_as_promised),
        cmocka_unit_test(few_lanes_never_see_what_no_sensor_feels),
        cmocka_unit_test(more_chance_leaves_less_known),
        cmocka_unit_test(models_that_draw_themselves_are_no_source_of_knowledge),
        cmocka_unit_test(the_live_twin_errs_as_was_foretold),
        cmocka_unit_test(candidates_on_request_have_their_own_noise),
        cmocka_unit_test(what_cannot_be_asked_is_refused_in_words),
        cmocka_unit_test(what_cannot_be_moved_counts_as_known),
        cmocka_unit_test(without_sensors_nothing_is_known),
        cmocka_unit_test(the_towns_gauges_tell_levels_but_not_every_pipe),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
