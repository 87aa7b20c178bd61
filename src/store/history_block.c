// Plain blocks, format 1: u8 format, u8 columns, u16 zero, u32 count, then column by column the
// valid times (i64), knowledge times (i64), qualities (u32) and each value column (f64 bits).

#include "store/history_block.h"

#include <string.h>

#include "base/arena.h"
#include "codec/pack.h"

enum {
    FORMAT_PLAIN = 1,
    HEADER_SIZE = 8,
    ROW_SIZE = 8 + 8 + 4, // without values
    FIRST_CAPACITY = 16,
};

static bool grow(void **array, size_t capacity, size_t needed, size_t size)
{
    void *grown = gm_memory_grow(*array, &capacity, needed, size);
    if (grown != NULL) {
        *array = grown;
    }
    return grown != NULL;
}

bool gm_block_rows_reserve(gm_block_rows *rows, size_t more)
{
    if (more <= rows->capacity - rows->count) {
        return true;
    }
    size_t wanted = rows->capacity < FIRST_CAPACITY ? FIRST_CAPACITY : rows->capacity;
    while (wanted - rows->count < more) {
        wanted *= 2;
    }
    // arrays that did grow before another failed are merely larger than `capacity` says
    bool done =
        grow((void **)&rows->time_ns, rows->capacity, wanted, sizeof(int64_t)) &&
        grow((void **)&rows->known_ns, rows->capacity, wanted, sizeof(int64_t)) &&
        grow((void **)&rows->quality, rows->capacity, wanted, sizeof(uint32_t)) &&
        grow((void **)&rows->values, rows->capacity, wanted, rows->columns * sizeof(double));
    if (done) {
        rows->capacity = wanted;
    }
    return done;
}

bool gm_block_rows_add(gm_block_rows *rows, const gm_history_row *row)
{
    if (rows->count == rows->capacity && !gm_block_rows_reserve(rows, 1)) {
        return false;
    }
    size_t at = rows->count++;
    rows->time_ns[at] = row->time_ns;
    rows->known_ns[at] = row->known_ns;
    rows->quality[at] = row->quality;
    memcpy(rows->values + at * rows->columns, row->values, rows->columns * sizeof(double));
    return true;
}

gm_history_row gm_block_rows_at(const gm_block_rows *rows, size_t index)
{
    return (gm_history_row){ .time_ns = rows->time_ns[index],
                             .known_ns = rows->known_ns[index],
                             .quality = rows->quality[index],
                             .values = rows->values + index * rows->columns };
}

void gm_block_rows_free(gm_block_rows *rows)
{
    gm_memory_free(rows->time_ns);
    gm_memory_free(rows->known_ns);
    gm_memory_free(rows->quality);
    gm_memory_free(rows->values);
    *rows = (gm_block_rows){ .columns = rows->columns };
}

void gm_block_encode(const gm_block_rows *rows, gm_string *out)
{
    gm_pack_u8(out, FORMAT_PLAIN);
    gm_pack_u8(out, (uint8_t)rows->columns);
    gm_pack_u16(out, 0);
    gm_pack_u32(out, (uint32_t)rows->count);
    for (size_t row = 0; row < rows->count; row++) {
        gm_pack_i64(out, rows->time_ns[row]);
    }
    for (size_t row = 0; row < rows->count; row++) {
        gm_pack_i64(out, rows->known_ns[row]);
    }
    for (size_t row = 0; row < rows->count; row++) {
        gm_pack_u32(out, rows->quality[row]);
    }
    for (size_t column = 0; column < rows->columns; column++) {
        for (size_t row = 0; row < rows->count; row++) {
            gm_pack_f64(out, rows->values[row * rows->columns + column]);
        }
    }
}

gm_status gm_block_decode(gm_text block, gm_block_rows *rows, gm_error *error)
{
    gm_unpack bytes = gm_unpack_of(block.data, block.size);
    uint8_t format = gm_unpack_u8(&bytes), columns = gm_unpack_u8(&bytes);
    uint16_t zero = gm_unpack_u16(&bytes);
    size_t count = gm_unpack_count(&bytes, ROW_SIZE);
    if (!bytes.failed && format != FORMAT_PLAIN) {
        return gm_error_set(error, GM_UNSUPPORTED, "block format %u is of a newer gemel", format);
    }
    if (bytes.failed || zero != 0 || columns != rows->columns ||
        bytes.left != count * (ROW_SIZE + columns * sizeof(double))) {
        return gm_error_set(error, GM_CORRUPT, "not the bytes of a block of %zu columns",
                            rows->columns);
    }
    if (!gm_block_rows_reserve(rows, count)) {
        return gm_error_set(error, GM_MEMORY, "no memory to read history");
    }
    size_t at = rows->count;
    for (size_t row = at; row < at + count; row++) {
        rows->time_ns[row] = gm_unpack_i64(&bytes);
    }
    for (size_t row = at; row < at + count; row++) {
        rows->known_ns[row] = gm_unpack_i64(&bytes);
    }
    for (size_t row = at; row < at + count; row++) {
        rows->quality[row] = gm_unpack_u32(&bytes);
    }
    for (size_t column = 0; column < columns; column++) {
        for (size_t row = at; row < at + count; row++) {
            rows->values[row * columns + column] = gm_unpack_f64(&bytes);
        }
    }
    rows->count += count;
    return GM_OK;
}
