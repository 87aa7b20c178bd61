// Errors: what they promise to whoever shows them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <gemel/status.h>

#include "base/text.h"

static void setting_an_error_returns_its_status(void **state)
{
    (void)state;
    gm_error error = { 0 };
    assert_int_equal(gm_error_set(&error, GM_BUSY, "port %d is taken", 8080), GM_BUSY);
    assert_int_equal(error.status, GM_BUSY);
    assert_string_equal(error.text, "port 8080 is taken");
    assert_int_equal(gm_error_set(NULL, GM_IO, "nobody listens"), GM_IO);
}

static void a_place_stands_in_front_as_far_as_it_is_known(void **state)
{
    (void)state;
    static const struct {
        gm_place place;
        const char *text;
    } cases[] = {
        { { "a.yaml", 3, 7 }, "a.yaml:3:7: wrong" },
        { { "a.yaml", 3, 0 }, "a.yaml:3: wrong" },
        { { "a.yaml", 0, 0 }, "a.yaml: wrong" },
        { { NULL, 3, 7 }, "line 3:7: wrong" },
        { { NULL, 0, 0 }, "wrong" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof *cases; index++) {
        gm_error error = { 0 };
        assert_int_equal(gm_error_at(&error, GM_INVALID, cases[index].place, "wr%s", "ong"),
                         GM_INVALID);
        assert_string_equal(error.text, cases[index].text);
    }
    assert_int_equal(gm_error_at(NULL, GM_LIMIT, (gm_place){ 0 }, "nobody listens"), GM_LIMIT);
}

static void a_prefix_keeps_the_status(void **state)
{
    (void)state;
    gm_error error = { 0 };
    gm_error_set(&error, GM_CORRUPT, "its sum is wrong");
    assert_int_equal(gm_error_prefix(&error, "snapshot %d: ", 12), GM_CORRUPT);
    assert_string_equal(error.text, "snapshot 12: its sum is wrong");
}

static void an_error_may_quote_itself(void **state)
{
    (void)state;
    gm_error error = { 0 };
    gm_error_set(&error, GM_IO, "disk full");
    gm_error_set(&error, GM_IO, "while saving: %s", error.text);
    assert_string_equal(error.text, "while saving: disk full");
}

static void an_error_is_one_line_of_utf8_whatever_it_quotes(void **state)
{
    (void)state;
    gm_error error = { 0 };
    gm_error_set(&error, GM_INVALID, "unknown key '%s'\n", "a\xff\x01\r\nb\xc3");
    assert_string_equal(error.text, "unknown key 'a?   b?'");
    char snowmen[1 + 3 * 700] = "x";
    for (size_t index = 0; index < 699; index++) {
        memcpy(snowmen + 1 + 3 * index, "\xe2\x98\x83", 3);
    }
    snowmen[1 + 3 * 699] = 0;
    for (size_t shift = 0; shift < 3; shift++) {
        gm_error_set(&error, GM_INVALID, "%.*s%s", (int)shift, "ab", snowmen);
        assert_true(strlen(error.text) >= GM_ERROR_SIZE - 4);
        assert_true(gm_text_is_utf8(gm_text_of(error.text)));
        assert_null(strchr(error.text, '?'));
    }
    gm_error_prefix(&error, "%s", snowmen);
    assert_true(gm_text_is_utf8(gm_text_of(error.text)));
}

static void every_status_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = GM_OK; a <= GM_CANCELLED; a++) {
        for (int b = GM_OK; b < a; b++) {
            assert_string_not_equal(gm_status_name((gm_status)a), gm_status_name((gm_status)b));
        }
    }
    assert_string_equal(gm_status_name(GM_NOT_FOUND), "not-found");
    assert_string_equal(gm_status_name((gm_status)99), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_an_error_returns_its_status),
        cmocka_unit_test(a_place_stands_in_front_as_far_as_it_is_known),
        cmocka_unit_test(a_prefix_keeps_the_status),
        cmocka_unit_test(an_error_may_quote_itself),
        cmocka_unit_test(an_error_is_one_line_of_utf8_whatever_it_quotes),
        cmocka_unit_test(every_status_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
