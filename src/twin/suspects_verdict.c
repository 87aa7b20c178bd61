// An inquiry's verdict: log odds of all hypotheses, with what was thought before looking, become
// probabilities, a ranking and a sentence.
#include <math.h>
#include <stdio.h>

#include "twin/suspects_probe.h"

static const double told_share = 0.02;  // a probability below which addresses are not spelled out
static const double tolerance = 0.1;    // of log odds: no model of a plant is exact
static const double place_share = 1e-3; // and below which none is adopted

static const char *const verdict_names[] = {
    [GM_CANNOT_TELL] = "unclear", [GM_CLASS_IS_CLEAR] = "class", [GM_CLEAR] = "clear"
};

/// log sum exp of log odds over onsets, evenly likely; those not looked at (NAN) are left out.
/// @param likeliest  out
static double over_onsets(const double *log_odds, size_t count, size_t *likeliest)
{
    double most = -INFINITY, sum = 0.0;
    size_t looked = 0;
    for (size_t onset = 0; onset < count; onset++) {
        looked += !isnan(log_odds[onset]);
        if (log_odds[onset] > most) {
            most = log_odds[onset];
            *likeliest = onset;
        }
    }
    for (size_t onset = 0; onset < count && most > -INFINITY; onset++) {
        sum += isnan(log_odds[onset]) ? 0.0 : exp(log_odds[onset] - most);
    }
    return most > -INFINITY ? most + log(sum / (double)looked) : most;
}

/// Puts a suspect where it belongs among the likeliest.
static void rank(gm_suspicion *found, const gm_suspect *suspect)
{
    size_t place = found->count < GM_SUSPECT_ROWS ? found->count++ : GM_SUSPECT_ROWS;
    for (; place > 0 && found->suspects[place - 1].probability < suspect->probability; place--) {
        if (place < GM_SUSPECT_ROWS) {
            found->suspects[place] = found->suspects[place - 1];
        }
    }
    if (place < GM_SUSPECT_ROWS) {
        found->suspects[place] = *suspect;
    }
}

// ---- all explanations ----

/// A change of an input acts on the plant; any other is one of the plant itself.
static gm_explanation_class class_of(const gm_probe *probe, const gm_accused *suspect)
{
    return gm_world_role(probe->twin->world, suspect->trial->ref) == GM_INPUT ? GM_EXPLAINED_INPUT
                                                                              : GM_EXPLAINED_PLANT;
}

static void add_suspects(gm_probe *probe)
{
    for (size_t index = 0; index < probe->suspect_count; index++) {
        gm_accused *suspect = &probe->suspects[index];
        suspect->onset = probe->alarm_onset;
        double log_odds = over_onsets(suspect->log_odds, probe->onset_count, &suspect->onset);
        probe->explanations[probe->explanation_count] = (gm_explanation){
            .class = class_of(probe, suspect),
            .unit = gm_world_field(probe->twin->world, suspect->trial->ref)->unit,
            .log_odds = log_odds,
            .weight = exp(suspect->trial->log_prior),
            .size = suspect->sizes[suspect->onset] * suspect->change,
            .since_ns = probe->onsets_ns[suspect->onset],
        };
        probe->about[probe->explanation_count++] = (gm_explained){ .suspect = suspect };
    }
}

/// Addresses of those that are likely at all, as subjects.
static gm_status name_suspects(gm_probe *probe, size_t best, gm_error *error)
{
    for (size_t index = 0; index < probe->explanation_count; index++) {
        gm_explanation *of = &probe->explanations[index];
        const gm_accused *suspect = probe->about[index].suspect;
        if (suspect == NULL || (of->probability < told_share && index != best)) {
            continue;
        }
        enum { ADDRESS_SIZE = sizeof(((gm_suspect *)NULL)->address) };
        char *address = gm_arena_new(probe->arena, ADDRESS_SIZE, 1);
        if (address == NULL) {
            return gm_probe_no_memory(error);
        }
        gm_world_address(probe->twin->world, suspect->trial->ref, address, ADDRESS_SIZE);
        of->subject = address;
    }
    return GM_OK;
}

static void rank_explanation(const gm_probe *probe, size_t index, gm_suspicion *found)
{
    const gm_explanation *of = &probe->explanations[index];
    const gm_explained *about = &probe->about[index];
    bool full = found->count == GM_SUSPECT_ROWS;
    if (full && of->probability <= found->suspects[GM_SUSPECT_ROWS - 1].probability) {
        return;
    }
    gm_suspect row = { .size = of->size, .probability = of->probability, .since_ns = of->since_ns };
    snprintf(row.kind, sizeof row.kind, "%s", gm_explanation_class_name(of->class));
    if (about->suspect != NULL) {
        gm_world_address(probe->twin->world, about->suspect->trial->ref, row.address,
                         sizeof row.address);
    } else {
        snprintf(row.sensor, sizeof row.sensor, "%s", of->subject);
        snprintf(row.partner, sizeof row.partner, "%s", of->partner != NULL ? of->partner : "");
    }
    const char *per_second = of->class == GM_EXPLAINED_DRIFT ? "/s" : "";
    snprintf(row.unit, sizeof row.unit, "%s%s", of->class == GM_EXPLAINED_NOISE ? "1" : of->unit,
             per_second);
    rank(found, &row);
}

