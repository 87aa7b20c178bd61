// Reading and scanning for the tidy test; see tidy_source.h.
#include "tidy/tidy_source.h"

#include <ctype.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_SIZE_MAX = 4 << 20 };

// Folders that building, running and git leave in the tree
static const char *const skipped_folders[] = { ".git", "build", "node_modules", "dist",
                                               "twin-data" };

static void *must(void *memory)
{
    if (!memory) {
        abort();
    }
    return memory;
}

bool tidy_starts(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

bool tidy_ends(const char *text, const char *end)
{
    size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

const char *tidy_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool tidy_is_c(const tidy_file *file)
{
    return tidy_ends(file->path, ".c") || tidy_ends(file->path, ".h");
}

size_t tidy_line(const tidy_file *file, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < file->size; i++) {
        line += file->text[i] == '\n';
    }
    return line;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool tidy_word_at(const char *code, size_t at, const char *word)
{
    size_t length = strlen(word);
    return (at == 0 || !is_word(code[at - 1])) && strncmp(code + at, word, length) == 0 &&
           !is_word(code[at + length]);
}

// Offset behind the string or character constant that starts at `at`
static size_t skip_quoted(const char *text, size_t at)
{
    char quote = text[at++];
    while (text[at] != '\0' && text[at] != quote && text[at] != '\n') {
        at += text[at] == '\\' && text[at + 1] != '\0' ? 2 : 1;
    }
    return text[at] == quote ? at + 1 : at;
}

static size_t skip_comment(const char *text, size_t at)
{
    if (text[at + 1] == '/') {
        return at + strcspn(text + at, "\n");
    }
    const char *end = strstr(text + at + 2, "*/");
    return end ? (size_t)(end - text) + 2 : strlen(text);
}

// Offset of the newline that ends the preprocessor line at `at`, with its continuations
static size_t skip_directive(const char *text, size_t at)
{
    for (; text[at] != '\0'; at++) {
        if (text[at] == '\n' && text[at - 1] != '\\') {
            break;
        }
    }
    return at;
}

static void blank(char *code, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (code[i] != '\n') {
            code[i] = ' ';
        }
    }
}

static void blank_all_but_code(const char *text, char *code)
{
    bool line_is_empty = true;
    for (size_t at = 0; text[at] != '\0';) {
        size_t next = at + 1;
        if (text[at] == '/' && (text[at + 1] == '/' || text[at + 1] == '*')) {
            next = skip_comment(text, at);
            blank(code, at, next);
        } else if (text[at] == '"' || text[at] == '\'') {
            next = skip_quoted(text, at);
            blank(code, at + 1, next - 1);
            line_is_empty = false;
        } else if (text[at] == '#' && line_is_empty) {
            next = skip_directive(text, at);
            blank(code, at, next);
        } else if (text[at] == '\n') {
            line_is_empty = true;
        } else if (!isspace((unsigned char)text[at])) {
            line_is_empty = false;
        }
        at = next;
    }
}

void tidy_add(tidy_tree *tree, const char *path, const char *text, size_t size)
{
    tree->files = must(realloc(tree->files, (tree->count + 1) * sizeof(tidy_file)));
    tidy_file *file = &tree->files[tree->count++];
    file->path = must(strdup(path));
    file->text = must(malloc(size + 1));
    memcpy(file->text, text, size);
    file->text[size] = '\0';
    file->size = size;
    file->code = must(strdup(file->text));
    if (tidy_is_c(file)) {
        blank_all_but_code(file->text, file->code);
    }
}

void tidy_free(tidy_tree *tree)
{
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->files[i].path);
        free(tree->files[i].text);
        free(tree->files[i].code);
    }
    free(tree->files);
    *tree = (tidy_tree){ 0 };
}

