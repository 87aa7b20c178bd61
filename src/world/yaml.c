// Builds configuration trees from libyaml's events (YAML 1.1, https://yaml.org/spec/1.1/) with an
// explicit stack.
#include "world/yaml.h"

#include <string.h>
#include <yaml.h>

#include "base/hash.h"
#include "base/text.h"

enum { LINEAR_KEYS = 16, TEXT_CHUNK = 16384 };

typedef struct frame {
    gm_config node;     // the list or map being read
    size_t first_child; // in builder.pending
    const char *key;    // of the value that comes next in a map; NULL: a key comes next
    gm_place key_place;
} frame;

typedef struct builder {
    const gm_yaml_options *options;
    const char *file;
    frame stack[GM_YAML_DEPTH_MAX];
    size_t depth;
    gm_config *pending; // finished children of open lists and maps
    size_t pending_count, pending_capacity;
    size_t node_count;
    char *text; // the rest of a chunk that short texts are packed into
    size_t text_left;
    gm_config root;
    bool done;
} builder;

static gm_place place_of(const builder *build, yaml_mark_t mark)
{
    return (gm_place){ .file = build->file,
                       .line = (uint32_t)(mark.line + 1),
                       .column = (uint32_t)(mark.column + 1) };
}

static const char *pack_text(builder *build, const char *text, size_t size)
{
    if (size >= TEXT_CHUNK / 4) {
        return gm_arena_text(build->options->arena, text, size);
    }
    if (size + 1 > build->text_left) {
        build->text = gm_arena_new(build->options->arena, TEXT_CHUNK, 1);
        build->text_left = build->text != NULL ? TEXT_CHUNK : 0;
        if (build->text == NULL) {
            return NULL;
        }
    }
    char *copy = build->text;
    memcpy(copy, text, size);
    copy[size] = '\0';
    build->text += size + 1;
    build->text_left -= size + 1;
    return copy;
}

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for the configuration");
}

static gm_status duplicate_key(const gm_config *first, const gm_config *second, gm_error *error)
{
    return gm_error_at(error, GM_INVALID, second->key_place,
                       "key '%.80s' is there twice; the first is in line %u", second->key,
                       first->key_place.line);
}

gm_status gm_yaml_unique_keys(const gm_config *map, gm_error *error)
{
    const gm_config *children = map->children;
    if (map->count <= LINEAR_KEYS) {
        for (size_t index = 1; index < map->count; index++) {
            for (size_t before = 0; before < index; before++) {
                if (strcmp(children[before].key, children[index].key) == 0) {
                    return duplicate_key(&children[before], &children[index], error);
                }
            }
        }
        return GM_OK;
    }
    size_t slots = 64;
    while (slots < map->count * 2) {
        slots *= 2;
    }
    uint32_t *table = gm_memory_new(slots, sizeof *table); // index + 1
    if (table == NULL) {
        return no_memory(error);
    }
    gm_status status = GM_OK;
    for (size_t index = 0; index < map->count && status == GM_OK; index++) {
        size_t slot = gm_hash(children[index].key, strlen(children[index].key), 0) & (slots - 1);
        while (table[slot] != 0 && status == GM_OK) {
            const gm_config *before = &children[table[slot] - 1];
            if (strcmp(before->key, children[index].key) == 0) {
                status = duplicate_key(before, &children[index], error);
            }
            slot = (slot + 1) & (slots - 1);
        }
        table[slot] = (uint32_t)(index + 1);
    }
    gm_memory_free(table);
    return status;
}

// A finished node goes to its parent, or is the root.
static gm_status add_node(builder *build, gm_config node, gm_error *error)
{
    if (build->depth == 0) {
        build->root = node;
        build->done = true;
        return GM_OK;
    }
    frame *parent = &build->stack[build->depth - 1];
    if (parent->node.kind == GM_CONFIG_MAP) {
        node.key = parent->key;
        node.key_place = parent->key_place;
        parent->key = NULL;
    }
    gm_config *grown = gm_memory_grow(build->pending, &build->pending_capacity,
                                      build->pending_count + 1, sizeof *grown);
    if (grown == NULL) {
        return no_memory(error);
    }
    build->pending = grown;
    build->pending[build->pending_count++] = node;
    return GM_OK;
}

