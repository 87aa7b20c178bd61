// Bayes' rule over explanations, and the sentence that tells of it: see diagnosis.h.
#include "assim/diagnosis.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/calendar.h"

enum { RIVALS_TOLD = 3 };

static const char likely[] = "most likely ";
static const double told_share = 0.05; // a probability below which rivals are not told of

static const char *const class_names[GM_EXPLAINED_CLASSES] = {
    [GM_EXPLAINED_NONE] = NULL,       [GM_EXPLAINED_HEALTHY] = "healthy",
    [GM_EXPLAINED_BIAS] = "bias",     [GM_EXPLAINED_DRIFT] = "drift",
    [GM_EXPLAINED_STUCK] = "stuck",   [GM_EXPLAINED_NOISE] = "noise",
    [GM_EXPLAINED_SPIKES] = "spikes", [GM_EXPLAINED_SWAPPED] = "swapped",
    [GM_EXPLAINED_PLANT] = "plant",   [GM_EXPLAINED_INPUT] = "input",
};

/// In the middle of a sentence.
static const char *const class_phrases[GM_EXPLAINED_CLASSES] = {
    [GM_EXPLAINED_HEALTHY] = "nothing",
    [GM_EXPLAINED_BIAS] = "a sensor's bias",
    [GM_EXPLAINED_DRIFT] = "a sensor's drift",
    [GM_EXPLAINED_STUCK] = "a sensor that is stuck",
    [GM_EXPLAINED_NOISE] = "a sensor's noise",
    [GM_EXPLAINED_SPIKES] = "a sensor's spikes",
    [GM_EXPLAINED_SWAPPED] = "two sensors swapped",
    [GM_EXPLAINED_PLANT] = "a change of the plant",
    [GM_EXPLAINED_INPUT] = "something that the model does not know",
};

const char *gm_explanation_class_name(gm_explanation_class class)
{
    return (unsigned)class < GM_EXPLAINED_CLASSES ? class_names[class] : NULL;
}

gm_diagnosis_rule gm_default_diagnosis_rule(void)
{
    return (gm_diagnosis_rule){ .shares = { [GM_EXPLAINED_HEALTHY] = 0.1,
                                            [GM_EXPLAINED_BIAS] = 0.1,
                                            [GM_EXPLAINED_DRIFT] = 0.1,
                                            [GM_EXPLAINED_STUCK] = 0.05,
                                            [GM_EXPLAINED_NOISE] = 0.05,
                                            [GM_EXPLAINED_SPIKES] = 0.05,
                                            [GM_EXPLAINED_SWAPPED] = 0.05,
                                            [GM_EXPLAINED_PLANT] = 0.4,
                                            [GM_EXPLAINED_INPUT] = 0.1 },
                                .clear = 0.7,
                                .margin = 1.0 };
}

// ---- weighing ----

static gm_status check_rule(const gm_diagnosis_rule *rule, gm_error *error)
{
    bool sound = rule->clear >= 0.5 && rule->clear <= 1.0 && rule->margin >= 0.0 &&
                 rule->tolerance >= 0.0 && rule->tolerance <= 1.0;
    for (size_t kind = 1; kind < GM_EXPLAINED_CLASSES; kind++) {
        sound = sound && rule->shares[kind] >= 0.0 && isfinite(rule->shares[kind]);
    }
    return sound ? GM_OK
                 : gm_error_set(
                       error, GM_INVALID,
                       "shares and margin of a diagnosis must not be negative, its tolerance "
                       "lies between 0 and 1, an answer's least probability between 0.5 "
                       "and 1");
}

/// @param weights  out, by class: the sum of its explanations'
static gm_status check_explanations(const gm_explanation *explanations, size_t count,
                                    double weights[GM_EXPLAINED_CLASSES], gm_error *error)
{
    if (count == 0 || count > GM_EXPLANATIONS_MAX) {
        return gm_error_set(error, GM_INVALID, "expected 1 to %d explanations, got %zu",
                            GM_EXPLANATIONS_MAX, count);
    }
    memset(weights, 0, GM_EXPLAINED_CLASSES * sizeof *weights);
    for (size_t index = 0; index < count; index++) {
        const gm_explanation *of = &explanations[index];
        if (gm_explanation_class_name(of->class) == NULL ||
            !(of->weight >= 0.0 && isfinite(of->weight))) {
            return gm_error_set(error, GM_INVALID, "explanation %zu has no class or weight", index);
        }
        if (!(of->log_odds < INFINITY)) {
            return gm_error_set(error, GM_NUMERIC, "explanation %zu has no log odds", index);
        }
        weights[of->class] += of->weight;
    }
    return GM_OK;
}

