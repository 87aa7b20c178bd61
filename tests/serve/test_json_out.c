// What is written reads back: numbers to the last bit, texts whatever their bytes, null for what
// does not exist.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "serve/json_out.h"

static json_t *read_back(gm_string *out)
{
    json_error_t wrong;
    assert_false(out->failed);
    json_t *read = json_loadb(out->data, out->size, 0, &wrong);
    if (read == NULL) {
        fail_msg("%s: %s", out->data, wrong.text);
    }
    gm_string_free(out);
    return read;
}

static void numbers_read_back_to_the_same_bits(void **state)
{
    (void)state;
    static const double values[] = { 0.0,
                                     -0.0,
                                     0.1,
                                     1.0 / 3.0,
                                     300.15,
                                     1e22,
                                     1e-300,
                                     5e-324,
                                     -1e308,
                                     123456,
                                     9007199254740993.0,
                                     0.30000000000000004,
                                     2e-9,
                                     4.35 };
    enum { COUNT = sizeof values / sizeof values[0] };
    gm_string out = { 0 };
    gm_out_begin(&out, '[');
    for (size_t k = 0; k < COUNT; k++) {
        gm_out_number(&out, values[k]);
    }
    gm_out_end(&out, ']');
    json_t *read = read_back(&out);
    for (size_t k = 0; k < COUNT; k++) {
        double value = json_number_value(json_array_get(read, k));
        assert_true(value == values[k]);
    }
    json_decref(read);
}

static void what_does_not_exist_is_null(void **state)
{
    (void)state;
    gm_string out = { 0 };
    gm_out_begin(&out, '[');
    gm_out_number(&out, (double)NAN);
    gm_out_number(&out, (double)INFINITY);
    gm_out_text(&out, NULL);
    gm_out_time(&out, INT64_MIN);
    gm_out_time(&out, INT64_MAX);
    gm_out_null(&out);
    gm_out_end(&out, ']');
    json_t *read = read_back(&out);
    assert_int_equal(json_array_size(read), 6);
    for (size_t k = 0; k < 6; k++) {
        assert_true(json_is_null(json_array_get(read, k)));
    }
    json_decref(read);
}

static void any_bytes_make_a_valid_document(void **state)
{
    (void)state;
    gm_string out = { 0 };
    char all[256];
    for (int k = 0; k < 255; k++) {
        all[k] = (char)(k + 1);
    }
    all[255] = '\0';
    gm_out_begin(&out, '{');
    gm_out_key_text(&out, "all", all);
    gm_out_key_text(&out, "words",
                    "Grad \xc2\xb0"
                    "C \xf0\x9f\x8c\xa1 \"quoted\" \\ \n");
    gm_out_key(&out, "nested");
    gm_out_begin(&out, '[');
    gm_out_begin(&out, '{');
    gm_out_end(&out, '}');
    gm_out_bool(&out, true);
    gm_out_count(&out, UINT64_C(9223372036854775807));
    gm_out_text(&out, "ends with a colon:");
    gm_out_text(&out, "ends with a bracket[");
    gm_out_end(&out, ']');
    gm_out_end(&out, '}');
    json_t *read = read_back(&out);
    assert_int_equal(strlen(json_string_value(json_object_get(read, "all"))), 255);
    assert_non_null(strstr(json_string_value(json_object_get(read, "words")),
                           "\xf0\x9f\x8c\xa1 \"quoted\" \\ \n"));
    assert_int_equal(json_array_size(json_object_get(read, "nested")), 5);
    json_decref(read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_read_back_to_the_same_bits),
        cmocka_unit_test(what_does_not_exist_is_null),
        cmocka_unit_test(any_bytes_make_a_valid_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
