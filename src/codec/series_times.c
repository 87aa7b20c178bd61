// Columns of times: the format is in series_times.h.
#include "codec/series_times.h"

#include "base/cpu_levels.h"
#include "base/double_bits.h"
#include "base/require.h"
#include "codec/series_codes.h"

enum {
    UNIT_EXPONENT_MAX = 9,
    FRACTION_BITS = 16,
    COUNT_MAX = 1 << FRACTION_BITS,
    STRETCHES = 8, // of a block whose slopes are compared
    LOOKED_AT = 16,
};

#define REST_MAX (UINT64_C(1) << 50) // ns that a time may be off the line in larger units

static const uint64_t units[UNIT_EXPONENT_MAX + 1] = { 1,         10,        100,     1000,
                                                       10000,     100000,    1000000, 10000000,
                                                       100000000, 1000000000 };

// A line in units, times are `first_ns` and a number of units.
typedef struct beat {
    uint64_t first_ns, unit;
    uint64_t whole;    // of the period, units
    uint64_t fraction; // of the period, 1/65536 units
    unsigned exponent; // of the unit
} beat;

// --- the unit and the period

// The largest unit, at most of exponent `most`, that divides the difference.
static unsigned unit_of(uint64_t difference, unsigned most)
{
    while (difference % units[most] != 0) {
        most--;
    }
    return most;
}

static uint64_t distance(int64_t from, int64_t to)
{
    return to >= from ? (uint64_t)to - (uint64_t)from : (uint64_t)from - (uint64_t)to;
}

static int64_t time_at(const gm_times *times, size_t index)
{
    uint64_t since_ns = times->since_ns == NULL ? 0 : (uint64_t)times->since_ns[index];
    return (int64_t)((uint64_t)times->time_ns[index] - since_ns);
}

// Looks at every stride-th time.
static unsigned common_unit(const gm_times *times, size_t stride)
{
    unsigned exponent = UNIT_EXPONENT_MAX;
    for (size_t index = 0; index < times->count && exponent > 0; index += stride) {
        exponent = unit_of(distance(time_at(times, 0), time_at(times, index)), exponent);
    }
    return exponent;
}

// Of a line through two of the times: whole nanoseconds, rounded down, and 1/65536 ns.
typedef struct slope {
    int64_t whole_ns;
    uint64_t fraction;
} slope;

static slope slope_of(const gm_times *times, size_t from, size_t to)
{
    slope found = { 0 };
    int64_t rise_ns, run = (int64_t)(to - from);
    if (run == 0 || __builtin_sub_overflow(time_at(times, to), time_at(times, from), &rise_ns)) {
        return found;
    }
    found.whole_ns = rise_ns / run - (rise_ns % run < 0);
    int64_t rest = rise_ns % run;
    found.fraction = ((uint64_t)(rest < 0 ? rest + run : rest) << FRACTION_BITS) / (uint64_t)run;
    return found;
}

// The mean slope, or the median of the stretches' where a gap has shifted the mean.
static slope typical_slope(const gm_times *times)
{
    slope mean = slope_of(times, 0, times->count - 1);
    size_t stretch = (times->count - 1) / STRETCHES;
    if (stretch == 0) {
        return mean;
    }
    slope slopes[STRETCHES];
    for (size_t index = 0; index < STRETCHES; index++) {
        slope next = slope_of(times, index * stretch, (index + 1) * stretch);
        size_t at = index;
        for (; at > 0 && slopes[at - 1].whole_ns > next.whole_ns; at--) {
            slopes[at] = slopes[at - 1];
        }
        slopes[at] = next;
    }
    slope median = slopes[STRETCHES / 2];
    bool shifted = distance(median.whole_ns, mean.whole_ns) >
                   distance(slopes[1].whole_ns, slopes[STRETCHES - 2].whole_ns);
    return shifted ? median : mean;
}

static beat beat_of(const gm_times *times, unsigned exponent)
{
    beat found = { .first_ns = (uint64_t)time_at(times, 0), .exponent = exponent };
    found.unit = units[exponent];
    slope period = typical_slope(times);
    int64_t unit = (int64_t)found.unit;
    int64_t whole = period.whole_ns / unit - (period.whole_ns % unit < 0);
    uint64_t rest_ns = (uint64_t)period.whole_ns - (uint64_t)whole * found.unit; // under a unit
    found.whole = (uint64_t)whole;
    found.fraction = (rest_ns << FRACTION_BITS | period.fraction) / found.unit;
    return found;
}

// --- writing

// @return 0 when every time is a whole number of units off the first one
GM_KERNEL static uint64_t series_time_codes(const int64_t *times_ns, beat of, size_t from,
                                            size_t count, uint64_t *codes)
{
    const uint64_t step_ns = of.whole * of.unit;
    const double per_unit = 1.0 / (double)of.unit, unit_ns = (double)of.unit;
    uint64_t wrong = 0, line_ns = of.first_ns + from * step_ns, fractions = from * of.fraction;
    for (size_t index = 0; index < count; index++) {
        uint64_t rest = (uint64_t)times_ns[index] - line_ns;
        double rest_ns = gm_of_bits(rest + GM_ROUNDING_BITS) - GM_ROUNDING;
        double off = rest_ns * per_unit + GM_ROUNDING;
        wrong |= (rest + REST_MAX) / (2 * REST_MAX);
        wrong |= (off - GM_ROUNDING) * unit_ns != rest_ns;
        codes[index] = gm_bits_of(off) - GM_ROUNDING_BITS - (fractions >> FRACTION_BITS);
        line_ns += step_ns;
        fractions += of.fraction;
    }
    return wrong;
}

