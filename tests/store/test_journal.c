// The journal on a real disk: order, numbers, reading, cutting, damage, locks, threads.

#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "store/journal.h"
#include "store/opened_store.h"

static int64_t in_seconds(int64_t seconds)
{
    return gm_clock_monotonic_ns() + seconds * GM_SECOND_NS;
}

// A record whose bytes follow from its number.
static size_t fill(uint64_t number, unsigned char bytes[256])
{
    size_t size = number * 37 % 256;
    memset(bytes, (int)(number % 251), size);
    return size;
}

static uint64_t append_next(gm_journal *journal)
{
    unsigned char bytes[256];
    uint64_t expected = gm_journal_next(journal), number = 0;
    size_t size = fill(expected, bytes);
    assert_int_equal(gm_journal_append(journal, GM_JOURNAL_SAMPLES, bytes, size, &number), GM_OK);
    assert_int_equal(number, expected);
    return number;
}

static void wait_for(gm_journal *journal, uint64_t number)
{
    gm_error error = { 0 };
    if (gm_journal_wait(journal, number, in_seconds(20), &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static void expect_records(gm_journal *journal, uint64_t from, uint64_t to)
{
    gm_journal_cursor *cursor = NULL;
    gm_error error = { 0 };
    gm_journal_record record;
    assert_int_equal(gm_journal_cursor_open(journal, from, &cursor, &error), GM_OK);
    for (uint64_t number = from; number <= to; number++) {
        unsigned char bytes[256];
        size_t size = fill(number, bytes);
        if (gm_journal_read(cursor, &record, &error) != GM_OK) {
            fail_msg("%s", error.text);
        }
        assert_int_equal(record.number, number);
        assert_int_equal(record.kind, GM_JOURNAL_SAMPLES);
        assert_int_equal(record.size, size);
        assert_memory_equal(record.bytes, bytes, size);
    }
    assert_int_equal(gm_journal_read(cursor, &record, &error), GM_NOT_FOUND);
    gm_journal_cursor_close(cursor);
}

static void records_come_back_in_order_after_reopening(void **state)
{
    opened_store *fixture = *state;
    for (int round = 0; round < 20; round++) {
        uint64_t last = 0;
        for (int index = 0; index < 50; index++) {
            last = append_next(fixture->journal);
        }
        wait_for(fixture->journal, last);
        assert_int_equal(gm_journal_durable(fixture->journal), last);
    }
    expect_records(fixture->journal, 1, 1000);
    reopen_store(fixture);
    assert_int_equal(gm_journal_next(fixture->journal), 1001);
    assert_int_equal(gm_journal_durable(fixture->journal), 1000);
    expect_records(fixture->journal, 1, 1000);
    expect_records(fixture->journal, 777, 1000);
    append_next(fixture->journal);
    wait_for(fixture->journal, 1001);
    expect_records(fixture->journal, 990, 1001);
}

static void closing_writes_what_waits(void **state)
{
    opened_store *fixture = *state;
    for (int index = 0; index < 5000; index++) {
        append_next(fixture->journal);
    }
    reopen_store(fixture);
    expect_records(fixture->journal, 1, 5000);
}

static void a_cursor_reaches_what_is_appended_later(void **state)
{
    opened_store *fixture = *state;
    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    assert_int_equal(gm_journal_cursor_open(fixture->journal, 1, &cursor, NULL), GM_OK);
    assert_int_equal(gm_journal_read(cursor, &record, NULL), GM_NOT_FOUND);
    for (uint64_t number = 1; number <= 10; number++) {
        wait_for(fixture->journal, append_next(fixture->journal));
        assert_int_equal(gm_journal_read(cursor, &record, NULL), GM_OK);
        assert_int_equal(record.number, number);
        assert_int_equal(gm_journal_read(cursor, &record, NULL), GM_NOT_FOUND);
    }
    gm_journal_cursor_close(cursor);
}

static void wrong_records_are_refused(void **state)
{
    opened_store *fixture = *state;
    char *large = calloc(1, GM_JOURNAL_RECORD_MAX + 1);
    gm_error error = { 0 };
    assert_int_equal(gm_journal_append(fixture->journal, 0, "x", 1, NULL), GM_INVALID);
    assert_int_equal(gm_journal_append(fixture->journal, 1, large, GM_JOURNAL_RECORD_MAX + 1, NULL),
                     GM_LIMIT);
    assert_int_equal(gm_journal_wait(fixture->journal, 1, in_seconds(1), &error), GM_INVALID);
    assert_int_equal(gm_journal_next(fixture->journal), 1);
    assert_int_equal(gm_journal_append(fixture->journal, 1, large, GM_JOURNAL_RECORD_MAX, NULL),
                     GM_OK);
    wait_for(fixture->journal, 1);
    free(large);
}

static void a_second_opener_is_refused_with_advice(void **state)
{
    opened_store *fixture = *state;
    gm_store *second = NULL;
    gm_error error = { 0 };
    char pid[32];
    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    assert_int_equal(gm_store_open(fixture->folder.path, NULL, &second, &error), GM_BUSY);
    assert_null(second);
    assert_non_null(strstr(error.text, pid));
    assert_non_null(strstr(error.text, "stop that process or choose another data folder"));
    append_next(fixture->journal);
    wait_for(fixture->journal, 1);
}

static void files_are_private(void **state)
{
    opened_store *fixture = *state;
    static const char *const files[] = { "journal.db", "journal.db-wal", "world.db", "lock" };
    wait_for(fixture->journal, append_next(fixture->journal));
    for (size_t index = 0; index < sizeof files / sizeof files[0]; index++) {
        char path[128];
        struct stat about;
        snprintf(path, sizeof path, "%s/%s", fixture->folder.path, files[index]);
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 0777, 0600);
    }
}

static void a_folder_that_cannot_be_made_is_an_error(void **state)
{
    (void)state;
    gm_store *store = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_store_open("/tmp/gemel-no-such-parent/x", NULL, &store, &error), GM_IO);
    assert_non_null(strstr(error.text, "gemel-no-such-parent"));
    assert_int_equal(gm_store_open("", NULL, &store, &error), GM_INVALID);
    assert_null(store);
    gm_store_close(NULL);
}

static void a_cut_drops_whole_blobs_and_keeps_the_rest(void **state)
{
    opened_store *fixture = *state;
    for (int round = 0; round < 300; round++) {
        append_next(fixture->journal);
        wait_for(fixture->journal, append_next(fixture->journal));
    }
    gm_journal_cut(fixture->journal, 401);
    int64_t deadline = in_seconds(20);
    while (gm_journal_oldest(fixture->journal) < 400 && gm_clock_monotonic_ns() < deadline) {
        usleep(1000);
    }
    uint64_t oldest = gm_journal_oldest(fixture->journal);
    assert_in_range(oldest, 400, 401);
    expect_records(fixture->journal, oldest, 600);

    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    assert_int_equal(gm_journal_cursor_open(fixture->journal, 1, &cursor, NULL), GM_CORRUPT);
    assert_int_equal(gm_journal_cursor_open(fixture->journal, 0, &cursor, NULL), GM_OK);
    assert_int_equal(gm_journal_read(cursor, &record, NULL), GM_OK);
    assert_int_equal(record.number, oldest);
    gm_journal_cursor_close(cursor);

    // even a cut of everything keeps the count going
    gm_journal_cut(fixture->journal, 1000000);
    deadline = in_seconds(20);
    while (gm_journal_oldest(fixture->journal) < 599 && gm_clock_monotonic_ns() < deadline) {
        usleep(1000);
    }
    reopen_store(fixture);
    assert_int_equal(gm_journal_next(fixture->journal), 601);
    assert_in_range(gm_journal_oldest(fixture->journal), 599, 600);
}

// Changes one byte of the blob that holds record `number`, behind the store's back.
static void damage_blob(const char *folder, const char *statement)
{
    char path[128];
    sqlite3 *database = NULL;
    snprintf(path, sizeof path, "%s/journal.db", folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, statement, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(database), 1);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
}

static void a_damaged_or_missing_blob_is_named(void **state)
{
    opened_store *fixture = *state;
    for (int round = 0; round < 3; round++) {
        for (int index = 0; index < 4; index++) {
            append_next(fixture->journal);
        }
        reopen_store(fixture); // one blob or more each time; the first ends with record 4 or less
    }
    gm_store_close(fixture->store);
    damage_blob(fixture->folder.path,
                "UPDATE blob SET bytes = CAST(substr(bytes, 1, 20) || x'ff' ||"
                " substr(bytes, 22) AS BLOB) WHERE first = 5");
    open_store(fixture);
    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    gm_error error = { 0 };
    assert_int_equal(gm_journal_cursor_open(fixture->journal, 1, &cursor, NULL), GM_OK);
    for (uint64_t number = 1; number <= 4; number++) {
        assert_int_equal(gm_journal_read(cursor, &record, NULL), GM_OK);
    }
    assert_int_equal(gm_journal_read(cursor, &record, &error), GM_CORRUPT);
    assert_non_null(strstr(error.text, "blob of records 5 to "));
    assert_int_equal(gm_journal_read(cursor, &record, &error), GM_CORRUPT);
    gm_journal_cursor_close(cursor);

    gm_store_close(fixture->store);
    damage_blob(fixture->folder.path, "DELETE FROM blob WHERE first = 5");
    open_store(fixture);
    assert_int_equal(gm_journal_cursor_open(fixture->journal, 5, &cursor, NULL), GM_OK);
    assert_int_equal(gm_journal_read(cursor, &record, &error), GM_CORRUPT);
    assert_non_null(strstr(error.text, "records 5 to "));
    gm_journal_cursor_close(cursor);
}

// --- threads

enum { APPENDERS = 4, RECORDS_EACH = 5000, PATIENCE_MS = 10000 };

typedef struct appending {
    pthread_t thread;
    gm_journal *journal;
    uint32_t name;
    bool failed;
} appending;

typedef struct listening {
    _Atomic uint64_t durable, calls;
} listening;

static void *append_many(void *context)
{
    appending *appender = context;
    for (uint32_t index = 0; index < RECORDS_EACH; index++) {
        uint32_t record[2] = { appender->name, index };
        uint64_t number;
        if (gm_journal_append(appender->journal, GM_JOURNAL_COMMAND, record, sizeof record,
                              &number) != GM_OK) {
            appender->failed = true;
        }
        if (index % 500 == 0 &&
            gm_journal_wait(appender->journal, number, INT64_MAX, NULL) != GM_OK) {
            appender->failed = true;
        }
    }
    return NULL;
}

static void listen_in(void *context, uint64_t durable, gm_status status)
{
    listening *heard = context;
    assert_int_equal(status, GM_OK);
    assert_true(durable > heard->durable);
    heard->durable = durable;
    heard->calls++;
}

static void every_appender_keeps_its_order(void **state)
{
    opened_store *fixture = *state;
    appending appenders[APPENDERS] = { 0 };
    listening heard = { 0 };
    assert_int_equal(gm_journal_on_commit(fixture->journal, listen_in, &heard, NULL), GM_OK);
    for (uint32_t name = 0; name < APPENDERS; name++) {
        appenders[name].journal = fixture->journal;
        appenders[name].name = name;
        pthread_create(&appenders[name].thread, NULL, append_many, &appenders[name]);
    }
    for (uint32_t name = 0; name < APPENDERS; name++) {
        pthread_join(appenders[name].thread, NULL);
        assert_false(appenders[name].failed);
    }
    wait_for(fixture->journal, APPENDERS * RECORDS_EACH);
    gm_journal_off_commit(fixture->journal, listen_in, &heard);
    assert_in_range(heard.calls, 1, APPENDERS * RECORDS_EACH);

    uint32_t next[APPENDERS] = { 0 };
    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    assert_int_equal(gm_journal_cursor_open(fixture->journal, 1, &cursor, NULL), GM_OK);
    while (gm_journal_read(cursor, &record, NULL) == GM_OK) {
        uint32_t held[2];
        memcpy(held, record.bytes, sizeof held);
        assert_int_equal(held[1], next[held[0]]++);
    }
    gm_journal_cursor_close(cursor);
    for (uint32_t name = 0; name < APPENDERS; name++) {
        assert_int_equal(next[name], RECORDS_EACH);
    }
}

static void listeners_have_a_limit(void **state)
{
    opened_store *fixture = *state;
    listening heard[GM_JOURNAL_LISTENERS + 1] = { 0 };
    for (int index = 0; index < GM_JOURNAL_LISTENERS; index++) {
        assert_int_equal(gm_journal_on_commit(fixture->journal, listen_in, &heard[index], NULL),
                         GM_OK);
    }
    heard[GM_JOURNAL_LISTENERS].durable = 0;
    assert_int_equal(
        gm_journal_on_commit(fixture->journal, listen_in, &heard[GM_JOURNAL_LISTENERS], NULL),
        GM_LIMIT);
    wait_for(fixture->journal, append_next(fixture->journal));
    for (int index = 0; index < GM_JOURNAL_LISTENERS; index++) {
        for (int wait = 0; heard[index].durable == 0 && wait < PATIENCE_MS; wait++) {
            usleep(1000); // a commit may be waited for before all have heard of it
        }
        gm_journal_off_commit(fixture->journal, listen_in, &heard[index]);
        assert_int_equal(heard[index].durable, 1);
    }
    assert_int_equal(heard[GM_JOURNAL_LISTENERS].durable, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_back_in_order_after_reopening, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(closing_writes_what_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cursor_reaches_what_is_appended_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_records_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_second_opener_is_refused_with_advice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files_are_private, set_up, tear_down),
        cmocka_unit_test(a_folder_that_cannot_be_made_is_an_error),
        cmocka_unit_test_setup_teardown(a_cut_drops_whole_blobs_and_keeps_the_rest, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_or_missing_blob_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_appender_keeps_its_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(listeners_have_a_limit, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
