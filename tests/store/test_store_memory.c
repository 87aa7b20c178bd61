// The store with memory that runs out at the n-th allocation, for every n: an error, no leak, no
// lost record; the next try works.
//
// SQLite's allocations fail through its own hook. gemel's fail through aligned_alloc, which
// gm_memory_new calls; a sanitizer has its own, so there only SQLite's fail.

#include <malloc.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/catalogue.h"
#include "store/data_folder.h"
#include "store/fault_vfs.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/snapshots.h"

enum {
    TRIES = 100,
    RECORDS = 40,
    ROWS = 600,
};

// One allocation fails: the one that counts this down to zero.
static _Atomic int64_t until_failure = -1;
static _Atomic uint64_t allocations; // gemel's own

static bool fails_now(void)
{
    return until_failure >= 0 && atomic_fetch_sub(&until_failure, 1) == 0;
}

static sqlite3_mem_methods sqlite_memory;

static void *failing_sqlite_malloc(int size)
{
    return fails_now() ? NULL : sqlite_memory.xMalloc(size);
}

static void *failing_sqlite_realloc(void *memory, int size)
{
    return fails_now() ? NULL : sqlite_memory.xRealloc(memory, size);
}

static void hook_sqlite(void)
{
    sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory);
    sqlite3_mem_methods failing = sqlite_memory;
    failing.xMalloc = failing_sqlite_malloc;
    failing.xRealloc = failing_sqlite_realloc;
    sqlite3_config(SQLITE_CONFIG_MALLOC, &failing);
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define OWN_ALLOCATOR 1
#endif
#endif
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(OWN_ALLOCATOR)
void *aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return fails_now() ? NULL : memalign(alignment, size);
}
#endif

static const gm_series_definition air = { "live", "box/air/temperature", "mean", "K" };

typedef struct trial {
    data_folder folder;
    fault_disk *disk;
    gm_store *store;
} trial;

static gm_status open_store(trial *at, gm_error *error)
{
    gm_store_options options = gm_default_store_options();
    options.vfs = at->disk->vfs_name;
    options.disk = &at->disk->files;
    return gm_store_open(at->folder.path, &options, &at->store, error);
}

// SQLite calls some allocations that fail an I/O error or a file that cannot be opened.
static bool lacks_memory(gm_status status)
{
    return status == GM_MEMORY || status == GM_IO;
}

// Every call may fail once, with a status that says so, and works when it is repeated.
static void work(trial *at)
{
    gm_journal *journal = gm_store_journal(at->store);
    gm_history *history = gm_store_history(at->store);
    gm_status status;
    char record[3000] = { 0 };
    for (int index = 0; index < RECORDS; index++) {
        status = gm_journal_append(journal, 1, record, sizeof record, NULL);
        if (status == GM_MEMORY) {
            status = gm_journal_append(journal, 1, record, sizeof record, NULL);
        }
        assert_int_equal(status, GM_OK);
    }
    status = GM_MEMORY;
    for (int try = 0; try < TRIES && lacks_memory(status); try++) {
        status = gm_journal_wait(journal, RECORDS, INT64_MAX, NULL);
        usleep(status == GM_OK ? 0 : 1000);
    }
    assert_int_equal(status, GM_OK);

    gm_series_id series = 0;
    while (lacks_memory(status = gm_history_series(history, &air, &series, NULL))) {
    }
    assert_int_equal(status, GM_OK);
    for (int64_t time = 0; time < ROWS; time++) {
        double value = (double)time;
        gm_history_row row = { .time_ns = time, .known_ns = time, .values = &value };
        while (lacks_memory(status = gm_history_append(history, series, &row, NULL))) {
        }
        assert_int_equal(status, GM_OK);
    }
    status = GM_MEMORY;
    for (int try = 0; try < TRIES && lacks_memory(status); try++) {
        status = gm_history_flush(history, INT64_MAX, NULL);
        usleep(status == GM_OK ? 0 : 1000);
    }
    assert_int_equal(status, GM_OK);
    while (lacks_memory(status = gm_catalogue_put(at->store, "key", "value", 5, NULL))) {
    }
    assert_int_equal(status, GM_OK);
    status = GM_MEMORY;
    for (int try = 0; try < TRIES && lacks_memory(status); try++) {
        status = gm_catalogue_flush(at->store, INT64_MAX, NULL);
        usleep(status == GM_OK ? 0 : 1000);
    }
    assert_int_equal(status, GM_OK);
    assert_int_equal(gm_snapshot_write(at->store, RECORDS, record, sizeof record, NULL), GM_OK);
}

