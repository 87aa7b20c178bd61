// CSV, strictly: RFC 4180 with the freedoms that real files take and no others.
//
// Read: separators ',' ';' tab, told or detected; quoted cells with doubled quotes and line breaks
// inside; lines that end in LF or in any number of CR and LF (tools that translate twice write CR
// CR LF); a UTF-8 byte order mark; blank lines, which are skipped. Refused, with file:line:column:
// bytes that are not UTF-8, a lone CR, a quote inside an unquoted cell, text behind a closing
// quote, a quote never closed, a row whose cells are not as many as the first row's. Columns of an
// error count characters, from 1.
#ifndef GEMEL_CODEC_CSV_H
#define GEMEL_CODEC_CSV_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
    GM_CSV_ROW_MAX_SIZE = 1 << 20, // bytes of a row with its quotes and its end
    GM_CSV_COLUMNS_MAX = 4096,
};

typedef struct gm_csv_options {
    const char *file;   // named in errors; NULL for none; must outlive the reader
    char separator;     // ',' ';' or '\t'; 0: whichever the first row has most of outside quotes
    bool decimal_comma; // numbers are written 1,5; the separator is then not ','
} gm_csv_options;

/// Detect the separator; decimal points; no file name.
gm_csv_options gm_default_csv(void);

/// A reader of bytes that come in portions. One thread at a time.
typedef struct gm_csv gm_csv;

/// One row. Cells without their quotes; they lie in the caller's bytes where nothing had to be
/// undone, in the reader's otherwise, and are valid until the next call on the reader.
typedef struct gm_csv_row {
    const gm_text *cells; // [count]
    size_t count;         // the same for every row
    uint32_t line;        // where the row begins, from 1
} gm_csv_row;

typedef enum gm_csv_got {
    GM_CSV_ROW = 1, // a row
    GM_CSV_MORE,    // the portion is used up: feed the next
    GM_CSV_END,     // no row is left
} gm_csv_got;

/// @return GM_OK; GM_INVALID (a separator that is none, or ',' with decimal commas); GM_MEMORY
gm_status gm_csv_create(const gm_csv_options *options, gm_csv **csv, gm_error *error);

/// NULL is fine.
void gm_csv_close(gm_csv *csv);

/// Hands over the next portion: at the start, or when gm_csv_next asked for more.
/// @param bytes  [size], the caller's, to be kept until gm_csv_next asks for more or ends
/// @param last   no portion follows; a whole file is one last portion
void gm_csv_feed(gm_csv *csv, const char *bytes, size_t size, bool last);

/// The next row, if `*got` is GM_CSV_ROW. The first row is a header when the caller takes it so.
/// @return GM_OK; GM_INVALID: a row that is not CSV, which is then left behind (with the rows that
/// a
///         stray quote ran into): reading may go on; GM_LIMIT: a row too long (every later call
///         says so again) or too wide; GM_MEMORY
gm_status gm_csv_next(gm_csv *csv, gm_csv_got *got, gm_csv_row *row, gm_error *error);

/// Where a cell of the last row begins, for errors about its value. `cell` >= count: the row's end.
gm_place gm_csv_place(const gm_csv *csv, size_t cell);

/// The cell as a number: spaces around it are allowed, a decimal comma where the options say so.
/// @return false, with `value` untouched, when it is not exactly one finite number
bool gm_csv_f64(const gm_csv *csv, gm_text cell, double *value);

/// The first cell equal to `name`, spaces around it aside; false when there is none.
bool gm_csv_find(const gm_csv_row *row, const char *name, size_t *index);

/// Writes rows to a string, so that gm_csv reads back what was written. Check `out->failed` at the
/// end. Plain value; start it with `{ .out = &string, .separator = ',' }`.
typedef struct gm_csv_writer {
    gm_string *out;
    char separator;    // ',' ';' or '\t'
    size_t cell_count; // in the row being written
    size_t row_begin;  // where it starts in `out`
} gm_csv_writer;

/// A cell of text, UTF-8; quoted where it must be.
void gm_csv_write_text(gm_csv_writer *writer, gm_text cell);

/// A cell that reads back to the same double; an empty one for NaN and infinities.
void gm_csv_write_f64(gm_csv_writer *writer, double value);

/// A cell that reads back to the same integer.
void gm_csv_write_i64(gm_csv_writer *writer, int64_t value);

/// Ends the row with LF. A row without cells writes nothing.
void gm_csv_write_end(gm_csv_writer *writer);

#endif
