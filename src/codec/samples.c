// Samples on the wire: the form is described in samples.h. One pass, no allocation per sample.
#include "codec/samples.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/require.h"
#include "codec/json_scan.h"

enum {
    KEY_MAX_SIZE = 64,    // raw bytes of an escaped key that may still be one of ours
    DETAIL_MAX_SIZE = 64, // bytes of a rejected key that are shown
};

typedef struct reading {
    gm_json json;
    gm_arena *arena;
    char *unescaped; // room for every escape still to come; NULL before the first
    bool no_memory;
    gm_wire_sample sample; // the element being read
    unsigned seen;         // a bit for every key it had
    const char *reason;    // why it is rejected; the first reason counts
    gm_text detail;
} reading;

static bool reject(reading *r, const char *reason)
{
    r->reason = r->reason != NULL ? r->reason : reason;
    return true; // the document goes on
}

/// Passes over a value that is not what it should be.
static bool reject_value(reading *r, const char *reason)
{
    reject(r, reason);
    return gm_json_skip(&r->json);
}

/// A string's text, escapes undone. false when there is no memory.
static bool text_of(reading *r, gm_json_string string, gm_text *text)
{
    if (!string.escaped) {
        *text = string.raw;
        return true;
    }
    if (r->unescaped == NULL) {
        // texts are never longer than their escapes: what is left of the body is enough for all
        size_t left = (size_t)(r->json.end - string.raw.data);
        r->unescaped = gm_arena_new(r->arena, left, 1);
    }
    if (r->unescaped == NULL) {
        r->no_memory = true;
        return false;
    }
    *text = (gm_text){ r->unescaped, gm_json_unescape(string.raw, r->unescaped) };
    r->unescaped += text->size;
    return true;
}

static bool has_control_characters(gm_text text)
{
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte < 0x20 || byte == 0x7F) {
            return true;
        }
    }
    return false;
}

static bool read_series(reading *r)
{
    gm_json_string string;
    if (gm_json_peek(&r->json) != '"') {
        return reject_value(r, "series is not a string");
    }
    gm_text series;
    if (!gm_json_take_string(&r->json, &string) || !text_of(r, string, &series)) {
        return false;
    }
    if (series.size == 0) {
        return reject(r, "series is empty");
    }
    if (series.size > GM_WIRE_TEXT_MAX_SIZE) {
        return reject(r, "series is longer than 256 bytes");
    }
    if (has_control_characters(series)) {
        return reject(r, "series has a control character");
    }
    r->sample.series = series;
    return true;
}

static bool is_number(char first)
{
    return first == '-' || (first >= '0' && first <= '9');
}

static bool read_time(reading *r)
{
    char first = gm_json_peek(&r->json);
    r->sample.has_time = true;
    if (first == '"') {
        gm_json_string string;
        gm_text text;
        if (!gm_json_take_string(&r->json, &string) || !text_of(r, string, &text)) {
            return false;
        }
        return gm_time_parse(text, &r->sample.time_ns) ||
               reject(r, "t is not an ISO 8601 time between the years 1678 and 2261");
    }
    if (!is_number(first)) {
        return reject_value(r, "t is neither a string nor an integer");
    }
    gm_text number;
    bool whole;
    if (!gm_json_take_number(&r->json, &number, &whole)) {
        return false;
    }
    if (!whole) {
        return reject(r, "t is not a whole number of nanoseconds");
    }
    return gm_text_to_i64(number, &r->sample.time_ns) ||
           reject(r, "t is out of range: nanoseconds since 1970 as a 64-bit integer");
}

static bool read_label(reading *r)
{
    gm_json_string string;
    gm_text label;
    if (!gm_json_take_string(&r->json, &string) || !text_of(r, string, &label)) {
        return false;
    }
    if (label.size > GM_WIRE_TEXT_MAX_SIZE) {
        return reject(r, "v is a label longer than 256 bytes");
    }
    if (has_control_characters(label)) {
        return reject(r, "v is a label with a control character");
    }
    r->sample.kind = GM_WIRE_LABEL;
    r->sample.label = label;
    return true;
}

