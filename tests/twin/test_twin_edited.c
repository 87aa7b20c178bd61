// What becomes of a twin whose world file was edited between two runs, whose files were damaged, or
// whose folder somebody else has open.
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "rig_steps.h"

enum { STEPS = 120 };

/// The rig's world with one text in place of another. Owner: the caller, with free.
static gm_world *edited_world(const char *from, const char *to)
{
    const char *place = strstr(rig_world, from);
    assert_non_null(place);
    size_t size = strlen(rig_world) + strlen(to) + 1;
    char *text = malloc(size);
    assert_non_null(text);
    snprintf(text, size, "%.*s%s%s", (int)(place - rig_world), rig_world, to, place + strlen(from));
    gm_world *world = rig_world_open(text);
    free(text);
    return world;
}

static const char t2_line[] =
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 3 s, "
    "range: [-20, 80] }\n";
static const char room_line[] =
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC, ahead: hold "
    "}\n";

static gm_world *reordered_world(void)
{
    char from[512], to[512];
    snprintf(from, sizeof from, "%s%s", t2_line, room_line);
    snprintf(to, sizeof to, "%s%s", room_line, t2_line);
    return edited_world(from, to);
}

/// The rig's samples under the numbers that sensors have in another world.
static void renumber(gm_sample *samples, size_t count, const gm_world *from, const gm_world *to)
{
    for (size_t index = 0; index < count; index++) {
        samples[index].sensor = gm_world_find_sensor(to, from->sensors[samples[index].sensor].name);
    }
}

static gm_sensor_status sensor_of(gm_twin *twin, const char *name)
{
    gm_sensor_status status;
    gm_twin_sensor(twin, gm_world_find_sensor(gm_twin_world(twin), name), &status);
    return status;
}

static void expect_same_sensors(gm_twin *twin, const gm_sensor_status *t2,
                                const gm_sensor_status *room)
{
    gm_sensor_status now = sensor_of(twin, "t2");
    assert_int_equal(now.time_ns, t2->time_ns);
    assert_true(now.value == t2->value && fabs(now.estimate - t2->estimate) < 0.1);
    now = sensor_of(twin, "room");
    assert_int_equal(now.time_ns, room->time_ns);
    assert_true(now.value == room->value);
}

