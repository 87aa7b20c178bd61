// The client side of HTTP/1.1 (RFC 9112) as far as one's own server needs it.
#include "net/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "net/loopback.h"

enum { REQUEST_HEADERS_MAX = 4096, HOST_MAX = 64 };

struct gm_http_client {
    char host[HOST_MAX]; // as in the url, for the Host header
    char address[46];
    uint16_t port;
    int timeout_ms;
    int descriptor; // -1: no connection
    char headers[GM_HTTP_ANSWER_HEADERS_MAX + 1];
    char *body;
    size_t body_capacity;
};

gm_status gm_http_client_create(const char *url, double timeout_s, gm_http_client **client,
                                gm_error *error)
{
    static const char scheme[] = "http://";
    int64_t port = 80;
    char name[HOST_MAX];
    const char *start = url + sizeof scheme - 1;
    bool plain = strncasecmp(url, scheme, sizeof scheme - 1) == 0;
    size_t size = plain ? strcspn(start, "/") : 0;
    if (!plain || size == 0 || size >= HOST_MAX || !(timeout_s > 0.0 && timeout_s < 1e6)) {
        return gm_error_set(error, GM_INVALID, "'%s' is not like http://127.0.0.1:8080", url);
    }
    bool bracketed = start[0] == '[';
    size_t name_size = bracketed ? strcspn(start, "]") - 1 : strcspn(start, ":/");
    const char *rest = start + name_size + (bracketed ? 2 : 0);
    snprintf(name, sizeof name, "%.*s", (int)name_size, start + bracketed);
    gm_text digits = { rest + 1, rest < start + size ? size - (size_t)(rest + 1 - start) : 0 };
    if (bracketed && start[name_size + 1] != ']') {
        return gm_error_set(error, GM_INVALID, "'%s' opens a bracket and does not close it", url);
    }
    if (rest < start + size &&
        (*rest != ':' || !gm_text_to_i64(digits, &port) || port < 1 || port > 65535)) {
        return gm_error_set(error, GM_INVALID, "'%s' has no valid port", url);
    }
    gm_http_client *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an HTTP client");
    }
    if (!gm_loopback_address(name, made->address)) {
        gm_memory_free(made);
        return gm_error_set(error, GM_INVALID,
                            "'%s' is not on this machine: without TLS only loopback is talked to",
                            url);
    }
    snprintf(made->host, sizeof made->host, "%.*s", (int)size, start);
    made->port = (uint16_t)port;
    made->timeout_ms = timeout_s < 0.001 ? 1 : (int)(timeout_s * 1000.0);
    made->descriptor = -1;
    *client = made;
    return GM_OK;
}

static void disconnect(gm_http_client *client)
{
    if (client->descriptor >= 0) {
        close(client->descriptor);
        client->descriptor = -1;
    }
}

void gm_http_client_close(gm_http_client *client)
{
    if (client != NULL) {
        disconnect(client);
        gm_memory_free(client->body);
        gm_memory_free(client);
    }
}

// ---- the socket ----

/// Waits until the socket is ready. @return GM_OK or GM_IO
static gm_status await(const gm_http_client *client, short events, gm_error *error)
{
    struct pollfd wait = { .fd = client->descriptor, .events = events };
    int ready;
    do {
        ready = poll(&wait, 1, client->timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        return gm_error_set(error, GM_IO, "no answer from http://%s in %d ms", client->host,
                            client->timeout_ms);
    }
    return ready > 0 ? GM_OK
                     : gm_error_set(error, GM_IO, "waiting for http://%s: %s", client->host,
                                    strerror(errno));
}

static gm_status connect_server(gm_http_client *client, gm_error *error)
{
    struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(client->port) };
    struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(client->port) };
    bool is_four = inet_pton(AF_INET, client->address, &four.sin_addr) == 1;
    inet_pton(AF_INET6, client->address, &six.sin6_addr);
    int one = 1, failure = 0;
    socklen_t size = sizeof failure;
    client->descriptor =
        socket(is_four ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client->descriptor < 0) {
        return gm_error_set(error, GM_IO, "no socket: %s", strerror(errno));
    }
    setsockopt(client->descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int done =
        connect(client->descriptor, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six,
                is_four ? sizeof four : sizeof six);
    if (done < 0 && errno != EINPROGRESS) {
        failure = errno;
    } else if (done < 0) {
        gm_status status = await(client, POLLOUT, error);
        if (status != GM_OK) {
            return status;
        }
        getsockopt(client->descriptor, SOL_SOCKET, SO_ERROR, &failure, &size);
    }
    if (failure != 0) {
        return gm_error_set(error, GM_IO, "cannot reach http://%s: %s", client->host,
                            strerror(failure));
    }
    return GM_OK;
}

