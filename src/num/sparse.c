// Sparse LU over lanes: num/sparse.h.
//
// The factors of the permuted matrix have the same pattern, L by columns and U by rows: column j of
// L and row j of U share one index list of places below and right of the diagonal, and their values
// stand in pairs (L, U) of [width]. Values come up left-looking: column j gathers its own entries
// of A in a dense work column, subtracts the products of all earlier k whose list holds j, and is
// then divided by its pivot. Which k, and from which place of its list on, is static too.
#include "num/sparse.h"

#include <math.h>
#include <string.h>
#include <suitesparse/amd.h>

#include "base/arena.h"
#include "base/require.h"

/// An earlier column that changes column j: its number, and the place of j in its list.
typedef struct update {
    uint32_t column;
    uint32_t place;
} update;

struct gm_sparse {
    size_t count, entry_count;
    uint32_t *order; // [count]: place in the factors -> unknown
    uint32_t
        *start; // [count + 1]: index list of column j is index[start[j]] .. index[start[j + 1] - 1]
    uint32_t *index;        // [fill]: places > j, ascending in every list
    uint32_t *update_start; // [count + 1]
    update *updates;        // [fill], by column j, ascending k
    uint32_t *entry_start;  // [count + 1]: the entries of A that column j of L, row j of U or pivot
                            // j gather
    uint32_t *entry;        // [entry_count]: their numbers
    uint32_t *entry_place;  // [entry_count]: 2 * place + (1 for U); the pivot is 2 * j
};

/// What creation needs besides; freed at its end.
typedef struct analysis {
    size_t count;
    uint32_t *inverse;      // [count]: unknown -> place
    int32_t *amd_order;     // [count]
    int32_t *pattern_start; // [count + 1]: symmetrised pattern of A, for the ordering
    int32_t *pattern;
    uint32_t *near_start, *near;    // per place j: the places < j that A joins with it
    uint32_t *parent, *mark, *next; // [count]: elimination tree; work
} analysis;

static void analysis_free(analysis *a)
{
    void *all[] = { a->inverse, a->amd_order, a->pattern_start, a->pattern, a->near_start,
                    a->near,    a->parent,    a->mark,          a->next };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        gm_memory_free(all[i]);
    }
}

/// The entries off the diagonal in both directions, by columns; AMD itself removes repetitions.
static gm_status order_unknowns(gm_sparse *sparse, analysis *a, const uint32_t *row,
                                const uint32_t *column, gm_error *error)
{
    size_t count = sparse->count, entry_count = sparse->entry_count;
    a->pattern_start = gm_memory_new(count + 1, sizeof *a->pattern_start);
    a->pattern = gm_memory_new(2 * entry_count + 1, sizeof *a->pattern);
    a->amd_order = gm_memory_new(count, sizeof *a->amd_order);
    a->inverse = gm_memory_new(count, sizeof *a->inverse);
    sparse->order = gm_memory_new(count, sizeof *sparse->order);
    if (!a->pattern_start || !a->pattern || !a->amd_order || !a->inverse || !sparse->order) {
        return gm_error_set(error, GM_MEMORY, "no memory to order %zu unknowns", count);
    }
    for (size_t i = 0; i < entry_count; i++) {
        if (row[i] != column[i]) {
            a->pattern_start[row[i]]++;
            a->pattern_start[column[i]]++;
        }
    }
    int32_t sum = 0;
    for (size_t j = 0; j <= count;
         j++) { // to the ends of the columns; filling moves them to the starts
        sum += a->pattern_start[j];
        a->pattern_start[j] = sum;
    }
    for (size_t i = 0; i < entry_count; i++) {
        if (row[i] != column[i]) {
            a->pattern[--a->pattern_start[row[i]]] = (int32_t)column[i];
            a->pattern[--a->pattern_start[column[i]]] = (int32_t)row[i];
        }
    }
    int code = amd_order((int32_t)count, a->pattern_start, a->pattern, a->amd_order, NULL, NULL);
    if (code != AMD_OK && code != AMD_OK_BUT_JUMBLED) {
        return gm_error_set(error, code == AMD_OUT_OF_MEMORY ? GM_MEMORY : GM_LIMIT,
                            "cannot order %zu unknowns with %zu entries", count, entry_count);
    }
    for (size_t j = 0; j < count; j++) {
        sparse->order[j] = (uint32_t)a->amd_order[j];
        a->inverse[a->amd_order[j]] = (uint32_t)j;
    }
    return GM_OK;
}

