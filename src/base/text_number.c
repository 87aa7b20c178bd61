// Numbers in text, without a locale and without rounding twice.
//
// A decimal is digits * 10^exponent with at most 19 digits. Where 10^|exponent| fits into 64 bits,
// the scaling is done exactly in 128-bit integers and rounded once; all measured values are of that
// kind. Anything else goes through the C library's strtod in the "C" locale, which is exact and
// slow. The shortest text of a double is found by asking for 15, 16, 17 digits and reading back: no
// two decimals of 15 digits are the same double, and 17 digits always suffice (D. W. Matula, Comm.
// ACM 11 (1968) 47-50).
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "base/text.h"

typedef unsigned __int128 uint128;

enum {
    DIGITS_MAX = 19,   // any 19 decimal digits fit into 64 bits
    POWER_MAX = 19,    // 10^19 < 2^64
    SLOW_DIGITS = 800, // 768 significant digits decide every rounding, and one more for the rest
    EXPONENT_LIMIT = 1000000, // beyond it lies 0 or infinity, whatever SLOW_DIGITS digits say
    TEXT_SIZE = 32,           // of gm_text_from_f64
};

static const int64_t written_power_limit =
    INT64_C(1000000000000000); // more than any text has digits

static const uint64_t power_of_ten[POWER_MAX + 1] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

static const double exact_power[] = { 1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                      1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                      1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22 };
enum { EXACT_POWER_MAX = 22 };

// A number as it is written.
typedef struct decimal {
    uint64_t digits;  // the first 19 significant ones
    int64_t exponent; // of ten, for `digits`
    bool negative;
    bool exact;      // no digit behind the nineteenth, or only zeros
    gm_text written; // digits and point, without sign and exponent
    int64_t power;   // of ten, as written behind the 'e'
} decimal;

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

// Bytes of "e+12" at the start of [at, end); 0 when there is none.
static size_t scan_exponent(const char *at, const char *end, int64_t *power)
{
    const char *start = at;
    if (at == end || (*at != 'e' && *at != 'E')) {
        return 0;
    }
    at++;
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) {
        at++;
    }
    if (at == end || !is_digit(*at)) {
        return 0;
    }
    int64_t sum = 0;
    for (; at < end && is_digit(*at); at++) {
        sum = sum < written_power_limit ? sum * 10 + (*at - '0') : sum;
    }
    *power = negative ? -sum : sum;
    return (size_t)(at - start);
}

// Bytes of a number at the start of `text`; 0 when there is none.
static size_t scan_decimal(gm_text text, decimal *number)
{
    const char *at = text.data, *end = text.data + text.size;
    decimal read = { .exact = true };
    if (at < end && (*at == '-' || *at == '+')) {
        read.negative = *at == '-';
        at++;
    }
    const char *start = at, *point = NULL;
    size_t count = 0; // of digits
    int significant = 0;
    for (; at < end; at++) {
        if (is_digit(*at)) {
            count++;
            if (significant < DIGITS_MAX) {
                read.digits = read.digits * 10 + (uint64_t)(*at - '0');
                significant += read.digits != 0;
                read.exponent -= point != NULL;
            } else {
                read.exact = read.exact && *at == '0';
                read.exponent += point == NULL;
            }
        } else if (*at == '.' && !point) {
            point = at;
        } else {
            break;
        }
    }
    if (count == 0) {
        return 0;
    }
    read.written = (gm_text){ start, (size_t)(at - start) };
    at += scan_exponent(at, end, &read.power);
    read.exponent += read.power;
    *number = read;
    return (size_t)(at - text.data);
}

static double two_to(int power)
{
    uint64_t bits = (uint64_t)(power + DBL_MAX_EXP - 1) << (DBL_MANT_DIG - 1);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// wide * 2^binary, a little more when `rest`, to nearest, ties to even; wide has more than 53 bits.
static double round_wide(uint128 wide, bool rest, int binary)
{
    uint64_t high = (uint64_t)(wide >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)wide);
    int shift = bits - DBL_MANT_DIG;
    GM_REQUIRE(shift > 0);
    uint64_t mantissa = (uint64_t)(wide >> shift);
    uint128 half = (uint128)1 << (shift - 1), below = wide & ((half << 1) - 1);
    bool up = below > half || (below == half && (rest || (mantissa & 1)));
    return (double)(mantissa + up) * two_to(shift + binary);
}

