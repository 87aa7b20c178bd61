// Sparse L D L^T over lanes against dense Cholesky, on random graphs and on networks.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/failing_memory.h"
#include "num/dense.h"
#include "num/symmetric.h"

enum { COUNT_MAX = 80, PAIRS_MAX = 400, LINE = 100000 };

/// Splitmix (Steele, Lea, Flood, OOPSLA 2014): the same matrices on every machine.
static double uniform(uint64_t *seed)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/// Conductances between unknowns, from each to the ground, and inflows; [..][8].
typedef struct problem {
    size_t count, pair_count;
    uint32_t pairs[PAIRS_MAX][2];
    double link[PAIRS_MAX * 8], ground[COUNT_MAX * 8], inflow[COUNT_MAX * 8];
} problem;

/// A random graph of about `degree` links a node, some of them parallel, in any number of parts.
static void make_problem(problem *p, size_t count, double degree, uint64_t seed)
{
    p->count = count;
    p->pair_count = count < 2 ? 0 : (size_t)(0.5 * degree * (double)count);
    for (size_t i = 0; i < p->pair_count; i++) {
        uint32_t a = (uint32_t)(uniform(&seed) * (double)count);
        uint32_t b = (uint32_t)(uniform(&seed) * (double)(count - 1));
        p->pairs[i][0] = a;
        p->pairs[i][1] = b + (b >= a);
        for (size_t lane = 0; lane < 8; lane++) {
            p->link[8 * i + lane] = pow(10.0, 4.0 * uniform(&seed) - 2.0);
        }
    }
    for (size_t i = 0; i < 8 * count; i++) {
        p->ground[i] = 0.01 + uniform(&seed);
        p->inflow[i] = 2.0 * uniform(&seed) - 1.0;
    }
}

/// One lane by a dense Cholesky factorisation.
static void solve_dense(const problem *p, size_t lane, double *x)
{
    static double a[COUNT_MAX * COUNT_MAX];
    size_t n = p->count;
    memset(a, 0, sizeof a);
    for (size_t at = 0; at < p->pair_count; at++) {
        uint32_t i = p->pairs[at][0], j = p->pairs[at][1];
        double value = p->link[8 * at + lane];
        a[i * n + i] += value;
        a[j * n + j] += value;
        a[i * n + j] -= value;
        a[j * n + i] -= value;
    }
    for (size_t i = 0; i < n; i++) {
        a[i * n + i] += p->ground[8 * i + lane];
        x[i] = p->inflow[8 * i + lane];
    }
    assert_true(gm_cholesky(n, a));
    gm_cholesky_solve(n, a, x);
}

static gm_symmetric *pattern_of(const problem *p)
{
    gm_symmetric *s = NULL;
    const uint32_t(*pairs)[2] = (const uint32_t(*)[2])p->pairs;
    assert_int_equal(gm_symmetric_create(&(gm_symmetric_pattern){ .count = p->count,
                                                                  .pair_count = p->pair_count,
                                                                  .pairs = pairs },
                                         &s, NULL),
                     GM_OK);
    return s;
}

static gm_symmetric_system new_system(const gm_symmetric *s, size_t width)
{
    gm_symmetric_system system = {
        .diagonal = gm_memory_new(gm_symmetric_count(s) * width, sizeof(double)),
        .lower = gm_memory_new(gm_symmetric_fill(s) * width, sizeof(double)),
        .right = gm_memory_new(gm_symmetric_count(s) * width, sizeof(double)),
    };
    assert_true(system.diagonal && system.lower && system.right);
    return system;
}

static void free_system(gm_symmetric_system system)
{
    gm_memory_free(system.diagonal);
    gm_memory_free(system.lower);
    gm_memory_free(system.right);
}

/// The first lane of a problem.
static void assemble(const gm_symmetric *s, const problem *p, gm_symmetric_system system)
{
    const uint32_t *place = gm_symmetric_place(s), *slot = gm_symmetric_slots(s);
    for (size_t i = 0; i < p->pair_count; i++) {
        system.diagonal[place[p->pairs[i][0]]] += p->link[8 * i];
        system.diagonal[place[p->pairs[i][1]]] += p->link[8 * i];
        system.lower[slot[i]] -= p->link[8 * i];
    }
    for (size_t i = 0; i < p->count; i++) {
        system.diagonal[place[i]] += p->ground[8 * i];
        system.right[place[i]] = p->inflow[8 * i];
    }
}

