// Writing MQTT packets: see mqtt_packet.h. A packet's bytes are appended behind room for the
// longest fixed header; when its size is known they move up to the header that it needs.
#include <string.h>

#include "base/require.h"
#include "codec/mqtt_packet.h"

enum { HEADER_MAX_SIZE = 5 };

static void put_u8(gm_string *out, unsigned value)
{
    gm_string_add(out, (const char[]){ (char)value }, 1);
}

static void put_properties(gm_string *out, gm_mqtt_version version,
                           const gm_mqtt_properties *properties)
{
    if (version == GM_MQTT_5) {
        GM_REQUIRE(properties->raw.size <= GM_MQTT_REST_MAX_SIZE);
        gm_mqtt_put_varint(out, (uint32_t)properties->raw.size);
        gm_string_add(out, properties->raw.data, properties->raw.size);
    }
}

static void put_connect(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    const gm_mqtt_connect *connect = &packet->connect;
    const gm_mqtt_will *will = &connect->will;
    unsigned flags = (unsigned)connect->clean_start << 1 | (unsigned)connect->has_password << 6 |
                     (unsigned)connect->has_user << 7;
    if (connect->has_will) {
        flags |= 4U | (unsigned)will->qos << 3 | (unsigned)will->retain << 5;
    }
    gm_mqtt_put_text(out, gm_text_of("MQTT"));
    put_u8(out, version);
    put_u8(out, flags);
    gm_mqtt_put_u16(out, connect->keep_alive_s);
    put_properties(out, version, &connect->properties);
    gm_mqtt_put_text(out, connect->client_id);
    if (connect->has_will) {
        put_properties(out, version, &will->properties);
        gm_mqtt_put_text(out, will->topic);
        gm_mqtt_put_text(out, will->payload);
    }
    if (connect->has_user) {
        gm_mqtt_put_text(out, connect->user);
    }
    if (connect->has_password) {
        gm_mqtt_put_text(out, connect->password);
    }
}

static void put_connack(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    const gm_mqtt_connack *connack = &packet->connack;
    int code = version == GM_MQTT_5 ? connack->reason : gm_mqtt_old_code(connack->reason);
    GM_REQUIRE(code >= 0); // what 3.1.1 cannot say is not written
    put_u8(out, connack->session_present);
    put_u8(out, (unsigned)code);
    put_properties(out, version, &connack->properties);
}

static void put_publish(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    const gm_mqtt_publish *publish = &packet->publish;
    gm_mqtt_put_text(out, publish->topic);
    if (publish->qos > 0) {
        gm_mqtt_put_u16(out, publish->id);
    }
    put_properties(out, version, &publish->properties);
    gm_string_add(out, publish->payload.data, publish->payload.size);
}

/// A reason and properties, left out where they say nothing.
static void put_reason(gm_string *out, gm_mqtt_version version, uint8_t reason,
                       const gm_mqtt_properties *properties)
{
    if (version == GM_MQTT_5 && (reason != GM_MQTT_SUCCESS || properties->raw.size > 0)) {
        put_u8(out, reason);
        if (properties->raw.size > 0) {
            put_properties(out, version, properties);
        }
    }
}

static void put_ack(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    gm_mqtt_put_u16(out, packet->ack.id);
    put_reason(out, version, packet->ack.reason, &packet->ack.properties);
}

static void put_notice(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    put_reason(out, version, packet->notice.reason, &packet->notice.properties);
}

static void put_subscribe(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    gm_mqtt_put_u16(out, packet->subscribe.id);
    put_properties(out, version, &packet->subscribe.properties);
    gm_string_add(out, packet->subscribe.filters.data, packet->subscribe.filters.size);
}

static void put_suback(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    gm_mqtt_put_u16(out, packet->suback.id);
    put_properties(out, version, &packet->suback.properties);
    gm_string_add(out, packet->suback.codes.data, packet->suback.codes.size);
}

static void put_nothing(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    (void)out;
    (void)version;
    (void)packet;
}

