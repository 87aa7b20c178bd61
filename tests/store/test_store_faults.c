// The store on a disk whose n-th call fails, for every n, and on one that fills up: what was
// acknowledged is there once, what failed is tried again, and the store goes on without a restart.

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "store/catalogue.h"
#include "store/data_folder.h"
#include "store/fault_vfs.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/snapshots.h"

enum {
    BATCHES = 6,
    BATCH = 5,
    RECORD_SIZE = 900,
    ROWS = 700,
    TRIES = 200,
};

typedef struct trial {
    data_folder folder;
    fault_disk *disk;
    gm_store *store;
    gm_journal *journal;
} trial;

static const gm_series_definition air = { "live", "box/air/temperature", "mean", "K" };

static trial begin(void)
{
    trial made = { .folder = data_folder_make(), .disk = fault_disk_create("fault", 11) };
    return made;
}

static void end(trial *at)
{
    gm_store_close(at->store);
    fault_disk_close(at->disk);
    data_folder_remove(&at->folder);
}

static gm_status open_store(trial *at, gm_error *error)
{
    gm_store_options options = gm_default_store_options();
    options.vfs = at->disk->vfs_name;
    options.disk = &at->disk->files;
    at->store = NULL;
    gm_status status = gm_store_open(at->folder.path, &options, &at->store, error);
    if (status == GM_OK) {
        at->journal = gm_store_journal(at->store);
    }
    return status;
}

