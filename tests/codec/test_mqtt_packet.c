// Laws of the packets of MQTT: what is read, what is refused with which reason, and that what is
// written reads back. Numbers are those of the normative statements of MQTT 3.1.1 (3:)
// and 5.0 (5:); docs/mqtt.md lists them all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/mqtt_notation.h"

#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

typedef struct mistake {
    const char *law; // the statement, or the section, that it breaks
    int version, sender;
    unsigned first;
    const char *rest;
    uint8_t reason;
} mistake;

static const mistake mistakes[] = {
    // the fixed header
    { "3: 2.2.2-1, 2.2.2-2; type 0", OLD, C, 0x00, "", 0x81 },
    { "5: 2.1.2; type 0", NEW, C, 0x00, "", 0x81 },
    { "3: no AUTH", OLD, C, 0xF0, "", 0x81 },
    { "3: 2.2.2-1; CONNECT's flags", 0, C, 0x11, "<MQTT> 04 02 0000 <a>", 0x81 },
    { "5: 2.1.3-1; CONNACK's flags", NEW, S, 0x21, "00 00 00", 0x81 },
    { "5: 2.1.3-1; PUBACK's flags", NEW, C, 0x41, "0001", 0x81 },
    { "5: 2.1.3-1; PUBREC's flags", NEW, C, 0x52, "0001", 0x81 },
    { "3: 3.6.1-1; 5: 3.6.1-1; PUBREL's flags", OLD, C, 0x60, "0001", 0x81 },
    { "5: 3.6.1-1; PUBREL's flags", NEW, C, 0x63, "0001", 0x81 },
    { "5: 2.1.3-1; PUBCOMP's flags", NEW, C, 0x78, "0001", 0x81 },
    { "3: 3.8.1-1; SUBSCRIBE's flags", OLD, C, 0x80, "0001 <a> 00", 0x81 },
    { "5: 3.8.1-1; SUBSCRIBE's flags", NEW, C, 0x81, "0001 00 <a> 00", 0x81 },
    { "5: 2.1.3-1; SUBACK's flags", NEW, S, 0x92, "0001 00 00", 0x81 },
    { "3: 3.10.1-1; 5: 3.10.1-1; UNSUBSCRIBE's flags", OLD, C, 0xA0, "0001 <a>", 0x81 },
    { "5: 3.10.1-1; UNSUBSCRIBE's flags", NEW, C, 0xA6, "0001 00 <a>", 0x81 },
    { "5: 2.1.3-1; UNSUBACK's flags", NEW, S, 0xB2, "0001 00 00", 0x81 },
    { "5: 2.1.3-1; PINGREQ's flags", NEW, C, 0xC4, "", 0x81 },
    { "5: 2.1.3-1; PINGRESP's flags", NEW, S, 0xD1, "", 0x81 },
    { "3: 3.14.1-1; DISCONNECT's flags", OLD, C, 0xE1, "", 0x81 },
    { "5: 3.14.1-1; DISCONNECT's flags", NEW, C, 0xE8, "", 0x81 },
    { "5: 3.15.1-1; AUTH's flags", NEW, C, 0xF2, "18 04 15 <m>", 0x81 },
    { "3: 3.1.0-1; PUBLISH first", 0, C, 0x30, "<a>", 0x82 },
    { "5: 3.1.0-1; PINGREQ first", 0, C, 0xC0, "", 0x82 },
    // who sends what
    { "a client's CONNACK", NEW, C, 0x20, "00 00 00", 0x82 },
    { "a client's SUBACK", NEW, C, 0x90, "0001 00 00", 0x82 },
    { "a client's UNSUBACK", NEW, C, 0xB0, "0001 00 11", 0x82 },
    { "a client's PINGRESP", OLD, C, 0xD0, "", 0x82 },
    { "a server's CONNECT", NEW, S, 0x10, "<MQTT> 05 02 0000 00 <a>", 0x82 },
    { "a server's SUBSCRIBE", NEW, S, 0x82, "0001 00 <a> 00", 0x82 },
    { "a server's UNSUBSCRIBE", NEW, S, 0xA2, "0001 00 <a>", 0x82 },
    { "a server's PINGREQ", OLD, S, 0xC0, "", 0x82 },
    { "3: a server's DISCONNECT", OLD, S, 0xE0, "", 0x82 },
    // CONNECT
    { "3: 3.1.2-1; another protocol", 0, C, 0x10, "<HTTP> 04 02 0000 <a>", 0x81 },
    { "5: 3.1.2-1; in capitals only", 0, C, 0x10, "<mqtt> 05 02 0000 00 <a>", 0x81 },
    { "3: 3.1.2-2; version 3.1", 0, C, 0x10, "<MQIsdp> 03 02 0000 <a>", 0x84 },
    { "3: 3.1.2-2; level 3", 0, C, 0x10, "<MQTT> 03 02 0000 <a>", 0x84 },
    { "5: 3.1.2-2; level 6", 0, C, 0x10, "<MQTT> 06 02 0000 00 <a>", 0x84 },
    { "3: 3.1.2-3; reserved flag", 0, C, 0x10, "<MQTT> 04 03 0000 <a>", 0x81 },
    { "5: 3.1.2-3; reserved flag", 0, C, 0x10, "<MQTT> 05 03 0000 00 <a>", 0x81 },
    { "3: 3.1.2-11, 3.1.2-13; QoS, no will", 0, C, 0x10, "<MQTT> 04 0a 0000 <a>", 0x81 },
    { "5: 3.1.2-11; QoS, no will", 0, C, 0x10, "<MQTT> 05 12 0000 00 <a>", 0x81 },
    { "3: 3.1.2-15; retain, no will", 0, C, 0x10, "<MQTT> 04 22 0000 <a>", 0x81 },
    { "5: 3.1.2-13; retain, no will", 0, C, 0x10, "<MQTT> 05 22 0000 00 <a>", 0x81 },
    { "3: 3.1.2-14; will of QoS 3", 0, C, 0x10, "<MQTT> 04 1e 0000 <a> <t> <p>", 0x81 },
    { "5: 3.1.2-12; will of QoS 3", 0, C, 0x10, "<MQTT> 05 1e 0000 00 <a> 00 <t> <p>", 0x81 },
    { "3: 3.1.2-9; will is missing", 0, C, 0x10, "<MQTT> 04 06 0000 <a>", 0x81 },
    { "5: 3.1.2-9; will is missing", 0, C, 0x10, "<MQTT> 05 06 0000 00 <a>", 0x81 },
    { "3: 3.1.2-22; password, no user", 0, C, 0x10, "<MQTT> 04 42 0000 <a> <p>", 0x81 },
    { "3: 3.1.2-19; user is missing", 0, C, 0x10, "<MQTT> 04 82 0000 <a>", 0x81 },
    { "5: 3.1.2-17; user is missing", 0, C, 0x10, "<MQTT> 05 82 0000 00 <a>", 0x81 },
    { "3: 3.1.2-21; password is missing", 0, C, 0x10, "<MQTT> 04 c2 0000 <a> <u>", 0x81 },
    { "5: 3.1.2-19; password is missing", 0, C, 0x10, "<MQTT> 05 42 0000 00 <a>", 0x81 },
    { "3: 3.1.2-18; user unannounced", 0, C, 0x10, "<MQTT> 04 02 0000 <a> <u>", 0x81 },
    { "5: 3.1.2-16; user unannounced", 0, C, 0x10, "<MQTT> 05 02 0000 00 <a> <u>", 0x81 },
    { "3: 3.1.2-20; password unannounced", 0, C, 0x10, "<MQTT> 04 82 0000 <a> <u> <p>", 0x81 },
    { "5: 3.1.2-18; password unannounced", 0, C, 0x10, "<MQTT> 05 82 0000 00 <a> <u> <p>", 0x81 },
    { "3: 3.1.3-3; no identifier", 0, C, 0x10, "<MQTT> 04 02 0000", 0x81 },
    { "5: 3.1.3-3; no identifier", 0, C, 0x10, "<MQTT> 05 02 0000 00", 0x81 },
    { "3: 3.1.3-4; identifier not UTF-8", 0, C, 0x10, "<MQTT> 04 02 0000 0001 ff", 0x81 },
    { "5: 3.1.3-4; identifier not UTF-8", 0, C, 0x10, "<MQTT> 05 02 0000 00 0002 c328", 0x81 },
    { "3: 3.1.3-10; will topic not UTF-8", 0, C, 0x10, "<MQTT> 04 06 0000 <a> 0001 80 <p>", 0x81 },
    { "5: 3.1.3-11; will topic not UTF-8", 0, C, 0x10, "<MQTT> 05 06 0000 00 <a> 00 0001 80 <p>",
      0x81 },
    { "3: 4.7.1-1; will topic with wildcard", 0, C, 0x10, "<MQTT> 04 06 0000 <a> <t/#> <p>", 0x90 },
    { "5: 4.7.0-1; will topic with wildcard", 0, C, 0x10, "<MQTT> 05 06 0000 00 <a> 00 <t/+> <p>",
      0x90 },
    { "5: 4.7.3-1; will topic is empty", 0, C, 0x10, "<MQTT> 05 06 0000 00 <a> 00 <> <p>", 0x90 },
    { "3: 3.1.3-11; user not UTF-8", 0, C, 0x10, "<MQTT> 04 82 0000 <a> 0001 ff", 0x81 },
    { "5: 3.1.3-12; user not UTF-8", 0, C, 0x10, "<MQTT> 05 82 0000 00 <a> 0003 eda080", 0x81 },
    { "5: 1.5.4-2; NUL in the identifier", 0, C, 0x10, "<MQTT> 05 02 0000 00 0002 6100", 0x81 },
    { "5: 3.1.2.11; data without a method", 0, C, 0x10, "<MQTT> 05 02 0000 04 16 <d> <a>", 0x82 },
    { "5: 3.1.2.11.3; receive maximum 0", 0, C, 0x10, "<MQTT> 05 02 0000 03 210000 <a>", 0x82 },
    { "5: 3.1.2.11.4; packet size 0", 0, C, 0x10, "<MQTT> 05 02 0000 05 2700000000 <a>", 0x82 },
    { "5: 3.1.2.11.7; neither 0 nor 1", 0, C, 0x10, "<MQTT> 05 02 0000 02 1702 <a>", 0x82 },
    { "5: 2.2.2; a will's property outside", 0, C, 0x10, "<MQTT> 05 02 0000 05 1800000001 <a>",
      0x81 },
    { "5: 2.2.2; no property of a will", 0, C, 0x10,
      "<MQTT> 05 06 0000 00 <a> 05 1100000001 <t> <p>", 0x81 },
    { "a CONNECT that goes on", 0, C, 0x10, "<MQTT> 05 02 0000 00 <a> 00", 0x81 },
    // CONNACK
    { "3: CONNACK's reserved flags", OLD, S, 0x20, "02 00", 0x81 },
    { "5: 3.2.2-1; reserved flags", NEW, S, 0x20, "80 00 00", 0x81 },
    { "3: 3.2.2-4; session and refusal", OLD, S, 0x20, "01 05", 0x82 },
    { "5: 3.2.2-6; session and refusal", NEW, S, 0x20, "01 87 00", 0x82 },
    { "3: a code it does not know", OLD, S, 0x20, "00 06", 0x82 },
    { "5: 3.2.2-8; a DISCONNECT's reason", NEW, S, 0x20, "00 8e 00", 0x82 },
    { "5: 3.2.2-8; no reason at all", NEW, S, 0x20, "00 7f 00", 0x82 },
    { "3: CONNACK is too short", OLD, S, 0x20, "00", 0x81 },
    { "3: CONNACK goes on", OLD, S, 0x20, "00 00 00", 0x81 },
    { "5: 3.2.2.3.4; QoS at most 2", NEW, S, 0x20, "00 00 02 2402", 0x82 },
    { "5: 3.2.2.3; maximum QoS twice", NEW, S, 0x20, "00 00 04 2401 2401", 0x82 },
    // PUBLISH
    { "3: 3.3.1-4; QoS 3", OLD, C, 0x36, "<a> 0001", 0x81 },
    { "5: 3.3.1-4; QoS 3", NEW, C, 0x36, "<a> 0001 00", 0x81 },
    { "3: 3.3.1-2; duplicate of QoS 0", OLD, C, 0x38, "<a>", 0x81 },
    { "5: 3.3.1-2; duplicate of QoS 0", NEW, C, 0x38, "<a> 00", 0x81 },
    { "3: 3.3.2-1; no topic", OLD, C, 0x30, "", 0x81 },
    { "5: 3.3.2-1; topic not UTF-8", NEW, C, 0x30, "0002 c3c3 00", 0x81 },
    { "3: 1.5.3-1; a surrogate", OLD, C, 0x30, "0003 eda080", 0x81 },
    { "3: 1.5.3-2; NUL", OLD, C, 0x30, "0003 610062", 0x81 },
    { "5: 1.5.4-1; a surrogate", NEW, C, 0x30, "0003 edbfbf 00", 0x81 },
    { "3: 3.3.2-2, 4.7.1-1; wildcard", OLD, C, 0x30, "<a/+>", 0x90 },
    { "5: 3.3.2-2, 4.7.0-1; wildcard", NEW, C, 0x30, "<#> 00", 0x90 },
    { "3: 4.7.3-1; empty topic", OLD, C, 0x30, "<>", 0x82 },
    { "5: 3.3.2.1; empty topic, no alias", NEW, C, 0x30, "<> 00", 0x82 },
    { "3: 2.3.1-1; identifier 0", OLD, C, 0x32, "<a> 0000", 0x82 },
    { "5: 2.2.1-3; identifier 0", NEW, C, 0x32, "<a> 0000 00", 0x82 },
    { "5: 2.2.1-4; a server's identifier 0", NEW, S, 0x32, "<a> 0000 00", 0x82 },
    { "no identifier", OLD, C, 0x32, "<a> 00", 0x81 },
    { "5: 3.3.2-8; alias 0", NEW, C, 0x30, "<a> 03 230000", 0x94 },
    { "5: 3.3.2.3.4; alias twice", NEW, C, 0x30, "<a> 06 230001 230001", 0x82 },
    { "5: 3.3.4-6; subscription id", NEW, C, 0x30, "<a> 02 0b01", 0x82 },
    { "5: 3.3.2.3.8; subscription id 0", NEW, S, 0x30, "<a> 02 0b00", 0x82 },
    { "5: 3.3.2.3.2; format 2", NEW, C, 0x30, "<a> 02 0102", 0x82 },
    { "5: 3.3.2-13; response topic not UTF-8", NEW, C, 0x30, "<a> 04 08 0001 ff", 0x81 },
    { "5: 3.3.2-14; response topic, wildcard", NEW, C, 0x30, "<a> 04 08 <+>", 0x82 },
    { "5: 3.3.2-19; content type not UTF-8", NEW, C, 0x30, "<a> 04 03 0001 ff", 0x81 },
    { "5: 1.5.7-1; name of a pair not UTF-8", NEW, C, 0x30, "<a> 07 26 0001 ff <v>", 0x81 },
    { "5: 1.5.7-1; value of a pair not UTF-8", NEW, C, 0x30, "<a> 07 26 <n> 0001 ff", 0x81 },
    { "5: 2.2.2; no such property", NEW, C, 0x30, "<a> 02 0401", 0x81 },
    { "5: 2.2.2; no such property either", NEW, C, 0x30, "<a> 02 ff7f", 0x81 },
    { "5: 2.2.2; a list that ends in a value", NEW, C, 0x30, "<a> 02 2300", 0x81 },
    { "5: 2.2.2; a list longer than all", NEW, C, 0x30, "<a> 7f 230001", 0x81 },
    { "5: 2.2.2-1; no list", NEW, C, 0x30, "<a>", 0x81 },
    { "5: 1.5.5-1; length of the list", NEW, C, 0x30, "<a> 8000", 0x81 },
    { "5: 1.5.5-1; identifier in two bytes", NEW, C, 0x30, "<a> 03 818001", 0x81 },
    { "5: 1.5.5; five bytes", NEW, C, 0x30, "<a> 80808080 01", 0x81 },
    // PUBACK and what QoS 2 has
    { "3: 2.3.1-6; PUBACK of 0", OLD, C, 0x40, "0000", 0x82 },
    { "3: PUBACK is too short", OLD, C, 0x40, "01", 0x81 },
    { "3: PUBACK goes on", OLD, C, 0x40, "0001 00", 0x81 },
    { "5: 2.2.1-5; PUBACK of 0", NEW, S, 0x40, "0000", 0x82 },
    { "5: 3.4.2-1; PUBREL's reason", NEW, S, 0x40, "0001 92", 0x82 },
    { "5: 3.4.2; PUBACK goes on", NEW, S, 0x40, "0001 00 00 00", 0x81 },
    { "5: 3.4.2.2.2; reason string twice", NEW, S, 0x40, "0001 00 08 1f <a> 1f <b>", 0x82 },
    { "5: 2.2.2; alias in a PUBACK", NEW, S, 0x40, "0001 00 03 230001", 0x81 },
    { "5: 3.5.2-1; PUBREC's reason", NEW, C, 0x50, "0001 04", 0x82 },
    { "5: 3.6.2-1; PUBREL's reason", NEW, C, 0x62, "0001 87", 0x82 },
    { "5: 3.7.2-1; PUBCOMP's reason", NEW, C, 0x70, "0001 10", 0x82 },
    { "3: PUBREC is empty", OLD, C, 0x50, "", 0x81 },
    { "3: PUBREL is too short", OLD, C, 0x62, "00", 0x81 },
    { "3: PUBCOMP goes on", OLD, C, 0x70, "0001 00", 0x81 },
    // SUBSCRIBE, UNSUBSCRIBE
    { "3: 2.3.1-1; SUBSCRIBE of 0", OLD, C, 0x82, "0000 <a> 00", 0x82 },
    { "5: 2.2.1-3; SUBSCRIBE of 0", NEW, C, 0x82, "0000 00 <a> 00", 0x82 },
    { "3: 3.8.3-3; no filter", OLD, C, 0x82, "0001", 0x82 },
    { "5: 3.8.3-2; no filter", NEW, C, 0x82, "0001 00", 0x82 },
    { "3: 3.8.3-1; filter not UTF-8", OLD, C, 0x82, "0001 0001 ff 00", 0x81 },
    { "5: 3.8.3-1; filter not UTF-8", NEW, C, 0x82, "0001 00 0001 ff 00", 0x81 },
    { "3: 3-8.3-4; QoS 3", OLD, C, 0x82, "0001 <a> 03", 0x81 },
    { "3: 3-8.3-4; reserved bits", OLD, C, 0x82, "0001 <a> 04", 0x81 },
    { "5: 3.8.3-5; reserved bits", NEW, C, 0x82, "0001 00 <a> 40", 0x81 },
    { "5: 3.8.3.1; QoS 3", NEW, C, 0x82, "0001 00 <a> 03", 0x81 },
    { "5: 3.8.3.1; retain handling 3", NEW, C, 0x82, "0001 00 <a> 30", 0x82 },
    { "5: 3.8.3-4; shared, no local", NEW, C, 0x82, "0001 00 <$share/g/a> 04", 0x82 },
    { "3: 4.7.1-2; filter a#", OLD, C, 0x82, "0001 <a#> 00", 0x8F },
    { "5: 4.7.1-1; filter #/a", NEW, C, 0x82, "0001 00 <#/a> 00", 0x8F },
    { "3: 4.7.1-3; filter a+", OLD, C, 0x82, "0001 <a+> 00", 0x8F },
    { "5: 4.7.1-2; filter a+", NEW, C, 0x82, "0001 00 <a+> 00", 0x8F },
    { "3: 4.7.3-1; empty filter", OLD, C, 0x82, "0001 <> 00", 0x8F },
    { "5: 4.8.2-1; shared without a name", NEW, C, 0x82, "0001 00 <$share//a> 00", 0x8F },
    { "5: 4.8.2-2; shared without a filter", NEW, C, 0x82, "0001 00 <$share/g> 00", 0x8F },
    { "no options", OLD, C, 0x82, "0001 <a>", 0x81 },
    { "5: 3.8.2.1.2; subscription id 0", NEW, C, 0x82, "0001 02 0b00 <a> 00", 0x82 },
    { "5: 3.8.2.1.2; subscription id twice", NEW, C, 0x82, "0001 04 0b01 0b02 <a> 00", 0x82 },
    { "3: 2.3.1-1; UNSUBSCRIBE of 0", OLD, C, 0xA2, "0000 <a>", 0x82 },
    { "3: 3.10.3-1; filter not UTF-8", OLD, C, 0xA2, "0001 0001 ff", 0x81 },
    { "5: 3.10.3-1; filter not UTF-8", NEW, C, 0xA2, "0001 00 0001 ff", 0x81 },
    { "3: 3.10.3-2; no filter", OLD, C, 0xA2, "0001", 0x82 },
    { "5: 3.10.3-2; no filter", NEW, C, 0xA2, "0001 00", 0x82 },
    // SUBACK, UNSUBACK
    { "3: 3.9.3-2; a code of 5.0", OLD, S, 0x90, "0001 87", 0x82 },
    { "5: 3.9.3-2; no such reason", NEW, S, 0x90, "0001 00 03", 0x82 },
    { "3: SUBACK without codes", OLD, S, 0x90, "0001", 0x82 },
    { "5: SUBACK without codes", NEW, S, 0x90, "0001 00", 0x82 },
    { "5: 3.11.3-2; no such reason", NEW, S, 0xB0, "0001 00 01", 0x82 },
    { "3: UNSUBACK goes on", OLD, S, 0xB0, "0001 00", 0x81 },
    { "3: 2.3.1-7; SUBACK of 0", OLD, S, 0x90, "0000 00", 0x82 },
    // PINGREQ, PINGRESP, DISCONNECT, AUTH
    { "3: PINGREQ goes on", OLD, C, 0xC0, "00", 0x81 },
    { "5: PINGREQ goes on", NEW, C, 0xC0, "00", 0x81 },
    { "5: PINGRESP goes on", NEW, S, 0xD0, "00", 0x81 },
    { "3: DISCONNECT goes on", OLD, C, 0xE0, "00", 0x81 },
    { "5: 3.14.2-1; a server's reason", NEW, C, 0xE0, "8b", 0x82 },
    { "5: 3.14.2-1; a client's reason", NEW, S, 0xE0, "04", 0x82 },
    { "5: 3.14.2-2; a server's expiry", NEW, S, 0xE0, "00 05 1100000001", 0x82 },
    { "5: 3.14.2; DISCONNECT goes on", NEW, C, 0xE0, "00 00 00", 0x81 },
    { "5: 3.15.2-1; a server's reason", NEW, C, 0xF0, "00 04 15 <m>", 0x82 },
    { "5: 3.15.2-1; a client's reason", NEW, S, 0xF0, "19 04 15 <m>", 0x82 },
    { "5: 3.15.2.2.2; no method", NEW, C, 0xF0, "18 00", 0x82 },
};

