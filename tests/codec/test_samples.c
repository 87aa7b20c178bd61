// Laws of the samples on the wire. What jansson takes and we take is compared in
// test_corpus_replay.
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json_scan.h"
#include "codec/samples.h"

typedef struct fixture {
    gm_arena *arena;
    gm_wire_batch batch;
    gm_error error;
} fixture;

static int set_up(void **state)
{
    fixture *f = gm_memory_new(1, sizeof *f);
    assert_non_null(f);
    f->arena = gm_arena_create(0);
    *state = f;
    return f->arena != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    gm_wire_batch_free(&f->batch);
    gm_arena_close(f->arena);
    gm_memory_free(f);
    return 0;
}

static gm_status read_body(fixture *f, const char *body)
{
    f->error = (gm_error){ 0 };
    return gm_samples_read(gm_text_of(body), f->arena, &f->batch, &f->error);
}

static void a_sample_has_series_time_value_and_sequence(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        read_body(f, " [ { \"seq\" : 17 , \"v\" : -24.5e1 , \"t\" : \"2021-03-04T15:51:00Z\" ,\r\n"
                     "\t\"series\" : \"t2\" } ] \n"),
        GM_OK);
    assert_int_equal(f->batch.sample_count, 1);
    assert_int_equal(f->batch.reject_count, 0);
    const gm_wire_sample *sample = &f->batch.samples[0];
    assert_true(gm_text_equal(sample->series, "t2"));
    assert_int_equal(sample->kind, GM_WIRE_NUMBER);
    assert_true(sample->number == -245.0);
    assert_true(sample->has_time && sample->time_ns == INT64_C(1614873060000000000));
    assert_true(sample->has_sequence && sample->sequence == 17);
}

static void time_and_sequence_may_be_missing(void **state)
{
    fixture *f = *state;
    assert_int_equal(read_body(f, "[{\"series\":\"t2\",\"v\":0}]"), GM_OK);
    assert_int_equal(f->batch.sample_count, 1);
    assert_false(f->batch.samples[0].has_time);
    assert_false(f->batch.samples[0].has_sequence);
}

static void values_are_numbers_bools_and_labels(void **state)
{
    fixture *f = *state;
    assert_int_equal(read_body(f,
                               "[{\"series\":\"a\",\"v\":true},{\"series\":\"a\",\"v\":false},"
                               "{\"series\":\"a\",\"v\":\"open\"},{\"series\":\"a\",\"v\":\"\"}]"),
                     GM_OK);
    assert_int_equal(f->batch.sample_count, 4);
    assert_int_equal(f->batch.samples[0].kind, GM_WIRE_BOOL);
    assert_true(f->batch.samples[0].number == 1.0);
    assert_true(f->batch.samples[1].number == 0.0);
    assert_int_equal(f->batch.samples[2].kind, GM_WIRE_LABEL);
    assert_true(gm_text_equal(f->batch.samples[2].label, "open"));
    assert_int_equal(f->batch.samples[3].label.size, 0);
}

static void escapes_are_undone(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        read_body(f, "[{\"\\u0073eries\":\"\\u00e4/\\/\\\"\\\\\",\"v\":\"\\ud83d\\ude00\\u20AC\"},"
                     "{\"series\":\"\\u0041\",\"v\":1}]"),
        GM_OK);
    assert_int_equal(f->batch.sample_count, 2);
    assert_true(gm_text_equal(f->batch.samples[0].series, "\xC3\xA4//\"\\"));
    assert_true(gm_text_equal(f->batch.samples[0].label, "\xF0\x9F\x98\x80\xE2\x82\xAC"));
    assert_true(gm_text_equal(f->batch.samples[1].series, "A"));
}

static void plain_texts_lie_in_the_body(void **state)
{
    fixture *f = *state;
    const char *body = "[{\"series\":\"t2\",\"v\":1}]";
    assert_int_equal(read_body(f, body), GM_OK);
    assert_ptr_equal(f->batch.samples[0].series.data, body + 12);
}

static void integers_keep_all_their_bits(void **state)
{
    fixture *f = *state;
    assert_int_equal(
        read_body(
            f,
            "[{\"series\":\"a\",\"t\":-9223372036854775808,\"v\":1,\"seq\":18446744073709551615},"
            "{\"series\":\"a\",\"t\":9223372036854775807,\"v\":9007199254740993,\"seq\":0}]"),
        GM_OK);
    assert_int_equal(f->batch.sample_count, 2);
    assert_true(f->batch.samples[0].time_ns == INT64_MIN);
    assert_true(f->batch.samples[0].sequence == UINT64_MAX);
    assert_true(f->batch.samples[1].time_ns == INT64_MAX);
    assert_true(f->batch.samples[1].number == 9007199254740992.0); // nearest double, ties to even
}

