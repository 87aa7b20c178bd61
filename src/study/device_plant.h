// The physical side of a world, played: the world's own models on one lane, with values that the
// twin does not know, controllers, faults and noisy sensors. Read from `devices:` of the world
// file:
//
//   devices:
//     seed: 7
//     scatter: { box/*/conductance: 10 % }
//     set: { box/air-room/conductance: 0.58 W/K, box/air/temperature: 24 degC }
//     swings: { box/room/temperature: { about: 21 degC, by: 1 degC, period: 40 min } }
//     thermostats:
//       heating: { reads: box/air/temperature, writes: box/heater/power,
//                  below: 33 degC, above: 36 degC, on: 125 W }
//     faults: { box/air-room/conductance: { at: 2 min, times: 4, for: 60 s, every: 6 min } }
//     sensors: { t2: { noise: 0.08 degC, bias: 0.2 degC, lost: 1 % } }
//
// scatter: what is declared times a random factor, each address its own, before `set`. set: any
// address at the start. swings: an input goes up and down as a sine. A thermostat switches
// on below one value and off above the other. faults: changes as in `scenarios`. sensors: the
// declared noise and no losses unless said otherwise.
#ifndef GEMEL_STUDY_DEVICE_PLANT_H
#define GEMEL_STUDY_DEVICE_PLANT_H

#include "world/world_parts.h"

typedef struct gm_device_plant gm_device_plant;

/// One reading in the sensor's own unit.
typedef struct gm_device_reading {
    size_t sensor;
    int64_t time_ns;
    double value;
} gm_device_reading;

/// How a plant is played.
typedef struct gm_device_options {
    int64_t start_ns; // time of the first readings, rounded up to a whole step
    uint64_t seed;    // of all its chances; 0: as declared
    bool faultless;   // `faults` stay away
} gm_device_options;

/// @param world  must outlive the plant
/// @return GM_INVALID (`error` names the place), GM_NOT_FOUND, GM_MEMORY
gm_status gm_device_plant_open(const gm_world *world, const gm_device_options *options,
                               gm_device_plant **plant, gm_error *error);

/// NULL is fine.
void gm_device_plant_close(gm_device_plant *plant);

/// When the next readings are due.
int64_t gm_device_plant_next(const gm_device_plant *plant);

/// Moves the plant there and reads the sensors that are due.
/// @param readings  out, [sensor_count of the world]; @param count  out
/// @return GM_NUMERIC (the model failed)
gm_status gm_device_plant_read(gm_device_plant *plant, gm_device_reading *readings, size_t *count,
                               gm_error *error);

/// The truth: one lane, as of the last readings. The plant's; changes with the next ones.
const gm_state *gm_device_plant_state(const gm_device_plant *plant);

/// Sets a value from now on, SI.
/// @return as gm_state_write
gm_status gm_device_plant_set(gm_device_plant *plant, gm_ref ref, double value, gm_error *error);

#endif
