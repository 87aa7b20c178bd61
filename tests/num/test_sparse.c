// Sparse LU over lanes against dense elimination, on random M-matrices and networks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "num/sparse.h"

enum { COUNT_MAX = 60, ENTRY_MAX = 1000 };

/// A small generator of its own: the same matrices on every machine (Steele, Lea, Flood, splitmix,
/// OOPSLA 2014).
static double uniform(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

typedef struct problem {
    uint64_t seed;
    size_t count, entry_count;
    uint32_t row[ENTRY_MAX], column[ENTRY_MAX];
    double values[ENTRY_MAX * 8];
    double right[COUNT_MAX * 8];
} problem;

static void add(problem *p, size_t row, size_t column, double low, double high)
{
    size_t at = p->entry_count++;
    p->row[at] = (uint32_t)row;
    p->column[at] = (uint32_t)column;
    for (size_t lane = 0; lane < 8; lane++) {
        p->values[at * 8 + lane] = low + (high - low) * uniform(&p->seed);
    }
}

/// A random M-matrix, unsymmetric in values and pattern, with some repeated entries.
static void make_problem(problem *p, size_t count, uint64_t seed)
{
    p->seed = seed;
    p->count = count;
    p->entry_count = 0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (i != j && uniform(&p->seed) < 3.0 / (double)count) {
                add(p, i, j, -1.0, 0.0);
            }
        }
    }
    size_t off_diagonal = p->entry_count;
    for (size_t i = 0; i < count; i++) {
        add(p, i, i, 0.1, 0.2);
        add(p, i, i, 0.0, 0.1);
    }
    for (size_t at = 0; at < off_diagonal; at++) { // dominant by columns
        for (size_t lane = 0; lane < 8; lane++) {
            p->values[(off_diagonal + 2 * p->column[at]) * 8 + lane] -= p->values[at * 8 + lane];
        }
    }
    for (size_t at = 0; at < count * 8; at++) {
        p->right[at] = 2.0 * uniform(&p->seed) - 1.0;
    }
}

/// Dense elimination with column pivots for one lane.
static void solve_dense(const problem *p, size_t lane, double shift, double *x)
{
    static double a[COUNT_MAX][COUNT_MAX + 1];
    size_t n = p->count;
    memset(a, 0, sizeof a);
    for (size_t at = 0; at < p->entry_count; at++) {
        a[p->row[at]][p->column[at]] += p->values[at * 8 + lane];
    }
    for (size_t i = 0; i < n; i++) {
        a[i][i] += shift;
        a[i][n] = p->right[i * 8 + lane];
    }
    for (size_t k = 0; k < n; k++) {
        size_t best = k;
        for (size_t i = k; i < n; i++) {
            best = fabs(a[i][k]) > fabs(a[best][k]) ? i : best;
        }
        for (size_t j = k; j <= n; j++) {
            double swap = a[k][j];
            a[k][j] = a[best][j];
            a[best][j] = swap;
        }
        for (size_t i = k + 1; i < n; i++) {
            double factor = a[i][k] / a[k][k];
            for (size_t j = k; j <= n; j++) {
                a[i][j] -= factor * a[k][j];
            }
        }
    }
    for (size_t i = n; i-- > 0;) {
        x[i] = a[i][n];
        for (size_t j = i + 1; j < n; j++) {
            x[i] -= a[i][j] * x[j];
        }
        x[i] /= a[i][i];
    }
}

static gm_sparse *pattern_of(const problem *p)
{
    gm_sparse *sparse = NULL;
    assert_int_equal(gm_sparse_create(p->count, p->entry_count, p->row, p->column, &sparse, NULL),
                     GM_OK);
    return sparse;
}

static gm_lane_mask solve_sparse(const gm_sparse *sparse, int width, const double *values,
                                 const double *shift, double *solution)
{
    void *factor = gm_memory_new(1, gm_sparse_factor_size(sparse, width));
    gm_lane_mask failed = gm_sparse_factorise(sparse, width, values, shift, factor);
    gm_sparse_solve(sparse, width, factor, solution);
    gm_memory_free(factor);
    return failed;
}

static void solutions_agree_with_dense_elimination(void **state)
{
    (void)state;
    static problem p;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        make_problem(&p, seed, seed);
        gm_sparse *sparse = pattern_of(&p);
        double solution[COUNT_MAX * 8], dense[COUNT_MAX], shift[8];
        for (size_t lane = 0; lane < 8; lane++) {
            shift[lane] = 0.01 * (double)lane;
        }
        memcpy(solution, p.right, sizeof solution);
        assert_int_equal(solve_sparse(sparse, 8, p.values, shift, solution), 0);
        for (size_t lane = 0; lane < 8; lane++) {
            solve_dense(&p, lane, shift[lane], dense);
            for (size_t i = 0; i < p.count; i++) {
                double scale = 1.0 + fabs(dense[i]);
                assert_true(fabs(solution[i * 8 + lane] - dense[i]) < 1e-10 * scale);
            }
        }
        gm_sparse_close(sparse);
    }
}

