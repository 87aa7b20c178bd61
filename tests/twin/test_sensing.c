// What sensors tell: means, totals and counts over spans, sums over many fields, biases. A cellar
// that cools towards a room of constant temperature has closed answers for all of them.
#include "rig_steps.h"

enum { LANES = 64, SENSOR_ROOM = 0, SENSOR_FIRST, SENSOR_SECOND };
#define CYCLE_NS (10 * GM_SECOND_NS)
#define CYCLES   "10 s"

static const double room_k = 283.15, capacity = 60e3, conductance = 50.0;

/// One cellar of 60 kJ/K and 50 W/K: its time constant is 20 min. The first sensor says when it
/// begins.
#define CELLAR(nodes, paths, sensors, rest)                                                        \
    "world: cellar\n"                                                                              \
    "cycle: " CYCLES "\n"                                                                          \
    "lanes: 64\n"                                                                                  \
    "lateness: 5 min\n"                                                                            \
    "systems:\n"                                                                                   \
    "  c:\n"                                                                                       \
    "    model: thermal\n"                                                                         \
    "    nodes: {" nodes " room: {fixed: true, temperature: 10 degC} }\n"                          \
    "    paths: {" paths "}\n"                                                                     \
    "sensors:\n"                                                                                   \
    "  room: {field: c/room/temperature, unit: degC}\n" sensors rest
#define AIR      "air: {capacity: 60 kJ/K, temperature: 20 degC},"
#define AIR_PATH "air-room: {conductance: 50 W/K}"
#define WIDE     "estimate: {states: {c/*/temperature: {spread: 2 K, drift: 1e-9 K/h}}}\n"
#define NARROW   "estimate: {states: {c/*/temperature: {spread: 1e-9 K, drift: 1e-9 K/h}}}\n"

static gm_sample at(size_t sensor, double seconds, double value)
{
    return (gm_sample){ .sensor = sensor,
                        .time_ns = RIG_START_NS + (int64_t)(seconds * 1e9),
                        .value = value };
}

static void run_to(gm_twin *twin, double seconds)
{
    rig_cycle(twin, RIG_START_NS + (int64_t)(seconds * 1e9));
}

/// A twin that begins at RIG_START_NS.
static gm_twin *begin(const gm_world *world, const char *folder)
{
    gm_twin *twin = rig_twin_open(world, folder, 1);
    rig_submit(twin, at(SENSOR_ROOM, 1.0, 10.0));
    run_to(twin, 310.0); // a recording begins once nothing can come before
    return twin;
}

static void lanes_of(gm_twin *twin, const char *address, double *values)
{
    gm_twin_view view;
    gm_ref ref;
    assert_int_equal(gm_twin_look(twin, NULL, &view, NULL), GM_OK);
    assert_int_equal(gm_world_find_one(gm_twin_world(twin), address, (gm_place){ 0 }, &ref, NULL),
                     GM_OK);
    assert_int_equal(gm_state_read(view.state, ref, values, NULL), GM_OK);
    gm_twin_look_away(twin, &view);
}

static double mean_of(const double *values)
{
    double sum = 0.0;
    for (size_t lane = 0; lane < LANES; lane++) {
        sum += values[lane] / LANES;
    }
    return sum;
}

static double covariance_of(const double *a, const double *b)
{
    double sum = 0.0, mean_a = mean_of(a), mean_b = mean_of(b);
    for (size_t lane = 0; lane < LANES; lane++) {
        sum += (a[lane] - mean_a) * (b[lane] - mean_b) / (LANES - 1);
    }
    return sum;
}

static gm_sensor_status status_of(gm_twin *twin, size_t sensor)
{
    gm_sensor_status status;
    gm_twin_sensor(twin, sensor, &status);
    return status;
}

/// The mean over so many seconds of a cellar that ends at a temperature.
static double past_mean(double end_k, double seconds)
{
    double rate = conductance / capacity;
    return room_k + (end_k - room_k) * expm1(rate * seconds) / (rate * seconds);
}

static void near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance)) {
        fail_msg("got %.12g, expected %.12g within %g", got, expected, tolerance);
    }
}

