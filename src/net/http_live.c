// The WebSocket side: who may open one, and a short queue of messages for each client.
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "net/http_loop.h"

void gm_http_message_release(gm_http_message *message)
{
    if (--message->references == 0) {
        gm_memory_free(message);
    }
}

static int deny(struct lws *wsi, unsigned status, const char *reason)
{
    return lws_return_http_status(wsi, status, reason) != 0 ? -1 : 1;
}

int gm_http_live_admit(gm_http_server *server, struct lws *wsi)
{
    char upgrade[16], *path = NULL;
    int path_size = 0;
    // after refusing an upgrade of its own accord libwebsockets 4.1 comes here once more, its
    // headers freed
    if (lws_hdr_total_length(wsi, WSI_TOKEN_UPGRADE) == 0) {
        return -1;
    }
    if (lws_hdr_copy(wsi, upgrade, sizeof upgrade, WSI_TOKEN_UPGRADE) <= 0 ||
        strcasecmp(upgrade, "websocket") != 0) {
        return deny(wsi, 400, "only an upgrade to websocket is offered");
    }
    if (lws_http_get_uri_and_method(wsi, &path, &path_size) != LWSHUMETH_GET ||
        server->live_path == NULL || strlen(server->live_path) != (size_t)path_size ||
        memcmp(server->live_path, path, (size_t)path_size) != 0) {
        return deny(wsi, 404, "no WebSocket here");
    }
    const char *refusal = gm_http_sender_refused(wsi);
    if (refusal != NULL) {
        return deny(wsi, 403, refusal);
    }
    return server->stopping ? -1 : 0;
}

static void tell_clients(gm_http_server *server)
{
    if (server->options.clients != NULL) {
        server->options.clients(server->options.context, server->live_count);
    }
}

void gm_http_live_open(gm_http_server *server, gm_http_connection *connection)
{
    connection->live = true;
    connection->previous = NULL;
    connection->next = server->live;
    if (server->live != NULL) {
        server->live->previous = connection;
    }
    server->live = connection;
    server->live_count++;
    tell_clients(server);
}

void gm_http_live_close(gm_http_server *server, gm_http_connection *connection)
{
    if (!connection->live) {
        return;
    }
    connection->live = false;
    if (connection->previous != NULL) {
        connection->previous->next = connection->next;
    } else {
        server->live = connection->next;
    }
    if (connection->next != NULL) {
        connection->next->previous = connection->previous;
    }
    server->live_count--;
    for (; connection->queue_count > 0; connection->queue_count--) {
        gm_http_message_release(connection->queue[connection->queue_first]);
        connection->queue_first = (connection->queue_first + 1) % GM_HTTP_LIVE_QUEUE_MAX;
    }
    tell_clients(server);
}

int gm_http_live_send(gm_http_connection *connection)
{
    if (!connection->live || connection->queue_count == 0) {
        return 0;
    }
    gm_http_message *message = connection->queue[connection->queue_first];
    connection->queue_first = (connection->queue_first + 1) % GM_HTTP_LIVE_QUEUE_MAX;
    connection->queue_count--;
    int written =
        lws_write(connection->wsi, message->bytes + LWS_PRE, message->size, LWS_WRITE_TEXT);
    int failed = written < (int)message->size ? -1 : 0;
    gm_http_message_release(message);
    if (connection->queue_count > 0) {
        lws_callback_on_writable(connection->wsi);
    }
    return failed;
}

/// The place of a waiting message of that slot, or NULL.
static gm_http_message **find_slot(gm_http_connection *connection, uint32_t slot)
{
    for (size_t k = 0; slot != 0 && k < connection->queue_count; k++) {
        gm_http_message **place =
            &connection->queue[(connection->queue_first + k) % GM_HTTP_LIVE_QUEUE_MAX];
        if ((*place)->slot == slot) {
            return place;
        }
    }
    return NULL;
}

static void enqueue(gm_http_connection *connection, gm_http_message *message)
{
    gm_http_message **place = find_slot(connection, message->slot);
    if (place != NULL) {
        gm_http_message_release(*place);
    } else if (connection->queue_count < GM_HTTP_LIVE_QUEUE_MAX) {
        place = &connection->queue[(connection->queue_first + connection->queue_count++) %
                                   GM_HTTP_LIVE_QUEUE_MAX];
    } else {
        // it missed something that is not repeated: better to start afresh
        connection->doomed = true;
        lws_set_timeout(connection->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
        return;
    }
    *place = message;
    message->references++;
    lws_callback_on_writable(connection->wsi);
}

void gm_http_live_deliver(gm_http_server *server, gm_http_message *message)
{
    for (gm_http_connection *connection = server->live; connection != NULL;
         connection = connection->next) {
        if (!connection->doomed) {
            enqueue(connection, message);
        }
    }
    gm_http_message_release(message);
}
