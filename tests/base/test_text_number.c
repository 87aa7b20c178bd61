// Numbers in text: exact both ways, whatever the locale; the oracle is the C library in the "C"
// locale.
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <gemel/random.h>

#include "base/text.h"

enum { TRIAL_COUNT = 200000 };

static bool same_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

// Doubles of every size: any bits, measured values with few decimals, powers of two, and values of
// daily life.
static double some_double(uint64_t trial)
{
    gm_draw draw = { .occurrence = trial };
    uint32_t words[4];
    gm_random_words(gm_random_for(1, "doubles"), draw, words);
    uint64_t bits = (uint64_t)words[0] << 32 | words[1];
    double value = 0.0;
    switch (trial % 4) {
    case 0:
        memcpy(&value, &bits, sizeof value);
        return isfinite(value) ? value : 0.1;
    case 1:
        return (double)((int64_t)(bits % 20000000) - 10000000) / pow(10.0, words[2] % 7);
    case 2:
        return ldexp(1.0, (int)(words[2] % 2098) - 1074);
    default:
        return ldexp((double)(bits >> 11), (int)(words[2] % 60) - 75);
    }
}

static double c_library(const char *text)
{
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    double value = strtod_l(text, NULL, c_locale);
    freelocale(c_locale);
    return value;
}

static void reading_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < TRIAL_COUNT; trial++) {
        char text[1200];
        double value = some_double(trial);
        snprintf(text, sizeof text, trial % 5 == 0 ? "%.*f" : "%.*e", (int)(trial % 40), value);
        double expected = c_library(text), read = 0.0;
        assert_int_equal(gm_text_to_f64(gm_text_of(text), &read), isfinite(expected));
        assert_true(!isfinite(expected) || same_bits(read, expected));
    }
}

// The exact middle between two doubles, and a digit far behind it, decide a rounding at any length.
static void ties_round_to_even_however_long_the_text(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < 4000; trial++) {
        double value = fabs(some_double(trial));
        long double next = nextafter(value, INFINITY);
        if (!isfinite((double)next)) {
            continue;
        }
        char text[1300], longer[2600];
        snprintf(text, sizeof text, "%.1100Lf", ((long double)value + next) / 2.0L);
        snprintf(longer, sizeof longer, "%s%01000d1", text, 0);
        double read = 0.0;
        assert_true(gm_text_to_f64(gm_text_of(text), &read) && same_bits(read, c_library(text)));
        assert_true(gm_text_to_f64(gm_text_of(longer), &read) &&
                    same_bits(read, c_library(longer)));
    }
}

static void writing_reads_back_and_is_shortest(void **state)
{
    (void)state;
    for (uint64_t trial = 0; trial < TRIAL_COUNT; trial++) {
        double value = some_double(trial), read = 0.0;
        char text[32], shorter[64];
        size_t size = gm_text_from_f64(value, text);
        assert_int_equal(size, strlen(text));
        assert_true(gm_text_to_f64(gm_text_of(text), &read) && same_bits(read, value));
        assert_true(same_bits(c_library(text), value));
        int digits = 0, zeros = 0;
        for (const char *at = text; *at && *at != 'e'; at++) {
            bool digit = *at >= '0' && *at <= '9' && (digits > 0 || *at != '0');
            digits += digit;
            zeros = digit ? (*at == '0' ? zeros + 1 : 0) : zeros;
        }
        for (int count = 1; count < digits - zeros; count++) {
            snprintf(shorter, sizeof shorter, "%.*e", count - 1, value);
            assert_false(same_bits(c_library(shorter), value));
        }
    }
}

static void numbers_look_as_people_write_them(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        { 0.0, "0" },
        { -0.0, "-0" },
        { 1.0, "1" },
        { -1.5, "-1.5" },
        { 0.1, "0.1" },
        { 120.0, "120" },
        { 21.375, "21.375" },
        { 0.00012, "0.00012" },
        { 1e-5, "0.00001" },
        { 1e-6, "1e-6" },
        { 1.0 / 3.0, "0.3333333333333333" },
        { 0.1 + 0.2, "0.30000000000000004" },
        { 1e16, "10000000000000000" },
        { 1e17, "1e17" },
        { 1.25e300, "1.25e300" },
        { 5e-324, "5e-324" },
        { 0x1p-44, "5.684341886080802e-14" },
        { 9007199254740993.0, "9007199254740992" },
        { 1.7976931348623157e308, "1.7976931348623157e308" },
        { 2.2250738585072014e-308, "2.2250738585072014e-308" },
        { NAN, "nan" },
        { INFINITY, "inf" },
        { -INFINITY, "-inf" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        char text[32];
        gm_text_from_f64(cases[index].value, text);
        assert_string_equal(text, cases[index].text);
    }
}

