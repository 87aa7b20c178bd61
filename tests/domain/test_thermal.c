// Laws of thermal networks: energy, steady states, exact solutions, bounds, stiffness, any size.
#include "domain/thermal_fixture.h"

#include <time.h>

#include "num/dense.h"

static double energy_of(const rig *net, size_t lane)
{
    double energy = 0.0;
    for (size_t node = 0; node < gm_model_element_count(net->model, NODE); node++) {
        energy += value_at(net, ref_of(NODE, CAPACITY, node), lane) * temperature(net, node, lane);
    }
    return energy;
}

static void energy_is_conserved_in_a_closed_network(void **state)
{
    (void)state;
    static const char *const methods[] = { "", ", integrator: {method: rk4, step: 1 s}",
                                           ", integrator: {method: rodas3}" };
    for (size_t method = 0; method < 3; method++) {
        gm_string text = { 0 };
        write_chain(&text, 40, methods[method]);
        rig net = open_rig(text.data, 11, 0);
        scatter_lanes(&net);
        for (int step = 1; step <= 20; step++) {
            double before[11];
            for (size_t lane = 0; lane < 11; lane++) {
                before[lane] = energy_of(&net, lane);
            }
            advance_to(&net, 5.0 * step);
            for (size_t lane = 0; lane < 11; lane++) {
                assert_close(energy_of(&net, lane) / before[lane], 1.0, 1e-12);
            }
        }
        close_rig(&net);
        gm_string_free(&text);
    }
}

static void two_nodes_follow_the_exact_solution(void **state)
{
    (void)state;
    rig net = open_rig("{nodes: {a: {capacity: 100 J/K, temperature: 350 K},"
                       " b: {capacity: 300 J/K, temperature: 290 K}},"
                       " paths: {a-b: {conductance: 2 W/K}},"
                       " integrator: {relative: 1e-10, absolute: 1e-10}}",
                       1, 0);
    double mean = (100.0 * 350.0 + 300.0 * 290.0) / 400.0;
    double decay_per_s = 2.0 * (1.0 / 100.0 + 1.0 / 300.0);
    for (double time_s = 10.0; time_s < 300.0; time_s += 10.0) {
        advance_to(&net, time_s);
        double gap = 60.0 * exp(-decay_per_s * time_s);
        assert_close(temperature(&net, 0, 0), mean + gap * 0.75, 1e-7);
        assert_close(temperature(&net, 1, 0), mean - gap * 0.25, 1e-7);
        assert_close(value_at(&net, ref_of(PATH, PATH_FLOW, 0), 0), 2.0 * gap, 1e-6);
    }
    close_rig(&net);
}

static double error_of(const char *integrator)
{
    char text[512];
    snprintf(text, sizeof text,
             "{nodes: {a: {capacity: 10, temperature: 400}, b: {fixed: true, temperature: 300}},"
             " paths: {a-b: {conductance: 1}}, integrator: %s}",
             integrator);
    rig net = open_rig(text, 1, 0);
    advance_to(&net, 20.0);
    double error = fabs(temperature(&net, 0, 0) - (300.0 + 100.0 * exp(-2.0)));
    close_rig(&net);
    return error;
}

static void order_is_four_and_tolerances_are_kept(void **state)
{
    (void)state;
    double coarse = error_of("{method: rk4, step: 4 s}"), fine = error_of("{method: rk4, step: 2}");
    assert_close(log2(coarse / fine), 4.0, 0.3);
    double loose = error_of("{method: rodas3, relative: 1e-5, absolute: 1e-6}");
    double tight = error_of("{method: rodas3, relative: 1e-8, absolute: 1e-9}");
    assert_true(loose < 3e-2 && tight < 3e-5 && tight < loose / 50.0);
    assert_true(error_of("{method: dopri5, relative: 1e-9, absolute: 1e-9}") < 1e-5);
}

