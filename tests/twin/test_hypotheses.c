// Hypotheses side by side: the one that holds is found, the model as known is left as it was, and
// all of it ends in the same bits.
#include "box_rig.h"

#include "store/history.h"

enum { STEPS = 900, ON = 500 };

#define WORLD_SIZE 4096

static const char estimate_key[] = "estimate:\n"
                                   "  states: [box/*/temperature]\n";
static const char parameters_key[] =
    "  parameters: { box/air-room/conductance: {spread: 30 %, drift: 5 %/h} }\n";
static const char inputs_key[] = "  inputs: { box/air/power: {drift: 3 W/h} }\n";
static const char three_key[] = "  hypotheses: [as known, drifting, unknown input]\n";

/// The box with another `estimate:`, its conductance as the rig's truth has it or not.
static const char *world_with(char text[WORLD_SIZE], const char *conductance, const char *estimate)
{
    const char *from = strstr(rig_world, "estimate:"), *to = strstr(rig_world, "record:");
    const char *known = strstr(rig_world, "{conductance: 0.5 W/K}");
    int size = snprintf(text, WORLD_SIZE, "%.*s{conductance: %s}%.*s%s%s", (int)(known - rig_world),
                        rig_world, conductance, (int)(from - known - 22), known + 22, estimate, to);
    assert_in_range(size, 1, WORLD_SIZE - 1);
    return text;
}

static const char *three(char text[WORLD_SIZE], const char *conductance)
{
    char estimate[1024];
    snprintf(estimate, sizeof estimate, "%s%s%s%s", estimate_key, parameters_key, inputs_key,
             three_key);
    return world_with(text, conductance, estimate);
}

/// The rig's samples; from step `ON` on something gives `source_w` to the air, or the conductance
/// is another.
static gm_sample *record_with(uint64_t seed, double source_w, double conductance)
{
    gm_sample *samples = gm_memory_new(3 * STEPS, sizeof *samples);
    rig box = rig_start(seed);
    for (size_t index = 0; index < STEPS; index++) {
        if (index == ON) {
            box.conductance = conductance;
        }
        rig_move(&box);
        // the source, as a first order step of its own: 3 s are short beside the box's minutes
        box.air_k += index >= ON ? source_w * 3.0 / 690.0 : 0.0;
        rig_read(&box, samples + 3 * index);
        // the heater tells what it does from now on
        if (index > 0) {
            samples[3 * index - 1].value = samples[3 * index + 2].value;
        }
    }
    return samples;
}

static gm_hypotheses thought_of(gm_twin *twin)
{
    gm_hypotheses found;
    gm_error error = { 0 };
    assert_int_equal(gm_twin_hypotheses(twin, 0, &found, &error), GM_OK);
    return found;
}

static gm_twin *follow(const gm_world *world, const gm_sample *samples)
{
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    return twin;
}

static void the_hypothesis_that_holds_is_found(void **state)
{
    (void)state;
    static const struct {
        double source_w, conductance;
        size_t holds; // as known, drifting, unknown input
    } cases[] = { { 0.0, 0.7, 0 }, { 8.0, 0.7, 2 } };
    char text[WORLD_SIZE];
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_sample *samples = record_with(3, cases[index].source_w, cases[index].conductance);
        gm_twin *twin = follow(world, samples);
        gm_hypotheses found = thought_of(twin);
        assert_int_equal(found.count, 3);
        assert_string_equal(found.names[0], "as known");
        assert_string_equal(found.names[2], "unknown input");
        assert_true(found.weights[cases[index].holds] > 0.9);
        double sum = found.weights[0] + found.weights[1] + found.weights[2];
        assert_true(fabs(sum - 1.0) < 1e-12);
        gm_twin_close(twin);
        gm_memory_free(samples);
    }
    gm_world_close(world);
}

