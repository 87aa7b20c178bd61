// The strict JSON scanner: see json_scan.h; grammar: RFC 8259.
#include "codec/json_scan.h"

#include <stdint.h>
#include <string.h>

#include "base/require.h"

static bool fail(gm_json *json, const char *at, const char *wrong)
{
    if (json->wrong == NULL) {
        json->at = at;
        json->wrong = wrong;
        json->status = GM_INVALID;
    }
    return false;
}

static void skip_space(gm_json *json)
{
    while (json->at < json->end &&
           (*json->at == ' ' || *json->at == '\n' || *json->at == '\r' || *json->at == '\t')) {
        json->at++;
    }
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/// The value of four hexadecimal digits, or -1.
static int32_t hex4(const char *at, const char *end)
{
    if (end - at < 4) {
        return -1;
    }
    int32_t value = 0;
    for (int index = 0; index < 4; index++) {
        char byte = at[index], lower = (char)(byte | 0x20);
        if (is_digit(byte)) {
            value = value * 16 + (byte - '0');
        } else if (lower >= 'a' && lower <= 'f') {
            value = value * 16 + (lower - 'a' + 10);
        } else {
            return -1;
        }
    }
    return value;
}

/// The code point of a \u escape at `at`, a surrogate pair taken together; -1 when it is none.
/// `*size` becomes the bytes of the escape.
static int32_t code_point(const char *at, const char *end, size_t *size)
{
    int32_t high = hex4(at + 2, end);
    *size = 6;
    if (high < 0xD800 || high > 0xDFFF) {
        return high;
    }
    bool paired = high < 0xDC00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u';
    int32_t low = paired ? hex4(at + 8, end) : -1;
    if (low < 0xDC00 || low > 0xDFFF) {
        return -1;
    }
    *size = 12;
    return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

/// Bytes of the escape at `at`; 0 when it is none.
static size_t escape_size(const char *at, const char *end)
{
    if (end - at < 2) {
        return 0;
    }
    if (at[1] != 'u') {
        return at[1] != 0 && strchr("\"\\/bfnrt", at[1]) != NULL ? 2 : 0;
    }
    if (end - at < 6) {
        return 0;
    }
    size_t size = 0;
    return code_point(at, end, &size) >= 0 ? size : 0;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at;
}

static bool take_word(gm_json *json, const char *word)
{
    size_t size = strlen(word);
    if ((size_t)(json->end - json->at) < size || memcmp(json->at, word, size) != 0) {
        return fail(json, json->at, "a value was expected");
    }
    json->at += size;
    return true;
}

static bool skip_value(gm_json *json, int depth);

static bool skip_members(gm_json *json, char close, int depth)
{
    if (depth == GM_JSON_DEPTH_MAX) {
        fail(json, json->at, "values are nested too deeply");
        json->status = GM_LIMIT;
        return false;
    }
    json->at++; // the bracket that opened
    if (gm_json_take_if(json, close)) {
        return true;
    }
    do {
        gm_json_string key;
        if (close == '}' &&
            !(gm_json_take_string(json, &key) && gm_json_take(json, ':', "':' was expected"))) {
            return false;
        }
        if (!skip_value(json, depth + 1)) {
            return false;
        }
    } while (gm_json_take_if(json, ','));
    return gm_json_take(json, close,
                        close == '}' ? "',' or '}' was expected" : "',' or ']' was expected");
}

static bool skip_value(gm_json *json, int depth)
{
    gm_json_string string;
    gm_text number;
    bool whole;
    char next = gm_json_peek(json);
    switch (next) {
    case '{':
        return skip_members(json, '}', depth);
    case '[':
        return skip_members(json, ']', depth);
    case '"':
        return gm_json_take_string(json, &string);
    case 't':
        return take_word(json, "true");
    case 'f':
        return take_word(json, "false");
    case 'n':
        return take_word(json, "null");
    default:
        return gm_json_take_number(json, &number, &whole);
    }
}

static char *put_utf8(char *to, uint32_t point)
{
    if (point < 0x80) {
        *to++ = (char)point;
        return to;
    }
    if (point < 0x800) {
        *to++ = (char)(0xC0 | (point >> 6));
    } else {
        if (point < 0x10000) {
            *to++ = (char)(0xE0 | (point >> 12));
        } else {
            *to++ = (char)(0xF0 | (point >> 18));
            *to++ = (char)(0x80 | ((point >> 12) & 0x3F));
        }
        *to++ = (char)(0x80 | ((point >> 6) & 0x3F));
    }
    *to++ = (char)(0x80 | (point & 0x3F));
    return to;
}

gm_json gm_json_of(gm_text document)
{
    const char *begin = document.size > 0 ? document.data : "";
    return (gm_json){ .begin = begin, .at = begin, .end = begin + document.size };
}

char gm_json_peek(gm_json *json)
{
    if (json->wrong != NULL) {
        return 0;
    }
    skip_space(json);
    return json->at < json->end ? *json->at : 0;
}

bool gm_json_take(gm_json *json, char byte, const char *expected)
{
    return gm_json_take_if(json, byte) || fail(json, json->at, expected);
}

bool gm_json_take_if(gm_json *json, char byte)
{
    if (gm_json_peek(json) != byte) {
        return false;
    }
    json->at++;
    return true;
}

bool gm_json_take_string(gm_json *json, gm_json_string *string)
{
    if (!gm_json_take(json, '"', "a string was expected")) {
        return false;
    }
    const char *begin = json->at, *at = begin, *end = json->end;
    bool escaped = false;
    while (at < end && *at != '"') {
        unsigned char byte = (unsigned char)*at;
        if (byte < 0x20) {
            return fail(json, at, "a control character inside a string");
        }
        size_t step = 1;
        if (byte == '\\') {
            escaped = true;
            step = escape_size(at, end);
        } else if (byte >= 0x80) {
            step = gm_text_utf8_step((gm_text){ at, (size_t)(end - at) });
        }
        if (step == 0) {
            return fail(json, at,
                        byte == '\\' ? "an escape that JSON does not have"
                                     : "a byte that is not UTF-8");
        }
        at += step;
    }
    if (at == end) {
        return fail(json, begin - 1, "the string that begins here does not end");
    }
    json->at = at + 1;
    *string = (gm_json_string){ { begin, (size_t)(at - begin) }, escaped };
    return true;
}

bool gm_json_take_number(gm_json *json, gm_text *number, bool *whole)
{
    char next = gm_json_peek(json);
    if (next != '-' && !is_digit(next)) {
        return fail(json, json->at, "a value was expected");
    }
    const char *begin = json->at, *end = json->end;
    const char *digits = next == '-' ? begin + 1 : begin, *at = skip_digits(digits, end);
    if (at == digits || (*digits == '0' && at - digits > 1)) {
        return fail(json, begin, "a number JSON does not have");
    }
    const char *whole_end = at;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction, end);
        if (at == fraction) {
            return fail(json, begin, "a number JSON does not have");
        }
    }
    if (at < end && (*at | 0x20) == 'e') {
        const char *power = at + 1;
        power += power < end && (*power == '+' || *power == '-');
        at = skip_digits(power, end);
        if (at == power) {
            return fail(json, begin, "a number JSON does not have");
        }
    }
    json->at = at;
    *number = (gm_text){ begin, (size_t)(at - begin) };
    *whole = at == whole_end;
    return true;
}

