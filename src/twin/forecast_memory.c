// The forecaster's memory in snapshots: what waits for its truth, scores, and what bands are
// learned from.
//
// Bytes (codec/pack.h): version u16, leads u32, lanes u32, cycle u64, time of the newest forecast
// i64, forecasts u64; per field the last reading's time i64 and value f64; per field and lead the
// lead i64, the newest row's time i64 and summary as f64s, the scores' sums as f64s, how hypotheses
// fared as f64s and the time of the last truth they were compared by i64, the number of
// truths learned from u64, as many of the bands' rings as are in use as f64s, the time of the last
// truth i64, and the forecasts that wait. Those: times of issue and truth i64, persistence, the
// lanes' mean, the corrections and the hypotheses' means f64, a count u32 and so many lanes f64.
#include "twin/twin_parts.h"

enum { SAVE_VERSION = 5 };

static size_t doubles_in(size_t size)
{
    return size / sizeof(double);
}

static void save_pending(const gm_twin *twin, const gm_lead *lead, size_t place, gm_string *out)
{
    const gm_pending *pending = &lead->pending[place];
    gm_pack_i64(out, pending->issued_ns);
    gm_pack_i64(out, pending->valid_ns);
    gm_pack_f64(out, pending->persistence);
    gm_pack_f64(out, pending->mean);
    gm_pack_f64s(out, pending->corrections.of, GM_BANDS);
    gm_pack_f64s(out, lead->means + place * twin->world->hypothesis_count,
                 twin->world->hypothesis_count);
    gm_pack_u32(out, (uint32_t)pending->lane_count);
    gm_pack_f64s(out, lead->lanes + place * twin->distinct, pending->lane_count);
}

static void save_lead(const gm_twin *twin, const gm_lead *lead, gm_string *out)
{
    gm_pack_i64(out, lead->row.lead_ns);
    gm_pack_i64(out, lead->row.time_ns);
    gm_pack_f64s(out, &lead->row.value.mean, doubles_in(sizeof lead->row.value));
    gm_pack_f64s(out, &lead->tally.count, doubles_in(sizeof lead->tally));
    gm_pack_f64s(out, lead->rivalry.scores, doubles_in(sizeof lead->rivalry));
    gm_pack_i64(out, lead->compared_ns);
    gm_pack_u64(out, lead->memory.count);
    size_t remembered = gm_band_remembered(&lead->memory);
    for (size_t band = 0; band < GM_BANDS; band++) {
        gm_pack_f64s(out, lead->memory.scores[band], remembered);
    }
    gm_pack_f64s(out, lead->memory.news, remembered);
    gm_pack_i64(out, lead->learned_ns);
    gm_pack_u32(out, (uint32_t)lead->count);
    for (size_t number = 0; number < lead->count; number++) {
        save_pending(twin, lead, (lead->first + number) % lead->capacity, out);
    }
}

void gm_forecaster_save(const gm_twin *twin, gm_string *out)
{
    const gm_forecaster *forecaster = &twin->forecaster;
    size_t leads = forecaster->field_count * forecaster->lead_count;
    gm_pack_u16(out, SAVE_VERSION);
    gm_pack_u32(out, (uint32_t)leads);
    gm_pack_u32(out, (uint32_t)twin->lanes);
    gm_pack_u32(out, (uint32_t)twin->world->hypothesis_count);
    gm_pack_u64(out, twin->cycle);
    gm_pack_i64(out, forecaster->issued_ns);
    gm_pack_u64(out, forecaster->count);
    for (size_t field = 0; field < forecaster->field_count; field++) {
        gm_pack_i64(out, forecaster->last_ns[field]);
        gm_pack_f64(out, forecaster->last_value[field]);
    }
    for (size_t index = 0; index < leads; index++) {
        save_lead(twin, &forecaster->leads[index], out);
    }
}

