// Columns of doubles: the format is in series_values.h.
#include "codec/series_values.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/cpu_levels.h"
#include "base/double_bits.h"
#include "base/require.h"
#include "codec/series_codes.h"

enum scheme { CONSTANT = 1, PLAIN, DECIMAL, BITS };

enum {
    DIGITS_MAX = 18,
    NOT_DECIMAL = 255, // of a single value
    STEP_MAX = 7,      // units in the last place off a decimal
    LOOKED_AT = 16,    // values that the choice of digits looks at
    TRIES = 3,
    ODD_BITS = 88, // what a value costs that its scheme does not hold, about
};

#define SIGN (UINT64_C(1) << 63)
#define ODD  SIGN // in place of a step: the scheme does not hold the value

#define CODE_MAX 0x1p50

static const double powers[DIGITS_MAX + 1] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,
                                               1e7,  1e8,  1e9,  1e10, 1e11, 1e12, 1e13,
                                               1e14, 1e15, 1e16, 1e17, 1e18 };

typedef struct value_plan {
    enum scheme scheme;
    unsigned digits;    // decimal
    bool steps;         // decimal
    unsigned zero_bits; // bits
    uint64_t base;
} value_plan;

// Values that a plan did not hold, though finite: how many, and the first of them.
typedef struct odd_values {
    size_t count;
    double first[LOOKED_AT];
} odd_values;

// What goes from chunk to chunk.
typedef struct value_chunks {
    gm_codes codes, steps;
    uint8_t odd[GM_CHUNK]; // indices of the chunk's odd values
    uint64_t odd_bits;     // of the last odd value
} value_chunks;

// --- one value

typedef struct decimal {
    uint64_t code, step;
} decimal;

// The nearest code, and how far the value is from it in units of its last place; step is ODD where
// that is more than `step_max`.
GM_INLINE decimal decimal_of(double value, double power, uint64_t step_max)
{
    double scaled = value * power, shifted = scaled + GM_ROUNDING;
    uint64_t step = gm_bits_of(value) - gm_bits_of((shifted - GM_ROUNDING) / power);
    bool held = fabs(scaled) < CODE_MAX && step + step_max <= 2 * step_max;
    return (decimal){ .code = held ? gm_bits_of(shifted) - GM_ROUNDING_BITS : 0,
                      .step = held ? step : ODD };
}

GM_INLINE double decimal_value(uint64_t code, double power)
{
    return (gm_of_bits(code + GM_ROUNDING_BITS) - GM_ROUNDING) / power;
}

// The doubles' bits as whole numbers in the order of the values; -0 falls on 0.
GM_INLINE uint64_t level_of(double value)
{
    uint64_t bits = gm_bits_of(value);
    return (bits & SIGN) != 0 ? SIGN - bits : bits;
}

GM_INLINE double level_value(uint64_t level)
{
    return gm_of_bits((level & SIGN) != 0 ? SIGN - level : level);
}

void gm_series_value_write(double value, gm_string *out)
{
    for (unsigned digits = 0; digits <= DIGITS_MAX; digits++) {
        decimal found = decimal_of(value, powers[digits], 0);
        if (found.step == 0) {
            gm_pack_u8(out, (uint8_t)digits);
            gm_pack_varint(out, gm_zigzag(found.code));
            return;
        }
    }
    gm_pack_u8(out, NOT_DECIMAL);
    gm_pack_f64(out, value);
}

double gm_series_value_read(gm_unpack *bytes)
{
    unsigned digits = gm_unpack_u8(bytes);
    if (digits == NOT_DECIMAL) {
        return gm_unpack_f64(bytes);
    }
    if (digits > DIGITS_MAX) {
        bytes->failed = true;
        return 0.0;
    }
    return decimal_value(gm_unzigzag(gm_unpack_varint(bytes)), powers[digits]);
}

// --- the choice of a plan

static bool is_ordinary(double value)
{
    return isfinite(value) && value != 0.0;
}

// Bits a value takes beyond those that its range asks for under any scheme: a digit more is a
// finer grid.
static double decimal_cost(unsigned digits, unsigned step_bits, double odd_share)
{
    return 3.3219 * digits + step_bits + ODD_BITS * odd_share;
}

// How a number of digits fits the values looked at.
typedef struct digits_trial {
    uint64_t inexact, odd; // values with a step; with none that fits
    uint64_t steps;        // the steps, zigzag, bits of all together
} digits_trial;

