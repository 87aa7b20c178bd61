// Profiles: values by the calendar of a time zone, from a daily table with overrides for weekdays
// and holidays.
//
//   profiles:
//     occupancy: { unit: person, zone: Europe/Berlin, interpolate: step, day: {"00:00": 0, "08:00":
//     12, "18:00": 0},
//                  weekend: {"00:00": 0}, holiday: {"00:00": 0}, holidays: [2026-12-25] }
//
// The clock is the zone's own: on the day summer time begins, 02:30 does not exist and the table
// jumps with the clock.
#ifndef GEMEL_WORLD_PROFILE_H
#define GEMEL_WORLD_PROFILE_H

#include <gemel/config.h>

#include "base/calendar.h"
#include "world/world_parts.h"

enum { GM_PROFILE_POINTS_MAX = 86400, GM_PROFILE_HOLIDAYS_MAX = 10000, GM_PROFILE_DAYS = 8 };

/// One day's table: values at seconds since local midnight, ascending.
typedef struct gm_profile_table {
    const double *values;  // [count], in the profile's unit
    const int32_t *from_s; // [count], 0 .. 86399
    size_t count;
} gm_profile_table;

struct gm_profile {
    const char *name, *unit;
    bool linear;   // between points; otherwise the last point's value holds
    gm_zone *zone; // NULL: UTC; closed by gm_profile_close
    gm_profile_table days[GM_PROFILE_DAYS]; // Monday .. Sunday, holiday
    const int32_t *holidays;                // [holiday_count] days since 1970, ascending
    size_t holiday_count;
    gm_place place;
};

/// Reads one entry of `profiles:`; everything but the zone lives in the arena.
/// @param zone_name  the world's zone, for a profile that names none
gm_status gm_profile_read(const gm_config *config, const char *zone_name, const gm_files *files,
                          gm_arena *arena, gm_profile **profile, gm_error *error);
void gm_profile_close(gm_profile *profile);

/// Its value at an instant, in its own unit. Any thread.
double gm_profile_value(const gm_profile *profile, int64_t time_ns);

#endif
