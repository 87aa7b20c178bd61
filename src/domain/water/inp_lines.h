// The text of a network file as lines of tokens with their places.
//
// Tokens are separated by blanks; one that begins with a quotation mark goes on to the next one or
// to the end of the line; a semicolon starts a comment. EPANET looks at no more than 40 tokens of a
// line, and so does gemel, so that a file means the same in both.
#ifndef GEMEL_DOMAIN_WATER_INP_LINES_H
#define GEMEL_DOMAIN_WATER_INP_LINES_H

#include <gemel/status.h>
#include <stdbool.h>

#include "base/text.h"

enum {
    INP_TOKENS_MAX = 40,       // of a line
    INP_SIZE_MAX = 1 << 30,    // bytes of a file
    INP_LINES_MAX = 100000000, // lines of a file
};

typedef struct inp_line {
    uint32_t number; // from 1
    gm_text tokens[INP_TOKENS_MAX];
    uint32_t columns[INP_TOKENS_MAX]; // where each begins, from 1, in bytes
    size_t count;
    uint32_t end_column; // behind the last token
    bool longer;         // there were more tokens
} inp_line;

typedef struct inp_lines {
    const char *file;
    const char *at, *end; // what is left of the text
    uint32_t number;      // of the line read last
} inp_lines;

/// A text from its start; a byte order mark is passed over.
inp_lines gm_inp_lines_of(const char *file, gm_text text);

/// The next line that holds a token. At the end line->count is 0.
/// @return GM_INVALID (a byte NUL in a line), GM_LIMIT
gm_status gm_inp_lines_next(inp_lines *lines, inp_line *line, gm_error *error);

/// `token` begins with `keyword` (capital letters), in any case: how EPANET knows its words.
bool gm_inp_is(gm_text token, const char *keyword);

/// Index of the first of `keywords` (ends in NULL) the token begins with; -1 when there is none.
int gm_inp_one_of(gm_text token, const char *const *keywords);

#endif
