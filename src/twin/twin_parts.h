// What a live twin is made of; for the files of this room only.
//
// Three locks, never held together: `inbox_lock` guards what submitting threads and the cycle hand
// over (inbox, seen samples, the order of the journal); `look_lock` guards what others look at
// (published states, branches, forecasts, scores, events, sensor statuses); `tell_lock` the
// listener. All else belongs to whoever runs the cycle.
#ifndef GEMEL_TWIN_TWIN_PARTS_H
#define GEMEL_TWIN_TWIN_PARTS_H

#include <gemel/twin.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/text.h"
#include "codec/pack.h"
#include "predict/forecast_bands.h"
#include "store/catalogue.h"
#include "store/history.h"
#include "store/journal.h"
#include "store/snapshots.h"
#include "twin/alarm_signs.h"
#include "world/world_parts.h"

enum {
    SECTION_CELLS = GM_WORLD_SECTIONS, // sections of the layout that are the twin's
    SECTION_SENSORS,
    SECTION_SENSING,    // sensing.h
    SECTION_ADOPTED,    // adopted.h
    SECTION_HYPOTHESES, // hypotheses.h
    SECTION_FILTERS,    // group_filter.h
    TWIN_SECTIONS = 6,
    TIMES_PER_CYCLE_MAX = 1 << 16, // different sample times in one cycle
};
// March 2255: later times could not be added to
#define GM_TWIN_TIME_MOST_NS INT64_C(9000000000000000000)

/// A state that somebody looks at: the window, the published one, readers.
typedef struct gm_held {
    atomic_uint holders;
    gm_state *state;
    int64_t time_ns;
    uint64_t cycle;
    struct gm_held *whole; // what it was drawn from (hypotheses.h); NULL: it is whole itself
} gm_held;
gm_held *gm_held_make(const gm_state *state, gm_error *error); // forks; one holder
/// Takes the state itself, with its end. One holder.
gm_held *gm_held_take(gm_state *state, gm_error *error);
void gm_held_drop(gm_held *held); // NULL is fine

typedef enum gm_quality {
    QUALITY_NONE = 0,
    QUALITY_GOOD,
    QUALITY_RANGE,
    QUALITY_STALE,
    QUALITY_LATE,
    QUALITY_CONTRADICTED
} gm_quality;

/// What can be wrong with a sensor, or with the system behind it.
typedef enum gm_event_kind {
    EVENT_INNOVATION = 0,
    EVENT_STALE,
    EVENT_RANGE,
    EVENT_KINDS,               // of a sensor; and
    EVENT_CHANGE = EVENT_KINDS // of the plant, taken into the model
} gm_event_kind;

/// Memory of a cell's estimator, part of the state: [cell_count].
typedef struct gm_cell_memory {
    uint32_t begun; // lanes were spread around first measurements
    uint32_t muted; // open innovation events: parameters rest meanwhile
} gm_cell_memory;

/// Memory of a sensor, part of the state.
typedef struct gm_sensor_memory {
    int64_t time_ns; // of its last sample
    double value;    // SI
    double estimate, spread, innovation;
    gm_alarm_signs signs;
    uint32_t far;                 // the last one was far off all lanes: a bit for every hypothesis
    uint32_t count;               // of innovations, saturating
    uint32_t quality;             // gm_quality
    uint32_t muting;              // its event keeps the group's parameters at rest
    uint64_t events[EVENT_KINDS]; // id of the open event of each kind, 0 for none
    int64_t starts_ns[EVENT_KINDS];
} gm_sensor_memory;

/// A sample in the window. Sorted by (time, sensor, sequence).
typedef struct gm_arrived {
    gm_sample sample;
    uint64_t journal; // number of its journal record; 0 without a store
    int64_t arrival_ns;
    double first; // raw value of the sample that this one contradicts
    bool contradicts;
} gm_arrived;

/// A cycle that can be gone back to: the state as it ended.
typedef struct gm_moment {
    gm_held *held;
    uint64_t journal; // number of its mark
} gm_moment;

/// The last cycles and the samples after the oldest of them.
typedef struct gm_window {
    gm_moment *moments; // ring, [depth]
    size_t depth, first, count;
    gm_arrived *entries; // [entry_count], the first sorted_count of them sorted
    size_t entry_count, entry_capacity, sorted_count;
    gm_arrived *room; // [room_capacity] for sorting
    size_t room_capacity;
} gm_window;

