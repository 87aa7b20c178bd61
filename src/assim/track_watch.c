// Whether lanes still follow what is measured: track_watch.h.
#include "assim/track_watch.h"

#include <math.h>

#include "num/statistics.h"

static const double median_of_chi_square = 0.45493642311957275; // of one degree of freedom

gm_track_options gm_default_track_options(void)
{
    return (gm_track_options){ .memory = 20.0, .limit = 4.0 };
}

void gm_track_take(gm_track *track, const gm_track_options *options,
                   const gm_innovation *innovations, size_t count, double *work)
{
    size_t seen = 0;
    for (size_t index = 0; index < count; index++) {
        double share = innovations[index].mean / innovations[index].spread;
        if (isfinite(share * share)) {
            work[seen++] = share * share;
        }
    }
    if (seen == 0) {
        return;
    }
    gm_sort(work, seen);
    // the mean of the median of a few: by simulation, to 2 % for odd numbers, 25 % for even ones
    double expected = median_of_chi_square * (1.0 + 2.0 / ((double)seen + 0.67));
    double quotient = gm_quantile(work, seen, 0.5) / expected;
    track->weight = track->weight * (1.0 - 1.0 / options->memory) + 1.0;
    track->misfit += (quotient - track->misfit) / track->weight;
}

bool gm_track_lost(const gm_track *track, const gm_track_options *options)
{
    // weights grow towards the memory: 1 - exp(-1/2) of it after half a memory
    double enough = (1.0 - exp(-0.5)) * options->memory;
    return track->weight >= enough && track->misfit > options->limit;
}
