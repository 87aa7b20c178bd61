// What the parts of the HTTP server share: connections, exchanges, messages, the mailbox. Private
// to src/net.
//
// Threads: everything belongs to the loop's thread except the mailbox, which other threads fill
// under its lock. An exchange is with exactly one owner at a time: its connection while the request
// is collected, the handler until it answers, the mailbox, and at last its connection again while
// the answer is sent.
#ifndef GEMEL_NET_HTTP_LOOP_H
#define GEMEL_NET_HTTP_LOOP_H

#include <libwebsockets.h>
#include <pthread.h>

#include "net/http_server.h"

enum { HTTP_CHUNK_SIZE = 64 << 10 }; // bytes read or sent at a time

typedef struct gm_http_connection gm_http_connection;
typedef struct gm_http_message gm_http_message;

/// Outlives the server for as long as an exchange is with a handler.
typedef struct gm_http_mailbox {
    pthread_mutex_t lock;
    size_t references;           // the server's and one for each exchange
    struct lws_context *context; // to wake the loop; NULL once it has ended
    bool stopping;
    gm_http_exchange *answered; // newest first
    gm_http_message *messages, *last_message;
    size_t message_count;
} gm_http_mailbox;

typedef enum exchange_phase {
    EXCHANGE_COLLECTING = 1, // the body is on its way
    EXCHANGE_HANDLED,        // with the handler
    EXCHANGE_SENDING,
} exchange_phase;

struct gm_http_exchange {
    gm_http_mailbox *mailbox;
    gm_http_server *server;         // loop's thread only
    gm_http_connection *connection; // NULL once the client has gone; loop's thread only
    gm_http_exchange *next;         // in the mailbox
    exchange_phase phase;           // loop's thread only
    bool answered;                  // the handler's
    gm_http_request request;
    gm_http_parameter parameters[GM_HTTP_PARAMETERS_MAX];
    char text[GM_HTTP_HEADERS_MAX]; // path, query, header values
    size_t text_size;
    char if_none_match[128];
    unsigned char *body;
    size_t body_capacity;
    size_t body_expected;
    int64_t body_deadline_ns;
    gm_http_reply reply;
    char reply_type[GM_HTTP_TYPE_MAX + 1], reply_etag[GM_HTTP_ETAG_MAX + 1];
    void *reply_bytes; // a copy
    size_t sent;
    bool headers_sent;
    bool last; // the connection ends with this answer
};

/// A message that waits for clients. Counted by those that still have to get it; loop's thread only
/// after the mailbox.
struct gm_http_message {
    gm_http_message *next;
    uint32_t slot;
    size_t references;
    size_t size;
    unsigned char bytes[]; // LWS_PRE bytes of room, then the message
};

/// libwebsockets' per-session memory: zeroed at each new request.
struct gm_http_connection {
    struct lws *wsi;
    gm_http_exchange *exchange;
    bool lingering; // the answer is out and a body that nobody wants still comes
    int64_t linger_until_ns;
    bool live;                           // a WebSocket
    bool doomed;                         // too slow
    gm_http_connection *next, *previous; // among live ones
    gm_http_message *queue[GM_HTTP_LIVE_QUEUE_MAX];
    size_t queue_first, queue_count;
};

struct gm_http_server {
    gm_http_options options;
    char address[46];
    char *live_path;
    uint16_t port;
    struct lws_context *context;
    struct lws_protocols protocols[2];
    lws_retry_bo_t idle;
    lws_sorted_usec_list_t stop_timer;
    gm_http_mailbox *mailbox;
    pthread_t thread;
    gm_http_connection *live;
    size_t live_count, connection_count, exchange_count;
    size_t body_bytes; // held by all requests
    bool stopping;     // the loop's own copy
    bool deadline_passed;
    unsigned char scratch[LWS_PRE + HTTP_CHUNK_SIZE];
};

/// The server that a callback is about.
gm_http_server *gm_http_server_of(struct lws *wsi);

/// Lets go of an exchange that is with the loop.
void gm_http_exchange_free(gm_http_exchange *exchange);

/// A request came whole in its headers; its body may follow. Returns what libwebsockets' callback
/// returns.
int gm_http_request_begin(gm_http_server *server, gm_http_connection *connection);
int gm_http_request_body(gm_http_server *server, gm_http_connection *connection, const void *bytes,
                         size_t size);
int gm_http_request_complete(gm_http_server *server, gm_http_connection *connection);
/// The socket takes more of the answer.
int gm_http_request_send(gm_http_server *server, gm_http_connection *connection);
/// An answer came back for an exchange.
void gm_http_request_answered(gm_http_server *server, gm_http_exchange *exchange);
/// The connection lets its request go: it ended, or the client left.
void gm_http_request_leave(gm_http_connection *connection);

/// May this upgrade to a WebSocket go on? 0, or what libwebsockets' callback returns.
int gm_http_live_admit(gm_http_server *server, struct lws *wsi);
void gm_http_live_open(gm_http_server *server, gm_http_connection *connection);
void gm_http_live_close(gm_http_server *server, gm_http_connection *connection);
int gm_http_live_send(gm_http_connection *connection);
/// Hands a message to all clients; takes it over.
void gm_http_live_deliver(gm_http_server *server, gm_http_message *message);
void gm_http_message_release(gm_http_message *message);

/// NULL when Host and Origin are fine, else the reason against them.
const char *gm_http_sender_refused(struct lws *wsi);

#endif