GM_KERNEL static void series_try_digits(const double *looked_at, size_t count, unsigned digits,
                                        digits_trial *trial)
{
    const double power = powers[digits];
    uint64_t inexact = 0, odd = 0, steps = 0;
    for (size_t index = 0; index < count; index++) {
        uint64_t step = decimal_of(looked_at[index], power, STEP_MAX).step;
        inexact += step != 0;
        odd += step == ODD;
        steps |= step == ODD ? 0 : gm_zigzag(step);
    }
    *trial = (digits_trial){ inexact, odd, steps };
}

// @param looked_at  [count] ordinary values of the column, count may be 0
static value_plan cheapest_plan(const double *looked_at, size_t count)
{
    double largest = 0.0;
    for (size_t index = 0; index < count; index++) {
        largest = fmax(largest, fabs(looked_at[index]));
    }
    value_plan plan = { .scheme = count == 0 ? DECIMAL : BITS };
    double grid_bits = 52.0 - ilogb(largest), best = grid_bits < 64.0 ? grid_bits : 64.0;
    for (unsigned digits = 0; digits <= DIGITS_MAX && count > 0; digits++) {
        if (!(largest * powers[digits] < CODE_MAX)) {
            break;
        }
        digits_trial trial;
        series_try_digits(looked_at, count, digits, &trial);
        double cost = decimal_cost(digits, 0, (double)trial.inexact / (double)count);
        if (cost < best) {
            best = cost;
            plan = (value_plan){ .scheme = DECIMAL, .digits = digits };
        }
        if (trial.inexact == 0) {
            break;
        }
        unsigned step_bits = trial.steps == 0 ? 0 : 64 - (unsigned)__builtin_clzll(trial.steps);
        cost = decimal_cost(digits, step_bits, (double)trial.odd / (double)count);
        if (cost < best) {
            best = cost;
            plan = (value_plan){ .scheme = DECIMAL, .digits = digits, .steps = true };
        }
    }
    return plan;
}

static value_plan first_plan(const double *values, size_t count)
{
    double looked_at[LOOKED_AT] = { 0 };
    size_t stride = 1 + (count - 1) / LOOKED_AT, found = 0;
    for (size_t index = 0; index < count; index += stride) {
        looked_at[found] = values[index];
        found += is_ordinary(values[index]);
    }
    return cheapest_plan(looked_at, found);
}

// Looks at the values that did not fit. @return false where the plan was as good as any
static bool better_plan(value_plan *plan, const odd_values *odd, size_t count)
{
    size_t looked_at = odd->count < LOOKED_AT ? odd->count : LOOKED_AT;
    if (plan->scheme != DECIMAL || looked_at == 0) {
        return false;
    }
    value_plan other = cheapest_plan(odd->first, looked_at);
    if (other.scheme == BITS) {
        *plan = other;
        return odd->count > count / 2;
    }
    other.digits = other.digits > plan->digits ? other.digits : plan->digits;
    other.steps = other.steps || plan->steps;
    double share = (double)odd->count / (double)count;
    double now = decimal_cost(plan->digits, plan->steps ? 2 : 0, share);
    bool better = decimal_cost(other.digits, other.steps ? 2 : 0, 0.0) < now;
    *plan = other;
    return better;
}

// --- writing

GM_INLINE size_t code_decimals(const double *values, size_t count, const value_plan *plan,
                               value_chunks *chunks, const uint64_t step_max)
{
    const double power = powers[plan->digits];
    const uint64_t base = plan->base;
    uint64_t *codes = gm_codes_chunk(&chunks->codes), *steps = gm_codes_chunk(&chunks->steps);
    size_t odd = 0;
    for (size_t index = 0; index < count; index++) {
        decimal found = decimal_of(values[index], power, step_max);
        codes[index] = found.code - base;
        steps[index] = found.step;
        odd += found.step == ODD;
    }
    return odd;
}

GM_KERNEL static size_t series_decimal_codes(const double *values, size_t count,
                                             const value_plan *plan, value_chunks *chunks)
{
    return plan->steps ? code_decimals(values, count, plan, chunks, STEP_MAX)
                       : code_decimals(values, count, plan, chunks, 0);
}

