// Diagnosis: one posterior over all that may be behind what sensors show.
//
// Explanations of all kinds compete by Bayes' rule: what was thought of each before looking, times
// what the readings say (log odds against "nothing happened": sensor_faults.h for sensors,
// responses of the model for the plant). A class's share before looking is split among its
// explanations by their weights; classes nobody names an explanation of are left out. The answer
// may be that it cannot tell: nothing is likely enough, or another explanation does the same to
// all sensors, and only what was thought before speaks for one of them. Large odds of a model that
// is not exact differ by what is wrong with it, too: they are coarsened then (Miller, Dunson,
// Journal of the American Statistical Association 114 (2019) 1113-1125).
#ifndef GEMEL_ASSIM_DIAGNOSIS_H
#define GEMEL_ASSIM_DIAGNOSIS_H

#include <gemel/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { GM_EXPLANATIONS_MAX = 65536 };

/// Kinds of explanations. Numbers are part of the API and stay.
typedef enum gm_explanation_class {
    GM_EXPLAINED_NONE = 0,
    GM_EXPLAINED_HEALTHY = 1, // nothing happened
    GM_EXPLAINED_BIAS = 2,    // one sensor ...
    GM_EXPLAINED_DRIFT = 3,
    GM_EXPLAINED_STUCK = 4,
    GM_EXPLAINED_NOISE = 5,
    GM_EXPLAINED_SPIKES = 6,
    GM_EXPLAINED_SWAPPED = 7, // two sensors
    GM_EXPLAINED_PLANT = 8,   // a field of the plant
    GM_EXPLAINED_INPUT = 9,   // something acts on the plant that the model does not know
    GM_EXPLAINED_CLASSES = 10,
} gm_explanation_class;

/// One explanation. Names are the caller's; NULL is told as "something".
typedef struct gm_explanation {
    gm_explanation_class class; // not GM_EXPLAINED_NONE
    const char *subject;        // sensor or field
    const char *partner;        // GM_EXPLAINED_SWAPPED: the other sensor
    const char *unit;           // of size, SI
    bool flexible;   // it could explain anything: that it comes near to others says nothing
    double log_odds; // against GM_EXPLAINED_HEALTHY, whose own are 0; may be -infinity
    double weight;   // before looking, among its class, >= 0
    double size;     // how much; NAN: not told
    int64_t since_ns;
    double probability; // out
} gm_explanation;

/// What is thought before looking, and when an answer is one.
typedef struct gm_diagnosis_rule {
    double shares[GM_EXPLAINED_CLASSES]; // by class, >= 0; need not add up to 1
    double clear;                        // least probability of an answer, 0.5 .. 1
    double margin; // log odds by which readings must prefer it to every other, >= 0
    // share of log odds that says nothing between classes, but of one sensor's faults, as no model
    // is exact: 0 .. 1. Where the best has a rival so near, all odds are coarsened until that share
    // is one
    double tolerance;
} gm_diagnosis_rule;

/// How much can be told.
typedef enum gm_diagnosis_verdict {
    GM_DIAGNOSIS_NONE = 0,
    GM_CANNOT_TELL,
    GM_CLASS_IS_CLEAR, // the kind, not which one
    GM_CLEAR,
} gm_diagnosis_verdict;

typedef struct gm_diagnosis {
    gm_diagnosis_verdict verdict;
    gm_explanation_class class;                 // the likeliest
    size_t best;                                // the likeliest explanation of that class
    double probability;                         // of that explanation
    double probabilities[GM_EXPLAINED_CLASSES]; // by class
} gm_diagnosis;

/// After an alarm: something happened, as likely a sensor as the plant.
gm_diagnosis_rule gm_default_diagnosis_rule(void);

/// Weighs explanations; equal ones rank in their order.
/// @param explanations  in out, [count]: probability is filled in
/// @param count         1 .. GM_EXPLANATIONS_MAX
/// @return GM_OK; GM_INVALID (count, class, weight, rule; no explanation is possible), GM_NUMERIC
///         (log odds that are NaN or infinite). On an error nothing is written.
gm_status gm_diagnose(const gm_diagnosis_rule *rule, gm_explanation *explanations, size_t count,
                      gm_diagnosis *diagnosis, gm_error *error);

/// A sentence about it, cut where it does not fit: "most likely sensor t2 reads 0.31 K too high
/// since 2026-01-05T12:00:00Z (97 %)", or what it cannot tell between.
/// @param text  out, [size], size >= 1
void gm_diagnosis_tell(const gm_diagnosis *diagnosis, const gm_explanation *explanations,
                       size_t count, char *text, size_t size);

/// "bias", "swapped" ... as the API spells it; NULL for what is no class.
const char *gm_explanation_class_name(gm_explanation_class class);

#endif
