// CSV read and written: see csv.h for the dialect; RFC 4180 for its core.
//
// Reading goes in two steps. The first finds where a row ends, knowing only of quotes and line
// feeds; it never looks at a byte twice, however small the portions. The second cuts the row into
// cells: a row without anything special eight bytes at a time, any other one by a careful scan.
#include "codec/csv.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"

static const char separators[] = { ',', ';', '\t' };

enum {
    SEPARATOR_COUNT = sizeof separators,
    COMMA_NUMBER_MAX_SIZE = 512, // a longer number with a decimal comma is not taken for one
};

#define EVERY_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

struct gm_csv {
    gm_csv_options options;
    char separator; // 0 until known

    const char *at, *end; // bytes of the portion not taken yet
    bool last;            // no portion follows this one
    gm_string carry;      // the front of a row whose rest is in a later portion
    bool carry_taken;     // the last row lies in `carry`, which the next call may reuse
    bool in_quotes;       // the bytes scanned so far end inside quotes
    bool has_quotes;      // ... and have quotes
    bool too_long;        // the reader stopped at a row that does not end
    bool started;         // the byte order mark is behind us

    gm_text body;       // the last row, without its end and the byte order mark
    uint64_t line;      // where it begins
    uint64_t next_line; // where the next one begins
    size_t columns;     // cells of the first row; 0 before it
    size_t cell_count;
    char *scratch; // cells that had doubled quotes
    size_t scratch_capacity;
    gm_text cells[GM_CSV_COLUMNS_MAX];
};

// ---- places ----

static gm_place place_at(const gm_csv *csv, size_t offset)
{
    uint64_t line = csv->line;
    uint32_t column = 1;
    for (size_t at = 0; at < offset; at++) {
        unsigned char byte = (unsigned char)csv->body.data[at];
        if (byte == '\n') {
            line++;
            column = 1;
        } else if ((byte & 0xC0) != 0x80) {
            column++;
        }
    }
    uint32_t shown = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    return (gm_place){ csv->options.file, shown, column };
}

/// Where cell `cell` begins in the row, quotes included.
static size_t cell_offset(const gm_csv *csv, size_t cell)
{
    if (cell >= csv->cell_count) {
        return csv->body.size;
    }
    bool in_quotes = false;
    size_t at = 0;
    for (; cell > 0 && at < csv->body.size; at++) {
        in_quotes ^= csv->body.data[at] == '"';
        cell -= !in_quotes && csv->body.data[at] == csv->separator;
    }
    return at;
}

// ---- step one: where a row ends ----

/// One past the line feed that ends the row, looking from `at`, or NULL with all bytes scanned.
static const char *find_row_end(gm_csv *csv, const char *at, const char *end)
{
    const char *feed = NULL; // the next line feed from `at` on, `end` when there is none
    while (at < end) {
        if (csv->in_quotes) {
            const char *quote = memchr(at, '"', (size_t)(end - at));
            if (quote == NULL) {
                return NULL;
            }
            csv->in_quotes = false;
            at = quote + 1;
            continue;
        }
        if (feed == NULL || feed < at) {
            feed = memchr(at, '\n', (size_t)(end - at));
            feed = feed != NULL ? feed : end;
        }
        const char *quote = memchr(at, '"', (size_t)(feed - at));
        if (quote == NULL) {
            return feed < end ? feed + 1 : NULL;
        }
        csv->in_quotes = csv->has_quotes = true;
        at = quote + 1;
    }
    return NULL;
}

typedef enum taken { TAKEN_ROW = 1, TAKEN_MORE, TAKEN_END, TAKEN_TOO_LONG, TAKEN_NO_MEMORY } taken;

/// Moves bytes of the portion behind those carried over.
static bool carry_on(gm_csv *csv, size_t size)
{
    gm_string_add(&csv->carry, csv->at, size);
    csv->at += size;
    return !csv->carry.failed;
}

