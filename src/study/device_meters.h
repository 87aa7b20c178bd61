// Meters of a played plant: sensors that tell of a span of time or of many fields at once.
#ifndef GEMEL_STUDY_DEVICE_METERS_H
#define GEMEL_STUDY_DEVICE_METERS_H

#include "world/world_parts.h"

/// What one meter remembers.
typedef struct gm_device_meter gm_device_meter;

typedef struct gm_device_meters {
    const gm_world *world;
    gm_device_meter *meters; // [sensor_count]; those of plain sensors are empty
    double *fields;          // work: of one meter
    gm_random random;        // of what is counted
} gm_device_meters;

/// @param step_ns  between looks
/// @param arena    owns everything
/// @return GM_MEMORY, GM_LIMIT (a span of more than a million steps)
gm_status gm_device_meters_open(const gm_world *world, int64_t step_ns, gm_arena *arena,
                                gm_device_meters *meters, gm_error *error);

/// The plant, one lane, came to its time: meters run on. Before anybody turns anything there.
gm_status gm_device_meters_run(const gm_device_meters *meters, const gm_state *state,
                               gm_error *error);
/// Somebody has: from here on the fields are as they are now.
gm_status gm_device_meters_turn(const gm_device_meters *meters, const gm_state *state,
                                gm_error *error);
/// What a sensor that is not plain reads now, SI, without noise and bias; a span since the sample
/// before ends here. @param value  out; NAN: its span has not passed yet
gm_status gm_device_meter_read(const gm_device_meters *meters, const gm_state *state, size_t sensor,
                               double *value, gm_error *error);

#endif
