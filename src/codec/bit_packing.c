// Integers in few bits: the layout is in bit_packing.h. Lanes inside, rows outside: whether a row
// ends a word is decided once for 8 integers.
#include "codec/bit_packing.h"

#include <endian.h>
#include <string.h>

#include "base/cpu_levels.h"
#include "base/require.h"

enum { LANES = 8, WORD_BITS = 32, WORDS_MAX = GM_CHUNK + LANES };

// Bits `from` .. `from + width - 1` of integers; from is 0 or WORD_BITS, width 1 .. WORD_BITS.
typedef struct plane {
    unsigned from, width;
    size_t rows;
} plane;

// Shifts by WORD_BITS - bits without shifting by WORD_BITS, which C leaves undefined.
GM_INLINE uint32_t right_but(uint32_t word, unsigned bits)
{
    return word >> 1 >> (WORD_BITS - 1 - bits);
}

GM_INLINE uint32_t left_but(uint32_t word, unsigned bits)
{
    return word << 1 << (WORD_BITS - 1 - bits);
}

GM_INLINE uint32_t mask_of(plane of)
{
    return UINT32_MAX >> (WORD_BITS - of.width);
}

GM_INLINE void pack_rows(const uint64_t *integers, plane of, uint32_t *words, const int lanes)
{
    const uint32_t mask = mask_of(of);
    uint32_t pending[LANES] = { 0 };
    unsigned filled = 0;
    for (size_t row = 0; row < of.rows; row++) {
        uint32_t part[LANES];
        for (int lane = 0; lane < lanes; lane++) {
            part[lane] = (uint32_t)(integers[row * lanes + lane] >> of.from) & mask;
            pending[lane] |= part[lane] << filled;
        }
        if (filled + of.width >= WORD_BITS) {
            for (int lane = 0; lane < lanes; lane++) {
                *words++ = htole32(pending[lane]);
                pending[lane] = right_but(part[lane], filled);
            }
            filled -= WORD_BITS;
        }
        filled += of.width;
    }
    for (int lane = 0; lane < lanes && filled > 0; lane++) {
        *words++ = htole32(pending[lane]);
    }
}

GM_KERNEL static void pack_lanes(const uint64_t *integers, plane of, uint32_t *words)
{
    pack_rows(integers, of, words, LANES);
}

static void pack_stream(const uint64_t *integers, plane of, uint32_t *words)
{
    pack_rows(integers, of, words, 1);
}

// The word behind the last one is read too; its bits are masked away.
GM_INLINE void unpack_rows(const uint32_t *words, plane of, uint64_t *integers, const int lanes)
{
    const uint32_t mask = mask_of(of);
    for (size_t row = 0; row < of.rows; row++) {
        const uint32_t *low = words + row * of.width / WORD_BITS * lanes;
        const unsigned skipped = (unsigned)(row * of.width % WORD_BITS);
        for (int lane = 0; lane < lanes; lane++) {
            uint32_t part = low[lane] >> skipped | left_but(low[lane + lanes], skipped);
            integers[row * lanes + lane] = part & mask;
        }
    }
}

GM_INLINE void unpack_above(const uint32_t *words, plane of, uint64_t *integers, const int lanes)
{
    uint64_t above[GM_CHUNK];
    unpack_rows(words, of, above, lanes);
    for (size_t index = 0; index < of.rows * lanes; index++) {
        integers[index] |= above[index] << WORD_BITS;
    }
}

GM_KERNEL static void unpack_lanes(const uint32_t *words, plane of, uint64_t *integers)
{
    of.rows = GM_CHUNK / LANES;
    if (of.from == 0) {
        unpack_rows(words, of, integers, LANES);
    } else {
        unpack_above(words, of, integers, LANES);
    }
}

static void unpack_stream(const uint32_t *words, plane of, uint64_t *integers)
{
    if (of.from == 0) {
        unpack_rows(words, of, integers, 1);
    } else {
        unpack_above(words, of, integers, 1);
    }
}

static plane next_plane(plane of, unsigned width)
{
    of.from += of.width;
    of.width = width - of.from < WORD_BITS ? width - of.from : WORD_BITS;
    return of;
}

void gm_bits_pack(const uint64_t *integers, size_t count, unsigned width, unsigned char *bytes)
{
    GM_REQUIRE(count <= GM_CHUNK && width <= GM_BITS_WIDTH_MAX);
    uint32_t words[WORDS_MAX];
    plane of = { .rows = count == GM_CHUNK ? GM_CHUNK / LANES : count };
    for (of = next_plane(of, width); of.width > 0; of = next_plane(of, width)) {
        if (count == GM_CHUNK) {
            pack_lanes(integers, of, words);
        } else {
            pack_stream(integers, of, words);
        }
        size_t size = gm_bits_size(count, of.width);
        memcpy(bytes, words, size);
        bytes += size;
    }
}

void gm_bits_unpack(const unsigned char *bytes, size_t count, unsigned width, uint64_t *integers)
{
    GM_REQUIRE(count <= GM_CHUNK && width <= GM_BITS_WIDTH_MAX);
    uint32_t words[WORDS_MAX];
    if (width == 0) {
        memset(integers, 0, count * sizeof *integers);
    }
    plane of = { .rows = count == GM_CHUNK ? GM_CHUNK / LANES : count };
    for (of = next_plane(of, width); of.width > 0; of = next_plane(of, width)) {
        size_t size = gm_bits_size(count, of.width), word_count = size / sizeof *words;
        memcpy(words, bytes, size);
        memset((unsigned char *)words + size, 0, sizeof(uint32_t) * LANES);
        for (size_t index = 0; index <= word_count; index++) {
            words[index] = le32toh(words[index]);
        }
        if (count == GM_CHUNK) {
            unpack_lanes(words, of, integers);
        } else {
            unpack_stream(words, of, integers);
        }
        bytes += size;
    }
}
