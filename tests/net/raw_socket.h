// A plain socket to a server under test: says what no proper client would say.
#ifndef GEMEL_TESTS_NET_RAW_SOCKET_H
#define GEMEL_TESTS_NET_RAW_SOCKET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/// -1 when nobody listens.
static inline int raw_connect(uint16_t port)
{
    struct sockaddr_in place = { .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(descriptor, (struct sockaddr *)&place, sizeof place) < 0) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/// false when the other side has hung up.
static inline bool raw_send(int descriptor, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t sent = send(descriptor, at, size, MSG_NOSIGNAL);
        if (sent < 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline bool raw_say(int descriptor, const char *text)
{
    return raw_send(descriptor, text, strlen(text));
}

/// Reads until `size` bytes came, the end, or nothing for timeout_ms. @return bytes; *ended: the
/// other side hung up
static inline size_t raw_receive(int descriptor, char *bytes, size_t size, int timeout_ms,
                                 bool *ended)
{
    size_t got = 0;
    *ended = false;
    while (got < size) {
        struct pollfd wait = { .fd = descriptor, .events = POLLIN };
        if (poll(&wait, 1, timeout_ms) <= 0) {
            break;
        }
        ssize_t more = recv(descriptor, bytes + got, size - got, 0);
        if (more <= 0) {
            *ended = true;
            break;
        }
        got += (size_t)more;
    }
    return got;
}

/// Reads one answer: headers and as many bytes of body as they promise; ends in NUL. @return its
/// status, 0 for none
static inline int raw_answer(int descriptor, char *bytes, size_t room)
{
    size_t got = 0;
    bool ended = false;
    char *end = NULL;
    while (end == NULL && got + 1 < room) {
        if (raw_receive(descriptor, bytes + got, 1, 10000, &ended) == 0) {
            return 0;
        }
        got++;
        bytes[got] = '\0';
        end = got >= 4 && memcmp(bytes + got - 4, "\r\n\r\n", 4) == 0 ? bytes + got : NULL;
    }
    const char *length = strcasestr(bytes, "content-length:");
    size_t size = length != NULL ? strtoul(length + 15, NULL, 10) : 0;
    if (end == NULL || size > room - got - 1 ||
        raw_receive(descriptor, end, size, 10000, &ended) != size) {
        return 0;
    }
    end[size] = '\0';
    return strncmp(bytes, "HTTP/1.", 7) == 0 ? (int)strtol(bytes + 9, NULL, 10) : 0;
}

/// true when the other side hangs up within timeout_ms (what it still says is dropped).
static inline bool raw_ends(int descriptor, int timeout_ms)
{
    char bytes[4096];
    bool ended = false;
    while (!ended) {
        if (raw_receive(descriptor, bytes, sizeof bytes, timeout_ms, &ended) == 0 && !ended) {
            return false;
        }
    }
    return true;
}

#endif
