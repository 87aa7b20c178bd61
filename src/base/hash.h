// Hashes that are the same on every machine (XXH3 of the xxHash library), for states, names and
// stored blocks.
#ifndef GEMEL_BASE_HASH_H
#define GEMEL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/// 64-bit hash of bytes.
uint64_t gm_hash(const void *bytes, size_t size, uint64_t seed);

/// A running hash: start with a seed, add bytes in any portions, read the value.
typedef struct gm_hasher gm_hasher;
gm_hasher *gm_hasher_create(void);
void gm_hasher_close(gm_hasher *hasher);
void gm_hasher_start(gm_hasher *hasher, uint64_t seed);
void gm_hasher_add(gm_hasher *hasher, const void *bytes, size_t size);
uint64_t gm_hasher_value(const gm_hasher *hasher);

#endif