GM_KERNEL static size_t series_level_codes(const double *values, size_t count,
                                           const value_plan *plan, value_chunks *chunks)
{
    const uint64_t base = plan->base;
    const unsigned zero_bits = plan->zero_bits;
    uint64_t *codes = gm_codes_chunk(&chunks->codes), *steps = gm_codes_chunk(&chunks->steps);
    size_t odd = 0;
    for (size_t index = 0; index < count; index++) {
        bool is_odd = gm_bits_of(values[index]) == SIGN;
        codes[index] = (uint64_t)((int64_t)(level_of(values[index]) - base) >> zero_bits);
        steps[index] = is_odd ? ODD : 0;
        odd += is_odd;
    }
    return odd;
}

GM_KERNEL static uint64_t series_level_bits(const double *values, size_t count, uint64_t base)
{
    uint64_t all = 0;
    for (size_t index = 0; index < count; index++) {
        all |= level_of(values[index]) - base;
    }
    return all;
}

// The first code of the column, and what all levels have in common with it.
static void set_base(const double *values, size_t count, value_plan *plan)
{
    if (plan->scheme == DECIMAL) {
        decimal found = { .step = ODD };
        for (size_t index = 0; index < count && found.step == ODD; index++) {
            uint64_t step_max = plan->steps ? STEP_MAX : 0;
            found = decimal_of(values[index], powers[plan->digits], step_max);
        }
        plan->base = found.code;
    } else {
        plan->base = level_of(values[0]);
        uint64_t all = series_level_bits(values, count, plan->base);
        plan->zero_bits = all == 0 ? 0 : (unsigned)__builtin_ctzll(all);
    }
}

// Codes and steps of odd values go on as those before them.
static size_t pass_over_odd(const double *values, size_t count, value_chunks *chunks,
                            odd_values *odd)
{
    uint64_t *codes = gm_codes_chunk(&chunks->codes), *steps = gm_codes_chunk(&chunks->steps);
    uint64_t code = chunks->codes.code[GM_CODES_BEFORE - 1];
    size_t found = 0;
    for (size_t index = 0; index < count; index++) {
        if (steps[index] != ODD) {
            code = codes[index];
            continue;
        }
        codes[index] = code;
        steps[index] = 0;
        chunks->odd[found++] = (uint8_t)index;
        if (is_ordinary(values[index])) {
            if (odd->count < LOOKED_AT) {
                odd->first[odd->count] = values[index];
            }
            odd->count++;
        }
    }
    return found;
}

static void write_odd(const double *values, size_t odd_count, value_chunks *chunks, gm_string *out)
{
    gm_pack_varint(out, odd_count);
    for (size_t at = 0; at < odd_count; at++) {
        uint64_t bits = gm_bits_of(values[chunks->odd[at]]);
        gm_pack_u8(out, chunks->odd[at]);
        gm_pack_varint(out, __builtin_bswap64(bits ^ chunks->odd_bits));
        chunks->odd_bits = bits;
    }
}

static void write_coded(const double *values, size_t count, const value_plan *plan, odd_values *odd,
                        gm_string *out)
{
    gm_pack_u8(out, (uint8_t)plan->scheme);
    if (plan->scheme == DECIMAL) {
        gm_pack_u8(out, (uint8_t)plan->digits);
        gm_pack_bool(out, plan->steps);
    } else {
        gm_pack_u8(out, (uint8_t)plan->zero_bits);
    }
    gm_pack_varint(out, gm_zigzag(plan->base));
    value_chunks chunks = { 0 };
    for (size_t from = 0; from < count; from += GM_CHUNK) {
        size_t taken = count - from < GM_CHUNK ? count - from : GM_CHUNK;
        size_t odd_count = plan->scheme == DECIMAL
                               ? series_decimal_codes(values + from, taken, plan, &chunks)
                               : series_level_codes(values + from, taken, plan, &chunks);
        if (odd_count > 0) {
            odd_count = pass_over_odd(values + from, taken, &chunks, odd);
        }
        gm_codes_write(&chunks.codes, taken, out);
        if (plan->steps) {
            gm_codes_write(&chunks.steps, taken, out);
        }
        write_odd(values + from, odd_count, &chunks, out);
    }
}

static bool is_constant(const double *values, size_t count)
{
    return memcmp(values, values + 1, (count - 1) * sizeof *values) == 0;
}

