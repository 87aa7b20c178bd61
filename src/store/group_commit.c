// Group commit with two buffers: appenders fill one while the thread commits the other.

#include "store/group_commit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"

enum {
    FIRST_BUFFER_SIZE = 64 << 10,
    REST_PERIOD_MS = 1000,
    RETRY_FIRST_MS = 5,
    RETRY_LAST_MS = 1000,
};

#define MILLISECOND_NS INT64_C(1000000)

typedef struct buffer {
    uint8_t *bytes;
    size_t size, capacity, count;
} buffer;

typedef struct listening {
    gm_group_listener *call;
    void *context;
} listening;

struct gm_group {
    gm_group_work work;
    gm_log log;
    pthread_t thread;

    pthread_mutex_t lock; // guards all down to `listeners`
    pthread_cond_t wake;  // the thread: there is work
    pthread_cond_t moved; // those who wait: `durable` or `failed` changed
    buffer filling;
    uint64_t next;
    bool asleep, nudged, closing;
    size_t waiters;
    gm_status failed; // why commits fail at the moment, or GM_OK
    gm_error failure;

    pthread_mutex_t listeners_lock; // held while listeners run
    listening listeners[GM_GROUP_LISTENERS];

    _Atomic uint64_t durable;

    // the thread's own
    buffer committing;
    uint64_t committing_first;
    int64_t retry_ms;
};

static struct timespec timespec_of(int64_t time_ns)
{
    return (struct timespec){ .tv_sec = (time_t)(time_ns / GM_SECOND_NS),
                              .tv_nsec = (long)(time_ns % GM_SECOND_NS) };
}

// false when the deadline passed
static bool wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline_ns)
{
    if (deadline_ns == INT64_MAX) {
        pthread_cond_wait(condition, lock);
        return true;
    }
    struct timespec until = timespec_of(deadline_ns < 0 ? 0 : deadline_ns);
    return pthread_cond_timedwait(condition, lock, &until) == 0;
}

static void tell_listeners(gm_group *group, gm_status status)
{
    uint64_t durable = atomic_load(&group->durable);
    pthread_mutex_lock(&group->listeners_lock);
    for (size_t index = 0; index < GM_GROUP_LISTENERS; index++) {
        if (group->listeners[index].call != NULL) {
            group->listeners[index].call(group->listeners[index].context, durable, status);
        }
    }
    pthread_mutex_unlock(&group->listeners_lock);
}

// Publishes the outcome of one try.
static void settle(gm_group *group, gm_status status, const gm_error *error)
{
    pthread_mutex_lock(&group->lock);
    gm_status before = group->failed;
    group->failed = status;
    if (status == GM_OK) {
        atomic_store(&group->durable, group->committing_first + group->committing.count - 1);
        group->committing.size = 0;
        group->committing.count = 0;
        group->retry_ms = 0;
    } else {
        group->failure = *error;
        group->retry_ms = group->retry_ms == 0 ? RETRY_FIRST_MS : group->retry_ms * 2;
        if (group->retry_ms > RETRY_LAST_MS) {
            group->retry_ms = RETRY_LAST_MS;
        }
    }
    if (group->waiters > 0) {
        pthread_cond_broadcast(&group->moved);
    }
    pthread_mutex_unlock(&group->lock);

    if (status != GM_OK && before == GM_OK) {
        gm_log_write(&group->log, GM_LOG_ERROR, "store",
                     "%s: nothing is acknowledged until this ends: %s", group->work.name,
                     error->text);
    } else if (status == GM_OK && before != GM_OK) {
        gm_log_write(&group->log, GM_LOG_INFO, "store", "%s: writing works again",
                     group->work.name);
    }
    if (status == GM_OK || before == GM_OK) {
        tell_listeners(group, status);
    }
}

