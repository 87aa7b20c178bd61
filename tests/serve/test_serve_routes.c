// Every route of docs/api.md over a real twin of a small world: good questions, bad questions, and
// the page.
#include "twin/box_rig.h"

#include <jansson.h>

#include "net/http_client.h"
#include "serve/page.h"
#include "serve/serve.h"

enum { STEPS = 120 };

typedef struct bench {
    char folder[64];
    gm_world *world;
    gm_twin *twin;
    gm_serve *serve;
    gm_http_client *client;
    gm_sample *samples;
    gm_http_result result;
} bench;

static int start(void **state)
{
    bench *b = gm_memory_new(1, sizeof *b);
    gm_error error = { 0 };
    gm_serve_options options = gm_default_serve_options();
    char url[64];
    snprintf(b->folder, sizeof b->folder, "/tmp/gemel-serve-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    b->world = rig_world_open(rig_world);
    b->twin = rig_twin_open(b->world, b->folder, 1);
    b->samples = rig_record(1, STEPS);
    rig_feed(b->twin, b->samples, 3 * STEPS);
    options.port = 0;
    options.threads = 2;
    if (gm_serve_start(b->twin, &options, &b->serve, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)gm_serve_port(b->serve));
    assert_int_equal(gm_http_client_create(url, 30.0, &b->client, &error), GM_OK);
    *state = b;
    return 0;
}

static int stop(void **state)
{
    bench *b = *state;
    gm_http_client_close(b->client);
    gm_serve_stop(b->serve);
    gm_twin_close(b->twin);
    gm_world_close(b->world);
    gm_memory_free(b->samples);
    rig_remove(b->folder);
    gm_memory_free(b);
    return 0;
}

/// Asks, expects a status, and reads the answer as JSON (NULL for an empty one).
static json_t *ask(bench *b, const char *method, const char *path, const char *body, int status)
{
    gm_error error = { 0 };
    gm_http_call call = {
        .method = method, .path = path, .body = body, .size = body != NULL ? strlen(body) : 0
    };
    if (gm_http_client_call(b->client, &call, &b->result, &error) != GM_OK) {
        fail_msg("%s %s: %s", method, path, error.text);
    }
    if (b->result.status != status) {
        fail_msg("%s %s %s\ngot %d instead of %d: %s", method, path, body != NULL ? body : "",
                 b->result.status, status, b->result.body);
    }
    json_error_t wrong;
    json_t *answer = json_loadb(b->result.body, b->result.size, 0, &wrong);
    if (answer == NULL && b->result.size > 0) {
        fail_msg("%s %s is not JSON: %s", method, path, b->result.body);
    }
    return answer;
}

/// A refused question: its status and a part of its sentence.
static void refused(bench *b, const char *request, const char *body, int status, const char *part)
{
    char method[8];
    const char *path = strchr(request, ' ') + 1;
    snprintf(method, sizeof method, "%.*s", (int)(path - 1 - request), request);
    json_t *answer = ask(b, method, path, body, status);
    const char *text = json_string_value(json_object_get(json_object_get(answer, "error"), "text"));
    if (text == NULL || strstr(text, part) == NULL) {
        fail_msg("%s %s %s\n'%s' does not say '%s'", method, path, body != NULL ? body : "",
                 b->result.body, part);
    }
    json_decref(answer);
}

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%g is not %g", value, expected);
    }
}

static double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    assert_true(json_is_number(value));
    return json_number_value(value);
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    assert_non_null(value);
    return value;
}

// ---- what there is ----

static void the_world_is_described(void **state)
{
    bench *b = *state;
    json_t *world = ask(b, "GET", "/api/v1/world", NULL, 200);
    assert_string_equal(text(world, "name"), "box");
    assert_string_equal(text(world, "mode"), "replay");
    assert_near(number(world, "cycle_s"), 3.0, 0.0);
    assert_near(number(world, "lanes"), 64.0, 0.0);
    assert_int_equal(json_array_size(json_object_get(world, "systems")), 1);
    assert_int_equal(json_array_size(json_object_get(world, "sensors")), 3);
    const json_t *scenario = json_array_get(json_object_get(world, "scenarios"), 0);
    assert_string_equal(text(scenario, "name"), "lid-open");
    assert_near(number(scenario, "horizon_s"), 1800.0, 0.0);
    const json_t *forecast = json_object_get(world, "forecast");
    assert_string_equal(json_string_value(json_array_get(json_object_get(forecast, "fields"), 0)),
                        "box/node/air/temperature");
    assert_near(json_number_value(json_array_get(json_object_get(forecast, "leads_s"), 1)), 600.0,
                0.0);
    int64_t time_ns = 0;
    assert_true(gm_time_parse(gm_text_of(text(world, "time")), &time_ns));
    assert_true(time_ns > RIG_START_NS);
    json_decref(world);
}

