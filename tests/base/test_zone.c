// Time zones; the oracle is the C library where the system has zones installed, and facts where it
// has none.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "base/failing_memory.h"

enum { FILE_SIZE_MAX = 65536 };

// A file under construction.
typedef struct file {
    unsigned char bytes[FILE_SIZE_MAX];
    size_t size;
} file;

static void put(file *out, const void *bytes, size_t size)
{
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void put_number(file *out, uint64_t value, size_t size)
{
    for (size_t index = size; index-- > 0;) {
        out->bytes[out->size++] = (unsigned char)(value >> (8 * index));
    }
}

static void put_header(file *out, char version, uint32_t time_count, uint32_t type_count)
{
    put(out, "TZif", 4);
    put_number(out, (unsigned char)version, 1);
    put(out, (const char[15]){ 0 }, 15);
    uint32_t counts[] = { 0, 0, 0, time_count, type_count, 4 };
    for (size_t index = 0; index < 6; index++) {
        put_number(out, counts[index], 4);
    }
}

// One change from +0 to +1 h at 1,000,000 s, and a footer (NULL: version 1, which has none).
static file sample(const char *footer)
{
    file out = { .size = 0 };
    for (size_t block = 0; block < (footer ? 2 : 1); block++) {
        size_t time_size = block == 0 ? 4 : 8;
        put_header(&out, footer ? '2' : 0, 1, 2);
        put_number(&out, 1000000, time_size);
        put_number(&out, 1, 1);
        put_number(&out, 0, 6);
        put_number(&out, 3600, 4);
        put_number(&out, 0, 2);
        put(&out, "ABC", 4);
    }
    if (footer) {
        put(&out, "\n", 1);
        put(&out, footer, strlen(footer));
        put(&out, "\n", 1);
    }
    return out;
}

static gm_zone *open_sample(const char *footer)
{
    file bytes = sample(footer);
    gm_zone *zone = NULL;
    gm_error error = { 0 };
    if (gm_zone_read("sample", bytes.bytes, bytes.size, &zone, &error) != GM_OK) {
        print_error("%s\n", error.text);
    }
    return zone;
}

static int32_t offset_at(const gm_zone *zone, const char *time)
{
    int64_t time_ns = 0;
    assert_true(gm_time_parse(gm_text_of(time), &time_ns));
    return gm_zone_offset_s(zone, time_ns);
}

// An installed zone; NULL when the system has none. The caller closes it.
static gm_zone *open_installed(const char *name)
{
    char path[200];
    snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", name);
    FILE *stream = fopen(path, "rb");
    if (!stream) {
        print_message("skipped: no %s\n", path);
        return NULL;
    }
    static unsigned char bytes[FILE_SIZE_MAX];
    size_t size = fread(bytes, 1, sizeof bytes, stream);
    fclose(stream);
    gm_zone *zone = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_zone_read(name, bytes, size, &zone, &error), GM_OK);
    memset(bytes, 0xFF, sizeof bytes); // the zone must not look back
    return zone;
}

static void a_transition_takes_effect_in_its_second(void **state)
{
    (void)state;
    static const char *const footers[] = { NULL, "", "ABC-1" };
    for (size_t index = 0; index < 3; index++) {
        gm_zone *zone = open_sample(footers[index]);
        assert_non_null(zone);
        assert_int_equal(gm_zone_offset_s(zone, INT64_MIN), 0);
        assert_int_equal(gm_zone_offset_s(zone, 1000000 * GM_SECOND_NS - 1), 0);
        assert_int_equal(gm_zone_offset_s(zone, 1000000 * GM_SECOND_NS), 3600);
        assert_int_equal(gm_zone_offset_s(zone, INT64_MAX), 3600);
        gm_zone_close(zone);
    }
    gm_zone_close(NULL);
}

