// Messages that arrive on one MQTT connection, from the PUBLISH to its acknowledgement, whichever
// side we are on.
//
// A message of QoS 1 gets a ticket: 1, 2, 3 ... in the order of arrival. Who takes the messages
// says later that all up to some ticket are on disk; only then are they acknowledged, all of them
// at once and in that order (MQTT 5.0, sections 4.3.2, 4.6 and 4.9). Topic aliases (3.3.2.3.4) are
// resolved here too.
#ifndef GEMEL_CODEC_MQTT_INBOX_H
#define GEMEL_CODEC_MQTT_INBOX_H

#include <gemel/status.h>

#include "codec/mqtt_packet.h"

/// What a packet asks its receiver to do. Answers that the protocol fixes have been written by
/// then.
typedef enum gm_mqtt_action {
    GM_MQTT_NOTHING = 0, // `reason` not 0: it was refused, and the connection goes on
    GM_MQTT_DECIDE,      // server, CONNECT: accept or refuse it; until then nothing else is taken
    GM_MQTT_DELIVER,     // PUBLISH: a message with `topic`; of QoS 1 with a `ticket`
    GM_MQTT_CONNECTED,   // client, CONNACK: the connection is open
    GM_MQTT_SUBSCRIBED,  // client, SUBACK or UNSUBACK: codes are in the packet
    GM_MQTT_DELIVERED,   // client, PUBACK: our message was taken, or `reason` says why not
    GM_MQTT_CLOSE,       // send what was written, then close the connection
} gm_mqtt_action;

typedef struct gm_mqtt_reply {
    gm_mqtt_action action;
    uint8_t reason;  // of 5.0; GM_MQTT_SUCCESS when nothing is wrong
    bool by_peer;    // of CLOSE: the peer ended it
    const char *why; // a constant sentence; NULL when nothing is wrong
    gm_text topic;   // of DELIVER, alias resolved; stays until the next packet is taken
    uint64_t ticket; // of DELIVER of QoS 1; 0 for QoS 0
} gm_mqtt_reply;

/// Plain value; opened once, used for one connection after the other.
typedef struct gm_mqtt_inbox {
    size_t capacity, first, count; // of the ring of messages not acknowledged yet
    uint64_t settled;    // ticket of the newest message that was acknowledged or forgotten
    uint16_t *ids;       // [capacity] packet identifiers
    uint8_t *reasons;    // [capacity] what the acknowledgements will say
    uint64_t *in_flight; // bit i: identifier i is in the ring
    gm_string *aliases;  // [alias_count] topic of alias index + 1; empty: not set
    size_t alias_count;
} gm_mqtt_inbox;

/// Takes the memory that the limits need: about 8 KiB and 3 bytes a message.
/// @param receive_maximum  messages of QoS 1 not acknowledged, >= 1
/// @param alias_maximum    highest topic alias, 0 for none
/// @return GM_OK; GM_MEMORY
gm_status gm_mqtt_inbox_open(gm_mqtt_inbox *inbox, uint16_t receive_maximum, uint16_t alias_maximum,
                             gm_error *error);

/// Frees what it holds; twice is fine.
void gm_mqtt_inbox_close(gm_mqtt_inbox *inbox);

/// The connection has ended: its identifiers and aliases mean nothing any more. Tickets go on.
void gm_mqtt_inbox_forget(gm_mqtt_inbox *inbox);

/// true when no further message of QoS 1 has room.
bool gm_mqtt_inbox_full(const gm_mqtt_inbox *inbox);

/// Takes a PUBLISH of QoS 0 or 1.
/// @return DELIVER; NOTHING: in 3.1.1 repeated while it waits for its acknowledgement; CLOSE with
///         the reason: alias unknown, identifier in use, more in flight than allowed
gm_mqtt_reply gm_mqtt_inbox_take(gm_mqtt_inbox *inbox, gm_mqtt_version version,
                                 const gm_mqtt_publish *publish);

/// A message was not kept: its acknowledgement will say why, where the version can. A ticket that
/// is not in flight (any more) is passed over.
/// @param reason  one that a PUBACK may carry
void gm_mqtt_inbox_refuse(gm_mqtt_inbox *inbox, uint64_t ticket, uint8_t reason);

/// All messages up to `ticket` are on disk or refused: appends their PUBACKs to `out`.
/// @return how many
size_t gm_mqtt_inbox_settle(gm_mqtt_inbox *inbox, gm_mqtt_version version, uint64_t ticket,
                            gm_string *out);

#endif
