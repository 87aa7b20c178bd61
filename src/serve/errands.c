// A bounded queue in order of arrival; the second thread passes over lengthy errands.
#include "serve/errands.h"

#include <pthread.h>
#include <string.h>

#include "base/arena.h"

enum { THREADS = 2 };

struct gm_errands {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t threads[THREADS];
    size_t thread_count;
    gm_errand waiting[GM_ERRANDS_MAX];
    size_t count;
    bool ending;
};

/// Under the lock: takes the first errand that suits.
static bool take(gm_errands *errands, bool lengthy_too, gm_errand *errand)
{
    for (size_t k = 0; k < errands->count; k++) {
        if (lengthy_too || !errands->waiting[k].lengthy) {
            *errand = errands->waiting[k];
            errands->count--;
            memmove(&errands->waiting[k], &errands->waiting[k + 1],
                    (errands->count - k) * sizeof *errand);
            return true;
        }
    }
    return false;
}

static void work(gm_errands *errands, bool lengthy_too)
{
    gm_errand errand;
    pthread_mutex_lock(&errands->lock);
    for (;;) {
        if (take(errands, lengthy_too, &errand)) {
            bool cancelled = errands->ending;
            pthread_mutex_unlock(&errands->lock);
            errand.run(errand.context, cancelled);
            pthread_mutex_lock(&errands->lock);
        } else if (errands->ending) {
            break;
        } else {
            pthread_cond_wait(&errands->changed, &errands->lock);
        }
    }
    pthread_mutex_unlock(&errands->lock);
}

static void *run_any(void *argument)
{
    work(argument, true);
    return NULL;
}

static void *run_short(void *argument)
{
    work(argument, false);
    return NULL;
}

gm_status gm_errands_create(gm_errands **errands, gm_error *error)
{
    static void *(*const bodies[THREADS])(void *) = { run_any, run_short };
    gm_errands *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the server's threads");
    }
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->changed, NULL);
    for (; made->thread_count < THREADS; made->thread_count++) {
        int failure = pthread_create(&made->threads[made->thread_count], NULL,
                                     bodies[made->thread_count], made);
        if (failure != 0) {
            gm_errands_close(made);
            return gm_error_set(error, GM_IO, "no thread for the server: %s", strerror(failure));
        }
    }
    *errands = made;
    return GM_OK;
}

gm_status gm_errands_add(gm_errands *errands, gm_errand errand)
{
    pthread_mutex_lock(&errands->lock);
    bool room = errands->count < GM_ERRANDS_MAX && !errands->ending;
    if (room) {
        errands->waiting[errands->count++] = errand;
        pthread_cond_broadcast(&errands->changed);
    }
    pthread_mutex_unlock(&errands->lock);
    return room ? GM_OK : GM_BUSY;
}

void gm_errands_finish(gm_errands *errands)
{
    pthread_mutex_lock(&errands->lock);
    errands->ending = true;
    pthread_cond_broadcast(&errands->changed);
    pthread_mutex_unlock(&errands->lock);
    for (size_t k = 0; k < errands->thread_count; k++) {
        pthread_join(errands->threads[k], NULL);
    }
    errands->thread_count = 0;
}

void gm_errands_close(gm_errands *errands)
{
    if (errands != NULL) {
        gm_errands_finish(errands);
        pthread_cond_destroy(&errands->changed);
        pthread_mutex_destroy(&errands->lock);
        gm_memory_free(errands);
    }
}