static void an_element_that_is_no_sample_is_rejected_alone(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *element, *reason;
    } cases[] = {
        { "7", "an element that is not an object" },
        { "[]", "an element that is not an object" },
        { "{}", "series is missing" },
        { "{\"series\":\"a\"}", "v is missing" },
        { "{\"v\":1}", "series is missing" },
        { "{\"series\":7,\"v\":1}", "series is not a string" },
        { "{\"series\":\"\",\"v\":1}", "series is empty" },
        { "{\"series\":\"a\\nb\",\"v\":1}", "series has a control character" },
        { "{\"series\":\"\\u0000\",\"v\":1}", "series has a control character" },
        { "{\"series\":\"a\",\"v\":null}", "v is null" },
        { "{\"series\":\"a\",\"v\":[1,2]}", "v is an array: frames are not taken yet" },
        { "{\"series\":\"a\",\"v\":{\"x\":[{}]}}", "v is an object: events are not taken yet" },
        { "{\"series\":\"a\",\"v\":1e999}", "v is too large for a double" },
        { "{\"series\":\"a\",\"v\":\"\\u0007\"}", "v is a label with a control character" },
        { "{\"series\":\"a\",\"v\":1,\"t\":null}", "t is neither a string nor an integer" },
        { "{\"series\":\"a\",\"v\":1,\"t\":\"noon\"}",
          "t is not an ISO 8601 time between the years 1678 and 2261" },
        { "{\"series\":\"a\",\"v\":1,\"t\":\"3021-03-04T00:00:00Z\"}",
          "t is not an ISO 8601 time between the years 1678 and 2261" },
        { "{\"series\":\"a\",\"v\":1,\"t\":1.5}", "t is not a whole number of nanoseconds" },
        { "{\"series\":\"a\",\"v\":1,\"t\":1e9}", "t is not a whole number of nanoseconds" },
        { "{\"series\":\"a\",\"v\":1,\"t\":9223372036854775808}",
          "t is out of range: nanoseconds since 1970 as a 64-bit integer" },
        { "{\"series\":\"a\",\"v\":1,\"seq\":\"1\"}", "seq is not an integer" },
        { "{\"series\":\"a\",\"v\":1,\"seq\":-1}", "seq is not an integer from 0 to 2^64 - 1" },
        { "{\"series\":\"a\",\"v\":1,\"seq\":1.0}", "seq is not an integer from 0 to 2^64 - 1" },
        { "{\"series\":\"a\",\"v\":1,\"seq\":18446744073709551616}",
          "seq is not an integer from 0 to 2^64 - 1" },
        { "{\"series\":\"a\",\"v\":1,\"v\":2}", "a key comes twice" },
        { "{\"series\":\"a\",\"value\":1}", "unknown key" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        gm_string body = { 0 };
        gm_string_format(&body, "[{\"series\":\"x\",\"v\":1},%s,{\"series\":\"y\",\"v\":2}]",
                         cases[index].element);
        assert_int_equal(read_body(f, body.data), GM_OK);
        assert_int_equal(f->batch.sample_count, 2);
        assert_int_equal(f->batch.samples[0].index, 0);
        assert_int_equal(f->batch.samples[1].index, 2);
        assert_int_equal(f->batch.reject_count, 1);
        assert_int_equal(f->batch.rejects[0].index, 1);
        assert_string_equal(f->batch.rejects[0].reason, cases[index].reason);
        gm_string_free(&body);
    }
}

static void an_unknown_key_is_named(void **state)
{
    fixture *f = *state;
    assert_int_equal(read_body(f, "[{\"series\":\"a\",\"value\":1}]"), GM_OK);
    assert_int_equal(f->batch.reject_count, 1);
    assert_true(gm_text_equal(f->batch.rejects[0].detail, "value"));
}

static void a_long_unknown_key_is_cut_between_characters(void **state)
{
    fixture *f = *state;
    gm_string body = { 0 };
    gm_string_format(&body, "[{\"x%040d%040d\":1},{\"x", 0, 0);
    for (int index = 0; index < 40; index++) {
        gm_string_add(&body, "\xC3\xA4", 2);
    }
    gm_string_format(&body, "\":1}]");
    assert_int_equal(read_body(f, body.data), GM_OK);
    assert_int_equal(f->batch.reject_count, 2);
    assert_int_equal(f->batch.rejects[0].detail.size, 64);
    assert_int_equal(f->batch.rejects[1].detail.size, 63);
    assert_true(gm_text_is_utf8(f->batch.rejects[1].detail));
    gm_string_free(&body);
}