/// Mean and spread of what was measured by `value` of the lanes' predictions, by Kalman.
static void check_kalman(const double *before, const double *predicted, double value, double noise,
                         const double *after)
{
    double gain =
        covariance_of(before, predicted) / (covariance_of(predicted, predicted) + noise * noise);
    double mean = mean_of(before) + gain * (value - mean_of(predicted));
    double variance = covariance_of(before, before) - gain * covariance_of(before, predicted);
    near(mean_of(after), mean, 1e-4);
    near(sqrt(covariance_of(after, after)), sqrt(variance), 1e-4);
}

static const char mean_world[] =
    CELLAR(AIR, AIR_PATH,
           "  mean: {field: c/air/temperature, unit: degC, noise: 0.2 K, averaged: 10 min}\n"
           "  now: {field: c/air/temperature, unit: degC, noise: 1 mK}\n",
           WIDE);

static void a_mean_teaches_what_kalman_learns_from_it(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(mean_world);
    double before[LANES], predicted[LANES], after[LANES];
    gm_twin *twin = begin(world, NULL);
    run_to(twin, 600.0);
    lanes_of(twin, "c/air/temperature", before);
    gm_twin_close(twin);
    for (size_t lane = 0; lane < LANES; lane++) {
        predicted[lane] = past_mean(before[lane], 600.0);
    }
    twin = begin(world, NULL);
    rig_submit(twin, at(SENSOR_FIRST, 600.0, 19.5));
    run_to(twin, 600.0);
    lanes_of(twin, "c/air/temperature", after);
    check_kalman(before, predicted, 19.5 + 273.15, 0.2, after);
    near(status_of(twin, SENSOR_FIRST).estimate, mean_of(predicted), 1e-3);
    gm_twin_close(twin);
    gm_world_close(world);
}

static void what_moves_the_present_moves_the_past(void **state)
{
    (void)state;
    gm_world *world = rig_world_open(mean_world);
    gm_twin *twin = begin(world, NULL);
    rig_submit(twin, at(SENSOR_FIRST, 600.0, 17.0));
    run_to(twin, 600.0);
    double unaware = status_of(twin, SENSOR_FIRST).spread;
    gm_twin_close(twin);
    twin = begin(world, NULL);
    double half = 289.15; // after five minutes it is known to be 16 degC
    rig_submit(twin, at(SENSOR_SECOND, 320.0, half - 273.15));
    rig_submit(twin, at(SENSOR_FIRST, 600.0, 17.0));
    run_to(twin, 600.0);
    gm_sensor_status mean = status_of(twin, SENSOR_FIRST);
    double end = room_k + (half - room_k) * exp(-280.0 * conductance / capacity);
    assert_true(unaware > 1.0);
    near(mean.estimate, past_mean(end, 600.0), 0.1);
    assert_true(mean.spread < 0.06 * unaware);
    gm_twin_close(twin);
    gm_world_close(world);
}

static void a_mean_is_of_its_own_span_whatever_was_missed(void **state)
{
    (void)state;
    gm_world *world =
        rig_world_open(CELLAR(AIR, AIR_PATH,
                              "  mean: {field: c/air/temperature, unit: degC, noise: 1 K, "
                              "averaged: 10 min}\n"
                              "  often: {field: c/air/temperature, unit: degC, noise: 1 K, "
                              "averaged: 10 min, every: 2 min}\n",
                              NARROW));
    gm_twin *twin = begin(world, NULL);
    static const double times[] = { 420.0, 480.0, 600.0, 1200.0, 2400.0, 2643.0, 2700.0, 3300.0 };
    for (size_t index = 0; index < sizeof times / sizeof *times; index++) {
        double end = room_k + 10.0 * exp(-times[index] * conductance / capacity);
        double mean = past_mean(end, 600.0);
        for (size_t sensor = SENSOR_FIRST; sensor <= SENSOR_SECOND; sensor++) {
            rig_submit(twin, at(sensor, times[index], mean - 273.15));
        }
        run_to(twin, ceil(times[index] / 10.0) * 10.0);
        for (size_t sensor = SENSOR_FIRST; sensor <= SENSOR_SECOND; sensor++) {
            gm_sensor_status status = status_of(twin, sensor);
            if (times[index] < 540.0) { // too little is known of its span
                assert_true(isnan(status.estimate));
            } else {
                near(status.estimate, mean, 0.02 * (mean - room_k));
            }
        }
    }
    gm_twin_close(twin);
    gm_world_close(world);
}

