// Laws of an MQTT server towards one client. Numbers are those of the normative
// statements of MQTT 3.1.1 (3:) and 5.0 (5:); docs/mqtt.md lists them all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "codec/mqtt_notation.h"
#include "codec/mqtt_session.h"

#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

static const int64_t second_ns = INT64_C(1000000000);
static const char connect_old[] = "<MQTT> 04 02 0000 <me>";
static const char connect_new[] = "<MQTT> 05 02 0000 00 <me>";
static const char connack_new[] = "20 13 00 00 10 210004 2401 2700100000 220002 130e10";

typedef struct fixture {
    gm_mqtt_session *session;
    gm_string in, out;
    int64_t now_ns;
} fixture;

static void begin(fixture *f, const gm_mqtt_server *server)
{
    gm_mqtt_session_close(f->session);
    f->session = NULL;
    f->out.size = 0;
    assert_int_equal(gm_mqtt_session_create(server, f->now_ns, &f->session, NULL), GM_OK);
}

/// Four messages in flight, two aliases.
static gm_mqtt_server small_server(void)
{
    gm_mqtt_server server = gm_default_mqtt_server();
    server.receive_maximum = 4;
    server.alias_maximum = 2;
    return server;
}

static int set_up(void **state)
{
    fixture *f = gm_memory_new(1, sizeof *f);
    assert_non_null(f);
    gm_mqtt_server server = small_server();
    f->now_ns = 1000 * second_ns;
    begin(f, &server);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    gm_mqtt_session_close(f->session);
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
    return read_bytes(bytes, (int)gm_mqtt_session_version(f->session), C, &packet, &fault)
               ? gm_mqtt_session_take(f->session, &packet, f->now_ns, &f->out)
               : gm_mqtt_session_fault(f->session, &fault, &f->out);
}

/// What was sent since the last look, in notation.
static void expect_sent(fixture *f, const char *notation)
{
    expect_bytes(&f->out, notation);
}

/// One packet was sent since the last look, and it gives this reason.
static void expect_reason(fixture *f, gm_mqtt_type type, uint8_t reason)
{
    gm_mqtt_packet packet;
    gm_mqtt_fault fault = { 0 };
    assert_true(read_bytes((gm_text){ f->out.data, f->out.size }, NEW, S, &packet, &fault));
    assert_int_equal(packet.type, type);
    assert_int_equal(type == GM_MQTT_CONNACK ? packet.connack.reason : packet.notice.reason,
                     reason);
    f->out.size = 0;
}

static void expect_closed(gm_mqtt_reply reply, uint8_t reason)
{
    assert_int_equal(reply.action, GM_MQTT_CLOSE);
    assert_int_equal(reply.reason, reason);
}

/// Connects and is accepted; what was sent stays to be looked at.
static void open_as(fixture *f, const char *connect, bool session_present)
{
    assert_int_equal(take(f, 0x10, connect).action, GM_MQTT_DECIDE);
    assert_false(gm_mqtt_session_ready(f->session));
    assert_int_equal(f->out.size, 0);
    gm_mqtt_reply reply =
        gm_mqtt_session_accept(f->session, session_present, gm_text_of("assigned"), &f->out);
    assert_int_equal(reply.action, GM_MQTT_NOTHING);
    assert_true(gm_mqtt_session_ready(f->session));
}

static void open_old(fixture *f)
{
    open_as(f, connect_old, false);
    expect_sent(f, "20 02 00 00");
}

static void open_new(fixture *f)
{
    open_as(f, connect_new, false);
    expect_sent(f, connack_new);
}

static void again(fixture *f)
{
    gm_mqtt_server server = small_server();
    begin(f, &server);
}

// ---- connecting ----

/// 3: 3.1.0-1; 5: 3.1.0-1, 3.14.0-1
static void the_first_packet_is_a_connect(void **state)
{
    fixture *f = *state;
    expect_closed(take(f, 0xC0, ""), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "");
    assert_false(gm_mqtt_session_ready(f->session));
    again(f);
    expect_closed(take(f, 0x30, "<a> 'x'"), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "");
}

/// 3: 3.1.0-2, 4.8.0-1; 5: 3.1.0-2, 4.13.1-1
static void a_second_connect_ends_the_connection(void **state)
{
    fixture *f = *state;
    open_old(f);
    expect_closed(take(f, 0x10, connect_old), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "");
    again(f);
    open_new(f);
    expect_closed(take(f, 0x10, connect_new), GM_MQTT_PROTOCOL_ERROR);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_PROTOCOL_ERROR);
}

/// 3: 3.1.2-1, 3.1.2-2; 5: 3.1.2-1, 3.1.2-2
static void another_version_is_told_in_a_way_it_knows(void **state)
{
    fixture *f = *state;
    expect_closed(take(f, 0x10, "<MQIsdp> 03 02 0000 <me>"), GM_MQTT_BAD_VERSION);
    expect_sent(f, "20 02 00 01");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 03 02 0000 <me>"), GM_MQTT_BAD_VERSION);
    expect_sent(f, "20 02 00 01");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 84 02 0000 <me>"), GM_MQTT_BAD_VERSION); // a bridge
    expect_sent(f, "20 02 00 01");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 06 02 0000 00 <me>"), GM_MQTT_BAD_VERSION);
    expect_sent(f, "20 03 00 84 00");
    again(f);
    expect_closed(take(f, 0x10, "<HTTP> 04 02 0000 <me>"), GM_MQTT_MALFORMED);
    expect_sent(f, "");
}