/// A kept connection that the server has closed meanwhile is readable (its end, or words nobody
/// asked for).
static bool is_stale(const gm_http_client *client)
{
    struct pollfd look = { .fd = client->descriptor, .events = POLLIN };
    return poll(&look, 1, 0) != 0;
}

static gm_status send_all(gm_http_client *client, const char *bytes, size_t size, gm_error *error)
{
    while (size > 0) {
        ssize_t sent = send(client->descriptor, bytes, size, MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes += sent;
            size -= (size_t)sent;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            return GM_OK; // it may have said why before it hung up: read on
        }
        if (errno != EAGAIN && errno != EINTR) {
            return gm_error_set(error, GM_IO, "sending to http://%s: %s", client->host,
                                strerror(errno));
        }
        gm_status status = await(client, POLLOUT, error);
        if (status != GM_OK) {
            return status;
        }
    }
    return GM_OK;
}

/// Reads at least one byte.
static gm_status receive(gm_http_client *client, char *bytes, size_t room, size_t *got,
                         gm_error *error)
{
    for (;;) {
        ssize_t size = recv(client->descriptor, bytes, room, 0);
        if (size > 0) {
            *got = (size_t)size;
            return GM_OK;
        }
        if (size == 0) {
            return gm_error_set(error, GM_IO, "http://%s hung up before its answer was whole",
                                client->host);
        }
        if (errno != EAGAIN && errno != EINTR) {
            return gm_error_set(error, GM_IO, "reading from http://%s: %s", client->host,
                                strerror(errno));
        }
        gm_status status = await(client, POLLIN, error);
        if (status != GM_OK) {
            return status;
        }
    }
}

// ---- an answer ----

/// The value of a header, trimmed; size 0 when there is none.
static gm_text header_value(const char *headers, const char *name)
{
    size_t name_size = strlen(name);
    for (const char *line = strstr(headers, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_size) == 0 && line[name_size] == ':') {
            const char *value = line + name_size + 1;
            return gm_text_trim((gm_text){ value, strcspn(value, "\r") });
        }
    }
    return (gm_text){ "", 0 };
}

typedef struct answer_head {
    int status;
    size_t body_size;
    bool keep;
} answer_head;

static gm_status parse_head(const gm_http_client *client, bool bodiless, answer_head *head,
                            gm_error *error)
{
    int64_t status = 0, length = 0;
    const char *line = client->headers;
    if (strncmp(line, "HTTP/1.", 7) != 0 || strlen(line) < 12 || line[8] != ' ' ||
        !gm_text_to_i64((gm_text){ line + 9, 3 }, &status) || status < 100) {
        return gm_error_set(error, GM_CORRUPT, "http://%s does not answer in HTTP/1.1",
                            client->host);
    }
    bodiless = bodiless || status == 204 || status == 304;
    if (header_value(line, "transfer-encoding").size > 0) {
        return gm_error_set(error, GM_UNSUPPORTED, "http://%s answers in chunks", client->host);
    }
    gm_text text = header_value(line, "content-length");
    if (!bodiless && (!gm_text_to_i64(text, &length) || length < 0)) {
        return gm_error_set(error, GM_CORRUPT, "http://%s does not say how long its answer is",
                            client->host);
    }
    if (length > GM_HTTP_ANSWER_MAX) {
        return gm_error_set(error, GM_LIMIT, "http://%s answers with %lld bytes, more than %d",
                            client->host, (long long)length, GM_HTTP_ANSWER_MAX);
    }
    gm_text connection = header_value(line, "connection");
    *head = (answer_head){ (int)status, (size_t)length,
                           line[7] == '1' && !(connection.size == 5 &&
                                               strncasecmp(connection.data, "close", 5) == 0) };
    return GM_OK;
}

