// Inverse square roots by poles; method and sources in inverse_root.h.
#include "num/inverse_root.h"

#include <math.h>

#include "base/require.h"
#include "num/dense.h"

// Eight poles at once: one cache line
typedef double pole_lanes __attribute__((vector_size(GM_LANES * sizeof(double))));

enum { MEANS_MAX = 12 }; // steps of the arithmetic-geometric mean; five in practice

/// The elliptic functions of complementary modulus k' for which cn would vanish at K.
typedef struct elliptic {
    double modulus;     // k; the parameter of the functions is 1 - k^2
    double half_period; // K of that parameter
    size_t steps;
    double ratio[MEANS_MAX]; // c / a of each step
    double scale;            // 2^steps times the mean
} elliptic;

/// Abramowitz, Stegun, Handbook of Mathematical Functions, 17.6 and 16.4.
static elliptic elliptic_of(double modulus)
{
    elliptic made = { .modulus = modulus };
    double a = 1.0, b = modulus, power = 1.0;
    while (made.steps < MEANS_MAX) {
        double c = 0.5 * (a - b), mean = 0.5 * (a + b);
        b = sqrt(a * b);
        a = mean;
        power *= 2.0;
        made.ratio[made.steps++] = c / a;
        if (fabs(c) <= 0x1p-53 * a) {
            break;
        }
    }
    made.half_period = acos(-1.0) / (2.0 * a);
    made.scale = power * a;
    return made;
}

/// Tangent of the amplitude, sn / cn, for an argument up to half of K.
static double elliptic_tangent(const elliptic *e, double argument)
{
    double angle = e->scale * argument;
    for (size_t step = e->steps; step-- > 0;) {
        angle = 0.5 * (angle + asin(e->ratio[step] * sin(angle)));
    }
    return tan(angle);
}

static void fill_set(gm_root_poles *set, size_t groups)
{
    const double pi = acos(-1.0);
    set->count = groups * GM_LANES;
    set->greatest = exp(4.8 * (double)groups -
                        3.2); // the error is then below 1e-13, of the last two sets 2e-11
    elliptic e = elliptic_of(1.0 / sqrt(set->greatest));
    double factor = 2.0 * e.half_period / (pi * (double)set->count);
    for (size_t pole = 0; pole < set->count / 2; pole++) {
        double argument = ((double)pole + 0.5) * e.half_period / (double)set->count;
        double tangent = elliptic_tangent(&e, argument), square = tangent * tangent;
        double complement = e.modulus * e.modulus;
        double dn = sqrt((1.0 + complement * square) / (1.0 + square));
        set->shift[pole] = square;
        set->weight[pole] = factor * dn * (1.0 + square);
        // at K - u the tangent is 1 / (k tan) and dn is k / dn
        size_t mirror = set->count - 1 - pole;
        double far = 1.0 / (complement * square);
        set->shift[mirror] = far;
        set->weight[mirror] = factor * e.modulus / dn * (1.0 + far);
    }
}

void gm_root_table_fill(gm_root_table *table)
{
    *table = (gm_root_table){ 0 };
    for (size_t set = 0; set < GM_ROOT_SETS; set++) {
        fill_set(&table->sets[set], set + 1);
    }
}

size_t gm_root_room(size_t count)
{
    size_t padded = (count + GM_LANES - 1) / GM_LANES * GM_LANES;
    return 2 * padded + (1 + 4 * count) * GM_ROOT_POLES_MAX;
}

/// A + shift = L D L' for all poles.
static GM_KERNEL void root_factor_poles(const gm_root *root)
{
    size_t poles = root->poles->count;
    for (size_t group = 0; group < poles / GM_LANES; group++) {
        pole_lanes *pivot = (pole_lanes *)(void *)root->pivot + group;
        pole_lanes *lower = (pole_lanes *)(void *)root->lower + group;
        pole_lanes shift = *((const pole_lanes *)(const void *)root->poles->shift + group);
        pole_lanes taken = { 0 };
        for (size_t i = 0; i < root->count; i++) {
            pole_lanes reciprocal = 1.0 / (root->diagonal[i] + shift - taken);
            pole_lanes factor = root->beside[i] * reciprocal;
            taken = root->beside[i] * factor;
            pivot[i * poles / GM_LANES] = reciprocal;
            lower[i * poles / GM_LANES] = factor;
        }
    }
}

gm_root gm_root_factor(const gm_root_table *table, gm_root_form form, size_t count, double *matrix,
                       double *room)
{
    size_t padded = (count + GM_LANES - 1) / GM_LANES * GM_LANES;
    size_t poled = count * GM_ROOT_POLES_MAX;
    gm_root root = { .form = form,
                     .count = count,
                     .matrix = matrix,
                     .diagonal = room,
                     .beside = room + padded,
                     .weight = room + 2 * padded,
                     .pivot = room + 2 * padded + GM_ROOT_POLES_MAX,
                     .lower = room + 2 * padded + GM_ROOT_POLES_MAX + poled,
                     .work = room + 2 * padded + GM_ROOT_POLES_MAX + 2 * poled };
    gm_dense_tridiagonalise(count, matrix, root.diagonal);
    double greatest = 0.0, before = 0.0;
    for (size_t i = 0; i < count; i++) {
        root.diagonal[i] = matrix[i * count + i];
        root.beside[i] = i + 1 < count ? matrix[(i + 1) * count + i] : 0.0;
        double reach = root.diagonal[i] + fabs(before) + fabs(root.beside[i]);
        greatest = reach > greatest ? reach : greatest; // Gershgorin
        before = root.beside[i];
    }
    size_t set = 0;
    while (set + 1 < GM_ROOT_SETS && !(greatest <= table->sets[set].greatest)) {
        set++;
    }
    root.poles = &table->sets[set];
    for (size_t pole = 0; pole < root.poles->count; pole++) {
        double shrink = form == GM_ROOT_DUAL ? 1.0 + root.poles->shift[pole] : 1.0;
        root.weight[pole] = root.poles->weight[pole] / shrink;
    }
    root_factor_poles(&root);
    return root;
}

