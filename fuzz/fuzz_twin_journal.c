// Fuzzes what a twin reads back when it opens: a snapshot and the journal behind it, on a disk in
// memory. Whatever the bytes, it opens or says why not; if it opens, it can be used and opened
// again in the same bits.
//
// First byte: 1 in its lowest bit for a snapshot, whose size follows (u16) and whose bytes come
// next. Then records: kind u8, size u8, bytes.
#include <gemel/twin.h>
#include <gemel/world.h>
#include <string.h>

#include "base/require.h"
#include "domain/domains.h"
#include "store/fault_vfs.h"
#include "store/journal.h"
#include "store/snapshots.h"
#include "world/world_parts.h"

enum { RECORDS_MAX = 64 };

static const char world_text[] = "world: w\n"
                                 "cycle: 10 s\n"
                                 "lanes: 4\n"
                                 "lateness: 30 s\n"
                                 "systems:\n"
                                 "  box:\n"
                                 "    model: thermal\n"
                                 "    nodes: { air: {capacity: 690000}, room: {fixed: true} }\n"
                                 "    paths: { air-room: {conductance: 0.5} }\n"
                                 "sensors:\n"
                                 "  t: { field: box/air/temperature, from: http, "
                                 "noise: 0.1, every: 10 s, range: [10, 80] }\n"
                                 "  r: { field: box/room/temperature, from: http }\n"
                                 "estimate: { states: [box/air/temperature] }\n";

static const char folder[] = "/tmp/gemel-fuzz-twin"; // only its lock is a file

static void fill(gm_store *store, const uint8_t *bytes, size_t size)
{
    size_t at = 1;
    if ((bytes[0] & 1) != 0 && size >= 3) {
        size_t state = bytes[1] | (size_t)bytes[2] << 8;
        state = state < size - 3 ? state : size - 3;
        GM_REQUIRE(gm_snapshot_write(store, 0, bytes + 3, state, NULL) == GM_OK);
        at = 3 + state;
    }
    for (int record = 0; record < RECORDS_MAX && size - at >= 2; record++) {
        uint16_t kind = (uint16_t)(1 + bytes[at] % 5);
        size_t length = bytes[at + 1] < size - at - 2 ? bytes[at + 1] : size - at - 2;
        GM_REQUIRE(gm_journal_append(gm_store_journal(store), kind, bytes + at + 2, length, NULL) ==
                   GM_OK);
        at += 2 + length;
    }
}

/// @return the hash of the live state, 0 when the twin does not open or has none
static uint64_t live_once(const gm_world *world, const gm_twin_options *options)
{
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    gm_status status = gm_twin_open(world, options, &twin, &error);
    GM_REQUIRE((status == GM_OK) == (twin != NULL));
    if (status != GM_OK) {
        GM_REQUIRE(error.text[0] != '\0');
        return 0;
    }
    status = gm_twin_settle(twin, &error);
    GM_REQUIRE(status == GM_OK);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    return hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    gm_world_options reading = { 0 };
    reading.domains = gm_domains(&reading.domain_count);
    gm_world *world = NULL;
    gm_error error = { 0 };
    gm_status read =
        gm_world_read("w.yaml", world_text, strlen(world_text), &reading, &world, &error);
    GM_REQUIRE(read == GM_OK);
    fault_disk *disk = fault_disk_create("fuzz-twin", 1);
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    options.replay = true;
    gm_store_options on_disk = gm_default_store_options();
    on_disk.vfs = disk->vfs_name;
    on_disk.disk = &disk->files;
    options.store = &on_disk;
    gm_store *store = NULL;
    GM_REQUIRE(gm_store_open(folder, &on_disk, &store, &error) == GM_OK);
    fill(store, bytes, size);
    gm_store_close(store);
    uint64_t hash = live_once(world, &options);
    if (hash != 0) {
        GM_REQUIRE(live_once(world, &options) == hash);
    }
    fault_disk_close(disk);
    gm_world_close(world);
    return 0;
}
