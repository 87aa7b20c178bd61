// Reason codes: see mqtt_reason.h. Tables: MQTT 5.0, sections 2.4, 3.2.2.2, 3.4.2.1, 3.6.2.1,
// 3.9.3, 3.11.3, 3.14.2.1, 3.15.2.1; codes of 3.1.1: its table 3.1.
#include "codec/mqtt_reason.h"

#include <stddef.h>

#define BIT(type)  (UINT32_C(1) << (type))
#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

// Packets that carry codes. A server's DISCONNECT and AUTH know other codes than a client's: they
// have bits of their own.
enum {
    FROM_SERVER = 2, // behind the last type
    CONNACK = BIT(GM_MQTT_CONNACK),
    PUBLISHED = BIT(GM_MQTT_PUBACK) | BIT(GM_MQTT_PUBREC),
    RELEASED = BIT(GM_MQTT_PUBREL) | BIT(GM_MQTT_PUBCOMP),
    SUBACK = BIT(GM_MQTT_SUBACK),
    UNSUBACK = BIT(GM_MQTT_UNSUBACK),
    LEAVE = BIT(GM_MQTT_DISCONNECT),
    DISMISS = BIT(GM_MQTT_DISCONNECT + FROM_SERVER),
    CLOSE = LEAVE | DISMISS,
    AUTH = BIT(GM_MQTT_AUTH),
    AUTH_BACK = BIT(GM_MQTT_AUTH + FROM_SERVER),
};

typedef struct reason_row {
    uint8_t code;
    const char *name;
    uint32_t packets;
} reason_row;

static const reason_row reasons[] = {
    { 0x00, "success", CONNACK | PUBLISHED | RELEASED | SUBACK | UNSUBACK | CLOSE | AUTH_BACK },
    { 0x01, "granted QoS 1", SUBACK },
    { 0x02, "granted QoS 2", SUBACK },
    { 0x04, "disconnect with will", LEAVE },
    { 0x10, "no matching subscribers", PUBLISHED },
    { 0x11, "no subscription existed", UNSUBACK },
    { 0x18, "continue authentication", AUTH | AUTH_BACK },
    { 0x19, "re-authenticate", AUTH },
    { 0x80, "unspecified error", CONNACK | PUBLISHED | SUBACK | UNSUBACK | CLOSE },
    { 0x81, "malformed packet", CONNACK | CLOSE },
    { 0x82, "protocol error", CONNACK | CLOSE },
    { 0x83, "not offered here", CONNACK | PUBLISHED | SUBACK | UNSUBACK | CLOSE },
    { 0x84, "unsupported protocol version", CONNACK },
    { 0x85, "client identifier not valid", CONNACK },
    { 0x86, "bad user name or password", CONNACK },
    { 0x87, "not authorized", CONNACK | PUBLISHED | SUBACK | UNSUBACK | DISMISS },
    { 0x88, "server unavailable", CONNACK },
    { 0x89, "server busy", CONNACK | DISMISS },
    { 0x8A, "banned", CONNACK },
    { 0x8B, "server shutting down", DISMISS },
    { 0x8C, "bad authentication method", CONNACK | CLOSE },
    { 0x8D, "keep alive timeout", DISMISS },
    { 0x8E, "session taken over", DISMISS },
    { 0x8F, "topic filter invalid", SUBACK | UNSUBACK | DISMISS },
    { 0x90, "topic name invalid", CONNACK | PUBLISHED | CLOSE },
    { 0x91, "packet identifier in use", PUBLISHED | SUBACK | UNSUBACK },
    { 0x92, "packet identifier not found", RELEASED },
    { 0x93, "receive maximum exceeded", CLOSE },
    { 0x94, "topic alias invalid", CLOSE },
    { 0x95, "packet too large", CONNACK | CLOSE },
    { 0x96, "message rate too high", CLOSE },
    { 0x97, "quota exceeded", CONNACK | PUBLISHED | SUBACK | CLOSE },
    { 0x98, "administrative action", CLOSE },
    { 0x99, "payload format invalid", CONNACK | PUBLISHED | CLOSE },
    { 0x9A, "retain not supported", CONNACK | DISMISS },
    { 0x9B, "QoS not supported", CONNACK | DISMISS },
    { 0x9C, "use another server", CONNACK | DISMISS },
    { 0x9D, "server moved", CONNACK | DISMISS },
    { 0x9E, "shared subscriptions not supported", SUBACK | DISMISS },
    { 0x9F, "connection rate exceeded", CONNACK | DISMISS },
    { 0xA0, "maximum connect time", DISMISS },
    { 0xA1, "subscription identifiers not supported", SUBACK | DISMISS },
    { 0xA2, "wildcard subscriptions not supported", SUBACK | DISMISS },
};