static void names_and_labels_of_256_bytes_are_the_limit(void **state)
{
    fixture *f = *state;
    for (int size = 256; size <= 257; size++) {
        gm_string body = { 0 };
        gm_string_format(&body, "[{\"series\":\"%0*d\",\"v\":1},{\"series\":\"a\",\"v\":\"%0*d\"}]",
                         size, 0, size, 0);
        assert_int_equal(read_body(f, body.data), GM_OK);
        assert_int_equal(f->batch.sample_count, size == 256 ? 2 : 0);
        assert_int_equal(f->batch.reject_count, size == 256 ? 0 : 2);
        gm_string_free(&body);
    }
}

static void a_document_that_is_not_json_is_refused_with_its_place(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *body, *error;
    } cases[] = {
        { "", "1:1: an array of samples was expected" },
        { "{}", "1:1: an array of samples was expected" },
        { "null", "1:1: an array of samples was expected" },
        { "\xEF\xBB\xBF[]", "1:1: an array of samples was expected" },
        { "[", "1:2: a value was expected" },
        { "[]]", "1:3: something follows the document" },
        { "[1,]", "1:4: a value was expected" },
        { "[1 2]", "1:4: ',' or ']' was expected" },
        { "[\n{\"series\":\"a\"\n \"v\":1}]", "3:2: ',' or '}' was expected" },
        { "[{\"series\"}]", "1:11: ':' was expected" },
        { "[{series:1}]", "1:3: a string was expected" },
        { "[{\"v\":1,}]", "1:9: a string was expected" },
        { "[{\"v\":01}]", "1:7: a number JSON does not have" },
        { "[{\"v\":1.}]", "1:7: a number JSON does not have" },
        { "[{\"v\":1e}]", "1:7: a number JSON does not have" },
        { "[{\"v\":-}]", "1:7: a number JSON does not have" },
        { "[{\"v\":+1}]", "1:7: a value was expected" },
        { "[{\"v\":NaN}]", "1:7: a value was expected" },
        { "[{\"v\":tru}]", "1:7: a value was expected" },
        { "[{\"v\":nul", "1:7: a value was expected" },
        { "[\"abc", "1:2: the string that begins here does not end" },
        { "[\"\xC3\xA4\xC3\"]", "1:4: a byte that is not UTF-8" },
        { "[\"a\tb\"]", "1:4: a control character inside a string" },
        { "[\"\\x\"]", "1:3: an escape that JSON does not have" },
        { "[\"\\ud800\"]", "1:3: an escape that JSON does not have" },
        { "[\"\\udc00\"]", "1:3: an escape that JSON does not have" },
        { "[\"\\ud800\\u0041\"]", "1:3: an escape that JSON does not have" },
        { "[\"\\u12", "1:3: an escape that JSON does not have" },
        { "[{\"v\":[1,{\"a\":}]}]", "1:15: a value was expected" },
    };
    for (size_t index = 0; index < sizeof cases / sizeof cases[0]; index++) {
        assert_int_equal(read_body(f, cases[index].body), GM_INVALID);
        assert_memory_equal(f->error.text, "line ", 5);
        assert_string_equal(f->error.text + 5, cases[index].error);
        assert_int_equal(f->batch.sample_count + f->batch.reject_count, 0);
    }
}

static void nesting_is_bounded(void **state)
{
    fixture *f = *state;
    for (int depth = GM_JSON_DEPTH_MAX; depth <= GM_JSON_DEPTH_MAX + 1; depth++) {
        gm_string body = { 0 };
        gm_string_add(&body, "[", 1);
        for (int level = 0; level < depth; level++) {
            gm_string_add(&body, "[", 1);
        }
        for (int level = 0; level < depth; level++) {
            gm_string_add(&body, "]", 1);
        }
        gm_string_add(&body, "]", 1);
        assert_int_equal(read_body(f, body.data), depth == GM_JSON_DEPTH_MAX ? GM_OK : GM_LIMIT);
        gm_string_free(&body);
    }
}

static void a_million_elements_and_64_mebibytes_are_the_limit(void **state)
{
    fixture *f = *state;
    gm_string body = { 0 };
    gm_string_add(&body, "[0", 2);
    for (int index = 1; index < GM_WIRE_SAMPLES_MAX; index++) {
        gm_string_add(&body, ",0", 2);
    }
    gm_string_add(&body, "]", 1);
    assert_int_equal(read_body(f, body.data), GM_OK);
    assert_int_equal(f->batch.reject_count, GM_WIRE_SAMPLES_MAX);
    body.size--;
    gm_string_add(&body, ",0]", 3);
    assert_int_equal(read_body(f, body.data), GM_LIMIT);
    assert_int_equal(f->batch.reject_count, 0);
    gm_text large = { body.data,
                      (size_t)GM_WIRE_BODY_MAX_SIZE + 1 }; // refused before a byte is read
    assert_int_equal(gm_samples_read(large, f->arena, &f->batch, &f->error), GM_LIMIT);
    gm_string_free(&body);
}

