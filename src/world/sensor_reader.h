// The readers of one sensor's keys; for world_sensors.c and world_readings.c only.
#ifndef GEMEL_WORLD_SENSOR_READER_H
#define GEMEL_WORLD_SENSOR_READER_H

#include "world/world_reader.h"

/// What every reader of one sensor's keys needs.
typedef struct gm_sensor_reader {
    gm_world_reader *reader;
    const gm_config *config;
    gm_world_sensor *sensor;
} gm_sensor_reader;

// ---- world_sensors.c ----

/// The unit behind a number; "" for a bare one or for what is no number.
gm_text gm_sensor_unit_part(const gm_config *config);
/// A number of the sensor in SI: raw when it is bare.
gm_status gm_sensor_read_number(const gm_sensor_reader *from, const gm_config *config,
                                bool difference, double *value, gm_error *error);

// ---- world_readings.c ----

/// `field`, `of`, `averaged`, `totalled`, `risen`, `counted`: what the sensor sees, and in which SI
/// unit it tells of it.
gm_status gm_sensor_read_fields(const gm_sensor_reader *from, gm_error *error);
/// `bias`: behind the unit.
gm_status gm_sensor_read_bias(const gm_sensor_reader *from, gm_error *error);

#endif
