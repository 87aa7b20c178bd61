// Sparse L D L^T over lanes: num/symmetric.h.
//
// Any order of elimination in which a column comes before its parent in the elimination tree gives
// the same fill. Of these, columns stand here by blocks of whole subtrees, whose values are near
// each other; and within a block, as far as the tree allows, those with equally many entries follow
// each other: a network's columns have few, and the loop over columns of one size is free of
// branches. First come, first served, so neighbours seldom wait for each other's pivots.
#include "num/symmetric.h"

#include <stdbool.h>
#include <string.h>
#include <suitesparse/amd.h>

#include "base/arena.h"
#include "base/require.h"

enum {
    BLOCK = 1024, // columns: their values at width 8 fill about 256 KiB
    KINDS = 6,    // of columns: with 0, 1, 2, 3, 4 and more entries
    NONE = -1,    // as uint32_t
};

/// Columns in sequence with equally many entries.
typedef struct run {
    uint32_t count; // of columns
    uint32_t size;  // entries of each
} run;

struct gm_symmetric {
    size_t count, pair_count, fill, target_count, run_count, vacant_count;
    size_t leading_count, leading_runs, leading_targets;
    uint32_t *place;   // [count]: unknown -> place
    uint32_t *unknown; // [count]: place -> unknown
    uint32_t *slot;    // [pair_count]
    uint32_t *vacant;  // [vacant_count]
    run *runs;         // [run_count]
    uint32_t *start;  // [count + 1]: entries of column j are the slots start[j] .. start[j + 1] - 1
    uint32_t *row;    // [fill]: place of each entry's row, ascending in a column
    uint32_t *target; // [target_count]: for each entry of a column but the last, in sequence: the
                      // slots where its products with the later entries go
};

/// What creation needs besides; freed at its end.
typedef struct analysis {
    const gm_symmetric_pattern *pattern;
    int32_t *amd_start, *amd_pattern, *amd_order;
    uint32_t *near_start, *near;  // per place j: the places < j that a pair joins with it
    uint32_t *parent;             // [count]: in the elimination tree; NONE for a root
    uint32_t *length;             // [count]: entries of each column
    uint32_t *block;              // [count]: of each column
    uint32_t *mark, *next, *swap; // [count + 1]: work
} analysis;

static void analysis_free(analysis *a)
{
    void *all[] = { a->amd_start, a->amd_pattern, a->amd_order, a->near_start, a->near, a->parent,
                    a->length,    a->block,       a->mark,      a->next,       a->swap };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        gm_memory_free(all[i]);
    }
}

static gm_status check_pattern(const gm_symmetric_pattern *pattern, gm_error *error)
{
    size_t count = pattern->count, pair_count = pattern->pair_count;
    const uint32_t(*pairs)[2] = pattern->pairs;
    if (count > GM_SYMMETRIC_COUNT_MAX) {
        return gm_error_set(error, GM_INVALID, "a matrix of %zu unknowns: at most %d", count,
                            GM_SYMMETRIC_COUNT_MAX);
    }
    if (pattern->leading_count > count) {
        return gm_error_set(error, GM_INVALID, "%zu of %zu unknowns cannot lead",
                            pattern->leading_count, count);
    }
    if (pair_count > INT32_MAX / 2) {
        return gm_error_set(error, GM_LIMIT, "%zu matrix entries are too many", pair_count);
    }
    for (size_t i = 0; i < pair_count; i++) {
        if (pairs[i][0] >= count || pairs[i][1] >= count || pairs[i][0] == pairs[i][1]) {
            return gm_error_set(error, GM_INVALID,
                                "entry (%u, %u) is not off the diagonal of a matrix of %zu",
                                (unsigned)pairs[i][0], (unsigned)pairs[i][1], count);
        }
    }
    return GM_OK;
}

