// Copy-on-write segments and the pool they come from; the idea is described in segment.h.
#include "model/segment.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"

enum {
    POOL_SIZES = 256,           // different sizes kept; others go back to the system
    POOL_KEPT_BYTES = 512 << 20 // bytes kept in all
};

/// In front of every piece of pool memory.
typedef struct piece {
    struct piece *next;
    size_t size;
} __attribute__((aligned(GM_ALIGNMENT))) piece;

struct gm_pool {
    pthread_mutex_t lock;
    struct {
        size_t size;
        piece *free;
    } shelves[POOL_SIZES];
    size_t shelf_count, kept_bytes;
};

struct gm_slab {
    size_t first; // the span's segment that this slab starts with
    size_t segments;
    atomic_size_t holds;   // by all holders of all its segments
    atomic_uint holders[]; // [segments]; the bytes follow, aligned
};

gm_pool *gm_pool_create(void)
{
    gm_pool *pool = gm_memory_new(1, sizeof *pool);
    if (pool != NULL) {
        pthread_mutex_init(&pool->lock, NULL);
    }
    return pool;
}

void gm_pool_close(gm_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (size_t index = 0; index < pool->shelf_count; index++) {
        for (piece *at = pool->shelves[index].free; at != NULL;) {
            piece *next = at->next;
            gm_memory_free(at);
            at = next;
        }
    }
    pthread_mutex_destroy(&pool->lock);
    gm_memory_free(pool);
}

/// The shelf for a size, made when there is none; NULL when there is no place for one more.
static piece **shelf_of(gm_pool *pool, size_t size)
{
    for (size_t index = 0; index < pool->shelf_count; index++) {
        if (pool->shelves[index].size == size) {
            return &pool->shelves[index].free;
        }
    }
    if (pool->shelf_count == POOL_SIZES) {
        return NULL;
    }
    pool->shelves[pool->shelf_count].size = size;
    return &pool->shelves[pool->shelf_count++].free;
}

void *gm_pool_take(gm_pool *pool, size_t size)
{
    piece *taken = NULL;
    pthread_mutex_lock(&pool->lock);
    piece **shelf = shelf_of(pool, size);
    if (shelf != NULL && *shelf != NULL) {
        taken = *shelf;
        *shelf = taken->next;
        pool->kept_bytes -= size;
    }
    pthread_mutex_unlock(&pool->lock);
    if (taken == NULL) {
        if (size > SIZE_MAX - sizeof *taken) {
            return NULL;
        }
        taken = gm_memory_new(1, sizeof *taken + size);
        if (taken == NULL) {
            return NULL;
        }
        taken->size = size;
    }
    return taken + 1;
}

void gm_pool_give(gm_pool *pool, void *memory)
{
    if (memory == NULL) {
        return;
    }
    piece *given = (piece *)memory - 1;
    pthread_mutex_lock(&pool->lock);
    piece **shelf = shelf_of(pool, given->size);
    bool keep = shelf != NULL && given->size <= POOL_KEPT_BYTES - pool->kept_bytes;
    if (keep) {
        given->next = *shelf;
        *shelf = given;
        pool->kept_bytes += given->size;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep) {
        gm_memory_free(given);
    }
}

// ---- slabs ----

