// Blocks of a series: the format is in series_block.h.
#include "codec/series_block.h"

#include <math.h>
#include <string.h>

#include "base/cpu_levels.h"
#include "base/double_bits.h"
#include "base/hash.h"
#include "base/require.h"
#include "codec/pack.h"
#include "codec/series_codes.h"
#include "codec/series_times.h"
#include "codec/series_values.h"

enum {
    FORMAT = 1,
    HEADER_SIZE_AT = 4,
    BODY_HASH_AT = 8,
    HEADER_SEED = 1,
    BODY_SEED = 2,
    LANES = 8,
    RUN_STEP = 16, // qualities compared at a time
};

// Sizes in bytes of what lies behind the header.
typedef struct layout {
    size_t header, times, known, qualities;
    size_t values[GM_SERIES_COLUMNS_MAX];
} layout;

// --- summaries

typedef struct lane_sums {
    double min[LANES], max[LANES], sum[LANES];
    uint64_t finite[LANES];
} lane_sums;

GM_INLINE void sum_row(const double *row, const int lanes, lane_sums *sums)
{
    const uint64_t exponent = UINT64_C(0x7FF) << 52;
    for (int lane = 0; lane < lanes; lane++) {
        double value = row[lane];
        bool finite = (gm_bits_of(value) & exponent) != exponent;
        double low = finite ? value : INFINITY, high = finite ? value : -INFINITY;
        sums->min[lane] = low < sums->min[lane] ? low : sums->min[lane];
        sums->max[lane] = high > sums->max[lane] ? high : sums->max[lane];
        sums->sum[lane] += finite ? value : 0.0;
        sums->finite[lane] += finite;
    }
}

GM_KERNEL static void series_lane_sums(const double *values, size_t row_count, lane_sums *out)
{
    lane_sums sums = *out;
    for (size_t row = 0; row < row_count; row++) {
        sum_row(values + row * LANES, LANES, &sums);
    }
    *out = sums;
}

static gm_series_summary summary_of(const double *values, size_t count)
{
    lane_sums sums = { 0 };
    for (int lane = 0; lane < LANES; lane++) {
        sums.min[lane] = INFINITY;
        sums.max[lane] = -INFINITY;
    }
    series_lane_sums(values, count / LANES, &sums);
    sum_row(values + count / LANES * LANES, (int)(count % LANES), &sums);
    gm_series_summary found = { .min = INFINITY, .max = -INFINITY };
    for (int lane = 0; lane < LANES; lane++) {
        found.min = fmin(found.min, sums.min[lane]);
        found.max = fmax(found.max, sums.max[lane]);
        found.sum += sums.sum[lane];
        found.finite_count += sums.finite[lane];
    }
    if (found.finite_count == 0) {
        found.min = found.max = NAN;
    }
    found.first = values[0];
    found.last = values[count - 1];
    return found;
}

static void write_summary(const gm_series_summary *summary, size_t count, gm_string *out)
{
    gm_pack_varint(out, count - summary->finite_count);
    gm_series_value_write(summary->first, out);
    gm_series_value_write(summary->last, out);
    if (summary->finite_count > 0) {
        gm_series_value_write(summary->min, out);
        gm_series_value_write(summary->max, out);
        gm_pack_f64(out, summary->sum);
    }
}

static gm_series_summary read_summary(size_t count, gm_unpack *header)
{
    gm_series_summary summary = { .min = NAN, .max = NAN };
    uint64_t not_finite = gm_unpack_varint(header);
    if (not_finite > count) {
        header->failed = true;
    } else {
        summary.finite_count = count - not_finite;
    }
    summary.first = gm_series_value_read(header);
    summary.last = gm_series_value_read(header);
    if (summary.finite_count > 0) {
        summary.min = gm_series_value_read(header);
        summary.max = gm_series_value_read(header);
        summary.sum = gm_unpack_f64(header);
    }
    return summary;
}

// --- qualities

// Where the run that begins at `from` ends.
GM_KERNEL static size_t series_run_end(const uint32_t *quality, size_t from, size_t count)
{
    size_t to = from + 1;
    for (; count - to >= RUN_STEP; to += RUN_STEP) {
        uint32_t other = 0;
        for (size_t index = 0; index < RUN_STEP; index++) {
            other |= quality[to + index] ^ quality[from];
        }
        if (other != 0) {
            break;
        }
    }
    while (to < count && quality[to] == quality[from]) {
        to++;
    }
    return to;
}

static void write_qualities(const uint32_t *quality, size_t count, gm_string *out)
{
    for (size_t from = 0, to; from < count; from = to) {
        to = quality == NULL ? count : series_run_end(quality, from, count);
        gm_pack_varint(out, to - from);
        gm_pack_varint(out, quality == NULL ? 0 : quality[from]);
    }
}

