// A fleet in one network: integrated piece by piece, it gives the bits of the whole.
#include "base/failing_memory.h"
#include "domain/thermal_fixture.h"

enum { MACHINES = 150, LANES = 11, ALLOCATIONS_MAX = 1000 };

typedef enum order { MACHINE_BY_MACHINE = 0, KIND_BY_KIND, ONE_CHAIN } order;

static const char *const kinds[] = { "winding", "iron", "housing" };

static void write_node(gm_string *text, size_t machine, size_t kind)
{
    gm_string_format(text, ", %s%zu: {capacity: %zu, temperature: %zu, power: %zu}", kinds[kind],
                     machine, 50 + 30 * kind + machine % 5, 290 + machine % 17, 3 * (2 - kind));
}

static void write_link(gm_string *text, const char *name, const char *from, const char *to)
{
    gm_string_format(text, ", %s: {from: %s, to: %s, conductance: 2}", name, from, to);
}

/// Machines of three nodes in one hall of given temperature, which stands in front, among or behind
/// them; every fifth has a given coolant of its own that streams through its housing.
static gm_string write_fleet(order how, size_t hall_at, const char *integrator)
{
    gm_string text = { 0 };
    gm_string_format(&text, "{nodes: {lone: {capacity: 70, temperature: 300}");
    for (size_t at = 0; at < 3 * MACHINES; at++) {
        if (at == hall_at) {
            gm_string_format(&text, ", hall: {fixed: true, temperature: 285}");
        }
        size_t machine = how == KIND_BY_KIND ? at % MACHINES : at / 3;
        write_node(&text, machine, how == KIND_BY_KIND ? at / MACHINES : at % 3);
        if (how == MACHINE_BY_MACHINE && at % 15 == 14) {
            gm_string_format(&text, ", coolant%zu: {fixed: true, temperature: 280}", machine);
        }
    }
    if (hall_at >= 3 * MACHINES) {
        gm_string_format(&text, ", hall: {fixed: true, temperature: 285}");
    }
    gm_string_format(&text, "}, paths: {h: {from: lone, to: hall, conductance: 1}");
    for (size_t m = 0; m < MACHINES; m++) {
        char name[32], from[32], to[32];
        for (size_t kind = 0; kind < 3; kind++) {
            snprintf(name, sizeof name, "p%zu%s", m, kinds[kind]);
            snprintf(from, sizeof from, "%s%zu", kinds[kind], m);
            snprintf(to, sizeof to, "%s%zu", kinds[(kind + 1) % 3], m);
            write_link(&text, name, from, kind == 2 ? "hall" : to);
        }
        if (how == ONE_CHAIN && m > 0) {
            snprintf(name, sizeof name, "c%zu", m);
            snprintf(to, sizeof to, "housing%zu", m - 1);
            write_link(&text, name, from, to);
        }
    }
    gm_string_format(&text, "}, flows: {f: {from: hall, to: lone, flow: 2 g/s, specific heat: 1}");
    for (size_t m = 4; how == MACHINE_BY_MACHINE && m < MACHINES; m += 5) {
        gm_string_format(&text,
                         ", in%zu: {from: coolant%zu, to: housing%zu, flow: 1 g/s, specific heat: "
                         "4000}, out%zu: {from: housing%zu, to: coolant%zu, flow: 1 g/s, specific "
                         "heat: 4000}",
                         m, m, m, m, m, m);
    }
    gm_string_format(&text, "}, integrator: %s}", integrator);
    assert_false(text.failed);
    return text;
}

static uint64_t hash_after(const gm_domain *domain, const char *text, int width)
{
    rig made = open_domain(domain, text, LANES, width);
    scatter_lanes(&made);
    for (int second = 1; second <= 3; second++) {
        advance_to(&made, 1.5 * second);
    }
    uint64_t hash = gm_state_hash(made.state);
    close_rig(&made);
    return hash;
}

static const size_t halls[] = { 0, 1 + 3 * MACHINES / 2, 3 * MACHINES };

