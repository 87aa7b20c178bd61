// An assertion that fails ends the program and says where.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/require.h"

static void what_holds_changes_nothing(void **state)
{
    (void)state;
    int count = 1;
    GM_REQUIRE(count == 1);
    assert_int_equal(count, 1);
}

static void what_does_not_hold_aborts_with_its_place(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
        dup2(ends[1], STDERR_FILENO);
        GM_REQUIRE(child > 0 && "a child has no child");
        _exit(0);
    }
    close(ends[1]);
    char text[500] = "";
    ssize_t size = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(size > 0);
    assert_non_null(strstr(text, "test_require.c:"));
    assert_non_null(strstr(text, "child > 0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_holds_changes_nothing),
        cmocka_unit_test(what_does_not_hold_aborts_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