void gm_series_values_write(const double *values, size_t count, gm_string *out)
{
    GM_REQUIRE(count > 0);
    size_t start = out->size;
    if (is_constant(values, count)) {
        gm_pack_u8(out, CONSTANT);
        gm_pack_f64(out, values[0]);
        return;
    }
    value_plan plan = first_plan(values, count);
    for (int tries = 1;; tries++) {
        odd_values odd = { 0 };
        set_base(values, count, &plan);
        write_coded(values, count, &plan, &odd, out);
        if (tries == TRIES || out->failed || !better_plan(&plan, &odd, count)) {
            break;
        }
        out->size = start;
    }
    if (out->size - start > 1 + count * sizeof *values) {
        out->size = start;
        gm_pack_u8(out, PLAIN);
        gm_pack_f64s(out, values, count);
    }
}

// --- reading

GM_INLINE void decode_decimals(value_chunks *chunks, size_t count, const value_plan *plan,
                               double *values, const bool with_steps)
{
    const double power = powers[plan->digits];
    const uint64_t base = plan->base;
    const uint64_t *codes = gm_codes_chunk(&chunks->codes);
    const uint64_t *steps = gm_codes_chunk(&chunks->steps);
    for (size_t index = 0; index < count; index++) {
        double value = decimal_value(base + codes[index], power);
        values[index] = with_steps ? gm_of_bits(gm_bits_of(value) + steps[index]) : value;
    }
}

GM_KERNEL static void series_decimal_values(value_chunks *chunks, size_t count,
                                            const value_plan *plan, double *values)
{
    if (plan->steps) {
        decode_decimals(chunks, count, plan, values, true);
    } else {
        decode_decimals(chunks, count, plan, values, false);
    }
}

GM_KERNEL static void series_level_values(value_chunks *chunks, size_t count,
                                          const value_plan *plan, double *values)
{
    const uint64_t base = plan->base, *codes = gm_codes_chunk(&chunks->codes);
    const unsigned zero_bits = plan->zero_bits;
    for (size_t index = 0; index < count; index++) {
        values[index] = level_value(base + (codes[index] << zero_bits));
    }
}

static void read_odd(gm_unpack *bytes, size_t count, value_chunks *chunks, double *values)
{
    uint64_t odd_count = gm_unpack_varint(bytes);
    if (odd_count > count) {
        bytes->failed = true;
    }
    for (uint64_t at = 0; at < odd_count && !bytes->failed; at++) {
        size_t index = gm_unpack_u8(bytes);
        chunks->odd_bits ^= __builtin_bswap64(gm_unpack_varint(bytes));
        if (index >= count) {
            bytes->failed = true;
        } else {
            values[index] = gm_of_bits(chunks->odd_bits);
        }
    }
}

static void read_coded(gm_unpack *bytes, size_t count, value_plan plan, double *values)
{
    if (plan.scheme == DECIMAL) {
        plan.digits = gm_unpack_u8(bytes);
        plan.steps = gm_unpack_bool(bytes);
    } else {
        plan.zero_bits = gm_unpack_u8(bytes);
    }
    plan.base = gm_unzigzag(gm_unpack_varint(bytes));
    if (plan.digits > DIGITS_MAX || plan.zero_bits >= GM_BITS_WIDTH_MAX) {
        bytes->failed = true;
    }
    value_chunks chunks = { 0 };
    for (size_t from = 0; from < count && !bytes->failed; from += GM_CHUNK) {
        size_t taken = count - from < GM_CHUNK ? count - from : GM_CHUNK;
        gm_codes_read(&chunks.codes, taken, bytes);
        if (plan.steps) {
            gm_codes_read(&chunks.steps, taken, bytes);
            series_decimal_values(&chunks, taken, &plan, values + from);
            gm_codes_next(&chunks.steps, taken);
        } else if (plan.scheme == DECIMAL) {
            series_decimal_values(&chunks, taken, &plan, values + from);
        } else {
            series_level_values(&chunks, taken, &plan, values + from);
        }
        gm_codes_next(&chunks.codes, taken);
        read_odd(bytes, taken, &chunks, values + from);
    }
}

void gm_series_values_read(gm_unpack *bytes, size_t count, double *values)
{
    GM_REQUIRE(count > 0);
    unsigned scheme = gm_unpack_u8(bytes);
    if (scheme == CONSTANT) {
        double constant = gm_unpack_f64(bytes);
        for (size_t index = 0; index < count; index++) {
            values[index] = constant;
        }
    } else if (scheme == PLAIN) {
        gm_unpack_f64s(bytes, values, count);
    } else if (scheme == DECIMAL || scheme == BITS) {
        read_coded(bytes, count, (value_plan){ .scheme = scheme }, values);
    } else {
        bytes->failed = true;
    }
}
