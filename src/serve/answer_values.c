// What the values are and were, and what is expected of them.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "serve/json_out.h"
#include "serve/serve_call.h"
#include "store/history.h"
#include "twin/kept_series.h"

enum { EVENTS_MAX = 10000, POINTS_MAX = 100000, POINTS_MIN = 3 };

// ---- now ----

static void write_value(gm_serve_call *call, const gm_twin_view *view, gm_ref ref,
                        const double *values, bool with_lanes)
{
    gm_string *out = &call->out;
    gm_summary summary;
    gm_summarise(view->state, values, &summary);
    gm_out_begin(out, '{');
    gm_out_address(out, call->world, ref);
    gm_out_key_text(out, "role", gm_role_name(gm_world_role(call->world, ref)));
    gm_out_summary(out, &summary);
    if (with_lanes) {
        gm_out_key(out, "lanes");
        gm_out_begin(out, '[');
        for (size_t lane = 0; lane < gm_state_lanes(view->state); lane++) {
            gm_out_number(out, gm_state_lane_failed(view->state, lane) ? NAN : values[lane]);
        }
        gm_out_end(out, ']');
    }
    gm_out_end(out, '}');
}

static gm_status write_view(gm_serve_call *call, const gm_twin_view *view, const char *pattern,
                            bool with_lanes, gm_error *error)
{
    const char *branch = gm_http_parameter_get(call->request, "branch");
    gm_string *out = &call->out;
    size_t count = 0, lanes = gm_state_lanes(view->state);
    gm_ref *refs = NULL;
    double *values = NULL;
    gm_status status = gm_world_find(call->world, pattern, (gm_place){ 0 }, &refs, &count, error);
    if (status == GM_OK) {
        status = gm_read_lanes(view, refs, count, &values, error);
    }
    if (status == GM_OK) {
        gm_out_begin(out, '{');
        gm_out_key_time(out, "time", view->time_ns);
        gm_out_key_text(out, "branch", branch != NULL ? branch : "live");
        gm_out_key(out, "values");
        gm_out_begin(out, '[');
        for (size_t k = 0; k < count; k++) {
            write_value(call, view, refs[k], values + k * lanes, with_lanes);
        }
        gm_out_end(out, ']');
        gm_out_end(out, '}');
    }
    gm_memory_free(values);
    gm_memory_free(refs);
    return status;
}

gm_status gm_answer_values(gm_serve_call *call, gm_error *error)
{
    static const char *const known[] = { "address", "branch", "lanes", NULL };
    const char *pattern = gm_http_parameter_get(call->request, "address");
    bool with_lanes = false;
    gm_twin_view view;
    gm_status status = gm_query_only(call, known, error);
    if (status == GM_OK) {
        status = gm_query_flag(call, "lanes", &with_lanes, error);
    }
    if (status == GM_OK && pattern == NULL) {
        status = gm_error_set(error, GM_INVALID,
                              "address is missing, as in ?address=box/air/temperature or box/*/*");
    }
    if (status == GM_OK) {
        status =
            gm_twin_look(call->twin, gm_http_parameter_get(call->request, "branch"), &view, error);
    }
    if (status == GM_OK) {
        status = write_view(call, &view, pattern, with_lanes, error);
        gm_twin_look_away(call->twin, &view);
    }
    return status;
}

// ---- before ----

// A column that is no stored value but a row's mark.
enum { QUALITY_COLUMN = GM_HISTORY_COLUMNS_MAX };

/// What a history request asks for: a series, and how its rows are written.
typedef struct history_wish {
    gm_history_query query;
    char series[GM_HISTORY_NAME_MAX];
    char address[GM_ADDRESS_MAX]; // of weights: the system that the series is named by
    const char *unit;
    const char *names[GM_HISTORY_COLUMNS_MAX]; // [column_count] behind the time
    size_t stored[GM_HISTORY_COLUMNS_MAX];     // number in the series of each
    size_t column_count;
} history_wish;

static void add_column(history_wish *wish, const char *name, size_t stored)
{
    wish->names[wish->column_count] = name;
    wish->stored[wish->column_count++] = stored;
}