// Sleeps until there is something to do; takes what waits unless a batch is still to be tried
// again. Returns false when the group closes and this was the last round.
static bool next_round(gm_group *group)
{
    pthread_mutex_lock(&group->lock);
    int64_t pause_ms = group->retry_ms > 0 ? group->retry_ms : REST_PERIOD_MS;
    int64_t until_ns = gm_clock_monotonic_ns() + pause_ms * MILLISECOND_NS;
    bool retrying = group->committing.count > 0;
    group->asleep = true;
    while (!group->closing && !group->nudged && (retrying || group->filling.count == 0) &&
           wait_until(&group->wake, &group->lock, until_ns)) {
    }
    group->asleep = false;
    group->nudged = false;
    if (!retrying && group->filling.count > 0) {
        buffer empty = group->committing;
        group->committing = group->filling;
        group->committing_first = group->next - group->committing.count;
        group->filling = empty;
    }
    bool closing = group->closing;
    pthread_mutex_unlock(&group->lock);
    return !closing;
}

static void commit_batch(gm_group *group)
{
    gm_group_batch batch = { .bytes = group->committing.bytes,
                             .size = group->committing.size,
                             .count = group->committing.count,
                             .first = group->committing_first };
    gm_error error = { 0 };
    gm_status status = group->work.commit(group->work.context, &batch, &error);
    settle(group, status, &error);
}

static void *run(void *context)
{
    gm_group *group = context;
    bool go_on = true;
    while (go_on) {
        go_on = next_round(group);
        if (group->committing.count > 0) {
            commit_batch(group);
        }
        group->work.rest(group->work.context);
    }
    // closing: one more try for what came in during the last round
    pthread_mutex_lock(&group->lock);
    bool more = group->committing.count == 0 && group->filling.count > 0;
    pthread_mutex_unlock(&group->lock);
    if (more) {
        next_round(group);
        commit_batch(group);
    }
    return NULL;
}

static void release(gm_group *group)
{
    pthread_mutex_destroy(&group->lock);
    pthread_mutex_destroy(&group->listeners_lock);
    pthread_cond_destroy(&group->wake);
    pthread_cond_destroy(&group->moved);
    gm_memory_free(group->filling.bytes);
    gm_memory_free(group->committing.bytes);
    gm_memory_free(group);
}

static bool make_buffers(gm_group *group)
{
    group->filling.bytes = gm_memory_new(FIRST_BUFFER_SIZE, 1);
    group->committing.bytes = gm_memory_new(FIRST_BUFFER_SIZE, 1);
    group->filling.capacity = FIRST_BUFFER_SIZE;
    group->committing.capacity = FIRST_BUFFER_SIZE;
    return group->filling.bytes != NULL && group->committing.bytes != NULL;
}

gm_status gm_group_start(uint64_t next, const gm_group_work *work, const gm_log *log,
                         gm_group **group, gm_error *error)
{
    gm_group *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to write %s", work->name);
    }
    made->work = *work;
    made->log = log != NULL ? *log : (gm_log){ 0 };
    made->next = next;
    atomic_init(&made->durable, next - 1);
    pthread_mutex_init(&made->lock, NULL);
    pthread_mutex_init(&made->listeners_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->wake, &monotonic);
    pthread_cond_init(&made->moved, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (!make_buffers(made)) {
        release(made);
        return gm_error_set(error, GM_MEMORY, "no memory to write %s", work->name);
    }
    if (pthread_create(&made->thread, NULL, run, made) != 0) {
        release(made);
        return gm_error_set(error, GM_LIMIT, "the system gives no thread to write %s", work->name);
    }
    *group = made;
    return GM_OK;
}

void gm_group_close(gm_group *group)
{
    if (group == NULL) {
        return;
    }
    pthread_mutex_lock(&group->lock);
    group->closing = true;
    pthread_cond_signal(&group->wake);
    pthread_mutex_unlock(&group->lock);
    pthread_join(group->thread, NULL);
    size_t lost = group->committing.count + group->filling.count;
    if (lost > 0) {
        gm_log_write(&group->log, GM_LOG_ERROR, "store",
                     "%s: closed with %zu records that could not be written and were never "
                     "acknowledged",
                     group->work.name, lost);
    }
    release(group);
}

// Called with the lock held: room for one more record, or why there is none.
static gm_status make_room(buffer *filling, size_t size)
{
    if (size > GM_GROUP_QUEUE_SIZE - filling->size) {
        return GM_BUSY;
    }
    size_t needed = filling->size + size;
    if (needed > filling->capacity) {
        uint8_t *grown = gm_memory_grow(filling->bytes, &filling->capacity, needed, 1);
        if (grown == NULL) {
            return GM_MEMORY;
        }
        filling->bytes = grown;
    }
    return GM_OK;
}