/// 3: 3.1.4-1, 3.2.2-6; 5: 3.1.4-1, 3.1.4-2, 4.13.1-1
static void a_malformed_connect_gets_a_connack_in_the_new_version_only(void **state)
{
    fixture *f = *state;
    expect_closed(take(f, 0x10, "<MQTT> 04 03 0000 <me>"), GM_MQTT_MALFORMED);
    expect_sent(f, "");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 05 03 0000 00 <me>"), GM_MQTT_MALFORMED);
    expect_sent(f, "20 03 00 81 00");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 05 06 0000 00 <me> 00 <t/#> <x>"), GM_MQTT_BAD_TOPIC);
    expect_sent(f, "20 03 00 90 00");
}

/// 3: 3.1.4-4, 3.2.0-1; 5: 3.1.4-5, 3.2.0-1, 3.2.2-9, 3.2.2-21
static void an_accepted_connect_is_told_what_is_offered(void **state)
{
    fixture *f = *state;
    open_old(f);
    again(f);
    open_new(f);
    again(f);
    open_as(f, "<MQTT> 05 02 003c 05 1100000064 <me>", false); // what it asked for is given
    expect_sent(f, "20 10 00 00 0d 210004 2401 2700100000 220002");
    again(f);
    open_as(f, "<MQTT> 05 02 0e11 05 11ffffffff <me>", false); // less than it asked for
    expect_sent(f, "20 18 00 00 15 1100093a80 210004 2401 2700100000 220002 130e10");
}

/// 3: 3.1.2-4, 3.1.4-3, 3.2.2-2, 3.2.2-3; 5: 3.1.2-5, 3.1.2-6, 3.1.4-4, 3.2.2-3
static void a_session_that_lives_on_is_told(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 04 00 0000 <me>", true);
    expect_sent(f, "20 02 01 00");
    again(f);
    open_as(f, "<MQTT> 04 00 0000 <me>", false);
    expect_sent(f, "20 02 00 00");
    again(f);
    open_as(f, "<MQTT> 05 00 003c 00 <me>", true);
    expect_sent(f, "20 10 01 00 0d 210004 2401 2700100000 220002");
}

/// 3: 3.1.2-6, 3.2.2-1; 5: 3.1.2-4, 3.2.2-2
static void a_clean_start_has_no_session(void **state)
{
    fixture *f = *state;
    open_as(f, connect_old, true);
    expect_sent(f, "20 02 00 00");
    again(f);
    open_as(f, connect_new, true);
    expect_sent(f, connack_new);
}

/// 3: 3.1.3-6, 3.1.3-7, 3.1.3-8, 3.1.3-9; 5: 3.1.3-6, 3.1.3-7, 3.1.3-8
static void a_client_without_identifier_gets_one(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 04 02 0000 <>", false);
    expect_sent(f, "20 02 00 00");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 04 00 0000 <>"), GM_MQTT_BAD_CLIENT_ID);
    expect_sent(f, "20 02 00 02");
    again(f);
    open_as(f, "<MQTT> 05 00 003c 00 <>", false);
    expect_sent(f, "20 1b 00 00 18 210004 2401 2700100000 12 <assigned> 220002");
}

/// 3: 3.1.3-5, 3.1.3-9; 5: 3.1.3-5, 3.1.3-8
static void an_identifier_has_a_limit(void **state)
{
    fixture *f = *state;
    char connect[400];
    for (int size = GM_MQTT_CLIENT_ID_MAX_SIZE; size <= GM_MQTT_CLIENT_ID_MAX_SIZE + 1; size++) {
        again(f);
        snprintf(connect, sizeof connect, "<MQTT> 04 02 0000 <%0*d>", size, 7);
        gm_mqtt_reply reply = take(f, 0x10, connect);
        bool fits = size == GM_MQTT_CLIENT_ID_MAX_SIZE;
        assert_int_equal(reply.action, fits ? GM_MQTT_DECIDE : GM_MQTT_CLOSE);
        expect_sent(f, fits ? "" : "20 02 00 02");
    }
}

