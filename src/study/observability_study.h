// Which of a world's estimated values its sensors can determine, and which further sensor would
// help most, before anything is measured.
//
// The world is played ahead from its declared start over a horizon, without assimilation:
//   a pilot      one lane, drivers by their `ahead` rules: what driving sensors would report
//   the slopes   for every estimated value a lane where it alone is one declared spread higher, all
//                under the pilot's inputs; their differences from a lane without are free of chance
//   the chances  lanes that differ only by what drivers' rules, driving sensors' noise and the
//                models leave to chance; none are needed where nothing is
// and assim/observability.h puts together what readings tell. Values are as they began over the
// horizon; a declared drift is added to what is left, value by value.
#ifndef GEMEL_STUDY_OBSERVABILITY_STUDY_H
#define GEMEL_STUDY_OBSERVABILITY_STUDY_H

#include "assim/observability.h"
#include "world/world_parts.h"

enum {
    GM_SENSOR_PICKS = 3,               // further sensors chosen together
    GM_OBSERVABILITY_LANES_MAX = 8192, // lanes for chance
};

typedef struct gm_observability_options {
    int64_t horizon_ns;            // how long readings are gathered; 0: 600 cycles
    size_t lanes;                  // for chance, >= 8
    uint64_t seed;                 // 0: the world's
    const char *const *candidates; // [candidate_count] where a sensor could be: ADDRESS, or
                                   // ADDRESS=NOISE, "box/wall/temperature=0.1 degC"; patterns too
    size_t candidate_count;        // 0: fields of kinds already measured, where no sensor is
    gm_workers *workers;           // NULL: this thread alone
    void *context;
    void (*progress)(void *context, double done); // NULL: not told
} gm_observability_options;
/// 128 lanes.
gm_observability_options gm_default_observability_options(void);

/// What the sensors can do for one estimated value.
typedef enum gm_sight {
    GM_SIGHT_NONE = 0,
    GM_SIGHT_KNOWN,   // at most half of its spread is left
    GM_SIGHT_PARTLY,  // they tell a little
    GM_SIGHT_TANGLED, // they see it only together with others: it could be told if those were known
    GM_SIGHT_BLIND,   // they tell nothing: more than nine tenths of its spread are left
    GM_SIGHT_SETTLED, // a state whose spread dies out by itself
    GM_SIGHT_FIXED,   // no spread is declared, or none of zero: it counts as known
} gm_sight;

const char *gm_sight_name(gm_sight sight); // "known", "not seen" ...

/// A value that moves with another: with that one higher by what is left of its spread, this one is
/// `amount` higher in the mean, and no reading tells.
typedef struct gm_entangled {
    size_t quantity;
    double correlation, amount; // amount: in this one's own measure
} gm_entangled;

/// One value of `estimate:`: a parameter, or a state at the horizon's end.
typedef struct gm_observed {
    gm_ref ref;
    bool is_parameter;
    bool relative; // spreads are fractions of the value, else SI
    double before; // spread without sensors; a state's is that at the horizon's end
    double after;  // and with the readings of the present ones
    gm_sight sight;
    gm_entangled with[GM_COMPANIONS_MAX]; // [with_count] of PARTLY, TANGLED, BLIND; closest first
    size_t with_count;
} gm_observed;

/// A sensor that could be.
typedef struct gm_sensor_candidate {
    gm_ref ref;
    double noise;     // SI
    int64_t every_ns; // between readings
    double gain;      // the share of the sum of relative spreads that it alone would take away
} gm_sensor_candidate;

typedef struct gm_observability_answer {
    int64_t horizon_ns;
    size_t lanes;        // that followed chance; 0: there is none
    size_t sensor_count; // that measure
    gm_observed *values; // [value_count] in the order of the world's estimates
    size_t value_count;
    size_t counts[GM_SIGHT_FIXED + 1]; // values by sight
    double left;                       // mean of after / before
    gm_sensor_candidate *candidates;   // [candidate_count], best first
    size_t candidate_count;
    size_t picks[GM_SENSOR_PICKS];      // [pick_count] candidates that do most together, greedily
    double picks_gain[GM_SENSOR_PICKS]; // and the share that those up to each take away
    size_t pick_count;
} gm_observability_answer;

/// @param answer  out; owner: the caller, with gm_observability_answer_free
/// @return GM_INVALID (nothing is estimated, options, candidates), GM_NOT_FOUND (a candidate's
///         address), GM_LIMIT (too much at once: the error says of what), GM_NUMERIC (a lane
///         failed: the error says which), GM_MEMORY
gm_status gm_observability_study(const gm_world *world, const gm_observability_options *options,
                                 gm_observability_answer *answer, gm_error *error);
/// Twice is fine.
void gm_observability_answer_free(gm_observability_answer *answer);

/// Whether every estimated value is known, settles, or is at least told a little.
bool gm_observability_is_complete(const gm_observability_answer *answer);

#endif
