// Branches: named forks of a state, run ahead and changed on their own.
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "base/units.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"

static const double longest_run_s = 10.0 * 366.0 * 86400.0;

/// All branches of now. @param branches out; owner: the caller, gm_memory_free
static gm_status list_branches(gm_twin *twin, gm_branch_status **branches, size_t *count,
                               gm_error *error)
{
    *branches = gm_memory_new(GM_TWIN_BRANCHES_MAX, sizeof **branches);
    if (*branches == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for the branches");
    }
    gm_twin_branches(twin, *branches, count);
    return GM_OK;
}

gm_status gm_answer_branches(gm_serve_call *call, gm_error *error)
{
    gm_string *out = &call->out;
    gm_branch_status *branches = NULL;
    size_t count = 0;
    gm_status status = list_branches(call->twin, &branches, &count, error);
    if (status != GM_OK) {
        return status;
    }
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        const gm_branch_status *branch = &branches[k];
        gm_out_begin(out, '{');
        gm_out_key_text(out, "name", branch->name);
        gm_out_key_text(out, "parent", branch->parent[0] != '\0' ? branch->parent : NULL);
        gm_out_key_time(out, "made", branch->made_ns);
        gm_out_key_time(out, "time", branch->time_ns);
        gm_out_key_count(out, "own_bytes", branch->memory.own);
        gm_out_key_count(out, "reached_bytes", branch->memory.reached);
        gm_out_key_text(out, "note", branch->note);
        gm_out_end(out, '}');
    }
    gm_out_end(out, ']');
    gm_memory_free(branches);
    return GM_OK;
}

/// Writes name, time and own_bytes of one branch as keys of the object at hand.
static gm_status write_branch(gm_serve_call *call, const char *name, gm_error *error)
{
    gm_branch_status *branches = NULL;
    size_t count = 0;
    gm_status status = list_branches(call->twin, &branches, &count, error);
    for (size_t k = 0; status == GM_OK && k < count; k++) {
        if (strcmp(branches[k].name, name) == 0) {
            gm_out_key_text(&call->out, "name", name);
            gm_out_key_time(&call->out, "time", branches[k].time_ns);
            gm_out_key_count(&call->out, "own_bytes", branches[k].memory.own);
        }
    }
    gm_memory_free(branches);
    return status;
}

gm_status gm_make_branch(gm_serve_call *call, gm_error *error)
{
    static const char *const keys[] = { "name", "from", "note", NULL };
    const char *name = NULL, *from = "live", *note = "";
    json_t *body = NULL;
    int64_t start_ns = 0, elapsed_ns = 0;
    gm_status status = gm_body_object(call, keys, &body, error);
    if (status == GM_OK) {
        status = gm_body_text(body, "name", &name, error);
    }
    if (status == GM_OK) {
        status = gm_body_text(body, "from", &from, error);
    }
    if (status == GM_OK) {
        status = gm_body_text(body, "note", &note, error);
    }
    if (status == GM_OK && name == NULL) {
        status =
            gm_error_set(error, GM_INVALID, "'name' is missing: what the branch is to be called");
    }
    if (status == GM_OK) {
        start_ns = gm_clock_monotonic_ns();
        status = gm_twin_fork(call->twin, from, name, note, error);
        elapsed_ns = gm_clock_monotonic_ns() - start_ns;
    }
    if (status == GM_OK) {
        gm_out_begin(&call->out, '{');
        status = write_branch(call, name, error);
        gm_out_key_number(&call->out, "elapsed_us", (double)elapsed_ns / 1e3);
        gm_out_end(&call->out, '}');
        call->status = 201;
    }
    json_decref(body);
    return status;
}

gm_status gm_drop_branch(gm_serve_call *call, gm_error *error)
{
    call->status = 204;
    return gm_twin_drop(call->twin, call->name, error);
}

gm_status gm_advance_branch(gm_serve_call *call, gm_error *error)
{
    static const char *const keys[] = { "for_s", NULL };
    json_t *body = NULL;
    double for_s = 0.0;
    int64_t for_ns = 0;
    gm_status status = gm_body_object(call, keys, &body, error);
    if (status == GM_OK) {
        status = gm_body_number(body, "for_s", &for_s, error);
    }
    if (status == GM_OK &&
        (!(for_s > 0.0 && for_s <= longest_run_s) || !gm_ns_from_s(for_s, &for_ns))) {
        status = gm_error_set(error, GM_INVALID,
                              "'for_s' must be a number of seconds above 0, ten years at most");
    }
    if (status == GM_OK) {
        status = gm_twin_branch_advance(call->twin, call->name, for_ns, error);
    }
    if (status == GM_OK) {
        gm_out_begin(&call->out, '{');
        status = write_branch(call, call->name, error);
        gm_out_end(&call->out, '}');
    }
    json_decref(body);
    return status;
}

gm_status gm_set_in_branch(gm_serve_call *call, gm_error *error)
{
    static const char *const keys[] = { "address", "value", "unit", NULL };
    const char *address = NULL, *unit = NULL;
    json_t *body = NULL;
    double value = 0.0;
    gm_ref ref = { 0 };
    gm_conversion to_si = { 1.0, 0.0 };
    gm_status status = gm_body_object(call, keys, &body, error);
    if (status == GM_OK) {
        status = gm_body_text(body, "address", &address, error);
    }
    if (status == GM_OK) {
        status = gm_body_text(body, "unit", &unit, error);
    }
    if (status == GM_OK) {
        status = gm_body_number(body, "value", &value, error);
    }
    if (status == GM_OK && address == NULL) {
        status = gm_error_set(error, GM_INVALID, "'address' is missing: what is to be set");
    }
    if (status == GM_OK) {
        status = gm_world_find_one(call->world, address, (gm_place){ 0 }, &ref, error);
    }
    if (status == GM_OK && unit != NULL) {
        status = gm_units_between(call->world->units, unit, gm_world_field(call->world, ref)->unit,
                                  false, &to_si, error);
    }
    if (status == GM_OK) {
        value = value * to_si.factor + to_si.offset;
        status = gm_twin_branch_set(call->twin, call->name, ref, value, error);
    }
    if (status == GM_OK) {
        gm_out_begin(&call->out, '{');
        gm_out_address(&call->out, call->world, ref);
        gm_out_key_number(&call->out, "value", value);
        gm_out_end(&call->out, '}');
    }
    json_decref(body);
    return status;
}
