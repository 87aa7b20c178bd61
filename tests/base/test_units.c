// Units: right factors, differences, and errors that help.
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "base/units.h"

// UDUNITS' parser loses the word it looked at when an expression ends in nonsense: a few bytes a
// mistake.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:utlex";
}

static int read_units(void **state)
{
    gm_error error = { 0 };
    return gm_units_read((gm_units **)state, &error) == GM_OK ? 0 : -1;
}

static int close_units(void **state)
{
    gm_units_close(*state);
    return 0;
}

static void factors_are_those_of_the_tables(void **state)
{
    static const struct {
        const char *from, *to;
        double factor, offset;
    } cases[] = {
        { "K", "K", 1.0, 0.0 },
        { "degC", "K", 1.0, 273.15 },
        { "°C", "K", 1.0, 273.15 },
        { "degF", "K", 5.0 / 9.0, 459.67 * 5.0 / 9.0 },
        { "K", "degC", 1.0, -273.15 },
        { "km/h", "m/s", 1.0 / 3.6, 0.0 },
        { "m3/h", "m³/s", 1.0 / 3600.0, 0.0 },
        { "l/s", "m3/s", 1e-3, 0.0 },
        { "gpm", "m3/s", 3.785411784e-3 / 60.0, 0.0 },
        { "psi", "Pa", 6894.757293168, 0.0 },
        { "bar", "Pa", 1e5, 0.0 },
        { "mH2O", "Pa", 9806.65, 0.0 },
        { "mmHg", "Pa", 133.322387415, 0.0 },
        { "%", "1", 0.01, 0.0 },
        { "5 %/day", "1/s", 0.05 / 86400.0, 0.0 },
        { "kWh", "J", 3.6e6, 0.0 },
        { "MW h", "J", 3.6e9, 0.0 },
        { "Mvar", "W", 1e6, 0.0 },
        { "deg", "rad", 0.017453292519943295, 0.0 },
        { "rpm", "rad/s", 0.10471975511965977, 0.0 },
        { "mph", "m/s", 0.44704, 0.0 },
        { "  W/K ", "J/s/K", 1.0, 0.0 },
        { "pu", "1", 1.0, 0.0 },
        { "EUR/kWh", "currency/J", 1.0 / 3.6e6, 0.0 },
        { "vehicles/h", "vehicle/s", 1.0 / 3600.0, 0.0 },
        { "people/km2", "person/m2", 1e-6, 0.0 },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_conversion found = { 0 };
        gm_error error = { 0 };
        gm_status status =
            gm_units_between(*state, cases[index].from, cases[index].to, false, &found, &error);
        if (status != GM_OK) {
            fail_msg("%s", error.text);
        }
        bool close = fabs(found.factor - cases[index].factor) <= 1e-9 * cases[index].factor &&
                     fabs(found.offset - cases[index].offset) <= 1e-9 * fabs(cases[index].offset);
        if (!close) {
            fail_msg("%s to %s: %.17g, %.17g", cases[index].from, cases[index].to, found.factor,
                     found.offset);
        }
    }
}

static void a_degree_celsius_is_exactly_a_kelvin(void **state)
{
    gm_conversion conversion = { 0 };
    assert_int_equal(gm_units_between(*state, "degC", "K", false, &conversion, NULL), GM_OK);
    assert_true(conversion.factor == 1.0 && conversion.offset == 273.15);
}

static void a_difference_has_no_offset(void **state)
{
    gm_conversion conversion = { 0 };
    assert_int_equal(gm_units_between(*state, "degC", "K", true, &conversion, NULL), GM_OK);
    assert_true(conversion.factor == 1.0 && conversion.offset == 0.0);
}

static void there_and_back_is_the_identity(void **state)
{
    static const char *const pairs[][2] = {
        { "degF", "K" }, { "degC", "degF" }, { "gpm", "l/h" }, { "psi", "mH2O" }
    };
    for (size_t index = 0; index < sizeof pairs / sizeof *pairs; index++) {
        gm_conversion there = { 0 }, back = { 0 };
        assert_int_equal(
            gm_units_between(*state, pairs[index][0], pairs[index][1], false, &there, NULL), GM_OK);
        assert_int_equal(
            gm_units_between(*state, pairs[index][1], pairs[index][0], false, &back, NULL), GM_OK);
        for (double value = -100.0; value <= 100.0; value += 12.5) {
            double returned = (value * there.factor + there.offset) * back.factor + back.offset;
            assert_true(fabs(returned - value) < 1e-9);
        }
    }
}

