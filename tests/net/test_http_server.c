// The HTTP server keeps its promises to clients that are many, slow, gone, wrong or hostile.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "net/http_server.h"
#include "net/live_socket.h"
#include "net/raw_socket.h"

enum { LARGE = 6 << 20, LATE_MAX = 512 };

// A server whose handler plays an echo, and hands "/late" to another thread.
typedef struct bench {
    gm_http_server *server;
    uint16_t port;
    pthread_t late_thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    gm_http_exchange *late[LATE_MAX];
    size_t late_count;
    size_t clients;
    bool ending, held; // held: late answers wait
} bench;

static void answer_text(gm_http_exchange *exchange, int status, const char *text)
{
    gm_http_answer(exchange, &(gm_http_reply){ .status = status,
                                               .type = "text/plain",
                                               .bytes = text,
                                               .size = strlen(text) });
}

static void echo(gm_http_exchange *exchange)
{
    const gm_http_request *request = gm_http_exchange_request(exchange);
    char text[4096];
    int size =
        snprintf(text, sizeof text, "%s %s", gm_http_method_name(request->method), request->path);
    for (size_t k = 0; k < request->parameter_count; k++) {
        size += snprintf(text + size, sizeof text - (size_t)size, " [%s]=[%s]",
                         request->parameters[k].name, request->parameters[k].value);
    }
    snprintf(text + size, sizeof text - (size_t)size, " body %zu", request->body_size);
    answer_text(exchange, 200, text);
}

static void on_request(void *context, gm_http_exchange *exchange)
{
    bench *b = context;
    const gm_http_request *request = gm_http_exchange_request(exchange);
    static unsigned char large[LARGE];
    if (strcmp(request->path, "/large") == 0) {
        memset(large, 'x', sizeof large);
        gm_http_answer(exchange, &(gm_http_reply){ .status = 200,
                                                   .type = "text/plain",
                                                   .bytes = large,
                                                   .size = sizeof large,
                                                   .lasting = true });
    } else if (strcmp(request->path, "/page") == 0) {
        gm_http_answer(exchange, &(gm_http_reply){ .status = 200,
                                                   .type = "text/html",
                                                   .bytes = "<p>",
                                                   .size = 3,
                                                   .etag = "\"abc\"",
                                                   .lasting = true });
    } else if (strcmp(request->path, "/none") == 0) {
        gm_http_answer(exchange, &(gm_http_reply){ .status = 204 });
    } else if (strcmp(request->path, "/late") == 0) {
        pthread_mutex_lock(&b->lock);
        assert_true(b->late_count < LATE_MAX);
        b->late[b->late_count++] = exchange;
        pthread_cond_broadcast(&b->changed);
        pthread_mutex_unlock(&b->lock);
    } else {
        echo(exchange);
    }
}

static void on_clients(void *context, size_t count)
{
    bench *b = context;
    pthread_mutex_lock(&b->lock);
    b->clients = count;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
}

