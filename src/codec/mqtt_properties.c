// Properties of MQTT 5.0: see mqtt_properties.h; the table is that of section 2.2.2.2 with the
// ranges that sections 3.1 to 3.15 give.
#include "codec/mqtt_properties.h"

#include "base/require.h"

#define BIT(type) (UINT32_C(1) << (type))

enum {
    VARINT_MAX = 268435455,
    WILL = BIT(0), // no packet has this number
    CONNECT = BIT(GM_MQTT_CONNECT),
    CONNACK = BIT(GM_MQTT_CONNACK),
    PUBLISH = BIT(GM_MQTT_PUBLISH),
    SUBSCRIBE = BIT(GM_MQTT_SUBSCRIBE),
    DISCONNECT = BIT(GM_MQTT_DISCONNECT),
    AUTH = BIT(GM_MQTT_AUTH),
    ACKS = BIT(GM_MQTT_PUBACK) | BIT(GM_MQTT_PUBREC) | BIT(GM_MQTT_PUBREL) | BIT(GM_MQTT_PUBCOMP) |
           BIT(GM_MQTT_SUBACK) | BIT(GM_MQTT_UNSUBACK),
    EXPLAINED = CONNACK | ACKS | DISCONNECT | AUTH,
};

typedef enum property_kind { BYTE = 1, TWO, FOUR, VARINT, TEXT, BINARY, PAIR } property_kind;

typedef struct property_row {
    property_kind kind;
    uint32_t packets;
    uint32_t min, max; // of a number
} property_row;

static const property_row rows[GM_MQTT_PROPERTY_COUNT] = {
    [GM_MQTT_PAYLOAD_FORMAT] = { BYTE, PUBLISH | WILL, 0, 1 },
    [GM_MQTT_MESSAGE_EXPIRY] = { FOUR, PUBLISH | WILL, 0, UINT32_MAX },
    [GM_MQTT_CONTENT_TYPE] = { TEXT, PUBLISH | WILL, 0, 0 },
    [GM_MQTT_RESPONSE_TOPIC] = { TEXT, PUBLISH | WILL, 0, 0 },
    [GM_MQTT_CORRELATION_DATA] = { BINARY, PUBLISH | WILL, 0, 0 },
    [GM_MQTT_SUBSCRIPTION_ID] = { VARINT, PUBLISH | SUBSCRIBE, 1, VARINT_MAX },
    [GM_MQTT_SESSION_EXPIRY] = { FOUR, CONNECT | CONNACK | DISCONNECT, 0, UINT32_MAX },
    [GM_MQTT_ASSIGNED_CLIENT_ID] = { TEXT, CONNACK, 0, 0 },
    [GM_MQTT_SERVER_KEEP_ALIVE] = { TWO, CONNACK, 0, UINT16_MAX },
    [GM_MQTT_AUTH_METHOD] = { TEXT, CONNECT | CONNACK | AUTH, 0, 0 },
    [GM_MQTT_AUTH_DATA] = { BINARY, CONNECT | CONNACK | AUTH, 0, 0 },
    [GM_MQTT_REQUEST_PROBLEM] = { BYTE, CONNECT, 0, 1 },
    [GM_MQTT_WILL_DELAY] = { FOUR, WILL, 0, UINT32_MAX },
    [GM_MQTT_REQUEST_RESPONSE] = { BYTE, CONNECT, 0, 1 },
    [GM_MQTT_RESPONSE_INFORMATION] = { TEXT, CONNACK, 0, 0 },
    [GM_MQTT_SERVER_REFERENCE] = { TEXT, CONNACK | DISCONNECT, 0, 0 },
    [GM_MQTT_REASON_STRING] = { TEXT, EXPLAINED, 0, 0 },
    [GM_MQTT_RECEIVE_MAXIMUM] = { TWO, CONNECT | CONNACK, 1, UINT16_MAX },
    [GM_MQTT_ALIAS_MAXIMUM] = { TWO, CONNECT | CONNACK, 0, UINT16_MAX },
    [GM_MQTT_ALIAS] = { TWO, PUBLISH, 1, UINT16_MAX },
    [GM_MQTT_MAXIMUM_QOS] = { BYTE, CONNACK, 0, 1 },
    [GM_MQTT_RETAIN_AVAILABLE] = { BYTE, CONNACK, 0, 1 },
    [GM_MQTT_USER_PROPERTY] = { PAIR,
                                CONNECT | PUBLISH | WILL | SUBSCRIBE | BIT(GM_MQTT_UNSUBSCRIBE) |
                                    EXPLAINED,
                                0, 0 },
    [GM_MQTT_MAXIMUM_PACKET_SIZE] = { FOUR, CONNECT | CONNACK, 1, UINT32_MAX },
    [GM_MQTT_WILDCARDS_AVAILABLE] = { BYTE, CONNACK, 0, 1 },
    [GM_MQTT_SUBSCRIPTION_IDS_AVAILABLE] = { BYTE, CONNACK, 0, 1 },
    [GM_MQTT_SHARED_AVAILABLE] = { BYTE, CONNACK, 0, 1 },
};

