// The scale on which a value is estimated. Filters think in straight lines and bells; a conductance
// is never negative, a share lies between 0 and 1. On its own scale such a value is any number:
//
//     plain   z = v
//     log     z = ln v
//     logit   z = ln((v - low) / (high - v))
//
// Source: Gelman et al., Bayesian Data Analysis, 3rd ed. (2013), section 1.8.
#ifndef GEMEL_ASSIM_VALUE_SCALE_H
#define GEMEL_ASSIM_VALUE_SCALE_H

typedef enum gm_scale_kind { GM_SCALE_PLAIN = 0, GM_SCALE_LOG, GM_SCALE_LOGIT } gm_scale_kind;

/// Plain value; {0} is plain.
typedef struct gm_value_scale {
    gm_scale_kind kind;
    double low, high; // of a logit, low < high
} gm_value_scale;

/// A value on its scale. What lies on or beyond a bound counts as just inside; NaN gives NaN.
double gm_scale_from(gm_value_scale scale, double value);
/// And back: never beyond a bound.
double gm_scale_to(gm_value_scale scale, double place);
/// How far a small step of 1 in the value is on the scale, about `value`.
double gm_scale_stretch(gm_value_scale scale, double value);

#endif