static void slices_give_the_bits_of_the_whole(void **state)
{
    (void)state;
    gm_domain whole = gm_thermal;
    whole.sliced = false;
    for (order how = MACHINE_BY_MACHINE; how <= ONE_CHAIN; how++) {
        for (size_t at = 0; at < 3; at++) {
            gm_string text = write_fleet(how, halls[at], "{method: rk4, step: 0.4 s}");
            uint64_t expected = hash_after(&whole, text.data, 8);
            assert_true(hash_after(&gm_thermal, text.data, 8) == expected);
            assert_true(hash_after(&gm_thermal, text.data, 1) == expected);
            gm_string_free(&text);
        }
    }
}

static void each_slice_controls_its_error(void **state)
{
    (void)state;
    gm_string text = write_fleet(MACHINE_BY_MACHINE, 0, "{method: dopri5}");
    gm_string exact = write_fleet(MACHINE_BY_MACHINE, 0, "{method: rk4, step: 0.01 s}");
    assert_true(hash_after(&gm_thermal, text.data, 8) == hash_after(&gm_thermal, text.data, 1));
    rig made = open_rig(text.data, LANES, 8), right = open_rig(exact.data, LANES, 8);
    rig *both[] = { &made, &right };
    double hasty[LANES];
    for (size_t at = 0; at < 2; at++) {
        scatter_lanes(both[at]);
        for (size_t lane = 0; lane < LANES; lane++) {
            hasty[lane] = 0.5; // one node a hundred times as quick as the others
        }
        gm_ref ref = ref_of(NODE, CAPACITY, 200);
        assert_int_equal(gm_state_write(both[at]->state, ref, hasty, NULL), GM_OK);
        for (int second = 1; second <= 5; second++) {
            advance_to(both[at], second);
        }
    }
    for (size_t node = 0; node < 3 * MACHINES; node++) {
        for (size_t lane = 0; lane < LANES; lane++) {
            assert_close(temperature(&made, node, lane), temperature(&right, node, lane), 5e-3);
        }
    }
    close_rig(&made);
    close_rig(&right);
    gm_string_free(&text);
    gm_string_free(&exact);
}

static void a_lane_that_fails_takes_no_other_along(void **state)
{
    (void)state;
    gm_string text = write_fleet(MACHINE_BY_MACHINE, 0, "{method: rk4, step: 0.4 s}");
    rig made = open_rig(text.data, LANES, 8), calm = open_rig(text.data, LANES, 8);
    double capacities[LANES];
    gm_ref ref = ref_of(NODE, CAPACITY, 200);
    assert_int_equal(gm_state_read(made.state, ref, capacities, NULL), GM_OK);
    capacities[2] = 1e-9; // so stiff that fixed steps blow up
    assert_int_equal(gm_state_write(made.state, ref, capacities, NULL), GM_OK);
    advance_to(&made, 3600.0);
    advance_to(&calm, 3600.0);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_int_equal(gm_state_lane_failed(made.state, lane), lane == 2);
        for (size_t node = 0; lane != 2 && node < 3 * MACHINES; node += 7) {
            assert_true(temperature(&made, node, lane) == temperature(&calm, node, lane));
        }
    }
    close_rig(&made);
    close_rig(&calm);
    gm_string_free(&text);
}

static void cutting_says_that_memory_is_out(void **state)
{
    (void)state;
    gm_string text = write_fleet(MACHINE_BY_MACHINE, 0, "{method: rk4, step: 0.4 s}");
    gm_arena *arena = gm_arena_create(0);
    gm_units *units = NULL;
    gm_error error = { 0 };
    assert_int_equal(gm_units_read(&units, &error), GM_OK);
    const gm_config *config = config_of(arena, units, text.data);
    gm_status status = GM_MEMORY;
    for (long allowed = 0; status != GM_OK && allowed < ALLOCATIONS_MAX; allowed++) {
        gm_model *model = NULL;
        error = (gm_error){ 0 };
        allocations_left = allowed;
        status = gm_model_build(&gm_thermal, "net", config, &model, &error);
        allocations_left = LONG_MAX;
        assert_true(status == GM_OK || status == GM_MEMORY);
        assert_int_equal(error.status, status);
        gm_model_close(model);
    }
    assert_int_equal(status, GM_OK);
    gm_units_close(units);
    gm_arena_close(arena);
    gm_string_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slices_give_the_bits_of_the_whole),
        cmocka_unit_test(each_slice_controls_its_error),
        cmocka_unit_test(a_lane_that_fails_takes_no_other_along),
        cmocka_unit_test(cutting_says_that_memory_is_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