/// 3: 3.1.4-5, 3.2.2-4, 3.2.2-5; 5: 3.1.4-6, 3.2.2-6, 3.2.2-7, 4.13.2-1
static void a_refused_connect_ends_the_connection(void **state)
{
    fixture *f = *state;
    const struct {
        uint8_t reason;
        const char *old;
    } refusals[] = {
        { GM_MQTT_BAD_PASSWORD, "20 02 00 04" }, { GM_MQTT_NOT_AUTHORIZED, "20 02 00 05" },
        { GM_MQTT_BUSY, "20 02 00 03" },         { GM_MQTT_UNAVAILABLE, "20 02 00 03" },
        { GM_MQTT_BANNED, "20 02 00 05" },       { GM_MQTT_QUOTA, "" },
    };
    for (size_t index = 0; index < COUNT(refusals); index++) {
        uint8_t reason = refusals[index].reason;
        again(f);
        assert_int_equal(take(f, 0x10, connect_old).action, GM_MQTT_DECIDE);
        expect_closed(gm_mqtt_session_refuse(f->session, reason, &f->out), reason);
        expect_sent(f, refusals[index].old);
        assert_false(gm_mqtt_session_ready(f->session));
        again(f);
        assert_int_equal(take(f, 0x10, connect_new).action, GM_MQTT_DECIDE);
        expect_closed(gm_mqtt_session_refuse(f->session, reason, &f->out), reason);
        expect_reason(f, GM_MQTT_CONNACK, reason);
        assert_false(gm_mqtt_session_ready(f->session));
    }
}

/// 5: 4.12.0-1, 4.12.0-6
static void an_authentication_method_is_refused(void **state)
{
    fixture *f = *state;
    expect_closed(take(f, 0x10, "<MQTT> 05 02 0000 08 15 <SCRAM> <me>"), GM_MQTT_BAD_METHOD);
    expect_sent(f, "20 03 00 8c 00");
    again(f);
    open_new(f);
    expect_closed(take(f, 0xF0, "19 04 15 <m>"), GM_MQTT_PROTOCOL_ERROR);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_PROTOCOL_ERROR);
}

/// 5: 3.1.2-24, 3.4.2-2, 3.14.2-3
static void nothing_larger_than_the_client_takes_is_sent(void **state)
{
    fixture *f = *state;
    assert_int_equal(take(f, 0x10, "<MQTT> 05 02 0000 05 2700000014 <me>").action, GM_MQTT_DECIDE);
    expect_closed(gm_mqtt_session_accept(f->session, false, (gm_text){ 0 }, &f->out),
                  GM_MQTT_TOO_LARGE);
    expect_sent(f, "20 03 00 95 00");
    again(f);
    open_as(f, "<MQTT> 05 02 0000 05 2700000015 <me>", false);
    f->out.size = 0;
    expect_closed(take(f, 0x10, connect_new), GM_MQTT_PROTOCOL_ERROR);
    expect_sent(f, "e0 01 82"); // without the words that would not fit
}

/// 5: 3.1.2-29
static void reasons_in_words_are_sent_where_wanted(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 05 02 0000 02 1700 <me>", false);
    f->out.size = 0;
    take(f, 0x10, connect_new);
    expect_sent(f, "e0 01 82");
    again(f);
    open_new(f);
    take(f, 0x10, connect_new);
    expect_sent(f, "e0 15 82 13 1f <a second CONNECT>");
}

static void a_connection_must_connect_in_time(void **state)
{
    fixture *f = *state;
    int64_t due_ns = f->now_ns + 10 * second_ns;
    assert_int_equal(gm_mqtt_session_due_ns(f->session), due_ns);
    assert_int_equal(gm_mqtt_session_tick(f->session, due_ns - 1, &f->out).action, GM_MQTT_NOTHING);
    expect_closed(gm_mqtt_session_tick(f->session, due_ns, &f->out), GM_MQTT_SILENT);
    expect_sent(f, "");
    again(f);
    take(f, 0x10, connect_new);
    assert_int_equal(gm_mqtt_session_due_ns(f->session), due_ns);
}

// ---- silence ----

/// 3: 3.1.2-24; 5: 3.1.2-22, 3.2.2-22
static void one_and_a_half_keep_alives_of_silence_end_it(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 04 02 000a <me>", false);
    expect_sent(f, "20 02 00 00");
    f->now_ns += 5 * second_ns;
    take(f, 0xC0, "");
    expect_sent(f, "d0 00");
    int64_t due_ns = f->now_ns + 15 * second_ns;
    assert_int_equal(gm_mqtt_session_due_ns(f->session), due_ns);
    assert_int_equal(gm_mqtt_session_tick(f->session, due_ns - 1, &f->out).action, GM_MQTT_NOTHING);
    expect_closed(gm_mqtt_session_tick(f->session, due_ns, &f->out), GM_MQTT_SILENT);
    expect_sent(f, "");
    assert_int_equal(gm_mqtt_session_due_ns(f->session), INT64_MAX);
}

/// 5: 3.2.2-21, 3.1.2-22
static void a_server_may_ask_for_a_shorter_keep_alive(void **state)
{
    fixture *f = *state;
    open_new(f); // asked for none, was told 3,600 s
    assert_int_equal(gm_mqtt_session_due_ns(f->session), f->now_ns + 5400 * second_ns);
    f->now_ns += 5400 * second_ns;
    expect_closed(gm_mqtt_session_tick(f->session, f->now_ns, &f->out), GM_MQTT_SILENT);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_SILENT);
    again(f);
    open_old(f); // cannot be told
    assert_int_equal(gm_mqtt_session_due_ns(f->session), INT64_MAX);
}

