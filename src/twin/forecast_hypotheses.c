// Whose forecast it is: every hypothesis looks ahead, and each lead trusts those whose forecasts of
// that lead came true.
//
// What is measured now says which hypothesis holds now (hypotheses.h), by its likelihood; that
// alone favours the one that follows best, which is not always the one that foresees best. So at
// each lead the weights are multiplied by the likelihood of the truths that met its forecasts, the
// last ones counting most; those of shorter leads, which come sooner, count by the root of the
// lead's share. Errors are taken to have a Cauchy distribution of the sensor's noise: a truth that
// nobody could foresee (a lid was opened) says nothing about who foresees best, however far off all
// were. What is measured counts at most `evidence_most` to one, so that forecasts can overrule it.
#include <math.h>
#include <string.h>

#include "num/statistics.h"
#include "twin/hypotheses.h"

static const double remembered = 8.0;      // truths
static const double evidence_most = 100.0; // to one

_Static_assert((int)GM_HYPOTHESES <= GM_HYPOTHESES_MAX, "gemel/twin.h has room for all");

/// Weights of the hypotheses at one lead. @param number  of the lead: shorter ones stand before it
/// @param weights  in: by what was measured; out: by forecasts too
static void weigh(const gm_world *world, const gm_lead *lead, size_t number, double *weights)
{
    size_t count = world->hypothesis_count;
    double most = -INFINITY, sum = 0.0;
    for (size_t each = 0; each < count; each++) {
        weights[each] = log(fmax(weights[each], 1.0 / evidence_most));
        for (size_t before = 0; before <= number; before++) {
            const gm_lead *shorter = lead - before;
            double share = (double)shorter->row.lead_ns / (double)lead->row.lead_ns;
            weights[each] += sqrt(share) * shorter->rivalry.scores[each];
        }
        most = fmax(most, weights[each]);
    }
    for (size_t each = 0; each < count; each++) {
        weights[each] = exp(weights[each] - most);
        sum += weights[each];
    }
    for (size_t each = 0; each < count; each++) {
        weights[each] /= sum;
    }
}

/// The lanes that are left, in place. Returns how many.
static size_t keep_left(const gm_state *state, double *values, size_t lanes)
{
    size_t count = 0;
    for (size_t lane = 0; lane < lanes; lane++) {
        if (!gm_state_lane_failed(state, lane)) {
            values[count++] = values[lane];
        }
    }
    return count;
}

/// What one hypothesis says; NAN when none of its lanes is left.
static double mean_of(const gm_twin *twin, const gm_state *state, const double *values,
                      size_t hypothesis)
{
    double sum = 0.0;
    size_t count = 0;
    for (size_t lane = hypothesis * twin->distinct; lane < (hypothesis + 1) * twin->distinct;
         lane++) {
        if (!gm_state_lane_failed(state, lane)) {
            sum += values[lane];
            count++;
        }
    }
    return count > 0 ? sum / (double)count : (double)NAN;
}

gm_said gm_forecast_said(gm_twin *twin, const gm_state *state, size_t field, size_t number,
                         double *means)
{
    const gm_world *world = twin->world;
    gm_forecaster *forecaster = &twin->forecaster;
    double *values = forecaster->values + field * twin->lanes;
    if (world->hypothesis_count == 1) {
        gm_said said = { .lanes = values, .count = keep_left(state, values, twin->lanes) };
        means[0] = said.mean = gm_mean(values, said.count);
        gm_sort(values, said.count);
        return said;
    }
    gm_lead *lead = gm_lead_at(forecaster, field, number);
    double weights[GM_HYPOTHESES];
    size_t group = world->systems[world->forecast.refs[field].system].group;
    gm_hypotheses_weights(world, twin->state, group, weights);
    weigh(world, lead, number, weights);
    pthread_mutex_lock(&twin->look_lock);
    memcpy(lead->rivalry.weights, weights, world->hypothesis_count * sizeof *weights);
    pthread_mutex_unlock(&twin->look_lock);
    gm_said said = { .lanes = forecaster->drawn };
    double sum = 0.0;
    for (size_t each = 0; each < world->hypothesis_count; each++) {
        means[each] = mean_of(twin, state, values, each);
        if (!isnan(means[each])) {
            said.mean += weights[each] * means[each];
            sum += weights[each];
        }
    }
    gm_hypotheses_draw(weights, world->hypothesis_count, twin->estimator.source, twin->distinct);
    for (size_t lane = 0; lane < twin->distinct; lane++) {
        size_t from = twin->estimator.source[lane] * twin->distinct + lane;
        if (!gm_state_lane_failed(state, from)) {
            said.lanes[said.count++] = values[from];
        }
    }
    if (said.count == 0) { // all that were drawn failed: any that is left
        said.count = keep_left(state, values, twin->lanes);
        said.count = said.count < twin->distinct ? said.count : twin->distinct;
        memcpy(said.lanes, values, said.count * sizeof *values);
    }
    said.mean = sum > 0.0 ? said.mean / sum : gm_mean(said.lanes, said.count);
    gm_sort(said.lanes, said.count);
    return said;
}

