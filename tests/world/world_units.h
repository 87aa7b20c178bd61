// The unit database of a test program: read once before its tests, closed behind them.
#ifndef GEMEL_TESTS_WORLD_WORLD_UNITS_H
#define GEMEL_TESTS_WORLD_WORLD_UNITS_H

#include "base/units.h"

static gm_units *units;

static int read_units(void **state)
{
    (void)state;
    gm_error error = { 0 };
    return gm_units_read(&units, &error) == GM_OK ? 0 : -1;
}

static int close_units(void **state)
{
    (void)state;
    gm_units_close(units);
    return 0;
}

#endif
