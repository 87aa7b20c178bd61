// The civil calendar, ISO 8601 and the clocks; the oracle is the C library's timegm and gmtime_r.
#include <limits.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/calendar.h"

static const int64_t day_ns = INT64_C(86400) * GM_SECOND_NS;

static void every_day_agrees_with_the_c_library(void **state)
{
    (void)state;
    int weekday = -1;
    for (int64_t time_ns = INT64_MIN / day_ns * day_ns; time_ns < INT64_MAX - day_ns;
         time_ns += day_ns) {
        gm_civil civil = gm_civil_from_ns(time_ns, 0);
        time_t time_s = time_ns / GM_SECOND_NS;
        struct tm expected = { 0 };
        gmtime_r(&time_s, &expected);
        assert_int_equal(civil.year, expected.tm_year + 1900);
        assert_int_equal(civil.month, expected.tm_mon + 1);
        assert_int_equal(civil.day, expected.tm_mday);
        assert_int_equal(civil.weekday, (expected.tm_wday + 6) % 7);
        assert_true(weekday < 0 || civil.weekday == (weekday + 1) % 7);
        weekday = civil.weekday;
        int64_t back_ns = 0;
        assert_true(gm_civil_to_ns(&civil, 0, &back_ns));
        assert_true(back_ns == time_ns);
        assert_true(gm_day_from_date(civil.year, civil.month, civil.day) == time_ns / day_ns);
    }
}

static void civil_time_and_back_is_the_same_instant(void **state)
{
    (void)state;
    static const int64_t times[] = { INT64_MIN,   INT64_MIN + 1, -1,       0, 1, 999999999,
                                     -1000000000, INT64_MAX - 1, INT64_MAX };
    static const int32_t offsets[] = { 0, 3600, -3600, 20700, -43200, 50400, 93599, -89999 };
    for (size_t time = 0; time < sizeof times / sizeof *times; time++) {
        for (size_t offset = 0; offset < sizeof offsets / sizeof *offsets; offset++) {
            gm_civil civil = gm_civil_from_ns(times[time], offsets[offset]);
            int64_t back_ns = 0;
            assert_true(gm_civil_to_ns(&civil, offsets[offset], &back_ns));
            assert_true(back_ns == times[time]);
            assert_in_range(civil.nanosecond, 0, 999999999);
        }
        gm_civil_from_ns(times[time], INT32_MAX);
        gm_civil_from_ns(times[time], INT32_MIN);
    }
}

static void the_ends_of_time_have_their_dates(void **state)
{
    (void)state;
    char text[40];
    gm_time_format(INT64_MIN, text);
    assert_string_equal(text, "1677-09-21T00:12:43.145224192Z");
    gm_time_format(INT64_MAX, text);
    assert_string_equal(text, "2262-04-11T23:47:16.854775807Z");
    int64_t time_ns = 0;
    assert_true(gm_time_parse(gm_text_of("1677-09-21T00:12:43.145224192Z"), &time_ns) &&
                time_ns == INT64_MIN);
    assert_true(gm_time_parse(gm_text_of("2262-04-11T23:47:16.854775807Z"), &time_ns) &&
                time_ns == INT64_MAX);
    assert_false(gm_time_parse(gm_text_of("2262-04-11T23:47:16.854775808Z"), &time_ns));
    assert_false(gm_time_parse(gm_text_of("1677-09-21T00:12:43.145224191Z"), &time_ns));
    assert_true(time_ns == INT64_MAX);
}

static void dates_that_do_not_exist_are_refused(void **state)
{
    (void)state;
    static const gm_civil bad[] = {
        { .year = 2026, .month = 2, .day = 29 },
        { .year = 1900, .month = 2, .day = 29 },
        { .year = 2026, .month = 0, .day = 1 },
        { .year = 2026, .month = 13, .day = 1 },
        { .year = 2026, .month = 4, .day = 31 },
        { .year = 2026, .month = 4, .day = 0 },
        { .year = 2026, .month = 4, .day = 1, .hour = 24 },
        { .year = 2026, .month = 4, .day = 1, .minute = 60 },
        { .year = 2026, .month = 4, .day = 1, .second = 60 },
        { .year = 2026, .month = 4, .day = 1, .second = -1 },
        { .year = 2026, .month = 4, .day = 1, .nanosecond = 1000000000 },
        { .year = 1500, .month = 1, .day = 1 },
        { .year = INT_MAX, .month = 12, .day = 31 },
        { .year = INT_MIN, .month = 1, .day = 1 },
    };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        int64_t time_ns = 42;
        assert_false(gm_civil_to_ns(&bad[index], 0, &time_ns));
        assert_int_equal(time_ns, 42);
    }
    gm_civil leap = { .year = 2000, .month = 2, .day = 29 };
    int64_t time_ns = 0;
    assert_true(gm_civil_to_ns(&leap, 0, &time_ns));
}

