// Fuzzes the reader of saved states: whatever the bytes, a state or an error. The hash at the end
// is made right here, so that the fuzzer reaches what lies behind it.
#include <gemel/state.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/require.h"
#include "codec/pack.h"
#include "model/config_text.h"
#include "model/segment.h"
#include "model/store_domain.h"

enum { LANES = 3, SIZE_MAX_TAKEN = 1 << 16 };

static gm_status load(const void *bytes, size_t size, gm_error *error)
{
    gm_arena *arena = gm_arena_create(0);
    gm_model *model = NULL;
    gm_layout *layout = NULL;
    gm_state *state = NULL;
    const gm_section section = { "drivers", 8, 1 };
    const gm_layout_options options = { .sections = &section, .section_count = 1 };
    const gm_config *config = config_of(arena, NULL, "{bins: [a, b]}");
    gm_status status = gm_model_build(&store_domain, "s", config, &model, error);
    GM_REQUIRE(status == GM_OK);
    const gm_model *systems[] = { model };
    status = gm_layout_create(systems, 1, LANES, &options, &layout, error);
    GM_REQUIRE(status == GM_OK);
    status = gm_state_load(layout, bytes, size, &state, error);
    GM_REQUIRE((status == GM_OK) == (state != NULL));
    if (status == GM_OK) {
        // what was let in can be used: by the gate, in time, and as bytes again
        double values[LANES];
        void *saved = NULL;
        gm_ref worth = { 0, STORE_JOB, JOB_WORTH, GM_ROWS };
        GM_REQUIRE(gm_state_read(state, worth, values, error) == GM_OK);
        GM_REQUIRE(gm_state_save(state, &saved, &size, error) == GM_OK);
        gm_memory_free(saved);
        (void)gm_state_hash(state);
    }
    gm_state_close(state);
    gm_layout_close(layout);
    gm_model_close(model);
    gm_arena_close(arena);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gm_error error = { 0 };
    if (size > SIZE_MAX_TAKEN) {
        return 0;
    }
    (void)load(bytes, size, &error);
    gm_string whole = { 0 };
    size_t content = size < sizeof(uint64_t) ? size : size - sizeof(uint64_t);
    gm_string_add(&whole, (const char *)bytes, content);
    gm_pack_u64(&whole, gm_hash(bytes, content, 0));
    GM_REQUIRE(!whole.failed);
    (void)load(whole.data, whole.size, &error);
    gm_string_free(&whole);
    return 0;
}
