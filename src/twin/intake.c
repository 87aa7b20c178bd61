// Intake: samples from any thread are told apart (new, known, not acceptable), journalled, and
// handed to the cycle.
//
// A samples record of the journal (codec/pack.h): arrival i64, count u32, then for each sample:
// sensor varint, flags u8 (1: has a sequence, 2: has no source time, 4: contradicts one before it),
// source time i64, value f64, the sequence varint if there is one, and the value f64 that it
// contradicts if it does. A world record lists the sensors' names: numbers in the
// records behind it mean those. A cycle mark: time i64, and u8 1 if late samples wait. The order of
// the journal is the order of events: a cycle takes exactly the samples in front of its mark, but
// for those that wait.
//
// Late samples cost rewinds. Where the world has a `late budget`, those that come before the last
// rewinds are paid for stay in the inbox, and are taken together: what a state is depends on the
// samples, not on when they are taken. Whether they wait is decided by the clock, so the mark says
// it.
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/calendar.h"
#include "base/require.h"
#include "codec/pack.h"
#include "twin/contradictions.h"

enum {
    FLAG_SEQUENCE = 1,
    FLAG_UNTIMED = 2,
    FLAG_CONTRADICTS = 4,
    SAMPLE_SIZE_LEAST = 18,
    RECORD_SAMPLES = 65536, // samples in one journal record
};
#define FUTURE_LIMIT_NS (60 * GM_SECOND_NS) // how far ahead of the clock a source may be
static const struct timespec busy_pause = { .tv_nsec = 1000000 };

static void tell_waiters(void *context, uint64_t durable, gm_status status)
{
    gm_twin *twin = context;
    for (;;) {
        pthread_mutex_lock(&twin->inbox_lock);
        gm_waiter next = { 0 };
        bool ready =
            twin->waiter_count > 0 && (status != GM_OK || twin->waiters[0].number <= durable);
        if (ready) {
            next = twin->waiters[0];
            memmove(twin->waiters, twin->waiters + 1, --twin->waiter_count * sizeof next);
        }
        pthread_mutex_unlock(&twin->inbox_lock);
        if (!ready) {
            return;
        }
        bool stored = next.number <= durable;
        next.done(next.context, stored ? GM_OK : status,
                  stored ? "" : "the journal could not be written; send again");
    }
}

/// Appends to the journal, waiting while its queue is full. Called without inbox_lock.
static gm_status append_patiently(gm_twin *twin, uint16_t kind, const gm_string *bytes,
                                  uint64_t *number)
{
    gm_status status;
    while ((status = gm_journal_append(twin->journal, kind, bytes->data, bytes->size, number)) ==
               GM_BUSY &&
           !atomic_load(&twin->stopping)) {
        nanosleep(&busy_pause, NULL);
    }
    return status;
}

gm_status gm_intake_open(gm_twin *twin, gm_error *error)
{
    const gm_world *world = twin->world;
    twin->newest_ns = twin->settled_ns = twin->oldest_ns = INT64_MIN;
    twin->sensor_accepted = gm_arena_new(twin->arena, world->sensor_count, sizeof(uint64_t));
    twin->sensor_rejected = gm_arena_new(twin->arena, world->sensor_count, sizeof(uint64_t));
    if (twin->sensor_accepted == NULL || twin->sensor_rejected == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu sensors", world->sensor_count);
    }
    return GM_OK;
}

/// Says in the journal which sensors the numbers behind it mean.
gm_status gm_intake_announce(gm_twin *twin, gm_error *error)
{
    if (twin->journal == NULL) {
        return GM_OK;
    }
    gm_string names = { 0 };
    gm_pack_u32(&names, (uint32_t)twin->world->sensor_count);
    for (size_t sensor = 0; sensor < twin->world->sensor_count; sensor++) {
        gm_pack_text(&names, gm_text_of(twin->world->sensors[sensor].name));
    }
    uint64_t number = 0;
    gm_status status =
        names.failed ? GM_MEMORY : append_patiently(twin, GM_JOURNAL_WORLD, &names, &number);
    if (status == GM_OK) {
        status = gm_recorder_announce(twin, number, (gm_text){ names.data, names.size }, error);
    }
    gm_string_free(&names);
    if (status != GM_OK) {
        return gm_error_set(error, status, "the journal does not take the world's sensors");
    }
    return gm_journal_on_commit(twin->journal, tell_waiters, twin, error);
}