static void read_qualities(gm_unpack *bytes, size_t count, uint32_t *quality)
{
    size_t filled = 0;
    while (filled < count && !bytes->failed) {
        uint64_t run = gm_unpack_varint(bytes), value = gm_unpack_varint(bytes);
        if (run == 0 || run > count - filled || value > UINT32_MAX) {
            bytes->failed = true;
            return;
        }
        for (size_t end = filled + run; filled < end; filled++) {
            quality[filled] = (uint32_t)value;
        }
    }
}

// --- writing

// Appends the body and says where its parts lie.
static layout write_body(const gm_series_rows *rows, gm_string *out)
{
    layout parts = { 0 };
    size_t start = out->size;
    gm_times times = { .time_ns = rows->time_ns, .count = rows->count };
    times.origin_ns = rows->time_ns[0];
    gm_series_times_write(&times, out);
    parts.times = out->size - start;
    if (rows->known_ns != NULL) {
        start = out->size;
        times.time_ns = rows->known_ns;
        times.since_ns = rows->time_ns;
        times.origin_ns = 0;
        gm_series_times_write(&times, out);
        parts.known = out->size - start;
    }
    start = out->size;
    write_qualities(rows->quality, rows->count, out);
    parts.qualities = out->size - start;
    for (size_t column = 0; column < rows->columns; column++) {
        start = out->size;
        gm_series_values_write(rows->values + column * rows->count, rows->count, out);
        parts.values[column] = out->size - start;
    }
    return parts;
}

// Appends a header but for its size and hashes.
static void write_header(const gm_series_rows *rows, const layout *parts, gm_string *out)
{
    gm_pack_u32(out, 0);
    gm_pack_u16(out, 0);
    gm_pack_u8(out, FORMAT);
    gm_pack_u8(out, (uint8_t)rows->columns);
    gm_pack_u32(out, 0);
    gm_pack_bool(out, rows->known_ns != NULL);
    gm_pack_varint(out, rows->count);
    if (rows->count == 0) {
        return;
    }
    uint64_t first_ns = (uint64_t)rows->time_ns[0];
    gm_pack_u64(out, first_ns);
    gm_pack_varint(out, gm_zigzag((uint64_t)rows->time_ns[rows->count - 1] - first_ns));
    gm_pack_varint(out, parts->times);
    if (rows->known_ns != NULL) {
        gm_pack_varint(out, parts->known);
    }
    gm_pack_varint(out, parts->qualities);
    for (size_t column = 0; column < rows->columns; column++) {
        gm_pack_varint(out, parts->values[column]);
        gm_series_summary summary = summary_of(rows->values + column * rows->count, rows->count);
        write_summary(&summary, rows->count, out);
    }
}

static void put_little(uint32_t value, size_t size, char *bytes)
{
    for (size_t index = 0; index < size; index++) {
        bytes[index] = (char)(unsigned char)(value >> (8 * index));
    }
}

void gm_series_encode(const gm_series_rows *rows, gm_string *out)
{
    GM_REQUIRE(rows->count <= GM_SERIES_ROWS_MAX && rows->columns <= GM_SERIES_COLUMNS_MAX);
    size_t start = out->size;
    layout parts = { 0 };
    if (rows->count > 0) {
        parts = write_body(rows, out);
    }
    size_t body_size = out->size - start;
    write_header(rows, &parts, out);
    if (out->failed) {
        return;
    }
    // what the header says is known only now: it changes places with the body
    size_t header_size = out->size - start - body_size;
    char header[GM_SERIES_HEADER_MAX], *block = out->data + start;
    GM_REQUIRE(header_size <= sizeof header);
    memcpy(header, block + body_size, header_size);
    memmove(block + header_size, block, body_size);
    uint64_t body_hash = gm_hash(block + header_size, body_size, BODY_SEED);
    put_little((uint32_t)header_size, 2, header + HEADER_SIZE_AT);
    put_little((uint32_t)body_hash, 4, header + BODY_HASH_AT);
    uint64_t hash = gm_hash(header + HEADER_SIZE_AT, header_size - HEADER_SIZE_AT, HEADER_SEED);
    put_little((uint32_t)hash, 4, header);
    memcpy(block, header, header_size);
}

// --- reading

static gm_status damaged(gm_error *error)
{
    return gm_error_set(error, GM_CORRUPT, "the block is damaged: its checksum does not fit");
}

static gm_status malformed(gm_error *error)
{
    return gm_error_set(error, GM_CORRUPT, "not the bytes of a block of a series");
}

static void read_columns(gm_unpack *header, gm_series_head *head, layout *parts)
{
    head->first_ns = gm_unpack_i64(header);
    uint64_t span_ns = gm_unzigzag(gm_unpack_varint(header));
    head->last_ns = (int64_t)((uint64_t)head->first_ns + span_ns);
    parts->times = gm_unpack_varint(header);
    parts->known = head->known ? gm_unpack_varint(header) : 0;
    parts->qualities = gm_unpack_varint(header);
    for (size_t column = 0; column < head->columns; column++) {
        parts->values[column] = gm_unpack_varint(header);
        head->summaries[column] = read_summary(head->count, header);
    }
}