/// A set of samples seen, so that none counts twice. Open addressing; forgets what left the window.
typedef struct gm_seen_key {
    uint64_t hash;   // of sensor, time, sequence; 0 is free
    int64_t time_ns; // until it is in the window; INT64_MIN: taken back
    double value;    // raw; NAN: not known any more
    bool untimed;    // told from others by its sequence alone; kept in snapshots
} gm_seen_key;
typedef struct gm_seen {
    gm_seen_key *slots;
    size_t slot_count, count;
    int64_t margin_ns; // kept this much longer than the window
} gm_seen;

/// Some lanes.
typedef struct gm_lane_list {
    const uint32_t *numbers; // [count], ascending
    size_t count;
} gm_lane_list;

/// What of a group is analysed by itself (estimator_plan.c): everything, or one of many cells.
typedef struct gm_cell_plan {
    size_t group;
    const uint32_t *estimates; // [count] numbers of world->estimates: states, inputs, parameters
    size_t count, state_count, input_count;
    const uint32_t *sensors; // [sensor_count] that see it, ascending; no drivers
    size_t sensor_count;
} gm_cell_plan;

/// A measurement under way: sorted by cell, then by entry.
typedef struct gm_measurement {
    uint32_t cell, entry;
} gm_measurement;

/// Work space of the estimator, sized once.
typedef struct gm_estimator {
    gm_cell_plan *cells; // [cell_count], group by group
    size_t cell_count;
    uint32_t *first_cell;       // [group_count + 1]
    uint32_t *cell_of_estimate; // [estimate_count]
    uint32_t *cell_of_sensor;   // [sensor_count]; GM_NO_CELL of a driver
    size_t sensor_room;         // most measurements of a cell at one time
    gm_measurement *found;      // [found_capacity] of one time
    size_t found_capacity;
    double *noises;                        // [estimate_count] of a sensor of the same field
    size_t row_count;                      // most estimates of a cell and adopted sizes
    double *values;                        // [hypotheses][row_count][distinct lanes]
    double *predictions;                   // [sensor_room][lanes]
    double *own;                           // [sensor_room][distinct lanes] of one hypothesis
    double *room;                          // [sensor_room + 1][distinct lanes]
    double *measured, *variance, *caution; // [sensor_room]
    double *trusted;                       // [sensor_room] error variances for one hypothesis
    struct gm_innovation *innovations;     // [hypotheses][sensor_room]
    const gm_arrived **entries;            // [sensor_room] measured at this time in this cell
    gm_ref *refs;                          // [sensor_room]
    double *lane_values;                   // [lanes]
    uint32_t *alive;                       // [lanes] lanes that are left, by hypothesis
    size_t alive_first[GM_HYPOTHESES + 1]; // where each hypothesis' begin, and the end
    uint32_t *source;                      // [lanes]
    gm_random random;
} gm_estimator;

/// A forecast whose truth has not come yet.
typedef struct gm_pending {
    int64_t issued_ns, valid_ns;
    double persistence; // what was measured last when it was issued; NAN: nothing
    double mean;        // of the lanes
    gm_band_corrections corrections;
    size_t lane_count; // lanes that were left
} gm_pending;

/// Sums of scores. All of one type: snapshots hold it as it is.
typedef struct gm_tally {
    double count, square_sum, error_sum, crps_sum, fair_sum;
    double inside[GM_BANDS], width_sum[GM_BANDS];
    double raw_crps_sum, raw_inside[GM_BANDS]; // of the lanes, not recalibrated
    double rival_count, rival_square_sum;      // persistence
} gm_tally;

/// How the forecasts of each hypothesis fared, of late. All of one type: snapshots hold it as it
/// is.
typedef struct gm_rivalry {
    double scores[GM_HYPOTHESES];  // log-likelihoods of the truths of late
    double weights[GM_HYPOTHESES]; // in the newest forecast
} gm_rivalry;

/// One (field, lead): its newest row, what is pending, its score.
typedef struct gm_lead {
    gm_forecast_row row;
    gm_pending *pending; // ring, [capacity]
    double *lanes;       // [capacity][distinct lanes] ascending, as the model said
    double *means;       // [capacity][hypotheses] what each said
    gm_rivalry rivalry;
    int64_t compared_ns; // time of the last truth that hypotheses were compared by
    size_t first, count, capacity;
    gm_tally tally;
    gm_band_memory memory;
    gm_band_corrections corrections; // of the newest row
    int64_t learned_ns;              // time of the last truth that the bands were learned from
    gm_series_id series;
} gm_lead;