void gm_intake_close(gm_twin *twin)
{
    if (twin->journal != NULL) {
        gm_journal_off_commit(twin->journal, tell_waiters, twin);
        tell_waiters(twin, gm_journal_durable(twin->journal), GM_CANCELLED);
    }
    gm_memory_free(twin->inbox);
    gm_memory_free(twin->taken);
    gm_memory_free(twin->seen.slots);
    gm_memory_free(twin->waiters);
    gm_string_free(&twin->payload);
}

// ---- submitting ----

/// The sample at the time it tells of.
static gm_sample told(const gm_twin *twin, const gm_sample *sample)
{
    gm_sample own = *sample;
    own.time_ns -= twin->world->sensors[sample->sensor].delay_ns;
    return own;
}

/// Whether a sample from before the window is in the history already.
static gm_status find_in_history(gm_twin *twin, const gm_sample *sample, bool *known,
                                 gm_error *error)
{
    char name[GM_HISTORY_NAME_MAX];
    snprintf(name, sizeof name, "sensor/%s", twin->world->sensors[sample->sensor].name);
    gm_history_query query = gm_default_history_query();
    query.branch = "live";
    query.series = name;
    query.from_ns = query.to_ns = sample->time_ns;
    gm_history_rows rows = { 0 };
    gm_status status =
        twin->history == NULL ? GM_NOT_FOUND : gm_history_read(twin->history, &query, &rows, error);
    *known = status == GM_OK && rows.count > 0;
    gm_history_rows_free(&rows);
    return status == GM_NOT_FOUND ? GM_OK : status;
}

/// Finds the samples from before the window that the history has. It reads from the disk and holds
/// no lock; the set of seen samples still knows what left the window meanwhile.
static gm_status recall(gm_twin *twin, const gm_submission *submission, gm_error *error)
{
    pthread_mutex_lock(&twin->inbox_lock);
    int64_t oldest_ns = twin->oldest_ns;
    pthread_mutex_unlock(&twin->inbox_lock);
    gm_status status = GM_OK;
    for (size_t index = 0; index < submission->count; index++) {
        const gm_sample *sample = &submission->samples[index];
        bool known = false;
        if (status == GM_OK && sample->sensor < twin->world->sensor_count && sample->time_ns >= 0) {
            gm_sample own = told(twin, sample);
            status = own.time_ns <= oldest_ns ? find_in_history(twin, &own, &known, error) : GM_OK;
        }
        submission->fates[index] = known ? GM_SAMPLE_DUPLICATE : GM_SAMPLE_NONE;
    }
    return status;
}

/// What becomes of each sample; those accepted enter the set of seen ones. Under inbox_lock.
static gm_status judge(gm_twin *twin, const gm_sample *samples, size_t count, gm_sample_fate *fates)
{
    int64_t horizon_ns =
        twin->options.replay ? GM_TWIN_TIME_MOST_NS : gm_clock_wall_ns() + FUTURE_LIMIT_NS;
    for (size_t index = 0; index < count; index++) {
        const gm_sample *sample = &samples[index];
        if (sample->sensor >= twin->world->sensor_count || !isfinite(sample->value) ||
            sample->time_ns > horizon_ns || sample->time_ns < 0) {
            fates[index] = GM_SAMPLE_REJECTED;
            continue;
        }
        bool known = fates[index] == GM_SAMPLE_DUPLICATE;
        gm_sample own = told(twin, sample);
        if (!known && !gm_seen_add(&twin->seen, &own, twin->oldest_ns, &known)) {
            return GM_MEMORY;
        }
        double first = gm_seen_value(&twin->seen, &own);
        bool differs = known && !isnan(first) && first != sample->value;
        fates[index] = differs ? GM_SAMPLE_CONTRADICTING
                       : known ? GM_SAMPLE_DUPLICATE
                               : GM_SAMPLE_ACCEPTED;
    }
    return GM_OK;
}

/// Whether a sample goes into the journal, and to the cycle.
static bool goes_in(gm_sample_fate fate)
{
    return fate == GM_SAMPLE_ACCEPTED || fate == GM_SAMPLE_CONTRADICTING;
}

/// Samples with their fates.
typedef struct judged {
    const gm_sample *samples; // [count]
    gm_sample_fate *fates;    // [count]
    size_t count;
    int64_t arrival_ns;
} judged;

