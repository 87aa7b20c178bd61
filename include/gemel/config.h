// Configuration trees: what a world file (or a native file's wrapper) says about one system, with
// its place in the text.
//
// A tree is read once, never changed, and shared by all threads. Readers are strict: they convert
// units to SI, check ranges, and refuse keys they do not know; every error names file, line and
// column and, where it can, what was meant.
#ifndef GEMEL_CONFIG_H
#define GEMEL_CONFIG_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum gm_config_kind {
    GM_CONFIG_NONE = 0,
    GM_CONFIG_SCALAR,
    GM_CONFIG_LIST,
    GM_CONFIG_MAP,
    GM_CONFIG_FILE, // the content of a file that the world names (gm_domain's file_key)
} gm_config_kind;

struct gm_units;

/// One node. `key` is set for the children of a map. Owner of everything: the document's arena.
typedef struct gm_config {
    gm_config_kind kind;
    bool quoted;      // a scalar in quotes: text, even when it looks like a number
    const char *key;  // NULL in lists and at the root
    const char *text; // scalars: the text, ends in NUL; "" for an empty value. Files: the content,
                      // any bytes, NULs too; one more NUL behind them
    size_t size;      // files: bytes of `text`
    size_t count;     // children of a list or map
    const struct gm_config *children;
    gm_place place, key_place;    // a file's place: its name as the world spells it, line 1
    const struct gm_units *units; // for conversions
} gm_config;

/// The child of a map, or NULL; config may be NULL.
const gm_config *gm_config_get(const gm_config *config, const char *key);

/// As gm_config_get, but a missing child is an error that names the map's place.
gm_status gm_config_need(const gm_config *config, const char *key, const gm_config **child,
                         gm_error *error);

/// Refuses every key of a map that is not among `keys` (ends in NULL) and suggests the nearest.
gm_status gm_config_only(const gm_config *config, const char *const *keys, gm_error *error);

/// Refuses anything but that kind; `what` says what was expected ("a map of nodes").
gm_status gm_config_is(const gm_config *config, gm_config_kind kind, const char *what,
                       gm_error *error);

/// How a number is read: unit to convert to and range in that unit.
typedef struct gm_quantity {
    const char *unit; // SI, UDUNITS spelling; "1" for a pure number
    double min, max;  // both included; 0, 0 means any finite number
    bool difference;  // 0.1 degC is 0.1 K, not 273.25 K
} gm_quantity;

/// A scalar as a number: "690 J/K", "20 %" (for unit "1"), "12". A number without unit is taken to
/// be in SI.
/// @param value  out, SI
gm_status gm_config_number(const gm_config *config, gm_quantity quantity, double *value,
                           gm_error *error);

/// Child `key` of a map as a number; when it is missing, `otherwise`. A NaN as `otherwise` makes
/// the key required.
gm_status gm_config_child_number(const gm_config *map, const char *key, gm_quantity quantity,
                                 double otherwise, double *value, gm_error *error);

/// "3 s", "+5 min", "-1 h": seconds rounded to nanoseconds.
gm_status gm_config_duration(const gm_config *config, int64_t *duration_ns, gm_error *error);
gm_status gm_config_integer(const gm_config *config, int64_t min, int64_t max, int64_t *value,
                            gm_error *error);
gm_status gm_config_flag(const gm_config *config, bool *value, gm_error *error); // true or false
gm_status gm_config_text(const gm_config *config, const char **text, gm_error *error);

/// A scalar as one of `words` (ends in NULL): its index.
gm_status gm_config_choice(const gm_config *config, const char *const *words, size_t *index,
                           gm_error *error);

#endif
