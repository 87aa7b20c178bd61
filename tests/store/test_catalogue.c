// The catalogue and the events: what was put is seen at once, and after reopening.

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "store/catalogue.h"
#include "store/opened_store.h"

static void expect_text(opened_store *at, const char *key, const char *text)
{
    void *bytes = NULL;
    size_t size = 0;
    gm_status status = gm_catalogue_get(at->store, key, &bytes, &size, NULL);
    assert_int_equal(status, text != NULL ? GM_OK : GM_NOT_FOUND);
    if (text != NULL) {
        assert_int_equal(size, strlen(text));
        assert_string_equal(bytes, text);
        gm_memory_free(bytes);
    }
}

static void put_text(opened_store *at, const char *key, const char *text)
{
    assert_int_equal(gm_catalogue_put(at->store, key, text, strlen(text), NULL), GM_OK);
}

static void what_was_put_is_seen(void **state)
{
    opened_store *at = *state;
    expect_text(at, "score/air", NULL);
    put_text(at, "score/air", "0.31");
    expect_text(at, "score/air", "0.31");
    put_text(at, "score/air", "0.30");
    put_text(at, "empty", "");
    expect_text(at, "score/air", "0.30");
    reopen_store(at);
    expect_text(at, "score/air", "0.30");
    expect_text(at, "empty", "");
    assert_int_equal(gm_catalogue_remove(at->store, "score/air", NULL), GM_OK);
    assert_int_equal(gm_catalogue_remove(at->store, "never", NULL), GM_OK);
    expect_text(at, "score/air", NULL);
    reopen_store(at);
    expect_text(at, "score/air", NULL);
}

typedef struct joined {
    char text[256];
} joined;

static void join_entry(void *context, const char *key, const void *bytes, size_t size)
{
    joined *all = context;
    size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof all->text - used, "%s=%.*s;", key, (int)size,
             (const char *)bytes);
}

static void entries_are_listed_by_prefix_in_order(void **state)
{
    opened_store *at = *state;
    joined all = { 0 };
    put_text(at, "b/2", "two");
    put_text(at, "b/1", "one");
    put_text(at, "a", "zero");
    put_text(at, "bb", "no");
    assert_int_equal(gm_catalogue_list(at->store, "b/", join_entry, &all, NULL), GM_OK);
    assert_string_equal(all.text, "b/1=one;b/2=two;");
    all.text[0] = '\0';
    assert_int_equal(gm_catalogue_list(at->store, "", join_entry, &all, NULL), GM_OK);
    assert_string_equal(all.text, "a=zero;b/1=one;b/2=two;bb=no;");
}