static bool take_property(mqtt_cursor *cursor, gm_mqtt_property *property)
{
    uint32_t id = mqtt_varint(cursor);
    if (!mqtt_fine(cursor)) {
        return false;
    }
    if (id >= GM_MQTT_PROPERTY_COUNT || rows[id].kind == 0) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "there is no such property");
    }
    *property = (gm_mqtt_property){ .id = (uint8_t)id };
    switch (rows[id].kind) {
    case BYTE:
        property->number = mqtt_u8(cursor);
        break;
    case TWO:
        property->number = mqtt_u16(cursor);
        break;
    case FOUR:
        property->number = mqtt_u32(cursor);
        break;
    case VARINT:
        property->number = mqtt_varint(cursor);
        break;
    case TEXT:
        property->text = mqtt_text(cursor);
        break;
    case BINARY:
        property->text = mqtt_binary(cursor);
        break;
    case PAIR:
        property->text = mqtt_text(cursor);
        property->value = mqtt_text(cursor);
        break;
    }
    return mqtt_fine(cursor);
}

/// Whether the holder may have the property with this value, seen once or again.
static bool check_property(mqtt_cursor *cursor, const gm_mqtt_property *property,
                           gm_mqtt_holder holder, bool again)
{
    const property_row *row = &rows[property->id];
    uint32_t packet = holder.will ? (uint32_t)WILL : BIT(holder.type);
    bool from_server = holder.sender == GM_MQTT_SERVER;
    bool message_id = property->id == GM_MQTT_SUBSCRIPTION_ID && holder.type == GM_MQTT_PUBLISH;
    if ((row->packets & packet) == 0) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a property that this packet cannot have");
    }
    if (message_id && !from_server) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR,
                          "a client's PUBLISH has no subscription identifier");
    }
    if (property->id == GM_MQTT_SESSION_EXPIRY && holder.type == GM_MQTT_DISCONNECT &&
        from_server) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR,
                          "a server's DISCONNECT has no session expiry");
    }
    if (again && row->kind != PAIR && !message_id) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a property stands there twice");
    }
    if (property->id == GM_MQTT_ALIAS && property->number == 0) {
        return mqtt_wrong(cursor, GM_MQTT_BAD_ALIAS, "a topic alias is not 0");
    }
    if (row->kind <= VARINT && (property->number < row->min || property->number > row->max)) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a property is out of its range");
    }
    if (property->id == GM_MQTT_RESPONSE_TOPIC && !gm_mqtt_is_topic(property->text)) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a response topic is not a topic name");
    }
    return true;
}

static bool has(uint64_t present, uint8_t id)
{
    return (present >> id & 1) != 0;
}