static void systems_and_elements_are_listed(void **state)
{
    bench *b = *state;
    json_t *systems = ask(b, "GET", "/api/v1/systems", NULL, 200);
    const json_t *system = json_array_get(systems, 0);
    assert_string_equal(text(system, "domain"), "thermal");
    assert_true(json_array_size(json_object_get(system, "classes")) >= 2);
    json_decref(systems);
    json_t *elements = ask(b, "GET", "/api/v1/systems/box/elements", NULL, 200);
    size_t total = (size_t)number(elements, "total");
    assert_int_equal(json_array_size(json_object_get(elements, "elements")), total);
    json_decref(elements);
    elements = ask(b, "GET", "/api/v1/systems/box/elements?class=node&offset=1&limit=2", NULL, 200);
    assert_int_equal(number(elements, "total"), 3);
    assert_int_equal(json_array_size(json_object_get(elements, "elements")), 2);
    const json_t *room = json_array_get(json_object_get(elements, "elements"), 1);
    assert_string_equal(text(room, "name"), "room");
    assert_string_equal(text(json_object_get(room, "roles"), "temperature"), "input");
    json_decref(elements);
    json_decref(ask(b, "GET", "/api/v1/systems/box/elements?offset=1000000", NULL, 200));
    refused(b, "GET /api/v1/systems/bix/elements", NULL, 404, "bix");
    refused(b, "GET /api/v1/systems/box/elements?class=nodes", NULL, 404, "did you mean 'node'");
    refused(b, "GET /api/v1/systems/box/elements?clas=node", NULL, 400, "did you mean 'class'");
    refused(b, "GET /api/v1/systems/box/elements?limit=-1", NULL, 400, "limit=-1");
    refused(b, "GET /api/v1/systems/box/elements?offset=99999999999999999999", NULL, 400, "offset");
}

static void sensors_say_what_they_said_last(void **state)
{
    bench *b = *state;
    json_t *sensors = ask(b, "GET", "/api/v1/sensors", NULL, 200);
    assert_int_equal(json_array_size(sensors), 3);
    const json_t *air = json_array_get(sensors, 0);
    assert_string_equal(text(air, "name"), "t2");
    assert_string_equal(text(air, "kind"), "observation");
    assert_string_equal(text(air, "address"), "box/node/air/temperature");
    assert_string_equal(text(air, "unit"), "K");
    assert_near(number(air, "noise"), 0.1, 1e-12);
    assert_near(number(air, "every_s"), 3.0, 0.0);
    assert_string_equal(text(air, "reads"), "value");
    assert_string_equal(text(air, "of"), "");
    assert_string_equal(text(air, "reading_unit"), "K");
    assert_true(json_is_null(json_object_get(air, "over_s")));
    assert_true(json_is_null(json_object_get(air, "bias")));
    const json_t *last = json_object_get(air, "last");
    assert_true(fabs(number(last, "value") - number(last, "estimate")) < 2.0);
    assert_string_equal(text(last, "quality"), "good");
    assert_string_equal(text(json_array_get(sensors, 2), "kind"), "driver");
    json_decref(sensors);
}

