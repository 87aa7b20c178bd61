// Lorenz-63 to t = 1 from many slightly different states: gemel's RK4 in 8-lane blocks against
// CVODE at equal error.
//
// Both sides integrate the same trajectories on one core in the same run. The error is the RMS over
// all trajectories of the distance to a reference at t = 1 (DOPRI5 at 1e-13). For every target
// error each side gets the loosest setting that meets it: gemel its number of steps, CVODE its
// tolerance, tried with Adams and BDF, fixed point and dense Newton with the exact Jacobian, the
// solver reused by CVodeReInit; the fastest of them counts. As a harder peer CVODE also integrates
// all trajectories as one big system, which spares it most of its overhead but shares one step
// size. Equations: Lorenz, J. Atmos. Sci. 20 (1963) 130-141; sigma 10, rho 28, beta 8/3. Usage:
// bench_lorenz [--json]
#include <cvode/cvode.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include "base/arena.h"
#include "base/require.h"
#include "bench_timing.h"
#include "num/ode.h"
#include "num/rk4.h"

enum {
    UNKNOWNS = 3,
    BLOCKS = 4,
    CALLS = 4,
    TRAJECTORIES = CALLS * BLOCKS * GM_LANES,
    TOTAL = TRAJECTORIES * UNKNOWNS,
    RUNS = 5,
    STEPS_MAX = 20000,
    RESULT_COUNT = 3,
};

static const double sigma = 10.0, rho = 28.0, beta = 8.0 / 3.0, end_s = 1.0;

/// States by [unknown][trajectory].
typedef double states[UNKNOWNS][TRAJECTORIES];