// Nanoseconds: exact, whatever the times.
GM_KERNEL static void series_time_codes_ns(const int64_t *times_ns, beat of, size_t from,
                                           size_t count, uint64_t *codes)
{
    uint64_t line_ns = of.first_ns + from * of.whole, fractions = from * of.fraction;
    for (size_t index = 0; index < count; index++) {
        codes[index] = (uint64_t)times_ns[index] - line_ns - (fractions >> FRACTION_BITS);
        line_ns += of.whole;
        fractions += of.fraction;
    }
}

// @return false, with `out` as it was, when the unit does not divide all times
static bool write_column(const gm_times *times, beat of, gm_string *out)
{
    size_t start = out->size;
    gm_pack_varint(out, gm_zigzag(of.first_ns - (uint64_t)times->origin_ns));
    gm_pack_u8(out, (uint8_t)of.exponent);
    gm_pack_varint(out, gm_zigzag(of.whole));
    gm_pack_u16(out, (uint16_t)of.fraction);
    gm_codes codes = { 0 };
    int64_t lags_ns[GM_CHUNK];
    for (size_t from = 0; from < times->count; from += GM_CHUNK) {
        size_t taken = times->count - from < GM_CHUNK ? times->count - from : GM_CHUNK;
        const int64_t *chunk_ns = times->time_ns + from;
        if (times->since_ns != NULL) {
            for (size_t index = 0; index < taken; index++) {
                lags_ns[index] = time_at(times, from + index);
            }
            chunk_ns = lags_ns;
        }
        uint64_t *chunk = gm_codes_chunk(&codes);
        if (of.unit == 1) {
            series_time_codes_ns(chunk_ns, of, from, taken, chunk);
        } else if (series_time_codes(chunk_ns, of, from, taken, chunk) != 0) {
            out->size = start;
            return false;
        }
        gm_codes_write(&codes, taken, out);
    }
    return true;
}

void gm_series_times_write(const gm_times *times, gm_string *out)
{
    GM_REQUIRE(times->count > 0 && times->count <= COUNT_MAX);
    unsigned exponent = common_unit(times, 1 + times->count / LOOKED_AT);
    if (!write_column(times, beat_of(times, exponent), out)) {
        exponent = common_unit(times, 1);
        if (!write_column(times, beat_of(times, exponent), out)) {
            write_column(times, beat_of(times, 0), out);
        }
    }
}

// --- reading

GM_KERNEL static void series_time_lines(const uint64_t *codes, beat of, size_t from, size_t count,
                                        int64_t *times_ns)
{
    const uint64_t step_ns = of.whole * of.unit;
    uint64_t line_ns = of.first_ns + from * step_ns, fractions = from * of.fraction;
    for (size_t index = 0; index < count; index++) {
        uint64_t off = codes[index] + (fractions >> FRACTION_BITS);
        times_ns[index] = (int64_t)(line_ns + off * of.unit);
        line_ns += step_ns;
        fractions += of.fraction;
    }
}

static void add_times(const int64_t *lags_ns, size_t count, int64_t *times_ns)
{
    for (size_t index = 0; index < count; index++) {
        times_ns[index] = (int64_t)((uint64_t)times_ns[index] + (uint64_t)lags_ns[index]);
    }
}

void gm_series_times_read(gm_unpack *bytes, gm_times_form form, size_t count, int64_t *times_ns)
{
    GM_REQUIRE(count > 0 && count <= COUNT_MAX);
    beat of = { .first_ns = (uint64_t)form.origin_ns + gm_unzigzag(gm_unpack_varint(bytes)) };
    of.exponent = gm_unpack_u8(bytes);
    of.whole = gm_unzigzag(gm_unpack_varint(bytes));
    of.fraction = gm_unpack_u16(bytes);
    if (of.exponent > UNIT_EXPONENT_MAX) {
        bytes->failed = true;
        return;
    }
    of.unit = units[of.exponent];
    gm_codes codes = { 0 };
    int64_t lags_ns[GM_CHUNK];
    for (size_t from = 0; from < count && !bytes->failed; from += GM_CHUNK) {
        size_t taken = count - from < GM_CHUNK ? count - from : GM_CHUNK;
        int64_t *chunk_ns = form.add ? lags_ns : times_ns + from;
        gm_codes_read(&codes, taken, bytes);
        series_time_lines(gm_codes_chunk(&codes), of, from, taken, chunk_ns);
        if (form.add) {
            add_times(lags_ns, taken, times_ns + from);
        }
        gm_codes_next(&codes, taken);
    }
}