static void pack_sample(const gm_twin *twin, gm_string *out, const gm_sample *sample, bool differs)
{
    gm_pack_varint(out, sample->sensor);
    gm_pack_u8(out,
               (uint8_t)((sample->has_sequence ? FLAG_SEQUENCE : 0) |
                         (sample->untimed ? FLAG_UNTIMED : 0) | (differs ? FLAG_CONTRADICTS : 0)));
    gm_pack_i64(out, sample->time_ns);
    gm_pack_f64(out, sample->value);
    if (sample->has_sequence) {
        gm_pack_varint(out, sample->sequence);
    }
    if (differs) {
        const gm_sample own = told(twin, sample);
        gm_pack_f64(out, gm_seen_value(&twin->seen, &own));
    }
}

static void pack_samples(gm_twin *twin, const judged *of)
{
    gm_string *out = &twin->payload;
    size_t count = 0;
    for (size_t index = 0; index < of->count; index++) {
        count += goes_in(of->fates[index]);
    }
    out->size = 0;
    out->failed = false;
    gm_pack_i64(out, of->arrival_ns);
    gm_pack_u32(out, (uint32_t)count);
    for (size_t index = 0; index < of->count; index++) {
        if (goes_in(of->fates[index])) {
            pack_sample(twin, out, &of->samples[index],
                        of->fates[index] == GM_SAMPLE_CONTRADICTING);
        }
    }
}