static void every_mistake_is_refused_with_its_reason(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(mistakes); index++) {
        const mistake *made = &mistakes[index];
        gm_string bytes = { 0 };
        gm_mqtt_packet packet;
        gm_mqtt_fault fault = { 0 };
        mqtt_add_packet(&bytes, made->first, made->rest);
        bool read = read_bytes((gm_text){ bytes.data, bytes.size }, made->version, made->sender,
                               &packet, &fault);
        if (read || fault.reason != made->reason || fault.what == NULL) {
            fail_msg("%s: %s, reason %02x, %s", made->law, read ? "read" : "refused", fault.reason,
                     fault.what != NULL ? fault.what : "no words");
        }
        gm_string_free(&bytes);
    }
}

static const struct {
    const char *law;
    int version, sender;
    unsigned first;
    const char *rest;
} rights[] = {
    { "3: 3.1.3-5; an identifier of 23", 0, C, 0x10,
      "<MQTT> 04 02 0000 <0aA9zZ789012345678901bC>" },
    { "5: 3.1.3-5; an identifier of 23", 0, C, 0x10,
      "<MQTT> 05 02 0000 00 <0aA9zZ789012345678901bC>" },
    { "3: 3.1.3-6; no identifier", 0, C, 0x10, "<MQTT> 04 02 0000 <>" },
    { "5: a password alone", 0, C, 0x10, "<MQTT> 05 42 0000 00 <a> <p>" },
    { "3: 3.1.2-16, 3.1.2-17; a retained will", 0, C, 0x10, "<MQTT> 04 36 0000 <a> <t> <>" },
    { "5: 3.1.3-1; all fields in order", 0, C, 0x10,
      "<MQTT> 05 f6 003c 05 110000000a <a> 05 1800000001 <t> <p> <u> 0002 00ff" },
    { "5: 1.5.4-3; a BOM is a letter", NEW, C, 0x30, "0004 efbbbf61 00" },
    { "3: 1.5.3-3; a BOM is a letter", OLD, C, 0x30, "0003 efbbbf" },
    { "3: an empty payload", OLD, C, 0x30, "<a>" },
    { "5: an alias instead of a topic", NEW, C, 0x30, "<> 03 230001" },
    { "5: 3.3.2; many user properties", NEW, C, 0x30, "<a> 0e 26 <a> <b> 26 <a> <b> 'x'" },
    { "5: 3.3.4-3; many subscription ids", NEW, S, 0x30, "<a> 05 0b01 0bff7f" },
    { "3: 3.3.1-4; QoS 2 is a packet", OLD, C, 0x34, "<a> 0001" },
    { "5: PUBACK without a reason", NEW, C, 0x40, "0001" },
    { "5: PUBACK without properties", NEW, C, 0x40, "0001 10" },
    { "5: PUBREL of the unknown", NEW, C, 0x62, "0001 92 00" },
    { "3: many filters", OLD, C, 0x82, "ffff <a> 00 <+/#> 01 <$share/a> 02" },
    { "5: all options", NEW, C, 0x82, "0001 02 0b01 <a> 2e <$share/g/+> 18" },
    { "3: SUBACK of 3.1.1", OLD, S, 0x90, "0001 00 01 02 80" },
    { "3: UNSUBACK of 3.1.1", OLD, S, 0xB0, "0001" },
    { "5: DISCONNECT with nothing", NEW, C, 0xE0, "" },
    { "5: DISCONNECT with a reason", NEW, C, 0xE0, "04" },
    { "5: a server's reference", NEW, S, 0xE0, "9d 06 1c <a:1>" },
    { "5: AUTH with nothing", NEW, S, 0xF0, "" },
    { "5: AUTH", NEW, C, 0xF0, "18 08 15 <m> 16 <d>" },
    { "5: CONNACK with all it may have", NEW, S, 0x20,
      "01 00 3c 1100000001 12 <i> 130001 15 <m> 16 <d> 1a <r> 1c <s> 1f <t> 210001 220001 2400 "
      "2500 26 <k> <v> 2700000001 2800 2900 2a00" },
};

