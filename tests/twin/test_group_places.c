// The local filter in the live twin: what is far away is left to the sensors that are near it.
//
// The plant is a row of rooms with gauges, each of which hears its neighbours through a thin wall
// and is heated and aired at random: more than a dozen lanes can tell apart.
#include "rig_steps.h"

enum { ROOMS = 40, STEPS = 400, WORLD_SIZE = 64 * 1024 };

typedef struct row_of_rooms {
    double room_k[ROOMS];
} row_of_rooms;

/// A minute in small Euler steps, and what people did meanwhile.
static void move_rooms(row_of_rooms *at, gm_random random, size_t step)
{
    enum { PARTS = 60 };
    for (size_t part = 0; part < PARTS; part++) {
        row_of_rooms old = *at;
        for (size_t room = 0; room < ROOMS; room++) {
            double gain_w = -4.0 * (old.room_k[room] - 283.15);
            gain_w += room > 0 ? 2.0 * (old.room_k[room - 1] - old.room_k[room]) : 0.0;
            gain_w += room + 1 < ROOMS ? 2.0 * (old.room_k[room + 1] - old.room_k[room]) : 0.0;
            at->room_k[room] += 60.0 / PARTS * gain_w / 20000.0;
        }
    }
    for (size_t room = 0; room < ROOMS; room++) {
        gm_draw draw = { .element = (uint32_t)room, .purpose = 1, .occurrence = step };
        at->room_k[room] += 3.0 / sqrt(60.0) * gm_random_normal(random, draw);
    }
}

/// A gauge in every room.
static gm_world *rooms_world(const char *filter)
{
    static char text[WORLD_SIZE];
    size_t size = (size_t)snprintf(text, sizeof text,
                                   "world: rooms\ncycle: 60 s\nlanes: 12\nsystems:\n"
                                   "  house:\n    model: thermal\n    nodes:\n"
                                   "      out: {fixed: true, temperature: 10 degC}\n");
    for (size_t room = 0; room < ROOMS; room++) {
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "      r%zu: {capacity: 20 kJ/K, temperature: 15 degC}\n", room);
    }
    size += (size_t)snprintf(text + size, sizeof text - size, "    paths:\n");
    for (size_t room = 0; room < ROOMS; room++) {
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "      r%zu-out: {conductance: 4 W/K}\n", room);
        if (room + 1 < ROOMS) {
            size += (size_t)snprintf(text + size, sizeof text - size,
                                     "      r%zu-r%zu: {conductance: 2 W/K}\n", room, room + 1);
        }
    }
    size += (size_t)snprintf(text + size, sizeof text - size, "sensors:\n");
    for (size_t room = 0; room < ROOMS; room++) {
        size += (size_t)snprintf(text + size, sizeof text - size,
                                 "  t%zu: {field: house/r%zu/temperature, from: http, unit: degC, "
                                 "noise: 0.1 degC}\n",
                                 room, room);
    }
    size += (size_t)snprintf(text + size, sizeof text - size,
                             "estimate:\n  states: { \"house/r*/temperature\": {spread: 1 K, "
                             "drift: 3 K/h} }\n  filter: %s\n",
                             filter);
    assert_true(size < sizeof text);
    return rig_world_open(text);
}

/// Root mean square over rooms, late in the run, of the lanes' mean minus the truth.
static double error_of(const char *filter, size_t threads)
{
    gm_world *world = rooms_world(filter);
    gm_twin *twin = rig_twin_open(world, NULL, threads);
    row_of_rooms truth;
    for (size_t room = 0; room < ROOMS; room++) {
        truth.room_k[room] = 288.15;
    }
    gm_ref refs[ROOMS];
    for (size_t room = 0; room < ROOMS; room++) {
        char address[64];
        snprintf(address, sizeof address, "house/r%zu/temperature", room);
        assert_int_equal(gm_world_find_one(world, address, (gm_place){ 0 }, &refs[room], NULL),
                         GM_OK);
    }
    gm_random random = gm_random_for(41, "rooms");
    int64_t start_ns = RIG_START_NS / (60 * GM_SECOND_NS) * 60 * GM_SECOND_NS;
    double squares = 0.0, count = 0.0;
    for (size_t step = 0; step < STEPS; step++) {
        move_rooms(&truth, random, step);
        int64_t time_ns = start_ns + (int64_t)(step + 1) * 60 * GM_SECOND_NS;
        for (size_t sensor = 0; sensor < ROOMS; sensor++) {
            gm_draw draw = { .element = (uint32_t)sensor, .occurrence = step };
            gm_sample sample = { .sensor = sensor,
                                 .time_ns = time_ns,
                                 .value = truth.room_k[sensor] - 273.15 +
                                          0.1 * gm_random_normal(random, draw) };
            rig_submit(twin, sample);
        }
        rig_cycle(twin, time_ns);
        if (step < STEPS / 2) {
            continue;
        }
        gm_twin_view view;
        assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
        for (size_t room = 0; room < ROOMS; room++) {
            double values[12], mean = 0.0;
            assert_int_equal(gm_state_read(view.state, refs[room], values, NULL), GM_OK);
            for (size_t lane = 0; lane < 12; lane++) {
                mean += values[lane] / 12.0;
            }
            squares += (mean - truth.room_k[room]) * (mean - truth.room_k[room]);
            count += 1.0;
        }
        gm_twin_look_away(twin, &view);
    }
    gm_twin_close(twin);
    gm_world_close(world);
    return sqrt(squares / count);
}

static void few_lanes_tell_rooms_apart_by_distance(void **state)
{
    (void)state;
    double serial = error_of("serial", 1), given = error_of("{kind: local, hops: 1}", 1);
    double found = error_of("local", 1);
    print_message("error %.3f K serial, %.3f K within a hop, %.3f K untended\n", serial, given,
                  found);
    assert_true(given < 0.6 * serial);
    assert_true(found < 0.6 * serial);
    assert_true(error_of("local", 7) == found);
    assert_true(error_of("auto", 1) == found); // 40 gauges are too many for a dozen lanes
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(few_lanes_tell_rooms_apart_by_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