static size_t head_size(size_t segments)
{
    size_t size = sizeof(gm_slab) + segments * sizeof(atomic_uint);
    return (size + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
}

static unsigned char *bytes_of(gm_slab *slab)
{
    return (unsigned char *)slab + head_size(slab->segments);
}

static gm_slab *slab_take(gm_pool *pool, size_t first, size_t segments, size_t size)
{
    gm_slab *slab = gm_pool_take(pool, head_size(segments) + size);
    if (slab != NULL) {
        slab->first = first;
        slab->segments = segments;
        atomic_init(&slab->holds, segments);
        for (size_t index = 0; index < segments; index++) {
            atomic_init(&slab->holders[index], 1);
        }
    }
    return slab;
}

static void slab_drop(gm_pool *pool, gm_slab *slab, size_t segment)
{
    atomic_fetch_sub_explicit(&slab->holders[segment - slab->first], 1, memory_order_release);
    if (atomic_fetch_sub_explicit(&slab->holds, 1, memory_order_acq_rel) == 1) {
        gm_pool_give(pool, slab);
    }
}

static bool is_alone(const gm_slab *slab, size_t segment)
{
    return atomic_load_explicit(&slab->holders[segment - slab->first], memory_order_acquire) == 1;
}

/// Whether nobody else holds any of a span that lies in one slab.
static bool is_own(const gm_span *span)
{
    const gm_slab *slab = span->holders[0];
    return atomic_load_explicit(&slab->holds, memory_order_acquire) == slab->segments;
}

// ---- spans ----

size_t gm_span_segments(size_t size)
{
    return (size + GM_SEGMENT_SIZE - 1) / GM_SEGMENT_SIZE;
}

static size_t segment_size(const gm_span *span, size_t segment)
{
    size_t left = span->size - segment * GM_SEGMENT_SIZE;
    return left < GM_SEGMENT_SIZE ? left : GM_SEGMENT_SIZE;
}

static unsigned char *segment_bytes(const gm_span *span, size_t segment)
{
    gm_slab *slab = span->holders[segment];
    return bytes_of(slab) + (segment - slab->first) * GM_SEGMENT_SIZE;
}

bool gm_span_fill(gm_pool *pool, gm_span *span)
{
    size_t segments = gm_span_segments(span->size);
    if (segments == 0) {
        return true;
    }
    gm_slab *slab = slab_take(pool, 0, segments, span->size);
    if (slab == NULL) {
        return false;
    }
    memset(bytes_of(slab), 0, span->size);
    for (size_t segment = 0; segment < segments; segment++) {
        span->holders[segment] = slab;
    }
    span->whole = true;
    return true;
}

void gm_span_share(const gm_span *from, gm_span *to)
{
    GM_REQUIRE(from->size == to->size);
    size_t segments = gm_span_segments(from->size);
    for (size_t segment = 0; segment < segments; segment++) {
        gm_slab *slab = from->holders[segment];
        atomic_fetch_add_explicit(&slab->holders[segment - slab->first], 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&slab->holds, 1, memory_order_relaxed);
        to->holders[segment] = slab;
    }
    to->whole = from->whole;
}

void gm_span_release(gm_pool *pool, gm_span *span)
{
    size_t segments = gm_span_segments(span->size);
    for (size_t segment = 0; segment < segments; segment++) {
        if (span->holders[segment] != NULL) {
            slab_drop(pool, span->holders[segment], segment);
            span->holders[segment] = NULL;
        }
    }
    span->whole = false;
}

const unsigned char *gm_span_whole(const gm_span *span)
{
    return span->whole ? segment_bytes(span, 0) : NULL;
}

void gm_span_copy(const gm_span *span, void *out)
{
    size_t segments = gm_span_segments(span->size);
    for (size_t segment = 0; segment < segments; segment++) {
        memcpy((unsigned char *)out + segment * GM_SEGMENT_SIZE, segment_bytes(span, segment),
               segment_size(span, segment));
    }
}

unsigned char *gm_span_own(gm_pool *pool, gm_span *span)
{
    size_t segments = gm_span_segments(span->size);
    if (segments == 0) {
        return NULL;
    }
    if (!span->whole || !is_own(span)) {
        gm_slab *slab = slab_take(pool, 0, segments, span->size);
        if (slab == NULL) {
            return NULL;
        }
        gm_span_copy(span, bytes_of(slab));
        gm_span_release(pool, span);
        for (size_t segment = 0; segment < segments; segment++) {
            span->holders[segment] = slab;
        }
        span->whole = true;
    }
    return segment_bytes(span, 0);
}

unsigned char *gm_span_own_at(gm_pool *pool, gm_span *span, size_t offset)
{
    GM_REQUIRE(offset < span->size);
    size_t segment = offset / GM_SEGMENT_SIZE;
    if (!is_alone(span->holders[segment], segment)) {
        size_t size = segment_size(span, segment);
        gm_slab *slab = slab_take(pool, segment, 1, size);
        if (slab == NULL) {
            return NULL;
        }
        memcpy(bytes_of(slab), segment_bytes(span, segment), size);
        slab_drop(pool, span->holders[segment], segment);
        span->holders[segment] = slab;
        span->whole = gm_span_segments(span->size) == 1;
    }
    return segment_bytes(span, segment) + offset % GM_SEGMENT_SIZE;
}

const unsigned char *gm_span_at(const gm_span *span, size_t offset)
{
    size_t segment = offset / GM_SEGMENT_SIZE;
    return segment_bytes(span, segment) + offset % GM_SEGMENT_SIZE;
}

size_t gm_span_own_bytes(const gm_span *span)
{
    size_t own = 0, segments = gm_span_segments(span->size);
    for (size_t segment = 0; segment < segments; segment++) {
        if (is_alone(span->holders[segment], segment)) {
            own += segment_size(span, segment);
        }
    }
    return own;
}
