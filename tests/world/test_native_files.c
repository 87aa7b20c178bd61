// Native files: one that a system names, one that is a world alone; what they warn of and how long
// a run they ask for.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world/pipe_domain.h"
#include "world/world_fixture.h"

static const gm_domain *const domains[] = { &pipe_domain, &box_domain };

static gm_status read_native(const char *file, gm_text bytes, const memory_file *files,
                             gm_world **world, gm_error *error)
{
    gm_world_options options = { .domains = domains,
                                 .domain_count = 2,
                                 .files = { (void *)(uintptr_t)files,
                                            files != NULL ? read_memory : NULL } };
    return gm_world_read(file, bytes.data, bytes.size, &options, world, error);
}

static gm_world *must_read(const char *file, const char *text, const memory_file *files)
{
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (read_native(file, gm_text_of(text), files, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static void refuse(const char *file, gm_text bytes, const memory_file *files, gm_status expected,
                   const char *why)
{
    gm_world *world = NULL;
    gm_error error = { 0 };
    assert_int_equal(read_native(file, bytes, files, &world, &error), expected);
    if (strstr(error.text, why) == NULL) {
        fail_msg("'%s' does not say '%s'", error.text, why);
    }
    assert_null(world);
}

typedef struct row_tally {
    size_t count;
    double last_s, first_flow, last_volume;
} row_tally;

static gm_status take_row(void *context, const gm_world_row *row, gm_error *error)
{
    (void)error;
    row_tally *tally = context;
    tally->count++;
    tally->last_s = row->time_s;
    if (strcmp(row->field, "flow") == 0 && row->time_s == 0.0) {
        tally->first_flow = row->value;
    }
    if (strcmp(row->field, "volume") == 0) {
        tally->last_volume = row->value;
    }
    return GM_OK;
}

static row_tally simulate(const gm_world *world, int64_t until_ns, int64_t every_ns)
{
    static const char *const fields[] = { "*/pipe/*/flow", "*/pipe/*/volume" };
    row_tally tally = { 0 };
    gm_error error = { 0 };
    gm_simulate_options options = { .until_ns = until_ns,
                                    .every_ns = every_ns,
                                    .fields = fields,
                                    .field_count = 2,
                                    .context = &tally,
                                    .row = take_row };
    if (gm_world_simulate(world, &options, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return tally;
}

static void a_system_reads_the_file_it_names(void **state)
{
    (void)state;
    const memory_file files[] = { { "town.pip", "main 0.25\n" }, { 0 } };
    gm_world *world = must_read("w.yaml",
                                "world: w\nsystems:\n"
                                "  town: {model: pipes, network: town.pip, pipes: {side: {share: "
                                "0.5}}}\n"
                                "  other: {model: pipes, network: town.pip}\n",
                                files);
    gm_ref ref;
    assert_int_equal(gm_world_find_one(world, "town/pipe/main/flow", (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
    assert_int_equal(gm_world_find_one(world, "town/pipe/side/flow", (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
    assert_int_equal(gm_world_find_one(world, "other/pipe/side/flow", (gm_place){ 0 }, &ref, NULL),
                     GM_NOT_FOUND);
    assert_int_equal(gm_world_length_ns(world), -1);
    assert_int_equal(gm_world_every_ns(world), 0);
    assert_int_equal(gm_world_warning_count(world), 0);
    gm_world_close(world);
}

static void an_error_in_a_file_names_its_line(void **state)
{
    (void)state;
    const memory_file files[] = { { "town.pip", "main 0.25\nside\n" }, { 0 } };
    gm_text text = gm_text_of("world: w\nsystems: {town: {model: pipes, network: town.pip}}\n");
    refuse("w.yaml", text, files, GM_INVALID, "town.pip:2:1: expected a name and a number");
    refuse("nets/Town.PIP", gm_text_of("main 0.25\nside 7\n"), NULL, GM_INVALID,
           "nets/Town.PIP:2:1: ");
    refuse("Town.pip", (gm_text){ "main\0 0.25\n", 11 }, NULL, GM_INVALID, "a NUL is in it");
    refuse("Town.pip", gm_text_of(""), NULL, GM_INVALID, "a network without pipes");
}

static void what_cannot_be_read_names_the_world_file(void **state)
{
    (void)state;
    const memory_file files[] = { { 0 } };
    gm_text text = gm_text_of("world: w\nsystems: {town: {model: pipes, network: lost.pip}}\n");
    refuse("w.yaml", text, files, GM_NOT_FOUND,
           "w.yaml:2:41: network: there is no file 'lost.pip'");
    refuse("w.yaml", text, NULL, GM_INVALID, "w.yaml:2:41: network: files are not offered here");
    text = gm_text_of("world: w\nsystems: {town: {model: pipes, network: [lost.pip]}}\n");
    refuse("w.yaml", text, files, GM_INVALID, "expected a text, got a list");
    text = gm_text_of("world: w\nsystems: {box: {model: thermal, nodes: {a: {capacity: 1}}, "
                      "network: town.pip}}\n");
    refuse("w.yaml", text, files, GM_INVALID, "unknown key 'network'");
}

static void a_native_file_alone_is_a_world(void **state)
{
    (void)state;
    gm_world *world = must_read("nets/My Town.v2.Pip", "main 0.25\nlength 7200\nevery 600\n", NULL);
    assert_string_equal(gm_world_name(world), "My_Town.v2");
    assert_int_equal(world->system_count, 1);
    assert_string_equal(world->systems[0].name, "My_Town.v2");
    assert_int_equal(gm_world_lanes(world), 1);
    assert_int_equal(gm_world_length_ns(world), 7200 * GM_SECOND_NS);
    assert_int_equal(gm_world_every_ns(world), 600 * GM_SECOND_NS);
    row_tally tally = simulate(world, gm_world_length_ns(world), gm_world_every_ns(world));
    assert_int_equal(tally.count, 2 * 13);
    assert_true(tally.last_s == 7200.0);
    assert_true(tally.last_volume == 0.25 * 7200.0);
    gm_world_close(world);
    world = must_read("caf\303\251.pip", "main 0.25\n", NULL);
    assert_string_equal(gm_world_name(world), "caf__");
    gm_world_close(world);
}

static void the_first_rows_agree_with_the_inputs(void **state)
{
    (void)state;
    gm_world *world = must_read("t.pip", "main 0.25\nlength 0\n", NULL);
    assert_int_equal(gm_world_length_ns(world), 0);
    row_tally tally = simulate(world, 0, GM_SECOND_NS);
    assert_int_equal(tally.count, 2);
    assert_true(tally.first_flow == 0.25);
    assert_true(tally.last_volume == 0.0);
    gm_world_close(world);
}

static void warnings_are_kept_up_to_a_limit(void **state)
{
    (void)state;
    gm_world *world = must_read("t.pip", "[ENERGY]\nmain 0.25\n[QUALITY]\n", NULL);
    assert_int_equal(gm_world_warning_count(world), 2);
    assert_string_equal(gm_world_warning_at(world, 0), "t.pip:1:1: [ENERGY] is not supported");
    assert_string_equal(gm_world_warning_at(world, 1), "t.pip:3:1: [QUALITY] is not supported");
    gm_world_close(world);
    gm_string text = { 0 };
    for (int line = 0; line < GM_WARNINGS_MAX + 7; line++) {
        gm_string_format(&text, "[PART %d]\n", line);
    }
    gm_string_format(&text, "main 0.25\n");
    world = must_read("t.pip", text.data, NULL);
    gm_string_free(&text);
    assert_int_equal(gm_world_warning_count(world), GM_WARNINGS_MAX + 1);
    assert_string_equal(gm_world_warning_at(world, GM_WARNINGS_MAX), "t: and 7 more");
    gm_world_close(world);
}

static void an_incomplete_domain_is_refused(void **state)
{
    (void)state;
    gm_error error = { 0 };
    gm_domain domain = pipe_domain;
    domain.file_suffix = NULL;
    assert_int_equal(gm_domain_check(&domain, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "file_key and file_suffix"));
    domain = box_domain;
    domain.tickless = true;
    assert_int_equal(gm_domain_check(&domain, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "tickless"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_system_reads_the_file_it_names),
        cmocka_unit_test(an_error_in_a_file_names_its_line),
        cmocka_unit_test(what_cannot_be_read_names_the_world_file),
        cmocka_unit_test(a_native_file_alone_is_a_world),
        cmocka_unit_test(the_first_rows_agree_with_the_inputs),
        cmocka_unit_test(warnings_are_kept_up_to_a_limit),
        cmocka_unit_test(an_incomplete_domain_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
