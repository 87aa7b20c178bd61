// The live feed, and serving while cycles run, clients come and go, and the server stops.
#include "twin/box_rig.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>

#include "net/http_client.h"
#include "net/live_socket.h"
#include "serve/serve.h"

enum { STEPS = 400 };

typedef struct bench {
    gm_world *world;
    gm_twin *twin;
    gm_serve *serve;
    gm_sample *samples;
    uint16_t port;
    atomic_bool ending;
    atomic_int answers;
} bench;

static void start(bench *b)
{
    gm_error error = { 0 };
    gm_serve_options options = gm_default_serve_options();
    memset(b, 0, sizeof *b);
    b->world = rig_world_open(rig_world);
    b->twin = rig_twin_open(b->world, NULL, 1);
    b->samples = rig_record(1, STEPS);
    options.port = 0;
    if (gm_serve_start(b->twin, &options, &b->serve, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    b->port = gm_serve_port(b->serve);
}

static void stop(bench *b)
{
    gm_serve_stop(b->serve);
    gm_twin_close(b->twin);
    gm_world_close(b->world);
    gm_memory_free(b->samples);
}

/// The next message of a type within some seconds.
static json_t *next_message(int live, const char *type)
{
    static char text[1 << 20];
    for (int k = 0; k < 1000; k++) {
        if (live_read(live, text, sizeof text) == SIZE_MAX) {
            break;
        }
        json_t *message = json_loads(text, 0, NULL);
        assert_non_null(message);
        if (strcmp(json_string_value(json_object_get(message, "type")), type) == 0) {
            return message;
        }
        json_decref(message);
    }
    fail_msg("no message of type %s came", type);
    return NULL;
}

static void newcomers_and_listeners_are_told(void **state)
{
    (void)state;
    bench b;
    start(&b);
    rig_feed(b.twin, b.samples, 3 * 30);
    int live = live_open(b.port, "/api/v1/live", "");
    assert_true(live >= 0);
    json_t *message = next_message(live, "cycle"); // without any new cycle
    json_int_t before = json_integer_value(json_object_get(message, "cycle"));
    const json_t *values = json_object_get(message, "values");
    assert_int_equal(json_array_size(values), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(values, 0), "address")),
                        "box/node/air/temperature");
    assert_int_equal(json_array_size(json_object_get(message, "parameters")), 1);
    assert_int_equal(json_array_size(json_object_get(message, "sensors")), 3);
    json_decref(message);
    rig_feed(b.twin, b.samples + 3 * 30, 3 * (STEPS - 30));
    message = next_message(live, "forecast");
    const json_t *forecast = json_object_get(message, "forecast");
    assert_int_equal(json_array_size(json_object_get(forecast, "rows")), 2);
    json_decref(message);
    gm_twin_view view;
    assert_int_equal(gm_twin_look(b.twin, NULL, &view, NULL), GM_OK);
    json_int_t last = before, newest = (json_int_t)view.cycle;
    gm_twin_look_away(b.twin, &view);
    while (last < newest) { // the last cycle is told, whatever was left out in between
        message = next_message(live, "cycle");
        json_int_t cycle = json_integer_value(json_object_get(message, "cycle"));
        assert_true(cycle >= last);
        last = cycle;
        json_decref(message);
    }
    close(live);
    stop(&b);
}

static void *ask_all_the_time(void *argument)
{
    static const struct {
        const char *method, *path, *body;
    } calls[] = {
        { "GET", "/api/v1/world", NULL },
        { "GET", "/api/v1/values?address=box/*/*&lanes=1", NULL },
        { "GET", "/api/v1/sensors", NULL },
        { "GET", "/api/v1/parameters", NULL },
        { "GET", "/api/v1/hypotheses", NULL },
        { "GET", "/api/v1/forecasts", NULL },
        { "POST", "/api/v1/branches", "{\"name\": \"x\"}" },
        { "POST", "/api/v1/branches/x/advance", "{\"for_s\": 60}" },
        { "POST", "/api/v1/scenarios/run", "{\"name\": \"lid-open\", \"points\": 3}" },
        { "DELETE", "/api/v1/branches/x", NULL },
        { "GET", "/api/v1/events", NULL },
        { "GET", "/api/v1/scores", NULL },
        { "POST", "/api/v1/samples", "[{\"series\": \"nobody\", \"v\": 20}]" },
        { "GET", "/api/v1/branches", NULL },
    };
    bench *b = argument;
    char url[64];
    gm_http_client *client = NULL;
    gm_http_result result;
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)b->port);
    assert_int_equal(gm_http_client_create(url, 20.0, &client, NULL), GM_OK);
    for (size_t k = 0; !atomic_load(&b->ending); k++) {
        size_t at = k % (sizeof calls / sizeof calls[0]);
        gm_http_call call = { .method = calls[at].method,
                              .path = calls[at].path,
                              .body = calls[at].body,
                              .size = calls[at].body != NULL ? strlen(calls[at].body) : 0 };
        if (gm_http_client_call(client, &call, &result, NULL) == GM_OK) {
            atomic_fetch_add(&b->answers, 1);
            if (result.status >= 500 && result.status != 503) {
                fprintf(stderr, "%s %s: %s\n", call.method, call.path, result.body);
                abort();
            }
        }
    }
    gm_http_client_close(client);
    return NULL;
}

static void *come_and_go(void *argument)
{
    bench *b = argument;
    static char text[1 << 20];
    while (!atomic_load(&b->ending)) {
        int live = live_open(b->port, "/api/v1/live", "");
        if (live >= 0) {
            live_read(live, text, sizeof text);
            close(live);
        }
    }
    return NULL;
}

static void serving_and_cycling_do_not_disturb_each_other(void **state)
{
    (void)state;
    bench b, alone;
    pthread_t threads[3];
    start(&b);
    pthread_create(&threads[0], NULL, ask_all_the_time, &b);
    pthread_create(&threads[1], NULL, ask_all_the_time, &b);
    pthread_create(&threads[2], NULL, come_and_go, &b);
    for (int k = 0; k < STEPS; k += 10) {
        rig_feed(b.twin, b.samples + 3 * k, 3 * 10);
        usleep(2000);
    }
    gm_serve_stop(b.serve); // while everybody still asks
    b.serve = NULL;
    atomic_store(&b.ending, true);
    for (int k = 0; k < 3; k++) {
        pthread_join(threads[k], NULL);
    }
    assert_true(atomic_load(&b.answers) > 20);
    start(&alone);
    rig_feed(alone.twin, alone.samples, 3 * STEPS);
    assert_true(gm_twin_hash(b.twin) ==
                gm_twin_hash(alone.twin)); // nobody's question changed a bit
    stop(&alone);
    stop(&b);
}

int main(int count, char **arguments)
{
    cmocka_set_test_filter(count > 1 ? arguments[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newcomers_and_listeners_are_told),
        cmocka_unit_test(serving_and_cycling_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
