// The shed's equations: see shed_plant.h.
#include "study/shed_plant.h"

#include <math.h>
#include <string.h>

enum { HEATER = 0, AIR, WALL, STORE, OPEN };
enum { SWITCH_PURPOSE = 200, SWITCH_CYCLES = 20 };

static const size_t path_ends[GM_SHED_PATHS][2] = {
    { HEATER, AIR }, { AIR, WALL }, { WALL, OPEN }, { AIR, STORE }, { STORE, OPEN },
};
static const double heater_w[] = { 0.0, 300.0, 600.0 };
static const double weather_about = 283.0, weather_cycles = 150.0;

const char *const gm_shed_node_names[GM_SHED_NODES] = { "heater", "air", "wall", "store" };
const char *const gm_shed_path_names[GM_SHED_PATHS] = { "heater-air", "air-wall", "wall-open",
                                                        "air-store", "store-open" };
const char *const gm_shed_sensor_names[GM_SHED_SENSORS] = { "heater", "air 1",   "air 2",
                                                            "wall",   "store 1", "store 2" };
const size_t gm_shed_sensor_nodes[GM_SHED_SENSORS] = { HEATER, AIR, AIR, WALL, STORE, STORE };

gm_shed gm_default_shed(void)
{
    return (gm_shed){ .capacity = { 4000.0, 5000.0, 20000.0, 12000.0 },
                      .conductance = { 20.0, 25.0, 15.0, 12.0, 5.0 } };
}

static void rate_of(const gm_shed *shed, const gm_shed_drive *drive, const double *state,
                    double *rate)
{
    memcpy(rate, drive->power, sizeof drive->power);
    for (size_t path = 0; path < GM_SHED_PATHS; path++) {
        size_t from = path_ends[path][0], to = path_ends[path][1];
        double other = to == OPEN ? drive->weather : state[to];
        double flow_w = shed->conductance[path] * (state[from] - other);
        rate[from] -= flow_w;
        if (to != OPEN) {
            rate[to] += flow_w;
        }
    }
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        rate[node] /= shed->capacity[node];
    }
}

static void runge_kutta(const gm_shed *shed, const gm_shed_drive *drive, double *state)
{
    static const double shares[4] = { 0.0, 0.5, 0.5, 1.0 }, weights[4] = { 1.0, 2.0, 2.0, 1.0 };
    double rate[GM_SHED_NODES] = { 0 }, sum[GM_SHED_NODES] = { 0 };
    for (size_t stage = 0; stage < 4; stage++) {
        double at[GM_SHED_NODES];
        for (size_t node = 0; node < GM_SHED_NODES; node++) {
            at[node] = state[node] + shares[stage] * GM_SHED_CYCLE_S * rate[node];
        }
        rate_of(shed, drive, at, rate);
        for (size_t node = 0; node < GM_SHED_NODES; node++) {
            sum[node] += weights[stage] / 6.0 * rate[node];
        }
    }
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        state[node] += GM_SHED_CYCLE_S * sum[node];
    }
}

gm_shed_step gm_shed_step_of(const gm_shed *shed)
{
    gm_shed_step made;
    for (size_t column = 0; column < GM_SHED_COLUMNS; column++) {
        double state[GM_SHED_NODES] = { 0 };
        gm_shed_drive drive = { 0 };
        if (column < GM_SHED_NODES) {
            state[column] = 1.0;
        } else if (column < 2 * GM_SHED_NODES) {
            drive.power[column - GM_SHED_NODES] = 1.0;
        } else {
            drive.weather = 1.0;
        }
        runge_kutta(shed, &drive, state);
        for (size_t node = 0; node < GM_SHED_NODES; node++) {
            made.of[node][column] = state[node];
        }
    }
    return made;
}

void gm_shed_advance(const gm_shed_step *step, const gm_shed_drive *drive, double *state)
{
    double next[GM_SHED_NODES];
    for (size_t node = 0; node < GM_SHED_NODES; node++) {
        const double *of = step->of[node];
        next[node] = of[2 * GM_SHED_NODES] * drive->weather;
        for (size_t from = 0; from < GM_SHED_NODES; from++) {
            next[node] += of[from] * state[from] + of[GM_SHED_NODES + from] * drive->power[from];
        }
    }
    memcpy(state, next, sizeof next);
}

gm_shed_drive gm_shed_drive_at(gm_random life, uint64_t cycle, double swing_k)
{
    gm_draw draw = { .purpose = SWITCH_PURPOSE, .occurrence = cycle / SWITCH_CYCLES };
    size_t setting = (size_t)(3.0 * gm_random_uniform(life, draw));
    double turn = 2.0 * M_PI * (double)cycle / weather_cycles;
    return (gm_shed_drive){ .power = { [HEATER] = heater_w[setting] },
                            .weather = weather_about + swing_k * sin(turn) };
}
