// Lets a chosen allocation fail. Include it in one file of a test: it takes aligned_alloc's place,
// through which all of gemel's own memory comes.
#ifndef GEMEL_TESTS_FAILING_MEMORY_H
#define GEMEL_TESTS_FAILING_MEMORY_H

#include <limits.h>
#include <malloc.h>
#include <stddef.h>

static long allocations_left = LONG_MAX; // that succeed

void *aligned_alloc(size_t alignment, size_t size);

void *aligned_alloc(size_t alignment, size_t size)
{
    return allocations_left-- > 0 ? memalign(alignment, size) : NULL;
}

#endif
