// Snapshot files: the newest whole one is found, damage is passed over, old ones go.

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/opened_store.h"
#include "store/snapshots.h"

static void write_state(opened_store *at, uint64_t number)
{
    char text[64];
    int size = snprintf(text, sizeof text, "state after %" PRIu64, number);
    gm_error error = { 0 };
    if (gm_snapshot_write(at->store, number, text, (size_t)size, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static void expect_latest(opened_store *at, uint64_t expected)
{
    char text[64];
    int length = snprintf(text, sizeof text, "state after %" PRIu64, expected);
    uint64_t number = 0;
    void *bytes = NULL;
    size_t size = 0;
    gm_error error = { 0 };
    if (gm_snapshot_latest(at->store, &number, &bytes, &size, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_int_equal(number, expected);
    assert_int_equal(size, length);
    assert_int_equal((uintptr_t)bytes % GM_ALIGNMENT, 0);
    assert_memory_equal(bytes, text, size);
    gm_memory_free(bytes);
}

static void path_of(const opened_store *at, uint64_t number, char path[128])
{
    snprintf(path, 128, "%s/snapshots/%020" PRIu64 ".snap", at->folder.path, number);
}

static void the_newest_is_found_and_old_ones_go(void **state)
{
    opened_store *at = *state;
    uint64_t number;
    void *bytes = NULL;
    size_t size;
    assert_int_equal(gm_snapshot_latest(at->store, &number, &bytes, &size, NULL), GM_NOT_FOUND);
    assert_int_equal(gm_snapshot_oldest(at->store, &number, NULL), GM_NOT_FOUND);
    write_state(at, 0);
    expect_latest(at, 0);
    for (uint64_t next = 10; next <= 50; next += 10) {
        write_state(at, next);
        expect_latest(at, next);
    }
    assert_int_equal(gm_snapshot_oldest(at->store, &number, NULL), GM_OK);
    assert_int_equal(number, 30);
    gm_store_close(at->store);
    assert_int_equal(gm_store_open(at->folder.path, NULL, &at->store, NULL), GM_OK);
    expect_latest(at, 50);
}

static void the_same_number_is_replaced(void **state)
{
    opened_store *at = *state;
    assert_int_equal(gm_snapshot_write(at->store, 7, "first", 5, NULL), GM_OK);
    write_state(at, 7);
    expect_latest(at, 7);
}

static void an_empty_state_is_a_state(void **state)
{
    opened_store *at = *state;
    uint64_t number = 1;
    void *bytes = NULL;
    size_t size = 1;
    assert_int_equal(gm_snapshot_write(at->store, 0, NULL, 0, NULL), GM_OK);
    assert_int_equal(gm_snapshot_latest(at->store, &number, &bytes, &size, NULL), GM_OK);
    assert_int_equal(number, 0);
    assert_int_equal(size, 0);
    gm_memory_free(bytes);
}

// Every byte of the file, one at a time, and every length.
static void any_damage_falls_back_to_the_one_before(void **state)
{
    opened_store *at = *state;
    char path[128], whole[256];
    write_state(at, 1);
    write_state(at, 2);
    path_of(at, 2, path);
    int file = open(path, O_RDWR);
    ssize_t size = pread(file, whole, sizeof whole, 0);
    assert_true(size > 48);
    for (ssize_t index = 0; index < size; index++) {
        char wrong = (char)(whole[index] ^ (1 << (index % 8)));
        assert_int_equal(pwrite(file, &wrong, 1, index), 1);
        expect_latest(at, 1);
        assert_int_equal(pwrite(file, &whole[index], 1, index), 1);
        expect_latest(at, 2);
    }
    for (ssize_t length = size - 1; length >= 0; length--) {
        assert_int_equal(ftruncate(file, length), 0);
        expect_latest(at, 1);
    }
    close(file);
    uint64_t number;
    void *bytes = NULL;
    size_t got;
    gm_error error = { 0 };
    path_of(at, 1, path);
    assert_int_equal(truncate(path, 3), 0);
    assert_int_equal(gm_snapshot_latest(at->store, &number, &bytes, &got, &error), GM_CORRUPT);
    assert_non_null(strstr(error.text, "no snapshot in"));
    assert_null(bytes);
}

static void a_snapshot_under_a_wrong_name_is_passed_over(void **state)
{
    opened_store *at = *state;
    char from[128], to[128];
    write_state(at, 1);
    write_state(at, 2);
    path_of(at, 2, from);
    path_of(at, 3, to);
    assert_int_equal(rename(from, to), 0);
    expect_latest(at, 1);
}

static void foreign_files_are_left_alone_and_parts_are_removed(void **state)
{
    opened_store *at = *state;
    static const char *const names[] = { "notes.txt", "1.snap", "99999999999999999999.snap",
                                         "00000000000000000009.part" };
    char path[128];
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        snprintf(path, sizeof path, "%s/snapshots/%s", at->folder.path, names[index]);
        close(open(path, O_WRONLY | O_CREAT, 0600));
    }
    write_state(at, 4);
    expect_latest(at, 4);
    gm_store_close(at->store);
    assert_int_equal(gm_store_open(at->folder.path, NULL, &at->store, NULL), GM_OK);
    for (size_t index = 0; index < sizeof names / sizeof names[0]; index++) {
        snprintf(path, sizeof path, "%s/snapshots/%s", at->folder.path, names[index]);
        assert_int_equal(access(path, F_OK), index == 3 ? -1 : 0);
    }
    expect_latest(at, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_newest_is_found_and_old_ones_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_number_is_replaced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_state_is_a_state, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_damage_falls_back_to_the_one_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_snapshot_under_a_wrong_name_is_passed_over, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(foreign_files_are_left_alone_and_parts_are_removed, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests_name("snapshots", tests, NULL, NULL);
}