static void what_is_not_exactly_one_finite_number_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "",
                                       "-",
                                       "+",
                                       ".",
                                       "e5",
                                       "-.e1",
                                       "1e",
                                       "1e+",
                                       "1,5",
                                       "1.2.3",
                                       " 1",
                                       "1 ",
                                       "--1",
                                       "0x10",
                                       "nan",
                                       "inf",
                                       "-inf",
                                       "1e309",
                                       "1e99999999999999999999",
                                       "1_0",
                                       "1f",
                                       "NaN",
                                       "1 2",
                                       "infinity" };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        double value = 42.0;
        assert_false(gm_text_to_f64(gm_text_of(bad[index]), &value));
        assert_true(value == 42.0);
    }
    static const struct {
        const char *text;
        double value;
    } good[] = { { "+1", 1.0 },
                 { ".5", 0.5 },
                 { "5.", 5.0 },
                 { "1E3", 1000.0 },
                 { "-0", -0.0 },
                 { "1e-400", 0.0 },
                 { "000000000000000000000000012", 12.0 },
                 { "0e999999999999999999999", 0.0 },
                 { "0.00000000000000000000000000000000000001e38", 1.0 } };
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        double value = 42.0;
        assert_true(gm_text_to_f64(gm_text_of(good[index].text), &value));
        assert_true(same_bits(value, good[index].value));
    }
}

static void a_million_digits_are_read_in_full(void **state)
{
    (void)state;
    enum { SIZE = 1000000 };
    char *text = malloc(SIZE + 16);
    assert_non_null(text);
    memset(text, '0', SIZE);
    memcpy(text, "0.", 2);
    memcpy(text + SIZE, "25e999998", 10); // behind 999,998 zeros
    double value = 0.0;
    assert_true(gm_text_to_f64(gm_text_of(text), &value));
    assert_true(value == 0.25);
    memset(text, '7', SIZE);
    memcpy(text + SIZE, "e-999999", 9);
    assert_true(gm_text_to_f64(gm_text_of(text), &value));
    assert_true(value == 7.0 + 7.0 / 9.0);
    free(text);
}

static void a_scan_stops_behind_the_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        double value;
    } cases[] = { { "3 s", 1, 3.0 },   { "20 %", 2, 20.0 }, { "1e3m", 3, 1000.0 },
                  { "2.5e", 3, 2.5 },  { "3eV", 1, 3.0 },   { "-4e+x", 2, -4.0 },
                  { "1.5.2", 3, 1.5 }, { "W", 0, 42.0 },    { "1e999 m", 0, 42.0 } };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        double value = 42.0;
        assert_int_equal(gm_text_scan_f64(gm_text_of(cases[index].text), &value),
                         cases[index].size);
        assert_true(value == cases[index].value);
    }
}

static void a_slice_is_never_read_past_its_end(void **state)
{
    (void)state;
    static const char number[] = "-12.5e+10";
    for (size_t size = 0; size < sizeof number; size++) {
        char *exact = malloc(size + (size == 0)); // the sanitizer watches its end
        assert_non_null(exact);
        memcpy(exact, number, size);
        double value = 0.0;
        int64_t whole = 0;
        gm_text_to_f64((gm_text){ exact, size }, &value);
        gm_text_to_i64((gm_text){ exact, size }, &whole);
        free(exact);
    }
}

static void whole_numbers_reach_both_ends_of_their_range(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } good[] = { { "0", 0 },
                 { "-0", 0 },
                 { "+12", 12 },
                 { "007", 7 },
                 { "9223372036854775807", INT64_MAX },
                 { "-9223372036854775808", INT64_MIN } };
    static const char *const bad[] = { "",
                                       "-",
                                       "+",
                                       "1.0",
                                       "1e3",
                                       " 1",
                                       "9223372036854775808",
                                       "-9223372036854775809",
                                       "99999999999999999999" };
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        int64_t value = 42;
        assert_true(gm_text_to_i64(gm_text_of(good[index].text), &value));
        assert_true(value == good[index].value);
    }
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        int64_t value = 42;
        assert_false(gm_text_to_i64(gm_text_of(bad[index]), &value));
        assert_int_equal(value, 42);
    }
}

// Debian's installation may hold no locale with a decimal comma; then there is nothing to see.
static void the_locale_does_not_matter(void **state)
{
    (void)state;
    static const char *const commas[] = { "de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8", "de_DE" };
    size_t index = 0;
    while (index < 4 && !setlocale(LC_ALL, commas[index])) {
        index++;
    }
    if (index == 4) {
        print_message("skipped: no locale with a decimal comma\n");
        return;
    }
    double value = 0.0;
    char text[32];
    assert_true(gm_text_to_f64(gm_text_of("1.5e-30"), &value) && value == 1.5e-30);
    gm_text_from_f64(1.5e-30, text);
    assert_string_equal(text, "1.5e-30");
    setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_agrees_with_the_c_library),
        cmocka_unit_test(ties_round_to_even_however_long_the_text),
        cmocka_unit_test(writing_reads_back_and_is_shortest),
        cmocka_unit_test(numbers_look_as_people_write_them),
        cmocka_unit_test(what_is_not_exactly_one_finite_number_is_refused),
        cmocka_unit_test(a_million_digits_are_read_in_full),
        cmocka_unit_test(a_scan_stops_behind_the_number),
        cmocka_unit_test(a_slice_is_never_read_past_its_end),
        cmocka_unit_test(whole_numbers_reach_both_ends_of_their_range),
        cmocka_unit_test(the_locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
