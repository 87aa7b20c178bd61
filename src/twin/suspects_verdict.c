// An inquiry's verdict: log odds of all hypotheses, with what was thought before looking, become
// probabilities, a ranking and a sentence.
#include <math.h>
#include <stdio.h>

#include "base/calendar.h"
#include "twin/suspects_probe.h"

static const double suspicion = 0.6, distrust = 0.2, doubt = 0.1, calmness = 0.1; // before looking
static const double shape_prior = 3.0;  // of a sensor's own change, in what its residuals are
static const double clear_share = 0.5;  // a probability from which it is "most likely"
static const double told_share = 0.05;  // and below which others are not told of
static const double place_share = 1e-3; // and below which none is adopted

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

/// A sensor that reads too much or too little: a step on it alone.
static double weigh_sensor(const gm_probe *probe, const gm_witness *seen, double *size,
                           size_t *onset)
{
    double log_odds[ONSETS] = { 0 }, prior = shape_prior * fmax(seen->size, seen->model.noise);
    double sizes[ONSETS] = { 0 };
    *onset = 0;
    *size = 0.0;
    if (seen->count == 0) {
        return -INFINITY; // it said nothing that could be off
    }
    for (size_t index = 0; index < probe->onset_count; index++) {
        gm_evidence told =
            gm_evidence_of(seen->squares[index][0][0], seen->products[index][0], prior);
        log_odds[index] = told.log_odds;
        sizes[index] = told.size;
    }
    double all = over_onsets(log_odds, probe->onset_count, onset);
    *size = sizes[*onset];
    return all;
}

