// Only names of this machine pass.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loopback.h"

static void only_loopback_addresses_pass(void **state)
{
    (void)state;
    char numeric[46];
    assert_true(gm_loopback_address("localhost", numeric));
    assert_string_equal(numeric, "127.0.0.1");
    assert_true(gm_loopback_address("127.9.8.7", numeric));
    assert_true(gm_loopback_address("::1", numeric));
    static const char *const others[] = {
        "", "0.0.0.0", "::", "127.1", "128.0.0.1", "host", "::2", "127.0.0.1:80", "::ffff:1.2.3.4"
    };
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        assert_false(gm_loopback_address(others[k], numeric));
    }
}

static void only_loopback_hosts_pass(void **state)
{
    (void)state;
    static const char *const own[] = { "localhost",   "LocalHost:8080", "127.0.0.1",
                                       "127.0.0.1:1", "[::1]",          "[::1]:80" };
    static const char *const others[] = { "",
                                          ":80",
                                          "localhost:",
                                          "localhost:x",
                                          "localhost:123456",
                                          "::1",
                                          "[::1",
                                          "[::1]x",
                                          "[127.0.0.1]",
                                          "evil.example",
                                          "localhost.",
                                          "localhost@evil",
                                          "127.0.0.1.evil.example",
                                          "[]" };
    for (size_t k = 0; k < sizeof own / sizeof own[0]; k++) {
        assert_true(gm_loopback_host(own[k]));
    }
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        assert_false(gm_loopback_host(others[k]));
    }
}

static void only_the_own_origin_passes(void **state)
{
    (void)state;
    assert_true(gm_loopback_same_origin("http://localhost:8080", "localhost:8080"));
    assert_false(gm_loopback_same_origin("http://localhost:8081", "localhost:8080"));
    assert_false(gm_loopback_same_origin("https://localhost:8080", "localhost:8080"));
    assert_false(gm_loopback_same_origin("null", "localhost:8080"));
    assert_false(gm_loopback_same_origin("http://", "localhost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_loopback_addresses_pass),
        cmocka_unit_test(only_loopback_hosts_pass),
        cmocka_unit_test(only_the_own_origin_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
