// MQTT packets as values: reading and writing every packet of MQTT 3.1.1 and 5.0, either side's.
//
// Formats: OASIS MQTT 3.1.1 (2014) and MQTT 5.0 (2019), section 3; docs/mqtt.md says what is taken
// and what is refused how. Texts of a packet that was read lie in the input; nothing is allocated
// and nothing copied. What 3.1.1 does not have (properties, most reasons) is empty or 0 in its
// packets.
#ifndef GEMEL_CODEC_MQTT_PACKET_H
#define GEMEL_CODEC_MQTT_PACKET_H

#include "codec/mqtt_properties.h"
#include "codec/mqtt_stream.h"

typedef struct gm_mqtt_will {
    gm_text topic, payload;
    uint8_t qos; // 0 .. 2
    bool retain;
    gm_mqtt_properties properties;
} gm_mqtt_will;

typedef struct gm_mqtt_connect {
    gm_mqtt_version version;
    bool clean_start; // of 3.1.1: clean session
    bool has_will, has_user, has_password;
    uint16_t keep_alive_s; // 0: no limit
    gm_text client_id;     // empty: the server is to choose one
    gm_mqtt_will will;
    gm_text user, password; // the password is any bytes
    gm_mqtt_properties properties;
} gm_mqtt_connect;

typedef struct gm_mqtt_connack {
    bool session_present;
    uint8_t reason; // of 3.1.1 translated
    gm_mqtt_properties properties;
} gm_mqtt_connack;

typedef struct gm_mqtt_publish {
    gm_text topic;   // empty only where `alias` says it
    gm_text payload; // any bytes
    uint16_t id;     // of QoS 1 and 2
    uint16_t alias;  // of 5.0; 0 none
    uint8_t qos;     // 0 .. 2
    bool retain, duplicate;
    gm_mqtt_properties properties;
} gm_mqtt_publish;

/// PUBACK, PUBREC, PUBREL, PUBCOMP.
typedef struct gm_mqtt_ack {
    uint16_t id;
    uint8_t reason;
    gm_mqtt_properties properties;
} gm_mqtt_ack;

/// SUBSCRIBE, UNSUBSCRIBE.
typedef struct gm_mqtt_subscribe {
    uint16_t id;
    size_t count;    // of filters, >= 1
    gm_text filters; // one after the other: gm_mqtt_subscription_next
    gm_mqtt_properties properties;
} gm_mqtt_subscribe;

/// SUBACK, UNSUBACK.
typedef struct gm_mqtt_suback {
    uint16_t id;
    gm_text codes; // a byte a filter, in their order; of 3.1.1's UNSUBACK none
    gm_mqtt_properties properties;
} gm_mqtt_suback;

/// DISCONNECT, AUTH.
typedef struct gm_mqtt_notice {
    uint8_t reason;
    gm_mqtt_properties properties;
} gm_mqtt_notice;

typedef struct gm_mqtt_packet {
    gm_mqtt_type type;
    union {
        gm_mqtt_connect connect;
        gm_mqtt_connack connack;
        gm_mqtt_publish publish;
        gm_mqtt_ack ack;
        gm_mqtt_subscribe subscribe;
        gm_mqtt_suback suback;
        gm_mqtt_notice notice;
    }; // PINGREQ and PINGRESP have nothing
} gm_mqtt_packet;

/// One filter of a SUBSCRIBE.
typedef struct gm_mqtt_subscription {
    gm_text filter;
    uint8_t qos; // highest wanted, 0 .. 2
    bool no_local, retain_as_published;
    uint8_t retain_handling; // 0 .. 2
} gm_mqtt_subscription;

/// Reads a packet.
/// @param version  of the connection; 0 before its CONNECT: then only a CONNECT is read, which says
///                 it
/// @param sender   who sent the packet
/// @param fault    out, when it is refused: why, and the reason that 5.0 has for it
/// @return false: refused (then *packet is undefined)
bool gm_mqtt_packet_read(const gm_mqtt_frame *frame, gm_mqtt_version version, gm_mqtt_side sender,
                         gm_mqtt_packet *packet, gm_mqtt_fault *fault);

/// Takes the next filter of a SUBSCRIBE that was read. Start with its `filters`.
/// @return false at the end
bool gm_mqtt_subscription_next(gm_text *rest, gm_mqtt_subscription *subscription);

/// Takes the next filter of an UNSUBSCRIBE that was read.
/// @return false at the end
bool gm_mqtt_unsubscription_next(gm_text *rest, gm_text *filter);

/// Appends a filter to bytes that become a SUBSCRIBE's `filters`. For 3.1.1 only the QoS may be
/// other than 0 and false.
void gm_mqtt_subscription_put(gm_string *filters, const gm_mqtt_subscription *subscription);

/// Appends a packet's bytes to `out`; without memory `out->failed` is set. Its fields must be
/// legal: gm_mqtt_packet_read reads back what was written. Of properties only `raw` counts (but of
/// a PUBLISH `alias` does not: it is among the properties); a CONNECT's version is its own.
void gm_mqtt_packet_write(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet);

/// Appends many PUBACKs without properties at once.
/// @param ids      [count]
/// @param reasons  [count], of 5.0; 3.1.1 cannot say them and acknowledges all the same
void gm_mqtt_pubacks_write(gm_string *out, gm_mqtt_version version, const uint16_t *ids,
                           const uint8_t *reasons, size_t count);

#endif
