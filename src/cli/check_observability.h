// `gemel check WORLD --observability`: the answer for people and as JSON.
#ifndef GEMEL_CLI_CHECK_OBSERVABILITY_H
#define GEMEL_CLI_CHECK_OBSERVABILITY_H

#include "study/observability_study.h"

/// Prints to standard output.
void gm_cli_observability_text(const gm_world *world, const gm_observability_answer *answer);
void gm_cli_observability_json(const gm_world *world, const gm_observability_answer *answer);

#endif