static gm_status reserve(gm_symmetric *s, analysis *a, gm_error *error)
{
    size_t count = s->count, pair_count = s->pair_count;
    s->place = gm_memory_new(count, sizeof *s->place);
    s->unknown = gm_memory_new(count, sizeof *s->unknown);
    s->slot = gm_memory_new(pair_count, sizeof *s->slot);
    s->start = gm_memory_new(count + 1, sizeof *s->start);
    a->amd_start = gm_memory_new(count + 1, sizeof *a->amd_start);
    a->amd_pattern = gm_memory_new(2 * pair_count + 1, sizeof *a->amd_pattern);
    a->amd_order = gm_memory_new(count, sizeof *a->amd_order);
    a->near_start = gm_memory_new(count + 1, sizeof *a->near_start);
    a->near = gm_memory_new(pair_count, sizeof *a->near);
    uint32_t **works[] = { &a->parent, &a->length, &a->block, &a->mark, &a->next, &a->swap };
    bool complete = s->place && s->unknown && s->slot && s->start && a->amd_start &&
                    a->amd_pattern && a->amd_order && a->near_start && a->near;
    for (size_t i = 0; i < sizeof works / sizeof *works; i++) {
        *works[i] = gm_memory_new(count + 1, sizeof **works[i]);
        complete = complete && *works[i] != NULL;
    }
    return complete
               ? GM_OK
               : gm_error_set(error, GM_MEMORY, "no memory for a matrix of %zu unknowns", count);
}

/// Puts the unknowns that lead first, and numbers the others in `rest`.
static gm_status take_leading(gm_symmetric *s, const analysis *a, uint32_t *rest, gm_error *error)
{
    const gm_symmetric_pattern *pattern = a->pattern;
    memset(rest, 0, s->count * sizeof *rest);
    for (size_t i = 0; i < pattern->leading_count; i++) {
        uint32_t unknown = pattern->leading[i];
        if (unknown >= s->count || rest[unknown] == (uint32_t)NONE) {
            return gm_error_set(error, GM_INVALID, "unknown %u of %zu cannot lead twice or at all",
                                (unsigned)unknown, s->count);
        }
        rest[unknown] = (uint32_t)NONE;
        s->unknown[i] = unknown;
    }
    uint32_t others = 0;
    for (size_t i = 0; i < s->count; i++) {
        rest[i] = rest[i] == (uint32_t)NONE ? rest[i] : others++;
    }
    return GM_OK;
}

/// Orders the unknowns for little fill, behind those that lead. AMD itself removes repeated pairs.
static gm_status order_unknowns(gm_symmetric *s, analysis *a, gm_error *error)
{
    uint32_t *rest = a->mark, *unknown = a->next;
    gm_status status = take_leading(s, a, rest, error);
    if (status != GM_OK) {
        return status;
    }
    for (uint32_t i = 0; i < s->count; i++) {
        if (rest[i] != (uint32_t)NONE) {
            unknown[rest[i]] = i;
        }
    }
    size_t count = s->count - s->leading_count;
    for (size_t i = 0; i < s->pair_count; i++) {
        uint32_t p = rest[a->pattern->pairs[i][0]], q = rest[a->pattern->pairs[i][1]];
        if (p != (uint32_t)NONE && q != (uint32_t)NONE) {
            a->amd_start[p]++;
            a->amd_start[q]++;
        }
    }
    int32_t sum = 0;
    for (size_t j = 0; j <= count; j++) { // ends of the columns; filling moves them to the starts
        sum += a->amd_start[j];
        a->amd_start[j] = sum;
    }
    for (size_t i = 0; i < s->pair_count; i++) {
        uint32_t p = rest[a->pattern->pairs[i][0]], q = rest[a->pattern->pairs[i][1]];
        if (p != (uint32_t)NONE && q != (uint32_t)NONE) {
            a->amd_pattern[--a->amd_start[p]] = (int32_t)q;
            a->amd_pattern[--a->amd_start[q]] = (int32_t)p;
        }
    }
    int code = amd_order((int32_t)count, a->amd_start, a->amd_pattern, a->amd_order, NULL, NULL);
    if (code != AMD_OK && code != AMD_OK_BUT_JUMBLED) {
        return gm_error_set(error, code == AMD_OUT_OF_MEMORY ? GM_MEMORY : GM_LIMIT,
                            "no memory to order %zu unknowns", s->count);
    }
    for (size_t j = 0; j < count; j++) {
        s->unknown[s->leading_count + j] = unknown[a->amd_order[j]];
    }
    return GM_OK;
}

