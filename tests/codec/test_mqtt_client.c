// Laws of an MQTT client towards its server. Numbers are those of the normative
// statements of MQTT 3.1.1 (3:) and 5.0 (5:); docs/mqtt.md lists them all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "codec/mqtt_client.h"
#include "codec/mqtt_notation.h"

#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

static const int64_t second_ns = INT64_C(1000000000);

typedef struct fixture {
    gm_mqtt_client *client;
    gm_mqtt_version version;
    gm_string in, out;
    int64_t now_ns;
} fixture;

static void begin(fixture *f, const gm_mqtt_client_options *options)
{
    gm_mqtt_client_close(f->client);
    f->client = NULL;
    f->version = options->connect.version;
    assert_int_equal(gm_mqtt_client_create(options, &f->client, NULL), GM_OK);
    f->out.size = 0;
    gm_mqtt_client_connect(f->client, f->now_ns, &f->out);
}

/// A client "me" with three messages in flight and two aliases.
static gm_mqtt_client_options small_client(int version)
{
    gm_mqtt_client_options options = gm_default_mqtt_client();
    options.connect.version = (gm_mqtt_version)version;
    options.connect.client_id = gm_text_of("me");
    options.receive_maximum = 3;
    options.alias_maximum = 2;
    return options;
}

static int set_up(void **state)
{
    fixture *f = gm_memory_new(1, sizeof *f);
    assert_non_null(f);
    f->now_ns = 1000 * second_ns;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    gm_mqtt_client_close(f->client);
    gm_string_free(&f->in);
    gm_string_free(&f->out);
    gm_memory_free(f);
    return 0;
}

static gm_mqtt_reply take(fixture *f, unsigned first, const char *rest)
{
    f->in.size = 0;
    mqtt_add_packet(&f->in, first, rest);
    gm_mqtt_packet packet;
    gm_mqtt_fault fault = { 0 };
    gm_text bytes = { f->in.data, f->in.size };
    return read_bytes(bytes, (int)f->version, S, &packet, &fault)
               ? gm_mqtt_client_take(f->client, &packet, f->now_ns, &f->out)
               : gm_mqtt_client_fault(f->client, &fault, &f->out);
}

/// What was sent since the last look, in notation.
static void expect_sent(fixture *f, const char *notation)
{
    expect_bytes(&f->out, notation);
}

static void expect_closed(gm_mqtt_reply reply, uint8_t reason)
{
    assert_int_equal(reply.action, GM_MQTT_CLOSE);
    assert_int_equal(reply.reason, reason);
}

/// Connected, with a CONNACK that says `connack`.
static void open_with(fixture *f, int version, const char *connack)
{
    gm_mqtt_client_options options = small_client(version);
    begin(f, &options);
    f->out.size = 0;
    assert_int_equal(take(f, 0x20, connack).action, GM_MQTT_CONNECTED);
    expect_sent(f, "");
}

static uint16_t subscribe(fixture *f, const char *filter)
{
    gm_mqtt_subscription wanted = { .filter = gm_text_of(filter), .qos = 1 };
    gm_string filters = { 0 };
    uint16_t id = 0;
    gm_mqtt_subscription_put(&filters, &wanted);
    assert_int_equal(gm_mqtt_client_subscribe(f->client, (gm_text){ filters.data, filters.size }, 1,
                                              &id, &f->out),
                     GM_OK);
    gm_string_free(&filters);
    return id;
}

static gm_status publish(fixture *f, uint8_t qos, uint16_t again, uint16_t *id)
{
    gm_mqtt_publish message = {
        .topic = gm_text_of("a"), .payload = gm_text_of("x"), .qos = qos, .id = again
    };
    return gm_mqtt_client_publish(f->client, &message, id, &f->out);
}

// ---- connecting ----

/// 3: 3.1.0-1; 5: 3.1.0-1
static void a_connection_begins_with_a_connect(void **state)
{
    fixture *f = *state;
    gm_mqtt_client_options options = small_client(OLD);
    begin(f, &options);
    expect_sent(f, "10 0e <MQTT> 04 00 003c <me>");
    options.connect.has_user = options.connect.has_password = options.connect.has_will = true;
    options.connect.user = gm_text_of("u");
    options.connect.password = gm_text_of("p");
    options.connect.will = (gm_mqtt_will){ .topic = gm_text_of("t"), .qos = 1 };
    begin(f, &options);
    expect_sent(f, "10 19 <MQTT> 04 cc 003c <me> <t> <> <u> <p>");
    options = small_client(NEW);
    begin(f, &options);
    expect_sent(f, "10 1f <MQTT> 05 00 003c 10 1100015180 210003 2700100000 220002 <me>");
}

