// Chunks of codes: the format is in series_codes.h. What is here is the choice: of the order, and
// of a width that leaves a few outliers aside.
#include "codec/series_codes.h"

#include <stdbool.h>
#include <string.h>

#include "base/cpu_levels.h"
#include "base/require.h"

enum {
    LANES = 8,
    ORDER_COUNT = 3,
    PATCHED = 128,
    PATCH_BITS = 24, // what a patch takes, about
};

// The lowest and highest of a chunk's codes, differences or second differences.
typedef struct spread {
    int64_t low, high;           // of all
    int64_t bulk_low, bulk_high; // without the two lanes of the lowest, and of the highest
} spread;

typedef struct extremes {
    int64_t low[ORDER_COUNT][LANES], high[ORDER_COUNT][LANES];
} extremes;

// How a chunk is written: remainders of the order's differences over `low`.
typedef struct chunk_plan {
    unsigned order, width;
    uint64_t low;
    bool patched;
} chunk_plan;

static unsigned bits_of(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

// The order-th difference that ends in at[0]: of two codes before it.
GM_INLINE uint64_t difference(const uint64_t *at, const unsigned order)
{
    switch (order) {
    case 0:
        return at[0];
    case 1:
        return at[0] - at[-1];
    default:
        return at[0] - 2 * at[-1] + at[-2];
    }
}

GM_INLINE void widen(const uint64_t *row, const unsigned order, const int lanes, extremes *found)
{
    for (int lane = 0; lane < lanes; lane++) {
        int64_t value = (int64_t)difference(row + lane, order);
        int64_t low = found->low[order][lane], high = found->high[order][lane];
        found->low[order][lane] = value < low ? value : low;
        found->high[order][lane] = value > high ? value : high;
    }
}

GM_KERNEL static void series_code_extremes(const uint64_t *chunk, size_t row_count, extremes *out)
{
    extremes found = *out;
    for (size_t row = 0; row < row_count; row++) {
        widen(chunk + row * LANES, 0, LANES, &found);
        widen(chunk + row * LANES, 1, LANES, &found);
        widen(chunk + row * LANES, 2, LANES, &found);
    }
    *out = found;
}

// The lowest of all lanes, and the third lowest: where a few outliers do not reach.
static void lowest(const int64_t lanes[LANES], int64_t *least, int64_t *bulk)
{
    int64_t first = INT64_MAX, second = INT64_MAX, third = INT64_MAX;
    for (int lane = 0; lane < LANES; lane++) {
        int64_t value = lanes[lane], rest = value > first ? value : first;
        first = value < first ? value : first;
        int64_t last = rest > second ? rest : second;
        second = rest < second ? rest : second;
        third = last < third ? last : third;
    }
    *least = first;
    *bulk = third;
}

static spread spread_of(const int64_t low[LANES], const int64_t high[LANES])
{
    spread found;
    lowest(low, &found.low, &found.bulk_low);
    int64_t mirrored[LANES], most, bulk;
    for (int lane = 0; lane < LANES; lane++) {
        mirrored[lane] = ~high[lane]; // as -high, without overflow
    }
    lowest(mirrored, &most, &bulk);
    found.high = ~most;
    found.bulk_high = ~bulk;
    return found;
}

static unsigned full_width(const spread *of)
{
    return bits_of((uint64_t)of->high - (uint64_t)of->low);
}

// That of the bulk, or of all where lanes without codes leave no bulk.
static unsigned bulk_width(const spread *of)
{
    return of->bulk_high < of->bulk_low ? full_width(of)
                                        : bits_of((uint64_t)of->bulk_high - (uint64_t)of->bulk_low);
}

// Looks for the width at which packed bits and patches together are fewest, remainders being taken
// around the middle of the bulk.
static void plan_patches(const uint64_t *chunk, size_t count, const spread *of, chunk_plan *plan)
{
    uint16_t with_bits[GM_BITS_WIDTH_MAX + 1] = { 0 };
    uint64_t middle =
        (uint64_t)of->bulk_low + ((uint64_t)of->bulk_high - (uint64_t)of->bulk_low + 1) / 2;
    for (size_t index = 0; index < count; index++) {
        uint64_t value = difference(chunk + index, plan->order);
        with_bits[bits_of(gm_zigzag(value - middle))]++;
    }
    size_t best = plan->width * count, outliers = 0;
    for (unsigned width = GM_BITS_WIDTH_MAX; width-- > 0;) {
        outliers += with_bits[width + 1];
        size_t size = width * count + outliers * PATCH_BITS;
        if (size < best) {
            best = size;
            plan->width = width;
            plan->low = middle - (width == 0 ? 0 : UINT64_C(1) << (width - 1));
            plan->patched = outliers > 0;
        }
    }
}

static chunk_plan plan_chunk(const uint64_t *chunk, size_t count)
{
    extremes found;
    for (int order = 0; order < ORDER_COUNT; order++) {
        for (int lane = 0; lane < LANES; lane++) {
            found.low[order][lane] = INT64_MAX;
            found.high[order][lane] = INT64_MIN;
        }
    }
    size_t whole = count / LANES;
    series_code_extremes(chunk, whole, &found);
    for (unsigned order = 0; order < ORDER_COUNT; order++) {
        widen(chunk + whole * LANES, order, (int)(count % LANES), &found);
    }
    spread spreads[ORDER_COUNT];
    chunk_plan plan = { 0 };
    unsigned best = UINT32_MAX;
    for (unsigned order = 0; order < ORDER_COUNT; order++) {
        spreads[order] = spread_of(found.low[order], found.high[order]);
        unsigned full = full_width(&spreads[order]), bulk = bulk_width(&spreads[order]) + 1;
        unsigned expected = full < bulk ? full : bulk;
        if (expected < best) {
            best = expected;
            plan.order = order;
        }
    }
    const spread *chosen = &spreads[plan.order];
    plan.width = full_width(chosen);
    plan.low = (uint64_t)chosen->low;
    if (plan.width > bulk_width(chosen) + 1) {
        plan_patches(chunk, count, chosen, &plan);
    }
    return plan;
}

GM_INLINE void subtract(const uint64_t *chunk, const unsigned order, uint64_t low, uint64_t *out)
{
    for (size_t index = 0; index < GM_CHUNK; index++) {
        out[index] = difference(chunk + index, order) - low;
    }
}

GM_KERNEL static void series_code_remainders(const uint64_t *chunk, chunk_plan plan, uint64_t *out)
{
    if (plan.order == 0) {
        subtract(chunk, 0, plan.low, out);
    } else if (plan.order == 1) {
        subtract(chunk, 1, plan.low, out);
    } else {
        subtract(chunk, 2, plan.low, out);
    }
}

static void write_packed(const uint64_t *remainders, size_t count, unsigned width, gm_string *out)
{
    size_t size = gm_bits_size(count, width);
    gm_string_reserve(out, size);
    if (!out->failed) {
        gm_bits_pack(remainders, count, width, (unsigned char *)out->data + out->size);
        out->size += size;
        out->data[out->size] = 0;
    }
}

// What the low `width` bits of a remainder leave over.
static uint64_t above(uint64_t remainder, unsigned width)
{
    return (uint64_t)((int64_t)remainder >> width);
}

static void write_patches(const uint64_t *remainders, size_t count, unsigned width, gm_string *out)
{
    size_t patch_count = 0;
    for (size_t index = 0; index < count; index++) {
        patch_count += above(remainders[index], width) != 0;
    }
    gm_pack_varint(out, patch_count);
    for (size_t index = 0; index < count; index++) {
        uint64_t rest = above(remainders[index], width);
        if (rest != 0) {
            gm_pack_u8(out, (uint8_t)index);
            gm_pack_varint(out, gm_zigzag(rest));
        }
    }
}

void gm_codes_write(gm_codes *codes, size_t count, gm_string *out)
{
    GM_REQUIRE(count > 0 && count <= GM_CHUNK);
    const uint64_t *chunk = gm_codes_chunk(codes);
    chunk_plan plan = plan_chunk(chunk, count);
    uint64_t remainders[GM_CHUNK];
    series_code_remainders(chunk, plan, remainders); // behind `count` of what is there: not used
    gm_pack_u8(out, (uint8_t)(plan.width | (plan.patched ? PATCHED : 0)));
    gm_pack_u8(out, (uint8_t)plan.order);
    gm_pack_varint(out, gm_zigzag(plan.low));
    write_packed(remainders, count, plan.width, out);
    if (plan.patched) {
        write_patches(remainders, count, plan.width, out);
    }
    gm_codes_next(codes, count);
}

static void read_patches(gm_unpack *record, unsigned width, size_t count, uint64_t *remainders)
{
    uint64_t patch_count = gm_unpack_varint(record);
    if (patch_count > count || width == GM_BITS_WIDTH_MAX) {
        record->failed = true;
    }
    for (uint64_t patch = 0; patch < patch_count && !record->failed; patch++) {
        size_t index = gm_unpack_u8(record);
        uint64_t rest = gm_unzigzag(gm_unpack_varint(record));
        if (index >= count) {
            record->failed = true;
        } else {
            remainders[index] += rest << width;
        }
    }
}

GM_KERNEL static void series_code_levels(uint64_t *chunk, uint64_t low)
{
    for (size_t index = 0; index < GM_CHUNK; index++) {
        chunk[index] += low;
    }
}

static void restore(gm_codes *codes, size_t count, unsigned order, uint64_t low)
{
    uint64_t *chunk = gm_codes_chunk(codes);
    uint64_t last = codes->code[1], slope = last - codes->code[0];
    if (order == 0) {
        series_code_levels(chunk, low);
    } else if (order == 1) {
        for (size_t index = 0; index < count; index++) {
            last += chunk[index] + low;
            chunk[index] = last;
        }
    } else {
        for (size_t index = 0; index < count; index++) {
            slope += chunk[index] + low;
            last += slope;
            chunk[index] = last;
        }
    }
}

void gm_codes_read(gm_codes *codes, size_t count, gm_unpack *record)
{
    GM_REQUIRE(count > 0 && count <= GM_CHUNK);
    unsigned width = gm_unpack_u8(record), order = gm_unpack_u8(record);
    bool patched = (width & PATCHED) != 0;
    width &= PATCHED - 1;
    uint64_t low = gm_unzigzag(gm_unpack_varint(record));
    if (width > GM_BITS_WIDTH_MAX || order >= ORDER_COUNT) {
        record->failed = true;
    }
    gm_text packed = gm_unpack_bytes(record, gm_bits_size(count, width));
    if (record->failed) {
        return;
    }
    uint64_t *chunk = gm_codes_chunk(codes);
    gm_bits_unpack((const unsigned char *)packed.data, count, width, chunk);
    if (patched) {
        read_patches(record, width, count, chunk);
    }
    restore(codes, count, order, low);
}

void gm_codes_next(gm_codes *codes, size_t count)
{
    GM_REQUIRE(count > 0 && count <= GM_CHUNK);
    memmove(codes->code, codes->code + count, GM_CODES_BEFORE * sizeof codes->code[0]);
}