static bool is_thinkable(const gm_diagnosis_rule *rule, const gm_explanation *of)
{
    return of->weight > 0.0 && rule->shares[of->class] > 0.0;
}

/// Whether two explanations of different classes, and not of the same sensor, are nearer to each
/// other than the model is exact.
static bool is_within_tolerance(const gm_diagnosis_rule *rule, const gm_explanation *best,
                                const gm_explanation *rival)
{
    bool same = best->subject != NULL && rival->subject != NULL &&
                strcmp(best->subject, rival->subject) == 0;
    return rival->class != best->class && !same && !rival->flexible && !best->flexible &&
           rival->log_odds > (1.0 - rule->tolerance) * best->log_odds;
}

/// Whether the readings speak as much for another explanation. Of what was never thought of,
/// nothing is said; and what leaves no trace is no reason to doubt that nothing happened.
/// @param other_class  of another class alone
static bool has_rival(const gm_diagnosis_rule *rule, const gm_explanation *explanations,
                      size_t count, size_t best, bool other_class)
{
    bool healthy = explanations[best].class == GM_EXPLAINED_HEALTHY;
    for (size_t index = 0; index < count; index++) {
        const gm_explanation *rival = &explanations[index];
        bool other = other_class ? rival->class != explanations[best].class : index != best;
        if (other && is_thinkable(rule, rival) && !healthy &&
            (rival->log_odds > explanations[best].log_odds - rule->margin ||
             is_within_tolerance(rule, &explanations[best], rival))) {
            return true;
        }
    }
    return false;
}

/// By how much log odds count.
static double coarseness(const gm_diagnosis_rule *rule, const gm_explanation *explanations,
                         size_t count)
{
    const gm_explanation *best = NULL;
    bool rivalled = false;
    for (size_t index = 0; index < count; index++) {
        const gm_explanation *of = &explanations[index];
        bool better = best == NULL || of->log_odds > best->log_odds;
        best = better && is_thinkable(rule, of) ? of : best;
    }
    for (size_t index = 0; best != NULL && !rivalled && index < count; index++) {
        rivalled = is_thinkable(rule, &explanations[index]) &&
                   is_within_tolerance(rule, best, &explanations[index]);
    }
    return rivalled ? 1.0 / fmax(rule->tolerance * best->log_odds, 1.0) : 1.0;
}

static gm_diagnosis judge(const gm_diagnosis_rule *rule, const gm_explanation *explanations,
                          size_t count)
{
    gm_diagnosis made = { .class = GM_EXPLAINED_HEALTHY, .best = count };
    for (size_t index = 0; index < count; index++) {
        made.probabilities[explanations[index].class] += explanations[index].probability;
    }
    for (gm_explanation_class kind = 1; kind < GM_EXPLAINED_CLASSES; kind++) {
        if (made.probabilities[kind] > made.probabilities[made.class]) {
            made.class = kind;
        }
    }
    for (size_t index = 0; index < count; index++) {
        if (explanations[index].class == made.class &&
            (made.best == count ||
             explanations[index].probability > explanations[made.best].probability)) {
            made.best = index;
        }
    }
    made.probability = explanations[made.best].probability;
    made.verdict = GM_CANNOT_TELL;
    if (made.probabilities[made.class] >= rule->clear &&
        !has_rival(rule, explanations, count, made.best, true)) {
        bool alone = made.probability >= rule->clear &&
                     !has_rival(rule, explanations, count, made.best, false);
        made.verdict = alone ? GM_CLEAR : GM_CLASS_IS_CLEAR;
    }
    return made;
}

gm_status gm_diagnose(const gm_diagnosis_rule *rule, gm_explanation *explanations, size_t count,
                      gm_diagnosis *diagnosis, gm_error *error)
{
    double weights[GM_EXPLAINED_CLASSES];
    gm_status status = check_rule(rule, error);
    if (status == GM_OK) {
        status = check_explanations(explanations, count, weights, error);
    }
    if (status != GM_OK) {
        return status;
    }
    double most = -INFINITY, sum = 0.0, scale = coarseness(rule, explanations, count);
    for (size_t pass = 0; pass < 2; pass++) { // the greatest first, so that no exp overflows
        for (size_t index = 0; index < count; index++) {
            gm_explanation *of = &explanations[index];
            double share = rule->shares[of->class] * of->weight / weights[of->class];
            double height = share > 0.0 ? scale * of->log_odds + log(share) : -INFINITY;
            if (pass == 0) {
                most = fmax(most, height);
            } else {
                of->probability = exp(height - most);
                sum += of->probability;
            }
        }
        if (most == -INFINITY) {
            return gm_error_set(error, GM_INVALID, "no explanation is possible");
        }
    }
    for (size_t index = 0; index < count; index++) {
        explanations[index].probability /= sum;
    }
    *diagnosis = judge(rule, explanations, count);
    return GM_OK;
}

