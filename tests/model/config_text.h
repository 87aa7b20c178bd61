// Configuration trees from short texts in tests: `{nodes: {a: {capacity: 5 J/K}}, list: [1, 2]}`.
#ifndef GEMEL_TESTS_MODEL_CONFIG_TEXT_H
#define GEMEL_TESTS_MODEL_CONFIG_TEXT_H

#include <gemel/config.h>
#include <string.h>

#include "base/arena.h"
#include "base/require.h"
#include "base/text.h"

typedef struct config_reader {
    const char *start, *at;
    gm_arena *arena;
    const struct gm_units *units;
} config_reader;

static gm_place config_here(const config_reader *in)
{
    return (gm_place){ "test", 1, (uint32_t)(in->at - in->start) + 1 };
}

static void config_blanks(config_reader *in)
{
    in->at += strspn(in->at, " \n");
}

/// Text up to one of `stops`, trimmed; moves to the stop.
static const char *config_word(config_reader *in, const char *stops)
{
    config_blanks(in);
    size_t size = strcspn(in->at, stops);
    gm_text text = gm_text_trim((gm_text){ in->at, size });
    in->at += size;
    return gm_arena_text(in->arena, text.data, text.size);
}

static size_t config_children(const config_reader *in)
{
    size_t count = 0, depth = 0;
    for (const char *at = in->at; *at != '\0'; at++) {
        count += depth == 0 && *at == ',';
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth == 0) {
                // an empty list has no child, else one more than commas
                return count + (strspn(in->at, " \n") < (size_t)(at - in->at));
            }
            depth--;
        }
    }
    GM_REQUIRE(false);
    return 0;
}

/// NOLINTNEXTLINE(misc-no-recursion): as deep as the test's text
static gm_config config_value(config_reader *in)
{
    config_blanks(in);
    gm_config value = { .kind = GM_CONFIG_SCALAR, .place = config_here(in), .units = in->units };
    if (*in->at != '{' && *in->at != '[') {
        value.text = config_word(in, ",]}");
        return value;
    }
    bool map = *in->at++ == '{';
    value.kind = map ? GM_CONFIG_MAP : GM_CONFIG_LIST;
    value.count = config_children(in);
    gm_config *children = gm_arena_new(in->arena, value.count, sizeof *children);
    value.children = children;
    for (size_t index = 0; index < value.count; index++) {
        config_blanks(in);
        gm_place place = config_here(in);
        const char *key = map ? config_word(in, ":") : NULL;
        in->at += map;
        children[index] = config_value(in);
        children[index].key = key;
        children[index].key_place = place;
        config_blanks(in);
        in->at += *in->at == ',';
    }
    config_blanks(in);
    GM_REQUIRE(*in->at == (map ? '}' : ']'));
    in->at++;
    return value;
}

static inline const gm_config *config_of(gm_arena *arena, const struct gm_units *units,
                                         const char *text)
{
    config_reader in = { text, text, arena, units };
    gm_config *root = gm_arena_new(arena, 1, sizeof *root);
    *root = config_value(&in);
    return root;
}

#endif
