// The journal on a group commit: a batch of records is one row of journal.db, written in one
// transaction. Formats: docs/storage.md.

#include "store/journal.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "codec/pack.h"
#include "store/group_commit.h"
#include "store/journal_file.h"

_Static_assert((int)GM_JOURNAL_RECORD_MAX == (int)GM_GROUP_RECORD_MAX, "one limit, two names");
_Static_assert((int)GM_JOURNAL_QUEUE_SIZE == (int)GM_GROUP_QUEUE_SIZE, "one limit, two names");
_Static_assert((int)GM_JOURNAL_LISTENERS == (int)GM_GROUP_LISTENERS, "one limit, two names");

// A cut goes in steps, so that commits need not wait for a long one.
#define CUT_BLOBS "64"

static const char schema[] = "CREATE TABLE blob("
                             "first INTEGER PRIMARY KEY,"
                             "count INTEGER NOT NULL,"
                             "hash INTEGER NOT NULL,"
                             "bytes BLOB NOT NULL)";

struct gm_journal {
    gm_log log;
    char path[GM_PATH_MAX];
    const char *vfs;
    gm_group *group;
    _Atomic uint64_t oldest, cut_below;

    // the group's thread's own
    sqlite3 *database;
    sqlite3_stmt *insert, *cut, *first;
    int log_pages;
    bool cut_failing;
};

struct gm_journal_cursor {
    sqlite3 *database;
    sqlite3_stmt *at, *after;
    uint64_t next, blob_end; // next record wanted; end of the blob in memory
    uint8_t *blob;
    size_t capacity;
    gm_unpack left;
};

static uint64_t blob_hash(uint64_t first, const void *bytes, size_t size)
{
    return gm_hash(bytes, size, first);
}

static int note_log_pages(void *context, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    *(int *)context = pages;
    return SQLITE_OK;
}

static gm_status commit(void *context, const gm_group_batch *batch, gm_error *error)
{
    gm_journal *journal = context;
    sqlite3_bind_int64(journal->insert, 1, (sqlite3_int64)batch->first);
    sqlite3_bind_int64(journal->insert, 2, (sqlite3_int64)batch->count);
    sqlite3_bind_int64(journal->insert, 3,
                       (sqlite3_int64)blob_hash(batch->first, batch->bytes, batch->size));
    sqlite3_bind_blob(journal->insert, 4, batch->bytes, (int)batch->size, SQLITE_STATIC);
    gm_status status = gm_database_step(journal->database, journal->insert, error);
    sqlite3_clear_bindings(journal->insert);
    return status;
}

static gm_status read_oldest(gm_journal *journal, uint64_t next, gm_error *error)
{
    int result = sqlite3_step(journal->first);
    gm_status status = gm_database_status(journal->database, result, "reading", error);
    if (status == GM_OK) {
        atomic_store(&journal->oldest, result == SQLITE_ROW
                                           ? (uint64_t)sqlite3_column_int64(journal->first, 0)
                                           : next);
    }
    sqlite3_reset(journal->first);
    return status;
}

// One step of a cut. A failure is logged once and tried again in the next rest.
static void cut_step(gm_journal *journal)
{
    uint64_t below = atomic_load(&journal->cut_below);
    if (below <= atomic_load(&journal->oldest)) {
        return;
    }
    gm_error error = { 0 };
    sqlite3_bind_int64(journal->cut, 1, (sqlite3_int64)below);
    gm_status status = gm_database_step(journal->database, journal->cut, &error);
    int gone = status == GM_OK ? sqlite3_changes(journal->database) : 0;
    if (status == GM_OK) {
        status = read_oldest(journal, below, &error);
    }
    if (status != GM_OK && !journal->cut_failing) {
        gm_log_write(&journal->log, GM_LOG_WARNING, "store", "the journal is not cut yet: %s",
                     error.text);
    }
    journal->cut_failing = status != GM_OK;
    if (gone > 0) {
        gm_group_nudge(journal->group);
    }
}

static void rest(void *context)
{
    gm_journal *journal = context;
    cut_step(journal);
    gm_database_checkpoint(journal->database, journal->log_pages);
}

static gm_status prepare_statements(gm_journal *journal, gm_error *error)
{
    // OR REPLACE: a batch whose commit failed may have got to the file all the same
    static const char insert[] = "INSERT OR REPLACE INTO blob VALUES(?1, ?2, ?3, ?4)";
    static const char cut[] = "DELETE FROM blob WHERE first IN ("
                              "SELECT first FROM blob WHERE first <"
                              "(SELECT max(first) FROM blob WHERE first <= ?1)"
                              "ORDER BY first LIMIT " CUT_BLOBS ")";
    static const char first[] = "SELECT first FROM blob ORDER BY first LIMIT 1";
    gm_status status = gm_database_prepare(journal->database, insert, &journal->insert, error);
    if (status == GM_OK) {
        status = gm_database_prepare(journal->database, cut, &journal->cut, error);
    }
    if (status == GM_OK) {
        status = gm_database_prepare(journal->database, first, &journal->first, error);
    }
    return status;
}

