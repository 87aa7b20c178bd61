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

/// The bytes of a string without its NUL.
gm_text gm_text_of(const char *string);

/// true when `a` holds exactly the bytes of the string `b`.
bool gm_text_equal(gm_text a, const char *b);

/// `text` without blanks (space, tab, line ends) at its two ends.
gm_text gm_text_trim(gm_text text);

/// The whole slice as a number, correctly rounded, whatever the locale: sign, digits with a point,
/// exponent ("-12.5e3"). No blanks, no "nan", "inf" or hexadecimals; of any length.
/// @return false when it is not exactly one finite number (then *value is untouched)
bool gm_text_to_f64(gm_text text, double *value);

/// The whole slice as a whole number: sign and digits.
/// @return false when it is anything else or out of range (then *value is untouched)
bool gm_text_to_i64(gm_text text, int64_t *value);

/// A number at the start of `text` ("3 s", "20 %").
/// @return how many bytes it has; 0 when there is none (then *value is untouched)
size_t gm_text_scan_f64(gm_text text, double *value);

/// Shortest decimal that reads back to the same double, ended by NUL: "21.5", "1e-7", "nan",
/// "-inf".
/// @return its length
size_t gm_text_from_f64(double value, char buffer[32]);

/// Bytes of the well-formed UTF-8 character at the start of `text`; 0 when there is none (NUL is
/// none).
size_t gm_text_utf8_step(gm_text text);

/// true when the bytes are well-formed UTF-8 without NUL.
bool gm_text_is_utf8(gm_text text);

/// The candidate closest to `word`, for "did you mean": at most a third of its letters are wrong,
/// too many, missing or swapped; a letter in the wrong case is half a mistake.
/// @param candidates  [count], none NULL
/// @return NULL when none is that close
const char *gm_text_nearest(const char *word, const char *const *candidates, size_t count);

/// A string that grows. Start with `gm_string string = {0};`. Appending after a failure does
/// nothing; check `failed` once at the end. `data` always ends in NUL once something was appended.
typedef struct gm_string {
    char *data;
    size_t size, capacity;
    bool failed;
} gm_string;

/// Room for so many more bytes at once, where many are to be appended bit by bit.
void gm_string_reserve(gm_string *string, size_t more);

/// Appends bytes, which must not lie in the string itself.
void gm_string_add(gm_string *string, const char *bytes, size_t size);

/// Appends what printf would write.
void gm_string_format(gm_string *string, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/// Frees the bytes and leaves an empty string; twice is fine.
void gm_string_free(gm_string *string);

#endif
