// A small HTTP/1.1 client for one server on this machine: one connection that is kept, one call at
// a time, blocking.
//
// For `gemel devices` and tests. Plain sockets rather than the event loop: a call is write, then
// read until the answer is whole. Answers need a Content-Length (gemel's own always have one).
#ifndef GEMEL_NET_HTTP_CLIENT_H
#define GEMEL_NET_HTTP_CLIENT_H

#include <gemel/status.h>
#include <stddef.h>

enum {
    GM_HTTP_ANSWER_HEADERS_MAX = 16384, // bytes
    GM_HTTP_ANSWER_MAX = 256 << 20,     // bytes of a body
};

typedef struct gm_http_client gm_http_client;

typedef struct gm_http_call {
    const char *method; // "GET", "POST" ...
    const char *path;   // with query, percent-encoded: "/api/v1/world"
    const char *type;   // Content-Type of the body; NULL for JSON
    const void *body;   // [size]; NULL for none
    size_t size;
} gm_http_call;

typedef struct gm_http_result {
    int status;
    const char *body; // [size], ends in NUL; belongs to the client, until its next call
    size_t size;
    const char *headers; // as received, ends in NUL; as long as body
} gm_http_result;

/// @param url        "http://127.0.0.1:8080", "http://localhost:8080" or "http://[::1]:8080"; a
/// path after it is ignored
/// @param timeout_s  for connecting, and for each pause while a call waits
/// @return GM_INVALID: the url; GM_MEMORY. Nothing is connected yet.
gm_status gm_http_client_create(const char *url, double timeout_s, gm_http_client **client,
                                gm_error *error);
void gm_http_client_close(gm_http_client *client);

/// Sends one request and waits for its answer; connects when there is no connection. One thread at
/// a time.
/// @return GM_OK for any answer, 500 too; GM_IO: no connection, no answer in time; GM_LIMIT: an
/// answer too large;
///         GM_CORRUPT: not HTTP; GM_UNSUPPORTED: chunked; GM_MEMORY. After an error the next call
///         connects anew.
gm_status gm_http_client_call(gm_http_client *client, const gm_http_call *call,
                              gm_http_result *result, gm_error *error);

#endif
