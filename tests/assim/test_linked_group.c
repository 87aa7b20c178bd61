// Proof model (c): two systems linked in a delayed loop are assimilated as one group. Lane k of one
// system drives lane k of the other, before and after resampling and the square-root update.
//
// Two vessels drain into each other: d level/dt = inflow - outlet level; the inflow of each is what
// the other gave at the end of the step before.
#include "model/model_fixture.h"

#include "assim/resampling.h"
#include "assim/square_root.h"

enum { VESSEL = 0, SYSTEMS = 2, LANES = 19 };
enum { OUTLET = 0, INFLOW, LEVEL, TAG, DRAIN };

static const gm_field vessel_fields[] = {
    [OUTLET] = { "outlet", "1/s", GM_PARAMETER, GM_F64, 0.1, 0.0, 10.0, "share drained a second" },
    [INFLOW] = { "inflow", "m/s", GM_INPUT, GM_F64, 0.0, -1e6, 1e6, "from the other vessel" },
    [LEVEL] = { "level", "m", GM_STATE, GM_F64, 1.0, -1e6, 1e6, "level" },
    [TAG] = { "tag", "1", GM_PARAMETER, GM_I32, 0.0, 0.0, 1e9, "which lane this came from" },
    [DRAIN] = { "drain", "m/s", GM_OUTPUT, GM_F64, 0.0, -1e6, 1e6, "what leaves" },
};
static const gm_class vessel_class = {
    .name = "vessel", .doc = "a vessel", .fields = vessel_fields, .field_count = 5
};

static gm_status build_vessel(gm_model *model, const gm_config *config, gm_error *error)
{
    (void)config;
    gm_status status = gm_model_class(model, VESSEL, &vessel_class, error);
    return status == GM_OK ? gm_model_element(model, VESSEL, "v", NULL, error) : status;
}

static void vessel_rate(const gm_model *model, const gm_block *at, double *restrict rate)
{
    (void)model;
    const double *outlet = gm_column(at, VESSEL, OUTLET), *inflow = gm_column(at, VESSEL, INFLOW);
    const double *level = gm_column(at, VESSEL, LEVEL);
    double *change = gm_rate_column(at, rate, VESSEL, LEVEL);
    for (int lane = 0; lane < at->width; lane++) {
        change[lane] = inflow[lane] - outlet[lane] * level[lane];
    }
}

static void vessel_observe(const gm_model *model, gm_block *block, const gm_wanted *wanted)
{
    (void)model;
    (void)wanted;
    const double *outlet = gm_column(block, VESSEL, OUTLET);
    const double *level = gm_column(block, VESSEL, LEVEL);
    double *drain = gm_column(block, VESSEL, DRAIN);
    for (int lane = 0; drain != NULL && lane < block->width; lane++) {
        drain[lane] = outlet[lane] * level[lane];
    }
}

static const gm_domain vessel = { .name = "vessel",
                                  .summary = "a vessel",
                                  .source = "a linear reservoir",
                                  .schema = 1,
                                  .build = build_vessel,
                                  .rate = vessel_rate,
                                  .observe = vessel_observe };

typedef struct pair {
    gm_model *models[SYSTEMS];
    gm_layout *layout;
    gm_state *state;
} pair;

static gm_ref at(uint32_t system, uint32_t field)
{
    return (gm_ref){ system, VESSEL, field, 0 };
}

