// The journal: all that entered a world, in order. Records go in from any thread; one thread
// commits all that waits as one blob in one synced transaction, so an acknowledgement means "on
// disk" and thousands of records share one sync.
//
// The law: what is on disk is always a prefix of what was appended, without gaps, whatever fails. A
// commit that fails is tried again with the same bytes (after 5 ms, doubling up to 1 s) until it
// succeeds or the store is closed; meanwhile nothing is acknowledged, those who wait get the reason
// at once, and appending goes on until GM_JOURNAL_QUEUE_SIZE bytes wait. So a full disk that gets
// space again needs no restart.
#ifndef GEMEL_STORE_JOURNAL_H
#define GEMEL_STORE_JOURNAL_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

enum {
    GM_JOURNAL_RECORD_MAX = 4 << 20, // bytes in one record
    GM_JOURNAL_QUEUE_SIZE =
        16 << 20, // bytes that may wait for a commit (as many again may be in one)
    GM_JOURNAL_LISTENERS = 8,
};

/// What a record holds. The store does not look inside and keeps kinds it does not know.
typedef enum gm_journal_kind {
    GM_JOURNAL_SAMPLES = 1, // raw samples as they arrived
    GM_JOURNAL_COMMAND,     // an intervention: who, why, what
    GM_JOURNAL_CYCLE,       // mark of a cycle: its time, what it took
    GM_JOURNAL_WORLD,       // text of the world file in force from here
    GM_JOURNAL_ADOPTION,    // a change of the plant is taken into the model
} gm_journal_kind;

/// Appends a record and returns without waiting for the disk. Any thread; the order of records is
/// the order of calls.
/// @param kind    1 .. 65535
/// @param bytes   [size], copied; NULL when size is 0
/// @param number  out, the record's number: counts from 1, no gaps; NULL to skip
/// @return GM_OK; GM_LIMIT (record too large); GM_BUSY (queue full: try again later); GM_INVALID
///         (kind); GM_MEMORY
gm_status gm_journal_append(gm_journal *journal, uint16_t kind, const void *bytes, size_t size,
                            uint64_t *number);

/// Waits until record `number` and all before it are on disk. Any thread.
/// @param deadline_ns  on the monotonic clock; INT64_MAX waits as long as it takes
/// @return GM_OK: on disk; GM_IO, GM_CORRUPT ...: the commit failed, the error says why. The record
///         is kept and tried again: it may still get to disk, so a sender that repeats itself must
///         be known by source time or sequence; GM_CANCELLED: the deadline passed; GM_INVALID: no
///         such record yet
gm_status gm_journal_wait(gm_journal *journal, uint64_t number, int64_t deadline_ns,
                          gm_error *error);

/// Told after every commit, and once when commits begin to fail.
/// @param durable  highest record number on disk
/// @param status   GM_OK, or why commits fail at the moment
typedef void gm_journal_listener(void *context, uint64_t durable, gm_status status);

/// Adds a listener; it is called on the journal's thread, must be quick, and must not call these
/// two functions, gm_journal_wait or gm_store_close. Typically it writes to an eventfd.
/// @return GM_OK; GM_LIMIT (GM_JOURNAL_LISTENERS)
gm_status gm_journal_on_commit(gm_journal *journal, gm_journal_listener *listener, void *context,
                               gm_error *error);

/// Removes it; when this returns it is not running and will not be called again. Unknown ones are
/// fine.
void gm_journal_off_commit(gm_journal *journal, gm_journal_listener *listener, void *context);

/// Highest number on disk (0: none), next number to be given, and oldest number still there. Any
/// thread, no waiting.
uint64_t gm_journal_durable(const gm_journal *journal);
uint64_t gm_journal_next(gm_journal *journal);
uint64_t gm_journal_oldest(const gm_journal *journal);

/// Lets go of records below `below`, whole blobs only, on the journal's thread and without haste;
/// the newest blob always stays. Any thread.
void gm_journal_cut(gm_journal *journal, uint64_t below);

/// A record read back. `bytes` [size] belongs to the cursor until its next call.
typedef struct gm_journal_record {
    uint64_t number;
    uint16_t kind;
    const void *bytes;
    size_t size;
} gm_journal_record;

/// Reads records on disk in order. A cursor belongs to one thread and must be closed before the
/// store. It holds no lock: appending goes on meanwhile and the cursor reaches what was committed
/// in between.
typedef struct gm_journal_cursor gm_journal_cursor;

/// @param from  first record wanted; 0 is the oldest still there
/// @return GM_OK; GM_CORRUPT: record `from` was cut, reading from there would miss some; GM_IO;
///         GM_MEMORY
gm_status gm_journal_cursor_open(gm_journal *journal, uint64_t from, gm_journal_cursor **cursor,
                                 gm_error *error);
void gm_journal_cursor_close(gm_journal_cursor *cursor);

/// @return GM_OK; GM_NOT_FOUND at the end of what is on disk (ask again later for more);
///         GM_CORRUPT: a blob is damaged or missing, the error names it; GM_IO; GM_MEMORY
gm_status gm_journal_read(gm_journal_cursor *cursor, gm_journal_record *record, gm_error *error);

#endif
