// world.db: tables, and how a record becomes a row. Formats: docs/storage.md.

#include "store/world_file.h"

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/require.h"
#include "codec/pack.h"

static const char schema[] =
    "CREATE TABLE catalogue(key TEXT PRIMARY KEY, bytes BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE event(id INTEGER PRIMARY KEY, branch TEXT NOT NULL, subject TEXT NOT NULL,"
    " kind TEXT NOT NULL, start_ns INTEGER NOT NULL, end_ns INTEGER NOT NULL,"
    " known_ns INTEGER NOT NULL, size REAL NOT NULL, text TEXT NOT NULL);"
    "CREATE INDEX event_by_start ON event(start_ns);"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, branch TEXT NOT NULL, name TEXT NOT NULL,"
    " columns TEXT NOT NULL, unit TEXT NOT NULL, span_ns INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE(branch, name));"
    "CREATE TABLE block(id INTEGER PRIMARY KEY, series INTEGER NOT NULL, first_ns INTEGER NOT NULL,"
    " last_ns INTEGER NOT NULL, known_ns INTEGER NOT NULL, count INTEGER NOT NULL,"
    " hash INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX block_by_time ON block(series, first_ns, last_ns, known_ns);";

// Every statement may run twice for one record: a batch is tried again until it is durable.
typedef struct operation {
    const char *statement;
    const char *fields; // i: integer, f: f64, t: text, b: bytes
} operation;

