// A column of doubles in few bytes, bit for bit.
//
// Most measured values are decimals: value = code / 10^digits, rounded as IEEE 754 division does,
// with the fewest digits that fit a block. Where arithmetic has moved values off their decimals by
// a few units in the last place (21.37 degC + 273.15), those steps are a small column of their
// own. Other doubles are taken by their bits as whole numbers that sort as the values do. Either
// way, the codes go into chunks (series_codes.h), which find levels, slopes and curves.
//
// | bytes | what |
// |---|---|
// | u8 | scheme |
// | | constant (1): f64, the bits of all values |
// | | plain (2): f64 of each value |
// | | decimal (3): u8 digits, 0 .. 18; u8 steps: 0 none, 1 there are |
// | | bits (4): u8 zero bits at the codes' low end, 0 .. 63 |
// | varint | decimal, bits: base, zigzag |
// | | decimal, bits: chunks |
//
// A chunk of values is a chunk of codes, with steps a chunk of steps, and the values that are
// neither (NaN, infinities, -0, denormals among decimals): varint how many; for each u8 index in
// the chunk and varint of its bits, in reversed byte order, XOR those of the one before it in the
// column.
//
// decimal: value = (base + code) / 10^digits, then its bits + step.
// bits: m = base + (code << zero bits); value = the double of bits m, for m < 0 of 2^63 - m.
//
// The search for decimals in doubles: Afroozeh, Kuffo, Boncz, "ALP: adaptive lossless
// floating-point compression", SIGMOD 2023; here by a division, which leaves fewer exceptions.
#ifndef GEMEL_CODEC_SERIES_VALUES_H
#define GEMEL_CODEC_SERIES_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "codec/pack.h"

/// Appends a column of values to `out` (check out->failed): never more than 8 count + 1 bytes.
/// @param values  [count], any doubles; count >= 1
void gm_series_values_write(const double *values, size_t count, gm_string *out);

/// Reads a column of `count` values.
/// @param values  out, [count]; any values when bytes->failed is set
void gm_series_values_read(gm_unpack *bytes, size_t count, double *values);

/// A single value, for headers: u8 digits 0 .. 18 and varint code, zigzag, of code / 10^digits; or
/// u8 255 and f64 where it is no decimal.
void gm_series_value_write(double value, gm_string *out);

/// Reads a single value; sets bytes->failed where there is none.
double gm_series_value_read(gm_unpack *bytes);

#endif
