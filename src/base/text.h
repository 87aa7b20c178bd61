// Text: slices, numbers without locales, near misses ("did you mean"), growing strings.
#ifndef GEMEL_BASE_TEXT_H
#define GEMEL_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A run of bytes that belongs to somebody else; need not end in NUL.
typedef struct gm_text {
    const char *data;
    size_t size;
} gm_text;

gm_text gm_text_of(const char *string);
bool gm_text_equal(gm_text a, const char *b);
gm_text gm_text_trim(gm_text text);

/// The whole slice as a number, decimal point '.', any locale; "nan" and "inf" are refused.
/// @return false when it is not exactly one finite number (then *value is untouched)
bool gm_text_to_f64(gm_text text, double *value);
bool gm_text_to_i64(gm_text text, int64_t *value);

/// How far a number reaches at the start of `text` (for "3 s", "20 %"): parsed bytes, 0 when there
/// is none.
size_t gm_text_scan_f64(gm_text text, double *value);

/// Shortest text that reads back to the same double; `buffer` of 32 bytes. Returns its length.
size_t gm_text_from_f64(double value, char buffer[32]);

/// Bytes of the well-formed UTF-8 character at the start of `text`; 0 when there is none (NUL is
/// none).
size_t gm_text_utf8_step(gm_text text);

/// true when the bytes are well-formed UTF-8 without NUL.
bool gm_text_is_utf8(gm_text text);

/// The candidate closest to `word` (Damerau-Levenshtein, at most a third of its length off), or
/// NULL.
/// @param candidates  [count], none NULL
const char *gm_text_nearest(const char *word, const char *const *candidates, size_t count);

/// A string that grows. Start with `gm_string string = {0};`. Appending after a failure does
/// nothing; check `failed` once at the end. `data` always ends in NUL once something was appended.
typedef struct gm_string {
    char *data;
    size_t size, capacity;
    bool failed;
} gm_string;

void gm_string_add(gm_string *string, const char *bytes, size_t size);
void gm_string_format(gm_string *string, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void gm_string_free(gm_string *string);

#endif