/// Sorts the entries of A by the column that gathers them, and the places before each column that
/// they join with it.
static gm_status sort_entries(gm_sparse *sparse, analysis *a, const uint32_t *row,
                              const uint32_t *column, gm_error *error)
{
    size_t count = sparse->count, entry_count = sparse->entry_count;
    sparse->entry_start = gm_memory_new(count + 1, sizeof *sparse->entry_start);
    sparse->entry = gm_memory_new(entry_count, sizeof *sparse->entry);
    sparse->entry_place = gm_memory_new(entry_count, sizeof *sparse->entry_place);
    a->near_start = gm_memory_new(count + 1, sizeof *a->near_start);
    a->near = gm_memory_new(entry_count, sizeof *a->near);
    a->next = gm_memory_new(count, sizeof *a->next);
    if (!sparse->entry_start || !sparse->entry || !sparse->entry_place || !a->near_start ||
        !a->near || !a->next) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu matrix entries", entry_count);
    }
    for (size_t i = 0; i < entry_count; i++) {
        uint32_t r = a->inverse[row[i]], c = a->inverse[column[i]];
        sparse->entry_start[(r < c ? r : c) + 1]++;
        a->near_start[(r < c ? c : r) + 1]++;
    }
    for (size_t j = 0; j < count; j++) {
        sparse->entry_start[j + 1] += sparse->entry_start[j];
        a->near_start[j + 1] += a->near_start[j];
        a->next[j] = sparse->entry_start[j];
    }
    for (size_t i = 0; i < entry_count; i++) {
        uint32_t r = a->inverse[row[i]], c = a->inverse[column[i]];
        uint32_t at = a->next[r < c ? r : c]++;
        sparse->entry[at] = (uint32_t)i;
        sparse->entry_place[at] = r < c ? 2 * c + 1 : 2 * r;
    }
    memcpy(a->next, a->near_start, count * sizeof *a->next);
    for (size_t i = 0; i < entry_count; i++) {
        uint32_t r = a->inverse[row[i]], c = a->inverse[column[i]];
        a->near[a->next[r < c ? c : r]++] = r < c ? r : c;
    }
    return GM_OK;
}

/// Walks row j of L: from every place that A joins with j up the elimination tree until j or a
/// marked place.
/// @param visit  called for every k < j whose list holds j
static void walk_row(const analysis *a, uint32_t j, void (*visit)(void *, uint32_t k, uint32_t j),
                     void *context)
{
    a->mark[j] = j;
    for (uint32_t at = a->near_start[j]; at < a->near_start[j + 1]; at++) {
        for (uint32_t k = a->near[at]; a->mark[k] != j; k = a->parent[k]) {
            if (a->parent[k] == UINT32_MAX) {
                a->parent[k] = j;
            }
            visit(context, k, j);
            a->mark[k] = j;
        }
    }
}

static void count_entry(void *context, uint32_t k, uint32_t j)
{
    (void)j;
    uint64_t *length = context;
    length[k]++;
}

typedef struct filling {
    gm_sparse *sparse;
    uint32_t *next; // [count]: end of each list so far
} filling;

static void add_entry(void *context, uint32_t k, uint32_t j)
{
    filling *fill = context;
    fill->sparse->index[fill->next[k]++] = j;
}

