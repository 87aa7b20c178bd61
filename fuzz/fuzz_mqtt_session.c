// Fuzzes the rules of an MQTT server and client: whatever arrives and when, all that is sent is
// right in itself, no message is acknowledged before it was committed or more than once, and
// nothing is sent behind the end.
//
// The first byte chooses the side, the version and the limits. Then commands: the low two bits of a
// byte say whether bytes arrive, a commit ends, time passes, or we end it; the others say how many
// or how much.
#include <stdint.h>
#include <string.h>

#include "base/require.h"
#include "codec/mqtt_client.h"
#include "codec/mqtt_session.h"

typedef struct mqtt_play {
    gm_mqtt_session *session; // one of the two
    gm_mqtt_client *client;
    gm_mqtt_version version; // of the client
    gm_mqtt_stream stream;
    gm_string out;
    size_t checked; // of `out`, bytes that were looked at
    int64_t now_ns;
    uint64_t delivered, settled; // newest tickets
    uint64_t acknowledged;       // PUBACKs in `out`
    bool over;
} mqtt_play;

static gm_mqtt_version mqtt_spoken(const mqtt_play *play)
{
    return play->session != NULL ? gm_mqtt_session_version(play->session) : play->version;
}

/// Reads what we sent as the other side would.
static void mqtt_check_sent(mqtt_play *play)
{
    gm_mqtt_side side = play->session != NULL ? GM_MQTT_SERVER : GM_MQTT_CLIENT;
    while (play->checked < play->out.size) {
        gm_text rest = { play->out.data + play->checked, play->out.size - play->checked };
        gm_mqtt_frame frame;
        gm_mqtt_fault fault = { 0 };
        gm_mqtt_packet packet;
        size_t size = 0;
        GM_REQUIRE(gm_mqtt_frame_read(rest, GM_MQTT_PACKET_MAX_SIZE, &frame, &size, &fault) ==
                   GM_MQTT_GOT_PACKET);
        gm_mqtt_version version = mqtt_spoken(play);
        if (frame.type == GM_MQTT_CONNECT) {
            version = (gm_mqtt_version)0;
        } else if (version == 0) { // a CONNACK to a CONNECT that could not be read
            GM_REQUIRE(frame.type == GM_MQTT_CONNACK);
            version = frame.rest.size > 2 ? GM_MQTT_5 : GM_MQTT_3_1_1;
        }
        GM_REQUIRE(gm_mqtt_packet_read(&frame, version, side, &packet, &fault));
        play->acknowledged += frame.type == GM_MQTT_PUBACK;
        play->checked += size;
    }
    GM_REQUIRE(play->acknowledged <= play->settled && play->settled <= play->delivered);
}

static void mqtt_heed(mqtt_play *play, gm_mqtt_reply reply, unsigned choice)
{
    if (reply.action == GM_MQTT_DECIDE && (choice & 7) == 7) {
        reply = gm_mqtt_session_refuse(play->session, GM_MQTT_NOT_AUTHORIZED, &play->out);
    } else if (reply.action == GM_MQTT_DECIDE) {
        reply = gm_mqtt_session_accept(play->session, (choice & 1) != 0, gm_text_of("chosen"),
                                       &play->out);
    }
    if (reply.action == GM_MQTT_DELIVER) {
        GM_REQUIRE(gm_mqtt_is_topic(reply.topic));
        GM_REQUIRE(reply.ticket == 0 || reply.ticket == play->delivered + 1);
        play->delivered += reply.ticket > 0;
        if (reply.ticket > 0 && choice % 5 == 0 && play->session != NULL) {
            gm_mqtt_session_reject(play->session, reply.ticket, GM_MQTT_BAD_PAYLOAD);
        }
    }
    play->over = reply.action == GM_MQTT_CLOSE;
    mqtt_check_sent(play);
}

static gm_mqtt_reply mqtt_one(mqtt_play *play, const gm_mqtt_frame *frame)
{
    gm_mqtt_packet packet;
    gm_mqtt_fault fault = { 0 };
    gm_mqtt_side side = play->session != NULL ? GM_MQTT_CLIENT : GM_MQTT_SERVER;
    bool read = gm_mqtt_packet_read(frame, mqtt_spoken(play), side, &packet, &fault);
    if (play->session != NULL) {
        return read ? gm_mqtt_session_take(play->session, &packet, play->now_ns, &play->out)
                    : gm_mqtt_session_fault(play->session, &fault, &play->out);
    }
    return read ? gm_mqtt_client_take(play->client, &packet, play->now_ns, &play->out)
                : gm_mqtt_client_fault(play->client, &fault, &play->out);
}

static bool mqtt_ready(const mqtt_play *play)
{
    return !play->over && (play->session != NULL ? gm_mqtt_session_ready(play->session)
                                                 : gm_mqtt_client_ready(play->client));
}

