// The server's life: making, the loop, the mailbox between it and other threads, shutting down.
//
// libwebsockets 4.1 keeps its log function and level in process-wide variables without a place for
// an owner, so its log is silenced; what matters of it comes back here as a gm_error or a gm_log
// entry.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/require.h"
#include "net/http_loop.h"
#include "net/loopback.h"

enum {
    SHUTDOWN_S = 2,         // for answers at hand
    PING_AFTER_S = 30,      // of silence on a WebSocket
    HANG_UP_AFTER_S = 60,   // of silence in spite of pings
    SPARE_DESCRIPTORS = 16, // of the loop itself
    KEPT_DESCRIPTORS = 128, // for the rest of the program
};

// Sent with every answer: scripts, styles and data from here only; nobody may put the page in a
// frame.
static const struct lws_protocol_vhost_options referrer = { NULL, NULL,
                                                            "referrer-policy:", "no-referrer" };
static const struct lws_protocol_vhost_options sniff = { &referrer, NULL,
                                                         "x-content-type-options:", "nosniff" };
static const struct lws_protocol_vhost_options sharing = {
    &sniff, NULL, "cross-origin-resource-policy:", "same-origin"
};
static const struct lws_protocol_vhost_options strict_headers = {
    &sharing, NULL, "content-security-policy:",
    "default-src 'self'; img-src 'self' data:; object-src "
    "'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
};

// ---- mailbox ----

static gm_http_mailbox *mailbox_new(void)
{
    gm_http_mailbox *mailbox = gm_memory_new(1, sizeof *mailbox);
    if (mailbox != NULL) {
        pthread_mutex_init(&mailbox->lock, NULL);
        mailbox->references = 1;
    }
    return mailbox;
}

static void mailbox_release(gm_http_mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->lock);
    bool last = --mailbox->references == 0;
    pthread_mutex_unlock(&mailbox->lock);
    if (last) {
        pthread_mutex_destroy(&mailbox->lock);
        gm_memory_free(mailbox);
    }
}

/// Under the lock: the loop looks into its mailbox soon.
static void mailbox_wake(const gm_http_mailbox *mailbox)
{
    if (mailbox->context != NULL) {
        lws_cancel_service(mailbox->context);
    }
}

static void exchange_release(gm_http_exchange *exchange)
{
    gm_http_mailbox *mailbox = exchange->mailbox;
    gm_memory_free(exchange->body);
    gm_memory_free(exchange->reply_bytes);
    gm_memory_free(exchange);
    mailbox_release(mailbox);
}

void gm_http_exchange_free(gm_http_exchange *exchange)
{
    gm_http_server *server = exchange->server;
    GM_REQUIRE(server->exchange_count > 0 && server->body_bytes >= exchange->body_capacity);
    server->exchange_count--;
    server->body_bytes -= exchange->body_capacity;
    exchange_release(exchange);
}

/// Takes what other threads left and acts on it.
static void empty_mailbox(gm_http_server *server)
{
    gm_http_mailbox *mailbox = server->mailbox;
    pthread_mutex_lock(&mailbox->lock);
    gm_http_exchange *exchange = mailbox->answered;
    gm_http_message *message = mailbox->messages;
    mailbox->answered = NULL;
    mailbox->messages = mailbox->last_message = NULL;
    mailbox->message_count = 0;
    bool stopping = mailbox->stopping;
    pthread_mutex_unlock(&mailbox->lock);

    while (exchange != NULL) {
        gm_http_exchange *next = exchange->next;
        gm_http_request_answered(server, exchange);
        exchange = next;
    }
    while (message != NULL) {
        gm_http_message *next = message->next;
        gm_http_live_deliver(server, message);
        message = next;
    }
    server->stopping = stopping;
}

// ---- loop ----

