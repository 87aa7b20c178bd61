// Proof model (a): tanks that drain until they trip, refill until they open again, and burst when
// they overflow, every lane at its own times. Width, workers and neighbours leave no trace.
//
// Open: d sqrt(h)/dt = -drain / 2 (Torricelli). Tripped: dh/dt = inflow.
#include "model/model_fixture.h"

#include "num/lanes.h"

enum { TANK = 0, TANKS = 5, LANES = 21 };
enum { DRAIN = 0, INFLOW, LOW, HIGH, LEVEL, OPEN, TRIPS };

static const gm_field tank_fields[] = {
    [DRAIN] = { "drain", "m0.5/s", GM_PARAMETER, GM_F64, 0.05, 0.0, 1.0, "outlet" },
    [INFLOW] = { "inflow", "m/s", GM_INPUT, GM_F64, 0.01, 0.0, 1.0, "refill while tripped" },
    [LOW] = { "low", "m", GM_PARAMETER, GM_F32, 0.25, 0.0, 10.0, "trips here" },
    [HIGH] = { "high", "m", GM_PARAMETER, GM_F64, 2.0, 0.0, 10.0, "opens here" },
    [LEVEL] = { "level", "m", GM_STATE, GM_F64, 1.0, 0.0, 3.0, "surface; above 3 m it bursts" },
    [OPEN] = { "open", "1", GM_STATE, GM_U8, 1.0, 0.0, 1.0, "outlet open" },
    [TRIPS] = { "trips", "1", GM_STATE, GM_I32, 0.0, 0.0, 1e9, "how often it tripped" },
};
static const gm_class tank_class = { .name = "tank",
                                     .doc = "a tank",
                                     .fields = tank_fields,
                                     .field_count = sizeof tank_fields / sizeof *tank_fields };

static gm_status build_tanks(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_status status = gm_model_class(model, TANK, &tank_class, error);
    for (size_t index = 0; status == GM_OK && index < TANKS; index++) {
        char name[8] = { 't', (char)('0' + index), '\0' };
        size_t element = 0;
        status = gm_model_element(model, TANK, name, &element, error);
        if (status == GM_OK) {
            status =
                gm_model_initial(model, TANK, LEVEL, element, 0.5 + 0.3 * (double)index, error);
        }
    }
    return status;
}

typedef struct tank_view {
    const double *drain, *inflow, *high;
    const float *low;
    double *level;
    uint8_t *open;
    int32_t *trips;
} tank_view;

/// Seconds until the tank trips or opens.
static double until_event_s(const tank_view *at, size_t index)
{
    if (at->open[index]) {
        double fall = sqrt(at->level[index]) - sqrt((double)at->low[index]);
        return at->drain[index] > 0.0 ? fmax(2.0 * fall / at->drain[index], 0.0) : INFINITY;
    }
    double rise = at->high[index] - at->level[index];
    return at->inflow[index] > 0.0 ? fmax(rise / at->inflow[index], 0.0) : INFINITY;
}

static void move_tank(const tank_view *at, size_t index, double step_s)
{
    bool event = until_event_s(at, index) <= step_s;
    if (at->open[index]) {
        double root = sqrt(at->level[index]) - 0.5 * at->drain[index] * step_s;
        at->level[index] = event ? (double)at->low[index] : root * root;
    } else {
        at->level[index] = event ? at->high[index] : at->level[index] + at->inflow[index] * step_s;
    }
    at->trips[index] += event && at->open[index];
    at->open[index] = event ? !at->open[index] : at->open[index];
}

/// Every lane goes from event to event at its own pace and is masked when it arrives.
GM_INLINE void run_tanks(gm_block *block, int64_t until_ns, const int width)
{
    tank_view at = { .drain = gm_column(block, TANK, DRAIN),
                     .inflow = gm_column(block, TANK, INFLOW),
                     .low = gm_column(block, TANK, LOW),
                     .high = gm_column(block, TANK, HIGH),
                     .level = gm_column(block, TANK, LEVEL),
                     .open = gm_column(block, TANK, OPEN),
                     .trips = gm_column(block, TANK, TRIPS) };
    for (bool moving = true; moving;) {
        double step_s[GM_LANES];
        moving = false;
        for (int lane = 0; lane < width; lane++) {
            bool goes = (block->lanes >> lane & 1) != 0 && block->time_ns[lane] < until_ns;
            step_s[lane] = goes ? (double)(until_ns - block->time_ns[lane]) * 1e-9 : 0.0;
            moving = moving || goes;
        }
        double whole_s[GM_LANES];
        memcpy(whole_s, step_s, sizeof whole_s);
        for (size_t index = 0; index < TANKS * (size_t)width; index++) {
            double *step = &step_s[index % (size_t)width];
            *step = *step > 0.0 ? fmin(*step, until_event_s(&at, index)) : 0.0;
        }
        for (size_t index = 0; index < TANKS * (size_t)width; index++) {
            size_t lane = index % (size_t)width;
            if (whole_s[lane] > 0.0) {
                move_tank(&at, index, step_s[lane]);
            }
        }
        for (int lane = 0; lane < width; lane++) {
            if (whole_s[lane] > 0.0) {
                block->time_ns[lane] = step_s[lane] < whole_s[lane]
                                           ? block->time_ns[lane] + llround(step_s[lane] * 1e9)
                                           : until_ns;
            }
        }
    }
}