// ---- telling ----

static void tell_what(gm_string *out, const gm_explanation *of)
{
    const char *subject = of->subject != NULL ? of->subject : "something";
    const char *partner = of->partner != NULL ? of->partner : "something";
    const char *unit = of->unit != NULL ? of->unit : "";
    switch (of->class) {
    case GM_EXPLAINED_BIAS:
        gm_string_format(out, "sensor %s reads %.3g %s too %s", subject, fabs(of->size), unit,
                         of->size < 0.0 ? "low" : "high");
        break;
    case GM_EXPLAINED_DRIFT:
        gm_string_format(out, "sensor %s drifts by %+.3g %s/h", subject, 3600.0 * of->size, unit);
        break;
    case GM_EXPLAINED_STUCK:
        gm_string_format(out, "sensor %s is stuck at %.6g %s", subject, of->size, unit);
        break;
    case GM_EXPLAINED_NOISE:
        gm_string_format(out, "sensor %s is about %.2g times as noisy", subject, of->size);
        break;
    case GM_EXPLAINED_SPIKES:
        gm_string_format(out, "sensor %s has spikes of about %.2g %s", subject, of->size, unit);
        break;
    case GM_EXPLAINED_SWAPPED:
        gm_string_format(out, "sensors %s and %s are swapped", subject, partner);
        break;
    case GM_EXPLAINED_PLANT:
        gm_string_format(out, "%s changed", subject);
        break;
    case GM_EXPLAINED_INPUT:
        gm_string_format(out, "%s that the model does not know acts", subject);
        break;
    default:
        gm_string_format(out, "nothing is wrong");
        return;
    }
    bool sized = of->class == GM_EXPLAINED_PLANT || of->class == GM_EXPLAINED_INPUT;
    if (sized && isfinite(of->size)) {
        gm_string_format(out, " (%+.3g %s)", of->size, unit);
    }
}

static void tell_one(gm_string *out, const gm_explanation *of, double probability)
{
    tell_what(out, of);
    if (of->class != GM_EXPLAINED_HEALTHY) {
        char since[40];
        gm_time_format(of->since_ns, since);
        gm_string_format(out, " since %s", since);
    }
    gm_string_format(out, " (%.0f %%)", 100.0 * probability);
}

/// The likeliest explanations in their order, as far as they matter.
static void tell_rivals(gm_string *out, const gm_explanation *explanations, size_t count)
{
    size_t last = count;
    for (size_t told = 0; told < RIVALS_TOLD; told++) {
        size_t next = count;
        for (size_t index = 0; index < count; index++) {
            double probability = explanations[index].probability;
            bool after = last == count || probability < explanations[last].probability ||
                         (probability == explanations[last].probability && index > last);
            if (after && (next == count || probability > explanations[next].probability)) {
                next = index;
            }
        }
        if (next == count || (told > 0 && explanations[next].probability < told_share)) {
            return;
        }
        gm_string_format(out, "%s", told == 0 ? "" : "; ");
        tell_one(out, &explanations[next], explanations[next].probability);
        last = next;
    }
}

void gm_diagnosis_tell(const gm_diagnosis *diagnosis, const gm_explanation *explanations,
                       size_t count, char *text, size_t size)
{
    gm_string out = { 0 };
    if (diagnosis->verdict == GM_CLEAR) {
        gm_string_format(&out, "%s", likely);
        tell_one(&out, &explanations[diagnosis->best], diagnosis->probability);
    } else if (diagnosis->verdict == GM_CLASS_IS_CLEAR) {
        gm_string_format(&out, "%s%s (%.0f %%), but which is not clear: ", likely,
                         class_phrases[diagnosis->class],
                         100.0 * diagnosis->probabilities[diagnosis->class]);
        tell_rivals(&out, explanations, count);
    } else {
        gm_string_format(&out, "cannot tell between: ");
        tell_rivals(&out, explanations, count);
    }
    snprintf(text, size, "%.*s", (int)out.size, out.data != NULL ? out.data : "");
    gm_string_free(&out);
}
