// One request on a connection: its headers are read and judged, its body collected, its answer sent
// in pieces.
//
// libwebsockets 4.1 parses and frames HTTP/1.1 but leaves some judging to us: a Content-Length that
// is no number, bodies without a length, chunked bodies (which it does not offer), and data that
// arrives before the answer. While a handler has the exchange, nothing is read from its connection.
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/require.h"
#include "base/text.h"
#include "net/http_loop.h"
#include "net/loopback.h"

enum {
    HEADERS_OUT_MAX = 2048, // of an answer
    LINGER_S = 5,           // for a body that comes after its answer
    LENGTH_DIGITS_MAX = 15,
};

static const char *const method_names[GM_HTTP_METHODS] = {
    [GM_HTTP_NONE] = "?",        [GM_HTTP_GET] = "GET",         [GM_HTTP_HEAD] = "HEAD",
    [GM_HTTP_POST] = "POST",     [GM_HTTP_PUT] = "PUT",         [GM_HTTP_PATCH] = "PATCH",
    [GM_HTTP_DELETE] = "DELETE", [GM_HTTP_OPTIONS] = "OPTIONS",
};

const char *gm_http_method_name(gm_http_method method)
{
    return method_names[method < GM_HTTP_METHODS ? method : GM_HTTP_NONE];
}

const gm_http_request *gm_http_exchange_request(const gm_http_exchange *exchange)
{
    return &exchange->request;
}

const char *gm_http_parameter_get(const gm_http_request *request, const char *name)
{
    for (size_t k = 0; k < request->parameter_count; k++) {
        if (strcmp(request->parameters[k].name, name) == 0) {
            return request->parameters[k].value;
        }
    }
    return NULL;
}

// ---- reading ----

const char *gm_http_sender_refused(struct lws *wsi)
{
    char host[80], origin[96];
    if (lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) <= 0 || !gm_loopback_host(host)) {
        return "the Host header must name this machine: localhost, 127.0.0.1 or [::1]";
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) == 0) {
        return NULL;
    }
    if (lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) <= 0 ||
        !gm_loopback_same_origin(origin, host)) {
        return "pages of another origin may not use this interface";
    }
    return NULL;
}

/// A copy in the exchange's own text; NULL when it does not fit, which the limit on headers rules
/// out.
static const char *keep_text(gm_http_exchange *exchange, const char *bytes, size_t size)
{
    if (size >= sizeof exchange->text - exchange->text_size) {
        return NULL;
    }
    char *kept = exchange->text + exchange->text_size;
    memcpy(kept, bytes, size);
    kept[size] = '\0';
    exchange->text_size += size + 1;
    return kept;
}

static bool read_line(gm_http_exchange *exchange, struct lws *wsi)
{
    static const gm_http_method methods[] = {
        [LWSHUMETH_GET] = GM_HTTP_GET,         [LWSHUMETH_POST] = GM_HTTP_POST,
        [LWSHUMETH_OPTIONS] = GM_HTTP_OPTIONS, [LWSHUMETH_PUT] = GM_HTTP_PUT,
        [LWSHUMETH_PATCH] = GM_HTTP_PATCH,     [LWSHUMETH_DELETE] = GM_HTTP_DELETE,
        [LWSHUMETH_CONNECT] = GM_HTTP_NONE,    [LWSHUMETH_HEAD] = GM_HTTP_HEAD,
    };
    char *path = NULL;
    int size = 0;
    int method = lws_http_get_uri_and_method(wsi, &path, &size);
    if (method < 0 || method >= (int)(sizeof methods / sizeof methods[0]) || path == NULL ||
        size <= 0) {
        return false;
    }
    exchange->request.method = methods[method];
    exchange->request.path = keep_text(exchange, path, (size_t)size);
    return exchange->request.path != NULL;
}

static bool read_query(gm_http_exchange *exchange, struct lws *wsi)
{
    char pair[GM_HTTP_HEADERS_MAX];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) == 0) {
        return true;
    }
    for (int k = 0;; k++) {
        int size = lws_hdr_copy_fragment(wsi, pair, sizeof pair, WSI_TOKEN_HTTP_URI_ARGS, k);
        if (size < 0) {
            return true;
        }
        if (size == 0) {
            continue;
        }
        if (exchange->request.parameter_count == GM_HTTP_PARAMETERS_MAX) {
            return false;
        }
        size_t name_size = strcspn(pair, "=");
        const char *value = pair[name_size] == '=' ? pair + name_size + 1 : "";
        gm_http_parameter *parameter = &exchange->parameters[exchange->request.parameter_count];
        parameter->name = keep_text(exchange, pair, name_size);
        parameter->value = keep_text(exchange, value, strlen(value));
        if (parameter->name == NULL || parameter->value == NULL) {
            return false;
        }
        exchange->request.parameter_count++;
    }
}

