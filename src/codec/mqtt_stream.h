// Cutting a stream of bytes into MQTT packets.
//
// A packet is one byte (type, flags), the size of the rest as a variable byte integer of at most
// four bytes, and the rest (MQTT 3.1.1 and 5.0, section 2). Whole packets are given where they lie
// in the chunk that was fed; only one that is not whole yet is copied.
#ifndef GEMEL_CODEC_MQTT_STREAM_H
#define GEMEL_CODEC_MQTT_STREAM_H

#include "codec/mqtt_cursor.h"

enum {
    GM_MQTT_REST_MAX_SIZE = 268435455,                       // bytes behind the fixed header
    GM_MQTT_PACKET_MAX_SIZE = GM_MQTT_REST_MAX_SIZE + 1 + 4, // bytes of any packet
};

/// A packet, not looked into yet.
typedef struct gm_mqtt_frame {
    gm_mqtt_type type; // 0 for the reserved one
    uint8_t flags;     // low four bits of the first byte
    bool padded;       // the size was written longer than needed, which 5.0 forbids
    gm_text rest;      // what follows the fixed header
} gm_mqtt_frame;

typedef enum gm_mqtt_got {
    GM_MQTT_GOT_PART = 0, // feed more
    GM_MQTT_GOT_PACKET,
    GM_MQTT_GOT_FAULT, // the stream is of no use any more
} gm_mqtt_got;

/// Looks at the packet at the front of some bytes.
/// @param size_max  largest packet taken, fixed header included
/// @param size      out: bytes of the whole packet; for a part the bytes known to be needed, more
///                  than there are
/// @param fault     out, of a fault: GM_MQTT_MALFORMED (size of more than four bytes) or
///                  GM_MQTT_TOO_LARGE
gm_mqtt_got gm_mqtt_frame_read(gm_text bytes, size_t size_max, gm_mqtt_frame *frame, size_t *size,
                               gm_mqtt_fault *fault);

/// The packets of one connection. Plain value; start it with gm_mqtt_stream_of. Memory is taken
/// only for packets that arrive in parts: as much as has arrived, used again for the next.
typedef struct gm_mqtt_stream {
    size_t size_max;
    gm_text chunk;   // fed and not given yet
    gm_string carry; // the front of a packet that began in an earlier chunk
    bool given;      // what `carry` holds was given: it is free
} gm_mqtt_stream;

/// @param size_max  largest packet taken, 2 .. GM_MQTT_PACKET_MAX_SIZE
gm_mqtt_stream gm_mqtt_stream_of(size_t size_max);

/// Frees what a stream holds; twice is fine.
void gm_mqtt_stream_free(gm_mqtt_stream *stream);

/// Adds bytes that arrived. The last chunk must have been read to its end, and this one must stay
/// until it is.
void gm_mqtt_stream_feed(gm_mqtt_stream *stream, gm_text chunk);

/// Takes the next packet. Its bytes stay until the next call of stream_next or stream_feed.
/// @param fault  out, of a fault, as gm_mqtt_frame_read has it; GM_MQTT_QUOTA: no memory
gm_mqtt_got gm_mqtt_stream_next(gm_mqtt_stream *stream, gm_mqtt_frame *frame, gm_mqtt_fault *fault);

#endif