/// What lane number `first + k` of the full ensemble is, as lane k.
static pair open_pair(size_t lanes, size_t first)
{
    pair made = { 0 };
    gm_error error = { 0 };
    must(gm_model_build(&vessel, "a", NULL, &made.models[0], &error), &error);
    must(gm_model_build(&vessel, "b", NULL, &made.models[1], &error), &error);
    const gm_model *systems[] = { made.models[0], made.models[1] };
    must(gm_layout_create(systems, SYSTEMS, lanes, NULL, &made.layout, &error), &error);
    must(gm_state_create(made.layout, 0, &made.state, &error), &error);
    gm_random random = gm_random_for(9, "pair");
    for (uint32_t system = 0; system < SYSTEMS; system++) {
        double outlet[LANES], level[LANES], tag[LANES];
        for (size_t lane = 0; lane < lanes; lane++) {
            gm_draw draw = { (uint32_t)(first + lane), system, 0, 0 };
            outlet[lane] = 0.1 + 0.05 * gm_random_uniform(random, draw);
            draw.purpose = 1;
            level[lane] = 5.0 + gm_random_normal(random, draw);
            tag[lane] = (double)(first + lane);
        }
        write_lanes(made.state, at(system, OUTLET), outlet);
        write_lanes(made.state, at(system, LEVEL), level);
        write_lanes(made.state, at(system, TAG), tag);
    }
    return made;
}

static void close_pair(pair *made)
{
    gm_state_close(made->state);
    gm_layout_close(made->layout);
    gm_model_close(made->models[0]);
    gm_model_close(made->models[1]);
}

/// One cycle of the loop: both links carry what was, then both systems move.
static void cycle(pair *made, gm_workers *workers)
{
    double drains[SYSTEMS][LANES];
    int64_t until_ns = gm_state_time(made->state) + second_ns;
    gm_error error = { 0 };
    for (uint32_t system = 0; system < SYSTEMS; system++) {
        read_lanes(made->state, at(system, DRAIN), drains[system]);
    }
    for (uint32_t system = 0; system < SYSTEMS; system++) {
        write_lanes(made->state, at(system, INFLOW), drains[1 - system]);
        must(gm_state_advance(made->state, system, until_ns, workers, &error), &error);
    }
    must(gm_state_set_time(made->state, until_ns, &error), &error);
}

static void lane_k_of_one_drives_lane_k_of_the_other(void **state)
{
    (void)state;
    pair all = open_pair(LANES, 0);
    gm_workers *workers = NULL;
    assert_int_equal(gm_workers_create(2, &workers, NULL), GM_OK);
    for (int step = 0; step < 30; step++) {
        cycle(&all, workers);
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        pair alone = open_pair(1, lane); // a world of this lane alone lives the same life
        for (int step = 0; step < 30; step++) {
            cycle(&alone, NULL);
        }
        for (uint32_t system = 0; system < SYSTEMS; system++) {
            double here[LANES], there[1];
            read_lanes(all.state, at(system, LEVEL), here);
            read_lanes(alone.state, at(system, LEVEL), there);
            assert_memory_equal(&here[lane], there, sizeof there);
        }
        close_pair(&alone);
    }
    gm_workers_close(workers);
    close_pair(&all);
}

static void resampling_moves_whole_lanes_of_the_group(void **state)
{
    (void)state;
    pair all = open_pair(LANES, 0);
    const double truth = 6.0;
    for (int step = 0; step < 40; step++) {
        cycle(&all, NULL);
        if (step % 10 != 9) {
            continue;
        }
        // only the first vessel is measured; lanes of both are chosen by it
        double level[LANES], logs[LANES], weights[LANES];
        uint32_t counts[LANES], source[LANES];
        double before[SYSTEMS][LANES], after[SYSTEMS][LANES];
        gm_error error = { 0 };
        read_lanes(all.state, at(0, LEVEL), level);
        for (uint32_t lane = 0; lane < LANES; lane++) {
            logs[lane] = -0.5 * (level[lane] - truth) * (level[lane] - truth) / 0.25;
        }
        must(gm_weights_from_logs(logs, LANES, weights, &error), &error);
        gm_resample(weights, LANES, 0.37, counts, source);
        read_lanes(all.state, at(0, LEVEL), before[0]);
        read_lanes(all.state, at(1, LEVEL), before[1]);
        must(gm_state_resample(all.state, source, &error), &error);
        read_lanes(all.state, at(0, LEVEL), after[0]);
        read_lanes(all.state, at(1, LEVEL), after[1]);
        double tags[SYSTEMS][LANES];
        read_lanes(all.state, at(0, TAG), tags[0]);
        read_lanes(all.state, at(1, TAG), tags[1]);
        for (uint32_t lane = 0; lane < LANES; lane++) {
            assert_true(tags[0][lane] == tags[1][lane]); // both vessels from the same world
            assert_true(after[0][lane] == before[0][source[lane]]);
            assert_true(after[1][lane] == before[1][source[lane]]);
        }
    }
    close_pair(&all);
}