static void reordered_sensors_go_on_as_they_were(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *first = rig_world_open(rig_world), *second = reordered_world();
    gm_sample *samples = rig_record(31, STEPS);
    gm_twin *twin = rig_twin_open(first, folder.path, 1);
    rig_feed(twin, samples, 3 * STEPS - 30);
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_sensor_status t2 = sensor_of(twin, "t2"), room = sensor_of(twin, "room");
    gm_twin_close(twin);
    // there and back, a few times: the journal holds records of both numberings
    for (int round = 0; round < 4; round++) {
        gm_world *world = round % 2 == 0 ? second : first;
        twin = rig_twin_open(world, folder.path, 1);
        expect_same_sensors(twin, &t2, &room);
        gm_twin_close(twin);
    }
    twin = rig_twin_open(first, folder.path, 1);
    assert_int_equal(gm_twin_hash(twin), hash);
    gm_twin_close(twin);
    twin = rig_twin_open(second, folder.path, 1);
    renumber(samples, 3 * STEPS, first, second);
    rig_feed(twin, samples, 3 * STEPS); // the sender repeats from the start
    rig_settle(twin);
    assert_int_equal(rig_status(twin).accepted, 3 * STEPS);
    t2 = sensor_of(twin, "t2");
    room = sensor_of(twin, "room");
    gm_twin_close(twin);
    for (int round = 0; round < 3; round++) {
        twin = rig_twin_open(round % 2 == 0 ? first : second, folder.path, 1);
        expect_same_sensors(twin, &t2, &room);
        assert_int_equal(rig_status(twin).accepted, 3 * STEPS);
        gm_twin_close(twin);
    }
    gm_world_close(first);
    gm_world_close(second);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

/// Values of one address, their mean.
static double mean_of(gm_twin *twin, const char *address)
{
    gm_ref ref;
    gm_error error = { 0 };
    if (gm_world_find_one(gm_twin_world(twin), address, (gm_place){ 0 }, &ref, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    gm_twin_view view;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    double *values = gm_memory_new(gm_state_lanes(view.state), sizeof *values);
    assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
    gm_summary summary;
    gm_summarise(view.state, values, &summary);
    gm_memory_free(values);
    gm_twin_look_away(twin, &view);
    return summary.mean;
}

static const char t9_line[] =
    "  t9:   { field: box/wall/temperature, from: http, unit: degC, noise: 0.1 degC }\n";

static void a_world_grows_and_shrinks_under_a_twin(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *small = rig_world_open(rig_world);
    char systems_from[] = "room: {fixed: true} }\n"
                          "    paths: {";
    char systems_to[] = "wall: {capacity: 900 J/K}, room: {fixed: true} }\n"
                        "    paths: { air-wall: {conductance: 0.2 W/K},";
    char sensors[1024], whole[4096];
    snprintf(sensors, sizeof sensors, "%s%s", t9_line, t2_line);
    const char *place = strstr(rig_world, systems_from);
    snprintf(whole, sizeof whole, "%.*s%s%s", (int)(place - rig_world), rig_world, systems_to,
             place + strlen(systems_from));
    char large_text[4096];
    place = strstr(whole, t2_line);
    snprintf(large_text, sizeof large_text, "%.*s%s%s", (int)(place - whole), whole, sensors,
             place + strlen(t2_line));
    gm_world *large = rig_world_open(large_text);

    gm_sample *samples = rig_record(32, STEPS);
    gm_twin *twin = rig_twin_open(small, folder.path, 1);
    rig_feed(twin, samples, 3 * STEPS / 2);
    double air_k = mean_of(twin, "box/air/temperature");
    gm_sensor_status t2 = sensor_of(twin, "t2");
    gm_twin_close(twin);

    twin = rig_twin_open(large, folder.path, 1);
    assert_true(fabs(mean_of(twin, "box/air/temperature") - air_k) < 1.0);
    assert_int_equal(sensor_of(twin, "t2").time_ns, t2.time_ns);
    assert_int_equal(sensor_of(twin, "t9").time_ns, INT64_MIN);
    renumber(samples, 3 * STEPS, small, large);
    rig_feed(twin, samples, 3 * STEPS);
    gm_sample wall = samples[3 * STEPS - 1];
    wall.sensor = gm_world_find_sensor(large, "t9");
    wall.value = 25.0;
    assert_int_equal(rig_submit(twin, wall), GM_SAMPLE_ACCEPTED);
    rig_settle(twin);
    assert_int_equal(sensor_of(twin, "t9").time_ns, wall.time_ns);
    assert_int_equal(rig_status(twin).accepted, 3 * STEPS + 1);
    air_k = mean_of(twin, "box/air/temperature");
    gm_twin_close(twin);

    renumber(samples, 3 * STEPS, large, small);
    for (int restarts = 0; restarts < 3; restarts++) {
        twin = rig_twin_open(small, folder.path, 1);
        assert_true(fabs(mean_of(twin, "box/air/temperature") - air_k) < 1.0);
        assert_int_equal(rig_submit(twin, samples[3 * STEPS - 1]), GM_SAMPLE_DUPLICATE);
        assert_int_equal(rig_submit(twin, samples[0]), GM_SAMPLE_DUPLICATE);
        gm_twin_close(twin);
    }
    gm_world_close(small);
    gm_world_close(large);
    gm_memory_free(samples);
    rig_remove(folder.path);
}

/// @return the error of an opening that must fail
static gm_error refused(const gm_world *world, const char *folder, gm_status status)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    options.replay = true;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_twin_open(world, &options, &twin, &error), status);
    assert_null(twin);
    assert_true(error.text[0] != '\0');
    return error;
}

/// A folder with a twin that has lived for a while.
static rig_folder lived_in(const gm_world *world)
{
    rig_folder folder = rig_folder_make();
    gm_sample *samples = rig_record(33, STEPS);
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    rig_feed(twin, samples, 3 * STEPS);
    rig_settle(twin);
    gm_twin_close(twin);
    gm_memory_free(samples);
    return folder;
}

static void another_number_of_lanes_is_refused(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world), *other = edited_world("lanes: 64", "lanes: 32");
    rig_folder folder = lived_in(world);
    gm_error error = refused(other, folder.path, GM_INVALID);
    assert_non_null(strstr(error.text, "lanes"));
    gm_twin_close(rig_twin_open(world, folder.path, 1)); // still whole
    gm_world_close(world);
    gm_world_close(other);
    rig_remove(folder.path);
}

