// The HTTP client gets whole answers or says why not.
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/http_client.h"
#include "net/http_server.h"
#include "net/raw_socket.h"

static void on_request(void *context, gm_http_exchange *exchange)
{
    const gm_http_request *request = gm_http_exchange_request(exchange);
    (void)context;
    gm_http_answer(exchange, &(gm_http_reply){ .status = request->body_size > 0 ? 200 : 404,
                                               .type = "application/octet-stream",
                                               .bytes = request->body,
                                               .size = request->body_size });
}

static gm_http_client *client_for(uint16_t port, double timeout_s)
{
    char url[64];
    gm_http_client *client = NULL;
    snprintf(url, sizeof url, "http://127.0.0.1:%u/ignored", (unsigned)port);
    assert_int_equal(gm_http_client_create(url, timeout_s, &client, NULL), GM_OK);
    return client;
}

static void calls_share_a_connection_and_survive_its_end(void **state)
{
    (void)state;
    gm_http_server *server = NULL;
    gm_http_options options = gm_http_default_options();
    gm_error error = { 0 };
    gm_http_result result;
    options.request = on_request;
    options.idle_s = 1;
    assert_int_equal(gm_http_server_create(&options, &server, &error), GM_OK);
    gm_http_client *client = client_for(gm_http_server_port(server), 5.0);
    size_t size = 3 << 20;
    char *body = malloc(size);
    memset(body, 'q', size);
    for (int k = 0; k < 20; k++) {
        gm_http_call call = {
            .method = "POST", .path = "/x", .body = body, .size = k % 4 == 0 ? size : 10
        };
        assert_int_equal(gm_http_client_call(client, &call, &result, &error), GM_OK);
        assert_int_equal(result.status, 200);
        assert_int_equal(result.size, call.size);
        assert_memory_equal(result.body, body, call.size);
        if (k == 10) {
            usleep(1500000); // the server lets the idle connection go
        }
    }
    assert_int_equal(gm_http_client_call(client, &(gm_http_call){ .method = "GET", .path = "/" },
                                         &result, &error),
                     GM_OK);
    assert_int_equal(result.status, 404);
    assert_int_equal(result.size, 0);
    gm_http_server_close(server);
    assert_int_equal(gm_http_client_call(client, &(gm_http_call){ .method = "GET", .path = "/" },
                                         &result, &error),
                     GM_IO);
    assert_non_null(strstr(error.text, "127.0.0.1"));
    gm_http_client_close(client);
    gm_http_client_close(NULL);
    free(body);
}

typedef struct liar {
    int listener;
    const char *answer;
} liar;

static void *lie(void *argument)
{
    liar *l = argument;
    char bytes[4096];
    int descriptor = accept(l->listener, NULL, NULL);
    (void)!recv(descriptor, bytes, sizeof bytes, 0);
    raw_say(descriptor, l->answer);
    if (strstr(l->answer, "wait") != NULL) {
        usleep(600000);
    }
    close(descriptor);
    return NULL;
}

static void wrong_answers_are_errors(void **state)
{
    (void)state;
    static const struct {
        gm_status status;
        const char *answer;
    } cases[] = {
        { GM_OK, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi" },
        { GM_IO, "" },
        { GM_IO, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi" },
        { GM_IO, "HTTP/1.1 200 OK\r\nContent-Le" },
        { GM_IO, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nwait" },
        { GM_CORRUPT, "220 mail server ready\r\n\r\n" },
        { GM_CORRUPT, "HTTP/1.1 xx\r\n\r\n" },
        { GM_CORRUPT, "HTTP/1.1 200 OK\r\n\r\nbody without a length" },
        { GM_CORRUPT, "HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nhi" },
        { GM_CORRUPT, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nmore than that" },
        { GM_LIMIT, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\nhi" },
        { GM_UNSUPPORTED,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n" },
    };
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof place;
    liar l = { .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    assert_int_equal(bind(l.listener, (struct sockaddr *)&place, sizeof place), 0);
    assert_int_equal(listen(l.listener, 5), 0);
    getsockname(l.listener, (struct sockaddr *)&place, &size);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        pthread_t thread;
        gm_error error = { 0 };
        gm_http_result result;
        l.answer = cases[k].answer;
        pthread_create(&thread, NULL, lie, &l);
        gm_http_client *client = client_for(ntohs(place.sin_port), 0.3);
        gm_status status = gm_http_client_call(
            client, &(gm_http_call){ .method = "GET", .path = "/" }, &result, &error);
        if (status != cases[k].status) {
            fail_msg("%s: got %s instead of %s (%s)", cases[k].answer, gm_status_name(status),
                     gm_status_name(cases[k].status), error.text);
        }
        assert_true(status == GM_OK || error.text[0] != '\0');
        gm_http_client_close(client);
        pthread_join(thread, NULL);
    }
    close(l.listener);
}

static void only_urls_of_this_machine_are_taken(void **state)
{
    (void)state;
    static const char *const good[] = { "http://localhost", "HTTP://127.0.0.1:1/x",
                                        "http://[::1]:65535", "http://[::1]" };
    static const char *const bad[] = {
        "",
        "http://",
        "https://localhost",
        "http://example.org",
        "http://10.0.0.1:80",
        "http://localhost:0",
        "http://localhost:65536",
        "http://localhost:x",
        "http://localhost:",
        "http://[::1",
        "http://[::1]x",
        "http://[]:1",
        "http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        gm_http_client *client = NULL;
        assert_int_equal(gm_http_client_create(good[k], 1.0, &client, NULL), GM_OK);
        gm_http_client_close(client);
    }
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        gm_http_client *client = NULL;
        gm_error error = { 0 };
        if (gm_http_client_create(bad[k], 1.0, &client, &error) != GM_INVALID) {
            fail_msg("took %s", bad[k]);
        }
        assert_null(client);
        assert_true(error.text[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_share_a_connection_and_survive_its_end),
        cmocka_unit_test(wrong_answers_are_errors),
        cmocka_unit_test(only_urls_of_this_machine_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