/// Reads the levels of both vessels into values[2][LANES].
static void read_levels(const pair *all, double values[SYSTEMS][LANES])
{
    read_lanes(all->state, at(0, LEVEL), values[0]);
    read_lanes(all->state, at(1, LEVEL), values[1]);
}

static double covariance(const double *a, const double *b)
{
    double mean_a = 0.0, mean_b = 0.0, sum = 0.0;
    for (size_t lane = 0; lane < LANES; lane++) {
        mean_a += a[lane] / LANES;
        mean_b += b[lane] / LANES;
    }
    for (size_t lane = 0; lane < LANES; lane++) {
        sum += (a[lane] - mean_a) * (b[lane] - mean_b);
    }
    return sum / (LANES - 1);
}

static void the_square_root_update_moves_the_group_lane_by_lane(void **state)
{
    (void)state;
    pair all = open_pair(LANES, 0);
    for (int step = 0; step < 20; step++) {
        cycle(&all, NULL);
    }
    double before[SYSTEMS][LANES], values[SYSTEMS][LANES], predictions[LANES];
    const double measured = 6.0, variance = 0.01;
    read_levels(&all, before);
    read_levels(&all, values);
    memcpy(predictions, values[0], sizeof predictions);
    gm_analysis analysis = { .lanes = LANES,
                             .values = &values[0][0],
                             .value_count = SYSTEMS,
                             .predictions = predictions,
                             .measurement_count = 1,
                             .measured = &measured,
                             .variance = &variance };
    gm_error error = { 0 };
    must(gm_square_root_update(&analysis, NULL, &error), &error);
    write_lanes(all.state, at(0, LEVEL), values[0]);
    write_lanes(all.state, at(1, LEVEL), values[1]);
    // the vessel nobody measured moves by regression on the measured one, lane by lane
    double slope = covariance(before[1], before[0]) / covariance(before[0], before[0]);
    assert_true(fabs(slope) > 0.1); // the loop has linked them
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_close(values[1][lane] - before[1][lane], slope * (values[0][lane] - before[0][lane]),
                     1e-10);
    }
    assert_true(covariance(values[0], values[0]) < 0.02);
    assert_true(covariance(values[1], values[1]) < covariance(before[1], before[1]));
    // and lanes go on as pairs: lane k from its new levels alone lives the same life
    gm_state *fork = NULL;
    must(gm_state_fork(all.state, &fork, &error), &error);
    uint32_t source[LANES];
    for (uint32_t lane = 0; lane < LANES; lane++) {
        source[lane] = 4; // every lane becomes lane 4
    }
    must(gm_state_resample(fork, source, &error), &error);
    pair clones = all;
    clones.state = fork;
    for (int step = 0; step < 20; step++) {
        cycle(&all, NULL);
        cycle(&clones, NULL);
    }
    read_levels(&all, before);
    read_levels(&clones, values);
    for (size_t lane = 0; lane < LANES; lane++) {
        assert_true(values[0][lane] == before[0][4] && values[1][lane] == before[1][4]);
    }
    gm_state_close(fork);
    close_pair(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lane_k_of_one_drives_lane_k_of_the_other),
        cmocka_unit_test(resampling_moves_whole_lanes_of_the_group),
        cmocka_unit_test(the_square_root_update_moves_the_group_lane_by_lane),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
