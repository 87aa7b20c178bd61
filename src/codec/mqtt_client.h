// The rules of an MQTT client towards its server (a broker): connecting, subscribing, messages in
// and out, silence. When to connect again is not decided here.
//
// MQTT 3.1.1 and 5.0 (OASIS 2014, 2019). Pure, as mqtt_session.h: packets that were read and times
// go in, bytes to send and what is to be done come out. Messages that arrive with QoS 1 are
// acknowledged by gm_mqtt_client_committed and by nothing else; with a session that the server
// keeps, none that was not is lost. One thread at a time.
#ifndef GEMEL_CODEC_MQTT_CLIENT_H
#define GEMEL_CODEC_MQTT_CLIENT_H

#include "codec/mqtt_inbox.h"

enum { GM_MQTT_PENDING_MAX = 64 }; // own packets that wait for an answer of the server

/// What a client asks for. Start with gm_default_mqtt_client. Texts must stay while it is used.
typedef struct gm_mqtt_client_options {
    gm_mqtt_connect connect; // version, identifier, user, will ...; its own properties are made of
                             // what follows
    uint32_t session_expiry_s; // of 5.0; UINT32_MAX: for ever
    uint16_t receive_maximum;  // messages of QoS 1 not acknowledged, >= 1
    uint16_t alias_maximum;    // topic aliases of the server
    uint32_t packet_size_max;  // what a 5.0 server is told; the stream must take as much
    int64_t answer_within_ns;  // time for a CONNACK or PINGRESP
} gm_mqtt_client_options;

/// 5.0, a session that is kept for a day, silence of at most 60 s, 1,024 in flight, 32 aliases,
/// packets of 1 MiB, answers within 10 s; no identifier yet.
gm_mqtt_client_options gm_default_mqtt_client(void);

typedef struct gm_mqtt_client gm_mqtt_client;

/// @param client  out; owned by the caller: gm_mqtt_client_close
/// @return GM_OK; GM_INVALID: an identifier, user, password or will that MQTT does not allow;
///         GM_MEMORY
gm_status gm_mqtt_client_create(const gm_mqtt_client_options *options, gm_mqtt_client **client,
                                gm_error *error);

/// Frees a client; NULL is fine.
void gm_mqtt_client_close(gm_mqtt_client *client);

/// Begins a connection, the first or one after another was lost: appends the CONNECT. Messages that
/// arrived before and are not committed will come again.
void gm_mqtt_client_connect(gm_mqtt_client *client, int64_t now_ns, gm_string *out);

/// true while packets may be taken; false: there is no connection, or as many messages as were
/// offered wait for a commit: leave the server's bytes unread. (A 3.1.1 server cannot know the
/// offer, and mosquitto passes over it for messages that it sends again after a reconnect: ending
/// the connection for it would lock out for ever who came back with a smaller offer.)
bool gm_mqtt_client_ready(const gm_mqtt_client *client);

/// Takes a packet of the server; the client must be ready. Answers are appended to `out`.
gm_mqtt_reply gm_mqtt_client_take(gm_mqtt_client *client, const gm_mqtt_packet *packet,
                                  int64_t now_ns, gm_string *out);

/// The stream or the packet reader found a fault: appends what the version says to that.
/// @return CLOSE
gm_mqtt_reply gm_mqtt_client_fault(gm_mqtt_client *client, const gm_mqtt_fault *fault,
                                   gm_string *out);

/// Appends a SUBSCRIBE. Ask for QoS 1 at most: QoS 2 is not taken.
/// @param filters  as gm_mqtt_subscription_put makes them
/// @param id       out: the packet identifier that its SUBACK will have
/// @return GM_OK; GM_BUSY: not connected, or GM_MQTT_PENDING_MAX answers are owed
gm_status gm_mqtt_client_subscribe(gm_mqtt_client *client, gm_text filters, size_t count,
                                   uint16_t *id, gm_string *out);

/// Appends a PUBLISH of QoS 0 or 1.
/// @param publish  its `id` counts only for a message that was sent before, is not acknowledged and
///                 is sent again after a reconnect whose CONNACK had a session; else 0
/// @param id       out: the packet identifier that its PUBACK will have; 0 for QoS 0
/// @return GM_OK; GM_BUSY: not connected, or the server takes no more before it has acknowledged
///         some; GM_UNSUPPORTED: a QoS or retained message that the server does not take; GM_LIMIT:
///         larger than it takes; GM_NOT_FOUND: no message waits under this identifier
gm_status gm_mqtt_client_publish(gm_mqtt_client *client, const gm_mqtt_publish *publish,
                                 uint16_t *id, gm_string *out);

/// A message was not kept; its acknowledgement, which follows in its turn, says why.
/// @param reason  one that a PUBACK may carry
void gm_mqtt_client_reject(gm_mqtt_client *client, uint64_t ticket, uint8_t reason);

/// All messages up to `ticket` are on disk or rejected: appends their acknowledgements. Tickets of
/// a connection that was lost are passed over.
/// @return how many were acknowledged
size_t gm_mqtt_client_committed(gm_mqtt_client *client, uint64_t ticket, gm_string *out);

/// When gm_mqtt_client_tick has something to do next; INT64_MAX for never.
int64_t gm_mqtt_client_due_ns(const gm_mqtt_client *client);

/// Pings when it is time to, and ends a connection whose server owes an answer for too long.
/// @return NOTHING or CLOSE
gm_mqtt_reply gm_mqtt_client_tick(gm_mqtt_client *client, int64_t now_ns, gm_string *out);

/// Says goodbye: appends a DISCONNECT. The server drops the will; the session lives on as asked.
/// @return CLOSE
gm_mqtt_reply gm_mqtt_client_leave(gm_mqtt_client *client, gm_string *out);

/// The connection was lost.
void gm_mqtt_client_lost(gm_mqtt_client *client);

#endif
