// A twin without memory, and a twin whose disk is full: it says so, loses nothing it acknowledged,
// and goes on in the same bits when there is room again.
#include "base/failing_memory.h"
#include "rig_steps.h"
#include "store/fault_vfs.h"

enum { STEPS = 150 };

static uint64_t undisturbed(const gm_world *world, const gm_sample *samples, size_t count)
{
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, count);
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    return hash;
}

static gm_status try_open(const gm_world *world, const char *folder, long allocations,
                          gm_twin **twin)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    options.replay = true;
    options.snapshot_ns = 60 * GM_SECOND_NS;
    gm_error error = { 0 };
    allocations_left = allocations;
    gm_status status = gm_twin_open(world, &options, twin, &error);
    allocations_left = LONG_MAX;
    if (status != GM_OK) {
        assert_null(*twin);
        assert_true(error.text[0] != '\0');
    }
    return status;
}

static void opening_without_memory_is_an_error(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = NULL;
    long needed = 0;
    while (try_open(world, NULL, needed, &twin) != GM_OK) {
        needed++;
    }
    gm_twin_close(twin);
    assert_true(needed > 10);

    // and with a folder to recover from
    rig_folder folder = rig_folder_make();
    gm_sample *samples = rig_record(51, STEPS);
    twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, samples, 3 * STEPS);
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder.path, 1);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    twin = NULL;
    for (needed = 0; try_open(world, folder.path, needed, &twin) != GM_OK;) {
        needed += 1 + needed / 30;
    }
    gm_twin_close(twin);
    twin = rig_twin_open(world, folder.path, 1);
    assert_int_equal(gm_twin_hash(twin), hash);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

typedef struct failing_run {
    gm_twin *twin;
    uint64_t random;
    size_t failed_submits, failed_cycles;
} failing_run;

/// Submits and runs cycles while a random allocation fails, again until it succeeds.
static void press_on(failing_run *run, gm_sample sample, int64_t cycle_ns)
{
    gm_sample_fate fate;
    gm_submission submission = { .samples = &sample, .count = 1, .fates = &fate };
    gm_status status = GM_NUMERIC;
    for (int tries = 0; status != GM_OK; tries++) {
        allocations_left = tries < 3 ? (long)(fault_random(&run->random) % 2) : LONG_MAX;
        status = gm_twin_submit(run->twin, &submission, NULL);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        run->failed_submits += status != GM_OK;
    }
    assert_int_equal(fate, GM_SAMPLE_ACCEPTED);
    status = GM_NUMERIC;
    for (int tries = 0; status != GM_OK; tries++) {
        allocations_left = tries < 3 ? (long)(fault_random(&run->random) % 5) : LONG_MAX;
        gm_error error = { 0 };
        status = gm_twin_cycle(run->twin, cycle_ns, &error);
        allocations_left = LONG_MAX;
        if (status != GM_OK && status != GM_MEMORY) {
            fail_msg("%s", error.text);
        }
        run->failed_cycles += status != GM_OK;
    }
}