/// Takes the bytes of the next row, with its end, into `row`; of one that is too long its front.
static taken take_row(gm_csv *csv, gm_text *row)
{
    if (csv->carry.failed) {
        return TAKEN_NO_MEMORY; // for good: the front of a row is lost
    }
    if (csv->carry_taken) {
        csv->carry.size = 0;
        csv->carry_taken = false;
    }
    if (csv->carry.size == 0) {
        csv->in_quotes = csv->has_quotes = false;
    }
    size_t left = (size_t)(csv->end - csv->at), room = GM_CSV_ROW_MAX_SIZE - csv->carry.size;
    size_t seen = left < room ? left : room;
    const char *row_end = seen > 0 ? find_row_end(csv, csv->at, csv->at + seen) : NULL;
    size_t size = row_end != NULL ? (size_t)(row_end - csv->at) : seen;
    bool complete = row_end != NULL || (csv->last && size == left);
    bool too_long = !complete && size < left;
    if (complete && size == 0 && csv->carry.size == 0) {
        return TAKEN_END;
    }
    if (complete && csv->carry.size == 0) {
        *row = (gm_text){ csv->at, size };
        csv->at += size;
        return TAKEN_ROW;
    }
    if (size > 0 && !carry_on(csv, size)) {
        return TAKEN_NO_MEMORY;
    }
    if (!complete && !too_long) {
        return TAKEN_MORE;
    }
    *row = (gm_text){ csv->carry.data, csv->carry.size };
    csv->carry_taken = true;
    return complete ? TAKEN_ROW : TAKEN_TOO_LONG;
}

// ---- step two: the row's cells ----

static gm_status too_wide(const gm_csv *csv, size_t offset, gm_error *error)
{
    return gm_error_at(error, GM_LIMIT, place_at(csv, offset), "a row has more than %d columns",
                       GM_CSV_COLUMNS_MAX);
}

