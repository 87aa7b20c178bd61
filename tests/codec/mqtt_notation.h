// Bytes of MQTT packets as tests write them: "10 <MQTT> 05 'text' 0a0b" is hexadecimal digits,
// <text> with its two-byte size in front, and 'text' as it is.
#ifndef GEMEL_TESTS_MQTT_NOTATION_H
#define GEMEL_TESTS_MQTT_NOTATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/require.h"
#include "codec/mqtt_packet.h"

// Short names for tables: who sends, which version
enum { C = GM_MQTT_CLIENT, S = GM_MQTT_SERVER, OLD = GM_MQTT_3_1_1, NEW = GM_MQTT_5 };

static inline unsigned mqtt_digit(char digit)
{
    const char *digits = "0123456789abcdef", *found = strchr(digits, digit);
    GM_REQUIRE(found != NULL && digit != 0);
    return (unsigned)(found - digits);
}

/// Appends what the notation says.
static inline void mqtt_add(gm_string *out, const char *notation)
{
    for (const char *at = notation; *at != 0;) {
        if (*at == ' ') {
            at++;
        } else if (*at == '<' || *at == '\'') {
            size_t size = strcspn(at + 1, *at == '<' ? ">" : "'");
            if (*at == '<') {
                gm_mqtt_put_u16(out, (uint16_t)size);
            }
            gm_string_add(out, at + 1, size);
            at += size + 2;
        } else {
            char byte = (char)(mqtt_digit(at[0]) << 4 | mqtt_digit(at[1]));
            gm_string_add(out, &byte, 1);
            at += 2;
        }
    }
    GM_REQUIRE(!out->failed);
}

/// Appends a packet: its first byte, the size of the rest, and the rest, which the notation says.
static inline void mqtt_add_packet(gm_string *out, unsigned first, const char *rest)
{
    gm_string bytes = { 0 };
    mqtt_add(&bytes, rest);
    gm_string_add(out, (const char[]){ (char)first }, 1);
    gm_mqtt_put_varint(out, (uint32_t)bytes.size);
    gm_string_add(out, bytes.data, bytes.size);
    gm_string_free(&bytes);
}

/// Whether `bytes` hold exactly one packet that is read.
static inline bool read_bytes(gm_text bytes, int version, int sender, gm_mqtt_packet *packet,
                              gm_mqtt_fault *fault)
{
    gm_mqtt_frame frame;
    size_t size = 0;
    gm_mqtt_got got = gm_mqtt_frame_read(bytes, GM_MQTT_PACKET_MAX_SIZE, &frame, &size, fault);
    return got == GM_MQTT_GOT_PACKET && size == bytes.size &&
           gm_mqtt_packet_read(&frame, (gm_mqtt_version)version, (gm_mqtt_side)sender, packet,
                               fault);
}

/// What was sent since the last look, in notation; `out` is empty then.
static inline void expect_bytes(gm_string *out, const char *notation)
{
    gm_string wanted = { 0 };
    mqtt_add(&wanted, notation);
    assert_int_equal(out->size, wanted.size);
    if (wanted.size > 0) {
        assert_memory_equal(out->data, wanted.data, wanted.size);
    }
    gm_string_free(&wanted);
    out->size = 0;
}

#endif
