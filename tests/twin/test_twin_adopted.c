// A change that is sure to have happened becomes part of every lane, is estimated, goes when it is
// mended, and is the same bits whatever happens to the machine.
#include "house_rig.h"
#include "store/journal.h"

#define ADOPTED HOUSE_DETECT HOUSE_WALLS "    adopt: "
static const char adopting_world[] = ADOPTED "true\n";
static const char unmoved_world[] = HOUSE_DETECT HOUSE_WALLS;

static const house_fault open_wall = { .at = 150, .wall = 2, .times = 2.0 };

/// An address of the live state: mean and standard deviation over the lanes.
typedef struct spread {
    double mean, deviation;
} spread;

static spread spread_of(gm_twin *twin, const char *address)
{
    gm_twin_view view;
    gm_ref ref;
    double values[32];
    gm_summary summary;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    assert_int_equal(gm_world_find_one(gm_twin_world(twin), address, (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
    gm_summarise(view.state, values, &summary);
    gm_twin_look_away(twin, &view);
    return (spread){ summary.mean, summary.spread };
}

/// What all walls together let through.
static double walls_of(gm_twin *twin)
{
    double sum_w_k = 0.0;
    for (int room = 1; room <= HOUSE_ROOMS; room++) {
        char address[64];
        snprintf(address, sizeof address, "house/path/r%d-out/conductance", room);
        sum_w_k += spread_of(twin, address).mean;
    }
    return sum_w_k;
}

/// The event of kind "change" that the twin shows; id 0: none.
static gm_twin_event change_of(gm_twin *twin)
{
    rig_events shown;
    gm_twin_event found = { 0 };
    rig_shown_events(twin, &shown);
    for (size_t index = 0; index < shown.count; index++) {
        if (strcmp(shown.events[index].kind, "change") == 0) {
            assert_int_equal(found.id, 0); // one change, one event
            found = shown.events[index];
        }
    }
    return found;
}

static void a_change_that_is_sure_is_taken_into_every_lane(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_play play = house_played(adopting_world, seed, open_wall);
        gm_twin_event change = change_of(play.twin);
        assert_true(change.id != 0);
        assert_string_equal(change.subject, "house/path/r2-out/conductance");
        assert_string_equal(change.unit, "W/K");
        assert_true(change.end_ns == INT64_MAX);
        assert_non_null(strstr(change.text, "taken into the model: house/path/r2-out/conductance"));
        assert_true(fabs(walls_of(play.twin) - 6.0 * 30.0 - 30.0) < 6.0);
        // the alarm says so too, and is over: sensors read what the lanes expect
        gm_suspicion found = house_suspicion(play.twin, 0);
        assert_true(found.adopted);
        rig_events shown;
        rig_shown_events(play.twin, &shown);
        for (size_t index = 0; index < shown.count; index++) {
            bool alarm = strcmp(shown.events[index].kind, "innovation") == 0;
            assert_true(!alarm || strstr(shown.events[index].text, ", taken into the model"));
            assert_true(!alarm || shown.events[index].end_ns != INT64_MAX);
        }
        house_play_end(&play);
    }
}

/// Room 2 has no thermometer: what the twin believes of it depends on knowing what happened.
static void what_nobody_measures_is_right_again(void **state)
{
    (void)state;
    house_play with = house_played(adopting_world, 4, open_wall),
               without = house_played(unmoved_world, 4, open_wall);
    // a twin that knew of the wall from the start
    gm_string text = { 0 };
    static const char wall[] = "r2-out: {conductance: 30 W/K}";
    const char *at = strstr(unmoved_world, wall);
    gm_string_add(&text, unmoved_world, (size_t)(at - unmoved_world));
    gm_string_format(&text, "r2-out: {conductance: 60 W/K}%s", at + strlen(wall));
    house_play knowing = house_played(text.data, 4, open_wall);
    double known_k = spread_of(knowing.twin, "house/r2/temperature").mean;
    double error_k = fabs(spread_of(with.twin, "house/r2/temperature").mean - known_k);
    assert_true(error_k < 0.3);
    assert_true(fabs(spread_of(without.twin, "house/r2/temperature").mean - known_k) >
                2.0 * error_k);
    gm_string_free(&text);
    house_play_end(&with);
    house_play_end(&without);
    house_play_end(&knowing);
}

#define AHEAD "forecast: {fields: [house/r2/temperature], every: 10 min, at: [10 min, 1 h]}\n"

/// An hour ahead, of the room that nobody measures.
static gm_summary forecast_of(const house_play *play)
{
    gm_forecast_row rows[2];
    int64_t issued_ns = 0;
    assert_int_equal(gm_twin_forecast(play->twin, 0, rows, &issued_ns, NULL), GM_OK);
    return rows[1].value;
}

static void forecasts_carry_the_change_and_leave_the_state_alone(void **state)
{
    (void)state;
    static const char adopting[] = ADOPTED "true\n" AHEAD,
                      unmoved[] = HOUSE_DETECT HOUSE_WALLS AHEAD;
    house_play with = house_played(adopting, 4, open_wall),
               without = house_played(unmoved, 4, open_wall),
               alone = house_played(adopting_world, 4, open_wall);
    double now_k = spread_of(with.twin, "house/r2/temperature").mean;
    assert_true(fabs(forecast_of(&with).mean - now_k) < 1.0); // it has cooled down already
    assert_true(forecast_of(&without).mean - forecast_of(&with).mean > 1.0);
    assert_true(gm_twin_hash(with.twin) == gm_twin_hash(alone.twin));
    house_play_end(&with);
    house_play_end(&without);
    house_play_end(&alone);
}

static void lanes_share_the_places_that_it_may_be(void **state)
{
    (void)state;
    house_play play = house_played(adopting_world, 2, open_wall);
    gm_suspicion found = house_suspicion(play.twin, 0);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(play.twin, NULL, &view, NULL), GM_OK);
    double asked = 0.0, held = 0.0, sum = 0.0;
    for (size_t index = 0; index < found.count; index++) {
        sum += found.suspects[index].address[0] != '\0' ? found.suspects[index].probability : 0.0;
    }
    for (size_t index = 0; index < found.count; index++) {
        const gm_suspect *suspect = &found.suspects[index];
        gm_ref ref;
        double values[32];
        if (suspect->address[0] == '\0') {
            continue;
        }
        assert_int_equal(
            gm_world_find_one(play.world, suspect->address, (gm_place){ 0 }, &ref, NULL), GM_OK);
        assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
        size_t lanes = 0;
        for (size_t lane = 0; lane < 32; lane++) {
            lanes += values[lane] > 30.0 + 1e-9;
        }
        assert_true(fabs((double)lanes - 32.0 * suspect->probability / sum) <= 2.0);
        asked += suspect->probability / sum;
        held += (double)lanes / 32.0;
    }
    assert_true(asked > 0.99 && held > 0.9 && held <= 1.0);
    gm_twin_look_away(play.twin, &view);
    house_play_end(&play);
}

static void a_wall_that_is_mended_is_taken_out_again(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_fault fault = { .at = 120, .until = 200, .wall = 2, .times = 2.0 };
        house_play play = house_play_start(adopting_world, seed, fault);
        house_play_steps(&play, 200);
        assert_true(change_of(play.twin).end_ns == INT64_MAX);
        house_play_steps(&play, HOUSE_STEPS - 200);
        rig_settle(play.twin);
        gm_twin_event change = change_of(play.twin);
        int64_t mended_ns = play.samples[HOUSE_SENSORS * 200].time_ns;
        assert_true(change.end_ns > mended_ns);
        assert_true(change.end_ns < mended_ns + 40 * HOUSE_CYCLE_S * GM_SECOND_NS);
        assert_true(fabs(walls_of(play.twin) - 6.0 * 30.0) < 1e-9);
        house_play_end(&play);
    }
}

