// The rules of the tree: floors, purity, sizes, names, comments, files nobody reaches.
#include "tidy/tidy_rules.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

enum {
    FUNCTION_LINES_MAX = 70,
    FILE_LINES_MAX = 1000,
    PARAMETERS_MAX = 5,
    COLUMNS_MAX = 100,
    CLI_FLOOR = 9,
};

typedef struct room {
    const char *name;
    int floor;
    bool pure; // no files, sockets, clocks, environment; and includes only pure rooms and base
} room;

static const room rooms[] = {
    { "base", 0, false },   { "num", 1, true },    { "codec", 1, true },   { "model", 2, true },
    { "store", 2, false },  { "net", 2, false },   { "domain", 3, true },  { "assim", 3, true },
    { "predict", 3, true }, { "world", 4, false }, { "ingest", 5, false }, { "twin", 6, false },
    { "study", 7, false },  { "serve", 8, false }, { "cli", 9, false },
};

// The room a public header belongs to, where it is not the one it is named after
static const struct {
    const char *header, *room;
} public_headers[] = {
    { "status.h", "base" },  { "random.h", "base" }, { "workers.h", "num" },
    { "config.h", "model" }, { "model.h", "model" }, { "state.h", "model" },
    { "domain.h", "model" },
};

// Where a rule gives way, and why
static const struct {
    const char *rule, *path, *why;
} exceptions[] = {
    { "pure_rooms_are_pure", "src/num/workers.c", "the team's threads" },
    { "pure_rooms_are_pure", "src/model/segment.c",
      "any thread may fork or close: a pool has a lock" },
    { "parameters_are_few", "bench/bench_lorenz.c", "CVODE fixes the signature of a Jacobian" },
    { "no_mutable_globals", "src/base/units.c",
      "UDUNITS has globals of its own: a lock guards them" },
};

static void __attribute__((format(printf, 4, 5)))
find(tidy_report *report, const tidy_file *file, size_t offset, const char *format, ...)
{
    for (size_t i = 0; i < COUNT(exceptions); i++) {
        if (strcmp(exceptions[i].path, file->path) == 0 &&
            strcmp(exceptions[i].rule, report->rule) == 0) {
            return;
        }
    }
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    report->count++;
    snprintf(report->last, sizeof(report->last), "%.100s:%zu: %.280s", file->path,
             tidy_line(file, offset), text);
    if (!report->quiet) {
        fprintf(stderr, "tidy: %s\n", report->last);
    }
}

static const room *room_named(const char *name, size_t length)
{
    for (size_t i = 0; i < COUNT(rooms); i++) {
        if (strlen(rooms[i].name) == length && strncmp(rooms[i].name, name, length) == 0) {
            return &rooms[i];
        }
    }
    return NULL;
}

static const room *room_of_public(const char *header)
{
    for (size_t i = 0; i < COUNT(public_headers); i++) {
        if (strcmp(public_headers[i].header, header) == 0) {
            return room_named(public_headers[i].room, strlen(public_headers[i].room));
        }
    }
    return room_named(header, strcspn(header, "."));
}

// The room of a file of src/ or include/gemel/; NULL for everything else
static const room *room_of(const char *path)
{
    if (tidy_starts(path, "include/gemel/")) {
        return room_of_public(path + strlen("include/gemel/"));
    }
    if (!tidy_starts(path, "src/")) {
        return NULL;
    }
    path += strlen("src/");
    return room_named(path, strcspn(path, "/"));
}

// ---- floors ----

// Finds the next #include at or after *at; copies what stands between its quotes or angles
static bool next_include(const tidy_file *file, size_t *at, char name[200], size_t *offset)
{
    for (const char *line = file->text + *at; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        *at = (size_t)(line - file->text) + length + (line[length] == '\n');
        if (sscanf(line, "#include %*1[<\"]%199[^>\"\n]", name) == 1) {
            *offset = (size_t)(line - file->text);
            return true;
        }
        line = file->text + *at;
    }
    return false;
}

static const room *room_of_include(const tidy_file *file, const char *name)
{
    if (tidy_starts(name, "gemel/")) {
        return room_of_public(name + strlen("gemel/"));
    }
    const char *slash = strchr(name, '/');
    return slash ? room_named(name, (size_t)(slash - name)) : room_of(file->path);
}

