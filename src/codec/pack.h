// Small binary records: journal payloads, snapshot headers, anything of ours that is a few values
// in a row.
//
// A record has no tags: the writer and the reader name the same values in the same order, and a
// record that may change starts with a version of its own. Numbers are little-endian on every
// machine; a bool is one byte, 0 or 1; an f64 is its IEEE 754 bits, so NaN and -0 come back as they
// went; text is a u32 size and that many bytes; a varint is unsigned LEB128 (7 bits a byte, low
// first, at most 10 bytes, no padding).
#ifndef GEMEL_CODEC_PACK_H
#define GEMEL_CODEC_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/// Append one value to `out`. Without memory `out->failed` is set and later calls do nothing: check
/// it once, at the end. For the next record set `out->size = 0`: the memory is used again.
void gm_pack_bool(gm_string *out, bool value);
void gm_pack_u8(gm_string *out, uint8_t value);
void gm_pack_u16(gm_string *out, uint16_t value);
void gm_pack_u32(gm_string *out, uint32_t value);
void gm_pack_u64(gm_string *out, uint64_t value);
void gm_pack_i64(gm_string *out, int64_t value);
void gm_pack_f64(gm_string *out, double value);
void gm_pack_varint(gm_string *out, uint64_t value);
/// Any bytes, at most UINT32_MAX of them; more sets `out->failed`.
void gm_pack_text(gm_string *out, gm_text text);
/// `count` doubles without a count in front.
void gm_pack_f64s(gm_string *out, const double *values, size_t count);

/// Reads a record. Plain value; the bytes belong to the caller and must stay while texts taken from
/// them are used.
typedef struct gm_unpack {
    const unsigned char *at;
    size_t left; // bytes not read yet
    bool failed; // once set, every read gives zero or empty text and takes nothing
} gm_unpack;

/// @param bytes  [size]; NULL when size is 0
gm_unpack gm_unpack_of(const void *bytes, size_t size);

/// Take one value. A value that does not fit into what is left, a bool that is neither 0 nor 1, or
/// a varint that is too long or padded sets `failed`.
bool gm_unpack_bool(gm_unpack *record);
uint8_t gm_unpack_u8(gm_unpack *record);
uint16_t gm_unpack_u16(gm_unpack *record);
uint32_t gm_unpack_u32(gm_unpack *record);
uint64_t gm_unpack_u64(gm_unpack *record);
int64_t gm_unpack_i64(gm_unpack *record);
double gm_unpack_f64(gm_unpack *record);
uint64_t gm_unpack_varint(gm_unpack *record);
/// The slice lies in the record's own bytes: nothing is copied, no NUL follows.
gm_text gm_unpack_text(gm_unpack *record);
/// The next `size` bytes as they are: a region whose size is known from elsewhere.
gm_text gm_unpack_bytes(gm_unpack *record, size_t size);
/// `count` doubles. @return false, with `values` untouched, when fewer are left
bool gm_unpack_f64s(gm_unpack *record, double *values, size_t count);

/// A number of things that follow, each at least `least_size` bytes (> 0): a u32 that is checked
/// against the bytes left, so that it may size an allocation. 0 on failure.
size_t gm_unpack_count(gm_unpack *record, size_t least_size);

/// true when every read succeeded and no byte is left over: ask it before trusting a record.
bool gm_unpack_done(const gm_unpack *record);

#endif
