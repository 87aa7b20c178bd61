// Forecasts: the lanes run on from the live state; what was said is scored when the truth comes.
//
// The published bands are the lanes' own, widened or narrowed about their mean by a factor per
// field and lead: the one with which 90 % of the last truths would have been inside (conformal
// prediction over a running window: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random
// World, 2005; Gibbs and Candes, NeurIPS 34 (2021) 1660-1672). So 90 % bands come to hold 90 % of
// the truth even where the model is not quite right. Scores: root mean square error, that of
// persistence (the last measured value), the continuous ranked probability score of the lanes as
// published (Gneiting and Raftery, JASA 102 (2007) 359-378), and the share of truths inside the
// 5-95 % band.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/require.h"
#include "codec/pack.h"
#include "num/statistics.h"
#include "twin/twin_parts.h"

enum { SAVE_VERSION = 3, GAP_CYCLES = 10, RATIOS_PRIOR = 5, RATIOS_TRUSTED = 30 };

static const double band_share = 0.9;
// what RATIOS_PRIOR truths are taken to have said before the first came: no model is quite right
static const double ratio_prior = 2.0;
static const double widen_least = 0.2, widen_most = 1000.0;

static gm_lead *lead_of(const gm_forecaster *forecaster, size_t field, size_t lead)
{
    return &forecaster->leads[field * forecaster->lead_count + lead];
}

static size_t truth_of(const gm_world *world, gm_ref ref)
{
    for (size_t sensor = 0; sensor < world->sensor_count; sensor++) {
        if (memcmp(&world->sensors[sensor].ref, &ref, sizeof ref) == 0) {
            return sensor;
        }
    }
    return GM_NO_INDEX;
}

static bool open_lead(gm_twin *twin, gm_lead *lead, int64_t lead_ns)
{
    lead->row.lead_ns = lead_ns;
    lead->widening = ratio_prior;
    lead->capacity = (size_t)(lead_ns / twin->world->forecast.every_ns) + 4;
    lead->pending = gm_arena_new(twin->arena, lead->capacity, sizeof *lead->pending);
    lead->members = gm_arena_new(twin->arena, lead->capacity * twin->lanes, sizeof(double));
    return lead->pending != NULL && lead->members != NULL;
}

gm_status gm_forecaster_open(gm_twin *twin, gm_error *error)
{
    const gm_world_forecast *declared = &twin->world->forecast;
    gm_forecaster *forecaster = &twin->forecaster;
    forecaster->issued_ns = INT64_MIN;
    forecaster->scores_from_ns = INT64_MIN;
    forecaster->field_count = declared->every_ns > 0 ? declared->ref_count : 0;
    forecaster->lead_count = declared->lead_count;
    size_t fields = forecaster->field_count;
    forecaster->leads = gm_arena_new(twin->arena, fields * declared->lead_count, sizeof(gm_lead));
    forecaster->truth = gm_arena_new(twin->arena, fields, sizeof(size_t));
    forecaster->last_value = gm_arena_new(twin->arena, fields, sizeof(double));
    forecaster->last_ns = gm_arena_new(twin->arena, fields, sizeof(int64_t));
    forecaster->values = gm_arena_new(twin->arena, fields * twin->lanes, sizeof(double));
    forecaster->sorted = gm_arena_new(twin->arena, twin->lanes, sizeof(double));
    bool memory = forecaster->leads != NULL && forecaster->truth != NULL &&
                  forecaster->last_value != NULL && forecaster->last_ns != NULL &&
                  forecaster->values != NULL && forecaster->sorted != NULL;
    for (size_t field = 0; memory && field < fields; field++) {
        forecaster->truth[field] = truth_of(twin->world, declared->refs[field]);
        forecaster->last_ns[field] = INT64_MIN;
        for (size_t lead = 0; memory && lead < declared->lead_count; lead++) {
            memory = open_lead(twin, lead_of(forecaster, field, lead), declared->leads_ns[lead]);
        }
    }
    if (!memory) {
        return gm_error_set(error, GM_MEMORY, "no memory for forecasts");
    }
    return gm_world_work_create(twin->world, twin->lanes, &forecaster->work, error);
}

void gm_forecaster_close(gm_twin *twin)
{
    gm_world_work_close(twin->forecaster.work);
}

// ---- issuing ----

