// What forecasts say, how they are scored, and what of it outlives a restart.
#include "box_rig.h"
#include "rig_steps.h"
#include "twin/twin_parts.h"

enum { STEPS = 8000, LEADS = 2, SEEDS = 6, EVERY_STEPS = 20, LEAD_STEPS_MOST = 200 };

/// A recording, and the truth behind it.
typedef struct story {
    gm_sample samples[3 * STEPS];
    double air_k[STEPS];
} story;

static story *story_of(uint64_t seed)
{
    story *told = gm_memory_new(1, sizeof *told);
    rig box = rig_start(seed);
    for (size_t step = 0; step < STEPS; step++) {
        rig_move(&box);
        rig_read(&box, told->samples + 3 * step);
        told->air_k[step] = box.air_k;
    }
    return told;
}

/// What the recording will say: the drivers' future as it came.
static double future_of(void *context, size_t sensor, int64_t time_ns)
{
    const story *told = context;
    int64_t step = (time_ns - RIG_START_NS) / RIG_CYCLE_NS - 1;
    if (step < 0 || step >= STEPS) {
        return NAN;
    }
    double value = told->samples[3 * step + (int64_t)sensor].value;
    return sensor == 1 ? value + 273.15 : value * 125.0;
}

typedef struct rig_options {
    const char *folder;
    size_t threads;
} rig_options;