static void a_batch_is_used_again(void **state)
{
    fixture *f = *state;
    assert_int_equal(read_body(f, "[{\"series\":\"a\",\"v\":1},{\"series\":\"a\",\"v\":1},5]"),
                     GM_OK);
    const gm_wire_sample *before = f->batch.samples;
    assert_int_equal(read_body(f, "[{\"series\":\"b\",\"v\":1}]"), GM_OK);
    assert_ptr_equal(f->batch.samples, before);
    assert_int_equal(f->batch.sample_count, 1);
    assert_int_equal(f->batch.reject_count, 0);
    assert_int_equal(read_body(f, "[{\"series\":\"b\",\"v\":1}"), GM_INVALID);
    assert_int_equal(f->batch.sample_count, 0);
    assert_int_equal(read_body(f, "[]"), GM_OK);
}

static void what_is_written_reads_back(void **state)
{
    fixture *f = *state;
    const gm_wire_sample samples[] = {
        { .series = gm_text_of("t2"),
          .kind = GM_WIRE_NUMBER,
          .number = 0.1,
          .has_time = true,
          .time_ns = INT64_MIN,
          .has_sequence = true,
          .sequence = UINT64_MAX },
        { .series = gm_text_of("\"\\\xC3\xA4"), .kind = GM_WIRE_BOOL, .number = 1.0 },
        { .series = gm_text_of("m"), .kind = GM_WIRE_LABEL, .label = gm_text_of("lid \"open\"") },
        { .series = gm_text_of("x"), .kind = GM_WIRE_NUMBER, .number = DBL_MAX },
        { .series = gm_text_of("x"), .kind = GM_WIRE_NUMBER, .number = NAN },
    };
    gm_string out = { 0 };
    gm_samples_write(&out, samples, 5);
    assert_false(out.failed);
    assert_int_equal(read_body(f, out.data), GM_OK);
    assert_int_equal(f->batch.sample_count, 4);
    assert_int_equal(f->batch.reject_count, 1); // NaN went as null
    assert_string_equal(f->batch.rejects[0].reason, "v is null");
    assert_true(f->batch.samples[0].number == 0.1);
    assert_true(f->batch.samples[0].time_ns == INT64_MIN);
    assert_true(f->batch.samples[0].sequence == UINT64_MAX);
    assert_true(gm_text_equal(f->batch.samples[1].series, "\"\\\xC3\xA4"));
    assert_false(f->batch.samples[1].has_time);
    assert_true(gm_text_equal(f->batch.samples[2].label, "lid \"open\""));
    assert_true(f->batch.samples[3].number == DBL_MAX);
    gm_string_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        { "a_sample_has_series_time_value_and_sequence",
          a_sample_has_series_time_value_and_sequence, set_up, tear_down, NULL },
        { "time_and_sequence_may_be_missing", time_and_sequence_may_be_missing, set_up, tear_down,
          NULL },
        { "values_are_numbers_bools_and_labels", values_are_numbers_bools_and_labels, set_up,
          tear_down, NULL },
        { "escapes_are_undone", escapes_are_undone, set_up, tear_down, NULL },
        { "plain_texts_lie_in_the_body", plain_texts_lie_in_the_body, set_up, tear_down, NULL },
        { "integers_keep_all_their_bits", integers_keep_all_their_bits, set_up, tear_down, NULL },
        { "an_element_that_is_no_sample_is_rejected_alone",
          an_element_that_is_no_sample_is_rejected_alone, set_up, tear_down, NULL },
        { "an_unknown_key_is_named", an_unknown_key_is_named, set_up, tear_down, NULL },
        { "a_long_unknown_key_is_cut_between_characters",
          a_long_unknown_key_is_cut_between_characters, set_up, tear_down, NULL },
        { "names_and_labels_of_256_bytes_are_the_limit",
          names_and_labels_of_256_bytes_are_the_limit, set_up, tear_down, NULL },
        { "a_document_that_is_not_json_is_refused_with_its_place",
          a_document_that_is_not_json_is_refused_with_its_place, set_up, tear_down, NULL },
        { "nesting_is_bounded", nesting_is_bounded, set_up, tear_down, NULL },
        { "a_million_elements_and_64_mebibytes_are_the_limit",
          a_million_elements_and_64_mebibytes_are_the_limit, set_up, tear_down, NULL },
        { "a_batch_is_used_again", a_batch_is_used_again, set_up, tear_down, NULL },
        { "what_is_written_reads_back", what_is_written_reads_back, set_up, tear_down, NULL },
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
