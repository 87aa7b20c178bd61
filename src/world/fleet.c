// Copies a tree with `each:` written out. Recursion is bounded by GM_YAML_DEPTH_MAX, the depth of
// any tree read.
#include "world/fleet.h"

#include <string.h>

#include "base/arena.h"
#include "base/text.h"
#include "codec/csv.h"
#include "world/yaml.h"

enum { SUBSTITUTED_MAX = 65536 };

// One table's current row; `outer` is the table around it.
typedef struct row_scope {
    const char *file;
    char *const *columns; // [count] names
    size_t count;
    const gm_csv_row *row;
    const gm_csv *csv;
    const struct row_scope *outer;
} row_scope;

typedef struct expander {
    const gm_files *files;
    gm_arena *arena;
    size_t node_count;
    gm_string text; // being substituted
} expander;

// Children of a map under way.
typedef struct node_list {
    gm_config *nodes;
    size_t count, capacity;
} node_list;

static gm_status copy_node(expander *into, const gm_config *from, const row_scope *scope,
                           gm_config *to, gm_error *error);

static gm_status no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for a table of the world file");
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The column's name behind a '$': bytes used from `text` (past the '$'), 0 when malformed.
static size_t scan_column(const char *text, gm_text *name)
{
    bool braced = text[0] == '{';
    size_t start = braced ? 1 : 0, end = start;
    while (braced ? text[end] != '\0' && text[end] != '}' : is_word(text[end])) {
        end++;
    }
    if (end == start || (braced && text[end] != '}')) {
        return 0;
    }
    *name = (gm_text){ text + start, end - start };
    return end + (braced ? 1 : 0);
}

static bool find_cell(const row_scope *scope, gm_text name, gm_text *cell, gm_place *place)
{
    for (; scope != NULL; scope = scope->outer) {
        for (size_t index = 0; index < scope->count; index++) {
            if (gm_text_equal(name, scope->columns[index])) {
                *cell = gm_text_trim(scope->row->cells[index]);
                *place = gm_csv_place(scope->csv, index);
                place->file = scope->file;
                return true;
            }
        }
    }
    return false;
}

static gm_status unknown_column(const row_scope *scope, gm_text name, gm_place place,
                                gm_error *error)
{
    char word[64];
    size_t size = name.size < sizeof word - 1 ? name.size : sizeof word - 1;
    memcpy(word, name.data, size);
    word[size] = '\0';
    const char *nearest = gm_text_nearest(word, (const char *const *)scope->columns, scope->count);
    return gm_error_at(error, GM_INVALID, place, "'%s' has no column '%s'%s%s%s", scope->file, word,
                       nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "'?" : "");
}

// `*text` with its columns filled in; unchanged without any. `*place` moves to the first cell used.
static gm_status substitute(expander *into, const row_scope *scope, const char **text,
                            gm_place *place, gm_error *error)
{
    if (scope == NULL || strchr(*text, '$') == NULL) {
        return GM_OK;
    }
    gm_place cell_place = *place;
    bool moved = false;
    into->text.size = 0;
    for (const char *at = *text; *at != '\0';) {
        size_t plain = strcspn(at, "$");
        gm_string_add(&into->text, at, plain);
        at += plain;
        if (*at == '\0') {
            break;
        }
        if (at[1] == '$') {
            gm_string_add(&into->text, "$", 1);
            at += 2;
            continue;
        }
        gm_text name = { 0 }, cell = { 0 };
        size_t used = scan_column(at + 1, &name);
        if (used == 0) {
            return gm_error_at(error, GM_INVALID, *place,
                               "expected a column's name behind '$' ($name or ${name}; '$$' is a "
                               "dollar sign) in '%.80s'",
                               *text);
        }
        gm_place found = { 0 };
        if (!find_cell(scope, name, &cell, &found)) {
            return unknown_column(scope, name, *place, error);
        }
        cell_place = moved ? cell_place : found;
        moved = true;
        gm_string_add(&into->text, cell.data, cell.size);
        at += 1 + used;
    }
    if (into->text.size > SUBSTITUTED_MAX) {
        return gm_error_at(error, GM_LIMIT, *place, "a text of more than %d bytes",
                           SUBSTITUTED_MAX);
    }
    const char *copy = gm_arena_text(into->arena, into->text.data, into->text.size);
    if (into->text.failed || copy == NULL) {
        return no_memory(error);
    }
    *text = copy;
    *place = cell_place;
    return GM_OK;
}

