// Fuzzes world files and what-ifs: whatever the bytes, a world or an error that says why; a world
// that was read can be laid out, settled and asked for all its addresses.
#include "base/require.h"
#include "world/world_fixture.h"

enum { ELEMENTS_MAX = 1000 };

static const memory_file tables[] = { { "rooms.csv", "id,capacity\nhall,250 J/K\nbath,9\n" },
                                      { "odd.csv", "id;c\n\"a;b\";1\n" },
                                      { 0 } };

// Settles a state of the world, as it is or under a scenario of its own.
static void move(const gm_world *world, const gm_scenario *scenario)
{
    gm_layout *layout = NULL, *varied_layout = NULL;
    gm_state *state = NULL, *varied = NULL;
    gm_error error = { 0 };
    GM_REQUIRE(gm_world_layout(world, 3, NULL, 0, &layout, &error) == GM_OK);
    GM_REQUIRE(gm_state_create(layout, world->start_ns, &state, &error) == GM_OK);
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD };
    const gm_world *moved = world;
    if (scenario != NULL) {
        moved = gm_scenario_world(world, scenario);
        GM_REQUIRE(gm_scenario_fork(world, scenario, state, &varied_layout, &varied, &error) ==
                   GM_OK);
        GM_REQUIRE(gm_scenario_start(scenario, 3, world->start_ns, &options.run, &error) == GM_OK);
    }
    GM_REQUIRE(gm_world_work_create(moved, 3, &options.work, &error) == GM_OK);
    gm_state *settled = scenario != NULL ? varied : state;
    GM_REQUIRE(gm_world_settle(moved, settled, &options, &error) == GM_OK);
    gm_scenario_stop(options.run);
    gm_world_work_close(options.work);
    gm_state_close(varied);
    gm_layout_close(varied_layout);
    gm_state_close(state);
    gm_layout_close(layout);
}

static void ask(const gm_world *world)
{
    gm_ref *refs = NULL;
    size_t count = 0;
    gm_error error = { 0 };
    if (gm_world_find(world, "*/*/*/*", (gm_place){ 0 }, &refs, &count, &error) != GM_OK) {
        return; // systems without elements
    }
    for (size_t index = 0; index < count && index < ELEMENTS_MAX; index++) {
        char address[4 * GM_NAME_MAX];
        gm_ref found = { 0 };
        size_t size = gm_world_address(world, refs[index], address, sizeof address);
        // names of elements are the domain's: they may hold what a pattern does not take
        bool plain = size < sizeof address && strchr(address, '*') == NULL;
        if (plain && gm_world_find_one(world, address, (gm_place){ 0 }, &found, &error) == GM_OK) {
            GM_REQUIRE(memcmp(&found, &refs[index], sizeof found) == 0);
        }
    }
    gm_memory_free(refs);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const char stage[] = "world: w\nsystems: {a: {model: tank}, box: {model: thermal, "
                                "nodes: {x: {capacity: 1}, y: {capacity: 1}}, paths: {x-y: "
                                "{conductance: 1}}}}\n";
    gm_world *world = NULL;
    gm_error error = { 0 };
    gm_status status = read_world_bytes(NULL, (const char *)bytes, size, tables, &world, &error);
    GM_REQUIRE((status == GM_OK) == (world != NULL));
    GM_REQUIRE(status == GM_OK || (error.status == status && error.text[0] != '\0'));
    if (world != NULL && world->system_count < 16) {
        move(world, world->scenario_count > 0 ? &world->scenarios[0] : NULL);
        ask(world);
    }
    gm_world_close(world);

    world = NULL;
    GM_REQUIRE(read_world_bytes(NULL, stage, sizeof stage - 1, NULL, &world, &error) == GM_OK);
    gm_scenario *scenario = NULL;
    status = gm_scenario_read(world, (const char *)bytes, size, &scenario, &error);
    GM_REQUIRE((status == GM_OK) == (scenario != NULL));
    if (scenario != NULL) {
        move(world, scenario);
    }
    gm_scenario_close(scenario);
    gm_world_close(world);
    return 0;
}