static void steady_state_solves_the_linear_system(void **state)
{
    (void)state;
    rig net = open_rig("{nodes: {a: {capacity: 50, power: 7}, b: {capacity: 20, power: -3},"
                       " c: {capacity: 5}, cold: {fixed: true, temperature: 270},"
                       " warm: {fixed: true, temperature: 310}},"
                       " paths: {a-b: {conductance: 0.4}, b-c: {conductance: 1.5},"
                       " a-cold: {conductance: 0.2}, c-warm: {conductance: 0.7}},"
                       " flows: {cold-b: {flow: 1 g/s, specific heat: 1000}},"
                       " integrator: {method: rodas3}}",
                       9, 0);
    advance_to(&net, 1e6);
    // conductances out of each node minus those between them, times temperatures = heat that enters
    double matrix[9] = { 0.4 + 0.2, -0.4, 0.0, -0.4, 0.4 + 1.5 + 1.0, -1.5, 0.0, -1.5, 1.5 + 0.7 };
    double heat[3] = { 7.0 + 0.2 * 270.0, -3.0 + 1.0 * 270.0, 0.7 * 310.0 };
    assert_true(gm_cholesky(3, matrix));
    gm_cholesky_solve(3, matrix, heat);
    for (size_t node = 0; node < 3; node++) {
        assert_close(temperature(&net, node, 8), heat[node], 1e-6);
    }
    assert_close(value_at(&net, ref_of(FLOW, HEAT, 0), 3), 270.0 - heat[1], 1e-6);
    assert_close(temperature(&net, 3, 0), 270.0, 0.0); // given temperatures stay
    close_rig(&net);
}

static void a_stream_renews_what_it_flows_through(void **state)
{
    (void)state;
    rig net = open_rig("{nodes: {tank: {capacity: 4180, temperature: 20 degC},"
                       " tap: {fixed: true, temperature: 60 degC}},"
                       " flows: {in: {from: tap, to: tank, flow: 0.1 kg/s,"
                       " specific heat: 4180 J/(kg K)}},"
                       " integrator: {relative: 1e-10, absolute: 1e-10}}",
                       1, 0);
    advance_to(&net, 10.0); // one renewal: 1 kg in the tank, 0.1 kg/s
    assert_close(temperature(&net, 0, 0), 333.15 - 40.0 * exp(-1.0), 1e-6);
    assert_close(value_at(&net, ref_of(FLOW, HEAT, 0), 0), 418.0 * 40.0 * exp(-1.0), 1e-3);
    close_rig(&net);
}

static void temperatures_stay_between_the_hottest_and_the_coldest(void **state)
{
    (void)state;
    gm_string text = { 0 };
    write_chain(&text, 60, ", integrator: {method: dopri5}");
    rig net = open_rig(text.data, 8, 0);
    scatter_lanes(&net);
    double low[8], high[8];
    for (int step = 0; step <= 30; step++) {
        advance_to(&net, 20.0 * step);
        for (size_t lane = 0; lane < 8; lane++) {
            double coldest = INFINITY, hottest = -INFINITY;
            for (size_t node = 0; node < 60; node++) {
                coldest = fmin(coldest, temperature(&net, node, lane));
                hottest = fmax(hottest, temperature(&net, node, lane));
            }
            assert_true(step == 0 || (coldest >= low[lane] - 1e-3 && hottest <= high[lane] + 1e-3));
            low[lane] = coldest;
            high[lane] = hottest;
        }
    }
    close_rig(&net);
    gm_string_free(&text);
}

static const char *const stiff_network =
    "{nodes: {sensor: {capacity: 1e-4 J/K, temperature: 400}, body: {capacity: 1000, power: 5},"
    " room: {fixed: true}}, paths: {sensor-body: {conductance: 100}, body-room: {conductance: 1}},"
    " integrator: {method: %s, limit: %d, relative: %s, absolute: %s}}";

static void a_stiff_network_is_for_rodas3(void **state)
{
    (void)state;
    char text[512];
    snprintf(text, sizeof text, stiff_network, "rodas3", 300, "1e-6", "1e-6");
    rig stiff = open_rig(text, 8, 0);
    advance_to(&stiff, 1000.0);
    snprintf(text, sizeof text, stiff_network, "dopri5", 300, "1e-6", "1e-6");
    rig explicit_one = open_rig(text, 8, 0);
    gm_error error = { 0 };
    int64_t until_ns = INT64_C(1000000000000);
    // a million times the fastest time constant: an explicit method needs far more steps
    assert_int_equal(gm_state_advance(explicit_one.state, 0, until_ns, NULL, &error), GM_NUMERIC);
    assert_int_equal(gm_state_lanes_left(explicit_one.state), 0);
    // the slow mode: sensor and body move as one
    double exact = 298.15 - 5.0 * exp(-1000.0 / (1000.0 + 1e-4));
    double start_k = 293.15 + (400.0 - 293.15) * 1e-4 / 1000.0;
    exact += (start_k - 293.15) * exp(-1.0);
    assert_close(temperature(&stiff, 1, 5), exact, 2e-4);
    assert_close(temperature(&stiff, 0, 5), temperature(&stiff, 1, 5), 1e-3);
    close_rig(&explicit_one);
    close_rig(&stiff);
}