/// Solves lanes first .. first + width - 1 of a problem.
/// @param solution  out, [count][width] by unknown
/// @return the failed lanes
static gm_lane_mask solve(const problem *p, size_t first, size_t width, double *solution,
                          uint32_t *bad)
{
    gm_symmetric *s = pattern_of(p);
    const uint32_t *place = gm_symmetric_place(s), *slot = gm_symmetric_slots(s);
    gm_symmetric_system system = new_system(s, width);
    for (size_t lane = 0; lane < width; lane++) {
        for (size_t i = 0; i < p->pair_count; i++) {
            double value = p->link[8 * i + first + lane];
            system.diagonal[place[p->pairs[i][0]] * width + lane] += value;
            system.diagonal[place[p->pairs[i][1]] * width + lane] += value;
            system.lower[slot[i] * width + lane] -= value;
        }
        for (size_t i = 0; i < p->count; i++) {
            system.diagonal[place[i] * width + lane] += p->ground[8 * i + first + lane];
            system.right[place[i] * width + lane] = p->inflow[8 * i + first + lane];
        }
    }
    gm_lane_mask failed = gm_symmetric_solve(s, (int)width, system, bad);
    for (size_t i = 0; i < p->count; i++) {
        memcpy(solution + i * width, system.right + place[i] * width, width * sizeof *solution);
    }
    free_system(system);
    gm_symmetric_close(s);
    return failed;
}

static void solutions_agree_with_dense_cholesky(void **state)
{
    (void)state;
    static problem p;
    double solution[COUNT_MAX * 8], dense[COUNT_MAX];
    for (size_t count = 0; count <= COUNT_MAX; count++) {
        for (int degree = 1; degree <= 9; degree += 2) {
            make_problem(&p, count, degree, 100 * count + (size_t)degree);
            assert_int_equal(solve(&p, 0, 8, solution, NULL), 0);
            for (size_t lane = 0; lane < 8; lane++) {
                solve_dense(&p, lane, dense);
                for (size_t i = 0; i < count; i++) {
                    double scale = 1.0 + fabs(dense[i]);
                    assert_true(fabs(solution[i * 8 + lane] - dense[i]) < 1e-10 * scale);
                }
            }
        }
    }
}

static void width_1_and_8_give_the_same_bits(void **state)
{
    (void)state;
    static problem p;
    double together[COUNT_MAX * 8], alone[COUNT_MAX];
    for (int degree = 1; degree <= 9; degree += 2) {
        make_problem(&p, COUNT_MAX, degree, (uint64_t)degree);
        assert_int_equal(solve(&p, 0, 8, together, NULL), 0);
        for (size_t lane = 0; lane < 8; lane++) {
            assert_int_equal(solve(&p, lane, 1, alone, NULL), 0);
            for (size_t i = 0; i < p.count; i++) {
                assert_memory_equal(&alone[i], &together[i * 8 + lane], sizeof alone[i]);
            }
        }
    }
}

/// The first `leading` unknowns lead, and everything about them is zero but their diagonal.
static void leave_out(problem *p, size_t leading)
{
    for (size_t at = 0; at < p->pair_count; at++) {
        bool out = p->pairs[at][0] < leading || p->pairs[at][1] < leading;
        for (size_t lane = 0; out && lane < 8; lane++) {
            p->link[8 * at + lane] = 0.0;
        }
    }
}

