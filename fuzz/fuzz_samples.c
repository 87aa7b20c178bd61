// Fuzzes the reader of samples: whatever the bytes, it takes what jansson takes, rejects exactly
// the elements that are not samples, reads the same values, and what is written again reads back.
#include <jansson.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"
#include "codec/samples.h"

static bool text_is(gm_text text, const json_t *string)
{
    return text.size == json_string_length(string) &&
           memcmp(text.data, json_string_value(string), text.size) == 0;
}

static bool is_name(const json_t *string)
{
    const char *text = json_string_value(string);
    size_t size = json_string_length(string);
    for (size_t at = 0; at < size; at++) {
        unsigned char byte = (unsigned char)text[at];
        if (byte < 0x20 || byte == 0x7F) {
            return false;
        }
    }
    return size <= GM_WIRE_TEXT_MAX_SIZE;
}

static bool is_time(const json_t *value, int64_t *time_ns)
{
    if (json_is_integer(value)) {
        *time_ns = json_integer_value(value);
        return true;
    }
    return json_is_string(value) &&
           gm_time_parse((gm_text){ json_string_value(value), json_string_length(value) }, time_ns);
}

/// What makes an element a sample, said once more in terms of jansson.
static bool is_sample(json_t *element)
{
    const json_t *series = json_object_get(element, "series"), *t = json_object_get(element, "t");
    const json_t *v = json_object_get(element, "v"), *seq = json_object_get(element, "seq");
    size_t known = (series != NULL) + (t != NULL) + (v != NULL) + (seq != NULL);
    int64_t time_ns = 0;
    return json_is_object(element) && json_object_size(element) == known && series != NULL &&
           v != NULL && json_is_string(series) && json_string_length(series) > 0 &&
           is_name(series) && (t == NULL || is_time(t, &time_ns)) &&
           (seq == NULL || (json_is_integer(seq) && json_integer_value(seq) >= 0)) &&
           (json_is_number(v) || json_is_boolean(v) || (json_is_string(v) && is_name(v)));
}

static void check_sample(json_t *element, const gm_wire_sample *sample)
{
    GM_REQUIRE(is_sample(element));
    GM_REQUIRE(text_is(sample->series, json_object_get(element, "series")));
    const json_t *v = json_object_get(element, "v");
    const json_t *t = json_object_get(element, "t"), *seq = json_object_get(element, "seq");
    switch (sample->kind) {
    case GM_WIRE_NUMBER:
        GM_REQUIRE(json_is_number(v) && sample->number == json_number_value(v));
        break;
    case GM_WIRE_BOOL:
        GM_REQUIRE(json_is_boolean(v) && sample->number == (json_is_true(v) ? 1.0 : 0.0));
        break;
    case GM_WIRE_LABEL:
        GM_REQUIRE(json_is_string(v) && text_is(sample->label, v));
        break;
    }
    int64_t time_ns = 0;
    GM_REQUIRE(sample->has_time == (t != NULL) && sample->has_sequence == (seq != NULL));
    GM_REQUIRE(t == NULL || (is_time(t, &time_ns) && time_ns == sample->time_ns));
    GM_REQUIRE(seq == NULL || (uint64_t)json_integer_value(seq) == sample->sequence);
}

static void check_reject(json_t *element)
{
    const json_t *seq = json_object_get(element, "seq");
    bool minus_zero = json_is_integer(seq) && json_integer_value(seq) == 0; // to jansson it is 0
    GM_REQUIRE(minus_zero || !is_sample(element));
}

/// @param twice  some object has a key twice, of which jansson keeps the last
static void compare(json_t *document, bool twice, const gm_wire_batch *batch)
{
    size_t count = json_array_size(document);
    size_t sample = 0, rejected = 0;
    for (size_t index = 0; index < count; index++) {
        json_t *element = json_array_get(document, index);
        if (sample < batch->sample_count && batch->samples[sample].index == index) {
            check_sample(element, &batch->samples[sample++]);
        } else {
            GM_REQUIRE(rejected < batch->reject_count && batch->rejects[rejected].index == index);
            if (!twice) {
                check_reject(element);
            }
            rejected++;
        }
    }
    GM_REQUIRE(sample == batch->sample_count && rejected == batch->reject_count);
}

static bool same_sample(const gm_wire_sample *a, const gm_wire_sample *b)
{
    return a->kind == b->kind && a->has_time == b->has_time && a->time_ns == b->time_ns &&
           a->has_sequence == b->has_sequence && a->sequence == b->sequence &&
           memcmp(&a->number, &b->number, sizeof a->number) == 0 &&
           a->series.size == b->series.size && a->label.size == b->label.size &&
           memcmp(a->series.data, b->series.data, a->series.size) == 0 &&
           (a->label.size == 0 || memcmp(a->label.data, b->label.data, a->label.size) == 0);
}

static void check_round_trip(const gm_wire_batch *batch, gm_arena *arena)
{
    gm_string text = { 0 };
    gm_samples_write(&text, batch->samples, batch->sample_count);
    gm_wire_batch again = { 0 };
    GM_REQUIRE(gm_samples_read((gm_text){ text.data, text.size }, arena, &again, NULL) == GM_OK);
    GM_REQUIRE(again.reject_count == 0 && again.sample_count == batch->sample_count);
    for (size_t index = 0; index < batch->sample_count; index++) {
        GM_REQUIRE(same_sample(&batch->samples[index], &again.samples[index]));
    }
    gm_wire_batch_free(&again);
    gm_string_free(&text);
}

/// Mistakes of the document that only one of the two readers makes of it: ours by its limits,
/// jansson by numbers beyond its types and by NUL in a key.
static bool beyond_jansson(const json_error_t *wrong)
{
    enum json_error_code code = json_error_code(wrong);
    return code == json_error_numeric_overflow || code == json_error_null_byte_in_key;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    gm_arena *arena = gm_arena_create(0);
    GM_REQUIRE(arena != NULL);
    gm_wire_batch batch = { 0 };
    gm_error error = { 0 };
    gm_status status =
        gm_samples_read((gm_text){ (const char *)bytes, size }, arena, &batch, &error);
    json_error_t wrong = { 0 };
    json_t *document = json_loadb((const char *)bytes, size, JSON_ALLOW_NUL, &wrong);

    if (status == GM_OK) {
        GM_REQUIRE(document != NULL || beyond_jansson(&wrong));
        if (document != NULL) {
            json_t *strict = json_loadb((const char *)bytes, size,
                                        JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
            compare(document, strict == NULL, &batch);
            json_decref(strict);
        }
        check_round_trip(&batch, arena);
    } else {
        GM_REQUIRE(error.status == status && error.text[0] != 0);
        GM_REQUIRE(batch.sample_count == 0 && batch.reject_count == 0);
        bool nul =
            size > 0 && memchr(bytes, 0, size) != NULL; // jansson passes over it after a number
        GM_REQUIRE(status == GM_LIMIT || nul || !json_is_array(document));
    }
    json_decref(document);
    gm_wire_batch_free(&batch);
    gm_arena_close(arena);
    return 0;
}