static void read_all(trial *at)
{
    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    gm_status status;
    gm_journal *journal = gm_store_journal(at->store);
    while (lacks_memory(status = gm_journal_cursor_open(journal, 1, &cursor, NULL))) {
    }
    assert_int_equal(status, GM_OK);
    uint64_t number = 0;
    while ((status = gm_journal_read(cursor, &record, NULL)) != GM_NOT_FOUND) {
        if (status == GM_OK) {
            assert_int_equal(record.number, ++number);
        } else {
            assert_true(lacks_memory(status));
        }
    }
    assert_int_equal(number, RECORDS);
    gm_journal_cursor_close(cursor);

    gm_history *history = gm_store_history(at->store);
    gm_history_query query = gm_default_history_query();
    query.branch = air.branch;
    query.series = air.name;
    query.max_rows = 100;
    gm_history_rows rows = { 0 };
    while (lacks_memory(status = gm_history_read(history, &query, &rows, NULL))) {
        assert_null(rows.time_ns);
    }
    assert_int_equal(status, GM_OK);
    assert_int_equal(rows.rows_found, ROWS);
    gm_history_rows_free(&rows);

    void *bytes = NULL;
    size_t size = 0;
    while (lacks_memory(status = gm_catalogue_get(at->store, "key", &bytes, &size, NULL))) {
    }
    assert_int_equal(status, GM_OK);
    assert_int_equal(size, 5);
    gm_memory_free(bytes);
    while (lacks_memory(status = gm_snapshot_latest(at->store, &number, &bytes, &size, NULL))) {
    }
    assert_int_equal(status, GM_OK);
    gm_memory_free(bytes);
}

// false when a life has fewer allocations
static bool survives_failure(int64_t n)
{
    trial at = { .folder = data_folder_make(), .disk = fault_disk_create("memory", 3) };
    gm_error error = { 0 };
    until_failure = n;
    gm_status status = open_store(&at, &error);
    if (status != GM_OK) {
        assert_true(lacks_memory(status));
        assert_null(at.store);
        status = open_store(&at, &error);
    }
    if (status != GM_OK) {
        fail_msg("allocation %lld: %s", (long long)n, error.text);
    }
    work(&at);
    read_all(&at);
    bool hit = until_failure < 0;
    until_failure = -1;
    gm_store_close(at.store);
    at.store = NULL;
    assert_int_equal(open_store(&at, &error), GM_OK);
    read_all(&at);
    gm_store_close(at.store);
    fault_disk_close(at.disk);
    data_folder_remove(&at.folder);
    return hit;
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    // each of the first 300, then every 7th; under ThreadSanitizer, which is slow, every 19th
    bool slow = strcmp(GEMEL_SANITIZE, "thread") == 0;
    int64_t n = 0;
    while (survives_failure(n)) {
        n += slow ? 19 : n < 300 ? 1 : 7;
    }
    print_message("%lld allocations\n", (long long)n);
    assert_true(n > 300);
}

// One turn of a twin's cycle: a record, rows of every series, now and then a wait for the disk.
static void turn(trial *at, const gm_series_id series[4], int64_t time)
{
    gm_journal *journal = gm_store_journal(at->store);
    gm_history *history = gm_store_history(at->store);
    char record[100] = { 0 };
    uint64_t number = 0;
    assert_int_equal(gm_journal_append(journal, 1, record, sizeof record, &number), GM_OK);
    for (int index = 0; index < 4; index++) {
        double value = (double)time;
        gm_history_row row = { .time_ns = time, .known_ns = time, .values = &value };
        assert_int_equal(gm_history_append(history, series[index], &row, NULL), GM_OK);
    }
    if (time % 50 == 0) {
        assert_int_equal(gm_journal_wait(journal, number, INT64_MAX, NULL), GM_OK);
        assert_int_equal(gm_history_flush(history, INT64_MAX, NULL), GM_OK);
    }
}

static void steady_state_does_not_allocate(void **state)
{
    (void)state;
    trial at = { .folder = data_folder_make(), .disk = fault_disk_create("memory", 3) };
    assert_int_equal(open_store(&at, NULL), GM_OK);
    gm_series_id series[4];
    for (int index = 0; index < 4; index++) {
        char name[16];
        snprintf(name, sizeof name, "series-%d", index);
        gm_series_definition definition = { "live", name, "mean", "K" };
        assert_int_equal(
            gm_history_series(gm_store_history(at.store), &definition, &series[index], NULL),
            GM_OK);
    }
    int64_t time = 0;
    for (; time < 3 * GM_HISTORY_BLOCK_ROWS; time++) {
        turn(&at, series, time);
    }
    uint64_t before = allocations;
    for (; time < 12 * GM_HISTORY_BLOCK_ROWS; time++) {
        turn(&at, series, time);
    }
    assert_int_equal(allocations, before);
    gm_store_close(at.store);
    fault_disk_close(at.disk);
    data_folder_remove(&at.folder);
}

int main(void)
{
    hook_sqlite();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steady_state_does_not_allocate),
        cmocka_unit_test(any_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("store memory", tests, NULL, NULL);
}