// digits * 10^exponent, correctly rounded; false when that needs more than 128 bits.
static bool scale_fast(uint64_t digits, int64_t exponent, double *value)
{
    if (digits <= UINT64_C(1) << DBL_MANT_DIG && exponent >= -EXACT_POWER_MAX &&
        exponent <= EXACT_POWER_MAX) {
        double whole = (double)digits;
        *value = exponent < 0 ? whole / exact_power[-exponent] : whole * exact_power[exponent];
        return true;
    }
    if (digits == 0) {
        *value = 0.0;
        return true;
    }
    if (exponent < -POWER_MAX || exponent > POWER_MAX) {
        return false;
    }
    if (exponent >= 0) {
        *value = round_wide((uint128)digits * power_of_ten[exponent], false, 0);
        return true;
    }
    // the quotient keeps at least 64 bits, so its remainder is far below the rounding's half
    int shift = __builtin_clzll(digits) + 64;
    uint128 dividend = (uint128)digits << shift;
    uint64_t divisor = power_of_ten[-exponent];
    uint128 quotient = dividend / divisor;
    *value = round_wide(quotient, quotient * divisor != dividend, -shift);
    return true;
}

// The C library on the digits alone, so that the length of the text does not matter.
static double scale_slow(const decimal *number)
{
    char text[SLOW_DIGITS + 32];
    size_t used = 0;
    int64_t exponent = number->power;
    bool point = false, rest = false;
    for (size_t at = 0; at < number->written.size; at++) {
        char c = number->written.data[at];
        if (c == '.') {
            point = true;
        } else if (used < SLOW_DIGITS) {
            used += used > 0 || c != '0';
            text[used > 0 ? used - 1 : 0] = c;
            exponent -= point;
        } else {
            rest = rest || c != '0';
            exponent += !point;
        }
    }
    if (rest) {
        text[used++] = '1'; // stands for all digits cut off: they only break ties
        exponent--;
    }
    if (used == 0) {
        return 0.0;
    }
    exponent = exponent > EXPONENT_LIMIT ? EXPONENT_LIMIT : exponent;
    exponent = exponent < -EXPONENT_LIMIT ? -EXPONENT_LIMIT : exponent;
    snprintf(text + used, sizeof text - used, "e%d", (int)exponent);
    locale_t c_locale =
        newlocale(LC_ALL_MASK, "C", (locale_t)0); // a constant of the C library: costs nothing
    GM_REQUIRE(c_locale != (locale_t)0);
    double value = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return value;
}

size_t gm_text_scan_f64(gm_text text, double *value)
{
    decimal number;
    size_t size = text.size > 0 ? scan_decimal(text, &number) : 0;
    if (size == 0) {
        return 0;
    }
    double magnitude = 0.0, above = 0.0;
    bool known = scale_fast(number.digits, number.exponent, &magnitude);
    if (known && !number.exact) {
        known = scale_fast(number.digits + 1, number.exponent, &above) && above == magnitude;
    }
    if (!known) {
        magnitude = scale_slow(&number);
    }
    if (!isfinite(magnitude)) {
        return 0;
    }
    *value = number.negative ? -magnitude : magnitude;
    return size;
}

bool gm_text_to_f64(gm_text text, double *value)
{
    double read = 0.0;
    if (text.size == 0 || gm_text_scan_f64(text, &read) != text.size) {
        return false;
    }
    *value = read;
    return true;
}

bool gm_text_to_i64(gm_text text, int64_t *value)
{
    if (text.size == 0) {
        return false;
    }
    const char *at = text.data, *end = text.data + text.size;
    bool negative = *at == '-';
    if (*at == '-' || *at == '+') {
        at++;
    }
    if (at == end) {
        return false;
    }
    int64_t sum = 0; // negative, whose range is the larger
    for (; at < end; at++) {
        if (!is_digit(*at) || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_sub_overflow(sum, *at - '0', &sum)) {
            return false;
        }
    }
    if (!negative && sum == INT64_MIN) {
        return false;
    }
    *value = negative ? sum : -sum;
    return true;
}

// What a double is read back from.
typedef struct shortest {
    uint64_t digits;
    int exponent;
} shortest;

static bool reads_back(double value, uint64_t digits, int exponent)
{
    double read = 0.0;
    if (scale_fast(digits, exponent, &read)) {
        return read == value;
    }
    char text[48];
    snprintf(text, sizeof text, "%llue%d", (unsigned long long)digits, exponent);
    return gm_text_to_f64(gm_text_of(text), &read) && read == value;
}