static void set_start(states x)
{
    uint64_t seed = 1; // splitmix64
    for (size_t i = 0; i < UNKNOWNS; i++) {
        for (size_t k = 0; k < TRAJECTORIES; k++) {
            uint64_t z = seed += UINT64_C(0x9e3779b97f4a7c15);
            z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
            z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
            double uniform = (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
            x[i][k] = (i == 2 ? 25.0 : 1.0) + 0.1 * (uniform - 0.5);
        }
    }
}

static double error_of(states x, states truth)
{
    double sum = 0.0;
    for (size_t i = 0; i < UNKNOWNS; i++) {
        for (size_t k = 0; k < TRAJECTORIES; k++) {
            sum += (x[i][k] - truth[i][k]) * (x[i][k] - truth[i][k]);
        }
    }
    return sqrt(sum / TRAJECTORIES);
}

static void rate_one(void *context, const double *time_s, const double *x, double *rate)
{
    (void)context;
    (void)time_s;
    rate[0] = sigma * (x[1] - x[0]);
    rate[1] = x[0] * (rho - x[2]) - x[1];
    rate[2] = x[0] * x[1] - beta * x[2];
}

static void find_truth(states start, states truth)
{
    gm_ode ode = { .count = UNKNOWNS, .width = 1, .rate = rate_one };
    gm_ode_options options = gm_default_ode_options();
    options.relative = options.absolute = 1e-13;
    void *work = gm_memory_new(1, gm_ode_work_size(&ode, &options));
    GM_REQUIRE(work != NULL);
    for (size_t k = 0; k < TRAJECTORIES; k++) {
        double x[UNKNOWNS] = { start[0][k], start[1][k], start[2][k] };
        gm_ode_lanes lanes = { .mask = 1, .span_s = &end_s, .state = x };
        GM_REQUIRE(gm_ode_advance(&ode, &options, &lanes, work) == 0);
        for (size_t i = 0; i < UNKNOWNS; i++) {
            truth[i][k] = x[i];
        }
    }
    gm_memory_free(work);
}

// ---- gemel ----

GM_INLINE void rate_block(const void *context, const gm_lanes *x, gm_lanes *rate)
{
    (void)context;
    rate[0] = sigma * (x[1] - x[0]);
    rate[1] = x[0] * (rho - x[2]) - x[1];
    rate[2] = x[0] * x[1] - beta * x[2];
}

static GM_KERNEL void lorenz_blocks(size_t step_count, gm_lanes *x)
{
    const double step_s = end_s / (double)step_count;
    for (size_t step = 0; step < step_count; step++) {
        for (size_t block = 0; block < BLOCKS; block++) {
            gm_rk4_step(rate_block, NULL, UNKNOWNS, step_s, x + block * UNKNOWNS);
        }
    }
}

static void run_gemel(size_t step_count, states start, states end)
{
    for (size_t first = 0; first < TRAJECTORIES; first += BLOCKS * GM_LANES) {
        gm_lanes x[BLOCKS * UNKNOWNS];
        for (size_t block = 0; block < BLOCKS; block++) {
            for (size_t i = 0; i < UNKNOWNS; i++) {
                memcpy(&x[block * UNKNOWNS + i], &start[i][first + block * GM_LANES], sizeof *x);
            }
        }
        lorenz_blocks(step_count, x);
        for (size_t block = 0; block < BLOCKS; block++) {
            for (size_t i = 0; i < UNKNOWNS; i++) {
                memcpy(&end[i][first + block * GM_LANES], &x[block * UNKNOWNS + i], sizeof *x);
            }
        }
    }
}

// ---- CVODE ----

/// A way to use CVODE.
typedef struct way {
    const char *name;
    int method;
    bool newton;  // with dense matrices; else fixed point
    bool batched; // all trajectories as one system
} way;

static const way peers[] = {
    { "Adams, fixed point", CV_ADAMS, false, false },
    { "Adams, Newton", CV_ADAMS, true, false },
    { "BDF, Newton", CV_BDF, true, false },
    { "Adams, fixed point, one big system", CV_ADAMS, false, true },
};

enum { PEER_COUNT = sizeof peers / sizeof *peers };

typedef struct solver {
    const way *peer;
    SUNContext context;
    N_Vector x;
    SUNMatrix matrix;
    SUNLinearSolver linear;
    SUNNonlinearSolver nonlinear;
    void *cvode;
} solver;

static int cvode_rate(realtype time_s, N_Vector x, N_Vector rate, void *context)
{
    rate_one(context, &time_s, NV_DATA_S(x), NV_DATA_S(rate));
    return 0;
}

static GM_KERNEL void rate_batched(const double *restrict x, double *restrict rate)
{
    for (size_t k = 0; k < TRAJECTORIES; k++) {
        double a = x[k], b = x[TRAJECTORIES + k], c = x[2 * TRAJECTORIES + k];
        rate[k] = sigma * (b - a);
        rate[TRAJECTORIES + k] = a * (rho - c) - b;
        rate[2 * TRAJECTORIES + k] = a * b - beta * c;
    }
}

static int cvode_rate_batched(realtype time_s, N_Vector x, N_Vector rate, void *context)
{
    (void)time_s;
    (void)context;
    rate_batched(NV_DATA_S(x), NV_DATA_S(rate));
    return 0;
}

static int cvode_jacobian(realtype time_s, N_Vector state, N_Vector rate, SUNMatrix jacobian,
                          void *context, N_Vector a, N_Vector b, N_Vector c)
{
    (void)time_s, (void)rate, (void)context, (void)a, (void)b, (void)c;
    const double *x = NV_DATA_S(state);
    const double rows[UNKNOWNS][UNKNOWNS] = { { -sigma, sigma, 0.0 },
                                              { rho - x[2], -1.0, -x[0] },
                                              { x[1], x[0], -beta } };
    for (int i = 0; i < UNKNOWNS; i++) {
        for (int j = 0; j < UNKNOWNS; j++) {
            SM_ELEMENT_D(jacobian, i, j) = rows[i][j];
        }
    }
    return 0;
}

static void open_solver(solver *s, const way *peer)
{
    *s = (solver){ .peer = peer };
    GM_REQUIRE(SUNContext_Create(NULL, &s->context) == 0);
    s->x = N_VNew_Serial(peer->batched ? TOTAL : UNKNOWNS, s->context);
    s->cvode = CVodeCreate(peer->method, s->context);
    N_VConst(0.0, s->x);
    CVRhsFn rate = peer->batched ? cvode_rate_batched : cvode_rate;
    GM_REQUIRE(CVodeInit(s->cvode, rate, 0.0, s->x) == CV_SUCCESS);
    GM_REQUIRE(CVodeSetMaxNumSteps(s->cvode, STEPS_MAX) == CV_SUCCESS);
    if (peer->newton) {
        s->matrix = SUNDenseMatrix(UNKNOWNS, UNKNOWNS, s->context);
        s->linear = SUNLinSol_Dense(s->x, s->matrix, s->context);
        GM_REQUIRE(CVodeSetLinearSolver(s->cvode, s->linear, s->matrix) == CV_SUCCESS);
        GM_REQUIRE(CVodeSetJacFn(s->cvode, cvode_jacobian) == CV_SUCCESS);
    } else {
        s->nonlinear = SUNNonlinSol_FixedPoint(s->x, 0, s->context);
        GM_REQUIRE(CVodeSetNonlinearSolver(s->cvode, s->nonlinear) == CV_SUCCESS);
    }
}

static void close_solver(solver *s)
{
    CVodeFree(&s->cvode);
    if (s->peer->newton) {
        SUNLinSolFree(s->linear);
        SUNMatDestroy(s->matrix);
    } else {
        SUNNonlinSolFree(s->nonlinear);
    }
    N_VDestroy(s->x);
    SUNContext_Free(&s->context);
}

static void solve_once(solver *s)
{
    realtype reached_s;
    GM_REQUIRE(CVodeReInit(s->cvode, 0.0, s->x) == CV_SUCCESS);
    GM_REQUIRE(CVode(s->cvode, end_s, s->x, &reached_s, CV_NORMAL) == CV_SUCCESS);
}

static void run_cvode(solver *s, double tolerance, states start, states end)
{
    GM_REQUIRE(CVodeSStolerances(s->cvode, tolerance, tolerance) == CV_SUCCESS);
    double *x = NV_DATA_S(s->x);
    if (s->peer->batched) {
        memcpy(x, start, sizeof(states));
        solve_once(s);
        memcpy(end, x, sizeof(states));
        return;
    }
    for (size_t k = 0; k < TRAJECTORIES; k++) {
        for (size_t i = 0; i < UNKNOWNS; i++) {
            x[i] = start[i][k];
        }
        solve_once(s);
        for (size_t i = 0; i < UNKNOWNS; i++) {
            end[i][k] = x[i];
        }
    }
}

// ---- comparison ----

/// What one target error took.
typedef struct result {
    double target;
    size_t step_count;
    double gemel_per_s, gemel_error;
    double tolerance[PEER_COUNT], cvode_per_s[PEER_COUNT], cvode_error[PEER_COUNT];
    size_t best; // the fastest peer of those that go one by one
} result;

static size_t find_step_count(double target, states start, states truth, double *error)
{
    states end;
    for (size_t count = 10; count < STEPS_MAX; count += 1 + count / 100) {
        run_gemel(count, start, end);
        *error = error_of(end, truth);
        if (*error <= target) {
            return count;
        }
    }
    GM_REQUIRE(*error <= target);
    return 0;
}

static double find_tolerance(solver *s, double target, states start, states truth, double *error)
{
    states end;
    double tolerance = 10.0 * target; // CVODE's errors exceed its tolerance by far
    for (; tolerance > 1e-14; tolerance *= 0.75) {
        run_cvode(s, tolerance, start, end);
        *error = error_of(end, truth);
        if (*error <= target) {
            return tolerance;
        }
    }
    GM_REQUIRE(*error <= target);
    return tolerance;
}

/// Medians of interleaved runs, each long enough for the clock.
static void compare(result *r, solver *solvers, states start, states truth)
{
    states end;
    double gemel[RUNS], cvode[PEER_COUNT][RUNS];
    r->step_count = find_step_count(r->target, start, truth, &r->gemel_error);
    for (size_t p = 0; p < PEER_COUNT; p++) {
        r->tolerance[p] = find_tolerance(&solvers[p], r->target, start, truth, &r->cvode_error[p]);
    }
    for (size_t run = 0; run < RUNS; run++) {
        size_t rounds = 0;
        double began_s = seconds(CLOCK_MONOTONIC), took_s = 0.0;
        for (; !(took_s >= 0.02); rounds++, took_s = seconds(CLOCK_MONOTONIC) - began_s) {
            run_gemel(r->step_count, start, end);
        }
        gemel[run] = (double)(rounds * TRAJECTORIES) / took_s;
        for (size_t p = 0; p < PEER_COUNT; p++) {
            rounds = 0, took_s = 0.0, began_s = seconds(CLOCK_MONOTONIC);
            for (; !(took_s >= 0.02); rounds++, took_s = seconds(CLOCK_MONOTONIC) - began_s) {
                run_cvode(&solvers[p], r->tolerance[p], start, end);
            }
            cvode[p][run] = (double)(rounds * TRAJECTORIES) / took_s;
        }
    }
    r->gemel_per_s = median(gemel, RUNS);
    for (size_t p = 0; p < PEER_COUNT; p++) {
        r->cvode_per_s[p] = median(cvode[p], RUNS);
        if (!peers[p].batched && r->cvode_per_s[p] > r->cvode_per_s[r->best]) {
            r->best = p;
        }
    }
}

static void print_text(const result *results)
{
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        const result *r = &results[i];
        printf("lorenz63 at error %.0e: gemel RK4 of %zu steps, %.0f traj/s\n", r->target,
               r->step_count, r->gemel_per_s);
        for (size_t p = 0; p < PEER_COUNT; p++) {
            printf("    cvode (%s) %.0f traj/s, tolerance %.1e, error %.1e, ratio %.1f\n",
                   peers[p].name, r->cvode_per_s[p], r->tolerance[p], r->cvode_error[p],
                   r->gemel_per_s / r->cvode_per_s[p]);
        }
    }
    const result *headline = &results[1];
    size_t best = headline->best;
    printf("lorenz63: gemel %.0f traj/s, cvode %.0f traj/s, ratio %.1f, error gemel %.1e cvode "
           "%.1e\n",
           headline->gemel_per_s, headline->cvode_per_s[best],
           headline->gemel_per_s / headline->cvode_per_s[best], headline->gemel_error,
           headline->cvode_error[best]);
}

