// What the history keeps in memory, for its two files: writing (history.c) and reading
// (history_read.c). Internal to the store.
#ifndef GEMEL_STORE_HISTORY_PARTS_H
#define GEMEL_STORE_HISTORY_PARTS_H

#include <pthread.h>

#include "base/arena.h"
#include "base/text.h"
#include "store/history_block.h"
#include "store/world_file.h"

/// One series. Rows go into `open`; a full `open` becomes `sealed`, which stays readable here until
/// it is on disk, while the next rows go into the other buffer.
typedef struct gm_history_series_part {
    gm_series_definition definition; // texts in the history's arena
    gm_block_rows open, sealed;
    uint64_t sealed_record; // world.db's record with the sealed rows
    int64_t block;          // id of the block that `open` is written to, 0 for none yet
    size_t spilled;         // rows of `open` that were handed over
    int64_t span_ns;        // longest time between a block's first and last row
    uint32_t waited_s;      // since rows of `open` began to wait for being spilled
} gm_history_series_part;

struct gm_history {
    gm_world_file *world;
    pthread_mutex_t lock; // guards all below
    gm_arena *names;
    gm_history_series_part **series; // [count], index is id - 1; a part never moves
    size_t count, capacity;
    uint32_t *slots; // [slot_count] ids by hash of (branch, name), 0 for free
    size_t slot_count;
    int64_t next_block;
    int64_t spilled_at_ns;   // monotonic time of the last look for rows that waited long
    gm_string record, block; // scratch
};

/// With the lock held: the series, or NULL.
gm_history_series_part *gm_history_find(gm_history *history, const char *branch, const char *name);

/// With the lock held: its id.
gm_series_id gm_history_id(const gm_history *history, const gm_history_series_part *series);

#endif
