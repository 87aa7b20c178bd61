// An inquiry under way: what its parts share. Private to src/twin/suspects_*.c.
#ifndef GEMEL_TWIN_SUSPECTS_PROBE_H
#define GEMEL_TWIN_SUSPECTS_PROBE_H

#include "assim/diagnosis.h"
#include "assim/sensor_faults.h"
#include "assim/shared_error.h"
#include "twin/suspects.h"

enum {
    ONSETS = 14,        // times at which the plant may have changed
    SENSOR_ONSETS = 22, // and a sensor may have failed
};

/// What is known of one suspect. Log odds and sizes are those of the last look.
typedef struct gm_accused {
    const gm_suspect_trial *trial;
    double size;             // likeliest, in trial changes
    double change;           // one trial change, in SI
    double log_odds[ONSETS]; // NAN: not looked at
    double sizes[ONSETS];    // of each onset
    double spreads[ONSETS];  // standard deviations of these
    double weight;           // log odds over all onsets, with the prior
    size_t onset;            // likeliest
} gm_accused;

/// One measured sensor of the group.
typedef struct gm_witness {
    uint32_t sensor;
    bool alarmed;               // an event of the case is its
    gm_fault_reading *readings; // [count] beside the run without a change
    size_t count;
    double noise;                  // standard deviation of a measurement
    gm_residual_model model;       // of its residuals beside what all other sensors make of it
    gm_residual_model modes_model; // and beside the lanes' mean, once modes are known
    double doubt;   // how far off the prediction may be that all other sensors make of it
    double size;    // of its residuals behind the alarm's beginning, root mean square
    double unusual; // mean square of its whitened residuals
} gm_witness;

/// Who an explanation is about.
typedef struct gm_explained {
    const gm_witness *witness, *partner; // NULL: no sensor; not swapped
    const gm_accused *suspect;           // NULL: no suspect
} gm_explained;

typedef struct gm_probe {
    gm_twin *twin;
    const gm_suspect_case *of;
    gm_arena *arena;
    size_t lanes;
    int64_t begin_ns, until_ns;
    int64_t calm_until_ns;            // nothing happened before
    int64_t behind_ns;                // from which on residuals show how large it is
    const gm_suspect_sample *samples; // [sample_count] after the anchor, up to until_ns
    size_t sample_count, measured_count;
    gm_accused *suspects; // [suspect_count]
    size_t suspect_count;
    gm_witness *witnesses; // [witness_count]
    size_t witness_count;
    uint32_t *places;         // [sensor_count] a sensor's witness; UINT32_MAX: not of the group
    double *base;             // [sample_count] predictions of the run without a change
    double *expected;         // [sample_count] the lanes' mean, each run on by itself
    double *lanes_off;        // [sample_count][shared.count] anomalies of the lanes; whitened later
    double *white;            // [sample_count] residuals of `expected`, whitened
    gm_shared_error left_out; // of all but one
    double *mode_work;        // [shared.count]
    gm_shared_error shared;   // of all witnesses; without modes when that would be too large
    int64_t onsets_ns[ONSETS];
    size_t onset_count, alarm_onset; // the alarm's beginning among them
    gm_state *starts[ONSETS];
    size_t starts_at[ONSETS];     // samples before them
    gm_whitener *whiteners;       // [onset_count][witness_count]
    gm_explanation *explanations; // [explanation_count]
    gm_explained *about;          // [explanation_count]
    size_t explanation_count, explanation_capacity;
    gm_ref *refs;        // [witness_count]
    double *predictions; // [witness_count][lanes]
    double *values;      // [lanes]
    uint32_t *sources;   // [lanes]
} gm_probe;

/// Suspects that are tried together, lane by lane.
typedef struct gm_batch {
    gm_accused **suspects; // [count]
    size_t count, onset;
    double *sizes; // [count] tried, in trial changes
    // what came of it
    double *before;             // [count] values at the onset
    double *changes;            // [count] sums of what was changed
    size_t *change_counts;      // [count]
    double *squares, *products; // [count] of whitened responses, and with the residuals
    double *along;              // [count][shared.count] of whitened responses with the modes
    bool *failed;               // [count]
    double *means;              // [witness_count][2][lanes]
    gm_whitener *whiteners;     // [witness_count]
} gm_batch;

// ---- suspects_witnesses.c: the group's sensors ----

/// Samples after the anchor up to until_ns, who gave them, and room to read the lanes there.
/// @return GM_NOT_FOUND (no measurements), GM_MEMORY
gm_status gm_probe_find_witnesses(gm_probe *probe, gm_error *error);
/// What readings should be. @param predictions  [sample_count]
void gm_probe_expect(gm_probe *probe, const double *predictions);
/// How each sensor's residuals behave by themselves, and what the model may be wrong by in what
/// comes behind behind_ns.
void gm_probe_fit_models(gm_probe *probe);
/// Remembers how the residuals of a healthy sensor behave. Where nothing is wrong.
void gm_probe_get_used_to(const gm_probe *probe, const gm_witness *seen);

// ---- suspects_rerun.c: moving lanes over the samples again ----

/// The run without a change: base, residuals, and a state at every onset.
gm_status gm_rerun_base(gm_probe *probe, gm_error *error);
/// A batch (suspects, count, onset, sizes) from its onset on: what is behind them.
gm_status gm_rerun_batch(gm_probe *probe, gm_batch *batch, gm_error *error);

/// All lanes as they are, each on its own lots: what they expect, and how they differ. Without
/// room for modes they are expected to be the run without a change.
gm_status gm_rerun_lanes(gm_probe *probe, gm_error *error);

// ---- suspects_shared.c ----

/// Room for what residuals share.
gm_status gm_probe_share(gm_probe *probe, gm_error *error);
/// Readings' predictions become what all other sensors make of them.
void gm_probe_leave_out(gm_probe *probe);

// ---- suspects_sensors.c ----

/// Adds what sensors alone may have done, nothing, and something that nobody thought of. First:
/// "nothing" is the explanation with number 0.
gm_status gm_probe_weigh_sensors(gm_probe *probe, gm_error *error);

// ---- suspects_verdict.c ----

/// Makes log odds of all explanations probabilities, ranks them, puts them into words, and proposes
/// what could be adopted.
gm_status gm_probe_judge(gm_probe *probe, gm_suspicion *found, gm_decision *decision,
                         gm_error *error);

static inline gm_status gm_probe_no_memory(gm_error *error)
{
    return gm_error_set(error, GM_MEMORY, "no memory to look for suspects");
}

static inline size_t gm_probe_group(const gm_probe *probe, gm_ref ref)
{
    return probe->twin->world->systems[ref.system].group;
}

#endif