/// Makes `place` the inverse of `unknown`, and lists for every place the earlier ones joined to it.
static void list_near(gm_symmetric *s, analysis *a)
{
    for (size_t j = 0; j < s->count; j++) {
        s->place[s->unknown[j]] = (uint32_t)j;
    }
    memset(a->near_start, 0, (s->count + 1) * sizeof *a->near_start);
    for (size_t i = 0; i < s->pair_count; i++) {
        uint32_t p = s->place[a->pattern->pairs[i][0]], q = s->place[a->pattern->pairs[i][1]];
        a->near_start[p > q ? p : q]++;
    }
    uint32_t sum = 0;
    for (size_t j = 0; j <= s->count; j++) {
        sum += a->near_start[j];
        a->near_start[j] = sum;
    }
    for (size_t i = 0; i < s->pair_count; i++) {
        uint32_t p = s->place[a->pattern->pairs[i][0]], q = s->place[a->pattern->pairs[i][1]];
        a->near[--a->near_start[p > q ? p : q]] = p > q ? q : p;
    }
}

/// Elimination tree and lengths of the columns: row j of L holds what lies on the way from its near
/// places up the tree.
/// @return entries below the diagonal, or more than fit an index
static uint64_t find_tree(const gm_symmetric *s, analysis *a)
{
    uint64_t fill = 0;
    memset(a->mark, 0xff, s->count * sizeof *a->mark);
    memset(a->parent, 0xff, s->count * sizeof *a->parent);
    memset(a->length, 0, s->count * sizeof *a->length);
    for (uint32_t j = 0; j < s->count && fill <= INT32_MAX; j++) {
        a->mark[j] = j;
        for (uint32_t at = a->near_start[j]; at < a->near_start[j + 1]; at++) {
            for (uint32_t k = a->near[at]; a->mark[k] != j; k = a->parent[k]) {
                a->parent[k] = a->parent[k] == (uint32_t)NONE ? j : a->parent[k];
                a->mark[k] = j;
                a->length[k]++;
                fill++;
            }
        }
    }
    return fill;
}

/// Divides the tree into blocks: what leads, whole subtrees, and what stands above them all.
static void divide_tree(const gm_symmetric *s, analysis *a)
{
    uint32_t *size = a->swap, sum = 0;
    for (size_t j = 0; j < s->count; j++) {
        size[j] = 1;
    }
    for (size_t j = 0; j < s->count; j++) { // children come before their parents
        if (a->parent[j] != (uint32_t)NONE) {
            size[a->parent[j]] += size[j];
        }
    }
    // a subtree's block is how many blocks the subtrees before it would fill
    for (size_t j = s->leading_count; j < s->count; j++) {
        uint32_t parent = a->parent[j];
        a->block[j] = size[j] <= BLOCK ? (uint32_t)NONE : (uint32_t)s->count;
        if (size[j] <= BLOCK && (parent == (uint32_t)NONE || size[parent] > BLOCK)) {
            a->block[j] = 1 + sum / BLOCK;
            sum += size[j];
        }
    }
    memset(a->block, 0, s->leading_count * sizeof *a->block);
    for (size_t j = s->count; j-- > s->leading_count;) {
        if (a->block[j] == (uint32_t)NONE) {
            a->block[j] = a->block[a->parent[j]];
        }
    }
}

/// Sorts the places by their block, in a block as they stood.
static void sort_by_block(const gm_symmetric *s, analysis *a, uint32_t *order)
{
    memset(a->next, 0, (s->count + 1) * sizeof *a->next);
    for (size_t j = 0; j < s->count; j++) {
        a->next[a->block[j]]++;
    }
    uint32_t sum = 0;
    for (size_t k = 0; k <= s->count; k++) {
        uint32_t here = a->next[k];
        a->next[k] = sum;
        sum += here;
    }
    for (uint32_t j = 0; j < s->count; j++) {
        order[a->next[a->block[j]]++] = j;
    }
}

/// Columns of one kind that wait for nothing any more, first come first served.
typedef struct queue {
    uint32_t first, last, count;
} queue;

static void push(analysis *a, queue queues[KINDS], uint32_t column)
{
    uint32_t length = a->length[column];
    queue *q = &queues[length < KINDS ? length : KINDS - 1];
    if (q->count++ == 0) {
        q->first = column;
    } else {
        a->next[q->last] = column;
    }
    q->last = column;
}