static void nothing_is_taken_in_while_nothing_happens(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        house_play play = house_played(adopting_world, seed, (house_fault){ 0 });
        assert_int_equal(change_of(play.twin).id, 0);
        assert_true(fabs(walls_of(play.twin) - 6.0 * 30.0) < 1e-9);
        house_play_end(&play);
    }
}

static void a_sensor_that_is_off_is_not_taken_for_the_plant(void **state)
{
    (void)state;
    for (size_t meter = 1; meter <= HOUSE_METERS; meter++) {
        house_fault fault = { .at = 150, .meter = meter, .bias_k = meter % 2 == 0 ? 1.5 : -0.8 };
        house_play play = house_played(adopting_world, meter, fault);
        assert_int_equal(change_of(play.twin).id, 0);
        assert_false(house_suspicion(play.twin, 0).adopted);
        house_play_end(&play);
    }
}

static void what_is_not_sure_enough_is_only_told(void **state)
{
    (void)state;
    static const char never[] = ADOPTED "false\n", sure[] = ADOPTED "100 %\n";
    static const char *const worlds[] = { never, sure };
    house_play unmoved = house_played(unmoved_world, 1, open_wall);
    for (size_t world = 0; world < 2; world++) {
        house_play play = house_played(worlds[world], 1, open_wall);
        assert_int_equal(change_of(play.twin).id, 0);
        assert_false(house_suspicion(play.twin, 0).adopted);
        assert_true(spread_of(play.twin, "house/r2/temperature").mean ==
                    spread_of(unmoved.twin, "house/r2/temperature").mean);
        house_play_end(&play);
    }
    house_play_end(&unmoved);
}

