// Promise 1 for a whole twin: over many lives of one disk that loses power at any call, no sample
// that was acknowledged is missing, none counts twice, and the last life ends in the same bits as a
// twin that never stopped.
//
// Usage: test_twin_power_cut [lives [seed]]
#include "rig_steps.h"
#include "store/fault_vfs.h"

enum { STEPS = 60, SAMPLES = 3 * STEPS, LIVES_PER_DISK = 25 };

static const char cut_world[] =
    "world: box\n"
    "cycle: 3 s\n"
    "lanes: 8\n"
    "lateness: 15 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 3 s }\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC }\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W }\n"
    "estimate: { states: [box/*/temperature] }\n"
    "record: { box/air/temperature: 6 s }\n"
    "forecast: { fields: [box/air/temperature], every: 30 s, at: [30 s] }\n";

static size_t lives_wanted = GEMEL_SANITIZE[0] == '\0' ? 2000 : 200; // sanitizers are slow
static uint64_t first_seed = 1;

struct one_disk;

typedef struct promise {
    struct one_disk *disk;
    size_t first, count; // samples
} promise;

typedef struct one_disk {
    const gm_world *world;
    const gm_sample *samples; // [SAMPLES], in the order in which they are sent
    rig_folder folder;
    fault_disk *disk;
    uint64_t random;
    pthread_mutex_t lock;
    bool acknowledged[SAMPLES];
    promise promises[SAMPLES]; // of the submissions that begin with each sample
    size_t opened, cut;
} one_disk;

static uint64_t chance(one_disk *of, uint64_t below)
{
    return fault_random(&of->random) % below;
}

static void keep_promise(void *context, gm_status status, const char *text)
{
    (void)text;
    promise *made = context;
    pthread_mutex_lock(&made->disk->lock);
    for (size_t index = 0; status == GM_OK && index < made->count; index++) {
        made->disk->acknowledged[made->first + index] = true;
    }
    pthread_mutex_unlock(&made->disk->lock);
}

static gm_status open_twin(one_disk *of, gm_twin **twin, gm_error *error)
{
    gm_twin_options options = gm_default_twin_options();
    gm_store_options store = gm_default_store_options();
    store.vfs = of->disk->vfs_name;
    store.disk = &of->disk->files;
    store.snapshots_kept = 2;
    options.folder = of->folder.path;
    options.store = &store;
    options.replay = true;
    options.snapshot_ns = 24 * GM_SECOND_NS;
    return gm_twin_open(of->world, &options, twin, error);
}

