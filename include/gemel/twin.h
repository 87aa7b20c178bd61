// A live twin: one world kept in step with its sensors, from samples to estimates, forecasts,
// events and branches.
//
// One thread owns the cycle: the twin's own (gm_twin_start, live) or the caller's (gm_twin_cycle, a
// recording). Any thread may submit samples, look at published states, fork branches and ask for
// events, forecasts and scores. What a cycle does, and why it ends in the same bits after a crash
// or with late samples: docs/twin.md.
#ifndef GEMEL_TWIN_H
#define GEMEL_TWIN_H

#include <gemel/state.h>
#include <gemel/status.h>
#include <gemel/world.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gm_log;           // base/log.h
struct gm_store;         // store/store.h
struct gm_store_options; // store/store.h

enum {
    GM_TWIN_SUBMIT_MAX = 1 << 20, // samples in one call
    GM_TWIN_INBOX_MAX = 1 << 22,  // samples waiting for the cycle
    GM_TWIN_BRANCHES_MAX = 256,
    GM_TWIN_EVENTS_MAX = 1 << 16, // events kept in memory, the newest
    GM_TWIN_WINDOW_MAX = 4096,    // cycles that a late sample may rewind
    GM_SUSPECTS_MAX = 4096,       // changes that `detect: {suspects: ...}` may put on trial
    GM_SUSPECT_ROWS = 10,         // of them in an answer, the likeliest
};

typedef struct gm_twin gm_twin;

typedef struct gm_twin_options {
    const char *folder;                   // data folder; NULL: nothing is kept
    const struct gm_store_options *store; // NULL: the defaults; copied
    size_t threads;                       // workers, >= 1
    size_t lanes;                         // 0: as the world file says
    const struct gm_log *log;             // NULL logs nothing
    bool replay;                          // source time drives the cycle, not the clock
    int64_t snapshot_ns;                  // between snapshots in source time; 0: 10 minutes
    // forecasts issued sooner than this after the first one are not scored; 0: all are
    int64_t score_after_ns;
    /// Future values (SI) for drivers whose rule ahead is `known`; NAN: unknown. NULL: hold.
    double (*known)(void *context, size_t sensor, int64_t time_ns);
    void *known_context;
} gm_twin_options;
/// One worker, the clock drives the cycle, nothing is kept.
gm_twin_options gm_default_twin_options(void);

/// Opens a twin: reads the latest snapshot and the journal behind it, or starts afresh.
/// @param world  must outlive the twin
/// @return GM_BUSY (the folder is open elsewhere), GM_CORRUPT, GM_IO, GM_MEMORY, GM_INVALID
gm_status gm_twin_open(const gm_world *world, const gm_twin_options *options, gm_twin **twin,
                       gm_error *error);

/// Starts the cycle thread (live). gm_twin_stop ends it; a twin that stopped may be started again.
gm_status gm_twin_start(gm_twin *twin, gm_error *error);
void gm_twin_stop(gm_twin *twin);

/// Stops, writes a last snapshot, frees. NULL is fine.
void gm_twin_close(gm_twin *twin);

/// The world a twin was opened for.
const gm_world *gm_twin_world(const gm_twin *twin);
struct gm_store *gm_twin_store(gm_twin *twin); // NULL without a folder

// ---- samples in ----

typedef enum gm_sample_fate {
    GM_SAMPLE_NONE = 0,
    GM_SAMPLE_ACCEPTED,
    GM_SAMPLE_DUPLICATE,     // known by its source time (or sequence) already
    GM_SAMPLE_REJECTED,      // unknown series, not a number, too far in the future
    GM_SAMPLE_CONTRADICTING, // known already, with another value: the first one stays
} gm_sample_fate;

/// One raw value as it came in, in the sensor's own unit.
typedef struct gm_sample {
    size_t sensor;   // number of the sensor in the world
    int64_t time_ns; // source time
    double value;
    uint64_t sequence;
    bool has_sequence;
    bool untimed; // its source gave no time: time_ns is when it came, and its sequence alone tells
                  // it from others for an hour
} gm_sample;

/// Told once for every submission, on the journal's thread (or the caller's, without a folder):
/// GM_OK means on disk.
typedef void gm_submit_done(void *context, gm_status status, const char *text);

/// Samples that go in together, and who is told of their commit.
typedef struct gm_submission {
    const gm_sample *samples; // [count]
    size_t count;
    gm_sample_fate *fates; // out, [count], filled before gm_twin_submit returns
    gm_submit_done *done;  // called after the commit; NULL when nobody waits
    void *context;         // of `done`
} gm_submission;

/// Journals samples and hands them to the cycle. Any thread.
/// @return GM_OK: `done` will be called; else it will not: GM_LIMIT, GM_BUSY (try again later),
/// GM_MEMORY, GM_IO (the history, which knows old samples, cannot be read)
gm_status gm_twin_submit(gm_twin *twin, const gm_submission *submission, gm_error *error);

// ---- the cycle, driven by the caller (recordings, tests) ----

