// The solver of water networks at large: lanes beside each other, any order, random and hopeless
// networks.
#include <gemel/random.h>
#include <stdlib.h>

#include "domain/water_fixture.h"

enum { LANES = 8, NETWORKS = 12, NODES = 60, TEXT_SIZE = 1 << 15, LINE_NODES = 100000 };

static const double litre = WATER_CUBIC_FOOT_M3 / 28.317; // m3/s, as EPANET rounds it

/// With every kind of status: what it is depends on demands.
static const char district[] =
    "[JUNCTIONS]\n A 10 0\n B 10 8\n C 15 8\n D 20 6\n E 12 5\n F 14 4\n G 14 3\n"
    "[RESERVOIRS]\n R 80\n S 62\n"
    "[TANKS]\n T 50 3 0 8 12 0\n"
    "[PIPES]\n P1 R A 800 300 110\n P2 B C 500 200 110\n P3 C D 400 200 110\n P4 D T 300 200 100\n"
    " P5 S E 300 250 120 0 CV\n P6 E C 300 200 110\n P7 D F 300 150 100\n P8 G D 200 150 100\n"
    "[PUMPS]\n PU A E HEAD K\n"
    "[VALVES]\n V1 A B 250 PRV 45\n V2 F G 150 FCV 2\n"
    "[CURVES]\n K 20 12\n[EMITTERS]\n G 0.2\n"
    "[OPTIONS]\n Units LPS\n Headloss H-W\n";

static const gm_ref all_factor = { 0, CLASS_NETWORK, NETWORK_DEMAND_FACTOR, 0 };
static const double factors[LANES] = { 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 0.1, 6.0 };

static void write_lanes(water_rig *rig, const double *values)
{
    gm_error error = { 0 };
    if (gm_state_write(rig->state, all_factor, values, &error) != GM_OK ||
        gm_state_changed(rig->state, 0, &error) != GM_OK) {
        fail_msg("%s", error.text);
    }
}

/// Every value of the model's fields in one lane, in order; NaN where a lane has none.
static size_t read_all(const water_rig *rig, size_t lane, double *values, size_t most)
{
    size_t count = 0;
    for (uint32_t class_number = 0; class_number < WATER_CLASSES; class_number++) {
        const gm_class *class = gm_model_class_at(rig->model, class_number);
        size_t elements = gm_model_element_count(rig->model, class_number);
        for (uint32_t field = 0; field < class->field_count; field++) {
            for (uint32_t element = 0; element < elements; element++) {
                if (class->fields[field].role != GM_OUTPUT) {
                    assert_true(count < most);
                    values[count++] =
                        water_value(rig->state, (gm_ref){ 0, class_number, field, element }, lane);
                }
            }
        }
    }
    return count;
}

/// Every lane of eight, with a head loss formula, beside the same lane alone.
static void compare_lanes(const char *formula)
{
    enum { MOST = 400 };
    char text[sizeof district];
    memcpy(text, district, sizeof text);
    memcpy(strstr(text, "H-W"), formula, 3);
    water_rig wide = open_water(text, LANES, 8);
    write_lanes(&wide, factors);
    int statuses = 0;
    for (int hour = 0; hour <= 3; hour++) {
        advance_water(wide.state, 3600.0 * hour);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        water_rig single = open_water(text, 1, 1);
        write_lanes(&single, &factors[lane]);
        for (int hour = 0; hour <= 3; hour++) {
            advance_water(single.state, 3600.0 * hour);
        }
        double together[MOST], alone[MOST];
        size_t count = read_all(&wide, lane, together, MOST);
        assert_int_equal(read_all(&single, 0, alone, MOST), count);
        assert_memory_equal(together, alone, count * sizeof *alone);
        gm_ref valve = water_ref(&single, CLASS_VALVE, VALVE_STATUS, "V1");
        statuses |= 1 << (int)water_value(single.state, valve, 0);
        close_water(&single);
    }
    assert_true((statuses & (statuses - 1)) != 0); // they do differ
    close_water(&wide);
}

static void a_lane_is_the_same_alone_and_among_others(void **state)
{
    (void)state;
    compare_lanes("H-W");
    compare_lanes("D-W");
}

static void equal_lanes_stay_equal(void **state)
{
    (void)state;
    enum { MOST = 400 };
    water_rig rig = open_water(district, LANES, 8);
    advance_water(rig.state, 7200.0);
    double first[MOST], other[MOST];
    size_t count = read_all(&rig, 0, first, MOST);
    for (size_t lane = 1; lane < LANES; lane++) {
        read_all(&rig, lane, other, MOST);
        assert_memory_equal(first, other, count * sizeof *first);
    }
    close_water(&rig);
}

