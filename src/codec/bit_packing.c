// Integers in few bits: the layout is in bit_packing.h. Lanes inside, rows outside: whether a row
// ends a word is decided once for 8 integers.
#include "codec/bit_packing.h"

#include <endian.h>
#include <string.h>

#include "base/cpu_levels.h"
#include "base/require.h"

enum { LANES = 8, WORD_BITS = 32 };

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

GM_INLINE uint32_t load_word(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return le32toh(word);
}

GM_INLINE void store_word(uint32_t word, unsigned char *bytes)
{
    word = htole32(word);
    memcpy(bytes, &word, sizeof word);
}

GM_INLINE void pack_rows(const uint64_t *restrict integers, plane of, const int lanes,
                         unsigned char *restrict bytes)
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
                store_word(pending[lane], bytes + lane * sizeof(uint32_t));
                pending[lane] = right_but(part[lane], filled);
            }
            bytes += lanes * sizeof(uint32_t);
            filled -= WORD_BITS;
        }
        filled += of.width;
    }
    for (int lane = 0; lane < lanes && filled > 0; lane++) {
        store_word(pending[lane], bytes + lane * sizeof(uint32_t));
    }
}

GM_KERNEL static void pack_lanes(const uint64_t *integers, plane of, unsigned char *bytes)
{
    of.rows = GM_CHUNK / LANES;
    pack_rows(integers, of, LANES, bytes);
}

static void pack_stream(const uint64_t *integers, plane of, unsigned char *bytes)
{
    unsigned char words[GM_BITS_SIZE_MAX];
    pack_rows(integers, of, 1, words);
    memcpy(bytes, words, gm_bits_size(of.rows, of.width));
}

// A row that lies in one word takes that for the next one, too: those bits are masked away.
GM_INLINE void unpack_rows(const unsigned char *restrict bytes, plane of, const int lanes,
                           uint64_t *restrict integers)
{
    const uint32_t mask = mask_of(of);
    for (size_t row = 0; row < of.rows; row++) {
        const size_t bit = row * of.width, word_size = lanes * sizeof(uint32_t);
        const unsigned char *low = bytes + bit / WORD_BITS * word_size;
        const unsigned char *high = bytes + (bit + of.width - 1) / WORD_BITS * word_size;
        const unsigned skipped = (unsigned)(bit % WORD_BITS);
        for (int lane = 0; lane < lanes; lane++) {
            uint32_t part = load_word(low + lane * sizeof(uint32_t)) >> skipped |
                            left_but(load_word(high + lane * sizeof(uint32_t)), skipped);
            integers[row * lanes + lane] = part & mask;
        }
    }
}

GM_INLINE void unpack_plane(const unsigned char *bytes, plane of, const int lanes,
                            uint64_t *integers)
{
    if (of.from == 0) {
        unpack_rows(bytes, of, lanes, integers);
        return;
    }
    uint64_t above[GM_CHUNK];
    unpack_rows(bytes, of, lanes, above);
    for (size_t index = 0; index < of.rows * lanes; index++) {
        integers[index] |= above[index] << WORD_BITS;
    }
}

GM_KERNEL static void unpack_lanes(const unsigned char *bytes, plane of, uint64_t *integers)
{
    of.rows = GM_CHUNK / LANES;
    unpack_plane(bytes, of, LANES, integers);
}

static void unpack_stream(const unsigned char *bytes, plane of, uint64_t *integers)
{
    unsigned char words[GM_BITS_SIZE_MAX] = { 0 }; // whole ones, where the bytes may end in one
    memcpy(words, bytes, gm_bits_size(of.rows, of.width));
    unpack_plane(words, of, 1, integers);
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
    plane of = { .rows = count };
    for (of = next_plane(of, width); of.width > 0; of = next_plane(of, width)) {
        if (count == GM_CHUNK) {
            pack_lanes(integers, of, bytes);
        } else {
            pack_stream(integers, of, bytes);
        }
        bytes += gm_bits_size(count, of.width);
    }
}

void gm_bits_unpack(const unsigned char *bytes, size_t count, unsigned width, uint64_t *integers)
{
    GM_REQUIRE(count <= GM_CHUNK && width <= GM_BITS_WIDTH_MAX);
    if (width == 0) {
        memset(integers, 0, count * sizeof *integers);
    }
    plane of = { .rows = count };
    for (of = next_plane(of, width); of.width > 0; of = next_plane(of, width)) {
        if (count == GM_CHUNK) {
            unpack_lanes(bytes, of, integers);
        } else {
            unpack_stream(bytes, of, integers);
        }
        bytes += gm_bits_size(count, of.width);
    }
}
