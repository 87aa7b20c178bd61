// Worlds: everything one world file declares, resolved to models and numbers in SI, const after
// reading.
//
// This is the small public face: open, ask the name, run the models without sensors.
// docs/world-file.md is the reference of the file.
#ifndef GEMEL_WORLD_H
#define GEMEL_WORLD_H

#include <gemel/state.h>
#include <gemel/status.h>
#include <gemel/workers.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gm_world gm_world;

/// Reads a world file with the domains of this build, the units of the machine and the files beside
/// it. A native file alone ("Net3.inp") is a world of one system, both named after the file, with
/// one lane.
/// @param path   the world file, or a file that ends as a domain's native files do
/// @param world  out; owner: the caller, with gm_world_close; const from then on, any thread
/// @return GM_IO (cannot be read), GM_INVALID (`error` names file, line and column), GM_LIMIT,
/// GM_MEMORY
gm_status gm_world_open(const char *path, gm_world **world, gm_error *error);

/// Frees the world; layouts made from it must be closed before. NULL is fine.
void gm_world_close(gm_world *world);

/// The world's name; lives as long as the world.
const char *gm_world_name(const gm_world *world);

/// How many lanes the world file asks for, and the length of its cycle.
size_t gm_world_lanes(const gm_world *world);
int64_t gm_world_cycle_ns(const gm_world *world);

/// What a user should know though the world is sound: "file:line:column: text". A text lives as
/// long as the world.
size_t gm_world_warning_count(const gm_world *world);
const char *gm_world_warning_at(const gm_world *world, size_t index);

/// How long a run the world's native files ask for, the longest of them (0: one snapshot), -1 when
/// none says; and how often they want results, the shortest interval, 0 when none says.
int64_t gm_world_length_ns(const gm_world *world);
int64_t gm_world_every_ns(const gm_world *world);

/// One value of a simulation. The texts live as long as the world (and the scenario).
typedef struct gm_world_row {
    int64_t time_ns; // since 1970
    double time_s;   // since the start
    const char *system, *class_name, *element, *field, *unit;
    double value; // SI
} gm_world_row;

struct gm_scenario;

typedef struct gm_simulate_options {
    int64_t until_ns; // length of the run; 0: the rows of the start alone
    int64_t every_ns; // between rows, > 0; rows at 0, every, 2 every ... and at the end
    const char *const
        *fields; // [field_count] patterns; NULL: what `record` names, else all but parameters
    size_t field_count;
    const struct gm_scenario *scenario; // whose changes and structure hold; NULL: none
    gm_workers *workers;                // NULL: this thread alone
    void *context;
    /// Takes one row; anything but GM_OK ends the run with that status.
    gm_status (*row)(void *context, const gm_world_row *row, gm_error *error);
    /// Told after each output time how far the run is, 0 .. 1; may be NULL.
    void (*progress)(void *context, double done);
} gm_simulate_options;

/// Runs one lane from the declared initial values and `start`, without sensors; drivers follow
/// their `past` rules, and a scenario begins with the run.
/// @return GM_INVALID (options, patterns), GM_NUMERIC (the lane failed), or what `row` returned
gm_status gm_world_simulate(const gm_world *world, const gm_simulate_options *options,
                            gm_error *error);

#endif
