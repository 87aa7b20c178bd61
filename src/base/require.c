// The end of a program that found itself in error.
#include "base/require.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void gm_require_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "gemel: %s:%d: this must hold and does not: %s\n", file, line, condition);
    abort();
}
