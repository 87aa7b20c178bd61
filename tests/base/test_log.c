// The log: whole lines, one a call, of the wanted levels.
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"

static char written[1 << 20];

static gm_log open_log(FILE **stream, gm_log_level level)
{
    *stream = tmpfile();
    assert_non_null(*stream);
    return (gm_log){ .level = level, .descriptor = fileno(*stream) };
}

static void read_back(FILE *stream)
{
    rewind(stream);
    size_t size = fread(written, 1, sizeof written - 1, stream);
    written[size] = 0;
    fclose(stream);
}

static void an_entry_is_a_line_with_time_level_and_room(void **state)
{
    (void)state;
    FILE *stream = NULL;
    gm_log log = open_log(&stream, GM_LOG_INFO);
    errno = EDOM;
    gm_log_write(&log, GM_LOG_WARNING, "twin", "lane %d failed", 7);
    assert_int_equal(errno, EDOM);
    read_back(stream);
    assert_string_equal(strchr(written, ' '), " warning twin: lane 7 failed\n");
    assert_int_equal(written[10], 'T');
}

static void entries_above_the_level_are_dropped(void **state)
{
    (void)state;
    FILE *stream = NULL;
    gm_log log = open_log(&stream, GM_LOG_WARNING);
    gm_log_write(&log, GM_LOG_INFO, "twin", "quiet");
    gm_log_write(&log, GM_LOG_DEBUG, "twin", "quiet");
    gm_log_write(NULL, GM_LOG_ERROR, "twin", "quiet");
    gm_log_write(&(gm_log){ 0 }, GM_LOG_ERROR, "twin", "quiet");
    gm_log_write(&log, GM_LOG_ERROR, "twin", "loud");
    read_back(stream);
    assert_null(strstr(written, "quiet"));
    assert_non_null(strstr(written, "loud"));
}

static void quoted_input_forges_no_entry(void **state)
{
    (void)state;
    FILE *stream = NULL;
    gm_log log = open_log(&stream, GM_LOG_INFO);
    gm_log_write(&log, GM_LOG_INFO, "serve", "user '%s'",
                 "eve\n2026-01-01T00:00:00Z info serve: all is well\x1b[2J");
    read_back(stream);
    assert_ptr_equal(strchr(written, '\n'), written + strlen(written) - 1);
    assert_null(strchr(written, '\x1b'));
}

static void a_long_entry_is_cut_but_stays_a_line(void **state)
{
    (void)state;
    static char text[10000];
    memset(text, 'x', sizeof text - 1);
    FILE *stream = NULL;
    gm_log log = open_log(&stream, GM_LOG_INFO);
    gm_log_write(&log, GM_LOG_INFO, "serve", "%s", text);
    gm_log_write(&log, GM_LOG_INFO, "serve", "next");
    read_back(stream);
    assert_non_null(strstr(written, "xx\n"));
    assert_non_null(strstr(written, "serve: next\n"));
}

static void *write_many(void *context)
{
    for (int index = 0; index < 500; index++) {
        gm_log_write(context, GM_LOG_INFO, "num", "%s", "0123456789abcdefghijklmnopqrstuvwxyz");
    }
    return NULL;
}

static void entries_of_many_threads_never_mix(void **state)
{
    (void)state;
    char path[] = "/tmp/gemel-test-log-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    close(descriptor);
    FILE *stream = fopen(path, "a+");
    assert_non_null(stream);
    unlink(path);
    gm_log log = { .level = GM_LOG_INFO, .descriptor = fileno(stream) };
    pthread_t threads[4];
    for (size_t index = 0; index < 4; index++) {
        assert_int_equal(pthread_create(&threads[index], NULL, write_many, &log), 0);
    }
    for (size_t index = 0; index < 4; index++) {
        pthread_join(threads[index], NULL);
    }
    read_back(stream);
    size_t count = 0;
    for (char *line = written, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = 0;
        assert_string_equal(strchr(line, ' '), " info num: 0123456789abcdefghijklmnopqrstuvwxyz");
        count++;
    }
    assert_int_equal(count, 2000);
}

static void a_closed_descriptor_is_ignored(void **state)
{
    (void)state;
    gm_log_write(&(gm_log){ GM_LOG_INFO, -1 }, GM_LOG_INFO, "num", "lost");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_a_line_with_time_level_and_room),
        cmocka_unit_test(entries_above_the_level_are_dropped),
        cmocka_unit_test(quoted_input_forges_no_entry),
        cmocka_unit_test(a_long_entry_is_cut_but_stays_a_line),
        cmocka_unit_test(entries_of_many_threads_never_mix),
        cmocka_unit_test(a_closed_descriptor_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
