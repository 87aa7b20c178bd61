// Forecasts scored: what was said, against the reading that came.
//
// A reading is the truth and the sensor's noise, so it is judged by the published bands and the
// noise together (predict/forecast_bands.h). Scores: root mean square error and that of persistence
// (the last measured value); bias; the continuous ranked probability score of what was published,
// and the fair one (Gneiting and Raftery, JASA 102 (2007) 359-378; Ferro, Q. J. R. Meteorol. Soc.
// 140 (2014) 1917-1923); the shares of readings inside the 50 % and the 90 % band; and the bands'
// mean widths, for of two forecasts whose bands hold what they promise the sharper one is the
// better (Gneiting, Balabdaoui, Raftery, J. R. Stat. Soc. B 69 (2007) 243-268). The same of the
// lanes without recalibration tells what that is worth.
#include <math.h>

#include "twin/sensing.h"

enum { GAP_CYCLES = 10 };

/// @param reading  a forecast of it, the sensor's noise included
static void count_score(gm_twin *twin, gm_lead *lead, const gm_band_forecast *reading, double value)
{
    const gm_pending *pending = &lead->pending[lead->first];
    double *work = twin->forecaster.sorted;
    gm_tally *tally = &lead->tally;
    gm_band_forecast published = *reading, raw = *reading;
    published.noise = 0.0;
    raw.corrections = (gm_band_corrections){ 0 };
    gm_summary said = gm_forecast_published(&published, pending->mean, work);
    gm_band_verdict verdict = gm_band_judge(reading, value, work);
    gm_band_verdict plain = gm_band_judge(&raw, value, work);
    double error = pending->mean - value;
    tally->count += 1.0;
    tally->square_sum += error * error;
    tally->error_sum += error;
    tally->crps_sum += verdict.crps;
    tally->fair_sum += verdict.crps_fair;
    tally->raw_crps_sum += plain.crps;
    tally->width_sum[GM_BAND_50] += said.q75 - said.q25;
    tally->width_sum[GM_BAND_90] += said.q95 - said.q05;
    for (size_t band = 0; band < GM_BANDS; band++) {
        tally->inside[band] += verdict.inside[band];
        tally->raw_inside[band] += plain.inside[band];
    }
    if (!isnan(pending->persistence)) {
        double rival = pending->persistence - value;
        tally->rival_count += 1.0;
        tally->rival_square_sum += rival * rival;
    }
}

/// The oldest forecast that waits meets its truth.
static void meet(gm_twin *twin, gm_lead *lead, double value, double noise)
{
    const gm_pending *pending = &lead->pending[lead->first];
    const gm_band_forecast reading = { .lanes = lead->lanes + lead->first * twin->distinct,
                                       .count = pending->lane_count,
                                       .noise = noise,
                                       .corrections = pending->corrections };
    double apart = lead->learned_ns == INT64_MIN
                       ? 1.0
                       : (double)(pending->valid_ns - lead->learned_ns) / (double)lead->row.lead_ns;
    if (pending->issued_ns >= twin->forecaster.scores_from_ns) {
        count_score(twin, lead, &reading, value);
    }
    if (apart >= gm_band_spacing(&lead->memory)) {
        gm_band_learn(&lead->memory, &reading, value, apart);
        lead->learned_ns = pending->valid_ns;
    }
}

/// Meets all forecasts of one field and lead up to a reading. A time between two readings is judged
/// by the line between them, whose noise is less than theirs.
/// @param gap_ns  readings further apart say nothing of what was between them
static void meet_due(gm_twin *twin, size_t field, gm_lead *lead, const gm_sample *reading,
                     int64_t gap_ns)
{
    const gm_forecaster *forecaster = &twin->forecaster;
    int64_t last_ns = forecaster->last_ns[field];
    double noise = twin->world->sensors[reading->sensor].noise;
    while (lead->count > 0 && lead->pending[lead->first].valid_ns <= reading->time_ns) {
        if (last_ns != INT64_MIN && reading->time_ns - last_ns <= gap_ns) {
            int64_t valid_ns = lead->pending[lead->first].valid_ns;
            double part =
                fmax((double)(valid_ns - last_ns) / (double)(reading->time_ns - last_ns), 0.0);
            double before = forecaster->last_value[field];
            gm_forecast_compare(twin, lead, before + part * (reading->value - before),
                                gm_sample_noise(&twin->world->sensors[reading->sensor], before));
            meet(twin, lead, before + part * (reading->value - before),
                 noise * sqrt(part * part + (1.0 - part) * (1.0 - part)));
        }
        lead->first = (lead->first + 1) % lead->capacity;
        lead->count--;
    }
}

void gm_forecaster_score(gm_twin *twin, size_t sensor, int64_t time_ns, double value)
{
    gm_forecaster *forecaster = &twin->forecaster;
    if (twin->world->sensors[sensor].bias_spread > 0.0) {
        value -= gm_sensing_bias(twin, twin->state, sensor).mean;
    }
    const gm_sample reading = { .sensor = sensor, .time_ns = time_ns, .value = value };
    int64_t cycles_ns = GAP_CYCLES * twin->world->cycle_ns;
    int64_t readings_ns = 3 * twin->world->sensors[sensor].every_ns;
    int64_t gap_ns = cycles_ns > readings_ns ? cycles_ns : readings_ns;
    for (size_t field = 0; field < forecaster->field_count; field++) {
        if (forecaster->truth[field] != sensor || time_ns <= forecaster->last_ns[field] ||
            (twin->replaying && twin->cycle < forecaster->scored_until)) {
            continue;
        }
        pthread_mutex_lock(&twin->look_lock);
        for (size_t number = 0; number < forecaster->lead_count; number++) {
            meet_due(twin, field, gm_lead_at(forecaster, field, number), &reading, gap_ns);
        }
        forecaster->last_ns[field] = time_ns;
        forecaster->last_value[field] = value;
        pthread_mutex_unlock(&twin->look_lock);
    }
}

static gm_score score_of(const gm_lead *lead, size_t field)
{
    const gm_tally *tally = &lead->tally;
    double count = tally->count > 0.0 ? tally->count : (double)NAN;
    double rivals = tally->rival_count > 0.0 ? tally->rival_count : (double)NAN;
    return (gm_score){ .field = field,
                       .lead_ns = lead->row.lead_ns,
                       .count = (uint64_t)tally->count,
                       .rmse = sqrt(tally->square_sum / count),
                       .bias = tally->error_sum / count,
                       .persistence_rmse = sqrt(tally->rival_square_sum / rivals),
                       .crps = tally->crps_sum / count,
                       .crps_fair = tally->fair_sum / count,
                       .coverage50 = tally->inside[GM_BAND_50] / count,
                       .coverage90 = tally->inside[GM_BAND_90] / count,
                       .width50 = tally->width_sum[GM_BAND_50] / count,
                       .width90 = tally->width_sum[GM_BAND_90] / count,
                       .raw_crps = tally->raw_crps_sum / count,
                       .raw_coverage50 = tally->raw_inside[GM_BAND_50] / count,
                       .raw_coverage90 = tally->raw_inside[GM_BAND_90] / count };
}

void gm_twin_scores(gm_twin *twin, gm_score *scores)
{
    const gm_forecaster *forecaster = &twin->forecaster;
    pthread_mutex_lock(&twin->look_lock);
    for (size_t field = 0; field < forecaster->field_count; field++) {
        for (size_t number = 0; number < forecaster->lead_count; number++) {
            scores[field * forecaster->lead_count + number] =
                score_of(gm_lead_at(forecaster, field, number), field);
        }
    }
    pthread_mutex_unlock(&twin->look_lock);
}
