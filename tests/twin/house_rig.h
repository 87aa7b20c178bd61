// A row of six rooms for the tests of suspects: a truth integrated by itself, in which a wall, a
// heater or a thermometer changes on the way, and a world file that does not know.
#ifndef GEMEL_TESTS_TWIN_HOUSE_RIG_H
#define GEMEL_TESTS_TWIN_HOUSE_RIG_H

#include "rig_steps.h"

enum {
    HOUSE_ROOMS = 6,
    HOUSE_METERS = 4,                               // thermometers, in rooms 1, 3, 4 and 6
    HOUSE_SENSORS = HOUSE_METERS + 1 + HOUSE_ROOMS, // and outside, and what heaters are told
    HOUSE_CYCLE_S = 60,
    HOUSE_STEPS = 250,
    HOUSE_FAULT = 200, // step at which faults of tests begin
};

#define HOUSE_HEAD                                                                                 \
    "world: house\n"                                                                               \
    "cycle: 60 s\n"                                                                                \
    "lateness: 5 min\n"                                                                            \
    "systems:\n"                                                                                   \
    "  house:\n"                                                                                   \
    "    model: thermal\n"                                                                         \
    "    nodes:\n"                                                                                 \
    "      r1: {capacity: 60 kJ/K, temperature: 20 degC}\n"                                        \
    "      r2: {capacity: 60 kJ/K, temperature: 20 degC}\n"                                        \
    "      r3: {capacity: 60 kJ/K, temperature: 20 degC}\n"                                        \
    "      r4: {capacity: 60 kJ/K, temperature: 20 degC}\n"                                        \
    "      r5: {capacity: 60 kJ/K, temperature: 20 degC}\n"                                        \
    "      r6: {capacity: 60 kJ/K, temperature: 20 degC}\n"                                        \
    "      out: {fixed: true, temperature: 0 degC}\n"                                              \
    "    paths:\n"                                                                                 \
    "      r1-r2: {conductance: 30 W/K}\n"                                                         \
    "      r2-r3: {conductance: 30 W/K}\n"                                                         \
    "      r3-r4: {conductance: 30 W/K}\n"                                                         \
    "      r4-r5: {conductance: 30 W/K}\n"                                                         \
    "      r5-r6: {conductance: 30 W/K}\n"                                                         \
    "      r1-out: {conductance: 30 W/K}\n"                                                        \
    "      r2-out: {conductance: 30 W/K}\n"                                                        \
    "      r3-out: {conductance: 30 W/K}\n"                                                        \
    "      r4-out: {conductance: 30 W/K}\n"                                                        \
    "      r5-out: {conductance: 30 W/K}\n"                                                        \
    "      r6-out: {conductance: 30 W/K}\n"                                                        \
    "sensors:\n"                                                                                   \
    "  t1: {field: house/r1/temperature, from: http, unit: degC, noise: 0.1 degC, every: 60 s}\n"  \
    "  t3: {field: house/r3/temperature, from: http, unit: degC, noise: 0.1 degC, every: 60 s}\n"  \
    "  t4: {field: house/r4/temperature, from: http, unit: degC, noise: 0.1 degC, every: 60 s}\n"  \
    "  t6: {field: house/r6/temperature, from: http, unit: degC, noise: 0.1 degC, every: 60 s}\n"  \
    "  out: {field: house/out/temperature, from: http, unit: degC, noise: 0.1 degC}\n"             \
    "  h1: {field: house/r1/power, from: http, unit: W}\n"                                         \
    "  h2: {field: house/r2/power, from: http, unit: W}\n"                                         \
    "  h3: {field: house/r3/power, from: http, unit: W}\n"                                         \
    "  h4: {field: house/r4/power, from: http, unit: W}\n"                                         \
    "  h5: {field: house/r5/power, from: http, unit: W}\n"                                         \
    "  h6: {field: house/r6/power, from: http, unit: W}\n"                                         \
    "estimate: {states: [house/*/temperature]}\n"

#define HOUSE_WALLS   "    house/path/*-out/conductance: {times: 1.5}\n"
#define HOUSE_HEATERS "    house/node/r*/power: {times: 0.7}\n"
#define HOUSE_DOORS                                                                                \
    "    house/r1-r2/conductance: {times: 1.5}\n"                                                  \
    "    house/r2-r3/conductance: {times: 1.5}\n"                                                  \
    "    house/r3-r4/conductance: {times: 1.5}\n"                                                  \
    "    house/r4-r5/conductance: {times: 1.5}\n"                                                  \
    "    house/r5-r6/conductance: {times: 1.5}\n"

#define HOUSE_DETECT HOUSE_HEAD "lanes: 32\ndetect:\n  suspect window: 45 min\n  suspects:\n"

/// What changes at step `at`, and is as before from step `until` on. Zero: nothing, for good.
typedef struct house_fault {
    size_t at, until;
    size_t wall, heater; // 1 .. HOUSE_ROOMS
    double times;        // of its conductance or power
    size_t meter;        // 1 .. HOUSE_METERS
    double bias_k;
} house_fault;

static const size_t house_metered[HOUSE_METERS] = { 0, 2, 3, 5 };

