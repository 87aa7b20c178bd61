// Names of elements: open addressing with linear probing over the packed text; at most half full.
#include "model/names.h"

#include <string.h>

#include "base/arena.h"
#include "base/hash.h"

static size_t slot_of(const gm_names *names, const char *name, size_t size)
{
    size_t mask = names->slot_count - 1;
    size_t slot = gm_hash(name, size, 0) & mask;
    while (names->slots[slot] != 0 &&
           strcmp(names->bytes + names->starts[names->slots[slot] - 1], name) != 0) {
        slot = (slot + 1) & mask;
    }
    return slot;
}

static gm_status widen(gm_names *names)
{
    size_t slot_count = names->slot_count == 0 ? 16 : names->slot_count * 2;
    uint32_t *slots = gm_memory_new(slot_count, sizeof *slots);
    if (slots == NULL) {
        return GM_MEMORY;
    }
    gm_memory_free(names->slots);
    names->slots = slots;
    names->slot_count = slot_count;
    for (size_t index = 0; index < names->count; index++) {
        const char *name = gm_names_at(names, index);
        names->slots[slot_of(names, name, strlen(name))] = (uint32_t)index + 1;
    }
    return GM_OK;
}

gm_status gm_names_add(gm_names *names, const char *name)
{
    size_t size = strlen(name);
    if (names->count * 2 >= names->slot_count && widen(names) != GM_OK) {
        return GM_MEMORY;
    }
    size_t slot = slot_of(names, name, size);
    if (names->slots[slot] != 0) {
        return GM_EXISTS;
    }
    if (names->size + size + 1 > names->capacity) {
        char *bytes = gm_memory_grow(names->bytes, &names->capacity, names->size + size + 1, 1);
        if (bytes == NULL) {
            return GM_MEMORY;
        }
        names->bytes = bytes;
    }
    if (names->count == names->start_capacity) {
        size_t *starts =
            gm_memory_grow(names->starts, &names->start_capacity, names->count + 1, sizeof *starts);
        if (starts == NULL) {
            return GM_MEMORY;
        }
        names->starts = starts;
    }
    memcpy(names->bytes + names->size, name, size + 1);
    names->starts[names->count++] = names->size;
    names->size += size + 1;
    names->slots[slot] = (uint32_t)names->count;
    return GM_OK;
}

size_t gm_names_find(const gm_names *names, const char *name)
{
    if (names->count == 0) {
        return SIZE_MAX;
    }
    uint32_t found = names->slots[slot_of(names, name, strlen(name))];
    return found == 0 ? SIZE_MAX : found - 1;
}

const char *gm_names_at(const gm_names *names, size_t index)
{
    return names->bytes + names->starts[index];
}

void gm_names_free(gm_names *names)
{
    gm_memory_free(names->bytes);
    gm_memory_free(names->starts);
    gm_memory_free(names->slots);
    *names = (gm_names){ 0 };
}
