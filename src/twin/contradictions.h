// Samples that contradict each other: the same sensor, source time and sequence, another value.
// Private to src/twin.
//
// The first one counts, as nothing says which is right; the others are journalled, so that they can
// be looked into, and mark the first one in the history. A sensor that does it again and again has
// an event: two senders share its name, or one makes up its times.
#ifndef GEMEL_TWIN_CONTRADICTIONS_H
#define GEMEL_TWIN_CONTRADICTIONS_H

#include "twin/twin_parts.h"

/// The kind of its events. Rewinds do not doubt them: they are about samples, not about lanes.
#define GM_CONTRADICTION_KIND "contradicting"

/// Nothing is remembered yet.
gm_status gm_contradictions_open(gm_twin *twin, gm_error *error);
void gm_contradictions_close(gm_twin *twin); // NULL inside is fine
/// A cycle took a sample that contradicts one before it.
void gm_contradictions_take(gm_twin *twin, const gm_arrived *entry);
/// The end of a new cycle: events are raised and cleared.
void gm_contradictions_watch(gm_twin *twin, int64_t time_ns);

#endif