typedef struct gm_forecaster {
    size_t field_count, lead_count;
    gm_lead *leads;         // [field_count][lead_count]
    size_t *truth;          // [field_count] the sensor that measures the field; GM_NO_INDEX: none
    double *last_value;     // [field_count] last measurement before the newest
    int64_t *last_ns;       // [field_count]
    int64_t issued_ns;      // INT64_MIN before the first
    int64_t scores_from_ns; // forecasts issued sooner are not scored; INT64_MIN: all are
    uint64_t count;
    uint64_t scored_until; // cycle: recovery does not score again what was scored up to here
    gm_world_work *work;
    double *values; // [field_count][lanes]
    double *drawn;  // [distinct lanes]
    double *sorted; // [distinct lanes]
} gm_forecaster;

static inline gm_lead *gm_lead_at(const gm_forecaster *forecaster, size_t field, size_t number)
{
    return &forecaster->leads[field * forecaster->lead_count + number];
}

typedef struct gm_branch {
    gm_branch_status status;
    gm_held *held;
    bool busy;    // being advanced or set
    bool changed; // not on disk yet, as it is
} gm_branch;

typedef struct gm_recorder {
    double *values;        // [lanes]
    gm_series_id *records; // [record_count]
    gm_series_id *sensors; // [sensor_count] raw values
    gm_series_id *weights; // [group_count] of hypotheses; 0: not kept
    gm_series_id *learned; // [estimate_count] the same
} gm_recorder;

/// An event, and when the twin learned of its end (source time of the cycle).
typedef struct gm_kept_event {
    gm_twin_event event;
    int64_t cleared_ns;
    bool doubted;  // raised after the time of a rewind, not raised again yet
    bool reopened; // cleared after the time of a rewind, not cleared again yet
} gm_kept_event;

/// `detect:` of the world file.
typedef struct gm_detect {
    gm_sign_rule signs;
    double stale;           // multiples of `every` without a sample
    int64_t learn_after_ns; // an event that lasts longer no longer keeps parameters from learning
} gm_detect;

/// The sensors' names as the journal says them: what numbers mean in the records behind it.
typedef struct gm_announcement {
    uint64_t number; // of the journal record
    gm_string names; // as in the record
} gm_announcement;

/// Somebody who waits for a commit.
typedef struct gm_waiter {
    uint64_t number;
    gm_submit_done *done;
    void *context;
} gm_waiter;

struct gm_twin {
    const gm_world *world;
    gm_twin_options options;
    gm_log log;
    gm_arena *arena;
    gm_layout *layout;       // of the live state
    gm_layout *shown_layout; // of what others see; the same while there is one hypothesis
    gm_workers *workers;
    gm_world_work *work;
    gm_store *store;
    gm_journal *journal;
    gm_history *history;
    size_t lanes;      // of the live state: those of every hypothesis, one behind the other
    size_t distinct;   // of one hypothesis, and of what others see: as the world file says
    int64_t opened_ns; // wall time
    bool abandoned;    // opening failed

    // the cycle's own
    gm_state *state; // live; NULL before the first sample
    gm_held *shown;  // drawn last (hypotheses.h); NULL: none
    uint64_t cycle;  // number of the last cycle: its time divided by the cycle's length
    gm_window window;
    struct gm_sensing *sensing; // sensing.h
    gm_estimator estimator;
    struct gm_group_filters *filters; // group_filter.h
    gm_detect detect;
    struct gm_contradictions *contradictions; // contradictions.h
    struct gm_suspects *suspects;             // suspects.h; NULL: none declared
    gm_recorder recorder;
    bool late_waits;     // the cycle's mark says that late samples wait for another
    int64_t late_due_ns; // monotonic clock: late samples wait until then
    int64_t redo_ns;     // earliest sample that no kept cycle knows; INT64_MAX: none
    int64_t begin_ns;    // where the journal says the twin begins; INT64_MIN before
    bool torn;           // an error left the live state between two cycles' ends
    int64_t snapshot_due_ns;
    bool replaying;                 // recovery reads the journal
    int64_t recorded_ns;            // recovery: history and counters know cycles up to here already
    bool settling;                  // the end of a recording: no more samples will come
    uint64_t mark;                  // journal number of the last cycle's mark
    gm_announcement *announcements; // [announcement_count], rising
    size_t announcement_count, announcement_capacity;
    gm_arrived *taken; // the inbox's other half
    size_t taken_capacity;