static void what_is_right_is_read(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(rights); index++) {
        gm_string bytes = { 0 };
        gm_mqtt_packet packet;
        gm_mqtt_fault fault = { 0 };
        mqtt_add_packet(&bytes, rights[index].first, rights[index].rest);
        gm_text text = { bytes.data, bytes.size };
        if (!read_bytes(text, rights[index].version, rights[index].sender, &packet, &fault)) {
            fail_msg("%s: refused, %s", rights[index].law, fault.what);
        }
        gm_string_free(&bytes);
    }
}

/// Reads one packet in notation; its bytes go to `bytes`.
static gm_mqtt_packet read_one(gm_string *bytes, int version, int sender, unsigned first,
                               const char *rest)
{
    gm_mqtt_packet packet;
    gm_mqtt_fault fault = { 0 };
    mqtt_add_packet(bytes, first, rest);
    assert_true(
        read_bytes((gm_text){ bytes->data, bytes->size }, version, sender, &packet, &fault));
    return packet;
}

/// 3: 3.1.3-1, 3.1.2-17, 3.1.2-19, 3.1.2-21; 5: 3.1.3-1, 3.1.2-15, 3.1.2-17, 3.1.2-19
static void a_connect_gives_all_its_fields(void **state)
{
    (void)state;
    gm_string bytes = { 0 };
    gm_mqtt_packet packet = read_one(
        &bytes, 0, C, 0x10,
        "<MQTT> 05 ee 003c 05 110000000a <me> 05 1800000007 <t/x> <gone> <user> 0002 00ff");
    const gm_mqtt_connect *connect = &packet.connect;
    assert_int_equal(connect->version, GM_MQTT_5);
    assert_true(connect->clean_start && connect->has_will && connect->has_user);
    assert_int_equal(connect->keep_alive_s, 60);
    assert_true(gm_text_equal(connect->client_id, "me"));
    assert_true(gm_text_equal(connect->will.topic, "t/x"));
    assert_true(gm_text_equal(connect->will.payload, "gone"));
    assert_int_equal(connect->will.qos, 1);
    assert_true(connect->will.retain);
    assert_true(gm_text_equal(connect->user, "user"));
    assert_true(connect->has_password && connect->password.size == 2);
    assert_int_equal(gm_mqtt_property_number(&connect->properties, GM_MQTT_SESSION_EXPIRY, 0), 10);
    assert_int_equal(gm_mqtt_property_number(&connect->will.properties, GM_MQTT_WILL_DELAY, 0), 7);
    assert_int_equal(gm_mqtt_property_number(&connect->properties, GM_MQTT_WILL_DELAY, 99), 99);
    gm_string_free(&bytes);
}

