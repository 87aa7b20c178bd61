// Slices, UTF-8, near misses, growing strings.
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/failing_memory.h"
#include "base/text.h"

static void slices_compare_as_wholes(void **state)
{
    (void)state;
    assert_true(gm_text_equal(gm_text_of("pump"), "pump"));
    assert_false(gm_text_equal(gm_text_of("pump"), "pum"));
    assert_false(gm_text_equal((gm_text){ "pump", 3 }, "pump"));
    assert_true(gm_text_equal((gm_text){ NULL, 0 }, ""));
}

static void trimming_takes_blanks_off_both_ends_only(void **state)
{
    (void)state;
    assert_true(gm_text_equal(gm_text_trim(gm_text_of(" \t a b\r\n")), "a b"));
    assert_true(gm_text_equal(gm_text_trim(gm_text_of("   ")), ""));
    assert_true(gm_text_equal(gm_text_trim((gm_text){ NULL, 0 }), ""));
}

static void only_well_formed_utf8_passes(void **state)
{
    (void)state;
    static const char *const good[] = { "",
                                        "plain",
                                        "\xc2\x80",
                                        "gr\xc3\xb6\xc3\x9f",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xe0\xa0\x80",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf" };
    static const char *const bad[] = { "\x80",
                                       "\xc0\x80",
                                       "\xc1\xbf",
                                       "\xc3",
                                       "a\xc3(",
                                       "\xe0\x9f\xbf",
                                       "\xed\xa0\x80",
                                       "\xe2\x82",
                                       "\xf0\x8f\xbf\xbf",
                                       "\xf4\x90\x80\x80",
                                       "\xf5\x80\x80\x80",
                                       "\xff",
                                       "\xf0\x90\x80(" };
    for (size_t index = 0; index < sizeof good / sizeof *good; index++) {
        assert_true(gm_text_is_utf8(gm_text_of(good[index])));
    }
    for (size_t index = 0; index < sizeof bad / sizeof *bad; index++) {
        assert_false(gm_text_is_utf8(gm_text_of(bad[index])));
    }
    assert_false(gm_text_is_utf8((gm_text){ "a\0b", 3 }));
}

static void a_character_cut_by_the_end_is_never_read_past(void **state)
{
    (void)state;
    static const char character[] = "\xf0\x90\x80\x80";
    for (size_t size = 0; size < 4; size++) {
        char *exact = malloc(size + (size == 0));
        assert_non_null(exact);
        memcpy(exact, character, size);
        assert_int_equal(gm_text_utf8_step((gm_text){ exact, size }), 0);
        free(exact);
    }
}

static void the_nearest_word_is_found(void **state)
{
    (void)state;
    static const char *const words[] = {
        "temperature", "conductance", "capacity", "power", "W", ""
    };
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        { "temprature", "temperature" },
        { "temperatrue", "temperature" },
        { "Capacity", "capacity" },
        { "conductivity", NULL },
        { "pover", "power" },
        { "opwer", "power" },
        { "w", "W" },
        { "V", NULL },
        { "pipe", NULL },
        { "", NULL },
        { "power", "power" },
        { "CONDUCTANCE", NULL },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        const char *found = gm_text_nearest(cases[index].word, words, 5);
        if (cases[index].nearest) {
            assert_non_null(found);
            assert_string_equal(found, cases[index].nearest);
        } else {
            assert_null(found);
        }
    }
    assert_null(gm_text_nearest("power", words, 0));
}

static void a_word_without_end_is_no_near_miss(void **state)
{
    (void)state;
    char word[5001];
    memset(word, 'a', 5000);
    word[5000] = 0;
    const char *words[] = { word, "power" };
    assert_null(gm_text_nearest(word, words, 2));
    assert_string_equal(gm_text_nearest("powr", words, 2), "power");
}

static void a_string_grows_and_ends_in_nul(void **state)
{
    (void)state;
    gm_string string = { 0 };
    gm_string_add(&string, NULL, 0);
    assert_string_equal(string.data, "");
    for (int index = 0; index < 1000; index++) {
        gm_string_add(&string, "ab", 2);
        gm_string_format(&string, "%d,", index);
        assert_int_equal(strlen(string.data), string.size);
    }
    assert_memory_equal(string.data, "ab0,ab1,ab2,", 12);
    assert_false(string.failed);
    gm_string_free(&string);
    gm_string_free(&string);
    assert_null(string.data);
}

static void room_for_a_string_moves_it_once(void **state)
{
    (void)state;
    gm_string string = { 0 };
    gm_string_add(&string, "kept", 4);
    gm_string_reserve(&string, 10000);
    const char *before = string.data;
    for (int index = 0; index < 5000; index++) {
        gm_string_add(&string, "ab", 2);
    }
    assert_ptr_equal(string.data, before);
    assert_int_equal(string.size, 10004);
    assert_memory_equal(string.data, "keptab", 6);
    gm_string_reserve(&string, SIZE_MAX - 10);
    assert_true(string.failed);
    assert_int_equal(string.size, 10004);
    gm_string_free(&string);
}

static void a_string_out_of_memory_keeps_its_beginning(void **state)
{
    (void)state;
    gm_string string = { 0 };
    gm_string_add(&string, "kept", 4);
    allocations_left = 0;
    char much[1000] = { 0 };
    gm_string_add(&string, much, sizeof much);
    allocations_left = LONG_MAX;
    assert_true(string.failed);
    gm_string_format(&string, "more");
    gm_string_add(&string, "more", 4);
    assert_true(string.failed);
    assert_string_equal(string.data, "kept");
    gm_string_free(&string);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_compare_as_wholes),
        cmocka_unit_test(trimming_takes_blanks_off_both_ends_only),
        cmocka_unit_test(only_well_formed_utf8_passes),
        cmocka_unit_test(a_character_cut_by_the_end_is_never_read_past),
        cmocka_unit_test(the_nearest_word_is_found),
        cmocka_unit_test(a_word_without_end_is_no_near_miss),
        cmocka_unit_test(a_string_grows_and_ends_in_nul),
        cmocka_unit_test(room_for_a_string_moves_it_once),
        cmocka_unit_test(a_string_out_of_memory_keeps_its_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
