// Fuzzes what a world file lays over a network file: whatever the bytes, a network that can be
// settled or refused lane by lane, or an error that says why.
#include <string.h>

#include "base/arena.h"
#include "base/require.h"
#include "base/units.h"
#include "domain/domains.h"
#include "world/world_parts.h"

enum { LANES = 3, ELEMENTS_MAX = 1000 };

static const char net[] =
    "[JUNCTIONS]\na 10 1\nb 20 2 day\nc 5\n[RESERVOIRS]\nr 50\n[TANKS]\nt 30 2 1 5 10\n[PIPES]\n"
    "p1 r a 100 200 100\np2 a b 100 200 100\np3 b c 100 200 100\np4 t c 10 200 100\n"
    "[PUMPS]\nu r a HEAD lift\n[VALVES]\nv a c 12 PRV 40\n[CURVES]\nlift 100 80\n"
    "[PATTERNS]\nday 1 2\n[CONTROLS]\nLINK u CLOSED IF NODE t ABOVE 4\n[TIMES]\nDuration 5\n";
static const char head[] = "world: w\nsystems:\n  net:\n    model: water\n    network: net.inp\n";

// UDUNITS' scanner forgets a few bytes of units it does not understand.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:utlex\nleak:libudunits2\n";
}

static gm_status read_net(void *context, gm_file_kind kind, const char *name, void **bytes,
                          size_t *size, gm_error *error)
{
    (void)context;
    (void)kind;
    (void)name;
    *size = sizeof net - 1;
    *bytes = gm_memory_new(*size + 1, 1);
    GM_REQUIRE(*bytes != NULL);
    memcpy(*bytes, net, *size);
    (void)error;
    return GM_OK;
}

static void settle(const gm_world *world)
{
    gm_layout *layout = NULL;
    gm_state *state = NULL;
    gm_error error = { 0 };
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD };
    GM_REQUIRE(gm_world_layout(world, LANES, NULL, 0, &layout, &error) == GM_OK);
    GM_REQUIRE(gm_state_create(layout, world->start_ns, &state, &error) == GM_OK);
    GM_REQUIRE(gm_world_work_create(world, LANES, &options.work, &error) == GM_OK);
    gm_status status = gm_world_settle(world, state, &options, &error);
    GM_REQUIRE(status == GM_OK || error.text[0] != '\0');
    gm_world_work_close(options.work);
    gm_state_close(state);
    gm_layout_close(layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static gm_units *units; // reading them takes longer than all the rest
    gm_error error = { 0 };
    GM_REQUIRE(units != NULL || gm_units_read(&units, &error) == GM_OK);
    char *text = gm_memory_new(sizeof head + size, 1);
    GM_REQUIRE(text != NULL);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + sizeof head - 1, bytes, size);
    size_t domain_count;
    const gm_domain *const *domains = gm_domains(&domain_count);
    gm_world_options options = { .units = units,
                                 .domains = domains,
                                 .domain_count = domain_count,
                                 .files = { NULL, read_net } };
    gm_world *world = NULL;
    gm_status status =
        gm_world_read("w.yaml", text, sizeof head - 1 + size, &options, &world, &error);
    GM_REQUIRE((status == GM_OK) == (world != NULL));
    GM_REQUIRE(status == GM_OK || (error.status == status && error.text[0] != '\0'));
    if (world != NULL && world->system_count < 4) {
        settle(world);
    }
    gm_world_close(world);
    gm_memory_free(text);
    return 0;
}