static bool wants_key(const builder *build)
{
    return build->depth > 0 && build->stack[build->depth - 1].node.kind == GM_CONFIG_MAP &&
           build->stack[build->depth - 1].key == NULL;
}

static gm_status count_node(builder *build, gm_place place, gm_error *error)
{
    if (++build->node_count > GM_YAML_NODES_MAX) {
        return gm_error_at(error, GM_LIMIT, place, "more than %d values in one file",
                           GM_YAML_NODES_MAX);
    }
    return GM_OK;
}

static gm_status read_scalar(builder *build, const yaml_event_t *event, gm_error *error)
{
    gm_place place = place_of(build, event->start_mark);
    const char *value = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (event->data.scalar.tag != NULL) {
        return gm_error_at(error, GM_INVALID, place, "tags ('!...') are not offered");
    }
    if (memchr(value, 0, size) != NULL) {
        return gm_error_at(error, GM_INVALID, place, "a text with a NUL character");
    }
    bool is_key = wants_key(build);
    if (is_key && (size == 0 || size > GM_YAML_KEY_MAX)) {
        return gm_error_at(error, size == 0 ? GM_INVALID : GM_LIMIT, place,
                           "expected a key of 1 to %d bytes, got %zu", GM_YAML_KEY_MAX, size);
    }
    const char *text = pack_text(build, value, size);
    if (text == NULL) {
        return no_memory(error);
    }
    if (is_key) {
        build->stack[build->depth - 1].key = text;
        build->stack[build->depth - 1].key_place = place;
        return GM_OK;
    }
    gm_status status = count_node(build, place, error);
    if (status != GM_OK) {
        return status;
    }
    return add_node(build,
                    (gm_config){ .kind = GM_CONFIG_SCALAR,
                                 .quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE,
                                 .text = text,
                                 .place = place,
                                 .units = build->options->units },
                    error);
}

static gm_status open_node(builder *build, const yaml_event_t *event, gm_config_kind kind,
                           gm_error *error)
{
    gm_place place = place_of(build, event->start_mark);
    const yaml_char_t *tag =
        kind == GM_CONFIG_MAP ? event->data.mapping_start.tag : event->data.sequence_start.tag;
    if (tag != NULL) {
        return gm_error_at(error, GM_INVALID, place, "tags ('!...') are not offered");
    }
    if (wants_key(build)) {
        return gm_error_at(error, GM_INVALID, place, "expected a text as key, got a %s",
                           kind == GM_CONFIG_MAP ? "map" : "list");
    }
    if (build->depth == GM_YAML_DEPTH_MAX) {
        return gm_error_at(error, GM_LIMIT, place, "nested deeper than %d levels",
                           GM_YAML_DEPTH_MAX);
    }
    gm_status status = count_node(build, place, error);
    if (status == GM_OK) {
        build->stack[build->depth++] = (frame){
            .node = { .kind = kind, .text = "", .place = place, .units = build->options->units },
            .first_child = build->pending_count,
        };
    }
    return status;
}

static gm_status close_node(builder *build, gm_error *error)
{
    frame *closed = &build->stack[build->depth - 1];
    gm_config node = closed->node;
    node.count = build->pending_count - closed->first_child;
    gm_config *children = NULL;
    if (node.count > 0) {
        children = gm_arena_new(build->options->arena, node.count, sizeof *children);
        if (children == NULL) {
            return no_memory(error);
        }
        memcpy(children, build->pending + closed->first_child, node.count * sizeof *children);
    }
    node.children = children;
    gm_status status = node.kind == GM_CONFIG_MAP ? gm_yaml_unique_keys(&node, error) : GM_OK;
    if (status == GM_OK) {
        build->pending_count = closed->first_child;
        build->depth--;
        status = add_node(build, node, error);
    }
    return status;
}

static bool has_anchor(const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return event->data.scalar.anchor != NULL;
    case YAML_SEQUENCE_START_EVENT:
        return event->data.sequence_start.anchor != NULL;
    case YAML_MAPPING_START_EVENT:
        return event->data.mapping_start.anchor != NULL;
    default:
        return false;
    }
}

