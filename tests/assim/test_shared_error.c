// What residuals share: evidence with modes integrated out is that of the full covariance, and a
// residual that leaves leaves no trace.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <gemel/random.h>
#include <math.h>
#include <string.h>

#include "assim/shared_error.h"
#include "num/dense.h"

enum { RESIDUALS = 9, MODES = 3 };

typedef struct rig {
    double matrix[MODES * MODES], pull[MODES], modes[MODES];
    double anomalies[RESIDUALS][MODES], residuals[RESIDUALS], response[RESIDUALS];
    gm_shared_error shared;
} rig;

static void open_rig(rig *of, uint64_t seed)
{
    gm_random random = gm_random_for(seed, "shared");
    for (uint32_t row = 0; row < RESIDUALS; row++) {
        for (uint32_t mode = 0; mode < MODES; mode++) {
            gm_draw draw = { .purpose = 1, .element = row, .lane = mode };
            of->anomalies[row][mode] = gm_random_normal(random, draw);
        }
        of->residuals[row] = gm_random_normal(random, (gm_draw){ .purpose = 2, .element = row });
        of->response[row] = gm_random_normal(random, (gm_draw){ .purpose = 3, .element = row });
    }
    of->shared = (gm_shared_error){ MODES, of->matrix, of->pull, of->modes };
    gm_shared_begin(&of->shared);
}

static void add(rig *of, size_t row, double weight)
{
    gm_shared_add(&of->shared, of->anomalies[row], of->residuals[row], weight);
}

/// s' (A A' + I)^-1 r
static double full_product(const rig *of, const double *s, const double *r)
{
    double covariance[RESIDUALS * RESIDUALS] = { 0 }, solved[RESIDUALS], sum = 0.0;
    for (size_t row = 0; row < RESIDUALS; row++) {
        for (size_t column = 0; column < RESIDUALS; column++) {
            double *at = &covariance[row * RESIDUALS + column];
            *at = row == column;
            for (size_t mode = 0; mode < MODES; mode++) {
                *at += of->anomalies[row][mode] * of->anomalies[column][mode];
            }
        }
    }
    memcpy(solved, r, sizeof solved);
    assert_true(gm_cholesky(RESIDUALS, covariance));
    gm_cholesky_solve(RESIDUALS, covariance, solved);
    for (size_t row = 0; row < RESIDUALS; row++) {
        sum += s[row] * solved[row];
    }
    return sum;
}

static void sums_are_those_of_the_full_covariance(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        rig of;
        double along[MODES] = { 0 }, work[MODES], square = 0.0, product = 0.0;
        open_rig(&of, seed);
        for (size_t row = 0; row < RESIDUALS; row++) {
            add(&of, row, 1.0);
            square += of.response[row] * of.response[row];
            product += of.response[row] * of.residuals[row];
            for (size_t mode = 0; mode < MODES; mode++) {
                along[mode] += of.response[row] * of.anomalies[row][mode];
            }
        }
        assert_true(gm_shared_solve(&of.shared));
        gm_shared_take_out(&of.shared, along, &square, &product, work);
        assert_true(fabs(square - full_product(&of, of.response, of.response)) < 1e-10);
        assert_true(fabs(product - full_product(&of, of.response, of.residuals)) < 1e-10);
    }
}

static void what_leaves_leaves_no_trace(void **state)
{
    (void)state;
    rig with, without;
    double work[MODES];
    open_rig(&with, 7);
    open_rig(&without, 7);
    for (size_t row = 0; row < RESIDUALS; row++) {
        add(&with, row, 2.0);
    }
    add(&with, 4, -2.0);
    for (size_t row = 0; row < RESIDUALS; row++) {
        if (row != 4) {
            add(&without, row, 2.0);
        }
    }
    assert_true(gm_shared_solve(&with.shared) && gm_shared_solve(&without.shared));
    for (size_t mode = 0; mode < MODES; mode++) {
        assert_true(fabs(with.modes[mode] - without.modes[mode]) < 1e-12);
    }
    double left = gm_shared_variance(&without.shared, without.anomalies[4], work), alone = 0.0;
    for (size_t mode = 0; mode < MODES; mode++) {
        alone += without.anomalies[4][mode] * without.anomalies[4][mode];
    }
    assert_true(left > 0.0 && left < alone); // others have told something
}

static void without_modes_nothing_changes(void **state)
{
    (void)state;
    gm_shared_error none = { 0 };
    double square = 3.0, product = -2.0;
    gm_shared_begin(&none);
    gm_shared_add(&none, NULL, 1.0, 1.0);
    assert_true(gm_shared_solve(&none));
    gm_shared_take_out(&none, NULL, &square, &product, NULL);
    assert_true(square == 3.0 && product == -2.0);
}

static void what_was_never_there_cannot_leave(void **state)
{
    (void)state;
    rig of;
    open_rig(&of, 9);
    add(&of, 0, -100.0);
    assert_false(gm_shared_solve(&of.shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_those_of_the_full_covariance),
        cmocka_unit_test(what_leaves_leaves_no_trace),
        cmocka_unit_test(without_modes_nothing_changes),
        cmocka_unit_test(what_was_never_there_cannot_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
