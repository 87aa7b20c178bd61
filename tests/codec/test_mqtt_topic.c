// Laws of topic names, filters and templates. Numbers are those of the normative
// statements of MQTT 3.1.1 (3:) and 5.0 (5:) that a test is about; docs/mqtt.md lists them all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/mqtt_topic.h"
#include "codec/topic_template.h"

#define COUNT(all) (sizeof(all) / sizeof((all)[0]))

static bool matches(const char *filter, const char *topic)
{
    return gm_mqtt_filter_matches(gm_text_of(filter), gm_text_of(topic));
}

/// 3: 4.7.1-1, 4.7.3-1, 3.3.2-2; 5: 4.7.0-1, 4.7.3-1, 3.3.2-2
static void a_topic_name_is_not_empty_and_has_no_wildcard(void **state)
{
    (void)state;
    const char *good[] = { "a",      "/",   "a/b", "/finance",         "a//b",
                           "$SYS/x", "a b", "Ä/ö", "0123456789012345", "\xEF\xBB\xBF" };
    const char *bad[] = { "", "+", "#", "a/+", "a/#", "a+", "Ä+", "0123456789abcde#" };
    for (size_t index = 0; index < COUNT(good); index++) {
        assert_true(gm_mqtt_is_topic(gm_text_of(good[index])));
    }
    for (size_t index = 0; index < COUNT(bad); index++) {
        assert_false(gm_mqtt_is_topic(gm_text_of(bad[index])));
    }
}

/// 3: 1.5.3-1, 1.5.3-2, 4.7.3-2; 5: 1.5.4-1, 1.5.4-2, 4.7.3-2
static void a_text_is_utf8_without_nul(void **state)
{
    (void)state;
    const char *good[] = { "", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "#+" };
    const gm_text bad[] = {
        { "a\0b", 3 },
        { "\0", 1 },
        { "\x80", 1 },
        { "\xC0\x80", 2 },
        { "\xED\xA0\x80", 3 },
        { "\xED\xBF\xBF", 3 },
        { "\xC3", 1 },
        { "\xE2\x82", 2 },
        { "\xF4\x90\x80\x80", 4 },
        { "\xF8\x88\x80\x80\x80", 5 },
        { "1234567\0", 8 },
    };
    for (size_t index = 0; index < COUNT(good); index++) {
        assert_true(gm_mqtt_is_text(gm_text_of(good[index])));
    }
    for (size_t index = 0; index < COUNT(bad); index++) {
        assert_false(gm_mqtt_is_text(bad[index]));
        assert_false(gm_mqtt_is_topic(bad[index]));
        assert_false(gm_mqtt_is_filter(bad[index]));
    }
}

/// Every byte at every place of words and their rests, against the plain definition.
static void every_byte_is_judged_at_every_place(void **state)
{
    (void)state;
    char text[21];
    for (size_t size = 1; size < sizeof text; size++) {
        for (size_t at = 0; at < size; at++) {
            memset(text, 'x', sizeof text);
            for (int byte = 0; byte < 256; byte++) {
                text[at] = (char)byte;
                bool fine = byte != 0 && byte != '+' && byte != '#' && byte < 0x80;
                assert_int_equal(gm_mqtt_is_topic((gm_text){ text, size }), fine);
            }
        }
    }
}

/// 3: 4.7.3-3; 5: 4.7.3-3
static void a_text_has_at_most_65535_bytes(void **state)
{
    (void)state;
    char *text = malloc(GM_MQTT_TEXT_MAX_SIZE + 1);
    assert_non_null(text);
    memset(text, 'x', GM_MQTT_TEXT_MAX_SIZE + 1);
    assert_true(gm_mqtt_is_topic((gm_text){ text, GM_MQTT_TEXT_MAX_SIZE }));
    assert_false(gm_mqtt_is_topic((gm_text){ text, GM_MQTT_TEXT_MAX_SIZE + 1 }));
    assert_false(gm_mqtt_is_filter((gm_text){ text, GM_MQTT_TEXT_MAX_SIZE + 1 }));
    free(text);
}

