// The readers of a world file's keys; for the files of this room only.
#ifndef GEMEL_WORLD_WORLD_READER_H
#define GEMEL_WORLD_WORLD_READER_H

#include "base/text.h"
#include "world/profile.h"
#include "world/world_parts.h"

/// A world under construction.
typedef struct gm_world_reader {
    gm_world *world;
    const gm_world_options *options; // its files keep what they read in the world
    bool lenient; // a variant: what does not fit the other structure is left out with a warning
} gm_world_reader;

/// An empty world. @param file  copied; NULL for none
gm_status gm_world_begin(const char *file, const gm_world_options *options, gm_world **world,
                         gm_error *error);
/// Everything from world->root. A lenient reader stops behind `record`.
gm_status gm_world_read_keys(gm_world_reader *reader, gm_error *error);

/// What became of one entry of the file: a lenient reader turns the refusal of a bad one into a
/// warning and goes on.
gm_status gm_reader_forgive(gm_world_reader *reader, gm_status status, const gm_error *why,
                            gm_error *error);

/// A world as `structure` changes it. @param variant  out; must be closed before `world`
gm_status gm_variant_read(const gm_world *world, const gm_config *structure, gm_world **variant,
                          gm_error *error);

// ---- world_native.c ----

/// Files that read through `from` and keep what they read in the world.
typedef struct gm_keeping {
    gm_world *world;
    const gm_files *from;
} gm_keeping;
/// @param keeping  must outlive the result
gm_files gm_keeping_files(gm_keeping *keeping);

/// The files that a world kept, and no others.
gm_files gm_kept_files(const gm_world *world);

/// The domain whose native files end as `file` does, in letters of any case; NULL when there is
/// none.
const gm_domain *gm_native_domain(const gm_world_options *options, const char *file);

/// What a native file alone stands for: the tree of a world of one system, named after the file.
gm_status gm_native_tree(gm_world *world, const gm_domain *domain, gm_text bytes,
                         const gm_config **tree, gm_error *error);

/// Reads the file that a key of a system names. @param file  out: the GM_CONFIG_FILE in its stead
gm_status gm_native_load(gm_world_reader *reader, const gm_config *named, gm_config *file,
                         gm_error *error);

/// One more warning. @param line  copied
gm_status gm_world_warn(gm_world *world, const char *line, gm_error *error);

// One reader per key of the file, in the order they are called. `config` is the key's value, NULL
// when absent.
gm_status gm_world_read_systems(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_links(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_profiles(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_sensors(gm_world_reader *reader, const gm_config *config, gm_error *error);
/// Also refuses an input that is fed twice, sorts all drivers by address, and lists those that
/// write at ticks.
gm_status gm_world_read_drivers(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_estimate(gm_world_reader *reader, const gm_config *config, gm_error *error);
/// The part of `estimate` about filters. @param estimate  the whole map
gm_status gm_world_read_filters(gm_world_reader *reader, const gm_config *estimate,
                                gm_error *error);
gm_status gm_world_read_record(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_forecast(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_replay(gm_world_reader *reader, const gm_config *config, gm_error *error);
gm_status gm_world_read_scenarios(gm_world_reader *reader, const gm_config *config,
                                  gm_error *error);

/// Orders systems by undelayed links, puts systems joined by links into groups, sorts links.
gm_status gm_world_order(gm_world *world, gm_error *error);

/// The driver of an input; GM_NO_INDEX when there is none.
size_t gm_world_find_driver(const gm_world *world, gm_ref ref);

/// A name of a system, sensor ...: 1 to 255 letters, digits and "_-.:" (UTF-8 letters too).
gm_status gm_world_check_name(const gm_config *named, const char *what, gm_error *error);

/// hold, known, {profile: name} or {stochastic: {mean, spread, time}} for one input.
gm_status gm_world_read_rule(gm_world_reader *reader, const gm_config *config, gm_ref ref,
                             gm_world_rule *rule, gm_error *error);
/// One more driver. @param index out
gm_status gm_world_add_driver(gm_world *world, const gm_world_driver *driver, size_t *index,
                              gm_error *error);

/// A positive duration.
gm_status gm_world_read_span(const gm_config *config, int64_t *span_ns, gm_error *error);

/// "20 %" (relative: a fraction) or a difference in the field's unit, >= 0.
gm_status gm_world_read_spread(const gm_config *config, const char *unit, double *spread,
                               bool *relative, gm_error *error);

/// "0.1 K/h", "5 %/day" (relative): a random walk per square root of a second.
gm_status gm_world_read_drift(const gm_config *config, const char *unit, double *drift,
                              bool *relative, gm_error *error);

/// Order of addresses: by system, class, field, element. For qsort over things that begin with a
/// gm_ref.
int gm_world_compare_refs(const void *a, const void *b);

/// Says what stands at an address in an error: "'box/node/air/temperature' is a state, expected an
/// input".
gm_status gm_world_wrong_role(const gm_world *world, gm_ref ref, gm_place place,
                              const char *expected, gm_error *error);

/// Whether it has a '*'.
bool gm_world_is_pattern(const char *address);

/// GM_MEMORY with its sentence.
static inline gm_status gm_world_no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory for the world");
}

#endif