static void check_include(const tidy_file *file, const room *own, size_t offset, const char *name,
                          tidy_report *report)
{
    const room *other = room_of_include(file, name);
    bool is_public = tidy_starts(name, "gemel/");
    bool is_quoted = strcspn(file->text + offset, "\"") < strcspn(file->text + offset, "\n");
    if (!is_public && !is_quoted) {
        return; // a library's
    }
    if (!other) {
        find(report, file, offset, "\"%s\" belongs to no room that tidy_rules.c knows", name);
    } else if (tidy_starts(file->path, "include/") && !is_public) {
        find(report, file, offset, "an installed header includes \"%s\", which is not", name);
    } else if (other != own && other->floor >= own->floor) {
        find(report, file, offset, "%s (floor %d) includes %s (floor %d)", own->name, own->floor,
             other->name, other->floor);
    } else if (own->pure && !other->pure && other->floor > 0) {
        find(report, file, offset, "%s is pure and includes %s, which is not", own->name,
             other->name);
    }
}

static void includes_go_down(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        const room *own = room_of(file->path);
        if (!own || !tidy_is_c(file)) {
            if (tidy_is_c(file) && tidy_starts(file->path, "include/")) {
                find(report, file, 0, "a public header of no room that tidy_rules.c knows");
            }
            continue;
        }
        char name[200];
        for (size_t at = 0, offset; next_include(file, &at, name, &offset);) {
            check_include(file, own, offset, name, report);
        }
    }
}

// ---- purity and banned calls ----

static const char *const impure_headers[] = {
    "fcntl.h",   "unistd.h", "dirent.h",     "time.h",          "signal.h",
    "threads.h", "netdb.h",  "sys/socket.h", "poll.h",          "pthread.h",
    "ftw.h",     "fts.h",    "sys/mman.h",   "sys/stat.h",      "sys/time.h",
    "locale.h",  "syslog.h", "sqlite3.h",    "libwebsockets.h",
};

static const char *const impure_calls[] = {
    "fopen",  "fdopen", "freopen", "fread",     "fwrite",        "fprintf",      "vfprintf",
    "printf", "puts",   "fputs",   "fputc",     "putchar",       "fgets",        "getline",
    "open",   "openat", "close",   "socket",    "clock_gettime", "gettimeofday", "time",
    "clock",  "sleep",  "usleep",  "nanosleep", "getenv",        "setenv",       "setlocale",
    "mmap",   "unlink", "system",  "popen",     "fork",          "signal",       "remove",
};

static const char *const banned_calls[] = {
    "strcpy", "strcat",  "strtok", "sprintf",   "vsprintf", "gets",    "atof",   "atoi",
    "atol",   "atoll",   "strtod", "strtof",    "rand",     "srand",   "rand_r", "random",
    "ctime",  "asctime", "gmtime", "localtime", "drand48",  "ctime_r", "alloca",
};

// Banned below the commands only
static const char *const banned_below_cli[] = { "getenv", "secure_getenv", "exit", "_exit",
                                                "quick_exit" };

// True for a call or definition of `word` at `at`, not for a member of that name
static bool is_call(const tidy_file *file, size_t at, const char *word)
{
    if (!tidy_word_at(file->code, at, word)) {
        return false;
    }
    size_t end = at + strlen(word);
    end += strspn(file->code + end, " \n");
    bool is_member = at > 0 && (file->code[at - 1] == '.' ||
                                (at > 1 && file->code[at - 2] == '-' && file->code[at - 1] == '>'));
    return file->code[end] == '(' && !is_member;
}

static void find_calls(const tidy_file *file, const char *const *words, size_t count,
                       const char *why, tidy_report *report)
{
    for (size_t at = 0; at < file->size; at++) {
        if (!isalpha((unsigned char)file->code[at]) && file->code[at] != '_') {
            continue;
        }
        for (size_t w = 0; w < count; w++) {
            if (is_call(file, at, words[w])) {
                find(report, file, at, "%s() %s", words[w], why);
            }
        }
        while (isalnum((unsigned char)file->code[at]) || file->code[at] == '_') {
            at++;
        }
        at--;
    }
}

static void pure_rooms_are_pure(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        const room *own = room_of(file->path);
        if (!own || !own->pure || !tidy_is_c(file)) {
            continue;
        }
        find_calls(file, impure_calls, COUNT(impure_calls), "has no place in a pure room", report);
        char name[200];
        for (size_t at = 0, offset; next_include(file, &at, name, &offset);) {
            for (size_t h = 0; h < COUNT(impure_headers); h++) {
                if (strcmp(name, impure_headers[h]) == 0) {
                    find(report, file, offset, "<%s> has no place in a pure room", name);
                }
            }
        }
    }
}

