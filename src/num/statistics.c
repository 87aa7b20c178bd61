// Samples, ensembles and scores: num/statistics.h. The distributions stand in distributions.c.
#include "num/statistics.h"

#include <math.h>

double gm_mean(const double *values, size_t count)
{
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return count > 0 ? sum / (double)count : NAN;
}

double gm_variance(const double *values, size_t count)
{
    double mean = gm_mean(values, count), sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += (values[i] - mean) * (values[i] - mean);
    }
    return count > 1 ? sum / (double)(count - 1) : NAN;
}

/// A strict order with NaN above all numbers.
static bool below(double a, double b)
{
    return a < b || (isnan(b) && !isnan(a));
}

/// Restores the heap under `root` within values[0 .. count - 1].
static void sift_down(double *values, size_t root, size_t count)
{
    double value = values[root];
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        child += child + 1 < count && below(values[child], values[child + 1]);
        if (!below(value, values[child])) {
            break;
        }
        values[root] = values[child];
    }
    values[root] = value;
}

static void sort_few(double *values, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        double value = values[i];
        size_t at = i;
        for (; at > 0 && below(value, values[at - 1]); at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

void gm_sort(double *values, size_t count)
{
    enum { FEW = 48 };
    if (count <= FEW) {
        sort_few(values, count);
        return;
    }
    for (size_t root = count / 2; root-- > 0;) {
        sift_down(values, root, count);
    }
    for (size_t end = count; --end > 0;) {
        double greatest = values[0];
        values[0] = values[end];
        values[end] = greatest;
        sift_down(values, 0, end);
    }
}

double gm_quantile(const double *sorted, size_t count, double probability)
{
    if (count == 0 || !(probability >= 0.0 && probability <= 1.0)) {
        return NAN;
    }
    double rank = probability * (double)(count - 1), below_rank = floor(rank);
    size_t at = (size_t)below_rank;
    if (at + 1 >= count) {
        return sorted[count - 1];
    }
    return sorted[at] + (rank - below_rank) * (sorted[at + 1] - sorted[at]);
}

/// Mean distance from the observed value less `share` times the sum over all pairs i < j of their
/// distance.
static double crps(const double *sorted, size_t count, double observed, double share)
{
    double distance = 0.0, pairs = 0.0;
    for (size_t i = 0; i < count; i++) {
        double error = sorted[i] - observed;
        distance += fabs(error);
        // sorted member i is the greater one of i pairs and the smaller one of count - 1 - i
        pairs += (2.0 * (double)i + 1.0 - (double)count) * error;
    }
    return distance / (double)count - share * pairs;
}

double gm_crps(const double *sorted, size_t count, double observed)
{
    double n = (double)count;
    return count > 0 ? crps(sorted, count, observed, 1.0 / (n * n)) : NAN;
}

double gm_crps_fair(const double *sorted, size_t count, double observed)
{
    double n = (double)count;
    return count > 1 ? crps(sorted, count, observed, 1.0 / (n * (n - 1.0))) : NAN;
}

double gm_crps_normal(double mean, double deviation, double observed)
{
    const double density_at_0 = 0.39894228040143267794, root_of_pi = 1.7724538509055160273;
    double z = (observed - mean) / deviation;
    double density = density_at_0 * exp(-0.5 * z * z);
    return deviation * (z * (2.0 * gm_normal_cdf(z) - 1.0) + 2.0 * density - 1.0 / root_of_pi);
}

void gm_coverage_add(gm_coverage *coverage, double lower, double upper, double truth)
{
    if (isfinite(lower) && isfinite(upper) && isfinite(truth)) {
        coverage->count++;
        coverage->inside += lower <= truth && truth <= upper;
    }
}

double gm_coverage_share(const gm_coverage *coverage)
{
    return coverage->count > 0 ? (double)coverage->inside / (double)coverage->count : NAN;
}

void gm_moments_add(gm_moments *moments, double value)
{
    moments->count++;
    double before = value - moments->mean;
    moments->mean += before / (double)moments->count;
    moments->squares += before * (value - moments->mean);
}

gm_moments gm_moments_join(gm_moments a, gm_moments b)
{
    if (a.count == 0 || b.count == 0) {
        return a.count == 0 ? b : a;
    }
    double n = (double)(a.count + b.count), apart = b.mean - a.mean;
    double weight = (double)b.count / n;
    return (gm_moments){ .count = a.count + b.count,
                         .mean = a.mean + apart * weight,
                         .squares =
                             a.squares + b.squares + apart * apart * (double)a.count * weight };
}

double gm_moments_variance(const gm_moments *moments)
{
    return moments->count > 1 ? moments->squares / (double)(moments->count - 1) : NAN;
}
