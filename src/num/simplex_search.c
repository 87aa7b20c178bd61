// Nelder and Mead's simplex search with bounds: num/fit.h.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "num/fit.h"

/// A search under way. n parameters, n + 1 corners sorted by cost, the best first.
typedef struct searching {
    const gm_simplex_search *search;
    size_t n;
    double *memory;
    double *corners;     // [n + 1][n]
    double *costs;       // [n + 1]
    double *centre;      // [n]: of all corners but the worst
    double *trial, *far; // [n]
    double expand, contract, shrink;
    size_t evaluation_count;
} searching;

/// Moves x into the bounds and takes its cost; what is not finite is worse than all.
static double evaluate(searching *s, double *x)
{
    const double *lower = s->search->lower, *upper = s->search->upper;
    for (size_t j = 0; j < s->n; j++) {
        x[j] = lower != NULL ? fmax(x[j], lower[j]) : x[j];
        x[j] = upper != NULL ? fmin(x[j], upper[j]) : x[j];
    }
    double cost = s->search->cost(s->search->context, x);
    s->evaluation_count++;
    return isfinite(cost) ? cost : INFINITY;
}

static double *corner(searching *s, size_t i)
{
    return s->corners + i * s->n;
}

/// Sorts corner i into the ones before it.
static void sort_in(searching *s, size_t i)
{
    for (; i > 0 && s->costs[i] < s->costs[i - 1]; i--) {
        double cost = s->costs[i];
        s->costs[i] = s->costs[i - 1];
        s->costs[i - 1] = cost;
        for (size_t j = 0; j < s->n; j++) {
            double swap = corner(s, i)[j];
            corner(s, i)[j] = corner(s, i - 1)[j];
            corner(s, i - 1)[j] = swap;
        }
    }
}

/// A fresh simplex around corner 0, whose cost is known; it steps inwards from a bound.
static void spread_corners(searching *s)
{
    for (size_t i = 1; i <= s->n; i++) {
        double *x = corner(s, i), spread = s->search->spread[i - 1];
        memcpy(x, corner(s, 0), s->n * sizeof *x);
        bool outside = s->search->upper != NULL && x[i - 1] + spread > s->search->upper[i - 1];
        x[i - 1] += outside ? -spread : spread;
        s->costs[i] = evaluate(s, x);
    }
    for (size_t i = 1; i <= s->n; i++) {
        sort_in(s, i);
    }
}

/// to = centre + along (centre - worst), and its cost.
static double probe(searching *s, double along, double *to)
{
    const double *worst = corner(s, s->n);
    for (size_t j = 0; j < s->n; j++) {
        to[j] = s->centre[j] + along * (s->centre[j] - worst[j]);
    }
    return evaluate(s, to);
}

static void replace_worst(searching *s, const double *x, double cost)
{
    memcpy(corner(s, s->n), x, s->n * sizeof *x);
    s->costs[s->n] = cost;
    sort_in(s, s->n);
}

static void shrink_corners(searching *s)
{
    for (size_t i = 1; i <= s->n; i++) {
        double *x = corner(s, i);
        for (size_t j = 0; j < s->n; j++) {
            x[j] = corner(s, 0)[j] + s->shrink * (x[j] - corner(s, 0)[j]);
        }
        s->costs[i] = evaluate(s, x);
    }
    for (size_t i = 1; i <= s->n; i++) {
        sort_in(s, i);
    }
}

static void move_once(searching *s)
{
    size_t n = s->n;
    for (size_t j = 0; j < n; j++) {
        s->centre[j] = 0.0;
        for (size_t i = 0; i < n; i++) {
            s->centre[j] += corner(s, i)[j];
        }
        s->centre[j] /= (double)n;
    }
    double cost = probe(s, 1.0, s->trial);
    if (cost < s->costs[0]) {
        double far_cost = probe(s, s->expand, s->far);
        bool farther = far_cost < cost;
        replace_worst(s, farther ? s->far : s->trial, farther ? far_cost : cost);
        return;
    }
    if (cost < s->costs[n - 1]) {
        replace_worst(s, s->trial, cost);
        return;
    }
    bool outside = cost < s->costs[n];
    double near_cost = probe(s, outside ? s->contract : -s->contract, s->far);
    if (near_cost < (outside ? cost : s->costs[n])) {
        replace_worst(s, s->far, near_cost);
    } else {
        shrink_corners(s);
    }
}

/// @return true when the costs came together before the evaluations ran out
static bool come_together(searching *s, const gm_fit_options *options)
{
    while (s->evaluation_count < options->evaluation_limit) {
        double best = s->costs[0], worst = s->costs[s->n];
        if (worst - best <= options->tolerance * fabs(best) || worst - best < 1e-300) {
            return true;
        }
        move_once(s);
    }
    return false;
}

static gm_status open_search(searching *s, const gm_simplex_search *search, gm_error *error)
{
    size_t n = search->parameter_count;
    if (n < 1 || n > 1000) {
        return gm_error_set(error, GM_INVALID, "a search over %zu parameters: expected 1 to 1000",
                            n);
    }
    for (size_t j = 0; j < n; j++) {
        double lower = search->lower != NULL ? search->lower[j] : -INFINITY;
        double upper = search->upper != NULL ? search->upper[j] : INFINITY;
        if (!(search->spread[j] > 0.0) || !(lower < upper)) {
            return gm_error_set(error, GM_INVALID,
                                "parameter %zu has no spread or no room between its bounds", j);
        }
    }
    *s = (searching){ .search = search,
                      .n = n,
                      .expand = 1.0 + 2.0 / fmax((double)n, 2.0),
                      .contract = 0.75 - 0.5 / fmax((double)n, 2.0),
                      .shrink = 1.0 - 1.0 / fmax((double)n, 2.0) };
    s->memory = gm_memory_new((n + 1) * (n + 1) + 3 * n, sizeof *s->memory);
    if (s->memory == NULL) {
        return gm_error_set(error, GM_MEMORY, "no memory to search %zu parameters", n);
    }
    s->corners = s->memory;
    s->costs = s->corners + (n + 1) * n;
    s->centre = s->costs + n + 1;
    s->trial = s->centre + n;
    s->far = s->trial + n;
    return GM_OK;
}

gm_status gm_fit_simplex(const gm_simplex_search *search, const gm_fit_options *options,
                         double *parameters, gm_fit_result *result, gm_error *error)
{
    searching s = { 0 };
    gm_status status = open_search(&s, search, error);
    if (status != GM_OK) {
        return status;
    }
    memcpy(s.corners, parameters, s.n * sizeof *parameters);
    s.costs[0] = evaluate(&s, s.corners);
    if (!isfinite(s.costs[0])) {
        status = gm_error_set(error, GM_NUMERIC, "the cost is not finite at the start");
    } else {
        bool converged = true;
        for (int round = 0; round < 2 && converged; round++) {
            spread_corners(&s);
            converged = come_together(&s, options);
        }
        memcpy(parameters, corner(&s, 0), s.n * sizeof *parameters);
        *result = (gm_fit_result){ .cost = s.costs[0],
                                   .evaluation_count = s.evaluation_count,
                                   .converged = converged };
    }
    gm_memory_free(s.memory);
    return status;
}
