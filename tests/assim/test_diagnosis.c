// One posterior over explanations: Bayes' rule, what is clear and what cannot be told, sentences.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "assim/diagnosis.h"

static gm_explanation explanation(gm_explanation_class class, const char *subject, double log_odds)
{
    return (gm_explanation){ .class = class,
                             .subject = subject,
                             .unit = "K",
                             .log_odds = log_odds,
                             .weight = 1.0,
                             .size = 0.5 };
}

static gm_diagnosis diagnose(gm_explanation *explanations, size_t count)
{
    const gm_diagnosis_rule rule = gm_default_diagnosis_rule();
    gm_diagnosis made = { 0 };
    assert_int_equal(gm_diagnose(&rule, explanations, count, &made, NULL), GM_OK);
    return made;
}

static void assert_near(double value, double expected)
{
    assert_true(fabs(value - expected) < 1e-12);
}

static void probabilities_are_those_of_bayes_rule(void **state)
{
    (void)state;
    gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                            explanation(GM_EXPLAINED_BIAS, "a", 1.0),
                            explanation(GM_EXPLAINED_BIAS, "b", 3.0),
                            explanation(GM_EXPLAINED_PLANT, "c", -2.0) };
    const gm_diagnosis_rule rule = gm_default_diagnosis_rule();
    of[2].weight = 3.0;
    gm_diagnosis made = diagnose(of, 4);
    const double heights[] = { rule.shares[GM_EXPLAINED_HEALTHY],
                               rule.shares[GM_EXPLAINED_BIAS] * 0.25 * exp(1.0),
                               rule.shares[GM_EXPLAINED_BIAS] * 0.75 * exp(3.0),
                               rule.shares[GM_EXPLAINED_PLANT] * exp(-2.0) };
    double sum = heights[0] + heights[1] + heights[2] + heights[3];
    for (size_t index = 0; index < 4; index++) {
        assert_near(of[index].probability, heights[index] / sum);
    }
    assert_near(made.probabilities[GM_EXPLAINED_BIAS], (heights[1] + heights[2]) / sum);
    assert_near(made.probabilities[GM_EXPLAINED_DRIFT], 0.0);
    assert_int_equal(made.class, GM_EXPLAINED_BIAS);
    assert_int_equal(made.best, 2);
}

static void great_odds_neither_overflow_nor_vanish(void **state)
{
    (void)state;
    gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                            explanation(GM_EXPLAINED_STUCK, "a", 1e6),
                            explanation(GM_EXPLAINED_NOISE, "a", -INFINITY) };
    gm_diagnosis made = diagnose(of, 3);
    assert_int_equal(made.verdict, GM_CLEAR);
    assert_near(of[1].probability, 1.0);
    assert_true(of[2].probability == 0.0);
    for (size_t index = 0; index < 3; index++) {
        of[index].log_odds -= 2e6;
    }
    assert_int_equal(diagnose(of, 3).best, 1);
}

static void what_readings_do_not_tell_apart_is_not_told(void **state)
{
    (void)state;
    gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                            explanation(GM_EXPLAINED_PLANT, "window", 30.0),
                            explanation(GM_EXPLAINED_INPUT, "sun", 29.9) };
    // what was thought before prefers one: that is not what sensors saw
    of[2].weight = 1.0;
    gm_diagnosis made = diagnose(of, 3);
    assert_true(of[1].probability > 0.8);
    assert_int_equal(made.verdict, GM_CANNOT_TELL);
    of[1].log_odds = 36.0;
    assert_int_equal(diagnose(of, 3).verdict, GM_CLEAR);
    // what was never thought of is no rival
    of[2] = explanation(GM_EXPLAINED_INPUT, "sun", 36.0);
    of[2].weight = 0.0;
    assert_int_equal(diagnose(of, 3).verdict, GM_CLEAR);
    // too little, whoever it is for
    of[1].log_odds = 0.2;
    assert_int_equal(diagnose(of, 2).verdict, GM_CANNOT_TELL);
}