/// Makes room for what is to come: afterwards nothing can fail any more. Under inbox_lock.
static bool make_room(gm_twin *twin, size_t count)
{
    if (twin->inbox_count + count > twin->inbox_capacity) {
        gm_arrived *grown = gm_memory_grow(twin->inbox, &twin->inbox_capacity,
                                           twin->inbox_count + count, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        twin->inbox = grown;
    }
    if (twin->waiter_count == twin->waiter_capacity) {
        gm_waiter *grown = gm_memory_grow(twin->waiters, &twin->waiter_capacity,
                                          twin->waiter_count + 1, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        twin->waiters = grown;
    }
    return true;
}

/// @param entry  its sample as it came in
static void put_in(gm_twin *twin, const gm_arrived *entry)
{
    const gm_sample *sample = &entry->sample;
    gm_arrived *own = &twin->inbox[twin->inbox_count++];
    *own = *entry;
    own->sample = told(twin, sample);
    bool counted = entry->journal != 0 && entry->journal <= twin->counted_until;
    if (entry->contradicts) {
        twin->contradicting += !counted;
        return;
    }
    twin->accepted += !counted;
    twin->sensor_accepted[sample->sensor] += !counted;
    if (sample->time_ns > twin->newest_ns) {
        twin->newest_ns = sample->time_ns;
    }
}

/// One that the journal has now.
static void put_judged(gm_twin *twin, const judged *of, size_t index, uint64_t number)
{
    gm_arrived entry = { .sample = of->samples[index],
                         .journal = number,
                         .arrival_ns = of->arrival_ns };
    if (of->fates[index] == GM_SAMPLE_CONTRADICTING) {
        const gm_sample own = told(twin, &entry.sample);
        entry.contradicts = true;
        entry.first = gm_seen_value(&twin->seen, &own);
    }
    put_in(twin, &entry);
}

/// One that the journal did not take: it may come again.
static void take_back(gm_twin *twin, const judged *of, size_t index)
{
    if (of->fates[index] == GM_SAMPLE_ACCEPTED) {
        const gm_sample own = told(twin, &of->samples[index]);
        gm_seen_remove(&twin->seen, &own);
    }
    of->fates[index] = GM_SAMPLE_NONE;
}

/// Journals and queues one portion. Under inbox_lock. @param number out, of its record; 0: nothing
/// was to be written
static gm_status take_in(gm_twin *twin, const gm_sample *samples, size_t count,
                         gm_sample_fate *fates, uint64_t *number)
{
    *number = 0;
    if (twin->inbox_count + count > GM_TWIN_INBOX_MAX) {
        return GM_BUSY;
    }
    int64_t arrival_ns = !twin->options.replay          ? gm_clock_wall_ns()
                         : twin->newest_ns == INT64_MIN ? samples[0].time_ns
                                                        : twin->newest_ns;
    gm_status status = make_room(twin, count) ? judge(twin, samples, count, fates) : GM_MEMORY;
    const judged of = { samples, fates, count, arrival_ns };
    bool any = false;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        any = any || goes_in(fates[index]);
    }
    if (status == GM_OK && any && twin->journal != NULL) {
        pack_samples(twin, &of);
        status = twin->payload.failed
                     ? GM_MEMORY
                     : gm_journal_append(twin->journal, GM_JOURNAL_SAMPLES, twin->payload.data,
                                         twin->payload.size, number);
    }
    for (size_t index = 0; index < count; index++) {
        if (goes_in(fates[index]) && status != GM_OK) {
            take_back(twin, &of, index);
        } else if (goes_in(fates[index])) {
            put_judged(twin, &of, index, *number);
        } else if (status == GM_OK) {
            twin->duplicates += fates[index] == GM_SAMPLE_DUPLICATE;
            twin->rejected += fates[index] == GM_SAMPLE_REJECTED;
            if (fates[index] == GM_SAMPLE_REJECTED &&
                samples[index].sensor < twin->world->sensor_count) {
                twin->sensor_rejected[samples[index].sensor]++;
            }
        }
    }
    return status;
}

gm_status gm_twin_submit(gm_twin *twin, const gm_submission *submission, gm_error *error)
{
    size_t count = submission->count;
    if (count > GM_TWIN_SUBMIT_MAX) {
        return gm_error_set(error, GM_LIMIT, "%zu samples at once; at most %d are taken", count,
                            GM_TWIN_SUBMIT_MAX);
    }
    gm_status status = recall(twin, submission, error);
    if (status != GM_OK) {
        return status; // it may be known or not: the sender asks again
    }
    uint64_t last = 0;
    pthread_mutex_lock(&twin->inbox_lock);
    status = make_room(twin, 0) ? GM_OK : GM_MEMORY; // for who waits
    for (size_t at = 0; status == GM_OK && at < count; at += RECORD_SAMPLES) {
        size_t portion = count - at < RECORD_SAMPLES ? count - at : RECORD_SAMPLES;
        uint64_t number = 0;
        status = take_in(twin, submission->samples + at, portion, submission->fates + at, &number);
        last = number > last ? number : last;
    }
    if (twin->journal != NULL && last == 0) {
        // only known samples: they were journalled before, perhaps a moment ago
        last = gm_journal_next(twin->journal) - 1;
    }
    bool waits = status == GM_OK && submission->done != NULL && twin->journal != NULL &&
                 gm_journal_durable(twin->journal) < last;
    if (waits) {
        twin->waiters[twin->waiter_count++] =
            (gm_waiter){ last, submission->done, submission->context };
    }
    pthread_mutex_unlock(&twin->inbox_lock);
    if (status != GM_OK) {
        return gm_error_set(error, status,
                            status == GM_BUSY ? "too much is waiting already; send again later"
                                              : "no memory for samples");
    }
    if (!waits && submission->done != NULL) {
        submission->done(submission->context, GM_OK, "");
    }
    return GM_OK;
}

// ---- taking ----

/// Writes the mark of a cycle. Under inbox_lock, so that the samples in front of it are those in
/// the inbox. @param waits  late ones stay there
static gm_status mark_cycle(gm_twin *twin, int64_t time_ns, bool waits, uint64_t *number)
{
    if (twin->journal == NULL || twin->replaying) {
        return GM_OK;
    }
    gm_string mark = { 0 };
    gm_pack_i64(&mark, time_ns);
    if (waits) {
        gm_pack_u8(&mark, 1);
    }
    gm_status status = mark.failed ? GM_MEMORY
                                   : gm_journal_append(twin->journal, GM_JOURNAL_CYCLE, mark.data,
                                                       mark.size, number);
    gm_string_free(&mark);
    return status;
}

static int64_t earliest_in_inbox(const gm_twin *twin)
{
    int64_t earliest_ns = INT64_MAX;
    for (size_t index = 0; index < twin->inbox_count; index++) {
        int64_t sample_ns = twin->inbox[index].sample.time_ns;
        earliest_ns = sample_ns < earliest_ns ? sample_ns : earliest_ns;
    }
    return earliest_ns;
}

int64_t gm_intake_earliest(gm_twin *twin)
{
    pthread_mutex_lock(&twin->inbox_lock);
    int64_t earliest_ns = earliest_in_inbox(twin);
    pthread_mutex_unlock(&twin->inbox_lock);
    return earliest_ns;
}

gm_status gm_intake_begin(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    if (twin->begin_ns != INT64_MIN) {
        return GM_OK;
    }
    pthread_mutex_lock(&twin->inbox_lock);
    int64_t cycle_ns = twin->world->cycle_ns, earliest_ns = earliest_in_inbox(twin);
    earliest_ns = earliest_ns < time_ns ? earliest_ns : time_ns;
    int64_t begin_ns = (earliest_ns - 1) / cycle_ns * cycle_ns;
    gm_status status = mark_cycle(twin, begin_ns, false, NULL);
    pthread_mutex_unlock(&twin->inbox_lock);
    if (status != GM_OK) {
        return gm_error_set(error, status, "the journal does not take the mark of a beginning");
    }
    twin->begin_ns = begin_ns;
    return GM_OK;
}

/// What a cycle gets.
typedef struct taking {
    size_t count;
    int64_t oldest_ns;
} taking;

/// Source times of samples that may wait: late, and in the window still when the cycle has ended.
typedef struct waiting_times {
    int64_t after_ns, until_ns;
} waiting_times;

static waiting_times times_of_waiting(const gm_twin *twin, int64_t time_ns)
{
    const gm_window *window = &twin->window;
    int64_t last_ns = gm_window_at(window, window->count - 1)->held->time_ns;
    bool slides = window->count == window->depth && time_ns > last_ns;
    return (waiting_times){ gm_window_at(window, slides ? 1 : 0)->held->time_ns, last_ns };
}

/// Whether the last rewinds have not been paid for. A recording's own time is not the clock's.
static bool is_spent(const gm_twin *twin)
{
    if (twin->replaying) {
        return twin->late_waits;
    }
    return twin->world->late_budget > 0.0 && !twin->options.replay &&
           gm_clock_monotonic_ns() < twin->late_due_ns;
}

/// Parts the inbox: twin->taken is what the cycle gets, what waits stays. @return how many it gets
static size_t exchange(gm_twin *twin, const waiting_times *waits)
{
    gm_arrived *entries = twin->inbox;
    size_t capacity = twin->inbox_capacity, kept = 0, waiting = 0;
    for (size_t index = 0; index < twin->inbox_count; index++) {
        int64_t sample_ns = entries[index].sample.time_ns;
        if (waits != NULL && !entries[index].contradicts && sample_ns > waits->after_ns &&
            sample_ns <= waits->until_ns) {
            twin->taken[waiting++] = entries[index];
        } else {
            entries[kept++] = entries[index];
        }
    }
    twin->inbox = twin->taken;
    twin->inbox_capacity = twin->taken_capacity;
    twin->inbox_count = twin->late_waiting = waiting;
    twin->taken = entries;
    twin->taken_capacity = capacity;
    return kept;
}

/// Room for all of the inbox, in the window and among what waits. Under inbox_lock.
static bool make_room_to_take(gm_twin *twin)
{
    if (twin->taken_capacity < twin->inbox_count) {
        gm_arrived *grown =
            gm_memory_grow(twin->taken, &twin->taken_capacity, twin->inbox_count, sizeof *grown);
        if (grown == NULL) {
            return false;
        }
        twin->taken = grown;
    }
    return gm_window_reserve(&twin->window, twin->inbox_count);
}

/// The mark of this cycle, and the inbox in exchange for one with what waits.
/// @param taken  out, [count] of twin->taken; samples up to oldest_ns come too late
static gm_status swap_inbox(gm_twin *twin, int64_t time_ns, taking *taken)
{
    gm_status status = GM_OK;
    const waiting_times times = times_of_waiting(twin, time_ns);
    for (bool again = true; again;) {
        pthread_mutex_lock(&twin->inbox_lock);
        bool waits = is_spent(twin);
        status =
            make_room_to_take(twin) ? mark_cycle(twin, time_ns, waits, &twin->mark) : GM_MEMORY;
        again = status == GM_BUSY && !atomic_load(&twin->stopping);
        if (status == GM_OK) {
            taken->count = exchange(twin, waits ? &times : NULL);
            taken->oldest_ns =
                waits ? times.after_ns : gm_window_at(&twin->window, 0)->held->time_ns;
            twin->settled_ns = time_ns;
        }
        pthread_mutex_unlock(&twin->inbox_lock);
        if (again) {
            nanosleep(&busy_pause, NULL);
        }
    }
    return status;
}

/// The first value stays in the history, marked.
static void take_contradiction(gm_twin *twin, const gm_arrived *entry, bool known)
{
    gm_contradictions_take(twin, entry);
    if (!known) {
        gm_arrived marked = *entry;
        marked.sample.value = entry->first;
        gm_recorder_sample(twin, &marked, QUALITY_CONTRADICTED);
    }
}

gm_status gm_intake_take(gm_twin *twin, int64_t time_ns, gm_error *error)
{
    taking taken = { 0 };
    gm_status status = swap_inbox(twin, time_ns, &taken);
    if (status != GM_OK) {
        return gm_error_set(error, status,
                            status == GM_MEMORY ? "no memory for samples"
                                                : "the journal does not take the mark of a cycle");
    }
    const gm_window *window = &twin->window;
    int64_t last_ns = gm_window_at(window, window->count - 1)->held->time_ns;
    bool known = twin->replaying && time_ns <= twin->recorded_ns;
    uint64_t late = 0;
    for (size_t index = 0; index < taken.count; index++) {
        const gm_arrived *entry = &twin->taken[index];
        int64_t sample_ns = entry->sample.time_ns;
        if (entry->contradicts) {
            take_contradiction(twin, entry, known);
            continue;
        }
        if (!known) {
            gm_recorder_sample(twin, entry,
                               sample_ns <= taken.oldest_ns ? QUALITY_LATE : QUALITY_GOOD);
            late += sample_ns <= last_ns;
        }
        if (sample_ns > taken.oldest_ns) {
            gm_window_add(&twin->window, entry);
            twin->redo_ns = sample_ns < twin->redo_ns ? sample_ns : twin->redo_ns;
        }
    }
    gm_window_sort(&twin->window);
    pthread_mutex_lock(&twin->inbox_lock);
    twin->late += late;
    pthread_mutex_unlock(&twin->inbox_lock);
    return GM_OK;
}

// ---- recovery ----

gm_status gm_intake_restore(gm_twin *twin, const gm_restore *record, gm_error *error)
{
    gm_unpack in = gm_unpack_of(record->bytes, record->size);
    int64_t arrival_ns = gm_unpack_i64(&in);
    size_t count = gm_unpack_count(&in, SAMPLE_SIZE_LEAST);
    gm_status status = make_room(twin, count) ? GM_OK : GM_MEMORY;
    for (size_t index = 0; status == GM_OK && index < count; index++) {
        gm_sample sample = { .sensor = gm_unpack_varint(&in) };
        uint8_t flags = gm_unpack_u8(&in);
        sample.has_sequence = (flags & FLAG_SEQUENCE) != 0;
        sample.untimed = (flags & FLAG_UNTIMED) != 0;
        sample.time_ns = gm_unpack_i64(&in);
        sample.value = gm_unpack_f64(&in);
        sample.sequence = sample.has_sequence ? gm_unpack_varint(&in) : 0;
        gm_arrived entry = { .sample = sample,
                             .journal = record->number,
                             .arrival_ns = arrival_ns };
        entry.contradicts = (flags & FLAG_CONTRADICTS) != 0;
        entry.first = entry.contradicts ? gm_unpack_f64(&in) : 0.0;
        if (in.failed || sample.sensor >= record->name_count || !isfinite(sample.value) ||
            !isfinite(entry.first) || sample.time_ns < 0 || sample.time_ns > GM_TWIN_TIME_MOST_NS) {
            status = GM_CORRUPT;
            break;
        }
        sample.sensor = record->sensors[sample.sensor];
        bool known = false;
        if (sample.sensor == GM_NO_INDEX) {
            continue; // the world file has no such sensor any more
        }
        entry.sample.sensor = sample.sensor;
        gm_sample own = told(twin, &sample);
        if (!entry.contradicts && !gm_seen_add(&twin->seen, &own, twin->oldest_ns, &known)) {
            status = GM_MEMORY;
        } else if (!known) {
            put_in(twin, &entry);
        }
    }
    if (status == GM_OK && !gm_unpack_done(&in)) {
        status = GM_CORRUPT;
    }
    return status == GM_OK ? GM_OK
                           : gm_error_set(error, status, "journal record %llu: %s",
                                          (unsigned long long)record->number,
                                          status == GM_MEMORY ? "no memory" : "not as written");
}