/// What the published lanes add to the air's power, and their mean conductance.
static void published(gm_twin *twin, double *added, double *conductance)
{
    const gm_world *world = gm_twin_world(twin);
    gm_twin_view view;
    gm_error error = { 0 };
    gm_ref ref;
    double values[64];
    assert_int_equal(gm_twin_look(twin, NULL, &view, &error), GM_OK);
    assert_int_equal(gm_state_lanes(view.state), 64); // as the world file says, not three times
    *added = *conductance = 0.0;
    for (size_t index = 0; index < world->estimate_count; index++) {
        bool input = world->estimates[index].kind == GM_ESTIMATE_INPUT;
        assert_int_equal(gm_twin_unknown(twin, &view, index, values, &error),
                         input ? GM_OK : GM_INVALID);
        for (size_t lane = 0; input && lane < 64; lane++) {
            *added += values[lane] / 64.0;
        }
    }
    assert_int_equal(
        gm_world_find_one(world, "box/air-room/conductance", (gm_place){ 0 }, &ref, &error), GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, &error), GM_OK);
    for (size_t lane = 0; lane < 64; lane++) {
        *conductance += values[lane] / 64.0;
    }
    gm_twin_look_away(twin, &view);
}

static void what_others_see_is_of_the_hypotheses_that_hold(void **state)
{
    (void)state;
    char text[WORLD_SIZE];
    double added = 0.0, conductance = 0.0;
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_sample *samples = record_with(3, 8.0, 0.7);
    gm_twin *twin = follow(world, samples);
    published(twin, &added, &conductance);
    assert_true(fabs(added - 8.0) < 1.5);
    assert_true(fabs(conductance - 0.7) < 0.07);
    gm_twin_close(twin);
    gm_memory_free(samples);
    samples = record_with(4, 0.0, 0.7);
    twin = follow(world, samples);
    published(twin, &added, &conductance);
    assert_true(fabs(added) < 0.5);
    assert_true(fabs(conductance - 0.7) < 0.02);
    gm_twin_close(twin);
    gm_memory_free(samples);
    gm_world_close(world);
}

/// The temperature of the air in every lane of a published state.
static void read_air(gm_twin *twin, double values[64])
{
    gm_twin_view view;
    gm_error error = { 0 };
    gm_ref ref;
    assert_int_equal(gm_world_find_one(gm_twin_world(twin), "box/air/temperature", (gm_place){ 0 },
                                       &ref, &error),
                     GM_OK);
    assert_int_equal(gm_twin_look(twin, NULL, &view, &error), GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, &error), GM_OK);
    gm_twin_look_away(twin, &view);
}

static void the_model_as_known_is_to_the_bit_the_twin_that_has_no_other(void **state)
{
    (void)state;
    char text[WORLD_SIZE];
    double alone[64], beside[64];
    gm_world *plain = rig_world_open(world_with(text, "0.7 W/K", estimate_key));
    gm_sample *samples = record_with(3, 0.0, 0.7);
    gm_twin *twin = follow(plain, samples);
    read_air(twin, alone);
    gm_twin_close(twin);
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    twin = follow(world, samples);
    gm_hypotheses found = thought_of(twin);
    read_air(twin, beside);
    size_t same = 0;
    for (size_t lane = 0; lane < 64; lane++) {
        same += alone[lane] == beside[lane];
    }
    // all that were drawn of it; the others are of hypotheses that are thought little of
    assert_true(same >= (size_t)(64.0 * found.weights[0]) - 1);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_world_close(plain);
    gm_memory_free(samples);
}

static void rewinds_restarts_and_workers_end_in_the_same_bits(void **state)
{
    (void)state;
    char text[WORLD_SIZE], folder[] = "/tmp/gemel-hypotheses-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_sample *samples = record_with(5, 8.0, 0.7);
    gm_twin *twin = follow(world, samples);
    uint64_t expected = gm_twin_hash(twin);
    gm_hypotheses one = thought_of(twin);
    gm_twin_close(twin);
    gm_error error = { 0 };
    // three workers, and every tenth reading five cycles late
    twin = rig_twin_open(world, NULL, 3);
    gm_sample *mixed = gm_memory_new(3 * STEPS, sizeof *mixed);
    memcpy(mixed, samples, 3 * STEPS * sizeof *mixed);
    for (size_t index = 30; index + 18 < 3 * STEPS; index += 30) {
        gm_sample late = mixed[index];
        memmove(mixed + index, mixed + index + 1, 15 * sizeof *mixed);
        mixed[index + 15] = late;
    }
    rig_feed(twin, mixed, 3 * STEPS);
    rig_settle(twin);
    assert_int_equal(gm_twin_hash(twin), expected);
    gm_twin_close(twin);
    // closed and opened in the middle
    twin = rig_twin_open(world, folder, 1);
    rig_feed(twin, samples, 3 * (ON + 50));
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder, 1);
    rig_feed(twin, samples + 3 * (ON + 50), 3 * (STEPS - ON - 50));
    rig_settle(twin);
    assert_int_equal(gm_twin_hash(twin), expected);
    gm_hypotheses again = thought_of(twin);
    assert_memory_equal(again.weights, one.weights, 3 * sizeof *again.weights);
    gm_hypotheses ahead;
    assert_int_equal(gm_twin_forecast_hypotheses(twin, 0, 1, &ahead, &error), GM_OK);
    assert_int_equal(ahead.count, 3);
    assert_int_equal(gm_twin_forecast_hypotheses(twin, 0, 2, &ahead, &error), GM_NOT_FOUND);
    gm_twin_close(twin);
    gm_memory_free(mixed);
    gm_memory_free(samples);
    gm_world_close(world);
    rig_remove(folder);
}

