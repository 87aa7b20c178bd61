// Status codes and errors: how every function of gemel that can fail says so.
//
// A function that can fail returns gm_status and takes `gm_error *error` last. On anything but
// GM_OK its other out-parameters are untouched and `error` (which may be NULL) carries a sentence
// that a user can act on.
#ifndef GEMEL_STATUS_H
#define GEMEL_STATUS_H

#include <stdint.h>

typedef enum gm_status {
    GM_OK = 0,
    GM_INVALID,     // the caller's input is wrong: a file, an argument, a request
    GM_NOT_FOUND,   // something named does not exist
    GM_EXISTS,      // something to be made is there already
    GM_LIMIT,       // a named limit was reached
    GM_MEMORY,      // no memory
    GM_NUMERIC,     // no convergence, a value that is not finite, no lane left
    GM_IO,          // the operating system or the disk refused
    GM_BUSY,        // somebody else holds it (a lock, a port)
    GM_CORRUPT,     // stored bytes that we wrote are not what we wrote
    GM_UNSUPPORTED, // understood, but not offered
    GM_CANCELLED,   // stopped on request
} gm_status;

enum { GM_ERROR_SIZE = 1024 };

/// What went wrong, for a person. Plain value; start it with `gm_error error = {0};`.
typedef struct gm_error {
    gm_status status;
    char text[GM_ERROR_SIZE]; // one sentence, UTF-8, without a newline at its end
} gm_error;

/// Where something stands in a text. line and column count from 1; 0 means unknown. `file` may be
/// NULL.
typedef struct gm_place {
    const char *file;
    uint32_t line, column;
} gm_place;

/// Fills `error` (NULL is fine) and returns `status`, so that a failing function ends in one line.
/// What is quoted may be any bytes: the text stays one line of UTF-8. It may quote `error` itself.
gm_status gm_error_set(gm_error *error, gm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/// As gm_error_set, with `file:line:column: ` in front as far as `place` knows them.
gm_status gm_error_at(gm_error *error, gm_status status, gm_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/// Puts words in front of an error that is being passed on ("while reading snapshot 12: ").
/// @return the error's status; GM_INVALID when `error` is NULL, which knows no status: a function
/// whose own caller may pass NULL keeps the status itself
gm_status gm_error_prefix(gm_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
// It does not look into these, and would follow errors as if they might be GM_OK
#define gm_error_set(error, status, ...) ((void)gm_error_set(error, status, __VA_ARGS__), status)
#define gm_error_at(error, status, place, ...)                                                     \
    ((void)gm_error_at(error, status, place, __VA_ARGS__), status)
#endif

/// The name of a status as the API spells it: "ok", "invalid", "not-found" ...; never NULL.
const char *gm_status_name(gm_status status);

#endif