static void values_carry_their_spread_and_lanes(void **state)
{
    bench *b = *state;
    json_t *values =
        ask(b, "GET", "/api/v1/values?address=box%2Fair%2Ftemperature&lanes=1", NULL, 200);
    const json_t *value = json_array_get(json_object_get(values, "values"), 0);
    assert_string_equal(text(values, "branch"), "live");
    assert_string_equal(text(value, "role"), "state");
    assert_true(number(value, "q05") <= number(value, "q50") &&
                number(value, "q50") <= number(value, "q95"));
    const json_t *lanes = json_object_get(value, "lanes");
    assert_int_equal(json_array_size(lanes), 64);
    double sum = 0.0;
    for (size_t k = 0; k < 64; k++) {
        sum += json_number_value(json_array_get(lanes, k));
    }
    assert_near(sum / 64.0, number(value, "mean"), 1e-9);
    json_decref(values);
    values = ask(b, "GET", "/api/v1/values?address=box/*/temperature", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(values, "values")), 3);
    assert_null(json_object_get(json_array_get(json_object_get(values, "values"), 0), "lanes"));
    json_decref(values);
    refused(b, "GET /api/v1/values", NULL, 400, "address is missing");
    refused(b, "GET /api/v1/values?address=box/air/temprature", NULL, 404,
            "did you mean 'temperature'");
    refused(b, "GET /api/v1/values?address=box/*/*&branch=nowhere", NULL, 404, "nowhere");
    refused(b, "GET /api/v1/values?address=box/*/*&lanes=maybe", NULL, 400, "maybe");
    refused(b, "GET /api/v1/values?address=%FF%FE/%C3", NULL, 404, "");
}

static void learned_parameters_have_a_start(void **state)
{
    bench *b = *state;
    json_t *parameters = ask(b, "GET", "/api/v1/parameters", NULL, 200);
    assert_int_equal(json_array_size(parameters), 1);
    const json_t *one = json_array_get(parameters, 0);
    assert_string_equal(text(one, "address"), "box/path/air-room/conductance");
    assert_near(number(one, "initial"), 0.5, 1e-12);
    assert_near(number(one, "initial_spread"), 0.15, 1e-12);
    assert_true(number(one, "spread") > 0.0);
    json_decref(parameters);
}

static void history_is_told_by_address_and_by_sensor(void **state)
{
    bench *b = *state;
    json_t *history = ask(b, "GET", "/api/v1/history?address=box/air/temperature", NULL, 200);
    assert_string_equal(text(history, "unit"), "K");
    size_t count = json_array_size(json_object_get(history, "rows"));
    assert_true(count > STEPS / 2);
    json_decref(history);
    history =
        ask(b, "GET",
            "/api/v1/history?sensor=t2&from=2023-11-14T22:13:20Z&to=1700000030000000000&points=50",
            NULL, 200);
    const json_t *rows = json_object_get(history, "rows");
    assert_int_equal(json_array_size(rows), 10);
    assert_string_equal(json_string_value(json_array_get(json_array_get(rows, 0), 0)),
                        "2023-11-14T22:13:23Z");
    assert_string_equal(json_string_value(json_array_get(json_array_get(rows, 0), 2)), "good");
    assert_string_equal(json_string_value(json_array_get(json_object_get(history, "columns"), 1)),
                        "value");
    json_decref(history);
    refused(b, "GET /api/v1/history", NULL, 400, "either");
    refused(b, "GET /api/v1/history?address=box/air/temperature&sensor=t2", NULL, 400, "either");
    refused(b, "GET /api/v1/history?sensor=t9", NULL, 404, "t9");
    refused(b, "GET /api/v1/history?sensor=t2&from=yesterday", NULL, 400, "yesterday");
    refused(b, "GET /api/v1/history?sensor=t2&points=1", NULL, 400, "points=1");
    refused(b, "GET /api/v1/history?sensor=t2&from=10&to=5", NULL, 400, "");
    refused(b, "GET /api/v1/history?address=box/air/temperature&branch=x", NULL, 404, "x");
    history = ask(b, "GET", "/api/v1/history?address=box/air-room/conductance", NULL, 200);
    assert_int_equal(json_array_size(json_object_get(history, "rows")), 0);
    assert_true(json_is_false(json_object_get(history, "recorded")));
    json_decref(history);
}