static void who_is_not_read_is_not_silent(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 04 02 000a <me>", false);
    const char *publishes[] = { "<a> 0001", "<a> 0002", "<a> 0003", "<a> 0004" };
    for (size_t index = 0; index < COUNT(publishes); index++) {
        assert_int_equal(take(f, 0x32, publishes[index]).ticket, index + 1);
    }
    assert_false(gm_mqtt_session_ready(f->session)); // 3.1.1 knows no receive maximum
    assert_int_equal(gm_mqtt_session_due_ns(f->session), INT64_MAX);
    f->now_ns += 3600 * second_ns;
    gm_mqtt_session_committed(f->session, 1, &f->out);
    assert_true(gm_mqtt_session_ready(f->session));
    gm_mqtt_session_excuse(f->session, f->now_ns);
    assert_int_equal(gm_mqtt_session_due_ns(f->session), f->now_ns + 15 * second_ns);
}

/// 3: 3.12.4-1; 5: 3.12.4-1
static void a_ping_is_answered(void **state)
{
    fixture *f = *state;
    open_new(f);
    assert_int_equal(take(f, 0xC0, "").action, GM_MQTT_NOTHING);
    expect_sent(f, "d0 00");
}

// ---- messages ----

/// 3: 4.3.1-1; 5: 4.3.1-1
static void qos_0_is_delivered_and_never_answered(void **state)
{
    fixture *f = *state;
    open_old(f);
    gm_mqtt_reply reply = take(f, 0x31, "<a/b> 'x'");
    assert_int_equal(reply.action, GM_MQTT_DELIVER);
    assert_int_equal(reply.ticket, 0);
    assert_true(gm_text_equal(reply.topic, "a/b"));
    expect_sent(f, "");
}

/// 3: 3.3.4-1, 4.3.2-2; 5: 3.3.4-1, 4.3.2-4, 2.2.1-5
static void qos_1_is_acknowledged_only_when_it_is_committed(void **state)
{
    fixture *f = *state;
    open_new(f);
    assert_int_equal(take(f, 0x32, "<a> 0007 00 'x'").ticket, 1);
    assert_int_equal(take(f, 0x32, "<a> 0003 00 'x'").ticket, 2);
    assert_int_equal(take(f, 0x32, "<a> ffff 00 'x'").ticket, 3);
    expect_sent(f, "");
    assert_int_equal(gm_mqtt_session_committed(f->session, 2, &f->out), 2);
    expect_sent(f, "40 02 0007 40 02 0003"); // 4.6.0-2: in the order of arrival
    assert_int_equal(gm_mqtt_session_committed(f->session, 2, &f->out), 0);
    assert_int_equal(gm_mqtt_session_committed(f->session, 3, &f->out), 1);
    expect_sent(f, "40 02 ffff");
}

/// 3: 4.3.2-2; 5: 4.3.2-5
static void an_acknowledged_identifier_is_free_again(void **state)
{
    fixture *f = *state;
    open_new(f);
    for (uint64_t round = 1; round <= 11; round++) {
        assert_int_equal(take(f, 0x32, "<a> 0007 00").ticket, round);
        assert_int_equal(gm_mqtt_session_committed(f->session, round, &f->out), 1);
        expect_sent(f, "40 02 0007");
    }
    assert_int_equal(take(f, 0x3A, "<a> 0007 00").ticket, 12); // whatever its DUP says
}

/// 3: 2.3.1-2; 5: 2.2.1-3, 4.4.0-1
static void an_identifier_in_flight_is_not_used_twice(void **state)
{
    fixture *f = *state;
    open_new(f);
    take(f, 0x32, "<a> 0007 00");
    expect_closed(take(f, 0x3A, "<a> 0007 00"), GM_MQTT_PROTOCOL_ERROR);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_PROTOCOL_ERROR);
    again(f);
    open_old(f);
    take(f, 0x32, "<a> 0007");
    assert_int_equal(take(f, 0x3A, "<a> 0007").action, GM_MQTT_NOTHING); // it may be impatient
    gm_mqtt_session_committed(f->session, 1, &f->out);
    expect_sent(f, "40 02 0007");
    take(f, 0x32, "<a> 0007");
    expect_closed(take(f, 0x32, "<a> 0007"), GM_MQTT_PROTOCOL_ERROR);
}

/// 5: 3.4.2-1, 4.4.0-2
static void a_message_that_is_not_kept_is_told(void **state)
{
    fixture *f = *state;
    open_new(f);
    take(f, 0x32, "<a> 0001 00");
    take(f, 0x32, "<b> 0002 00");
    gm_mqtt_session_reject(f->session, 2, GM_MQTT_NOT_AUTHORIZED);
    gm_mqtt_session_reject(f->session, 9, GM_MQTT_NOT_AUTHORIZED); // nobody's
    gm_mqtt_session_committed(f->session, 2, &f->out);
    expect_sent(f, "40 02 0001 40 03 0002 87");
    again(f);
    open_old(f);
    take(f, 0x32, "<b> 0002");
    gm_mqtt_session_reject(f->session, 1, GM_MQTT_BAD_PAYLOAD);
    gm_mqtt_session_committed(f->session, 1, &f->out);
    expect_sent(f, "40 02 0002"); // which 3.1.1 cannot say
}