static void what_leads_stands_first_and_can_be_left_out(void **state)
{
    (void)state;
    static problem p;
    double dense[COUNT_MAX];
    uint32_t leading[COUNT_MAX];
    for (uint32_t i = 0; i < COUNT_MAX; i++) {
        leading[i] = i;
    }
    for (size_t count = 0; count <= COUNT_MAX; count++) {
        for (size_t first = 0; first <= count; first += 1 + count / 5) {
            for (int trailing = 0; trailing < 2; trailing++) {
                make_problem(&p, count, 3, 1000 + count);
                gm_symmetric *s = NULL;
                gm_symmetric_pattern pattern = { .count = count,
                                                 .pair_count = p.pair_count,
                                                 .pairs = (const uint32_t(*)[2])p.pairs,
                                                 .leading = leading,
                                                 .leading_count = first };
                assert_int_equal(gm_symmetric_create(&pattern, &s, NULL), GM_OK);
                if (trailing) {
                    leave_out(&p, first);
                }
                gm_symmetric_system system = new_system(s, 1);
                system.trailing = trailing != 0;
                assemble(s, &p, system);
                for (size_t i = 0; i < first; i++) {
                    assert_true(gm_symmetric_place(s)[i] < first);
                }
                assert_int_equal(gm_symmetric_solve(s, 1, system, NULL), 0);
                solve_dense(&p, 0, dense);
                for (size_t i = trailing ? first : 0; i < count; i++) {
                    double off = system.right[gm_symmetric_place(s)[i]] - dense[i];
                    assert_true(fabs(off) < 1e-10 * (1.0 + fabs(dense[i])));
                }
                free_system(system);
                gm_symmetric_close(s);
            }
        }
    }
}

static void an_unknown_cannot_lead_twice(void **state)
{
    (void)state;
    gm_symmetric *s = NULL;
    gm_error error = { 0 };
    const uint32_t pairs[][2] = { { 0, 1 } }, twice[] = { 1, 1 }, outside[] = { 2 };
    gm_symmetric_pattern pattern = {
        .count = 2, .pair_count = 1, .pairs = pairs, .leading = twice
    };
    pattern.leading_count = 2;
    assert_int_equal(gm_symmetric_create(&pattern, &s, &error), GM_INVALID);
    pattern.leading_count = 3;
    assert_int_equal(gm_symmetric_create(&pattern, &s, &error), GM_INVALID);
    pattern.leading = outside;
    pattern.leading_count = 1;
    assert_int_equal(gm_symmetric_create(&pattern, &s, &error), GM_INVALID);
}

static void a_bad_pivot_is_named_in_its_lane_and_leaves_the_others_bits(void **state)
{
    (void)state;
    static problem p;
    double healthy[COUNT_MAX * 8], ill[COUNT_MAX * 8];
    make_problem(&p, COUNT_MAX, 3.0, 5);
    assert_int_equal(solve(&p, 0, 8, healthy, NULL), 0);
    gm_symmetric *s = pattern_of(&p);
    const uint32_t *unknown = gm_symmetric_unknown(s);
    p.ground[8 * unknown[11] + 2] = -1e6;
    p.ground[8 * unknown[12] + 3] = (double)NAN;
    p.ground[8 * unknown[13] + 5] = (double)INFINITY;
    p.inflow[8 * unknown[14] + 6] = (double)NAN; // no pivot sees it
    for (size_t i = 0; i < p.count; i++) {
        p.ground[8 * i + 7] = 0.0;
    }
    for (size_t i = 0; i < p.pair_count; i++) {
        p.link[8 * i + 7] = 0.0;
    }
    uint32_t bad[8];
    memset(bad, 0xff, sizeof bad);
    assert_int_equal(solve(&p, 0, 8, ill, bad), 0xac);
    const uint32_t none = UINT32_MAX, expected[] = { none, none, 11, 12, none, 13, none, 0 };
    assert_memory_equal(bad, expected, sizeof expected);
    for (size_t i = 0; i < p.count; i++) {
        for (size_t lane = 0; lane < 8; lane++) {
            if (!(0xec >> lane & 1)) {
                assert_memory_equal(&healthy[i * 8 + lane], &ill[i * 8 + lane], 8);
            }
        }
    }
    gm_symmetric_close(s);
}