// ---- the same bits ----

/// What would be on disk if the power failed now, opened again.
static gm_twin *twin_after_a_cut(gm_twin *twin, const gm_world *world, const char *folder,
                                 const char *copy)
{
    gm_journal *journal = gm_store_journal(gm_twin_store(twin));
    assert_int_equal(gm_journal_wait(journal, gm_journal_next(journal) - 1, INT64_MAX, NULL),
                     GM_OK);
    char command[256];
    snprintf(command, sizeof command, "cp -r '%s'/. '%s'", folder, copy);
    assert_int_equal(system(command), 0);
    return rig_twin_open(world, copy, 1);
}

/// One step; a reading just before the decision may be held back.
static void step_on(gm_twin *twin, const house_play *play, size_t step, size_t late)
{
    enum { HELD = 158 };
    for (size_t sensor = 0; sensor < HOUSE_SENSORS; sensor++) {
        if (late == 0 || step != HELD || sensor != 0) {
            rig_feed(twin, &play->samples[HOUSE_SENSORS * step + sensor], 1);
        }
    }
    if (late > 0 && step == HELD + late) {
        rig_feed(twin, &play->samples[HOUSE_SENSORS * HELD], 1);
    }
}

static gm_twin *open_steady(const gm_world *world, const char *folder, int64_t snapshot_ns)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    options.replay = true;
    options.snapshot_ns = snapshot_ns;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    if (gm_twin_open(world, &options, &twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return twin;
}

/// The power fails again and again around the decisions; each time what is on disk leads to where
/// the twin was, and from the last cut on to where it goes.
static void cut_around_decisions(int64_t snapshot_ns, size_t late)
{
    house_play play = house_play_start(adopting_world, 1, open_wall);
    rig_folder folder = rig_folder_make();
    gm_twin *twin = open_steady(play.world, folder.path, snapshot_ns), *last = NULL;
    rig_folder kept = { "" };
    size_t with = 0, without = 0;
    for (size_t step = 0; step < HOUSE_STEPS; step++) {
        step_on(twin, &play, step, late);
        bool again = step >= 156 && step < 200 && (step < 170 || step % 8 == 0);
        if (again) {
            rig_folder copy = rig_folder_make();
            gm_twin *reborn = twin_after_a_cut(twin, play.world, folder.path, copy.path);
            assert_true(gm_twin_hash(reborn) == gm_twin_hash(twin));
            gm_twin_event mine = change_of(twin), same = change_of(reborn);
            assert_true(mine.id == same.id && mine.end_ns == same.end_ns);
            assert_string_equal(mine.text, same.text);
            with += mine.id != 0;
            without += mine.id == 0;
            gm_twin_close(last);
            if (last != NULL) {
                rig_remove(kept.path);
            }
            last = reborn;
            kept = copy;
        } else if (last != NULL) {
            step_on(last, &play, step, 0);
        }
    }
    assert_true(with > 10 && without > 2);
    rig_settle(twin);
    rig_settle(last);
    assert_true(change_of(twin).id != 0);
    assert_true(gm_twin_hash(last) == gm_twin_hash(twin));
    gm_twin_close(last);
    gm_twin_close(twin);
    rig_remove(kept.path);
    rig_remove(folder.path);
    house_play_end(&play);
}

static void a_crash_across_a_decision_ends_in_the_same_bits(void **state)
{
    (void)state;
    cut_around_decisions(60 * GM_SECOND_NS, 0);
    cut_around_decisions(86400 * GM_SECOND_NS, 0); // the whole journal
}

/// A reading from before the decision comes behind it: the twin goes back and past it again.
static void a_late_sample_across_a_decision_ends_in_the_same_bits(void **state)
{
    (void)state;
    cut_around_decisions(60 * GM_SECOND_NS, 3);
    cut_around_decisions(86400 * GM_SECOND_NS, 4);
}

static void any_number_of_workers_ends_in_the_same_bits(void **state)
{
    (void)state;
    house_play play = house_played(adopting_world, 3, open_wall);
    gm_twin *many = rig_twin_open(play.world, NULL, 2);
    rig_feed(many, play.samples, HOUSE_SENSORS * HOUSE_STEPS);
    rig_settle(many);
    assert_true(change_of(many).id != 0);
    assert_true(gm_twin_hash(many) == gm_twin_hash(play.twin));
    gm_twin_close(many);
    house_play_end(&play);
}

// ---- what is not as it should be ----

static void a_damaged_decision_is_an_error_that_names_the_record(void **state)
{
    (void)state;
    house_play play = house_play_start(adopting_world, 1, open_wall);
    rig_folder folder = rig_folder_make(), copy = rig_folder_make();
    gm_twin *twin = open_steady(play.world, folder.path, 86400 * GM_SECOND_NS);
    for (size_t step = 0; step < 20; step++) {
        step_on(twin, &play, step, 0);
    }
    uint64_t number = 0;
    assert_int_equal(gm_journal_append(gm_store_journal(gm_twin_store(twin)), GM_JOURNAL_ADOPTION,
                                       "\1\0half", 6, &number),
                     GM_OK);
    assert_int_equal(
        gm_journal_wait(gm_store_journal(gm_twin_store(twin)), number, INT64_MAX, NULL), GM_OK);
    char command[256], named[64];
    snprintf(command, sizeof command, "cp -r '%s'/. '%s'", folder.path, copy.path);
    snprintf(named, sizeof named, "journal record %llu", (unsigned long long)number);
    assert_int_equal(system(command), 0);
    gm_twin_options options = gm_default_twin_options();
    options.folder = copy.path;
    options.replay = true;
    gm_twin *reborn = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_twin_open(play.world, &options, &reborn, &error), GM_CORRUPT);
    assert_non_null(strstr(error.text, named));
    gm_twin_close(twin);
    rig_remove(folder.path);
    rig_remove(copy.path);
    house_play_end(&play);
}