static gm_status take_event(builder *build, const yaml_event_t *event, gm_error *error)
{
    gm_place place = place_of(build, event->start_mark);
    if (has_anchor(event)) {
        return gm_error_at(error, GM_INVALID, place,
                           "anchors ('&...') are not offered; write the value where it is used");
    }
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return gm_error_at(error, GM_INVALID, place,
                           "aliases ('*...') are not offered; a pattern that begins with '*' "
                           "stands in quotes");
    case YAML_DOCUMENT_START_EVENT:
        if (build->done) {
            return gm_error_at(error, GM_INVALID, place, "a second document; expected one");
        }
        return GM_OK;
    case YAML_SCALAR_EVENT:
        return read_scalar(build, event, error);
    case YAML_SEQUENCE_START_EVENT:
        return open_node(build, event, GM_CONFIG_LIST, error);
    case YAML_MAPPING_START_EVENT:
        return open_node(build, event, GM_CONFIG_MAP, error);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return close_node(build, error);
    default:
        return GM_OK;
    }
}

// Line and column of a byte, for what libyaml refuses before it has a mark.
static gm_place place_of_byte(const builder *build, const char *bytes, size_t at)
{
    gm_place place = { .file = build->file, .line = 1, .column = 1 };
    for (size_t index = 0; index < at; index++) {
        bool continues = ((unsigned char)bytes[index] & 0xC0) == 0x80;
        place.column += continues ? 0 : 1;
        if (bytes[index] == '\n') {
            place.line++;
            place.column = 1;
        }
    }
    return place;
}

static gm_status parser_failed(const builder *build, const yaml_parser_t *parser, const char *bytes,
                               gm_error *error)
{
    if (parser->error == YAML_MEMORY_ERROR) {
        return no_memory(error);
    }
    gm_place place = parser->error == YAML_READER_ERROR
                         ? place_of_byte(build, bytes, parser->problem_offset)
                         : place_of(build, parser->problem_mark);
    return gm_error_at(error, GM_INVALID, place, "not YAML: %s%s%s",
                       parser->problem != NULL ? parser->problem : "it cannot be read",
                       parser->context != NULL ? " " : "",
                       parser->context != NULL ? parser->context : "");
}

static gm_status check_bytes(const builder *build, const char *bytes, size_t size, gm_error *error)
{
    if (size > GM_YAML_SIZE_MAX) {
        return gm_error_at(error, GM_LIMIT, (gm_place){ .file = build->file },
                           "%zu bytes; a file has at most %d", size, GM_YAML_SIZE_MAX);
    }
    for (size_t at = 0; at < size;) {
        size_t step = gm_text_utf8_step((gm_text){ bytes + at, size - at });
        if (step == 0) {
            return gm_error_at(error, GM_INVALID, place_of_byte(build, bytes, at),
                               "byte 0x%02X is not UTF-8 text", (unsigned char)bytes[at]);
        }
        at += step;
    }
    return GM_OK;
}

static gm_status parse(builder *build, const char *bytes, size_t size, gm_error *error)
{
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
        return no_memory(error);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, size);
    gm_status status = GM_OK;
    for (bool ended = false; !ended && status == GM_OK;) {
        yaml_event_t event;
        if (yaml_parser_parse(&parser, &event) == 0) {
            status = parser_failed(build, &parser, bytes, error);
        } else {
            status = take_event(build, &event, error);
            ended = event.type == YAML_STREAM_END_EVENT;
            yaml_event_delete(&event);
        }
    }
    yaml_parser_delete(&parser);
    return status;
}

gm_status gm_yaml_read(const char *bytes, size_t size, const gm_yaml_options *options,
                       const gm_config **root, gm_error *error)
{
    builder *build = gm_memory_new(1, sizeof *build);
    gm_config *kept = gm_arena_new(options->arena, 1, sizeof *kept);
    if (build == NULL || kept == NULL) {
        gm_memory_free(build);
        return no_memory(error);
    }
    build->options = options;
    if (options->file != NULL) {
        build->file = gm_arena_text(options->arena, options->file, strlen(options->file));
    }
    gm_status status = check_bytes(build, bytes, size, error);
    if (status == GM_OK) {
        status = parse(build, bytes, size, error);
    }
    bool empty =
        !build->done || (build->root.kind == GM_CONFIG_SCALAR && build->root.text[0] == '\0');
    if (status == GM_OK && empty) {
        status = gm_error_at(error, GM_INVALID, (gm_place){ build->file, 1, 1 },
                             "nothing is in it; expected a map");
    }
    if (status == GM_OK) {
        *kept = build->root;
        *root = kept;
    }
    gm_memory_free(build->pending);
    gm_memory_free(build);
    return status;
}