/// The factor for the next band. A lead whose own truths are still few is at least as unsure, in
/// the field's unit, as the shorter ones, whose truths come sooner: what they missed they missed by
/// much or little, not by a share of their width.
static double widen(const gm_forecaster *forecaster, size_t field, size_t number,
                    const gm_summary *raw)
{
    const gm_lead *lead = lead_of(forecaster, field, number);
    double widening = lead->widening, width = raw->q95 - raw->q05;
    if (number == 0 || lead->ratio_count >= RATIOS_TRUSTED || !(width > 0.0)) {
        return widening;
    }
    const gm_summary *shorter = &lead_of(forecaster, field, number - 1)->row.value;
    return fmax(widening, (shorter->q95 - shorter->q05) / width);
}

static gm_summary widened(gm_summary raw, double factor)
{
    return (gm_summary){ .mean = raw.mean,
                         .spread = raw.spread * factor,
                         .q05 = raw.mean + factor * (raw.q05 - raw.mean),
                         .q50 = raw.mean + factor * (raw.q50 - raw.mean),
                         .q95 = raw.mean + factor * (raw.q95 - raw.mean) };
}

/// Keeps what was said until its truth comes; the oldest leaves when truths do not come.
static void wait_for_truth(gm_twin *twin, size_t field, gm_lead *lead, const gm_pending *pending)
{
    const double *values = twin->forecaster.values + field * twin->lanes;
    if (twin->forecaster.truth[field] == GM_NO_INDEX) {
        return;
    }
    if (lead->count == lead->capacity) {
        lead->first = (lead->first + 1) % lead->capacity;
        lead->count--;
    }
    size_t place = (lead->first + lead->count++) % lead->capacity;
    lead->pending[place] = *pending;
    for (size_t lane = 0; lane < twin->lanes; lane++) {
        lead->members[place * twin->lanes + lane] =
            pending->raw.mean + pending->factor * (values[lane] - pending->raw.mean);
    }
}

/// What the lanes say at one lead, for all fields.
static gm_status say(gm_twin *twin, const gm_state *state, size_t number, gm_error *error)
{
    gm_forecaster *forecaster = &twin->forecaster;
    gm_status status = gm_state_read_many(state, twin->world->forecast.refs,
                                          forecaster->field_count, forecaster->values, error);
    for (size_t field = 0; status == GM_OK && field < forecaster->field_count; field++) {
        gm_lead *lead = lead_of(forecaster, field, number);
        gm_pending pending = {
            .issued_ns = forecaster->issued_ns,
            .valid_ns = gm_state_time(state),
            .persistence = forecaster->last_ns[field] == INT64_MIN ? (double)NAN
                                                                   : forecaster->last_value[field],
        };
        gm_summarise(state, forecaster->values + field * twin->lanes, &pending.raw);
        pending.factor = widen(forecaster, field, number, &pending.raw);
        pending.value = widened(pending.raw, pending.factor);
        pthread_mutex_lock(&twin->look_lock);
        lead->row.time_ns = pending.valid_ns;
        lead->row.value = pending.value;
        wait_for_truth(twin, field, lead, &pending);
        pthread_mutex_unlock(&twin->look_lock);
        gm_recorder_forecast(twin, lead);
    }
    return status;
}

static gm_status run_ahead(gm_twin *twin, gm_state *state, gm_error *error)
{
    gm_advance_options options = { .mode = GM_ADVANCE_AHEAD,
                                   .workers = twin->workers,
                                   .work = twin->forecaster.work,
                                   .known = twin->options.known,
                                   .known_context = twin->options.known_context };
    gm_status status = GM_OK;
    for (size_t lead = 0; status == GM_OK && lead < twin->forecaster.lead_count; lead++) {
        int64_t valid_ns = twin->forecaster.issued_ns + twin->world->forecast.leads_ns[lead];
        int64_t left_ns = valid_ns - gm_state_time(state);
        // what is not known comes at half the way: its older part has half faded, its newer part
        // not at all
        status = gm_world_advance(twin->world, state, &options, valid_ns - left_ns / 2, error);
        if (status == GM_OK) {
            status = gm_estimator_wander(twin, state, left_ns, error);
        }
        if (status == GM_OK) {
            status = gm_world_advance(twin->world, state, &options, valid_ns, error);
        }
        if (status == GM_OK) {
            status = say(twin, state, lead, error);
        }
    }
    return status;
}

