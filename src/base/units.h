// Units of measure at the edge: everything inside gemel is SI. UDUNITS-2 behind a narrow face,
// extended by currency, vehicle, person and pu. Expressions use UDUNITS spelling: "degC", "W/K",
// "m3/s", "%", "1".
#ifndef GEMEL_BASE_UNITS_H
#define GEMEL_BASE_UNITS_H

#include <gemel/status.h>
#include <stdbool.h>

/// The unit database. Immutable once read; conversions from any thread.
typedef struct gm_units gm_units;

/// Reads UDUNITS' own database, where the library finds it.
gm_status gm_units_read(gm_units **units, gm_error *error);
void gm_units_close(gm_units *units);

/// to = from * factor + offset, both in SI of the same dimension.
typedef struct gm_conversion {
    double factor, offset;
} gm_conversion;

/// How to convert values in `from` to `to`. `difference` leaves the offset out: a noise of 0.1 degC
/// is 0.1 K.
/// @return GM_INVALID: a unit that is not one, or of another dimension; the error names both and
/// suggests a spelling
gm_status gm_units_between(const gm_units *units, const char *from, const char *to, bool difference,
                           gm_conversion *conversion, gm_error *error);

#endif
