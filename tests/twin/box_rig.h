// A played incubator for the tests of the live twin: a truth integrated by itself, its sensors'
// samples, and a world file that does not know the truth.
#ifndef GEMEL_TESTS_TWIN_BOX_RIG_H
#define GEMEL_TESTS_TWIN_BOX_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/twin.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/calendar.h"
#include "store/store.h"
#include "world/world_parts.h"

#define RIG_START_NS INT64_C(1700000000000000000)
#define RIG_CYCLE_NS (3 * GM_SECOND_NS)

static const char rig_world[] =
    "world: box\n"
    "cycle: 3 s\n"
    "lanes: 64\n"
    "lateness: 30 s\n"
    "systems:\n"
    "  box:\n"
    "    model: thermal\n"
    "    nodes: { heater: {capacity: 250 J/K}, air: {capacity: 690 J/K}, room: {fixed: true} }\n"
    "    paths: { heater-air: {conductance: 0.9 W/K}, air-room: {conductance: 0.5 W/K} }\n"
    "sensors:\n"
    "  t2:   { field: box/air/temperature, from: http, unit: degC, noise: 0.1 degC, every: 3 s, "
    "range: [-20, 80] }\n"
    "  room: { field: box/room/temperature, from: http, unit: degC, noise: 0.1 degC, ahead: hold "
    "}\n"
    "  heat: { field: box/heater/power, from: http, scale: 125 W, ahead: known }\n"
    "estimate:\n"
    "  states: [box/*/temperature]\n"
    "  parameters: { box/air-room/conductance: {spread: 30 %, drift: 5 %/day} }\n"
    "record: { box/*/temperature: 3 s }\n"
    "forecast: { fields: [box/air/temperature], every: 1 min, at: [1 min, 10 min] }\n"
    "scenarios:\n"
    "  lid-open: { set: { box/air-room/conductance: { at: +5 min, times: 4 } }, for: 30 min }\n";

typedef struct rig {
    double heater_k, air_k, room_k, conductance;
    bool on;
    int64_t time_ns;
    uint64_t step;
    gm_random random;
} rig;

static inline rig rig_start(uint64_t seed)
{
    return (rig){ .heater_k = 295.15,
                  .air_k = 295.15,
                  .room_k = 294.15,
                  .conductance = 0.7,
                  .time_ns = RIG_START_NS,
                  .random = gm_random_for(seed, "rig") };
}

/// Three seconds of truth in small Euler steps; a thermostat between 30 and 36 degC.
static inline void rig_move(rig *box)
{
    enum { STEPS = 300 };
    const double step_s = 3.0 / STEPS;
    box->on = box->air_k < 303.15 ? true : box->air_k > 309.15 ? false : box->on;
    for (int index = 0; index < STEPS; index++) {
        double inner_w = 0.9 * (box->heater_k - box->air_k);
        double outer_w = box->conductance * (box->air_k - box->room_k);
        box->heater_k += step_s * ((box->on ? 125.0 : 0.0) - inner_w) / 250.0;
        box->air_k += step_s * (inner_w - outer_w) / 690.0;
    }
    box->time_ns += RIG_CYCLE_NS;
    box->step++;
}

/// What the three sensors say now, in their own units, in the order of the world file.
static inline void rig_read(const rig *box, gm_sample samples[3])
{
    gm_draw draw = { .purpose = 1, .occurrence = box->step };
    double noise = 0.1 * gm_random_normal(box->random, draw);
    draw.purpose = 2;
    double room_noise = 0.1 * gm_random_normal(box->random, draw);
    samples[0] =
        (gm_sample){ .sensor = 0, .time_ns = box->time_ns, .value = box->air_k - 273.15 + noise };
    samples[1] = (gm_sample){ .sensor = 1,
                              .time_ns = box->time_ns,
                              .value = box->room_k - 273.15 + room_noise };
    samples[2] = (gm_sample){ .sensor = 2, .time_ns = box->time_ns, .value = box->on ? 1.0 : 0.0 };
}

/// `count` steps of samples, three each. Owner: the caller, with gm_memory_free.
static inline gm_sample *rig_record(uint64_t seed, size_t count)
{
    gm_sample *samples = gm_memory_new(3 * count, sizeof *samples);
    rig box = rig_start(seed);
    for (size_t index = 0; index < count; index++) {
        rig_move(&box);
        rig_read(&box, samples + 3 * index);
    }
    return samples;
}

static inline gm_world *rig_world_open(const char *text)
{
    char path[] = "/tmp/gemel-world-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), (ssize_t)strlen(text));
    close(file);
    gm_world *world = NULL;
    gm_error error = { 0 };
    gm_status status = gm_world_open(path, &world, &error);
    unlink(path);
    if (status != GM_OK) {
        fail_msg("%s", error.text);
    }
    return world;
}

static inline gm_twin *rig_twin_open(const gm_world *world, const char *folder, size_t threads)
{
    gm_twin_options options = gm_default_twin_options();
    options.folder = folder;
    options.threads = threads;
    options.replay = true;
    options.snapshot_ns = 60 * GM_SECOND_NS;
    gm_twin *twin = NULL;
    gm_error error = { 0 };
    if (gm_twin_open(world, &options, &twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
    return twin;
}

/// Submits samples one step at a time and runs the cycles they complete.
static inline void rig_feed(gm_twin *twin, const gm_sample *samples, size_t count)
{
    gm_error error = { 0 };
    int64_t newest_ns = INT64_MIN;
    for (size_t index = 0; index < count; index++) {
        gm_sample_fate fate;
        gm_submission submission = { .samples = &samples[index], .count = 1, .fates = &fate };
        gm_status status;
        while ((status = gm_twin_submit(twin, &submission, &error)) == GM_BUSY) {
            usleep(1000);
        }
        if (status != GM_OK) {
            fail_msg("%s", error.text);
        }
        if (samples[index].time_ns > newest_ns) {
            newest_ns = samples[index].time_ns;
            // what lies before the newest sample is complete as far as a recording can know
            if (gm_twin_cycle(twin, newest_ns - 1, &error) != GM_OK) {
                fail_msg("%s", error.text);
            }
        }
    }
}

static inline void rig_settle(gm_twin *twin)
{
    gm_error error = { 0 };
    if (gm_twin_settle(twin, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

static inline void rig_remove(const char *folder)
{
    char command[256];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

#endif