/// Orders the columns of one block.
/// @param children  [count] in out: how many children of each column have no place yet
/// @param order  [size] in: columns of the block; out: in their new order
static void order_block(analysis *a, uint32_t *children, uint32_t *order, size_t size)
{
    queue queues[KINDS] = { 0 };
    for (size_t i = 0; i < size; i++) {
        if (children[order[i]] == 0) {
            push(a, queues, order[i]);
        }
    }
    queue *q = queues;
    for (size_t i = 0; i < size; i++) {
        for (queue *other = queues; q->count == 0 && other < queues + KINDS; other++) {
            q = other;
        }
        uint32_t column = q->first, parent = a->parent[column];
        q->first = a->next[column];
        q->count--;
        order[i] = column;
        if (parent != (uint32_t)NONE && --children[parent] == 0 &&
            a->block[parent] == a->block[column]) {
            push(a, queues, parent);
        }
    }
}

/// Sorts the order of elimination as the head of this file says.
static void refine_order(gm_symmetric *s, analysis *a)
{
    uint32_t *children = a->swap, *order = a->mark;
    divide_tree(s, a);
    sort_by_block(s, a, order);
    memset(children, 0, s->count * sizeof *children);
    for (size_t j = 0; j < s->count; j++) {
        if (a->parent[j] != (uint32_t)NONE) {
            children[a->parent[j]]++;
        }
    }
    for (size_t from = 0, to = 0; from < s->count; from = to) {
        while (to < s->count && a->block[order[to]] == a->block[order[from]]) {
            to++;
        }
        order_block(a, children, order + from, to - from);
    }
    for (size_t j = 0; j < s->count; j++) {
        a->next[j] = s->unknown[order[j]];
    }
    memcpy(s->unknown, a->next, s->count * sizeof *s->unknown);
}

static bool starts_run(const gm_symmetric *s, const analysis *a, size_t column)
{
    return column == 0 || column == s->leading_count || a->length[column] != a->length[column - 1];
}

/// Lists the rows of every column, and the runs of columns of one size.
static gm_status list_rows(gm_symmetric *s, analysis *a, gm_error *error)
{
    s->row = gm_memory_new(s->fill, sizeof *s->row);
    for (size_t j = 0; j < s->count; j++) {
        s->start[j + 1] = s->start[j] + a->length[j];
        s->leading_runs = j == s->leading_count ? s->run_count : s->leading_runs;
        s->run_count += starts_run(s, a, j);
    }
    s->leading_runs = s->leading_count == s->count ? s->run_count : s->leading_runs;
    s->runs = gm_memory_new(s->run_count, sizeof *s->runs);
    if (s->row == NULL || s->runs == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu factor entries", s->fill);
    }
    run *at_run = s->runs;
    for (size_t j = 0; j < s->count; j++) {
        at_run += j > 0 && starts_run(s, a, j);
        at_run->count++;
        at_run->size = a->length[j];
    }
    memset(a->mark, 0xff, s->count * sizeof *a->mark);
    memcpy(a->next, s->start, s->count * sizeof *a->next);
    for (uint32_t j = 0; j < s->count; j++) { // ascending j: every list comes out ascending
        a->mark[j] = j;
        for (uint32_t at = a->near_start[j]; at < a->near_start[j + 1]; at++) {
            for (uint32_t k = a->near[at]; a->mark[k] != j; k = a->parent[k]) {
                s->row[a->next[k]++] = j;
                a->mark[k] = j;
            }
        }
    }
    return GM_OK;
}

/// Finds where every product goes: entries (i, j) and (k, j) of one column change entry (k, i),
/// which exists, as column i holds all later rows of column j.
static gm_status list_targets(gm_symmetric *s, const analysis *a, gm_error *error)
{
    uint64_t count = 0;
    for (size_t j = 0; j < s->count; j++) {
        s->leading_targets = j == s->leading_count ? (size_t)count : s->leading_targets;
        count += (uint64_t)a->length[j] * (a->length[j] - (a->length[j] > 0)) / 2;
    }
    if (count > UINT32_MAX) {
        return gm_error_set(error, GM_LIMIT, "the factor of %zu unknowns fills up", s->count);
    }
    s->target_count = (size_t)count;
    s->target = gm_memory_new(s->target_count, sizeof *s->target);
    if (s->target == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu factor entries", s->target_count);
    }
    uint32_t *target = s->target;
    for (size_t j = 0; j < s->count; j++) {
        for (uint32_t first = s->start[j]; first < s->start[j + 1]; first++) {
            uint32_t at = s->start[s->row[first]];
            for (uint32_t second = first + 1; second < s->start[j + 1]; second++) {
                while (s->row[at] != s->row[second]) {
                    at++;
                }
                *target++ = at;
            }
        }
    }
    return GM_OK;
}