static void what_mqtt_does_not_allow_is_not_connected_with(void **state)
{
    fixture *f = *state;
    const gm_text bad = { "\xFF", 1 };
    gm_mqtt_client_options wrongs[5];
    for (size_t index = 0; index < COUNT(wrongs); index++) {
        wrongs[index] = small_client(index < 3 ? OLD : NEW);
    }
    wrongs[0].connect.client_id = gm_text_of(""); // 3: 3.1.3-7
    wrongs[1].connect.has_password = true;        // 3: 3.1.2-22
    wrongs[2].connect.client_id = bad;
    wrongs[3].connect.has_user = true;
    wrongs[3].connect.user = bad;
    wrongs[4].connect.has_will = true;
    wrongs[4].connect.will.topic = gm_text_of("a/#");
    for (size_t index = 0; index < COUNT(wrongs); index++) {
        gm_error error = { 0 };
        assert_int_equal(gm_mqtt_client_create(&wrongs[index], &f->client, &error), GM_INVALID);
        assert_true(error.text[0] != 0);
        assert_null(f->client);
    }
}

/// 3: 3.2.0-1; 5: 3.2.0-1, 3.2.0-2
static void the_first_packet_is_a_connack_and_the_only_one(void **state)
{
    fixture *f = *state;
    gm_mqtt_client_options options = small_client(NEW);
    begin(f, &options);
    f->out.size = 0;
    expect_closed(take(f, 0x30, "<a> 00"), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "");
    assert_false(gm_mqtt_client_ready(f->client));
    open_with(f, NEW, "00 00 00");
    expect_closed(take(f, 0x20, "00 00 00"), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "e0 01 82");
}

static void a_refusal_is_told(void **state)
{
    fixture *f = *state;
    gm_mqtt_client_options options = small_client(OLD);
    begin(f, &options);
    gm_mqtt_reply reply = take(f, 0x20, "00 04");
    expect_closed(reply, GM_MQTT_BAD_PASSWORD);
    assert_true(reply.by_peer);
    assert_string_equal(reply.why, "bad user name or password");
    options = small_client(NEW);
    begin(f, &options);
    expect_closed(take(f, 0x20, "00 89 00"), GM_MQTT_BUSY);
}

/// 5: 3.2.2-4
static void a_session_after_a_clean_start_is_a_mistake(void **state)
{
    fixture *f = *state;
    gm_mqtt_client_options options = small_client(NEW);
    options.connect.clean_start = true;
    begin(f, &options);
    f->out.size = 0;
    expect_closed(take(f, 0x20, "01 00 00"), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "e0 01 82");
}

static void a_server_must_answer_in_time(void **state)
{
    fixture *f = *state;
    gm_mqtt_client_options options = small_client(NEW);
    begin(f, &options);
    f->out.size = 0;
    int64_t due_ns = f->now_ns + 10 * second_ns;
    assert_int_equal(gm_mqtt_client_due_ns(f->client), due_ns);
    expect_closed(gm_mqtt_client_tick(f->client, due_ns, &f->out), GM_MQTT_FAILED);
    expect_sent(f, "");
    assert_int_equal(gm_mqtt_client_due_ns(f->client), INT64_MAX);
}

// ---- silence ----

/// 3: 3.1.2-23; 5: 3.1.2-20
static void a_ping_keeps_the_connection_alive(void **state)
{
    fixture *f = *state;
    open_with(f, OLD, "00 00");
    int64_t due_ns = f->now_ns + 60 * second_ns;
    assert_int_equal(gm_mqtt_client_due_ns(f->client), due_ns);
    gm_mqtt_client_tick(f->client, due_ns - 1, &f->out);
    expect_sent(f, "");
    assert_int_equal(gm_mqtt_client_tick(f->client, due_ns, &f->out).action, GM_MQTT_NOTHING);
    expect_sent(f, "c0 00");
    assert_int_equal(gm_mqtt_client_due_ns(f->client), due_ns + 10 * second_ns);
    f->now_ns = due_ns + second_ns;
    take(f, 0xD0, "");
    assert_int_equal(gm_mqtt_client_due_ns(f->client), due_ns + 60 * second_ns);
    gm_mqtt_client_tick(f->client, due_ns + 60 * second_ns, &f->out);
    expect_sent(f, "c0 00");
    expect_closed(gm_mqtt_client_tick(f->client, due_ns + 70 * second_ns, &f->out), GM_MQTT_FAILED);
    expect_sent(f, "");
}