static void forecasts_and_scores_are_told(void **state)
{
    bench *b = *state;
    json_t *forecast = ask(b, "GET", "/api/v1/forecasts?field=box/air/temperature", NULL, 200);
    const json_t *rows = json_object_get(forecast, "rows");
    assert_int_equal(json_array_size(rows), 2);
    assert_near(number(json_array_get(rows, 1), "lead_s"), 600.0, 0.0);
    static const char *const rising[] = { "q05", "q25", "q50", "q75", "q95" };
    for (size_t k = 1; k < sizeof rising / sizeof *rising; k++) {
        const json_t *row = json_array_get(rows, 1);
        assert_true(number(row, rising[k]) > number(row, rising[k - 1]));
    }
    json_decref(forecast);
    json_t *all = ask(b, "GET", "/api/v1/forecasts", NULL, 200);
    assert_int_equal(json_array_size(all), 1);
    json_decref(all);
    json_t *scores = ask(b, "GET", "/api/v1/scores", NULL, 200);
    assert_int_equal(json_array_size(scores), 2);
    const json_t *first = json_array_get(scores, 0);
    assert_true(number(first, "count") > 0.0);
    assert_true(number(first, "coverage50") <= number(first, "coverage90"));
    assert_true(number(first, "raw_coverage50") <= number(first, "raw_coverage90"));
    assert_true(number(first, "width50") < number(first, "width90"));
    assert_true(number(first, "crps_fair") < number(first, "crps"));
    assert_true(fabs(number(first, "bias")) <= number(first, "rmse"));
    assert_true(number(first, "raw_crps") > 0.0);
    assert_true(json_is_null(
        json_object_get(json_array_get(scores, 1), "rmse"))); // ten minutes have not passed
    json_decref(scores);
    refused(b, "GET /api/v1/forecasts?field=box/room/temperature", NULL, 404, "not forecast");
    json_t *events = ask(b, "GET", "/api/v1/events?open=true&limit=5", NULL, 200);
    assert_true(json_is_array(events));
    json_decref(events);
    json_t *health = ask(b, "GET", "/api/v1/health", NULL, 200);
    assert_string_equal(text(health, "status"), "ok");
    assert_true(number(health, "samples") >= 3 * STEPS);
    assert_true(number(health, "resident_bytes") > 1e6);
    json_decref(health);
}

// ---- branches and what-ifs ----

static void a_branch_lives_its_own_life(void **state)
{
    bench *b = *state;
    json_t *made =
        ask(b, "POST", "/api/v1/branches", "{\"name\": \"try\", \"note\": \"a test\"}", 201);
    assert_string_equal(text(made, "name"), "try");
    assert_true(number(made, "elapsed_us") >= 0.0);
    json_decref(made);
    refused(b, "POST /api/v1/branches", "{\"name\": \"try\"}", 409, "try");
    json_decref(ask(
        b, "POST", "/api/v1/branches/try/set",
        "{\"address\": \"box/air-room/conductance\", \"value\": 2000, \"unit\": \"mW/K\"}", 200));
    json_t *ahead = ask(b, "POST", "/api/v1/branches/try/advance", "{\"for_s\": 600}", 200);
    json_decref(ahead);
    json_t *changed =
        ask(b, "GET", "/api/v1/values?address=box/air-room/conductance&branch=try", NULL, 200);
    const json_t *value = json_array_get(json_object_get(changed, "values"), 0);
    assert_near(number(value, "mean"), 2.0, 1e-12);
    json_decref(changed);
    json_t *live = ask(b, "GET", "/api/v1/values?address=box/air-room/conductance", NULL, 200);
    assert_true(number(json_array_get(json_object_get(live, "values"), 0), "mean") < 1.5);
    json_decref(live);
    json_t *branches = ask(b, "GET", "/api/v1/branches", NULL, 200);
    assert_int_equal(json_array_size(branches), 2);
    assert_string_equal(text(json_array_get(branches, 0), "name"), "live");
    assert_string_equal(text(json_array_get(branches, 1), "note"), "a test");
    assert_string_equal(text(json_array_get(branches, 1), "parent"), "live");
    json_decref(branches);
    assert_null(ask(b, "DELETE", "/api/v1/branches/try", NULL, 204));
    refused(b, "DELETE /api/v1/branches/try", NULL, 404, "try");
    refused(b, "DELETE /api/v1/branches/live", NULL, 400, "live");
}