static void a_publish_lies_in_its_bytes(void **state)
{
    (void)state;
    gm_string bytes = { 0 };
    gm_mqtt_packet packet =
        read_one(&bytes, NEW, C, 0x3B, "<a/b> 0007 0c 230005 0200000009 03 <j> '24.5'");
    const gm_mqtt_publish *publish = &packet.publish;
    assert_ptr_equal(publish->topic.data, bytes.data + 4);
    assert_true(gm_text_equal(publish->topic, "a/b"));
    assert_true(gm_text_equal(publish->payload, "24.5"));
    assert_ptr_equal(publish->payload.data + 4, bytes.data + bytes.size);
    assert_int_equal(publish->id, 7);
    assert_int_equal(publish->qos, 1);
    assert_true(publish->retain && publish->duplicate);
    assert_int_equal(publish->alias, 5);
    assert_int_equal(gm_mqtt_property_number(&publish->properties, GM_MQTT_MESSAGE_EXPIRY, 0), 9);
    gm_text type = gm_mqtt_property_text(&publish->properties, GM_MQTT_CONTENT_TYPE);
    assert_true(gm_text_equal(type, "j"));
    assert_null(gm_mqtt_property_text(&publish->properties, GM_MQTT_RESPONSE_TOPIC).data);
    gm_string_free(&bytes);
}