bool gm_mqtt_properties_take(mqtt_cursor *cursor, gm_mqtt_holder holder,
                             gm_mqtt_properties *properties)
{
    gm_text raw = mqtt_bytes(cursor, mqtt_varint(cursor));
    if (!mqtt_fine(cursor)) {
        return false;
    }
    uint64_t present = 0;
    mqtt_cursor list = mqtt_cursor_of(raw);
    gm_mqtt_property property;
    while (mqtt_left(&list) > 0) {
        if (!take_property(&list, &property) ||
            !check_property(&list, &property, holder, has(present, property.id))) {
            return mqtt_wrong(cursor, list.fault.reason, list.fault.what);
        }
        present |= UINT64_C(1) << property.id;
    }
    if (has(present, GM_MQTT_AUTH_DATA) && !has(present, GM_MQTT_AUTH_METHOD)) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "authentication data without a method");
    }
    *properties = (gm_mqtt_properties){ present, raw };
    return true;
}

bool gm_mqtt_property_next(gm_text *rest, gm_mqtt_property *property)
{
    mqtt_cursor list = mqtt_cursor_of(*rest);
    gm_mqtt_property next;
    if (rest->size == 0 || !take_property(&list, &next)) {
        return false;
    }
    *property = next;
    *rest = (gm_text){ (const char *)list.at, mqtt_left(&list) };
    return true;
}

static bool find_property(const gm_mqtt_properties *properties, uint8_t id,
                          gm_mqtt_property *property)
{
    gm_text rest = properties->raw;
    while (has(properties->present, id) && gm_mqtt_property_next(&rest, property)) {
        if (property->id == id) {
            return true;
        }
    }
    return false;
}

uint32_t gm_mqtt_property_number(const gm_mqtt_properties *properties, uint8_t id,
                                 uint32_t otherwise)
{
    gm_mqtt_property property;
    return find_property(properties, id, &property) ? property.number : otherwise;
}

gm_text gm_mqtt_property_text(const gm_mqtt_properties *properties, uint8_t id)
{
    gm_mqtt_property property;
    return find_property(properties, id, &property) ? property.text : (gm_text){ 0 };
}

void gm_mqtt_put_varint(gm_string *out, uint32_t value)
{
    GM_REQUIRE(value <= VARINT_MAX);
    char bytes[4];
    size_t size = 0;
    for (; value >= 0x80; value >>= 7) {
        bytes[size++] = (char)(value | 0x80);
    }
    bytes[size++] = (char)value;
    gm_string_add(out, bytes, size);
}

void gm_mqtt_put_u16(gm_string *out, uint16_t value)
{
    gm_string_add(out, (const char[]){ (char)(value >> 8), (char)value }, 2);
}

void gm_mqtt_put_text(gm_string *out, gm_text text)
{
    GM_REQUIRE(text.size <= GM_MQTT_TEXT_MAX_SIZE);
    gm_mqtt_put_u16(out, (uint16_t)text.size);
    gm_string_add(out, text.data, text.size);
}

void gm_mqtt_property_put(gm_string *raw, const gm_mqtt_property *property)
{
    uint8_t id = property->id;
    uint32_t number = property->number;
    GM_REQUIRE(id < GM_MQTT_PROPERTY_COUNT && rows[id].kind != 0);
    gm_string_add(raw, (const char *)&id, 1);
    switch (rows[id].kind) {
    case BYTE:
        gm_string_add(raw, (const char[]){ (char)number }, 1);
        break;
    case TWO:
        gm_mqtt_put_u16(raw, (uint16_t)number);
        break;
    case FOUR:
        gm_mqtt_put_u16(raw, (uint16_t)(number >> 16));
        gm_mqtt_put_u16(raw, (uint16_t)number);
        break;
    case VARINT:
        gm_mqtt_put_varint(raw, number);
        break;
    case TEXT:
    case BINARY:
        gm_mqtt_put_text(raw, property->text);
        break;
    case PAIR:
        gm_mqtt_put_text(raw, property->text);
        gm_mqtt_put_text(raw, property->value);
        break;
    }
}

void gm_mqtt_property_put_number(gm_string *raw, uint8_t id, uint32_t number)
{
    gm_mqtt_property_put(raw, &(gm_mqtt_property){ .id = id, .number = number });
}

void gm_mqtt_property_put_text(gm_string *raw, uint8_t id, gm_text text)
{
    gm_mqtt_property_put(raw, &(gm_mqtt_property){ .id = id, .text = text });
}