static void branches_and_forecasts_carry_the_unknown_input_on(void **state)
{
    (void)state;
    char text[WORLD_SIZE];
    gm_error error = { 0 };
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_sample *samples = record_with(3, 8.0, 0.7);
    gm_twin *twin = follow(world, samples);
    assert_int_equal(gm_twin_fork(twin, NULL, "later", NULL, &error), GM_OK);
    assert_int_equal(gm_twin_branch_advance(twin, "later", 600 * GM_SECOND_NS, &error), GM_OK);
    gm_twin_view view;
    double added[64], mean = 0.0;
    assert_int_equal(gm_twin_look(twin, "later", &view, &error), GM_OK);
    for (size_t index = 0; index < world->estimate_count; index++) {
        if (world->estimates[index].kind == GM_ESTIMATE_INPUT) {
            assert_int_equal(gm_twin_unknown(twin, &view, index, added, &error), GM_OK);
        }
    }
    for (size_t lane = 0; lane < 64; lane++) {
        mean += added[lane] / 64.0;
    }
    assert_true(fabs(mean - 8.0) < 1.5);
    gm_twin_look_away(twin, &view);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
}

static void one_lane_is_too_few(void **state)
{
    (void)state;
    char text[WORLD_SIZE];
    gm_error error = { 0 };
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_twin_options options = gm_default_twin_options();
    options.lanes = 1;
    gm_twin *twin = NULL;
    assert_int_equal(gm_twin_open(world, &options, &twin, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "two lanes"));
    gm_world_close(world);
}

static void expect_refusal(const char *estimate, const char *expected)
{
    char text[WORLD_SIZE];
    gm_error error = { 0 };
    gm_world *world = NULL;
    const gm_domain *const *domains = NULL;
    size_t count = 0;
    gm_units *units = NULL;
    domains = gm_domains(&count);
    assert_int_equal(gm_units_read(&units, &error), GM_OK);
    const gm_world_options options = { .units = units, .domains = domains, .domain_count = count };
    world_with(text, "0.7 W/K", estimate);
    assert_int_not_equal(gm_world_read("box.yaml", text, strlen(text), &options, &world, &error),
                         GM_OK);
    if (strstr(error.text, expected) == NULL) {
        fail_msg("'%s' does not say '%s'", error.text, expected);
    }
    gm_units_close(units);
}

static void wrong_keys_are_refused_with_their_place(void **state)
{
    (void)state;
    expect_refusal("estimate:\n  hypotheses: [as known]\n", "expected 2 to 4");
    expect_refusal("estimate:\n  hypotheses: as known\n", "a list");
    expect_refusal("estimate:\n  states: [box/*/temperature]\n  hypotheses: [as known, as known]\n",
                   "twice");
    expect_refusal("estimate:\n  states: [box/*/temperature]\n  hypotheses: [as known, drifting]\n",
                   "needs `estimate: parameters`");
    expect_refusal("estimate:\n  inputs: { box/air/power: {spread: 1 W} }\n", "drift");
    expect_refusal("estimate:\n  inputs: { box/air/temperature: {drift: 1 K/h} }\n", "an input");
    expect_refusal("estimate:\n  inputs: { box/air/power: {drift: 3 W/h} }\n"
                   "  hypotheses: [as known, unknown inptu]\n",
                   "unknown input");
}

// ---- what history keeps ----