/// 5: 3.1.2-21, 3.2.2-21
static void the_servers_keep_alive_counts(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 03 130007");
    assert_int_equal(gm_mqtt_client_due_ns(f->client), f->now_ns + 7 * second_ns);
}

// ---- messages that arrive ----

/// 3: 3.3.4-1, 4.5.0-2, 4.6.0-2; 5: 3.3.4-1, 4.5.0-2, 4.6.0-2, 2.2.1-5
static void messages_are_acknowledged_when_committed_in_their_order(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 00");
    gm_mqtt_reply reply = take(f, 0x32, "<a> 0009 00 'x'");
    assert_int_equal(reply.action, GM_MQTT_DELIVER);
    assert_int_equal(reply.ticket, 1);
    assert_int_equal(take(f, 0x32, "<a> 0004 00 'y'").ticket, 2);
    assert_int_equal(take(f, 0x30, "<a> 00 'z'").ticket, 0);
    expect_sent(f, "");
    gm_mqtt_client_reject(f->client, 2, GM_MQTT_BAD_PAYLOAD);
    assert_int_equal(gm_mqtt_client_committed(f->client, 2, &f->out), 2);
    expect_sent(f, "40 02 0009 40 03 0004 99");
}

/// 3: 4.4.0-1; 5: 4.4.0-1: what was not acknowledged comes again
static void commits_of_a_lost_connection_acknowledge_nothing(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 00");
    take(f, 0x32, "<a> 0009 00 'x'");
    gm_mqtt_client_lost(f->client);
    assert_int_equal(gm_mqtt_client_committed(f->client, 1, &f->out), 0);
    gm_mqtt_client_connect(f->client, f->now_ns, &f->out);
    f->out.size = 0;
    assert_int_equal(take(f, 0x20, "01 00 00").action, GM_MQTT_CONNECTED);
    assert_int_equal(gm_mqtt_client_committed(f->client, 1, &f->out), 0);
    expect_sent(f, "");
    assert_int_equal(take(f, 0x3A, "<a> 0009 00 'x'").ticket, 2);
    assert_int_equal(gm_mqtt_client_committed(f->client, 2, &f->out), 1);
    expect_sent(f, "40 02 0009");
}

/// 5: 3.3.4-9, 4.9.0-1: what is beyond the offer is not read until some are committed
static void a_server_is_held_to_what_was_offered(void **state)
{
    fixture *f = *state;
    const char *arrivals[][3] = { { "<a> 0001", "<a> 0002", "<a> 0003" },
                                  { "<a> 0001 00", "<a> 0002 00", "<a> 0003 00" } };
    for (int version = OLD; version <= NEW; version++) {
        open_with(f, version, version == OLD ? "00 00" : "00 00 00");
        for (size_t index = 0; index < 3; index++) {
            assert_true(gm_mqtt_client_ready(f->client));
            assert_int_equal(take(f, 0x32, arrivals[version - OLD][index]).action, GM_MQTT_DELIVER);
        }
        assert_false(gm_mqtt_client_ready(f->client));
        gm_mqtt_client_committed(f->client, 1, &f->out);
        assert_true(gm_mqtt_client_ready(f->client));
    }
}

/// 5: 3.3.2-10, 3.3.2-11, 3.1.2-26
static void a_servers_aliases_are_resolved(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 00");
    take(f, 0x30, "<a/b> 03 230002");
    assert_true(gm_text_equal(take(f, 0x30, "<> 03 230002").topic, "a/b"));
    expect_closed(take(f, 0x30, "<a/b> 03 230003"), GM_MQTT_BAD_ALIAS);
    expect_sent(f, "e0 01 94");
    gm_mqtt_client_connect(f->client, f->now_ns, &f->out); // 3.3.2-7: they end with the connection
    f->out.size = 0;
    take(f, 0x20, "00 00 00");
    expect_closed(take(f, 0x30, "<> 03 230002"), GM_MQTT_PROTOCOL_ERROR);
}