gm_http_server *gm_http_server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *session, void *in,
                    size_t size)
{
    gm_http_server *server = gm_http_server_of(wsi);
    gm_http_connection *connection = session;
    if (connection != NULL) {
        connection->wsi = wsi;
    }
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return server->connection_count >= server->options.connections_max;
    case LWS_CALLBACK_WSI_CREATE:
        server->connection_count++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        // the listening socket is destroyed too, but was never created for us
        server->connection_count -= server->connection_count > 0;
        return 0;
    case LWS_CALLBACK_HTTP:
        return gm_http_request_begin(server, connection);
    case LWS_CALLBACK_HTTP_BODY:
        return gm_http_request_body(server, connection, in, size);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return gm_http_request_complete(server, connection);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return gm_http_request_send(server, connection);
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED_HTTP:
        if (connection != NULL) {
            gm_http_request_leave(connection);
        }
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return gm_http_live_admit(server, wsi);
    case LWS_CALLBACK_ESTABLISHED:
        gm_http_live_open(server, connection);
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return gm_http_live_send(connection);
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
    case LWS_CALLBACK_CLOSED:
        if (connection != NULL) {
            gm_http_live_close(server, connection);
        }
        return 0;
    case LWS_CALLBACK_RAW_ADOPT: // CONNECT asks for a tunnel; there is none
    case LWS_CALLBACK_RAW_RX:
        return -1;
    default:
        return 0;
    }
}

static void pass_deadline(lws_sorted_usec_list_t *timer)
{
    gm_http_server *server = lws_container_of(timer, gm_http_server, stop_timer);
    server->deadline_passed = true;
    lws_cancel_service(server->context); // or it would go to sleep before anybody looks
}

static void *run_loop(void *argument)
{
    gm_http_server *server = argument;
    bool timed = false;
    for (;;) {
        empty_mailbox(server);
        if (server->stopping && !timed) {
            lws_sul_schedule(server->context, 0, &server->stop_timer, pass_deadline,
                             SHUTDOWN_S * LWS_US_PER_SEC);
            timed = true;
        }
        if (server->stopping && (server->exchange_count == 0 || server->deadline_passed)) {
            break;
        }
        if (lws_service(server->context, 0) < 0) {
            gm_log_write(server->options.log, GM_LOG_ERROR, "net", "the event loop failed: %s",
                         strerror(errno));
            break;
        }
    }
    lws_sul_cancel(&server->stop_timer);
    pthread_mutex_lock(&server->mailbox->lock);
    server->mailbox->context = NULL;
    pthread_mutex_unlock(&server->mailbox->lock);
    lws_context_destroy(server->context);
    empty_mailbox(server);
    return NULL;
}

// ---- making ----

gm_http_options gm_http_default_options(void)
{
    return (gm_http_options){
        .address = "127.0.0.1",
        .connections_max = GM_HTTP_CONNECTIONS_MAX,
        .body_max = GM_HTTP_BODY_MAX,
        .request_s = 10,
        .body_s = 60,
        .idle_s = 30,
    };
}

static gm_status check_options(const gm_http_options *options, char numeric[46], gm_error *error)
{
    GM_REQUIRE(options->request != NULL && options->address != NULL);
    if (!gm_loopback_address(options->address, numeric)) {
        return gm_error_set(
            error, GM_INVALID,
            "will not listen on '%s': only loopback addresses (127.0.0.1, ::1) are served as long "
            "as "
            "there is neither TLS nor a user with a policy; forward a port over ssh instead",
            options->address);
    }
    if (options->connections_max < 1 || options->connections_max > GM_HTTP_CONNECTIONS_MAX ||
        options->body_max > GM_HTTP_BODY_MAX || options->request_s < 1 || options->body_s < 1 ||
        options->idle_s < 1) {
        return gm_error_set(error, GM_INVALID, "a limit of the HTTP server is out of range");
    }
    return GM_OK;
}

/// Why the port could not be listened on: tries it once more, plainly.
static gm_status explain_refusal(const gm_http_server *server, gm_error *error)
{
    bool six = strchr(server->address, ':') != NULL;
    struct sockaddr_in6 place6 = { .sin6_family = AF_INET6,
                                   .sin6_port = htons(server->options.port) };
    struct sockaddr_in place4 = { .sin_family = AF_INET, .sin_port = htons(server->options.port) };
    int one = 1, reason = 0;
    int descriptor = socket(six ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) {
        return gm_error_set(error, GM_IO, "no socket for %s: %s", server->address, strerror(errno));
    }
    if (six) {
        place6.sin6_addr = in6addr_loopback;
    } else {
        inet_pton(AF_INET, server->address, &place4.sin_addr);
    }
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(descriptor, six ? (struct sockaddr *)&place6 : (struct sockaddr *)&place4,
             six ? sizeof place6 : sizeof place4) < 0 ||
        listen(descriptor, 1) < 0) {
        reason = errno;
    }
    close(descriptor);
    if (reason == EADDRINUSE) {
        return gm_error_set(error, GM_BUSY,
                            "port %u of %s is taken by another program; choose another port",
                            (unsigned)server->options.port, server->address);
    }
    return gm_error_set(error, GM_IO, "cannot listen on port %u of %s: %s",
                        (unsigned)server->options.port, server->address,
                        reason != 0 ? strerror(reason) : "the event loop refused");
}

