// Reading MQTT packets: see mqtt_packet.h. Section numbers are those of both standards.
#include "codec/mqtt_packet.h"

#include <string.h>

typedef struct reading {
    mqtt_cursor cursor;
    gm_mqtt_version version;
    gm_mqtt_side sender;
    uint8_t flags;
} reading;

static bool take_properties(reading *from, gm_mqtt_type type, gm_mqtt_properties *properties)
{
    *properties = (gm_mqtt_properties){ 0 };
    return from->version != GM_MQTT_5 ||
           gm_mqtt_properties_take(&from->cursor, (gm_mqtt_holder){ type, from->sender, false },
                                   properties);
}

/// A packet identifier, which is never 0 (2.3.1; 5.0: 2.2.1).
static uint16_t take_id(reading *from)
{
    uint16_t id = mqtt_u16(&from->cursor);
    if (id == 0 && mqtt_fine(&from->cursor)) {
        mqtt_wrong(&from->cursor, GM_MQTT_PROTOCOL_ERROR, "a packet identifier is 0");
    }
    return id;
}

// ---- CONNECT, 3.1 ----

enum {
    CONNECT_RESERVED = 0x01,
    CONNECT_CLEAN = 0x02,
    CONNECT_WILL = 0x04,
    CONNECT_WILL_QOS = 0x18,
    CONNECT_WILL_QOS_SHIFT = 3,
    CONNECT_WILL_RETAIN = 0x20,
    CONNECT_PASSWORD = 0x40,
    CONNECT_USER = 0x80,
};

/// The protocol's name and level: MQTT 4 or 5.
static bool take_version(reading *from, gm_mqtt_connect *connect)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_text name = mqtt_text(cursor);
    uint8_t level = mqtt_u8(cursor);
    bool old = gm_text_equal(name, "MQIsdp") && level == 3;
    if (!mqtt_fine(cursor) || !(gm_text_equal(name, "MQTT") || old)) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a CONNECT does not name the protocol MQTT");
    }
    cursor->fault.version = level;
    if (level != GM_MQTT_3_1_1 && level != GM_MQTT_5) {
        return mqtt_wrong(cursor, GM_MQTT_BAD_VERSION, "only MQTT 3.1.1 and 5.0 are spoken here");
    }
    connect->version = from->version = (gm_mqtt_version)level;
    return true;
}

/// Flags that contradict each other.
static bool check_connect_flags(reading *from, uint8_t flags)
{
    mqtt_cursor *cursor = &from->cursor;
    if (!mqtt_fine(cursor)) {
        return false;
    }
    if ((flags & CONNECT_RESERVED) != 0) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a CONNECT's reserved flag is set");
    }
    if ((flags & CONNECT_WILL) == 0 && (flags & (CONNECT_WILL_QOS | CONNECT_WILL_RETAIN)) != 0) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a CONNECT has flags of a will but no will");
    }
    if ((flags & CONNECT_WILL_QOS) == CONNECT_WILL_QOS) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a will has QoS 3");
    }
    if (from->version == GM_MQTT_3_1_1 && (flags & CONNECT_PASSWORD) != 0 &&
        (flags & CONNECT_USER) == 0) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a CONNECT has a password but no user name");
    }
    return true;
}

static bool take_will(reading *from, uint8_t flags, gm_mqtt_will *will)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_mqtt_holder holder = { GM_MQTT_CONNECT, from->sender, true };
    if (from->version == GM_MQTT_5 && !gm_mqtt_properties_take(cursor, holder, &will->properties)) {
        return false;
    }
    will->topic = mqtt_text(cursor);
    will->payload = mqtt_binary(cursor);
    will->qos = (uint8_t)((flags & CONNECT_WILL_QOS) >> CONNECT_WILL_QOS_SHIFT);
    will->retain = (flags & CONNECT_WILL_RETAIN) != 0;
    if (mqtt_fine(cursor) && !gm_mqtt_is_topic(will->topic)) {
        return mqtt_wrong(cursor, GM_MQTT_BAD_TOPIC, "a will's topic is not a topic name");
    }
    return mqtt_fine(cursor);
}

static bool read_connect(reading *from, gm_mqtt_packet *packet)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_mqtt_connect *connect = &packet->connect;
    *connect = (gm_mqtt_connect){ 0 };
    if (!take_version(from, connect)) {
        return false;
    }
    uint8_t flags = mqtt_u8(cursor);
    connect->keep_alive_s = mqtt_u16(cursor);
    if (!check_connect_flags(from, flags) ||
        !take_properties(from, GM_MQTT_CONNECT, &connect->properties)) {
        return false;
    }
    connect->clean_start = (flags & CONNECT_CLEAN) != 0;
    connect->has_will = (flags & CONNECT_WILL) != 0;
    connect->has_user = (flags & CONNECT_USER) != 0;
    connect->has_password = (flags & CONNECT_PASSWORD) != 0;
    connect->client_id = mqtt_text(cursor);
    if (connect->has_will && !take_will(from, flags, &connect->will)) {
        return false;
    }
    if (connect->has_user) {
        connect->user = mqtt_text(cursor);
    }
    if (connect->has_password) {
        connect->password = mqtt_binary(cursor);
    }
    return mqtt_fine(cursor);
}

