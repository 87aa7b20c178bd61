// What-ifs over the network: a scenario of the world file or one made up on the spot, both futures
// and their difference.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"
#include "study/what_if.h"

enum { POINTS_DEFAULT = 120 };

typedef struct question {
    const gm_scenario *scenario;
    gm_scenario *made_up; // to be closed
    gm_ref *refs;         // [ref_count]
    size_t ref_count;
    size_t points;
} question;

static void question_free(question *q)
{
    gm_scenario_close(q->made_up);
    gm_memory_free(q->refs);
}

static gm_status pick_scenario(const gm_serve_call *call, const json_t *body, question *q,
                               gm_error *error)
{
    const char *name = NULL;
    gm_status status = gm_body_text(body, "name", &name, error);
    if (status != GM_OK) {
        return status;
    }
    if ((name == NULL) == (json_object_get(body, "set") == NULL)) {
        return gm_error_set(error, GM_INVALID,
                            "give either 'name', a scenario of the world, or 'set' and 'for'");
    }
    if (name != NULL) {
        q->scenario = gm_world_find_scenario(call->world, name);
        return q->scenario != NULL
                   ? GM_OK
                   : gm_error_set(error, GM_NOT_FOUND,
                                  "the world has no scenario '%s'; GET /api/v1/world lists them",
                                  name);
    }
    static const char *const parts[] = { "set", "for", "about" };
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

/// Adds the addresses that a pattern matches.
static gm_status add_pattern(const gm_serve_call *call, const char *pattern, question *q,
                             gm_error *error)
{
    gm_ref *found = NULL;
    size_t count = 0;
    gm_status status = gm_world_find(call->world, pattern, (gm_place){ 0 }, &found, &count, error);
    if (status == GM_OK && count > GM_WHAT_IF_FIELDS_MAX - q->ref_count) {
        status = gm_error_set(error, GM_LIMIT, "a what-if compares at most %d addresses",
                              GM_WHAT_IF_FIELDS_MAX);
    }
    if (status == GM_OK) {
        memcpy(q->refs + q->ref_count, found, count * sizeof *found);
        q->ref_count += count;
    }
    gm_memory_free(found);
    return status;
}

/// What the world is about when nobody says which fields: those forecast, else recorded, else
/// estimated.
static void pick_own_fields(const gm_world *world, question *q)
{
    for (size_t k = 0; k < world->forecast.ref_count && q->ref_count < GM_WHAT_IF_FIELDS_MAX; k++) {
        q->refs[q->ref_count++] = world->forecast.refs[k];
    }
    bool none = q->ref_count == 0;
    for (size_t k = 0; none && k < world->record_count && q->ref_count < GM_WHAT_IF_FIELDS_MAX;
         k++) {
        q->refs[q->ref_count++] = world->records[k].ref;
    }
    none = q->ref_count == 0;
    for (size_t k = 0; none && k < world->estimate_count && q->ref_count < GM_WHAT_IF_FIELDS_MAX;
         k++) {
        q->refs[q->ref_count++] = world->estimates[k].ref;
    }
}

static gm_status pick_fields(const gm_serve_call *call, const json_t *body, question *q,
                             gm_error *error)
{
    const json_t *fields = json_object_get(body, "fields");
    gm_status status = GM_OK;
    q->refs = gm_memory_new(GM_WHAT_IF_FIELDS_MAX, sizeof *q->refs);
    if (q->refs == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the fields of a what-if");
    }
    if (fields == NULL) {
        pick_own_fields(call->world, q);
    } else if (!json_is_array(fields)) {
        return gm_error_set(error, GM_INVALID, "'fields' must be a list of addresses");
    }
    for (size_t k = 0; status == GM_OK && k < json_array_size(fields); k++) {
        const char *pattern = json_string_value(json_array_get(fields, k));
        status = pattern != NULL
                     ? add_pattern(call, pattern, q, error)
                     : gm_error_set(error, GM_INVALID, "'fields' must be a list of addresses");
    }
    if (status == GM_OK && q->ref_count == 0) {
        status = gm_error_set(error, GM_INVALID, "'fields' is empty: what is to be compared?");
    }
    return status;
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

static void write_answer(gm_serve_call *call, const question *q, int64_t from_ns,
                         const gm_what_if_answer *answer)
{
    gm_string *out = &call->out;
    size_t count = answer->time_count;
    gm_out_begin(out, '{');
    gm_out_key_text(out, "name", q->made_up == NULL ? q->scenario->name : NULL);
    gm_out_key_time(out, "from", from_ns);
    gm_out_key_seconds(out, "horizon_s", q->scenario->horizon_ns);
    gm_out_key(out, "fields");
    gm_out_begin(out, '[');
    for (size_t field = 0; field < answer->ref_count; field++) {
        gm_out_begin(out, '{');
        gm_out_address(out, call->world, q->refs[field]);
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
    static const char *const keys[] = { "name",   "set",    "for",    "about",
                                        "fields", "points", "branch", NULL };
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
                           .refs = q.refs,
                           .ref_count = q.ref_count,
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