static bool read_headers(gm_http_exchange *exchange, struct lws *wsi)
{
    char type[256] = "";
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE) > 0 &&
        lws_hdr_copy(wsi, type, sizeof type, WSI_TOKEN_HTTP_CONTENT_TYPE) < 0) {
        return false;
    }
    exchange->request.type = keep_text(exchange, type, strlen(type));
    if (lws_hdr_copy(wsi, exchange->if_none_match, sizeof exchange->if_none_match,
                     WSI_TOKEN_HTTP_IF_NONE_MATCH) < 0) {
        exchange->if_none_match[0] = '\0'; // too long to be ours
    }
    return exchange->request.type != NULL;
}

/// Methods whose requests libwebsockets reads a body of even when no length is given.
static bool brings_body(const gm_http_exchange *exchange)
{
    gm_http_method method = exchange->request.method;
    return method == GM_HTTP_POST || method == GM_HTTP_PUT || method == GM_HTTP_PATCH;
}

typedef enum body_framing { BODY_NONE = 1, BODY_SIZED, BODY_OPEN, BODY_WRONG } body_framing;

static body_framing read_length(const gm_http_exchange *exchange, struct lws *wsi, size_t *length)
{
    char text[32];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0) {
        return BODY_OPEN;
    }
    int size = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (size == 0) {
        return brings_body(exchange) ? BODY_OPEN : BODY_NONE;
    }
    int64_t value = 0;
    if (size > LENGTH_DIGITS_MAX ||
        lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0 ||
        strspn(text, "0123456789") != (size_t)size || !gm_text_to_i64(gm_text_of(text), &value)) {
        return BODY_WRONG;
    }
    *length = (size_t)value;
    return value > 0 ? BODY_SIZED : BODY_NONE;
}

static gm_http_exchange *exchange_new(gm_http_server *server, gm_http_connection *connection)
{
    gm_http_exchange *exchange = gm_memory_new(1, sizeof *exchange);
    if (exchange == NULL) {
        return NULL;
    }
    exchange->mailbox = server->mailbox;
    pthread_mutex_lock(&server->mailbox->lock);
    server->mailbox->references++;
    pthread_mutex_unlock(&server->mailbox->lock);
    exchange->server = server;
    exchange->connection = connection;
    exchange->phase = EXCHANGE_COLLECTING;
    exchange->request.parameters = exchange->parameters;
    connection->exchange = exchange;
    server->exchange_count++;
    return exchange;
}

/// Answers by the server itself: a constant sentence; the connection ends with it.
static int refuse(gm_http_exchange *exchange, int status, const char *text)
{
    char *body = exchange->text; // the request is not needed any more
    const char *name = status >= 500                    ? "busy"
                       : status == 413 || status == 431 ? "limit"
                                                        : "invalid";
    int size = snprintf(body, sizeof exchange->text,
                        "{\"error\": {\"status\": \"%s\", \"text\": \"%s\"}}", name, text);
    exchange->reply = (gm_http_reply){ .status = status,
                                       .type = "application/json",
                                       .bytes = body,
                                       .size = (size_t)size,
                                       .lasting = true };
    exchange->phase = EXCHANGE_SENDING;
    exchange->last = true;
    lws_callback_on_writable(exchange->connection->wsi);
    return 0;
}

static int hand_over(gm_http_exchange *exchange)
{
    gm_http_server *server = exchange->server;
    struct lws *wsi = exchange->connection->wsi;
    exchange->phase = EXCHANGE_HANDLED;
    exchange->request.body = exchange->body;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
    lws_rx_flow_control(wsi, 0);
    server->options.request(server->options.context, exchange);
    return 0;
}

static int start_body(gm_http_exchange *exchange, struct lws *wsi, size_t length)
{
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    unsigned char buffer[LWS_PRE + sizeof go_on];
    exchange->body_expected = length;
    exchange->body_deadline_ns =
        gm_clock_monotonic_ns() + (int64_t)exchange->server->options.body_s * GM_SECOND_NS;
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_EXPECT) > 0) {
        memcpy(buffer + LWS_PRE, go_on, sizeof go_on - 1);
        if (lws_write(wsi, buffer + LWS_PRE, sizeof go_on - 1, LWS_WRITE_HTTP_HEADERS) < 0) {
            return -1;
        }
    }
    return 0;
}

