// The n-th allocation fails, for every n: an MQTT connection ends with a reason or its output says
// that it failed; nothing leaks, and what was acknowledged had been committed.
#include "base/failing_memory.h"
#include "codec/mqtt_client.h"
#include "codec/mqtt_notation.h"
#include "codec/mqtt_session.h"

enum { ALLOCATIONS_MAX = 100 };

typedef struct outcome {
    bool refused; // no memory to begin with
    bool ended;   // with a reason
    bool failed;  // `out` lacks what was to be sent
    size_t message_count, acknowledged_count;
} outcome;

static gm_string client_bytes(void)
{
    gm_string bytes = { 0 };
    mqtt_add_packet(&bytes, 0x10,
                    "<MQTT> 05 04 0000 05 1100000064 <me> 05 1800000007 <t> 0003 'xyz'");
    mqtt_add_packet(&bytes, 0x32, "<plant/3/temperature> 0001 03 230001 '24.5'");
    mqtt_add_packet(&bytes, 0x32, "<> 0002 03 230001 '24.5'");
    mqtt_add_packet(&bytes, 0x82, "0003 00 <a> 00 <b> 01");
    mqtt_add_packet(&bytes, 0x32, "<plant/4/temperature> 0004 00 '24.5'");
    return bytes;
}

/// A server takes a client's bytes in portions of five.
static outcome serve(gm_text bytes)
{
    outcome made = { 0 };
    gm_mqtt_server server = gm_default_mqtt_server();
    gm_mqtt_session *session = NULL;
    gm_error error = { 0 };
    if (gm_mqtt_session_create(&server, 0, &session, &error) != GM_OK) {
        assert_int_equal(error.status, GM_MEMORY);
        made.refused = true;
        return made;
    }
    gm_mqtt_stream stream = gm_mqtt_stream_of(1 << 12);
    gm_string out = { 0 };
    uint64_t ticket = 0;
    for (size_t at = 0; at < bytes.size && !made.ended; at += 5) {
        gm_mqtt_frame frame;
        gm_mqtt_fault fault;
        gm_mqtt_got got;
        size_t size = bytes.size - at < 5 ? bytes.size - at : 5;
        gm_mqtt_stream_feed(&stream, (gm_text){ bytes.data + at, size });
        while (!made.ended && (got = gm_mqtt_stream_next(&stream, &frame, &fault)) != 0) {
            gm_mqtt_packet packet;
            gm_mqtt_reply reply;
            if (got == GM_MQTT_GOT_PACKET) {
                assert_true(gm_mqtt_packet_read(&frame, gm_mqtt_session_version(session),
                                                GM_MQTT_CLIENT, &packet, &fault));
                reply = gm_mqtt_session_take(session, &packet, 0, &out);
            } else {
                reply = gm_mqtt_session_fault(session, &fault, &out);
            }
            if (reply.action == GM_MQTT_DECIDE) {
                reply = gm_mqtt_session_accept(session, false, (gm_text){ 0 }, &out);
            }
            made.message_count += reply.action == GM_MQTT_DELIVER;
            ticket = reply.ticket > 0 ? reply.ticket : ticket;
            made.ended = reply.action == GM_MQTT_CLOSE;
            assert_true(!made.ended || reply.reason == GM_MQTT_BUSY ||
                        reply.reason == GM_MQTT_QUOTA);
        }
    }
    made.acknowledged_count = gm_mqtt_session_committed(session, ticket, &out);
    made.failed = out.failed;
    gm_mqtt_session_close(session);
    gm_mqtt_stream_free(&stream);
    gm_string_free(&out);
    return made;
}

static void a_server_without_memory_ends_the_connection(void **state)
{
    (void)state;
    gm_string bytes = client_bytes();
    long allowed = 0;
    bool whole = false;
    for (; !whole && allowed < ALLOCATIONS_MAX; allowed++) {
        allocations_left = allowed;
        outcome made = serve((gm_text){ bytes.data, bytes.size });
        allocations_left = LONG_MAX;
        whole = !made.refused && !made.ended && !made.failed;
        assert_true(made.acknowledged_count <= made.message_count);
        assert_true(!whole || (made.message_count == 3 && made.acknowledged_count == 3));
    }
    assert_true(whole);
    assert_true(allowed > 8); // session, ring, bits, aliases, carry, will, answers, out, alias
    gm_string_free(&bytes);
}

static void a_client_without_memory_is_not_made(void **state)
{
    (void)state;
    gm_mqtt_client_options options = gm_default_mqtt_client();
    gm_mqtt_client *client = NULL;
    options.connect.client_id = gm_text_of("me");
    long allowed = 0;
    for (; client == NULL && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_error error = { 0 };
        allocations_left = allowed;
        gm_status status = gm_mqtt_client_create(&options, &client, &error);
        allocations_left = LONG_MAX;
        assert_int_equal(status, client != NULL ? GM_OK : GM_MEMORY);
        assert_int_equal(error.status, status);
    }
    assert_true(allowed > 5);
    gm_mqtt_client_close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_without_memory_ends_the_connection),
        cmocka_unit_test(a_client_without_memory_is_not_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
