// Laws of series blocks: every time, quality and double comes back bit for bit, what is damaged is
// refused, summaries are true, and sizes are as promised.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "base/hash.h"
#include "codec/pack.h"
#include "codec/random_numbers.h"
#include "codec/series_block.h"

enum { ROWS = 5000 };

static const int64_t second_ns = 1000000000, start_ns = INT64_C(1700000000) * 1000000000;

// What goes in and what comes back; room for one column of values.
typedef struct fixture {
    int64_t time_ns[ROWS], known_ns[ROWS], time_back[ROWS], known_back[ROWS];
    uint32_t quality[ROWS], quality_back[ROWS];
    double values[ROWS], values_back[ROWS];
    gm_string bytes;
    gm_series_head head;
} fixture;

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    for (size_t row = 0; f != NULL && row < ROWS; row++) {
        f->time_ns[row] = start_ns + (int64_t)row * second_ns;
        f->known_ns[row] = f->time_ns[row] + 5000000;
    }
    *state = f;
    return f == NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    gm_string_free(&f->bytes);
    free(f);
    return 0;
}

static gm_series_rows rows_of(const fixture *f, size_t count)
{
    return (gm_series_rows){ .count = count,
                             .columns = 1,
                             .time_ns = f->time_ns,
                             .known_ns = f->known_ns,
                             .quality = f->quality,
                             .values = f->values };
}

static gm_series_room room_of(fixture *f)
{
    return (gm_series_room){ .capacity = ROWS,
                             .time_ns = f->time_back,
                             .known_ns = f->known_back,
                             .quality = f->quality_back,
                             .values = { f->values_back } };
}

// A copy of exactly its size, so that sanitizers see a read behind its end.
static gm_text exact_copy(gm_text bytes)
{
    char *copy = malloc(bytes.size > 0 ? bytes.size : 1);
    assert_non_null(copy);
    if (bytes.size > 0) {
        memcpy(copy, bytes.data, bytes.size);
    }
    return (gm_text){ copy, bytes.size };
}

// Writes and reads the first `count` rows. @return bytes of the block
static size_t rows_come_back(fixture *f, size_t count)
{
    gm_error error = { 0 };
    gm_series_rows rows = rows_of(f, count);
    gm_series_room room = room_of(f);
    f->bytes.size = 0;
    gm_series_encode(&rows, &f->bytes);
    assert_false(f->bytes.failed);
    gm_text block = exact_copy((gm_text){ f->bytes.data, f->bytes.size });
    assert_int_equal(gm_series_decode(block, &room, &f->head, &error), GM_OK);
    free((char *)block.data);
    assert_int_equal(f->head.count, count);
    assert_int_equal(f->head.columns, 1);
    assert_true(f->head.known);
    assert_memory_equal(f->time_back, f->time_ns, count * sizeof(int64_t));
    assert_memory_equal(f->known_back, f->known_ns, count * sizeof(int64_t));
    assert_memory_equal(f->quality_back, f->quality, count * sizeof(uint32_t));
    assert_memory_equal(f->values_back, f->values, count * sizeof(double));
    return f->bytes.size;
}

static double of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// --- values

typedef double make_value(uint64_t *seed, size_t row);

static double make_decimal(uint64_t *seed, size_t row)
{
    (void)seed;
    return round(2000.0 + 500.0 * sin(0.01 * (double)row)) / 100.0;
}

static double make_mixed_digits(uint64_t *seed, size_t row)
{
    static const double powers[] = { 1.0, 10.0, 1e3, 1e7, 1e12, 1e15 };
    return ((double)(next_bits(seed) % 1000) - 500.0) / powers[row % 37 == 0 ? row % 6 : 1];
}

static double make_moved(uint64_t *seed, size_t row) // degC to K: off the decimal in the last place
{
    return make_decimal(seed, row) + 273.15;
}

static double make_scaled(uint64_t *seed, size_t row)
{
    (void)row;
    return (double)(next_bits(seed) % 4096) * 0.01;
}

static double make_negative(uint64_t *seed, size_t row)
{
    return -make_decimal(seed, row) * (double)(row % 3);
}