/// 5: 3.3.4-7, 3.3.4-9, 4.9.0-1, 4.9.0-3
static void more_in_flight_than_offered_ends_it(void **state)
{
    fixture *f = *state;
    const char *publishes[] = { "<a> 0001 00", "<a> 0002 00", "<a> 0003 00", "<a> 0004 00" };
    open_new(f);
    for (size_t index = 0; index < COUNT(publishes); index++) {
        assert_int_equal(take(f, 0x32, publishes[index]).ticket, index + 1);
    }
    assert_int_equal(take(f, 0x30, "<a> 00").action, GM_MQTT_DELIVER); // QoS 0 does not count
    take(f, 0xC0, "");
    expect_sent(f, "d0 00");
    expect_closed(take(f, 0x32, "<a> 0005 00"), GM_MQTT_TOO_MANY_IN_FLIGHT);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_TOO_MANY_IN_FLIGHT);
}

/// 5: 3.2.2-11, 3.2.2-12
static void qos_2_ends_the_connection(void **state)
{
    fixture *f = *state;
    open_new(f);
    expect_closed(take(f, 0x34, "<a> 0001 00 'x'"), GM_MQTT_NO_QOS);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_NO_QOS);
    again(f);
    open_old(f);
    expect_closed(take(f, 0x34, "<a> 0001 'x'"), GM_MQTT_NO_QOS);
    expect_sent(f, "");
    again(f);
    expect_closed(take(f, 0x10, "<MQTT> 05 16 0000 00 <me> 00 <t> <x>"), GM_MQTT_NO_QOS);
    expect_sent(f, "20 03 00 9b 00");
}

/// 3: 4.3.3-2; 5: 4.3.3-11
static void steps_of_qos_2_for_no_message_are_answered(void **state)
{
    fixture *f = *state;
    open_new(f);
    assert_int_equal(take(f, 0x62, "0009").reason, GM_MQTT_ID_UNKNOWN);
    expect_sent(f, "70 03 0009 92");
    assert_int_equal(take(f, 0x50, "0009").action, GM_MQTT_NOTHING);
    expect_sent(f, "62 03 0009 92");
    again(f);
    open_old(f);
    assert_int_equal(take(f, 0x62, "0009").action, GM_MQTT_NOTHING);
    expect_sent(f, "70 02 0009");
    expect_closed(take(f, 0x50, "0009"), GM_MQTT_PROTOCOL_ERROR);
}

static void acknowledging_what_was_never_sent_ends_it(void **state)
{
    fixture *f = *state;
    const unsigned firsts[] = { 0x40, 0x70 };
    for (size_t index = 0; index < COUNT(firsts); index++) {
        again(f);
        open_new(f);
        expect_closed(take(f, firsts[index], "0001"), GM_MQTT_PROTOCOL_ERROR);
        expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_PROTOCOL_ERROR);
        again(f);
        open_old(f);
        expect_closed(take(f, firsts[index], "0001"), GM_MQTT_PROTOCOL_ERROR);
        expect_sent(f, "");
    }
}

/// 5: 3.3.2-9, 3.3.2-12, 3.2.2-17
static void an_alias_stands_for_the_topic_that_set_it(void **state)
{
    fixture *f = *state;
    open_new(f);
    assert_true(gm_text_equal(take(f, 0x30, "<a/b> 03 230001").topic, "a/b"));
    assert_true(gm_text_equal(take(f, 0x30, "<c> 03 230002").topic, "c"));
    assert_true(gm_text_equal(take(f, 0x30, "<> 03 230001 'x'").topic, "a/b"));
    assert_true(gm_text_equal(take(f, 0x30, "<> 03 230002 'x'").topic, "c"));
    assert_true(gm_text_equal(take(f, 0x30, "<d/e/f> 03 230001").topic, "d/e/f"));
    assert_true(gm_text_equal(take(f, 0x32, "<> 0001 03 230001").topic, "d/e/f"));
    assert_true(gm_text_equal(take(f, 0x30, "<z> 00").topic, "z"));
}

/// 5: 3.3.2-8, 3.3.2-9, 3.2.2-18, 3.3.2-7
static void a_wrong_alias_ends_the_connection(void **state)
{
    fixture *f = *state;
    const struct {
        const char *publish;
        uint8_t reason;
    } wrongs[] = {
        { "<a> 03 230000", GM_MQTT_BAD_ALIAS },
        { "<a> 03 230003", GM_MQTT_BAD_ALIAS },
        { "<> 03 23ffff", GM_MQTT_BAD_ALIAS },
        { "<> 03 230001", GM_MQTT_PROTOCOL_ERROR }, // this connection has not set it
    };
    for (size_t index = 0; index < COUNT(wrongs); index++) {
        again(f);
        open_new(f);
        take(f, 0x30, "<a> 03 230002");
        expect_closed(take(f, 0x30, wrongs[index].publish), wrongs[index].reason);
        expect_reason(f, GM_MQTT_DISCONNECT, wrongs[index].reason);
    }
    gm_mqtt_server server = small_server();
    server.alias_maximum = 0;
    begin(f, &server);
    open_as(f, connect_new, false);
    expect_sent(f, "20 10 00 00 0d 210004 2401 2700100000 130e10");
    expect_closed(take(f, 0x30, "<a> 03 230001"), GM_MQTT_BAD_ALIAS);
}

