// Proof model (d): diffusion on a grid of 10^6 cells in f32, one large lane over workers; and a
// fork of 10^6 values. The last cells of a step and the first of the next belong to whoever comes
// first, but the bits belong to nobody.
#include "model/model_fixture.h"

#include <time.h>

#include "model/grid_domain.h"
#include "model/state_inside.h"

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/// Lets a test fill and read whole grids: the gate reads one cell at a time.
static void *grid_values(gm_state *state)
{
    void *columns[1];
    gm_block block;
    assert_true(gm_block_open(state, (gm_block_place){ 0, 0 }, GM_ACCESS_CHANGE, columns, &block));
    return columns[0];
}

static void workers_leave_the_bits_alone_and_mass_stays(void **state)
{
    (void)state;
    enum { SIDE = 1000, CELLS = SIDE * SIDE };
    trial made = open_trial(
        &grid_domain,
        (trial_options){ .lanes = 1, .config = "{side: 1000, type: f32, step_ns: 200}" });
    float *cells = grid_values(made.state);
    double mass = 0.0;
    for (size_t cell = 0; cell < CELLS; cell++) {
        cells[cell] = (float)((cell * 2654435761u >> 7) % 1000) * 1e-3f;
        mass += (double)cells[cell];
    }
    uint64_t hashes[3];
    static const size_t counts[3] = { 1, 2, 7 };
    for (size_t index = 0; index < 3; index++) {
        gm_state *fork = NULL;
        gm_workers *workers = NULL;
        gm_error error = { 0 };
        must(gm_state_fork(made.state, &fork, &error), &error);
        must(gm_workers_create(counts[index], &workers, &error), &error);
        advance_state(fork, 200 * 40, workers);
        hashes[index] = gm_state_hash(fork);
        double after = 0.0;
        cells = grid_values(fork);
        for (size_t cell = 0; cell < CELLS; cell++) {
            after += (double)cells[cell];
        }
        assert_close(after / mass, 1.0, 1e-6);
        assert_close((double)cells[500500], mass / CELLS, 0.2); // it did diffuse
        gm_workers_close(workers);
        gm_state_close(fork);
    }
    assert_true(hashes[0] == hashes[1] && hashes[0] == hashes[2]);
    assert_true(hashes[0] != gm_state_hash(made.state));
    close_trial(&made);
}

/// Greatest error of a decaying cosine, exact on the unit square, at 10 ms.
static double cosine_error(size_t side, int64_t step_ns)
{
    char config[64];
    snprintf(config, sizeof config, "{side: %zu, type: f64, step_ns: %lld}", side,
             (long long)step_ns);
    trial made = open_trial(&grid_domain, (trial_options){ .lanes = 1, .config = config });
    double *cells = grid_values(made.state);
    for (size_t cell = 0; cell < side * side; cell++) {
        double x = ((double)(cell % side) + 0.5) / (double)side;
        cells[cell] = cos(2.0 * M_PI * x);
    }
    advance_state(made.state, 10000000, NULL);
    cells = grid_values(made.state);
    double decay = exp(-4.0 * M_PI * M_PI * 0.01), worst = 0.0;
    for (size_t cell = 0; cell < side * side; cell++) {
        double x = ((double)(cell % side) + 0.5) / (double)side;
        worst = fmax(worst, fabs(cells[cell] - decay * cos(2.0 * M_PI * x)));
    }
    close_trial(&made);
    return worst;
}

static void order_is_two(void **state)
{
    (void)state;
    double coarse = cosine_error(16, 400000), middle = cosine_error(32, 100000);
    double fine = cosine_error(64, 25000);
    assert_close(log2(coarse / middle), 2.0, 0.1);
    assert_close(log2(middle / fine), 2.0, 0.05);
}

static void a_fork_of_a_million_values_costs_what_it_changes(void **state)
{
    (void)state;
    trial made = open_trial(
        &grid_domain,
        (trial_options){ .lanes = 1, .config = "{side: 1000, type: f64, step_ns: 200}" });
    size_t whole = gm_state_memory_of(made.state).own;
    assert_true(whole >= 8000000);
    double best_s = INFINITY;
    gm_error error = { 0 };
    gm_state *forks[20];
    for (size_t index = 0; index < 20; index++) {
        double start_s = seconds_now();
        must(gm_state_fork(made.state, &forks[index], &error), &error);
        best_s = fmin(best_s, seconds_now() - start_s);
    }
    printf("a fork of 1,000,000 values: %.1f us\n", best_s * 1e6);
    assert_true(best_s < 20e-3); // asserted loosely; it takes microseconds
    gm_state_memory memory = gm_state_memory_of(forks[7]);
    assert_int_equal(memory.own, 0);
    assert_true(memory.reached >= 8000000);
    uint64_t before = gm_state_hash(made.state);
    fill_lanes(forks[7], ref_of(GRID_CELL, GRID_VALUE, 123456), 1.0);
    assert_int_equal(gm_state_memory_of(forks[7]).own, GM_SEGMENT_SIZE);
    fill_lanes(forks[7], ref_of(GRID_CELL, GRID_VALUE, 123457), 1.0);
    assert_int_equal(gm_state_memory_of(forks[7]).own, GM_SEGMENT_SIZE);
    assert_true(gm_state_hash(made.state) == before);
    assert_true(gm_state_hash(forks[7]) != before);
    assert_true(gm_state_hash(forks[8]) == before);
    advance_state(forks[7], 200, NULL); // a column in pieces becomes whole again
    for (size_t index = 0; index < 20; index++) {
        gm_state_close(forks[index]);
    }
    assert_int_equal(gm_state_memory_of(made.state).own, whole);
    close_trial(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_leave_the_bits_alone_and_mass_stays),
        cmocka_unit_test(order_is_two),
        cmocka_unit_test(a_fork_of_a_million_values_costs_what_it_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