bool gm_json_take_bool(gm_json *json, bool *value)
{
    bool is_true = gm_json_peek(json) == 't';
    if (json->wrong != NULL || !take_word(json, is_true ? "true" : "false")) {
        return false;
    }
    *value = is_true;
    return true;
}

bool gm_json_skip(gm_json *json)
{
    return skip_value(json, 0);
}

bool gm_json_take_end(gm_json *json)
{
    gm_json_peek(json);
    return json->wrong == NULL &&
           (json->at == json->end || fail(json, json->at, "something follows the document"));
}

size_t gm_json_unescape(gm_text raw, char *text)
{
    const char *at = raw.data, *end = raw.data + raw.size;
    char *to = text;
    while (at < end) {
        if (*at != '\\') {
            *to++ = *at++;
            continue;
        }
        static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
        size_t size = 2;
        if (at[1] == 'u') {
            to = put_utf8(to, (uint32_t)code_point(at, end, &size));
        } else {
            const char *letter = strchr(letters, at[1]);
            GM_REQUIRE(letter != NULL);
            *to++ = bytes[letter - letters];
        }
        at += size;
    }
    return (size_t)(to - text);
}

gm_status gm_json_error(const gm_json *json, gm_error *error)
{
    GM_REQUIRE(json->wrong != NULL);
    gm_place place = { .line = 1, .column = 1 };
    for (const char *at = json->begin; at < json->at; at++) {
        if (*at == '\n') {
            place.line++;
            place.column = 1;
        } else if (((unsigned char)*at & 0xC0) != 0x80) {
            place.column++;
        }
    }
    return gm_error_at(error, json->status, place, "%s", json->wrong);
}

void gm_json_write_string(gm_string *out, gm_text text)
{
    gm_string_add(out, "\"", 1);
    size_t begin = 0;
    for (size_t at = 0; at < text.size; at++) {
        unsigned char byte = (unsigned char)text.data[at];
        if (byte >= 0x20 && byte != '"' && byte != '\\') {
            continue;
        }
        gm_string_add(out, text.data + begin, at - begin);
        if (byte < 0x20) {
            gm_string_format(out, "\\u%04x", (unsigned)byte);
        } else {
            gm_string_add(out, byte == '"' ? "\\\"" : "\\\\", 2);
        }
        begin = at + 1;
    }
    if (begin < text.size) {
        gm_string_add(out, text.data + begin, text.size - begin);
    }
    gm_string_add(out, "\"", 1);
}