static void averages_alone_find_the_state(void **state)
{
    (void)state;
    gm_world *world =
        rig_world_open(CELLAR(AIR, AIR_PATH,
                              "  mean: {field: c/air/temperature, unit: degC, noise: 0.1 K, "
                              "averaged: 5 min}\n",
                              "estimate: {states: [c/*/temperature]}\n"));
    gm_twin *twin = begin(world, NULL);
    for (double seconds = 600.0; seconds <= 6000.0; seconds += 300.0) {
        double end = room_k + 30.0 * exp(-seconds * conductance / capacity); // it was at 40 degC
        rig_submit(twin, at(SENSOR_FIRST, seconds, past_mean(end, 300.0) - 273.15));
        run_to(twin, seconds);
    }
    double values[LANES];
    lanes_of(twin, "c/air/temperature", values);
    near(mean_of(values), room_k + 30.0 * exp(-6000.0 * conductance / capacity), 0.1);
    gm_twin_close(twin);
    gm_world_close(world);
}

static void totals_and_rises_begin_at_the_sample_before(void **state)
{
    (void)state;
    gm_world *world =
        rig_world_open(CELLAR(AIR, AIR_PATH,
                              "  heat: {field: c/air-room/flow, unit: kWh, noise: 1 Wh, totalled: "
                              "true}\n"
                              "  rise: {field: c/air/temperature, unit: degC, noise: 1 K, risen: "
                              "true}\n",
                              NARROW));
    gm_twin *twin = begin(world, NULL);
    static const double times[] = { 333.0, 400.0, 1777.0, 1781.0, 2500.5 };
    double last = NAN;
    for (size_t index = 0; index < sizeof times / sizeof *times; index++) {
        double now = 10.0 * exp(-times[index] * conductance / capacity);
        double lost_j = capacity * (last - now);
        rig_submit(twin, at(SENSOR_FIRST, times[index], index > 0 ? lost_j / 3.6e6 : 0.0));
        rig_submit(twin, at(SENSOR_SECOND, times[index], index > 0 ? now - last : 0.0));
        run_to(twin, ceil(times[index] / 10.0) * 10.0);
        gm_sensor_status heat = status_of(twin, SENSOR_FIRST),
                         rise = status_of(twin, SENSOR_SECOND);
        if (index == 0) {
            assert_true(isnan(heat.estimate) && isnan(rise.estimate));
        } else {
            near(heat.estimate, lost_j, 1e-4 * lost_j);
            near(rise.estimate, now - last, 1e-6);
        }
        last = now;
    }
    gm_twin_close(twin);
    gm_world_close(world);
}

static void counts_scatter_as_counts_do(void **state)
{
    (void)state;
    enum { COUNTS = 30 };
    gm_world *world = rig_world_open(
        CELLAR("air: {capacity: 6 GJ/K, temperature: 20 degC},", AIR_PATH,
               "  pulses: {field: c/air-room/flow, scale: 500 J, counted: 1 min}\n",
               "estimate: {states: {c/air/temperature: {spread: 5 K, drift: 1e-9 K/h}}}\n"));
    gm_random random = gm_random_for(5, "pulses");
    gm_twin *twin = begin(world, NULL);
    double expected = 84.0; // at 24 degC: 700 W
    for (size_t index = 0; index < COUNTS; index++) {
        double draw = gm_random_normal(random, (gm_draw){ .element = (uint32_t)index });
        double seconds = 360.0 + 60.0 * (double)index;
        rig_submit(twin, at(SENSOR_FIRST, seconds, round(expected + sqrt(expected) * draw)));
        run_to(twin, seconds);
    }
    double values[LANES];
    lanes_of(twin, "c/air/temperature", values);
    double spread = sqrt(covariance_of(values, values));
    double known = sqrt(COUNTS * expected) / (COUNTS * 6.0); // six counts a minute and kelvin
    near(spread, known, 0.2 * known);
    near(mean_of(values), 297.15, 3.0 * known);
    gm_twin_close(twin);
    gm_world_close(world);
}

