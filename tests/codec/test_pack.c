// Laws of the binary records: what is packed comes back, and no bytes can make the reader leave its
// bounds.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "codec/pack.h"

static void values_come_back_in_order(void **state)
{
    (void)state;
    gm_string out = { 0 };
    gm_pack_bool(&out, true);
    gm_pack_u8(&out, 0xfe);
    gm_pack_u16(&out, 0xbeef);
    gm_pack_u32(&out, 0xdeadbeef);
    gm_pack_u64(&out, UINT64_MAX - 1);
    gm_pack_i64(&out, INT64_MIN);
    gm_pack_f64(&out, -0.0);
    gm_pack_f64(&out, NAN);
    gm_pack_text(&out, (gm_text){ "a\0b", 3 });
    gm_pack_text(&out, (gm_text){ NULL, 0 });
    gm_pack_f64s(&out, (const double[]){ 1.5, -2.5 }, 2);
    assert_false(out.failed);

    gm_unpack record = gm_unpack_of(out.data, out.size);
    assert_true(gm_unpack_bool(&record));
    assert_int_equal(gm_unpack_u8(&record), 0xfe);
    assert_int_equal(gm_unpack_u16(&record), 0xbeef);
    assert_int_equal(gm_unpack_u32(&record), 0xdeadbeef);
    assert_true(gm_unpack_u64(&record) == UINT64_MAX - 1);
    assert_true(gm_unpack_i64(&record) == INT64_MIN);
    double zero = gm_unpack_f64(&record);
    assert_true(zero == 0.0 && signbit(zero));
    assert_true(isnan(gm_unpack_f64(&record)));
    gm_text text = gm_unpack_text(&record);
    assert_int_equal(text.size, 3);
    assert_memory_equal(text.data, "a\0b", 3);
    assert_int_equal(gm_unpack_text(&record).size, 0);
    assert_false(gm_unpack_done(&record));
    double pair[2];
    assert_true(gm_unpack_f64s(&record, pair, 2));
    assert_true(pair[0] == 1.5 && pair[1] == -2.5);
    assert_true(gm_unpack_done(&record));
    gm_string_free(&out);
}

static void bytes_are_little_endian(void **state)
{
    (void)state;
    gm_string out = { 0 };
    gm_pack_u32(&out, 0x04030201);
    gm_pack_u16(&out, 0x0605);
    assert_int_equal(out.size, 6);
    assert_memory_equal(out.data, "\1\2\3\4\5\6", 6);
    gm_string_free(&out);
}

static void varints_come_back_and_are_short(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        for (int delta = -1; delta <= 1; delta++) {
            uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)delta;
            gm_string out = { 0 };
            gm_pack_varint(&out, value);
            assert_true(out.size <= 10);
            assert_true(value > 0x7f || out.size == 1);
            gm_unpack record = gm_unpack_of(out.data, out.size);
            assert_true(gm_unpack_varint(&record) == value);
            assert_true(gm_unpack_done(&record));
            gm_string_free(&out);
        }
    }
}

static void a_varint_has_one_spelling(void **state)
{
    (void)state;
    static const gm_text bad[] = {
        { "\x80\x00", 2 },                                  // zero, padded
        { "\x80", 1 },                                      // ends too early
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, // 65 bits
        { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81\x00", 11 },
        { "", 0 },
    };
    for (size_t index = 0; index < sizeof bad / sizeof bad[0]; index++) {
        gm_unpack record = gm_unpack_of(bad[index].data, bad[index].size);
        assert_true(gm_unpack_varint(&record) == 0);
        assert_true(record.failed);
    }
}

static void a_short_record_fails_and_stays_failed(void **state)
{
    (void)state;
    gm_unpack record = gm_unpack_of("\x01\x02\x03", 3);
    assert_int_equal(gm_unpack_u32(&record), 0);
    assert_true(record.failed);
    assert_int_equal(gm_unpack_u8(&record), 0);
    assert_false(gm_unpack_done(&record));
    double values[1] = { 7.0 };
    assert_false(gm_unpack_f64s(&record, values, 0));
    assert_true(values[0] == 7.0);
}

static void sizes_beyond_the_end_are_refused(void **state)
{
    (void)state;
    gm_unpack text = gm_unpack_of("\xff\xff\xff\xff"
                                  "abc",
                                  7);
    assert_int_equal(gm_unpack_text(&text).size, 0);
    assert_true(text.failed);

    gm_unpack bytes = gm_unpack_of("abc", 3);
    assert_int_equal(gm_unpack_bytes(&bytes, SIZE_MAX).size, 0);
    assert_true(bytes.failed);

    double values[1] = { 7.0 };
    gm_unpack doubles = gm_unpack_of("12345678", 8);
    assert_false(gm_unpack_f64s(&doubles, values, SIZE_MAX / 8 + 2));
    assert_true(doubles.failed && values[0] == 7.0);

    gm_unpack count = gm_unpack_of("\x03\x00\x00\x00"
                                   "12345678",
                                   12);
    assert_int_equal(gm_unpack_count(&count, 3), 0);
    assert_true(count.failed);
    count = gm_unpack_of("\x02\x00\x00\x00"
                         "12345678",
                         12);
    assert_int_equal(gm_unpack_count(&count, 4), 2);
    assert_false(count.failed);
}

static void a_bool_is_zero_or_one(void **state)
{
    (void)state;
    gm_unpack record = gm_unpack_of("\x02", 1);
    assert_false(gm_unpack_bool(&record));
    assert_true(record.failed);
}

static void bytes_left_over_are_not_done(void **state)
{
    (void)state;
    gm_unpack record = gm_unpack_of("\x01\x00", 2);
    assert_true(gm_unpack_bool(&record));
    assert_false(gm_unpack_done(&record));
}

static void every_cut_of_a_record_is_noticed(void **state)
{
    (void)state;
    gm_string out = { 0 };
    gm_pack_u8(&out, 1);
    gm_pack_text(&out, gm_text_of("pressure"));
    gm_pack_varint(&out, 300);
    gm_pack_f64(&out, 1.0);
    for (size_t size = 0; size <= out.size; size++) {
        gm_unpack record = gm_unpack_of(out.data, size);
        gm_unpack_u8(&record);
        gm_unpack_text(&record);
        gm_unpack_varint(&record);
        gm_unpack_f64(&record);
        assert_true(gm_unpack_done(&record) == (size == out.size));
    }
    gm_string_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_back_in_order),
        cmocka_unit_test(bytes_are_little_endian),
        cmocka_unit_test(varints_come_back_and_are_short),
        cmocka_unit_test(a_varint_has_one_spelling),
        cmocka_unit_test(a_short_record_fails_and_stays_failed),
        cmocka_unit_test(sizes_beyond_the_end_are_refused),
        cmocka_unit_test(a_bool_is_zero_or_one),
        cmocka_unit_test(bytes_left_over_are_not_done),
        cmocka_unit_test(every_cut_of_a_record_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
