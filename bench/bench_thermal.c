// Thermal networks: a cycle of a small box in 64 lanes, and large networks, against CVODE.
//
// Both sides integrate the same worlds over the same cycles on one core in the same run; the power
// input changes every cycle, so neither can carry a step history across. The error is the largest
// distance to a reference (DOPRI5 at 1e-12) at the end. gemel runs as configured by default; CVODE
// gets the loosest tolerance that keeps the error below 1 uK (gemel's is far smaller), with Adams
// and with BDF, reused by CVodeReInit; the faster counts.
// Usage: bench_thermal
#include <cvode/cvode.h>
#include <gemel/state.h>
#include <math.h>
#include <nvector/nvector_serial.h>
#include <stdio.h>
#include <string.h>
#include <sunlinsol/sunlinsol_dense.h>
#include <sunmatrix/sunmatrix_dense.h>
#include <sunnonlinsol/sunnonlinsol_fixedpoint.h>

#include "base/arena.h"
#include "base/require.h"
#include "bench_timing.h"
#include "domain/domains.h"
#include "model/config_text.h"

enum { NODES = 4, PATHS = 4, LANES = 64, CYCLES = 400, RUNS = 5, NODE = 0, TEMPERATURE = 1, POWER };

static const double capacity[NODES] = { 250.0, 690.0, 400.0, 1.0 };
static const double conductance[PATHS] = { 0.9, 0.7, 0.5, 0.4 };
static const int from[PATHS] = { 0, 1, 1, 2 }, to[PATHS] = { 1, 2, 3, 3 };
static const double cycle_s = 3.0, room_k = 293.15, allowed_k = 1e-6;

static const char *const box =
    "{nodes: {heater: {capacity: 250, temperature: 300}, air: {capacity: 690, temperature: 298},"
    " wall: {capacity: 400, temperature: 296}, room: {fixed: true}},"
    " paths: {heater-air: {conductance: 0.9}, air-wall: {conductance: 0.7},"
    " air-room: {conductance: 0.5}, wall-room: {conductance: 0.4}},"
    " integrator: {method: dopri5, relative: %s, absolute: %s}}";

static double power_of(int cycle)
{
    return cycle / 10 % 2 == 0 ? 125.0 : 0.0;
}

static double start_of(int node, int lane)
{
    static const double first[NODES] = { 300.0, 298.0, 296.0, 293.15 };
    return node == 3 ? room_k : first[node] + 0.1 * lane;
}

typedef double temperatures[NODES][LANES];

typedef struct twin {
    gm_arena *arena;
    gm_model *model;
    gm_layout *layout;
    gm_state *state;
} twin;

static twin open_twin(const char *text, size_t lanes)
{
    twin made = { .arena = gm_arena_create(0) };
    gm_error error = { 0 };
    const gm_config *config = config_of(made.arena, NULL, text);
    GM_REQUIRE(gm_model_build(&gm_thermal, "box", config, &made.model, &error) == GM_OK);
    const gm_model *systems[] = { made.model };
    GM_REQUIRE(gm_layout_create(systems, 1, lanes, NULL, &made.layout, &error) == GM_OK);
    GM_REQUIRE(gm_state_create(made.layout, 0, &made.state, &error) == GM_OK);
    return made;
}

static void close_twin(twin *made)
{
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_model_close(made->model);
    gm_arena_close(made->arena);
}

/// @return seconds for all cycles
static double run_gemel(const char *relative, const char *absolute, temperatures end)
{
    char text[1024];
    snprintf(text, sizeof text, box, relative, absolute);
    twin made = open_twin(text, LANES);
    for (uint32_t node = 0; node < NODES; node++) {
        double values[LANES];
        for (int lane = 0; lane < LANES; lane++) {
            values[lane] = start_of((int)node, lane);
        }
        gm_state_write(made.state, (gm_ref){ 0, NODE, TEMPERATURE, node }, values, NULL);
    }
    double begin_s = seconds(CLOCK_MONOTONIC);
    for (int cycle = 0; cycle < CYCLES; cycle++) {
        gm_state_fill(made.state, (gm_ref){ 0, NODE, POWER, 0 }, power_of(cycle), NULL);
        int64_t until_ns = (int64_t)(cycle + 1) * 3000000000;
        GM_REQUIRE(gm_state_advance(made.state, 0, until_ns, NULL, NULL) == GM_OK);
    }
    double spent_s = seconds(CLOCK_MONOTONIC) - begin_s;
    for (uint32_t node = 0; node < NODES; node++) {
        gm_state_read(made.state, (gm_ref){ 0, NODE, TEMPERATURE, node }, end[node], NULL);
    }
    close_twin(&made);
    return spent_s;
}

static double error_of(temperatures a, temperatures b)
{
    double worst = 0.0;
    for (int node = 0; node < NODES; node++) {
        for (int lane = 0; lane < LANES; lane++) {
            worst = fmax(worst, fabs(a[node][lane] - b[node][lane]));
        }
    }
    return worst;
}

// ---- the peer ----

static int cvode_rate(realtype time_s, N_Vector x, N_Vector rate, void *context)
{
    (void)time_s;
    const double *t = N_VGetArrayPointer(x);
    double *change = N_VGetArrayPointer(rate);
    memset(change, 0, NODES * sizeof *change);
    change[0] = *(const double *)context;
    for (int path = 0; path < PATHS; path++) {
        double flow = conductance[path] * (t[from[path]] - t[to[path]]);
        change[from[path]] -= flow;
        change[to[path]] += flow;
    }
    for (int node = 0; node < NODES - 1; node++) {
        change[node] /= capacity[node];
    }
    change[NODES - 1] = 0.0;
    return 0;
}

