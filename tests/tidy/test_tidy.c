// The tree keeps its own rules: floors, purity, sizes, names, comments (design: rooms and floors;
// style). Each rule is tried on this tree, and on samples that break it and that keep it.
#include "tidy/tidy_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FILES_MAX = 3, TESTS_MAX = 200 };

typedef struct sample {
    const char *rule;
    size_t findings;
    struct {
        const char *path, *text;
    } files[FILES_MAX];
} sample;

#define TEN(x) x x x x x x x x x x
#define LINES_70                                                                                   \
    TEN("    x++;\n")                                                                              \
    TEN("    x++;\n")                                                                              \
    TEN("    x++;\n") TEN("    x++;\n") TEN("    x++;\n") TEN("    x++;\n") TEN("    x++;\n")

static const sample samples[] = {
    { "includes_go_down",
      0,
      { { "src/model/a.c", "#include \"num/b.h\"\n#include <gemel/status.h>\n" } } },
    { "includes_go_down", 1, { { "src/num/a.c", "#include \"model/b.h\"\n" } } },
    { "includes_go_down", 1, { { "src/num/a.c", "#include \"codec/b.h\"\n" } } },
    { "includes_go_down", 1, { { "src/base/a.c", "#include <gemel/workers.h>\n" } } },
    { "includes_go_down", 1, { { "src/domain/a.c", "#include \"store/b.h\"\n" } } },
    { "includes_go_down", 1, { { "src/twin/a.c", "#include \"attic/b.h\"\n" } } },
    { "includes_go_down", 1, { { "include/gemel/state.h", "#include \"model/b.h\"\n" } } },
    { "includes_go_down", 1, { { "include/gemel/attic.h", "// x\n" } } },
    { "includes_go_down", 0, { { "src/net/a.c", "#include <libwebsockets.h>\n" } } },
    { "pure_rooms_are_pure", 1, { { "src/assim/a.c", "void f(void)\n{\n    fopen(x, y);\n}\n" } } },
    { "pure_rooms_are_pure", 1, { { "src/num/a.c", "#include <pthread.h>\n" } } },
    { "pure_rooms_are_pure", 0, { { "src/num/workers.c", "#include <pthread.h>\n" } } },
    { "pure_rooms_are_pure", 0, { { "src/store/a.c", "void f(void)\n{\n    fopen(x, y);\n}\n" } } },
    { "pure_rooms_are_pure",
      0,
      { { "src/codec/a.c", "// fopen(x)\nint open_count = a->open(3) + b.time(4);\n" } } },
    { "banned_calls_are_absent", 1, { { "tests/num/a.c", "int x = atoi (y);\n" } } },
    { "banned_calls_are_absent",
      0,
      { { "src/base/a.c", "const char *x = \"strcpy(a, b)\"; // rand()\nint my_rand(void);\n" } } },
    { "banned_calls_are_absent",
      2,
      { { "src/serve/a.c", "void f(void)\n{\n    exit(getenv(x));\n}\n" } } },
    { "banned_calls_are_absent",
      0,
      { { "src/cli/a.c", "void f(void)\n{\n    exit(getenv(x));\n}\n" } } },
    { "no_mutable_globals", 1, { { "src/base/a.c", "static int count;\n" } } },
    { "no_mutable_globals", 1, { { "src/base/a.c", "struct x y = { 1 };\n" } } },
    { "no_mutable_globals", 1, { { "src/base/a.c", "struct { int a; } b;\n" } } },
    { "no_mutable_globals",
      1,
      { { "src/base/a.c",
          "int f(void)\n{\n    static int calls = 0;\n    return calls++;\n}\n" } } },
    { "no_mutable_globals",
      0,
      { { "src/base/a.c",
          "static const int x[] = { 1 };\nstruct a;\nstruct b {\n    int c;\n};\ntypedef struct d "
          "{\n    int e;\n} d;\nenum { F = 1 };\nextern int g(int h);\nint f(void)\n{\n    static "
          "const int i = 1;\n    return i;\n}\n" } } },
    { "no_mutable_globals", 0, { { "src/serve/a.h", "handler answer_one, answer_two;\n" } } },
    { "no_mutable_globals", 1, { { "src/serve/a.h", "static int count;\n" } } },
    { "no_mutable_globals", 0, { { "src/cli/a.c", "static volatile sig_atomic_t stopping;\n" } } },
    { "functions_fit_a_page", 1, { { "src/base/a.c", "void f(int x)\n{\n" LINES_70 "}\n" } } },
    { "functions_fit_a_page",
      0,
      { { "src/base/a.c", "void f(int x)\n{\n" TEN(TEN("\n") "}\nvoid g(int x)\n{\n") "}\n" } } },
    { "files_are_short", 1, { { "src/base/a.c", TEN(TEN(TEN("\n"))) "\n" } } },
    { "files_are_short", 0, { { "src/base/a.c", TEN(TEN(TEN("\n"))) } } },
    { "parameters_are_few",
      1,
      { { "src/base/a.c", "static void f(int a, int b, int c, int d, int e, int f)\n{\n}\n" } } },
    { "parameters_are_few",
      1,
      { { "src/base/a.h",
          "int f(int a, int b, int c, int d, int e, int f) __attribute__((pure));\n" } } },
    { "parameters_are_few",
      0,
      { { "src/base/a.h", "int f(int a, int b, int c, int d, int e, gm_error *error);\n" } } },
    { "parameters_are_few",
      0,
      { { "src/base/a.c", "int g(int a, void (*b)(int, int, int, int, int, int), int c, int d, int "
                          "e)\n{\n    return f(1, 2, 3, 4, 5, 6);\n}\n" } } },
    { "lines_fit", 1, { { "src/base/a.c", "// " TEN("1234567890") "\n" } } },
    { "lines_fit",
      0,
      { { "src/base/a.c", "//" TEN("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9") "\n" } } },
    { "lines_fit", 1, { { "src/base/a.c", "\tint x;\n" } } },
    { "file_names_are_unique", 1, { { "src/base/a.c", "" }, { "tests/num/a.c", "" } } },
    { "file_names_are_unique", 0, { { "src/base/a.c", "" }, { "tests/num/b.c", "" } } },
    { "files_say_what_they_are", 1, { { "src/base/a.c", "int x;\n" } } },
    { "files_say_what_they_are", 1, { { "tools/a", "#!/bin/sh\nset -e\n" } } },
    { "files_say_what_they_are",
      0,
      { { "src/base/a.c", "// X.\n" }, { "tools/a", "#!/bin/sh\n# X.\n" } } },
    { "declared_functions_are_documented", 1, { { "src/base/a.h", "// X.\n\nint f(void);\n" } } },
    { "declared_functions_are_documented",
      1,
      { { "include/gemel/status.h", "// X.\nint f(void);\n" } } },
    { "declared_functions_are_documented",
      0,
      { { "src/base/a.h",
          "int f(void); // X\n\nstatic inline int g(void)\n{\n    return 1;\n}\n" } } },
    { "declared_functions_are_documented",
      0,
      { { "include/gemel/status.h", "/// X\n/// y.\nint f(void);\nint g(void);\n" } } },
    { "declared_functions_are_documented",
      0,
      { { "src/base/a.h", "typedef int (*f)(void);\nstruct g {\n    int (*h)(void);\n};\n" } } },
    { "no_file_is_an_orphan", 1, { { "src/base/a.h", "" }, { "src/base/b.c", "// a.h\n" } } },
    { "no_file_is_an_orphan",
      0,
      { { "src/base/a.h", "" }, { "src/base/b.c", "#include \"base/a.h\"\n" } } },
    { "no_file_is_an_orphan", 1, { { "src/attic/b.c", "" } } },
    { "no_file_is_an_orphan", 1, { { "tests/base/b.c", "" } } },
    { "no_file_is_an_orphan", 1, { { "examples/x/world.yaml", "" } } },
    { "no_file_is_an_orphan",
      0,
      { { "examples/x/world.yaml", "" }, { "README.md", "examples/x/world.yaml" } } },
    { "no_file_is_an_orphan", 1, { { "fuzz/corpus/csv/1", "" }, { "fuzz/fuzz_yaml.c", "" } } },
    { "no_file_is_an_orphan", 0, { { "fuzz/corpus/csv/1", "" }, { "fuzz/fuzz_csv.c", "" } } },
    { "no_file_is_an_orphan",
      0,
      { { "tests/world/bad/1.yaml", "" }, { "tests/world/test_x.c", "\"tests/world/bad\"" } } },
    { "no_words_of_one_machine",
      1,
      { { "README.md", "see /wor"
                       "k/main\n" } } },
    { "no_words_of_one_machine", 0, { { "README.md", "the work/main\n" } } },
};

