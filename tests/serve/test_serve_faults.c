// When any one allocation fails, a request gets an error or none, and the next one is served.
#include "twin/box_rig.h"

#include <limits.h>
#include <malloc.h>
#include <stdatomic.h>

#include "net/http_client.h"
#include "serve/serve.h"

static atomic_long allocations_left = LONG_MAX; // that succeed; several threads allocate

void *aligned_alloc(size_t alignment, size_t size);

void *aligned_alloc(size_t alignment, size_t size)
{
    return atomic_fetch_sub(&allocations_left, 1) != 1 ? memalign(alignment, size) : NULL;
}

typedef struct request {
    const char *method, *path, *body;
} request;

static const request requests[] = {
    { "GET", "/api/v1/world", NULL },
    { "GET", "/api/v1/systems", NULL },
    { "GET", "/api/v1/systems/box/elements", NULL },
    { "GET", "/api/v1/sensors", NULL },
    { "GET", "/api/v1/values?address=box/*/*&lanes=true", NULL },
    { "GET", "/api/v1/history?sensor=t2", NULL },
    { "GET", "/api/v1/forecasts", NULL },
    { "GET", "/api/v1/scores", NULL },
    { "GET", "/api/v1/events", NULL },
    { "GET", "/api/v1/parameters", NULL },
    { "GET", "/api/v1/hypotheses", NULL },
    { "POST", "/api/v1/branches", "{\"name\": \"x\", \"note\": \"y\"}" },
    { "GET", "/api/v1/branches", NULL },
    { "POST", "/api/v1/branches/x/set",
      "{\"address\": \"box/air-room/conductance\", \"value\": 1}" },
    { "DELETE", "/api/v1/branches/x", NULL },
    { "POST", "/api/v1/scenarios/run", "{\"name\": \"lid-open\", \"points\": 2}" },
    { "POST", "/api/v1/samples",
      "[{\"series\": \"t2\", \"t\": 1700000400000000000, \"v\": 30}, 5]" },
    { "GET", "/api/v1/wrld", NULL },
};

static gm_status send_request(gm_http_client *client, const request *r, gm_http_result *result)
{
    gm_http_call call = { .method = r->method,
                          .path = r->path,
                          .body = r->body,
                          .size = r->body != NULL ? strlen(r->body) : 0 };
    return gm_http_client_call(client, &call, result, NULL);
}

static void any_failing_allocation_is_survived(void **state)
{
    (void)state;
    enum { FAILURES = 60 };
    gm_world *world = rig_world_open(rig_world);
    char folder[] = "/tmp/gemel-serve-XXXXXX", url[64];
    assert_non_null(mkdtemp(folder));
    gm_twin *twin = rig_twin_open(world, folder, 1);
    gm_sample *samples = rig_record(1, 60);
    rig_feed(twin, samples, 180);
    gm_serve_options options = gm_default_serve_options();
    gm_serve *serve = NULL;
    gm_http_client *client = NULL;
    gm_http_result result;
    options.port = 0;
    assert_int_equal(gm_serve_start(twin, &options, &serve, NULL), GM_OK);
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)gm_serve_port(serve));
    assert_int_equal(gm_http_client_create(url, 20.0, &client, NULL), GM_OK);
    int refused = 0, broken = 0;
    for (size_t k = 0; k < sizeof requests / sizeof requests[0]; k++) {
        for (long failing = 1; failing <= FAILURES; failing++) {
            atomic_store(&allocations_left, failing);
            gm_status status = send_request(client, &requests[k], &result);
            atomic_store(&allocations_left, LONG_MAX);
            refused += status == GM_OK && result.status >= 500;
            broken += status != GM_OK;
            assert_int_equal(
                send_request(client, &(request){ "GET", "/api/v1/health", NULL }, &result), GM_OK);
            assert_int_equal(result.status, 200);
        }
    }
    print_message("%d answers of 500, %d broken off\n", refused, broken);
    assert_true(refused > 50);
    gm_http_client_close(client);
    gm_serve_stop(serve);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_memory_free(samples);
    rig_remove(folder);
}

static void a_failing_start_leaves_nothing_behind(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    gm_twin *twin = rig_twin_open(world, NULL, 1);
    gm_serve_options options = gm_default_serve_options();
    gm_serve *serve = NULL;
    gm_error error = { 0 };
    options.port = 0;
    options.threads = 2;
    gm_status status = GM_MEMORY;
    for (long failing = 1; status != GM_OK; failing++) {
        assert_true(failing < 100);
        atomic_store(&allocations_left, failing);
        status = gm_serve_start(twin, &options, &serve, &error);
        atomic_store(&allocations_left, LONG_MAX);
        assert_true(status == GM_OK || (status == GM_MEMORY && serve == NULL));
    }
    gm_serve_stop(serve);
    gm_serve_stop(NULL);
    serve = NULL;
    options.address = "0.0.0.0";
    assert_int_equal(gm_serve_start(twin, &options, &serve, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "loopback"));
    gm_twin_close(twin);
    gm_world_close(world);
}

int main(int count, char **arguments)
{
    cmocka_set_test_filter(count > 1 ? arguments[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_failing_allocation_is_survived),
        cmocka_unit_test(a_failing_start_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
