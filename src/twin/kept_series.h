// The series that a twin keeps in history of its own accord, where hypotheses stand side by side:
// how much is thought of each, and what is learned. The recorder writes them, who serves reads
// them. Private to gemel.
#ifndef GEMEL_TWIN_KEPT_SERIES_H
#define GEMEL_TWIN_KEPT_SERIES_H

#include "world/world_parts.h"

/// Parameters and unknown inputs are learned, states are followed.
bool gm_is_learned(const gm_world_estimate *estimate);

/// "mean" to "q95", as in gm_summary.
extern const char gm_summary_columns[];

/// "learned/box/path/air-room/conductance": a parameter, or what an unknown input adds. Columns
/// are those of a summary, the unit the field's.
/// @param name  out, cut when it does not fit
void gm_kept_learned(const gm_world *world, const gm_world_estimate *learned, char *name,
                     size_t size);

/// "hypotheses/box": the weights of a group, named by its first system. Every hypothesis that gemel
/// knows has its column, NAN where the world does not name it: a world that names others goes on
/// with the same series.
void gm_kept_weights(const gm_world *world, size_t group, char *name, size_t size);
void gm_kept_weights_columns(char *columns, size_t size);
size_t gm_kept_weights_column(gm_hypothesis hypothesis);

#endif