/// libwebsockets 4.1 mixes up a request with a body that came in one packet behind another request:
/// it takes the request's own first bytes for the body. Whether such bytes wait, only this function
/// of its tells; it may mean another connection's, so that a client who pipelines bodies (RFC
/// 9112 9.3.2 advises against it) can cost others a repetition.
static bool is_behind_another(const gm_http_server *server)
{
    return lws_service_adjust_timeout(server->context, 1, 0) == 0;
}

/// As refuse, at once and without a chance for libwebsockets to read on.
static int refuse_now(gm_http_exchange *exchange, int status, const char *text)
{
    gm_http_connection *connection = exchange->connection;
    connection->lingering = false;
    refuse(exchange, status, text);
    gm_http_request_send(exchange->server, connection);
    return -1;
}

int gm_http_request_begin(gm_http_server *server, gm_http_connection *connection)
{
    struct lws *wsi = connection->wsi;
    size_t length = 0;
    gm_http_request_leave(connection);
    gm_http_exchange *exchange = exchange_new(server, connection);
    if (exchange == NULL) {
        return -1;
    }
    if (!read_line(exchange, wsi) || !read_query(exchange, wsi) || !read_headers(exchange, wsi)) {
        return refuse(exchange, 400, "the request line or its query cannot be read");
    }
    body_framing framing = read_length(exchange, wsi, &length);
    connection->lingering =
        framing == BODY_SIZED || (framing == BODY_OPEN && brings_body(exchange));
    if (connection->lingering && is_behind_another(server)) {
        return refuse_now(exchange, 400,
                          "a request with a body must wait for the answer to the one before it");
    }
    const char *refusal = gm_http_sender_refused(wsi);
    if (framing == BODY_WRONG) {
        return refuse(exchange, 400, "Content-Length is not a number");
    }
    if (refusal != NULL) {
        return refuse(exchange, 403, refusal);
    }
    if (server->stopping) {
        return refuse(exchange, 503, "shutting down");
    }
    if (framing == BODY_OPEN) {
        return refuse(exchange, 411, "a body needs a Content-Length");
    }
    if (length > server->options.body_max) {
        return refuse(exchange, 413, "the body is larger than allowed");
    }
    return framing == BODY_SIZED ? start_body(exchange, wsi, length) : hand_over(exchange);
}

int gm_http_request_body(gm_http_server *server, gm_http_connection *connection, const void *bytes,
                         size_t size)
{
    gm_http_exchange *exchange = connection->exchange;
    if (exchange == NULL) { // the answer is out: what comes now is dropped, for a while
        return connection->lingering && gm_clock_monotonic_ns() < connection->linger_until_ns ? 0
                                                                                              : -1;
    }
    if (exchange->phase != EXCHANGE_COLLECTING) {
        return 0;
    }
    if (gm_clock_monotonic_ns() > exchange->body_deadline_ns) {
        return refuse(exchange, 408, "the body came too slowly");
    }
    if (size > exchange->body_expected - exchange->request.body_size) {
        return -1;
    }
    size_t capacity = exchange->body_capacity, needed = exchange->request.body_size + size;
    unsigned char *grown = NULL;
    if (server->body_bytes - capacity <= GM_HTTP_BODIES_MAX - needed) {
        grown = gm_memory_grow(exchange->body, &exchange->body_capacity, needed, 1);
    }
    if (grown == NULL) {
        return refuse(exchange, 503, "no memory for the body");
    }
    server->body_bytes += exchange->body_capacity - capacity;
    exchange->body = grown;
    if (size > 0) {
        memcpy(grown + exchange->request.body_size, bytes, size);
    }
    exchange->request.body_size += size;
    return 0;
}

int gm_http_request_complete(gm_http_server *server, gm_http_connection *connection)
{
    gm_http_exchange *exchange = connection->exchange;
    connection->lingering = false;
    if (exchange == NULL) {
        return -1; // answered before; nothing more to drop
    }
    if (exchange->phase == EXCHANGE_SENDING) {
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT,
                        (int)server->options.request_s);
    }
    // libwebsockets says this again when more data comes before the answer
    return exchange->phase == EXCHANGE_COLLECTING ? hand_over(exchange) : 0;
}

// ---- answering ----

static bool etag_matches(const gm_http_exchange *exchange)
{
    const gm_http_reply *reply = &exchange->reply;
    gm_http_method method = exchange->request.method;
    return reply->etag != NULL && reply->status == 200 &&
           (method == GM_HTTP_GET || method == GM_HTTP_HEAD) &&
           (strstr(exchange->if_none_match, reply->etag) != NULL ||
            strcmp(exchange->if_none_match, "*") == 0);
}

static int add_header(struct lws *wsi, const char *name, const char *value, unsigned char **at,
                      unsigned char *end)
{
    return lws_add_http_header_by_name(wsi, (const unsigned char *)name,
                                       (const unsigned char *)value, (int)strlen(value), at, end);
}

