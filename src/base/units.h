// Units of measure at the edge: everything inside gemel is SI. UDUNITS-2 behind a narrow face,
// extended by currency (EUR), vehicle, person and pu, and by what engineers write (kWh, var, gpm,
// mph, mH2O). Expressions use UDUNITS spelling: "degC", "W/K", "m3/s", "%", "1". An angle is a pure
// number.
#ifndef GEMEL_BASE_UNITS_H
#define GEMEL_BASE_UNITS_H

#include <gemel/status.h>
#include <stdbool.h>

/// The unit database. Immutable once read; conversions from any thread.
typedef struct gm_units gm_units;

/// Reads UDUNITS' own database, where the library finds it; some milliseconds.
/// @param units  out; the caller closes it
/// @return GM_OK; GM_IO (the database is missing or broken); GM_MEMORY
gm_status gm_units_read(gm_units **units, gm_error *error);

/// Frees the database; NULL is fine.
void gm_units_close(gm_units *units);

/// A value x in one unit is x * factor + offset in the other.
typedef struct gm_conversion {
    double factor, offset;
} gm_conversion;

/// How to convert values in `from` to values in `to`. Some microseconds, under a lock of the whole
/// process: for opening a world, not for its cycles.
/// @param difference  true leaves the offset out: a noise of 0.1 degC is 0.1 K
/// @return GM_OK; GM_INVALID (one is not a unit, or they differ in dimension, or are not related by
/// a factor and an offset): the error names both and suggests a spelling. Then *conversion is
/// untouched
gm_status gm_units_between(const gm_units *units, const char *from, const char *to, bool difference,
                           gm_conversion *conversion, gm_error *error);

#endif
