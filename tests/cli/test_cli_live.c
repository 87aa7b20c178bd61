// labels: threads
// The live program (GEMEL_PROGRAM) on loopback: devices and twin, clean stops, kills, restarts.
#include "cli/program_run.h"

#include <jansson.h>

#include "net/http_client.h"

enum { START_TRIES = 600 };

/// Waits until LABEL.out says where the twin serves. @param url  out
static void find_url(const char *label, pid_t child, char url[64])
{
    char name[64];
    snprintf(name, sizeof name, "%s.out", label);
    for (int tries = 0; tries < START_TRIES; tries++) {
        char *text = read_file(name), *at = strstr(text, "http://");
        bool whole = at != NULL && strchr(at, '\n') != NULL;
        if (whole) {
            snprintf(url, 64, "%.*s", (int)strcspn(at, "\n"), at);
        }
        free(text);
        if (whole) {
            return;
        }
        if (waitpid(child, NULL, WNOHANG) == child) {
            break;
        }
        pause_ms(100);
    }
    snprintf(name, sizeof name, "%s.err", label);
    char *err = read_file(name);
    fail_msg("the twin does not serve: %s", err);
}

/// GET or POST. @return the answer's JSON, NULL when there was none
static json_t *call(const char *url, const char *path, const char *body)
{
    gm_http_client *client = NULL;
    assert_int_equal(gm_http_client_create(url, 10.0, &client, NULL), 0);
    gm_http_call request = { .method = body != NULL ? "POST" : "GET",
                             .path = path,
                             .body = body,
                             .size = body != NULL ? strlen(body) : 0 };
    gm_http_result result = { 0 };
    json_t *root = NULL;
    if (gm_http_client_call(client, &request, &result, NULL) == 0 && result.status == 200) {
        root = json_loadb(result.body, result.size, 0, NULL);
    }
    gm_http_client_close(client);
    return root;
}

static long long samples_taken(const char *url)
{
    json_t *health = call(url, "/api/v1/health", NULL);
    long long count = json_integer_value(json_object_get(health, "samples"));
    json_decref(health);
    return count;
}

static void wait_for_samples(const char *url, long long count)
{
    for (int tries = 0; tries < START_TRIES; tries++) {
        if (samples_taken(url) >= count) {
            return;
        }
        pause_ms(100);
    }
    fail_msg("%lld samples arrived, %lld were expected", samples_taken(url), count);
}

static int stop(pid_t child)
{
    assert_int_equal(kill(child, SIGTERM), 0);
    return wait_for_program(child);
}

static pid_t start_twin(const char *data, char url[64])
{
    char line[128];
    snprintf(line, sizeof line, "run w.yaml --listen 127.0.0.1:0 --data %s", data);
    write_file("twin.out", "");
    pid_t twin = start_program("twin", line);
    find_url("twin", twin, url);
    return twin;
}

static pid_t start_devices(const char *url)
{
    char line[128];
    snprintf(line, sizeof line, "devices w.yaml --to %s", url);
    return start_program("devices", line);
}

static void devices_are_followed_and_both_stop_cleanly(void **state)
{
    (void)state;
    char url[64], line[160];
    pid_t twin = start_twin("live", url), devices = start_devices(url);
    wait_for_samples(url, 30);
    json_t *status = call(url, "/api/v1/world", NULL);
    assert_string_equal(json_string_value(json_object_get(status, "name")), "quick");
    json_decref(status);
    snprintf(line, sizeof line, "ask w.yaml lid-open --to %s", url);
    expect(line, 0, "run.out", "difference");
    snprintf(line, sizeof line, "ask w.yaml lid-open --data live");
    expect(line, 3, "run.err", "a running twin is asked with --to URL");
    expect("history live", 3, "run.err", "a running twin answers");
    expect("run w.yaml --data live --listen 127.0.0.1:0", 3, "run.err", "live");
    assert_int_equal(stop(devices), 0);
    assert_int_equal(stop(twin), 0);
    expect("history live sensor/t2 --csv", 0, "run.out", "time,known,quality,value\n2");
    expect("ask w.yaml lid-open --data live", 0, "run.out", "difference");
}

static void a_port_that_is_taken_is_a_failure(void **state)
{
    (void)state;
    char url[64], line[160];
    pid_t twin = start_twin("port", url);
    snprintf(line, sizeof line, "run w.yaml --data other --listen %s", url + strlen("http://"));
    expect(line, 3, "run.err", strrchr(url, ':') + 1);
    assert_int_equal(stop(twin), 0);
    expect("run w.yaml --data other --listen 192.0.2.1:0", 2, "run.err", "192.0.2.1");
}

static void samples_survive_a_kill(void **state)
{
    (void)state;
    char url[64];
    long long sent = 0;
    for (int round = 0; round < 3; round++) {
        pid_t twin = start_twin("killed", url);
        assert_int_equal(samples_taken(url), sent);
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        char body[512];
        long long base_ns = (long long)now.tv_sec * 1000000000LL + now.tv_nsec - 1000000000LL;
        snprintf(body, sizeof body,
                 "[{\"series\": \"t2\", \"t\": %lld, \"v\": 24}, {\"series\": \"room\", \"t\": "
                 "%lld, \"v\": 21}]",
                 base_ns, base_ns);
        json_t *answer = call(url, "/api/v1/samples", body);
        assert_int_equal(json_integer_value(json_object_get(answer, "accepted")), 2);
        json_decref(answer);
        sent += 2;
        assert_int_equal(kill(twin, SIGKILL), 0);
        assert_int_equal(wait_for_program(twin), 256 + SIGKILL);
    }
    pid_t twin = start_twin("killed", url);
    assert_int_equal(samples_taken(url), sent);
    assert_int_equal(stop(twin), 0);
}

static void devices_wait_for_a_server_that_is_away(void **state)
{
    (void)state;
    char url[64];
    pid_t twin = start_twin("away", url);
    char *port = strrchr(url, ':') + 1;
    char line[160];
    assert_int_equal(stop(twin), 0);
    pid_t devices = start_devices(url);
    pause_ms(1500);
    snprintf(line, sizeof line, "run w.yaml --data away --listen 127.0.0.1:%s", port);
    write_file("again.out", "");
    twin = start_program("again", line);
    find_url("again", twin, url);
    wait_for_samples(url, 20); // what was played meanwhile too
    char *err = read_file("devices.err");
    assert_non_null(strstr(err, "samples wait"));
    free(err);
    assert_int_equal(stop(devices), 0);
    assert_int_equal(stop(twin), 0);
}

static void devices_end_by_themselves(void **state)
{
    (void)state;
    char url[64], line[160];
    pid_t twin = start_twin("short", url);
    snprintf(line, sizeof line, "devices w.yaml --for 1s --to %s", url);
    assert_int_equal(run_program(line), 0);
    wait_for_samples(url, 15); // three sensors, six times; few may be lost, the last are under way
    assert_int_equal(stop(twin), 0);
}

static int set_up(void **state)
{
    if (make_folder(state) != 0) {
        return -1;
    }
    write_file("w.yaml", quick_world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_are_followed_and_both_stop_cleanly),
        cmocka_unit_test(a_port_that_is_taken_is_a_failure),
        cmocka_unit_test(samples_survive_a_kill),
        cmocka_unit_test(devices_wait_for_a_server_that_is_away),
        cmocka_unit_test(devices_end_by_themselves),
    };
    return cmocka_run_group_tests(tests, set_up, remove_folder);
}
