// A fleet in one system: each machine is assimilated as if it were alone.
#include "base/text.h"
#include "rig_steps.h"

enum { MACHINES = 7, CYCLES = 150, LANES = 64, SENSORS_MAX = 2 * MACHINES + 3 };

/// Machines of two nodes beside one hall whose temperature is given.
static gm_world *open_fleet(size_t machines, const char *estimate)
{
    gm_string text = { 0 };
    gm_string_format(&text, "world: fleet\ncycle: 3 s\nlanes: 64\nlateness: 30 s\nsystems:\n"
                            "  fleet:\n    model: thermal\n"
                            "    integrator: {method: rk4, step: 1 s}\n"
                            "    nodes:\n      hall: {fixed: true, temperature: 20 degC}\n");
    for (size_t m = 0; m < machines; m++) {
        gm_string_format(&text,
                         "      m%zu.core: {capacity: 500 J/K, power: 60 W}\n"
                         "      m%zu.shell: {capacity: 900 J/K}\n",
                         m, m);
    }
    gm_string_format(&text, "    paths:\n");
    for (size_t m = 0; m < machines; m++) {
        gm_string_format(&text,
                         "      m%zu.in: {from: m%zu.core, to: m%zu.shell, conductance: 4 W/K}\n"
                         "      m%zu.out: {from: m%zu.shell, to: hall, conductance: 3 W/K}\n",
                         m, m, m, m, m);
    }
    gm_string_format(&text, "sensors:\n  hall: {field: fleet/hall/temperature, unit: degC, noise: "
                            "0.1 degC}\n");
    for (size_t m = 0; m < machines; m++) {
        gm_string_format(&text,
                         "  m%zu.t1: {field: fleet/m%zu.core/temperature, unit: degC, noise: 0.2 "
                         "degC, every: 3 s}\n"
                         "  m%zu.t2: {field: fleet/m%zu.shell/temperature, unit: degC, noise: 0.2 "
                         "degC}\n",
                         m, m, m, m);
    }
    gm_string_format(&text, "estimate: {states: [fleet/*/temperature]%s}\n", estimate);
    assert_false(text.failed);
    gm_world *world = rig_world_open(text.data);
    gm_string_free(&text);
    return world;
}

static int64_t time_of(size_t cycle)
{
    return RIG_START_NS + (int64_t)cycle * RIG_CYCLE_NS;
}

/// What a machine's sensor says in a cycle; a machine's two sensors disagree from `faulty` on.
static gm_sample sample_of(size_t machine, size_t which, size_t cycle, size_t faulty)
{
    const gm_random random = gm_random_for(5, "fleet");
    gm_draw draw = { .lane = (uint32_t)which,
                     .element = (uint32_t)machine,
                     .occurrence = (uint64_t)cycle };
    double value = (which == 0 ? 52.0 : 38.0) + 0.5 * (double)machine +
                   2.0 * sin(0.05 * (double)(cycle + 9 * machine)) +
                   0.2 * gm_random_normal(random, draw);
    return (gm_sample){ .sensor = 1 + 2 * machine + which,
                        .time_ns = time_of(cycle),
                        .value = value + (cycle >= faulty && which == 1 ? 9.0 : 0.0) };
}