/// Runs all cycles that end at or before `time_ns` of source time. Not while gm_twin_start is in
/// force.
gm_status gm_twin_cycle(gm_twin *twin, int64_t time_ns, gm_error *error);

/// Runs the cycles that samples waiting still need (a recording's end), waits until all is on disk
/// and writes a snapshot.
gm_status gm_twin_settle(gm_twin *twin, gm_error *error);

/// The hash of the live state (gm_state_hash).
uint64_t gm_twin_hash(gm_twin *twin);

// ---- looking ----

typedef struct gm_twin_status {
    int64_t time_ns; // of the live state; INT64_MIN before the first cycle
    int64_t lag_ns;  // wall time behind which the live state is
    uint64_t cycles, accepted, duplicates, rejected, late, rewinds, forecasts;
    size_t lanes, lanes_left, open_events;
    uint64_t contradicting; // samples that told another value than one of the same time
    size_t late_waiting;    // late samples that wait for the budget of the world file
    int64_t rewind_ns;      // computing that late samples have cost since the twin was opened
    bool replay, running;
} gm_twin_status;
/// Counters, and what is published of the live state.
void gm_twin_status_get(gm_twin *twin, gm_twin_status *status);

/// A published state of a branch: const, shared, safe to read on any thread until given back.
typedef struct gm_twin_view {
    const gm_state *state;
    int64_t time_ns;
    uint64_t cycle;
    void *hold; // the twin's
} gm_twin_view;
/// @param branch  NULL: "live"
/// @return GM_NOT_FOUND; GM_BUSY (live before its first state)
gm_status gm_twin_look(gm_twin *twin, const char *branch, gm_twin_view *view, gm_error *error);
void gm_twin_look_away(gm_twin *twin, gm_twin_view *view);

/// What a sensor said last, and what the twin made of it. Times are INT64_MIN before the first
/// sample. SI.
typedef struct gm_sensor_status {
    int64_t time_ns;
    double value, estimate, spread, innovation; // estimate and spread before the update
    const char *quality;                        // "good", "range", "stale", "late", "none"
    uint64_t accepted, rejected;
    double bias, bias_spread; // by which it reads too much; NAN: not estimated
} gm_sensor_status;
/// A sensor as of the last published cycle. @param sensor  its number in the world
void gm_twin_sensor(gm_twin *twin, size_t sensor, gm_sensor_status *status);

/// Summary of one address over the lanes that are left. The quantiles are such that a truth of the
/// lanes' kind lies below them as often as they say, as far as the number of lanes allows.
typedef struct gm_summary {
    double mean, spread, q05, q25, q50, q75, q95;
} gm_summary;
/// @param lanes  [count] values; those of failed lanes are left out (`state` says which); sorts a
/// copy
void gm_summarise(const gm_state *state, const double *values, gm_summary *summary);

// ---- forecasts and scores ----

/// What is said of one field at one time. The bands (q05 to q95, q25 to q75) are where the true
/// value is expected; what a gauge reads scatters further, by its noise.
typedef struct gm_forecast_row {
    int64_t time_ns, lead_ns;
    gm_summary value;
} gm_forecast_row;

/// The newest forecast of the world's forecast field number `field`.
/// @param rows  out, [lead_count] of the world's forecast; @param issued_ns out
/// @return GM_NOT_FOUND before the first one
gm_status gm_twin_forecast(gm_twin *twin, size_t field, gm_forecast_row *rows, int64_t *issued_ns,
                           gm_error *error);

/// How the forecasts of one field and lead met the readings that came, which are judged by the
/// bands plus the sensor's noise. SI; all but `field`, `lead_ns` and `count` are NAN while nothing
/// was scored.
typedef struct gm_score {
    size_t field; // number of the world's forecast field
    int64_t lead_ns;
    uint64_t count;
    double rmse, bias; // of the mean; bias: forecast less reading
    double persistence_rmse;
    double crps, crps_fair; // continuous ranked probability score; what endless lanes would get
    double coverage50, coverage90; // share of readings inside
    double width50, width90;       // sharpness: mean width of the published bands
    // of the lanes and the noise alone: what recalibration is measured by
    double raw_crps, raw_coverage50, raw_coverage90;
} gm_score;
/// @param scores  out, [ref_count * lead_count] of the world's forecast
void gm_twin_scores(gm_twin *twin, gm_score *scores);

// ---- hypotheses ----

enum { GM_HYPOTHESES_MAX = 4 };

/// What may be wrong with the model (`estimate: {hypotheses: ...}`), side by side, and how much
/// each is thought of.
typedef struct gm_hypotheses {
    size_t count; // 1: the world names none
    const char *names[GM_HYPOTHESES_MAX];
    double weights[GM_HYPOTHESES_MAX]; // of sum 1
} gm_hypotheses;
/// By what was measured. @param system  number in the world; those joined by links share weights
/// @return GM_BUSY before the first state
gm_status gm_twin_hypotheses(gm_twin *twin, size_t system, gm_hypotheses *found, gm_error *error);
/// In the newest forecast of a field at one lead, by the forecasts that came true too.
/// @param lead  number in the world's forecast; @return GM_NOT_FOUND before the first one
gm_status gm_twin_forecast_hypotheses(gm_twin *twin, size_t field, size_t lead,
                                      gm_hypotheses *found, gm_error *error);