static gm_status pick_address(const gm_serve_call *call, const char *address, history_wish *wish,
                              gm_error *error)
{
    gm_ref ref;
    gm_status status = gm_world_find_one(call->world, address, (gm_place){ 0 }, &ref, error);
    if (status == GM_OK) {
        gm_world_address(call->world, ref, wish->address, sizeof wish->address);
        snprintf(wish->series, sizeof wish->series, "%.*s", (int)sizeof wish->series - 1,
                 wish->address);
        wish->unit = gm_world_field(call->world, ref)->unit;
        add_column(wish, "mean", 0);
        add_column(wish, "spread", 1);
    }
    return status;
}

static gm_status pick_sensor(const gm_serve_call *call, const char *sensor, history_wish *wish,
                             gm_error *error)
{
    size_t found = gm_world_find_sensor(call->world, sensor);
    if (found == GM_NO_INDEX) {
        return gm_error_set(error, GM_NOT_FOUND,
                            "there is no sensor '%s'; GET /api/v1/sensors lists them", sensor);
    }
    gm_world_address(call->world, call->world->sensors[found].ref, wish->address,
                     sizeof wish->address);
    snprintf(wish->series, sizeof wish->series, "sensor/%s", call->world->sensors[found].name);
    wish->unit = call->world->sensors[found].field_unit;
    add_column(wish, "value", 0);
    add_column(wish, "quality", QUALITY_COLUMN);
    return GM_OK;
}

static gm_status pick_learned(const gm_serve_call *call, const char *address, history_wish *wish,
                              gm_error *error)
{
    static const char *const names[] = { "mean", "spread", "q05", "q25", "q50", "q75", "q95" };
    const gm_world *world = call->world;
    gm_status status = pick_address(call, address, wish, error);
    const gm_world_estimate *learned = NULL;
    for (size_t k = 0; status == GM_OK && learned == NULL && k < world->estimate_count; k++) {
        char own[GM_ADDRESS_MAX];
        gm_world_address(world, world->estimates[k].ref, own, sizeof own);
        if (gm_is_learned(&world->estimates[k]) && strcmp(own, wish->address) == 0) {
            learned = &world->estimates[k];
        }
    }
    if (status != GM_OK) {
        return status;
    }
    if (learned == NULL) {
        return gm_error_set(error, GM_NOT_FOUND,
                            "'%s' is not learned; GET /api/v1/parameters lists what is", address);
    }
    gm_kept_learned(world, learned, wish->series, sizeof wish->series);
    wish->column_count = 0;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        add_column(wish, names[k], k);
    }
    return GM_OK;
}

static gm_status pick_weights(const gm_serve_call *call, const char *name, history_wish *wish,
                              gm_error *error)
{
    const gm_world *world = call->world;
    size_t system = gm_world_find_system(world, name);
    if (system == GM_NO_INDEX) {
        return gm_error_set(error, GM_NOT_FOUND,
                            "there is no system '%s'; GET /api/v1/systems lists them", name);
    }
    gm_kept_weights(world, world->systems[system].group, wish->series, sizeof wish->series);
    snprintf(wish->address, sizeof wish->address, "%s", strchr(wish->series, '/') + 1);
    wish->unit = "1";
    for (size_t k = 0; k < world->hypothesis_count; k++) {
        gm_hypothesis hypothesis = world->hypotheses[k];
        add_column(wish, gm_hypothesis_name(hypothesis), gm_kept_weights_column(hypothesis));
    }
    return GM_OK;
}

static gm_status pick_series(const gm_serve_call *call, history_wish *wish, gm_error *error)
{
    static const struct {
        const char *key;
        gm_status (*pick)(const gm_serve_call *call, const char *value, history_wish *wish,
                          gm_error *error);
    } kinds[] = {
        { "address", pick_address },
        { "sensor", pick_sensor },
        { "learned", pick_learned },
        { "hypotheses", pick_weights },
    };
    size_t found = 0, given = 0, count = sizeof kinds / sizeof kinds[0];
    for (size_t k = 0; k < count; k++) {
        if (gm_http_parameter_get(call->request, kinds[k].key) != NULL) {
            found = k;
            given++;
        }
    }
    if (given != 1) {
        return gm_error_set(error, GM_INVALID,
                            "give either address=... or sensor=..., learned=ADDRESS or "
                            "hypotheses=SYSTEM");
    }
    return kinds[found].pick(call, gm_http_parameter_get(call->request, kinds[found].key), wish,
                             error);
}

