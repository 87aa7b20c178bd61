// Recordings: both forms, and what is wrong with broken ones.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/calendar.h"
#include "base/failing_memory.h"
#include "base/units.h"
#include "ingest/replay.h"

#define BOX                                                                                        \
    "world: box\n"                                                                                 \
    "cycle: 3 s\n"                                                                                 \
    "systems:\n"                                                                                   \
    "  box:\n"                                                                                     \
    "    model: thermal\n"                                                                         \
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"  \
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.7 W/K} }\n"        \
    "sensors:\n"

static const char plain_world[] =
    BOX "  t2:   { field: box/air/temperature, from: csv, unit: degC, noise: 0.1 degC }\n"
        "  room: { field: box/room/temperature, from: csv, unit: degC }\n"
        "  heat: { field: box/heater/power, from: csv, scale: 125 W, ahead: known }\n";

#define MAPPED                                                                                     \
    BOX "  t2:   { field: box/air/temperature, from: csv, unit: degC, noise: 0.1 degC, columns: "  \
        "[a, b] }\n"                                                                               \
        "  room: { field: box/room/temperature, from: csv, unit: degC, columns: [c] }\n"           \
        "  heat: { field: box/heater/power, from: csv, scale: 125 W, columns: [on], ahead: known " \
        "}\n"

static const char mapped_world[] = MAPPED "replay: { time: {column: when, unit: ns} }\n";
static const char seconds_world[] =
    MAPPED "replay: { time: {column: when, unit: s}, separator: ; }\n";
static const char iso_world[] = MAPPED "replay: { time: {column: when, unit: iso} }\n";
static const char milli_world[] = MAPPED "replay: { time: {column: when, unit: ms} }\n";

static gm_units *units;

static int set_up(void **state)
{
    (void)state;
    return gm_units_read(&units, NULL) == GM_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    gm_units_close(units);
    return 0;
}