/// 3: 2.3.1-5; 5: 2.2.1-2
static void qos_0_has_no_identifier(void **state)
{
    (void)state;
    gm_string bytes = { 0 }, again = { 0 };
    gm_mqtt_packet packet = read_one(&bytes, OLD, C, 0x30, "<a> 0001");
    assert_int_equal(packet.publish.id, 0);
    assert_int_equal(packet.publish.payload.size, 2);
    packet.publish.id = 7;
    gm_mqtt_packet_write(&again, GM_MQTT_3_1_1, &packet);
    expect_bytes(&again, "30 05 <a> 0001");
    gm_string_free(&bytes);
    gm_string_free(&again);
}

static void properties_come_in_their_order(void **state)
{
    (void)state;
    gm_string bytes = { 0 };
    gm_mqtt_packet packet =
        read_one(&bytes, NEW, S, 0x30, "<a> 12 26 <k> <v> 0101 26 <k> <w> 0b02");
    const uint8_t ids[] = { 0x26, 0x01, 0x26, 0x0B };
    gm_text rest = packet.publish.properties.raw;
    gm_mqtt_property property;
    for (size_t index = 0; index < COUNT(ids); index++) {
        assert_true(gm_mqtt_property_next(&rest, &property));
        assert_int_equal(property.id, ids[index]);
    }
    assert_int_equal(property.number, 2);
    assert_false(gm_mqtt_property_next(&rest, &property));
    gm_string_free(&bytes);
}

static void a_subscribe_gives_its_filters(void **state)
{
    (void)state;
    gm_string bytes = { 0 };
    gm_mqtt_packet packet = read_one(&bytes, NEW, C, 0x82, "0102 00 <a/#> 01 <+> 2e");
    gm_text rest = packet.subscribe.filters;
    gm_mqtt_subscription wanted;
    assert_int_equal(packet.subscribe.id, 0x0102);
    assert_int_equal(packet.subscribe.count, 2);
    assert_true(gm_mqtt_subscription_next(&rest, &wanted));
    assert_true(gm_text_equal(wanted.filter, "a/#") && wanted.qos == 1 && !wanted.no_local);
    assert_true(gm_mqtt_subscription_next(&rest, &wanted));
    assert_true(gm_text_equal(wanted.filter, "+") && wanted.qos == 2 && wanted.no_local);
    assert_true(wanted.retain_as_published && wanted.retain_handling == 2);
    assert_false(gm_mqtt_subscription_next(&rest, &wanted));
    gm_string_free(&bytes);
}