static tidy_tree this_tree;

static int read_tree(void **state)
{
    (void)state;
    tidy_read(GEMEL_SOURCE_DIR, &this_tree);
    return this_tree.count > 0 ? 0 : -1;
}

static int free_tree(void **state)
{
    (void)state;
    tidy_free(&this_tree);
    return 0;
}

static void the_tree_keeps_the_rule(void **state)
{
    const tidy_rule *rule = *state;
    tidy_report report = { .rule = rule->name };
    rule->check(&this_tree, &report);
    assert_int_equal(report.count, 0);
}

static void the_rule_judges_its_sample(void **state)
{
    const sample *tried = *state;
    tidy_tree tree = { 0 };
    for (size_t i = 0; i < FILES_MAX && tried->files[i].path; i++) {
        tidy_add(&tree, tried->files[i].path, tried->files[i].text, strlen(tried->files[i].text));
    }
    tidy_report report = { .rule = tried->rule, .quiet = true };
    bool found = false;
    for (size_t i = 0; i < tidy_rule_count; i++) {
        if (strcmp(tidy_rules[i].name, tried->rule) == 0) {
            tidy_rules[i].check(&tree, &report);
            found = true;
        }
    }
    tidy_free(&tree);
    assert_true(found);
    if (report.count != tried->findings) {
        print_error("in:\n%s\nlast finding: %s\n", tried->files[0].text, report.last);
    }
    assert_int_equal(report.count, tried->findings);
}