static void sums_and_extremes_teach_all_that_is_in_them(void **state)
{
    (void)state;
    static const char *const nodes[] = { "c/a/temperature", "c/b/temperature", "c/d/temperature" };
    gm_world *world = rig_world_open(
        CELLAR("a: {capacity: 60 kJ/K, temperature: 20 degC}, b: {capacity: 30 kJ/K, temperature: "
               "40 degC}, d: {capacity: 60 kJ/K, temperature: 30 degC},",
               "a-room: {conductance: 50 W/K}, b-room: {conductance: 20 W/K}, d-room: "
               "{conductance: 10 W/K}",
               "  all: {field: c/path/*/flow, of: sum, noise: 20 W}\n"
               "  hottest: {field: c/node/*/temperature, of: most, unit: degC, noise: 0.1 K}\n"
               "  mean: {field: c/node/*/temperature, of: mean, unit: degC, noise: 0.1 K}\n",
               WIDE));
    double before[3][LANES], sum[LANES] = { 0 }, most[LANES], mean[LANES] = { 0 }, after[LANES];
    static const double conductances[] = { 50.0, 20.0, 10.0 };
    gm_twin *twin = begin(world, NULL);
    run_to(twin, 400.0);
    for (size_t node = 0; node < 3; node++) {
        lanes_of(twin, nodes[node], before[node]);
        for (size_t lane = 0; lane < LANES; lane++) {
            double value = before[node][lane];
            sum[lane] += conductances[node] * (value - room_k);
            most[lane] = node == 0 || value > most[lane] ? value : most[lane];
            mean[lane] += value / 3.0;
        }
    }
    gm_twin_close(twin);
    const struct {
        const double *predicted;
        double value, offset, noise;
    } readings[] = { { sum, mean_of(sum) + 100.0, 0.0, 20.0 },
                     { most, mean_of(most) + 1.0, 273.15, 0.1 },
                     { mean, mean_of(mean) + 1.0, 273.15, 0.1 } };
    for (size_t reading = 0; reading < 3; reading++) {
        twin = begin(world, NULL);
        rig_submit(twin, at(SENSOR_FIRST + reading, 400.0,
                            readings[reading].value - readings[reading].offset));
        run_to(twin, 400.0);
        for (size_t node = 0; node < 3; node++) {
            lanes_of(twin, nodes[node], after);
            check_kalman(before[node], readings[reading].predicted, readings[reading].value,
                         readings[reading].noise, after);
        }
        gm_twin_close(twin);
    }
    gm_world_close(world);
}

static const char biased_world[] = CELLAR(
    "air: {capacity: 60 kJ/K, temperature: 20 degC}, wall: {capacity: 60 kJ/K, temperature: "
    "20 degC},",
    "air-room: {conductance: 5 W/K}, wall-room: {conductance: 5 W/K}",
    "  off: {field: c/air/temperature, unit: degC, noise: 0.1 K, bias: {spread: 0.5 K, "
    "drift: 0.01 K/day}}\n"
    "  right: {field: c/air/temperature, unit: degC, noise: 0.1 K}\n"
    "  silent: {field: c/air/temperature, unit: degC, noise: 0.1 K, bias: {spread: 0.5 K}}\n"
    "  apart: {field: c/wall/temperature, unit: degC, noise: 0.1 K, bias: {spread: 0.5 K}}\n",
    "estimate: {states: [c/*/temperature]}\n");

static void a_bias_is_found_where_another_sensor_is_right(void **state)
{
    (void)state;
    enum { STEPS = 300, APART = SENSOR_SECOND + 2 };
    gm_random random = gm_random_for(11, "biases");
    for (int sign = -1; sign <= 1; sign += 2) {
        gm_world *world = rig_world_open(biased_world);
        gm_twin *twin = begin(world, NULL);
        for (size_t step = 0; step < STEPS; step++) {
            double seconds = 320.0 + 10.0 * (double)step;
            double air = 10.0 + 10.0 * exp(-seconds * 5.0 / 60e3);
            static const size_t sensors[] = { SENSOR_FIRST, SENSOR_SECOND, APART };
            for (size_t index = 0; index < 3; index++) {
                gm_draw draw = { .element = (uint32_t)index, .occurrence = step };
                double off = sensors[index] != SENSOR_SECOND ? 0.8 * sign : 0.0;
                rig_submit(twin, at(sensors[index], seconds,
                                    air + off + 0.1 * gm_random_normal(random, draw)));
            }
            run_to(twin, seconds);
        }
        gm_sensor_status off = status_of(twin, SENSOR_FIRST), apart = status_of(twin, APART);
        gm_sensor_status silent = status_of(twin, SENSOR_SECOND + 1);
        print_message("bias %+.3f +- %.3f of %+.1f; untold %+.3f +- %.3f; alone %+.3f +- %.3f\n",
                      off.bias, off.bias_spread, 0.8 * sign, silent.bias, silent.bias_spread,
                      apart.bias, apart.bias_spread);
        near(off.bias, 0.8 * sign, 0.1);
        assert_true(off.bias_spread < 0.1 && off.bias_spread > 0.001);
        assert_true(isnan(status_of(twin, SENSOR_SECOND).bias));
        near(silent.bias, 0.0, 0.2);
        assert_true(silent.bias_spread > 0.35);
        assert_true(apart.bias_spread > 0.2); // the wall may be warmer just as well
        assert_true(fabs(apart.bias - 0.8 * sign) < 2.5 * apart.bias_spread);
        double air[LANES];
        lanes_of(twin, "c/air/temperature", air);
        near(mean_of(air), 283.15 + 10.0 * exp(-(310.0 + 10.0 * STEPS) * 5.0 / 60e3), 0.1);
        gm_twin_close(twin);
        gm_world_close(world);
    }
}