static void every_slot_is_a_pairs_or_vacant(void **state)
{
    (void)state;
    static problem p;
    for (size_t count = 0; count <= COUNT_MAX; count++) {
        make_problem(&p, count, 4.0, count);
        gm_symmetric *s = pattern_of(&p);
        size_t vacant_count = 0, fill = gm_symmetric_fill(s), seen = 0;
        const uint32_t *vacant = gm_symmetric_vacant(s, &vacant_count);
        const uint32_t *slot = gm_symmetric_slots(s), *place = gm_symmetric_place(s);
        uint8_t *taken = gm_memory_new(fill, 1);
        assert_non_null(taken);
        for (size_t i = 0; i < vacant_count; i++) {
            assert_true(vacant[i] < fill && (i == 0 || vacant[i - 1] < vacant[i]));
            taken[vacant[i]] = 2;
        }
        for (size_t i = 0; i < p.pair_count; i++) {
            assert_true(slot[i] < fill && taken[slot[i]] < 2);
            taken[slot[i]] = 1;
        }
        for (size_t at = 0; at < fill; at++) {
            seen += taken[at] != 0;
        }
        assert_int_equal(seen, fill);
        for (uint32_t i = 0; i < count; i++) {
            assert_int_equal(gm_symmetric_unknown(s)[place[i]], i);
        }
        gm_memory_free(taken);
        gm_symmetric_close(s);
    }
}

static void parallel_pairs_share_a_slot(void **state)
{
    (void)state;
    gm_symmetric *s = NULL;
    const uint32_t pairs[][2] = { { 0, 1 }, { 1, 2 }, { 1, 0 }, { 0, 1 } };
    assert_int_equal(
        gm_symmetric_create(&(gm_symmetric_pattern){ .count = 3, .pair_count = 4, .pairs = pairs },
                            &s, NULL),
        GM_OK);
    const uint32_t *slot = gm_symmetric_slots(s);
    assert_true(slot[0] == slot[2] && slot[0] == slot[3] && slot[0] != slot[1]);
    assert_int_equal(gm_symmetric_fill(s), 2);
    assert_int_equal(gm_symmetric_pair_count(s), 4);
    gm_symmetric_close(s);
}

/// Conductances 1 along a line whose ends are at heads 0 and 1: heads rise evenly.
static void a_line_of_100000_unknowns_fills_nothing(void **state)
{
    (void)state;
    uint32_t(*pairs)[2] = gm_memory_new(LINE - 1, sizeof *pairs);
    assert_non_null(pairs);
    for (uint32_t i = 0; i + 1 < LINE; i++) {
        pairs[i][0] = i;
        pairs[i][1] = i + 1;
    }
    gm_symmetric *s = NULL;
    assert_int_equal(
        gm_symmetric_create(&(gm_symmetric_pattern){ .count = LINE,
                                                     .pair_count = LINE - 1,
                                                     .pairs = (const uint32_t(*)[2])pairs },
                            &s, NULL),
        GM_OK);
    assert_int_equal(gm_symmetric_fill(s), LINE - 1);
    assert_int_equal(gm_symmetric_target_count(s), 0);
    gm_symmetric_system system = new_system(s, 1);
    for (size_t i = 0; i < LINE; i++) {
        system.diagonal[i] = 2.0;
    }
    for (size_t i = 0; i + 1 < LINE; i++) {
        system.lower[i] = -1.0;
    }
    const uint32_t *place = gm_symmetric_place(s);
    system.right[place[LINE - 1]] = 1.0;
    assert_int_equal(gm_symmetric_solve(s, 1, system, NULL), 0);
    for (size_t i = 0; i < LINE; i += 997) {
        assert_true(fabs(system.right[place[i]] - (double)(i + 1) / (LINE + 1)) < 1e-6);
    }
    free_system(system);
    gm_symmetric_close(s);
    gm_memory_free(pairs);
}

