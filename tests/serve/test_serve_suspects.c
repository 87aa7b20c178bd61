// What is behind an event, over HTTP.
#include "twin/house_rig.h"

#include <jansson.h>

#include "net/http_client.h"
#include "serve/serve.h"

static const char walls_world[] = HOUSE_DETECT HOUSE_WALLS;

typedef struct service {
    gm_world *world;
    gm_twin *twin;
    gm_serve *serve;
    gm_http_client *client;
    gm_sample *samples;
} service;

static service start(size_t steps)
{
    house_fault fault = { .at = HOUSE_FAULT, .wall = 2, .times = 2.0 };
    service made = { .world = rig_world_open(walls_world),
                     .samples = house_record(1, HOUSE_STEPS, fault) };
    made.twin = rig_twin_open(made.world, NULL, 1);
    rig_feed(made.twin, made.samples, HOUSE_SENSORS * steps);
    gm_serve_options options = gm_default_serve_options();
    gm_error error = { 0 };
    char url[64];
    options.port = 0;
    if (gm_serve_start(made.twin, &options, &made.serve, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)gm_serve_port(made.serve));
    assert_int_equal(gm_http_client_create(url, 30.0, &made.client, &error), GM_OK);
    return made;
}

static void stop(service *served)
{
    gm_http_client_close(served->client);
    gm_serve_stop(served->serve);
    gm_twin_close(served->twin);
    gm_world_close(served->world);
    gm_memory_free(served->samples);
}

static json_t *ask(const service *served, const char *path, int status)
{
    gm_error error = { 0 };
    gm_http_call call = { .method = "GET", .path = path };
    gm_http_result *result = gm_memory_new(1, sizeof *result);
    if (gm_http_client_call(served->client, &call, result, &error) != GM_OK) {
        fail_msg("%s: %s", path, error.text);
    }
    assert_int_equal(result->status, status);
    json_t *answer = json_loadb(result->body, result->size, 0, NULL);
    gm_memory_free(result);
    assert_non_null(answer);
    return answer;
}

static const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void suspects_of_an_event_are_told(void **state)
{
    (void)state;
    service served = start(HOUSE_STEPS);
    json_t *events = ask(&served, "/api/v1/events", 200);
    assert_true(json_array_size(events) > 0);
    const json_t *event = json_array_get(events, json_array_size(events) - 1);
    json_int_t id = json_integer_value(json_object_get(event, "id"));
    char path[128];
    snprintf(path, sizeof path, "/api/v1/suspects?event=%lld", (long long)id);
    json_t *found = ask(&served, path, 200);
    assert_int_equal(json_integer_value(json_object_get(found, "event")), id);
    assert_non_null(text_of(found, "evaluated"));
    assert_true(json_integer_value(json_object_get(found, "samples")) > 0);
    assert_true(json_number_value(json_object_get(found, "none")) < 0.5);
    assert_non_null(strstr(text_of(event, "text"), text_of(found, "text")));
    const json_t *first = json_array_get(json_object_get(found, "suspects"), 0);
    assert_string_equal(text_of(first, "address"), "house/path/r2-out/conductance");
    assert_true(json_is_null(json_object_get(first, "sensor")));
    assert_true(json_number_value(json_object_get(first, "probability")) > 0.5);
    assert_true(json_number_value(json_object_get(first, "size")) > 0.0);
    assert_string_equal(text_of(first, "unit"), "W/K");
    assert_non_null(text_of(first, "since"));
    json_t *newest = ask(&served, "/api/v1/suspects", 200);
    assert_string_equal(text_of(newest, "text"), text_of(found, "text"));
    json_decref(newest);
    json_decref(found);
    json_decref(events);
    stop(&served);
}

static void before_anything_happened_the_answer_is_empty(void **state)
{
    (void)state;
    service served = start(10);
    json_t *nothing = ask(&served, "/api/v1/suspects", 200);
    assert_int_equal(json_array_size(json_object_get(nothing, "suspects")), 0);
    assert_true(json_is_null(json_object_get(nothing, "event")));
    assert_true(json_is_null(json_object_get(nothing, "evaluated")));
    assert_true(json_is_null(json_object_get(nothing, "none")));
    json_decref(nothing);
    stop(&served);
}

static void what_cannot_be_answered_is_refused(void **state)
{
    (void)state;
    service served = start(10);
    json_decref(ask(&served, "/api/v1/suspects?event=77", 404));
    json_decref(ask(&served, "/api/v1/suspects?event=0", 400));
    json_decref(ask(&served, "/api/v1/suspects?event=many", 400));
    json_decref(ask(&served, "/api/v1/suspects?events=77", 400));
    stop(&served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(suspects_of_an_event_are_told),
        cmocka_unit_test(before_anything_happened_the_answer_is_empty),
        cmocka_unit_test(what_cannot_be_answered_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