/// 3: 4.7.1-2, 4.7.1-3, 4.7.3-1; 5: 4.7.1-1, 4.7.1-2, 4.7.3-1
static void wildcards_fill_whole_levels_of_a_filter(void **state)
{
    (void)state;
    const char *good[] = { "#", "+", "/", "a/#", "+/a/#", "+/+", "/+", "a/+/b", "+/tennis/#", "a" };
    const char *bad[] = {
        "", "a#", "a/b#", "#/a", "a/#/b", "a+", "+a", "a/+b/c", "a/#/", "##", "++"
    };
    for (size_t index = 0; index < COUNT(good); index++) {
        assert_true(gm_mqtt_is_filter(gm_text_of(good[index])));
    }
    for (size_t index = 0; index < COUNT(bad); index++) {
        assert_false(gm_mqtt_is_filter(gm_text_of(bad[index])));
    }
}

static void a_filter_covers_what_the_standard_says(void **state)
{
    (void)state;
    const char *yes[][2] = {
        { "a/b/#", "a/b" },     { "a/b/#", "a/b/c" }, { "a/b/#", "a/b/c/d" }, { "a/#", "a" },
        { "#", "a/b" },         { "#", "/" },         { "a/+", "a/b" },       { "a/+", "a/" },
        { "+/+", "/finance" },  { "/+", "/finance" }, { "+", "a" },           { "a", "a" },
        { "a/+/c/#", "a/x/c" }, { "a//b", "a//b" },   { "a/+/b", "a//b" },    { "a/b/", "a/b/" },
        { "+/#", "a" },         { "a/+/#", "a/" },    { "/#", "/a" },         { "+/+/+", "//" },
    };
    const char *no[][2] = {
        { "a/b/#", "a" },    { "a/b/#", "a/bc" }, { "a/+", "a" }, { "a/+", "a/b/c" },
        { "+", "/finance" }, { "+", "a/b" },      { "a", "a/" },  { "a/", "a" },
        { "a", "b" },        { "a/b", "a" },      { "a", "a/b" }, { "ab", "a" },
        { "a", "ab" },       { "+/b", "a/c" },    { "/#", "a" },  { "a/+/c", "a/c" },
    };
    for (size_t index = 0; index < COUNT(yes); index++) {
        assert_true(matches(yes[index][0], yes[index][1]));
    }
    for (size_t index = 0; index < COUNT(no); index++) {
        assert_false(matches(no[index][0], no[index][1]));
    }
}

/// 3: 4.7.2-1; 5: 4.7.2-1
static void leading_wildcards_do_not_cover_dollar_topics(void **state)
{
    (void)state;
    assert_false(matches("#", "$SYS"));
    assert_false(matches("+/monitor", "$SYS/monitor"));
    assert_false(matches("+", "$SYS"));
    assert_true(matches("$SYS/#", "$SYS/monitor"));
    assert_true(matches("$SYS/+", "$SYS/monitor"));
    assert_true(matches("a/+", "a/$b"));
}

/// 3: 4.7.3-4; 5: 4.7.3-4
static void names_are_compared_byte_for_byte(void **state)
{
    (void)state;
    assert_false(matches("ACCOUNTS", "Accounts"));
    assert_false(matches("\xC3\xA4", "a\xCC\x88")); // the same letter, composed and not
    assert_false(matches("a/./b", "a/b"));
    assert_true(matches("a b", "a b"));
}

/// 5: 4.8.2-1, 4.8.2-2
static void a_shared_filter_has_a_name_and_a_filter(void **state)
{
    (void)state;
    const char *bad[] = { "$share",     "$share/",     "$share//a",   "$share/g", "$share/g/",
                          "$share/+/a", "$share/g#/a", "$share/g/a#", "share/g/a" };
    gm_text name, inner;
    assert_true(gm_mqtt_shared_split(gm_text_of("$share/group/a/+/#"), &name, &inner));
    assert_true(gm_text_equal(name, "group") && gm_text_equal(inner, "a/+/#"));
    assert_true(gm_mqtt_shared_split(gm_text_of("$share/g//a"), &name, &inner));
    assert_true(gm_text_equal(name, "g") && gm_text_equal(inner, "/a"));
    for (size_t index = 0; index < COUNT(bad); index++) {
        assert_false(gm_mqtt_shared_split(gm_text_of(bad[index]), &name, &inner));
        assert_true(gm_text_equal(inner, "/a"));
    }
    assert_true(gm_mqtt_is_shared(gm_text_of("$share/g")));
    assert_false(gm_mqtt_is_shared(gm_text_of("$sharer/g")));
}

static uint32_t next_draw(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 16;
}

