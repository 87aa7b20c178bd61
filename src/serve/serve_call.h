// One request of the interface under way, and what its handlers share. Private to src/serve.
#ifndef GEMEL_SERVE_SERVE_CALL_H
#define GEMEL_SERVE_SERVE_CALL_H

#include <gemel/twin.h>
#include <jansson.h>

#include "base/text.h"
#include "net/http_server.h"
#include "world/world_parts.h"

enum {
    GM_VALUES_MAX = 50000,         // addresses in one answer
    GM_LANE_VALUES_MAX = 1 << 24,  // addresses times lanes in one answer
    GM_ELEMENTS_PAGE_MAX = 100000, // elements in one answer
    GM_ADDRESS_MAX = 1024,         // bytes of an address
};

/// What a handler gets. It writes JSON to `out` and returns GM_OK; or it returns an error, and what
/// it wrote is dropped.
typedef struct gm_serve_call {
    gm_twin *twin;
    const gm_world *world;
    gm_workers *workers; // for lengthy calls only; NULL: none
    gm_http_exchange *exchange;
    const gm_http_request *request;
    char name[GM_NAME_MAX]; // what stood for NAME in the path
    gm_string out;
    int status;    // 200; 204 for an answer without a body
    bool answered; // the handler sees to the answer itself
} gm_serve_call;

typedef gm_status gm_serve_handler(gm_serve_call *call, gm_error *error);

/// Answers an exchange with an error of the interface.
void gm_serve_refuse(gm_http_exchange *exchange, gm_status status, const char *text);
/// The HTTP status for one of gemel's.
int gm_serve_http_status(gm_status status);

// ---- what requests say (serve_query.c) ----

/// Refuses query parameters that are not among `names` (ends in NULL) and suggests the nearest.
gm_status gm_query_only(const gm_serve_call *call, const char *const *names, gm_error *error);
gm_status gm_query_integer(const gm_serve_call *call, const char *name, int64_t min, int64_t max,
                           int64_t *value,
                           gm_error *error); // untouched when it is missing
gm_status gm_query_time(const gm_serve_call *call, const char *name, int64_t *time_ns,
                        gm_error *error); // the same
gm_status gm_query_flag(const gm_serve_call *call, const char *name, bool *value,
                        gm_error *error); // the same

/// The body as a JSON object with no keys but `keys` (ends in NULL). @param body out; the caller's,
/// json_decref
gm_status gm_body_object(const gm_serve_call *call, const char *const *keys, json_t **body,
                         gm_error *error);
/// A text of an object; `*text` is untouched when it is missing; it belongs to the object.
gm_status gm_body_text(const json_t *body, const char *key, const char **text, gm_error *error);
gm_status gm_body_number(const json_t *body, const char *key, double *value,
                         gm_error *error); // required, finite

// ---- what several answers hold (answer_parts.c) ----

/// address and unit as keys of the object at hand.
void gm_out_address(gm_string *out, const gm_world *world, gm_ref ref);
/// mean, spread, q05, q25, q50, q75, q95 as keys of the object at hand.
void gm_out_summary(gm_string *out, const gm_summary *summary);
void gm_out_event(gm_string *out, const gm_twin_event *event);
/// The newest forecast of a field as an object. @return GM_NOT_FOUND before the first one: nothing
/// is written
gm_status gm_out_forecast(gm_string *out, gm_twin *twin, size_t field, gm_error *error);
/// Values of many addresses in a view. @param values out, [count][lanes]; owner: the caller,
/// gm_memory_free
gm_status gm_read_lanes(const gm_twin_view *view, const gm_ref *refs, size_t count, double **values,
                        gm_error *error);

// ---- what is learned (answer_estimates.c) ----

/// What is learned, from what stands at its address: of an unknown input only what it adds.
/// @param estimate  number in the world, learned; @param values  in out, [lanes]
gm_status gm_learned_lanes(const gm_twin *twin, const gm_twin_view *view, size_t estimate,
                           double *values, gm_error *error);
/// address, unit, kind and summary as keys of the object at hand.
void gm_out_learned(gm_string *out, const gm_world *world, size_t estimate,
                    const gm_summary *summary);
/// The weights of hypotheses, now and at each lead, as an object. @param most  groups, and fields
/// that are forecast, at most so many; @return GM_BUSY before the first state: `out` is half
/// written
gm_status gm_out_hypotheses(gm_string *out, gm_twin *twin, size_t most, gm_error *error);

// ---- handlers ----

gm_serve_handler gm_answer_world, gm_answer_systems, gm_answer_elements, gm_answer_sensors,
    gm_answer_health; // answer_describe.c
gm_serve_handler gm_answer_values, gm_answer_history, gm_answer_forecasts, gm_answer_scores,
    gm_answer_events;                                        // answer_values.c
gm_serve_handler gm_answer_parameters, gm_answer_hypotheses; // answer_estimates.c
gm_serve_handler gm_answer_suspects;                         // answer_suspects.c
gm_serve_handler gm_answer_branches, gm_make_branch, gm_drop_branch, gm_advance_branch,
    gm_set_in_branch;             // answer_branches.c
gm_serve_handler gm_run_scenario; // answer_scenario.c
gm_serve_handler gm_take_samples; // answer_samples.c

#endif