static void put_header(uint8_t at[GM_GROUP_RECORD_HEADER], uint32_t size, uint16_t kind)
{
    for (int byte = 0; byte < 4; byte++) {
        at[byte] = (uint8_t)(size >> (8 * byte));
    }
    at[4] = (uint8_t)kind;
    at[5] = (uint8_t)(kind >> 8);
    at[6] = 0;
    at[7] = 0;
}

gm_status gm_group_append(gm_group *group, uint16_t kind, const void *bytes, size_t size,
                          uint64_t *number)
{
    if (kind == 0) {
        return GM_INVALID;
    }
    if (size > GM_GROUP_RECORD_MAX) {
        return GM_LIMIT;
    }
    pthread_mutex_lock(&group->lock);
    buffer *filling = &group->filling;
    gm_status status = make_room(filling, GM_GROUP_RECORD_HEADER + size);
    if (status == GM_OK) {
        uint8_t *at = filling->bytes + filling->size;
        put_header(at, (uint32_t)size, kind);
        if (size > 0) {
            memcpy(at + GM_GROUP_RECORD_HEADER, bytes, size);
        }
        filling->size += GM_GROUP_RECORD_HEADER + size;
        filling->count++;
        if (number != NULL) {
            *number = group->next;
        }
        group->next++;
        if (group->asleep && filling->count == 1) {
            pthread_cond_signal(&group->wake);
        }
    }
    pthread_mutex_unlock(&group->lock);
    return status;
}

gm_status gm_group_wait(gm_group *group, uint64_t number, int64_t deadline_ns, gm_error *error)
{
    if (number <= atomic_load(&group->durable)) {
        return GM_OK;
    }
    gm_status status = GM_OK;
    pthread_mutex_lock(&group->lock);
    if (number >= group->next) {
        status = gm_error_set(error, GM_INVALID, "record %llu was never appended to %s",
                              (unsigned long long)number, group->work.name);
    }
    group->waiters++;
    while (status == GM_OK && number > atomic_load(&group->durable)) {
        if (group->failed != GM_OK) {
            status = gm_error_set(error, group->failed, "not on disk: %s", group->failure.text);
        } else if (!wait_until(&group->moved, &group->lock, deadline_ns) &&
                   number > atomic_load(&group->durable)) {
            status = gm_error_set(error, GM_CANCELLED, "%s took too long to reach the disk",
                                  group->work.name);
        }
    }
    group->waiters--;
    pthread_mutex_unlock(&group->lock);
    return status;
}

gm_status gm_group_listen(gm_group *group, gm_group_listener *listener, void *context,
                          gm_error *error)
{
    gm_status status = GM_LIMIT;
    pthread_mutex_lock(&group->listeners_lock);
    for (size_t index = 0; index < GM_GROUP_LISTENERS && status != GM_OK; index++) {
        if (group->listeners[index].call == NULL) {
            group->listeners[index] = (listening){ .call = listener, .context = context };
            status = GM_OK;
        }
    }
    pthread_mutex_unlock(&group->listeners_lock);
    return status == GM_OK ? GM_OK
                           : gm_error_set(error, GM_LIMIT, "more than %d listeners to %s",
                                          GM_GROUP_LISTENERS, group->work.name);
}

void gm_group_unlisten(gm_group *group, gm_group_listener *listener, void *context)
{
    pthread_mutex_lock(&group->listeners_lock);
    for (size_t index = 0; index < GM_GROUP_LISTENERS; index++) {
        listening *place = &group->listeners[index];
        if (place->call == listener && place->context == context) {
            *place = (listening){ 0 };
        }
    }
    pthread_mutex_unlock(&group->listeners_lock);
}

void gm_group_nudge(gm_group *group)
{
    pthread_mutex_lock(&group->lock);
    group->nudged = true;
    pthread_cond_signal(&group->wake);
    pthread_mutex_unlock(&group->lock);
}

uint64_t gm_group_durable(const gm_group *group)
{
    return atomic_load(&group->durable);
}

uint64_t gm_group_next(gm_group *group)
{
    pthread_mutex_lock(&group->lock);
    uint64_t next = group->next;
    pthread_mutex_unlock(&group->lock);
    return next;
}