/// 3: 4.8.0-1; 5: 4.13.1-1, 4.13.2-1
static void a_mistake_ends_the_connection_with_its_reason(void **state)
{
    fixture *f = *state;
    const struct {
        unsigned first;
        const char *rest;
        uint8_t reason;
    } mistakes[] = {
        { 0x30, "<a/+> 00", GM_MQTT_BAD_TOPIC },
        { 0x36, "<a> 0001 00", GM_MQTT_MALFORMED },
        { 0x32, "<a> 0000 00", GM_MQTT_PROTOCOL_ERROR },
        { 0x80, "0001 00 <a> 00", GM_MQTT_MALFORMED },
        { 0x82, "0001 00 <a#> 00", GM_MQTT_BAD_FILTER },
        { 0xC0, "00", GM_MQTT_MALFORMED },
        { 0xD0, "", GM_MQTT_PROTOCOL_ERROR },
    };
    for (size_t index = 0; index < COUNT(mistakes); index++) {
        again(f);
        open_new(f);
        expect_closed(take(f, mistakes[index].first, mistakes[index].rest), mistakes[index].reason);
        expect_reason(f, GM_MQTT_DISCONNECT, mistakes[index].reason);
        assert_false(gm_mqtt_session_ready(f->session));
    }
    again(f);
    open_old(f);
    expect_closed(take(f, 0x30, "<a/+>"), GM_MQTT_BAD_TOPIC);
    expect_sent(f, "");
}

// ---- subscriptions, which are not offered ----

/// 3: 3.8.4-1, 3.8.4-2, 3.8.4-4, 3.8.4-5, 3.9.3-1;
/// 5: 2.2.1-6, 3.2.2-10, 3.8.4-1, 3.8.4-2, 3.8.4-5, 3.8.4-6, 3.8.4-7, 3.9.3-1, 3.9.3-2
static void every_filter_is_refused_in_its_place(void **state)
{
    fixture *f = *state;
    open_new(f);
    gm_mqtt_reply reply = take(f, 0x82, "0102 00 <a> 00 <$share/g/#> 01 <+> 02");
    assert_int_equal(reply.action, GM_MQTT_NOTHING);
    assert_int_equal(reply.reason, GM_MQTT_NOT_OFFERED);
    expect_sent(f, "90 06 0102 00 83 9e 83");
    again(f);
    open_old(f);
    take(f, 0x82, "0102 <a> 00 <$share/g/#> 01");
    expect_sent(f, "90 04 0102 80 80");
    assert_int_equal(take(f, 0x30, "<a>").action, GM_MQTT_DELIVER); // the connection goes on
}

/// 3: 3.10.4-4, 3.10.4-5, 3.10.4-6; 5: 3.10.4-4, 3.10.4-5, 3.10.4-6, 3.11.3-1, 3.11.3-2
static void an_unsubscribe_is_answered(void **state)
{
    fixture *f = *state;
    open_new(f);
    assert_int_equal(take(f, 0xA2, "0102 00 <a> <b>").action, GM_MQTT_NOTHING);
    expect_sent(f, "b0 05 0102 00 11 11");
    again(f);
    open_old(f);
    take(f, 0xA2, "0102 <a> <b>");
    expect_sent(f, "b0 02 0102");
}

// ---- the end, and what remains ----

static const char connect_will[] = "<MQTT> 05 04 0000 05 11000003e8 <me> 05 18000000c8 <t> <gone>";

/// 3: 3.14.4-3, 3.1.2-10, 3.14.4-2; 5: 3.14.4-3, 3.1.2-10, 3.14.4-1
static void a_goodbye_takes_the_will_back(void **state)
{
    fixture *f = *state;
    open_as(f, connect_will, false);
    f->out.size = 0;
    assert_non_null(gm_mqtt_session_will(f->session));
    gm_mqtt_reply reply = take(f, 0xE0, "");
    expect_closed(reply, GM_MQTT_SUCCESS);
    assert_true(reply.by_peer);
    expect_sent(f, "");
    assert_null(gm_mqtt_session_will(f->session));
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns, INT64_MAX);
    again(f);
    open_as(f, "<MQTT> 04 06 0000 <me> <t> <gone>", false);
    take(f, 0xE0, "");
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns, INT64_MAX);
}

/// 3: 3.1.2-8, 3.1.2-9, 3.1.2-16; 5: 3.1.2-7, 3.1.2-8, 3.1.2-14
static void a_will_is_due_when_the_connection_is_lost(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 04 26 0000 <me> <t/x> <gone>", false);
    f->in.size = 0; // the will is the session's own
    mqtt_add(&f->in, "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'");
    const gm_mqtt_will *will = gm_mqtt_session_will(f->session);
    assert_non_null(will);
    assert_true(gm_text_equal(will->topic, "t/x") && gm_text_equal(will->payload, "gone"));
    assert_true(will->retain && will->qos == 0);
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns, f->now_ns);
    again(f);
    open_as(f, connect_will, false);
    take(f, 0xE0, "04"); // goodbye, but publish the will
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns,
                     f->now_ns + 200 * second_ns);
    again(f);
    open_as(f, connect_will, false);
    take(f, 0x36, "<a> 0001 00"); // a mistake
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns,
                     f->now_ns + 200 * second_ns);
}

