// Writing JSON piece by piece into a growing string: commas come by themselves, numbers read back
// to the same double, numbers and times that do not exist are null.
//
// jansson reads what others send; writing its trees for every cycle and long histories would only
// make garbage.
#ifndef GEMEL_SERVE_JSON_OUT_H
#define GEMEL_SERVE_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

void gm_out_begin(gm_string *out, char bracket);  // '{' or '['
void gm_out_end(gm_string *out, char bracket);    // '}' or ']'
void gm_out_key(gm_string *out, const char *key); // of the value that comes next

/// Values, in a list or behind a key.
void gm_out_null(gm_string *out);
void gm_out_bool(gm_string *out, bool value);
void gm_out_number(gm_string *out, double value); // null unless finite
void gm_out_count(gm_string *out, uint64_t value);
void gm_out_text(gm_string *out,
                 const char *text); // NULL is null; bytes that are not UTF-8 become '?'
void gm_out_time(gm_string *out, int64_t time_ns); // ISO 8601; INT64_MIN and INT64_MAX are null
void gm_out_seconds(gm_string *out, int64_t duration_ns);

/// The same with a key in front, inside an object.
void gm_out_key_number(gm_string *out, const char *key, double value);
void gm_out_key_count(gm_string *out, const char *key, uint64_t value);
void gm_out_key_text(gm_string *out, const char *key, const char *text);
void gm_out_key_time(gm_string *out, const char *key, int64_t time_ns);
void gm_out_key_seconds(gm_string *out, const char *key, int64_t duration_ns);

#endif