static void banned_calls_are_absent(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        if (!tidy_is_c(file)) {
            continue;
        }
        find_calls(file, banned_calls, COUNT(banned_calls), "is banned", report);
        const room *own = room_of(file->path);
        if (own && own->floor < CLI_FLOOR) {
            find_calls(file, banned_below_cli, COUNT(banned_below_cli), "is banned below cli",
                       report);
        }
    }
}

// ---- mutable state ----

static bool has_word(const char *code, const char *word)
{
    for (const char *at = strstr(code, word); at; at = strstr(at + 1, word)) {
        if (tidy_word_at(code, (size_t)(at - code), word)) {
            return true;
        }
    }
    return false;
}

// A variable at file scope that can change: no const, no function, no type. What stands in a header
// without `static` is a function declared by its type: a variable would be defined twice.
static bool is_mutable(const tidy_file *file, const tidy_statement *statement)
{
    const char *text = statement->text;
    if (tidy_ends(file->path, ".h") && !has_word(text, "static")) {
        return false;
    }
    if (statement->body || statement->parenthesis || has_word(text, "const") ||
        has_word(text, "typedef") || has_word(text, "extern") || has_word(text, "_Static_assert")) {
        return false;
    }
    if (!tidy_starts(text, "struct") && !tidy_starts(text, "union") && !tidy_starts(text, "enum")) {
        return true;
    }
    const char *brace = strchr(text, '{');
    if (brace && !strchr(text, '=')) {
        return brace[strcspn(brace, "abcdefghijklmnopqrstuvwxyz")] != '\0';
    }
    char tag[100], variable[100];
    return brace || sscanf(text, "%*s %99s %99s", tag, variable) == 2;
}

// static locals: `static` inside a function, its declaration without const
static void find_static_locals(const tidy_file *file, const tidy_statement *function,
                               tidy_report *report)
{
    for (size_t at = function->body; at < function->end; at++) {
        if (!tidy_word_at(file->code, at, "static")) {
            continue;
        }
        char declaration[200] = "";
        size_t length = strcspn(file->code + at, ";={");
        snprintf(declaration, sizeof(declaration), "%.*s", (int)length, file->code + at);
        if (!has_word(declaration, "const")) {
            find(report, file, at, "a static local that can change");
        }
    }
}

static void no_mutable_globals(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        const room *own = room_of(file->path);
        if (!own || own->floor >= CLI_FLOOR || !tidy_is_c(file)) {
            continue;
        }
        tidy_statement statement;
        for (size_t at = 0; tidy_next(file, &at, &statement);) {
            if (statement.body) {
                find_static_locals(file, &statement, report);
            } else if (is_mutable(file, &statement)) {
                find(report, file, statement.start, "a variable at file scope that can change");
            }
        }
    }
}

// ---- sizes ----

static void functions_fit_a_page(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        tidy_statement statement;
        for (size_t at = 0; tidy_is_c(file) && tidy_next(file, &at, &statement);) {
            size_t lines = tidy_line(file, statement.end) - tidy_line(file, statement.body) + 1;
            if (statement.body && lines > FUNCTION_LINES_MAX) {
                find(report, file, statement.start, "a function of %zu lines, more than %d", lines,
                     FUNCTION_LINES_MAX);
            }
        }
    }
}

static void files_are_short(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        size_t lines = tidy_line(file, file->size) - 1;
        if (tidy_is_c(file) && lines > FILE_LINES_MAX) {
            find(report, file, file->size, "a file of %zu lines, more than %d", lines,
                 FILE_LINES_MAX);
        }
    }
}

// The name of a declared function, for messages
static void name_of(const tidy_file *file, size_t parenthesis, char name[100])
{
    size_t start = parenthesis;
    while (start > 0 &&
           (isalnum((unsigned char)file->code[start - 1]) || file->code[start - 1] == '_')) {
        start--;
    }
    snprintf(name, 100, "%.*s", (int)(parenthesis - start), file->code + start);
}

// Parameters without a `gm_error *error` at their end, which every function that can fail has
static size_t parameter_count(const tidy_file *file, size_t open)
{
    static const char error[] = "gm_error *error";
    size_t end = tidy_closing(file, open), count = 1, depth = 0;
    for (size_t i = open + 1; i < end; i++) {
        depth += file->code[i] == '(';
        depth -= file->code[i] == ')';
        count += file->code[i] == ',' && depth == 0;
    }
    bool has_error =
        end - open > sizeof(error) && tidy_starts(file->code + end - strlen(error), error);
    return count - has_error;
}

