// A team of threads that share the chunks of one job after the other: gemel/workers.h.
//
// A job is opened under the lock and closed by the caller once all chunks are handed out. A worker
// that wakes while the job is open joins it, one that wakes later has missed nothing: small jobs
// never wait for sleepers. Chunks are handed out by one atomic counter. Idle workers spin for some
// microseconds, since cycles come in bursts, and then sleep.
#include <gemel/workers.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"

enum { SPIN_LIMIT = 400 }; // pauses, about 20 microseconds

struct gm_workers {
    _Alignas(64) atomic_size_t next; // the first chunk not yet handed out
    _Alignas(64) atomic_uint epoch;  // counts jobs and the order to leave; idle workers watch it
    atomic_uint active;              // workers inside the open job; changed under the lock

    _Alignas(64) pthread_mutex_t lock; // guards all below
    pthread_cond_t wake, done;
    void (*work)(void *context, size_t chunk);
    void *context;
    size_t chunk_count;
    unsigned sleepers;
    bool open, leaving;

    size_t thread_count;
    pthread_t threads[GM_WORKERS_MAX];
};

static void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#else
    atomic_signal_fence(memory_order_seq_cst);
#endif
}

static void take_chunks(gm_workers *team, size_t count, void (*work)(void *, size_t), void *context)
{
    for (;;) {
        size_t chunk = atomic_fetch_add_explicit(&team->next, 1, memory_order_relaxed);
        if (chunk >= count) {
            return;
        }
        work(context, chunk);
    }
}

/// Waits until the epoch is no longer `seen`, first spinning, then asleep. Returns with the lock
/// held.
static void await_epoch(gm_workers *team, unsigned seen)
{
    for (int spin = 0; spin < SPIN_LIMIT; spin++) {
        if (atomic_load_explicit(&team->epoch, memory_order_relaxed) != seen) {
            break;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&team->lock);
    team->sleepers++;
    while (atomic_load_explicit(&team->epoch, memory_order_relaxed) == seen) {
        pthread_cond_wait(&team->wake, &team->lock);
    }
    team->sleepers--;
}

static void *worker_main(void *argument)
{
    gm_workers *team = argument;
    unsigned seen = 0;
    for (;;) {
        await_epoch(team, seen);
        seen = atomic_load_explicit(&team->epoch, memory_order_relaxed);
        bool leaving = team->leaving, joined = team->open;
        if (joined) {
            atomic_fetch_add_explicit(&team->active, 1, memory_order_relaxed);
        }
        size_t count = team->chunk_count;
        void (*work)(void *, size_t) = team->work;
        void *context = team->context;
        pthread_mutex_unlock(&team->lock);
        if (leaving) {
            return NULL;
        }
        if (joined) {
            take_chunks(team, count, work, context);
            pthread_mutex_lock(&team->lock);
            if (atomic_fetch_sub_explicit(&team->active, 1, memory_order_release) == 1) {
                pthread_cond_signal(&team->done);
            }
            pthread_mutex_unlock(&team->lock);
        }
    }
}

/// Starts a new epoch; the lock is held.
static void announce(gm_workers *team)
{
    atomic_fetch_add_explicit(&team->epoch, 1, memory_order_relaxed);
    if (team->sleepers > 0) {
        pthread_cond_broadcast(&team->wake);
    }
}

gm_status gm_workers_create(size_t count, gm_workers **workers, gm_error *error)
{
    if (count < 1 || count > GM_WORKERS_MAX) {
        return gm_error_set(error, GM_INVALID, "%zu workers: expected 1 to %d", count,
                            GM_WORKERS_MAX);
    }
    gm_workers *team = gm_memory_new(1, sizeof *team);
    if (team == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a team of %zu workers", count);
    }
    atomic_init(&team->next, 0);
    atomic_init(&team->epoch, 0);
    atomic_init(&team->active, 0);
    pthread_mutex_init(&team->lock, NULL);
    pthread_cond_init(&team->wake, NULL);
    pthread_cond_init(&team->done, NULL);
    for (size_t i = 0; i + 1 < count; i++) {
        int code = pthread_create(&team->threads[i], NULL, worker_main, team);
        if (code != 0) {
            gm_workers_close(team);
            return gm_error_set(error, GM_LIMIT, "cannot start worker %zu of %zu: %s", i + 2, count,
                                strerrordesc_np(code));
        }
        team->thread_count++;
    }
    *workers = team;
    return GM_OK;
}

void gm_workers_close(gm_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    pthread_mutex_lock(&workers->lock);
    workers->leaving = true;
    announce(workers);
    pthread_mutex_unlock(&workers->lock);
    for (size_t i = 0; i < workers->thread_count; i++) {
        pthread_join(workers->threads[i], NULL);
    }
    pthread_cond_destroy(&workers->done);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->lock);
    gm_memory_free(workers);
}

size_t gm_workers_count(const gm_workers *workers)
{
    return workers == NULL ? 1 : workers->thread_count + 1;
}

void gm_workers_run(gm_workers *workers, size_t count, void (*work)(void *context, size_t chunk),
                    void *context)
{
    if (workers == NULL || workers->thread_count == 0 || count <= 1) {
        for (size_t chunk = 0; chunk < count; chunk++) {
            work(context, chunk);
        }
        return;
    }
    pthread_mutex_lock(&workers->lock);
    GM_REQUIRE(!workers->open);
    workers->work = work;
    workers->context = context;
    workers->chunk_count = count;
    atomic_store_explicit(&workers->next, 0, memory_order_relaxed);
    workers->open = true;
    announce(workers);
    pthread_mutex_unlock(&workers->lock);

    take_chunks(workers, count, work, context);

    pthread_mutex_lock(&workers->lock);
    workers->open = false;
    pthread_mutex_unlock(&workers->lock);
    for (int spin = 0; spin < SPIN_LIMIT; spin++) {
        if (atomic_load_explicit(&workers->active, memory_order_acquire) == 0) {
            return;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&workers->lock);
    while (atomic_load_explicit(&workers->active, memory_order_acquire) != 0) {
        pthread_cond_wait(&workers->done, &workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
}
