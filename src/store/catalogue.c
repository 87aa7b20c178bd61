// The catalogue and the events on world.db.

#include "store/catalogue.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "codec/pack.h"
#include "store/store_parts.h"

// Hands a packed record to world.db's thread and frees it.
static gm_status hand_over(gm_store *store, gm_world_kind kind, gm_string *record, gm_error *error)
{
    gm_status status = GM_MEMORY;
    if (!record->failed) {
        status = gm_group_append(gm_world_file_group(store->world), (uint16_t)kind, record->data,
                                 record->size, NULL);
    }
    gm_string_free(record);
    switch (status) {
    case GM_OK:
        return GM_OK;
    case GM_BUSY:
        return gm_error_set(error, GM_BUSY, "%s/world.db: the disk is far behind; try again later",
                            store->folder);
    case GM_LIMIT:
        return gm_error_set(error, GM_LIMIT, "more than %d bytes in one entry",
                            GM_CATALOGUE_VALUE_MAX);
    default:
        return gm_error_set(error, status, "no memory to write to %s/world.db", store->folder);
    }
}

// Earlier writes first; a disk that fails must not stop reading what is there.
static sqlite3 *lock_reader(gm_store *store)
{
    gm_catalogue_flush(store, gm_clock_monotonic_ns() + GM_CATALOGUE_WAIT_S * GM_SECOND_NS, NULL);
    return gm_world_file_lock_reader(store->world);
}

gm_status gm_catalogue_flush(gm_store *store, int64_t deadline_ns, gm_error *error)
{
    gm_group *group = gm_world_file_group(store->world);
    return gm_group_wait(group, gm_group_next(group) - 1, deadline_ns, error);
}

static gm_status check_key(const char *key, gm_error *error)
{
    gm_text text = gm_text_of(key);
    if (text.size == 0 || text.size > GM_CATALOGUE_KEY_MAX || !gm_text_is_utf8(text)) {
        return gm_error_set(error, GM_INVALID, "a key must be 1 to %d bytes of UTF-8",
                            GM_CATALOGUE_KEY_MAX);
    }
    return GM_OK;
}

gm_status gm_catalogue_put(gm_store *store, const char *key, const void *bytes, size_t size,
                           gm_error *error)
{
    gm_status status = check_key(key, error);
    if (status != GM_OK) {
        return status;
    }
    gm_text name = gm_text_of(key);
    if (size > GM_CATALOGUE_VALUE_MAX - name.size - 2 * sizeof(uint32_t)) {
        return gm_error_set(error, GM_LIMIT, "'%s' would hold more than %d bytes", key,
                            GM_CATALOGUE_VALUE_MAX);
    }
    gm_string record = { 0 };
    gm_pack_text(&record, name);
    gm_pack_text(&record, (gm_text){ bytes, size });
    return hand_over(store, GM_WORLD_PUT, &record, error);
}

gm_status gm_catalogue_remove(gm_store *store, const char *key, gm_error *error)
{
    gm_status status = check_key(key, error);
    if (status != GM_OK) {
        return status;
    }
    gm_string record = { 0 };
    gm_pack_text(&record, gm_text_of(key));
    return hand_over(store, GM_WORLD_REMOVE, &record, error);
}

static gm_status copy_value(sqlite3_stmt *statement, void **bytes, size_t *size, gm_error *error)
{
    size_t count = (size_t)sqlite3_column_bytes(statement, 0);
    const void *value = sqlite3_column_blob(statement, 0);
    char *copy = count > 0 && value == NULL ? NULL : gm_memory_new(count + 1, 1);
    if (copy == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to read %zu bytes", count);
    }
    if (count > 0) {
        memcpy(copy, value, count);
    }
    *bytes = copy;
    *size = count;
    return GM_OK;
}

gm_status gm_catalogue_get(gm_store *store, const char *key, void **bytes, size_t *size,
                           gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *reader = lock_reader(store);
    gm_status status = gm_database_prepare(reader, "SELECT bytes FROM catalogue WHERE key = ?1",
                                           &statement, error);
    if (status == GM_OK) {
        sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        int result = sqlite3_step(statement);
        status = gm_database_status(reader, result, "reading", error);
        if (result == SQLITE_ROW) {
            status = copy_value(statement, bytes, size, error);
        } else if (result == SQLITE_DONE) {
            status = gm_error_set(error, GM_NOT_FOUND, "the catalogue has no '%s'", key);
        }
    }
    sqlite3_finalize(statement);
    gm_world_file_unlock_reader(store->world);
    return status;
}

