// Scales of estimated values: assim/value_scale.h.
#include "assim/value_scale.h"

#include <math.h>

static const double value_least = 1e-300; // of a logarithm
static const double share_least = 1e-12;  // between the bounds of a logit

/// Where between its bounds a value lies, 0 .. 1 but not at their ends.
static double share_of(gm_value_scale scale, double value)
{
    double share = (value - scale.low) / (scale.high - scale.low);
    share = share < share_least ? share_least : share;
    return share > 1.0 - share_least ? 1.0 - share_least : share;
}

double gm_scale_from(gm_value_scale scale, double value)
{
    if (scale.kind == GM_SCALE_LOG) {
        return log(value < value_least ? value_least : value);
    }
    if (scale.kind == GM_SCALE_LOGIT) {
        double share = share_of(scale, value);
        return log(share / (1.0 - share));
    }
    return value;
}

double gm_scale_to(gm_value_scale scale, double place)
{
    if (scale.kind == GM_SCALE_LOG) {
        return exp(place);
    }
    if (scale.kind == GM_SCALE_LOGIT) {
        double share = 1.0 / (1.0 + exp(-place));
        double value = scale.low + share * (scale.high - scale.low);
        value = value < scale.low ? scale.low : value; // rounding
        return value > scale.high ? scale.high : value;
    }
    return place;
}

double gm_scale_stretch(gm_value_scale scale, double value)
{
    if (scale.kind == GM_SCALE_LOG) {
        return 1.0 / (value < value_least ? value_least : value);
    }
    if (scale.kind == GM_SCALE_LOGIT) {
        double share = share_of(scale, value);
        return 1.0 / (share * (1.0 - share) * (scale.high - scale.low));
    }
    return 1.0;
}
