// Dense products, Cholesky factors and eigenvalues, by their defining equations.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "num/dense.h"

enum { MAX = 120 };

static double uniform(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*seed >> 11) * 0x1p-53 - 0.5;
}

static void fill(double *a, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        a[i] = uniform(&seed);
    }
}

static void products_match_their_definition(void **state)
{
    (void)state;
    enum { ROWS = 7, INNER = 13, COLUMNS = 9 };
    double a[ROWS * INNER], turned[INNER * ROWS], b[INNER * COLUMNS];
    double product[ROWS * COLUMNS], same[ROWS * COLUMNS];
    const gm_product_shape shape = { .rows = ROWS, .inner = INNER, .columns = COLUMNS };
    fill(a, ROWS * INNER, 1);
    fill(b, INNER * COLUMNS, 2);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t k = 0; k < INNER; k++) {
            turned[k * ROWS + i] = a[i * INNER + k];
        }
    }
    gm_dense_multiply(shape, a, b, product);
    gm_dense_multiply_transposed(shape, turned, b, same);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLUMNS; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < INNER; k++) {
                sum += a[i * INNER + k] * b[k * COLUMNS + j];
            }
            assert_memory_equal(&product[i * COLUMNS + j], &sum, sizeof sum);
            assert_memory_equal(&same[i * COLUMNS + j], &sum, sizeof sum);
        }
    }
}

static double half[MAX * MAX], matrix[MAX * MAX], kept[MAX * MAX], vectors[MAX * MAX];

/// matrix = half' half + shift I, positive definite for shift > 0; of rank `rank` for shift 0.
static void fill_positive(size_t count, size_t rank, double shift, uint64_t seed)
{
    fill(half, rank * count, seed);
    gm_product_shape shape = { .rows = count, .inner = rank, .columns = count };
    gm_dense_multiply_transposed(shape, half, half, matrix);
    for (size_t i = 0; i < count; i++) {
        matrix[i * count + i] += shift;
    }
    memcpy(kept, matrix, count * count * sizeof *kept);
}

static void cholesky_solves(void **state)
{
    (void)state;
    for (size_t count = 1; count <= MAX; count += 17) {
        double x[MAX], right[MAX];
        fill_positive(count, count, 0.1, count);
        fill(right, count, 99);
        memcpy(x, right, sizeof x);
        assert_true(gm_cholesky(count, matrix));
        gm_cholesky_solve(count, matrix, x);
        for (size_t i = 0; i < count; i++) {
            double sum = 0.0;
            for (size_t j = 0; j < count; j++) {
                sum += kept[i * count + j] * x[j];
            }
            assert_true(fabs(sum - right[i]) < 1e-12);
        }
    }
}

static void cholesky_refuses_what_is_not_positive(void **state)
{
    (void)state;
    double indefinite[4] = { 1.0, 2.0, 2.0, 1.0 }, zero[1] = { 0.0 };
    double ill[4] = { 1.0, 0.0, NAN, 1.0 }, large[1] = { INFINITY };
    assert_false(gm_cholesky(2, indefinite));
    assert_false(gm_cholesky(1, zero));
    assert_false(gm_cholesky(2, ill));
    assert_false(gm_cholesky(1, large));
}

static void check_eigen(size_t count, double scale)
{
    double values[MAX];
    assert_int_equal(gm_symmetric_eigen(count, matrix, values, vectors, NULL), GM_OK);
    for (size_t v = 0; v < count; v++) {
        assert_true(v == 0 || values[v - 1] <= values[v]);
        for (size_t i = 0; i < count; i++) { // a v = lambda v
            double sum = 0.0;
            for (size_t j = 0; j < count; j++) {
                sum += kept[i * count + j] * vectors[v * count + j];
            }
            assert_true(fabs(sum - values[v] * vectors[v * count + i]) < 1e-13 * scale);
        }
        for (size_t w = 0; w <= v; w++) { // orthogonal, of length 1
            double dot = 0.0;
            for (size_t j = 0; j < count; j++) {
                dot += vectors[v * count + j] * vectors[w * count + j];
            }
            assert_true(fabs(dot - (v == w ? 1.0 : 0.0)) < 1e-13);
        }
    }
}

static void eigenvectors_satisfy_their_equation(void **state)
{
    (void)state;
    for (size_t count = 1; count <= MAX; count += 17) {
        fill_positive(count, count, 0.0, count);
        check_eigen(count, (double)count);
        fill_positive(count, (count + 2) / 3, 0.0, count); // many eigenvalues are zero
        check_eigen(count, (double)count);
        fill_positive(count, 1, 3.0, count); // all but one are equal
        check_eigen(count, (double)count);
    }
}

static void eigenvalues_of_any_scale_are_found(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    double values[COUNT], scaled[COUNT];
    for (int exponent = -1000; exponent <= 1000; exponent += 500) {
        fill_positive(COUNT, COUNT, 0.0, 11);
        matrix[1] = matrix[COUNT] = 1e-170; // its square vanishes
        assert_int_equal(gm_symmetric_eigen(COUNT, matrix, values, vectors, NULL), GM_OK);
        memcpy(matrix, kept, sizeof matrix);
        matrix[1] = matrix[COUNT] = 1e-170;
        for (size_t at = 0; at < COUNT * COUNT; at++) {
            matrix[at] = ldexp(matrix[at], exponent);
        }
        assert_int_equal(gm_symmetric_eigen(COUNT, matrix, scaled, vectors, NULL), GM_OK);
        for (size_t i = 0; i < COUNT; i++) {
            assert_true(fabs(ldexp(scaled[i], -exponent) - values[i]) < 1e-14);
        }
    }
    memset(matrix, 0, sizeof matrix);
    assert_int_equal(gm_symmetric_eigen(COUNT, matrix, values, vectors, NULL), GM_OK);
    assert_true(values[0] == 0.0 && values[COUNT - 1] == 0.0);
}

/// The second difference has eigenvalues 2 - 2 cos(k pi / (n + 1)).
static void eigenvalues_of_the_second_difference_are_known(void **state)
{
    (void)state;
    enum { COUNT = 50 };
    double values[COUNT];
    memset(matrix, 0, sizeof matrix);
    for (size_t i = 0; i < COUNT; i++) {
        matrix[i * COUNT + i] = 2.0;
        if (i > 0) {
            matrix[i * COUNT + i - 1] = matrix[(i - 1) * COUNT + i] = -1.0;
        }
    }
    assert_int_equal(gm_symmetric_eigen(COUNT, matrix, values, vectors, NULL), GM_OK);
    for (size_t k = 0; k < COUNT; k++) {
        double expected = 2.0 - 2.0 * cos((double)(k + 1) * acos(-1.0) / (COUNT + 1));
        assert_true(fabs(values[k] - expected) < 1e-14);
    }
}

static void eigenvalues_of_what_is_not_finite_are_refused(void **state)
{
    (void)state;
    double a[4] = { 1.0, NAN, NAN, 1.0 }, values[2], rows[4];
    gm_error error = { 0 };
    assert_int_equal(gm_symmetric_eigen(2, a, values, rows, &error), GM_NUMERIC);
    assert_non_null(strstr(error.text, "not finite"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_match_their_definition),
        cmocka_unit_test(cholesky_solves),
        cmocka_unit_test(cholesky_refuses_what_is_not_positive),
        cmocka_unit_test(eigenvectors_satisfy_their_equation),
        cmocka_unit_test(eigenvalues_of_any_scale_are_found),
        cmocka_unit_test(eigenvalues_of_the_second_difference_are_known),
        cmocka_unit_test(eigenvalues_of_what_is_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
