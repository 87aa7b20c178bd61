// Random documents, whole, damaged and cut, through the laws that the codec's fuzz targets check.
// (Their corpora are replayed by the targets themselves.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LLVMFuzzerTestOneInput fuzz_csv_once
#include "../../fuzz/fuzz_csv.c"
#undef LLVMFuzzerTestOneInput
#define LLVMFuzzerTestOneInput fuzz_samples_once
#include "../../fuzz/fuzz_samples.c"
#undef LLVMFuzzerTestOneInput

enum { DOCUMENTS = 20000, TABLES = 20000 };

static size_t draw(uint64_t *seed, size_t count)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (size_t)((*seed >> 16) % count);
}

static void add_one_of(gm_string *out, uint64_t *seed, const char *const *words, size_t count)
{
    gm_string_format(out, "%s", words[draw(seed, count)]);
}

#define ADD_ONE_OF(out, seed, words)                                                               \
    add_one_of(out, seed, words, sizeof(words) / sizeof((words)[0]))

static void add_string(gm_string *out, uint64_t *seed)
{
    static const char *const pieces[] = { "a",        "t2",      "/",
                                          "\xC3\xA4", "\\u00e4", "\\ud83d\\ude00",
                                          "\\n",      "\\\"",    "\\u0000",
                                          "open",     " ",       "\xF0\x9F\x98\x80" };
    gm_string_add(out, "\"", 1);
    for (size_t count = draw(seed, 5); count > 0; count--) {
        ADD_ONE_OF(out, seed, pieces);
    }
    gm_string_add(out, "\"", 1);
}

static void add_value(gm_string *out, uint64_t *seed, int depth)
{
    static const char *const scalars[] = { "0",
                                           "-0",
                                           "1",
                                           "24.5",
                                           "-1e-3",
                                           "1E300",
                                           "1614861060000000000",
                                           "true",
                                           "false",
                                           "null",
                                           "\"2021-03-04T15:51:00Z\"",
                                           "\"2021-03-04T15:51:00.25+01:00\"",
                                           "9007199254740993",
                                           "0.1" };
    size_t kind = draw(seed, 12);
    if (kind == 0 && depth > 0) {
        gm_string_add(out, "[", 1);
        for (size_t count = draw(seed, 3), index = 0; index < count; index++) {
            gm_string_add(out, ",", index > 0);
            add_value(out, seed, depth - 1);
        }
        gm_string_add(out, "]", 1);
    } else if (kind == 1 && depth > 0) {
        gm_string_add(out, "{\"x\" :", 6);
        add_value(out, seed, depth - 1);
        gm_string_add(out, "}", 1);
    } else if (kind < 5) {
        add_string(out, seed);
    } else if (kind == 5) {
        gm_string_format(out, "%.*g", (int)draw(seed, 20) + 1, (double)*seed * 1e-12);
    } else {
        ADD_ONE_OF(out, seed, scalars);
    }
}

static void add_element(gm_string *out, uint64_t *seed)
{
    static const char *const names[] = { "series", "t", "v", "seq", "\\u0076", "unit" };
    gm_string_add(out, "{", 1);
    size_t first = draw(seed, 4), count = 2 + draw(seed, 3);
    for (size_t index = 0; index < count; index++) {
        size_t name = draw(seed, 30) == 0 ? draw(seed, 6) : (first + index) % 4;
        gm_string_format(out, "%s\"%s\": ", index > 0 ? "," : "", names[name]);
        if (name == 0 && draw(seed, 10) > 0) {
            add_string(out, seed);
        } else if (name == 3 && draw(seed, 10) > 0) {
            gm_string_format(out, "%zu", draw(seed, 1000));
        } else {
            add_value(out, seed, 3);
        }
    }
    gm_string_add(out, "}", 1);
}

static void random_documents_read_as_jansson_reads_them(void **state)
{
    (void)state;
    uint64_t seed = 20210304;
    gm_string text = { 0 };
    for (int document = 0; document < DOCUMENTS; document++) {
        text.size = 0;
        gm_string_add(&text, "[", 1);
        for (size_t count = draw(&seed, 6), index = 0; index < count; index++) {
            gm_string_add(&text, ",\n", index > 0 ? 2 : 0);
            if (draw(&seed, 20) == 0) {
                add_value(&text, &seed, 3);
            } else {
                add_element(&text, &seed);
            }
        }
        gm_string_add(&text, "]", 1);
        assert_false(text.failed);
        fuzz_samples_once((const uint8_t *)text.data, text.size);
        text.data[draw(&seed, text.size)] = (char)draw(&seed, 256); // and once damaged
        fuzz_samples_once((const uint8_t *)text.data, text.size);
        fuzz_samples_once((const uint8_t *)text.data, draw(&seed, text.size)); // and cut
    }
    gm_string_free(&text);
}

static void random_tables_do_not_depend_on_portions(void **state)
{
    (void)state;
    static const char *const pieces[] = { "a",   "1.5", "2,5", ",",        ",",  ";",
                                          "\t",  "\n",  "\n",  "\r\n",     "\"", "\"\"",
                                          "\",", ",\"", " ",   "\xC3\xA4", "\r", "\xFF" };
    uint64_t seed = 20230501;
    gm_string text = { 0 };
    for (int table = 0; table < TABLES; table++) {
        text.size = 0;
        gm_string_add(&text, (const char[]){ (char)draw(&seed, 256) }, 1);
        for (size_t count = draw(&seed, 30); count > 0; count--) {
            ADD_ONE_OF(&text, &seed, pieces);
        }
        assert_false(text.failed);
        fuzz_csv_once((const uint8_t *)text.data, text.size);
    }
    gm_string_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_documents_read_as_jansson_reads_them),
        cmocka_unit_test(random_tables_do_not_depend_on_portions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