static bool is_skipped(const char *name)
{
    for (size_t i = 0; i < sizeof(skipped_folders) / sizeof(skipped_folders[0]); i++) {
        if (strcmp(name, skipped_folders[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void read_file(tidy_tree *tree, const char *path, const char *place, char *buffer)
{
    FILE *stream = fopen(place, "rb");
    if (!stream) {
        return; // gone since the folder was read: somebody is working here
    }
    size_t size = fread(buffer, 1, FILE_SIZE_MAX, stream);
    fclose(stream);
    if (!memchr(buffer, '\0', size)) {
        tidy_add(tree, path, buffer, size);
    }
}

void tidy_read(const char *root, tidy_tree *tree)
{
    char *roots[] = { must(strdup(root)), NULL };
    char *buffer = must(malloc(FILE_SIZE_MAX));
    FTS *walk = must(fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL));
    for (FTSENT *entry = fts_read(walk); entry; entry = fts_read(walk)) {
        if (entry->fts_info == FTS_D && entry->fts_level > 0 && is_skipped(entry->fts_name)) {
            fts_set(walk, entry, FTS_SKIP);
        } else if (entry->fts_info == FTS_F && entry->fts_name[0] != '.') {
            read_file(tree, entry->fts_path + strlen(root) + 1, entry->fts_path, buffer);
        }
    }
    fts_close(walk);
    free(buffer);
    free(roots[0]);
}

size_t tidy_closing(const tidy_file *file, size_t open)
{
    char opens = file->code[open];
    char closes = opens == '(' ? ')' : opens == '{' ? '}' : ']';
    size_t depth = 0;
    for (size_t i = open; i < file->size; i++) {
        depth += file->code[i] == opens;
        depth -= file->code[i] == closes;
        if (depth == 0) {
            return i;
        }
    }
    return file->size;
}

// The `(` of the parameter list: the first that follows a word other than an attribute's
static size_t find_parameters(const tidy_file *file, size_t start, size_t end)
{
    for (size_t i = start; i < end; i++) {
        if (file->code[i] == '=') {
            return 0;
        }
        if (file->code[i] != '(') {
            continue;
        }
        size_t word = i;
        while (word > start && is_word(file->code[word - 1])) {
            word--;
        }
        bool is_attribute = tidy_word_at(file->code, word, "__attribute__") ||
                            tidy_word_at(file->code, word, "_Alignas") ||
                            tidy_word_at(file->code, word, "_Static_assert");
        if (word < i && !is_attribute) {
            return i;
        }
        i = tidy_closing(file, i);
    }
    return 0;
}

static void append(tidy_statement *statement, char c)
{
    size_t length = strlen(statement->text);
    if (length + 1 < sizeof(statement->text)) {
        statement->text[length] = c;
        statement->text[length + 1] = '\0';
    }
}

// A brace opens a function when a parameter list stands before it and no `=`
static bool opens_function(const tidy_file *file, const tidy_statement *statement, size_t brace)
{
    size_t last = brace;
    while (last > statement->start && isspace((unsigned char)file->code[last - 1])) {
        last--;
    }
    return file->code[last - 1] == ')' && !strchr(statement->text, '=') &&
           !tidy_word_at(statement->text, 0, "typedef") &&
           find_parameters(file, statement->start, brace) > 0;
}

bool tidy_next(const tidy_file *file, size_t *at, tidy_statement *statement)
{
    size_t i = *at;
    while (i < file->size && (isspace((unsigned char)file->code[i]) || file->code[i] == ';')) {
        i++;
    }
    if (i >= file->size) {
        return false;
    }
    *statement = (tidy_statement){ .start = i };
    for (; i < file->size && file->code[i] != ';'; i++) {
        if (file->code[i] != '{') {
            append(statement, file->code[i]);
            continue;
        }
        bool is_function = opens_function(file, statement, i);
        size_t open = i;
        i = tidy_closing(file, open);
        if (is_function) {
            statement->body = open;
            break;
        }
        append(statement, '{');
        append(statement, '}');
    }
    statement->end = i < file->size ? i : file->size - 1;
    statement->parenthesis = find_parameters(file, statement->start, statement->end);
    *at = i + 1;
    return true;
}