// ---- CONNACK, 3.2 ----

static bool read_connack(reading *from, gm_mqtt_packet *packet)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_mqtt_connack *connack = &packet->connack;
    uint8_t flags = mqtt_u8(cursor), code = mqtt_u8(cursor);
    if (!take_properties(from, GM_MQTT_CONNACK, &connack->properties)) {
        return false;
    }
    bool old = from->version == GM_MQTT_3_1_1;
    connack->session_present = (flags & 1) != 0;
    connack->reason = old ? gm_mqtt_reason_of_old(code) : code;
    if (mqtt_fine(cursor) && flags > 1) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a CONNACK's reserved flags are set");
    }
    if (!gm_mqtt_reason_fits(connack->reason, GM_MQTT_CONNACK, from->sender) ||
        (old && connack->reason == GM_MQTT_PROTOCOL_ERROR)) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR,
                          "a CONNACK carries a code that it cannot have");
    }
    if (connack->session_present && connack->reason != GM_MQTT_SUCCESS) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a CONNACK that refuses has a session");
    }
    return mqtt_fine(cursor);
}

// ---- PUBLISH, 3.3 ----

enum { PUBLISH_RETAIN = 0x01, PUBLISH_QOS_SHIFT = 1, PUBLISH_DUPLICATE = 0x08 };

/// The topic name: one, or none where an alias stands for it.
static bool check_topic(reading *from, const gm_mqtt_publish *publish)
{
    if (publish->topic.size > 0 && !gm_mqtt_is_topic(publish->topic)) {
        bool text = gm_mqtt_is_text(publish->topic);
        return mqtt_wrong(&from->cursor, text ? GM_MQTT_BAD_TOPIC : GM_MQTT_MALFORMED,
                          text ? "a topic name has a wildcard"
                               : "a topic name is not UTF-8 without NUL");
    }
    if (publish->topic.size == 0 && publish->alias == 0) {
        return mqtt_wrong(&from->cursor, GM_MQTT_PROTOCOL_ERROR, "a PUBLISH has no topic");
    }
    return true;
}

static bool read_publish(reading *from, gm_mqtt_packet *packet)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_mqtt_publish *publish = &packet->publish;
    uint8_t qos = (from->flags >> PUBLISH_QOS_SHIFT) & 3;
    bool duplicate = (from->flags & PUBLISH_DUPLICATE) != 0;
    if (qos == 3) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a PUBLISH has QoS 3");
    }
    if (duplicate && qos == 0) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a PUBLISH of QoS 0 is marked as a duplicate");
    }
    publish->qos = qos;
    publish->duplicate = duplicate;
    publish->retain = (from->flags & PUBLISH_RETAIN) != 0;
    publish->topic = mqtt_binary(cursor);
    publish->id = qos > 0 ? take_id(from) : 0;
    if (!take_properties(from, GM_MQTT_PUBLISH, &publish->properties) || !mqtt_fine(cursor)) {
        return false;
    }
    publish->alias =
        publish->properties.present == 0
            ? 0
            : (uint16_t)gm_mqtt_property_number(&publish->properties, GM_MQTT_ALIAS, 0);
    publish->payload = mqtt_bytes(cursor, mqtt_left(cursor));
    return check_topic(from, publish);
}

// ---- PUBACK, PUBREC, PUBREL, PUBCOMP, 3.4 to 3.7; DISCONNECT, AUTH, 3.14 and 3.15 ----