/// One cycle of the truth in small Euler steps.
static inline void house_move(double rooms_k[HOUSE_ROOMS], const double power_w[HOUSE_ROOMS],
                              const double wall_w_k[HOUSE_ROOMS], double out_k)
{
    for (size_t second = 0; second < HOUSE_CYCLE_S; second++) {
        double gain_w[HOUSE_ROOMS];
        for (size_t room = 0; room < HOUSE_ROOMS; room++) {
            gain_w[room] = power_w[room] + wall_w_k[room] * (out_k - rooms_k[room]);
            if (room > 0) {
                gain_w[room] += 30.0 * (rooms_k[room - 1] - rooms_k[room]);
            }
            if (room + 1 < HOUSE_ROOMS) {
                gain_w[room] += 30.0 * (rooms_k[room + 1] - rooms_k[room]);
            }
        }
        for (size_t room = 0; room < HOUSE_ROOMS; room++) {
            rooms_k[room] += gain_w[room] / 60000.0;
        }
    }
}

/// `count` steps of samples, HOUSE_SENSORS each. Owner: the caller, with gm_memory_free.
static inline gm_sample *house_record(uint64_t seed, size_t count, house_fault fault)
{
    gm_sample *samples = gm_memory_new(HOUSE_SENSORS * count, sizeof *samples);
    gm_random random = gm_random_for(seed, "house");
    double rooms_k[HOUSE_ROOMS], told_w[HOUSE_ROOMS];
    for (size_t room = 0; room < HOUSE_ROOMS; room++) {
        rooms_k[room] = 293.15;
    }
    for (size_t step = 0; step < count; step++) {
        bool faulty = fault.at > 0 && step >= fault.at && (fault.until == 0 || step < fault.until);
        double out_k = 275.15 + 3.0 * sin((double)step / 150.0), power_w[HOUSE_ROOMS],
               wall_w_k[HOUSE_ROOMS];
        for (size_t room = 0; room < HOUSE_ROOMS; room++) {
            told_w[room] = 500.0 + 100.0 * (double)((step / 40 + room) % 3);
            bool weak = faulty && fault.heater == room + 1, open = faulty && fault.wall == room + 1;
            power_w[room] = told_w[room] * (weak ? fault.times : 1.0);
            wall_w_k[room] = 30.0 * (open ? fault.times : 1.0);
        }
        int64_t time_ns =
            RIG_START_NS / (HOUSE_CYCLE_S * GM_SECOND_NS) * (HOUSE_CYCLE_S * GM_SECOND_NS) +
            (int64_t)step * HOUSE_CYCLE_S * GM_SECOND_NS;
        gm_sample *row = samples + HOUSE_SENSORS * step;
        for (size_t sensor = 0; sensor < HOUSE_SENSORS; sensor++) {
            gm_draw draw = { .purpose = (uint32_t)sensor + 1, .occurrence = step };
            double noise = 0.1 * gm_random_normal(random, draw);
            double value = out_k - 273.15;
            if (sensor < HOUSE_METERS) {
                value = rooms_k[house_metered[sensor]] - 273.15 + noise;
                value += faulty && fault.meter == sensor + 1 ? fault.bias_k : 0.0;
            } else if (sensor > HOUSE_METERS) {
                value = told_w[sensor - HOUSE_METERS - 1];
            }
            row[sensor] = (gm_sample){ .sensor = sensor, .time_ns = time_ns, .value = value };
        }
        house_move(rooms_k, power_w, wall_w_k, out_k);
    }
    return samples;
}

// ---- a twin of the house ----

/// A recording and a twin that follows it.
typedef struct house_play {
    gm_world *world;
    gm_sample *samples;
    gm_twin *twin;
    size_t fed; // steps
} house_play;

static inline house_play house_play_start(const char *text, uint64_t seed, house_fault fault)
{
    gm_world *world = rig_world_open(text);
    return (house_play){ .world = world,
                         .samples = house_record(seed, HOUSE_STEPS, fault),
                         .twin = rig_twin_open(world, NULL, 1) };
}

static inline void house_play_steps(house_play *play, size_t count)
{
    rig_feed(play->twin, play->samples + HOUSE_SENSORS * play->fed, HOUSE_SENSORS * count);
    play->fed += count;
}

static inline house_play house_played(const char *text, uint64_t seed, house_fault fault)
{
    house_play play = house_play_start(text, seed, fault);
    house_play_steps(&play, HOUSE_STEPS);
    rig_settle(play.twin);
    return play;
}

static inline void house_play_end(house_play *play)
{
    gm_twin_close(play->twin);
    gm_world_close(play->world);
    gm_memory_free(play->samples);
}

/// What is behind an event; probabilities are some.
static inline gm_suspicion house_suspicion(gm_twin *twin, uint64_t event)
{
    gm_suspicion found;
    gm_error error = { 0 };
    if (gm_twin_suspects(twin, event, &found, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    double sum = found.none;
    assert_true(found.count <= GM_SUSPECT_ROWS && found.samples > 0);
    for (size_t index = 0; index < found.count; index++) {
        const gm_suspect *suspect = &found.suspects[index];
        sum += suspect->probability;
        assert_true(index == 0 || suspect->probability <= found.suspects[index - 1].probability);
        assert_true((suspect->address[0] == '\0') != (suspect->sensor[0] == '\0'));
    }
    assert_true(sum < 1.0 + 1e-9);
    return found;
}

#endif