static void parameters_are_few(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        tidy_statement statement;
        for (size_t at = 0; tidy_is_c(file) && tidy_next(file, &at, &statement);) {
            if (!statement.parenthesis || has_word(statement.text, "typedef")) {
                continue;
            }
            size_t count = parameter_count(file, statement.parenthesis);
            if (count > PARAMETERS_MAX) {
                char name[100];
                name_of(file, statement.parenthesis, name);
                find(report, file, statement.start, "%s has %zu parameters, more than %d", name,
                     count, PARAMETERS_MAX);
            }
        }
    }
}

static void lines_fit(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        size_t columns = 0;
        for (size_t at = 0; tidy_is_c(file) && at < file->size; at++) {
            unsigned char c = (unsigned char)file->text[at];
            columns = c == '\n' ? 0 : columns + ((c & 0xc0) != 0x80);
            if (columns == COLUMNS_MAX + 1) {
                find(report, file, at, "a line of more than %d columns", COLUMNS_MAX);
            }
            if (c == '\t' || c == '\r') {
                find(report, file, at, "a tab or carriage return");
            }
        }
    }
}

// ---- names and comments ----

static void file_names_are_unique(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        for (size_t k = 0; k < i && tidy_is_c(&tree->files[i]); k++) {
            if (strcmp(tidy_name(tree->files[i].path), tidy_name(tree->files[k].path)) == 0) {
                find(report, &tree->files[i], 0, "named as %s", tree->files[k].path);
            }
        }
    }
}

static void files_say_what_they_are(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        const char *line = file->text;
        if (tidy_starts(line, "#!")) { // a script: its second line
            line += strcspn(line, "\n");
            line += *line == '\n';
            if (!tidy_starts(line, "# ")) {
                find(report, file, 0, "a script that does not say what it does");
            }
        } else if (tidy_is_c(file) || tidy_ends(file->path, ".def")) {
            if (!tidy_starts(line, "//") && !tidy_starts(line, "/*")) {
                find(report, file, 0, "a file that does not say what it does");
            }
        }
    }
}

// Start of the line before the one that holds `at`, or SIZE_MAX
static size_t line_before(const tidy_file *file, size_t at)
{
    while (at > 0 && file->text[at - 1] != '\n') {
        at--;
    }
    if (at == 0) {
        return SIZE_MAX;
    }
    for (at--; at > 0 && file->text[at - 1] != '\n'; at--) {
    }
    return at;
}

// A comment documents the declaration on its line, or those under it up to the next blank line
static bool is_documented(const tidy_file *file, const tidy_statement *statement,
                          const char *comment)
{
    size_t start = statement->start;
    const char *rest = file->text + statement->end + 1;
    if (tidy_starts(rest + strspn(rest, " "), "//")) {
        return true;
    }
    for (size_t at = line_before(file, start); at != SIZE_MAX; at = line_before(file, at)) {
        const char *line = file->text + at;
        if (tidy_starts(line, comment)) {
            return true;
        }
        if (*line == '\n' || *line == '#' || *line == '}' || tidy_starts(line, "//")) {
            return false;
        }
    }
    return false;
}

// What needs no words: an inline function of a room's own header, and x_close, which everywhere
// takes NULL and ends what x_create or x_open made
static bool speaks_for_itself(const tidy_file *file, const tidy_statement *statement,
                              const char *name)
{
    return has_word(statement->text, "typedef") || tidy_ends(name, "_close") ||
           tidy_ends(name, "_free") || (statement->body && tidy_starts(file->path, "src/"));
}

static void declared_functions_are_documented(const tidy_tree *tree, tidy_report *report)
{
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        if (!tidy_ends(file->path, ".h") || !room_of(file->path)) {
            continue;
        }
        const char *comment = tidy_starts(file->path, "include/") ? "///" : "//";
        tidy_statement statement;
        for (size_t at = 0; tidy_next(file, &at, &statement);) {
            char name[100];
            name_of(file, statement.parenthesis, name);
            if (statement.parenthesis && !speaks_for_itself(file, &statement, name) &&
                !is_documented(file, &statement, comment)) {
                find(report, file, statement.start, "%s has no %s comment above it", name, comment);
            }
        }
    }
}

// ---- files that nobody reaches, words that do not belong ----

static bool is_mentioned(const tidy_tree *tree, const tidy_file *file, const char *words)
{
    for (size_t i = 0; i < tree->count; i++) {
        if (&tree->files[i] != file && strstr(tree->files[i].text, words)) {
            return true;
        }
    }
    return false;
}