static void packets_that_nobody_asked_for_end_it(void **state)
{
    fixture *f = *state;
    const struct {
        unsigned first;
        const char *rest;
    } packets[] = {
        { 0x34, "<a> 0001 00" },  // QoS 2 was never asked for
        { 0x90, "0001 00 00" },   // no SUBSCRIBE
        { 0xB0, "0001 00 00" },   // no UNSUBSCRIBE
        { 0xF0, "18 04 15 <m>" }, // 5: 4.12.0-6
        { 0x50, "0001" },         { 0x62, "0001" }, { 0x70, "0001" },
    };
    for (size_t index = 0; index < COUNT(packets); index++) {
        open_with(f, NEW, "00 00 00");
        expect_closed(take(f, packets[index].first, packets[index].rest), GM_MQTT_PROTOCOL_ERROR);
        expect_sent(f, "e0 01 82");
    }
}

// ---- what is asked and sent ----

/// 3: 3.8.4-2, 3.9.3-1, 2.3.1-1, 2.3.1-2; 5: 3.8.4-2, 3.9.3-1, 2.2.1-3
static void a_subscription_is_answered(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 00");
    uint16_t first = subscribe(f, "a/#");
    expect_sent(f, "82 09 0001 00 <a/#> 01");
    uint16_t second = subscribe(f, "b");
    assert_true(first != 0 && second != 0 && first != second);
    f->out.size = 0;
    assert_int_equal(take(f, 0x90, "0002 00 87").action, GM_MQTT_SUBSCRIBED);
    assert_int_equal(take(f, 0x90, "0001 00 01").action, GM_MQTT_SUBSCRIBED);
    expect_closed(take(f, 0x90, "0001 00 01"), GM_MQTT_PROTOCOL_ERROR);
    open_with(f, NEW, "00 00 00");
    subscribe(f, "a");
    f->out.size = 0;
    expect_closed(take(f, 0x90, "0001 00 01 01"), GM_MQTT_PROTOCOL_ERROR);
}

/// 3: 4.3.2-1, 2.3.1-2; 5: 4.3.2-1, 4.3.2-2, 4.3.2-3, 2.2.1-3
static void a_message_waits_for_its_acknowledgement(void **state)
{
    fixture *f = *state;
    uint16_t id = 9;
    open_with(f, NEW, "00 00 00");
    assert_int_equal(publish(f, 0, 0, &id), GM_OK);
    assert_int_equal(id, 0);
    expect_sent(f, "30 05 <a> 00 'x'");
    assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    assert_int_equal(id, 1);
    expect_sent(f, "32 07 <a> 0001 00 'x'");
    assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    assert_int_equal(id, 2);
    assert_int_equal(take(f, 0x40, "0001").action, GM_MQTT_DELIVERED);
    gm_mqtt_reply refused = take(f, 0x40, "0002 87");
    assert_int_equal(refused.action, GM_MQTT_DELIVERED);
    assert_int_equal(refused.reason, GM_MQTT_NOT_AUTHORIZED);
    assert_int_equal(take(f, 0x40, "0002").action, GM_MQTT_NOTHING);
}

/// 5: 3.3.4-7, 4.9.0-2, 3.2.2-11, 3.2.2-14, 3.2.2-15
static void what_the_server_does_not_take_is_not_sent(void **state)
{
    fixture *f = *state;
    uint16_t id = 0;
    open_with(f, NEW, "00 00 03 210002");
    assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    assert_int_equal(publish(f, 1, 0, &id), GM_BUSY);
    assert_int_equal(publish(f, 0, 0, &id), GM_OK); // QoS 0 does not count
    take(f, 0x40, "0001");
    assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    open_with(f, NEW, "00 00 09 2400 2500 2700000006");
    assert_int_equal(publish(f, 1, 0, &id), GM_UNSUPPORTED);
    gm_mqtt_publish retained = { .topic = gm_text_of("a"), .retain = true };
    assert_int_equal(gm_mqtt_client_publish(f->client, &retained, &id, &f->out), GM_UNSUPPORTED);
    assert_int_equal(publish(f, 0, 0, &id), GM_LIMIT);
    expect_sent(f, "");
    open_with(f, NEW, "00 00 05 2700000008");
    assert_int_equal(publish(f, 1, 0, &id), GM_LIMIT);
    assert_int_equal(publish(f, 2, 0, &id), GM_UNSUPPORTED);
    gm_mqtt_client_lost(f->client);
    assert_int_equal(publish(f, 0, 0, &id), GM_BUSY);
}

