// Names of the series that a twin keeps of its own accord.
#include "twin/kept_series.h"

#include <stdio.h>

const char gm_summary_columns[] = "mean,spread,q05,q25,q50,q75,q95";

// the first column decides which rows are left when a history is thinned
static const gm_hypothesis by_column[GM_HYPOTHESES] = {
    GM_HYPOTHESIS_KNOWN,
    GM_HYPOTHESIS_DRIFTING,
    GM_HYPOTHESIS_INPUT,
    GM_HYPOTHESIS_ALL,
};

bool gm_is_learned(const gm_world_estimate *estimate)
{
    return estimate->kind == GM_ESTIMATE_PARAMETER || estimate->kind == GM_ESTIMATE_INPUT;
}

void gm_kept_learned(const gm_world *world, const gm_world_estimate *learned, char *name,
                     size_t size)
{
    static const char prefix[] = "learned/";
    size_t before = sizeof prefix - 1;
    snprintf(name, size, "%s", prefix);
    if (size > before) {
        gm_world_address(world, learned->ref, name + before, size - before);
    }
}

void gm_kept_weights(const gm_world *world, size_t group, char *name, size_t size)
{
    size_t first = 0;
    while (first + 1 < world->system_count && world->systems[first].group != group) {
        first++;
    }
    snprintf(name, size, "hypotheses/%s", world->systems[first].name);
}

void gm_kept_weights_columns(char *columns, size_t size)
{
    size_t at = 0;
    for (size_t column = 0; column < GM_HYPOTHESES && at < size; column++) {
        at += (size_t)snprintf(columns + at, size - at, "%s%s", column > 0 ? "," : "",
                               gm_hypothesis_name(by_column[column]));
    }
}

size_t gm_kept_weights_column(gm_hypothesis hypothesis)
{
    size_t column = 0;
    while (column + 1 < GM_HYPOTHESES && by_column[column] != hypothesis) {
        column++;
    }
    return column;
}
