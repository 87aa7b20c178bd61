// A world file on disk opens with the domains of this build and the tables beside it; what is no
// such file is refused.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "world/world_parts.h"

static char folder[] = "/tmp/gemel-world-XXXXXX";

static const char *path_of(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    char path[256];
    FILE *file = fopen(path_of(name, path), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
    assert_int_equal(fclose(file), 0);
}

static const char house[] =
    "world: house\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { each: rooms.csv, $id: {capacity: $capacity, temperature: 20 degC}, out: {fixed: "
    "true} }\n"
    "    paths: { each: rooms.csv, $id-out: {conductance: 0.7 W/K} }\n"
    "sensors: { t: {field: box/hall/temperature, unit: degC, noise: 0.1 degC} }\n"
    "record: { \"box/*/temperature\": 1 s }\n";

static gm_status count_row(void *context, const gm_world_row *row, gm_error *error)
{
    (void)error;
    size_t *rows = context;
    assert_true(isfinite(row->value));
    ++*rows;
    return GM_OK;
}

static void a_file_opens_with_the_tables_beside_it(void **state)
{
    (void)state;
    char path[256];
    put("house.yaml", house);
    put("rooms.csv", "id,capacity\nhall,690 J/K\nbath,1 kJ/K\n");
    gm_world *world = NULL;
    gm_error error = { 0 };
    if (gm_world_open(path_of("house.yaml", path), &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(gm_world_name(world), "house");
    assert_int_equal(gm_world_lanes(world), 64);
    assert_int_equal(gm_world_cycle_ns(world), GM_SECOND_NS);
    size_t rows = 0;
    gm_simulate_options options = { .until_ns = 60 * GM_SECOND_NS,
                                    .every_ns = 20 * GM_SECOND_NS,
                                    .context = &rows,
                                    .row = count_row };
    assert_int_equal(gm_world_simulate(world, &options, &error), GM_OK);
    assert_int_equal(rows, 4 * 3);
    gm_world_close(world);
    gm_world_close(NULL);
}

static void what_is_no_file_is_refused(void **state)
{
    (void)state;
    char path[256];
    gm_world *world = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_world_open(path_of("absent.yaml", path), &world, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "absent.yaml"));
    assert_int_equal(gm_world_open(folder, &world, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "is not a file"));
    assert_int_equal(mkfifo(path_of("pipe", path), 0600), 0);
    assert_int_equal(gm_world_open(path, &world, &error),
                     GM_INVALID); // and does not wait for a writer
    FILE *huge = fopen(path_of("huge.yaml", path), "w");
    assert_non_null(huge);
    assert_int_equal(ftruncate(fileno(huge), (off_t)GM_WORLD_FILE_MAX + 1), 0);
    fclose(huge);
    assert_int_equal(gm_world_open(path, &world, &error), GM_LIMIT);
    put("empty.yaml", "");
    assert_int_equal(gm_world_open(path_of("empty.yaml", path), &world, &error), GM_INVALID);
    put("lost.yaml", "world: w\nsystems: {each: nowhere.csv, $id: {model: thermal}}\n");
    assert_int_equal(gm_world_open(path_of("lost.yaml", path), &world, &error), GM_NOT_FOUND);
    assert_non_null(strstr(error.text, "lost.yaml:2:17: "));
    assert_null(world);
}

static void zones_stay_within_their_folder(void **state)
{
    (void)state;
    gm_files files = gm_default_files(folder);
    void *bytes = NULL;
    size_t size = 0;
    gm_error error = { 0 };
    assert_int_equal(
        files.read(files.context, GM_FILE_ZONE, "Europe/Berlin", &bytes, &size, &error), GM_OK);
    assert_true(size > 4 && memcmp(bytes, "TZif", 4) == 0);
    gm_memory_free(bytes);
    static const char *const names[] = { "../../../etc/passwd",
                                         "/etc/passwd",
                                         "Europe//Berlin",
                                         "Europe/",
                                         "",
                                         "Europe/Ber\nlin",
                                         "Europe/.",
                                         "a b" };
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        assert_int_equal(
            files.read(files.context, GM_FILE_ZONE, names[index], &bytes, &size, &error),
            GM_INVALID);
    }
    assert_int_equal(files.read(files.context, GM_FILE_ZONE, "Europe", &bytes, &size, &error),
                     GM_INVALID);
    assert_int_equal(files.read(files.context, GM_FILE_ZONE, "Atlantis", &bytes, &size, &error),
                     GM_NOT_FOUND);
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) != NULL ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    static const char *const names[] = { "house.yaml", "rooms.csv",  "pipe",
                                         "huge.yaml",  "empty.yaml", "lost.yaml" };
    char path[256];
    for (size_t index = 0; index < sizeof names / sizeof *names; index++) {
        unlink(path_of(names[index], path));
    }
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_opens_with_the_tables_beside_it),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test(zones_stay_within_their_folder),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