static gm_world *open_world(const char *text)
{
    gm_world_options options = { .units = units };
    gm_world *world = NULL;
    gm_error error = { 0 };
    options.domains = gm_domains(&options.domain_count);
    if (gm_world_read("w.yaml", text, strlen(text), &options, &world, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static gm_replay *read_well(const gm_world *world, const char *csv)
{
    gm_replay *replay = NULL;
    gm_error error = { 0 };
    if (gm_replay_read(world, "r.csv", gm_text_of(csv), &replay, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return replay;
}

static void long_rows_keep_the_order_of_the_file(void **state)
{
    (void)state;
    gm_world *world = open_world(plain_world);
    gm_replay *replay = read_well(world, "time,series,value,seq\n"
                                         "2021-03-04T12:00:03Z,t2,24.5,7\n"
                                         "1614859200000000000,room,21,\n"
                                         "2021-03-04T12:00:00Z,heat,True,\n"
                                         "2021-03-04T12:00:01Z,t2,,9\n");
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    assert_int_equal(count, 3);
    assert_int_equal(rows[0].sensor, 0);
    assert_int_equal(rows[0].time_ns, INT64_C(1614859203000000000));
    assert_float_equal(rows[0].value, 24.5, 0.0);
    assert_true(rows[0].has_sequence);
    assert_int_equal(rows[0].sequence, 7);
    assert_int_equal(rows[1].sensor, 1);
    assert_int_equal(rows[1].time_ns, INT64_C(1614859200000000000));
    assert_false(rows[1].has_sequence);
    assert_int_equal(rows[2].sensor, 2);
    assert_float_equal(rows[2].value, 1.0, 0.0);
    gm_replay_close(replay);
    gm_world_close(world);
}

static void short_names_and_any_separator_are_read(void **state)
{
    (void)state;
    gm_world *world = open_world(plain_world);
    gm_replay *replay = read_well(world, "v;t;series;remark\n1.5;5;room;x\n");
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0].time_ns, 5);
    assert_float_equal(rows[0].value, 1.5, 0.0);
    gm_replay_close(replay);
    gm_world_close(world);
}

static void sensors_have_the_mean_of_their_columns(void **state)
{
    (void)state;
    gm_world *world = open_world(mapped_world);
    gm_replay *replay = read_well(world, "when,a,b,c,on,other\n"
                                         "1000,20,22,18,False,x\n"
                                         "2000,20,,18.5,True,\n"
                                         "3000,,,,,\n");
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    assert_int_equal(count, 5); // a mean that lacks a cell is none
    assert_float_equal(rows[0].value, 21.0, 0.0);
    assert_int_equal(rows[2].sensor, 2);
    assert_float_equal(rows[2].value, 0.0, 0.0);
    assert_int_equal(rows[3].sensor, 1);
    assert_int_equal(rows[3].time_ns, 2000);
    assert_float_equal(rows[4].value, 1.0, 0.0);
    gm_replay_close(replay);
    gm_world_close(world);
}

static void a_column_of_a_sensors_own_name_is_enough(void **state)
{
    (void)state;
    gm_world *world = open_world(plain_world);
    gm_replay *replay = read_well(world, "time,t2\n2021-03-04T12:00:00Z,24\n");
    size_t count = 0;
    gm_replay_rows(replay, &count);
    assert_int_equal(count, 1);
    gm_replay_close(replay);
    gm_world_close(world);
}

static int64_t first_time(const char *world_text, const char *csv)
{
    gm_world *world = open_world(world_text);
    gm_replay *replay = read_well(world, csv);
    size_t count = 0;
    const gm_replay_row *rows = gm_replay_rows(replay, &count);
    int64_t time_ns = count > 0 ? rows[0].time_ns : -1;
    gm_replay_close(replay);
    gm_world_close(world);
    return time_ns;
}

static void times_keep_their_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(first_time(seconds_world, "when;a;b;c;on\n1608572942.720306912;1;1;1;1\n"),
                     INT64_C(1608572942720306912));
    assert_int_equal(first_time(seconds_world, "when;a;b;c;on\n1608572942.7203069;1;1;1;1\n"),
                     INT64_C(1608572942720306900));
    assert_int_equal(first_time(seconds_world, "when;a;b;c;on\n12;1;1;1;1\n"),
                     INT64_C(12000000000));
    assert_int_equal(first_time(milli_world, "when,a,b,c,on\n1608572942720,1,1,1,1\n"),
                     INT64_C(1608572942720000000));
    assert_int_equal(first_time(iso_world, "when,a,b,c,on\n2021-03-04T12:00:00.5Z,1,1,1,1\n"),
                     INT64_C(1614859200500000000));
}

static void known_values_are_means_of_a_cycle(void **state)
{
    (void)state;
    gm_world *world = open_world(plain_world);
    // a cycle of 3 s; the heater is on for the first and for half of the second
    gm_replay *replay = read_well(world, "t,series,v\n"
                                         "7500000000,heat,0.5\n"
                                         "3000000000,heat,1\n"
                                         "4000000000,t2,20\n"
                                         "7500000000,heat,0\n");
    assert_true(isnan(gm_replay_known(replay, 2, 2999999999)));
    assert_float_equal(gm_replay_known(replay, 2, 3000000000), 125.0, 0.0);
    assert_float_equal(gm_replay_known(replay, 2, 6000000000), 62.5, 1e-9);
    assert_float_equal(gm_replay_known(replay, 2, 9000000000), 0.0, 0.0); // the later row counts
    assert_float_equal(gm_replay_known(replay, 2, INT64_MAX / 2), 0.0, 0.0);
    assert_true(isnan(gm_replay_known(replay, 0, 1000))); // nobody asks for it ahead
    gm_replay_close(replay);
    gm_world_close(world);
}

static void broken_recordings_name_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *world, *csv, *says;
    } broken[] = {
        { plain_world, "", "r.csv:1:1: an empty file" },
        { plain_world, "a,b\n1,2\n", "there is no column 'time'" },
        { plain_world, "tme,series,value\n1,t2,2\n", "did you mean 'tme'?" },
        { plain_world, "time,series\n1,t2\n", "there is no column 'value'" },
        { plain_world, "time,x\n1,2\n", "no column belongs to a sensor" },
        { plain_world, "t,series,v\n1,t22,2\n",
          "r.csv:2:3: there is no sensor 't22'; did you mean 't2'?" },
        { plain_world, "t,series,v\n1,,2\n", "r.csv:2:3: there is no sensor ''" },
        { plain_world, "t,series,v\n,t2,2\n", "r.csv:2:1: '': expected ISO 8601" },
        { plain_world, "t,series,v\nnoon,t2,2\n", "r.csv:2:1: 'noon': expected ISO 8601" },
        { plain_world, "t,series,v\n-5,t2,2\n", "r.csv:2:1" },
        { plain_world, "t,series,v\n99999999999999999999,t2,2\n", "r.csv:2:1" },
        { plain_world, "t,series,v\n2021-02-30,t2,2\n", "r.csv:2:1" },
        { plain_world, "t,series,v\n1,t2,warm\n", "r.csv:2:6: 'warm': expected a number" },
        { plain_world, "t,series,v\n1,t2,nan\n", "r.csv:2:6" },
        { plain_world, "t,series,v\n1,t2,1e999\n", "r.csv:2:6" },
        { plain_world, "t,series,v\n1,t2\n", "r.csv:2" },
        { plain_world, "t,series,v\n1,t2,1,5\n", "r.csv:2" },
        { plain_world, "t,series,v\n1,\"t2,1\n", "r.csv:2" },
        { plain_world, "t,series,v,seq\n1,t2,1,-3\n", "r.csv:2:8: '-3': expected a whole number" },
        { plain_world, "t,series,v,seq\n1,t2,1,x\n", "r.csv:2:8" },
        { plain_world, "t,series,v\n1,t2,\xff\n", "r.csv:2" },
        { mapped_world, "when,a,c,on\n1,2,3,4\n", "r.csv:1:1: there is no column 'b'" },
        { mapped_world, "when,a,bb,c,on\n1,2,3,4,5\n", "there is no column 'b'" },
        { mapped_world, "time,a,b,c,on\n1,2,3,4,5\n", "there is no column 'when'" },
        { mapped_world, "when,a,b,c,on\n1.5,2,3,4,5\n",
          "r.csv:2:1: '1.5': expected whole nanoseconds" },
        { mapped_world, "when,a,b,c,on\n1,2,3,4,yes\n", "r.csv:2:9: 'yes'" },
        { seconds_world, "when;a;b;c;on\n1.5e3;1;1;1;1\n", "expected seconds since 1970" },
        { seconds_world, "when;a;b;c;on\n1.;x;1;1;1\n", "r.csv:2:4: 'x'" },
        { seconds_world, "when;a;b;c;on\n9999999999999;1;1;1;1\n", "r.csv:2:1" },
        { milli_world, "when,a,b,c,on\n9223372036854775807,1,1,1,1\n", "whole milliseconds" },
        { iso_world, "when,a,b,c,on\n5,1,1,1,1\n", "r.csv:2:1: '5': expected ISO 8601" },
    };
    for (size_t index = 0; index < sizeof broken / sizeof *broken; index++) {
        gm_world *world = open_world(broken[index].world);
        gm_replay *replay = NULL;
        gm_error error = { 0 };
        gm_status status =
            gm_replay_read(world, "r.csv", gm_text_of(broken[index].csv), &replay, &error);
        if (status != GM_INVALID || strstr(error.text, broken[index].says) == NULL) {
            fail_msg("%zu: '%s' says: %s", index, broken[index].csv, error.text);
        }
        assert_null(replay);
        gm_world_close(world);
    }
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    gm_world *world = open_world(mapped_world);
    const char csv[] = "when,a,b,c,on\n1,2,3,4,5\n2,3,4,5,6\n";
    for (long limit = 0;; limit++) {
        gm_replay *replay = NULL;
        allocations_left = limit;
        gm_status status = gm_replay_read(world, "r.csv", gm_text_of(csv), &replay, NULL);
        allocations_left = LONG_MAX;
        gm_replay_close(replay);
        if (status == GM_OK) {
            break;
        }
        assert_int_equal(status, GM_MEMORY);
        assert_null(replay);
    }
    gm_world_close(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_rows_keep_the_order_of_the_file),
        cmocka_unit_test(short_names_and_any_separator_are_read),
        cmocka_unit_test(sensors_have_the_mean_of_their_columns),
        cmocka_unit_test(a_column_of_a_sensors_own_name_is_enough),
        cmocka_unit_test(times_keep_their_nanoseconds),
        cmocka_unit_test(known_values_are_means_of_a_cycle),
        cmocka_unit_test(broken_recordings_name_the_place),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