/// Finds the slot of every pair, and the slots of none.
static gm_status list_slots(gm_symmetric *s, const analysis *a, gm_error *error)
{
    uint8_t *taken = gm_memory_new(s->fill, 1);
    if (taken == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu factor entries", s->fill);
    }
    size_t vacant = s->fill;
    for (size_t i = 0; i < s->pair_count; i++) {
        uint32_t p = s->place[a->pattern->pairs[i][0]], q = s->place[a->pattern->pairs[i][1]];
        uint32_t column = p < q ? p : q, row = p < q ? q : p;
        uint32_t low = s->start[column], high = s->start[column + 1];
        while (high - low > 1) {
            uint32_t middle = low + (high - low) / 2;
            low = s->row[middle] <= row ? middle : low;
            high = s->row[middle] <= row ? high : middle;
        }
        s->slot[i] = low;
        vacant -= taken[low] == 0;
        taken[low] = 1;
    }
    s->vacant = gm_memory_new(vacant, sizeof *s->vacant);
    for (size_t at = 0; s->vacant != NULL && at < s->fill; at++) {
        if (taken[at] == 0) {
            s->vacant[s->vacant_count++] = (uint32_t)at;
        }
    }
    gm_memory_free(taken);
    return s->vacant != NULL
               ? GM_OK
               : gm_error_set(error, GM_MEMORY, "no memory for %zu factor entries", s->fill);
}

static gm_status analyse(gm_symmetric *s, analysis *a, gm_error *error)
{
    gm_status status = reserve(s, a, error);
    status = status == GM_OK && s->count > 0 ? order_unknowns(s, a, error) : status;
    if (status != GM_OK) {
        return status;
    }
    list_near(s, a);
    if (find_tree(s, a) > INT32_MAX) {
        return gm_error_set(error, GM_LIMIT, "the factor of %zu unknowns fills up", s->count);
    }
    refine_order(s, a);
    list_near(s, a);
    s->fill = (size_t)find_tree(s, a);
    status = list_rows(s, a, error);
    status = status == GM_OK ? list_targets(s, a, error) : status;
    return status == GM_OK ? list_slots(s, a, error) : status;
}

// ---- numbers ----

// The factor stays as L D and the right-hand side undivided until the pass backward, which divides
// by the pivot: forward, most of a column is only read then, and memory is what a pass waits for.

static const uint64_t NOT_POSITIVE = UINT64_C(0x7ff0000000000000) - 1;

/// Where a solve stands: at the values, rows and targets of its next column.
typedef struct cursor {
    double *diagonal, *lower, *right; // [..][width]: of the next column
    const uint32_t *row, *target;
    _Alignas(
        64) uint64_t worst[GM_LANES]; // by lane: the largest badness of a reciprocal of a pivot
} cursor;

/// The bits of a double less one: below NOT_POSITIVE exactly where it is positive and finite.
GM_INLINE uint64_t badness(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits - 1;
}

/// to -= factor * value
GM_INLINE void subtract(double *restrict to, const double *factor, const double *value,
                        const int width)
{
    for (int lane = 0; lane < width; lane++) {
        to[lane] -= factor[lane] * value[lane];
    }
}

/// A pivot makes way for its reciprocal.
GM_INLINE void invert(double *restrict value, double *restrict inverse, const int width)
{
    for (int lane = 0; lane < width; lane++) {
        inverse[lane] = 1.0 / value[lane];
        value[lane] = inverse[lane];
    }
}

