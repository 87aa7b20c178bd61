// Laws of writing MQTT packets: random ones read back as they were written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/mqtt_notation.h"

#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

typedef struct draws {
    uint64_t seed;
    gm_string text; // of the packet in the making; large enough never to move
} draws;

static size_t draw(draws *from, size_t count)
{
    from->seed ^= from->seed << 13;
    from->seed ^= from->seed >> 7;
    from->seed ^= from->seed << 17;
    return (size_t)((from->seed >> 16) % count);
}

static gm_text draw_text(draws *from, size_t least)
{
    static const char *const letters[] = { "a", "b", "/", "\xC3\xA4", "\xE2\x82\xAC" };
    size_t begin = from->text.size;
    for (size_t count = least + draw(from, 12); count > 0; count--) {
        const char *letter = letters[draw(from, COUNT(letters))];
        gm_string_add(&from->text, letter, strlen(letter));
    }
    return (gm_text){ from->text.data + begin, from->text.size - begin };
}

static gm_text draw_properties(draws *from, const char *notation)
{
    size_t begin = from->text.size;
    if (draw(from, 2) == 0) {
        mqtt_add(&from->text, notation);
        if (draw(from, 2) == 0) {
            mqtt_add(&from->text, "26 <key> <value>");
        }
    }
    return (gm_text){ from->text.data + begin, from->text.size - begin };
}

static gm_mqtt_packet draw_connect(draws *from)
{
    bool new = draw(from, 2) == 0;
    gm_mqtt_connect connect = {
        .version = new ? GM_MQTT_5 : GM_MQTT_3_1_1,
        .clean_start = draw(from, 2) == 0,
        .has_will = draw(from, 2) == 0,
        .has_user = draw(from, 2) == 0,
        .keep_alive_s = (uint16_t)draw(from, 65536),
        .client_id = draw_text(from, 0),
    };
    connect.has_password = (new || connect.has_user) && draw(from, 2) == 0;
    if (connect.has_will) {
        connect.will = (gm_mqtt_will){ .topic = draw_text(from, 1),
                                       .payload = draw_text(from, 0),
                                       .qos = (uint8_t)draw(from, 3),
                                       .retain = draw(from, 2) == 0 };
    }
    if (connect.has_user) {
        connect.user = draw_text(from, 0);
    }
    if (connect.has_password) {
        connect.password = draw_text(from, 0);
    }
    if (new) {
        connect.properties.raw = draw_properties(from, "11ffffffff 21ffff");
    }
    if (new &&connect.has_will) {
        connect.will.properties.raw = draw_properties(from, "1800000005 0101");
    }
    return (gm_mqtt_packet){ .type = GM_MQTT_CONNECT, .connect = connect };
}

static gm_mqtt_packet draw_publish(draws *from, bool new)
{
    gm_mqtt_publish publish = { .topic = draw_text(from, 1),
                                .payload = draw_text(from, 0),
                                .qos = (uint8_t)draw(from, 3),
                                .retain = draw(from, 2) == 0 };
    publish.id = publish.qos > 0 ? (uint16_t)(1 + draw(from, 65535)) : 0;
    publish.duplicate = publish.qos > 0 && draw(from, 2) == 0;
    if (new) {
        publish.properties.raw = draw_properties(from, "0200000009 230007 09 0003 000102");
        publish.alias = publish.properties.raw.size > 0 ? 7 : 0;
    }
    return (gm_mqtt_packet){ .type = GM_MQTT_PUBLISH, .publish = publish };
}

static gm_mqtt_packet draw_subscribe(draws *from, bool new, bool leaving)
{
    gm_mqtt_subscribe subscribe = { .id = (uint16_t)(1 + draw(from, 65535)),
                                    .count = 1 + draw(from, 4) };
    gm_string filters = { 0 };
    for (size_t index = 0; index < subscribe.count; index++) {
        gm_mqtt_subscription wanted = { .filter = draw_text(from, 1),
                                        .qos = (uint8_t)draw(from, 3),
                                        .no_local = new &&draw(from, 2) == 0,
                                        .retain_handling = new ? (uint8_t)draw(from, 3) : 0 };
        if (leaving) {
            gm_mqtt_put_text(&filters, wanted.filter);
        } else {
            gm_mqtt_subscription_put(&filters, &wanted);
        }
    }
    size_t begin = from->text.size;
    gm_string_add(&from->text, filters.data, filters.size);
    subscribe.filters = (gm_text){ from->text.data + begin, filters.size };
    gm_string_free(&filters);
    if (new) {
        subscribe.properties.raw = draw_properties(from, leaving ? "" : "0bff7f");
    }
    return (gm_mqtt_packet){ .type = leaving ? GM_MQTT_UNSUBSCRIBE : GM_MQTT_SUBSCRIBE,
                             .subscribe = subscribe };
}

