// labels: threads
// A twin that runs by the clock, with everybody at it at once: senders, readers, people who fork,
// set, run and drop branches, a listener; stopped, started again, closed and opened again.
#include <pthread.h>
#include <stdatomic.h>

#include "rig_steps.h"

enum { SENDERS = 3, RUN_MS = 1200 };

static const char live_world[] =
    "world: box\n"
    "cycle: 20 ms\n"
    "lanes: 16\n"
    "lateness: 1 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 10 ms "
    "}\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC }\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W }\n"
    "estimate: { states: [box/*/temperature] }\n"
    "record: { box/*/temperature: 100 ms }\n"
    "forecast: { fields: [box/air/temperature], every: 100 ms, at: [100 ms, 1 s] }\n";

typedef struct stage {
    gm_twin *twin;
    atomic_bool over;
    atomic_size_t accepted, submitted, answered, stored, told, looks, events;
} stage;

static void take_answer(void *context, gm_status status, const char *text)
{
    stage *on = context;
    atomic_fetch_add(&on->stored, status == GM_OK);
    atomic_fetch_add(&on->answered, text != NULL);
}

typedef struct sender {
    stage *on;
    size_t sensor;
    pthread_t thread;
} sender;

/// Every 5 ms a few samples, now and then late ones, twice.
static void *run_sender(void *context)
{
    sender *self = context;
    stage *on = self->on;
    for (uint64_t round = 0; !atomic_load(&on->over); round++) {
        gm_sample samples[4];
        gm_sample_fate fates[4];
        int64_t now_ns = gm_clock_wall_ns();
        size_t count = 0;
        for (; count < 3; count++) {
            samples[count] = (gm_sample){ .sensor = self->sensor,
                                          .time_ns = now_ns - (int64_t)(count * 1000000),
                                          .value = self->sensor == 2 ? 1.0 : 20.0 };
        }
        samples[count++] = samples[0];
        if (round % 10 == 9) {
            samples[1].time_ns -= 300 * 1000000; // rewinds
        }
        gm_submission submission = {
            .samples = samples, .count = count, .fates = fates, .done = take_answer, .context = on
        };
        if (gm_twin_submit(on->twin, &submission, NULL) == GM_OK) {
            atomic_fetch_add(&on->submitted, 1);
            for (size_t index = 0; index < count; index++) {
                atomic_fetch_add(&on->accepted, fates[index] == GM_SAMPLE_ACCEPTED);
                assert_true(fates[index] != GM_SAMPLE_NONE && fates[index] != GM_SAMPLE_REJECTED);
            }
            assert_int_equal(fates[3], GM_SAMPLE_DUPLICATE);
        }
        usleep(5000);
    }
    return NULL;
}

static void look_at_all(stage *on)
{
    gm_twin_view view;
    if (gm_twin_look(on->twin, NULL, &view, NULL) == GM_OK) {
        double values[16];
        gm_ref ref = gm_twin_world(on->twin)->sensors[0].ref;
        uint64_t hash = gm_state_hash(view.state);
        assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
        gm_summary summary;
        gm_summarise(view.state, values, &summary);
        assert_true(isfinite(summary.mean));
        assert_int_equal(gm_state_time(view.state), view.time_ns);
        usleep(1000);
        assert_int_equal(gm_state_hash(view.state), hash); // published states never change
        gm_twin_look_away(on->twin, &view);
        atomic_fetch_add(&on->looks, 1);
    }
    gm_sensor_status sensor;
    gm_twin_sensor(on->twin, 0, &sensor);
    assert_non_null(sensor.quality);
    gm_forecast_row rows[2];
    gm_score scores[2];
    int64_t issued_ns = 0;
    gm_twin_forecast(on->twin, 0, rows, &issued_ns, NULL);
    gm_twin_scores(on->twin, scores);
    rig_events events;
    rig_shown_events(on->twin, &events);
    rig_status(on->twin);
}