/// A series of the live branch, whole; the caller's. No rows where there is none.
static gm_history_rows kept(gm_twin *twin, const char *series)
{
    gm_history_rows rows = { 0 };
    gm_error error = { 0 };
    gm_history_query query = gm_default_history_query();
    query.branch = "live";
    query.series = series;
    gm_status status =
        gm_history_read(gm_store_history(gm_twin_store(twin)), &query, &rows, &error);
    if (status != GM_OK && status != GM_NOT_FOUND) {
        fail_msg("%s", error.text);
    }
    return rows;
}

/// A twin with a folder that has followed `count` steps.
static gm_twin *follow_in(const char *folder, const gm_world *world, const gm_sample *samples,
                          size_t count)
{
    gm_twin *twin = rig_twin_open(world, folder, 1);
    rig_feed(twin, samples, 3 * count);
    return twin;
}

static void weights_and_what_is_learned_are_kept(void **state)
{
    (void)state;
    char text[WORLD_SIZE], folder[] = "/tmp/gemel-kept-XXXXXX";
    double added = 0.0, conductance = 0.0;
    assert_non_null(mkdtemp(folder));
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_sample *samples = record_with(3, 8.0, 0.7);
    gm_twin *twin = follow_in(folder, world, samples, STEPS);
    gm_hypotheses found = thought_of(twin);
    gm_history_rows rows = kept(twin, "hypotheses/box");
    // every ten seconds, at the ends of cycles of three
    assert_in_range(rows.count, STEPS * 3 / 10 - 1, STEPS * 3 / 10 + 1);
    assert_int_equal(rows.columns, 4); // all hypotheses there are
    for (size_t row = 0; row < rows.count; row++) {
        const double *weights = rows.values + 4 * row;
        assert_true(fabs(weights[0] + weights[1] + weights[2] - 1.0) < 2e-6);
        assert_true(isnan(weights[3])); // the world does not name it
        assert_true(row == 0 || rows.time_ns[row] >= rows.time_ns[row - 1] + 9 * GM_SECOND_NS);
    }
    const double *last = rows.values + 4 * (rows.count - 1);
    assert_true(rows.values[0] > 0.9 && last[2] > 0.9); // as known until the source was switched on
    assert_true(fabs(last[2] - found.weights[2]) < 0.05); // 9 s apart at most
    gm_history_rows_free(&rows);
    published(twin, &added, &conductance);
    rows = kept(twin, "learned/box/node/air/power");
    assert_int_equal(rows.columns, 7);
    const double *power = rows.values + 7 * (rows.count - 1);
    assert_true(fabs(power[0] - added) < 0.5 && power[1] > 0.0);
    assert_true(power[2] < power[4] && power[4] < power[6]);
    gm_history_rows_free(&rows);
    rows = kept(twin, "learned/box/path/air-room/conductance");
    assert_true(fabs(rows.values[7 * (rows.count - 1)] - conductance) < 0.02);
    gm_history_rows_free(&rows);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder);
}

static void what_is_kept_goes_on_after_a_restart(void **state)
{
    (void)state;
    static const char *const series[] = { "hypotheses/box", "learned/box/node/air/power" };
    char text[WORLD_SIZE], one[] = "/tmp/gemel-kept-XXXXXX", other[] = "/tmp/gemel-kept-XXXXXX";
    assert_true(mkdtemp(one) != NULL && mkdtemp(other) != NULL);
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_sample *samples = record_with(5, 8.0, 0.7);
    gm_twin *whole = follow_in(one, world, samples, ON + 100);
    gm_twin_close(follow_in(other, world, samples, ON + 37));
    gm_twin *twin = follow_in(other, world, samples + 3 * (ON + 37), 63);
    for (size_t k = 0; k < 2; k++) {
        gm_history_rows expected = kept(whole, series[k]), found = kept(twin, series[k]);
        assert_int_equal(found.count, expected.count);
        assert_memory_equal(found.time_ns, expected.time_ns, found.count * sizeof(int64_t));
        for (size_t at = 0; at < found.count * found.columns; at++) {
            assert_true(found.values[at] == expected.values[at] ||
                        (isnan(found.values[at]) && isnan(expected.values[at])));
        }
        gm_history_rows_free(&expected);
        gm_history_rows_free(&found);
    }
    gm_twin_close(twin);
    gm_twin_close(whole);
    gm_memory_free(samples);
    gm_world_close(world);
    rig_remove(one);
    rig_remove(other);
}