static bool read_value(reading *r)
{
    char first = gm_json_peek(&r->json);
    gm_text number;
    bool whole, flag;
    switch (first) {
    case '"':
        return read_label(r);
    case 't':
    case 'f':
        if (!gm_json_take_bool(&r->json, &flag)) {
            return false;
        }
        r->sample.kind = GM_WIRE_BOOL;
        r->sample.number = flag ? 1.0 : 0.0;
        return true;
    case 'n':
        return reject_value(r, "v is null");
    case '[':
        return reject_value(r, "v is an array: frames are not taken yet");
    case '{':
        return reject_value(r, "v is an object: events are not taken yet");
    default:
        if (!gm_json_take_number(&r->json, &number, &whole)) {
            return false;
        }
        r->sample.kind = GM_WIRE_NUMBER;
        return gm_text_to_f64(number, &r->sample.number) ||
               reject(r, "v is too large for a double");
    }
}

/// Digits only, as JSON spells a whole number that is not negative.
static bool text_to_u64(gm_text text, uint64_t *value)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < text.size; at++) {
        uint64_t digit = (uint64_t)(text.data[at] - '0');
        if (digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, digit, &sum)) {
            return false;
        }
    }
    *value = sum;
    return true;
}

static bool read_sequence(reading *r)
{
    if (!is_number(gm_json_peek(&r->json))) {
        return reject_value(r, "seq is not an integer");
    }
    gm_text number;
    bool whole;
    if (!gm_json_take_number(&r->json, &number, &whole)) {
        return false;
    }
    r->sample.has_sequence = true;
    return (whole && text_to_u64(number, &r->sample.sequence)) ||
           reject(r, "seq is not an integer from 0 to 2^64 - 1");
}

enum { KEY_SERIES, KEY_TIME, KEY_VALUE, KEY_SEQUENCE, KEY_COUNT };

static const struct {
    const char *name;
    bool (*read)(reading *r);
    const char *missing; // NULL: may be left out
} keys[KEY_COUNT] = {
    [KEY_SERIES] = { "series", read_series, "series is missing" },
    [KEY_TIME] = { "t", read_time, NULL },
    [KEY_VALUE] = { "v", read_value, "v is missing" },
    [KEY_SEQUENCE] = { "seq", read_sequence, NULL },
};

/// Which key it is; KEY_COUNT when it is none of ours.
static size_t find_key(gm_json_string string)
{
    char buffer[KEY_MAX_SIZE];
    gm_text name = string.raw;
    if (string.escaped) {
        if (name.size > sizeof buffer) {
            return KEY_COUNT;
        }
        name = (gm_text){ buffer, gm_json_unescape(string.raw, buffer) };
    }
    size_t key = 0;
    while (key < KEY_COUNT && !gm_text_equal(name, keys[key].name)) {
        key++;
    }
    return key;
}

/// The front of a key, cut between characters.
static gm_text shown(gm_text raw)
{
    size_t size = 0, step;
    while (size < raw.size) {
        step = gm_text_utf8_step((gm_text){ raw.data + size, raw.size - size });
        if (step == 0 || step > DETAIL_MAX_SIZE - size) {
            break;
        }
        size += step;
    }
    return (gm_text){ raw.data, size };
}

static bool read_member(reading *r)
{
    gm_json_string string;
    if (!gm_json_take_string(&r->json, &string) ||
        !gm_json_take(&r->json, ':', "':' was expected")) {
        return false;
    }
    size_t key = find_key(string);
    const char *wrong = key == KEY_COUNT               ? "unknown key"
                        : (r->seen & (1U << key)) != 0 ? "a key comes twice"
                                                       : NULL;
    if (wrong != NULL) {
        if (r->reason == NULL) {
            r->detail = shown(string.raw);
        }
        return reject_value(r, wrong);
    }
    r->seen |= 1U << key;
    return keys[key].read(r);
}

/// Reads one element into `sample` or `reason`. false when the document cannot go on.
static bool read_element(reading *r)
{
    if (!gm_json_take_if(&r->json, '{')) {
        return reject_value(r, "an element that is not an object");
    }
    if (!gm_json_take_if(&r->json, '}')) {
        do {
            if (!read_member(r)) {
                return false;
            }
        } while (gm_json_take_if(&r->json, ','));
        if (!gm_json_take(&r->json, '}', "',' or '}' was expected")) {
            return false;
        }
    }
    for (size_t key = 0; key < KEY_COUNT; key++) {
        if (keys[key].missing != NULL && (r->seen & (1U << key)) == 0) {
            reject(r, keys[key].missing);
        }
    }
    return true;
}