static gm_status read_wish(const gm_serve_call *call, history_wish *wish, gm_error *error)
{
    static const char *const known[] = { "address", "sensor", "learned", "hypotheses", "branch",
                                         "from",    "to",     "as_of",   "points",     NULL };
    const char *branch = gm_http_parameter_get(call->request, "branch");
    int64_t points = 1000;
    wish->query = gm_default_history_query();
    wish->query.branch = branch != NULL ? branch : "live";
    wish->query.series = wish->series;
    gm_status status = gm_query_only(call, known, error);
    if (status == GM_OK) {
        status = pick_series(call, wish, error);
    }
    if (status == GM_OK) {
        status = gm_query_time(call, "from", &wish->query.from_ns, error);
    }
    if (status == GM_OK) {
        status = gm_query_time(call, "to", &wish->query.to_ns, error);
    }
    if (status == GM_OK) {
        status = gm_query_time(call, "as_of", &wish->query.as_of_ns, error);
    }
    if (status == GM_OK) {
        status = gm_query_integer(call, "points", POINTS_MIN, POINTS_MAX, &points, error);
    }
    wish->query.max_rows = (size_t)points;
    return status;
}

/// Names of the marks that rows of sensors carry; 0 is good.
static const char *quality_name(uint32_t quality)
{
    static const char *const names[] = { "good", "good", "range", "stale", "late", "contradicted" };
    return quality < sizeof names / sizeof names[0] ? names[quality] : "other";
}

/// What stands behind the time of a row.
static void write_columns(gm_string *out, const history_wish *wish, const gm_history_rows *rows,
                          size_t row)
{
    const double *values = rows->values + row * rows->columns;
    for (size_t k = 0; k < wish->column_count; k++) {
        size_t stored = wish->stored[k];
        if (stored == QUALITY_COLUMN) {
            gm_out_text(out, quality_name(rows->quality[row]));
        } else {
            gm_out_number(out, stored < rows->columns ? values[stored] : NAN);
        }
    }
}

static void write_rows(gm_string *out, const history_wish *wish, const gm_history_rows *rows)
{
    gm_out_begin(out, '{');
    gm_out_key_text(out, "address", wish->address);
    gm_out_key_text(out, "unit", wish->unit);
    gm_out_key(out, "columns");
    gm_out_begin(out, '[');
    gm_out_text(out, "time");
    for (size_t k = 0; k < wish->column_count; k++) {
        gm_out_text(out, wish->names[k]);
    }
    gm_out_end(out, ']');
    gm_out_key(out, "rows");
    gm_out_begin(out, '[');
    for (size_t k = 0; k < rows->count; k++) {
        gm_out_begin(out, '[');
        gm_out_time(out, rows->time_ns[k]);
        write_columns(out, wish, rows, k);
        gm_out_end(out, ']');
    }
    gm_out_end(out, ']');
    gm_out_key(out, "thinned");
    gm_out_bool(out, rows->thinned);
    gm_out_key(out, "recorded");
    gm_out_bool(out, rows->columns > 0);
    gm_out_end(out, '}');
}

/// A field that is not recorded has no rows; a branch that does not exist is the asker's mistake.
static gm_status read_rows(const gm_serve_call *call, const history_wish *wish,
                           gm_history_rows *rows, gm_error *error)
{
    gm_store *store = gm_twin_store(call->twin);
    gm_twin_view view;
    gm_status status = GM_NOT_FOUND; // without a data folder nothing is recorded
    if (store != NULL) {
        status = gm_history_read(gm_store_history(store), &wish->query, rows, error);
    }
    if (status != GM_NOT_FOUND) {
        return status;
    }
    status = gm_twin_look(call->twin, wish->query.branch, &view, error);
    if (status == GM_OK) {
        gm_twin_look_away(call->twin, &view);
    }
    return status == GM_BUSY ? GM_OK : status;
}

gm_status gm_answer_history(gm_serve_call *call, gm_error *error)
{
    history_wish wish = { 0 };
    gm_history_rows rows = { 0 };
    gm_status status = read_wish(call, &wish, error);
    if (status == GM_OK) {
        status = read_rows(call, &wish, &rows, error);
    }
    if (status == GM_OK) {
        write_rows(&call->out, &wish, &rows);
    }
    gm_history_rows_free(&rows);
    return status;
}

// ---- ahead ----

