// Snapshots: states on disk, one file each under snapshots/, named by the journal number they stand
// behind. A snapshot becomes visible whole or not at all: temporary file, write, sync, rename, sync
// of the folder.
#ifndef GEMEL_STORE_SNAPSHOTS_H
#define GEMEL_STORE_SNAPSHOTS_H

#include <gemel/status.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define GM_SNAPSHOT_SIZE_MAX (UINT64_C(1) << 36) // bytes of one state

/// Writes the state that stands behind journal record `number` (0: before the first), replacing one
/// of the same number, then removes all but the newest `snapshots_kept`. Waits for the disk: not
/// for the cycle's thread. Any thread.
/// @param bytes  [size]
/// @return GM_OK: on disk; GM_IO: the new one may be there or not, older ones are untouched: do not
///         cut the journal; GM_LIMIT (size)
gm_status gm_snapshot_write(gm_store *store, uint64_t number, const void *bytes, size_t size,
                            gm_error *error);

/// Reads the newest snapshot that is whole; damaged ones are logged and passed over. Any thread.
/// @param number  out, journal number: replay goes on with number + 1
/// @param bytes   out, [size], 64-byte aligned, to be freed with gm_memory_free
/// @return GM_OK; GM_NOT_FOUND: none at all; GM_CORRUPT: there are some, but none is whole; GM_IO;
///         GM_MEMORY
gm_status gm_snapshot_latest(gm_store *store, uint64_t *number, void **bytes, size_t *size,
                             gm_error *error);

/// The number of the oldest snapshot kept: the journal is needed from the record after it.
/// @return GM_OK; GM_NOT_FOUND: none; GM_IO
gm_status gm_snapshot_oldest(gm_store *store, uint64_t *number, gm_error *error);

#endif
