// Laws of the CSV reader and writer.
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/require.h"
#include "codec/csv.h"

/// All rows of a text as one string: cells in <>, rows ended by LF, an error as its sentence.
static gm_string read_portions(gm_text text, gm_csv_options options, size_t portion)
{
    gm_string seen = { 0 };
    gm_csv *csv = NULL;
    assert_int_equal(gm_csv_create(&options, &csv, NULL), GM_OK);
    size_t at = 0;
    for (int errors = 0; errors < 20;) {
        gm_csv_got got = 0;
        gm_csv_row row = { 0 };
        gm_error error = { 0 };
        if (gm_csv_next(csv, &got, &row, &error) != GM_OK) {
            gm_string_format(&seen, "%s\n", error.text);
            assert_int_equal(got, 0); // an error leaves the outputs alone
            assert_null(row.cells);
            errors++;
        } else if (got == GM_CSV_END) {
            break;
        } else if (got == GM_CSV_MORE) {
            size_t size = text.size - at < portion ? text.size - at : portion;
            gm_csv_feed(csv, text.data + at, size, at + size == text.size);
            at += size;
        } else {
            for (size_t cell = 0; cell < row.count; cell++) {
                gm_string_format(&seen, "<%.*s>", (int)row.cells[cell].size, row.cells[cell].data);
            }
            gm_string_add(&seen, "\n", 1);
        }
    }
    gm_csv_close(csv);
    gm_string_add(&seen, "", 0);
    return seen;
}

static void check(const char *text, gm_csv_options options, const char *expected)
{
    static const size_t portions[] = { SIZE_MAX, 1, 2, 7 };
    for (size_t index = 0; index < sizeof portions / sizeof portions[0]; index++) {
        gm_string seen = read_portions(gm_text_of(text), options, portions[index]);
        assert_string_equal(seen.data, expected);
        gm_string_free(&seen);
    }
}

static void expect(const char *text, const char *expected)
{
    gm_csv_options options = gm_default_csv();
    options.file = "x.csv";
    check(text, options, expected);
}

static void plain_rows_are_cut_at_separators(void **state)
{
    (void)state;
    expect("a,b,c\n1,2,3\n", "<a><b><c>\n<1><2><3>\n");
    expect("a,b,c\n1,2,3", "<a><b><c>\n<1><2><3>\n");
    expect("a,b\n,\nx,\n,y\n", "<a><b>\n<><>\n<x><>\n<><y>\n");
    expect("one\n1\n2\n", "<one>\n<1>\n<2>\n");
    expect("aaaaaaa,bbbbbbbb,ccccccccc,,d\n1,22,3333333333333333,4,5\n",
           "<aaaaaaa><bbbbbbbb><ccccccccc><><d>\n<1><22><3333333333333333><4><5>\n");
}

static void quoted_cells_hold_anything(void **state)
{
    (void)state;
    expect("\"a\",\"b,c\"\n\"say \"\"hi\"\"\",\"two\nlines\"\n",
           "<a><b,c>\n<say \"hi\"><two\nlines>\n");
    expect("\"\",\"\"\"\"\n", "<><\">\n");
    expect("a\n\"x\r\ny\"\r\n", "<a>\n<x\r\ny>\n");
}

static void any_usual_line_end_ends_a_row(void **state)
{
    (void)state;
    expect("a,b\r\n1,2\r\n", "<a><b>\n<1><2>\n");
    expect("a,b\r\r\n1,2\r\r\n", "<a><b>\n<1><2>\n");
    expect("a,b\r\n1,2\n3,4\r", "<a><b>\n<1><2>\n<3><4>\n");
}

static void blank_lines_and_byte_order_mark_are_skipped(void **state)
{
    (void)state;
    expect("", "");
    expect("\n\r\n  \n", "");
    expect("\xEF\xBB\xBF", "");
    expect("\xEF\xBB\xBF"
           "a,b\n\n\r\n   \n1,2\n\n",
           "<a><b>\n<1><2>\n");
    expect("\n\xEF\xBB\xBFz,b\n", "<\xEF\xBB\xBFz><b>\n"); // only at the very start
    expect("\"\"\n", "<>\n");
}

