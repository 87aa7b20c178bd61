// Validation: published or analytic reference cases, computed again with this build.
//
// A case is one function that fills in numbers: what was expected, what came out, how far apart
// they may be. Cases are listed in validations.def; a new one is a gm_validation_case of its own
// file and a line there.
#ifndef GEMEL_STUDY_VALIDATION_H
#define GEMEL_STUDY_VALIDATION_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>

#include "world/world_parts.h"

enum {
    GM_VALIDATION_NUMBERS_MAX = 64, // of a case
    GM_VALIDATION_TEXT_SIZE = 96,
    GM_VALIDATION_PATH_SIZE = 1024,
};

typedef enum gm_relation {
    GM_RELATION_NONE = 0,
    GM_NEAR,     // |got - expected| <= tolerance
    GM_AT_MOST,  // got <= expected
    GM_AT_LEAST, // got >= expected
    GM_REPORTED, // nothing is demanded: always passes
} gm_relation;

typedef struct gm_validation_number {
    char what[GM_VALIDATION_TEXT_SIZE]; // "air after 600 s"
    char unit[16];
    gm_relation relation;
    double expected, got, tolerance;
} gm_validation_number;

/// What a case reports.
typedef struct gm_validation_report {
    gm_validation_number numbers[GM_VALIDATION_NUMBERS_MAX];
    size_t count;
    bool skipped; // the reference data are not there
} gm_validation_report;

/// What a case may use.
typedef struct gm_validation_context {
    const char *reference; // folder of the reference data; NULL: none
    const gm_units *units;
} gm_validation_context;

typedef struct gm_validation_case {
    const char *name;     // "two-node step"
    const char *domain;   // "thermal"
    const char *source;   // where the expected numbers come from
    bool needs_reference; // skipped without the folder
    gm_status (*run)(const gm_validation_context *context, gm_validation_report *report,
                     gm_error *error);
} gm_validation_case;

/// Every case of this build, in the order of validations.def. @param count  out
const gm_validation_case *const *gm_validations(size_t *count);

/// Runs a case; one that needs the folder is marked skipped without it.
/// @return what the case's function returns: it could not be computed
gm_status gm_validation_run(const gm_validation_case *validation,
                            const gm_validation_context *context, gm_validation_report *report,
                            gm_error *error);

/// Adds a number to a report. A number beyond the report's limit is our own mistake.
void gm_validation_add(gm_validation_report *report, const gm_validation_number *number);

/// Whether a number keeps its promise; NaN never does (GM_REPORTED aside).
bool gm_validation_passes(const gm_validation_number *number);
/// Whether all do. A skipped report passes.
bool gm_validation_report_passes(const gm_validation_report *report);

/// A world from a text, with the domains of this build and files beside nothing.
/// @param world  out; owner: the caller, with gm_world_close
gm_status gm_validation_world(const gm_validation_context *context, const char *name,
                              const char *text, gm_world **world, gm_error *error);

/// A file of the reference data, as gm_file_read.
/// @param name  below the folder: "incubator/20230501_calibration_empty_system/..."
gm_status gm_validation_file(const gm_validation_context *context, const char *name, void **bytes,
                             size_t *size, gm_error *error);

#endif
