// What the twin has learned, and how much it thinks of each hypothesis about its model.
#include <math.h>

#include "base/arena.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"
#include "twin/kept_series.h"

// ---- parameters and unknown inputs ----

gm_status gm_learned_lanes(const gm_twin *twin, const gm_twin_view *view, size_t estimate,
                           double *values, gm_error *error)
{
    bool input = gm_twin_world(twin)->estimates[estimate].kind == GM_ESTIMATE_INPUT;
    return input ? gm_twin_unknown(twin, view, estimate, values, error) : GM_OK;
}

void gm_out_learned(gm_string *out, const gm_world *world, size_t estimate,
                    const gm_summary *summary)
{
    const gm_world_estimate *learned = &world->estimates[estimate];
    gm_out_address(out, world, learned->ref);
    gm_out_key_text(out, "kind", learned->kind == GM_ESTIMATE_INPUT ? "input" : "parameter");
    gm_out_summary(out, summary);
}

/// Before anything was measured: of a parameter its declared value, of an unknown input nothing.
static void write_prior(gm_string *out, const gm_world *world, const gm_world_estimate *estimate)
{
    const gm_ref ref = estimate->ref;
    double initial = 0.0;
    if (estimate->kind == GM_ESTIMATE_PARAMETER) {
        initial = gm_model_initial_at(world->systems[ref.system].model, ref.class_number, ref.field,
                                      ref.element);
    }
    gm_out_key_number(out, "initial", initial);
    gm_out_key_number(out, "initial_spread",
                      estimate->spread_relative ? fabs(initial) * estimate->spread
                                                : estimate->spread);
}

gm_status gm_answer_parameters(gm_serve_call *call, gm_error *error)
{
    const gm_world *world = call->world;
    gm_string *out = &call->out;
    gm_twin_view view;
    gm_status status = gm_twin_look(call->twin, NULL, &view, error);
    if (status != GM_OK) {
        return status;
    }
    gm_out_begin(out, '[');
    for (size_t k = 0; status == GM_OK && k < world->estimate_count; k++) {
        const gm_world_estimate *estimate = &world->estimates[k];
        gm_summary summary;
        double *values = NULL;
        if (!gm_is_learned(estimate)) {
            continue;
        }
        status = gm_read_lanes(&view, &estimate->ref, 1, &values, error);
        if (status == GM_OK) {
            status = gm_learned_lanes(call->twin, &view, k, values, error);
        }
        if (status == GM_OK) {
            gm_summarise(view.state, values, &summary);
            gm_out_begin(out, '{');
            gm_out_learned(out, world, k, &summary);
            write_prior(out, world, estimate);
            gm_out_end(out, '}');
        }
        gm_memory_free(values);
    }
    gm_out_end(out, ']');
    gm_twin_look_away(call->twin, &view);
    return status;
}

// ---- hypotheses ----

static void write_weights(gm_string *out, const gm_hypotheses *found)
{
    gm_out_key(out, "weights");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < found->count; k++) {
        gm_out_number(out, found->weights[k]);
    }
    gm_out_end(out, ']');
}

static void write_names(gm_string *out, const gm_world *world)
{
    gm_out_key(out, "names");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->hypothesis_count; k++) {
        gm_out_text(out, gm_hypothesis_name(world->hypotheses[k]));
    }
    gm_out_end(out, ']');
}

/// One group's systems and its weights.
static gm_status write_group(gm_string *out, gm_twin *twin, size_t group, gm_error *error)
{
    const gm_world *world = gm_twin_world(twin);
    gm_hypotheses found;
    size_t member = 0;
    gm_out_begin(out, '{');
    gm_out_key(out, "systems");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < world->system_count; k++) {
        if (world->systems[k].group == group) {
            gm_out_text(out, world->systems[k].name);
            member = k;
        }
    }
    gm_out_end(out, ']');
    gm_status status = gm_twin_hypotheses(twin, member, &found, error);
    if (status == GM_OK) {
        write_weights(out, &found);
        gm_out_end(out, '}');
    }
    return status;
}

/// A forecast field's weights at each lead.
static void write_leads(gm_string *out, gm_twin *twin, size_t field)
{
    const gm_world *world = gm_twin_world(twin);
    const gm_world_forecast *plan = &world->forecast;
    char address[GM_ADDRESS_MAX];
    gm_hypotheses found;
    gm_world_address(world, plan->refs[field], address, sizeof address);
    gm_out_begin(out, '{');
    gm_out_key_text(out, "field", address);
    gm_out_key(out, "leads");
    gm_out_begin(out, '[');
    for (size_t lead = 0; lead < plan->lead_count; lead++) {
        if (gm_twin_forecast_hypotheses(twin, field, lead, &found, NULL) == GM_OK) {
            gm_out_begin(out, '{');
            gm_out_key_seconds(out, "lead_s", plan->leads_ns[lead]);
            write_weights(out, &found);
            gm_out_end(out, '}');
        }
    }
    gm_out_end(out, ']');
    gm_out_end(out, '}');
}

gm_status gm_out_hypotheses(gm_string *out, gm_twin *twin, size_t most, gm_error *error)
{
    const gm_world *world = gm_twin_world(twin);
    gm_status status = GM_OK;
    gm_out_begin(out, '{');
    write_names(out, world);
    gm_out_key(out, "groups");
    gm_out_begin(out, '[');
    for (size_t k = 0; status == GM_OK && k < world->group_count && k < most; k++) {
        status = write_group(out, twin, k, error);
    }
    gm_out_end(out, ']');
    gm_out_key(out, "forecasts");
    gm_out_begin(out, '[');
    for (size_t k = 0; status == GM_OK && k < world->forecast.ref_count && k < most; k++) {
        write_leads(out, twin, k);
    }
    gm_out_end(out, ']');
    gm_out_end(out, '}');
    return status;
}

gm_status gm_answer_hypotheses(gm_serve_call *call, gm_error *error)
{
    static const char *const known[] = { NULL };
    gm_status status = gm_query_only(call, known, error);
    return status == GM_OK ? gm_out_hypotheses(&call->out, call->twin, GM_VALUES_MAX, error)
                           : status;
}
