// An HTTP/1.1 and WebSocket server on loopback: libwebsockets behind a narrow face, one event loop
// on its own thread.
//
// A request arrives whole (headers, query, body) as an exchange. Its handler runs on the loop and
// must not wait: it answers at once, or keeps the exchange and answers later from any thread. A
// client that leaves meanwhile is no concern of the handler's. One path may be a WebSocket that
// only sends: gm_http_broadcast reaches all its clients.
//
// Only loopback addresses are served: there is no TLS and there are no users yet. For the same
// reason a request is refused whose Host is not a loopback name (a page elsewhere that points its
// own name here) or whose Origin is not the server itself (a page elsewhere that talks to us behind
// the user's back).
#ifndef GEMEL_NET_HTTP_SERVER_H
#define GEMEL_NET_HTTP_SERVER_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

enum {
    GM_HTTP_CONNECTIONS_MAX = 1024, // open at a time; more are closed as they come
    GM_HTTP_HEADERS_MAX = 8192,  // bytes of a request's line and headers; longer ones are cut off
    GM_HTTP_PARAMETERS_MAX = 64, // of a query
    GM_HTTP_BODY_MAX = 64 << 20, // bytes
    GM_HTTP_BODIES_MAX = 256 << 20, // bytes of all bodies at a time
    GM_HTTP_LIVE_QUEUE_MAX =
        64, // messages waiting for one WebSocket client; a slower one is closed
    GM_HTTP_BROADCASTS_MAX = 1024, // messages waiting for the loop
    GM_HTTP_TYPE_MAX = 127,        // bytes of a Content-Type in an answer
    GM_HTTP_ETAG_MAX = 79,
    GM_HTTP_MESSAGE_MAX = 16 << 20, // bytes of one message
};

typedef enum gm_http_method {
    GM_HTTP_NONE = 0, // one that the server does not know
    GM_HTTP_GET,
    GM_HTTP_HEAD, // handled as GET; the server leaves the body out
    GM_HTTP_POST,
    GM_HTTP_PUT,
    GM_HTTP_PATCH,
    GM_HTTP_DELETE,
    GM_HTTP_OPTIONS,
    GM_HTTP_METHODS,
} gm_http_method;

const char *gm_http_method_name(gm_http_method method); // "GET" ...; "?" for none

typedef struct gm_http_parameter {
    const char *name, *value; // decoded; value "" when there is none
} gm_http_parameter;

/// A request. Belongs to its exchange: valid until that is answered.
typedef struct gm_http_request {
    gm_http_method method;
    const char *path;                    // decoded and without "." and "..", begins with '/'
    const gm_http_parameter *parameters; // [parameter_count], in order
    size_t parameter_count;
    const char *type; // Content-Type, "" when there is none
    const void *body; // [body_size], NULL when empty
    size_t body_size;
} gm_http_request;

/// One request and its way back. Must be answered exactly once.
typedef struct gm_http_exchange gm_http_exchange;

/// What was asked; until the exchange is answered.
const gm_http_request *gm_http_exchange_request(const gm_http_exchange *exchange);

/// The value of a query parameter, or NULL when the query does not have it.
const char *gm_http_parameter_get(const gm_http_request *request, const char *name);

typedef struct gm_http_reply {
    int status;        // 200 ..
    const char *type;  // Content-Type, up to GM_HTTP_TYPE_MAX; NULL for a reply without a body
    const void *bytes; // [size]
    size_t size;
    const char *etag;  // with its quotes, up to GM_HTTP_ETAG_MAX: may be kept and asked for again;
                       // NULL: not to be stored by anybody
    const char *allow; // methods, for a 405; NULL for none. A constant.
    bool lasting;      // the bytes outlive the server: they are not copied
    bool unchanging;   // the path will never have other bytes: may be kept and not asked for again
} gm_http_reply;

/// Answers and lets go of an exchange. Any thread, also after the server was closed. `reply` is
/// copied.
void gm_http_answer(gm_http_exchange *exchange, const gm_http_reply *reply);

typedef struct gm_http_options {
    const char *address; // "127.0.0.1", another loopback address, or "localhost"
    uint16_t port;       // 0: a free one
    void *context;       // for the callbacks
    void (*request)(void *context, gm_http_exchange *exchange); // on the loop's thread
    const char *live_path;                                      // of the WebSocket; NULL for none
    void (*clients)(
        void *context,
        size_t count);      // WebSocket clients came or went; on the loop's thread; may be NULL
    size_t connections_max; // 1 .. GM_HTTP_CONNECTIONS_MAX
    size_t body_max;        // bytes, up to GM_HTTP_BODY_MAX
    uint32_t request_s; // time for a request's headers, for each pause in its body, and for each in
                        // its answer
    uint32_t body_s;    // time for a whole body
    uint32_t idle_s;    // how long an idle connection is kept
    const gm_log *log;  // must outlive the server; NULL for none
} gm_http_options;

/// Loopback, a free port, the largest limits, ten seconds for a request, 30 for an idle connection.
gm_http_options gm_http_default_options(void);

typedef struct gm_http_server gm_http_server;

/// Binds, listens and starts the loop; requests may arrive before this returns.
/// @return GM_INVALID: an option, or an address that is not loopback; GM_BUSY: the port is taken;
/// GM_IO; GM_MEMORY
gm_status gm_http_server_create(const gm_http_options *options, gm_http_server **server,
                                gm_error *error);

/// Takes no more requests, gives those at hand up to two seconds to be answered and sent, then
/// closes all connections. Exchanges that are still with a handler stay valid; their answers go
/// nowhere. Not from a callback.
void gm_http_server_close(gm_http_server *server);

/// The port that is listened on.
uint16_t gm_http_server_port(const gm_http_server *server);

/// Queues a text message for every WebSocket client of now. Any thread; the bytes are copied.
/// @param slot  0: every client gets it, in order; or a number: a newer message of the same slot
/// takes the place of one
///              that still waits, so that a slow client gets the newest only
/// @return GM_LIMIT: too large or the loop is too far behind; GM_MEMORY
gm_status gm_http_broadcast(gm_http_server *server, uint32_t slot, const void *bytes, size_t size);

#endif
