// Reading requests: query parameters and JSON bodies, strictly.
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "serve/serve_call.h"

static size_t count_names(const char *const *names)
{
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    return count;
}

static gm_status refuse_name(const char *what, const char *name, const char *const *names,
                             gm_error *error)
{
    size_t count = count_names(names);
    const char *near = gm_text_nearest(name, names, count);
    for (size_t k = 0; k < count; k++) {
        if (strcmp(names[k], name) == 0) {
            return GM_OK;
        }
    }
    if (near != NULL) {
        return gm_error_set(error, GM_INVALID, "no %s '%s' here; did you mean '%s'?", what, name,
                            near);
    }
    return gm_error_set(error, GM_INVALID, "no %s '%s' here", what, name);
}

gm_status gm_query_only(const gm_serve_call *call, const char *const *names, gm_error *error)
{
    for (size_t k = 0; k < call->request->parameter_count; k++) {
        gm_status status =
            refuse_name("parameter", call->request->parameters[k].name, names, error);
        if (status != GM_OK) {
            return status;
        }
    }
    return GM_OK;
}

gm_status gm_query_integer(const gm_serve_call *call, const char *name, int64_t min, int64_t max,
                           int64_t *value, gm_error *error)
{
    const char *text = gm_http_parameter_get(call->request, name);
    int64_t read = 0;
    if (text == NULL) {
        return GM_OK;
    }
    if (!gm_text_to_i64(gm_text_of(text), &read) || read < min || read > max) {
        return gm_error_set(error, GM_INVALID,
                            "%s=%s is not a whole number from %" PRId64 " to %" PRId64, name, text,
                            min, max);
    }
    *value = read;
    return GM_OK;
}

gm_status gm_query_time(const gm_serve_call *call, const char *name, int64_t *time_ns,
                        gm_error *error)
{
    const char *text = gm_http_parameter_get(call->request, name);
    if (text == NULL) {
        return GM_OK;
    }
    if (!gm_text_to_i64(gm_text_of(text), time_ns) && !gm_time_parse(gm_text_of(text), time_ns)) {
        return gm_error_set(
            error, GM_INVALID,
            "%s=%s is not a time: ISO 8601 (2026-01-31T12:00:00Z) or nanoseconds since 1970", name,
            text);
    }
    return GM_OK;
}

gm_status gm_query_flag(const gm_serve_call *call, const char *name, bool *value, gm_error *error)
{
    const char *text = gm_http_parameter_get(call->request, name);
    if (text == NULL) {
        return GM_OK;
    }
    bool yes = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!yes && strcmp(text, "false") != 0 && strcmp(text, "0") != 0) {
        return gm_error_set(error, GM_INVALID, "%s=%s is neither true nor false", name, text);
    }
    *value = yes;
    return GM_OK;
}

gm_status gm_body_object(const gm_serve_call *call, const char *const *keys, json_t **body,
                         gm_error *error)
{
    json_error_t wrong;
    const char *bytes = call->request->body_size > 0 ? call->request->body : "";
    json_t *read = json_loadb(bytes, call->request->body_size, JSON_REJECT_DUPLICATES, &wrong);
    if (read == NULL) {
        return gm_error_set(error, GM_INVALID, "%d:%d: the body is not JSON: %s", wrong.line,
                            wrong.column > 0 ? wrong.column : 1, wrong.text);
    }
    gm_status status = GM_OK;
    if (!json_is_object(read)) {
        status = gm_error_set(error, GM_INVALID, "1:1: the body must be a JSON object");
    }
    for (void *at = json_object_iter(read); status == GM_OK && at != NULL;
         at = json_object_iter_next(read, at)) {
        status = refuse_name("key", json_object_iter_key(at), keys, error);
    }
    if (status != GM_OK) {
        json_decref(read);
        return status;
    }
    *body = read;
    return GM_OK;
}

gm_status gm_body_text(const json_t *body, const char *key, const char **text, gm_error *error)
{
    const json_t *value = json_object_get(body, key);
    if (value == NULL) {
        return GM_OK;
    }
    if (!json_is_string(value)) {
        return gm_error_set(error, GM_INVALID, "'%s' must be a text", key);
    }
    *text = json_string_value(value);
    return GM_OK;
}

gm_status gm_body_number(const json_t *body, const char *key, double *value, gm_error *error)
{
    const json_t *number = json_object_get(body, key);
    if (!json_is_number(number) || !isfinite(json_number_value(number))) {
        return gm_error_set(error, GM_INVALID, "'%s' must be a number", key);
    }
    *value = json_number_value(number);
    return GM_OK;
}