// Copies one entry of a map or list to the end of `list`.
static gm_status add_copy(expander *into, const gm_config *from, const row_scope *scope,
                          node_list *list, gm_error *error)
{
    gm_config copy;
    gm_status status = copy_node(into, from, scope, &copy, error);
    if (status != GM_OK) {
        return status;
    }
    gm_config *grown = gm_memory_grow(list->nodes, &list->capacity, list->count + 1, sizeof *grown);
    if (grown == NULL) {
        return no_memory(error);
    }
    list->nodes = grown;
    list->nodes[list->count++] = copy;
    return GM_OK;
}

// The header row as texts of the arena.
static gm_status keep_columns(expander *into, const gm_csv_row *row, row_scope *scope,
                              gm_error *error)
{
    char **columns = gm_arena_new(into->arena, row->count, sizeof *columns);
    if (columns == NULL) {
        return no_memory(error);
    }
    for (size_t index = 0; index < row->count; index++) {
        gm_text name = gm_text_trim(row->cells[index]);
        columns[index] = gm_arena_text(into->arena, name.data, name.size);
        if (columns[index] == NULL) {
            return no_memory(error);
        }
    }
    scope->columns = columns;
    scope->count = row->count;
    return GM_OK;
}

static bool has_column(const row_scope *scope, gm_text name)
{
    for (size_t index = 0; index < scope->count; index++) {
        if (gm_text_equal(name, scope->columns[index])) {
            return true;
        }
    }
    return false;
}

// Whether a key is the same for every row: it names no column of this table (and none that nobody
// knows).
static bool is_same_for_all(const row_scope *scope, const char *key)
{
    for (const char *at = strchr(key, '$'); at != NULL; at = strchr(at, '$')) {
        if (at[1] == '$' && scope->outer != NULL) {
            at += 2;
            continue;
        }
        gm_text name = { 0 };
        size_t used = scan_column(at + 1, &name);
        bool outside = false;
        for (const row_scope *outer = scope->outer; outer != NULL; outer = outer->outer) {
            outside = outside || (used > 0 && has_column(outer, name));
        }
        if (!outside || has_column(scope, name)) {
            return false;
        }
        at += 1 + used;
    }
    return true;
}

// The entries of `map` but `each`: once those that are the same for every row, and then the others
// row by row.
static gm_status copy_entries(expander *into, const gm_config *map, const row_scope *scope,
                              bool same, node_list *list, gm_error *error)
{
    gm_status status = GM_OK;
    for (size_t index = 0; index < map->count && status == GM_OK; index++) {
        const gm_config *child = &map->children[index];
        if (strcmp(child->key, "each") != 0 && is_same_for_all(scope, child->key) == same) {
            status = add_copy(into, child, same ? scope->outer : scope, list, error);
        }
    }
    return status;
}

static gm_status repeat_rows(expander *into, const gm_config *map, gm_csv *csv, row_scope *scope,
                             node_list *list, gm_error *error)
{
    gm_csv_got got = GM_CSV_END;
    gm_csv_row row;
    gm_status status = gm_csv_next(csv, &got, &row, error);
    if (status == GM_OK && got != GM_CSV_ROW) {
        return gm_error_at(error, GM_INVALID, (gm_place){ .file = scope->file },
                           "the table is empty; expected a row of column names");
    }
    if (status == GM_OK) {
        status = keep_columns(into, &row, scope, error);
    }
    if (status == GM_OK) {
        status = copy_entries(into, map, scope, true, list, error);
    }
    while (status == GM_OK) {
        status = gm_csv_next(csv, &got, &row, error);
        if (status != GM_OK || got != GM_CSV_ROW) {
            break;
        }
        scope->row = &row;
        status = copy_entries(into, map, scope, false, list, error);
    }
    scope->row = NULL;
    return status;
}

