// What a build says about a model beside the model itself: warnings, and the run that a native file
// asks for.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/require.h"
#include "model/model_inside.h"

// Keeps a copy of one more line. @return false when out of memory
static bool keep(gm_model *model, const char *line)
{
    char **grown = gm_memory_grow(model->warnings, &model->warning_capacity,
                                  model->warning_count + 1, sizeof *grown);
    size_t size = strlen(line) + 1;
    char *copy = gm_memory_new(size, 1);
    if (grown != NULL) {
        model->warnings = grown;
    }
    if (grown == NULL || copy == NULL) {
        gm_memory_free(copy);
        return false;
    }
    memcpy(copy, line, size);
    model->warnings[model->warning_count++] = copy;
    return true;
}

void gm_model_warn(gm_model *model, gm_place place, const char *format, ...)
{
    GM_REQUIRE(!model->built);
    if (model->warning_count == GM_WARNINGS_MAX) {
        model->warnings_lost++;
        return;
    }
    char text[GM_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    gm_error line = { 0 }; // brings the place in front, and any bytes into one line of UTF-8
    gm_error_at(&line, GM_INVALID, place, "%s", text);
    model->warnings_lost += !keep(model, line.text);
}

gm_status gm_warnings_finish(gm_model *model, gm_error *error)
{
    if (model->warnings_lost == 0) {
        return GM_OK;
    }
    char line[GM_NAME_MAX + 64];
    snprintf(line, sizeof line, "%s: and %zu more", model->name, model->warnings_lost);
    return keep(model, line)
               ? GM_OK
               : gm_error_set(error, GM_MEMORY, "%s: no memory for warnings", model->name);
}

void gm_warnings_free(gm_model *model)
{
    for (size_t index = 0; index < model->warning_count; index++) {
        gm_memory_free(model->warnings[index]);
    }
    gm_memory_free(model->warnings);
}

size_t gm_model_warning_count(const gm_model *model)
{
    return model->warning_count;
}

const char *gm_model_warning_at(const gm_model *model, size_t index)
{
    GM_REQUIRE(index < model->warning_count);
    return model->warnings[index];
}

void gm_model_span(gm_model *model, int64_t length_ns, int64_t every_ns)
{
    GM_REQUIRE(!model->built && length_ns >= 0 && every_ns >= 0);
    model->has_span = true;
    model->length_ns = length_ns;
    model->every_ns = every_ns;
}

int64_t gm_model_length_ns(const gm_model *model)
{
    return model->has_span ? model->length_ns : -1;
}

int64_t gm_model_every_ns(const gm_model *model)
{
    return model->every_ns;
}
