// Disjoint sets of numbers: what belongs together after any number of joins, in nearly constant
// time each.
//
// parents[i] leads from i towards the representative of its set, which is its own parent; the way
// is halved as it is walked. A set is represented by its least member, so the result does not
// depend on the order of joins. Tarjan, van Leeuwen, J. ACM 31 (1984) 245-281.
#ifndef GEMEL_NUM_DISJOINT_SETS_H
#define GEMEL_NUM_DISJOINT_SETS_H

#include <stddef.h>
#include <stdint.h>

/// Every number alone. @param parents  out, [count]
static inline void gm_sets_start(uint32_t *parents, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        parents[index] = (uint32_t)index;
    }
}

/// The least number of the set.
static inline uint32_t gm_sets_find(uint32_t *parents, uint32_t number)
{
    while (parents[number] != number) {
        parents[number] = parents[parents[number]];
        number = parents[number];
    }
    return number;
}

/// Makes one set of two.
static inline void gm_sets_join(uint32_t *parents, uint32_t a, uint32_t b)
{
    a = gm_sets_find(parents, a);
    b = gm_sets_find(parents, b);
    parents[a > b ? a : b] = a > b ? b : a;
}

#endif