static void forecasts_are_scored_without_the_bias(void **state)
{
    (void)state;
    enum { STEPS = 600 };
    static const char forecast[] =
        "forecast: {fields: [c/air/temperature], every: 1 min, at: [2 min]}\n";
    char text[sizeof biased_world + sizeof forecast];
    snprintf(text, sizeof text, "%s%s", biased_world, forecast);
    gm_world *world = rig_world_open(text);
    gm_twin_options options = gm_default_twin_options();
    options.replay = true;
    options.score_after_ns = 3000 * GM_SECOND_NS; // when the bias is known
    gm_twin *twin = NULL;
    assert_int_equal(gm_twin_open(world, &options, &twin, NULL), GM_OK);
    rig_submit(twin, at(SENSOR_ROOM, 1.0, 10.0));
    for (size_t step = 0; step < STEPS; step++) {
        double seconds = 320.0 + 10.0 * (double)step;
        double air = 10.0 + 10.0 * exp(-seconds * 5.0 / 60e3);
        for (size_t sensor = SENSOR_FIRST; sensor <= SENSOR_SECOND; sensor++) {
            gm_draw draw = { .element = (uint32_t)sensor, .occurrence = step };
            double noise = 0.1 * gm_random_normal(gm_random_for(12, "scored"), draw);
            rig_submit(twin,
                       at(sensor, seconds, air + noise + (sensor == SENSOR_FIRST ? 0.8 : 0.0)));
        }
        run_to(twin, seconds);
    }
    gm_score score; // by the first sensor of the field, which is off
    gm_twin_scores(twin, &score);
    assert_true(score.count > 20);
    near(score.bias, 0.0, 0.15);
    gm_twin_close(twin);
    gm_world_close(world);
}

// ---- the same bits ----

#define MIXED                                                                                      \
    CELLAR(AIR, AIR_PATH,                                                                          \
           "  mean: {field: c/air/temperature, unit: degC, noise: 0.2 K, averaged: 1 min}\n"       \
           "  heat: {field: c/air-room/flow, unit: W h, noise: 5 Wh, totalled: true}\n"            \
           "  off: {field: c/air/temperature, unit: degC, noise: 0.2 K, bias: {spread: 0.5 K, "    \
           "drift: 0.1 K/day}}\n"                                                                  \
           "  right: {field: c/node/*/temperature, of: most, unit: degC, noise: 0.2 K}\n",         \
           "estimate:\n"                                                                           \
           "  states: [c/*/temperature]\n"                                                         \
           "  parameters: {c/air-room/conductance: {spread: 20 %, drift: 1 %/day}}\n")

enum { MIXED_STEPS = 120, MIXED_SENSORS = 4 };

static gm_sample mixed_sample(size_t step, size_t sensor)
{
    gm_draw draw = { .element = (uint32_t)sensor, .occurrence = step };
    double noise = gm_random_normal(gm_random_for(3, "mixed"), draw);
    double seconds = 15.0 * (double)(step + 1) + (double)sensor; // irregular to the cycles
    double air = 10.0 + 10.0 * exp(-seconds * conductance / capacity);
    double value = sensor == 1 ? conductance * (air - 10.0) * 15.0 / 3600.0 : air + 0.2 * noise;
    return at(SENSOR_FIRST + sensor, seconds, value);
}

