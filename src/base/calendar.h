// Time: int64 nanoseconds since 1970-01-01T00:00:00Z, ISO 8601, the civil calendar, time zones,
// clocks.
//
// Zones are read from TZif data (RFC 8536) that the caller hands over as bytes: this file opens
// nothing.
#ifndef GEMEL_BASE_CALENDAR_H
#define GEMEL_BASE_CALENDAR_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define GM_SECOND_NS INT64_C(1000000000)

typedef struct gm_civil {
    int year, month, day;     // proleptic Gregorian; month and day from 1
    int hour, minute, second; // no leap seconds
    int nanosecond;
    int weekday; // Monday 0 .. Sunday 6
} gm_civil;

/// Civil time in UTC plus `offset_s` seconds. Total: every instant has one at every offset.
gm_civil gm_civil_from_ns(int64_t time_ns, int32_t offset_s);

/// The instant of a civil time in UTC plus `offset_s` seconds; `weekday` is not looked at.
/// @return false when the date or time does not exist or does not fit into int64 nanoseconds (years
/// 1677 to 2262); then *time_ns is untouched
bool gm_civil_to_ns(const gm_civil *civil, int32_t offset_s, int64_t *time_ns);

/// Days from 1970-01-01 to a date, which must exist.
int64_t gm_day_from_date(int year, int month, int day);

/// Reads ISO 8601, all of `text`: 2026-01-31, 2026-01-31T12:00, 2026-01-31T12:00:00.5; 'T' or a
/// space; behind a time Z or +hh:mm (none means UTC). Decimals past the ninth are dropped.
/// @return false when it is anything else or does not exist (30 February, 25:00)
bool gm_time_parse(gm_text text, int64_t *time_ns);

/// Writes 2026-01-31T12:00:00Z with as many decimals (0, 3, 6, 9) as needed.
void gm_time_format(int64_t time_ns, char buffer[40]);

/// Seconds to nanoseconds, rounded to nearest; false when not finite or out of range.
bool gm_ns_from_s(double seconds, int64_t *ns);

/// A time zone's rules. Immutable after reading; any thread.
typedef struct gm_zone gm_zone;

/// @param name   of the zone, for errors only
/// @param bytes  a TZif file (version 1 to 4), [size], of any origin; may be freed afterwards
/// @param zone   out; the caller closes it
/// @return GM_OK; GM_INVALID (`error` says what is wrong with the file); GM_MEMORY
/// @source RFC 8536, RFC 9636
gm_status gm_zone_read(const char *name, const void *bytes, size_t size, gm_zone **zone,
                       gm_error *error);

/// Frees a zone; NULL is fine.
void gm_zone_close(gm_zone *zone);

/// Offset from UTC in force at that instant, in seconds east. Total; any thread.
int32_t gm_zone_offset_s(const gm_zone *zone, int64_t time_ns);

/// The monotonic clock, for deadlines; its zero means nothing.
int64_t gm_clock_monotonic_ns(void);

/// The wall clock, for arrival times: nanoseconds since 1970.
int64_t gm_clock_wall_ns(void);

#endif
