// Slices, UTF-8, near misses and growing strings. Numbers are in text_number.c.
//
// Distance: optimal string alignment, Damerau and Levenshtein's edits without overlapping swaps
// (F. J. Damerau, Comm. ACM 7 (1964) 171-176).
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

enum {
    NEAREST_LENGTH = 64, // longer words are never near misses
    EDIT_COST = 2,
    CASE_COST = 1, // "w/K" for "W/K" is half a mistake
};

gm_text gm_text_of(const char *string)
{
    return (gm_text){ string, strlen(string) };
}

bool gm_text_equal(gm_text a, const char *b)
{
    size_t size = strlen(b);
    return a.size == size && (size == 0 || memcmp(a.data, b, size) == 0);
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

gm_text gm_text_trim(gm_text text)
{
    while (text.size > 0 && is_blank(text.data[0])) {
        text.data++;
        text.size--;
    }
    while (text.size > 0 && is_blank(text.data[text.size - 1])) {
        text.size--;
    }
    return text;
}

size_t gm_text_utf8_step(gm_text text)
{
    if (text.size == 0) {
        return 0;
    }
    const unsigned char *byte = (const unsigned char *)text.data;
    unsigned first = byte[0];
    if (first < 0x80) {
        return first != 0;
    }
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || length > text.size) {
        return 0;
    }
    // the second byte's range rules out overlong forms, surrogates and what lies past U+10FFFF
    unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte[1] < low || byte[1] > high) {
        return 0;
    }
    for (size_t index = 2; index < length; index++) {
        if ((byte[index] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

bool gm_text_is_utf8(gm_text text)
{
    while (text.size > 0) {
        size_t step = gm_text_utf8_step(text);
        if (step == 0) {
            return false;
        }
        text.data += step;
        text.size -= step;
    }
    return true;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int substitution_cost(char a, char b)
{
    if (a == b) {
        return 0;
    }
    return tolower((unsigned char)a) == tolower((unsigned char)b) ? CASE_COST : EDIT_COST;
}

// Three rows of the table of distances between beginnings of a and b; both at most NEAREST_LENGTH
// long.
static int edit_cost(gm_text a, gm_text b)
{
    int rows[3][NEAREST_LENGTH + 1];
    int *before = rows[0], *above = rows[1], *row = rows[2];
    for (size_t j = 0; j <= b.size; j++) {
        above[j] = (int)j * EDIT_COST;
    }
    for (size_t i = 1; i <= a.size; i++) {
        row[0] = (int)i * EDIT_COST;
        for (size_t j = 1; j <= b.size; j++) {
            int cost = above[j - 1] + substitution_cost(a.data[i - 1], b.data[j - 1]);
            cost = smaller(cost, smaller(above[j], row[j - 1]) + EDIT_COST);
            bool swapped =
                i > 1 && j > 1 && a.data[i - 1] == b.data[j - 2] && a.data[i - 2] == b.data[j - 1];
            row[j] = swapped ? smaller(cost, before[j - 2] + EDIT_COST) : cost;
        }
        int *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[b.size];
}

const char *gm_text_nearest(const char *word, const char *const *candidates, size_t count)
{
    gm_text wanted = gm_text_of(word);
    if (wanted.size > NEAREST_LENGTH) {
        return NULL;
    }
    const char *nearest = NULL;
    int best = (int)wanted.size * EDIT_COST / 3;
    best = (best < CASE_COST ? CASE_COST : best) + 1; // a single letter may have the wrong case
    for (size_t index = 0; index < count; index++) {
        gm_text candidate = gm_text_of(candidates[index]);
        if (candidate.size > NEAREST_LENGTH) {
            continue;
        }
        int cost = edit_cost(wanted, candidate);
        if (cost < best) {
            best = cost;
            nearest = candidates[index];
        }
    }
    return nearest;
}

// Room for `more` bytes and the NUL.
static bool make_room(gm_string *string, size_t more)
{
    if (string->failed || more >= SIZE_MAX - string->size) {
        string->failed = true;
        return false;
    }
    char *data = gm_memory_grow(string->data, &string->capacity, string->size + more + 1, 1);
    if (!data) {
        string->failed = true;
        return false;
    }
    string->data = data;
    return true;
}

void gm_string_reserve(gm_string *string, size_t more)
{
    make_room(string, more);
}

void gm_string_add(gm_string *string, const char *bytes, size_t size)
{
    if (!make_room(string, size)) {
        return;
    }
    if (size > 0) {
        memcpy(string->data + string->size, bytes, size);
    }
    string->size += size;
    string->data[string->size] = 0;
}

void gm_string_format(gm_string *string, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int size = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (size < 0) {
        string->failed = true;
    } else if (make_room(string, (size_t)size)) {
        vsnprintf(string->data + string->size, (size_t)size + 1, format, again);
        string->size += (size_t)size;
    }
    va_end(again);
}

void gm_string_free(gm_string *string)
{
    gm_memory_free(string->data);
    *string = (gm_string){ 0 };
}
