// Fuzzes the MQTT packets: whatever the bytes, a stream cut into portions gives what the whole one
// gives; what is read lies in the input, is written again, and reads back as the same bytes.
//
// The first byte chooses the version, who sends, and the size of the portions.
#include <stdint.h>
#include <string.h>

#include "base/hash.h"
#include "base/require.h"
#include "codec/mqtt_packet.h"

enum { PACKET_SIZE_MAX = 1 << 16 };

typedef struct mqtt_setting {
    gm_mqtt_version version; // 0: a CONNECT will say it
    gm_mqtt_side sender;
} mqtt_setting;

typedef struct mqtt_outcome {
    uint64_t hash; // of all packets and of the fault that ended them
    size_t packet_count;
} mqtt_outcome;

static void mqtt_note(mqtt_outcome *outcome, const void *bytes, size_t size)
{
    outcome->hash = gm_hash(bytes, size, outcome->hash + 1);
}

static void mqtt_check_inside(gm_text all, gm_text part)
{
    GM_REQUIRE(part.size == 0 ||
               (part.data >= all.data && part.data + part.size <= all.data + all.size));
}

/// Walks what is packed in a packet.
static void mqtt_walk(const gm_mqtt_frame *frame, const gm_mqtt_packet *packet)
{
    size_t count = 0;
    if (packet->type == GM_MQTT_PUBLISH) {
        gm_text rest = packet->publish.properties.raw;
        gm_mqtt_property property;
        mqtt_check_inside(frame->rest, packet->publish.topic);
        mqtt_check_inside(frame->rest, packet->publish.payload);
        while (gm_mqtt_property_next(&rest, &property)) {
            GM_REQUIRE((packet->publish.properties.present >> property.id & 1) != 0);
            mqtt_check_inside(frame->rest, property.text);
            mqtt_check_inside(frame->rest, property.value);
        }
        GM_REQUIRE(rest.size == 0);
    } else if (packet->type == GM_MQTT_SUBSCRIBE) {
        gm_text rest = packet->subscribe.filters;
        for (gm_mqtt_subscription wanted; gm_mqtt_subscription_next(&rest, &wanted); count++) {
            GM_REQUIRE(gm_mqtt_is_filter(wanted.filter));
        }
        GM_REQUIRE(count == packet->subscribe.count);
    } else if (packet->type == GM_MQTT_UNSUBSCRIBE) {
        gm_text rest = packet->subscribe.filters;
        for (gm_text filter; gm_mqtt_unsubscription_next(&rest, &filter); count++) {
            GM_REQUIRE(gm_mqtt_is_filter(filter));
        }
        GM_REQUIRE(count == packet->subscribe.count);
    }
}

/// Writes a packet, reads that, and writes it once more.
static void mqtt_check_again(const gm_mqtt_packet *packet, mqtt_setting setting)
{
    gm_mqtt_version version =
        packet->type == GM_MQTT_CONNECT ? packet->connect.version : setting.version;
    gm_string first = { 0 }, second = { 0 };
    gm_mqtt_packet again;
    gm_mqtt_frame frame;
    gm_mqtt_fault fault = { 0 };
    size_t size = 0;
    gm_mqtt_packet_write(&first, version, packet);
    GM_REQUIRE(gm_mqtt_frame_read((gm_text){ first.data, first.size }, PACKET_SIZE_MAX, &frame,
                                  &size, &fault) == GM_MQTT_GOT_PACKET);
    GM_REQUIRE(size == first.size);
    GM_REQUIRE(gm_mqtt_packet_read(&frame, version, setting.sender, &again, &fault));
    gm_mqtt_packet_write(&second, version, &again);
    GM_REQUIRE(first.size == second.size && memcmp(first.data, second.data, first.size) == 0);
    gm_string_free(&first);
    gm_string_free(&second);
}

static mqtt_outcome mqtt_read_all(gm_text bytes, mqtt_setting setting, size_t portion)
{
    mqtt_outcome outcome = { 0 };
    gm_mqtt_stream stream = gm_mqtt_stream_of(PACKET_SIZE_MAX);
    gm_mqtt_fault fault = { 0 };
    for (size_t at = 0; at < bytes.size && fault.what == NULL; at += portion) {
        size_t size = bytes.size - at < portion ? bytes.size - at : portion;
        gm_mqtt_frame frame;
        gm_mqtt_packet packet;
        gm_mqtt_stream_feed(&stream, (gm_text){ bytes.data + at, size });
        while (gm_mqtt_stream_next(&stream, &frame, &fault) == GM_MQTT_GOT_PACKET) {
            mqtt_note(&outcome, &frame.type, sizeof frame.type);
            mqtt_note(&outcome, frame.rest.data, frame.rest.size);
            if (!gm_mqtt_packet_read(&frame, setting.version, setting.sender, &packet, &fault)) {
                GM_REQUIRE(fault.what != NULL && fault.reason >= GM_MQTT_FAILED);
                break;
            }
            mqtt_walk(&frame, &packet);
            mqtt_check_again(&packet, setting);
            setting.version = setting.version == 0 ? packet.connect.version : setting.version;
            outcome.packet_count++;
        }
        if (portion < bytes.size && stream.chunk.size > 0) {
            break; // a fault: the rest is not looked at
        }
    }
    if (fault.what != NULL) {
        mqtt_note(&outcome, fault.what, strlen(fault.what));
    }
    gm_mqtt_stream_free(&stream);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0) {
        return 0;
    }
    mqtt_setting setting = {
        .version = (const gm_mqtt_version[]){ (gm_mqtt_version)0, GM_MQTT_3_1_1, GM_MQTT_5,
                                              GM_MQTT_5 }[bytes[0] & 3],
        .sender = (bytes[0] & 4) != 0 ? GM_MQTT_SERVER : GM_MQTT_CLIENT,
    };
    if (setting.version == 0) {
        setting.sender = GM_MQTT_CLIENT;
    }
    gm_text text = { (const char *)bytes + 1, size - 1 };
    mqtt_outcome whole = mqtt_read_all(text, setting, SIZE_MAX / 2);
    mqtt_outcome parts = mqtt_read_all(text, setting, 1 + (size_t)(bytes[0] >> 3));
    GM_REQUIRE(whole.hash == parts.hash && whole.packet_count == parts.packet_count);
    return 0;
}