static double make_full(uint64_t *seed, size_t row)
{
    return 20.0 + sin(0.01 * (double)row) + 0.01 * next_unit(seed);
}

static double make_single(uint64_t *seed, size_t row)
{
    return (double)(float)(make_full(seed, row) - 20.5);
}

static double make_bits(uint64_t *seed, size_t row)
{
    (void)row;
    return of_bits(next_bits(seed));
}

static double make_nan(uint64_t *seed, size_t row) // payloads, both signs, quiet and signalling
{
    (void)row;
    return of_bits((next_bits(seed) & ~(UINT64_C(0x7FF) << 52)) | UINT64_C(0x7FF) << 52 | 1);
}

static double make_gappy(uint64_t *seed, size_t row)
{
    return next_bits(seed) % 4 == 0 ? NAN : make_decimal(seed, row);
}

static double make_zero(uint64_t *seed, size_t row)
{
    (void)row;
    return next_bits(seed) % 2 == 0 ? 0.0 : -0.0;
}

static double make_denormal(uint64_t *seed, size_t row)
{
    (void)row;
    uint64_t bits = next_bits(seed);
    return of_bits((bits & UINT64_C(1) << 63) | bits >> (12 + bits % 52));
}

static double make_infinite(uint64_t *seed, size_t row)
{
    uint64_t sign = next_bits(seed);
    return row % 5 == 0 ? make_decimal(seed, row) : sign % 2 == 0 ? INFINITY : -INFINITY;
}

static double make_edge(uint64_t *seed, size_t row)
{
    (void)row;
    static const uint64_t edges[] = {
        0x0000000000000000, 0x8000000000000000, 0x0000000000000001, 0x8000000000000001,
        0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF, 0xFFEFFFFFFFFFFFFF,
        0x7FF0000000000000, 0xFFF0000000000000, 0x7FF0000000000001, 0xFFFFFFFFFFFFFFFF,
        0x7FF8000000000000, 0xFFF8000000000000, 0x3FF0000000000000, 0xBFF0000000000000,
        0x4310000000000000, 0x4320000000000001, 0x4330000000000001, 0xC340000000000003,
    };
    return of_bits(edges[next_bits(seed) % (sizeof edges / sizeof *edges)]);
}

static double make_huge(uint64_t *seed, size_t row)
{
    return ldexp(make_full(seed, row), 900);
}

static double make_whole(uint64_t *seed, size_t row)
{
    return (double)(int64_t)(next_bits(seed) >> 11) * (row % 2 == 0 ? 1.0 : -1.0);
}

static void every_double_comes_back_at_every_count(void **state)
{
    static make_value *const makers[] = {
        make_decimal,  make_mixed_digits, make_moved, make_scaled, make_negative, make_full,
        make_single,   make_bits,         make_nan,   make_gappy,  make_zero,     make_denormal,
        make_infinite, make_edge,         make_huge,  make_whole,
    };
    static const size_t counts[] = { 1,   2,   3,   7,   8,   9,    17,   100,
                                     255, 256, 257, 511, 512, 1000, 4096, ROWS };
    fixture *f = *state;
    uint64_t seed = 11;
    for (size_t maker = 0; maker < sizeof makers / sizeof *makers; maker++) {
        for (size_t at = 0; at < sizeof counts / sizeof *counts; at++) {
            for (size_t row = 0; row < counts[at]; row++) {
                f->values[row] = makers[maker](&seed, row);
            }
            // at most raw values, beside them a header and a few bytes a chunk for regular times
            size_t few = 100 + 6 * (counts[at] / 256 + 1);
            assert_true(rows_come_back(f, counts[at]) <= 8 * counts[at] + few);
        }
    }
}

static void a_million_random_bit_patterns_come_back(void **state)
{
    fixture *f = *state;
    uint64_t seed = 13;
    for (int block = 0; block < 200; block++) {
        for (size_t row = 0; row < ROWS; row++) {
            f->values[row] = of_bits(next_bits(&seed));
        }
        rows_come_back(f, ROWS);
    }
}

