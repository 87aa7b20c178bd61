// Pieces that several answers are made of.
#include "base/arena.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"

void gm_out_address(gm_string *out, const gm_world *world, gm_ref ref)
{
    char address[GM_ADDRESS_MAX];
    gm_world_address(world, ref, address, sizeof address);
    gm_out_key_text(out, "address", address);
    gm_out_key_text(out, "unit", gm_world_field(world, ref)->unit);
}

void gm_out_summary(gm_string *out, const gm_summary *summary)
{
    gm_out_key_number(out, "mean", summary->mean);
    gm_out_key_number(out, "spread", summary->spread);
    gm_out_key_number(out, "q05", summary->q05);
    gm_out_key_number(out, "q25", summary->q25);
    gm_out_key_number(out, "q50", summary->q50);
    gm_out_key_number(out, "q75", summary->q75);
    gm_out_key_number(out, "q95", summary->q95);
}

void gm_out_event(gm_string *out, const gm_twin_event *event)
{
    gm_out_begin(out, '{');
    gm_out_key_count(out, "id", event->id);
    gm_out_key_text(out, "kind", event->kind);
    gm_out_key_text(out, "subject", event->subject);
    gm_out_key_time(out, "start", event->start_ns);
    gm_out_key_time(out, "end", event->end_ns);
    gm_out_key_number(out, "size", event->size);
    gm_out_key_text(out, "unit", event->unit);
    gm_out_key_text(out, "text", event->text);
    gm_out_end(out, '}');
}

gm_status gm_out_forecast(gm_string *out, gm_twin *twin, size_t field, gm_error *error)
{
    const gm_world *world = gm_twin_world(twin);
    const gm_world_forecast *plan = &world->forecast;
    char address[GM_ADDRESS_MAX];
    int64_t issued_ns = 0;
    gm_forecast_row *rows = gm_memory_new(plan->lead_count, sizeof *rows);
    if (rows == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a forecast");
    }
    gm_status status = gm_twin_forecast(twin, field, rows, &issued_ns, error);
    if (status == GM_OK) {
        gm_world_address(world, plan->refs[field], address, sizeof address);
        gm_out_begin(out, '{');
        gm_out_key_time(out, "issued", issued_ns);
        gm_out_key_text(out, "field", address);
        gm_out_key_text(out, "unit", gm_world_field(world, plan->refs[field])->unit);
        gm_out_key(out, "rows");
        gm_out_begin(out, '[');
        for (size_t k = 0; k < plan->lead_count; k++) {
            gm_out_begin(out, '{');
            gm_out_key_time(out, "time", rows[k].time_ns);
            gm_out_key_seconds(out, "lead_s", rows[k].lead_ns);
            gm_out_summary(out, &rows[k].value);
            gm_out_end(out, '}');
        }
        gm_out_end(out, ']');
        gm_out_end(out, '}');
    }
    gm_memory_free(rows);
    return status;
}

gm_status gm_read_lanes(const gm_twin_view *view, const gm_ref *refs, size_t count, double **values,
                        gm_error *error)
{
    size_t lanes = gm_state_lanes(view->state);
    if (count > GM_VALUES_MAX || count > GM_LANE_VALUES_MAX / lanes) {
        return gm_error_set(
            error, GM_LIMIT,
            "%zu addresses of %zu lanes are too many for one answer; ask for fewer at a time",
            count, lanes);
    }
    double *read = gm_memory_new(count * lanes, sizeof *read);
    if (read == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu values", count * lanes);
    }
    gm_status status = gm_state_read_many(view->state, refs, count, read, error);
    if (status != GM_OK) {
        gm_memory_free(read);
        return status;
    }
    *values = read;
    return GM_OK;
}
