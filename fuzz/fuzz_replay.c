// Fuzzes recordings: whatever the bytes, rows that a twin may take or an error that says where. The
// first byte chooses the world: how it maps columns and tells time.
#include <math.h>
#include <string.h>

#include "base/require.h"
#include "ingest/replay.h"

#define BOX                                                                                        \
    "world: w\n"                                                                                   \
    "systems: {box: {model: thermal, nodes: {air: {capacity: 5}, room: {fixed: true}}, "           \
    "paths: {air-room: {conductance: 1}}}}\n"

static const char *const worlds[] = {
    BOX "sensors: {t2: {field: box/air/temperature, noise: 1}, heat: {field: box/air/power, ahead: "
        "known}}\n",
    BOX "sensors: {t2: {field: box/air/temperature, noise: 1, columns: [a, b]}, heat: {field: "
        "box/air/power, columns: [c], ahead: known}}\nreplay: {time: {column: when, unit: s}}\n",
    BOX "sensors: {t2: {field: box/air/temperature, noise: 1, columns: [a, b]}}\n"
        "replay: {time: {unit: ms}, separator: ;}\n",
    BOX "sensors: {t2: {field: box/air/temperature, noise: 1}}\nreplay: {time: {unit: iso}}\n",
};
enum { WORLDS = sizeof worlds / sizeof *worlds };

static void look(const gm_world *world, gm_replay *replay)
{
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    for (size_t index = 0; index < count; index++) {
        GM_REQUIRE(rows[index].sensor < world->sensor_count);
        GM_REQUIRE(isfinite(rows[index].value) && rows[index].time_ns >= 0);
        bool known = !isnan(gm_replay_known(replay, rows[index].sensor, rows[index].time_ns));
        size_t driver = world->sensors[rows[index].sensor].driver;
        GM_REQUIRE(known ==
                   (driver != GM_NO_INDEX && world->drivers[driver].ahead.kind == GM_RULE_KNOWN));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *text = worlds[bytes[0] % WORLDS];
    gm_world_options options = { 0 };
    gm_world *world = NULL;
    gm_replay *replay = NULL;
    gm_error error = { 0 };
    options.domains = gm_domains(&options.domain_count);
    GM_REQUIRE(gm_world_read("w.yaml", text, strlen(text), &options, &world, &error) == GM_OK);
    gm_text csv = { (const char *)bytes + 1, size - 1 };
    gm_status status = gm_replay_read(world, "r.csv", csv, &replay, &error);
    GM_REQUIRE((status == GM_OK) == (replay != NULL));
    if (status == GM_OK) {
        look(world, replay);
    } else {
        GM_REQUIRE(strncmp(error.text, "r.csv:", 6) == 0);
    }
    gm_replay_close(replay);
    gm_world_close(world);
    return 0;
}
