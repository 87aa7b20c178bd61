// The way through a network file: sections, and what every line's reader needs.
//
// Source: Rossman et al., EPANET 2.2 User Manual, EPA/600/R-20/133 (2020), appendix C; what version
// 2.3 adds, and what it does where the manual is silent, was checked against version 2.3.5.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "domain/water/inp_parts.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const double hours_max = 2.5e6; // 285 years
enum { QUOTED_MAX = 60 };              // bytes of a name that a message quotes

typedef struct section {
    const char *name;
    gm_status (*read)(inp_reader *in); // NULL: not used
    const char *why;                   // not used: why; NULL: nothing is lost
} section;

static const section sections[] = {
    { "TITLE", NULL, NULL },
    { "JUNCTIONS", gm_inp_junction, NULL },
    { "RESERVOIRS", gm_inp_tank, NULL },
    { "TANKS", gm_inp_tank, NULL },
    { "PIPES", gm_inp_pipe, NULL },
    { "PUMPS", gm_inp_pump, NULL },
    { "VALVES", gm_inp_valve, NULL },
    { "CONTROLS", gm_inp_control, NULL },
    { "RULES", gm_inp_rule_line, NULL },
    { "DEMANDS", gm_inp_demand, NULL },
    { "EMITTERS", gm_inp_emitter, NULL },
    { "LEAKAGE", gm_inp_leakage, NULL },
    { "PATTERNS", gm_inp_pattern_line, NULL },
    { "CURVES", gm_inp_curve_line, NULL },
    { "STATUS", gm_inp_status, NULL },
    { "ENERGY", gm_inp_energy, NULL },
    { "TIMES", gm_inp_time, NULL },
    { "OPTIONS", gm_inp_option, NULL },
    { "COORDINATES", gm_inp_coordinate, NULL },
    { "COORDS", gm_inp_coordinate, NULL },
    { "VERTICES", gm_inp_vertex, NULL },
    { "SOURCES", NULL, "water quality is not modelled" },
    { "QUALITY", NULL, "water quality is not modelled" },
    { "REACTIONS", NULL, "water quality is not modelled" },
    { "MIXING", NULL, "water quality is not modelled" },
    { "REPORT", NULL, "results are asked for in other ways" },
    { "ROUGHNESS", NULL, "EPANET does not use it either" },
    { "TAGS", NULL, "tags are not kept" },
    { "LABELS", NULL, "a map's labels are not kept" },
    { "BACKDROP", NULL, "a map's backdrop is not kept" },
    { "END", NULL, NULL },
};
enum { NO_SECTION = SIZE_MAX, SECTION_LETTERS = 4 };

// ---- places, errors, numbers ----

gm_place gm_inp_place(const inp_reader *in, size_t token)
{
    uint32_t column = token < in->line.count ? in->line.columns[token] : in->line.end_column;
    return (gm_place){ in->lines.file, in->line.number, column };
}