/// Conductances 1 between neighbours and 0.01 to a ground at head 1: all heads are 1.
static void a_large_grid_is_solved_with_little_fill(void **state)
{
    (void)state;
    enum { SIDE = 70, COUNT = SIDE * SIDE };
    static uint32_t pairs[2 * COUNT][2];
    size_t pair_count = 0;
    for (uint32_t i = 0; i < COUNT; i++) {
        for (int down = 0; down < 2; down++) {
            if (down ? i + SIDE < COUNT : i % SIDE + 1 < SIDE) {
                pairs[pair_count][0] = i;
                pairs[pair_count++][1] = i + (down ? SIDE : 1);
            }
        }
    }
    gm_symmetric *s = NULL;
    assert_int_equal(
        gm_symmetric_create(&(gm_symmetric_pattern){ .count = COUNT,
                                                     .pair_count = pair_count,
                                                     .pairs = (const uint32_t(*)[2])pairs },
                            &s, NULL),
        GM_OK);
    assert_true(gm_symmetric_fill(s) < (size_t)SIDE * COUNT / 2); // its band: SIDE * COUNT
    gm_symmetric_system system = new_system(s, 1);
    const uint32_t *place = gm_symmetric_place(s), *slot = gm_symmetric_slots(s);
    for (size_t i = 0; i < COUNT; i++) {
        system.diagonal[i] = 0.01;
        system.right[i] = 0.01;
    }
    for (size_t i = 0; i < pair_count; i++) {
        system.diagonal[place[pairs[i][0]]] += 1.0;
        system.diagonal[place[pairs[i][1]]] += 1.0;
        system.lower[slot[i]] = -1.0;
    }
    assert_int_equal(gm_symmetric_solve(s, 1, system, NULL), 0);
    for (size_t i = 0; i < COUNT; i++) {
        assert_true(fabs(system.right[i] - 1.0) < 1e-9);
    }
    free_system(system);
    gm_symmetric_close(s);
}

static void wrong_pairs_are_named(void **state)
{
    (void)state;
    gm_symmetric *s = NULL;
    gm_error error = { 0 };
    const uint32_t outside[][2] = { { 0, 1 }, { 3, 0 } }, diagonal[][2] = { { 2, 2 } };
    assert_int_equal(
        gm_symmetric_create(
            &(gm_symmetric_pattern){ .count = 3, .pair_count = 2, .pairs = outside }, &s, &error),
        GM_INVALID);
    assert_non_null(strstr(error.text, "(3, 0)"));
    assert_int_equal(
        gm_symmetric_create(
            &(gm_symmetric_pattern){ .count = 3, .pair_count = 1, .pairs = diagonal }, &s, &error),
        GM_INVALID);
    assert_non_null(strstr(error.text, "(2, 2)"));
    assert_int_equal(
        gm_symmetric_create(
            &(gm_symmetric_pattern){ .count = (size_t)1 << 40, .pair_count = 0, .pairs = NULL }, &s,
            &error),
        GM_INVALID);
    assert_null(s);
    gm_symmetric_close(NULL);
}

static void failure_of_any_allocation_is_an_error(void **state)
{
    (void)state;
    static problem p;
    make_problem(&p, 20, 3.0, 1);
    gm_status status = GM_MEMORY;
    long allowed = 0;
    for (; status != GM_OK; allowed++) {
        assert_true(allowed < 100);
        gm_symmetric *s = NULL;
        gm_error error = { 0 };
        allocations_left = allowed;
        status =
            gm_symmetric_create(&(gm_symmetric_pattern){ .count = p.count,
                                                         .pair_count = p.pair_count,
                                                         .pairs = (const uint32_t(*)[2])p.pairs },
                                &s, &error);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(status == GM_OK, s != NULL);
        assert_true(status == GM_OK || strstr(error.text, "memory") != NULL);
        gm_symmetric_close(s);
    }
    assert_true(allowed > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solutions_agree_with_dense_cholesky),
        cmocka_unit_test(width_1_and_8_give_the_same_bits),
        cmocka_unit_test(what_leads_stands_first_and_can_be_left_out),
        cmocka_unit_test(an_unknown_cannot_lead_twice),
        cmocka_unit_test(a_bad_pivot_is_named_in_its_lane_and_leaves_the_others_bits),
        cmocka_unit_test(every_slot_is_a_pairs_or_vacant),
        cmocka_unit_test(parallel_pairs_share_a_slot),
        cmocka_unit_test(a_line_of_100000_unknowns_fills_nothing),
        cmocka_unit_test(a_large_grid_is_solved_with_little_fill),
        cmocka_unit_test(wrong_pairs_are_named),
        cmocka_unit_test(failure_of_any_allocation_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
