// JSON as in RFC 8259.
#include "serve/json_out.h"

#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "codec/json_scan.h"

/// What comes next is separated from what came before.
static void separate(gm_string *out)
{
    char last = out->size > 0 ? out->data[out->size - 1] : '[';
    if (last != '[' && last != '{' && last != ':') {
        gm_string_add(out, ",", 1);
    }
}

static void add_text(gm_string *out, const char *text)
{
    gm_string_add(out, text, strlen(text));
}

void gm_out_begin(gm_string *out, char bracket)
{
    separate(out);
    gm_string_add(out, &bracket, 1);
}

void gm_out_end(gm_string *out, char bracket)
{
    gm_string_add(out, &bracket, 1);
}

void gm_out_key(gm_string *out, const char *key)
{
    gm_out_text(out, key);
    gm_string_add(out, ":", 1);
}

void gm_out_null(gm_string *out)
{
    separate(out);
    add_text(out, "null");
}

void gm_out_bool(gm_string *out, bool value)
{
    separate(out);
    add_text(out, value ? "true" : "false");
}

void gm_out_number(gm_string *out, double value)
{
    char text[32];
    if (!isfinite(value)) {
        gm_out_null(out);
        return;
    }
    separate(out);
    gm_string_add(out, text, gm_text_from_f64(value, text));
}

void gm_out_count(gm_string *out, uint64_t value)
{
    separate(out);
    gm_string_format(out, "%llu", (unsigned long long)value);
}

/// Foreign bytes as ASCII, so that the document stays valid.
static void add_foreign(gm_string *out, const char *text)
{
    gm_string clean = { 0 };
    for (const char *at = text; *at != '\0'; at++) {
        gm_string_add(&clean, (unsigned char)*at < 0x80 ? at : "?", 1);
    }
    if (clean.failed) {
        out->failed = true;
    } else {
        gm_json_write_string(out, (gm_text){ clean.data, clean.size });
    }
    gm_string_free(&clean);
}

void gm_out_text(gm_string *out, const char *text)
{
    if (text == NULL) {
        gm_out_null(out);
        return;
    }
    separate(out);
    if (gm_text_is_utf8(gm_text_of(text))) {
        gm_json_write_string(out, gm_text_of(text));
    } else {
        add_foreign(out, text);
    }
}

void gm_out_time(gm_string *out, int64_t time_ns)
{
    char text[40];
    if (time_ns == INT64_MIN || time_ns == INT64_MAX) {
        gm_out_null(out);
        return;
    }
    gm_time_format(time_ns, text);
    gm_out_text(out, text);
}

void gm_out_seconds(gm_string *out, int64_t duration_ns)
{
    gm_out_number(out, (double)duration_ns / (double)GM_SECOND_NS);
}

void gm_out_key_number(gm_string *out, const char *key, double value)
{
    gm_out_key(out, key);
    gm_out_number(out, value);
}

void gm_out_key_count(gm_string *out, const char *key, uint64_t value)
{
    gm_out_key(out, key);
    gm_out_count(out, value);
}

void gm_out_key_text(gm_string *out, const char *key, const char *text)
{
    gm_out_key(out, key);
    gm_out_text(out, text);
}

void gm_out_key_time(gm_string *out, const char *key, int64_t time_ns)
{
    gm_out_key(out, key);
    gm_out_time(out, time_ns);
}

void gm_out_key_seconds(gm_string *out, const char *key, int64_t duration_ns)
{
    gm_out_key(out, key);
    gm_out_seconds(out, duration_ns);
}
