// A WebSocket client for tests: opens one and reads unmasked text frames (RFC 6455 5.2).
#ifndef GEMEL_TESTS_NET_LIVE_SOCKET_H
#define GEMEL_TESTS_NET_LIVE_SOCKET_H

#include <stdio.h>

#include "net/raw_socket.h"

/// Asks for an upgrade; `extra` are more header lines. @return a connected socket; what the server
/// said
static inline int live_ask(uint16_t port, const char *path, const char *extra, char *answer,
                           size_t room)
{
    char request[512];
    snprintf(request, sizeof request,
             "GET %s HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
             path, extra);
    int descriptor = raw_connect(port);
    if (descriptor < 0) {
        return -1;
    }
    raw_say(descriptor, request);
    if (raw_answer(descriptor, answer, room) != 101) {
        close(descriptor);
        return -1;
    }
    return descriptor;
}

/// -1 when the server refuses.
static inline int live_open(uint16_t port, const char *path, const char *extra)
{
    char answer[4096];
    return live_ask(port, path, extra, answer, sizeof answer);
}

/// The payload of the next frame; ends in NUL. @return its size; SIZE_MAX: the end, or nothing came
static inline size_t live_read(int descriptor, char *payload, size_t room)
{
    unsigned char head[10];
    bool ended;
    if (raw_receive(descriptor, (char *)head, 2, 3000, &ended) != 2) {
        return SIZE_MAX;
    }
    size_t size = head[1] & 127, more = size == 126 ? 2 : size == 127 ? 8 : 0;
    if (raw_receive(descriptor, (char *)head + 2, more, 3000, &ended) != more) {
        return SIZE_MAX;
    }
    for (size_t k = 0; k < more; k++) {
        size = (k == 0 ? 0 : size) << 8 | head[2 + k];
    }
    if (size >= room || raw_receive(descriptor, payload, size, 3000, &ended) != size) {
        return SIZE_MAX;
    }
    payload[size] = '\0';
    return size;
}

#endif
