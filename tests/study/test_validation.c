// How reference cases are judged.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "study/validation.h"

static gm_validation_number number(gm_relation relation, double expected, double got)
{
    return (gm_validation_number){
        .relation = relation, .expected = expected, .got = got, .tolerance = 0.5
    };
}

static bool passes(gm_relation relation, double expected, double got)
{
    gm_validation_number judged = number(relation, expected, got);
    return gm_validation_passes(&judged);
}

static void numbers_are_judged_by_their_relation(void **state)
{
    (void)state;
    assert_true(passes(GM_NEAR, 1.0, 1.5));
    assert_false(passes(GM_NEAR, 1.0, 0.49));
    assert_true(passes(GM_AT_MOST, 1.0, 1.0));
    assert_false(passes(GM_AT_MOST, 1.0, 1.01));
    assert_true(passes(GM_AT_LEAST, 1.0, 1.0));
    assert_false(passes(GM_AT_LEAST, 1.0, 0.99));
    assert_true(passes(GM_REPORTED, 1.0, 7.0));
    assert_false(passes(GM_RELATION_NONE, 1.0, 1.0));
}

static void what_is_not_a_number_never_passes(void **state)
{
    (void)state;
    assert_false(passes(GM_NEAR, 1.0, NAN));
    assert_false(passes(GM_NEAR, NAN, 1.0));
    assert_false(passes(GM_AT_MOST, 1.0, NAN));
    assert_false(passes(GM_AT_LEAST, 1.0, NAN));
}

static void a_report_passes_when_all_its_numbers_do(void **state)
{
    (void)state;
    gm_validation_report report = { 0 };
    assert_false(gm_validation_report_passes(&report)); // it showed nothing
    gm_validation_number good = number(GM_NEAR, 1.0, 1.0), bad = number(GM_NEAR, 1.0, 2.0);
    gm_validation_add(&report, &good);
    assert_true(gm_validation_report_passes(&report));
    gm_validation_add(&report, &bad);
    assert_false(gm_validation_report_passes(&report));
}

static void cases_without_their_data_are_skipped(void **state)
{
    (void)state;
    gm_validation_report report = { 0 };
    const gm_validation_context context = { 0 };
    const gm_validation_case needs = { .name = "n", .needs_reference = true };
    assert_int_equal(gm_validation_run(&needs, &context, &report, NULL), GM_OK);
    assert_true(report.skipped);
    assert_true(gm_validation_report_passes(&report));
}

static void every_case_is_complete(void **state)
{
    (void)state;
    size_t count = 0;
    const gm_validation_case *const *cases = gm_validations(&count);
    assert_true(count > 0);
    for (size_t index = 0; index < count; index++) {
        assert_true(cases[index]->name != NULL && cases[index]->source != NULL);
        assert_non_null(cases[index]->run);
        assert_non_null(cases[index]->domain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_judged_by_their_relation),
        cmocka_unit_test(what_is_not_a_number_never_passes),
        cmocka_unit_test(a_report_passes_when_all_its_numbers_do),
        cmocka_unit_test(cases_without_their_data_are_skipped),
        cmocka_unit_test(every_case_is_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