/// A reason and properties, either of which may be left out at the end.
static bool take_reason(reading *from, gm_mqtt_type type, uint8_t *reason,
                        gm_mqtt_properties *properties)
{
    mqtt_cursor *cursor = &from->cursor;
    *reason = GM_MQTT_SUCCESS;
    *properties = (gm_mqtt_properties){ 0 };
    if (from->version == GM_MQTT_5 && mqtt_left(cursor) > 0) {
        *reason = mqtt_u8(cursor);
        if (mqtt_left(cursor) > 0 && !take_properties(from, type, properties)) {
            return false;
        }
    }
    return mqtt_fine(cursor) &&
           (gm_mqtt_reason_fits(*reason, type, from->sender) ||
            mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a reason that this packet cannot have"));
}

static bool read_ack(reading *from, gm_mqtt_packet *packet)
{
    packet->ack.id = take_id(from);
    return take_reason(from, packet->type, &packet->ack.reason, &packet->ack.properties);
}

static bool read_notice(reading *from, gm_mqtt_packet *packet)
{
    return take_reason(from, packet->type, &packet->notice.reason, &packet->notice.properties);
}

static bool read_auth(reading *from, gm_mqtt_packet *packet)
{
    if (!read_notice(from, packet)) {
        return false;
    }
    bool named = gm_mqtt_property_text(&packet->notice.properties, GM_MQTT_AUTH_METHOD).size > 0;
    return named || packet->notice.reason == GM_MQTT_SUCCESS ||
           mqtt_wrong(&from->cursor, GM_MQTT_PROTOCOL_ERROR, "an AUTH names no method");
}

static bool read_nothing(reading *from, gm_mqtt_packet *packet)
{
    (void)from;
    (void)packet;
    return true;
}

// ---- SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, 3.8 to 3.11 ----

enum {
    OPTION_QOS = 0x03,
    OPTION_NO_LOCAL = 0x04,
    OPTION_AS_PUBLISHED = 0x08,
    OPTION_RETAIN_SHIFT = 4,
    OPTION_RESERVED = 0xC0,
};

static bool check_filter(reading *from, gm_text filter)
{
    gm_text name, inner;
    if (!mqtt_fine(&from->cursor)) {
        return false;
    }
    bool shared = from->version == GM_MQTT_5 && gm_mqtt_is_shared(filter);
    bool good = shared ? gm_mqtt_shared_split(filter, &name, &inner) : gm_mqtt_is_filter(filter);
    return good || mqtt_wrong(&from->cursor, GM_MQTT_BAD_FILTER,
                              "a topic filter is empty or has a misplaced wildcard");
}

static bool check_options(reading *from, gm_text filter, uint8_t options)
{
    mqtt_cursor *cursor = &from->cursor;
    uint8_t reserved = from->version == GM_MQTT_5 ? OPTION_RESERVED : (uint8_t)~OPTION_QOS;
    if (!mqtt_fine(cursor)) {
        return false;
    }
    if ((options & reserved) != 0 || (options & OPTION_QOS) == 3) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED,
                          "a subscription has QoS 3 or reserved options");
    }
    if (((options >> OPTION_RETAIN_SHIFT) & 3) == 3) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a subscription's retain handling is 3");
    }
    if ((options & OPTION_NO_LOCAL) != 0 && gm_mqtt_is_shared(filter)) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR,
                          "a shared subscription cannot be without local messages");
    }
    return true;
}

static bool read_subscribe(reading *from, gm_mqtt_packet *packet)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_mqtt_subscribe *subscribe = &packet->subscribe;
    bool options = packet->type == GM_MQTT_SUBSCRIBE;
    subscribe->id = take_id(from);
    if (!take_properties(from, packet->type, &subscribe->properties)) {
        return false;
    }
    subscribe->count = 0;
    subscribe->filters = (gm_text){ (const char *)cursor->at, mqtt_left(cursor) };
    while (mqtt_left(cursor) > 0) {
        gm_text filter = mqtt_text(cursor);
        if ((options && !check_options(from, filter, mqtt_u8(cursor))) ||
            !check_filter(from, filter)) {
            return false;
        }
        subscribe->count++;
    }
    if (mqtt_fine(cursor) && subscribe->count == 0) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a SUBSCRIBE has no filter");
    }
    return mqtt_fine(cursor);
}

static bool read_suback(reading *from, gm_mqtt_packet *packet)
{
    mqtt_cursor *cursor = &from->cursor;
    gm_mqtt_suback *suback = &packet->suback;
    bool old = from->version == GM_MQTT_3_1_1;
    suback->id = take_id(from);
    if (!take_properties(from, packet->type, &suback->properties)) {
        return false;
    }
    bool none = old && packet->type == GM_MQTT_UNSUBACK;
    suback->codes = mqtt_bytes(cursor, none ? 0 : mqtt_left(cursor));
    for (size_t index = 0; index < suback->codes.size; index++) {
        uint8_t code = (uint8_t)suback->codes.data[index];
        if (!gm_mqtt_reason_fits(code, packet->type, from->sender) ||
            (old && code > GM_MQTT_FAILED)) {
            return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR,
                              "a reason that this packet cannot have");
        }
    }
    if (mqtt_fine(cursor) && suback->codes.size == 0 && !none) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "a SUBACK has no code");
    }
    return mqtt_fine(cursor);
}

// ---- all of them ----

typedef struct packet_kind {
    uint8_t flags;   // the fixed ones
    uint8_t senders; // gm_mqtt_side, as bits
    bool (*read)(reading *from, gm_mqtt_packet *packet);
} packet_kind;

enum { BOTH = GM_MQTT_CLIENT | GM_MQTT_SERVER };