static void press_through(const char *text)
{
    gm_world *world = rig_world_open(text);
    gm_sample *samples = rig_record(52, STEPS);
    uint64_t whole = undisturbed(world, samples, 3 * STEPS);
    rig_folder folder = rig_folder_make();
    for (uint64_t seed = 1; seed <= 6; seed++) {
        const char *place = seed > 4 ? folder.path : NULL; // the last two over one folder
        failing_run run = { .twin = rig_twin_open(world, place, 1), .random = seed };
        if (seed == 6) {
            assert_int_equal(gm_twin_hash(run.twin), whole);
            gm_twin_close(run.twin);
            break;
        }
        for (size_t step = 0; step < STEPS + 3; step++) {
            // the thermometer is three steps late: every cycle is a rewind
            for (size_t sensor = 0; sensor < 3; sensor++) {
                size_t of = sensor == 0 ? step - 3 : step;
                if (of < STEPS) {
                    int64_t newest_ns = samples[3 * (step < STEPS ? step : STEPS - 1)].time_ns;
                    press_on(&run, samples[3 * of + sensor], newest_ns - 1);
                }
            }
        }
        rig_settle(run.twin);
        assert_int_equal(gm_twin_hash(run.twin), whole);
        assert_int_equal(rig_status(run.twin).accepted, 3 * STEPS);
        print_message("%zu submissions and %zu cycles failed\n", run.failed_submits,
                      run.failed_cycles);
        assert_true(run.failed_submits > 0 && run.failed_cycles > 0);
        gm_twin_close(run.twin);
    }
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void cycles_without_memory_end_in_the_same_bits(void **state)
{
    (void)state;
    press_through(rig_world);
}

static void spans_and_biases_without_memory_end_in_the_same_bits(void **state)
{
    (void)state;
    static const char keys[] = "every: 3 s, averaged: 9 s, bias: {spread: 0.3 K, drift: 1 K/day}";
    const char *place = strstr(rig_world, "every: 3 s");
    char text[sizeof rig_world + sizeof keys];
    snprintf(text, sizeof text, "%.*s%s%s", (int)(place - rig_world), rig_world, keys,
             place + strlen("every: 3 s"));
    press_through(text);
}

/// The rig's world with another filter. @param text  out, [size]
static void write_filtered(const char *filter, char *text, size_t size)
{
    static const char at[] = "estimate:\n";
    const char *found = strstr(rig_world, at) + sizeof at - 1;
    int length =
        snprintf(text, size, "%.*s  filter: %s\n  inflation: adaptive\n  noise: learned\n%s",
                 (int)(found - rig_world), rig_world, filter, found);
    assert_true(length > 0 && (size_t)length < size);
}

static void every_filter_without_memory_ends_in_the_same_bits(void **state)
{
    (void)state;
    static const char *const filters[] = { "local", "{kind: local, hops: 2}", "particles",
                                           "transform" };
    for (size_t index = 0; index < sizeof filters / sizeof *filters; index++) {
        char text[sizeof rig_world + 128];
        write_filtered(filters[index], text, sizeof text);
        gm_world *world = rig_world_open(text);
        gm_twin *twin = NULL;
        for (long needed = 0; try_open(world, NULL, needed, &twin) != GM_OK; needed++) {
        }
        gm_twin_close(twin);
        gm_world_close(world);
        press_through(text);
    }
}

// ---- a full disk ----

typedef struct answers {
    pthread_mutex_t lock;
    size_t stored, refused;
} answers;

static void take_answer(void *context, gm_status status, const char *text)
{
    answers *told = context;
    assert_non_null(text);
    pthread_mutex_lock(&told->lock);
    told->stored += status == GM_OK;
    told->refused += status != GM_OK;
    pthread_mutex_unlock(&told->lock);
}

static size_t answered(answers *told, size_t *stored)
{
    pthread_mutex_lock(&told->lock);
    size_t all = told->stored + told->refused;
    *stored = told->stored;
    pthread_mutex_unlock(&told->lock);
    return all;
}

static gm_twin *open_on_disk(const gm_world *world, const char *folder, fault_disk *disk)
{
    gm_twin_options options = gm_default_twin_options();
    gm_store_options on_disk = gm_default_store_options();
    on_disk.vfs = disk->vfs_name;
    on_disk.disk = &disk->files;
    options.folder = folder;
    options.store = &on_disk;
    options.replay = true;
    options.snapshot_ns = 60 * GM_SECOND_NS;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    if (gm_twin_open(world, &options, &twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return twin;
}

static void submit_step(gm_twin *twin, const gm_sample *samples, answers *told)
{
    gm_sample_fate fates[3];
    gm_submission submission = {
        .samples = samples, .count = 3, .fates = fates, .done = take_answer, .context = told
    };
    assert_int_equal(gm_twin_submit(twin, &submission, NULL), GM_OK);
    assert_int_equal(fates[0], GM_SAMPLE_ACCEPTED);
    rig_cycle(twin, samples[0].time_ns - 1);
}

static void a_full_disk_acknowledges_nothing_until_there_is_room(void **state)
{
    (void)state;
    enum { FULL_FROM = 60, FULL_TO = 90 };
    gm_world *world = rig_world_open(rig_world);
    gm_sample *samples = rig_record(53, STEPS);
    uint64_t whole = undisturbed(world, samples, 3 * STEPS);
    rig_folder folder = rig_folder_make();
    fault_disk *disk = fault_disk_create("twin-full", 53);
    gm_twin *twin = open_on_disk(world, folder.path, disk);
    answers told = { .lock = PTHREAD_MUTEX_INITIALIZER };
    size_t before = 0, during = 0, after = 0;
    for (size_t step = 0; step < STEPS; step++) {
        if (step == FULL_FROM) {
            while (answered(&told, &before) < FULL_FROM) {
                usleep(1000);
            }
            assert_int_equal(before, FULL_FROM);
            fault_disk_set_capacity(disk, 1);
        }
        if (step == FULL_TO) {
            usleep(20000);
            answered(&told, &during);
            assert_int_equal(during, before);
            fault_disk_set_capacity(disk, 0);
        }
        submit_step(twin, samples + 3 * step, &told);
    }
    gm_error error = { 0 };
    gm_status status = GM_IO;
    for (int tries = 0; status != GM_OK && tries < 1000; tries++) { // a commit is tried again soon
        usleep(10000);
        status = gm_twin_settle(twin, &error);
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(answered(&told, &after), STEPS);
    assert_true(after > during);
    assert_int_equal(gm_twin_hash(twin), whole);
    gm_twin_close(twin);
    twin = open_on_disk(world, folder.path, disk);
    assert_int_equal(gm_twin_hash(twin), whole);
    assert_int_equal(rig_status(twin).accepted, 3 * STEPS);
    gm_twin_close(twin);
    fault_disk_close(disk);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

static void nobody_waits_for_an_empty_submission(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    rig_folder folder = rig_folder_make();
    for (int round = 0; round < 20; round++) {
        gm_twin *twin = rig_twin_open(world, folder.path, 1);
        answers told = { .lock = PTHREAD_MUTEX_INITIALIZER };
        gm_submission submission = { .done = take_answer, .context = &told };
        assert_int_equal(gm_twin_submit(twin, &submission, NULL), GM_OK);
        size_t stored = 0;
        while (answered(&told, &stored) == 0) {
            usleep(100);
        }
        assert_int_equal(stored, 1);
        gm_twin_close(twin);
    }
    gm_world_close(world);
    rig_remove(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_without_memory_is_an_error),
        cmocka_unit_test(cycles_without_memory_end_in_the_same_bits),
        cmocka_unit_test(spans_and_biases_without_memory_end_in_the_same_bits),
        cmocka_unit_test(every_filter_without_memory_ends_in_the_same_bits),
        cmocka_unit_test(a_full_disk_acknowledges_nothing_until_there_is_room),
        cmocka_unit_test(nobody_waits_for_an_empty_submission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