// ---- trees ----

/// A loop R-A-B-C with a branch B-D-E-F, of which G hangs on E; I draws nothing, and a main ends
/// blind at H.
static const char branched[] =
    "[JUNCTIONS]\n A 10 2\n B 10 3\n C 15 1\n D 12 2\n E 14 4\n F 13 3\n G 16 1\n H 10 2\n I 10 0\n"
    "[RESERVOIRS]\n R 80\n"
    "[PIPES]\n P1 R A 800 300 110\n P2 A B 500 200 110\n P3 B C 400 200 110\n P4 C A 300 150 100\n"
    " P5 D B 300 150 120 2.5\n P6 D E 300 150 110\n P7 F E 300 100 100\n P8 E G 200 100 100\n"
    " P9 A H 200 400 100\n P10 A I 200 100 100\n"
    "[OPTIONS]\n Units LPS\n Headloss H-W\n Accuracy 1e-9\n";

static double head_of(const water_rig *rig, const char *name, size_t lane)
{
    return water_value(rig->state, water_ref(rig, CLASS_JUNCTION, JUNCTION_HEAD, name), lane);
}

static void put(water_rig *rig, gm_ref ref, const double *values)
{
    gm_error error = { 0 };
    assert_int_equal(gm_state_write(rig->state, ref, values, &error), GM_OK);
    assert_int_equal(gm_state_changed(rig->state, 0, &error), GM_OK);
}

static void trees_left_out_end_where_the_whole_iteration_ends(void **state)
{
    (void)state;
    static const char *const formulas[] = { "H-W", "D-W" };
    static const char *const names[] = { "A", "B", "C", "D", "E", "F", "G", "H" };
    for (size_t formula = 0; formula < 2; formula++) {
        char text[sizeof branched];
        memcpy(text, branched, sizeof text);
        memcpy(strstr(text, "H-W"), formulas[formula], 3);
        water_rig rig = open_water(text, 2, 1);
        assert_int_equal(gm_water_tree_count(gm_model_constants(rig.model)), 5);
        const double status[] = { WATER_OPEN,
                                  WATER_CLOSED }; // of a pipe that nothing flows through
        put(&rig, water_ref(&rig, CLASS_PIPE, PIPE_STATUS, "P10"), status);
        advance_water(rig.state, 0.0);
        for (size_t at = 0; at < sizeof names / sizeof *names; at++) {
            assert_near(head_of(&rig, names[at], 0), head_of(&rig, names[at], 1), 1e-9);
        }
        gm_ref flow = water_ref(&rig, CLASS_PIPE, PIPE_FLOW, "P5");
        assert_near(water_value(rig.state, flow, 0), -10.0 * litre, 1e-15);
        close_water(&rig);
    }
}

static void a_lane_whose_trees_take_part_leaves_the_others_alone(void **state)
{
    (void)state;
    enum { MOST = 400 };
    const double seep[LANES] = { 0.0, 0.0, 1e-3, 0.0, 0.0, 2e-3, 0.0, 0.0 };
    const double closed[LANES] = { 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0 };
    double open[LANES];
    for (size_t lane = 0; lane < LANES; lane++) {
        open[lane] = closed[lane] > 0.0 ? (double)WATER_CLOSED : (double)WATER_OPEN;
    }
    water_rig wide = open_water(branched, LANES, 8);
    put(&wide, water_ref(&wide, CLASS_JUNCTION, JUNCTION_EMITTER, "E"), seep);
    put(&wide, water_ref(&wide, CLASS_PIPE, PIPE_STATUS, "P7"), open);
    advance_water(wide.state, 3600.0);
    for (size_t lane = 0; lane < LANES; lane++) {
        water_rig single = open_water(branched, 1, 1);
        put(&single, water_ref(&single, CLASS_JUNCTION, JUNCTION_EMITTER, "E"), &seep[lane]);
        put(&single, water_ref(&single, CLASS_PIPE, PIPE_STATUS, "P7"), &open[lane]);
        advance_water(single.state, 3600.0);
        double together[MOST], alone[MOST];
        size_t count = read_all(&wide, lane, together, MOST);
        assert_int_equal(read_all(&single, 0, alone, MOST), count);
        assert_memory_equal(together, alone, count * sizeof *alone);
        close_water(&single);
    }
    assert_true(head_of(&wide, "F", 1) < -1e3 && head_of(&wide, "F", 0) > 0.0);
    close_water(&wide);
}

// ---- random networks ----

