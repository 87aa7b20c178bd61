// The last line of ./test is true: tools/tally counts what ctest logs, case by case.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

// Runs tools/tally over a log and compares the last line of what it prints
static void expect(const char *log, const char *sums)
{
    char path[] = "/tmp/gemel-tally-XXXXXX", command[400], line[400] = "";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, log, strlen(log)), strlen(log));
    close(file);
    snprintf(command, sizeof(command), GEMEL_SOURCE_DIR "/tools/tally %s", path);
    FILE *tally = popen(command, "r");
    assert_non_null(tally);
    while (fgets(line, sizeof(line), tally)) {
    }
    assert_int_equal(pclose(tally), 0);
    unlink(path);
    line[strcspn(line, "\n")] = '\0';
    assert_string_equal(line, sums);
}

static void cases_are_counted_not_programs(void **state)
{
    (void)state;
    expect("1: [==========] Running 3 test(s).\n"
           "2: [==========] Running 2 test(s).\n"
           "1: [  PASSED  ] 3 test(s).\n"
           "1/2 Test #1: test_a ...........   Passed    0.01 sec\n"
           "2: [  PASSED  ] 1 test(s).\n"
           "2:  1 FAILED TEST(S)\n"
           "2/2 Test #2: test_b ...........***Failed    0.01 sec\n",
           "4 1 0");
}

static void groups_of_one_program_add_up(void **state)
{
    (void)state;
    expect("1: [==========] Running 3 test(s).\n"
           "1: [  PASSED  ] 3 test(s).\n"
           "1: [==========] Running 2 test(s).\n"
           "1: [  PASSED  ] 2 test(s).\n"
           "1/1 Test #1: test_a ...........   Passed    0.01 sec\n",
           "5 0 0");
}

static void a_crash_fails_the_cases_it_kept_from_running(void **state)
{
    (void)state;
    expect("1: [==========] Running 5 test(s).\n"
           "1: [       OK ] first\n"
           "1/1 Test #1: test_a ...........***Exception: SegFault  0.01 sec\n",
           "0 5 0");
}

static void a_bad_end_after_good_cases_is_a_failure(void **state)
{
    (void)state;
    expect("1: [==========] Running 2 test(s).\n"
           "1: [  PASSED  ] 2 test(s).\n"
           "1: SUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).\n"
           "1/1 Test #1: test_a ...........***Failed    0.01 sec\n",
           "2 1 0");
}

static void what_says_skipped_is_skipped(void **state)
{
    (void)state;
    expect("1: [==========] Running 4 test(s).\n"
           "1: skipped: no reference data\n"
           "1: skipped: no reference data\n"
           "1: [  PASSED  ] 3 test(s).\n"
           "1:  1 SKIPPED TEST(S)\n"
           "1/1 Test #1: test_a ...........   Passed    0.01 sec\n",
           "2 0 2");
}

static void other_programs_count_as_one(void **state)
{
    (void)state;
    expect("1: 7 files, 90 inputs\n"
           "1/3 Test #1: fuzz_a ...........   Passed    0.01 sec\n"
           "2/3 Test #2: fuzz_b ...........***Timeout  300.00 sec\n"
           "3/3 Test #3: test_c ...........***Not Run   0.00 sec\n",
           "1 2 0");
}

static void nothing_is_nothing(void **state)
{
    (void)state;
    expect("No tests were found!!!\n", "0 0 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cases_are_counted_not_programs),
        cmocka_unit_test(groups_of_one_program_add_up),
        cmocka_unit_test(a_crash_fails_the_cases_it_kept_from_running),
        cmocka_unit_test(a_bad_end_after_good_cases_is_a_failure),
        cmocka_unit_test(what_says_skipped_is_skipped),
        cmocka_unit_test(other_programs_count_as_one),
        cmocka_unit_test(nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