static bool covers(const char *filter, const char *topic)
{
    if (strcmp(filter, "#") == 0 || (strcmp(filter, "/#") == 0 && *topic == 0)) {
        return true;
    }
    if (*filter == '+') {
        return covers(filter + 1, topic + strcspn(topic, "/"));
    }
    if (*filter == 0 || *topic == 0) {
        return *filter == *topic;
    }
    return *filter == *topic && covers(filter + 1, topic + 1);
}

/// Against a matcher that goes letter by letter.
static void random_filters_match_as_the_definition_says(void **state)
{
    (void)state;
    uint32_t seed = 1;
    size_t hits = 0;
    for (int round = 0; round < 300000; round++) {
        char filter[12] = "", topic[12] = "";
        for (size_t index = 0, size = 1 + next_draw(&seed) % 8; index < size; index++) {
            filter[index] = "ab//+#"[next_draw(&seed) % 6];
        }
        for (size_t index = 0, size = 1 + next_draw(&seed) % 8; index < size; index++) {
            topic[index] = "ab//"[next_draw(&seed) % 4];
        }
        if (gm_mqtt_is_filter(gm_text_of(filter))) {
            bool expected = covers(filter, topic);
            hits += expected;
            assert_int_equal(matches(filter, topic), expected);
        }
    }
    assert_true(hits > 1000);
}

// ---- templates ----

static gm_topic_template compiled(const char *source)
{
    gm_topic_template made;
    assert_int_equal(gm_topic_template_compile(gm_text_of(source), &made, NULL), GM_OK);
    return made;
}

static void a_template_gives_its_captures(void **state)
{
    (void)state;
    gm_topic_template rule = compiled("plant/{line}/{machine}/+");
    gm_text captures[GM_TOPIC_CAPTURES_MAX];
    assert_int_equal(rule.capture_count, 2);
    assert_true(gm_text_equal(rule.names[0], "line") && gm_text_equal(rule.names[1], "machine"));
    const char *topic = "plant/3/press/temperature";
    assert_true(gm_topic_template_match(&rule, gm_text_of(topic), captures));
    assert_true(gm_text_equal(captures[0], "3") && gm_text_equal(captures[1], "press"));
    assert_ptr_equal(captures[1].data, topic + 8);
}

static void a_template_matches_level_by_level(void **state)
{
    (void)state;
    const struct {
        const char *rule, *topic, *captures; // joined by ','; NULL: no match
    } cases[] = {
        { "a/b", "a/b", "" },
        { "a/b", "a/c", NULL },
        { "a/b", "a", NULL },
        { "a/b", "a/b/c", NULL },
        { "{x}", "a", "a," },
        { "{x}", "a/b", NULL },
        { "{x}/b", "$SYS/b", NULL },
        { "+/b", "$SYS/b", NULL },
        { "#", "$SYS", NULL },
        { "$SYS/{x}", "$SYS/b", "b," },
        { "a/{x}/c", "a//c", NULL }, // a capture is not empty
        { "a/+/c", "a//c", "" },
        { "pump-{id}/rpm", "pump-17/rpm", "17," },
        { "pump-{id}/rpm", "pump-/rpm", NULL },
        { "pump-{id}/rpm", "fan-17/rpm", NULL },
        { "p{id}x/rpm", "p17x/rpm", "17," },
        { "p{id}p/rpm", "pp/rpm", NULL }, // before and behind do not overlap
        { "{a}/{b}/#", "x/y", "x,y," },
        { "{a}/{b}/#", "x/y/z/w", "x,y," },
        { "{a}/{b}/#", "x", NULL },
        { "a/#", "a", "" },
        { "#", "a/b", "" },
        { "/{x}", "/a", "a," },
        { "ä/{x}", "ä/€", "€," },
    };
    for (size_t index = 0; index < COUNT(cases); index++) {
        gm_topic_template rule = compiled(cases[index].rule);
        gm_text captures[GM_TOPIC_CAPTURES_MAX];
        bool hit = gm_topic_template_match(&rule, gm_text_of(cases[index].topic), captures);
        assert_int_equal(hit, cases[index].captures != NULL);
        gm_string joined = { 0 };
        for (size_t capture = 0; hit && capture < rule.capture_count; capture++) {
            gm_string_add(&joined, captures[capture].data, captures[capture].size);
            gm_string_add(&joined, ",", 1);
        }
        if (hit) {
            assert_true(
                gm_text_equal((gm_text){ joined.data, joined.size }, cases[index].captures));
        }
        gm_string_free(&joined);
    }
}

