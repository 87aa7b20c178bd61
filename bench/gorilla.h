// A plain Gorilla stream, written for comparison: times by differences of differences, values by
// XOR with the one before, bit by bit (Pelkonen et al., VLDB 2015, section 4.1). Times are taken in
// the largest of ns, us, ms that divides them, and a difference that the paper's 32 bits do not
// hold has 64. Header-only: one benchmark uses it.
#ifndef GEMEL_BENCH_GORILLA_H
#define GEMEL_BENCH_GORILLA_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/require.h"
#include "base/text.h"

typedef struct gorilla_bits {
    unsigned char *bytes; // of a writer zeroed ahead
    size_t at;            // bits
} gorilla_bits;

static inline void gorilla_put(gorilla_bits *out, uint64_t value, unsigned width)
{
    while (width > 0) {
        unsigned free_bits = 8 - (unsigned)(out->at % 8),
                 now = width < free_bits ? width : free_bits;
        uint64_t part = value >> (width - now) & ((1u << now) - 1);
        out->bytes[out->at / 8] |= (unsigned char)(part << (free_bits - now));
        out->at += now;
        width -= now;
    }
}

static inline uint64_t gorilla_get(gorilla_bits *in, unsigned width)
{
    uint64_t value = 0;
    while (width > 0) {
        unsigned left = 8 - (unsigned)(in->at % 8), now = width < left ? width : left;
        uint64_t part = in->bytes[in->at / 8] >> (left - now) & ((1u << now) - 1);
        value = value << now | part;
        in->at += now;
        width -= now;
    }
    return value;
}

// Widths of differences of differences, behind 1, 2, 3 and 4 bits that are set
static const unsigned gorilla_widths[] = { 7, 9, 12, 64 };

static inline void gorilla_put_time(gorilla_bits *out, int64_t change)
{
    if (change == 0) {
        gorilla_put(out, 0, 1);
        return;
    }
    unsigned class = 0;
    while (class < 3 && (change < -(INT64_C(1) << (gorilla_widths[class] - 1)) ||
                         change >= INT64_C(1) << (gorilla_widths[class] - 1))) {
        class ++;
    }
    gorilla_put(out, class < 3 ? (2u << (class + 1)) - 2 : 15, class < 3 ? class + 2 : 4);
    gorilla_put(out, (uint64_t)change, gorilla_widths[class]);
}

static inline int64_t gorilla_get_time(gorilla_bits *in)
{
    unsigned class = 0;
    while (class < 4 && gorilla_get(in, 1) == 1) {
        class ++;
    }
    if (class == 0) {
        return 0;
    }
    unsigned width = gorilla_widths[class - 1];
    uint64_t value = gorilla_get(in, width);
    return (int64_t)(value << (64 - width)) >> (64 - width);
}

typedef struct gorilla_window {
    unsigned leading, width;
} gorilla_window;

static inline void gorilla_put_value(gorilla_bits *out, uint64_t change, gorilla_window *window)
{
    if (change == 0) {
        gorilla_put(out, 0, 1);
        return;
    }
    unsigned leading = (unsigned)__builtin_clzll(change),
             trailing = (unsigned)__builtin_ctzll(change);
    leading = leading > 31 ? 31 : leading;
    unsigned window_trailing = 64 - window->leading - window->width;
    if (window->width > 0 && leading >= window->leading && trailing >= window_trailing) {
        gorilla_put(out, 2, 2);
    } else {
        *window = (gorilla_window){ leading, 64 - leading - trailing };
        gorilla_put(out, 3, 2);
        gorilla_put(out, leading, 5);
        gorilla_put(out, window->width - 1, 6);
    }
    gorilla_put(out, change >> (64 - window->leading - window->width), window->width);
}

static inline uint64_t gorilla_get_value(gorilla_bits *in, gorilla_window *window)
{
    if (gorilla_get(in, 1) == 0) {
        return 0;
    }
    if (gorilla_get(in, 1) == 1) {
        window->leading = (unsigned)gorilla_get(in, 5);
        window->width = (unsigned)gorilla_get(in, 6) + 1;
    }
    return gorilla_get(in, window->width) << (64 - window->leading - window->width);
}

static inline int64_t gorilla_unit(const int64_t *time_ns, size_t count)
{
    int64_t unit = 1000000;
    for (size_t index = 0; index < count; index++) {
        while (time_ns[index] % unit != 0) {
            unit /= 1000;
        }
    }
    return unit;
}

static inline void gorilla_encode(const int64_t *time_ns, const double *values, size_t count,
                                  gm_string *out)
{
    enum { SAMPLE_MAX = 20, HEADER = 8 }; // bytes
    gm_string_reserve(out, HEADER + count * SAMPLE_MAX);
    GM_REQUIRE(!out->failed);
    gorilla_bits bits = { (unsigned char *)out->data + out->size, 0 };
    memset(bits.bytes, 0, HEADER + count * SAMPLE_MAX);
    int64_t unit = gorilla_unit(time_ns, count), last = 0, step = 0;
    uint64_t before = 0;
    gorilla_window window = { 0 };
    gorilla_put(&bits, (uint64_t)unit, 32);
    for (size_t index = 0; index < count; index++) {
        int64_t time = time_ns[index] / unit, next_step = time - last;
        gorilla_put_time(&bits, next_step - step);
        step = index == 0 ? 0 : next_step;
        last = time;
        uint64_t value;
        memcpy(&value, &values[index], sizeof value);
        gorilla_put_value(&bits, value ^ before, &window);
        before = value;
    }
    out->size += (bits.at + 7) / 8;
}

static inline void gorilla_decode(const unsigned char *bytes, size_t count, int64_t *time_ns,
                                  double *values)
{
    gorilla_bits bits = { (unsigned char *)bytes, 0 };
    int64_t unit = (int64_t)gorilla_get(&bits, 32), last = 0, step = 0;
    uint64_t before = 0;
    gorilla_window window = { 0 };
    for (size_t index = 0; index < count; index++) {
        step += gorilla_get_time(&bits);
        last += step;
        time_ns[index] = last * unit;
        step = index == 0 ? 0 : step;
        before ^= gorilla_get_value(&bits, &window);
        memcpy(&values[index], &before, sizeof before);
    }
}

#endif