static void separator_is_detected_outside_quotes(void **state)
{
    (void)state;
    expect("a;b;c\n1,5;2;3\n", "<a><b><c>\n<1,5><2><3>\n");
    expect("a\tb\n1\t2\n", "<a><b>\n<1><2>\n");
    expect("\"x,y,z\";b\n1;2\n", "<x,y,z><b>\n<1><2>\n");
    expect("a,b;c\n",
           "x.csv:1:1: the separator is not clear: ',' ';' and tabs are equally many; name it\n");
    check("1,5;2,5\n", (gm_csv_options){ .decimal_comma = true }, "<1,5><2,5>\n");
    check("a,b;c\n", (gm_csv_options){ .separator = ';' }, "<a,b><c>\n");
    check("\t\t\n", (gm_csv_options){ .separator = '\t' }, "<><><>\n");
}

static void malformed_rows_are_named_with_their_place(void **state)
{
    (void)state;
    expect("a,b\n1,2,3\n4,5\n",
           "<a><b>\nx.csv:2:5: this row has 3 cells, the first row has 2\n<4><5>\n");
    expect("a,b\n1\n", "<a><b>\nx.csv:2:2: this row has 1 cells, the first row has 2\n");
    expect("a,b\n\xC3\xA4,x\"y\n",
           "<a><b>\nx.csv:2:4: a quote inside an unquoted cell: put the whole "
           "cell in quotes and double the quote\n");
    expect("a,b\n\"x\"y,2\n3,4\n",
           "<a><b>\nx.csv:2:4: text behind a closing quote: a quote inside a "
           "quoted cell is doubled\n<3><4>\n");
    expect("a,b\n1,\"x\n3,4\n", "<a><b>\nx.csv:2:3: the quote that opens here is never closed\n");
    expect("a,b\n1\r2,3\n", "<a><b>\nx.csv:2:2: a carriage return without a line feed\n");
    expect("a,b\n1,\xFF\n", "<a><b>\nx.csv:2:3: byte 0xff is not UTF-8 text\n");
    expect("a,b\n\"1\n2\",\"3\n4\"5\n6,7\n", "<a><b>\nx.csv:4:3: text behind a closing quote: a "
                                             "quote inside a quoted cell is doubled\n<6><7>\n");
}

static void binary_and_utf16_are_refused(void **state)
{
    (void)state;
    gm_string seen = read_portions((gm_text){ "a,b\n1,\0\n", 9 }, gm_default_csv(), SIZE_MAX);
    assert_non_null(
        strstr(seen.data, "2:3: byte 0x00 is not UTF-8 text: a binary file, or UTF-16"));
    gm_string_free(&seen);
    seen = read_portions((gm_text){ "\xFF\xFE"
                                    "a\0",
                                    4 },
                         gm_default_csv(), SIZE_MAX);
    assert_non_null(strstr(seen.data, "1:1: byte 0xff is not UTF-8 text"));
    gm_string_free(&seen);
}

static void a_row_of_a_million_bytes_is_the_limit(void **state)
{
    (void)state;
    static const char *const starts[] = { "", "\"" };
    for (size_t kind = 0; kind < 2; kind++) {
        for (size_t extra = 0; extra < 2; extra++) {
            size_t size = GM_CSV_ROW_MAX_SIZE + extra;
            char *text = gm_memory_new(size, 1);
            assert_non_null(text);
            memset(text, 'x', size);
            memcpy(text, starts[kind], strlen(starts[kind]));
            for (size_t portion = 4096; portion <= size * 2; portion *= 1024) {
                gm_string seen = read_portions((gm_text){ text, size }, gm_default_csv(), portion);
                bool long_said = strstr(seen.data, "1:1: a row longer than 1048576 bytes") != NULL;
                assert_int_equal(long_said, extra == 1);
                bool quote_said =
                    strstr(seen.data, "1:1: the quote that opens here is never closed") != NULL;
                assert_int_equal(quote_said, kind == 1);
                gm_string_free(&seen);
            }
            gm_memory_free(text);
        }
    }
}

static void four_thousand_columns_are_the_limit(void **state)
{
    (void)state;
    for (size_t count = GM_CSV_COLUMNS_MAX; count <= GM_CSV_COLUMNS_MAX + 1; count++) {
        for (int quoted = 0; quoted < 2; quoted++) {
            gm_string text = { 0 };
            gm_string_add(&text, "\"\"", quoted ? 2 : 0);
            for (size_t cell = 1; cell < count; cell++) {
                gm_string_add(&text, ",", 1);
            }
            gm_string seen =
                read_portions((gm_text){ text.data, text.size }, gm_default_csv(), SIZE_MAX);
            bool refused = strstr(seen.data, "a row has more than 4096 columns") != NULL;
            assert_int_equal(refused, count > GM_CSV_COLUMNS_MAX);
            gm_string_free(&seen);
            gm_string_free(&text);
        }
    }
}

