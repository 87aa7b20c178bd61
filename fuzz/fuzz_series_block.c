// Fuzzes the blocks of series: whatever the bytes, rows or an error; and whatever the rows, the
// same rows again.
//
// The first byte chooses: even, what follows is a block, whose checksums are made right here, so
// that the fuzzer reaches what lies behind them; odd, what follows is rows.
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "base/require.h"
#include "codec/series_block.h"

enum {
    SIZE_TAKEN_MAX = 1 << 14,
    HEADER_LEAST = 12,
    ROW_SIZE = 8 + 8 + 4 + 8, // of rows in a row: times, knowledge times, qualities, values
};

static void put_little(uint32_t value, unsigned char *bytes)
{
    for (int index = 0; index < 4; index++) {
        bytes[index] = (unsigned char)(value >> (8 * index));
    }
}

static void mend_hashes(unsigned char *block, size_t size)
{
    size_t header = size < HEADER_LEAST ? 0 : block[4] | (size_t)block[5] << 8;
    if (header >= HEADER_LEAST && header <= size) {
        put_little((uint32_t)gm_hash(block + header, size - header, 2), block + 8);
        put_little((uint32_t)gm_hash(block + 4, header - 4, 1), block);
    }
}

static void *new_array(size_t count, size_t size)
{
    void *made = gm_memory_new(count > 0 ? count : 1, size);
    GM_REQUIRE(made != NULL);
    return made;
}

static void free_room(gm_series_room *room)
{
    gm_memory_free(room->time_ns);
    gm_memory_free(room->known_ns);
    gm_memory_free(room->quality);
    gm_memory_free(room->values[0]); // all of them
}

static gm_series_room new_room(size_t count, size_t columns)
{
    gm_series_room room = { .capacity = count,
                            .time_ns = new_array(count, sizeof(int64_t)),
                            .known_ns = new_array(count, sizeof(int64_t)),
                            .quality = new_array(count, sizeof(uint32_t)) };
    double *values = new_array(count * (columns > 0 ? columns : 1), sizeof(double));
    room.values[0] = values;
    for (size_t column = 1; column < columns; column++) {
        room.values[column] = values + column * count;
    }
    return room;
}

// What is written is read back as it was.
static void check_rows(const gm_series_rows *rows)
{
    gm_string bytes = { 0 };
    gm_series_head head = { 0 };
    gm_series_encode(rows, &bytes);
    GM_REQUIRE(!bytes.failed);
    gm_series_room back = new_room(rows->count, rows->columns);
    gm_text block = { bytes.data, bytes.size };
    GM_REQUIRE(gm_series_decode(block, &back, &head, NULL) == GM_OK);
    GM_REQUIRE(head.count == rows->count && head.columns == rows->columns);
    size_t words = rows->count * sizeof(int64_t);
    GM_REQUIRE(memcmp(back.time_ns, rows->time_ns, words) == 0);
    GM_REQUIRE(rows->known_ns == NULL || memcmp(back.known_ns, rows->known_ns, words) == 0);
    GM_REQUIRE(memcmp(back.quality, rows->quality, rows->count * sizeof(uint32_t)) == 0);
    GM_REQUIRE(memcmp(back.values[0], rows->values, rows->columns * words) == 0);
    free_room(&back);
    gm_string_free(&bytes);
}

static void read_block(gm_text block)
{
    gm_series_head head = { 0 }, same = { 0 };
    gm_error error = { 0 };
    gm_status status = gm_series_peek(block, &head, &error);
    GM_REQUIRE((status == GM_OK) == (error.text[0] == 0));
    if (status != GM_OK) {
        return;
    }
    gm_series_room room = new_room(head.count, head.columns);
    status = gm_series_decode(block, &room, &same, &error);
    GM_REQUIRE(status == GM_OK || error.text[0] != 0);
    if (status == GM_OK) {
        GM_REQUIRE(same.count == head.count && same.columns == head.columns);
        gm_series_rows rows = { head.count,    head.columns, room.time_ns,
                                room.known_ns, room.quality, room.values[0] };
        rows.known_ns = head.known ? rows.known_ns : NULL;
        check_rows(&rows);
    }
    free_room(&room);
}

static void write_rows(const unsigned char *bytes, size_t size)
{
    size_t count = size / ROW_SIZE;
    gm_series_room room = new_room(count, 1);
    if (count > 0) {
        memcpy(room.time_ns, bytes, count * 8);
        memcpy(room.known_ns, bytes + count * 8, count * 8);
        memcpy(room.values[0], bytes + count * 16, count * 8);
        memcpy(room.quality, bytes + count * 24, count * 4);
    }
    check_rows(
        &(gm_series_rows){ count, 1, room.time_ns, room.known_ns, room.quality, room.values[0] });
    free_room(&room);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > SIZE_TAKEN_MAX) {
        return 0;
    }
    if (bytes[0] % 2 == 1) {
        write_rows(bytes + 1, size - 1);
        return 0;
    }
    unsigned char *block = new_array(size, 1);
    memcpy(block, bytes + 1, size - 1);
    read_block((gm_text){ (const char *)block, size - 1 });
    mend_hashes(block, size - 1);
    read_block((gm_text){ (const char *)block, size - 1 });
    gm_memory_free(block);
    return 0;
}
