// Packet types and reason codes of MQTT, and which packet may carry which code.
//
// MQTT 5.0 (OASIS, 2019), sections 2.1.2 and 2.4. Above the bytes everything is said in the codes
// of 5.0; of 3.1.1 only CONNACK has codes of its own, which are translated.
#ifndef GEMEL_CODEC_MQTT_REASON_H
#define GEMEL_CODEC_MQTT_REASON_H

#include <stdbool.h>
#include <stdint.h>

typedef enum gm_mqtt_type {
    GM_MQTT_CONNECT = 1,
    GM_MQTT_CONNACK,
    GM_MQTT_PUBLISH,
    GM_MQTT_PUBACK,
    GM_MQTT_PUBREC,
    GM_MQTT_PUBREL,
    GM_MQTT_PUBCOMP,
    GM_MQTT_SUBSCRIBE,
    GM_MQTT_SUBACK,
    GM_MQTT_UNSUBSCRIBE,
    GM_MQTT_UNSUBACK,
    GM_MQTT_PINGREQ,
    GM_MQTT_PINGRESP,
    GM_MQTT_DISCONNECT,
    GM_MQTT_AUTH, // 5.0 only
} gm_mqtt_type;

typedef enum gm_mqtt_version {
    GM_MQTT_3_1_1 = 4,
    GM_MQTT_5 = 5
} gm_mqtt_version; // as CONNECT has it

/// Who sent a packet.
typedef enum gm_mqtt_side { GM_MQTT_CLIENT = 1, GM_MQTT_SERVER } gm_mqtt_side;

enum {
    GM_MQTT_SUCCESS = 0x00,
    GM_MQTT_GRANTED_QOS_1 = 0x01,
    GM_MQTT_WITH_WILL = 0x04,
    GM_MQTT_NO_SUBSCRIBERS = 0x10,
    GM_MQTT_NO_SUBSCRIPTION = 0x11,
    GM_MQTT_CONTINUE = 0x18,
    GM_MQTT_FAILED = 0x80, // unspecified; everything from here on is a failure
    GM_MQTT_MALFORMED = 0x81,
    GM_MQTT_PROTOCOL_ERROR = 0x82,
    GM_MQTT_NOT_OFFERED = 0x83, // implementation specific: valid, but not accepted here
    GM_MQTT_BAD_VERSION = 0x84,
    GM_MQTT_BAD_CLIENT_ID = 0x85,
    GM_MQTT_BAD_PASSWORD = 0x86,
    GM_MQTT_NOT_AUTHORIZED = 0x87,
    GM_MQTT_UNAVAILABLE = 0x88,
    GM_MQTT_BUSY = 0x89,
    GM_MQTT_BANNED = 0x8A,
    GM_MQTT_SHUTTING_DOWN = 0x8B,
    GM_MQTT_BAD_METHOD = 0x8C,
    GM_MQTT_SILENT = 0x8D, // keep alive timeout
    GM_MQTT_TAKEN_OVER = 0x8E,
    GM_MQTT_BAD_FILTER = 0x8F,
    GM_MQTT_BAD_TOPIC = 0x90,
    GM_MQTT_ID_IN_USE = 0x91,
    GM_MQTT_ID_UNKNOWN = 0x92,
    GM_MQTT_TOO_MANY_IN_FLIGHT = 0x93, // receive maximum exceeded
    GM_MQTT_BAD_ALIAS = 0x94,
    GM_MQTT_TOO_LARGE = 0x95,
    GM_MQTT_TOO_FAST = 0x96,
    GM_MQTT_QUOTA = 0x97,
    GM_MQTT_ADMINISTRATIVE = 0x98,
    GM_MQTT_BAD_PAYLOAD = 0x99,
    GM_MQTT_NO_RETAIN = 0x9A,
    GM_MQTT_NO_QOS = 0x9B,
    GM_MQTT_OTHER_SERVER = 0x9C,
    GM_MQTT_MOVED = 0x9D,
    GM_MQTT_NO_SHARED = 0x9E,
    GM_MQTT_CONNECTION_RATE = 0x9F,
    GM_MQTT_CONNECT_TIME = 0xA0,
    GM_MQTT_NO_SUBSCRIPTION_IDS = 0xA1,
    GM_MQTT_NO_WILDCARDS = 0xA2,
};

/// The name of a packet type as the standard spells it: "PUBLISH"; "reserved" for any other number.
const char *gm_mqtt_type_name(gm_mqtt_type type);

/// What a reason code means, in a few lower-case words; "unknown reason" for any other number. Of a
/// code that means two things (0x00), `type` decides.
const char *gm_mqtt_reason_name(uint8_t reason, gm_mqtt_type type);

/// true when a packet of `type` sent by `sender` may carry the code in MQTT 5.0.
bool gm_mqtt_reason_fits(uint8_t reason, gm_mqtt_type type, gm_mqtt_side sender);

/// The CONNACK code of 3.1.1 (0 to 5) that says a reason; -1 when none does: then the connection is
/// closed without a CONNACK.
int gm_mqtt_old_code(uint8_t reason);

/// The reason that a CONNACK code of 3.1.1 says; GM_MQTT_PROTOCOL_ERROR for a code it does not
/// know.
uint8_t gm_mqtt_reason_of_old(uint8_t code);

#endif