gm_status gm_inp_refuse(const inp_reader *in, size_t token, const char *format, ...)
{
    char text[GM_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return gm_error_at(in->error, GM_INVALID, gm_inp_place(in, token), "%s", text);
}

void gm_inp_warn(const inp_reader *in, size_t token, const char *format, ...)
{
    char text[GM_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gm_water_warn(in->plan, gm_inp_place(in, token), "%s", text);
}

gm_status gm_inp_no_memory(const inp_reader *in)
{
    return gm_error_set(in->error, GM_MEMORY, "no memory for the network");
}

gm_status gm_inp_need(const inp_reader *in, size_t tokens, const char *what)
{
    if (in->line.count >= tokens) {
        return GM_OK;
    }
    return gm_inp_refuse(in, in->line.count, "the line ends too early: expected %s", what);
}

int gm_inp_quoted(gm_text text)
{
    return (int)(text.size < QUOTED_MAX ? text.size : QUOTED_MAX);
}

gm_status gm_inp_number(const inp_reader *in, size_t token, const char *what, double *value)
{
    gm_text text = in->line.tokens[token];
    if (token >= in->line.count) {
        return gm_inp_refuse(in, token, "%s is missing", what);
    }
    if (!gm_text_to_f64(text, value)) {
        return gm_inp_refuse(in, token, "expected a number for %s, got '%.*s'", what,
                             gm_inp_quoted(text), text.data);
    }
    return GM_OK;
}

gm_status gm_inp_positive(const inp_reader *in, size_t token, const char *what, double *value)
{
    double number = 0.0;
    gm_status status = gm_inp_number(in, token, what, &number);
    if (status == GM_OK && !(number > 0.0)) {
        return gm_inp_refuse(in, token, "%s must be above 0, got %.9g", what, number);
    }
    if (status == GM_OK) {
        *value = number;
    }
    return status;
}

gm_status gm_inp_not_negative(const inp_reader *in, size_t token, const char *what, double *value)
{
    double number = 0.0;
    gm_status status = gm_inp_number(in, token, what, &number);
    if (status == GM_OK && !(number >= 0.0)) {
        return gm_inp_refuse(in, token, "%s must not be negative, got %.9g", what, number);
    }
    if (status == GM_OK) {
        *value = number;
    }
    return status;
}

bool gm_inp_hours(gm_text text, gm_text unit, double *hours)
{
    static const struct {
        const char *word;
        double divisor;
    } units[] = { { "SEC", 3600.0 }, { "MIN", 60.0 }, { "HOU", 1.0 }, { "DAY", 1.0 / 24.0 } };
    double parts[3] = { 0.0, 0.0, 0.0 };
    size_t count = 0;
    for (;;) {
        const char *colon = memchr(text.data, ':', text.size);
        gm_text part = { text.data, colon ? (size_t)(colon - text.data) : text.size };
        if (count == COUNT(parts) || !gm_text_to_f64(part, &parts[count]) ||
            !(parts[count] >= 0.0)) {
            return false;
        }
        count++;
        if (colon == NULL) {
            break;
        }
        text = (gm_text){ colon + 1, text.size - part.size - 1 };
    }
    double value = parts[0] + parts[1] / 60.0 + parts[2] / 3600.0;
    for (size_t index = 0; index < COUNT(units) && count == 1; index++) {
        if (gm_inp_is(unit, units[index].word)) {
            *hours = value / units[index].divisor;
            return true;
        }
    }
    bool morning = gm_inp_is(unit, "AM"), afternoon = gm_inp_is(unit, "PM");
    if (unit.size > 0 && !((morning || afternoon) && value < 13.0)) {
        return false;
    }
    value -= morning && value >= 12.0 ? 12.0 : 0.0;
    value += afternoon && value < 12.0 ? 12.0 : 0.0;
    *hours = value;
    return true;
}

gm_status gm_inp_check_hours(const inp_reader *in, size_t token, bool is_time, double hours)
{
    if (!is_time) {
        return gm_inp_refuse(in, token,
                             "expected a time: hours, h:mm, h:mm:ss, or a number and SEC, MIN, "
                             "HOURS, DAYS, AM, PM");
    }
    if (!(hours <= hours_max)) {
        return gm_inp_refuse(in, token, "a time of more than %.9g hours", hours_max);
    }
    return GM_OK;
}

// ---- references ----

static gm_status undeclared(const inp_reader *in, size_t token, const char *kind, water_table table)
{
    gm_text name = in->line.tokens[token];
    char meant[300];
    return gm_inp_refuse(in, token, "%s '%.*s' is not declared above%s", kind, gm_inp_quoted(name),
                         name.data, gm_water_meant(table, name, meant));
}

gm_status gm_inp_node(const inp_reader *in, size_t token, uint32_t *node)
{
    water_table table = gm_water_nodes_of(in->plan);
    uint32_t found = gm_water_names_find(&in->plan->node_names, table, in->line.tokens[token]);
    if (found == WATER_NONE) {
        return undeclared(in, token, "node", table);
    }
    *node = found;
    return GM_OK;
}

gm_status gm_inp_link(const inp_reader *in, size_t token, uint32_t *link)
{
    water_table table = gm_water_links_of(in->plan);
    uint32_t found = gm_water_names_find(&in->plan->link_names, table, in->line.tokens[token]);
    if (found == WATER_NONE) {
        return undeclared(in, token, "link", table);
    }
    *link = found;
    return GM_OK;
}

static gm_status refuse_name(const inp_reader *in, size_t token)
{
    if (in->line.tokens[token].size == 0) {
        return gm_inp_refuse(in, token, "a name is empty");
    }
    return gm_inp_refuse(in, token, "a name of %zu bytes: at most %d are possible",
                         in->line.tokens[token].size, GM_NAME_MAX - 1);
}

static bool fits_name(gm_text name)
{
    return name.size > 0 && name.size < GM_NAME_MAX;
}

gm_status gm_inp_pattern(const inp_reader *in, size_t token, uint32_t *pattern)
{
    water_plan *plan = in->plan;
    gm_text name = in->line.tokens[token];
    if (name.size == 0) {
        *pattern = WATER_NONE;
        return GM_OK;
    }
    uint32_t found = gm_water_names_find(&plan->pattern_names, gm_water_patterns_of(plan), name);
    if (found == WATER_NONE) {
        if (!fits_name(name)) {
            return refuse_name(in, token);
        }
        gm_status status = gm_water_add_pattern(plan, name, &found, in->error);
        if (status != GM_OK) {
            return status;
        }
        plan->patterns[found].place = gm_inp_place(in, token);
    }
    *pattern = found;
    return GM_OK;
}

gm_status gm_inp_curve(const inp_reader *in, size_t token, uint32_t *curve)
{
    water_plan *plan = in->plan;
    gm_text name = in->line.tokens[token];
    uint32_t found = gm_water_names_find(&plan->curve_names, gm_water_curves_of(plan), name);
    if (found == WATER_NONE) {
        if (!fits_name(name)) {
            return refuse_name(in, token);
        }
        gm_status status = gm_water_add_curve(plan, name, &found, in->error);
        if (status != GM_OK) {
            return status;
        }
        plan->curves[found].place = gm_inp_place(in, token);
    }
    *curve = found;
    return GM_OK;
}

static gm_status refuse_twice(const inp_reader *in, const char *kind, gm_place first)
{
    gm_text name = in->line.tokens[0];
    return gm_inp_refuse(in, 0, "%s '%.*s' is declared twice, first in line %u", kind,
                         gm_inp_quoted(name), name.data, first.line);
}

gm_status gm_inp_add_node(const inp_reader *in, water_node **node)
{
    water_plan *plan = in->plan;
    gm_text name = in->line.tokens[0];
    if (!fits_name(name)) {
        return refuse_name(in, 0);
    }
    uint32_t found = gm_water_names_find(&plan->node_names, gm_water_nodes_of(plan), name);
    if (found != WATER_NONE) {
        return refuse_twice(in, "node", plan->nodes[found].place);
    }
    gm_status status = gm_water_add_node(plan, name, node, in->error);
    if (status == GM_OK) {
        (*node)->place = gm_inp_place(in, 0);
    }
    return status;
}

gm_status gm_inp_add_link(const inp_reader *in, water_link **link)
{
    water_plan *plan = in->plan;
    gm_text name = in->line.tokens[0];
    if (!fits_name(name)) {
        return refuse_name(in, 0);
    }
    uint32_t found = gm_water_names_find(&plan->link_names, gm_water_links_of(plan), name);
    if (found != WATER_NONE) {
        return refuse_twice(in, "link", plan->links[found].place);
    }
    gm_status status = gm_water_add_link(plan, name, link, in->error);
    if (status == GM_OK) {
        (*link)->place = gm_inp_place(in, 0);
    }
    return status;
}

// ---- sections ----

// The word of a heading without its brackets: "[PIPES]" -> "PIPES".
static gm_text heading_word(gm_text token)
{
    const char *stop = memchr(token.data, ']', token.size);
    size_t size = stop != NULL ? (size_t)(stop - token.data) : token.size;
    return (gm_text){ token.data + 1, size - 1 };
}

// Whole words count as in EPANET 2.3, their first letters as in the versions before.
static bool heads(gm_text word, const char *name)
{
    size_t size = strlen(name);
    size_t least = size < SECTION_LETTERS ? size : SECTION_LETTERS;
    char known[32];
    if (word.size < least || word.size > size) {
        return false;
    }
    memcpy(known, name, word.size);
    known[word.size] = '\0';
    return gm_inp_is(word, known);
}

static void enter_section(inp_reader *in)
{
    gm_text word = heading_word(in->line.tokens[0]);
    in->section_place = gm_inp_place(in, 0);
    in->section = NO_SECTION;
    for (size_t index = 0; index < COUNT(sections) && in->section == NO_SECTION; index++) {
        if (heads(word, sections[index].name)) {
            in->section = index;
        }
    }
    if (in->section != NO_SECTION) {
        return;
    }
    const char *names[COUNT(sections)];
    char spelled[QUOTED_MAX + 1];
    for (size_t index = 0; index < COUNT(sections); index++) {
        names[index] = sections[index].name;
    }
    snprintf(spelled, sizeof spelled, "%.*s", gm_inp_quoted(word), word.data);
    const char *nearest = gm_text_nearest(spelled, names, COUNT(names));
    gm_inp_warn(in, 0, "section [%s] is unknown and not used%s%s%s", spelled,
                nearest ? "; did you mean [" : "", nearest ? nearest : "", nearest ? "]?" : "");
}

// A line of a section that nobody reads: one warning for each such section.
static void pass_over(inp_reader *in)
{
    if (in->section == NO_SECTION) {
        if (in->section_place.line == 0 && !in->warned_here) {
            in->warned_here = true;
            gm_inp_warn(in, 0, "lines before the first section are not used");
        }
        return;
    }
    const section *here = &sections[in->section];
    if (here->why != NULL && (in->warned >> in->section & 1) == 0) {
        in->warned |= UINT64_C(1) << in->section;
        gm_water_warn(in->plan, in->section_place, "section [%s] is not used: %s", here->name,
                      here->why);
    }
}

static gm_status read_lines(inp_reader *in)
{
    for (;;) {
        gm_status status = gm_inp_lines_next(&in->lines, &in->line, in->error);
        if (status != GM_OK || in->line.count == 0) {
            return status;
        }
        gm_text first = in->line.tokens[0];
        if (first.size > 0 && first.data[0] == '[') {
            enter_section(in);
            if (in->section != NO_SECTION && strcmp(sections[in->section].name, "END") == 0) {
                return GM_OK;
            }
            continue;
        }
        if (in->section == NO_SECTION || sections[in->section].read == NULL) {
            pass_over(in);
            continue;
        }
        if (in->line.longer) {
            gm_inp_warn(in, INP_TOKENS_MAX - 1,
                        "only the first %d items of this line are used, as in EPANET",
                        INP_TOKENS_MAX);
        }
        status = sections[in->section].read(in);
        if (status != GM_OK) {
            return status;
        }
    }
}

// The default pattern is the one that was named, or else the one with the name "1", if there is
// one.
static void choose_pattern(inp_reader *in)
{
    water_plan *plan = in->plan;
    bool said = in->default_place.line != 0;
    gm_text name = said ? in->default_pattern : gm_text_of("1");
    uint32_t found = gm_water_names_find(&plan->pattern_names, gm_water_patterns_of(plan), name);
    if (found != WATER_NONE && plan->patterns[found].count > 0) {
        plan->default_pattern = found;
    } else if (said && name.size > 0) {
        gm_water_warn(plan, in->default_place,
                      "there is no pattern '%.*s': demands without a pattern are constant",
                      gm_inp_quoted(name), name.data);
    }
}

gm_status gm_water_inp_parse(const gm_config *file, water_plan *plan, gm_error *error)
{
    _Static_assert(COUNT(sections) <= 64, "a bit for each section that was warned of");
    gm_status status = gm_config_is(file, GM_CONFIG_FILE, "a network file", error);
    if (status != GM_OK) {
        return status;
    }
    if (file->size > INP_SIZE_MAX) {
        return gm_error_at(error, GM_LIMIT, file->place, "a network file of more than %d bytes",
                           INP_SIZE_MAX);
    }
    inp_reader *in = gm_arena_new(plan->arena, 1, sizeof *in);
    if (in == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the network");
    }
    in->plan = plan;
    plan->place = (gm_place){ file->place.file, 0, 0 };
    in->lines = gm_inp_lines_of(file->place.file, (gm_text){ file->text, file->size });
    in->section = NO_SECTION;
    in->last_pattern = in->last_curve = WATER_NONE;
    in->error = error;
    memcpy(in->flow_unit, "GPM", sizeof "GPM");
    status = read_lines(in);
    if (status == GM_OK) {
        status = gm_inp_rules_end(in);
    }
    if (status == GM_OK) {
        choose_pattern(in);
        gm_inp_to_si(in);
    }
    return status;
}