/// 3: table 3.1
static void connack_codes_of_the_old_version_are_translated(void **state)
{
    (void)state;
    const uint8_t reasons[] = { 0x00, 0x84, 0x85, 0x88, 0x86, 0x87 };
    for (uint8_t code = 0; code < COUNT(reasons); code++) {
        gm_mqtt_packet packet, wanted = { .type = GM_MQTT_CONNACK };
        gm_mqtt_fault fault;
        gm_string bytes = { 0 };
        wanted.connack.reason = reasons[code];
        gm_mqtt_packet_write(&bytes, GM_MQTT_3_1_1, &wanted);
        assert_int_equal(bytes.data[3], code);
        assert_true(read_bytes((gm_text){ bytes.data, bytes.size }, OLD, S, &packet, &fault));
        assert_int_equal(packet.connack.reason, reasons[code]);
        assert_int_equal(gm_mqtt_old_code(reasons[code]), code);
        gm_string_free(&bytes);
    }
    assert_int_equal(gm_mqtt_old_code(GM_MQTT_BUSY), 3);
    assert_int_equal(gm_mqtt_old_code(GM_MQTT_BANNED), 5);
    assert_int_equal(gm_mqtt_old_code(GM_MQTT_MALFORMED), -1);
}

// ---- the table of properties, said once more ----

/// MQTT 5.0, table 2-4: who holds which property. W is the will; the others are packet types in
/// hexadecimal.
static const struct {
    uint8_t id;
    const char *value, *holders;
} table[] = {
    { 0x01, "01", "W3" },        { 0x02, "00000001", "W3" },
    { 0x03, "<a>", "W3" },       { 0x08, "<a>", "W3" },
    { 0x09, "<a>", "W3" },       { 0x0B, "01", "38" },
    { 0x11, "00000001", "12e" }, { 0x12, "<a>", "2" },
    { 0x13, "0001", "2" },       { 0x15, "<a>", "12f" },
    { 0x17, "01", "1" },         { 0x18, "00000001", "W" },
    { 0x19, "01", "1" },         { 0x1A, "<a>", "2" },
    { 0x1C, "<a>", "2e" },       { 0x1F, "<a>", "245679bef" },
    { 0x21, "0001", "12" },      { 0x22, "0001", "12" },
    { 0x23, "0001", "3" },       { 0x24, "01", "2" },
    { 0x25, "01", "2" },         { 0x26, "<a> <b>", "W123456789abef" },
    { 0x27, "00000001", "12" },  { 0x28, "01", "2" },
    { 0x29, "01", "2" },         { 0x2A, "01", "2" },
};

/// Reads a packet of `holder` with a list of properties (with its size) in it.
static bool reads_with(char holder, gm_text list, uint8_t *reason)
{
    static const struct {
        char holder;
        int version, sender;
        unsigned first;
        const char *before, *behind;
    } packets[] = {
        { 'W', 0, C, 0x10, "<MQTT> 05 06 0000 00 <a>", "<t> <p>" },
        { '1', 0, C, 0x10, "<MQTT> 05 02 0000", "<a>" },
        { '2', NEW, S, 0x20, "00 00", "" },
        { '3', NEW, S, 0x30, "<a>", "" },
        { '4', NEW, C, 0x40, "0001 00", "" },
        { '5', NEW, C, 0x50, "0001 00", "" },
        { '6', NEW, C, 0x62, "0001 00", "" },
        { '7', NEW, C, 0x70, "0001 00", "" },
        { '8', NEW, C, 0x82, "0001", "<a> 00" },
        { '9', NEW, S, 0x90, "0001", "00" },
        { 'a', NEW, C, 0xA2, "0001", "<a>" },
        { 'b', NEW, S, 0xB0, "0001", "00" },
        { 'e', NEW, C, 0xE0, "00", "" },
        { 'f', NEW, S, 0xF0, "00", "" },
    };
    size_t at = 0;
    while (packets[at].holder != holder) {
        at++;
        assert_true(at < COUNT(packets));
    }
    gm_string rest = { 0 }, bytes = { 0 };
    mqtt_add(&rest, packets[at].before);
    gm_string_add(&rest, list.data, list.size);
    mqtt_add(&rest, packets[at].behind);
    gm_string_add(&bytes, (const char[]){ (char)packets[at].first }, 1);
    gm_mqtt_put_varint(&bytes, (uint32_t)rest.size);
    gm_string_add(&bytes, rest.data, rest.size);
    gm_mqtt_packet packet;
    gm_mqtt_fault fault = { 0 };
    bool read = read_bytes((gm_text){ bytes.data, bytes.size }, packets[at].version,
                           packets[at].sender, &packet, &fault);
    *reason = fault.reason;
    gm_string_free(&rest);
    gm_string_free(&bytes);
    return read;
}

static void each_packet_has_the_properties_it_may_have(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT(table); row++) {
        for (const char *holder = "W123456789abef"; *holder != 0; holder++) {
            gm_string list = { 0 }, value = { 0 };
            uint8_t reason = 0;
            mqtt_add(&value, table[row].value);
            gm_mqtt_put_varint(&list, (uint32_t)value.size + 1);
            gm_string_add(&list, (const char *)&table[row].id, 1);
            gm_string_add(&list, value.data, value.size);
            bool may = strchr(table[row].holders, *holder) != NULL;
            assert_int_equal(reads_with(*holder, (gm_text){ list.data, list.size }, &reason), may);
            assert_int_equal(reason, may ? 0 : GM_MQTT_MALFORMED);
            gm_string_free(&list);
            gm_string_free(&value);
        }
    }
}

static void a_property_stands_there_once(void **state)
{
    (void)state;
    for (size_t row = 0; row < COUNT(table); row++) {
        gm_string list = { 0 }, value = { 0 };
        uint8_t reason = 0;
        char holder = table[row].holders[0];
        mqtt_add(&value, table[row].value);
        gm_mqtt_put_varint(&list, (uint32_t)value.size * 2 + 2);
        for (int twice = 0; twice < 2; twice++) {
            gm_string_add(&list, (const char *)&table[row].id, 1);
            gm_string_add(&list, value.data, value.size);
        }
        bool often = table[row].id == GM_MQTT_USER_PROPERTY ||
                     (table[row].id == GM_MQTT_SUBSCRIPTION_ID && holder == '3');
        assert_int_equal(reads_with(holder, (gm_text){ list.data, list.size }, &reason), often);
        assert_int_equal(reason, often ? 0 : GM_MQTT_PROTOCOL_ERROR);
        gm_string_free(&list);
        gm_string_free(&value);
    }
}

// ---- streams ----