// Waits as a patient sender does. The number of tries is bounded: each pauses for a retry.
static void wait_until_durable(trial *at, uint64_t number)
{
    gm_error error = { 0 };
    gm_status status = GM_IO;
    for (int try = 0; try < TRIES && status != GM_OK; try++) {
        status = gm_journal_wait(at->journal, number, INT64_MAX, &error);
        if (status != GM_OK) {
            assert_non_null(strstr(error.text, "not on disk"));
            usleep(2000);
        }
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static void append_batch(trial *at)
{
    unsigned char bytes[RECORD_SIZE];
    uint64_t number = 0;
    for (int index = 0; index < BATCH; index++) {
        memset(bytes, (int)(gm_journal_next(at->journal) & 0xff), sizeof bytes);
        assert_int_equal(gm_journal_append(at->journal, 1, bytes, sizeof bytes, &number), GM_OK);
    }
    wait_until_durable(at, number);
}

static void write_rows(trial *at)
{
    gm_history *history = gm_store_history(at->store);
    gm_series_id series = 0;
    assert_int_equal(gm_history_series(history, &air, &series, NULL), GM_OK);
    for (int64_t time = 0; time < ROWS; time++) {
        double value = (double)time;
        gm_history_row row = { .time_ns = time, .known_ns = time, .values = &value };
        assert_int_equal(gm_history_append(history, series, &row, NULL), GM_OK);
    }
    gm_status status = GM_IO;
    for (int try = 0; try < TRIES && status != GM_OK; try++) {
        status = gm_history_flush(history, INT64_MAX, NULL);
        if (status != GM_OK) {
            usleep(2000);
        }
    }
    assert_int_equal(status, GM_OK);
}

static void write_snapshot(trial *at)
{
    unsigned char state[5000];
    memset(state, 0x5a, sizeof state);
    uint64_t number = gm_journal_durable(at->journal);
    gm_status status = GM_IO;
    for (int try = 0; try < TRIES && status != GM_OK; try++) {
        status = gm_snapshot_write(at->store, number, state, sizeof state, NULL);
    }
    assert_int_equal(status, GM_OK);
}

static void work(trial *at)
{
    for (int batch = 0; batch < BATCHES; batch++) {
        append_batch(at);
        if (batch == 2) {
            write_snapshot(at);
            write_rows(at);
        }
    }
}

static void expect_records(trial *at, uint64_t count)
{
    gm_error error = { 0 };
    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    assert_int_equal(gm_journal_cursor_open(at->journal, 0, &cursor, NULL), GM_OK);
    for (uint64_t number = 1; number <= count; number++) {
        if (gm_journal_read(cursor, &record, &error) != GM_OK) {
            fail_msg("%s", error.text);
        }
        assert_int_equal(record.number, number);
        assert_int_equal(record.size, RECORD_SIZE);
        assert_int_equal(((const unsigned char *)record.bytes)[RECORD_SIZE - 1], number & 0xff);
    }
    assert_int_equal(gm_journal_read(cursor, &record, NULL), GM_NOT_FOUND);
    gm_journal_cursor_close(cursor);
}

static void expect_all(trial *at)
{
    gm_error error = { 0 };
    if (open_store(at, &error) != GM_OK) {
        fail_msg("the store does not open again: %s", error.text);
    }
    expect_records(at, BATCHES * BATCH);
    uint64_t number;
    void *bytes;
    size_t size;
    assert_int_equal(gm_snapshot_latest(at->store, &number, &bytes, &size, NULL), GM_OK);
    assert_int_equal(size, 5000);
    assert_int_equal(number, 3 * BATCH);
    gm_memory_free(bytes);
    gm_history_query query = gm_default_history_query();
    query.branch = air.branch;
    query.series = air.name;
    gm_history_rows rows = { 0 };
    assert_int_equal(gm_history_read(gm_store_history(at->store), &query, &rows, NULL), GM_OK);
    assert_int_equal(rows.count, ROWS);
    gm_history_rows_free(&rows);
}

// One life with a fault at call n; false once the life has fewer calls than that.
static bool survives_fault(unsigned kinds, uint64_t n, uint64_t count, bool full)
{
    trial at = begin();
    gm_error error = { 0 };
    at.disk->fail_full = full;
    fault_disk_fail(at.disk, kinds, n, count);
    gm_status status = open_store(&at, &error);
    for (int try = 0; try < 8 && status != GM_OK; try++) {
        assert_true(error.text[0] != '\0');
        assert_null(at.store);
        status = open_store(&at, &error); // the fault is over: the same folder opens
    }
    if (status != GM_OK) {
        fail_msg("call %llu: %s", (unsigned long long)n, error.text);
    }
    work(&at);
    bool hit = fault_disk_failed(at.disk) > 0;
    fault_disk_fail(at.disk, 0, 0, 0);
    // the power fails at once: a sync that was repeated must have written all anew
    fault_disk_die(at.disk);
    gm_store_close(at.store);
    fault_disk_restart(at.disk);
    expect_all(&at);
    end(&at);
    return hit;
}

static void expect_survival(unsigned kinds, uint64_t count, bool full, uint64_t least)
{
    uint64_t n = 1;
    while (survives_fault(kinds, n, count, full)) {
        n++;
    }
    assert_true(n > least); // the faults did reach the work
}

static void any_failing_read_is_survived(void **state)
{
    (void)state;
    expect_survival(FAULT_READ, 1, false, 20);
}

static void any_failing_write_is_survived(void **state)
{
    (void)state;
    expect_survival(FAULT_WRITE, 1, false, 40);
    expect_survival(FAULT_WRITE, 3, true, 40);
}

static void any_failing_sync_is_survived(void **state)
{
    (void)state;
    expect_survival(FAULT_SYNC, 1, false, 15);
    expect_survival(FAULT_SYNC, 2, false, 15);
}

static void any_other_failing_call_is_survived(void **state)
{
    (void)state;
    expect_survival(FAULT_OPEN | FAULT_TRUNCATE | FAULT_NAMES, 1, false, 8);
}

// --- a disk that fills up

typedef struct heard_facts {
    _Atomic uint64_t durable;
    _Atomic int failures, commits;
} heard_facts;

static void hear(void *context, uint64_t durable, gm_status status)
{
    heard_facts *heard = context;
    heard->durable = durable;
    heard->failures += status != GM_OK;
    heard->commits += status == GM_OK;
}

static void a_full_disk_acknowledges_nothing_and_recovers_with_space(void **state)
{
    (void)state;
    trial at = begin();
    gm_error error = { 0 };
    heard_facts heard = { 0 };
    assert_int_equal(open_store(&at, &error), GM_OK);
    assert_int_equal(gm_journal_on_commit(at.journal, hear, &heard, NULL), GM_OK);
    append_batch(&at);
    fault_disk_set_capacity(at.disk, 200000);
    unsigned char bytes[RECORD_SIZE];
    gm_status status = GM_OK;
    uint64_t number = 0, acknowledged = 0;
    while (status == GM_OK) {
        memset(bytes, (int)(gm_journal_next(at.journal) & 0xff), sizeof bytes);
        assert_int_equal(gm_journal_append(at.journal, 1, bytes, sizeof bytes, &number), GM_OK);
        status = gm_journal_wait(at.journal, number, INT64_MAX, &error);
        acknowledged = status == GM_OK ? number : acknowledged;
        assert_true(number < 100000);
    }
    assert_int_equal(status, GM_IO);
    assert_non_null(strstr(error.text, "the disk is full; free some space"));
    assert_int_equal(gm_journal_durable(at.journal), acknowledged);
    // listeners are told right after those who wait
    for (int try = 0; try < TRIES && heard.failures == 0; try++) {
        usleep(2000);
    }
    assert_int_equal(heard.durable, acknowledged);
    assert_int_equal(heard.failures, 1);

    // still full: appended, not acknowledged, and whoever waits is told at once
    memset(bytes, (int)(gm_journal_next(at.journal) & 0xff), sizeof bytes);
    assert_int_equal(gm_journal_append(at.journal, 1, bytes, sizeof bytes, &number), GM_OK);
    assert_int_equal(gm_journal_wait(at.journal, number, INT64_MAX, &error), GM_IO);

    fault_disk_set_capacity(at.disk, 0);
    wait_until_durable(&at, number);
    append_batch(&at);
    gm_journal_off_commit(at.journal, hear, &heard);
    assert_true(heard.durable >= number);
    assert_int_equal(heard.failures, 1);
    uint64_t last = gm_journal_durable(at.journal);
    assert_int_equal(gm_journal_next(at.journal), last + 1);
    expect_records(&at, last);
    gm_store_close(at.store);
    assert_int_equal(open_store(&at, &error), GM_OK);
    expect_records(&at, last);
    end(&at);
}

static void the_queue_of_a_full_disk_has_a_limit(void **state)
{
    (void)state;
    trial at = begin();
    assert_int_equal(open_store(&at, NULL), GM_OK);
    append_batch(&at);
    fault_disk_set_capacity(at.disk, 1);
    char *large = calloc(1, GM_JOURNAL_RECORD_MAX);
    gm_status status = GM_OK;
    int taken = -1;
    while (status == GM_OK) {
        taken++;
        status = gm_journal_append(at.journal, 2, large, GM_JOURNAL_RECORD_MAX, NULL);
        assert_true(taken < 100);
    }
    assert_int_equal(status, GM_BUSY);
    uint64_t last = gm_journal_next(at.journal) - 1;
    assert_int_equal(last, BATCH + taken);
    fault_disk_set_capacity(at.disk, 0);
    wait_until_durable(&at, last);
    assert_int_equal(gm_journal_append(at.journal, 2, large, GM_JOURNAL_RECORD_MAX, NULL), GM_OK);
    wait_until_durable(&at, last + 1);
    free(large);
    end(&at);
}

static void history_that_cannot_be_written_stays_readable_and_bounded(void **state)
{
    (void)state;
    trial at = begin();
    gm_error error = { 0 };
    gm_series_id series = 0;
    assert_int_equal(open_store(&at, NULL), GM_OK);
    gm_history *history = gm_store_history(at.store);
    assert_int_equal(gm_history_series(history, &air, &series, NULL), GM_OK);
    assert_int_equal(gm_history_flush(history, INT64_MAX, NULL), GM_OK);
    fault_disk_set_capacity(at.disk, 1);
    gm_status status = GM_OK;
    int64_t time = 0;
    for (; status == GM_OK; time++) {
        double value = (double)time;
        gm_history_row row = { .time_ns = time, .known_ns = time, .values = &value };
        status = gm_history_append(history, series, &row, &error);
        assert_true(time < 100000);
    }
    time--;
    assert_int_equal(status, GM_BUSY);
    assert_true(time >= GM_HISTORY_BACKLOG_ROWS);
    assert_int_equal(gm_history_flush(history, INT64_MAX, &error), GM_IO);
    gm_history_query query = gm_default_history_query();
    query.branch = air.branch;
    query.series = air.name;
    gm_history_rows rows = { 0 };
    assert_int_equal(gm_history_read(history, &query, &rows, NULL), GM_OK);
    assert_int_equal(rows.count, time);
    gm_history_rows_free(&rows);

    fault_disk_set_capacity(at.disk, 0);
    for (int try = 0; try < TRIES && status != GM_OK; try++) {
        status = gm_history_flush(history, INT64_MAX, NULL);
        usleep(10000);
    }
    assert_int_equal(status, GM_OK);
    gm_store_close(at.store);
    assert_int_equal(open_store(&at, NULL), GM_OK);
    assert_int_equal(gm_history_read(gm_store_history(at.store), &query, &rows, NULL), GM_OK);
    assert_int_equal(rows.count, time);
    gm_history_rows_free(&rows);
    end(&at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_failing_read_is_survived),
        cmocka_unit_test(any_failing_write_is_survived),
        cmocka_unit_test(any_failing_sync_is_survived),
        cmocka_unit_test(any_other_failing_call_is_survived),
        cmocka_unit_test(a_full_disk_acknowledges_nothing_and_recovers_with_space),
        cmocka_unit_test(the_queue_of_a_full_disk_has_a_limit),
        cmocka_unit_test(history_that_cannot_be_written_stays_readable_and_bounded),
    };
    return cmocka_run_group_tests_name("store faults", tests, NULL, NULL);
}
