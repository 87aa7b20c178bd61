// The window: the last cycles' states and the samples after the oldest of them, so that a late
// sample can be put where it belongs; and the set of samples seen, so that none counts twice.
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/hash.h"
#include "base/require.h"
#include "twin/twin_parts.h"

enum { SEEN_SLOTS_MIN = 1024 };

static const int64_t untimed_kept_ns = 3600 * GM_SECOND_NS;

gm_held *gm_held_make(const gm_state *state, gm_error *error)
{
    gm_state *fork = NULL;
    if (gm_state_fork(state, &fork, error) != GM_OK) {
        return NULL;
    }
    return gm_held_take(fork, error);
}

gm_held *gm_held_take(gm_state *state, gm_error *error)
{
    gm_held *held = gm_memory_new(1, sizeof *held);
    if (held == NULL) {
        gm_state_close(state);
        gm_error_set(error, GM_MEMORY, "no memory to hold a state");
        return NULL;
    }
    atomic_init(&held->holders, 1);
    held->state = state;
    held->time_ns = gm_state_time(state);
    return held;
}

void gm_held_drop(gm_held *held)
{
    if (held != NULL && atomic_fetch_sub_explicit(&held->holders, 1, memory_order_acq_rel) == 1) {
        gm_held_drop(held->whole);
        gm_state_close(held->state);
        gm_memory_free(held);
    }
}

// ---- cycles ----

gm_status gm_window_open(gm_twin *twin, gm_error *error)
{
    int64_t cycles = twin->world->lateness_ns / twin->world->cycle_ns + 2;
    if (cycles > GM_TWIN_WINDOW_MAX) {
        return gm_error_set(error, GM_LIMIT,
                            "lateness of %lld cycles: at most %d are offered; raise `cycle` or "
                            "lower `lateness`",
                            (long long)(cycles - 2), GM_TWIN_WINDOW_MAX - 2);
    }
    twin->window.depth = (size_t)cycles;
    twin->seen.margin_ns = cycles * twin->world->cycle_ns;
    twin->window.moments = gm_memory_new(twin->window.depth, sizeof *twin->window.moments);
    return twin->window.moments != NULL ? GM_OK
                                        : gm_error_set(error, GM_MEMORY, "no memory for a window");
}

gm_moment *gm_window_at(const gm_window *window, size_t index)
{
    GM_REQUIRE(index < window->count);
    return &window->moments[(window->first + index) % window->depth];
}

void gm_window_close(gm_window *window)
{
    for (size_t index = 0; index < window->count; index++) {
        gm_held_drop(gm_window_at(window, index)->held);
    }
    gm_memory_free(window->moments);
    gm_memory_free(window->entries);
    gm_memory_free(window->room);
    *window = (gm_window){ 0 };
}

void gm_window_keep(gm_twin *twin, gm_held *held)
{
    gm_window *window = &twin->window;
    if (window->count == window->depth) {
        gm_held_drop(gm_window_at(window, 0)->held);
        window->first = (window->first + 1) % window->depth;
        window->count--;
        int64_t oldest_ns = gm_window_at(window, 0)->held->time_ns;
        size_t gone = gm_window_after(window, oldest_ns);
        memmove(window->entries, window->entries + gone,
                (window->entry_count - gone) * sizeof *window->entries);
        window->entry_count -= gone;
        window->sorted_count = window->entry_count;
    }
    atomic_fetch_add_explicit(&held->holders, 1, memory_order_relaxed);
    window->count++;
    *gm_window_at(window, window->count - 1) = (gm_moment){ held, twin->mark };
    pthread_mutex_lock(&twin->inbox_lock);
    twin->oldest_ns = gm_window_at(window, 0)->held->time_ns;
    pthread_mutex_unlock(&twin->inbox_lock);
}

