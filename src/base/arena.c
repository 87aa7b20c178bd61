// Zeroed, aligned memory, and arenas: a list of chunks that is walked again after a reset.
#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"

enum { DEFAULT_CHUNK_SIZE = 64 * 1024 };

typedef struct chunk {
    struct chunk *next;
    size_t size, used; // bytes of `bytes`
    _Alignas(GM_ALIGNMENT) unsigned char bytes[];
} chunk;

struct gm_arena {
    chunk *first, *current; // chunks behind `current` are empty
    size_t chunk_size;
};

// false when count * size, rounded up to whole cache lines, does not fit
static bool rounded_size(size_t count, size_t size, size_t *bytes)
{
    size_t product = 0;
    if (__builtin_mul_overflow(count, size, &product) || product > PTRDIFF_MAX - GM_ALIGNMENT) {
        return false;
    }
    *bytes = (product + GM_ALIGNMENT - 1) / GM_ALIGNMENT * GM_ALIGNMENT;
    return true;
}

void *gm_memory_new(size_t count, size_t size)
{
    size_t bytes = 0;
    if (!rounded_size(count, size, &bytes)) {
        return NULL;
    }
    bytes = bytes ? bytes : GM_ALIGNMENT;
    void *memory = aligned_alloc(GM_ALIGNMENT, bytes);
    return memory ? memset(memory, 0, bytes) : NULL;
}

void gm_memory_free(void *memory)
{
    free(memory);
}

void *gm_memory_grow(void *memory, size_t *capacity, size_t needed, size_t size)
{
    if (memory && needed <= *capacity) {
        return memory;
    }
    size_t wanted = *capacity > SIZE_MAX / 2 ? needed : *capacity * 2;
    wanted = wanted < needed ? needed : wanted;
    wanted = wanted < 8 ? 8 : wanted;
    void *grown = gm_memory_new(wanted, size);
    if (!grown) {
        return NULL;
    }
    if (memory) {
        memcpy(grown, memory, *capacity * size);
        gm_memory_free(memory);
    }
    *capacity = wanted;
    return grown;
}

static chunk *new_chunk(size_t size)
{
    if (size > PTRDIFF_MAX - 2 * sizeof(chunk)) {
        return NULL;
    }
    chunk *fresh = gm_memory_new(1, sizeof(chunk) + size);
    if (fresh) {
        fresh->size = size;
    }
    return fresh;
}

gm_arena *gm_arena_create(size_t chunk_size)
{
    gm_arena *arena = gm_memory_new(1, sizeof *arena);
    if (!arena) {
        return NULL;
    }
    arena->chunk_size = chunk_size ? chunk_size : DEFAULT_CHUNK_SIZE;
    return arena;
}

void gm_arena_close(gm_arena *arena)
{
    if (!arena) {
        return;
    }
    for (chunk *at = arena->first; at;) {
        chunk *next = at->next;
        gm_memory_free(at);
        at = next;
    }
    gm_memory_free(arena);
}

// Makes `current` a chunk with `bytes` free: one kept from before a reset if any is large enough,
// else a new one.
static bool make_room(gm_arena *arena, size_t bytes)
{
    chunk **here = arena->current ? &arena->current->next : &arena->first;
    chunk **from = here;
    while (*from && (*from)->size < bytes) {
        from = &(*from)->next;
    }
    chunk *found = *from;
    if (found) {
        *from = found->next;
    } else {
        found = new_chunk(bytes > arena->chunk_size ? bytes : arena->chunk_size);
        if (!found) {
            return false;
        }
    }
    found->next = *here;
    *here = found;
    arena->current = found;
    return true;
}

void *gm_arena_new(gm_arena *arena, size_t count, size_t size)
{
    size_t bytes = 0;
    if (!rounded_size(count, size, &bytes)) {
        return NULL;
    }
    bytes = bytes ? bytes : GM_ALIGNMENT;
    chunk *current = arena->current;
    if (!current || bytes > current->size - current->used) {
        if (!make_room(arena, bytes)) {
            return NULL;
        }
        current = arena->current;
    }
    GM_REQUIRE(bytes <= current->size - current->used);
    void *memory = current->bytes + current->used;
    current->used += bytes;
    return memset(memory, 0, bytes);
}

char *gm_arena_text(gm_arena *arena, const char *text, size_t size)
{
    char *copy = size < SIZE_MAX ? gm_arena_new(arena, size + 1, 1) : NULL;
    if (copy && size > 0) {
        memcpy(copy, text, size);
    }
    return copy;
}

void gm_arena_reset(gm_arena *arena)
{
    for (chunk *at = arena->first; at; at = at->next) {
        at->used = 0;
    }
    arena->current = NULL;
}