static const uint8_t old_codes[] = { GM_MQTT_SUCCESS,       GM_MQTT_BAD_VERSION,
                                     GM_MQTT_BAD_CLIENT_ID, GM_MQTT_UNAVAILABLE,
                                     GM_MQTT_BAD_PASSWORD,  GM_MQTT_NOT_AUTHORIZED };

static const reason_row *row_of(uint8_t code)
{
    for (size_t index = 0; index < COUNT(reasons); index++) {
        if (reasons[index].code == code) {
            return &reasons[index];
        }
    }
    return NULL;
}

const char *gm_mqtt_type_name(gm_mqtt_type type)
{
    static const char *const names[] = {
        [GM_MQTT_CONNECT] = "CONNECT",   [GM_MQTT_CONNACK] = "CONNACK",
        [GM_MQTT_PUBLISH] = "PUBLISH",   [GM_MQTT_PUBACK] = "PUBACK",
        [GM_MQTT_PUBREC] = "PUBREC",     [GM_MQTT_PUBREL] = "PUBREL",
        [GM_MQTT_PUBCOMP] = "PUBCOMP",   [GM_MQTT_SUBSCRIBE] = "SUBSCRIBE",
        [GM_MQTT_SUBACK] = "SUBACK",     [GM_MQTT_UNSUBSCRIBE] = "UNSUBSCRIBE",
        [GM_MQTT_UNSUBACK] = "UNSUBACK", [GM_MQTT_PINGREQ] = "PINGREQ",
        [GM_MQTT_PINGRESP] = "PINGRESP", [GM_MQTT_DISCONNECT] = "DISCONNECT",
        [GM_MQTT_AUTH] = "AUTH",
    };
    return type >= GM_MQTT_CONNECT && type <= GM_MQTT_AUTH ? names[type] : "reserved";
}

const char *gm_mqtt_reason_name(uint8_t reason, gm_mqtt_type type)
{
    if (reason == GM_MQTT_SUCCESS && type == GM_MQTT_SUBACK) {
        return "granted QoS 0";
    }
    if (reason == GM_MQTT_SUCCESS && type == GM_MQTT_DISCONNECT) {
        return "normal disconnection";
    }
    const reason_row *row = row_of(reason);
    return row != NULL ? row->name : "unknown reason";
}

bool gm_mqtt_reason_fits(uint8_t reason, gm_mqtt_type type, gm_mqtt_side sender)
{
    bool own_bit = sender == GM_MQTT_SERVER && (type == GM_MQTT_DISCONNECT || type == GM_MQTT_AUTH);
    const reason_row *row = row_of(reason);
    return row != NULL && (row->packets & BIT(type + (own_bit ? FROM_SERVER : 0))) != 0;
}

int gm_mqtt_old_code(uint8_t reason)
{
    if (reason == GM_MQTT_BUSY || reason == GM_MQTT_CONNECTION_RATE) {
        reason = GM_MQTT_UNAVAILABLE;
    } else if (reason == GM_MQTT_BANNED) {
        reason = GM_MQTT_NOT_AUTHORIZED;
    }
    for (size_t code = 0; code < COUNT(old_codes); code++) {
        if (old_codes[code] == reason) {
            return (int)code;
        }
    }
    return -1;
}

uint8_t gm_mqtt_reason_of_old(uint8_t code)
{
    return code < COUNT(old_codes) ? old_codes[code] : GM_MQTT_PROTOCOL_ERROR;
}
