// Whose forecast it is: every hypothesis looks ahead, and each lead trusts those whose forecasts of
// that lead came true.
//
// What is measured now says which hypothesis holds now (hypotheses.h), by its likelihood; that
// alone favours the one that follows best, which is not always the one that foresees best. So at
// each lead the weights are multiplied by what the forecasts made so far are worth: for n
// independent truths with the mean square error v (both of late, the last ones counting most) the
// likelihood of normal errors of unknown size, v^(-n / 2). What is measured counts at most
// `evidence_most` to one there, so that forecasts can overrule it.
#include <math.h>
#include <string.h>

#include "num/statistics.h"
#include "twin/hypotheses.h"

static const double remembered = 8.0;       // truths
static const double shared = 2.0;           // truths that say all hypotheses are as good
static const double evidence_most = 1000.0; // to one

/// Weights of the hypotheses at one lead.
static void weigh(const gm_world *world, const double *evidence, gm_rivalry *rivalry)
{
    size_t count = world->hypothesis_count;
    double least = rivalry->squares[0], most = -INFINITY, sum = 0.0;
    for (size_t each = 1; each < count; each++) {
        least = fmin(least, rivalry->squares[each]);
    }
    double truths = rivalry->truths, usual = truths > 0.0 ? least / truths : 0.0;
    double *weights = rivalry->weights;
    for (size_t each = 0; each < count; each++) {
        double square = (rivalry->squares[each] + shared * usual) / (truths + shared);
        weights[each] = log(fmax(evidence[each], 1.0 / evidence_most));
        weights[each] -= square > 0.0 ? 0.5 * truths * log(square) : 0.0;
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
    gm_rivalry *rivalry = &gm_lead_at(forecaster, field, number)->rivalry;
    double evidence[GM_HYPOTHESES];
    size_t group = world->systems[world->forecast.refs[field].system].group;
    gm_hypotheses_weights(world, twin->state, group, evidence);
    weigh(world, evidence, rivalry);
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

void gm_forecast_compare(const gm_twin *twin, gm_lead *lead, double value, double apart)
{
    size_t count = twin->world->hypothesis_count;
    const double *means = lead->means + lead->first * count;
    gm_rivalry *rivalry = &lead->rivalry;
    double news = fmin(fmax(apart, 0.0), 1.0), kept = 1.0 - news / remembered;
    for (size_t each = 0; each < count; each++) {
        if (isnan(means[each])) {
            return;
        }
    }
    for (size_t each = 0; each < count; each++) {
        double error = means[each] - value;
        rivalry->squares[each] = kept * rivalry->squares[each] + news * error * error;
    }
    rivalry->truths = kept * rivalry->truths + news;
}