/// Elimination tree and lengths of the lists, then the lists themselves.
static gm_status find_fill(gm_sparse *sparse, analysis *a, gm_error *error)
{
    size_t count = sparse->count;
    a->parent = gm_memory_new(count, sizeof *a->parent);
    a->mark = gm_memory_new(count, sizeof *a->mark);
    sparse->start = gm_memory_new(count + 1, sizeof *sparse->start);
    uint64_t *length = gm_memory_new(count, sizeof *length);
    if (!a->parent || !a->mark || !sparse->start || !length) {
        gm_memory_free(length);
        return gm_error_set(error, GM_MEMORY, "no memory for %zu unknowns", count);
    }
    memset(a->parent, 0xff, count * sizeof *a->parent);
    memset(a->mark, 0xff, count * sizeof *a->mark);
    for (uint32_t j = 0; j < count; j++) {
        walk_row(a, j, count_entry, length);
    }
    uint64_t fill = 0;
    for (size_t j = 0; j < count; j++) {
        fill += length[j];
        sparse->start[j + 1] = (uint32_t)fill;
        if (fill > UINT32_MAX / 2) {
            break;
        }
    }
    gm_memory_free(length);
    if (fill > UINT32_MAX / 2) {
        return gm_error_set(error, GM_LIMIT, "the factors of %zu unknowns fill up", count);
    }
    sparse->index = gm_memory_new((size_t)fill, sizeof *sparse->index);
    if (!sparse->index) {
        return gm_error_set(error, GM_MEMORY, "no memory for %llu factor entries",
                            (unsigned long long)fill);
    }
    memset(a->mark, 0xff, count * sizeof *a->mark);
    memcpy(a->next, sparse->start, count * sizeof *a->next);
    filling context = { sparse, a->next };
    for (uint32_t j = 0; j < count; j++) { // ascending j: every list comes out ascending
        walk_row(a, j, add_entry, &context);
    }
    return GM_OK;
}

/// Turns the lists around: for every j the earlier k that hold it, ascending.
static gm_status find_updates(gm_sparse *sparse, analysis *a, gm_error *error)
{
    size_t count = sparse->count, fill = sparse->start[count];
    sparse->update_start = gm_memory_new(count + 1, sizeof *sparse->update_start);
    sparse->updates = gm_memory_new(fill, sizeof *sparse->updates);
    if (!sparse->update_start || !sparse->updates) {
        return gm_error_set(error, GM_MEMORY, "no memory for %zu factor entries", fill);
    }
    for (size_t at = 0; at < fill; at++) {
        sparse->update_start[sparse->index[at] + 1]++;
    }
    for (size_t j = 0; j < count; j++) {
        sparse->update_start[j + 1] += sparse->update_start[j];
        a->next[j] = sparse->update_start[j];
    }
    for (uint32_t k = 0; k < count; k++) {
        for (uint32_t at = sparse->start[k]; at < sparse->start[k + 1]; at++) {
            sparse->updates[a->next[sparse->index[at]]++] = (update){ k, at };
        }
    }
    return GM_OK;
}

gm_status gm_sparse_create(size_t count, size_t entry_count, const uint32_t *row,
                           const uint32_t *column, gm_sparse **sparse, gm_error *error)
{
    if (count < 1 || count > GM_SPARSE_COUNT_MAX) {
        return gm_error_set(error, GM_INVALID, "a matrix of %zu unknowns: expected 1 to %d", count,
                            GM_SPARSE_COUNT_MAX);
    }
    if (entry_count > INT32_MAX / 2) {
        return gm_error_set(error, GM_LIMIT, "%zu matrix entries are too many", entry_count);
    }
    for (size_t i = 0; i < entry_count; i++) {
        if (row[i] >= count || column[i] >= count) {
            return gm_error_set(error, GM_INVALID, "entry (%u, %u) is outside a matrix of %zu",
                                (unsigned)row[i], (unsigned)column[i], count);
        }
    }
    gm_sparse *made = gm_memory_new(1, sizeof *made);
    if (made == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory for a matrix of %zu unknowns", count);
    }
    made->count = count;
    made->entry_count = entry_count;
    analysis a = { .count = count };
    gm_status status = order_unknowns(made, &a, row, column, error);
    status = status == GM_OK ? sort_entries(made, &a, row, column, error) : status;
    status = status == GM_OK ? find_fill(made, &a, error) : status;
    status = status == GM_OK ? find_updates(made, &a, error) : status;
    analysis_free(&a);
    if (status != GM_OK) {
        gm_sparse_close(made);
        return status;
    }
    *sparse = made;
    return GM_OK;
}

