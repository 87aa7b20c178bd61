// Symmetric networks: one solve with values of its own in every lane, L D L^T of num/symmetric.h
// against L U of num/sparse.h on the same network in the same run, at width 1 and 8.
//
// The networks look like those of water: a grid of streets, a quarter of them without a pipe, dead
// ends behind every second crossing, a node in the middle of every fourth pipe. A solve is factor,
// forward and back substitution; the best of several runs counts.
// Usage: bench_symmetric
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/require.h"
#include "num/sparse.h"
#include "num/symmetric.h"

enum { SIDE_MAX = 70, NODES_MAX = 4 * SIDE_MAX * SIDE_MAX, LINKS_MAX = 2 * NODES_MAX, RUNS = 60 };

typedef struct network {
    uint64_t seed;
    size_t node_count, link_count;
    uint32_t ends[LINKS_MAX][2];
    double conductance[LINKS_MAX * GM_LANES];
} network;

static double now_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return 1e6 * (double)time.tv_sec + 1e-3 * (double)time.tv_nsec;
}

/// Splitmix (Steele, Lea, Flood, OOPSLA 2014).
static uint32_t below(uint64_t *seed, uint32_t limit)
{
    uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ (z >> 31)) % limit);
}

static void join(network *n, size_t from, size_t to)
{
    GM_REQUIRE(n->link_count < LINKS_MAX);
    n->ends[n->link_count][0] = (uint32_t)from;
    n->ends[n->link_count++][1] = (uint32_t)to;
}

static void make_network(network *n, size_t side)
{
    memset(n, 0, sizeof *n);
    n->node_count = side * side;
    for (size_t i = 0; i < side * side; i++) {
        if (i % side + 1 < side && below(&n->seed, 4) != 0) {
            join(n, i, i + 1);
        }
        if (i + side < side * side && below(&n->seed, 4) != 0) {
            join(n, i, i + side);
        }
    }
    for (size_t i = 0; i < side * side; i++) {
        for (size_t at = i; below(&n->seed, 2) == 0; at = n->node_count++) {
            join(n, at, n->node_count);
        }
    }
    size_t pipes = n->link_count;
    for (size_t i = 0; i < pipes; i++) {
        if (below(&n->seed, 4) == 0) {
            size_t end = n->ends[i][1];
            n->ends[i][1] = (uint32_t)n->node_count;
            join(n, n->node_count++, end);
        }
    }
    GM_REQUIRE(n->node_count <= NODES_MAX);
    for (size_t i = 0; i < n->link_count * GM_LANES; i++) {
        n->conductance[i] = 0.1 + 0.001 * below(&n->seed, 1000);
    }
}

static double *new_values(size_t count)
{
    double *made = gm_memory_new(count, sizeof *made);
    GM_REQUIRE(made != NULL);
    return made;
}

/// @return microseconds of the fastest solve; assembly is not part of it
static double time_symmetric(const network *n, const gm_symmetric *s, size_t width)
{
    const uint32_t *place = gm_symmetric_place(s), *slot = gm_symmetric_slots(s);
    size_t count = n->node_count, fill = gm_symmetric_fill(s);
    gm_symmetric_system system = { .diagonal = new_values(count * width),
                                   .lower = new_values(fill * width),
                                   .right = new_values(count * width) };
    double best = 1e30;
    for (int run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < count * width; i++) {
            system.diagonal[i] = 1e-3;
            system.right[i] = 1e-3;
        }
        memset(system.lower, 0, fill * width * sizeof(double));
        for (size_t i = 0; i < n->link_count; i++) {
            for (size_t lane = 0; lane < width; lane++) {
                double value = n->conductance[i * GM_LANES + lane];
                system.diagonal[place[n->ends[i][0]] * width + lane] += value;
                system.diagonal[place[n->ends[i][1]] * width + lane] += value;
                system.lower[slot[i] * width + lane] -= value;
            }
        }
        double start = now_us();
        GM_REQUIRE(gm_symmetric_solve(s, (int)width, system, NULL) == 0);
        double took = now_us() - start;
        best = took < best ? took : best;
    }
    gm_memory_free(system.diagonal);
    gm_memory_free(system.lower);
    gm_memory_free(system.right);
    return best;
}

/// The same matrix with both triangles, for the unsymmetric solver.
static gm_sparse *sparse_of(const network *n, size_t entry_count)
{
    uint32_t *row = gm_memory_new(entry_count, sizeof *row);
    uint32_t *column = gm_memory_new(entry_count, sizeof *column);
    GM_REQUIRE(row != NULL && column != NULL);
    for (uint32_t i = 0; i < n->node_count; i++) {
        row[i] = column[i] = i;
    }
    for (size_t i = 0; i < 4 * n->link_count; i++) { // each link: two entries on the diagonal
        row[n->node_count + i] = n->ends[i / 4][i % 4 / 2];
        column[n->node_count + i] = n->ends[i / 4][i % 2];
    }
    gm_sparse *sparse = NULL;
    GM_REQUIRE(gm_sparse_create(n->node_count, entry_count, row, column, &sparse, NULL) == GM_OK);
    gm_memory_free(row);
    gm_memory_free(column);
    return sparse;
}

static double time_sparse(const network *n, size_t width)
{
    size_t count = n->node_count, entry_count = count + 4 * n->link_count;
    gm_sparse *sparse = sparse_of(n, entry_count);
    double *values = new_values(entry_count * width), *x = new_values(count * width);
    void *factor = gm_memory_new(1, gm_sparse_factor_size(sparse, (int)width));
    GM_REQUIRE(factor != NULL);
    for (size_t i = 0; i < entry_count; i++) {
        for (size_t lane = 0; lane < width; lane++) {
            size_t link = i < count ? 0 : (i - count) / 4, corner = (i - count) % 4;
            double value = n->conductance[link * GM_LANES + lane];
            values[i * width + lane] =
                i < count ? 1e-3 : (corner == 0 || corner == 3 ? value : -value);
        }
    }
    double best = 1e30;
    for (int run = 0; run < RUNS; run++) {
        for (size_t i = 0; i < count * width; i++) {
            x[i] = 1e-3;
        }
        double start = now_us();
        GM_REQUIRE(gm_sparse_factorise(sparse, (int)width, values, NULL, factor) == 0);
        gm_sparse_solve(sparse, (int)width, factor, x);
        double took = now_us() - start;
        best = took < best ? took : best;
    }
    gm_memory_free(values);
    gm_memory_free(x);
    gm_memory_free(factor);
    gm_sparse_close(sparse);
    return best;
}

int main(void)
{
    static network n;
    const size_t sides[] = { 17, 36, 70 };
    printf(
        "one solve, microseconds     symmetric: 1 lane  8 lanes      sparse LU: 1 lane  8 lanes\n");
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++) {
        make_network(&n, sides[i]);
        gm_symmetric *s = NULL;
        gm_symmetric_pattern pattern = { .count = n.node_count,
                                         .pair_count = n.link_count,
                                         .pairs = (const uint32_t(*)[2])n.ends };
        GM_REQUIRE(gm_symmetric_create(&pattern, &s, NULL) == GM_OK);
        printf("%6zu nodes, fill %6zu %16.1f %8.1f %23.1f %8.1f\n", n.node_count,
               gm_symmetric_fill(s), time_symmetric(&n, s, 1), time_symmetric(&n, s, GM_LANES),
               time_sparse(&n, 1), time_sparse(&n, GM_LANES));
        gm_symmetric_close(s);
    }
    return 0;
}
