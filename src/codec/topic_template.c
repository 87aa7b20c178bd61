// Topic templates: see topic_template.h.
#include "codec/topic_template.h"

#include <string.h>

#include "codec/mqtt_topic.h"

static gm_text cut(gm_text text, size_t from, size_t to)
{
    return (gm_text){ text.data + from, to - from };
}

static const char *find(gm_text text, char byte)
{
    return memchr(text.data, byte, text.size);
}

static bool same_text(gm_text a, gm_text b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

static bool is_name(gm_text text)
{
    for (size_t at = 0; at < text.size; at++) {
        char byte = text.data[at], lower = (char)(byte | 0x20);
        bool letter = (lower >= 'a' && lower <= 'z') || byte == '_';
        if (!letter && (at == 0 || byte < '0' || byte > '9')) {
            return false;
        }
    }
    return text.size > 0;
}

/// What is wrong with the braces of a level that has some; NULL when nothing is.
static const char *braces_wrong(gm_text level)
{
    const char *open = find(level, '{'), *close = find(level, '}');
    if (open == NULL) {
        return "'}' without '{'";
    }
    if (close == NULL || close < open) {
        return "'{' without '}' behind it";
    }
    size_t from = (size_t)(open - level.data) + 1, to = (size_t)(close - level.data);
    gm_text behind = cut(level, to + 1, level.size);
    if (find(behind, '{') != NULL) {
        return "a level holds one capture";
    }
    if (find(behind, '}') != NULL) {
        return "'}' without '{'";
    }
    return is_name(cut(level, from, to))
               ? NULL
               : "a capture's name is letters, digits and '_', not starting with a digit";
}

static gm_status add_capture(gm_topic_template *compiled, gm_topic_level *to, gm_text level,
                             gm_error *error)
{
    const char *wrong = braces_wrong(level);
    if (wrong != NULL) {
        return gm_error_set(error, GM_INVALID, "level `%.*s`: %s", (int)level.size, level.data,
                            wrong);
    }
    size_t open = (size_t)(find(level, '{') - level.data);
    size_t close = (size_t)(find(level, '}') - level.data);
    gm_text name = cut(level, open + 1, close);
    for (size_t index = 0; index < compiled->capture_count; index++) {
        if (same_text(compiled->names[index], name)) {
            return gm_error_set(error, GM_INVALID, "`{%.*s}` stands there twice", (int)name.size,
                                name.data);
        }
    }
    if (compiled->capture_count == GM_TOPIC_CAPTURES_MAX) {
        return gm_error_set(error, GM_LIMIT, "more than %d captures", GM_TOPIC_CAPTURES_MAX);
    }
    compiled->names[compiled->capture_count++] = name;
    *to = (gm_topic_level){ .before = cut(level, 0, open),
                            .behind = cut(level, close + 1, level.size),
                            .open = true,
                            .capture = (uint8_t)compiled->capture_count };
    return GM_OK;
}

static gm_status add_level(gm_topic_template *compiled, gm_text level, bool last, gm_error *error)
{
    if (last && gm_text_equal(level, "#")) {
        compiled->open_end = true;
        return GM_OK;
    }
    if (compiled->level_count == GM_TOPIC_LEVELS_MAX) {
        return gm_error_set(error, GM_LIMIT, "more than %d levels", GM_TOPIC_LEVELS_MAX);
    }
    gm_topic_level *to = &compiled->levels[compiled->level_count++];
    if (gm_text_equal(level, "+")) {
        *to = (gm_topic_level){ .open = true };
        return GM_OK;
    }
    if (level.size > 0 && (find(level, '+') != NULL || find(level, '#') != NULL)) {
        return gm_error_set(error, GM_INVALID,
                            "level `%.*s`: '+' stands for a whole level, '#' for the last ones",
                            (int)level.size, level.data);
    }
    if (level.size > 0 && (find(level, '{') != NULL || find(level, '}') != NULL)) {
        return add_capture(compiled, to, level, error);
    }
    *to = (gm_topic_level){ .before = level };
    return GM_OK;
}

gm_status gm_topic_template_compile(gm_text source, gm_topic_template *compiled, gm_error *error)
{
    if (source.size == 0) {
        return gm_error_set(error, GM_INVALID, "a topic template is empty");
    }
    if (!gm_mqtt_is_text(source)) {
        return gm_error_set(error, GM_INVALID,
                            "a topic template is UTF-8 without NUL of at most %d bytes",
                            GM_MQTT_TEXT_MAX_SIZE);
    }
    gm_topic_template made = { 0 };
    for (size_t at = 0; at <= source.size;) {
        const char *slash = find(cut(source, at, source.size), '/');
        size_t end = slash != NULL ? (size_t)(slash - source.data) : source.size;
        gm_status status = add_level(&made, cut(source, at, end), end == source.size, error);
        if (status != GM_OK) {
            return status;
        }
        at = end + 1;
    }
    *compiled = made;
    return GM_OK;
}

/// Matches one level and gives what its open part took.
static bool level_matches(const gm_topic_level *level, gm_text text, gm_text *taken)
{
    size_t fixed = level->before.size + level->behind.size;
    if (!level->open) {
        return same_text(level->before, text);
    }
    if (text.size < fixed + (level->capture > 0)) {
        return false;
    }
    *taken = cut(text, level->before.size, text.size - level->behind.size);
    return (level->before.size == 0 ||
            memcmp(text.data, level->before.data, level->before.size) == 0) &&
           (level->behind.size == 0 ||
            memcmp(taken->data + taken->size, level->behind.data, level->behind.size) == 0);
}

bool gm_topic_template_match(const gm_topic_template *compiled, gm_text topic, gm_text *captures)
{
    bool wild_start = compiled->level_count == 0 ||
                      (compiled->levels[0].open && compiled->levels[0].before.size == 0);
    if (topic.size == 0 || (wild_start && topic.data[0] == '$')) {
        return false;
    }
    gm_text taken[GM_TOPIC_CAPTURES_MAX];
    size_t at = 0, index = 0;
    for (; index < compiled->level_count && at <= topic.size; index++) {
        const gm_topic_level *level = &compiled->levels[index];
        const char *slash = find(cut(topic, at, topic.size), '/');
        size_t end = slash != NULL ? (size_t)(slash - topic.data) : topic.size;
        gm_text part;
        if (!level_matches(level, cut(topic, at, end), &part)) {
            return false;
        }
        if (level->capture > 0) {
            taken[level->capture - 1] = part;
        }
        at = end + 1;
    }
    bool all_taken = at > topic.size;
    if (index < compiled->level_count || !(all_taken || compiled->open_end)) {
        return false;
    }
    if (compiled->capture_count > 0) {
        memcpy(captures, taken, compiled->capture_count * sizeof *captures);
    }
    return true;
}

void gm_topic_template_filter(const gm_topic_template *compiled, gm_string *filter)
{
    for (size_t index = 0; index < compiled->level_count; index++) {
        const gm_topic_level *level = &compiled->levels[index];
        gm_string_add(filter, "/", index > 0);
        if (level->open) {
            gm_string_add(filter, "+", 1);
        } else {
            gm_string_add(filter, level->before.data, level->before.size);
        }
    }
    if (compiled->open_end) {
        gm_string_add(filter, "/#", compiled->level_count > 0 ? 2 : 0);
        gm_string_add(filter, "#", compiled->level_count == 0);
    }
}
