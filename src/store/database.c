// SQLite's settings for promise 1, and its results as statuses.

#include "store/database.h"

#include <stdio.h>
#include <string.h>

enum {
    APPLICATION_ID = 0x47454d4c, // "GEML"
    FORMAT = 1,                  // user_version of both files
    BUSY_TIMEOUT_MS = 5000,
};

gm_status gm_database_status(sqlite3 *database, int result, const char *what, gm_error *error)
{
    const char *why = database != NULL ? sqlite3_errmsg(database) : sqlite3_errstr(result);
    const char *path = database != NULL ? sqlite3_db_filename(database, "main") : NULL;
    if (path == NULL || path[0] == '\0') {
        path = "the database";
    }
    switch (result == SQLITE_IOERR_NOMEM ? SQLITE_NOMEM : result & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return GM_OK;
    case SQLITE_FULL:
        return gm_error_set(error, GM_IO, "%s %s: the disk is full; free some space", what, path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return gm_error_set(error, GM_CORRUPT, "%s %s: the file is damaged (%s)", what, path, why);
    case SQLITE_NOMEM:
        return gm_error_set(error, GM_MEMORY, "%s %s: no memory", what, path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return gm_error_set(error, GM_BUSY, "%s %s: another program holds it; close that program",
                            what, path);
    case SQLITE_TOOBIG:
        return gm_error_set(error, GM_LIMIT, "%s %s: too large", what, path);
    default:
        return gm_error_set(
            error, GM_IO, "%s %s: %s (%s)", what, path, why,
            sqlite3_errstr(database != NULL ? sqlite3_extended_errcode(database) : result));
    }
}

gm_status gm_database_run(sqlite3 *database, const char *statements, gm_error *error)
{
    int result = sqlite3_exec(database, statements, NULL, NULL, NULL);
    return gm_database_status(database, result, "writing", error);
}

gm_status gm_database_prepare(sqlite3 *database, const char *text, sqlite3_stmt **statement,
                              gm_error *error)
{
    int result = sqlite3_prepare_v3(database, text, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
    return gm_database_status(database, result, "opening", error);
}

gm_status gm_database_step(sqlite3 *database, sqlite3_stmt *statement, gm_error *error)
{
    int result = sqlite3_step(statement);
    gm_status status = gm_database_status(database, result, "writing", error);
    sqlite3_reset(statement);
    return status;
}

static gm_status read_pragma(sqlite3 *database, const char *pragma, int64_t *value, gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    gm_status status = gm_database_prepare(database, pragma, &statement, error);
    if (status == GM_OK) {
        int result = sqlite3_step(statement);
        status = gm_database_status(database, result, "reading", error);
        if (result == SQLITE_ROW) {
            *value = sqlite3_column_int64(statement, 0);
        }
    }
    sqlite3_finalize(statement);
    return status;
}

// Asks again after setting it: the pragma answers "wal" before its own transaction is committed,
// and without the write-ahead log a commit would not be synced as promise 1 needs it.
static gm_status set_wal(sqlite3 *database, gm_error *error)
{
    sqlite3_stmt *statement = NULL;
    gm_status status = gm_database_run(database, "PRAGMA journal_mode=WAL", error);
    if (status == GM_OK) {
        status = gm_database_prepare(database, "PRAGMA journal_mode", &statement, error);
    }
    if (status == GM_OK) {
        int result = sqlite3_step(statement);
        status = gm_database_status(database, result, "opening", error);
        if (result == SQLITE_ROW &&
            strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0) {
            status = gm_error_set(error, GM_IO,
                                  "%s: no write-ahead log here; the file system must be able to "
                                  "share memory maps",
                                  sqlite3_db_filename(database, "main"));
        }
    }
    sqlite3_finalize(statement);
    return status;
}

static gm_status open_connection(const gm_database_place *place, int flags, sqlite3 **database,
                                 gm_error *error)
{
    sqlite3 *opened = NULL;
    int result = sqlite3_open_v2(place->path, &opened, flags | SQLITE_OPEN_NOMUTEX, place->vfs);
    if (result != SQLITE_OK) {
        gm_status status = gm_error_set(error, result == SQLITE_NOMEM ? GM_MEMORY : GM_IO,
                                        "opening %s: %s", place->path, sqlite3_errstr(result));
        sqlite3_close(opened);
        return status;
    }
    sqlite3_extended_result_codes(opened, 1);
    sqlite3_busy_timeout(opened, BUSY_TIMEOUT_MS);
    *database = opened;
    return GM_OK;
}

// Tables and version numbers appear in one transaction, so a file either has all of them or none.
static gm_status make_tables(sqlite3 *database, const char *schema, gm_error *error)
{
    char versions[96];
    snprintf(versions, sizeof versions, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             APPLICATION_ID, FORMAT);
    gm_status status = gm_database_run(database, "BEGIN IMMEDIATE", error);
    if (status == GM_OK) {
        status = gm_database_run(database, schema, error);
    }
    if (status == GM_OK) {
        status = gm_database_run(database, versions, error);
    }
    if (status == GM_OK) {
        status = gm_database_run(database, "COMMIT", error);
    }
    if (status != GM_OK) {
        sqlite3_exec(database, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

static gm_status prepare_file(sqlite3 *database, const char *schema, gm_error *error)
{
    int64_t application = 0, format = 0;
    gm_status status = gm_database_run(database,
                                       "PRAGMA synchronous=FULL; PRAGMA secure_delete=OFF;"
                                       "PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=0;"
                                       "PRAGMA journal_size_limit=67108864;"
                                       "PRAGMA cache_size=-4096",
                                       error);
    if (status == GM_OK) {
        status = set_wal(database, error);
    }
    if (status == GM_OK) {
        status = read_pragma(database, "PRAGMA application_id", &application, error);
    }
    if (status == GM_OK) {
        status = read_pragma(database, "PRAGMA user_version", &format, error);
    }
    if (status != GM_OK) {
        return status;
    }
    const char *path = sqlite3_db_filename(database, "main");
    if (application == 0 && format == 0) {
        return make_tables(database, schema, error);
    }
    if (application != APPLICATION_ID) {
        return gm_error_set(error, GM_UNSUPPORTED, "%s is not a file of gemel", path);
    }
    if (format != FORMAT) {
        return gm_error_set(
            error, GM_UNSUPPORTED,
            "%s has format %lld, this gemel reads %d: use the version that wrote it", path,
            (long long)format, FORMAT);
    }
    return GM_OK;
}

gm_status gm_database_open_writer(const gm_database_place *place, const char *schema,
                                  sqlite3 **database, gm_error *error)
{
    sqlite3 *opened = NULL;
    gm_status status =
        open_connection(place, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &opened, error);
    if (status == GM_OK) {
        status = prepare_file(opened, schema, error);
    }
    if (status == GM_OK) {
        // A killed process may have left a transaction that the system holds but the disk does
        // not: what is found at opening counts as durable, so it must be on disk from here on.
        int result =
            sqlite3_wal_checkpoint_v2(opened, "main", SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        status = gm_database_status(opened, result, "recovering", error);
    }
    if (status != GM_OK) {
        sqlite3_close(opened);
        return status;
    }
    *database = opened;
    return GM_OK;
}

gm_status gm_database_open_reader(const gm_database_place *place, sqlite3 **database,
                                  gm_error *error)
{
    sqlite3 *opened = NULL;
    // read-write, because a reader of a write-ahead log shares its index; query_only does the rest
    gm_status status = open_connection(place, SQLITE_OPEN_READWRITE, &opened, error);
    if (status == GM_OK) {
        sqlite3_db_config(opened, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        status = gm_database_run(opened, "PRAGMA query_only=ON; PRAGMA cache_size=-1024", error);
    }
    if (status != GM_OK) {
        sqlite3_close(opened);
        return status;
    }
    *database = opened;
    return GM_OK;
}

void gm_database_checkpoint(sqlite3 *database, int log_pages)
{
    if (log_pages >= GM_DATABASE_CHECKPOINT_PAGES) {
        sqlite3_wal_checkpoint_v2(database, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
}
