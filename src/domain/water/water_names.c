// Names by open addressing with linear probing, at most half full, in the arena.
#include "domain/water/water_names.h"

#include <string.h>

#include "base/hash.h"

enum {
    FIRST_SLOTS = 64,
    NEAREST_MAX = 4096, // names compared for "did you mean"
    WORD_MAX = 64,      // longer words are not compared
};

const char *gm_water_name_at(water_table table, size_t index)
{
    const char *name;
    memcpy(&name, (const char *)table.rows + index * table.stride, sizeof name);
    return name;
}

uint32_t gm_water_names_find(const water_names *names, water_table table, gm_text name)
{
    if (names->slot_count == 0) {
        return UINT32_MAX;
    }
    uint32_t hash = (uint32_t)gm_hash(name.data, name.size, 0);
    size_t mask = names->slot_count - 1;
    for (size_t slot = hash & mask; names->slots[slot] != 0; slot = (slot + 1) & mask) {
        if (names->hashes[slot] == hash) {
            uint32_t index = names->slots[slot] - 1;
            if (gm_text_equal(name, gm_water_name_at(table, index))) {
                return index;
            }
        }
    }
    return UINT32_MAX;
}

static void place(water_names *names, uint32_t hash, uint32_t slot_value)
{
    size_t mask = names->slot_count - 1, slot = hash & mask;
    while (names->slots[slot] != 0) {
        slot = (slot + 1) & mask;
    }
    names->slots[slot] = slot_value;
    names->hashes[slot] = hash;
}

static bool widen(water_names *names, gm_arena *arena)
{
    water_names wide = { .slot_count = names->slot_count ? names->slot_count * 2 : FIRST_SLOTS,
                         .count = names->count };
    wide.slots = gm_arena_new(arena, wide.slot_count, sizeof *wide.slots);
    wide.hashes = gm_arena_new(arena, wide.slot_count, sizeof *wide.hashes);
    if (wide.slots == NULL || wide.hashes == NULL) {
        return false;
    }
    for (size_t slot = 0; slot < names->slot_count; slot++) {
        if (names->slots[slot] != 0) {
            place(&wide, names->hashes[slot], names->slots[slot]);
        }
    }
    *names = wide;
    return true;
}

bool gm_water_names_add(water_names *names, water_table table, uint32_t index, gm_arena *arena)
{
    if (names->count * 2 >= names->slot_count && !widen(names, arena)) {
        return false;
    }
    const char *name = gm_water_name_at(table, index);
    place(names, (uint32_t)gm_hash(name, strlen(name), 0), index + 1);
    names->count++;
    return true;
}

const char *gm_water_names_nearest(water_table table, gm_text name)
{
    const char *candidates[NEAREST_MAX];
    char word[WORD_MAX];
    if (name.size >= sizeof word) {
        return NULL;
    }
    memcpy(word, name.data, name.size);
    word[name.size] = '\0';
    size_t count = 0;
    for (size_t index = 0; index < table.count && count < NEAREST_MAX; index++) {
        const char *candidate = gm_water_name_at(table, index);
        if (strlen(candidate) < WORD_MAX) {
            candidates[count++] = candidate;
        }
    }
    return gm_text_nearest(word, candidates, count);
}