static uint64_t hash_after(const char *text, int width, gm_workers *workers)
{
    rig net = open_rig(text, 19, width);
    scatter_lanes(&net);
    gm_error error = { 0 };
    for (int step = 1; step <= 10; step++) {
        assert_int_equal(
            gm_state_advance(net.state, 0, step * INT64_C(3000000000), workers, &error), GM_OK);
    }
    uint64_t hash = gm_state_hash(net.state);
    close_rig(&net);
    return hash;
}

static void width_and_workers_leave_the_bits_alone(void **state)
{
    (void)state;
    static const char *const methods[] = {
        ", flows: {n1-n7: {flow: 0.002, specific heat: 1000}}",
        ", integrator: {method: rk4, step: 0.5}",
        ", flows: {n2-n5: {flow: 0.002, specific heat: 1000}}, integrator: {method: rodas3}",
    };
    for (size_t method = 0; method < 3; method++) {
        gm_string text = { 0 };
        write_chain(&text, 23, methods[method]);
        uint64_t hash = hash_after(text.data, 8, NULL);
        assert_true(hash == hash_after(text.data, 1, NULL));
        for (size_t count = 2; count <= 7; count += 5) {
            gm_workers *workers = NULL;
            assert_int_equal(gm_workers_create(count, &workers, NULL), GM_OK);
            assert_true(hash == hash_after(text.data, 8, workers));
            gm_workers_close(workers);
        }
        gm_string_free(&text);
    }
}

static void outputs_are_read_from_a_state_in_pieces(void **state)
{
    (void)state;
    enum { COUNT = 3000, CHANGED = 2000 }; // columns of three segments
    gm_string text = { 0 };
    write_chain(&text, COUNT, "");
    rig net = open_rig(text.data, 8, 0);
    gm_state *fork = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_state_fork(net.state, &fork, &error), GM_OK);
    gm_ref changed = ref_of(NODE, TEMPERATURE, CHANGED);
    assert_int_equal(gm_state_fill(fork, changed, 500.0, &error), GM_OK);
    rig what_if = net;
    what_if.state = fork;
    size_t own = gm_state_memory_of(fork).own, joining = 0;
    for (size_t path = CHANGED + 600; path < CHANGED + 720; path++) {
        // whatever joins n2000: the path's flow is what its two nodes say
        double before = value_at(&net, ref_of(PATH, PATH_FLOW, path), 3);
        double after = value_at(&what_if, ref_of(PATH, PATH_FLOW, path), 3);
        const char *name = gm_model_element_name(net.model, PATH, path);
        bool joins = strncmp(name, "n2000-", 6) == 0 || strstr(name, "-n2000") != NULL;
        joining += joins;
        assert_true(joins ? fabs(after - before) > 5.0 : after == before);
    }
    assert_true(joining >= 2);
    assert_int_equal(gm_state_memory_of(fork).own, own); // looking costs nothing
    advance_to(&what_if, 5.0);
    assert_true(temperature(&what_if, CHANGED, 0) < 500.0);
    assert_close(temperature(&net, CHANGED, 0), 280.0 + CHANGED % 31, 0.0);
    gm_state_close(fork);
    close_rig(&net);
    gm_string_free(&text);
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void a_chain_of_100000_nodes_runs(void **state)
{
    (void)state;
    static const char *const methods[] = { "dopri5", "rodas3" };
    for (size_t method = 0; method < 2; method++) {
        char ending[64];
        snprintf(ending, sizeof ending, ", integrator: {method: %s}", methods[method]);
        gm_string text = { 0 };
        write_chain(&text, 100000, ending);
        double start_s = seconds_now();
        rig net = open_rig(text.data, 8, 0);
        double built_s = seconds_now();
        advance_to(&net, 10.0);
        printf("100,000 nodes, %s: built in %.3f s, 8 lanes 10 s ahead in %.3f s\n",
               methods[method], built_s - start_s, seconds_now() - built_s);
        assert_int_equal(gm_state_lanes_left(net.state), 8);
        close_rig(&net);
        gm_string_free(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(energy_is_conserved_in_a_closed_network),
        cmocka_unit_test(two_nodes_follow_the_exact_solution),
        cmocka_unit_test(order_is_four_and_tolerances_are_kept),
        cmocka_unit_test(steady_state_solves_the_linear_system),
        cmocka_unit_test(a_stream_renews_what_it_flows_through),
        cmocka_unit_test(temperatures_stay_between_the_hottest_and_the_coldest),
        cmocka_unit_test(a_stiff_network_is_for_rodas3),
        cmocka_unit_test(width_and_workers_leave_the_bits_alone),
        cmocka_unit_test(outputs_are_read_from_a_state_in_pieces),
        cmocka_unit_test(a_chain_of_100000_nodes_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
