// The table of normative statements in docs/mqtt.md is true: each test that it names exists, and
// each number stands in a test, with its version.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static const char *const test_files[] = { "test_mqtt_topic.c", "test_mqtt_packet.c",
                                          "test_mqtt_session.c", "test_mqtt_client.c" };

static void add_file(gm_string *out, const char *path)
{
    char bytes[4096], whole[512];
    snprintf(whole, sizeof whole, "%s/%s", GEMEL_SOURCE_DIR, path);
    FILE *stream = fopen(whole, "rb");
    assert_non_null(stream);
    for (size_t size; (size = fread(bytes, 1, sizeof bytes, stream)) > 0;) {
        gm_string_add(out, bytes, size);
    }
    fclose(stream);
}

static bool is_number_end(char byte)
{
    return byte < '0' || byte > '9';
}

/// Whether "3: ..., NUMBER" (or 5) stands in the tests: in one list behind that version.
static bool stands_in_tests(const char *tests, char version, const char *number)
{
    size_t size = strlen(number);
    for (const char *at = strstr(tests, number); at != NULL; at = strstr(at + 1, number)) {
        const char *back = at;
        while (back > tests && strchr("0123456789.-, /\n", back[-1]) != NULL) {
            back--;
        }
        if (is_number_end(at[size]) && at[-1] == ' ' && *back == ' ' && back[-1] == ':' &&
            back[-2] == version) {
            return true;
        }
    }
    return false;
}

/// Checks the tests named in backquotes.
static size_t check_names(const char *cell, const char *tests)
{
    size_t count = 0;
    char name[100], definition[160];
    for (const char *at = strchr(cell, '`'); at != NULL && *at == '`';) {
        assert_int_equal(sscanf(at, "`%99[a-z0-9_]`", name), 1);
        snprintf(definition, sizeof definition, "static void %s(void **state)", name);
        if (strstr(tests, definition) == NULL) {
            fail_msg("there is no test %s", name);
        }
        count++;
        at += strlen(name) + 2;
        at += strspn(at, ", ");
    }
    return count;
}

/// Checks the numbers of a row: "3: 1.5.3-1, 1.5.3-2; 5: 1.5.4-1".
static size_t check_numbers(const char *cell, const char *tests)
{
    size_t count = 0;
    char version = 0, word[24];
    for (const char *at = cell; *at != '|'; at += strcspn(at, " |"), at += strspn(at, " ")) {
        size_t size = strcspn(at, " ,;:|");
        assert_true(size < sizeof word);
        memcpy(word, at, size);
        word[size] = 0;
        if (at[size] == ':') {
            version = word[0];
        } else if (size > 0) {
            if (!stands_in_tests(tests, version, word)) {
                fail_msg("%c: %s stands in no test", version, word);
            }
            count++;
        }
    }
    return count;
}

static void every_statement_has_its_test(void **state)
{
    (void)state;
    gm_string page = { 0 }, tests = { 0 };
    size_t statement_count = 0, row_count = 0;
    add_file(&page, "docs/mqtt.md");
    for (size_t index = 0; index < sizeof test_files / sizeof *test_files; index++) {
        char path[100];
        snprintf(path, sizeof path, "tests/codec/%s", test_files[index]);
        add_file(&tests, path);
    }
    const char *line = strstr(page.data, "| statement |");
    assert_non_null(line);
    for (line = strchr(line, '\n') + 1; *line == '|'; line = strchr(line, '\n') + 1) {
        if (line[1] == '-') {
            continue;
        }
        char row[1024];
        size_t size = strcspn(line, "\n");
        assert_true(size < sizeof row);
        memcpy(row, line, size);
        row[size] = 0;
        statement_count += check_numbers(row + 2, tests.data);
        const char *meaning = strchr(row + 1, '|') + 1;
        assert_true(check_names(strchr(meaning, '|'), tests.data) > 0);
        row_count++;
    }
    assert_true(row_count > 80 && statement_count > 200);
    gm_string_free(&page);
    gm_string_free(&tests);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(every_statement_has_its_test) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