static const packet_kind kinds[16] = {
    [GM_MQTT_CONNECT] = { 0, GM_MQTT_CLIENT, read_connect },
    [GM_MQTT_CONNACK] = { 0, GM_MQTT_SERVER, read_connack },
    [GM_MQTT_PUBLISH] = { 0, BOTH, read_publish }, // whose flags say something
    [GM_MQTT_PUBACK] = { 0, BOTH, read_ack },
    [GM_MQTT_PUBREC] = { 0, BOTH, read_ack },
    [GM_MQTT_PUBREL] = { 2, BOTH, read_ack },
    [GM_MQTT_PUBCOMP] = { 0, BOTH, read_ack },
    [GM_MQTT_SUBSCRIBE] = { 2, GM_MQTT_CLIENT, read_subscribe },
    [GM_MQTT_SUBACK] = { 0, GM_MQTT_SERVER, read_suback },
    [GM_MQTT_UNSUBSCRIBE] = { 2, GM_MQTT_CLIENT, read_subscribe },
    [GM_MQTT_UNSUBACK] = { 0, GM_MQTT_SERVER, read_suback },
    [GM_MQTT_PINGREQ] = { 0, GM_MQTT_CLIENT, read_nothing },
    [GM_MQTT_PINGRESP] = { 0, GM_MQTT_SERVER, read_nothing },
    [GM_MQTT_DISCONNECT] = { 0, BOTH, read_notice },
    [GM_MQTT_AUTH] = { 0, BOTH, read_auth },
};

/// What the fixed header alone says against a packet.
static bool check_header(const gm_mqtt_frame *frame, reading *from)
{
    const packet_kind *kind = &kinds[frame->type & 15];
    mqtt_cursor *cursor = &from->cursor;
    bool old = from->version == GM_MQTT_3_1_1;
    if (kind->read == NULL || (old && frame->type == GM_MQTT_AUTH)) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "there is no packet of this type");
    }
    if (frame->type != GM_MQTT_PUBLISH && frame->flags != kind->flags) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a packet's fixed flags are wrong");
    }
    if (frame->padded && from->version == GM_MQTT_5) {
        return mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a packet's size is written too long");
    }
    if (from->version == 0 && frame->type != GM_MQTT_CONNECT) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR, "the first packet is not a CONNECT");
    }
    bool server = from->sender == GM_MQTT_SERVER;
    if ((kind->senders & from->sender) == 0 ||
        (old && server && frame->type == GM_MQTT_DISCONNECT)) {
        return mqtt_wrong(cursor, GM_MQTT_PROTOCOL_ERROR,
                          server ? "a server does not send this packet"
                                 : "a client does not send this packet");
    }
    return true;
}

bool gm_mqtt_packet_read(const gm_mqtt_frame *frame, gm_mqtt_version version, gm_mqtt_side sender,
                         gm_mqtt_packet *packet, gm_mqtt_fault *fault)
{
    reading from = { mqtt_cursor_of(frame->rest), version, sender, frame->flags };
    packet->type = frame->type;
    bool good = check_header(frame, &from) && kinds[frame->type].read(&from, packet);
    if (good && frame->padded && from.version == GM_MQTT_5) { // a CONNECT says it only now
        good = mqtt_wrong(&from.cursor, GM_MQTT_MALFORMED, "a packet's size is written too long");
    }
    if (good && mqtt_left(&from.cursor) > 0) {
        good = mqtt_wrong(&from.cursor, GM_MQTT_MALFORMED, "a packet has bytes behind its end");
    }
    if (!good) {
        *fault = from.cursor.fault;
    }
    return good;
}

bool gm_mqtt_unsubscription_next(gm_text *rest, gm_text *filter)
{
    mqtt_cursor cursor = mqtt_cursor_of(*rest);
    if (rest->size == 0) {
        return false;
    }
    gm_text next = mqtt_binary(&cursor);
    if (!mqtt_fine(&cursor)) {
        return false;
    }
    *filter = next;
    *rest = (gm_text){ (const char *)cursor.at, mqtt_left(&cursor) };
    return true;
}

bool gm_mqtt_subscription_next(gm_text *rest, gm_mqtt_subscription *subscription)
{
    gm_text left = *rest, filter;
    if (!gm_mqtt_unsubscription_next(&left, &filter) || left.size == 0) {
        return false;
    }
    unsigned options = (unsigned char)left.data[0];
    *subscription = (gm_mqtt_subscription){
        .filter = filter,
        .qos = options & OPTION_QOS,
        .no_local = (options & OPTION_NO_LOCAL) != 0,
        .retain_as_published = (options & OPTION_AS_PUBLISHED) != 0,
        .retain_handling = (options >> OPTION_RETAIN_SHIFT) & 3,
    };
    *rest = (gm_text){ left.data + 1, left.size - 1 };
    return true;
}