static gm_status read_header(gm_text block, gm_series_head *head, layout *parts, gm_error *error)
{
    gm_unpack start = gm_unpack_of(block.data, block.size);
    uint32_t hash = gm_unpack_u32(&start);
    size_t size = gm_unpack_u16(&start);
    uint8_t format = gm_unpack_u8(&start);
    if (start.failed || size < HEADER_SIZE_AT || size > block.size) {
        return malformed(error);
    }
    const char *bytes = block.data + HEADER_SIZE_AT;
    if ((uint32_t)gm_hash(bytes, size - HEADER_SIZE_AT, HEADER_SEED) != hash) {
        return damaged(error);
    }
    if (format != FORMAT) {
        return gm_error_set(error, GM_UNSUPPORTED, "series block format %u is of a newer gemel",
                            format);
    }
    gm_unpack header = gm_unpack_of(block.data, size);
    gm_unpack_bytes(&header, HEADER_SIZE_AT + 3); // up to the format: read above
    *parts = (layout){ .header = size };
    head->columns = gm_unpack_u8(&header);
    gm_unpack_u32(&header); // the body's hash
    head->known = gm_unpack_bool(&header);
    uint64_t count = gm_unpack_varint(&header);
    if (count > GM_SERIES_ROWS_MAX || head->columns > GM_SERIES_COLUMNS_MAX) {
        return malformed(error);
    }
    head->count = count;
    if (count > 0) {
        read_columns(&header, head, parts);
    }
    return gm_unpack_done(&header) ? GM_OK : malformed(error);
}

gm_status gm_series_peek(gm_text block, gm_series_head *head, gm_error *error)
{
    gm_series_head found = { 0 };
    layout parts;
    gm_status status = read_header(block, &found, &parts, error);
    if (status == GM_OK) {
        *head = found;
    }
    return status;
}

// The next column of the body, as a record of its own.
static gm_unpack next_column(gm_unpack *body, size_t size)
{
    gm_text bytes = gm_unpack_bytes(body, size);
    gm_unpack column = gm_unpack_of(bytes.data, bytes.size);
    column.failed = body->failed;
    return column;
}

// A column that is wanted must have been read to its end.
static void end_column(gm_unpack *body, const gm_unpack *column)
{
    body->failed = body->failed || !gm_unpack_done(column);
}

static bool read_body(gm_unpack *body, const gm_series_head *head, const layout *parts,
                      const gm_series_room *room)
{
    const gm_times_form valid = { .origin_ns = head->first_ns }, lags = { .add = true };
    size_t count = head->count;
    gm_unpack times = next_column(body, parts->times), known = next_column(body, parts->known);
    gm_unpack again = times, qualities = next_column(body, parts->qualities);
    if (room->time_ns != NULL) {
        gm_series_times_read(&times, valid, count, room->time_ns);
        end_column(body, &times);
    }
    if (room->known_ns != NULL) {
        gm_series_times_read(&again, valid, count, room->known_ns);
        end_column(body, &again);
        if (head->known) {
            gm_series_times_read(&known, lags, count, room->known_ns);
            end_column(body, &known);
        }
    }
    if (room->quality != NULL) {
        read_qualities(&qualities, count, room->quality);
        end_column(body, &qualities);
    }
    for (size_t column = 0; column < head->columns; column++) {
        gm_unpack values = next_column(body, parts->values[column]);
        if (room->values[column] != NULL) {
            gm_series_values_read(&values, count, room->values[column]);
            end_column(body, &values);
        }
    }
    return gm_unpack_done(body);
}

gm_status gm_series_decode(gm_text block, const gm_series_room *room, gm_series_head *head,
                           gm_error *error)
{
    gm_series_head found = { 0 };
    layout parts;
    gm_status status = read_header(block, &found, &parts, error);
    if (status != GM_OK) {
        return status;
    }
    gm_unpack hash_at = gm_unpack_of(block.data + BODY_HASH_AT, sizeof(uint32_t));
    gm_unpack body = gm_unpack_of(block.data + parts.header, block.size - parts.header);
    if ((uint32_t)gm_hash(body.at, body.left, BODY_SEED) != gm_unpack_u32(&hash_at)) {
        return damaged(error);
    }
    if (found.count > room->capacity) {
        return gm_error_set(error, GM_LIMIT, "a block of %zu rows where %zu fit", found.count,
                            room->capacity);
    }
    if (found.count > 0 ? !read_body(&body, &found, &parts, room) : body.left != 0) {
        return malformed(error);
    }
    if (head != NULL) {
        *head = found;
    }
    return GM_OK;
}