/// Files the element that was read. false when there is no memory.
static bool keep(reading *r, gm_wire_batch *batch)
{
    if (r->reason != NULL) {
        gm_wire_reject *rejects = gm_memory_grow(batch->rejects, &batch->reject_capacity,
                                                 batch->reject_count + 1, sizeof *rejects);
        if (rejects == NULL) {
            r->no_memory = true;
            return false;
        }
        batch->rejects = rejects;
        rejects[batch->reject_count++] = (gm_wire_reject){ r->sample.index, r->reason, r->detail };
        return true;
    }
    gm_wire_sample *samples = gm_memory_grow(batch->samples, &batch->sample_capacity,
                                             batch->sample_count + 1, sizeof *samples);
    if (samples == NULL) {
        r->no_memory = true;
        return false;
    }
    batch->samples = samples;
    samples[batch->sample_count++] = r->sample;
    return true;
}

static gm_status read_elements(reading *r, gm_wire_batch *batch, gm_error *error)
{
    bool good = gm_json_take(&r->json, '[', "an array of samples was expected");
    if (good && !gm_json_take_if(&r->json, ']')) {
        size_t index = 0;
        do {
            if (index == GM_WIRE_SAMPLES_MAX) {
                return gm_error_set(error, GM_LIMIT, "more than %d samples in one document",
                                    GM_WIRE_SAMPLES_MAX);
            }
            r->sample = (gm_wire_sample){ .index = index++ };
            r->seen = 0;
            r->reason = NULL;
            r->detail = (gm_text){ "", 0 };
            good = read_element(r) && keep(r, batch);
        } while (good && gm_json_take_if(&r->json, ','));
        good = good && gm_json_take(&r->json, ']', "',' or ']' was expected");
    }
    if (good && gm_json_take_end(&r->json)) {
        return GM_OK;
    }
    return r->no_memory ? gm_error_set(error, GM_MEMORY, "no memory to read samples")
                        : gm_json_error(&r->json, error);
}

static void write_value(gm_string *out, const gm_wire_sample *sample)
{
    GM_REQUIRE(sample->kind >= GM_WIRE_NUMBER && sample->kind <= GM_WIRE_LABEL);
    char number[32];
    switch (sample->kind) {
    case GM_WIRE_LABEL:
        gm_json_write_string(out, sample->label);
        return;
    case GM_WIRE_BOOL:
        gm_string_format(out, "%s", sample->number != 0.0 ? "true" : "false");
        return;
    case GM_WIRE_NUMBER:
        if (isfinite(sample->number)) {
            gm_string_add(out, number, gm_text_from_f64(sample->number, number));
        } else {
            gm_string_add(out, "null", 4);
        }
        return;
    }
}

void gm_wire_batch_free(gm_wire_batch *batch)
{
    gm_memory_free(batch->samples);
    gm_memory_free(batch->rejects);
    *batch = (gm_wire_batch){ 0 };
}

gm_status gm_samples_read(gm_text body, gm_arena *arena, gm_wire_batch *batch, gm_error *error)
{
    batch->sample_count = batch->reject_count = 0;
    if (body.size > GM_WIRE_BODY_MAX_SIZE) {
        return gm_error_set(error, GM_LIMIT, "more than %d bytes in one document",
                            GM_WIRE_BODY_MAX_SIZE);
    }
    reading r = { .json = gm_json_of(body), .arena = arena };
    gm_status status = read_elements(&r, batch, error);
    if (status != GM_OK) {
        batch->sample_count = batch->reject_count = 0;
    }
    return status;
}

void gm_samples_write(gm_string *out, const gm_wire_sample *samples, size_t count)
{
    gm_string_add(out, "[", 1);
    for (size_t index = 0; index < count; index++) {
        const gm_wire_sample *sample = &samples[index];
        gm_string_format(out, "%s{\"series\":", index > 0 ? ",\n" : "");
        gm_json_write_string(out, sample->series);
        if (sample->has_time) {
            gm_string_format(out, ",\"t\":%" PRId64, sample->time_ns);
        }
        gm_string_add(out, ",\"v\":", 5);
        write_value(out, sample);
        if (sample->has_sequence) {
            gm_string_format(out, ",\"seq\":%" PRIu64, sample->sequence);
        }
        gm_string_add(out, "}", 1);
    }
    gm_string_add(out, "]", 1);
}
