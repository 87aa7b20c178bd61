// The live twin ends in the same bits: for any number of workers, with late and repeated samples,
// after a restart, and after being killed.
#include <signal.h>
#include <sys/wait.h>

#include "box_rig.h"

enum { STEPS = 600 };

static uint64_t hash_of(const gm_sample *samples, size_t count, size_t threads)
{
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, threads);
    rig_feed(twin, samples, count);
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    return hash;
}

static void worker_count_never_changes_a_bit(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(1, STEPS);
    uint64_t one = hash_of(samples, 3 * STEPS, 1);
    assert_true(one != 0);
    assert_int_equal(hash_of(samples, 3 * STEPS, 2), one);
    assert_int_equal(hash_of(samples, 3 * STEPS, 7), one);
    gm_memory_free(samples);
}

static double uniform_of(uint64_t seed, size_t index, uint32_t purpose)
{
    return gm_random_uniform(gm_random_for(seed, "shuffle"),
                             (gm_draw){ .element = (uint32_t)index, .purpose = purpose });
}

typedef struct delayed {
    gm_sample sample;
    double arrival;
} delayed;

static int by_arrival(const void *a, const void *b)
{
    double left = ((const delayed *)a)->arrival, right = ((const delayed *)b)->arrival;
    return (left > right) - (left < right);
}

/// 20 % of the samples come up to 9 cycles late, 5 % come twice. @return how many there are now
static size_t disturb(uint64_t seed, const gm_sample *samples, size_t count, gm_sample *out)
{
    delayed *rows = gm_memory_new(2 * count, sizeof *rows);
    size_t made = 0;
    for (size_t index = 0; index < count; index++) {
        double delay = uniform_of(seed, index, 1) < 0.2 ? 9.0 * uniform_of(seed, index, 2) : 0.0;
        double step = (double)(index / 3);
        rows[made++] = (delayed){ samples[index], step + delay + 1e-6 * (double)(index % 3) };
        if (uniform_of(seed, index, 3) < 0.05) {
            rows[made++] =
                (delayed){ samples[index], step + delay + 5.0 * uniform_of(seed, index, 4) };
        }
    }
    qsort(rows, made, sizeof *rows, by_arrival);
    for (size_t index = 0; index < made; index++) {
        out[index] = rows[index].sample;
    }
    gm_memory_free(rows);
    return made;
}

static void late_and_repeated_samples_end_in_the_same_hash(void **state)
{
    (void)state;
    gm_sample *samples = rig_record(2, STEPS), *mixed = gm_memory_new(6 * STEPS, sizeof *mixed);
    uint64_t in_order = hash_of(samples, 3 * STEPS, 1);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        size_t count = disturb(seed, samples, 3 * STEPS, mixed);
        assert_true(count > 3 * STEPS);
        assert_int_equal(hash_of(mixed, count, 1), in_order);
    }
    gm_memory_free(samples);
    gm_memory_free(mixed);
}

static void a_restart_goes_on_in_the_same_bits(void **state)
{
    (void)state;
    char folder[] = "/tmp/gemel-twin-XXXXXX";
    assert_non_null(mkdtemp(folder));
    gm_sample *samples = rig_record(3, STEPS);
    uint64_t whole = hash_of(samples, 3 * STEPS, 1);
    gm_world *world = rig_world_open(rig_world);
    for (size_t part = 0; part < 5; part++) {
        gm_twin *twin = rig_twin_open(world, folder, 1);
        size_t from = part * 3 * STEPS / 5 - (part > 0 ? 30 : 0); // the sender repeats a little
        rig_feed(twin, samples + from, (part + 1) * 3 * STEPS / 5 - from);
        if (part == 4) {
            rig_settle(twin);
            assert_int_equal(gm_twin_hash(twin), whole);
            gm_twin_status status;
            gm_twin_status_get(twin, &status);
            assert_int_equal(status.accepted, 3 * STEPS);
            assert_int_equal(status.duplicates, 4 * 30);
        }
        gm_twin_close(twin);
    }
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder);
}

/// Feeds everything from the start in a child that is killed after a while; true when it came to
/// its end.
static bool run_and_kill(const char *folder, const gm_sample *samples, size_t count,
                         useconds_t after_us)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        gm_world *world = rig_world_open(rig_world);
        gm_twin *twin = rig_twin_open(world, folder, 1);
        rig_feed(twin, samples, count);
        rig_settle(twin);
        _exit(0);
    }
    usleep(after_us);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status);
}

static void being_killed_ends_in_the_same_bits(void **state)
{
    (void)state;
    enum { KILLS_A_ROUND = 2 };
    size_t kills = GEMEL_SANITIZE[0] == '\0' ? 200 : 20; // sanitizers are slow
    gm_sample *samples = rig_record(4, STEPS);
    uint64_t whole = hash_of(samples, 3 * STEPS, 1);
    size_t killed = 0;
    for (size_t round = 0; killed < kills; round++) {
        char folder[] = "/tmp/gemel-twin-XXXXXX";
        assert_non_null(mkdtemp(folder));
        for (size_t kill_number = 0; kill_number < KILLS_A_ROUND; kill_number++) {
            double after_us = 100000.0 * uniform_of(5, 10 * round + kill_number, 5);
            killed += !run_and_kill(folder, samples, 3 * STEPS, (useconds_t)after_us);
        }
        gm_world *world = rig_world_open(rig_world);
        gm_twin *twin = rig_twin_open(world, folder, 1);
        rig_feed(twin, samples, 3 * STEPS);
        rig_settle(twin);
        assert_int_equal(gm_twin_hash(twin), whole);
        gm_twin_status status;
        gm_twin_status_get(twin, &status);
        assert_int_equal(status.accepted, 3 * STEPS);
        gm_twin_close(twin);
        gm_world_close(world);
        rig_remove(folder);
    }
    gm_memory_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worker_count_never_changes_a_bit),
        cmocka_unit_test(late_and_repeated_samples_end_in_the_same_hash),
        cmocka_unit_test(a_restart_goes_on_in_the_same_bits),
        cmocka_unit_test(being_killed_ends_in_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