/// A world file that no longer asks for it: the change is forgotten, the twin goes on.
static void a_world_that_no_longer_adopts_goes_on_without(void **state)
{
    (void)state;
    house_play play = house_play_start(adopting_world, 1, open_wall);
    rig_folder folder = rig_folder_make();
    gm_twin *twin = open_steady(play.world, folder.path, 60 * GM_SECOND_NS);
    for (size_t step = 0; step < 170; step++) {
        step_on(twin, &play, step, 0);
    }
    assert_true(change_of(twin).end_ns == INT64_MAX);
    gm_twin_close(twin);
    gm_world *edited = rig_world_open(unmoved_world);
    twin = open_steady(edited, folder.path, 60 * GM_SECOND_NS);
    assert_true(change_of(twin).end_ns != INT64_MAX);
    for (size_t step = 170; step < 190; step++) {
        step_on(twin, &play, step, 0);
    }
    rig_settle(twin);
    gm_twin_close(twin);
    gm_world_close(edited);
    rig_remove(folder.path);
    house_play_end(&play);
}

static void expect_refusal(const char *text, const char *place, const char *reason)
{
    gm_world *world = rig_world_open(text);
    gm_twin_options options = gm_default_twin_options();
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    options.replay = true;
    assert_true(gm_twin_open(world, &options, &twin, &error) != GM_OK);
    assert_null(twin);
    if (strstr(error.text, reason) == NULL || strstr(error.text, place) == NULL) {
        fail_msg("'%s' says neither '%s' nor '%s'", error.text, place, reason);
    }
    gm_world_close(world);
}

static void what_cannot_be_adopted_is_refused_with_its_place(void **state)
{
    (void)state;
    expect_refusal(ADOPTED "maybe\n", ":45:12: ", "maybe");
    expect_refusal(ADOPTED "20 %\n", ":45:12: ", "0.5");
    expect_refusal(ADOPTED "2\n", ":45:12: ", "2");
    expect_refusal(ADOPTED "{from: 1}\n", ":45:12: ", "");
    // what sensors drive or what is estimated would be written over
    expect_refusal(HOUSE_DETECT "    house/r1/power: {times: 0.5}\n    adopt: true\n",
                   ":45:12: ", "sensors, drivers or estimates");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_is_sure_is_taken_into_every_lane),
        cmocka_unit_test(what_nobody_measures_is_right_again),
        cmocka_unit_test(forecasts_carry_the_change_and_leave_the_state_alone),
        cmocka_unit_test(lanes_share_the_places_that_it_may_be),
        cmocka_unit_test(a_wall_that_is_mended_is_taken_out_again),
        cmocka_unit_test(nothing_is_taken_in_while_nothing_happens),
        cmocka_unit_test(a_sensor_that_is_off_is_not_taken_for_the_plant),
        cmocka_unit_test(what_is_not_sure_enough_is_only_told),
        cmocka_unit_test(a_crash_across_a_decision_ends_in_the_same_bits),
        cmocka_unit_test(a_late_sample_across_a_decision_ends_in_the_same_bits),
        cmocka_unit_test(any_number_of_workers_ends_in_the_same_bits),
        cmocka_unit_test(a_damaged_decision_is_an_error_that_names_the_record),
        cmocka_unit_test(a_world_that_no_longer_adopts_goes_on_without),
        cmocka_unit_test(what_cannot_be_adopted_is_refused_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