static gm_status repeat_table(expander *into, const gm_config *map, const gm_config *each,
                              const row_scope *outer, node_list *list, gm_error *error)
{
    const char *name = NULL;
    gm_place place = each->place;
    gm_status status = gm_config_text(each, &name, error);
    if (status == GM_OK) {
        status = substitute(into, outer, &name, &place, error);
    }
    if (status == GM_OK && into->files->read == NULL) {
        status = gm_error_at(error, GM_INVALID, place, "`each` is not offered here");
    }
    if (status != GM_OK) {
        return status;
    }
    void *bytes = NULL;
    size_t size = 0;
    gm_error why = { 0 };
    status = into->files->read(into->files->context, GM_FILE_DATA, name, &bytes, &size, &why);
    if (status != GM_OK) {
        return gm_error_at(error, status, place, "%s", why.text);
    }
    row_scope scope = { .file = gm_arena_text(into->arena, name, strlen(name)), .outer = outer };
    gm_csv_options options = gm_default_csv();
    options.file = scope.file;
    gm_csv *csv = NULL;
    status = scope.file == NULL ? no_memory(error) : gm_csv_create(&options, &csv, error);
    if (status == GM_OK) {
        gm_csv_feed(csv, bytes, size, true);
        scope.csv = csv;
        status = repeat_rows(into, map, csv, &scope, list, error);
    }
    gm_csv_close(csv);
    gm_memory_free(bytes);
    return status;
}

static gm_status copy_children(expander *into, const gm_config *from, const row_scope *scope,
                               gm_config *to, gm_error *error)
{
    node_list list = { 0 };
    const gm_config *each = gm_config_get(from, "each");
    gm_status status = GM_OK;
    if (each != NULL) {
        status = repeat_table(into, from, each, scope, &list, error);
    } else {
        for (size_t index = 0; index < from->count && status == GM_OK; index++) {
            status = add_copy(into, &from->children[index], scope, &list, error);
        }
    }
    if (status == GM_OK && list.count > 0) {
        gm_config *children = gm_arena_new(into->arena, list.count, sizeof *children);
        if (children == NULL) {
            status = no_memory(error);
        } else {
            memcpy(children, list.nodes, list.count * sizeof *children);
            to->children = children;
        }
    }
    gm_memory_free(list.nodes);
    if (status == GM_OK) {
        to->count = list.count;
        bool repeated = scope != NULL || each != NULL;
        status = to->kind == GM_CONFIG_MAP && repeated ? gm_yaml_unique_keys(to, error) : GM_OK;
    }
    return status;
}

static gm_status copy_node(expander *into, const gm_config *from, const row_scope *scope,
                           gm_config *to, gm_error *error)
{
    if (++into->node_count > GM_YAML_NODES_MAX) {
        return gm_error_at(error, GM_LIMIT, from->place,
                           "more than %d values once `each` is written out", GM_YAML_NODES_MAX);
    }
    gm_config copy = *from;
    gm_status status = GM_OK;
    if (copy.key != NULL) {
        status = substitute(into, scope, &copy.key, &copy.key_place, error);
        if (status == GM_OK && copy.key[0] == '\0') {
            status = gm_error_at(error, GM_INVALID, copy.key_place, "an empty name");
        }
    }
    if (status == GM_OK && copy.kind == GM_CONFIG_SCALAR) {
        status = substitute(into, scope, &copy.text, &copy.place, error);
    } else if (status == GM_OK) {
        copy.count = 0;
        copy.children = NULL;
        status = copy_children(into, from, scope, &copy, error);
    }
    if (status == GM_OK) {
        *to = copy;
    }
    return status;
}

static bool has_each(const gm_config *tree)
{
    if (gm_config_get(tree, "each") != NULL) {
        return true;
    }
    for (size_t index = 0; index < tree->count; index++) {
        if (has_each(&tree->children[index])) {
            return true;
        }
    }
    return false;
}

gm_status gm_fleet_expand(const gm_config *tree, const gm_files *files, gm_arena *arena,
                          const gm_config **expanded, gm_error *error)
{
    if (!has_each(tree)) {
        *expanded = tree;
        return GM_OK;
    }
    gm_config *copy = gm_arena_new(arena, 1, sizeof *copy);
    if (copy == NULL) {
        return no_memory(error);
    }
    expander into = { .files = files, .arena = arena };
    gm_status status = copy_node(&into, tree, NULL, copy, error);
    gm_string_free(&into.text);
    if (status == GM_OK) {
        *expanded = copy;
    }
    return status;
}
