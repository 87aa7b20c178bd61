// The tree as the tidy test sees it: files, their code without comments and strings, and the
// declarations and functions in it. The scanner knows as much C as clang-format'ed C needs.
#ifndef GEMEL_TESTS_TIDY_SOURCE_H
#define GEMEL_TESTS_TIDY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct tidy_file {
    char *path; // from the root of the tree: "src/num/ode.c"
    char *text; // as it is, with a NUL at its end
    char *code; // of C: same size, with comments, insides of strings and preprocessor lines blank
    size_t size;
} tidy_file;

typedef struct tidy_tree {
    tidy_file *files;
    size_t count;
} tidy_tree;

// A statement at file scope: a declaration, a definition of a type or variable, or a function.
typedef struct tidy_statement {
    size_t start, end;  // offsets in the file: first character, and the closing `;` or `}`
    size_t body;        // the `{` of a function, 0 for everything else
    size_t parenthesis; // the `(` of the parameter list of a function or its declaration, or 0
    char text[512];     // its code without what stands in braces; cut when longer
} tidy_statement;

// Reads every text file below `root` but what building leaves there. Ends the test when it cannot.
void tidy_read(const char *root, tidy_tree *tree);

// Adds one file; path and text are copied.
void tidy_add(tidy_tree *tree, const char *path, const char *text, size_t size);

// Frees a tree's files.
void tidy_free(tidy_tree *tree);

// Finds the statement that starts at or after *at and moves *at behind it; false at the end.
bool tidy_next(const tidy_file *file, size_t *at, tidy_statement *statement);

// Offset of the bracket that closes the one at `open`; the file's size when there is none.
size_t tidy_closing(const tidy_file *file, size_t open);

// True when the word stands in `code` at `at`, not as part of a longer one.
bool tidy_word_at(const char *code, size_t at, const char *word);

// Line of an offset, from 1.
size_t tidy_line(const tidy_file *file, size_t offset);

// What follows the last `/` of a path.
const char *tidy_name(const char *path);

bool tidy_starts(const char *text, const char *start);
bool tidy_ends(const char *text, const char *end);

// True for .c and .h files.
bool tidy_is_c(const tidy_file *file);

#endif
