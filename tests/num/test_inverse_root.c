// Inverse square roots by poles, against eigenvectors.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "num/dense.h"
#include "num/inverse_root.h"

enum { COUNT_MAX = 40 };

static double uniform(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*seed >> 11) * 0x1p-53 - 0.5;
}

/// Identity plus `rank` squares, the greatest of them about `size`.
static void fill_matrix(size_t count, size_t rank, double size, double *matrix)
{
    uint64_t seed = count + 100 * rank;
    memset(matrix, 0, count * count * sizeof *matrix);
    for (size_t i = 0; i < count; i++) {
        matrix[i * count + i] = 1.0;
    }
    for (size_t k = 0; k < rank; k++) {
        double vector[COUNT_MAX], scale = sqrt(size / (double)count) * pow(0.5, (double)k);
        for (size_t i = 0; i < count; i++) {
            vector[i] = scale * uniform(&seed);
        }
        for (size_t i = 0; i < count * count; i++) {
            matrix[i] += vector[i / count] * vector[i % count];
        }
    }
}

/// Function of a matrix by eigenvectors, times a vector.
static void multiply_function(size_t count, const double *matrix, double (*function)(double),
                              double *vector)
{
    double copy[COUNT_MAX * COUNT_MAX], values[COUNT_MAX], vectors[COUNT_MAX * COUNT_MAX];
    memcpy(copy, matrix, count * count * sizeof *copy);
    assert_int_equal(gm_symmetric_eigen(count, copy, values, vectors, NULL), 0);
    double product[COUNT_MAX] = { 0 };
    for (size_t k = 0; k < count; k++) {
        double along = 0.0;
        for (size_t i = 0; i < count; i++) {
            along += vectors[k * count + i] * vector[i];
        }
        for (size_t i = 0; i < count; i++) {
            product[i] += function(fmax(values[k], 1.0)) * along * vectors[k * count + i];
        }
    }
    memcpy(vector, product, count * sizeof *vector);
}

static double plain_of(double value)
{
    return 1.0 / sqrt(value);
}

static double dual_of(double value)
{
    return 1.0 / (sqrt(value) + value);
}

static double inverse_of(double value)
{
    return 1.0 / value;
}

/// The greatest difference between poles and eigenvectors over a few vectors.
static double greatest_difference(size_t count, size_t rank, double size, gm_root_form form)
{
    static gm_root_table table;
    static _Alignas(64) double room[(1 + 4 * COUNT_MAX) * GM_ROOT_POLES_MAX + 2 * COUNT_MAX + 16];
    static _Alignas(64) double vectors[COUNT_MAX][GM_LANES];
    double matrix[COUNT_MAX * COUNT_MAX], used[COUNT_MAX * COUNT_MAX], solved[COUNT_MAX];
    assert_true(gm_root_room(count) <= sizeof room / sizeof *room);
    gm_root_table_fill(&table);
    fill_matrix(count, rank, size, matrix);
    memcpy(used, matrix, sizeof used);
    gm_root root = gm_root_factor(&table, form, count, used, room);
    double expected[GM_LANES][COUNT_MAX], greatest = 0.0;
    uint64_t seed = 7;
    for (size_t v = 0; v < GM_LANES; v++) {
        for (size_t i = 0; i < count; i++) {
            vectors[i][v] = expected[v][i] = solved[i] = uniform(&seed);
        }
    }
    double inverse[COUNT_MAX];
    memcpy(inverse, solved, sizeof inverse);
    gm_root_apply(&root, &vectors[0][0], GM_LANES);
    gm_root_solve(&root, solved);
    multiply_function(count, matrix, inverse_of, inverse);
    for (size_t v = 0; v < GM_LANES; v++) {
        multiply_function(count, matrix, form == GM_ROOT_PLAIN ? plain_of : dual_of, expected[v]);
        for (size_t i = 0; i < count; i++) {
            greatest = fmax(greatest, fabs(vectors[i][v] - expected[v][i]));
            greatest = fmax(greatest, fabs(solved[i] - inverse[i]));
        }
    }
    return greatest;
}

static void poles_agree_with_eigenvectors(void **state)
{
    (void)state;
    const size_t counts[] = { 1, 2, 3, 7, 8, 20, 32, 40 };
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (double size = 1e-3; size < 2e6; size *= 10.0) {
            for (gm_root_form form = GM_ROOT_PLAIN; form <= GM_ROOT_DUAL; form++) {
                double difference = greatest_difference(counts[c], counts[c], size, form);
                // the dual is a difference quotient of the root: its error is greater
                double tolerance = (form == GM_ROOT_DUAL ? 2e-12 : 1e-13) + 1e-16 * size;
                if (!(difference <= tolerance)) {
                    fail_msg("%zu unknowns, eigenvalues to %g: %g apart", counts[c], size,
                             difference);
                }
            }
        }
    }
}

static void zero_squares_leave_the_identity(void **state)
{
    (void)state;
    assert_true(greatest_difference(12, 0, 1.0, GM_ROOT_PLAIN) < 1e-14);
    assert_true(greatest_difference(12, 1, 1e8, GM_ROOT_PLAIN) < 1e-8);
}

static void each_set_reaches_rounding_over_its_spectrum(void **state)
{
    (void)state;
    gm_root_table table;
    gm_root_table_fill(&table);
    for (size_t set = 0; set < GM_ROOT_SETS; set++) {
        const gm_root_poles *poles = &table.sets[set];
        double tolerance = poles->greatest < 1e10 ? 1e-13 : 2e-11;
        for (double x = 1.0; x <= poles->greatest; x *= 1.3) {
            double sum = 0.0;
            for (size_t pole = 0; pole < poles->count; pole++) {
                sum += poles->weight[pole] / (x + poles->shift[pole]);
            }
            if (!(fabs(sum * sqrt(x) - 1.0) < tolerance)) {
                fail_msg("set %zu at %g: %g", set, x, sum * sqrt(x) - 1.0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(poles_agree_with_eigenvectors),
        cmocka_unit_test(zero_squares_leave_the_identity),
        cmocka_unit_test(each_set_reaches_rounding_over_its_spectrum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
