// Suspects: what explains an innovation event best, a sensor's fault, a declared change of the
// plant or something else. Private to src/twin; docs/diagnosis.md says how it is found.
//
// Nothing of this is part of the state. It steers the state by decisions alone, which are
// journalled (adopted.h). All functions belong to whoever runs the cycle; what others see (cases'
// members and findings) changes under look_lock.
#ifndef GEMEL_TWIN_SUSPECTS_H
#define GEMEL_TWIN_SUSPECTS_H

#include "twin/adopted.h"
#include "twin/twin_parts.h"

enum {
    SUSPECT_ANCHORS = 12,            // states that an inquiry may start from
    SUSPECT_CASES = 64,              // kept, the newest
    SUSPECT_MEMBERS = 32,            // events in a case
    SUSPECT_SAMPLES_MAX = 1 << 20,   // remembered for inquiries
    SUSPECT_WINDOW_CYCLES = 1 << 16, // of `suspect window`
    SUSPECT_GAP_CYCLES = 4,          // between inquiries into a case, at least
    SUSPECT_GAP_MOST_CYCLES = 16,    // and at most
};

static const double gm_never_adopted = 2.0; // of gm_suspects.adopt_from

/// A change on trial: what one lane is asked to suffer.
typedef struct gm_suspect_trial {
    gm_ref ref;
    gm_change_kind kind; // set, add, times, trip
    double value;        // SI
    double log_prior;    // its share among the suspects of its group
    uint64_t name;       // hash of the address
    bool adoptable;      // nothing else writes the field or estimates it
} gm_suspect_trial;

/// A plausible sample, remembered for inquiries.
typedef struct gm_suspect_sample {
    int64_t time_ns;
    double value; // SI
    uint32_t sensor;
} gm_suspect_sample;

/// Events of one group that began at about the same time, and what was found out about them.
typedef struct gm_suspect_case {
    size_t group;
    uint64_t events[SUSPECT_MEMBERS];
    uint32_t sensors[SUSPECT_MEMBERS]; // of the events
    size_t event_count;
    int64_t start_ns, raised_ns;       // of the earliest
    int64_t sharp_ns, sharp_raised_ns; // of the one that was raised soonest after it began
    bool vague;                        // that was an audit: it may have begun sooner or later
    gm_held *anchor;                   // NULL: no further inquiry
    int64_t due_ns, gap_ns;            // when to look again; what to wait after that
    uint64_t adopted;                  // id of the decisions about it; 0: none was made
    gm_suspicion found;                // evaluated_ns 0: nothing yet
} gm_suspect_case;

/// How residuals of a healthy sensor behave, as audits saw it. Logarithms (SI), and the share.
typedef struct gm_residual_habit {
    double audits; // that say so, up to those remembered; 0: not known
    double noise, error, time, share;
} gm_residual_habit;

typedef struct gm_suspects {
    gm_suspect_trial *trials; // [trial_count]
    size_t trial_count;
    uint32_t *by_name;      // [trial_count] trials by hash of their address
    size_t *counts;         // [trial_count] work space
    bool asked;             // the world file wants it, whatever the size of its states
    bool asleep;            // nobody asked, and states are large
    double adopt_from;      // probability from which a change is adopted; above 1: never
    gm_decision *decisions; // [DECISIONS_MAX], [decision_count] by time
    size_t decision_count;
    int64_t window_ns;
    gm_world calm;       // the world without drivers that draw lots: lanes differ by trials alone
    gm_world_work *work; // for it
    gm_held *anchors[SUSPECT_ANCHORS]; // [anchor_count] by time
    size_t anchor_count;
    gm_suspect_sample *samples; // [sample_count] by time, those after the oldest anchor
    size_t sample_count, sample_capacity;
    gm_suspect_case *cases; // [SUSPECT_CASES], [case_count] by age
    size_t case_count;
    int64_t audit_ns, audit_due_ns; // every so long, 0: never; the next one
    size_t audited;                 // group of the last one
    uint64_t *audit_events;         // [sensor_count] open events that audits raised; 0: none
    gm_residual_habit *habits;      // [sensor_count]
} gm_suspects;

// ---- suspects.c ----

