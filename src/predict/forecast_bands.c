// Bands that hold what they promise: forecast_bands.h.
#include "predict/forecast_bands.h"

#include <math.h>
#include <string.h>

#include "base/require.h"
#include "num/statistics.h"

enum { REACH_LEAST = 16 };

static const double band_share[GM_BANDS] = { [GM_BAND_50] = 0.5, [GM_BAND_90] = 0.9 };
// of the standard normal, at (1 + share) / 2
static const double band_normal[GM_BANDS] = {
    [GM_BAND_50] = 0.67448975019608174320, [GM_BAND_90] = 1.64485362695147271486
};
static const double correction_least = -0.8;
// so many truths are taken to have held a band its share before the first came
static const double truths_before = 2.0;
// with so many in the ring, truths should be a whole lead apart
static const double truths_spread = 128.0;
// standard errors by which an older half of the truths must differ to be disregarded
static const double change_least = 3.0;
static const double root_of_pi = 1.77245385090551602730;

/// A correction, taken apart.
typedef struct setting {
    double left;  // of lanes and noise, 0 .. 1
    double error; // standard deviation added
} setting;

static setting setting_of(double correction)
{
    return (setting){ .left = 1.0 + fmin(correction, 0.0), .error = fmax(correction, 0.0) };
}

/// The setting at a standard normal's quantile: between the bands' edges it goes over from the
/// one's to the other's.
static setting setting_at(const gm_band_corrections *corrections, double normal)
{
    double from = band_normal[GM_BAND_50], to = band_normal[GM_BAND_90];
    double way = fmin(fmax((fabs(normal) - from) / (to - from), 0.0), 1.0);
    setting inner = setting_of(corrections->of[GM_BAND_50]);
    setting outer = setting_of(corrections->of[GM_BAND_90]);
    return (setting){ .left = inner.left + way * (outer.left - inner.left),
                      .error = inner.error + way * (outer.error - inner.error) };
}

/// How far from the median the reading's quantile lies at a standard normal's, where the lanes'
/// lies `half` away.
static double stretched(double half, double noise, double normal, setting by)
{
    double error = normal * by.error;
    noise *= normal;
    return sqrt(by.left * by.left * (half * half + noise * noise) + error * error);
}

double gm_band_quantile(const double *sorted, size_t count, double probability)
{
    if (count == 0) {
        return NAN;
    }
    double rank = probability * (double)(count + 1) - 1.0;
    double last = (double)(count - 1);
    return last > 0.0 ? gm_quantile(sorted, count, fmin(fmax(rank / last, 0.0), 1.0)) : sorted[0];
}

/// How far a band of the lanes alone reaches from their median.
typedef struct sides {
    double below, above;
} sides;

static sides sides_of(const gm_band_forecast *forecast, gm_band band)
{
    double tail = 0.5 * (1.0 - band_share[band]);
    double median = gm_band_quantile(forecast->lanes, forecast->count, 0.5);
    double lower = gm_band_quantile(forecast->lanes, forecast->count, tail);
    double upper = gm_band_quantile(forecast->lanes, forecast->count, 1.0 - tail);
    return (sides){ .below = median - lower, .above = upper - median };
}

/// The correction with which a band would just hold the reading.
static double score_of(const gm_band_forecast *forecast, gm_band band, double reading)
{
    double miss = reading - gm_band_quantile(forecast->lanes, forecast->count, 0.5);
    sides half = sides_of(forecast, band);
    double far = fabs(miss), normal = band_normal[band];
    double edge =
        stretched(miss > 0.0 ? half.above : half.below, forecast->noise, normal, setting_of(0.0));
    return far < edge ? far / edge - 1.0 : sqrt((far - edge) * (far + edge)) / normal;
}

gm_band_edges gm_band_edges_of(const gm_band_forecast *forecast)
{
    gm_band_edges edges = { .median = gm_band_quantile(forecast->lanes, forecast->count, 0.5) };
    for (gm_band band = 0; band < GM_BANDS; band++) {
        setting by = setting_of(forecast->corrections.of[band]);
        sides half = sides_of(forecast, band);
        double normal = band_normal[band];
        edges.lower[band] = edges.median - stretched(half.below, forecast->noise, normal, by);
        edges.upper[band] = edges.median + stretched(half.above, forecast->noise, normal, by);
    }
    edges.lower[GM_BAND_90] = fmin(edges.lower[GM_BAND_90], edges.lower[GM_BAND_50]);
    edges.upper[GM_BAND_90] = fmax(edges.upper[GM_BAND_90], edges.upper[GM_BAND_50]);
    return edges;
}