static gm_string sample_stream(int *versions)
{
    gm_string bytes = { 0 };
    mqtt_add_packet(&bytes, 0x10, "<MQTT> 05 c6 003c 03 210010 <me> 05 1800000001 <t> <p> <u> <p>");
    mqtt_add_packet(&bytes, 0x32, "<a/b/c> 0001 00 '{\"v\":24.5}'");
    mqtt_add_packet(&bytes, 0x30, "<a/b/c> 08 230001 26 <> <> 'x'");
    mqtt_add_packet(&bytes, 0x82, "0002 00 <a/#> 01 <b> 02");
    mqtt_add_packet(&bytes, 0xA2, "0003 00 <a/#>");
    mqtt_add_packet(&bytes, 0xC0, "");
    mqtt_add_packet(&bytes, 0x62, "0001 92 00");
    mqtt_add_packet(&bytes, 0x40, "0001 10");
    mqtt_add_packet(&bytes, 0xF0, "19 04 15 <m>");
    gm_string payload = { 0 };
    for (int index = 0; index < 40; index++) {
        gm_string_add(&payload, "'01234567'", 10);
    }
    gm_string long_one = { 0 };
    gm_string_format(&long_one, "<t> 00 %s", payload.data);
    mqtt_add_packet(&bytes, 0x30, long_one.data);
    mqtt_add_packet(&bytes, 0xE0, "04 05 1100000001");
    gm_string_free(&payload);
    gm_string_free(&long_one);
    *versions = 11;
    return bytes;
}

/// Reads a stream that is fed in portions, and gives what it says: a hash of all that was read.
static uint64_t read_stream(gm_text bytes, size_t portion, size_t *packet_count)
{
    gm_mqtt_stream stream = gm_mqtt_stream_of(1 << 16);
    gm_mqtt_version version = (gm_mqtt_version)0;
    uint64_t hash = 14695981039346656037u;
    *packet_count = 0;
    for (size_t at = 0; at < bytes.size; at += portion) {
        size_t size = bytes.size - at < portion ? bytes.size - at : portion;
        gm_mqtt_frame frame;
        gm_mqtt_fault fault;
        gm_mqtt_packet packet;
        gm_mqtt_stream_feed(&stream, (gm_text){ bytes.data + at, size });
        while (gm_mqtt_stream_next(&stream, &frame, &fault) == GM_MQTT_GOT_PACKET) {
            assert_true(gm_mqtt_packet_read(&frame, version, GM_MQTT_CLIENT, &packet, &fault));
            version = GM_MQTT_5;
            ++*packet_count;
            hash = (hash ^ frame.type) * 1099511628211u;
            for (size_t byte = 0; byte < frame.rest.size; byte++) {
                hash = (hash ^ (unsigned char)frame.rest.data[byte]) * 1099511628211u;
            }
        }
    }
    gm_mqtt_stream_free(&stream);
    gm_mqtt_stream_free(&stream);
    return hash;
}

static void a_stream_cut_anywhere_gives_the_same_packets(void **state)
{
    (void)state;
    int expected = 0;
    gm_string bytes = sample_stream(&expected);
    gm_text text = { bytes.data, bytes.size };
    size_t count = 0;
    uint64_t whole = read_stream(text, bytes.size, &count);
    assert_int_equal(count, expected);
    for (size_t portion = 1; portion < bytes.size; portion++) {
        assert_true(read_stream(text, portion, &count) == whole);
        assert_int_equal(count, expected);
    }
    gm_string_free(&bytes);
}

static void every_truncation_asks_for_more(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(rights); index++) {
        gm_string bytes = { 0 };
        mqtt_add_packet(&bytes, rights[index].first, rights[index].rest);
        for (size_t size = 0; size < bytes.size; size++) {
            gm_mqtt_frame frame;
            gm_mqtt_fault fault;
            size_t needed = 0;
            gm_text part = { bytes.data, size };
            assert_int_equal(gm_mqtt_frame_read(part, 1 << 20, &frame, &needed, &fault),
                             GM_MQTT_GOT_PART);
            assert_true(needed > size && needed <= bytes.size);
        }
        gm_string_free(&bytes);
    }
}

/// What a receiver of the limit `size_max` says to a packet of `size` bytes behind its header.
static gm_mqtt_got frame_of(size_t size, size_t size_max, gm_mqtt_fault *fault)
{
    gm_string bytes = { 0 };
    gm_mqtt_frame frame;
    size_t needed = 0;
    gm_string_add(&bytes, "\x30", 1);
    gm_mqtt_put_varint(&bytes, (uint32_t)size);
    gm_mqtt_got got =
        gm_mqtt_frame_read((gm_text){ bytes.data, bytes.size }, size_max, &frame, &needed, fault);
    gm_string_free(&bytes);
    return got;
}

/// 5: 3.2.2-15, 3.1.2-24
static void a_packet_too_large_is_refused_before_it_has_arrived(void **state)
{
    (void)state;
    gm_mqtt_fault fault = { 0 };
    assert_int_equal(frame_of(98, 100, &fault), GM_MQTT_GOT_PART);
    assert_int_equal(frame_of(99, 100, &fault), GM_MQTT_GOT_FAULT);
    assert_int_equal(fault.reason, GM_MQTT_TOO_LARGE);
    assert_int_equal(frame_of(128, 131, &fault), GM_MQTT_GOT_PART);
    assert_int_equal(frame_of(129, 131, &fault), GM_MQTT_GOT_FAULT);
    assert_int_equal(frame_of(GM_MQTT_REST_MAX_SIZE, GM_MQTT_PACKET_MAX_SIZE, &fault),
                     GM_MQTT_GOT_PART);
    assert_int_equal(frame_of(GM_MQTT_REST_MAX_SIZE, GM_MQTT_PACKET_MAX_SIZE - 1, &fault),
                     GM_MQTT_GOT_FAULT);
}

/// 3: 2.2.3; 5: 1.5.5
static void a_size_has_at_most_four_bytes(void **state)
{
    (void)state;
    gm_mqtt_frame frame;
    gm_mqtt_fault fault = { 0 };
    size_t needed = 0;
    gm_text five = { "\x30\xFF\xFF\xFF\xFF\x01", 6 }, four = { "\x30\xFF\xFF\xFF\xFF", 5 };
    assert_int_equal(gm_mqtt_frame_read(five, GM_MQTT_PACKET_MAX_SIZE, &frame, &needed, &fault),
                     GM_MQTT_GOT_FAULT);
    assert_int_equal(fault.reason, GM_MQTT_MALFORMED);
    assert_int_equal(gm_mqtt_frame_read(four, GM_MQTT_PACKET_MAX_SIZE, &frame, &needed, &fault),
                     GM_MQTT_GOT_FAULT);
}

