// The history: versions, as-of reading, idempotence, memory and disk as one, thinning.

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "store/history.h"
#include "store/opened_store.h"

static const gm_series_definition air = { "live", "box/air/temperature", "mean,spread", "K" };

static gm_series_id series_of(opened_store *fixture, const gm_series_definition *definition)
{
    gm_series_id series = 0;
    gm_error error = { 0 };
    if (gm_history_series(fixture->history, definition, &series, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return series;
}

static void append(opened_store *fixture, gm_series_id series, int64_t time_ns, int64_t known_ns,
                   double value)
{
    double values[2] = { value, value / 2.0 };
    gm_history_row row = { .time_ns = time_ns,
                           .known_ns = known_ns,
                           .quality = (uint32_t)(time_ns & 7),
                           .values = values };
    gm_error error = { 0 };
    gm_status status = gm_history_append(fixture->history, series, &row, &error);
    while (status == GM_BUSY) {
        gm_history_flush(fixture->history, INT64_MAX, NULL);
        status = gm_history_append(fixture->history, series, &row, &error);
    }
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static void flush(opened_store *fixture)
{
    gm_error error = { 0 };
    int64_t deadline = gm_clock_monotonic_ns() + 20 * GM_SECOND_NS;
    if (gm_history_flush(fixture->history, deadline, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static gm_history_query query_of(const gm_series_definition *definition)
{
    gm_history_query query = gm_default_history_query();
    query.branch = definition->branch;
    query.series = definition->name;
    return query;
}

static gm_history_rows read_rows(opened_store *fixture, const gm_history_query *query)
{
    gm_history_rows rows = { 0 };
    gm_error error = { 0 };
    if (gm_history_read(fixture->history, query, &rows, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return rows;
}

// Rows 0 .. count-1 at times 10 i, known then, worth i.
static void expect_ramp(opened_store *fixture, size_t count)
{
    gm_history_query query = query_of(&air);
    gm_history_rows rows = read_rows(fixture, &query);
    assert_int_equal(rows.count, count);
    assert_int_equal(rows.columns, 2);
    assert_false(rows.thinned);
    for (size_t index = 0; index < count; index++) {
        assert_int_equal(rows.time_ns[index], 10 * (int64_t)index);
        assert_int_equal(rows.known_ns[index], 10 * (int64_t)index);
        assert_int_equal(rows.quality[index], (10 * index) & 7);
        assert_true(rows.values[2 * index] == (double)index);
        assert_true(rows.values[2 * index + 1] == (double)index / 2.0);
    }
    gm_history_rows_free(&rows);
}

static void rows_are_seen_at_once_and_after_reopening(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    static const size_t stops[] = { 1, 2, 100, 511, 512, 513, 1024, 1025, 3000 };
    size_t count = 0;
    for (size_t stop = 0; stop < sizeof stops / sizeof stops[0]; stop++) {
        for (; count < stops[stop]; count++) {
            append(fixture, series, 10 * (int64_t)count, 10 * (int64_t)count, (double)count);
        }
        expect_ramp(fixture, count);
        flush(fixture);
        expect_ramp(fixture, count);
        reopen_store(fixture);
        assert_int_equal(series_of(fixture, &air), series);
        expect_ramp(fixture, count);
    }
}

static void the_same_row_twice_counts_once(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    for (int replay = 0; replay < 3; replay++) {
        for (int64_t index = 0; index < 1300; index++) {
            append(fixture, series, 10 * index, 10 * index, (double)index);
        }
        expect_ramp(fixture, 1300);
        if (replay < 2) {
            reopen_store(fixture);
        }
    }
}

static void the_later_write_of_one_version_wins(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    gm_history_query query = query_of(&air);
    for (int write = 0; write < 6; write++) {
        append(fixture, series, 5, 5, 1.0 + write);
        gm_history_rows rows = read_rows(fixture, &query);
        assert_int_equal(rows.count, 1);
        assert_true(rows.values[0] == 1.0 + write);
        gm_history_rows_free(&rows);
        if (write % 2 == 1) {
            reopen_store(fixture);
        }
    }
}

// Time t is first known at t, and re-estimated at t + 1000 for every third.
static void expect_versions(opened_store *fixture, int64_t as_of_ns)
{
    gm_history_query query = query_of(&air);
    query.as_of_ns = as_of_ns;
    gm_history_rows rows = read_rows(fixture, &query);
    size_t at = 0;
    for (int64_t time = 0; time < 3000 && time <= as_of_ns; time++, at++) {
        bool second = time % 3 == 0 && time + 1000 <= as_of_ns;
        assert_int_equal(rows.time_ns[at], time);
        assert_int_equal(rows.known_ns[at], second ? time + 1000 : time);
        assert_true(rows.values[2 * at] == (double)time + (second ? 0.5 : 0.0));
    }
    assert_int_equal(rows.count, at);
    gm_history_rows_free(&rows);
}

static void what_was_published_stays_as_published(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    for (int64_t now = 0; now < 4000; now++) {
        if (now < 3000) {
            append(fixture, series, now, now, (double)now);
        }
        if (now >= 1000 && (now - 1000) % 3 == 0 && now - 1000 < 3000) {
            append(fixture, series, now - 1000, now, (double)(now - 1000) + 0.5);
        }
        if (now % 977 == 0) {
            flush(fixture);
        }
    }
    static const int64_t times[] = { 0, 5, 999, 1000, 1001, 2500, 3999, INT64_MAX };
    for (size_t index = 0; index < sizeof times / sizeof times[0]; index++) {
        expect_versions(fixture, times[index]);
    }
    reopen_store(fixture);
    for (size_t index = 0; index < sizeof times / sizeof times[0]; index++) {
        expect_versions(fixture, times[index]);
    }
}

static void a_range_includes_both_its_ends(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    for (int64_t index = 0; index < 2000; index++) {
        append(fixture, series, 10 * index, 10 * index, (double)index);
    }
    gm_history_query query = query_of(&air);
    static const int64_t ends[][3] = { { 0, 0, 1 },           { 5, 9, 0 },
                                       { 5115, 5125, 1 },     { 5110, 5120, 2 },
                                       { 19990, 30000, 1 },   { -50, -1, 0 },
                                       { 10000, 19999, 1000 } };
    for (int disk = 0; disk < 2; disk++) {
        for (size_t index = 0; index < sizeof ends / sizeof ends[0]; index++) {
            query.from_ns = ends[index][0];
            query.to_ns = ends[index][1];
            gm_history_rows rows = read_rows(fixture, &query);
            assert_int_equal(rows.count, ends[index][2]);
            gm_history_rows_free(&rows);
        }
        reopen_store(fixture);
    }
}

static void thinning_keeps_extremes_and_the_end(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    const int64_t count = 20000;
    for (int64_t index = 0; index < count; index++) {
        double value = index == 7777 ? 100.0 : index == 12345 ? -100.0 : sin((double)index / 300.0);
        append(fixture, series, 10 * index, 10 * index, value);
    }
    gm_history_query query = query_of(&air);
    static const size_t limits[] = { 3, 30, 100, 299, 6000, 19999, 20000, 0 };
    for (size_t index = 0; index < sizeof limits / sizeof limits[0]; index++) {
        query.max_rows = limits[index];
        gm_history_rows rows = read_rows(fixture, &query);
        double low = INFINITY, high = -INFINITY;
        assert_int_equal(rows.rows_found, count);
        assert_int_equal(rows.thinned, limits[index] != 0 && limits[index] < (size_t)count);
        assert_true(limits[index] == 0 || rows.count <= limits[index]);
        for (size_t row = 0; row < rows.count; row++) {
            low = fmin(low, rows.values[2 * row]);
            high = fmax(high, rows.values[2 * row]);
            assert_true(row == 0 || rows.time_ns[row] > rows.time_ns[row - 1]);
        }
        assert_true(low == -100.0 && high == 100.0);
        assert_int_equal(rows.time_ns[rows.count - 1], 10 * (count - 1));
        gm_history_rows_free(&rows);
    }
}

enum { RACED_ROWS = 60000 };

typedef struct race {
    opened_store *fixture;
    gm_series_id series;
    _Atomic int64_t appended;
} race;

static void *append_rows(void *context)
{
    race *run = context;
    for (int64_t index = 0; index < RACED_ROWS; index++) {
        append(run->fixture, run->series, 10 * index, 10 * index, (double)index);
        run->appended = index + 1;
    }
    return NULL;
}

// Rows wander from memory to the queue to the disk: on the way none is missed or seen twice.
static void a_reader_beside_the_writer_sees_every_row_once(void **state)
{
    opened_store *fixture = *state;
    race run = { .fixture = fixture, .series = series_of(fixture, &air) };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, append_rows, &run), 0);
    gm_history_query query = query_of(&air);
    size_t before = 0;
    while (before < RACED_ROWS) {
        size_t appended = (size_t)run.appended;
        query.from_ns = appended > 2000 ? 10 * ((int64_t)appended - 2000) : 0;
        gm_history_rows rows = read_rows(fixture, &query);
        size_t first = (size_t)(query.from_ns / 10);
        assert_true(first + rows.count >= appended && first + rows.count >= before);
        for (size_t row = 0; row < rows.count; row++) {
            assert_int_equal(rows.time_ns[row], 10 * (int64_t)(first + row));
            assert_true(rows.values[2 * row] == (double)(first + row));
        }
        before = first + rows.count;
        gm_history_rows_free(&rows);
    }
    pthread_join(thread, NULL);
    expect_ramp(fixture, RACED_ROWS);
}

static void extreme_times_and_values_come_back(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    append(fixture, series, INT64_MAX, INT64_MAX, INFINITY);
    append(fixture, series, INT64_MIN, INT64_MIN, -0.0);
    append(fixture, series, 0, 0, NAN);
    append(fixture, series, 1, 1, 5e-324);
    gm_history_query query = query_of(&air);
    for (int disk = 0; disk < 2; disk++) {
        gm_history_rows rows = read_rows(fixture, &query);
        assert_int_equal(rows.count, 4);
        assert_int_equal(rows.time_ns[0], INT64_MIN);
        assert_true(signbit(rows.values[0]));
        assert_true(isnan(rows.values[2]));
        assert_true(rows.values[4] == 5e-324);
        assert_true(isinf(rows.values[6]));
        gm_history_rows_free(&rows);
        query.max_rows = 3;
        rows = read_rows(fixture, &query);
        assert_true(rows.count <= 3 && rows.count >= 1);
        gm_history_rows_free(&rows);
        query.max_rows = 0;
        reopen_store(fixture);
    }
}

static void times_in_any_order_come_back_sorted(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    const int64_t count = 5003; // a prime: the steps below reach every index once
    for (int64_t step = 0; step < count; step++) {
        int64_t index = step * 1999 % count;
        append(fixture, series, 10 * index, 10 * index, (double)index);
        if (step == 2600) {
            flush(fixture);
        }
    }
    expect_ramp(fixture, (size_t)count);
    reopen_store(fixture);
    expect_ramp(fixture, (size_t)count);
}

static void count_series(void *context, const gm_series_definition *definition)
{
    (void)definition;
    ++*(size_t *)context;
}

static void series_are_found_by_branch_and_name(void **state)
{
    opened_store *fixture = *state;
    enum { COUNT = 300 };
    gm_series_id ids[2][COUNT];
    static const char *const branches[] = { "live", "lid-open" };
    for (int pass = 0; pass < 3; pass++) {
        for (int branch = 0; branch < 2; branch++) {
            for (int index = 0; index < COUNT; index++) {
                char name[64];
                snprintf(name, sizeof name, "plant/tank/T%d/level", index);
                gm_series_definition definition = { branches[branch], name, "mean", "m" };
                gm_series_id id = series_of(fixture, &definition);
                assert_true(pass == 0 || id == ids[branch][index]);
                ids[branch][index] = id;
            }
        }
        size_t seen = 0;
        gm_history_list(fixture->history, "live", count_series, &seen);
        assert_int_equal(seen, COUNT);
        gm_history_list(fixture->history, NULL, count_series, &seen);
        assert_int_equal(seen, 3 * COUNT);
        reopen_store(fixture);
    }
}

static void wrong_series_and_queries_are_refused(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air), other = 0;
    gm_error error = { 0 };
    gm_series_definition changed = air;
    changed.columns = "mean";
    assert_int_equal(gm_history_series(fixture->history, &changed, &other, &error), GM_EXISTS);
    assert_non_null(strstr(error.text, "holds mean,spread in K already"));
    gm_series_definition wide = { "live", "wide", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "1" };
    assert_int_equal(gm_history_series(fixture->history, &wide, &other, &error), GM_INVALID);
    gm_series_definition nameless = { "live", "", "a", "1" };
    assert_int_equal(gm_history_series(fixture->history, &nameless, &other, &error), GM_INVALID);
    assert_int_equal(other, 0);

    double values[2] = { 0 };
    gm_history_row row = { .values = values };
    assert_int_equal(gm_history_append(fixture->history, series + 1, &row, &error), GM_NOT_FOUND);
    assert_int_equal(gm_history_append(fixture->history, 0, &row, &error), GM_NOT_FOUND);

    gm_history_rows rows = { 0 };
    gm_history_query query = query_of(&air);
    query.max_rows = 2;
    assert_int_equal(gm_history_read(fixture->history, &query, &rows, &error), GM_INVALID);
    query.max_rows = 0;
    query.from_ns = 1;
    query.to_ns = 0;
    assert_int_equal(gm_history_read(fixture->history, &query, &rows, &error), GM_INVALID);
    query = query_of(&wide);
    assert_int_equal(gm_history_read(fixture->history, &query, &rows, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "no series 'wide'"));
    assert_null(rows.time_ns);
}

static void a_damaged_block_is_named(void **state)
{
    opened_store *fixture = *state;
    gm_series_id series = series_of(fixture, &air);
    for (int64_t index = 0; index < 100; index++) {
        append(fixture, series, index, index, 1.0);
    }
    gm_store_close(fixture->store);
    char path[128];
    sqlite3 *database = NULL;
    snprintf(path, sizeof path, "%s/world.db", fixture->folder.path);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_exec(database, "UPDATE block SET bytes = zeroblob(length(bytes))",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(database);
    open_store(fixture);
    gm_history_rows rows = { 0 };
    gm_error error = { 0 };
    gm_history_query query = query_of(&air);
    assert_int_equal(gm_history_read(fixture->history, &query, &rows, &error), GM_CORRUPT);
    assert_non_null(strstr(error.text, "block 1 of series 'box/air/temperature'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_seen_at_once_and_after_reopening, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_same_row_twice_counts_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_later_write_of_one_version_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_published_stays_as_published, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_range_includes_both_its_ends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(thinning_keeps_extremes_and_the_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_beside_the_writer_sees_every_row_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(extreme_times_and_values_come_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(times_in_any_order_come_back_sorted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(series_are_found_by_branch_and_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_series_and_queries_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_block_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("history", tests, NULL, NULL);
}