/// @param swap  every so many steps a sample comes 60 s late; 0: none
static uint64_t mixed_hash(const char *text, const char *folder, size_t swap, bool restarts)
{
    gm_world *world = rig_world_open(text);
    gm_twin *twin = rig_twin_open(world, folder, 1);
    for (size_t step = 0; step < MIXED_STEPS; step++) {
        for (size_t sensor = 0; sensor < MIXED_SENSORS; sensor++) {
            bool late = swap > 0 && step % swap == sensor % swap && step + 5 < MIXED_STEPS;
            bool catches_up = swap > 0 && step >= 4 && (step - 4) % swap == sensor % swap;
            gm_sample samples[2];
            size_t count = 0;
            if (!late) {
                samples[count++] = mixed_sample(step, sensor);
            }
            if (catches_up && step - 4 + 5 < MIXED_STEPS) {
                samples[count++] = mixed_sample(step - 4, sensor);
            }
            rig_feed(twin, samples, count);
        }
        if (restarts && step % 37 == 36) {
            gm_twin_close(twin);
            twin = rig_twin_open(world, folder, 3);
        }
    }
    rig_settle(twin);
    uint64_t hash = gm_twin_hash(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    return hash;
}

static void late_samples_and_restarts_end_in_the_same_bits(void **state)
{
    (void)state;
    uint64_t plain = mixed_hash(MIXED, NULL, 0, false);
    assert_true(plain != 0);
    assert_int_equal(mixed_hash(MIXED, NULL, 7, false), plain);
    rig_folder folder = rig_folder_make();
    assert_int_equal(mixed_hash(MIXED, folder.path, 7, true), plain);
    rig_remove(folder.path);
}

static void hypotheses_side_by_side_learn_biases_too(void **state)
{
    (void)state;
    uint64_t plain = mixed_hash(MIXED "  hypotheses: [as known, drifting]\n", NULL, 0, false);
    assert_true(plain != 0);
    assert_int_equal(mixed_hash(MIXED "  hypotheses: [as known, drifting]\n", NULL, 7, false),
                     plain);
}

static void an_edited_sensor_begins_anew(void **state)
{
    (void)state;
    rig_folder folder = rig_folder_make();
    gm_world *world = rig_world_open(mean_world);
    gm_twin *twin = begin(world, folder.path);
    run_to(twin, 600.0);
    rig_settle(twin);
    gm_twin_close(twin);
    gm_world_close(world);
    // the same room in the state for another sensor
    world = rig_world_open(CELLAR(
        AIR, AIR_PATH,
        "  total: {field: c/air-room/flow, unit: J, noise: 100 J, totalled: 10 min}\n", WIDE));
    twin = rig_twin_open(world, folder.path, 1);
    rig_submit(twin, at(SENSOR_FIRST, 800.0, 1e5));
    run_to(twin, 800.0);
    assert_true(isnan(status_of(twin, SENSOR_FIRST).estimate)); // it knows of 510 s
    rig_submit(twin, at(SENSOR_FIRST, 1500.0, 1e5));
    run_to(twin, 1500.0);
    assert_false(isnan(status_of(twin, SENSOR_FIRST).estimate));
    gm_twin_close(twin);
    gm_world_close(world);
    rig_remove(folder.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mean_teaches_what_kalman_learns_from_it),
        cmocka_unit_test(what_moves_the_present_moves_the_past),
        cmocka_unit_test(a_mean_is_of_its_own_span_whatever_was_missed),
        cmocka_unit_test(averages_alone_find_the_state),
        cmocka_unit_test(totals_and_rises_begin_at_the_sample_before),
        cmocka_unit_test(counts_scatter_as_counts_do),
        cmocka_unit_test(sums_and_extremes_teach_all_that_is_in_them),
        cmocka_unit_test(a_bias_is_found_where_another_sensor_is_right),
        cmocka_unit_test(forecasts_are_scored_without_the_bias),
        cmocka_unit_test(late_samples_and_restarts_end_in_the_same_bits),
        cmocka_unit_test(hypotheses_side_by_side_learn_biases_too),
        cmocka_unit_test(an_edited_sensor_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