static gm_mqtt_packet draw_suback(draws *from, bool new, bool leaving)
{
    gm_mqtt_suback suback = { .id = (uint16_t)(1 + draw(from, 65535)) };
    size_t begin = from->text.size;
    if (new || !leaving) {
        mqtt_add(&from->text, leaving ? "11 00 80" : new ? "00 87 01" : "00 01 02 80");
    }
    suback.codes = (gm_text){ from->text.data + begin, from->text.size - begin };
    if (new) {
        suback.properties.raw = draw_properties(from, "1f <why>");
    }
    return (gm_mqtt_packet){ .type = leaving ? GM_MQTT_UNSUBACK : GM_MQTT_SUBACK,
                             .suback = suback };
}

static gm_mqtt_packet draw_packet(draws *from, bool new)
{
    gm_mqtt_type acks[] = { GM_MQTT_PUBACK, GM_MQTT_PUBREC, GM_MQTT_PUBREL, GM_MQTT_PUBCOMP };
    gm_mqtt_packet packet = { .type = acks[draw(from, COUNT(acks))] };
    switch (draw(from, 8)) {
    case 0:
        return draw_connect(from);
    case 1:
        return draw_publish(from, new);
    case 2:
        return draw_subscribe(from, new, draw(from, 2) == 0);
    case 3:
        return draw_suback(from, new, draw(from, 2) == 0);
    case 4:
        packet.type = draw(from, 2) == 0 ? GM_MQTT_PINGREQ : GM_MQTT_PINGRESP;
        return packet;
    case 5:
        packet.type = GM_MQTT_DISCONNECT;
        packet.notice.reason = new &&draw(from, 2) == 0 ? GM_MQTT_PROTOCOL_ERROR : 0;
        packet.notice.properties.raw = new ? draw_properties(from, "1f <why>") : (gm_text){ 0 };
        return packet;
    case 6:
        packet.type = GM_MQTT_CONNACK;
        packet.connack.reason = draw(from, 2) == 0 ? GM_MQTT_NOT_AUTHORIZED : 0;
        packet.connack.session_present = packet.connack.reason == 0 && draw(from, 2) == 0;
        packet.connack.properties.raw =
            new ? draw_properties(from, "2101ff 12 <id>") : (gm_text){ 0 };
        return packet;
    default:
        packet.ack.id = (uint16_t)(1 + draw(from, 65535));
        packet.ack.reason = 0;
        packet.ack.properties.raw = new ? draw_properties(from, "1f <why>") : (gm_text){ 0 };
        return packet;
    }
}

static bool same_text(gm_text a, gm_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static void check_same_connect(const gm_mqtt_connect *a, const gm_mqtt_connect *b)
{
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->clean_start, b->clean_start);
    assert_int_equal(a->keep_alive_s, b->keep_alive_s);
    assert_int_equal(a->has_will, b->has_will);
    assert_int_equal(a->has_user, b->has_user);
    assert_int_equal(a->has_password, b->has_password);
    assert_int_equal(a->will.qos, b->will.qos);
    assert_int_equal(a->will.retain, b->will.retain);
    assert_true(same_text(a->client_id, b->client_id) && same_text(a->user, b->user));
    assert_true(same_text(a->password, b->password) && same_text(a->will.topic, b->will.topic));
    assert_true(same_text(a->will.payload, b->will.payload));
    assert_true(same_text(a->will.properties.raw, b->will.properties.raw));
    assert_true(same_text(a->properties.raw, b->properties.raw));
}

