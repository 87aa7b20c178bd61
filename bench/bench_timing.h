// What benchmarks share: a clock in seconds, and the median of a few runs.
#ifndef GEMEL_BENCH_TIMING_H
#define GEMEL_BENCH_TIMING_H

#include <stdlib.h>
#include <time.h>

/// @param clock  CLOCK_MONOTONIC; CLOCK_PROCESS_CPUTIME_ID where other work on the machine must not
///               count
static inline double seconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static inline int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/// Sorts the values.
static inline double median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ascending);
    return values[count / 2];
}

#endif