gm_status gm_catalogue_list(gm_store *store, const char *prefix,
                            void (*visit)(void *context, const char *key, const void *bytes,
                                          size_t size),
                            void *context, gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *reader = lock_reader(store);
    gm_status status = gm_database_prepare(
        reader, "SELECT key, bytes FROM catalogue WHERE key >= ?1 ORDER BY key", &statement, error);
    if (status == GM_OK) {
        size_t prefix_size = strlen(prefix);
        sqlite3_bind_text(statement, 1, prefix, -1, SQLITE_STATIC);
        int result;
        while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
            const char *key = (const char *)sqlite3_column_text(statement, 0);
            if (key == NULL || strncmp(key, prefix, prefix_size) != 0) {
                break;
            }
            const void *bytes = sqlite3_column_blob(statement, 1);
            visit(context, key, bytes != NULL ? bytes : "",
                  (size_t)sqlite3_column_bytes(statement, 1));
        }
        status = gm_database_status(reader, result, "reading", error);
    }
    sqlite3_finalize(statement);
    gm_world_file_unlock_reader(store->world);
    return status;
}

static gm_status check_event(const gm_event_record *event, gm_error *error)
{
    if (event->id == 0 || event->id > INT64_MAX) {
        return gm_error_set(error, GM_INVALID, "an event's id must be 1 to 2^63 - 1");
    }
    if (!isfinite(event->size)) {
        return gm_error_set(error, GM_INVALID, "event %llu: its size is not a finite number",
                            (unsigned long long)event->id);
    }
    const char *texts[] = { event->branch, event->subject, event->kind, event->text };
    for (size_t index = 0; index < sizeof texts / sizeof texts[0]; index++) {
        gm_text text = gm_text_of(texts[index]);
        if (text.size > GM_EVENT_TEXT_MAX) {
            return gm_error_set(error, GM_LIMIT, "event %llu: a text has more than %d bytes",
                                (unsigned long long)event->id, GM_EVENT_TEXT_MAX);
        }
        if (!gm_text_is_utf8(text)) {
            return gm_error_set(error, GM_INVALID, "event %llu: a text is not UTF-8",
                                (unsigned long long)event->id);
        }
    }
    return GM_OK;
}

gm_status gm_event_put(gm_store *store, const gm_event_record *event, gm_error *error)
{
    gm_status status = check_event(event, error);
    if (status != GM_OK) {
        return status;
    }
    gm_string record = { 0 };
    gm_pack_i64(&record, (int64_t)event->id);
    gm_pack_text(&record, gm_text_of(event->branch));
    gm_pack_text(&record, gm_text_of(event->subject));
    gm_pack_text(&record, gm_text_of(event->kind));
    gm_pack_i64(&record, event->start_ns);
    gm_pack_i64(&record, event->end_ns);
    gm_pack_i64(&record, event->known_ns);
    gm_pack_f64(&record, event->size);
    gm_pack_text(&record, gm_text_of(event->text));
    return hand_over(store, GM_WORLD_EVENT, &record, error);
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text != NULL ? (const char *)text : "";
}

gm_status gm_event_list(gm_store *store, const gm_event_query *query,
                        void (*visit)(void *context, const gm_event_record *event), void *context,
                        gm_error *error)
{
    static const char select[] =
        "SELECT id, branch, subject, kind, start_ns, end_ns, known_ns, size, text FROM event "
        "WHERE (?1 IS NULL OR branch = ?1) AND start_ns <= ?3 AND end_ns >= ?2 "
        "ORDER BY start_ns DESC, id DESC LIMIT ?4";
    sqlite3_stmt *statement = NULL;
    sqlite3 *reader = lock_reader(store);
    gm_status status = gm_database_prepare(reader, select, &statement, error);
    if (status == GM_OK) {
        bool all = query->max_count == 0 || query->max_count > INT64_MAX;
        sqlite3_bind_text(statement, 1, query->branch, -1, SQLITE_STATIC);
        sqlite3_bind_int64(statement, 2, query->from_ns);
        sqlite3_bind_int64(statement, 3, query->to_ns);
        sqlite3_bind_int64(statement, 4, all ? -1 : (int64_t)query->max_count);
        int result;
        while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
            gm_event_record event = { .id = (uint64_t)sqlite3_column_int64(statement, 0),
                                      .branch = column_text(statement, 1),
                                      .subject = column_text(statement, 2),
                                      .kind = column_text(statement, 3),
                                      .start_ns = sqlite3_column_int64(statement, 4),
                                      .end_ns = sqlite3_column_int64(statement, 5),
                                      .known_ns = sqlite3_column_int64(statement, 6),
                                      .size = sqlite3_column_double(statement, 7),
                                      .text = column_text(statement, 8) };
            visit(context, &event);
        }
        status = gm_database_status(reader, result, "reading", error);
    }
    sqlite3_finalize(statement);
    gm_world_file_unlock_reader(store->world);
    return status;
}

gm_status gm_event_last_id(gm_store *store, uint64_t *id, gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    sqlite3 *reader = lock_reader(store);
    gm_status status =
        gm_database_prepare(reader, "SELECT ifnull(max(id), 0) FROM event", &statement, error);
    if (status == GM_OK) {
        int result = sqlite3_step(statement);
        status = gm_database_status(reader, result, "reading", error);
        if (result == SQLITE_ROW) {
            *id = (uint64_t)sqlite3_column_int64(statement, 0);
        }
    }
    sqlite3_finalize(statement);
    gm_world_file_unlock_reader(store->world);
    return status;
}