typedef struct edge {
    uint32_t from, to;
    double length_m, diameter_mm;
} edge;

/// A random tree over the nodes and a third as many pipes more; node 0 is a reservoir.
static size_t random_edges(gm_random random, edge *edges)
{
    size_t count = 0;
    for (uint32_t node = 1; node < NODES + NODES / 3; node++) {
        double pick = gm_random_uniform(random, (gm_draw){ 0, node, 0, 0 });
        double other = gm_random_uniform(random, (gm_draw){ 0, node, 1, 0 });
        uint32_t to = node < NODES ? node : (uint32_t)(1.0 + other * (NODES - 1));
        uint32_t from = (uint32_t)(pick * (node < NODES ? node : NODES));
        if (from != to) {
            double size = gm_random_uniform(random, (gm_draw){ 0, node, 2, 0 });
            edges[count++] = (edge){ from, to, 50.0 + 500.0 * other, 100.0 + 300.0 * size };
        }
    }
    return count;
}

/// @param backward  lists nodes and pipes the other way round
static void write_network(char *text, gm_random random, const edge *edges, size_t count,
                          bool backward)
{
    size_t used = (size_t)snprintf(text, TEXT_SIZE, "[RESERVOIRS]\n N0 100\n[JUNCTIONS]\n");
    for (uint32_t at = 1; at < NODES; at++) {
        uint32_t node = backward ? NODES - at : at;
        double drawn = 4.0 * gm_random_uniform(random, (gm_draw){ 0, node, 3, 0 });
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, " N%u %u %.3f\n", node, node % 20,
                                 node % 3 == 0 ? 0.0 : drawn);
    }
    used += (size_t)snprintf(text + used, TEXT_SIZE - used, "[PIPES]\n");
    for (size_t at = 0; at < count; at++) {
        size_t pipe = backward ? count - 1 - at : at;
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, " P%zu N%u N%u %.3f %.3f %d\n",
                                 pipe, edges[pipe].from, edges[pipe].to, edges[pipe].length_m,
                                 edges[pipe].diameter_mm, 90 + (int)(pipe % 50));
    }
    snprintf(text + used, TEXT_SIZE - used, "[OPTIONS]\n Units LPS\n Headloss H-W\n");
}

/// Inflow less outflow of every junction, over what passes through and a litre per second: heads
/// are rounded.
static double worst_balance(const water_rig *rig, const edge *edges, size_t count)
{
    double excess[NODES] = { 0.0 }, passing[NODES] = { 0.0 }, worst = 0.0;
    for (size_t at = 0; at < count; at++) {
        char name[32];
        snprintf(name, sizeof name, "P%zu", at);
        double flow = water_value(rig->state, water_ref(rig, CLASS_PIPE, PIPE_FLOW, name), 0);
        excess[edges[at].from] -= flow;
        excess[edges[at].to] += flow;
        passing[edges[at].from] += fabs(flow);
        passing[edges[at].to] += fabs(flow);
    }
    for (uint32_t node = 1; node < NODES; node++) {
        char name[32];
        snprintf(name, sizeof name, "N%u", node);
        gm_ref drawn = water_ref(rig, CLASS_JUNCTION, JUNCTION_CONSUMPTION, name);
        excess[node] -= water_value(rig->state, drawn, 0);
        worst = fmax(worst, fabs(excess[node]) / (passing[node] + litre));
    }
    return worst;
}

static void random_networks_balance_in_any_order(void **state)
{
    (void)state;
    static char text[TEXT_SIZE];
    for (uint64_t number = 0; number < NETWORKS; number++) {
        gm_random random = gm_random_for(number, "network");
        edge edges[2 * NODES];
        size_t count = random_edges(random, edges);
        write_network(text, random, edges, count, false);
        water_rig forward = open_water(text, 1, 1);
        advance_water(forward.state, 0.0);
        write_network(text, random, edges, count, true);
        water_rig backward = open_water(text, 1, 1);
        advance_water(backward.state, 0.0);
        assert_true(worst_balance(&forward, edges, count) < 1e-6);
        for (uint32_t node = 1; node < NODES; node++) {
            char name[32];
            snprintf(name, sizeof name, "N%u", node);
            double one = water_value(forward.state,
                                     water_ref(&forward, CLASS_JUNCTION, JUNCTION_HEAD, name), 0);
            double two = water_value(backward.state,
                                     water_ref(&backward, CLASS_JUNCTION, JUNCTION_HEAD, name), 0);
            assert_near(one, two, 1e-6 * fmax(1.0, fabs(one)));
        }
        close_water(&forward);
        close_water(&backward);
    }
}

