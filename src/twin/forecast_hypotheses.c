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

static const double remembered = 8.0;       // truths
static const double evidence_most = 1000.0; // to one

/// Weights of the hypotheses at one lead. @param number  of the lead: shorter ones stand before it
static void weigh(const gm_world *world, const double *evidence, gm_lead *lead, size_t number)
{
    size_t count = world->hypothesis_count;
    double *weights = lead->rivalry.weights, most = -INFINITY, sum = 0.0;
    for (size_t each = 0; each < count; each++) {
        weights[each] = log(fmax(evidence[each], 1.0 / evidence_most));
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
    gm_rivalry *rivalry = &lead->rivalry;
    double evidence[GM_HYPOTHESES];
    size_t group = world->systems[world->forecast.refs[field].system].group;
    gm_hypotheses_weights(world, twin->state, group, evidence);
    weigh(world, evidence, lead, number);
    gm_said said = { .lanes = forecaster->drawn };
    double sum = 0.0;
    for (size_t each = 0; each < world->hypothesis_count; each++) {
        means[each] = mean_of(twin, state, values, each);
        if (!isnan(means[each])) {
            said.mean += rivalry->weights[each] * means[each];
            sum += rivalry->weights[each];
        }
    }
    said.mean /= sum;
    gm_hypotheses_draw(rivalry->weights, world->hypothesis_count, twin->estimator.source,
                       twin->distinct);
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