static void every_single_value_comes_back(void **state)
{
    fixture *f = *state;
    uint64_t seed = 17;
    for (int round = 0; round < 3000; round++) {
        f->values[0] = round % 2 == 0 ? make_edge(&seed, 0) : make_mixed_digits(&seed, round);
        rows_come_back(f, 1);
        assert_memory_equal(&f->head.summaries[0].first, f->values, sizeof(double));
        assert_memory_equal(&f->head.summaries[0].last, f->values, sizeof(double));
    }
}

static void values_that_change_their_kind_come_back(void **state)
{
    fixture *f = *state;
    uint64_t seed = 19;
    for (size_t row = 0; row < ROWS; row++) {
        // what the first look sees says nothing of the rest
        f->values[row] = row % 313 == 0   ? 1.0
                         : row < ROWS / 4 ? make_full(&seed, row)
                         : row < ROWS / 2 ? make_scaled(&seed, row)
                                          : make_edge(&seed, row);
    }
    rows_come_back(f, ROWS);
}

// --- times and qualities

static void times_come_back_whatever_they_are(void **state)
{
    static const int64_t units[] = { 1, 1000, 1000000, 1000000000, 60 * INT64_C(1000000000) };
    fixture *f = *state;
    uint64_t seed = 23;
    for (int kind = 0; kind < 8; kind++) {
        for (size_t unit = 0; unit < sizeof units / sizeof *units; unit++) {
            int64_t time_ns = start_ns;
            for (size_t row = 0; row < ROWS; row++) {
                uint64_t bits = next_bits(&seed);
                int64_t jitter = (int64_t)(bits % 11) - 5;
                f->time_ns[row] = kind == 0   ? time_ns + jitter * units[unit]        // jitters
                                  : kind == 1 ? time_ns                               // walks
                                  : kind == 2 ? start_ns - (int64_t)row * units[unit] // falls
                                  : kind == 3 ? start_ns                              // stands
                                  : kind == 4 ? (int64_t)bits                         // anything
                                  : kind == 5 ? (row % 2 == 0 ? INT64_MIN : INT64_MAX)
                                  : kind == 6 ? start_ns + (int64_t)row * units[unit] / 3
                                              : time_ns + (row == 777); // one out of the unit
                time_ns += (kind == 1 ? 1 + (int64_t)(bits % 9) : 100) * units[unit];
                time_ns += row % 1000 == 500 ? 86400 * second_ns : 0;
                f->known_ns[row] = kind == 4 ? (int64_t)next_bits(&seed) : f->time_ns[row] / 2 + 7;
            }
            rows_come_back(f, ROWS);
            rows_come_back(f, 3);
            assert_true(f->head.first_ns == f->time_ns[0] && f->head.last_ns == f->time_ns[2]);
        }
    }
}

static void qualities_come_back(void **state)
{
    fixture *f = *state;
    uint64_t seed = 29;
    for (int round = 0; round < 40; round++) {
        uint32_t quality = 0;
        for (size_t row = 0; row < ROWS; row++) {
            uint64_t bits = next_bits(&seed);
            quality = bits % (1 + (uint64_t)round * 7) == 0 ? (uint32_t)(bits >> 32) : quality;
            f->quality[row] = quality;
        }
        rows_come_back(f, (size_t)(1 + next_bits(&seed) % ROWS));
    }
}

// --- shapes

static void no_rows_are_a_block(void **state)
{
    fixture *f = *state;
    rows_come_back(f, 0);
    assert_true(f->bytes.size <= 16);
}