gm_status gm_forecaster_issue(gm_twin *twin, gm_error *error)
{
    gm_forecaster *forecaster = &twin->forecaster;
    int64_t time_ns = gm_state_time(twin->state), every_ns = twin->world->forecast.every_ns;
    bool due =
        forecaster->field_count > 0 && (forecaster->issued_ns == INT64_MIN ||
                                        time_ns / every_ns != forecaster->issued_ns / every_ns);
    if (!due || (twin->replaying && twin->cycle <= forecaster->scored_until)) {
        return GM_OK;
    }
    gm_state *ahead = NULL;
    gm_status status = gm_state_fork(twin->state, &ahead, error);
    if (status != GM_OK) {
        return status;
    }
    pthread_mutex_lock(&twin->look_lock);
    if (twin->options.score_after_ns > 0 && forecaster->scores_from_ns == INT64_MIN) {
        forecaster->scores_from_ns = time_ns + twin->options.score_after_ns;
    }
    forecaster->issued_ns = time_ns;
    forecaster->count++;
    pthread_mutex_unlock(&twin->look_lock);
    gm_error why = { 0 };
    status = run_ahead(twin, ahead, &why);
    gm_state_close(ahead);
    if (status == GM_NUMERIC) {
        // a future in which no lane survives is no reason to stop following the present
        gm_log_write(&twin->log, GM_LOG_WARNING, "twin", "no forecast: %s", why.text);
        return GM_OK;
    }
    if (status == GM_OK && !twin->replaying) {
        gm_tell(twin, &(gm_twin_update){ .kind = GM_UPDATE_FORECAST, .cycle = twin->cycle });
    }
    return status == GM_OK ? GM_OK : gm_error_set(error, status, "%s", why.text);
}

// ---- scoring ----

/// What was said, against the truth.
static void count_score(gm_twin *twin, gm_lead *lead, double truth, bool inside)
{
    gm_forecaster *forecaster = &twin->forecaster;
    const gm_pending *pending = &lead->pending[lead->first];
    double miss = truth - pending->value.mean;
    memcpy(forecaster->sorted, lead->members + lead->first * twin->lanes,
           twin->lanes * sizeof(double));
    gm_sort(forecaster->sorted, twin->lanes);
    lead->scored++;
    lead->square_sum += miss * miss;
    lead->crps_sum += gm_crps(forecaster->sorted, twin->lanes, truth);
    lead->covered += inside;
    if (!isnan(pending->persistence)) {
        lead->persistence_scored++;
        lead->persistence_square_sum +=
            (truth - pending->persistence) * (truth - pending->persistence);
    }
}

/// One more truth, in half-widths of the lanes' own band on its side; the factor follows the last
/// RATIOS of them.
static void learn_width(gm_lead *lead, const gm_pending *pending, double truth)
{
    const gm_summary *raw = &pending->raw;
    double miss = truth - raw->mean;
    double half = miss > 0.0 ? raw->q95 - raw->mean : raw->mean - raw->q05;
    if (!(half > 0.0)) {
        return; // lanes that all say the same have no width to compare with
    }
    lead->ratios[lead->ratio_count++ % RATIOS] = fabs(miss) / half;
    double sorted[RATIOS + RATIOS_PRIOR];
    size_t count = lead->ratio_count < RATIOS ? lead->ratio_count : RATIOS;
    memcpy(sorted, lead->ratios, count * sizeof *sorted);
    for (size_t prior = 0; prior < RATIOS_PRIOR; prior++) {
        sorted[count++] = ratio_prior;
    }
    gm_sort(sorted, count);
    double factor = gm_quantile(sorted, count, band_share);
    lead->widening = fmin(fmax(factor, widen_least), widen_most);
}

static void score_one(gm_twin *twin, gm_lead *lead, double truth)
{
    const gm_pending *pending = &lead->pending[lead->first];
    bool inside = truth >= pending->value.q05 && truth <= pending->value.q95;
    if (pending->issued_ns >= twin->forecaster.scores_from_ns) {
        count_score(twin, lead, truth, inside);
    }
    learn_width(lead, pending, truth);
}