/// 3: 4.4.0-1, 3.3.1-1, 2.3.1-3; 5: 4.4.0-1, 3.3.1-1, 3.2.2-5
static void a_message_is_sent_again_where_the_session_lives_on(void **state)
{
    fixture *f = *state;
    uint16_t id = 0;
    open_with(f, NEW, "00 00 00");
    publish(f, 1, 0, &id);
    subscribe(f, "a");
    gm_mqtt_client_connect(f->client, f->now_ns, &f->out);
    take(f, 0x20, "01 00 00");
    f->out.size = 0;
    assert_int_equal(publish(f, 1, 1, &id), GM_OK);
    expect_sent(f, "3a 07 <a> 0001 00 'x'");
    assert_int_equal(publish(f, 1, 2, &id), GM_NOT_FOUND); // which was the SUBSCRIBE's
    assert_int_equal(take(f, 0x40, "0001").action, GM_MQTT_DELIVERED);
    publish(f, 1, 0, &id);
    gm_mqtt_client_connect(f->client, f->now_ns, &f->out);
    take(f, 0x20, "00 00 00"); // no session: the message is a new one
    assert_int_equal(publish(f, 1, id, &id), GM_NOT_FOUND);
}

static void answers_owed_have_a_limit(void **state)
{
    fixture *f = *state;
    uint16_t id = 0;
    open_with(f, OLD, "00 00");
    for (int index = 0; index < GM_MQTT_PENDING_MAX; index++) {
        assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    }
    assert_int_equal(publish(f, 1, 0, &id), GM_BUSY);
    take(f, 0x40, "0007");
    assert_int_equal(publish(f, 1, 0, &id), GM_OK);
    assert_int_equal(id, GM_MQTT_PENDING_MAX + 1);
}

static void identifiers_go_round_past_those_in_use(void **state)
{
    fixture *f = *state;
    uint16_t id = 0;
    open_with(f, OLD, "00 00");
    publish(f, 1, 0, &id); // 1 stays in use
    for (int round = 2; round < 70000; round++) {
        f->out.size = 0;
        assert_int_equal(publish(f, 1, 0, &id), GM_OK);
        assert_true(id > 1);
        char ack[8];
        snprintf(ack, sizeof ack, "%04x", (unsigned)id);
        assert_int_equal(take(f, 0x40, ack).action, GM_MQTT_DELIVERED);
    }
}

/// 3: 3.14.4-1, 3.14.4-2; 5: 3.14.4-1, 3.14.4-2
static void a_goodbye_is_the_last_word(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 00");
    take(f, 0x32, "<a> 0009 00 'x'");
    expect_closed(gm_mqtt_client_leave(f->client, &f->out), GM_MQTT_SUCCESS);
    expect_sent(f, "e0 00");
    assert_int_equal(gm_mqtt_client_committed(f->client, 1, &f->out), 0);
    expect_sent(f, "");
    assert_false(gm_mqtt_client_ready(f->client));
}

static void a_server_may_end_it(void **state)
{
    fixture *f = *state;
    open_with(f, NEW, "00 00 00");
    gm_mqtt_reply reply = take(f, 0xE0, "8e 00");
    expect_closed(reply, GM_MQTT_TAKEN_OVER);
    assert_true(reply.by_peer);
    expect_sent(f, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_connection_begins_with_a_connect),
        TEST(what_mqtt_does_not_allow_is_not_connected_with),
        TEST(the_first_packet_is_a_connack_and_the_only_one),
        TEST(a_refusal_is_told),
        TEST(a_session_after_a_clean_start_is_a_mistake),
        TEST(a_server_must_answer_in_time),
        TEST(a_ping_keeps_the_connection_alive),
        TEST(the_servers_keep_alive_counts),
        TEST(messages_are_acknowledged_when_committed_in_their_order),
        TEST(commits_of_a_lost_connection_acknowledge_nothing),
        TEST(a_server_is_held_to_what_was_offered),
        TEST(a_servers_aliases_are_resolved),
        TEST(packets_that_nobody_asked_for_end_it),
        TEST(a_subscription_is_answered),
        TEST(a_message_waits_for_its_acknowledgement),
        TEST(what_the_server_does_not_take_is_not_sent),
        TEST(a_message_is_sent_again_where_the_session_lives_on),
        TEST(answers_owed_have_a_limit),
        TEST(identifiers_go_round_past_those_in_use),
        TEST(a_goodbye_is_the_last_word),
        TEST(a_server_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