static void the_footer_rules_after_the_last_transition(void **state)
{
    (void)state;
    static const struct {
        const char *footer, *time;
        int32_t offset_s;
    } cases[] = {
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T00:59:59Z", 3600 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2050-03-27T01:00:00Z", 7200 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2050-10-30T00:59:59Z", 7200 },
        { "CET-1CEST,M3.5.0,M10.5.0/3", "2050-10-30T01:00:00Z", 3600 },
        { "EST5EDT,M3.2.0,M11.1.0", "2030-07-01", -4 * 3600 },
        { "EST5EDT,M3.2.0,M11.1.0", "2030-12-31T23:59:59Z", -5 * 3600 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2030-01-01", 11 * 3600 },
        { "AEST-10AEDT,M10.1.0,M4.1.0/3", "2030-07-01", 10 * 3600 },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2030-01-01", 39600 },
        { "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2030-07-01", 37800 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T00:59:59Z", -7200 },
        { "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2030-03-31T01:00:00Z", -3600 },
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2030-07-01", 3600 }, // Dublin's negative summer time
        { "IST-1GMT0,M10.5.0,M3.5.0/1", "2030-12-25", 0 },
        { "EST5EDT,0/0,J365/25", "2030-06-01", -4 * 3600 }, // summer for ever
        { "EST5EDT,0/0,J365/25", "2031-01-01T05:00:00Z", -4 * 3600 },
        { "EST5EDT,0/0,J365/25", "2031-01-01T04:59:59Z", -4 * 3600 },
        { "AAA0BBB,J60/0,J61/0", "2032-03-01", 3600 }, // J60 is 1 March in any year
        { "AAA0BBB,J60/0,J61/0", "2031-03-01", 3600 },
        { "AAA0BBB,J60/0,J61/0", "2032-02-29", 0 },
        { "AAA0BBB,59/0,60/0", "2032-02-29", 3600 }, // 59 is the sixtieth day
        { "AAA0BBB,59/0,60/0", "2031-03-01", 3600 },
        { "EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-29T23:59:59Z",
          7200 }, // version 3: two days later
        { "EET-2EEST,M3.4.4/50,M10.4.4/50", "2030-03-30T00:00:00Z", 10800 },
        { "XYZ3:30:15", "2030-01-01", -12615 },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_zone *zone = open_sample(cases[index].footer);
        assert_non_null(zone);
        assert_int_equal(offset_at(zone, cases[index].time), cases[index].offset_s);
        gm_zone_close(zone);
    }
}

static void berlin_changes_on_the_days_it_did(void **state)
{
    (void)state;
    gm_zone *zone = open_installed("Europe/Berlin");
    if (!zone) {
        return;
    }
    static const struct {
        const char *time;
        int32_t offset_s;
    } facts[] = {
        { "2021-03-28T00:59:59Z", 3600 },     { "2021-03-28T01:00:00Z", 7200 },
        { "2021-10-31T00:59:59.999Z", 7200 }, { "2021-10-31T01:00:00Z", 3600 },
        { "1945-06-01T00:00:00Z", 10800 },    { "1975-07-01T00:00:00Z", 3600 },
        { "1980-07-01T00:00:00Z", 7200 },     { "2026-07-01T00:00:00Z", 7200 },
        { "2200-01-01T00:00:00Z", 3600 },     { "2200-07-01T00:00:00Z", 7200 },
    };
    for (size_t index = 0; index < sizeof facts / sizeof *facts; index++) {
        assert_int_equal(offset_at(zone, facts[index].time), facts[index].offset_s);
    }
    gm_zone_close(zone);
}

static void zones_agree_with_the_c_library(void **state)
{
    (void)state;
    static const char *const names[] = {
        "Europe/Berlin", "Europe/Dublin",   "America/New_York",  "America/Sao_Paulo",
        "Asia/Kolkata",  "Asia/Gaza",       "Africa/Casablanca", "Australia/Lord_Howe",
        "America/Nuuk",  "Pacific/Apia",    "Antarctica/Troll",  "Etc/GMT+5",
        "UTC",           "America/St_Johns"
    };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        gm_zone *zone = open_installed(names[index]);
        if (!zone) {
            continue;
        }
        assert_int_equal(setenv("TZ", names[index], 1), 0);
        tzset();
        for (time_t time_s = -9223372036; time_s < 9223372036; time_s += 90007) {
            struct tm expected = { 0 };
            localtime_r(&time_s, &expected);
            if (gm_zone_offset_s(zone, time_s * GM_SECOND_NS) != expected.tm_gmtoff) {
                fail_msg("%s at %lld s", names[index], (long long)time_s);
            }
        }
        gm_zone_close(zone);
    }
}

static void wrong_files_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const footers[] = {
        "C",
        "CET",
        "CET-",
        "CET-25",
        "CET-1:60",
        "CET-1CEST",
        "CET-1CEST,",
        "CET-1CEST,M3.5.0",
        "CET-1CEST,M13.1.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0",
        "CET-1CEST,M3.5.7,M10.5.0",
        "CET-1CEST,M3.5.0,M10.5.0/168",
        "CET-1CEST,J0,J300",
        "CET-1CEST,J366,J300",
        "CET-1CEST,366,0",
        "CET-1CEST,M3.5.0,M10.5.0x",
        "<CET-1",
        "CET-99999999999999999999",
        "CET-1CEST,M3.5.0/,M10.5.0",
        "-1",
    };
    gm_zone *zone = NULL;
    for (size_t index = 0; index < sizeof footers / sizeof *footers; index++) {
        file bytes = sample(footers[index]);
        gm_error error = { 0 };
        assert_int_equal(gm_zone_read("sample", bytes.bytes, bytes.size, &zone, &error),
                         GM_INVALID);
        assert_non_null(strstr(error.text, "sample"));
        assert_null(zone);
    }
    gm_error error = { 0 };
    assert_int_equal(gm_zone_read("empty", NULL, 0, &zone, &error), GM_INVALID);
    assert_int_equal(
        gm_zone_read("text", "TZiF, not really a zone, but long enough to be one", 50, &zone, NULL),
        GM_INVALID);
    assert_null(zone);
}