/// No more connections than the process has descriptors for, with some left for its files.
static size_t affordable_connections(size_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
        return wanted;
    }
    size_t spare = limit.rlim_cur > 2 * KEPT_DESCRIPTORS ? limit.rlim_cur - KEPT_DESCRIPTORS
                                                         : limit.rlim_cur / 2;
    return wanted < spare ? wanted : spare;
}

static gm_status open_context(gm_http_server *server, gm_error *error)
{
    const gm_http_options *options = &server->options;
    server->protocols[0] = (struct lws_protocols){
        .name = "gemel",
        .callback = on_event,
        .per_session_data_size = sizeof(gm_http_connection),
        .rx_buffer_size = HTTP_CHUNK_SIZE,
    };
    server->idle = (lws_retry_bo_t){ .secs_since_valid_ping = PING_AFTER_S,
                                     .secs_since_valid_hangup = HANG_UP_AFTER_S };
    struct lws_context_creation_info info = {
        .port = options->port,
        .iface = server->address,
        .protocols = server->protocols,
        .user = server,
        .headers = &strict_headers,
        .server_string = "gemel",
        .max_http_header_data = GM_HTTP_HEADERS_MAX,
        .max_http_header_pool = (unsigned short)(options->connections_max + SPARE_DESCRIPTORS),
        .fd_limit_per_thread = (unsigned)options->connections_max + SPARE_DESCRIPTORS,
        .pt_serv_buf_size = HTTP_CHUNK_SIZE,
        .timeout_secs = options->request_s,
        .timeout_secs_ah_idle = options->request_s,
        .keepalive_timeout = (int)options->idle_s,
        .retry_and_idle_policy = &server->idle,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME |
                   (strchr(server->address, ':') == NULL ? LWS_SERVER_OPTION_DISABLE_IPV6 : 0),
    };
    lws_set_log_level(0, NULL);
    server->context = lws_create_context(&info);
    if (server->context == NULL) {
        return gm_error_set(error, GM_MEMORY,
                            "no memory or descriptors for an event loop of %zu connections",
                            options->connections_max);
    }
    struct lws_vhost *host = lws_create_vhost(server->context, &info);
    if (host == NULL) {
        lws_context_destroy(server->context);
        server->context = NULL;
        return explain_refusal(server, error);
    }
    server->port = (uint16_t)lws_get_vhost_listen_port(host);
    return GM_OK;
}

static void server_free(gm_http_server *server)
{
    if (server->mailbox != NULL) {
        mailbox_release(server->mailbox);
    }
    gm_memory_free(server->live_path);
    gm_memory_free(server);
}

gm_status gm_http_server_create(const gm_http_options *options, gm_http_server **server,
                                gm_error *error)
{
    char numeric[46];
    gm_status status = check_options(options, numeric, error);
    if (status != GM_OK) {
        return status;
    }
    gm_http_server *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an HTTP server");
    }
    made->options = *options;
    made->options.address = made->address;
    made->options.connections_max = affordable_connections(options->connections_max);
    memcpy(made->address, numeric, sizeof numeric);
    made->mailbox = mailbox_new();
    if (options->live_path != NULL) {
        made->live_path = gm_memory_new(strlen(options->live_path) + 1, 1);
        if (made->live_path != NULL) {
            memcpy(made->live_path, options->live_path, strlen(options->live_path));
        }
    }
    if (made->mailbox == NULL || (options->live_path != NULL && made->live_path == NULL)) {
        server_free(made);
        return gm_error_set(error, GM_MEMORY, "no memory for an HTTP server");
    }
    status = open_context(made, error);
    if (status != GM_OK) {
        server_free(made);
        return status;
    }
    made->mailbox->context = made->context;
    int failure = pthread_create(&made->thread, NULL, run_loop, made);
    if (failure != 0) {
        lws_context_destroy(made->context);
        server_free(made);
        return gm_error_set(error, GM_IO, "no thread for the HTTP server: %s", strerror(failure));
    }
    *server = made;
    return GM_OK;
}