void gm_forecaster_score(gm_twin *twin, size_t sensor, int64_t time_ns, double value)
{
    gm_forecaster *forecaster = &twin->forecaster;
    int64_t gap_ns = GAP_CYCLES * twin->world->cycle_ns;
    gap_ns = gap_ns > 3 * twin->world->sensors[sensor].every_ns
                 ? gap_ns
                 : 3 * twin->world->sensors[sensor].every_ns;
    for (size_t field = 0; field < forecaster->field_count; field++) {
        int64_t last_ns = forecaster->last_ns[field];
        if (forecaster->truth[field] != sensor || time_ns <= last_ns ||
            (twin->replaying && twin->cycle < forecaster->scored_until)) {
            continue;
        }
        pthread_mutex_lock(&twin->look_lock);
        for (size_t number = 0; number < forecaster->lead_count; number++) {
            gm_lead *lead = lead_of(forecaster, field, number);
            while (lead->count > 0 && lead->pending[lead->first].valid_ns <= time_ns) {
                int64_t valid_ns = lead->pending[lead->first].valid_ns;
                if (last_ns != INT64_MIN && time_ns - last_ns <= gap_ns) {
                    double part = (double)(valid_ns - last_ns) / (double)(time_ns - last_ns);
                    double before = forecaster->last_value[field];
                    score_one(twin, lead, before + fmax(part, 0.0) * (value - before));
                }
                lead->first = (lead->first + 1) % lead->capacity;
                lead->count--;
            }
        }
        forecaster->last_ns[field] = time_ns;
        forecaster->last_value[field] = value;
        pthread_mutex_unlock(&twin->look_lock);
    }
}

// ---- what others see ----

gm_status gm_twin_forecast(gm_twin *twin, size_t field, gm_forecast_row *rows, int64_t *issued_ns,
                           gm_error *error)
{
    gm_forecaster *forecaster = &twin->forecaster;
    if (field >= forecaster->field_count) {
        return gm_error_set(error, GM_NOT_FOUND, "the world forecasts %zu fields",
                            forecaster->field_count);
    }
    pthread_mutex_lock(&twin->look_lock);
    bool issued = forecaster->issued_ns != INT64_MIN;
    for (size_t lead = 0; issued && lead < forecaster->lead_count; lead++) {
        rows[lead] = lead_of(forecaster, field, lead)->row;
    }
    *issued_ns = forecaster->issued_ns;
    pthread_mutex_unlock(&twin->look_lock);
    return issued ? GM_OK : gm_error_set(error, GM_NOT_FOUND, "no forecast was issued yet");
}

void gm_twin_scores(gm_twin *twin, gm_score *scores)
{
    gm_forecaster *forecaster = &twin->forecaster;
    pthread_mutex_lock(&twin->look_lock);
    for (size_t field = 0; field < forecaster->field_count; field++) {
        for (size_t number = 0; number < forecaster->lead_count; number++) {
            const gm_lead *lead = lead_of(forecaster, field, number);
            double count = lead->scored > 0 ? (double)lead->scored : (double)NAN;
            double compared =
                lead->persistence_scored > 0 ? (double)lead->persistence_scored : (double)NAN;
            scores[field * forecaster->lead_count + number] = (gm_score){
                .field = field,
                .lead_ns = lead->row.lead_ns,
                .count = lead->scored,
                .rmse = sqrt(lead->square_sum / count),
                .persistence_rmse = sqrt(lead->persistence_square_sum / compared),
                .crps = lead->crps_sum / count,
                .coverage90 = lead->covered / count,
            };
        }
    }
    pthread_mutex_unlock(&twin->look_lock);
}

// ---- snapshots ----

static void visit_lead(gm_lead *lead, void (*f64)(void *, double *),
                       void (*u64)(void *, uint64_t *), void *context)
{
    u64(context, &lead->scored);
    u64(context, &lead->persistence_scored);
    f64(context, &lead->square_sum);
    f64(context, &lead->persistence_square_sum);
    f64(context, &lead->crps_sum);
    f64(context, &lead->covered);
    f64(context, &lead->widening);
    u64(context, &lead->ratio_count);
    for (size_t index = 0; index < RATIOS; index++) {
        f64(context, &lead->ratios[index]);
    }
}

static void put_f64(void *out, double *value)
{
    gm_pack_f64(out, *value);
}

static void put_u64(void *out, uint64_t *value)
{
    gm_pack_u64(out, *value);
}

static void get_f64(void *in, double *value)
{
    *value = gm_unpack_f64(in);
}

