// What is learned, and which hypothesis is thought of how much: over HTTP and in the live feed.
#include "twin/box_rig.h"

#include <jansson.h>

#include "net/http_client.h"
#include "net/live_socket.h"
#include "serve/serve.h"

enum { STEPS = 120, HYPOTHESES = 3 };

static const char air_power[] = "box/node/air/power";

// The truth loses heat through a conductance of 0.7 W/K: something is wrong with this model.
static const char doubting_world[] =
    "world: box\n"
    "cycle: 3 s\n"
    "lanes: 32\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.35 W/K} }\n"
    "  other: { model: thermal, nodes: { cup: {capacity: 100 J/K} } }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.05 degC, every: 3 s, "
    "bias: {spread: 0.05 K} }\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC }\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W, ahead: hold }\n"
    "estimate:\n"
    "  states: [box/*/temperature]\n"
    "  inputs: { box/air/power: {drift: 20 W/h} }\n"
    "  parameters: { box/air-room/conductance: {spread: 30 %, drift: 5 %/day} }\n"
    "  hypotheses: [as known, drifting, unknown input]\n"
    "forecast: { fields: [box/air/temperature], every: 1 min, at: [1 min, 10 min] }\n";

typedef struct bench {
    gm_world *world;
    gm_twin *twin;
    gm_serve *serve;
    gm_http_client *client;
    gm_sample *samples;
} bench;

static void start_in(bench *b, const char *folder, const char *world, size_t steps)
{
    gm_error error = { 0 };
    gm_serve_options options = gm_default_serve_options();
    char url[64];
    b->world = rig_world_open(world);
    b->twin = rig_twin_open(b->world, folder, 1);
    b->samples = rig_record(1, STEPS);
    rig_feed(b->twin, b->samples, 3 * steps);
    options.port = 0;
    if (gm_serve_start(b->twin, &options, &b->serve, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)gm_serve_port(b->serve));
    assert_int_equal(gm_http_client_create(url, 30.0, &b->client, &error), GM_OK);
}

static void start(bench *b, const char *world, size_t steps)
{
    start_in(b, NULL, world, steps);
}

static void stop(bench *b)
{
    gm_http_client_close(b->client);
    gm_serve_stop(b->serve);
    gm_twin_close(b->twin);
    gm_world_close(b->world);
    gm_memory_free(b->samples);
}