static void wrong_branch_requests_are_explained(void **state)
{
    bench *b = *state;
    static const struct {
        const char *path, *body;
        int status;
        const char *part;
    } cases[] = {
        { "POST /api/v1/branches", "{\"name\": \"x\", \"form\": \"live\"}", 400,
          "did you mean 'from'" },
        { "POST /api/v1/branches", "{\"name\": \"\"}", 400, "name" },
        { "POST /api/v1/branches", "{\"name\": \"a/b c\"}", 400, "a/b c" },
        { "POST /api/v1/branches", "{\"name\": 5}", 400, "'name' must be a text" },
        { "POST /api/v1/branches", "{}", 400, "'name' is missing" },
        { "POST /api/v1/branches", "{\"name\": \"x\", \"from\": \"nowhere\"}", 404, "nowhere" },
        { "POST /api/v1/branches", "[]", 400, "must be a JSON object" },
        { "POST /api/v1/branches", "{\"name\": \"x\",\n \"name\": \"y\"}", 400, "2:" },
        { "POST /api/v1/branches", "{\"name\": \"x\"", 400, "1:" },
        { "POST /api/v1/branches", "", 400, "not JSON" },
        { "POST /api/v1/branches/none/advance", "{\"for_s\": 1}", 404, "none" },
        { "POST /api/v1/branches/live/advance", "{\"for_s\": 1}", 400, "live" },
        { "POST /api/v1/branches/live/advance", "{\"for_s\": -1}", 400, "for_s" },
        { "POST /api/v1/branches/live/advance", "{\"for_s\": 1e300}", 400, "for_s" },
        { "POST /api/v1/branches/live/advance", "{\"for_s\": \"1 h\"}", 400, "for_s" },
        { "POST /api/v1/branches/live/set",
          "{\"address\": \"box/air-room/conductance\", \"value\": 1}", 400, "live" },
        { "POST /api/v1/branches/live/set",
          "{\"address\": \"box/air-rom/conductance\", \"value\": 1}", 404, "air-room" },
        { "POST /api/v1/branches/live/set", "{\"address\": \"box/*/conductance\", \"value\": 1}",
          400, "" },
        { "POST /api/v1/branches/live/set", "{\"address\": \"box/air-room/conductance\"}", 400,
          "value" },
        { "POST /api/v1/branches/live/set", "{\"value\": 1}", 400, "address" },
        { "POST /api/v1/branches/live/set",
          "{\"address\": \"box/air-room/conductance\", \"value\": 1, \"unit\": \"metre\"}", 400,
          "metre" },
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        refused(b, cases[k].path, cases[k].body, cases[k].status, cases[k].part);
    }
}

static void a_what_if_shows_both_futures(void **state)
{
    bench *b = *state;
    json_t *answer =
        ask(b, "POST", "/api/v1/scenarios/run", "{\"name\": \"lid-open\", \"points\": 30}", 200);
    assert_string_equal(text(answer, "name"), "lid-open");
    assert_near(number(answer, "horizon_s"), 1800.0, 0.0);
    const json_t *field = json_array_get(json_object_get(answer, "fields"), 0);
    assert_string_equal(text(field, "address"), "box/node/air/temperature");
    assert_int_equal(json_array_size(json_object_get(field, "times_s")), 31);
    const json_t *difference = json_object_get(json_object_get(field, "difference"), "mean");
    assert_int_equal(json_array_size(difference), 31);
    assert_near(json_number_value(json_array_get(difference, 0)), 0.0, 0.0);
    assert_true(json_number_value(json_array_get(difference, 30)) < -1.0); // an open lid cools
    json_decref(answer);
    answer = ask(b, "POST", "/api/v1/scenarios/run",
                 "{\"set\": {\"box/heater/power\": {\"at\": \"+1 min\", \"to\": \"0 W\"}}, "
                 "\"for\": \"10 min\", "
                 "\"fields\": [\"box/*/temperature\"], \"points\": 5}",
                 200);
    assert_true(json_is_null(json_object_get(answer, "name")));
    assert_int_equal(json_array_size(json_object_get(answer, "fields")), 3);
    json_decref(answer);
    static const char *const path = "POST /api/v1/scenarios/run";
    refused(b, path, "{\"name\": \"lid-opne\"}", 404, "lid-opne");
    refused(b, path, "{}", 400, "either 'name'");
    refused(b, path, "{\"name\": \"lid-open\", \"points\": 0}", 400, "points");
    refused(b, path, "{\"name\": \"lid-open\", \"points\": 1.5}", 400, "points");
    refused(b, path, "{\"name\": \"lid-open\", \"fields\": \"box/air/temperature\"}", 400, "list");
    refused(b, path, "{\"name\": \"lid-open\", \"fields\": []}", 400, "empty");
    refused(b, path, "{\"name\": \"lid-open\", \"fields\": [\"box/air/temprature\"]}", 404,
            "temperature");
    refused(b, path, "{\"name\": \"lid-open\", \"branch\": \"none\"}", 404, "none");
    refused(b, path, "{\"set\": {\"box/air-room/conductance\": {\"times\": 4}}}", 400, "");
    refused(b, path, "{\"set\": {\"box/nothing/x\": 4}, \"for\": \"1 min\"}", 404, "nothing");
    refused(b, path, "{\"set\": 3, \"for\": \"1 min\"}", 400, "");
}

