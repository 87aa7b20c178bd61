// Memory: zeroed allocations that check for overflow, and arenas that are freed as a whole.
//
// All of gemel's memory comes through here (tests let the n-th call fail by taking
// aligned_alloc's place).
#ifndef GEMEL_BASE_ARENA_H
#define GEMEL_BASE_ARENA_H

#include <stddef.h>

enum { GM_ALIGNMENT = 64 };

/// Zeroed memory for `count` things of `size` bytes, 64-byte aligned; NULL when out of memory or
/// the product overflows; for zero bytes a pointer that may be freed. Owner: the caller, with
/// gm_memory_free.
void *gm_memory_new(size_t count, size_t size);

/// Frees what gm_memory_new gave; NULL is fine.
void gm_memory_free(void *memory);

/// Grows an array by doubling. `*capacity` counts things of `size` bytes; on success it is >=
/// needed.
/// @return the array, perhaps moved, new places zeroed; NULL when out of memory: the old array is
/// untouched
void *gm_memory_grow(void *memory, size_t *capacity, size_t needed, size_t size);

/// A region that only grows and is freed as a whole. One thread at a time.
typedef struct gm_arena gm_arena;

/// @param chunk_size  bytes asked from the system at a time; 0 for 64 KiB
/// @return NULL when out of memory
gm_arena *gm_arena_create(size_t chunk_size);

/// Frees the arena with all that it handed out; NULL is fine.
void gm_arena_close(gm_arena *arena);

/// Zeroed, 64-byte aligned; NULL when out of memory. Lives until the arena is reset or closed.
void *gm_arena_new(gm_arena *arena, size_t count, size_t size);

/// Copies of text, ending in NUL. `size` bytes need not end in NUL. NULL when out of memory.
char *gm_arena_text(gm_arena *arena, const char *text, size_t size);

/// Forgets all that was handed out but keeps the memory for the next use: steady state does not
/// allocate.
void gm_arena_reset(gm_arena *arena);

#endif