static void width_1_and_8_give_the_same_bits(void **state)
{
    (void)state;
    static problem p;
    make_problem(&p, COUNT_MAX, 7);
    gm_sparse *sparse = pattern_of(&p);
    double together[COUNT_MAX * 8], alone[COUNT_MAX], values[ENTRY_MAX];
    memcpy(together, p.right, sizeof together);
    assert_int_equal(solve_sparse(sparse, 8, p.values, NULL, together), 0);
    for (size_t lane = 0; lane < 8; lane++) {
        for (size_t at = 0; at < p.entry_count; at++) {
            values[at] = p.values[at * 8 + lane];
        }
        for (size_t i = 0; i < p.count; i++) {
            alone[i] = p.right[i * 8 + lane];
        }
        assert_int_equal(solve_sparse(sparse, 1, values, NULL, alone), 0);
        for (size_t i = 0; i < p.count; i++) {
            assert_memory_equal(&alone[i], &together[i * 8 + lane], sizeof alone[i]);
        }
    }
    gm_sparse_close(sparse);
}

static void a_bad_lane_is_named_and_leaves_the_others_bits(void **state)
{
    (void)state;
    static problem p;
    make_problem(&p, 40, 3);
    gm_sparse *sparse = pattern_of(&p);
    double healthy[COUNT_MAX * 8], ill[COUNT_MAX * 8];
    memcpy(healthy, p.right, sizeof healthy);
    memcpy(ill, p.right, sizeof ill);
    assert_int_equal(solve_sparse(sparse, 8, p.values, NULL, healthy), 0);
    p.values[5 * 8 + 2] = NAN;
    p.values[(p.entry_count - 1) * 8 + 3] = INFINITY;
    for (size_t at = 0; at < p.entry_count; at++) {
        p.values[at * 8 + 6] = 0.0;
    }
    assert_int_equal(solve_sparse(sparse, 8, p.values, NULL, ill), 0x4c);
    for (size_t i = 0; i < p.count; i++) {
        for (size_t lane = 0; lane < 8; lane++) {
            if (!(0x4c >> lane & 1)) {
                assert_memory_equal(&healthy[i * 8 + lane], &ill[i * 8 + lane], 8);
            }
        }
    }
    gm_sparse_close(sparse);
}

/// The network of a chain fills nothing; that of a square grid of n^2 nodes far less than its band,
/// n^3.
static void order_keeps_the_fill_small(void **state)
{
    (void)state;
    enum { SIDE = 40, COUNT = SIDE * SIDE };
    static uint32_t row[2 * COUNT], column[2 * COUNT];
    size_t entry_count = 0;
    gm_sparse *sparse = NULL;
    for (uint32_t i = 0; i + 1 < COUNT; i++) {
        row[i] = (i * 7) % COUNT; // 7 and 1600 have no common divisor: a shuffled chain
        column[i] = ((i + 1) * 7) % COUNT;
    }
    assert_int_equal(gm_sparse_create(COUNT, COUNT - 1, row, column, &sparse, NULL), GM_OK);
    assert_int_equal(gm_sparse_fill(sparse), COUNT - 1);
    gm_sparse_close(sparse);
    for (uint32_t i = 0; i < SIDE; i++) {
        for (uint32_t j = 0; j < SIDE; j++) {
            if (j + 1 < SIDE) {
                row[entry_count] = i * SIDE + j;
                column[entry_count++] = i * SIDE + j + 1;
            }
            if (i + 1 < SIDE) {
                row[entry_count] = i * SIDE + j;
                column[entry_count++] = (i + 1) * SIDE + j;
            }
        }
    }
    assert_int_equal(gm_sparse_create(COUNT, entry_count, row, column, &sparse, NULL), GM_OK);
    assert_true(gm_sparse_fill(sparse) < (size_t)SIDE * COUNT / 2);
    gm_sparse_close(sparse);
}

static void diagonal_matrices_need_no_entries(void **state)
{
    (void)state;
    gm_sparse *sparse = NULL;
    assert_int_equal(gm_sparse_create(3, 0, NULL, NULL, &sparse, NULL), GM_OK);
    double shift = 2.0, solution[3] = { 2.0, 4.0, 8.0 };
    assert_int_equal(solve_sparse(sparse, 1, NULL, &shift, solution), 0);
    assert_true(solution[0] == 1.0 && solution[1] == 2.0 && solution[2] == 4.0);
    gm_sparse_close(sparse);
}

static void wrong_patterns_are_refused(void **state)
{
    (void)state;
    gm_sparse *sparse = NULL;
    gm_error error = { 0 };
    uint32_t row[] = { 0, 3 }, column[] = { 1, 0 };
    assert_int_equal(gm_sparse_create(3, 2, row, column, &sparse, &error), GM_INVALID);
    assert_non_null(strstr(error.text, "(3, 0)"));
    assert_int_equal(gm_sparse_create(0, 0, NULL, NULL, &sparse, &error), GM_INVALID);
    assert_null(sparse);
    gm_sparse_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solutions_agree_with_dense_elimination),
        cmocka_unit_test(width_1_and_8_give_the_same_bits),
        cmocka_unit_test(a_bad_lane_is_named_and_leaves_the_others_bits),
        cmocka_unit_test(order_keeps_the_fill_small),
        cmocka_unit_test(diagonal_matrices_need_no_entries),
        cmocka_unit_test(wrong_patterns_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
