// Hashes that are the same on every machine (XXH3 of the xxHash library), for states, names and
// stored blocks.
#ifndef GEMEL_BASE_HASH_H
#define GEMEL_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/// 64-bit hash of bytes.
uint64_t gm_hash(const void *bytes, size_t size, uint64_t seed);

/// A running hash: start with a seed, add bytes in any portions, read the value at any time. It is
/// gm_hash of all bytes together.
typedef struct gm_hasher gm_hasher;

/// A hasher that has started with seed 0; NULL when out of memory. The caller closes it.
gm_hasher *gm_hasher_create(void);

/// Frees a hasher; NULL is fine.
void gm_hasher_close(gm_hasher *hasher);

/// Forgets all bytes and starts anew.
void gm_hasher_start(gm_hasher *hasher, uint64_t seed);

/// Adds bytes, [size].
void gm_hasher_add(gm_hasher *hasher, const void *bytes, size_t size);

/// The hash of all bytes added since the start; more may follow.
uint64_t gm_hasher_value(const gm_hasher *hasher);

#endif