/// Something else: each sensor follows shapes of its own, or none.
static double weigh_others(const gm_probe *probe)
{
    double log_odds[ONSETS] = { 0 };
    size_t onset = 0;
    for (size_t index = 0; index < probe->onset_count; index++) {
        log_odds[index] = 0.0;
        for (size_t place = 0; place < probe->witness_count; place++) {
            const gm_witness *seen = &probe->witnesses[place];
            if (seen->count == 0) {
                continue;
            }
            double prior = shape_prior * fmax(seen->size, seen->model.noise);
            double odds = gm_evidence_of_shapes(seen->squares[index], seen->products[index], prior);
            log_odds[index] += odds > 0.0 ? odds + log1p(exp(-odds)) : log1p(exp(odds));
            log_odds[index] -= log(2.0);
        }
    }
    return over_onsets(log_odds, probe->onset_count, &onset);
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

static void rank_suspect(const gm_probe *probe, const gm_accused *of, double probability,
                         gm_suspicion *found)
{
    const gm_world *world = probe->twin->world;
    gm_suspect row = { .size = of->sizes[of->onset] * of->change,
                       .probability = probability,
                       .since_ns = probe->onsets_ns[of->onset] };
    gm_world_address(world, of->trial->ref, row.address, sizeof row.address);
    snprintf(row.unit, sizeof row.unit, "%s", gm_world_field(world, of->trial->ref)->unit);
    rank(found, &row);
}

/// What an alarmed sensor may have done by itself.
typedef struct sensor_bias {
    const gm_witness *of;
    double weight, size;
    size_t onset;
} sensor_bias;

static void rank_bias(const gm_probe *probe, const sensor_bias *of, double probability,
                      gm_suspicion *found)
{
    const gm_world_sensor *sensor = &probe->twin->world->sensors[of->of->sensor];
    gm_suspect row = { .size = of->size,
                       .probability = probability,
                       .since_ns = probe->onsets_ns[of->onset] };
    snprintf(row.sensor, sizeof row.sensor, "%s", sensor->name);
    snprintf(row.unit, sizeof row.unit, "%s", sensor->field_unit);
    rank(found, &row);
}

static void tell(gm_string *out, const gm_suspect *suspect, bool fully)
{
    char since[40];
    gm_time_format(suspect->since_ns, since);
    bool plant = suspect->address[0] != '\0';
    gm_string_format(out, "%s%s%s", plant ? suspect->address : "sensor ", suspect->sensor,
                     plant ? "" : " alone"); // or the model, in what it alone sees
    if (fully) {
        gm_string_format(out, "%s %+.3g %s since %s", plant ? ":" : ", off by", suspect->size,
                         suspect->unit, since);
    }
    gm_string_format(out, " (%.0f %%)", 100.0 * suspect->probability);
}

/// The end of the event's sentence.
static gm_status describe(gm_suspicion *found, gm_error *error)
{
    gm_string text = { 0 };
    double best = found->count > 0 ? found->suspects[0].probability : 0.0;
    bool clear = best >= clear_share;
    if (found->count == 0 || found->none >= best) {
        gm_string_format(&text, "cannot tell what changed: none of the suspects (%.0f %%)",
                         100.0 * found->none);
    } else {
        gm_string_format(&text, "%s", clear ? "most likely " : "cannot tell between ");
        for (size_t index = 0; index < found->count && index < 3; index++) {
            if (index == 0 || found->suspects[index].probability >= told_share) {
                gm_string_format(&text, "%s",
                                 index == 0            ? ""
                                 : clear && index == 1 ? ", then "
                                                       : ", ");
                tell(&text, &found->suspects[index], index == 0 && clear);
            }
        }
    }
    gm_status status = text.failed ? gm_probe_no_memory(error) : GM_OK;
    snprintf(found->text, sizeof found->text, "%.*s", (int)text.size,
             text.data != NULL ? text.data : "");
    gm_string_free(&text);
    return status;
}

/// The alarmed sensors, each once, and how likely it is that one is off.
static size_t weigh_sensors(const gm_probe *probe, sensor_bias *biases)
{
    const gm_suspect_case *of = probe->of;
    size_t count = 0;
    for (size_t index = 0; index < of->event_count; index++) {
        const gm_witness *seen = &probe->witnesses[probe->places[of->sensors[index]]];
        size_t other = 0;
        while (other < count && biases[other].of != seen) {
            other++;
        }
        if (other == count) {
            sensor_bias *bias = &biases[count++];
            bias->of = seen;
            bias->weight = weigh_sensor(probe, seen, &bias->size, &bias->onset);
        }
    }
    for (size_t index = 0; index < count; index++) {
        biases[index].weight += log(distrust / (double)count);
    }
    return count;
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
    sensor_bias biases[SUSPECT_MEMBERS] = { 0 };
    size_t sensors = weigh_sensors(probe, biases);
    double others = log(doubt) + weigh_others(probe), nothing = log(calmness);
    double most = fmax(others, nothing);
    for (size_t index = 0; index < sensors; index++) {
        most = fmax(most, biases[index].weight);
    }
    for (size_t index = 0; index < probe->suspect_count; index++) {
        gm_accused *suspect = &probe->suspects[index];
        suspect->onset = probe->alarm_onset;
        suspect->weight = over_onsets(suspect->log_odds, probe->onset_count, &suspect->onset) +
                          suspect->trial->log_prior + log(suspicion);
        most = fmax(most, suspect->weight);
    }
    double none = exp(others - most) + exp(nothing - most), sum = none;
    for (size_t index = 0; index < sensors; index++) {
        sum += exp(biases[index].weight - most);
    }
    for (size_t index = 0; index < probe->suspect_count; index++) {
        sum += exp(probe->suspects[index].weight - most);
    }
    found->none = none / sum;
    for (size_t index = 0; index < sensors; index++) {
        rank_bias(probe, &biases[index], exp(biases[index].weight - most) / sum, found);
    }
    for (size_t index = 0; index < probe->suspect_count; index++) {
        const gm_accused *suspect = &probe->suspects[index];
        if (suspect->weight > -INFINITY) {
            probabilities[index] = exp(suspect->weight - most) / sum;
            rank_suspect(probe, suspect, probabilities[index], found);
        }
    }
    propose(probe, probabilities, decision);
    return describe(found, error);
}