/// Reads up to and with the empty line; what came after it is moved to the body. *early: how much
/// that is.
static gm_status read_head(gm_http_client *client, size_t *early, gm_error *error)
{
    size_t size = 0;
    client->headers[0] = '\0';
    for (;;) {
        if (size == GM_HTTP_ANSWER_HEADERS_MAX) {
            return gm_error_set(error, GM_LIMIT,
                                "http://%s answers with more than %d bytes of headers",
                                client->host, GM_HTTP_ANSWER_HEADERS_MAX);
        }
        size_t got = 0;
        gm_status status =
            receive(client, client->headers + size, GM_HTTP_ANSWER_HEADERS_MAX - size, &got, error);
        if (status != GM_OK) {
            return status;
        }
        size += got;
        client->headers[size] = '\0';
        char *end = memmem(client->headers, size, "\r\n\r\n", 4);
        if (end == NULL) {
            continue;
        }
        end += 4;
        *early = size - (size_t)(end - client->headers);
        char *body = gm_memory_grow(client->body, &client->body_capacity, *early + 1, 1);
        if (body == NULL) {
            return gm_error_set(error, GM_MEMORY, "no memory for an answer");
        }
        client->body = body;
        memcpy(body, end, *early);
        *end = '\0';
        return GM_OK;
    }
}

static gm_status read_answer(gm_http_client *client, bool bodiless, gm_http_result *result,
                             gm_error *error)
{
    size_t size = 0;
    answer_head head = { 0 };
    gm_status status = read_head(client, &size, error);
    if (status == GM_OK) {
        status = parse_head(client, bodiless, &head, error);
    }
    if (status != GM_OK) {
        return status;
    }
    if (size > head.body_size) {
        return gm_error_set(error, GM_CORRUPT, "http://%s says more than its answer", client->host);
    }
    char *body = gm_memory_grow(client->body, &client->body_capacity, head.body_size + 1, 1);
    if (body == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for an answer of %zu bytes",
                            head.body_size);
    }
    client->body = body;
    while (size < head.body_size) {
        size_t got = 0;
        status = receive(client, body + size, head.body_size - size, &got, error);
        if (status != GM_OK) {
            return status;
        }
        size += got;
    }
    body[size] = '\0';
    if (!head.keep) {
        disconnect(client);
    }
    *result = (gm_http_result){
        .status = head.status, .body = body, .size = size, .headers = client->headers
    };
    return GM_OK;
}

gm_status gm_http_client_call(gm_http_client *client, const gm_http_call *call,
                              gm_http_result *result, gm_error *error)
{
    char headers[REQUEST_HEADERS_MAX], length[64] = "";
    if (call->body != NULL || strcmp(call->method, "GET") != 0) {
        snprintf(length, sizeof length, "Content-Length: %zu\r\n",
                 call->body != NULL ? call->size : 0);
    }
    int size = snprintf(headers, sizeof headers,
                        "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\n%s\r\n", call->method,
                        call->path, client->host,
                        call->type != NULL ? call->type : "application/json", length);
    if (size < 0 || (size_t)size >= sizeof headers) {
        return gm_error_set(error, GM_LIMIT, "the path of a request is longer than %d bytes",
                            REQUEST_HEADERS_MAX);
    }
    gm_status status = GM_OK;
    if (client->descriptor >= 0 && is_stale(client)) {
        disconnect(client);
    }
    if (client->descriptor < 0) {
        status = connect_server(client, error);
    }
    if (status == GM_OK) {
        status = send_all(client, headers, (size_t)size, error);
    }
    if (status == GM_OK && call->body != NULL) {
        status = send_all(client, call->body, call->size, error);
    }
    if (status == GM_OK) {
        status = read_answer(client, strcmp(call->method, "HEAD") == 0, result, error);
    }
    if (status != GM_OK) {
        disconnect(client);
    }
    return status;
}