// ---- what could be adopted ----

/// A suspect's size and how far it may be off, over the times it may have begun.
static gm_decided_place place_of(const gm_probe *probe, const gm_accused *suspect)
{
    double sum = 0.0, mean = 0.0, square = 0.0;
    for (size_t onset = 0; onset < probe->onset_count; onset++) {
        double log_odds = suspect->log_odds[onset], size = suspect->sizes[onset];
        if (log_odds > -INFINITY) { // NAN: not looked at
            double weight = exp(log_odds - suspect->log_odds[suspect->onset]);
            sum += weight;
            mean += weight * size;
            square += weight * (size * size + suspect->spreads[onset] * suspect->spreads[onset]);
        }
    }
    mean /= sum;
    double spread = sqrt(fmax(square / sum - mean * mean, 0.0));
    return (gm_decided_place){ .trial = (uint32_t)(suspect->trial - probe->twin->suspects->trials),
                               .size = mean * suspect->change,
                               .spread = spread * fabs(suspect->change) };
}

/// Puts a place among the likeliest.
static void add_place(gm_decision *decision, gm_decided_place place)
{
    size_t at = decision->count < ADOPTED_PLACES ? decision->count++ : ADOPTED_PLACES;
    for (; at > 0 && decision->places[at - 1].share < place.share; at--) {
        if (at < ADOPTED_PLACES) {
            decision->places[at] = decision->places[at - 1];
        }
    }
    if (at < ADOPTED_PLACES) {
        decision->places[at] = place;
    }
}

static bool can_be_adopted(const gm_accused *suspect, double probability)
{
    return suspect->trial->adoptable && probability > place_share &&
           isfinite(suspect->change * suspect->sizes[suspect->onset]);
}

/// The likeliest kind of adoptable suspects, and where it may be. @param probabilities
/// [suspect_count]
static void propose(const gm_probe *probe, const double *probabilities, gm_decision *decision)
{
    const gm_accused *kind = NULL;
    for (size_t index = 0; index < probe->suspect_count; index++) {
        const gm_accused *suspect = &probe->suspects[index];
        double sum = 0.0;
        bool candidate = can_be_adopted(suspect, probabilities[index]);
        for (size_t other = 0; candidate && other < probe->suspect_count; other++) {
            bool alike = gm_suspects_alike(suspect->trial->ref, probe->suspects[other].trial->ref);
            sum += alike && can_be_adopted(&probe->suspects[other], probabilities[other])
                       ? probabilities[other]
                       : 0.0;
        }
        if (sum > decision->probability) {
            decision->probability = sum;
            kind = suspect;
        }
    }
    double shares = 0.0;
    for (size_t index = 0; kind != NULL && index < probe->suspect_count; index++) {
        const gm_accused *suspect = &probe->suspects[index];
        if (can_be_adopted(suspect, probabilities[index]) &&
            gm_suspects_alike(suspect->trial->ref, kind->trial->ref) &&
            suspect->change * kind->change > 0.0) {
            gm_decided_place place = place_of(probe, suspect);
            place.share = probabilities[index];
            add_place(decision, place);
        }
    }
    for (size_t index = 0; index < decision->count; index++) {
        shares += decision->places[index].share;
    }
    for (size_t index = 0; index < decision->count; index++) {
        decision->places[index].share /= shares;
    }
    if (kind != NULL) {
        decision->since_ns = probe->onsets_ns[kind->onset];
    }
}

gm_status gm_probe_judge(gm_probe *probe, gm_suspicion *found, gm_decision *decision,
                         gm_error *error)
{
    double *probabilities = gm_arena_new(probe->arena, probe->suspect_count, sizeof *probabilities);
    if (probabilities == NULL) {
        return gm_probe_no_memory(error);
    }
    gm_diagnosis_rule rule = gm_default_diagnosis_rule();
    gm_diagnosis diagnosis;
    rule.tolerance = tolerance;
    add_suspects(probe);
    gm_status status =
        gm_diagnose(&rule, probe->explanations, probe->explanation_count, &diagnosis, error);
    if (status == GM_OK) {
        status = name_suspects(probe, diagnosis.best, error);
    }
    if (status != GM_OK) {
        return status;
    }
    found->none = 0.0;
    for (size_t index = 0; index < probe->explanation_count; index++) {
        const gm_explained *about = &probe->about[index];
        double probability = probe->explanations[index].probability;
        if (about->suspect == NULL && about->witness == NULL) {
            found->none += probability;
        } else if (probe->explanations[index].log_odds > -INFINITY) {
            rank_explanation(probe, index, found);
        }
        if (about->suspect != NULL) {
            probabilities[about->suspect - probe->suspects] = probability;
        }
    }
    snprintf(found->verdict, sizeof found->verdict, "%s", verdict_names[diagnosis.verdict]);
    snprintf(found->kind, sizeof found->kind, "%s", gm_explanation_class_name(diagnosis.class));
    gm_diagnosis_tell(&diagnosis, probe->explanations, probe->explanation_count, found->text,
                      sizeof found->text);
    propose(probe, probabilities, decision);
    return GM_OK;
}