static void a_wrong_template_is_refused_with_its_level(void **state)
{
    (void)state;
    const char *bad[][2] = {
        { "", "empty" },
        { "a/{x", "'{' without '}'" },
        { "a/x}", "'}' without '{'" },
        { "a/}x{", "'{' without '}'" },
        { "a/{}", "a capture's name" },
        { "a/{1x}", "a capture's name" },
        { "a/{x y}", "a capture's name" },
        { "a/{x}{y}", "one capture" },
        { "a/{x}}", "'}' without '{'" },
        { "{x}/{x}", "twice" },
        { "a/b+", "whole level" },
        { "#/a", "'#'" },
        { "a/{x}+", "whole level" },
        { "a/\xFF", "UTF-8" },
    };
    for (size_t index = 0; index < COUNT(bad); index++) {
        gm_topic_template made = { .level_count = 77 };
        gm_error error = { 0 };
        assert_int_equal(gm_topic_template_compile(gm_text_of(bad[index][0]), &made, &error),
                         GM_INVALID);
        assert_non_null(strstr(error.text, bad[index][1]));
        assert_int_equal(made.level_count, 77);
    }
}

static void a_template_has_limits(void **state)
{
    (void)state;
    gm_string levels = { 0 }, captures = { 0 };
    gm_topic_template made;
    for (int index = 0; index < GM_TOPIC_LEVELS_MAX; index++) {
        gm_string_add(&levels, "/a", index > 0 ? 2 : 0);
        gm_string_add(&levels, "a", index == 0);
    }
    gm_text fits = { levels.data, levels.size };
    assert_int_equal(gm_topic_template_compile(fits, &made, NULL), GM_OK);
    gm_string_add(&levels, "/a", 2);
    gm_text too_long = { levels.data, levels.size };
    assert_int_equal(gm_topic_template_compile(too_long, &made, NULL), GM_LIMIT);
    for (int index = 0; index <= GM_TOPIC_CAPTURES_MAX; index++) {
        gm_string_format(&captures, "{c%d}/", index);
    }
    gm_text too_many = { captures.data, captures.size };
    assert_int_equal(gm_topic_template_compile(too_many, &made, NULL), GM_LIMIT);
    gm_string_free(&levels);
    gm_string_free(&captures);
}

static void what_a_template_matches_its_filter_covers(void **state)
{
    (void)state;
    const char *rules[][3] = {
        { "plant/{line}/{machine}/+", "plant/+/+/+", "plant/1/2/3" },
        { "pump-{id}/#", "+/#", "pump-1/x/y" },
        { "#", "#", "a" },
        { "/{x}", "/+", "/a" },
        { "a", "a", "a" },
    };
    for (size_t index = 0; index < COUNT(rules); index++) {
        gm_topic_template rule = compiled(rules[index][0]);
        gm_text captures[GM_TOPIC_CAPTURES_MAX], topic = gm_text_of(rules[index][2]);
        gm_string filter = { 0 };
        gm_topic_template_filter(&rule, &filter);
        gm_text made = { filter.data, filter.size };
        assert_true(gm_text_equal(made, rules[index][1]));
        assert_true(gm_mqtt_is_filter(made));
        assert_true(gm_topic_template_match(&rule, topic, captures));
        assert_true(gm_mqtt_filter_matches(made, topic));
        gm_string_free(&filter);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_topic_name_is_not_empty_and_has_no_wildcard),
        cmocka_unit_test(a_text_is_utf8_without_nul),
        cmocka_unit_test(every_byte_is_judged_at_every_place),
        cmocka_unit_test(a_text_has_at_most_65535_bytes),
        cmocka_unit_test(wildcards_fill_whole_levels_of_a_filter),
        cmocka_unit_test(a_filter_covers_what_the_standard_says),
        cmocka_unit_test(leading_wildcards_do_not_cover_dollar_topics),
        cmocka_unit_test(names_are_compared_byte_for_byte),
        cmocka_unit_test(a_shared_filter_has_a_name_and_a_filter),
        cmocka_unit_test(random_filters_match_as_the_definition_says),
        cmocka_unit_test(a_template_gives_its_captures),
        cmocka_unit_test(a_template_matches_level_by_level),
        cmocka_unit_test(a_wrong_template_is_refused_with_its_level),
        cmocka_unit_test(a_template_has_limits),
        cmocka_unit_test(what_a_template_matches_its_filter_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