static void columns_are_read_one_by_one(void **state)
{
    enum { COUNT = 300, COLUMNS = GM_SERIES_COLUMNS_MAX };
    fixture *f = *state;
    uint64_t seed = 31;
    for (size_t index = 0; index < COUNT * COLUMNS; index++) {
        f->values[index] = index / COUNT % 2 == 0 ? make_decimal(&seed, index) : next_unit(&seed);
    }
    gm_series_rows rows = { .count = COUNT, .columns = COLUMNS, .time_ns = f->time_ns };
    rows.values = f->values;
    gm_series_encode(&rows, &f->bytes);
    gm_text block = { f->bytes.data, f->bytes.size };
    for (size_t column = 0; column < COLUMNS; column++) {
        gm_series_room room = { .capacity = COUNT };
        room.values[column] = f->values_back;
        assert_int_equal(gm_series_decode(block, &room, NULL, NULL), GM_OK);
        assert_memory_equal(f->values_back, f->values + column * COUNT, COUNT * sizeof(double));
    }
    gm_series_room room = { .capacity = COUNT, .time_ns = f->time_back };
    assert_int_equal(gm_series_decode(block, &room, &f->head, NULL), GM_OK);
    assert_memory_equal(f->time_back, f->time_ns, COUNT * sizeof(int64_t));
    assert_false(f->head.known);
    // without knowledge times, what was valid was known; without qualities, all are good
    room = (gm_series_room){ .capacity = COUNT, .known_ns = f->known_back };
    room.quality = f->quality_back;
    f->quality_back[COUNT - 1] = 5;
    assert_int_equal(gm_series_decode(block, &room, NULL, NULL), GM_OK);
    assert_memory_equal(f->known_back, f->time_ns, COUNT * sizeof(int64_t));
    assert_int_equal(f->quality_back[COUNT - 1], 0);
}

static void blocks_follow_each_other_in_a_string(void **state)
{
    fixture *f = *state;
    gm_series_rows rows = rows_of(f, 300);
    gm_series_encode(&rows, &f->bytes);
    size_t first = f->bytes.size;
    gm_series_encode(&rows, &f->bytes);
    assert_int_equal(f->bytes.size, 2 * first);
    assert_memory_equal(f->bytes.data, f->bytes.data + first, first);
}

static void the_bytes_of_a_block_stay_as_they_are(void **state)
{
    fixture *f = *state;
    uint64_t seed = 1;
    gm_series_rows rows = rows_of(f, 1000);
    for (size_t row = 0; row < rows.count; row++) {
        uint64_t bits = next_bits(&seed);
        f->time_ns[row] += (int64_t)(bits % 11) * 1000000;
        f->values[row] = (double)(2000 + bits % 501) / 100.0;
        f->values[rows.count + row] = row % 100 == 7 ? NAN : of_bits(bits >> 12 | 0x3FFull << 52);
        f->quality[row] = (uint32_t)row / 400;
    }
    rows.columns = 2;
    gm_series_encode(&rows, &f->bytes);
    // other bytes are another format, with a number of its own
    assert_int_equal(gm_hash(f->bytes.data, f->bytes.size, 0), UINT64_C(0x0ff0c61f649c4a90));
}

// --- summaries

static void summaries_are_what_the_values_give(void **state)
{
    static make_value *const makers[] = { make_decimal, make_gappy,    make_full,
                                          make_nan,     make_infinite, make_moved };
    fixture *f = *state;
    uint64_t seed = 37;
    for (size_t maker = 0; maker < sizeof makers / sizeof *makers; maker++) {
        for (size_t count = 1; count < 60; count++) {
            double min = INFINITY, max = -INFINITY, sum = 0.0;
            size_t finite = 0;
            for (size_t row = 0; row < count; row++) {
                double value = f->values[row] = makers[maker](&seed, row);
                if (isfinite(value)) {
                    min = fmin(min, value);
                    max = fmax(max, value);
                    sum += value;
                    finite++;
                }
            }
            rows_come_back(f, count);
            gm_series_head head = { 0 };
            size_t enough =
                f->bytes.size < GM_SERIES_HEADER_MAX ? f->bytes.size : GM_SERIES_HEADER_MAX;
            assert_int_equal(gm_series_peek((gm_text){ f->bytes.data, enough }, &head, NULL),
                             GM_OK);
            const gm_series_summary *summary = &head.summaries[0];
            assert_int_equal(summary->finite_count, finite);
            assert_true(finite == 0 ? isnan(summary->min) && isnan(summary->max)
                                    : summary->min == min && summary->max == max);
            assert_true(fabs(summary->sum - sum) <= 1e-12 * fabs(sum));
            assert_memory_equal(&summary->first, f->values, sizeof(double));
            assert_memory_equal(&summary->last, f->values + count - 1, sizeof(double));
            assert_true(head.last_ns == f->time_ns[count - 1]);
        }
    }
}

