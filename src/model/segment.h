// Copy-on-write memory: spans of bytes in segments that states share until one of them writes.
//
// A slab is one allocation that holds one or more consecutive segments of a span, each with its own
// count of holders. A freshly written span is one slab, so it is contiguous; a write to part of a
// shared span takes slabs for just those segments. Whoever needs the whole span contiguous again
// makes it so with gm_span_own.
#ifndef GEMEL_MODEL_SEGMENT_H
#define GEMEL_MODEL_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>

enum { GM_SEGMENT_SIZE = 1 << 16 };

/// Keeps freed memory for the next taker of the same size, so that steady state does not allocate.
/// Any thread.
typedef struct gm_pool gm_pool;
gm_pool *gm_pool_create(void);
void gm_pool_close(gm_pool *pool); // everything taken must have been given back

/// 64-byte aligned; contents undefined. NULL when out of memory.
void *gm_pool_take(gm_pool *pool, size_t size);
void gm_pool_give(gm_pool *pool, void *memory); // NULL is fine

typedef struct gm_slab gm_slab;

/// A span's place in memory: which slab holds its segment i is holders[i]. `size` is the span's
/// bytes.
typedef struct gm_span {
    gm_slab **holders; // [gm_span_segments(size)]
    size_t size;
    bool whole; // one slab holds all of it
} gm_span;

/// Segments of a span of that many bytes.
size_t gm_span_segments(size_t size);

/// Fresh zeroed memory for the whole span; holders must be empty. @return false when out of memory
bool gm_span_fill(gm_pool *pool, gm_span *span);

/// Shares `from`'s segments with the empty `to` of the same size.
void gm_span_share(const gm_span *from, gm_span *to);

/// Lets go of all segments; the span is empty then.
void gm_span_release(gm_pool *pool, gm_span *span);

/// The whole span contiguous and not shared; NULL when out of memory (nothing changed).
unsigned char *gm_span_own(gm_pool *pool, gm_span *span);

/// The segment that holds the byte at `offset`, not shared, for writing within that segment; NULL
/// when out of memory.
unsigned char *gm_span_own_at(gm_pool *pool, gm_span *span, size_t offset);

/// The byte at `offset`, for reading within its segment (up to the next multiple of
/// GM_SEGMENT_SIZE).
const unsigned char *gm_span_at(const gm_span *span, size_t offset);

/// The whole span when it lies contiguous, else NULL.
const unsigned char *gm_span_whole(const gm_span *span);

/// Copies the whole span out.
void gm_span_copy(const gm_span *span, void *out);

/// Bytes of segments that nobody else holds.
size_t gm_span_own_bytes(const gm_span *span);

#endif