void gm_sparse_close(gm_sparse *sparse)
{
    if (sparse == NULL) {
        return;
    }
    void *all[] = { sparse->order,   sparse->start,       sparse->index, sparse->update_start,
                    sparse->updates, sparse->entry_start, sparse->entry, sparse->entry_place };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        gm_memory_free(all[i]);
    }
    gm_memory_free(sparse);
}

size_t gm_sparse_count(const gm_sparse *sparse)
{
    return sparse->count;
}

size_t gm_sparse_entry_count(const gm_sparse *sparse)
{
    return sparse->entry_count;
}

size_t gm_sparse_fill(const gm_sparse *sparse)
{
    return sparse->start[sparse->count];
}

/// A factor in memory: pairs [fill][2][width], work pairs [count][2][width] (zero between calls),
/// inverse pivots [count][width].
typedef struct factor_view {
    double *pairs, *work, *inverse;
} factor_view;

GM_INLINE factor_view view_factor(const gm_sparse *sparse, void *factor, const int width)
{
    double *at = factor;
    size_t fill = sparse->start[sparse->count];
    return (factor_view){ .pairs = at,
                          .work = at + 2 * fill * (size_t)width,
                          .inverse = at + 2 * (fill + sparse->count) * (size_t)width };
}

size_t gm_sparse_factor_size(const gm_sparse *sparse, int width)
{
    size_t fill = sparse->start[sparse->count];
    size_t size = (2 * fill + 3 * sparse->count) * (size_t)width * sizeof(double);
    return (size + 63) / 64 * 64;
}

/// work -= products of the pairs of column k from the place of j on.
GM_INLINE void subtract_column(const gm_sparse *sparse, update from, factor_view view,
                               const int width)
{
    double lower[GM_LANES], upper[GM_LANES];
    const double *restrict pair = view.pairs + 2 * (size_t)from.place * (size_t)width;
    double *work = view.work;
    for (int lane = 0; lane < width; lane++) {
        lower[lane] = pair[lane];
        upper[lane] = pair[width + lane];
    }
    uint32_t end = sparse->start[from.column + 1];
    // at the place of j itself both halves of the pair are pivots: only the first is read later
    for (uint32_t at = from.place; at < end; at++, pair += 2 * width) {
        double *restrict target = work + 2 * (size_t)sparse->index[at] * (size_t)width;
        for (int lane = 0; lane < width; lane++) {
            target[lane] -= pair[lane] * upper[lane];
        }
        for (int lane = 0; lane < width; lane++) {
            target[width + lane] -= pair[width + lane] * lower[lane];
        }
    }
}

GM_INLINE gm_lane_mask factorise(const gm_sparse *sparse, const double *restrict values,
                                 const double *shift, factor_view view, const int width)
{
    double bad[GM_LANES] = { 0.0 };
    double *work = view.work;
    memset(work, 0, 2 * sparse->count * (size_t)width * sizeof *work);
    for (uint32_t j = 0; j < sparse->count; j++) {
        double *pivot = work + 2 * (size_t)j * (size_t)width;
        for (int lane = 0; lane < width; lane++) {
            pivot[lane] = shift != NULL ? shift[lane] : 0.0;
        }
        for (uint32_t at = sparse->entry_start[j]; at < sparse->entry_start[j + 1]; at++) {
            const double *value = values + (size_t)sparse->entry[at] * (size_t)width;
            double *target = work + (size_t)sparse->entry_place[at] * (size_t)width;
            for (int lane = 0; lane < width; lane++) {
                target[lane] += value[lane];
            }
        }
        for (uint32_t at = sparse->update_start[j]; at < sparse->update_start[j + 1]; at++) {
            subtract_column(sparse, sparse->updates[at], view, width);
        }
        double inverse[GM_LANES];
        for (int lane = 0; lane < width; lane++) {
            inverse[lane] = 1.0 / pivot[lane];
            bad[lane] += 0.0 * inverse[lane] + 0.0 * pivot[lane]; // NaN unless both are finite
            view.inverse[(size_t)j * (size_t)width + (size_t)lane] = inverse[lane];
        }
        double *restrict pair = view.pairs + 2 * (size_t)sparse->start[j] * (size_t)width;
        for (uint32_t at = sparse->start[j]; at < sparse->start[j + 1]; at++, pair += 2 * width) {
            double *restrict from = work + 2 * (size_t)sparse->index[at] * (size_t)width;
            for (int lane = 0; lane < width; lane++) {
                pair[lane] = from[lane] * inverse[lane];
                pair[width + lane] = from[width + lane];
                from[lane] = from[width + lane] = 0.0;
            }
        }
    }
    unsigned failed = 0;
    for (int lane = 0; lane < width; lane++) {
        failed |= (unsigned)(bad[lane] != 0.0) << lane;
    }
    return (gm_lane_mask)failed;
}

