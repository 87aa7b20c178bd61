// What-ifs over the network: a scenario of the world file or one made up on the spot, both futures
// and their difference.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"
#include "study/what_if.h"

enum { POINTS_DEFAULT = 120, NOTE_SIZE = 2 * GM_ERROR_SIZE };

typedef struct question {
    const gm_scenario *scenario;
    gm_scenario *made_up; // to be closed
    gm_what_if_fields fields;
    size_t points;
} question;

static void question_free(question *q)
{
    gm_scenario_close(q->made_up);
    gm_what_if_fields_free(&q->fields);
}

static gm_status pick_scenario(const gm_serve_call *call, const json_t *body, question *q,
                               gm_error *error)
{
    const char *name = NULL;
    gm_status status = gm_body_text(body, "name", &name, error);
    if (status != GM_OK) {
        return status;
    }
    bool is_made_up =
        json_object_get(body, "set") != NULL || json_object_get(body, "structure") != NULL;
    if ((name != NULL) == is_made_up) {
        return gm_error_set(error, GM_INVALID,
                            "give either 'name', a scenario of the world, or 'set' (or "
                            "'structure') and 'for'");
    }
    if (name != NULL) {
        q->scenario = gm_world_find_scenario(call->world, name);
        return q->scenario != NULL
                   ? GM_OK
                   : gm_error_set(error, GM_NOT_FOUND,
                                  "the world has no scenario '%s'; GET /api/v1/world lists them",
                                  name);
    }
    static const char *const parts[] = { "structure", "set", "for", "about" };
    json_t *made_up = json_object();
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        json_t *part = json_object_get(body, parts[k]);
        if (part != NULL) {
            json_object_set(made_up, parts[k], part);
        }
    }
    char *text = json_dumps(made_up, JSON_REAL_PRECISION(17));
    json_decref(made_up);
    if (text == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the scenario");
    }
    status = gm_scenario_read(call->world, text, strlen(text), &q->made_up, error);
    free(text);
    q->scenario = q->made_up;
    return status;
}

static gm_status pick_fields(const gm_serve_call *call, const json_t *body, question *q,
                             gm_error *error)
{
    const json_t *fields = json_object_get(body, "fields");
    q->fields.world = call->world;
    q->fields.scenario = q->scenario;
    gm_status status = GM_OK;
    if (fields == NULL) {
        status = gm_what_if_fields_own(&q->fields, error);
    } else if (!json_is_array(fields)) {
        return gm_error_set(error, GM_INVALID, "'fields' must be a list of addresses");
    }
    for (size_t k = 0; status == GM_OK && k < json_array_size(fields); k++) {
        const char *pattern = json_string_value(json_array_get(fields, k));
        status = pattern != NULL
                     ? gm_what_if_fields_add(&q->fields, pattern, error)
                     : gm_error_set(error, GM_INVALID, "'fields' must be a list of addresses");
    }
    return status == GM_OK ? gm_what_if_fields_finish(&q->fields, error) : status;
}

static gm_status read_question(const gm_serve_call *call, const json_t *body, question *q,
                               gm_error *error)
{
    const json_t *points = json_object_get(body, "points");
    q->points = POINTS_DEFAULT;
    if (points != NULL) {
        json_int_t value = json_integer_value(points);
        if (!json_is_integer(points) || value < 1 || value > GM_WHAT_IF_POINTS_MAX) {
            return gm_error_set(error, GM_INVALID, "'points' must be a whole number from 1 to %d",
                                GM_WHAT_IF_POINTS_MAX);
        }
        q->points = (size_t)value;
    }
    gm_status status = pick_scenario(call, body, q, error);
    return status == GM_OK ? pick_fields(call, body, q, error) : status;
}

static void write_column(gm_string *out, const char *key, const gm_summary *summaries, size_t count,
                         size_t member)
{
    gm_out_key(out, key);
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        gm_out_number(out, *(const double *)((const char *)&summaries[k] + member));
    }
    gm_out_end(out, ']');
}

static void write_future(gm_string *out, const char *key, const gm_summary *summaries, size_t count)
{
    gm_out_key(out, key);
    gm_out_begin(out, '{');
    write_column(out, "mean", summaries, count, offsetof(gm_summary, mean));
    write_column(out, "q05", summaries, count, offsetof(gm_summary, q05));
    write_column(out, "q95", summaries, count, offsetof(gm_summary, q95));
    gm_out_end(out, '}');
}

static void write_notes(gm_string *out, const gm_string *notes)
{
    gm_out_key(out, "notes");
    gm_out_begin(out, '[');
    for (const char *at = notes->data; at != NULL && *at != '\0';) {
        char line[NOTE_SIZE];
        size_t size = strcspn(at, "\n");
        snprintf(line, sizeof line, "%.*s", (int)size, at);
        gm_out_text(out, line);
        at += size + (at[size] == '\n');
    }
    gm_out_end(out, ']');
}

static void write_answer(gm_serve_call *call, const question *q, int64_t from_ns,
                         const gm_what_if_answer *answer)
{
    gm_string *out = &call->out;
    size_t count = answer->time_count;
    gm_out_begin(out, '{');
    gm_out_key_text(out, "name", q->made_up == NULL ? q->scenario->name : NULL);
    gm_out_key_time(out, "from", from_ns);
    gm_out_key_seconds(out, "horizon_s", q->scenario->horizon_ns);
    write_notes(out, &q->fields.notes);
    gm_out_key(out, "fields");
    gm_out_begin(out, '[');
    for (size_t field = 0; field < answer->ref_count; field++) {
        gm_out_begin(out, '{');
        gm_out_address(out, call->world, q->fields.refs[field]);
        gm_out_key(out, "times_s");
        gm_out_begin(out, '[');
        for (size_t k = 0; k < count; k++) {
            gm_out_seconds(out, answer->times_ns[k] - from_ns);
        }
        gm_out_end(out, ']');
        write_future(out, "base", answer->base + field * count, count);
        write_future(out, "what_if", answer->what_if + field * count, count);
        write_future(out, "difference", answer->difference + field * count, count);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    gm_out_end(out, '}');
}

gm_status gm_run_scenario(gm_serve_call *call, gm_error *error)
{
    static const char *const keys[] = { "name",   "structure", "set",    "for", "about",
                                        "fields", "points",    "branch", NULL };
    const char *branch = "live";
    json_t *body = NULL;
    question q = { 0 };
    gm_twin_view view = { 0 };
    gm_what_if_answer answer = { 0 };
    gm_status status = gm_body_object(call, keys, &body, error);
    if (status == GM_OK) {
        status = gm_body_text(body, "branch", &branch, error);
    }
    if (status == GM_OK) {
        status = read_question(call, body, &q, error);
    }
    if (status == GM_OK) {
        status = gm_twin_look(call->twin, branch, &view, error);
    }
    if (status == GM_OK) {
        gm_what_if ask = { .world = call->world,
                           .state = view.state,
                           .scenario = q.scenario,
                           .refs = q.fields.refs,
                           .ref_count = q.fields.ref_count,
                           .points = q.points,
                           .workers = call->workers };
        status = gm_what_if_run(&ask, &answer, error);
        if (status == GM_OK) {
            write_answer(call, &q, view.time_ns, &answer);
            gm_what_if_answer_free(&answer);
        }
        gm_twin_look_away(call->twin, &view);
    }
    question_free(&q);
    json_decref(body);
    return status;
}