/// `size` <= 8 bytes, the first one lowest, filled up with spaces.
static uint64_t load_word(const char *bytes, size_t size)
{
    uint64_t word = EVERY_BYTE(' ');
    if (size == sizeof word) {
        memcpy(&word, bytes, sizeof word); // one load instruction: the size is known
    } else {
        memcpy(&word, bytes, size);
    }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/// 0x80 in every byte of `word` that is zero, 0 in every other.
static uint64_t zero_bytes(uint64_t word)
{
    const uint64_t low = EVERY_BYTE(0x7F);
    return ~(((word & low) + low) | word | low);
}

/// Cuts a row without quotes. @return false when it has bytes that want the careful scan, or is
/// too wide
static bool split_plain(gm_csv *csv)
{
    const uint64_t separator = EVERY_BYTE((unsigned char)csv->separator);
    const uint64_t carriage_return = EVERY_BYTE('\r');
    const char *bytes = csv->body.data;
    size_t size = csv->body.size, begin = 0, count = 0;
    uint64_t special = 0;
    for (size_t at = 0; at < size; at += 8) {
        uint64_t word = load_word(bytes + at, size - at < 8 ? size - at : 8);
        uint64_t returns = word ^ carriage_return;
        special |= word | ((word - EVERY_BYTE(1)) & ~word); // not ASCII, or NUL
        special |= (returns - EVERY_BYTE(1)) & ~returns;
        for (uint64_t hits = zero_bytes(word ^ separator); hits != 0; hits &= hits - 1) {
            size_t hit = at + (size_t)__builtin_ctzll(hits) / 8;
            if (count == GM_CSV_COLUMNS_MAX - 1) {
                return false;
            }
            csv->cells[count++] = (gm_text){ bytes + begin, hit - begin };
            begin = hit + 1;
        }
    }
    csv->cells[count++] = (gm_text){ bytes + begin, size - begin };
    csv->cell_count = count;
    return (special & EVERY_BYTE(0x80)) == 0;
}

/// Copies a quoted cell's text to `to` with its doubled quotes made single. @return where it ends
static char *copy_undoubled(char *to, gm_text raw)
{
    for (size_t at = 0; at < raw.size; at++) {
        *to++ = raw.data[at];
        at += raw.data[at] == '"';
    }
    return to;
}

/// Reads the quoted cell that begins at `*at` and moves past its closing quote.
static gm_status read_quoted(gm_csv *csv, size_t *at, char **scratch, gm_error *error)
{
    gm_text body = csv->body;
    size_t begin = *at + 1, end = begin;
    bool doubled = false;
    for (;; end += 2) {
        const char *quote = memchr(body.data + end, '"', body.size - end);
        if (quote == NULL) {
            return gm_error_at(error, GM_INVALID, place_at(csv, *at),
                               "the quote that opens here is never closed");
        }
        end = (size_t)(quote - body.data);
        if (end + 1 >= body.size || body.data[end + 1] != '"') {
            break;
        }
        doubled = true;
    }
    if (end + 1 < body.size && body.data[end + 1] != csv->separator) {
        return gm_error_at(error, GM_INVALID, place_at(csv, end + 1),
                           "text behind a closing quote: a quote inside a quoted cell is doubled");
    }
    gm_text raw = { body.data + begin, end - begin };
    if (doubled) {
        char *copy = *scratch;
        *scratch = copy_undoubled(copy, raw);
        raw = (gm_text){ copy, (size_t)(*scratch - copy) };
    }
    csv->cells[csv->cell_count++] = raw;
    *at = end + 1;
    return GM_OK;
}

/// Reads the unquoted cell that begins at `*at` and moves to the separator behind it.
static gm_status read_unquoted(gm_csv *csv, size_t *at, gm_error *error)
{
    size_t begin = *at, end = begin;
    for (; end < csv->body.size && csv->body.data[end] != csv->separator; end++) {
        if (csv->body.data[end] == '"') {
            return gm_error_at(error, GM_INVALID, place_at(csv, end),
                               "a quote inside an unquoted cell: put the whole cell in quotes and "
                               "double the quote");
        }
        if (csv->body.data[end] == '\r') {
            return gm_error_at(error, GM_INVALID, place_at(csv, end),
                               "a carriage return without a line feed");
        }
    }
    csv->cells[csv->cell_count++] = (gm_text){ csv->body.data + begin, end - begin };
    *at = end;
    return GM_OK;
}

static gm_status check_utf8(const gm_csv *csv, gm_error *error)
{
    if (gm_text_is_utf8(csv->body)) {
        return GM_OK;
    }
    size_t at = 0, step;
    while ((step = gm_text_utf8_step((gm_text){ csv->body.data + at, csv->body.size - at })) > 0) {
        at += step;
    }
    return gm_error_at(error, GM_INVALID, place_at(csv, at), "byte 0x%02x is not UTF-8 text%s",
                       (unsigned)(unsigned char)csv->body.data[at],
                       csv->body.data[at] == 0 ? ": a binary file, or UTF-16" : "");
}

static gm_status split_carefully(gm_csv *csv, gm_error *error)
{
    csv->cell_count = 0;
    gm_status status = check_utf8(csv, error);
    if (status != GM_OK) {
        return status;
    }
    char *scratch =
        gm_memory_grow(csv->scratch, &csv->scratch_capacity, csv->body.size, sizeof *csv->scratch);
    if (scratch == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to read a CSV row");
    }
    csv->scratch = scratch;
    for (size_t at = 0;; at++) {
        if (csv->cell_count == GM_CSV_COLUMNS_MAX) {
            return too_wide(csv, at, error);
        }
        bool quoted = at < csv->body.size && csv->body.data[at] == '"';
        status = quoted ? read_quoted(csv, &at, &scratch, error) : read_unquoted(csv, &at, error);
        if (status != GM_OK || at == csv->body.size) {
            return status;
        }
    }
}

// ---- rows ----

/// The separator the first row has most of outside quotes; 0 when two tie. One cell: a comma.
static char detect_separator(gm_text row, bool decimal_comma)
{
    size_t counts[SEPARATOR_COUNT] = { 0 };
    bool in_quotes = false;
    for (size_t at = 0; at < row.size; at++) {
        in_quotes ^= row.data[at] == '"';
        for (size_t kind = 0; kind < SEPARATOR_COUNT && !in_quotes; kind++) {
            counts[kind] += row.data[at] == separators[kind];
        }
    }
    if (decimal_comma) {
        counts[0] = 0;
    }
    size_t best = decimal_comma ? 1 : 0;
    for (size_t kind = 1; kind < SEPARATOR_COUNT; kind++) {
        best = counts[kind] > counts[best] ? kind : best;
    }
    for (size_t kind = 0; kind < SEPARATOR_COUNT; kind++) {
        if (kind != best && counts[kind] > 0 && counts[kind] == counts[best]) {
            return 0;
        }
    }
    return separators[best];
}

/// Takes line ends and the byte order mark off and keeps the lines counted.
static void set_body(gm_csv *csv, gm_text row)
{
    csv->line = csv->next_line;
    csv->next_line++;
    if (csv->has_quotes) {
        size_t feeds = 0;
        for (size_t at = 0; at + 1 < row.size; at++) {
            feeds += row.data[at] == '\n';
        }
        csv->next_line += feeds;
    }
    if (row.size > 0 && row.data[row.size - 1] == '\n') {
        row.size--;
    }
    while (row.size > 0 && row.data[row.size - 1] == '\r') {
        row.size--;
    }
    if (!csv->started && row.size >= 3 && memcmp(row.data, "\xEF\xBB\xBF", 3) == 0) {
        row = (gm_text){ row.data + 3, row.size - 3 };
    }
    csv->started = true;
    csv->body = row;
    csv->cell_count = 0;
}

static bool is_blank_row(gm_text body)
{
    size_t at = 0;
    while (at < body.size && body.data[at] == ' ') {
        at++;
    }
    return at == body.size;
}

static gm_status split_row(gm_csv *csv, gm_error *error)
{
    if (csv->separator == 0) {
        csv->separator = detect_separator(csv->body, csv->options.decimal_comma);
    }
    if (csv->separator == 0) {
        return gm_error_at(
            error, GM_INVALID, place_at(csv, 0),
            "the separator is not clear: ',' ';' and tabs are equally many; name it");
    }
    if (csv->has_quotes || !split_plain(csv)) {
        gm_status status = split_carefully(csv, error);
        if (status != GM_OK) {
            return status;
        }
    }
    if (csv->columns == 0) {
        csv->columns = csv->cell_count;
    }
    if (csv->cell_count != csv->columns) {
        size_t extra = csv->cell_count > csv->columns ? csv->columns : csv->cell_count;
        return gm_error_at(error, GM_INVALID, gm_csv_place(csv, extra),
                           "this row has %zu cells, the first row has %zu", csv->cell_count,
                           csv->columns);
    }
    return GM_OK;
}

/// Says of a row without an end what is wrong with it: its quotes or its length.
static gm_status refuse_too_long(gm_csv *csv, gm_error *error)
{
    gm_error reason = { 0 };
    char separator = csv->separator != 0 ? csv->separator : ',';
    if (csv->in_quotes) {
        char kept = csv->separator;
        csv->separator = separator;
        split_carefully(csv, &reason);
        csv->separator = kept;
    }
    return gm_error_at(error, GM_LIMIT, place_at(csv, 0), "a row longer than %d bytes%s%s",
                       GM_CSV_ROW_MAX_SIZE, reason.text[0] != 0 ? "; " : "", reason.text);
}

// ---- writing ----

static void begin_cell(gm_csv_writer *writer)
{
    if (writer->cell_count == 0) {
        writer->row_begin = writer->out->size;
    } else {
        gm_string_add(writer->out, &writer->separator, 1);
    }
    writer->cell_count++;
}

/// true when the cell would not read back as it is: it has bytes with a meaning (any separator, so
/// that detection is not misled), or may be taken for a blank line or a byte order mark.
static bool wants_quotes(gm_text cell)
{
    for (size_t at = 0; at < cell.size; at++) {
        switch (cell.data[at]) {
        case '"':
        case '\r':
        case '\n':
        case ',':
        case ';':
        case '\t':
            return true;
        default:
            break;
        }
    }
    return cell.size > 0 && (cell.data[0] == ' ' || cell.data[0] == '\xEF');
}

// ---- public ----

gm_csv_options gm_default_csv(void)
{
    return (gm_csv_options){ 0 };
}

gm_status gm_csv_create(const gm_csv_options *options, gm_csv **csv, gm_error *error)
{
    char separator = options->separator;
    if (separator != 0 && memchr(separators, separator, SEPARATOR_COUNT) == NULL) {
        return gm_error_set(error, GM_INVALID, "a CSV separator is ',' ';' or a tab");
    }
    if (separator == ',' && options->decimal_comma) {
        return gm_error_set(error, GM_INVALID,
                            "with decimal commas the separator cannot be ',': it is ';' or a tab");
    }
    gm_csv *created = gm_memory_new(1, sizeof *created);
    if (created == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a CSV reader");
    }
    created->options = *options;
    created->separator = separator;
    created->at = created->end = "";
    created->next_line = 1;
    *csv = created;
    return GM_OK;
}

void gm_csv_close(gm_csv *csv)
{
    if (csv != NULL) {
        gm_string_free(&csv->carry);
        gm_memory_free(csv->scratch);
        gm_memory_free(csv);
    }
}

void gm_csv_feed(gm_csv *csv, const char *bytes, size_t size, bool last)
{
    GM_REQUIRE(csv->at == csv->end && !csv->last);
    csv->at = size > 0 ? bytes : "";
    csv->end = csv->at + size;
    csv->last = last;
}

gm_status gm_csv_next(gm_csv *csv, gm_csv_got *got, gm_csv_row *row, gm_error *error)
{
    for (;;) {
        gm_text bytes = { 0 };
        taken what = csv->too_long ? TAKEN_TOO_LONG : take_row(csv, &bytes);
        switch (what) {
        case TAKEN_MORE:
            *got = GM_CSV_MORE;
            return GM_OK;
        case TAKEN_END:
            *got = GM_CSV_END;
            return GM_OK;
        case TAKEN_NO_MEMORY:
            return gm_error_set(error, GM_MEMORY, "no memory to read a CSV row");
        case TAKEN_TOO_LONG:
            if (!csv->too_long) {
                set_body(csv, bytes);
            }
            csv->too_long = true;
            return refuse_too_long(csv, error);
        case TAKEN_ROW:
            set_body(csv, bytes);
            break;
        }
        if (is_blank_row(csv->body)) {
            continue;
        }
        gm_status status = split_row(csv, error);
        if (status == GM_OK) {
            *row = (gm_csv_row){ csv->cells, csv->cell_count, place_at(csv, 0).line };
            *got = GM_CSV_ROW;
        }
        return status;
    }
}

gm_place gm_csv_place(const gm_csv *csv, size_t cell)
{
    return place_at(csv, cell_offset(csv, cell));
}

bool gm_csv_f64(const gm_csv *csv, gm_text cell, double *value)
{
    cell = gm_text_trim(cell);
    if (!csv->options.decimal_comma) {
        return gm_text_to_f64(cell, value);
    }
    char number[COMMA_NUMBER_MAX_SIZE];
    if (cell.size == 0 || cell.size > sizeof number || memchr(cell.data, '.', cell.size) != NULL) {
        return false;
    }
    memcpy(number, cell.data, cell.size);
    char *comma = memchr(number, ',', cell.size);
    if (comma != NULL) {
        *comma = '.';
    }
    return gm_text_to_f64((gm_text){ number, cell.size }, value);
}

bool gm_csv_find(const gm_csv_row *row, const char *name, size_t *index)
{
    for (size_t cell = 0; cell < row->count; cell++) {
        if (gm_text_equal(gm_text_trim(row->cells[cell]), name)) {
            *index = cell;
            return true;
        }
    }
    return false;
}

void gm_csv_write_text(gm_csv_writer *writer, gm_text cell)
{
    begin_cell(writer);
    if (!wants_quotes(cell)) {
        gm_string_add(writer->out, cell.data, cell.size);
        return;
    }
    gm_string_add(writer->out, "\"", 1);
    for (size_t at = 0; at < cell.size;) {
        const char *quote = memchr(cell.data + at, '"', cell.size - at);
        size_t end = quote != NULL ? (size_t)(quote - cell.data) + 1 : cell.size;
        gm_string_add(writer->out, cell.data + at, end - at);
        if (quote != NULL) {
            gm_string_add(writer->out, "\"", 1);
        }
        at = end;
    }
    gm_string_add(writer->out, "\"", 1);
}

void gm_csv_write_f64(gm_csv_writer *writer, double value)
{
    begin_cell(writer);
    if (isfinite(value)) {
        char number[32];
        gm_string_add(writer->out, number, gm_text_from_f64(value, number));
    }
}

void gm_csv_write_i64(gm_csv_writer *writer, int64_t value)
{
    begin_cell(writer);
    gm_string_format(writer->out, "%" PRId64, value);
}

void gm_csv_write_end(gm_csv_writer *writer)
{
    bool blank = writer->cell_count == 1 && writer->out->size == writer->row_begin;
    if (blank) {
        gm_string_add(writer->out, "\"\"", 2);
    }
    if (writer->cell_count > 0) {
        gm_string_add(writer->out, "\n", 1);
    }
    writer->cell_count = 0;
}