/// What an unknown input adds to what is supplied, in every lane of a published state.
/// @param estimate  number in the world; @param added  out, [lanes], SI
/// @return GM_INVALID: not an unknown input
gm_status gm_twin_unknown(const gm_twin *twin, const gm_twin_view *view, size_t estimate,
                          double *added, gm_error *error);

// ---- events ----

typedef struct gm_twin_event {
    uint64_t id;
    int64_t start_ns, end_ns; // end INT64_MAX while it lasts
    int64_t raised_ns;        // when the twin noticed
    double size;              // SI, in `unit`
    char kind[32];            // "innovation", "stale", "range", "change", "contradicting" ...
    char subject[128];        // a sensor's name or an address
    char unit[32];
    char text[512]; // a plain sentence
} gm_twin_event;
/// Newest start first. @param events out, [limit]; @param count out
void gm_twin_events(gm_twin *twin, bool open_only, size_t limit, gm_twin_event *events,
                    size_t *count);

// ---- suspects ----

/// What may be behind an event: a change of the plant, or a sensor that fails.
typedef struct gm_suspect {
    char kind[16];     // "plant", "input"; of a sensor "bias", "drift", "stuck", "noise", "spikes",
                       // "swapped"
    char address[256]; // of the field that changed; "" for a sensor
    char sensor[128];  // whose readings are off; "" for a field
    char partner[128]; // "swapped": the other sensor; else ""
    char unit[32];     // of size, SI
    double size; // likeliest change, averaged over the time since; of a drift by second; what a
                 // sensor is stuck at; how many times the noise; of spikes; NAN for swapped
    double probability; // 0 .. 1
    int64_t since_ns;   // likeliest time of the change
} gm_suspect;

/// What is behind an event, as far as can be told.
typedef struct gm_suspicion {
    uint64_t event;       // id
    int64_t evaluated_ns; // source time; 0: not looked into (yet), then nothing else is known
    size_t samples;       // measurements that were looked at
    char verdict[16];     // "clear"; "class": the kind is, not which one; "unclear"; "" before
    char kind[16];        // the likeliest kind, as of suspects; "input" also for something that the
                          // model does not have; "healthy": nothing
    double none;          // probability that it is none of the suspects and no sensor; or NAN
    bool adopted;         // the suspects were taken into the model
    gm_suspect suspects[GM_SUSPECT_ROWS]; // [count] likeliest first
    size_t count;
    char text[320]; // end of a sentence: "most likely ...", "cannot tell ..."
} gm_suspicion;

/// What explains an innovation event: a sensor's fault, one of the world's suspects (`detect:
/// {suspects: ...}`), or something that the model does not have. Asked again as samples come in;
/// docs/diagnosis.md says how. Any thread.
/// @param event  its id; 0: the event looked into last
/// @return GM_NOT_FOUND: the world wants no diagnosis, or there is no such event
gm_status gm_twin_suspects(gm_twin *twin, uint64_t event, gm_suspicion *found, gm_error *error);

// ---- branches ----

typedef struct gm_branch_status {
    char name[64], parent[64], note[160];
    int64_t made_ns; // wall time
    int64_t time_ns; // of its state
    gm_state_memory memory;
} gm_branch_status;

/// A named fork of a branch as it is now; visible at once.
gm_status gm_twin_fork(gm_twin *twin, const char *from, const char *name, const char *note,
                       gm_error *error);
gm_status gm_twin_drop(gm_twin *twin, const char *name, gm_error *error);
/// "live" first. @param branches out, [GM_TWIN_BRANCHES_MAX]
void gm_twin_branches(gm_twin *twin, gm_branch_status *branches, size_t *count);
/// Runs a branch (not live) ahead; drivers follow their `ahead` rules. One call per branch at a
/// time.
gm_status gm_twin_branch_advance(gm_twin *twin, const char *name, int64_t for_ns, gm_error *error);
/// Sets an address in every lane of a branch (not live), SI.
gm_status gm_twin_branch_set(gm_twin *twin, const char *name, gm_ref ref, double value,
                             gm_error *error);

// ---- told of changes ----

typedef enum gm_update_kind {
    GM_UPDATE_NONE = 0,
    GM_UPDATE_CYCLE,
    GM_UPDATE_EVENT,
    GM_UPDATE_FORECAST
} gm_update_kind;
typedef struct gm_twin_update {
    gm_update_kind kind;
    uint64_t cycle;
    const gm_twin_event *event; // GM_UPDATE_EVENT
} gm_twin_update;

/// One listener, called on the cycle's thread after publishing; quick, may call the functions that
/// look.
/// @param tell  NULL: nobody
void gm_twin_listen(gm_twin *twin, void (*tell)(void *context, const gm_twin_update *update),
                    void *context);

#endif