static void load_pending(const gm_twin *twin, gm_lead *lead, size_t place, gm_unpack *in)
{
    gm_pending *pending = &lead->pending[place];
    double *lanes = lead->lanes + place * twin->distinct;
    pending->issued_ns = gm_unpack_i64(in);
    pending->valid_ns = gm_unpack_i64(in);
    pending->persistence = gm_unpack_f64(in);
    pending->mean = gm_unpack_f64(in);
    gm_unpack_f64s(in, pending->corrections.of, GM_BANDS);
    gm_unpack_f64s(in, lead->means + place * twin->world->hypothesis_count,
                   twin->world->hypothesis_count);
    pending->lane_count = gm_unpack_count(in, sizeof *lanes);
    in->failed = in->failed || pending->lane_count == 0 || pending->lane_count > twin->distinct;
    if (!in->failed) {
        gm_unpack_f64s(in, lanes, pending->lane_count);
    }
}

static void load_lead(const gm_twin *twin, gm_lead *lead, gm_unpack *in)
{
    const size_t least_pending =
        (4 + GM_BANDS + twin->world->hypothesis_count) * sizeof(double) + sizeof(uint32_t);
    int64_t lead_ns = gm_unpack_i64(in);
    lead->row.time_ns = gm_unpack_i64(in);
    gm_unpack_f64s(in, &lead->row.value.mean, doubles_in(sizeof lead->row.value));
    gm_unpack_f64s(in, &lead->tally.count, doubles_in(sizeof lead->tally));
    gm_unpack_f64s(in, lead->rivalry.scores, doubles_in(sizeof lead->rivalry));
    lead->compared_ns = gm_unpack_i64(in);
    lead->memory.count = gm_unpack_u64(in);
    size_t remembered = gm_band_remembered(&lead->memory);
    for (size_t band = 0; band < GM_BANDS; band++) {
        gm_unpack_f64s(in, lead->memory.scores[band], remembered);
    }
    gm_unpack_f64s(in, lead->memory.news, remembered);
    lead->learned_ns = gm_unpack_i64(in);
    size_t count = gm_unpack_count(in, least_pending);
    in->failed = in->failed || lead_ns != lead->row.lead_ns || count > lead->capacity;
    for (size_t place = 0; !in->failed && place < count; place++) {
        load_pending(twin, lead, place, in);
    }
    lead->first = 0;
    lead->count = in->failed ? 0 : count;
}

static void forget(gm_twin *twin)
{
    gm_forecaster *forecaster = &twin->forecaster;
    for (size_t index = 0; index < forecaster->field_count * forecaster->lead_count; index++) {
        gm_lead *lead = &forecaster->leads[index];
        lead->tally = (gm_tally){ 0 };
        lead->memory = (gm_band_memory){ 0 };
        lead->rivalry = (gm_rivalry){ 0 };
        lead->learned_ns = lead->compared_ns = INT64_MIN;
        lead->first = lead->count = 0;
    }
    for (size_t field = 0; field < forecaster->field_count; field++) {
        forecaster->last_ns[field] = INT64_MIN;
    }
    forecaster->issued_ns = INT64_MIN;
    forecaster->count = forecaster->scored_until = 0;
}

bool gm_forecaster_load(gm_twin *twin, gm_text bytes)
{
    gm_forecaster *forecaster = &twin->forecaster;
    size_t leads = forecaster->field_count * forecaster->lead_count;
    gm_unpack in = gm_unpack_of(bytes.data, bytes.size);
    bool same = gm_unpack_u16(&in) == SAVE_VERSION && gm_unpack_u32(&in) == leads &&
                gm_unpack_u32(&in) == twin->lanes &&
                gm_unpack_u32(&in) == twin->world->hypothesis_count;
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
    for (size_t index = 0; index < leads; index++) {
        load_lead(twin, &forecaster->leads[index], &in);
    }
    if (!gm_unpack_done(&in)) {
        forget(twin);
        return false;
    }
    return true;
}