/// Eliminates `count` columns of `size` entries each, and the right-hand side along.
GM_INLINE void eliminate_run(cursor *at, gm_symmetric_system system, uint32_t count,
                             const uint32_t size, const int width)
{
    for (uint32_t column = 0; column < count; column++) {
        double inverse[GM_LANES], factor[GM_LANES];
        invert(at->diagonal, inverse, width);
#pragma GCC unroll 4
        for (uint32_t k = 0; k < size; k++) {
            const double *entry = at->lower + (size_t)k * (size_t)width;
            for (int lane = 0; lane < width; lane++) {
                factor[lane] = entry[lane] * inverse[lane];
            }
            size_t row = (size_t)at->row[k] * (size_t)width;
            subtract(system.diagonal + row, factor, entry, width);
            subtract(system.right + row, factor, at->right, width);
#pragma GCC unroll 4
            for (uint32_t later = k + 1; later < size; later++) {
                double *to = system.lower + (size_t)*at->target++ * (size_t)width;
                subtract(to, factor, at->lower + (size_t)later * (size_t)width, width);
            }
        }
        at->diagonal += width;
        at->right += width;
        at->lower += (size_t)size * (size_t)width;
        at->row += size;
    }
}

GM_INLINE void eliminate(const gm_symmetric *s, gm_symmetric_system system, const int width)
{
    const size_t first = system.trailing ? s->leading_count : 0, entry = s->start[first];
    cursor at = { .diagonal = system.diagonal + first * (size_t)width,
                  .lower = system.lower + entry * (size_t)width,
                  .right = system.right + first * (size_t)width,
                  .row = s->row + entry,
                  .target = s->target + (system.trailing ? s->leading_targets : 0) };
    for (const run *r = s->runs + (system.trailing ? s->leading_runs : 0);
         r < s->runs + s->run_count; r++) {
        switch (r->size) {
        case 0:
            eliminate_run(&at, system, r->count, 0, width);
            break;
        case 1:
            eliminate_run(&at, system, r->count, 1, width);
            break;
        case 2:
            eliminate_run(&at, system, r->count, 2, width);
            break;
        case 3:
            eliminate_run(&at, system, r->count, 3, width);
            break;
        case 4:
            eliminate_run(&at, system, r->count, 4, width);
            break;
        default:
            eliminate_run(&at, system, r->count, r->size, width);
            break;
        }
    }
}

/// Divides by a pivot, and looks at it.
GM_INLINE void divide(double *restrict right, const double *restrict sum,
                      const double *restrict inverse, uint64_t *restrict worst, const int width)
{
    for (int lane = 0; lane < width; lane++) {
        uint64_t here = badness(inverse[lane]);
        right[lane] = sum[lane] * inverse[lane];
        worst[lane] = here > worst[lane] ? here : worst[lane];
    }
}

/// Substitutes back through `count` columns of `size` entries each, last column first.
GM_INLINE void substitute_run(cursor *at, const double *right, uint32_t count, const uint32_t size,
                              const int width)
{
    for (uint32_t column = 0; column < count; column++) {
        at->diagonal -= width;
        at->right -= width;
        at->lower -= (size_t)size * (size_t)width;
        at->row -= size;
        double sum[GM_LANES];
        for (int lane = 0; lane < width; lane++) {
            sum[lane] = at->right[lane];
        }
#pragma GCC unroll 4
        for (uint32_t k = 0; k < size; k++) {
            subtract(sum, at->lower + (size_t)k * (size_t)width,
                     right + (size_t)at->row[k] * (size_t)width, width);
        }
        divide(at->right, sum, at->diagonal, at->worst, width);
    }
}

/// @return lanes with a pivot that is not positive and finite
GM_INLINE gm_lane_mask substitute(const gm_symmetric *s, gm_symmetric_system system,
                                  const int width)
{
    cursor at = { .diagonal = system.diagonal + s->count * (size_t)width,
                  .lower = system.lower + s->fill * (size_t)width,
                  .right = system.right + s->count * (size_t)width,
                  .row = s->row + s->fill };
    const run *first = s->runs + (system.trailing ? s->leading_runs : 0);
    for (const run *r = s->runs + s->run_count; r-- > first;) {
        switch (r->size) {
        case 0:
            substitute_run(&at, system.right, r->count, 0, width);
            break;
        case 1:
            substitute_run(&at, system.right, r->count, 1, width);
            break;
        case 2:
            substitute_run(&at, system.right, r->count, 2, width);
            break;
        case 3:
            substitute_run(&at, system.right, r->count, 3, width);
            break;
        case 4:
            substitute_run(&at, system.right, r->count, 4, width);
            break;
        default:
            substitute_run(&at, system.right, r->count, r->size, width);
            break;
        }
    }
    unsigned failed = 0;
    for (int lane = 0; lane < width; lane++) {
        failed |= (unsigned)(at.worst[lane] >= NOT_POSITIVE) << lane;
    }
    return (gm_lane_mask)failed;
}