static json_t *ask(bench *b, const char *path, int status)
{
    static gm_http_result result;
    gm_http_call call = { .method = "GET", .path = path };
    assert_int_equal(gm_http_client_call(b->client, &call, &result, NULL), GM_OK);
    if (result.status != status) {
        fail_msg("%s: got %d instead of %d: %s", path, result.status, status, result.body);
    }
    json_t *answer = json_loadb(result.body, result.size, 0, NULL);
    assert_non_null(answer);
    return answer;
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

/// The weights of an object; their sum is 1.
static void read_weights(const json_t *object, double weights[HYPOTHESES])
{
    const json_t *list = json_object_get(object, "weights");
    double sum = 0.0;
    assert_int_equal(json_array_size(list), HYPOTHESES);
    for (size_t k = 0; k < HYPOTHESES; k++) {
        weights[k] = json_number_value(json_array_get(list, k));
        assert_true(weights[k] >= 0.0 && weights[k] <= 1.0);
        sum += weights[k];
    }
    assert_true(fabs(sum - 1.0) < 1e-12);
}

static void check_names(const json_t *hypotheses)
{
    const json_t *names = json_object_get(hypotheses, "names");
    assert_int_equal(json_array_size(names), HYPOTHESES);
    assert_string_equal(json_string_value(json_array_get(names, 0)), "as known");
    assert_string_equal(json_string_value(json_array_get(names, 1)), "drifting");
    assert_string_equal(json_string_value(json_array_get(names, 2)), "unknown input");
}

/// The learned thing of a kind in a list.
static const json_t *find_kind(const json_t *list, const char *kind)
{
    for (size_t k = 0; k < json_array_size(list); k++) {
        const json_t *row = json_array_get(list, k);
        if (strcmp(text(row, "kind"), kind) == 0) {
            return row;
        }
    }
    fail_msg("nothing of kind %s", kind);
    return NULL;
}

static void each_group_and_each_lead_has_weights(void **state)
{
    (void)state;
    bench b = { 0 };
    double weights[HYPOTHESES];
    start(&b, doubting_world, STEPS);
    json_t *found = ask(&b, "/api/v1/hypotheses", 200);
    check_names(found);
    const json_t *groups = json_object_get(found, "groups");
    assert_int_equal(json_array_size(groups), 2);
    for (size_t k = 0; k < 2; k++) {
        const json_t *group = json_array_get(groups, k),
                     *systems = json_object_get(group, "systems");
        bool doubted = strcmp(json_string_value(json_array_get(systems, 0)), "box") == 0;
        assert_int_equal(json_array_size(systems), 1);
        read_weights(group, weights);
        // what is measured says that the box is not as known, and nothing of the other
        assert_true(doubted ? weights[0] < 0.1 : weights[0] > 0.9);
    }
    const json_t *forecasts = json_object_get(found, "forecasts");
    assert_int_equal(json_array_size(forecasts), 1);
    const json_t *forecast = json_array_get(forecasts, 0),
                 *leads = json_object_get(forecast, "leads");
    assert_string_equal(text(forecast, "field"), "box/node/air/temperature");
    assert_int_equal(json_array_size(leads), 2);
    for (size_t k = 0; k < 2; k++) {
        assert_true(number(json_array_get(leads, k), "lead_s") == (k == 0 ? 60.0 : 600.0));
        read_weights(json_array_get(leads, k), weights);
    }
    json_decref(found);
    stop(&b);
}

static void unknown_inputs_are_listed_with_what_they_add(void **state)
{
    (void)state;
    bench b = { 0 };
    start(&b, doubting_world, STEPS);
    json_t *learned = ask(&b, "/api/v1/parameters", 200);
    assert_int_equal(json_array_size(learned), 2);
    const json_t *input = find_kind(learned, "input");
    assert_string_equal(text(input, "address"), air_power);
    assert_string_equal(text(input, "unit"), "W");
    assert_true(number(input, "initial") == 0.0);
    assert_true(json_is_null(json_object_get(input, "initial_spread")));
    assert_true(number(input, "q05") <= number(input, "q50"));
    assert_true(number(input, "q50") <= number(input, "q95"));
    const json_t *parameter = find_kind(learned, "parameter");
    assert_true(number(parameter, "initial") == 0.35);
    assert_true(number(parameter, "initial_spread") > 0.0);
    json_t *values = ask(&b, "/api/v1/values?address=box/air/power", 200);
    const json_t *whole = json_array_get(json_object_get(values, "values"), 0);
    // nothing is supplied there, so what is added is all there is
    assert_true(number(whole, "mean") == number(input, "mean"));
    json_decref(values);
    json_decref(learned);
    stop(&b);
}

static void a_supplied_input_is_no_part_of_the_unknown_one(void **state)
{
    (void)state;
    static const char *const world =
        "world: box\ncycle: 3 s\nlanes: 8\n"
        "systems:\n"
        "  box:\n"
        "    model: thermal\n"
        "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} "
        "}\n"
        "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"
        "sensors:\n"
        "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC }\n"
        "  room: { field: box/room/temperature, from: http, unit: degC }\n"
        "  heat: { field: box/heater/power, from: http, scale: 125 W }\n"
        "estimate:\n"
        "  states: [box/*/temperature]\n"
        "  inputs: { box/heater/power: {spread: 1 W, drift: 1 W/h} }\n";
    bench b = { 0 };
    start(&b, world, 15); // the heater is on
    json_t *learned = ask(&b, "/api/v1/parameters", 200);
    json_t *values = ask(&b, "/api/v1/values?address=box/heater/power", 200);
    const json_t *whole = json_array_get(json_object_get(values, "values"), 0);
    double added = number(json_array_get(learned, 0), "mean");
    assert_true(number(json_array_get(learned, 0), "initial_spread") == 1.0);
    assert_true(fabs(added) < 20.0);
    assert_true(fabs(number(whole, "mean") - added - 125.0) < 1e-9);
    json_decref(values);
    json_decref(learned);
    json_t *found = ask(&b, "/api/v1/hypotheses", 200); // of one there is no doubt
    assert_int_equal(json_array_size(json_object_get(found, "names")), 1);
    assert_int_equal(json_array_size(json_object_get(found, "forecasts")), 0);
    const json_t *group = json_array_get(json_object_get(found, "groups"), 0);
    assert_true(json_number_value(json_array_get(json_object_get(group, "weights"), 0)) == 1.0);
    json_decref(found);
    stop(&b);
}

static void before_the_first_state_the_twin_is_busy(void **state)
{
    (void)state;
    bench b = { 0 };
    start(&b, doubting_world, 0);
    json_decref(ask(&b, "/api/v1/hypotheses", 503));
    json_decref(ask(&b, "/api/v1/parameters", 503));
    json_t *refused = ask(&b, "/api/v1/hypotheses?group=1", 400);
    assert_non_null(strstr(text(json_object_get(refused, "error"), "text"), "group"));
    json_decref(refused);
    rig_feed(b.twin, b.samples, 3 * 15);
    json_t *found = ask(&b, "/api/v1/hypotheses", 200);
    const json_t *forecast = json_array_get(json_object_get(found, "forecasts"), 0);
    assert_int_equal(json_array_size(json_object_get(found, "groups")), 2);
    assert_non_null(forecast);
    json_decref(found);
    stop(&b);
}

/// The newest cycle, as a newcomer is told it.
static json_t *told(const bench *b)
{
    static char line[1 << 20];
    int live = live_open(gm_serve_port(b->serve), "/api/v1/live", "");
    assert_true(live >= 0);
    json_t *message = NULL;
    for (int k = 0; message == NULL && k < 100; k++) {
        assert_true(live_read(live, line, sizeof line) != SIZE_MAX);
        message = json_loads(line, 0, NULL);
        assert_non_null(message);
        if (strcmp(text(message, "type"), "cycle") != 0) {
            json_decref(message);
            message = NULL;
        }
    }
    close(live);
    assert_non_null(message);
    return message;
}

static void the_feed_tells_weights_biases_and_unknown_inputs(void **state)
{
    (void)state;
    bench b = { 0 };
    double weights[HYPOTHESES], asked[HYPOTHESES];
    start(&b, doubting_world, STEPS);
    json_t *message = told(&b), *found = ask(&b, "/api/v1/hypotheses", 200);
    const json_t *hypotheses = json_object_get(message, "hypotheses");
    check_names(hypotheses);
    read_weights(json_array_get(json_object_get(hypotheses, "groups"), 0), weights);
    read_weights(json_array_get(json_object_get(found, "groups"), 0), asked);
    assert_memory_equal(weights, asked, sizeof weights);
    assert_true(
        json_equal(json_object_get(hypotheses, "forecasts"), json_object_get(found, "forecasts")));
    const json_t *learned = json_object_get(message, "parameters");
    assert_int_equal(json_array_size(learned), 2);
    assert_string_equal(text(find_kind(learned, "input"), "address"), air_power);
    json_t *values = ask(&b, "/api/v1/values?address=box/air/power", 200);
    const json_t *whole = json_array_get(json_object_get(values, "values"), 0);
    assert_true(number(find_kind(learned, "input"), "mean") == number(whole, "mean"));
    // behind both states (one of them is forecast): the input as a whole
    const json_t *fed = json_array_get(json_object_get(message, "values"), 2);
    assert_string_equal(text(fed, "address"), air_power);
    assert_true(number(fed, "mean") == number(whole, "mean"));
    const json_t *sensor = json_array_get(json_object_get(message, "sensors"), 0);
    assert_true(fabs(number(sensor, "bias")) < 1.0);
    assert_true(number(sensor, "bias_spread") > 0.0);
    const json_t *driver = json_array_get(json_object_get(message, "sensors"), 1);
    assert_null(json_object_get(driver, "bias"));
    json_decref(values);
    json_decref(found);
    json_decref(message);
    stop(&b);
    start(&b, rig_world, 20);
    message = told(&b);
    assert_null(json_object_get(message, "hypotheses")); // of one there is nothing to tell
    json_decref(message);
    stop(&b);
}

/// A history's rows, whose columns are these behind the time.
static const json_t *rows_of(const json_t *history, const char *const *names, size_t count)
{
    const json_t *columns = json_object_get(history, "columns");
    assert_int_equal(json_array_size(columns), 1 + count);
    assert_string_equal(json_string_value(json_array_get(columns, 0)), "time");
    for (size_t k = 0; k < count; k++) {
        assert_string_equal(json_string_value(json_array_get(columns, k + 1)), names[k]);
    }
    return json_object_get(history, "rows");
}

static void weights_and_what_is_learned_have_a_history(void **state)
{
    (void)state;
    static const char *const names[] = { "as known", "drifting", "unknown input" };
    static const char *const summary[] = { "mean", "spread", "q05", "q25", "q50", "q75", "q95" };
    bench b = { 0 };
    char folder[] = "/tmp/gemel-serve-XXXXXX";
    assert_non_null(mkdtemp(folder));
    start_in(&b, folder, doubting_world, STEPS);
    json_t *history = ask(&b, "/api/v1/history?hypotheses=box", 200);
    assert_string_equal(text(history, "address"), "box");
    assert_string_equal(text(history, "unit"), "1");
    assert_true(json_is_true(json_object_get(history, "recorded")));
    const json_t *rows = rows_of(history, names, 3);
    size_t count = json_array_size(rows);
    assert_in_range(count, STEPS * 3 / 10 - 1, STEPS * 3 / 10 + 1);
    for (size_t k = 0; k < count; k++) {
        double sum = 0.0;
        for (size_t at = 1; at <= 3; at++) {
            sum += json_number_value(json_array_get(json_array_get(rows, k), at));
        }
        assert_true(fabs(sum - 1.0) < 2e-6);
    }
    const json_t *last = json_array_get(rows, count - 1);
    assert_true(json_number_value(json_array_get(last, 1)) < 0.1); // not as known
    json_decref(history);
    history = ask(&b, "/api/v1/history?hypotheses=other&points=3", 200);
    assert_true(json_array_size(rows_of(history, names, 3)) <= 3);
    json_decref(history);
    history = ask(&b, "/api/v1/history?learned=box/air/power", 200);
    assert_string_equal(text(history, "address"), air_power);
    assert_string_equal(text(history, "unit"), "W");
    assert_int_equal(json_array_size(rows_of(history, summary, 7)), count);
    json_decref(history);
    history = ask(&b, "/api/v1/history?learned=box/air-room/conductance", 200);
    last = json_array_get(rows_of(history, summary, 7), count - 1);
    assert_true(json_number_value(json_array_get(last, 3)) <
                json_number_value(json_array_get(last, 7)));
    json_decref(history);
    stop(&b);
    rig_remove(folder);
}

static void refuse(bench *b, const char *path, int status, const char *expected)
{
    json_t *answer = ask(b, path, status);
    const char *why = text(json_object_get(answer, "error"), "text");
    if (strstr(why, expected) == NULL) {
        fail_msg("'%s' does not say '%s'", why, expected);
    }
    json_decref(answer);
}

static void a_history_of_what_is_not_learned_is_refused(void **state)
{
    (void)state;
    bench b = { 0 };
    start(&b, doubting_world, 5);
    refuse(&b, "/api/v1/history?hypotheses=bx", 404, "there is no system 'bx'");
    refuse(&b, "/api/v1/history?learned=box/air/temperature", 404, "is not learned");
    refuse(&b, "/api/v1/history?learned=box/heater/power", 404, "is not learned");
    refuse(&b, "/api/v1/history?learned=box/air/pwer", 404, "power");
    refuse(&b, "/api/v1/history?learned=box/air/power&hypotheses=box", 400, "either");
    refuse(&b, "/api/v1/history?hypotheses=box&points=2", 400, "points=2");
    refuse(&b, "/api/v1/history?hypotheses=box&branch=x", 404, "x");
    // without a data folder nothing is kept
    json_t *history = ask(&b, "/api/v1/history?hypotheses=box", 200);
    assert_true(json_is_false(json_object_get(history, "recorded")));
    assert_int_equal(json_array_size(json_object_get(history, "rows")), 0);
    json_decref(history);
    stop(&b);
}

int main(int count, char **arguments)
{
    cmocka_set_test_filter(count > 1 ? arguments[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_group_and_each_lead_has_weights),
        cmocka_unit_test(unknown_inputs_are_listed_with_what_they_add),
        cmocka_unit_test(a_supplied_input_is_no_part_of_the_unknown_one),
        cmocka_unit_test(before_the_first_state_the_twin_is_busy),
        cmocka_unit_test(the_feed_tells_weights_biases_and_unknown_inputs),
        cmocka_unit_test(weights_and_what_is_learned_have_a_history),
        cmocka_unit_test(a_history_of_what_is_not_learned_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