static gm_status find_forecast(const gm_serve_call *call, const char *address, size_t *field,
                               gm_error *error)
{
    const gm_world_forecast *plan = &call->world->forecast;
    gm_ref ref;
    gm_status status = gm_world_find_one(call->world, address, (gm_place){ 0 }, &ref, error);
    if (status != GM_OK) {
        return status;
    }
    for (size_t k = 0; k < plan->ref_count; k++) {
        const gm_ref *at = &plan->refs[k];
        if (at->system == ref.system && at->class_number == ref.class_number &&
            at->field == ref.field && at->element == ref.element) {
            *field = k;
            return GM_OK;
        }
    }
    return gm_error_set(error, GM_NOT_FOUND,
                        "%s is not forecast; `forecast:` in the world file says what is", address);
}

gm_status gm_answer_forecasts(gm_serve_call *call, gm_error *error)
{
    static const char *const known[] = { "field", NULL };
    const char *address = gm_http_parameter_get(call->request, "field");
    gm_string *out = &call->out;
    size_t field = 0;
    gm_status status = gm_query_only(call, known, error);
    if (status != GM_OK) {
        return status;
    }
    if (address != NULL) {
        status = find_forecast(call, address, &field, error);
        return status == GM_OK ? gm_out_forecast(out, call->twin, field, error) : status;
    }
    gm_out_begin(out, '[');
    for (field = 0; field < call->world->forecast.ref_count; field++) {
        status = gm_out_forecast(out, call->twin, field, error);
        if (status != GM_OK && status != GM_NOT_FOUND) {
            return status;
        }
    }
    gm_out_end(out, ']');
    return GM_OK;
}

static void write_score(gm_string *out, const char *address, const gm_score *score)
{
    gm_out_begin(out, '{');
    gm_out_key_text(out, "field", address);
    gm_out_key_seconds(out, "horizon_s", score->lead_ns);
    gm_out_key_count(out, "count", score->count);
    gm_out_key_number(out, "rmse", score->rmse);
    gm_out_key_number(out, "bias", score->bias);
    gm_out_key_number(out, "persistence_rmse", score->persistence_rmse);
    gm_out_key_number(out, "crps", score->crps);
    gm_out_key_number(out, "crps_fair", score->crps_fair);
    gm_out_key_number(out, "coverage50", score->coverage50);
    gm_out_key_number(out, "coverage90", score->coverage90);
    gm_out_key_number(out, "width50", score->width50);
    gm_out_key_number(out, "width90", score->width90);
    gm_out_key_number(out, "raw_crps", score->raw_crps);
    gm_out_key_number(out, "raw_coverage50", score->raw_coverage50);
    gm_out_key_number(out, "raw_coverage90", score->raw_coverage90);
    gm_out_end(out, '}');
}

gm_status gm_answer_scores(gm_serve_call *call, gm_error *error)
{
    const gm_world_forecast *plan = &call->world->forecast;
    gm_string *out = &call->out;
    char address[GM_ADDRESS_MAX];
    size_t count = plan->ref_count * plan->lead_count;
    gm_score *scores = gm_memory_new(count, sizeof *scores);
    if (scores == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for scores");
    }
    gm_twin_scores(call->twin, scores);
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        gm_world_address(call->world, plan->refs[scores[k].field], address, sizeof address);
        write_score(out, address, &scores[k]);
    }
    gm_out_end(out, ']');
    gm_memory_free(scores);
    return GM_OK;
}

gm_status gm_answer_events(gm_serve_call *call, gm_error *error)
{
    static const char *const known[] = { "open", "limit", NULL };
    gm_string *out = &call->out;
    bool open_only = false;
    int64_t limit = 100;
    size_t count = 0;
    gm_status status = gm_query_only(call, known, error);
    if (status == GM_OK) {
        status = gm_query_flag(call, "open", &open_only, error);
    }
    if (status == GM_OK) {
        status = gm_query_integer(call, "limit", 0, EVENTS_MAX, &limit, error);
    }
    if (status != GM_OK) {
        return status;
    }
    gm_twin_event *events = gm_memory_new((size_t)limit, sizeof *events);
    if (events == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %lld events", (long long)limit);
    }
    gm_twin_events(call->twin, open_only, (size_t)limit, events, &count);
    gm_out_begin(out, '[');
    for (size_t k = 0; k < count; k++) {
        gm_out_event(out, &events[k]);
    }
    gm_out_end(out, ']');
    gm_memory_free(events);
    return GM_OK;
}