void gm_forecast_compare(const gm_twin *twin, gm_lead *lead, double truth, double noise)
{
    size_t count = twin->world->hypothesis_count;
    int64_t valid_ns = lead->pending[lead->first].valid_ns;
    const double *means = lead->means + lead->first * count;
    for (size_t each = 0; each < count; each++) {
        if (isnan(means[each])) {
            return;
        }
    }
    double apart = (double)(valid_ns - lead->compared_ns) / (double)lead->row.lead_ns;
    double news = lead->compared_ns == INT64_MIN ? 1.0 : fmin(fmax(apart, 0.0), 1.0);
    double kept = 1.0 - news / remembered;
    for (size_t each = 0; each < count; each++) {
        double error = (means[each] - truth) / noise, *score = &lead->rivalry.scores[each];
        *score = kept * *score - news * log1p(error * error);
    }
    lead->compared_ns = valid_ns;
}

// ---- what others see ----

static void name_all(const gm_world *world, gm_hypotheses *found)
{
    *found = (gm_hypotheses){ .count = world->hypothesis_count };
    for (size_t each = 0; each < found->count; each++) {
        found->names[each] = gm_hypothesis_name(world->hypotheses[each]);
        found->weights[each] = 1.0;
    }
}

gm_status gm_twin_hypotheses(gm_twin *twin, size_t system, gm_hypotheses *found, gm_error *error)
{
    gm_twin_view view;
    gm_status status = gm_twin_look(twin, NULL, &view, error);
    name_all(twin->world, found);
    if (status == GM_OK && found->count > 1) {
        gm_hypotheses_weights(twin->world, view.state, twin->world->systems[system].group,
                              found->weights);
    }
    if (status == GM_OK) {
        gm_twin_look_away(twin, &view);
    }
    return status;
}

gm_status gm_twin_forecast_hypotheses(gm_twin *twin, size_t field, size_t lead,
                                      gm_hypotheses *found, gm_error *error)
{
    const gm_forecaster *forecaster = &twin->forecaster;
    name_all(twin->world, found);
    if (field >= forecaster->field_count || lead >= forecaster->lead_count) {
        return gm_error_set(error, GM_NOT_FOUND, "the world forecasts %zu fields at %zu leads",
                            forecaster->field_count, forecaster->lead_count);
    }
    pthread_mutex_lock(&twin->look_lock);
    bool issued = forecaster->issued_ns != INT64_MIN;
    for (size_t each = 0; found->count > 1 && each < found->count; each++) {
        found->weights[each] = gm_lead_at(forecaster, field, lead)->rivalry.weights[each];
    }
    pthread_mutex_unlock(&twin->look_lock);
    return issued ? GM_OK : gm_error_set(error, GM_NOT_FOUND, "no forecast was issued yet");
}

gm_status gm_twin_unknown(const gm_twin *twin, const gm_twin_view *view, size_t estimate,
                          double *added, gm_error *error)
{
    const gm_world *world = twin->world;
    if (estimate >= world->estimate_count || world->estimates[estimate].kind != GM_ESTIMATE_INPUT) {
        return gm_error_set(error, GM_INVALID, "estimate %zu is not an unknown input", estimate);
    }
    memcpy(added, gm_world_unknown_added(view->state, world->estimates[estimate].unknown),
           gm_state_lanes(view->state) * sizeof *added);
    return GM_OK;
}