/// 5: 1.5.5-1, which 3.1.1 does not have
static void a_padded_size_is_refused_by_the_new_version_only(void **state)
{
    (void)state;
    const gm_text ping = { "\xC0\x80\x00", 3 };
    const gm_text connect_4 = { "\x10\x8D\x00\x00\x04MQTT\x04\x02\x00\x00\x00\x01y", 16 };
    const gm_text connect_5 = { "\x10\x8E\x00\x00\x04MQTT\x05\x02\x00\x00\x00\x00\x01y", 17 };
    gm_mqtt_packet packet;
    gm_mqtt_fault fault = { 0 };
    assert_true(read_bytes(ping, OLD, C, &packet, &fault));
    assert_true(read_bytes(connect_4, 0, C, &packet, &fault));
    assert_false(read_bytes(ping, NEW, C, &packet, &fault));
    assert_int_equal(fault.reason, GM_MQTT_MALFORMED);
    assert_false(read_bytes(connect_5, 0, C, &packet, &fault));
    assert_int_equal(fault.reason, GM_MQTT_MALFORMED);
}

/// Every byte of every good packet becomes every other: it is read or refused, and no more; what is
/// read can be written.
static void every_flipped_byte_is_read_or_refused(void **state)
{
    (void)state;
    gm_string again = { 0 };
    for (size_t index = 0; index < COUNT(rights); index++) {
        gm_string bytes = { 0 };
        mqtt_add_packet(&bytes, rights[index].first, rights[index].rest);
        for (size_t at = 0; at < bytes.size * 256; at++) {
            char *exact = malloc(bytes.size); // so that a read past its end is seen
            assert_non_null(exact);
            memcpy(exact, bytes.data, bytes.size);
            exact[at / 256] = (char)at;
            gm_mqtt_packet packet;
            gm_mqtt_fault fault = { 0 };
            if (read_bytes((gm_text){ exact, bytes.size }, rights[index].version,
                           rights[index].sender, &packet, &fault)) {
                again.size = 0;
                int version = rights[index].version;
                gm_mqtt_packet_write(&again, (gm_mqtt_version)version, &packet);
            }
            free(exact);
        }
        gm_string_free(&bytes);
    }
    gm_string_free(&again);
}

/// The rest of a packet cut short, with a header that says so.
static void a_packet_cut_short_is_refused_or_means_less(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(rights); index++) {
        gm_string rest = { 0 };
        mqtt_add(&rest, rights[index].rest);
        for (size_t size = 0; size < rest.size; size++) {
            char *exact = malloc(size + 1);
            assert_non_null(exact);
            memcpy(exact, rest.data, size);
            gm_mqtt_frame frame = { .type = (gm_mqtt_type)(rights[index].first >> 4),
                                    .flags = rights[index].first & 15,
                                    .rest = { exact, size } };
            gm_mqtt_packet packet;
            gm_mqtt_fault fault = { 0 };
            if (!gm_mqtt_packet_read(&frame, (gm_mqtt_version)rights[index].version,
                                     (gm_mqtt_side)rights[index].sender, &packet, &fault)) {
                assert_non_null(fault.what);
                assert_true(fault.reason >= GM_MQTT_FAILED);
            }
            free(exact);
        }
        gm_string_free(&rest);
    }
}

// ---- writing ----

/// What is read, written again, is the same bytes: all good packets have their shortest form.
static void a_packet_is_written_as_it_was_read(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(rights); index++) {
        gm_string bytes = { 0 }, again = { 0 }, third = { 0 };
        gm_mqtt_packet packet;
        gm_mqtt_fault fault = { 0 };
        int version = rights[index].version, sender = rights[index].sender;
        mqtt_add_packet(&bytes, rights[index].first, rights[index].rest);
        assert_true(
            read_bytes((gm_text){ bytes.data, bytes.size }, version, sender, &packet, &fault));
        gm_mqtt_packet_write(&again, (gm_mqtt_version)version, &packet);
        assert_true(again.size <= bytes.size);
        assert_true(
            read_bytes((gm_text){ again.data, again.size }, version, sender, &packet, &fault));
        gm_mqtt_packet_write(&third, (gm_mqtt_version)version, &packet);
        assert_int_equal(third.size, again.size);
        assert_memory_equal(third.data, again.data, again.size);
        gm_string_free(&bytes);
        gm_string_free(&again);
        gm_string_free(&third);
    }
}

static void every_reason_and_type_has_a_name(void **state)
{
    (void)state;
    size_t known = 0;
    for (int reason = 0; reason < 256; reason++) {
        bool fits = false;
        for (int type = GM_MQTT_CONNECT; type <= GM_MQTT_AUTH; type++) {
            fits = fits ||
                   gm_mqtt_reason_fits((uint8_t)reason, (gm_mqtt_type)type, GM_MQTT_CLIENT) ||
                   gm_mqtt_reason_fits((uint8_t)reason, (gm_mqtt_type)type, GM_MQTT_SERVER);
        }
        const char *name = gm_mqtt_reason_name((uint8_t)reason, GM_MQTT_CONNACK);
        assert_int_equal(fits, strcmp(name, "unknown reason") != 0);
        known += fits;
    }
    assert_int_equal(known, 43); // MQTT 5.0, table 2-6
    assert_string_equal(gm_mqtt_reason_name(0, GM_MQTT_SUBACK), "granted QoS 0");
    assert_string_equal(gm_mqtt_reason_name(0, GM_MQTT_DISCONNECT), "normal disconnection");
    assert_string_equal(gm_mqtt_type_name(GM_MQTT_UNSUBACK), "UNSUBACK");
    assert_string_equal(gm_mqtt_type_name((gm_mqtt_type)0), "reserved");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_refused_with_its_reason),
        cmocka_unit_test(what_is_right_is_read),
        cmocka_unit_test(a_connect_gives_all_its_fields),
        cmocka_unit_test(a_publish_lies_in_its_bytes),
        cmocka_unit_test(qos_0_has_no_identifier),
        cmocka_unit_test(properties_come_in_their_order),
        cmocka_unit_test(a_subscribe_gives_its_filters),
        cmocka_unit_test(connack_codes_of_the_old_version_are_translated),
        cmocka_unit_test(each_packet_has_the_properties_it_may_have),
        cmocka_unit_test(a_property_stands_there_once),
        cmocka_unit_test(a_stream_cut_anywhere_gives_the_same_packets),
        cmocka_unit_test(every_truncation_asks_for_more),
        cmocka_unit_test(a_packet_too_large_is_refused_before_it_has_arrived),
        cmocka_unit_test(a_size_has_at_most_four_bytes),
        cmocka_unit_test(a_padded_size_is_refused_by_the_new_version_only),
        cmocka_unit_test(every_flipped_byte_is_read_or_refused),
        cmocka_unit_test(a_packet_cut_short_is_refused_or_means_less),
        cmocka_unit_test(a_packet_is_written_as_it_was_read),
        cmocka_unit_test(every_reason_and_type_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