static void check_same(const gm_mqtt_packet *a, const gm_mqtt_packet *b)
{
    assert_int_equal(a->type, b->type);
    switch (a->type) {
    case GM_MQTT_CONNECT:
        check_same_connect(&a->connect, &b->connect);
        return;
    case GM_MQTT_CONNACK:
        assert_int_equal(a->connack.reason, b->connack.reason);
        assert_int_equal(a->connack.session_present, b->connack.session_present);
        assert_true(same_text(a->connack.properties.raw, b->connack.properties.raw));
        return;
    case GM_MQTT_PUBLISH:
        assert_true(same_text(a->publish.topic, b->publish.topic));
        assert_true(same_text(a->publish.payload, b->publish.payload));
        assert_true(same_text(a->publish.properties.raw, b->publish.properties.raw));
        assert_int_equal(a->publish.id, b->publish.id);
        assert_int_equal(a->publish.alias, b->publish.alias);
        assert_int_equal(a->publish.qos, b->publish.qos);
        assert_int_equal(a->publish.retain, b->publish.retain);
        assert_int_equal(a->publish.duplicate, b->publish.duplicate);
        return;
    case GM_MQTT_SUBSCRIBE:
    case GM_MQTT_UNSUBSCRIBE:
        assert_int_equal(a->subscribe.id, b->subscribe.id);
        assert_int_equal(a->subscribe.count, b->subscribe.count);
        assert_true(same_text(a->subscribe.filters, b->subscribe.filters));
        assert_true(same_text(a->subscribe.properties.raw, b->subscribe.properties.raw));
        return;
    case GM_MQTT_SUBACK:
    case GM_MQTT_UNSUBACK:
        assert_int_equal(a->suback.id, b->suback.id);
        assert_true(same_text(a->suback.codes, b->suback.codes));
        assert_true(same_text(a->suback.properties.raw, b->suback.properties.raw));
        return;
    case GM_MQTT_DISCONNECT:
        assert_int_equal(a->notice.reason, b->notice.reason);
        assert_true(same_text(a->notice.properties.raw, b->notice.properties.raw));
        return;
    case GM_MQTT_PINGREQ:
    case GM_MQTT_PINGRESP:
        return;
    default:
        assert_int_equal(a->ack.id, b->ack.id);
        assert_int_equal(a->ack.reason, b->ack.reason);
        assert_true(same_text(a->ack.properties.raw, b->ack.properties.raw));
    }
}

static void a_packet_reads_back_as_it_was_written(void **state)
{
    (void)state;
    draws from = { .seed = 88172645463325252u };
    gm_string bytes = { 0 };
    gm_string_reserve(&from.text, 1 << 16);
    for (int round = 0; round < 20000; round++) {
        bool new = draw(&from, 2) == 0;
        from.text.size = bytes.size = 0;
        gm_mqtt_packet written = draw_packet(&from, new), read;
        gm_mqtt_fault fault = { 0 };
        int version = written.type == GM_MQTT_CONNECT ? 0 : new ? NEW : OLD;
        bool servers = written.type == GM_MQTT_CONNACK || written.type == GM_MQTT_SUBACK ||
                       written.type == GM_MQTT_UNSUBACK || written.type == GM_MQTT_PINGRESP;
        gm_mqtt_packet_write(&bytes, new ? GM_MQTT_5 : GM_MQTT_3_1_1, &written);
        if (!read_bytes((gm_text){ bytes.data, bytes.size }, version, servers ? S : C, &read,
                        &fault)) {
            fail_msg("%s: %s", gm_mqtt_type_name(written.type), fault.what);
        }
        check_same(&written, &read);
    }
    gm_string_free(&from.text);
    gm_string_free(&bytes);
}

static void pubacks_at_once_are_those_one_by_one(void **state)
{
    (void)state;
    uint16_t ids[300];
    uint8_t reasons[300];
    for (size_t index = 0; index < COUNT(ids); index++) {
        ids[index] = (uint16_t)(index * 211 + 1);
        reasons[index] = index % 7 == 0 ? GM_MQTT_NOT_AUTHORIZED : GM_MQTT_SUCCESS;
    }
    for (int version = OLD; version <= NEW; version++) {
        gm_string at_once = { 0 }, singly = { 0 };
        gm_mqtt_pubacks_write(&at_once, (gm_mqtt_version)version, ids, reasons, COUNT(ids));
        for (size_t index = 0; index < COUNT(ids); index++) {
            gm_mqtt_packet packet = { .type = GM_MQTT_PUBACK };
            packet.ack = (gm_mqtt_ack){ .id = ids[index], .reason = reasons[index] };
            gm_mqtt_packet_write(&singly, (gm_mqtt_version)version, &packet);
        }
        assert_int_equal(at_once.size, singly.size);
        assert_memory_equal(at_once.data, singly.data, singly.size);
        gm_string_free(&at_once);
        gm_string_free(&singly);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packet_reads_back_as_it_was_written),
        cmocka_unit_test(pubacks_at_once_are_those_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
