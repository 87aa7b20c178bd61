// A client and a server of ours talk over a line that cuts, delays and breaks, while the server
// commits when it likes and now and then loses what it had not committed: whatever happens, a
// message that the client heard was taken is on disk, and in the end all are.
#include <stdio.h>

#include "base/arena.h"
#include "codec/mqtt_client.h"
#include "codec/mqtt_notation.h"
#include "codec/mqtt_session.h"

enum { MESSAGES = 400, WINDOW = 8, STEPS_MAX = 200000 };

typedef struct line {
    gm_string bytes; // sent and not arrived
    gm_mqtt_stream stream;
} line;

typedef struct pair {
    uint64_t seed;
    gm_mqtt_version version;
    int64_t now_ns;
    gm_mqtt_client *client;
    gm_mqtt_session *session;
    gm_mqtt_ending ending; // of the session before
    line up, down;
    bool open;                  // the client may send
    size_t sent, heard;         // messages begun, and heard to be taken
    uint16_t waiting[MESSAGES]; // packet identifier of each message that waits; 0 of the others
    bool taken[MESSAGES];       // heard to be taken
    bool on_disk[MESSAGES];
    size_t delivered[MESSAGES * 4]; // on this connection, by ticket: which message
    uint64_t ticket;                // newest on this connection
    size_t repeats, breaks;
} pair;

static size_t draw(pair *p, size_t count)
{
    p->seed ^= p->seed << 13;
    p->seed ^= p->seed >> 7;
    p->seed ^= p->seed << 17;
    return (size_t)((p->seed >> 16) % count);
}

static void begin_line(line *l)
{
    l->bytes.size = 0;
    gm_mqtt_stream_free(&l->stream);
    l->stream = gm_mqtt_stream_of(1 << 12);
}

/// The connection is gone, and the client begins another one.
static void connect_again(pair *p)
{
    gm_mqtt_server server = gm_default_mqtt_server();
    server.receive_maximum = WINDOW;
    if (p->session != NULL) {
        p->ending = gm_mqtt_session_ending(p->session, p->now_ns);
        gm_mqtt_session_close(p->session);
    }
    assert_int_equal(gm_mqtt_session_create(&server, p->now_ns, &p->session, NULL), GM_OK);
    begin_line(&p->up);
    begin_line(&p->down);
    p->ticket = 0;
    p->open = false;
    p->breaks++;
    gm_mqtt_client_connect(p->client, p->now_ns, &p->up.bytes);
}

static void send_message(pair *p, size_t number, uint16_t id)
{
    char payload[24];
    int size = snprintf(payload, sizeof payload, "%zu", number);
    gm_mqtt_publish message = {
        .topic = gm_text_of("plant/t"), .payload = { payload, (size_t)size }, .qos = 1, .id = id
    };
    if (gm_mqtt_client_publish(p->client, &message, &id, &p->up.bytes) == GM_OK) {
        p->waiting[number] = id;
        p->sent = number == p->sent ? number + 1 : p->sent;
    }
}

/// What a client does after a reconnect with what it never heard of.
static void resend(pair *p, bool session_present)
{
    for (size_t number = 0; number < p->sent; number++) {
        if (p->waiting[number] != 0) {
            send_message(p, number, session_present ? p->waiting[number] : 0);
            p->repeats++;
        }
    }
}

static void client_heeds(pair *p, gm_mqtt_reply reply, const gm_mqtt_packet *packet)
{
    if (reply.action == GM_MQTT_CONNECTED) {
        p->open = true;
        resend(p, packet->connack.session_present);
    } else if (reply.action == GM_MQTT_DELIVERED) {
        for (size_t number = 0; number < p->sent; number++) {
            if (p->waiting[number] == packet->ack.id) {
                assert_true(p->on_disk[number]); // the law
                p->waiting[number] = 0;
                p->taken[number] = true;
                p->heard++;
            }
        }
    } else {
        assert_int_equal(reply.action, GM_MQTT_NOTHING);
        assert_int_equal(reply.reason, 0);
    }
}

static void server_heeds(pair *p, gm_mqtt_reply reply, const gm_mqtt_packet *packet)
{
    if (reply.action == GM_MQTT_DECIDE) {
        bool present =
            gm_mqtt_ending_meet(&p->ending, packet->connect.clean_start, p->now_ns).session_present;
        reply = gm_mqtt_session_accept(p->session, present, (gm_text){ 0 }, &p->down.bytes);
    } else if (reply.action == GM_MQTT_DELIVER) {
        int64_t number = -1;
        assert_true(gm_text_to_i64(packet->publish.payload, &number));
        assert_int_equal(reply.ticket, p->ticket + 1);
        assert_true(reply.ticket < MESSAGES * 4);
        p->delivered[++p->ticket] = (size_t)number;
        return;
    }
    assert_int_equal(reply.action, GM_MQTT_NOTHING);
    assert_int_equal(reply.reason, 0);
}