static gm_status read_next(gm_journal *journal, uint64_t *next, gm_error *error)
{
    sqlite3_stmt *last = NULL;
    gm_status status = gm_database_prepare(
        journal->database, "SELECT first + count FROM blob ORDER BY first DESC LIMIT 1", &last,
        error);
    if (status == GM_OK) {
        int result = sqlite3_step(last);
        status = gm_database_status(journal->database, result, "reading", error);
        *next = result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(last, 0) : 1;
    }
    sqlite3_finalize(last);
    if (status == GM_OK && (*next < 1 || *next > INT64_MAX)) {
        status =
            gm_error_set(error, GM_CORRUPT, "%s: its last blob's number is damaged", journal->path);
    }
    return status;
}

gm_status gm_journal_open(const gm_database_place *place, const gm_log *log, gm_journal **journal,
                          gm_error *error)
{
    gm_journal *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the journal");
    }
    made->log = *log;
    made->vfs = place->vfs;
    snprintf(made->path, sizeof made->path, "%s", place->path);
    uint64_t next = 1;
    gm_status status = gm_database_open_writer(place, schema, &made->database, error);
    if (status == GM_OK) {
        status = prepare_statements(made, error);
    }
    if (status == GM_OK) {
        status = read_next(made, &next, error);
    }
    if (status == GM_OK) {
        status = read_oldest(made, next, error);
    }
    if (status == GM_OK) {
        sqlite3_wal_hook(made->database, note_log_pages, &made->log_pages);
        gm_group_work work = {
            .name = "journal.db", .context = made, .commit = commit, .rest = rest
        };
        status = gm_group_start(next, &work, log, &made->group, error);
    }
    if (status != GM_OK) {
        gm_journal_close(made);
        return status;
    }
    *journal = made;
    return GM_OK;
}

void gm_journal_close(gm_journal *journal)
{
    if (journal == NULL) {
        return;
    }
    gm_group_close(journal->group);
    sqlite3_finalize(journal->insert);
    sqlite3_finalize(journal->cut);
    sqlite3_finalize(journal->first);
    sqlite3_close(journal->database);
    gm_memory_free(journal);
}

gm_status gm_journal_append(gm_journal *journal, uint16_t kind, const void *bytes, size_t size,
                            uint64_t *number)
{
    return gm_group_append(journal->group, kind, bytes, size, number);
}

gm_status gm_journal_wait(gm_journal *journal, uint64_t number, int64_t deadline_ns,
                          gm_error *error)
{
    return gm_group_wait(journal->group, number, deadline_ns, error);
}

gm_status gm_journal_on_commit(gm_journal *journal, gm_journal_listener *listener, void *context,
                               gm_error *error)
{
    return gm_group_listen(journal->group, listener, context, error);
}

void gm_journal_off_commit(gm_journal *journal, gm_journal_listener *listener, void *context)
{
    gm_group_unlisten(journal->group, listener, context);
}

uint64_t gm_journal_durable(const gm_journal *journal)
{
    return gm_group_durable(journal->group);
}

uint64_t gm_journal_next(gm_journal *journal)
{
    return gm_group_next(journal->group);
}

uint64_t gm_journal_oldest(const gm_journal *journal)
{
    return atomic_load(&journal->oldest);
}

void gm_journal_cut(gm_journal *journal, uint64_t below)
{
    uint64_t before = atomic_load(&journal->cut_below);
    while (below > before && !atomic_compare_exchange_weak(&journal->cut_below, &before, below)) {
    }
    if (below > before) {
        gm_group_nudge(journal->group);
    }
}

gm_status gm_journal_cursor_open(gm_journal *journal, uint64_t from, gm_journal_cursor **cursor,
                                 gm_error *error)
{
    uint64_t oldest = gm_journal_oldest(journal);
    if (from > 0 && from < oldest) {
        return gm_error_set(error, GM_CORRUPT,
                            "the journal begins with record %llu; record %llu was cut",
                            (unsigned long long)oldest, (unsigned long long)from);
    }
    gm_journal_cursor *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to read the journal");
    }
    made->next = from > 0 ? from : oldest;
    gm_database_place place = { .path = journal->path, .vfs = journal->vfs };
    gm_status status = gm_database_open_reader(&place, &made->database, error);
    if (status == GM_OK) {
        status = gm_database_prepare(made->database,
                                     "SELECT first, count, hash, bytes FROM blob "
                                     "WHERE first <= ?1 ORDER BY first DESC LIMIT 1",
                                     &made->at, error);
    }
    if (status == GM_OK) {
        status = gm_database_prepare(made->database, "SELECT min(first) FROM blob WHERE first > ?1",
                                     &made->after, error);
    }
    if (status != GM_OK) {
        gm_journal_cursor_close(made);
        return status;
    }
    *cursor = made;
    return GM_OK;
}