/// Names the first bad place of every failed lane.
static void name_bad(const gm_symmetric *s, gm_symmetric_system system, int width,
                     gm_lane_mask failed, uint32_t *bad)
{
    const double *inverse = system.diagonal;
    for (int lane = 0; lane < width; lane++) {
        size_t place = system.trailing ? s->leading_count : 0;
        if (failed >> lane & 1) {
            while (badness(inverse[place * (size_t)width + (size_t)lane]) < NOT_POSITIVE) {
                place++;
            }
            GM_REQUIRE(place < s->count);
            bad[lane] = (uint32_t)place;
        }
    }
}

static GM_KERNEL gm_lane_mask symmetric_solve_1(const gm_symmetric *s, gm_symmetric_system system)
{
    eliminate(s, system, 1);
    return substitute(s, system, 1);
}

static GM_KERNEL gm_lane_mask symmetric_solve_8(const gm_symmetric *s, gm_symmetric_system system)
{
    eliminate(s, system, GM_LANES);
    return substitute(s, system, GM_LANES);
}

// ---- public ----

gm_status gm_symmetric_create(const gm_symmetric_pattern *pattern, gm_symmetric **symmetric,
                              gm_error *error)
{
    gm_status status = check_pattern(pattern, error);
    if (status != GM_OK) {
        return status;
    }
    gm_symmetric *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a matrix of %zu unknowns",
                            pattern->count);
    }
    made->count = pattern->count;
    made->pair_count = pattern->pair_count;
    made->leading_count = pattern->leading_count;
    analysis a = { .pattern = pattern };
    status = analyse(made, &a, error);
    analysis_free(&a);
    if (status != GM_OK) {
        gm_symmetric_close(made);
        return status;
    }
    *symmetric = made;
    return GM_OK;
}

void gm_symmetric_close(gm_symmetric *symmetric)
{
    if (symmetric == NULL) {
        return;
    }
    void *all[] = { symmetric->place, symmetric->unknown, symmetric->slot, symmetric->vacant,
                    symmetric->runs,  symmetric->start,   symmetric->row,  symmetric->target };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        gm_memory_free(all[i]);
    }
    gm_memory_free(symmetric);
}

size_t gm_symmetric_count(const gm_symmetric *symmetric)
{
    return symmetric->count;
}

size_t gm_symmetric_pair_count(const gm_symmetric *symmetric)
{
    return symmetric->pair_count;
}

size_t gm_symmetric_fill(const gm_symmetric *symmetric)
{
    return symmetric->fill;
}

size_t gm_symmetric_target_count(const gm_symmetric *symmetric)
{
    return symmetric->target_count;
}

const uint32_t *gm_symmetric_place(const gm_symmetric *symmetric)
{
    return symmetric->place;
}

const uint32_t *gm_symmetric_unknown(const gm_symmetric *symmetric)
{
    return symmetric->unknown;
}

const uint32_t *gm_symmetric_slots(const gm_symmetric *symmetric)
{
    return symmetric->slot;
}

const uint32_t *gm_symmetric_vacant(const gm_symmetric *symmetric, size_t *count)
{
    *count = symmetric->vacant_count;
    return symmetric->vacant;
}

gm_lane_mask gm_symmetric_solve(const gm_symmetric *symmetric, int width,
                                gm_symmetric_system system, uint32_t *bad)
{
    GM_REQUIRE(width == 1 || width == GM_LANES);
    gm_lane_mask failed =
        width == 1 ? symmetric_solve_1(symmetric, system) : symmetric_solve_8(symmetric, system);
    if (bad != NULL && failed != 0) {
        name_bad(symmetric, system, width, failed, bad);
    }
    return failed;
}
