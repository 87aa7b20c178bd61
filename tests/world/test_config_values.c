// Values of a configuration become numbers in SI, or an error that names the place and the range.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "world/yaml.h"

static gm_units *units;
static gm_arena *arena;

// The value of `x: TEXT`.
static const gm_config *value_of(const char *text)
{
    char yaml[512] = "x: ";
    const gm_config *root = NULL;
    gm_error error = { 0 };
    gm_yaml_options options = { .file = "c", .units = units, .arena = arena };
    strncat(yaml, text, sizeof yaml - 4);
    if (gm_yaml_read(yaml, strlen(yaml), &options, &root, &error) != GM_OK) {
        fail_msg("%s: %s", yaml, error.text);
    }
    return gm_config_get(root, "x");
}

static void numbers_become_si(void **state)
{
    (void)state;
    static const struct {
        const char *text, *unit;
        bool difference;
        double value;
    } cases[] = {
        { "690 J/K", "J/K", false, 690.0 }, { "0.69 kJ/K", "J/K", false, 690.0 },
        { "20 %", "1", false, 0.2 },        { "12", "W", false, 12.0 },
        { "20 degC", "K", false, 293.15 },  { "0.1 degC", "K", true, 0.1 },
        { "36 km/h", "m/s", false, 10.0 },  { "'40 W'", "W", false, 40.0 },
        { "+1e3", "1", false, 1000.0 },     { "-2.5 m3/h", "m3/s", false, -2.5 / 3600.0 },
        { "3W", "W", false, 3.0 },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        double value = NAN;
        gm_error error = { 0 };
        gm_quantity quantity = { .unit = cases[index].unit, .difference = cases[index].difference };
        gm_status status = gm_config_number(value_of(cases[index].text), quantity, &value, &error);
        if (status != GM_OK ||
            !(fabs(value - cases[index].value) <= 1e-9 * fabs(cases[index].value))) {
            fail_msg("%s: %.17g %s", cases[index].text, value, error.text);
        }
    }
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *word;
    } cases[] = {
        { "hot", "a number in K" },
        { "", "nothing" },
        { "nan", "a number in K" },
        { "inf K", "a number" },
        { "[1 K]", "a list" },
        { "{a: 1}", "a map" },
        { "1 W", "K" },
        { "4 K", "at least 5" },
        { "11 K", "at most 10" },
        { "1e999 K", "c:1:4" },
        { "1 K 2", "K 2" },
        { "1,5 K", ",5 K" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        double value = 7.0;
        gm_error error = { 0 };
        gm_quantity quantity = { .unit = "K", .min = 5.0, .max = 10.0 };
        gm_status status = gm_config_number(value_of(cases[index].text), quantity, &value, &error);
        if (status == GM_OK || strstr(error.text, cases[index].word) == NULL || value != 7.0) {
            fail_msg("%s: %.17g '%s'", cases[index].text, value, error.text);
        }
    }
}

static void bounds_are_included(void **state)
{
    (void)state;
    double value = 0.0;
    gm_quantity quantity = { .unit = "K", .min = 5.0, .max = 10.0 };
    assert_int_equal(gm_config_number(value_of("5 K"), quantity, &value, NULL), GM_OK);
    assert_int_equal(gm_config_number(value_of("10 K"), quantity, &value, NULL), GM_OK);
}

static void durations_are_nanoseconds(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t duration_ns;
    } cases[] = {
        { "3 s", INT64_C(3000000000) },
        { "+5 min", INT64_C(300000000000) },
        { "-1 h", -INT64_C(3600000000000) },
        { "250 ms", INT64_C(250000000) },
        { "1 day", INT64_C(86400000000000) },
        { "0.5", INT64_C(500000000) },
        { "1 ns", 1 },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        int64_t duration_ns = 0;
        gm_error error = { 0 };
        gm_status status = gm_config_duration(value_of(cases[index].text), &duration_ns, &error);
        if (status != GM_OK || duration_ns != cases[index].duration_ns) {
            fail_msg("%s: %lld %s", cases[index].text, (long long)duration_ns, error.text);
        }
    }
    int64_t untouched = 7;
    assert_int_equal(gm_config_duration(value_of("1 m"), &untouched, NULL), GM_INVALID);
    assert_int_equal(gm_config_duration(value_of("1e20 s"), &untouched, NULL), GM_INVALID);
    assert_int_equal(untouched, 7);
}

static void words_flags_and_integers_are_exact(void **state)
{
    (void)state;
    static const char *const words[] = { "step", "linear", NULL };
    size_t word = 9;
    bool flag = false;
    int64_t number = 0;
    const char *text = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_config_choice(value_of("linear"), words, &word, &error), GM_OK);
    assert_int_equal(word, 1);
    assert_int_equal(gm_config_choice(value_of("liner"), words, &word, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "did you mean 'linear'?"));
    assert_int_equal(gm_config_flag(value_of("true"), &flag, &error), GM_OK);
    assert_true(flag);
    assert_int_equal(gm_config_flag(value_of("'true'"), &flag, &error), GM_INVALID);
    assert_int_equal(gm_config_flag(value_of("True"), &flag, &error), GM_INVALID);
    assert_int_equal(gm_config_integer(value_of("-3"), -3, 4, &number, &error), GM_OK);
    assert_int_equal(number, -3);
    assert_int_equal(gm_config_integer(value_of("5"), -3, 4, &number, &error), GM_INVALID);
    assert_int_equal(gm_config_integer(value_of("1.0"), -3, 4, &number, &error), GM_INVALID);
    assert_int_equal(gm_config_text(value_of("''"), &text, &error), GM_INVALID);
    assert_int_equal(gm_config_text(value_of("'a b'"), &text, &error), GM_OK);
    assert_string_equal(text, "a b");
}

static void missing_keys_are_named_or_defaulted(void **state)
{
    (void)state;
    const gm_config *map = value_of("{a: 3 W, b: {}}"), *child = NULL;
    double value = 0.0;
    gm_error error = { 0 };
    gm_quantity quantity = { .unit = "W" };
    assert_int_equal(gm_config_child_number(map, "c", quantity, 5.0, &value, &error), GM_OK);
    assert_true(value == 5.0);
    assert_int_equal(gm_config_child_number(map, "c", quantity, NAN, &value, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "c:1:4: x: `c` is missing"));
    assert_int_equal(gm_config_need(map, "a", &child, &error), GM_OK);
    assert_int_equal(gm_config_need(child, "z", &child, &error), GM_INVALID);
    assert_int_equal(gm_config_need(NULL, "z", &child, &error), GM_INVALID);
    assert_null(gm_config_get(NULL, "z"));
    assert_null(gm_config_get(child, "z"));
    static const char *const keys[] = { "a", NULL };
    assert_int_equal(gm_config_only(map, keys, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "c:1:13: unknown key 'b'"));
}

static int open_all(void **state)
{
    (void)state;
    gm_error error = { 0 };
    arena = gm_arena_create(0);
    return arena != NULL && gm_units_read(&units, &error) == GM_OK ? 0 : -1;
}

static int close_all(void **state)
{
    (void)state;
    gm_units_close(units);
    gm_arena_close(arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_become_si),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(bounds_are_included),
        cmocka_unit_test(durations_are_nanoseconds),
        cmocka_unit_test(words_flags_and_integers_are_exact),
        cmocka_unit_test(missing_keys_are_named_or_defaulted),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
