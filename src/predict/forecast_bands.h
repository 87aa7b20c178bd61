// Bands of a forecast that hold what they promise, whether the truth or a reading of it is asked
// for.
//
// Lanes say where the true value will lie. What a gauge will read lies further out: its noise
// comes on top. The two are combined quantile by quantile about the lanes' median m: where the
// lanes' quantile is m + d and the noise's is z s, the reading's is m +- sqrt(d^2 + (z s)^2). That
// is exact for normal lanes and where one of the two is negligible, needs no draws and no search,
// and grows with d, so that it can be solved for the width that a reading asks for.
//
// A band is recalibrated by one number. Above 0 it is the standard deviation of an error that the
// model knows nothing of; it is added to the lanes as the noise is, in the field's own unit, so
// that it does not vanish when the lanes agree ever better on something wrong. Below 0 it is the
// share by which lanes and noise alike are narrowed: readings alone cannot tell which of them is
// too wide. Such bands are nested, so the score of a truth is the correction with which the band
// would just have held it, and the p-quantile of past scores gives a band that holds the share p of
// them: conformal prediction by nested sets. Vovk, Gammerman, Shafer, Algorithmic Learning in a
// Random World (2005); Gupta, Kuchibhotla, Ramdas, Pattern Recognition 127 (2022) 108496.
//
// A correction is left alone while its band holds about as many truths as it should, and moved the
// further, the surer it is that it does not: of the difference to the share promised, d standard
// errors, the part max(0, 1 - 1/d^2) is made good (the positive-part shrinkage of James and Stein:
// Efron, Morris, JASA 68 (1973) 117-130). So bands of a right model are not shaken by chance.
// When the newer half of the truths tells another story than the older, the newer alone counts.
#ifndef GEMEL_PREDICT_FORECAST_BANDS_H
#define GEMEL_PREDICT_FORECAST_BANDS_H

#include <stddef.h>
#include <stdint.h>

enum { GM_BAND_SCORES = 256 }; // last truths that a band is learned from

typedef enum gm_band {
    GM_BAND_50 = 0, // from the 25 % to the 75 % quantile
    GM_BAND_90,     // from 5 % to 95 %
    GM_BANDS
} gm_band;

/// What is corrected. Above 0: standard deviation of an error added, in the field's unit; below 0:
/// share taken off, down to -1; 0: what the lanes say.
typedef struct gm_band_corrections {
    double of[GM_BANDS];
} gm_band_corrections;

/// A forecast of the truth (noise 0) or of a reading of it.
typedef struct gm_band_forecast {
    const double *lanes; // ascending, [count]
    size_t count;        // >= 1
    double noise;        // standard deviation, >= 0, in the lanes' unit
    gm_band_corrections corrections;
} gm_band_forecast;

/// Median and bands, the narrow one inside the wide one.
typedef struct gm_band_edges {
    double median, lower[GM_BANDS], upper[GM_BANDS];
} gm_band_edges;

/// Quantile such that a further draw from where the members came from lies below it with just that
/// probability: order statistics at probability * (count + 1), type 6 of Hyndman and Fan, Am. Stat.
/// 50 (1996) 361-365; the outermost members where there are too few.
/// @param sorted  ascending, [count]; NaN for 0
double gm_band_quantile(const double *sorted, size_t count, double probability);

/// What a forecast says.
gm_band_edges gm_band_edges_of(const gm_band_forecast *forecast);

/// The same as members of a distribution. @param members  out, ascending, [count]; not the lanes
void gm_band_members(const gm_band_forecast *forecast, double *members);

/// What a forecast scores.
typedef struct gm_band_verdict {
    double crps, crps_fair;
    double inside[GM_BANDS]; // 1 or 0
} gm_band_verdict;

/// Judges a forecast by a reading. The fair score is what endless lanes would be expected to get;
/// noise and the error added, which are no sample, have nothing to be made good.
/// @param work  [count]
gm_band_verdict gm_band_judge(const gm_band_forecast *forecast, double reading, double *work);

/// What past truths said: rings of the last of their scores. Plain bytes; all zero is none.
typedef struct gm_band_memory {
    double scores[GM_BANDS][GM_BAND_SCORES];
    double news[GM_BAND_SCORES]; // the share of each that the one before did not tell, 0 .. 1
    uint64_t count;
} gm_band_memory;
/// How many entries of the rings are in use: the first ones, until all are.
size_t gm_band_remembered(const gm_band_memory *memory);

/// How far from the last truth the next should be that is learned from, in lead times: forecasts
/// that overlap miss together. At first every truth is welcome; later the ring should reach far
/// back.
double gm_band_spacing(const gm_band_memory *memory);

/// Remembers what a reading says of the bands of such lanes; how they were corrected is no matter.
/// @param apart  time since the truth before, in lead times: the share of it that is news
void gm_band_learn(gm_band_memory *memory, const gm_band_forecast *forecast, double reading,
                   double apart);

/// The correction of the next band.
/// @param start  what is held while the truths do not speak against it
double gm_band_correction(const gm_band_memory *memory, gm_band band, double start);

#endif