// ---- strange but legal ----

static void a_line_of_a_hundred_thousand_junctions_is_solved(void **state)
{
    (void)state;
    size_t size = (size_t)LINE_NODES * 64, used = 0;
    char *text = calloc(1, size);
    assert_non_null(text);
    used += (size_t)snprintf(text, size, "[RESERVOIRS]\n R 100\n[JUNCTIONS]\n");
    for (int node = 1; node <= LINE_NODES; node++) {
        used += (size_t)snprintf(text + used, size - used, " %d 0 %g\n", node,
                                 node == LINE_NODES ? 5.0 : 0.0);
    }
    used += (size_t)snprintf(text + used, size - used, "[PIPES]\n 1 R 1 10 1000 130\n");
    for (int node = 2; node <= LINE_NODES; node++) {
        used += (size_t)snprintf(text + used, size - used, " %d %d %d 10 1000 130\n", node,
                                 node - 1, node);
    }
    snprintf(text + used, size - used, "[OPTIONS]\n Units LPS\n Headloss H-W\n");
    water_rig rig = open_water(text, 1, 1);
    advance_water(rig.state, 0.0);
    gm_ref flow = water_ref(&rig, CLASS_PIPE, PIPE_FLOW, "50000");
    assert_near(water_value(rig.state, flow, 0), 5.0 * litre, 1e-8);
    close_water(&rig);
    free(text);
}

static void a_network_with_every_valve_shut_is_solved(void **state)
{
    (void)state;
    static const char text[] =
        "[JUNCTIONS]\n A 10 0\n B 10 2\n C 10 0\n[RESERVOIRS]\n R 80\n"
        "[PIPES]\n P R A 100 200 100\n Q B C 100 200 100\n"
        "[VALVES]\n V A B 200 PRV 30\n W A C 200 TCV 3\n"
        "[STATUS]\n V CLOSED\n W CLOSED\n[OPTIONS]\n Units LPS\n Headloss H-W\n";
    water_rig rig = open_water(text, 1, 1);
    advance_water(rig.state, 0.0); // what is cut off is sucked dry, and shows it
    gm_ref head = water_ref(&rig, CLASS_JUNCTION, JUNCTION_HEAD, "B");
    assert_true(water_value(rig.state, head, 0) < -1e3);
    close_water(&rig);
}

static void one_junction_is_a_network(void **state)
{
    (void)state;
    water_rig rig =
        open_water("[JUNCTIONS]\n A 10 0\n[RESERVOIRS]\n R 80\n[PIPES]\n P R A 1 100 100"
                   "\n[OPTIONS]\n Units LPS\n Headloss H-W\n",
                   1, 1);
    advance_water(rig.state, 0.0);
    gm_ref head = water_ref(&rig, CLASS_JUNCTION, JUNCTION_HEAD, "A");
    assert_near(water_value(rig.state, head, 0), 80.0, 1e-9);
    close_water(&rig);
}

static void what_does_not_settle_ends_and_is_named(void **state)
{
    (void)state;
    // the control opens the pipe that it closes: no status is right
    static const char text[] =
        "[JUNCTIONS]\n A 10 0\n B 10 20\n[RESERVOIRS]\n R 60\n S 40\n"
        "[PIPES]\n P R A 100 200 100\n Q A B 100 200 100\n U B S 100 100 100\n"
        "[CONTROLS]\n LINK Q CLOSED IF NODE B ABOVE 40\n LINK Q OPEN IF NODE B BELOW 35\n"
        "[OPTIONS]\n Units LPS\n Headloss H-W\n Unbalanced Stop\n Trials 40\n";
    water_rig rig = open_water(text, 1, 1);
    gm_error error = { 0 };
    assert_int_not_equal(gm_state_advance(rig.state, 0, 0, NULL, &error), GM_OK);
    assert_non_null(strstr(error.text, "'Q'"));
    assert_non_null(strstr(error.text, "200 iterations"));
    close_water(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_the_same_alone_and_among_others),
        cmocka_unit_test(equal_lanes_stay_equal),
        cmocka_unit_test(trees_left_out_end_where_the_whole_iteration_ends),
        cmocka_unit_test(a_lane_whose_trees_take_part_leaves_the_others_alone),
        cmocka_unit_test(random_networks_balance_in_any_order),
        cmocka_unit_test(a_line_of_a_hundred_thousand_junctions_is_solved),
        cmocka_unit_test(a_network_with_every_valve_shut_is_solved),
        cmocka_unit_test(one_junction_is_a_network),
        cmocka_unit_test(what_does_not_settle_ends_and_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