/// Reads `diagnose`, `suspects` and `suspect window` of `detect:`. When the first is false
/// twin->suspects stays NULL and all functions here do nothing.
gm_status gm_suspects_open(gm_twin *twin, gm_error *error);
void gm_suspects_close(gm_twin *twin);
/// Samples of one time that the live state has taken.
void gm_suspects_take(gm_twin *twin, const gm_arrived *entries, size_t count);
/// A cycle's end.
void gm_suspects_hold(gm_twin *twin, gm_held *held);
/// The live state went back to time_ns.
void gm_suspects_rewind(gm_twin *twin, int64_t time_ns);
/// An innovation event was raised (again).
/// @param vague  by an audit, which knows less well when it began
void gm_suspects_raise(gm_twin *twin, size_t sensor, const gm_twin_event *event, bool vague);
/// An event was withdrawn.
void gm_suspects_withdraw(gm_twin *twin, uint64_t event);
/// What was found out about an event; NULL: nothing yet.
const gm_suspicion *gm_suspects_about(const gm_twin *twin, uint64_t event);
/// Looks into the cases that are due. Failing is logged.
void gm_suspects_run(gm_twin *twin);
/// Whether one of the case's events is about what goes on in its group, and how far it is known.
bool gm_suspects_is_under_way(const gm_twin *twin, const gm_suspect_case *of);
/// Whether something was found to be wrong.
bool gm_suspects_is_blamed(const gm_suspect_case *of);
/// The trial of an address by its hash; GM_NO_INDEX: none.
size_t gm_suspects_named(const gm_suspects *suspects, uint64_t name);
/// A decision about a case was read back.
void gm_suspects_decided(gm_twin *twin, uint64_t event);

/// Whether a sensor's readings are something to go by.
static inline bool gm_suspects_can_witness(const gm_twin *twin, size_t sensor)
{
    const gm_world_sensor *declared = &twin->world->sensors[sensor];
    return !declared->is_driver && gm_sensor_is_plain(declared);
}

/// Suspects of one kind are the same field of elements of one class.
static inline bool gm_suspects_alike(gm_ref a, gm_ref b)
{
    return a.system == b.system && a.class_number == b.class_number && a.field == b.field;
}

// ---- suspects_fit.c ----

/// What an inquiry is about.
typedef struct gm_inquiry {
    const gm_suspect_case *of;
    int64_t until_ns;
} gm_inquiry;
/// Runs the samples since the case's anchor again, once as it was and once for every suspect, and
/// weighs them.
/// @param found     out, all but `event` and `adopted`
/// @param decision  out, all but `time_ns` and `id`: the likeliest kind of adoptable suspects;
/// `probability` of that kind, 0 when there is none
/// @return GM_NUMERIC (the run without a change fails), GM_MEMORY, GM_NOT_FOUND (no samples)
gm_status gm_suspects_inquire(gm_twin *twin, const gm_inquiry *inquiry, gm_suspicion *found,
                              gm_decision *decision, gm_error *error);

// ---- suspects_audit.c ----

/// Reads `audit` of `detect:`.
gm_status gm_suspects_audit_open(gm_twin *twin, gm_error *error);
/// Audits a group when it is time to. Failing is logged.
void gm_suspects_audit(gm_twin *twin);
/// Ends what audits of a group have raised.
void gm_suspects_audit_end(gm_twin *twin, size_t group);
/// Whether an event is an audit's and open.
bool gm_suspects_audited(const gm_twin *twin, uint64_t event);

// ---- suspects_keep.c ----

/// Puts a case on disk, so that it survives a restart; failing is logged. Takes it off again.
void gm_suspects_keep(gm_twin *twin, const gm_suspect_case *of);
void gm_suspects_forget(gm_twin *twin, const gm_suspect_case *of);
/// The same for an open event of an audit.
void gm_suspects_keep_event(gm_twin *twin, const gm_twin_event *event);
void gm_suspects_forget_event(gm_twin *twin, uint64_t event);
/// Shows those again that were open at a restart. Once it is recovered.
void gm_suspects_restore_events(gm_twin *twin);
/// Reads the cases back that are on disk.
gm_status gm_suspects_load(gm_twin *twin, gm_error *error);

#endif