typedef void put_content(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet);

static put_content *const contents[] = {
    [GM_MQTT_CONNECT] = put_connect,  [GM_MQTT_CONNACK] = put_connack,
    [GM_MQTT_PUBLISH] = put_publish,  [GM_MQTT_PUBACK] = put_ack,
    [GM_MQTT_PUBREC] = put_ack,       [GM_MQTT_PUBREL] = put_ack,
    [GM_MQTT_PUBCOMP] = put_ack,      [GM_MQTT_SUBSCRIBE] = put_subscribe,
    [GM_MQTT_SUBACK] = put_suback,    [GM_MQTT_UNSUBSCRIBE] = put_subscribe,
    [GM_MQTT_UNSUBACK] = put_suback,  [GM_MQTT_PINGREQ] = put_nothing,
    [GM_MQTT_PINGRESP] = put_nothing, [GM_MQTT_DISCONNECT] = put_notice,
    [GM_MQTT_AUTH] = put_notice,
};

static unsigned flags_of(const gm_mqtt_packet *packet)
{
    switch (packet->type) {
    case GM_MQTT_PUBLISH:
        return (unsigned)packet->publish.retain | (unsigned)packet->publish.qos << 1 |
               (unsigned)packet->publish.duplicate << 3;
    case GM_MQTT_PUBREL:
    case GM_MQTT_SUBSCRIBE:
    case GM_MQTT_UNSUBSCRIBE:
        return 2;
    default:
        return 0;
    }
}

void gm_mqtt_packet_write(gm_string *out, gm_mqtt_version version, const gm_mqtt_packet *packet)
{
    static const char room[HEADER_MAX_SIZE] = { 0 };
    GM_REQUIRE(packet->type >= GM_MQTT_CONNECT && packet->type <= GM_MQTT_AUTH);
    if (packet->type == GM_MQTT_CONNECT) {
        version = packet->connect.version;
    }
    GM_REQUIRE(version == GM_MQTT_5 || version == GM_MQTT_3_1_1);
    size_t start = out->size;
    gm_string_add(out, room, sizeof room);
    contents[packet->type](out, version, packet);
    if (out->failed) {
        return;
    }
    size_t rest = out->size - start - sizeof room;
    GM_REQUIRE(rest <= GM_MQTT_REST_MAX_SIZE);
    char *header = out->data + start;
    size_t size = 0;
    header[size++] = (char)((unsigned)packet->type << 4 | flags_of(packet));
    size_t left = rest;
    for (; left >= 0x80; left >>= 7) {
        header[size++] = (char)(left | 0x80);
    }
    header[size++] = (char)left;
    memmove(header + size, header + sizeof room, rest);
    out->size = start + size + rest;
    out->data[out->size] = 0;
}

void gm_mqtt_pubacks_write(gm_string *out, gm_mqtt_version version, const uint16_t *ids,
                           const uint8_t *reasons, size_t count)
{
    enum { PUBACK_MAX_SIZE = 5 };
    gm_string_reserve(out, count * PUBACK_MAX_SIZE);
    if (out->failed) {
        return;
    }
    char *to = out->data + out->size;
    for (size_t index = 0; index < count; index++) {
        bool said = version == GM_MQTT_5 && reasons[index] != GM_MQTT_SUCCESS;
        *to++ = (char)(GM_MQTT_PUBACK << 4);
        *to++ = (char)(said ? 3 : 2);
        *to++ = (char)(ids[index] >> 8);
        *to++ = (char)ids[index];
        *to = (char)reasons[index];
        to += said;
    }
    out->size = (size_t)(to - out->data);
    *to = 0;
}

void gm_mqtt_subscription_put(gm_string *filters, const gm_mqtt_subscription *subscription)
{
    gm_mqtt_put_text(filters, subscription->filter);
    put_u8(filters, (unsigned)subscription->qos | (unsigned)subscription->no_local << 2 |
                        (unsigned)subscription->retain_as_published << 3 |
                        (unsigned)subscription->retain_handling << 4);
}