/// Some bytes arrive on one of the lines.
static void arrive(pair *p, bool up)
{
    line *l = up ? &p->up : &p->down;
    size_t size = 1 + draw(p, 60);
    size = size < l->bytes.size ? size : l->bytes.size;
    char chunk[64];
    memcpy(chunk, l->bytes.data, size);
    memmove(l->bytes.data, l->bytes.data + size, l->bytes.size - size);
    l->bytes.size -= size;
    gm_mqtt_frame frame;
    gm_mqtt_fault fault;
    gm_mqtt_packet packet;
    gm_mqtt_stream_feed(&l->stream, (gm_text){ chunk, size });
    while (gm_mqtt_stream_next(&l->stream, &frame, &fault) == GM_MQTT_GOT_PACKET) {
        if (up) {
            assert_true(gm_mqtt_session_ready(p->session));
            assert_true(gm_mqtt_packet_read(&frame, gm_mqtt_session_version(p->session),
                                            GM_MQTT_CLIENT, &packet, &fault));
            server_heeds(p, gm_mqtt_session_take(p->session, &packet, p->now_ns, &p->down.bytes),
                         &packet);
        } else {
            assert_true(gm_mqtt_packet_read(&frame, p->version, GM_MQTT_SERVER, &packet, &fault));
            client_heeds(p, gm_mqtt_client_take(p->client, &packet, p->now_ns, &p->up.bytes),
                         &packet);
        }
    }
}

/// A commit ends: all messages up to some ticket are on disk.
static void commit(pair *p)
{
    uint64_t upto = draw(p, (size_t)p->ticket + 1);
    for (uint64_t ticket = 1; ticket <= upto; ticket++) {
        p->on_disk[p->delivered[ticket]] = true;
    }
    gm_mqtt_session_committed(p->session, upto, &p->down.bytes);
}

static size_t waiting_count(const pair *p)
{
    size_t count = 0;
    for (size_t number = 0; number < p->sent; number++) {
        count += p->waiting[number] != 0;
    }
    return count;
}

static void play(uint64_t seed, gm_mqtt_version version)
{
    pair *p = gm_memory_new(1, sizeof *p);
    assert_non_null(p);
    *p = (pair){ .seed = seed * UINT64_C(0x9E3779B97F4A7C15) + 1, .version = version };
    gm_mqtt_client_options options = gm_default_mqtt_client();
    options.connect.version = version;
    options.connect.client_id = gm_text_of("me");
    options.connect.keep_alive_s = 0;
    options.session_expiry_s = 50;
    assert_int_equal(gm_mqtt_client_create(&options, &p->client, NULL), GM_OK);
    connect_again(p);
    int steps = 0;
    for (; p->heard < MESSAGES && steps < STEPS_MAX; steps++) {
        size_t kind = draw(p, 100);
        if (kind < 35 && p->up.bytes.size > 0 && gm_mqtt_session_ready(p->session)) {
            arrive(p, true);
        } else if (kind < 70 && p->down.bytes.size > 0) {
            arrive(p, false);
        } else if (kind < 85) {
            commit(p);
        } else if (kind < 98 && p->open && p->sent < MESSAGES && waiting_count(p) < WINDOW) {
            send_message(p, p->sent, 0);
        } else if (kind == 99 && draw(p, 4) == 0) {
            p->now_ns += (int64_t)draw(p, 100) * 1000000000; // sometimes the session is over then
            connect_again(p);
        }
    }
    assert_true(steps < STEPS_MAX);
    for (size_t number = 0; number < MESSAGES; number++) {
        assert_true(p->on_disk[number] && p->taken[number]);
    }
    assert_true(p->breaks > 1 && p->repeats > 0);
    gm_mqtt_client_close(p->client);
    gm_mqtt_session_close(p->session);
    gm_mqtt_stream_free(&p->up.stream);
    gm_mqtt_stream_free(&p->down.stream);
    gm_string_free(&p->up.bytes);
    gm_string_free(&p->down.bytes);
    gm_memory_free(p);
}

static void what_is_acknowledged_is_on_disk_whatever_breaks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        play(seed, seed % 2 == 0 ? GM_MQTT_5 : GM_MQTT_3_1_1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_acknowledged_is_on_disk_whatever_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