/// One reflection of eight vectors.
GM_INLINE void reflect(const gm_root *root, size_t k, pole_lanes *row)
{
    size_t count = root->count;
    const double *v = root->matrix + k * count;
    pole_lanes product = { 0 };
    for (size_t j = k + 1; j < count; j++) {
        product += v[j] * row[j];
    }
    product *= root->matrix[(k + 2) * count + k];
    for (size_t j = k + 1; j < count; j++) {
        row[j] -= v[j] * product;
    }
}

/// One reflection of a vector; eight partial sums, whatever the width of vectors.
GM_INLINE void reflect_one(const gm_root *root, size_t k, double *x)
{
    size_t count = root->count, j = k + 1;
    const double *v = root->matrix + k * count;
    double part[GM_LANES] = { 0 };
    for (; j + GM_LANES <= count; j += GM_LANES) {
        for (size_t q = 0; q < GM_LANES; q++) {
            part[q] += v[j + q] * x[j + q];
        }
    }
    double product =
        ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
    for (; j < count; j++) {
        product += v[j] * x[j];
    }
    product *= root->matrix[(k + 2) * count + k];
    for (j = k + 1; j < count; j++) {
        x[j] -= v[j] * product;
    }
}

/// Vectors into the basis in which the matrix is tridiagonal.
static GM_KERNEL void root_enter_basis(const gm_root *root, double *vectors)
{
    for (size_t k = 0; k + 2 < root->count; k++) {
        reflect(root, k, (pole_lanes *)(void *)vectors);
    }
}

static GM_KERNEL void root_leave_basis(const gm_root *root, double *vectors)
{
    for (size_t k = root->count < 2 ? 0 : root->count - 2; k-- > 0;) {
        reflect(root, k, (pole_lanes *)(void *)vectors);
    }
}

/// One vector by all poles, in the tridiagonal basis.
/// @param column  in out, [count] at a distance of GM_LANES
static GM_KERNEL void root_sum_poles(const gm_root *root, double *column)
{
    size_t count = root->count, groups = root->poles->count / GM_LANES;
    const pole_lanes *pivots = (const pole_lanes *)(const void *)root->pivot;
    const pole_lanes *lowers = (const pole_lanes *)(const void *)root->lower;
    pole_lanes *halfway = (pole_lanes *)(void *)root->work;
    pole_lanes *sums = halfway + count * groups;
    for (size_t group = 0; group < groups; group++) {
        pole_lanes weight = *((const pole_lanes *)(const void *)root->weight + group);
        pole_lanes y = weight * column[0];
        halfway[group] = y;
        for (size_t i = 1; i < count; i++) {
            y = weight * column[i * GM_LANES] - lowers[(i - 1) * groups + group] * y;
            halfway[i * groups + group] = y;
        }
        pole_lanes z = { 0 };
        for (size_t i = count; i-- > 0;) {
            size_t at = i * groups + group;
            z = halfway[at] * pivots[at] - lowers[at] * z;
            sums[i] = group == 0 ? z : sums[i] + z;
        }
    }
    for (size_t i = 0; i < count; i++) {
        pole_lanes s = sums[i];
        column[i * GM_LANES] = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
    }
}

void gm_root_apply(const gm_root *root, double *vectors, size_t used)
{
    GM_REQUIRE(used >= 1 && used <= GM_LANES);
    root_enter_basis(root, vectors);
    for (size_t column = 0; column < used; column++) {
        root_sum_poles(root, vectors + column);
    }
    root_leave_basis(root, vectors);
}

static GM_KERNEL void root_solve_vector(const gm_root *root, double *x)
{
    size_t count = root->count;
    double *pivot = root->work, factor = 0.0;
    for (size_t k = 0; k + 2 < count; k++) {
        reflect_one(root, k, x);
    }
    for (size_t i = 0; i < count; i++) {
        pivot[i] = 1.0 / (root->diagonal[i] - factor * (i > 0 ? root->beside[i - 1] : 0.0));
        x[i] -= i > 0 ? factor * x[i - 1] : 0.0;
        factor = root->beside[i] * pivot[i];
    }
    for (size_t i = count; i-- > 0;) {
        double after = i + 1 < count ? root->beside[i] * x[i + 1] : 0.0;
        x[i] = (x[i] - after) * pivot[i];
    }
    for (size_t k = count < 2 ? 0 : count - 2; k-- > 0;) {
        reflect_one(root, k, x);
    }
}

void gm_root_solve(const gm_root *root, double *vector)
{
    root_solve_vector(root, vector);
}
