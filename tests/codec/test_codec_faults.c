// The n-th allocation fails, for every n: the codec says GM_MEMORY, leaks nothing, stays usable.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "codec/csv.h"
#include "codec/pack.h"
#include "codec/samples.h"

enum { ALLOCATIONS_MAX = 100 };

/// Reads a table in portions of 7 bytes. @return GM_OK with the number of its cells
static gm_status count_cells(size_t *cell_count)
{
    static const char text[] = "name,value\n\"say \"\"hi\"\"\",\"two\nlines\"\nplain,2\n";
    gm_csv *csv = NULL;
    gm_csv_options options = gm_default_csv();
    gm_error error = { 0 };
    gm_status status = gm_csv_create(&options, &csv, &error);
    gm_csv_got got = 0;
    for (size_t at = 0, count = 0; status == GM_OK && got != GM_CSV_END;) {
        gm_csv_row row = { 0 };
        status = gm_csv_next(csv, &got, &row, &error);
        if (status == GM_OK && got == GM_CSV_MORE) {
            size_t size = sizeof text - 1 - at < 7 ? sizeof text - 1 - at : 7;
            gm_csv_feed(csv, text + at, size, at + size == sizeof text - 1);
            at += size;
        }
        count += status == GM_OK && got == GM_CSV_ROW ? row.count : 0;
        *cell_count = count;
    }
    assert_int_equal(error.status, status);
    gm_csv_close(csv);
    return status;
}

static void csv_reader_says_that_memory_is_out(void **state)
{
    (void)state;
    size_t cell_count = 0;
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        allocations_left = allowed;
        status = count_cells(&cell_count);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
    }
    assert_int_equal(status, GM_OK);
    assert_int_equal(cell_count, 6);
    assert_true(allowed > 3); // the reader, the row carried over, the unquoted text
}

static void samples_reader_says_that_memory_is_out(void **state)
{
    (void)state;
    gm_text body =
        gm_text_of("[{\"series\":\"\\u0061\",\"v\":1},{\"v\":1},{\"series\":\"b\",\"v\":2}]");
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_arena *arena = gm_arena_create(0);
        assert_non_null(arena);
        gm_wire_batch batch = { 0 };
        gm_error error = { 0 };
        allocations_left = allowed;
        status = gm_samples_read(body, arena, &batch, &error);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(error.status, status);
        assert_int_equal(batch.sample_count, status == GM_OK ? 2 : 0);
        assert_int_equal(batch.reject_count, status == GM_OK ? 1 : 0);
        // the same batch takes the document once there is memory again
        assert_int_equal(gm_samples_read(body, arena, &batch, &error), GM_OK);
        assert_int_equal(batch.sample_count, 2);
        gm_wire_batch_free(&batch);
        gm_arena_close(arena);
    }
    assert_int_equal(status, GM_OK);
    assert_true(allowed > 2);
}

static void writers_mark_the_string_failed(void **state)
{
    (void)state;
    bool failed = true;
    long allowed = 0;
    for (; failed && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_string out = { 0 };
        gm_csv_writer writer = { .out = &out, .separator = ',' };
        gm_wire_sample sample = { .series = gm_text_of("\"a\""), .kind = GM_WIRE_NUMBER };
        allocations_left = allowed;
        for (int round = 0; round < 20; round++) {
            gm_csv_write_text(&writer, gm_text_of("two\nlines"));
            gm_csv_write_f64(&writer, 0.1);
            gm_csv_write_i64(&writer, -1);
            gm_csv_write_end(&writer);
            gm_samples_write(&out, &sample, 1);
            gm_pack_text(&out, sample.series);
            gm_pack_varint(&out, 300);
        }
        allocations_left = LONG_MAX;
        failed = out.failed;
        gm_string_free(&out);
    }
    assert_false(failed);
    assert_true(allowed > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_reader_says_that_memory_is_out),
        cmocka_unit_test(samples_reader_says_that_memory_is_out),
        cmocka_unit_test(writers_mark_the_string_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