static bool is_included(const tidy_tree *tree, const tidy_file *file)
{
    char below[200];
    snprintf(below, sizeof(below), "/%s", tidy_name(file->path));
    char name[200];
    for (size_t i = 0; i < tree->count; i++) {
        if (!tidy_is_c(&tree->files[i])) {
            continue;
        }
        for (size_t at = 0, offset; next_include(&tree->files[i], &at, name, &offset);) {
            if (&tree->files[i] != file &&
                (tidy_ends(name, below) || strcmp(name, tidy_name(file->path)) == 0)) {
                return true;
            }
        }
    }
    return false;
}

// Sources that CMakeLists.txt takes by their place and name
static bool is_built(const char *path)
{
    const char *name = tidy_name(path);
    return tidy_ends(path, ".c") &&
           ((tidy_starts(path, "src/") && room_of(path)) ||
            (tidy_starts(path, "tests/") && tidy_starts(name, "test_")) ||
            (tidy_starts(path, "tests/tidy/") && tidy_starts(name, "tidy_")) ||
            (tidy_starts(path, "bench/") && tidy_starts(name, "bench_")) ||
            (tidy_starts(path, "fuzz/") && tidy_starts(name, "fuzz_")));
}

// fuzz/corpus/<x>/... is fuzz/fuzz_<x>.c's
static bool has_fuzz_target(const tidy_tree *tree, const char *path)
{
    char subject[100], target[200];
    if (sscanf(path, "fuzz/corpus/%99[^/]/", subject) != 1) {
        return false;
    }
    snprintf(target, sizeof(target), "fuzz/fuzz_%s.c", subject);
    for (size_t i = 0; i < tree->count; i++) {
        if (strcmp(tree->files[i].path, target) == 0) {
            return true;
        }
    }
    return false;
}

// Data of tests: a test names the file, or the folder it lies in
static bool is_reached(const tidy_tree *tree, const tidy_file *file)
{
    char folder[200];
    if (is_mentioned(tree, file, tidy_name(file->path))) {
        return true;
    }
    snprintf(folder, sizeof(folder), "%s", file->path);
    char *slash = strrchr(folder, '/');
    if (!tidy_starts(file->path, "tests/") || !slash) {
        return false;
    }
    *slash = '\0';
    return strchr(folder + strlen("tests/"), '/') && is_mentioned(tree, file, folder);
}

static void no_file_is_an_orphan(const tidy_tree *tree, tidy_report *report)
{
    static const char *const folders[] = { "src/",   "include/",  "tests/", "fuzz/",
                                           "bench/", "examples/", "tools/", "docs/" };
    for (size_t i = 0; i < tree->count; i++) {
        const tidy_file *file = &tree->files[i];
        bool is_ours = false;
        for (size_t f = 0; f < COUNT(folders); f++) {
            is_ours = is_ours || tidy_starts(file->path, folders[f]);
        }
        bool is_code = tidy_is_c(file) && !tidy_starts(file->path, "tools/");
        if (is_ours && !is_built(file->path) && !is_included(tree, file) &&
            !has_fuzz_target(tree, file->path) && (is_code || !is_reached(tree, file))) {
            find(report, file, 0, "nobody builds, includes or names this file");
        }
    }
}

static void no_words_of_one_machine(const tidy_tree *tree, tidy_report *report)
{
    // in two pieces each, so that this file does not hold them
    static const char *const words[][2] = {
        { "/wor", "k/" },      { "/far", "m" },  { "/tmp/", "brief" },
        { "/tmp/", "build-" }, { "/root", "/" }, { "/home", "/" },
    };
    for (size_t i = 0; i < tree->count; i++) {
        for (size_t w = 0; w < COUNT(words); w++) {
            char word[20];
            snprintf(word, sizeof(word), "%s%s", words[w][0], words[w][1]);
            const char *at = strstr(tree->files[i].text, word);
            if (at) {
                find(report, &tree->files[i], (size_t)(at - tree->files[i].text),
                     "\"%s\" is a path of one machine", word);
            }
        }
    }
}

#define RULE(law)                                                                                  \
    {                                                                                              \
#law, law                                                                                  \
    }
const tidy_rule tidy_rules[] = {
    RULE(includes_go_down),
    RULE(pure_rooms_are_pure),
    RULE(banned_calls_are_absent),
    RULE(no_mutable_globals),
    RULE(functions_fit_a_page),
    RULE(files_are_short),
    RULE(parameters_are_few),
    RULE(lines_fit),
    RULE(file_names_are_unique),
    RULE(files_say_what_they_are),
    RULE(declared_functions_are_documented),
    RULE(no_file_is_an_orphan),
    RULE(no_words_of_one_machine),
};
const size_t tidy_rule_count = COUNT(tidy_rules);
