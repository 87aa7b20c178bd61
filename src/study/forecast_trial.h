// A twin on trial by its forecasts: do its bands hold the truth, and the readings of it, as often
// as they say?
//
// The plant is played (study/device_plant.h), so the truth is known. A window is a forecast of one
// field at one lead; the true value of its time is compared with the published bands. Windows of a
// field and lead do not overlap. What the gauges read is judged by the twin's own scores.
#ifndef GEMEL_STUDY_FORECAST_TRIAL_H
#define GEMEL_STUDY_FORECAST_TRIAL_H

#include "study/twin_trial.h"

/// When a trial is, in source time.
typedef struct gm_forecast_span {
    int64_t start_ns, end_ns;
    int64_t early_ns; // forecasts issued before this are counted as early too
} gm_forecast_span;

/// Sums over fields, windows and trials, of one lead. Plain value; start with zeros.
typedef struct gm_forecast_tally {
    gm_coverage truth50, truth90; // true values in the published bands, by windows
    gm_coverage early50, early90; // of these the early ones
    double readings;              // what follows: weighted by the readings that were scored
    double inside50, inside90, raw_inside50, raw_inside90;
    double crps, crps_fair, raw_crps, square_sum, rival_square_sum, width50, width90;
} gm_forecast_tally;

/// Plays one life of a plant and its twin.
/// @param world    with `forecast:`; its leads are multiples of `every`
/// @param tallies  [lead_count] added to
/// @return as gm_twin_trial_open and gm_twin_trial_play; GM_INVALID: no forecasts, or leads that
/// are no multiples
gm_status gm_forecast_trial_run(const gm_world *world, const gm_device_options *devices,
                                const gm_forecast_span *span, gm_forecast_tally *tallies,
                                gm_error *error);

/// Adds the twin's own scores, as a trial's end does.
/// @param tallies  [lead_count] added to
gm_status gm_forecast_tally_scores(gm_twin *twin, gm_forecast_tally *tallies, gm_error *error);

/// Adds one lead's sums to another's.
void gm_forecast_tally_join(gm_forecast_tally *all, const gm_forecast_tally *one);

#endif