static void plain_cells_are_not_copied(void **state)
{
    (void)state;
    static const char text[] = "a,b\n\"q\",2\n";
    gm_csv *csv = NULL;
    gm_csv_options options = gm_default_csv();
    assert_int_equal(gm_csv_create(&options, &csv, NULL), GM_OK);
    gm_csv_feed(csv, text, sizeof text - 1, true);
    gm_csv_row row = { 0 };
    gm_csv_got got = 0;
    assert_int_equal(gm_csv_next(csv, &got, &row, NULL), GM_OK);
    assert_ptr_equal(row.cells[1].data, text + 2);
    assert_int_equal(row.line, 1);
    assert_int_equal(gm_csv_next(csv, &got, &row, NULL), GM_OK);
    assert_ptr_equal(row.cells[0].data, text + 5);
    assert_int_equal(row.line, 2);
    gm_place place = gm_csv_place(csv, 1);
    assert_int_equal(place.line, 2);
    assert_int_equal(place.column, 5);
    gm_csv_close(csv);
    gm_csv_close(NULL);
}

static void options_are_checked(void **state)
{
    (void)state;
    gm_csv *csv = NULL;
    gm_error error = { 0 };
    gm_csv_options options = { .separator = '|' };
    assert_int_equal(gm_csv_create(&options, &csv, &error), GM_INVALID);
    options = (gm_csv_options){ .separator = ',', .decimal_comma = true };
    assert_int_equal(gm_csv_create(&options, &csv, &error), GM_INVALID);
    assert_null(csv);
}

static void numbers_follow_the_decimal_mark(void **state)
{
    (void)state;
    gm_csv *point = NULL, *comma = NULL;
    gm_csv_options options = gm_default_csv();
    assert_int_equal(gm_csv_create(&options, &point, NULL), GM_OK);
    options.decimal_comma = true;
    assert_int_equal(gm_csv_create(&options, &comma, NULL), GM_OK);
    double value = 7.0;
    assert_true(gm_csv_f64(point, gm_text_of(" 1.5e3 "), &value) && value == 1500.0);
    assert_true(gm_csv_f64(comma, gm_text_of("-51,87"), &value) && value == -51.87);
    assert_true(gm_csv_f64(comma, gm_text_of("12"), &value) && value == 12.0);
    static const char *const bad[] = { "", " ", "1,5,2", "x", "nan", "inf", "1 2", "1e999" };
    value = 7.0;
    for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
        assert_false(gm_csv_f64(point, gm_text_of(bad[index]), &value));
        assert_false(gm_csv_f64(comma, gm_text_of(bad[index]), &value));
    }
    assert_false(gm_csv_f64(point, gm_text_of("1,5"), &value));
    assert_false(gm_csv_f64(comma, gm_text_of("1.5"), &value));
    assert_true(value == 7.0);
    gm_csv_close(point);
    gm_csv_close(comma);
}

static void columns_are_found_by_name(void **state)
{
    (void)state;
    const gm_text cells[] = { gm_text_of("time"), gm_text_of(" t1 "), gm_text_of("t1") };
    gm_csv_row row = { cells, 3, 1 };
    size_t index = 9;
    assert_true(gm_csv_find(&row, "t1", &index));
    assert_int_equal(index, 1);
    assert_false(gm_csv_find(&row, "t2", &index));
    assert_int_equal(index, 1);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a",  "\"", ",",        ";",   "\t",           "\n",
                                          "\r", " ",  "\xC3\xA4", "1.5", "\xEF\xBB\xBF", "" };
    uint64_t seed = 42;
    for (int round = 0; round < 3000; round++) {
        gm_string text = { 0 }, expected = { 0 };
        gm_csv_writer writer = { .out = &text,
                                 .separator = (const char[]){ ',', ';', '\t' }[round % 3] };
        size_t columns = 1 + next_random(&seed) % 4, rows = 1 + next_random(&seed) % 4;
        for (size_t cell = 0; cell < columns * rows; cell++) {
            char bytes[64];
            size_t size = 0;
            for (size_t piece = next_random(&seed) % 4; piece > 0; piece--) {
                const char *word = pieces[next_random(&seed) % (sizeof pieces / sizeof pieces[0])];
                memcpy(bytes + size, word, strlen(word));
                size += strlen(word);
            }
            gm_csv_write_text(&writer, (gm_text){ bytes, size });
            gm_string_format(&expected, "<%.*s>", (int)size, bytes);
            if (cell % columns == columns - 1) {
                gm_csv_write_end(&writer);
                gm_string_add(&expected, "\n", 1);
            }
        }
        gm_csv_options options = { .separator =
                                       columns > 1 && round % 2 == 0 ? 0 : writer.separator };
        gm_string seen =
            read_portions((gm_text){ text.data, text.size }, options, 1 + next_random(&seed) % 9);
        assert_string_equal(seen.data, expected.data);
        gm_string_free(&seen);
        gm_string_free(&expected);
        gm_string_free(&text);
    }
}