static void every_rule_has_a_sample_that_breaks_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < tidy_rule_count; i++) {
        bool found = false;
        for (size_t k = 0; k < sizeof(samples) / sizeof(samples[0]); k++) {
            found = found || (samples[k].findings && !strcmp(samples[k].rule, tidy_rules[i].name));
        }
        assert_true(found);
    }
}

// objdump -t: "offset flags section<tab>size name"; an object in a section that is written to while
// the program runs
static bool is_mutable_object(const char *line)
{
    char section[100];
    const char *tab = strchr(line, '\t');
    if (!tab || sscanf(line + strcspn(line, " ") + 8, "%99s", section) != 1) {
        return false;
    }
    bool writable = !strcmp(section, "*COM*") || tidy_starts(section, ".bss") ||
                    tidy_starts(section, ".tbss") || tidy_starts(section, ".tdata") ||
                    (tidy_starts(section, ".data") && !tidy_starts(section, ".data.rel.ro"));
    bool is_exception = strstr(line, " library_lock") != NULL; // of base/units.c, see tidy_rules.c
    return writable && !is_exception && (strstr(line, " O ") || strstr(line, " *COM*"));
}

// What the scanner may miss the linker knows: no library below cli holds an object that can change
static void libraries_hold_no_mutable_objects(void **state)
{
    (void)state;
    if (GEMEL_SANITIZE[0] != '\0') {
        skip(); // the sanitizers add their own
    }
    if (access(GEMEL_BUILD_DIR "/libgm_base.a", R_OK) != 0) {
        skip(); // only this test was built
    }
    FILE *objects =
        popen("ls " GEMEL_BUILD_DIR "/libgm_*.a | grep -v libgm_cli.a | xargs objdump -t", "r");
    assert_non_null(objects);
    char line[1000], file[500] = "";
    size_t line_count = 0, found = 0;
    while (fgets(line, sizeof(line), objects)) {
        line_count++;
        if (strstr(line, "file format")) {
            snprintf(file, sizeof(file), "%.*s", (int)strcspn(line, ":"), line);
        } else if (is_mutable_object(line)) {
            fprintf(stderr, "tidy: %s holds an object that can change: %s", file, line);
            found++;
        }
    }
    assert_int_equal(pclose(objects), 0);
    assert_true(line_count > 0);
    assert_int_equal(found, 0);
}

int main(void)
{
    static struct CMUnitTest tests[TESTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < tidy_rule_count; i++) {
        tests[count++] = (struct CMUnitTest){ .name = tidy_rules[i].name,
                                              .test_func = the_tree_keeps_the_rule,
                                              .initial_state = (void *)(uintptr_t)&tidy_rules[i] };
    }
    for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        tests[count++] = (struct CMUnitTest){ .name = samples[i].rule,
                                              .test_func = the_rule_judges_its_sample,
                                              .initial_state = (void *)(uintptr_t)&samples[i] };
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(every_rule_has_a_sample_that_breaks_it);
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(libraries_hold_no_mutable_objects);
    return _cmocka_run_group_tests("tidy", tests, count, read_tree, free_tree);
}
