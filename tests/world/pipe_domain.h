// A small domain with native files for the tests of worlds: `pipes`, a set of pipes that each
// carry a share of what their source gives. It steps itself, draws nothing by the tick, and its
// flows are outputs only in that a step (or a settling) brings them in line with its inputs.
//
//   file:   one pipe a line: NAME SHARE; `length SECONDS` and `every SECONDS` ask for a run; other
//           words in brackets are warned of
//   config: `network: town.pip`, `pipes: {NAME: {share: 0.5}}`, `remove: [NAME]`
#ifndef GEMEL_TESTS_WORLD_PIPE_DOMAIN_H
#define GEMEL_TESTS_WORLD_PIPE_DOMAIN_H

#include <gemel/model.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { PIPE_SOURCE = 0, PIPE_PIPE };
enum { SOURCE_GIVES = 0 };
enum { PIPE_SHARE = 0, PIPE_FLOW, PIPE_VOLUME };
enum { PIPE_LINES_MAX = 10000 };

static const gm_field pipe_source_fields[] = {
    { "gives", "m3/s", GM_INPUT, GM_F64, 1.0, 0.0, 1e6, "what the source gives" },
};
static const gm_field pipe_pipe_fields[] = {
    { "share", "1", GM_PARAMETER, GM_F64, 0.5, 0.0, 1.0, "of what the source gives" },
    { "flow", "m3/s", GM_STATE, GM_F64, 0.0, 0.0, 1e6, "what goes through" },
    { "volume", "m3", GM_STATE, GM_F64, 0.0, 0.0, 1e12, "what went through" },
};
static const gm_class pipe_source = {
    .name = "source", .doc = "a source", .fields = pipe_source_fields, .field_count = 1
};
static const gm_class pipe_pipe = {
    .name = "pipe", .doc = "a pipe", .fields = pipe_pipe_fields, .field_count = 3
};

typedef struct pipe_builder {
    gm_model *model;
    const gm_config *removed;
    int64_t length_ns, every_ns;
} pipe_builder;

static bool pipe_is_removed(const pipe_builder *build, const char *name)
{
    bool found = false;
    for (size_t index = 0; build->removed != NULL && index < build->removed->count; index++) {
        found = found || strcmp(build->removed->children[index].text, name) == 0;
    }
    return found;
}

static gm_status pipe_add(const pipe_builder *build, const char *name, double share, gm_place place,
                          gm_error *error)
{
    size_t element = 0;
    gm_error why = { 0 };
    gm_status status = GM_OK;
    if (pipe_is_removed(build, name)) {
        return GM_OK;
    }
    element = gm_model_find_element(build->model, PIPE_PIPE, name);
    if (element == SIZE_MAX) {
        status = gm_model_element(build->model, PIPE_PIPE, name, &element, &why);
    }
    if (status == GM_OK) {
        status = gm_model_initial(build->model, PIPE_PIPE, PIPE_SHARE, element, share, &why);
    }
    return status == GM_OK ? GM_OK : gm_error_at(error, status, place, "%s", why.text);
}

static gm_status pipe_line(pipe_builder *build, char *line, gm_place place, gm_error *error)
{
    char *blank = strchr(line, ' ');
    if (line[0] == '\0') {
        return GM_OK;
    }
    if (line[0] == '[') {
        gm_model_warn(build->model, place, "%s is not supported", line);
        return GM_OK;
    }
    double number = 0.0;
    if (blank == NULL || !gm_text_to_f64(gm_text_of(blank + 1), &number)) {
        return gm_error_at(error, GM_INVALID, place, "expected a name and a number, got '%s'",
                           line);
    }
    *blank = '\0';
    if (strcmp(line, "length") == 0) {
        build->length_ns = (int64_t)(number * 1e9);
        return GM_OK;
    }
    if (strcmp(line, "every") == 0) {
        build->every_ns = (int64_t)(number * 1e9);
        return GM_OK;
    }
    return pipe_add(build, line, number, place, error);
}