static void get_u64(void *in, uint64_t *value)
{
    *value = gm_unpack_u64(in);
}

static size_t pending_values(const gm_twin *twin)
{
    return twin->lanes + (sizeof(gm_summary) / sizeof(double)) * 2 + 4;
}

void gm_forecaster_save(const gm_twin *twin, gm_string *out)
{
    const gm_forecaster *forecaster = &twin->forecaster;
    gm_pack_u16(out, SAVE_VERSION);
    gm_pack_u32(out, (uint32_t)(forecaster->field_count * forecaster->lead_count));
    gm_pack_u32(out, (uint32_t)twin->lanes);
    gm_pack_u64(out, twin->cycle);
    gm_pack_i64(out, forecaster->issued_ns);
    gm_pack_u64(out, forecaster->count);
    for (size_t field = 0; field < forecaster->field_count; field++) {
        gm_pack_i64(out, forecaster->last_ns[field]);
        gm_pack_f64(out, forecaster->last_value[field]);
    }
    for (size_t index = 0; index < forecaster->field_count * forecaster->lead_count; index++) {
        gm_lead lead = forecaster->leads[index];
        gm_pack_i64(out, lead.row.lead_ns);
        visit_lead(&lead, put_f64, put_u64, out);
        gm_pack_u32(out, (uint32_t)lead.count);
        for (size_t number = 0; number < lead.count; number++) {
            size_t place = (lead.first + number) % lead.capacity;
            const gm_pending *pending = &lead.pending[place];
            gm_pack_i64(out, pending->issued_ns);
            gm_pack_i64(out, pending->valid_ns);
            gm_pack_f64(out, pending->persistence);
            gm_pack_f64(out, pending->factor);
            gm_pack_f64s(out, &pending->raw.mean, sizeof pending->raw / sizeof(double));
            gm_pack_f64s(out, &pending->value.mean, sizeof pending->value / sizeof(double));
            gm_pack_f64s(out, lead.members + place * twin->lanes, twin->lanes);
        }
    }
}

static void load_lead(gm_twin *twin, gm_lead *lead, gm_unpack *in)
{
    int64_t lead_ns = gm_unpack_i64(in);
    visit_lead(lead, get_f64, get_u64, in);
    size_t count = gm_unpack_count(in, pending_values(twin) * sizeof(double));
    in->failed = in->failed || lead_ns != lead->row.lead_ns || count > lead->capacity;
    for (size_t place = 0; !in->failed && place < count; place++) {
        gm_pending *pending = &lead->pending[place];
        pending->issued_ns = gm_unpack_i64(in);
        pending->valid_ns = gm_unpack_i64(in);
        pending->persistence = gm_unpack_f64(in);
        pending->factor = gm_unpack_f64(in);
        gm_unpack_f64s(in, &pending->raw.mean, sizeof pending->raw / sizeof(double));
        gm_unpack_f64s(in, &pending->value.mean, sizeof pending->value / sizeof(double));
        gm_unpack_f64s(in, lead->members + place * twin->lanes, twin->lanes);
        lead->row.time_ns = pending->valid_ns;
        lead->row.value = pending->value;
    }
    lead->first = 0;
    lead->count = in->failed ? 0 : count;
}

bool gm_forecaster_load(gm_twin *twin, gm_text bytes)
{
    gm_forecaster *forecaster = &twin->forecaster;
    gm_unpack in = gm_unpack_of(bytes.data, bytes.size);
    bool same = gm_unpack_u16(&in) == SAVE_VERSION &&
                gm_unpack_u32(&in) == forecaster->field_count * forecaster->lead_count &&
                gm_unpack_u32(&in) == twin->lanes;
    if (!same || in.failed) {
        return false; // another world: scores begin anew
    }
    forecaster->scored_until = gm_unpack_u64(&in);
    forecaster->issued_ns = gm_unpack_i64(&in);
    forecaster->count = gm_unpack_u64(&in);
    for (size_t field = 0; field < forecaster->field_count; field++) {
        forecaster->last_ns[field] = gm_unpack_i64(&in);
        forecaster->last_value[field] = gm_unpack_f64(&in);
    }
    for (size_t index = 0; index < forecaster->field_count * forecaster->lead_count; index++) {
        load_lead(twin, &forecaster->leads[index], &in);
    }
    return gm_unpack_done(&in);
}
