// Group commit: records go in from any thread; one thread commits all that waits, then whatever
// came in meanwhile, and so on. journal.db and world.db each have one. Internal to the store.
//
// The batch being committed is never given up: while its commit fails it is tried again with the
// same bytes, so what is durable is always a prefix of what was appended.
#ifndef GEMEL_STORE_GROUP_COMMIT_H
#define GEMEL_STORE_GROUP_COMMIT_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

typedef struct gm_group gm_group;

enum {
    GM_GROUP_QUEUE_SIZE = 16 << 20,
    GM_GROUP_RECORD_HEADER = 8, // u32 size, u16 kind, u16 zero
    GM_GROUP_RECORD_MAX = 4 << 20,
    GM_GROUP_LISTENERS = 8,
};

/// Records on their way: [size] bytes, each a header and its payload.
typedef struct gm_group_batch {
    const uint8_t *bytes;
    size_t size, count;
    uint64_t first; // number of the first record
} gm_group_batch;

/// What a group's thread does. Both are called on that thread, without locks.
typedef struct gm_group_work {
    const char *name; // for the log and errors: "journal.db"
    void *context;
    /// Makes a batch durable, all of it or nothing. The same batch may come again after it did.
    gm_status (*commit)(void *context, const gm_group_batch *batch, gm_error *error);
    /// After each try and about every second: checkpoints, clean-up, spilling. May append.
    void (*rest)(void *context);
} gm_group_work;

/// @see gm_journal_listener
typedef void gm_group_listener(void *context, uint64_t durable, gm_status status);

/// Starts the thread. Records count from `next`; all below are taken for durable.
gm_status gm_group_start(uint64_t next, const gm_group_work *work, const gm_log *log,
                         gm_group **group, gm_error *error);

/// Tries once more to commit what waits, ends the thread, frees. NULL is fine.
void gm_group_close(gm_group *group);

/// @see gm_journal_append, gm_journal_wait, gm_journal_on_commit, gm_journal_off_commit
gm_status gm_group_append(gm_group *group, uint16_t kind, const void *bytes, size_t size,
                          uint64_t *number);
gm_status gm_group_wait(gm_group *group, uint64_t number, int64_t deadline_ns, gm_error *error);
gm_status gm_group_listen(gm_group *group, gm_group_listener *listener, void *context,
                          gm_error *error);
void gm_group_unlisten(gm_group *group, gm_group_listener *listener, void *context);

/// Has `rest` called soon.
void gm_group_nudge(gm_group *group);

/// Highest number on disk. Any thread, no waiting.
uint64_t gm_group_durable(const gm_group *group);

/// The number that the next record will have.
uint64_t gm_group_next(gm_group *group);

#endif