// --- sizes

static double noise(uint64_t *seed) // normal, about
{
    double sum = -6.0;
    for (int part = 0; part < 12; part++) {
        sum += next_unit(seed);
    }
    return sum;
}

static void a_sensor_takes_the_bytes_promised(void **state)
{
    enum { COUNT = 4096 };
    fixture *f = *state;
    uint64_t seed = 41;
    for (int full = 0; full < 2; full++) {
        for (size_t row = 0; row < COUNT; row++) {
            int64_t jitter_ms = (int64_t)(next_bits(&seed) % 11) - 5;
            f->time_ns[row] = start_ns + (int64_t)row * second_ns + jitter_ms * 1000000;
            double value = 18.0 + 6.0 * sin(7e-5 * (double)row) + 0.03 * noise(&seed);
            f->values[row] = full ? value : round(value * 100.0) / 100.0;
        }
        gm_series_rows rows = rows_of(f, COUNT);
        rows.known_ns = NULL;
        f->bytes.size = 0;
        gm_series_encode(&rows, &f->bytes);
        assert_true((double)f->bytes.size <= (full ? 7.5 : 1.3) * COUNT);
    }
}

static void regular_rows_take_next_to_nothing(void **state)
{
    fixture *f = *state;
    for (size_t row = 0; row < ROWS; row++) {
        f->values[row] = 21.5;
    }
    assert_true(rows_come_back(f, ROWS) <= 80 + 2 * 3 * (ROWS / 256 + 1));
    for (size_t row = 0; row < ROWS; row++) {
        f->values[row] = NAN;
    }
    rows_come_back(f, ROWS);
    assert_true(f->bytes.size <= 80 + 2 * 3 * (ROWS / 256 + 1));
}

static void a_gap_in_time_and_a_spike_cost_a_few_bytes(void **state)
{
    enum { COUNT = 2048 };
    fixture *f = *state;
    uint64_t seed = 43;
    for (size_t row = 0; row < COUNT; row++) {
        f->values[row] = (double)(next_bits(&seed) % 16) / 10.0;
    }
    size_t calm = rows_come_back(f, COUNT);
    for (size_t row = COUNT / 3; row < COUNT; row++) {
        f->time_ns[row] += 3600 * second_ns;
        f->known_ns[row] += 3600 * second_ns;
    }
    f->values[100] = 9999.9;
    f->values[1500] = NAN;
    assert_true(rows_come_back(f, COUNT) <= calm + 80);
}

// --- damage

static void make_small(fixture *f, size_t count)
{
    uint64_t seed = 47;
    for (size_t row = 0; row < count; row++) {
        f->values[row] = row % 50 == 9 ? NAN : make_decimal(&seed, row);
        f->quality[row] = (uint32_t)row / 100;
    }
    rows_come_back(f, count);
}

static void damage_anywhere_is_refused(void **state)
{
    static const unsigned char changes[] = { 0x01, 0x80, 0xFF };
    fixture *f = *state;
    make_small(f, 300);
    gm_text block = exact_copy((gm_text){ f->bytes.data, f->bytes.size });
    gm_series_room room = room_of(f);
    for (size_t at = 0; at < block.size; at++) {
        for (size_t change = 0; change < sizeof changes; change++) {
            gm_error error = { 0 };
            ((unsigned char *)block.data)[at] ^= changes[change];
            assert_int_equal(gm_series_decode(block, &room, NULL, &error), GM_CORRUPT);
            assert_true(error.text[0] != 0);
            ((unsigned char *)block.data)[at] ^= changes[change];
        }
    }
    free((char *)block.data);
}