static void wrong_entries_are_refused(void **state)
{
    opened_store *at = *state;
    char *large = calloc(1, GM_CATALOGUE_VALUE_MAX);
    char key[GM_CATALOGUE_KEY_MAX + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    assert_int_equal(gm_catalogue_put(at->store, "", "x", 1, NULL), GM_INVALID);
    assert_int_equal(gm_catalogue_put(at->store, key, "x", 1, NULL), GM_INVALID);
    assert_int_equal(gm_catalogue_put(at->store, "\xff", "x", 1, NULL), GM_INVALID);
    assert_int_equal(gm_catalogue_put(at->store, "k", large, GM_CATALOGUE_VALUE_MAX, NULL),
                     GM_LIMIT);
    assert_int_equal(gm_catalogue_put(at->store, "k", large, GM_CATALOGUE_VALUE_MAX - 16, NULL),
                     GM_OK);
    void *bytes = NULL;
    size_t size = 0;
    assert_int_equal(gm_catalogue_get(at->store, "k", &bytes, &size, NULL), GM_OK);
    assert_int_equal(size, GM_CATALOGUE_VALUE_MAX - 16);
    gm_memory_free(bytes);
    free(large);
}

static void join_event(void *context, const gm_event_record *event)
{
    joined *all = context;
    size_t used = strlen(all->text);
    snprintf(all->text + used, sizeof all->text - used, "%llu:%s/%s@%lld-%lld %g %s;",
             (unsigned long long)event->id, event->subject, event->kind, (long long)event->start_ns,
             event->end_ns == INT64_MAX ? -1LL : (long long)event->end_ns, event->size,
             event->text);
}

static void expect_events(opened_store *at, const gm_event_query *query, const char *expected)
{
    joined all = { 0 };
    assert_int_equal(gm_event_list(at->store, query, join_event, &all, NULL), GM_OK);
    assert_string_equal(all.text, expected);
}

static void events_are_raised_ended_and_found_by_time(void **state)
{
    opened_store *at = *state;
    uint64_t last = 7;
    assert_int_equal(gm_event_last_id(at->store, &last, NULL), GM_OK);
    assert_int_equal(last, 0);
    gm_event_record lid = { .id = 1,
                            .branch = "live",
                            .subject = "box/air-room",
                            .kind = "lid",
                            .start_ns = 100,
                            .end_ns = INT64_MAX,
                            .known_ns = 103,
                            .size = 2.5,
                            .text = "open" };
    gm_event_record stale = lid;
    stale.id = 2;
    stale.kind = "stale";
    stale.start_ns = 200;
    gm_event_record other = lid;
    other.id = 3;
    other.branch = "study";
    assert_int_equal(gm_event_put(at->store, &lid, NULL), GM_OK);
    assert_int_equal(gm_event_put(at->store, &stale, NULL), GM_OK);
    assert_int_equal(gm_event_put(at->store, &other, NULL), GM_OK);
    gm_event_query query = { .branch = "live", .from_ns = 0, .to_ns = 1000 };
    expect_events(at, &query,
                  "2:box/air-room/stale@200--1 2.5 open;1:box/air-room/lid@100--1 2.5 open;");
    lid.end_ns = 150;
    lid.text = "closed";
    assert_int_equal(gm_event_put(at->store, &lid, NULL), GM_OK);
    reopen_store(at);
    query.from_ns = 150;
    expect_events(at, &query,
                  "2:box/air-room/stale@200--1 2.5 open;1:box/air-room/lid@100-150 2.5 closed;");
    query.max_count = 1;
    expect_events(at, &query, "2:box/air-room/stale@200--1 2.5 open;");
    query.max_count = 0;
    query.from_ns = 151;
    query.to_ns = 199;
    expect_events(at, &query, "");
    query.branch = NULL;
    expect_events(at, &query, "3:box/air-room/lid@100--1 2.5 open;");
    assert_int_equal(gm_event_last_id(at->store, &last, NULL), GM_OK);
    assert_int_equal(last, 3);
}

static void wrong_events_are_refused(void **state)
{
    opened_store *at = *state;
    char *text = calloc(1, GM_EVENT_TEXT_MAX + 2);
    memset(text, 'x', GM_EVENT_TEXT_MAX + 1);
    gm_event_record good = {
        .id = 1, .branch = "live", .subject = "", .kind = "lid", .text = "open"
    };
    gm_event_record nameless = good, endless = good, infinite = good, garbled = good;
    nameless.id = 0;
    endless.text = text;
    infinite.size = INFINITY;
    garbled.subject = "\xc0\x80";
    assert_int_equal(gm_event_put(at->store, &good, NULL), GM_OK);
    assert_int_equal(gm_event_put(at->store, &nameless, NULL), GM_INVALID);
    assert_int_equal(gm_event_put(at->store, &endless, NULL), GM_LIMIT);
    assert_int_equal(gm_event_put(at->store, &infinite, NULL), GM_INVALID);
    assert_int_equal(gm_event_put(at->store, &garbled, NULL), GM_INVALID);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_put_is_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_are_listed_by_prefix_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_entries_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_are_raised_ended_and_found_by_time, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(wrong_events_are_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