static void another_cycle_goes_on_at_its_own_ends(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world), *other = edited_world("cycle: 3 s", "cycle: 7 s");
    rig_folder folder = lived_in(world);
    gm_twin *twin = rig_twin_open(other, folder.path, 1);
    int64_t time_ns = rig_status(twin).time_ns + 100 * GM_SECOND_NS;
    rig_cycle(twin, time_ns);
    assert_int_equal(rig_status(twin).time_ns, time_ns / other->cycle_ns * other->cycle_ns);
    gm_twin_close(twin);
    gm_world_close(world);
    gm_world_close(other);
    rig_remove(folder.path);
}

static void a_folder_has_one_twin_at_a_time(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    rig_folder folder = rig_folder_make();
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    refused(world, folder.path, GM_BUSY);
    gm_twin_close(twin);
    gm_twin_close(rig_twin_open(world, folder.path, 1));
    gm_world_close(world);
    rig_remove(folder.path);
}

/// Changes one byte of a file in its middle.
static void flip(const char *path)
{
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    struct stat about;
    assert_int_equal(fstat(file, &about), 0);
    off_t at = about.st_size / 2;
    unsigned char byte;
    assert_int_equal(pread(file, &byte, 1, at), 1);
    byte ^= 0x5a;
    assert_int_equal(pwrite(file, &byte, 1, at), 1);
    close(file);
}

/// Flips a byte in the newest snapshots of a folder. @return how many there are
static size_t flip_snapshots(const char *folder, size_t count)
{
    char path[512];
    snprintf(path, sizeof path, "%s/snapshots", folder);
    struct dirent **names = NULL;
    int found = scandir(path, &names, NULL, alphasort);
    assert_true(found > 2);
    for (int index = 0; index < found; index++) {
        if (names[index]->d_name[0] != '.' && (size_t)(found - index) <= count) {
            snprintf(path, sizeof path, "%s/snapshots/%s", folder, names[index]->d_name);
            flip(path);
        }
        free(names[index]);
    }
    free(names);
    return (size_t)found - 2;
}

static void a_damaged_snapshot_is_passed_over(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    rig_folder folder = lived_in(world);
    gm_twin *twin = rig_twin_open(world, folder.path, 1);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_status before = rig_status(twin);
    gm_twin_close(twin);
    assert_true(flip_snapshots(folder.path, 1) > 1);
    twin = rig_twin_open(world, folder.path, 1);
    assert_int_equal(gm_twin_hash(twin), hash);
    assert_int_equal(rig_status(twin).accepted, before.accepted);
    gm_twin_close(twin);
    flip_snapshots(folder.path, 100);
    gm_error error = refused(world, folder.path, GM_CORRUPT);
    assert_non_null(strstr(error.text, "snapshot"));
    gm_world_close(world);
    rig_remove(folder.path);
}

static void a_damaged_journal_is_named(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(rig_world);
    rig_folder folder = lived_in(world);
    char path[512];
    snprintf(path, sizeof path, "%s/journal.db", folder.path);
    sqlite3 *database = NULL;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    sqlite3_stmt *tables = NULL;
    assert_int_equal(
        sqlite3_prepare_v2(database,
                           "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) "
                           "c WHERE m.type = 'table' AND c.type = 'BLOB'",
                           -1, &tables, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_step(tables), SQLITE_ROW);
    char command[512];
    const unsigned char *table = sqlite3_column_text(tables, 0);
    const unsigned char *column = sqlite3_column_text(tables, 1);
    snprintf(command, sizeof command, "UPDATE \"%s\" SET \"%s\" = zeroblob(length(\"%s\"))", table,
             column, column);
    sqlite3_finalize(tables);
    assert_int_equal(sqlite3_exec(database, command, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(database);
    gm_error error = refused(world, folder.path, GM_CORRUPT);
    assert_non_null(strstr(error.text, "journal"));
    gm_world_close(world);
    rig_remove(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reordered_sensors_go_on_as_they_were),
        cmocka_unit_test(a_world_grows_and_shrinks_under_a_twin),
        cmocka_unit_test(another_number_of_lanes_is_refused),
        cmocka_unit_test(another_cycle_goes_on_at_its_own_ends),
        cmocka_unit_test(a_folder_has_one_twin_at_a_time),
        cmocka_unit_test(a_damaged_snapshot_is_passed_over),
        cmocka_unit_test(a_damaged_journal_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
