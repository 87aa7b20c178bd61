// Normal, chi-square and Student's t: num/statistics.h.
//
// Normal quantile: algorithm AS 241 (PPND16), Wichura, Appl. Statist. 37 (1988) 477-484. Incomplete
// gamma and beta functions: NIST Digital Library of Mathematical Functions, 8.7.1, 8.9.2
// and 8.17.22, the continued fractions by the modified method of Lentz (Thompson, Barnett, J.
// Comput. Phys. 64 (1986) 490-509).
#include <math.h>

#include "num/statistics.h"

enum { TERM_LIMIT = 10000 };

static double polynomial(const double *coefficients, size_t count, double x)
{
    double sum = 0.0;
    for (size_t i = count; i-- > 0;) {
        sum = sum * x + coefficients[i];
    }
    return sum;
}

double gm_normal_cdf(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

double gm_normal_quantile(double probability)
{
    static const double a[8] = { 3.3871328727963666080e0,  1.3314166789178437745e+2,
                                 1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                 3.3430575583588128105e+4, 2.5090809287301226727e+3 };
    static const double b[8] = { 1.0,
                                 4.2313330701600911252e+1,
                                 6.8718700749205790830e+2,
                                 5.3941960214247511077e+3,
                                 2.1213794301586595867e+4,
                                 3.9307895800092710610e+4,
                                 2.8729085735721942674e+4,
                                 5.2264952788528545610e+3 };
    static const double c[8] = { 1.42343711074968357734e0,  4.63033784615654529590e0,
                                 5.76949722146069140550e0,  3.64784832476320460504e0,
                                 1.27045825245236838258e0,  2.41780725177450611770e-1,
                                 2.27238449892691845833e-2, 7.74545014278341407640e-4 };
    static const double d[8] = { 1.0,
                                 2.05319162663775882187e0,
                                 1.67638483018380384940e0,
                                 6.89767334985100004550e-1,
                                 1.48103976427480074590e-1,
                                 1.51986665636164571966e-2,
                                 5.47593808499534494600e-4,
                                 1.05075007164441684324e-9 };
    static const double e[8] = { 6.65790464350110377720e0,  5.46378491116411436990e0,
                                 1.78482653991729133580e0,  2.96560571828504891230e-1,
                                 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                 2.71155556874348757815e-5, 2.01033439929228813265e-7 };
    static const double f[8] = { 1.0,
                                 5.99832206555887937690e-1,
                                 1.36929880922735805310e-1,
                                 1.48753612908506148525e-2,
                                 7.86869131145613259100e-4,
                                 1.84631831751005468180e-5,
                                 1.42151175831644588870e-7,
                                 2.04426310338993978564e-15 };
    if (!(probability >= 0.0 && probability <= 1.0)) {
        return NAN;
    }
    double centred = probability - 0.5;
    if (fabs(centred) <= 0.425) {
        double r = 0.180625 - centred * centred;
        return centred * polynomial(a, 8, r) / polynomial(b, 8, r);
    }
    double tail = centred < 0.0 ? probability : 1.0 - probability;
    if (tail == 0.0) {
        return centred < 0.0 ? -INFINITY : INFINITY;
    }
    double r = sqrt(-log(tail));
    double size = r <= 5.0 ? polynomial(c, 8, r - 1.6) / polynomial(d, 8, r - 1.6)
                           : polynomial(e, 8, r - 5.0) / polynomial(f, 8, r - 5.0);
    return centred < 0.0 ? -size : size;
}

static double log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign); // lgamma writes a global
}

/// The upper part Q(a, x) of the regularised incomplete gamma function, a > 0, x > 0.
static double gamma_tail(double a, double x)
{
    double scale = exp(a * log(x) - x - log_gamma(a));
    if (x < a + 1.0) {
        double term = 1.0 / a, sum = term;
        for (int n = 1; n < TERM_LIMIT && term > 1e-17 * sum; n++) {
            term *= x / (a + n);
            sum += term;
        }
        return 1.0 - scale * sum;
    }
    double b = x + 1.0 - a, c = 1e300, d = 1.0 / b, fraction = d, change = 0.0;
    for (int n = 1; n < TERM_LIMIT && fabs(change - 1.0) > 1e-16; n++) {
        double numerator = n * (a - n);
        b += 2.0;
        d = 1.0 / (b + numerator * d);
        c = b + numerator / c;
        change = c * d;
        fraction *= change;
    }
    return scale * fraction;
}

double gm_chi_square_tail(double x, double freedom)
{
    if (!(freedom > 0.0) || isnan(x)) {
        return NAN;
    }
    if (x <= 0.0) {
        return 1.0;
    }
    return isinf(x) ? 0.0 : gamma_tail(0.5 * freedom, 0.5 * x);
}

/// The continued fraction of the incomplete beta function; quick for x < (a + 1) / (a + b + 2).
static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 / (1.0 - (a + b) * x / (a + 1.0)), fraction = d, change = 0.0;
    for (int n = 1; n < TERM_LIMIT && fabs(change - 1.0) > 1e-16; n++) {
        double even = n * (b - n) * x / ((a + 2.0 * n - 1.0) * (a + 2.0 * n));
        double odd = -(a + n) * (a + b + n) * x / ((a + 2.0 * n) * (a + 2.0 * n + 1.0));
        d = 1.0 / (1.0 + even * d);
        c = 1.0 + even / c;
        fraction *= c * d;
        d = 1.0 / (1.0 + odd * d);
        c = 1.0 + odd / c;
        change = c * d;
        fraction *= change;
    }
    return fraction;
}

double gm_student_tails(double t, double freedom)
{
    if (!(freedom > 0.0) || isnan(t)) {
        return NAN;
    }
    // I_x(a, 1/2) with x = freedom / (freedom + t^2): DLMF 8.17.1
    double a = 0.5 * freedom, b = 0.5, squared = t * t;
    if (squared == 0.0) {
        return 1.0;
    }
    double x = freedom / (freedom + squared), rest = squared / (freedom + squared);
    if (!(x > 0.0)) {
        return 0.0;
    }
    double scale = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log(rest));
    if (x < (a + 1.0) / (a + b + 2.0)) {
        return scale * beta_fraction(a, b, x) / a;
    }
    return 1.0 - scale * beta_fraction(b, a, rest) / b;
}