static void *run_reader(void *context)
{
    stage *on = context;
    while (!atomic_load(&on->over)) {
        look_at_all(on);
        gm_branch_status branches[GM_TWIN_BRANCHES_MAX];
        size_t count = 0;
        gm_twin_branches(on->twin, branches, &count);
        assert_true(count <= 4);
        gm_history_rows rows = { 0 };
        gm_history_query query = gm_default_history_query();
        query.branch = "live";
        query.series = "sensor/t2";
        query.max_rows = 30;
        gm_history_read(gm_store_history(gm_twin_store(on->twin)), &query, &rows, NULL);
        gm_history_rows_free(&rows);
    }
    return NULL;
}

/// Forks, runs ahead, sets, forks the fork, drops: what a what-if does.
static void *run_forker(void *context)
{
    stage *on = context;
    gm_ref power = gm_twin_world(on->twin)->sensors[2].ref;
    while (!atomic_load(&on->over)) {
        gm_error error = { 0 };
        gm_status status = gm_twin_fork(on->twin, NULL, "if", "a test", &error);
        if (status == GM_BUSY) {
            usleep(1000);
            continue;
        }
        assert_int_equal(status, GM_OK);
        assert_int_equal(gm_twin_branch_set(on->twin, "if", power, 50.0, NULL), GM_OK);
        assert_int_equal(gm_twin_branch_advance(on->twin, "if", GM_SECOND_NS, NULL), GM_OK);
        assert_int_equal(gm_twin_fork(on->twin, "if", "if-not", NULL, NULL), GM_OK);
        gm_twin_view live, branch;
        assert_int_equal(gm_twin_look(on->twin, "if-not", &branch, NULL), GM_OK);
        assert_int_equal(gm_twin_look(on->twin, NULL, &live, NULL), GM_OK);
        assert_int_equal(gm_twin_drop(on->twin, "if", NULL), GM_OK);
        assert_int_equal(gm_twin_drop(on->twin, "if-not", NULL), GM_OK);
        assert_true(gm_state_hash(branch.state) != gm_state_hash(live.state));
        gm_twin_look_away(on->twin, &branch);
        gm_twin_look_away(on->twin, &live);
    }
    return NULL;
}

static void listen_in(void *context, const gm_twin_update *update)
{
    stage *on = context;
    assert_true(update->kind != GM_UPDATE_NONE);
    atomic_fetch_add(&on->told, update->kind == GM_UPDATE_CYCLE);
    atomic_fetch_add(&on->events, update->kind == GM_UPDATE_EVENT && update->event != NULL);
    rig_status(on->twin); // a listener may look
}

