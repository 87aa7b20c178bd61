// A team of workers over fixed chunks: the result never depends on how many workers there are.
#ifndef GEMEL_WORKERS_H
#define GEMEL_WORKERS_H

#include <gemel/status.h>
#include <stddef.h>

/// A team of threads that sleep until there is work. One caller at a time; the caller works too.
typedef struct gm_workers gm_workers;

enum { GM_WORKERS_MAX = 256 };

/// @param count  workers in all, with the caller, 1 .. GM_WORKERS_MAX; 1 starts no thread
gm_status gm_workers_create(size_t count, gm_workers **workers, gm_error *error);
void gm_workers_close(gm_workers *workers);
size_t gm_workers_count(const gm_workers *workers);

/// Does chunk 0 .. count-1, each exactly once, in any order, on any worker; returns when all are
/// done. Chunks are fixed by the caller: partial sums belong to chunks, never to workers.
/// @param workers  NULL does all chunks here, in order
/// @param work     must not call gm_workers_run on the same team
void gm_workers_run(gm_workers *workers, size_t count, void (*work)(void *context, size_t chunk),
                    void *context);

#endif