static void a_class_may_be_clear_where_its_member_is_not(void **state)
{
    (void)state;
    gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                            explanation(GM_EXPLAINED_BIAS, "a", 20.0),
                            explanation(GM_EXPLAINED_BIAS, "b", 20.0) };
    gm_diagnosis made = diagnose(of, 3);
    assert_int_equal(made.verdict, GM_CLASS_IS_CLEAR);
    assert_int_equal(made.class, GM_EXPLAINED_BIAS);
    assert_int_equal(made.best, 1); // the first of equals
    char text[200];
    gm_diagnosis_tell(&made, of, 3, text, sizeof text);
    assert_non_null(
        strstr(text, "most likely a sensor's bias (100 %), but which is not clear: sensor a"));
    assert_non_null(strstr(text, "; sensor b"));
}

static void sentences_name_who_how_much_and_since_when(void **state)
{
    (void)state;
    static const struct {
        gm_explanation_class class;
        const char *text;
    } told[] = {
        { GM_EXPLAINED_HEALTHY, "nothing is wrong (" },
        { GM_EXPLAINED_BIAS, "sensor t2 reads 0.5 K too low since 2026-01-05T00:00:00Z (100 %)" },
        { GM_EXPLAINED_DRIFT, "sensor t2 drifts by -1.8e+03 K/h since " },
        { GM_EXPLAINED_STUCK, "sensor t2 is stuck at -0.5 K since " },
        { GM_EXPLAINED_NOISE, "sensor t2 is about -0.5 times as noisy since " },
        { GM_EXPLAINED_SPIKES, "sensor t2 has spikes of about -0.5 K since " },
        { GM_EXPLAINED_SWAPPED, "sensors t2 and t3 are swapped since " },
        { GM_EXPLAINED_PLANT, "t2 changed (-0.5 K) since " },
        { GM_EXPLAINED_INPUT, "t2 that the model does not know acts (-0.5 K) since " },
    };
    for (size_t index = 0; index < sizeof told / sizeof *told; index++) {
        gm_explanation of[] = { explanation(told[index].class, "t2", 50.0),
                                explanation(GM_EXPLAINED_DRIFT, "t9", 1.0) };
        of[0].size = -0.5;
        of[0].partner = "t3";
        of[0].since_ns = 1767571200 * INT64_C(1000000000);
        gm_diagnosis made = diagnose(of, 2);
        char text[200], small[8];
        gm_diagnosis_tell(&made, of, 2, text, sizeof text);
        if (strstr(text, "most likely ") != text || strstr(text, told[index].text) != text + 12) {
            fail_msg("%s", text);
        }
        gm_diagnosis_tell(&made, of, 2, small, sizeof small);
        assert_int_equal(strlen(small), 7);
        assert_memory_equal(small, text, 7);
        assert_non_null(gm_explanation_class_name(told[index].class));
    }
}

static void doubt_lists_rivals_by_their_likelihood(void **state)
{
    (void)state;
    gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                            explanation(GM_EXPLAINED_BIAS, "a", 9.0),
                            explanation(GM_EXPLAINED_DRIFT, "b", 9.5),
                            explanation(GM_EXPLAINED_INPUT, NULL, 9.2),
                            explanation(GM_EXPLAINED_STUCK, "c", 1.0) };
    of[3].size = (double)NAN;
    gm_diagnosis made = diagnose(of, 5);
    char text[400];
    gm_diagnosis_tell(&made, of, 5, text, sizeof text);
    const char *first = strstr(text, "cannot tell between: sensor b drifts");
    const char *second = strstr(text, "; something that the model does not know acts since");
    const char *third = strstr(text, "; sensor a reads");
    assert_true(first == text && second > first && third > second);
    assert_null(strstr(text, "sensor c"));
}

