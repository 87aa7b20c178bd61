// MQTT packets in a stream: see mqtt_stream.h.
#include "codec/mqtt_stream.h"

#include "base/require.h"

enum { SIZE_BYTES_MAX = 4 };

static gm_mqtt_got fail(gm_mqtt_fault *fault, uint8_t reason, const char *what)
{
    *fault = (gm_mqtt_fault){ .reason = reason, .what = what };
    return GM_MQTT_GOT_FAULT;
}

gm_mqtt_got gm_mqtt_frame_read(gm_text bytes, size_t size_max, gm_mqtt_frame *frame, size_t *size,
                               gm_mqtt_fault *fault)
{
    const unsigned char *at = (const unsigned char *)bytes.data;
    size_t rest = 0, header = 1;
    for (unsigned byte = 0x80; byte >= 0x80; header++) {
        if (header > SIZE_BYTES_MAX) {
            return fail(fault, GM_MQTT_MALFORMED, "a packet's size has more than four bytes");
        }
        if (header >= bytes.size) {
            *size = header + 1;
            return GM_MQTT_GOT_PART;
        }
        byte = at[header];
        rest |= (size_t)(byte & 0x7F) << (7 * (header - 1));
    }
    if (rest > size_max || header > size_max - rest) {
        return fail(fault, GM_MQTT_TOO_LARGE, "a packet is larger than what is taken here");
    }
    *size = header + rest;
    if (bytes.size < *size) {
        return GM_MQTT_GOT_PART;
    }
    *frame = (gm_mqtt_frame){ .type = (gm_mqtt_type)(at[0] >> 4),
                              .flags = at[0] & 0x0F,
                              .padded = header > 2 && at[header - 1] == 0,
                              .rest = { bytes.data + header, rest } };
    return GM_MQTT_GOT_PACKET;
}

gm_mqtt_stream gm_mqtt_stream_of(size_t size_max)
{
    GM_REQUIRE(size_max >= 2 && size_max <= GM_MQTT_PACKET_MAX_SIZE);
    return (gm_mqtt_stream){ .size_max = size_max };
}

void gm_mqtt_stream_free(gm_mqtt_stream *stream)
{
    gm_string_free(&stream->carry);
    stream->chunk = (gm_text){ 0 };
    stream->given = false;
}

void gm_mqtt_stream_feed(gm_mqtt_stream *stream, gm_text chunk)
{
    GM_REQUIRE(stream->chunk.size == 0);
    stream->chunk = chunk;
}

/// Moves bytes from the chunk to what is carried over; fewer than asked for when it has no more.
static void carry_over(gm_mqtt_stream *stream, size_t size)
{
    gm_text *chunk = &stream->chunk;
    size_t taken = size < chunk->size ? size : chunk->size;
    gm_string_add(&stream->carry, chunk->data, taken);
    chunk->data += taken;
    chunk->size -= taken;
}

gm_mqtt_got gm_mqtt_stream_next(gm_mqtt_stream *stream, gm_mqtt_frame *frame, gm_mqtt_fault *fault)
{
    gm_string *carry = &stream->carry;
    gm_text *chunk = &stream->chunk;
    size_t size = 0;
    if (stream->given) {
        carry->size = 0;
        stream->given = false;
    }
    if (carry->size == 0) {
        gm_mqtt_got got = gm_mqtt_frame_read(*chunk, stream->size_max, frame, &size, fault);
        if (got == GM_MQTT_GOT_PACKET) {
            chunk->data += size;
            chunk->size -= size;
        }
        if (got != GM_MQTT_GOT_PART || chunk->size == 0) {
            return got;
        }
    }
    for (;;) {
        gm_text carried = { carry->data, carry->size };
        gm_mqtt_got got = gm_mqtt_frame_read(carried, stream->size_max, frame, &size, fault);
        if (got != GM_MQTT_GOT_PART) {
            stream->given = got == GM_MQTT_GOT_PACKET;
            return got;
        }
        if (chunk->size == 0) {
            return GM_MQTT_GOT_PART;
        }
        carry_over(stream, size - carry->size);
        if (carry->failed) {
            return fail(fault, GM_MQTT_QUOTA, "no memory for a packet");
        }
    }
}
