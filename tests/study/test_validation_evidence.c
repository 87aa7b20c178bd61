// labels: release
// Hypotheses side by side keep what is promised of them on the incubator (gemel validate evidence).
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "study/validation.h"

/// Runs the cases of a name's beginning.
static void expect_pass(const char *name)
{
    gm_units *units = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_units_read(&units, &error), GM_OK);
    const bool there = access(GEMEL_REFERENCE_DATA, R_OK) == 0;
    const gm_validation_context context = { .reference = there ? GEMEL_REFERENCE_DATA : NULL,
                                            .units = units };
    static gm_validation_report report;
    size_t count = 0, found = 0;
    const gm_validation_case *const *cases = gm_validations(&count);
    for (size_t index = 0; index < count; index++) {
        if (strcmp(cases[index]->name, name) != 0) {
            continue;
        }
        found++;
        memset(&report, 0, sizeof report);
        assert_int_equal(gm_validation_run(cases[index], &context, &report, &error), GM_OK);
        if (report.skipped) {
            print_message("skipped: no reference data\n");
        }
        for (size_t number = 0; number < report.count; number++) {
            if (!gm_validation_passes(&report.numbers[number])) {
                fail_msg("%s: %g", report.numbers[number].what, report.numbers[number].got);
            }
        }
    }
    gm_units_close(units);
    assert_int_equal(found, 1);
}

static void an_empty_box_is_foreseen(void **state)
{
    (void)state;
    expect_pass("evidence, empty box 2023");
}

static void a_cup_of_water_is_learned(void **state)
{
    (void)state;
    expect_pass("evidence, cup of water 2021");
}

static void a_source_of_heat_is_found_and_nothing_is_spoiled_before(void **state)
{
    (void)state;
    expect_pass("evidence, unknown source of heat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_box_is_foreseen),
        cmocka_unit_test(a_cup_of_water_is_learned),
        cmocka_unit_test(a_source_of_heat_is_found_and_nothing_is_spoiled_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