// From where every table begins in the second block of a sample.
enum { FIRST_BLOCK = 44 + 4 + 1 + 12 + 4, SECOND_TABLES = FIRST_BLOCK + 44 };

static void broken_tables_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        unsigned char byte;
    } breaks[] = {
        { 0, 'X' },                 // magic
        { 32, 0xFF },               // counts of the first block: more than there is
        { FIRST_BLOCK, 'X' },       // magic of the second
        { FIRST_BLOCK + 20, 0xFF }, // its counts
        { FIRST_BLOCK + 24, 0xFF },
        { FIRST_BLOCK + 31, 1 }, // leap seconds: the tables end later
        { FIRST_BLOCK + 32, 0xFF },
        { FIRST_BLOCK + 36, 0x7F },
        { FIRST_BLOCK + 39, 0 }, // no types
        { FIRST_BLOCK + 40, 0xFF },
        { SECOND_TABLES + 8, 2 },                // a type that is not there
        { SECOND_TABLES + 9, 0x7F },             // an offset of 68 years
        { SECOND_TABLES + 8 + 1 + 12 + 4, 'x' }, // the footer's newline
    };
    for (size_t index = 0; index < sizeof breaks / sizeof *breaks; index++) {
        file bytes = sample("CET-1CEST,M3.5.0,M10.5.0/3");
        bytes.bytes[breaks[index].at] = breaks[index].byte;
        gm_zone *zone = NULL;
        gm_error error = { 0 };
        assert_int_equal(gm_zone_read("broken", bytes.bytes, bytes.size, &zone, &error),
                         GM_INVALID);
        assert_null(zone);
    }
}

// Whatever the bytes: a zone or an error, never a read past the end (the sanitizer watches exact
// copies).
static void hostile_bytes_do_no_harm(void **state)
{
    (void)state;
    file good = sample("CET-1CEST,M3.5.0,M10.5.0/3");
    uint64_t random = 1;
    size_t accepted = 0;
    for (size_t trial = 0; trial < 20000; trial++) {
        file bytes = good;
        size_t size = trial < good.size ? trial : good.size;
        for (size_t change = 0; change < trial / good.size % 4; change++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            bytes.bytes[(random >> 33) % good.size] = (unsigned char)(random >> 20);
        }
        unsigned char *exact = malloc(size + (size == 0));
        assert_non_null(exact);
        memcpy(exact, bytes.bytes, size);
        gm_zone *zone = NULL;
        if (gm_zone_read("hostile", exact, size, &zone, NULL) == GM_OK) {
            accepted++;
            int32_t offset_s = gm_zone_offset_s(zone, (int64_t)random);
            assert_true(offset_s >= -26 * 3600 && offset_s <= 26 * 3600);
            gm_zone_offset_s(zone, INT64_MIN);
            gm_zone_offset_s(zone, INT64_MAX);
        }
        gm_zone_close(zone);
        free(exact);
    }
    assert_true(accepted > 0);
}

static void without_memory_there_is_no_zone(void **state)
{
    (void)state;
    file bytes = sample("");
    for (long allowed = 0; allowed < 3; allowed++) {
        gm_zone *zone = NULL;
        gm_error error = { 0 };
        allocations_left = allowed;
        gm_status status = gm_zone_read("poor", bytes.bytes, bytes.size, &zone, &error);
        allocations_left = LONG_MAX;
        assert_int_equal(status, GM_MEMORY);
        assert_null(zone);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transition_takes_effect_in_its_second),
        cmocka_unit_test(the_footer_rules_after_the_last_transition),
        cmocka_unit_test(berlin_changes_on_the_days_it_did),
        cmocka_unit_test(zones_agree_with_the_c_library),
        cmocka_unit_test(wrong_files_are_refused_with_a_reason),
        cmocka_unit_test(broken_tables_are_refused),
        cmocka_unit_test(hostile_bytes_do_no_harm),
        cmocka_unit_test(without_memory_there_is_no_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
