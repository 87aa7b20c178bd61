// Topic templates: one rule for a whole fleet's topics.
//
//     plant/{line}/{machine}/+
//
// A level is plain text, `+` (any level), or a capture `{name}` with plain text before or behind it
// (`pump-{id}`); the last level may be `#` (any levels, also none). A capture takes at least one
// byte, and never a '/'. As with filters, a template that starts with a wildcard or a capture
// matches no topic that starts with '$'.
#ifndef GEMEL_CODEC_TOPIC_TEMPLATE_H
#define GEMEL_CODEC_TOPIC_TEMPLATE_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum {
    GM_TOPIC_LEVELS_MAX = 32,
    GM_TOPIC_CAPTURES_MAX = 16,
};

/// A level: `before`, then what is captured or skipped, then `behind`.
typedef struct gm_topic_level {
    gm_text before, behind; // a plain level is `before` alone
    bool open;              // takes what stands between them
    uint8_t capture;        // 1 + index of the capture that gets it; 0 none
} gm_topic_level;

/// A template, compiled. Plain value; its texts lie in what it was compiled from.
typedef struct gm_topic_template {
    gm_topic_level levels[GM_TOPIC_LEVELS_MAX];
    size_t level_count;
    gm_text names[GM_TOPIC_CAPTURES_MAX]; // of the captures, in order of appearance
    size_t capture_count;
    bool open_end; // ends in `#`
} gm_topic_template;

/// Compiles a template.
/// @param source  must stay while the template is used
/// @return GM_OK; GM_INVALID: the error names the level and what is wrong with it; GM_LIMIT: more
///         than GM_TOPIC_LEVELS_MAX or GM_TOPIC_CAPTURES_MAX
gm_status gm_topic_template_compile(gm_text source, gm_topic_template *compiled, gm_error *error);

/// Matches a topic.
/// @param captures  out, [capture_count]: slices of `topic`; untouched unless it matches
bool gm_topic_template_match(const gm_topic_template *compiled, gm_text topic, gm_text *captures);

/// Appends the narrowest MQTT filter that covers all topics of the template: what to subscribe to.
void gm_topic_template_filter(const gm_topic_template *compiled, gm_string *filter);

#endif
