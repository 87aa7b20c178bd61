// Cells: what of a world can influence each other.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "domain/domains.h"
#include "world/pipe_domain.h"
#include "world/world_cells.h"
#include "world/world_fixture.h"
#include "world/world_units.h"

enum { ALLOCATIONS_MAX = 1000 };

typedef struct cells_of {
    gm_world *world;
    gm_world_cells *cells;
} cells_of;

static cells_of open_cells(const char *text, const memory_file *files)
{
    static const gm_domain *domains[] = { &gm_thermal, &tank_domain, &pipe_domain };
    const gm_world_options options = { .units = units,
                                       .domains = domains,
                                       .domain_count = sizeof domains / sizeof *domains,
                                       .files = { (void *)(uintptr_t)files, read_memory } };
    cells_of made = { 0 };
    gm_error error = { 0 };
    gm_status status = gm_world_read("w.yaml", text, strlen(text), &options, &made.world, &error);
    if (status == GM_OK) {
        status = gm_world_cells_find(made.world, &made.cells, &error);
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    return made;
}

static void close_cells(cells_of *made)
{
    gm_world_cells_close(made->cells);
    gm_world_close(made->world);
}

static uint32_t cell_of(const cells_of *in, const char *address)
{
    gm_ref ref = { 0 };
    gm_error error = { 0 };
    if (gm_world_find_one(in->world, address, (gm_place){ 0 }, &ref, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return gm_world_cell_of(in->cells, ref);
}

#define FLEET                                                                                      \
    "world: w\ncycle: 1 s\nsystems:\n"                                                             \
    "  fleet:\n    model: thermal\n"                                                               \
    "    nodes: {each: machines.csv, $id.core: {capacity: 2}, $id.shell: {capacity: 3},\n"         \
    "            hall: {fixed: true}}\n"                                                           \
    "    paths: {each: machines.csv, $id.in: {from: $id.core, to: $id.shell, conductance: 1},\n"   \
    "            $id.out: {from: hall, to: $id.shell, conductance: 1}}\n"

static const memory_file four_machines[] = { { "machines.csv", "id\nm0\nm1\nm2\nm3\n" }, { 0 } };

static void each_machine_of_a_fleet_is_a_cell(void **state)
{
    (void)state;
    cells_of fleet = open_cells(FLEET, four_machines);
    static const char *const own[] = { "core/temperature", "shell/capacity", "in/conductance",
                                       "out/flow" };
    size_t count = 0;
    assert_int_equal(gm_world_cells_count(fleet.cells), 4);
    assert_int_equal(gm_world_cells_of_group(fleet.cells, 0, &count), 0);
    assert_int_equal(count, 4);
    for (uint32_t machine = 0; machine < 4; machine++) {
        for (size_t at = 0; at < sizeof own / sizeof *own; at++) {
            char address[64];
            snprintf(address, sizeof address, "fleet/m%u.%s", machine, own[at]);
            assert_int_equal(cell_of(&fleet, address), machine);
        }
    }
    assert_int_equal(cell_of(&fleet, "fleet/hall/temperature"), GM_NO_CELL);
    close_cells(&fleet);
}

static void what_is_estimated_joins(void **state)
{
    (void)state;
    cells_of hall =
        open_cells(FLEET "estimate: {states: [fleet/*/temperature],\n"
                         "           inputs: {fleet/hall/temperature: {drift: 1 K/h}}}\n",
                   four_machines);
    assert_int_equal(gm_world_cells_count(hall.cells), 1);
    assert_int_equal(cell_of(&hall, "fleet/hall/temperature"), 0);
    close_cells(&hall);
    cells_of paths = open_cells(FLEET "estimate: {states: [fleet/*/temperature],\n"
                                      "  parameters: {fleet/*/conductance: {spread: 20 %}}}\n",
                                four_machines);
    assert_int_equal(gm_world_cells_count(paths.cells), 4);
    assert_int_equal(cell_of(&paths, "fleet/m2.out/conductance"), 2);
    close_cells(&paths);
}

static void links_join(void **state)
{
    (void)state;
    static const char weather[] =
        "  weather: {model: thermal, nodes: {air: {capacity: 1}, far: {capacity: 1}}}\n";
    char text[2048];
    snprintf(text, sizeof text, "%s%s%s", FLEET, weather,
             "links: {fleet/hall/temperature: weather/air/temperature}\n");
    cells_of shared = open_cells(text, four_machines);
    assert_int_equal(gm_world_cells_count(shared.cells), 2); // all that the air reaches; far
    assert_int_equal(cell_of(&shared, "weather/air/temperature"), 0);
    assert_int_equal(cell_of(&shared, "fleet/m3.core/temperature"), 0);
    assert_int_equal(cell_of(&shared, "weather/far/temperature"), 1);
    close_cells(&shared);
    snprintf(text, sizeof text, "%s%s", FLEET,
             "links: {fleet/m1.core/power: {from: fleet/m3.out/flow, delayed: true}}\n");
    cells_of two = open_cells(text, four_machines);
    assert_int_equal(gm_world_cells_count(two.cells), 3);
    assert_int_equal(cell_of(&two, "fleet/m3.shell/temperature"), 1);
    assert_int_equal(cell_of(&two, "fleet/m2.shell/temperature"), 2);
    close_cells(&two);
}

static void what_says_nothing_is_one(void **state)
{
    (void)state;
    cells_of pipes =
        open_cells("world: w\ncycle: 1 s\nsystems:\n"
                   "  town: {model: pipes, pipes: {a: {share: 0.5}, b: {share: 0.2}}}\n"
                   "  tank: {model: tank}\n",
                   NULL);
    assert_int_equal(gm_world_cells_count(pipes.cells), 2);
    assert_int_equal(cell_of(&pipes, "town/a/flow"), cell_of(&pipes, "town/b/flow"));
    assert_int_equal(cell_of(&pipes, "town/a/flow"), cell_of(&pipes, "town/gives"));
    assert_int_not_equal(cell_of(&pipes, "town/a/flow"), cell_of(&pipes, "tank/level"));
    close_cells(&pipes);
}

static void cells_are_numbered_by_group(void **state)
{
    (void)state;
    cells_of three = open_cells(
        "world: w\ncycle: 1 s\nsystems:\n"
        "  a: {model: thermal, nodes: {x: {capacity: 1}, y: {capacity: 1}}}\n"
        "  b: {model: thermal, nodes: {x: {capacity: 1}, y: {capacity: 1}}}\n"
        "  c: {model: thermal, nodes: {x: {capacity: 1, power: 1 W}, y: {capacity: 1}, z: {fixed: "
        "true}},\n"
        "      paths: {x-z: {conductance: 1}}}\n"
        "links: {c/x/power: {from: c/x-z/flow, delayed: true}, c/z/temperature: a/x/temperature}\n",
        NULL);
    size_t count = 0;
    assert_int_equal(three.world->group_count, 2);
    assert_int_equal(gm_world_cells_of_group(three.cells, 0, &count), 0);
    assert_int_equal(count, 3); // a/x with c/x and c/z, a/y, c/y
    assert_int_equal(cell_of(&three, "a/x/temperature"), 0);
    assert_int_equal(cell_of(&three, "c/x/temperature"), 0);
    assert_int_equal(cell_of(&three, "a/y/temperature"), 1);
    assert_int_equal(cell_of(&three, "c/y/temperature"), 2);
    assert_int_equal(gm_world_cells_of_group(three.cells, 1, &count), 3);
    assert_int_equal(count, 2);
    assert_int_equal(cell_of(&three, "b/y/temperature"), 4);
    close_cells(&three);
}

static void finding_says_that_memory_is_out(void **state)
{
    (void)state;
    cells_of fleet = open_cells(FLEET, four_machines);
    gm_status status = GM_MEMORY;
    for (long allowed = 0; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_world_cells *cells = NULL;
        gm_error error = { 0 };
        allocations_left = allowed;
        status = gm_world_cells_find(fleet.world, &cells, &error);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(error.status, status);
        gm_world_cells_close(cells);
    }
    assert_int_equal(status, GM_OK);
    close_cells(&fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_machine_of_a_fleet_is_a_cell),
        cmocka_unit_test(what_is_estimated_joins),
        cmocka_unit_test(links_join),
        cmocka_unit_test(what_says_nothing_is_one),
        cmocka_unit_test(cells_are_numbered_by_group),
        cmocka_unit_test(finding_says_that_memory_is_out),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