static void a_wrong_unit_is_explained(void **state)
{
    static const struct {
        const char *from, *to, *text;
    } cases[] = {
        { "W/k", "W/K", "'W/k' is not a unit; did you mean 'W/K'?" },
        { "wats", "W", "'wats' is not a unit; did you mean 'watt'?" },
        { "kpa", "Pa", "'kpa' is not a unit; did you mean 'kPa'?" },
        { "m3/houer", "m3/s", "'m3/houer' is not a unit; did you mean 'm3/hour'?" },
        { "flurbs", "m", "'flurbs' is not a unit" },
        { "", "m", "a unit is missing; a pure number has the unit '1'" },
        { " \t", "m", "a unit is missing; a pure number has the unit '1'" },
        { "m", "K", "unit 'm' is a length; expected a temperature, a unit convertible to 'K'" },
        { "%", "K",
          "unit '%' is a pure number; expected a temperature, a unit convertible to 'K'" },
        { "m3/h", "kg/s",
          "unit 'm3/h' is a volume flow; expected a mass flow, a unit convertible to 'kg/s'" },
        { "1/h", "vehicle/s",
          "unit '1/h' is a rate; expected a flow of vehicles, a unit convertible to 'vehicle/s'" },
        { "EUR", "person",
          "unit 'EUR' is an amount of money; expected a number of people, a unit convertible to "
          "'person'" },
        { "m5", "K",
          "unit 'm5' is of another dimension; expected a temperature, a unit convertible to 'K'" },
        { "m", "m7", "unit 'm' is a length; expected a unit convertible to 'm7'" },
        { "s", "Hz", "unit 's' is a time; expected a rate, a unit convertible to 'Hz'" },
        { "dBm", "W", "unit 'dBm' does not become 'W' by a factor and an offset" },
        { "W", "K/flurbs", "'K/flurbs' is not a unit" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_conversion conversion = { 3.0, 4.0 };
        gm_error error = { 0 };
        gm_status status = gm_units_between(*state, cases[index].from, cases[index].to, false,
                                            &conversion, &error);
        assert_int_equal(status, GM_INVALID);
        assert_string_equal(error.text, cases[index].text);
        assert_true(conversion.factor == 3.0 && conversion.offset == 4.0);
    }
}

static void any_bytes_are_an_error_or_a_unit(void **state)
{
    static const char alphabet[] = "mKsWkg123()/*^.- %@\xc2\xb0\xb2\xff\"'e+";
    char text[200];
    uint64_t random = 1;
    for (size_t trial = 0; trial < 20000; trial++) {
        size_t size = trial % 150;
        for (size_t at = 0; at < size; at++) {
            random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
            text[at] = alphabet[(random >> 33) % (sizeof alphabet - 1)];
        }
        text[size] = 0;
        gm_conversion conversion = { 0 };
        gm_error error = { 0 };
        if (gm_units_between(*state, text, "m", false, &conversion, &error) != GM_OK) {
            assert_true(error.text[0] != 0);
        }
    }
    memset(text, '(', 199);
    text[199] = 0;
    assert_int_equal(gm_units_between(*state, text, "m", false, &(gm_conversion){ 0 }, NULL),
                     GM_INVALID);
}

static void *convert_often(void *units)
{
    static const char *const from[] = { "degC", "km/h", "W/k", "m3/s", "K" };
    size_t good = 0;
    for (size_t trial = 0; trial < 2000; trial++) {
        gm_conversion conversion = { 0 };
        gm_error error = { 0 };
        good += gm_units_between(units, from[trial % 5], "K", true, &conversion, &error) == GM_OK;
    }
    return good == 800 ? units : NULL;
}

static void threads_may_convert_at_once(void **state)
{
    pthread_t threads[4];
    gm_units *other = NULL;
    assert_int_equal(gm_units_read(&other, NULL), GM_OK);
    for (size_t index = 0; index < 4; index++) {
        assert_int_equal(
            pthread_create(&threads[index], NULL, convert_often, index % 2 ? other : *state), 0);
    }
    for (size_t index = 0; index < 4; index++) {
        void *result = NULL;
        pthread_join(threads[index], &result);
        assert_non_null(result);
    }
    gm_units_close(other);
    gm_units_close(NULL);
}

static void a_missing_database_is_an_error_with_its_path(void **state)
{
    (void)state;
    gm_units *units = NULL;
    gm_error error = { 0 };
    setenv("UDUNITS2_XML_PATH", "/nowhere/units.xml", 1);
    gm_status status = gm_units_read(&units, &error);
    unsetenv("UDUNITS2_XML_PATH");
    assert_int_equal(status, GM_IO);
    assert_non_null(strstr(error.text, "/nowhere/units.xml"));
    assert_null(units);
    allocations_left = 0;
    status = gm_units_read(&units, &error);
    allocations_left = LONG_MAX;
    assert_int_equal(status, GM_MEMORY);
    assert_null(units);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(factors_are_those_of_the_tables),
        cmocka_unit_test(a_degree_celsius_is_exactly_a_kelvin),
        cmocka_unit_test(a_difference_has_no_offset),
        cmocka_unit_test(there_and_back_is_the_identity),
        cmocka_unit_test(a_wrong_unit_is_explained),
        cmocka_unit_test(any_bytes_are_an_error_or_a_unit),
        cmocka_unit_test(threads_may_convert_at_once),
        cmocka_unit_test(a_missing_database_is_an_error_with_its_path),
    };
    return cmocka_run_group_tests(tests, read_units, close_units);
}