void gm_http_server_close(gm_http_server *server)
{
    if (server == NULL) {
        return;
    }
    pthread_mutex_lock(&server->mailbox->lock);
    server->mailbox->stopping = true;
    mailbox_wake(server->mailbox);
    pthread_mutex_unlock(&server->mailbox->lock);
    pthread_join(server->thread, NULL);
    server_free(server);
}

uint16_t gm_http_server_port(const gm_http_server *server)
{
    return server->port;
}

// ---- from other threads ----

/// Copies what a reply points to. false when there is no memory.
static bool keep_reply(gm_http_exchange *exchange, const gm_http_reply *reply)
{
    exchange->reply = *reply;
    if (reply->type != NULL) {
        GM_REQUIRE(strlen(reply->type) <= GM_HTTP_TYPE_MAX);
        exchange->reply.type = memcpy(exchange->reply_type, reply->type, strlen(reply->type) + 1);
    }
    if (reply->etag != NULL) {
        GM_REQUIRE(strlen(reply->etag) <= GM_HTTP_ETAG_MAX);
        exchange->reply.etag = memcpy(exchange->reply_etag, reply->etag, strlen(reply->etag) + 1);
    }
    if (reply->lasting || reply->size == 0) {
        return true;
    }
    exchange->reply_bytes = gm_memory_new(reply->size, 1);
    if (exchange->reply_bytes == NULL) {
        return false;
    }
    exchange->reply.bytes = memcpy(exchange->reply_bytes, reply->bytes, reply->size);
    return true;
}

void gm_http_answer(gm_http_exchange *exchange, const gm_http_reply *reply)
{
    GM_REQUIRE(!exchange->answered && reply->status >= 200 && reply->status <= 599);
    exchange->answered = true;
    if (!keep_reply(exchange, reply)) {
        static const char sorry[] =
            "{\"error\": {\"status\": \"memory\", \"text\": \"no memory for the answer\"}}";
        exchange->reply = (gm_http_reply){ .status = 500,
                                           .type = "application/json",
                                           .bytes = sorry,
                                           .size = sizeof sorry - 1,
                                           .lasting = true };
    }
    gm_http_mailbox *mailbox = exchange->mailbox;
    pthread_mutex_lock(&mailbox->lock);
    bool ended = mailbox->context == NULL;
    if (!ended) {
        exchange->next = mailbox->answered;
        mailbox->answered = exchange;
        mailbox_wake(mailbox);
    }
    pthread_mutex_unlock(&mailbox->lock);
    if (ended) {
        exchange_release(exchange);
    }
}

/// Under the lock: the waiting message of that slot leaves the queue.
static gm_http_message *take_same_slot(gm_http_mailbox *mailbox, uint32_t slot)
{
    gm_http_message *previous = NULL;
    for (gm_http_message *at = mailbox->messages; at != NULL; previous = at, at = at->next) {
        if (at->slot != slot) {
            continue;
        }
        if (previous == NULL) {
            mailbox->messages = at->next;
        } else {
            previous->next = at->next;
        }
        if (mailbox->last_message == at) {
            mailbox->last_message = previous;
        }
        mailbox->message_count--;
        return at;
    }
    return NULL;
}

gm_status gm_http_broadcast(gm_http_server *server, uint32_t slot, const void *bytes, size_t size)
{
    gm_http_mailbox *mailbox = server->mailbox;
    if (size > GM_HTTP_MESSAGE_MAX) {
        return GM_LIMIT;
    }
    gm_http_message *message = gm_memory_new(sizeof *message + LWS_PRE + size, 1);
    if (message == NULL) {
        return GM_MEMORY;
    }
    message->slot = slot;
    message->size = size;
    message->references = 1;
    memcpy(message->bytes + LWS_PRE, bytes, size);

    pthread_mutex_lock(&mailbox->lock);
    gm_http_message *dropped = slot != 0 ? take_same_slot(mailbox, slot) : NULL;
    gm_status status = mailbox->message_count < GM_HTTP_BROADCASTS_MAX ? GM_OK : GM_LIMIT;
    if (status == GM_OK) {
        if (mailbox->last_message != NULL) {
            mailbox->last_message->next = message;
        } else {
            mailbox->messages = message;
        }
        mailbox->last_message = message;
        mailbox->message_count++;
        message = NULL;
        mailbox_wake(mailbox);
    }
    pthread_mutex_unlock(&mailbox->lock);
    gm_memory_free(dropped);
    gm_memory_free(message);
    return status;
}
