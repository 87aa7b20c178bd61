// Small binary records, byte by byte: the format is in pack.h.
#include "codec/pack.h"

#include <string.h>

#include "base/require.h"

enum { VARINT_MAX_SIZE = 10 }; // ceil(64 / 7)

static void put_little(gm_string *out, uint64_t value, size_t size)
{
    char bytes[8];
    for (size_t index = 0; index < size; index++) {
        bytes[index] = (char)(unsigned char)(value >> (8 * index));
    }
    gm_string_add(out, bytes, size);
}

/// `size` bytes, or NULL with `failed` set when fewer are left.
static const unsigned char *take(gm_unpack *record, size_t size)
{
    if (record->failed || size > record->left) {
        record->failed = true;
        return NULL;
    }
    const unsigned char *bytes = record->at;
    if (size > 0) {
        record->at += size;
    }
    record->left -= size;
    return bytes;
}

static uint64_t load_little(const unsigned char *bytes, size_t size)
{
    uint64_t value = 0;
    for (size_t index = 0; index < size; index++) {
        value |= (uint64_t)bytes[index] << (8 * index);
    }
    return value;
}

static uint64_t take_little(gm_unpack *record, size_t size)
{
    const unsigned char *bytes = take(record, size);
    return bytes != NULL ? load_little(bytes, size) : 0;
}

void gm_pack_bool(gm_string *out, bool value)
{
    put_little(out, value ? 1 : 0, 1);
}

void gm_pack_u8(gm_string *out, uint8_t value)
{
    put_little(out, value, 1);
}

void gm_pack_u16(gm_string *out, uint16_t value)
{
    put_little(out, value, 2);
}

void gm_pack_u32(gm_string *out, uint32_t value)
{
    put_little(out, value, 4);
}

void gm_pack_u64(gm_string *out, uint64_t value)
{
    put_little(out, value, 8);
}

void gm_pack_i64(gm_string *out, int64_t value)
{
    put_little(out, (uint64_t)value, 8);
}

void gm_pack_f64(gm_string *out, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little(out, bits, 8);
}

void gm_pack_varint(gm_string *out, uint64_t value)
{
    char bytes[VARINT_MAX_SIZE];
    size_t size = 0;
    while (value > 0x7f) {
        bytes[size++] = (char)(unsigned char)(0x80 | (value & 0x7f));
        value >>= 7;
    }
    bytes[size++] = (char)value;
    gm_string_add(out, bytes, size);
}

void gm_pack_text(gm_string *out, gm_text text)
{
    if (text.size > UINT32_MAX) {
        out->failed = true;
        return;
    }
    gm_pack_u32(out, (uint32_t)text.size);
    if (text.size > 0) {
        gm_string_add(out, text.data, text.size);
    }
}

void gm_pack_f64s(gm_string *out, const double *values, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        gm_pack_f64(out, values[index]);
    }
}

gm_unpack gm_unpack_of(const void *bytes, size_t size)
{
    GM_REQUIRE(bytes != NULL || size == 0);
    return (gm_unpack){ .at = bytes, .left = size };
}

bool gm_unpack_bool(gm_unpack *record)
{
    uint64_t value = take_little(record, 1);
    if (value > 1) {
        record->failed = true;
        return false;
    }
    return value == 1;
}

uint8_t gm_unpack_u8(gm_unpack *record)
{
    return (uint8_t)take_little(record, 1);
}

uint16_t gm_unpack_u16(gm_unpack *record)
{
    return (uint16_t)take_little(record, 2);
}

uint32_t gm_unpack_u32(gm_unpack *record)
{
    return (uint32_t)take_little(record, 4);
}

uint64_t gm_unpack_u64(gm_unpack *record)
{
    return take_little(record, 8);
}

int64_t gm_unpack_i64(gm_unpack *record)
{
    return (int64_t)take_little(record, 8);
}

double gm_unpack_f64(gm_unpack *record)
{
    uint64_t bits = take_little(record, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint64_t gm_unpack_varint(gm_unpack *record)
{
    uint64_t value = 0;
    for (unsigned index = 0; index < VARINT_MAX_SIZE; index++) {
        const unsigned char *byte = take(record, 1);
        if (byte == NULL) {
            return 0;
        }
        uint64_t bits = *byte & 0x7f;
        bool last = (*byte & 0x80) == 0;
        bool padded = last && bits == 0 && index > 0;
        bool overflows = index == VARINT_MAX_SIZE - 1 && (bits > 1 || !last);
        if (padded || overflows) {
            break;
        }
        value |= bits << (7 * index);
        if (last) {
            return value;
        }
    }
    record->failed = true;
    return 0;
}

gm_text gm_unpack_text(gm_unpack *record)
{
    return gm_unpack_bytes(record, gm_unpack_u32(record));
}

gm_text gm_unpack_bytes(gm_unpack *record, size_t size)
{
    const unsigned char *bytes = take(record, size);
    return bytes != NULL ? (gm_text){ (const char *)bytes, size } : (gm_text){ "", 0 };
}

bool gm_unpack_f64s(gm_unpack *record, double *values, size_t count)
{
    if (record->failed || count > record->left / sizeof(double)) {
        record->failed = true;
        return false;
    }
    for (size_t index = 0; index < count; index++) {
        values[index] = gm_unpack_f64(record);
    }
    return true;
}

size_t gm_unpack_count(gm_unpack *record, size_t least_size)
{
    GM_REQUIRE(least_size > 0);
    size_t count = gm_unpack_u32(record);
    if (record->failed || count > record->left / least_size) {
        record->failed = true;
        return 0;
    }
    return count;
}

bool gm_unpack_done(const gm_unpack *record)
{
    return !record->failed && record->left == 0;
}