void gm_journal_cursor_close(gm_journal_cursor *cursor)
{
    if (cursor == NULL) {
        return;
    }
    sqlite3_finalize(cursor->at);
    sqlite3_finalize(cursor->after);
    sqlite3_close(cursor->database);
    gm_memory_free(cursor->blob);
    gm_memory_free(cursor);
}

// Nothing holds record `next`: the end, or a hole?
static gm_status end_or_hole(gm_journal_cursor *cursor, gm_error *error)
{
    sqlite3_bind_int64(cursor->after, 1, (sqlite3_int64)cursor->next);
    int result = sqlite3_step(cursor->after);
    gm_status status = gm_database_status(cursor->database, result, "reading", error);
    if (status == GM_OK && sqlite3_column_type(cursor->after, 0) != SQLITE_NULL) {
        status = gm_error_set(error, GM_CORRUPT, "the journal's records %llu to %lld are missing",
                              (unsigned long long)cursor->next,
                              sqlite3_column_int64(cursor->after, 0) - 1);
    } else if (status == GM_OK) {
        status = gm_error_set(error, GM_NOT_FOUND, "the journal ends before record %llu",
                              (unsigned long long)cursor->next);
    }
    sqlite3_reset(cursor->after);
    return status;
}

// Copies the row that `at` stands on into the cursor, if its bytes are what was written.
static gm_status take_blob(gm_journal_cursor *cursor, gm_error *error)
{
    uint64_t first = (uint64_t)sqlite3_column_int64(cursor->at, 0);
    uint64_t hash = (uint64_t)sqlite3_column_int64(cursor->at, 2);
    const void *bytes = sqlite3_column_blob(cursor->at, 3);
    size_t size = (size_t)sqlite3_column_bytes(cursor->at, 3);
    if (bytes == NULL || blob_hash(first, bytes, size) != hash) {
        int result = sqlite3_errcode(cursor->database);
        return (result & 0xff) == SQLITE_NOMEM || (result & 0xff) == SQLITE_IOERR
                   ? gm_database_status(cursor->database, result, "reading", error)
                   : gm_error_set(error, GM_CORRUPT,
                                  "the journal's blob of records %llu to %llu is damaged: "
                                  "its checksum does not fit",
                                  (unsigned long long)first,
                                  (unsigned long long)cursor->blob_end - 1);
    }
    uint8_t *room = cursor->capacity >= size
                        ? cursor->blob
                        : gm_memory_grow(cursor->blob, &cursor->capacity, size, 1);
    if (room == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to read the journal");
    }
    cursor->blob = room;
    memcpy(room, bytes, size);
    cursor->left = gm_unpack_of(room, size);
    // a cursor may begin inside a blob
    for (uint64_t number = first; number < cursor->next; number++) {
        uint32_t record_size = gm_unpack_u32(&cursor->left);
        gm_unpack_bytes(&cursor->left, (size_t)record_size + GM_GROUP_RECORD_HEADER - 4);
    }
    return GM_OK;
}

static gm_status load_blob(gm_journal_cursor *cursor, gm_error *error)
{
    sqlite3_bind_int64(cursor->at, 1, (sqlite3_int64)cursor->next);
    int result = sqlite3_step(cursor->at);
    gm_status status = gm_database_status(cursor->database, result, "reading", error);
    bool held = false;
    if (result == SQLITE_ROW) {
        cursor->blob_end =
            (uint64_t)(sqlite3_column_int64(cursor->at, 0) + sqlite3_column_int64(cursor->at, 1));
        held = cursor->next < cursor->blob_end;
    }
    if (held) {
        status = take_blob(cursor, error);
    }
    sqlite3_reset(cursor->at);
    if (status == GM_OK && !held) {
        status = end_or_hole(cursor, error);
    }
    if (status != GM_OK) {
        cursor->blob_end = cursor->next;
    }
    return status;
}

gm_status gm_journal_read(gm_journal_cursor *cursor, gm_journal_record *record, gm_error *error)
{
    if (cursor->next >= cursor->blob_end) {
        gm_status status = load_blob(cursor, error);
        if (status != GM_OK) {
            return status;
        }
    }
    uint32_t size = gm_unpack_u32(&cursor->left);
    uint16_t kind = gm_unpack_u16(&cursor->left);
    gm_unpack_u16(&cursor->left);
    gm_text payload = gm_unpack_bytes(&cursor->left, size);
    bool last = cursor->next + 1 == cursor->blob_end;
    if (cursor->left.failed || (last && cursor->left.left > 0)) {
        return gm_error_set(error, GM_CORRUPT, "the journal's record %llu is cut short",
                            (unsigned long long)cursor->next);
    }
    *record = (gm_journal_record){
        .number = cursor->next, .kind = kind, .bytes = payload.data, .size = size
    };
    cursor->next++;
    return GM_OK;
}
