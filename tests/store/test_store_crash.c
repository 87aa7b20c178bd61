// Promise 1 under kill -9: a child appends on a real disk and says what was acknowledged; it is
// killed at any moment; then everything it said is there, once, in order.

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/calendar.h"
#include "store/data_folder.h"
#include "store/journal.h"

enum {
    KILLS = 60,
    BATCH_MAX = 40,
    RECORD_MAX = 600,
};

// A record follows from its number, so that any process can tell what should be in it.
static size_t fill(uint64_t number, unsigned char bytes[RECORD_MAX])
{
    size_t size = (size_t)(number * 2654435761U % RECORD_MAX);
    for (size_t index = 0; index < size; index++) {
        bytes[index] = (unsigned char)(number * 31 + index);
    }
    return size;
}

// The child: appends for ever and writes each acknowledged number to descriptor 1.
static int append_for_ever(const char *folder)
{
    gm_store *store = NULL;
    if (gm_store_open(folder, NULL, &store, NULL) != GM_OK) {
        return 1;
    }
    gm_journal *journal = gm_store_journal(store);
    for (uint64_t round = 0;; round++) {
        uint64_t number = 0;
        for (uint64_t index = 0; index <= round % BATCH_MAX; index++) {
            unsigned char bytes[RECORD_MAX];
            size_t size = fill(gm_journal_next(journal), bytes);
            if (gm_journal_append(journal, GM_JOURNAL_SAMPLES, bytes, size, &number) != GM_OK) {
                return 1;
            }
        }
        if (gm_journal_wait(journal, number, INT64_MAX, NULL) != GM_OK ||
            write(STDOUT_FILENO, &number, sizeof number) != sizeof number) {
            return 1;
        }
    }
}

static pid_t start_child(const char *folder, int *acknowledgements)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl("/proc/self/exe", "test_store_crash", "append", folder, (char *)NULL);
        _exit(1);
    }
    close(ends[1]);
    *acknowledgements = ends[0];
    return child;
}

static uint64_t last_acknowledged(int acknowledgements, uint64_t last)
{
    uint64_t number;
    while (read(acknowledgements, &number, sizeof number) == sizeof number) {
        assert_true(number > last);
        last = number;
    }
    close(acknowledgements);
    return last;
}

static uint64_t expect_whole_journal(const char *folder, uint64_t acknowledged)
{
    gm_store *store = NULL;
    gm_error error = { 0 };
    if (gm_store_open(folder, NULL, &store, &error) != GM_OK) {
        fail_msg("the store does not open again: %s", error.text);
    }
    gm_journal *journal = gm_store_journal(store);
    gm_journal_cursor *cursor = NULL;
    gm_journal_record record;
    assert_int_equal(gm_journal_cursor_open(journal, 1, &cursor, NULL), GM_OK);
    uint64_t number = 1;
    for (; gm_journal_read(cursor, &record, &error) == GM_OK; number++) {
        unsigned char bytes[RECORD_MAX];
        size_t size = fill(number, bytes);
        assert_int_equal(record.number, number);
        assert_int_equal(record.size, size);
        assert_memory_equal(record.bytes, bytes, size);
    }
    assert_int_equal(error.status, GM_NOT_FOUND);
    assert_true(number > acknowledged);
    assert_int_equal(gm_journal_next(journal), number);
    gm_journal_cursor_close(cursor);
    gm_store_close(store);
    return number - 1;
}

static void nothing_acknowledged_is_lost_by_kill(void **state)
{
    (void)state;
    data_folder folder = data_folder_make();
    uint64_t acknowledged = 0, there = 0;
    for (int kills = 0; kills < KILLS; kills++) {
        int acknowledgements;
        pid_t child = start_child(folder.path, &acknowledgements);
        // two of three children are killed while they work, the others while they start
        if (kills % 3 != 0) {
            assert_int_equal(read(acknowledgements, &acknowledged, sizeof acknowledged),
                             sizeof acknowledged);
        }
        usleep((useconds_t)(kills * 7919 % 30000));
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
        acknowledged = last_acknowledged(acknowledgements, acknowledged);
        there = expect_whole_journal(folder.path, acknowledged);
    }
    print_message("%d kills, %llu records acknowledged, %llu on disk\n", KILLS,
                  (unsigned long long)acknowledged, (unsigned long long)there);
    assert_true(acknowledged > KILLS);
    data_folder_remove(&folder);
}

int main(int count, char **arguments)
{
    if (count == 3 && strcmp(arguments[1], "append") == 0) {
        return append_for_ever(arguments[2]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_acknowledged_is_lost_by_kill),
    };
    return cmocka_run_group_tests_name("store crash", tests, NULL, NULL);
}