static gm_twin *open_twin(const gm_world *world, story *told, rig_options how)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = how.folder;
    options.threads = how.threads > 0 ? how.threads : 1;
    options.replay = true;
    options.known = future_of;
    options.known_context = told;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    if (gm_twin_open(world, &options, &twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return twin;
}

static bool is_inside(double lower, double value, double upper)
{
    return value >= lower && value <= upper;
}

/// True values in the published bands, by windows that do not overlap.
typedef struct truths {
    size_t count, inside50, inside90, early, early90;
} truths;

static void compare(gm_twin *twin, const story *told, truths *met)
{
    enum { EARLY_STEPS = 1200 };
    gm_forecast_row rows[LEADS];
    int64_t issued_ns = 0, free_ns[LEADS] = { INT64_MIN, INT64_MIN }, last_ns = INT64_MIN;
    for (size_t step = 0; step + LEAD_STEPS_MOST + EVERY_STEPS < STEPS; step++) {
        rig_feed(twin, told->samples + 3 * step, 3);
        if (gm_twin_forecast(twin, 0, rows, &issued_ns, NULL) != GM_OK || issued_ns == last_ns) {
            continue;
        }
        last_ns = issued_ns;
        for (size_t lead = 0; lead < LEADS; lead++) {
            const gm_summary *said = &rows[lead].value;
            if (issued_ns < free_ns[lead]) {
                continue;
            }
            free_ns[lead] = rows[lead].time_ns;
            double truth = told->air_k[(rows[lead].time_ns - RIG_START_NS) / RIG_CYCLE_NS - 1];
            bool inside90 = is_inside(said->q05, truth, said->q95);
            assert_true(said->q05 <= said->q25 && said->q25 <= said->q50);
            assert_true(said->q50 <= said->q75 && said->q75 <= said->q95);
            met->count++;
            met->inside50 += is_inside(said->q25, truth, said->q75);
            met->inside90 += inside90;
            met->early += step < EARLY_STEPS;
            met->early90 += step < EARLY_STEPS && inside90;
        }
    }
}

static void bands_hold_truths_and_readings_as_often_as_they_say(void **state)
{
    (void)state;
    truths met = { 0 };
    double readings = 0.0, inside50 = 0.0, inside90 = 0.0, crps = 0.0, raw = 0.0;
    gm_world *world = rig_world_open(rig_world);
    for (uint64_t seed = 21; seed < 21 + SEEDS; seed++) {
        story *told = story_of(seed);
        gm_twin *twin = open_twin(world, told, (rig_options){ 0 });
        gm_score scores[LEADS];
        compare(twin, told, &met);
        gm_twin_scores(twin, scores);
        for (size_t lead = 0; lead < LEADS; lead++) {
            const gm_score *score = &scores[lead];
            double count = (double)score->count;
            readings += count;
            inside50 += count * score->coverage50;
            inside90 += count * score->coverage90;
            crps += count * score->crps;
            raw += count * score->raw_crps;
            assert_true(score->rmse < 0.25 * score->persistence_rmse);
            assert_true(fabs(score->bias) < score->rmse);
            assert_true(score->crps_fair < score->crps && score->crps_fair > 0.95 * score->crps);
            assert_true(score->width50 > 0.0 && score->width50 < score->width90);
        }
        gm_twin_close(twin);
        gm_memory_free(told);
    }
    gm_world_close(world);
    double count = (double)met.count;
    print_message("%zu windows: truths %.3f %.3f, of %zu early ones %.3f; %.0f readings %.3f %.3f; "
                  "crps %.4f, raw %.4f\n",
                  met.count, (double)met.inside50 / count, (double)met.inside90 / count, met.early,
                  (double)met.early90 / (double)met.early, readings, inside50 / readings,
                  inside90 / readings, crps / readings, raw / readings);
    assert_true(met.count >= 1000);
    assert_true(fabs(inside90 / readings - 0.9) < 0.03);
    assert_true(fabs(inside50 / readings - 0.5) < 0.04);
    assert_true(crps <= 1.002 * raw);
    assert_true(fabs((double)met.inside90 / count - 0.9) < 0.03);
    // a minute ahead the lanes are narrow beside the noise: readings say little of the 50 % band
    assert_true(fabs((double)met.inside50 / count - 0.5) < 0.07);
    assert_true((double)met.early90 / (double)met.early > 0.7);
}

enum { SHORT_STEPS = 1500, BREAK_STEPS = 777 };

static void scores_of(const char *folder, bool restart, size_t threads, gm_score scores[LEADS])
{
    story *told = story_of(31);
    gm_world *world = rig_world_open(rig_world);
    rig_options how = { .folder = folder, .threads = threads };
    gm_twin *twin = open_twin(world, told, how);
    rig_feed(twin, told->samples, (size_t)3 * BREAK_STEPS);
    if (restart) {
        gm_forecast_row before[LEADS], after[LEADS];
        int64_t issued_ns = 0, then_ns = 0;
        assert_int_equal(gm_twin_forecast(twin, 0, before, &issued_ns, NULL), GM_OK);
        gm_history_rows rows =
            rig_history(twin, "forecast/box/node/air/temperature/60s", INT64_MAX);
        const double *kept = rows.values + rows.columns * rig_row(&rows, before[0].time_ns);
        assert_int_equal(rows.columns, sizeof(gm_summary) / sizeof(double));
        assert_memory_equal(kept, &before[0].value, sizeof(gm_summary));
        gm_history_rows_free(&rows);
        gm_twin_close(twin);
        twin = open_twin(world, told, how);
        assert_int_equal(gm_twin_forecast(twin, 0, after, &then_ns, NULL), GM_OK);
        assert_int_equal(issued_ns, then_ns);
        assert_memory_equal(before, after, sizeof before);
    }
    rig_feed(twin, told->samples + 3 * BREAK_STEPS, (size_t)3 * (SHORT_STEPS - BREAK_STEPS));
    gm_twin_scores(twin, scores);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(told);
}

static void scores_outlive_a_restart_bit_for_bit(void **state)
{
    (void)state;
    char folder[] = "/tmp/gemel-twin-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_score straight[LEADS], broken[LEADS];
    scores_of(NULL, false, 1, straight);
    scores_of(folder, true, 1, broken);
    assert_true(straight[0].count > 60);
    assert_memory_equal(straight, broken, sizeof straight);
    rig_remove(folder);
}

static void scores_are_the_same_for_any_number_of_workers(void **state)
{
    (void)state;
    gm_score one[LEADS], three[LEADS];
    scores_of(NULL, false, 1, one);
    scores_of(NULL, false, 3, three);
    assert_memory_equal(one, three, sizeof one);
}

static void memory_of_another_version_or_cut_short_is_refused(void **state)
{
    (void)state;
    story *told = story_of(32);
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = open_twin(world, told, (rig_options){ 0 }), *fresh = NULL;
    rig_feed(twin, told->samples, 3 * 500);
    gm_string bytes = { 0 };
    gm_forecaster_save(twin, &bytes);
    assert_false(bytes.failed);
    fresh = open_twin(world, told, (rig_options){ 0 });
    gm_score empty[LEADS], scores[LEADS];
    gm_twin_scores(fresh, empty);
    for (size_t size = 0; size < bytes.size; size += 1 + size / 16) {
        assert_false(gm_forecaster_load(fresh, (gm_text){ bytes.data, size }));
        gm_twin_scores(fresh, scores);
        assert_int_equal(scores[0].count, 0);
    }
    bytes.data[0]++;
    assert_false(gm_forecaster_load(fresh, (gm_text){ bytes.data, bytes.size }));
    bytes.data[0]--;
    assert_true(gm_forecaster_load(fresh, (gm_text){ bytes.data, bytes.size }));
    gm_twin_scores(twin, empty);
    gm_twin_scores(fresh, scores);
    assert_memory_equal(empty, scores, sizeof scores);
    gm_string_free(&bytes);
    gm_twin_close(fresh);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bands_hold_truths_and_readings_as_often_as_they_say),
        cmocka_unit_test(scores_outlive_a_restart_bit_for_bit),
        cmocka_unit_test(scores_are_the_same_for_any_number_of_workers),
        cmocka_unit_test(memory_of_another_version_or_cut_short_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