void gm_band_members(const gm_band_forecast *forecast, double *members)
{
    size_t count = forecast->count;
    double median = gm_band_quantile(forecast->lanes, count, 0.5);
    for (size_t rank = 0; rank < count; rank++) {
        double normal = gm_normal_quantile((double)(rank + 1) / (double)(count + 1));
        double far = stretched(forecast->lanes[rank] - median, forecast->noise, normal,
                               setting_at(&forecast->corrections, normal));
        // the middle one of an odd count is the median itself
        members[rank] = median + (2 * rank + 1 < count ? -far : far);
    }
    gm_sort(members, count);
}

gm_band_verdict gm_band_judge(const gm_band_forecast *forecast, double reading, double *work)
{
    size_t count = forecast->count;
    gm_band_edges edges = gm_band_edges_of(forecast);
    setting by = setting_of(forecast->corrections.of[GM_BAND_50]);
    gm_band_members(forecast, work);
    gm_band_verdict verdict = { .crps = gm_crps(work, count, reading) };
    double sampled = count > 1 ? verdict.crps - gm_crps_fair(work, count, reading) : 0.0;
    double told = hypot(by.left * forecast->noise, by.error) / ((double)count * root_of_pi);
    verdict.crps_fair = verdict.crps - fmax(sampled - told, 0.0);
    for (gm_band band = 0; band < GM_BANDS; band++) {
        verdict.inside[band] =
            reading >= edges.lower[band] && reading <= edges.upper[band] ? 1.0 : 0.0;
    }
    return verdict;
}

size_t gm_band_remembered(const gm_band_memory *memory)
{
    return memory->count < GM_BAND_SCORES ? (size_t)memory->count : GM_BAND_SCORES;
}

double gm_band_spacing(const gm_band_memory *memory)
{
    return fmin((double)gm_band_remembered(memory) / truths_spread, 1.0);
}

void gm_band_learn(gm_band_memory *memory, const gm_band_forecast *forecast, double reading,
                   double apart)
{
    size_t place = memory->count++ % GM_BAND_SCORES;
    memory->news[place] = fmin(apart, 1.0);
    for (gm_band band = 0; band < GM_BANDS; band++) {
        memory->scores[band][place] = score_of(forecast, band, reading);
    }
}

/// What truths say of a band corrected by `start`, from so many before the newest on.
typedef struct tale {
    double held;   // share inside
    double truths; // that count as independent
} tale;

static tale tell(const gm_band_memory *memory, gm_band band, double start, size_t from,
                 size_t count)
{
    tale told = { 0 };
    for (size_t before = from; before < from + count; before++) {
        size_t place = (memory->count - 1 - before) % GM_BAND_SCORES;
        told.held += memory->scores[band][place] <= start ? 1.0 / (double)count : 0.0;
        told.truths += memory->news[place];
    }
    return told;
}

/// How many of the newest truths speak of how things are now: as many as there are, unless an older
/// half says otherwise than the newer one (after Bifet and Gavalda, SIAM Conf. Data Mining (2007)
/// 443-448).
static size_t reach_of(const gm_band_memory *memory, gm_band band, double start)
{
    double share = band_share[band];
    size_t count = gm_band_remembered(memory);
    for (size_t half = REACH_LEAST; 2 * half <= count; half *= 2) {
        tale newer = tell(memory, band, start, 0, half);
        tale older = tell(memory, band, start, half, half);
        double spread = sqrt(share * (1.0 - share) * (1.0 / newer.truths + 1.0 / older.truths));
        if (fabs(newer.held - older.held) > change_least * spread) {
            return half;
        }
    }
    return count;
}

double gm_band_correction(const gm_band_memory *memory, gm_band band, double start)
{
    GM_REQUIRE(band < GM_BANDS);
    double sorted[GM_BAND_SCORES], share = band_share[band];
    size_t count = reach_of(memory, band, start);
    if (count == 0) {
        return start;
    }
    tale told = tell(memory, band, start, 0, count);
    double off = told.truths * (told.held - share) /
                 sqrt(share * (1.0 - share) * (told.truths + truths_before));
    if (!(fabs(off) > 1.0)) {
        return start;
    }
    for (size_t before = 0; before < count; before++) {
        sorted[before] = memory->scores[band][(memory->count - 1 - before) % GM_BAND_SCORES];
    }
    gm_sort(sorted, count);
    double goal = told.held + (share - told.held) * (1.0 - 1.0 / (off * off));
    double correction = gm_band_quantile(sorted, count, goal);
    return fmax(off < 0.0 ? fmax(correction, start) : fmin(correction, start), correction_least);
}