    // inbox_lock
    pthread_mutex_t inbox_lock;
    gm_arrived *inbox;
    size_t inbox_count, inbox_capacity;
    gm_seen seen;
    int64_t newest_ns, settled_ns; // newest source time; end of the last cycle
    int64_t oldest_ns;             // what is not later than this is not in the window
    uint64_t counted_until;        // journal records up to here are in the counters already
    uint64_t accepted, duplicates, rejected, late, contradicting;
    size_t late_waiting;                         // samples in the inbox that a cycle left there
    uint64_t *sensor_accepted, *sensor_rejected; // [sensor_count]
    gm_string payload;
    gm_waiter *waiters;
    size_t waiter_count, waiter_capacity;

    // look_lock
    pthread_mutex_t look_lock;
    gm_held *live;
    gm_branch *branches; // [GM_TWIN_BRANCHES_MAX], live not among them
    size_t branch_count;
    gm_forecaster forecaster;
    gm_sensor_memory *sensors; // [sensor_count] as last published
    gm_kept_event *events;     // by time of raising, [event_count]
    size_t event_count, event_capacity;
    uint64_t cycles, rewinds;
    int64_t rewind_ns; // what rewinds took since the twin was opened

    // tell_lock
    pthread_mutex_t tell_lock;
    void (*tell)(void *context, const gm_twin_update *update);
    void *tell_context;

    // the live thread
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    pthread_cond_t wake;
};

// ---- intake.c: samples from outside ----

/// An empty inbox.
gm_status gm_intake_open(gm_twin *twin, gm_error *error);
void gm_intake_close(gm_twin *twin);
/// Earliest time among the samples that wait; INT64_MAX for none.
int64_t gm_intake_earliest(gm_twin *twin);
/// Decides where the twin begins, at the last whole cycle before the earliest sample that waits or
/// before time_ns, and marks it in the journal: twin->begin_ns.
gm_status gm_intake_begin(gm_twin *twin, int64_t time_ns, gm_error *error);
/// Moves the inbox into the window, lowers twin->redo_ns to the earliest of it, and marks the cycle
/// in the journal. All or nothing.
gm_status gm_intake_take(gm_twin *twin, int64_t time_ns, gm_error *error);
/// Tells the journal the sensors' names and starts answering those who wait. After recovery.
gm_status gm_intake_announce(gm_twin *twin, gm_error *error);
/// A samples record of the journal, read back.
typedef struct gm_restore {
    const void *bytes;
    size_t size;
    uint64_t number;
    const size_t *sensors; // [name_count] today's number of each; GM_NO_INDEX: gone
    size_t name_count;
} gm_restore;
/// Puts the samples of a record back into the inbox, as they had come in.
/// @return GM_CORRUPT, GM_MEMORY
gm_status gm_intake_restore(gm_twin *twin, const gm_restore *record, gm_error *error);

// ---- window.c ----

/// Room for as many cycles as the world's lateness limit covers.
gm_status gm_window_open(gm_twin *twin, gm_error *error);
void gm_window_close(gm_window *window);
/// Keeps a cycle's end; the oldest one leaves when the ring is full, with the samples before it.
void gm_window_keep(gm_twin *twin, gm_held *held);
/// Number of kept cycles that ended at or before time_ns (they stay valid); 0: time_ns lies before
/// the window.
size_t gm_window_before(const gm_window *window, int64_t time_ns);
gm_moment *gm_window_at(const gm_window *window, size_t index);
/// Room for so many more samples. @return false when out of memory
bool gm_window_reserve(gm_window *window, size_t more);
/// Adds a sample; there is room. gm_window_sort has to come behind the last.
void gm_window_add(gm_window *window, const gm_arrived *entry);
/// Brings what was added into its order; samples that nothing tells apart stay as they came.
void gm_window_sort(gm_window *window);
/// First entry later than time_ns.
size_t gm_window_after(const gm_window *window, int64_t time_ns);
/// Adds a sample; when the table must grow, samples from long before the window, whose oldest cycle
/// ended at oldest_ns, are forgotten. @return false: no memory
bool gm_seen_add(gm_seen *seen, const gm_sample *sample, int64_t oldest_ns, bool *known);
/// The raw value of a known sample; NAN: forgotten, or not known.
double gm_seen_value(const gm_seen *seen, const gm_sample *sample);
void gm_seen_remove(gm_seen *seen, const gm_sample *sample);
/// The keys of samples without a source time, and back: nothing else remembers them. @return false:
/// no memory
void gm_seen_pack(const gm_seen *seen, gm_string *out);
bool gm_seen_unpack(gm_seen *seen, gm_unpack *in);

