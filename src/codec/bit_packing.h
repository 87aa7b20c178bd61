// Integers in as few bits as the largest of them needs: the innermost layer of a series block.
//
// A whole chunk is GM_CHUNK integers and lies on disk so that 8 at a time are packed and unpacked
// by the same instructions: integer i is in row i / 8 of lane i % 8, each lane is a stream of bits
// (low bits first) in 32-bit words, and the words of the 8 lanes alternate: word 0 of lanes 0 .. 7,
// word 1 of lanes 0 .. 7, ... Words are little-endian. A shorter chunk is one such stream, cut
// behind its last byte that has a bit. Of integers wider than 32 bits the low 32 bits come first,
// as a stream of their own, then the bits above. So `count` integers of `width` bits always take
// ceil(count width / 8) bytes.
//
// Idea: Lemire and Boytsov, "Decoding billions of integers per second through vectorization",
// Software: Practice and Experience 45 (2015) 1-29.
#ifndef GEMEL_CODEC_BIT_PACKING_H
#define GEMEL_CODEC_BIT_PACKING_H

#include <stddef.h>
#include <stdint.h>

enum {
    GM_CHUNK = 256, // integers in a whole chunk
    GM_BITS_WIDTH_MAX = 64,
    GM_BITS_SIZE_MAX = GM_CHUNK * 8, // bytes of a packed chunk
};

/// Bytes of `count` <= GM_CHUNK packed integers of `width` <= GM_BITS_WIDTH_MAX bits.
static inline size_t gm_bits_size(size_t count, unsigned width)
{
    return (count * width + 7) / 8;
}

/// Packs the low `width` bits of `count` integers.
/// @param integers  [count], count <= GM_CHUNK
/// @param bytes     out, [gm_bits_size(count, width)]
void gm_bits_pack(const uint64_t *integers, size_t count, unsigned width, unsigned char *bytes);

/// @param bytes     [gm_bits_size(count, width)], any bits
/// @param integers  out, [count], each less than 2^width
void gm_bits_unpack(const unsigned char *bytes, size_t count, unsigned width, uint64_t *integers);

#endif