static gm_status pipe_file(pipe_builder *build, const gm_config *file, gm_error *error)
{
    gm_place place = { file->place.file, 0, 1 };
    gm_status status = gm_config_is(file, GM_CONFIG_FILE, "a file", error);
    if (status == GM_OK && strlen(file->text) != file->size) {
        status = gm_error_at(error, GM_INVALID, file->place, "a NUL is in it");
    }
    for (const char *at = file->text; status == GM_OK && *at != '\0';) {
        char line[256];
        size_t size = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)size, at);
        at += size + (at[size] == '\n');
        place.line++;
        status = pipe_line(build, line, place, error);
    }
    return status;
}

static gm_status pipe_map(const pipe_builder *build, const gm_config *pipes, gm_error *error)
{
    static const char *const keys[] = { "share", NULL };
    gm_status status = gm_config_is(pipes, GM_CONFIG_MAP, "a map of pipes", error);
    for (size_t index = 0; status == GM_OK && index < pipes->count; index++) {
        const gm_config *pipe = &pipes->children[index];
        double share = 0.0;
        status = gm_config_only(pipe, keys, error);
        if (status == GM_OK) {
            status = gm_config_child_number(pipe, "share", (gm_quantity){ "1", 0.0, 1.0, false },
                                            NAN, &share, error);
        }
        if (status == GM_OK) {
            status = pipe_add(build, pipe->key, share, pipe->key_place, error);
        }
    }
    return status;
}

static gm_status pipe_build(gm_model *model, const gm_config *config, gm_error *error)
{
    static const char *const keys[] = { "network", "pipes", "remove", NULL };
    const gm_config *file = gm_config_get(config, "network"),
                    *pipes = gm_config_get(config, "pipes");
    pipe_builder build = { .model = model,
                           .removed = gm_config_get(config, "remove"),
                           .length_ns = -1 };
    gm_status status = gm_config_only(config, keys, error);
    if (status == GM_OK) {
        status = gm_model_class(model, PIPE_SOURCE, &pipe_source, error);
    }
    if (status == GM_OK) {
        status = gm_model_class(model, PIPE_PIPE, &pipe_pipe, error);
    }
    if (status == GM_OK) {
        status = gm_model_element(model, PIPE_SOURCE, "well", NULL, error);
    }
    if (status == GM_OK && file != NULL) {
        status = pipe_file(&build, file, error);
    }
    if (status == GM_OK && pipes != NULL) {
        status = pipe_map(&build, pipes, error);
    }
    if (status == GM_OK && gm_model_element_count(model, PIPE_PIPE) == 0) {
        status = gm_error_set(error, GM_INVALID, "a network without pipes");
    }
    if (build.length_ns >= 0) {
        gm_model_span(model, build.length_ns, build.every_ns);
    }
    return status;
}

static gm_status pipe_advance(const gm_model *model, gm_block *block, int64_t until_ns,
                              gm_step *step)
{
    (void)step;
    size_t count = gm_model_element_count(model, PIPE_PIPE), width = (size_t)block->width;
    const double *gives = gm_column(block, PIPE_SOURCE, SOURCE_GIVES);
    const double *share = gm_column(block, PIPE_PIPE, PIPE_SHARE);
    double *flow = gm_column(block, PIPE_PIPE, PIPE_FLOW);
    double *volume = gm_column(block, PIPE_PIPE, PIPE_VOLUME);
    for (size_t lane = 0; lane < width; lane++) {
        double span_s = (double)(until_ns - block->time_ns[lane]) / 1e9;
        for (size_t pipe = 0; (block->lanes >> lane & 1) != 0 && pipe < count; pipe++) {
            flow[pipe * width + lane] = share[pipe * width + lane] * gives[lane];
            volume[pipe * width + lane] += flow[pipe * width + lane] * span_s;
        }
        block->time_ns[lane] = (block->lanes >> lane & 1) != 0 ? until_ns : block->time_ns[lane];
    }
    return GM_OK;
}

static const gm_domain pipe_domain = { .name = "pipes",
                                       .summary = "shares of a source",
                                       .source = "arithmetic",
                                       .schema = 1,
                                       .tickless = true,
                                       .file_key = "network",
                                       .file_suffix = ".pip",
                                       .build = pipe_build,
                                       .advance = pipe_advance };

#endif