static gm_status advance_tanks(const gm_model *model, gm_block *block, int64_t until_ns,
                               gm_step *step)
{
    (void)model;
    (void)step;
    if (block->width == 1) {
        run_tanks(block, until_ns, 1);
    } else {
        run_tanks(block, until_ns, GM_LANES);
    }
    return GM_OK;
}

static const gm_domain tanks = { .name = "tanks",
                                 .summary = "tanks that trip",
                                 .source = "Torricelli 1644",
                                 .schema = 1,
                                 .build = build_tanks,
                                 .advance = advance_tanks };

/// Every lane other outlets and inflows: events fall at different times.
static trial open_tanks(int width)
{
    trial made = open_trial(&tanks, (trial_options){ .lanes = LANES, .width = width });
    for (size_t tank = 0; tank < TANKS; tank++) {
        double drain[LANES], inflow[LANES];
        for (size_t lane = 0; lane < LANES; lane++) {
            drain[lane] = 0.02 + 0.003 * (double)lane + 0.001 * (double)tank;
            inflow[lane] = 0.005 + 0.002 * (double)((lane * 5 + tank) % 11);
        }
        write_lanes(made.state, ref_of(TANK, DRAIN, tank), drain);
        write_lanes(made.state, ref_of(TANK, INFLOW, tank), inflow);
    }
    return made;
}

static void width_and_workers_give_the_same_bits(void **state)
{
    (void)state;
    trial wide = open_tanks(8), narrow = open_tanks(1);
    gm_workers *workers[2] = { NULL };
    assert_int_equal(gm_workers_create(2, &workers[0], NULL), GM_OK);
    assert_int_equal(gm_workers_create(7, &workers[1], NULL), GM_OK);
    assert_true(gm_state_hash(wide.state) == gm_state_hash(narrow.state));
    for (int step = 1; step <= 50; step++) {
        advance_state(wide.state, step * 7 * second_ns, workers[step % 2]);
        advance_state(narrow.state, step * 7 * second_ns, NULL);
        assert_true(gm_state_hash(wide.state) == gm_state_hash(narrow.state));
    }
    double trips[LANES], fewest = INFINITY, most = 0.0;
    read_lanes(wide.state, ref_of(TANK, TRIPS, 0), trips);
    for (size_t lane = 0; lane < LANES; lane++) {
        fewest = fmin(fewest, trips[lane]);
        most = fmax(most, trips[lane]);
    }
    assert_true(fewest >= 1.0 && most > 2.0 * fewest); // lanes do live at their own pace
    gm_workers_close(workers[0]);
    gm_workers_close(workers[1]);
    close_trial(&wide);
    close_trial(&narrow);
}

static void a_step_in_two_halves_trips_at_the_same_times(void **state)
{
    (void)state;
    trial once = open_tanks(8), twice = open_tanks(8);
    advance_state(once.state, 200 * second_ns, NULL);
    advance_state(twice.state, 77 * second_ns, NULL);
    advance_state(twice.state, 200 * second_ns, NULL);
    for (uint32_t field = LEVEL; field <= TRIPS; field++) {
        double a[LANES], b[LANES];
        read_lanes(once.state, ref_of(TANK, field, 3), a);
        read_lanes(twice.state, ref_of(TANK, field, 3), b);
        for (size_t lane = 0; lane < LANES; lane++) {
            assert_close(a[lane], b[lane], field == LEVEL ? 1e-6 : 0.0);
        }
    }
    close_trial(&once);
    close_trial(&twice);
}

static void a_lane_that_bursts_leaves_the_others_their_bits(void **state)
{
    (void)state;
    trial whole = open_tanks(8), hurt = open_tanks(8);
    double high[LANES];
    read_lanes(hurt.state, ref_of(TANK, HIGH, 2), high);
    high[3] = 9.0; // refills beyond 3 m: out of its physical bounds
    write_lanes(hurt.state, ref_of(TANK, HIGH, 2), high);
    advance_state(whole.state, 900 * second_ns, NULL);
    advance_state(hurt.state, 900 * second_ns, NULL);
    assert_true(gm_state_lane_failed(hurt.state, 3));
    assert_int_equal(gm_state_lanes_left(hurt.state), LANES - 1);
    advance_state(whole.state, 1000 * second_ns, NULL);
    advance_state(hurt.state, 1000 * second_ns, NULL); // the cycle after starts clean
    for (size_t tank = 0; tank < TANKS; tank++) {
        double a[LANES], b[LANES];
        read_lanes(whole.state, ref_of(TANK, LEVEL, tank), a);
        read_lanes(hurt.state, ref_of(TANK, LEVEL, tank), b);
        for (size_t lane = 0; lane < LANES; lane++) {
            assert_true(lane == 3 || memcmp(&a[lane], &b[lane], sizeof *a) == 0);
        }
    }
    uint32_t source[LANES];
    for (uint32_t lane = 0; lane < LANES; lane++) {
        source[lane] = lane == 3 ? 5 : lane;
    }
    gm_error error = { 0 };
    must(gm_state_resample(hurt.state, source, &error), &error);
    assert_int_equal(gm_state_lanes_left(hurt.state), LANES);
    close_trial(&whole);
    close_trial(&hurt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(width_and_workers_give_the_same_bits),
        cmocka_unit_test(a_step_in_two_halves_trips_at_the_same_times),
        cmocka_unit_test(a_lane_that_bursts_leaves_the_others_their_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
