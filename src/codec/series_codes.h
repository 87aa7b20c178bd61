// Columns of 64-bit codes, in chunks: what times and values become once they are whole numbers.
//
// A chunk keeps either the codes, their differences, or the differences of those (order 0, 1, 2:
// levels, slopes, curves), whichever range is narrowest, less a number `low` of its own, in as few
// bits as they need. A few outliers do not widen the rest: the bits that do not fit are kept aside
// (patches). On disk, a chunk of `count` codes:
//
// | bytes | what |
// |---|---|
// | 1 | width in bits, 0 .. 64; + 128 where there are patches |
// | 1 | order: 0, 1 or 2 |
// | varint | low, zigzag |
// | ceil(count width / 8) | the remainders' low `width` bits (bit_packing.h) |
// | with patches: | varint number of them; for each u8 index in the chunk, zigzag varint of what,
// times 2^width, is to be added |
//
// Arithmetic is modulo 2^64 throughout, so every column of codes comes back, whatever it holds.
// Zigzag: 0, -1, 1, -2 ... as 0, 1, 2, 3 ... A column's first chunk has zeros before it.
//
// Frame of reference and patches: Zukowski, Heman, Nes, Boncz, "Super-scalar RAM-CPU cache
// compression", ICDE 2006.
#ifndef GEMEL_CODEC_SERIES_CODES_H
#define GEMEL_CODEC_SERIES_CODES_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "codec/bit_packing.h"
#include "codec/pack.h"

enum { GM_CODES_BEFORE = 2 };

/// A chunk in work, behind the last two codes of the chunk before it. Zero is a column's start.
typedef struct gm_codes {
    uint64_t code[GM_CODES_BEFORE + GM_CHUNK];
} gm_codes;

/// The codes of the chunk itself.
static inline uint64_t *gm_codes_chunk(gm_codes *codes)
{
    return codes->code + GM_CODES_BEFORE;
}

static inline uint64_t gm_zigzag(uint64_t code)
{
    return code << 1 ^ (uint64_t)((int64_t)code >> 63);
}

static inline uint64_t gm_unzigzag(uint64_t zigzag)
{
    return zigzag >> 1 ^ (0 - (zigzag & 1));
}

/// Appends the chunk's `count` codes to `out` (check out->failed) and moves on to the next chunk.
/// @param count  1 .. GM_CHUNK; only a column's last chunk has fewer than GM_CHUNK
void gm_codes_write(gm_codes *codes, size_t count, gm_string *out);

/// Takes a chunk of `count` codes. Bytes that are none set record->failed; then the codes are any.
/// When they were used, gm_codes_next moves on.
void gm_codes_read(gm_codes *codes, size_t count, gm_unpack *record);

/// Makes the last two of `count` codes those before the next chunk.
void gm_codes_next(gm_codes *codes, size_t count);

#endif