static void written_numbers_read_back_to_the_bit(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int round = 0; round < 20000; round++) {
        uint64_t bits = next_random(&seed);
        double value;
        memcpy(&value, &bits, sizeof value);
        gm_string text = { 0 };
        gm_csv_writer writer = { .out = &text, .separator = ';' };
        gm_csv_write_f64(&writer, value);
        gm_csv_write_i64(&writer, (int64_t)bits);
        gm_csv_write_end(&writer);
        assert_false(text.failed);
        const char *separator = memchr(text.data, ';', text.size);
        assert_non_null(separator);
        gm_text number = { text.data, (size_t)(separator - text.data) };
        double back = NAN;
        assert_int_equal(gm_text_to_f64(number, &back), isfinite(value));
        assert_true(!isfinite(value) ? number.size == 0 : memcmp(&back, &value, sizeof back) == 0);
        int64_t integer = 0;
        gm_text rest = { separator + 1, text.size - number.size - 2 };
        assert_true(gm_text_to_i64(rest, &integer) && integer == (int64_t)bits);
        gm_string_free(&text);
    }
}

static char *load_reference(const char *name, size_t *size)
{
    enum { FILE_MAX_SIZE = 1 << 20 };
    char path[512];
    snprintf(path, sizeof path, "%s/%s", GEMEL_REFERENCE_DATA, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return NULL;
    }
    char *bytes = gm_memory_new(FILE_MAX_SIZE, 1);
    assert_non_null(bytes);
    *size = fread(bytes, 1, FILE_MAX_SIZE, file);
    fclose(file);
    return bytes;
}

static void real_files_read_whole_and_in_portions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t row_count; // as other CSV readers count them
    } files[] = {
        { "incubator/20201221_controller_tunning/exp1_ht3_hg2.csv", 980 }, // CR CR LF
        { "incubator/20200917_calibration_fan_12v/random_on_off_sequences.csv",
          306 },                                                              // blank lines
        { "incubator/20210321_lid_opening_7pmodel/events.csv", 17 },          // quotes
        { "health/epidemic/OpenABM_baseline_parameters_transpose.csv", 218 }, // byte order mark
    };
    for (size_t index = 0; index < sizeof files / sizeof files[0]; index++) {
        size_t size = 0;
        char *bytes = load_reference(files[index].name, &size);
        if (bytes == NULL) {
            print_message("skipped: no reference data\n");
            return;
        }
        gm_string whole = read_portions((gm_text){ bytes, size }, gm_default_csv(), SIZE_MAX);
        gm_string parts = read_portions((gm_text){ bytes, size }, gm_default_csv(), 61);
        assert_string_equal(whole.data, parts.data);
        size_t row_count = 0;
        for (const char *at = whole.data + 1; *at != 0; at++) {
            row_count += at[0] == '\n' && at[-1] == '>';
        }
        assert_int_equal(row_count, files[index].row_count);
        gm_string_free(&whole);
        gm_string_free(&parts);
        gm_memory_free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_rows_are_cut_at_separators),
        cmocka_unit_test(quoted_cells_hold_anything),
        cmocka_unit_test(any_usual_line_end_ends_a_row),
        cmocka_unit_test(blank_lines_and_byte_order_mark_are_skipped),
        cmocka_unit_test(separator_is_detected_outside_quotes),
        cmocka_unit_test(malformed_rows_are_named_with_their_place),
        cmocka_unit_test(binary_and_utf16_are_refused),
        cmocka_unit_test(a_row_of_a_million_bytes_is_the_limit),
        cmocka_unit_test(four_thousand_columns_are_the_limit),
        cmocka_unit_test(plain_cells_are_not_copied),
        cmocka_unit_test(options_are_checked),
        cmocka_unit_test(numbers_follow_the_decimal_mark),
        cmocka_unit_test(columns_are_found_by_name),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(written_numbers_read_back_to_the_bit),
        cmocka_unit_test(real_files_read_whole_and_in_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