static void a_what_if_may_build_otherwise(void **state)
{
    bench *b = *state;
    // a second way out beside the first; and nothing of the heater's path is left
    json_t *answer = ask(b, "POST", "/api/v1/scenarios/run",
                         "{\"structure\": {\"box\": {\"paths\": {\"heater-air\": null, "
                         "\"heater-room\": {\"conductance\": \"2 W/K\"}}}}, "
                         "\"set\": {\"box/heater-room/conductance\": \"3 W/K\"}, "
                         "\"for\": \"10 min\", \"fields\": [\"box/*/conductance\", "
                         "\"box/air/temperature\"], \"points\": 5}",
                         200);
    assert_int_equal(json_array_size(json_object_get(answer, "fields")), 2);
    const char *note = json_string_value(json_array_get(json_object_get(answer, "notes"), 0));
    assert_non_null(note);
    assert_string_equal(note, "box/path/heater-air/conductance is left out: it is not there under "
                              "the scenario");
    json_decref(answer);
    static const char *const path = "POST /api/v1/scenarios/run";
    refused(b, path, "{\"structure\": {\"bxo\": {}}, \"for\": \"1 min\"}", 404,
            "did you mean 'box'?");
    refused(b, path, "{\"structure\": {\"box\": {\"paths\": {\"a-b\": {}}}}, \"for\": \"1 min\"}",
            404, "line 1:34: there is no node 'a'");
    refused(b, path, "{\"structure\": {}, \"name\": \"lid-open\"}", 400, "either 'name'");
    refused(b, path, "{\"structure\": {}}", 400, "horizon");
}

// ---- samples ----

static void samples_are_acknowledged_after_the_commit(void **state)
{
    bench *b = *state;
    json_t *answer =
        ask(b, "POST", "/api/v1/samples",
            "[{\"series\": \"t2\", \"t\": \"2023-11-14T22:20:00Z\", \"v\": 31.5},"
            " {\"series\": \"t2\", \"t\": 1700000400000000000, \"v\": 31.5},"
            " {\"series\": \"rooms\", \"t\": 1700000400000000000, \"v\": 1},"
            " {\"series\": \"heat\", \"t\": 1700000400000000000, \"v\": true, \"seq\": 7},"
            " {\"series\": \"room\", \"v\": 20},"
            " {\"series\": \"room\", \"t\": 1700000400000000000, \"v\": \"warm\"},"
            " {\"series\": \"room\", \"t\": 1700000400000000000},"
            " 5]",
            200);
    assert_int_equal(number(answer, "accepted"), 2);
    assert_int_equal(number(answer, "duplicates"), 1);
    const json_t *rejected = json_object_get(answer, "rejected");
    static const int expected[] = { 2, 4, 5, 6, 7 };
    assert_int_equal(json_array_size(rejected), 5);
    for (size_t k = 0; k < 5; k++) {
        assert_int_equal(number(json_array_get(rejected, k), "index"), expected[k]);
        assert_true(strlen(text(json_array_get(rejected, k), "reason")) > 5);
    }
    assert_non_null(strstr(text(json_array_get(rejected, 0), "reason"), "did you mean 'room'"));
    json_decref(answer);
    answer = ask(b, "POST", "/api/v1/samples", "[]", 200);
    assert_int_equal(number(answer, "accepted"), 0);
    json_decref(answer);
    refused(b, "POST /api/v1/samples", "[{\"series\": \"t2\",\n\"v\": 1,]", 400, "2:");
    refused(b, "POST /api/v1/samples", "{}", 400, "1:1");
    refused(b, "POST /api/v1/samples", "", 400, "");
}