/// One cycle: the hall, then the machines in the order of a rotation; some are silent now and then.
static void run_cycle(gm_twin *twin, size_t machines, size_t cycle, size_t faulty)
{
    gm_sample samples[SENSORS_MAX] = {
        { .sensor = 0, .time_ns = time_of(cycle), .value = 20.0 + 0.01 * (double)(cycle % 50) }
    };
    gm_sample_fate fates[SENSORS_MAX];
    size_t count = 1;
    for (size_t at = 0; at < machines; at++) {
        size_t machine = (at + cycle) % machines;
        for (size_t which = 0; which < 2; which++) {
            if ((cycle + 3 * machine) % 11 != which) {
                samples[count++] =
                    sample_of(machine, which, cycle, machine == 3 ? faulty : CYCLES + 1);
            }
        }
    }
    gm_submission all = { .samples = samples, .count = count, .fates = fates };
    gm_error error = { 0 };
    if (gm_twin_submit(twin, &all, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    rig_cycle(twin, time_of(cycle));
}

static void read_address(gm_twin *twin, const char *address, double *values)
{
    gm_ref ref = { 0 };
    gm_twin_view view;
    gm_error error = { 0 };
    const gm_world *world = gm_twin_world(twin);
    assert_int_equal(gm_world_find_one(world, address, (gm_place){ 0 }, &ref, &error), GM_OK);
    assert_int_equal(gm_twin_look(twin, NULL, &view, &error), GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, &error), GM_OK);
    gm_twin_look_away(twin, &view);
}

static void a_machine_of_a_fleet_is_as_if_it_were_alone(void **state)
{
    (void)state;
    static const char *const addresses[] = { "fleet/m0.core/temperature",
                                             "fleet/m0.shell/temperature" };
    gm_world *worlds[] = { open_fleet(1, ""), open_fleet(MACHINES, "") };
    gm_twin *twins[] = { rig_twin_open(worlds[0], NULL, 1), rig_twin_open(worlds[1], NULL, 2) };
    for (size_t cycle = 1; cycle <= CYCLES; cycle++) {
        run_cycle(twins[0], 1, cycle, CYCLES);
        run_cycle(twins[1], MACHINES, cycle, 20);
    }
    for (size_t at = 0; at < 2; at++) {
        double alone[LANES], among[LANES];
        read_address(twins[0], addresses[at], alone);
        read_address(twins[1], addresses[at], among);
        assert_memory_equal(alone, among, sizeof alone);
        assert_true(alone[0] != alone[1]);
    }
    for (size_t at = 0; at < 2; at++) {
        gm_twin_close(twins[at]);
        gm_world_close(worlds[at]);
    }
}

static void an_alarm_of_one_machine_leaves_the_others_learning(void **state)
{
    (void)state;
    gm_world *world =
        open_fleet(MACHINES, ", parameters: {fleet/*.out/conductance: {spread: 20 %, drift: 5 "
                             "%/day}}");
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    size_t cycle = 1;
    while (cycle <= 120 || (cycle < CYCLES && rig_status(twin).open_events == 0)) {
        run_cycle(twin, MACHINES, cycle++, 120);
    }
    assert_true(rig_status(twin).open_events > 0);
    double before[2][LANES], after[2][LANES];
    read_address(twin, "fleet/m3.out/conductance", before[0]);
    read_address(twin, "fleet/m2.out/conductance", before[1]);
    run_cycle(twin, MACHINES, cycle, 120);
    read_address(twin, "fleet/m3.out/conductance", after[0]);
    read_address(twin, "fleet/m2.out/conductance", after[1]);
    assert_memory_equal(before[0], after[0], sizeof before[0]);
    assert_memory_not_equal(before[1], after[1], sizeof before[1]);
    gm_twin_close(twin);
    gm_world_close(world);
}

static uint64_t hash_after(size_t threads, size_t restart_at)
{
    rig_folder folder = rig_folder_make();
    const char *path = restart_at > 0 ? folder.path : NULL;
    gm_world *world = open_fleet(MACHINES, "");
    gm_twin *twin = rig_twin_open(world, path, threads);
    for (size_t cycle = 1; cycle <= CYCLES; cycle++) {
        if (cycle == restart_at) {
            gm_twin_close(twin);
            twin = rig_twin_open(world, path, threads);
        }
        run_cycle(twin, MACHINES, cycle, 60);
    }
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    rig_remove(folder.path);
    return hash;
}

static void a_fleet_ends_in_the_same_bits(void **state)
{
    (void)state;
    uint64_t one = hash_after(1, 0);
    assert_true(one != 0);
    assert_true(hash_after(2, 0) == one);
    assert_true(hash_after(7, 0) == one);
    assert_true(hash_after(1, 100) == one);
}

static void a_machine_joins_a_running_fleet(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *small = open_fleet(MACHINES - 1, ""), *large = open_fleet(MACHINES, "");
    gm_twin *twin = rig_twin_open(small, folder.path, 1);
    for (size_t cycle = 1; cycle <= 130; cycle++) {
        run_cycle(twin, MACHINES - 1, cycle, 110); // an alarm is open
    }
    double before[LANES], after[LANES];
    assert_true(rig_status(twin).open_events > 0);
    read_address(twin, "fleet/m1.shell/temperature", before);
    gm_twin_close(twin);
    twin = rig_twin_open(large, folder.path, 1);
    read_address(twin, "fleet/m1.shell/temperature", after);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_true(fabs(after[lane] - before[lane]) < 1.0); // the last cycles, run again
    }
    for (size_t cycle = 131; cycle <= 131 + CYCLES; cycle++) {
        run_cycle(twin, MACHINES, cycle, 0); // machine 3 stays as it is: the alarm ends
    }
    gm_twin_status status = rig_status(twin);
    assert_int_equal(status.lanes_left, LANES);
    read_address(twin, "fleet/m6.core/temperature", after);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_true(fabs(after[lane] - 273.15 - 55.0) < 5.0); // it found the newcomer
    }
    gm_twin_close(twin);
    gm_world_close(small);
    gm_world_close(large);
    rig_remove(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_machine_of_a_fleet_is_as_if_it_were_alone),
        cmocka_unit_test(an_alarm_of_one_machine_leaves_the_others_learning),
        cmocka_unit_test(a_fleet_ends_in_the_same_bits),
        cmocka_unit_test(a_machine_joins_a_running_fleet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
