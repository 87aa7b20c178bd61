// Benchmark of the MQTT codec: what one message costs from bytes that arrived to a topic and a
// payload, then with the server's rules and its acknowledgement, then with a topic template.
#include <stdio.h>

#include "base/require.h"
#include "bench_timing.h"
#include "codec/mqtt_session.h"
#include "codec/topic_template.h"

enum { MESSAGES = 600, PASSES = 2000, RUNS = 7 }; // some 60 KiB a pass: what one read may bring

typedef struct load {
    gm_mqtt_version version;
    uint8_t qos;
    gm_string bytes; // MESSAGES packets, identifiers 1 ...
} load;

/// One sample a message, as a JSON object, from one of 10 x 60 machines.
static load make_load(gm_mqtt_version version, uint8_t qos)
{
    load made = { .version = version, .qos = qos };
    for (unsigned index = 0; index < MESSAGES; index++) {
        char topic[64], payload[64];
        int topic_size = snprintf(topic, sizeof topic, "plant/%u/machine-%02u/temperature",
                                  index % 10, index / 10);
        int size = snprintf(payload, sizeof payload, "{\"t\":1614873060%03u000000,\"v\":%u.5}",
                            index, index % 90);
        gm_mqtt_packet packet = { .type = GM_MQTT_PUBLISH };
        packet.publish = (gm_mqtt_publish){ .topic = { topic, (size_t)topic_size },
                                            .payload = { payload, (size_t)size },
                                            .qos = qos,
                                            .id = (uint16_t)(index + 1) };
        gm_mqtt_packet_write(&made.bytes, version, &packet);
    }
    GM_REQUIRE(!made.bytes.failed);
    return made;
}

/// @return a sum over what was read, so that nothing is left out
static size_t read_load(const load *from, const gm_topic_template *rule, gm_mqtt_session *session,
                        gm_string *out)
{
    gm_mqtt_stream stream = gm_mqtt_stream_of(1 << 16);
    gm_mqtt_frame frame;
    gm_mqtt_fault fault;
    gm_mqtt_packet packet;
    size_t sum = 0;
    uint64_t ticket = 0;
    gm_mqtt_stream_feed(&stream, (gm_text){ from->bytes.data, from->bytes.size });
    while (gm_mqtt_stream_next(&stream, &frame, &fault) == GM_MQTT_GOT_PACKET) {
        GM_REQUIRE(gm_mqtt_packet_read(&frame, from->version, GM_MQTT_CLIENT, &packet, &fault));
        sum += packet.publish.payload.size;
        if (session != NULL) {
            GM_REQUIRE(gm_mqtt_session_ready(session));
            gm_mqtt_reply reply = gm_mqtt_session_take(session, &packet, 0, out);
            GM_REQUIRE(reply.action == GM_MQTT_DELIVER);
            ticket = reply.ticket;
        }
        if (rule != NULL) {
            gm_text captures[GM_TOPIC_CAPTURES_MAX];
            GM_REQUIRE(gm_topic_template_match(rule, packet.publish.topic, captures));
            sum += captures[1].size;
        }
    }
    if (session != NULL) {
        gm_mqtt_session_committed(session, ticket, out);
        sum += out->size;
        out->size = 0;
    }
    return sum;
}

static gm_mqtt_session *open_session(gm_mqtt_version version, gm_string *out)
{
    gm_mqtt_server server = gm_default_mqtt_server();
    gm_mqtt_session *session = NULL;
    GM_REQUIRE(gm_mqtt_session_create(&server, 0, &session, NULL) == GM_OK);
    gm_mqtt_packet connect = { .type = GM_MQTT_CONNECT };
    connect.connect =
        (gm_mqtt_connect){ .version = version, .client_id = gm_text_of("a"), .clean_start = true };
    GM_REQUIRE(gm_mqtt_session_take(session, &connect, 0, out).action == GM_MQTT_DECIDE);
    gm_mqtt_session_accept(session, false, (gm_text){ 0 }, out);
    out->size = 0;
    return session;
}

/// Median nanoseconds of processor time a message.
static double time_load(const load *from, const gm_topic_template *rule, bool with_session)
{
    double runs[RUNS];
    size_t sum = 0;
    for (int run = 0; run < RUNS; run++) {
        gm_string out = { 0 };
        gm_mqtt_session *session = with_session ? open_session(from->version, &out) : NULL;
        double start = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int pass = 0; pass < PASSES; pass++) {
            sum += read_load(from, rule, session, &out);
        }
        runs[run] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - start) * 1e9 / PASSES / MESSAGES;
        gm_mqtt_session_close(session);
        gm_string_free(&out);
    }
    GM_REQUIRE(sum > 0);
    return median(runs, RUNS);
}

int main(void)
{
    gm_topic_template rule;
    GM_REQUIRE(gm_topic_template_compile(gm_text_of("plant/{line}/machine-{machine}/temperature"),
                                         &rule, NULL) == GM_OK);
    printf("MQTT PUBLISH, one sample of some 80 bytes, processor ns a message (million a second)\n"
           "%-12s %18s %24s %24s\n",
           "", "read", "read, rules, PUBACK", "read, topic template");
    const gm_mqtt_version versions[] = { GM_MQTT_3_1_1, GM_MQTT_5 };
    for (size_t version = 0; version < 2; version++) {
        for (uint8_t qos = 0; qos <= 1; qos++) {
            load from = make_load(versions[version], qos);
            double alone = time_load(&from, NULL, false), ruled = time_load(&from, NULL, true);
            double mapped = time_load(&from, &rule, false);
            printf("%-5s QoS %d %9.1f (%6.1f) %15.1f (%6.1f) %15.1f (%6.1f)\n",
                   versions[version] == GM_MQTT_5 ? "5.0" : "3.1.1", qos, alone, 1e3 / alone, ruled,
                   1e3 / ruled, mapped, 1e3 / mapped);
            gm_string_free(&from.bytes);
        }
    }
    return 0;
}
