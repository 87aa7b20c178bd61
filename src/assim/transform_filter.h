// The ensemble transform Kalman filter: one lanes x lanes matrix carries all measurements and is
// applied once to every value.
//
// Deviations x' of a value from its mean (a row, one number a lane) become x' T, its mean moves by
// x' w. Both are gathered from the measurements one after the other, each with the deviations y' of
// its prediction, the error variance R and the innovation d as the measurements before have left
// them (y = y0 T):
//
//     D = y y' + (lanes - 1) R,   w += T y' d / D,   T -= T y' y / (D (1 + sqrt((lanes - 1) R /
//     D)))
//
// which is Potter's square root (Battin, Astronautical guidance, 1964, 9.5; Whitaker, Hamill, Mon.
// Wea. Rev. 130 (2002) 1913-1924) in the space of lanes (Bishop, Etherton, Majumdar, Mon. Wea. Rev.
// 129 (2001) 420-436). It never forms the inverse of a covariance: measurements a million times
// better than others are fine. The values are as gm_square_root_update would leave them, at the
// price of one measurement more instead of all.
//
// T is one of many roots of the same covariance T T'. The symmetric one moves lanes least (Hunt,
// Kostelich, Szunyogh, Physica D 230 (2007) 112-126, eq. 24). A random rotation U that leaves the
// mean alone, T U, undoes the strange shapes that square roots leave in lanes (Sakov, Oke, Mon.
// Wea. Rev. 136 (2008) 1042-1053); after it, which root it was makes no difference.
#ifndef GEMEL_ASSIM_TRANSFORM_FILTER_H
#define GEMEL_ASSIM_TRANSFORM_FILTER_H

#include <gemel/random.h>
#include <gemel/workers.h>
#include <stdbool.h>

#include "assim/square_root.h"

/// What happens to the lanes' mean and deviations. The arrays are the caller's room.
typedef struct gm_transform {
    size_t lanes;
    double *shift;  // [lanes]: w
    double *matrix; // [lanes][lanes]: T
    double *work;   // of its own
    double widest;  // by how much a value's deviations may grow; 0: no bound
} gm_transform;

/// Numbers of room that a transform needs, its work space included.
size_t gm_transform_room(size_t lanes);
/// Numbers of work space that gm_transform_apply needs.
size_t gm_transform_work_count(size_t lanes);

/// Lays a transform out that changes nothing but deviations, by `inflation`.
/// @param room       [gm_transform_room(lanes)], lives as long as the transform
/// @param inflation  > 0: of the deviations before the measurements; 1: none
gm_transform gm_transform_start(double *room, size_t lanes, double inflation);

/// Takes all measurements in their order. Values are not looked at; predictions are read only.
/// @param analysis     as many lanes as the transform; `caution` NULL and `chance` 0, which need
///                     another matrix for every value
/// @param innovations  out, [measurement_count], all against the lanes as they are given; NULL to
///                     skip
/// @return as gm_analysis_check: then nothing was changed; GM_NUMERIC also when lanes are
/// so far apart that their variance is no number: then transform and innovations are spoilt
gm_status gm_transform_take(gm_transform *transform, const gm_analysis *analysis,
                            gm_innovation *innovations, gm_error *error);

/// Goes on to the symmetric root of the same covariance.
/// @return GM_NUMERIC (no convergence): then nothing was changed
gm_status gm_transform_symmetrise(gm_transform *transform, gm_error *error);

/// Turns deviations by a random rotation, uniform among those that leave the mean alone (Stewart,
/// SIAM J. Numer. Anal. 17 (1980) 403-409).
/// @param purpose, occurrence  name the draws (gm_draw)
void gm_transform_rotate(gm_transform *transform, gm_random random, uint32_t purpose,
                         uint64_t occurrence);

/// Multiplies deviations. @param factor  > 0
void gm_transform_inflate(gm_transform *transform, double factor);

/// Applies the transform to rows; any number of threads may, each with its own work space. A row's
/// bits depend on nothing but that row.
/// @param values  in out, [count][lanes], finite
/// @param work    [gm_transform_work_count(lanes)]
void gm_transform_apply(const gm_transform *transform, double *values, size_t count, double *work);

/// The same by a team, whose work space is the transform's: one caller at a time.
/// @param workers  NULL: this thread alone
void gm_transform_share(const gm_transform *transform, double *values, size_t count,
                        gm_workers *workers);

/// How gm_transform_update goes about it.
typedef struct gm_transform_options {
    double before; // > 0: inflation of deviations before the measurements
    double after;  // > 0: and after them
    bool bounded;  // no value is left wider than it was, but for `after`: inflation before does not
                   // add up, analysis by analysis, where measurements say nothing
    bool symmetric;         // the root that moves lanes least
    const gm_random *turns; // stream of random rotations; NULL: none
    uint32_t purpose;       // of its draws
    uint64_t occurrence;
    gm_workers *workers; // share the rows; NULL: this thread alone. The result is the same
} gm_transform_options;

/// No inflation, no bound, the symmetric root, no rotation, this thread.
gm_transform_options gm_default_transform_options(void);

/// The whole update: transforms values and predictions.
/// @param room  [gm_transform_room(lanes)]
/// @return as gm_transform_take and gm_transform_symmetrise, and GM_INVALID for a factor that is
/// not positive and finite: then values and predictions are as they were
gm_status gm_transform_update(const gm_analysis *analysis, const gm_transform_options *options,
                              double *room, gm_innovation *innovations, gm_error *error);

/// Whether gm_transform_update is likely to be quicker than gm_square_root_update, without the
/// symmetric root, and can be used at all. A function of sizes and of what is asked for, never of
/// values.
bool gm_transform_pays(const gm_analysis *analysis);

#endif