static void a_cut_or_longer_block_is_refused(void **state)
{
    fixture *f = *state;
    make_small(f, 300);
    gm_series_room room = room_of(f);
    for (size_t size = 0; size < f->bytes.size; size++) {
        gm_text block = exact_copy((gm_text){ f->bytes.data, size });
        assert_int_equal(gm_series_decode(block, &room, NULL, NULL), GM_CORRUPT);
        free((char *)block.data);
    }
    gm_text block = { f->bytes.data, f->bytes.size + 1 }; // the NUL behind a string
    assert_int_equal(gm_series_decode(block, &room, NULL, NULL), GM_CORRUPT);
}

static void an_error_leaves_the_head_alone(void **state)
{
    fixture *f = *state;
    make_small(f, 300);
    gm_series_head head = { .count = 77 };
    gm_series_room room = room_of(f);
    f->bytes.data[f->bytes.size - 1] ^= 1;
    gm_text block = { f->bytes.data, f->bytes.size };
    assert_int_equal(gm_series_decode(block, &room, &head, NULL), GM_CORRUPT);
    assert_int_equal(head.count, 77);
    f->bytes.data[20] ^= 1;
    assert_int_equal(gm_series_peek(block, &head, NULL), GM_CORRUPT);
    assert_int_equal(head.count, 77);
}

static void a_room_too_small_is_said_so(void **state)
{
    fixture *f = *state;
    make_small(f, 300);
    gm_error error = { 0 };
    gm_series_room room = room_of(f);
    room.capacity = 299;
    gm_text block = { f->bytes.data, f->bytes.size };
    assert_int_equal(gm_series_decode(block, &room, NULL, &error), GM_LIMIT);
    assert_non_null(strstr(error.text, "300"));
}

static void a_newer_format_is_said_so(void **state)
{
    fixture *f = *state;
    make_small(f, 300);
    unsigned char *bytes = (unsigned char *)f->bytes.data;
    bytes[6] = 2;
    size_t size = bytes[4] | (size_t)bytes[5] << 8;
    uint32_t hash = (uint32_t)gm_hash(bytes + 4, size - 4, 1);
    for (int at = 0; at < 4; at++) {
        bytes[at] = (unsigned char)(hash >> (8 * at));
    }
    gm_error error = { 0 };
    gm_text block = { f->bytes.data, f->bytes.size };
    assert_int_equal(gm_series_peek(block, &f->head, &error), GM_UNSUPPORTED);
    assert_non_null(strstr(error.text, "newer"));
}

static void without_memory_the_string_says_so(void **state)
{
    fixture *f = *state;
    make_small(f, 300);
    gm_series_rows rows = rows_of(f, 300);
    bool failed = true;
    long allowed = 0;
    for (; failed && allowed < 100; allowed++) {
        gm_string out = { 0 };
        allocations_left = allowed;
        gm_series_encode(&rows, &out);
        allocations_left = LONG_MAX;
        failed = out.failed;
        assert_true(failed || out.size == f->bytes.size);
        gm_string_free(&out);
    }
    assert_false(failed);
    assert_true(allowed > 2);
}

#define LAW(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAW(every_double_comes_back_at_every_count),
        LAW(a_million_random_bit_patterns_come_back),
        LAW(every_single_value_comes_back),
        LAW(values_that_change_their_kind_come_back),
        LAW(times_come_back_whatever_they_are),
        LAW(qualities_come_back),
        LAW(no_rows_are_a_block),
        LAW(columns_are_read_one_by_one),
        LAW(blocks_follow_each_other_in_a_string),
        LAW(the_bytes_of_a_block_stay_as_they_are),
        LAW(summaries_are_what_the_values_give),
        LAW(a_sensor_takes_the_bytes_promised),
        LAW(regular_rows_take_next_to_nothing),
        LAW(a_gap_in_time_and_a_spike_cost_a_few_bytes),
        LAW(damage_anywhere_is_refused),
        LAW(a_cut_or_longer_block_is_refused),
        LAW(an_error_leaves_the_head_alone),
        LAW(a_room_too_small_is_said_so),
        LAW(a_newer_format_is_said_so),
        LAW(without_memory_the_string_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
