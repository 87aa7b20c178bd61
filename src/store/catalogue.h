// The catalogue: named texts (scores, world facts, whatever must survive), and the events of a
// world. Kept in world.db.
//
// Writing hands over to world.db's thread and does not wait. Reading first lets the store's own
// earlier writes reach the disk (at most GM_CATALOGUE_WAIT_S; if the disk fails it reads what is
// there), so a reader sees what was written.
#ifndef GEMEL_STORE_CATALOGUE_H
#define GEMEL_STORE_CATALOGUE_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum {
    GM_CATALOGUE_KEY_MAX = 512,       // bytes
    GM_CATALOGUE_VALUE_MAX = 4 << 20, // bytes, less the key
    GM_CATALOGUE_WAIT_S = 5,
    GM_EVENT_TEXT_MAX = 4096, // bytes in each of an event's texts
};

/// Sets `key` to bytes [size]; size 0 is a value, not none. Any thread.
/// @return GM_OK; GM_INVALID (key empty); GM_LIMIT; GM_BUSY (disk far behind); GM_MEMORY
gm_status gm_catalogue_put(gm_store *store, const char *key, const void *bytes, size_t size,
                           gm_error *error);

/// Removes `key`; unknown ones are fine.
gm_status gm_catalogue_remove(gm_store *store, const char *key, gm_error *error);

/// @param bytes  out, [size] and a NUL behind it, to be freed with gm_memory_free
/// @return GM_OK; GM_NOT_FOUND; GM_IO; GM_MEMORY
gm_status gm_catalogue_get(gm_store *store, const char *key, void **bytes, size_t *size,
                           gm_error *error);

/// Calls `visit` for every key that starts with `prefix`, in byte order. `bytes` [size] is lent for
/// the call. `visit` must not read from the store.
gm_status gm_catalogue_list(gm_store *store, const char *prefix,
                            void (*visit)(void *context, const char *key, const void *bytes,
                                          size_t size),
                            void *context, gm_error *error);

/// Waits until everything handed over so far is on disk.
gm_status gm_catalogue_flush(gm_store *store, int64_t deadline_ns, gm_error *error);

/// Something that happened in a world. Texts are UTF-8, never NULL ("" for none).
typedef struct gm_event_record {
    uint64_t id; // chosen by the writer, > 0; the same id again replaces the event (to end it)
    const char *branch;  // "live"
    const char *subject; // whom it concerns, an address: "box/air-room"
    const char *kind;    // "conductance", "stale", "lid-open" ...
    int64_t start_ns;
    int64_t end_ns;   // INT64_MAX while it lasts
    int64_t known_ns; // when it was raised or last changed
    double size;      // of the deviation, in units that `text` names
    const char *text; // a plain sentence
} gm_event_record;

/// Stores or replaces an event. Any thread. Ids that follow from the journal (not from a clock)
/// make replay idempotent.
/// @return as gm_catalogue_put; GM_INVALID also for id 0 or above INT64_MAX
gm_status gm_event_put(gm_store *store, const gm_event_record *event, gm_error *error);

typedef struct gm_event_query {
    const char *branch;     // NULL: all
    int64_t from_ns, to_ns; // events that overlap this time, both included
    size_t max_count;       // the newest so many; 0: all
} gm_event_query;

/// Calls `visit` for the events asked for, latest start first. The event is lent for the call;
/// `visit` must not read from the store.
gm_status gm_event_list(gm_store *store, const gm_event_query *query,
                        void (*visit)(void *context, const gm_event_record *event), void *context,
                        gm_error *error);

/// The highest event id in the store, 0 for none.
gm_status gm_event_last_id(gm_store *store, uint64_t *id, gm_error *error);

#endif