/// 3: 3.1.2-12
static void without_a_will_nothing_is_due(void **state)
{
    fixture *f = *state;
    open_new(f);
    assert_null(gm_mqtt_session_will(f->session));
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns, INT64_MAX);
    again(f);
    take(f, 0x10, connect_will); // never accepted
    gm_mqtt_session_refuse(f->session, GM_MQTT_NOT_AUTHORIZED, &f->out);
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns, INT64_MAX);
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).session_ns, f->now_ns);
}

/// 5: 3.1.2-23, 4.1.0-2; 3: 3.1.2-4, 3.1.2-6
static void a_session_lives_as_long_as_was_asked(void **state)
{
    fixture *f = *state;
    const struct {
        const char *connect, *goodbye; // "": lost
        int64_t lives_s;
    } cases[] = {
        { "<MQTT> 05 02 0000 00 <me>", "", 0 },
        { "<MQTT> 05 02 0000 05 1100000064 <me>", "", 100 },
        { "<MQTT> 05 02 0000 05 11ffffffff <me>", "", 604800 }, // the most that is offered
        { "<MQTT> 05 02 0000 05 1100000064 <me>", "00 05 1100000007", 7 },
        { "<MQTT> 05 02 0000 05 1100000064 <me>", "00 05 1100000000", 0 },
        { "<MQTT> 05 02 0000 05 1100000064 <me>", "00", 100 },
        { "<MQTT> 04 02 0000 <me>", "", 0 },
        { "<MQTT> 04 00 0000 <me>", "", 604800 },
    };
    for (size_t index = 0; index < COUNT(cases); index++) {
        again(f);
        open_as(f, cases[index].connect, false);
        if (cases[index].goodbye[0] != 0) {
            take(f, 0xE0, cases[index].goodbye);
        }
        assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).session_ns,
                         f->now_ns + cases[index].lives_s * second_ns);
    }
    gm_mqtt_server server = small_server();
    server.session_expiry_max_s = UINT32_MAX;
    begin(f, &server);
    open_as(f, "<MQTT> 05 02 0000 05 11ffffffff <me>", false);
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).session_ns, INT64_MAX);
}

/// 5: 3.14.2.2.2
static void a_session_without_a_life_gets_none_at_the_goodbye(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 05 06 0000 00 <me> 00 <t> <gone>", false);
    f->out.size = 0;
    expect_closed(take(f, 0xE0, "00 05 1100000007"), GM_MQTT_PROTOCOL_ERROR);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_PROTOCOL_ERROR);
    assert_int_equal(gm_mqtt_session_ending(f->session, f->now_ns).will_ns, f->now_ns);
}

/// 5: 3.1.3.2.2: a will waits no longer than its session lives
static void a_will_is_due_when_its_session_ends(void **state)
{
    fixture *f = *state;
    open_as(f, "<MQTT> 05 04 0000 05 1100000064 <me> 05 18ffffffff <t> <gone>", false);
    gm_mqtt_ending ending = gm_mqtt_session_ending(f->session, f->now_ns);
    assert_int_equal(ending.will_ns, f->now_ns + 100 * second_ns);
    assert_int_equal(ending.session_ns, f->now_ns + 100 * second_ns);
}

/// 3: 3.1.4-2; 5: 3.1.4-3
static void a_session_taken_over_ends_the_connection_before(void **state)
{
    fixture *f = *state;
    open_new(f);
    expect_closed(gm_mqtt_session_stop(f->session, GM_MQTT_TAKEN_OVER, &f->out),
                  GM_MQTT_TAKEN_OVER);
    expect_sent(f, "e0 17 8e 15 1f <session taken over>");
    again(f);
    open_old(f);
    expect_closed(gm_mqtt_session_stop(f->session, GM_MQTT_TAKEN_OVER, &f->out),
                  GM_MQTT_TAKEN_OVER);
    expect_sent(f, "");
}

/// 5: 3.1.3-9, 3.1.2-4, 3.1.2-5, 3.1.2-10
static void who_comes_back_in_time_finds_session_and_will(void **state)
{
    (void)state;
    const struct {
        gm_mqtt_ending ending;
        bool clean_start;
        int64_t now_ns;
        bool session_present, publish_will;
    } cases[] = {
        { { 100, 50 }, false, 49, true, false },        // in time: the will is never published
        { { 100, 50 }, false, 50, true, true },         // it was due
        { { 100, INT64_MAX }, false, 99, true, false }, // published before, or none
        { { 100, INT64_MAX }, false, 100, false, false },
        { { 100, 100 }, false, 100, false, true },
        { { 100, 50 },
          true,
          10,
          false,
          true }, // a clean start ends the session, so the will is due
        { { 100, INT64_MAX }, true, 10, false, false },
        { { INT64_MAX, INT64_MAX }, false, INT64_MAX - 1, true, false },
        { { 10, 10 }, false, 10, false, true }, // a session that ended with its connection
    };
    for (size_t index = 0; index < COUNT(cases); index++) {
        gm_mqtt_meeting meeting = gm_mqtt_ending_meet(
            &cases[index].ending, cases[index].clean_start, cases[index].now_ns);
        assert_int_equal(meeting.session_present, cases[index].session_present);
        assert_int_equal(meeting.publish_will, cases[index].publish_will);
    }
}

