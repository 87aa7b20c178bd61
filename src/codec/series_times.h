// A column of times in few bytes: what is left of them over a line.
//
// Times are taken as first + i period + rest, the rest in the largest unit of 10^0 .. 10^9 ns that
// divides all differences: stamps in whole milliseconds that jitter around their beat leave a few
// bits each, stamps on the beat none. Any int64 come back, in any order; order only saves bytes.
// The same column holds the time between a sample's valid time and when it was known.
//
// | bytes | what |
// |---|---|
// | varint | the first time less an origin that the reader knows, ns, zigzag |
// | u8 | decimal exponent of the unit in ns, 0 .. 9 |
// | varint | whole units of the period, zigzag |
// | u16 | its fraction, in 1/65536 units |
// | | chunks of codes (series_codes.h) |
//
// time i = first + (code i + i whole + floor(i fraction / 65536)) unit, modulo 2^64.
#ifndef GEMEL_CODEC_SERIES_TIMES_H
#define GEMEL_CODEC_SERIES_TIMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "codec/pack.h"

/// Times to write, or how long they are after others.
typedef struct gm_times {
    const int64_t *time_ns;  // [count]
    const int64_t *since_ns; // [count], taken from the times, modulo 2^64; NULL: nothing is
    size_t count;            // 1 .. 65536
    int64_t origin_ns;       // what the reader is told, too: a time near the first one saves bytes
} gm_times;

/// Appends a column of times to `out` (check out->failed).
void gm_series_times_write(const gm_times *times, gm_string *out);

/// How to read.
typedef struct gm_times_form {
    int64_t origin_ns; // the writer's
    bool add;          // to what is in the array, modulo 2^64
} gm_times_form;

/// Reads a column of `count` times.
/// @param times_ns  out, [count]; any values when bytes->failed is set
void gm_series_times_read(gm_unpack *bytes, gm_times_form form, size_t count, int64_t *times_ns);

#endif