static void a_large_post_of_samples_is_taken_whole(void **state)
{
    bench *b = *state;
    gm_string body = { 0 };
    gm_string_add(&body, "[", 1);
    for (int k = 0; k < 20000; k++) {
        gm_string_format(&body, "%s{\"series\":\"t2\",\"t\":%lld,\"v\":30,\"seq\":%d}",
                         k > 0 ? "," : "",
                         (long long)(RIG_START_NS + 3600 * GM_SECOND_NS + k * INT64_C(1000000)), k);
    }
    gm_string_add(&body, "]", 1);
    json_t *answer = ask(b, "POST", "/api/v1/samples", body.data, 200);
    assert_int_equal(number(answer, "accepted"), 20000);
    json_decref(answer);
    gm_string_free(&body);
}

// ---- paths ----

static void wrong_paths_and_methods_are_explained(void **state)
{
    bench *b = *state;
    refused(b, "GET /api/v1/wrld", NULL, 404, "did you mean /api/v1/world");
    refused(b, "GET /api/v1/", NULL, 404, "there is no");
    refused(b, "GET /api/v1/world/", NULL, 404, "there is no");
    refused(b, "GET /api/v1/systems//elements", NULL, 404, "");
    refused(b, "POST /api/v1/world", "{}", 405, "GET");
    assert_non_null(strcasestr(b->result.headers, "allow: GET"));
    refused(b, "DELETE /api/v1/samples", NULL, 405, "POST");
    refused(b, "POST /index.html", "{}", 405, "reading");
    refused(b, "GET /nothing-here.js", NULL, 404, "");
    refused(b, "GET /../../etc/passwd", NULL, 404, "");
    refused(b, "GET /api/v1/live", NULL, 404, "");
    json_t *head = ask(b, "HEAD", "/api/v1/world", NULL, 200);
    json_decref(head);
}

static void the_page_is_served_when_it_was_built_in(void **state)
{
    bench *b = *state;
    gm_error error = { 0 };
    gm_http_call call = { .method = "GET", .path = "/" };
    assert_int_equal(gm_http_client_call(b->client, &call, &b->result, &error), GM_OK);
    assert_int_equal(b->result.status, gm_page_file_count > 0 ? 200 : 404);
    for (size_t k = 0; k < gm_page_file_count; k++) {
        call.path = gm_page_files[k].path;
        assert_int_equal(gm_http_client_call(b->client, &call, &b->result, &error), GM_OK);
        assert_int_equal(b->result.status, 200);
        assert_int_equal(b->result.size, gm_page_files[k].size);
        assert_memory_equal(b->result.body, gm_page_files[k].bytes, gm_page_files[k].size);
        assert_non_null(strcasestr(b->result.headers, "etag: \""));
    }
}

int main(int count, char **arguments)
{
    cmocka_set_test_filter(count > 1 ? arguments[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_world_is_described),
        cmocka_unit_test(systems_and_elements_are_listed),
        cmocka_unit_test(sensors_say_what_they_said_last),
        cmocka_unit_test(values_carry_their_spread_and_lanes),
        cmocka_unit_test(learned_parameters_have_a_start),
        cmocka_unit_test(history_is_told_by_address_and_by_sensor),
        cmocka_unit_test(forecasts_and_scores_are_told),
        cmocka_unit_test(a_branch_lives_its_own_life),
        cmocka_unit_test(wrong_branch_requests_are_explained),
        cmocka_unit_test(a_what_if_shows_both_futures),
        cmocka_unit_test(a_what_if_may_build_otherwise),
        cmocka_unit_test(samples_are_acknowledged_after_the_commit),
        cmocka_unit_test(a_large_post_of_samples_is_taken_whole),
        cmocka_unit_test(wrong_paths_and_methods_are_explained),
        cmocka_unit_test(the_page_is_served_when_it_was_built_in),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