/// 5: 3.14.4-1, 3.14.4-2; 3: 3.14.4-2
static void nothing_is_sent_behind_the_end(void **state)
{
    fixture *f = *state;
    open_new(f);
    take(f, 0x32, "<a> 0001 00");
    gm_mqtt_session_stop(f->session, GM_MQTT_SHUTTING_DOWN, &f->out);
    expect_reason(f, GM_MQTT_DISCONNECT, GM_MQTT_SHUTTING_DOWN);
    assert_int_equal(gm_mqtt_session_committed(f->session, 1, &f->out), 0);
    expect_closed(gm_mqtt_session_stop(f->session, GM_MQTT_SHUTTING_DOWN, &f->out),
                  GM_MQTT_SHUTTING_DOWN);
    assert_int_equal(gm_mqtt_session_tick(f->session, INT64_MAX - 1, &f->out).action,
                     GM_MQTT_NOTHING);
    expect_sent(f, "");
    assert_false(gm_mqtt_session_ready(f->session));
}

/// The ring of messages in flight, round and round, against a plain list.
static void acknowledgements_keep_their_order_for_ever(void **state)
{
    fixture *f = *state;
    open_new(f);
    uint64_t taken = 0, settled = 0;
    uint32_t seed = 7;
    uint16_t ids[10000];
    for (size_t at = 0; at < COUNT(ids);) {
        seed = seed * 1664525u + 1013904223u;
        if (taken - settled < 4 && (seed >> 30) != 0) {
            char publish[32];
            ids[at] = (uint16_t)(1 + (at * 7919) % 65535);
            snprintf(publish, sizeof publish, "<a> %04x 00", (unsigned)ids[at++]);
            assert_int_equal(take(f, 0x32, publish).ticket, ++taken);
        } else if (taken > settled) {
            uint64_t upto = settled + 1 + (seed >> 20) % (taken - settled);
            assert_int_equal(gm_mqtt_session_committed(f->session, upto, &f->out), upto - settled);
            assert_int_equal(f->out.size, (upto - settled) * 4);
            for (size_t index = 0; settled < upto; index++, settled++) {
                const unsigned char *ack = (const unsigned char *)f->out.data + 4 * index;
                assert_int_equal(ack[2] << 8 | ack[3], ids[settled]);
            }
            f->out.size = 0;
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_packet_is_a_connect),
        TEST(a_second_connect_ends_the_connection),
        TEST(another_version_is_told_in_a_way_it_knows),
        TEST(a_malformed_connect_gets_a_connack_in_the_new_version_only),
        TEST(an_accepted_connect_is_told_what_is_offered),
        TEST(a_session_that_lives_on_is_told),
        TEST(a_clean_start_has_no_session),
        TEST(a_client_without_identifier_gets_one),
        TEST(an_identifier_has_a_limit),
        TEST(a_refused_connect_ends_the_connection),
        TEST(an_authentication_method_is_refused),
        TEST(nothing_larger_than_the_client_takes_is_sent),
        TEST(reasons_in_words_are_sent_where_wanted),
        TEST(a_connection_must_connect_in_time),
        TEST(one_and_a_half_keep_alives_of_silence_end_it),
        TEST(a_server_may_ask_for_a_shorter_keep_alive),
        TEST(who_is_not_read_is_not_silent),
        TEST(a_ping_is_answered),
        TEST(qos_0_is_delivered_and_never_answered),
        TEST(qos_1_is_acknowledged_only_when_it_is_committed),
        TEST(an_acknowledged_identifier_is_free_again),
        TEST(an_identifier_in_flight_is_not_used_twice),
        TEST(a_message_that_is_not_kept_is_told),
        TEST(more_in_flight_than_offered_ends_it),
        TEST(qos_2_ends_the_connection),
        TEST(steps_of_qos_2_for_no_message_are_answered),
        TEST(acknowledging_what_was_never_sent_ends_it),
        TEST(an_alias_stands_for_the_topic_that_set_it),
        TEST(a_wrong_alias_ends_the_connection),
        TEST(a_mistake_ends_the_connection_with_its_reason),
        TEST(every_filter_is_refused_in_its_place),
        TEST(an_unsubscribe_is_answered),
        TEST(a_goodbye_takes_the_will_back),
        TEST(a_will_is_due_when_the_connection_is_lost),
        TEST(without_a_will_nothing_is_due),
        TEST(a_session_lives_as_long_as_was_asked),
        TEST(a_session_without_a_life_gets_none_at_the_goodbye),
        TEST(a_will_is_due_when_its_session_ends),
        TEST(a_session_taken_over_ends_the_connection_before),
        TEST(who_comes_back_in_time_finds_session_and_will),
        TEST(nothing_is_sent_behind_the_end),
        TEST(acknowledgements_keep_their_order_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
