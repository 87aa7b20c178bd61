// Topic names and topic filters of MQTT: what they may be, and which filter matches which name.
//
// Format and rules: OASIS MQTT 3.1.1 (2014) and MQTT 5.0 (2019), sections 1.5 and 4.7; shared
// subscriptions: 5.0, section 4.8.2. Names and filters are compared byte for byte, never
// normalised.
#ifndef GEMEL_CODEC_MQTT_TOPIC_H
#define GEMEL_CODEC_MQTT_TOPIC_H

#include <stdbool.h>

#include "base/text.h"

enum { GM_MQTT_TEXT_MAX_SIZE = 65535 }; // bytes of any text or binary field

/// true for well-formed UTF-8 without NUL of at most GM_MQTT_TEXT_MAX_SIZE bytes.
bool gm_mqtt_is_text(gm_text text);

/// true for a topic name: such a text, not empty, without '+' and '#'.
bool gm_mqtt_is_topic(gm_text text);

/// true for a topic filter: such a text, not empty, '+' only as a whole level, '#' only as the
/// whole last one. `$share/...` passes as the ordinary filter that it is in 3.1.1: see
/// gm_mqtt_shared_split.
bool gm_mqtt_is_filter(gm_text text);

/// true when a filter asks for a shared subscription of MQTT 5.0: it starts with `$share/`.
bool gm_mqtt_is_shared(gm_text filter);

/// Takes `$share/NAME/FILTER` apart.
/// @return false when NAME is empty or has a wildcard, or FILTER is no filter (then *name and
///         *inner are untouched)
bool gm_mqtt_shared_split(gm_text filter, gm_text *name, gm_text *inner);

/// true when the filter covers the topic; one that starts with a wildcard covers no topic that
/// starts with '$'.
/// @param filter  as gm_mqtt_is_filter has it; of a shared subscription the inner one
/// @param topic   as gm_mqtt_is_topic has it
bool gm_mqtt_filter_matches(gm_text filter, gm_text topic);

#endif
