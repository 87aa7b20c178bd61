// What is behind an event, as far as can be told.
#include <gemel/twin.h>

#include "serve/json_out.h"
#include "serve/serve_call.h"

static void write_suspect(gm_string *out, const gm_suspect *suspect)
{
    gm_out_begin(out, '{');
    gm_out_key_text(out, "kind", suspect->kind);
    gm_out_key_text(out, "address", suspect->address[0] != '\0' ? suspect->address : NULL);
    gm_out_key_text(out, "sensor", suspect->sensor[0] != '\0' ? suspect->sensor : NULL);
    gm_out_key_text(out, "partner", suspect->partner[0] != '\0' ? suspect->partner : NULL);
    gm_out_key_number(out, "probability", suspect->probability);
    gm_out_key_number(out, "size", suspect->size);
    gm_out_key_text(out, "unit", suspect->unit);
    gm_out_key_time(out, "since", suspect->since_ns);
    gm_out_end(out, '}');
}

gm_status gm_answer_suspects(gm_serve_call *call, gm_error *error)
{
    static const char *const known[] = { "event", NULL };
    gm_string *out = &call->out;
    int64_t event = 0;
    gm_suspicion found;
    gm_status status = gm_query_only(call, known, error);
    if (status == GM_OK) {
        status = gm_query_integer(call, "event", 1, INT64_MAX, &event, error);
    }
    if (status == GM_OK) {
        status = gm_twin_suspects(call->twin, (uint64_t)event, &found, error);
    }
    if (status != GM_OK) {
        return status;
    }
    gm_out_begin(out, '{');
    gm_out_key(out, "event");
    if (found.event != 0) {
        gm_out_count(out, found.event);
    } else {
        gm_out_null(out);
    }
    gm_out_key_time(out, "evaluated", found.evaluated_ns != 0 ? found.evaluated_ns : INT64_MIN);
    gm_out_key_count(out, "samples", found.samples);
    gm_out_key_text(out, "verdict", found.verdict[0] != '\0' ? found.verdict : NULL);
    gm_out_key_text(out, "kind", found.kind[0] != '\0' ? found.kind : NULL);
    gm_out_key_number(out, "none", found.none);
    gm_out_key(out, "adopted");
    gm_out_bool(out, found.adopted);
    gm_out_key_text(out, "text", found.text);
    gm_out_key(out, "suspects");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < found.count; k++) {
        write_suspect(out, &found.suspects[k]);
    }
    gm_out_end(out, ']');
    gm_out_end(out, '}');
    return GM_OK;
}