GM_INLINE void solve(const gm_sparse *sparse, factor_view view, double *solution, const int width)
{
    double *restrict work = view.work;
    size_t count = sparse->count;
    for (size_t j = 0; j < count; j++) {
        const double *from = solution + (size_t)sparse->order[j] * (size_t)width;
        for (int lane = 0; lane < width; lane++) {
            work[j * (size_t)width + (size_t)lane] = from[lane];
        }
    }
    for (size_t j = 0; j < count; j++) {
        double known[GM_LANES];
        for (int lane = 0; lane < width; lane++) {
            known[lane] = work[j * (size_t)width + (size_t)lane];
        }
        for (uint32_t at = sparse->start[j]; at < sparse->start[j + 1]; at++) {
            const double *restrict lower = view.pairs + 2 * (size_t)at * (size_t)width;
            double *restrict target = work + (size_t)sparse->index[at] * (size_t)width;
            for (int lane = 0; lane < width; lane++) {
                target[lane] -= lower[lane] * known[lane];
            }
        }
    }
    for (size_t j = count; j-- > 0;) {
        double sum[GM_LANES];
        for (int lane = 0; lane < width; lane++) {
            sum[lane] = work[j * (size_t)width + (size_t)lane];
        }
        for (uint32_t at = sparse->start[j]; at < sparse->start[j + 1]; at++) {
            const double *restrict upper = view.pairs + (2 * (size_t)at + 1) * (size_t)width;
            const double *restrict known = work + (size_t)sparse->index[at] * (size_t)width;
            for (int lane = 0; lane < width; lane++) {
                sum[lane] -= upper[lane] * known[lane];
            }
        }
        double *to = solution + (size_t)sparse->order[j] * (size_t)width;
        for (int lane = 0; lane < width; lane++) {
            double value = sum[lane] * view.inverse[j * (size_t)width + (size_t)lane];
            work[j * (size_t)width + (size_t)lane] = value;
            to[lane] = value;
        }
    }
}

static GM_KERNEL gm_lane_mask sparse_factorise_1(const gm_sparse *sparse, const double *values,
                                                 const double *shift, void *factor)
{
    return factorise(sparse, values, shift, view_factor(sparse, factor, 1), 1);
}

static GM_KERNEL gm_lane_mask sparse_factorise_8(const gm_sparse *sparse, const double *values,
                                                 const double *shift, void *factor)
{
    return factorise(sparse, values, shift, view_factor(sparse, factor, GM_LANES), GM_LANES);
}

static GM_KERNEL void sparse_solve_1(const gm_sparse *sparse, void *factor, double *solution)
{
    solve(sparse, view_factor(sparse, factor, 1), solution, 1);
}

static GM_KERNEL void sparse_solve_8(const gm_sparse *sparse, void *factor, double *solution)
{
    solve(sparse, view_factor(sparse, factor, GM_LANES), solution, GM_LANES);
}

gm_lane_mask gm_sparse_factorise(const gm_sparse *sparse, int width, const double *values,
                                 const double *shift, void *factor)
{
    GM_REQUIRE(width == 1 || width == GM_LANES);
    return width == 1 ? sparse_factorise_1(sparse, values, shift, factor)
                      : sparse_factorise_8(sparse, values, shift, factor);
}

void gm_sparse_solve(const gm_sparse *sparse, int width, void *factor, double *solution)
{
    GM_REQUIRE(width == 1 || width == GM_LANES);
    if (width == 1) {
        sparse_solve_1(sparse, factor, solution);
    } else {
        sparse_solve_8(sparse, factor, solution);
    }
}