static gm_twin *open_live(const gm_world *world, const char *folder)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    options.threads = 2;
    options.snapshot_ns = 200 * 1000000;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    if (gm_twin_open(world, &options, &twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return twin;
}

static void everybody_at_once(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(live_world);
    stage on = { .twin = open_live(world, folder.path) };
    gm_twin_listen(on.twin, listen_in, &on);
    sender senders[SENDERS];
    pthread_t reader, forker;
    assert_int_equal(gm_twin_start(on.twin, NULL), GM_OK);
    assert_int_equal(gm_twin_start(on.twin, NULL), GM_OK); // once is enough
    for (size_t index = 0; index < SENDERS; index++) {
        senders[index] = (sender){ .on = &on, .sensor = index };
        pthread_create(&senders[index].thread, NULL, run_sender, &senders[index]);
    }
    pthread_create(&reader, NULL, run_reader, &on);
    pthread_create(&forker, NULL, run_forker, &on);
    for (int round = 0; round < 4; round++) {
        usleep(RUN_MS * 1000 / 4);
        gm_twin_stop(on.twin); // the others go on
        usleep(20000);
        assert_false(rig_status(on.twin).running);
        assert_int_equal(gm_twin_start(on.twin, NULL), GM_OK);
    }
    atomic_store(&on.over, true);
    for (size_t index = 0; index < SENDERS; index++) {
        pthread_join(senders[index].thread, NULL);
    }
    pthread_join(reader, NULL);
    pthread_join(forker, NULL);
    usleep(100000); // the last samples' cycle
    gm_twin_stop(on.twin);
    gm_twin_listen(on.twin, NULL, NULL);
    gm_twin_status status = rig_status(on.twin);
    print_message("%zu accepted, %llu cycles, %llu rewinds, %llu forecasts, %zu looks\n",
                  atomic_load(&on.accepted), (unsigned long long)status.cycles,
                  (unsigned long long)status.rewinds, (unsigned long long)status.forecasts,
                  atomic_load(&on.looks));
    assert_int_equal(status.accepted, atomic_load(&on.accepted));
    assert_true(status.cycles > 5 && status.rewinds > 0 && status.forecasts > 0);
    assert_true(atomic_load(&on.told) > 0 && atomic_load(&on.looks) > 0);
    uint64_t hash = gm_twin_hash(on.twin);
    gm_twin_close(on.twin);
    assert_int_equal(atomic_load(&on.answered), atomic_load(&on.submitted));
    assert_int_equal(atomic_load(&on.stored), atomic_load(&on.submitted));
    for (int restarts = 0; restarts < 2; restarts++) {
        gm_twin *twin = open_live(world, folder.path);
        assert_int_equal(gm_twin_hash(twin), hash);
        assert_int_equal(rig_status(twin).accepted, status.accepted);
        assert_int_equal(rig_status(twin).cycles, status.cycles);
        gm_twin_close(twin);
    }
    gm_world_close(world);
    rig_remove(folder.path);
}

static void a_source_far_ahead_of_the_clock_is_rejected(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(live_world);
    gm_twin *twin = open_live(world, NULL);
    gm_sample sample = { .time_ns = gm_clock_wall_ns() + 3600 * GM_SECOND_NS, .value = 20.0 };
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_REJECTED);
    sample.time_ns = INT64_MAX;
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_REJECTED);
    sample.time_ns = gm_clock_wall_ns() + GM_SECOND_NS / 4; // a clock a little fast is no fault
    assert_int_equal(rig_submit(twin, sample), GM_SAMPLE_ACCEPTED);
    assert_int_equal(gm_twin_start(twin, NULL), GM_OK);
    gm_sensor_status sensor = { 0 };
    for (int tries = 0; tries < 300 && sensor.time_ns != sample.time_ns; tries++) {
        usleep(10000);
        gm_twin_sensor(twin, 0, &sensor);
    }
    assert_int_equal(sensor.time_ns, sample.time_ns);
    assert_int_equal(rig_status(twin).late, 0);
    gm_twin_close(twin); // stops by itself
    gm_world_close(world);
}

static void closing_answers_everybody(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(live_world);
    rig_folder folder = rig_folder_make();
    size_t accepted = 0;
    for (int round = 0; round < 10; round++) {
        stage on = { .twin = open_live(world, folder.path) };
        assert_int_equal(rig_status(on.twin).accepted, accepted);
        if (round % 2 == 0) {
            assert_int_equal(gm_twin_start(on.twin, NULL), GM_OK);
        }
        for (int index = 0; index < 50; index++) {
            gm_sample sample = { .time_ns = gm_clock_wall_ns(), .value = 20.0 };
            gm_sample_fate fate;
            gm_submission submission = {
                .samples = &sample, .count = 1, .fates = &fate, .done = take_answer, .context = &on
            };
            assert_int_equal(gm_twin_submit(on.twin, &submission, NULL), GM_OK);
            accepted += fate == GM_SAMPLE_ACCEPTED;
        }
        gm_twin_close(on.twin);
        assert_int_equal(atomic_load(&on.answered), 50);
    }
    gm_world_close(world);
    rig_remove(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_at_once),
        cmocka_unit_test(a_source_far_ahead_of_the_clock_is_rejected),
        cmocka_unit_test(closing_answers_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
