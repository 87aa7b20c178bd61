// Laws of packed integers and of chunks of codes: they come back at every width and count, in the
// bytes the header promises.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/random_numbers.h"
#include "codec/series_codes.h"

static void every_width_and_count_comes_back(void **state)
{
    (void)state;
    static const size_t counts[] = { 1, 2, 7, 8, 9, 31, 33, 100, 255, GM_CHUNK };
    uint64_t seed = 1, integers[GM_CHUNK], back[GM_CHUNK];
    for (unsigned width = 0; width <= GM_BITS_WIDTH_MAX; width++) {
        for (size_t at = 0; at < sizeof counts / sizeof *counts; at++) {
            size_t count = counts[at], size = gm_bits_size(count, width);
            for (size_t index = 0; index < count; index++) {
                integers[index] = width == 0 ? 0 : next_bits(&seed) >> (64 - width);
            }
            unsigned char *bytes = malloc(size + 1); // of exactly the size for the sanitizers
            assert_non_null(bytes);
            bytes[size] = 0xA5;
            gm_bits_pack(integers, count, width, bytes);
            assert_int_equal(bytes[size], 0xA5);
            unsigned char *exact = malloc(size > 0 ? size : 1);
            assert_non_null(exact);
            memcpy(exact, bytes, size);
            memset(back, 0xFF, sizeof back);
            gm_bits_unpack(exact, count, width, back);
            assert_memory_equal(back, integers, count * sizeof *back);
            free(exact);
            free(bytes);
        }
    }
}

static void bits_above_the_width_are_left_out(void **state)
{
    (void)state;
    uint64_t integers[GM_CHUNK], back[GM_CHUNK];
    unsigned char bytes[GM_BITS_SIZE_MAX];
    for (unsigned width = 1; width < GM_BITS_WIDTH_MAX; width++) {
        memset(integers, 0xFF, sizeof integers);
        gm_bits_pack(integers, GM_CHUNK, width, bytes);
        gm_bits_unpack(bytes, GM_CHUNK, width, back);
        for (size_t index = 0; index < GM_CHUNK; index++) {
            assert_true(back[index] == (UINT64_C(1) << width) - 1);
        }
    }
}

static void a_short_chunk_is_one_stream_low_bits_first(void **state)
{
    (void)state;
    const uint64_t integers[] = { 1, 2, 3, 7, 0, 5 };
    unsigned char bytes[3];
    gm_bits_pack(integers, 6, 3, bytes);
    assert_memory_equal(bytes, "\xd1\x8e\x02", 3); // 001 010 011 111 000 101, low bits first
}

static void a_whole_chunk_alternates_eight_lanes(void **state)
{
    (void)state;
    uint64_t integers[GM_CHUNK] = { 0 };
    unsigned char bytes[GM_CHUNK / 2];
    integers[3] = 0xA;                 // row 0 of lane 3: the low bits of its first word
    integers[8 * 8 + 5] = 0xB;         // row 8 of lane 5: the low bits of its second word
    integers[8 * 7 + 0] = UINT64_C(4); // row 7 of lane 0: the high bits of its first word
    gm_bits_pack(integers, GM_CHUNK, 4, bytes);
    assert_int_equal(bytes[3 * 4], 0xA);
    assert_int_equal(bytes[(8 + 5) * 4], 0xB);
    assert_int_equal(bytes[3], 0x40);
}

// A column of codes and back. @return its bytes
static size_t codes_come_back(const uint64_t *column, size_t count)
{
    gm_string out = { 0 };
    gm_codes codes = { 0 };
    for (size_t from = 0; from < count; from += GM_CHUNK) {
        size_t taken = count - from < GM_CHUNK ? count - from : GM_CHUNK;
        memcpy(gm_codes_chunk(&codes), column + from, taken * sizeof *column);
        gm_codes_write(&codes, taken, &out);
    }
    assert_false(out.failed);
    gm_unpack record = gm_unpack_of(out.data, out.size);
    codes = (gm_codes){ 0 };
    for (size_t from = 0; from < count; from += GM_CHUNK) {
        size_t taken = count - from < GM_CHUNK ? count - from : GM_CHUNK;
        gm_codes_read(&codes, taken, &record);
        assert_memory_equal(gm_codes_chunk(&codes), column + from, taken * sizeof *column);
        gm_codes_next(&codes, taken);
    }
    assert_true(gm_unpack_done(&record));
    size_t size = out.size;
    gm_string_free(&out);
    return size;
}

enum { COLUMN = 600 };

static void any_codes_come_back(void **state)
{
    (void)state;
    uint64_t seed = 3, column[COLUMN];
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int kind = 0; kind < 4; kind++) {
            for (size_t index = 0; index < COLUMN; index++) {
                uint64_t code = next_bits(&seed) >> shift;
                code = kind == 1 ? 0 - code : code;
                code += kind == 2 && index > 0 ? column[index - 1] : 0;
                column[index] = kind == 3 && index % 97 != 5 ? index : code; // rare outliers
            }
            size_t size = codes_come_back(column, 1 + next_bits(&seed) % COLUMN);
            assert_true(size <= COLUMN * 8 + 3 * 12);
        }
    }
    memset(column, 0xFF, sizeof column);
    column[1] = UINT64_C(1) << 63;
    column[2] = (UINT64_C(1) << 63) - 1;
    codes_come_back(column, COLUMN);
}

static void levels_slopes_and_curves_take_no_bits(void **state)
{
    (void)state;
    uint64_t column[GM_CHUNK];
    for (uint64_t index = 0; index < GM_CHUNK; index++) {
        column[index] = 77;
    }
    assert_true(codes_come_back(column, GM_CHUNK) <= 4);
    for (uint64_t index = 0; index < GM_CHUNK; index++) {
        column[index] = 0 - 1000 * index;
    }
    assert_true(codes_come_back(column, GM_CHUNK) <= 12);
    for (uint64_t index = 0; index < GM_CHUNK; index++) {
        column[index] = 5 * index * index;
    }
    assert_true(codes_come_back(column, GM_CHUNK) <= 12);
}

static void outliers_do_not_widen_the_rest(void **state)
{
    (void)state;
    uint64_t seed = 5, column[GM_CHUNK];
    for (size_t index = 0; index < GM_CHUNK; index++) {
        column[index] = next_bits(&seed) % 16;
    }
    size_t calm = codes_come_back(column, GM_CHUNK);
    column[40] = 1000000;
    column[200] = 0 - UINT64_C(5000000);
    assert_true(codes_come_back(column, GM_CHUNK) <= calm + 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_width_and_count_comes_back),
        cmocka_unit_test(bits_above_the_width_are_left_out),
        cmocka_unit_test(a_short_chunk_is_one_stream_low_bits_first),
        cmocka_unit_test(a_whole_chunk_alternates_eight_lanes),
        cmocka_unit_test(any_codes_come_back),
        cmocka_unit_test(levels_slopes_and_curves_take_no_bits),
        cmocka_unit_test(outliers_do_not_widen_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
