// Errors: formats the sentence, keeps it well-formed UTF-8 on one line whatever bytes came in from
// outside.
#include <gemel/status.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#undef gm_error_set
#undef gm_error_at

static const char *const status_names[] = {
    [GM_OK] = "ok",
    [GM_INVALID] = "invalid",
    [GM_NOT_FOUND] = "not-found",
    [GM_EXISTS] = "exists",
    [GM_LIMIT] = "limit",
    [GM_MEMORY] = "memory",
    [GM_NUMERIC] = "numeric",
    [GM_IO] = "io",
    [GM_BUSY] = "busy",
    [GM_CORRUPT] = "corrupt",
    [GM_UNSUPPORTED] = "unsupported",
    [GM_CANCELLED] = "cancelled",
};

// Errors quote what users and the network sent. A byte that is not UTF-8 becomes '?', a control
// character a space, and a character cut in two by the end of the buffer goes away.
static void make_printable(char text[GM_ERROR_SIZE])
{
    size_t size = strnlen(text, GM_ERROR_SIZE - 1);
    text[size] = 0;
    for (size_t at = 0; at < size;) {
        size_t step = gm_text_utf8_step((gm_text){ text + at, size - at });
        if (step == 0) {
            bool cut = size == GM_ERROR_SIZE - 1 && size - at < 4 && (text[at] & 0xC0) == 0xC0;
            text[at] = cut ? 0 : '?';
            step = cut ? size - at : 1;
        } else if (step == 1 && ((unsigned char)text[at] < 0x20 || text[at] == 0x7F)) {
            text[at] = ' ';
        }
        at += step;
    }
    for (size = strlen(text); size > 0 && text[size - 1] == ' ';) {
        text[--size] = 0;
    }
}

// `text` need not lie apart from what the arguments point at: an error may quote itself.
static gm_status fill(gm_error *error, gm_status status, const char *lead, const char *format,
                      va_list arguments)
{
    char text[GM_ERROR_SIZE];
    size_t used = strnlen(lead, sizeof text - 1);
    memcpy(text, lead, used);
    if (vsnprintf(text + used, sizeof text - used, format, arguments) < 0) {
        text[used] = 0;
    }
    make_printable(text);
    memcpy(error->text, text, sizeof text);
    error->status = status;
    return status;
}

gm_status gm_error_set(gm_error *error, gm_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        fill(error, status, "", format, arguments);
        va_end(arguments);
    }
    return status;
}

gm_status gm_error_at(gm_error *error, gm_status status, gm_place place, const char *format, ...)
{
    if (!error) {
        return status;
    }
    char lead[GM_ERROR_SIZE] = "";
    const char *file = place.file ? place.file : "";
    if (place.line == 0) {
        snprintf(lead, sizeof lead, "%.400s%s", file, place.file ? ": " : "");
    } else if (place.column == 0) {
        snprintf(lead, sizeof lead, "%.400s%s%u: ", file, place.file ? ":" : "line ", place.line);
    } else {
        snprintf(lead, sizeof lead, "%.400s%s%u:%u: ", file, place.file ? ":" : "line ", place.line,
                 place.column);
    }
    va_list arguments;
    va_start(arguments, format);
    fill(error, status, lead, format, arguments);
    va_end(arguments);
    return status;
}

gm_status gm_error_prefix(gm_error *error, const char *format, ...)
{
    if (!error) {
        return GM_INVALID;
    }
    char lead[GM_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    if (vsnprintf(lead, sizeof lead, format, arguments) < 0) {
        lead[0] = 0;
    }
    va_end(arguments);
    char rest[GM_ERROR_SIZE];
    memcpy(rest, error->text, sizeof rest);
    return gm_error_set(error, error->status, "%s%s", lead, rest);
}

const char *gm_status_name(gm_status status)
{
    size_t index = (size_t)status;
    return index < sizeof status_names / sizeof *status_names ? status_names[index] : "unknown";
}