/// Writes the headers at *at. Nonzero when they do not fit.
static int write_headers(gm_http_exchange *exchange, unsigned char **at, unsigned char *end)
{
    struct lws *wsi = exchange->connection->wsi;
    gm_http_reply *reply = &exchange->reply;
    bool bare = reply->status == 204 || reply->status == 304;
    int failed = lws_add_http_header_status(wsi, (unsigned)reply->status, at, end);
    if (!failed && !bare && reply->type != NULL) {
        failed = add_header(wsi, "content-type:", reply->type, at, end);
    }
    if (!failed && !bare) {
        failed = lws_add_http_header_content_length(wsi, reply->size, at, end);
    }
    if (!failed) {
        const char *keep = reply->unchanging     ? "public, max-age=31536000, immutable"
                           : reply->etag != NULL ? "no-cache"
                                                 : "no-store";
        failed = add_header(wsi, "cache-control:", keep, at, end);
    }
    if (!failed && reply->etag != NULL) {
        failed = add_header(wsi, "etag:", reply->etag, at, end);
    }
    if (!failed && reply->allow != NULL) {
        failed = add_header(wsi, "allow:", reply->allow, at, end);
    }
    if (!failed && exchange->last) {
        failed = add_header(wsi, "connection:", "close", at, end);
    }
    return failed != 0 || lws_finalize_http_header(wsi, at, end) != 0;
}

/// The answer is out: on to the next request, or the end. Nothing of `connection` may be used
/// afterwards.
static int finish(gm_http_connection *connection)
{
    bool last = connection->exchange->last;
    gm_http_exchange_free(connection->exchange);
    connection->exchange = NULL;
    if (!last) {
        return lws_http_transaction_completed(connection->wsi) != 0 ? -1 : 0;
    }
    if (!connection->lingering) {
        return -1;
    }
    // closing on unread data would make the system throw the answer away before the client has read
    // it
    connection->linger_until_ns = gm_clock_monotonic_ns() + LINGER_S * GM_SECOND_NS;
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LINGER_S);
    return 0;
}

int gm_http_request_send(gm_http_server *server, gm_http_connection *connection)
{
    gm_http_exchange *exchange = connection->exchange;
    if (exchange == NULL || exchange->phase != EXCHANGE_SENDING) {
        return 0;
    }
    gm_http_reply *reply = &exchange->reply;
    unsigned char *start = server->scratch + LWS_PRE, *at = start;
    unsigned char *end = server->scratch + sizeof server->scratch;
    if (!exchange->headers_sent) {
        if (etag_matches(exchange)) {
            reply->status = 304;
        }
        if (write_headers(exchange, &at, start + HEADERS_OUT_MAX) != 0) {
            return -1;
        }
        if (exchange->request.method == GM_HTTP_HEAD || reply->status == 304 ||
            reply->status == 204) {
            exchange->sent = reply->size;
        }
    }
    size_t room = (size_t)(end - at), left = reply->size - exchange->sent;
    size_t portion = left < room ? left : room;
    if (portion > 0) {
        memcpy(at, (const unsigned char *)reply->bytes + exchange->sent, portion);
    }
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)server->options.request_s);
    enum lws_write_protocol kind = exchange->headers_sent ? LWS_WRITE_HTTP : LWS_WRITE_HTTP_HEADERS;
    exchange->headers_sent = true;
    exchange->sent += portion;
    if (lws_write(connection->wsi, start, (size_t)(at - start) + portion, kind) < 0) {
        return -1;
    }
    if (exchange->sent < reply->size) {
        lws_callback_on_writable(connection->wsi);
        return 0;
    }
    return finish(connection);
}

void gm_http_request_answered(gm_http_server *server, gm_http_exchange *exchange)
{
    gm_http_connection *connection = exchange->connection;
    if (connection == NULL) { // the client has gone
        gm_http_exchange_free(exchange);
        return;
    }
    exchange->phase = EXCHANGE_SENDING;
    exchange->last = server->stopping;
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, (int)server->options.request_s);
    lws_rx_flow_control(connection->wsi, 1);
    lws_callback_on_writable(connection->wsi);
}

void gm_http_request_leave(gm_http_connection *connection)
{
    gm_http_exchange *exchange = connection->exchange;
    connection->exchange = NULL;
    if (exchange == NULL) {
        return;
    }
    exchange->connection = NULL;
    // a handler still has it: freed when its answer comes
    if (exchange->phase == EXCHANGE_HANDLED) {
        return;
    }
    gm_http_exchange_free(exchange);
}
