// XXH3 behind a face of our own: a running hash is the library's state under another name.
#include "base/hash.h"

#include <xxhash.h>

static XXH3_state_t *state_of(gm_hasher *hasher)
{
    return (XXH3_state_t *)hasher;
}

uint64_t gm_hash(const void *bytes, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, size, seed);
}

gm_hasher *gm_hasher_create(void)
{
    XXH3_state_t *state = XXH3_createState();
    if (state) {
        XXH3_64bits_reset(state);
    }
    return (gm_hasher *)state;
}

void gm_hasher_close(gm_hasher *hasher)
{
    XXH3_freeState(state_of(hasher));
}

void gm_hasher_start(gm_hasher *hasher, uint64_t seed)
{
    XXH3_64bits_reset_withSeed(state_of(hasher), seed);
}

void gm_hasher_add(gm_hasher *hasher, const void *bytes, size_t size)
{
    if (size > 0) {
        XXH3_64bits_update(state_of(hasher), bytes, size);
    }
}

uint64_t gm_hasher_value(const gm_hasher *hasher)
{
    return XXH3_64bits_digest((const XXH3_state_t *)hasher);
}