static void iso_8601_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t time_ns;
    } good[] = {
        { "1970-01-01", 0 },
        { "1970-01-01T00:00Z", 0 },
        { "2021-03-04 12:00:00", INT64_C(1614859200000000000) },
        { "2021-03-04T12:00:00Z", INT64_C(1614859200000000000) },
        { "2021-03-04T13:30:00+01:30", INT64_C(1614859200000000000) },
        { "2021-03-04T02:00-10:00", INT64_C(1614859200000000000) },
        { "2021-03-04T12:00:00.5Z", INT64_C(1614859200500000000) },
        { "2021-03-04T12:00:00.123456789", INT64_C(1614859200123456789) },
        { "2021-03-04T12:00:00.1234567899999", INT64_C(1614859200123456789) },
        { "1969-12-31T23:59:59.999999999Z", -1 },
        { "2024-02-29T00:00:00Z", INT64_C(1709164800000000000) },
    };
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        int64_t time_ns = 42;
        assert_true(gm_time_parse(gm_text_of(good[index].text), &time_ns));
        assert_true(time_ns == good[index].time_ns);
    }
}

static void anything_else_is_not_a_time(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026",
        "2026-01",
        "2026-1-1",
        "2026-02-30",
        "2026-01-01T",
        "2026-01-01T25:00",
        "2026-01-01T24:00:00",
        "2026-01-01T12",
        "2026-01-01T12:60",
        "2026-01-01T12:00:60Z",
        "2026-01-01T12:00:00.",
        "2026-01-01T12:00:00.Z",
        "2026-01-01T12:00:00z",
        "2026-01-01t12:00:00Z",
        "2026-01-01T12:00:00+1:00",
        "2026-01-01T12:00:00+0100",
        "2026-01-01T12:00:00+01:60",
        "2026-01-01T12:00:00+24:00",
        "2026-01-01Z",
        "2026-01-01T12:00:00Z ",
        " 2026-01-01",
        "2026/01/01",
        "01.02.2026",
        "20260101T120000Z",
        "+2026-01-01",
        "-026-01-01",
        "2026-01-01T-1:00",
        "0000-01-01",
        "9999-12-31",
        "1614859200",
        "now",
        "2026-01-01  12:00",
    };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        int64_t time_ns = 42;
        assert_false(gm_time_parse(gm_text_of(bad[index]), &time_ns));
        assert_int_equal(time_ns, 42);
    }
    static const char whole[] = "2021-03-04T13:30:00.5+01:30";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *exact = malloc(size + (size == 0)); // the sanitizer watches its end
        assert_non_null(exact);
        memcpy(exact, whole, size);
        int64_t time_ns = 0;
        gm_time_parse((gm_text){ exact, size }, &time_ns);
        free(exact);
    }
}

static void writing_a_time_reads_back(void **state)
{
    (void)state;
    static const struct {
        int64_t time_ns;
        const char *text;
    } cases[] = {
        { 0, "1970-01-01T00:00:00Z" },
        { 500000000, "1970-01-01T00:00:00.500Z" },
        { 1000, "1970-01-01T00:00:00.000001Z" },
        { -1, "1969-12-31T23:59:59.999999999Z" },
    };
    char text[40];
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_time_format(cases[index].time_ns, text);
        assert_string_equal(text, cases[index].text);
    }
    uint64_t bits = 1;
    for (int trial = 0; trial < 100000; trial++) {
        bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t time_ns = (int64_t)bits, back_ns = 0;
        gm_time_format(time_ns, text);
        assert_true(gm_time_parse(gm_text_of(text), &back_ns) && back_ns == time_ns);
    }
}

static void seconds_become_the_nearest_nanosecond(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        int64_t ns;
    } good[] = {
        { 0.0, 0 },
        { 3.0, 3 * GM_SECOND_NS },
        { 1e-9, 1 },
        { 1.4e-9, 1 },
        { -1.6e-9, -2 },
        { 0.1, 100000000 },
        { -2.5, -2500000000 },
        { 1614859200.5, INT64_C(1614859200500000000) },
        { 1614859200.0000002384, INT64_C(1614859200000000238) },
    };
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        int64_t ns = 42;
        assert_true(gm_ns_from_s(good[index].seconds, &ns));
        assert_true(ns == good[index].ns);
    }
    static const double bad[] = { NAN, INFINITY, -INFINITY, 9.3e9, -9.3e9, 1e300 };
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        int64_t ns = 42;
        assert_false(gm_ns_from_s(bad[index], &ns));
        assert_int_equal(ns, 42);
    }
}

static void clocks_run_forward(void **state)
{
    (void)state;
    int64_t before_ns = gm_clock_monotonic_ns(), first_ns = before_ns;
    for (int reading = 0; reading < 1000; reading++) {
        int64_t now_ns = gm_clock_monotonic_ns();
        assert_true(now_ns >= before_ns);
        before_ns = now_ns;
    }
    assert_true(before_ns > first_ns);
    int64_t difference_ns = gm_clock_wall_ns() - (int64_t)time(NULL) * GM_SECOND_NS;
    assert_true(difference_ns > -2 * GM_SECOND_NS && difference_ns < 2 * GM_SECOND_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_day_agrees_with_the_c_library),
        cmocka_unit_test(civil_time_and_back_is_the_same_instant),
        cmocka_unit_test(the_ends_of_time_have_their_dates),
        cmocka_unit_test(dates_that_do_not_exist_are_refused),
        cmocka_unit_test(iso_8601_is_read),
        cmocka_unit_test(anything_else_is_not_a_time),
        cmocka_unit_test(writing_a_time_reads_back),
        cmocka_unit_test(seconds_become_the_nearest_nanosecond),
        cmocka_unit_test(clocks_run_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
