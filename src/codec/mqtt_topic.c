// Topic names and filters: see mqtt_topic.h.
#include "codec/mqtt_topic.h"

#include <stdint.h>
#include <string.h>

static const uint64_t ones = UINT64_C(0x0101010101010101), tops = UINT64_C(0x8080808080808080);

/// Not zero when one of the eight bytes is zero.
static inline uint64_t zero_byte(uint64_t word)
{
    return (word - ones) & ~word & tops;
}

/// Not zero when one of the eight bytes is not ASCII, or NUL, or a wildcard.
static inline uint64_t odd_byte(uint64_t word)
{
    return (word & tops) | zero_byte(word) | zero_byte(word ^ (ones * '+')) |
           zero_byte(word ^ (ones * '#'));
}

/// The first up to eight bytes, filled up with spaces.
static inline uint64_t load_word(const char *at, size_t size)
{
    uint64_t word = ones * ' ';
    memcpy(&word, at, size < sizeof word ? size : sizeof word);
    return word;
}

/// true when all bytes are ASCII but NUL and wildcards: what nearly every topic is.
static inline bool is_plain(gm_text text)
{
    uint64_t odd = 0, word;
    size_t at = 0;
    for (; text.size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text.data + at, sizeof word);
        odd |= odd_byte(word);
    }
    if (at < text.size) {
        odd |= odd_byte(load_word(text.data + at, text.size - at));
    }
    return odd == 0;
}

static size_t level_end(gm_text text, size_t at)
{
    const char *slash = memchr(text.data + at, '/', text.size - at);
    return slash != NULL ? (size_t)(slash - text.data) : text.size;
}

static bool has_wildcard(gm_text text)
{
    return memchr(text.data, '+', text.size) != NULL || memchr(text.data, '#', text.size) != NULL;
}

bool gm_mqtt_is_text(gm_text text)
{
    return text.size <= GM_MQTT_TEXT_MAX_SIZE && (is_plain(text) || gm_text_is_utf8(text));
}

bool gm_mqtt_is_topic(gm_text text)
{
    if (text.size == 0 || text.size > GM_MQTT_TEXT_MAX_SIZE) {
        return false;
    }
    return is_plain(text) || (gm_text_is_utf8(text) && !has_wildcard(text));
}

bool gm_mqtt_is_filter(gm_text text)
{
    if (text.size == 0 || !gm_mqtt_is_text(text)) {
        return false;
    }
    for (size_t at = 0; at <= text.size;) {
        size_t end = level_end(text, at);
        gm_text level = { text.data + at, end - at };
        bool last = end == text.size;
        bool wild = gm_text_equal(level, "+") || (gm_text_equal(level, "#") && last);
        if (level.size > 0 && !wild && has_wildcard(level)) {
            return false;
        }
        at = end + 1;
    }
    return true;
}

bool gm_mqtt_is_shared(gm_text filter)
{
    static const char prefix[] = "$share/";
    size_t size = sizeof prefix - 1;
    return filter.size >= size && memcmp(filter.data, prefix, size) == 0;
}

bool gm_mqtt_shared_split(gm_text filter, gm_text *name, gm_text *inner)
{
    if (!gm_mqtt_is_shared(filter)) {
        return false;
    }
    size_t begin = strlen("$share/"), end = level_end(filter, begin);
    gm_text share = { filter.data + begin, end - begin };
    if (share.size == 0 || has_wildcard(share) || end == filter.size) {
        return false;
    }
    gm_text rest = { filter.data + end + 1, filter.size - end - 1 };
    if (!gm_mqtt_is_text(share) || !gm_mqtt_is_filter(rest)) {
        return false;
    }
    *name = share;
    *inner = rest;
    return true;
}

bool gm_mqtt_filter_matches(gm_text filter, gm_text topic)
{
    if (filter.size == 0 || topic.size == 0 ||
        (topic.data[0] == '$' && (filter.data[0] == '+' || filter.data[0] == '#'))) {
        return false;
    }
    for (size_t f = 0, t = 0;;) { // both stand at the start of a level
        size_t filter_end = level_end(filter, f), topic_end = level_end(topic, t);
        size_t size = filter_end - f;
        const char *level = filter.data + f;
        if (size == 1 && *level == '#') {
            return true;
        }
        bool any = size == 1 && *level == '+';
        bool same = size == topic_end - t && memcmp(level, topic.data + t, size) == 0;
        if (!any && !same) {
            return false;
        }
        if (topic_end == topic.size) { // `a/#` covers `a` too
            gm_text rest = { filter.data + filter_end, filter.size - filter_end };
            return rest.size == 0 || gm_text_equal(rest, "/#");
        }
        if (filter_end == filter.size) {
            return false;
        }
        f = filter_end + 1;
        t = topic_end + 1;
    }
}