// ---- cycle.c ----

/// One cycle: takes what waits, rewinds if something is late, brings the live state to time_ns,
/// publishes. At the end of the last cycle it only does what late samples ask for. After an error
/// the next one starts clean from the last cycle's end.
gm_status gm_cycle_run(gm_twin *twin, int64_t time_ns, gm_error *error);
/// The first state, as a cycle that ended at time_ns.
gm_status gm_cycle_begin(gm_twin *twin, int64_t time_ns, gm_error *error);
uint64_t gm_cycle_number(const gm_twin *twin, int64_t time_ns);

// ---- estimator.c ----

/// Says what is analysed by itself: the cells. First of all: sections are sized by them.
gm_status gm_estimator_plan(gm_twin *twin, gm_error *error);
/// Whether measurements take so many directions from the lanes that they show correlations by
/// chance.
bool gm_cell_is_crowded(const gm_twin *twin, size_t state_count, size_t sensor_count);
/// The work space that all cells share.
gm_status gm_estimator_open(gm_twin *twin, gm_error *error);
void gm_estimator_close(gm_twin *twin);
/// Initial spread of parameters and states.
gm_status gm_estimator_spread(gm_twin *twin, gm_state *state, gm_error *error);
/// The live state was loaded: cells that it does not know go on as if they had begun.
gm_status gm_estimator_resume(gm_twin *twin, gm_error *error);
/// All samples of one time: inputs are written, measurements assimilated cell by cell.
gm_status gm_estimator_update(gm_twin *twin, const gm_arrived *entries, size_t count,
                              gm_error *error);
/// What time does to what is estimated: drift; failed lanes are replaced.
gm_status gm_estimator_drift(gm_twin *twin, int64_t elapsed_ns, gm_error *error);
/// What a forecast does not know: the same walks over a time ahead, longer where innovations follow
/// each other. Writes `state`, a fork. On the cycle's thread.
gm_status gm_estimator_wander(gm_twin *twin, gm_state *state, int64_t elapsed_ns, gm_error *error);

/// A sample in SI; whether its sensor can mean that; the standard deviation of a measurement.
double gm_sample_value(const gm_twin *twin, const gm_arrived *entry);
bool gm_sample_plausible(const gm_world_sensor *sensor, double value);
double gm_sample_noise(const gm_world_sensor *sensor, double value);

// ---- monitor.c ----

struct gm_innovation;
/// Every sample, before it is used.
void gm_monitor_arrival(gm_twin *twin, const gm_arrived *entry, double value, bool plausible);
/// A measurement and what it said against the lanes.
void gm_monitor_take(gm_twin *twin, const gm_arrived *entry,
                     const struct gm_innovation *innovation);
/// gm_signs_caution of a sensor.
double gm_monitor_caution(const gm_sensor_memory *memory);
/// The end of a cycle: sensors that should have spoken.
void gm_monitor_silence(gm_twin *twin, int64_t time_ns);
/// The live state went back to time_ns: what was raised after it is open to doubt until
/// gm_monitor_settle.
void gm_monitor_rewind(gm_twin *twin, int64_t time_ns);
/// After a rewind that is known about up to known_ns: events that were not raised again are
/// withdrawn, those that were not cleared again last.
void gm_monitor_settle(gm_twin *twin, int64_t known_ns);
/// Whether there is such an event. Under look_lock.
bool gm_monitor_knows(gm_twin *twin, uint64_t event);
/// Tells of a change of the plant that the lanes hold, or again; its end. An event's id says which
/// slot it is of and when it was raised.
uint64_t gm_monitor_change_id(const gm_twin *twin, size_t slot, int64_t time_ns);
int64_t gm_monitor_change_ns(const gm_twin *twin, uint64_t id);
void gm_monitor_change(gm_twin *twin, const gm_twin_event *event);
void gm_monitor_change_end(gm_twin *twin, uint64_t id, int64_t time_ns);
/// Tells of what another part of the twin found; it ends as a change does.
void gm_monitor_tell(gm_twin *twin, const gm_twin_event *event);
/// Tells of an innovation event that is not in the innovations of the sensor alone.
/// @param event  in out: start, end, raised and size; id (0: it is new) and what it says
void gm_monitor_disagree(gm_twin *twin, size_t sensor, gm_twin_event *event);
/// The sensor that an event of a sensor is about, by its id.
size_t gm_monitor_event_sensor(uint64_t id);
/// Tells of an innovation event again, as its suspects are known better.
void gm_monitor_retell(gm_twin *twin, uint64_t event);
gm_status gm_monitor_open(gm_twin *twin, gm_error *error);

