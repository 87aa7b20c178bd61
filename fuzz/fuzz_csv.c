// Fuzzes the CSV reader: whatever the bytes, reading in small portions gives the same rows and the
// same errors as reading at once, and rows written again read back.
//
// The first byte chooses the separator, decimal commas and the size of the portions.
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/require.h"
#include "codec/csv.h"

enum { CSV_ERRORS_MAX = 50 };

typedef struct csv_outcome {
    uint64_t hash; // of all cells, in order, and of all errors
    size_t row_count, error_count;
} csv_outcome;

static void csv_add(csv_outcome *outcome, const void *bytes, size_t size)
{
    outcome->hash = gm_hash(bytes, size, outcome->hash + 1);
}

static void csv_add_row(csv_outcome *outcome, const gm_csv *csv, const gm_csv_row *row)
{
    GM_REQUIRE(row->count > 0);
    outcome->row_count++;
    csv_add(outcome, &row->count, sizeof row->count);
    csv_add(outcome, &row->line, sizeof row->line);
    for (size_t cell = 0; cell < row->count; cell++) {
        csv_add(outcome, row->cells[cell].data, row->cells[cell].size);
        double number = 0.0;
        if (gm_csv_f64(csv, row->cells[cell], &number)) {
            csv_add(outcome, &number, sizeof number);
        }
    }
    gm_place place = gm_csv_place(csv, row->count / 2);
    GM_REQUIRE(place.line >= row->line && place.column >= 1);
    csv_add(outcome, &place.line, sizeof place.line);
    csv_add(outcome, &place.column, sizeof place.column);
}

static void csv_write_row(gm_csv_writer *writer, const gm_csv_row *row)
{
    for (size_t cell = 0; cell < row->count; cell++) {
        gm_csv_write_text(writer, row->cells[cell]);
    }
    gm_csv_write_end(writer);
}

/// Reads all of `text` in portions; each is a copy of its own, freed as soon as the reader may not
/// look at it any more.
static csv_outcome csv_read(gm_text text, const gm_csv_options *options, size_t portion,
                            gm_csv_writer *writer)
{
    csv_outcome outcome = { 0 };
    gm_csv *csv = NULL;
    GM_REQUIRE(gm_csv_create(options, &csv, NULL) == GM_OK);
    char *copy = NULL;
    size_t at = 0;
    gm_csv_got got = GM_CSV_MORE;
    while (got != GM_CSV_END && outcome.error_count < CSV_ERRORS_MAX) {
        gm_csv_row row = { 0 };
        gm_error error = { 0 };
        gm_status status = gm_csv_next(csv, &got, &row, &error);
        if (status != GM_OK) {
            GM_REQUIRE(status == GM_INVALID || status == GM_LIMIT);
            GM_REQUIRE(error.status == status && error.text[0] != 0);
            csv_add(&outcome, error.text, strlen(error.text));
            outcome.error_count++;
            got = GM_CSV_ROW;
        } else if (got == GM_CSV_ROW) {
            csv_add_row(&outcome, csv, &row);
            if (writer != NULL) {
                csv_write_row(writer, &row);
            }
        } else if (got == GM_CSV_MORE) {
            size_t size = text.size - at < portion ? text.size - at : portion;
            gm_memory_free(copy);
            copy = gm_memory_new(size, 1);
            GM_REQUIRE(copy != NULL);
            memcpy(copy, text.data + at, size);
            at += size;
            gm_csv_feed(csv, copy, size, at == text.size);
        }
    }
    gm_csv_close(csv);
    gm_memory_free(copy);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    gm_csv_options options = gm_default_csv();
    options.file = "fuzz.csv";
    options.separator = (const char[]){ 0, ',', ';', '\t' }[bytes[0] & 3];
    options.decimal_comma = (bytes[0] & 4) != 0 && options.separator != ',';
    size_t portion = 1 + (size_t)(bytes[0] >> 3);
    gm_text text = { (const char *)bytes + 1, size - 1 };

    gm_string again = { 0 };
    gm_csv_writer writer = { .out = &again, .separator = ',' };
    csv_outcome whole = csv_read(text, &options, SIZE_MAX, &writer);
    csv_outcome parts = csv_read(text, &options, portion, NULL);
    GM_REQUIRE(whole.hash == parts.hash);
    GM_REQUIRE(whole.row_count == parts.row_count && whole.error_count == parts.error_count);

    gm_string third = { 0 };
    writer = (gm_csv_writer){ .out = &third, .separator = ',' };
    gm_csv_options comma = { .separator = ',' };
    gm_text written = { again.size > 0 ? again.data : "", again.size };
    csv_outcome reread = csv_read(written, &comma, portion, &writer);
    GM_REQUIRE(reread.error_count == 0 && reread.row_count == whole.row_count);
    GM_REQUIRE(again.size == third.size);
    GM_REQUIRE(again.size == 0 || memcmp(again.data, third.data, again.size) == 0);
    gm_string_free(&again);
    gm_string_free(&third);
    return 0;
}