/// One lane after the other through one solver.
static double run_cvode(int method, double relative, temperatures end)
{
    SUNContext context = NULL;
    GM_REQUIRE(SUNContext_Create(NULL, &context) == 0);
    N_Vector x = N_VNew_Serial(NODES, context);
    double *values = N_VGetArrayPointer(x), power = 0.0;
    void *solver = CVodeCreate(method, context);
    SUNMatrix matrix = SUNDenseMatrix(NODES, NODES, context);
    SUNLinearSolver dense = SUNLinSol_Dense(x, matrix, context);
    SUNNonlinearSolver fixed_point = SUNNonlinSol_FixedPoint(x, 0, context);
    GM_REQUIRE(CVodeInit(solver, cvode_rate, 0.0, x) == 0);
    CVodeSStolerances(solver, relative, relative);
    CVodeSetUserData(solver, &power);
    if (method == CV_BDF) {
        CVodeSetLinearSolver(solver, dense, matrix);
    } else {
        CVodeSetNonlinearSolver(solver, fixed_point);
    }
    double begin_s = seconds(CLOCK_MONOTONIC);
    for (int lane = 0; lane < LANES; lane++) {
        for (int node = 0; node < NODES; node++) {
            values[node] = start_of(node, lane);
        }
        for (int cycle = 0; cycle < CYCLES; cycle++) {
            realtype reached;
            power = power_of(cycle);
            CVodeReInit(solver, 0.0, x);
            CVodeSetStopTime(solver, cycle_s);
            GM_REQUIRE(CVode(solver, cycle_s, x, &reached, CV_NORMAL) >= 0);
        }
        for (int node = 0; node < NODES; node++) {
            end[node][lane] = values[node];
        }
    }
    double spent_s = seconds(CLOCK_MONOTONIC) - begin_s;
    SUNNonlinSolFree(fixed_point);
    SUNLinSolFree(dense);
    SUNMatDestroy(matrix);
    CVodeFree(&solver);
    N_VDestroy(x);
    SUNContext_Free(&context);
    return spent_s;
}

/// The least time of several runs at the loosest tolerance that is good enough.
static double best_cvode(int method, temperatures reference)
{
    static temperatures end;
    double relative = 1e-3;
    for (; relative > 1e-12; relative /= 2.0) {
        (void)run_cvode(method, relative, end);
        if (error_of(end, reference) <= allowed_k) {
            break;
        }
    }
    double best_s = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        best_s = fmin(best_s, run_cvode(method, relative, end));
    }
    return best_s;
}

static void bench_cycle(void)
{
    static temperatures reference, end;
    (void)run_gemel("1e-12", "1e-12", reference);
    double best_s = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        best_s = fmin(best_s, run_gemel("1e-6", "1e-8", end));
    }
    double error = error_of(end, reference);
    double adams_s = best_cvode(CV_ADAMS, reference);
    double bdf_s = best_cvode(CV_BDF, reference), peer_s = fmin(adams_s, bdf_s);
    printf("a box of 4 nodes in 64 lanes, cycles of 3 s, error %.1e K (CVODE: %.0e K):\n", error,
           allowed_k);
    printf("  gemel %8.2f us a cycle\n", best_s / CYCLES * 1e6);
    printf("  CVODE %8.2f us a cycle (Adams %.2f, BDF %.2f): %.0f times as long\n",
           peer_s / CYCLES * 1e6, adams_s / CYCLES * 1e6, bdf_s / CYCLES * 1e6, peer_s / best_s);
}

// ---- size ----

static void bench_grid(size_t side, const char *method)
{
    gm_string text = { 0 };
    gm_string_format(&text, "{nodes: {");
    for (size_t node = 0; node < side * side; node++) {
        gm_string_format(&text, "%sn%zu: {capacity: %zu, temperature: %zu}", node > 0 ? ", " : "",
                         node, 100 + node % 7, 280 + node % 31);
    }
    gm_string_format(&text, "}, paths: {");
    for (size_t node = 0; node < side * side; node++) {
        if (node % side > 0) {
            gm_string_format(&text, "%sn%zu-n%zu: {conductance: 1}", node > 1 ? ", " : "", node - 1,
                             node);
        }
        if (node >= side) {
            gm_string_format(&text, ", n%zu-n%zu: {conductance: 1}", node - side, node);
        }
    }
    gm_string_format(&text, "}, integrator: {method: %s}}", method);
    for (size_t lanes = 1; lanes <= 8; lanes += 7) {
        double begin_s = seconds(CLOCK_MONOTONIC);
        twin made = open_twin(text.data, lanes);
        double built_s = seconds(CLOCK_MONOTONIC) - begin_s, best_s = INFINITY;
        for (int64_t step = 1; step <= RUNS; step++) {
            begin_s = seconds(CLOCK_MONOTONIC);
            GM_REQUIRE(gm_state_advance(made.state, 0, step * 10000000000, NULL, NULL) == GM_OK);
            best_s = fmin(best_s, seconds(CLOCK_MONOTONIC) - begin_s);
        }
        printf("  %s, %zu x %zu nodes, %zu lane%s: built in %.2f s, 10 s ahead in %.1f ms\n",
               method, side, side, lanes, lanes > 1 ? "s" : "", built_s, best_s * 1e3);
        close_twin(&made);
    }
    gm_string_free(&text);
}

int main(void)
{
    bench_cycle();
    printf("a grid of rooms:\n");
    bench_grid(100, "dopri5");
    bench_grid(100, "rodas3");
    bench_grid(316, "dopri5");
    return 0;
}