/// Large odds for both of two explanations tell that something happened, not which of them.
static void large_odds_are_not_taken_at_their_word(void **state)
{
    (void)state;
    gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                            explanation(GM_EXPLAINED_BIAS, "a", 84.0),
                            explanation(GM_EXPLAINED_PLANT, "b", 77.0) };
    gm_diagnosis_rule rule = gm_default_diagnosis_rule();
    gm_diagnosis made;
    assert_int_equal(gm_diagnose(&rule, of, 3, &made, NULL), GM_OK);
    assert_true(made.verdict == GM_CLEAR && made.class == GM_EXPLAINED_BIAS);
    rule.tolerance = 0.1;
    assert_int_equal(gm_diagnose(&rule, of, 3, &made, NULL), GM_OK);
    assert_int_equal(made.verdict, GM_CANNOT_TELL);
    assert_true(made.probabilities[GM_EXPLAINED_HEALTHY] < 1e-4);
    double ratio =
        exp(7.0 / 8.4) * rule.shares[GM_EXPLAINED_BIAS] / rule.shares[GM_EXPLAINED_PLANT];
    assert_true(fabs(of[1].probability / of[2].probability / ratio - 1.0) < 1e-9);
    of[2].flexible = true; // that it comes near says nothing
    assert_int_equal(gm_diagnose(&rule, of, 3, &made, NULL), GM_OK);
    assert_true(made.verdict == GM_CLEAR && made.class == GM_EXPLAINED_BIAS);
    of[2] = explanation(GM_EXPLAINED_PLANT, "b", 70.0); // nor does one that is farther
    assert_int_equal(gm_diagnose(&rule, of, 3, &made, NULL), GM_OK);
    assert_true(made.verdict == GM_CLEAR && made.class == GM_EXPLAINED_BIAS);
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    static const gm_status expected[] = { GM_INVALID, GM_INVALID, GM_INVALID, GM_INVALID,
                                          GM_NUMERIC, GM_NUMERIC, GM_INVALID, GM_INVALID,
                                          GM_INVALID, GM_INVALID, GM_INVALID };
    for (size_t kind = 0; kind < sizeof expected / sizeof *expected; kind++) {
        gm_diagnosis_rule rule = gm_default_diagnosis_rule();
        gm_explanation of[] = { explanation(GM_EXPLAINED_HEALTHY, NULL, 0.0),
                                explanation(GM_EXPLAINED_BIAS, "a", 9.0) };
        size_t count = kind == 0 ? 0 : kind == 1 ? GM_EXPLANATIONS_MAX + (size_t)1 : 2;
        of[1].class = kind == 2 ? GM_EXPLAINED_NONE : GM_EXPLAINED_BIAS;
        of[1].weight = kind == 3 ? -1.0 : 1.0;
        of[1].log_odds = kind == 4 ? (double)NAN : kind == 5 ? INFINITY : 9.0;
        rule.shares[GM_EXPLAINED_DRIFT] = kind == 6 ? -1.0 : 0.1;
        rule.clear = kind == 7 ? 0.4 : 0.7;
        rule.margin = kind == 8 ? (double)NAN : 1.0;
        rule.tolerance = kind == 10 ? -1.0 : 0.1;
        if (kind == 9) { // nothing is possible
            of[0].log_odds = of[1].log_odds = -INFINITY;
        }
        of[0].probability = of[1].probability = 0.125;
        gm_diagnosis made = { .best = 77 };
        gm_error error = { 0 };
        assert_int_equal(gm_diagnose(&rule, of, count, &made, &error), expected[kind]);
        assert_true(error.text[0] != '\0' && made.best == 77);
        assert_true(of[0].probability == 0.125 && of[1].probability == 0.125);
    }
    assert_null(gm_explanation_class_name(GM_EXPLAINED_NONE));
    assert_null(gm_explanation_class_name(GM_EXPLAINED_CLASSES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_those_of_bayes_rule),
        cmocka_unit_test(great_odds_neither_overflow_nor_vanish),
        cmocka_unit_test(what_readings_do_not_tell_apart_is_not_told),
        cmocka_unit_test(a_class_may_be_clear_where_its_member_is_not),
        cmocka_unit_test(sentences_name_who_how_much_and_since_when),
        cmocka_unit_test(doubt_lists_rivals_by_their_likelihood),
        cmocka_unit_test(large_odds_are_not_taken_at_their_word),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