static const operation operations[GM_WORLD_KINDS] = {
    [GM_WORLD_SERIES] = { "INSERT OR REPLACE INTO series(id, branch, name, columns, unit)"
                          " VALUES(?1, ?2, ?3, ?4, ?5)",
                          "itttt" },
    [GM_WORLD_SPAN] = { "UPDATE series SET span_ns = max(span_ns, ?2) WHERE id = ?1", "ii" },
    [GM_WORLD_BLOCK] = { "INSERT OR REPLACE INTO block VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                         "iiiiiiib" },
    [GM_WORLD_PUT] = { "INSERT OR REPLACE INTO catalogue VALUES(?1, ?2)", "tb" },
    [GM_WORLD_REMOVE] = { "DELETE FROM catalogue WHERE key = ?1", "t" },
    [GM_WORLD_EVENT] = { "INSERT OR REPLACE INTO event VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                         "itttiiift" },
};

struct gm_world_file {
    gm_group *group;

    pthread_mutex_t rest_lock; // held while `rest` runs
    void (*rest)(void *context);
    void *rest_context;

    pthread_mutex_t reader_lock;
    sqlite3 *reader;

    // the group's thread's own
    sqlite3 *writer;
    sqlite3_stmt *statements[GM_WORLD_KINDS];
    sqlite3_stmt *begin, *end;
    int log_pages;
};

static int note_log_pages(void *context, sqlite3 *database, const char *name, int pages)
{
    (void)database;
    (void)name;
    *(int *)context = pages;
    return SQLITE_OK;
}

static void bind_field(sqlite3_stmt *statement, int place, char type, gm_unpack *record)
{
    gm_text text;
    switch (type) {
    case 'i':
        sqlite3_bind_int64(statement, place, gm_unpack_i64(record));
        break;
    case 'f':
        sqlite3_bind_double(statement, place, gm_unpack_f64(record));
        break;
    case 't':
        text = gm_unpack_text(record);
        sqlite3_bind_text(statement, place, text.data != NULL ? text.data : "", (int)text.size,
                          SQLITE_STATIC);
        break;
    default:
        text = gm_unpack_text(record);
        sqlite3_bind_blob(statement, place, text.data != NULL ? text.data : "", (int)text.size,
                          SQLITE_STATIC);
        break;
    }
}

static gm_status apply(gm_world_file *file, uint16_t kind, gm_text payload, gm_error *error)
{
    GM_REQUIRE(kind > 0 && kind < GM_WORLD_KINDS);
    sqlite3_stmt *statement = file->statements[kind];
    gm_unpack record = gm_unpack_of(payload.data, payload.size);
    const char *fields = operations[kind].fields;
    for (int place = 1; fields[place - 1] != '\0'; place++) {
        bind_field(statement, place, fields[place - 1], &record);
    }
    GM_REQUIRE(gm_unpack_done(&record));
    gm_status status = gm_database_step(file->writer, statement, error);
    sqlite3_clear_bindings(statement);
    return status;
}

static gm_status commit(void *context, const gm_group_batch *batch, gm_error *error)
{
    gm_world_file *file = context;
    gm_status status = gm_database_step(file->writer, file->begin, error);
    gm_unpack records = gm_unpack_of(batch->bytes, batch->size);
    for (size_t index = 0; index < batch->count && status == GM_OK; index++) {
        uint32_t size = gm_unpack_u32(&records);
        uint16_t kind = gm_unpack_u16(&records);
        gm_unpack_u16(&records);
        status = apply(file, kind, gm_unpack_bytes(&records, size), error);
    }
    if (status == GM_OK) {
        status = gm_database_step(file->writer, file->end, error);
    }
    if (status != GM_OK && !sqlite3_get_autocommit(file->writer)) {
        sqlite3_exec(file->writer, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static void rest(void *context)
{
    gm_world_file *file = context;
    pthread_mutex_lock(&file->rest_lock);
    if (file->rest != NULL) {
        file->rest(file->rest_context);
    }
    pthread_mutex_unlock(&file->rest_lock);
    gm_database_checkpoint(file->writer, file->log_pages);
}

static gm_status prepare_statements(gm_world_file *file, gm_error *error)
{
    gm_status status = gm_database_prepare(file->writer, "BEGIN IMMEDIATE", &file->begin, error);
    if (status == GM_OK) {
        status = gm_database_prepare(file->writer, "COMMIT", &file->end, error);
    }
    for (int kind = 1; kind < GM_WORLD_KINDS && status == GM_OK; kind++) {
        status = gm_database_prepare(file->writer, operations[kind].statement,
                                     &file->statements[kind], error);
    }
    return status;
}

gm_status gm_world_file_open(const gm_database_place *place, const gm_log *log,
                             gm_world_file **file, gm_error *error)
{
    gm_world_file *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %s", place->path);
    }
    pthread_mutex_init(&made->rest_lock, NULL);
    pthread_mutex_init(&made->reader_lock, NULL);
    gm_status status = gm_database_open_writer(place, schema, &made->writer, error);
    if (status == GM_OK) {
        status = prepare_statements(made, error);
    }
    if (status == GM_OK) {
        status = gm_database_open_reader(place, &made->reader, error);
    }
    if (status == GM_OK) {
        sqlite3_wal_hook(made->writer, note_log_pages, &made->log_pages);
        gm_group_work work = {
            .name = "world.db", .context = made, .commit = commit, .rest = rest
        };
        status = gm_group_start(1, &work, log, &made->group, error);
    }
    if (status != GM_OK) {
        gm_world_file_close(made);
        return status;
    }
    *file = made;
    return GM_OK;
}

void gm_world_file_close(gm_world_file *file)
{
    if (file == NULL) {
        return;
    }
    gm_group_close(file->group);
    for (int kind = 0; kind < GM_WORLD_KINDS; kind++) {
        sqlite3_finalize(file->statements[kind]);
    }
    sqlite3_finalize(file->begin);
    sqlite3_finalize(file->end);
    sqlite3_close(file->reader);
    sqlite3_close(file->writer);
    pthread_mutex_destroy(&file->rest_lock);
    pthread_mutex_destroy(&file->reader_lock);
    gm_memory_free(file);
}

gm_group *gm_world_file_group(gm_world_file *file)
{
    return file->group;
}

void gm_world_file_on_rest(gm_world_file *file, void (*call)(void *context), void *context)
{
    pthread_mutex_lock(&file->rest_lock);
    file->rest = call;
    file->rest_context = context;
    pthread_mutex_unlock(&file->rest_lock);
}

sqlite3 *gm_world_file_lock_reader(gm_world_file *file)
{
    pthread_mutex_lock(&file->reader_lock);
    return file->reader;
}

void gm_world_file_unlock_reader(gm_world_file *file)
{
    pthread_mutex_unlock(&file->reader_lock);
}
