// The few file operations that SQLite does not do for us: a table of functions, so that tests can
// put a disk under the snapshots that fails, fills up and loses power. SQLite's own files get the
// same treatment by a VFS.
#ifndef GEMEL_STORE_DISK_H
#define GEMEL_STORE_DISK_H

#include <gemel/status.h>
#include <stddef.h>

/// A run of bytes that belongs to somebody else.
typedef struct gm_disk_piece {
    const void *bytes;
    size_t size;
} gm_disk_piece;

/// Called for each name in a folder, without "." and "..".
typedef void gm_disk_visit(void *context, const char *name);

/// One way to reach files. Every function may be called from any thread; GM_IO when the system
/// refuses.
typedef struct gm_disk {
    void *context;
    /// Creates or truncates `path` (mode 0600), writes the pieces one after the other, and syncs
    /// the file.
    gm_status (*write_file)(void *context, const char *path, const gm_disk_piece *pieces,
                            size_t count, gm_error *error);
    /// Reads a whole file of at most `limit` bytes; the caller frees `*bytes` with gm_memory_free.
    /// @return also GM_NOT_FOUND, GM_LIMIT, GM_MEMORY
    gm_status (*read_file)(void *context, const char *path, size_t limit, void **bytes,
                           size_t *size, gm_error *error);
    /// Creates an empty file of mode 0600 unless `path` exists.
    gm_status (*touch_file)(void *context, const char *path, gm_error *error);
    gm_status (*rename_file)(void *context, const char *from, const char *to, gm_error *error);
    gm_status (*remove_file)(void *context, const char *path, gm_error *error);
    gm_status (*list_folder)(void *context, const char *folder, gm_disk_visit *visit,
                             void *visit_context, gm_error *error);
    /// Makes creations, renames and removals in `folder` durable.
    gm_status (*sync_folder)(void *context, const char *folder, gm_error *error);
} gm_disk;

/// The machine's own file system. Lives for ever.
const gm_disk *gm_disk_system(void);

#endif
