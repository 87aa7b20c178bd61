// Properties of MQTT 5.0 packets: a list of (identifier, value) in front of a packet's content.
//
// MQTT 5.0 (OASIS, 2019), section 2.2.2: which packet may hold which property, which values it may
// have, and that all but user properties (and subscription identifiers of a PUBLISH from a server)
// stand there once. A list that was read is valid; values are looked up in its bytes when asked
// for.
#ifndef GEMEL_CODEC_MQTT_PROPERTIES_H
#define GEMEL_CODEC_MQTT_PROPERTIES_H

#include "codec/mqtt_cursor.h"

enum {
    GM_MQTT_PAYLOAD_FORMAT = 0x01,
    GM_MQTT_MESSAGE_EXPIRY = 0x02,
    GM_MQTT_CONTENT_TYPE = 0x03,
    GM_MQTT_RESPONSE_TOPIC = 0x08,
    GM_MQTT_CORRELATION_DATA = 0x09,
    GM_MQTT_SUBSCRIPTION_ID = 0x0B,
    GM_MQTT_SESSION_EXPIRY = 0x11,
    GM_MQTT_ASSIGNED_CLIENT_ID = 0x12,
    GM_MQTT_SERVER_KEEP_ALIVE = 0x13,
    GM_MQTT_AUTH_METHOD = 0x15,
    GM_MQTT_AUTH_DATA = 0x16,
    GM_MQTT_REQUEST_PROBLEM = 0x17,
    GM_MQTT_WILL_DELAY = 0x18,
    GM_MQTT_REQUEST_RESPONSE = 0x19,
    GM_MQTT_RESPONSE_INFORMATION = 0x1A,
    GM_MQTT_SERVER_REFERENCE = 0x1C,
    GM_MQTT_REASON_STRING = 0x1F,
    GM_MQTT_RECEIVE_MAXIMUM = 0x21,
    GM_MQTT_ALIAS_MAXIMUM = 0x22,
    GM_MQTT_ALIAS = 0x23,
    GM_MQTT_MAXIMUM_QOS = 0x24,
    GM_MQTT_RETAIN_AVAILABLE = 0x25,
    GM_MQTT_USER_PROPERTY = 0x26,
    GM_MQTT_MAXIMUM_PACKET_SIZE = 0x27,
    GM_MQTT_WILDCARDS_AVAILABLE = 0x28,
    GM_MQTT_SUBSCRIPTION_IDS_AVAILABLE = 0x29,
    GM_MQTT_SHARED_AVAILABLE = 0x2A,
    GM_MQTT_PROPERTY_COUNT,
};

/// A list that was read, or (raw alone) one to be written.
typedef struct gm_mqtt_properties {
    uint64_t present; // bit i: property i is there
    gm_text raw;      // identifiers and values, one after the other
} gm_mqtt_properties;

/// One property.
typedef struct gm_mqtt_property {
    uint8_t id;
    uint32_t number; // of the numeric ones
    gm_text text;    // of text and binary ones; the name of a user property
    gm_text value;   // of a user property
} gm_mqtt_property;

/// Whose properties: a packet's, or those of the will inside a CONNECT.
typedef struct gm_mqtt_holder {
    gm_mqtt_type type;
    gm_mqtt_side sender;
    bool will;
} gm_mqtt_holder;

/// Reads a list with its size in front.
/// @return false: `cursor` says why; *properties is untouched
bool gm_mqtt_properties_take(mqtt_cursor *cursor, gm_mqtt_holder holder,
                             gm_mqtt_properties *properties);

/// Takes the next property off a list that was read. Start with its raw bytes.
/// @return false at the end
bool gm_mqtt_property_next(gm_text *rest, gm_mqtt_property *property);

/// The value of a numeric property, or `otherwise` where it is not there.
uint32_t gm_mqtt_property_number(const gm_mqtt_properties *properties, uint8_t id,
                                 uint32_t otherwise);

/// The value of a text or binary property; empty (data NULL) where it is not there.
gm_text gm_mqtt_property_text(const gm_mqtt_properties *properties, uint8_t id);

/// Appends a property to bytes that become a list's `raw`. The packet it is for must be one that
/// may hold it, with a value that it may have.
void gm_mqtt_property_put(gm_string *raw, const gm_mqtt_property *property);

/// As gm_mqtt_property_put, of a numeric one.
void gm_mqtt_property_put_number(gm_string *raw, uint8_t id, uint32_t number);

/// As gm_mqtt_property_put, of a text or binary one.
void gm_mqtt_property_put_text(gm_string *raw, uint8_t id, gm_text text);

/// Appends a variable byte integer below 2^28.
void gm_mqtt_put_varint(gm_string *out, uint32_t value);

/// Appends a two-byte number.
void gm_mqtt_put_u16(gm_string *out, uint16_t value);

/// Appends a text or binary field of at most GM_MQTT_TEXT_MAX_SIZE bytes with its size.
void gm_mqtt_put_text(gm_string *out, gm_text text);

#endif
