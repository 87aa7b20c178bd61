// Cutting a network file into lines and tokens.
#include "domain/water/inp_lines.h"

#include <string.h>

inp_lines gm_inp_lines_of(const char *file, gm_text text)
{
    static const char mark[] = "\xef\xbb\xbf";
    size_t skip = text.size >= 3 && memcmp(text.data, mark, 3) == 0 ? 3 : 0;
    return (inp_lines){ file, text.data + skip, text.data + text.size, 0 };
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

// One token at `at`, which is no blank; the place behind it and its closing quotation mark.
static const char *take_token(const char *at, const char *end, gm_text *token)
{
    if (*at == '"') {
        const char *start = ++at;
        while (at < end && *at != '"' && *at != '\r') {
            at++;
        }
        *token = (gm_text){ start, (size_t)(at - start) };
        return at < end ? at + 1 : at;
    }
    const char *start = at;
    while (at < end && !is_blank(*at)) {
        at++;
    }
    *token = (gm_text){ start, (size_t)(at - start) };
    return at;
}

static void take_tokens(const char *start, const char *end, inp_line *line)
{
    const char *at = start;
    line->count = 0;
    line->longer = false;
    line->end_column = 1;
    for (;;) {
        while (at < end && is_blank(*at)) {
            at++;
        }
        if (at == end) {
            return;
        }
        if (line->count == INP_TOKENS_MAX) {
            line->longer = true;
            return;
        }
        line->columns[line->count] = (uint32_t)(at - start) + 1;
        at = take_token(at, end, &line->tokens[line->count]);
        line->count++;
        line->end_column = (uint32_t)(at - start) + 1;
    }
}

gm_status gm_inp_lines_next(inp_lines *lines, inp_line *line, gm_error *error)
{
    line->count = 0;
    while (lines->at < lines->end && line->count == 0) {
        if (lines->number == INP_LINES_MAX) {
            return gm_error_set(error, GM_LIMIT, "%s has more than %d lines",
                                lines->file ? lines->file : "the network file", INP_LINES_MAX);
        }
        lines->number++;
        size_t left = (size_t)(lines->end - lines->at);
        const char *newline = memchr(lines->at, '\n', left);
        const char *stop = newline != NULL ? newline : lines->end;
        const char *comment = memchr(lines->at, ';', (size_t)(stop - lines->at));
        const char *data_end = comment != NULL ? comment : stop;
        const char *nul = memchr(lines->at, '\0', (size_t)(data_end - lines->at));
        line->number = lines->number;
        if (nul != NULL) {
            gm_place place = { lines->file, lines->number, (uint32_t)(nul - lines->at) + 1 };
            return gm_error_at(error, GM_INVALID, place,
                               "a byte NUL: expected a text file in EPANET's format");
        }
        take_tokens(lines->at, data_end, line);
        lines->at = newline != NULL ? newline + 1 : lines->end;
    }
    return GM_OK;
}

static char capital(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool gm_inp_is(gm_text token, const char *keyword)
{
    size_t at = 0;
    while (keyword[at] != '\0' && at < token.size && capital(token.data[at]) == keyword[at]) {
        at++;
    }
    return keyword[at] == '\0';
}

int gm_inp_one_of(gm_text token, const char *const *keywords)
{
    for (int index = 0; keywords[index] != NULL; index++) {
        if (gm_inp_is(token, keywords[index])) {
            return index;
        }
    }
    return -1;
}