// `count` digits of value > 0, rounded to nearest, by 128-bit integers; false when they do not
// suffice.
static bool digits_fast(double value, int count, shortest *out)
{
    if (!(value >= 1e-4 && value < 1e17)) {
        return false;
    }
    int first = -4; // power of ten of the first digit
    while (first < 0 ? value >= 1.0 / exact_power[-first - 1] : value >= exact_power[first + 1]) {
        first++;
    }
    int places = count - 1 - first;
    if (places < 0 || places > POWER_MAX) {
        return false;
    }
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint64_t hidden = UINT64_C(1) << (DBL_MANT_DIG - 1);
    uint128 scaled = (uint128)((bits & (hidden - 1)) | hidden) * power_of_ten[places];
    int binary = (int)(bits >> (DBL_MANT_DIG - 1)) - (DBL_MAX_EXP - 1) - (DBL_MANT_DIG - 1);
    if (binary >= 0) {
        *out = (shortest){ (uint64_t)(scaled << binary), -places };
    } else {
        uint128 half = (uint128)1 << (-binary - 1);
        *out = (shortest){ (uint64_t)((scaled + half) >> -binary), -places };
    }
    return true;
}

// The same by the C library, whose decimal point may be any locale's: only its digits are read.
static void digits_slow(double value, int count, shortest *out)
{
    char text[64];
    snprintf(text, sizeof text, "%.*e", count - 1, value);
    char *power = strrchr(text, 'e');
    GM_REQUIRE(power != NULL);
    uint64_t digits = 0;
    for (const char *at = text; at < power; at++) {
        digits = is_digit(*at) ? digits * 10 + (uint64_t)(*at - '0') : digits;
    }
    int64_t exponent = 0;
    gm_text_to_i64(gm_text_of(power + 1), &exponent);
    *out = (shortest){ digits, (int)exponent - (count - 1) };
}

static shortest find_shortest(double value)
{
    shortest found = { 0 };
    for (int count = value < DBL_MIN ? 1 : DBL_DIG; count <= 17; count++) {
        if (!digits_fast(value, count, &found)) {
            digits_slow(value, count, &found);
        }
        if (reads_back(value, found.digits, found.exponent)) {
            break;
        }
        // below a power of two doubles lie closer: the nearest decimal may miss where the next
        // above does not
        if (reads_back(value, found.digits + 1, found.exponent)) {
            found.digits++;
            break;
        }
    }
    while (found.digits % 10 == 0) {
        found.digits /= 10;
        found.exponent++;
    }
    return found;
}

// "123.45", "0.00012", "120": the digits with a point between or zeros around them.
static size_t write_plain(const char *digits, int count, int exponent, char *out)
{
    char *at = out;
    int before = count + exponent; // digits in front of the point
    if (before <= 0) {
        *at++ = '0';
        *at++ = '.';
        for (int zero = before; zero < 0; zero++) {
            *at++ = '0';
        }
    }
    for (int index = 0; index < count; index++) {
        if (index == before && index > 0) {
            *at++ = '.';
        }
        *at++ = digits[index];
    }
    for (int zero = count; zero < before; zero++) {
        *at++ = '0';
    }
    *at = 0;
    return (size_t)(at - out);
}

static size_t write_scientific(const char *digits, int count, int exponent, char *out)
{
    size_t used = write_plain(digits, count, 1 - count, out);
    return used + (size_t)snprintf(out + used, 8, "e%d", exponent + count - 1);
}

size_t gm_text_from_f64(double value, char buffer[32])
{
    if (!isfinite(value) || value == 0.0) {
        const char *name = isnan(value) ? "nan" : value == 0.0 ? "0" : "inf";
        return (size_t)snprintf(buffer, TEXT_SIZE, "%s%s",
                                signbit(value) && !isnan(value) ? "-" : "", name);
    }
    shortest found = find_shortest(fabs(value));
    char digits[DIGITS_MAX + 1];
    int count = 0;
    for (uint64_t left = found.digits; left > 0; left /= 10) {
        count++;
    }
    uint64_t left = found.digits;
    for (int index = count - 1; index >= 0; index--) {
        digits[index] = (char)('0' + left % 10);
        left /= 10;
    }
    size_t sign = value < 0.0;
    buffer[0] = '-';
    int first = count + found.exponent - 1; // power of ten of the first digit
    bool plain = first >= -5 && first <= 16;
    return sign +
           (plain ? write_plain : write_scientific)(digits, count, found.exponent, buffer + sign);
}