// ---- forecaster.c: what is said ----

/// Room for the newest forecast, for those that wait for their truth, and for scores.
gm_status gm_forecaster_open(gm_twin *twin, gm_error *error);
void gm_forecaster_close(gm_twin *twin);
/// Issues a forecast when one is due.
gm_status gm_forecaster_issue(gm_twin *twin, gm_error *error);
/// What is published of lanes. @param mean  of the lanes; @param work  [forecast->count]
gm_summary gm_forecast_published(const gm_band_forecast *forecast, double mean, double *work);

// ---- forecast_hypotheses.c: whose forecast it is ----

/// What is said of one field at one lead: as many lanes as the world file says, of the hypotheses
/// in proportion to what each is worth at that lead.
typedef struct gm_said {
    double *lanes; // [count], ascending
    size_t count;
    double mean;
} gm_said;
/// @param values  [lanes] of the state looked ahead, all hypotheses; sorted with one hypothesis
/// @param means   out, [hypothesis_count] what each says
gm_said gm_forecast_said(gm_twin *twin, const gm_state *state, size_t field, size_t number,
                         double *means);
/// The truth of the oldest forecast that waits. @param noise  of its reading, > 0
void gm_forecast_compare(const gm_twin *twin, gm_lead *lead, double truth, double noise);

// ---- forecast_scores.c: what was said, against what came ----

/// A measurement came: forecasts of its time are scored.
void gm_forecaster_score(gm_twin *twin, size_t sensor, int64_t time_ns, double value);

// ---- forecast_memory.c: scores in snapshots ----

/// The forecaster's memory as bytes, and back.
void gm_forecaster_save(const gm_twin *twin, gm_string *out);
/// @return false: bytes of another world or version, or damaged; scores begin anew
bool gm_forecaster_load(gm_twin *twin, gm_text bytes);

// ---- recorder.c: history, snapshots, recovery ----

/// Names the series of sensors and of `record:` in the history. Nothing to do without a folder.
gm_status gm_recorder_open(gm_twin *twin, gm_error *error);
/// Records what is due of a cycle's end. @param known_ns  end of the cycle that knows it
void gm_recorder_cycle(gm_twin *twin, gm_held *held, int64_t known_ns);
/// Records a raw sample. @param quality  gm_quality
void gm_recorder_sample(gm_twin *twin, const gm_arrived *entry, uint32_t quality);
/// Records the quantiles of a forecast at one lead.
void gm_recorder_forecast(gm_twin *twin, const gm_lead *lead);
/// Records an event as it is now; the same id again takes its place.
void gm_recorder_event(gm_twin *twin, const gm_twin_event *event);
/// Writes a snapshot when one is due, or at once. gm_recover reads it and the journal behind it.
gm_status gm_recorder_snapshot(gm_twin *twin, bool at_once, gm_error *error);
gm_status gm_recover(gm_twin *twin, gm_error *error);
/// Remembers what the journal says of the sensors' names at record `number`.
gm_status gm_recorder_announce(gm_twin *twin, uint64_t number, gm_text names, gm_error *error);

// ---- looking.c ----

/// Puts branches on disk that are new or changed; failing is logged. On the cycle's thread, so that
/// making a branch costs nothing but the fork. Takes one off again. Reads all back.
void gm_branches_keep(gm_twin *twin);
void gm_branch_forget(gm_twin *twin, const char *name);
gm_status gm_branches_open(gm_twin *twin, gm_error *error);

/// Makes the end of a cycle what others see. For want of memory they see the one before.
void gm_publish(gm_twin *twin, gm_held *held);
void gm_tell(gm_twin *twin, const gm_twin_update *update);

static inline gm_sensor_memory *gm_sensor_memories(gm_twin *twin)
{
    return gm_state_section_write(twin->state, SECTION_SENSORS);
}

static inline gm_cell_memory *gm_cell_memories(gm_twin *twin)
{
    return gm_state_section_write(twin->state, SECTION_CELLS);
}

#endif
