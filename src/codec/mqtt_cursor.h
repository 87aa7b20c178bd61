// Reading the fields of an MQTT packet one after the other, inside this room.
//
// Numbers are big-endian; a text or binary field is a two-byte size and its bytes; a variable byte
// integer has 7 bits a byte, low first, at most four bytes, the shortest form (MQTT 5.0, section
// 1.5). The first field that does not fit or is not what it should be stops the cursor.
#ifndef GEMEL_CODEC_MQTT_CURSOR_H
#define GEMEL_CODEC_MQTT_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "codec/mqtt_reason.h"
#include "codec/mqtt_topic.h"

/// What is wrong with the input, and how it is answered.
typedef struct gm_mqtt_fault {
    uint8_t reason;   // of CONNACK or DISCONNECT in 5.0; 3.1.1 just closes
    uint8_t version;  // of a CONNECT that is refused: the protocol level it asked for, when known
    const char *what; // a constant sentence
} gm_mqtt_fault;

typedef struct mqtt_cursor {
    const unsigned char *at, *end;
    gm_mqtt_fault fault; // .what is NULL while nothing is wrong
} mqtt_cursor;

static inline mqtt_cursor mqtt_cursor_of(gm_text bytes)
{
    const unsigned char *at = (const unsigned char *)(bytes.size > 0 ? bytes.data : "");
    return (mqtt_cursor){ .at = at, .end = at + bytes.size };
}

static inline size_t mqtt_left(const mqtt_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/// Stops the cursor; the first fault stays. @return false
static inline bool mqtt_wrong(mqtt_cursor *cursor, uint8_t reason, const char *what)
{
    if (cursor->fault.what == NULL) {
        cursor->fault.reason = reason;
        cursor->fault.what = what;
    }
    cursor->at = cursor->end;
    return false;
}

static inline bool mqtt_fine(const mqtt_cursor *cursor)
{
    return cursor->fault.what == NULL;
}

static inline bool mqtt_has(mqtt_cursor *cursor, size_t size)
{
    return mqtt_left(cursor) >= size ||
           mqtt_wrong(cursor, GM_MQTT_MALFORMED, "the packet ends inside a field");
}

static inline uint8_t mqtt_u8(mqtt_cursor *cursor)
{
    return mqtt_has(cursor, 1) ? *cursor->at++ : 0;
}

static inline uint16_t mqtt_u16(mqtt_cursor *cursor)
{
    if (!mqtt_has(cursor, 2)) {
        return 0;
    }
    const unsigned char *at = cursor->at;
    cursor->at += 2;
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t mqtt_u32(mqtt_cursor *cursor)
{
    if (!mqtt_has(cursor, 4)) {
        return 0;
    }
    const unsigned char *at = cursor->at;
    cursor->at += 4;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint32_t mqtt_varint(mqtt_cursor *cursor)
{
    uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
        unsigned byte = mqtt_u8(cursor);
        value |= (uint32_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            if (byte == 0 && shift > 0) {
                mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a variable byte integer is too long");
            }
            return value;
        }
    }
    mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a variable byte integer has more than four bytes");
    return 0;
}

static inline gm_text mqtt_bytes(mqtt_cursor *cursor, size_t size)
{
    if (!mqtt_has(cursor, size)) {
        return (gm_text){ 0 };
    }
    gm_text bytes = { (const char *)cursor->at, size };
    cursor->at += size;
    return bytes;
}

static inline gm_text mqtt_binary(mqtt_cursor *cursor)
{
    return mqtt_bytes(cursor, mqtt_u16(cursor));
}

static inline gm_text mqtt_text(mqtt_cursor *cursor)
{
    gm_text text = mqtt_binary(cursor);
    if (text.size > 0 && !gm_mqtt_is_text(text)) {
        mqtt_wrong(cursor, GM_MQTT_MALFORMED, "a text is not UTF-8 without NUL");
    }
    return text;
}

#endif