/// Sends samples [first, end) again or anew. @return false when the power failed meanwhile
static bool send(one_disk *of, gm_twin *twin, size_t first, size_t end)
{
    gm_sample_fate fates[SAMPLES];
    bool acknowledged[SAMPLES];
    pthread_mutex_lock(&of->lock);
    memcpy(acknowledged, of->acknowledged, sizeof acknowledged);
    pthread_mutex_unlock(&of->lock);
    promise *made = &of->promises[first];
    *made = (promise){ of, first, end - first };
    gm_submission submission = { .samples = of->samples + first,
                                 .count = end - first,
                                 .fates = fates,
                                 .done = keep_promise,
                                 .context = made };
    gm_error error = { 0 };
    gm_status status = gm_twin_submit(twin, &submission, &error);
    if (fault_disk_is_dead(of->disk)) {
        return false;
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    int64_t newest_ns = 0;
    for (size_t index = 0; index < end - first; index++) {
        if (acknowledged[first + index]) {
            assert_int_equal(fates[index], GM_SAMPLE_DUPLICATE);
        }
        int64_t sample_ns = of->samples[first + index].time_ns;
        newest_ns = sample_ns > newest_ns ? sample_ns : newest_ns;
    }
    if (gm_twin_cycle(twin, newest_ns - 1, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return true;
}

/// Senders repeat themselves from the start, or from what was not acknowledged.
static void live(one_disk *of, gm_twin *twin)
{
    size_t first = 0;
    while (chance(of, 2) == 0 && first < SAMPLES && of->acknowledged[first]) {
        first++;
    }
    bool alive = true;
    size_t until = chance(of, 3) == 0 ? SAMPLES : first + chance(of, SAMPLES - first + 1);
    while (alive && first < until) {
        size_t end = first + 1 + chance(of, 9);
        end = end < until ? end : until;
        alive = send(of, twin, first, end);
        first = end;
        if (chance(of, 8) == 0) {
            usleep((useconds_t)chance(of, 400)); // lets the disk come after
        }
    }
    if (alive && chance(of, 4) == 0) {
        gm_twin_settle(twin, NULL);
    }
}

static void live_once(one_disk *of)
{
    gm_error error = { 0 };
    gm_twin *twin = NULL;
    if (chance(of, 8) != 0) {
        fault_disk_cut_after(of->disk, 1 + chance(of, chance(of, 3) == 0 ? 120 : 500));
    }
    gm_status status = open_twin(of, &twin, &error);
    if (status != GM_OK && !fault_disk_is_dead(of->disk)) {
        fail_msg("the twin does not open again: %s", error.text);
    }
    if (status == GM_OK) {
        of->opened++;
        live(of, twin);
    }
    if (chance(of, 3) != 0) {
        fault_disk_die(of->disk);
    }
    gm_twin_close(twin);
    if (fault_disk_is_dead(of->disk) && chance(of, 4) != 0) {
        of->cut++;
        fault_disk_restart(of->disk);
    } else {
        fault_disk_revive(of->disk); // the process ended, the machine did not
    }
}

/// The last life, without faults.
static void expect_all(one_disk *of, uint64_t whole)
{
    gm_error error = { 0 };
    gm_twin *twin = NULL;
    if (open_twin(of, &twin, &error) != GM_OK) {
        fail_msg("the twin does not open again: %s", error.text);
    }
    assert_true(send(of, twin, 0, SAMPLES));
    rig_settle(twin);
    assert_int_equal(gm_twin_hash(twin), whole);
    assert_int_equal(rig_status(twin).accepted, SAMPLES);
    gm_history_rows rows = rig_history(twin, "sensor/t2", INT64_MAX);
    assert_int_equal(rows.count, STEPS);
    gm_history_rows_free(&rows);
    gm_twin_close(twin);
    assert_int_equal(open_twin(of, &twin, &error), GM_OK);
    assert_int_equal(gm_twin_hash(twin), whole);
    gm_twin_close(twin);
}

/// Some samples come up to three steps later than others.
static void delay_some(gm_sample *samples, uint64_t *random)
{
    for (size_t end = SAMPLES; end > 12; end--) {
        if (fault_random(random) % 8 == 0) { // each is delayed once: from the end to the front
            size_t index = end - 12, by = 3 + fault_random(random) % 7;
            gm_sample late = samples[index];
            memmove(samples + index, samples + index + 1, by * sizeof late);
            samples[index + by] = late;
        }
    }
}

static uint64_t undisturbed(const gm_world *world, const gm_sample *samples)
{
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    rig_feed(twin, samples, SAMPLES);
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    return hash;
}

static void no_acknowledged_sample_is_missing_or_doubled(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(cut_world);
    size_t opened = 0, cut = 0, lives = 0;
    for (uint64_t seed = first_seed; lives < lives_wanted; seed++) {
        gm_sample *samples = rig_record(seed, STEPS);
        uint64_t whole = undisturbed(world, samples);
        char name[32];
        snprintf(name, sizeof name, "twin-cut-%llu", (unsigned long long)seed);
        one_disk *of = calloc(1, sizeof *of);
        assert_non_null(of);
        of->world = world;
        of->folder = rig_folder_make();
        of->disk = fault_disk_create(name, seed);
        of->random = seed * 77;
        delay_some(samples, &of->random);
        of->samples = samples;
        pthread_mutex_init(&of->lock, NULL);
        for (size_t life = 0; life < LIVES_PER_DISK; life++, lives++) {
            live_once(of);
        }
        expect_all(of, whole);
        opened += of->opened;
        cut += of->cut;
        pthread_mutex_destroy(&of->lock);
        fault_disk_close(of->disk);
        rig_remove(of->folder.path);
        free(of);
        gm_memory_free(samples);
    }
    print_message("%zu lives, %zu opened, %zu power cuts\n", lives, opened, cut);
    assert_true(opened > lives / 4 && cut > lives / 4);
    gm_world_close(world);
}

int main(int count, char **arguments)
{
    lives_wanted = count > 1 ? strtoull(arguments[1], NULL, 10) : lives_wanted;
    first_seed = count > 2 ? strtoull(arguments[2], NULL, 10) : first_seed;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_acknowledged_sample_is_missing_or_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