static void *answer_late(void *argument)
{
    bench *b = argument;
    pthread_mutex_lock(&b->lock);
    while (!b->ending || b->late_count > 0) {
        if (b->late_count == 0 || (b->held && !b->ending)) {
            pthread_cond_wait(&b->changed, &b->lock);
            continue;
        }
        gm_http_exchange *exchange = b->late[--b->late_count];
        pthread_mutex_unlock(&b->lock);
        echo(exchange);
        pthread_mutex_lock(&b->lock);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static void start_with(bench *b, gm_http_options options)
{
    gm_error error = { 0 };
    memset(b, 0, sizeof *b);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    options.context = b;
    options.request = on_request;
    options.clients = on_clients;
    options.live_path = "/live";
    gm_status status = gm_http_server_create(&options, &b->server, &error);
    assert_string_equal(error.text, "");
    assert_int_equal(status, GM_OK);
    b->port = gm_http_server_port(b->server);
    assert_int_equal(pthread_create(&b->late_thread, NULL, answer_late, b), 0);
}

static void start(bench *b)
{
    start_with(b, gm_http_default_options());
}

static void stop_late(bench *b)
{
    pthread_mutex_lock(&b->lock);
    b->ending = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    pthread_join(b->late_thread, NULL);
}

static void stop(bench *b)
{
    stop_late(b);
    gm_http_server_close(b->server);
}

static void wait_late(bench *b, size_t count)
{
    pthread_mutex_lock(&b->lock);
    while (b->late_count < count) {
        pthread_cond_wait(&b->changed, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
}

static void wait_clients(bench *b, size_t count)
{
    pthread_mutex_lock(&b->lock);
    while (b->clients != count) {
        pthread_cond_wait(&b->changed, &b->lock);
    }
    pthread_mutex_unlock(&b->lock);
}

static void assert_still_serving(bench *b)
{
    char answer[8192];
    int descriptor = raw_connect(b->port);
    assert_true(descriptor >= 0);
    assert_true(raw_say(descriptor, "GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    close(descriptor);
}

/// One request on a connection of its own. @return its status
static int ask(bench *b, const char *request, char *answer, size_t room)
{
    int descriptor = raw_connect(b->port);
    assert_true(descriptor >= 0);
    raw_say(descriptor, request);
    int status = raw_answer(descriptor, answer, room);
    close(descriptor);
    return status;
}

// ---- good requests ----

static void a_request_arrives_decoded_and_whole(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    start(&b);
    int descriptor = raw_connect(b.port);
    raw_say(descriptor,
            "GET /a%20b/../c?address=box/%2A/t%26x&from=2026-01-01T00:00:00%2B01:00&empty=&bare "
            "HTTP/1.1\r\n"
            "Host: 127.0.0.1:8080\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    assert_non_null(
        strstr(answer, "GET /c [address]=[box/*/t&x] [from]=[2026-01-01T00:00:00+01:00] [empty]=[] "
                       "[bare]=[] body 0"));
    assert_non_null(strcasestr(answer, "content-security-policy: default-src 'self'"));
    assert_non_null(strcasestr(answer, "x-content-type-options: nosniff"));
    assert_non_null(strcasestr(answer, "cache-control: no-store"));
    raw_say(descriptor, "POST /p HTTP/1.1\r\nHost: [::1]\r\nContent-Length: 5\r\n\r\nhello");
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "POST /p body 5"));
    raw_say(descriptor, "DELETE /d HTTP/1.1\r\nHost: localhost:1\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "DELETE /d body 0"));
    static const char *const empty[] = { "POST", "PUT", "PATCH", "DELETE", "GET" };
    for (size_t k = 0; k < 5; k++) {
        char request[128], expected[32];
        snprintf(request, sizeof request,
                 "%s /e HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", empty[k]);
        snprintf(expected, sizeof expected, "%s /e body 0", empty[k]);
        raw_say(descriptor, request);
        assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
        assert_non_null(strstr(answer, expected));
    }
    close(descriptor);
    stop(&b);
}

static void a_request_in_single_bytes_is_the_same_request(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    const char *request =
        "POST /slow?x=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n0123456789";
    start(&b);
    int descriptor = raw_connect(b.port);
    for (const char *at = request; *at != '\0'; at++) {
        assert_true(raw_send(descriptor, at, 1));
        usleep(200);
    }
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    assert_non_null(strstr(answer, "POST /slow [x]=[1] body 10"));
    close(descriptor);
    stop(&b);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    start(&b);
    int descriptor = raw_connect(b.port);
    for (int round = 0; round < 20; round++) {
        raw_say(descriptor,
                "POST /late?n=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc"
                "GET /late?n=2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "GET /now?n=3 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "GET /now?n=4 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        for (int n = 1; n <= 4; n++) {
            char mark[16];
            snprintf(mark, sizeof mark, "[n]=[%d]", n);
            assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
            assert_non_null(strstr(answer, mark));
        }
    }
    close(descriptor);
    stop(&b);
}

static void a_pipelined_body_is_refused_not_misread(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    start(&b);
    for (int round = 0; round < 20; round++) {
        int descriptor = raw_connect(b.port);
        raw_say(descriptor,
                "GET /late?n=1 HTTP/1.1\r\nHost: localhost\r\n\r\n"
                "POST /now?n=2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc");
        assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
        assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 400);
        assert_true(raw_ends(descriptor, 1000));
        close(descriptor);
    }
    assert_still_serving(&b);
    stop(&b);
}

static void large_bodies_and_answers_are_intact(void **state)
{
    (void)state;
    bench b;
    char *answer = malloc(LARGE + 8192);
    start(&b);
    int descriptor = raw_connect(b.port);
    raw_say(descriptor, "GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, LARGE + 8192), 200);
    assert_int_equal(strspn(strstr(answer, "\r\n\r\n") + 4, "x"), LARGE);
    raw_say(descriptor, "POST /b HTTP/1.1\r\nHost: localhost\r\nExpect: "
                        "100-continue\r\nContent-Length: 6291456\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, 8192), 100);
    memset(answer, 'y', LARGE);
    assert_true(raw_send(descriptor, answer, LARGE));
    assert_int_equal(raw_answer(descriptor, answer, LARGE), 200);
    assert_non_null(strstr(answer, "POST /b body 6291456"));
    close(descriptor);
    free(answer);
    stop(&b);
}

static void an_etag_is_answered_with_304_and_head_without_body(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    bool ended;
    start(&b);
    int descriptor = raw_connect(b.port);
    raw_say(descriptor, "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    assert_non_null(strcasestr(answer, "etag: \"abc\""));
    assert_non_null(strcasestr(answer, "cache-control: no-cache"));
    raw_say(descriptor,
            "GET /page HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: W/\"x\", \"abc\"\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 304);
    raw_say(descriptor, "GET /none HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 204);
    raw_say(descriptor, "HEAD /page HTTP/1.1\r\nHost: localhost\r\n\r\n");
    size_t got = raw_receive(descriptor, answer, sizeof answer - 1, 300, &ended);
    answer[got] = '\0';
    assert_non_null(strcasestr(answer, "content-length: 3"));
    assert_string_equal(answer + got - 4, "\r\n\r\n");
    close(descriptor);
    stop(&b);
}

typedef struct crowd {
    uint16_t port;
    int rounds, failures;
} crowd;

static void *visit(void *argument)
{
    crowd *c = argument;
    char answer[8192];
    int descriptors[40];
    for (int k = 0; k < 40; k++) {
        descriptors[k] = raw_connect(c->port);
    }
    for (int round = 0; round < c->rounds; round++) {
        for (int k = 0; k < 40; k++) {
            raw_say(descriptors[k],
                    k % 3 == 0 ? "GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    : k % 3 == 1
                        ? "GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n"
                        : "POST /now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi");
        }
        for (int k = 0; k < 40; k++) {
            c->failures += raw_answer(descriptors[k], answer, sizeof answer) != 200;
        }
    }
    for (int k = 0; k < 40; k++) {
        close(descriptors[k]);
    }
    return NULL;
}

static void many_clients_are_served_at_once(void **state)
{
    (void)state;
    bench b;
    pthread_t threads[6];
    crowd crowds[6];
    start(&b);
    for (int k = 0; k < 6; k++) {
        crowds[k] = (crowd){ .port = b.port, .rounds = 10 };
        assert_int_equal(pthread_create(&threads[k], NULL, visit, &crowds[k]), 0);
    }
    for (int k = 0; k < 6; k++) {
        pthread_join(threads[k], NULL);
        assert_int_equal(crowds[k].failures, 0);
    }
    stop(&b);
}

// ---- clients that leave, wait, or hold on ----

static void a_client_may_leave_before_its_answer(void **state)
{
    (void)state;
    bench b;
    start(&b);
    b.held = true;
    struct linger hard = { .l_onoff = 1 };
    for (int k = 0; k < 60; k++) {
        int descriptor = raw_connect(b.port);
        raw_say(descriptor,
                k % 2 == 0
                    ? "GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n"
                    : "POST /late HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi");
        wait_late(&b, (size_t)k + 1);
        if (k % 3 == 0) {
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        close(descriptor);
    }
    assert_still_serving(&b);
    stop_late(&b); // answers them all
    assert_still_serving(&b);
    gm_http_server_close(b.server);
}

static void closing_answers_what_is_at_hand(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    start(&b);
    b.held = true;
    int descriptor = raw_connect(b.port);
    raw_say(descriptor, "GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_late(&b, 1);
    stop_late(&b);
    gm_http_server_close(b.server);
    assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 200);
    assert_true(raw_ends(descriptor, 1000));
    close(descriptor);
}

static void an_exchange_outlives_its_server(void **state)
{
    (void)state;
    bench b;
    start(&b);
    b.held = true;
    int descriptor = raw_connect(b.port);
    raw_say(descriptor, "GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_late(&b, 1);
    gm_http_server_close(b.server); // gives up on it after two seconds
    stop_late(&b);
    assert_true(raw_ends(descriptor, 1000));
    close(descriptor);
}

static void slow_senders_are_timed_out(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    gm_http_options options = gm_http_default_options();
    options.request_s = 1;
    options.body_s = 2;
    options.idle_s = 1;
    start_with(&b, options);
    int silent = raw_connect(b.port), idle = raw_connect(b.port), body = raw_connect(b.port);
    int trickle = raw_connect(b.port), trickle_body = raw_connect(b.port);
    raw_say(idle, "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(raw_answer(idle, answer, sizeof answer), 200);
    raw_say(body, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf");
    raw_say(trickle, "GET /x HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    raw_say(trickle_body, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n");
    int64_t start_ns = gm_clock_monotonic_ns();
    bool trickling = true;
    while (trickling && gm_clock_monotonic_ns() - start_ns < 8 * GM_SECOND_NS) {
        usleep(100000);
        trickling = raw_say(trickle, "y");
        raw_say(trickle_body, "y");
    }
    assert_false(trickling);
    assert_true(raw_ends(silent, 3000));
    assert_true(raw_ends(idle, 3000));
    assert_true(raw_ends(body, 3000));
    for (int k = 0; k < 30; k++) {
        raw_say(trickle_body, "y");
        usleep(100000);
    }
    assert_int_equal(raw_answer(trickle_body, answer, sizeof answer), 408);
    close(silent), close(idle), close(body), close(trickle), close(trickle_body);
    assert_still_serving(&b);
    stop(&b);
}

static void connections_are_limited(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    int descriptors[20];
    gm_http_options options = gm_http_default_options();
    options.connections_max = 8;
    start_with(&b, options);
    for (int round = 0; round < 5; round++) { // a count that leaks would run out
        for (int k = 0; k < 20; k++) {
            descriptors[k] = raw_connect(b.port);
        }
        int served = 0;
        for (int k = 0; k < 20; k++) {
            raw_say(descriptors[k], "GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n");
            served += raw_answer(descriptors[k], answer, sizeof answer) == 200;
        }
        assert_int_equal(served, 8);
        for (int k = 0; k < 20; k++) {
            close(descriptors[k]);
        }
        usleep(100000);
    }
    assert_still_serving(&b);
    stop(&b);
}

// ---- wrong and hostile requests ----

static void wrong_requests_get_their_status(void **state)
{
    (void)state;
    static const struct {
        int status;
        const char *request;
    } cases[] = {
        { 413, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\nabc" },
        { 413, "GET /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nabc" },
        { 411, "POST /x HTTP/1.1\r\nHost: localhost\r\n\r\nabc" },
        { 411, "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
               "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
        { 411, "GET /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: "
               "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" },
        { 400, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: abc\r\n\r\nabc" },
        { 400, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\nabc" },
        { 400, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nContent-Length: "
               "3\r\n\r\nabc" },
        { 400, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
               "99999999999999999999999\r\n\r\nabc" },
        { 403, "GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n" },
        { 403, "GET /x HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n" },
        { 403, "GET /x HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n" },
        { 403, "GET /x HTTP/1.1\r\n\r\n" },
        { 403, "POST /x HTTP/1.1\r\nHost: localhost\r\nOrigin: "
               "http://evil.example\r\nContent-Length: 2\r\n\r\nhi" },
        { 403, "GET /x HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8081\r\n\r\n" },
        { 403, "GET /x HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n" },
        { 200, "GET /x HTTP/1.1\r\nHost: localhost:8080\r\nOrigin: http://localhost:8080\r\n\r\n" },
        { 200, "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n" },
    };
    bench b;
    char answer[8192];
    gm_http_options options = gm_http_default_options();
    options.body_max = 1000;
    start_with(&b, options);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int descriptor = raw_connect(b.port);
        raw_say(descriptor, cases[k].request);
        if (cases[k].status == 200 && strstr(cases[k].request, "1000") != NULL) {
            char body[1000] = { 0 };
            raw_send(descriptor, body, sizeof body);
        }
        int status = raw_answer(descriptor, answer, sizeof answer);
        if (status != cases[k].status) {
            fail_msg("%s\ngot %d instead of %d: %s", cases[k].request, status, cases[k].status,
                     answer);
        }
        if (status >= 400) {
            assert_non_null(strstr(answer, "{\"error\": {\"status\": \""));
            assert_non_null(strcasestr(answer, "connection: close"));
        }
        close(descriptor);
    }
    assert_still_serving(&b);
    stop(&b);
}

static void an_oversize_body_that_is_sent_all_the_same_gets_its_413(void **state)
{
    (void)state;
    bench b;
    char answer[8192];
    gm_http_options options = gm_http_default_options();
    options.body_max = 1000;
    start_with(&b, options);
    char *body = calloc(1, LARGE);
    for (int k = 0; k < 5; k++) {
        int descriptor = raw_connect(b.port);
        raw_say(descriptor,
                "POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6291456\r\n\r\n");
        assert_true(raw_send(descriptor, body, LARGE));
        assert_int_equal(raw_answer(descriptor, answer, sizeof answer), 413);
        assert_true(raw_ends(descriptor, 1000));
        close(descriptor);
    }
    free(body);
    stop(&b);
}

static void garbage_is_dropped_and_harms_nobody(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "FROB / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\npost /x\r\nput /y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: TLS/1.0\r\nConnection: upgrade\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: "
        "upgrade\r\nHTTP2-Settings: AAMAAABk\r\n\r\n",
        "GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n",
        "GET /live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
        "upgrade\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "\xff\xfe\xfd",
        "GET / HTTP/1.1\nHost: localhost\n\n",
        "GET /?a&&&=&=x&%3D=%26;;& HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET "
        "/?a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&"
        "a=1&a=1&a=1&a"
        "=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a="
        "1&a=1&a=1&a=1&a=1"
        "&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1&a=1 "
        "HTTP/1.1\r\nHost: "
        "localhost\r\n\r\n",
    };
    bench b;
    char answer[8192];
    gm_http_options options = gm_http_default_options();
    options.request_s = 1;
    start_with(&b, options);
    for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++) {
        int descriptor = raw_connect(b.port);
        bool ended;
        raw_say(descriptor, texts[k]);
        raw_receive(descriptor, answer, sizeof answer, 30, &ended);
        close(descriptor);
    }
    assert_still_serving(&b);

    // a good request with bytes changed, cut anywhere
    const char good[] = "POST /x?a=b%20c HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                        "4\r\nAccept: */*\r\n\r\nbody";
    uint32_t noise = 12345;
    for (int k = 0; k < 400; k++) {
        char bad[sizeof good];
        memcpy(bad, good, sizeof good);
        for (int changes = 0; changes < 3; changes++) {
            noise = noise * 1664525 + 1013904223;
            bad[(noise >> 8) % (sizeof good - 1)] = (char)(noise >> 24);
        }
        int descriptor = raw_connect(b.port);
        raw_send(descriptor, bad, (size_t)(noise >> 4) % sizeof good);
        close(descriptor);
    }
    assert_still_serving(&b);
    stop(&b);
}

static void endless_headers_are_cut_off(void **state)
{
    (void)state;
    bench b;
    start(&b);
    for (int kind = 0; kind < 3; kind++) {
        int descriptor = raw_connect(b.port);
        bool open =
            raw_say(descriptor, kind == 0 ? "GET /" : "GET / HTTP/1.1\r\nHost: localhost\r\n");
        int k = 0;
        for (; open && k < 10000; k++) {
            open = raw_say(descriptor, kind == 0   ? "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                                       : kind == 1 ? "X-Long-Header: aaaaaaaaaaaaaaaaaaaaaaa\r\n"
                                                   : "Cookie-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        }
        assert_true(!open || raw_ends(descriptor, 2000));
        close(descriptor);
    }
    assert_still_serving(&b);
    stop(&b);
}

static void only_loopback_is_listened_on_and_only_once(void **state)
{
    (void)state;
    bench b;
    gm_error error = { 0 };
    gm_http_server *other = NULL;
    gm_http_options options = gm_http_default_options();
    start(&b);
    options.request = on_request;
    options.port = b.port;
    assert_int_equal(gm_http_server_create(&options, &other, &error), GM_BUSY);
    assert_non_null(strstr(error.text, "taken"));
    static const char *const outside[] = { "0.0.0.0",     "::", "192.168.1.2", "8.8.8.8",
                                           "example.org", "",   "127.0.0.1x" };
    for (size_t k = 0; k < sizeof outside / sizeof outside[0]; k++) {
        options.address = outside[k];
        assert_int_equal(gm_http_server_create(&options, &other, &error), GM_INVALID);
        assert_non_null(strstr(error.text, "loopback"));
    }
    assert_null(other);
    options.address = "localhost";
    options.port = 0;
    assert_int_equal(gm_http_server_create(&options, &other, &error), GM_OK);
    assert_int_not_equal(gm_http_server_port(other), b.port);
    gm_http_server_close(other);
    gm_http_server_close(NULL);
    stop(&b);
}

// ---- WebSocket ----

static void every_client_gets_every_message_in_order(void **state)
{
    (void)state;
    bench b;
    char answer[4096], text[4096];
    int descriptors[10];
    start(&b);
    for (int k = 0; k < 10; k++) {
        descriptors[k] = live_ask(b.port, "/live", "", answer, sizeof answer);
        assert_true(descriptors[k] >= 0);
        assert_non_null(strstr(answer, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")); // RFC 6455 1.3
    }
    wait_clients(&b, 10);
    for (int n = 0; n < 50; n++) {
        char message[600];
        int size = snprintf(message, sizeof message, "message %d %0*d", n, n * 10 + 1, 0);
        assert_int_equal(gm_http_broadcast(b.server, 0, message, (size_t)size), GM_OK);
    }
    for (int k = 0; k < 10; k++) {
        for (int n = 0; n < 50; n++) {
            char expected[600];
            snprintf(expected, sizeof expected, "message %d %0*d", n, n * 10 + 1, 0);
            assert_int_not_equal(live_read(descriptors[k], text, sizeof text), SIZE_MAX);
            assert_string_equal(text, expected);
        }
    }
    for (int k = 0; k < 9; k++) {
        close(descriptors[k]);
    }
    wait_clients(&b, 1);
    raw_say(descriptors[9], "\xff\xff\xff\xff garbage"); // not a frame
    wait_clients(&b, 0);
    close(descriptors[9]);
    assert_int_equal(gm_http_broadcast(b.server, 1, "to nobody", 9), GM_OK);
    assert_still_serving(&b);
    stop(&b);
}

static void a_slow_client_gets_the_newest_only(void **state)
{
    (void)state;
    bench b;
    enum { SIZE = 256 << 10, STATES = 100, EVENTS = 30 };
    char answer[4096], *message = malloc(SIZE + 1);
    start(&b);
    int slow = live_ask(b.port, "/live", "", answer, sizeof answer);
    wait_clients(&b, 1);
    memset(message, 'z', SIZE);
    for (int n = 1; n <= STATES; n++) {
        message[0] = (char)n;
        assert_int_equal(gm_http_broadcast(b.server, 1, message, SIZE), GM_OK);
        if (n <= EVENTS) {
            assert_int_equal(gm_http_broadcast(b.server, 0, "event", 5), GM_OK);
        }
        usleep(1000);
    }
    int states = 0, events = 0, last = 0;
    while (last < STATES || events < EVENTS) {
        size_t size = live_read(slow, message, SIZE + 1);
        assert_int_not_equal(size, SIZE_MAX);
        if (size == SIZE) {
            assert_true((unsigned char)message[0] > last);
            last = (unsigned char)message[0];
            states++;
        } else {
            events++;
        }
    }
    print_message("slow client: %d of %d states, the newest last; all %d events\n", states, STATES,
                  events);
    assert_true(states < STATES);
    close(slow);
    free(message);
    stop(&b);
}

static void a_client_that_misses_events_is_closed(void **state)
{
    (void)state;
    bench b;
    enum { SIZE = 256 << 10 };
    char answer[4096], *message = calloc(1, SIZE);
    start(&b);
    int slow = live_ask(b.port, "/live", "", answer, sizeof answer);
    wait_clients(&b, 1);
    for (int n = 0; n < 200; n++) {
        gm_status status = gm_http_broadcast(b.server, 0, message, SIZE);
        assert_true(status == GM_OK || status == GM_LIMIT);
    }
    wait_clients(&b, 0);
    close(slow);
    free(message);
    assert_still_serving(&b);
    stop(&b);
}

static void foreign_pages_may_not_open_a_websocket(void **state)
{
    (void)state;
    bench b;
    char answer[4096];
    start(&b);
    assert_int_equal(
        live_ask(b.port, "/live", "Origin: http://evil.example\r\n", answer, sizeof answer), -1);
    assert_non_null(strstr(answer, "403"));
    assert_int_equal(
        ask(&b,
            "GET /other HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: "
            "Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            answer, sizeof answer),
        404);
    int own = live_ask(b.port, "/live", "Origin: http://localhost\r\n", answer, sizeof answer);
    assert_true(own >= 0);
    close(own);
    stop(&b);
}

int main(int count, char **arguments)
{
    cmocka_set_test_filter(count > 1 ? arguments[1] : NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_arrives_decoded_and_whole),
        cmocka_unit_test(a_request_in_single_bytes_is_the_same_request),
        cmocka_unit_test(pipelined_requests_are_answered_in_order),
        cmocka_unit_test(a_pipelined_body_is_refused_not_misread),
        cmocka_unit_test(large_bodies_and_answers_are_intact),
        cmocka_unit_test(an_etag_is_answered_with_304_and_head_without_body),
        cmocka_unit_test(many_clients_are_served_at_once),
        cmocka_unit_test(a_client_may_leave_before_its_answer),
        cmocka_unit_test(closing_answers_what_is_at_hand),
        cmocka_unit_test(an_exchange_outlives_its_server),
        cmocka_unit_test(slow_senders_are_timed_out),
        cmocka_unit_test(connections_are_limited),
        cmocka_unit_test(wrong_requests_get_their_status),
        cmocka_unit_test(an_oversize_body_that_is_sent_all_the_same_gets_its_413),
        cmocka_unit_test(garbage_is_dropped_and_harms_nobody),
        cmocka_unit_test(endless_headers_are_cut_off),
        cmocka_unit_test(only_loopback_is_listened_on_and_only_once),
        cmocka_unit_test(every_client_gets_every_message_in_order),
        cmocka_unit_test(a_slow_client_gets_the_newest_only),
        cmocka_unit_test(a_client_that_misses_events_is_closed),
        cmocka_unit_test(foreign_pages_may_not_open_a_websocket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