static void a_world_that_names_others_goes_on_with_its_series(void **state)
{
    (void)state;
    static const char *const named[] = { "  hypotheses: [as known, drifting]\n",
                                         "  hypotheses: [as known, drifting and unknown input]\n" };
    char folder[] = "/tmp/gemel-kept-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_sample *samples = record_with(3, 0.0, 0.7);
    size_t before = 0;
    for (size_t k = 0; k < 2; k++) {
        char text[WORLD_SIZE], estimate[1024];
        snprintf(estimate, sizeof estimate, "%s%s%s%s", estimate_key, parameters_key, inputs_key,
                 named[k]);
        gm_world *world = rig_world_open(world_with(text, "0.7 W/K", estimate));
        gm_twin *twin = follow_in(folder, world, samples + k * 3 * 100, 100);
        gm_history_rows rows = kept(twin, "hypotheses/box");
        assert_true(rows.count > before + 25);
        const double *last = rows.values + 4 * (rows.count - 1);
        assert_true(isnan(last[1]) == (k == 1) && isnan(last[2]) && isnan(last[3]) == (k == 0));
        assert_true(!isnan(rows.values[1])); // what was kept before is still there
        before = rows.count;
        gm_history_rows_free(&rows);
        gm_twin_close(twin);
        gm_world_close(world);
    }
    gm_memory_free(samples);
    rig_remove(folder);
}

static void late_samples_make_new_versions_of_what_is_kept(void **state)
{
    (void)state;
    enum { COUNT = 100, LATE = 3 * 60 };
    char text[WORLD_SIZE], one[] = "/tmp/gemel-kept-XXXXXX", other[] = "/tmp/gemel-kept-XXXXXX";
    assert_true(mkdtemp(one) != NULL && mkdtemp(other) != NULL);
    gm_world *world = rig_world_open(three(text, "0.7 W/K"));
    gm_sample *samples = record_with(5, 0.0, 0.7);
    gm_twin *punctual = follow_in(one, world, samples, COUNT);
    gm_sample late = samples[LATE];
    memmove(samples + LATE, samples + LATE + 1, 15 * sizeof *samples);
    samples[LATE + 15] = late;
    gm_twin *twin = follow_in(other, world, samples, COUNT);
    gm_history_rows expected = kept(punctual, "hypotheses/box");
    gm_history_rows found = kept(twin, "hypotheses/box");
    size_t redone = 0;
    assert_int_equal(found.count, expected.count);
    for (size_t row = 0; row < found.count; row++) {
        assert_true(found.values[4 * row] == expected.values[4 * row]);
        redone += found.known_ns[row] > found.time_ns[row];
    }
    assert_in_range(redone, 1, 2); // in the fifteen seconds by which it was late
    gm_history_rows_free(&expected);
    gm_history_rows_free(&found);
    gm_twin_close(twin);
    gm_twin_close(punctual);
    gm_memory_free(samples);
    gm_world_close(world);
    rig_remove(one);
    rig_remove(other);
}

static void where_nothing_is_doubted_nothing_is_kept_of_it(void **state)
{
    (void)state;
    char folder[] = "/tmp/gemel-kept-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(1, 20);
    gm_twin *twin = follow_in(folder, world, samples, 20);
    assert_int_equal(kept(twin, "hypotheses/box").count, 0);
    assert_int_equal(kept(twin, "learned/box/path/air-room/conductance").count, 0);
    gm_twin_close(twin);
    gm_memory_free(samples);
    gm_world_close(world);
    rig_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_hypothesis_that_holds_is_found),
        cmocka_unit_test(what_others_see_is_of_the_hypotheses_that_hold),
        cmocka_unit_test(the_model_as_known_is_to_the_bit_the_twin_that_has_no_other),
        cmocka_unit_test(rewinds_restarts_and_workers_end_in_the_same_bits),
        cmocka_unit_test(branches_and_forecasts_carry_the_unknown_input_on),
        cmocka_unit_test(one_lane_is_too_few),
        cmocka_unit_test(weights_and_what_is_learned_are_kept),
        cmocka_unit_test(what_is_kept_goes_on_after_a_restart),
        cmocka_unit_test(a_world_that_names_others_goes_on_with_its_series),
        cmocka_unit_test(late_samples_make_new_versions_of_what_is_kept),
        cmocka_unit_test(where_nothing_is_doubted_nothing_is_kept_of_it),
        cmocka_unit_test(wrong_keys_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
