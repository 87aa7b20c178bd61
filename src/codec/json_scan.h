// A strict JSON scanner over bytes (RFC 8259): the caller walks the document in the order it
// expects, nothing is allocated, nothing is copied. For payloads whose shape is known and whose
// speed matters; everything else reads JSON with jansson.
//
// Checked on the way: well-formed UTF-8, escapes and their surrogate pairs, the grammar of numbers,
// nesting of at most GM_JSON_DEPTH_MAX. The first mistake stops the scanner: every later call
// fails, and gm_json_error says what and where.
#ifndef GEMEL_CODEC_JSON_SCAN_H
#define GEMEL_CODEC_JSON_SCAN_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { GM_JSON_DEPTH_MAX = 64 };

/// A place in a document. Plain value; start it with gm_json_of.
typedef struct gm_json {
    const char *begin, *at, *end;
    const char *wrong; // what is wrong at `at`; NULL while nothing is
    gm_status status;  // GM_INVALID or GM_LIMIT once something is
} gm_json;

/// A string as it stands in the document, without its quotes.
typedef struct gm_json_string {
    gm_text raw;
    bool escaped; // has escapes: gm_json_unescape gives the text
} gm_json_string;

/// The bytes must stay while the scanner and its slices are used.
gm_json gm_json_of(gm_text document);

/// The first byte of what comes next behind white space; 0 at the end and after a mistake.
char gm_json_peek(gm_json *json);

/// Takes `byte`, one of []{}:, , behind white space. false is a mistake: `wrong` becomes
/// `expected`, which lives as long as the scanner.
bool gm_json_take(gm_json *json, char byte, const char *expected);

/// Takes `byte` if it comes next behind white space; false is no mistake.
bool gm_json_take_if(gm_json *json, char byte);

/// Takes a string.
bool gm_json_take_string(gm_json *json, gm_json_string *string);

/// Takes a number: its text, and whether it is a whole number without point and exponent.
bool gm_json_take_number(gm_json *json, gm_text *number, bool *whole);

/// Takes true or false.
bool gm_json_take_bool(gm_json *json, bool *value);

/// Takes any value and checks all of it.
bool gm_json_skip(gm_json *json);

/// Nothing but white space is left; anything else is a mistake.
bool gm_json_take_end(gm_json *json);

/// Writes the text of an escaped string.
/// @param text  room for raw.size bytes: the text is never longer
/// @return bytes of text
size_t gm_json_unescape(gm_text raw, char *text);

/// The mistake as an error `line:column: what`; returns its status.
gm_status gm_json_error(const gm_json *json, gm_error *error);

/// Appends `text` as a JSON string with its quotes.
/// @param text  well-formed UTF-8
void gm_json_write_string(gm_string *out, gm_text text);

#endif