static void mqtt_commit(mqtt_play *play, uint64_t ticket)
{
    play->settled = ticket > play->settled ? ticket : play->settled;
    size_t count = play->session != NULL
                       ? gm_mqtt_session_committed(play->session, ticket, &play->out)
                       : gm_mqtt_client_committed(play->client, ticket, &play->out);
    GM_REQUIRE(!play->over || count == 0);
    mqtt_check_sent(play);
}

static void mqtt_arrive(mqtt_play *play, gm_text chunk, unsigned choice)
{
    gm_mqtt_frame frame;
    gm_mqtt_fault fault = { 0 };
    gm_mqtt_stream_feed(&play->stream, chunk);
    while (!play->over) {
        if (!mqtt_ready(play)) { // as many in flight as there may be
            mqtt_commit(play, play->delivered);
        }
        gm_mqtt_got got = gm_mqtt_stream_next(&play->stream, &frame, &fault);
        if (got == GM_MQTT_GOT_PART) {
            return;
        }
        if (got == GM_MQTT_GOT_PACKET) {
            mqtt_heed(play, mqtt_one(play, &frame), choice);
        } else if (play->session != NULL) {
            mqtt_heed(play, gm_mqtt_session_fault(play->session, &fault, &play->out), choice);
        } else {
            mqtt_heed(play, gm_mqtt_client_fault(play->client, &fault, &play->out), choice);
        }
    }
}

static void mqtt_pass_time(mqtt_play *play, unsigned amount)
{
    play->now_ns += (int64_t)amount * amount * 1000000000;
    mqtt_heed(play,
              play->session != NULL ? gm_mqtt_session_tick(play->session, play->now_ns, &play->out)
                                    : gm_mqtt_client_tick(play->client, play->now_ns, &play->out),
              1);
}

static void mqtt_open(mqtt_play *play, uint8_t setting)
{
    play->stream = gm_mqtt_stream_of(1 << 12);
    if ((setting & 1) == 0) {
        gm_mqtt_server server = gm_default_mqtt_server();
        server.receive_maximum = 1 + (setting >> 4);
        server.alias_maximum = (setting >> 2) & 3;
        GM_REQUIRE(gm_mqtt_session_create(&server, 0, &play->session, NULL) == GM_OK);
        return;
    }
    gm_mqtt_client_options options = gm_default_mqtt_client();
    play->version = (setting & 2) == 0 ? GM_MQTT_3_1_1 : GM_MQTT_5;
    options.connect.version = play->version;
    options.connect.client_id = gm_text_of("me");
    options.connect.clean_start = (setting & 4) != 0;
    options.receive_maximum = 1 + (setting >> 4);
    GM_REQUIRE(gm_mqtt_client_create(&options, &play->client, NULL) == GM_OK);
    gm_mqtt_client_connect(play->client, 0, &play->out);
    mqtt_check_sent(play);
}

static void mqtt_check_ending(const mqtt_play *play)
{
    if (play->session != NULL) {
        gm_mqtt_ending ending = gm_mqtt_session_ending(play->session, play->now_ns);
        GM_REQUIRE(ending.session_ns >= play->now_ns && ending.will_ns >= play->now_ns);
        GM_REQUIRE((ending.will_ns == INT64_MAX) == (gm_mqtt_session_will(play->session) == NULL));
        gm_mqtt_meeting meeting = gm_mqtt_ending_meet(&ending, true, play->now_ns);
        GM_REQUIRE(!meeting.session_present);
        GM_REQUIRE(meeting.publish_will == (ending.will_ns != INT64_MAX));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    mqtt_play play = { 0 };
    mqtt_open(&play, bytes[0]);
    for (size_t at = 1; at < size && !play.over;) {
        unsigned command = bytes[at] & 3, amount = bytes[at] >> 2;
        at++;
        if (command == 0) {
            size_t chunk = size - at < amount + 1 ? size - at : amount + 1;
            mqtt_arrive(&play, (gm_text){ (const char *)bytes + at, chunk }, amount);
            at += chunk;
        } else if (command == 1) {
            mqtt_commit(&play, play.delivered - play.delivered % (amount + 1));
        } else if (command == 2) {
            mqtt_pass_time(&play, amount);
        } else if (amount == 0 && play.session != NULL) {
            gm_mqtt_session_stop(play.session, GM_MQTT_SHUTTING_DOWN, &play.out);
            mqtt_check_sent(&play);
            play.over = true;
        }
    }
    size_t sent = play.out.size;
    mqtt_commit(&play, play.delivered);
    GM_REQUIRE(!play.over || play.out.size == sent);
    mqtt_check_ending(&play);
    gm_mqtt_session_close(play.session);
    gm_mqtt_client_close(play.client);
    gm_mqtt_stream_free(&play.stream);
    gm_string_free(&play.out);
    return 0;
}