static void print_json(const result *results)
{
    const result *headline = &results[1];
    printf("{\"bench\": \"lorenz63\", \"runs\": %d, \"ratio\": %.2f, \"points\": [", RUNS,
           headline->gemel_per_s / headline->cvode_per_s[headline->best]);
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        const result *r = &results[i];
        printf("%s\n  {\"error\": %.0e, \"steps\": %zu, \"gemel_per_s\": %.0f, "
               "\"gemel_error\": %.3e, \"ratio\": %.2f, \"peers\": [",
               i > 0 ? "," : "", r->target, r->step_count, r->gemel_per_s, r->gemel_error,
               r->gemel_per_s / r->cvode_per_s[r->best]);
        for (size_t p = 0; p < PEER_COUNT; p++) {
            printf("%s\n    {\"name\": \"%s\", \"per_s\": %.0f, \"tolerance\": %.3e, "
                   "\"error\": %.3e, \"ratio\": %.2f}",
                   p > 0 ? "," : "", peers[p].name, r->cvode_per_s[p], r->tolerance[p],
                   r->cvode_error[p], r->gemel_per_s / r->cvode_per_s[p]);
        }
        printf("]}");
    }
    printf("]}\n");
}

int main(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        fprintf(stderr, "usage: bench_lorenz [--json]\n");
        return 2;
    }
    states start, truth;
    set_start(start);
    find_truth(start, truth);
    solver solvers[PEER_COUNT];
    for (size_t p = 0; p < PEER_COUNT; p++) {
        open_solver(&solvers[p], &peers[p]);
    }
    result results[RESULT_COUNT] = { { .target = 1e-4 }, { .target = 1e-6 }, { .target = 1e-8 } };
    for (size_t i = 0; i < RESULT_COUNT; i++) {
        compare(&results[i], solvers, start, truth);
    }
    for (size_t p = 0; p < PEER_COUNT; p++) {
        close_solver(&solvers[p]);
    }
    if (json) {
        print_json(results);
    } else {
        print_text(results);
    }
    return 0;
}