size_t gm_window_before(const gm_window *window, int64_t time_ns)
{
    size_t low = 0, high = window->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (gm_window_at(window, middle)->held->time_ns <= time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

// ---- samples ----

static bool comes_before(const gm_sample *a, const gm_sample *b)
{
    if (a->time_ns != b->time_ns) {
        return a->time_ns < b->time_ns;
    }
    if (a->sensor != b->sensor) {
        return a->sensor < b->sensor;
    }
    if (a->has_sequence != b->has_sequence) {
        return b->has_sequence;
    }
    return a->sequence < b->sequence;
}

size_t gm_window_after(const gm_window *window, int64_t time_ns)
{
    size_t low = 0, high = window->entry_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (window->entries[middle].sample.time_ns <= time_ns) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool gm_window_reserve(gm_window *window, size_t more)
{
    struct {
        gm_arrived **memory;
        size_t *capacity;
    } both[] = { { &window->entries, &window->entry_capacity },
                 { &window->room, &window->room_capacity } };
    size_t needed = window->entry_count + more;
    for (size_t index = 0; index < 2; index++) {
        if (needed > *both[index].capacity) {
            gm_arrived *grown =
                gm_memory_grow(*both[index].memory, both[index].capacity, needed, sizeof *grown);
            if (grown == NULL) {
                return false;
            }
            *both[index].memory = grown;
        }
    }
    return true;
}

void gm_window_add(gm_window *window, const gm_arrived *entry)
{
    GM_REQUIRE(window->entry_count < window->entry_capacity); // gm_window_reserve made room
    window->entries[window->entry_count++] = *entry;
}

/// End of the run in order that begins at `first`, of entries up to `end`.
static size_t run_end(const gm_arrived *entries, size_t first, size_t end)
{
    size_t at = first + 1;
    while (at < end && !comes_before(&entries[at].sample, &entries[at - 1].sample)) {
        at++;
    }
    return at < end ? at : end;
}

/// Merges two runs that follow each other; of equals those of the first come first.
static void merge_runs(const gm_arrived *from, size_t middle, size_t end, gm_arrived *to)
{
    size_t left = 0, right = middle;
    for (size_t at = 0; at < end; at++) {
        bool second = left == middle ||
                      (right < end && comes_before(&from[right].sample, &from[left].sample));
        to[at] = second ? from[right++] : from[left++];
    }
}

/// Sorts entries first .. end - 1 by merging runs that are there, two by two.
static void sort_added(gm_window *window, size_t first, size_t end)
{
    gm_arrived *from = window->entries, *to = window->room;
    while (run_end(from, first, end) < end) {
        for (size_t at = first; at < end;) {
            size_t middle = run_end(from, at, end);
            size_t next = middle < end ? run_end(from, middle, end) : end;
            merge_runs(from + at, middle - at, next - at, to + at);
            at = next;
        }
        gm_arrived *swapped = from;
        from = to;
        to = swapped;
    }
    if (from != window->entries) {
        memcpy(window->entries + first, from + first, (end - first) * sizeof *from);
    }
}

void gm_window_sort(gm_window *window)
{
    size_t sorted = window->sorted_count, end = window->entry_count, place = sorted;
    window->sorted_count = end;
    if (sorted == end) {
        return;
    }
    sort_added(window, sorted, end);
    gm_arrived *entries = window->entries;
    while (place > 0 && comes_before(&entries[sorted].sample, &entries[place - 1].sample)) {
        place--;
    }
    if (place < sorted) {
        merge_runs(entries + place, sorted - place, end - place, window->room);
        memcpy(entries + place, window->room, (end - place) * sizeof *entries);
    }
}

// ---- seen ----

/// What tells a sample from others: sensor, source time and sequence, as far as it carries them.
static uint64_t key_of(const gm_sample *sample)
{
    bool untimed = sample->untimed && sample->has_sequence;
    uint64_t parts[3] = { sample->sensor, untimed ? 0 : (uint64_t)sample->time_ns,
                          sample->has_sequence ? sample->sequence : 0 };
    uint64_t hash = gm_hash(parts, sizeof parts, sample->has_sequence | (uint64_t)untimed << 1);
    return hash != 0 ? hash : 1;
}

static gm_seen_key *slot_for(const gm_seen *seen, uint64_t hash)
{
    size_t mask = seen->slot_count - 1, slot = hash & mask;
    while (seen->slots[slot].hash != 0 && seen->slots[slot].hash != hash) {
        slot = (slot + 1) & mask;
    }
    return &seen->slots[slot];
}

/// A fresh table without the keys that left the window a window's length ago, at most a quarter
/// full.
static bool rebuild(gm_seen *seen, int64_t oldest_ns)
{
    int64_t before_ns =
        oldest_ns > INT64_MIN + seen->margin_ns ? oldest_ns - seen->margin_ns : INT64_MIN;
    size_t kept = 0;
    for (size_t slot = 0; slot < seen->slot_count; slot++) {
        kept += seen->slots[slot].hash != 0 && seen->slots[slot].time_ns >= before_ns;
    }
    size_t slot_count = SEEN_SLOTS_MIN;
    while (slot_count < 4 * kept) {
        slot_count *= 2;
    }
    gm_seen fresh = { .slots = gm_memory_new(slot_count, sizeof(gm_seen_key)),
                      .slot_count = slot_count,
                      .margin_ns = seen->margin_ns };
    if (fresh.slots == NULL) {
        return false;
    }
    for (size_t slot = 0; slot < seen->slot_count; slot++) {
        gm_seen_key key = seen->slots[slot];
        if (key.hash != 0 && key.time_ns >= before_ns) {
            *slot_for(&fresh, key.hash) = key;
            fresh.count++;
        }
    }
    gm_memory_free(seen->slots);
    *seen = fresh;
    return true;
}

bool gm_seen_add(gm_seen *seen, const gm_sample *sample, int64_t oldest_ns, bool *known)
{
    if (seen->count * 2 >= seen->slot_count && !rebuild(seen, oldest_ns)) {
        return false;
    }
    uint64_t hash = key_of(sample);
    gm_seen_key *slot = slot_for(seen, hash);
    *known = slot->hash == hash && slot->time_ns != INT64_MIN;
    if (!*known) {
        seen->count += slot->hash == 0;
        // one from before the window is kept until it is in the history for sure
        int64_t time_ns = sample->time_ns > oldest_ns ? sample->time_ns : oldest_ns;
        bool untimed = sample->untimed && sample->has_sequence;
        time_ns += untimed ? untimed_kept_ns : 0;
        time_ns = time_ns > INT64_MIN ? time_ns : INT64_MIN + 1;
        *slot = (gm_seen_key){ hash, time_ns, sample->value, untimed };
    }
    return true;
}

double gm_seen_value(const gm_seen *seen, const gm_sample *sample)
{
    uint64_t hash = key_of(sample);
    const gm_seen_key *slot = seen->slot_count > 0 ? slot_for(seen, hash) : NULL;
    bool known = slot != NULL && slot->hash == hash && slot->time_ns != INT64_MIN;
    return known ? slot->value : (double)NAN;
}

void gm_seen_remove(gm_seen *seen, const gm_sample *sample)
{
    gm_seen_key *slot = slot_for(seen, key_of(sample));
    slot->time_ns = INT64_MIN; // its place stays taken until the next rebuild
}

void gm_seen_pack(const gm_seen *seen, gm_string *out)
{
    size_t count = 0;
    for (size_t slot = 0; slot < seen->slot_count; slot++) {
        count += seen->slots[slot].untimed;
    }
    gm_pack_u32(out, (uint32_t)count);
    for (size_t slot = 0; slot < seen->slot_count; slot++) {
        if (seen->slots[slot].untimed) {
            gm_pack_u64(out, seen->slots[slot].hash);
            gm_pack_i64(out, seen->slots[slot].time_ns);
        }
    }
}

bool gm_seen_unpack(gm_seen *seen, gm_unpack *in)
{
    size_t count = gm_unpack_count(in, sizeof(uint64_t) + sizeof(int64_t));
    for (size_t index = 0; index < count; index++) {
        gm_seen_key key = { gm_unpack_u64(in), gm_unpack_i64(in), NAN, true };
        if (in->failed || key.hash == 0) {
            in->failed = true;
            return true;
        }
        if (seen->count * 2 >= seen->slot_count && !rebuild(seen, INT64_MIN)) {
            return false;
        }
        gm_seen_key *slot = slot_for(seen, key.hash);
        seen->count += slot->hash == 0;
        *slot = key;
    }
    return true;
}
